// SPDX-License-Identifier: MIT
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "../base/cleanup.h"
#include "rooms.h"

// A file mapping up to this size is copied whole, where it is at all; of a larger one, what was
// touched. Anonymous memory beyond the second size is a reservation.
static const uint64_t whole_file = UINT64_C(64) << 20, whole_memory = UINT64_C(64) << 30;

// One system call copies no more than this, for no reason but the kernel's own limit of 2 GiB.
static const uint64_t one_read = UINT64_C(256) << 20;

static bool is_anonymous(const insp_map_line *m)
{
    return !m->shared && !m->deleted &&
           (m->path[0] == '\0' || strcmp(m->path, "[heap]") == 0 ||
            strncmp(m->path, "[stack", 6) == 0 || strncmp(m->path, "[anon:", 6) == 0);
}

// The runs of a range that were touched, as something to read. False, and nothing planned,
// where they are not known.
static bool plan_touched(insp_copy_plan *plan, insp_range range, int pagemap, bool own,
                         bool cover)
{
    size_t first = plan->fetch.len;
    if (!insp_pages_touched(pagemap, range, own, &plan->fetch))
        return false;
    size_t n = cover ? plan->fetch.len - first : 0;
    if (!insp_range_vec_reserve(&plan->cover, plan->cover.len + n)) {
        plan->fetch.len = first;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        (void)insp_range_vec_push(&plan->cover, plan->fetch.at[first + i]);
    return true;
}

static bool plan_whole(insp_copy_plan *plan, insp_range range)
{
    return insp_range_vec_reserve(&plan->fetch, plan->fetch.len + 1) &&
           insp_range_vec_push(&plan->cover, range) && insp_range_vec_push(&plan->fetch, range);
}

static bool plan_anonymous(insp_copy_plan *plan, insp_range range, int pagemap)
{
    if (range.end - range.start > whole_memory) {
        (void)plan_touched(plan, range, pagemap, true, true);
        return true;
    }
    // The order matters: what is to be read has to be covered.
    if (!insp_range_vec_reserve(&plan->cover, plan->cover.len + 1))
        return false;
    if (plan_touched(plan, range, pagemap, true, false))
        return insp_range_vec_push(&plan->cover, range);
    return plan_whole(plan, range);
}

// A private file mapping that is not writable: the dynamic linker wrote to some of its pages
// before (RELRO). The first page tells which build it is.
static bool plan_read_only(insp_copy_plan *plan, const insp_map_line *m, int pagemap)
{
    insp_range range = {m->start, m->end};
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (m->offset == 0 && m->path[0] == '/') {
        if (!plan_whole(plan, (insp_range){m->start, m->start + page}))
            return false;
        range.start += page;
    }
    if (range.start >= range.end || plan_touched(plan, range, pagemap, true, true))
        return true;
    bool data = !(m->flags & INSP_SEG_EXEC) && range.end - range.start <= whole_file;
    return !data || plan_whole(plan, range);
}

static bool plan_line(insp_copy_plan *plan, const insp_map_line *m, int pagemap)
{
    insp_range range = {m->start, m->end};
    if (!m->readable)
        return true;
    if (is_anonymous(m))
        return plan_anonymous(plan, range, pagemap);
    bool in_file = m->path[0] == '/' && !m->deleted;
    if (m->shared && in_file)
        return true;
    if (in_file && !(m->flags & INSP_SEG_WRITE))
        return plan_read_only(plan, m, pagemap);
    if (range.end - range.start <= whole_file)
        return plan_whole(plan, range);
    (void)plan_touched(plan, range, pagemap, in_file, true);
    return true;
}

bool insp_copy_plan_make(const insp_map_lines *maps, int pagemap, insp_copy_plan *out)
{
    for (size_t i = 0; i < maps->len; i++) {
        if (!plan_line(out, &maps->at[i], pagemap))
            return false;
    }
    // An object may lie in two mappings that touch.
    insp_ranges_join(&out->cover);
    insp_ranges_join(&out->fetch);
    return true;
}

void insp_copy_plan_deinit(insp_copy_plan *plan)
{
    insp_range_vec_deinit(&plan->cover);
    insp_range_vec_deinit(&plan->fetch);
}

// Where bytes come from, and pages that gave none.
typedef struct source {
    pid_t tid;
    int mem;       // of /proc/PID/mem, or -1
    bool mem_only; // process_vm_readv is not to be had
    insp_range_vec holes;
} source;

static ssize_t read_some(source *s, insp_addr at, unsigned char *to, size_t n)
{
    if (!s->mem_only) {
        struct iovec here = {to, n}, there = {(void *)(uintptr_t)at, n};
        ssize_t got = process_vm_readv(s->tid, &here, 1, &there, 1, 0);
        if (got > 0)
            return got;
        s->mem_only = errno == ENOSYS || errno == EPERM;
    }
    return pread(s->mem, to, n, (off_t)at);
}

// Read [start, end) to `to`. False when memory runs out.
static bool fetch(source *s, insp_range range, unsigned char *to)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    for (insp_addr at = range.start; at < range.end;) {
        uint64_t want = range.end - at < one_read ? range.end - at : one_read;
        ssize_t got = read_some(s, at, to + (at - range.start), (size_t)want);
        if (got > 0) {
            at += (uint64_t)got;
            continue;
        }
        insp_addr start = at & ~(page - 1);
        if (!insp_range_vec_push(&s->holes, (insp_range){start, start + page}))
            return false;
        at = start + page;
    }
    return true;
}

