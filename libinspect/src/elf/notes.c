// SPDX-License-Identifier: MIT
#include "notes.h"

#include <string.h>

// siginfo_t
enum { SIGINFO_CODE = 8, SIGINFO_ADDR = 16 };

typedef struct reader {
    insp_core *core;
    bool no_memory;
} reader;

static uint64_t word(const insp_note *note, size_t at)
{
    uint64_t x;
    memcpy(&x, note->desc + at, sizeof(x));
    return x;
}

static uint32_t half(const insp_note *note, size_t at)
{
    uint32_t x;
    memcpy(&x, note->desc + at, sizeof(x));
    return x;
}

static uint32_t known_regs(uint16_t machine)
{
    return machine == EM_X86_64    ? INSP_X86_64_REGS
           : machine == EM_AARCH64 ? INSP_AARCH64_REGS
                                   : 0;
}

static void read_thread(reader *r, const insp_note *note)
{
    if (note->size < INSP_PRSTATUS_REG)
        return;
    insp_thread_regs t = {.tid = (int32_t)half(note, INSP_PRSTATUS_PID),
                          .signal = half(note, INSP_PRSTATUS_CURSIG) & 0xffff};
    uint32_t n = known_regs(r->core->machine);
    for (size_t at = INSP_PRSTATUS_REG; t.n_regs < n && at + 8 <= note->size; at += 8)
        t.regs[t.n_regs++] = word(note, at);
    if (r->core->threads.len == 0)
        r->core->signal = t.signal;
    if (!insp_thread_regs_vec_push(&r->core->threads, t))
        r->no_memory = true;
}

static const char *text(reader *r, const unsigned char *from, size_t size)
{
    const char *s =
        insp_arena_text(&r->core->text, (const char *)from, strnlen((const char *)from, size));
    r->no_memory = r->no_memory || !s;
    return s ? s : "";
}

static void read_process(reader *r, const insp_note *note)
{
    if (note->size < INSP_PRPSINFO_SIZE)
        return;
    r->core->pid = (int32_t)half(note, INSP_PRPSINFO_PID);
    r->core->command = text(r, note->desc + INSP_PRPSINFO_FNAME, INSP_FNAME_SIZE);
    r->core->args = text(r, note->desc + INSP_PRPSINFO_PSARGS, INSP_PSARGS_SIZE);
}

static void read_signal(reader *r, const insp_note *note)
{
    if (note->size < SIGINFO_ADDR + 8 || r->core->has_siginfo)
        return;
    // SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV; si_addr has a meaning where the kernel sent
    // them.
    static const uint32_t faults = 1u << 4 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 11;
    uint32_t signal = half(note, 0);
    int32_t code = (int32_t)half(note, SIGINFO_CODE);
    enum { SI_KERNEL_CODE = 0x80 };
    r->core->has_siginfo = true;
    r->core->signal_code = code;
    if (signal < 32 && (faults >> signal & 1) && code > 0 && code != SI_KERNEL_CODE) {
        r->core->fault_addr = word(note, SIGINFO_ADDR);
        r->core->has_fault_addr = true;
    }
}

static void read_auxv(reader *r, const insp_note *note)
{
    for (size_t at = 0; note->size - at >= 16; at += 16) {
        uint64_t value = word(note, at + 8);
        switch (word(note, at)) {
        case AT_PHDR:
            r->core->auxv_phdr = value;
            break;
        case AT_ENTRY:
            r->core->auxv_entry = value;
            break;
        case AT_EXECFN:
            r->core->auxv_execfn = value;
            break;
        default:
            break;
        }
    }
}

static void read_files(reader *r, const insp_note *note)
{
    if (note->size < INSP_FILE_HEAD)
        return;
    uint64_t count = word(note, 0), page = word(note, 8);
    if (count > (note->size - INSP_FILE_HEAD) / INSP_FILE_ENTRY)
        return;
    size_t names = INSP_FILE_HEAD + (size_t)count * INSP_FILE_ENTRY;
    for (size_t i = 0; i < count && names < note->size && !r->no_memory; i++) {
        size_t at = INSP_FILE_HEAD + i * INSP_FILE_ENTRY;
        insp_core_file f = {.start = word(note, at),
                            .end = word(note, at + 8),
                            .offset = word(note, at + 16) * page};
        size_t len = strnlen((const char *)note->desc + names, note->size - names);
        f.path = text(r, note->desc + names, len);
        names += len + 1;
        if (f.start < f.end && !insp_core_files_push(&r->core->files, f))
            r->no_memory = true;
    }
}

// Of the thread whose registers came last; the second word, of newer processors, is tpidr2_el0.
static void read_tls(reader *r, const insp_note *note)
{
    if (r->core->machine == EM_AARCH64 && r->core->threads.len && note->size >= 8)
        r->core->threads.at[r->core->threads.len - 1].tls = word(note, 0);
}

static bool read_note(void *ctx, const insp_note *note)
{
    reader *r = ctx;
    if (!strcmp(note->name, "LINUX") && note->type == NT_ARM_TLS)
        read_tls(r, note);
    if (strcmp(note->name, "CORE") != 0)
        return true;
    switch (note->type) {
    case NT_PRSTATUS:
        read_thread(r, note);
        break;
    case NT_PRPSINFO:
        read_process(r, note);
        break;
    case NT_SIGINFO:
        read_signal(r, note);
        break;
    case NT_AUXV:
        read_auxv(r, note);
        break;
    case NT_FILE:
        read_files(r, note);
        break;
    default:
        break;
    }
    return !r->no_memory;
}

insp_status insp_core_read_notes(insp_core *core, Elf *elf, const GElf_Phdr *segment,
                                 insp_error *err)
{
    if (core->elf_class != ELFCLASS64 || core->elf_data != ELFDATA2LSB)
        return INSP_OK;
    reader r = {.core = core};
    insp_elf_notes(elf, segment, core->size, read_note, &r);
    core->has_notes = core->threads.len > 0;
    return r.no_memory ? insp_nomem(err) : INSP_OK;
}
