// SPDX-License-Identifier: MIT
#include "process.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../base/cleanup.h"
#include "procfs.h"
#include "ptrace.h"
#include "rooms.h"
#include "snapshot.h"

// The register at one place on x86-64, at another on aarch64.
static uint64_t reg(const insp_thread_regs *thread, unsigned x86_64, unsigned aarch64)
{
    if (thread->n_regs == INSP_X86_64_REGS)
        return thread->regs[x86_64];
    return thread->n_regs == INSP_AARCH64_REGS ? thread->regs[aarch64] : 0;
}

uint64_t insp_thread_sp(const insp_thread_regs *thread)
{
    enum { RSP = 19, SP = 31 };
    return reg(thread, RSP, SP);
}

uint64_t insp_thread_pc(const insp_thread_regs *thread)
{
    enum { RIP = 16, PC = 32 };
    return reg(thread, RIP, PC);
}

uint64_t insp_thread_pointer(const insp_thread_regs *thread)
{
    enum { FS_BASE = 21 };
    return thread->n_regs == INSP_X86_64_REGS ? thread->regs[FS_BASE] : thread->tls;
}

// The path of a line: the kernel writes a newline in it as \012, and appends " (deleted)".
static const char *path_of(const char *text, size_t n, insp_arena *arena, bool *deleted)
{
    static const char gone[] = " (deleted)";
    size_t tail = sizeof(gone) - 1;
    *deleted = n > tail && memcmp(text + n - tail, gone, tail) == 0;
    n -= *deleted ? tail : 0;
    char *path = insp_arena_alloc(arena, n + 1);
    if (!path)
        return NULL;
    size_t to = 0;
    for (size_t i = 0; i < n; i++) {
        bool newline = n - i >= 4 && memcmp(text + i, "\\012", 4) == 0;
        path[to++] = newline ? '\n' : text[i];
        i += newline ? 3 : 0;
    }
    return path;
}

// One line, without its newline. False when memory runs out; a line that makes no sense is
// skipped.
static bool parse_line(const char *line, size_t n, insp_arena *text, insp_map_lines *out)
{
    insp_map_line m = {0};
    char perms[5];
    int used = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %*u%n", &m.start, &m.end,
               perms, &m.offset, &used) != 4 ||
        used == 0 || m.end <= m.start)
        return true;
    size_t at = (size_t)used;
    while (at < n && line[at] == ' ')
        at++;
    m.readable = perms[0] == 'r';
    m.shared = perms[3] == 's';
    m.path = path_of(line + at, at < n ? n - at : 0, text, &m.deleted);
    m.flags = (perms[1] == 'w' ? INSP_SEG_WRITE : 0u) | (perms[2] == 'x' ? INSP_SEG_EXEC : 0u);
    if (m.path && strcmp(m.path, "[stack]") == 0)
        m.flags |= INSP_SEG_STACK;
    return m.path && insp_map_lines_push(out, m);
}

insp_status insp_process_maps(int64_t pid, insp_arena *text, insp_map_lines *out,
                              insp_error *err)
{
    INSP_CLEANUP(insp_free_ptr) char *maps = insp_proc_read(pid, "maps", NULL);
    if (!maps && (errno == EACCES || errno == EPERM || errno == ENOENT || errno == ESRCH)) {
        insp_trace_facts facts = insp_trace_facts_collect(pid, errno == ENOENT ? ESRCH : errno);
        return insp_trace_refused(&facts, err);
    }
    if (!maps && errno == ENOMEM)
        return insp_nomem(err);
    if (!maps)
        return insp_fail(err, INSP_ERR_IO, 0,
                         "cannot read the mappings of process %" PRId64 ": %s", pid,
                         strerror(errno));
    for (char *line = maps; *line;) {
        size_t n = strcspn(line, "\n");
        bool last = line[n] == '\0';
        line[n] = '\0';
        if (!parse_line(line, n, text, out))
            return insp_nomem(err);
        line += last ? n : n + 1;
    }
    return INSP_OK;
}

static void mark_stacks(insp_snapshot *s)
{
    for (size_t i = 0; i < s->threads.len; i++) {
        insp_addr sp = insp_thread_sp(&s->threads.at[i]);
        for (size_t k = 0; k < s->maps.len; k++) {
            if (sp >= s->maps.at[k].start && sp < s->maps.at[k].end)
                s->maps.at[k].flags |= INSP_SEG_STACK;
        }
    }
}

// What is to be copied, from the mappings of thread `tid`.
static insp_status make_plan(int64_t tid, insp_arena *text, insp_map_lines *maps,
                             insp_copy_plan *plan, insp_error *err)
{
    insp_status st = insp_process_maps(tid, text, maps, err);
    if (st)
        return st;
    INSP_CLEANUP(insp_close_fd) int pagemap = insp_pages_open(tid);
    return insp_copy_plan_make(maps, pagemap, plan) ? INSP_OK : insp_nomem(err);
}

