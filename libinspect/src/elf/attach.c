// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <string.h>

#include "../base/cleanup.h"
#include "file.h"
#include "loaded.h"

enum { PAGE = 4096 };

// A file that may be an image's.
typedef struct candidate {
    const char *path;
    bool asked_for; // by the caller, who answers for it where nothing can be compared
    bool taken;     // the mapping is the image's now
    insp_file file;
    Elf *elf;
    GElf_Ehdr head;
    size_t n_headers;
    insp_build_id id;
    insp_addr bias, start, end;
} candidate;

static void drop_candidate(candidate *c)
{
    (void)elf_end(c->elf);
    if (!c->taken)
        insp_file_unmap(&c->file);
}

// The bytes of a segment that the file really has.
static uint64_t bytes_in_file(const candidate *c, const GElf_Phdr *ph)
{
    uint64_t room = ph->p_offset < c->file.size ? c->file.size - ph->p_offset : 0;
    return ph->p_filesz < room ? ph->p_filesz : room;
}

static void find_build_id(candidate *c)
{
    GElf_Phdr ph;
    for (size_t i = 0; i < c->n_headers && c->id.len == 0; i++) {
        if (gelf_getphdr(c->elf, (int)i, &ph) && ph.p_type == PT_NOTE && bytes_in_file(c, &ph))
            c->id =
                insp_build_id_find(c->file.bytes + ph.p_offset, (size_t)bytes_in_file(c, &ph));
    }
}

static insp_status open_candidate(candidate *c, insp_error *err)
{
    insp_status st = insp_file_map(c->path, &c->file, err);
    if (st)
        return st;
    c->elf = insp_file_elf(&c->file);
    if (!c->elf || !gelf_getehdr(c->elf, &c->head) ||
        elf_getphdrnum(c->elf, &c->n_headers) != 0 ||
        (c->head.e_type != ET_EXEC && c->head.e_type != ET_DYN))
        return insp_fail(err, INSP_ERR_MISMATCH, 0, "%s is not an executable or a library",
                         c->path);
    find_build_id(c);
    return INSP_OK;
}

static insp_status other_build(const insp_image *image, const candidate *c, insp_error *err)
{
    char wanted[2 * INSP_BUILD_ID_MAX + 1], found[2 * INSP_BUILD_ID_MAX + 1];
    return insp_fail(err, INSP_ERR_MISMATCH, image->start,
                     "%s is another build: the target has build-id %s, the file %s", c->path,
                     insp_build_id_text(&image->build_id, wanted),
                     c->id.len ? insp_build_id_text(&c->id, found) : "none");
}

// How many bytes of its first page the target holds, and whether they are the file's.
static size_t compare_header(const insp_image *image, const insp_space *space,
                             const candidate *c, bool *same)
{
    const insp_segment *seg = image->header ? insp_space_find(space, image->header) : NULL;
    size_t n =
        seg && seg->end - image->header < PAGE ? (size_t)(seg->end - image->header) : PAGE;
    n = c->file.size < n ? (size_t)c->file.size : n;
    const void *there = seg ? insp_space_at(space, image->header, n) : NULL;
    if (!there)
        return 0;
    *same = memcmp(there, c->file.bytes, n) == 0;
    return n;
}

// Is this file the one that was mapped? *doubt is set where that is likely, not proved.
static insp_status check_same(const insp_image *image, const insp_space *space,
                              const candidate *c, const char **doubt, insp_error *err)
{
    if (image->machine && image->machine != c->head.e_machine)
        return insp_fail(err, INSP_ERR_MISMATCH, image->start, "%s is for another machine",
                         c->path);
    if (image->build_id.len) {
        bool same = image->build_id.len == c->id.len &&
                    memcmp(image->build_id.bytes, c->id.bytes, c->id.len) == 0;
        return same ? INSP_OK : other_build(image, c, err);
    }
    bool same = false;
    if (compare_header(image, space, c, &same) > 0) {
        *doubt = "the target shows no build-id; only the first page was compared";
        return same ? INSP_OK
                    : insp_fail(err, INSP_ERR_MISMATCH, image->start,
                                "%s is another build: its first page differs", c->path);
    }
    *doubt = "the target holds neither its build-id nor its first page; nothing was compared";
    if (c->asked_for)
        return INSP_OK;
    return insp_fail(err, INSP_ERR_MISMATCH, image->start,
                     "cannot tell whether %s is what was mapped: the target holds neither its "
                     "build-id nor its first page",
                     c->path);
}

