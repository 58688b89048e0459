// SPDX-License-Identifier: MIT
#include "a64.h"
#include "element.h"

// Every function here writes the first size[0] bytes of a register, and clears the rest: a scalar
// instruction is one of a single lane.

static insp_op *result(insp_machine *m, insp_op *op, insp_vec *x)
{
    size_t n = op->size[0];
    memset(x->u8 + n, 0, sizeof(x->u8) - n);
    m->vectors_used = true;
    m->v[op->reg[0]] = *x;
    return op + 1;
}

static size_t lanes(const insp_op *op)
{
    return op->size[0] / op->width;
}

// ---- lane by lane --------------------------------------------------------------------------

// A shift by the low byte of each lane, to the right where that is negative.
static uint64_t shift_by(uint64_t x, uint64_t by, size_t n, bool is_signed)
{
    int8_t left = (int8_t)by;
    int bits = 8 * (int)n;
    if (left >= bits)
        return 0;
    if (left >= 0)
        return x << left;
    if (!is_signed)
        return -left >= bits ? 0 : x >> -left;
    return (uint64_t)((int64_t)insp_extend(x, n) >> (-left >= bits ? bits - 1 : -left));
}

static uint64_t compared(unsigned how, uint64_t a, uint64_t b, size_t n)
{
    int64_t x = (int64_t)insp_extend(a, n), y = (int64_t)insp_extend(b, n);
    bool yes = false;
    switch (how) {
    case INSP_A64_V_CMEQ:
        yes = a == b;
        break;
    case INSP_A64_V_CMTST:
        yes = a & b;
        break;
    case INSP_A64_V_CMGT:
        yes = x > y;
        break;
    case INSP_A64_V_CMGE:
        yes = x >= y;
        break;
    case INSP_A64_V_CMHI:
        yes = a > b;
        break;
    case INSP_A64_V_CMHS:
        yes = a >= b;
        break;
    case INSP_A64_V_CMLT:
        yes = x < y;
        break;
    default:
        yes = x <= y;
    }
    return yes ? UINT64_MAX : 0;
}

static uint64_t bitwise(unsigned how, uint64_t a, uint64_t b, uint64_t old)
{
    switch (how) {
    case INSP_A64_V_AND:
        return a & b;
    case INSP_A64_V_BIC:
        return a & ~b;
    case INSP_A64_V_ORR:
        return a | b;
    case INSP_A64_V_ORN:
        return a | ~b;
    case INSP_A64_V_EOR:
        return a ^ b;
    case INSP_A64_V_BSL:
        return (a & old) | (b & ~old);
    case INSP_A64_V_BIT:
        return (a & b) | (old & ~b);
    default:
        return (a & ~b) | (old & b);
    }
}

uint64_t insp_a64_combined(unsigned how, uint64_t a, uint64_t b, uint64_t old, size_t n)
{
    int64_t x = (int64_t)insp_extend(a, n), y = (int64_t)insp_extend(b, n);
    if (how >= INSP_A64_V_AND)
        return bitwise(how, a, b, old);
    switch (how) {
    case INSP_A64_V_ADD:
        return a + b;
    case INSP_A64_V_SUB:
        return a - b;
    case INSP_A64_V_MUL:
        return a * b;
    case INSP_A64_V_MLA:
        return old + a * b;
    case INSP_A64_V_MLS:
        return old - a * b;
    case INSP_A64_V_SMAX:
        return x > y ? a : b;
    case INSP_A64_V_SMIN:
        return x < y ? a : b;
    case INSP_A64_V_UMAX:
        return a > b ? a : b;
    case INSP_A64_V_UMIN:
        return a < b ? a : b;
    case INSP_A64_V_SECOND:
        return b;
    case INSP_A64_V_UQSUB:
        return a > b ? a - b : 0;
    case INSP_A64_V_USHL:
    case INSP_A64_V_SSHL:
        return shift_by(a, b, n, how == INSP_A64_V_SSHL);
    default:
        return compared(how, a, b, n);
    }
}

