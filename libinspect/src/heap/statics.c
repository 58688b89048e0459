// SPDX-License-Identifier: MIT
/**
 * @file
 * What static storage of a module owns: objects that lie there own themselves; up to 3.10 also variables
 * whose meaning can be told without a symbol, or by one that stripping leaves.
 */
#include <string.h>

#include "../object/str.h"
#include "heap.h"

static void walk_static(insp_heap *h, uint32_t module)
{
    for (size_t i = 0; i < h->outside.len; i++) {
        insp_addr addr = h->outside.at[i];
        uint32_t n = h->n_pooled + (uint32_t)i;
        if (!(h->kind.at[n] & INSP_K_COUNTED) || insp_module_at(h->py, addr) != module)
            continue;
        insp_emit(h->decoder.refs, (insp_ref){.target = addr,
                                              .slot = addr,
                                              .arg = (uintptr_t) "static storage",
                                              .form = INSP_FORM_NAME,
                                              .kind = INSP_REF_OWNED});
    }
}

// PyExc_OSError and its like: PRE_INIT and INIT_ALIAS (Objects/exceptions.c) count what they refer to.
static void walk_exceptions(insp_decoder *d, const insp_image *image)
{
    static const char prefix[] = "PyExc_";
    for (size_t i = insp_image_symbols_from(image, prefix); i < image->names.len; i++) {
        const insp_symbol *s = image->names.at[i];
        if (strncmp(s->name, prefix, sizeof(prefix) - 1) != 0)
            break;
        if (s->size == 8)
            insp_emit_named(d, s->addr, s->name, false);
    }
}

// Whether the pointer at `slot` leads to a C string with the text of a str.
static bool spells(insp_heap *h, insp_addr slot, insp_addr str)
{
    enum { LONGEST = 128 };
    char text[LONGEST];
    insp_reader *r = &h->decoder.r;
    insp_addr at = insp_u64(r, slot);
    bool same = !r->bad && insp_space_text(h->py->space, at, text, sizeof(text)) > 0 &&
                insp_str_equals(r, str, text);
    r->bad = false;
    return same;
}

static bool is_str(const insp_heap *h, insp_addr addr)
{
    uint32_t n = insp_heap_number(h, addr);
    return n != INSP_NONE && h->types.at.at[h->type.at[n]]->kind == INSP_KIND_STR;
}

enum { IDENTIFIER_OBJECT = 16, BEHIND_STRING = 8, BEHIND_NAME = 48, SLOTDEF_SIZE = 56 };

// A _Py_Identifier (Include/cpython/object.h): the next one that was used before it, a C string, the str that was
// made of it once. Since 3.10 (bpo-39465) the str is the interpreter's.
static bool is_identifier(insp_heap *h, insp_addr at)
{
    insp_addr str = insp_u64(&h->decoder.r, at + IDENTIFIER_OBJECT);
    return is_str(h, str) && spells(h, at + IDENTIFIER_OBJECT - BEHIND_STRING, str);
}

// typeobject.c's slotdefs (struct wrapperbase of Include/descrobject.h) have it six words behind the name; they
// are an array, so that another one lies beside.
static bool is_slotdef(insp_heap *h, insp_addr slot)
{
    insp_addr before = slot - SLOTDEF_SIZE, after = slot + SLOTDEF_SIZE;
    insp_addr beside = is_str(h, insp_u64(&h->decoder.r, after)) ? after : before;
    insp_addr other = insp_u64(&h->decoder.r, beside);
    return is_str(h, other) && spells(h, beside - BEHIND_NAME, other) &&
           spells(h, slot - BEHIND_NAME, insp_u64(&h->decoder.r, slot));
}

static void walk_name(insp_heap *h, insp_addr slot, bool of_python)
{
    insp_addr str = insp_u64(&h->decoder.r, slot);
    if (!is_str(h, str))
        return;
    insp_addr next = insp_u64(&h->decoder.r, slot - IDENTIFIER_OBJECT);
    bool chained = INSP_OFF(&h->py->layout, PyInterpreterState, unicode_ids_array) < 0 &&
                   insp_module_at(h->py, next) != INSP_NONE && is_identifier(h, next);
    if (chained && spells(h, slot - BEHIND_STRING, str))
        insp_emit_named(&h->decoder, slot, "identifier", false);
    else if (of_python && is_slotdef(h, slot))
        insp_emit_named(&h->decoder, slot, "slot definition", false);
}

static void walk_names(insp_heap *h, uint32_t module)
{
    const insp_cpython *py = h->py;
    for (const insp_segment *seg = insp_space_next(py->space, py->images->at[module].start);
         seg && insp_module_at(py, seg->start) == module;
         seg = insp_space_next(py->space, seg->end)) {
        insp_addr at = (seg->start + 7) & ~UINT64_C(7);
        for (; seg->flags & INSP_SEG_WRITE && at + 8 <= seg->end; at += 8)
            walk_name(h, at, module == py->module);
    }
}

void insp_static_walk(insp_heap *h, uint32_t module)
{
    walk_static(h, module);
    if (!h->py->layout.flavour->statics_owned)
        return;
    if (module == h->py->module)
        walk_exceptions(&h->decoder, &h->py->images->at[module]);
    walk_names(h, module);
    h->decoder.r.bad = false;
}
