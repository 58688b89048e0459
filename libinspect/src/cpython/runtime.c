// SPDX-License-Identifier: MIT
/**
 * @file
 * Finding _PyRuntime and the version of CPython (Python/pylifecycle.c, Include/patchlevel.h).
 *
 * By symbol where the file of the module is here; else by what only _PyRuntime does: its interpreter
 * points back at it.
 */
#include "cpython.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// PY_VERSION_HEX as 0xMMmmppRS.
static uint32_t hex_of(unsigned major, unsigned minor, unsigned micro)
{
    return major << 24 | minor << 16 | micro << 8 | 0xf0;
}

/** "3.11.2 (main, " at p: what Py_GetVersion keeps in .bss. */
static uint32_t parse_banner(const char *p, size_t n)
{
    unsigned part[3] = {0};
    size_t i = 0;
    for (int k = 0; k < 3; k++) {
        size_t start = i;
        while (i < n && i - start < 3 && p[i] >= '0' && p[i] <= '9')
            part[k] = part[k] * 10 + (unsigned)(p[i++] - '0');
        if (i == start || i >= n || (k < 2 && p[i++] != '.'))
            return 0;
    }
    while (i < n && (p[i] == '+' || p[i] == 'a' || p[i] == 'b' || p[i] == 'r' || p[i] == 'c' ||
                     (p[i] >= '0' && p[i] <= '9')))
        i++;
    if (i + 2 > n || p[i] != ' ' || p[i + 1] != '(' || (part[0] != 2 && part[0] != 3))
        return 0;
    return hex_of(part[0], part[1], part[2]);
}

// Writable memory of the module that the target has, .bss beyond the file mapping included.
static const insp_segment *data_segment(const insp_cpython *py, const insp_image *image,
                                        insp_addr from)
{
    for (const insp_segment *s = insp_space_next(py->space, from); s;
         s = insp_space_next(py->space, s->end)) {
        // .bss follows the last file mapping as anonymous memory; 4 MiB is more than it ever is.
        if (s->start >= image->end + (4u << 20))
            return NULL;
        if (s->end > image->start && (s->flags & INSP_SEG_WRITE))
            return s;
        if (s->end == UINT64_MAX)
            return NULL;
    }
    return NULL;
}

static uint32_t banner_in_data(const insp_cpython *py, const insp_image *image)
{
    insp_addr at = image->start;
    const insp_segment *s;
    while ((s = data_segment(py, image, at)) != NULL) {
        for (insp_addr a = s->start; a + 32 <= s->end; a++) {
            const char *p = insp_space_at(py->space, a, 32);
            if (!p)
                break;
            uint32_t hex =
                (p[0] == '3' || p[0] == '2') && p[1] == '.' ? parse_banner(p, 32) : 0;
            if (hex)
                return hex;
        }
        at = s->end;
    }
    return 0;
}

static uint32_t version_of(const insp_cpython *py, const insp_image *image)
{
    bool ok = true;
    const insp_symbol *symbol = insp_image_symbol(image, "Py_Version");
    uint32_t hex = symbol ? insp_space_u32(py->space, symbol->addr, &ok) : 0;
    if (hex && ok && (hex >> 24 == 2 || hex >> 24 == 3))
        return hex;
    return banner_in_data(py, image);
}

// Its main interpreter points back at it, and that interpreter's first thread back at the interpreter.
static bool is_runtime(const insp_cpython *py, const insp_layout *layout, insp_addr addr)
{
    insp_reader r = insp_reader_of(py->space, layout);
    insp_addr head = INSP_U64(&r, addr, PyRuntimeState, interpreters_head);
    insp_addr main = INSP_U64(&r, addr, PyRuntimeState, interpreters_main);
    if (r.bad || !head || !main || main & 7 ||
        INSP_U64(&r, main, PyInterpreterState, runtime) != addr)
        return false;
    insp_addr thread = INSP_U64(&r, main, PyInterpreterState, threads_head);
    return !r.bad && thread && INSP_U64(&r, thread, PyThreadState, interp) == main && !r.bad;
}