// Where the file's addresses are in the target.
static insp_status find_place(const insp_image *image, candidate *c, insp_error *err)
{
    insp_addr low = UINT64_MAX, high = 0;
    GElf_Phdr ph;
    for (size_t i = 0; i < c->n_headers; i++) {
        if (!gelf_getphdr(c->elf, (int)i, &ph) || ph.p_type != PT_LOAD || ph.p_memsz == 0)
            continue;
        low = ph.p_vaddr < low ? ph.p_vaddr : low;
        high = ph.p_vaddr + ph.p_memsz > high ? ph.p_vaddr + ph.p_memsz : high;
    }
    if (low >= high)
        return insp_fail(err, INSP_ERR_MISMATCH, 0, "%s has nothing to load", c->path);
    low &= ~(insp_addr)(PAGE - 1);
    if (c->head.e_type == ET_DYN && image->end == 0)
        return insp_fail(err, INSP_ERR_MISMATCH, 0,
                         "%s is position-independent, and nothing tells where it was mapped",
                         c->path);
    if (c->head.e_type == ET_DYN)
        c->bias = image->header ? image->bias : image->start - low;
    c->start = low + c->bias;
    c->end = high + c->bias;
    return INSP_OK;
}

static insp_status overlay(const candidate *c, insp_space *space, uint32_t module,
                           insp_error *err)
{
    insp_status st = INSP_OK;
    GElf_Phdr ph;
    for (size_t i = 0; i < c->n_headers && !st; i++) {
        if (!gelf_getphdr(c->elf, (int)i, &ph) || ph.p_type != PT_LOAD)
            continue;
        uint64_t n = bytes_in_file(c, &ph);
        insp_segment seg = {.start = ph.p_vaddr + c->bias, .module = module};
        seg.end = seg.start + n;
        if (n == 0 || seg.end < seg.start)
            continue;
        seg.bytes = c->file.bytes + ph.p_offset;
        seg.flags = INSP_SEG_FILE | (ph.p_flags & PF_W ? INSP_SEG_WRITE : 0u) |
                    (ph.p_flags & PF_X ? INSP_SEG_EXEC : 0u);
        st = insp_space_add(space, seg, err);
    }
    return st;
}

static int by_start(const void *a, const void *b)
{
    const insp_section *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static bool read_sections(const candidate *c, insp_arena *text, insp_sections *out)
{
    size_t names = 0;
    if (elf_getshdrstrndx(c->elf, &names))
        return true;
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(c->elf, scn));) {
        GElf_Shdr sh;
        // .tbss takes no room at its address.
        if (!gelf_getshdr(scn, &sh) || !(sh.sh_flags & SHF_ALLOC) ||
            (sh.sh_type == SHT_NOBITS && (sh.sh_flags & SHF_TLS)))
            continue;
        const char *name = elf_strptr(c->elf, names, sh.sh_name);
        insp_section s = {.start = sh.sh_addr + c->bias,
                          .end = sh.sh_addr + c->bias + sh.sh_size,
                          .flags = (sh.sh_flags & SHF_WRITE ? INSP_SEG_WRITE : 0u) |
                                   (sh.sh_flags & SHF_EXECINSTR ? INSP_SEG_EXEC : 0u),
                          .nobits = sh.sh_type == SHT_NOBITS};
        s.name = name ? insp_arena_text(text, name, strlen(name)) : "";
        if (!s.name || (s.start < s.end && !insp_sections_push(out, s)))
            return false;
    }
    if (out->len > 0)
        qsort(out->at, out->len, sizeof(*out->at), by_start);
    return true;
}

// The image gets the file.
static insp_status take(insp_image *image, candidate *c, insp_arena *text, insp_error *err)
{
    insp_sections sections = {0};
    const char *path = insp_arena_text(text, c->path, strlen(c->path));
    if (!path || !read_sections(c, text, &sections)) {
        insp_sections_deinit(&sections);
        return insp_nomem(err);
    }
    image->file = path;
    image->sections = sections;
    image->bytes = c->file.bytes;
    image->size = c->file.size;
    image->bias = c->bias;
    image->start = image->end ? image->start : c->start;
    image->end = image->end ? image->end : c->end;
    image->machine = c->head.e_machine;
    if (image->build_id.len == 0)
        image->build_id = c->id;
    c->taken = true;
    return INSP_OK;
}

static insp_status try_candidate(candidate *c, insp_image *image, uint32_t module,
                                 insp_space *space, insp_arena *text, insp_error *err)
{
    const char *doubt = "";
    insp_status st = open_candidate(c, err);
    if (!st)
        st = check_same(image, space, c, &doubt, err);
    if (!st)
        st = find_place(image, c, err);
    if (!st)
        st = take(image, c, text, err);
    if (st)
        return st;
    image->doubt = doubt;
    return overlay(c, space, module, err);
}

insp_status insp_image_attach(insp_image *image, uint32_t module, insp_space *space,
                              const char *sysroot, const char *file, insp_arena *text,
                              insp_error *err)
{
    if (image->bytes)
        return INSP_OK;
    if (!file && image->path[0] == '\0')
        return insp_fail(err, INSP_ERR_IO, image->start,
                         "the module at 0x%" PRIx64 " has no name to look for its file by",
                         image->start);
    candidate c = {.path = file, .asked_for = file != NULL};
    if (!file)
        c.path = insp_arena_printf(text, "%s%s", sysroot ? sysroot : "", image->path);
    if (!c.path)
        return insp_nomem(err);
    insp_status st = try_candidate(&c, image, module, space, text, err);
    drop_candidate(&c);
    return st;
}
