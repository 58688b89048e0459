// SPDX-License-Identifier: MIT
#include "pools.h"

#include <stdlib.h>

#include "../base/map.h"

enum { LEAVES = 1 << (INSP_ADDRESS_BITS - INSP_GRANULE_BITS - INSP_LEAF_BITS), NO_ROW = 0 };

/** What is at hand while arenas are read. */
typedef struct reading {
    insp_pools *p;
    const insp_cpython *py;
    insp_map taken; // by arenas: address / arena_size -> row of arenas
    insp_reader r;
    uint32_t header; // bytes of struct pool_header, rounded up as obmalloc does
} reading;

static int by_address(const void *a, const void *b)
{
    const insp_arena_info *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static uint32_t granule(insp_pools *p, insp_addr addr)
{
    if (addr >> INSP_ADDRESS_BITS)
        return 0;
    uint32_t **leaf = &p->leaf[addr >> (INSP_GRANULE_BITS + INSP_LEAF_BITS)];
    if (!*leaf)
        *leaf = calloc((size_t)1 << INSP_LEAF_BITS, sizeof(**leaf));
    if (!*leaf)
        return 0;
    uint32_t *at = &(*leaf)[addr >> INSP_GRANULE_BITS & ((1u << INSP_LEAF_BITS) - 1)];
    if (!*at) {
        void *place = p->place;
        size_t want = p->n_place + p->per_granule;
        if (want > p->cap_place &&
            !insp_vec_grow(&place, &p->cap_place, want, sizeof(*p->place)))
            return 0;
        p->place = place;
        for (size_t i = p->n_place; i < want; i++)
            p->place[i] = NO_ROW;
        *at = (uint32_t)p->n_place + 1;
        p->n_place = want;
    }
    return *at;
}

static bool enter(insp_pools *p, uint32_t row)
{
    insp_addr addr = p->rows.at[row].addr;
    for (uint32_t i = 0; i < p->rows.at[row].places; i++, addr += (insp_addr)1 << p->shift) {
        uint32_t at = granule(p, addr);
        if (!at)
            return false;
        p->place[at - 1 + (addr >> p->shift & (p->per_granule - 1))] = row + 1;
    }
    return true;
}

// Blocks on the free list, at most as many as were carved; a link that leaves the pool ends it.
static uint32_t free_blocks(reading *rd, insp_pool_row *row)
{
    uint32_t n = 0;
    insp_addr at = INSP_U64(&rd->r, row->addr, pool_header, freeblock);
    while (at && n < row->carved) {
        uint64_t offset = at - row->blocks;
        if (offset >= (uint64_t)row->carved * row->size || offset % row->size) {
            insp_found(rd->py->findings, "pool-freelist", row->addr,
                       "pool 0x%" PRIx64 ": its free list leaves the pool at 0x%" PRIx64,
                       row->addr, at);
            row->torn = true;
            break;
        }
        if (!insp_addrs_push(&rd->p->free_blocks, at))
            break;
        n++;
        at = insp_u64(&rd->r, at);
    }
    return n;
}

static bool is_sound(reading *rd, insp_addr pool, uint32_t arena, uint32_t *szidx,
                     uint32_t *next)
{
    uint32_t pool_size = rd->py->pymalloc.pool_size;
    *szidx = INSP_U32(&rd->r, pool, pool_header, szidx);
    *next = INSP_U32(&rd->r, pool, pool_header, nextoffset);
    uint32_t index = INSP_U32(&rd->r, pool, pool_header, arenaindex);
    bool bad = rd->r.bad;
    rd->r.bad = false;
    if (bad || *szidx >= 32 || *next > pool_size || *next < rd->header || index != arena) {
        insp_found(rd->py->findings, "pool-header", pool,
                   "pool 0x%" PRIx64
                   ": size class %u, next block at %u, arena %u are no pool's",
                   pool, *szidx, *next, index);
        return false;
    }
    return true;
}

static insp_pool_row used_pool(reading *rd, insp_addr pool, uint32_t arena_index)
{
    insp_pool_row row = {.addr = pool, .state = INSP_POOL_EMPTY};
    uint32_t szidx, next;
    if (!is_sound(rd, pool, arena_index, &szidx, &next))
        return row;
    uint32_t size = (szidx + 1) * 16, room = rd->py->pymalloc.pool_size - rd->header;
    row.state = INSP_POOL_USED;
    row.blocks = pool + rd->header;
    row.size = size;
    row.n = room / size;
    row.recip = (uint32_t)((UINT64_C(1) << 32) / size) + 1;
    row.carved = (next - rd->header) / size;
    if (row.carved > row.n)
        row.carved = row.n;
    row.used = row.carved - free_blocks(rd, &row);
    uint32_t count = INSP_U32(&rd->r, pool, pool_header, ref_count);
    if (!row.torn && count != row.used)
        insp_found(rd->py->findings, "pool-count", pool,
                   "pool 0x%" PRIx64 " says %u blocks are used; its free list says %u", pool,
                   count, row.used);
    return row;
}

// Pools that were emptied hang on a list of their arena; what their header says is stale.
static insp_status empty_pools(reading *rd, insp_addr arena, insp_map *empty, insp_error *err)
{
    uint64_t most = rd->py->pymalloc.arena_size / rd->py->pymalloc.pool_size;
    insp_addr at = INSP_U64(&rd->r, arena, arena_object, freepools);
    for (uint64_t i = 0; at && i < most && !rd->r.bad; i++) {
        if (!insp_map_set(empty, at, 1))
            return insp_nomem(err);
        at = INSP_U64(&rd->r, at, pool_header, nextpool);
    }
    rd->r.bad = false;
    return INSP_OK;
}

static bool collides(const reading *rd, insp_addr address, uint64_t part)
{
    uint32_t row = insp_map_get(&rd->taken, part);
    uint64_t size = rd->py->pymalloc.arena_size;
    insp_addr other = row == INSP_MAP_NONE ? 0 : rd->p->arenas.at[row].addr;
    return row != INSP_MAP_NONE && address - other + size - 1 < 2 * size - 1;
}

// An arena is mapped, as a whole, once. An entry that says otherwise would number blocks twice.
static bool is_arena(reading *rd, insp_addr address)
{
    uint64_t size = rd->py->pymalloc.arena_size, part = address / size;
    if (part && !(address >> INSP_ADDRESS_BITS) && !collides(rd, address, part - 1) &&
        !collides(rd, address, part) && !collides(rd, address, part + 1))
        return true;
    insp_found(rd->py->findings, "arena", address,
               "an arena at 0x%" PRIx64 " overlaps another one, or cannot be", address);
    return false;
}

static insp_addr entry_of(const insp_reader *r, const insp_obmalloc *state, uint32_t index)
{
    return state->arenas +
           (uint64_t)index * (uint32_t)INSP_OFF(r->layout, arena_object, sizeof);
}

// False where an entry of the table is not in use, or cannot be read.
static bool read_entry(insp_reader *r, insp_addr entry, uint32_t index, insp_arena_place *out)
{
    *out = (insp_arena_place){.addr = INSP_U64(r, entry, arena_object, address),
                              .pool_address = INSP_U64(r, entry, arena_object, pool_address),
                              .index = index};
    bool used = out->addr && !r->bad;
    r->bad = false;
    return used;
}

static insp_status read_arena(reading *rd, const insp_obmalloc *state, uint32_t index,
                              insp_map *empty, insp_error *err)
{
    const insp_pymalloc *pm = &rd->py->pymalloc;
    insp_addr arena = entry_of(&rd->r, state, index);
    insp_arena_place place;
    if (!read_entry(&rd->r, arena, index, &place) || !is_arena(rd, place.addr))
        return INSP_OK;
    insp_addr address = place.addr, never = place.pool_address;
    uint32_t row_of_arena = (uint32_t)rd->p->arenas.len;
    if (!insp_map_set(&rd->taken, address / pm->arena_size, row_of_arena))
        return insp_nomem(err);
    insp_status st = empty_pools(rd, arena, empty, err);
    if (st)
        return st;
    insp_arena_info info = {
        .addr = address, .interp = state->interp, .first_pool = (uint32_t)rd->p->rows.len};
    insp_addr pool = (address + pm->pool_size - 1) & ~(insp_addr)(pm->pool_size - 1);
    insp_addr end = address + pm->arena_size;
    for (; pool + pm->pool_size <= end; pool += pm->pool_size, info.n_pools++) {
        insp_pool_row row = {.addr = pool, .state = INSP_POOL_VIRGIN};
        if (pool < never)
            row = insp_map_get(empty, pool) == INSP_MAP_NONE
                      ? used_pool(rd, pool, index)
                      : (insp_pool_row){.addr = pool, .state = INSP_POOL_EMPTY};
        info.free_pools += row.state != INSP_POOL_USED;
        info.used_blocks += row.used;
        info.used_bytes += (uint64_t)row.used * row.size;
        if (!insp_pool_rows_push(&rd->p->rows, row))
            return insp_nomem(err);
    }
    uint32_t said = INSP_U32(&rd->r, arena, arena_object, nfreepools);
    if (!rd->r.bad && said != info.free_pools)
        insp_found(rd->py->findings, "arena-count", address,
                   "the arena at 0x%" PRIx64 " says %u of its pools are free; %u are", address,
                   said, info.free_pools);
    rd->r.bad = false;
    return insp_arena_infos_push(&rd->p->arenas, info) ? INSP_OK : insp_nomem(err);
}

static bool index_numbers(insp_pools *p)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < p->rows.len; i++) {
        const insp_pool_row *row = &p->rows.at[i];
        if (!row->n)
            continue;
        if (!insp_u32s_push(&p->in_use, i))
            return false;
        for (; next < row->first + row->n; next += 1u << INSP_NUMBER_STEP) {
            if (!insp_u32s_push(&p->by_number, (uint32_t)p->in_use.len - 1))
                return false;
        }
    }
    return true;
}

