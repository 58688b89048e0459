// SPDX-License-Identifier: MIT
/**
 * @file
 * The memory of the test program itself as a target's address space: what lies where its own
 * addresses say, so that a function can be interpreted and called and both results compared.
 *
 * It is a copy, as it was when it was taken. (A sanitizer would not let memory be read in place.)
 */
#ifndef TESTS_OWN_SPACE_H
#define TESTS_OWN_SPACE_H

#include "../../src/memory/space.h"

/**
 * Add every readable mapping of this process but huge ones; what is in the space already stays.
 * False where that cannot be had.
 */
bool own_space_add(insp_space *space);

/** Give the memory back, that of ranges which were there before included. */
void own_space_deinit(insp_space *space);

/** The fs base of this thread. */
uint64_t own_fs_base(void);

#endif
