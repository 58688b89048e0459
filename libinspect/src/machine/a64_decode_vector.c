// SPDX-License-Identifier: MIT
#include "a64.h"

// Vectors and floating point (C4.1.96).

static void read_registers(uint32_t word, insp_op *op)
{
    op->reg[0] = insp_a64_source(word, 0);
    op->reg[1] = insp_a64_source(word, 5);
    op->reg[2] = insp_a64_source(word, 16);
    op->size[0] = word >> 30 & 1 ? 16 : 8;
}

static void read_size(uint32_t word, insp_op *op)
{
    op->width = (uint8_t)(1 << insp_a64_field(word, 22, 2));
}

// ---- lanes of the same size ----------------------------------------------------------------

// Bit 11 clear, of one with one source: it is compared with 0, if with anything.
bool insp_a64_read_same(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    read_size(word, op);
    if (insp_a64_field(word, 10, 2) == 2)
        op->flags |= INSP_A64_ZERO;
    bool small_only = op->run == insp_a64_vlanes &&
                      ((op->variant >= INSP_A64_V_SMAX && op->variant <= INSP_A64_V_UMIN) ||
                       op->variant == INSP_A64_V_MUL || op->variant == INSP_A64_V_MLA ||
                       op->variant == INSP_A64_V_MLS);
    bool pairs = op->run == insp_a64_vpairs && op->variant != INSP_A64_V_ADD;
    bool counts = op->run == insp_a64_vunary && op->variant == INSP_A64_V_CLZ;
    return op->width < ((small_only || pairs || counts) ? 8 : op->size[0]);
}

// The size says which operation it is; each is that of the bits.
bool insp_a64_read_bitwise(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->width = op->run == insp_a64_vunary ? 1 : 8;
    return true;
}

// One lane of the second register, which the bits H, L and M, and the size, say.
bool insp_a64_read_element(uint32_t word, insp_op *op)
{
    unsigned h = insp_a64_field(word, 11, 1), l = insp_a64_field(word, 21, 1);
    read_registers(word, op);
    read_size(word, op);
    op->imm = h << 1 | l;
    if (op->width == 2) {
        op->imm = op->imm << 1 | insp_a64_field(word, 20, 1);
        op->reg[2] &= 15;
    }
    return op->width == 2 || op->width == 4;
}

// A single lane of 8 bytes.
bool insp_a64_read_scalar(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->width = op->size[0] = 8;
    if (insp_a64_field(word, 10, 2) == 2)
        op->flags |= INSP_A64_ZERO;
    return insp_a64_field(word, 22, 2) == 3;
}

bool insp_a64_read_across(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    read_size(word, op);
    op->size[1] = op->size[0];
    op->size[0] = op->width;
    return op->width < 4 || (op->width == 4 && op->size[1] == 16);
}

// ---- shifts --------------------------------------------------------------------------------

// immh:immb: its highest bit is the width, the rest how far. False where that is a row of its own.
static bool read_distance(uint32_t word, bool right, insp_op *op)
{
    unsigned both = insp_a64_field(word, 16, 7);
    if (both < 8)
        return false;
    unsigned bits = 1u << (31 - (unsigned)__builtin_clz(both));
    op->width = (uint8_t)(bits / 8);
    op->shift = (uint8_t)(right ? 2 * bits - both : both - bits);
    return true;
}

// Bit 28 of a scalar one is set, and its lane has 8 bytes.
static bool read_shift(uint32_t word, bool right, insp_op *op)
{
    read_registers(word, op);
    bool ok = read_distance(word, right, op);
    if (word >> 28 & 1)
        op->size[0] = 8;
    return ok && (word >> 28 & 1 ? op->width == 8 : op->width < op->size[0]);
}

bool insp_a64_read_shift_left(uint32_t word, insp_op *op)
{
    return read_shift(word, false, op);
}

bool insp_a64_read_shift_right(uint32_t word, insp_op *op)
{
    return read_shift(word, true, op);
}

// Where lanes become other ones: Q says which half of the longer ones' register it is.
static void read_half(uint32_t word, insp_op *op)
{
    if (op->size[0] == 16)
        op->flags |= INSP_A64_UPPER;
    if (!(word >> 29 & 1))
        op->flags |= INSP_A64_SIGNED;
}

bool insp_a64_read_shift_long(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    read_half(word, op);
    op->size[0] = 16;
    return read_distance(word, false, op) && op->width < 8;
}

bool insp_a64_read_shift_narrow(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    read_half(word, op);
    return read_distance(word, true, op) && op->width < 8;
}

bool insp_a64_read_narrow(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    read_half(word, op);
    read_size(word, op);
    return op->width < 8;
}

bool insp_a64_read_different(uint32_t word, insp_op *op)
{
    bool ok = insp_a64_read_narrow(word, op);
    op->size[0] = 16;
    return ok;
}

// ---- constants and copies ------------------------------------------------------------------

// VFPExpandImm: sign, three bits of exponent, four of fraction.
static uint64_t float_of(uint64_t bits, size_t size)
{
    uint64_t sign = bits >> 7, fraction = bits & 15, low = bits >> 4 & 3;
    bool high = bits >> 6 & 1;
    if (size == 8)
        return sign << 63 | ((high ? 0x3fc : 0x400) + low) << 52 | fraction << 48;
    return sign << 31 | ((high ? 0x7c : 0x80) + low) << 23 | fraction << 19;
}

