// SPDX-License-Identifier: MIT
/**
 * @file
 * What interpreters keep of static types (Objects/typeobject.c, gh-94673).
 *
 * Since 3.12 the tp_dict, tp_subclasses and tp_weaklist of a static built-in type belong to the
 * interpreter: the type itself has NULL, and an index in tp_subclasses.
 */
#include "cpython.h"

enum { STATIC_BUILTIN_BIT = 1 };

static insp_addr entry(insp_reader *r, insp_addr interp, insp_addr type, insp_member array,
                       insp_member bytes)
{
    uint64_t index = INSP_U64(r, type, PyTypeObject, tp_subclasses);
    uint32_t step = (uint32_t)INSP_OFF(r->layout, managed_static_type_state, sizeof);
    int32_t at = r->layout->off[array], size = r->layout->off[bytes];
    // The first has 1.
    if (at < 0 || size < 0 || !index || index > (uint32_t)size / step)
        return 0;
    insp_addr found = interp + (uint32_t)at + (index - 1) * step;
    return INSP_U64(r, found, managed_static_type_state, type) == type ? found : 0;
}

insp_addr insp_static_type_state(insp_reader *r, insp_addr interp, insp_addr type)
{
    if (INSP_OFF(r->layout, managed_static_type_state, sizeof) <= 0 || !interp ||
        !(INSP_U64(r, type, PyTypeObject, tp_flags) >> STATIC_BUILTIN_BIT & 1))
        return 0;
    // Types of extension modules (3.13, gh-117142) have an array of their own, counted from 1 again.
    insp_addr at = entry(r, interp, type, INSP_F_PyInterpreterState_static_types,
                         INSP_F_PyInterpreterState_static_types_size);
    return at ? at
              : entry(r, interp, type, INSP_F_PyInterpreterState_extension_types,
                      INSP_F_PyInterpreterState_extension_types_size);
}

insp_addr insp_type_dict(insp_reader *r, insp_addr interp, insp_addr type)
{
    insp_addr state = insp_static_type_state(r, interp, type);
    return state ? INSP_U64(r, state, managed_static_type_state, tp_dict)
                 : INSP_U64(r, type, PyTypeObject, tp_dict);
}

insp_addr insp_type_subclasses(insp_reader *r, insp_addr interp, insp_addr type)
{
    insp_addr state = insp_static_type_state(r, interp, type);
    return state ? INSP_U64(r, state, managed_static_type_state, tp_subclasses)
                 : INSP_U64(r, type, PyTypeObject, tp_subclasses);
}
