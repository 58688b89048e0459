// SPDX-License-Identifier: MIT
/**
 * @file
 * Where CPython leaves pointers that own nothing: caches, and lists of dead objects beyond their end.
 *
 * A word there that points to an object is no sign that somebody in C holds it.
 */
#ifndef INSP_ANALYSIS_STALE_H
#define INSP_ANALYSIS_STALE_H

#include "../base/ranges.h"
#include "../heap/heap.h"

/** Add the ranges, in no order; they may overlap. False where memory runs out. Needs the heap's references. */
bool insp_stale_find(const insp_heap *h, insp_range_vec *out);

#endif
