// SPDX-License-Identifier: MIT
/**
 * @file
 * Stages, and the thread that runs them while the caller stays free to look at the clock, to bring
 * memory, or to give up.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "../memory/guard.h"
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

static insp_status open_runtime(insp_session *s, insp_error *err)
{
    insp_status modules = s->modules_pending ? insp_session_find_modules(s, err) : INSP_OK;
    if (modules)
        return modules;
    s->py = (insp_cpython){.space = &s->space, .text = &s->text, .findings = &s->findings};
    s->in_cpython = true;
    insp_status st = insp_cpython_open(&s->py, &s->images, err);
    if (st)
        return st;
    s->in_heap = true;
    return insp_heap_init(&s->heap, &s->py, err);
}

static insp_status reverse(insp_session *s, insp_error *err)
{
    return insp_graph_reverse(&s->graph, &s->reverse, err);
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

static insp_status enumerate(insp_session *s, insp_error *err)
{
    static const char *const needed[] = {"PyObject", "PyTypeObject", "PyInterpreterState",
                                         "gc state", NULL};
    insp_status st = insp_require(s, needed, err);
    return st ? st : insp_heap_enumerate(&s->heap, err);
}

static insp_status reference(insp_session *s, insp_error *err)
{
    static const char *const needed[] = {"tuple", "dict", NULL};
    insp_status st = insp_require(s, needed, err);
    return st ? st : insp_heap_references(&s->heap, err);
}

insp_status insp_stage_run(insp_session *s, insp_stage stage, insp_error *err)
{
    insp_status st = INSP_OK;
    switch (stage) {
    case INSP_STAGE_RUNTIME:
        return open_runtime(s, err);
    case INSP_STAGE_OBJECTS:
        return enumerate(s, err);
    case INSP_STAGE_REFERENCES:
        st = reference(s, err);
        s->graph = (insp_graph){s->heap.n_nodes, s->heap.off.at, s->heap.to.at};
        s->ledger = insp_ledger_of(&s->heap, NULL);
        return st;
    case INSP_STAGE_REVERSE:
        return reverse(s, err);
    case INSP_STAGE_NATIVE:
        st = insp_native_search(&s->heap, s->threads, &s->native, err);
        s->ledger = insp_ledger_of(&s->heap, &s->native);
        return st;
    }
    return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no stage %d", (int)stage);
}

static bool poll(void *ctx, uint64_t done, uint64_t total, uint64_t objects)
{
    insp_job *job = ctx;
    (void)pthread_mutex_lock(&job->lock);
    job->progress.done = done;
    job->progress.total = total;
    job->progress.objects = objects;
    (void)pthread_mutex_unlock(&job->lock);
    return atomic_load(&job->cancelled);
}

static void enter_stage(insp_job *job, insp_stage stage)
{
    (void)pthread_mutex_lock(&job->lock);
    job->progress = (insp_progress){.stage = stage, .objects = job->progress.objects};
    (void)pthread_mutex_unlock(&job->lock);
}

static void run_stages(void *ctx)
{
    insp_job *job = ctx;
    insp_session *s = job->session;
    while (!job->status && s->reached < job->target) {
        insp_stage next = (insp_stage)(s->reached + 1);
        enter_stage(job, next);
        s->heap.watch = (insp_watch){poll, job};
        job->status = atomic_load(&job->cancelled)
                          ? insp_fail(&job->error, INSP_ERR_CANCELLED, 0, "stopped")
                          : insp_stage_run(s, next, &job->error);
        if (!job->status)
            s->reached = next;
    }
    s->heap.watch = (insp_watch){0};
}

static void *work(void *ctx)
{
    insp_job *job = ctx;
    if (!insp_guard_run(run_stages, job))
        job->status =
            insp_fail(&job->error, INSP_ERR_CHANGED, 0, "core file changed while reading");
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

insp_status insp_job_start(insp_session *s, insp_stage stage, insp_job **out, insp_error *err)
{
    if (s->job)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "a job of this session is running");
    insp_job *job = calloc(1, sizeof(*job));
    if (!job)
        return insp_nomem(err);
    job->session = s;
    job->target = stage;
    (void)pthread_mutex_init(&job->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&job->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (s->demand) {
        insp_demand_cancel(s->demand, false);
        insp_demand_on_want(s->demand, on_want, job);
    }
    if (start_thread(job)) {
        free(job);
        return insp_nomem(err);
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
    if (s->demand)
        insp_demand_on_want(s->demand, NULL, NULL);
    insp_status st = job->status;
    if (st && err)
        *err = job->error;
    (void)pthread_cond_destroy(&job->changed);
    (void)pthread_mutex_destroy(&job->lock);
    s->job = NULL;
    free(job);
    return st;
}

insp_status insp_need(insp_session *s, insp_stage stage, insp_error *err)
{
    if (s->reached >= stage)
        return INSP_OK;
    insp_job *job = NULL;
    insp_status st = insp_job_start(s, stage, &job, err);
    if (st)
        return st;
    // A caller's target needs somebody to bring its memory: that takes the loop of the job functions.
    if (s->demand)
        insp_demand_cancel(s->demand, true);
    return insp_job_finish(job, err);
}
