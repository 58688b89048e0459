// SPDX-License-Identifier: MIT
/**
 * @file
 * Python frames (Include/internal/pycore_frame.h) and where in their code they are.
 */
#ifndef INSP_OBJECT_FRAME_H
#define INSP_OBJECT_FRAME_H

#include "decoder.h"

/** Who owns a frame's references. */
typedef enum insp_frame_owner {
    INSP_FRAME_THREAD = 0,
    INSP_FRAME_GENERATOR = 1,
    INSP_FRAME_OBJECT = 2,
    INSP_FRAME_C_STACK = 3
} insp_frame_owner;

/** _PyInterpreterFrame. */
typedef struct insp_iframe {
    insp_addr addr, code, previous;
    insp_addr globals, builtins, locals, frame_object;
    insp_addr
        instr;     /**< prev_instr: the instruction being executed, or the last one that was */
    uint32_t unit; /**< which code unit that is */
    insp_addr slots;   /**< localsplus */
    uint32_t n_locals; /**< co_nlocalsplus */
    uint32_t n_slots;  /**< with the value stack, as far as it is known to be in use */
    uint32_t room;     /**< with the whole value stack */
    bool executing;    /**< the depth of the value stack is only in a register */
    uint8_t owner;     /**< insp_frame_owner */
} insp_iframe;

/** False where there is no frame at addr: its code is no code object, or its sizes make no sense. */
bool insp_iframe_look(insp_decoder *d, insp_addr addr, insp_iframe *out);

/** The str that names slot i, 0 for the value stack; *cell is set for a cell or free variable. */
insp_addr insp_iframe_name(insp_decoder *d, const insp_iframe *f, uint32_t i, bool *cell);

/** The line of an instruction (PEP 626 tables, Objects/locations.md); 0 where there is none. */
int64_t insp_code_line(insp_decoder *d, insp_addr code, insp_addr instr);

/** Emit the slots of a frame, as its owner's. */
void insp_walk_iframe_slots(insp_decoder *d, const insp_iframe *f, bool visited);

#endif
