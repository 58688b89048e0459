// SPDX-License-Identifier: MIT
#include "flags.h"
#include "ops.h"

__extension__ typedef unsigned __int128 u128;
__extension__ typedef __int128 i128;

insp_op *insp_op_arith(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &a) || !insp_get(m, op, 1, &b))
        return NULL;
    b &= insp_mask(size);
    switch (op->variant) {
    case INSP_ALU_ADD:
        return insp_next(op, insp_put(m, op, 0, insp_add(&m->f, a, b, 0, size)));
    case INSP_ALU_ADC:
        return insp_next(op, insp_put(m, op, 0, insp_add(&m->f, a, b, m->f.carry, size)));
    case INSP_ALU_SUB:
        return insp_next(op, insp_put(m, op, 0, insp_sub(&m->f, a, b, 0, size)));
    case INSP_ALU_SBB:
        return insp_next(op, insp_put(m, op, 0, insp_sub(&m->f, a, b, m->f.carry, size)));
    default:
        (void)insp_sub(&m->f, a, b, 0, size);
        return op + 1;
    }
}

// Clearing the tag bits of a pointer leaves it the pointer that was loaded.
static bool clears_tag(const insp_op *op)
{
    return op->variant == INSP_ALU_AND && op->kind[0] == INSP_ARG_REG && op->size[0] == 8 &&
           op->kind[1] == INSP_ARG_IMM && op->imm >= (uint64_t)-8;
}

insp_op *insp_op_logic(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &a) || !insp_get(m, op, 1, &b))
        return NULL;
    b &= insp_mask(size);
    uint64_t r = a & b;
    if (op->variant == INSP_ALU_OR)
        r = a | b;
    else if (op->variant == INSP_ALU_XOR)
        r = a ^ b;
    insp_flags_logic(&m->f, r, size);
    if (op->variant == INSP_ALU_TEST)
        return op + 1;
    insp_addr from = clears_tag(op) ? m->r[op->reg[0]].from : 0;
    return insp_next(op, insp_put_arg(m, op, 0, (insp_machine_arg){r, from}));
}

insp_op *insp_op_unary(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, r = 0;
    size_t size = op->size[0];
    uint8_t carry = m->f.carry;
    if (!insp_get(m, op, 0, &a))
        return NULL;
    switch (op->variant) {
    case INSP_ALU_INC:
        r = insp_add(&m->f, a, 1, 0, size);
        m->f.carry = carry;
        break;
    case INSP_ALU_DEC:
        r = insp_sub(&m->f, a, 1, 0, size);
        m->f.carry = carry;
        break;
    case INSP_ALU_NEG:
        r = insp_sub(&m->f, 0, a, 0, size);
        break;
    default:
        r = ~a;
    }
    return insp_next(op, insp_put(m, op, 0, r));
}

insp_op *insp_op_flag(insp_machine *m, insp_op *op)
{
    switch (op->variant) {
    case INSP_FLAG_CLC:
        m->f.carry = 0;
        break;
    case INSP_FLAG_STC:
        m->f.carry = 1;
        break;
    case INSP_FLAG_CMC:
        m->f.carry = !m->f.carry;
        break;
    case INSP_FLAG_XTEST: // never in a transaction
        m->f = (insp_flags){.zero = 0, .result = 1, .down = m->f.down};
        break;
    default:
        m->f.down = op->variant == INSP_FLAG_STD;
    }
    return op + 1;
}

// adcx and adox: a carry chain in CF or in OF alone. The variant says OF.
insp_op *insp_op_adx(insp_machine *m, insp_op *op)
{
    insp_flags f = {.carry = op->variant ? m->f.overflow : m->f.carry};
    uint64_t a = 0, b = 0;
    if (!insp_get(m, op, 0, &a) || !insp_get(m, op, 1, &b))
        return NULL;
    uint64_t r = insp_add(&f, a, b, f.carry, op->size[0]);
    *(op->variant ? &m->f.overflow : &m->f.carry) = f.carry;
    return insp_next(op, insp_put(m, op, 0, r));
}

