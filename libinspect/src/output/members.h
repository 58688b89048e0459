// SPDX-License-Identifier: MIT
/**
 * @file
 * The references inside sets of objects, as JSON: a heap may have a million cycles.
 */
#ifndef INSP_OUTPUT_MEMBERS_H
#define INSP_OUTPUT_MEMBERS_H

#include "../heap/heap.h"
#include "writer.h"

/** Sets of objects, one after another in `numbers`; an object is in one of them at most. */
typedef struct insp_member_sets {
    const uint32_t *numbers;
    const size_t *counts;
    size_t len;
} insp_member_sets;

/**
 * One line a set: an array of {"src","dst","name"}, by source in the order given, then in slot order.
 * Fails with INSP_ERR_MEMORY, INSP_ERR_CANCELLED, INSP_ERR_ARGUMENT (no object has the number).
 */
insp_status insp_members_write(insp_heap *h, const insp_member_sets *sets, insp_writer *w,
                               insp_error *err);

#endif
