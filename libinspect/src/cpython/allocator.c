// SPDX-License-Identifier: MIT
/**
 * @file
 * Finding pymalloc's state where no symbol tells (Objects/obmalloc.c).
 *
 * Up to 3.11 the array of arenas hangs on a static variable that stripping removes. But every small
 * object lies in a pool, a pool header carries the index of its arena, and only one word of the
 * module's data points to an array whose entries fit the pools that are known. The pools come from
 * the objects on the collector's lists.
 */
#include "cpython.h"

enum { SAMPLE = 512, WALK = 65536, MAX_ARENAS = 1 << 24 };

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

static bool arena_is_plausible(insp_reader *r, insp_addr arena, const insp_pymalloc *pm)
{
    insp_addr address = INSP_U64(r, arena, arena_object, address);
    insp_addr next = INSP_U64(r, arena, arena_object, pool_address);
    uint32_t most = (uint32_t)(pm->arena_size / pm->pool_size);
    uint32_t total = INSP_U32(r, arena, arena_object, ntotalpools);
    uint32_t free_pools = INSP_U32(r, arena, arena_object, nfreepools);
    bool bad = r->bad;
    r->bad = false;
    if (bad)
        return false;
    if (!address)
        return true;
    return !(address & 4095) && total <= most && free_pools <= total && next >= address &&
           next - address <= pm->arena_size;
}

// The array is a malloc chunk that doubles, from 16 entries on: as long as entries are plausible, at most
// what the chunk's size says.
static uint32_t array_length(insp_reader *r, const insp_pymalloc *pm, uint32_t at_least)
{
    uint32_t step = (uint32_t)INSP_OFF(r->layout, arena_object, sizeof);
    uint64_t chunk = insp_u64(r, pm->arenas - 8) & ~UINT64_C(7);
    uint64_t most = r->bad || chunk < 32 ? at_least : (chunk - 8) / step;
    r->bad = false;
    if (most > MAX_ARENAS)
        most = MAX_ARENAS;
    if (most < at_least)
        most = at_least;
    uint32_t n = 0;
    while (n < most && arena_is_plausible(r, pm->arenas + (uint64_t)n * step, pm))
        n++;
    return n;
}

// The words of the module's own writable data, .bss included.
static bool search_data(insp_cpython *py, insp_reader *r, samples *s)
{
    // Few words of data are pointers, and few of those come far: a sound target needs a fraction of this. Where
    // all memory claims to be data and each word of it nearly fits, the search ends.
    enum { TRIES_A_WORD = 4, AT_LEAST = 1 << 22 };
    const insp_image *image = &py->images->at[py->module];
    insp_pymalloc *pm = &py->pymalloc;
    s->tries = insp_space_size(py->space) / 8 * TRIES_A_WORD + AT_LEAST;
    for (const insp_segment *seg = insp_space_next(py->space, image->start);
         seg && seg->start < image->end + (4u << 20);
         seg = insp_space_next(py->space, seg->end)) {
        if (!(seg->flags & INSP_SEG_WRITE))
            continue;
        for (insp_addr a = (seg->start + 7) & ~UINT64_C(7); a + 8 <= seg->end; a += 8) {
            insp_addr w = insp_u64(r, a);
            if (w < 4096 || w & 15 || !is_arena_array(r, w, s, pm->arena_size))
                continue;
            pm->arenas = w;
            pm->found_by = insp_arena_printf(
                py->text, "1 word of the data fits %u of %u pools: 0x%" PRIx64, s->len, s->len,
                a);
            return true;
        }
    }
    return false;
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

static void find_debug_hooks(insp_cpython *py, insp_reader *r)
{
    enum { TRIES = 64, PAD = 16, PREHEADER = 16 };
    uint32_t with = 0, seen = 0;
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
    bool pooled = py->pymalloc.arenas != 0;
    py->allocator = pooled ? "pymalloc with debug hooks" : "malloc with debug hooks";
}

insp_status insp_pymalloc_find(insp_cpython *py, insp_error *err)
{
    (void)err;
    insp_pymalloc *pm = &py->pymalloc;
    // Since 3.10 (bpo-37448) pools are 16 KiB and arenas 1 MiB; before that 4 KiB and 256 KiB.
    bool large = py->hex >= 0x030a0000;
    pm->pool_size = large ? 16384 : 4096;
    pm->arena_size = large ? 1 << 20 : 256 << 10;
    insp_reader r = insp_reader_of(py->space, &py->layout);
    samples s = {.len = 0};
    for (uint32_t i = 0; i < py->interps.len; i++) {
        for (uint32_t k = 0; k < py->interps.at[i].n_lists && s.len < SAMPLE; k++)
            sample_list(&r, &s, py->interps.at[i].lists[k].head, pm->pool_size);
    }
    py->allocator = "malloc";
    if (s.len >= 4 && search_data(py, &r, &s)) {
        py->allocator = "pymalloc";
        pm->maxarenas = array_length(&r, pm, s.highest + 1);
    }
    find_debug_hooks(py, &r);
    return INSP_OK;
}
