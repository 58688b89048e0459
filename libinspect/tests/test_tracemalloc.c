// SPDX-License-Identifier: MIT
#include "support/fakeheap.h"

static fakeheap f;

enum { BUCKETS = 16, HERE = FAKE_ROOM - 64, FRAME = 12, FRAMES_AT = 12 };

static void set_up(void)
{
    fake_init(&f);
}

static void tear_down(void)
{
    fake_deinit(&f);
}

static uint64_t rotated(insp_addr key)
{
    return key >> 4 | key << 60;
}

static insp_addr table_at(uint32_t variable)
{
    insp_addr table = fake_chunk(&f, 80), buckets = fake_chunk(&f, BUCKETS * 8);
    FAKE_SET(&f, table, _Py_hashtable_t, nbuckets, BUCKETS);
    FAKE_SET(&f, table, _Py_hashtable_t, buckets, buckets);
    for (insp_addr i = 0; i < BUCKETS; i++)
        fake_put(&f, buckets + 8 * i, 0);
    fake_put(&f, FAKE_MODULE + HERE + 8 * variable, table);
    return table;
}

static insp_addr add(insp_addr table, insp_addr key, uint64_t hash, insp_addr value)
{
    insp_addr entry = fake_chunk(&f, 32);
    insp_addr bucket = FAKE_GET(&f, table, _Py_hashtable_t, buckets) + 8 * (hash % BUCKETS);
    fake_put(&f, entry, fake_get(&f, bucket));
    FAKE_SET(&f, entry, _Py_hashtable_entry_t, key_hash, hash);
    FAKE_SET(&f, entry, _Py_hashtable_entry_t, key, key);
    FAKE_SET(&f, entry, _Py_hashtable_entry_t, value, value);
    fake_put(&f, bucket, entry);
    FAKE_SET(&f, table, _Py_hashtable_t, nentries,
             FAKE_GET(&f, table, _Py_hashtable_t, nentries) + 1);
    return entry;
}

// size, and a traceback of two frames of three.
static insp_addr trace_of(uint64_t size, insp_addr file)
{
    insp_addr trace = fake_chunk(&f, 16), back = fake_chunk(&f, FRAMES_AT + 2 * FRAME);
    fake_put(&f, trace, size);
    fake_put(&f, trace + 8, back);
    fake_put32(&f, back + 8, 2 | 3 << 16);
    for (uint32_t i = 0; i < 2; i++) {
        insp_addr frame = back + FRAMES_AT + (insp_addr)FRAME * i;
        fake_put32(&f, frame, (uint32_t)file);
        fake_put32(&f, frame + 4, (uint32_t)(file >> 32));
        fake_put32(&f, frame + 8, 10 + i);
    }
    return trace;
}

START_TEST(tables_are_found_by_what_they_hold)
{
    insp_addr file = fake_str(&f, "shop.py"), list = fake_list(&f, NULL, 0);
    FAKE_SET(&f, file, PyASCIIObject, hash, 77);
    fake_keep(&f, list);
    insp_addr traces = table_at(0), names = table_at(1);
    insp_addr block = list - 16;
    (void)add(traces, block, rotated(block), trace_of(56, file));
    insp_addr entry = add(names, file, 77, 0);
    fake_own(&f, FAKE_AT(&f, entry, _Py_hashtable_entry_t, key), file);
    fake_read(&f);
    ck_assert_uint_eq(f.py.tracemalloc.traces, traces);
    ck_assert_uint_eq(f.py.tracemalloc.filenames, names);
    ck_assert_int_eq(fake_remainder(&f, file), 0);

    insp_reader r = insp_reader_of(&f.space, &f.py.layout);
    insp_trace trace;
    insp_trace_frame frame;
    ck_assert(insp_trace_of(&r, &f.py.tracemalloc, block, &trace));
    ck_assert_uint_eq(trace.size, 56);
    ck_assert_uint_eq(trace.n_frames, 2);
    ck_assert_uint_eq(trace.n_all, 3);
    ck_assert(insp_trace_frame_at(&r, &trace, 1, &frame));
    ck_assert_uint_eq(frame.filename, file);
    ck_assert_uint_eq(frame.line, 11);
    ck_assert(!insp_trace_frame_at(&r, &trace, 2, &frame));
    ck_assert(!insp_trace_of(&r, &f.py.tracemalloc, block + 16, &trace));
}
END_TEST

START_TEST(what_hashes_to_something_else_is_no_table_of_traces)
{
    insp_addr file = fake_str(&f, "shop.py");
    fake_keep(&f, file);
    insp_addr traces = table_at(0);
    (void)add(traces, file, rotated(file) + 1, trace_of(56, file));
    fake_read(&f);
    ck_assert_uint_eq(f.py.tracemalloc.traces, 0);
}
END_TEST

START_TEST(a_bucket_that_is_a_circle_ends)
{
    insp_addr file = fake_str(&f, "shop.py");
    fake_keep(&f, file);
    insp_addr traces = table_at(0), block = FAKE_MALLOC + 64;
    insp_addr entry = add(traces, block, rotated(block), trace_of(56, file));
    fake_put(&f, entry, entry);
    FAKE_SET(&f, traces, _Py_hashtable_t, nentries, BUCKETS);
    fake_read(&f);
    ck_assert_uint_eq(f.py.tracemalloc.traces, traces);
    insp_reader r = insp_reader_of(&f.space, &f.py.layout);
    insp_trace trace;
    ck_assert(!insp_trace_of(&r, &f.py.tracemalloc, block + BUCKETS * 16, &trace));
}
END_TEST

extern Suite *insp_tracemalloc_suite(void);
Suite *insp_tracemalloc_suite(void)
{
    Suite *s = suite_create("tracemalloc");
    TCase *tc = tcase_create("tracemalloc");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, tables_are_found_by_what_they_hold);
    tcase_add_test(tc, what_hashes_to_something_else_is_no_table_of_traces);
    tcase_add_test(tc, a_bucket_that_is_a_circle_ends);
    suite_add_tcase(s, tc);
    return s;
}
