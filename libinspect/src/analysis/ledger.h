// SPDX-License-Identifier: MIT
/**
 * @file
 * Do the books balance: how many refcounts are explained by owners, over the whole heap.
 *
 * What is counted: objects that are alive, mortal, and not in a module's static storage.
 */
#ifndef INSP_ANALYSIS_LEDGER_H
#define INSP_ANALYSIS_LEDGER_H

#include "native.h"

typedef struct insp_ledger {
    uint64_t mortal, balanced, surplus, deficit, explained;
    uint64_t gc_mortal, gc_balanced, gc_explained;
} insp_ledger;

/** `native` may be NULL: then nothing is located, and only what balances is explained. */
insp_ledger insp_ledger_of(const insp_heap *h, const insp_native *native);

/** Whether an object's count enters the ledger. */
bool insp_ledger_counts(const insp_heap *h, uint32_t number);

/**
 * Numbers whose remainder is not 0: deficits first, the deepest first, then surpluses by what of them
 * is unexplained. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_ledger_unbalanced(const insp_heap *h, const insp_native *native,
                                   insp_u32s *out, insp_error *err);

#endif
