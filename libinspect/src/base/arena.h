// SPDX-License-Identifier: MIT
/**
 * @file
 * Memory that is freed whole: what one answer, or one derived thing of a session, consists of.
 *
 * A zeroed struct is an empty arena. Pointers into it stay valid until insp_arena_deinit.
 */
#ifndef INSP_BASE_ARENA_H
#define INSP_BASE_ARENA_H

#include <stddef.h>

typedef struct insp_arena {
    struct insp_arena_block *blocks;
} insp_arena;

/** n zeroed bytes, aligned for any type; NULL when memory runs out. */
void *insp_arena_alloc(insp_arena *a, size_t n);

/** The same for an array; NULL also where n * size overflows. */
void *insp_arena_array(insp_arena *a, size_t n, size_t size);

/** A NUL-terminated copy of the first n bytes of s. */
const char *insp_arena_text(insp_arena *a, const char *s, size_t n);

/** printf into the arena. */
__attribute__((format(printf, 2, 3))) const char *insp_arena_printf(insp_arena *a,
                                                                    const char *fmt, ...);

void insp_arena_deinit(insp_arena *a);

#endif
