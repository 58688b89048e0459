// SPDX-License-Identifier: MIT
#include "place.h"

#include <stdlib.h>

// How many chunks of malloc are stepped over: what is more than this is not looked for.
enum { MOST_CHUNKS = 1 << 24 };

/** The walk that looks for the owner of a block. */
typedef struct owner_search {
    insp_heap *h;
    insp_place *out;
    insp_addr addr;
    insp_addr object; // being walked
} owner_search;

// The block of pymalloc, or else of malloc, that an object's body starts in.
static uint64_t body_size(const insp_heap *h, insp_addr data)
{
    uint64_t size;
    insp_addr block = insp_block_of(h, data, &size);
    return block ? size : insp_malloc_block(h, data);
}

static void look_for_body(insp_refs *refs)
{
    owner_search *s = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        if (ref->form != INSP_FORM_BODY || s->addr < ref->target || s->out->object)
            continue;
        uint64_t size = body_size(s->h, ref->target);
        if (s->addr - ref->target >= size)
            continue;
        s->out->kind = INSP_PLACE_BODY;
        s->out->object = s->object;
        s->out->block = ref->target;
        s->out->block_size = size;
        s->out->offset = (int64_t)(s->addr - ref->target);
    }
    refs->len = 0;
}

static insp_status find_owner(insp_heap *h, insp_addr addr, insp_place *out, insp_error *err)
{
    insp_refs *refs = malloc(sizeof(*refs));
    if (!refs)
        return insp_nomem(err);
    owner_search s = {.h = h, .out = out, .addr = addr};
    refs->len = 0;
    refs->flush = look_for_body;
    refs->ctx = &s;
    h->decoder.refs = refs;
    h->decoder.all = true;
    for (uint32_t n = 0; n < h->n_objects && !out->object; n++) {
        if (!insp_heap_is_object(h, n))
            continue;
        s.object = insp_heap_addr(h, n);
        insp_heap_walk(h, n);
        look_for_body(refs);
    }
    h->decoder.refs = NULL;
    free(refs);
    return INSP_OK;
}

// ---- pymalloc ----

static uint32_t rank_in_free_list(insp_heap *h, const insp_pool_row *pool, insp_addr block)
{
    insp_reader *r = &h->decoder.r;
    insp_addr at = INSP_U64(r, pool->addr, pool_header, freeblock);
    uint32_t rank = 0;
    while (at && at != block && rank < pool->n && !r->bad) {
        at = insp_u64(r, at);
        rank++;
    }
    bool there = at == block && !r->bad;
    r->bad = false;
    return there ? rank : INSP_NONE;
}

static void in_block(insp_heap *h, const insp_pool_row *pool, uint32_t n, insp_addr addr,
                     insp_place *out)
{
    out->block_index = n - pool->first;
    out->block = pool->blocks + (uint64_t)out->block_index * pool->size;
    out->block_size = pool->size;
    out->offset = (int64_t)(addr - out->block);
    if (insp_heap_is_object(h, n)) {
        out->kind = INSP_PLACE_OBJECT;
        out->object = insp_heap_addr(h, n);
        out->offset = (int64_t)(addr - out->object);
        return;
    }
    out->kind = INSP_PLACE_BLOCK;
    if (out->block_index >= pool->carved) {
        out->kind = INSP_PLACE_VIRGIN_BLOCK;
        return;
    }
    // A page of mimalloc has three lists, in no order of time.
    bool ranked = h->py->layout.flavour->alloc != INSP_ALLOC_MIMALLOC;
    out->free_rank = ranked ? rank_in_free_list(h, pool, out->block) : INSP_NONE;
    if (out->free_rank != INSP_NONE || h->kind.at[n] == INSP_K_FREE)
        out->kind = INSP_PLACE_FREE_BLOCK;
}

static void in_pool(insp_heap *h, const insp_pool_row *pool, insp_addr addr, insp_place *out)
{
    insp_addr block;
    out->pool = pool->addr;
    out->pool_blocks = pool->n;
    out->pool_used = pool->used;
    if (pool->state != INSP_POOL_USED) {
        out->kind =
            pool->state == INSP_POOL_EMPTY ? INSP_PLACE_EMPTY_POOL : INSP_PLACE_VIRGIN_POOL;
        return;
    }
    uint32_t n = insp_pools_number(&h->pools, addr, &block);
    if (n != INSP_NONE)
        in_block(h, pool, n, addr, out);
    else
        out->kind = addr < pool->blocks ? INSP_PLACE_POOL_HEADER : INSP_PLACE_POOL_END;
}

// The arena that addr lies in; mimalloc's pages lie in none that are known here.
static uint32_t arena_of(const insp_heap *h, insp_addr addr)
{
    const insp_arena_infos *arenas = &h->pools.arenas;
    for (uint32_t i = 0; i < arenas->len; i++) {
        if (addr >= arenas->at[i].addr &&
            addr - arenas->at[i].addr < h->py->pymalloc.arena_size)
            return i;
    }
    return INSP_NONE;
}

static bool in_arena(insp_heap *h, insp_addr addr, insp_place *out)
{
    const insp_pools *p = &h->pools;
    const insp_pool_row *pool = insp_pools_find(p, addr);
    out->arena = arena_of(h, addr);
    if (out->arena != INSP_NONE) {
        out->kind = INSP_PLACE_ARENA_END;
        if (pool)
            out->pool_index =
                (uint32_t)(pool - p->rows.at) - p->arenas.at[out->arena].first_pool;
    }
    if (pool)
        in_pool(h, pool, addr, out);
    return pool || out->arena != INSP_NONE;
}

