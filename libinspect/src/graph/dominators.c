// SPDX-License-Identifier: MIT
// Semi-NCA: Georgiadis, "Linear-time algorithms for dominators and related problems" (2005), 2.3.
//
// A node is known by its preorder number in a depth-first tree from the root; small letters below are such
// numbers. semi[i] is the lowest h from which a path leads to i whose inner nodes are all higher
// than i. The immediate dominator of i is the nearest ancestor of its parent, in the dominator tree, that
// is not higher than semi[i]. The plain climb to it is quadratic at worst; here it is not.
//
// An edge h -> i with h < i starts at an ancestor of i and lowers semi[i] to h the moment it is seen. Only
// edges that lead back, from a higher number to a lower, are kept.
#include "graph.h"

#include "../base/cleanup.h"
#include "packed.h"
#include "scratch.h"

#include <string.h>

#define NONE UINT32_MAX

// How many edges ahead of its use a random cache line is asked for.
enum { AHEAD = 8 };

// A node of the graph that is to be visited, found from the node numbered `parent`.
typedef struct candidate {
    uint32_t node, parent;
} candidate;
INSP_VEC(candidates, candidate);

typedef struct back_edge {
    uint32_t from, to;
} back_edge;
INSP_VEC(back_edges, back_edge);

// The forest of numbers already dealt with. `up` is an ancestor, `low` the lowest semi on the way from
// the number itself to just below `up`.
typedef struct hop {
    uint32_t up, low;
} hop;

// A number in the dominator tree, and an ancestor farther up.
typedef struct rung {
    uint32_t jump, depth;
} rung;

typedef struct tree {
    const insp_graph *g;
    insp_packed *packed;
    uint32_t *number; // of each node of the graph: NONE before it is visited
    uint32_t *node;   // of each number
    uint32_t *parent; // in the depth-first tree, then the immediate dominator
    uint32_t *semi;
    hop *hops;
    rung *rungs;
    candidates pending;
    back_edges back;
    uint32_t *from;  // where the back edges come from, those to one number together
    uint32_t *first; // of those to each number
    uint32_t n;
} tree;

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void tree_deinit(tree *t)
{
    free(t->packed);
    free(t->parent);
    free(t->semi);
    free(t->hops);
    free(t->rungs);
    free(t->from);
    free(t->first);
    candidates_deinit(&t->pending);
    back_edges_deinit(&t->back);
}

static bool tree_init(tree *t)
{
    size_t n = t->g->nodes;
    t->packed = insp_packed_create(t->g);
    t->parent = insp_scratch(n, sizeof(*t->parent));
    t->semi = insp_scratch(n, sizeof(*t->semi));
    return t->packed && t->parent && t->semi;
}

// Room for what the edges of a node may add, and for a stack that exists. Back edges have 32-bit
// numbers.
static bool room_for(tree *t, uint64_t degree)
{
    if (degree > NONE - t->back.len)
        return false;
    return candidates_reserve(&t->pending, t->pending.len + degree + 1) &&
           back_edges_reserve(&t->back, t->back.len + degree);
}

// The nearest target is put last, so that it comes next: nodes near each other share cache lines.
static bool visit(tree *t, candidate c)
{
    uint32_t i = t->n++;
    t->number[c.node] = i;
    t->node[i] = c.node;
    t->parent[i] = t->semi[i] = c.parent;

    const uint32_t *to;
    uint64_t degree = insp_packed_edges(t->g, t->packed, c.node, &to);
    if (!room_for(t, degree))
        return false;
    candidate *top = t->pending.at + t->pending.len;
    uint32_t nearest = UINT32_MAX;
    for (uint64_t e = 0; e < degree; e++) {
        uint32_t w = to[e], j = t->number[w];
        if (j != NONE) {
            t->back.at[t->back.len] = (back_edge){i, j};
            t->back.len += j < i; // no loops
            continue;
        }
        insp_soon(&t->packed[w]);
        uint32_t distance = w > c.node ? w - c.node : c.node - w;
        *top = (candidate){w, i};
        if (distance > nearest) {
            *top = top[-1];
            top[-1] = (candidate){w, i};
        } else {
            nearest = distance;
        }
        top++;
    }
    t->pending.len = (size_t)(top - t->pending.at);
    return true;
}

static bool number_nodes(tree *t, uint32_t root)
{
    memset(t->number, 0xff, (size_t)t->g->nodes * sizeof(*t->number));
    if (!visit(t, (candidate){root, 0}))
        return false;
    while (t->pending.len) {
        candidate c = t->pending.at[--t->pending.len];
        uint32_t j = t->number[c.node];
        // Reached by a sibling's walk in the meantime: c.parent is an ancestor all the same.
        if (j != NONE)
            t->semi[j] = lower(t->semi[j], c.parent);
        else if (!visit(t, c))
            return false;
    }
    return true;
}

