// SPDX-License-Identifier: MIT
#include "map.h"

#include <stdlib.h>

// Fibonacci hashing: the high bits of the product are the best mixed ones.
static size_t home(const insp_map *m, uint64_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (m->cap - 1);
}

static insp_map_slot *find(const insp_map *m, uint64_t key)
{
    size_t i = home(m, key);
    while (m->slots[i].used && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

static bool grow(insp_map *m)
{
    insp_map bigger = {.cap = m->cap ? m->cap * 2 : 64, .len = m->len};
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (!bigger.slots)
        return false;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].used)
            *find(&bigger, m->slots[i].key) = m->slots[i];
    }
    free(m->slots);
    *m = bigger;
    return true;
}

uint32_t insp_map_get(const insp_map *m, uint64_t key)
{
    if (!m->cap)
        return INSP_MAP_NONE;
    const insp_map_slot *s = find(m, key);
    return s->used ? s->value : INSP_MAP_NONE;
}

bool insp_map_set(insp_map *m, uint64_t key, uint32_t value)
{
    if (m->len >= m->cap - m->cap / 4 && !grow(m))
        return false;
    insp_map_slot *s = find(m, key);
    m->len += !s->used;
    *s = (insp_map_slot){key, value, 1};
    return true;
}

void insp_map_deinit(insp_map *m)
{
    free(m->slots);
    *m = (insp_map){0};
}
