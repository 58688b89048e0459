// SPDX-License-Identifier: MIT
/**
 * @file
 * Numbers that repeat from run to run, of the kinds at which arithmetic goes wrong.
 */
#ifndef TESTS_RANDOM_WORDS_H
#define TESTS_RANDOM_WORDS_H

#include <stdint.h>

uint64_t random_word(void);

/** Small ones, negative ones, single bits and sign bits more often than chance would bring them. */
uint64_t random_argument(void);

#endif
