// SPDX-License-Identifier: MIT
#include <elf.h>

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

// What insp_cpython_open starts from.
static void start(void)
{
    f.py = (insp_cpython){.space = &f.space, .text = &f.text, .findings = &f.findings};
}

START_TEST(the_runtime_is_found_by_what_points_back_at_it)
{
    fake_open(&f);
    ck_assert_uint_eq(f.py.runtime, f.runtime);
    ck_assert_str_eq(f.py.version, "3.11.2");
    ck_assert_uint_eq(f.py.hex, 0x030b02f0);
    ck_assert_ptr_nonnull(strstr(f.py.found_by, "by search"));
    ck_assert_uint_eq(f.py.interps.len, 1);
    ck_assert_uint_eq(f.py.interps.at[0].addr, f.interp);
    ck_assert_int_eq(f.py.interps.at[0].gc_enabled, 1);
    ck_assert_uint_eq(f.py.threads.len, 1);
    ck_assert_int_eq(f.py.threads.at[0].tid, 77);
    ck_assert_uint_eq(f.py.type_type, f.type_type);
    ck_assert_uint_eq(f.findings.rows.len, 0);
}
END_TEST

START_TEST(without_the_way_back_there_is_no_python)
{
    start();
    FAKE_SET(&f, f.interp, PyInterpreterState, runtime, f.runtime + 8);
    ck_fails(insp_cpython_open(&f.py, &f.images, &err), INSP_ERR_NO_PYTHON, 0,
             "no Python interpreter");
    insp_cpython_close(&f.py);
}
END_TEST

// "3.11.2 (main, " is what tells; a version number alone stands in many places.
START_TEST(a_banner_that_is_none_tells_no_version)
{
    static const char *const banners[] = {"3.11.2 [main, ", "3.11.x (main, ", "3.1111.2 (main",
                                          "3.11 (main, ", "4.11.2 (main, "};
    start();
    memset(fake_at(&f, FAKE_MODULE + 0x20), 0, 32);
    memcpy(fake_at(&f, FAKE_MODULE + 0x20), banners[_i], strlen(banners[_i]));
    ck_fails(insp_cpython_open(&f.py, &f.images, &err), INSP_ERR_NO_PYTHON, 0,
             "no Python interpreter");
    insp_cpython_close(&f.py);
}
END_TEST

static insp_addr add_interpreter(insp_addr before, int64_t id)
{
    // In the malloc range, where a second interpreter would be.
    insp_addr at = fake_chunk(&f, (uint32_t)INSP_OFF(&f.layout, PyInterpreterState, sizeof));
    FAKE_SET(&f, at, PyInterpreterState, runtime, f.runtime);
    FAKE_SET(&f, at, PyInterpreterState, id, (uint64_t)id);
    FAKE_SET(&f, before, PyInterpreterState, next, at);
    return at;
}

START_TEST(every_interpreter_is_read)
{
    insp_addr second = add_interpreter(f.interp, 1), third = add_interpreter(second, 2);
    fake_open(&f);
    ck_assert_uint_eq(f.py.interps.len, 3);
    ck_assert_uint_eq(f.py.interps.at[2].addr, third);
    ck_assert_int_eq(f.py.interps.at[2].id, 2);
}
END_TEST

START_TEST(a_circle_of_interpreters_ends_with_a_finding)
{
    insp_addr second = add_interpreter(f.interp, 1), third = add_interpreter(second, 2);
    FAKE_SET(&f, third, PyInterpreterState, next, second);
    fake_open(&f);
    ck_assert_uint_eq(f.py.interps.len, 3);
    ck_assert_uint_eq(fake_findings(&f, "interpreter-list"), 1);
    ck_assert_uint_eq(f.findings.rows.at[0].addr, second);
}
END_TEST

