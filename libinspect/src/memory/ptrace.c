// SPDX-License-Identifier: MIT
#include "ptrace.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "../base/map.h"
#include "procfs.h"

// How long to wait for a thread to stop. One that takes longer sleeps in the kernel.
enum {
    FIRST_WAIT_NS = 20 * 1000,
    LONGEST_WAIT_NS = 1000 * 1000,
    PATIENCE_NS = 500 * 1000 * 1000
};

// PTRACE_SEIZE stops are told by the upper half of the status.
static int event_of(int status)
{
    return (int)((unsigned)status >> 16);
}

static bool has_ended(int64_t tid)
{
    insp_proc_status s;
    return !insp_proc_status_read(tid, &s) || s.state == 'Z' || s.state == 'X';
}

// Seize one thread. *error is errno where that is not allowed; a thread that has ended is
// passed over.
static bool seize(int64_t tid, insp_held_vec *held, int *error)
{
    if (!insp_held_vec_reserve(held, held->len + 1)) {
        *error = ENOMEM;
        return false;
    }
    if (ptrace(PTRACE_SEIZE, (pid_t)tid, NULL, NULL)) {
        int why = errno;
        if (why == ESRCH || has_ended(tid))
            return true;
        *error = why;
        return false;
    }
    (void)insp_held_vec_push(held, (insp_held){.tid = tid});
    (void)ptrace(PTRACE_INTERRUPT, (pid_t)tid, NULL, NULL);
    return true;
}

// Wait until a seized thread stops. False when it has ended instead.
static bool wait_for_stop(insp_held *h)
{
    long waited = 0;
    for (long step = FIRST_WAIT_NS; waited < PATIENCE_NS; waited += step) {
        int status = 0;
        pid_t got = waitpid((pid_t)h->tid, &status, __WALL | __WNOTHREAD | WNOHANG);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || (got > 0 && !WIFSTOPPED(status)))
            return false;
        if (got > 0) {
            h->stopped = true;
            // A signal that was on its way when we came must not get lost.
            h->signal = event_of(status) == 0 ? WSTOPSIG(status) : 0;
            return true;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = step}, NULL);
        step = step * 2 < LONGEST_WAIT_NS ? step * 2 : LONGEST_WAIT_NS;
    }
    return true;
}

// Seize the threads that are not in `known`. *news: there were some.
static bool seize_new(int64_t pid, insp_held_vec *held, insp_map *known, bool *news, int *error)
{
    insp_addrs tids = {0};
    bool ok = insp_proc_threads(pid, &tids);
    if (!ok)
        *error = errno == ENOENT ? ESRCH : errno;
    size_t before = held->len;
    for (size_t i = 0; i < tids.len && ok; i++) {
        if (insp_map_get(known, tids.at[i]) == INSP_MAP_NONE)
            ok = seize((int64_t)tids.at[i], held, error);
    }
    insp_addrs_deinit(&tids);
    size_t kept = before;
    for (size_t i = before; i < held->len; i++) {
        if (!wait_for_stop(&held->at[i]))
            continue;
        held->at[kept++] = held->at[i];
        if (!insp_map_set(known, (uint64_t)held->at[i].tid, 1))
            *error = ENOMEM;
    }
    held->len = kept;
    *news = kept > before;
    return ok && !*error;
}

insp_status insp_hold(int64_t pid, insp_held_vec *out, insp_error *err)
{
    int error = 0;
    insp_map known = {0};
    // While one thread runs it may make others: only a round that finds none is the last.
    for (bool news = true; news;) {
        if (!seize_new(pid, out, &known, &news, &error))
            break;
    }
    insp_map_deinit(&known);
    if (!error && out->len > 0)
        return INSP_OK;
    insp_let_go(out);
    if (error == ENOMEM)
        return insp_nomem(err);
    insp_trace_facts facts = insp_trace_facts_collect(pid, error ? error : ESRCH);
    return insp_trace_refused(&facts, err);
}

insp_status insp_held_registers(const insp_held_vec *held, insp_thread_regs_vec *out,
                                insp_error *err)
{
    for (size_t i = 0; i < held->len; i++) {
        insp_thread_regs t = {.tid = held->at[i].tid};
        struct iovec io = {t.regs, sizeof(t.regs)};
        if (held->at[i].stopped &&
            ptrace(PTRACE_GETREGSET, (pid_t)t.tid, (void *)NT_PRSTATUS, &io) == 0)
            t.n_regs = (uint32_t)(io.iov_len / sizeof(t.regs[0]));
        if (!insp_thread_regs_vec_push(out, t))
            return insp_nomem(err);
    }
    return INSP_OK;
}

void insp_let_go(insp_held_vec *held)
{
    for (size_t i = 0; i < held->len; i++) {
        insp_held *h = &held->at[i];
        // Fails for a thread that has not stopped: the kernel frees it when ours ends.
        (void)ptrace(PTRACE_DETACH, (pid_t)h->tid, NULL, (void *)(intptr_t)h->signal);
    }
    insp_held_vec_deinit(held);
}
