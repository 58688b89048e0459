// SPDX-License-Identifier: MIT
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void insp_found(insp_findings_log *log, const char *rule, insp_addr addr, const char *fmt, ...)
{
    if (log->closed)
        return;
    if (log->rows.len >= INSP_FINDINGS_KEPT) {
        log->left_out++;
        return;
    }
    char text[240];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    const char *kept = NULL;
    if (n >= 0)
        kept = insp_arena_text(&log->text, text, strlen(text));
    if (!kept || !insp_finding_rows_push(&log->rows, (insp_finding){rule, kept, addr}))
        log->left_out++;
}

void insp_findings_cut(insp_findings_log *log, insp_findings_mark mark)
{
    log->rows.len = mark.len;
    log->left_out = mark.left_out;
}

void insp_findings_deinit(insp_findings_log *log)
{
    insp_arena_deinit(&log->text);
    insp_finding_rows_deinit(&log->rows);
}
