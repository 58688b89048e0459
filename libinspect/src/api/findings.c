// SPDX-License-Identifier: MIT
/**
 * @file
 * What is wrong in the target.
 */
#include <string.h>

#include "../analysis/checks.h"
#include "session.h"

// Adds the rows of a log to an answer that has room for them; slots without an object on request.
static bool add(insp_findings *answer, insp_finding *rows, insp_arena *arena,
                const insp_findings_log *log, bool references)
{
    bool fits = true;
    for (size_t i = 0; fits && i < log->rows.len; i++) {
        insp_finding row = log->rows.at[i];
        if (!references && !strcmp(row.rule, "reference"))
            continue;
        fits = insp_answer_text(arena, row.text, &row.text);
        rows[answer->len++] = row;
    }
    answer->left_out += log->left_out;
    return fits;
}

static insp_status answer_of(insp_session *s, const insp_findings_log *second,
                             const insp_findings **out, insp_error *err)
{
    const insp_findings_log *first = &s->findings;
    insp_arena *arena;
    size_t n = first->rows.len + (second ? second->rows.len : 0);
    insp_findings *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_finding *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    bool fits = rows && add(answer, rows, arena, first, !second) &&
                (!second || add(answer, rows, arena, second, false));
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    insp_status st = second ? insp_answer_check(s, answer, err) : INSP_OK;
    if (!st)
        *out = answer;
    return st;
}

insp_status insp_session_findings(insp_session *s, const insp_findings **out, insp_error *err)
{
    return answer_of(s, NULL, out, err);
}

insp_status insp_heap_findings(insp_session *s, const insp_findings **out, insp_error *err)
{
    INSP_GUARDED;
    insp_findings_log log = {.left_out = 0};
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (!st)
        st = insp_checks_run(&s->heap, &log, err);
    if (!st)
        st = answer_of(s, &log, out, err);
    insp_findings_deinit(&log);
    return st;
}
