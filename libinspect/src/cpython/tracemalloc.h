// SPDX-License-Identifier: MIT
/**
 * @file
 * What tracemalloc keeps of where blocks were allocated (Modules/_tracemalloc.c, Python/hashtable.c).
 */
#ifndef INSP_CPYTHON_TRACEMALLOC_H
#define INSP_CPYTHON_TRACEMALLOC_H

#include "layout.h"

/** Its tables, _Py_hashtable_t; 0: nothing is traced. */
typedef struct insp_tracemalloc {
    insp_addr traces;    /**< from a block to its size and traceback */
    insp_addr filenames; /**< a set of str, each of which it owns */
    bool c_names;        /**< 3.15: names of files are C strings, and nobody's objects */
} insp_tracemalloc;

/** What it says of a block. */
typedef struct insp_trace {
    uint64_t size;
    insp_addr traceback;
    uint32_t n_frames; /**< that were kept */
    uint32_t n_all;    /**< that there were */
} insp_trace;

/** Where one frame was. */
typedef struct insp_trace_frame {
    insp_addr filename; /**< a str, or a C string: insp_tracemalloc.c_names */
    uint32_t line;
} insp_trace_frame;

/** Look for a block; the address is what the allocator gave, behind the debug hooks' bytes. */
bool insp_trace_of(insp_reader *r, const insp_tracemalloc *tm, insp_addr block,
                   insp_trace *out);

/** Frame i of a trace, the innermost first. False where it cannot be read. */
bool insp_trace_frame_at(insp_reader *r, const insp_trace *trace, uint32_t i,
                         insp_trace_frame *out);

/** A walk over the entries of a table. */
typedef struct insp_hashtable_walk {
    insp_addr buckets, entry; /**< the entry it came to */
    uint64_t n_buckets, bucket;
    uint64_t left; /**< entries there can still be */
} insp_hashtable_walk;

/** Begin; false where there is no sound table at the address. */
bool insp_hashtable_begin(insp_reader *r, insp_addr table, insp_hashtable_walk *w);

/** Go to the next entry; false where there is none. */
bool insp_hashtable_next(insp_reader *r, insp_hashtable_walk *w);

/** The key of an entry, and where it stands. */
insp_addr insp_hashtable_key(insp_reader *r, insp_addr entry, insp_addr *slot);

#endif
