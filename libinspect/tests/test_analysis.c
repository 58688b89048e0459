// SPDX-License-Identifier: MIT
#include <stdlib.h>

#include "../src/analysis/cycles.h"
#include "../src/analysis/decoders.h"
#include "../src/analysis/ledger.h"
#include "../src/analysis/paths.h"
#include "../src/analysis/retained.h"
#include "../src/analysis/search.h"
#include "../src/base/cleanup.h"
#include "support/fakeheap.h"

static fakeheap f;
static insp_error err;
static insp_replay replay;
static insp_native native;

static void set_up(void)
{
    fake_init(&f);
    replay = (insp_replay){.tracked = 0};
    native = (insp_native){.modules = 0};
}

static void tear_down(void)
{
    insp_replay_deinit(&replay);
    insp_native_deinit(&native);
    fake_deinit(&f);
}

static void run_replay(void)
{
    fake_read(&f);
    ck_ok(insp_replay_run(&f.heap, &f.graph, &replay, &err));
}

/** n lists, each referring to the next and the last to the first; room for one more item. */
static void add_ring(insp_addr *lists, uint32_t n)
{
    static const insp_addr room[2];
    for (uint32_t i = 0; i < n; i++) {
        lists[i] = fake_list(&f, room, 2);
        fake_track(&f, lists[i], 0);
    }
    for (uint32_t i = 0; i < n; i++)
        fake_own(&f, FAKE_GET(&f, lists[i], PyListObject, ob_item), lists[(i + 1) % n]);
}

static void put_second(insp_addr list, insp_addr item)
{
    fake_own(&f, FAKE_GET(&f, list, PyListObject, ob_item) + 8, item);
}

static bool has(const insp_u32s *numbers, insp_addr object)
{
    uint32_t n = fake_number(&f, object);
    for (size_t i = 0; i < numbers->len; i++) {
        if (numbers->at[i] == n)
            return true;
    }
    return false;
}

START_TEST(the_ledger_adds_up)
{
    insp_addr leaked = fake_str(&f, "leaked"), lost = fake_list(&f, NULL, 0);
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 2);
    fake_keep(&f, lost);
    fake_keep(&f, lost);
    fake_count(&f, lost, -1);
    fake_read(&f);
    insp_ledger sum = insp_ledger_of(&f.heap, NULL);
    uint64_t counted = 0;
    for (uint32_t n = 0; n < f.heap.n_objects; n++)
        counted += insp_ledger_counts(&f.heap, n);
    ck_assert_uint_eq(sum.mortal, counted);
    ck_assert_uint_eq(sum.balanced + sum.surplus + sum.deficit, sum.mortal);
    ck_assert_uint_eq(sum.surplus, 1);
    ck_assert_uint_eq(sum.deficit, 1);
    ck_assert_uint_eq(sum.explained, sum.balanced);
    ck_assert_uint_eq(sum.gc_mortal - sum.gc_balanced, 1);
}
END_TEST

START_TEST(static_objects_and_immortal_ones_do_not_enter_the_ledger)
{
    insp_addr immortal = fake_list(&f, NULL, 0);
    fake_track(&f, immortal, 0);
    fake_count(&f, immortal, 999999999);
    fake_keep(&f, immortal);
    fake_read(&f);
    ck_assert(!insp_ledger_counts(&f.heap, fake_number(&f, f.none)));
    ck_assert(!insp_ledger_counts(&f.heap, fake_number(&f, immortal)));
    ck_assert(insp_ledger_counts(&f.heap, fake_number(&f, f.keeper)));
    ck_assert(!insp_ledger_counts(&f.heap, f.heap.n_objects));
}
END_TEST

START_TEST(deficits_come_first_and_the_deepest_of_them)
{
    insp_addr all[4];
    static const int64_t extra[] = {1, -1, 5, -2};
    for (int i = 0; i < 4; i++) {
        all[i] = fake_int(&f, i);
        for (int k = 0; k < 3; k++)
            fake_keep(&f, all[i]);
        fake_count(&f, all[i], extra[i]);
    }
    fake_read(&f);
    insp_u32s out = {0};
    ck_ok(insp_ledger_unbalanced(&f.heap, NULL, &out, &err));
    ck_assert_uint_eq(out.len, 4);
    ck_assert_uint_eq(out.at[0], fake_number(&f, all[3]));
    ck_assert_uint_eq(out.at[1], fake_number(&f, all[1]));
    ck_assert_uint_eq(out.at[2], fake_number(&f, all[2]));
    ck_assert_uint_eq(out.at[3], fake_number(&f, all[0]));
    insp_u32s_deinit(&out);
}
END_TEST

