// SPDX-License-Identifier: MIT
/**
 * @file
 * A fake heap as a target that is opened through the public header: a core file, or memory that the
 * caller brings.
 */
#ifndef TESTS_SUPPORT_FAKECORE_H
#define TESTS_SUPPORT_FAKECORE_H

#include "../../include/libinspect.h"
#include "fakeheap.h"

/** The path of the interpreter in the target; there is no such file here. */
#define FAKE_PROGRAM "/nowhere/bin/python3.11"

/** Write a core of it; `path` holds at least 64 bytes. */
void fake_save(const fakeheap *f, char *path);

/** Open it as a target whose memory has to be brought. */
insp_session *fake_open_caller(void);

/** Bring what a job wants. */
void fake_bring(const fakeheap *f, insp_job *job);

/** Drive a job to its end, bringing what it wants; it is cancelled at its `n`-th wish. */
insp_status fake_drive(const fakeheap *f, insp_session *s, insp_stage stage, unsigned n,
                       insp_error *err);

#endif
