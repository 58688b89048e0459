// SPDX-License-Identifier: MIT
#include <check.h>
#include <inttypes.h>

#include "../src/machine/machine.h"
#include "support/machine_samples.h"
#include "support/own_space.h"
#include "support/random_words.h"

static insp_space own;
static insp_machine *machine;
static insp_error err;

static void open_own(void)
{
    insp_machine_options options = {.fs_base = own_fs_base()};
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

extern Suite *insp_machine_suite(void);

Suite *insp_machine_suite(void)
{
    Suite *suite = suite_create("machine");
    TCase *own_memory = tcase_create("own memory");
    tcase_add_checked_fixture(own_memory, open_own, close_own);
    tcase_set_timeout(own_memory, 120);
    tcase_add_loop_test(own_memory, interpreted_functions_return_what_called_ones_do, 0, 4);
    suite_add_tcase(suite, own_memory);
    return suite;
}
