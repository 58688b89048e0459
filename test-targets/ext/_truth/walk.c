// SPDX-License-Identifier: MIT
/**
 * @file
 * Finds every object the interpreter can reach, and what each refers to.
 *
 * Starts from gc.get_objects and sys.modules and follows tp_traverse as gc.get_referents does,
 * into malloc memory: no Python object is made but the list of gc.get_objects, and its references
 * are given back before any count is read.
 */
#include "truth.h"
#include <inttypes.h>
#include <stdlib.h>

enum { NO_GENERATION = -1, GENERATIONS = 3 };

// ---- the table ----------------------------------------------------------------------------

static size_t slot_of(const truth *t, const PyObject *op)
{
    uint64_t h = (uint64_t)(uintptr_t)op * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h >> 20) & (t->n_slots - 1);
    while (t->slots[i] && t->rows[t->slots[i] - 1].op != op)
        i = (i + 1) & (t->n_slots - 1);
    return i;
}

static int grow_slots(truth *t)
{
    size_t *fresh = calloc(t->n_slots ? t->n_slots * 2 : 1 << 16, sizeof(*fresh));
    if (!fresh)
        return -1;
    free(t->slots);
    t->slots = fresh;
    t->n_slots = t->n_slots ? t->n_slots * 2 : 1 << 16;
    for (size_t i = 0; i < t->len; i++)
        t->slots[slot_of(t, t->rows[i].op)] = i + 1;
    return 0;
}

static int grow_rows(truth *t)
{
    size_t room = t->room ? t->room * 2 : 1 << 15;
    record *fresh = realloc(t->rows, room * sizeof(*fresh));
    if (!fresh)
        return -1;
    t->rows = fresh;
    t->room = room;
    return 0;
}

/** Note the object once; its row's generation is set by the first who calls. */
static void add_object(truth *t, PyObject *op, int gen)
{
    if ((t->len + 1) * 2 > t->n_slots && grow_slots(t))
        t->failed = 1;
    if (t->len == t->room && grow_rows(t))
        t->failed = 1;
    if (t->failed)
        return;
    size_t s = slot_of(t, op);
    if (t->slots[s])
        return;
    t->rows[t->len] = (record){.op = op, .type = Py_TYPE(op), .gen = gen, .size = -1};
    t->slots[s] = ++t->len;
}

static int add_ref(PyObject *op, void *arg)
{
    truth *t = arg;
    if (t->n_refs == t->refs_room) {
        size_t room = t->refs_room ? t->refs_room * 2 : 1 << 16;
        PyObject **fresh = realloc(t->refs, room * sizeof(PyObject *));
        if (!fresh) {
            t->failed = 1;
            return 0;
        }
        t->refs = fresh;
        t->refs_room = room;
    }
    t->refs[t->n_refs++] = op;
    return 0;
}

static void add_maybe(truth *t, PyObject *op)
{
    if (op)
        add_ref(op, t);
}

// ---- walking ------------------------------------------------------------------------------

static void add_generation(truth *t, int gen)
{
    PyObject *number = PyLong_FromLong(gen);
    PyObject *list = number ? truth_ask(PyTuple_GET_ITEM(t->asks, ASK_OBJECTS), number) : NULL;
    for (Py_ssize_t i = 0; list && i < PyList_GET_SIZE(list); i++)
        add_object(t, PyList_GET_ITEM(list, i), gen);
    Py_XDECREF(list);
    Py_XDECREF(number);
}

/** Fields of a type that its tp_traverse leaves out, as far as Python.h declares them. */
static void add_type_fields(truth *t, PyTypeObject *type)
{
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
#if PY_VERSION_HEX < 0x030c0000
        // Since 3.12 (gh-94673) a static type's dict is the interpreter's.
        add_maybe(t, type->tp_dict);
        add_maybe(t, type->tp_cache);
#endif
        add_maybe(t, type->tp_bases);
        add_maybe(t, type->tp_mro);
    } else {
        PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
        add_maybe(t, heap->ht_name);
        add_maybe(t, heap->ht_qualname);
        add_maybe(t, heap->ht_slots);
    }
#if PY_VERSION_HEX < 0x030c0000
    add_maybe(t, type->tp_subclasses);
#endif
}

