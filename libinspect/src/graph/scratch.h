// SPDX-License-Identifier: MIT
/**
 * @file
 * Large arrays for the time of one algorithm.
 *
 * Sized for the worst case and left untouched: what is not written to costs address space, not memory.
 */
#ifndef INSP_GRAPH_SCRATCH_H
#define INSP_GRAPH_SCRATCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { INSP_HUGE_PAGE = 2 * 1024 * 1024 };

/** n uninitialised elements, for free(); NULL when memory runs out. */
static inline void *insp_scratch(size_t n, size_t size)
{
    if (n > SIZE_MAX / size)
        return NULL;
    void *p = malloc(n ? n * size : size);
    // Random access to gigabytes is bound by address translation as much as by memory.
    size_t skip = -(uintptr_t)p & (INSP_HUGE_PAGE - 1);
    if (p && n * size > (size_t)2 * INSP_HUGE_PAGE)
        (void)madvise((char *)p + skip, n * size - skip, MADV_HUGEPAGE);
    return p;
}

/**
 * Ask for the cache line at p before it is needed. Any address will do.
 *
 * gcc drops calls of a function that does nothing else; a caller that does nothing else has to be
 * inlined as well.
 */
__attribute__((always_inline)) static inline void insp_soon(const void *p)
{
    __builtin_prefetch(p);
}

#endif
