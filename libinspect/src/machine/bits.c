// SPDX-License-Identifier: MIT
#include "flags.h"
#include "ops.h"

// ---- shifts and rotations ------------------------------------------------------------------

// count < 64; bits beyond the size have been shifted out.
static uint64_t shifted(insp_flags *f, unsigned how, uint64_t a, unsigned count, size_t size)
{
    unsigned bits = 8 * (unsigned)size;
    uint64_t r = 0;
    if (how == INSP_SHL) {
        r = a << count & insp_mask(size);
        f->carry = count <= bits && (a >> (bits - count) & 1);
        f->overflow = insp_top(r, size) ^ f->carry;
    } else {
        uint64_t wide = how == INSP_SAR ? insp_extend(a, size) : a;
        uint64_t before = (uint64_t)((int64_t)wide >> (count - 1));
        if (how == INSP_SHR)
            before = wide >> (count - 1);
        r = (how == INSP_SAR ? (uint64_t)((int64_t)wide >> count) : wide >> count) &
            insp_mask(size);
        f->carry = before & 1;
        f->overflow = how == INSP_SHR && insp_top(a, size);
    }
    insp_flags_result(f, r, size);
    return r;
}

static uint64_t rotated(insp_flags *f, unsigned how, uint64_t a, unsigned count, size_t size)
{
    unsigned bits = 8 * (unsigned)size, n = count % bits;
    if (how == INSP_ROR)
        n = (bits - n) % bits;
    uint64_t r = n ? (a << n | a >> (bits - n)) & insp_mask(size) : a;
    if (how == INSP_ROL) {
        f->carry = r & 1;
        f->overflow = insp_top(r, size) ^ f->carry;
    } else {
        f->carry = insp_top(r, size);
        f->overflow = f->carry ^ (r >> (bits - 2) & 1);
    }
    return r;
}

// Rotate through the carry flag, a bit at a time.
static uint64_t rotated_carry(insp_flags *f, unsigned how, uint64_t a, unsigned count,
                              size_t size)
{
    for (count %= 8 * (unsigned)size + 1; count > 0; count--) {
        uint8_t carry = f->carry;
        if (how == INSP_RCL) {
            f->carry = insp_top(a, size);
            a = (a << 1 | carry) & insp_mask(size);
            f->overflow = insp_top(a, size) ^ f->carry;
        } else {
            f->overflow = insp_top(a, size) ^ carry;
            f->carry = a & 1;
            a = a >> 1 | (uint64_t)carry << (8 * size - 1);
        }
    }
    return a;
}

insp_op *insp_op_shift(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, count = 1;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &a) ||
        (op->kind[1] != INSP_ARG_NONE && !insp_get(m, op, 1, &count)))
        return NULL;
    count &= size == 8 ? 63 : 31;
    // A shift by 0 changes no flag, though a 4-byte register is still cleared above.
    if (count == 0)
        return insp_next(op, insp_put(m, op, 0, a));
    if (op->variant <= INSP_SAR)
        a = shifted(&m->f, op->variant, a, (unsigned)count, size);
    else if (op->variant <= INSP_ROR)
        a = rotated(&m->f, op->variant, a, (unsigned)count, size);
    else
        a = rotated_carry(&m->f, op->variant, a, (unsigned)count, size);
    return insp_next(op, insp_put(m, op, 0, a));
}

// shld and shrd; the count is cl or the immediate, decoded as operand 2.
insp_op *insp_op_shift_double(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0, count = 0;
    size_t size = op->size[0];
    unsigned bits = 8 * (unsigned)size;
    if (!insp_get(m, op, 0, &a) || !insp_get(m, op, 1, &b) || !insp_get(m, op, 2, &count))
        return NULL;
    count &= size == 8 ? 63 : 31;
    if (count == 0)
        return insp_next(op, insp_put(m, op, 0, a));
    // More than the size is left undefined by the architecture; here it wraps.
    unsigned n = (unsigned)(count % bits);
    uint64_t r = a;
    if (n && op->variant == INSP_SHL) {
        r = (a << n | b >> (bits - n)) & insp_mask(size);
        m->f.carry = a >> (bits - n) & 1;
    } else if (n) {
        r = (a >> n | b << (bits - n)) & insp_mask(size);
        m->f.carry = a >> (n - 1) & 1;
    }
    m->f.overflow = insp_top(r ^ a, size);
    insp_flags_result(&m->f, r, size);
    return insp_next(op, insp_put(m, op, 0, r));
}

// shlx, shrx, sarx and rorx: no flags.
insp_op *insp_op_shiftx(insp_machine *m, insp_op *op)
{
    insp_flags unused = {0};
    uint64_t a = 0, count = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 1, &a) || !insp_get(m, op, 2, &count))
        return NULL;
    count &= size == 8 ? 63 : 31;
    if (count && op->variant == INSP_ROR)
        a = rotated(&unused, INSP_ROR, a, (unsigned)count, size);
    else if (count)
        a = shifted(&unused, op->variant, a, (unsigned)count, size);
    return insp_next(op, insp_put(m, op, 0, a));
}

