// SPDX-License-Identifier: MIT
/**
 * @file
 * A thread that died: any registers, any code, any stack.
 */
#include <string.h>

#include "../src/analysis/fault.h"
#include "fuzz.h"

enum { PAGE = 4096, CODE = 0x400000, DATA = 0x600000, STACK = 0x7f0000, REGS = 27 };
enum { RIP = 16, RSP = 19 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char code[PAGE], words[PAGE], stack[PAGE];
    insp_space space = {0};
    insp_images images = {0};
    insp_arena arena = {0};
    insp_error err;
    insp_fault fault;
    insp_thread_regs t = {.tid = 1, .n_regs = REGS};
    size_t of_regs = size < sizeof(t.regs[0]) * REGS ? size : sizeof(t.regs[0]) * REGS;
    memcpy(t.regs, data, of_regs);
    size_t rest = size - of_regs, half = rest / 2 < PAGE ? rest / 2 : PAGE;
    memset(code, 0x90, PAGE);
    memset(stack, 0, PAGE);
    memcpy(code, data + of_regs, half);
    memcpy(stack, data + of_regs + half, rest - half < PAGE ? rest - half : PAGE);
    for (size_t i = 0; i + 8 <= PAGE; i += 8)
        memcpy(words + i, &(uint64_t){DATA + i * 3 % PAGE}, 8);
    // Most registers point somewhere, or else little of the code is looked at.
    t.regs[RIP] = t.regs[RIP] & 1 ? t.regs[RIP] : CODE + (t.regs[RIP] & (PAGE - 1));
    t.regs[RSP] = t.regs[RSP] & 1 ? t.regs[RSP] : STACK + (t.regs[RSP] & (PAGE - 1));
    insp_segment segs[] = {
        {.start = CODE, .end = CODE + PAGE, .bytes = code, .flags = INSP_SEG_EXEC},
        {.start = DATA, .end = DATA + PAGE, .bytes = words, .flags = INSP_SEG_WRITE},
        {.start = STACK, .end = STACK + PAGE, .bytes = stack, .flags = INSP_SEG_WRITE},
    };
    bool made = true;
    for (size_t i = 0; made && i < sizeof(segs) / sizeof(segs[0]); i++)
        made = !insp_space_add(&space, segs[i], &err);
    insp_cpython py = {.space = &space, .images = &images, .text = &arena};
    insp_thread_regs_vec threads = {.at = &t, .len = 1};
    const insp_signal_info said = {.signal = size & 1 ? 11 : 0};
    if (made)
        (void)insp_fault_look(&py, &threads, &said, &arena, &fault, &err);
    insp_arena_deinit(&arena);
    insp_space_deinit(&space);
    return 0;
}

// Registers that point into the page of words, and loads from there.
size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    static const uint8_t text[2][16] = {
        // mov rbx, [rdi + 16]; mov rax, [rbx + 8]; mov rcx, [rax + 0x58]
        {0x48, 0x8b, 0x5f, 0x10, 0x48, 0x8b, 0x43, 0x08, 0x48, 0x8b, 0x48, 0x58},
        // push rbp; mov rbp, rsp; call [rax]; ret
        {0x55, 0x48, 0x89, 0xe5, 0xff, 0x10, 0xc3},
    };
    uint64_t regs[REGS];
    size_t n = sizeof(regs) + 2 * sizeof(text[0]);
    if (number >= 2 || size < n)
        return 0;
    for (size_t i = 0; i < REGS; i++)
        regs[i] = DATA + 64 * i;
    regs[RIP] = number ? 4 : 8;
    memset(room, 0, n);
    memcpy(room, regs, sizeof(regs));
    memcpy(room + sizeof(regs), text[number], sizeof(text[0]));
    return n;
}
