// SPDX-License-Identifier: MIT
#include "garbage.h"

#include <stdlib.h>
#include <string.h>

/** A replay in progress. */
typedef struct replay {
    insp_heap *h;
    const insp_graph *g;
    insp_replay *out;
    insp_bits young;   // what the collection goes over
    insp_bits reached; // of these, what it keeps
    int32_t *refs;     // gc_refs, by number
} replay;

bool insp_is_visited_edge(const void *heap, uint64_t edge)
{
    const insp_heap *h = heap;
    return h->edge_kind.at[edge] & INSP_E_VISITED;
}

void insp_replay_deinit(insp_replay *r)
{
    insp_bits_deinit(&r->unreachable_set);
    insp_u32s_deinit(&r->unreachable);
    insp_u32s_deinit(&r->with_them);
    insp_u32s_deinit(&r->finalizers);
    insp_u32s_deinit(&r->callbacks);
    insp_u32s_deinit(&r->may_resurrect);
    insp_u32s_deinit(&r->uncollectable);
    insp_u32s_deinit(&r->below_zero);
}

// A full collection merges all generations; frozen objects stay out.
static bool takes_part(const insp_heap *h, uint32_t n)
{
    insp_gc_state gc = insp_heap_gc(h, n);
    return gc == INSP_GC_LOOSE || (gc >= INSP_GC_FIRST_LIST && gc < INSP_GC_FIRST_LIST + 3);
}

static bool is_exact_tuple(const insp_heap *h, uint32_t n)
{
    const insp_typeinfo *t = h->types.at.at[h->type.at[n]];
    return t->kind == INSP_KIND_TUPLE && !t->is_heap && !strcmp(t->name, "tuple");
}

// _PyObject_GC_MAY_BE_TRACKED
static bool may_be_tracked(const insp_heap *h, uint32_t n)
{
    bool tuple = is_exact_tuple(h, n);
    insp_gc_state gc = insp_heap_gc(h, n);
    return gc >= INSP_GC_FIRST_LIST || (gc == INSP_GC_UNTRACKED && !tuple);
}

// Without the GIL update_refs leaves out tuples that can be in no cycle: it untracks them first
// (Python/gc_free_threading.c, _PyTuple_MaybeUntrack).
static bool is_untracked_first(const replay *r, uint32_t n)
{
    const insp_heap *h = r->h;
    if (h->py->layout.flavour->gc != INSP_GC_NO_LISTS || !is_exact_tuple(h, n))
        return false;
    for (uint64_t e = r->g->off[n]; e < r->g->off[n + 1]; e++) {
        if (r->g->to[e] < h->n_objects && may_be_tracked(h, r->g->to[e]))
            return false;
    }
    return true;
}

static void update_refs(replay *r)
{
    for (uint32_t n = 0; n < r->h->n_objects; n++) {
        int64_t count;
        if (!insp_heap_is_object(r->h, n) || !takes_part(r->h, n) || is_untracked_first(r, n))
            continue;
        insp_bits_add(&r->young, n);
        r->out->tracked++;
        (void)insp_refcount(&r->h->decoder.r, r->h->py, insp_heap_addr(r->h, n), &count);
        r->refs[n] = count > INT32_MAX ? INT32_MAX : (int32_t)count;
    }
}

static void subtract_refs(replay *r)
{
    for (uint32_t n = 0; n < r->h->n_objects; n++) {
        if (!insp_bits_has(&r->young, n))
            continue;
        for (uint64_t e = r->g->off[n]; e < r->g->off[n + 1]; e++) {
            uint32_t to = r->g->to[e];
            if (insp_is_visited_edge(r->h, e) && insp_bits_has(&r->young, to))
                r->refs[to]--;
        }
    }
}

