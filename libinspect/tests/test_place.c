// SPDX-License-Identifier: MIT
#include "../src/analysis/place.h"
#include "support/fakeheap.h"

static fakeheap f;
static insp_error err;
static insp_place place;

static void set_up(void)
{
    fake_init(&f);
}

static void tear_down(void)
{
    fake_deinit(&f);
}

static void find(insp_addr addr)
{
    ck_ok(insp_place_find(&f.heap, NULL, addr, true, &place, &err));
}

START_TEST(every_word_of_an_object_is_its)
{
    insp_addr list = fake_list(&f, NULL, 0);
    fake_track(&f, list, 0);
    fake_keep(&f, list);
    fake_read(&f);
    for (int64_t offset = -16; offset < 40; offset += 8) {
        find(list + (uint64_t)offset);
        ck_assert_int_eq(place.kind, INSP_PLACE_OBJECT);
        ck_assert_uint_eq(place.object, list);
        ck_assert_int_eq(place.offset, offset);
        ck_assert_int_eq(place.exact, offset == 0);
        ck_assert_uint_eq(place.block, list - 16);
        ck_assert_uint_eq(place.word, fake_get(&f, list + (uint64_t)offset));
    }
}
END_TEST

START_TEST(pages_of_mimalloc_lie_in_no_arena)
{
    insp_addr list = fake_list(&f, NULL, 0), block = fake_block(&f, 96);
    fake_keep(&f, list);
    fake_free(&f, block);
    fake_read(&f);
    f.heap.pools.arenas.len = 0;
    find(list + 8);
    ck_assert_int_eq(place.kind, INSP_PLACE_OBJECT);
    ck_assert_uint_eq(place.object, list);
    ck_assert_uint_eq(place.pool, fake_pool_of(list));
    ck_assert_uint_eq(place.arena, INSP_NONE);
    find(block);
    ck_assert_int_eq(place.kind, INSP_PLACE_FREE_BLOCK);
}
END_TEST

START_TEST(items_are_their_lists)
{
    insp_addr item = fake_str(&f, "item"), list = fake_list(&f, &item, 1);
    fake_keep(&f, list);
    fake_read(&f);
    insp_addr items = FAKE_GET(&f, list, PyListObject, ob_item);
    find(items + 4);
    ck_assert_int_eq(place.kind, INSP_PLACE_BODY);
    ck_assert_uint_eq(place.object, list);
    ck_assert_int_eq(place.offset, 4);
    ck_ok(insp_place_find(&f.heap, NULL, items, false, &place, &err));
    ck_assert_int_ne(place.kind, INSP_PLACE_BODY);
    ck_assert_uint_eq(place.object, 0);
}
END_TEST

START_TEST(free_blocks_are_ranked_from_the_last_freed)
{
    insp_addr blocks[3];
    for (int i = 0; i < 3; i++)
        blocks[i] = fake_block(&f, 96);
    for (int i = 0; i < 3; i++)
        fake_free(&f, blocks[i]);
    fake_read(&f);
    uint32_t first = (uint32_t)(blocks[0] - fake_pool_of(blocks[0]) - FAKE_POOL_HEADER) / 96;
    for (uint32_t i = 0; i < 3; i++) {
        find(blocks[i] + 17);
        ck_assert_int_eq(place.kind, INSP_PLACE_FREE_BLOCK);
        ck_assert_uint_eq(place.free_rank, 2 - i);
        ck_assert_uint_eq(place.block, blocks[i]);
        ck_assert_uint_eq(place.block_size, 96);
        ck_assert_int_eq(place.offset, 17);
        ck_assert_uint_eq(place.block_index, first + i);
    }
    find(blocks[2] + 96);
    ck_assert_int_eq(place.kind, INSP_PLACE_VIRGIN_BLOCK);
    ck_assert_uint_eq(place.free_rank, INSP_NONE);
}
END_TEST

