// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/memory/demand.h"
#include "support/asserts.h"

enum { PIECE = INSP_DEMAND_PIECE };

static const insp_addr base = 0x7f0000000000;

static insp_demand *demand;
static insp_space space;
static insp_error err;

// The caller's side: woken when something is wanted.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static unsigned wakes;

static void wake(void *ctx)
{
    (void)ctx;
    (void)pthread_mutex_lock(&lock);
    wakes++;
    (void)pthread_cond_signal(&woken);
    (void)pthread_mutex_unlock(&lock);
}

static void wait_for_wakes(unsigned n)
{
    (void)pthread_mutex_lock(&lock);
    while (wakes < n)
        (void)pthread_cond_wait(&woken, &lock);
    (void)pthread_mutex_unlock(&lock);
}

static void set_up(void)
{
    wakes = 0;
    ck_ok(insp_demand_create(&demand, &err));
    insp_demand_on_want(demand, wake, NULL);
}

static void tear_down(void)
{
    insp_space_deinit(&space);
    space = (insp_space){0};
    insp_demand_destroy(demand);
}

static void add(insp_addr start, insp_addr end, int fd)
{
    insp_segment range = {.start = start, .end = end, .module = INSP_NONE};
    ck_ok(insp_demand_add(demand, &space, range, fd, &err));
}

// What the target has at an address.
static unsigned char target_byte(insp_addr at)
{
    return (unsigned char)(at ^ at >> 8 ^ at >> 16);
}

static void supply(insp_range r)
{
    unsigned char *bytes = malloc((size_t)(r.end - r.start));
    for (insp_addr at = r.start; at < r.end; at++)
        bytes[at - r.start] = target_byte(at);
    ck_ok(insp_demand_supply(demand, r, bytes, &err));
    free(bytes);
}

// A worker: reads n bytes at addr and says whether they are right.
typedef struct worker {
    pthread_t thread;
    insp_addr addr;
    size_t n;
    enum { MISSING, WRONG, RIGHT } got;
} worker;

static void *read_bytes(void *arg)
{
    worker *w = arg;
    const unsigned char *p = insp_space_at(&space, w->addr, w->n);
    w->got = p ? RIGHT : MISSING;
    for (size_t i = 0; p && i < w->n; i++) {
        if (p[i] != target_byte(w->addr + i))
            w->got = WRONG;
    }
    return NULL;
}

static void start(worker *w, insp_addr addr, size_t n)
{
    *w = (worker){.addr = addr, .n = n};
    ck_assert_int_eq(pthread_create(&w->thread, NULL, read_bytes, w), 0);
}

static int finish(worker *w)
{
    ck_assert_int_eq(pthread_join(w->thread, NULL), 0);
    return w->got;
}

START_TEST(a_reader_waits_until_its_piece_is_brought)
{
    worker w;
    insp_range want[4];
    add(base, base + 8 * PIECE, -1);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 4), 0);
    start(&w, base + PIECE + 100, 8);
    wait_for_wakes(1);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 4), 1);
    ck_assert_uint_eq(want[0].start, base + PIECE);
    ck_assert_uint_eq(want[0].end, base + 2 * PIECE);
    supply(want[0]);
    ck_assert_int_eq(finish(&w), RIGHT);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 4), 0);
    ck_assert(insp_demand_fill(demand, base + PIECE, PIECE));
}
END_TEST

START_TEST(wanted_ranges_are_joined_and_sorted)
{
    worker w[3];
    insp_range want[2];
    add(base, base + 8 * PIECE, -1);
    add(base + 8 * PIECE, base + 16 * PIECE, -1);
    start(&w[0], base + 12 * PIECE, 1);
    wait_for_wakes(1);
    start(&w[1], base + 8 * PIECE, 1);
    wait_for_wakes(2);
    start(&w[2], base + 5 * PIECE + 1, 3 * PIECE - 1);
    wait_for_wakes(3);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 1), 2);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 2), 2);
    ck_assert_uint_eq(want[0].start, base + 5 * PIECE);
    ck_assert_uint_eq(want[0].end, base + 9 * PIECE);
    ck_assert_uint_eq(want[1].start, base + 12 * PIECE);
    supply(want[0]);
    supply(want[1]);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(finish(&w[i]), RIGHT);
}
END_TEST

