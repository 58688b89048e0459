// SPDX-License-Identifier: MIT
#include "a64.h"
#include "element.h"

#include <math.h>

// Numbers of 4 and 8 bytes, rounded to nearest: scalars, and vectors lane by lane.

static double number(const insp_vec *v, size_t lane, size_t size)
{
    return size == 8 ? v->f64[lane] : (double)v->f32[lane];
}

static void set_number(insp_vec *v, size_t lane, size_t size, double x)
{
    if (size == 8)
        v->f64[lane] = x;
    else
        v->f32[lane] = (float)x;
}

static insp_op *put(insp_machine *m, insp_op *op, const insp_vec *x)
{
    m->vectors_used = true;
    m->v[op->reg[0]] = *x;
    return op + 1;
}

static insp_op *put_bits(insp_machine *m, insp_op *op, uint64_t bits)
{
    insp_vec out = {{0}};
    out.u64[0] = bits & insp_mask(op->width);
    return put(m, op, &out);
}

// ---- what is no number (FPProcessNaNs) -----------------------------------------------------

static uint64_t exponent(size_t size)
{
    return size == 8 ? UINT64_C(0x7ff0000000000000) : UINT64_C(0x7f800000);
}

static uint64_t quiet_bit(size_t size)
{
    return size == 8 ? UINT64_C(1) << 51 : UINT64_C(1) << 22;
}

static bool is_nan(uint64_t bits, size_t size)
{
    return (bits & (insp_mask(size) >> 1)) > exponent(size);
}

static bool is_signalling(uint64_t bits, size_t size)
{
    return is_nan(bits, size) && !(bits & quiet_bit(size));
}

// One that signals comes before one that does not, else the first comes before the second.
static uint64_t nan_of(uint64_t a, uint64_t b, size_t size)
{
    bool second = is_signalling(a, size)   ? false
                  : is_signalling(b, size) ? true
                                           : !is_nan(a, size);
    return (second ? b : a) | quiet_bit(size);
}

// ---- arithmetic ----------------------------------------------------------------------------