START_TEST(an_interpreter_in_no_memory_ends_the_list)
{
    FAKE_SET(&f, f.interp, PyInterpreterState, next, 0x1000);
    fake_open(&f);
    ck_assert_uint_eq(f.py.interps.len, 1);
    ck_assert_uint_eq(fake_findings(&f, "interpreter-list"), 1);
}
END_TEST

static insp_addr add_thread(insp_addr before)
{
    insp_addr at = fake_chunk(&f, (uint32_t)INSP_OFF(&f.layout, PyThreadState, sizeof));
    FAKE_SET(&f, at, PyThreadState, interp, f.interp);
    FAKE_SET(&f, before, PyThreadState, next, at);
    return at;
}

START_TEST(a_circle_of_threads_ends_with_a_finding)
{
    insp_addr second = add_thread(f.tstate);
    FAKE_SET(&f, second, PyThreadState, next, f.tstate);
    fake_open(&f);
    ck_assert_uint_eq(f.py.threads.len, 2);
    ck_assert_int_eq(f.py.interps.at[0].n_threads, 2);
    ck_assert_uint_eq(fake_findings(&f, "thread-list"), 1);
}
END_TEST

// Each thread of a damaged core may claim the same long chain of exceptions.
START_TEST(chains_of_exceptions_are_bounded_for_all_threads_together)
{
    enum { ITEMS = 20000, THREADS = 200 };
    uint32_t size = (uint32_t)INSP_OFF(&f.layout, PyErr_StackItem, previous_item) + 8;
    insp_addr items = fake_chunk(&f, ITEMS * size), last = items + (ITEMS - 1) * size;
    for (insp_addr at = items; at < last; at += size)
        FAKE_SET(&f, at, PyErr_StackItem, previous_item, at + size);
    FAKE_SET(&f, last, PyErr_StackItem, exc_value, f.none);
    FAKE_SET(&f, f.tstate, PyThreadState, exc_info, items);
    insp_addr thread = f.tstate;
    for (int i = 1; i < THREADS; i++) {
        thread = add_thread(thread);
        FAKE_SET(&f, thread, PyThreadState, exc_info, items);
    }
    fake_open(&f);
    ck_assert_uint_eq(f.py.threads.len, THREADS);
    ck_assert_uint_eq(f.py.threads.at[0].handled, f.none);
    ck_assert_uint_eq(f.py.threads.at[THREADS - 1].handled, 0);
}
END_TEST

START_TEST(a_thread_of_another_interpreter_ends_the_list)
{
    insp_addr second = add_thread(f.tstate);
    (void)add_thread(second);
    FAKE_SET(&f, second, PyThreadState, interp, f.interp + 8);
    fake_open(&f);
    ck_assert_uint_eq(f.py.threads.len, 1);
    ck_assert_uint_eq(fake_findings(&f, "thread-list"), 1);
}
END_TEST

START_TEST(the_arenas_are_found_by_the_pools_of_tracked_objects)
{
    fake_open(&f);
    ck_assert_uint_eq(f.py.pymalloc.states.at[0].arenas, f.arena_objects);
    ck_assert_uint_eq(f.py.pymalloc.states.at[0].maxarenas, 16);
    ck_assert_uint_eq(f.py.pymalloc.pool_size, FAKE_POOL);
    ck_assert_str_eq(f.py.allocator, "pymalloc");
}
END_TEST

START_TEST(without_arenas_the_allocator_is_malloc)
{
    FAKE_SET(&f, f.arena_objects, arena_object, address, FAKE_ARENA + FAKE_ROOM);
    fake_open(&f);
    ck_assert_uint_eq(f.py.pymalloc.states.len, 0);
    ck_assert_str_eq(f.py.allocator, "malloc");
}
END_TEST

START_TEST(an_entry_that_is_no_arena_ends_the_array)
{
    insp_addr third =
        f.arena_objects + 2u * (uint32_t)INSP_OFF(&f.layout, arena_object, sizeof);
    FAKE_SET(&f, third, arena_object, address, FAKE_ARENA + 1);
    fake_open(&f);
    ck_assert_uint_eq(f.py.pymalloc.states.at[0].maxarenas, 2);
}
END_TEST

