// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "../src/output/jsonl.h"
#include "../src/output/members.h"
#include "support/fakeheap.h"

enum { SINK = 4 << 20 };

/** Keeps what is written; stops after `most` calls. */
typedef struct sink {
    char *text;
    size_t len;
    int calls, most;
} sink;

static fakeheap f;
static insp_error err;
static insp_writer w;
static sink out;

static int keep(void *ctx, const void *bytes, size_t n)
{
    sink *to = ctx;
    ck_assert_uint_lt(to->len + n, SINK);
    memcpy(to->text + to->len, bytes, n);
    to->len += n;
    to->text[to->len] = '\0';
    return ++to->calls >= to->most;
}

static void set_up(void)
{
    out = (sink){.text = calloc(1, SINK), .most = 1000};
    ck_ok(insp_writer_init(&w, keep, &out, &err));
}

static void tear_down(void)
{
    insp_writer_deinit(&w);
    free(out.text);
}

static const char *written(void)
{
    out.len = 0;
    ck_assert(insp_writer_finish(&w));
    return out.text;
}

START_TEST(strings_escape_what_json_does_not_allow)
{
    insp_json_string(&w, "a\"b\\c\n\x01\x1f\x7f \xc3\xa9");
    ck_assert_str_eq(written(), "\"a\\\"b\\\\c\\u000a\\u0001\\u001f\x7f \xc3\xa9\"");
    insp_json_string(&w, "");
    ck_assert_str_eq(written(), "\"\"");
}
END_TEST

START_TEST(numbers_have_all_their_digits)
{
    insp_json_u64(&w, UINT64_MAX);
    ck_assert_str_eq(written(), "18446744073709551615");
    insp_json_i64(&w, INT64_MIN);
    ck_assert_str_eq(written(), "-9223372036854775808");
    insp_json_u64(&w, 0);
    ck_assert_str_eq(written(), "0");
    insp_json_addr(&w, 0);
    ck_assert_str_eq(written(), "\"0x0\"");
    insp_json_addr(&w, UINT64_MAX);
    ck_assert_str_eq(written(), "\"0xffffffffffffffff\"");
}
END_TEST

// Every length a number can have, and what stands at either end of it.
START_TEST(numbers_of_every_length_are_those_of_printf)
{
    char text[80];
    for (uint64_t n = 1, i = 0; i < 20; i++, n *= 10) {
        const uint64_t near[] = {n - 1, n, n + 1, n * 7, n * 9 + 5};
        for (size_t k = 0; k < sizeof(near) / sizeof(near[0]); k++) {
            (void)snprintf(text, sizeof(text), "%" PRIu64 "|\"0x%" PRIx64 "\"|%" PRId64 ".",
                           near[k], near[k], (int64_t)(0 - near[k]));
            insp_json_u64(&w, near[k]);
            insp_json_raw(&w, "|");
            insp_json_addr(&w, near[k]);
            insp_json_raw(&w, "|");
            insp_json_i64(&w, (int64_t)(0 - near[k]));
            insp_json_raw(&w, ".");
            ck_assert_str_eq(written(), text);
        }
    }
}
END_TEST

// However full the buffer is, a line has its room.
START_TEST(lines_come_out_whole_wherever_the_buffer_ends)
{
    char text[400];
    memset(text, '"', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    enum { LINES = INSP_WRITER_ROOM / 700 + 3, LENGTH = 2 + 2 * 399 };
    for (int i = 0; i < LINES; i++)
        insp_line_end(&w, insp_put_string(insp_line_begin(&w), text));
    ck_assert(insp_writer_finish(&w));
    ck_assert_uint_eq(out.len, (size_t)LINES * LENGTH);
    ck_assert_int_eq(out.calls, 2);
    for (size_t i = 0; i < out.len; i++)
        ck_assert_int_eq(out.text[i], i % LENGTH % (LENGTH - 1) && i % 2 ? '\\' : '"');
}
END_TEST

// A heap in which one of a million books does not balance is not whole.
START_TEST(shares_are_cut_and_not_rounded)
{
    static const struct {
        uint64_t part, whole;
        const char *text;
    } shares[] = {
        {0, 0, "1"},
        {3, 3, "1"},
        {0, 3, "0.000000"},
        {2, 3, "0.666666"},
        {41, 80, "0.512500"},
        {82, 160, "0.512500"},
        {123, 240, "0.512500"},
        {9999999, 10000000, "0.999999"},
        {UINT64_MAX - 1, UINT64_MAX, "0.999999"},
        {UINT64_MAX / 2 + 1, UINT64_MAX, "0.500000"},
        {1, UINT64_MAX, "0.000000"},
    };
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        insp_json_share(&w, shares[i].part, shares[i].whole);
        ck_assert_str_eq(written(), shares[i].text);
    }
}
END_TEST

