// SPDX-License-Identifier: MIT
/**
 * @file
 * What would go with an object: dominators over owned references, and the bytes below each.
 *
 * An object dominates another if every way to it from what lives by itself (paths.h) leads over it:
 * if it went, the other would go too. What an object retains is its own bytes and those of all it
 * dominates (Lengauer and Tarjan 1979; "retained size" is Eclipse MAT's word).
 */
#ifndef INSP_ANALYSIS_RETAINED_H
#define INSP_ANALYSIS_RETAINED_H

#include "../heap/heap.h"

typedef struct insp_retained_tree {
    uint32_t
        *idom; /**< by number; n_nodes: nothing over it; INSP_NONE: garbage, or no object */
    uint64_t *bytes;   /**< by number: of the blocks that would be free */
    uint32_t *objects; /**< by number: itself included */
    insp_u32s order;   /**< first the node over all, n_nodes; each after what dominates it */
} insp_retained_tree;

/** Polled through h->watch. Fails with INSP_ERR_MEMORY, INSP_ERR_CANCELLED; `out` is zeroed then. */
insp_status insp_retained_build(insp_heap *h, const insp_graph *g, insp_retained_tree *out,
                                insp_error *err);
void insp_retained_deinit(insp_retained_tree *t);

/** Numbers of the objects right below one, those that retain most first. Fails with INSP_ERR_MEMORY. */
insp_status insp_retained_below(const insp_heap *h, const insp_retained_tree *t,
                                uint32_t number, insp_u32s *out, insp_error *err);

/**
 * Numbers of the objects that keep most, at most `limit` (0: all); none of them is below another. What
 * only leads on is gone into: roots, modules and their globals, and whatever owes 4/5 of what it
 * retains to one object below it. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_retained_most(const insp_heap *h, const insp_retained_tree *t, uint32_t limit,
                               insp_u32s *out, insp_error *err);

#endif
