// SPDX-License-Identifier: MIT
// Tarjan, "Depth-first search and linear graph algorithms" (1972), with one number a node as in Pearce,
// "A space-efficient algorithm for finding strongly connected components" (2016).
//
// state[v]: 0 before v is visited; then its index, the number of nodes that were visited and are in no
// component yet, itself included; then its component, counted down from LAST, so that it
// is higher than every index and never lowers a minimum. A node outside the part is OUTSIDE from the
// beginning, which is higher still.
//
// A visit scans the edges of a node once and puts what is not visited yet on a stack of pending nodes
// instead of keeping a position in the edges: what it scans is read in one stream, and nothing of it has to
// be read again on the way back. A node that a sibling's walk has reached in the meantime
// is dropped when it comes up: it is a descendant then and lowers nothing.
#include "graph.h"

#include "../base/cleanup.h"
#include "part.h"
#include "scratch.h"

#include <string.h>

#define OUTSIDE UINT32_MAX
#define LAST (UINT32_MAX - 1)

enum { SAMPLES = 256 };

// A node on the way from where the walk began, and the lowest index it is known to reach.
typedef struct open_node {
    uint32_t node, low;
} open_node;

typedef struct walk {
    const insp_graph *g;
    const insp_subgraph *part;
    uint32_t *state;
    insp_u32s pending;
    // One array for two stacks: no node is on both. `open` grows up, `closed` (visited, component
    // not known yet) down.
    open_node *open;
    uint32_t *closed;
    uint32_t n_open, n_closed;
    uint32_t next; // component
} walk;

static void walk_deinit(walk *k)
{
    free(k->open);
    insp_u32s_deinit(&k->pending);
}

static void prepare(walk *k)
{
    const insp_graph *g = k->g;
    memset(k->state, 0, (size_t)g->nodes * sizeof(*k->state));
    for (uint32_t i = 0; i < g->nodes; i++) {
        if (!insp_part_node(k->part, i))
            k->state[i] = OUTSIDE;
        else if (g->off[i] == g->off[i + 1])
            k->state[i] = k->next--; // leads nowhere: a component of its own, and first
    }
}

// Put the targets of v that nobody visited on the pending stack, the nearest last: it comes next, and
// nodes near each other share cache lines. Returns the lowest index among the others and v.
static uint32_t scan(walk *k, uint32_t v)
{
    const insp_graph *g = k->g;
    uint32_t low = k->state[v], nearest = UINT32_MAX;
    uint32_t *top = k->pending.at + k->pending.len;
    for (uint64_t e = g->off[v]; e < g->off[v + 1]; e++) {
        uint32_t w = g->to[e], state = k->state[w];
        if (state >= low || !insp_part_edge(k->part, e))
            continue;
        if (state) {
            low = state;
            continue;
        }
        insp_soon(&g->off[w]);
        uint32_t distance = w > v ? w - v : v - w;
        *top = w;
        if (distance > nearest) {
            *top = top[-1];
            top[-1] = w;
        } else {
            nearest = distance;
        }
        top++;
    }
    k->pending.len = (size_t)(top - k->pending.at);
    return low;
}

// v and its subtree are done. `low` lower than v's index: v is in the component of a node still open.
static void close_node(walk *k, uint32_t v, uint32_t low)
{
    if (k->n_open && low < k->open[k->n_open - 1].low)
        k->open[k->n_open - 1].low = low;
    uint32_t index = k->state[v];
    if (low < index) {
        k->closed[-(ptrdiff_t)++k->n_closed] = v;
        return;
    }
    uint32_t component = k->next--;
    k->state[v] = component;
    for (; k->n_closed; k->n_closed--) {
        uint32_t w = k->closed[-(ptrdiff_t)k->n_closed];
        if (k->state[w] < index)
            return;
        k->state[w] = component;
    }
}

