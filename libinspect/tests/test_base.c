// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "../src/base/arena.h"
#include "../src/base/cleanup.h"
#include "../src/base/map.h"
#include "../src/base/vec.h"
#include "support/asserts.h"
#include "support/must.h"
#include "support/random_words.h"

static insp_error err;

// ---- map -----------------------------------------------------------------------------------

START_TEST(an_empty_map_has_nothing)
{
    insp_map m = {0};
    ck_assert_uint_eq(insp_map_get(&m, 0), INSP_MAP_NONE);
    ck_assert_uint_eq(insp_map_get(&m, UINT64_MAX), INSP_MAP_NONE);
    insp_map_deinit(&m);
}
END_TEST

// How the keys of a run are spaced: the multiples of these, and pure chance for 0.
static const uint64_t strides[] = {
    0,
    1,
    8,
    16,
    4096,
    1 << 20,
    UINT64_C(1) << 32,
    UINT64_C(1) << 40,
    UINT64_C(1) << 47,
    0x9e3779b97f4a7c15u,
    0xf1de83e19937733du, // its inverse: consecutive under a hash by the golden ratio alone
};
#define N_STRIDES ((int)(sizeof(strides) / sizeof(strides[0])))

enum { KEYS = 200000 };

// One run a stride. Slow, beyond any limit of time, where the keys fall together.
START_TEST(a_map_keeps_what_it_is_given)
{
    uint64_t *keys = malloc(KEYS * sizeof(*keys));
    insp_map m = {0};
    for (uint32_t i = 0; i < KEYS; i++) {
        keys[i] = strides[_i] ? strides[_i] * i : random_word();
        must(insp_map_set(&m, keys[i], i));
    }
    // 2^17 multiples of 2^47 are all that 64 bits hold.
    size_t distinct = strides[_i] == UINT64_C(1) << 47 ? 1 << 17 : KEYS;
    ck_assert_uint_eq(m.len, distinct);
    ck_assert_uint_ge(m.cap - m.cap / 4, m.len);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t last = i + distinct < KEYS ? i + (uint32_t)distinct : i;
        must(insp_map_get(&m, keys[i]) == last);
    }
    bool gaps = strides[_i] && strides[_i] % 8 == 0;
    for (uint32_t i = 0; gaps && i < KEYS; i++)
        must(insp_map_get(&m, keys[i] + 3) == INSP_MAP_NONE);
    for (uint32_t i = 0; i < KEYS; i++)
        must(insp_map_set(&m, keys[i], i / 2));
    ck_assert_uint_eq(m.len, distinct);
    ck_assert_uint_eq(insp_map_get(&m, keys[KEYS - 1]), (KEYS - 1) / 2);
    insp_map_deinit(&m);
    ck_assert_uint_eq(insp_map_get(&m, keys[0]), INSP_MAP_NONE);
    free(keys);
}
END_TEST

// Against an array: keys below 3000, set and asked for at random.
START_TEST(a_map_agrees_with_an_array)
{
    static uint32_t value[3000];
    memset(value, 0xff, sizeof(value));
    insp_map m = {0};
    size_t len = 0;
    for (int i = 0; i < 300000; i++) {
        uint64_t key = random_word() % 3000;
        if (i & 1) {
            must(insp_map_get(&m, key * 16) == value[key]);
            continue;
        }
        len += value[key] == UINT32_MAX;
        value[key] = (uint32_t)(random_word() % 1000);
        must(insp_map_set(&m, key * 16, value[key]));
        must(m.len == len);
    }
    insp_map_deinit(&m);
}
END_TEST

START_TEST(setting_a_key_again_grows_nothing)
{
    insp_map m = {0};
    for (uint64_t key = 1; m.len < 48; key++)
        ck_assert(insp_map_set(&m, key, 7));
    ck_assert_uint_eq(m.cap, 64);
    ck_assert(insp_map_set(&m, 1, 8));
    ck_assert_uint_eq(m.cap, 64);
    ck_assert(insp_map_set(&m, 1000, 8));
    ck_assert_uint_eq(m.cap, 128);
    insp_map_deinit(&m);
}
END_TEST

// ---- vec -----------------------------------------------------------------------------------

