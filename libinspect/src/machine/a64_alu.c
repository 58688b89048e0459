// SPDX-License-Identifier: MIT
#include "a64.h"
#include "flags.h"

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

// ---- sources -------------------------------------------------------------------------------

static uint64_t rotated(uint64_t x, unsigned by, size_t size)
{
    unsigned bits = 8 * (unsigned)size;
    by &= bits - 1;
    x &= insp_mask(size);
    return by ? (x >> by | x << (bits - by)) & insp_mask(size) : x;
}

static uint64_t shifted(uint64_t x, unsigned how, unsigned by, size_t size)
{
    uint64_t mask = insp_mask(size);
    switch (how) {
    case INSP_A64_LSL:
        return x << by & mask;
    case INSP_A64_LSR:
        return (x & mask) >> by;
    case INSP_A64_ASR:
        return (uint64_t)((int64_t)insp_extend(x, size) >> by) & mask;
    default:
        return rotated(x, by, size);
    }
}

uint64_t insp_a64_extended(uint64_t x, unsigned extend, unsigned shift)
{
    size_t size = (size_t)1 << (extend & 3);
    x = extend >= INSP_A64_SXTB ? insp_extend(x, size) : x & insp_mask(size);
    return x << shift;
}

uint64_t insp_a64_second(const insp_machine *m, const insp_op *op)
{
    uint64_t x = m->r[op->reg[2]].value;
    unsigned how = insp_a64_extend(op);
    x = how < INSP_A64_UXTB ? shifted(x, how, op->shift, op->width)
                            : insp_a64_extended(x, how, op->shift);
    x += op->imm;
    return (op->flags & INSP_A64_NOT ? ~x : x) & insp_mask(op->width);
}

static uint64_t first(const insp_machine *m, const insp_op *op)
{
    return m->r[op->reg[1]].value & insp_mask(op->width);
}

static insp_op *result(insp_machine *m, insp_op *op, uint64_t x)
{
    insp_set(m, op->reg[0], x & insp_mask(op->width));
    return op + 1;
}

// ---- moves ---------------------------------------------------------------------------------

insp_op *insp_a64_move(insp_machine *m, insp_op *op)
{
    return result(m, op, op->imm);
}

insp_op *insp_a64_movk(insp_machine *m, insp_op *op)
{
    uint64_t kept = m->r[op->reg[1]].value & ~(UINT64_C(0xffff) << op->shift);
    return result(m, op, kept | op->imm);
}

insp_op *insp_a64_select(insp_machine *m, insp_op *op)
{
    bool yes = insp_a64_holds(&m->f, insp_a64_cond(op));
    insp_machine_arg x = m->r[op->reg[yes ? 1 : 2]];
    if (!yes && op->variant == INSP_A64_CSINC)
        return result(m, op, x.value + 1);
    if (!yes && op->variant == INSP_A64_CSINV)
        return result(m, op, ~x.value);
    if (!yes && op->variant == INSP_A64_CSNEG)
        return result(m, op, 0 - x.value);
    if (op->width < 8)
        return result(m, op, x.value);
    m->r[op->reg[0]] = x;
    return op + 1;
}

// ---- sums ----------------------------------------------------------------------------------

// Unlike x86, subtraction leaves C set where nothing was borrowed.
static uint64_t difference(insp_flags *f, uint64_t a, uint64_t b, uint64_t borrow, size_t size)
{
    uint64_t r = insp_sub(f, a, b, borrow, size);
    f->carry = !f->carry;
    return r;
}

insp_op *insp_a64_arith(insp_machine *m, insp_op *op)
{
    insp_flags unused = {0}, *f = op->flags & INSP_A64_SETS ? &m->f : &unused;
    uint64_t a = first(m, op), b = insp_a64_second(m, op);
    switch (op->variant) {
    case INSP_A64_ADD:
        return result(m, op, insp_add(f, a, b, 0, op->width));
    case INSP_A64_SUB:
        return result(m, op, difference(f, a, b, 0, op->width));
    case INSP_A64_ADC:
        return result(m, op, insp_add(f, a, b, m->f.carry, op->width));
    default:
        return result(m, op, difference(f, a, b, !m->f.carry, op->width));
    }
}

insp_op *insp_a64_ccmp(insp_machine *m, insp_op *op)
{
    uint64_t a = first(m, op), b = insp_a64_second(m, op);
    if (!insp_a64_holds(&m->f, insp_a64_cond(op)))
        insp_a64_set_flags(&m->f, insp_a64_nzcv(op));
    else if (op->variant == INSP_A64_ADD)
        (void)insp_add(&m->f, a, b, 0, op->width);
    else
        (void)difference(&m->f, a, b, 0, op->width);
    return op + 1;
}

static uint64_t multiplied(unsigned how, uint64_t a, uint64_t b)
{
    switch (how) {
    case INSP_A64_MADD:
    case INSP_A64_MSUB:
        return a * b;
    case INSP_A64_SMADDL:
    case INSP_A64_SMSUBL:
        return insp_extend(a, 4) * insp_extend(b, 4);
    case INSP_A64_UMADDL:
    case INSP_A64_UMSUBL:
        return (a & UINT32_MAX) * (b & UINT32_MAX);
    case INSP_A64_SMULH:
        return (uint64_t)((u128)((i128)(int64_t)a * (int64_t)b) >> 64);
    default:
        return (uint64_t)((u128)a * b >> 64);
    }
}

insp_op *insp_a64_three(insp_machine *m, insp_op *op)
{
    uint64_t x = multiplied(op->variant, m->r[op->reg[1]].value, m->r[op->reg[2]].value);
    bool high = op->variant >= INSP_A64_SMULH, minus = op->variant & 1;
    uint64_t to = high ? 0 : m->r[op->index].value;
    return result(m, op, minus && !high ? to - x : to + x);
}