// AdvSIMDExpandImm: how the 8 bits become 64.
static void expand(unsigned cmode, bool op, uint64_t bits, uint64_t *out)
{
    uint64_t x;
    if (cmode < 8) {
        x = bits << 8 * (cmode >> 1);
        *out = x | x << 32;
    } else if (cmode < 12) {
        x = bits << 8 * (cmode >> 1 & 1);
        *out = x * UINT64_C(0x0001000100010001);
    } else if (cmode < 14) {
        x = cmode & 1 ? bits << 16 | 0xffff : bits << 8 | 0xff;
        *out = x | x << 32;
    } else if (cmode == 14 && !op) {
        *out = bits * UINT64_C(0x0101010101010101);
    } else if (cmode == 14) {
        *out = 0;
        for (unsigned i = 0; i < 8; i++)
            *out |= bits >> i & 1 ? UINT64_C(0xff) << 8 * i : 0;
    } else if (!op) {
        x = float_of(bits, 4);
        *out = x | x << 32;
    } else {
        *out = float_of(bits, 8);
    }
}

bool insp_a64_read_vector_immediate(uint32_t word, insp_op *op)
{
    unsigned cmode = insp_a64_field(word, 12, 4);
    bool inverts = word >> 29 & 1;
    read_registers(word, op);
    expand(cmode, inverts, insp_a64_field(word, 16, 3) << 5 | insp_a64_field(word, 5, 5),
           &op->imm);
    op->variant = INSP_A64_MOVI;
    if (cmode < 12 && cmode & 1)
        op->variant = inverts ? INSP_A64_BIC_IMMEDIATE : INSP_A64_ORR_IMMEDIATE;
    else if (inverts && cmode < 14)
        op->imm = ~op->imm;
    // fmov of a double needs room for two.
    return cmode < 15 || !inverts || op->size[0] == 16;
}

// imm5: the lowest bit that is set is the width, those above are the lane.
static bool read_lane_number(uint32_t word, insp_op *op)
{
    unsigned five = insp_a64_field(word, 16, 5),
             scale = five & 15 ? (unsigned)__builtin_ctz(five) : 4;
    op->width = (uint8_t)(1 << (scale & 3));
    op->imm = five >> (scale + 1);
    return scale < 4;
}

bool insp_a64_read_copy(uint32_t word, insp_op *op)
{
    bool ok = false, q = word >> 30 & 1;
    read_registers(word, op);
    ok = read_lane_number(word, op);
    op->size[1] = q ? 8 : 4;
    switch (op->variant) {
    case INSP_A64_UMOV:
        op->reg[0] = insp_a64_destination(word, 0);
        return ok && (op->width == 8) == q;
    case INSP_A64_SMOV:
        op->reg[0] = insp_a64_destination(word, 0);
        return ok && op->width < op->size[1];
    case INSP_A64_DUP:
        if (word >> 28 & 1)
            op->size[0] = op->width;
        return ok && (word >> 28 & 1 || op->width < op->size[0]);
    default:
        return ok && op->width < op->size[0];
    }
}

bool insp_a64_read_insert(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    bool ok = read_lane_number(word, op);
    op->shift = (uint8_t)(insp_a64_field(word, 11, 4) / op->width);
    return ok;
}

bool insp_a64_read_ext(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->width = 1;
    op->imm = insp_a64_field(word, 11, 4);
    return op->imm < op->size[0];
}

bool insp_a64_read_lookup(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->width = 1;
    op->imm = insp_a64_field(word, 13, 2) + 1;
    return true;
}

// ---- floating point ------------------------------------------------------------------------

bool insp_a64_read_float_lanes(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->width = word >> 22 & 1 ? 8 : 4;
    return op->width < op->size[0];
}

bool insp_a64_read_float(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->width = op->size[0] = word >> 22 & 1 ? 8 : 4;
    insp_a64_cond(op) = (uint8_t)insp_a64_field(word, 12, 4);
    if (op->run == insp_a64_fcompare && word >> 3 & 1)
        op->flags |= INSP_A64_ZERO;
    return true;
}

bool insp_a64_read_float_convert(uint32_t word, insp_op *op)
{
    insp_a64_read_float(word, op);
    op->size[0] = op->width == 8 ? 4 : 8;
    return true;
}

// Between vector and general registers: which of the two the destination is, the operation says.
bool insp_a64_read_float_general(uint32_t word, insp_op *op)
{
    insp_a64_read_float(word, op);
    bool to_general = op->run == insp_a64_fmove ? op->variant == INSP_A64_TO_GENERAL
                                                : op->variant >= INSP_A64_FCVTZS;
    if (to_general)
        op->reg[0] = insp_a64_destination(word, 0);
    op->size[1] = word >> 31 ? 8 : 4;
    if (op->run != insp_a64_fmove)
        return true;
    op->width = op->size[1];
    if (word >> 23 & 1)
        op->flags |= INSP_A64_UPPER;
    return true;
}

// Of the whole number, scale bits are a fraction.
bool insp_a64_read_float_fixed(uint32_t word, insp_op *op)
{
    insp_a64_read_float_general(word, op);
    op->shift = (uint8_t)(64 - insp_a64_field(word, 10, 6));
    return op->shift <= 8 * op->size[1];
}

bool insp_a64_read_float_immediate(uint32_t word, insp_op *op)
{
    read_registers(word, op);
    op->variant = INSP_A64_MOVI;
    op->imm = float_of(insp_a64_field(word, 13, 8), word >> 22 & 1 ? 8 : 4);
    op->size[0] = 8;
    return true;
}
