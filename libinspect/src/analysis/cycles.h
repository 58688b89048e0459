// SPDX-License-Identifier: MIT
/**
 * @file
 * Reference cycles among tracked objects: strongly connected components, and the shortest rings
 * through one object.
 */
#ifndef INSP_ANALYSIS_CYCLES_H
#define INSP_ANALYSIS_CYCLES_H

#include "garbage.h"

INSP_VEC(insp_components, insp_component);

typedef struct insp_cycle_set {
    insp_components rows; /**< unreachable ones first, then by lowest address */
    insp_u32s members;    /**< component after component, by address in each */
} insp_cycle_set;

/** Fails with INSP_ERR_MEMORY. */
insp_status insp_cycles_find(insp_heap *h, const insp_graph *g, const insp_replay *replay,
                             insp_cycle_set *out, insp_error *err);
void insp_cycles_deinit(insp_cycle_set *c);

/**
 * Shortest cycles through an object, one for each thing it refers to that leads back, at most `limit`:
 * nodes of ring after ring, each beginning with the object, and each ring's length. Ways through
 * classes and the globals of functions are left out: nearly everything is connected by them.
 */
insp_status insp_rings_find(insp_heap *h, const insp_graph *g, uint32_t number, uint32_t limit,
                            insp_u32s *nodes, insp_u32s *lengths, insp_error *err);

#endif