START_TEST(a_free_list_that_goes_round_ends)
{
    insp_addr a = fake_block(&f, 96), b = fake_block(&f, 96);
    fake_free(&f, a);
    fake_read(&f);
    fake_put(&f, a, a);
    find(b);
    ck_assert_int_eq(place.kind, INSP_PLACE_BLOCK);
    ck_assert_uint_eq(place.object, 0);
}
END_TEST

START_TEST(the_parts_of_an_arena)
{
    insp_addr block = fake_block(&f, 112);
    fake_read(&f);
    insp_addr pool = fake_pool_of(block);
    find(pool + 8);
    ck_assert_int_eq(place.kind, INSP_PLACE_POOL_HEADER);
    ck_assert_uint_eq(place.pool, pool);
    // 145 blocks of 112 bytes leave 96 of 16,384 - 48.
    ck_assert_uint_eq(place.pool_blocks, 145);
    find(pool + FAKE_POOL - 1);
    ck_assert_int_eq(place.kind, INSP_PLACE_POOL_END);
    find(FAKE_ARENA + FAKE_ROOM - FAKE_POOL);
    ck_assert_int_eq(place.kind, INSP_PLACE_VIRGIN_POOL);
    ck_assert_uint_eq(place.pool_index, FAKE_ROOM / FAKE_POOL - 1);
}
END_TEST

START_TEST(static_objects_are_the_modules_too)
{
    fake_read(&f);
    find(f.list_type + 8);
    ck_assert_int_eq(place.kind, INSP_PLACE_OBJECT);
    ck_assert_uint_eq(place.object, f.list_type);
    ck_assert_int_eq(place.offset, 8);
    ck_assert_str_eq(place.module, f.image.path);
}
END_TEST

START_TEST(nothing_is_nowhere)
{
    static const insp_addr none[] = {0, 8, 0xdddddddddddddde5, UINT64_MAX, FAKE_MODULE - 1};
    fake_read(&f);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        find(none[i]);
        ck_assert_int_eq(place.kind, INSP_PLACE_NOWHERE);
        ck_assert_int_eq(place.readable, 0);
    }
}
END_TEST

START_TEST(what_lies_on_a_stack_is_its_threads)
{
    static unsigned char bytes[8192];
    const insp_addr stack = UINT64_C(0x7ffd00000000);
    insp_thread_regs threads[2] = {{.tid = 7, .n_regs = 27}, {.tid = 8, .n_regs = 27}};
    enum { RSP = 19 };
    threads[0].regs[RSP] = stack + 4096;
    threads[1].regs[RSP] = 16;
    insp_thread_regs_vec all = {.at = threads, .len = 2};
    insp_segment seg = {.start = stack,
                        .end = stack + sizeof(bytes),
                        .bytes = bytes,
                        .flags = INSP_SEG_WRITE,
                        .module = INSP_NONE};
    ck_ok(insp_space_add(&f.space, seg, &err));
    fake_read(&f);
    ck_ok(insp_place_find(&f.heap, &all, stack + 4096 + 24, true, &place, &err));
    ck_assert_int_eq(place.kind, INSP_PLACE_STACK);
    ck_assert_int_eq(place.thread, 7);
    ck_assert_int_eq(place.from_stack, 24);
    ck_ok(insp_place_find(&f.heap, &all, stack, true, &place, &err));
    ck_assert_int_eq(place.from_stack, -4096);
}
END_TEST

extern Suite *insp_place_suite(void);
Suite *insp_place_suite(void)
{
    Suite *s = suite_create("place");
    TCase *tc = tcase_create("place");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, every_word_of_an_object_is_its);
    tcase_add_test(tc, pages_of_mimalloc_lie_in_no_arena);
    tcase_add_test(tc, items_are_their_lists);
    tcase_add_test(tc, free_blocks_are_ranked_from_the_last_freed);
    tcase_add_test(tc, a_free_list_that_goes_round_ends);
    tcase_add_test(tc, the_parts_of_an_arena);
    tcase_add_test(tc, static_objects_are_the_modules_too);
    tcase_add_test(tc, nothing_is_nowhere);
    tcase_add_test(tc, what_lies_on_a_stack_is_its_threads);
    suite_add_tcase(s, tc);
    return s;
}