// The lowest semi on the way from v up to, without, the first number not higher than `last`. Each hop is
// doubled on the way (path halving), which needs no stack.
static uint32_t lowest(hop *hops, uint32_t v, uint32_t last)
{
    for (uint32_t low = NONE;; v = hops[v].up) {
        hop *h = &hops[v];
        // Every hop below t->n was written when its node was numbered.
        // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
        if (h->up > last) {
            hop above = hops[h->up];
            *h = (hop){above.up, lower(h->low, above.low)};
        }
        low = lower(low, h->low);
        if (h->up <= last)
            return low;
    }
}

// Put the back edges to one number together.
static bool sort_back_edges(tree *t)
{
    candidates_deinit(&t->pending);
    free(t->packed);
    t->packed = NULL;
    t->first = calloc((size_t)t->n + 2, sizeof(*t->first));
    t->from = insp_scratch(t->back.len, sizeof(*t->from));
    if (!t->first || !t->from)
        return false;
    // One entry in front: cursor[i] = first[i + 1] ends up where i's edges end.
    uint32_t *cursor = t->first + 1;
    for (size_t e = 0; e < t->back.len; e++)
        cursor[t->back.at[e].to + 1]++;
    for (size_t i = 0; i < t->n; i++)
        cursor[i + 1] += cursor[i];
    for (size_t e = 0; e < t->back.len; e++) {
        if (e + 2 * AHEAD < t->back.len) {
            insp_soon(&cursor[t->back.at[e + 2 * AHEAD].to]);
            insp_soon(&t->from[cursor[t->back.at[e + AHEAD].to]]);
        }
        t->from[cursor[t->back.at[e].to]++] = t->back.at[e].from;
    }
    back_edges_deinit(&t->back);
    return true;
}

// Ask for the first hops of edges that will be dealt with after e.
__attribute__((always_inline)) static inline void look_ahead(const tree *t, uint32_t e)
{
    if (e < 4 * AHEAD)
        return;
    const hop *hops = t->hops;
    const uint32_t *from = t->from + e;
    insp_soon(&hops[from[-4 * AHEAD]]);
    insp_soon(&hops[hops[from[-3 * AHEAD]].up]);
    insp_soon(&hops[hops[hops[from[-2 * AHEAD]].up].up]);
    insp_soon(&hops[hops[hops[hops[from[-AHEAD]].up].up].up]);
}

static bool find_semis(tree *t)
{
    t->hops = insp_scratch(t->n, sizeof(*t->hops));
    if (!t->hops)
        return false;
    for (uint32_t i = 0; i < t->n; i++)
        t->hops[i] = (hop){t->parent[i], NONE};
    for (uint32_t i = t->n; i-- > 1;) {
        uint32_t semi = t->semi[i];
        for (uint32_t e = t->first[i + 1]; e-- > t->first[i];) {
            look_ahead(t, e);
            semi = lower(semi, lowest(t->hops, t->from[e], i));
        }
        t->semi[i] = semi;
        t->hops[i].low = semi;
    }
    return true;
}

// Put i below its dominator d. Jumps are as long as the binary digits of depths make them (Myers, "An
// applicative random-access stack", 1983), so that a climb takes a logarithm of steps.
static void add_rung(rung *rungs, uint32_t i, uint32_t d)
{
    // A dominator has a lower number: its rung is there.
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.ArraySubscript)
    rung a = rungs[d], b = rungs[a.jump];
    bool twice = a.depth - b.depth == b.depth - rungs[b.jump].depth;
    rungs[i] = (rung){twice ? b.jump : d, a.depth + 1};
}

static bool find_dominators(tree *t)
{
    free(t->hops);
    t->hops = NULL;
    t->rungs = insp_scratch(t->n, sizeof(*t->rungs));
    if (!t->rungs)
        return false;
    t->rungs[0] = (rung){0, 0};
    for (uint32_t i = 1; i < t->n; i++) {
        uint32_t d = t->parent[i], semi = t->semi[i];
        // What a dominator is compared with has a lower number, and was set before.
        // NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult)
        while (d > semi)
            d = t->rungs[d].jump > semi ? t->rungs[d].jump : t->parent[d];
        // NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult)
        t->parent[i] = d;
        add_rung(t->rungs, i, d);
    }
    return true;
}

insp_status insp_graph_dominators(const insp_graph *g, uint32_t root, uint32_t *idom,
                                  insp_u32s *order, insp_error *err)
{
    if (order)
        order->len = 0;
    if (root >= g->nodes)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "node %u of a graph of %u", root, g->nodes);

    INSP_CLEANUP(insp_u32s_deinit) insp_u32s own = {0};
    insp_u32s *nodes = order ? order : &own;
    INSP_CLEANUP(tree_deinit) tree t = {.g = g, .number = idom};
    if (!insp_u32s_reserve(nodes, g->nodes) || !tree_init(&t))
        return insp_nomem(err);
    t.node = nodes->at;
    if (!number_nodes(&t, root) || !sort_back_edges(&t) || !find_semis(&t) ||
        !find_dominators(&t))
        return insp_nomem(err);

    for (uint32_t i = 0; i < t.n; i++)
        idom[t.node[i]] = t.node[t.parent[i]];
    nodes->len = t.n;
    return INSP_OK;
}
