// SPDX-License-Identifier: MIT
#include "corefile.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#include "../base/cleanup.h"
#include "../elf/notes.h"
#include "../memory/pages.h"

INSP_VEC(bytes, unsigned char);

// struct elf_prstatus ends with the general registers, and pr_fpvalid in eight bytes.
enum { PRSTATUS_TAIL = 8 };
// A process that was copied ran on this machine.
#ifdef __aarch64__
static const Elf64_Half this_machine = EM_AARCH64;
#else
static const Elf64_Half this_machine = EM_X86_64;
#endif
// Memory is looked through for zeros, and handed on, in pieces of these sizes.
enum { PAGE = 4096, PIECE = 1 << 20 };

typedef struct writing {
    const insp_core_source *from;
    insp_write_fn write;
    void *ctx;
    bytes head; // ELF header, program headers, notes: all that comes before memory
    size_t loads;
    int pagemap; // of this process, which holds the copies, or -1
    bool no_memory, stopped;
} writing;

// ---- head -----------------------------------------------------------------------------------

static void put(writing *w, const void *from, size_t n)
{
    if (w->no_memory || !bytes_reserve(&w->head, w->head.len + n)) {
        w->no_memory = true;
        return;
    }
    memcpy(w->head.at + w->head.len, from, n);
    w->head.len += n;
}

static void pad(writing *w, size_t to)
{
    static const unsigned char zeros[PAGE];
    put(w, zeros, (to - w->head.len % to) % to);
}

static void note(writing *w, uint32_t type, const void *desc, size_t n)
{
    static const char name[8] = "CORE";
    Elf64_Nhdr head = {.n_namesz = sizeof("CORE"), .n_descsz = (Elf64_Word)n, .n_type = type};
    put(w, &head, sizeof(head));
    put(w, name, sizeof(name));
    put(w, desc, n);
    pad(w, sizeof(Elf64_Word));
}

static void note_process(writing *w)
{
    const insp_snapshot *s = w->from->snapshot;
    unsigned char desc[INSP_PRPSINFO_SIZE] = {0};
    int32_t pid = (int32_t)w->from->pid;
    memcpy(desc + INSP_PRPSINFO_PID, &pid, sizeof(pid));
    size_t room = INSP_FNAME_SIZE - 1;
    size_t n = s->name ? strcspn(s->name, "\n") : 0;
    if (n)
        memcpy(desc + INSP_PRPSINFO_FNAME, s->name, n < room ? n : room);
    room = INSP_PSARGS_SIZE - 1;
    // Arguments end with a NUL each; all but the last are followed by another.
    for (size_t i = 0; s->args && i < room && i + 1 < s->args_size; i++)
        desc[INSP_PRPSINFO_PSARGS + i] = s->args[i] ? (unsigned char)s->args[i] : ' ';
    note(w, NT_PRPSINFO, desc, sizeof(desc));
}

static void note_thread(writing *w, const insp_thread_regs *t)
{
    unsigned char desc[INSP_PRSTATUS_REG + INSP_MOST_REGS * 8 + PRSTATUS_TAIL] = {0};
    int32_t tid = (int32_t)t->tid;
    memcpy(desc + INSP_PRSTATUS_PID, &tid, sizeof(tid));
    memcpy(desc + INSP_PRSTATUS_REG, t->regs, (size_t)t->n_regs * 8);
    note(w, NT_PRSTATUS, desc, INSP_PRSTATUS_REG + (size_t)t->n_regs * 8 + PRSTATUS_TAIL);
}

static bool is_file(const insp_map_line *m)
{
    return m->path[0] == '/';
}

static void note_files(writing *w)
{
    static const char gone[] = " (deleted)";
    const insp_map_lines *maps = &w->from->snapshot->maps;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), head[2] = {0, page};
    size_t names = 0;
    for (size_t i = 0; i < maps->len; i++) {
        head[0] += is_file(&maps->at[i]);
        names += strlen(maps->at[i].path) + sizeof(gone);
    }
    size_t entries = INSP_FILE_HEAD + (size_t)head[0] * INSP_FILE_ENTRY;
    INSP_CLEANUP(bytes_deinit) bytes desc = {0};
    if (!bytes_reserve(&desc, entries + names)) {
        w->no_memory = true;
        return;
    }
    memcpy(desc.at, head, INSP_FILE_HEAD);
    unsigned char *entry = desc.at + INSP_FILE_HEAD;
    char *name = (char *)desc.at + entries;
    for (size_t i = 0; i < maps->len; i++) {
        const insp_map_line *m = &maps->at[i];
        if (!is_file(m))
            continue;
        uint64_t row[] = {m->start, m->end, m->offset / page};
        memcpy(entry, row, INSP_FILE_ENTRY);
        entry += INSP_FILE_ENTRY;
        name = stpcpy(stpcpy(name, m->path), m->deleted ? gone : "") + 1;
    }
    note(w, NT_FILE, desc.at, (size_t)(name - (char *)desc.at));
}

// Whoever dumps a process puts the thread that the signal hit first; here none was hit.
static void put_notes(writing *w)
{
    const insp_snapshot *s = w->from->snapshot;
    for (size_t i = 0; i < s->threads.len; i++) {
        note_thread(w, &s->threads.at[i]);
        if (i == 0)
            note_process(w);
    }
    if (s->auxv)
        note(w, NT_AUXV, s->auxv, s->auxv_size);
    note_files(w);
}

static bool is_memory(const insp_segment *seg)
{
    return !(seg->flags & INSP_SEG_FILE) && seg->bytes;
}

