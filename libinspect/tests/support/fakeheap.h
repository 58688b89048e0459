// SPDX-License-Identifier: MIT
/**
 * @file
 * A small CPython 3.11 as its memory would look, built field by field through the layout table,
 * so that a test can break one field.
 *
 * Counts are those of the references that were stored with fake_own, so every book balances
 * until a test sees to it that one does not. Nothing here reads what it built: that is the
 * library's part.
 */
#ifndef TESTS_SUPPORT_FAKEHEAP_H
#define TESTS_SUPPORT_FAKEHEAP_H

#include "../../src/heap/heap.h"
#include "asserts.h"

#define FAKE_MODULE UINT64_C(0x555555000000)
#define FAKE_MALLOC UINT64_C(0x7e0000000000)
#define FAKE_ARENA UINT64_C(0x7f0000000000)

enum {
    FAKE_ROOM = 1 << 20,   /**< bytes of each of the three ranges, of an arena too */
    FAKE_POOL = 16384,     /**< bytes of a pool */
    FAKE_POOL_HEADER = 48, /**< bytes in front of its blocks */
    FAKE_KEPT = 200,
    FAKE_TYPES = 32
};

/** Kinds of a table of keys (dk_kind). */
enum { FAKE_GENERAL = 0, FAKE_UNICODE = 1, FAKE_SPLIT = 2 };

typedef struct fakeheap {
    insp_layout layout;
    insp_space space;
    insp_image image;
    insp_images images;
    insp_arena text;
    insp_findings_log findings;
    insp_cpython py;
    insp_heap heap;
    insp_graph graph; /**< after fake_read */
    bool opened, read;

    unsigned char *module, *malloced, *arena;
    uint64_t module_used, malloc_used;
    uint32_t pools;          /**< places of the arena that were given to a size class */
    insp_addr pool[33];      /**< by size / 16: the one that blocks come from */
    insp_addr arena_objects; /**< array of struct arena_object */
    insp_addr lists[4];      /**< heads: three generations, the frozen one */

    insp_addr runtime, interp, tstate;
    insp_addr type_type, object_type, none_type, int_type, str_type, bytes_type, dict_type,
        list_type, tuple_type, set_type, weakref_type, code_type;
    insp_addr all_types[FAKE_TYPES];
    uint32_t n_types;
    insp_addr none;
    insp_addr keeper; /**< a list that sys.modules holds; see fake_keep */
} fakeheap;

/** A heap with its types, None, sys.modules and a few tracked tuples. */
void fake_init(fakeheap *f);
void fake_deinit(fakeheap *f);

/** Find the interpreter in it, as the library would: py and heap can be used from then on. */
void fake_open(fakeheap *f);

/** The same, and find all objects and their references. */
void fake_read(fakeheap *f);

/** Bytes at an address. */
void *fake_at(const fakeheap *f, insp_addr addr);
uint64_t fake_get(const fakeheap *f, insp_addr addr);
void fake_put(fakeheap *f, insp_addr addr, uint64_t value);
void fake_put32(fakeheap *f, insp_addr addr, uint32_t value);
void fake_put8(fakeheap *f, insp_addr addr, uint8_t value);

/** Address of a member, and its value set: FAKE_SET(f, list, PyListObject, ob_item, items). */
#define FAKE_AT(f, base, s, m) ((base) + (uint32_t)INSP_OFF(&(f)->layout, s, m))
#define FAKE_GET(f, base, s, m) fake_get((f), FAKE_AT(f, base, s, m))
#define FAKE_SET(f, base, s, m, value) fake_put((f), FAKE_AT(f, base, s, m), (value))
#define FAKE_SET32(f, base, s, m, value) fake_put32((f), FAKE_AT(f, base, s, m), (value))
#define FAKE_SET8(f, base, s, m, value) fake_put8((f), FAKE_AT(f, base, s, m), (value))

/** Store a counted reference. */
void fake_own(fakeheap *f, insp_addr slot, insp_addr object);
/** Add to ob_refcnt, and to nothing else. */
void fake_count(fakeheap *f, insp_addr object, int64_t n);

/** A block of a pool of the size's class (at most 512), or a malloc chunk. */
insp_addr fake_block(fakeheap *f, uint32_t size);
insp_addr fake_chunk(fakeheap *f, uint32_t size);
/** Put a block of a pool on the pool's free list. */
void fake_free(fakeheap *f, insp_addr block);
/** The pool an address lies in. */
insp_addr fake_pool_of(insp_addr addr);

/** Objects nobody refers to yet: their count is 0. */
insp_addr fake_int(fakeheap *f, int32_t value);
insp_addr fake_str(fakeheap *f, const char *ascii);
/** width 1, 2 or 4; not ASCII */
insp_addr fake_wide(fakeheap *f, const uint32_t *chars, uint32_t n, uint32_t width);
insp_addr fake_bytes(fakeheap *f, const void *bytes, uint32_t n);
insp_addr fake_list(fakeheap *f, const insp_addr *items, uint32_t n);
insp_addr fake_tuple(fakeheap *f, const insp_addr *items, uint32_t n);
/** A table of keys alone, for n entries of `kind`; values NULL for FAKE_SPLIT. */
insp_addr fake_keys(fakeheap *f, uint8_t kind, const insp_addr *keys, const insp_addr *values,
                    uint32_t n);
insp_addr fake_dict(fakeheap *f, uint8_t kind, const insp_addr *keys, const insp_addr *values,
                    uint32_t n);
/** A dict of a shared table: it owns its values only. */
insp_addr fake_split_dict(fakeheap *f, insp_addr keys, const insp_addr *values, uint32_t n);
/** A set with its small table; at most 8 items. */
insp_addr fake_set(fakeheap *f, const insp_addr *items, uint32_t n);
insp_addr fake_weakref(fakeheap *f, insp_addr target, insp_addr callback);

/** A static type in the module's data. */
insp_addr fake_type(fakeheap *f, const char *name, int64_t basicsize, int64_t itemsize,
                    uint64_t flags);
/** A class statement's type, tracked and kept, whose instances share keys of these names. */
insp_addr fake_class(fakeheap *f, const char *name, const char *const *attributes, uint32_t n);
/** An instance of it, with values for its attributes. */
insp_addr fake_instance(fakeheap *f, insp_addr type, const insp_addr *values, uint32_t n);

/** Link a gc object into the end of a generation's list. */
void fake_track(fakeheap *f, insp_addr object, uint32_t generation);
/** Its gc head. */
insp_addr fake_head(const fakeheap *f, insp_addr object);
/** Make the program hold an object. */
void fake_keep(fakeheap *f, insp_addr object);

/** How many findings a rule has. */
size_t fake_findings(const fakeheap *f, const char *rule);

/** Number and remainder of an object that fake_read has found. */
uint32_t fake_number(const fakeheap *f, insp_addr object);
int32_t fake_remainder(const fakeheap *f, insp_addr object);

#endif
