// SPDX-License-Identifier: MIT
#include "fast.h"

#include "flags.h"

// Each of these does what the general function of its instruction does, for operands that need not
// be looked at when it is executed. What takes longer, or may fail, is left to the general one: so
// that no registers have to be saved here.

// ---- moves ---------------------------------------------------------------------------------

static insp_op *mov_rr8(insp_machine *m, insp_op *op)
{
    m->r[op->reg[0]] = m->r[op->reg[1]];
    return op + 1;
}

static insp_op *mov_rr4(insp_machine *m, insp_op *op)
{
    insp_set(m, op->reg[0], (uint32_t)m->r[op->reg[1]].value);
    return op + 1;
}

static insp_op *mov_ri(insp_machine *m, insp_op *op)
{
    insp_set(m, op->reg[0], op->imm & insp_mask(op->size[0]));
    return op + 1;
}

static insp_op *mov_rm8(insp_machine *m, insp_op *op)
{
    insp_addr at = m->r[op->base].value + op->disp;
    return insp_try_load_arg(m, at, &m->r[op->reg[0]]) ? op + 1 : insp_op_mov(m, op);
}

static insp_op *mov_rmx8(insp_machine *m, insp_op *op)
{
    insp_addr at = m->r[op->base].value + (m->r[op->index].value << op->shift) + op->disp;
    return insp_try_load_arg(m, at, &m->r[op->reg[0]]) ? op + 1 : insp_op_mov(m, op);
}

static insp_op *mov_mr8(insp_machine *m, insp_op *op)
{
    insp_addr at = m->r[op->base].value + op->disp;
    return insp_try_store_arg(m, at, m->r[op->reg[1]]) ? op + 1 : insp_op_mov(m, op);
}

// mov of 4 bytes and movzx of fewer, into a register of 4 or 8.
static insp_op *mov_rm(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    insp_addr at = m->r[op->base].value + (m->r[op->index].value << op->shift) + op->disp;
    bool ok = false;
    if (op->size[1] == 4)
        ok = insp_load(m, at, &x, 4);
    else
        ok = op->size[1] == 1 ? insp_load(m, at, &x, 1) : insp_load(m, at, &x, 2);
    if (!ok)
        return NULL;
    insp_set(m, op->reg[0], x);
    return op + 1;
}

static insp_op *lea8(insp_machine *m, insp_op *op)
{
    insp_set(m, op->reg[0],
             m->r[op->base].value + (m->r[op->index].value << op->shift) + op->disp);
    return op + 1;
}

static insp_op *push8(insp_machine *m, insp_op *op)
{
    insp_addr at = m->r[INSP_RSP].value - 8;
    if (!insp_try_store_arg(m, at, m->r[op->reg[0]]))
        return insp_op_push(m, op);
    insp_set(m, INSP_RSP, at);
    return op + 1;
}

static insp_op *pop8(insp_machine *m, insp_op *op)
{
    insp_machine_arg x;
    insp_addr at = m->r[INSP_RSP].value;
    if (!insp_try_load_arg(m, at, &x))
        return insp_op_pop(m, op);
    insp_set(m, INSP_RSP, at + 8);
    m->r[op->reg[0]] = x;
    return op + 1;
}

static insp_op *clear(insp_machine *m, insp_op *op)
{
    insp_flags_logic(&m->f, 0, 8);
    insp_set(m, op->reg[0], 0);
    return op + 1;
}

// ---- arithmetic ----------------------------------------------------------------------------

static insp_op *test_rr8(insp_machine *m, insp_op *op)
{
    insp_flags_logic(&m->f, m->r[op->reg[0]].value & m->r[op->reg[1]].value, 8);
    return op + 1;
}

static insp_op *test_rr4(insp_machine *m, insp_op *op)
{
    insp_flags_logic(&m->f, (uint32_t)(m->r[op->reg[0]].value & m->r[op->reg[1]].value), 4);
    return op + 1;
}

static insp_op *cmp_rr8(insp_machine *m, insp_op *op)
{
    (void)insp_sub(&m->f, m->r[op->reg[0]].value, m->r[op->reg[1]].value, 0, 8);
    return op + 1;
}

static insp_op *cmp_ri8(insp_machine *m, insp_op *op)
{
    (void)insp_sub(&m->f, m->r[op->reg[0]].value, op->imm, 0, 8);
    return op + 1;
}

static insp_op *add_rr8(insp_machine *m, insp_op *op)
{
    uint64_t a = m->r[op->reg[0]].value, b = m->r[op->reg[1]].value;
    insp_set(m, op->reg[0], insp_add(&m->f, a, b, 0, 8));
    return op + 1;
}

static insp_op *add_ri8(insp_machine *m, insp_op *op)
{
    insp_set(m, op->reg[0], insp_add(&m->f, m->r[op->reg[0]].value, op->imm, 0, 8));
    return op + 1;
}

static insp_op *sub_rr8(insp_machine *m, insp_op *op)
{
    uint64_t a = m->r[op->reg[0]].value, b = m->r[op->reg[1]].value;
    insp_set(m, op->reg[0], insp_sub(&m->f, a, b, 0, 8));
    return op + 1;
}

