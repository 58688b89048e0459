// SPDX-License-Identifier: MIT
#include "ops.h"

insp_op *insp_op_vmov(insp_machine *m, insp_op *op)
{
    insp_vec x;
    return insp_next(op, insp_vget(m, op, 1, &x) && insp_vput(m, op, &x, op->size[0]));
}

insp_op *insp_op_vmov_aligned(insp_machine *m, insp_op *op)
{
    bool mem = op->kind[0] == INSP_ARG_MEM || op->kind[1] == INSP_ARG_MEM;
    if (mem && insp_ea(m, op) % op->size[0])
        return insp_machine_fail(m, INSP_ERR_FAULT, insp_ea(m, op), "misaligned memory");
    return insp_op_vmov(m, op);
}

// movd and movq: whatever moves, a register's upper part is cleared.
insp_op *insp_op_vmov_gpr(insp_machine *m, insp_op *op)
{
    insp_vec x = {0};
    if (op->kind[1] == INSP_ARG_VEC)
        memcpy(&x, &m->v[op->reg[1]], op->width);
    else if (!insp_get(m, op, 1, &x.u64[0]))
        return NULL;
    if (op->kind[0] == INSP_ARG_VEC)
        return insp_next(op, insp_vput(m, op, &x, 16));
    return insp_next(op, insp_put(m, op, 0, x.u64[0]));
}

// movss and movsd: between registers the rest stays (VEX: is that of the second operand).
insp_op *insp_op_vmov_scalar(insp_machine *m, insp_op *op)
{
    insp_vec x = {0};
    size_t n = op->width;
    if (op->kind[0] == INSP_ARG_MEM)
        return insp_next(op, insp_store(m, insp_ea(m, op), &m->v[op->reg[1]], n));
    if (op->kind[1] == INSP_ARG_MEM)
        return insp_next(op, insp_load(m, insp_ea(m, op), &x, n) && insp_vput(m, op, &x, 16));
    bool three = op->kind[2] == INSP_ARG_VEC;
    x = m->v[op->reg[three ? 1 : 0]];
    memcpy(&x, &m->v[op->reg[three ? 2 : 1]], n);
    return insp_next(op, insp_vput(m, op, &x, 16));
}

// movlps, movhps and the like: 8 bytes of memory and one half of a register.
insp_op *insp_op_vmov_half(insp_machine *m, insp_op *op)
{
    size_t half = op->variant == INSP_HIGH;
    if (op->kind[0] == INSP_ARG_MEM)
        return insp_next(op, insp_store(m, insp_ea(m, op), &m->v[op->reg[1]].u64[half], 8));
    bool three = op->kind[1] == INSP_ARG_VEC;
    insp_vec x = m->v[op->reg[three ? 1 : 0]];
    return insp_next(op,
                     insp_load(m, insp_ea(m, op), &x.u64[half], 8) && insp_vput(m, op, &x, 16));
}

// movhlps and movlhps: the half named by the variant is set, from the other half.
insp_op *insp_op_vmov_cross(insp_machine *m, insp_op *op)
{
    size_t half = op->variant == INSP_HIGH;
    bool three = op->kind[2] == INSP_ARG_VEC;
    insp_vec x = m->v[op->reg[three ? 1 : 0]];
    x.u64[half] = m->v[op->reg[three ? 2 : 1]].u64[!half];
    return insp_next(op, insp_vput(m, op, &x, 16));
}

insp_op *insp_op_vinsert(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    if (!insp_get(m, op, 2, &x))
        return NULL;
    insp_vec v = m->v[op->reg[1]];
    size_t i = op->imm & (16u / op->width - 1);
    memcpy(v.u8 + i * op->width, &x, op->width);
    return insp_next(op, insp_vput(m, op, &v, 16));
}

insp_op *insp_op_vextract(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    size_t i = op->imm & (16u / op->width - 1);
    memcpy(&x, m->v[op->reg[1]].u8 + i * op->width, op->width);
    return insp_next(op, insp_put(m, op, 0, x));
}

// movmskps, movmskpd, pmovmskb: the highest bit of each element.
insp_op *insp_op_vmask(insp_machine *m, insp_op *op)
{
    uint64_t bits = 0;
    const insp_vec *v = &m->v[op->reg[1]];
    for (size_t i = 0; i < op->size[1] / op->width; i++)
        bits |= (uint64_t)(v->u8[(i + 1) * op->width - 1] >> 7) << i;
    return insp_next(op, insp_put(m, op, 0, bits));
}

// vzeroupper and vzeroall: the variant is how much of each register stays.
insp_op *insp_op_vclear(insp_machine *m, insp_op *op)
{
    for (size_t i = 0; i < 16; i++)
        memset(m->v[i].u8 + op->variant, 0, sizeof(m->v[i]) - op->variant);
    return op + 1;
}

// The broadcasts: the lowest element everywhere.
insp_op *insp_op_vrepeat(insp_machine *m, insp_op *op)
{
    insp_vec x = {0}, r;
    bool general = op->kind[1] == INSP_ARG_REG;
    if (!(general ? insp_get(m, op, 1, &x.u64[0]) : insp_vget(m, op, 1, &x)))
        return NULL;
    for (size_t i = 0; i < sizeof(r); i += op->width)
        memcpy(r.u8 + i, &x, op->width);
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

// movddup, movsldup, movshdup: of each pair of elements one, twice.
insp_op *insp_op_vduplicate(insp_machine *m, insp_op *op)
{
    insp_vec x;
    size_t n = op->width;
    if (!insp_vget(m, op, 1, &x))
        return NULL;
    for (size_t i = 0; i < sizeof(x); i += 2 * n) {
        if (op->variant == INSP_HIGH)
            memcpy(x.u8 + i, x.u8 + i + n, n);
        else
            memcpy(x.u8 + i + n, x.u8 + i, n);
    }
    return insp_next(op, insp_vput(m, op, &x, op->size[0]));
}

insp_op *insp_op_vinsert128(insp_machine *m, insp_op *op)
{
    insp_vec x, r = m->v[op->reg[1]];
    if (!insp_vget(m, op, 2, &x))
        return NULL;
    memcpy(r.u8 + (op->imm & 1) * 16, &x, 16);
    return insp_next(op, insp_vput(m, op, &r, 32));
}

insp_op *insp_op_vextract128(insp_machine *m, insp_op *op)
{
    insp_vec x;
    memcpy(&x, m->v[op->reg[1]].u8 + (op->imm & 1) * 16, 16);
    return insp_next(op, insp_vput(m, op, &x, 16));
}
