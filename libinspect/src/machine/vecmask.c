// SPDX-License-Identifier: MIT
#include "element.h"
#include "flags.h"
#include "ops.h"

// What AVX-512 adds, as far as the string functions of C libraries use it.

// ---- mask registers ------------------------------------------------------------------------

// `width` is how many bytes of mask registers count; general registers and memory have as many or more.
insp_op *insp_op_kmov(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    return insp_next(op,
                     insp_get(m, op, 1, &x) && insp_put(m, op, 0, x & insp_mask(op->width)));
}

static uint64_t combined(unsigned how, uint64_t a, uint64_t b, size_t n)
{
    switch (how) {
    case INSP_K_AND:
        return a & b;
    case INSP_K_ANDN:
        return ~a & b;
    case INSP_K_OR:
        return a | b;
    case INSP_K_XOR:
        return a ^ b;
    case INSP_K_XNOR:
        return ~(a ^ b);
    case INSP_K_ADD:
        return a + b;
    case INSP_K_LEFT:
        return b < 64 ? a << b : 0;
    case INSP_K_RIGHT:
        return b < 64 ? a >> b : 0;
    case INSP_K_UNPACK: // the half of n bytes each
        return a << 4 * n | (b & insp_mask(n / 2));
    default: // INSP_K_NOT
        return ~a;
    }
}

insp_op *insp_op_klogic(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0, mask = insp_mask(op->width);
    if (!insp_get(m, op, 1, &a) || (op->kind[2] != INSP_ARG_NONE && !insp_get(m, op, 2, &b)))
        return NULL;
    if (op->kind[2] == INSP_ARG_IMM)
        b &= 0xff;
    uint64_t r = combined(op->variant, a & mask, b & mask, op->width);
    return insp_next(op, insp_put(m, op, 0, r & mask));
}

// kortest, and ktest with the variant 1.
insp_op *insp_op_ktest(insp_machine *m, insp_op *op)
{
    uint64_t mask = insp_mask(op->width);
    uint64_t a = m->k[op->reg[0]] & mask, b = m->k[op->reg[1]] & mask;
    bool carry = op->variant ? (~a & b) == 0 : (a | b) == mask;
    m->f = (insp_flags){
        .zero = op->variant ? a & b : a | b, .result = 1, .carry = carry, .down = m->f.down};
    return op + 1;
}

// ---- vectors -------------------------------------------------------------------------------

// The predicates of vpcmpb and the like; the upper four negate the lower.
static bool holds(bool less, bool equal, unsigned predicate)
{
    const bool is[4] = {equal, less, less || equal, false};
    return is[predicate & 3u] != (predicate >> 2 & 1u);
}

// The variant: as signed numbers.
insp_op *insp_op_vcompare(insp_machine *m, insp_op *op)
{
    insp_vec a, b, r;
    size_t n = op->width;
    unsigned predicate = op->imm & 7;
    if (!insp_vget(m, op, 1, &a) || !insp_vget(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[1] / n; i++) {
        uint64_t x = insp_element(&a, i, n), y = insp_element(&b, i, n);
        bool less = x < y;
        if (op->variant)
            less = (int64_t)insp_extend(x, n) < (int64_t)insp_extend(y, n);
        insp_set_element(&r, i, n, holds(less, x == y, predicate) ? UINT64_MAX : 0);
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[1]));
}

// vpternlogd and vpternlogq: the immediate is the table of what three bits make.
insp_op *insp_op_vternary(insp_machine *m, insp_op *op)
{
    insp_vec b, c, r = {0};
    const insp_vec *a = &m->v[op->reg[0]];
    if (!insp_vget(m, op, 1, &b) || !insp_vget(m, op, 2, &c))
        return NULL;
    for (size_t i = 0; i < op->size[0] / 8u; i++) {
        for (unsigned row = 0; row < 8; row++) {
            uint64_t x = row & 4 ? a->u64[i] : ~a->u64[i];
            uint64_t y = row & 2 ? b.u64[i] : ~b.u64[i];
            uint64_t z = row & 1 ? c.u64[i] : ~c.u64[i];
            r.u64[i] |= op->imm >> row & 1 ? x & y & z : 0;
        }
    }
    return insp_next(op, insp_vput(m, op, &r, op->size[0]));
}
