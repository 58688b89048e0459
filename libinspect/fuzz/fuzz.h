// SPDX-License-Identifier: MIT
/**
 * @file
 * What every fuzz target has: libFuzzer's entry, and the sound inputs it starts from.
 *
 * A target is one file. libFuzzer runs it (`make fuzz`); so does replay.c, which needs no clang. Inputs
 * are built by the code that the unit tests build theirs with, and none is checked in.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** Always 0: the input was tried. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The sound input of that number into `room`; its size, 0 where there are no more. */
size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size);

#endif
