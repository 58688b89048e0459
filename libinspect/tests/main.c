// SPDX-License-Identifier: MIT
/**
 * @file
 * Runs every suite of the unit tests. CK_RUN_SUITE=space runs one, CK_FORK=no all in one process,
 * SKIP_SUITES="insp_space_suite …" leaves some out.
 *
 * A file test_NAME.c defines `Suite *insp_NAME_suite(void)`; the Makefile lists what it finds in
 * suites.inc as SUITE(insp_NAME_suite).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(name) Suite *name(void);
#include "suites.inc"
#undef SUITE

static const struct {
    const char *name;
    Suite *(*make)(void);
} suites[] = {
#define SUITE(name) {#name, name},
#include "suites.inc"
#undef SUITE
    {NULL, NULL},
};

int main(void)
{
    const char *skip = getenv("SKIP_SUITES");
    SRunner *runner = srunner_create(NULL);
    for (size_t i = 0; suites[i].name; i++) {
        if (!skip || !strstr(skip, suites[i].name))
            srunner_add_suite(runner, suites[i].make());
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
