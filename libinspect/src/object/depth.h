// SPDX-License-Identifier: MIT
/**
 * @file
 * How much of its value stack a frame uses while it is being executed.
 *
 * The evaluation loop keeps the stack pointer in a register, and gives it to the frame only when it calls
 * another Python function itself, or is left. What it was follows from the code: on every way to an
 * instruction the stack is equally deep there. Knows one frame, and of the machine's registers nothing.
 */
#ifndef INSP_OBJECT_DEPTH_H
#define INSP_OBJECT_DEPTH_H

#include "../memory/space.h"

struct insp_decoder;
struct insp_iframe;

/** An instruction and the stack around it. */
typedef struct insp_depth {
    uint32_t before;   /**< slots in use when the instruction begins */
    uint32_t after;    /**< and when it ends without a jump */
    uint32_t operands; /**< how many of those before it a call gives for its one result */
    uint32_t oparg;
    uint32_t sure;          /**< in_handler: how many of those before it are certain */
    bool in_handler;        /**< up to 3.8, where `before` is what there may be */
    uint8_t rule;           /**< how what is found there says what has been done; see depth.c */
    uint8_t gone, doubtful; /**< masks of operands, bit 0 for the top one */
} insp_depth;

/** Instructions asked for before: deep recursion stands at few. Zeroed at first. */
typedef struct insp_depths {
    struct {
        insp_addr code;
        uint32_t at;
        bool known;
        insp_depth depth;
    } memo[64];
} insp_depths;

/** What the slots of a value stack are, from the bottom. */
typedef struct insp_stack {
    uint32_t owned;         /**< those below are the frame's, but for the masks */
    uint32_t possible;      /**< those from `owned` up to here may be; above is nothing */
    uint8_t gone, doubtful; /**< of the owned ones, bit 0 for the top one */
    uint8_t stale; /**< of them, those that hold an object or what is left of another */
} insp_stack;

/**
 * The depth at a code unit of a code object. False where it cannot be told: the version has no table, the
 * code is damaged or has been instrumented, or no way leads there.
 */
bool insp_depth_at(struct insp_decoder *d, insp_addr code, uint32_t at, insp_depth *out);

/**
 * What an executing frame's stack holds, inside the call it is in. d->inner is the frame that runs because
 * of that call, if there is one. Where the depth cannot be told every slot is possible.
 */
insp_stack insp_stack_of(struct insp_decoder *d, const struct insp_iframe *f);

/** insp_ref_kind of slot i of the stack, or -1: nothing. */
int insp_stack_kind(const insp_stack *s, uint32_t i);

/** Whether slot i refers to nothing where it refers to no object. */
bool insp_stack_is_stale(const insp_stack *s, uint32_t i);

#endif
