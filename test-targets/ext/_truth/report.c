// SPDX-License-Identifier: MIT
/**
 * @file
 * Asks the interpreter about itself and writes the answers, one fact a line.
 *
 * What is asked through a name comes after the walk: a look-up changes counts.
 */
#include "truth.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

// ---- asking -------------------------------------------------------------------------------

PyObject *truth_ask(PyObject *f, PyObject *arg)
{
    PyObject *got = f ? PyObject_CallFunctionObjArgs(f, arg, NULL) : NULL;
    if (!got)
        PyErr_Clear();
    return got;
}

PyObject *truth_gc_function(const truth *t, const char *name)
{
    PyObject *f = PyObject_GetAttrString(PyTuple_GET_ITEM(t->asks, ASK_GC), name);
    if (!f)
        PyErr_Clear();
    return f;
}

/** A function of the gc module, by name: only after refcounts were read. */
static PyObject *ask_gc(const truth *t, const char *name, PyObject *arg)
{
    PyObject *f = truth_gc_function(t, name);
    PyObject *got = truth_ask(f, arg);
    Py_XDECREF(f);
    return got;
}

static long as_number(PyObject *got)
{
    long n = got ? PyLong_AsLong(got) : -1;
    PyErr_Clear();
    Py_XDECREF(got);
    return n;
}

static void write_numbers(const truth *t, const char *key, PyObject *got)
{
    fprintf(t->out, "%s", key);
    for (Py_ssize_t i = 0; got && PyTuple_Check(got) && i < PyTuple_GET_SIZE(got); i++)
        fprintf(t->out, " %ld", PyLong_AsLong(PyTuple_GET_ITEM(got, i)));
    fputc('\n', t->out);
    Py_XDECREF(got);
}

static void write_stats(const truth *t)
{
    static const char *const keys[] = {"collections", "collected", "uncollectable"};
    PyObject *got = ask_gc(t, "get_stats", NULL);
    for (Py_ssize_t i = 0; got && i < PyList_GET_SIZE(got); i++) {
        fprintf(t->out, "gc_stats %zd", i);
        for (size_t k = 0; k < 3; k++) {
            PyObject *n = PyDict_GetItemString(PyList_GET_ITEM(got, i), keys[k]);
            fprintf(t->out, " %ld", n ? PyLong_AsLong(n) : -1);
        }
        fputc('\n', t->out);
    }
    PyErr_Clear();
    Py_XDECREF(got);
}

static void write_list(const truth *t, const char *key, PyObject *list)
{
    for (Py_ssize_t i = 0; list && PyList_Check(list) && i < PyList_GET_SIZE(list); i++)
        fprintf(t->out, "%s %" PRIxPTR "\n", key, (uintptr_t)PyList_GET_ITEM(list, i));
}

static void write_garbage(const truth *t, const char *key)
{
    PyObject *list = PyObject_GetAttrString(PyTuple_GET_ITEM(t->asks, ASK_GC), "garbage");
    write_list(t, key, list);
    Py_XDECREF(list);
    PyErr_Clear();
}

// sys._debugmallocstats() writes to stderr: let that be a file for the moment.
void truth_write_mallocstats(const char *path, PyObject *mallocstats)
{
    char name[4096];
    snprintf(name, sizeof(name), "%s.mallocstats", path);
    fflush(stderr);
    int kept = dup(2);
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (kept < 0 || fd < 0 || dup2(fd, 2) < 0)
        abort();
    Py_XDECREF(truth_ask(mallocstats, NULL));
    fflush(stderr);
    dup2(kept, 2);
    close(fd);
    close(kept);
}

void truth_write_counts(const truth *t)
{
    PyObject *const *asks = &PyTuple_GET_ITEM(t->asks, 0);
    write_numbers(t, "gc_count", truth_ask(asks[ASK_COUNT], NULL));
    fprintf(t->out, "gc_enabled %ld\n", as_number(truth_ask(asks[ASK_ENABLED], NULL)));
    Py_XDECREF(truth_ask(asks[ASK_DISABLE], NULL));
}

void truth_write_collector(const truth *t)
{
    write_numbers(t, "gc_threshold", ask_gc(t, "get_threshold", NULL));
    fprintf(t->out, "gc_freeze_count %ld\n", as_number(ask_gc(t, "get_freeze_count", NULL)));
    fprintf(t->out, "gc_debug %ld\n", as_number(ask_gc(t, "get_debug", NULL)));
    write_stats(t);
    write_garbage(t, "gc_garbage");
}

