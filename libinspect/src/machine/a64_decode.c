// SPDX-License-Identifier: MIT
#include "a64.h"
#include "ops.h"

// ---- what many instructions have ------------------------------------------------------------

static bool is_wide(uint32_t word)
{
    return word >> 31;
}

static void read_width(uint32_t word, insp_op *op)
{
    op->width = op->size[1] = is_wide(word) ? 8 : 4;
}

// Rd, Rn and Rm at their usual places.
static void read_three_registers(uint32_t word, insp_op *op)
{
    read_width(word, op);
    op->reg[0] = insp_a64_destination(word, 0);
    op->reg[1] = insp_a64_source(word, 5);
    op->reg[2] = insp_a64_source(word, 16);
}

bool insp_a64_read_nothing(uint32_t word, insp_op *op)
{
    (void)word;
    (void)op;
    return true;
}

// ---- immediates (C4.1.92) ------------------------------------------------------------------

static uint64_t page_offset(uint32_t word)
{
    return (uint64_t)insp_a64_signed_field(word, 5, 19) << 2 | insp_a64_field(word, 29, 2);
}

bool insp_a64_read_adr(uint32_t word, insp_op *op)
{
    op->width = 8;
    op->reg[0] = insp_a64_destination(word, 0);
    op->imm = op->addr + page_offset(word);
    return true;
}

bool insp_a64_read_adrp(uint32_t word, insp_op *op)
{
    op->width = 8;
    op->reg[0] = insp_a64_destination(word, 0);
    op->imm = (op->addr & ~UINT64_C(0xfff)) + (page_offset(word) << 12);
    return true;
}

static void read_setting(uint32_t word, insp_op *op)
{
    if (word >> 29 & 1)
        op->flags |= INSP_A64_SETS;
}

bool insp_a64_read_add_immediate(uint32_t word, insp_op *op)
{
    read_width(word, op);
    read_setting(word, op);
    op->reg[0] =
        op->flags & INSP_A64_SETS ? insp_a64_destination(word, 0) : insp_a64_or_sp(word, 0);
    op->reg[1] = insp_a64_or_sp(word, 5);
    op->imm = (uint64_t)insp_a64_field(word, 10, 12) << (word >> 22 & 1 ? 12 : 0);
    return true;
}

// DecodeBitMasks: a run of ones, rotated, in each piece of 2 … 64 bits. False where it is reserved.
static bool bit_mask(uint32_t word, uint64_t *out)
{
    unsigned r = insp_a64_field(word, 16, 6), s = insp_a64_field(word, 10, 6);
    unsigned len = insp_a64_field(word, 22, 1) << 6 | (~s & 63);
    if (len < 2)
        return false;
    unsigned piece = 1u << (31 - (unsigned)__builtin_clz(len));
    unsigned ones = (s & (piece - 1)) + 1, by = r & (piece - 1);
    if (ones == piece)
        return false;
    uint64_t run = (UINT64_C(1) << ones) - 1,
             all = piece < 64 ? (UINT64_C(1) << piece) - 1 : UINT64_MAX;
    run = by ? (run >> by | run << (piece - by)) & all : run;
    for (; piece < 64; piece *= 2)
        run |= run << piece;
    *out = run;
    return true;
}

bool insp_a64_read_logic_immediate(uint32_t word, insp_op *op)
{
    read_width(word, op);
    op->reg[0] =
        op->variant == INSP_A64_ANDS ? insp_a64_destination(word, 0) : insp_a64_or_sp(word, 0);
    op->reg[1] = insp_a64_source(word, 5);
    return (is_wide(word) || !insp_a64_field(word, 22, 1)) && bit_mask(word, &op->imm);
}

// movn, movz and movk.
bool insp_a64_read_move(uint32_t word, insp_op *op)
{
    enum { MOVN, MOVZ = 2 };
    unsigned opc = insp_a64_field(word, 29, 2);
    read_width(word, op);
    op->reg[0] = insp_a64_destination(word, 0);
    op->reg[1] = insp_a64_source(word, 0);
    op->shift = (uint8_t)(16 * insp_a64_field(word, 21, 2));
    op->imm = (uint64_t)insp_a64_field(word, 5, 16) << op->shift;
    if (opc == MOVN)
        op->imm = ~op->imm;
    return op->shift < 8 * op->width;
}

bool insp_a64_read_bitfield(uint32_t word, insp_op *op)
{
    unsigned r = insp_a64_field(word, 16, 6), s = insp_a64_field(word, 10, 6);
    read_width(word, op);
    op->reg[0] = insp_a64_destination(word, 0);
    op->reg[1] = insp_a64_source(word, 5);
    op->imm = s << 6 | r;
    return insp_a64_field(word, 22, 1) == is_wide(word) &&
           (is_wide(word) || (r < 32 && s < 32));
}

bool insp_a64_read_extract(uint32_t word, insp_op *op)
{
    read_three_registers(word, op);
    op->shift = (uint8_t)insp_a64_field(word, 10, 6);
    return insp_a64_field(word, 22, 1) == is_wide(word) && op->shift < 8 * op->width;
}

// ---- registers (C4.1.95) -------------------------------------------------------------------

