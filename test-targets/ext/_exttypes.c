// SPDX-License-Identifier: MIT
/**
 * @file
 * Types that no reader can know beforehand.
 *
 * Pair: a heap type that visits two fields, one of them also a declared member.
 * Table: a heap type whose references lie in a malloc array; only its tp_traverse knows it.
 * Opaque: a static type without gc that owns a reference nothing declares.
 * Hiding: a gc type that owns two references and forgets to visit the second.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <structmember.h>

typedef struct pair {
    PyObject ob_base;
    PyObject *left, *right;
} pair;

typedef struct table {
    PyObject ob_base;
    Py_ssize_t len;
    PyObject **items;
} table;

static void finish(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static int visit_type(PyObject *op, visitproc visit, void *arg)
{
#if PY_VERSION_HEX >= 0x03090000
    Py_VISIT(Py_TYPE(op));
#else
    (void)op, (void)visit, (void)arg;
#endif
    return 0;
}

// ---- Pair and Hiding ----------------------------------------------------------------------

static int pair_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    pair *self = (pair *)op;
    if (!PyArg_ParseTuple(args, "OO", &self->left, &self->right))
        return -1;
    Py_INCREF(self->left);
    Py_INCREF(self->right);
    return 0;
}

static int pair_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(((pair *)op)->left);
    Py_VISIT(((pair *)op)->right);
    return visit_type(op, visit, arg);
}

static int hiding_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(((pair *)op)->left);
    return visit_type(op, visit, arg);
}

static int pair_clear(PyObject *op)
{
    Py_CLEAR(((pair *)op)->left);
    Py_CLEAR(((pair *)op)->right);
    return 0;
}

static void pair_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    pair_clear(op);
    finish(op);
}

static PyMemberDef pair_members[] = {{"left", T_OBJECT, offsetof(pair, left), READONLY, NULL},
                                     {NULL, 0, 0, 0, NULL}};

static PyType_Slot pair_slots[] = {
    {Py_tp_init, (void *)(uintptr_t)pair_init},
    {Py_tp_traverse, (void *)(uintptr_t)pair_traverse},
    {Py_tp_clear, (void *)(uintptr_t)pair_clear},
    {Py_tp_dealloc, (void *)(uintptr_t)pair_dealloc},
    {Py_tp_members, (void *)(uintptr_t)pair_members},
    {0, NULL},
};

static PyType_Slot hiding_slots[] = {
    {Py_tp_init, (void *)(uintptr_t)pair_init},
    {Py_tp_traverse, (void *)(uintptr_t)hiding_traverse},
    {Py_tp_clear, (void *)(uintptr_t)pair_clear},
    {Py_tp_dealloc, (void *)(uintptr_t)pair_dealloc},
    {0, NULL},
};

// ---- Table --------------------------------------------------------------------------------

static int table_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    table *self = (table *)op;
    self->items = calloc((size_t)PyTuple_GET_SIZE(args) + 1, sizeof(PyObject *));
    if (!self->items)
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        self->items[self->len] = PyTuple_GET_ITEM(args, i);
        Py_INCREF(self->items[self->len++]);
    }
    return 0;
}

static int table_traverse(PyObject *op, visitproc visit, void *arg)
{
    table *self = (table *)op;
    for (Py_ssize_t i = 0; i < self->len; i++)
        Py_VISIT(self->items[i]);
    return visit_type(op, visit, arg);
}

static int table_clear(PyObject *op)
{
    table *self = (table *)op;
    while (self->len > 0)
        Py_CLEAR(self->items[--self->len]);
    return 0;
}

static void table_dealloc(PyObject *op)
{
    PyObject_GC_UnTrack(op);
    table_clear(op);
    free(((table *)op)->items);
    finish(op);
}

static PyType_Slot table_slots[] = {
    {Py_tp_init, (void *)(uintptr_t)table_init},
    {Py_tp_traverse, (void *)(uintptr_t)table_traverse},
    {Py_tp_clear, (void *)(uintptr_t)table_clear},
    {Py_tp_dealloc, (void *)(uintptr_t)table_dealloc},
    {0, NULL},
};

// ---- Opaque -------------------------------------------------------------------------------

static int opaque_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    (void)kwargs;
    pair *self = (pair *)op;
    if (!PyArg_ParseTuple(args, "O", &self->right))
        return -1;
    Py_INCREF(self->right);
    return 0;
}

static void opaque_dealloc(PyObject *op)
{
    Py_XDECREF(((pair *)op)->right);
    Py_TYPE(op)->tp_free(op);
}

static PyTypeObject opaque_type = {
    .ob_base = {PyObject_HEAD_INIT(NULL) 0},
    .tp_name = "_exttypes.Opaque",
    .tp_basicsize = sizeof(pair),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_init = opaque_init,
    .tp_dealloc = opaque_dealloc,
    .tp_new = PyType_GenericNew,
};

// ---- the module ---------------------------------------------------------------------------

static int add_heap_type(PyObject *module, const char *name, PyType_Slot *slots)
{
    char full[64];
    snprintf(full, sizeof(full), "_exttypes.%s", name);
    PyType_Spec spec = {.name = full,
                        .basicsize = sizeof(pair),
                        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                        .slots = slots};
#if PY_VERSION_HEX < 0x030b0000
    // Before 3.11 (gh-89546) a type kept this very pointer as its tp_name.
    spec.name = strdup(full);
#endif
    PyObject *type = PyType_FromSpec(&spec);
    int failed = type ? PyObject_SetAttrString(module, name, type) : -1;
    Py_XDECREF(type);
    return failed;
}

static int fill(PyObject *module)
{
    _Static_assert(sizeof(pair) == sizeof(table), "one size for all");
    if (PyType_Ready(&opaque_type) ||
        PyObject_SetAttrString(module, "Opaque", (PyObject *)&opaque_type))
        return -1;
    return add_heap_type(module, "Pair", pair_slots) ||
                   add_heap_type(module, "Hiding", hiding_slots) ||
                   add_heap_type(module, "Table", table_slots)
               ? -1
               : 0;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)(uintptr_t)fill}, {0, NULL}};

static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT,
                                    .m_name = "_exttypes",
                                    .m_size = 0,
                                    .m_slots = module_slots};

PyMODINIT_FUNC PyInit__exttypes(void);
PyMODINIT_FUNC PyInit__exttypes(void)
{
    return PyModuleDef_Init(&module);
}
