// SPDX-License-Identifier: MIT
/**
 * @file
 * Holding every thread of a process still, and letting it go.
 *
 * PTRACE_SEIZE and PTRACE_INTERRUPT send no signal, and a process that is stopped already stays
 * so. A hold belongs to the thread that took it; if that thread ends, the kernel lets the
 * process go.
 */
#ifndef INSP_MEMORY_PTRACE_H
#define INSP_MEMORY_PTRACE_H

#include "process.h"

/** A thread that is held. */
typedef struct insp_held {
    int64_t tid;
    int signal;   /**< was about to be delivered; it is when the thread is let go */
    bool stopped; /**< else it sleeps in the kernel, and stops before it runs again */
} insp_held;

INSP_VEC(insp_held_vec, insp_held);

/**
 * Hold all threads, those that are made meanwhile too.
 *
 * Fails with INSP_ERR_GONE, INSP_ERR_DENIED (see insp_trace_refused), INSP_ERR_MEMORY; then
 * nothing is held.
 */
insp_status insp_hold(int64_t pid, insp_held_vec *out, insp_error *err);

/** General registers of the threads that are stopped. Fails with INSP_ERR_MEMORY. */
insp_status insp_held_registers(const insp_held_vec *held, insp_thread_regs_vec *out,
                                insp_error *err);

/** Let all go and empty the list. */
void insp_let_go(insp_held_vec *held);

#endif
