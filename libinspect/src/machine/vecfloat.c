// SPDX-License-Identifier: MIT
#include "flags.h"
#include "ops.h"

// Rounding is to nearest, as it is where nobody has changed it; floating-point exceptions do not exist.

static uint64_t bits_of(double x, size_t n)
{
    uint64_t bits = 0;
    float f = (float)x;
    if (n == 4)
        memcpy(&bits, &f, 4);
    else
        memcpy(&bits, &x, 8);
    return bits;
}

static double value_of(const insp_vec *v, size_t i, size_t n)
{
    return n == 4 ? (double)v->f32[i] : v->f64[i];
}

// The predicates of cmpps and cmpsd; the upper four negate the lower.
static bool holds(double a, double b, unsigned predicate)
{
    bool unordered = a != a || b != b;
    switch (predicate & 3u) {
    case 0:
        return (a >= b && a <= b) != (predicate >> 2);
    case 1:
        return (a < b) != (predicate >> 2);
    case 2:
        return (a <= b) != (predicate >> 2);
    default:
        return unordered != (predicate >> 2);
    }
}

static double computed(unsigned how, double a, double b)
{
    switch (how) {
    case INSP_F_ADD:
        return a + b;
    case INSP_F_SUB:
        return a - b;
    case INSP_F_MUL:
        return a * b;
    case INSP_F_DIV:
        return a / b;
    case INSP_F_MIN:
        // The second one wherever they cannot be told apart: zeros, and where one is no number.
        return a < b ? a : b;
    default:
        return a > b ? a : b;
    }
}

// Twice as many digits as a float and two more make a result in double round to the right float.
static void calculate(const insp_op *op, const insp_vec *a, const insp_vec *b, size_t i,
                      insp_vec *r)
{
    size_t n = op->width;
    double x = value_of(a, i, n), y = value_of(b, i, n);
    uint64_t bits = 0;
    if (op->variant == INSP_F_MASK)
        bits = holds(x, y, op->imm & 7) ? UINT64_MAX : 0;
    else
        bits = bits_of(computed(op->variant, x, y), n);
    memcpy(r->u8 + i * n, &bits, n);
}

insp_op *insp_op_fscalar(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    if (op->variant == INSP_F_MASK && op->imm > 7)
        return insp_op_unsupported(m, op);
    if (!insp_vget(m, op, 1, &a) || !insp_vget(m, op, 2, &b))
        return NULL;
    calculate(op, &a, &b, 0, &a);
    return insp_next(op, insp_vput(m, op, &a, 16));
}

insp_op *insp_op_fpacked(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    if (op->variant == INSP_F_MASK && op->imm > 7)
        return insp_op_unsupported(m, op);
    if (!insp_vget(m, op, 1, &a) || !insp_vget_aligned(m, op, 2, &b))
        return NULL;
    for (size_t i = 0; i < op->size[0] / op->width; i++)
        calculate(op, &a, &b, i, &a);
    return insp_next(op, insp_vput(m, op, &a, op->size[0]));
}

// comiss, ucomiss, comisd, ucomisd
insp_op *insp_op_fcompare(insp_machine *m, insp_op *op)
{
    insp_vec a, b;
    if (!insp_vget(m, op, 0, &a) || !insp_vget(m, op, 1, &b))
        return NULL;
    double x = value_of(&a, 0, op->width), y = value_of(&b, 0, op->width);
    bool unordered = x != x || y != y;
    m->f = (insp_flags){.zero = x < y || x > y ? 1u : 0u,
                        .result = unordered ? 0 : 1,
                        .carry = unordered || x < y,
                        .down = m->f.down};
    return op + 1;
}

// ---- conversions ---------------------------------------------------------------------------

insp_op *insp_op_from_int(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    if (!insp_get(m, op, 2, &x))
        return NULL;
    insp_vec r = m->v[op->reg[1]];
    int64_t number = (int64_t)insp_extend(x, op->size[2]);
    if (op->width == 4)
        r.f32[0] = (float)number;
    else
        r.f64[0] = (double)number;
    return insp_next(op, insp_vput(m, op, &r, 16));
}

// To the nearest whole number, the even one of two.
static double rounded(double x)
{
    // From 2^52 on a double has no fraction, so adding that much rounds.
    static const double whole = 0x1p52;
    volatile double big = x < 0 ? -whole : whole;
    bool has_fraction = x < whole && x > -whole;
    if (!has_fraction)
        return x;
    volatile double sum = x + big;
    return sum - big;
}

// What does not fit becomes the lowest number. The variant: the fraction is cut off.
insp_op *insp_op_to_int(insp_machine *m, insp_op *op)
{
    insp_vec a;
    if (!insp_vget(m, op, 1, &a))
        return NULL;
    double x = value_of(&a, 0, op->width);
    if (!op->variant)
        x = rounded(x);
    bool wide = op->size[0] == 8;
    double end = wide ? 0x1p63 : 0x1p31;
    bool fits = x < end && (wide ? x >= -end : x > -end - 1);
    uint64_t lowest = wide ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    return insp_next(op, insp_put(m, op, 0, fits ? (uint64_t)(int64_t)x : lowest));
}

// cvtss2sd and cvtsd2ss: `width` is the size before.
insp_op *insp_op_fconvert(insp_machine *m, insp_op *op)
{
    insp_vec b;
    if (!insp_vget(m, op, 2, &b))
        return NULL;
    insp_vec r = m->v[op->reg[1]];
    if (op->width == 4)
        r.f64[0] = (double)b.f32[0];
    else
        r.f32[0] = (float)b.f64[0];
    return insp_next(op, insp_vput(m, op, &r, 16));
}
