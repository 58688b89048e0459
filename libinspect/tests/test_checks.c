// SPDX-License-Identifier: MIT
#include "../src/analysis/checks.h"

#include <string.h>

#include "support/fakeheap.h"

static fakeheap f;
static insp_error err;
static insp_findings_log found;

static void set_up(void)
{
    fake_init(&f);
    found = (insp_findings_log){.left_out = 0};
}

static void tear_down(void)
{
    insp_findings_deinit(&found);
    fake_deinit(&f);
}

static void check(void)
{
    fake_read(&f);
    ck_ok(insp_checks_run(&f.heap, &found, &err));
}

// How often a rule is broken at an address.
static size_t broken(const char *rule, insp_addr addr)
{
    size_t n = 0;
    for (size_t i = 0; i < found.rows.len; i++)
        n += !strcmp(found.rows.at[i].rule, rule) && found.rows.at[i].addr == addr;
    return n;
}

START_TEST(a_sound_heap_breaks_no_rule)
{
    check();
    for (size_t i = 0; i < found.rows.len; i++)
        ck_abort_msg("%s: %s", found.rows.at[i].rule, found.rows.at[i].text);
}
END_TEST

START_TEST(no_object_has_more_references_than_memory_has_words)
{
    insp_addr list = fake_list(&f, NULL, 0);
    fake_keep(&f, list);
    fake_count(&f, list, INT64_C(1) << 30);
    check();
    ck_assert_uint_eq(broken("refcount", list), 1);
    ck_assert_uint_eq(found.rows.len, 1);
}
END_TEST

START_TEST(nobody_owns_less_of_none_than_there_is)
{
    insp_addr items[3] = {f.none, f.none, f.none};
    fake_keep(&f, fake_tuple(&f, items, 3));
    uint64_t count = FAKE_GET(&f, f.none, PyObject, ob_refcnt);
    fake_count(&f, f.none, 1 - (int64_t)count);
    check();
    ck_assert_uint_eq(broken("static-deficit", f.none), 1);
    ck_assert_uint_eq(found.rows.len, 1);
}
END_TEST

START_TEST(a_back_link_that_skips_an_object)
{
    insp_addr lists[3];
    for (int i = 0; i < 3; i++) {
        lists[i] = fake_list(&f, NULL, 0);
        fake_track(&f, lists[i], 1);
        fake_keep(&f, lists[i]);
    }
    fake_put(&f, FAKE_AT(&f, fake_head(&f, lists[2]), PyGC_Head, _gc_prev),
             fake_head(&f, lists[0]));
    check();
    ck_assert_uint_eq(broken("gc-list", fake_head(&f, lists[2])), 1);
    ck_assert_uint_eq(found.rows.len, 1);
}
END_TEST

// Blocks as the hooks leave them: the heap itself was read without.
static insp_addr hooked(uint32_t n)
{
    insp_addr block = fake_block(&f, 96);
    unsigned char *p = fake_at(&f, block);
    memset(p, 0xFD, 96);
    memset(p, 0, 8);
    p[7] = (unsigned char)n;
    p[8] = 'o';
    return block;
}

START_TEST(guard_bytes_are_looked_at_on_both_sides)
{
    insp_addr sound = hooked(72), before = hooked(72), behind = hooked(70), large = hooked(73);
    fake_put8(&f, before + 15, 0);
    fake_put8(&f, behind + 16 + 70, 0);
    fake_read(&f);
    f.py.debug_pad = 16;
    ck_ok(insp_checks_run(&f.heap, &found, &err));
    ck_assert_uint_eq(broken("guard", sound + 16), 0);
    ck_assert_uint_eq(broken("guard", before + 16), 1);
    ck_assert_uint_eq(broken("guard", behind + 16), 1);
    ck_assert_uint_eq(broken("guard", large + 16), 1);
}
END_TEST

START_TEST(a_free_block_keeps_its_fill)
{
    insp_addr blocks[4];
    for (int i = 0; i < 4; i++) {
        blocks[i] = hooked(72);
        memset(fake_at(&f, blocks[i]), 0xDD, 96);
    }
    fake_put8(&f, blocks[1] + 79, 0); // the last of its 80 bytes that must have it
    fake_put8(&f, blocks[2] + 80, 0); // behind them
    fake_put8(&f, blocks[3] + 20, 0); // of the block that was carved last
    for (int i = 0; i < 4; i++)
        fake_free(&f, blocks[i]);
    fake_read(&f);
    f.py.debug_pad = 16;
    ck_ok(insp_checks_run(&f.heap, &found, &err));
    ck_assert_uint_eq(broken("written-after-free", blocks[0]), 0);
    ck_assert_uint_eq(broken("written-after-free", blocks[1]), 1);
    ck_assert_uint_eq(broken("written-after-free", blocks[2]), 0);
    ck_assert_uint_eq(broken("written-after-free", blocks[3]), 0);
}
END_TEST

extern Suite *insp_checks_suite(void);
Suite *insp_checks_suite(void)
{
    Suite *s = suite_create("checks");
    TCase *tc = tcase_create("checks");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_sound_heap_breaks_no_rule);
    tcase_add_test(tc, no_object_has_more_references_than_memory_has_words);
    tcase_add_test(tc, nobody_owns_less_of_none_than_there_is);
    tcase_add_test(tc, a_back_link_that_skips_an_object);
    tcase_add_test(tc, guard_bytes_are_looked_at_on_both_sides);
    tcase_add_test(tc, a_free_block_keeps_its_fill);
    suite_add_tcase(s, tc);
    return s;
}
