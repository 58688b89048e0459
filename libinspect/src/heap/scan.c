// SPDX-License-Identifier: MIT
/**
 * @file
 * Which used blocks are objects: the collector's lists name the tracked ones; of the other blocks a few
 * words tell. Types must be known by then, which is why they are collected first.
 */
#include "../object/str.h"
#include "../object/typestate.h"
#include "heap.h"

/** What stands in a block if it is an object of one of the three kinds. */
typedef struct guess {
    uint32_t type_word; // in words from the block's data
    uint8_t place;      // INSP_K_PLACE
    uint32_t gc, pre;   // what the type has to say
} guess;

static const guess guesses[] = {{1, 0, 0, 0}, {3, 1, 1, 0}, {5, 2, 1, 16}};

// Text before what an object left behind may look like one whose count is overwritten. Such an object is known by who
// refers to it. Nothing in a pool is born with the counts of static objects.
static bool is_count(const insp_heap *h, uint64_t word, int64_t *count, bool *counted)
{
    const insp_flavour *f = h->py->layout.flavour;
    *counted = insp_count_of(f, word, count);
    uint64_t most = *counted || f->countless ? h->memory / 8 : UINT32_MAX + UINT64_C(1);
    return *count > 0 && (uint64_t)*count <= most && !insp_heap_is_pointer(h, word);
}

static bool admit_guess(insp_heap *h, uint32_t n, const uint64_t *words, uint32_t n_words,
                        const guess *g)
{
    if (g->type_word >= n_words)
        return false;
    uint64_t type = words[g->type_word];
    int64_t refcnt;
    bool counted;
    uint32_t id = insp_map_get(&h->types.ids, type);
    if (id == INSP_MAP_NONE || !is_count(h, words[g->type_word - 1], &refcnt, &counted))
        return false;
    const insp_typeinfo *t = h->types.at.at[id];
    if (t->is_gc != g->gc || (g->gc && t->preheader != g->pre))
        return false;
    bool loose = g->gc && words[g->type_word - 3] != 0;
    if (loose && !h->py->interps.at[0].gc_collecting)
        return false;
    insp_gc_state state = loose ? INSP_GC_LOOSE : g->gc ? INSP_GC_UNTRACKED : INSP_GC_NONE;
    h->kind.at[n] = (uint8_t)(INSP_K_OBJECT | (counted ? INSP_K_COUNTED : 0u) |
                              (unsigned)state << INSP_K_GC_SHIFT | g->place);
    h->type.at[n] = id;
    h->remainder.at[n] = (int32_t)(refcnt > INT32_MAX ? INT32_MAX : refcnt);
    return true;
}

// A block that carries a type but a count of 0 waits on a free list of its type.
static bool is_dead(const insp_heap *h, const uint64_t *words, uint32_t n_words)
{
    for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
        uint32_t w = guesses[i].type_word;
        if (w < n_words && !words[w - 1] &&
            insp_map_get(&h->types.ids, words[w]) != INSP_MAP_NONE)
            return true;
    }
    return false;
}

static void mark_dead(insp_heap *h, uint32_t n)
{
    h->kind.at[n] = INSP_K_DEAD;
    h->dead++;
}

static void scan_block(insp_heap *h, uint32_t n, insp_addr block, uint32_t size)
{
    uint64_t words[6];
    uint32_t pad = h->py->debug_pad, n_words = (size - pad) / 8;
    n_words = n_words > 6 ? 6 : n_words;
    const void *p = size > pad ? insp_at(&h->decoder.r.cur, block + pad, n_words * 8u) : NULL;
    if (!p)
        return;
    __builtin_memcpy(words, p, n_words * 8u);
    for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]); i++) {
        if (admit_guess(h, n, words, n_words, &guesses[i]))
            return;
    }
    if (is_dead(h, words, n_words))
        mark_dead(h, n);
}

// A page that says what its blocks are: objects, in a known place. The collector's bits are the object's own
// (Include/internal/pycore_gc.h).
static void scan_own_page(insp_heap *h, const insp_pool_row *row, uint32_t n, insp_addr block)
{
    enum { TRACKED = 1, FROZEN = 8, PRE = 16 };
    insp_pool_use use = (insp_pool_use)row->use;
    insp_reader *r = &h->decoder.r;
    insp_addr addr = block + h->py->debug_pad + (use == INSP_POOL_GC_PRE ? PRE : 0);
    uint8_t bits = use >= INSP_POOL_GC ? INSP_U8(r, addr, PyObject, ob_gc_bits) : 0;
    // A tracked one is an object even of a type that nobody knows yet.
    insp_addr type = INSP_U64(r, addr, PyObject, ob_type);
    bool known = !r->bad && (bits & TRACKED || insp_map_get(&h->types.ids, type) != INSP_NONE);
    r->bad = false;
    if (!known || insp_heap_admit(h, addr) == INSP_NONE) {
        if (known)
            mark_dead(h, n);
        return;
    }
    unsigned state = bits & FROZEN    ? INSP_GC_FIRST_LIST + 3
                     : bits & TRACKED ? INSP_GC_LOOSE
                                      : (unsigned)insp_heap_gc(h, n);
    unsigned others = h->kind.at[n] & ~(unsigned)INSP_K_GC_MASK;
    h->kind.at[n] = (uint8_t)(others | state << INSP_K_GC_SHIFT);
    if (h->py->interps.len > 1 && state > INSP_GC_UNTRACKED &&
        !insp_map_set(&h->interp_of, n, row->interp))
        h->types.failed = true;
}