START_TEST(a_ring_that_nobody_holds_is_garbage_with_what_only_it_owns)
{
    insp_addr ring[3], owned = fake_str(&f, "owned"), shared = fake_str(&f, "shared");
    add_ring(ring, 3);
    put_second(ring[0], owned);
    put_second(ring[1], shared);
    fake_keep(&f, shared);
    run_replay();
    ck_assert_uint_eq(replay.unreachable.len, 3);
    for (int i = 0; i < 3; i++)
        ck_assert(has(&replay.unreachable, ring[i]));
    ck_assert_uint_eq(replay.with_them.len, 1);
    ck_assert(has(&replay.with_them, owned));
    ck_assert_uint_eq(replay.below_zero.len, 0);
    ck_assert_uint_gt(replay.tracked, 3);
}
END_TEST

START_TEST(a_ring_that_somebody_holds_is_kept)
{
    insp_addr ring[3];
    add_ring(ring, 3);
    fake_keep(&f, ring[2]);
    run_replay();
    ck_assert_uint_eq(replay.unreachable.len, 0);
}
END_TEST

// Nobody is known to hold it; the count alone says that somebody does.
START_TEST(a_ring_with_a_count_too_many_is_kept)
{
    insp_addr ring[3];
    add_ring(ring, 3);
    fake_count(&f, ring[1], 1);
    run_replay();
    ck_assert_uint_eq(replay.unreachable.len, 0);
    ck_assert_int_eq(fake_remainder(&f, ring[1]), 1);
}
END_TEST

START_TEST(what_a_frozen_or_untracked_object_holds_is_kept)
{
    insp_addr ring[2], frozen = fake_list(&f, NULL, 0), one[1], holder;
    add_ring(ring, 2);
    add_ring(one, 1);
    frozen = fake_list(&f, &ring[0], 1);
    fake_track(&f, frozen, 3);
    fake_count(&f, frozen, 1);
    holder = fake_list(&f, &one[0], 1);
    fake_count(&f, holder, 1);
    run_replay();
    ck_assert_uint_eq(replay.unreachable.len, 0);
}
END_TEST

START_TEST(an_over_released_object_goes_below_zero)
{
    insp_addr list = fake_list(&f, NULL, 0);
    fake_track(&f, list, 0);
    fake_keep(&f, list);
    fake_keep(&f, list);
    fake_count(&f, list, -1);
    run_replay();
    ck_assert_uint_eq(replay.below_zero.len, 1);
    ck_assert(has(&replay.below_zero, list));
}
END_TEST

START_TEST(finalizers_and_what_they_reach_may_come_back)
{
    static const char *const names[] = {"next"};
    insp_addr type = fake_class(&f, "Final", names, 1), held = fake_list(&f, NULL, 0);
    insp_addr room = 0, one = fake_instance(&f, type, &room, 1);
    insp_addr done = fake_instance(&f, type, &room, 1);
    FAKE_SET(&f, type, PyTypeObject, tp_finalize, FAKE_MODULE + 0x18);
    fake_own(&f, fake_get(&f, one - 32), one);
    fake_own(&f, fake_get(&f, done - 32), done);
    fake_own(&f, fake_get(&f, one - 32), one);
    fake_count(&f, one, -1);
    fake_track(&f, one, 0);
    fake_track(&f, done, 0);
    (void)held;
    // Bit 0 of _gc_prev: its finalizer has run.
    insp_addr prev = FAKE_AT(&f, fake_head(&f, done), PyGC_Head, _gc_prev);
    fake_put(&f, prev, fake_get(&f, prev) | 1);
    run_replay();
    ck_assert_uint_eq(replay.unreachable.len, 2);
    ck_assert_uint_eq(replay.finalizers.len, 1);
    ck_assert(has(&replay.finalizers, one));
    ck_assert_uint_eq(replay.may_resurrect.len, 1);
    ck_assert(has(&replay.may_resurrect, one));
    ck_assert_uint_eq(replay.uncollectable.len, 0);
}
END_TEST

