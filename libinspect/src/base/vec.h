// SPDX-License-Identifier: MIT
/**
 * @file
 * Growable arrays, typed by a macro.
 *
 * INSP_VEC(insp_addrs, insp_addr) declares `struct insp_addrs { insp_addr *at; size_t len, cap; }`
 * and the functions insp_addrs_push, insp_addrs_reserve and insp_addrs_deinit. A zeroed struct is an
 * empty array. push and reserve return false when memory runs out and leave the array as it was.
 */
#ifndef INSP_BASE_VEC_H
#define INSP_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/** Make room for `want` elements of `size` bytes; the new capacity through *cap. */
static inline bool insp_vec_grow(void **at, size_t *cap, size_t want, size_t size)
{
    size_t n = *cap ? *cap : 8;
    while (n < want) {
        if (n > SIZE_MAX / 2)
            return false;
        n *= 2;
    }
    if (n > SIZE_MAX / size)
        return false;
    void *p = realloc(*at, n * size);
    if (!p)
        return false;
    *at = p;
    *cap = n;
    return true;
}

#define INSP_VEC(name, type)                                                                   \
    typedef struct name {                                                                      \
        type *at;                                                                              \
        size_t len, cap;                                                                       \
    } name;                                                                                    \
    __attribute__((unused)) static inline bool name##_reserve(name *v, size_t want)            \
    {                                                                                          \
        void *at = v->at;                                                                      \
        if (want > v->cap && !insp_vec_grow(&at, &v->cap, want, sizeof(type)))                 \
            return false;                                                                      \
        v->at = at;                                                                            \
        return true;                                                                           \
    }                                                                                          \
    __attribute__((unused)) static inline bool name##_push(name *v, type x)                    \
    {                                                                                          \
        if (v->len == v->cap && !name##_reserve(v, v->len + 1))                                \
            return false;                                                                      \
        v->at[v->len++] = x;                                                                   \
        return true;                                                                           \
    }                                                                                          \
    __attribute__((unused)) static inline void name##_deinit(name *v)                          \
    {                                                                                          \
        free(v->at);                                                                           \
        v->at = NULL;                                                                          \
        v->len = v->cap = 0;                                                                   \
    }                                                                                          \
    struct name /* swallows the semicolon */

INSP_VEC(insp_addrs, uint64_t);
INSP_VEC(insp_u32s, uint32_t);

#endif
