// SPDX-License-Identifier: MIT
#include "graph.h"

#include "scratch.h"

bool insp_bits_init(insp_bits *b, uint32_t nodes)
{
    // One word more than needed where nodes is a multiple of 64: never an empty block.
    b->word = calloc((size_t)nodes / 64 + 1, sizeof(*b->word));
    b->nodes = b->word ? nodes : 0;
    return b->word != NULL;
}

void insp_bits_deinit(insp_bits *b)
{
    free(b->word);
    *b = (insp_bits){0};
}

// How many edges ahead of its use a random cache line is asked for.
enum { AHEAD = 16 };

// start[w] becomes the number of edges to the nodes before w.
static void count_in_edges(const insp_graph *g, uint64_t *start)
{
    uint64_t edges = g->off[g->nodes];
    for (uint64_t e = 0; e < edges; e++)
        start[(size_t)g->to[e] + 1]++;
    for (size_t i = 0; i < g->nodes; i++)
        start[i + 1] += start[i];
}

// Each start[w] moves to where w's list ends, which is where the next one starts.
static void fill(const insp_graph *g, uint64_t *start, uint32_t *from)
{
    uint64_t edges = g->off[g->nodes];
    for (uint32_t i = 0; i < g->nodes; i++) {
        for (uint64_t e = g->off[i]; e < g->off[i + 1]; e++) {
            if (e + 2 * AHEAD < edges) {
                insp_soon(&start[g->to[e + 2 * AHEAD]]);
                insp_soon(&from[start[g->to[e + AHEAD]]]);
            }
            from[start[g->to[e]]++] = i;
        }
    }
}

insp_status insp_graph_reverse(const insp_graph *g, insp_reverse *out, insp_error *err)
{
    // One entry in front: start[w] = off[w + 1] is w's cursor while the lists are filled.
    uint64_t *off = calloc((size_t)g->nodes + 2, sizeof(*off));
    uint32_t *to = insp_scratch(g->off[g->nodes], sizeof(*to));
    if (!off || !to) {
        free(off);
        free(to);
        *out = (insp_reverse){0};
        return insp_nomem(err);
    }
    count_in_edges(g, off + 1);
    fill(g, off + 1, to);
    *out = (insp_reverse){off, to};
    return INSP_OK;
}

void insp_reverse_deinit(insp_reverse *r)
{
    free(r->off);
    free(r->to);
    *r = (insp_reverse){0};
}
