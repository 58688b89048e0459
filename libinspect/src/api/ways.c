// SPDX-License-Identifier: MIT
/**
 * @file
 * Questions about ways through the graph: rings, what leads to an object, what goes with it.
 */
#include "../analysis/cycles.h"
#include "../analysis/paths.h"
#include "session.h"

static insp_status need_object(insp_session *s, insp_stage stage, uint32_t number,
                               insp_error *err)
{
    insp_status st = insp_need(s, stage, err);
    if (st || insp_heap_is_object(&s->heap, number))
        return st;
    return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no object number %u", number);
}

// The edges from each of some nodes to the next; from the last to the first where they are a ring.
static insp_status edges_along(insp_session *s, const uint32_t *nodes, size_t n, bool ring,
                               insp_edge *out, insp_arena *arena, insp_error *err)
{
    insp_status st = INSP_OK;
    for (size_t i = 0; !st && i + (ring ? 0 : 1) < n; i++) {
        bool found;
        st = insp_edge_between(s, nodes[i], nodes[(i + 1) % n], ring, arena, &out[i], &found,
                               err);
        if (!st && !found)
            st = insp_session_check(s, err);
        if (!st && !found)
            st = insp_fail(err, INSP_ERR_CHANGED, insp_heap_addr(&s->heap, nodes[i]),
                           "a reference found before is not there any more");
    }
    return st;
}

static insp_status fill_rings(insp_session *s, const insp_u32s *nodes, const insp_u32s *lengths,
                              insp_rings *answer, insp_arena *arena, insp_error *err)
{
    insp_edge *edges = insp_arena_array(arena, nodes->len + 1, sizeof(*edges));
    size_t *sizes = insp_arena_array(arena, lengths->len + 1, sizeof(*sizes));
    insp_status st = edges && sizes ? INSP_OK : insp_nomem(err);
    size_t first = 0;
    for (size_t k = 0; !st && k < lengths->len; k++) {
        sizes[k] = lengths->at[k];
        st = edges_along(s, nodes->at + first, sizes[k], true, edges + first, arena, err);
        first += sizes[k];
    }
    *answer = (insp_rings){edges, nodes->len, sizes, lengths->len};
    return st;
}

insp_status insp_rings_through(insp_session *s, uint32_t number, uint32_t limit,
                               const insp_rings **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = need_object(s, INSP_STAGE_REFERENCES, number, err);
    if (st)
        return st;
    insp_u32s nodes = {0}, lengths = {0};
    insp_arena *arena;
    insp_rings *answer = insp_answer_new(sizeof(*answer), &arena);
    st = answer ? insp_rings_find(&s->heap, &s->graph, number, limit, &nodes, &lengths, err)
                : insp_nomem(err);
    if (!st)
        st = fill_rings(s, &nodes, &lengths, answer, arena, err);
    insp_u32s_deinit(&nodes);
    insp_u32s_deinit(&lengths);
    if (!st)
        st = insp_session_check(s, err);
    if (st)
        insp_answer_free(answer);
    else
        *out = answer;
    return st;
}

insp_status insp_path_to(insp_session *s, uint32_t number, const insp_path **out,
                         insp_error *err)
{
    INSP_GUARDED;
    insp_status st = need_object(s, INSP_STAGE_REFERENCES, number, err);
    if (st)
        return st;
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s nodes = {0};
    insp_arena *arena;
    insp_path *answer = insp_answer_new(sizeof(*answer), &arena);
    st = answer ? insp_owner_path(&s->heap, &s->graph, number, &answer->origin, &nodes, err)
                : insp_nomem(err);
    insp_edge *edges = st ? NULL : insp_arena_array(arena, nodes.len + 1, sizeof(*edges));
    if (!st && !edges)
        st = insp_nomem(err);
    if (!st)
        st = edges_along(s, nodes.at, nodes.len, false, edges, arena, err);
    if (!st)
        st = insp_session_check(s, err);
    if (st) {
        insp_answer_free(answer);
        return st;
    }
    answer->start = nodes.len ? nodes.at[0] : INSP_NONE;
    answer->edges = edges;
    answer->n_edges = nodes.len ? nodes.len - 1 : 0;
    *out = answer;
    return INSP_OK;
}

static insp_retained_row retained_row(const insp_session *s, uint32_t number)
{
    const insp_retained_tree *t = &s->retained;
    if (number == INSP_NONE || t->idom[number] == INSP_NONE)
        return (insp_retained_row){.number = number};
    return (insp_retained_row){number, t->objects[number], t->bytes[number]};
}

static insp_status keep_retained(insp_session *s, uint32_t self, const insp_u32s *numbers,
                                 const insp_retained **out, insp_error *err)
{
    insp_arena *arena;
    insp_retained *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_retained_row *rows =
        answer ? insp_arena_array(arena, numbers->len + 1, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    for (size_t i = 0; i < numbers->len; i++)
        rows[i] = retained_row(s, numbers->at[i]);
    insp_retained_row own = retained_row(s, self);
    *answer = (insp_retained){own.objects, own.bytes, rows, numbers->len};
    *out = answer;
    return INSP_OK;
}

insp_status insp_retained_by(insp_session *s, uint32_t number, const insp_retained **out,
                             insp_error *err)
{
    INSP_GUARDED;
    insp_status st = need_object(s, INSP_STAGE_RETAINED, number, err);
    if (st)
        return st;
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s below = {0};
    st = insp_retained_below(&s->heap, &s->retained, number, &below, err);
    return st ? st : keep_retained(s, number, &below, out, err);
}

insp_status insp_retained_most_by(insp_session *s, uint32_t limit, const insp_retained **out,
                                  insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RETAINED, err);
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s most = {0};
    if (!st)
        st = insp_retained_most(&s->heap, &s->retained, limit, &most, err);
    return st ? st : keep_retained(s, INSP_NONE, &most, out, err);
}
