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

/** Read one PT_NOTE segment into the core. Fails with INSP_ERR_MEMORY. */
insp_status insp_core_read_notes(insp_core *core, Elf *elf, const GElf_Phdr *segment,
                                 insp_error *err);

#endif
