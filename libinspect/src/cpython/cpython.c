// SPDX-License-Identifier: MIT
#include "cpython.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

insp_status insp_cpython_open(insp_cpython *py, insp_images *images, insp_error *err)
{
    py->images = images;
    insp_status st = insp_runtime_find(py, images, err);
    if (!st)
        st = insp_interps_read(py, err);
    if (!st)
        st = insp_threads_read(py, err);
    if (!st)
        st = insp_pymalloc_find(py, err);
    if (!st) {
        insp_type_cache_find(py);
        insp_tracemalloc_find(py);
        st = insp_functions_find(py, images, err);
    }
    if (!st)
        st = insp_layout_prove(py, err);
    return st;
}

void insp_cpython_close(insp_cpython *py)
{
    insp_interps_deinit(&py->interps);
    insp_tstates_deinit(&py->threads);
    insp_obmallocs_deinit(&py->pymalloc.states);
    insp_proof_rows_deinit(&py->proofs);
    insp_addrs_deinit(&py->releasing);
}

bool insp_prove(insp_cpython *py, const char *structure, insp_member member,
                const char *needed_by, insp_proof_result result, const char *fmt, ...)
{
    char text[240];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    insp_proof_row row = {structure, insp_arena_text(py->text, text, strlen(text)), needed_by,
                          member, result};
    return row.text && insp_proof_rows_push(&py->proofs, row);
}

const insp_segment *insp_data_next(const insp_cpython *py, const insp_segment *before)
{
    enum { BSS = 4 << 20 }; // more than .bss behind the last file mapping ever is
    const insp_image *image = &py->images->at[py->module];
    const insp_segment *seg = insp_space_next(py->space, before ? before->end : image->start);
    while (seg && seg->start < image->end + BSS && !(seg->flags & INSP_SEG_WRITE))
        seg = insp_space_next(py->space, seg->end);
    return seg && seg->start < image->end + BSS ? seg : NULL;
}

bool insp_refuted(const insp_cpython *py, const char *structure)
{
    for (size_t i = 0; i < py->proofs.len; i++) {
        if (!strcmp(py->proofs.at[i].structure, structure))
            return py->proofs.at[i].result == INSP_PROOF_FAILED;
    }
    return false;
}

bool insp_is_type(insp_reader *r, const insp_cpython *py, insp_addr addr)
{
    // The type of a type is type, or a metaclass, which is a type too and says so in its flags.
    enum { DEPTH = 8 };
    for (int i = 0; i < DEPTH && addr && !(addr & 7) && !r->bad; i++) {
        insp_addr meta = INSP_U64(r, addr, PyObject, ob_type);
        if (meta == py->type_type)
            return !r->bad;
        if (!(INSP_U64(r, meta, PyTypeObject, tp_flags) >> INSP_BIT_TYPE & 1))
            break;
        addr = meta;
    }
    r->bad = false;
    return false;
}

insp_addr insp_behind_module(const insp_cpython *py, insp_addr addr)
{
    enum { PAGE = 4096 };
    uint32_t i = insp_module_at(py, addr);
    if (i == INSP_NONE)
        return addr;
    const insp_image *image = &py->images->at[i];
    insp_addr end = image->end;
    for (size_t k = 0; k < image->sections.len; k++) {
        if (image->sections.at[k].end > end)
            end = image->sections.at[k].end;
    }
    return (end + PAGE - 1) & ~(insp_addr)(PAGE - 1);
}

uint32_t insp_module_at(const insp_cpython *py, insp_addr addr)
{
    // Images are sorted by start and do not overlap; .bss may stand behind the last mapping of the file.
    size_t low = 0, high = py->images->len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (py->images->at[mid].start <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return INSP_NONE;
    const insp_image *image = &py->images->at[low - 1];
    bool inside = addr < image->end || insp_image_section_at(image, addr);
    return inside ? (uint32_t)(low - 1) : INSP_NONE;
}
