// SPDX-License-Identifier: MIT
/**
 * @file
 * Finding pymalloc's state (Objects/obmalloc.c).
 *
 * Since 3.12 (gh-84436) an interpreter has it or points to it. Up to 3.11 the array of arenas hangs on a static variable that stripping removes. But every small
 * object lies in a pool, a pool header carries the index of its arena, and only one word of the
 * module's data points to an array whose entries fit the pools that are known. The pools come from
 * the objects on the collector's lists.
 */
#include "cpython.h"

enum { SAMPLE = 512, WALK = 65536, MAX_ARENAS = 1 << 24 };

static bool arena_is_plausible(insp_reader *r, insp_addr arena, const insp_flavour *fl)
{
    insp_addr address = INSP_U64(r, arena, arena_object, address);
    insp_addr next = INSP_U64(r, arena, arena_object, pool_address);
    uint32_t most = (uint32_t)(fl->arena_size / fl->pool_size);
    uint32_t total = INSP_U32(r, arena, arena_object, ntotalpools);
    uint32_t free_pools = INSP_U32(r, arena, arena_object, nfreepools);
    bool bad = r->bad;
    r->bad = false;
    if (bad)
        return false;
    if (!address)
        return true;
    return !(address & 4095) && total <= most && free_pools <= total && next >= address &&
           next - address <= fl->arena_size;
}

typedef struct pool_sample {
    insp_addr pool;
    uint32_t arena;
} pool_sample;

typedef struct samples {
    pool_sample at[SAMPLE];
    uint32_t len;
    uint32_t walked;  // objects, in all lists: they may be many, and circles
    uint64_t tries;   // how often a word may still be held against a sample
    uint32_t highest; // arena index
} samples;

static bool pool_header_is_plausible(insp_reader *r, insp_addr pool, uint32_t pool_size,
                                     uint32_t *arena)
{
    uint32_t count = INSP_U32(r, pool, pool_header, ref_count);
    uint32_t szidx = INSP_U32(r, pool, pool_header, szidx);
    uint32_t next = INSP_U32(r, pool, pool_header, nextoffset);
    uint32_t most = INSP_U32(r, pool, pool_header, maxnextoffset);
    *arena = INSP_U32(r, pool, pool_header, arenaindex);
    bool bad = r->bad;
    r->bad = false;
    if (bad || szidx >= 32 || !count || *arena >= MAX_ARENAS || next > pool_size)
        return false;
    uint32_t size = (szidx + 1) * 16;
    return count <= pool_size / size && most == pool_size - size;
}

static bool add_sample(insp_reader *r, samples *s, insp_addr object, uint32_t pool_size)
{
    uint32_t arena;
    insp_addr pool = object & ~(insp_addr)(pool_size - 1);
    for (uint32_t i = 0; i < s->len; i++) {
        if (s->at[i].pool == pool)
            return true;
    }
    if (!pool_header_is_plausible(r, pool, pool_size, &arena))
        return true;
    s->at[s->len++] = (pool_sample){pool, arena};
    if (arena > s->highest)
        s->highest = arena;
    return s->len < SAMPLE;
}

static void sample_list(insp_reader *r, samples *s, insp_addr head, uint32_t pool_size)
{
    insp_addr at = insp_gc_next(r, head);
    for (; s->walked < WALK && at && at != head && !r->bad; s->walked++) {
        if (!add_sample(r, s, at, pool_size))
            return;
        at = insp_gc_next(r, at);
    }
    r->bad = false;
}

static bool fits(insp_reader *r, insp_addr arenas, const pool_sample *p, uint64_t arena_size)
{
    uint32_t step = (uint32_t)INSP_OFF(r->layout, arena_object, sizeof);
    insp_addr address = INSP_U64(r, arenas + (uint64_t)p->arena * step, arena_object, address);
    bool bad = r->bad;
    r->bad = false;
    return !bad && address && !(address & 4095) && p->pool >= address &&
           p->pool - address < arena_size;
}

// Not all have to fit: now and then a page looks like a pool by chance.
static bool is_arena_array(insp_reader *r, insp_addr arenas, samples *s, uint64_t arena_size)
{
    uint32_t misses = 0, most = s->len / 10;
    for (uint32_t i = 0; i < s->len; i++) {
        if (!s->tries)
            return false;
        s->tries--;
        misses += !fits(r, arenas, &s->at[i], arena_size);
        if (misses > most)
            return false;
    }
    return true;
}

