// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/mman.h>

#include "../src/memory/rooms.h"
#include "support/asserts.h"

enum { PAGE = 4096 };

static const insp_addr base = 0x7f0000000000;

static insp_copy_plan plan;
static insp_room_vec rooms;

static insp_range pages(size_t first, size_t end)
{
    return (insp_range){base + first * PAGE, base + end * PAGE};
}

// Two ranges, [0, 16) and [16, 32) pages; 4 to 8 of the first and all of the second will be
// read.
static void set_up(void)
{
    ck_assert(insp_range_vec_push(&plan.cover, pages(0, 16)));
    ck_assert(insp_range_vec_push(&plan.cover, pages(16, 32)));
    ck_assert(insp_range_vec_push(&plan.fetch, pages(4, 8)));
    ck_assert(insp_range_vec_push(&plan.fetch, pages(16, 32)));
    insp_rooms_prepare(&plan, &rooms);
    ck_assert_uint_eq(rooms.len, 2);
}

static void tear_down(void)
{
    insp_rooms_deinit(&rooms);
    insp_copy_plan_deinit(&plan);
}

static size_t ready_pages(unsigned char *at, size_t n)
{
    unsigned char in_memory[64];
    size_t ready = 0;
    ck_assert_int_eq(mincore(at, n * PAGE, in_memory), 0);
    for (size_t i = 0; i < n; i++)
        ready += in_memory[i] & 1;
    return ready;
}

// The kernel of this machine may be older than what makes pages ready.
static bool can_prepare(void)
{
    return ready_pages(rooms.at[1].at, 16) == 16;
}

// Nor need it be able to move them (valgrind cannot).
static bool can_move(void)
{
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | 4 /* MREMAP_DONTUNMAP */;
    void *from = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *to = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool moved = mremap(from, PAGE, PAGE, flags, to) == to;
    (void)munmap(from, PAGE);
    (void)munmap(to, PAGE);
    return moved;
}

static unsigned char *take(size_t first, size_t end)
{
    unsigned char *at = insp_rooms_take(&rooms, pages(first, end));
    ck_assert_ptr_nonnull(at);
    for (size_t i = 0; i < (end - first) * PAGE; i += PAGE / 2)
        ck_assert_uint_eq(at[i], 0);
    at[0] = at[(end - first) * PAGE - 1] = 1;
    return at;
}

START_TEST(a_range_that_did_not_change_has_its_room)
{
    bool prepared = can_prepare();
    unsigned char *room = rooms.at[0].at;
    ck_assert_uint_eq(ready_pages(room, 16), prepared ? 4 : 0);
    ck_assert_ptr_eq(take(0, 16), room);
    ck_assert_ptr_null(rooms.at[0].at);
    // It is given once.
    unsigned char *other = take(0, 16);
    ck_assert_ptr_ne(other, room);
    (void)munmap(other, 16 * PAGE);
    (void)munmap(room, 16 * PAGE);
}
END_TEST

// What was planned as [0, 16) and [16, 32), and is taken: grown, shrunk, joined, across,
// elsewhere.
static const struct {
    size_t first, end, ready;
} taken[] = {
    {16, 40, 16}, {16, 20, 4}, {20, 32, 12}, {12, 20, 4}, {0, 32, 20}, {40, 48, 0},
};

START_TEST(pages_that_are_ready_move_to_where_they_are_wanted)
{
    size_t n = taken[_i].end - taken[_i].first;
    bool prepared = can_prepare() && can_move();
    unsigned char *to = insp_rooms_take(&rooms, pages(taken[_i].first, taken[_i].end));
    ck_assert_ptr_nonnull(to);
    ck_assert_uint_eq(ready_pages(to, n), prepared ? taken[_i].ready : 0);
    for (size_t i = 0; i < n * PAGE; i += PAGE / 2)
        ck_assert_uint_eq(to[i], 0);
    to[0] = to[n * PAGE - 1] = 1;
    (void)munmap(to, n * PAGE);
}
END_TEST

START_TEST(without_preparation_there_is_room_too)
{
    insp_rooms_deinit(&rooms);
    unsigned char *at = take(3, 9);
    (void)munmap(at, 6 * PAGE);
}
END_TEST

extern Suite *insp_rooms_suite(void);

Suite *insp_rooms_suite(void)
{
    Suite *s = suite_create("rooms");
    TCase *t = tcase_create("rooms");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_range_that_did_not_change_has_its_room);
    tcase_add_loop_test(t, pages_that_are_ready_move_to_where_they_are_wanted, 0,
                        sizeof(taken) / sizeof(taken[0]));
    tcase_add_test(t, without_preparation_there_is_room_too);
    suite_add_tcase(s, t);
    return s;
}
