// SPDX-License-Identifier: MIT
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 * 1024, ALIGN = 16 };

struct insp_arena_block {
    struct insp_arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

static struct insp_arena_block *add_block(insp_arena *a, size_t size)
{
    struct insp_arena_block *b = calloc(1, sizeof(*b) + size);
    if (!b)
        return NULL;
    b->size = size;
    // A block made for one large request goes behind the head, whose rest stays in use.
    if (a->blocks && size > BLOCK) {
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        b->next = a->blocks;
        a->blocks = b;
    }
    return b;
}

void *insp_arena_alloc(insp_arena *a, size_t n)
{
    if (n > SIZE_MAX - BLOCK)
        return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct insp_arena_block *b = a->blocks;
    if (!b || b->size - b->used < n)
        b = add_block(a, n > BLOCK ? n : BLOCK);
    if (!b)
        return NULL;
    void *p = b->bytes + b->used;
    b->used += n;
    return p;
}

void *insp_arena_array(insp_arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    return insp_arena_alloc(a, n * size);
}

const char *insp_arena_text(insp_arena *a, const char *s, size_t n)
{
    char *p = n < SIZE_MAX ? insp_arena_alloc(a, n + 1) : NULL;
    if (p && n)
        memcpy(p, s, n);
    return p;
}

const char *insp_arena_printf(insp_arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = n < 0 ? NULL : insp_arena_alloc(a, (size_t)n + 1);
    if (p)
        (void)vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void insp_arena_deinit(insp_arena *a)
{
    while (a->blocks) {
        struct insp_arena_block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
}
