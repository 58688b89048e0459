// SPDX-License-Identifier: MIT
/**
 * @file
 * The words of check(1) that tests/support uses, for programs that are no test: a false one ends the program.
 */
#ifndef FUZZ_PLAIN_CHECK_H
#define FUZZ_PLAIN_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define ck_assert_msg(holds, ...)                                                              \
    ((holds) ? (void)0 : (void)(fprintf(stderr, __VA_ARGS__), abort()))
#define ck_assert(holds) ck_assert_msg((holds), "%s:%d: %s\n", __FILE__, __LINE__, #holds)
#define ck_assert_int_eq(x, y) ck_assert((x) == (y))
#define ck_assert_int_ge(x, y) ck_assert((x) >= (y))
#define ck_assert_uint_eq(x, y) ck_assert((x) == (y))
#define ck_assert_uint_lt(x, y) ck_assert((x) < (y))
#define ck_assert_uint_le(x, y) ck_assert((x) <= (y))
#define ck_assert_ptr_nonnull(x) ck_assert((x) != NULL)

#endif
