// SPDX-License-Identifier: MIT
/**
 * @file
 * Arithmetic that sets the status flags, and the conditions that read them.
 *
 * Operands are zero-extended and so are results; `size` is in bytes. Flags that the architecture
 * leaves undefined come out as is convenient.
 */
#ifndef INSP_MACHINE_FLAGS_H
#define INSP_MACHINE_FLAGS_H

#include "state.h"

/** Bits of rflags. */
enum {
    INSP_CF = 1 << 0,
    INSP_PF = 1 << 2,
    INSP_AF = 1 << 4,
    INSP_ZF = 1 << 6,
    INSP_SF = 1 << 7,
    INSP_DF = 1 << 10,
    INSP_OF = 1 << 11
};

/** Condition codes as they are encoded; an odd one negates the one before. */
enum {
    INSP_IF_O = 0,
    INSP_IF_B = 2,
    INSP_IF_Z = 4,
    INSP_IF_BE = 6,
    INSP_IF_S = 8,
    INSP_IF_P = 10,
    INSP_IF_L = 12,
    INSP_IF_LE = 14
};

/** The highest bit of a value of `size` bytes. */
static inline uint8_t insp_top(uint64_t x, size_t size)
{
    return (uint8_t)(x >> (8 * size - 1) & 1);
}

/** ZF, SF and PF of a result. */
static inline void insp_flags_result(insp_flags *f, uint64_t r, size_t size)
{
    f->zero = r;
    f->result = insp_extend(r, size);
}

static inline void insp_flags_logic(insp_flags *f, uint64_t r, size_t size)
{
    insp_flags_result(f, r, size);
    f->carry = f->overflow = f->adjust = 0;
}

static inline uint64_t insp_add(insp_flags *f, uint64_t a, uint64_t b, uint64_t carry,
                                size_t size)
{
    uint64_t r = (a + b + carry) & insp_mask(size);
    insp_flags_result(f, r, size);
    f->carry = carry ? r <= a : r < a;
    f->overflow = insp_top((a ^ r) & (b ^ r), size);
    f->adjust = (uint8_t)(a ^ b ^ r);
    return r;
}

static inline uint64_t insp_sub(insp_flags *f, uint64_t a, uint64_t b, uint64_t carry,
                                size_t size)
{
    uint64_t r = (a - b - carry) & insp_mask(size);
    insp_flags_result(f, r, size);
    f->carry = carry ? a <= b : a < b;
    f->overflow = insp_top((a ^ b) & (a ^ r), size);
    f->adjust = (uint8_t)(a ^ b ^ r);
    return r;
}

static inline bool insp_zf(const insp_flags *f)
{
    return f->zero == 0;
}

static inline bool insp_sf(const insp_flags *f)
{
    return f->result >> 63;
}

static inline bool insp_pf(const insp_flags *f)
{
    unsigned x = f->result & 0xff;
    x ^= x >> 4;
    // Bit n of the constant is the parity of n.
    return !(0x6996u >> (x & 15) & 1);
}

/** Does condition `cc` (0 … 15) hold? */
static inline bool insp_holds(const insp_flags *f, unsigned cc)
{
    bool yes = false;
    switch (cc & 14u) {
    case INSP_IF_O:
        yes = f->overflow;
        break;
    case INSP_IF_B:
        yes = f->carry;
        break;
    case INSP_IF_Z:
        yes = insp_zf(f);
        break;
    case INSP_IF_BE:
        yes = f->carry || insp_zf(f);
        break;
    case INSP_IF_S:
        yes = insp_sf(f);
        break;
    case INSP_IF_P:
        yes = insp_pf(f);
        break;
    case INSP_IF_L:
        yes = insp_sf(f) != f->overflow;
        break;
    default:
        yes = insp_zf(f) || insp_sf(f) != f->overflow;
    }
    return yes != (cc & 1u);
}

/** The flags as pushfq shows them: interrupts are enabled, and bit 1 is always set. */
static inline uint64_t insp_rflags(const insp_flags *f)
{
    return 0x202u | (f->carry ? INSP_CF : 0u) | (insp_pf(f) ? INSP_PF : 0u) |
           (f->adjust & 16u ? INSP_AF : 0u) | (insp_zf(f) ? INSP_ZF : 0u) |
           (insp_sf(f) ? INSP_SF : 0u) | (f->down ? INSP_DF : 0u) |
           (f->overflow ? INSP_OF : 0u);
}

/** Set CF, PF, AF, ZF and SF, as sahf does. */
static inline void insp_flags_low(insp_flags *f, uint64_t bits)
{
    f->carry = (bits & INSP_CF) != 0;
    f->adjust = (uint8_t)(bits & INSP_AF);
    f->zero = bits & INSP_ZF ? 0 : 1;
    f->result = (bits & INSP_SF ? UINT64_C(1) << 63 : 0u) | (bits & INSP_PF ? 0u : 1u);
}

#endif
