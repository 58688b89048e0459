// SPDX-License-Identifier: MIT
#include "checks.h"

#include "ledger.h"

// _PyMem_DebugRawAlloc: the size, big-endian; a letter for the domain, seven guard bytes; the data; eight
// guard bytes. A block that is freed is filled, whole or its first 64 bytes (ERASED_SIZE) and what
// surrounds them.
enum { FREED = 0xDD, GUARD = 0xFD, FRONT = 16, BACK = 8, FILLED = 64 + FRONT };

// ---- counts -----------------------------------------------------------------------------------

static void check_immortal(insp_heap *h, insp_findings_log *log, const insp_typeinfo *t,
                           insp_addr addr)
{
    uint32_t base = h->py->layout.flavour->immortal;
    insp_reader *r = &h->decoder.r;
    uint32_t word = base ? (uint32_t)INSP_U64(r, addr, PyObject, ob_refcnt) : 0;
    if (!r->bad && base && word != base)
        insp_found(log, "immortal", addr,
                   "%s 0x%" PRIx64 " is immortal, and its count has drifted by %" PRId64,
                   t->name, addr, (int64_t)word - (int64_t)base);
    r->bad = false;
}

// What is allocated can be born neither with the counts of static objects nor with more than memory has words
// for: every reference is one.
static bool is_too_many(const insp_heap *h, uint32_t n, insp_addr addr, int64_t count)
{
    int64_t least = h->py->layout.flavour->countless;
    bool counted = h->kind.at[n] & INSP_K_COUNTED;
    if (!counted)
        return least && count >= least && insp_module_at(h->py, addr) == INSP_NONE;
    return count > 0 && (uint64_t)count > h->memory / 8;
}

static void check_count(insp_heap *h, insp_findings_log *log, uint32_t n)
{
    insp_reader *r = &h->decoder.r;
    insp_addr addr = insp_heap_addr(h, n);
    const insp_typeinfo *t = h->types.at.at[h->type.at[n]];
    int64_t count = 0;
    bool counted = insp_refcount(r, h->py, addr, &count);
    if (r->bad)
        count = 0;
    else if (is_too_many(h, n, addr, count))
        insp_found(log, "refcount", addr,
                   "%s 0x%" PRIx64 ": refcount %" PRId64 " is more than memory has words",
                   t->name, addr, count);
    else if (!counted)
        check_immortal(h, log, t, addr);
    // None and its like: no ledger has them, for C code owns some; nobody may own less than there are.
    else if (h->remainder.at[n] < 0 && !insp_ledger_counts(h, n))
        insp_found(log, "static-deficit", addr,
                   "%s 0x%" PRIx64 ": refcount %" PRId64 ", but at least %" PRId64
                   " references own it",
                   t->name, addr, count, count - h->remainder.at[n]);
    r->bad = false;
}

// ---- the collector's lists --------------------------------------------------------------------

// _gc_prev holds a count, not a link, while a collection goes on.
static void check_links(insp_heap *h, insp_findings_log *log, const insp_gc_list *list)
{
    insp_reader *r = &h->decoder.r;
    const uint64_t flags = 3;
    insp_addr before = list->head;
    uint32_t head = (uint32_t)INSP_OFF(&h->py->layout, PyGC_Head, sizeof);
    for (uint32_t i = 0; i <= h->n_objects; i++) {
        insp_addr at = INSP_U64(r, before, PyGC_Head, _gc_next) & ~flags;
        insp_addr back = INSP_U64(r, at, PyGC_Head, _gc_prev) & ~flags;
        if (r->bad)
            break;
        if (back != before)
            insp_found(log, "gc-list", at,
                       "%s: 0x%" PRIx64 " follows 0x%" PRIx64 ", but says 0x%" PRIx64
                       " is before it",
                       list->name, at + head, before + head, back + head);
        if (at == list->head)
            break;
        before = at;
    }
    r->bad = false;
}

static void check_lists(insp_heap *h, insp_findings_log *log)
{
    for (size_t i = 0; i < h->py->interps.len; i++) {
        const insp_interp *in = &h->py->interps.at[i];
        for (uint32_t k = 0; k < in->n_lists && !in->gc_collecting; k++)
            check_links(h, log, &in->lists[k]);
    }
}

// ---- the debug hooks --------------------------------------------------------------------------

static bool is_domain(uint8_t letter)
{
    return letter == 'o' || letter == 'm' || letter == 'r';
}

