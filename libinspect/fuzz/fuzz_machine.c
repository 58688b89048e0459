// SPDX-License-Identifier: MIT
/**
 * @file
 * The code of a tp_traverse: any bytes, interpreted as instructions of both sets.
 */
#include <elf.h>
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

static void interpret(const insp_space *space, uint16_t machine)
{
    insp_machine *m = NULL;
    insp_error err;
    uint64_t result;
    unsigned left = VISITS;
    insp_machine_options options = {
        .machine = machine, .max_instructions = 20000, .more_per_callback = 100};
    if (insp_machine_create(space, &options, &m, &err))
        return;
    const uint64_t args[3] = {DATA + PAGE, insp_machine_callback_address(m), 0};
    (void)insp_machine_call(m, CODE, args, 3, visit, &left, &result, &err);
    insp_machine_destroy(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char code[PAGE], words[2 * PAGE];
    insp_space space = {0};
    insp_error err;
    memset(code, 0x90, sizeof(code));
    memcpy(code, data, size < PAGE ? size : PAGE);
    for (size_t i = 0; i + 8 <= sizeof(words); i += 8)
        memcpy(words + i, &(uint64_t){DATA + i * 3 % sizeof(words)}, 8);
    insp_segment segs[] = {
        {.start = CODE, .end = CODE + PAGE, .bytes = code, .flags = INSP_SEG_EXEC},
        {.start = DATA, .end = DATA + 2 * PAGE, .bytes = words, .flags = INSP_SEG_WRITE},
    };
    if (!insp_space_add(&space, segs[0], &err) && !insp_space_add(&space, segs[1], &err)) {
        interpret(&space, EM_X86_64);
        interpret(&space, EM_AARCH64);
    }
    insp_space_deinit(&space);
    return 0;
}

// What compilers make of Py_VISIT(self->x), of a loop over items, and of a memset.
size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    static const uint8_t programs[5][32] = {
        // push rbx; mov rbx, rdi; mov rdi, [rdi+16]; test rdi, rdi; je +4; call rsi; xor eax, eax; pop; ret
        {0x53, 0x48, 0x89, 0xfb, 0x48, 0x8b, 0x7f, 0x10, 0x48, 0x85, 0xff,
         0x74, 0x04, 0xff, 0xd6, 0x90, 0x90, 0x31, 0xc0, 0x5b, 0xc3},
        // mov ecx, 8; L: mov rdi, [rdi]; push rcx; push rsi; call rsi; pop rsi; pop rcx; loop L; ret
        {0xb9, 8, 0, 0, 0, 0x48, 0x8b, 0x3f, 0x51, 0x56, 0xff, 0xd6, 0x5e, 0x59, 0xe2, 0xf5,
         0xc3},
        // mov ecx, 64; xor eax, eax; rep stosb; pxor xmm0, xmm0; movups [rdi], xmm0; ret
        {0xb9, 64, 0, 0, 0, 0x31, 0xc0, 0xf3, 0xaa, 0x66, 0x0f, 0xef, 0xc0, 0x0f, 0x11, 0x07,
         0xc3},
        // stp x29, x30, [sp, -16]!; ldr x0, [x0, 16]; cbz x0, +8; blr x1; mov w0, 0; ldp x29, x30, [sp], 16; ret
        {0xfd, 0x7b, 0xbf, 0xa9, 0x00, 0x08, 0x40, 0xf9, 0x40, 0x00, 0x00, 0xb4, 0x20, 0x00,
         0x3f, 0xd6, 0x00, 0x00, 0x80, 0x52, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6},
        // movi v0.2d, 0; stp q0, q0, [x0]; ldxr x2, [x0]; stxr w3, x2, [x0]; ret
        {0x00, 0xe4, 0x00, 0x6f, 0x00, 0x00, 0x00, 0xad, 0x02, 0x7c,
         0x5f, 0xc8, 0x02, 0x7c, 0x03, 0xc8, 0xc0, 0x03, 0x5f, 0xd6},
    };
    if (number >= 5 || size < sizeof(programs[0]))
        return 0;
    memcpy(room, programs[number], sizeof(programs[0]));
    return sizeof(programs[0]);
}