insp_status insp_pools_index(insp_pools *p, uint32_t place_bits, insp_error *err)
{
    p->leaf = calloc(LEAVES, sizeof(*p->leaf));
    p->shift = place_bits;
    p->per_granule = 1u << (INSP_GRANULE_BITS - p->shift);
    bool fits = p->leaf != NULL;
    for (uint32_t i = 0; fits && i < p->rows.len; i++)
        fits = enter(p, i);
    return fits && index_numbers(p) ? INSP_OK : insp_nomem(err);
}

// Arenas are kept by address, and so are their pools and the numbers of their blocks.
static insp_status number(insp_pools *p, const insp_cpython *py, insp_error *err)
{
    insp_pool_rows sorted = {0};
    if (!insp_pool_rows_reserve(&sorted, p->rows.len + 1))
        return insp_nomem(err);
    if (p->arenas.len)
        qsort(p->arenas.at, p->arenas.len, sizeof(*p->arenas.at), by_address);
    for (uint32_t a = 0; a < p->arenas.len; a++) {
        insp_arena_info *info = &p->arenas.at[a];
        uint32_t first = (uint32_t)sorted.len;
        for (uint32_t i = 0; i < info->n_pools; i++) {
            insp_pool_row row = p->rows.at[info->first_pool + i];
            row.arena = a;
            row.places = 1;
            row.first = p->numbers;
            p->numbers += row.n;
            sorted.at[sorted.len++] = row;
        }
        info->first_pool = first;
        p->used_blocks += info->used_blocks;
        p->used_bytes += info->used_bytes;
    }
    insp_pool_rows_deinit(&p->rows);
    p->rows = sorted;
    return insp_pools_index(p, (uint32_t)__builtin_ctz(py->pymalloc.pool_size), err);
}

