// SPDX-License-Identifier: MIT
/**
 * @file
 * Opening and closing a session, and what it says of its target before anything of CPython is read.
 */
#include "session.h"
#include "../base/cleanup.h"
#include "../base/strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *insp_answer_new(size_t size, insp_arena **arena)
{
    insp_answer *a = calloc(1, sizeof(*a) + size);
    if (!a)
        return NULL;
    *arena = &a->arena;
    return a + 1;
}

void insp_answer_free(const void *answer)
{
    if (!answer)
        return;
    insp_answer *a = (insp_answer *)(uintptr_t)answer - 1;
    insp_arena_deinit(&a->arena);
    free(a);
}

bool insp_answer_text(insp_arena *arena, const char *text, const char **out)
{
    *out = text ? insp_arena_text(arena, text, strlen(text)) : "";
    return *out != NULL;
}

insp_status insp_answer_check(insp_session *s, const void *answer, insp_error *err)
{
    insp_status st = insp_session_check(s, err);
    if (st)
        insp_answer_free(answer);
    return st;
}

// Which of the files has changed. The core first: it is what people can do something about.
static const char *changed_file(const insp_session *s)
{
    if (s->core.bytes && insp_guard_changed(s->core.bytes))
        return s->target.path;
    for (size_t i = 0; i < s->images.len; i++) {
        const insp_image *image = &s->images.at[i];
        if (image->bytes && insp_guard_changed(image->bytes))
            return image->file;
    }
    return NULL;
}

bool insp_session_changed(insp_session *s)
{
    unsigned now = insp_guard_faults();
    if (now != s->faults && !s->changed)
        s->changed = changed_file(s);
    s->faults = now;
    return s->changed != NULL;
}

insp_status insp_session_check(insp_session *s, insp_error *err)
{
    insp_addr missed;
    if (insp_session_changed(s) && s->changed == s->target.path)
        return insp_fail(err, INSP_ERR_CHANGED, 0, "core file changed while reading");
    if (s->changed)
        return insp_fail(err, INSP_ERR_CHANGED, 0, "%s changed while reading", s->changed);
    if (s->demand && insp_demand_missed(s->demand, &missed))
        return insp_fail(err, INSP_ERR_NEEDS_MEMORY, missed,
                         "the memory at 0x%" PRIx64 " has to be brought first", missed);
    return INSP_OK;
}

insp_status insp_session_ready(insp_session *s, insp_error *err)
{
    if (s->demand)
        insp_demand_forget_missed(s->demand);
    return insp_session_check(s, err);
}

void insp_problem_add(insp_session *s, const char *kind, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    insp_problem p = {kind, insp_arena_text(&s->text, text, strlen(text))};
    if (p.text)
        (void)insp_problem_rows_push(&s->problems, p);
}

static insp_session *new_session(insp_error *err)
{
    insp_session *s = calloc(1, sizeof(*s));
    if (!s) {
        (void)insp_nomem(err);
        return NULL;
    }
    s->memory_fd = -1;
    s->faults = insp_guard_faults();
    s->target = (insp_target){.source = "", .path = "", .exe = ""};
    return s;
}

static void deinit_images(insp_session *s)
{
    for (size_t i = 0; i < s->images.len; i++)
        insp_image_deinit(&s->images.at[i]);
    insp_images_deinit(&s->images);
}

void insp_close(insp_session *s)
{
    if (!s)
        return;
    if (s->job) {
        insp_job_cancel(s->job);
        (void)insp_job_finish(s->job, NULL);
    }
    insp_native_deinit(&s->native);
    insp_session_forget_replay(s);
    insp_retained_deinit(&s->retained);
    insp_described_deinit(&s->described);
    insp_reverse_deinit(&s->reverse);
    insp_heap_deinit(&s->heap);
    insp_cpython_close(&s->py);
    deinit_images(s);
    insp_space_deinit(&s->space);
    insp_demand_destroy(s->demand);
    insp_close_fd(&s->memory_fd);
    insp_snapshot_deinit(&s->snapshot);
    insp_core_close(&s->core);
    insp_findings_deinit(&s->findings);
    insp_problem_rows_deinit(&s->problems);
    insp_arena_deinit(&s->text);
    free(s);
}

