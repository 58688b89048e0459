// SPDX-License-Identifier: MIT
/**
 * @file
 * ck_assert for inner loops: check writes to a file each time one of its own is passed.
 */
#ifndef TESTS_SUPPORT_MUST_H
#define TESTS_SUPPORT_MUST_H

#include <check.h>

#define must(condition)                                                                        \
    do {                                                                                       \
        if (!(condition))                                                                      \
            ck_abort_msg("not so: %s", #condition);                                            \
    } while (0)

#endif