static insp_op *sub_ri8(insp_machine *m, insp_op *op)
{
    insp_set(m, op->reg[0], insp_sub(&m->f, m->r[op->reg[0]].value, op->imm, 0, 8));
    return op + 1;
}

// ---- conditional jumps, each with its condition --------------------------------------------

static inline insp_op *jump_if(insp_machine *m, insp_op *op, unsigned cc)
{
    if (!insp_holds(&m->f, cc))
        return op + 1;
    // Where the target is not known yet, or calls are answered by the caller, the general function does it.
    return op->target && !m->options.intercept ? op->target : insp_op_jcc(m, op);
}

#define JUMP_IF(cc)                                                                            \
    static insp_op *jump_if_##cc(insp_machine *m, insp_op *op)                                 \
    {                                                                                          \
        return jump_if(m, op, cc);                                                             \
    }

JUMP_IF(0)
JUMP_IF(1)
JUMP_IF(2)
JUMP_IF(3)
JUMP_IF(4)
JUMP_IF(5)
JUMP_IF(6)
JUMP_IF(7)
JUMP_IF(8)
JUMP_IF(9)
JUMP_IF(10)
JUMP_IF(11)
JUMP_IF(12)
JUMP_IF(13)
JUMP_IF(14)
JUMP_IF(15)

static const insp_op_fn jumps[16] = {jump_if_0,  jump_if_1,  jump_if_2,  jump_if_3,
                                     jump_if_4,  jump_if_5,  jump_if_6,  jump_if_7,
                                     jump_if_8,  jump_if_9,  jump_if_10, jump_if_11,
                                     jump_if_12, jump_if_13, jump_if_14, jump_if_15};

// ---- choosing ------------------------------------------------------------------------------

static bool is(const insp_op *op, unsigned kind0, unsigned kind1, size_t size)
{
    return op->kind[0] == kind0 && op->kind[1] == kind1 && op->size[0] == size;
}

static insp_op_fn fast_mov(const insp_op *op)
{
    bool plain = op->index == INSP_ZERO;
    if (is(op, INSP_ARG_REG, INSP_ARG_REG, 8) && op->size[1] == 8)
        return mov_rr8;
    if (is(op, INSP_ARG_REG, INSP_ARG_REG, 4) && op->size[1] == 4)
        return mov_rr4;
    if (op->kind[0] == INSP_ARG_REG && op->kind[1] == INSP_ARG_IMM && op->size[0] >= 4)
        return mov_ri;
    if (is(op, INSP_ARG_REG, INSP_ARG_MEM, 8) && op->size[1] == 8)
        return plain ? mov_rm8 : mov_rmx8;
    if (op->kind[0] == INSP_ARG_REG && op->kind[1] == INSP_ARG_MEM && op->size[0] >= 4)
        return mov_rm;
    if (is(op, INSP_ARG_MEM, INSP_ARG_REG, 8) && plain)
        return mov_mr8;
    return op->run;
}

static insp_op_fn fast_arith(const insp_op *op)
{
    if (is(op, INSP_ARG_REG, INSP_ARG_REG, 8)) {
        static const insp_op_fn rr[] = {
            [INSP_ALU_ADD] = add_rr8, [INSP_ALU_SUB] = sub_rr8, [INSP_ALU_CMP] = cmp_rr8};
        return rr[op->variant] ? rr[op->variant] : op->run;
    }
    if (is(op, INSP_ARG_REG, INSP_ARG_IMM, 8)) {
        static const insp_op_fn ri[] = {
            [INSP_ALU_ADD] = add_ri8, [INSP_ALU_SUB] = sub_ri8, [INSP_ALU_CMP] = cmp_ri8};
        return ri[op->variant] ? ri[op->variant] : op->run;
    }
    return op->run;
}

static insp_op_fn fast_logic(const insp_op *op)
{
    bool same = op->reg[0] == op->reg[1];
    if (is(op, INSP_ARG_REG, INSP_ARG_REG, 8) && op->variant == INSP_ALU_TEST)
        return test_rr8;
    if (is(op, INSP_ARG_REG, INSP_ARG_REG, 4) && op->variant == INSP_ALU_TEST)
        return test_rr4;
    if (is(op, INSP_ARG_REG, INSP_ARG_REG, op->size[0]) && op->size[0] >= 4 && same &&
        op->variant == INSP_ALU_XOR)
        return clear;
    return op->run;
}

insp_op_fn insp_fast(const insp_op *op)
{
    bool reg8 = op->kind[0] == INSP_ARG_REG && op->size[0] == 8;
    if (op->flags & INSP_OP_EA32)
        return op->run;
    if (op->run == insp_op_mov)
        return fast_mov(op);
    if (op->run == insp_op_arith)
        return fast_arith(op);
    if (op->run == insp_op_logic)
        return fast_logic(op);
    if (op->run == insp_op_jcc)
        return jumps[op->variant];
    if (op->run == insp_op_lea && reg8)
        return lea8;
    if (op->run == insp_op_push && reg8)
        return push8;
    if (op->run == insp_op_pop && reg8)
        return pop8;
    return op->run;
}
