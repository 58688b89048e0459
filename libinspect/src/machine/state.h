// SPDX-License-Identifier: MIT
/**
 * @file
 * What the files of the machine share: its registers, its memory, and an instruction in the form
 * in which it is executed.
 *
 * An instruction is decoded once into an insp_op, which names the function that executes it. That
 * function returns the insp_op to go on with, or NULL: the call has ended, or it has failed and
 * m->status says how. Knows nothing of Zydis (decode.c does). What is named a64 is of the instruction set of
 * aarch64, the rest is of x86-64 or of both.
 */
#ifndef INSP_MACHINE_STATE_H
#define INSP_MACHINE_STATE_H

#include <string.h>

#include "../base/map.h"
#include "machine.h"

typedef struct insp_op insp_op;
typedef insp_op *(*insp_op_fn)(insp_machine *m, insp_op *op);

/** Registers by their number in the encoding; ZERO stands for an absent base or index. */
enum {
    INSP_RAX,
    INSP_RCX,
    INSP_RDX,
    INSP_RBX,
    INSP_RSP,
    INSP_RBP,
    INSP_RSI,
    INSP_RDI,
    INSP_R8,
    INSP_R9,
    INSP_ZERO = 16,
    INSP_REGISTERS = 34 /**< those of A64 are more (a64.h) */
};

/** What an operand is. */
enum {
    INSP_ARG_NONE,
    INSP_ARG_REG,
    INSP_ARG_HIGH, /**< ah, ch, dh, bh */
    INSP_ARG_MEM,
    INSP_ARG_IMM,
    INSP_ARG_VEC,
    INSP_ARG_MASK /**< k0 … k7 */
};

/** insp_op.flags */
enum {
    INSP_OP_EA32 = 1, /**< the address is cut to 32 bits */
    INSP_OP_REPE = 2, /**< also plain rep */
    INSP_OP_REPNE = 4,
    INSP_OP_VEX = 8,  /**< clears the vector register above what it writes */
    INSP_OP_ZERO = 16 /**< elements that the mask leaves out become 0, else they stay */
};

/** What differs between instruction sets. The result of a call is in register 0 of both. */
typedef struct insp_isa {
    uint8_t arguments[6]; /**< registers that hold them */
    uint8_t longest;      /**< bytes of an instruction */

    /** Enter a function whose stack begins at `sp`, and that returns to INSP_MACHINE_RETURN. */
    bool (*enter)(insp_machine *m, insp_addr sp);

    /** Return to the caller of the function that has just been entered. */
    insp_op *(*back)(insp_machine *m);

    /**
     * Decode the instruction at op->addr from `n` bytes. One that is not understood becomes an op that
     * fails when it is executed. True where what follows it is not executed next.
     */
    bool (*decode)(const insp_machine *m, const unsigned char *bytes, size_t n, insp_op *op);

    /** The name of an instruction, for messages. */
    const char *(*name)(const insp_op *op);
} insp_isa;

extern const insp_isa insp_isa_x86_64, insp_isa_a64;

/** A decoded instruction. */
struct insp_op {
    insp_op_fn run;
    insp_op *target; /**< of a direct jump, once it has been looked up */
    insp_addr addr;
    uint64_t imm;  /**< of a direct jump: the address it goes to */
    uint64_t disp; /**< rip and fs are in it already */
    uint8_t base, index, shift;
    uint8_t length;
    uint8_t kind[3], reg[3], size[3]; /**< of the operands; sizes in bytes */
    uint8_t variant;                  /**< which of the instructions that share `run` */
    uint8_t flags;
    uint8_t width; /**< of the operation, or of an element of a vector, in bytes */
    uint8_t mask;  /**< the mask register that says which elements; 0: all of them */
    uint16_t mnemonic;
};

_Static_assert(sizeof(insp_op) == 64, "an instruction is a line of the cache");

/**
 * The status flags, kept in the form in which they come out of an operation. Two words for the
 * result, because comisd and popfq can set what no single result would.
 */
typedef struct insp_flags {
    uint64_t zero;   /**< ZF: this is 0 */
    uint64_t result; /**< sign-extended. SF: bit 63. PF: even number of bits in the low byte */
    uint8_t carry, overflow;
    uint8_t adjust; /**< AF: bit 4 */
    uint8_t down;   /**< DF */
} insp_flags;

/** A vector register. */
typedef union insp_vec {
    uint8_t u8[64];
    uint32_t u32[16];
    uint64_t u64[8];
    float f32[16];
    double f64[8];
} insp_vec;

enum {
    INSP_PAGE_SHIFT = 12,
    INSP_PAGE = 1 << INSP_PAGE_SHIFT,
    INSP_SEEN_PAGES = 512,
    INSP_STACK_SIZE = 256 * 1024,
    INSP_STACK_ROOM = 64, /**< above the first return address */
    INSP_OVERLAY_PAGES = 16384,
    INSP_POKES = 4,
    INSP_HOT_CODE = 1024,
    INSP_CODE_PIECES = 256
};

/**
 * Addresses that belong to the machine. No target can have memory there: they are not canonical, neither with
 * four levels of page tables nor with five.
 */
