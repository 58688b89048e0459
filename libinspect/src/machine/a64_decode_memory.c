// SPDX-License-Identifier: MIT
#include "a64.h"

// Loads and stores (C4.1.93).

static void read_base(uint32_t word, insp_op *op)
{
    op->base = insp_a64_or_sp(word, 5);
}

// Whether the base register moves, as the two bits that single registers and pairs have for it say.
static void read_moving(unsigned how, insp_op *op)
{
    enum { AFTER = 1, BEFORE = 3 };
    if (how == AFTER)
        op->flags |= INSP_A64_AFTER;
    else if (how == BEFORE)
        op->flags |= INSP_A64_BEFORE;
}

// Rt is a destination or a source, by whether this is a load.
static uint8_t transferred(const insp_op *op, uint32_t word, unsigned lo)
{
    bool loads =
        op->run == insp_a64_ldr || op->run == insp_a64_ldp || op->run == insp_a64_atomic;
    return loads ? insp_a64_destination(word, lo) : insp_a64_source(word, lo);
}

// A load that is sign-extended to 8 or 4 bytes. False where it would not become any longer.
static bool read_signed(uint8_t to, insp_op *op)
{
    op->flags |= INSP_A64_SIGNED;
    op->size[1] = to;
    return op->width < to;
}

// size in the top two bits; opc says what a load does.
static bool read_general(uint32_t word, insp_op *op)
{
    enum { STORE, LOAD, LOAD_8 };
    unsigned opc = insp_a64_field(word, 22, 2);
    read_base(word, op);
    op->width = (uint8_t)(1 << insp_a64_field(word, 30, 2));
    op->reg[0] = transferred(op, word, 0);
    return opc <= LOAD || read_signed(opc == LOAD_8 ? 8 : 4, op);
}

static bool read_vector(uint32_t word, insp_op *op)
{
    unsigned size = insp_a64_field(word, 30, 2), wide = insp_a64_field(word, 23, 1);
    read_base(word, op);
    op->width = (uint8_t)(1 << (size + 4 * wide));
    op->reg[0] = insp_a64_source(word, 0);
    return !wide || size == 0;
}

// ---- one register --------------------------------------------------------------------------

static bool read_offset(uint32_t word, insp_op *op)
{
    op->disp = (uint64_t)insp_a64_signed_field(word, 12, 9);
    read_moving(insp_a64_field(word, 10, 2), op);
    return true;
}

bool insp_a64_read_unscaled(uint32_t word, insp_op *op)
{
    return read_general(word, op) && read_offset(word, op);
}

bool insp_a64_read_vector_unscaled(uint32_t word, insp_op *op)
{
    enum { UNPRIVILEGED = 2 };
    return read_vector(word, op) && read_offset(word, op) &&
           insp_a64_field(word, 10, 2) != UNPRIVILEGED;
}

bool insp_a64_read_unsigned(uint32_t word, insp_op *op)
{
    bool ok = read_general(word, op);
    op->disp = (uint64_t)insp_a64_field(word, 10, 12) * op->width;
    return ok;
}

bool insp_a64_read_vector_unsigned(uint32_t word, insp_op *op)
{
    bool ok = read_vector(word, op);
    op->disp = (uint64_t)insp_a64_field(word, 10, 12) * op->width;
    return ok;
}

// Registers of 4 or 8 bytes are extended, and shifted by the size of what is accessed.
static bool read_index(uint32_t word, insp_op *op)
{
    unsigned option = insp_a64_field(word, 13, 3);
    op->index = insp_a64_source(word, 16);
    insp_a64_extend(op) = (uint8_t)(INSP_A64_UXTB + option);
    if (word >> 12 & 1)
        op->shift = (uint8_t)__builtin_ctz(op->width);
    return option & 2;
}

bool insp_a64_read_indexed(uint32_t word, insp_op *op)
{
    return read_general(word, op) && read_index(word, op);
}

bool insp_a64_read_vector_indexed(uint32_t word, insp_op *op)
{
    return read_vector(word, op) && read_index(word, op);
}

static void read_literal_address(uint32_t word, insp_op *op)
{
    op->base = INSP_A64_ZR;
    op->disp = insp_a64_label(word, op, 5, 19);
}

bool insp_a64_read_literal(uint32_t word, insp_op *op)
{
    enum { WORD, DOUBLE, SIGNED };
    unsigned opc = insp_a64_field(word, 30, 2);
    read_literal_address(word, op);
    op->reg[0] = insp_a64_destination(word, 0);
    op->width = opc == DOUBLE ? 8 : 4;
    return opc != SIGNED || read_signed(8, op);
}

