// SPDX-License-Identifier: MIT
/**
 * @file
 * Why an object is alive: the shortest way to it, by owned references, from what lives by itself.
 */
#ifndef INSP_ANALYSIS_PATHS_H
#define INSP_ANALYSIS_PATHS_H

#include "../heap/heap.h"

/** What kind of beginning a node is; INSP_PATH_NONE: it needs an owner to live. */
insp_path_origin insp_origin_of(const insp_heap *h, uint32_t node);

/** Keeps the edges that own: an insp_edge_filter over an insp_heap. */
bool insp_is_owned_edge(const void *heap, uint64_t edge);

/**
 * The nodes of a shortest way, both ends included, from a root; where there is none from a static or immortal
 * object; where there is none either, from an object with a surplus. `*origin` says which, and `path`
 * is empty, with INSP_PATH_NONE, where no such way exists.
 *
 * Fails with INSP_ERR_ARGUMENT (no such node), INSP_ERR_MEMORY.
 */
insp_status insp_owner_path(const insp_heap *h, const insp_graph *g, uint32_t number,
                            insp_path_origin *origin, insp_u32s *path, insp_error *err);

#endif