static void add_copy(insp_snapshot *s, insp_range range, unsigned char *at)
{
    s->copies[s->n_copies] = range;
    s->at[s->n_copies++] = at;
}

// One covered range with its holes cut out.
static void add_copies(insp_snapshot *s, insp_range range, unsigned char *room,
                       const insp_range_vec *holes, size_t *hole)
{
    insp_addr at = range.start;
    for (; *hole < holes->len && holes->at[*hole].start < range.end; ++*hole) {
        insp_range h = holes->at[*hole];
        if (h.start > at)
            add_copy(s, (insp_range){at, h.start}, room + (at - range.start));
        (void)munmap(room + (h.start - range.start), (size_t)(h.end - h.start));
        at = h.end;
    }
    if (at < range.end)
        add_copy(s, (insp_range){at, range.end}, room + (at - range.start));
}

// Where the ranges of a plan are read to.
typedef struct target {
    struct insp_room_vec *ready;
    unsigned char **at; // a range the plan covers
} target;

static insp_status copy_all(source *s, const insp_copy_plan *plan, const target *to,
                            insp_error *err)
{
    size_t next = 0;
    for (size_t i = 0; i < plan->cover.len; i++) {
        insp_range c = plan->cover.at[i];
        to->at[i] = insp_rooms_take(to->ready, c);
        if (!to->at[i])
            return insp_nomem(err);
        for (; next < plan->fetch.len && plan->fetch.at[next].start < c.end; next++) {
            insp_range f = plan->fetch.at[next];
            if (!fetch(s, f, to->at[i] + (f.start - c.start)))
                return insp_nomem(err);
        }
    }
    return INSP_OK;
}

static void unmap(const insp_copy_plan *plan, unsigned char **at)
{
    for (size_t i = 0; i < plan->cover.len; i++) {
        if (at[i])
            (void)munmap(at[i], (size_t)(plan->cover.at[i].end - plan->cover.at[i].start));
    }
}

insp_status insp_copy_take(int64_t tid, const insp_copy_plan *plan, struct insp_room_vec *rooms,
                           insp_snapshot *out, insp_error *err)
{
    char path[48];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/mem", tid);
    INSP_CLEANUP(insp_close_fd) int mem = open(path, O_RDONLY | O_CLOEXEC);
    source s = {.tid = (pid_t)tid, .mem = mem};
    INSP_CLEANUP(insp_free_ptr) unsigned char **at = calloc(plan->cover.len + 1, sizeof(*at));
    if (!at)
        return insp_nomem(err);
    target to = {rooms, at};
    insp_status st = copy_all(&s, plan, &to, err);
    size_t most = plan->cover.len + s.holes.len;
    out->copies = st ? NULL : calloc(most + 1, sizeof(*out->copies));
    out->at = st ? NULL : calloc(most + 1, sizeof(*out->at));
    if (!out->copies || !out->at) {
        unmap(plan, at);
        insp_range_vec_deinit(&s.holes);
        return st ? st : insp_nomem(err);
    }
    size_t hole = 0;
    for (size_t i = 0; i < plan->cover.len; i++)
        add_copies(out, plan->cover.at[i], at[i], &s.holes, &hole);
    insp_range_vec_deinit(&s.holes);
    return INSP_OK;
}
