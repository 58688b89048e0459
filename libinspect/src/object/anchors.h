// SPDX-License-Identifier: MIT
/**
 * @file
 * Names of static types where the file that holds them is missing.
 *
 * tp_name of a static type points to read-only data, which a core leaves out. But a program refers to its
 * types by name: the builtins' dict says what 'dict' is, and the type of `len` can only be one.
 */
#ifndef INSP_OBJECT_ANCHORS_H
#define INSP_OBJECT_ANCHORS_H

#include "type.h"

/** Fill in types->names and name_of. Fails with INSP_ERR_MEMORY. */
insp_status insp_anchors_find(insp_types_seen *types, insp_reader *r, insp_error *err);

/**
 * Copy the whole tp_name of a type, "module.name" for one made in C, into buf; by what is written in the
 * target, else by types->names. False where neither knows it.
 */
bool insp_tp_name(const insp_types_seen *types, insp_reader *r, insp_addr type, char *buf,
                  size_t size);

#endif
