// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <time.h>

#include "../src/memory/space.h"
#include "support/asserts.h"

static insp_space space;
static insp_error err;
static unsigned char a[256], b[256];

static void fill(void)
{
    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = (unsigned char)i;
        b[i] = (unsigned char)~i;
    }
}

static void empty(void)
{
    insp_space_deinit(&space);
    space = (insp_space){0};
}

static insp_segment seg(insp_addr start, insp_addr end, const unsigned char *bytes,
                        uint32_t flags)
{
    return (insp_segment){
        .start = start, .end = end, .bytes = bytes, .flags = flags, .module = INSP_NONE};
}

static void add(insp_addr start, insp_addr end, const unsigned char *bytes, uint32_t flags)
{
    ck_ok(insp_space_add(&space, seg(start, end, bytes, flags), &err));
}

START_TEST(an_empty_space_holds_nothing)
{
    ck_assert_ptr_null(insp_space_find(&space, 0));
    ck_assert_ptr_null(insp_space_next(&space, 0));
    ck_assert_ptr_null(insp_space_at(&space, 0x1000, 1));
}
END_TEST

START_TEST(a_range_is_half_open)
{
    add(0x10, 0x20, a, 0);
    ck_assert_ptr_null(insp_space_find(&space, 0x0f));
    ck_assert_ptr_nonnull(insp_space_find(&space, 0x10));
    ck_assert_ptr_nonnull(insp_space_find(&space, 0x1f));
    ck_assert_ptr_null(insp_space_find(&space, 0x20));
    ck_assert_ptr_eq(insp_space_at(&space, 0x1f, 1), a + 15);
    ck_assert_ptr_null(insp_space_at(&space, 0x1f, 2));
}
END_TEST

START_TEST(what_was_added_first_wins)
{
    add(0x20, 0x30, a, 0);
    add(0x40, 0x50, a, 0);
    add(0x10, 0x60, b, INSP_SEG_FILE);
    ck_assert_uint_eq(space.segs.len, 5);
    ck_assert_ptr_eq(insp_space_at(&space, 0x10, 1), b);
    ck_assert_ptr_eq(insp_space_at(&space, 0x20, 1), a);
    ck_assert_ptr_eq(insp_space_at(&space, 0x30, 1), b + 0x20);
    ck_assert_ptr_eq(insp_space_at(&space, 0x4f, 1), a + 15);
    ck_assert_ptr_eq(insp_space_at(&space, 0x5f, 1), b + 0x4f);
}
END_TEST

START_TEST(bytes_that_several_ranges_show_are_counted_once)
{
    ck_assert_uint_eq(insp_space_size(&space), 0);
    add(0x1000, 0x1040, a, 0);
    ck_assert_uint_eq(insp_space_size(&space), 0x40);
    add(0x2000, 0x2040, a, 0);
    add(0x3000, 0x3010, a + 8, 0);
    add(0x8000, 0x8040, b, 0);
    add(0x9000, 0x9020, b + 0x30, 0);
    ck_assert_uint_eq(insp_space_size(&space), 0x40 + 0x50);
}
END_TEST

// Beside [0x10, 0x20) and [0x30, 0x40): a range, and how many there are then.
static const struct {
    insp_addr start, end;
    size_t len;
} added[] = {
    {0x10, 0x20, 2}, {0x12, 0x18, 2}, {0x00, 0x10, 3}, {0x00, 0x18, 3}, {0x18, 0x28, 3},
    {0x20, 0x30, 3}, {0x18, 0x38, 3}, {0x28, 0x38, 3}, {0x38, 0x48, 3}, {0x40, 0x48, 3},
    {0x00, 0x48, 5}, {0x10, 0x48, 4}, {0x15, 0x15, 2}, {0x25, 0x25, 2}, {0x00, 0x40, 4},
};