START_TEST(a_weakref_outside_calls_back_and_one_inside_does_not)
{
    insp_addr ring[2], outside, inside, silent;
    add_ring(ring, 2);
    outside = fake_weakref(&f, ring[0], f.none);
    silent = fake_weakref(&f, ring[0], 0);
    inside = fake_weakref(&f, ring[1], f.none);
    fake_keep(&f, outside);
    fake_keep(&f, silent);
    fake_track(&f, inside, 0);
    put_second(ring[0], inside);
    run_replay();
    ck_assert_uint_eq(replay.unreachable.len, 3);
    ck_assert_uint_eq(replay.callbacks.len, 1);
    ck_assert(has(&replay.callbacks, outside));
}
END_TEST

START_TEST(cycles_are_grouped_and_the_unreachable_come_first)
{
    insp_addr held[2], lost[3], self[1];
    add_ring(held, 2);
    add_ring(lost, 3);
    add_ring(self, 1);
    fake_keep(&f, held[0]);
    run_replay();
    insp_cycle_set set = {.rows = {0}};
    ck_ok(insp_cycles_find(&f.heap, &f.graph, &replay, &set, &err));
    ck_assert_uint_eq(set.rows.len, 3);
    ck_assert_uint_eq(set.members.len, 6);
    static const size_t counts[] = {3, 1, 2};
    static const int reachable[] = {0, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        const insp_component *c = &set.rows.at[i];
        ck_assert_uint_eq(c->count, counts[i]);
        ck_assert_int_eq(c->reachable, reachable[i]);
        ck_assert_int_eq(c->program, 0);
        // A block of 64 for each list, and a chunk for its two items.
        ck_assert_uint_eq(c->bytes, c->count * (64 + 24));
    }
    // The first of each follows the last of the one before it, whatever order they were found in.
    for (size_t i = 1; i < 3; i++)
        ck_assert_uint_eq(set.rows.at[i].first,
                          set.rows.at[i - 1].first + set.rows.at[i - 1].count);
    ck_assert_uint_eq(set.members.at[set.rows.at[0].first], fake_number(&f, lost[0]));
    ck_assert_uint_eq(set.members.at[set.rows.at[2].first + 1], fake_number(&f, held[1]));
    insp_cycles_deinit(&set);
}
END_TEST

START_TEST(rings_are_the_shortest_ways_back)
{
    insp_addr ring[4], shortcut[2];
    add_ring(ring, 4);
    insp_addr items[] = {ring[0]};
    shortcut[0] = fake_list(&f, items, 1);
    fake_track(&f, shortcut[0], 0);
    put_second(ring[0], shortcut[0]);
    fake_read(&f);
    insp_u32s nodes = {0}, lengths = {0};
    ck_ok(insp_rings_find(&f.heap, &f.graph, fake_number(&f, ring[0]), 10, &nodes, &lengths,
                          &err));
    ck_assert_uint_eq(lengths.len, 2);
    ck_assert_uint_eq(lengths.at[0], 4);
    ck_assert_uint_eq(lengths.at[1], 2);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(nodes.at[i], fake_number(&f, ring[i]));
    ck_assert_uint_eq(nodes.at[4], fake_number(&f, ring[0]));
    ck_assert_uint_eq(nodes.at[5], fake_number(&f, shortcut[0]));
    nodes.len = lengths.len = 0;
    ck_ok(insp_rings_find(&f.heap, &f.graph, fake_number(&f, ring[0]), 1, &nodes, &lengths,
                          &err));
    ck_assert_uint_eq(lengths.len, 1);
    nodes.len = lengths.len = 0;
    ck_ok(insp_rings_find(&f.heap, &f.graph, fake_number(&f, f.keeper), 10, &nodes, &lengths,
                          &err));
    ck_assert_uint_eq(lengths.len, 0);
    insp_u32s_deinit(&nodes);
    insp_u32s_deinit(&lengths);
}
END_TEST

