// SPDX-License-Identifier: MIT
#include "heap.h"

#include <string.h>

insp_status insp_heap_init(insp_heap *h, insp_cpython *py, insp_error *err)
{
    *h = (insp_heap){.py = py, .spent = INSP_NONE};
    h->memory = insp_space_size(py->space);
    insp_status st = insp_types_init(&h->types, py, err);
    if (!st)
        st = insp_decoder_init(&h->decoder, py, &h->types, err);
    h->decoder.withdrawn = &h->withdrawn;
    h->decoder.most = h->memory / 8;
    insp_heap_refill(h);
    return st;
}

void insp_heap_refill(insp_heap *h)
{
    // Frames of one function share its code: a frame has a hundred bytes, a function rarely a few thousand.
    enum { CODE_BYTES = 32, AT_LEAST = 1 << 24 };
    h->decoder.code_bytes = h->memory * CODE_BYTES + AT_LEAST;
}

void insp_heap_deinit(insp_heap *h)
{
    insp_decoder_deinit(&h->decoder);
    insp_types_deinit(&h->types);
    insp_pools_deinit(&h->pools);
    insp_arena_places_deinit(&h->arenas);
    insp_addrs_deinit(&h->outside);
    insp_map_deinit(&h->outside_numbers);
    insp_bytes_deinit(&h->kind);
    insp_u32s_deinit(&h->type);
    insp_i32s_deinit(&h->remainder);
    insp_u32s_deinit(&h->owned_bytes);
    insp_u64s_deinit(&h->off);
    insp_u32s_deinit(&h->to);
    insp_bytes_deinit(&h->edge_kind);
    insp_addrs_deinit(&h->bodies);
    insp_u32s_deinit(&h->dangling);
    insp_root_rows_deinit(&h->roots);
    insp_tallies_deinit(&h->by_type);
    insp_map_deinit(&h->interp_of);
    insp_map_deinit(&h->shared_keys);
    insp_map_deinit(&h->withdrawn);
    insp_arena_deinit(&h->text);
}

// Objects start at their block, or behind a gc head, or behind a pre-header and a gc head; debug hooks
// put 16 bytes more before each.
static uint64_t place_of_kind(const insp_heap *h, uint8_t kind)
{
    return (uint64_t)(kind & INSP_K_PLACE_MASK) * 16 + h->py->debug_pad;
}

static uint64_t place_of(const insp_heap *h, uint32_t number)
{
    return place_of_kind(h, h->kind.at[number]);
}

uint32_t insp_heap_number(const insp_heap *h, insp_addr addr)
{
    insp_addr block;
    uint32_t n = insp_pools_number(&h->pools, addr, &block);
    if (n == INSP_NONE)
        return insp_map_get(&h->outside_numbers, addr);
    bool starts = h->kind.at[n] & INSP_K_OBJECT && addr == block + place_of(h, n);
    return starts ? n : INSP_NONE;
}

insp_addr insp_heap_addr(const insp_heap *h, uint32_t number)
{
    if (number >= h->n_objects)
        return h->roots.at[number - h->n_objects].addr;
    if (number >= h->n_pooled)
        return h->outside.at[number - h->n_pooled];
    const insp_pool_row *row = insp_pools_of_number(&h->pools, number);
    return row->blocks + (uint64_t)(number - row->first) * row->size + place_of(h, number);
}

bool insp_count_of(const insp_flavour *f, uint64_t word, int64_t *count)
{
    enum { ABOVE_SHIFT = 32, OVERFLOW_MASK = 0xffff };
    uint64_t above = word >> ABOVE_SHIFT;
    if (f->count == INSP_COUNT_FLAGS) {
        above &= OVERFLOW_MASK;
        word &= UINT32_MAX;
    }
    // 3.11 starts its static objects at 999,999,999 (_PyObject_IMMORTAL_REFCNT): what they have beyond that
    // says nothing, since not everybody who refers to them counts.
    *count = (int64_t)word;
    if (f->count == INSP_COUNT_PLAIN)
        return !f->countless || *count < f->countless;
    // What stands above is 0, or 1 where extensions made for older versions have counted an immortal up.
    if (above > 1)
        *count = -1;
    return *count <= INT32_MAX;
}

