// SPDX-License-Identifier: MIT
/**
 * @file
 * Type objects, and how instances of each are read.
 *
 * A type is looked at once; what a walk needs of it is then one struct. Types are numbered in the order
 * in which they are met.
 */
#ifndef INSP_OBJECT_TYPE_H
#define INSP_OBJECT_TYPE_H

#include "../base/map.h"
#include "../cpython/cpython.h"
#include "../machine/machine.h"
#include "described.h"

/** tp_flags (Include/object.h). */
enum {
    INSP_TPF_INLINE_VALUES = 1u << 2,
    INSP_TPF_MANAGED_WEAKREF = 1u << 3,
    INSP_TPF_MANAGED_DICT = 1u << 4,
    INSP_TPF_HEAPTYPE = 1u << 9,
    INSP_TPF_HAVE_GC = 1u << 14,
    INSP_TPF_LONG = 1u << INSP_BIT_INT,
    INSP_TPF_LIST = 1u << INSP_BIT_LIST,
    INSP_TPF_TUPLE = 1u << INSP_BIT_TUPLE,
    INSP_TPF_BYTES = 1u << INSP_BIT_BYTES,
    INSP_TPF_UNICODE = 1u << INSP_BIT_STR,
    INSP_TPF_DICT = 1u << INSP_BIT_DICT,
    INSP_TPF_BASE_EXC = 1u << 30
};
#define INSP_TPF_TYPE (1u << INSP_BIT_TYPE)

/** What an instance consists of, beyond its slots. */
typedef enum insp_kind {
    INSP_KIND_PLAIN, /**< nothing that refers to anything, or slots only */
    INSP_KIND_LIST,
    INSP_KIND_TUPLE,
    INSP_KIND_DICT,
    INSP_KIND_ODICT,
    INSP_KIND_SET,
    INSP_KIND_TYPE,
    INSP_KIND_MODULE,
    INSP_KIND_GENERATOR,
    INSP_KIND_FRAME,
    INSP_KIND_DEQUE,
    INSP_KIND_LRU_CACHE,
    INSP_KIND_LRU_LINK, /**< what it owns is visited, and so owned, by its cache */
    INSP_KIND_CODE,
    INSP_KIND_STR,
    INSP_KIND_BYTES,
    INSP_KIND_BYTEARRAY,
    INSP_KIND_INT,
    INSP_KIND_BOOL,
    INSP_KIND_FLOAT,
    INSP_KIND_COMPLEX,
    INSP_KIND_NONE,
    INSP_KIND_WEAKREF,
    INSP_KIND_FUNCTION,
    INSP_KIND_BUILTIN
} insp_kind;

/** A member that holds a reference. */
typedef struct insp_slot {
    const char *name; /**< as a person would write it */
    int32_t offset;   /**< from the object */
    uint8_t kind;     /**< insp_ref_kind */
    uint8_t visited;
    uint8_t only_name; /**< tp_traverse is interpreted; this gives the name of what it finds */
    int16_t member;    /**< insp_member; -1: made by a class statement */
    uint8_t after_items; /**< the offset leaves the items of a variable-sized object out */
    uint8_t claimed;     /**< by a description: it counts only where it holds an object */
} insp_slot;

