// SPDX-License-Identifier: MIT
#include "core.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "../base/cleanup.h"
#include "file.h"
#include "notes.h"

// What a file that is no core begins with.
static const struct magic {
    const char *bytes;
    size_t len;
    const char *what;
} magics[] = {
    {"MDMP", 4, "is a minidump, not an ELF core dump"},
    {"#!", 2, "is a script, not a core dump"},
};

static bool is_text(const insp_file *file)
{
    size_t n = file->size < 256 ? (size_t)file->size : 256;
    for (size_t i = 0; i < n; i++) {
        if (!isprint(file->bytes[i]) && !isspace(file->bytes[i]) && file->bytes[i] < 0x80)
            return false;
    }
    return true;
}

static const char *other_kind(const insp_file *file)
{
    if (file->size == 0)
        return "is empty";
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (file->size >= magics[i].len &&
            memcmp(file->bytes, magics[i].bytes, magics[i].len) == 0)
            return magics[i].what;
    }
    if (file->size >= SELFMAG && memcmp(file->bytes, ELFMAG, SELFMAG) == 0)
        return "ends within its ELF header";
    return is_text(file) ? "is a text file, not a core dump" : "is not a core dump";
}

static insp_status check_kind(const char *path, Elf *elf, const insp_file *file,
                              GElf_Ehdr *head, insp_error *err)
{
    const char *what = NULL;
    if (!elf)
        what = other_kind(file);
    else if (!gelf_getehdr(elf, head))
        what = "ends within its ELF header";
    else if (head->e_type == ET_EXEC)
        what = "is an executable, not a core dump";
    else if (head->e_type == ET_DYN)
        what = "is an executable or a library, not a core dump";
    else if (head->e_type != ET_CORE)
        what = "is an object file, not a core dump";
    return what ? insp_fail(err, INSP_ERR_NOT_CORE, 0, "%s %s", path, what) : INSP_OK;
}

// The largest end of anything the headers speak of.
static void promise(insp_core *core, uint64_t offset, uint64_t size)
{
    if (size > 0 && offset + size > core->full_size && offset + size >= offset)
        core->full_size = offset + size;
}

// Code is rarely dumped, as its file has it too: it was there all the same.
static bool add_undumped_code(insp_core *core, const GElf_Phdr *ph, uint64_t dumped)
{
    insp_segment seg = {.start = ph->p_vaddr + dumped,
                        .end = ph->p_vaddr + ph->p_memsz,
                        .flags = INSP_SEG_EXEC,
                        .module = INSP_NONE};
    bool code = ph->p_flags & PF_X && !(ph->p_flags & PF_W);
    return !code || seg.end <= seg.start || insp_segments_push(&core->lost, seg);
}

// *done: bytes of memory that segments have shown so far. Those that together show more than the file has
// give the same bytes many addresses, and a search of all memory would not end: they are left out from there on.
static insp_status add_load(insp_core *core, const GElf_Phdr *ph, uint64_t *done,
                            insp_error *err)
{
    uint64_t dumped = ph->p_filesz < ph->p_memsz ? ph->p_filesz : ph->p_memsz;
    if (!add_undumped_code(core, ph, dumped))
        return insp_nomem(err);
    if (dumped == 0 || ph->p_vaddr + dumped < ph->p_vaddr ||
        ph->p_offset + dumped < ph->p_offset)
        return INSP_OK;
    uint64_t there = ph->p_offset < core->size ? core->size - ph->p_offset : 0;
    there = there < dumped ? there : dumped;
    if (there > core->size - *done)
        return INSP_OK;
    *done += there;
    insp_segment seg = {.start = ph->p_vaddr, .end = ph->p_vaddr + there, .module = INSP_NONE};
    seg.flags =
        (ph->p_flags & PF_W ? INSP_SEG_WRITE : 0u) | (ph->p_flags & PF_X ? INSP_SEG_EXEC : 0u);
    seg.bytes = there > 0 ? core->bytes + ph->p_offset : NULL;
    if (there > 0 && !insp_segments_push(&core->segs, seg))
        return insp_nomem(err);
    seg.start = seg.end;
    seg.end = ph->p_vaddr + dumped;
    seg.bytes = NULL;
    if (there < dumped && !insp_segments_push(&core->lost, seg))
        return insp_nomem(err);
    return INSP_OK;
}