// What somebody outside holds, and what hangs on that.
static insp_status keep_reachable(replay *r, insp_error *err)
{
    for (uint32_t n = 0; n < r->h->n_objects; n++) {
        if (!insp_bits_has(&r->young, n))
            continue;
        if (r->refs[n] > 0)
            insp_bits_add(&r->reached, n);
        if (r->refs[n] < 0 && !insp_u32s_push(&r->out->below_zero, n))
            return insp_nomem(err);
    }
    insp_subgraph part = {.nodes = &r->young, .keep = insp_is_visited_edge, .ctx = r->h};
    return insp_graph_reach(r->g, &part, &r->reached, err);
}

static bool was_finalized(replay *r, uint32_t n)
{
    enum { FINALIZED = 1, FINALIZED_BIT = 2 };
    insp_reader *reader = &r->h->decoder.r;
    insp_addr addr = insp_heap_addr(r->h, n);
    if (r->h->py->layout.flavour->gc == INSP_GC_NO_LISTS)
        return INSP_U8(reader, addr, PyObject, ob_gc_bits) & FINALIZED_BIT;
    insp_addr head = addr - (uint32_t)INSP_OFF(&r->h->py->layout, PyGC_Head, sizeof);
    return INSP_U64(reader, head, PyGC_Head, _gc_prev) & FINALIZED;
}

static const insp_typeinfo *type_of(const replay *r, uint32_t n)
{
    return r->h->types.at.at[r->h->type.at[n]];
}

// Adds what `from` reaches among the unreachable, itself included.
static insp_status reach_from(replay *r, const insp_u32s *from, insp_u32s *out, insp_error *err)
{
    insp_bits set = {0};
    if (!from->len)
        return INSP_OK;
    if (!insp_bits_init(&set, r->g->nodes))
        return insp_nomem(err);
    for (size_t i = 0; i < from->len; i++)
        insp_bits_add(&set, from->at[i]);
    insp_subgraph part = {
        .nodes = &r->out->unreachable_set, .keep = insp_is_visited_edge, .ctx = r->h};
    insp_status st = insp_graph_reach(r->g, &part, &set, err);
    for (size_t i = 0; !st && i < r->out->unreachable.len; i++) {
        uint32_t n = r->out->unreachable.at[i];
        if (insp_bits_has(&set, n) && !insp_u32s_push(out, n))
            st = insp_nomem(err);
    }
    insp_bits_deinit(&set);
    return st;
}

static insp_status judge_unreachable(replay *r, insp_error *err)
{
    insp_u32s legacy = {0};
    bool fits = true;
    for (size_t i = 0; fits && i < r->out->unreachable.len; i++) {
        uint32_t n = r->out->unreachable.at[i];
        const insp_typeinfo *t = type_of(r, n);
        if (t->del)
            fits = insp_u32s_push(&legacy, n);
        else if (t->finalize && !was_finalized(r, n))
            fits = insp_u32s_push(&r->out->finalizers, n);
    }
    insp_status st =
        fits ? reach_from(r, &legacy, &r->out->uncollectable, err) : insp_nomem(err);
    if (!st)
        st = reach_from(r, &r->out->finalizers, &r->out->may_resurrect, err);
    insp_u32s_deinit(&legacy);
    return st;
}

// handle_weakrefs: a weakref outside calls back when what it points to goes.
static insp_status find_callbacks(replay *r, insp_error *err)
{
    insp_heap *h = r->h;
    insp_reader *reader = &h->decoder.r;
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (!insp_heap_is_object(h, n) || type_of(r, n)->kind != INSP_KIND_WEAKREF ||
            insp_bits_has(&r->out->unreachable_set, n))
            continue;
        insp_addr addr = insp_heap_addr(h, n);
        insp_addr callback = INSP_U64(reader, addr, PyWeakReference, wr_callback);
        uint32_t to = insp_heap_number(h, INSP_U64(reader, addr, PyWeakReference, wr_object));
        if (callback && to != INSP_NONE && insp_bits_has(&r->out->unreachable_set, to) &&
            !insp_u32s_push(&r->out->callbacks, n))
            return insp_nomem(err);
    }
    reader->bad = false;
    return INSP_OK;
}

