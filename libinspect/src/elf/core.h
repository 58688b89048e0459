// SPDX-License-Identifier: MIT
/**
 * @file
 * ELF core files: which memory they hold, and what their notes say of the process.
 *
 * The file is mapped, never copied; a range is readable only as far as the file reaches (a core
 * that was cut short is normal input), and what p_filesz leaves out of p_memsz is absent, not
 * zero. libelf reads headers and notes; the program headers it gives are checked against the
 * file, because it silently gives fewer of them where their table is cut.
 */
#ifndef INSP_ELF_CORE_H
#define INSP_ELF_CORE_H

#include "../memory/process.h"
#include "unpack.h"

/** A file mapping as NT_FILE names it. */
typedef struct insp_core_file {
    insp_addr start, end;
    uint64_t offset;
    const char *path;
} insp_core_file;

INSP_VEC(insp_core_files, insp_core_file);

typedef struct insp_core {
    const unsigned char *bytes; /**< the whole file, mapped */
    uint64_t size;
    uint64_t full_size; /**< what its headers promise; larger than size where it was cut */
    uint16_t machine;   /**< EM_X86_64, EM_AARCH64 … */
    uint8_t elf_class;  /**< ELFCLASS64 … */
    uint8_t elf_data;   /**< ELFDATA2LSB … */
    int64_t pid;
    uint32_t signal;
    insp_addr fault_addr; /**< si_addr of NT_SIGINFO, 0 if there is none */
    int32_t signal_code;  /**< si_code of NT_SIGINFO */
    bool has_fault_addr;  /**< the kernel said which address it was: 0 is one */
    bool has_siginfo;
    const char *command; /**< pr_fname, up to 15 bytes as they are in the target, or "" */
    const char *args;    /**< pr_psargs, up to 79, likewise */
    bool has_notes;      /**< at least one note of a thread was read */
    char damage
        [INSP_DAMAGE_SIZE]; /**< why a compressed core could not be unpacked whole, or "" */
    insp_core_files files;
    insp_thread_regs_vec threads; /**< the one that died first */
    insp_segments segs; /**< PT_LOADs as far as they can be read, sorted; module is INSP_NONE */
    insp_segments
        lost; /**< what was dumped and lies beyond the end of the file, and code that was not dumped; no bytes */
    insp_addr auxv_phdr, auxv_entry; /**< AT_PHDR and AT_ENTRY, 0 where unknown */
    insp_addr auxv_execfn;           /**< where AT_EXECFN says the path lies, or 0 */
    insp_arena text;
} insp_core;

/**
 * Map a core file; a compressed one is unpacked first, see insp_unpack. The arrays and texts live until
 * insp_core_close.
 *
 * Fails with INSP_ERR_IO (no such file, not readable, cut before any memory), INSP_ERR_NOT_CORE
 * (the message says what the file is instead: text, an executable, empty), INSP_ERR_CANCELLED (`watch`, which
 * may be NULL, says so).
 */
insp_status insp_core_open(const char *path, insp_unpacking *watch, insp_core *out,
                           insp_error *err);
void insp_core_close(insp_core *core);

/** Add its memory to a space, and what it lost. The core must outlive the space. */
insp_status insp_core_add_to(const insp_core *core, insp_space *space, insp_error *err);

#endif
