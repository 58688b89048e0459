// SPDX-License-Identifier: MIT
/**
 * @file
 * Functions that a type's tp_dealloc calls to give memory back, by address.
 *
 * Whoever interprets a tp_dealloc to see what it releases need not follow them: what they do is known,
 * and they end in locks and system calls. All are exported, so stripping leaves their names.
 */
#include <string.h>

#include "cpython.h"

// Objects/object.c, obmalloc.c, weakrefobject.c, Modules/gcmodule.c (Python/gc.c), _tracemalloc.c,
// Python/pystate.c, ceval.c.
static const char *const of_python[] = {
    "_Py_Dealloc",
    "PyObject_Free",
    "PyMem_Free",
    "PyMem_RawFree",
    "PyObject_GC_Del",
    "PyObject_GC_UnTrack",
    "PyObject_ClearWeakRefs",
    "PyObject_CallFinalizer",
    "PyObject_CallFinalizerFromDealloc",
    "PyTraceMalloc_Untrack",
    "PyGILState_Ensure",
    "PyGILState_Release",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
};
static const char *const of_libc[] = {"free", "munmap", "close"};

static bool add(insp_cpython *py, const insp_image *image, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const insp_symbol *symbol = insp_image_symbol(image, names[i]);
        if (symbol && !insp_addrs_push(&py->releasing, symbol->addr))
            return false;
    }
    return true;
}

static bool is_libc(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-2.", 7) ||
           !strncmp(name, "ld-musl", 7);
}

insp_status insp_functions_find(insp_cpython *py, insp_images *images, insp_error *err)
{
    bool fits =
        add(py, &images->at[py->module], of_python, sizeof(of_python) / sizeof(of_python[0]));
    for (uint32_t i = 0; fits && i < images->len; i++) {
        insp_image *image = &images->at[i];
        if (!is_libc(image->path))
            continue;
        insp_status st = insp_image_load_symbols(image, py->space, py->text, err);
        if (st)
            return st;
        fits = add(py, image, of_libc, sizeof(of_libc) / sizeof(of_libc[0]));
    }
    return fits ? INSP_OK : insp_nomem(err);
}