bool insp_a64_read_shifted(uint32_t word, insp_op *op)
{
    read_three_registers(word, op);
    insp_a64_extend(op) = (uint8_t)insp_a64_field(word, 22, 2);
    op->shift = (uint8_t)insp_a64_field(word, 10, 6);
    if (word >> 21 & 1)
        op->flags |= INSP_A64_NOT;
    return op->shift < 8 * op->width;
}

bool insp_a64_read_arith_shifted(uint32_t word, insp_op *op)
{
    bool ok = insp_a64_read_shifted(word, op);
    read_setting(word, op);
    return ok && insp_a64_extend(op) != INSP_A64_ROR;
}

bool insp_a64_read_extended(uint32_t word, insp_op *op)
{
    read_three_registers(word, op);
    read_setting(word, op);
    if (!(op->flags & INSP_A64_SETS))
        op->reg[0] = insp_a64_or_sp(word, 0);
    op->reg[1] = insp_a64_or_sp(word, 5);
    insp_a64_extend(op) = (uint8_t)(INSP_A64_UXTB + insp_a64_field(word, 13, 3));
    op->shift = (uint8_t)insp_a64_field(word, 10, 3);
    return op->shift <= 4;
}

// Two or three sources, and those with carry.
bool insp_a64_read_three(uint32_t word, insp_op *op)
{
    read_three_registers(word, op);
    read_setting(word, op);
    op->index = insp_a64_source(word, 10);
    return true;
}

// As many bytes as are fed to it, 8 from a whole register.
bool insp_a64_read_crc32(uint32_t word, insp_op *op)
{
    read_three_registers(word, op);
    op->size[0] = (uint8_t)(1 << insp_a64_field(word, 10, 2));
    return (op->size[0] == 8) == is_wide(word);
}

bool insp_a64_read_conditional(uint32_t word, insp_op *op)
{
    read_three_registers(word, op);
    insp_a64_cond(op) = (uint8_t)insp_a64_field(word, 12, 4);
    return true;
}

bool insp_a64_read_compare(uint32_t word, insp_op *op)
{
    insp_a64_read_conditional(word, op);
    insp_a64_nzcv(op) = (uint8_t)insp_a64_field(word, 0, 4);
    return true;
}

bool insp_a64_read_compare_immediate(uint32_t word, insp_op *op)
{
    insp_a64_read_compare(word, op);
    op->imm = op->reg[2];
    op->reg[2] = INSP_A64_ZR;
    return true;
}

// One source, at its usual place; also br, blr and ret.
bool insp_a64_read_register(uint32_t word, insp_op *op)
{
    read_width(word, op);
    op->reg[0] = insp_a64_destination(word, 0);
    op->reg[1] = insp_a64_source(word, 5);
    return true;
}

// ---- jumps (C4.1.94) -----------------------------------------------------------------------

bool insp_a64_read_jump(uint32_t word, insp_op *op)
{
    op->imm = insp_a64_label(word, op, 0, 26);
    return true;
}

bool insp_a64_read_jump_if(uint32_t word, insp_op *op)
{
    op->imm = insp_a64_label(word, op, 5, 19);
    insp_a64_cond(op) = (uint8_t)insp_a64_field(word, 0, 4);
    return true;
}

bool insp_a64_read_jump_zero(uint32_t word, insp_op *op)
{
    read_width(word, op);
    op->reg[1] = insp_a64_source(word, 0);
    op->imm = insp_a64_label(word, op, 5, 19);
    return true;
}

bool insp_a64_read_jump_bit(uint32_t word, insp_op *op)
{
    op->reg[1] = insp_a64_source(word, 0);
    op->shift = (uint8_t)(insp_a64_field(word, 31, 1) << 5 | insp_a64_field(word, 19, 5));
    op->imm = insp_a64_label(word, op, 5, 14);
    return true;
}

bool insp_a64_read_system(uint32_t word, insp_op *op)
{
    op->reg[0] = insp_a64_destination(word, 0);
    op->imm = insp_a64_field(word, 5, 15);
    return true;
}

bool insp_a64_read_flags(uint32_t word, insp_op *op)
{
    op->reg[1] = insp_a64_source(word, 0);
    return true;
}

// ---- the whole -----------------------------------------------------------------------------

// Nothing is executed behind what always goes elsewhere.
static bool is_last(const insp_op *op)
{
    return (op->run == insp_a64_jump && op->variant == INSP_A64_B) ||
           (op->run == insp_a64_jump_to && op->variant == INSP_A64_B) ||
           op->run == insp_a64_ret || op->run == insp_a64_trap || op->run == insp_op_syscall ||
           op->run == insp_op_unsupported;
}

bool insp_a64_decode(const insp_machine *m, const unsigned char *bytes, size_t n, insp_op *op)
{
    uint32_t word = 0;
    (void)m;
    *op = (insp_op){.addr = op->addr, .length = 4, .run = insp_op_unsupported};
    op->index = op->reg[2] = INSP_A64_ZR;
    if (n < sizeof(word))
        return true;
    memcpy(&word, bytes, sizeof(word));
    const insp_a64_row *row = insp_a64_find(word);
    op->mnemonic = insp_a64_number(row);
    if (!row)
        return true;
    op->variant = row->variant;
    op->run = row->run;
    if (!row->read(word, op))
        op->run = insp_op_unsupported;
    return is_last(op);
}

const char *insp_a64_name(const insp_op *op)
{
    const insp_a64_row *row = insp_a64_row_at(op->mnemonic);
    return row ? row->name : "?";
}