static bool is_python(const insp_image *image)
{
    return strstr(image->path, "python") != NULL;
}

/** Files of extensions that are not here. */
typedef struct missing_files {
    insp_str names; // of the first
    uint32_t n;
    char room[160];
} missing_files;

static void add_missing(missing_files *m, const char *path)
{
    enum { NAMED = 4, LONGEST = 32 };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    // Without the ".cpython-311-x86_64-linux-gnu.so".
    size_t length = strcspn(name, ".");
    if (m->n++ < NAMED)
        insp_str_printf(&m->names, "%s%.*s", m->n > 1 ? ", " : "",
                        (int)(length < LONGEST ? length : LONGEST), name);
    else if (m->n == NAMED + 1)
        insp_str_add(&m->names, ", ...");
}

static void tell_missing(insp_session *s, const missing_files *m)
{
    if (m->n)
        insp_problem_add(
            s, "missing-file",
            "the files of %u extension modules are not here (%s): --sysroot DIR says "
            "below what folder they are",
            m->n, m->room);
}

static insp_status attach_one(insp_session *s, uint32_t i, uint32_t exe,
                              const insp_options *options, missing_files *missing,
                              insp_error *err)
{
    insp_error why = {0};
    const char *file = i == exe ? options->exe : NULL;
    insp_image *image = &s->images.at[i];
    insp_status st =
        insp_image_attach(image, i, &s->space, options->sysroot, file, &s->text, &why);
    if (st == INSP_OK || st == INSP_ERR_MEMORY || file) {
        if (st && err)
            *err = why;
        return st;
    }
    // Without the file of the interpreter or an extension names and code are missing; other
    // libraries are not missed.
    bool extension = is_python(image) && strstr(image->path, ".cpython-");
    if (st != INSP_ERR_MISMATCH && extension)
        add_missing(missing, image->path);
    else if (is_python(image) || i == exe)
        insp_problem_add(s, st == INSP_ERR_MISMATCH ? "other-build" : "missing-file", "%s",
                         why.message);
    return INSP_OK;
}

// The executable is the image the auxiliary vector's entry lies in, else the first of all.
static uint32_t executable(const insp_session *s)
{
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): nobody opens a session that is none
    if (!s->images.at)
        return INSP_NONE;
    for (uint32_t i = 0; i < s->images.len; i++) {
        const insp_image *image = &s->images.at[i];
        insp_addr entry = s->core.auxv_entry;
        if (entry && image->start <= entry && entry < image->end)
            return i;
    }
    return s->images.len ? 0 : INSP_NONE;
}

// A core without notes does not name its executable. But the last string on the stack is the path it was
// started by (fs/exec.c puts it there).
static const char *path_on_stack(insp_session *s)
{
    enum { ROOM = 4096 };
    const insp_segment *stack = NULL;
    for (size_t i = 0; i < s->space.segs.len; i++) {
        const insp_segment *seg = &s->space.segs.at[i];
        if (seg->flags & INSP_SEG_WRITE && seg->end < UINT64_C(1) << 47 && !seg->demand)
            stack = seg;
    }
    if (!stack || stack->end - stack->start < ROOM)
        return NULL;
    const char *room = (const char *)stack->bytes + (stack->end - stack->start) - ROOM;
    size_t end = ROOM;
    while (end && !room[end - 1])
        end--;
    size_t start = end;
    while (start && room[start - 1])
        start--;
    return start && start < end && room[start] == '/'
               ? insp_arena_text(&s->text, room + start, end - start)
               : NULL;
}

