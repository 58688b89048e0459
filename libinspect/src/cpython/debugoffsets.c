// SPDX-License-Identifier: MIT
#include "debugoffsets.h"

#include <string.h>

// The structure does not change within a minor version from the first release candidate on.
enum { VERSION = 8, FREE_THREADED = 16, COLUMNS = 3, FIRST = 0x030d, RELEASE_LEVEL = 0xc0 };

/** A member, and where its offset stands in 3.13, 3.14, 3.15; 0: nowhere. */
typedef struct told {
    insp_member member;
    uint16_t at[COLUMNS];
} told;

static const told all[] = {
#define TELLS(s, m, a, b, c) {INSP_F_##s##_##m, {(a), (b), (c)}},
#include "debug_offsets.def"
#undef TELLS
};

bool insp_debug_offsets_look(const insp_space *space, insp_addr addr, insp_debug_offsets *out)
{
    bool ok = true;
    const void *cookie = insp_space_at(space, addr, 8);
    if (!cookie || memcmp(cookie, "xdebugpy", 8) != 0)
        return false;
    uint64_t version = insp_space_u64(space, addr + VERSION, &ok);
    uint64_t free_threaded = insp_space_u64(space, addr + FREE_THREADED, &ok);
    *out = (insp_debug_offsets){(uint32_t)version, free_threaded == 1};
    return ok && version >> 24 == 3 && version >> 16 >= FIRST &&
           (version & 0xf0) >= RELEASE_LEVEL && free_threaded <= 1;
}

void insp_debug_offsets_apply(const insp_space *space, insp_addr addr, uint32_t hex,
                              insp_layout *layout)
{
    enum { MOST = 1 << 20 };
    uint32_t column = (hex >> 16) - FIRST;
    if (hex >> 16 < FIRST || column >= COLUMNS)
        return;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bool ok = true;
        uint64_t offset =
            all[i].at[column] ? insp_space_u64(space, addr + all[i].at[column], &ok) : MOST;
        // What is out of every bound was not written by a compiler; the table's value stays, and is proved.
        if (!ok || offset >= MOST)
            continue;
        layout->off[all[i].member] = (int32_t)offset;
        layout->source[all[i].member] = INSP_FROM_DEBUG_OFFSETS;
    }
}
