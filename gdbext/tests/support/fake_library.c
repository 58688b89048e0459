// SPDX-License-Identifier: MIT
/**
 * @file
 * A libinspect whose behaviour a test chooses by the path it opens, to try session.py's side of
 * the contract: jobs that wait, want memory, fail; answers that must be freed. It counts what is
 * open, so that a test sees what was leaked.
 */
#include <libinspect.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef FAKE_ABI
#include "../../../libinspect/src/api/abi_hash.h"
#define FAKE_ABI INSP_ABI_HASH
#endif

struct insp_session {
    char path[64];
    size_t n_mappings;
};

struct insp_job {
    pthread_t thread;
    atomic_int done, cancelled;
    insp_range wanted[2];
    size_t n_wanted;
    uint64_t sum, pieces, unreadable;
    insp_status status;
    char kind[64];
};

// What is alive, and what a job found.
INSP_API atomic_int fake_sessions, fake_jobs, fake_answers, fake_exports;
INSP_API uint64_t fake_sum, fake_pieces, fake_unreadable, fake_largest;

uint32_t insp_abi(void)
{
    return FAKE_ABI;
}

const char *insp_version(void)
{
    return "9.8.7";
}

static insp_status fail(insp_error *err, insp_status code, insp_addr addr, const char *text)
{
    err->code = code;
    err->addr = addr;
    (void)snprintf(err->message, sizeof(err->message), "%s", text);
    return code;
}

insp_status insp_open_core(const char *path, const insp_options *options,
                           insp_unpacking *unpacking, insp_session **out, insp_error *err)
{
    if (strcmp(path, "packed") == 0) {
        unpacking->total = 200;
        for (unpacking->done = 50; !*(volatile uint32_t *)&unpacking->stop;)
            (void)usleep(1000);
        return fail(err, INSP_ERR_CANCELLED, 0, "stopped");
    }
    if (strcmp(path, "missing") == 0)
        return fail(err, INSP_ERR_IO, 0, "no such file: missing");
    if (strcmp(path, "options") == 0)
        return fail(err, INSP_ERR_MISMATCH, 0x10, options->exe ? options->exe : "none");
    *out = calloc(1, sizeof(**out));
    (void)snprintf((*out)->path, sizeof((*out)->path), "%s", path);
    fake_sessions++;
    return INSP_OK;
}

insp_status insp_open_caller(int64_t pid, const insp_mapping *mappings, size_t n_mappings,
                             const insp_caller_thread *threads, size_t n_threads,
                             const insp_options *options, insp_session **out, insp_error *err)
{
    insp_status st = insp_open_core(mappings[n_mappings - 1].path, options, NULL, out, err);
    if (!st && (n_threads != 1 || threads[0].registers[26] != 26 || pid != 7))
        return fail(err, INSP_ERR_ARGUMENT, 0, "arguments arrived wrong");
    if (!st)
        (*out)->n_mappings = n_mappings;
    return st;
}

void insp_close(insp_session *session)
{
    fake_sessions--;
    free(session);
}

static void *work(void *arg)
{
    insp_job *job = arg;
    int forever = strcmp(job->kind, "forever") == 0;
    for (int i = 0; (forever || i < 30) && !job->cancelled; i++)
        (void)usleep(10 * 1000);
    if (job->cancelled && forever)
        (void)usleep(300 * 1000); // it takes a while to stop
    job->done = 1;
    return NULL;
}

insp_status insp_job_start(insp_session *session, insp_stage stage, insp_job **out,
                           insp_error *err)
{
    if (strcmp(session->path, "refuse") == 0)
        return fail(err, INSP_ERR_REFUSED, 0x20, "no layout");
    insp_job *job = *out = calloc(1, sizeof(**out));
    (void)snprintf(job->kind, sizeof(job->kind), "%s", session->path);
    fake_jobs++;
    if (strcmp(job->kind, "memory") == 0) {
        job->wanted[0] = (insp_range){0x10000, 0x10000 + 5 * 1024 * 1024 / 2};
        job->wanted[1] = (insp_range){0xffff0000, 0xffff1000};
        job->n_wanted = 2;
        job->done = 1;
    }
    if (strcmp(job->kind, "fail") == 0)
        job->status = INSP_ERR_CHANGED;
    else if (stage == INSP_STAGE_NATIVE)
        job->status = INSP_ERR_UNSUPPORTED;
    if (!job->done)
        (void)pthread_create(&job->thread, NULL, work, job);
    return INSP_OK;
}

insp_job_state insp_job_wait(insp_job *job, uint32_t ms, insp_progress *progress)
{
    *progress = (insp_progress){INSP_STAGE_OBJECTS, 0, 1, 2, 3};
    if (job->n_wanted)
        return INSP_JOB_NEEDS_MEMORY;
    for (uint32_t i = 0; i < ms && !job->done; i++)
        (void)usleep(1000);
    return job->done ? INSP_JOB_DONE : INSP_JOB_RUNNING;
}

size_t insp_job_wanted(insp_job *job, insp_range *ranges, size_t cap)
{
    for (size_t i = 0; i < job->n_wanted && i < cap; i++)
        ranges[i] = job->wanted[i];
    return job->n_wanted;
}

