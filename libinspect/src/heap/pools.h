// SPDX-License-Identifier: MIT
/**
 * @file
 * pymalloc's arenas and pools (Objects/obmalloc.c), or mimalloc's pages where those hold the objects, and the
 * table that turns a pointer into a block number.
 *
 * The table has two levels: the upper half of an address chooses a leaf, a leaf has an entry for each
 * 1 MiB granule, and a granule an entry for each place a pool can be.
 */
#ifndef INSP_HEAP_POOLS_H
#define INSP_HEAP_POOLS_H

#include "../cpython/cpython.h"

/** What a pool's place holds. */
typedef enum insp_pool_state {
    INSP_POOL_USED = 0,
    INSP_POOL_EMPTY = 1,
    INSP_POOL_VIRGIN = 2 /**< never used since the arena was mapped */
} insp_pool_state;

/** What the blocks of a pool are for. pymalloc does not tell; mimalloc has heaps for each (pycore_mimalloc.h). */
typedef enum insp_pool_use {
    INSP_POOL_ANY = 0,
    INSP_POOL_MEMORY = 1,
    INSP_POOL_OBJECTS = 2, /**< without gc */
    INSP_POOL_GC = 3,
    INSP_POOL_GC_PRE = 4 /**< gc objects behind a pre-header */
} insp_pool_use;

typedef struct insp_pool_row {
    insp_addr addr;
    insp_addr blocks; /**< address of block 0 */
    uint32_t first;   /**< number of block 0 */
    uint32_t size;    /**< of a block; 0 where the pool is not in use */
    uint32_t n;       /**< blocks that fit */
    uint32_t carved;  /**< blocks handed out at least once */
    uint32_t used;
    uint32_t recip;  /**< 2^32 / size, rounded up: exact for offsets below 2^14; 0: divide */
    uint32_t places; /**< pool places it takes up */
    uint32_t arena;  /**< row of arenas */
    uint32_t interp; /**< of mimalloc's pages: row of py->interps */
    uint16_t state;  /**< insp_pool_state */
    uint8_t use;     /**< insp_pool_use */
    bool torn;       /**< its free list breaks off: which blocks are free is not known */
} insp_pool_row;

INSP_VEC(insp_pool_rows, insp_pool_row);

typedef struct insp_arena_info {
    insp_addr addr;
    uint32_t first_pool, n_pools; /**< rows of pools */
    uint32_t interp;              /**< row of py->interps: whose objects they hold */
    uint32_t free_pools;
    uint64_t used_blocks, used_bytes;
} insp_arena_info;

INSP_VEC(insp_arena_infos, insp_arena_info);

typedef struct insp_pools {
    insp_arena_infos arenas; /**< by address */
    insp_pool_rows rows;     /**< by address */
    uint32_t numbers;        /**< block numbers are below this */
    uint32_t **leaf; /**< per granule: row of its first pool place + 1 in `place`, 0 for none */
    uint32_t *place; /**< per pool place of a known granule: row of pools + 1, 0 for none */
    size_t n_place, cap_place;
    uint32_t per_granule;   /**< pool places a granule */
    uint32_t shift;         /**< log2 of the pool size */
    insp_u32s in_use;       /**< rows of pools that have blocks, in order */
    insp_u32s by_number;    /**< for every 32nd number, its place in in_use */
    insp_addrs free_blocks; /**< start of every free block, unsorted */
    uint64_t used_bytes, used_blocks;
    uint32_t pages_used;  /**< of mimalloc: that say they have blocks in use */
    uint32_t pages_agree; /**< whose free lists leave as many as they say */
} insp_pools;

/**
 * Read all arenas. Damage becomes findings, and the part that is sound is kept.
 * Fails with INSP_ERR_MEMORY.
 */
insp_status insp_pools_read(insp_pools *p, const insp_cpython *py, insp_error *err);
void insp_pools_deinit(insp_pools *p);

/** A block of pymalloc's. */
typedef struct insp_block {
    insp_addr start;
    uint64_t size;
    bool free; /**< or never carved */
} insp_block;

/** An arena as its struct arena_object has it. */
typedef struct insp_arena_place {
    insp_addr addr, pool_address; /**< from pool_address on no pool was used yet */
    uint32_t index;               /**< of its interpreter's arenas */
} insp_arena_place;

INSP_VEC(insp_arena_places, insp_arena_place);

/** Where the arenas are, by address, without what is in them. None with mimalloc. Fails with INSP_ERR_MEMORY. */
insp_status insp_pools_list(insp_arena_places *out, const insp_cpython *py, insp_error *err);

/**
 * The block around addr, read from its pool's header and free list alone: for who asks of one object before
 * the arenas were read. False, with *out as it was, where no pool is there.
 */
bool insp_pools_look(const insp_arena_places *arenas, const insp_cpython *py, insp_addr addr,
                     insp_block *out);

/** insp_pools_read of mimalloc's pages, in free-threaded builds. */
insp_status insp_mimalloc_read(insp_pools *p, const insp_cpython *py, insp_error *err);

/**
 * Make rows, which are sorted and numbered, findable; `place_bits` is log2 of a pool place.
 * Fails with INSP_ERR_MEMORY.
 */
insp_status insp_pools_index(insp_pools *p, uint32_t place_bits, insp_error *err);

enum { INSP_LEAF_BITS = 13, INSP_GRANULE_BITS = 20, INSP_ADDRESS_BITS = 47 };

/** The pool that addr lies in, or NULL. */
static inline const insp_pool_row *insp_pools_find(const insp_pools *p, insp_addr addr)
{
    if (addr >> INSP_ADDRESS_BITS || !p->leaf)
        return NULL;
    const uint32_t *leaf = p->leaf[addr >> (INSP_GRANULE_BITS + INSP_LEAF_BITS)];
    if (!leaf)
        return NULL;
    uint32_t at = leaf[addr >> INSP_GRANULE_BITS & ((1u << INSP_LEAF_BITS) - 1)];
    if (!at)
        return NULL;
    uint32_t row = p->place[at - 1 + (addr >> p->shift & (p->per_granule - 1))];
    return row ? &p->rows.at[row - 1] : NULL;
}

/** The number of the block addr lies in, INSP_NONE for none; *start becomes the block's start. */
static inline uint32_t insp_pools_number(const insp_pools *p, insp_addr addr, insp_addr *start)
{
    const insp_pool_row *row = insp_pools_find(p, addr);
    if (!row || !row->size || addr < row->blocks)
        return INSP_NONE;
    uint64_t offset = addr - row->blocks;
    uint64_t i = row->recip ? offset * row->recip >> 32 : offset / row->size;
    if (i >= row->n)
        return INSP_NONE;
    *start = row->blocks + i * row->size;
    return row->first + (uint32_t)i;
}

enum { INSP_NUMBER_STEP = 5 };

/** The pool of a block number. `number` is below p->numbers. */
static inline const insp_pool_row *insp_pools_of_number(const insp_pools *p, uint32_t number)
{
    // A pool of pymalloc has at least 31 blocks, so this is at most two steps away; 32 where all have one.
    uint32_t i = p->by_number.at[number >> INSP_NUMBER_STEP];
    const insp_pool_row *row = &p->rows.at[p->in_use.at[i]];
    while (number - row->first >= row->n)
        row = &p->rows.at[p->in_use.at[++i]];
    return row;
}

#endif
