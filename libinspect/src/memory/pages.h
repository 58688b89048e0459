// SPDX-License-Identifier: MIT
/**
 * @file
 * Which pages of another process are there: what was never touched need not be read.
 */
#ifndef INSP_MEMORY_PAGES_H
#define INSP_MEMORY_PAGES_H

#include "../base/ranges.h"

/** /proc/PID/pagemap, for the calls below: a descriptor to be closed, or -1. */
int insp_pages_open(int64_t pid);

/**
 * Add to *out, in order, the runs of pages in `range` that are in memory or swapped out. With
 * `own`, only those the process does not share with a file: anonymous ones, and written ones of
 * a private file mapping. False, and nothing added, where the kernel does not say or memory
 * runs out.
 */
bool insp_pages_touched(int pagemap, insp_range range, bool own, insp_range_vec *out);

#endif
