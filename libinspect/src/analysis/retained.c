// SPDX-License-Identifier: MIT
#include "retained.h"

#include <stdlib.h>

#include "../base/cleanup.h"
#include "../graph/scratch.h"
#include "paths.h"

/** The owned edges alone, and a node over all that lives by itself; it is the last one. */
typedef struct owned_graph {
    uint64_t *off;
    uint32_t *to;
} owned_graph;

static void owned_graph_deinit(owned_graph *g)
{
    free(g->off);
    free(g->to);
}

static uint64_t count_starts(const insp_heap *h)
{
    uint64_t n = 0;
    for (uint32_t v = 0; v < h->n_nodes; v++)
        n += insp_origin_of(h, v) != INSP_PATH_NONE;
    return n;
}

static insp_status owned_graph_init(const insp_heap *h, const insp_graph *g, owned_graph *out,
                                    insp_error *err)
{
    uint64_t edges = count_starts(h), n = 0;
    for (uint64_t e = 0; e < g->off[g->nodes]; e++)
        edges += insp_is_owned_edge(h, e);
    out->off = insp_scratch((size_t)g->nodes + 2, sizeof(*out->off));
    out->to = insp_scratch((size_t)edges + 1, sizeof(*out->to));
    if (!out->off || !out->to)
        return insp_nomem(err);
    for (uint32_t v = 0; v < g->nodes; v++) {
        out->off[v] = n;
        for (uint64_t e = g->off[v]; e < g->off[v + 1]; e++) {
            if (insp_is_owned_edge(h, e))
                out->to[n++] = g->to[e];
        }
    }
    out->off[g->nodes] = n;
    for (uint32_t v = 0; v < g->nodes; v++) {
        if (insp_origin_of(h, v) != INSP_PATH_NONE)
            out->to[n++] = v;
    }
    out->off[g->nodes + 1] = n;
    return INSP_OK;
}

// From the leaves up: dominators stand before those they dominate.
static void add_up(insp_heap *h, insp_retained_tree *t)
{
    for (uint32_t n = 0; n < h->n_nodes; n++) {
        insp_addr block;
        uint64_t size;
        bool object = insp_heap_is_object(h, n);
        t->bytes[n] = object ? insp_object_bytes(h, n, &block, &size) : 0;
        t->objects[n] = object;
    }
    for (size_t i = t->order.len; i-- > 1;) {
        uint32_t n = t->order.at[i], over = t->idom[n];
        t->bytes[over] += t->bytes[n];
        t->objects[over] += t->objects[n];
    }
}

void insp_retained_deinit(insp_retained_tree *t)
{
    free(t->idom);
    free(t->bytes);
    free(t->objects);
    insp_u32s_deinit(&t->order);
    *t = (insp_retained_tree){.idom = NULL};
}

insp_status insp_retained_build(insp_heap *h, const insp_graph *g, insp_retained_tree *out,
                                insp_error *err)
{
    INSP_CLEANUP(owned_graph_deinit) owned_graph own = {.off = NULL};
    size_t n = (size_t)g->nodes + 1;
    *out = (insp_retained_tree){.idom = calloc(n, sizeof(*out->idom)),
                                .bytes = calloc(n, sizeof(*out->bytes)),
                                .objects = calloc(n, sizeof(*out->objects))};
    insp_status st = out->idom && out->bytes && out->objects ? INSP_OK : insp_nomem(err);
    if (!st)
        st = owned_graph_init(h, g, &own, err);
    if (!st)
        st = insp_watch_step(&h->watch, 1, 3, h->n_objects, err);
    const insp_graph all = {g->nodes + 1, own.off, own.to};
    if (!st)
        st = insp_graph_dominators(&all, g->nodes, out->idom, &out->order, err);
    if (!st)
        st = insp_watch_step(&h->watch, 2, 3, h->n_objects, err);
    if (st)
        insp_retained_deinit(out);
    else
        add_up(h, out);
    return st;
}

