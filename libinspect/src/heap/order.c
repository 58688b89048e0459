// SPDX-License-Identifier: MIT
/**
 * @file
 * Objects by address: those in pools are numbered so, the others are sorted and merged in.
 */
#include <stdlib.h>

#include "heap.h"

typedef struct placed {
    insp_addr addr;
    uint32_t number;
} placed;

static int by_address(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static placed *sort_outside(const insp_heap *h)
{
    placed *all = malloc((h->outside.len + 1) * sizeof(*all));
    for (size_t i = 0; all && i < h->outside.len; i++)
        all[i] = (placed){h->outside.at[i], h->n_pooled + (uint32_t)i};
    if (all && h->outside.len)
        qsort(all, h->outside.len, sizeof(*all), by_address);
    return all;
}

insp_status insp_heap_order(const insp_heap *h, insp_u32s *out, insp_error *err)
{
    placed *outside = sort_outside(h);
    if (!outside || !insp_u32s_reserve(out, (size_t)h->objects + 1)) {
        free(outside);
        return insp_nomem(err);
    }
    size_t next = 0;
    bool fits = true;
    for (size_t p = 0; fits && p < h->pools.rows.len; p++) {
        const insp_pool_row *row = &h->pools.rows.at[p];
        for (; fits && next < h->outside.len && outside[next].addr < row->addr; next++)
            fits = insp_u32s_push(out, outside[next].number);
        for (uint32_t n = row->first; fits && n < row->first + row->n; n++) {
            if (h->kind.at[n] & INSP_K_OBJECT)
                fits = insp_u32s_push(out, n);
        }
    }
    for (; fits && next < h->outside.len; next++)
        fits = insp_u32s_push(out, outside[next].number);
    free(outside);
    return fits ? INSP_OK : insp_nomem(err);
}