// How many arenas there can be: what memory holds, and what it held before the core was cut. A core says
// itself how much that was, so their rows may not need more memory than the core has.
static uint64_t most_arenas(const insp_cpython *py)
{
    const insp_pymalloc *pm = &py->pymalloc;
    uint64_t there = insp_space_size(py->space), lost = 0;
    for (size_t i = 0; i < py->space->lost.len; i++)
        lost += py->space->lost.at[i].end - py->space->lost.at[i].start;
    uint64_t rows = pm->arena_size / pm->pool_size * sizeof(insp_pool_row);
    uint64_t gone = lost / pm->arena_size, room = there / rows;
    return there / pm->arena_size + 1 + (gone < room ? gone : room);
}

static reading begin(insp_pools *p, const insp_cpython *py)
{
    uint32_t header = ((uint32_t)INSP_OFF(&py->layout, pool_header, sizeof) + 15) & ~15u;
    return (reading){
        .p = p, .py = py, .header = header, .r = insp_reader_of(py->space, &py->layout)};
}

insp_status insp_pools_read(insp_pools *p, const insp_cpython *py, insp_error *err)
{
    *p = (insp_pools){0};
    if (py->layout.flavour->alloc == INSP_ALLOC_MIMALLOC)
        return insp_mimalloc_read(p, py, err);
    reading rd = begin(p, py);
    insp_map empty = {0};
    insp_status st = INSP_OK;
    uint64_t most = py->pymalloc.states.len ? most_arenas(py) : 0;
    for (size_t k = 0; !st && k < py->pymalloc.states.len; k++) {
        const insp_obmalloc *state = &py->pymalloc.states.at[k];
        for (uint32_t i = 0; !st && i < state->maxarenas && p->arenas.len < most; i++)
            st = read_arena(&rd, state, i, &empty, err);
    }
    insp_map_deinit(&empty);
    insp_map_deinit(&rd.taken);
    return st ? st : number(p, py, err);
}

