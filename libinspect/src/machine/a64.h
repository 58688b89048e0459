// SPDX-License-Identifier: MIT
/**
 * @file
 * A64, the instruction set of aarch64: its registers, how an insp_op holds its instructions, and the
 * functions that execute them. a64_table.c says which instruction is executed by which of them.
 *
 * Source: Arm Architecture Reference Manual for A-profile (DDI 0487), chapters C4 and C6 to C7.
 */
#ifndef INSP_MACHINE_A64_H
#define INSP_MACHINE_A64_H

#include "state.h"

/** Registers beside x0 … x30. Number 31 of an encoding is one of the first two, by instruction. */
enum {
    INSP_A64_LR = 30,
    INSP_A64_ZR = 31, /**< read only, always 0 */
    INSP_A64_SP = 32,
    INSP_A64_NOWHERE = 33 /**< written where the encoding names the zero register */
};

/**
 * insp_op, for A64:
 *  - reg: destination, first and second source; Rt, Rt2 and Rs of loads and stores
 *  - width: of the operation, of what one register has in memory, or of an element of a vector
 *  - size[0]: bytes of a vector that are written; size[1]: of a general register that is
 *  - imm: added to the second source, or the address of a direct jump
 *  - extend, shift: applied to the second source, or to the index register
 *  - base, index, disp: an address; index is also the third source
 *  - cond and nzcv, in the fields of an address that such instructions do not have
 */
#define insp_a64_extend(op) ((op)->mask)
#define insp_a64_cond(op) ((op)->base)
#define insp_a64_nzcv(op) ((op)->index)

/** insp_a64_extend(): the shifts as encoded, then the extensions. */
enum {
    INSP_A64_LSL,
    INSP_A64_LSR,
    INSP_A64_ASR,
    INSP_A64_ROR,
    INSP_A64_UXTB = 8,
    INSP_A64_UXTW = 10,
    INSP_A64_UXTX = 11,
    INSP_A64_SXTB = 12,
    INSP_A64_SXTX = 15
};

/** insp_op.flags */
enum {
    INSP_A64_BEFORE = 1, /**< the base register becomes the address */
    INSP_A64_AFTER = 2,  /**< it does, and the access is to what it was before */
    INSP_A64_SIGNED = 4, /**< what is loaded is sign-extended to size[1] bytes */
    INSP_A64_SETS = 8,   /**< sets the flags */
    INSP_A64_LOADS = 8,  /**< fills lanes of a vector, and does not store them */
    INSP_A64_NOT = 16,   /**< the second source is inverted */
    INSP_A64_UPPER = 32, /**< the upper half of a vector */
    INSP_A64_ZERO = 64   /**< the second source of a vector instruction is 0 */
};

typedef struct insp_a64_row insp_a64_row;

/** An instruction, or several that differ in fields that `read` looks at. */
struct insp_a64_row {
    uint32_t mask, bits; /**< it is one where word & mask == bits */
    insp_op_fn run;

    /** Fill in the operands. False: not an instruction that is understood. */
    bool (*read)(uint32_t word, insp_op *op);
    uint8_t variant;
    const char *name; /**< for messages, by the family */
};

/** The row of an instruction, NULL where there is none. */
const insp_a64_row *insp_a64_find(uint32_t word);

/** The number of a row, and the row of a number; NULL has one too. */
uint16_t insp_a64_number(const insp_a64_row *row);
const insp_a64_row *insp_a64_row_at(size_t number);

typedef bool insp_a64_reader(uint32_t word, insp_op *op);
typedef insp_op *insp_a64_body(insp_machine *m, insp_op *op);

