// SPDX-License-Identifier: MIT
#include "../src/machine/access.h"

#include <string.h>

#include "support/asserts.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R12 = 12, R15 = 15, NONE = INSP_NO_GPR };

static insp_instruction in;

/** An instruction, and what it is to be read as. */
typedef struct row {
    const char *bytes;
    size_t n;
    const char *name;
    uint8_t base, index, scale, size;
    bool read, write;
    uint64_t disp;
    uint16_t writes;
    uint8_t to, from;
    bool loads, calls, leaves;
} row;

#define BYTES(text) text, sizeof(text) - 1
static const row rows[] = {
    // mov rax, [rdi + 8]
    {BYTES("\x48\x8b\x47\x08"), "mov", RDI, NONE, 0, 8, true, false, 8, 1 << RAX, RAX, NONE,
     true, false, false},
    // mov [rdx + rcx*8 - 0x10], rbx
    {BYTES("\x48\x89\x5c\xca\xf0"), "mov", RDX, RCX, 8, 8, false, true, (uint64_t)-16, 0, NONE,
     NONE, false, false, false},
    // cmp byte ptr [r15 + r12*2 + 0x12345678], 0
    {BYTES("\x43\x80\xbc\x67\x78\x56\x34\x12\x00"), "cmp", R15, R12, 2, 1, true, false,
     0x12345678, 0, NONE, NONE, false, false, false},
    // add dword ptr [rax], 1
    {BYTES("\x83\x00\x01"), "add", RAX, NONE, 0, 4, true, true, 0, 0, NONE, NONE, false, false,
     false},
    // mov eax, [rip + 0x10]: of the address behind it
    {BYTES("\x8b\x05\x10\x00\x00\x00"), "mov", NONE, NONE, 0, 4, true, false, 0x400016,
     1 << RAX, NONE, NONE, false, false, false},
    // call [rax + 0x30]: what it pushes comes second
    {BYTES("\xff\x50\x30"), "call", RAX, NONE, 0, 8, true, false, 0x30, 1 << RSP, NONE, NONE,
     false, true, false},
    // push rbp: below the stack pointer
    {BYTES("\x55"), "push", RSP, NONE, 0, 8, false, true, (uint64_t)-8, 1 << RSP, NONE, NONE,
     false, false, false},
    // ret
    {BYTES("\xc3"), "ret", RSP, NONE, 0, 8, true, false, 0, 1 << RSP, NONE, NONE, false, false,
     true},
};

START_TEST(what_an_instruction_does_to_memory)
{
    const row *r = &rows[_i];
    ck_assert(insp_instruction_read((const unsigned char *)r->bytes, r->n, 0x400000, &in));
    ck_assert_str_eq(in.name, r->name);
    ck_assert_uint_eq(in.length, r->n);
    ck_assert_uint_ge(in.n_mems, 1);
    const insp_access_mem *mem = &in.mem[0];
    ck_assert_uint_eq(mem->base, r->base);
    ck_assert_uint_eq(mem->index, r->index);
    ck_assert_uint_eq(mem->scale, r->scale);
    ck_assert_uint_eq(mem->size, r->size);
    ck_assert_int_eq(mem->read, r->read);
    ck_assert_int_eq(mem->write, r->write);
    ck_assert(!mem->odd);
    ck_assert_uint_eq(mem->disp, r->disp);
    ck_assert_uint_eq(in.writes, r->writes);
    ck_assert_uint_eq(in.to, r->to);
    ck_assert_uint_eq(in.from, r->from);
    ck_assert_int_eq(in.loads, r->loads);
    ck_assert_int_eq(in.calls, r->calls);
    ck_assert_int_eq(in.leaves, r->leaves);
}
END_TEST

START_TEST(a_move_between_registers_names_both)
{
    static const unsigned char mov[] = {0x49, 0x89, 0xf0}; // mov r8, rsi
    ck_assert(insp_instruction_read(mov, sizeof(mov), 0, &in));
    ck_assert_uint_eq(in.n_mems, 0);
    ck_assert_uint_eq(in.to, R8);
    ck_assert_uint_eq(in.from, RSI);
    ck_assert_uint_eq(in.writes, 1 << R8);
}
END_TEST

START_TEST(an_address_in_a_segment_is_odd)
{
    static const unsigned char mov[] = {0x64, 0x48, 0x8b, 0x04, 0x25,
                                        0x28, 0,    0,    0}; // mov rax, fs:[0x28]
    ck_assert(insp_instruction_read(mov, sizeof(mov), 0, &in));
    ck_assert_uint_eq(in.n_mems, 1);
    ck_assert(in.mem[0].odd);
}
END_TEST

START_TEST(what_is_cut_or_none_is_refused)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t n = 0; n < rows[i].n; n++)
            ck_assert(!insp_instruction_read((const unsigned char *)rows[i].bytes, n, 0, &in));
    }
    static const unsigned char bad[] = {0x06}; // push es: none of 64 bits
    ck_assert(!insp_instruction_read(bad, sizeof(bad), 0, &in));
}
END_TEST

START_TEST(registers_have_their_names)
{
    ck_assert_str_eq(insp_gpr_name(RAX), "rax");
    ck_assert_str_eq(insp_gpr_name(RDI), "rdi");
    ck_assert_str_eq(insp_gpr_name(R15), "r15");
    ck_assert_str_eq(insp_gpr_name(INSP_NO_GPR), "");
}
END_TEST

extern Suite *insp_access_suite(void);
Suite *insp_access_suite(void)
{
    Suite *s = suite_create("access");
    TCase *tc = tcase_create("access");
    tcase_add_loop_test(tc, what_an_instruction_does_to_memory, 0,
                        sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, a_move_between_registers_names_both);
    tcase_add_test(tc, an_address_in_a_segment_is_odd);
    tcase_add_test(tc, what_is_cut_or_none_is_refused);
    tcase_add_test(tc, registers_have_their_names);
    suite_add_tcase(s, tc);
    return s;
}
