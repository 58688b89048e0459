// SPDX-License-Identifier: MIT
/**
 * @file
 * Sessions and jobs through the public header alone. What is asked most is asked of the whole of what a
 * session says: its export, its proofs, its findings, its problems.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/elfwriter.h"
#include "support/fakecore.h"

static fakeheap f;
static insp_session *session;
static insp_error err;
static char path[64];
static insp_addr list, dict, owner;

static void open_session(void)
{
    session = NULL;
    ck_ok(insp_open_core(path, NULL, NULL, &session, &err));
}

// A heap with something of each kind of answer: rings, a leak, a damaged list.
static void set_up(void)
{
    fake_init(&f);
    insp_addr items[] = {fake_str(&f, "x"), fake_int(&f, 5), f.none};
    list = fake_list(&f, items, 3);
    dict = fake_dict(&f, FAKE_UNICODE, items, &list, 1);
    owner = fake_tuple(&f, &dict, 1);
    insp_addr ring = fake_list(&f, &owner, 1);
    fake_own(&f, FAKE_GET(&f, ring, PyListObject, ob_item), ring);
    insp_addr tracked[] = {list, dict, owner, ring};
    for (size_t i = 0; i < 4; i++)
        fake_track(&f, tracked[i], 1);
    fake_keep(&f, owner);
    fake_count(&f, list, 2);
    fake_save(&f, path);
}

static void tear_down(void)
{
    insp_close(session);
    session = NULL;
    (void)unlink(path);
    fake_deinit(&f);
}

/** All that a session says, as text. */
typedef struct account {
    char *text;
    size_t len, cap;
} account;

static void say(account *a, const char *bytes, size_t n)
{
    if (a->len + n + 1 > a->cap) {
        a->cap = 2 * (a->len + n + 1);
        a->text = realloc(a->text, a->cap);
        ck_assert_ptr_nonnull(a->text);
    }
    memcpy(a->text + a->len, bytes, n);
    a->len += n;
    a->text[a->len] = '\0';
}

static int take(void *ctx, const void *bytes, size_t n)
{
    say(ctx, bytes, n);
    return 0;
}

static void say_line(account *a, const char *kind, const char *text)
{
    say(a, kind, strlen(kind));
    say(a, " ", 1);
    say(a, text, strlen(text));
    say(a, "\n", 1);
}

static account account_of(insp_session *s)
{
    account a = {NULL, 0, 0};
    const insp_proofs *proofs = NULL;
    const insp_findings *findings = NULL;
    const insp_problems *problems = NULL;
    const insp_summary *summary = NULL;
    ck_ok(insp_export(s, INSP_FORMAT_JSONL, take, &a, &err));
    ck_ok(insp_layout_proofs(s, &proofs, &err));
    for (size_t i = 0; i < proofs->len; i++)
        say_line(&a, proofs->rows[i].structure, proofs->rows[i].text);
    ck_ok(insp_session_findings(s, &findings, &err));
    for (size_t i = 0; i < findings->len; i++)
        say_line(&a, findings->rows[i].rule, findings->rows[i].text);
    ck_ok(insp_session_problems(s, &problems, &err));
    for (size_t i = 0; i < problems->len; i++)
        say_line(&a, problems->rows[i].kind, problems->rows[i].text);
    ck_ok(insp_heap_summary(s, &summary, &err));
    say(&a, (const char *)summary, sizeof(*summary));
    insp_answer_free(proofs);
    insp_answer_free(findings);
    insp_answer_free(problems);
    insp_answer_free(summary);
    return a;
}

static void ck_same(account *a, account *b)
{
    ck_assert_uint_eq(a->len, b->len);
    ck_assert_msg(!memcmp(a->text, b->text, a->len), "two sessions say different things");
    free(b->text);
    *b = (account){NULL, 0, 0};
}

