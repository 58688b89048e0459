// SPDX-License-Identifier: MIT
/**
 * @file
 * The code of a tp_traverse: any bytes, interpreted.
 */
#include <string.h>

#include "../src/machine/machine.h"
#include "fuzz.h"

enum { PAGE = 4096, CODE = 0x400000, DATA = 0x600000, VISITS = 64 };

static uint64_t visit(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    unsigned *left = ctx;
    (void)args;
    *stop = --*left == 0;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char code[PAGE], words[2 * PAGE];
    insp_space space = {0};
    insp_machine *m = NULL;
    insp_error err;
    uint64_t result;
    unsigned left = VISITS;
    memset(code, 0x90, sizeof(code));
    memcpy(code, data, size < PAGE ? size : PAGE);
    for (size_t i = 0; i + 8 <= sizeof(words); i += 8)
        memcpy(words + i, &(uint64_t){DATA + i * 3 % sizeof(words)}, 8);
    insp_segment segs[] = {
        {.start = CODE, .end = CODE + PAGE, .bytes = code, .flags = INSP_SEG_EXEC},
        {.start = DATA, .end = DATA + 2 * PAGE, .bytes = words, .flags = INSP_SEG_WRITE},
    };
    insp_machine_options options = {.max_instructions = 20000, .more_per_callback = 100};
    bool made = !insp_space_add(&space, segs[0], &err) &&
                !insp_space_add(&space, segs[1], &err) &&
                !insp_machine_create(&space, &options, &m, &err);
    if (made) {
        const uint64_t args[3] = {DATA + PAGE, insp_machine_callback_address(m), 0};
        (void)insp_machine_call(m, CODE, args, 3, visit, &left, &result, &err);
    }
    insp_machine_destroy(m);
    insp_space_deinit(&space);
    return 0;
}

// What compilers make of Py_VISIT(self->x), of a loop over items, and of a memset.
size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    static const uint8_t programs[3][32] = {
        // push rbx; mov rbx, rdi; mov rdi, [rdi+16]; test rdi, rdi; je +4; call rsi; xor eax, eax; pop; ret
        {0x53, 0x48, 0x89, 0xfb, 0x48, 0x8b, 0x7f, 0x10, 0x48, 0x85, 0xff,
         0x74, 0x04, 0xff, 0xd6, 0x90, 0x90, 0x31, 0xc0, 0x5b, 0xc3},
        // mov ecx, 8; L: mov rdi, [rdi]; push rcx; push rsi; call rsi; pop rsi; pop rcx; loop L; ret
        {0xb9, 8, 0, 0, 0, 0x48, 0x8b, 0x3f, 0x51, 0x56, 0xff, 0xd6, 0x5e, 0x59, 0xe2, 0xf5,
         0xc3},
        // mov ecx, 64; xor eax, eax; rep stosb; pxor xmm0, xmm0; movups [rdi], xmm0; ret
        {0xb9, 64, 0, 0, 0, 0x31, 0xc0, 0xf3, 0xaa, 0x66, 0x0f, 0xef, 0xc0, 0x0f, 0x11, 0x07,
         0xc3},
    };
    if (number >= 3 || size < sizeof(programs[0]))
        return 0;
    memcpy(room, programs[number], sizeof(programs[0]));
    return sizeof(programs[0]);
}
