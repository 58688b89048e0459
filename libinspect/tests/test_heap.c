// SPDX-License-Identifier: MIT
#include "support/fakeheap.h"

static fakeheap f;
static insp_error err;

static void set_up(void)
{
    fake_init(&f);
}

static void tear_down(void)
{
    fake_deinit(&f);
}

START_TEST(a_sound_heap_balances_and_has_no_findings)
{
    fake_read(&f);
    for (size_t i = 0; i < f.findings.rows.len; i++)
        ck_abort_msg("%s: %s", f.findings.rows.at[i].rule, f.findings.rows.at[i].text);
    for (uint32_t n = 0; n < f.heap.n_objects; n++)
        ck_assert_msg(!insp_heap_is_object(&f.heap, n) || !f.heap.remainder.at[n],
                      "0x%" PRIx64 " of type %s: remainder %d", insp_heap_addr(&f.heap, n),
                      f.heap.types.at.at[f.heap.type.at[n]]->name, f.heap.remainder.at[n]);
    ck_assert_uint_gt(f.heap.objects, 60);
}
END_TEST

START_TEST(every_block_of_every_size_class_has_a_number_and_back)
{
    insp_pools p;
    for (uint32_t size = 16; size <= 512; size += 16)
        (void)fake_block(&f, size);
    fake_open(&f);
    ck_ok(insp_pools_read(&p, &f.py, &err));
    uint32_t next = 0, classes = 0;
    for (size_t i = 0; i < p.rows.len; i++) {
        const insp_pool_row *row = &p.rows.at[i];
        insp_addr start = 1;
        ck_assert_uint_eq(insp_pools_number(&p, row->addr + FAKE_POOL_HEADER - 1, &start),
                          INSP_NONE);
        classes += row->n != 0;
        for (uint32_t b = 0; b < row->n; b++, next++) {
            insp_addr block = row->addr + FAKE_POOL_HEADER + (insp_addr)b * row->size;
            for (uint32_t at = 0; at < row->size; at += row->size - 1) {
                ck_assert_uint_eq(insp_pools_number(&p, block + at, &start), next);
                ck_assert_uint_eq(start, block);
            }
            ck_assert_ptr_eq(insp_pools_of_number(&p, next), row);
            ck_assert_uint_eq(row->first + b, next);
        }
        insp_addr tail = row->blocks + (insp_addr)row->n * row->size;
        if (row->n && tail < row->addr + FAKE_POOL)
            ck_assert_uint_eq(insp_pools_number(&p, tail, &start), INSP_NONE);
    }
    ck_assert_uint_eq(classes, 32);
    ck_assert_uint_eq(next, p.numbers);
    insp_addr unused;
    ck_assert_uint_eq(insp_pools_number(&p, FAKE_ARENA + FAKE_ROOM, &unused), INSP_NONE);
    ck_assert_uint_eq(insp_pools_number(&p, UINT64_MAX, &unused), INSP_NONE);
    insp_pools_deinit(&p);
}
END_TEST

START_TEST(objects_have_the_number_of_their_address)
{
    insp_u32s order = {0};
    fake_read(&f);
    ck_ok(insp_heap_order(&f.heap, &order, &err));
    ck_assert_uint_eq(order.len, f.heap.objects);
    for (size_t i = 0; i < order.len; i++) {
        insp_addr at = insp_heap_addr(&f.heap, order.at[i]);
        ck_assert_uint_eq(insp_heap_number(&f.heap, at), order.at[i]);
        ck_assert_uint_eq(insp_heap_number(&f.heap, at + 8), INSP_NONE);
        ck_assert(!i || insp_heap_addr(&f.heap, order.at[i - 1]) < at);
    }
    insp_u32s_deinit(&order);
}
END_TEST