// The first of the bytes that is not what they should be.
static bool is_damaged(const uint8_t *bytes, uint32_t n, uint8_t wanted, uint32_t *first)
{
    uint32_t i = 0;
    while (i < n && bytes[i] == wanted)
        i++;
    *first = i;
    return i < n;
}

// A block of the allocator, with the hooks' bytes in it. `sure`: every block there is of this form.
static void check_block(insp_heap *h, insp_findings_log *log, insp_addr start, uint64_t size,
                        bool sure)
{
    const uint8_t *front =
        size >= FRONT + BACK ? insp_at(&h->decoder.r.cur, start, FRONT) : NULL;
    if (!front)
        return;
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | front[i];
    uint32_t first = 0;
    insp_addr data = start + FRONT;
    bool whole = n <= size - FRONT - BACK && is_domain(front[8]) &&
                 !is_damaged(front + 9, FRONT - 9, GUARD, &first);
    if (!whole) {
        if (sure)
            insp_found(log, "guard", data,
                       "the guard bytes before the block at 0x%" PRIx64 " are overwritten",
                       data);
        return;
    }
    const uint8_t *back = insp_at(&h->decoder.r.cur, data + n, BACK);
    if (back && is_damaged(back, BACK, GUARD, &first))
        insp_found(log, "guard", data,
                   "the guard bytes behind the block at 0x%" PRIx64
                   " are overwritten: it has %" PRIu64
                   " bytes, and was written to at its byte %" PRIu64,
                   data, n, n + first);
}

// The first word is the link of the free list. The block that was carved last may never have been used.
static void check_free(insp_heap *h, insp_findings_log *log, insp_addr start, uint32_t size)
{
    enum { LINK = 8, LEAST = 32 };
    uint32_t end = size - 16 < FILLED ? size - 16 : FILLED, first = 0;
    const uint8_t *bytes = size >= LEAST ? insp_at(&h->decoder.r.cur, start, end) : NULL;
    if (bytes && is_damaged(bytes + LINK, end - LINK, FREED, &first))
        insp_found(log, "written-after-free", start,
                   "the block at 0x%" PRIx64
                   " is free, and was written to since, at 0x%" PRIx64,
                   start + FRONT, start + LINK + first);
}

static void check_pool(insp_heap *h, insp_findings_log *log, const insp_pool_row *row)
{
    bool pymalloc = h->py->layout.flavour->alloc != INSP_ALLOC_MIMALLOC;
    for (uint32_t b = 0; b < row->carved; b++) {
        insp_addr start = row->blocks + (uint64_t)b * row->size;
        if (h->kind.at[row->first + b] != INSP_K_FREE)
            check_block(h, log, start, row->size, pymalloc && !row->torn);
        else if (pymalloc && b + 1 < row->carved)
            check_free(h, log, start, row->size);
    }
}

// What malloc gave: its blocks are not all CPython's, so those that have no sound front are passed over.
static void check_malloced(insp_heap *h, insp_findings_log *log, insp_addr data)
{
    uint64_t size = insp_malloc_block(h, data);
    if (size)
        check_block(h, log, data - FRONT, size, false);
}

static insp_status check_hooks(insp_heap *h, insp_findings_log *log, insp_error *err)
{
    for (size_t i = 0; i < h->pools.rows.len; i++) {
        check_pool(h, log, &h->pools.rows.at[i]);
        insp_status st =
            i % 1024 ? INSP_OK : insp_watch_step(&h->watch, i, h->pools.rows.len, 0, err);
        if (st)
            return st;
    }
    for (uint32_t n = h->n_pooled; n < h->n_objects; n++) {
        uint64_t place = (uint64_t)(h->kind.at[n] & INSP_K_PLACE_MASK) * 16;
        check_malloced(h, log, insp_heap_addr(h, n) - place);
    }
    for (size_t i = 0; i < h->bodies.len; i++)
        check_malloced(h, log, h->bodies.at[i]);
    return INSP_OK;
}

insp_status insp_checks_run(insp_heap *h, insp_findings_log *log, insp_error *err)
{
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (insp_heap_is_object(h, n))
            check_count(h, log, n);
        insp_status st =
            n % 65536 ? INSP_OK : insp_watch_step(&h->watch, n, h->n_objects, n, err);
        if (st)
            return st;
    }
    check_lists(h, log);
    return h->py->debug_pad ? check_hooks(h, log, err) : INSP_OK;
}
