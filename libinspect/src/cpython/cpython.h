// SPDX-License-Identifier: MIT
/**
 * @file
 * One CPython in a target: where its runtime is, which version, by which layout it is read, and
 * what its interpreters, collectors, allocators and threads look like.
 *
 * Knows structures of the runtime, but no object's insides: those are object/'s.
 */
#ifndef INSP_CPYTHON_CPYTHON_H
#define INSP_CPYTHON_CPYTHON_H

#include "../base/arena.h"
#include "../elf/image.h"
#include "finding.h"
#include "layout.h"
#include "tracemalloc.h"

enum { INSP_GENERATIONS = 4 };

/** A list of the collector. */
typedef struct insp_gc_list {
    insp_addr head; /**< PyGC_Head that closes the list */
    const char *name;
    int64_t threshold, count;                      /**< -1: none */
    int64_t collections, collected, uncollectable; /**< -1: none */
} insp_gc_list;

/** One interpreter. */
typedef struct insp_interp {
    insp_addr addr;
    int64_t id;
    int64_t n_threads;
    insp_addr gc; /**< struct _gc_runtime_state */
    insp_gc_list lists[INSP_GENERATIONS];
    uint32_t n_lists;
    int32_t gc_enabled, gc_collecting, gc_debug;
    insp_addr garbage, callbacks; /**< lists */
    int64_t long_lived_total, long_lived_pending;
    insp_addr modules, sysdict, builtins; /**< dicts */
    insp_addr interned;                   /**< the dict of interned strings, since 3.12 */
} insp_interp;

INSP_VEC(insp_interps, insp_interp);

/** PyThreadState, as far as it is not frames. */
typedef struct insp_tstate {
    insp_addr addr;
    uint32_t interp;
    uint64_t ident;
    int64_t tid;
    int32_t holds_gil;
    insp_addr exception, handled;
    insp_addr frame; /**< innermost frame, 0 for none */
} insp_tstate;

INSP_VEC(insp_tstates, insp_tstate);

/** Whether a structure's layout is true of this target. */
typedef struct insp_proof_row {
    const char *structure, *text, *needed_by;
    insp_member member; /**< its source is the structure's source */
    insp_proof_result result;
} insp_proof_row;

INSP_VEC(insp_proof_rows, insp_proof_row);

/** One allocator of small objects: all interpreters share one, but isolated ones have their own. */
typedef struct insp_obmalloc {
    insp_addr arenas; /**< array of struct arena_object */
    uint32_t maxarenas;
    uint32_t named;     /**< pools of objects name arenas below this; 0: they were not asked */
    uint32_t interp;    /**< row of interps: the first that uses it */
    int64_t raw_blocks; /**< what sys.getallocatedblocks counts beside pools; -1: not told */
} insp_obmalloc;

INSP_VEC(insp_obmallocs, insp_obmalloc);

/** pymalloc's state (Objects/obmalloc.c). */
typedef struct insp_pymalloc {
    insp_obmallocs states; /**< empty: none was found */
    uint32_t pool_size;    /**< bytes */
    uint64_t arena_size;   /**< bytes */
    const char *found_by;
} insp_pymalloc;

typedef struct insp_cpython {
    const insp_space *space;
    const insp_images *images;
    const insp_map_lines *maps; /**< of a live target, or NULL */
    insp_arena *text;
    insp_findings_log *findings;
    uint32_t module; /**< image that is CPython */
    uint32_t hex;
    const char *version; /**< "3.11.2" */
    bool debug, free_threaded;
    insp_addr runtime;
    const char *found_by;
    insp_layout layout;
    insp_addr type_type; /**< PyType_Type */
    insp_interps interps;
    insp_tstates threads;
    insp_pymalloc pymalloc;
    insp_tracemalloc tracemalloc;
    const char *allocator;
    uint32_t debug_pad; /**< bytes the debug hooks put before a block: 0 or 16 */
    insp_proof_rows proofs;
    insp_addr type_cache;    /**< where it is a static variable (up to 3.9), else 0 */
    insp_addrs releasing;    /**< functions that give memory back; see functions.c */
    uint64_t thread_pointer; /**< of a thread that runs Python, 0 where unknown */
} insp_cpython;

/**
 * Find CPython among the images and read its runtime. `py` comes with space, images, text and findings
 * set, the rest zeroed.
 *
 * Fails with INSP_ERR_NO_PYTHON (the message says where it was looked for), INSP_ERR_UNSUPPORTED
 * (the message names the version), INSP_ERR_MEMORY.
 */
insp_status insp_cpython_open(insp_cpython *py, insp_images *images, insp_error *err);
void insp_cpython_close(insp_cpython *py);

/** The steps of insp_cpython_open, each in the file of its name. */
insp_status insp_runtime_find(insp_cpython *py, insp_images *images, insp_error *err);
void insp_layout_repair(insp_cpython *py);
insp_status insp_interps_read(insp_cpython *py, insp_error *err);
insp_status insp_threads_read(insp_cpython *py, insp_error *err);
insp_status insp_pymalloc_find(insp_cpython *py, insp_error *err);
void insp_type_cache_find(insp_cpython *py);

