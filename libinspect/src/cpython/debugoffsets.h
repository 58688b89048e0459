// SPDX-License-Identifier: MIT
/**
 * @file
 * _Py_DebugOffsets, with which _PyRuntime begins since 3.13 (gh-115539): offsets as the compiler had them.
 */
#ifndef INSP_CPYTHON_DEBUGOFFSETS_H
#define INSP_CPYTHON_DEBUGOFFSETS_H

#include "layout.h"

/** What the head of the structure says. */
typedef struct insp_debug_offsets {
    uint32_t hex; /**< PY_VERSION_HEX */
    bool free_threaded;
} insp_debug_offsets;

/** Whether the structure is at addr, of a final release or a release candidate. */
bool insp_debug_offsets_look(const insp_space *space, insp_addr addr, insp_debug_offsets *out);

/**
 * Take what it tells into a layout: every value that a structure can have. Does nothing for versions whose
 * list of fields is not known.
 */
void insp_debug_offsets_apply(const insp_space *space, insp_addr addr, uint32_t hex,
                              insp_layout *layout);

#endif