/* a64_decode.c: operands of the groups of C4.1, as they are called there. */
insp_a64_reader insp_a64_read_nothing, insp_a64_read_adr, insp_a64_read_adrp,
    insp_a64_read_add_immediate, insp_a64_read_logic_immediate, insp_a64_read_move,
    insp_a64_read_bitfield, insp_a64_read_extract, insp_a64_read_shifted,
    insp_a64_read_arith_shifted, insp_a64_read_extended, insp_a64_read_three,
    insp_a64_read_crc32, insp_a64_read_conditional, insp_a64_read_compare,
    insp_a64_read_compare_immediate, insp_a64_read_jump, insp_a64_read_jump_if,
    insp_a64_read_jump_zero, insp_a64_read_jump_bit, insp_a64_read_register,
    insp_a64_read_system, insp_a64_read_flags;

/* a64_decode_memory.c */
insp_a64_reader insp_a64_read_literal, insp_a64_read_pair, insp_a64_read_unscaled,
    insp_a64_read_unsigned, insp_a64_read_indexed, insp_a64_read_exclusive,
    insp_a64_read_exclusive_pair, insp_a64_read_vector_literal, insp_a64_read_vector_pair,
    insp_a64_read_vector_unscaled, insp_a64_read_vector_unsigned, insp_a64_read_vector_indexed,
    insp_a64_read_structures, insp_a64_read_lane;

/* a64_decode_vector.c */
insp_a64_reader insp_a64_read_same, insp_a64_read_bitwise, insp_a64_read_scalar,
    insp_a64_read_across, insp_a64_read_shift_left, insp_a64_read_shift_right,
    insp_a64_read_shift_long, insp_a64_read_shift_narrow, insp_a64_read_narrow,
    insp_a64_read_different, insp_a64_read_vector_immediate, insp_a64_read_copy,
    insp_a64_read_insert, insp_a64_read_ext, insp_a64_read_lookup, insp_a64_read_float,
    insp_a64_read_float_lanes, insp_a64_read_element, insp_a64_read_float_fixed,
    insp_a64_read_float_general, insp_a64_read_float_immediate, insp_a64_read_float_convert;

/* a64_alu.c */
enum { INSP_A64_ADD, INSP_A64_SUB, INSP_A64_ADC, INSP_A64_SBC };
enum { INSP_A64_AND, INSP_A64_ORR, INSP_A64_EOR, INSP_A64_ANDS };
enum { INSP_A64_SBFM, INSP_A64_BFM, INSP_A64_UBFM };
enum { INSP_A64_CSEL, INSP_A64_CSINC, INSP_A64_CSINV, INSP_A64_CSNEG };
enum { INSP_A64_UDIV = 4, INSP_A64_SDIV };
enum {
    INSP_A64_RBIT,
    INSP_A64_REV16,
    INSP_A64_REV32,
    INSP_A64_REV,
    INSP_A64_CLZ,
    INSP_A64_CLS
};
enum {
    INSP_A64_MADD,
    INSP_A64_MSUB,
    INSP_A64_SMADDL,
    INSP_A64_SMSUBL,
    INSP_A64_UMADDL,
    INSP_A64_UMSUBL,
    INSP_A64_SMULH,
    INSP_A64_UMULH
};
insp_a64_body insp_a64_move, insp_a64_movk, insp_a64_arith, insp_a64_logic, insp_a64_bitfield,
    insp_a64_extr, insp_a64_ccmp, insp_a64_select, insp_a64_two, insp_a64_bits, insp_a64_three,
    insp_a64_crc32;

/* a64_flow.c */
enum { INSP_A64_B, INSP_A64_BL };
enum { INSP_A64_CBZ, INSP_A64_CBNZ };
insp_a64_body insp_a64_jump, insp_a64_jump_if, insp_a64_jump_zero, insp_a64_jump_bit,
    insp_a64_jump_to, insp_a64_ret, insp_a64_nop, insp_a64_mrs, insp_a64_msr_flags,
    insp_a64_trap;

/* a64_memory.c; what an atomic operation combines, it does as a vector's lanes do */
insp_a64_body insp_a64_ldr, insp_a64_str, insp_a64_ldp, insp_a64_stp, insp_a64_stxr,
    insp_a64_stxp, insp_a64_atomic, insp_a64_cas, insp_a64_casp, insp_a64_vldr, insp_a64_vstr,
    insp_a64_vldp, insp_a64_vstp, insp_a64_structures, insp_a64_lane;

