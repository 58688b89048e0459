// SPDX-License-Identifier: MIT
/**
 * @file
 * Memory that is brought when it is first read: for targets only the caller can reach.
 *
 * A worker that touches a piece which is not there posts it as wanted and sleeps. The caller's
 * thread takes the wanted ranges, brings their bytes, and the workers go on. A piece that
 * cannot be read is remembered as such. Pieces are INSP_DEMAND_PIECE bytes, aligned to their
 * size in the target, and cut where the range they lie in starts or ends.
 *
 * Any thread may call any function at any time, but insp_demand_add and insp_demand_destroy,
 * which need that nobody reads.
 */
#ifndef INSP_MEMORY_DEMAND_H
#define INSP_MEMORY_DEMAND_H

#include <pthread.h>

#include "space.h"

enum { INSP_DEMAND_PIECE = 64 * 1024 };

typedef struct insp_demand insp_demand;

/** Fails with INSP_ERR_MEMORY. */
insp_status insp_demand_create(insp_demand **out, insp_error *err);
void insp_demand_destroy(insp_demand *d);

/**
 * Reserve room for [start, end) and add it to the space. With `fd` >= 0 (of /proc/PID/mem, the
 * caller's to close) pieces are read from there at once, and nobody is asked.
 * Fails with INSP_ERR_MEMORY; INSP_ERR_ARGUMENT where the range overlaps one of this demand.
 */
insp_status insp_demand_add(insp_demand *d, insp_space *space, insp_segment range, int fd,
                            insp_error *err);

/**
 * True when n bytes at addr (in one range of this demand) are there; waits for them if need be.
 */
bool insp_demand_fill(insp_demand *d, insp_addr addr, size_t n);

/**
 * Ranges that somebody waits for, joined and sorted; returns how many there are, fills in <=
 * cap.
 */
size_t insp_demand_wanted(insp_demand *d, insp_range *ranges, size_t cap);

/**
 * Bring a range (whole pieces, or up to the end of what was added); bytes NULL: unreadable.
 * What is there already stays as it is. Fails with INSP_ERR_ARGUMENT where the range is no such
 * one.
 */
insp_status insp_demand_supply(insp_demand *d, insp_range range, const void *bytes,
                               insp_error *err);

/** Make every wait, now and later, end as unreadable (true), or wait again (false). */
void insp_demand_cancel(insp_demand *d, bool cancelled);

/** Whether somebody read a piece that nobody brings (insp_demand_cancel), and where the first is. */
bool insp_demand_missed(insp_demand *d, insp_addr *first);

/** As if nothing had been missed. */
void insp_demand_forget_missed(insp_demand *d);

/** Ask for what was missed, wait for it as for any other piece, and forget that it was missed. */
void insp_demand_fetch(insp_demand *d);

/** Called with the demand's lock held whenever something new is wanted, to wake the caller. */
void insp_demand_on_want(insp_demand *d, void (*wake)(void *), void *ctx);

#endif