START_TEST(a_job_cancelled_at_any_of_its_wishes_can_be_run_again)
{
    session = fake_open_caller();
    ck_ok(fake_drive(&f, session, INSP_STAGE_NATIVE, UINT32_MAX, &err));
    account whole = account_of(session), again;
    insp_close(session);
    unsigned cancelled = 0;
    bool ended = false;
    for (unsigned n = 0; !ended; n++) {
        session = fake_open_caller();
        insp_status st = fake_drive(&f, session, INSP_STAGE_NATIVE, n, &err);
        ended = st == INSP_OK;
        cancelled += !ended;
        if (!ended) {
            ck_assert_int_eq(st, INSP_ERR_CANCELLED);
            ck_assert_str_eq(err.message, "stopped");
        }
        ck_ok(fake_drive(&f, session, INSP_STAGE_NATIVE, UINT32_MAX, &err));
        again = account_of(session);
        ck_same(&whole, &again);
        insp_close(session);
    }
    session = NULL;
    free(whole.text);
    ck_assert_uint_gt(cancelled, 5);
}
END_TEST

START_TEST(one_session_may_be_cancelled_again_and_again)
{
    session = fake_open_caller();
    ck_ok(fake_drive(&f, session, INSP_STAGE_NATIVE, UINT32_MAX, &err));
    account whole = account_of(session), again;
    insp_close(session);
    session = fake_open_caller();
    unsigned cancelled = 0;
    // Each time at its second wish: what the first brought stays there, so it comes further each time.
    while (fake_drive(&f, session, INSP_STAGE_NATIVE, 1, &err) != INSP_OK) {
        ck_assert_int_eq(err.code, INSP_ERR_CANCELLED);
        cancelled++;
    }
    ck_assert_uint_gt(cancelled, 2);
    again = account_of(session);
    ck_same(&whole, &again);
    free(whole.text);
}
END_TEST

static void sleep_us(long us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    (void)nanosleep(&t, NULL);
}

// The stages as a verb may need them, each cancelled at a moment of its own.
START_TEST(a_job_of_a_core_cancelled_at_any_moment_can_be_run_again)
{
    enum { MOMENTS = 60, STEP_US = 40 };
    open_session();
    account whole = account_of(session), again;
    insp_close(session);
    unsigned cancelled = 0;
    for (int k = 0; k < MOMENTS; k++) {
        insp_stage stage = (insp_stage)(INSP_STAGE_RUNTIME + k % INSP_STAGE_RETAINED);
        open_session();
        insp_job *job = NULL;
        ck_ok(insp_job_start(session, stage, &job, &err));
        // The first ones at once: a thread of its own need not have begun by then.
        if (k >= INSP_STAGE_RETAINED)
            sleep_us((long)k / INSP_STAGE_RETAINED * STEP_US);
        insp_job_cancel(job);
        insp_status st = insp_job_finish(job, &err);
        ck_assert_msg(st == INSP_OK || st == INSP_ERR_CANCELLED, "%d: %s", st, err.message);
        cancelled += st != INSP_OK;
        again = account_of(session);
        ck_same(&whole, &again);
        insp_close(session);
    }
    session = NULL;
    free(whole.text);
    ck_assert_uint_gt(cancelled, 0);
}
END_TEST

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(a_wait_ends_in_time)
{
    insp_range wanted[8];
    insp_job *job = NULL;
    insp_progress progress = {.stage = (insp_stage)0};
    session = fake_open_caller();
    ck_ok(insp_job_start(session, INSP_STAGE_RUNTIME, &job, &err));
    ck_assert_int_eq(insp_job_wait(job, 60000, NULL), INSP_JOB_NEEDS_MEMORY);
    ck_assert_uint_gt(insp_job_wanted(job, wanted, 8), 0);
    double start = now();
    ck_assert_int_eq(insp_job_wait(job, 1100, &progress), INSP_JOB_RUNNING);
    double took = now() - start;
    ck_assert_msg(took >= 1.09 && took < 30, "%f s", took);
    ck_assert_int_eq(progress.stage, INSP_STAGE_RUNTIME);
    ck_assert_int_eq(insp_job_wait(job, 0, NULL), INSP_JOB_RUNNING);
    insp_job_cancel(job);
    ck_fails(insp_job_finish(job, &err), INSP_ERR_CANCELLED, 0, "stopped");
}
END_TEST

