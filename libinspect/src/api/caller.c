// SPDX-License-Identifier: MIT
/**
 * @file
 * A target that only the caller can reach: its mappings and registers come as arguments, its memory when
 * it is needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

static insp_status add_mapping(insp_session *s, const insp_mapping *m, int fd, insp_error *err)
{
    enum { READ = 1, WRITE = 2, EXEC = 4 };
    bool executable = m->flags & EXEC, in_file = m->path[0] == '/';
    // What a file holds unchanged is read from the file; that is checked by its build-id.
    if (!(m->flags & READ) || (in_file && executable && fd < 0))
        return INSP_OK;
    insp_segment seg = {.start = m->start, .end = m->end, .module = INSP_NONE};
    seg.flags = (m->flags & WRITE ? INSP_SEG_WRITE : 0u) | (executable ? INSP_SEG_EXEC : 0u);
    insp_status st = insp_demand_add(s->demand, &s->space, seg, fd, err);
    // A mapping that takes part of another one's place is the caller's mistake, and no reason to stop.
    return st == INSP_ERR_ARGUMENT ? INSP_OK : st;
}

static insp_status add_line(insp_session *s, const insp_mapping *m, insp_error *err)
{
    insp_map_line line = {.start = m->start,
                          .end = m->end,
                          .offset = m->offset,
                          .path = insp_arena_text(&s->text, m->path, strlen(m->path)),
                          .readable = m->flags & 1};
    return line.path && insp_map_lines_push(&s->snapshot.maps, line) ? INSP_OK
                                                                     : insp_nomem(err);
}

static insp_status add_threads(insp_session *s, const insp_caller_thread *threads, size_t n,
                               insp_error *err)
{
    for (size_t i = 0; i < n; i++) {
        insp_thread_regs t = {.tid = threads[i].tid, .n_regs = INSP_X86_64_REGS};
        memcpy(t.regs, threads[i].registers, sizeof(threads[i].registers));
        if (!insp_thread_regs_vec_push(&s->snapshot.threads, t))
            return insp_nomem(err);
    }
    s->threads = &s->snapshot.threads;
    return INSP_OK;
}

insp_status insp_session_open_caller(insp_session *s, int64_t pid, const insp_mapping *mappings,
                                     size_t n_mappings, const insp_caller_thread *threads,
                                     size_t n_threads, insp_error *err)
{
    s->target.source = "caller";
    s->target.pid = pid;
    s->memory_fd = -1;
    if (pid) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/%lld/mem", (long long)pid);
        s->memory_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (s->memory_fd < 0)
            return insp_fail(err, errno == ENOENT ? INSP_ERR_GONE : INSP_ERR_DENIED, 0,
                             "process %lld: its memory cannot be read: %s", (long long)pid,
                             strerror(errno));
    }
    insp_status st = insp_demand_create(&s->demand, err);
    for (size_t i = 0; !st && i < n_mappings; i++) {
        st = add_mapping(s, &mappings[i], s->memory_fd, err);
        if (!st)
            st = add_line(s, &mappings[i], err);
    }
    return st ? st : add_threads(s, threads, n_threads, err);
}