// Its bytes still are those of an untracked tuple whose count is 1.
START_TEST(a_free_block_is_no_object_whatever_its_bytes_say)
{
    insp_addr tuple = fake_tuple(&f, NULL, 0), twin = fake_tuple(&f, NULL, 0), start;
    fake_count(&f, tuple, 1);
    fake_count(&f, twin, 1);
    fake_free(&f, fake_head(&f, tuple));
    fake_read(&f);
    ck_assert_uint_ne(insp_heap_number(&f.heap, twin), INSP_NONE);
    ck_assert_uint_eq(insp_heap_number(&f.heap, tuple), INSP_NONE);
    uint32_t n = insp_pools_number(&f.heap.pools, tuple, &start);
    ck_assert_uint_eq(f.heap.kind.at[n], INSP_K_FREE);
    ck_assert_uint_eq(f.findings.rows.len, 0);
}
END_TEST

START_TEST(a_tracked_object_in_a_free_block_is_a_finding)
{
    insp_addr list = fake_list(&f, NULL, 0);
    fake_keep(&f, list);
    fake_track(&f, list, 0);
    insp_addr head = fake_head(&f, list);
    uint64_t next = fake_get(&f, head);
    fake_free(&f, head);
    fake_put(&f, head, next); // which leaves the pool
    fake_read(&f);
    ck_assert_uint_eq(fake_findings(&f, "freed-object"), 1);
    ck_assert_uint_ne(insp_heap_number(&f.heap, list), INSP_NONE);
}
END_TEST

START_TEST(a_free_list_that_leaves_its_pool_is_a_finding)
{
    insp_addr block = fake_block(&f, 512), kept = fake_block(&f, 512), start;
    fake_free(&f, block);
    fake_put(&f, block, block + FAKE_POOL);
    fake_read(&f);
    ck_assert_uint_eq(fake_findings(&f, "pool-freelist"), 1);
    ck_assert_uint_eq(f.findings.rows.at[0].addr, fake_pool_of(block));
    ck_assert_uint_ne(insp_pools_number(&f.heap.pools, kept, &start), INSP_NONE);
    ck_assert_uint_eq(insp_pools_find(&f.heap.pools, block)->used, 1);
}
END_TEST

START_TEST(a_free_list_that_points_between_blocks_is_a_finding)
{
    insp_addr block = fake_block(&f, 512);
    fake_free(&f, block);
    FAKE_SET(&f, fake_pool_of(block), pool_header, freeblock, block + 8);
    fake_read(&f);
    ck_assert_uint_eq(fake_findings(&f, "pool-freelist"), 1);
}
END_TEST

START_TEST(a_free_list_that_loops_ends_and_does_not_agree_with_the_count)
{
    insp_addr one = fake_block(&f, 512), two = fake_block(&f, 512);
    (void)fake_block(&f, 512);
    fake_free(&f, one);
    fake_free(&f, two);
    fake_put(&f, one, two);
    fake_read(&f);
    ck_assert_uint_eq(fake_findings(&f, "pool-count"), 1);
    ck_assert_uint_eq(insp_pools_find(&f.heap.pools, one)->used, 0);
}
END_TEST

START_TEST(a_pool_whose_header_is_no_pools_is_left_out)
{
    static const struct {
        insp_member member;
        uint32_t value;
    } broken[] = {{INSP_F_pool_header_szidx, 32},
                  {INSP_F_pool_header_nextoffset, FAKE_POOL + 1},
                  {INSP_F_pool_header_nextoffset, FAKE_POOL_HEADER - 1},
                  {INSP_F_pool_header_arenaindex, 1}};
    insp_addr block = fake_block(&f, 512), start;
    fake_put32(&f, fake_pool_of(block) + (uint32_t)f.layout.off[broken[_i].member],
               broken[_i].value);
    fake_read(&f);
    ck_assert_uint_eq(fake_findings(&f, "pool-header"), 1);
    ck_assert_uint_eq(insp_pools_number(&f.heap.pools, block, &start), INSP_NONE);
    ck_assert_uint_eq(insp_pools_find(&f.heap.pools, block)->state, INSP_POOL_EMPTY);
}
END_TEST

