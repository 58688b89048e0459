// SPDX-License-Identifier: MIT
/**
 * @file
 * One function an instruction: it loads registers, flags and a word of the stack, executes the
 * instruction, and reports what has become of them. Called, the processor answers; interpreted, the
 * machine does.
 */
#ifndef TESTS_MACHINE_INSTRUCTIONS_H
#define TESTS_MACHINE_INSTRUCTIONS_H

#include <stdint.h>

/** What an instruction starts from. Its memory operand is the two words at (%rsp). */
typedef struct machine_state {
    uint64_t flags, rax, rcx, rdx;
    uint64_t mem[2];
    uint64_t xmm0[2], xmm1[2];
} machine_state;

/** Called twice: with rax, rcx, rdx, the flags and the two words; then with xmm0. */
typedef uint64_t (*machine_report)(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                                   uint64_t f);

/** What a processor needs for it. */
enum { MACHINE_ANY, MACHINE_SSE4, MACHINE_V3, MACHINE_ADX, MACHINE_V4 };

/** What a row's vectors hold. */
enum { MACHINE_BITS, MACHINE_DOUBLES, MACHINE_FLOATS };

typedef struct machine_instruction {
    void (*run)(const machine_state *state, machine_report report);
    const char *text;
    uint64_t undefined; /**< flags that the architecture leaves open */
    uint32_t needs, holds;
} machine_instruction;

/** Each ends with a row without text. */
extern const machine_instruction machine_instructions[], machine_vectors[];

#endif
