// SPDX-License-Identifier: MIT
/**
 * @file
 * Functions for the forms of instructions that make up most of what is executed.
 *
 * They do nothing the general ones do not; leaving them out costs time only.
 */
#ifndef INSP_MACHINE_FAST_H
#define INSP_MACHINE_FAST_H

#include "ops.h"

/** The function to execute a decoded op with: a special one, or op->run. */
insp_op_fn insp_fast(const insp_op *op);

#endif