static void add_tracked(insp_addr *lists, uint32_t n, uint32_t generation)
{
    for (uint32_t i = 0; i < n; i++) {
        lists[i] = fake_list(&f, NULL, 0);
        fake_keep(&f, lists[i]);
        fake_track(&f, lists[i], generation);
    }
}

START_TEST(a_gc_list_says_which_generation_an_object_is_in)
{
    insp_addr young, frozen, loose = fake_list(&f, NULL, 0);
    add_tracked(&young, 1, 1);
    add_tracked(&frozen, 1, 3);
    fake_keep(&f, loose);
    fake_read(&f);
    ck_assert_str_eq(insp_gc_name(insp_heap_gc(&f.heap, fake_number(&f, young))), "gen1");
    ck_assert_str_eq(insp_gc_name(insp_heap_gc(&f.heap, fake_number(&f, frozen))), "frozen");
    ck_assert_str_eq(insp_gc_name(insp_heap_gc(&f.heap, fake_number(&f, loose))), "untracked");
    ck_assert_ptr_null(insp_gc_name(insp_heap_gc(&f.heap, fake_number(&f, f.none))));
}
END_TEST

// From the head as far as it goes, and from its other end.
START_TEST(a_gc_list_that_is_broken_is_entered_from_both_ends)
{
    insp_addr lists[5];
    add_tracked(lists, 5, 0);
    fake_put(&f, fake_head(&f, lists[2]), FAKE_MALLOC + FAKE_ROOM - 256);
    fake_read(&f);
    ck_assert_uint_ge(fake_findings(&f, "gc-list"), 1);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(insp_heap_gc(&f.heap, fake_number(&f, lists[i])), INSP_GC_FIRST_LIST);
}
END_TEST

START_TEST(a_gc_list_that_ends_in_no_memory_is_a_finding)
{
    insp_addr lists[3];
    add_tracked(lists, 3, 0);
    fake_put(&f, fake_head(&f, lists[1]), UINT64_C(0x123450));
    fake_read(&f);
    ck_assert_uint_ge(fake_findings(&f, "gc-list"), 1);
    ck_assert_int_eq(insp_heap_gc(&f.heap, fake_number(&f, lists[2])), INSP_GC_FIRST_LIST);
}
END_TEST

START_TEST(a_gc_list_that_runs_in_a_circle_ends_with_a_finding)
{
    insp_addr lists[4];
    add_tracked(lists, 4, 0);
    fake_put(&f, fake_head(&f, lists[2]), fake_head(&f, lists[1]));
    fake_read(&f);
    ck_assert_uint_ge(fake_findings(&f, "gc-list"), 1);
    ck_assert_ptr_nonnull(strstr(f.findings.rows.at[0].text, "a second time"));
    ck_assert_int_eq(insp_heap_gc(&f.heap, fake_number(&f, lists[3])), INSP_GC_FIRST_LIST);
}
END_TEST

// As program headers can say that the same bytes of a core are at many places.
START_TEST(memory_is_what_exists_whatever_is_claimed)
{
    enum { TIMES = 64 };
    for (insp_addr i = 0; i < TIMES; i++)
        ck_ok(insp_space_add(&f.space,
                             (insp_segment){.start = 0x10000000 + i * FAKE_ROOM,
                                            .end = 0x10000000 + (i + 1) * FAKE_ROOM,
                                            .bytes = f.malloced,
                                            .module = INSP_NONE},
                             &err));
    fake_open(&f);
    ck_assert_uint_eq(f.heap.memory, 3u * FAKE_ROOM);
}
END_TEST

