// SPDX-License-Identifier: MIT
/**
 * @file
 * Which instruction is executed by which function. Knows Zydis's names, and nothing of registers.
 */
#ifndef INSP_MACHINE_TABLE_H
#define INSP_MACHINE_TABLE_H

#include <Zydis/Zydis.h>

#include "ops.h"

/** How an instruction's operands become those of an insp_op. */
enum {
    INSP_FORM_PLAIN, /**< one by one */
    INSP_FORM_NONE,  /**< not at all */
    INSP_FORM_JUMP,  /**< the target becomes imm */
    INSP_FORM_THREE, /**< destination and two sources; without VEX the first source is the destination */
    INSP_FORM_STRING,    /**< by registers that are not named */
    INSP_FORM_LAST = 16, /**< added to a form: what follows is not executed next */
    INSP_FORM_EVEX = 32  /**< added to a form: EVEX encodes it too, perhaps with a mask */
};

typedef struct insp_recipe {
    insp_op_fn run; /**< NULL: not understood */
    uint8_t variant;
    uint8_t width; /**< insp_op.width; 0: as decoded */
    uint8_t form;
} insp_recipe;

/** Never NULL. `is_string` tells the string instruction movsd from the vector instruction movsd. */
const insp_recipe *insp_recipe_of(ZydisMnemonic mnemonic, bool is_string);

/** The part of the table that is about vector registers. */
const insp_recipe *insp_vector_recipe_of(ZydisMnemonic mnemonic);

#endif
