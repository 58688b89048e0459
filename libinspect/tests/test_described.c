// SPDX-License-Identifier: MIT
#include <string.h>

#include "../src/base/cleanup.h"
#include "../src/object/described.h"
#include "support/asserts.h"

static insp_error err;

static insp_status add(insp_described *d, const char *text)
{
    return insp_described_add(d, "f.types", text, strlen(text), &err);
}

START_TEST(a_text_says_which_slots_a_type_has)
{
    INSP_CLEANUP(insp_described_deinit) insp_described d = {.types = {0}};
    ck_ok(add(&d, "# what mine are\n"
                  "type mine.Row   # a row\n"
                  "  +0x18 .columns\r\n"
                  "\t+32 .parent hidden\n"
                  "\n"
                  "type mine.Other\n"
                  "+0x28 .owner borrowed\n"
                  "+0x30 .ref weak"));
    const insp_described_type *row = insp_described_find(&d, "mine.Row");
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->n, 2);
    const insp_described_slot *s = &d.slots.at[row->first];
    ck_assert(!strcmp(s[0].name, ".columns") && s[0].offset == 0x18 && s[0].visited &&
              s[0].kind == INSP_REF_OWNED);
    ck_assert(!strcmp(s[1].name, ".parent") && s[1].offset == 32 && !s[1].visited &&
              s[1].kind == INSP_REF_OWNED);
    const insp_described_type *other = insp_described_find(&d, "mine.Other");
    ck_assert_uint_eq(other->n, 2);
    ck_assert_int_eq(d.slots.at[other->first].kind, INSP_REF_BORROWED);
    ck_assert_int_eq(d.slots.at[other->first + 1].kind, INSP_REF_WEAK);
    ck_assert_ptr_null(insp_described_find(&d, "mine"));
}
END_TEST

START_TEST(what_is_said_later_goes_first)
{
    INSP_CLEANUP(insp_described_deinit) insp_described d = {.types = {0}};
    ck_ok(add(&d, "type a\n+16 .old\ntype b\n+16 .b\n"));
    ck_ok(add(&d, "type a\n+24 .new\n+32 .more\n"));
    const insp_described_type *a = insp_described_find(&d, "a");
    ck_assert_uint_eq(a->n, 2);
    ck_assert_str_eq(d.slots.at[a->first].name, ".new");
    ck_assert_str_eq(d.slots.at[insp_described_find(&d, "b")->first].name, ".b");
}
END_TEST

static const struct {
    const char *text, *message;
} wrongs[] = {
    {"types a\n", "f.types line 1: a line begins with 'type' or an offset"},
    {"type\n", "f.types line 1: 'type' wants one name, as in 'type numpy.ndarray'"},
    {"type a b\n", "f.types line 1: 'type' wants one name"},
    {"type a\n\n+16\n", "f.types line 3: a slot wants a name"},
    {"+16 .a\n", "f.types line 1: a slot before any type"},
    {"type a\n+17 .a\n", "f.types line 2: an offset is a multiple of 8"},
    {"type a\n+-8 .a\n", "f.types line 2: an offset is a multiple of 8"},
    {"type a\n+99999999999999999999 .a\n", "f.types line 2: an offset is a multiple of 8"},
    {"type a\n+16x .a\n", "f.types line 2: an offset is a multiple of 8"},
    {"type a\n+16 .a owned\n", "f.types line 2: a slot is visited, hidden, borrowed or weak"},
    {"type a\n+16 .a weak really\n", "f.types line 2: a slot is visited"},
    {"type a\n+16 .a weak and more\n", "f.types line 2: too many words"},
    {"type \x1b[2J\n", "f.types line 1: 'type' wants one name"},
};

START_TEST(what_is_wrong_is_named_by_its_line)
{
    INSP_CLEANUP(insp_described_deinit) insp_described d = {.types = {0}};
    ck_ok(add(&d, "type before\n+16 .kept\n"));
    ck_fails(add(&d, wrongs[_i].text), INSP_ERR_ARGUMENT, 0, wrongs[_i].message);
    ck_assert_uint_eq(d.types.len, 1);
    ck_assert_uint_eq(d.slots.len, 1);
    ck_assert_uint_eq(d.types.at[0].n, 1);
}
END_TEST

START_TEST(a_text_has_an_end)
{
    INSP_CLEANUP(insp_described_deinit) insp_described d = {.types = {0}};
    char text[4000] = "type a\n";
    memset(text + 7, 'x', sizeof(text) - 8);
    ck_fails(add(&d, text), INSP_ERR_ARGUMENT, 0, "line 2: the line is too long");
    ck_fails(insp_described_add(&d, "f.types", "type a\0b", 8, &err), INSP_ERR_ARGUMENT, 0,
             "line 1: the line is too long, or no text");
    ck_ok(insp_described_add(&d, "f.types", "", 0, &err));
    static char many[7 * 5000 + 1];
    for (size_t i = 0; i < 5000; i++)
        memcpy(many + 7 * i, "type a\n", 7);
    ck_fails(add(&d, many), INSP_ERR_ARGUMENT, 0, "line 4097: too many types");
    ck_assert_uint_eq(d.types.len, 0);
}
END_TEST

extern Suite *insp_described_suite(void);

Suite *insp_described_suite(void)
{
    Suite *s = suite_create("described");
    TCase *t = tcase_create("described");
    tcase_add_test(t, a_text_says_which_slots_a_type_has);
    tcase_add_test(t, what_is_said_later_goes_first);
    tcase_add_loop_test(t, what_is_wrong_is_named_by_its_line, 0,
                        sizeof(wrongs) / sizeof(wrongs[0]));
    tcase_add_test(t, a_text_has_an_end);
    suite_add_tcase(s, t);
    return s;
}