static int by_start(const void *a, const void *b)
{
    const insp_arena_place *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

insp_status insp_pools_list(insp_arena_places *out, const insp_cpython *py, insp_error *err)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    for (size_t k = 0; k < py->pymalloc.states.len; k++) {
        const insp_obmalloc *state = &py->pymalloc.states.at[k];
        for (uint32_t i = 0; i < state->maxarenas; i++) {
            insp_arena_place place;
            if (read_entry(&r, entry_of(&r, state, i), i, &place) &&
                !insp_arena_places_push(out, place))
                return insp_nomem(err);
        }
    }
    if (out->len)
        qsort(out->at, out->len, sizeof(*out->at), by_start);
    return INSP_OK;
}

// The last arena that starts at or before addr, or NULL.
static const insp_arena_place *arena_before(const insp_arena_places *arenas, insp_addr addr)
{
    size_t low = 0, high = arenas->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (arenas->at[middle].addr <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &arenas->at[low - 1] : NULL;
}

// The pool around addr, if one is in use there.
static bool pool_around(reading *rd, const insp_arena_places *arenas, insp_addr addr,
                        insp_pool_row *row)
{
    const insp_pymalloc *pm = &rd->py->pymalloc;
    const insp_arena_place *arena = arena_before(arenas, addr);
    if (!arena || addr - arena->addr >= pm->arena_size)
        return false;
    insp_addr pool = addr & ~(insp_addr)(pm->pool_size - 1);
    if (pool < arena->addr || pool - arena->addr + pm->pool_size > pm->arena_size ||
        pool >= arena->pool_address)
        return false;
    *row = used_pool(rd, pool, arena->index);
    return row->state == INSP_POOL_USED && row->used;
}

static bool block_in(const insp_pools *p, const insp_pool_row *row, insp_addr addr,
                     insp_block *out)
{
    uint64_t i = addr < row->blocks ? row->n : (addr - row->blocks) / row->size;
    if (i >= row->n)
        return false;
    *out = (insp_block){row->blocks + i * row->size, row->size, i >= row->carved};
    for (size_t k = 0; k < p->free_blocks.len && !out->free; k++)
        out->free = p->free_blocks.at[k] == out->start;
    return true;
}

bool insp_pools_look(const insp_arena_places *arenas, const insp_cpython *py, insp_addr addr,
                     insp_block *out)
{
    insp_pools p = {0};
    reading rd = begin(&p, py);
    insp_pool_row row = {0};
    bool found = pool_around(&rd, arenas, addr, &row) && block_in(&p, &row, addr, out);
    insp_pools_deinit(&p);
    return found;
}

void insp_pools_deinit(insp_pools *p)
{
    for (size_t i = 0; p->leaf && i < LEAVES; i++)
        free(p->leaf[i]);
    free(p->leaf);
    free(p->place);
    insp_arena_infos_deinit(&p->arenas);
    insp_pool_rows_deinit(&p->rows);
    insp_addrs_deinit(&p->free_blocks);
    insp_u32s_deinit(&p->in_use);
    insp_u32s_deinit(&p->by_number);
    *p = (insp_pools){0};
}
