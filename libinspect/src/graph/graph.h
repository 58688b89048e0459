// SPDX-License-Identifier: MIT
/**
 * @file
 * A directed graph as arrays of numbers: no CPython, no memory of a target.
 *
 * Compressed sparse rows: the edges of node i are to[off[i]] … to[off[i + 1] - 1]. Parallel edges and
 * edges from a node to itself are allowed. Every algorithm is iterative and takes time and memory
 * linear in nodes and edges.
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

/** A set of nodes, a bit each. */
typedef struct insp_bits {
    uint64_t *word;
    uint32_t nodes;
} insp_bits;

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
    const insp_graph *reverse; /**< the whole graph transposed, if the caller has it; or NULL */
} insp_subgraph;

/**
 * Add to `reached` every node of the part that can be reached from the nodes already in it.
 * Fails with INSP_ERR_MEMORY.
 */
insp_status insp_graph_reach(const insp_graph *g, const insp_subgraph *part, insp_bits *reached,
                             insp_error *err);

/**
 * Strongly connected components (Tarjan 1972, made iterative; nodes without an edge in or out of the
 * part are trimmed first). component[i] is a number below *count, or UINT32_MAX for a
 * node outside the part; components are numbered so that an edge between two of them goes from the
 * higher number to the lower. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_graph_components(const insp_graph *g, const insp_subgraph *part,
                                  uint32_t *component, uint32_t *count, insp_error *err);

/** The transposed graph, in arrays the caller frees: off (nodes + 1), to, and the edge it came from. */
typedef struct insp_reverse {
    uint64_t *off;
    uint32_t *to;
} insp_reverse;

insp_status insp_graph_reverse(const insp_graph *g, insp_reverse *out, insp_error *err);
void insp_reverse_deinit(insp_reverse *r);

/** Distances are not wanted, paths are: the node before it on a shortest path from `from`. */
insp_status insp_graph_shortest(const insp_graph *g, const insp_subgraph *part, uint32_t from,
                                uint32_t to, insp_u32s *path, insp_error *err);

/**
 * Immediate dominators from `root` (Georgiadis' Semi-NCA). idom[root] = root, idom of what cannot be
 * reached is UINT32_MAX. `order`, if not NULL, gets the reached nodes, dominators before those
 * they dominate. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_graph_dominators(const insp_graph *g, uint32_t root, uint32_t *idom,
                                  insp_u32s *order, insp_error *err);

#endif
