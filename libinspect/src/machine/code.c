// SPDX-License-Identifier: MIT
#include "ops.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PIECE = 1024, // ops
    LIMIT = PIECE * INSP_CODE_PIECES,
    TRACE = 32,   // instructions decoded in one go
    LONGEST = 15, // bytes of an instruction of any set
};

void insp_code_init(insp_code *code)
{
    *code = (insp_code){0};
    code->hot[0].addr = 1; // which is looked for in hot[1]; as 0 is in hot[0]
}

void insp_code_deinit(insp_code *code)
{
    for (size_t i = 0; i < INSP_CODE_PIECES; i++)
        free(code->pieces[i]);
    insp_map_deinit(&code->by_addr);
    insp_code_init(code);
}

void insp_code_trim(insp_code *code)
{
    if (code->len > LIMIT / 2)
        insp_code_deinit(code);
}

static insp_op *op_at(const insp_code *code, size_t i)
{
    return &code->pieces[i / PIECE][i % PIECE];
}

static insp_op *known(const insp_code *code, insp_addr addr)
{
    uint32_t i = insp_map_get(&code->by_addr, addr);
    return i == INSP_MAP_NONE ? NULL : op_at(code, i);
}

// Room for a trace and the link after it in one piece, since op + 1 follows op.
static bool reserve(insp_machine *m, insp_addr addr)
{
    insp_code *code = &m->code;
    if (PIECE - code->len % PIECE < TRACE + 1)
        code->len += PIECE - code->len % PIECE;
    if (code->len >= LIMIT)
        return insp_machine_fail(m, INSP_ERR_REFUSED, addr,
                                 "more than %d different instructions", LIMIT);
    insp_op **piece = &code->pieces[code->len / PIECE];
    if (!*piece)
        *piece = malloc(PIECE * sizeof(insp_op));
    if (!*piece)
        return insp_machine_fail(m, INSP_ERR_MEMORY, 0, "not enough memory on this machine");
    return true;
}

// Executable bytes at addr, as many as an instruction may have; in `room` where they cross from range to range.
static const unsigned char *fetch(const insp_machine *m, insp_addr addr, unsigned char *room,
                                  size_t *n)
{
    const size_t longest = m->isa->longest;
    *n = 0;
    while (*n < longest && addr < UINT64_MAX - LONGEST) {
        const insp_segment *seg = insp_space_find(m->space, addr + *n);
        if (!seg || !(seg->flags & INSP_SEG_EXEC))
            return room;
        size_t take = longest - *n;
        if (take > seg->end - (addr + *n))
            take = (size_t)(seg->end - (addr + *n));
        const void *p = insp_space_at(m->space, addr + *n, take);
        if (p && take == longest) {
            *n = take;
            return p;
        }
        if (!p)
            return room;
        memcpy(room + *n, p, take);
        *n += take;
    }
    return room;
}

// Go on at an address that is decoded when it is reached. Counts for no instruction of its own.
insp_op *insp_op_link(insp_machine *m, insp_op *op)
{
    insp_op *to = insp_go_to(m, op);
    return to ? to->run(m, to) : NULL;
}

static void add_link(insp_code *code, insp_addr addr, insp_op *target)
{
    insp_op *op = op_at(code, code->len++);
    *op = (insp_op){.run = insp_op_link, .target = target, .addr = addr, .imm = addr};
}

static insp_op *no_code(insp_machine *m, insp_addr addr)
{
    const insp_segment *seg = insp_space_find(m->space, addr);
    if (seg && !(seg->flags & INSP_SEG_EXEC))
        return insp_machine_fail(m, INSP_ERR_FAULT, addr, "0x%" PRIx64 " is not executable",
                                 addr);
    return insp_machine_fail(m, INSP_ERR_FAULT, addr, "no code at 0x%" PRIx64, addr);
}

// Decode from addr on up to a jump that is always taken, or to what is known already.
static insp_op *decode_trace(insp_machine *m, insp_addr addr)
{
    insp_code *code = &m->code;
    if (!reserve(m, addr))
        return NULL;
    insp_op *first = op_at(code, code->len);
    for (size_t i = 0; i < TRACE; i++) {
        unsigned char room[LONGEST];
        size_t n = 0;
        const unsigned char *bytes = fetch(m, addr, room, &n);
        insp_op *there = i > 0 ? known(code, addr) : NULL;
        if (n == 0 && i == 0)
            return no_code(m, addr);
        if (n == 0 || there) {
            add_link(code, addr, there);
            return first;
        }
        insp_op *op = op_at(code, code->len);
        op->addr = addr;
        bool last = m->isa->decode(m, bytes, n, op);
        if (!insp_map_set(&code->by_addr, addr, (uint32_t)code->len)) {
            add_link(code, addr, NULL);
            return insp_machine_fail(m, INSP_ERR_MEMORY, 0,
                                     "not enough memory on this machine");
        }
        code->len++;
        if (last)
            return first;
        addr += op->length;
    }
    add_link(code, addr, NULL);
    return first;
}

insp_op *insp_code_find_slow(insp_machine *m, insp_addr addr)
{
    if (addr == INSP_MACHINE_CALLBACK)
        return &m->callback_op;
    if (addr == INSP_MACHINE_RETURN)
        return &m->return_op;
    if (addr == UINT64_MAX) // the one key that the map does not take
        return no_code(m, addr);
    insp_op *op = known(&m->code, addr);
    if (!op)
        op = decode_trace(m, addr);
    if (op) {
        size_t i = (size_t)(addr ^ addr >> 10) % INSP_HOT_CODE;
        m->code.hot[i].addr = addr;
        m->code.hot[i].op = op;
    }
    return op;
}
