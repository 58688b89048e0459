// SPDX-License-Identifier: MIT
#include "cycles.h"

#include <stdlib.h>
#include <string.h>

/** A component while they are sorted. */
typedef struct entry {
    insp_component row;
    insp_addr lowest;
} entry;

static bool is_tracked(const insp_heap *h, uint32_t n)
{
    return insp_heap_is_object(h, n) && insp_heap_gc(h, n) >= INSP_GC_FIRST_LIST;
}

static const insp_typeinfo *type_of(const insp_heap *h, uint32_t n)
{
    return h->types.at.at[h->type.at[n]];
}

static bool refers_to_itself(const insp_heap *h, const insp_graph *g, uint32_t n)
{
    for (uint64_t e = g->off[n]; e < g->off[n + 1]; e++) {
        if (g->to[e] == n && insp_is_visited_edge(h, e))
            return true;
    }
    return false;
}

void insp_cycles_deinit(insp_cycle_set *c)
{
    insp_components_deinit(&c->rows);
    insp_u32s_deinit(&c->members);
}

static int by_state_and_address(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->row.reachable != y->row.reachable)
        return x->row.reachable - y->row.reachable;
    return x->lowest < y->lowest ? -1 : x->lowest > y->lowest;
}

// Counting sort of the nodes by component; singles without an edge to themselves are no cycles.
static insp_status group(const insp_heap *h, const insp_graph *g, const uint32_t *component,
                         uint32_t count, insp_cycle_set *out, insp_error *err)
{
    uint32_t *size = calloc((size_t)count + 1, sizeof(*size));
    uint32_t *row = malloc(((size_t)count + 1) * sizeof(*row));
    insp_status st = size && row ? INSP_OK : insp_nomem(err);
    for (uint32_t n = 0; !st && n < h->n_objects; n++) {
        if (component[n] != UINT32_MAX)
            size[component[n]]++;
    }
    size_t first = 0;
    for (uint32_t c = 0; !st && c < count; c++)
        row[c] = UINT32_MAX;
    for (uint32_t n = 0; !st && n < h->n_objects; n++) {
        uint32_t c = component[n];
        if (c == UINT32_MAX || (size[c] == 1 && !refers_to_itself(h, g, n)))
            continue;
        if (row[c] == UINT32_MAX) {
            row[c] = (uint32_t)out->rows.len;
            if (!insp_components_push(&out->rows, (insp_component){.first = first}))
                st = insp_nomem(err);
            first += size[c];
        }
    }
    if (!st && !insp_u32s_reserve(&out->members, first + 1))
        st = insp_nomem(err);
    for (uint32_t n = 0; !st && n < h->n_objects; n++) {
        uint32_t c = component[n];
        if (c == UINT32_MAX || row[c] == UINT32_MAX)
            continue;
        insp_component *to = &out->rows.at[row[c]];
        out->members.at[to->first + to->count++] = n;
    }
    out->members.len = first;
    free(size);
    free(row);
    return st;
}

static void describe(insp_heap *h, const insp_replay *replay, const uint32_t *members,
                     insp_component *c)
{
    c->reachable = !insp_bits_has(&replay->unreachable_set, members[0]);
    for (size_t i = 0; i < c->count; i++) {
        insp_addr block;
        uint64_t size;
        c->bytes += insp_object_bytes(h, members[i], &block, &size);
        if (type_of(h, members[i])->kind == INSP_KIND_MODULE)
            c->program = 1;
    }
}

static insp_status order(insp_heap *h, const insp_replay *replay, insp_cycle_set *set,
                         insp_error *err)
{
    entry *all = malloc((set->rows.len + 1) * sizeof(*all));
    insp_status st = all ? INSP_OK : insp_nomem(err);
    for (size_t i = 0; !st && i < set->rows.len; i++) {
        insp_component *c = &set->rows.at[i];
        uint32_t *members = set->members.at + c->first;
        st = insp_sort_by_address(h, members, c->count, err);
        if (!st)
            describe(h, replay, members, c);
        all[i] = (entry){*c, insp_heap_addr(h, members[0])};
    }
    if (!st && set->rows.len)
        qsort(all, set->rows.len, sizeof(*all), by_state_and_address);
    for (size_t i = 0; !st && i < set->rows.len; i++)
        set->rows.at[i] = all[i].row;
    free(all);
    return st;
}

// Members in the order of their components, so that one can look a component up by a member's place.
static insp_status lay_out(insp_cycle_set *set, insp_error *err)
{
    insp_u32s members = {0};
    if (!insp_u32s_reserve(&members, set->members.len + 1))
        return insp_nomem(err);
    for (size_t i = 0; i < set->rows.len; i++) {
        insp_component *c = &set->rows.at[i];
        memcpy(members.at + members.len, set->members.at + c->first,
               c->count * sizeof(*members.at));
        c->first = members.len;
        members.len += c->count;
    }
    insp_u32s_deinit(&set->members);
    set->members = members;
    return INSP_OK;
}

