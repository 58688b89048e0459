// SPDX-License-Identifier: MIT
/**
 * @file
 * What an insp_session is made of. Only api/ sees it; every layer below is handed just what it needs.
 */
#ifndef INSP_API_SESSION_H
#define INSP_API_SESSION_H

#include <stdatomic.h>

#include "../analysis/garbage.h"
#include "../analysis/ledger.h"
#include "../analysis/retained.h"
#include "../base/cleanup.h"
#include "../memory/demand.h"
#include "../memory/guard.h"

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
    insp_described described; /**< types, by the caller */
    insp_heap heap;
    insp_graph graph; /**< forward, of heap.off and heap.to */
    insp_reverse reverse;
    insp_native native;
    insp_retained_tree retained;
    insp_ledger ledger;
    insp_replay replay; /**< what garbage and cycles ask for, once one of them has */
    bool replayed;
    insp_stage reached;    /**< 0: none */
    insp_stage refused;    /**< the proofs forbid it; 0: none */
    insp_error refusal;    /**< how that was said */
    size_t runtime_proofs; /**< proofs and findings of INSP_STAGE_RUNTIME: later ones are */
    insp_findings_mark runtime_findings; /**< dropped when their stage is to run again */
    insp_options
        options; /**< of a caller's target: its modules are looked for in the first job */
    bool modules_pending;
    int memory_fd; /**< of /proc/PID/mem, where the caller holds a process; else -1 */
    struct insp_job *job;
    unsigned faults;     /**< insp_guard_faults, when the files were last looked after */
    const char *changed; /**< the file that shrank while it was read, or NULL */
};

/** An answer: a struct the caller knows, in front of the arena that holds all it points to. */
typedef struct insp_answer {
    insp_arena arena;
} insp_answer;

/** A zeroed answer of `size` bytes; the arena goes with it. NULL where memory runs out. */
void *insp_answer_new(size_t size, insp_arena **arena);

/** A copy of a text (NULL: "") in an answer's arena. False where memory runs out; *out is NULL then. */
bool insp_answer_text(insp_arena *arena, const char *text, const char **out);

/** Add a problem; its text is printf'ed. What cannot be kept for want of memory is left out. */
__attribute__((format(printf, 3, 4))) void insp_problem_add(insp_session *s, const char *kind,
                                                            const char *fmt, ...);

/** Fill in a caller's target: its ranges, its threads. No module is looked for yet. */
insp_status insp_session_open_caller(insp_session *s, int64_t pid, const insp_mapping *mappings,
                                     size_t n_mappings, const insp_caller_thread *threads,
                                     size_t n_threads, insp_error *err);

/**
 * Objects are known one by one, by insp_object_look: questions about these need not wait for the others. Not so
 * any more once INSP_STAGE_OBJECTS is reached.
 */
static inline bool insp_looked(const insp_session *s)
{
    return s->reached == INSP_STAGE_RUNTIME && s->heap.n_objects;
}

/** insp_need for such a question: no stage is run where objects were looked at. */
static inline insp_status insp_need_unless_looked(insp_session *s, insp_stage stage,
                                                  insp_error *err)
{
    return insp_need(s, insp_looked(s) ? INSP_STAGE_RUNTIME : stage, err);
}

/** The number of the object at addr, which becomes known by that where objects are looked at; or INSP_NONE. */
static inline uint32_t insp_number_at(insp_session *s, insp_addr addr)
{
    return insp_looked(s) ? insp_heap_admit(&s->heap, addr) : insp_heap_number(&s->heap, addr);
}

/** Have the collector's algorithm replayed in s->replay. Needs INSP_STAGE_REFERENCES. */
insp_status insp_session_replay(insp_session *s, insp_error *err);
void insp_session_forget_replay(insp_session *s);

/** Look for the modules of a caller's target. Reads its memory, so it belongs into a job. */
insp_status insp_session_find_modules(insp_session *s, insp_error *err);

/** Undo that; a session of another kind keeps what it was opened with. */
void insp_session_forget_modules(insp_session *s);

/** Whether a mapped file of the session has shrunk since it was opened: what was read then is void. */
bool insp_session_changed(insp_session *s);

/** Fails with INSP_ERR_CHANGED if so, with INSP_ERR_NEEDS_MEMORY where bytes were missed. */
insp_status insp_session_check(insp_session *s, insp_error *err);

/** Asked before a question is answered: the same, but what others missed does not matter. */
insp_status insp_session_ready(insp_session *s, insp_error *err);

/**
 * Fails with INSP_ERR_REFUSED where the proof of one of these structures (the list ends with NULL) has
 * failed: what is asked needs their layout.
 */
insp_status insp_require(insp_session *s, const char *const *structures, insp_error *err);

/** insp_require what objects stand on. */
insp_status insp_require_objects(insp_session *s, insp_error *err);

/**
 * An edge from one node to another, its name in `arena`: the first that is visited by tp_traverse, or
 * that owns. Fails with INSP_ERR_MEMORY; *found is false where there is none.
 */
insp_status insp_edge_between(insp_session *s, uint32_t from, uint32_t to, bool visited,
                              insp_arena *arena, insp_edge *out, bool *found, insp_error *err);

/** In front of whatever reads the target: see insp_answer_check. */
#define INSP_GUARDED                                                                           \
    INSP_CLEANUP(insp_guard_end) insp_guard insp_guarded = insp_guard_begin();                 \
    (void)insp_guarded

/**
 * Asked before an answer is handed out: insp_session_check, and where that fails the answer (which may be
 * NULL) is freed.
 */
insp_status insp_answer_check(insp_session *s, const void *answer, insp_error *err);

#endif