// Without the GIL the owner's count and everybody else's stand apart (PEP 703). One reference is that of the
// queue an object waits in to have the two merged (_Py_REF_QUEUED); in 3.13 functions and their like, whose
// references from evaluation stacks are not counted, are marked by that state for good. Since 3.14 they have
// a large number added instead.
static bool biased_refcount(insp_reader *r, insp_addr object, int64_t *count)
{
    enum { STATE_BITS = 2, STATE_MASK = 3, QUEUED = 2, DEFERRED = 64, DEFERRED_SHIFT = 60 };
    uint32_t local = INSP_U32(r, object, PyObject, ob_ref_local);
    uint64_t word = INSP_U64(r, object, PyObject, ob_ref_shared);
    int64_t shared = (int64_t)word >> STATE_BITS;
    bool deferred = INSP_U8(r, object, PyObject, ob_gc_bits) & DEFERRED;
    const int64_t added = (INT64_C(1) << DEFERRED_SHIFT) - 1;
    if (deferred && shared >= added / 2)
        shared -= added;
    *count = shared + local - ((word & STATE_MASK) == QUEUED);
    return local != UINT32_MAX;
}

bool insp_refcount(insp_reader *r, const insp_cpython *py, insp_addr object, int64_t *count)
{
    if (py->layout.flavour->count == INSP_COUNT_BIASED)
        return biased_refcount(r, object, count);
    uint64_t word = INSP_U64(r, object, PyObject, ob_refcnt);
    return insp_count_of(py->layout.flavour, word, count);
}

insp_addr insp_block_of(const insp_heap *h, insp_addr addr, uint64_t *size)
{
    insp_addr start = 0;
    if (!insp_heap_is_enumerated(h)) {
        insp_block block = {0};
        (void)insp_pools_look(&h->arenas, h->py, addr, &block);
        *size = block.size;
        return block.start;
    }
    bool pooled = insp_pools_number(&h->pools, addr, &start) != INSP_NONE;
    *size = pooled ? insp_pools_find(&h->pools, addr)->size : 0;
    return start;
}

uint32_t insp_heap_interp(const insp_heap *h, uint32_t number)
{
    if (h->py->interps.len > 1)
        return insp_map_get(&h->interp_of, number);
    return insp_heap_gc(h, number) > INSP_GC_UNTRACKED ? 0 : INSP_NONE;
}

const char *insp_gc_name(insp_gc_state state)
{
    static const char *const names[] = {NULL,   "untracked", "gen0",    "gen1",
                                        "gen2", "frozen",    "tracked", NULL};
    return names[state & 7];
}

// Columns for one more number.
static bool grow(insp_heap *h, uint8_t kind, uint32_t type, int32_t count)
{
    return insp_bytes_push(&h->kind, kind) && insp_u32s_push(&h->type, type) &&
           insp_i32s_push(&h->remainder, count);
}

static int32_t clamp(int64_t count)
{
    return count > INT32_MAX ? INT32_MAX : count < INT32_MIN ? INT32_MIN : (int32_t)count;
}

// Only the collector frees objects whose references are not all counted: nobody may own one, and it is there.
static bool waits_for_collector(insp_reader *r, const insp_cpython *py, insp_addr object)
{
    enum { TRACKED = 1, DEFERRED = 64 };
    return py->layout.flavour->count == INSP_COUNT_BIASED &&
           (INSP_U8(r, object, PyObject, ob_gc_bits) & (TRACKED | DEFERRED)) ==
               (TRACKED | DEFERRED);
}

// What can be said of an object by itself, before anybody refers to it.
static bool judge(insp_heap *h, insp_addr addr, uint8_t *kind, uint32_t *type, int32_t *count)
{
    insp_reader *r = &h->decoder.r;
    bool bad = r->bad;
    r->bad = false;
    insp_addr type_addr = addr & 7 ? 0 : INSP_U64(r, addr, PyObject, ob_type);
    const insp_typeinfo *t =
        type_addr && !r->bad ? insp_type_at(&h->types, r, type_addr) : NULL;
    int64_t refcnt = 0;
    bool counted = t && insp_refcount(r, h->py, addr, &refcnt);
    bool gc = t && insp_instance_is_gc(t, r, addr);
    bool alive = refcnt > 0 || (refcnt == 0 && gc && waits_for_collector(r, h->py, addr));
    bool sound = t && !r->bad && alive;
    if (sound) {
        insp_gc_state state = gc ? INSP_GC_UNTRACKED : INSP_GC_NONE;
        uint32_t head = (uint32_t)INSP_OFF(r->layout, PyGC_Head, sizeof);
        uint32_t place = gc ? (head + t->preheader) / 16u : 0;
        *kind = (uint8_t)(INSP_K_OBJECT | (counted ? INSP_K_COUNTED : 0) |
                          (uint32_t)state << INSP_K_GC_SHIFT | place);
        *type = t->id;
        *count = clamp(refcnt);
    }
    r->bad = bad;
    return sound;
}