/** Entries of a type cache: 1 << MCACHE_SIZE_EXP. */
enum { INSP_TYPE_CACHE_ENTRIES = 4096 };

/**
 * The type attribute cache of an interpreter, 0 where none is known: of each its own since 3.10 (bpo-42745), and
 * before that the static one under the first.
 */
insp_addr insp_type_cache_of(const insp_cpython *py, uint32_t interp);
void insp_tracemalloc_find(insp_cpython *py);
insp_status insp_functions_find(insp_cpython *py, insp_images *images, insp_error *err);
insp_status insp_layout_prove(insp_cpython *py, insp_error *err);

/** Add a row to the proofs; printf for its text. False when memory runs out. */
__attribute__((format(printf, 6, 7))) bool insp_prove(insp_cpython *py, const char *structure,
                                                      insp_member member, const char *needed_by,
                                                      insp_proof_result result, const char *fmt,
                                                      ...);

/** Writable memory of the module that is CPython, .bss included: what comes after `before` (NULL: the first). */
const insp_segment *insp_data_next(const insp_cpython *py, const insp_segment *before);

/** Whether the proof of a structure failed: what needs it refuses. */
bool insp_refuted(const insp_cpython *py, const char *structure);

/**
 * Addresses of the next gc head after `head`, masked. A list is closed when it comes back to its start.
 * 0 where it cannot be read.
 */
insp_addr insp_gc_next(insp_reader *r, insp_addr head);

/** What must be where the layout says it is. */
typedef enum insp_sign {
    INSP_SIGN_INTERPRETER, /**< the runtime's main interpreter points back at it */
    INSP_SIGN_THREADS,     /**< its first thread points back at it */
    INSP_SIGN_TYPE,        /**< type(type) is type */
    INSP_SIGN_TYPE_SIZE,   /**< tp_basicsize of type is the size of PyHeapTypeObject */
    INSP_SIGN_GC,          /**< the collector's lists close, generation0 is the first */
    INSP_SIGN_MODULES,     /**< sys.modules is a dict, modules_by_index a list */
    INSP_SIGN_DICTS,       /**< what else should be a dict is one, or not there */
    INSP_SIGN_FRAMES,      /**< the innermost frame has code */
    INSP_SIGN_TUPLE,       /**< type.__mro__[0] is type */
    INSP_SIGN_ARENAS,      /**< the interpreter leads to arenas, if it leads to any */
    INSP_SIGNS
} insp_sign;

/** Whether a sign holds by py->layout; true where the build has nothing it speaks of. */
bool insp_sign_holds(insp_cpython *py, insp_sign sign);

/** How many hold. */
uint32_t insp_signs_held(insp_cpython *py);

/** The main interpreter, 0 where it cannot be read. */
insp_addr insp_main_interpreter(insp_cpython *py, insp_reader *r);

/** Where the collector of an interpreter keeps its books. */
insp_addr insp_gc_state_of(insp_reader *r, insp_addr runtime, insp_addr interp);

/** Whether the list of gc heads that `head` closes looks like one: neighbours point back. */
bool insp_gc_list_closes(insp_reader *r, insp_addr head);

/** Bits of tp_flags that say of which built-in type a class is (Include/object.h). */
enum {
    INSP_BIT_INT = 24,
    INSP_BIT_LIST = 25,
    INSP_BIT_TUPLE = 26,
    INSP_BIT_BYTES = 27,
    INSP_BIT_STR = 28,
    INSP_BIT_DICT = 29,
    INSP_BIT_TYPE = 31
};

/** Whether the type of `object` has this bit in its tp_flags, and is a type. */
bool insp_type_has_bit(insp_cpython *py, insp_reader *r, insp_addr object, unsigned bit);

/** What the allocator state at an address (3.12 and up) leads to. False where there is no such state. */
bool insp_obmalloc_look(insp_reader *r, insp_addr state, insp_obmalloc *out);

/** Where an interpreter's allocator state lies (3.12 and up), or 0. */
insp_addr insp_obmalloc_of(insp_reader *r, insp_addr interp);

/** The innermost frame of a thread state, 0 for none: a frame object up to 3.10. */
insp_addr insp_innermost_frame(insp_reader *r, insp_addr tstate);

/** A frame's code, and who called it, in every form of frames. */
insp_addr insp_frame_code(insp_reader *r, insp_addr frame);
insp_addr insp_frame_previous(insp_reader *r, insp_addr frame);

/** Where its code finds names that have no slot: a mapping, or 0. */
insp_addr insp_frame_locals(insp_reader *r, insp_addr frame);

/** Whether it stands between C and Python, and is no function's (3.12 and up: owner 3 or more). */
bool insp_frame_is_shim(insp_reader *r, insp_addr frame);

/** Where the memory of the module ends that addr lies in, .bss included, in whole pages; addr itself where it is in none. */
insp_addr insp_behind_module(const insp_cpython *py, insp_addr addr);

/** The image whose code or data (.bss included) addr lies in, or INSP_NONE. */
uint32_t insp_module_at(const insp_cpython *py, insp_addr addr);

/** True for an address whose object has `type` as its type, and type(type) is type. */
bool insp_is_type(insp_reader *r, const insp_cpython *py, insp_addr addr);

#endif
