// SPDX-License-Identifier: MIT
#include "fault.h"

#include <string.h>

#include "../machine/access.h"

// How far a function is looked back into, in bytes; and what the stack is searched for return addresses.
enum { BACK = 96, MOST_NODES = 96, MOST_PLACES = 24, STACK_WORDS = 2048 };
// An access this far below a stack was one of the stack: frames are large, and compilers probe in steps.
enum { NEAR_STACK = 1 << 20 };

// Where struct user_regs_struct keeps the registers that the processor numbers from 0.
static const uint8_t reg_at[INSP_GPRS] = {10, 11, 12, 5, 19, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0};

/** A thread at the instruction it died at. */
typedef struct scene {
    const insp_cpython *py;
    const insp_thread_regs *t;
    insp_addr pc;
    insp_instruction in;
    bool decoded;
} scene;

static bool is_x86_64(const scene *s)
{
    return s->t->n_regs == INSP_X86_64_REGS;
}

static uint64_t gpr(const scene *s, unsigned n)
{
    return n < INSP_GPRS && is_x86_64(s) ? s->t->regs[reg_at[n]] : 0;
}

static bool readable(const scene *s, insp_addr addr)
{
    bool ok = true;
    (void)insp_space_u32(s->py->space, addr, &ok);
    return ok;
}

static bool read_at(const insp_space *space, insp_addr at, insp_instruction *out)
{
    for (size_t n = INSP_LONGEST_INSTRUCTION; n > 0; n--) {
        const unsigned char *bytes = insp_space_at(space, at, n);
        if (bytes)
            return insp_instruction_read(bytes, n, at, out);
    }
    return false;
}

static insp_addr address_of(const scene *s, const insp_access_mem *m)
{
    return gpr(s, m->base) + gpr(s, m->index) * m->scale + m->disp;
}

// Whether the thread could not have had this operand.
static bool cannot_have(const scene *s, const insp_access_mem *m)
{
    if (m->odd)
        return false;
    insp_addr addr = address_of(s, m);
    const insp_segment *seg = insp_space_find(s->py->space, addr);
    return !seg || (m->write && !(seg->flags & INSP_SEG_WRITE));
}

static const insp_access_mem *bad_operand(const scene *s)
{
    for (unsigned i = 0; s->decoded && i < s->in.n_mems; i++) {
        if (cannot_have(s, &s->in.mem[i]))
            return &s->in.mem[i];
    }
    return NULL;
}

static scene scene_of(const insp_cpython *py, const insp_thread_regs *t)
{
    scene s = {.py = py, .t = t, .pc = insp_thread_pc(t)};
    s.decoded = is_x86_64(&s) && read_at(py->space, s.pc, &s.in);
    return s;
}

// Whether no code is where the thread goes on. Code that was not dumped and whose file is not here cannot be read
// either.
static bool is_nowhere(const scene *s)
{
    return !readable(s, s->pc) && insp_module_at(s->py, s->pc) == INSP_NONE &&
           !insp_space_is_lost(s->py->space, s->pc);
}

// ---- where the pointer came from ------------------------------------------------------------

/** A value as the code before made it: what a register held, or a word at another value. */
typedef struct node {
    uint8_t parent; // NONE: a value of which nothing is known
    int64_t offset;
} node;

enum { NONE = 255 };

typedef struct trail {
    node at[MOST_NODES];
    uint8_t n;
    uint8_t reg[INSP_GPRS]; // which node each register holds
} trail;

static uint8_t new_node(trail *t, uint8_t parent, int64_t offset)
{
    if (t->n == MOST_NODES)
        return NONE;
    t->at[t->n] = (node){parent, offset};
    return t->n++;
}

static void step(trail *t, const insp_instruction *in)
{
    // What a called function may change by the System V ABI: rax, rcx, rdx, rsi, rdi, r8 to r11.
    enum { CLOBBERED = 0x0fc7 };
    uint8_t loaded = NONE;
    if (in->loads && in->to < INSP_GPRS && in->mem[0].base < INSP_GPRS &&
        in->mem[0].index == INSP_NO_GPR && !in->mem[0].odd && t->reg[in->mem[0].base] != NONE)
        loaded = new_node(t, t->reg[in->mem[0].base], (int64_t)in->mem[0].disp);
    if (in->to < INSP_GPRS && in->from < INSP_GPRS)
        loaded = t->reg[in->from];
    uint16_t writes = (uint16_t)(in->writes | (in->calls ? CLOBBERED : 0));
    for (unsigned i = 0; i < INSP_GPRS; i++) {
        if (writes >> i & 1 || in->leaves)
            t->reg[i] = i == in->to && loaded != NONE ? loaded : new_node(t, NONE, 0);
    }
}