START_TEST(what_a_core_lost_does_not_make_room_for_arenas_without_end)
{
    enum { ENTRIES = 5000 };
    uint32_t step = (uint32_t)INSP_OFF(&f.layout, arena_object, sizeof);
    insp_addr array = fake_chunk(&f, ENTRIES * step);
    memcpy(fake_at(&f, array), fake_at(&f, f.arena_objects), step);
    for (insp_addr i = 1; i < ENTRIES; i++) {
        insp_addr at = array + i * step;
        FAKE_SET(&f, at, arena_object, address, FAKE_ARENA + 2 * i * FAKE_ROOM);
        FAKE_SET(&f, at, arena_object, pool_address, FAKE_ARENA + 2 * i * FAKE_ROOM);
    }
    fake_open(&f);
    f.py.pymalloc.states.at[0].arenas = array;
    f.py.pymalloc.states.at[0].maxarenas = ENTRIES;
    insp_range lost = {UINT64_C(1) << 48, UINT64_C(1) << 62};
    ck_ok(insp_space_lose(&f.space, lost, &err));
    insp_pools p;
    ck_ok(insp_pools_read(&p, &f.py, &err));
    ck_assert_uint_ge(p.arenas.len, 3);
    ck_assert_uint_le(p.rows.len * sizeof(insp_pool_row), 2 * f.heap.memory);
    insp_pools_deinit(&p);
}
END_TEST

// After most arenas were given back the one that is left may be far down the table.
START_TEST(one_object_is_seen_in_the_last_arena_of_a_long_table)
{
    enum { ENTRIES = 5000 };
    uint32_t step = (uint32_t)INSP_OFF(&f.layout, arena_object, sizeof);
    insp_addr one = fake_str(&f, "one"), array = fake_chunk(&f, ENTRIES * step);
    insp_addr last = array + (ENTRIES - 1) * step;
    fake_keep(&f, one);
    memcpy(fake_at(&f, last), fake_at(&f, f.arena_objects), step);
    fake_open(&f);
    f.py.pymalloc.states.at[0].arenas = array;
    f.py.pymalloc.states.at[0].maxarenas = ENTRIES;
    ck_ok(insp_heap_look(&f.heap, &err));
    ck_assert_uint_eq(f.heap.arenas.len, 1);
    ck_assert_uint_eq(f.heap.arenas.at[0].index, ENTRIES - 1);
    ck_assert_uint_eq(insp_heap_admit(&f.heap, one + 8), INSP_NONE);
    uint64_t size = 0;
    // Its pool says another index than the entry's: no block of a pool then.
    ck_assert_uint_eq(insp_block_of(&f.heap, one, &size), 0);
    FAKE_SET32(&f, fake_pool_of(one), pool_header, arenaindex, ENTRIES - 1);
    ck_assert_uint_ne(insp_heap_admit(&f.heap, one), INSP_NONE);
    ck_assert_uint_eq(insp_block_of(&f.heap, one, &size), one);
    ck_assert_uint_gt(size, 0);
}
END_TEST

// 3.11's static objects start near 10^9: what a block says beyond that is no count of references.
START_TEST(a_count_that_says_nothing_is_not_held_against_references)
{
    insp_addr one = fake_str(&f, "one"), other = fake_str(&f, "other");
    fake_keep(&f, one);
    fake_keep(&f, other);
    fake_count(&f, other, 999999999);
    fake_read(&f);
    ck_assert(f.heap.kind.at[fake_number(&f, one)] & INSP_K_COUNTED);
    ck_assert(!(f.heap.kind.at[fake_number(&f, other)] & INSP_K_COUNTED));
}
END_TEST

static void add_frame(insp_addr at, insp_addr code, insp_addr previous)
{
    FAKE_SET(&f, at, PyInterpreterFrame, f_code, code);
    FAKE_SET(&f, at, PyInterpreterFrame, previous, previous);
}

