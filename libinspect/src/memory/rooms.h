// SPDX-License-Identifier: MIT
/**
 * @file
 * Memory of this process to copy to, made ready before the copied process is held.
 *
 * The kernel gives memory page by page when it is first written to, which takes ten times as
 * long as writing. A plan made from the running process tells what will be needed, but for what
 * changes until it is held.
 */
#ifndef INSP_MEMORY_ROOMS_H
#define INSP_MEMORY_ROOMS_H

#include "snapshot.h"

/** An anonymous mapping for a range of the target; at is NULL once it is taken. */
typedef struct insp_room {
    insp_range range;
    unsigned char *at;
} insp_room;

INSP_VEC(insp_room_vec, insp_room);

/**
 * Map every range the plan covers, and have the pages that will be read into. As far as it
 * goes.
 */
void insp_rooms_prepare(const insp_copy_plan *plan, insp_room_vec *out);

/**
 * A mapping of zeros for a range, the caller's to unmap; what was prepared of it is used. NULL
 * when memory runs out.
 */
unsigned char *insp_rooms_take(insp_room_vec *rooms, insp_range range);

/** Unmap what was not taken. */
void insp_rooms_deinit(insp_room_vec *rooms);

#endif
