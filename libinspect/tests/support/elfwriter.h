// SPDX-License-Identifier: MIT
/**
 * @file
 * Writes a small core, executable or library in memory, field by field, so that a test can
 * break one.
 *
 * Every part is there to be changed between elfwriter_finish and elfwriter_save; what a test
 * appends lies in the file in the order it was appended.
 */
#ifndef TESTS_SUPPORT_ELFWRITER_H
#define TESTS_SUPPORT_ELFWRITER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum { ELFWRITER_PAGE = 4096 };

typedef struct elfwriter {
    unsigned char
        *bytes; /**< of the file so far; the headers are written by elfwriter_finish */
    size_t size;
    Elf64_Ehdr head;
    Elf64_Phdr *segments;
    size_t n_segments, room; /**< room: program headers that fit */
    Elf64_Shdr sections[16];
    size_t n_sections;
    char names[256]; /**< .shstrtab */
    size_t names_size;
} elfwriter;

/** Start a file: ET_CORE, ET_EXEC or ET_DYN, with room for `room` program headers. */
void elfwriter_init(elfwriter *w, uint16_t type, size_t room);
void elfwriter_deinit(elfwriter *w);

/**
 * Append n bytes (zeros where bytes is NULL) at a multiple of `align`; returns their offset.
 */
uint64_t elfwriter_append(elfwriter *w, const void *bytes, size_t n, size_t align);

/** Add a program header; returns it, to be changed before elfwriter_finish. */
Elf64_Phdr *elfwriter_segment(elfwriter *w, uint32_t type, uint32_t flags, uint64_t vaddr,
                              uint64_t offset, uint64_t size);

/** Append a PT_LOAD of n bytes at vaddr. */
Elf64_Phdr *elfwriter_load(elfwriter *w, uint32_t flags, uint64_t vaddr, const void *bytes,
                           size_t n);

/** Append a note to what elfwriter_notes closes; returns the offset of its description. */
uint64_t elfwriter_note(elfwriter *w, const char *name, uint32_t type, const void *desc,
                        size_t n);

/** A PT_NOTE over everything appended since `offset` (the start of the first note). */
Elf64_Phdr *elfwriter_notes(elfwriter *w, uint64_t offset, uint64_t vaddr);

/** Add a section header. */
Elf64_Shdr *elfwriter_section(elfwriter *w, const char *name, uint32_t type, uint64_t flags,
                              uint64_t addr, uint64_t offset, uint64_t size);

/** Write the headers. */
void elfwriter_finish(elfwriter *w);

/** The first `size` bytes as a new file in /tmp; `path` holds at least 64 bytes. */
void elfwriter_save(const elfwriter *w, size_t size, char *path);

/** Any bytes as such a file. */
void elfwriter_save_bytes(const void *bytes, size_t size, char *path);

#endif
