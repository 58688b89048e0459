// SPDX-License-Identifier: MIT
#include <string.h>

#include "../object/frame.h"
#include "../object/str.h"
#include "session.h"

enum { MAX_FRAMES = 1 << 20 };

static const char *text_of(insp_session *s, insp_arena *arena, insp_addr str)
{
    char buf[512];
    if (insp_str_read(&s->heap.decoder.r, str, buf, sizeof(buf)) < 0)
        return "?";
    const char *text = insp_arena_text(arena, buf, strlen(buf));
    return text ? text : "?";
}

static bool fill_locals(insp_session *s, const insp_iframe *f, insp_frame *to,
                        insp_arena *arena)
{
    insp_decoder *d = &s->heap.decoder;
    uint64_t left = d->most > d->looked ? d->most - d->looked : 0;
    uint32_t n = f->n_slots < left ? f->n_slots : (uint32_t)left;
    insp_local *rows = insp_arena_array(arena, n + 1u, sizeof(*rows));
    if (!rows)
        return false;
    uint32_t i = 0;
    for (; i < n && insp_goes_on(d); i++) {
        bool cell;
        insp_addr name = insp_iframe_name(d, f, i, &cell);
        rows[i] = (insp_local){.name = name ? text_of(s, arena, name) : "",
                               .value = insp_iframe_value(d, f, i),
                               .kind = !name  ? "stack"
                                       : cell ? "cell"
                                              : "local"};
        d->r.bad = false;
    }
    to->locals = rows;
    to->n_locals = i;
    return true;
}

static insp_frame frame_row(insp_session *s, const insp_iframe *f, insp_arena *arena)
{
    insp_decoder *d = &s->heap.decoder;
    insp_frame row = {.addr = f->addr,
                      .code = f->code,
                      .globals = f->globals,
                      .builtins = f->builtins,
                      .locals_dict = f->locals,
                      .frame_object = f->frame_object};
    row.function = text_of(s, arena, insp_code_name(d, f->code));
    row.file = text_of(s, arena, INSP_U64(&d->r, f->code, PyCodeObject, co_filename));
    row.line = insp_code_line(d, f->code, f->instr);
    if (f->frame_object == f->addr)
        row.owner = f->generator;
    else if (f->owner == INSP_FRAME_GENERATOR)
        row.owner = f->addr - (uint32_t)INSP_OFF(&s->py.layout, PyGenObject, gi_iframe);
    else if (f->owner == INSP_FRAME_OBJECT)
        row.owner = f->addr - (uint32_t)INSP_OFF(&s->py.layout, PyFrameObject, _f_frame_data);
    return row;
}

// A frame is one thread's: damaged threads may share a chain, and each of its frames is shown once.
static uint64_t count_frames(insp_session *s, insp_addr at, insp_map *met, bool *fits)
{
    insp_iframe f;
    uint64_t n = 0;
    for (; *fits && at && n < MAX_FRAMES && insp_map_get(met, at) == INSP_MAP_NONE &&
           insp_iframe_look(&s->heap.decoder, at, &f);
         n++) {
        *fits = insp_map_set(met, at, 1);
        at = f.previous;
    }
    s->heap.decoder.r.bad = false;
    return n;
}

static bool fill_frames(insp_session *s, insp_addr at, insp_map *met, insp_thread *to,
                        insp_arena *arena)
{
    bool fits = true;
    uint64_t n = count_frames(s, at, met, &fits);
    insp_frame *rows = fits ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    for (uint64_t i = 0; rows && i < n; i++) {
        insp_iframe f;
        if (!insp_iframe_look(&s->heap.decoder, at, &f))
            break;
        rows[i] = frame_row(s, &f, arena);
        if (!fill_locals(s, &f, &rows[i], arena))
            return false;
        to->n_frames = i + 1;
        at = f.previous;
    }
    to->frames = rows;
    return rows != NULL;
}

static bool is_exception(insp_session *s, insp_addr value)
{
    insp_reader *r = &s->heap.decoder.r;
    const insp_typeinfo *t =
        value ? insp_type_at(&s->heap.types, r, INSP_U64(r, value, PyObject, ob_type)) : NULL;
    r->bad = false;
    return t && t->flags & INSP_TPF_BASE_EXC;
}

insp_status insp_thread_list(insp_session *s, const insp_threads **out, insp_error *err)
{
    static const char *const needed[] = {"PyObject", "PyTypeObject", "frames", NULL};
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (!st)
        st = insp_require(s, needed, err);
    if (st)
        return st;
    insp_arena *arena;
    size_t n = s->py.threads.len;
    insp_threads *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_thread *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    bool fits = rows != NULL;
    insp_map met = {0};
    // The locals of all frames are no more than memory holds.
    s->heap.decoder.looked = 0;
    s->heap.decoder.most = s->heap.memory / 8;
    for (size_t i = 0; fits && i < n; i++) {
        const insp_tstate *ts = &s->py.threads.at[i];
        rows[i] = (insp_thread){.addr = ts->addr,
                                .ident = ts->ident,
                                .tid = ts->tid,
                                .interp = ts->interp,
                                .holds_gil = ts->holds_gil,
                                .exception = ts->exception,
                                .handled = is_exception(s, ts->handled) ? ts->handled : 0};
        fits = fill_frames(s, ts->frame, &met, &rows[i], arena);
    }
    insp_map_deinit(&met);
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = n;
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