START_TEST(an_array_grows_and_keeps_its_elements)
{
    insp_u32s v = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        must(insp_u32s_push(&v, i * 3));
        must(v.len == i + 1 && v.cap >= v.len);
    }
    for (uint32_t i = 0; i < 100000; i++)
        must(v.at[i] == i * 3);
    insp_u32s_deinit(&v);
    ck_assert(!v.at && !v.len && !v.cap);
}
END_TEST

START_TEST(room_that_is_there_is_kept)
{
    insp_addrs v = {0};
    ck_assert(insp_addrs_reserve(&v, 0));
    ck_assert_ptr_null(v.at);
    ck_assert(insp_addrs_reserve(&v, 1000));
    uint64_t *at = v.at;
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert(insp_addrs_push(&v, i));
    ck_assert_ptr_eq(v.at, at);
    ck_assert(insp_addrs_reserve(&v, 10));
    ck_assert_ptr_eq(v.at, at);
    ck_assert_uint_eq(v.len, 1000);
    insp_addrs_deinit(&v);
}
END_TEST

START_TEST(room_that_cannot_be_counted_is_refused)
{
    insp_addrs v = {0};
    ck_assert(insp_addrs_push(&v, 42));
    uint64_t *at = v.at;
    size_t cap = v.cap;
    ck_assert(!insp_addrs_reserve(&v, SIZE_MAX));
    ck_assert(!insp_addrs_reserve(&v, SIZE_MAX / 8 + 1));
    ck_assert(v.at == at && v.cap == cap && v.len == 1 && v.at[0] == 42);
    insp_addrs_deinit(&v);
}
END_TEST

// ---- arena ---------------------------------------------------------------------------------

START_TEST(arena_blocks_are_aligned_zeroed_and_apart)
{
    enum { BLOCKS = 3000 };
    static unsigned char *at[BLOCKS];
    static size_t size[BLOCKS];
    insp_arena a = {0};
    for (size_t i = 0; i < BLOCKS; i++) {
        // Some of each kind: tiny, about a block of the arena's own, larger than one.
        uint64_t r = random_word();
        size[i] = r % 50 == 0 ? 60000 + r / 64 % 10000 : r % 97 == 0 ? 300000 : r % 200;
        at[i] = insp_arena_alloc(&a, size[i]);
        must(at[i] != NULL);
        must((uintptr_t)at[i] % _Alignof(max_align_t) == 0);
        for (size_t k = 0; k < size[i]; k++)
            must(at[i][k] == 0);
        memset(at[i], (int)(i & 0xff) | 1, size[i]);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t k = 0; k < size[i]; k++)
            must(at[i][k] == ((i & 0xff) | 1));
    }
    insp_arena_deinit(&a);
    ck_assert_ptr_null(a.blocks);
    insp_arena_deinit(&a);
}
END_TEST

START_TEST(a_large_block_wastes_nothing_of_the_last_one)
{
    insp_arena a = {0};
    char *first = insp_arena_alloc(&a, 16);
    ck_assert_ptr_nonnull(insp_arena_alloc(&a, 1 << 20));
    char *next = insp_arena_alloc(&a, 16);
    ck_assert_ptr_eq(next, first + 16);
    insp_arena_deinit(&a);
}
END_TEST