// ---- multiplying ---------------------------------------------------------------------------

// rdx:rax, or ax where the operand is a byte.
static void set_wide(insp_machine *m, u128 x, size_t size)
{
    uint64_t low = (uint64_t)x & insp_mask(size);
    uint64_t high = (uint64_t)(x >> (8 * size)) & insp_mask(size);
    uint64_t rax = m->r[INSP_RAX].value, rdx = m->r[INSP_RDX].value;
    if (size == 1) {
        insp_set(m, INSP_RAX, (rax & ~UINT64_C(0xffff)) | high << 8 | low);
        return;
    }
    uint64_t kept = size == 2 ? ~UINT64_C(0xffff) : 0;
    insp_set(m, INSP_RAX, (rax & kept) | low);
    insp_set(m, INSP_RDX, (rdx & kept) | high);
}

static void mul_flags(insp_machine *m, uint64_t low, bool overflow, size_t size)
{
    insp_flags_result(&m->f, low, size);
    m->f.carry = m->f.overflow = overflow;
    m->f.adjust = 0;
}

insp_op *insp_op_mul(insp_machine *m, insp_op *op)
{
    uint64_t b = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &b))
        return NULL;
    u128 r = (u128)(m->r[INSP_RAX].value & insp_mask(size)) * b;
    set_wide(m, r, size);
    mul_flags(m, (uint64_t)r & insp_mask(size), r >> (8 * size) != 0, size);
    return op + 1;
}

// The product, and whether it does not fit `size` bytes.
static i128 signed_product(uint64_t a, uint64_t b, size_t size, bool *overflow)
{
    i128 r = (i128)(int64_t)insp_extend(a, size) * (int64_t)insp_extend(b, size);
    *overflow = r != (int64_t)insp_extend((uint64_t)r & insp_mask(size), size);
    return r;
}

// With one operand; those with two and three have the same mnemonic.
insp_op *insp_op_imul(insp_machine *m, insp_op *op)
{
    if (op->kind[1] != INSP_ARG_NONE) {
        op->run = insp_op_imul2;
        return insp_op_imul2(m, op);
    }
    uint64_t b = 0;
    bool overflow = false;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &b))
        return NULL;
    i128 r = signed_product(m->r[INSP_RAX].value & insp_mask(size), b, size, &overflow);
    set_wide(m, (u128)r, size);
    mul_flags(m, (uint64_t)r & insp_mask(size), overflow, size);
    return op + 1;
}

// imul with two or three operands.
insp_op *insp_op_imul2(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0;
    bool overflow = false;
    size_t size = op->size[0];
    bool three = op->kind[2] != INSP_ARG_NONE;
    if (!insp_get(m, op, three, &a) || !insp_get(m, op, three ? 2 : 1, &b))
        return NULL;
    i128 r = signed_product(a, b & insp_mask(size), size, &overflow);
    mul_flags(m, (uint64_t)r & insp_mask(size), overflow, size);
    return insp_next(op, insp_put(m, op, 0, (uint64_t)r));
}

insp_op *insp_op_mulx(insp_machine *m, insp_op *op)
{
    uint64_t b = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 2, &b))
        return NULL;
    u128 r = (u128)(m->r[INSP_RDX].value & insp_mask(size)) * b;
    // The high half last: it stays where both go to one register.
    return insp_next(op, insp_put(m, op, 1, (uint64_t)r) &&
                             insp_put(m, op, 0, (uint64_t)(r >> (8 * size))));
}

// ---- dividing ------------------------------------------------------------------------------

// The dividend: rdx:rax, or ax.
static u128 wide(const insp_machine *m, size_t size)
{
    uint64_t rax = m->r[INSP_RAX].value, rdx = m->r[INSP_RDX].value;
    if (size == 1)
        return rax & 0xffff;
    return (u128)(rdx & insp_mask(size)) << (8 * size) | (rax & insp_mask(size));
}

