// SPDX-License-Identifier: MIT
#include "state.h"

// The sizes are told apart so that each is a plain load or store.
static bool load_sized(insp_machine *m, insp_addr at, uint64_t *out, size_t n)
{
    *out = 0;
    switch (n) {
    case 1:
        return insp_load(m, at, out, 1);
    case 2:
        return insp_load(m, at, out, 2);
    case 4:
        return insp_load(m, at, out, 4);
    default:
        return insp_load(m, at, out, 8);
    }
}

static bool store_sized(insp_machine *m, insp_addr at, uint64_t value, size_t n)
{
    switch (n) {
    case 1:
        return insp_store(m, at, &value, 1);
    case 2:
        return insp_store(m, at, &value, 2);
    case 4:
        return insp_store(m, at, &value, 4);
    default:
        return insp_store(m, at, &value, 8);
    }
}

bool insp_get(insp_machine *m, const insp_op *op, unsigned i, uint64_t *out)
{
    switch (op->kind[i]) {
    case INSP_ARG_REG:
        *out = m->r[op->reg[i]].value & insp_mask(op->size[i]);
        return true;
    case INSP_ARG_HIGH:
        *out = m->r[op->reg[i]].value >> 8 & 0xff;
        return true;
    case INSP_ARG_MASK:
        *out = m->k[op->reg[i]];
        return true;
    case INSP_ARG_MEM:
        return load_sized(m, insp_ea(m, op), out, op->size[i]);
    default:
        *out = op->imm;
        return true;
    }
}

bool insp_put(insp_machine *m, const insp_op *op, unsigned i, uint64_t value)
{
    uint64_t *r = &m->r[op->reg[i]].value;
    uint64_t mask = insp_mask(op->size[i]);
    switch (op->kind[i]) {
    case INSP_ARG_MASK:
        m->vectors_used = true;
        m->k[op->reg[i]] = value;
        return true;
    case INSP_ARG_MEM:
        return store_sized(m, insp_ea(m, op), value, op->size[i]);
    case INSP_ARG_HIGH:
        *r = (*r & ~UINT64_C(0xff00)) | (value & 0xff) << 8;
        break;
    default:
        *r = op->size[i] >= 4 ? value & mask : (*r & ~mask) | (value & mask);
    }
    m->r[op->reg[i]].from = 0;
    return true;
}

bool insp_get_arg(insp_machine *m, const insp_op *op, unsigned i, insp_machine_arg *out)
{
    out->from = 0;
    if (op->size[i] != 8 || op->kind[i] == INSP_ARG_IMM)
        return insp_get(m, op, i, &out->value);
    if (op->kind[i] == INSP_ARG_MEM)
        return insp_load_arg(m, insp_ea(m, op), out);
    *out = m->r[op->reg[i]];
    return true;
}

bool insp_put_arg(insp_machine *m, const insp_op *op, unsigned i, insp_machine_arg arg)
{
    if (op->size[i] != 8)
        return insp_put(m, op, i, arg.value);
    if (op->kind[i] == INSP_ARG_MEM)
        return insp_store_arg(m, insp_ea(m, op), arg);
    m->r[op->reg[i]] = arg;
    return true;
}

// ---- vectors -------------------------------------------------------------------------------

static bool masked_out(const insp_machine *m, const insp_op *op, size_t element)
{
    return op->mask && !(m->k[op->mask] >> element & 1);
}

bool insp_vget(insp_machine *m, const insp_op *op, unsigned i, insp_vec *out)
{
    if (op->kind[i] == INSP_ARG_VEC) {
        *out = m->v[op->reg[i]];
        return true;
    }
    memset(out, 0, sizeof(*out));
    insp_addr at = insp_ea(m, op);
    if (!op->mask)
        return insp_load(m, at, out, op->size[i]);
    // Elements that are left out are not read: they may lie where no memory is.
    for (size_t e = 0; e < op->size[i] / op->width; e++) {
        size_t off = e * op->width;
        if (!masked_out(m, op, e) && !insp_load(m, at + off, out->u8 + off, op->width))
            return false;
    }
    return true;
}

bool insp_vget_aligned(insp_machine *m, const insp_op *op, unsigned i, insp_vec *out)
{
    bool strict =
        op->kind[i] == INSP_ARG_MEM && op->size[i] == 16 && !(op->flags & INSP_OP_VEX);
    if (strict && insp_ea(m, op) % 16)
        return insp_machine_fail(m, INSP_ERR_FAULT, insp_ea(m, op), "misaligned memory");
    return insp_vget(m, op, i, out);
}

static bool put_memory(insp_machine *m, const insp_op *op, const insp_vec *x, size_t n)
{
    insp_addr at = insp_ea(m, op);
    if (!op->mask)
        return insp_store(m, at, x, n);
    for (size_t e = 0; e < n / op->width; e++) {
        size_t off = e * op->width;
        if (!masked_out(m, op, e) && !insp_store(m, at + off, x->u8 + off, op->width))
            return false;
    }
    return true;
}

// A bit for each element that is not 0.
static uint64_t collapsed(const insp_machine *m, const insp_op *op, const insp_vec *x, size_t n)
{
    static const insp_vec zero;
    uint64_t bits = 0;
    for (size_t e = 0; e < n / op->width; e++) {
        bool set = memcmp(x->u8 + e * op->width, zero.u8, op->width) != 0;
        bits |= (uint64_t)(set && !masked_out(m, op, e)) << e;
    }
    return bits;
}

static void put_masked(insp_machine *m, const insp_op *op, const insp_vec *x, size_t n)
{
    insp_vec *v = &m->v[op->reg[0]];
    for (size_t e = 0; e < n / op->width; e++) {
        size_t off = e * op->width;
        if (!masked_out(m, op, e))
            memcpy(v->u8 + off, x->u8 + off, op->width);
        else if (op->flags & INSP_OP_ZERO)
            memset(v->u8 + off, 0, op->width);
    }
}

bool insp_vput(insp_machine *m, const insp_op *op, const insp_vec *x, size_t n)
{
    insp_vec *v = &m->v[op->reg[0]];
    if (op->kind[0] == INSP_ARG_MEM)
        return put_memory(m, op, x, n);
    m->vectors_used = true;
    if (op->kind[0] == INSP_ARG_MASK) {
        m->k[op->reg[0]] = collapsed(m, op, x, op->size[1]);
        return true;
    }
    if (op->mask)
        put_masked(m, op, x, n);
    else
        memcpy(v, x, n);
    if (op->flags & INSP_OP_VEX)
        memset(v->u8 + n, 0, sizeof(*v) - n);
    return true;
}