static const struct {
    insp_member member;
    const char *structure;
} proved[] = {
    {INSP_F_PyObject_ob_type, "PyObject"},
    {INSP_F_PyTypeObject_tp_basicsize, "PyTypeObject"},
    {INSP_F_PyHeapTypeObject_sizeof, "PyTypeObject"},
    {INSP_F_PyInterpreterState_runtime, "PyInterpreterState"},
    {INSP_F_gc_runtime_state_generation0, "gc state"},
    {INSP_F_PyGC_Head__gc_next, "gc state"},
    {INSP_F_PyGC_Head__gc_prev, "gc state"},
};

START_TEST(a_proof_fails_where_its_field_lies_elsewhere)
{
    static const int32_t moves[] = {4, 8, -8};
    fake_open(&f);
    ck_assert(!insp_refuted(&f.py, proved[_i].structure));
    for (int i = 0; i < 3; i++) {
        int32_t *offset = &f.py.layout.off[proved[_i].member], before = *offset;
        f.py.proofs.len = 0;
        *offset += moves[i];
        ck_ok(insp_layout_prove(&f.py, &err));
        ck_assert_msg(insp_refuted(&f.py, proved[_i].structure), "moved by %d", moves[i]);
        *offset = before;
    }
    f.py.proofs.len = 0;
    ck_ok(insp_layout_prove(&f.py, &err));
    ck_assert(!insp_refuted(&f.py, proved[_i].structure));
}
END_TEST

START_TEST(generations_elsewhere_are_refuted)
{
    fake_open(&f);
    insp_cpython_close(&f.py);
    f.py.interps = (insp_interps){0};
    f.py.threads = (insp_tstates){0};
    f.py.proofs = (insp_proof_rows){0};
    INSP_OFF(&f.py.layout, gc_runtime_state, generations) += 8;
    ck_ok(insp_interps_read(&f.py, &err));
    ck_ok(insp_layout_prove(&f.py, &err));
    ck_assert(insp_refuted(&f.py, "gc state"));
}
END_TEST

START_TEST(a_chain_of_frames_without_code_is_refuted)
{
    insp_addr frame = fake_chunk(&f, 128), cframe = fake_chunk(&f, 32);
    FAKE_SET(&f, f.tstate, PyThreadState, cframe, cframe);
    FAKE_SET(&f, cframe, PyCFrame, current_frame, frame);
    FAKE_SET(&f, frame, PyInterpreterFrame, f_code, f.none);
    // Before its first instruction.
    insp_addr first = f.none + (uint32_t)INSP_OFF(&f.layout, PyCodeObject, co_code_adaptive);
    FAKE_SET(&f, frame, PyInterpreterFrame, prev_instr, first - 2);
    FAKE_SET(&f, frame, PyInterpreterFrame, f_locals, f.keeper);
    fake_open(&f);
    ck_assert_uint_eq(f.py.threads.at[0].frame, frame);
    ck_assert(!insp_refuted(&f.py, "frames"));
    f.py.proofs.len = 0;
    FAKE_SET(&f, frame, PyInterpreterFrame, prev_instr, first - 4);
    ck_ok(insp_layout_prove(&f.py, &err));
    ck_assert(insp_refuted(&f.py, "frames"));
    f.py.proofs.len = 0;
    FAKE_SET(&f, frame, PyInterpreterFrame, prev_instr, first - 2);
    FAKE_SET(&f, frame, PyInterpreterFrame, f_code, FAKE_MALLOC);
    ck_ok(insp_layout_prove(&f.py, &err));
    ck_assert(insp_refuted(&f.py, "frames"));
}
END_TEST

