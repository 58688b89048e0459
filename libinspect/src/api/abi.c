// SPDX-License-Identifier: MIT
#include <libinspect.h>

#include "abi_hash.h"

// `make install` takes the version from this line.
#define VERSION "0.1.0"

uint32_t insp_abi(void)
{
    return INSP_ABI_HASH;
}

const char *insp_version(void)
{
    return VERSION;
}
