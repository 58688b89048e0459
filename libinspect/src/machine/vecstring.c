// SPDX-License-Identifier: MIT
#include "element.h"
#include "flags.h"
#include "ops.h"

// pcmpistri: two texts in registers, which end at an element that is 0. The immediate says how they are
// compared. "Set" is the first operand, "text" the second, as in looking for one of a set in a text.

typedef struct comparison {
    insp_vec set, text;
    size_t n; // elements
    size_t size, set_length, text_length;
    bool is_signed;
} comparison;

static int64_t value(const comparison *c, const insp_vec *v, size_t i)
{
    uint64_t x = insp_element(v, i, c->size);
    return (int64_t)(c->is_signed ? insp_extend(x, c->size) : x);
}

static size_t length(const comparison *c, const insp_vec *v)
{
    size_t i = 0;
    while (i < c->n && insp_element(v, i, c->size) != 0)
        i++;
    return i;
}

// Is element j of the text one of the set, or in one of the ranges of which the set has both ends?
static bool in_set(const comparison *c, size_t j, bool ranges)
{
    int64_t x = value(c, &c->text, j);
    if (j >= c->text_length)
        return false;
    for (size_t i = 0; i < c->set_length; i += ranges ? 2 : 1) {
        int64_t low = value(c, &c->set, i);
        if (!ranges && x == low)
            return true;
        if (ranges && i + 1 < c->set_length && x >= low && x <= value(c, &c->set, i + 1))
            return true;
    }
    return false;
}

// Does the set, as a text, begin at element j, as far as the register goes?
static bool begins_at(const comparison *c, size_t j)
{
    for (size_t i = 0; i < c->set_length && i + j < c->n; i++) {
        if (i + j >= c->text_length || value(c, &c->set, i) != value(c, &c->text, i + j))
            return false;
    }
    return true;
}

static bool same(const comparison *c, size_t i)
{
    bool in = i < c->set_length, in_text = i < c->text_length;
    if (!in || !in_text)
        return in == in_text;
    return value(c, &c->set, i) == value(c, &c->text, i);
}

static uint32_t matches(const comparison *c, unsigned how)
{
    uint32_t bits = 0;
    for (size_t j = 0; j < c->n; j++) {
        bool yes = false;
        if ((how & 3) < 2)
            yes = in_set(c, j, how & 1);
        else
            yes = how & 1 ? begins_at(c, j) : same(c, j);
        bits |= (uint32_t)yes << j;
    }
    return bits;
}

insp_op *insp_op_vstring(insp_machine *m, insp_op *op)
{
    comparison c = {.size = op->imm & 1 ? 2 : 1, .is_signed = op->imm & 2};
    if (!insp_vget(m, op, 0, &c.set) || !insp_vget(m, op, 1, &c.text))
        return NULL;
    c.n = 16 / c.size;
    c.set_length = length(&c, &c.set);
    c.text_length = length(&c, &c.text);
    uint32_t all = (1u << c.n) - 1, bits = matches(&c, op->imm >> 2 & 3);
    if (op->imm & 0x10)
        bits ^= op->imm & 0x20 ? (1u << c.text_length) - 1 : all;
    uint64_t index = c.n;
    if (bits)
        index = op->imm & 0x40 ? 31u - (unsigned)__builtin_clz(bits)
                               : (unsigned)__builtin_ctz(bits);
    insp_set(m, INSP_RCX, index);
    m->f = (insp_flags){.zero = c.text_length == c.n,
                        .result = c.set_length < c.n ? UINT64_C(1) << 63 | 1 : 1,
                        .carry = bits != 0,
                        .overflow = bits & 1,
                        .down = m->f.down};
    return op + 1;
}