START_TEST(text_larger_than_the_buffer_comes_out_whole)
{
    size_t n = 2u * INSP_WRITER_ROOM + 5;
    char *text = malloc(n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + i % 26);
    text[n] = '\0';
    insp_json_raw(&w, "first ");
    insp_json_raw(&w, text);
    ck_assert(insp_writer_finish(&w));
    ck_assert_uint_eq(out.len, n + 6);
    ck_assert_int_eq(memcmp(out.text, "first ", 6), 0);
    ck_assert_int_eq(memcmp(out.text + 6, text, n), 0);
    free(text);
}
END_TEST

START_TEST(a_sink_that_stops_is_not_called_again)
{
    out.most = 1;
    insp_json_raw(&w, "one");
    ck_assert(!insp_writer_finish(&w));
    insp_json_raw(&w, "two");
    ck_assert(!insp_writer_finish(&w));
    ck_assert_int_eq(out.calls, 1);
    ck_assert_str_eq(out.text, "one");
}
END_TEST

static insp_status export_heap(void)
{
    insp_native none = {.modules = 0};
    return insp_jsonl_write(&f.heap, &none, "core", &w, &err);
}

START_TEST(an_export_that_is_stopped_says_so)
{
    fake_init(&f);
    fake_read(&f);
    out.most = 1;
    ck_fails(export_heap(), INSP_ERR_CANCELLED, 0, "stopped");
    fake_deinit(&f);
}
END_TEST

