// SPDX-License-Identifier: MIT
//
// tally.count(words) -> {word: how often}: a small extension like many, to be checked for leaks.
// -DTALLY_BUG builds it as it was before the leak check found the missing Py_DECREF.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static int add_one(PyObject *counts, PyObject *word)
{
    PyObject *before = PyDict_GetItemWithError(counts, word); // borrowed
    if (!before && PyErr_Occurred())
        return -1;
    long n = before ? PyLong_AsLong(before) : 0;
    if (n == -1 && PyErr_Occurred())
        return -1;
    PyObject *after = PyLong_FromLong(n + 1);
    if (!after)
        return -1;
    int failed = PyDict_SetItem(counts, word, after); // takes a reference of its own
#ifndef TALLY_BUG
    Py_DECREF(after);
#endif
    return failed;
}

static PyObject *count(PyObject *module, PyObject *words)
{
    (void)module;
    PyObject *counts = PyDict_New();
    PyObject *each = counts ? PyObject_GetIter(words) : NULL;
    PyObject *word = NULL;
    while (each && (word = PyIter_Next(each))) {
        int failed = add_one(counts, word);
        Py_DECREF(word);
        if (failed)
            break;
    }
    Py_XDECREF(each);
    if (PyErr_Occurred())
        Py_CLEAR(counts);
    return counts;
}

static PyMethodDef methods[] = {
    {"count", count, METH_O, "count(words) -> dict of word: how often"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "tally",
    .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_tally(void);

PyMODINIT_FUNC PyInit_tally(void)
{
    return PyModuleDef_Init(&definition);
}
