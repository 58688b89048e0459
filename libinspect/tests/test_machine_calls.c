// SPDX-License-Identifier: MIT
#include "support/asserts.h"
#include "support/small_target.h"

// What crosses the border between interpreted code and its caller.

// ---- calls ---------------------------------------------------------------------------------

typedef struct seen {
    uint64_t called, args[6];
    int n, stop_after;
} seen;

static bool answer(void *ctx, insp_addr called, const insp_machine_arg args[6], uint64_t *out)
{
    seen *s = ctx;
    s->n++;
    s->called = called;
    for (size_t i = 0; i < 6; i++)
        s->args[i] = args[i].value;
    *out = 4711;
    return called == CODE + 0x100;
}

static void create_answering(seen *s)
{
    create_machine((insp_machine_options){.intercept = answer, .intercept_ctx = s});
}

START_TEST(a_call_can_be_answered_by_the_caller)
{
    seen s = {0};
    PROGRAM(0xe8, 0xfb, 0x00, 0x00, 0x00, // call 0x400100
            0x48, 0xff, 0xc0, 0xc3);      // inc rax; ret
    code[0x100] = 0xf4;
    create_answering(&s);
    ck_ok(run());
    ck_assert_uint_eq(result, 4712);
    ck_assert_int_eq(s.n, 1);
    ck_assert_uint_eq(s.args[0], DATA);
    ck_assert_uint_eq(s.args[1], LARGE);
}
END_TEST

// mov eax, 0x400100; sub rsp, 8; call rax; add rsp, 8; ret / jmp 0x400100 / jz / jmp through a PLT
static const unsigned char tails[][16] = {
    {0xb8, 0x00, 0x01, 0x40, 0x00, 0x48, 0x83, 0xec, 0x08, 0xff, 0xd0, 0x48, 0x83, 0xc4, 0x08,
     0xc3},
    {0xe9, 0xfb, 0x00, 0x00, 0x00},
    {0x31, 0xc0, 0x0f, 0x84, 0xf8, 0x00, 0x00, 0x00},
    {0xff, 0x25, 0xfa, 0x01, 0x00, 0x00},
};

START_TEST(so_can_a_call_in_tail_position_and_through_the_plt)
{
    seen s = {0};
    set_program(tails[_i], sizeof(tails[_i]));
    code[0x100] = 0xf4;
    memcpy(code + 0x200, "\x00\x01\x40\x00\x00\x00\x00\x00", 8);
    create_answering(&s);
    ck_ok(run());
    ck_assert_uint_eq(result, 4711);
    ck_assert_uint_eq(s.called, CODE + 0x100);
}
END_TEST

START_TEST(a_jump_inside_a_function_is_no_call)
{
    seen s = {0};
    PROGRAM(0x50, 0xe9, 0xfa, 0x00, 0x00, 0x00); // push rax; jmp 0x400100
    memcpy(code + 0x100, "\x31\xc0\x59\xc3", 4); // xor eax, eax; pop rcx; ret
    create_answering(&s);
    ck_ok(run());
    ck_assert_uint_eq(result, 0);
    ck_assert_int_eq(s.n, 0);
}
END_TEST

START_TEST(a_lazy_plt_ends_where_the_dynamic_linker_would_begin)
{
    PROGRAM(0xe8, 0xfb, 0x00, 0x00, 0x00, 0xc3); // call 0x400100; ret
    memcpy(code + 0x100, "\xff\x25\xfa\x00\x00\x00\x6a\x00\xeb\x06",
           10); // jmp [0x400200]; push 0; jmp
    memcpy(code + 0x110, "\xff\x35\xf2\x00\x00\x00\xff\x25\xf4\x00\x00\x00",
           12); // push [0x400208]; jmp [0x400210]
    memcpy(code + 0x200, "\x06\x01\x40\x00\x00\x00\x00\x00", 8);
    memset(code + 0x208, 0, 16);
    ck_fails(run(), INSP_ERR_FAULT, 0, "no code at 0x0 (jmp at 0x400116)");
}
END_TEST