// Each thread of a damaged core may claim the same long chain.
START_TEST(a_frame_is_one_threads)
{
    enum { FRAMES = 8 };
    uint32_t size = (uint32_t)INSP_OFF(&f.layout, PyInterpreterFrame, sizeof);
    insp_addr code = fake_block(&f, 256), frames = fake_chunk(&f, FRAMES * size);
    insp_addr second = fake_chunk(&f, (uint32_t)INSP_OFF(&f.layout, PyThreadState, sizeof));
    FAKE_SET(&f, code, PyObject, ob_type, f.code_type);
    fake_count(&f, code, 1);
    for (uint32_t i = 0; i < FRAMES; i++)
        add_frame(frames + i * size, code, i + 1 < FRAMES ? frames + (i + 1) * size : 0);
    FAKE_SET(&f, second, PyThreadState, interp, f.interp);
    FAKE_SET(&f, f.tstate, PyThreadState, next, second);
    fake_open(&f);
    ck_assert_uint_eq(f.py.threads.len, 2);
    f.py.threads.at[0].frame = frames;
    f.py.threads.at[1].frame = frames + size;
    ck_ok(insp_heap_enumerate(&f.heap, &err));
    ck_ok(insp_roots_collect(&f.heap, &err));
    uint32_t n = 0;
    for (size_t i = 0; i < f.heap.roots.len; i++)
        n += !strcmp(f.heap.roots.at[i].kind, "frame");
    ck_assert_uint_eq(n, FRAMES);
    ck_assert_uint_eq(fake_findings(&f, "frame"), 1);
}
END_TEST

START_TEST(bases_that_run_in_a_circle_end)
{
    insp_addr other = fake_type(&f, "other", 16, 0, 0);
    FAKE_SET(&f, f.object_type, PyTypeObject, tp_base, other);
    FAKE_SET(&f, other, PyTypeObject, tp_base, f.object_type);
    fake_read(&f);
    ck_assert_uint_ne(insp_heap_number(&f.heap, f.keeper), INSP_NONE);
}
END_TEST

START_TEST(a_count_that_nobody_holds_stays_as_remainder)
{
    insp_addr leaked = fake_str(&f, "leaked"), released = fake_list(&f, NULL, 0);
    fake_keep(&f, leaked);
    fake_keep(&f, leaked);
    fake_count(&f, leaked, 3);
    fake_keep(&f, released);
    fake_keep(&f, released);
    fake_count(&f, released, -1);
    fake_read(&f);
    ck_assert_int_eq(fake_remainder(&f, leaked), 3);
    ck_assert_int_eq(fake_remainder(&f, released), -1);
    ck_assert_int_eq(fake_remainder(&f, f.keeper), 0);
}
END_TEST

START_TEST(a_reference_to_no_object_is_a_finding_and_takes_from_nobody)
{
    insp_addr item = fake_int(&f, 5), list = fake_list(&f, &item, 1);
    fake_keep(&f, list);
    insp_addr slot = FAKE_GET(&f, list, PyListObject, ob_item);
    fake_put(&f, slot, FAKE_MALLOC + FAKE_ROOM - 64);
    fake_read(&f);
    ck_assert_uint_eq(fake_findings(&f, "reference"), 1);
    ck_assert_uint_eq(f.findings.rows.at[0].addr, slot);
    ck_assert_int_eq(fake_remainder(&f, item), 1);
}
END_TEST

static int64_t size_of(insp_addr object, bool *known)
{
    const insp_typeinfo *t = f.heap.types.at.at[f.heap.type.at[fake_number(&f, object)]];
    return insp_object_size(&f.heap, object, t, known);
}

// As sys.getsizeof of CPython 3.11 says.
START_TEST(sizes_are_those_of_getsizeof)
{
    static const uint32_t e_acute = 0xe9, omega[] = {0x3a9, 0x3a9}, grin = 0x1f600;
    insp_addr three[] = {f.none, f.none, f.none};
    insp_addr names[] = {fake_str(&f, "a"), fake_str(&f, "b"), fake_str(&f, "c")};
    insp_addr ints[] = {fake_int(&f, 0), fake_int(&f, 1), fake_int(&f, -2)};
    const struct {
        insp_addr object;
        int64_t size;
    } all[] = {
        {fake_list(&f, three, 3), 56 + 24},
        {fake_tuple(&f, three, 3), 40 + 24},
        {ints[0], 28},
        {ints[2], 28},
        {fake_str(&f, "abc"), 52},
        {fake_wide(&f, &e_acute, 1, 1), 74},
        {fake_wide(&f, omega, 2, 2), 78},
        {fake_wide(&f, &grin, 1, 4), 80},
        {fake_bytes(&f, "abc", 3), 36},
        {fake_dict(&f, FAKE_UNICODE, names, three, 3), 184},
        {fake_dict(&f, FAKE_GENERAL, ints, three, 3), 224},
        {fake_set(&f, three, 1), 216},
        {fake_weakref(&f, f.keeper, 0), 88},
        {f.none, 16},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        fake_keep(&f, all[i].object);
    fake_read(&f);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bool known = false;
        ck_assert_int_eq(size_of(all[i].object, &known), all[i].size);
        ck_assert(known);
    }
}
END_TEST