// Code of a module without names, the code in their place, the frame's own object, and what is no object.
START_TEST(a_frame_without_names_is_refuted)
{
    insp_addr frame = fake_chunk(&f, 128), cframe = fake_chunk(&f, 32),
              code = fake_block(&f, 256);
    insp_addr object = fake_block(&f, 64);
    FAKE_SET(&f, object, PyObject, ob_type, f.dict_type);
    FAKE_SET(&f, object, PyFrameObject, f_frame, frame);
    FAKE_SET(&f, code, PyObject, ob_type, f.none_type);
    FAKE_SET(&f, f.tstate, PyThreadState, cframe, cframe);
    FAKE_SET(&f, cframe, PyCFrame, current_frame, frame);
    FAKE_SET(&f, frame, PyInterpreterFrame, f_code, code);
    FAKE_SET(&f, frame, PyInterpreterFrame, prev_instr,
             code + (uint32_t)INSP_OFF(&f.layout, PyCodeObject, co_code_adaptive) - 2);
    const insp_addr locals[] = {f.keeper, 0, code, object, FAKE_MALLOC};
    FAKE_SET(&f, frame, PyInterpreterFrame, f_locals, f.keeper);
    fake_open(&f);
    for (size_t i = 0; i < sizeof(locals) / sizeof(*locals); i++) {
        f.py.proofs.len = 0;
        FAKE_SET(&f, frame, PyInterpreterFrame, f_locals, locals[i]);
        ck_ok(insp_layout_prove(&f.py, &err));
        ck_assert(insp_refuted(&f.py, "frames") == (i > 0));
    }
    // A function has slots for them.
    f.py.proofs.len = 0;
    FAKE_SET(&f, frame, PyInterpreterFrame, f_locals, 0);
    fake_put32(&f, code + (uint32_t)INSP_OFF(&f.layout, PyCodeObject, co_flags), 1);
    ck_ok(insp_layout_prove(&f.py, &err));
    ck_assert(!insp_refuted(&f.py, "frames"));
}
END_TEST

START_TEST(a_type_is_what_type_or_a_metaclass_made)
{
    fake_open(&f);
    insp_reader r = insp_reader_of(&f.space, &f.layout);
    insp_addr meta = fake_type(&f, "meta", 904, 40, INSP_TPF_HAVE_GC | INSP_TPF_TYPE);
    insp_addr made = fake_type(&f, "made", 16, 0, 0);
    FAKE_SET(&f, made, PyObject, ob_type, meta);
    ck_assert(insp_is_type(&r, &f.py, f.int_type));
    ck_assert(insp_is_type(&r, &f.py, made));
    ck_assert(!insp_is_type(&r, &f.py, f.none));
    ck_assert(!insp_is_type(&r, &f.py, f.int_type + 4));
    ck_assert(!insp_is_type(&r, &f.py, 0));
    ck_assert(!insp_is_type(&r, &f.py, 0x1000));
    ck_assert(!r.bad);
}
END_TEST

START_TEST(findings_are_kept_up_to_a_bound_and_counted_beyond)
{
    insp_findings_log log = {.left_out = 0};
    for (uint64_t i = 0; i < INSP_FINDINGS_KEPT + 7; i++)
        insp_found(&log, "rule", i, "number %" PRIu64, i);
    ck_assert_uint_eq(log.rows.len, INSP_FINDINGS_KEPT);
    ck_assert_uint_eq(log.left_out, 7);
    ck_assert_str_eq(log.rows.at[3].text, "number 3");
    ck_assert_str_eq(log.rows.at[3].rule, "rule");
    ck_assert_uint_eq(log.rows.at[INSP_FINDINGS_KEPT - 1].addr, INSP_FINDINGS_KEPT - 1);
    insp_findings_deinit(&log);
}
END_TEST

