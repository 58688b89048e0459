// SPDX-License-Identifier: MIT
/**
 * @file
 * Interpreting a function of the target outside it.
 *
 * The instruction bytes come from the target's memory (or the files that stand in for it), and this code executes them on registers of its own. What they write goes into an overlay that
 * only the interpreter sees. Nothing is run in the target. Knows nothing of CPython: the caller
 * says what to call, with which arguments, and which addresses are callbacks.
 *
 * Of x86-64, Zydis decodes and is understood: whole numbers with BMI, SSE to SSE4.1 and AVX2 as far as compilers and
 * C libraries use them, floating point without fused operations, no x87. Of aarch64: A64's whole numbers, atomics, and
 * vectors and floating point as far as compilers and C libraries use them, no SVE. An instruction that is not
 * understood, a system call, a jump out of code that can be read, a read of memory that is not there,
 * or too many instructions end the call with a status; the message names the address and the instruction.
 */
#ifndef INSP_MACHINE_MACHINE_H
#define INSP_MACHINE_MACHINE_H

#include "../memory/space.h"

typedef struct insp_machine insp_machine;

/** Whether code of an ELF machine (e_machine) is understood. What is not known to be another's may be. */
bool insp_machine_understands(uint16_t elf_machine);

/**
 * The value of a register, and where it was loaded from as far as plain copies tell: from register to
 * register, through the stack, and through an `and` that clears at most the three tag bits of a
 * pointer. So what lies at `from` is the value, but perhaps for those bits.
 */
typedef struct insp_machine_arg {
    uint64_t value;
    insp_addr from; /**< address of the 8 bytes it was loaded from; 0 where it was computed */
} insp_machine_arg;

/**
 * The target code called the callback address: arguments as the System V ABI, or Arm's AAPCS64, passes them.
 * What it returns is the call's result. *stop = true ends the whole call with INSP_OK.
 */
typedef uint64_t (*insp_machine_callback)(void *ctx, const insp_machine_arg args[6],
                                          bool *stop);

/**
 * A call that the caller answers itself instead of interpreting it, by the address called (an
 * allocator, a lock, another function known by name). True: *result is what it returns. Calls in
 * tail position, and those that go through a PLT, are asked about under their last address too.
 */
typedef bool (*insp_machine_intercept)(void *ctx, insp_addr called,
                                       const insp_machine_arg args[6], uint64_t *result);

typedef struct insp_machine_options {
    /** A call; 0 means 1,000,000. 16 steps of a rep are one. */
    uint64_t max_instructions;
    /** Of 4 KiB, written to in a call; 0 means 1024, and 16384 is the most. */
    uint32_t max_pages;
    /**
     * So many more whenever the callback is called: for functions that go over containers of any size.
     * What calls it without end is for the callback to stop.
     */
    uint64_t more_per_callback;
    /** Which code it is (e_machine); 0: that of x86-64. */
    uint16_t machine;
    /**
     * fs_base or tpidr_el0 of the thread that the code believes to run on; 0: none, and only the stack
     * protector's word is there.
     */
    uint64_t thread_pointer;
    insp_machine_intercept intercept; /**< may be NULL */
    void *intercept_ctx;
} insp_machine_options;

/**
 * A machine for one thread. `space` must outlive it and stay as it is: what was decoded, and where
 * pages lie, is remembered from call to call. Fails with INSP_ERR_MEMORY, or
 * INSP_ERR_UNSUPPORTED where insp_machine_understands() says no.
 *
 * **Cost**: 80 KiB, a stack of 256 KiB and its shadow as far as they are used, and 64 bytes for each
 * instruction met, at most 16 MiB.
 */
insp_status insp_machine_create(const insp_space *space, const insp_machine_options *options,
                                insp_machine **out, insp_error *err);
void insp_machine_destroy(insp_machine *m);

/** The address to give as a function pointer; calling it calls `callback`. One a machine. */
insp_addr insp_machine_callback_address(const insp_machine *m);

/**
 * Call the function at `function` with `n_args` (at most 6) integer arguments; *result is what it returns.
 * The overlay of the call before is dropped first.
 *
 * Fails with INSP_ERR_FAULT where the target would have been stopped by a signal: err->addr could not be
 * read, written or executed, or is a misaligned operand or an instruction that divides by zero;
 * INSP_ERR_UNSUPPORTED (an instruction that is not understood, err->addr is where); INSP_ERR_REFUSED
 * (too many instructions, too many pages written to, too deep, a system call);
 * INSP_ERR_ARGUMENT (n_args).
 */
insp_status insp_machine_call(insp_machine *m, insp_addr function, const uint64_t *args,
                              size_t n_args, insp_machine_callback callback, void *ctx,
                              uint64_t *result, insp_error *err);

/**
 * Let the next call find `value` in the 8 bytes at `addr`, instead of what the target has there. A few
 * at a time; false where there is no room for more.
 */
bool insp_machine_poke(insp_machine *m, insp_addr addr, uint64_t value);

/** Of a word that a call has changed: what the target has, and what the code left there. */
typedef void (*insp_machine_change)(void *ctx, insp_addr addr, uint64_t before, uint64_t after);

/**
 * Give every aligned word of the target that the last call, ended or not, left other than the target has
 * it. In the order of pages as they were first written to.
 */
void insp_machine_changes(insp_machine *m, insp_machine_change change, void *ctx);

/** How many instructions all calls so far took, of no machine none; a call of the callback is part of that which calls it. */
uint64_t insp_machine_instructions(const insp_machine *m);

#endif
