// SPDX-License-Identifier: MIT
/**
 * @file
 * The instruction that a thread died at: which address it could not have, and where that came from.
 *
 * Knows registers, code and memory, and nothing of objects: whose the addresses are is for those who ask.
 */
#ifndef INSP_ANALYSIS_FAULT_H
#define INSP_ANALYSIS_FAULT_H

#include "../heap/heap.h"

/** What the kernel said of it. */
typedef struct insp_signal_info {
    uint32_t signal;
    int32_t code;
    bool has_addr;
    insp_addr addr;
} insp_signal_info;

/**
 * Fill in `out`, its rows in `arena`. The symbols of images are loaded. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_fault_look(const insp_cpython *py, const insp_thread_regs_vec *threads,
                            const insp_signal_info *said, insp_arena *arena, insp_fault *out,
                            insp_error *err);

#endif
