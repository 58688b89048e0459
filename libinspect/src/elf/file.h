// SPDX-License-Identifier: MIT
/**
 * @file
 * A file of this machine, mapped for reading, and libelf's view of it.
 *
 * The mapping is registered with memory/guard.h: the file may shrink while it is read.
 */
#ifndef INSP_ELF_FILE_H
#define INSP_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>

#include "../base/error.h"

typedef struct insp_file {
    const unsigned char *bytes;
    uint64_t size;
} insp_file;

/**
 * Map a regular file; an empty one has bytes NULL. Nothing is read.
 * Fails with INSP_ERR_IO; the message names the file and the reason.
 */
insp_status insp_file_map(const char *path, insp_file *out, insp_error *err);
void insp_file_unmap(insp_file *file);

/** libelf on the mapped bytes, to be ended with elf_end; NULL where they are no ELF file. */
Elf *insp_file_elf(const insp_file *file);

/** For INSP_CLEANUP: elf_end. */
void insp_elf_end(Elf **elf);

/** INSP_ERR_IO in libelf's words, "cannot read /bin/x: invalid section index". */
insp_status insp_elf_error(const char *path, insp_error *err);

/** A note, in the bytes of its file. */
typedef struct insp_note {
    uint32_t type;
    const char *name; /**< NUL-terminated within its bytes, or "" */
    const unsigned char *desc;
    size_t size; /**< of desc */
} insp_note;

/** Called for every note; false ends the walk. */
typedef bool (*insp_note_fn)(void *ctx, const insp_note *note);

/** The notes of a PT_NOTE segment, as far as the file reaches and they are whole. */
void insp_elf_notes(Elf *elf, const GElf_Phdr *segment, uint64_t file_size, insp_note_fn each,
                    void *ctx);

#endif
