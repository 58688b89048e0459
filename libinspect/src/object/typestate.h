// SPDX-License-Identifier: MIT
/**
 * @file
 * What a type has that does not always lie in it.
 *
 * Since 3.12 (gh-94673) each interpreter has a dict, a list of subclasses and one of weak references of its
 * own for every static type: tp_dict is NULL then, and tp_subclasses says which entry is the type's.
 */
#ifndef INSP_OBJECT_TYPESTATE_H
#define INSP_OBJECT_TYPESTATE_H

#include "../cpython/cpython.h"

/** The managed_static_type_state of a type in an interpreter; 0 where the type itself has it all. */
insp_addr insp_type_state(insp_reader *r, const insp_cpython *py, uint32_t interp,
                          insp_addr type);

/** tp_dict and tp_subclasses, in the main interpreter. */
insp_addr insp_type_dict(insp_reader *r, const insp_cpython *py, insp_addr type);
insp_addr insp_type_subclasses(insp_reader *r, const insp_cpython *py, insp_addr type);

#endif
