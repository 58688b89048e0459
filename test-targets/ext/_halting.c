// SPDX-License-Identifier: MIT
/**
 * @file
 * A gc type whose tp_traverse stops the process when it was armed: a core taken then shows a
 * collector at work.
 *
 * Halt.phase counts down at each traverse; at zero the target announces itself and waits. The
 * collector's first traverse of an object subtracts references, the second follows them.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <structmember.h>
#include <unistd.h>

typedef struct halt {
    PyObject ob_base;
    PyObject *held;
    int phase; /**< traverses until it stops; negative: never */
    int ready_fd, go_fd;
} halt;

static void announce_and_wait(const halt *self)
{
    char line[32], byte;
    int n = snprintf(line, sizeof(line), "ready %d\n", (int)getpid());
    if (write(self->ready_fd, line, (size_t)n) != n)
        _exit(3);
    ssize_t got;
    do
        got = read(self->go_fd, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(0);
}

static int halt_traverse(PyObject *op, visitproc visit, void *arg)
{
    halt *self = (halt *)op;
#if PY_VERSION_HEX >= 0x03090000
    Py_VISIT(Py_TYPE(op));
#endif
    Py_VISIT(self->held);
    if (self->phase >= 0 && self->phase-- == 0)
        announce_and_wait(self);
    return 0;
}

static int halt_clear(PyObject *op)
{
    Py_CLEAR(((halt *)op)->held);
    return 0;
}

static void halt_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    halt_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMemberDef members[] = {
    {"held", T_OBJECT, offsetof(halt, held), 0, NULL},
    {"phase", T_INT, offsetof(halt, phase), 0, NULL},
    {"ready_fd", T_INT, offsetof(halt, ready_fd), 0, NULL},
    {"go_fd", T_INT, offsetof(halt, go_fd), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static int halt_init(PyObject *op, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    ((halt *)op)->phase = -1;
    return 0;
}

static PyType_Slot slots[] = {
    {Py_tp_traverse, (void *)(uintptr_t)halt_traverse},
    {Py_tp_clear, (void *)(uintptr_t)halt_clear},
    {Py_tp_dealloc, (void *)(uintptr_t)halt_dealloc},
    {Py_tp_init, (void *)(uintptr_t)halt_init},
    {Py_tp_members, members},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "_halting.Halt",
    .basicsize = sizeof(halt),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

static int fill(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    if (!type)
        return -1;
    int failed = PyObject_SetAttrString(module, "Halt", type);
    Py_DECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, (void *)(uintptr_t)fill}, {0, NULL}};

static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT,
                                    .m_name = "_halting",
                                    .m_size = 0,
                                    .m_slots = module_slots};

PyMODINIT_FUNC PyInit__halting(void);
PyMODINIT_FUNC PyInit__halting(void)
{
    return PyModuleDef_Init(&module);
}
