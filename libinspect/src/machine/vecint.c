// SPDX-License-Identifier: MIT
#include "element.h"
#include "flags.h"
#include "ops.h"

// ---- element by element --------------------------------------------------------------------

static uint64_t compared(unsigned how, uint64_t a, uint64_t b, size_t n)
{
    int64_t x = (int64_t)insp_extend(a, n), y = (int64_t)insp_extend(b, n);
    switch (how) {
    case INSP_V_EQ:
        return a == b ? UINT64_MAX : 0;
    case INSP_V_GT:
        return x > y ? UINT64_MAX : 0;
    case INSP_V_MIN_UNSIGNED:
        return a < b ? a : b;
    case INSP_V_MAX_UNSIGNED:
        return a > b ? a : b;
    case INSP_V_MIN:
        return x < y ? a : b;
    case INSP_V_MAX:
        return x > y ? a : b;
    case INSP_V_SUB_SATURATE:
        return a > b ? a - b : 0;
    default: // INSP_V_NONE
        return a & b ? 0 : UINT64_MAX;
    }
}

static uint64_t lane(unsigned how, uint64_t a, uint64_t b, size_t n)
{
    switch (how) {
    case INSP_V_AND:
        return a & b;
    case INSP_V_ANDN:
        return ~a & b;
    case INSP_V_OR:
        return a | b;
    case INSP_V_XOR:
        return a ^ b;
    case INSP_V_ADD:
        return a + b;
    case INSP_V_SUB:
        return a - b;
    case INSP_V_MUL:
        return a * b;
    case INSP_V_MUL_EVEN:
        return (uint64_t)(uint32_t)a * (uint32_t)b;
    default:
        return compared(how, a, b, n);
    }
}

insp_op *insp_op_vlane(insp_machine *m, insp_op *op)
{
    insp_vec a, b, r;
    size_t n = op->width;
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    // Operand 1 is as large as the destination, which may be a mask register.
    for (size_t i = 0; i < op->size[1] / n; i++)
        insp_set_element(&r, i, n,
                         lane(op->variant, insp_element(&a, i, n), insp_element(&b, i, n), n));
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

static uint64_t shifted(unsigned how, uint64_t x, uint64_t count, size_t n)
{
    uint64_t bits = 8 * n;
    if (how == INSP_V_RIGHT_SIGNED)
        return (uint64_t)((int64_t)insp_extend(x, n) >> (count < bits ? count : bits - 1));
    if (count >= bits)
        return 0;
    return how == INSP_V_LEFT ? x << count : x >> count;
}

// The count is an immediate, or the low 8 bytes of a vector.
insp_op *insp_op_vshift(insp_machine *m, insp_op *op)
{
    insp_vec a, b = {0};
    size_t n = op->width;
    b.u64[0] = op->imm & 0xff;
    if (!insp_vget(m, op, 1, &a))
        return NULL;
    if (op->kind[2] != INSP_ARG_IMM && !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        uint64_t x = shifted(op->variant, insp_element(&a, i, n), b.u64[0], n);
        insp_set_element(&a, i, n, x);
    }
    return insp_next(op, insp_vput(m, op, &a, op->size[0]));
}

// Each element by a count of its own.
insp_op *insp_op_vshift_each(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    size_t n = op->width;
    if (!insp_vget(m, op, 1, &a) || !insp_vget(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        uint64_t x = shifted(op->variant, insp_element(&a, i, n), insp_element(&b, i, n), n);
        insp_set_element(&a, i, n, x);
    }
    return insp_next(op, insp_vput(m, op, &a, op->size[0]));
}

// pmovzx and pmovsx: `width` is the size after, the low 4 bits of the variant that before.
insp_op *insp_op_vwiden(insp_machine *m, insp_op *op)
{
    insp_vec a, r;
    size_t n = op->width, before = op->variant & 15u;
    if (!insp_vget(m, op, 1, &a))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        uint64_t x = insp_element(&a, i, before);
        insp_set_element(&r, i, n, op->variant & 16 ? insp_extend(x, before) : x);
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

insp_op *insp_op_vtest(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    uint64_t both = 0, only_b = 0;
    if (!insp_vget(m, op, 0, &a) || !insp_vget_aligned(m, op, 1, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / 8u; i++) {
        both |= a.u64[i] & b.u64[i];
        only_b |= ~a.u64[i] & b.u64[i];
    }
    m->f = (insp_flags){.zero = both, .result = 1, .carry = only_b == 0, .down = m->f.down};
    return op + 1;
}
