// SPDX-License-Identifier: MIT
#include <check.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <string.h>

#include "../src/machine/machine.h"
#include "support/machine_samples.h"
#include "support/own_space.h"
#include "support/random_words.h"

static insp_space own;
static insp_machine *machine;
static insp_error err;

static void open_own(void)
{
    insp_machine_options options = {.thread_pointer = own_fs_base()};
    ck_assert(own_space_add(&own));
    ck_assert_int_eq(insp_machine_create(&own, &options, &machine, &err), INSP_OK);
}

static void close_own(void)
{
    insp_machine_destroy(machine);
    own_space_deinit(&own);
}

// ---- the same result, interpreted and called ----------------------------------------------

static void compare(const machine_sample *sample)
{
    uint64_t args[4], got = 0;
    for (size_t i = 0; i < 4; i++)
        args[i] = random_argument();
    uint64_t want = sample->call(args[0], args[1], args[2], args[3]);
    insp_status st = insp_machine_call(machine, (insp_addr)(uintptr_t)sample->call, args, 4,
                                       NULL, NULL, &got, &err);
    ck_assert_msg(st == INSP_OK, "%s: %s", sample->name, err.message);
    ck_assert_msg(got == want,
                  "%s(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ", %" PRIx64 ") is %" PRIx64
                  ", not %" PRIx64,
                  sample->name, args[0], args[1], args[2], args[3], want, got);
}

static const machine_sample *const levels[] = {machine_samples_o0, machine_samples_o1,
                                               machine_samples_o2, machine_samples_o3};

START_TEST(interpreted_functions_return_what_called_ones_do)
{
    for (const machine_sample *sample = levels[_i]; sample->name; sample++) {
        for (int n = 0; n < 200; n++)
            compare(sample);
    }
}
END_TEST

// ---- the C library's string functions ------------------------------------------------------
//
// They are what a function is likely to call, and of each there is one for every generation of
// processors; here is met the one that the C library takes for this processor.

static char words[2][2 * 4096];

static insp_addr libc_function(const char *name)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    ck_assert_ptr_nonnull(libc);
    void *found = dlsym(libc, name);
    ck_assert_ptr_nonnull(found);
    return (insp_addr)(uintptr_t)found;
}

static uint64_t interpreted(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t args[3] = {a, b, c};
    uint64_t got = 0;
    insp_status st =
        insp_machine_call(machine, libc_function(name), args, 3, NULL, NULL, &got, &err);
    ck_assert_msg(st == INSP_OK, "%s: %s", name, err.message);
    return got;
}

static int sign(int64_t x)
{
    return (x > 0) - (x < 0);
}

// Texts that begin and end anywhere, at the end of a page too, and differ somewhere or nowhere.
static void fill_words(size_t length, size_t differ)
{
    memset(words, 'x', sizeof(words));
    for (size_t i = 0; i < sizeof(words[0]); i++)
        words[0][i] = words[1][i] = (char)('a' + i % 23);
    words[0][4096 + length] = words[1][4096 + length] = '\0';
    words[1][4096 + differ]++;
}

static void compare_strings(const char *x, const char *y, size_t n)
{
    uint64_t a = (uint64_t)(uintptr_t)x, b = (uint64_t)(uintptr_t)y;
    ck_assert_uint_eq(interpreted("strlen", a, 0, 0), strlen(x));
    ck_assert_uint_eq(interpreted("strnlen", a, n, 0), strnlen(x, n));
    ck_assert_uint_eq(interpreted("memchr", a, 'k', n), (uintptr_t)memchr(x, 'k', n));
    ck_assert_uint_eq(interpreted("strchr", a, 'k', 0), (uintptr_t)strchr(x, 'k'));
    ck_assert_uint_eq(interpreted("strrchr", a, 'k', 0), (uintptr_t)strrchr(x, 'k'));
    ck_assert_int_eq(sign((int32_t)interpreted("strcmp", a, b, 0)), sign(strcmp(x, y)));
    ck_assert_int_eq(sign((int32_t)interpreted("strncmp", a, b, n)), sign(strncmp(x, y, n)));
    ck_assert_int_eq(sign((int32_t)interpreted("memcmp", a, b, n)), sign(memcmp(x, y, n)));
}

static const size_t lengths[] = {0,  1,  3,   8,   15,  16,  31,  33,
                                 63, 64, 100, 127, 128, 200, 300, 700};

START_TEST(string_functions_of_the_c_library_can_be_interpreted)
{
    size_t length = lengths[_i];
    // Before the memory is taken: it is a copy.
    fill_words(length, length * 2 / 3);
    open_own();
    static const size_t before[] = {0, 1, 7, 16, 31, 40, 64, 130};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        const char *x = words[0] + 4096 - before[i], *y = words[1] + 4096 - before[i];
        compare_strings(x, y, length + before[i]);
        compare_strings(x, words[0] + 4096 - before[i], length + before[i]);
        compare_strings(words[0] + 4096 - before[7 - i], y, length + before[i] / 2);
    }
    close_own();
}
END_TEST

typedef void *(*copy_function)(void *, const void *, size_t);
typedef void *(*fill_function)(void *, int, size_t);
static copy_function volatile copy;
static fill_function volatile fill;

static __attribute__((noinline, no_sanitize("address", "undefined"))) uint64_t copies(
    uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    unsigned char room[1500];
    uint64_t hash = 0;
    fill(room, (int)(a & 0xff), sizeof(room));
    copy(room + b % 70, words[0] + c % 500, d % 1400);
    fill(room + c % 90, (int)(b & 0x7f), a % 300);
    copy(room + d % 50, room + d % 50 + 700, b % 600);
    for (size_t i = 0; i < sizeof(room); i++)
        hash = hash * 31 + room[i];
    return hash;
}

START_TEST(memory_can_be_copied_and_filled_by_the_c_library)
{
    static const machine_sample sample = {"copies", copies};
    insp_addr copy_addr = libc_function(_i ? "memmove" : "memcpy"),
              fill_addr = libc_function("memset");
    memcpy((void *)&copy, &copy_addr, sizeof(copy));
    memcpy((void *)&fill, &fill_addr, sizeof(fill));
    fill_words(0, 1);
    open_own();
    for (int n = 0; n < 300; n++)
        compare(&sample);
    close_own();
}
END_TEST

extern Suite *insp_machine_suite(void);

Suite *insp_machine_suite(void)
{
    Suite *suite = suite_create("machine");
    TCase *own_memory = tcase_create("own memory");
    tcase_add_checked_fixture(own_memory, open_own, close_own);
    tcase_set_timeout(own_memory, 120);
    tcase_add_loop_test(own_memory, interpreted_functions_return_what_called_ones_do, 0, 4);
    suite_add_tcase(suite, own_memory);
    TCase *library = tcase_create("C library");
    tcase_set_timeout(library, 120);
    tcase_add_loop_test(library, string_functions_of_the_c_library_can_be_interpreted, 0,
                        sizeof(lengths) / sizeof(lengths[0]));
    tcase_add_loop_test(library, memory_can_be_copied_and_filled_by_the_c_library, 0, 2);
    suite_add_tcase(suite, library);
    return suite;
}
