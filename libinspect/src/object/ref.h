// SPDX-License-Identifier: MIT
/**
 * @file
 * One reference as its owner's memory shows it, and the buffer that walks put references in.
 *
 * A walk emits references in slot order, without turning their names into text: most walks only
 * want the targets. insp_ref_text (object/text.h) makes the text of a single one.
 */
#ifndef INSP_OBJECT_REF_H
#define INSP_OBJECT_REF_H

#include "../base/error.h"
#include "../base/vec.h"

/** How the name of a slot is made from insp_ref.arg. */
typedef enum insp_form {
    INSP_FORM_NAME,   /**< arg is a const char *: `.__code__` */
    INSP_FORM_INDEX,  /**< `[3]` */
    INSP_FORM_VALUE,  /**< arg is the key object: `['k']` */
    INSP_FORM_KEY,    /**< arg is the key object: `key 'k'` */
    INSP_FORM_ATTR,   /**< arg is a str: `.x` */
    INSP_FORM_LOCAL,  /**< arg is a str: `local 'x'` */
    INSP_FORM_STACK,  /**< arg is an index: `stack[2]` */
    INSP_FORM_CELL,   /**< arg is a str: `closure 'x'` */
    INSP_FORM_OFFSET, /**< arg is a byte offset in the object: `+0x28` */
    INSP_FORM_STATE,  /**< arg is a byte offset in the module's state: `state+0x28` */
    INSP_FORM_HELPER, /**< in a block of its own: arg is the block's address */
    INSP_FORM_BODY    /**< no object: a block that the object owns; target is its start */
} insp_form;

typedef struct insp_ref {
    insp_addr target;
    insp_addr slot; /**< where the pointer lies; 0 where there is no such place */
    uint64_t arg;
    uint8_t form;
    uint8_t kind; /**< insp_ref_kind */
    uint8_t visited;
    uint8_t stale; /**< where no object is, the slot was left behind and is none */
    uint8_t
        guessed; /**< an object's address, in a word of an owner whose code is not here: see object/guess.h */
    uint8_t reserved[3];
} insp_ref;

enum { INSP_REFS_ROOM = 256 };

/** Filled by a walk; `flush` empties it whenever it is full, and the caller does at the end. */
typedef struct insp_refs {
    insp_ref at[INSP_REFS_ROOM];
    uint32_t len;
    void (*flush)(struct insp_refs *refs);
    void *ctx;
} insp_refs;

/** Add a reference; NULL pointers are none. */
static inline void insp_emit(insp_refs *refs, insp_ref ref)
{
    if (!ref.target)
        return;
    if (refs->len == INSP_REFS_ROOM) {
        refs->flush(refs);
        refs->len = 0;
    }
    refs->at[refs->len++] = ref;
}

#endif