START_TEST(one_job_at_a_time)
{
    insp_job *job = NULL, *other = NULL;
    const insp_summary *summary = NULL;
    session = fake_open_caller();
    ck_ok(insp_job_start(session, INSP_STAGE_RUNTIME, &job, &err));
    ck_fails(insp_job_start(session, INSP_STAGE_RUNTIME, &other, &err), INSP_ERR_ARGUMENT, 0,
             "a job of this session is running");
    ck_fails(insp_heap_summary(session, &summary, &err), INSP_ERR_ARGUMENT, 0,
             "a job of this session is running");
    ck_assert_ptr_null(other);
    insp_close(session);
    session = NULL;
}
END_TEST

START_TEST(a_stage_that_is_none_is_refused)
{
    insp_job *job = NULL;
    open_session();
    for (int stage = -1; stage < 10; stage++) {
        if (stage >= INSP_STAGE_RUNTIME && stage <= INSP_STAGE_RETAINED)
            continue;
        ck_fails(insp_job_start(session, (insp_stage)stage, &job, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no stage");
        ck_assert_ptr_null(job);
    }
}
END_TEST

START_TEST(closing_ends_a_job_that_runs)
{
    insp_job *job;
    for (int stage = INSP_STAGE_RUNTIME; stage <= INSP_STAGE_RETAINED; stage++) {
        open_session();
        ck_ok(insp_job_start(session, (insp_stage)stage, &job, &err));
        insp_close(session);
        session = fake_open_caller();
        ck_ok(insp_job_start(session, (insp_stage)stage, &job, &err));
        insp_close(session);
    }
    session = NULL;
}
END_TEST

START_TEST(nothing_may_be_closed_and_freed)
{
    insp_close(NULL);
    insp_answer_free(NULL);
}
END_TEST

START_TEST(two_sessions_do_not_know_each_other)
{
    insp_session *other = NULL;
    insp_job *jobs[2];
    open_session();
    ck_ok(insp_open_core(path, NULL, NULL, &other, &err));
    ck_ok(insp_job_start(session, INSP_STAGE_NATIVE, &jobs[0], &err));
    ck_ok(insp_job_start(other, INSP_STAGE_NATIVE, &jobs[1], &err));
    ck_ok(insp_job_finish(jobs[1], &err));
    ck_ok(insp_job_finish(jobs[0], &err));
    account a = account_of(session), b = account_of(other);
    ck_same(&a, &b);
    free(a.text);
    insp_close(other);
}
END_TEST

// What is no core, and what is said of it.
START_TEST(what_cannot_be_opened_is_told_why)
{
    char other[64];
    session = NULL;
    ck_fails(insp_open_core("/nowhere/core", NULL, NULL, &session, &err), INSP_ERR_IO, 0,
             "cannot read /nowhere/core: No such file or directory");
    ck_fails(insp_open_core("/tmp", NULL, NULL, &session, &err), INSP_ERR_IO, 0,
             "it is a directory");
    ck_fails(insp_open_core("/dev/null", NULL, NULL, &session, &err), INSP_ERR_IO, 0,
             "it is not a regular file");
    elfwriter_save_bytes("", 0, other);
    ck_fails(insp_open_core(other, NULL, NULL, &session, &err), INSP_ERR_NOT_CORE, 0,
             "is empty");
    // root reads everything.
    if (geteuid() != 0) {
        ck_assert_int_eq(chmod(other, 0), 0);
        ck_fails(insp_open_core(other, NULL, NULL, &session, &err), INSP_ERR_IO, 0,
                 "Permission denied");
    }
    (void)unlink(other);
    elfwriter_save_bytes("some text\n", 10, other);
    ck_fails(insp_open_core(other, NULL, NULL, &session, &err), INSP_ERR_NOT_CORE, 0,
             "is a text file");
    (void)unlink(other);
    ck_assert_int_eq(insp_open_core("/nowhere/core", NULL, NULL, &session, NULL), INSP_ERR_IO);
    ck_assert_ptr_null(session);
}
END_TEST

START_TEST(numbers_that_are_no_objects_are_refused)
{
    const insp_edges *edges = NULL;
    const insp_candidates *candidates = NULL;
    const insp_rings *rings = NULL;
    const insp_summary *summary = NULL;
    insp_object object;
    insp_root root;
    insp_addr addr;
    char text[64];
    open_session();
    ck_ok(insp_heap_summary(session, &summary, &err));
    const uint32_t behind = summary->first_root + summary->roots,
                   numbers[] = {behind, INSP_NONE};
    insp_answer_free(summary);
    for (size_t i = 0; i < 2; i++) {
        uint32_t n = numbers[i];
        ck_fails(insp_object_number(session, n, &object, &err), INSP_ERR_NO_OBJECT, 0,
                 "there is no object number");
        ck_fails(insp_object_columns(session, &n, 1, &addr, NULL, NULL, &err),
                 INSP_ERR_ARGUMENT, 0, "there is no object number");
        ck_fails(insp_referents(session, n, &edges, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no object or root number");
        ck_fails(insp_referents_among(session, &n, 1, &edges, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no object number");
        ck_fails(insp_referrers(session, n, &edges, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no object or root number");
        ck_fails(insp_root_at(session, n, &root, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no root number");
        ck_fails(insp_whose(session, n, text, sizeof(text), &err), INSP_ERR_ARGUMENT, 0,
                 "there is no object or root number");
        ck_fails(insp_rings_through(session, n, 5, &rings, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no object number");
        ck_fails(insp_candidates_of(session, n, &candidates, &err), INSP_ERR_ARGUMENT, 0,
                 "there is no object number");
    }
}
END_TEST

START_TEST(addresses_that_are_no_objects_are_refused)
{
    const insp_words *words = NULL;
    const insp_place *place = NULL;
    insp_object object;
    insp_addr value = 1;
    char text[64];
    open_session();
    ck_ok(insp_need(session, INSP_STAGE_REFERENCES, &err));
    ck_fails(insp_object_at(session, 0x10, &object, &err), INSP_ERR_NO_OBJECT, 0x10,
             "no memory at 0x10");
    ck_fails(insp_object_at(session, list + 8, &object, &err), INSP_ERR_NO_OBJECT, list + 8,
             "it is 8 bytes into list");
    ck_fails(insp_object_words(session, list + 8, &words, &err), INSP_ERR_NO_OBJECT, list + 8,
             "Did you mean");
    ck_fails(insp_value_text(session, UINT64_MAX, text, sizeof(text), NULL, &err),
             INSP_ERR_NO_OBJECT, UINT64_MAX, "no memory at");
    ck_fails(insp_value_text(session, list, text, 0, NULL, &err), INSP_ERR_ARGUMENT, list,
             "no room for a text");
    ck_fails(insp_dict_get(session, list, "x", &value, &err), INSP_ERR_NO_OBJECT, list,
             "no dict at");
    ck_ok(insp_dict_get(session, dict, "x", &value, &err));
    ck_assert_uint_eq(value, list);
    ck_ok(insp_dict_get(session, dict, "y", &value, &err));
    ck_assert_uint_eq(value, 0);
    const insp_addr places[] = {0, list - 8, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        ck_ok(insp_find(session, places[i], &place, &err));
        ck_assert_uint_eq(place->object, i == 1 ? list : 0);
        ck_assert_int_eq(place->exact, 0);
        insp_answer_free(place);
    }
}
END_TEST

static void save_again(void)
{
    (void)unlink(path);
    fake_save(&f, path);
}

static const char *field_at(const insp_words *words, int64_t offset)
{
    for (size_t i = 0; i < words->len; i++) {
        if (words->rows[i].offset == offset)
            return words->rows[i].field;
    }
    return NULL;
}

START_TEST(words_in_front_of_an_object_have_their_names)
{
    static const char *const names[] = {"x"};
    insp_addr class = fake_class(&f, "Worker", names, 1);
    insp_addr worker = fake_instance(&f, class, &f.none, 1);
    fake_track(&f, worker, 1);
    fake_keep(&f, worker);
    save_again();
    open_session();
    const insp_words *words = NULL;
    ck_ok(insp_object_words(session, worker, &words, &err));
    ck_assert_int_eq(words->rows[0].offset, -32);
    ck_assert_str_eq(field_at(words, -32), "values");
    ck_assert_str_eq(field_at(words, -24), "dict");
    ck_assert_str_eq(field_at(words, -16), "_gc_next");
    ck_assert_str_eq(field_at(words, -8), "_gc_prev");
    ck_assert_str_eq(field_at(words, 0), "ob_refcnt");
    insp_answer_free(words);
    ck_ok(insp_object_words(session, list, &words, &err));
    ck_assert_int_eq(words->rows[0].offset, -16);
    ck_assert_str_eq(field_at(words, 16), "ob_size");
    // What an answer says outlives the session.
    insp_close(session);
    session = NULL;
    ck_assert_str_eq(field_at(words, 24), "ob_item");
    insp_answer_free(words);
}
END_TEST

START_TEST(answers_live_longer_than_their_session)
{
    const insp_types *types = NULL;
    const insp_problems *problems = NULL;
    const insp_proofs *proofs = NULL;
    const insp_python *python = NULL;
    const insp_modules *modules = NULL;
    open_session();
    ck_ok(insp_session_problems(session, &problems, &err));
    ck_ok(insp_type_list(session, &types, &err));
    ck_ok(insp_layout_proofs(session, &proofs, &err));
    ck_ok(insp_python_info(session, &python, &err));
    ck_ok(insp_session_modules(session, &modules, &err));
    insp_close(session);
    session = NULL;
    ck_assert_str_eq(problems->rows[0].kind, "missing-file");
    ck_assert_ptr_nonnull(strstr(problems->rows[0].text, FAKE_PROGRAM));
    ck_assert_str_eq(types->rows[0].module, "builtins");
    ck_assert_uint_gt(strlen(types->rows[0].name), 0);
    ck_assert_ptr_nonnull(strstr(proofs->rows[0].text, "type(type) is type"));
    ck_assert_str_eq(python->version, "3.11.2");
    ck_assert_str_eq(python->module, FAKE_PROGRAM);
    ck_assert_str_eq(modules->rows[0].path, FAKE_PROGRAM);
    insp_answer_free(types);
    insp_answer_free(problems);
    insp_answer_free(proofs);
    insp_answer_free(python);
    insp_answer_free(modules);
}
END_TEST

static insp_proof_result result_of(const char *structure, size_t *rows)
{
    const insp_proofs *proofs = NULL;
    insp_proof_result result = INSP_PROOF_UNKNOWN;
    ck_ok(insp_layout_proofs(session, &proofs, &err));
    *rows = proofs->len;
    for (size_t i = 0; i < proofs->len; i++) {
        if (!strcmp(proofs->rows[i].structure, structure))
            result = proofs->rows[i].result;
    }
    insp_answer_free(proofs);
    return result;
}

START_TEST(what_needs_a_layout_that_is_not_true_refuses_by_name)
{
    const insp_summary *summary = NULL;
    const insp_python *python = NULL;
    insp_addr gc = FAKE_AT(&f, f.interp, PyInterpreterState, gc);
    FAKE_SET(&f, gc, gc_runtime_state, generation0, f.lists[1]);
    save_again();
    open_session();
    size_t before, after;
    for (int i = 0; i < 3; i++) {
        ck_fails(insp_heap_summary(session, &summary, &err), INSP_ERR_REFUSED, 0,
                 "CPython 3.11.2: the layout of gc state is not true of this target");
        ck_assert_int_eq(result_of("gc state", i ? &after : &before), INSP_PROOF_FAILED);
    }
    ck_assert_uint_eq(before, after);
    ck_ok(insp_python_info(session, &python, &err));
    ck_assert_str_eq(python->version, "3.11.2");
    insp_answer_free(python);
}
END_TEST

// What the proofs forbid is forbidden at once, when it is asked for again.
static void ck_refuses_without_a_stage(insp_stage target)
{
    insp_job *job = NULL;
    insp_progress progress;
    ck_ok(insp_job_start(session, target, &job, &err));
    ck_assert_int_eq(insp_job_wait(job, 60000, &progress), INSP_JOB_DONE);
    ck_assert_int_eq(insp_job_finish(job, &err), INSP_ERR_REFUSED);
    ck_assert_int_eq(progress.stage, 0);
}

START_TEST(a_proof_that_takes_objects_stops_what_comes_after_them)
{
    const insp_summary *summary = NULL;
    insp_object object;
    for (uint32_t i = 0; i < f.n_types; i++) {
        insp_addr mro = FAKE_GET(&f, f.all_types[i], PyTypeObject, tp_mro);
        FAKE_SET(&f, mro, PyTupleObject, ob_item, f.none);
    }
    save_again();
    open_session();
    size_t before, after;
    ck_ok(insp_object_at(session, list, &object, &err));
    ck_assert_int_eq(result_of("tuple", &before), INSP_PROOF_FAILED);
    for (int i = 0; i < 3; i++)
        ck_fails(insp_heap_summary(session, &summary, &err), INSP_ERR_REFUSED, 0,
                 "the layout of tuple is not true");
    ck_assert_int_eq(result_of("tuple", &after), INSP_PROOF_FAILED);
    ck_assert_uint_eq(before, after);
    ck_ok(insp_object_at(session, list, &object, &err));
    ck_refuses_without_a_stage(INSP_STAGE_NATIVE);
}
END_TEST

static void shrink(void)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void ck_all_is_refused(void)
{
    static const char words[] = "core file changed while reading";
    const insp_summary *summary = NULL;
    const insp_edges *edges = NULL;
    const insp_threads *threads = NULL;
    insp_job *job = NULL;
    char text[64];
    ck_fails(insp_heap_summary(session, &summary, &err), INSP_ERR_CHANGED, 0, words);
    ck_fails(insp_referents(session, 0, &edges, &err), INSP_ERR_CHANGED, 0, words);
    ck_fails(insp_thread_list(session, &threads, &err), INSP_ERR_CHANGED, 0, words);
    ck_fails(insp_value_text(session, list, text, sizeof(text), NULL, &err), INSP_ERR_CHANGED,
             0, words);
    ck_fails(insp_job_start(session, INSP_STAGE_NATIVE, &job, &err), INSP_ERR_CHANGED, 0,
             words);
}

START_TEST(a_core_that_shrinks_under_a_stage_ends_the_session)
{
    for (int before = 0; before < INSP_STAGE_NATIVE; before++) {
        save_again();
        open_session();
        if (before)
            ck_ok(insp_need(session, (insp_stage)before, &err));
        shrink();
        // The reversed edges are made without the core: this one stage does not notice.
        insp_status st = insp_need(session, (insp_stage)(before + 1), &err);
        ck_assert_int_eq(st, before + 1 == INSP_STAGE_REVERSE ? INSP_OK : INSP_ERR_CHANGED);
        if (st)
            ck_all_is_refused();
        insp_close(session);
    }
    session = NULL;
}
END_TEST

START_TEST(a_core_that_shrinks_under_a_question_gives_no_answer)
{
    insp_session *other = NULL;
    const insp_edges *edges = NULL;
    insp_object object;
    char copy[64];
    fake_save(&f, copy);
    ck_ok(insp_open_core(copy, NULL, NULL, &other, &err));
    open_session();
    ck_ok(insp_need(session, INSP_STAGE_NATIVE, &err));
    ck_ok(insp_object_at(session, list, &object, &err));
    shrink();
    ck_fails(insp_referents(session, object.number, &edges, &err), INSP_ERR_CHANGED, 0,
             "core file changed while reading");
    ck_assert_ptr_null(edges);
    ck_all_is_refused();
    // The other one's file is as it was.
    ck_ok(insp_need(other, INSP_STAGE_NATIVE, &err));
    insp_close(other);
    (void)unlink(copy);
}
END_TEST

START_TEST(a_question_that_misses_memory_says_so_and_a_job_brings_it)
{
    (void)fake_chunk(&f, 300000);
    char bytes[2000];
    memset(bytes, 'b', sizeof(bytes));
    insp_addr far = fake_bytes(&f, bytes, sizeof(bytes));
    fake_count(&f, far, 1);
    char text[64] = "";
    session = fake_open_caller();
    ck_fails(insp_need(session, INSP_STAGE_RUNTIME, &err), INSP_ERR_NEEDS_MEMORY, FAKE_MODULE,
             "has to be brought first");
    ck_ok(fake_drive(&f, session, INSP_STAGE_RUNTIME, UINT32_MAX, &err));
    ck_fails(insp_value_text(session, far, text, sizeof(text), NULL, &err),
             INSP_ERR_NEEDS_MEMORY, far & ~UINT64_C(0xffff), "has to be brought first");
    unsigned rounds = 0;
    insp_status st;
    while ((st = insp_value_text(session, far, text, sizeof(text), NULL, &err)) != INSP_OK) {
        ck_assert_int_eq(st, INSP_ERR_NEEDS_MEMORY);
        ck_ok(fake_drive(&f, session, INSP_STAGE_RUNTIME, UINT32_MAX, &err));
        ck_assert_uint_lt(++rounds, 10);
    }
    ck_assert_msg(!strncmp(text, "b'bbb", 5), "%s", text);
}
END_TEST

extern Suite *insp_api_suite(void);

Suite *insp_api_suite(void)
{
    Suite *s = suite_create("api");
    TCase *t = tcase_create("api");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_job_cancelled_at_any_of_its_wishes_can_be_run_again);
    tcase_add_test(t, one_session_may_be_cancelled_again_and_again);
    tcase_add_test(t, a_job_of_a_core_cancelled_at_any_moment_can_be_run_again);
    tcase_add_test(t, a_wait_ends_in_time);
    tcase_add_test(t, one_job_at_a_time);
    tcase_add_test(t, a_stage_that_is_none_is_refused);
    tcase_add_test(t, closing_ends_a_job_that_runs);
    tcase_add_test(t, nothing_may_be_closed_and_freed);
    tcase_add_test(t, two_sessions_do_not_know_each_other);
    tcase_add_test(t, what_cannot_be_opened_is_told_why);
    tcase_add_test(t, numbers_that_are_no_objects_are_refused);
    tcase_add_test(t, addresses_that_are_no_objects_are_refused);
    tcase_add_test(t, words_in_front_of_an_object_have_their_names);
    tcase_add_test(t, answers_live_longer_than_their_session);
    tcase_add_test(t, what_needs_a_layout_that_is_not_true_refuses_by_name);
    tcase_add_test(t, a_proof_that_takes_objects_stops_what_comes_after_them);
    tcase_add_test(t, a_core_that_shrinks_under_a_stage_ends_the_session);
    tcase_add_test(t, a_core_that_shrinks_under_a_question_gives_no_answer);
    tcase_add_test(t, a_question_that_misses_memory_says_so_and_a_job_brings_it);
    suite_add_tcase(s, t);
    return s;
}