/** What rows are sorted by. */
typedef struct entry {
    uint64_t bytes;
    uint32_t number;
} entry;

INSP_VEC(entries, entry);

static int by_bytes(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static insp_status in_order(entries *all, uint32_t limit, insp_u32s *out, insp_error *err)
{
    if (all->len)
        qsort(all->at, all->len, sizeof(*all->at), by_bytes);
    size_t n = limit && limit < all->len ? limit : all->len;
    if (!insp_u32s_reserve(out, n + 1))
        return insp_nomem(err);
    for (size_t i = 0; i < n; i++)
        out->at[out->len++] = all->at[i].number;
    return INSP_OK;
}

insp_status insp_retained_below(const insp_heap *h, const insp_retained_tree *t,
                                uint32_t number, insp_u32s *out, insp_error *err)
{
    INSP_CLEANUP(entries_deinit) entries all = {0};
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (t->idom[n] == number && insp_heap_is_object(h, n) &&
            !entries_push(&all, (entry){t->bytes[n], n}))
            return insp_nomem(err);
    }
    return in_order(&all, 0, out, err);
}

static bool is_module(const insp_heap *h, uint32_t n)
{
    return n < h->n_objects && h->types.at.at[h->type.at[n]]->kind == INSP_KIND_MODULE;
}

/** Of what each node retains, how much is below its largest child, and below modules. */
typedef struct shares {
    uint64_t *largest, *modules;
} shares;

static void shares_deinit(shares *s)
{
    free(s->largest);
    free(s->modules);
}

static bool shares_init(const insp_heap *h, const insp_retained_tree *t, shares *s)
{
    s->largest = calloc((size_t)h->n_nodes + 1, sizeof(*s->largest));
    s->modules = calloc((size_t)h->n_nodes + 1, sizeof(*s->modules));
    if (!s->largest || !s->modules)
        return false;
    for (uint32_t n = 0; n < h->n_nodes; n++) {
        uint32_t over = t->idom[n];
        if (over == INSP_NONE)
            continue;
        if (t->bytes[n] > s->largest[over])
            s->largest[over] = t->bytes[n];
        if (is_module(h, n))
            s->modules[over] += t->bytes[n];
    }
    return true;
}

static bool leads_on(const insp_heap *h, const insp_retained_tree *t, const shares *s,
                     uint32_t n)
{
    if (n >= h->n_objects || is_module(h, n))
        return true;
    bool globals =
        is_module(h, t->idom[n]) && h->types.at.at[h->type.at[n]]->kind == INSP_KIND_DICT;
    return globals || s->largest[n] > t->bytes[n] / 5 * 4 || s->modules[n] > t->bytes[n] / 2;
}

// Nodes that only lead on, and of which all that are over them do, too.
static bool *opened(const insp_heap *h, const insp_retained_tree *t)
{
    INSP_CLEANUP(shares_deinit) shares s = {.largest = NULL};
    bool *open = calloc((size_t)h->n_nodes + 1, sizeof(*open));
    if (!open || !shares_init(h, t, &s)) {
        free(open);
        return NULL;
    }
    open[h->n_nodes] = true;
    for (size_t i = 1; i < t->order.len; i++) {
        uint32_t n = t->order.at[i];
        open[n] = open[t->idom[n]] && leads_on(h, t, &s, n);
    }
    return open;
}

insp_status insp_retained_most(const insp_heap *h, const insp_retained_tree *t, uint32_t limit,
                               insp_u32s *out, insp_error *err)
{
    INSP_CLEANUP(entries_deinit) entries all = {0};
    INSP_CLEANUP(insp_free_ptr) bool *open = opened(h, t);
    insp_status st = open ? INSP_OK : insp_nomem(err);
    for (size_t i = 1; !st && i < t->order.len; i++) {
        uint32_t n = t->order.at[i];
        if (!open[n] && open[t->idom[n]] && !entries_push(&all, (entry){t->bytes[n], n}))
            st = insp_nomem(err);
    }
    return st ? st : in_order(&all, limit, out, err);
}
