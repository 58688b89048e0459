// SPDX-License-Identifier: MIT
/**
 * @file
 * A target of four ranges and a machine over it, for programs of a few bytes: code, text that cannot be
 * written, data that can, and much room. data and text count from 0 to 255 again and again.
 */
#ifndef TESTS_SMALL_TARGET_H
#define TESTS_SMALL_TARGET_H

#include "../../src/machine/machine.h"

enum { CODE = 0x400000, TEXT = 0x500000, DATA = 0x600000, LARGE = 0x10000000 };
enum { PAGE = 0x1000, LARGE_SIZE = 16 * 1024 * 1024, BUDGET = 400000 };

/** Where a machine's private stack lies. */
#define STACK_START UINT64_C(0x0f00000000000000)
#define STACK_END (STACK_START + 256 * 1024)

extern insp_space space;
extern insp_error err;
extern insp_machine *machine;
extern unsigned char code[PAGE], text[PAGE], data[PAGE], *large;
extern uint64_t result; /**< of the last call */

void small_target_setup(void);
void small_target_teardown(void);

/** One more range. */
void add_range(insp_addr start, size_t size, const unsigned char *bytes, uint32_t flags);

/** A new machine, with BUDGET where the options name none. */
void create_machine(insp_machine_options options);

/** Fill the code with nops but for these bytes at its start, and make a new machine. */
void set_program(const unsigned char *bytes, size_t n);

#define PROGRAM(...)                                                                           \
    set_program((const unsigned char[]){__VA_ARGS__},                                          \
                sizeof((const unsigned char[]){__VA_ARGS__}))

/** Call the program with rdi = DATA, rsi = LARGE. */
insp_status run(void);

#endif
