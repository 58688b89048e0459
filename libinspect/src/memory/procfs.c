// SPDX-License-Identifier: MIT
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/cleanup.h"

INSP_VEC(text_vec, char);

enum { CAP_SYS_PTRACE_BIT = 19 };

static char *read_file(const char *path, size_t *size)
{
    INSP_CLEANUP(insp_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    text_vec text = {0};
    for (;;) {
        if (!text_vec_reserve(&text, text.len + (size_t)64 * 1024)) {
            text_vec_deinit(&text);
            errno = ENOMEM;
            return NULL;
        }
        ssize_t got = read(fd, text.at + text.len, text.cap - text.len - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int why = errno;
            text_vec_deinit(&text);
            errno = why;
            return NULL;
        }
        if (got == 0)
            break;
        text.len += (size_t)got;
    }
    text.at[text.len] = '\0';
    if (size)
        *size = text.len;
    return text.at;
}

char *insp_proc_read(int64_t pid, const char *name, size_t *size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, name);
    return read_file(path, size);
}

// What follows "Key:\t" on a line of its own, or NULL.
static const char *value_of(const char *status, const char *key)
{
    size_t n = strlen(key);
    for (const char *line = status; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, n) == 0 && line[n] == ':')
            return line + n + 1;
    }
    return NULL;
}

bool insp_proc_status_read(int64_t pid, insp_proc_status *out)
{
    *out = (insp_proc_status){0};
    INSP_CLEANUP(insp_free_ptr) char *text = insp_proc_read(pid, "status", NULL);
    if (!text)
        return false;
    const char *v;
    if ((v = value_of(text, "Name")))
        (void)sscanf(v, " %31[^\n]", out->name);
    if ((v = value_of(text, "State")))
        (void)sscanf(v, " %c", &out->state);
    if ((v = value_of(text, "Tgid")))
        (void)sscanf(v, "%" SCNd64, &out->tgid);
    if ((v = value_of(text, "TracerPid")))
        (void)sscanf(v, "%" SCNd64, &out->tracer);
    if ((v = value_of(text, "Uid")))
        (void)sscanf(v, "%*u %" SCNu32, &out->uid);
    if ((v = value_of(text, "CapEff")))
        (void)sscanf(v, "%" SCNx64, &out->caps);
    // A thread of the kernel has no memory, so no line about it; nor has a process that ended.
    out->kernel_thread = out->state != 'Z' && out->state != 'X' && !value_of(text, "VmSize");
    return true;
}

insp_trace_facts insp_trace_facts_collect(int64_t pid, int error)
{
    insp_trace_facts f = {.pid = pid, .yama = -1, .error = error};
    (void)insp_proc_status_read(pid, &f.target);
    (void)insp_proc_status_read(getpid(), &f.self);
    insp_proc_status tracer;
    if (f.target.tracer && insp_proc_status_read(f.target.tracer, &tracer))
        memcpy(f.tracer_name, tracer.name, sizeof(f.tracer_name));
    INSP_CLEANUP(insp_free_ptr)
    char *yama = read_file("/proc/sys/kernel/yama/ptrace_scope", NULL);
    if (yama)
        (void)sscanf(yama, "%d", &f.yama);
    char path[32];
    struct stat st;
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64, pid);
    f.undumpable = stat(path, &st) == 0 && st.st_uid != f.target.uid;
    return f;
}

static insp_status denied_by_yama(const insp_trace_facts *f, insp_error *err)
{
    static const char *const who[] = {[1] = "only a parent may trace it",
                                      [2] = "only root may trace",
                                      [3] = "nobody may trace"};
    return insp_fail(err, INSP_ERR_DENIED, 0,
                     "not allowed to trace process %" PRId64
                     ": kernel.yama.ptrace_scope is %d (%s)%s",
                     f->pid, f->yama, who[f->yama < 3 ? f->yama : 3],
                     f->yama < 3 ? "; run as root, or set it to 0" : " until the next boot");
}

insp_status insp_trace_refused(const insp_trace_facts *f, insp_error *err)
{
    bool any = f->self.caps >> CAP_SYS_PTRACE_BIT & 1;
    if (f->target.state == '\0')
        return insp_fail(err, INSP_ERR_GONE, 0, "there is no process %" PRId64, f->pid);
    if (f->target.state == 'Z' || f->target.state == 'X')
        return insp_fail(err, INSP_ERR_GONE, 0,
                         "process %" PRId64
                         " (%s) has ended; only its parent does not know yet",
                         f->pid, f->target.name);
    if (f->error == ESRCH)
        return insp_fail(err, INSP_ERR_GONE, 0, "process %" PRId64 " (%s) ended just now",
                         f->pid, f->target.name);
    if (f->target.kernel_thread)
        return insp_fail(err, INSP_ERR_DENIED, 0,
                         "process %" PRId64 " (%s) is a thread of the kernel, it has no memory",
                         f->pid, f->target.name);
    if (f->target.tracer)
        return insp_fail(err, INSP_ERR_DENIED, 0,
                         "process %" PRId64 " is traced already, by process %" PRId64 " (%s)",
                         f->pid, f->target.tracer, f->tracer_name);
    if (f->target.uid != f->self.uid && !any)
        return insp_fail(err, INSP_ERR_DENIED, 0,
                         "not allowed to trace process %" PRId64 ": it belongs to user %" PRIu32
                         ", this is user %" PRIu32,
                         f->pid, f->target.uid, f->self.uid);
    if (f->yama >= 3 || (f->yama > 0 && !any))
        return denied_by_yama(f, err);
    if (f->undumpable && !any)
        return insp_fail(
            err, INSP_ERR_DENIED, 0,
            "not allowed to trace process %" PRId64
            ": it is not dumpable (set-user-id, or prctl PR_SET_DUMPABLE 0); run as root",
            f->pid);
    return insp_fail(err, INSP_ERR_DENIED, 0,
                     "not allowed to trace process %" PRId64
                     ": %s (a container, a seccomp filter or a security module forbids it)",
                     f->pid, strerror(f->error));
}

bool insp_proc_threads(int64_t pid, insp_addrs *out)
{
    char path[48];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/task", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    bool ok = true;
    for (const struct dirent *e; ok && (e = readdir(dir));) {
        uint64_t tid = strtoull(e->d_name, NULL, 10);
        if (tid > 0)
            ok = insp_addrs_push(out, tid);
    }
    (void)closedir(dir);
    if (!ok)
        errno = ENOMEM;
    return ok;
}
