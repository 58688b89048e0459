// SPDX-License-Identifier: MIT
/**
 * @file
 * Functions to interpret, the same ones compiled with -O0 … -O3: whatever a compiler makes of
 * them must give the same result interpreted as called.
 */
#ifndef TESTS_MACHINE_SAMPLES_H
#define TESTS_MACHINE_SAMPLES_H

#include <stdint.h>

typedef struct machine_sample {
    const char *name;
    uint64_t (*call)(uint64_t a, uint64_t b, uint64_t c, uint64_t d);
} machine_sample;

/** Each ends with a row without a name. */
extern const machine_sample machine_samples_o0[], machine_samples_o1[], machine_samples_o2[],
    machine_samples_o3[];

#endif