START_TEST(a_piece_is_cut_where_the_range_starts_and_ends)
{
    worker w;
    insp_range want[1];
    add(base + 0x1000, base + PIECE + 0x2000, -1);
    start(&w, base + 0x1000, PIECE + 0x1000);
    wait_for_wakes(1);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 1), 1);
    ck_assert_uint_eq(want[0].start, base + 0x1000);
    ck_assert_uint_eq(want[0].end, base + PIECE + 0x2000);
    supply(want[0]);
    ck_assert_int_eq(finish(&w), RIGHT);
}
END_TEST

START_TEST(what_cannot_be_read_is_remembered)
{
    worker w;
    insp_range want[1];
    unsigned char byte;
    add(base, base + 2 * PIECE, -1);
    start(&w, base, 1);
    wait_for_wakes(1);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 1), 1);
    ck_ok(insp_demand_supply(demand, want[0], NULL, &err));
    ck_assert_int_eq(finish(&w), MISSING);
    // No wait, and nothing is wanted again.
    ck_fails(insp_space_read(&space, base + 5, &byte, 1, &err), INSP_ERR_FAULT, base + 5,
             "cannot read memory");
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 1), 0);
}
END_TEST

START_TEST(a_cancel_ends_every_wait_now_and_later)
{
    worker w[2];
    insp_range want[4];
    add(base, base + 4 * PIECE, -1);
    start(&w[0], base, 1);
    start(&w[1], base + 2 * PIECE, 1);
    wait_for_wakes(2);
    insp_demand_cancel(demand, true);
    ck_assert_int_eq(finish(&w[0]), MISSING);
    ck_assert_int_eq(finish(&w[1]), MISSING);
    ck_assert(!insp_demand_fill(demand, base + PIECE, 1));
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 4), 0);

    insp_demand_cancel(demand, false);
    start(&w[0], base, 1);
    wait_for_wakes(3);
    ck_assert_uint_eq(insp_demand_wanted(demand, want, 4), 1);
    supply(want[0]);
    ck_assert_int_eq(finish(&w[0]), RIGHT);
}
END_TEST

START_TEST(only_whole_pieces_can_be_brought)
{
    static const unsigned char bytes[PIECE];
    add(base, base + 2 * PIECE, -1);
    insp_range half = {base, base + PIECE / 2}, skewed = {base + 8, base + PIECE};
    insp_range outside = {base + 2 * PIECE, base + 3 * PIECE};
    ck_fails(insp_demand_supply(demand, half, bytes, &err), INSP_ERR_ARGUMENT, base,
             "not made of whole pieces");
    ck_fails(insp_demand_supply(demand, skewed, bytes, &err), INSP_ERR_ARGUMENT, base + 8,
             "not made of whole pieces");
    ck_fails(insp_demand_supply(demand, outside, bytes, &err), INSP_ERR_ARGUMENT,
             base + 2 * PIECE, "not made of whole pieces");
}
END_TEST

START_TEST(what_is_there_is_not_replaced)
{
    static const unsigned char zeros[PIECE];
    add(base, base + PIECE, -1);
    supply((insp_range){base, base + PIECE});
    ck_ok(insp_demand_supply(demand, (insp_range){base, base + PIECE}, zeros, &err));
    worker w = {.addr = base, .n = PIECE};
    read_bytes(&w);
    ck_assert_int_eq(w.got, RIGHT);
}
END_TEST

START_TEST(ranges_of_one_demand_do_not_overlap)
{
    insp_segment again = {.start = base + 0x800, .end = base + 0x1800, .module = INSP_NONE};
    add(base, base + 0x1000, -1);
    ck_fails(insp_demand_add(demand, &space, again, -1, &err), INSP_ERR_ARGUMENT, base + 0x800,
             "overlap");
}
END_TEST