// Without a symbol: the only structure whose main interpreter points back at it.
static insp_addr search_runtime(const insp_cpython *py, const insp_layout *layout,
                                const insp_image *image)
{
    insp_addr at = image->start;
    const insp_segment *s;
    while ((s = data_segment(py, image, at)) != NULL) {
        for (insp_addr a = (s->start + 7) & ~UINT64_C(7); a + 8 <= s->end; a += 8) {
            if (is_runtime(py, layout, a))
                return a;
        }
        at = s->end;
    }
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// "python3.11", "libpython3.11.so.1.0": looked at before the modules of other names.
static bool is_named_python(const insp_image *image)
{
    return strstr(base_name(image->path), "python") != NULL;
}

static const char *version_text(insp_arena *text, uint32_t hex)
{
    return insp_arena_printf(text, "%u.%u.%u", hex >> 24, hex >> 16 & 255, hex >> 8 & 255);
}

static insp_status take_version(insp_cpython *py, uint32_t hex, insp_error *err)
{
    py->hex = hex;
    py->version = version_text(py->text, hex);
    if (!py->version)
        return insp_nomem(err);
    if (!insp_layout_init(&py->layout, hex, 0, 0))
        return insp_fail(err, INSP_ERR_UNSUPPORTED, 0, "CPython %s is not supported",
                         py->version);
    return INSP_OK;
}

static insp_status by_symbol(insp_cpython *py, insp_images *images, uint32_t i, bool *found,
                             insp_error *err)
{
    insp_image *image = &images->at[i];
    insp_status st = insp_image_load_symbols(image, py->space, py->text, err);
    if (st)
        return st == INSP_ERR_MEMORY ? st : INSP_OK;
    const insp_symbol *symbol = insp_image_symbol(image, "_PyRuntime");
    if (!symbol)
        return INSP_OK;
    *found = true;
    py->module = i;
    py->runtime = symbol->addr;
    py->found_by = insp_arena_printf(py->text, "from .dynsym of %s", image->path);
    uint32_t hex = version_of(py, image);
    if (!hex)
        return insp_fail(
            err, INSP_ERR_NO_PYTHON, symbol->addr,
            "%s has _PyRuntime, but what would tell its version is missing. Give its "
            "file with --exe",
            *image->path ? image->path : "a module");
    st = take_version(py, hex, err);
    if (!st && !is_runtime(py, &py->layout, py->runtime))
        return insp_fail(err, INSP_ERR_UNSUPPORTED, py->runtime,
                         "CPython %s: _PyRuntime at 0x%" PRIx64
                         " has no interpreter that points back at it",
                         py->version, py->runtime);
    return st;
}

static insp_status by_search(insp_cpython *py, insp_images *images, uint32_t i, bool *found,
                             insp_error *err)
{
    const insp_image *image = &images->at[i];
    uint32_t hex = banner_in_data(py, image);
    insp_layout layout;
    if (!hex)
        return INSP_OK;
    insp_addr runtime =
        insp_layout_init(&layout, hex, 0, 0) ? search_runtime(py, &layout, image) : 0;
    if (!runtime)
        return INSP_OK;
    *found = true;
    py->module = i;
    py->runtime = runtime;
    py->found_by = insp_arena_printf(py->text, "by search in the data of %s", image->path);
    return take_version(py, hex, err);
}

insp_status insp_runtime_find(insp_cpython *py, insp_images *images, insp_error *err)
{
    typedef insp_status (*finder)(insp_cpython *, insp_images *, uint32_t, bool *,
                                  insp_error *);
    static const finder finders[] = {by_symbol, by_search};
    bool found = false;
    for (size_t way = 0; way < 4; way++) {
        for (uint32_t i = 0; i < images->len; i++) {
            // Named ones first by both ways, then all the others.
            if (is_named_python(&images->at[i]) != (way < 2))
                continue;
            insp_status st = finders[way & 1](py, images, i, &found, err);
            if (st || found)
                return st;
        }
    }
    return insp_fail(err, INSP_ERR_NO_PYTHON, 0,
                     "no Python interpreter found in it (looked for _PyRuntime in %zu modules, "
                     "and for a runtime whose interpreter points back at it)",
                     images->len);
}
