// SPDX-License-Identifier: MIT
#include "a64.h"
#include "element.h"

// ---- addresses -----------------------------------------------------------------------------

static insp_addr address(const insp_machine *m, const insp_op *op)
{
    insp_addr at = m->r[op->base].value;
    if (op->flags & INSP_A64_AFTER)
        return at;
    unsigned how = insp_a64_extend(op);
    uint64_t index = how ? insp_a64_extended(m->r[op->index].value, how, op->shift) : 0;
    return at + op->disp + index;
}

// What a base register becomes, only once the access has been made.
static insp_op *done(insp_machine *m, insp_op *op)
{
    if (op->flags & (INSP_A64_BEFORE | INSP_A64_AFTER))
        insp_set(m, op->base, m->r[op->base].value + op->disp);
    return op + 1;
}

// ---- general registers ---------------------------------------------------------------------

static bool load(insp_machine *m, const insp_op *op, insp_addr at, insp_machine_arg *out)
{
    if (op->width == 8)
        return insp_load_arg(m, at, out);
    *out = (insp_machine_arg){0, 0};
    if (!insp_load(m, at, &out->value, op->width))
        return false;
    if (op->flags & INSP_A64_SIGNED)
        out->value = insp_extend(out->value, op->width) & insp_mask(op->size[1]);
    return true;
}

static bool store(insp_machine *m, const insp_op *op, insp_addr at, unsigned reg)
{
    const insp_machine_arg *x = &m->r[reg];
    return op->width == 8 ? insp_store_arg(m, at, *x) : insp_store(m, at, &x->value, op->width);
}

insp_op *insp_a64_ldr(insp_machine *m, insp_op *op)
{
    insp_machine_arg x;
    if (!load(m, op, address(m, op), &x))
        return NULL;
    insp_op *next = done(m, op);
    m->r[op->reg[0]] = x;
    return next;
}

insp_op *insp_a64_str(insp_machine *m, insp_op *op)
{
    return store(m, op, address(m, op), op->reg[0]) ? done(m, op) : NULL;
}

insp_op *insp_a64_ldp(insp_machine *m, insp_op *op)
{
    insp_machine_arg x, y;
    insp_addr at = address(m, op);
    if (!load(m, op, at, &x) || !load(m, op, at + op->width, &y))
        return NULL;
    insp_op *next = done(m, op);
    m->r[op->reg[0]] = x;
    m->r[op->reg[1]] = y;
    return next;
}

insp_op *insp_a64_stp(insp_machine *m, insp_op *op)
{
    insp_addr at = address(m, op);
    if (!store(m, op, at, op->reg[0]) || !store(m, op, at + op->width, op->reg[1]))
        return NULL;
    return done(m, op);
}

// ---- exclusive and atomic accesses ---------------------------------------------------------
//
// Nobody else is there, so every exclusive store succeeds.

insp_op *insp_a64_stxr(insp_machine *m, insp_op *op)
{
    if (!store(m, op, address(m, op), op->reg[0]))
        return NULL;
    insp_set(m, op->reg[2], 0);
    return op + 1;
}

insp_op *insp_a64_stxp(insp_machine *m, insp_op *op)
{
    if (!insp_a64_stp(m, op))
        return NULL;
    insp_set(m, op->reg[2], 0);
    return op + 1;
}

insp_op *insp_a64_atomic(insp_machine *m, insp_op *op)
{
    insp_addr at = address(m, op);
    uint64_t old = 0, x = m->r[op->reg[2]].value & insp_mask(op->width);
    if (!insp_load(m, at, &old, op->width))
        return NULL;
    x = insp_a64_combined(op->variant, old, x, 0, op->width);
    if (!insp_store(m, at, &x, op->width))
        return NULL;
    insp_set(m, op->reg[0], old);
    return op + 1;
}

insp_op *insp_a64_cas(insp_machine *m, insp_op *op)
{
    insp_addr at = address(m, op);
    uint64_t old = 0, expected = m->r[op->reg[2]].value & insp_mask(op->width);
    if (op->reg[2] == INSP_A64_NOWHERE)
        expected = 0;
    if (!insp_load(m, at, &old, op->width))
        return NULL;
    if (old == expected && !store(m, op, at, op->reg[0]))
        return NULL;
    insp_set(m, op->reg[2], old);
    return op + 1;
}

insp_op *insp_a64_casp(insp_machine *m, insp_op *op)
{
    insp_addr at = address(m, op);
    uint64_t low = 0, high = 0, mask = insp_mask(op->width);
    unsigned to = op->reg[0], with = op->reg[2];
    if (to % 2 || with % 2 || to >= INSP_A64_LR || with >= INSP_A64_LR)
        return insp_machine_fail(m, INSP_ERR_UNSUPPORTED, op->addr, "not a pair of registers");
    if (!insp_load(m, at, &low, op->width) || !insp_load(m, at + op->width, &high, op->width))
        return NULL;
    if (low == (m->r[with].value & mask) && high == (m->r[with + 1].value & mask) &&
        (!store(m, op, at, to) || !store(m, op, at + op->width, to + 1)))
        return NULL;
    insp_set(m, with, low);
    insp_set(m, with + 1, high);
    return op + 1;
}