static bool walk_from(walk *k, uint32_t start)
{
    k->pending.len = 0;
    if (!insp_u32s_push(&k->pending, start))
        return false;
    while (k->pending.len) {
        uint32_t v = k->pending.at[k->pending.len - 1];
        if (!k->state[v]) {
            uint64_t degree = k->g->off[v + 1] - k->g->off[v];
            size_t before = k->pending.len;
            if (!insp_u32s_reserve(&k->pending, before + degree))
                return false;
            k->state[v] = k->n_open + k->n_closed + 1;
            uint32_t low = scan(k, v);
            if (k->pending.len > before) {
                k->open[k->n_open++] = (open_node){v, low};
                continue;
            }
            close_node(k, v, low);
        } else if (k->n_open && k->open[k->n_open - 1].node == v) {
            close_node(k, v, k->open[--k->n_open].low);
        }
        k->pending.len--;
    }
    return true;
}

// A node that likely lies in a large component, or UINT32_MAX: of some all over the graph, the one with
// most ways in and out.
static uint32_t choose_pivot(const walk *k)
{
    const uint64_t *out = k->g->off, *in = k->part->reverse->off;
    uint32_t pivot = UINT32_MAX, step = k->g->nodes / SAMPLES + 1;
    uint64_t best = 0;
    for (uint64_t i = step / 2; i < k->g->nodes; i += step) {
        uint64_t ways_out = out[i + 1] - out[i], ways_in = in[i + 1] - in[i];
        uint64_t ways = ways_out < ways_in ? ways_out : ways_in;
        if (ways > best && !k->state[i]) {
            pivot = (uint32_t)i;
            best = ways;
        }
    }
    return pivot;
}

// Number everything that can be reached from the pivot, whose component `core` is.
static bool number_reached(walk *k, const insp_bits *reached, const insp_bits *core)
{
    for (uint32_t i = 0; i < k->g->nodes; i++) {
        // What leads out of the core never leads back: it takes lower numbers.
        if (!k->state[i] && insp_bits_has(reached, i) && !insp_bits_has(core, i) &&
            !walk_from(k, i))
            return false;
    }
    uint32_t component = k->next--;
    for (uint32_t i = 0; i < k->g->nodes; i++) {
        if (insp_bits_has(core, i))
            k->state[i] = component;
    }
    return true;
}

// Most heaps have one component that holds most of what is in any. What the pivot reaches and what
// reaches it, breadth first, is that component for a fraction of the price of walking it depth
// first, where each step waits for memory.
static insp_status number_core(walk *k, insp_error *err)
{
    uint32_t pivot = choose_pivot(k);
    if (pivot == UINT32_MAX)
        return INSP_OK;
    INSP_CLEANUP(insp_bits_deinit) insp_bits reached = {0};
    INSP_CLEANUP(insp_bits_deinit) insp_bits core = {0};
    if (!insp_bits_init(&reached, k->g->nodes) || !insp_bits_init(&core, k->g->nodes))
        return insp_nomem(err);
    insp_bits_add(&reached, pivot);
    insp_bits_add(&core, pivot);
    insp_subgraph forth = {.nodes = k->part->nodes}, back = {.nodes = &reached};
    insp_status st = insp_graph_reach(k->g, &forth, &reached, err);
    if (!st)
        st = insp_graph_reach(k->part->reverse, &back, &core, err);
    if (!st && !number_reached(k, &reached, &core))
        st = insp_nomem(err);
    return st;
}

insp_status insp_graph_components(const insp_graph *g, const insp_subgraph *part,
                                  uint32_t *component, uint32_t *count, insp_error *err)
{
    *count = 0;
    INSP_CLEANUP(walk_deinit)
    walk k = {.g = g, .part = part, .state = component, .next = LAST};
    k.open = insp_scratch(g->nodes, sizeof(*k.open));
    if (!k.open)
        return insp_nomem(err);

    k.closed = (uint32_t *)(k.open + g->nodes);
    prepare(&k);
    if (part->reverse && !part->keep) {
        insp_status st = number_core(&k, err);
        if (st)
            return st;
    }
    for (uint32_t i = 0; i < g->nodes; i++) {
        if (!component[i] && !walk_from(&k, i))
            return insp_nomem(err);
    }
    for (uint32_t i = 0; i < g->nodes; i++)
        component[i] = component[i] == OUTSIDE ? OUTSIDE : LAST - component[i];
    *count = LAST - k.next;
    return INSP_OK;
}
