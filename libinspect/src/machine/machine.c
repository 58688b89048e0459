// SPDX-License-Identifier: MIT
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops.h"

enum { DEFAULT_INSTRUCTIONS = 1000000, DEFAULT_PAGES = 1024 };

static const insp_isa *isa_of(uint16_t elf_machine)
{
    switch (elf_machine) {
    case EM_NONE:
    case EM_X86_64:
        return &insp_isa_x86_64;
    case EM_AARCH64:
        return &insp_isa_a64;
    default:
        return NULL;
    }
}

bool insp_machine_understands(uint16_t elf_machine)
{
    return isa_of(elf_machine) != NULL;
}

insp_status insp_machine_create(const insp_space *space, const insp_machine_options *options,
                                insp_machine **out, insp_error *err)
{
    const insp_isa *isa = isa_of(options ? options->machine : EM_NONE);
    if (!isa)
        return insp_fail(err, INSP_ERR_UNSUPPORTED, 0, "code of machine %u is not understood",
                         options->machine);
    insp_machine *m = calloc(1, sizeof(*m));
    if (!m)
        return insp_nomem(err);
    m->stack = calloc(1, INSP_STACK_SIZE);
    m->shadow = calloc(INSP_STACK_SIZE / 8, sizeof(*m->shadow));
    if (!m->stack || !m->shadow) {
        insp_machine_destroy(m);
        return insp_nomem(err);
    }
    for (size_t i = 0; i < INSP_SEEN_PAGES; i++)
        m->seen[i].number = UINT64_MAX;
    m->written.number = UINT64_MAX;
    m->low = INSP_STACK_SIZE;
    m->isa = isa;
    m->space = space;
    m->cursor.space = space;
    if (options)
        m->options = *options;
    if (!m->options.max_instructions)
        m->options.max_instructions = DEFAULT_INSTRUCTIONS;
    if (!m->options.max_pages || m->options.max_pages > INSP_OVERLAY_PAGES)
        m->options.max_pages = m->options.max_pages ? INSP_OVERLAY_PAGES : DEFAULT_PAGES;
    m->thread_pointer =
        m->options.thread_pointer ? m->options.thread_pointer : INSP_MACHINE_TCB;
    m->callback_op = (insp_op){.run = insp_op_callback, .addr = INSP_MACHINE_CALLBACK};
    m->return_op = (insp_op){.run = insp_op_return, .addr = INSP_MACHINE_RETURN};
    insp_code_init(&m->code);
    *out = m;
    return INSP_OK;
}

void insp_machine_destroy(insp_machine *m)
{
    if (!m)
        return;
    insp_code_deinit(&m->code);
    insp_overlay_deinit(&m->overlay);
    free(m->stack);
    free(m->shadow);
    free(m);
}

insp_addr insp_machine_callback_address(const insp_machine *m)
{
    (void)m;
    return INSP_MACHINE_CALLBACK;
}

uint64_t insp_machine_instructions(const insp_machine *m)
{
    return m ? m->total : 0;
}

void *insp_machine_fail(insp_machine *m, insp_status code, insp_addr at, const char *fmt, ...)
{
    va_list args;
    m->status = code;
    m->at = at;
    va_start(args, fmt);
    (void)vsnprintf(m->what, sizeof(m->what), fmt, args);
    va_end(args);
    return NULL;
}

// The first instruction, with the registers as a caller leaves them.
static insp_op *enter(insp_machine *m, insp_addr function, const uint64_t *args, size_t n_args)
{
    insp_machine_clean(m);
    insp_code_trim(&m->code);
    memset(m->r, 0, sizeof(m->r));
    if (m->vectors_used) {
        memset(m->v, 0, sizeof(m->v));
        memset(m->k, 0, sizeof(m->k));
    }
    m->vectors_used = false;
    m->f = (insp_flags){.zero = 1, .result = 1};
    m->status = INSP_OK;
    m->more = 0;
    for (size_t i = 0; i < n_args; i++)
        m->r[m->isa->arguments[i]].value = args[i];
    bool ready = m->isa->enter(m, INSP_MACHINE_STACK + INSP_STACK_SIZE - INSP_STACK_ROOM);
    for (size_t i = 0; ready && i < m->n_pokes; i++)
        ready = insp_store(m, m->pokes[i].addr, &m->pokes[i].value, 8);
    m->n_pokes = 0;
    return ready ? insp_code_find(m, function) : NULL;
}

bool insp_machine_poke(insp_machine *m, insp_addr addr, uint64_t value)
{
    if (m->n_pokes == INSP_POKES)
        return false;
    m->pokes[m->n_pokes].addr = addr;
    m->pokes[m->n_pokes++].value = value;
    return true;
}

// The op that ended the call, or NULL where not even the first could be found.
static const insp_op *run(insp_machine *m, insp_op *op)
{
    const insp_op *last = NULL;
    uint64_t granted = m->options.max_instructions, left = granted;
    while (op) {
        last = op;
        if (left == 0) {
            left = m->more;
            granted += left;
            m->more = 0;
        }
        if (left == 0) {
            insp_machine_fail(m, INSP_ERR_REFUSED, op->addr,
                              "more than %" PRIu64 " instructions", granted);
            break;
        }
        left--;
        op = op->run(m, op);
    }
    m->total += granted - left - (last == &m->return_op);
    return last && last->run == insp_op_link ? last->target : last;
}

insp_status insp_machine_call(insp_machine *m, insp_addr function, const uint64_t *args,
                              size_t n_args, insp_machine_callback callback, void *ctx,
                              uint64_t *result, insp_error *err)
{
    if (n_args > 6)
        return insp_fail(err, INSP_ERR_ARGUMENT, function, "more than 6 arguments");
    m->callback = callback;
    m->ctx = ctx;
    const insp_op *last = run(m, enter(m, function, args, n_args));
    if (m->status == INSP_ERR_MEMORY)
        return insp_nomem(err);
    if (m->status && last)
        return insp_fail(err, m->status, m->at, "%s (%s at 0x%" PRIx64 ")", m->what,
                         m->isa->name(last), last->addr);
    if (m->status)
        return insp_fail(err, m->status, m->at, "%s", m->what);
    *result = m->r[INSP_RAX].value;
    return INSP_OK;
}
