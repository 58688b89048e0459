// SPDX-License-Identifier: MIT
/**
 * @file
 * Members of the runtime's structures that own a reference each, or are arrays of such: what they are called, and which
 * type of object they hold. Include/internal/pycore_interp.h and pycore_gc.h, Include/cpython/pystate.h.
 */
#ifndef INSP_CPYTHON_MEMBERS_H
#define INSP_CPYTHON_MEMBERS_H

#include "layout.h"

typedef struct insp_member_row {
    insp_member member;
    insp_member size; /**< bytes of an array; INSP_MEMBERS where it is no array */
    uint8_t bit;      /**< among tp_flags of what it holds; 0: that may be anything */
    const char *name;
} insp_member_row;

typedef struct insp_member_rows {
    const insp_member_row *at;
    size_t n;
} insp_member_rows;

insp_member_rows insp_interpreter_members(void), insp_collector_members(void),
    insp_thread_members(void);

/** Bytes of the structure that a member has; empty where the build does not have it. */
typedef struct insp_member_span {
    int32_t start, end;
} insp_member_span;

insp_member_span insp_member_span_of(const insp_layout *layout, const insp_member_row *row);

#endif
