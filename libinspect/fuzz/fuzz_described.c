// SPDX-License-Identifier: MIT
/**
 * @file
 * A file that describes types: any text.
 */
#include <string.h>

#include "../src/object/described.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    insp_described d = {.types = {0}};
    insp_error err;
    for (int i = 0; i < 2; i++)
        (void)insp_described_add(&d, "f", (const char *)data, size, &err);
    const insp_described_type *t = insp_described_find(&d, "numpy.ndarray");
    for (uint32_t i = 0; t && i < t->n; i++) {
        const insp_described_slot *s = &d.slots.at[t->first + i];
        if (s->offset < 0 || s->offset % 8 || !*s->name)
            __builtin_trap();
    }
    insp_described_deinit(&d);
    return 0;
}

size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    static const char *const texts[] = {
        "# numpy\ntype numpy.ndarray\n  +0x30  .base  hidden\n  +0x38  .dtype visited\n",
        "type a.B\n+16 .owner borrowed\n+24 .ref weak # not counted\n\ntype numpy.ndarray\n"};
    size_t n = number < 2 ? strlen(texts[number]) : 0;
    if (!n || n > size)
        return 0;
    memcpy(room, texts[number], n);
    return n;
}