// ---- single bits ---------------------------------------------------------------------------

// A register's bit offset reaches beyond a memory operand, both ways.
static insp_addr bit_address(insp_machine *m, const insp_op *op, uint64_t offset)
{
    int64_t words = (int64_t)insp_extend(offset & insp_mask(op->size[1]), op->size[1]);
    unsigned log = 3 + (unsigned)__builtin_ctz(op->size[0]);
    return insp_ea(m, op) + (uint64_t)(words >> log) * op->size[0];
}

insp_op *insp_op_bt(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, offset = 0;
    size_t size = op->size[0];
    bool mem = op->kind[0] == INSP_ARG_MEM;
    insp_addr at = 0;
    if (!insp_get(m, op, 1, &offset))
        return NULL;
    if (mem)
        at = op->kind[1] == INSP_ARG_IMM ? insp_ea(m, op) : bit_address(m, op, offset);
    if (!(mem ? insp_load(m, at, &a, size) : insp_get(m, op, 0, &a)))
        return NULL;
    uint64_t bit = UINT64_C(1) << (offset & (8 * size - 1));
    m->f.carry = (a & bit) != 0;
    switch (op->variant) {
    case INSP_BT:
        return op + 1;
    case INSP_BTS:
        a |= bit;
        break;
    case INSP_BTR:
        a &= ~bit;
        break;
    default:
        a ^= bit;
    }
    return insp_next(op, mem ? insp_store(m, at, &a, size) : insp_put(m, op, 0, a));
}

// ---- counting bits -------------------------------------------------------------------------

static uint64_t scanned(unsigned how, uint64_t x, size_t size)
{
    uint64_t bits = 8 * size;
    switch (how) {
    case INSP_BSF:
    case INSP_TZCNT:
        return x ? (uint64_t)__builtin_ctzll(x) : bits;
    case INSP_BSR:
        return x ? 63 - (uint64_t)__builtin_clzll(x) : bits;
    case INSP_LZCNT:
        return x ? (uint64_t)__builtin_clzll(x) - (64 - bits) : bits;
    default:
        return (uint64_t)__builtin_popcountll(x);
    }
}

insp_op *insp_op_scan(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 1, &x))
        return NULL;
    uint64_t r = scanned(op->variant, x, size);
    bool old = op->variant == INSP_BSF || op->variant == INSP_BSR;
    bool count = op->variant == INSP_TZCNT || op->variant == INSP_LZCNT;
    // ZF is about the result of the zero counts, about the source of the others; PF and SF are clear.
    m->f = (insp_flags){
        .zero = count ? r : x, .result = 1, .carry = count && x == 0, .down = m->f.down};
    // bsf and bsr of 0 leave the register alone, which compilers rely on.
    if (old && x == 0)
        return op + 1;
    return insp_next(op, insp_put(m, op, 0, r));
}

// ---- BMI -----------------------------------------------------------------------------------

static uint64_t deposited(uint64_t x, uint64_t mask)
{
    uint64_t r = 0;
    for (; mask; mask &= mask - 1, x >>= 1)
        r |= x & 1 ? mask & -mask : 0;
    return r;
}

static uint64_t extracted(uint64_t x, uint64_t mask)
{
    uint64_t r = 0;
    for (unsigned i = 0; mask; mask &= mask - 1, i++)
        r |= x & mask & -mask ? UINT64_C(1) << i : 0;
    return r;
}

static uint64_t field(uint64_t x, uint64_t start_and_length)
{
    unsigned start = start_and_length & 0xff, length = start_and_length >> 8 & 0xff;
    x = start < 64 ? x >> start : 0;
    return length < 64 ? x & ((UINT64_C(1) << length) - 1) : x;
}

insp_op *insp_op_bmi(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0, r = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 1, &a) || !insp_get(m, op, 2, &b))
        return NULL;
    uint64_t n = b & 0xff, bits = 8 * size;
    switch (op->variant) {
    case INSP_ANDN:
        r = ~a & b;
        insp_flags_logic(&m->f, r, size);
        break;
    case INSP_BEXTR:
        r = field(a, b);
        insp_flags_logic(&m->f, r, size);
        break;
    case INSP_BZHI:
        r = n < bits ? a & ((UINT64_C(1) << n) - 1) : a;
        insp_flags_logic(&m->f, r, size);
        m->f.carry = n >= bits;
        break;
    case INSP_PDEP:
        r = deposited(a, b);
        break;
    default:
        r = extracted(a, b);
    }
    return insp_next(op, insp_put(m, op, 0, r));
}

insp_op *insp_op_bls(insp_machine *m, insp_op *op)
{
    uint64_t x = 0, r = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 1, &x))
        return NULL;
    if (op->variant == INSP_BLSI)
        r = x & -x;
    else
        r = op->variant == INSP_BLSR ? x & (x - 1) : x ^ (x - 1);
    r &= insp_mask(size);
    insp_flags_logic(&m->f, r, size);
    m->f.carry = op->variant == INSP_BLSI ? x != 0 : x == 0;
    return insp_next(op, insp_put(m, op, 0, r));
}
