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

// ---- arrays of CPython itself -----------------------------------------------------------------

enum { CHARACTERS = 256, ENOUGH = 8 };

// The character that a str or bytes of one is made of; -1 for anything else.
static int character_of(insp_heap *h, insp_addr object)
{
    insp_reader *r = &h->decoder.r;
    uint32_t n = object ? insp_heap_number(h, object) : INSP_NONE;
    insp_kind kind = n == INSP_NONE ? INSP_KIND_PLAIN : h->types.at.at[h->type.at[n]]->kind;
    insp_str_view v;
    int c = -1;
    if (kind == INSP_KIND_STR && insp_str_look(r, object, &v) && v.length == 1)
        c = (int)insp_str_char(r, &v, 0);
    else if (kind == INSP_KIND_BYTES && INSP_U64(r, object, PyVarObject, ob_size) == 1)
        c = INSP_U8(r, object, PyBytesObject, ob_sval);
    bool ok = !r->bad && c < CHARACTERS;
    r->bad = false;
    return ok ? c : -1;
}

// unicode_latin1 and characters (Objects/unicodeobject.c, bytesobject.c), up to 3.9: at the place of each
// character the object of it, or NULL.
static bool is_characters(insp_heap *h, insp_addr array)
{
    uint32_t some = 0;
    for (int i = 0; i < CHARACTERS; i++) {
        insp_addr object = insp_u64(&h->decoder.r, array + 8 * (insp_addr)i);
        if (h->decoder.r.bad || (object && character_of(h, object) != i)) {
            h->decoder.r.bad = false;
            return false;
        }
        some += object != 0;
    }
    return some >= ENOUGH;
}

// Emits the array that a word belongs to, and goes behind it; or stays.
static insp_addr walk_characters(insp_heap *h, insp_addr at)
{
    int c = character_of(h, insp_u64(&h->decoder.r, at));
    insp_addr array = at - 8 * (insp_addr)(c < 0 ? 0 : c);
    if (c < 0 || !is_characters(h, array))
        return at;
    for (; at < array + 8 * CHARACTERS; at += 8)
        insp_emit_named(&h->decoder, at, "character", false);
    return array + 8 * (CHARACTERS - 1);
}

static bool is_type(insp_heap *h, insp_addr object, const char *name)
{
    uint32_t id = object ? insp_map_get(&h->types.ids, object) : INSP_MAP_NONE;
    return id != INSP_MAP_NONE && (!name || !strcmp(h->types.at.at[id]->name, name));
}

// global_ast_state (Python/Python-ast.c) of 3.9: AST_type, Add_singleton, Add_type, And_singleton … and the names
// of fields, nothing but objects.
static insp_addr walk_ast(insp_heap *h, insp_addr at)
{
    enum { MOST = 512 };
    insp_reader *r = &h->decoder.r;
    if (!is_type(h, insp_u64(r, at), "AST") || !is_type(h, insp_u64(r, at + 16), "Add") ||
        INSP_U64(r, insp_u64(r, at + 8), PyObject, ob_type) != insp_u64(r, at + 16))
        return at;
    for (int i = 0; i < MOST && !r->bad; i++, at += 8) {
        insp_addr object = insp_u64(r, at);
        if (object && insp_heap_number(h, object) == INSP_NONE &&
            insp_heap_admit(h, object) == INSP_NONE)
            break;
        insp_emit_named(&h->decoder, at, "ast", false);
    }
    return at - 8;
}

// ---- all of a module's data -------------------------------------------------------------------

// Behind the last word that `at` has led to.
static insp_addr walk_word(insp_heap *h, insp_addr at, bool of_python)
{
    bool own_arrays = of_python && INSP_OFF(&h->py->layout, PyInterpreterState, latin1) < 0;
    insp_addr last = own_arrays ? walk_characters(h, at) : at;
    if (last == at && own_arrays)
        last = walk_ast(h, at);
    if (last == at)
        walk_name(h, at, of_python);
    h->decoder.r.bad = false;
    return last + 8;
}

static void walk_data(insp_heap *h, uint32_t module)
{
    const insp_cpython *py = h->py;
    for (const insp_segment *seg = insp_space_next(py->space, py->images->at[module].start);
         seg && insp_module_at(py, seg->start) == module;
         seg = insp_space_next(py->space, seg->end)) {
        insp_addr at = (seg->start + 7) & ~UINT64_C(7);
        while (seg->flags & INSP_SEG_WRITE && at + 8 <= seg->end)
            at = walk_word(h, at, module == py->module);
    }
}

void insp_static_walk(insp_heap *h, uint32_t module)
{
    walk_static(h, module);
    if (!h->py->layout.flavour->statics_owned)
        return;
    if (module == h->py->module)
        walk_exceptions(&h->decoder, &h->py->images->at[module]);
    walk_data(h, module);
    h->decoder.r.bad = false;
}
