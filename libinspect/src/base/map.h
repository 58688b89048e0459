// SPDX-License-Identifier: MIT
/**
 * @file
 * A map from a 64-bit key to a 32-bit value: open addressing, linear probing, at most 3/4 full.
 *
 * A zeroed struct is an empty map. Each map hashes with a random number of its own, so that no target
 * can choose keys that all fall on one place.
 */
#ifndef INSP_BASE_MAP_H
#define INSP_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSP_MAP_NONE UINT32_MAX

typedef struct insp_map_slot {
    uint64_t key;
    uint32_t value;
    uint32_t used;
} insp_map_slot;

typedef struct insp_map {
    insp_map_slot *slots;
    size_t len;
    size_t cap;      /**< a power of two, or 0 */
    uint64_t factor; /**< of the hash, odd */
    unsigned shift;  /**< 64 less the binary logarithm of cap */
} insp_map;

/** The value of `key`, or INSP_MAP_NONE. */
uint32_t insp_map_get(const insp_map *m, uint64_t key);

/** Set the value of `key`. False when memory runs out. */
bool insp_map_set(insp_map *m, uint64_t key, uint32_t value);

void insp_map_deinit(insp_map *m);

#endif
