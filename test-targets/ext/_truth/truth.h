// SPDX-License-Identifier: MIT
/**
 * @file
 * What the parts of the _truth module share: the table of objects and the questions.
 *
 * Knows no layout but the structures that Python.h declares.
 */
#ifndef TRUTH_H
#define TRUTH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <stdio.h>

enum { IS_GC = 1, IS_TRACKED = 2, IS_FINALIZED = 4, IS_SPLIT = 8, IS_TYPE = 16 };

/**
 * What stop() asks with, in the order of its tuple. They are looked up before the core is taken:
 * a look-up fills the type attribute cache, which owns the names in it.
 */
enum { ASK_MALLOCSTATS, ASK_COUNT, ASK_ENABLED, ASK_DISABLE, ASK_OBJECTS, ASK_SIZEOF, ASK_GC };

enum { ASKS = ASK_GC + 1 };

/** One object: refs[first, extra) is what its tp_traverse visits, refs[extra, end) is more. */
typedef struct record {
    PyObject *op;
    PyTypeObject *type;
    Py_ssize_t refcnt;
    Py_ssize_t size;
    size_t first, extra, end;
    int gen; /**< -1: in no generation */
    unsigned flags;
} record;

typedef struct truth {
    record *rows;
    size_t len, room;
    PyObject **refs;
    size_t n_refs, refs_room;
    size_t *slots; /**< open addressing by object address: row + 1, or 0 */
    size_t n_slots;
    int failed;     /**< out of memory: what was collected is not complete */
    PyObject *asks; /**< the tuple; borrowed from the caller's stack */
    FILE *out;
} truth;

/** Calls f with one argument or none; NULL and no exception on failure. */
PyObject *truth_ask(PyObject *f, PyObject *arg);

/** Notes every object that can be reached, its count and referents. Disturbs no count. */
void truth_walk(truth *t);
/**
 * Writes who is frozen. There is no way to ask but to unfreeze them and see who appears in the
 * oldest generation, so this comes last of all.
 */
void truth_write_frozen(const truth *t, PyObject *unfreeze);
void truth_free(truth *t);

/** Redirects stderr to PATH.mallocstats and calls sys._debugmallocstats(). */
void truth_write_mallocstats(const char *path, PyObject *mallocstats);
/** Before anything that makes a gc object: gc.get_count counts such makings. */
void truth_write_counts(const truth *t);
/** After the walk: looks names up. */
void truth_write_collector(const truth *t);
void truth_write_objects(truth *t);
/** What a full collection puts aside instead of freeing it. Runs finalizers. */
void truth_write_saved(const truth *t);
/** A function of the gc module; NULL and no exception where it is not there. */
PyObject *truth_gc_function(const truth *t, const char *name);

#endif