START_TEST(what_cannot_be_counted_is_refused)
{
    insp_arena a = {0};
    ck_assert_ptr_null(insp_arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(insp_arena_alloc(&a, SIZE_MAX - 15));
    ck_assert_ptr_null(insp_arena_array(&a, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(insp_arena_text(&a, "x", SIZE_MAX));
    ck_assert_ptr_nonnull(insp_arena_array(&a, 0, 8));
    ck_assert_ptr_nonnull(insp_arena_array(&a, 8, 0));
    insp_arena_deinit(&a);
}
END_TEST

START_TEST(arena_texts_end_where_they_should)
{
    insp_arena a = {0};
    ck_assert_str_eq(insp_arena_text(&a, "dictionary", 4), "dict");
    ck_assert_str_eq(insp_arena_text(&a, NULL, 0), "");
    ck_assert_str_eq(insp_arena_printf(&a, "%s %05d", "n", 42), "n 00042");
    ck_assert_str_eq(insp_arena_printf(&a, "%s", ""), "");
    const char *longest = insp_arena_printf(&a, "%0100000d", 7);
    ck_assert_uint_eq(strlen(longest), 100000);
    ck_assert_int_eq(longest[99999], '7');
    insp_arena_deinit(&a);
}
END_TEST

// ---- errors --------------------------------------------------------------------------------

START_TEST(a_failure_says_what_where_and_why)
{
    ck_fails(insp_fail(&err, INSP_ERR_FAULT, 0x1234, "no memory at 0x%x", 0x1234),
             INSP_ERR_FAULT, 0x1234, "no memory at 0x1234");
    ck_assert_str_eq(err.message, "no memory at 0x1234");
    ck_assert_int_eq(insp_fail(NULL, INSP_ERR_IO, 0, "nobody reads %s", "this"), INSP_ERR_IO);
    ck_fails(insp_nomem(&err), INSP_ERR_MEMORY, 0, "memory");
    ck_assert_int_eq(insp_nomem(NULL), INSP_ERR_MEMORY);
}
END_TEST

START_TEST(a_failure_may_quote_the_one_before)
{
    (void)insp_fail(&err, INSP_ERR_IO, 1, "%s", "inner");
    (void)insp_fail(&err, INSP_ERR_FAULT, 2, "outer: %s (status %d)", err.message,
                    (int)err.code);
    ck_assert_str_eq(err.message, "outer: inner (status 2)");
}
END_TEST

START_TEST(a_long_message_ends_before_the_character_that_does_not_fit)
{
    static const char *characters[] = {"x", "\xc3\xa9", "\xe4\xb8\xad", "\xf0\x9f\x98\x80"};
    char text[sizeof(err.message) * 2];
    for (size_t c = 0; c < 4; c++) {
        for (size_t before = sizeof(err.message) - 8; before < sizeof(err.message); before++) {
            memset(text, 'a', before);
            strcpy(text + before, characters[c]);
            size_t n = strlen(text), fits = n < sizeof(err.message) ? n : before;
            strcat(text, "tail");
            (void)insp_fail(&err, INSP_ERR_IO, 0, "%s", text);
            size_t got = strlen(err.message);
            ck_assert_uint_lt(got, sizeof(err.message));
            ck_assert_uint_ge(got, fits < sizeof(err.message) ? fits : sizeof(err.message) - 1);
            ck_assert(got <= before || got >= n);
            ck_assert_int_eq(memcmp(err.message, text, got), 0);
        }
    }
}
END_TEST

// ---- clean-up ------------------------------------------------------------------------------

static int cleaned;

static void clean(const int *variable)
{
    cleaned += *variable;
}

START_TEST(a_scope_cleans_up_behind_itself)
{
    cleaned = 0;
    for (int i = 0; i < 3; i++) {
        INSP_CLEANUP(clean) int one = 1;
        INSP_CLEANUP(insp_free_ptr) char *p = malloc(10);
        INSP_CLEANUP(insp_close_fd) int none = -1;
        ck_assert(p && none < 0);
        if (i == 1)
            continue;
        one = 10;
    }
    ck_assert_int_eq(cleaned, 21);
}
END_TEST

extern Suite *insp_base_suite(void);

Suite *insp_base_suite(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_empty_map_has_nothing);
    tcase_add_loop_test(t, a_map_keeps_what_it_is_given, 0, N_STRIDES);
    tcase_add_test(t, a_map_agrees_with_an_array);
    tcase_add_test(t, setting_a_key_again_grows_nothing);
    tcase_add_test(t, an_array_grows_and_keeps_its_elements);
    tcase_add_test(t, room_that_is_there_is_kept);
    tcase_add_test(t, room_that_cannot_be_counted_is_refused);
    tcase_add_test(t, arena_blocks_are_aligned_zeroed_and_apart);
    tcase_add_test(t, a_large_block_wastes_nothing_of_the_last_one);
    tcase_add_test(t, what_cannot_be_counted_is_refused);
    tcase_add_test(t, arena_texts_end_where_they_should);
    tcase_add_test(t, a_failure_says_what_where_and_why);
    tcase_add_test(t, a_failure_may_quote_the_one_before);
    tcase_add_test(t, a_long_message_ends_before_the_character_that_does_not_fit);
    tcase_add_test(t, a_scope_cleans_up_behind_itself);
    suite_add_tcase(s, t);
    return s;
}