START_TEST(there_is_no_layout_for_a_version_without_a_table)
{
    insp_layout layout;
    ck_assert(insp_layout_init(&layout, 0x030b00f0, 0, 0, EM_X86_64));
    ck_assert_str_eq(layout.table, "3.11");
    ck_assert(!insp_layout_init(&layout, 0x020700f0, 0, 0, EM_X86_64));
    ck_assert(!insp_layout_init(&layout, 0xff0000f0, 0, 0, EM_X86_64));
    ck_assert_str_eq(insp_member_struct(INSP_F_PyListObject_ob_item), "PyListObject");
    ck_assert_str_eq(insp_member_name(INSP_F_PyListObject_ob_item), "ob_item");
}
END_TEST

static int32_t moved_by(const insp_layout *from, const insp_layout *to, insp_member m)
{
    ck_assert_int_ge(from->off[m], 0);
    return to->off[m] - from->off[m];
}

// pthread_mutex_t has 48 bytes there instead of 40, and there are two of them in each lock of the interpreter.
START_TEST(what_lies_behind_a_mutex_is_elsewhere_on_aarch64)
{
    insp_layout plain, fit;
    ck_assert(insp_layout_init(&plain, 0x030d05f0, 0, 0, EM_NONE));
    ck_assert(insp_layout_init(&fit, 0x030d05f0, 0, 0, EM_X86_64));
    ck_assert_mem_eq(fit.off, plain.off, sizeof(plain.off));
    ck_assert(insp_layout_init(&fit, 0x030d05f0, 0, 0, EM_AARCH64));
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyInterpreterState_threads_head), 0);
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyInterpreterState_gil_switch_mutex), 8);
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyInterpreterState_static_types), 16);
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyInterpreterState_static_types_size), 0);
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyRuntimeState_interpreters_head), 0);

    ck_assert(insp_layout_init(&plain, 0x030b02f0, 0, 0, EM_X86_64));
    ck_assert(insp_layout_init(&fit, 0x030b02f0, 0, 0, EM_AARCH64));
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyRuntimeState_interpreters_head), 0);
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyRuntimeState_tstate_current), 16);
    ck_assert_int_eq(moved_by(&plain, &fit, INSP_F_PyInterpreterState_threads_head), 0);
}
END_TEST

extern Suite *insp_cpython_suite(void);

Suite *insp_cpython_suite(void)
{
    Suite *s = suite_create("cpython");
    TCase *t = tcase_create("cpython");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_runtime_is_found_by_what_points_back_at_it);
    tcase_add_test(t, without_the_way_back_there_is_no_python);
    tcase_add_loop_test(t, a_banner_that_is_none_tells_no_version, 0, 5);
    tcase_add_test(t, every_interpreter_is_read);
    tcase_add_test(t, a_circle_of_interpreters_ends_with_a_finding);
    tcase_add_test(t, an_interpreter_in_no_memory_ends_the_list);
    tcase_add_test(t, a_circle_of_threads_ends_with_a_finding);
    tcase_add_test(t, chains_of_exceptions_are_bounded_for_all_threads_together);
    tcase_add_test(t, a_thread_of_another_interpreter_ends_the_list);
    tcase_add_test(t, the_arenas_are_found_by_the_pools_of_tracked_objects);
    tcase_add_test(t, without_arenas_the_allocator_is_malloc);
    tcase_add_test(t, an_entry_that_is_no_arena_ends_the_array);
    tcase_add_loop_test(t, a_proof_fails_where_its_field_lies_elsewhere, 0,
                        sizeof(proved) / sizeof(proved[0]));
    tcase_add_test(t, generations_elsewhere_are_refuted);
    tcase_add_test(t, a_chain_of_frames_without_code_is_refuted);
    tcase_add_test(t, a_frame_without_names_is_refuted);
    tcase_add_test(t, a_type_is_what_type_or_a_metaclass_made);
    tcase_add_test(t, findings_are_kept_up_to_a_bound_and_counted_beyond);
    tcase_add_test(t, there_is_no_layout_for_a_version_without_a_table);
    tcase_add_test(t, what_lies_behind_a_mutex_is_elsewhere_on_aarch64);
    suite_add_tcase(s, t);
    return s;
}