// Follow the code from `start`; false where it does not come to pc.
static bool follow(const scene *s, insp_addr start, trail *t)
{
    t->n = 0;
    for (unsigned i = 0; i < INSP_GPRS; i++)
        t->reg[i] = new_node(t, NONE, 0);
    insp_addr at = start;
    while (at < s->pc) {
        insp_instruction in;
        if (!read_at(s->py->space, at, &in) || in.length == 0)
            return false;
        step(t, &in);
        at += in.length;
    }
    return at == s->pc;
}

// The value of a node that a register still holds.
static bool held(const scene *s, const trail *t, uint8_t which, uint64_t *value)
{
    for (unsigned i = 0; i < INSP_GPRS; i++) {
        if (t->reg[i] == which) {
            *value = gpr(s, i);
            return true;
        }
    }
    return false;
}

// The words that lead to what `base` holds, if memory still says the same: nothing is believed of the code
// that memory does not confirm.
static size_t hops_to(const scene *s, const trail *t, unsigned base, insp_hop *rows,
                      size_t most)
{
    uint8_t chain[8];
    size_t n = 0;
    uint64_t value = 0;
    uint8_t at = t->reg[base];
    while (at != NONE && t->at[at].parent != NONE && n < most && n < sizeof(chain)) {
        chain[n++] = at;
        at = t->at[at].parent;
        if (held(s, t, at, &value))
            break;
    }
    if (n == 0 || at == NONE || !held(s, t, at, &value))
        return 0;
    for (size_t i = 0; i < n; i++) {
        bool ok = true;
        rows[i].holder = value;
        rows[i].offset = t->at[chain[n - 1 - i]].offset;
        value = insp_space_u64(s->py->space, value + (uint64_t)rows[i].offset, &ok);
        rows[i].value = value;
        if (!ok)
            return 0;
    }
    return value == gpr(s, base) ? n : 0;
}

// Instructions have many lengths, so where to start is not known: of the starts that come to pc the
// farthest has had the most time to fall into step.
static size_t find_hops(const scene *s, unsigned base, insp_hop *rows, size_t most)
{
    for (insp_addr back = BACK; back > 0; back--) {
        trail t;
        if (back > s->pc || !follow(s, s->pc - back, &t))
            continue;
        size_t n = hops_to(s, &t, base, rows, most);
        if (n)
            return n;
    }
    return 0;
}

// ---- the stack ------------------------------------------------------------------------------

static insp_code_place place_of(const insp_cpython *py, insp_addr pc, insp_addr stack)
{
    insp_code_place row = {.pc = pc, .stack = stack, .module = "", .symbol = ""};
    uint32_t module = insp_module_at(py, pc);
    if (module == INSP_NONE)
        return row;
    const insp_image *image = &py->images->at[module];
    row.module = image->path;
    row.module_offset = pc - image->bias;
    // A return address may be the first byte behind its function.
    insp_addr in = stack ? pc - 1 : pc;
    const insp_symbol *symbol = insp_image_symbol_at(image, in);
    if (symbol) {
        row.symbol = symbol->name;
        row.symbol_offset = pc - symbol->addr;
    }
    return row;
}

// bl and blr of A64 (Arm ARM, C6.2).
static bool after_a64_call(const insp_space *space, insp_addr addr)
{
    bool ok = addr % 4 == 0;
    uint32_t word = ok ? insp_space_u32(space, addr - 4, &ok) : 0;
    return ok && ((word & 0xfc000000) == 0x94000000 || (word & 0xfffffc1f) == 0xd63f0000);
}

