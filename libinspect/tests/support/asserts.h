// SPDX-License-Identifier: MIT
/**
 * @file
 * What a call promised, checked: success, or a status with its address and its sentence.
 *
 * The call fills in a variable `err` of the test.
 */
#ifndef TESTS_SUPPORT_ASSERTS_H
#define TESTS_SUPPORT_ASSERTS_H

#include <check.h>
#include <string.h>

#include "../../src/base/error.h"

/** The call succeeds. */
#define ck_ok(call)                                                                            \
    do {                                                                                       \
        err.message[0] = '\0';                                                                 \
        insp_status ck_status = (call);                                                        \
        ck_assert_msg(ck_status == INSP_OK, "%s: status %d, \"%s\"", #call, (int)ck_status,    \
                      err.message);                                                            \
    } while (0)

/** The call fails with `status` at `where`, and the sentence contains `words`. */
#define ck_fails(call, status, where, words)                                                   \
    do {                                                                                       \
        insp_status ck_status = (call);                                                        \
        ck_assert_msg(ck_status == (status), "%s: status %d, not %d", #call, (int)ck_status,   \
                      (int)(status));                                                          \
        ck_assert_int_eq(err.code, (status));                                                  \
        ck_assert_uint_eq(err.addr, (where));                                                  \
        ck_assert_msg(strstr(err.message, (words)) != NULL, "\"%s\" does not say \"%s\"",      \
                      err.message, (words));                                                   \
    } while (0)

#endif
