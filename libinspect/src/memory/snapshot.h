// SPDX-License-Identifier: MIT
/**
 * @file
 * What of a process to copy, and copying it, while somebody else holds it.
 */
#ifndef INSP_MEMORY_SNAPSHOT_H
#define INSP_MEMORY_SNAPSHOT_H

#include "pages.h"
#include "process.h"

/** All sorted, none overlapping. */
typedef struct insp_copy_plan {
    insp_range_vec cover; /**< what the copy answers for … */
    insp_range_vec fetch; /**< … of which this is read, and the rest is zeros */
} insp_copy_plan;

/** pagemap is insp_pages_open's, or -1. False when memory runs out. */
bool insp_copy_plan_make(const insp_map_lines *maps, int pagemap, insp_copy_plan *out);
void insp_copy_plan_deinit(insp_copy_plan *plan);

struct insp_room_vec;

/**
 * Read what is planned from the process of thread `tid` into *copies of the snapshot, in rooms
 * that were prepared as far as there are. Pages that cannot be read are left out. Fails with
 * INSP_ERR_MEMORY.
 */
insp_status insp_copy_take(int64_t tid, const insp_copy_plan *plan, struct insp_room_vec *rooms,
                           insp_snapshot *out, insp_error *err);

#endif
