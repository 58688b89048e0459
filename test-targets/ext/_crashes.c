// SPDX-License-Identifier: MIT
/**
 * @file
 * Ways to die in C: each function is one bug.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static PyObject *none(void)
{
    Py_RETURN_NONE;
}

// A header word of an object, read so that the compiler cannot leave it out.
static uintptr_t peek(const volatile void *at)
{
    return *(const volatile uintptr_t *)at;
}

static PyObject *null_field(PyObject *self, PyObject *list)
{
    (void)self;
    PyObject *volatile *slot = (PyObject *volatile *)((char *)list + 24);
    *slot = NULL;
    PyObject *held = *slot;
    return PyLong_FromSize_t(peek((char *)held + 40));
}

static PyObject *null_type(PyObject *self, PyObject *object)
{
    (void)self;
    *(void *volatile *)((char *)object + 8) = NULL;
    return PyObject_Repr(object);
}

static PyObject *call_to(uintptr_t where)
{
    PyObject *(*volatile function)(void) = (PyObject * (*)(void)) where;
    PyObject *result = function();
    return result ? result : none();
}

static PyObject *null_call(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return call_to(0);
}

static PyObject *wild_call(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return call_to(0x123456789000);
}

static PyObject *set_item(PyObject *self, PyObject *list)
{
    (void)self;
    ((PyListObject *)list)->ob_item[0] = (PyObject *)0x4141414141414140;
    return none();
}

static PyObject *smash_type(PyObject *self, PyObject *object)
{
    (void)self;
    memset((char *)object + 8, 'A', 8);
    return none();
}

static volatile int forever = 1;

static int deeper(volatile char *above)
{
    volatile char room[4096];
    room[0] = above[0];
    return forever ? deeper(room) + room[0] : 0;
}

static PyObject *stack_overflow(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    volatile char start = 1;
    return PyLong_FromLong(deeper(&start));
}

static PyObject *double_free(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    void *volatile block = malloc(40);
    free(block);
    free(block);
    return none();
}

static PyObject *eat_none(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    while (Py_REFCNT(Py_None) > 1)
        Py_DECREF(Py_None);
    Py_DECREF(Py_None);
    return none();
}

static PyObject *write_constant(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    volatile char *volatile text = (volatile char *)(uintptr_t) "constant";
    text[0] = 'x';
    return none();
}

static PyObject *wrong_type(PyObject *self, PyObject *number)
{
    (void)self;
    char *items = (char *)peek((char *)number + 24);
    return PyLong_FromSize_t(peek(items + 16));
}

static PyObject *divide(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    volatile int zero = 0, seven = 7;
    volatile int ratio = seven / zero;
    return PyLong_FromLong(ratio);
}

static PyObject *give_up(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    abort();
}

static PyObject *drop(PyObject *self, PyObject *object)
{
    (void)self;
    Py_DECREF(object);
    return none();
}

static void *without_state(void *unused)
{
    (void)unused;
    return PyErr_Occurred();
}

static PyObject *without_gil(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    pthread_t thread;
    // Only once the GIL was given up: before that the other thread finds this one's state.
    Py_BEGIN_ALLOW_THREADS;
    pthread_create(&thread, NULL, without_state, NULL);
    pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS;
    return none();
}

// Two objects whose blocks touch: the places of both in a list.
static PyObject *neighbours(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *list;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "On", &list, &size))
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        for (Py_ssize_t j = 0; j < PyList_Size(list); j++) {
            if ((char *)PyList_GetItem(list, j) - (char *)PyList_GetItem(list, i) == size)
                return Py_BuildValue("(nn)", i, j);
        }
    }
    return none();
}

// Writes as much behind an object as a header takes.
static PyObject *overflow(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *object;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "On", &object, &size))
        return NULL;
    memset((char *)object + size, 'A', sizeof(PyObject));
    return none();
}

static PyObject *thread_state(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    PyThreadState *state = PyThreadState_New(PyThreadState_Get()->interp);
    PyThreadState_Clear(state);
    PyThreadState_Delete(state);
    return PyLong_FromSize_t(peek(state->interp));
}

static PyObject *uninitialised(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    void **volatile rows = PyMem_Malloc(8 * sizeof(*rows));
    return PyLong_FromSize_t(peek(rows[2]));
}

typedef struct {
    PyObject_HEAD PyObject *held;
    uintptr_t *rows;
} Holder;

static int holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Holder *)self)->held);
    return 0;
}

static void holder_dealloc(PyObject *self)
{
    Holder *holder = (Holder *)self;
    PyObject_GC_UnTrack(self);
    PyErr_SetObject(PyExc_RuntimeError, PyLong_FromSize_t(peek(&holder->rows[2])));
}

static PyType_Slot holder_slots[] = {
    {Py_tp_dealloc, (void *)(uintptr_t)holder_dealloc},
    {Py_tp_traverse, (void *)(uintptr_t)holder_traverse}, {0, NULL}};
static PyType_Spec holder_spec = {"_crashes.Holder", sizeof(Holder), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, holder_slots};

static PyObject *holder(PyObject *self, PyObject *held)
{
    (void)self;
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(&holder_spec);
    Holder *made = PyObject_GC_New(Holder, type);
    made->held = (PyObject *)PyLong_AsSize_t(held);
    made->rows = NULL;
    PyObject_GC_Track(made);
    return (PyObject *)made;
}

static PyMethodDef methods[] = {
    {"null_field", null_field, METH_O, NULL},
    {"null_type", null_type, METH_O, NULL},
    {"null_call", null_call, METH_NOARGS, NULL},
    {"wild_call", wild_call, METH_NOARGS, NULL},
    {"set_item", set_item, METH_O, NULL},
    {"smash_type", smash_type, METH_O, NULL},
    {"stack_overflow", stack_overflow, METH_NOARGS, NULL},
    {"double_free", double_free, METH_NOARGS, NULL},
    {"eat_none", eat_none, METH_NOARGS, NULL},
    {"write_constant", write_constant, METH_NOARGS, NULL},
    {"wrong_type", wrong_type, METH_O, NULL},
    {"divide", divide, METH_NOARGS, NULL},
    {"give_up", give_up, METH_NOARGS, NULL},
    {"drop", drop, METH_O, NULL},
    {"neighbours", neighbours, METH_VARARGS, NULL},
    {"overflow", overflow, METH_VARARGS, NULL},
    {"thread_state", thread_state, METH_NOARGS, NULL},
    {"uninitialised", uninitialised, METH_NOARGS, NULL},
    {"holder", holder, METH_O, NULL},
    {"without_gil", without_gil, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT,
                                    .m_name = "_crashes",
                                    .m_doc = "Ways to die in C.",
                                    .m_size = 0,
                                    .m_methods = methods};

PyMODINIT_FUNC PyInit__crashes(void);
PyMODINIT_FUNC PyInit__crashes(void)
{
    return PyModuleDef_Init(&module);
}