static uint64_t note(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    seen *s = ctx;
    for (size_t i = 0; i < 6; i++)
        s->args[i] = args[i].value;
    *stop = ++s->n == s->stop_after;
    return (uint64_t)s->n;
}

// call rdi three times, return the sum of what it returned: push rbx; push rbp; push r12; mov rbp, rdi;
// mov r12d, 3; xor ebx, ebx; L: mov edi, r12d; call rbp; add rbx, rax; dec r12d; jnz L; mov rax, rbx; …
static const unsigned char thrice[] = {0x53, 0x55, 0x41, 0x54, 0x48, 0x89, 0xfd, 0x41, 0xbc,
                                       0x03, 0x00, 0x00, 0x00, 0x31, 0xdb, 0x44, 0x89, 0xe7,
                                       0xff, 0xd5, 0x48, 0x01, 0xc3, 0x41, 0xff, 0xcc, 0x75,
                                       0xf3, 0x48, 0x89, 0xd8, 0x41, 0x5c, 0x5d, 0x5b, 0xc3};

START_TEST(the_callback_is_called_and_can_end_the_call)
{
    set_program(thrice, sizeof(thrice));
    for (int stop_after = 0; stop_after < 4; stop_after++) {
        seen s = {.stop_after = stop_after};
        const uint64_t args[2] = {insp_machine_callback_address(machine), 5};
        ck_ok(insp_machine_call(machine, CODE, args, 2, note, &s, &result, &err));
        ck_assert_int_eq(s.n, stop_after ? stop_after : 3);
        ck_assert_uint_eq(s.args[0], (uint64_t)(4 - s.n));
        ck_assert_uint_eq(s.args[1], 5);
        if (!stop_after)
            ck_assert_uint_eq(result, 1 + 2 + 3);
    }
}
END_TEST

START_TEST(each_callback_can_grant_more_instructions)
{
    seen s = {0};
    PROGRAM(0x53, 0x48, 0x89, 0xfb,  // push rbx; mov rbx, rdi
            0xff, 0xd3, 0xeb, 0xfc); // L: call rbx; jmp L
    create_machine((insp_machine_options){.max_instructions = 100, .more_per_callback = 2});
    const uint64_t args[1] = {insp_machine_callback_address(machine)};
    s.stop_after = 5000;
    ck_ok(insp_machine_call(machine, CODE, args, 1, note, &s, &result, &err));
    ck_assert_int_eq(s.n, 5000);
    create_machine((insp_machine_options){.max_instructions = 100, .more_per_callback = 1});
    s = (seen){0};
    ck_fails(insp_machine_call(machine, CODE, args, 1, note, &s, &result, &err),
             INSP_ERR_REFUSED, CODE + 4, "more than 198 instructions (call at 0x400004)");
}
END_TEST

START_TEST(a_tail_call_of_the_callback_comes_back)
{
    seen s = {0};
    PROGRAM(0xff, 0xe7); // jmp rdi
    const uint64_t args[1] = {insp_machine_callback_address(machine)};
    ck_ok(insp_machine_call(machine, CODE, args, 1, note, &s, &result, &err));
    ck_assert_uint_eq(result, 1);
    ck_assert_uint_eq(insp_machine_instructions(machine), 2);
}
END_TEST

// ---- where a value was loaded from ---------------------------------------------------------

typedef struct origin {
    insp_addr from;
    unsigned char n, bytes[32];
} origin;

