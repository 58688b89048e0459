// SPDX-License-Identifier: MIT
#include "typestate.h"

// Entry i of an array of an interpreter, if it is this type's.
static insp_addr entry(insp_reader *r, insp_addr array, uint64_t room, uint64_t i,
                       insp_addr type)
{
    uint64_t size = (uint64_t)INSP_OFF(r->layout, managed_static_type_state, sizeof);
    insp_addr at = array + i * size;
    bool fits = i < room / size;
    return fits && INSP_U64(r, at, managed_static_type_state, type) == type ? at : 0;
}

insp_addr insp_type_state(insp_reader *r, const insp_cpython *py, uint32_t interp,
                          insp_addr type)
{
    enum { STATIC_BUILTIN = 1u << 1, MOST = 1 << 16 };
    const insp_layout *l = r->layout;
    int32_t builtins = INSP_OFF(l, PyInterpreterState, static_types);
    int32_t extensions = INSP_OFF(l, PyInterpreterState, extension_types);
    if (!l->flavour->static_type_states ||
        !(INSP_U64(r, type, PyTypeObject, tp_flags) & STATIC_BUILTIN))
        return 0;
    // The index is one less than tp_subclasses says, and counts in each of the two arrays.
    uint64_t i = INSP_U64(r, type, PyTypeObject, tp_subclasses) - 1;
    if (i > MOST)
        return 0;
    insp_addr in = py->interps.at[interp].addr;
    insp_addr at = entry(r, in + (uint32_t)builtins,
                         (uint32_t)INSP_OFF(l, PyInterpreterState, static_types_size), i, type);
    if (!at && extensions >= 0)
        at = entry(r, in + (uint32_t)extensions,
                   (uint32_t)INSP_OFF(l, PyInterpreterState, extension_types_size), i, type);
    return at;
}

insp_addr insp_type_dict(insp_reader *r, const insp_cpython *py, insp_addr type)
{
    insp_addr state = insp_type_state(r, py, 0, type);
    return state ? INSP_U64(r, state, managed_static_type_state, tp_dict)
                 : INSP_U64(r, type, PyTypeObject, tp_dict);
}

insp_addr insp_type_subclasses(insp_reader *r, const insp_cpython *py, insp_addr type)
{
    insp_addr state = insp_type_state(r, py, 0, type);
    return state ? INSP_U64(r, state, managed_static_type_state, tp_subclasses)
                 : INSP_U64(r, type, PyTypeObject, tp_subclasses);
}