START_TEST(ranges_never_overlap)
{
    add(0x10, 0x20, a, 0);
    add(0x30, 0x40, a, 0);
    add(added[_i].start, added[_i].end, b, 0);
    ck_assert_uint_eq(space.segs.len, added[_i].len);
    for (size_t i = 1; i < space.segs.len; i++)
        ck_assert_uint_le(space.segs.at[i - 1].end, space.segs.at[i].start);
    for (insp_addr at = 0; at < 0x50; at++) {
        const unsigned char *want = (at >= 0x10 && at < 0x20)   ? a + (at - 0x10)
                                    : (at >= 0x30 && at < 0x40) ? a + (at - 0x30)
                                    : (at >= added[_i].start && at < added[_i].end)
                                        ? b + (at - added[_i].start)
                                        : NULL;
        ck_assert_ptr_eq(insp_space_at(&space, at, 1), want);
    }
}
END_TEST

START_TEST(writable_ranges_that_touch_here_and_there_become_one)
{
    add(0x10, 0x20, a, INSP_SEG_WRITE);
    add(0x20, 0x30, a + 0x10, INSP_SEG_WRITE);
    ck_assert_uint_eq(space.segs.len, 1);
    ck_assert_ptr_eq(insp_space_at(&space, 0x1c, 8), a + 12);
}
END_TEST

START_TEST(other_ranges_stay_apart)
{
    add(0x10, 0x20, a, INSP_SEG_WRITE);
    add(0x20, 0x30, b, INSP_SEG_WRITE);
    add(0x30, 0x40, b + 0x10, INSP_SEG_WRITE | INSP_SEG_STACK);
    add(0x40, 0x50, b + 0x20, 0);
    add(0x50, 0x60, b + 0x30, 0);
    ck_assert_uint_eq(space.segs.len, 5);
}
END_TEST

START_TEST(a_range_that_ends_before_it_starts_is_refused)
{
    ck_fails(insp_space_add(&space, seg(0x20, 0x10, a, 0), &err), INSP_ERR_ARGUMENT, 0x20,
             "ends before it starts");
    ck_fails(insp_space_lose(&space, (insp_range){0x20, 0x10}, &err), INSP_ERR_ARGUMENT, 0x20,
             "ends before it starts");
}
END_TEST

START_TEST(lost_bytes_are_not_replaced_by_data_of_a_file)
{
    ck_ok(insp_space_lose(&space, (insp_range){0x20, 0x30}, &err));
    ck_ok(insp_space_lose(&space, (insp_range){0x40, 0x48}, &err));
    add(0x10, 0x50, a, INSP_SEG_WRITE | INSP_SEG_FILE);
    ck_assert_uint_eq(space.segs.len, 3);
    ck_assert_ptr_null(insp_space_find(&space, 0x20));
    ck_assert_ptr_null(insp_space_find(&space, 0x47));
    ck_assert_ptr_eq(insp_space_at(&space, 0x48, 8), a + 0x38);
}
END_TEST

START_TEST(lost_bytes_are_replaced_by_code_and_by_another_copy)
{
    ck_ok(insp_space_lose(&space, (insp_range){0x20, 0x30}, &err));
    add(0x20, 0x28, a, INSP_SEG_EXEC | INSP_SEG_FILE);
    add(0x28, 0x30, b, INSP_SEG_WRITE);
    ck_assert_ptr_eq(insp_space_at(&space, 0x20, 8), a);
    ck_assert_ptr_eq(insp_space_at(&space, 0x28, 8), b);
}
END_TEST

START_TEST(next_walks_in_order)
{
    add(0x30, 0x40, a, 0);
    add(0x10, 0x20, b, 0);
    const insp_segment *s = insp_space_next(&space, 0);
    ck_assert_uint_eq(s->start, 0x10);
    ck_assert_uint_eq(insp_space_next(&space, 0x1f)->start, 0x10);
    s = insp_space_next(&space, s->end);
    ck_assert_uint_eq(s->start, 0x30);
    ck_assert_ptr_null(insp_space_next(&space, s->end));
}
END_TEST