// Each leaves in rdi a value for the callback, whose address is in r12. rbx is DATA. `from` is where the
// callback must be told that rdi was loaded from.
static const origin origins[] = {
    {DATA + 8, 4, {0x48, 0x8b, 0x7b, 0x08}}, // mov rdi, [rbx + 8]
    // mov ecx, 2; mov rdi, [rbx + rcx * 8 + 0x10]
    {DATA + 0x20, 10, {0xb9, 2, 0, 0, 0, 0x48, 0x8b, 0x7c, 0xcb, 0x10}},
    {DATA + 3, 4, {0x48, 0x8b, 0x7b, 0x03}}, // mov rdi, [rbx + 3]: a slot need not be aligned
    {DATA + 8,
     7,
     {0x48, 0x8b, 0x43, 0x08, 0x48, 0x89, 0xc7}}, // mov rax, [rbx + 8]; mov rdi, rax
    {0, 3, {0x48, 0x89, 0xdf}},                   // mov rdi, rbx
    {0, 4, {0x48, 0x8d, 0x7b, 0x08}},             // lea rdi, [rbx + 8]
    {0, 3, {0x8b, 0x7b, 0x08}},                   // mov edi, [rbx + 8]
    {0, 4, {0x48, 0x63, 0x7b, 0x08}},             // movsxd rdi, dword [rbx + 8]
    // mov rdi, [rbx + 8]; add rdi, 0; or xor edi, edi; or mov dil, 1; or shl rdi, 1; or inc rdi
    {0, 8, {0x48, 0x8b, 0x7b, 0x08, 0x48, 0x83, 0xc7, 0x00}},
    {0, 6, {0x48, 0x8b, 0x7b, 0x08, 0x31, 0xff}},
    {0, 7, {0x48, 0x8b, 0x7b, 0x08, 0x40, 0xb7, 0x01}},
    {0, 7, {0x48, 0x8b, 0x7b, 0x08, 0x48, 0xd1, 0xe7}},
    {0, 7, {0x48, 0x8b, 0x7b, 0x08, 0x48, 0xff, 0xc7}},
    // mov rdi, [rbx + 8]; mov edi, edi
    {0, 6, {0x48, 0x8b, 0x7b, 0x08, 0x89, 0xff}},
    // mov rdi, [rbx + 8]; and rdi, -4: the tag bits of a pointer
    {DATA + 8, 8, {0x48, 0x8b, 0x7b, 0x08, 0x48, 0x83, 0xe7, 0xfc}},
    // mov rdi, [rbx + 8]; and rdi, -64
    {0, 8, {0x48, 0x8b, 0x7b, 0x08, 0x48, 0x83, 0xe7, 0xc0}},
    // mov rdi, [rbx + 8]; test rdi, rdi; cmp rdi, 5
    {DATA + 8, 11, {0x48, 0x8b, 0x7b, 0x08, 0x48, 0x85, 0xff, 0x48, 0x83, 0xff, 0x05}},
    // push qword [rbx + 8]; pop rdi
    {DATA + 8, 4, {0xff, 0x73, 0x08, 0x5f}},
    // mov rax, [rbx + 8]; push rax; xor eax, eax; pop rdi
    {DATA + 8, 8, {0x48, 0x8b, 0x43, 0x08, 0x50, 0x31, 0xc0, 0x5f}},
    // mov rax, [rbx + 8]; mov [rsp - 16], rax; mov rdi, [rsp - 16]
    {DATA + 8,
     14,
     {0x48, 0x8b, 0x43, 0x08, 0x48, 0x89, 0x44, 0x24, 0xf0, 0x48, 0x8b, 0x7c, 0x24, 0xf0}},
    // the same, with mov byte [rsp - 12], 0 between
    {0,
     19,
     {0x48, 0x8b, 0x43, 0x08, 0x48, 0x89, 0x44, 0x24, 0xf0, 0xc6, 0x44, 0x24, 0xf4, 0x00, 0x48,
      0x8b, 0x7c, 0x24, 0xf0}},
    // mov rax, [rbx + 8]; mov [rsp - 20], rax; mov rdi, [rsp - 20]: no word of the stack
    {0,
     14,
     {0x48, 0x8b, 0x43, 0x08, 0x48, 0x89, 0x44, 0x24, 0xec, 0x48, 0x8b, 0x7c, 0x24, 0xec}},
    // mov rdi, [rsp]: the return address
    {0, 4, {0x48, 0x8b, 0x3c, 0x24}},
    // mov rax, [rbx + 8]; xchg rax, rdi
    {DATA + 8, 6, {0x48, 0x8b, 0x43, 0x08, 0x48, 0x97}},
    // xor eax, eax; cmovz rdi, [rbx + 8]; or cmovnz: rdi is as it came
    {DATA + 8, 7, {0x31, 0xc0, 0x48, 0x0f, 0x44, 0x7b, 0x08}},
    {0, 7, {0x31, 0xc0, 0x48, 0x0f, 0x45, 0x7b, 0x08}},
    // mov [rbx + 8], rbx; mov rdi, [rbx + 8]: the target has something else there
    {0, 8, {0x48, 0x89, 0x5b, 0x08, 0x48, 0x8b, 0x7b, 0x08}},
    // mov [rbx + 8], rbx; mov rdi, [rbx + 0x10]: on the same page, but untouched
    {DATA + 0x10, 8, {0x48, 0x89, 0x5b, 0x08, 0x48, 0x8b, 0x7b, 0x10}},
    // mov rax, [rbx + 8]; mov [rbx + 8], rax; mov rdi, [rbx + 8]: the same is written again
    {DATA + 8, 12, {0x48, 0x8b, 0x43, 0x08, 0x48, 0x89, 0x43, 0x08, 0x48, 0x8b, 0x7b, 0x08}},
};

