// SPDX-License-Identifier: MIT
/**
 * @file
 * What an insp_session is made of. Only api/ sees it; every layer below is handed just what it needs.
 */
#ifndef INSP_API_SESSION_H
#define INSP_API_SESSION_H

#include <stdatomic.h>

#include "../analysis/ledger.h"
#include "../memory/demand.h"

INSP_VEC(insp_problem_rows, insp_problem);

struct insp_session {
    insp_target target;
    insp_arena text;
    insp_problem_rows problems;
    insp_findings_log findings;
    insp_core core;         /**< of a core */
    insp_snapshot snapshot; /**< of a process */
    insp_demand *demand;    /**< of a caller's target */
    insp_space space;
    insp_images images;
    const insp_thread_regs_vec *threads; /**< registers, from core or snapshot */
    insp_cpython py;
    insp_heap heap;
    insp_graph graph; /**< forward, of heap.off and heap.to */
    insp_reverse reverse;
    insp_native native;
    insp_ledger ledger;
    insp_stage reached;
    insp_options
        options; /**< of a caller's target: its modules are looked for in the first job */
    bool modules_pending;
    int memory_fd; /**< of /proc/PID/mem, where the caller holds a process; else -1 */
    bool in_cpython, in_heap; /**< what there is to close */
    struct insp_job *job;
};

/** An answer: a struct the caller knows, in front of the arena that holds all it points to. */
typedef struct insp_answer {
    insp_arena arena;
} insp_answer;

/** A zeroed answer of `size` bytes; the arena goes with it. NULL where memory runs out. */
void *insp_answer_new(size_t size, insp_arena **arena);

/** Add a problem; its text is printf'ed. What cannot be kept for want of memory is left out. */
__attribute__((format(printf, 3, 4))) void insp_problem_add(insp_session *s, const char *kind,
                                                            const char *fmt, ...);

/** Fill in a caller's target: its ranges, its threads. No module is looked for yet. */
insp_status insp_session_open_caller(insp_session *s, int64_t pid, const insp_mapping *mappings,
                                     size_t n_mappings, const insp_caller_thread *threads,
                                     size_t n_threads, insp_error *err);

/** Look for the modules of a caller's target. Reads its memory, so it belongs into a job. */
insp_status insp_session_find_modules(insp_session *s, insp_error *err);

/**
 * Fails with INSP_ERR_REFUSED where the proof of one of these structures (the list ends with NULL) has
 * failed: what is asked needs their layout.
 */
insp_status insp_require(insp_session *s, const char *const *structures, insp_error *err);

/** Run one stage, in the calling thread. */
insp_status insp_stage_run(insp_session *s, insp_stage stage, insp_error *err);

#endif
