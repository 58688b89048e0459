// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "support/asserts.h"
#include "support/small_target.h"

// Small programs, most of which must not end well.

// ---- programs that fail --------------------------------------------------------------------

typedef struct failing {
    const char *words;
    insp_addr where;
    insp_status status;
    unsigned char n, bytes[24];
} failing;

static const failing programs[] = {
    // jmp to itself
    {"more than 400000 instructions (jmp at 0x400000)",
     CODE,
     INSP_ERR_REFUSED,
     2,
     {0xeb, 0xfe}},
    // call itself
    {"the stack is deeper than 256 KiB (call at 0x400000)",
     STACK_START - 8,
     INSP_ERR_REFUSED,
     5,
     {0xe8, 0xfb, 0xff, 0xff, 0xff}},
    // or rcx, -1; mov rdi, rsi; rep stosb
    {"writes to more than 4096 KiB (stosb at 0x400007)",
     LARGE + 0x400000,
     INSP_ERR_REFUSED,
     9,
     {0x48, 0x83, 0xc9, 0xff, 0x48, 0x89, 0xf7, 0xf3, 0xaa}},
    // L: mov [rsi], al; add rsi, 4096; jmp L
    {"writes to more than 4096 KiB (mov at 0x400000)",
     LARGE + 0x400000,
     INSP_ERR_REFUSED,
     11,
     {0x88, 0x06, 0x48, 0x81, 0xc6, 0x00, 0x10, 0x00, 0x00, 0xeb, 0xf5}},
    // or rcx, -1; rep lodsb
    {"more than 400000 instructions (lodsb at 0x400004)",
     CODE + 4,
     INSP_ERR_REFUSED,
     6,
     {0x48, 0x83, 0xc9, 0xff, 0xf3, 0xac}},
    // sub rsp, 1 MiB; push rax
    {"the stack is deeper than 256 KiB (push at 0x400007)",
     STACK_START + 256 * 1024 - 64 - 8 - 0x100000 - 8,
     INSP_ERR_REFUSED,
     8,
     {0x48, 0x81, 0xec, 0x00, 0x00, 0x10, 0x00, 0x50}},
    // syscall; int 0x80
    {"system call (syscall at 0x400000)", CODE, INSP_ERR_REFUSED, 2, {0x0f, 0x05}},
    {"system call (int at 0x400000)", CODE, INSP_ERR_REFUSED, 2, {0xcd, 0x80}},
    // mov rax, [0]
    {"no memory at 0x0 (mov at 0x400000)", 0, INSP_ERR_FAULT, 8, {0x48, 0x8b, 0x04, 0x25}},
    // mov rax, [rdi + 0xffc]: half of it is there
    {"no memory at 0x601000 (mov at 0x400000)",
     DATA + PAGE,
     INSP_ERR_FAULT,
     7,
     {0x48, 0x8b, 0x87, 0xfc, 0x0f, 0x00, 0x00}},
    // mov [rdi + 0xffc], rax
    {"no memory at 0x601000 (mov at 0x400000)",
     DATA + PAGE,
     INSP_ERR_FAULT,
     7,
     {0x48, 0x89, 0x87, 0xfc, 0x0f, 0x00, 0x00}},
    // mov rax, [-4]: at the very end of the addresses
    {"no memory at 0xfffffffffffffffc (mov at 0x400000)",
     UINT64_MAX - 3,
     INSP_ERR_FAULT,
     8,
     {0x48, 0x8b, 0x04, 0x25, 0xfc, 0xff, 0xff, 0xff}},
    // mov [-4], rax
    {"no memory at 0xfffffffffffffffc (mov at 0x400000)",
     UINT64_MAX - 3,
     INSP_ERR_FAULT,
     8,
     {0x48, 0x89, 0x04, 0x25, 0xfc, 0xff, 0xff, 0xff}},
    // add byte [0x500010], 1
    {"0x500010 is read-only (add at 0x400000)",
     TEXT + 0x10,
     INSP_ERR_FAULT,
     8,
     {0x80, 0x04, 0x25, 0x10, 0x00, 0x50, 0x00, 0x01}},
    // jmp rdi: to data; jmp rax: to 0
    {"0x600000 is not executable (jmp at 0x400000)", DATA, INSP_ERR_FAULT, 2, {0xff, 0xe7}},
    {"no code at 0x0 (jmp at 0x400000)", 0, INSP_ERR_FAULT, 2, {0xff, 0xe0}},
    // jmp rsp: what is on the private stack is no code
    {"no code at 0xf000000000",
     STACK_START + 256 * 1024 - 64 - 8,
     INSP_ERR_FAULT,
     2,
     {0xff, 0xe4}},
    // push 0x123; ret
    {"no code at 0x123 (ret at 0x400005)",
     0x123,
     INSP_ERR_FAULT,
     6,
     {0x68, 0x23, 0x01, 0x00, 0x00, 0xc3}},
    // or rax, -1; jmp rax
    {"no code at 0xffffffffffffffff (jmp at 0x400004)",
     UINT64_MAX,
     INSP_ERR_FAULT,
     6,
     {0x48, 0x83, 0xc8, 0xff, 0xff, 0xe0}},
    // jmp to the last byte of the page, a nop
    {"no code at 0x401000", CODE + PAGE, INSP_ERR_FAULT, 5, {0xe9, 0xfa, 0x0f, 0x00, 0x00}},
    // xor ecx, ecx; div ecx
    {"division error (div at 0x400002)", CODE + 2, INSP_ERR_FAULT, 4, {0x31, 0xc9, 0xf7, 0xf1}},
    // mov rax, 1 << 63; cqo; or rcx, -1; idiv rcx
    {"division error (idiv at 0x400010)",
     CODE + 16,
     INSP_ERR_FAULT,
     19,
     {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x48, 0x99, 0x48, 0x83, 0xc9, 0xff, 0x48, 0xf7,
      0xf9}},
    // mov rdx, 1 << 63; xor eax, eax; or rcx, -1; idiv rcx: not even 128 bits hold it
    {"division error (idiv at 0x400010)",
     CODE + 16,
     INSP_ERR_FAULT,
     19,
     {0x48, 0xba, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x31, 0xc0, 0x48, 0x83, 0xc9, 0xff, 0x48, 0xf7,
      0xf9}},
    // movaps xmm0, [rdi + 1]; paddb xmm0, [rdi + 8]
    {"misaligned memory (movaps at 0x400000)",
     DATA + 1,
     INSP_ERR_FAULT,
     4,
     {0x0f, 0x28, 0x47, 0x01}},
    {"misaligned memory (paddb at 0x400000)",
     DATA + 8,
     INSP_ERR_FAULT,
     5,
     {0x66, 0x0f, 0xfc, 0x47, 0x08}},
    // cmpxchg16b [rdi + 8]
    {"misaligned memory (cmpxchg16b at 0x400000)",
     DATA + 8,
     INSP_ERR_FAULT,
     5,
     {0x48, 0x0f, 0xc7, 0x4f, 0x08}},
    // fldz; ud2; hlt; cpuid; an opcode that is none in 64-bit code; mov rax, gs:[0x28]
    {"instruction not understood (fldz at 0x400000)",
     CODE,
     INSP_ERR_UNSUPPORTED,
     2,
     {0xd9, 0xee}},
    {"instruction not understood (ud2 at 0x400000)",
     CODE,
     INSP_ERR_UNSUPPORTED,
     2,
     {0x0f, 0x0b}},
    {"instruction not understood (hlt at 0x400000)", CODE, INSP_ERR_UNSUPPORTED, 1, {0xf4}},
    {"instruction not understood (cpuid at 0x400001)",
     CODE + 1,
     INSP_ERR_UNSUPPORTED,
     3,
     {0x90, 0x0f, 0xa2}},
    {"instruction not understood (invalid at 0x400000)", CODE, INSP_ERR_UNSUPPORTED, 1, {0x06}},
    {"instruction not understood (mov at 0x400000)",
     CODE,
     INSP_ERR_UNSUPPORTED,
     9,
     {0x65, 0x48, 0x8b, 0x04, 0x25, 0x28}},
    // jmp to the last byte of the page, where a longer instruction begins
    {"instruction not understood (invalid at 0x400fff)",
     CODE + PAGE - 1,
     INSP_ERR_UNSUPPORTED,
     6,
     {0xe9, 0xfa, 0x0f, 0x00, 0x00, 0xff}},
    // mov rax, fs:[0x30]: only the stack protector's word is there where no thread is known
    {"no memory at 0xf00000040000030 (mov at 0x400000)",
     UINT64_C(0x0f00000040000030),
     INSP_ERR_FAULT,
     9,
     {0x64, 0x48, 0x8b, 0x04, 0x25, 0x30}},
};