START_TEST(read_crosses_from_range_to_range)
{
    unsigned char got[0x20];
    add(0x10, 0x20, a, 0);
    add(0x20, 0x30, b, 0);
    ck_ok(insp_space_read(&space, 0x10, got, sizeof(got), &err));
    ck_assert_mem_eq(got, a, 0x10);
    ck_assert_mem_eq(got + 0x10, b, 0x10);
}
END_TEST

START_TEST(read_past_the_end_names_the_first_missing_byte)
{
    unsigned char got[4];
    add(0x10, 0x30, a, 0);
    ck_fails(insp_space_read(&space, 0x2e, got, sizeof(got), &err), INSP_ERR_FAULT, 0x30,
             "no memory at 0x30");
}
END_TEST

START_TEST(the_top_of_the_address_space_does_not_wrap)
{
    unsigned char got[16];
    add(UINT64_MAX - 16, UINT64_MAX, a, 0);
    add(0, 16, b, 0);
    ck_assert_ptr_eq(insp_space_at(&space, UINT64_MAX - 8, 8), a + 8);
    ck_assert_ptr_null(insp_space_at(&space, UINT64_MAX - 8, 9));
    ck_assert_ptr_null(insp_space_at(&space, UINT64_MAX - 8, SIZE_MAX));
    ck_fails(insp_space_read(&space, UINT64_MAX - 8, got, 16, &err), INSP_ERR_FAULT, UINT64_MAX,
             "no memory");
}
END_TEST

START_TEST(a_word_is_read_across_ranges_or_not_at_all)
{
    bool ok = true;
    add(0x10, 0x14, a, 0);
    add(0x14, 0x18, b, 0);
    ck_assert_uint_eq(insp_space_u64(&space, 0x10, &ok), 0xfcfdfeff03020100u);
    ck_assert_uint_eq(insp_space_u32(&space, 0x12, &ok), 0xfeff0302u);
    ck_assert(ok);
    ck_assert_uint_eq(insp_space_u64(&space, 0x11, &ok), 0);
    ck_assert(!ok);
    ck_assert_uint_eq(insp_space_u32(&space, 0x10, &ok), 0x03020100u);
    ck_assert_msg(!ok, "one failure is not forgotten by the next success");
}
END_TEST

START_TEST(text_ends_at_its_nul_even_at_the_last_byte)
{
    char got[16];
    add(0x1000, 0x1004, (const unsigned char *)"abc", 0);
    ck_assert_int_eq(insp_space_text(&space, 0x1000, got, sizeof(got)), 3);
    ck_assert_str_eq(got, "abc");
    ck_assert_int_eq(insp_space_text(&space, 0x1003, got, sizeof(got)), 0);
    ck_assert_str_eq(got, "");
}
END_TEST

START_TEST(text_without_an_end_is_not_read)
{
    char got[16] = "before";
    add(0x1000, 0x1003, (const unsigned char *)"abc", 0);
    ck_assert_int_eq(insp_space_text(&space, 0x1000, got, sizeof(got)), -1);
    ck_assert_str_eq(got, "");
    ck_assert_int_eq(insp_space_text(&space, 0x2000, got, sizeof(got)), -1);
}
END_TEST

START_TEST(text_is_cut_where_the_buffer_ends)
{
    char got[3], one[1];
    add(0x1000, 0x1003, (const unsigned char *)"abc", 0);
    ck_assert_int_eq(insp_space_text(&space, 0x1000, got, sizeof(got)), 2);
    ck_assert_str_eq(got, "ab");
    ck_assert_int_eq(insp_space_text(&space, 0x1000, one, sizeof(one)), 0);
    ck_assert_str_eq(one, "");
}
END_TEST

