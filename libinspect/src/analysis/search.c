// SPDX-License-Identifier: MIT
#include "search.h"

#include <stdlib.h>
#include <string.h>

/** An object that matches, and what it is sorted by. */
typedef struct match {
    int64_t key;
    insp_addr addr;
    uint32_t number;
} match;

INSP_VEC(match_rows, match);

// Largest first; those that are equal by address.
static int by_key(const void *a, const void *b)
{
    const match *x = a, *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool remainder_fits(const insp_heap *h, uint32_t n, insp_remainder_query wanted)
{
    int32_t remainder = h->kind.at[n] & INSP_K_COUNTED ? h->remainder.at[n] : 0;
    switch (wanted) {
    case INSP_REMAINDER_ANY:
        return true;
    case INSP_REMAINDER_SURPLUS:
        return remainder > 0;
    case INSP_REMAINDER_DEFICIT:
        return remainder < 0;
    case INSP_REMAINDER_UNBALANCED:
        break;
    }
    return remainder != 0;
}

// What costs least is asked first.
static bool is_described(const insp_heap *h, const insp_query *q, uint32_t n)
{
    uint32_t type = h->type.at[n];
    if (q->types && (type >= q->n_types || !q->types[type]))
        return false;
    const char *gc = insp_gc_name(insp_heap_gc(h, n));
    if (q->gc && (!gc || strcmp(gc, q->gc) != 0))
        return false;
    return remainder_fits(h, n, (insp_remainder_query)q->remainder);
}

/** What is asked of an object, and what it is sorted by. */
typedef struct measures {
    int64_t refcnt, size, bytes, referrers;
} measures;

static measures measure(insp_heap *h, const insp_reverse *reverse, uint32_t n, insp_addr addr)
{
    measures m = {0};
    bool known;
    insp_addr block;
    uint64_t block_size;
    // The count of an immortal says nothing, least of all that it is large.
    if (!insp_refcount(&h->decoder.r, h->py, addr, &m.refcnt))
        m.refcnt = INT64_MIN;
    m.bytes = (int64_t)insp_object_bytes(h, n, &block, &block_size);
    m.size = insp_object_size(h, addr, h->types.at.at[h->type.at[n]], &known);
    if (!known)
        m.size = (int64_t)block_size;
    m.referrers = (int64_t)(reverse->off[n + 1] - reverse->off[n]);
    return m;
}

static bool fits(const insp_query *q, const measures *m)
{
    return m->refcnt >= q->least_refcnt && m->size >= q->least_size &&
           m->referrers >= q->least_referrers;
}

static int64_t key_of(const insp_heap *h, insp_sort sort, uint32_t n, const measures *m)
{
    int32_t remainder = h->kind.at[n] & INSP_K_COUNTED ? h->remainder.at[n] : 0;
    switch (sort) {
    case INSP_SORT_SIZE:
        return m->size;
    case INSP_SORT_BYTES:
        return m->bytes;
    case INSP_SORT_REFCNT:
        return m->refcnt;
    case INSP_SORT_REMAINDER:
        return remainder < 0 ? -(int64_t)remainder : remainder;
    case INSP_SORT_REFERRERS:
        return m->referrers;
    case INSP_SORT_ADDRESS:
        break;
    }
    return 0;
}

static bool collect(insp_heap *h, const insp_reverse *reverse, const insp_query *q,
                    match_rows *found, insp_matches *out)
{
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (!insp_heap_is_object(h, n) || !is_described(h, q, n))
            continue;
        insp_addr addr = insp_heap_addr(h, n);
        measures m = measure(h, reverse, n, addr);
        if (!fits(q, &m))
            continue;
        out->count++;
        out->size += (uint64_t)m.size;
        out->bytes += (uint64_t)m.bytes;
        match row = {key_of(h, (insp_sort)q->sort, n, &m), addr, n};
        if (!match_rows_push(found, row))
            return false;
    }
    return true;
}

insp_status insp_search_run(insp_heap *h, const insp_reverse *reverse, const insp_query *query,
                            insp_matches *out, insp_error *err)
{
    match_rows found = {0};
    bool whole = collect(h, reverse, query, &found, out);
    size_t n = query->limit && query->limit < found.len ? query->limit : found.len;
    if (whole && found.len)
        qsort(found.at, found.len, sizeof(*found.at), by_key);
    for (size_t i = 0; whole && i < n; i++)
        whole = insp_u32s_push(&out->numbers, found.at[i].number);
    match_rows_deinit(&found);
    return whole ? INSP_OK : insp_nomem(err);
}

void insp_matches_deinit(insp_matches *m)
{
    insp_u32s_deinit(&m->numbers);
}
