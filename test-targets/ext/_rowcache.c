// SPDX-License-Identifier: MIT
/**
 * @file
 * A row cache as an extension might have it, with two bugs.
 *
 * note_bad() keeps the last bad row in a static variable and takes one reference more than it
 * keeps. drop() gives back a reference that is the caller's.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static unsigned long long rows_seen;
static PyObject *last_bad_row;

static PyObject *note_bad(PyObject *self, PyObject *row)
{
    (void)self;
    rows_seen++;
    Py_INCREF(row);
    Py_INCREF(row); // bug: the variable holds one reference, not two
    Py_XSETREF(last_bad_row, row);
    Py_RETURN_NONE;
}

static PyObject *drop(PyObject *self, PyObject *batch)
{
    (void)self;
    Py_DECREF(batch); // bug: a borrowed reference
    return PyLong_FromUnsignedLongLong(rows_seen);
}

static PyMethodDef methods[] = {
    {"note_bad", note_bad, METH_O, "Remember a row that could not be read."},
    {"drop", drop, METH_O, "Forget a batch."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT,
                                    .m_name = "_rowcache",
                                    .m_doc = "A row cache with two reference bugs.",
                                    .m_size = 0,
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit__rowcache(void);
PyMODINIT_FUNC PyInit__rowcache(void)
{
    return PyModuleDef_Init(&module);
}
