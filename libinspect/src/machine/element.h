// SPDX-License-Identifier: MIT
/**
 * @file
 * The elements of a vector register, n bytes each.
 */
#ifndef INSP_MACHINE_ELEMENT_H
#define INSP_MACHINE_ELEMENT_H

#include "state.h"

static inline uint64_t insp_element(const insp_vec *v, size_t i, size_t n)
{
    uint64_t x = 0;
    memcpy(&x, v->u8 + i * n, n);
    return x;
}

static inline void insp_set_element(insp_vec *v, size_t i, size_t n, uint64_t x)
{
    memcpy(v->u8 + i * n, &x, n);
}

#endif
