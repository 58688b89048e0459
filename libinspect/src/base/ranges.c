// SPDX-License-Identifier: MIT
#include "ranges.h"

static int by_start(const void *a, const void *b)
{
    const insp_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

void insp_ranges_join(insp_range_vec *v)
{
    size_t kept = 0;
    if (v->len)
        qsort(v->at, v->len, sizeof(*v->at), by_start);
    for (size_t i = 0; i < v->len; i++) {
        insp_range *last = kept ? &v->at[kept - 1] : NULL;
        if (!last || v->at[i].start > last->end)
            v->at[kept++] = v->at[i];
        else if (v->at[i].end > last->end)
            last->end = v->at[i].end;
    }
    v->len = kept;
}
