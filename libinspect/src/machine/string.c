// SPDX-License-Identifier: MIT
#include "flags.h"
#include "ops.h"

enum { STEPS = 16 };

// One step; false: the machine has failed.
static bool step(insp_machine *m, const insp_op *op)
{
    size_t n = op->width;
    uint64_t by = m->f.down ? -(uint64_t)n : n;
    insp_addr from = m->r[INSP_RSI].value, to = m->r[INSP_RDI].value;
    uint64_t rax = m->r[INSP_RAX].value, x = rax, y = 0, mask = insp_mask(n);
    bool uses_rsi = op->variant != INSP_STOS && op->variant != INSP_SCAS;
    bool uses_rdi = op->variant != INSP_LODS;
    bool compares = op->variant == INSP_CMPS || op->variant == INSP_SCAS;
    if (uses_rsi && !insp_load(m, from, &x, n))
        return false;
    if (compares && !insp_load(m, to, &y, n))
        return false;
    if (compares)
        (void)insp_sub(&m->f, x & mask, y & mask, 0, n);
    else if (op->variant == INSP_LODS)
        insp_set(m, INSP_RAX, n >= 4 ? x & mask : (rax & ~mask) | (x & mask));
    else if (!insp_store(m, to, &x, n))
        return false;
    if (uses_rsi)
        insp_set(m, INSP_RSI, from + by);
    if (uses_rdi)
        insp_set(m, INSP_RDI, to + by);
    return true;
}

insp_op *insp_op_string(insp_machine *m, insp_op *op)
{
    bool compares = op->variant == INSP_CMPS || op->variant == INSP_SCAS;
    if (!(op->flags & (INSP_OP_REPE | INSP_OP_REPNE)))
        return insp_next(op, step(m, op));
    // A long repetition comes here again and again, and counts as an instruction each time.
    for (int i = 0; i < STEPS; i++) {
        uint64_t left = m->r[INSP_RCX].value;
        if (left == 0)
            return op + 1;
        if (!step(m, op))
            return NULL;
        insp_set(m, INSP_RCX, left - 1);
        if (compares && insp_zf(&m->f) == ((op->flags & INSP_OP_REPNE) != 0))
            return op + 1;
    }
    return op;
}
