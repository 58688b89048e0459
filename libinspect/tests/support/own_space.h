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

/** Every readable mapping of this process but huge ones. False where that cannot be had. */
bool own_space_init(insp_space *space);
void own_space_deinit(insp_space *space);

/** The fs base of this thread. */
uint64_t own_fs_base(void);

#endif
