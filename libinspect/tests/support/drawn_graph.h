// SPDX-License-Identifier: MIT
/**
 * @file
 * Graphs of a few nodes, drawn by hand or at random, and what is true of them found the slow way:
 * from matrices and by taking nodes out, with no algorithm of the library's.
 */
#ifndef TESTS_DRAWN_GRAPH_H
#define TESTS_DRAWN_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "../../src/graph/graph.h"
#include "must.h"

enum { DRAWN_NODES = 100, DRAWN_EDGES = 600, NO_PATH = 1 << 20 };

typedef struct drawn_graph {
    insp_graph graph;
    uint64_t off[DRAWN_NODES + 1];
    uint32_t from[DRAWN_EDGES], to[DRAWN_EDGES];
    uint64_t edges;
    bool in_part[DRAWN_NODES]; /**< the nodes of the part */
    bool kept[DRAWN_EDGES];    /**< the edges that the filter keeps */
} drawn_graph;

/** "0>1 1>2 2>0": edges in any order of their sources. All of it is the part. */
void draw(drawn_graph *d, uint32_t nodes, const char *edges);

/** At random, with loops and parallel edges; the part is all of it. */
void draw_random(drawn_graph *d, uint32_t nodes, uint64_t edges);

/** Leave about an eighth of the nodes, of the edges, out of the part. */
void leave_out(drawn_graph *d, bool nodes, bool edges);

/** For insp_subgraph.keep; ctx is the graph. */
bool drawn_keeps(const void *ctx, uint64_t edge);

/** Whether an edge of the part leads from u to v. */
bool has_edge(const drawn_graph *d, uint32_t u, uint32_t v);

/**
 * The number of edges on a shortest path of the part from each node to each, without node
 * `without` (UINT32_MAX: with all); NO_PATH where there is none, and from or to a node outside.
 */
typedef uint32_t distances[DRAWN_NODES][DRAWN_NODES];
void measure(const drawn_graph *d, uint32_t without, distances out);

#endif