START_TEST(a_program_that_cannot_go_on_ends_with_a_sentence)
{
    const failing *p = &programs[_i];
    set_program(p->bytes, p->n);
    // Only of use to the one that ends in the middle of an instruction.
    code[PAGE - 1] = p->n == 6 && p->bytes[5] == 0xff ? 0x48 : 0x90;
    ck_fails(run(), p->status, p->where, p->words);
    // The machine is as good as before.
    memcpy(code + 0x800, "\x89\xf8\xc3", 3); // mov eax, edi; ret
    const uint64_t args[1] = {77};
    ck_ok(insp_machine_call(machine, CODE + 0x800, args, 1, NULL, NULL, &result, &err));
    ck_assert_uint_eq(result, 77);
}
END_TEST

START_TEST(a_call_to_nowhere_fails_before_its_first_instruction)
{
    ck_fails(insp_machine_call(machine, 0, NULL, 0, NULL, NULL, &result, &err), INSP_ERR_FAULT,
             0, "no code at 0x0");
    ck_fails(insp_machine_call(machine, DATA, NULL, 0, NULL, NULL, &result, &err),
             INSP_ERR_FAULT, DATA, "0x600000 is not executable");
    const uint64_t args[7] = {0};
    ck_fails(insp_machine_call(machine, CODE, args, 7, NULL, NULL, &result, &err),
             INSP_ERR_ARGUMENT, CODE, "more than 6 arguments");
}
END_TEST