// Takes the file only if its build-id is the image's.
static void attach_by_stack(insp_session *s, uint32_t i, const insp_options *options)
{
    insp_image *image = &s->images.at[i];
    const char *path = *image->path ? NULL : path_on_stack(s);
    if (path &&
        !insp_image_attach(image, i, &s->space, options->sysroot, path, &s->text, NULL) &&
        *image->doubt)
        insp_problem_add(s, "other-build", "%s", image->doubt);
    if (path && *image->file)
        image->path = path;
    else if (!*image->path && !*image->file)
        insp_problem_add(
            s, "missing-file",
            "the core does not name its executable: its notes were cut off. Give it "
            "with --exe FILE");
}

static insp_status attach_files(insp_session *s, const insp_options *options, insp_error *err)
{
    uint32_t exe = executable(s);
    insp_status st = INSP_OK;
    missing_files missing;
    missing.n = 0;
    missing.names = insp_str_init(missing.room, sizeof(missing.room));
    if (exe == INSP_NONE && options->exe) {
        // Nothing of it can be recognised: the caller's word alone says what it is.
        const char *path = insp_arena_text(&s->text, options->exe, strlen(options->exe));
        if (!path || !insp_images_push(&s->images, (insp_image){.path = path, .file = ""}))
            return insp_nomem(err);
        exe = 0;
    }
    for (uint32_t i = 0; !st && i < s->images.len; i++)
        st = attach_one(s, i, exe, options, &missing, err);
    tell_missing(s, &missing);
    if (exe != INSP_NONE && !st && !options->exe)
        attach_by_stack(s, exe, options);
    if (exe != INSP_NONE && !st)
        s->target.exe = s->images.at[exe].path;
    return st;
}

static insp_status open_images(insp_session *s, const insp_core_files *files,
                               const insp_options *options, insp_error *err)
{
    static const insp_options none;
    insp_status st = insp_images_find(&s->space, files, &s->text, &s->images, err);
    return st ? st : attach_files(s, options ? options : &none, err);
}

// gcore gives a mapping up at its first page that cannot be read, and leaves zeros: since glibc 2.42 that is the
// guard page of every thread's stack.
static void tell_lost_stacks(insp_session *s)
{
    enum { LOOK = 4096 };
    uint64_t words[LOOK / 8];
    uint32_t lost = 0;
    for (size_t i = 0; i < s->core.threads.len; i++) {
        insp_addr sp = insp_thread_sp(&s->core.threads.at[i]) & ~UINT64_C(7);
        if (insp_space_read(&s->space, sp, words, sizeof(words), NULL))
            continue;
        bool any = false;
        for (size_t k = 0; k < LOOK / 8; k++)
            any = any || words[k];
        lost += !any;
    }
    if (lost)
        insp_problem_add(
            s, "stacks",
            "the stacks of %u of %zu threads are all zeros: whoever wrote the core could "
            "not read them (gcore cannot with glibc 2.42); frames and words "
            "that lie there are missing",
            lost, s->core.threads.len);
}

static insp_status open_core(insp_session *s, const char *path, const insp_options *options,
                             insp_unpacking *unpacking, insp_error *err)
{
    insp_status st = insp_core_open(path, unpacking, &s->core, err);
    if (st)
        return st;
    s->target.source = "core";
    s->target.path = insp_arena_text(&s->text, path, strlen(path));
    if (!s->target.path)
        return insp_nomem(err);
    s->target.pid = s->core.pid;
    s->target.file_size = s->core.size;
    s->target.full_size = s->core.full_size;
    s->target.signal = s->core.signal;
    s->threads = &s->core.threads;
    if (s->core.damage[0])
        insp_problem_add(s, "unpacked", "it could not be unpacked whole: %s", s->core.damage);
    if (s->core.full_size > s->core.size)
        insp_problem_add(s, "truncated",
                         "cut short: %" PRIu64 " of %" PRIu64
                         " bytes are there; answers are for what can be read",
                         s->core.size, s->core.full_size);
    st = insp_core_add_to(&s->core, &s->space, err);
    if (!st)
        tell_lost_stacks(s);
    return st ? st : open_images(s, &s->core.files, options, err);
}

