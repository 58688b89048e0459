// SPDX-License-Identifier: MIT
/**
 * @file
 * What differs between versions of CPython and is no offset: how a count is encoded, how an int says its
 * sign, where the allocator keeps its state.
 *
 * One row a version; what a member's presence tells by itself is asked of the layout (INSP_OFF >= 0).
 */
#ifndef INSP_CPYTHON_FLAVOUR_H
#define INSP_CPYTHON_FLAVOUR_H

#include <stdbool.h>
#include <stdint.h>

/** How ob_refcnt counts (Include/object.h). */
typedef enum insp_count_form {
    INSP_COUNT_PLAIN, /**< 64 bits, signed */
    INSP_COUNT_IMMORTAL, /**< 3.12: the lower 32 bits; immortal where they are negative (PEP 683) */
    INSP_COUNT_FLAGS, /**< 3.14: the same, with ob_overflow and ob_flags above */
    INSP_COUNT_BIASED /**< free-threaded: ob_ref_local + (ob_ref_shared >> 2) (PEP 703) */
} insp_count_form;

/** Where an int keeps sign and number of digits. */
typedef enum insp_int_form {
    INSP_INT_SIGNED_SIZE, /**< ob_size, negative for negative ints */
    INSP_INT_TAG /**< 3.12: lv_tag: digits << 3 | sign (0 positive, 1 zero, 2 negative) */
} insp_int_form;

/** Key tables of dicts. */
typedef enum insp_keys_form {
    INSP_KEYS_LOOKUP, /**< dk_size entries and dk_lookup; every entry has hash, key, value */
    INSP_KEYS_LOG2    /**< 3.11: dk_log2_size and dk_kind; str-only tables keep no hashes */
} insp_keys_form;

/** What a thread's innermost frame is. */
typedef enum insp_frame_form {
    INSP_FRAMES_OBJECTS, /**< PyFrameObject, chained by f_back */
    INSP_FRAMES_INTERP,  /**< 3.11: _PyInterpreterFrame, chained by previous */
    INSP_FRAMES_TAGGED /**< 3.14: the same, with tagged slots (_PyStackRef) and a stack pointer */
} insp_frame_form;

/** The words before a gc head of objects with a managed dict or managed weak references. */
typedef enum insp_preheader_form {
    INSP_PREHEADER_NONE,
    INSP_PREHEADER_VALUES, /**< 3.11: values, dict; only one of them is set */
    INSP_PREHEADER_TAGGED, /**< 3.12: weaklist, dict or (bit 0 set) values - 1 */
    INSP_PREHEADER_DICT    /**< 3.13: weaklist, dict; values are inline behind tp_basicsize */
} insp_preheader_form;

/** Where the allocator of small objects keeps its state. */
typedef enum insp_alloc_home {
    INSP_ALLOC_STATIC,  /**< static variables of obmalloc.c */
    INSP_ALLOC_MEMBER,  /**< 3.12: a member of the interpreter */
    INSP_ALLOC_POINTER, /**< 3.13: what a member of the interpreter points to */
    INSP_ALLOC_MIMALLOC /**< free-threaded: mimalloc's heaps of each thread */
} insp_alloc_home;

/** How the collector knows its objects. */
typedef enum insp_gc_form {
    INSP_GC_GENERATIONS, /**< three generations and a permanent one */
    INSP_GC_INCREMENTAL, /**< 3.14.0 to 3.14.4: young, two old spaces, permanent */
    INSP_GC_NO_LISTS     /**< free-threaded: bits in the object */
} insp_gc_form;

/** Which objects sys.getsizeof adds a gc head to (Python/sysmodule.c). */
typedef enum insp_head_form {
    INSP_HEADS_OF_OBJECTS, /**< those that have one */
    INSP_HEADS_OF_TYPES,   /**< 3.11: those whose type has gc, static types too */
    INSP_HEADS_BUT_STATIC  /**< 3.13: the same, but for static types that have no metaclass */
} insp_head_form;

typedef struct insp_flavour {
    uint32_t from; /**< PY_VERSION_HEX of the first release it is true of */
    bool free_threaded;
    insp_count_form count;
    insp_int_form ints;
    insp_keys_form keys;
    insp_frame_form frames;
    insp_preheader_form preheader;
    insp_alloc_home alloc;
    insp_gc_form gc;
    uint32_t pool_size;  /**< bytes, of pymalloc */
    uint32_t arena_size; /**< bytes, of pymalloc */
    int64_t countless;   /**< counts from here on say nothing, though they count; 0: none do */
    int8_t frame_executing; /**< gi_frame_state of a generator that runs */
    int8_t frame_done;      /**< the first state without a frame; states are signed bytes */
    bool
        static_type_states; /**< 3.12: static types keep tp_dict, tp_subclasses in interpreters */
    uint8_t least_digits;   /**< that int.__sizeof__ counts; 3.11: 1, also of 0 */
    bool
        statics_owned; /**< up to 3.10: PyExc_*, identifiers and slot names own what they have */
    insp_head_form heads;
    uint32_t immortal; /**< lower half of ob_refcnt of immortals; 0: nothing tells them by it */
    bool
        trace_names_c; /**< tracemalloc keeps names of files as C strings; before 3.15 as str */
} insp_flavour;

/**
 * The row for a version (PY_VERSION_HEX). Versions before the first have NULL; what comes after the last
 * is read like the last.
 */
const insp_flavour *insp_flavour_of(uint32_t hex, bool free_threaded);

/** The last version there is anything known of, as "3.15", where this one comes after it; else NULL. */
const char *insp_flavour_last(uint32_t hex);

#endif
