// SPDX-License-Identifier: MIT
/**
 * @file
 * Do the hand-written decoders say what the types' own code says? On any target, without its help: each
 * object's tp_traverse is interpreted, and what it visits compared with what the decoder marks visited.
 */
#ifndef INSP_ANALYSIS_DECODERS_H
#define INSP_ANALYSIS_DECODERS_H

#include "../heap/heap.h"

INSP_VEC(insp_decoder_rows, insp_decoder_row);

/**
 * Compare at most `per_type` objects of each type that has a decoder and a tp_traverse, large ones left out (0: all of
 * them), one row a type. Fails with INSP_ERR_MEMORY, INSP_ERR_CANCELLED.
 */
insp_status insp_decoders_check(insp_heap *h, uint32_t per_type, insp_decoder_rows *out,
                                insp_error *err);

/**
 * Compare a few objects of each type. A type whose own code says otherwise is read by that from now on, and *again says that
 * the heap is to be walked once more. Adds the proof "decoders", which fails where that cannot be. Fails
 * with INSP_ERR_MEMORY, INSP_ERR_CANCELLED.
 */
insp_status insp_decoders_prove(insp_heap *h, bool *again, insp_error *err);

#endif