insp_status insp_job_supply(insp_job *job, insp_range range, const void *bytes, insp_error *err)
{
    if (range.end > job->wanted[1].end)
        return fail(err, INSP_ERR_ARGUMENT, range.start, "nobody asked for that");
    fake_pieces++;
    if (range.end - range.start > fake_largest)
        fake_largest = range.end - range.start;
    if (!bytes)
        fake_unreadable += range.end - range.start;
    for (insp_addr i = 0; bytes && i < range.end - range.start; i++)
        fake_sum += ((const unsigned char *)bytes)[i];
    if (range.end == job->wanted[1].end)
        job->n_wanted = 0;
    return INSP_OK;
}

void insp_job_cancel(insp_job *job)
{
    job->cancelled = 1;
}

insp_status insp_job_finish(insp_job *job, insp_error *err)
{
    insp_status st = job->cancelled ? INSP_ERR_CANCELLED : job->status;
    if (job->thread)
        (void)pthread_join(job->thread, NULL);
    free(job);
    fake_jobs--;
    return st ? fail(err, st, 0, "the job ended badly") : INSP_OK;
}

void insp_answer_free(const void *answer)
{
    if (!answer)
        return;
    fake_answers--;
    free((void *)answer);
}

static void *answer(size_t size)
{
    fake_answers++;
    return calloc(1, size);
}

enum { N_TYPES = 100000 };

insp_status insp_type_list(insp_session *session, const insp_types **out, insp_error *err)
{
    if (strcmp(session->path, "refuse") == 0)
        return fail(err, INSP_ERR_REFUSED, 0x30, "types are refused");
    insp_types *found = answer(sizeof(*found) + N_TYPES * sizeof(insp_type_row));
    insp_type_row *rows = (void *)(found + 1);
    for (size_t i = 0; i < N_TYPES; i++)
        rows[i] = (insp_type_row){i * 16,     i % 2 ? "d\xc3\xa9j\xc3\xa0" : "dict",
                                  "builtins", "none",
                                  (int64_t)i, -1,
                                  UINT64_MAX, i,
                                  0,          0};
    *found = (insp_types){rows, N_TYPES};
    *out = found;
    return INSP_OK;
}

insp_status insp_interpreter_list(insp_session *session, const insp_interpreters **out,
                                  insp_error *err)
{
    (void)session, (void)err;
    static const insp_generation two[] = {{"gen0", 1, 700, 2, 3, 4, 5},
                                          {"frozen", 6, -1, -1, -1, -1, -1}};
    insp_interpreters *found = answer(sizeof(*found) + 2 * sizeof(insp_interpreter));
    insp_interpreter *rows = (void *)(found + 1);
    rows[0] = (insp_interpreter){.addr = 1, .id = 0, .generations = two, .n_generations = 2};
    rows[1] = (insp_interpreter){.addr = 2, .id = 1};
    *found = (insp_interpreters){rows, 2};
    *out = found;
    return INSP_OK;
}

insp_status insp_layout_proofs(insp_session *session, const insp_proofs **out, insp_error *err)
{
    (void)session, (void)err;
    static const insp_proof rows[] = {{"A", "", "", "", INSP_PROOF_REPAIRED, 0},
                                      {"B", "", "", "", (insp_proof_result)99, 0}};
    insp_proofs *found = answer(sizeof(*found));
    *found = (insp_proofs){rows, 2};
    *out = found;
    return INSP_OK;
}

insp_status insp_unbalanced(insp_session *session, const insp_numbers **out, insp_error *err)
{
    (void)err;
    size_t n = strcmp(session->path, "empty") == 0 ? 0 : 1000000;
    insp_numbers *found = answer(sizeof(*found) + n * sizeof(uint32_t));
    uint32_t *rows = (void *)(found + 1);
    for (size_t i = 0; i < n; i++)
        rows[i] = (uint32_t)i * 4000u;
    *found = (insp_numbers){n ? rows : NULL, n};
    *out = found;
    return INSP_OK;
}

insp_status insp_object_at(insp_session *session, insp_addr addr, insp_object *out,
                           insp_error *err)
{
    (void)session;
    if (addr == 0)
        return fail(err, INSP_ERR_NO_OBJECT, addr, "no object at 0x0");
    *out = (insp_object){.addr = addr, .refcnt = -5, .raw = {7, UINT64_MAX}, .interp = -1};
    return INSP_OK;
}

insp_status insp_value_text(insp_session *session, insp_addr addr, char *buf, size_t size,
                            int32_t *cut, insp_error *err)
{
    (void)session, (void)addr, (void)err;
    *cut = snprintf(buf, size, "a value that is 33 bytes long ...") >= (int)size;
    return INSP_OK;
}

insp_status insp_dict_get(insp_session *session, insp_addr dict, const char *key,
                          insp_addr *out, insp_error *err)
{
    (void)session, (void)err;
    *out = strcmp(key, "k\xc3\xa9y") == 0 ? dict + 1 : 0;
    return INSP_OK;
}

insp_status insp_export(insp_session *session, insp_format format, insp_write_fn write,
                        void *ctx, insp_error *err)
{
    (void)format;
    int forever = strcmp(session->path, "forever") == 0;
    bool stopped = false;
    fake_exports++;
    for (int i = 0; !stopped && (forever || i < 5); i++) {
        stopped = write(ctx, "line\n", 5);
        if (forever)
            (void)usleep(50000);
    }
    fake_exports--;
    return stopped ? fail(err, INSP_ERR_CANCELLED, 0, "stopped by its reader") : INSP_OK;
}
