// SPDX-License-Identifier: MIT
#include "element.h"
#include "flags.h"
#include "ops.h"

// ---- each 16 bytes for themselves ----------------------------------------------------------

// pslldq and psrldq
insp_op *insp_op_vbytes(insp_machine *m, insp_op *op)
{
    insp_vec a, r = {0};
    size_t count = (op->imm & 0xff) > 16 ? 16 : (size_t)(op->imm & 0xff);
    if (!insp_vget(m, op, 1, &a))
        return NULL;
    for (size_t i = 0; i < op->size[0]; i += 16) {
        if (op->variant == INSP_V_LEFT)
            memcpy(r.u8 + i + count, a.u8 + i, 16 - count);
        else
            memcpy(r.u8 + i, a.u8 + i + count, 16 - count);
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

insp_op *insp_op_valign(insp_machine *m, insp_op *op)
{
    insp_vec a, b, r;
    size_t count = (size_t)(op->imm & 0xff);
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0]; i += 16) {
        uint8_t both[32 + 256] = {0};
        memcpy(both, b.u8 + i, 16);
        memcpy(both + 16, a.u8 + i, 16);
        memcpy(r.u8 + i, both + count, 16);
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

insp_op *insp_op_vunpack(insp_machine *m, insp_op *op)
{
    insp_vec a, b, r;
    size_t n = op->width, per = 16 / n;
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        size_t from = i / per * per + (op->variant == INSP_HIGH ? per / 2 : 0) + i % per / 2;
        insp_set_element(&r, i, n, insp_element(i % 2 ? &b : &a, from, n));
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

// A signed number of n bytes, as near as half of them can hold it.
static uint64_t saturated(int64_t x, size_t n, bool to_unsigned)
{
    int64_t bits = 4 * (int64_t)n;
    int64_t high = (INT64_C(1) << (to_unsigned ? bits : bits - 1)) - 1;
    int64_t low = to_unsigned ? 0 : -high - 1;
    return (uint64_t)(x > high ? high : x < low ? low : x);
}

// packsswb and the like: `width` is the size of an element before. The variant: to unsigned.
insp_op *insp_op_vpack(insp_machine *m, insp_op *op)
{
    insp_vec a, b, r;
    size_t n = op->width, per = 16 / n;
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < (size_t)op->size[0] * 2 / n; i++) {
        const insp_vec *from = i % (2 * per) < per ? &a : &b;
        uint64_t x = insp_element(from, i / (2 * per) * per + i % per, n);
        int64_t wide = (int64_t)insp_extend(x, n);
        insp_set_element(&r, i, n / 2, saturated(wide, n, op->variant));
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

// ---- chosen elements -----------------------------------------------------------------------

// pshufd, pshuflw, pshufhw: by two bits of the immediate each; pshufb: by a vector.
insp_op *insp_op_vshuffle(insp_machine *m, insp_op *op)
{
    insp_vec a, r;
    size_t n = op->width, per = 16 / n;
    if (!insp_vget_aligned(m, op, 1, &a))
        return NULL;
    r = a;
    size_t first = op->variant == INSP_SHUFFLE_HW ? 4 : 0;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        size_t group = i / per * per;
        size_t which = i % per - first;
        if (which < 4)
            insp_set_element(&r, i, n,
                             insp_element(&a, group + first + (op->imm >> 2 * which & 3), n));
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

static void shuffle_bytes(const insp_vec *a, const insp_vec *by, insp_vec *r, size_t size)
{
    for (size_t i = 0; i < size; i++)
        r->u8[i] = by->u8[i] & 0x80 ? 0 : a->u8[(i & 16) + (by->u8[i] & 15)];
}

// shufps and shufpd: the lower half of the elements from the first source, the upper from the second.
static void shuffle_two(const insp_vec *a, const insp_vec *b, insp_vec *r, const insp_op *op)
{
    size_t n = op->width, per = 16 / n, bits = n == 4 ? 2 : 1;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        // shufps uses the same 8 bits for either half, shufpd goes on.
        size_t at = n == 4 ? i % per : i;
        size_t which = op->imm >> (bits * at) & (per - 1);
        insp_set_element(r, i, n,
                         insp_element(i % per < per / 2 ? a : b, i / per * per + which, n));
    }
}

insp_op *insp_op_vshuffle2(insp_machine *m, insp_op *op)
{
    insp_vec a, b, r;
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    if (op->variant == INSP_SHUFFLE_B)
        shuffle_bytes(&a, &b, &r, op->size[0]);
    else
        shuffle_two(&a, &b, &r, op);
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}

// pblendvb and the like: by the highest bit of each element of a register, whose number imm is.
insp_op *insp_op_vblend_by(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    size_t n = op->width;
    const insp_vec *mask = &m->v[op->imm & 15];
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        if (mask->u8[(i + 1) * n - 1] >> 7)
            memcpy(a.u8 + i * n, b.u8 + i * n, n);
    }
    return insp_next(op, insp_vput(m, op, &a, op->size[0]));
}

// blendps and the like: by the bits of the immediate, of which pblendw has 8 for each 16 bytes.
insp_op *insp_op_vblend(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    size_t n = op->width;
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        if (op->imm >> i % 8 & 1)
            memcpy(a.u8 + i * n, b.u8 + i * n, n);
    }
    return insp_next(op, insp_vput(m, op, &a, op->size[0]));
}

// vpermq and vpermpd
insp_op *insp_op_vpermute(insp_machine *m, insp_op *op)
{
    insp_vec a, r;
    if (!insp_vget(m, op, 1, &a))
        return NULL;
    for (size_t i = 0; i < 4; i++)
        r.u64[i] = a.u64[op->imm >> 2 * i & 3];
    return insp_next(op, insp_vput(m, op, &r, 32));
}

// vpermd and vpermps: operand 1 says which elements of operand 2.
insp_op *insp_op_vpermute_by(insp_machine *m, insp_op *op)
{
    insp_vec by, a, r;
    if (!insp_vget(m, op, 1, &by) || !insp_vget(m, op, 2, &a))
        return NULL;
    for (size_t i = 0; i < 8; i++)
        r.u32[i] = a.u32[by.u32[i] & 7];
    return insp_next(op, insp_vput(m, op, &r, 32));
}

// vperm2i128 and vperm2f128
insp_op *insp_op_vpermute128(insp_machine *m, insp_op *op)
{
    insp_vec v[2], r = {0};
    if (!insp_vget(m, op, 1, &v[0]) || !insp_vget(m, op, 2, &v[1]))
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        size_t which = op->imm >> 4 * i & 15;
        if (!(which & 8))
            memcpy(r.u8 + 16 * i, v[which >> 1 & 1].u8 + 16 * (which & 1), 16);
    }
    return insp_next(op, insp_vput(m, op, &r, 32));
}

// vpermilps and vpermilpd: inside each 16 bytes, by the immediate or by the elements of operand 2.
insp_op *insp_op_vpermute_in(insp_machine *m, insp_op *op)
{
    insp_vec a, r, by = {0};
    size_t n = op->width, per = 16 / n, bits = n == 4 ? 2 : 1;
    bool fixed = op->kind[2] == INSP_ARG_IMM;
    if (!insp_vget(m, op, 1, &a) || (!fixed && !insp_vget(m, op, 2, &by)))
        return NULL;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        uint64_t which = insp_element(&by, i, n) >> (n == 4 ? 0 : 1);
        if (fixed)
            which = op->imm >> (bits * (n == 4 ? i % per : i));
        size_t from = i / per * per + (size_t)(which & (per - 1));
        insp_set_element(&r, i, n, insp_element(&a, from, n));
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}