static uint64_t divided(uint64_t a, uint64_t b, bool is_signed, size_t size)
{
    if (b == 0)
        return 0;
    if (!is_signed)
        return a / b;
    int64_t x = (int64_t)insp_extend(a, size), y = (int64_t)insp_extend(b, size);
    // The most negative number, by -1, stays.
    return y == -1 ? 0 - (uint64_t)x : (uint64_t)(x / y);
}

insp_op *insp_a64_two(insp_machine *m, insp_op *op)
{
    uint64_t a = first(m, op), b = m->r[op->reg[2]].value & insp_mask(op->width);
    if (op->variant >= INSP_A64_UDIV)
        return result(m, op, divided(a, b, op->variant == INSP_A64_SDIV, op->width));
    return result(m, op, shifted(a, op->variant, (unsigned)b % (8u * op->width), op->width));
}

// CRC32 (0x04c11db7) and CRC32C (0x1edc6f41), bit by bit from the low end; variant 1 is the latter.
insp_op *insp_a64_crc32(insp_machine *m, insp_op *op)
{
    uint32_t polynomial = op->variant ? UINT32_C(0x82f63b78) : UINT32_C(0xedb88320);
    uint32_t crc = (uint32_t)m->r[op->reg[1]].value;
    uint64_t data = m->r[op->reg[2]].value;
    for (unsigned i = 0; i < 8u * op->size[0]; i++, data >>= 1)
        crc = crc >> 1 ^ ((crc ^ data) & 1 ? polynomial : 0);
    return result(m, op, crc);
}

// ---- bits ----------------------------------------------------------------------------------

// Clearing the tag bits of a pointer leaves it the pointer that was loaded.
static bool keeps_pointer(const insp_op *op)
{
    if (op->width < 8 || op->flags & INSP_A64_NOT)
        return false;
    return op->variant == INSP_A64_AND && op->reg[2] == INSP_A64_ZR && op->imm >= (uint64_t)-8;
}

// mov is orr with the zero register.
static bool copies(const insp_op *op)
{
    return op->variant == INSP_A64_ORR && op->reg[1] == INSP_A64_ZR && op->width == 8 &&
           op->reg[2] != INSP_A64_ZR && !op->shift && !(op->flags & INSP_A64_NOT);
}

insp_op *insp_a64_logic(insp_machine *m, insp_op *op)
{
    uint64_t a = first(m, op), b = insp_a64_second(m, op);
    if (copies(op)) {
        m->r[op->reg[0]] = m->r[op->reg[2]];
        return op + 1;
    }
    switch (op->variant) {
    case INSP_A64_ORR:
        return result(m, op, a | b);
    case INSP_A64_EOR:
        return result(m, op, a ^ b);
    case INSP_A64_ANDS:
        insp_flags_logic(&m->f, a & b, op->width);
        return result(m, op, a & b);
    default: {
        insp_machine_arg x = {a & b, keeps_pointer(op) ? m->r[op->reg[1]].from : 0};
        m->r[op->reg[0]] = x;
        return op + 1;
    }
    }
}

// Bits imms … 0 go up to where immr ends, or bits imms … immr come down; imm has both (C6.2, BFM).
insp_op *insp_a64_bitfield(insp_machine *m, insp_op *op)
{
    unsigned bits = 8u * op->width, r = (unsigned)op->imm & 63, s = (unsigned)op->imm >> 6;
    unsigned n = s >= r ? s - r + 1 : s + 1, at = s >= r ? 0 : bits - r;
    uint64_t field = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    uint64_t x = first(m, op) >> (s >= r ? r : 0) & field;
    if (op->variant == INSP_A64_BFM)
        return result(m, op, (m->r[op->reg[0]].value & ~(field << at)) | x << at);
    if (op->variant == INSP_A64_SBFM && x >> (n - 1) & 1)
        x |= ~field;
    return result(m, op, x << at);
}

insp_op *insp_a64_extr(insp_machine *m, insp_op *op)
{
    uint64_t high = first(m, op), low = m->r[op->reg[2]].value & insp_mask(op->width);
    unsigned by = op->shift;
    return result(m, op, by ? low >> by | high << (8u * op->width - by) : low);
}

uint64_t insp_a64_bits_reversed(uint64_t x, size_t size)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < 8 * size; i++)
        out |= (x >> i & 1) << (8 * size - 1 - i);
    return out;
}

// The bytes of each `unit` in the opposite order.
static uint64_t bytes_reversed(uint64_t x, size_t unit)
{
    uint64_t out = 0;
    for (unsigned i = 0; i < 8; i++)
        out |= (x >> 8 * i & 0xff) << 8 * (i / unit * unit + unit - 1 - i % unit);
    return out;
}

uint64_t insp_a64_leading_zeros(uint64_t x, size_t size)
{
    return x ? (uint64_t)__builtin_clzll(x) - (64 - 8 * size) : 8 * size;
}

insp_op *insp_a64_bits(insp_machine *m, insp_op *op)
{
    uint64_t x = first(m, op);
    switch (op->variant) {
    case INSP_A64_RBIT:
        return result(m, op, insp_a64_bits_reversed(x, op->width));
    case INSP_A64_REV16:
        return result(m, op, bytes_reversed(x, 2));
    case INSP_A64_REV32:
        return result(m, op, bytes_reversed(x, 4));
    case INSP_A64_REV:
        return result(m, op, bytes_reversed(x, op->width));
    case INSP_A64_CLZ:
        return result(m, op, insp_a64_leading_zeros(x, op->width));
    default:
        if (insp_top(x, op->width))
            x = ~x & insp_mask(op->width);
        return result(m, op, insp_a64_leading_zeros(x, op->width) - 1);
    }
}
