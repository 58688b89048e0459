// SPDX-License-Identifier: MIT
/**
 * @file
 * Questions about the whole heap: what does not balance, what is garbage, which cycles there are.
 */
#include <stdlib.h>
#include <string.h>

#include "../analysis/cycles.h"
#include "../analysis/decoders.h"
#include "../analysis/search.h"
#include "../object/str.h"
#include "session.h"

/** A copy of numbers in an answer's arena. */
static bool keep(insp_arena *arena, const insp_u32s *from, const uint32_t **to, size_t *n)
{
    uint32_t *rows = insp_arena_array(arena, from->len + 1, sizeof(*rows));
    if (rows && from->len)
        memcpy(rows, from->at, from->len * sizeof(*rows));
    *to = rows;
    *n = from->len;
    return rows != NULL;
}

insp_status insp_unbalanced(insp_session *s, const insp_numbers **out, insp_error *err)
{
    insp_status st = insp_need(s, INSP_STAGE_NATIVE, err);
    insp_u32s found = {0};
    if (!st)
        st = insp_ledger_unbalanced(&s->heap, &s->native, &found, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_numbers *answer = insp_answer_new(sizeof(*answer), &arena);
    bool fits = answer && keep(arena, &found, &answer->rows, &answer->len);
    insp_u32s_deinit(&found);
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    *out = answer;
    return INSP_OK;
}

insp_status insp_search_objects(insp_session *s, const insp_query *query,
                                const insp_search **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REVERSE, err);
    insp_matches found = {.count = 0};
    if (!st)
        st = insp_search_run(&s->heap, &s->reverse, query, &found, err);
    insp_arena *arena;
    insp_search *answer = st ? NULL : insp_answer_new(sizeof(*answer), &arena);
    bool fits = answer && keep(arena, &found.numbers, &answer->rows, &answer->len);
    insp_matches_deinit(&found);
    if (st)
        return st;
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->count = found.count;
    answer->size = found.size;
    answer->bytes = found.bytes;
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}

void insp_session_forget_replay(insp_session *s)
{
    insp_replay_deinit(&s->replay);
    s->replay = (insp_replay){.tracked = 0};
    s->replayed = false;
}

insp_status insp_session_replay(insp_session *s, insp_error *err)
{
    if (s->replayed)
        return INSP_OK;
    insp_status st = insp_replay_run(&s->heap, &s->graph, &s->replay, err);
    // Memory that was not there yet has made of it what it likes.
    if (!st)
        st = insp_session_check(s, err);
    if (st)
        insp_session_forget_replay(s);
    s->replayed = !st;
    return st;
}

insp_status insp_garbage_replay(insp_session *s, const insp_garbage **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    const insp_replay *r = &s->replay;
    insp_arena *arena;
    insp_garbage *answer = insp_answer_new(sizeof(*answer), &arena);
    st = answer ? insp_session_replay(s, err) : insp_nomem(err);
    if (!st) {
        answer->tracked = r->tracked;
        bool fits =
            keep(arena, &r->unreachable, &answer->unreachable, &answer->n_unreachable) &&
            keep(arena, &r->with_them, &answer->with_them, &answer->n_with_them) &&
            keep(arena, &r->finalizers, &answer->finalizers, &answer->n_finalizers) &&
            keep(arena, &r->callbacks, &answer->callbacks, &answer->n_callbacks) &&
            keep(arena, &r->may_resurrect, &answer->may_resurrect, &answer->n_may_resurrect) &&
            keep(arena, &r->uncollectable, &answer->uncollectable, &answer->n_uncollectable) &&
            keep(arena, &r->below_zero, &answer->below_zero, &answer->n_below_zero);
        st = fits ? INSP_OK : insp_nomem(err);
    }
    if (st)
        insp_answer_free(answer);
    else
        *out = answer;
    return st;
}

// The oldest list that holds a member: a component goes when that one is collected.
static const char *oldest(const insp_heap *h, const uint32_t *members, size_t n)
{
    insp_gc_state found = INSP_GC_NONE;
    for (size_t i = 0; i < n; i++) {
        insp_gc_state state = insp_heap_gc(h, members[i]);
        found = state > found ? state : found;
    }
    return insp_gc_name(found);
}