START_TEST(bytes_are_those_of_the_blocks_an_object_owns)
{
    insp_addr items[] = {f.none, f.none, f.none, f.none, f.none}, block;
    insp_addr list = fake_list(&f, items, 5);
    uint64_t size;
    fake_keep(&f, list);
    fake_read(&f);
    uint64_t malloc_bytes = f.heap.malloc_bytes;
    // 16 + 40 bytes lie in a block of 64; 40 bytes in a chunk of 48, 8 of them malloc's.
    ck_assert_uint_eq(insp_object_bytes(&f.heap, fake_number(&f, list), &block, &size),
                      64 + 40);
    ck_assert_uint_eq(block, fake_head(&f, list));
    ck_assert_uint_eq(size, 64);
    ck_assert_uint_eq(f.heap.malloc_bytes, malloc_bytes);
}
END_TEST

static const uint64_t huge_sizes[] = {UINT64_C(1) << 62, INT64_MAX, UINT64_C(1) << 63,
                                      UINT64_MAX, INT64_MAX / 4};

START_TEST(a_size_that_no_memory_holds_is_not_known)
{
    uint64_t huge = huge_sizes[_i];
    static const uint32_t omega = 0x3a9;
    insp_addr list = fake_list(&f, NULL, 0), set = fake_set(&f, NULL, 0);
    insp_addr str = fake_wide(&f, &omega, 1, 2), number = fake_int(&f, 1);
    insp_addr tuple = fake_tuple(&f, NULL, 0), bytes = fake_bytes(&f, "", 0);
    insp_addr all[] = {list, set, str, number, tuple, bytes};
    for (size_t i = 0; i < 6; i++)
        fake_keep(&f, all[i]);
    fake_read(&f);
    FAKE_SET(&f, list, PyListObject, allocated, huge);
    FAKE_SET(&f, set, PySetObject, table, FAKE_MALLOC);
    FAKE_SET(&f, set, PySetObject, mask, huge);
    FAKE_SET(&f, str, PyASCIIObject, length, huge);
    FAKE_SET(&f, number, PyVarObject, ob_size, huge);
    FAKE_SET(&f, tuple, PyVarObject, ob_size, huge);
    FAKE_SET(&f, bytes, PyVarObject, ob_size, huge);
    bool known = true;
    for (size_t i = 0; i < 6; i++) {
        // -1 is a length of one digit, one item: what its sign says is the type's business.
        if (huge == UINT64_MAX && (all[i] == number || all[i] == tuple || all[i] == bytes))
            continue;
        (void)size_of(all[i], &known);
        ck_assert_msg(!known, "object %zu", i);
    }
}
END_TEST

static const struct {
    insp_member member;
    const char *structure;
} proved[] = {
    {INSP_F_PyTupleObject_ob_item, "tuple"},      {INSP_F_PyTypeObject_tp_mro, "tuple"},
    {INSP_F_PyDictObject_ma_keys, "dict"},        {INSP_F_PyDictKeysObject_dk_nentries, "dict"},
    {INSP_F_PyDictKeysObject_dk_indices, "dict"}, {INSP_F_PyDictObject_ma_used, "dict"},
    {INSP_F_PyASCIIObject_length, "str"},         {INSP_F_PyASCIIObject_state, "str"},
    {INSP_F_PyASCIIObject_sizeof, "str"},         {INSP_F_pool_header_ref_count, "pools"},
};

