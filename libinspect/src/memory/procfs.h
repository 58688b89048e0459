// SPDX-License-Identifier: MIT
/**
 * @file
 * What /proc says of a process.
 */
#ifndef INSP_MEMORY_PROCFS_H
#define INSP_MEMORY_PROCFS_H

#include "../base/error.h"
#include "../base/vec.h"

/**
 * /proc/PID/`name` whole and NUL-terminated, to be freed; NULL with errno set where it cannot
 * be read. *size (which may be NULL) becomes how long it is without that NUL.
 */
char *insp_proc_read(int64_t pid, const char *name, size_t *size);

/** Of /proc/PID/status. What is not there is 0. */
typedef struct insp_proc_status {
    char state; /**< 'R', 'S', 'T' stopped, 't' traced, 'Z' … */
    bool kernel_thread;
    int64_t tgid;
    int64_t tracer; /**< pid, or 0 */
    uint32_t uid;   /**< effective */
    uint64_t caps;  /**< effective */
    char name[32];
} insp_proc_status;

/** False with errno set where there is no such process. */
bool insp_proc_status_read(int64_t pid, insp_proc_status *out);

/** What decides whether a process may be traced. */
typedef struct insp_trace_facts {
    int64_t pid;
    insp_proc_status target, self;
    char tracer_name[32];
    int yama;        /**< kernel.yama.ptrace_scope, -1 where there is none */
    bool undumpable; /**< /proc/PID belongs to root, though the process does not */
    int error;       /**< errno of the attempt; ESRCH where the process went away */
} insp_trace_facts;

insp_trace_facts insp_trace_facts_collect(int64_t pid, int error);

/** Why it was refused: INSP_ERR_GONE or INSP_ERR_DENIED with a sentence. */
insp_status insp_trace_refused(const insp_trace_facts *f, insp_error *err);

/** The threads of a process, added to what is in *out already. False with errno set. */
bool insp_proc_threads(int64_t pid, insp_addrs *out);

#endif
