// SPDX-License-Identifier: MIT
/**
 * @file
 * A mapped file can shrink while it is read; the kernel then sends SIGBUS to the thread that
 * reads.
 *
 * insp_guard_run calls work(ctx) so that such a fault, in this thread and in a range that was
 * registered, ends the work instead of the process. Other faults go to whoever handled SIGBUS
 * before. The handler is installed while at least one guard runs, and put back afterwards.
 */
#ifndef INSP_MEMORY_GUARD_H
#define INSP_MEMORY_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/** Bytes of this process that may vanish. Registered ranges are kept until removed. */
bool insp_guard_add(const void *start, size_t size);
void insp_guard_remove(const void *start);

/**
 * False when a fault ended the work; what it had allocated until then is the caller's to find.
 */
bool insp_guard_run(void (*work)(void *), void *ctx);

#endif
