// SPDX-License-Identifier: MIT
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../base/cleanup.h"
#include "../memory/guard.h"

static insp_status cannot(const char *path, const char *why, insp_error *err)
{
    return insp_fail(err, INSP_ERR_IO, 0, "cannot read %s: %s", path, why);
}

insp_status insp_file_map(const char *path, insp_file *out, insp_error *err)
{
    *out = (insp_file){0};
    // O_NONBLOCK: a pipe would wait for somebody to write.
    INSP_CLEANUP(insp_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return cannot(path, strerror(errno), err);
    if (S_ISDIR(st.st_mode))
        return cannot(path, "it is a directory", err);
    if (!S_ISREG(st.st_mode))
        return cannot(path, "it is not a regular file", err);
    if (st.st_size == 0)
        return INSP_OK;

    uint64_t size = (uint64_t)st.st_size;
    void *bytes =
        size > SIZE_MAX ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return cannot(path, strerror(errno), err);
    if (!insp_guard_add(bytes, (size_t)size)) {
        (void)munmap(bytes, (size_t)size);
        return insp_nomem(err);
    }
    *out = (insp_file){bytes, size};
    return INSP_OK;
}

void insp_file_unmap(insp_file *file)
{
    if (file->bytes) {
        insp_guard_remove(file->bytes);
        (void)munmap((void *)(uintptr_t)file->bytes, (size_t)file->size);
    }
    *file = (insp_file){0};
}

Elf *insp_file_elf(const insp_file *file)
{
    if (!file->bytes || elf_version(EV_CURRENT) == EV_NONE)
        return NULL;
    // libelf takes char *, but reads only: the mapping is PROT_READ.
    Elf *elf = elf_memory((char *)(uintptr_t)file->bytes, (size_t)file->size);
    if (elf && elf_kind(elf) != ELF_K_ELF) {
        (void)elf_end(elf);
        return NULL;
    }
    return elf;
}

void insp_elf_end(Elf **elf)
{
    (void)elf_end(*elf);
}

insp_status insp_elf_error(const char *path, insp_error *err)
{
    const char *why = elf_errmsg(-1);
    return cannot(path, why ? why : "it is not a sound ELF file", err);
}

void insp_elf_notes(Elf *elf, const GElf_Phdr *segment, uint64_t file_size, insp_note_fn each,
                    void *ctx)
{
    if (segment->p_offset >= file_size || segment->p_filesz == 0)
        return;
    uint64_t room = file_size - segment->p_offset;
    uint64_t size = segment->p_filesz < room ? segment->p_filesz : room;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)segment->p_offset, (size_t)size,
                                          segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (!data)
        return;
    GElf_Nhdr head;
    size_t at = 0, name, desc;
    while ((at = gelf_getnote(data, at, &head, &name, &desc)) > 0) {
        const char *text = (const char *)data->d_buf + name;
        bool named = head.n_namesz > 0 && text[head.n_namesz - 1] == '\0';
        insp_note note = {.type = head.n_type,
                          .name = named ? text : "",
                          .desc = (const unsigned char *)data->d_buf + desc,
                          .size = head.n_descsz};
        if (!each(ctx, &note))
            return;
    }
}
