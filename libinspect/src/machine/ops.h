// SPDX-License-Identifier: MIT
/**
 * @file
 * The functions that execute instructions, by family, and which of a family an op is (its
 * `variant`). table.c says which instruction is executed by which of them.
 */
#ifndef INSP_MACHINE_OPS_H
#define INSP_MACHINE_OPS_H

#include "state.h"

typedef insp_op *insp_op_body(insp_machine *m, insp_op *op);

/* move.c: copies. Conditional ones have the condition code as their variant. */
insp_op_body insp_op_mov, insp_op_movsx, insp_op_movbe, insp_op_lea, insp_op_xchg, insp_op_push,
    insp_op_pop, insp_op_pushf, insp_op_popf, insp_op_leave, insp_op_cmov, insp_op_set,
    insp_op_widen, insp_op_spread, insp_op_bswap, insp_op_nop, insp_op_lahf, insp_op_sahf;

/* alu.c */
enum { INSP_ALU_ADD, INSP_ALU_ADC, INSP_ALU_SUB, INSP_ALU_SBB, INSP_ALU_CMP };
enum { INSP_ALU_AND, INSP_ALU_OR, INSP_ALU_XOR, INSP_ALU_TEST };
enum { INSP_ALU_INC, INSP_ALU_DEC, INSP_ALU_NEG, INSP_ALU_NOT };
enum {
    INSP_FLAG_CLC,
    INSP_FLAG_STC,
    INSP_FLAG_CMC,
    INSP_FLAG_CLD,
    INSP_FLAG_STD,
    INSP_FLAG_XTEST
};
insp_op_body insp_op_arith, insp_op_logic, insp_op_unary, insp_op_flag, insp_op_mul,
    insp_op_imul, insp_op_imul2, insp_op_mulx, insp_op_div, insp_op_idiv, insp_op_adx,
    insp_op_xadd, insp_op_cmpxchg, insp_op_cmpxchg16b;

/* bits.c */
enum { INSP_SHL, INSP_SHR, INSP_SAR, INSP_ROL, INSP_ROR, INSP_RCL, INSP_RCR };
enum { INSP_BT, INSP_BTS, INSP_BTR, INSP_BTC };
enum { INSP_BSF, INSP_BSR, INSP_TZCNT, INSP_LZCNT, INSP_POPCNT };
enum { INSP_ANDN, INSP_BEXTR, INSP_BZHI, INSP_PDEP, INSP_PEXT };
enum { INSP_BLSI, INSP_BLSR, INSP_BLSMSK };
insp_op_body insp_op_shift, insp_op_shift_double, insp_op_shiftx, insp_op_bt, insp_op_scan,
    insp_op_bmi, insp_op_bls;

/* flow.c */
enum { INSP_JRCXZ, INSP_LOOP, INSP_LOOPE, INSP_LOOPNE };
insp_op_body insp_op_jmp, insp_op_jcc, insp_op_jump_count, insp_op_jmp_to, insp_op_call,
    insp_op_call_to, insp_op_ret, insp_op_syscall, insp_op_unsupported, insp_op_callback,
    insp_op_return;

/* code.c */
insp_op_body insp_op_link;

/* string.c */
enum { INSP_MOVS, INSP_STOS, INSP_LODS, INSP_CMPS, INSP_SCAS };
insp_op_body insp_op_string;

/* vecmove.c: `width` is the size of an element. */
enum { INSP_LOW, INSP_HIGH };
insp_op_body insp_op_vmov, insp_op_vmov_aligned, insp_op_vmov_scalar, insp_op_vmov_half,
    insp_op_vmov_cross, insp_op_vmov_gpr, insp_op_vinsert, insp_op_vextract, insp_op_vmask,
    insp_op_vclear, insp_op_vrepeat, insp_op_vduplicate, insp_op_vinsert128,
    insp_op_vextract128;

/* vecint.c: element by element, `width` bytes each. */
enum {
    INSP_V_AND,
    INSP_V_ANDN,
    INSP_V_OR,
    INSP_V_XOR,
    INSP_V_ADD,
    INSP_V_SUB,
    INSP_V_EQ,
    INSP_V_GT,
    INSP_V_MUL_EVEN, /**< the low halves */
    INSP_V_MUL,
    INSP_V_MIN_UNSIGNED,
    INSP_V_MAX_UNSIGNED,
    INSP_V_MIN,
    INSP_V_MAX,
    INSP_V_SUB_SATURATE,
    INSP_V_NONE /**< all ones where no bit is set in both */
};
enum { INSP_V_LEFT, INSP_V_RIGHT, INSP_V_RIGHT_SIGNED };
insp_op_body insp_op_vlane, insp_op_vshift, insp_op_vshift_each, insp_op_vtest, insp_op_vwiden;

/* vecstring.c */
insp_op_body insp_op_vstring;

/* vecmask.c */
enum {
    INSP_K_AND,
    INSP_K_ANDN,
    INSP_K_OR,
    INSP_K_XOR,
    INSP_K_XNOR,
    INSP_K_NOT,
    INSP_K_ADD,
    INSP_K_LEFT,
    INSP_K_RIGHT,
    INSP_K_UNPACK
};
insp_op_body insp_op_kmov, insp_op_klogic, insp_op_ktest, insp_op_vcompare, insp_op_vternary;

/* vecshuffle.c: elements that go elsewhere. */
enum { INSP_SHUFFLE_D, INSP_SHUFFLE_LW, INSP_SHUFFLE_HW, INSP_SHUFFLE_B };
insp_op_body insp_op_vshuffle, insp_op_vshuffle2, insp_op_vbytes, insp_op_valign,
    insp_op_vunpack, insp_op_vpack, insp_op_vblend, insp_op_vblend_by, insp_op_vpermute,
    insp_op_vpermute_by, insp_op_vpermute128, insp_op_vpermute_in;

/* vecfloat.c: `width` is the size of an element. */
enum { INSP_F_ADD, INSP_F_SUB, INSP_F_MUL, INSP_F_DIV, INSP_F_MIN, INSP_F_MAX, INSP_F_MASK };
insp_op_body insp_op_fscalar, insp_op_fpacked, insp_op_fcompare, insp_op_from_int,
    insp_op_to_int, insp_op_fconvert;

#endif
