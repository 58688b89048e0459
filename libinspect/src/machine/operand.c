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

bool insp_vget(insp_machine *m, const insp_op *op, unsigned i, insp_vec *out)
{
    if (op->kind[i] == INSP_ARG_VEC) {
        *out = m->v[op->reg[i]];
        return true;
    }
    memset(out, 0, sizeof(*out));
    return insp_load(m, insp_ea(m, op), out, op->size[i]);
}

bool insp_vget_aligned(insp_machine *m, const insp_op *op, unsigned i, insp_vec *out)
{
    bool strict =
        op->kind[i] == INSP_ARG_MEM && op->size[i] == 16 && !(op->flags & INSP_OP_VEX);
    if (strict && insp_ea(m, op) % 16)
        return insp_machine_fail(m, INSP_ERR_FAULT, insp_ea(m, op), "misaligned memory");
    return insp_vget(m, op, i, out);
}

bool insp_vput(insp_machine *m, const insp_op *op, const insp_vec *x, size_t n)
{
    if (op->kind[0] == INSP_ARG_MEM)
        return insp_store(m, insp_ea(m, op), x, n);
    insp_vec *v = &m->v[op->reg[0]];
    m->vectors_used = true;
    memcpy(v, x, n);
    if (op->flags & INSP_OP_VEX)
        memset(v->u8 + n, 0, sizeof(*v) - n);
    return true;
}
