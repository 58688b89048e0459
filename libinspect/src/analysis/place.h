// SPDX-License-Identifier: MIT
/**
 * @file
 * What an address is: in which object, block, pool, module or stack it lies.
 *
 * Only what is certain by the structures that cover the address. What it may once have been is for
 * those who ask to judge.
 */
#ifndef INSP_ANALYSIS_PLACE_H
#define INSP_ANALYSIS_PLACE_H

#include "../heap/heap.h"

/**
 * Fill in `out`; its texts live as long as the images do. With `references` walked, blocks of bodies are
 * known by their owner too. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_place_find(insp_heap *h, const insp_thread_regs_vec *threads, insp_addr addr,
                            bool references, insp_place *out, insp_error *err);

#endif