// ---- memory --------------------------------------------------------------------------------

START_TEST(what_a_call_writes_is_gone_at_the_next)
{
    PROGRAM(0x48, 0x81, 0x47, 0x10, 0x01, 0x01, 0x00, 0x00, // add qword [rdi + 0x10], 0x101
            0x48, 0x8b, 0x47, 0x10, 0xc3);                  // mov rax, [rdi + 0x10]; ret
    for (int i = 0; i < 3; i++) {
        ck_ok(run());
        ck_assert_uint_eq(result, UINT64_C(0x1716151413121110) + 0x101);
    }
    ck_assert_int_eq(data[0x10], 0x10);
}
END_TEST

START_TEST(many_pages_can_be_written_and_read_back)
{
    PROGRAM(0x48, 0x89, 0xf2, 0xb9, 0x00, 0x02, 0x00, 0x00, // mov rdx, rsi; mov ecx, 512
            0x89, 0x8e, 0xfe, 0x0f, 0x00, 0x00,       // L: mov [rsi + 0xffe], ecx (two pages)
            0x48, 0x81, 0xc6, 0x00, 0x10, 0x00, 0x00, // add rsi, 4096
            0xff, 0xc9, 0x75, 0xef,                   // dec ecx; jnz L
            0x31, 0xc0, 0xb9, 0x00, 0x02, 0x00, 0x00, // xor eax, eax; mov ecx, 512
            0x03, 0x82, 0xfe, 0x0f, 0x00, 0x00,       // M: add eax, [rdx + 0xffe]
            0x48, 0x81, 0xc2, 0x00, 0x10, 0x00, 0x00, // add rdx, 4096
            0xff, 0xc9, 0x75, 0xef, 0xc3);            // dec ecx; jnz M; ret
    for (int i = 0; i < 2; i++) {
        ck_ok(run());
        ck_assert_uint_eq(result, 512 * 513 / 2);
    }
    size_t written = 0;
    for (size_t i = 0; i < LARGE_SIZE; i++)
        written += large[i] != 0;
    ck_assert_uint_eq(written, 0);
}
END_TEST

START_TEST(code_is_what_the_target_has_even_where_it_is_written_to)
{
    small_target_teardown();
    small_target_setup();
    insp_space_deinit(&space);
    space = (insp_space){0};
    add_range(CODE, PAGE, code, INSP_SEG_EXEC | INSP_SEG_WRITE);
    PROGRAM(0x48, 0x8d, 0x3d, 0x09, 0x00, 0x00, 0x00,  // lea rdi, [rip + 9]: the ret
            0xc6, 0x07, 0xf4,                          // mov byte [rdi], 0xf4 (hlt)
            0x0f, 0xb6, 0x07, 0x90, 0x90, 0x90, 0xc3); // movzx eax, byte [rdi]; nop …; ret
    ck_ok(run());
    ck_assert_uint_eq(result, 0xf4);
}
END_TEST

