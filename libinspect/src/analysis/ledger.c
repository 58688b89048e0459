// SPDX-License-Identifier: MIT
#include "ledger.h"

#include <stdlib.h>

bool insp_ledger_counts(const insp_heap *h, uint32_t number)
{
    if (!insp_heap_is_object(h, number) || !(h->kind.at[number] & INSP_K_COUNTED))
        return false;
    return number < h->n_pooled ||
           insp_module_at(h->py, h->outside.at[number - h->n_pooled]) == INSP_NONE;
}

insp_ledger insp_ledger_of(const insp_heap *h, const insp_native *native)
{
    insp_ledger sum = {0};
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (!insp_ledger_counts(h, n))
            continue;
        int32_t remainder = h->remainder.at[n];
        int64_t located =
            native && remainder > 0 ? insp_native_located(native, n, remainder) : 0;
        bool gc = insp_heap_gc(h, n) != INSP_GC_NONE;
        sum.mortal++;
        sum.balanced += remainder == 0;
        sum.surplus += remainder > 0;
        sum.deficit += remainder < 0;
        sum.explained += remainder == located;
        sum.gc_mortal += gc;
        sum.gc_balanced += gc && remainder == 0;
        sum.gc_explained += gc && remainder == located;
    }
    return sum;
}

/** What the order goes by. */
typedef struct entry {
    uint32_t number;
    int64_t remainder, unexplained;
} entry;

INSP_VEC(entries, entry);

static int by_weight(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    bool deficit_x = x->remainder < 0, deficit_y = y->remainder < 0;
    if (deficit_x != deficit_y)
        return deficit_y - deficit_x;
    if (deficit_x && x->remainder != y->remainder)
        return x->remainder < y->remainder ? -1 : 1;
    if (x->unexplained != y->unexplained)
        return x->unexplained > y->unexplained ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool collect(const insp_heap *h, const insp_native *native, entries *all)
{
    for (uint32_t n = 0; n < h->n_objects; n++) {
        int64_t r = h->remainder.at[n];
        if (!r || !insp_ledger_counts(h, n))
            continue;
        int64_t located = native && r > 0 ? insp_native_located(native, n, r) : 0;
        if (!entries_push(all, (entry){n, r, r - located}))
            return false;
    }
    return true;
}

insp_status insp_ledger_unbalanced(const insp_heap *h, const insp_native *native,
                                   insp_u32s *out, insp_error *err)
{
    entries all = {0};
    bool fits = collect(h, native, &all) && insp_u32s_reserve(out, all.len + 1);
    if (fits && all.len)
        qsort(all.at, all.len, sizeof(*all.at), by_weight);
    for (size_t i = 0; fits && i < all.len; i++)
        out->at[out->len++] = all.at[i].number;
    entries_deinit(&all);
    return fits ? INSP_OK : insp_nomem(err);
}