static void add_code_fields(truth *t, PyCodeObject *code)
{
    add_maybe(t, code->co_consts);
    add_maybe(t, code->co_names);
    add_maybe(t, code->co_filename);
    add_maybe(t, code->co_name);
#if PY_VERSION_HEX >= 0x030b0000
    add_maybe(t, code->co_qualname);
    add_maybe(t, code->co_linetable);
    add_maybe(t, code->co_exceptiontable);
    add_maybe(t, code->co_localsplusnames);
    add_maybe(t, code->co_localspluskinds);
#endif
}

static int is_descriptor(PyTypeObject *type)
{
    return type == &PyMethodDescr_Type || type == &PyMemberDescr_Type ||
           type == &PyGetSetDescr_Type || type == &PyWrapperDescr_Type ||
           type == &PyClassMethodDescr_Type;
}

/** References that the runtime holds to count by: of the queue for merging, where there is no GIL (PEP 703). */
static Py_ssize_t held_by_runtime(PyObject *op)
{
#ifdef Py_GIL_DISABLED
    enum { STATE_MASK = 3, QUEUED = 2 };
    return op->ob_ref_local != UINT32_MAX && (op->ob_ref_shared & STATE_MASK) == QUEUED;
#else
    (void)op;
    return 0;
#endif
}

/** A dict, or since 3.15 (PEP 814) a frozendict, which is none but has the same structure. */
static int is_dict(PyObject *op)
{
#if PY_VERSION_HEX >= 0x030F0000
    return PyAnyDict_Check(op);
#else
    return PyDict_Check(op);
#endif
}

static void add_dict_keys(truth *t, record *r)
{
    PyObject *key;
    Py_ssize_t at = 0;
    if (((PyDictObject *)r->op)->ma_values)
        r->flags |= IS_SPLIT;
    while (PyDict_Next(r->op, &at, &key, NULL))
        add_ref(key, t);
}

/** What an object owns beside what it visits, as far as public API and structures tell. */
static void add_extras(truth *t, record *r)
{
    if (is_dict(r->op)) {
        add_dict_keys(t, r);
    } else if (PyType_Check(r->op)) {
        r->flags |= IS_TYPE;
        add_type_fields(t, (PyTypeObject *)r->op);
    } else if (PyCode_Check(r->op)) {
        add_code_fields(t, (PyCodeObject *)r->op);
    } else if (is_descriptor(r->type)) {
        add_maybe(t, ((PyDescrObject *)r->op)->d_name);
        add_maybe(t, ((PyDescrObject *)r->op)->d_qualname);
    }
}

/** The same as gc.get_referents(op), without making its list. */
static void add_visited(truth *t, record *r)
{
    r->first = t->n_refs;
    if (PyObject_IS_GC(r->op)) {
        r->flags |= IS_GC;
        if (r->type->tp_traverse)
            r->type->tp_traverse(r->op, add_ref, t);
    }
    r->extra = t->n_refs;
    add_extras(t, r);
    r->end = t->n_refs;
}

void truth_walk(truth *t)
{
    for (int gen = 0; gen < GENERATIONS; gen++)
        add_generation(t, gen);
    add_maybe(t, PyImport_GetModuleDict());
    for (size_t i = 0; i < t->n_refs; i++)
        add_object(t, t->refs[i], NO_GENERATION);
    for (size_t i = 0; i < t->len && !t->failed; i++) {
        record r = t->rows[i];
        add_visited(t, &r);
        r.refcnt = Py_REFCNT(r.op) - held_by_runtime(r.op);
        t->rows[i] = r;
        for (size_t k = r.first; k < r.end; k++)
            add_object(t, t->refs[k], NO_GENERATION);
        add_object(t, (PyObject *)r.type, NO_GENERATION);
    }
}

void truth_write_frozen(const truth *t, PyObject *unfreeze)
{
    truth seen = {.asks = t->asks};
    add_generation(&seen, GENERATIONS - 1);
    size_t known = seen.len;
    Py_XDECREF(truth_ask(unfreeze, NULL));
    add_generation(&seen, GENERATIONS - 1);
    for (size_t i = known; i < seen.len; i++)
        fprintf(t->out, "frozen %" PRIxPTR "\n", (uintptr_t)seen.rows[i].op);
    truth_free(&seen);
}

void truth_free(truth *t)
{
    free(t->rows);
    free(t->refs);
    free(t->slots);
}
