// SPDX-License-Identifier: MIT
/**
 * @file
 * What the notes of a core say of the process: threads, files, signal, auxiliary vector.
 *
 * The layouts are the kernel's (linux/elfcore.h, fs/binfmt_elf.c) for 64-bit little-endian
 * targets; notes of other targets are passed over.
 */
#ifndef INSP_ELF_NOTES_H
#define INSP_ELF_NOTES_H

#include "core.h"
#include "file.h"

/** struct elf_prstatus, where pr_reg is the last but one member. */
enum { INSP_PRSTATUS_CURSIG = 12, INSP_PRSTATUS_PID = 32, INSP_PRSTATUS_REG = 112 };

/** struct elf_prpsinfo */
enum {
    INSP_PRPSINFO_PID = 24,
    INSP_PRPSINFO_FNAME = 40,
    INSP_PRPSINFO_PSARGS = 56,
    INSP_PRPSINFO_SIZE = 136,
    INSP_FNAME_SIZE = INSP_PRPSINFO_PSARGS - INSP_PRPSINFO_FNAME,
    INSP_PSARGS_SIZE = INSP_PRPSINFO_SIZE - INSP_PRPSINFO_PSARGS
};

/** NT_FILE: two words, an entry of three words a file, then the paths. */
enum { INSP_FILE_HEAD = 16, INSP_FILE_ENTRY = 24 };

/** Read one PT_NOTE segment into the core. Fails with INSP_ERR_MEMORY. */
insp_status insp_core_read_notes(insp_core *core, Elf *elf, const GElf_Phdr *segment,
                                 insp_error *err);

#endif
