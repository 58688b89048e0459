// SPDX-License-Identifier: MIT
/**
 * @file
 * What an instruction does to memory and to the general registers, without executing it.
 *
 * For those who look at an instruction that died. Registers are numbered as the processor does: rax, rcx,
 * rdx, rbx, rsp, rbp, rsi, rdi, r8 …
 */
#ifndef INSP_MACHINE_ACCESS_H
#define INSP_MACHINE_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSP_GPRS = 16, INSP_NO_GPR = 16, INSP_RSP = 4, INSP_LONGEST_INSTRUCTION = 15 };

/** An operand in memory. */
typedef struct insp_access_mem {
    uint8_t base, index; /**< INSP_NO_GPR for none, and for rip, which is in disp then */
    uint8_t scale;
    uint8_t size; /**< bytes */
    bool read, write;
    bool odd; /**< its address takes a segment or a register that is not known here */
    uint64_t disp;
} insp_access_mem;

typedef struct insp_instruction {
    const char *name; /**< "mov" */
    uint8_t length;
    uint8_t n_mems;
    insp_access_mem
        mem[2];       /**< named operands first, then what push, call and ret do to the stack */
    uint16_t writes;  /**< bit i: general register i is another one afterwards */
    uint8_t to, from; /**< `mov to, from`: else INSP_NO_GPR */
    bool loads;       /**< `mov to, [mem[0]]`, 8 bytes */
    bool calls;
    bool leaves; /**< what follows is not executed next: jmp, ret, … */
} insp_instruction;

/** Decode the instruction at `addr` of which n bytes are at hand. False where it is none. */
bool insp_instruction_read(const unsigned char *bytes, size_t n, uint64_t addr,
                           insp_instruction *out);

/** "rdi"; "" for INSP_NO_GPR. */
const char *insp_gpr_name(unsigned gpr);

#endif
