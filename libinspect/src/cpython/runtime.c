// SPDX-License-Identifier: MIT
/**
 * @file
 * Finding _PyRuntime and the version of CPython (Python/pylifecycle.c, Include/patchlevel.h).
 *
 * By symbol where the file of the module is here; else by what only _PyRuntime does: its interpreter
 * points back at it.
 */
#include "cpython.h"
#include "debugoffsets.h"

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

// The table by which most signs hold. Those of one version differ by what a distribution or the build's
// options moved.
static bool choose_layout(insp_cpython *py, bool free_threaded)
{
    uint16_t machine = py->images->at[py->module].machine;
    uint32_t tries[INSP_LAYOUT_TRIES], best = 0, most = 0;
    size_t n = insp_layout_candidates(py->hex, free_threaded, tries);
    for (size_t i = 0; i < n; i++) {
        insp_layout_take(&py->layout, tries[i], py->hex, machine);
        uint32_t held = i || n > 1 ? insp_signs_held(py) + 1 : 1;
        if (held > most) {
            most = held;
            best = tries[i];
        }
    }
    if (n)
        insp_layout_take(&py->layout, best, py->hex, machine);
    py->debug = py->layout.flags & INSP_BUILD_DEBUG;
    return n > 0;
}

static const char *version_text(insp_arena *text, uint32_t hex)
{
    return insp_arena_printf(text, "%u.%u.%u", hex >> 24, hex >> 16 & 255, hex >> 8 & 255);
}

// All that follows from where the runtime is and which version it has.
static insp_status take_runtime(insp_cpython *py, uint32_t module, insp_addr runtime,
                                uint32_t hex, insp_error *err)
{
    insp_debug_offsets told = {hex, false};
    bool tells = insp_debug_offsets_look(py->space, runtime, &told);
    py->module = module;
    py->runtime = runtime;
    py->hex = told.hex;
    py->free_threaded = told.free_threaded;
    py->version = version_text(py->text, py->hex);
    if (!py->version)
        return insp_nomem(err);
    if (!choose_layout(py, told.free_threaded))
        return insp_fail(err, INSP_ERR_UNSUPPORTED, 0, "CPython %s is not supported",
                         py->version);
    if (tells)
        insp_debug_offsets_apply(py->space, runtime, py->hex, &py->layout);
    insp_layout_repair(py);
    return INSP_OK;
}

static bool is_runtime(insp_cpython *py)
{
    return insp_sign_holds(py, INSP_SIGN_INTERPRETER) && insp_sign_holds(py, INSP_SIGN_THREADS);
}

// Without a symbol. Since 3.13 the structure begins with a cookie. Before that: what only _PyRuntime does, its
// main interpreter points back at it (up to 3.8 nothing does, but the collector's lists are in it).
static bool could_be_runtime(insp_cpython *py, insp_addr addr, uint32_t hex)
{
    insp_debug_offsets told;
    if (hex >= 0x030d0000)
        return insp_debug_offsets_look(py->space, addr, &told);
    py->runtime = addr;
    bool lists = INSP_OFF(&py->layout, PyInterpreterState, runtime) >= 0;
    return is_runtime(py) && (lists || insp_sign_holds(py, INSP_SIGN_GC));
}

static insp_addr search_runtime(insp_cpython *py, const insp_image *image, uint32_t hex)
{
    insp_addr at = image->start;
    const insp_segment *s;
    while ((s = data_segment(py, image, at)) != NULL) {
        for (insp_addr a = (s->start + 7) & ~UINT64_C(7); a + 8 <= s->end; a += 8) {
            if (could_be_runtime(py, a, hex))
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

static insp_status by_symbol(insp_cpython *py, insp_images *images, uint32_t i, bool *found,
                             insp_error *err)
{
    insp_image *image = &images->at[i];
    insp_debug_offsets told;
    insp_status st = insp_image_load_symbols(image, py->space, py->text, err);
    if (st)
        return st == INSP_ERR_MEMORY ? st : INSP_OK;
    const insp_symbol *symbol = insp_image_symbol(image, "_PyRuntime");
    if (!symbol)
        return INSP_OK;
    *found = true;
    py->found_by = insp_arena_printf(py->text, "from .dynsym of %s", image->path);
    uint32_t hex = insp_debug_offsets_look(py->space, symbol->addr, &told)
                       ? told.hex
                       : version_of(py, image);
    if (!hex)
        return insp_fail(
            err, INSP_ERR_NO_PYTHON, symbol->addr,
            "%s has _PyRuntime, but what would tell its version is missing. Give its "
            "file with --exe",
            *image->path ? image->path : "a module");
    st = take_runtime(py, i, symbol->addr, hex, err);
    if (!st && !is_runtime(py))
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
    py->module = i;
    if (!hex || !insp_layout_init(&py->layout, hex, 0, 0, image->machine))
        return INSP_OK;
    insp_addr runtime = search_runtime(py, image, hex);
    if (!runtime)
        return INSP_OK;
    *found = true;
    py->found_by = insp_arena_printf(py->text, "by search in the data of %s", image->path);
    return take_runtime(py, i, runtime, hex, err);
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
