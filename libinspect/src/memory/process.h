// SPDX-License-Identifier: MIT
/**
 * @file
 * A live process: its mappings, its threads, and a copy of its memory taken while it is held.
 *
 * Only this and the files it stands on (ptrace.h, pages.h, procfs.h) make system calls on
 * another process. Nothing is written to it.
 */
#ifndef INSP_MEMORY_PROCESS_H
#define INSP_MEMORY_PROCESS_H

#include "../base/arena.h"
#include "space.h"

/** A line of /proc/PID/maps. */
typedef struct insp_map_line {
    insp_addr start, end;
    uint64_t offset;  /**< in the file */
    const char *path; /**< "" for anonymous memory; else "[heap]", a file … */
    uint32_t flags;   /**< INSP_SEG_WRITE, INSP_SEG_EXEC, INSP_SEG_STACK */
    bool readable;
    bool shared;
    bool deleted; /**< the file was removed or replaced since it was mapped */
} insp_map_line;

INSP_VEC(insp_map_lines, insp_map_line);

/** Words of struct user_regs_struct: r15 … gs, and x0 … x30, sp, pc, pstate. */
enum { INSP_X86_64_REGS = 27, INSP_AARCH64_REGS = 34, INSP_MOST_REGS = 34 };

/** A thread and its general registers. */
typedef struct insp_thread_regs {
    int64_t tid;
    uint64_t regs[INSP_MOST_REGS];
    uint32_t n_regs; /**< which machine they are of; another number: nothing is known of them */
    uint32_t signal; /**< that it got last, in a core */
    uint64_t tls;    /**< tpidr_el0 of aarch64, which is none of regs; 0: not known */
} insp_thread_regs;

INSP_VEC(insp_thread_regs_vec, insp_thread_regs);

/** The stack pointer and the program counter, 0 for a machine that is not known. */
uint64_t insp_thread_sp(const insp_thread_regs *thread);
uint64_t insp_thread_pc(const insp_thread_regs *thread);

/** fs_base or tpidr_el0: where its thread-local storage is; 0 where that is not known. */
uint64_t insp_thread_pointer(const insp_thread_regs *thread);

typedef struct insp_snapshot {
    insp_arena text; /**< the paths of maps */
    insp_map_lines maps;
    insp_thread_regs_vec threads;
    insp_range *copies; /**< what was copied: target ranges … */
    unsigned char **at; /**< … and where to, each an anonymous mapping */
    size_t n_copies;
    const char *name, *args, *auxv; /**< /proc/PID/comm, cmdline, auxv, or NULL … */
    size_t args_size, auxv_size;    /**< … and how long those are that may hold a NUL */
    uint64_t pause_ns;
    bool was_stopped; /**< before we came; it still is */
} insp_snapshot;

/** Read /proc/PID/maps. Fails with INSP_ERR_GONE, INSP_ERR_DENIED, INSP_ERR_IO. */
insp_status insp_process_maps(int64_t pid, insp_arena *text, insp_map_lines *out,
                              insp_error *err);

/**
 * Hold every thread of the process, copy its writable private mappings (and what else is not in
 * a file: pages of a private file mapping that were written to, the first page of a module,
 * files that are no more), let it go on. Whatever happens, it is let go. Anonymous memory that
 * was never touched is not asked for, and reads as zeros.
 *
 * Fails with INSP_ERR_DENIED (the message names what forbids it: another user, Yama's
 * kernel.yama.ptrace_scope, a tracer that has it already, seccomp or a container),
 * INSP_ERR_GONE, INSP_ERR_IO, INSP_ERR_MEMORY.
 */
insp_status insp_snapshot_take(int64_t pid, insp_snapshot *out, insp_error *err);
void insp_snapshot_deinit(insp_snapshot *s);

/**
 * Add the copies to a space, each with the flags of its mapping. The snapshot must outlive the
 * space.
 */
insp_status insp_snapshot_add_to(const insp_snapshot *s, insp_space *space, insp_error *err);

#endif
