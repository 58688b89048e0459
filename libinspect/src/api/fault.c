// SPDX-License-Identifier: MIT
/**
 * @file
 * How the target died, as far as registers and code tell.
 */
#include "../analysis/fault.h"

#include "session.h"

insp_status insp_fault_info(insp_session *s, const insp_fault **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    for (uint32_t i = 0; !st && i < s->images.len; i++)
        st = insp_image_load_symbols(&s->images.at[i], &s->space, &s->text, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_fault *answer = insp_answer_new(sizeof(*answer), &arena);
    if (!answer)
        return insp_nomem(err);
    const insp_signal_info said = {.signal = s->core.signal ? s->core.signal : s->target.signal,
                                   .code = s->core.signal_code,
                                   .has_addr = s->core.has_fault_addr,
                                   .addr = s->core.fault_addr};
    st = insp_fault_look(&s->py, s->threads, &said, arena, answer, err);
    if (st) {
        insp_answer_free(answer);
        return st;
    }
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
