// SPDX-License-Identifier: MIT
#include "fakecore.h"

#include "elfwriter.h"

// In front of what the fake heap calls its module lies the page of the ELF header, which no core has.
#define HEADER (FAKE_MODULE - ELFWRITER_PAGE)

void fake_save(const fakeheap *f, char *path)
{
    const uint64_t words[] = {
        2, ELFWRITER_PAGE, HEADER, FAKE_MODULE, 0, FAKE_MODULE, FAKE_MODULE + FAKE_ROOM, 1,
    };
    static const char program[] = FAKE_PROGRAM;
    char desc[sizeof(words) + 2 * sizeof(program)];
    memcpy(desc, words, sizeof(words));
    memcpy(desc + sizeof(words), program, sizeof(program));
    memcpy(desc + sizeof(words) + sizeof(program), program, sizeof(program));
    elfwriter w;
    elfwriter_init(&w, ET_CORE, 8);
    uint64_t start = elfwriter_append(&w, NULL, 0, 4);
    (void)elfwriter_note(&w, "CORE", NT_FILE, desc, sizeof(desc));
    (void)elfwriter_notes(&w, start, 0);
    (void)elfwriter_load(&w, PF_R | PF_W, FAKE_MODULE, f->module, FAKE_ROOM);
    (void)elfwriter_load(&w, PF_R | PF_W, FAKE_MALLOC, f->malloced, FAKE_ROOM);
    (void)elfwriter_load(&w, PF_R | PF_W, FAKE_ARENA, f->arena, FAKE_ROOM);
    elfwriter_finish(&w);
    elfwriter_save(&w, w.size, path);
    elfwriter_deinit(&w);
}

insp_session *fake_open_caller(void)
{
    enum { R = 1, W = 2, X = 4 };
    const insp_mapping maps[] = {
        {HEADER, FAKE_MODULE, 0, FAKE_PROGRAM, R | X, 0},
        {FAKE_MODULE, FAKE_MODULE + FAKE_ROOM, ELFWRITER_PAGE, FAKE_PROGRAM, R | W, 0},
        {FAKE_MALLOC, FAKE_MALLOC + FAKE_ROOM, 0, "", R | W, 0},
        {FAKE_ARENA, FAKE_ARENA + FAKE_ROOM, 0, "", R | W, 0},
    };
    insp_session *s = NULL;
    insp_error err;
    ck_ok(insp_open_caller(0, maps, 4, NULL, 0, NULL, &s, &err));
    return s;
}

void fake_bring(const fakeheap *f, insp_job *job)
{
    insp_range wanted[64];
    insp_error err;
    size_t n = insp_job_wanted(job, wanted, 64);
    for (size_t i = 0; i < n && i < 64; i++)
        ck_ok(insp_job_supply(job, wanted[i], fake_at(f, wanted[i].start), &err));
}

insp_status fake_drive(const fakeheap *f, insp_session *s, insp_stage stage, unsigned n,
                       insp_error *err)
{
    insp_job *job = NULL;
    insp_job_state state;
    insp_status st = insp_job_start(s, stage, &job, err);
    if (st)
        return st;
    while ((state = insp_job_wait(job, 50, NULL)) != INSP_JOB_DONE) {
        if (state != INSP_JOB_NEEDS_MEMORY)
            continue;
        if (n-- == 0)
            insp_job_cancel(job);
        else
            fake_bring(f, job);
    }
    return insp_job_finish(job, err);
}