// ---- elsewhere ----

// From its head on, as far as its own bytes reach: items that follow it included.
static bool covers(insp_heap *h, uint32_t number, insp_addr addr)
{
    bool known;
    insp_addr object = insp_heap_addr(h, number);
    const insp_typeinfo *t = h->types.at.at[h->type.at[number]];
    uint64_t front = 0;
    if (insp_heap_gc(h, number) != INSP_GC_NONE)
        front = (uint64_t)INSP_OFF(&h->py->layout, PyGC_Head, sizeof) + t->preheader;
    int64_t size = insp_object_size(h, object, t, &known);
    uint64_t room = size > t->basicsize ? (uint64_t)size : (uint64_t)t->basicsize;
    return addr >= object ? addr - object < room : object - addr <= front;
}

// The nearest object before addr, or the one whose head addr lies in.
static bool in_outside_object(insp_heap *h, insp_addr addr, insp_place *out)
{
    enum { FRONT = 64 };
    uint32_t best = INSP_NONE;
    for (uint32_t i = 0; i < h->outside.len; i++) {
        uint32_t n = h->n_pooled + i;
        insp_addr at = h->outside.at[i];
        if (at > addr && at - addr > FRONT)
            continue;
        if ((best == INSP_NONE || at > insp_heap_addr(h, best)) && covers(h, n, addr))
            best = n;
    }
    if (best == INSP_NONE)
        return false;
    out->kind = INSP_PLACE_OBJECT;
    out->object = insp_heap_addr(h, best);
    out->offset = (int64_t)(addr - out->object);
    return true;
}

static void in_module(const insp_image *image, insp_addr addr, insp_place *out)
{
    out->kind = out->object ? out->kind : INSP_PLACE_MODULE;
    out->module = image->path;
    out->module_offset = addr - image->bias;
    const insp_section *section = insp_image_section_at(image, addr);
    if (section) {
        out->section = section->name;
        out->section_offset = addr - section->start;
    }
    const insp_symbol *symbol = insp_image_symbol_at(image, addr);
    if (symbol) {
        out->symbol = symbol->name;
        out->symbol_offset = addr - symbol->addr;
    }
}

// The thread whose stack pointer lies in the same mapping, and next to addr where there are several.
static bool in_stack(const insp_thread_regs_vec *threads, const insp_segment *seg,
                     insp_addr addr, insp_place *out)
{
    uint64_t nearest = UINT64_MAX;
    for (size_t i = 0; threads && i < threads->len; i++) {
        insp_addr sp = insp_thread_sp(&threads->at[i]);
        if (sp < seg->start || sp >= seg->end)
            continue;
        uint64_t distance = sp > addr ? sp - addr : addr - sp;
        if (distance >= nearest)
            continue;
        nearest = distance;
        out->thread = threads->at[i].tid;
        out->from_stack = (int64_t)(addr - sp);
    }
    if (nearest != UINT64_MAX && !out->object)
        out->kind = INSP_PLACE_STACK;
    return nearest != UINT64_MAX;
}

// Chunks of malloc stand one behind the other, each with its size in front (glibc's malloc/malloc.c); the
// first of a mapping starts with it, but where an arena's own state comes before.
static void in_malloc(insp_heap *h, const insp_segment *seg, insp_addr addr, insp_place *out)
{
    insp_reader *r = &h->decoder.r;
    insp_addr at = insp_behind_module(h->py, seg->start);
    for (uint32_t i = 0; i < MOST_CHUNKS && at < seg->end && seg->end - at >= 16; i++) {
        uint64_t size = insp_u64(r, at + 8) & ~UINT64_C(7);
        if (r->bad || size < 32 || size & 15 || size > seg->end - at)
            break;
        if (addr - at < size) {
            out->kind = INSP_PLACE_MALLOC;
            out->block = at + 16;
            out->block_size = size - 8;
            out->offset = (int64_t)(addr - out->block);
            break;
        }
        at += size;
    }
    r->bad = false;
}

insp_status insp_place_find(insp_heap *h, const insp_thread_regs_vec *threads, insp_addr addr,
                            bool references, insp_place *out, insp_error *err)
{
    *out = (insp_place){
        .arena = INSP_NONE, .free_rank = INSP_NONE, .module = "", .section = "", .symbol = ""};
    const insp_segment *seg = insp_space_find(h->py->space, addr);
    bool ok = seg != NULL;
    out->word = ok ? insp_space_u64(h->py->space, addr, &ok) : 0;
    out->readable = ok;
    out->exact = insp_heap_number(h, addr) != INSP_NONE;
    if (seg)
        out->kind = INSP_PLACE_MEMORY;
    out->writable = seg && seg->flags & INSP_SEG_WRITE;
    bool found = in_arena(h, addr, out) || in_outside_object(h, addr, out);
    uint32_t module = insp_module_at(h->py, addr);
    if (module != INSP_NONE)
        in_module(&h->py->images->at[module], addr, out);
    if (found || module != INSP_NONE || !seg || in_stack(threads, seg, addr, out)) {
        bool owned = out->kind == INSP_PLACE_BLOCK && references;
        return owned ? find_owner(h, addr, out, err) : INSP_OK;
    }
    insp_status st = references ? find_owner(h, addr, out, err) : INSP_OK;
    if (!st && !out->object)
        in_malloc(h, seg, addr, out);
    return st;
}
