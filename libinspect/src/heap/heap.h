// SPDX-License-Identifier: MIT
/**
 * @file
 * Every object of a target, numbered, and who refers to whom.
 *
 * Numbers follow addresses. A block of a pymalloc pool has the number
 *
 *     first number of its pool + index of the block in the pool
 *
 * so that a pointer becomes a number by two table look-ups and a multiplication, with no hashing;
 * free blocks keep their number and are no objects. What lies outside pools (static objects, large
 * ones, other allocators) is numbered behind the pools, in the order in which it is met, and looked up
 * in a map. Roots come last.
 *
 *     0 ........... n_pooled ........... n_objects ........... n_nodes
 *       pool blocks            outside               roots
 *
 * What is known of a number lies in columns.
 */
#ifndef INSP_HEAP_HEAP_H
#define INSP_HEAP_HEAP_H

#include "../graph/graph.h"
#include "../object/decoder.h"
#include "pools.h"

/** Column `kind`. */
enum {
    INSP_K_OBJECT = 0x80,
    INSP_K_COUNTED =
        0x40,            /**< its refcount says something: not immortal, not static for ever */
    INSP_K_GC_SHIFT = 2, /**< insp_gc_state */
    INSP_K_GC_MASK = 7 << 2,
    INSP_K_PLACE_MASK = 3, /**< where in its block the object starts, in steps of 16 bytes */
    // Without INSP_K_OBJECT: 0 is a block in use that nothing here explains, memory of C code.
    INSP_K_FREE = 1, /**< the block is free */
    INSP_K_DEAD = 2, /**< a dead object waits in it, on a free list of its type */
    INSP_K_BODY = 3  /**< part of an object: its item array, key table, values; once walked */
};

typedef enum insp_gc_state {
    INSP_GC_NONE = 0, /**< no gc head */
    INSP_GC_UNTRACKED = 1,
    INSP_GC_FIRST_LIST = 2, /**< in list i of its interpreter: INSP_GC_FIRST_LIST + i */
    INSP_GC_LOOSE = 6       /**< in a list of a collection that was going on */
} insp_gc_state;

/** Column `edge_kind`: insp_ref_kind, and whether tp_traverse visits it. */
enum { INSP_E_KIND_MASK = 3, INSP_E_VISITED = 4 };

/** Something that owns references and is no object. */
typedef struct insp_root_row {
    const char *kind, *name;
    insp_addr addr;
    uint32_t interp; /**< row of py->interps, or INSP_NONE */
    uint32_t thread; /**< row of py->threads, or INSP_NONE */
    uint32_t module; /**< row of the images, or INSP_NONE */
} insp_root_row;

INSP_VEC(insp_root_rows, insp_root_row);
INSP_VEC(insp_bytes, uint8_t);
INSP_VEC(insp_i32s, int32_t);
INSP_VEC(insp_u64s, uint64_t);

/** Instances of a type, in all. */
typedef struct insp_tally {
    uint64_t count, size, bytes;
} insp_tally;

INSP_VEC(insp_tallies, insp_tally);

/** Polled by long work: how far it is, and whether to stop. */
typedef struct insp_watch {
    bool (*poll)(void *ctx, uint64_t done, uint64_t total, uint64_t objects);
    void *ctx;
} insp_watch;

/** Fails with INSP_ERR_CANCELLED when it is to stop. */
insp_status insp_watch_step(const insp_watch *w, uint64_t done, uint64_t total,
                            uint64_t objects, insp_error *err);

typedef struct insp_heap {
    insp_cpython *py;
    insp_types_seen types;
    insp_decoder decoder;
    insp_pools pools;
    insp_arena_places arenas; /**< to look for single objects, while pools was not read */
    bool has_arenas;          /**< they were read */
    uint32_t n_pooled, n_objects, n_nodes;
    insp_addrs outside;       /**< addresses of numbers n_pooled … n_objects - 1 */
    insp_map outside_numbers; /**< address -> number */
    insp_bytes kind;          /**< by number, roots excluded */
    insp_u32s type;           /**< by number: type id */
    insp_i32s remainder;      /**< by number: refcount - owned references found */
    insp_u32s
        owned_bytes; /**< by number, once walked: insp_object_bytes; INSP_NONE: too many */
    insp_u64s off;   /**< edges of node i: off[i] … off[i + 1] */
    insp_u32s to;
    insp_bytes edge_kind;
    insp_addrs bodies;  /**< blocks outside pools that objects in pools own */
    insp_u32s dangling; /**< numbers of nodes that own what is no object, in order */
    insp_root_rows roots;
    insp_arena text;
    insp_tallies by_type;
    insp_map interp_of; /**< with several interpreters: number of a tracked object -> row */
    insp_map
        shared_keys; /**< keys object that several share -> number of the object it belongs to */
    insp_findings_mark
        found; /**< before the first walk: what walks find is dropped when they are repeated */
    insp_map withdrawn; /**< slots of guesses that the counts refute */
    uint64_t subclass_refs,
        subclasses; /**< weak references in tp_subclasses, and those to types */
    uint64_t objects, dead, size, bytes, malloc_bytes;
    uint64_t memory; /**< bytes the target has: insp_space_size */
    uint32_t
        spent; /**< from this number on walks are cut short: those before have seen more slots
                          than memory holds; INSP_NONE: none */
    insp_watch watch;
} insp_heap;

