// SPDX-License-Identifier: MIT
#include "cycles.h"

#include <stdlib.h>

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
    insp_bits_deinit(&tracked);
    free(component);
    return st;
}

/** What the way back may not use. */
typedef struct detour {
    insp_heap *h;
    const insp_graph *g;
} detour;

static uint32_t source_of(const insp_graph *g, uint64_t edge)
{
    uint32_t low = 0, high = g->nodes;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (g->off[mid] <= edge)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static bool is_wanted(const void *ctx, uint64_t edge)
{
    const detour *d = ctx;
    uint32_t to = d->g->to[edge];
    if (!insp_is_visited_edge(d->h, edge) || !is_tracked(d->h, to))
        return false;
    insp_kind kind = (insp_kind)type_of(d->h, to)->kind;
    if (kind == INSP_KIND_TYPE)
        return false;
    return kind != INSP_KIND_DICT ||
           type_of(d->h, source_of(d->g, edge))->kind != INSP_KIND_FUNCTION;
}

static insp_status one_ring(const detour *d, const insp_subgraph *part, uint32_t number,
                            uint32_t start, insp_u32s *nodes, insp_u32s *lengths,
                            insp_error *err)
{
    insp_u32s path = {0};
    insp_status st = INSP_OK;
    if (start != number)
        st = insp_graph_shortest(d->g, part, start, number, &path, err);
    bool found = !st && (start == number || path.len > 1);
    bool fits = !found || insp_u32s_push(nodes, number);
    // The path ends at the object itself, which the ring begins with.
    for (size_t i = 0; found && fits && i + 1 < path.len; i++)
        fits = insp_u32s_push(nodes, path.at[i]);
    if (found && fits)
        fits = insp_u32s_push(lengths, start == number ? 1 : (uint32_t)path.len);
    insp_u32s_deinit(&path);
    return st ? st : fits ? INSP_OK : insp_nomem(err);
}

insp_status insp_rings_find(insp_heap *h, const insp_graph *g, uint32_t number, uint32_t limit,
                            insp_u32s *nodes, insp_u32s *lengths, insp_error *err)
{
    detour d = {h, g};
    insp_subgraph part = {.keep = is_wanted, .ctx = &d};
    insp_map seen = {0};
    insp_status st = INSP_OK;
    for (uint64_t e = g->off[number]; !st && e < g->off[number + 1] && lengths->len < limit;
         e++) {
        uint32_t start = g->to[e];
        if (!is_wanted(&d, e) || insp_map_get(&seen, start) != INSP_MAP_NONE)
            continue;
        st = insp_map_set(&seen, start, 1)
                 ? one_ring(&d, &part, number, start, nodes, lengths, err)
                 : insp_nomem(err);
    }
    insp_map_deinit(&seen);
    return st;
}