static insp_op *lane_by_lane(insp_machine *m, insp_op *op, const insp_vec *b)
{
    const insp_vec *a = &m->v[op->reg[1]], *old = &m->v[op->reg[0]];
    insp_vec out;
    size_t n = op->width;
    for (size_t i = 0; i < lanes(op); i++)
        insp_set_element(&out, i, n,
                         insp_a64_combined(op->variant, insp_element(a, i, n),
                                           insp_element(b, i, n), insp_element(old, i, n), n));
    return result(m, op, &out);
}

insp_op *insp_a64_vlanes(insp_machine *m, insp_op *op)
{
    static const insp_vec zero;
    return lane_by_lane(m, op, op->flags & INSP_A64_ZERO ? &zero : &m->v[op->reg[2]]);
}

// The second source is one lane of its register; imm is which.
insp_op *insp_a64_vlanes_by(insp_machine *m, insp_op *op)
{
    insp_vec b;
    size_t n = op->width;
    for (size_t i = 0; i < lanes(op); i++)
        insp_set_element(&b, i, n, insp_element(&m->v[op->reg[2]], op->imm, n));
    return lane_by_lane(m, op, &b);
}

// Neighbours of both sources put together, those of the first one below; of a scalar, one pair.
insp_op *insp_a64_vpairs(insp_machine *m, insp_op *op)
{
    insp_vec out, both = m->v[op->reg[1]];
    size_t n = op->width, bytes = op->size[0];
    if (bytes > n)
        memcpy(both.u8 + bytes, m->v[op->reg[2]].u8, bytes);
    for (size_t i = 0; i < lanes(op); i++)
        insp_set_element(&out, i, n,
                         insp_a64_combined(op->variant, insp_element(&both, 2 * i, n),
                                           insp_element(&both, 2 * i + 1, n), 0, n));
    return result(m, op, &out);
}

// ---- one source ----------------------------------------------------------------------------

static uint64_t changed(unsigned how, uint64_t x, size_t n)
{
    switch (how) {
    case INSP_A64_V_CNT:
        return (uint64_t)__builtin_popcountll(x);
    case INSP_A64_V_NOT:
        return ~x;
    case INSP_A64_V_RBIT:
        return insp_a64_bits_reversed(x, n);
    case INSP_A64_V_ABS:
        return insp_extend(x, n) >> 63 ? 0 - x : x;
    case INSP_A64_V_NEG:
        return 0 - x;
    default: // INSP_A64_V_CLZ
        return insp_a64_leading_zeros(x, n);
    }
}

// Elements of `n` bytes in the opposite order within each piece of `piece` bytes.
static void reverse(const insp_vec *in, size_t piece, size_t n, insp_vec *out)
{
    size_t each = piece / n;
    for (size_t i = 0; i < 16 / n; i++)
        insp_set_element(out, i, n, insp_element(in, i / each * each + each - 1 - i % each, n));
}

insp_op *insp_a64_vunary(insp_machine *m, insp_op *op)
{
    insp_vec in = m->v[op->reg[1]], out = in;
    size_t n = op->width;
    if (op->variant <= INSP_A64_V_REV16) {
        size_t piece = (size_t)8 >> op->variant;
        if (n >= piece)
            return insp_machine_fail(m, INSP_ERR_UNSUPPORTED, op->addr, "reserved instruction");
        reverse(&in, piece, n, &out);
        return result(m, op, &out);
    }
    for (size_t i = 0; i < lanes(op); i++)
        insp_set_element(&out, i, n, changed(op->variant, insp_element(&in, i, n), n));
    return result(m, op, &out);
}

// All lanes of size[1] bytes become one.
insp_op *insp_a64_vacross(insp_machine *m, insp_op *op)
{
    const insp_vec *in = &m->v[op->reg[1]];
    size_t n = op->width;
    uint64_t x = insp_element(in, 0, n);
    for (size_t i = 1; i < op->size[1] / n; i++)
        x = insp_a64_combined(op->variant, x, insp_element(in, i, n), 0, n);
    insp_vec out = {{0}};
    insp_set_element(&out, 0, n, x);
    return result(m, op, &out);
}

