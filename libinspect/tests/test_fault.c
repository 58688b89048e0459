// SPDX-License-Identifier: MIT
#include "../src/analysis/fault.h"

#include <string.h>

#include "support/asserts.h"

enum { PAGE = 4096, CODE = 0x400000, DATA = 0x600000, STACK = 0x7f0000 };
/** Places in a thread's registers, those of struct user_regs_struct. */
enum { RBX = 5, RAX = 10, RDI = 14, RIP = 16, RSP = 19, REGS = 27 };

static unsigned char code[PAGE], data[PAGE], stack[PAGE];
static insp_space space;
static insp_images images;
static insp_arena arena;
static insp_cpython py;
static insp_thread_regs threads[2];
static insp_thread_regs_vec all;
static insp_signal_info said;
static insp_fault fault;
static insp_error err;

static void add(insp_addr start, unsigned char *bytes, unsigned flags)
{
    insp_segment seg = {.start = start,
                        .end = start + PAGE,
                        .bytes = bytes,
                        .flags = flags,
                        .module = INSP_NONE};
    ck_ok(insp_space_add(&space, seg, &err));
}

static void set_up(void)
{
    memset(code, 0x90, PAGE);
    memset(data, 0, PAGE);
    memset(stack, 0, PAGE);
    space = (insp_space){0};
    images = (insp_images){0};
    arena = (insp_arena){0};
    add(CODE, code, INSP_SEG_EXEC);
    add(DATA, data, INSP_SEG_WRITE);
    add(STACK, stack, INSP_SEG_WRITE);
    py = (insp_cpython){.space = &space, .images = &images, .text = &arena};
    for (int i = 0; i < 2; i++) {
        threads[i] = (insp_thread_regs){.tid = 7 + i, .n_regs = REGS};
        threads[i].regs[RSP] = STACK + PAGE / 2;
        threads[i].regs[RIP] = CODE;
    }
    all = (insp_thread_regs_vec){.at = threads, .len = 1};
    said = (insp_signal_info){.signal = 11};
}

static void tear_down(void)
{
    insp_arena_deinit(&arena);
    insp_space_deinit(&space);
}

static void word(insp_addr at, uint64_t value)
{
    memcpy(data + (at - DATA), &value, sizeof(value));
}

static void look(void)
{
    ck_ok(insp_fault_look(&py, &all, &said, &arena, &fault, &err));
}

// mov rbx, [rdi + 16]; mov rax, [rbx + 8]; mov rcx, [rax + 0x58]
static void load_twice(void)
{
    static const unsigned char text[] = {0x48, 0x8b, 0x5f, 0x10, 0x48, 0x8b,
                                         0x43, 0x08, 0x48, 0x8b, 0x48, 0x58};
    memcpy(code + 64, text, sizeof(text));
    word(DATA + 16, DATA + 64);
    word(DATA + 72, UINT64_C(0x4141414141414140));
    threads[0].regs[RIP] = CODE + 64 + 8;
    threads[0].regs[RDI] = DATA;
    threads[0].regs[RBX] = DATA + 64;
    threads[0].regs[RAX] = UINT64_C(0x4141414141414140);
}

START_TEST(the_pointer_and_where_it_was_loaded_from)
{
    load_twice();
    look();
    ck_assert_int_eq(fault.thread, 7);
    ck_assert_str_eq(fault.mnemonic, "mov");
    ck_assert_int_eq(fault.access, INSP_ACCESS_READ);
    ck_assert(fault.has_addr && fault.has_pointer);
    ck_assert_uint_eq(fault.addr, UINT64_C(0x4141414141414198));
    ck_assert_uint_eq(fault.pointer, UINT64_C(0x4141414141414140));
    ck_assert_str_eq(fault.base_register, "rax");
    ck_assert_int_eq(fault.displacement, 0x58);
    ck_assert_uint_eq(fault.n_hops, 1);
    ck_assert_uint_eq(fault.hops[0].holder, DATA + 64);
    ck_assert_int_eq(fault.hops[0].offset, 8);
    ck_assert_uint_eq(fault.hops[0].value, fault.pointer);
}
END_TEST

START_TEST(nothing_is_believed_of_code_that_memory_denies)
{
    load_twice();
    word(DATA + 72, 1);
    look();
    ck_assert_uint_eq(fault.pointer, UINT64_C(0x4141414141414140));
    ck_assert_uint_eq(fault.n_hops, 0);
}
END_TEST

START_TEST(a_longer_way_where_no_register_holds_its_middle)
{
    load_twice();
    // xor ebx, ebx behind the second load: rdi alone is left.
    static const unsigned char text[] = {0x48, 0x8b, 0x5f, 0x10, 0x48, 0x8b, 0x43,
                                         0x08, 0x31, 0xdb, 0x48, 0x8b, 0x48, 0x58};
    memcpy(code + 64, text, sizeof(text));
    threads[0].regs[RIP] = CODE + 64 + 10;
    threads[0].regs[RBX] = 0;
    look();
    ck_assert_uint_eq(fault.n_hops, 2);
    ck_assert_uint_eq(fault.hops[0].holder, DATA);
    ck_assert_int_eq(fault.hops[0].offset, 16);
    ck_assert_uint_eq(fault.hops[0].value, DATA + 64);
    ck_assert_uint_eq(fault.hops[1].holder, DATA + 64);
}
END_TEST