typedef struct insp_typeinfo {
    insp_addr addr;
    uint32_t id;
    const char *name;   /**< without its module; "type@0x…" where it cannot be read */
    const char *module; /**< "" where unknown */
    const char *read_by;
    uint64_t flags;
    int64_t basicsize, itemsize, dictoffset, weaklistoffset;
    insp_addr
        base; /**< the nearest that is not a class statement's: the type itself, if it is none */
    insp_addr
        traverse; /**< to interpret, on behalf of the nearest base that is not a class statement's;
                             0: the slots and the kind say it all */
    insp_addr dealloc; /**< to interpret, of the same base: it says what traverse leaves out.
                            0: the slots and the kind say it all */
    int64_t
        n_fields; /**< of a struct sequence, which has more items than its length; else -1 */
    insp_addr cached_keys; /**< ht_cached_keys, 0 for a static type */
    insp_addr finalize, del;
    insp_slot *slots;
    uint32_t n_slots;
    uint8_t kind;         /**< insp_kind of the nearest base that has one */
    uint8_t is_gc;        /**< instances have a gc head (types: see insp_instance_is_gc) */
    uint8_t is_heap;      /**< instances own a reference to it */
    uint8_t is_class;     /**< made by a class statement: subtype_traverse */
    uint8_t visits_type;  /**< where tp_traverse is not interpreted: it visits ob_type */
    uint8_t sizeof_known; /**< no __sizeof__ of its own that we do not know */
    uint8_t preheader;    /**< bytes before the gc head */
    uint8_t guessed;      /**< its code cannot be asked: see object/guess.h */
    uint8_t
        managed_dict; /**< attributes are where the interpreter manages them: insp_walk_attributes */
} insp_typeinfo;

INSP_VEC(insp_typeinfo_ptrs, insp_typeinfo *);
INSP_VEC(insp_names, const char *);

typedef struct insp_types_seen {
    insp_cpython *py;
    const insp_described *described; /**< or NULL */
    insp_arena arena;
    insp_typeinfo_ptrs at; /**< by id */
    insp_map ids;          /**< address -> id */
    insp_names names;      /**< see object/anchors.h: of static types whose file is missing */
    insp_map name_of;      /**< address -> its place in names */
    insp_addr subtype_traverse;
    uint64_t
        budget; /**< bases, members and names that may still be looked at, for all types together */
    bool told;                   /**< that there is a finding about it */
    int8_t dict_visits_embedded; /**< 1, -1: see object/walk_dict.c; 0: not known yet */
    int8_t instance_visits_dict; /**< the same */
    bool failed;                 /**< memory ran out */
} insp_types_seen;

/** Fails with INSP_ERR_MEMORY. */
insp_status insp_types_init(insp_types_seen *types, insp_cpython *py, insp_error *err);
void insp_types_deinit(insp_types_seen *types);

/**
 * The type at addr, looked at now if it was not yet. NULL where there is no type at addr, or memory ran out
 * (types->failed).
 */
const insp_typeinfo *insp_type_at(insp_types_seen *types, insp_reader *r, insp_addr addr);

/**
 * From now on ask the type's own code instead of the decoder that says otherwise. False where the type is read by its
 * kind, which others stand on, or has no such code.
 */
bool insp_type_ask_code(insp_typeinfo *t, insp_reader *r);

/** Whether what lies at addr, be it what it may, says that it is an instance of a type. */
bool insp_looks_like_object(insp_types_seen *types, insp_reader *r, insp_addr addr);

/** The first slot of a type at an offset in its instances, or NULL. */
static inline const insp_slot *insp_slot_at(const insp_typeinfo *t, uint64_t offset)
{
    for (uint32_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i].offset == (int32_t)offset)
            return &t->slots[i];
    }
    return NULL;
}

/** Whether heap/size.c knows what __sizeof__ of this kind adds. */
static inline bool insp_sizeof_known(insp_kind kind)
{
    switch (kind) {
    case INSP_KIND_LIST:
    case INSP_KIND_DICT:
    case INSP_KIND_ODICT:
    case INSP_KIND_SET:
    case INSP_KIND_TYPE:
    case INSP_KIND_DEQUE:
    case INSP_KIND_STR:
    case INSP_KIND_BYTEARRAY:
    case INSP_KIND_INT:
    case INSP_KIND_BOOL:
    case INSP_KIND_CODE:
    case INSP_KIND_TUPLE:
    case INSP_KIND_BYTES:
        return true;
    default:
        return false;
    }
}

/** PyObject_IS_GC: for types, only heap types have a gc head. */
bool insp_instance_is_gc(const insp_typeinfo *t, insp_reader *r, insp_addr object);

#endif