// ---- shifts --------------------------------------------------------------------------------

static uint64_t shifted(unsigned how, uint64_t x, uint64_t old, unsigned by, size_t n)
{
    unsigned bits = 8 * (unsigned)n;
    uint64_t right = by < bits ? x >> by : 0,
             field = by < 64 ? ~(UINT64_MAX << by) : UINT64_MAX;
    uint64_t right_signed =
        (uint64_t)((int64_t)insp_extend(x, n) >> (by < bits ? by : bits - 1));
    switch (how) {
    case INSP_A64_V_SHL:
        return x << by;
    case INSP_A64_V_SLI:
        return x << by | (old & field);
    case INSP_A64_V_USHR:
        return right;
    case INSP_A64_V_SSHR:
        return right_signed;
    case INSP_A64_V_USRA:
        return old + right;
    case INSP_A64_V_SSRA:
        return old + right_signed;
    default: // INSP_A64_V_SRI
        return right | (old & ~(by < bits ? insp_mask(n) >> by : 0));
    }
}

insp_op *insp_a64_vshift(insp_machine *m, insp_op *op)
{
    const insp_vec *in = &m->v[op->reg[1]], *old = &m->v[op->reg[0]];
    insp_vec out;
    size_t n = op->width;
    for (size_t i = 0; i < lanes(op); i++)
        insp_set_element(&out, i, n,
                         shifted(op->variant, insp_element(in, i, n), insp_element(old, i, n),
                                 op->shift, n));
    return result(m, op, &out);
}

static uint64_t lane_of_half(const insp_op *op, const insp_vec *v, size_t i)
{
    size_t n = op->width;
    uint64_t x = insp_element(v, i + (op->flags & INSP_A64_UPPER ? 8 / n : 0), n);
    return op->flags & INSP_A64_SIGNED ? insp_extend(x, n) : x;
}

// Lanes of `width` become lanes twice as wide.
insp_op *insp_a64_vwiden(insp_machine *m, insp_op *op)
{
    insp_vec out;
    size_t n = op->width;
    for (size_t i = 0; i < 8 / n; i++)
        insp_set_element(&out, i, 2 * n, lane_of_half(op, &m->v[op->reg[1]], i) << op->shift);
    return result(m, op, &out);
}

// Lanes twice as wide as `width` become lanes of that.
insp_op *insp_a64_vnarrow(insp_machine *m, insp_op *op)
{
    const insp_vec in = m->v[op->reg[1]];
    bool upper = op->flags & INSP_A64_UPPER;
    insp_vec out = {{0}};
    size_t n = op->width;
    if (upper)
        out = m->v[op->reg[0]];
    for (size_t i = 0; i < 8 / n; i++)
        insp_set_element(&out, i + (upper ? 8 / n : 0), n,
                         insp_element(&in, i, 2 * n) >> op->shift);
    return result(m, op, &out);
}

insp_op *insp_a64_vlong(insp_machine *m, insp_op *op)
{
    const insp_vec *old = &m->v[op->reg[0]];
    insp_vec out;
    size_t n = op->width;
    bool wide = op->variant == INSP_A64_V_WIDE_ADD || op->variant == INSP_A64_V_WIDE_SUB;
    for (size_t i = 0; i < 8 / n; i++) {
        uint64_t a = wide ? insp_element(&m->v[op->reg[1]], i, 2 * n)
                          : lane_of_half(op, &m->v[op->reg[1]], i);
        uint64_t b = lane_of_half(op, &m->v[op->reg[2]], i), x = a * b;
        if (op->variant <= INSP_A64_V_WIDE_ADD)
            x = a + b;
        else if (op->variant <= INSP_A64_V_WIDE_SUB)
            x = a - b;
        else if (op->variant == INSP_A64_V_LONG_MLA)
            x += insp_element(old, i, 2 * n);
        insp_set_element(&out, i, 2 * n, x);
    }
    return result(m, op, &out);
}