static bool is_array(const insp_heap *h, insp_addr addr)
{
    bool ok = true;
    uint64_t word = insp_space_u64(h->py->space, addr, &ok);
    return !ok || insp_heap_is_pointer(h, word);
}

static bool starts_in(const insp_heap *h, const insp_block *block, insp_addr addr, uint8_t kind)
{
    return !is_array(h, addr) && addr == block->start + place_of_kind(h, kind);
}

// Whether the block's object is the one of that kind at addr: no place that scanning tries before has one.
static bool begins_block(insp_heap *h, const insp_block *block, insp_addr addr, uint8_t kind)
{
    enum { STEP = 16 };
    if (!starts_in(h, block, addr, kind))
        return false;
    for (insp_addr at = block->start + h->py->debug_pad; at < addr; at += STEP) {
        uint8_t other;
        uint32_t type;
        int32_t count;
        if (judge(h, at, &other, &type, &count) && starts_in(h, block, at, other))
            return false;
    }
    return true;
}

// Before the arenas and the collector's lists were read, one block tells whether an object can be there, and its
// gc head whether the collector tracks it.
static bool look(insp_heap *h, insp_addr addr, uint8_t *kind)
{
    insp_block block;
    if (insp_pools_look(&h->arenas, h->py, addr, &block) &&
        (block.free || !begins_block(h, &block, addr, *kind)))
        return false;
    if (!(*kind & INSP_K_GC_MASK))
        return true;
    insp_reader *r = &h->decoder.r;
    insp_addr head = addr - (uint32_t)INSP_OFF(r->layout, PyGC_Head, sizeof);
    if (INSP_U64(r, head, PyGC_Head, _gc_next) && !r->bad)
        *kind = (uint8_t)((*kind & ~INSP_K_GC_MASK) | INSP_GC_LOOSE << INSP_K_GC_SHIFT);
    r->bad = false;
    return true;
}

bool insp_heap_can_look(const insp_heap *h)
{
    return h->py->layout.flavour->alloc != INSP_ALLOC_MIMALLOC;
}

insp_status insp_heap_look(insp_heap *h, insp_error *err)
{
    insp_status st = h->has_arenas ? INSP_OK : insp_pools_list(&h->arenas, h->py, err);
    h->has_arenas = !st;
    return st;
}

uint32_t insp_heap_admit(insp_heap *h, insp_addr addr)
{
    uint32_t n = insp_heap_number(h, addr);
    if (n != INSP_NONE)
        return n;
    uint8_t kind;
    uint32_t type;
    int32_t count;
    if (!judge(h, addr, &kind, &type, &count))
        return INSP_NONE;
    if (!insp_heap_is_enumerated(h) && !look(h, addr, &kind))
        return INSP_NONE;
    insp_addr block;
    n = insp_pools_number(&h->pools, addr, &block);
    if (n != INSP_NONE) {
        // Only where the block is not another object's, and this one starts where its kind does.
        if (h->kind.at[n] || addr != block + place_of_kind(h, kind))
            return INSP_NONE;
        h->kind.at[n] = kind;
        h->type.at[n] = type;
        h->remainder.at[n] = count;
        return n;
    }
    n = h->n_pooled + (uint32_t)h->outside.len;
    if (n == INSP_NONE - 1 || !grow(h, kind, type, count))
        return INSP_NONE;
    if (!insp_addrs_push(&h->outside, addr) || !insp_map_set(&h->outside_numbers, addr, n)) {
        h->types.failed = true;
        return INSP_NONE;
    }
    h->n_objects = n + 1;
    return n;
}

insp_status insp_watch_step(const insp_watch *w, uint64_t done, uint64_t total,
                            uint64_t objects, insp_error *err)
{
    if (w->poll && w->poll(w->ctx, done, total, objects))
        return insp_fail(err, INSP_ERR_CANCELLED, 0, "stopped");
    return INSP_OK;
}