/** Zeroed but for py. Fails with INSP_ERR_MEMORY. */
insp_status insp_heap_init(insp_heap *h, insp_cpython *py, insp_error *err);
void insp_heap_deinit(insp_heap *h);

/** Before each question: give back what the one before took of the budgets that all frames share. */
void insp_heap_refill(insp_heap *h);

/**
 * Before insp_heap_enumerate the heap has no numbers but those that insp_heap_admit gives out, one object at a
 * time and read from its own block, once this has read where the arenas are. Enumerating forgets them.
 * Fails with INSP_ERR_MEMORY.
 */
insp_status insp_heap_look(insp_heap *h, insp_error *err);

/** False where the allocator does not allow that. */
bool insp_heap_can_look(const insp_heap *h);

/** Whether the arenas were read, and with them every object numbered. */
static inline bool insp_heap_is_enumerated(const insp_heap *h)
{
    return h->pools.leaf != NULL;
}

/** A word that is a pointer into the target is no refcount: what begins with it is an array of pointers. */
static inline bool insp_heap_is_pointer(const insp_heap *h, uint64_t word)
{
    enum { SMALL = 65536 };
    return word >= SMALL && insp_space_find(h->py->space, word);
}

/** Enumerate: pools, the collector's lists, then every other block that holds an object. */
insp_status insp_heap_enumerate(insp_heap *h, insp_error *err);

/** Add what objects prove of the layout to py->proofs. Part of enumerating. */
insp_status insp_heap_prove(insp_heap *h, insp_error *err);

/** Walk every object and root: edges, remainders, what lies outside pools. Again: as types are read by now. */
insp_status insp_heap_references(insp_heap *h, insp_error *err);

/**
 * Emit what an object or root refers to into h->decoder.refs: insp_walk, and the keys of a shared table
 * where they are this dict's.
 */
void insp_heap_walk(insp_heap *h, uint32_t number);

/**
 * The same with what is not counted and bodies too (decoder.all), handed to `each` in pieces, which empties
 * refs and finds `ctx` in it.
 */
void insp_heap_walk_all(insp_heap *h, uint32_t number, void (*each)(insp_refs *), void *ctx);

/** The steps of the two, each in the file of its name. */
insp_status insp_gclists_mark(insp_heap *h, insp_error *err);
insp_status insp_blocks_scan(insp_heap *h, insp_error *err);
insp_status insp_roots_collect(insp_heap *h, insp_error *err);
insp_status insp_static_root(insp_heap *h, insp_error *err);
void insp_root_walk(insp_heap *h, uint32_t root);
void insp_static_walk(insp_heap *h, uint32_t module);

/** The number of the object that starts at addr, or INSP_NONE. */
uint32_t insp_heap_number(const insp_heap *h, insp_addr addr);

/** The address of a number that is an object's (of a root: its own address). */
insp_addr insp_heap_addr(const insp_heap *h, uint32_t number);

static inline bool insp_heap_is_object(const insp_heap *h, uint32_t number)
{
    return number < h->n_objects && h->kind.at[number] & INSP_K_OBJECT;
}

static inline insp_gc_state insp_heap_gc(const insp_heap *h, uint32_t number)
{
    return (insp_gc_state)((h->kind.at[number] & INSP_K_GC_MASK) >> INSP_K_GC_SHIFT);
}

/**
 * Make the object at addr known, if there is one and it is not known yet: a block of a pool is marked, what
 * lies outside is given a number. INSP_NONE where there is no object, or memory ran out.
 */
uint32_t insp_heap_admit(insp_heap *h, insp_addr addr);

/** The logical refcount that a header's first word holds, -1 if it can hold none; and whether it says something. */
bool insp_count_of(const insp_flavour *f, uint64_t word, int64_t *count);

/** The same of an object. */
bool insp_refcount(insp_reader *r, const insp_cpython *py, insp_addr object, int64_t *count);

/** Start and size of the allocator's block around addr; size 0 for static memory. */
insp_addr insp_block_of(const insp_heap *h, insp_addr addr, uint64_t *size);

/** Bytes of the malloc'ed block whose data starts at `data`, 0 where there is none. */
uint64_t insp_malloc_block(const insp_heap *h, insp_addr data);

/** What sys.getsizeof would say; *known = false where only the block's size is known. */
int64_t insp_object_size(insp_heap *h, insp_addr addr, const insp_typeinfo *t, bool *known);

/**
 * Bytes of the blocks the object alone owns: the one it lies in (*block, *block_size; 0 for a static
 * object), and those of its item array, key table, values.
 */
uint64_t insp_object_bytes(insp_heap *h, uint32_t number, insp_addr *block,
                           uint64_t *block_size);

/** Numbers of all objects, by address. Fails with INSP_ERR_MEMORY. */
insp_status insp_heap_order(const insp_heap *h, insp_u32s *out, insp_error *err);

/** The interpreter whose collector tracks an object: a row of py->interps, INSP_NONE where none does. */
uint32_t insp_heap_interp(const insp_heap *h, uint32_t number);

/** Name of a gc state: "untracked", "gen0" …; NULL for no gc head. */
const char *insp_gc_name(insp_gc_state state);

#endif
