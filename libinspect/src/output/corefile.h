// SPDX-License-Identifier: MIT
/**
 * @file
 * A copied process as an ELF core file: what gcore writes, of the memory that was copied.
 *
 * The layouts are the kernel's (linux/elfcore.h, fs/binfmt_elf.c), as insp_core_read_notes reads them. Registers
 * of the floating point unit are not among what was copied.
 */
#ifndef INSP_OUTPUT_COREFILE_H
#define INSP_OUTPUT_COREFILE_H

#include "../memory/process.h"

/** A process and its memory: of the ranges, those that are no file's (INSP_SEG_FILE). */
typedef struct insp_core_source {
    int64_t pid;
    const insp_snapshot *snapshot;
    const insp_space *space;
} insp_core_source;

/**
 * Write it from its first byte to its last; a call with NULL for bytes stands for n zero bytes.
 * Fails with INSP_ERR_MEMORY, INSP_ERR_CANCELLED.
 */
insp_status insp_corefile_write(const insp_core_source *from, insp_write_fn write, void *ctx,
                                insp_error *err);

#endif
