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
    bool closed; /**< what is found now was found before: it is not taken down */
} insp_findings_log;

/** How far a log was at some time. */
typedef struct insp_findings_mark {
    size_t len;
    uint64_t left_out;
} insp_findings_mark;

/** `rule` must live as long as the log. Where memory runs out the finding is only counted. */
__attribute__((format(printf, 4, 5))) void insp_found(insp_findings_log *log, const char *rule,
                                                      insp_addr addr, const char *fmt, ...);

/** Drop what was found after a time that the log was marked at. */
void insp_findings_cut(insp_findings_log *log, insp_findings_mark mark);

void insp_findings_deinit(insp_findings_log *log);

#endif