/* a64_vector.c */
enum {
    INSP_A64_V_ADD,
    INSP_A64_V_SUB,
    INSP_A64_V_MUL,
    INSP_A64_V_CMEQ,
    INSP_A64_V_CMTST,
    INSP_A64_V_CMGT,
    INSP_A64_V_CMGE,
    INSP_A64_V_CMHI,
    INSP_A64_V_CMHS,
    INSP_A64_V_CMLT,
    INSP_A64_V_CMLE,
    INSP_A64_V_SMAX,
    INSP_A64_V_SMIN,
    INSP_A64_V_UMAX,
    INSP_A64_V_UMIN,
    INSP_A64_V_SECOND, /**< swp */
    INSP_A64_V_UQSUB,
    INSP_A64_V_USHL,
    INSP_A64_V_SSHL,
    INSP_A64_V_MLA,
    INSP_A64_V_MLS,
    INSP_A64_V_AND,
    INSP_A64_V_BIC,
    INSP_A64_V_ORR,
    INSP_A64_V_ORN,
    INSP_A64_V_EOR,
    INSP_A64_V_BSL,
    INSP_A64_V_BIT,
    INSP_A64_V_BIF
};
enum {
    INSP_A64_V_REV64,
    INSP_A64_V_REV32,
    INSP_A64_V_REV16,
    INSP_A64_V_CNT,
    INSP_A64_V_NOT,
    INSP_A64_V_RBIT,
    INSP_A64_V_ABS,
    INSP_A64_V_NEG,
    INSP_A64_V_CLZ
};
enum {
    INSP_A64_V_SHL,
    INSP_A64_V_SLI,
    INSP_A64_V_USHR,
    INSP_A64_V_SSHR,
    INSP_A64_V_USRA,
    INSP_A64_V_SSRA,
    INSP_A64_V_SRI
};
enum { INSP_A64_MOVI, INSP_A64_ORR_IMMEDIATE, INSP_A64_BIC_IMMEDIATE };
enum { INSP_A64_DUP, INSP_A64_DUP_GENERAL, INSP_A64_INS_GENERAL, INSP_A64_UMOV, INSP_A64_SMOV };
enum {
    INSP_A64_UZP1 = 1,
    INSP_A64_TRN1,
    INSP_A64_ZIP1,
    INSP_A64_UZP2 = 5,
    INSP_A64_TRN2,
    INSP_A64_ZIP2
};
enum {
    INSP_A64_V_LONG_ADD,
    INSP_A64_V_WIDE_ADD,
    INSP_A64_V_LONG_SUB,
    INSP_A64_V_WIDE_SUB,
    INSP_A64_V_LONG_MUL,
    INSP_A64_V_LONG_MLA
};
insp_a64_body insp_a64_vlanes, insp_a64_vlanes_by, insp_a64_vpairs, insp_a64_vunary,
    insp_a64_vacross, insp_a64_vshift, insp_a64_vwiden, insp_a64_vnarrow, insp_a64_vlong,
    insp_a64_vimmediate, insp_a64_vcopy, insp_a64_vtake, insp_a64_vinsert, insp_a64_vpermute,
    insp_a64_vext, insp_a64_vlookup;

/* a64_float.c */
enum {
    INSP_A64_FMUL,
    INSP_A64_FDIV,
    INSP_A64_FADD,
    INSP_A64_FSUB,
    INSP_A64_FMAX,
    INSP_A64_FMIN,
    INSP_A64_FMAXNM,
    INSP_A64_FMINNM,
    INSP_A64_FNMUL
};
enum { INSP_A64_FMOV, INSP_A64_FABS, INSP_A64_FNEG };
enum { INSP_A64_SCVTF, INSP_A64_UCVTF, INSP_A64_FCVTZS, INSP_A64_FCVTZU };
enum { INSP_A64_TO_GENERAL, INSP_A64_FROM_GENERAL };
insp_a64_body insp_a64_farith, insp_a64_funary, insp_a64_fcompare, insp_a64_fselect,
    insp_a64_fconvert, insp_a64_finteger, insp_a64_finteger_lanes, insp_a64_fmove;

