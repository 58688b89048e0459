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
    INSP_FRAME_SHIM = 3 /**< this and all above: no Python function's */
} insp_frame_owner;

/** _PyInterpreterFrame; up to 3.10, PyFrameObject. */
typedef struct insp_iframe {
    insp_addr addr;
    insp_addr code;
    insp_addr previous; /**< the next one that is a Python function's */
    insp_addr globals, builtins, locals, frame_object;
    insp_addr generator; /**< f_gen, up to 3.10: the generator whose frame it is */
    insp_addr instr;     /**< the instruction being executed, or the last one that was */
    uint32_t unit;       /**< which code unit that is */
    insp_addr slots;     /**< localsplus */
    uint32_t n_locals;   /**< with cells and free variables */
    uint32_t n_slots;    /**< with the value stack, as far as it is known to be in use */
    uint32_t room;       /**< with the whole value stack */
    bool executing;      /**< the depth of the value stack is only in a register */
    uint8_t owner;       /**< insp_frame_owner */
} insp_iframe;

/**
 * The frame at addr, or the next outer one that is a Python function's. False where there is none: its code is
 * no code object, or its sizes make no sense.
 */
bool insp_iframe_look(insp_decoder *d, insp_addr addr, insp_iframe *out);

/** The frame that runs because of a call in this one (insp_iframe.addr of both), 0 for none. */
insp_addr insp_callee_of(insp_decoder *d, insp_addr frame);

/** What a word of a frame refers to, 0 for nothing, and whether it is counted (insp_ref_kind). */
typedef struct insp_stackref {
    insp_addr target;
    uint8_t kind;
} insp_stackref;

insp_stackref insp_stackref_of(const insp_decoder *d, uint64_t word);

/** The object in slot i, 0 for none. */
insp_addr insp_iframe_value(insp_decoder *d, const insp_iframe *f, uint32_t i);

/** The str that names slot i, 0 for the value stack; *cell is set for a cell or free variable. */
insp_addr insp_iframe_name(insp_decoder *d, const insp_iframe *f, uint32_t i, bool *cell);

/** The str that names a code object, qualified where it is known. */
insp_addr insp_code_name(insp_decoder *d, insp_addr code);

/** The address of a code object's first instruction. */
insp_addr insp_code_first(insp_decoder *d, insp_addr code);

/** The line of an instruction; 0 where there is none. */
int64_t insp_code_line(insp_decoder *d, insp_addr code, insp_addr instr);

/** Emit the slots of a frame, as its owner's. */
void insp_walk_iframe_slots(insp_decoder *d, const insp_iframe *f, bool visited);

#endif
