// SPDX-License-Identifier: MIT
/**
 * @file
 * a64_run FILE < CALLS: interpret functions of an executable of aarch64, and print what they change of its memory.
 * a64_run --rows: print which instructions are understood.
 *
 * A call is a line "FUNCTION A B …", FUNCTION try_stub or try_sample; the rest of the line is copied. After it comes a
 * line for each word of `probe_state` and `probe_room` that has become another one, as test-targets/a64/probe.c prints them.
 */
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/machine/a64.h"

typedef struct program {
    insp_space space;
    Elf *elf;
    const unsigned char *bytes;
    size_t size;
} program;

typedef struct variable {
    const char *name;
    insp_addr start;
    uint64_t size;
} variable;

static variable variables[] = {{"probe_state", 0, 0}, {"probe_room", 0, 0}};
static variable functions[] = {{"try_stub", 0, 0}, {"try_sample", 0, 0}};

static void die(const char *what)
{
    (void)fprintf(stderr, "a64_run: %s\n", what);
    exit(2);
}

// ---- the executable ------------------------------------------------------------------------

// Memory behind what the file has is zeros.
static void add_segment(program *p, const GElf_Phdr *ph)
{
    insp_segment seg = {
        .start = ph->p_vaddr, .end = ph->p_vaddr + ph->p_memsz, .module = INSP_NONE};
    unsigned char *memory = calloc(1, ph->p_memsz);
    if (!memory || ph->p_filesz > ph->p_memsz || ph->p_offset + ph->p_filesz > p->size)
        die("not a program");
    memcpy(memory, p->bytes + ph->p_offset, ph->p_filesz);
    seg.bytes = memory;
    seg.flags =
        (ph->p_flags & PF_W ? INSP_SEG_WRITE : 0u) | (ph->p_flags & PF_X ? INSP_SEG_EXEC : 0u);
    if (insp_space_add(&p->space, seg, NULL))
        die("segments overlap");
}

static void open_program(program *p, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    if (fd < 0 || fstat(fd, &st) || elf_version(EV_CURRENT) == EV_NONE)
        die("cannot open it");
    p->size = (size_t)st.st_size;
    p->bytes = mmap(NULL, p->size, PROT_READ, MAP_PRIVATE, fd, 0);
    p->elf = elf_begin(fd, ELF_C_READ, NULL);
    if (p->bytes == MAP_FAILED || !p->elf || elf_getphdrnum(p->elf, &n))
        die("no ELF file");
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(p->elf, (int)i, &ph) && ph.p_type == PT_LOAD)
            add_segment(p, &ph);
    }
}

static GElf_Sym symbol(program *p, const char *name)
{
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(p->elf, scn));) {
        GElf_Shdr sh;
        Elf_Data *data = elf_getdata(scn, NULL);
        if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_SYMTAB || !data)
            continue;
        for (size_t i = 0; i < sh.sh_size / sh.sh_entsize; i++) {
            GElf_Sym sym;
            if (gelf_getsym(data, (int)i, &sym) &&
                !strcmp(elf_strptr(p->elf, sh.sh_link, sym.st_name), name))
                return sym;
        }
    }
    die("no such symbol");
    return (GElf_Sym){0};
}

// ---- calls ---------------------------------------------------------------------------------

static void print_change(void *ctx, insp_addr addr, uint64_t before, uint64_t after)
{
    (void)ctx;
    (void)before;
    for (size_t i = 0; i < 2; i++) {
        const variable *v = &variables[i];
        if (addr - v->start < v->size)
            printf("%s+%" PRIu64 " %" PRIx64 "\n", v->name, (addr - v->start) / 8, after);
    }
}

static void locate(program *p, variable *v)
{
    GElf_Sym sym = symbol(p, v->name);
    v->start = sym.st_value;
    v->size = sym.st_size;
}

static void call(insp_machine *m, const char *name, const uint64_t args[2])
{
    const variable *f = &functions[strcmp(name, functions[0].name) ? 1 : 0];
    insp_error err;
    uint64_t result = 0;
    insp_status st = insp_machine_call(m, f->start, args, 2, NULL, NULL, &result, &err);
    printf("%s %" PRIu64 " %" PRIu64 " ", name, args[0], args[1]);
    if (st == INSP_OK) {
        puts("ok");
        insp_machine_changes(m, print_change, NULL);
    } else {
        printf("%s: %s\n", st == INSP_ERR_UNSUPPORTED ? "not understood" : "fault",
               err.message);
    }
}

static void print_rows(void)
{
    const insp_a64_row *row;
    for (size_t i = 0; (row = insp_a64_row_at(i)); i++)
        printf("%08" PRIx32 " %08" PRIx32 " %s\n", row->mask, row->bits, row->name);
}

int main(int argc, char **argv)
{
    program p = {0};
    insp_machine_options options = {.machine = EM_AARCH64};
    insp_machine *m = NULL;
    char line[256], name[64];
    uint64_t args[2];
    if (argc == 2 && !strcmp(argv[1], "--rows")) {
        print_rows();
        return 0;
    }
    if (argc != 2)
        die("usage: a64_run FILE < CALLS, or a64_run --rows");
    open_program(&p, argv[1]);
    for (size_t i = 0; i < 2; i++) {
        locate(&p, &variables[i]);
        locate(&p, &functions[i]);
    }
    if (insp_machine_create(&p.space, &options, &m, NULL))
        die("no machine");
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%63s %" SCNu64 " %" SCNu64, name, &args[0], &args[1]) == 3)
            call(m, name, args);
    }
    insp_machine_destroy(m);
    return 0;
}
