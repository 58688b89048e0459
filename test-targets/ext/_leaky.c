// SPDX-License-Identifier: MIT
/**
 * @file
 * The mistakes of C extensions, on demand: a missing Py_DECREF, one too many, and references
 * that are sound but lie in C memory, where no object owns them.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

/** Found by a search of the module's .bss. */
static PyObject *held_in_bss;
/** A block of malloc that no object owns holds it. */
static PyObject **held_in_malloc;

/** Keeps the text of a str, and so the str. */
static const char *held_text;

/** What the module object keeps; no m_traverse visits it. */
typedef struct state {
    long used;
    PyObject *held;
} state;

/** leak(op, n): n references that nobody will ever give back. */
static PyObject *leak(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *op;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "On:leak", &op, &n))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++)
        Py_INCREF(op);
    Py_RETURN_NONE;
}

/** scrub(): writes over what earlier calls have left on the C stack. */
static PyObject *scrub(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    volatile unsigned char room[1 << 16];
    for (size_t i = 0; i < sizeof(room); i++)
        room[i] = 0;
    Py_RETURN_NONE;
}

/** release(op): gives back a reference that is someone else's. */
static PyObject *release(PyObject *self, PyObject *op)
{
    (void)self;
    Py_DECREF(op);
    Py_RETURN_NONE;
}

static PyObject *hold_bss(PyObject *self, PyObject *op)
{
    (void)self;
    Py_INCREF(op);
    Py_XSETREF(held_in_bss, op);
    return PyLong_FromVoidPtr(&held_in_bss);
}

static PyObject *hold_malloc(PyObject *self, PyObject *op)
{
    (void)self;
    if (!held_in_malloc)
        held_in_malloc = calloc(8, sizeof(*held_in_malloc));
    if (!held_in_malloc)
        return PyErr_NoMemory();
    Py_INCREF(op);
    Py_XSETREF(held_in_malloc[3], op);
    return PyLong_FromVoidPtr(&held_in_malloc[3]);
}

static PyObject *hold_state(PyObject *self, PyObject *op)
{
    state *mine = PyModule_GetState(self);
    Py_INCREF(op);
    Py_XSETREF(mine->held, op);
    return PyLong_FromVoidPtr(&mine->held);
}

static PyObject *hold_text(PyObject *self, PyObject *text)
{
    (void)self;
    held_text = PyUnicode_AsUTF8(text);
    Py_INCREF(text);
    return PyLong_FromVoidPtr(&held_text);
}

/** Makes a bytes object and forgets it; only its address is left, as a number. */
static PyObject *orphan(PyObject *self, PyObject *text)
{
    (void)self;
    PyObject *made = PyUnicode_AsUTF8String(text);
    return made ? PyLong_FromVoidPtr(made) : NULL;
}

static PyMethodDef methods[] = {
    {"leak", leak, METH_VARARGS, "Take n references and forget them."},
    {"scrub", scrub, METH_NOARGS, "Write over what earlier calls have left on the C stack."},
    {"release", release, METH_O, "Give back one reference too many."},
    {"hold_bss", hold_bss, METH_O, "Keep a reference in a static variable."},
    {"hold_malloc", hold_malloc, METH_O, "Keep a reference in a malloc block."},
    {"hold_state", hold_state, METH_O, "Keep a reference in the state of the module."},
    {"hold_text", hold_text, METH_O, "Keep a str by a pointer to its text."},
    {"orphan", orphan, METH_O, "Make a bytes object that nobody refers to."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT,
                                    .m_name = "_leaky",
                                    .m_doc = "Reference mistakes on demand.",
                                    .m_size = sizeof(state),
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit__leaky(void);
PyMODINIT_FUNC PyInit__leaky(void)
{
    return PyModuleDef_Init(&module);
}
