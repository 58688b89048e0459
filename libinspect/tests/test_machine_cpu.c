// SPDX-License-Identifier: MIT
#include <check.h>
#include <cpuid.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "../src/machine/machine.h"
#include "support/machine_instructions.h"
#include "support/own_space.h"
#include "support/random_words.h"

// What instructions make of registers, flags and memory, on the processor and in the machine.

static insp_space own;
static insp_machine *machine;
static machine_state *state;
static uint64_t reported[12];
static size_t n_reported;

static void open_own(void)
{
    // The state changes from run to run, so it is seen where it lies.
    state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(state, MAP_FAILED);
    insp_segment seg = {.start = (insp_addr)(uintptr_t)state, .module = INSP_NONE};
    seg.end = seg.start + 4096;
    seg.bytes = (const unsigned char *)state;
    ck_assert_int_eq(insp_space_add(&own, seg, NULL), INSP_OK);
    ck_assert(own_space_add(&own));
    ck_assert_int_eq(insp_machine_create(&own, NULL, &machine, NULL), INSP_OK);
}

static void close_own(void)
{
    insp_machine_destroy(machine);
    own_space_deinit(&own);
}

static uint64_t report(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    const uint64_t args[6] = {a, b, c, d, e, f};
    memcpy(reported + n_reported, args, sizeof(args));
    n_reported += 6;
    return 0;
}

static uint64_t report_interpreted(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    (void)ctx;
    (void)stop;
    return report(args[0].value, args[1].value, args[2].value, args[3].value, args[4].value,
                  args[5].value);
}

static uint64_t two_floats(void)
{
    static const float some[] = {0.0f, -0.0f, 1.5f, -2.25f, 1e9f, -3e18f, 0.5f, 2.5f, -1.5f};
    float pair[2];
    uint64_t bits = 0;
    for (size_t i = 0; i < 2; i++) {
        uint64_t r = random_word();
        pair[i] = r % 3 ? some[r / 3 % 9] : (float)(int32_t)(r >> 8) / 7.0f;
    }
    memcpy(&bits, pair, 8);
    return bits;
}

static uint64_t one_double(void)
{
    static const double some[] = {0.0, -0.0, 1.5, -2.25, 1e300, -9.3e18, 4.4e9, 2.5, -0.5};
    uint64_t r = random_word(), bits = 0;
    double x = r % 3 ? some[r / 3 % 9] : (double)(int64_t)r / 1e10;
    if (r % 31 == 0)
        x = __builtin_inf();
    else if (r % 37 == 0)
        x = __builtin_nan("");
    memcpy(&bits, &x, 8);
    return bits;
}

static uint64_t vector_word(uint32_t holds)
{
    if (holds == MACHINE_BITS)
        return random_argument();
    return holds == MACHINE_DOUBLES ? one_double() : two_floats();
}

static void fill_state(uint32_t holds)
{
    *state = (machine_state){.flags = 0x202 | (random_word() & 0x8d5),
                             .rax = random_argument(),
                             .rcx = random_argument(),
                             .rdx = random_argument()};
    for (size_t i = 0; i < 2; i++) {
        state->mem[i] = vector_word(holds);
        state->xmm0[i] = vector_word(holds);
        state->xmm1[i] = vector_word(holds);
    }
}

static void compare(const machine_instruction *in)
{
    static const char *const names[] = {"rax",    "rcx",     "rdx",      "flags",
                                        "(%rsp)", "8(%rsp)", "xmm0 low", "xmm0 high",
                                        "",       "",        "",         ""};
    uint64_t want[12], result = 0;
    uint64_t args[2] = {(uint64_t)(uintptr_t)state, insp_machine_callback_address(machine)};
    insp_error err;
    fill_state(in->holds);
    n_reported = 0;
    in->run(state, report);
    memcpy(want, reported, sizeof(want));
    memset(reported, 0, sizeof(reported));
    n_reported = 0;
    insp_status st = insp_machine_call(machine, (insp_addr)(uintptr_t)in->run, args, 2,
                                       report_interpreted, NULL, &result, &err);
    ck_assert_msg(st == INSP_OK, "%s: %s", in->text, err.message);
    for (size_t i = 0; i < 12; i++) {
        // Of the flags only those of arithmetic: a tool that emulates the processor has no others.
        uint64_t open = i == 3 ? in->undefined | ~UINT64_C(0x8d5) : 0;
        ck_assert_msg((want[i] | open) == (reported[i] | open),
                      "%s with rax %" PRIx64 " rcx %" PRIx64 " rdx %" PRIx64 " flags %" PRIx64
                      ": %s is %" PRIx64 ", not %" PRIx64,
                      in->text, state->rax, state->rcx, state->rdx, state->flags, names[i],
                      want[i], reported[i]);
    }
}

static bool processor_has(uint32_t needs)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    switch (needs) {
    case MACHINE_SSE4:
        return __builtin_cpu_supports("sse4.2");
    case MACHINE_V3:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
               __builtin_cpu_supports("bmi") && __get_cpuid(0x80000001, &a, &b, &c, &d) &&
               (c >> 5 & 1);
    case MACHINE_V4:
        return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq");
    case MACHINE_ADX:
        return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 19 & 1);
    default:
        return true;
    }
}

static void compare_all(const machine_instruction *in)
{
    size_t done = 0;
    for (; in->text; in++) {
        for (int n = 0; n < 150 && processor_has(in->needs); n++, done++)
            compare(in);
    }
    // The rows that every processor of this architecture can execute.
    ck_assert_uint_gt(done, 150 * 100);
}

START_TEST(whole_numbers_and_flags_come_out_as_on_the_processor)
{
    compare_all(machine_instructions);
}
END_TEST

START_TEST(vectors_come_out_as_on_the_processor)
{
    compare_all(machine_vectors);
}
END_TEST

extern Suite *insp_machine_cpu_suite(void);

Suite *insp_machine_cpu_suite(void)
{
    Suite *suite = suite_create("machine_cpu");
    TCase *cases = tcase_create("against the processor");
    tcase_add_checked_fixture(cases, open_own, close_own);
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, whole_numbers_and_flags_come_out_as_on_the_processor);
    tcase_add_test(cases, vectors_come_out_as_on_the_processor);
    suite_add_tcase(suite, cases);
    return suite;
}
