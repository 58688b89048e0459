// SPDX-License-Identifier: MIT
/**
 * @file
 * The whole heap as JSON Lines: docs/formats.md describes every line.
 */
#ifndef INSP_OUTPUT_JSONL_H
#define INSP_OUTPUT_JSONL_H

#include "../analysis/ledger.h"
#include "writer.h"

/** `source` is "core", "process" or "caller". Fails with INSP_ERR_MEMORY, INSP_ERR_CANCELLED. */
insp_status insp_jsonl_write(insp_heap *h, const insp_native *native, const char *source,
                             insp_writer *w, insp_error *err);

#endif
