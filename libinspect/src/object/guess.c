// SPDX-License-Identifier: MIT
#include "guess.h"

#include "decoder.h"

// A pointer to nowhere is no such case: following it shows that it is broken.
bool insp_is_out_of_reach(const insp_cpython *py, insp_addr function)
{
    if (!function)
        return false;
    return !insp_code_is_understood(py) ||
           (!insp_space_find(py->space, function) && insp_module_at(py, function) != INSP_NONE);
}

// A list head in its owner points to the owner, or to links that are known as such.
static bool may_be_owned(insp_decoder *d, insp_addr object, insp_addr owner)
{
    if (object == owner || !insp_looks_like_object(d->types, &d->r, object))
        return false;
    insp_addr type = INSP_U64(&d->r, object, PyObject, ob_type);
    return insp_type_at(d->types, &d->r, type)->kind != INSP_KIND_LRU_LINK;
}

static void guess(insp_decoder *d, insp_addr owner, insp_ref ref)
{
    ref.target = insp_u64(&d->r, ref.slot);
    ref.kind = INSP_REF_OWNED;
    ref.guessed = ref.stale = 1;
    bool withdrawn = d->withdrawn && insp_map_get(d->withdrawn, ref.slot) != INSP_MAP_NONE;
    if (!withdrawn && may_be_owned(d, ref.target, owner))
        insp_emit(d->refs, ref);
}

void insp_guess_begin(insp_decoder *d, insp_addr addr)
{
    d->release.rows.len = 0;
    insp_release_watch(d, addr);
}

void insp_guess_end(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    insp_release_unwatch(d);
    uint64_t offset = (uint32_t)INSP_OFF(&d->py->layout, PyObject, sizeof);
    for (; offset + 8 <= (uint64_t)t->basicsize && insp_goes_on(d); offset += 8) {
        const insp_slot *slot = insp_slot_at(t, offset);
        // What is known to be no reference of its own is none.
        if (insp_release_met(&d->release, offset) || offset == (uint64_t)t->weaklistoffset ||
            (slot && slot->kind != INSP_REF_OWNED))
            continue;
        guess(d, addr,
              (insp_ref){.slot = addr + offset,
                         .form = slot ? INSP_FORM_NAME : INSP_FORM_OFFSET,
                         .arg = slot ? (uintptr_t)slot->name : offset,
                         .visited = t->is_gc});
    }
}

void insp_guess_state(insp_decoder *d, insp_addr state, uint64_t size)
{
    for (uint64_t at = 0; at + 8 <= size && insp_goes_on(d); at += 8)
        guess(d, state,
              (insp_ref){.slot = state + at, .form = INSP_FORM_STATE, .arg = at, .visited = 1});
}