START_TEST(a_read_may_cross_from_range_to_range)
{
    add_range(DATA + PAGE, PAGE, text, 0);
    PROGRAM(0x48, 0x8b, 0x87, 0xfc, 0x0f, 0x00, 0x00, 0xc3); // mov rax, [rdi + 0xffc]; ret
    ck_ok(run());
    ck_assert_uint_eq(result, UINT64_C(0x03020100fffefdfc));
    // What is written to the first stays with it, and is seen through both.
    PROGRAM(0xc6, 0x87, 0xff, 0x0f, 0x00, 0x00, 0x77,        // mov byte [rdi + 0xfff], 0x77
            0x48, 0x8b, 0x87, 0xfc, 0x0f, 0x00, 0x00, 0xc3); // mov rax, [rdi + 0xffc]; ret
    ck_ok(run());
    ck_assert_uint_eq(result, UINT64_C(0x0302010077fefdfc));
}
END_TEST

START_TEST(an_instruction_may_cross_from_range_to_range)
{
    static unsigned char more[PAGE] = {0xef, 0xbe, 0xc3}; // … 0xbeef; ret
    add_range(CODE + PAGE, PAGE, more, INSP_SEG_EXEC);
    PROGRAM(0xe9, 0xf6, 0x0f, 0x00, 0x00);           // jmp to 0x400ffb
    memcpy(code + 0xffb, "\x31\xc0\x90\x66\xb8", 5); // xor eax, eax; nop; mov ax, …
    ck_ok(run());
    ck_assert_uint_eq(result, 0xbeef);
}
END_TEST

START_TEST(an_unknown_thread_has_a_stack_protector)
{
    PROGRAM(0x48, 0x83, 0xc8, 0xff,                               // or rax, -1
            0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0x00, 0x00, 0x00, // mov rax, fs:[0x28]
            0xc3);
    ck_ok(run());
    ck_assert_uint_eq(result, 0);
    create_machine((insp_machine_options){.thread_pointer = DATA});
    ck_ok(run());
    ck_assert_uint_eq(result, UINT64_C(0x2f2e2d2c2b2a2928));
}
END_TEST

// ---- much code -----------------------------------------------------------------------------

static void add_nops(size_t n)
{
    unsigned char *nops = malloc(n);
    ck_assert_ptr_nonnull(nops);
    memset(nops, 0x90, n);
    nops[n - 1] = 0xc3;
    add_range(UINT64_C(0x20000000), n, nops, INSP_SEG_EXEC);
    create_machine((insp_machine_options){.max_instructions = 1000000});
}

START_TEST(long_code_is_executed_again_and_again)
{
    enum { N = 200000 };
    add_nops(N);
    for (int i = 0; i < 3; i++)
        ck_ok(insp_machine_call(machine, 0x20000000, NULL, 0, NULL, NULL, &result, &err));
    ck_assert_uint_eq(insp_machine_instructions(machine), 3 * N);
    free((void *)insp_space_find(&space, 0x20000000)->bytes);
}
END_TEST

START_TEST(too_much_different_code_is_refused)
{
    add_nops(300000);
    insp_status st = insp_machine_call(machine, 0x20000000, NULL, 0, NULL, NULL, &result, &err);
    ck_assert_int_eq(st, INSP_ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.message, "more than 262144 different instructions"));
    ck_ok(run() == INSP_ERR_FAULT ? INSP_OK : INSP_ERR_ARGUMENT);
    free((void *)insp_space_find(&space, 0x20000000)->bytes);
}
END_TEST

extern Suite *insp_machine_limits_suite(void);

Suite *insp_machine_limits_suite(void)
{
    Suite *suite = suite_create("machine_limits");
    TCase *cases = tcase_create("a small target");
    tcase_add_checked_fixture(cases, small_target_setup, small_target_teardown);
    tcase_add_loop_test(cases, a_program_that_cannot_go_on_ends_with_a_sentence, 0,
                        sizeof(programs) / sizeof(programs[0]));
    tcase_add_test(cases, a_call_to_nowhere_fails_before_its_first_instruction);
    tcase_add_test(cases, what_a_call_writes_is_gone_at_the_next);
    tcase_add_test(cases, many_pages_can_be_written_and_read_back);
    tcase_add_test(cases, code_is_what_the_target_has_even_where_it_is_written_to);
    tcase_add_test(cases, a_read_may_cross_from_range_to_range);
    tcase_add_test(cases, an_instruction_may_cross_from_range_to_range);
    tcase_add_test(cases, an_unknown_thread_has_a_stack_protector);
    tcase_add_test(cases, long_code_is_executed_again_and_again);
    tcase_add_test(cases, too_much_different_code_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
