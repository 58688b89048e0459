// SPDX-License-Identifier: MIT
/**
 * @file
 * How a function of this library says that it could not do its work.
 *
 * A function that can fail returns an insp_status and fills in the caller's insp_error
 * (see libinspect.h), so that nothing has to be freed and nothing goes stale.
 */
#ifndef INSP_BASE_ERROR_H
#define INSP_BASE_ERROR_H

#include <inttypes.h>
#include <libinspect.h>

/**
 * Fill in *err (which may be NULL) and return `code`, so that a failing function ends with
 * `return insp_fail(err, INSP_ERR_FAULT, addr, "no memory at 0x%" PRIx64, addr);`.
 */
__attribute__((format(printf, 4, 5))) insp_status insp_fail(insp_error *err, insp_status code,
                                                            insp_addr addr, const char *fmt,
                                                            ...);

/** Out of memory: a status of its own sentence, since it can happen anywhere. */
insp_status insp_nomem(insp_error *err);

#endif
