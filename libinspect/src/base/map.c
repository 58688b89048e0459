// SPDX-License-Identifier: MIT
#include "map.h"

#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_CAP = 64, FIRST_SHIFT = 64 - 6 };

// Multiply-shift (Dietzfelbinger et al., "A reliable randomized algorithm for the closest-pair problem",
// 1997): the high bits of the product depend on every bit of the key.
static size_t home(const insp_map *m, uint64_t key)
{
    return (size_t)(key * m->factor >> m->shift);
}

static uint64_t random_factor(void)
{
    // Early in a machine's life there may be none: this is good for all keys but those chosen against it.
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    uint64_t factor;
    if (getrandom(&factor, sizeof(factor), GRND_NONBLOCK) != (ssize_t)sizeof(factor))
        factor = golden;
    return factor | 1;
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
    insp_map bigger = {.cap = FIRST_CAP, .shift = FIRST_SHIFT};
    if (m->cap) {
        bigger = *m;
        bigger.cap *= 2;
        bigger.shift--;
    } else {
        bigger.factor = random_factor();
    }
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
    insp_map_slot *s = m->cap ? find(m, key) : NULL;
    if (!s || (!s->used && m->len >= m->cap - m->cap / 4)) {
        if (!grow(m))
            return false;
        s = find(m, key);
    }
    m->len += !s->used;
    *s = (insp_map_slot){key, value, 1};
    return true;
}

void insp_map_deinit(insp_map *m)
{
    free(m->slots);
    *m = (insp_map){0};
}
