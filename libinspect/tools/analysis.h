// SPDX-License-Identifier: MIT
/**
 * @file
 * For analysers only, which look at one file at a time: a function that fails does not return
 * INSP_OK. Without it every caller of an allocation is suspected of going on with NULL.
 */
#include "../src/base/error.h"

#define insp_fail(err, code, ...) ((void)insp_fail(err, code, __VA_ARGS__), (insp_status)(code))
#define insp_nomem(err) ((void)insp_nomem(err), (insp_status)INSP_ERR_MEMORY)