static insp_status keep_cycles(const insp_heap *h, const insp_cycle_set *set,
                               const insp_cycles **out, insp_error *err)
{
    insp_arena *arena;
    insp_cycles *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_component *rows =
        answer ? insp_arena_array(arena, set->rows.len + 1, sizeof(*rows)) : NULL;
    if (!rows || !keep(arena, &set->members, &answer->members, &answer->n_members)) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    if (set->rows.len)
        memcpy(rows, set->rows.at, set->rows.len * sizeof(*rows));
    for (size_t i = 0; i < set->rows.len; i++)
        rows[i].gc = oldest(h, answer->members + rows[i].first, rows[i].count);
    answer->rows = rows;
    answer->len = set->rows.len;
    *out = answer;
    return INSP_OK;
}

insp_status insp_cycle_list(insp_session *s, const insp_cycles **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    insp_cycle_set set = {.rows = {0}};
    st = insp_session_replay(s, err);
    if (!st)
        st = insp_cycles_find(&s->heap, &s->graph, &s->replay, &set, err);
    if (!st)
        st = insp_session_check(s, err);
    if (!st)
        st = keep_cycles(&s->heap, &set, out, err);
    insp_cycles_deinit(&set);
    return st;
}

insp_status insp_check_decoders(insp_session *s, uint32_t per_type,
                                const insp_decoder_check **out, insp_error *err)
{
    INSP_GUARDED;
    INSP_CLEANUP(insp_decoder_rows_deinit) insp_decoder_rows found = {0};
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (!st)
        st = insp_decoders_check(&s->heap, per_type, &found, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_decoder_check *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_decoder_row *rows =
        answer ? insp_arena_array(arena, found.len + 1, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    if (found.len)
        memcpy(rows, found.at, found.len * sizeof(*rows));
    *answer = (insp_decoder_check){rows, found.len};
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}

// The state of a module is called by the module's name; false where memory runs out.
static bool in_state(insp_session *s, const insp_native_word *w, insp_arena *arena,
                     insp_candidate *row)
{
    insp_reader *r = &s->heap.decoder.r;
    insp_addr module = insp_heap_addr(&s->heap, w->where);
    char name[200] = "?";
    (void)insp_str_read(r, INSP_U64(r, module, PyModuleObject, md_name), name, sizeof(name));
    row->section = "state";
    row->offset = w->addr - INSP_U64(r, module, PyModuleObject, md_state);
    return insp_answer_text(arena, name, &row->module);
}

static insp_candidate candidate(const insp_session *s, const insp_native_word *w)
{
    insp_candidate row = {.addr = w->addr,
                          .object = w->object,
                          .where = insp_native_name(w->place),
                          .module = "",
                          .section = "",
                          .symbol = ""};
    if (w->place != INSP_NATIVE_DATA)
        return row;
    const insp_image *image = &s->images.at[w->where];
    const insp_section *section = insp_image_section_at(image, w->addr);
    const insp_symbol *symbol = insp_image_symbol_at(image, w->addr);
    row.module = image->path;
    row.section = section ? section->name : "";
    row.offset = w->addr - (section ? section->start : image->start);
    row.symbol = symbol ? symbol->name : "";
    return row;
}

insp_status insp_candidates_of(insp_session *s, uint32_t number, const insp_candidates **out,
                               insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_NATIVE, err);
    if (!st && !insp_heap_is_object(&s->heap, number))
        st = insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no object number %u", number);
    if (st)
        return st;
    size_t n;
    const insp_native_word *words = insp_native_of(&s->native, number, &n);
    insp_arena *arena;
    insp_candidates *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_candidate *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    bool fits = true;
    for (size_t i = 0; i < n; i++) {
        if (words[i].place == INSP_NATIVE_DATA)
            (void)insp_image_load_symbols(&s->images.at[words[i].where], &s->space, &s->text,
                                          NULL);
        rows[i] = candidate(s, &words[i]);
        fits = fits &&
               (words[i].place != INSP_NATIVE_STATE || in_state(s, &words[i], arena, &rows[i]));
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    *answer = (insp_candidates){rows,
                                n,
                                s->native.modules,
                                s->native.threads,
                                s->native.malloc_blocks,
                                s->native.unreadable};
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