// ---- constants and copies ------------------------------------------------------------------

insp_op *insp_a64_vimmediate(insp_machine *m, insp_op *op)
{
    insp_vec out = m->v[op->reg[0]];
    for (size_t i = 0; i < 2; i++) {
        if (op->variant == INSP_A64_MOVI)
            out.u64[i] = op->imm;
        else if (op->variant == INSP_A64_ORR_IMMEDIATE)
            out.u64[i] |= op->imm;
        else
            out.u64[i] &= ~op->imm;
    }
    return result(m, op, &out);
}

// A lane into a general register.
insp_op *insp_a64_vtake(insp_machine *m, insp_op *op)
{
    uint64_t x = insp_element(&m->v[op->reg[1]], op->imm, op->width);
    if (op->variant == INSP_A64_SMOV)
        x = insp_extend(x, op->width) & insp_mask(op->size[1]);
    insp_set(m, op->reg[0], x);
    return op + 1;
}

// A lane or a general register into one lane, or all.
insp_op *insp_a64_vcopy(insp_machine *m, insp_op *op)
{
    insp_vec out = m->v[op->reg[0]];
    size_t n = op->width;
    if (op->variant == INSP_A64_INS_GENERAL) {
        insp_set_element(&out, op->imm, n, m->r[op->reg[1]].value);
        return result(m, op, &out);
    }
    uint64_t x = op->variant == INSP_A64_DUP ? insp_element(&m->v[op->reg[1]], op->imm, n)
                                             : m->r[op->reg[1]].value;
    for (size_t i = 0; i < lanes(op); i++)
        insp_set_element(&out, i, n, x);
    return result(m, op, &out);
}

// One lane of another register; shift is which.
insp_op *insp_a64_vinsert(insp_machine *m, insp_op *op)
{
    insp_vec out = m->v[op->reg[0]];
    uint64_t x = insp_element(&m->v[op->reg[1]], op->shift, op->width);
    insp_set_element(&out, op->imm, op->width, x);
    return result(m, op, &out);
}

// ---- lanes that go elsewhere ---------------------------------------------------------------

// Both sources' lanes at the even (1) or odd (2) places, those of each by turns, or their halves by turns.
insp_op *insp_a64_vpermute(insp_machine *m, insp_op *op)
{
    const insp_vec *from[2] = {&m->v[op->reg[1]], &m->v[op->reg[2]]};
    insp_vec out;
    size_t n = op->width, count = lanes(op), second = op->variant >> 2;
    for (size_t i = 0; i < count; i++) {
        size_t which = i % 2, k = 0;
        if ((op->variant & 3) == INSP_A64_UZP1) {
            which = i >= count / 2;
            k = 2 * i - (which ? count : 0) + second;
        } else if ((op->variant & 3) == INSP_A64_TRN1) {
            k = i / 2 * 2 + second;
        } else {
            k = i / 2 + second * count / 2;
        }
        insp_set_element(&out, i, n, insp_element(from[which], k, n));
    }
    return result(m, op, &out);
}

// The bytes from imm on, of both sources behind each other.
insp_op *insp_a64_vext(insp_machine *m, insp_op *op)
{
    insp_vec out, both = m->v[op->reg[1]];
    size_t n = op->size[0];
    memcpy(both.u8 + n, m->v[op->reg[2]].u8, n);
    memcpy(out.u8, both.u8 + op->imm, n);
    return result(m, op, &out);
}

// tbl and tbx: bytes by number from a table of imm registers.
insp_op *insp_a64_vlookup(insp_machine *m, insp_op *op)
{
    enum { TBX = 1 };
    insp_vec out = m->v[op->reg[0]];
    const insp_vec *by = &m->v[op->reg[2]];
    for (size_t i = 0; i < op->size[0]; i++) {
        unsigned k = by->u8[i];
        if (k < 16 * op->imm)
            out.u8[i] = m->v[(op->reg[1] + k / 16) % 32].u8[k % 16];
        else if (op->variant != TBX)
            out.u8[i] = 0;
    }
    return result(m, op, &out);
}