// Whether an instruction that calls ends right before addr.
static bool after_call(const scene *s, insp_addr addr)
{
    const insp_space *space = s->py->space;
    const insp_segment *seg = insp_space_find(space, addr);
    if (!seg || !(seg->flags & INSP_SEG_EXEC))
        return false;
    if (!is_x86_64(s))
        return after_a64_call(space, addr);
    for (unsigned n = 2; n <= 8; n++) {
        insp_instruction in;
        if (read_at(space, addr - n, &in) && in.calls && in.length == n)
            return true;
    }
    return false;
}

static bool add_places(const scene *s, insp_arena *arena, insp_fault *out)
{
    insp_code_place *rows = insp_arena_array(arena, MOST_PLACES, sizeof(*rows));
    if (!rows)
        return false;
    size_t n = 0;
    rows[n++] = place_of(s->py, s->pc, 0);
    // A function that calls none has not stored its return address.
    enum { LINK = 30 };
    if (!is_x86_64(s) && after_call(s, s->t->regs[LINK]))
        rows[n++] = place_of(s->py, s->t->regs[LINK], out->sp);
    for (unsigned i = 0; i < STACK_WORDS && n < MOST_PLACES; i++) {
        bool ok = true;
        insp_addr at = (out->sp & ~UINT64_C(7)) + 8u * i;
        uint64_t word = insp_space_u64(s->py->space, at, &ok);
        if (!ok)
            break;
        if (after_call(s, word))
            rows[n++] = place_of(s->py, word, at);
    }
    out->places = rows;
    out->n_places = n;
    return true;
}

static void look_at_stack(const scene *s, insp_fault *out)
{
    const insp_segment *seg = insp_space_find(s->py->space, out->sp);
    if (!seg)
        seg = insp_space_next(s->py->space, out->sp);
    if (!seg || (seg->start > out->sp && seg->start - out->sp > NEAR_STACK))
        return;
    out->stack_start = seg->start;
    out->stack_end = seg->end;
    if (!out->has_addr || out->access == INSP_ACCESS_EXECUTE)
        return;
    uint64_t below = out->sp - out->addr + NEAR_STACK;
    out->on_stack = below < 2u * NEAR_STACK;
    out->overflow =
        out->on_stack && out->addr < seg->start && seg->start - out->addr <= NEAR_STACK;
}

// ---- what was said --------------------------------------------------------------------------

// struct abort_msg_s of glibc: a size, then the text (include/stdlib.h).
static const char *abort_message(const insp_cpython *py, insp_arena *arena)
{
    for (uint32_t i = 0; i < py->images->len; i++) {
        const insp_symbol *symbol = insp_image_symbol(&py->images->at[i], "__abort_msg");
        bool ok = symbol != NULL;
        insp_addr at = ok ? insp_space_u64(py->space, symbol->addr, &ok) : 0;
        char text[256];
        if (!ok || !at || insp_space_text(py->space, at + 4, text, sizeof(text)) <= 0)
            continue;
        return insp_arena_text(arena, text, strlen(text));
    }
    return "";
}

// What CPython says when it gives up; its message is not kept, but a pointer to it often is on the stack.
static const char *const fatal_errors[] = {
    "deallocating None",
    "deallocating NotImplemented",
    "deallocating True or False",
    "deallocating Ellipsis",
    "Cannot recover from stack overflow.",
    "Cannot recover from MemoryErrors while normalizing exceptions.",
    "a function returned NULL without setting an exception",
    "a function returned a result with an exception set",
    "the function must be called with the GIL held",
    "auto-releasing thread-state, but no thread-state for this thread",
    "tstate mismatch?",
    "GC object already tracked",
};

static const char *fatal_error(const scene *s, insp_addr sp)
{
    for (unsigned i = 0; i < STACK_WORDS; i++) {
        bool ok = true;
        char text[128];
        uint64_t word = insp_space_u64(s->py->space, sp + 8u * i, &ok);
        if (!ok)
            break;
        const insp_segment *seg = insp_space_find(s->py->space, word);
        if (!seg || seg->flags & INSP_SEG_WRITE ||
            insp_space_text(s->py->space, word, text, sizeof(text)) <= 0)
            continue;
        for (size_t k = 0; k < sizeof(fatal_errors) / sizeof(fatal_errors[0]); k++) {
            if (!strncmp(text, fatal_errors[k], strlen(fatal_errors[k])))
                return fatal_errors[k];
        }
    }
    return "";
}