static insp_op *division_error(insp_machine *m, const insp_op *op)
{
    return insp_machine_fail(m, INSP_ERR_FAULT, op->addr, "division error");
}

insp_op *insp_op_div(insp_machine *m, insp_op *op)
{
    uint64_t b = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &b))
        return NULL;
    u128 a = wide(m, size);
    if (b == 0 || a / b > insp_mask(size))
        return division_error(m, op);
    set_wide(m, (a % b) << (8 * size) | a / b, size);
    return op + 1;
}

insp_op *insp_op_idiv(insp_machine *m, insp_op *op)
{
    uint64_t x = 0;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &x))
        return NULL;
    unsigned spare = 128 - 16 * (unsigned)size;
    i128 a = (i128)(wide(m, size) << spare) >> spare;
    int64_t b = (int64_t)insp_extend(x, size);
    // The one quotient that does not fit 128 bits is refused before it is formed.
    if (b == 0 || (b == -1 && a == (i128)((u128)1 << 127)))
        return division_error(m, op);
    i128 q = a / b;
    if (q != (int64_t)insp_extend((uint64_t)q & insp_mask(size), size))
        return division_error(m, op);
    set_wide(m, (u128)(a % b) << (8 * size) | ((u128)q & insp_mask(size)), size);
    return op + 1;
}

// ---- read, modify, write: one thread, so a lock prefix means nothing ----------------------

insp_op *insp_op_xadd(insp_machine *m, insp_op *op)
{
    uint64_t a = 0, b = 0;
    if (!insp_get(m, op, 0, &a) || !insp_get(m, op, 1, &b))
        return NULL;
    uint64_t r = insp_add(&m->f, a, b, 0, op->size[0]);
    if (op->kind[0] == INSP_ARG_MEM)
        return insp_next(op, insp_put(m, op, 0, r) && insp_put(m, op, 1, a));
    return insp_next(op, insp_put(m, op, 1, a) && insp_put(m, op, 0, r));
}

insp_op *insp_op_cmpxchg(insp_machine *m, insp_op *op)
{
    uint64_t there = 0;
    insp_machine_arg x;
    size_t size = op->size[0];
    if (!insp_get(m, op, 0, &there) || !insp_get_arg(m, op, 1, &x))
        return NULL;
    uint64_t rax = m->r[INSP_RAX].value, mask = insp_mask(size);
    (void)insp_sub(&m->f, rax & mask, there, 0, size);
    if (m->f.zero == 0)
        return insp_next(op, insp_put_arg(m, op, 0, x));
    if (!insp_put(m, op, 0, there))
        return NULL;
    insp_set(m, INSP_RAX, size >= 4 ? there : (rax & ~mask) | there);
    return op + 1;
}

// cmpxchg8b and cmpxchg16b: the variant is the size of either half.
insp_op *insp_op_cmpxchg16b(insp_machine *m, insp_op *op)
{
    size_t half = op->variant;
    insp_addr at = insp_ea(m, op);
    uint64_t low = 0, high = 0, mask = insp_mask(half);
    if (half == 8 && at % 16)
        return insp_machine_fail(m, INSP_ERR_FAULT, at, "misaligned memory");
    if (!insp_load(m, at, &low, half) || !insp_load(m, at + half, &high, half))
        return NULL;
    bool same = low == (m->r[INSP_RAX].value & mask) && high == (m->r[INSP_RDX].value & mask);
    m->f.zero = !same;
    if (!same) {
        insp_set(m, INSP_RAX, low);
        insp_set(m, INSP_RDX, high);
        return op + 1;
    }
    return insp_next(op, insp_store(m, at, &m->r[INSP_RBX].value, half) &&
                             insp_store(m, at + half, &m->r[INSP_RCX].value, half));
}