START_TEST(long_text_crosses_ranges)
{
    static unsigned char long_text[1000];
    char got[2000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    add(0x1001, 0x1101, long_text, 0);
    add(0x1101, 0x13e9, long_text + 0x100, 0);
    ck_assert_int_eq(insp_space_text(&space, 0x1001, got, sizeof(got)), 999);
    ck_assert_uint_eq(strlen(got), 999);
}
END_TEST

START_TEST(a_cursor_finds_what_the_space_finds)
{
    add(0x10, 0x20, a, 0);
    add(0x30, 0x40, b, 0);
    insp_cursor c = {.space = &space};
    for (int round = 0; round < 2; round++) {
        for (insp_addr at = 0; at < 0x50; at++) {
            for (size_t n = 0; n < 0x20; n++)
                ck_assert_ptr_eq(insp_at(&c, at, n), insp_space_at(&space, at, n));
        }
    }
    ck_assert_ptr_null(insp_at(&c, UINT64_MAX, 8));
    ck_assert_ptr_null(insp_at(&c, 0x10, SIZE_MAX));
}
END_TEST

// Thousands of ranges are added, below, between and above others, and each byte is where it
// should be.
START_TEST(many_ranges_in_any_order)
{
    enum { N = 20000 };
    static uint32_t order[N];
    srand(7);
    for (uint32_t i = 0; i < N; i++)
        order[i] = i;
    for (uint32_t i = N - 1; i > 0; i--) {
        uint32_t k = (uint32_t)rand() % (i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (uint32_t i = 0; i < N; i++)
        add(order[i] * 16u, order[i] * 16u + 8, a + order[i] % 128, 0);
    add(0, N * 16, b, INSP_SEG_FILE);
    ck_assert_uint_eq(space.segs.len, 2 * N);
    for (uint32_t i = 0; i < N; i++) {
        ck_assert_ptr_eq(insp_space_at(&space, i * 16u, 8), a + i % 128);
        ck_assert_ptr_null(insp_space_at(&space, i * 16u, 9));
    }
}
END_TEST

extern Suite *insp_space_suite(void);

Suite *insp_space_suite(void)
{
    Suite *s = suite_create("space");
    TCase *t = tcase_create("ranges");
    tcase_add_checked_fixture(t, fill, empty);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_empty_space_holds_nothing);
    tcase_add_test(t, a_range_is_half_open);
    tcase_add_test(t, bytes_that_several_ranges_show_are_counted_once);
    tcase_add_test(t, what_was_added_first_wins);
    tcase_add_loop_test(t, ranges_never_overlap, 0, sizeof(added) / sizeof(added[0]));
    tcase_add_test(t, writable_ranges_that_touch_here_and_there_become_one);
    tcase_add_test(t, other_ranges_stay_apart);
    tcase_add_test(t, a_range_that_ends_before_it_starts_is_refused);
    tcase_add_test(t, lost_bytes_are_not_replaced_by_data_of_a_file);
    tcase_add_test(t, lost_bytes_are_replaced_by_code_and_by_another_copy);
    tcase_add_test(t, next_walks_in_order);
    tcase_add_test(t, many_ranges_in_any_order);
    suite_add_tcase(s, t);
    t = tcase_create("reading");
    tcase_add_checked_fixture(t, fill, empty);
    tcase_add_test(t, read_crosses_from_range_to_range);
    tcase_add_test(t, read_past_the_end_names_the_first_missing_byte);
    tcase_add_test(t, the_top_of_the_address_space_does_not_wrap);
    tcase_add_test(t, a_word_is_read_across_ranges_or_not_at_all);
    tcase_add_test(t, text_ends_at_its_nul_even_at_the_last_byte);
    tcase_add_test(t, text_without_an_end_is_not_read);
    tcase_add_test(t, text_is_cut_where_the_buffer_ends);
    tcase_add_test(t, long_text_crosses_ranges);
    tcase_add_test(t, a_cursor_finds_what_the_space_finds);
    suite_add_tcase(s, t);
    return s;
}
