// SPDX-License-Identifier: MIT
/**
 * @file
 * What a full collection would find right now: the collector's own algorithm, replayed
 * (Modules/gcmodule.c: update_refs, subtract_refs, move_unreachable, move_legacy_finalizers).
 *
 * Only tracked objects take part, and only what tp_traverse visits counts; a frozen object holds what
 * it refers to, as everything else outside does.
 */
#ifndef INSP_ANALYSIS_GARBAGE_H
#define INSP_ANALYSIS_GARBAGE_H

#include "../heap/heap.h"

/** Lists of numbers, each by address. */
typedef struct insp_replay {
    insp_bits unreachable_set;
    insp_u32s unreachable, with_them, finalizers, callbacks, may_resurrect, uncollectable;
    insp_u32s below_zero;
    uint64_t tracked;
} insp_replay;

/** Fails with INSP_ERR_MEMORY. `g` is the heap's graph. */
insp_status insp_replay_run(insp_heap *h, const insp_graph *g, insp_replay *out,
                            insp_error *err);
void insp_replay_deinit(insp_replay *r);

/** Sort numbers by address. Fails with INSP_ERR_MEMORY. */
insp_status insp_sort_by_address(const insp_heap *h, uint32_t *numbers, size_t n,
                                 insp_error *err);

/** Keeps the edges that tp_traverse visits: an insp_edge_filter over an insp_heap. */
bool insp_is_visited_edge(const void *heap, uint64_t edge);

#endif