// ---- all of it ------------------------------------------------------------------------------

static insp_register register_of(const scene *s, insp_arena *arena, unsigned i)
{
    if (is_x86_64(s))
        return (insp_register){insp_gpr_name(i), gpr(s, i)};
    return (insp_register){insp_arena_printf(arena, "x%u", i), s->t->regs[i]};
}

static bool add_registers(const scene *s, insp_arena *arena, insp_fault *out)
{
    enum { A64_GPRS = 31 };
    unsigned n = is_x86_64(s) ? INSP_GPRS : A64_GPRS;
    insp_register *rows = insp_arena_array(arena, n, sizeof(*rows));
    for (unsigned i = 0; rows && i < n; i++)
        rows[i] = register_of(s, arena, i);
    out->registers = rows;
    out->n_registers = rows ? n : 0;
    return rows != NULL;
}

static bool add_pointer(const scene *s, insp_arena *arena, insp_fault *out)
{
    const insp_access_mem *m = bad_operand(s);
    if (!m)
        return true;
    enum { MOST_HOPS = 4 };
    insp_hop *rows = insp_arena_array(arena, MOST_HOPS, sizeof(*rows));
    if (!rows)
        return false;
    out->has_addr = 1;
    out->addr = address_of(s, m);
    out->access = m->write && !m->read ? INSP_ACCESS_WRITE : INSP_ACCESS_READ;
    const insp_segment *seg = insp_space_find(s->py->space, out->addr);
    if (m->write && seg)
        out->access = INSP_ACCESS_WRITE;
    out->base_register = insp_gpr_name(m->base);
    out->index_register = insp_gpr_name(m->index);
    out->has_pointer = m->base != INSP_NO_GPR;
    out->pointer = gpr(s, m->base);
    out->index = gpr(s, m->index) * (m->index == INSP_NO_GPR ? 0 : m->scale);
    out->displacement = (int64_t)m->disp;
    out->hops = rows;
    out->n_hops = out->has_pointer ? find_hops(s, m->base, rows, MOST_HOPS) : 0;
    return true;
}

// The thread that the core names first died; where none is named, one that cannot go on.
static const insp_thread_regs *dying(const insp_cpython *py,
                                     const insp_thread_regs_vec *threads, uint32_t signal)
{
    const insp_thread_regs *found = NULL;
    for (size_t i = 0; threads && i < threads->len; i++) {
        const insp_thread_regs *t = &threads->at[i];
        if (t->n_regs != INSP_X86_64_REGS && t->n_regs != INSP_AARCH64_REGS)
            continue;
        found = found ? found : t;
        if (signal)
            return t;
        scene s = scene_of(py, t);
        if (is_nowhere(&s) || bad_operand(&s))
            return t;
    }
    return found;
}

insp_status insp_fault_look(const insp_cpython *py, const insp_thread_regs_vec *threads,
                            const insp_signal_info *said, insp_arena *arena, insp_fault *out,
                            insp_error *err)
{
    *out = (insp_fault){.signal = said->signal,
                        .code = said->code,
                        .kernel_addr = said->addr,
                        .has_kernel_addr = said->has_addr,
                        .mnemonic = "",
                        .base_register = "",
                        .index_register = "",
                        .abort_message = "",
                        .fatal_error = ""};
    const insp_thread_regs *t = dying(py, threads, said->signal);
    if (!t)
        return INSP_OK;
    scene s = scene_of(py, t);
    out->thread = t->tid;
    out->sp = insp_thread_sp(t);
    out->mnemonic = s.decoded ? s.in.name : "";
    bool fits = add_registers(&s, arena, out) && add_pointer(&s, arena, out);
    if (is_nowhere(&s)) {
        out->access = INSP_ACCESS_EXECUTE;
        out->has_addr = 1;
        out->addr = s.pc;
    }
    if (!out->has_addr && said->has_addr) {
        out->has_addr = 1;
        out->addr = said->addr;
    }
    look_at_stack(&s, out);
    fits = fits && add_places(&s, arena, out);
    out->abort_message = abort_message(py, arena);
    out->fatal_error = fatal_error(&s, out->sp & ~UINT64_C(7));
    return fits && out->abort_message ? INSP_OK : insp_nomem(err);
}