#define INSP_MACHINE_STACK UINT64_C(0x0f00000000000000)
#define INSP_MACHINE_TCB UINT64_C(0x0f00000040000000)
#define INSP_MACHINE_CALLBACK UINT64_C(0x0f00000080000000)
#define INSP_MACHINE_RETURN UINT64_C(0x0f00000080000010)

/** Where a return address lies on the stack, its shadow says so. */
#define INSP_SHADOW_RETURN 1u

/** A page that is read where it lies: whole in one range of the space, or of the stack. */
typedef struct insp_seen_page {
    uint64_t number;
    const unsigned char *bytes;
} insp_seen_page;

/** Pages of the target that were written to. They are in no insp_seen_page. */
typedef struct insp_overlay {
    uint64_t number[INSP_OVERLAY_PAGES];
    unsigned char *bytes[INSP_OVERLAY_PAGES];
    uint16_t slots[2 * INSP_OVERLAY_PAGES]; /**< open addressing: index + 1, 0 is free */
    size_t len;
} insp_overlay;

/** Decoded code: ops in pieces that never move, found by address. */
typedef struct insp_code {
    insp_map by_addr; /**< index of the op */
    insp_op *pieces[INSP_CODE_PIECES];
    size_t len;
    struct {
        insp_addr addr;
        insp_op *op;
    } hot[INSP_HOT_CODE];
} insp_code;

struct insp_machine {
    insp_machine_arg r[INSP_REGISTERS];
    insp_flags f;
    insp_vec v[32];
    uint64_t k[8];
    bool vectors_used; /**< in this call: else all of these are 0 */
    insp_seen_page seen[INSP_SEEN_PAGES];
    unsigned char *stack;
    insp_addr *shadow; /**< of each word of the stack: where it was loaded from */
    uint64_t low;      /**< lowest offset in the stack that was written to */
    insp_cursor cursor;
    insp_overlay overlay;
    struct {
        uint64_t number;
        unsigned char *bytes;
    } written; /**< the page of the overlay last written to, if all of it may be */
    insp_code code;
    insp_op callback_op, return_op;
    const insp_isa *isa;

    const insp_space *space;
    insp_machine_options options;
    insp_machine_callback callback;
    void *ctx;
    uint64_t thread_pointer;
    struct {
        insp_addr addr;
        uint64_t value;
    } pokes[INSP_POKES]; /**< for the next call */
    size_t n_pokes;

    insp_status
        status; /**< of the call, with `at` and `what`; INSP_OK also where it has ended */
    insp_addr at;
    char what[160];
    uint64_t more; /**< instructions granted in this call that the loop has not taken up */
    uint64_t total;
};

/* ---- failing ------------------------------------------------------------------------------ */

/** Note why the call fails. Returns NULL, so that an insp_op_fn can return it. */
__attribute__((format(printf, 4, 5))) void *insp_machine_fail(insp_machine *m, insp_status code,
                                                              insp_addr at, const char *fmt,
                                                              ...);

/* ---- memory (memory.c) -------------------------------------------------------------------- */

bool insp_machine_load_slow(insp_machine *m, insp_addr at, void *out, size_t n);
bool insp_machine_store_slow(insp_machine *m, insp_addr at, const void *in, size_t n);

/** Forget what the call before wrote. */
void insp_machine_clean(insp_machine *m);
void insp_overlay_deinit(insp_overlay *o);

static inline bool insp_load(insp_machine *m, insp_addr at, void *out, size_t n)
{
    const insp_seen_page *p = &m->seen[(at >> INSP_PAGE_SHIFT) % INSP_SEEN_PAGES];
    size_t in = (size_t)(at & (INSP_PAGE - 1));
    if (p->number != at >> INSP_PAGE_SHIFT || in + n > INSP_PAGE)
        return insp_machine_load_slow(m, at, out, n);
    memcpy(out, p->bytes + in, n);
    return true;
}

/** Is it n bytes of the private stack? */
static inline bool insp_on_stack(insp_addr at, size_t n)
{
    return at - INSP_MACHINE_STACK <= INSP_STACK_SIZE - n;
}

static inline bool insp_store(insp_machine *m, insp_addr at, const void *in, size_t n)
{
    uint64_t off = at - INSP_MACHINE_STACK;
    if (!insp_on_stack(at, n))
        return insp_machine_store_slow(m, at, in, n);
    memcpy(m->stack + off, in, n);
    for (uint64_t i = off >> 3; i <= (off + n - 1) >> 3; i++)
        m->shadow[i] = 0;
    if (off < m->low)
        m->low = off;
    return true;
}

/**
 * Load a general register's worth and where it came from, if that can be had at once. False says
 * nothing: insp_load_arg knows.
 */
static inline bool insp_try_load_arg(insp_machine *m, insp_addr at, insp_machine_arg *out)
{
    if (insp_on_stack(at, 8)) {
        uint64_t off = at - INSP_MACHINE_STACK;
        memcpy(&out->value, m->stack + off, 8);
        out->from = at % 8 ? 0 : m->shadow[off >> 3];
        return true;
    }
    const insp_seen_page *p = &m->seen[(at >> INSP_PAGE_SHIFT) % INSP_SEEN_PAGES];
    size_t in = (size_t)(at & (INSP_PAGE - 1));
    if (p->number != at >> INSP_PAGE_SHIFT || in + 8 > INSP_PAGE)
        return false;
    memcpy(&out->value, p->bytes + in, 8);
    out->from = at;
    return true;
}