static size_t count(const char *text)
{
    size_t n = 0;
    for (const char *at = out.text; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

// Each line is one object that opens and closes, and starts with its kind.
static void check_lines(void)
{
    for (char *at = out.text; *at;) {
        char *end = strchr(at, '\n');
        ck_assert_ptr_nonnull(end);
        ck_assert_int_eq(strncmp(at, "{\"kind\":\"", 9), 0);
        ck_assert_int_eq(end[-1], '}');
        at = end + 1;
    }
}

START_TEST(words_of_c_memory_stand_by_their_place)
{
    fake_init(&f);
    insp_addr leaked = fake_str(&f, "x");
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 4);
    fake_read(&f);
    insp_native_word word = {.object = fake_number(&f, leaked)},
                     words[4] = {word, word, word, word};
    words[0].place = words[2].place = INSP_NATIVE_STACK;
    words[1].place = words[3].place = INSP_NATIVE_REGISTER;
    for (uint32_t i = 0; i < 4; i++)
        words[i].addr = i + 1;
    insp_native native = {.words = {words, 4, 4}};
    ck_ok(insp_jsonl_write(&f.heap, &native, "core", &w, &err));
    check_lines();
    const char *at[4] = {strstr(out.text, "\"register 2\""), strstr(out.text, "\"register 4\""),
                         strstr(out.text, "\"*0x1\""), strstr(out.text, "\"*0x3\"")};
    for (int i = 0; i < 4; i++)
        ck_assert(at[i] && (!i || at[i - 1] < at[i]));
    fake_deinit(&f);
}
END_TEST

START_TEST(an_export_has_a_line_for_everything)
{
    fake_init(&f);
    insp_addr leaked = fake_str(&f, "say \"hi\"\n"), list = fake_list(&f, &leaked, 1);
    fake_keep(&f, list);
    fake_track(&f, list, 0);
    fake_count(&f, leaked, 2);
    fake_read(&f);
    ck_ok(export_heap());
    check_lines();
    ck_assert_int_eq(strncmp(out.text,
                             "{\"kind\":\"header\",\"schema\":1,\"python\":\"3.11.2\","
                             "\"free_threaded\":false,\"debug\":false,\"source\":\"core\","
                             "\"objects\":",
                             60),
                     0);
    ck_assert_uint_eq(count("{\"kind\":\"header\""), 1);
    ck_assert_uint_eq(count("{\"kind\":\"type\""), f.heap.types.at.len);
    ck_assert_uint_eq(count("{\"kind\":\"object\""), f.heap.objects);
    ck_assert_uint_eq(count("{\"kind\":\"root\""), f.heap.roots.len);
    ck_assert_uint_eq(count("{\"kind\":\"edge\""), f.heap.to.len);
    char line[200];
    (void)snprintf(line, sizeof(line), "\"addr\":\"0x%" PRIx64 "\",\"type\":%u,\"refcnt\":3,",
                   leaked, f.heap.type.at[fake_number(&f, leaked)]);
    ck_assert_uint_eq(count(line), 1);
    ck_assert_uint_eq(count("\"immortal\":false,\"remainder\":2,\"unexplained\":2,"), 1);
    ck_assert_uint_eq(count("\"ref\":\"owned\",\"visited\":true,\"name\":\"['keeper']\"}"), 1);
    ck_assert_uint_eq(count("\"gc\":\"gen0\"}"), 1);
    fake_deinit(&f);
}
END_TEST

// A list that holds itself, and one that holds the first: what leads from one set to another is in none.
START_TEST(only_references_inside_a_set_are_written)
{
    fake_init(&f);
    insp_addr one = fake_list(&f, &f.none, 1), two = fake_list(&f, &one, 1);
    fake_own(&f, FAKE_GET(&f, one, PyListObject, ob_item), one);
    fake_keep(&f, two);
    fake_read(&f);
    const uint32_t numbers[] = {fake_number(&f, two), fake_number(&f, one)};
    const size_t each[] = {1, 1}, both[] = {2};
    char lines[400], loop[150];
    (void)snprintf(loop, sizeof(loop),
                   "{\"src\":\"0x%" PRIx64 "\",\"dst\":\"0x%" PRIx64 "\",\"name\":\"[0]\"}",
                   one, one);
    ck_ok(insp_members_write(&f.heap, &(insp_member_sets){numbers, each, 2}, &w, &err));
    (void)snprintf(lines, sizeof(lines), "[]\n[%s]\n", loop);
    ck_assert_str_eq(out.text, lines);
    out.len = 0;
    ck_ok(insp_members_write(&f.heap, &(insp_member_sets){numbers, both, 1}, &w, &err));
    (void)snprintf(lines, sizeof(lines),
                   "[{\"src\":\"0x%" PRIx64 "\",\"dst\":\"0x%" PRIx64
                   "\",\"name\":\"[0]\"},%s]\n",
                   two, one, loop);
    ck_assert_str_eq(out.text, lines);
    const uint32_t wrong = f.heap.n_nodes;
    ck_fails(insp_members_write(&f.heap, &(insp_member_sets){&wrong, each, 1}, &w, &err),
             INSP_ERR_ARGUMENT, 0, "no object number");
    fake_deinit(&f);
}
END_TEST

extern Suite *insp_output_suite(void);

Suite *insp_output_suite(void)
{
    Suite *s = suite_create("output");
    TCase *t = tcase_create("output");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, strings_escape_what_json_does_not_allow);
    tcase_add_test(t, numbers_have_all_their_digits);
    tcase_add_test(t, numbers_of_every_length_are_those_of_printf);
    tcase_add_test(t, lines_come_out_whole_wherever_the_buffer_ends);
    tcase_add_test(t, shares_are_cut_and_not_rounded);
    tcase_add_test(t, text_larger_than_the_buffer_comes_out_whole);
    tcase_add_test(t, a_sink_that_stops_is_not_called_again);
    tcase_add_test(t, an_export_that_is_stopped_says_so);
    tcase_add_test(t, words_of_c_memory_stand_by_their_place);
    tcase_add_test(t, an_export_has_a_line_for_everything);
    tcase_add_test(t, only_references_inside_a_set_are_written);
    suite_add_tcase(s, t);
    return s;
}