// ---- vector registers ----------------------------------------------------------------------

static bool vload(insp_machine *m, const insp_op *op, insp_addr at, insp_vec *out)
{
    *out = (insp_vec){{0}};
    m->vectors_used = true;
    return insp_load(m, at, out, op->width);
}

insp_op *insp_a64_vldr(insp_machine *m, insp_op *op)
{
    insp_vec x;
    if (!vload(m, op, address(m, op), &x))
        return NULL;
    m->v[op->reg[0]] = x;
    return done(m, op);
}

insp_op *insp_a64_vstr(insp_machine *m, insp_op *op)
{
    return insp_store(m, address(m, op), &m->v[op->reg[0]], op->width) ? done(m, op) : NULL;
}

insp_op *insp_a64_vldp(insp_machine *m, insp_op *op)
{
    insp_vec x, y;
    insp_addr at = address(m, op);
    if (!vload(m, op, at, &x) || !vload(m, op, at + op->width, &y))
        return NULL;
    m->v[op->reg[0]] = x;
    m->v[op->reg[1]] = y;
    return done(m, op);
}

insp_op *insp_a64_vstp(insp_machine *m, insp_op *op)
{
    insp_addr at = address(m, op);
    if (!insp_store(m, at, &m->v[op->reg[0]], op->width) ||
        !insp_store(m, at + op->width, &m->v[op->reg[1]], op->width))
        return NULL;
    return done(m, op);
}

// ---- structures ----------------------------------------------------------------------------
//
// ld1 … st4: imm says of how many members each is (4 bits up), and how many registers a member has.

// The base register moves by what was accessed, or by a register.
static insp_op *stepped(insp_machine *m, insp_op *op, uint64_t bytes)
{
    if (op->flags & INSP_A64_AFTER)
        insp_set(m, op->base,
                 m->r[op->base].value +
                     (op->index == INSP_A64_ZR ? bytes : m->r[op->index].value));
    return op + 1;
}

static bool element(insp_machine *m, const insp_op *op, insp_addr at, unsigned reg, size_t i)
{
    unsigned char *lane = m->v[reg].u8 + i * op->width;
    return op->flags & INSP_A64_LOADS ? insp_load(m, at, lane, op->width)
                                      : insp_store(m, at, lane, op->width);
}

static void clear_above(insp_machine *m, unsigned reg, size_t bytes)
{
    memset(m->v[reg].u8 + bytes, 0, sizeof(m->v[reg].u8) - bytes);
}

insp_op *insp_a64_structures(insp_machine *m, insp_op *op)
{
    unsigned members = op->imm & 15, registers = (unsigned)op->imm >> 4;
    unsigned n = op->size[0] / op->width;
    insp_addr at = m->r[op->base].value;
    m->vectors_used = true;
    for (unsigned r = 0; r < registers; r++) {
        for (unsigned i = 0; i < n; i++) {
            for (unsigned k = 0; k < members; k++, at += op->width) {
                if (!element(m, op, at, (op->reg[0] + r + k) % 32, i))
                    return NULL;
            }
        }
    }
    for (unsigned r = 0; op->flags & INSP_A64_LOADS && r < registers + members - 1; r++)
        clear_above(m, (op->reg[0] + r) % 32, op->size[0]);
    return stepped(m, op, at - m->r[op->base].value);
}

// One element of each register, or (imm bit 4 and up: the lane; 0xff: all lanes) the same in all lanes.
insp_op *insp_a64_lane(insp_machine *m, insp_op *op)
{
    enum { ALL = 0xff };
    unsigned members = op->imm & 15, lane = (unsigned)op->imm >> 4;
    insp_addr at = m->r[op->base].value;
    m->vectors_used = true;
    for (unsigned k = 0; k < members; k++, at += op->width) {
        unsigned reg = (op->reg[0] + k) % 32;
        if (!element(m, op, at, reg, lane == ALL ? 0 : lane))
            return NULL;
        uint64_t x = insp_element(&m->v[reg], 0, op->width);
        for (unsigned i = 1; lane == ALL && i < op->size[0] / op->width; i++)
            insp_set_element(&m->v[reg], i, op->width, x);
        if (op->flags & INSP_A64_LOADS)
            clear_above(m, reg, lane == ALL ? op->size[0] : 16);
    }
    return stepped(m, op, at - m->r[op->base].value);
}