START_TEST(native_words_locate_a_remainder_and_no_more_than_that)
{
    enum { WORD = 0x200 };
    insp_addr leaked = fake_list(&f, NULL, 0), sound = fake_list(&f, NULL, 0);
    fake_keep(&f, leaked);
    fake_keep(&f, sound);
    fake_count(&f, leaked, 2);
    insp_addr block = fake_chunk(&f, 64);
    fake_put(&f, FAKE_MODULE + WORD, leaked);
    fake_put(&f, FAKE_MODULE + WORD + 8, sound);
    fake_put(&f, FAKE_MODULE + WORD + 20, leaked); // no multiple of 8
    fake_put(&f, block, leaked);
    fake_put(&f, block + 8, leaked);
    fake_read(&f);
    ck_ok(insp_native_search(&f.heap, NULL, &native, &err));
    uint32_t n = fake_number(&f, leaked);
    size_t count;
    const insp_native_word *words = insp_native_of(&native, n, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(words[0].place, INSP_NATIVE_DATA);
    ck_assert_uint_eq(words[0].addr, FAKE_MODULE + WORD);
    ck_assert_int_eq(words[1].place, INSP_NATIVE_MALLOC);
    ck_assert_uint_eq(words[1].addr, block);
    ck_assert_int_eq(insp_native_located(&native, n, 2), 2);
    ck_assert_int_eq(insp_native_located(&native, n, 5), 3);
    ck_assert_int_eq(insp_native_located(&native, n, -1), 0);
    ck_assert_ptr_null(insp_native_of(&native, fake_number(&f, sound), &count));
    insp_ledger sum = insp_ledger_of(&f.heap, &native);
    ck_assert_uint_eq(sum.explained, sum.balanced + 1);
    ck_assert_uint_eq(native.unreadable, 0);
    ck_assert_uint_eq(native.modules, 1);
}
END_TEST

// A free list of 3.9: an array of dead objects, and behind them of what was taken out again.
START_TEST(words_of_a_free_list_hold_nothing)
{
    enum { WORD = 0x200 };
    insp_addr leaked = fake_list(&f, NULL, 0), dead = fake_list(&f, NULL, 0);
    insp_addr other = fake_list(&f, NULL, 0);
    fake_keep(&f, leaked);
    fake_keep(&f, other);
    fake_count(&f, leaked, 2);
    fake_count(&f, other, 2);
    fake_count(&f, dead, 0);
    fake_put(&f, dead - 16, 0); // not in a list of the collector
    fake_put(&f, FAKE_MODULE + WORD, dead);
    fake_put(&f, FAKE_MODULE + WORD + 8, leaked);
    fake_put(&f, FAKE_MODULE + WORD + 24, other); // behind a word of zeros
    fake_read(&f);
    ck_assert_uint_eq(f.heap.dead, 1);
    ck_ok(insp_native_search(&f.heap, NULL, &native, &err));
    size_t count;
    ck_assert_ptr_null(insp_native_of(&native, fake_number(&f, leaked), &count));
    ck_assert_ptr_nonnull(insp_native_of(&native, fake_number(&f, other), &count));
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(words_that_dead_frames_left_hold_nothing)
{
    enum { SIZE = 256 };
    insp_addr leaked = fake_list(&f, NULL, 0), chunk = fake_chunk(&f, SIZE);
    insp_addr before = fake_chunk(&f, SIZE), beside = fake_chunk(&f, SIZE);
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 4);
    FAKE_SET(&f, f.tstate, PyThreadState, datastack_chunk, chunk);
    fake_put(&f, chunk, before);
    fake_put(&f, chunk + 8, SIZE);
    fake_put(&f, before + 8, UINT64_MAX); // no size: what it holds is looked at
    fake_put(&f, chunk + 128, leaked);
    fake_put(&f, before + 128, leaked);
    fake_put(&f, beside + 128, leaked);
    fake_read(&f);
    ck_ok(insp_native_search(&f.heap, NULL, &native, &err));
    size_t count;
    const insp_native_word *words = insp_native_of(&native, fake_number(&f, leaked), &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(words[0].addr, before + 128);
    ck_assert_uint_eq(words[1].addr, beside + 128);
}
END_TEST

START_TEST(a_register_and_a_stack_are_searched_from_its_pointer_on)
{
    enum { RSP = 19, RAX = 10 };
    insp_addr leaked = fake_list(&f, NULL, 0), stack = FAKE_MALLOC + FAKE_ROOM - 64;
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 9);
    fake_put(&f, stack - 8, leaked);
    fake_put(&f, stack + 8, leaked);
    fake_read(&f);
    insp_thread_regs thread = {.tid = 1, .n_regs = 27};
    thread.regs[RSP] = stack;
    thread.regs[RAX] = leaked;
    insp_thread_regs_vec threads = {&thread, 1, 1};
    ck_ok(insp_native_search(&f.heap, &threads, &native, &err));
    size_t count;
    const insp_native_word *words = insp_native_of(&native, fake_number(&f, leaked), &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(words[0].place, INSP_NATIVE_STACK);
    ck_assert_uint_eq(words[0].addr, stack + 8);
    ck_assert_int_eq(words[1].place, INSP_NATIVE_REGISTER);
    ck_assert_uint_eq(words[1].addr, RAX);
}
END_TEST

START_TEST(a_stack_that_several_threads_claim_is_searched_once)
{
    enum { RSP = 19 };
    insp_addr leaked = fake_list(&f, NULL, 0), stack = FAKE_MALLOC + FAKE_ROOM - 64;
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 9);
    fake_put(&f, stack - 8, leaked);
    fake_put(&f, stack + 8, leaked);
    fake_read(&f);
    insp_thread_regs thread[3] = {{.tid = 1, .n_regs = 27}, {.tid = 2, .n_regs = 27}};
    thread[2] = thread[1];
    thread[0].regs[RSP] = stack;
    thread[1].regs[RSP] = thread[2].regs[RSP] = stack - 16;
    insp_thread_regs_vec threads = {thread, 3, 3};
    ck_ok(insp_native_search(&f.heap, &threads, &native, &err));
    size_t count;
    const insp_native_word *words = insp_native_of(&native, fake_number(&f, leaked), &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(words[0].addr, stack - 8);
    ck_assert_uint_eq(words[0].where, 1);
    ck_assert_uint_eq(words[1].addr, stack + 8);
    ck_assert_uint_eq(words[1].where, 0);
}
END_TEST

// As in a core that was cut: the section says more than there is.
START_TEST(a_section_of_which_the_end_is_missing_is_searched_as_far_as_it_goes)
{
    enum { END = 0x3003, ROOM = 0x4000 };
    static const insp_addr start = UINT64_C(0x600000000000);
    unsigned char *bytes = calloc(1, END);
    insp_section section = {
        .name = ".data", .start = start, .end = start + ROOM, .flags = INSP_SEG_WRITE};
    insp_segment seg = {start, start + END, bytes, NULL, INSP_SEG_WRITE, INSP_NONE};
    insp_addr leaked = fake_list(&f, NULL, 0);
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 1);
    memcpy(bytes + END - 3 - 8, &leaked, 8);
    ck_ok(insp_space_add(&f.space, seg, &err));
    f.image.sections = (insp_sections){&section, 1, 1};
    fake_read(&f);
    ck_ok(insp_native_search(&f.heap, NULL, &native, &err));
    ck_assert_uint_eq(native.words.len, 1);
    ck_assert_uint_eq(native.words.at[0].addr, start + END - 3 - 8);
    ck_assert_uint_eq(native.unreadable, ROOM - 0x3008);
    free(bytes);
}
END_TEST

static insp_reverse reverse;

static uint64_t search(insp_query query, const insp_addr *first)
{
    insp_matches found = {.count = 0};
    ck_ok(insp_search_run(&f.heap, &reverse, &query, &found, &err));
    uint64_t wanted = query.limit && query.limit < found.count ? query.limit : found.count;
    ck_assert_uint_eq(found.numbers.len, wanted);
    if (first)
        ck_assert_uint_eq(found.numbers.at[0], fake_number(&f, *first));
    uint64_t count = found.count;
    insp_matches_deinit(&found);
    return count;
}

// Each condition alone, and the order that each sorting gives, against a heap whose every count is known.
START_TEST(a_search_finds_what_is_like_all_it_was_told)
{
    insp_addr ring[3], leaked = fake_str(&f, "leaked"), lost = fake_str(&f, "lost");
    insp_addr held[] = {leaked, lost, lost}, list;
    add_ring(ring, 3);
    list = fake_list(&f, held, 3);
    fake_keep(&f, list);
    fake_count(&f, leaked, 2);
    fake_count(&f, lost, -1);
    fake_read(&f);
    ck_ok(insp_graph_reverse(&f.graph, &reverse, &err));
    enum { TYPES = 64 };
    uint8_t lists[TYPES] = {0};
    lists[f.heap.type.at[fake_number(&f, list)]] = 1;
    const insp_query any = {.least_refcnt = INT64_MIN};
    insp_query q = any;
    ck_assert_uint_eq(search(q, NULL), f.heap.objects);
    q.types = lists;
    q.n_types = TYPES;
    q.gc = "gen0";
    q.limit = 2;
    ck_assert_uint_eq(search(q, &ring[0]), 3);
    q = any;
    q.remainder = INSP_REMAINDER_SURPLUS;
    ck_assert_uint_eq(search(q, &leaked), 1);
    q.remainder = INSP_REMAINDER_DEFICIT;
    ck_assert_uint_eq(search(q, &lost), 1);
    q.remainder = INSP_REMAINDER_UNBALANCED;
    q.sort = INSP_SORT_REMAINDER;
    ck_assert_uint_eq(search(q, &leaked), 2);
    q.sort = INSP_SORT_REFERRERS;
    q.least_referrers = 2;
    ck_assert_uint_eq(search(q, &lost), 1);
    q = any;
    q.remainder = INSP_REMAINDER_UNBALANCED;
    q.least_refcnt = 2;
    ck_assert_uint_eq(search(q, &leaked), 1);
    q.least_size = 1 << 20;
    ck_assert_uint_eq(search(q, NULL), 0);
    insp_reverse_deinit(&reverse);
}
END_TEST

// The way to an object; its last node is the object.
static insp_path_origin way_to(insp_addr object, insp_u32s *path)
{
    insp_path_origin origin;
    ck_ok(insp_owner_path(&f.heap, &f.graph, fake_number(&f, object), &origin, path, &err));
    if (path->len)
        ck_assert_uint_eq(path->at[path->len - 1], fake_number(&f, object));
    return origin;
}

START_TEST(a_way_begins_at_a_root_else_at_what_nobody_owns)
{
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s path = {0};
    insp_addr inner = fake_list(&f, NULL, 0), outer = fake_list(&f, &inner, 1);
    insp_addr below = fake_list(&f, NULL, 0), leaked = fake_list(&f, &below, 1), ring[2];
    fake_keep(&f, outer);
    fake_count(&f, leaked, 1);
    add_ring(ring, 2);
    fake_read(&f);
    ck_assert_int_eq(way_to(inner, &path), INSP_PATH_ROOT);
    ck_assert_uint_ge(path.at[0], f.heap.n_objects);
    ck_assert_uint_eq(path.at[path.len - 2], fake_number(&f, outer));
    ck_assert_int_eq(way_to(leaked, &path), INSP_PATH_SURPLUS);
    ck_assert_uint_eq(path.len, 1);
    ck_assert_int_eq(way_to(below, &path), INSP_PATH_SURPLUS);
    ck_assert_uint_eq(path.len, 2);
    ck_assert_int_eq(way_to(ring[0], &path), INSP_PATH_NONE);
    ck_assert_uint_eq(path.len, 0);
}
END_TEST

START_TEST(an_object_retains_what_only_it_leads_to)
{
    insp_retained_tree t;
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s below = {0};
    insp_addr own = fake_list(&f, NULL, 0), common = fake_list(&f, NULL, 0), ring[2];
    insp_addr both[] = {own, common}, one = fake_list(&f, both, 2);
    insp_addr other = fake_list(&f, &common, 1);
    fake_keep(&f, one);
    fake_keep(&f, other);
    add_ring(ring, 2);
    fake_read(&f);
    ck_ok(insp_retained_build(&f.heap, &f.graph, &t, &err));
    uint32_t n = fake_number(&f, one);
    ck_assert_uint_eq(t.objects[n], 2);
    insp_addr block;
    uint64_t size;
    ck_assert_uint_eq(t.bytes[n],
                      insp_object_bytes(&f.heap, n, &block, &size) +
                          insp_object_bytes(&f.heap, fake_number(&f, own), &block, &size));
    ck_ok(insp_retained_below(&f.heap, &t, n, &below, &err));
    ck_assert_uint_eq(below.len, 1);
    ck_assert(has(&below, own));
    ck_assert_uint_eq(t.objects[fake_number(&f, other)], 1);
    ck_assert_uint_eq(t.idom[fake_number(&f, ring[0])], INSP_NONE);
    below.len = 0;
    ck_ok(insp_retained_most(&f.heap, &t, 0, &below, &err));
    ck_assert(!has(&below, own) || !has(&below, one));
    for (size_t i = 1; i < below.len; i++)
        ck_assert_uint_ge(t.bytes[below.at[i - 1]], t.bytes[below.at[i]]);
    insp_retained_deinit(&t);
}
END_TEST

START_TEST(a_decoder_whose_type_has_no_code_that_can_be_run_is_told)
{
    INSP_CLEANUP(insp_decoder_rows_deinit) insp_decoder_rows rows = {0};
    insp_addr ring[3];
    add_ring(ring, 3);
    fake_read(&f);
    ck_ok(insp_decoders_check(&f.heap, 2, &rows, &err));
    uint32_t list = f.heap.type.at[fake_number(&f, ring[0])];
    const insp_decoder_row *found = NULL;
    for (size_t i = 0; i < rows.len; i++)
        found = rows.at[i].type == list ? &rows.at[i] : found;
    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(found->checked, 2);
    ck_assert_uint_eq(found->unfollowed, 2);
    ck_assert_uint_eq(found->different, 0);
}
END_TEST

extern Suite *insp_analysis_suite(void);

Suite *insp_analysis_suite(void)
{
    Suite *s = suite_create("analysis");
    TCase *t = tcase_create("analysis");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_ledger_adds_up);
    tcase_add_test(t, static_objects_and_immortal_ones_do_not_enter_the_ledger);
    tcase_add_test(t, deficits_come_first_and_the_deepest_of_them);
    tcase_add_test(t, a_ring_that_nobody_holds_is_garbage_with_what_only_it_owns);
    tcase_add_test(t, a_ring_that_somebody_holds_is_kept);
    tcase_add_test(t, a_ring_with_a_count_too_many_is_kept);
    tcase_add_test(t, what_a_frozen_or_untracked_object_holds_is_kept);
    tcase_add_test(t, an_over_released_object_goes_below_zero);
    tcase_add_test(t, finalizers_and_what_they_reach_may_come_back);
    tcase_add_test(t, a_weakref_outside_calls_back_and_one_inside_does_not);
    tcase_add_test(t, cycles_are_grouped_and_the_unreachable_come_first);
    tcase_add_test(t, rings_are_the_shortest_ways_back);
    tcase_add_test(t, native_words_locate_a_remainder_and_no_more_than_that);
    tcase_add_test(t, words_of_a_free_list_hold_nothing);
    tcase_add_test(t, words_that_dead_frames_left_hold_nothing);
    tcase_add_test(t, a_register_and_a_stack_are_searched_from_its_pointer_on);
    tcase_add_test(t, a_stack_that_several_threads_claim_is_searched_once);
    tcase_add_test(t, a_section_of_which_the_end_is_missing_is_searched_as_far_as_it_goes);
    tcase_add_test(t, a_search_finds_what_is_like_all_it_was_told);
    tcase_add_test(t, a_way_begins_at_a_root_else_at_what_nobody_owns);
    tcase_add_test(t, an_object_retains_what_only_it_leads_to);
    tcase_add_test(t, a_decoder_whose_type_has_no_code_that_can_be_run_is_told);
    suite_add_tcase(s, t);
    return s;
}