// Before anything is held. Where this does not work, what follows takes longer, or says why.
static void prepare(int64_t pid, insp_room_vec *rooms)
{
    insp_arena text = {0};
    insp_map_lines maps = {0};
    insp_copy_plan plan = {0};
    if (!make_plan(pid, &text, &maps, &plan, NULL))
        insp_rooms_prepare(&plan, rooms);
    insp_copy_plan_deinit(&plan);
    insp_map_lines_deinit(&maps);
    insp_arena_deinit(&text);
}

// /proc/PID/`name`, or NULL where it cannot be read.
static const char *keep_file(int64_t tid, const char *name, insp_arena *text, size_t *size)
{
    *size = 0;
    INSP_CLEANUP(insp_free_ptr) char *read = insp_proc_read(tid, name, size);
    return read ? insp_arena_text(text, read, *size) : NULL;
}

// What tells a core of the process from another one. Nothing depends on it here.
static void keep_names(int64_t tid, insp_snapshot *out)
{
    size_t unused;
    out->name = keep_file(tid, "comm", &out->text, &unused);
    out->args = keep_file(tid, "cmdline", &out->text, &out->args_size);
    out->auxv = keep_file(tid, "auxv", &out->text, &out->auxv_size);
}

// While every thread is held.
static insp_status copy_held(const insp_held_vec *held, insp_room_vec *rooms,
                             insp_snapshot *out, insp_error *err)
{
    // The first thread of a process may have ended and left no memory; one that is held has it.
    int64_t tid = held->at[0].tid;
    insp_copy_plan plan = {0};
    insp_status st = insp_held_registers(held, &out->threads, err);
    if (!st)
        st = make_plan(tid, &out->text, &out->maps, &plan, err);
    if (!st)
        st = insp_copy_take(tid, &plan, rooms, out, err);
    if (!st)
        keep_names(tid, out);
    insp_copy_plan_deinit(&plan);
    return st;
}

typedef struct job {
    int64_t pid;
    insp_snapshot *out;
    insp_error err;
    insp_status st;
} job;

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void *take(void *arg)
{
    job *j = arg;
    insp_held_vec held = {0};
    insp_room_vec rooms = {0};
    prepare(j->pid, &rooms);
    uint64_t start = now_ns();
    j->st = insp_hold(j->pid, &held, &j->err);
    if (!j->st)
        j->st = copy_held(&held, &rooms, j->out, &j->err);
    insp_let_go(&held);
    j->out->pause_ns = now_ns() - start;
    insp_rooms_deinit(&rooms);
    return NULL;
}

// On a thread of its own: who traces is a thread, and when that ends, by whatever way, the
// kernel lets go of all it held.
static insp_status run(job *j, insp_error *err)
{
    sigset_t asynchronous, before;
    (void)sigfillset(&asynchronous);
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        (void)sigdelset(&asynchronous, faults[i]);
    (void)pthread_sigmask(SIG_BLOCK, &asynchronous, &before);
    pthread_t thread;
    int why = pthread_create(&thread, NULL, take, j);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (why)
        return insp_fail(err, INSP_ERR_IO, 0, "cannot start a thread: %s", strerror(why));
    (void)pthread_join(thread, NULL);
    if (j->st && err)
        *err = j->err;
    return j->st;
}

insp_status insp_snapshot_take(int64_t pid, insp_snapshot *out, insp_error *err)
{
    *out = (insp_snapshot){0};
    insp_proc_status status;
    if (pid <= 0 || pid > INT32_MAX || !insp_proc_status_read(pid, &status))
        return insp_fail(err, INSP_ERR_GONE, 0, "there is no process %" PRId64, pid);
    if (status.tgid == getpid())
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "process %" PRId64 " is this one", pid);
    out->was_stopped = status.state == 'T';
    job j = {.pid = status.tgid ? status.tgid : pid, .out = out};
    insp_status st = run(&j, err);
    if (st)
        insp_snapshot_deinit(out);
    else
        mark_stacks(out);
    return st;
}

void insp_snapshot_deinit(insp_snapshot *s)
{
    for (size_t i = 0; i < s->n_copies; i++)
        (void)munmap(s->at[i], (size_t)(s->copies[i].end - s->copies[i].start));
    free(s->copies);
    free(s->at);
    insp_map_lines_deinit(&s->maps);
    insp_thread_regs_vec_deinit(&s->threads);
    insp_arena_deinit(&s->text);
    *s = (insp_snapshot){0};
}

insp_status insp_snapshot_add_to(const insp_snapshot *s, insp_space *space, insp_error *err)
{
    size_t c = 0;
    for (size_t i = 0; i < s->maps.len; i++) {
        const insp_map_line *m = &s->maps.at[i];
        while (c < s->n_copies && s->copies[c].end <= m->start)
            c++;
        for (size_t k = c; k < s->n_copies && s->copies[k].start < m->end; k++) {
            insp_range r = s->copies[k];
            insp_segment seg = {.start = r.start > m->start ? r.start : m->start,
                                .end = r.end < m->end ? r.end : m->end,
                                .flags = m->flags,
                                .module = INSP_NONE};
            seg.bytes = s->at[k] + (seg.start - r.start);
            insp_status st = insp_space_add(space, seg, err);
            if (st)
                return st;
        }
    }
    return INSP_OK;
}
