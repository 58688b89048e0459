// SPDX-License-Identifier: MIT
#include "toylib.h"

#include <check.h>
#include <string.h>

enum { PAGE = ELFWRITER_PAGE, N_SYMBOLS = 6 };

static const char strings[] = "\0alpha\0beta\0gamma\0tls\0outside\0libtoy.so.1";
enum { ALPHA = 1, BETA = 7, GAMMA = 12, TLS = 18, OUTSIDE = 22, SONAME = 30 };

static void add_symbols(toylib *lib, uint64_t base)
{
    const Elf64_Sym table[N_SYMBOLS] = {
        {0},
        {OUTSIDE, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, SHN_UNDEF, 0, 0},
        {ALPHA, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 2, base + TOYLIB_DATA + 16, 32},
        {BETA, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1, base + TOYLIB_RODATA, 64},
        {TLS, ELF64_ST_INFO(STB_GLOBAL, STT_TLS), 0, 2, 8, 8},
        {GAMMA, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 3, base + TOYLIB_BSS, 8},
    };
    lib->symbols = elfwriter_append(&lib->file, table, sizeof(table), 8);
    lib->strings = elfwriter_append(&lib->file, strings, sizeof(strings), 1);
    const uint32_t hash[2 + 1 + N_SYMBOLS] = {1, N_SYMBOLS, 1};
    lib->hash = elfwriter_append(&lib->file, hash, sizeof(hash), 8);
    // One bucket, whose chain goes from symbol 2 to the last; a set lowest bit ends it.
    const uint32_t gnu[4 + 2 + 1 + 4] = {1, 2, 1, 0, 0, 0, 2, 10, 12, 14, 17};
    lib->gnu_hash = elfwriter_append(&lib->file, gnu, sizeof(gnu), 8);
}

static void add_dynamic(toylib *lib, toylib_options o)
{
    Elf64_Dyn d[] = {
        {DT_SYMTAB, {o.base + lib->symbols}},
        {DT_STRTAB, {o.base + lib->strings}},
        {DT_STRSZ, {sizeof(strings)}},
        {DT_SONAME, {SONAME}},
        {DT_GNU_HASH, {o.base + lib->gnu_hash}},
        {o.only_gnu_hash ? DT_FLAGS : DT_HASH, {o.base + lib->hash}},
        {DT_DEBUG, {0}},
        {DT_NULL, {0}},
    };
    if (!o.only_gnu_hash)
        d[4].d_tag = DT_FLAGS;
    lib->dynamic = elfwriter_append(&lib->file, d, sizeof(d), 8);
    lib->debug = lib->dynamic + 6 * sizeof(d[0]) + 8;
    (void)elfwriter_segment(&lib->file, PT_DYNAMIC, PF_R, o.base + lib->dynamic, lib->dynamic,
                            sizeof(d));
}

static void add_sections(toylib *lib, uint64_t base)
{
    elfwriter *w = &lib->file;
    (void)elfwriter_section(w, ".rodata", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
                            base + TOYLIB_RODATA, PAGE, PAGE);
    (void)elfwriter_section(w, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, base + TOYLIB_DATA,
                            2 * PAGE, PAGE);
    (void)elfwriter_section(w, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, base + TOYLIB_BSS, 0,
                            PAGE);
    (void)elfwriter_section(w, ".tbss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS,
                            base + TOYLIB_DATA, 0, PAGE);
    (void)elfwriter_section(w, ".comment", SHT_PROGBITS, 0, 0, PAGE, 16);
    Elf64_Shdr *symbols =
        elfwriter_section(w, ".dynsym", SHT_DYNSYM, SHF_ALLOC, base + lib->symbols,
                          lib->symbols, N_SYMBOLS * sizeof(Elf64_Sym));
    symbols->sh_entsize = sizeof(Elf64_Sym);
    symbols->sh_link = (uint32_t)w->n_sections;
    (void)elfwriter_section(w, ".dynstr", SHT_STRTAB, SHF_ALLOC, base + lib->strings,
                            lib->strings, sizeof(strings));
}

void toylib_init(toylib *lib, toylib_options o)
{
    *lib = (toylib){0};
    elfwriter *w = &lib->file;
    elfwriter_init(w, o.type, 8);
    if (o.interp)
        (void)elfwriter_segment(w, PT_INTERP, PF_R, o.base, 0, 0);
    lib->note = elfwriter_append(w, NULL, 0, 4);
    if (o.build_id) {
        uint8_t id[20];
        memset(id, o.build_id, sizeof(id));
        (void)elfwriter_note(w, "GNU", NT_GNU_BUILD_ID, id, sizeof(id));
        (void)elfwriter_notes(w, lib->note, o.base + lib->note);
    }
    add_symbols(lib, o.base);
    add_dynamic(lib, o);

    unsigned char page[PAGE];
    memset(page, 'r', sizeof(page));
    ck_assert_uint_eq(elfwriter_append(w, page, PAGE, PAGE), PAGE);
    memset(page, 'd', sizeof(page));
    (void)elfwriter_append(w, page, PAGE, PAGE);
    (void)elfwriter_segment(w, PT_LOAD, PF_R, o.base, 0, PAGE);
    (void)elfwriter_segment(w, PT_LOAD, PF_R | PF_X, o.base + TOYLIB_RODATA, PAGE, PAGE);
    elfwriter_segment(w, PT_LOAD, PF_R | PF_W, o.base + TOYLIB_DATA, 2 * PAGE, PAGE)->p_memsz =
        2 * PAGE;
    add_sections(lib, o.base);
    elfwriter_finish(w);
}

void toylib_deinit(toylib *lib)
{
    elfwriter_deinit(&lib->file);
}

static void add(insp_space *space, insp_addr start, const unsigned char *bytes, uint32_t flags)
{
    insp_segment seg = {start, start + PAGE, bytes, NULL, flags, INSP_NONE};
    ck_assert_int_eq(insp_space_add(space, seg, NULL), INSP_OK);
}

void toylib_load(const toylib *lib, insp_space *space, insp_addr at)
{
    static unsigned char written[PAGE];
    memset(written, 'w', sizeof(written));
    add(space, at, lib->file.bytes, 0);
    add(space, at + TOYLIB_DATA, written, INSP_SEG_WRITE);
}

void toylib_map(insp_core_files *files, insp_addr at, const char *path)
{
    ck_assert(insp_core_files_push(files, (insp_core_file){at, at + PAGE, 0, path}));
    ck_assert(insp_core_files_push(
        files, (insp_core_file){at + TOYLIB_RODATA, at + TOYLIB_RODATA + PAGE, PAGE, path}));
    ck_assert(insp_core_files_push(
        files, (insp_core_file){at + TOYLIB_DATA, at + TOYLIB_BSS, 2 * PAGE, path}));
}
