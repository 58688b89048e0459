// SPDX-License-Identifier: MIT
/**
 * @file
 * Slots of types that somebody has described in a text: what code of C's cannot tell, or cannot name.
 *
 * A text is lines; what follows a # is a comment.
 *
 *     type numpy.ndarray
 *       +0x30  .base   hidden
 *       +0x38  .dtype  hidden
 *
 * A type is called by the whole text of its tp_name, and stands for its subtypes too. An offset is from
 * the object, a multiple of 8. The word behind the name says what kind of reference it is:
 *
 *     visited   owned, and tp_traverse visits it (this is so where there is no word): the name of what the
 *               type's own code shows; where that is missing, the reference itself
 *     hidden    owned, and tp_traverse leaves it out
 *     borrowed, weak   not counted
 *
 * What lies there counts only where it is an object: a description may be of another version.
 */
#ifndef INSP_OBJECT_DESCRIBED_H
#define INSP_OBJECT_DESCRIBED_H

#include "../base/arena.h"
#include "../base/error.h"
#include "../base/vec.h"

typedef struct insp_described_slot {
    const char *name;
    int32_t offset;
    uint8_t kind, visited; /**< insp_ref_kind; whether tp_traverse visits it */
} insp_described_slot;

typedef struct insp_described_type {
    const char *tp_name;
    uint32_t first, n; /**< of its slots */
} insp_described_type;

INSP_VEC(insp_described_slots, insp_described_slot);
INSP_VEC(insp_described_types, insp_described_type);

typedef struct insp_described {
    insp_arena text;
    insp_described_types types; /**< later ones of the same name go before earlier ones */
    insp_described_slots slots;
} insp_described;

void insp_described_deinit(insp_described *d);

/**
 * Add a text; `file` is what messages call it. Fails with INSP_ERR_ARGUMENT (nothing of it is kept then),
 * INSP_ERR_MEMORY.
 */
insp_status insp_described_add(insp_described *d, const char *file, const char *text,
                               size_t len, insp_error *err);

/** The description of a type, or NULL. */
const insp_described_type *insp_described_find(const insp_described *d, const char *tp_name);

#endif