START_TEST(a_proof_fails_where_a_field_of_objects_lies_elsewhere)
{
    static const int32_t moves[] = {4, 8, -8};
    fake_read(&f);
    ck_assert(!insp_refuted(&f.py, proved[_i].structure));
    for (int i = 0; i < 3; i++) {
        int32_t *offset = &f.py.layout.off[proved[_i].member], before = *offset;
        f.py.proofs.len = 0;
        *offset += moves[i];
        ck_ok(insp_heap_prove(&f.heap, &err));
        // A pool's count is 32 bits, and the half behind it is padding: 0.
        ck_assert_msg(insp_refuted(&f.py, proved[_i].structure), "moved by %d", moves[i]);
        *offset = before;
    }
}
END_TEST

static bool stop_at_once(void *ctx, uint64_t done, uint64_t total, uint64_t objects)
{
    (void)ctx, (void)done, (void)total, (void)objects;
    return true;
}

START_TEST(enumerating_stops_when_it_is_told_to)
{
    fake_open(&f);
    f.heap.watch = (insp_watch){stop_at_once, NULL};
    ck_fails(insp_heap_enumerate(&f.heap, &err), INSP_ERR_CANCELLED, 0, "stopped");
}
END_TEST

static void add_pool_tests(TCase *t)
{
    tcase_add_test(t, every_block_of_every_size_class_has_a_number_and_back);
    tcase_add_test(t, a_free_block_is_no_object_whatever_its_bytes_say);
    tcase_add_test(t, a_tracked_object_in_a_free_block_is_a_finding);
    tcase_add_test(t, a_free_list_that_leaves_its_pool_is_a_finding);
    tcase_add_test(t, a_free_list_that_points_between_blocks_is_a_finding);
    tcase_add_test(t, a_free_list_that_loops_ends_and_does_not_agree_with_the_count);
    tcase_add_loop_test(t, a_pool_whose_header_is_no_pools_is_left_out, 0, 4);
}

static void add_gc_tests(TCase *t)
{
    tcase_add_test(t, a_gc_list_says_which_generation_an_object_is_in);
    tcase_add_test(t, a_gc_list_that_is_broken_is_entered_from_both_ends);
    tcase_add_test(t, a_gc_list_that_ends_in_no_memory_is_a_finding);
    tcase_add_test(t, a_gc_list_that_runs_in_a_circle_ends_with_a_finding);
}

extern Suite *insp_heap_suite(void);
Suite *insp_heap_suite(void)
{
    Suite *s = suite_create("heap");
    TCase *t = tcase_create("heap");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_sound_heap_balances_and_has_no_findings);
    tcase_add_test(t, objects_have_the_number_of_their_address);
    add_pool_tests(t);
    add_gc_tests(t);
    tcase_add_test(t, memory_is_what_exists_whatever_is_claimed);
    tcase_add_test(t, what_a_core_lost_does_not_make_room_for_arenas_without_end);
    tcase_add_test(t, one_object_is_seen_in_the_last_arena_of_a_long_table);
    tcase_add_test(t, a_count_that_says_nothing_is_not_held_against_references);
    tcase_add_test(t, a_frame_is_one_threads);
    tcase_add_test(t, bases_that_run_in_a_circle_end);
    tcase_add_test(t, a_count_that_nobody_holds_stays_as_remainder);
    tcase_add_test(t, a_reference_to_no_object_is_a_finding_and_takes_from_nobody);
    tcase_add_test(t, sizes_are_those_of_getsizeof);
    tcase_add_test(t, bytes_are_those_of_the_blocks_an_object_owns);
    tcase_add_loop_test(t, a_size_that_no_memory_holds_is_not_known, 0,
                        sizeof(huge_sizes) / sizeof(huge_sizes[0]));
    tcase_add_loop_test(t, a_proof_fails_where_a_field_of_objects_lies_elsewhere, 0,
                        sizeof(proved) / sizeof(proved[0]));
    tcase_add_test(t, enumerating_stops_when_it_is_told_to);
    suite_add_tcase(s, t);
    return s;
}
