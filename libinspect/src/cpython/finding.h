// SPDX-License-Identifier: MIT
/**
 * @file
 * What is odd in a target: a rule that does not hold, where, and a sentence.
 *
 * Findings never stop the work. A rule that fails again and again is counted, not kept.
 */
#ifndef INSP_CPYTHON_FINDING_H
#define INSP_CPYTHON_FINDING_H

#include "../base/arena.h"
#include "../base/error.h"
#include "../base/vec.h"

enum { INSP_FINDINGS_KEPT = 1000 };

INSP_VEC(insp_finding_rows, insp_finding);

typedef struct insp_findings_log {
    insp_arena text;
    insp_finding_rows rows;
    uint64_t left_out;
} insp_findings_log;

/** `rule` must live as long as the log. Where memory runs out the finding is only counted. */
__attribute__((format(printf, 4, 5))) void insp_found(insp_findings_log *log, const char *rule,
                                                      insp_addr addr, const char *fmt, ...);

void insp_findings_deinit(insp_findings_log *log);

#endif
