// SPDX-License-Identifier: MIT
#include "flags.h"
#include "ops.h"

insp_op *insp_op_nop(insp_machine *m, insp_op *op)
{
    (void)m;
    return op + 1;
}

insp_op *insp_op_mov(insp_machine *m, insp_op *op)
{
    insp_machine_arg x;
    return insp_next(op, insp_get_arg(m, op, 1, &x) && insp_put_arg(m, op, 0, x));
}

insp_op *insp_op_movsx(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    return insp_next(op,
                     insp_get(m, op, 1, &x) && insp_put(m, op, 0, insp_extend(x, op->size[1])));
}

// x with the order of its bytes turned round.
static uint64_t swapped(uint64_t x, size_t size)
{
    return __builtin_bswap64(x) >> (64 - 8 * size);
}

insp_op *insp_op_movbe(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    return insp_next(op, insp_get(m, op, 1, &x) && insp_put(m, op, 0, swapped(x, op->size[0])));
}

insp_op *insp_op_bswap(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    return insp_next(op, insp_get(m, op, 0, &x) && insp_put(m, op, 0, swapped(x, op->size[0])));
}

insp_op *insp_op_lea(insp_machine *m, insp_op *op)
{
    return insp_next(op, insp_put(m, op, 0, insp_ea(m, op)));
}

insp_op *insp_op_xchg(insp_machine *m, insp_op *op)
{
    insp_machine_arg a, b;
    if (!insp_get_arg(m, op, 0, &a) || !insp_get_arg(m, op, 1, &b))
        return NULL;
    // The memory operand is written first: its address may need the register as it was.
    unsigned mem = op->kind[1] == INSP_ARG_MEM;
    return insp_next(op, insp_put_arg(m, op, mem, mem ? a : b) &&
                             insp_put_arg(m, op, !mem, mem ? b : a));
}

insp_op *insp_op_cmov(insp_machine *m, insp_op *op)
{
    insp_machine_arg x;
    unsigned from = insp_holds(&m->f, op->variant);
    // The source is read, and may fault, whether or not the condition holds.
    if (!insp_get_arg(m, op, 1, &x) || (!from && !insp_get_arg(m, op, 0, &x)))
        return NULL;
    return insp_next(op, insp_put_arg(m, op, 0, x));
}

insp_op *insp_op_set(insp_machine *m, insp_op *op)
{
    return insp_next(op, insp_put(m, op, 0, insp_holds(&m->f, op->variant)));
}

// ---- the stack -----------------------------------------------------------------------------

insp_op *insp_op_push(insp_machine *m, insp_op *op)
{
    insp_machine_arg x;
    size_t n = op->width;
    insp_addr at = m->r[INSP_RSP].value - n;
    if (!insp_get_arg(m, op, 0, &x))
        return NULL;
    if (!(n == 8 ? insp_store_arg(m, at, x) : insp_store(m, at, &x.value, n)))
        return NULL;
    insp_set(m, INSP_RSP, at);
    return op + 1;
}

insp_op *insp_op_pop(insp_machine *m, insp_op *op)
{
    insp_machine_arg x = {0};
    size_t n = op->width;
    insp_addr at = m->r[INSP_RSP].value;
    if (!(n == 8 ? insp_load_arg(m, at, &x) : insp_load(m, at, &x.value, n)))
        return NULL;
    // Before the operand is set: it may be rsp, or memory relative to it.
    insp_set(m, INSP_RSP, at + n);
    return insp_next(op, insp_put_arg(m, op, 0, x));
}

insp_op *insp_op_leave(insp_machine *m, insp_op *op)
{
    insp_addr at = m->r[INSP_RBP].value;
    insp_machine_arg x;
    if (!insp_load_arg(m, at, &x))
        return NULL;
    m->r[INSP_RBP] = x;
    insp_set(m, INSP_RSP, at + 8);
    return op + 1;
}

insp_op *insp_op_pushf(insp_machine *m, insp_op *op)
{
    uint64_t bits = insp_rflags(&m->f);
    insp_addr at = m->r[INSP_RSP].value - op->width;
    if (!insp_store(m, at, &bits, op->width))
        return NULL;
    insp_set(m, INSP_RSP, at);
    return op + 1;
}

insp_op *insp_op_popf(insp_machine *m, insp_op *op)
{
    uint64_t bits = 0;
    insp_addr at = m->r[INSP_RSP].value;
    if (!insp_load(m, at, &bits, op->width))
        return NULL;
    insp_set(m, INSP_RSP, at + op->width);
    insp_flags_low(&m->f, bits);
    m->f.down = (bits & INSP_DF) != 0;
    m->f.overflow = (bits & INSP_OF) != 0;
    return op + 1;
}

insp_op *insp_op_lahf(insp_machine *m, insp_op *op)
{
    uint64_t rax = m->r[INSP_RAX].value & ~UINT64_C(0xff00);
    insp_set(m, INSP_RAX, rax | (insp_rflags(&m->f) & 0xff) << 8);
    return op + 1;
}

insp_op *insp_op_sahf(insp_machine *m, insp_op *op)
{
    insp_flags_low(&m->f, m->r[INSP_RAX].value >> 8);
    return op + 1;
}

// ---- widening the accumulator --------------------------------------------------------------

// cbw, cwde, cdqe: the variant is the size that is widened to.
insp_op *insp_op_widen(insp_machine *m, insp_op *op)
{
    uint64_t rax = m->r[INSP_RAX].value;
    uint64_t wide = insp_extend(rax & insp_mask(op->variant / 2u), op->variant / 2u);
    uint64_t mask = insp_mask(op->variant);
    insp_set(m, INSP_RAX, op->variant == 2 ? (rax & ~mask) | (wide & mask) : wide & mask);
    return op + 1;
}

// cwd, cdq, cqo: the variant is the size of either half.
insp_op *insp_op_spread(insp_machine *m, insp_op *op)
{
    uint64_t mask = insp_mask(op->variant), rdx = m->r[INSP_RDX].value;
    uint64_t sign = insp_extend(m->r[INSP_RAX].value & mask, op->variant) >> 63 ? mask : 0;
    insp_set(m, INSP_RDX, op->variant == 2 ? (rdx & ~mask) | sign : sign);
    return op + 1;
}