static uint64_t note_origin(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    (void)stop;
    *(insp_machine_arg *)ctx = args[0];
    return 0;
}

START_TEST(the_callback_learns_where_a_value_was_loaded_from)
{
    const origin *o = &origins[_i];
    // push rbx; push r12; push rax; mov rbx, rdi; mov r12, rsi; xor edi, edi; …; call r12; pop rax; pop r12;
    // pop rbx; ret
    static const unsigned char head[] = {0x53, 0x41, 0x54, 0x50, 0x48, 0x89,
                                         0xfb, 0x49, 0x89, 0xf4, 0x31, 0xff};
    static const unsigned char tail[] = {0x41, 0xff, 0xd4, 0x58, 0x41, 0x5c, 0x5b, 0xc3};
    unsigned char bytes[64];
    memcpy(bytes, head, sizeof(head));
    memcpy(bytes + sizeof(head), o->bytes, o->n);
    memcpy(bytes + sizeof(head) + o->n, tail, sizeof(tail));
    set_program(bytes, sizeof(head) + o->n + sizeof(tail));
    insp_machine_arg got = {0, 1};
    const uint64_t args[2] = {DATA, insp_machine_callback_address(machine)};
    for (int i = 0; i < 2; i++) {
        ck_ok(insp_machine_call(machine, CODE, args, 2, note_origin, &got, &result, &err));
        ck_assert_uint_eq(got.from, o->from);
    }
}
END_TEST

extern Suite *insp_machine_calls_suite(void);

Suite *insp_machine_calls_suite(void)
{
    Suite *suite = suite_create("machine_calls");
    TCase *cases = tcase_create("a small target");
    tcase_add_checked_fixture(cases, small_target_setup, small_target_teardown);
    tcase_add_test(cases, a_call_can_be_answered_by_the_caller);
    tcase_add_loop_test(cases, so_can_a_call_in_tail_position_and_through_the_plt, 0,
                        sizeof(tails) / sizeof(tails[0]));
    tcase_add_test(cases, a_jump_inside_a_function_is_no_call);
    tcase_add_test(cases, a_lazy_plt_ends_where_the_dynamic_linker_would_begin);
    tcase_add_test(cases, the_callback_is_called_and_can_end_the_call);
    tcase_add_test(cases, each_callback_can_grant_more_instructions);
    tcase_add_test(cases, a_tail_call_of_the_callback_comes_back);
    tcase_add_loop_test(cases, the_callback_learns_where_a_value_was_loaded_from, 0,
                        sizeof(origins) / sizeof(origins[0]));
    suite_add_tcase(suite, cases);
    return suite;
}
