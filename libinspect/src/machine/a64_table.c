// SPDX-License-Identifier: MIT
#include "a64.h"
#include "ops.h"

// By the groups of C4.1. Of two rows that a word fits, the first counts. Names are those of the manual, and of
// one of a family where a row is several.

#define READ(how) insp_a64_read_##how
#define RUN(how) insp_a64_##how

#define SAME(word, how, name)                                                                  \
    {                                                                                          \
        0xbf20fc00, word, RUN(vlanes), READ(same), INSP_A64_V_##how, name                      \
    }
#define SCALAR(word, how, name)                                                                \
    {                                                                                          \
        0xff20fc00, word, RUN(vlanes), READ(scalar), INSP_A64_V_##how, name                    \
    }
#define PAIRS(word, how, name)                                                                 \
    {                                                                                          \
        0xbf20fc00, word, RUN(vpairs), READ(same), INSP_A64_V_##how, name                      \
    }
#define BITWISE(word, how, name)                                                               \
    {                                                                                          \
        0xbfe0fc00, word, RUN(vlanes), READ(bitwise), INSP_A64_V_##how, name                   \
    }
#define ONE(word, how, name)                                                                   \
    {                                                                                          \
        0xbf3ffc00, word, RUN(vunary), READ(same), INSP_A64_V_##how, name                      \
    }
