// SPDX-License-Identifier: MIT
#include "a64.h"
#include "ops.h"

#include <inttypes.h>

static insp_op *back(insp_machine *m)
{
    return insp_code_find(m, m->r[INSP_A64_LR].value);
}

static void link_after(insp_machine *m, const insp_op *op)
{
    m->r[INSP_A64_LR] = (insp_machine_arg){op->addr + op->length, INSP_SHADOW_RETURN};
}

// A jump is a call where the link register holds the return address of the function that makes it.
static bool jump_answered(insp_machine *m, insp_addr to)
{
    return m->r[INSP_A64_LR].from == INSP_SHADOW_RETURN && insp_is_answered(m, to);
}

// ---- direct jumps --------------------------------------------------------------------------

static insp_op *jump_where(insp_machine *m, insp_op *op, bool yes)
{
    if (!yes)
        return op + 1;
    return jump_answered(m, op->imm) ? back(m) : insp_go_to(m, op);
}

insp_op *insp_a64_jump(insp_machine *m, insp_op *op)
{
    if (op->variant == INSP_A64_B)
        return jump_where(m, op, true);
    if (insp_is_answered(m, op->imm))
        return op + 1;
    link_after(m, op);
    return insp_go_to(m, op);
}

insp_op *insp_a64_jump_if(insp_machine *m, insp_op *op)
{
    return jump_where(m, op, insp_a64_holds(&m->f, insp_a64_cond(op)));
}

insp_op *insp_a64_jump_zero(insp_machine *m, insp_op *op)
{
    bool zero = !(m->r[op->reg[1]].value & insp_mask(op->width));
    return jump_where(m, op, zero == (op->variant == INSP_A64_CBZ));
}

insp_op *insp_a64_jump_bit(insp_machine *m, insp_op *op)
{
    bool zero = !(m->r[op->reg[1]].value >> op->shift & 1);
    return jump_where(m, op, zero == (op->variant == INSP_A64_CBZ));
}

// ---- to an address in a register -----------------------------------------------------------

insp_op *insp_a64_jump_to(insp_machine *m, insp_op *op)
{
    insp_addr to = m->r[op->reg[1]].value;
    if (op->variant == INSP_A64_B)
        return jump_answered(m, to) ? back(m) : insp_code_find(m, to);
    // The caller's own function needs no return address, and comes back here.
    if (to == INSP_MACHINE_CALLBACK)
        return insp_next(op, insp_call_back(m));
    if (insp_is_answered(m, to))
        return op + 1;
    link_after(m, op);
    return insp_code_find(m, to);
}

insp_op *insp_a64_ret(insp_machine *m, insp_op *op)
{
    return insp_code_find(m, m->r[op->reg[1]].value);
}

static bool enter(insp_machine *m, insp_addr sp)
{
    m->r[INSP_A64_SP].value = sp;
    m->r[INSP_A64_LR] = (insp_machine_arg){INSP_MACHINE_RETURN, INSP_SHADOW_RETURN};
    return true;
}

const insp_isa insp_isa_a64 = {
    {0, 1, 2, 3, 4, 5}, 4, enter, back, insp_a64_decode, insp_a64_name,
};

// ---- the system ----------------------------------------------------------------------------

insp_op *insp_a64_nop(insp_machine *m, insp_op *op)
{
    (void)m;
    return op + 1;
}

// Registers by op0 … op2 as they are encoded (D17.2).
insp_op *insp_a64_mrs(insp_machine *m, insp_op *op)
{
    enum {
        TPIDR_EL0 = 0x5e82,
        DCZID_EL0 = 0x5807,
        NZCV = 0x5a10,
        FPCR = 0x5a20,
        FPSR = 0x5a21,
        NOT_ZVA = 16
    };
    switch (op->imm) {
    case TPIDR_EL0:
        insp_set(m, op->reg[0], m->thread_pointer);
        return op + 1;
    case DCZID_EL0:
        // So memset does without dc zva.
        insp_set(m, op->reg[0], NOT_ZVA);
        return op + 1;
    case NZCV:
        insp_set(m, op->reg[0], (uint64_t)insp_a64_flags(&m->f) << 28);
        return op + 1;
    case FPCR:
    case FPSR:
        insp_set(m, op->reg[0], 0);
        return op + 1;
    default:
        return insp_op_unsupported(m, op);
    }
}

insp_op *insp_a64_msr_flags(insp_machine *m, insp_op *op)
{
    insp_a64_set_flags(&m->f, (unsigned)(m->r[op->reg[1]].value >> 28 & 15));
    return op + 1;
}

// brk, udf, hlt: the program would have been stopped.
insp_op *insp_a64_trap(insp_machine *m, insp_op *op)
{
    return insp_machine_fail(m, INSP_ERR_FAULT, op->addr, "trap at 0x%" PRIx64, op->addr);
}
