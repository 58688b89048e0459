// SPDX-License-Identifier: MIT
/**
 * @file
 * The type attribute cache of 3.8 and 3.9: a static variable of typeobject.c, found without its symbol.
 *
 * An entry's place follows from what it holds: its index is the type's version xor the hash of the name,
 * in 12 bits (MCACHE_HASH). So each word of the module's data that could begin an entry says where the
 * cache would begin, and that of many entries is the same place only where the cache is.
 */
#include "cpython.h"

enum { CACHE_BITS = 12, MEMO_BITS = 10 };

/** What entries met so far said: the places named last, by a hash of the place. */
typedef struct votes {
    insp_addr place[1 << MEMO_BITS];
    uint32_t n[1 << MEMO_BITS];
} votes;

// Where the cache begins if an entry lies at `at`; 0 where none can.
static insp_addr cache_of(insp_reader *r, insp_addr at, insp_addr version)
{
    const insp_layout *l = r->layout;
    insp_addr name = insp_u64(r, at + (uint32_t)INSP_OFF(l, type_cache_entry, name));
    if (r->bad || name < 4096 || name & 7)
        return 0;
    uint64_t hash = INSP_U64(r, name, PyASCIIObject, hash);
    if (r->bad)
        return 0;
    uint64_t i = (version ^ hash) & ((1u << CACHE_BITS) - 1);
    return at - i * (uint32_t)INSP_OFF(l, type_cache_entry, sizeof);
}

// Whether enough entries agree on this place.
static bool vote(votes *v, insp_addr place)
{
    enum { ENOUGH = 16, FACTOR_SHIFT = 3 };
    size_t row = place >> FACTOR_SHIFT & ((1u << MEMO_BITS) - 1);
    v->n[row] = v->place[row] == place ? v->n[row] + 1 : 1;
    v->place[row] = place;
    return v->n[row] == ENOUGH;
}

static insp_addr search_segment(insp_reader *r, const insp_segment *seg, votes *v)
{
    for (insp_addr at = (seg->start + 7) & ~UINT64_C(7); at + 8 <= seg->end; at += 8) {
        uint64_t version = insp_u64(r, at);
        insp_addr place = version && version <= UINT32_MAX ? cache_of(r, at, version) : 0;
        r->bad = false;
        if (place && vote(v, place))
            return place;
    }
    return 0;
}

void insp_type_cache_find(insp_cpython *py)
{
    const insp_layout *l = &py->layout;
    if (INSP_OFF(l, PyInterpreterState, type_cache) >= 0 ||
        INSP_OFF(l, type_cache_entry, name) < 0)
        return;
    insp_reader r = insp_reader_of(py->space, l);
    votes v = {0};
    for (const insp_segment *seg = insp_data_next(py, NULL); seg && !py->type_cache;
         seg = insp_data_next(py, seg))
        py->type_cache = search_segment(&r, seg, &v);
}

insp_addr insp_type_cache_of(const insp_cpython *py, uint32_t interp)
{
    int32_t member = INSP_OFF(&py->layout, PyInterpreterState, type_cache);
    if (member >= 0)
        return py->interps.at[interp].addr + (uint32_t)member;
    return interp == 0 ? py->type_cache : 0;
}