// Hands a session out if it could be opened, and its files stayed as they were meanwhile.
static insp_status give(insp_session *s, insp_status st, insp_session **out, insp_error *err)
{
    if (insp_session_changed(s))
        st = insp_session_check(s, err);
    if (st)
        insp_close(s);
    else
        *out = s;
    return st;
}

insp_status insp_open_core(const char *path, const insp_options *options,
                           insp_unpacking *unpacking, insp_session **out, insp_error *err)
{
    INSP_GUARDED;
    insp_session *s = new_session(err);
    return s ? give(s, open_core(s, path, options, unpacking, err), out, err) : INSP_ERR_MEMORY;
}

static insp_status open_mapped(insp_session *s, const insp_map_lines *maps,
                               const insp_options *options, insp_error *err)
{
    INSP_CLEANUP(insp_core_files_deinit) insp_core_files files = {0};
    insp_status st = insp_core_files_of(maps, &files, err);
    return st ? st : open_images(s, &files, options, err);
}

static insp_status open_process(insp_session *s, int64_t pid, const insp_options *options,
                                insp_error *err)
{
    insp_status st = insp_snapshot_take(pid, &s->snapshot, err);
    if (st)
        return st;
    s->target.source = "process";
    s->target.pid = pid;
    s->target.pause_ns = s->snapshot.pause_ns;
    s->threads = &s->snapshot.threads;
    st = insp_snapshot_add_to(&s->snapshot, &s->space, err);
    return st ? st : open_mapped(s, &s->snapshot.maps, options, err);
}

insp_status insp_open_process(int64_t pid, const insp_options *options, insp_session **out,
                              insp_error *err)
{
    INSP_GUARDED;
    insp_session *s = new_session(err);
    return s ? give(s, open_process(s, pid, options, err), out, err) : INSP_ERR_MEMORY;
}

// NULL where memory runs out.
static const char *keep(insp_session *s, const char *text)
{
    return insp_arena_text(&s->text, text, strlen(text));
}

insp_status insp_session_find_modules(insp_session *s, insp_error *err)
{
    insp_status st = open_mapped(s, &s->snapshot.maps, &s->options, err);
    s->modules_pending = st != INSP_OK;
    return st;
}

void insp_session_forget_modules(insp_session *s)
{
    if (!s->demand)
        return;
    insp_space_drop_files(&s->space);
    deinit_images(s);
    s->problems.len = 0;
    s->target.exe = "";
    s->modules_pending = true;
}

static insp_status keep_options(insp_session *s, const insp_options *options, insp_error *err)
{
    s->options = *options;
    if (options->exe)
        s->options.exe = keep(s, options->exe);
    if (options->sysroot)
        s->options.sysroot = keep(s, options->sysroot);
    bool fits = !s->options.exe == !options->exe && !s->options.sysroot == !options->sysroot;
    return fits ? INSP_OK : insp_nomem(err);
}

insp_status insp_open_caller(int64_t pid, const insp_mapping *mappings, size_t n_mappings,
                             const insp_caller_thread *threads, size_t n_threads,
                             const insp_options *options, insp_session **out, insp_error *err)
{
    insp_session *s = new_session(err);
    if (!s)
        return INSP_ERR_MEMORY;
    insp_status st =
        insp_session_open_caller(s, pid, mappings, n_mappings, threads, n_threads, err);
    if (!st && options)
        st = keep_options(s, options, err);
    s->modules_pending = true;
    return give(s, st, out, err);
}

const insp_target *insp_session_target(const insp_session *session)
{
    return &session->target;
}

insp_status insp_describe_types(insp_session *s, const char *file, const char *text,
                                insp_error *err)
{
    if (s->job || s->reached)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0,
                         "types are described before the target is looked at");
    return insp_described_add(&s->described, file, text, strlen(text), err);
}
