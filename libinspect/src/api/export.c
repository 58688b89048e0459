// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../output/corefile.h"
#include "../output/jsonl.h"
#include "../output/members.h"
#include "session.h"

insp_status insp_export(insp_session *s, insp_format format, insp_write_fn write, void *ctx,
                        insp_error *err)
{
    if (format != INSP_FORMAT_JSONL)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no export format %d",
                         (int)format);
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_NATIVE, err);
    insp_writer w;
    if (!st)
        st = insp_writer_init(&w, write, ctx, err);
    if (st)
        return st;
    st = insp_jsonl_write(&s->heap, &s->native, s->target.source, &w, err);
    insp_writer_deinit(&w);
    return st ? st : insp_session_check(s, err);
}

insp_status insp_export_inside(insp_session *s, const uint32_t *numbers, const size_t *counts,
                               size_t n, insp_write_fn write, void *ctx, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    insp_writer w;
    if (!st)
        st = insp_writer_init(&w, write, ctx, err);
    if (st)
        return st;
    st = insp_members_write(&s->heap, &(insp_member_sets){numbers, counts, n}, &w, err);
    insp_writer_deinit(&w);
    return st ? st : insp_session_check(s, err);
}

insp_status insp_write_core(insp_session *s, insp_write_fn write, void *ctx, insp_error *err)
{
    if (strcmp(s->target.source, "process") != 0)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0,
                         "only a process that was copied can be written");
    insp_core_source from = {
        .pid = s->target.pid, .snapshot = &s->snapshot, .space = &s->space};
    return insp_corefile_write(&from, write, ctx, err);
}

/** A file to write to, and why that failed. */
typedef struct sink {
    int fd, error;
} sink;

static int write_all(void *ctx, const void *bytes, size_t n)
{
    sink *to = ctx;
    const char *at = bytes;
    while (n) {
        ssize_t done = write(to->fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            to->error = errno;
            return 1;
        }
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

insp_status insp_export_fd(insp_session *s, insp_format format, int fd, insp_error *err)
{
    sink to = {.fd = fd};
    insp_status st = insp_export(s, format, write_all, &to, err);
    if (to.error)
        return insp_fail(err, INSP_ERR_IO, 0, "cannot write: %s", strerror(to.error));
    return st;
}