/** The same, to the end. False: the machine has failed. */
bool insp_load_arg(insp_machine *m, insp_addr at, insp_machine_arg *out);

/** Store a general register; on the private stack, where it came from stays known. */
bool insp_store_arg(insp_machine *m, insp_addr at, insp_machine_arg arg);

/** Store it if it goes to a word of the private stack, which cannot fail. */
static inline bool insp_try_store_arg(insp_machine *m, insp_addr at, insp_machine_arg arg)
{
    uint64_t off = at - INSP_MACHINE_STACK;
    if (at % 8 || !insp_on_stack(at, 8))
        return false;
    memcpy(m->stack + off, &arg.value, 8);
    m->shadow[off >> 3] = arg.from;
    if (off < m->low)
        m->low = off;
    return true;
}

/* ---- code (code.c) ------------------------------------------------------------------------ */

insp_op *insp_code_find_slow(insp_machine *m, insp_addr addr);
void insp_code_init(insp_code *code);
void insp_code_deinit(insp_code *code);

/** Drop everything decoded if it has grown large. Only between calls. */
void insp_code_trim(insp_code *code);

/** The instruction at addr, or NULL: the machine has failed. */
static inline insp_op *insp_code_find(insp_machine *m, insp_addr addr)
{
    size_t i = (size_t)(addr ^ addr >> 10) % INSP_HOT_CODE;
    if (m->code.hot[i].addr == addr)
        return m->code.hot[i].op;
    return insp_code_find_slow(m, addr);
}

/** The calls of this file's instruction set as insp_isa wants them (flow.c, decode.c; a64_flow.c, a64_decode.c). */
bool insp_x86_decode(const insp_machine *m, const unsigned char *bytes, size_t n, insp_op *op);
const char *insp_x86_name(const insp_op *op);
bool insp_a64_decode(const insp_machine *m, const unsigned char *bytes, size_t n, insp_op *op);
const char *insp_a64_name(const insp_op *op);

/** Whether the caller of the machine answers a call of `called` itself; then it has returned. */
bool insp_is_answered(insp_machine *m, insp_addr called);

/** Call the caller's function. False: it does not want to go on. */
bool insp_call_back(insp_machine *m);

/** Where a direct jump goes, looked up once. NULL: the machine has failed. */
static inline insp_op *insp_go_to(insp_machine *m, insp_op *op)
{
    if (!op->target)
        op->target = insp_code_find(m, op->imm);
    return op->target;
}

/* ---- operands ----------------------------------------------------------------------------- */

/** The address of the memory operand. */
static inline insp_addr insp_ea(const insp_machine *m, const insp_op *op)
{
    uint64_t ea = m->r[op->base].value + (m->r[op->index].value << op->shift) + op->disp;
    return op->flags & INSP_OP_EA32 ? (uint32_t)ea : ea;
}

static inline void insp_set(insp_machine *m, unsigned reg, uint64_t value)
{
    m->r[reg] = (insp_machine_arg){value, 0};
}

/** All ones in the low `size` bytes. */
static inline uint64_t insp_mask(size_t size)
{
    return size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
}

/** The low `size` bytes, their highest bit spread. */
static inline uint64_t insp_extend(uint64_t x, size_t size)
{
    unsigned up = 64 - 8 * (unsigned)size;
    return (uint64_t)((int64_t)(x << up) >> up);
}

/** Operand i, zero-extended. False: the machine has failed. */
bool insp_get(insp_machine *m, const insp_op *op, unsigned i, uint64_t *out);

/** Set operand i; a 4-byte register clears the rest, smaller ones leave it. */
bool insp_put(insp_machine *m, const insp_op *op, unsigned i, uint64_t value);

/** The same with where the value came from, which only 8 bytes have. */
bool insp_get_arg(insp_machine *m, const insp_op *op, unsigned i, insp_machine_arg *out);
bool insp_put_arg(insp_machine *m, const insp_op *op, unsigned i, insp_machine_arg arg);

/** Vector operand i, zero above its size and where the mask leaves memory out. A register is copied whole. */
bool insp_vget(insp_machine *m, const insp_op *op, unsigned i, insp_vec *out);

/** The same, with the alignment that instructions without VEX demand of 16 bytes of memory. */
bool insp_vget_aligned(insp_machine *m, const insp_op *op, unsigned i, insp_vec *out);

/**
 * Set the low n bytes of vector operand 0; the rest stays, or is cleared by a VEX instruction. A mask
 * register becomes a bit for each element that is not 0.
 */
bool insp_vput(insp_machine *m, const insp_op *op, const insp_vec *x, size_t n);

/** Go on with the next instruction if `done`, else end. */
static inline insp_op *insp_next(insp_op *op, bool done)
{
    return done ? op + 1 : NULL;
}

#endif