// The array is a malloc chunk that doubles, from 16 entries on: as long as entries are plausible, at most
// what the chunk's size says.
static uint32_t array_length(insp_reader *r, insp_addr arenas, uint32_t at_least)
{
    uint32_t step = (uint32_t)INSP_OFF(r->layout, arena_object, sizeof);
    uint64_t chunk = insp_u64(r, arenas - 8) & ~UINT64_C(7);
    uint64_t most = r->bad || chunk < 32 ? at_least : (chunk - 8) / step;
    r->bad = false;
    if (most > MAX_ARENAS)
        most = MAX_ARENAS;
    if (most < at_least)
        most = at_least;
    uint32_t n = 0;
    while (n < most && arena_is_plausible(r, arenas + (uint64_t)n * step, r->layout->flavour))
        n++;
    return n;
}

// The words of the module's own writable data, .bss included.
static insp_addr search_data(insp_cpython *py, insp_reader *r, samples *s)
{
    // Few words of data are pointers, and few of those come far: a sound target needs a fraction of this. Where
    // all memory claims to be data and each word of it nearly fits, the search ends.
    enum { TRIES_A_WORD = 4, AT_LEAST = 1 << 22 };
    insp_pymalloc *pm = &py->pymalloc;
    s->tries = insp_space_size(py->space) / 8 * TRIES_A_WORD + AT_LEAST;
    for (const insp_segment *seg = insp_data_next(py, NULL); seg;
         seg = insp_data_next(py, seg)) {
        for (insp_addr a = (seg->start + 7) & ~UINT64_C(7); a + 8 <= seg->end; a += 8) {
            insp_addr w = insp_u64(r, a);
            if (w < 4096 || w & 15 || !is_arena_array(r, w, s, pm->arena_size))
                continue;
            pm->found_by = insp_arena_printf(
                py->text, "1 word of the data fits %u of %u pools: 0x%" PRIx64, s->len, s->len,
                a);
            return w;
        }
    }
    return 0;
}

// Debug hooks (PYTHONMALLOC=debug) put the size, the letter of the domain and seven 0xFD bytes in front of
// what they hand out (Objects/obmalloc.c, _PyMem_DebugRawAlloc).
static bool has_debug_head(insp_reader *r, insp_addr data)
{
    const uint64_t guard = UINT64_C(0xfdfdfdfdfdfdfd00);
    uint64_t word = insp_u64(r, data - 8);
    uint64_t letter = word & 0xff;
    bool ok = !r->bad && (word & ~UINT64_C(0xff)) == guard &&
              (letter == 'o' || letter == 'm' || letter == 'r');
    r->bad = false;
    return ok;
}

// Where the collector has no lists, dicts that every interpreter has are asked; no gc head stands before them.
static bool dicts_have_heads(const insp_interp *in, insp_reader *r)
{
    return in->modules && in->sysdict && has_debug_head(r, in->modules) &&
           has_debug_head(r, in->sysdict);
}

static void find_debug_hooks(insp_cpython *py, insp_reader *r)
{
    enum { TRIES = 64, PAD = 16, PREHEADER = 16 };
    uint32_t with = 0, seen = 0;
    if (py->layout.flavour->gc == INSP_GC_NO_LISTS) {
        if (dicts_have_heads(&py->interps.at[0], r)) {
            py->debug_pad = PAD;
            py->allocator = "mimalloc with debug hooks";
        }
        return;
    }
    for (uint32_t k = 0; k < py->interps.at[0].n_lists; k++) {
        insp_addr head = py->interps.at[0].lists[k].head, at = insp_gc_next(r, head);
        for (int i = 0; i < TRIES && at && at != head && !r->bad;
             i++, at = insp_gc_next(r, at)) {
            with += has_debug_head(r, at) || has_debug_head(r, at - PREHEADER);
            seen++;
        }
        r->bad = false;
    }
    if (!seen || with < seen - seen / 4)
        return;
    py->debug_pad = PAD;
    bool pooled = py->pymalloc.states.len != 0;
    py->allocator = pooled ? "pymalloc with debug hooks" : "malloc with debug hooks";
}

insp_addr insp_obmalloc_of(insp_reader *r, insp_addr interp)
{
    int32_t at = INSP_OFF(r->layout, PyInterpreterState, obmalloc);
    if (at < 0)
        return 0;
    // 3.12 has the state itself in the interpreter, which is as large as that; 3.13 a pointer.
    bool pointer = INSP_OFF(r->layout, PyInterpreterState, obmalloc_size) == 8;
    return pointer ? insp_u64(r, interp + (uint32_t)at) : interp + (uint32_t)at;
}

