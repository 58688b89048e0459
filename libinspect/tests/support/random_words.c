// SPDX-License-Identifier: MIT
#include "random_words.h"

uint64_t random_word(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

uint64_t random_argument(void)
{
    uint64_t r = random_word();
    switch (r % 7) {
    case 0:
        return r >> 8 & 0xff;
    case 1:
        return -(r >> 8 & 0xff);
    case 2:
        return UINT64_C(1) << (r >> 8 & 63);
    case 3:
        return r >> 32;
    case 4:
        return UINT64_C(1) << 63 >> (8 * (r >> 8 & 7));
    default:
        return r;
    }
}