/** Does condition `cc`, as encoded, hold? */
static inline bool insp_a64_holds(const insp_flags *f, unsigned cc)
{
    bool n = f->result >> 63, z = f->zero == 0, c = f->carry, v = f->overflow;
    switch (cc >> 1) {
    case 0:
        return z != (cc & 1);
    case 1:
        return c != (cc & 1);
    case 2:
        return n != (cc & 1);
    case 3:
        return v != (cc & 1);
    case 4:
        return (c && !z) != (cc & 1);
    case 5:
        return (n == v) != (cc & 1);
    case 6:
        return (!z && n == v) != (cc & 1);
    default:
        return true;
    }
}

/** Set the flags to N, Z, C and V, from bit 3 down. */
static inline void insp_a64_set_flags(insp_flags *f, unsigned nzcv)
{
    f->result = nzcv & 8 ? UINT64_C(1) << 63 : 0;
    f->zero = nzcv & 4 ? 0 : 1;
    f->carry = nzcv >> 1 & 1;
    f->overflow = nzcv & 1;
}

/** N, Z, C and V, from bit 3 down. */
static inline unsigned insp_a64_flags(const insp_flags *f)
{
    return (unsigned)(f->result >> 63) << 3 | (f->zero == 0 ? 4u : 0u) | (f->carry ? 2u : 0u) |
           (f->overflow ? 1u : 0u);
}

/** Bits lo … lo + n - 1 of an instruction. */
static inline uint32_t insp_a64_field(uint32_t word, unsigned lo, unsigned n)
{
    return word >> lo & ((1u << n) - 1);
}

/** The same, sign-extended. */
static inline int64_t insp_a64_signed_field(uint32_t word, unsigned lo, unsigned n)
{
    return (int64_t)((uint64_t)word << (64 - lo - n)) >> (64 - n);
}

/** The address that a field of `n` bits counts words from the instruction to. */
static inline insp_addr insp_a64_label(uint32_t word, const insp_op *op, unsigned lo,
                                       unsigned n)
{
    return op->addr + ((uint64_t)insp_a64_signed_field(word, lo, n) << 2);
}

/** A register that is read, one that is written, and one where 31 is the stack pointer. */
static inline uint8_t insp_a64_source(uint32_t word, unsigned lo)
{
    return (uint8_t)insp_a64_field(word, lo, 5);
}

static inline uint8_t insp_a64_destination(uint32_t word, unsigned lo)
{
    uint32_t reg = insp_a64_field(word, lo, 5);
    return reg == INSP_A64_ZR ? INSP_A64_NOWHERE : (uint8_t)reg;
}

static inline uint8_t insp_a64_or_sp(uint32_t word, unsigned lo)
{
    uint32_t reg = insp_a64_field(word, lo, 5);
    return reg == INSP_A64_ZR ? INSP_A64_SP : (uint8_t)reg;
}

/** The second source, shifted or extended as the instruction says, and cut to its width. */
uint64_t insp_a64_second(const insp_machine *m, const insp_op *op);

/** Leading zeros of a number of `size` bytes, and its bits in the opposite order. */
uint64_t insp_a64_leading_zeros(uint64_t x, size_t size);
uint64_t insp_a64_bits_reversed(uint64_t x, size_t size);

/** What one of INSP_A64_V_… makes of two numbers of `size` bytes, and of the one that is replaced. */
uint64_t insp_a64_combined(unsigned how, uint64_t a, uint64_t b, uint64_t old, size_t size);

/** `x` extended as a register operand is, then shifted. */
uint64_t insp_a64_extended(uint64_t x, unsigned extend, unsigned shift);

#endif
