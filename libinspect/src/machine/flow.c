// SPDX-License-Identifier: MIT
#include "flags.h"
#include "ops.h"

#include <inttypes.h>

// The arguments of a call, as registers hold them; a mark of the stack's shadow is no address.
static void arguments(const insp_machine *m, insp_machine_arg args[6])
{
    for (size_t i = 0; i < 6; i++) {
        args[i] = m->r[m->isa->arguments[i]];
        if (args[i].from == INSP_SHADOW_RETURN)
            args[i].from = 0;
    }
}

static insp_op *back(insp_machine *m)
{
    insp_addr at = m->r[INSP_RSP].value, to = 0;
    if (!insp_load(m, at, &to, 8))
        return NULL;
    insp_set(m, INSP_RSP, at + 8);
    return insp_code_find(m, to);
}

// ---- calls that the caller answers ---------------------------------------------------------

bool insp_is_answered(insp_machine *m, insp_addr called)
{
    insp_machine_arg args[6];
    uint64_t result = 0;
    if (!m->options.intercept)
        return false;
    arguments(m, args);
    if (!m->options.intercept(m->options.intercept_ctx, called, args, &result))
        return false;
    insp_set(m, INSP_RAX, result);
    return true;
}

// A jump is a call where the return address of the function that makes it is on top of the stack.
static bool jump_answered(insp_machine *m, insp_addr to)
{
    insp_addr at = m->r[INSP_RSP].value;
    if (at % 8 || !insp_on_stack(at, 8) ||
        m->shadow[(at - INSP_MACHINE_STACK) >> 3] != INSP_SHADOW_RETURN)
        return false;
    return insp_is_answered(m, to);
}

// ---- jumps ---------------------------------------------------------------------------------

insp_op *insp_op_jmp(insp_machine *m, insp_op *op)
{
    if (m->options.intercept && jump_answered(m, op->imm))
        return back(m);
    return insp_go_to(m, op);
}

insp_op *insp_op_jcc(insp_machine *m, insp_op *op)
{
    if (!insp_holds(&m->f, op->variant))
        return op + 1;
    return insp_op_jmp(m, op);
}

insp_op *insp_op_jmp_to(insp_machine *m, insp_op *op)
{
    uint64_t to = 0;
    if (!insp_get(m, op, 0, &to))
        return NULL;
    return jump_answered(m, to) ? back(m) : insp_code_find(m, to);
}

// jrcxz and loop: the count is ecx where the address size is 4.
insp_op *insp_op_jump_count(insp_machine *m, insp_op *op)
{
    uint64_t mask = op->flags & INSP_OP_EA32 ? UINT32_MAX : UINT64_MAX;
    uint64_t count = m->r[INSP_RCX].value & mask;
    if (op->variant == INSP_JRCXZ)
        return count ? op + 1 : insp_op_jmp(m, op);
    count = (count - 1) & mask;
    insp_set(m, INSP_RCX, count);
    bool go =
        count && (op->variant == INSP_LOOP || insp_zf(&m->f) == (op->variant == INSP_LOOPE));
    return go ? insp_op_jmp(m, op) : op + 1;
}

// ---- calls ---------------------------------------------------------------------------------

static bool push_return(insp_machine *m, const insp_op *op)
{
    insp_machine_arg after = {op->addr + op->length, INSP_SHADOW_RETURN};
    insp_addr at = m->r[INSP_RSP].value - 8;
    if (!insp_store_arg(m, at, after))
        return false;
    insp_set(m, INSP_RSP, at);
    return true;
}

bool insp_call_back(insp_machine *m)
{
    insp_machine_arg args[6];
    bool stop = false;
    arguments(m, args);
    uint64_t result = m->callback(m->ctx, args, &stop);
    insp_set(m, INSP_RAX, result);
    m->more += m->options.more_per_callback;
    return !stop;
}

insp_op *insp_op_call(insp_machine *m, insp_op *op)
{
    if (insp_is_answered(m, op->imm))
        return op + 1;
    return push_return(m, op) ? insp_go_to(m, op) : NULL;
}

insp_op *insp_op_call_to(insp_machine *m, insp_op *op)
{
    uint64_t to = m->r[op->reg[0]].value;
    if (op->kind[0] != INSP_ARG_REG && !insp_get(m, op, 0, &to))
        return NULL;
    // The caller's own function needs no return address, and comes back here.
    if (to == INSP_MACHINE_CALLBACK)
        return insp_next(op, insp_call_back(m));
    if (insp_is_answered(m, to))
        return op + 1;
    return push_return(m, op) ? insp_code_find(m, to) : NULL;
}

insp_op *insp_op_ret(insp_machine *m, insp_op *op)
{
    insp_op *next = back(m);
    // ret n drops n bytes of arguments; without an operand imm is 0.
    m->r[INSP_RSP].value += op->imm & 0xffff;
    return next;
}

insp_op *insp_op_callback(insp_machine *m, insp_op *op)
{
    (void)op;
    return insp_call_back(m) ? m->isa->back(m) : NULL;
}

insp_op *insp_op_return(insp_machine *m, insp_op *op)
{
    (void)m;
    (void)op;
    return NULL;
}

static bool enter(insp_machine *m, insp_addr sp)
{
    static const insp_machine_arg to = {INSP_MACHINE_RETURN, INSP_SHADOW_RETURN};
    m->r[INSP_RSP].value = sp - 8;
    return insp_store_arg(m, sp - 8, to);
}

const insp_isa insp_isa_x86_64 = {
    {INSP_RDI, INSP_RSI, INSP_RDX, INSP_RCX, INSP_R8, INSP_R9},
    15,
    enter,
    back,
    insp_x86_decode,
    insp_x86_name,
};

// ---- what is not executed ------------------------------------------------------------------

insp_op *insp_op_syscall(insp_machine *m, insp_op *op)
{
    return insp_machine_fail(m, INSP_ERR_REFUSED, op->addr, "system call");
}

insp_op *insp_op_unsupported(insp_machine *m, insp_op *op)
{
    return insp_machine_fail(m, INSP_ERR_UNSUPPORTED, op->addr, "instruction not understood");
}
