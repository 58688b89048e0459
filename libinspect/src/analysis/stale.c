// SPDX-License-Identifier: MIT
#include "stale.h"

typedef struct finding {
    const insp_heap *h;
    insp_range_vec *out;
    bool failed;
} finding;

static void add(finding *f, insp_addr start, uint64_t size)
{
    insp_range range = {start, start + size};
    if (size && range.end > start)
        f->failed = f->failed || !insp_range_vec_push(f->out, range);
}

// Since 3.12 free lists lie in the interpreter; its type cache borrows its values.
static void add_caches(finding *f)
{
    const insp_layout *l = &f->h->py->layout;
    int32_t lists = INSP_OFF(l, PyInterpreterState, free_lists);
    int32_t lists_end = INSP_OFF(l, PyInterpreterState, free_lists_end);
    uint64_t cache_size =
        (uint64_t)INSP_OFF(l, type_cache_entry, sizeof) * INSP_TYPE_CACHE_ENTRIES;
    for (uint32_t i = 0; i < f->h->py->interps.len; i++) {
        insp_addr interp = f->h->py->interps.at[i].addr;
        if (lists >= 0 && lists_end > lists)
            add(f, interp + (uint32_t)lists, (uint64_t)(lists_end - lists));
        insp_addr cache = insp_type_cache_of(f->h->py, i);
        if (cache)
            add(f, cache, cache_size);
    }
}

// Frames lie in these chunks since 3.11 (struct _stack_chunk of cpython/pystate.h: previous, size, top, data). What
// is no slot of a frame there is what frames before it have left.
static void add_stack_chunks(finding *f)
{
    enum { MOST = 1 << 16, SIZE_WORD = 8 };
    const insp_heap *h = f->h;
    insp_reader r = insp_reader_of(h->py->space, &h->py->layout);
    uint64_t room = h->memory;
    for (size_t i = 0; i < h->py->threads.len; i++) {
        insp_addr at = INSP_U64(&r, h->py->threads.at[i].addr, PyThreadState, datastack_chunk);
        for (int k = 0; k < MOST && at && !r.bad; k++) {
            uint64_t size = insp_u64(&r, at + SIZE_WORD);
            if (r.bad || size > room)
                break;
            room -= size;
            add(f, at, size);
            at = insp_u64(&r, at);
        }
        r.bad = false;
    }
}

// ---- arrays of dead objects -----------------------------------------------------------------

// Up to 3.9 free lists of some types are static arrays. Those below numfree are dead; behind them stand those that
// were taken out again.

/** What an array is made of. */
typedef struct element {
    insp_addr type;
    uint32_t size; // of the block
} element;

static insp_addr type_of(insp_reader *r, insp_addr object)
{
    insp_addr type = INSP_U64(r, object, PyObject, ob_type);
    r->bad = false;
    return type;
}

static bool is_dead(const insp_heap *h, insp_reader *r, insp_addr word, element *e)
{
    insp_addr block;
    uint32_t n = word & 7 ? INSP_NONE : insp_pools_number(&h->pools, word, &block);
    if (n == INSP_NONE || h->kind.at[n] != INSP_K_DEAD)
        return false;
    e->type = type_of(r, word);
    e->size = insp_pools_of_number(&h->pools, n)->size;
    return insp_map_get(&h->types.ids, e->type) != INSP_MAP_NONE;
}

// Blocks that were freed or belong to C now say nothing.
static bool may_have_been(const insp_heap *h, insp_reader *r, insp_addr word, const element *e)
{
    insp_addr block;
    uint32_t n = word & 7 ? INSP_NONE : insp_pools_number(&h->pools, word, &block);
    if (n == INSP_NONE || insp_pools_of_number(&h->pools, n)->size != e->size)
        return false;
    bool known = h->kind.at[n] & INSP_K_OBJECT || h->kind.at[n] == INSP_K_DEAD;
    return !known || type_of(r, word) == e->type;
}

static void look_for_arrays(finding *f, insp_range range)
{
    insp_reader r = insp_reader_of(f->h->py->space, &f->h->py->layout);
    insp_addr from = (range.start + 7) & ~UINT64_C(7), at = from;
    while (at < range.end && range.end - at >= 8) {
        element e;
        if (!is_dead(f->h, &r, insp_u64(&r, at), &e)) {
            at += 8;
            continue;
        }
        insp_addr start = at;
        while (start > from && may_have_been(f->h, &r, insp_u64(&r, start - 8), &e))
            start -= 8;
        do
            at += 8;
        while (range.end - at >= 8 && may_have_been(f->h, &r, insp_u64(&r, at), &e));
        add(f, start, at - start);
        from = at;
    }
}

static void add_arrays(finding *f)
{
    for (const insp_segment *seg = insp_data_next(f->h->py, NULL); seg;
         seg = insp_data_next(f->h->py, seg))
        look_for_arrays(f, (insp_range){seg->start, seg->end});
}

bool insp_stale_find(const insp_heap *h, insp_range_vec *out)
{
    finding f = {.h = h, .out = out};
    add_caches(&f);
    add_stack_chunks(&f);
    add_arrays(&f);
    return !f.failed;
}
