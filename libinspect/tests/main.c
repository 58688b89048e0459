// SPDX-License-Identifier: MIT
/**
 * @file
 * Runs every suite of the unit tests. CK_RUN_SUITE=space runs one, CK_FORK=no all in one process.
 *
 * A file test_NAME.c defines `Suite *insp_NAME_suite(void)`; the Makefile lists what it finds in
 * suites.inc as SUITE(insp_NAME_suite).
 */
#include <check.h>
#include <stdlib.h>

#define SUITE(name) Suite *name(void);
#include "suites.inc"
#undef SUITE

int main(void)
{
    SRunner *runner = srunner_create(NULL);
#define SUITE(name) srunner_add_suite(runner, name());
#include "suites.inc"
#undef SUITE
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