static uint64_t to_page(uint64_t n)
{
    return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static void put_load(writing *w, const insp_segment *seg, uint64_t *offset)
{
    uint64_t size = seg->end - seg->start;
    Elf64_Phdr ph = {.p_type = PT_LOAD,
                     .p_flags = PF_R | (seg->flags & INSP_SEG_WRITE ? PF_W : 0u) |
                                (seg->flags & INSP_SEG_EXEC ? PF_X : 0u),
                     .p_offset = *offset,
                     .p_vaddr = seg->start,
                     .p_filesz = size,
                     .p_memsz = size,
                     .p_align = PAGE};
    *offset += to_page(size);
    put(w, &ph, sizeof(ph));
}

// The number of program headers where e_phnum has no room for it (PN_XNUM): sh_info of section 0.
static void put_extra(writing *w, Elf64_Ehdr *eh, size_t headers)
{
    Elf64_Shdr sh = {.sh_size = 1, .sh_info = (Elf64_Word)headers};
    eh->e_phnum = PN_XNUM;
    eh->e_shnum = 1;
    eh->e_shentsize = sizeof(sh);
    eh->e_shoff = sizeof(*eh) + headers * sizeof(Elf64_Phdr);
    put(w, &sh, sizeof(sh));
}

// The headers say where notes and memory begin, so these are put first and the headers over them.
static void put_head(writing *w)
{
    const insp_segments *segs = &w->from->space->segs;
    for (size_t i = 0; i < segs->len; i++)
        w->loads += is_memory(&segs->at[i]);
    size_t headers = w->loads + 1;
    Elf64_Ehdr eh = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = this_machine,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(eh),
        .e_ehsize = sizeof(eh),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (Elf64_Half)headers};
    Elf64_Phdr ph = {.p_type = PT_NOTE, .p_align = 4};
    size_t start = sizeof(eh) + headers * sizeof(ph);
    if (!bytes_reserve(&w->head, start)) {
        w->no_memory = true;
        return;
    }
    memset(w->head.at, 0, start);
    w->head.len = start;
    if (headers >= PN_XNUM)
        put_extra(w, &eh, headers);
    ph.p_offset = w->head.len;
    put_notes(w);
    ph.p_filesz = w->head.len - ph.p_offset;
    pad(w, PAGE);
    uint64_t offset = w->head.len;
    size_t end = w->head.len;
    w->head.len = 0;
    put(w, &eh, sizeof(eh));
    put(w, &ph, sizeof(ph));
    for (size_t i = 0; i < segs->len; i++) {
        if (is_memory(&segs->at[i]))
            put_load(w, &segs->at[i], &offset);
    }
    w->head.len = end;
}

// ---- memory ---------------------------------------------------------------------------------

static void hand_on(writing *w, const unsigned char *from, uint64_t n)
{
    while (n && !w->stopped) {
        size_t piece = !from || n < PIECE ? (size_t)n : PIECE;
        w->stopped = w->write(w->ctx, from, piece) != 0;
        from = from ? from + piece : NULL;
        n -= piece;
    }
}

static bool is_zero(const unsigned char *page, size_t n)
{
    return !page[0] && !memcmp(page, page + 1, n - 1);
}

// Runs of pages of zeros and of others by turns.
static void write_run(writing *w, const unsigned char *from, uint64_t size)
{
    uint64_t start = 0;
    bool zero = false;
    for (uint64_t at = 0; at < size && !w->stopped; at += PAGE) {
        size_t n = size - at < PAGE ? (size_t)(size - at) : PAGE;
        bool now = is_zero(from + at, n);
        if (now != zero) {
            hand_on(w, zero ? NULL : from + start, at - start);
            start = at;
            zero = now;
        }
    }
    hand_on(w, zero ? NULL : from + start, size - start);
}

// A copy's pages that were never written to are not looked at: that would make them.
static void write_load(writing *w, const insp_segment *seg)
{
    uint64_t size = seg->end - seg->start, page = (uint64_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)seg->bytes, at = start;
    insp_range here = {start & ~(uintptr_t)(page - 1),
                       (start + size + page - 1) & ~(uintptr_t)(page - 1)};
    INSP_CLEANUP(insp_range_vec_deinit) insp_range_vec touched = {0};
    if (w->pagemap < 0 || !insp_pages_touched(w->pagemap, here, true, &touched)) {
        write_run(w, seg->bytes, size);
        at = start + size;
    }
    for (size_t i = 0; i < touched.len; i++) {
        uintptr_t from = touched.at[i].start < at ? at : touched.at[i].start;
        uintptr_t to = touched.at[i].end < start + size ? touched.at[i].end : start + size;
        if (from >= to)
            continue;
        hand_on(w, NULL, from - at);
        write_run(w, seg->bytes + (from - start), to - from);
        at = to;
    }
    hand_on(w, NULL, start + size - at + to_page(size) - size);
}

insp_status insp_corefile_write(const insp_core_source *from, insp_write_fn write, void *ctx,
                                insp_error *err)
{
    INSP_CLEANUP(insp_close_fd) int pagemap = insp_pages_open(getpid());
    writing w = {.from = from, .write = write, .ctx = ctx, .pagemap = pagemap};
    put_head(&w);
    if (!w.no_memory)
        hand_on(&w, w.head.at, w.head.len);
    bytes_deinit(&w.head);
    const insp_segments *segs = &from->space->segs;
    for (size_t i = 0; i < segs->len && !w.no_memory && !w.stopped; i++) {
        if (is_memory(&segs->at[i]))
            write_load(&w, &segs->at[i]);
    }
    if (w.no_memory)
        return insp_nomem(err);
    return w.stopped ? insp_fail(err, INSP_ERR_CANCELLED, 0, "stopped") : INSP_OK;
}
