// SPDX-License-Identifier: MIT
/**
 * @file
 * Where objects were allocated.
 */
#include "../object/str.h"
#include "session.h"

static bool keep_frame(insp_session *s, const insp_trace *trace, uint32_t i, insp_arena *arena,
                       insp_line *out)
{
    insp_reader r = insp_reader_of(&s->space, &s->py.layout);
    insp_trace_frame frame;
    char name[1024];
    bool known = insp_trace_frame_at(&r, trace, i, &frame);
    if (known && s->py.tracemalloc.c_names)
        known = insp_space_text(&s->space, frame.filename, name, sizeof(name)) >= 0;
    else if (known)
        known = insp_str_read(&r, frame.filename, name, sizeof(name)) >= 0;
    out->line = known ? frame.line : 0;
    return insp_answer_text(arena, known ? name : "?", &out->file);
}

static bool fill(insp_session *s, insp_addr block, insp_arena *arena, insp_allocation *answer)
{
    insp_reader r = insp_reader_of(&s->space, &s->py.layout);
    insp_trace trace;
    if (!insp_trace_of(&r, &s->py.tracemalloc, block, &trace))
        return true;
    insp_line *rows = insp_arena_array(arena, trace.n_frames + 1, sizeof(*rows));
    bool fits = rows != NULL;
    for (uint32_t i = 0; fits && i < trace.n_frames; i++)
        fits = keep_frame(s, &trace, i, arena, &rows[i]);
    *answer = (insp_allocation){trace.size, rows, trace.n_frames, trace.n_all - trace.n_frames};
    return fits;
}

insp_status insp_allocation_of(insp_session *s, insp_addr addr, const insp_allocation **out,
                               insp_error *err)
{
    INSP_GUARDED;
    insp_object object;
    insp_status st = insp_object_look(s, addr, &object, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_allocation *answer = insp_answer_new(sizeof(*answer), &arena);
    uint64_t place = (uint64_t)(s->heap.kind.at[object.number] & INSP_K_PLACE_MASK) * 16;
    if (!answer || !fill(s, addr - place, arena, answer)) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
