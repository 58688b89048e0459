// SPDX-License-Identifier: MIT
/**
 * @file
 * A mapped file can shrink while it is read; the kernel then sends SIGBUS to the thread that
 * reads.
 *
 * Between insp_guard_begin and insp_guard_end such a fault, in a range that was registered, makes
 * the bytes read as zeros from there to the range's end: work goes on to where it looks, and looks
 * after its own memory as ever. Whoever began asks afterwards whether the range has changed, and
 * drops what was read. Other faults go to whoever handled SIGBUS before. The handler is installed
 * while at least one guard is held, and put back afterwards.
 */
#ifndef INSP_MEMORY_GUARD_H
#define INSP_MEMORY_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/** Bytes of this process that may vanish, from the start of a page. Kept until removed. */
bool insp_guard_add(const void *start, size_t size);
void insp_guard_remove(const void *start);

/** Whether bytes of the range that was registered with this start have vanished. */
bool insp_guard_changed(const void *start);

/** How many faults there were in this process, in all ranges: cheap to compare. */
unsigned insp_guard_faults(void);

typedef struct insp_guard {
    sigset_t mask; /**< of the thread, to be put back */
} insp_guard;

/** Guards nest, and threads hold theirs at the same time; who begins ends, in the same thread. */
insp_guard insp_guard_begin(void);
void insp_guard_end(insp_guard *g);

#endif