bool insp_a64_read_vector_literal(uint32_t word, insp_op *op)
{
    read_literal_address(word, op);
    op->reg[0] = insp_a64_source(word, 0);
    op->width = (uint8_t)(4 << insp_a64_field(word, 30, 2));
    return true;
}

// ---- pairs ---------------------------------------------------------------------------------

static void read_pair_offset(uint32_t word, insp_op *op)
{
    read_base(word, op);
    op->disp = (uint64_t)insp_a64_signed_field(word, 15, 7) * op->width;
    read_moving(insp_a64_field(word, 23, 2), op);
}

bool insp_a64_read_pair(uint32_t word, insp_op *op)
{
    enum { WORDS, SIGNED, DOUBLES };
    unsigned opc = insp_a64_field(word, 30, 2);
    op->width = opc == DOUBLES ? 8 : 4;
    op->reg[0] = transferred(op, word, 0);
    op->reg[1] = transferred(op, word, 10);
    read_pair_offset(word, op);
    if (opc == SIGNED)
        return op->run == insp_a64_ldp && insp_a64_field(word, 23, 2) && read_signed(8, op);
    return opc <= DOUBLES;
}

bool insp_a64_read_vector_pair(uint32_t word, insp_op *op)
{
    unsigned opc = insp_a64_field(word, 30, 2);
    op->width = (uint8_t)(4 << opc);
    op->reg[0] = insp_a64_source(word, 0);
    op->reg[1] = insp_a64_source(word, 10);
    read_pair_offset(word, op);
    return opc < 3;
}

// ---- exclusive and atomic ------------------------------------------------------------------

// Rs is where a store says how it went, or what an atomic operation combines; of cas it is both.
bool insp_a64_read_exclusive(uint32_t word, insp_op *op)
{
    bool reads = op->run == insp_a64_atomic || op->run == insp_a64_casp;
    read_base(word, op);
    op->width = (uint8_t)(1 << insp_a64_field(word, 30, 2));
    op->reg[0] = transferred(op, word, 0);
    op->reg[2] = reads ? insp_a64_source(word, 16) : insp_a64_destination(word, 16);
    return true;
}

bool insp_a64_read_exclusive_pair(uint32_t word, insp_op *op)
{
    insp_a64_read_exclusive(word, op);
    op->width = word >> 30 & 1 ? 8 : 4;
    op->reg[1] = transferred(op, word, 10);
    return true;
}

// ---- structures ----------------------------------------------------------------------------

static void read_step(uint32_t word, insp_op *op)
{
    read_base(word, op);
    op->reg[0] = insp_a64_source(word, 0);
    op->size[0] = word >> 30 & 1 ? 16 : 8;
    if (word >> 22 & 1)
        op->flags |= INSP_A64_LOADS;
    if (word >> 23 & 1) {
        op->flags |= INSP_A64_AFTER;
        op->index = insp_a64_source(word, 16);
    }
}

bool insp_a64_read_structures(uint32_t word, insp_op *op)
{
    static const uint8_t members[16] = {4, 0, 1, 0, 3, 0, 1, 1, 2, 0, 1};
    static const uint8_t registers[16] = {1, 0, 4, 0, 1, 0, 3, 1, 1, 0, 2};
    unsigned how = insp_a64_field(word, 12, 4);
    read_step(word, op);
    op->width = (uint8_t)(1 << insp_a64_field(word, 10, 2));
    op->imm = members[how] | (uint64_t)registers[how] << 4;
    return members[how] && (op->width < op->size[0] || members[how] == 1);
}

// opcode<2:1> is the size of the lane, whose number is in Q, S and size as far as they are needed.
bool insp_a64_read_lane(uint32_t word, insp_op *op)
{
    enum { ALL = 0xff, REPLICATE = 3 };
    unsigned scale = insp_a64_field(word, 14, 2), size = insp_a64_field(word, 10, 2);
    unsigned lane = insp_a64_field(word, 30, 1) << 3 | insp_a64_field(word, 12, 1) << 2 | size;
    uint64_t members = (insp_a64_field(word, 13, 1) << 1 | insp_a64_field(word, 21, 1)) + 1;
    bool ok = true;
    read_step(word, op);
    if (scale == REPLICATE) {
        op->width = (uint8_t)(1 << size);
        ok = !(lane & 4) && op->flags & INSP_A64_LOADS;
        lane = ALL;
    } else if (scale == 2 && size & 1) {
        op->width = 8;
        ok = size == 1 && !(lane & 4);
        lane >>= 3;
    } else {
        op->width = (uint8_t)(1 << scale);
        ok = !(lane & ((1u << scale) - 1));
        lane >>= scale;
    }
    op->imm = members | lane << 4;
    return ok;
}
