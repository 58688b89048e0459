// SPDX-License-Identifier: MIT
/**
 * @file
 * The rows of cpython/slots.def, looked up by a type's name.
 */
#ifndef INSP_OBJECT_DESCRIPTORS_H
#define INSP_OBJECT_DESCRIPTORS_H

#include "type.h"

/** A type's row, followed by those of its slots, up to the next type's. */
typedef struct insp_descriptor {
    const char *tp_name; /**< of a type's row; NULL for a slot's */
    uint8_t shape;       /**< insp_kind */
    uint8_t
        interpreted; /**< tp_traverse is interpreted; the slots give names, and what it leaves out */
    uint8_t kind, visited; /**< of a slot: insp_ref_kind */
    insp_member member;
    const char *name; /**< of a slot, as a person would write it */
} insp_descriptor;

/** The row of a type, by the whole text of its tp_name. NULL where there is none. */
const insp_descriptor *insp_descriptor_of(const char *tp_name);

/** A row by its number, and the number of a row. */
const insp_descriptor *insp_descriptor_at(uint32_t i);
uint32_t insp_descriptor_number(const insp_descriptor *d);

#endif
