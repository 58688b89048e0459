// SPDX-License-Identifier: MIT
/**
 * @file
 * What an object refers to where its type's code cannot be asked: the file it lies in is not here, or it
 * is of a machine that is not understood. Each word of the object that no walk has shown, and that is the address of an
 * object, is taken for a reference. Most are; what such a guess says too much is withdrawn when the
 * books are closed (heap/references.c).
 */
#ifndef INSP_OBJECT_GUESS_H
#define INSP_OBJECT_GUESS_H

#include "../machine/machine.h"
#include "ref.h"
#include "type.h"

typedef struct insp_decoder insp_decoder;

/** The machine that the target's code is for (e_machine). */
static inline uint16_t insp_code_machine(const insp_cpython *py)
{
    return py->images->at[py->module].machine;
}

/** Whether such code is understood. */
static inline bool insp_code_is_understood(const insp_cpython *py)
{
    return insp_machine_understands(insp_code_machine(py));
}

/** Whether a function of the target, which may be NULL, cannot be interpreted for want of its code. */
bool insp_is_out_of_reach(const insp_cpython *py, insp_addr function);

/** Around the walk of an object whose type is `guessed`: what the walk leaves out is emitted at its end. */
void insp_guess_begin(insp_decoder *d, insp_addr addr);
void insp_guess_end(insp_decoder *d, insp_addr addr, const insp_typeinfo *t);

/** Emit what the words of a module's state refer to. */
void insp_guess_state(insp_decoder *d, insp_addr state, uint64_t size);

#endif