#define WITH_ZERO(word, how, name)                                                             \
    {0xbf3ffc00, word, RUN(vlanes), READ(same), INSP_A64_V_##how, name},                       \
    {                                                                                          \
        0xff3ffc00, (word) | 0x50000000, RUN(vlanes), READ(scalar), INSP_A64_V_##how, name     \
    }
#define SHIFT(word, how, way, name)                                                            \
    {0xbf80fc00, word, RUN(vshift), READ(shift_##way), INSP_A64_V_##how, name},                \
    {                                                                                          \
        0xff80fc00, (word) | 0x50000000, RUN(vshift), READ(shift_##way), INSP_A64_V_##how,     \
            name                                                                               \
    }
#define ACROSS(word, how, name)                                                                \
    {                                                                                          \
        0xbf3ffc00, word, RUN(vacross), READ(across), INSP_A64_V_##how, name                   \
    }
#define LONG(word, how, name)                                                                  \
    {                                                                                          \
        0x9f20fc00, word, RUN(vlong), READ(different), INSP_A64_V_##how, name                  \
    }
#define PERMUTE(word, how, name)                                                               \
    {                                                                                          \
        0xbf20fc00, word, RUN(vpermute), READ(same), INSP_A64_##how, name                      \
    }

static const insp_a64_row rows[] = {
    // whole numbers
    {0x9f000000, 0x10000000, RUN(move), READ(adr), 0, "adr"},
    {0x9f000000, 0x90000000, RUN(move), READ(adrp), 0, "adrp"},
    {0x7f800000, 0x11000000, RUN(arith), READ(add_immediate), INSP_A64_ADD, "add"},
    {0x7f800000, 0x31000000, RUN(arith), READ(add_immediate), INSP_A64_ADD, "adds"},
    {0x7f800000, 0x51000000, RUN(arith), READ(add_immediate), INSP_A64_SUB, "sub"},
    {0x7f800000, 0x71000000, RUN(arith), READ(add_immediate), INSP_A64_SUB, "subs"},
    {0x7f800000, 0x12000000, RUN(logic), READ(logic_immediate), INSP_A64_AND, "and"},
    {0x7f800000, 0x32000000, RUN(logic), READ(logic_immediate), INSP_A64_ORR, "orr"},
    {0x7f800000, 0x52000000, RUN(logic), READ(logic_immediate), INSP_A64_EOR, "eor"},
    {0x7f800000, 0x72000000, RUN(logic), READ(logic_immediate), INSP_A64_ANDS, "ands"},
    {0x7f800000, 0x12800000, RUN(move), READ(move), 0, "movn"},
    {0x7f800000, 0x52800000, RUN(move), READ(move), 0, "movz"},
    {0x7f800000, 0x72800000, RUN(movk), READ(move), 0, "movk"},
    {0x7f800000, 0x13000000, RUN(bitfield), READ(bitfield), INSP_A64_SBFM, "sbfm"},
    {0x7f800000, 0x33000000, RUN(bitfield), READ(bitfield), INSP_A64_BFM, "bfm"},
    {0x7f800000, 0x53000000, RUN(bitfield), READ(bitfield), INSP_A64_UBFM, "ubfm"},
    {0x7fa00000, 0x13800000, RUN(extr), READ(extract), 0, "extr"},

    {0x7f000000, 0x0a000000, RUN(logic), READ(shifted), INSP_A64_AND, "and"},
    {0x7f000000, 0x2a000000, RUN(logic), READ(shifted), INSP_A64_ORR, "orr"},
    {0x7f000000, 0x4a000000, RUN(logic), READ(shifted), INSP_A64_EOR, "eor"},
    {0x7f000000, 0x6a000000, RUN(logic), READ(shifted), INSP_A64_ANDS, "ands"},
    {0x5f200000, 0x0b000000, RUN(arith), READ(arith_shifted), INSP_A64_ADD, "add"},
    {0x5f200000, 0x4b000000, RUN(arith), READ(arith_shifted), INSP_A64_SUB, "sub"},
    {0x5fe00000, 0x0b200000, RUN(arith), READ(extended), INSP_A64_ADD, "add"},
    {0x5fe00000, 0x4b200000, RUN(arith), READ(extended), INSP_A64_SUB, "sub"},
    {0x5fe0fc00, 0x1a000000, RUN(arith), READ(three), INSP_A64_ADC, "adc"},
    {0x5fe0fc00, 0x5a000000, RUN(arith), READ(three), INSP_A64_SBC, "sbc"},
    {0x7fe00c10, 0x3a400000, RUN(ccmp), READ(compare), INSP_A64_ADD, "ccmn"},
    {0x7fe00c10, 0x7a400000, RUN(ccmp), READ(compare), INSP_A64_SUB, "ccmp"},
    {0x7fe00c10, 0x3a400800, RUN(ccmp), READ(compare_immediate), INSP_A64_ADD, "ccmn"},
    {0x7fe00c10, 0x7a400800, RUN(ccmp), READ(compare_immediate), INSP_A64_SUB, "ccmp"},
    {0x7fe00c00, 0x1a800000, RUN(select), READ(conditional), INSP_A64_CSEL, "csel"},
    {0x7fe00c00, 0x1a800400, RUN(select), READ(conditional), INSP_A64_CSINC, "csinc"},
    {0x7fe00c00, 0x5a800000, RUN(select), READ(conditional), INSP_A64_CSINV, "csinv"},
    {0x7fe00c00, 0x5a800400, RUN(select), READ(conditional), INSP_A64_CSNEG, "csneg"},
    {0x7fe0fc00, 0x1ac00800, RUN(two), READ(three), INSP_A64_UDIV, "udiv"},
    {0x7fe0fc00, 0x1ac00c00, RUN(two), READ(three), INSP_A64_SDIV, "sdiv"},
    {0x7fe0fc00, 0x1ac02000, RUN(two), READ(three), INSP_A64_LSL, "lslv"},
    {0x7fe0fc00, 0x1ac02400, RUN(two), READ(three), INSP_A64_LSR, "lsrv"},
    {0x7fe0fc00, 0x1ac02800, RUN(two), READ(three), INSP_A64_ASR, "asrv"},
    {0x7fe0fc00, 0x1ac02c00, RUN(two), READ(three), INSP_A64_ROR, "rorv"},
    {0x7fe0f000, 0x1ac04000, RUN(crc32), READ(crc32), 0, "crc32"},
    {0x7fe0f000, 0x1ac05000, RUN(crc32), READ(crc32), 1, "crc32c"},
    {0x7ffffc00, 0x5ac00000, RUN(bits), READ(register), INSP_A64_RBIT, "rbit"},
    {0x7ffffc00, 0x5ac00400, RUN(bits), READ(register), INSP_A64_REV16, "rev16"},
    {0xfffffc00, 0xdac00800, RUN(bits), READ(register), INSP_A64_REV32, "rev32"},
    {0xfffffc00, 0x5ac00800, RUN(bits), READ(register), INSP_A64_REV, "rev"},
    {0xfffffc00, 0xdac00c00, RUN(bits), READ(register), INSP_A64_REV, "rev"},
    {0x7ffffc00, 0x5ac01000, RUN(bits), READ(register), INSP_A64_CLZ, "clz"},
    {0x7ffffc00, 0x5ac01400, RUN(bits), READ(register), INSP_A64_CLS, "cls"},
    {0x7fe08000, 0x1b000000, RUN(three), READ(three), INSP_A64_MADD, "madd"},
    {0x7fe08000, 0x1b008000, RUN(three), READ(three), INSP_A64_MSUB, "msub"},
    {0xffe08000, 0x9b200000, RUN(three), READ(three), INSP_A64_SMADDL, "smaddl"},
    {0xffe08000, 0x9b208000, RUN(three), READ(three), INSP_A64_SMSUBL, "smsubl"},
    {0xffe08000, 0x9ba00000, RUN(three), READ(three), INSP_A64_UMADDL, "umaddl"},
    {0xffe08000, 0x9ba08000, RUN(three), READ(three), INSP_A64_UMSUBL, "umsubl"},
    {0xffe08000, 0x9b400000, RUN(three), READ(three), INSP_A64_SMULH, "smulh"},
    {0xffe08000, 0x9bc00000, RUN(three), READ(three), INSP_A64_UMULH, "umulh"},

    // jumps and the system
    {0xff000010, 0x54000000, RUN(jump_if), READ(jump_if), 0, "b.cond"},
    {0xfc000000, 0x14000000, RUN(jump), READ(jump), INSP_A64_B, "b"},
    {0xfc000000, 0x94000000, RUN(jump), READ(jump), INSP_A64_BL, "bl"},
    {0x7f000000, 0x34000000, RUN(jump_zero), READ(jump_zero), INSP_A64_CBZ, "cbz"},
    {0x7f000000, 0x35000000, RUN(jump_zero), READ(jump_zero), INSP_A64_CBNZ, "cbnz"},
    {0x7f000000, 0x36000000, RUN(jump_bit), READ(jump_bit), INSP_A64_CBZ, "tbz"},
    {0x7f000000, 0x37000000, RUN(jump_bit), READ(jump_bit), INSP_A64_CBNZ, "tbnz"},
    {0xfffffc1f, 0xd61f0000, RUN(jump_to), READ(register), INSP_A64_B, "br"},
    {0xfffffc1f, 0xd63f0000, RUN(jump_to), READ(register), INSP_A64_BL, "blr"},
    {0xfffffc1f, 0xd65f0000, RUN(ret), READ(register), 0, "ret"},
    // Hints; those that sign return addresses, and check them, do so for nobody here.
    {0xfffff01f, 0xd503201f, RUN(nop), READ(nothing), 0, "hint"},
    {0xfffff01f, 0xd503301f, RUN(nop), READ(nothing), 0, "dmb"},
    {0xffffffc0, 0xd51b4400, RUN(nop), READ(nothing), 0, "msr"},
    {0xffffffe0, 0xd51b4200, RUN(msr_flags), READ(flags), 0, "msr"},
    {0xfff00000, 0xd5300000, RUN(mrs), READ(system), 0, "mrs"},
    {0xffe0001f, 0xd4000001, insp_op_syscall, READ(nothing), 0, "svc"},
    {0xffe0001f, 0xd4200000, RUN(trap), READ(nothing), 0, "brk"},
    {0xffe0001f, 0xd4400000, RUN(trap), READ(nothing), 0, "hlt"},
    {0xffff0000, 0x00000000, RUN(trap), READ(nothing), 0, "udf"},

    // loads and stores, and prefetches first
    {0xff000000, 0xd8000000, RUN(nop), READ(nothing), 0, "prfm"},
    {0xffc00000, 0xf9800000, RUN(nop), READ(nothing), 0, "prfm"},
    {0xffe04c00, 0xf8a04800, RUN(nop), READ(nothing), 0, "prfm"},
    {0xffe00c00, 0xf8800000, RUN(nop), READ(nothing), 0, "prfum"},

    {0x3f000000, 0x18000000, RUN(ldr), READ(literal), 0, "ldr"},
    {0x3fc00000, 0x39000000, RUN(str), READ(unsigned), 0, "str"},
    {0x3f000000, 0x39000000, RUN(ldr), READ(unsigned), 0, "ldr"},
    {0x3fe00000, 0x38000000, RUN(str), READ(unscaled), 0, "stur"},
    {0x3f200000, 0x38000000, RUN(ldr), READ(unscaled), 0, "ldur"},
    {0x3fe00c00, 0x19000000, RUN(str), READ(unscaled), 0, "stlur"},
    {0x3f200c00, 0x19000000, RUN(ldr), READ(unscaled), 0, "ldapur"},
    {0x3fe00c00, 0x38200800, RUN(str), READ(indexed), 0, "str"},
    {0x3f200c00, 0x38200800, RUN(ldr), READ(indexed), 0, "ldr"},
    {0x3e400000, 0x28000000, RUN(stp), READ(pair), 0, "stp"},
    {0x3e400000, 0x28400000, RUN(ldp), READ(pair), 0, "ldp"},

    {0x3fe00000, 0x08000000, RUN(stxr), READ(exclusive), 0, "stxr"},
    {0x3fe00000, 0x08400000, RUN(ldr), READ(exclusive), 0, "ldxr"},
    {0xbfe00000, 0x88200000, RUN(stxp), READ(exclusive_pair), 0, "stxp"},
    {0xbfe00000, 0x88600000, RUN(ldp), READ(exclusive_pair), 0, "ldxp"},
    {0x3fe00000, 0x08800000, RUN(str), READ(exclusive), 0, "stlr"},
    {0x3fe00000, 0x08c00000, RUN(ldr), READ(exclusive), 0, "ldar"},
    {0x3fa07c00, 0x08a07c00, RUN(cas), READ(exclusive), 0, "cas"},
    {0xbfa07c00, 0x08207c00, RUN(casp), READ(exclusive_pair), 0, "casp"},
    {0x3ffffc00, 0x38bfc000, RUN(ldr), READ(exclusive), 0, "ldapr"},
    {0x3f20fc00, 0x38200000, RUN(atomic), READ(exclusive), INSP_A64_V_ADD, "ldadd"},
    {0x3f20fc00, 0x38201000, RUN(atomic), READ(exclusive), INSP_A64_V_BIC, "ldclr"},
    {0x3f20fc00, 0x38202000, RUN(atomic), READ(exclusive), INSP_A64_V_EOR, "ldeor"},
    {0x3f20fc00, 0x38203000, RUN(atomic), READ(exclusive), INSP_A64_V_ORR, "ldset"},
    {0x3f20fc00, 0x38204000, RUN(atomic), READ(exclusive), INSP_A64_V_SMAX, "ldsmax"},
    {0x3f20fc00, 0x38205000, RUN(atomic), READ(exclusive), INSP_A64_V_SMIN, "ldsmin"},
    {0x3f20fc00, 0x38206000, RUN(atomic), READ(exclusive), INSP_A64_V_UMAX, "ldumax"},
    {0x3f20fc00, 0x38207000, RUN(atomic), READ(exclusive), INSP_A64_V_UMIN, "ldumin"},
    {0x3f20fc00, 0x38208000, RUN(atomic), READ(exclusive), INSP_A64_V_SECOND, "swp"},

    {0xff000000, 0x1c000000, RUN(vldr), READ(vector_literal), 0, "ldr"},
    {0xff000000, 0x5c000000, RUN(vldr), READ(vector_literal), 0, "ldr"},
    {0xff000000, 0x9c000000, RUN(vldr), READ(vector_literal), 0, "ldr"},
    {0x3f400000, 0x3d000000, RUN(vstr), READ(vector_unsigned), 0, "str"},
    {0x3f400000, 0x3d400000, RUN(vldr), READ(vector_unsigned), 0, "ldr"},
    {0x3f600000, 0x3c000000, RUN(vstr), READ(vector_unscaled), 0, "stur"},
    {0x3f600000, 0x3c400000, RUN(vldr), READ(vector_unscaled), 0, "ldur"},
    {0x3f600c00, 0x3c200800, RUN(vstr), READ(vector_indexed), 0, "str"},
    {0x3f600c00, 0x3c600800, RUN(vldr), READ(vector_indexed), 0, "ldr"},
    {0x3e400000, 0x2c000000, RUN(vstp), READ(vector_pair), 0, "stp"},
    {0x3e400000, 0x2c400000, RUN(vldp), READ(vector_pair), 0, "ldp"},
    {0xbfbf0000, 0x0c000000, RUN(structures), READ(structures), 0, "ld1"},
    {0xbfa00000, 0x0c800000, RUN(structures), READ(structures), 0, "ld1"},
    {0xbf9f0000, 0x0d000000, RUN(lane), READ(lane), 0, "ld1"},
    {0xbf800000, 0x0d800000, RUN(lane), READ(lane), 0, "ld1"},

    // vectors
    SAME(0x0e208400, ADD, "add"),
    SCALAR(0x5e208400, ADD, "add"),
    SAME(0x2e208400, SUB, "sub"),
    SCALAR(0x7e208400, SUB, "sub"),
    SAME(0x0e209c00, MUL, "mul"),
    SAME(0x0e209400, MLA, "mla"),
    SAME(0x2e209400, MLS, "mls"),
    {0xbf00f400, 0x0f008000, RUN(vlanes_by), READ(element), INSP_A64_V_MUL, "mul"},
    {0xbf00f400, 0x2f000000, RUN(vlanes_by), READ(element), INSP_A64_V_MLA, "mla"},
    {0xbf00f400, 0x2f004000, RUN(vlanes_by), READ(element), INSP_A64_V_MLS, "mls"},
    SAME(0x0e203400, CMGT, "cmgt"),
    SCALAR(0x5e203400, CMGT, "cmgt"),
    SAME(0x2e203400, CMHI, "cmhi"),
    SCALAR(0x7e203400, CMHI, "cmhi"),
    SAME(0x0e203c00, CMGE, "cmge"),
    SCALAR(0x5e203c00, CMGE, "cmge"),
    SAME(0x2e203c00, CMHS, "cmhs"),
    SCALAR(0x7e203c00, CMHS, "cmhs"),
    SAME(0x0e208c00, CMTST, "cmtst"),
    SCALAR(0x5e208c00, CMTST, "cmtst"),
    SAME(0x2e208c00, CMEQ, "cmeq"),
    SCALAR(0x7e208c00, CMEQ, "cmeq"),
    SAME(0x0e204400, SSHL, "sshl"),
    SCALAR(0x5e204400, SSHL, "sshl"),
    SAME(0x2e204400, USHL, "ushl"),
    SCALAR(0x7e204400, USHL, "ushl"),
    SAME(0x0e206400, SMAX, "smax"),
    SAME(0x2e206400, UMAX, "umax"),
    SAME(0x0e206c00, SMIN, "smin"),
    SAME(0x2e206c00, UMIN, "umin"),
    SAME(0x2e202c00, UQSUB, "uqsub"),
    PAIRS(0x0e20bc00, ADD, "addp"),
    PAIRS(0x0e20a400, SMAX, "smaxp"),
    PAIRS(0x2e20a400, UMAX, "umaxp"),
    PAIRS(0x0e20ac00, SMIN, "sminp"),
    PAIRS(0x2e20ac00, UMIN, "uminp"),
    {0xfffffc00, 0x5ef1b800, RUN(vpairs), READ(scalar), INSP_A64_V_ADD, "addp"},
    BITWISE(0x0e201c00, AND, "and"),
    BITWISE(0x0e601c00, BIC, "bic"),
    BITWISE(0x0ea01c00, ORR, "orr"),
    BITWISE(0x0ee01c00, ORN, "orn"),
    BITWISE(0x2e201c00, EOR, "eor"),
    BITWISE(0x2e601c00, BSL, "bsl"),
    BITWISE(0x2ea01c00, BIT, "bit"),
    BITWISE(0x2ee01c00, BIF, "bif"),

    ONE(0x0e200800, REV64, "rev64"),
    ONE(0x2e200800, REV32, "rev32"),
    ONE(0x0e201800, REV16, "rev16"),
    ONE(0x2e204800, CLZ, "clz"),
    ONE(0x0e20b800, ABS, "abs"),
    ONE(0x2e20b800, NEG, "neg"),
    {0xbffffc00, 0x0e205800, RUN(vunary), READ(bitwise), INSP_A64_V_CNT, "cnt"},
    {0xbffffc00, 0x2e205800, RUN(vunary), READ(bitwise), INSP_A64_V_NOT, "not"},
    {0xbffffc00, 0x2e605800, RUN(vunary), READ(bitwise), INSP_A64_V_RBIT, "rbit"},
    {0xff3ffc00, 0x5e20b800, RUN(vunary), READ(scalar), INSP_A64_V_ABS, "abs"},
    {0xff3ffc00, 0x7e20b800, RUN(vunary), READ(scalar), INSP_A64_V_NEG, "neg"},
    WITH_ZERO(0x0e208800, CMGT, "cmgt"),
    WITH_ZERO(0x2e208800, CMGE, "cmge"),
    WITH_ZERO(0x0e209800, CMEQ, "cmeq"),
    WITH_ZERO(0x2e209800, CMLE, "cmle"),
    WITH_ZERO(0x0e20a800, CMLT, "cmlt"),
    ACROSS(0x0e31b800, ADD, "addv"),
    ACROSS(0x0e30a800, SMAX, "smaxv"),
    ACROSS(0x2e30a800, UMAX, "umaxv"),
    ACROSS(0x0e31a800, SMIN, "sminv"),
    ACROSS(0x2e31a800, UMIN, "uminv"),

    // An immediate shift by nothing is a constant.
    {0x9ff80c00, 0x0f000400, RUN(vimmediate), READ(vector_immediate), 0, "movi"},
    SHIFT(0x0f005400, SHL, left, "shl"),
    SHIFT(0x2f005400, SLI, left, "sli"),
    SHIFT(0x0f000400, SSHR, right, "sshr"),
    SHIFT(0x2f000400, USHR, right, "ushr"),
    SHIFT(0x0f001400, SSRA, right, "ssra"),
    SHIFT(0x2f001400, USRA, right, "usra"),
    SHIFT(0x2f004400, SRI, right, "sri"),
    {0x9f80fc00, 0x0f00a400, RUN(vwiden), READ(shift_long), 0, "ushll"},
    {0xbf80fc00, 0x0f008400, RUN(vnarrow), READ(shift_narrow), 0, "shrn"},
    {0xbf3ffc00, 0x0e212800, RUN(vnarrow), READ(narrow), 0, "xtn"},
    LONG(0x0e200000, LONG_ADD, "uaddl"),
    LONG(0x0e201000, WIDE_ADD, "uaddw"),
    LONG(0x0e202000, LONG_SUB, "usubl"),
    LONG(0x0e203000, WIDE_SUB, "usubw"),
    LONG(0x0e208000, LONG_MLA, "umlal"),
    LONG(0x0e20c000, LONG_MUL, "umull"),

    {0xbfe0fc00, 0x0e000400, RUN(vcopy), READ(copy), INSP_A64_DUP, "dup"},
    {0xffe0fc00, 0x5e000400, RUN(vcopy), READ(copy), INSP_A64_DUP, "dup"},
    {0xbfe0fc00, 0x0e000c00, RUN(vcopy), READ(copy), INSP_A64_DUP_GENERAL, "dup"},
    {0xffe0fc00, 0x4e001c00, RUN(vcopy), READ(copy), INSP_A64_INS_GENERAL, "ins"},
    {0xbfe0fc00, 0x0e002c00, RUN(vtake), READ(copy), INSP_A64_SMOV, "smov"},
    {0xbfe0fc00, 0x0e003c00, RUN(vtake), READ(copy), INSP_A64_UMOV, "umov"},
    {0xffe08400, 0x6e000400, RUN(vinsert), READ(insert), 0, "ins"},
    PERMUTE(0x0e001800, UZP1, "uzp1"),
    PERMUTE(0x0e002800, TRN1, "trn1"),
    PERMUTE(0x0e003800, ZIP1, "zip1"),
    PERMUTE(0x0e005800, UZP2, "uzp2"),
    PERMUTE(0x0e006800, TRN2, "trn2"),
    PERMUTE(0x0e007800, ZIP2, "zip2"),
    {0xbfe08400, 0x2e000000, RUN(vext), READ(ext), 0, "ext"},
    {0xbfe09c00, 0x0e000000, RUN(vlookup), READ(lookup), 0, "tbl"},
    {0xbfe09c00, 0x0e001000, RUN(vlookup), READ(lookup), 1, "tbx"},

    {0xffa0fc00, 0x1e200800, RUN(farith), READ(float), INSP_A64_FMUL, "fmul"},
    {0xffa0fc00, 0x1e201800, RUN(farith), READ(float), INSP_A64_FDIV, "fdiv"},
    {0xffa0fc00, 0x1e202800, RUN(farith), READ(float), INSP_A64_FADD, "fadd"},
    {0xffa0fc00, 0x1e203800, RUN(farith), READ(float), INSP_A64_FSUB, "fsub"},
    {0xffa0fc00, 0x1e204800, RUN(farith), READ(float), INSP_A64_FMAX, "fmax"},
    {0xffa0fc00, 0x1e205800, RUN(farith), READ(float), INSP_A64_FMIN, "fmin"},
    {0xffa0fc00, 0x1e206800, RUN(farith), READ(float), INSP_A64_FMAXNM, "fmaxnm"},
    {0xffa0fc00, 0x1e207800, RUN(farith), READ(float), INSP_A64_FMINNM, "fminnm"},
    {0xffa0fc00, 0x1e208800, RUN(farith), READ(float), INSP_A64_FNMUL, "fnmul"},
    {0xffbffc00, 0x1e204000, RUN(funary), READ(float), INSP_A64_FMOV, "fmov"},
    {0xffbffc00, 0x1e20c000, RUN(funary), READ(float), INSP_A64_FABS, "fabs"},
    {0xffbffc00, 0x1e214000, RUN(funary), READ(float), INSP_A64_FNEG, "fneg"},
    {0xfffffc00, 0x1e22c000, RUN(fconvert), READ(float_convert), 0, "fcvt"},
    {0xfffffc00, 0x1e624000, RUN(fconvert), READ(float_convert), 0, "fcvt"},
    {0xffa0fc07, 0x1e202000, RUN(fcompare), READ(float), 0, "fcmp"},
    {0xffa00c00, 0x1e200c00, RUN(fselect), READ(float), 0, "fcsel"},
    {0xffa01fe0, 0x1e201000, RUN(vimmediate), READ(float_immediate), 0, "fmov"},
    {0x7fbffc00, 0x1e220000, RUN(finteger), READ(float_general), INSP_A64_SCVTF, "scvtf"},
    {0x7fbffc00, 0x1e230000, RUN(finteger), READ(float_general), INSP_A64_UCVTF, "ucvtf"},
    {0x7fbffc00, 0x1e380000, RUN(finteger), READ(float_general), INSP_A64_FCVTZS, "fcvtzs"},
    {0x7fbffc00, 0x1e390000, RUN(finteger), READ(float_general), INSP_A64_FCVTZU, "fcvtzu"},
    {0x7fbf0000, 0x1e020000, RUN(finteger), READ(float_fixed), INSP_A64_SCVTF, "scvtf"},
    {0x7fbf0000, 0x1e030000, RUN(finteger), READ(float_fixed), INSP_A64_UCVTF, "ucvtf"},
    {0x7fbf0000, 0x1e180000, RUN(finteger), READ(float_fixed), INSP_A64_FCVTZS, "fcvtzs"},
    {0x7fbf0000, 0x1e190000, RUN(finteger), READ(float_fixed), INSP_A64_FCVTZU, "fcvtzu"},
    {0xffbffc00, 0x5e21d800, RUN(finteger_lanes), READ(float), INSP_A64_SCVTF, "scvtf"},
    {0xffbffc00, 0x7e21d800, RUN(finteger_lanes), READ(float), INSP_A64_UCVTF, "ucvtf"},
    {0xffbffc00, 0x5ea1b800, RUN(finteger_lanes), READ(float), INSP_A64_FCVTZS, "fcvtzs"},
    {0xffbffc00, 0x7ea1b800, RUN(finteger_lanes), READ(float), INSP_A64_FCVTZU, "fcvtzu"},
    {0xbfbffc00, 0x0e21d800, RUN(finteger_lanes), READ(float_lanes), INSP_A64_SCVTF, "scvtf"},
    {0xbfbffc00, 0x2e21d800, RUN(finteger_lanes), READ(float_lanes), INSP_A64_UCVTF, "ucvtf"},
    {0xbfbffc00, 0x0ea1b800, RUN(finteger_lanes), READ(float_lanes), INSP_A64_FCVTZS, "fcvtzs"},
    {0xbfbffc00, 0x2ea1b800, RUN(finteger_lanes), READ(float_lanes), INSP_A64_FCVTZU, "fcvtzu"},
    {0xbfa0fc00, 0x0e20d400, RUN(farith), READ(float_lanes), INSP_A64_FADD, "fadd"},
    {0xbfa0fc00, 0x0ea0d400, RUN(farith), READ(float_lanes), INSP_A64_FSUB, "fsub"},
    {0xbfa0fc00, 0x2e20dc00, RUN(farith), READ(float_lanes), INSP_A64_FMUL, "fmul"},
    {0xbfa0fc00, 0x2e20fc00, RUN(farith), READ(float_lanes), INSP_A64_FDIV, "fdiv"},
    {0xfffffc00, 0x1e260000, RUN(fmove), READ(float_general), INSP_A64_TO_GENERAL, "fmov"},
    {0xfffffc00, 0x1e270000, RUN(fmove), READ(float_general), INSP_A64_FROM_GENERAL, "fmov"},
    {0xfffffc00, 0x9e660000, RUN(fmove), READ(float_general), INSP_A64_TO_GENERAL, "fmov"},
    {0xfffffc00, 0x9e670000, RUN(fmove), READ(float_general), INSP_A64_FROM_GENERAL, "fmov"},
    {0xfffffc00, 0x9eae0000, RUN(fmove), READ(float_general), INSP_A64_TO_GENERAL, "fmov"},
    {0xfffffc00, 0x9eaf0000, RUN(fmove), READ(float_general), INSP_A64_FROM_GENERAL, "fmov"},
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

const insp_a64_row *insp_a64_find(uint32_t word)
{
    for (size_t i = 0; i < ROWS; i++) {
        if ((word & rows[i].mask) == rows[i].bits)
            return &rows[i];
    }
    return NULL;
}

uint16_t insp_a64_number(const insp_a64_row *row)
{
    return row ? (uint16_t)(row - rows) : ROWS;
}

const insp_a64_row *insp_a64_row_at(size_t number)
{
    return number < ROWS ? &rows[number] : NULL;
}
