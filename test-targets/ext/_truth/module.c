// SPDX-License-Identifier: MIT
/**
 * @file
 * Stops a target so that a core can be taken, and afterwards writes down what its own
 * interpreter says of its heap: generations, refcounts, sizes, referents, what a full
 * collection frees.
 *
 * stop() blocks inside one C call and answers from inside that same call, so no bytecode runs
 * between the core and the answer. What is asked is asked through the public API only.
 */
#include "truth.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct plan {
    int ready_fd, go_fd;
    const char *path;
    PyObject *asks;
    int collect;
} plan;

// Once counts were read, what is asked runs code, and what that lets go may have been the last reference to an
// object that is still to be asked about.
static void hold(const truth *t)
{
    for (size_t i = 0; i < t->len; i++)
        Py_XINCREF(t->rows[i].refcnt > 0 ? t->rows[i].op : NULL);
}

static void let_go(const truth *t)
{
    for (size_t i = 0; i < t->len; i++)
        Py_XDECREF(t->rows[i].refcnt > 0 ? t->rows[i].op : NULL);
}

static void take(const plan *p)
{
    truth_write_mallocstats(p->path, PyTuple_GET_ITEM(p->asks, ASK_MALLOCSTATS));
    truth t = {.asks = p->asks, .out = fopen(p->path, "we")};
    if (!t.out)
        abort();
    setvbuf(t.out, NULL, _IOFBF, 1 << 20);
    fprintf(t.out, "truth 1\nversion %x\npid %d\n", (unsigned)PY_VERSION_HEX, (int)getpid());
    truth_write_counts(&t);
    truth_walk(&t);
    hold(&t);
    truth_write_collector(&t);
    truth_write_objects(&t);
    let_go(&t);
    fflush(t.out);
    if (p->collect)
        truth_write_saved(&t);
    PyObject *unfreeze = truth_gc_function(&t, "unfreeze");
    truth_write_frozen(&t, unfreeze);
    Py_XDECREF(unfreeze);
    fprintf(t.out, "end\n");
    fclose(t.out);
    truth_free(&t);
}

/** Say that the target is ready, then wait, the GIL held, until the harness lets it go on. */
static void wait_for_harness(int ready_fd, int go_fd)
{
    char line[32], byte;
    int n = snprintf(line, sizeof(line), "ready %d\n", (int)getpid());
    if (write(ready_fd, line, (size_t)n) != n)
        _exit(3);
    if (go_fd < 0) {
        raise(SIGSTOP);
        return;
    }
    ssize_t got;
    do
        got = read(go_fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(0); // the harness has gone: nobody will ask
}

static PyObject *truth_pause(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    if (n != 2)
        return PyErr_Format(PyExc_TypeError, "pause(ready_fd, go_fd)");
    int ready_fd = (int)PyLong_AsLong(args[0]), go_fd = (int)PyLong_AsLong(args[1]);
    if (PyErr_Occurred())
        return NULL;
    wait_for_harness(ready_fd, go_fd);
    Py_RETURN_NONE;
}

static PyObject *truth_stop(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    if (n != 5 || !PyTuple_Check(args[3]) || PyTuple_GET_SIZE(args[3]) != ASKS)
        return PyErr_Format(PyExc_TypeError, "stop(ready_fd, go_fd, path, asks, collect)");
    plan p = {(int)PyLong_AsLong(args[0]), (int)PyLong_AsLong(args[1]),
              PyUnicode_AsUTF8(args[2]), args[3], PyObject_IsTrue(args[4])};
    if (PyErr_Occurred())
        return NULL;
    wait_for_harness(p.ready_fd, p.go_fd);
    take(&p);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"stop", (PyCFunction)(void (*)(void))truth_stop, METH_FASTCALL,
     "Wait to be dumped, then write what the interpreter says of its heap."},
    {"pause", (PyCFunction)(void (*)(void))truth_pause, METH_FASTCALL, "Wait to be dumped."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT, .m_name = "_truth", .m_size = 0, .m_methods = methods};

PyMODINIT_FUNC PyInit__truth(void);
PyMODINIT_FUNC PyInit__truth(void)
{
    return PyModuleDef_Init(&module);
}