START_TEST(code_that_was_not_dumped_is_no_wild_call)
{
    threads[0].regs[RIP] = 0x7000;
    ck_ok(insp_space_lose(&space, (insp_range){0x7000, 0x8000}, &err));
    look();
    ck_assert_int_ne(fault.access, INSP_ACCESS_EXECUTE);
    threads[0].regs[RIP] = 0x8000;
    look();
    ck_assert_int_eq(fault.access, INSP_ACCESS_EXECUTE);
}
END_TEST

START_TEST(a_thread_of_aarch64_is_placed_and_not_decoded)
{
    enum { LINK = 30, SP = 31, PC = 32 };
    static const uint8_t blr_x1[] = {0x20, 0x00, 0x3f, 0xd6};
    threads[0] = (insp_thread_regs){.tid = 7, .n_regs = INSP_AARCH64_REGS};
    threads[0].regs[PC] = CODE;
    threads[0].regs[LINK] = CODE + 68;
    threads[0].regs[SP] = STACK + PAGE / 2;
    memcpy(code + 64, blr_x1, sizeof(blr_x1));
    look();
    ck_assert_str_eq(fault.mnemonic, "");
    ck_assert_uint_eq(fault.sp, STACK + PAGE / 2);
    ck_assert_uint_eq(fault.n_registers, 31);
    ck_assert_str_eq(fault.registers[30].name, "x30");
    ck_assert_uint_eq(fault.n_places, 2);
    ck_assert_uint_eq(fault.places[0].pc, CODE);
    ck_assert_uint_eq(fault.places[1].pc, CODE + 68);
}
END_TEST

START_TEST(where_there_is_no_code)
{
    threads[0].regs[RIP] = 0;
    look();
    ck_assert_int_eq(fault.access, INSP_ACCESS_EXECUTE);
    ck_assert(fault.has_addr);
    ck_assert_uint_eq(fault.addr, 0);
    ck_assert_str_eq(fault.mnemonic, "");
}
END_TEST

START_TEST(what_may_not_be_written)
{
    static const unsigned char text[] = {0x48, 0x89, 0x07}; // mov [rdi], rax
    memcpy(code, text, sizeof(text));
    threads[0].regs[RDI] = CODE + 16;
    look();
    ck_assert_int_eq(fault.access, INSP_ACCESS_WRITE);
    ck_assert_uint_eq(fault.addr, CODE + 16);
    ck_assert(!fault.overflow);
}
END_TEST

START_TEST(a_stack_that_is_used_up)
{
    code[0] = 0x55; // push rbp
    threads[0].regs[RSP] = STACK;
    look();
    ck_assert_uint_eq(fault.addr, STACK - 8);
    ck_assert(fault.on_stack);
    ck_assert(fault.overflow);
    ck_assert_uint_eq(fault.stack_start, STACK);
    ck_assert_uint_eq(fault.stack_end, STACK + PAGE);
}
END_TEST

START_TEST(without_a_signal_the_thread_that_cannot_go_on)
{
    said.signal = 0;
    all.len = 2;
    threads[1].regs[RIP] = 0x10;
    look();
    ck_assert_int_eq(fault.thread, 8);
    ck_assert_uint_eq(fault.addr, 0x10);
}
END_TEST

START_TEST(without_threads_what_the_kernel_said)
{
    all.len = 0;
    said = (insp_signal_info){.signal = 7, .code = 2, .has_addr = true, .addr = 0x99};
    look();
    ck_assert_uint_eq(fault.signal, 7);
    ck_assert(fault.has_kernel_addr);
    ck_assert_uint_eq(fault.kernel_addr, 0x99);
    ck_assert_uint_eq(fault.n_registers, 0);
    ck_assert_str_eq(fault.abort_message, "");
}
END_TEST

extern Suite *insp_fault_suite(void);
Suite *insp_fault_suite(void)
{
    Suite *s = suite_create("fault");
    TCase *tc = tcase_create("fault");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, the_pointer_and_where_it_was_loaded_from);
    tcase_add_test(tc, nothing_is_believed_of_code_that_memory_denies);
    tcase_add_test(tc, a_longer_way_where_no_register_holds_its_middle);
    tcase_add_test(tc, where_there_is_no_code);
    tcase_add_test(tc, code_that_was_not_dumped_is_no_wild_call);
    tcase_add_test(tc, a_thread_of_aarch64_is_placed_and_not_decoded);
    tcase_add_test(tc, what_may_not_be_written);
    tcase_add_test(tc, a_stack_that_is_used_up);
    tcase_add_test(tc, without_a_signal_the_thread_that_cannot_go_on);
    tcase_add_test(tc, without_threads_what_the_kernel_said);
    suite_add_tcase(s, tc);
    return s;
}
