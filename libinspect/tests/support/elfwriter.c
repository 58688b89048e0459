// SPDX-License-Identifier: MIT
#include "elfwriter.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void elfwriter_init(elfwriter *w, uint16_t type, size_t room)
{
    *w = (elfwriter){.room = room, .names_size = 1, .n_sections = 1};
    w->head =
        (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                     .e_type = type,
                     .e_machine = EM_X86_64,
                     .e_version = EV_CURRENT,
                     .e_phoff = sizeof(Elf64_Ehdr),
                     .e_ehsize = sizeof(Elf64_Ehdr),
                     .e_phentsize = sizeof(Elf64_Phdr),
                     .e_shentsize = sizeof(Elf64_Shdr)};
    w->segments = calloc(room + 1, sizeof(*w->segments));
    (void)elfwriter_append(w, NULL, sizeof(Elf64_Ehdr) + room * sizeof(Elf64_Phdr), 1);
}

void elfwriter_deinit(elfwriter *w)
{
    free(w->bytes);
    free(w->segments);
    *w = (elfwriter){0};
}

uint64_t elfwriter_append(elfwriter *w, const void *bytes, size_t n, size_t align)
{
    size_t at = (w->size + align - 1) / align * align;
    unsigned char *more = realloc(w->bytes, at + n + 1);
    ck_assert_ptr_nonnull(more);
    memset(more + w->size, 0, at + n - w->size);
    if (bytes)
        memcpy(more + at, bytes, n);
    w->bytes = more;
    w->size = at + n;
    return at;
}

Elf64_Phdr *elfwriter_segment(elfwriter *w, uint32_t type, uint32_t flags, uint64_t vaddr,
                              uint64_t offset, uint64_t size)
{
    ck_assert_uint_lt(w->n_segments, w->room);
    Elf64_Phdr *ph = &w->segments[w->n_segments++];
    *ph = (Elf64_Phdr){.p_type = type,
                       .p_flags = flags,
                       .p_offset = offset,
                       .p_vaddr = vaddr,
                       .p_filesz = size,
                       .p_memsz = size,
                       .p_align = type == PT_NOTE ? 4 : 1};
    return ph;
}

Elf64_Phdr *elfwriter_load(elfwriter *w, uint32_t flags, uint64_t vaddr, const void *bytes,
                           size_t n)
{
    return elfwriter_segment(w, PT_LOAD, flags, vaddr, elfwriter_append(w, bytes, n, 16), n);
}

uint64_t elfwriter_note(elfwriter *w, const char *name, uint32_t type, const void *desc,
                        size_t n)
{
    Elf64_Nhdr head = {(uint32_t)strlen(name) + 1, (uint32_t)n, type};
    (void)elfwriter_append(w, &head, sizeof(head), 4);
    (void)elfwriter_append(w, name, head.n_namesz, 4);
    uint64_t at = elfwriter_append(w, desc, n, 4);
    (void)elfwriter_append(w, NULL, 0, 4);
    return at;
}

Elf64_Phdr *elfwriter_notes(elfwriter *w, uint64_t offset, uint64_t vaddr)
{
    return elfwriter_segment(w, PT_NOTE, PF_R, vaddr, offset, w->size - offset);
}

Elf64_Shdr *elfwriter_section(elfwriter *w, const char *name, uint32_t type, uint64_t flags,
                              uint64_t addr, uint64_t offset, uint64_t size)
{
    ck_assert_uint_lt(w->n_sections, sizeof(w->sections) / sizeof(w->sections[0]) - 1);
    Elf64_Shdr *sh = &w->sections[w->n_sections++];
    *sh = (Elf64_Shdr){.sh_name = (uint32_t)w->names_size,
                       .sh_type = type,
                       .sh_flags = flags,
                       .sh_addr = addr,
                       .sh_offset = offset,
                       .sh_size = size,
                       .sh_addralign = 1};
    size_t n = strlen(name) + 1;
    ck_assert_uint_le(w->names_size + n, sizeof(w->names));
    memcpy(w->names + w->names_size, name, n);
    w->names_size += n;
    return sh;
}

static void write_sections(elfwriter *w)
{
    if (w->n_sections == 1)
        return;
    Elf64_Shdr *names = elfwriter_section(w, ".shstrtab", SHT_STRTAB, 0, 0, 0, 0);
    names->sh_size = w->names_size;
    names->sh_offset = elfwriter_append(w, w->names, w->names_size, 1);
    w->head.e_shnum = (uint16_t)w->n_sections;
    w->head.e_shstrndx = (uint16_t)(w->n_sections - 1);
    w->head.e_shoff =
        elfwriter_append(w, w->sections, w->n_sections * sizeof(w->sections[0]), 8);
}

void elfwriter_finish(elfwriter *w)
{
    if (w->head.e_phnum == 0)
        w->head.e_phnum = (uint16_t)w->n_segments;
    if (w->head.e_shoff == 0)
        write_sections(w);
    memcpy(w->bytes, &w->head, sizeof(w->head));
    memcpy(w->bytes + sizeof(w->head), w->segments, w->n_segments * sizeof(w->segments[0]));
}

void elfwriter_save_bytes(const void *bytes, size_t size, char *path)
{
    strcpy(path, "/tmp/insp-elf-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    (void)close(fd);
}

void elfwriter_save(const elfwriter *w, size_t size, char *path)
{
    elfwriter_save_bytes(w->bytes, size < w->size ? size : w->size, path);
}
