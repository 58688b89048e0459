// SPDX-License-Identifier: MIT
/**
 * @file
 * Asking a part of a graph what belongs to it. A part without a filter costs a branch an edge that is
 * always predicted, not a call.
 */
#ifndef INSP_GRAPH_PART_H
#define INSP_GRAPH_PART_H

#include "graph.h"

static inline bool insp_part_node(const insp_subgraph *part, uint32_t node)
{
    return !part->nodes || insp_bits_has(part->nodes, node);
}

static inline bool insp_part_edge(const insp_subgraph *part, uint64_t edge)
{
    return !part->keep || part->keep(part->ctx, edge);
}

#endif
