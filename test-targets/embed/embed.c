// SPDX-License-Identifier: MIT
/**
 * @file
 * A program of which CPython is a part: it runs the file that its argument names.
 *
 * Linked with libpython, or with the archive of it and no exported symbol; the second can load no extension, so
 * the one that tells the truth is linked in.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>

PyMODINIT_FUNC PyInit__truth(void);

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!file || PyImport_AppendInittab("_truth", PyInit__truth))
        return 2;
    Py_Initialize();
    return PyRun_SimpleFileEx(file, argv[1], 1) ? 1 : Py_FinalizeEx();
}
