// SPDX-License-Identifier: MIT
/**
 * @file
 * Ranges of addresses, many of them.
 */
#ifndef INSP_BASE_RANGES_H
#define INSP_BASE_RANGES_H

#include "error.h"
#include "vec.h"

INSP_VEC(insp_range_vec, insp_range);

/** Sort them, and make one of those that touch or overlap. */
void insp_ranges_join(insp_range_vec *v);

#endif