insp_status insp_cycles_find(insp_heap *h, const insp_graph *g, const insp_replay *replay,
                             insp_cycle_set *out, insp_error *err)
{
    insp_bits tracked = {0};
    uint32_t count = 0;
    uint32_t *component = malloc(((size_t)g->nodes + 1) * sizeof(*component));
    if (!component || !insp_bits_init(&tracked, g->nodes)) {
        free(component);
        return insp_nomem(err);
    }
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (is_tracked(h, n))
            insp_bits_add(&tracked, n);
    }
    insp_subgraph part = {.nodes = &tracked, .keep = insp_is_visited_edge, .ctx = h};
    insp_status st = insp_graph_components(g, &part, component, &count, err);
    if (!st)
        st = group(h, g, component, count, out, err);
    if (!st)
        st = order(h, replay, out, err);
    if (!st)
        st = lay_out(out, err);
    insp_bits_deinit(&tracked);
    free(component);
    return st;
}

// What a way back may use.
static bool is_wanted(const insp_heap *h, const insp_graph *g, uint32_t from, uint64_t edge)
{
    uint32_t to = g->to[edge];
    if (!insp_is_visited_edge(h, edge) || !is_tracked(h, to))
        return false;
    insp_kind kind = (insp_kind)type_of(h, to)->kind;
    if (kind == INSP_KIND_TYPE)
        return false;
    return kind != INSP_KIND_DICT || type_of(h, from)->kind != INSP_KIND_FUNCTION;
}

/** The ways to one object: who comes after each node on its shortest one, INSP_NONE for no way. */
typedef struct ways {
    uint64_t *off; // who refers to a node: from[off[node]] ... from[off[node + 1]]
    uint32_t *from, *after, *queue;
} ways;

static void ways_deinit(ways *w)
{
    free(w->off);
    free(w->from);
    free(w->after);
    free(w->queue);
}

static bool turn_around(const insp_heap *h, const insp_graph *g, ways *w)
{
    uint32_t n_objects = h->n_objects;
    w->off = calloc((size_t)n_objects + 2, sizeof(*w->off));
    if (!w->off)
        return false;
    for (uint32_t n = 0; n < n_objects; n++) {
        for (uint64_t e = g->off[n]; e < g->off[n + 1]; e++)
            w->off[is_wanted(h, g, n, e) ? g->to[e] + 2u : 0u]++;
    }
    w->off[0] = 0;
    for (uint32_t n = 1; n < n_objects + 2; n++)
        w->off[n] += w->off[n - 1];
    w->from = malloc(((size_t)w->off[n_objects + 1] + 1) * sizeof(*w->from));
    for (uint32_t n = 0; w->from && n < n_objects; n++) {
        for (uint64_t e = g->off[n]; e < g->off[n + 1]; e++) {
            if (is_wanted(h, g, n, e))
                w->from[w->off[g->to[e] + 1u]++] = n;
        }
    }
    return w->from != NULL;
}

// Breadth first against the edges: once for all ways there are. To look for a way from each referent by itself
// takes as many walks of the heap as the object has referents.
static bool ways_to(const insp_heap *h, const insp_graph *g, uint32_t number, ways *w)
{
    size_t size = ((size_t)h->n_objects + 1) * sizeof(*w->after);
    if (!turn_around(h, g, w) || !(w->after = malloc(size)) || !(w->queue = malloc(size)))
        return false;
    memset(w->after, 0xff, size);
    uint32_t tail = 1;
    w->queue[0] = number;
    w->after[number] = number;
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t to = w->queue[head];
        for (uint64_t i = w->off[to]; i < w->off[to + 1u]; i++) {
            uint32_t from = w->from[i];
            if (w->after[from] != INSP_NONE)
                continue;
            w->after[from] = to;
            w->queue[tail++] = from;
        }
    }
    return true;
}

static bool one_ring(const ways *w, uint32_t number, uint32_t start, insp_u32s *nodes,
                     insp_u32s *lengths)
{
    uint32_t length = 1;
    bool fits = insp_u32s_push(nodes, number);
    for (uint32_t at = start; fits && at != number; at = w->after[at], length++)
        fits = insp_u32s_push(nodes, at);
    return fits && insp_u32s_push(lengths, length);
}

insp_status insp_rings_find(insp_heap *h, const insp_graph *g, uint32_t number, uint32_t limit,
                            insp_u32s *nodes, insp_u32s *lengths, insp_error *err)
{
    ways w = {0};
    insp_map seen = {0};
    bool fits = ways_to(h, g, number, &w);
    // Long rings that share most of their way could fill more memory than the target has.
    for (uint64_t e = g->off[number]; fits && e < g->off[number + 1] && lengths->len < limit &&
                                      nodes->len <= h->memory / sizeof(*nodes->at);
         e++) {
        uint32_t start = g->to[e];
        if (!is_wanted(h, g, number, e) || w.after[start] == INSP_NONE ||
            insp_map_get(&seen, start) != INSP_MAP_NONE)
            continue;
        fits = insp_map_set(&seen, start, 1) && one_ring(&w, number, start, nodes, lengths);
    }
    insp_map_deinit(&seen);
    ways_deinit(&w);
    return fits ? INSP_OK : insp_nomem(err);
}