static int says_yes(PyObject *f, PyObject *op)
{
    PyObject *got = truth_ask(f, op);
    int yes = got == Py_True;
    Py_XDECREF(got);
    return yes;
}

/** The type's own or inherited attribute, found without running anything; borrowed, or NULL. */
static PyObject *find_in_mro(PyTypeObject *type, PyObject *name)
{
    for (Py_ssize_t i = 0; type->tp_mro && i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
#if PY_VERSION_HEX >= 0x030c0000
        PyObject *dict = PyType_GetDict(base);
        Py_XDECREF(dict); // the type keeps it
#else
        PyObject *dict = base->tp_dict;
#endif
        PyObject *found = dict ? PyDict_GetItemWithError(dict, name) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/** -1 where __sizeof__ is written in Python: running it would change the heap. */
static Py_ssize_t size_of(const truth *t, const record *r, PyObject *name)
{
    PyObject *method = find_in_mro(r->type, name);
    if (!method || Py_TYPE(method) != &PyMethodDescr_Type)
        return -1;
    return as_number(truth_ask(PyTuple_GET_ITEM(t->asks, ASK_SIZEOF), r->op));
}

static void ask_sizes(truth *t)
{
    PyObject *name = PyUnicode_InternFromString("__sizeof__");
    for (size_t i = 0; name && i < t->len; i++)
        t->rows[i].size = size_of(t, &t->rows[i], name);
    Py_XDECREF(name);
    PyErr_Clear();
}

static void ask_flags(truth *t)
{
    PyObject *gc = PyTuple_GET_ITEM(t->asks, ASK_GC);
    PyObject *tracked = PyObject_GetAttrString(gc, "is_tracked");
    PyObject *finalized = PyObject_GetAttrString(gc, "is_finalized");
    PyErr_Clear();
    for (size_t i = 0; i < t->len; i++) {
        record *r = &t->rows[i];
        if (says_yes(tracked, r->op))
            r->flags |= IS_TRACKED;
        if (says_yes(finalized, r->op))
            r->flags |= IS_FINALIZED;
    }
    Py_XDECREF(tracked);
    Py_XDECREF(finalized);
}

// ---- writing ------------------------------------------------------------------------------

static void write_hex(FILE *out, uintptr_t n)
{
    char text[2 * sizeof(n) + 1], *at = text + sizeof(text);
    do
        *--at = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    putc_unlocked(' ', out);
    fwrite_unlocked(at, 1, (size_t)(text + sizeof(text) - at), out);
}

/** "o address type refcount size generation flags referents | extras" */
static void write_record(const truth *t, const record *r)
{
    putc_unlocked('o', t->out);
    write_hex(t->out, (uintptr_t)r->op);
    write_hex(t->out, (uintptr_t)r->type);
    fprintf(t->out, " %zd %zd %d %u", r->refcnt, r->size, r->gen, r->flags);
    for (size_t i = r->first; i < r->extra; i++)
        write_hex(t->out, (uintptr_t)t->refs[i]);
    fputs_unlocked(" |", t->out);
    for (size_t i = r->extra; i < r->end; i++)
        write_hex(t->out, (uintptr_t)t->refs[i]);
    putc_unlocked('\n', t->out);
}

/** "t address basicsize itemsize flags tp_name": the name comes last, it may hold blanks. */
static void write_types(const truth *t)
{
    for (size_t i = 0; i < t->len; i++) {
        if (!(t->rows[i].flags & IS_TYPE))
            continue;
        PyTypeObject *type = (PyTypeObject *)t->rows[i].op;
        fprintf(t->out, "t %" PRIxPTR " %zd %zd %lx %s\n", (uintptr_t)type, type->tp_basicsize,
                type->tp_itemsize, type->tp_flags, type->tp_name);
    }
}

void truth_write_objects(truth *t)
{
    ask_flags(t);
    ask_sizes(t);
    write_types(t);
    for (size_t i = 0; i < t->len; i++)
        write_record(t, &t->rows[i]);
    if (t->failed)
        fprintf(t->out, "failed\n");
    fprintf(t->out, "objects %zu\n", t->len);
}

void truth_write_saved(const truth *t)
{
    PyObject *gc = PyTuple_GET_ITEM(t->asks, ASK_GC);
    PyObject *saveall = PyObject_GetAttrString(gc, "DEBUG_SAVEALL");
    Py_XDECREF(ask_gc(t, "set_debug", saveall));
    Py_XDECREF(saveall);
    fprintf(t->out, "collect %ld\n", as_number(ask_gc(t, "collect", NULL)));
    write_garbage(t, "saved");
    fprintf(t->out, "saved_end\n");
}
