// SPDX-License-Identifier: MIT
/**
 * @file
 * Words of C memory that point to objects whose count is not explained: the data of modules, C stacks
 * and registers, malloc'ed blocks, what extension modules keep as their state.
 *
 * Such a word may own a reference, or be borrowed, or stale. So it never enters a sum: it locates at
 * most as much of a remainder as there is.
 */
#ifndef INSP_ANALYSIS_NATIVE_H
#define INSP_ANALYSIS_NATIVE_H

#include "../heap/heap.h"

typedef enum insp_native_place {
    INSP_NATIVE_DATA = 0,
    INSP_NATIVE_STACK = 1,
    INSP_NATIVE_REGISTER = 2,
    INSP_NATIVE_MALLOC = 3,
    INSP_NATIVE_STATE = 4
} insp_native_place;

/** A word that points to an object with a remainder. */
typedef struct insp_native_word {
    uint32_t object;
    uint32_t
        where; /**< row of the images, or of the threads' registers; number of the module object */
    insp_addr addr; /**< of the word; the register's number for a register */
    uint8_t place;  /**< insp_native_place */
} insp_native_word;

INSP_VEC(insp_native_words, insp_native_word);

typedef struct insp_native {
    insp_native_words words; /**< by object, then by place and address */
    uint64_t modules, threads, malloc_blocks, unreadable;
} insp_native;

/** "module data", "stack" … */
const char *insp_native_name(uint8_t place);

/** Search for words that point to objects with a positive remainder. Fails with INSP_ERR_MEMORY. */
insp_status insp_native_search(insp_heap *h, const insp_thread_regs_vec *threads,
                               insp_native *out, insp_error *err);
void insp_native_deinit(insp_native *n);

/** The words that point to one object. */
const insp_native_word *insp_native_of(const insp_native *n, uint32_t object, size_t *count);

/** How much of a remainder they locate: at most the remainder, 0 for none and for a deficit. */
int64_t insp_native_located(const insp_native *n, uint32_t object, int64_t remainder);

#endif
