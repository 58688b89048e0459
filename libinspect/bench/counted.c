// SPDX-License-Identifier: MIT
/**
 * @file
 * counted STAGE: one stage over a small heap that is always the same, for callgrind to count the instructions of
 * counted_stage(). `counted --compiler` says what compiled it. test-targets/bench/instructions runs it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../src/analysis/cycles.h"
#include "../src/analysis/garbage.h"
#include "../src/analysis/native.h"
#include "../src/analysis/retained.h"
#include "support/asserts.h"
#include "support/fakeheap.h"

enum { GROUPS = 1200 };

static fakeheap f;
static insp_error err;
static insp_reverse reverse;
static insp_native native;
static insp_replay replay;
static insp_cycle_set cycles;
static insp_retained_tree retained;

// A map hashes with a random number, and probes more or less for it; where there is none, with the same each time.
ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    (void)buffer;
    (void)length;
    (void)flags;
    return -1;
}

/** What a stage needs is done before it: each but the first stands on those in front of it. */
static insp_status objects(void)
{
    return insp_heap_enumerate(&f.heap, &err);
}

static insp_status references(void)
{
    insp_status st = insp_heap_references(&f.heap, &err);
    f.graph = (insp_graph){f.heap.n_nodes, f.heap.off.at, f.heap.to.at};
    return st;
}

static insp_status reversed(void)
{
    return insp_graph_reverse(&f.graph, &reverse, &err);
}

static insp_status searched(void)
{
    return insp_native_search(&f.heap, NULL, &native, &err);
}

static insp_status replayed(void)
{
    return insp_replay_run(&f.heap, &f.graph, &replay, &err);
}

static insp_status components(void)
{
    return insp_cycles_find(&f.heap, &f.graph, &replay, &cycles, &err);
}

static insp_status dominators(void)
{
    return insp_retained_build(&f.heap, &f.graph, &retained, &err);
}

static const struct {
    const char *name;
    insp_status (*run)(void);
} stages[] = {
    {"objects", objects},     {"references", references}, {"reverse", reversed},
    {"native", searched},     {"garbage", replayed},      {"cycles", components},
    {"retained", dominators},
};

// What programs are made of, and rings that nobody holds.
static void fill(void)
{
    static const char *const names[] = {"id", "other", "name"};
    insp_addr class = fake_class(&f, "Node", names, 3), all[3 * GROUPS], last = f.none;
    for (uint32_t i = 0; i < GROUPS; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "node-%u", i);
        insp_addr key = fake_str(&f, text), number = fake_int(&f, (int32_t)i);
        insp_addr attributes[] = {number, last, key};
        insp_addr node = fake_instance(&f, class, attributes, 3);
        insp_addr pair[] = {node, number}, ring[] = {f.none};
        insp_addr tuple = fake_tuple(&f, pair, 2), cycle = fake_list(&f, ring, 1);
        insp_addr values[] = {tuple};
        last = fake_dict(&f, FAKE_UNICODE, &key, values, 1);
        fake_own(&f, FAKE_GET(&f, cycle, PyListObject, ob_item), cycle);
        fake_track(&f, cycle, i % 3);
        fake_track(&f, last, 2);
        all[3 * i] = node;
        all[3 * i + 1] = tuple;
        all[3 * i + 2] = last;
    }
    fake_keep(&f, fake_list(&f, all, 3 * GROUPS));
}

__attribute__((noinline)) insp_status counted_stage(insp_status (*run)(void));
__attribute__((noinline)) insp_status counted_stage(insp_status (*run)(void))
{
    return run();
}

static void deinit(void)
{
    insp_retained_deinit(&retained);
    insp_cycles_deinit(&cycles);
    insp_replay_deinit(&replay);
    insp_native_deinit(&native);
    insp_reverse_deinit(&reverse);
    fake_deinit(&f);
}

static const char *wanted;

// The fake heap's own checks want to be part of a test.
START_TEST(stages_up_to_the_wanted_one)
{
    fake_init(&f);
    fill();
    fake_open(&f);
    bool found = false;
    for (size_t i = 0; !found && i < sizeof(stages) / sizeof(stages[0]); i++) {
        found = !strcmp(wanted, stages[i].name);
        ck_ok(found ? counted_stage(stages[i].run) : stages[i].run());
    }
    ck_assert_msg(found, "there is no stage %s", wanted);
    deinit();
}
END_TEST

static int run(void)
{
    Suite *suite = suite_create("counted");
    TCase *t = tcase_create(wanted);
    tcase_add_test(t, stages_up_to_the_wanted_one);
    tcase_set_timeout(t, 0);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return EXIT_FAILURE;
    wanted = argv[1];
    if (strcmp(wanted, "--compiler") && strcmp(wanted, "--stages"))
        return run();
#ifdef __OPTIMIZE__
    if (!strcmp(wanted, "--compiler"))
        puts("gcc " __VERSION__);
#endif
    for (size_t i = 0; strcmp(wanted, "--compiler") && i < sizeof(stages) / sizeof(stages[0]);
         i++)
        puts(stages[i].name);
    return EXIT_SUCCESS;
}
