// SPDX-License-Identifier: MIT
/**
 * @file
 * Objects that answer a description.
 */
#ifndef INSP_ANALYSIS_SEARCH_H
#define INSP_ANALYSIS_SEARCH_H

#include "../heap/heap.h"

/** Numbers of the objects that match, in the order asked for, and how many there are beyond them. */
typedef struct insp_matches {
    insp_u32s numbers; /**< at most query->limit */
    uint64_t count, size, bytes;
} insp_matches;

/** `reverse` gives the number of references to each object. Fails with INSP_ERR_MEMORY. */
insp_status insp_search_run(insp_heap *h, const insp_reverse *reverse, const insp_query *query,
                            insp_matches *out, insp_error *err);
void insp_matches_deinit(insp_matches *m);

#endif