// This process' own memory through /proc/self/mem.
START_TEST(a_file_of_memory_brings_pieces_at_once)
{
    unsigned char *own =
        mmap(NULL, 4 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(own, MAP_FAILED);
    insp_addr at = (uintptr_t)own;
    for (size_t i = 0; i < 4 * PIECE; i++)
        own[i] = target_byte(at + i);

    int fd = open("/proc/self/mem", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    add(at, at + 4 * PIECE, fd);
    worker w[4];
    for (size_t i = 0; i < 4; i++)
        start(&w[i], at + 5, 2 * PIECE);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(finish(&w[i]), RIGHT);
    // No process has memory there.
    insp_addr kernel = 0xffff800000000000;
    add(kernel, kernel + PIECE, fd);
    ck_assert(!insp_demand_fill(demand, kernel, 8));
    ck_assert_uint_eq(wakes, 0);
    (void)close(fd);
    (void)munmap(own, 4 * PIECE);
}
END_TEST

START_TEST(a_cursor_keeps_to_pieces_that_are_there)
{
    add(base, base + 4 * PIECE, -1);
    supply((insp_range){base + PIECE, base + 3 * PIECE});
    insp_cursor c = {.space = &space};
    ck_assert_ptr_nonnull(insp_at(&c, base + 2 * PIECE - 4, 8));
    ck_assert_uint_eq(c.start, base + PIECE);
    ck_assert_uint_eq(c.end, base + 3 * PIECE);
    ck_assert_uint_eq(*(const unsigned char *)insp_at(&c, base + PIECE, 1),
                      target_byte(base + PIECE));
    // Beyond them it asks, and there nobody is to answer.
    insp_demand_cancel(demand, true);
    ck_assert_ptr_null(insp_at(&c, base, 1));
    ck_assert_ptr_null(insp_at(&c, base + 3 * PIECE - 4, 8));
}
END_TEST

START_TEST(text_asks_for_no_more_than_it_needs)
{
    char got[64];
    unsigned char bytes[PIECE] = {0};
    memcpy(bytes + PIECE - 4, "abc", 4);
    add(base, base + 2 * PIECE, -1);
    ck_ok(insp_demand_supply(demand, (insp_range){base, base + PIECE}, bytes, &err));
    ck_assert_int_eq(insp_space_text(&space, base + PIECE - 4, got, sizeof(got)), 3);
    ck_assert_str_eq(got, "abc");
}
END_TEST

// Many readers of random places, one who brings: nobody sees a byte before it is there, and
// nobody is left asleep.
static atomic_uint finished;

static void *read_many(void *arg)
{
    worker *w = arg;
    unsigned seed = (unsigned)w->addr;
    w->got = RIGHT;
    for (int i = 0; i < 300 && w->got == RIGHT; i++) {
        worker one = {.addr = base + (insp_addr)(rand_r(&seed) % (200 * PIECE - 64)), .n = 64};
        (void)read_bytes(&one);
        w->got = one.got;
    }
    finished++;
    return NULL;
}

START_TEST(many_readers_and_one_who_brings)
{
    enum { READERS = 6 };
    worker w[READERS];
    add(base, base + 200 * PIECE, -1);
    finished = 0;
    for (size_t i = 0; i < READERS; i++) {
        w[i] = (worker){.addr = i};
        ck_assert_int_eq(pthread_create(&w[i].thread, NULL, read_many, &w[i]), 0);
    }
    while (finished < READERS) {
        insp_range want[16];
        size_t n = insp_demand_wanted(demand, want, 16);
        for (size_t i = 0; i < n && i < 16; i++)
            supply(want[i]);
    }
    for (size_t i = 0; i < READERS; i++)
        ck_assert_int_eq(finish(&w[i]), RIGHT);
}
END_TEST

extern Suite *insp_demand_suite(void);

Suite *insp_demand_suite(void)
{
    Suite *s = suite_create("demand");
    TCase *t = tcase_create("demand");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_reader_waits_until_its_piece_is_brought);
    tcase_add_test(t, wanted_ranges_are_joined_and_sorted);
    tcase_add_test(t, a_piece_is_cut_where_the_range_starts_and_ends);
    tcase_add_test(t, what_cannot_be_read_is_remembered);
    tcase_add_test(t, a_cancel_ends_every_wait_now_and_later);
    tcase_add_test(t, only_whole_pieces_can_be_brought);
    tcase_add_test(t, what_is_there_is_not_replaced);
    tcase_add_test(t, ranges_of_one_demand_do_not_overlap);
    tcase_add_test(t, a_file_of_memory_brings_pieces_at_once);
    tcase_add_test(t, a_cursor_keeps_to_pieces_that_are_there);
    tcase_add_test(t, text_asks_for_no_more_than_it_needs);
    tcase_add_test(t, many_readers_and_one_who_brings);
    suite_add_tcase(s, t);
    return s;
}