// -0 is less than 0 here.
static double larger(double a, double b)
{
    if (a == b)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

// A float's sum, product and quotient come out the same when a double is rounded to it.
static double computed(unsigned how, double a, double b)
{
    switch (how) {
    case INSP_A64_FMUL:
    case INSP_A64_FNMUL:
        return a * b;
    case INSP_A64_FDIV:
        return a / b;
    case INSP_A64_FADD:
        return a + b;
    case INSP_A64_FSUB:
        return a - b;
    case INSP_A64_FMAX:
    case INSP_A64_FMAXNM:
        return larger(a, b);
    default:
        return -larger(-a, -b);
    }
}

// fmaxnm and fminnm take the number where the other one is none that signals.
static bool takes_number(unsigned how, uint64_t *a, uint64_t *b, size_t size)
{
    if ((how != INSP_A64_FMAXNM && how != INSP_A64_FMINNM) || is_signalling(*a, size) ||
        is_signalling(*b, size) || is_nan(*a, size) == is_nan(*b, size))
        return false;
    *(is_nan(*a, size) ? a : b) = is_nan(*a, size) ? *b : *a;
    return true;
}

static uint64_t arithmetic(unsigned how, uint64_t a, uint64_t b, size_t size)
{
    insp_vec x = {{0}}, y = {{0}};
    uint64_t bits = 0, sign = UINT64_C(1) << (8 * size - 1);
    (void)takes_number(how, &a, &b, size);
    x.u64[0] = a;
    y.u64[0] = b;
    if (is_nan(a, size) || is_nan(b, size)) {
        bits = nan_of(a, b, size);
    } else {
        set_number(&x, 0, size, computed(how, number(&x, 0, size), number(&y, 0, size)));
        bits = insp_element(&x, 0, size);
        if (is_nan(bits, size))
            bits = exponent(size) | quiet_bit(size);
    }
    return how == INSP_A64_FNMUL ? bits ^ sign : bits;
}

insp_op *insp_a64_farith(insp_machine *m, insp_op *op)
{
    insp_vec out = {{0}};
    size_t n = op->width;
    for (size_t i = 0; i < op->size[0] / n; i++)
        insp_set_element(&out, i, n,
                         arithmetic(op->variant, insp_element(&m->v[op->reg[1]], i, n),
                                    insp_element(&m->v[op->reg[2]], i, n), n));
    return put(m, op, &out);
}

insp_op *insp_a64_funary(insp_machine *m, insp_op *op)
{
    uint64_t bits = m->v[op->reg[1]].u64[0], sign = UINT64_C(1) << (8 * op->width - 1);
    switch (op->variant) {
    case INSP_A64_FMOV:
        return put_bits(m, op, bits);
    case INSP_A64_FABS:
        return put_bits(m, op, bits & ~sign);
    default: // INSP_A64_FNEG
        return put_bits(m, op, bits ^ sign);
    }
}

insp_op *insp_a64_fcompare(insp_machine *m, insp_op *op)
{
    enum { LESS = 8, EQUAL = 6, GREATER = 2, UNORDERED = 3 };
    double a = number(&m->v[op->reg[1]], 0, op->width);
    double b = op->flags & INSP_A64_ZERO ? 0 : number(&m->v[op->reg[2]], 0, op->width);
    unsigned nzcv = isnan(a) || isnan(b) ? UNORDERED : a < b ? LESS : a > b ? GREATER : EQUAL;
    insp_a64_set_flags(&m->f, nzcv);
    return op + 1;
}

insp_op *insp_a64_fselect(insp_machine *m, insp_op *op)
{
    bool yes = insp_a64_holds(&m->f, insp_a64_cond(op));
    return put_bits(m, op, m->v[op->reg[yes ? 1 : 2]].u64[0]);
}

// ---- conversions ---------------------------------------------------------------------------

// From float to double or back; width is that of the source.
insp_op *insp_a64_fconvert(insp_machine *m, insp_op *op)
{
    insp_vec out = {{0}};
    set_number(&out, 0, op->size[0], number(&m->v[op->reg[1]], 0, op->width));
    return put(m, op, &out);
}

// 2^n, n less than 65.
static double power(unsigned n)
{
    return n < 64 ? (double)(UINT64_C(1) << n) : 0x1p64;
}

// Toward zero, to the nearest number that `size` bytes hold.
static uint64_t to_integer(double x, size_t size, bool is_signed)
{
    double end = power(8 * (unsigned)size - (is_signed ? 1 : 0));
    uint64_t most = is_signed ? insp_mask(size) >> 1 : insp_mask(size);
    if (isnan(x))
        return 0;
    if (x >= end)
        return most;
    if (!is_signed)
        return x <= 0 ? 0 : (uint64_t)x;
    return x <= -end ? most + 1 : (uint64_t)(int64_t)x & insp_mask(size);
}

// Rounded once: a float from a whole number does not take the way through a double.
static void from_integer(insp_vec *out, size_t lane, const insp_op *op, uint64_t x, size_t size)
{
    bool is_signed = op->variant == INSP_A64_SCVTF;
    x = is_signed ? insp_extend(x, size) : x & insp_mask(size);
    if (op->width == 8)
        out->f64[lane] = (is_signed ? (double)(int64_t)x : (double)x) / power(op->shift);
    else
        out->f32[lane] = (is_signed ? (float)(int64_t)x : (float)x) / (float)power(op->shift);
}

// From or to a general register of size[1] bytes, of whose value `shift` bits are a fraction.
insp_op *insp_a64_finteger(insp_machine *m, insp_op *op)
{
    insp_vec out = {{0}};
    if (op->variant < INSP_A64_FCVTZS) {
        from_integer(&out, 0, op, m->r[op->reg[1]].value, op->size[1]);
        return put(m, op, &out);
    }
    double x = number(&m->v[op->reg[1]], 0, op->width) * power(op->shift);
    insp_set(m, op->reg[0], to_integer(x, op->size[1], op->variant == INSP_A64_FCVTZS));
    return op + 1;
}

// The same within vector registers, lane by lane.
insp_op *insp_a64_finteger_lanes(insp_machine *m, insp_op *op)
{
    const insp_vec *in = &m->v[op->reg[1]];
    insp_vec out = {{0}};
    size_t n = op->width;
    for (size_t i = 0; i < op->size[0] / n; i++) {
        if (op->variant < INSP_A64_FCVTZS)
            from_integer(&out, i, op, insp_element(in, i, n), n);
        else
            insp_set_element(&out, i, n,
                             to_integer(number(in, i, n), n, op->variant == INSP_A64_FCVTZS));
    }
    return put(m, op, &out);
}

// Between a general register and a scalar, as bits; UPPER: the second word of the vector.
insp_op *insp_a64_fmove(insp_machine *m, insp_op *op)
{
    unsigned word = op->flags & INSP_A64_UPPER ? 1 : 0;
    if (op->variant == INSP_A64_TO_GENERAL) {
        insp_set(m, op->reg[0], m->v[op->reg[1]].u64[word] & insp_mask(op->width));
        return op + 1;
    }
    uint64_t x = m->r[op->reg[1]].value;
    if (!word)
        return put_bits(m, op, x);
    m->vectors_used = true;
    m->v[op->reg[0]].u64[1] = x;
    return op + 1;
}