// *done: bytes of notes that were read. Segments that together claim more than there is
// overlap.
static insp_status read_notes(insp_core *core, Elf *elf, const GElf_Phdr *ph, uint64_t *done,
                              insp_error *err)
{
    uint64_t there = ph->p_offset < core->size ? core->size - ph->p_offset : 0;
    there = there < ph->p_filesz ? there : ph->p_filesz;
    if (there > core->size - *done)
        return INSP_OK;
    *done += there;
    return insp_core_read_notes(core, elf, ph, err);
}

static insp_status read_headers(insp_core *core, Elf *elf, const GElf_Ehdr *head,
                                insp_error *err)
{
    // libelf counts only the headers it can reach; what the file says is its promise. Beyond
    // 65534 of them (PN_XNUM) the number lies in a section header, at the end of the file, and
    // libelf looks there.
    promise(core, head->e_phoff, (uint64_t)head->e_phnum * head->e_phentsize);
    promise(core, head->e_shoff, (uint64_t)head->e_shnum * head->e_shentsize);
    size_t n = 0;
    if (elf_getphdrnum(elf, &n))
        n = 0;
    insp_status st = INSP_OK;
    uint64_t notes = 0, memory = 0;
    for (size_t i = 0; i < n && !st; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(elf, (int)i, &ph))
            break;
        promise(core, ph.p_offset, ph.p_filesz);
        if (ph.p_type == PT_LOAD)
            st = add_load(core, &ph, &memory, err);
        if (ph.p_type == PT_NOTE)
            st = read_notes(core, elf, &ph, &notes, err);
    }
    return st;
}

static int by_start(const void *a, const void *b)
{
    const insp_segment *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static void sort(insp_segments *segs)
{
    if (segs->len > 0)
        qsort(segs->at, segs->len, sizeof(*segs->at), by_start);
}

// A core does not say which mapping is a stack; the stack pointers do.
static void mark_stacks(insp_core *core)
{
    for (size_t i = 0; i < core->threads.len; i++) {
        insp_addr sp = insp_thread_sp(&core->threads.at[i]);
        size_t low = 0, high = core->segs.len;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (core->segs.at[mid].end > sp)
                high = mid;
            else
                low = mid + 1;
        }
        if (low < core->segs.len && core->segs.at[low].start <= sp)
            core->segs.at[low].flags |= INSP_SEG_STACK;
    }
}

static insp_status read_core(const char *path, const insp_file *file, insp_core *core,
                             insp_error *err)
{
    INSP_CLEANUP(insp_elf_end) Elf *elf = insp_file_elf(file);
    GElf_Ehdr head = {0};
    insp_status st = check_kind(path, elf, file, &head, err);
    if (st)
        return st;
    core->machine = head.e_machine;
    core->elf_class = head.e_ident[EI_CLASS];
    core->elf_data = head.e_ident[EI_DATA];
    st = read_headers(core, elf, &head, err);
    if (st)
        return st;
    if (core->segs.len == 0 && core->full_size > core->size)
        return insp_fail(err, INSP_ERR_IO, 0,
                         "%s holds no memory: it ends after %" PRIu64 " of at least %" PRIu64
                         " bytes",
                         path, core->size, core->full_size);
    sort(&core->segs);
    sort(&core->lost);
    mark_stacks(core);
    return INSP_OK;
}

insp_status insp_core_open(const char *path, insp_unpacking *watch, insp_core *out,
                           insp_error *err)
{
    *out = (insp_core){.command = "", .args = ""};
    insp_file file;
    insp_status st = insp_file_map(path, &file, err);
    if (!st && insp_packed_with(&file)) {
        insp_file_unmap(&file);
        st = insp_unpack(path, watch, &file, out->damage, err);
    }
    if (st)
        return st;
    out->bytes = file.bytes;
    out->size = out->full_size = file.size;
    st = read_core(path, &file, out, err);
    if (st)
        insp_core_close(out);
    return st;
}

void insp_core_close(insp_core *core)
{
    insp_file file = {core->bytes, core->size};
    insp_file_unmap(&file);
    insp_core_files_deinit(&core->files);
    insp_thread_regs_vec_deinit(&core->threads);
    insp_segments_deinit(&core->segs);
    insp_segments_deinit(&core->lost);
    insp_arena_deinit(&core->text);
    *core = (insp_core){0};
}

insp_status insp_core_add_to(const insp_core *core, insp_space *space, insp_error *err)
{
    insp_status st = INSP_OK;
    for (size_t i = 0; i < core->segs.len && !st; i++)
        st = insp_space_add(space, core->segs.at[i], err);
    for (size_t i = 0; i < core->lost.len && !st; i++)
        st = insp_space_lose(space, (insp_range){core->lost.at[i].start, core->lost.at[i].end},
                             err);
    return st;
}