static void scan_pool(insp_heap *h, const insp_pool_row *row)
{
    for (uint32_t b = 0; row->use != INSP_POOL_MEMORY && b < row->carved; b++) {
        insp_addr block = row->blocks + (uint64_t)b * row->size;
        if (h->kind.at[row->first + b])
            continue;
        if (row->use == INSP_POOL_ANY)
            scan_block(h, row->first + b, block, row->size);
        else
            scan_own_page(h, row, row->first + b, block);
    }
}

/** Types whose subclasses are still to be looked at, and those that were met. */
typedef struct type_walk {
    insp_addrs todo;
    insp_map met;
} type_walk;

static bool meet(insp_heap *h, type_walk *w, insp_addr type)
{
    if (insp_map_get(&w->met, type) != INSP_MAP_NONE ||
        !insp_type_at(&h->types, &h->decoder.r, type))
        return !h->types.failed;
    return insp_map_set(&w->met, type, 1) && insp_addrs_push(&w->todo, type);
}

// tp_subclasses: a dict from id to weakref. Its values, followed from type to type,
// are all types there are.
static bool add_subclasses(insp_heap *h, insp_addr type, type_walk *w)
{
    insp_reader *r = &h->decoder.r;
    insp_addr dict = insp_type_subclasses(r, h->py, type);
    insp_dict_table t;
    if (!dict || r->bad || !insp_dict_look(r, dict, &t)) {
        r->bad = false;
        return true;
    }
    for (uint64_t i = 0; i < t.n && insp_goes_on(&h->decoder); i++) {
        insp_addr key, value;
        insp_dict_entry(r, &t, i, &key, &value);
        insp_addr sub = value ? INSP_U64(r, value, PyWeakReference, wr_object) : 0;
        h->subclass_refs += value != 0;
        h->subclasses += sub && insp_is_type(r, h->py, sub);
        if (sub && !meet(h, w, sub))
            return false;
    }
    r->bad = false;
    return true;
}

static insp_status collect_types(insp_heap *h, insp_error *err)
{
    insp_reader *r = &h->decoder.r;
    type_walk w = {.met = {0}};
    insp_addr object = h->py->type_type;
    h->decoder.looked = 0;
    for (insp_addr base = object; base && insp_goes_on(&h->decoder);
         base = INSP_U64(r, base, PyTypeObject, tp_base))
        object = base;
    r->bad = false;
    bool fits = meet(h, &w, object);
    while (fits && w.todo.len)
        fits = add_subclasses(h, w.todo.at[--w.todo.len], &w);
    insp_addrs_deinit(&w.todo);
    insp_map_deinit(&w.met);
    return fits ? INSP_OK : insp_nomem(err);
}

// Nobody may take a free block for an object, whatever its bytes still say.
static void mark_free(insp_heap *h)
{
    for (size_t i = 0; i < h->pools.free_blocks.len; i++) {
        insp_addr start = 0;
        uint32_t n = insp_pools_number(&h->pools, h->pools.free_blocks.at[i], &start);
        if (n == INSP_NONE)
            continue;
        if (h->kind.at[n] & INSP_K_OBJECT)
            insp_found(h->py->findings, "freed-object", start,
                       "the block at 0x%" PRIx64
                       " is free, but the collector tracks an object in it",
                       start);
        else
            h->kind.at[n] = INSP_K_FREE;
    }
    insp_addrs_deinit(&h->pools.free_blocks);
}

insp_status insp_blocks_scan(insp_heap *h, insp_error *err)
{
    insp_status st = collect_types(h, err);
    mark_free(h);
    for (size_t i = 0; !st && i < h->pools.rows.len; i++) {
        scan_pool(h, &h->pools.rows.at[i]);
        if (i % 1024 == 0)
            st = insp_watch_step(&h->watch, i, h->pools.rows.len, 0, err);
    }
    return st;
}

// The dict of interned strings is a static variable without a symbol: it is the largest dict that maps
// interned strings to themselves, and nothing the collector tracks.
static void find_interned(insp_heap *h)
{
    uint64_t most = 0;
    h->decoder.looked = 0;
    if (h->py->interps.at[0].interned)
        return;
    for (uint32_t n = 0; n < h->n_pooled; n++) {
        if (insp_heap_gc(h, n) != INSP_GC_UNTRACKED ||
            h->types.at.at[h->type.at[n]]->kind != INSP_KIND_DICT)
            continue;
        insp_addr addr = insp_heap_addr(h, n);
        uint64_t strings = insp_interned_strings(&h->decoder, addr);
        if (strings > most) {
            most = strings;
            h->decoder.interned = addr;
        }
    }
}

// What was looked at one by one before has other numbers now.
static void forget_looked(insp_heap *h)
{
    h->outside.len = 0;
    insp_map_deinit(&h->outside_numbers);
    insp_arena_places_deinit(&h->arenas);
    h->has_arenas = false;
}

insp_status insp_heap_enumerate(insp_heap *h, insp_error *err)
{
    forget_looked(h);
    insp_status st = insp_pools_read(&h->pools, h->py, err);
    if (st)
        return st;
    h->n_pooled = h->n_objects = h->pools.numbers;
    if (!insp_bytes_reserve(&h->kind, h->n_pooled + 1u) ||
        !insp_u32s_reserve(&h->type, h->n_pooled + 1u) ||
        !insp_i32s_reserve(&h->remainder, h->n_pooled + 1u))
        return insp_nomem(err);
    __builtin_memset(h->kind.at, 0, h->n_pooled);
    __builtin_memset(h->type.at, 0xff, h->n_pooled * sizeof(*h->type.at));
    __builtin_memset(h->remainder.at, 0, h->n_pooled * sizeof(*h->remainder.at));
    h->kind.len = h->type.len = h->remainder.len = h->n_pooled;
    st = insp_gclists_mark(h, err);
    if (!st)
        st = insp_blocks_scan(h, err);
    if (!st)
        find_interned(h);
    return st ? st : insp_heap_prove(h, err);
}