// The heads of the lists of pools in use: two words a size class, which point 16 bytes before themselves
// where the list is empty, else to a pool.
static bool has_used_pools(insp_reader *r, insp_addr state)
{
    enum { CLASSES = 32, BEFORE = 16 };
    insp_addr used = state + (uint32_t)INSP_OFF(r->layout, obmalloc_state, usedpools);
    uint32_t pool_size = r->layout->flavour->pool_size, empty = 0, pools = 0;
    for (insp_addr at = used; at < used + 2 * 8 * CLASSES; at += 16) {
        insp_addr next = insp_u64(r, at), prev = insp_u64(r, at + 8);
        empty += next == at - BEFORE && prev == next;
        pools += next && prev && !((next | prev) & (pool_size - 1));
    }
    bool bad = r->bad;
    r->bad = false;
    return !bad && empty + pools == CLASSES;
}

bool insp_obmalloc_look(insp_reader *r, insp_addr state, insp_obmalloc *out)
{
    *out = (insp_obmalloc){.raw_blocks = -1};
    if (!state || state & 7 || !has_used_pools(r, state))
        return false;
    out->arenas = INSP_U64(r, state, obmalloc_state, arenas);
    out->maxarenas = INSP_U32(r, state, obmalloc_state, maxarenas);
    out->raw_blocks = (int64_t)INSP_U64(r, state, obmalloc_state, raw_allocated_blocks);
    bool sound = !r->bad && out->maxarenas <= MAX_ARENAS &&
                 (!out->arenas || arena_is_plausible(r, out->arenas, r->layout->flavour));
    r->bad = false;
    return sound;
}

static bool is_listed(const insp_pymalloc *pm, insp_addr arenas)
{
    for (size_t i = 0; i < pm->states.len; i++) {
        if (pm->states.at[i].arenas == arenas)
            return true;
    }
    return false;
}

// Interpreters that are not isolated use the main one's; 3.12 leaves theirs empty.
static insp_status from_interpreters(insp_cpython *py, insp_reader *r, insp_error *err)
{
    insp_pymalloc *pm = &py->pymalloc;
    for (uint32_t i = 0; i < py->interps.len; i++) {
        insp_obmalloc one;
        insp_addr state = insp_obmalloc_of(r, py->interps.at[i].addr);
        if (!insp_obmalloc_look(r, state, &one) || !one.arenas || is_listed(pm, one.arenas))
            continue;
        one.interp = i;
        if (!insp_obmallocs_push(&pm->states, one))
            return insp_nomem(err);
    }
    pm->found_by = insp_arena_printf(
        py->text, "interpreters lead to %zu arrays of arenas; lists of used pools are sound",
        pm->states.len);
    return INSP_OK;
}

static uint32_t main_row(insp_cpython *py, insp_reader *r)
{
    insp_addr main = insp_main_interpreter(py, r);
    for (uint32_t i = 0; i < py->interps.len; i++) {
        if (py->interps.at[i].addr == main)
            return i;
    }
    return 0;
}

// Up to 3.11: static variables.
static insp_status from_statics(insp_cpython *py, insp_reader *r, insp_error *err)
{
    insp_pymalloc *pm = &py->pymalloc;
    samples s = {.len = 0};
    for (uint32_t i = 0; i < py->interps.len; i++) {
        for (uint32_t k = 0; k < py->interps.at[i].n_lists && s.len < SAMPLE; k++)
            sample_list(r, &s, py->interps.at[i].lists[k].head, pm->pool_size);
    }
    insp_addr arenas = s.len >= 4 ? search_data(py, r, &s) : 0;
    if (!arenas)
        return INSP_OK;
    insp_obmalloc one = {.arenas = arenas,
                         .maxarenas = array_length(r, arenas, s.highest + 1),
                         .named = s.highest + 1,
                         .interp = main_row(py, r),
                         .raw_blocks = -1};
    return insp_obmallocs_push(&pm->states, one) ? INSP_OK : insp_nomem(err);
}

insp_status insp_pymalloc_find(insp_cpython *py, insp_error *err)
{
    insp_pymalloc *pm = &py->pymalloc;
    const insp_flavour *flavour = py->layout.flavour;
    pm->pool_size = flavour->pool_size;
    pm->arena_size = flavour->arena_size;
    insp_reader r = insp_reader_of(py->space, &py->layout);
    insp_status st = flavour->alloc == INSP_ALLOC_MIMALLOC ? INSP_OK
                     : flavour->alloc == INSP_ALLOC_STATIC ? from_statics(py, &r, err)
                                                           : from_interpreters(py, &r, err);
    py->allocator = pm->states.len                          ? "pymalloc"
                    : flavour->alloc == INSP_ALLOC_MIMALLOC ? "mimalloc"
                                                            : "malloc";
    if (!st && py->interps.len)
        find_debug_hooks(py, &r);
    return st;
}
