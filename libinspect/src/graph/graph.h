// SPDX-License-Identifier: MIT
/**
 * @file
 * A directed graph as arrays of numbers: no CPython, no memory of a target.
 *
 * Compressed sparse rows: the edges of node i are to[off[i]] … to[off[i + 1] - 1], and every target is
 * a number below `nodes`, which is below UINT32_MAX - 1. Parallel edges and edges from a node to itself
 * are allowed. Every algorithm is iterative and takes memory linear in nodes and edges, and
 * linear time; dominators take a logarithm more at worst.
 *
 * Breadth-first walks (reach, shortest) ask for memory long before they need it and are several times
 * faster than depth-first ones (components, dominators), where each step waits for the last.
 */
#ifndef INSP_GRAPH_GRAPH_H
#define INSP_GRAPH_GRAPH_H

#include "../base/error.h"
#include "../base/vec.h"

/** A graph that somebody else stores. */
typedef struct insp_graph {
    uint32_t nodes;
    const uint64_t *off; /**< nodes + 1 */
    const uint32_t *to;
} insp_graph;

/** A set of nodes, a bit each; bits from `nodes` on are 0. */
typedef struct insp_bits {
    uint64_t *word;
    uint32_t nodes;
} insp_bits;

/** The empty set. False when memory runs out. */
bool insp_bits_init(insp_bits *b, uint32_t nodes);
void insp_bits_deinit(insp_bits *b);

static inline bool insp_bits_has(const insp_bits *b, uint32_t i)
{
    return b->word[i >> 6] >> (i & 63) & 1;
}

static inline void insp_bits_add(insp_bits *b, uint32_t i)
{
    b->word[i >> 6] |= UINT64_C(1) << (i & 63);
}

static inline void insp_bits_remove(insp_bits *b, uint32_t i)
{
    b->word[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}

/** Whether edge number e counts; NULL stands for all. */
typedef bool (*insp_edge_filter)(const void *ctx, uint64_t e);

/** Which part of a graph to look at. Zeroed: all of it. */
typedef struct insp_subgraph {
    const insp_bits *nodes; /**< NULL: every node */
    insp_edge_filter keep;  /**< NULL: every edge */
    const void *ctx;
    /** The whole graph, not only the part, transposed, if the caller has it: see insp_graph_components. */
    const insp_graph *reverse;
} insp_subgraph;

/**
 * Add to `reached` every node of the part that can be reached from the nodes already in it. Those
 * outside the part stay in it and lead nowhere.
 *
 * Fails with INSP_ERR_MEMORY. Takes 4 bytes for each node reached.
 */
insp_status insp_graph_reach(const insp_graph *g, const insp_subgraph *part, insp_bits *reached,
                             insp_error *err);

/**
 * Strongly connected components (Tarjan 1972, made iterative). component[i] is a number below *count,
 * or UINT32_MAX for a node outside the part; components are numbered so that an edge between
 * two of them goes from the higher number to the lower.
 *
 * Given part->reverse and no filter, the largest component is found first, by walking breadth first
 * from a node that is likely in it: three to five times as fast where it holds most of the graph,
 * up to a third slower where there is none.
 *
 * Fails with INSP_ERR_MEMORY. Takes up to 8 bytes a node and up to 4 an edge, of which an
 * ordinary heap uses a fraction; with part->reverse, a quarter of a byte and 4 bytes a node more.
 */
insp_status insp_graph_components(const insp_graph *g, const insp_subgraph *part,
                                  uint32_t *component, uint32_t *count, insp_error *err);

/** The transposed graph: off has nodes + 1 entries, and the sources of a node's edges ascend. */
typedef struct insp_reverse {
    uint64_t *off;
    uint32_t *to;
} insp_reverse;

/** Fails with INSP_ERR_MEMORY. Takes no memory beside the result. */
insp_status insp_graph_reverse(const insp_graph *g, insp_reverse *out, insp_error *err);
void insp_reverse_deinit(insp_reverse *r);

/**
 * A shortest path of the part from one of the nodes in `from` to `to`, both ends included; one node
 * where `to` is one of them, none where there is no path. Of several paths, one that begins at the
 * lowest number. What was in `path` is dropped.
 *
 * Fails with INSP_ERR_ARGUMENT (no such node), INSP_ERR_MEMORY. Takes 8 bytes for each node seen
 * on the way, and a bit a node.
 */
insp_status insp_graph_shortest(const insp_graph *g, const insp_subgraph *part,
                                const insp_bits *from, uint32_t to, insp_u32s *path,
                                insp_error *err);

/**
 * Immediate dominators from `root` (Georgiadis' Semi-NCA). idom[root] = root, idom of what cannot be
 * reached is UINT32_MAX. `order`, if not NULL, gets the reached nodes, dominators before those
 * they dominate; what was in it is dropped.
 *
 * Fails with INSP_ERR_ARGUMENT (no such root), INSP_ERR_MEMORY, also where more than 2^32 edges lead
 * back. Takes 16 bytes a node, 16 for each that is reached, and 8 to 16 for each edge that leads back.
 */
insp_status insp_graph_dominators(const insp_graph *g, uint32_t root, uint32_t *idom,
                                  insp_u32s *order, insp_error *err);

#endif
