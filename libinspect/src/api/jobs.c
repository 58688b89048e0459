// SPDX-License-Identifier: MIT
/**
 * @file
 * Stages, and the thread that runs them while the caller stays free to look at the clock, to bring
 * memory, or to give up.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../analysis/decoders.h"
#include "../base/cleanup.h"
#include "session.h"

struct insp_job {
    insp_session *session;
    insp_stage target;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool cancelled;
    insp_progress progress;
    bool ended, wanted;
    insp_status status;
    insp_error error;
};

// Before 3.11 (bpo-44022) a thread state has only pthread_self(): glibc's is what fs points to.
static void find_tids(insp_session *s)
{
    if (INSP_OFF(&s->py.layout, PyThreadState, native_thread_id) >= 0)
        return;
    for (size_t k = 0; k < s->py.threads.len; k++) {
        insp_tstate *ts = &s->py.threads.at[k];
        for (size_t i = 0; s->threads && !ts->tid && i < s->threads->len; i++) {
            if (ts->ident && insp_thread_pointer(&s->threads->at[i]) == ts->ident)
                ts->tid = s->threads->at[i].tid;
        }
    }
}

// Of the thread that holds the GIL, else of one that runs Python: code that is interpreted believes to
// run on it.
static uint64_t thread_pointer_of(const insp_session *s)
{
    uint64_t found = 0;
    for (size_t i = 0; s->threads && i < s->threads->len; i++) {
        for (size_t k = 0; k < s->py.threads.len; k++) {
            const insp_tstate *ts = &s->py.threads.at[k];
            if (ts->tid != s->threads->at[i].tid)
                continue;
            if (ts->holds_gil == 1)
                return insp_thread_pointer(&s->threads->at[i]);
            found = found ? found : insp_thread_pointer(&s->threads->at[i]);
        }
    }
    return found;
}

static insp_status begin_heap(insp_session *s, insp_error *err)
{
    insp_status st = insp_heap_init(&s->heap, &s->py, err);
    s->heap.types.described = &s->described;
    return st;
}

static insp_status open_runtime(insp_session *s, insp_error *err)
{
    insp_status st = s->modules_pending ? insp_session_find_modules(s, err) : INSP_OK;
    s->py = (insp_cpython){.space = &s->space, .text = &s->text, .findings = &s->findings};
    if (!st)
        st = insp_cpython_open(&s->py, &s->images, err);
    if (!st)
        find_tids(s);
    s->py.thread_pointer = thread_pointer_of(s);
    if (!st)
        st = begin_heap(s, err);
    s->runtime_proofs = s->py.proofs.len;
    return st;
}

insp_status insp_require(insp_session *s, const char *const *structures, insp_error *err)
{
    for (; *structures; structures++) {
        if (insp_refuted(&s->py, *structures))
            return insp_fail(
                err, INSP_ERR_REFUSED, 0,
                "CPython %s: the layout of %s is not true of this target, and this needs "
                "it (layout says what was compared)",
                s->py.version, *structures);
    }
    return INSP_OK;
}

insp_status insp_require_objects(insp_session *s, insp_error *err)
{
    static const char *const objects[] = {"PyObject", "PyTypeObject", "PyInterpreterState",
                                          "gc state", NULL};
    return insp_require(s, objects, err);
}

// Whether the stages before have proved what this one stands on.
static insp_status may_run(insp_session *s, insp_stage stage, insp_error *err)
{
    static const char *const references[] = {"tuple", "dict", "shared keys", "slots", NULL};
    if (stage == INSP_STAGE_OBJECTS)
        return insp_require_objects(s, err);
    return stage == INSP_STAGE_REFERENCES ? insp_require(s, references, err) : INSP_OK;
}

// Where the types' own code says otherwise than what they were read by, it is believed.
static insp_status read_references(insp_session *s, insp_error *err)
{
    static const char *const decoders[] = {"decoders", NULL};
    bool again = false;
    insp_status st = insp_heap_references(&s->heap, err);
    if (!st)
        st = insp_decoders_prove(&s->heap, &again, err);
    if (!st && again)
        st = insp_heap_references(&s->heap, err);
    return st ? st : insp_require(s, decoders, err);
}

static insp_status run_stage(insp_session *s, insp_stage stage, insp_error *err)
{
    insp_status st;
    switch (stage) {
    case INSP_STAGE_RUNTIME:
        return open_runtime(s, err);
    case INSP_STAGE_OBJECTS:
        return insp_heap_enumerate(&s->heap, err);
    case INSP_STAGE_REFERENCES:
        st = read_references(s, err);
        s->graph = (insp_graph){s->heap.n_nodes, s->heap.off.at, s->heap.to.at};
        s->ledger = insp_ledger_of(&s->heap, NULL);
        return st;
    case INSP_STAGE_REVERSE:
        return insp_graph_reverse(&s->graph, &s->reverse, err);
    case INSP_STAGE_NATIVE:
        st = insp_native_search(&s->heap, s->threads, &s->native, err);
        s->ledger = insp_ledger_of(&s->heap, &s->native);
        return st;
    case INSP_STAGE_RETAINED:
        return insp_retained_build(&s->heap, &s->graph, &s->retained, err);
    }
    return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no stage %d", (int)stage);
}

static void forget_runtime(insp_session *s)
{
    insp_heap_deinit(&s->heap);
    insp_cpython_close(&s->py);
    insp_findings_deinit(&s->findings);
    insp_session_forget_modules(s);
    s->heap = (insp_heap){.py = NULL};
    s->py = (insp_cpython){.space = NULL};
    s->findings = (insp_findings_log){.left_out = 0};
    s->reached = s->refused = (insp_stage)0;
}

// The heap is as it was after the first stage. Objects and references fill the same columns, so both go.
static void forget_heap(insp_session *s)
{
    insp_session_forget_replay(s);
    insp_heap_deinit(&s->heap);
    s->py.proofs.len = s->runtime_proofs;
    insp_findings_cut(&s->findings, s->runtime_findings);
    s->graph = (insp_graph){.nodes = 0};
    s->ledger = (insp_ledger){.mortal = 0};
    s->reached = INSP_STAGE_RUNTIME;
    if (begin_heap(s, NULL))
        forget_runtime(s);
}

// What a stage that did not end well has built is dropped: the next job that needs it finds the
// session as if the stage had never been begun.
static void forget(insp_session *s, insp_stage stage)
{
    switch (stage) {
    case INSP_STAGE_RUNTIME:
        forget_runtime(s);
        return;
    case INSP_STAGE_OBJECTS:
    case INSP_STAGE_REFERENCES:
        forget_heap(s);
        return;
    case INSP_STAGE_REVERSE:
        insp_reverse_deinit(&s->reverse);
        return;
    case INSP_STAGE_NATIVE:
        insp_native_deinit(&s->native);
        s->ledger = insp_ledger_of(&s->heap, NULL);
        return;
    case INSP_STAGE_RETAINED:
        insp_retained_deinit(&s->retained);
        return;
    }
}

static bool poll(void *ctx, uint64_t done, uint64_t total, uint64_t objects)
{
    insp_job *job = ctx;
    (void)pthread_mutex_lock(&job->lock);
    job->progress.done = done;
    job->progress.total = total;
    job->progress.objects = objects;
    (void)pthread_mutex_unlock(&job->lock);
    return atomic_load(&job->cancelled) || insp_session_changed(job->session);
}

static void enter_stage(insp_job *job, insp_stage stage)
{
    (void)pthread_mutex_lock(&job->lock);
    job->progress = (insp_progress){.stage = stage, .objects = job->progress.objects};
    (void)pthread_mutex_unlock(&job->lock);
}

static bool is_told(const insp_session *s, const char *kind)
{
    for (size_t i = 0; i < s->problems.len; i++) {
        if (!strcmp(s->problems.at[i].kind, kind))
            return true;
    }
    return false;
}

// A version that came after this library is read like the last one that it knows, as far as the proofs of the
// layout hold; what they do not prove may be wrong, and so the answer is none to be relied upon wholly.
static void tell_version(insp_session *s)
{
    const char *last = insp_flavour_last(s->py.hex);
    if (last && !is_told(s, "version"))
        insp_problem_add(s, "version",
                         "CPython %s is newer than what is known here: it is read like %s, and "
                         "only what layout proves is sure",
                         s->py.version, last);
}

// Types whose code could not be asked what their instances refer to (object/guess.h).
static void tell_guesses(insp_session *s)
{
    const insp_heap *h = &s->heap;
    uint32_t types = 0;
    const char *some = "";
    for (size_t i = 0; i < h->by_type.len; i++) {
        bool counts = h->types.at.at[i]->guessed && h->by_type.at[i].count;
        some = counts && !types ? h->types.at.at[i]->name : some;
        types += counts;
    }
    if (types && !is_told(s, "guessed"))
        insp_problem_add(
            s, "guessed",
            "what instances of %u types (%s%s) refer to was guessed: their code is %s. "
            "Such references are marked (guess)",
            types, some, types > 1 ? ", ..." : "",
            insp_code_is_understood(&s->py) ? "in files that are not here"
                                            : "of a machine that is not understood");
}

// Trying again would come to the same.
static void remember_refusal(insp_job *job, insp_stage stage)
{
    if (job->status == INSP_ERR_REFUSED && stage > INSP_STAGE_RUNTIME) {
        job->session->refused = stage;
        job->session->refusal = job->error;
    }
}

static insp_status try_stage(insp_job *job, insp_stage stage)
{
    insp_session *s = job->session;
    insp_error *err = &job->error, why;
    insp_status st = may_run(s, stage, err);
    if (!st && atomic_load(&job->cancelled))
        st = insp_fail(err, INSP_ERR_CANCELLED, 0, "stopped");
    if (st)
        return st;
    s->findings.closed = stage > INSP_STAGE_REFERENCES;
    st = run_stage(s, stage, err);
    // What a stage made of memory that was not there is no answer, even if it came to its end.
    insp_status spoiled = insp_session_check(s, &why);
    if (spoiled == INSP_ERR_NEEDS_MEMORY && atomic_load(&job->cancelled))
        spoiled = insp_fail(&why, INSP_ERR_CANCELLED, 0, "stopped");
    if (spoiled) {
        st = spoiled;
        *err = why;
    }
    s->findings.closed = true;
    if (st) {
        forget(s, stage);
        return st;
    }
    s->reached = stage;
    if (stage == INSP_STAGE_RUNTIME) {
        s->runtime_findings = (insp_findings_mark){s->findings.rows.len, s->findings.left_out};
        tell_version(s);
    }
    if (stage == INSP_STAGE_REFERENCES)
        tell_guesses(s);
    return INSP_OK;
}

static void *work(void *ctx)
{
    insp_job *job = ctx;
    insp_session *s = job->session;
    INSP_GUARDED;
    if (s->demand)
        insp_demand_fetch(s->demand);
    if (s->refused && job->target >= s->refused) {
        job->error = s->refusal;
        job->status = INSP_ERR_REFUSED;
    }
    while (!job->status && s->reached < job->target) {
        insp_stage next = (insp_stage)(s->reached + 1);
        enter_stage(job, next);
        s->heap.watch = (insp_watch){poll, job};
        job->status = try_stage(job, next);
        remember_refusal(job, next);
    }
    s->heap.watch = (insp_watch){NULL, NULL};
    (void)pthread_mutex_lock(&job->lock);
    job->ended = true;
    (void)pthread_cond_broadcast(&job->changed);
    (void)pthread_mutex_unlock(&job->lock);
    return NULL;
}

static void on_want(void *ctx)
{
    insp_job *job = ctx;
    (void)pthread_mutex_lock(&job->lock);
    job->wanted = true;
    (void)pthread_cond_broadcast(&job->changed);
    (void)pthread_mutex_unlock(&job->lock);
}

// Between jobs there is nobody who would bring memory: what is not there reads as unreadable.
static void end_demand(insp_session *s)
{
    if (!s->demand)
        return;
    insp_demand_on_want(s->demand, NULL, NULL);
    insp_demand_cancel(s->demand, true);
}

// Asynchronous signals are the host's; faults stay open, the guard needs them.
static int start_thread(insp_job *job)
{
    sigset_t all, before;
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        (void)sigdelset(&all, faults[i]);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int failed = pthread_create(&job->thread, NULL, work, job);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void destroy(insp_job *job)
{
    (void)pthread_cond_destroy(&job->changed);
    (void)pthread_mutex_destroy(&job->lock);
    free(job);
}

// The clock that waiting goes by is not the one that people set.
static bool init_changed(pthread_cond_t *changed)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return false;
    bool ok = !pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) &&
              !pthread_cond_init(changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    return ok;
}

static insp_job *create(insp_session *s, insp_stage stage)
{
    insp_job *job = calloc(1, sizeof(*job));
    if (!job || pthread_mutex_init(&job->lock, NULL)) {
        free(job);
        return NULL;
    }
    if (!init_changed(&job->changed)) {
        (void)pthread_mutex_destroy(&job->lock);
        free(job);
        return NULL;
    }
    job->session = s;
    job->target = stage;
    return job;
}

insp_status insp_job_start(insp_session *s, insp_stage stage, insp_job **out, insp_error *err)
{
    if (s->job)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "a job of this session is running");
    if (stage < INSP_STAGE_RUNTIME || stage > INSP_STAGE_RETAINED)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no stage %d", (int)stage);
    insp_status st = insp_session_changed(s) ? insp_session_check(s, err) : INSP_OK;
    if (st)
        return st;
    insp_job *job = create(s, stage);
    if (!job)
        return insp_nomem(err);
    if (s->demand) {
        insp_demand_cancel(s->demand, false);
        insp_demand_on_want(s->demand, on_want, job);
    }
    int failed = start_thread(job);
    if (failed) {
        end_demand(s);
        destroy(job);
        return insp_fail(err, INSP_ERR_MEMORY, 0, "no thread can be started: %s",
                         strerror(failed));
    }
    s->job = job;
    *out = job;
    return INSP_OK;
}

static struct timespec deadline(uint32_t ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

insp_job_state insp_job_wait(insp_job *job, uint32_t ms, insp_progress *progress)
{
    struct timespec until = deadline(ms);
    (void)pthread_mutex_lock(&job->lock);
    int timed_out = 0;
    while (!job->ended && !job->wanted && !timed_out)
        timed_out = pthread_cond_timedwait(&job->changed, &job->lock, &until);
    insp_job_state state = job->ended    ? INSP_JOB_DONE
                           : job->wanted ? INSP_JOB_NEEDS_MEMORY
                                         : INSP_JOB_RUNNING;
    if (progress)
        *progress = job->progress;
    (void)pthread_mutex_unlock(&job->lock);
    return state;
}

size_t insp_job_wanted(insp_job *job, insp_range *ranges, size_t cap)
{
    insp_session *s = job->session;
    (void)pthread_mutex_lock(&job->lock);
    job->wanted = false;
    (void)pthread_mutex_unlock(&job->lock);
    return s->demand ? insp_demand_wanted(s->demand, ranges, cap) : 0;
}

insp_status insp_job_supply(insp_job *job, insp_range range, const void *bytes, insp_error *err)
{
    insp_session *s = job->session;
    if (!s->demand)
        return insp_fail(err, INSP_ERR_ARGUMENT, range.start, "this target needs no memory");
    return insp_demand_supply(s->demand, range, bytes, err);
}

void insp_job_cancel(insp_job *job)
{
    atomic_store(&job->cancelled, true);
    if (job->session->demand)
        insp_demand_cancel(job->session->demand, true);
}

insp_status insp_job_finish(insp_job *job, insp_error *err)
{
    insp_session *s = job->session;
    (void)pthread_join(job->thread, NULL);
    end_demand(s);
    insp_status st = job->status;
    if (st && err)
        *err = job->error;
    destroy(job);
    s->job = NULL;
    return st;
}

insp_status insp_need(insp_session *s, insp_stage stage, insp_error *err)
{
    // While a job runs the session is its own.
    if (!s->job && s->reached >= stage) {
        insp_heap_refill(&s->heap);
        return insp_session_ready(s, err);
    }
    insp_job *job = NULL;
    insp_status st = insp_job_start(s, stage, &job, err);
    if (st)
        return st;
    // A caller's target needs somebody to bring its memory: that takes the loop of the job functions.
    if (s->demand)
        insp_demand_cancel(s->demand, true);
    return insp_job_finish(job, err);
}
