// SPDX-License-Identifier: MIT
#include "graph.h"

#include "../base/cleanup.h"
#include "part.h"
#include "scratch.h"

// Both walks go breadth first: what comes next stands in a queue, so that its cache lines can be
// asked for long before they are needed.
enum { AHEAD = 12 };

static size_t add_starts(const insp_subgraph *part, const insp_bits *reached, uint32_t *queue)
{
    size_t tail = 0;
    for (size_t w = 0; w * 64 < reached->nodes; w++) {
        uint64_t left = reached->word[w];
        if (part->nodes)
            left &= part->nodes->word[w];
        for (; left; left &= left - 1)
            queue[tail++] = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left);
    }
    return tail;
}

insp_status insp_graph_reach(const insp_graph *g, const insp_subgraph *part, insp_bits *reached,
                             insp_error *err)
{
    if (!g->off[g->nodes])
        return INSP_OK; // g->to may be NULL
    INSP_CLEANUP(insp_free_ptr) uint32_t *queue = insp_scratch(g->nodes, sizeof(*queue));
    if (!queue)
        return insp_nomem(err);

    size_t tail = add_starts(part, reached, queue);
    for (size_t head = 0; head < tail; head++) {
        if (head + 2 * AHEAD < tail) {
            insp_soon(&g->off[queue[head + 2 * AHEAD]]);
            insp_soon(&g->to[g->off[queue[head + AHEAD]]]);
        }
        for (uint64_t e = g->off[queue[head]]; e < g->off[queue[head] + 1]; e++) {
            uint32_t w = g->to[e];
            if (insp_bits_has(reached, w) || !insp_part_node(part, w) ||
                !insp_part_edge(part, e))
                continue;
            insp_bits_add(reached, w);
            queue[tail++] = w;
        }
    }
    return INSP_OK;
}

// A node that was found, and where in the queue the node stands that it was found from: a start's
// own place.
typedef struct step {
    uint32_t node, from;
} step;

static bool write_path(const step *queue, uint32_t last, insp_u32s *path)
{
    size_t n = 1;
    for (uint32_t at = last; queue[at].from != at; at = queue[at].from)
        n++;
    if (!insp_u32s_reserve(path, n))
        return false;
    path->len = n;
    for (uint32_t at = last; n-- > 0; at = queue[at].from)
        path->at[n] = queue[at].node;
    return true;
}

// Breadth first from queue[0] … queue[tail - 1] until `to` is found; its place in the queue, or
// UINT32_MAX.
static uint32_t search(const insp_graph *g, const insp_subgraph *part, uint32_t to,
                       insp_bits *seen, step *queue, uint32_t tail)
{
    for (uint32_t head = 0; head < tail; head++) {
        if (tail - head > 2 * AHEAD) {
            insp_soon(&g->off[queue[head + 2 * AHEAD].node]);
            insp_soon(&g->to[g->off[queue[head + AHEAD].node]]);
        }
        uint32_t v = queue[head].node;
        for (uint64_t e = g->off[v]; e < g->off[v + 1]; e++) {
            uint32_t w = g->to[e];
            if (insp_bits_has(seen, w) || !insp_part_node(part, w) || !insp_part_edge(part, e))
                continue;
            insp_bits_add(seen, w);
            queue[tail++] = (step){w, head};
            if (w == to)
                return tail - 1;
        }
    }
    return UINT32_MAX;
}

// The starts that are in the part, in the order of their numbers; how many.
static uint32_t begin(const insp_subgraph *part, const insp_bits *from, insp_bits *seen,
                      step *queue)
{
    uint32_t tail = 0;
    for (size_t w = 0; w * 64 < from->nodes; w++) {
        uint64_t left = from->word[w];
        if (part->nodes)
            left &= part->nodes->word[w];
        seen->word[w] = left;
        for (; left; left &= left - 1, tail++)
            queue[tail] = (step){(uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(left), tail};
    }
    return tail;
}

static uint32_t place_in(const step *queue, uint32_t tail, uint32_t node)
{
    for (uint32_t i = 0; i < tail; i++) {
        if (queue[i].node == node)
            return i;
    }
    return UINT32_MAX;
}

insp_status insp_graph_shortest(const insp_graph *g, const insp_subgraph *part,
                                const insp_bits *from, uint32_t to, insp_u32s *path,
                                insp_error *err)
{
    path->len = 0;
    if (to >= g->nodes || from->nodes != g->nodes)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "node %u of a graph of %u",
                         to >= g->nodes ? to : from->nodes, g->nodes);

    INSP_CLEANUP(insp_bits_deinit) insp_bits seen = {0};
    INSP_CLEANUP(insp_free_ptr) step *queue = insp_scratch(g->nodes, sizeof(*queue));
    if (!queue || !insp_bits_init(&seen, g->nodes))
        return insp_nomem(err);

    uint32_t tail = begin(part, from, &seen, queue);
    uint32_t last = insp_bits_has(&seen, to) ? place_in(queue, tail, to)
                                             : search(g, part, to, &seen, queue, tail);
    if (last != UINT32_MAX && !write_path(queue, last, path))
        return insp_nomem(err);
    return INSP_OK;
}