// Reference counting does the rest: what only garbage owns goes with it.
static insp_status add_dependents(replay *r, insp_error *err)
{
    insp_u32s todo = {0};
    insp_map owned = {0};
    insp_heap *h = r->h;
    bool fits = true;
    for (size_t i = 0; fits && i < r->out->unreachable.len; i++)
        fits = insp_u32s_push(&todo, r->out->unreachable.at[i]);
    while (fits && todo.len) {
        uint32_t from = todo.at[--todo.len];
        for (uint64_t e = r->g->off[from]; fits && e < r->g->off[from + 1]; e++) {
            uint32_t to = r->g->to[e];
            int64_t count;
            if ((h->edge_kind.at[e] & INSP_E_KIND_MASK) != INSP_REF_OWNED ||
                insp_bits_has(&r->out->unreachable_set, to) ||
                !(h->kind.at[to] & INSP_K_COUNTED))
                continue;
            uint32_t n = insp_map_get(&owned, to);
            n = n == INSP_MAP_NONE ? 1 : n + 1;
            fits = insp_map_set(&owned, to, n);
            (void)insp_refcount(&h->decoder.r, h->py, insp_heap_addr(h, to), &count);
            if (fits && n == count)
                fits = insp_u32s_push(&r->out->with_them, to) && insp_u32s_push(&todo, to);
        }
    }
    insp_u32s_deinit(&todo);
    insp_map_deinit(&owned);
    return fits ? INSP_OK : insp_nomem(err);
}

typedef struct placed {
    insp_addr addr;
    uint32_t number;
} placed;

static int by_address(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

insp_status insp_sort_by_address(const insp_heap *h, uint32_t *numbers, size_t n,
                                 insp_error *err)
{
    placed *all = malloc((n + 1) * sizeof(*all));
    if (!all)
        return insp_nomem(err);
    for (size_t i = 0; i < n; i++)
        all[i] = (placed){insp_heap_addr(h, numbers[i]), numbers[i]};
    if (n)
        qsort(all, n, sizeof(*all), by_address);
    for (size_t i = 0; i < n; i++)
        numbers[i] = all[i].number;
    free(all);
    return INSP_OK;
}

static insp_status collect_unreachable(replay *r, insp_error *err)
{
    for (uint32_t n = 0; n < r->h->n_objects; n++) {
        if (!insp_bits_has(&r->young, n) || insp_bits_has(&r->reached, n))
            continue;
        insp_bits_add(&r->out->unreachable_set, n);
        if (!insp_u32s_push(&r->out->unreachable, n))
            return insp_nomem(err);
    }
    return insp_sort_by_address(r->h, r->out->unreachable.at, r->out->unreachable.len, err);
}

static insp_status run(replay *r, insp_error *err)
{
    update_refs(r);
    subtract_refs(r);
    insp_status st = keep_reachable(r, err);
    if (!st)
        st = collect_unreachable(r, err);
    if (!st)
        st = judge_unreachable(r, err);
    if (!st)
        st = find_callbacks(r, err);
    if (!st)
        st = add_dependents(r, err);
    insp_u32s *lists[] = {&r->out->with_them, &r->out->callbacks, &r->out->below_zero};
    for (size_t i = 0; !st && i < sizeof(lists) / sizeof(lists[0]); i++)
        st = insp_sort_by_address(r->h, lists[i]->at, lists[i]->len, err);
    return st;
}

insp_status insp_replay_run(insp_heap *h, const insp_graph *g, insp_replay *out,
                            insp_error *err)
{
    replay r = {.h = h, .g = g, .out = out};
    r.refs = calloc((size_t)g->nodes + 1, sizeof(*r.refs));
    bool fits = r.refs && insp_bits_init(&r.young, g->nodes) &&
                insp_bits_init(&r.reached, g->nodes) &&
                insp_bits_init(&out->unreachable_set, g->nodes);
    insp_status st = fits ? run(&r, err) : insp_nomem(err);
    insp_bits_deinit(&r.young);
    insp_bits_deinit(&r.reached);
    free(r.refs);
    return st;
}
