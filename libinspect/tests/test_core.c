// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/elf/core.h"
#include "support/asserts.h"
#include "support/elfwriter.h"

enum { PAGE = ELFWRITER_PAGE };

static insp_error err;
static elfwriter w;
static insp_core core;
static char path[64];
static unsigned char pages[4 * PAGE];

static void set_up(void)
{
    for (size_t i = 0; i < sizeof(pages); i++)
        pages[i] = (unsigned char)(i * 7 + i / 256);
    elfwriter_init(&w, ET_CORE, 16);
}

static void tear_down(void)
{
    insp_core_close(&core);
    elfwriter_deinit(&w);
    if (path[0])
        (void)unlink(path);
    path[0] = '\0';
}

static insp_status open_cut(size_t size)
{
    elfwriter_save(&w, size, path);
    return insp_core_open(path, NULL, &core, &err);
}

static insp_status open_bytes(const void *bytes, size_t size)
{
    elfwriter_save_bytes(bytes, size, path);
    return insp_core_open(path, NULL, &core, &err);
}

// ---- notes, as the kernel lays them out ----------------------------------------------------

static void add_thread(int32_t tid, uint16_t signal, uint64_t rsp)
{
    unsigned char desc[336] = {0};
    uint64_t regs[27];
    for (uint64_t i = 0; i < 27; i++)
        regs[i] = 1000 + i;
    regs[19] = rsp;
    memcpy(desc + 12, &signal, sizeof(signal));
    memcpy(desc + 32, &tid, sizeof(tid));
    memcpy(desc + 112, regs, sizeof(regs));
    (void)elfwriter_note(&w, "CORE", NT_PRSTATUS, desc, sizeof(desc));
}

static void add_process(int32_t pid, const char *name, const char *args)
{
    char desc[136] = {0};
    memcpy(desc + 24, &pid, sizeof(pid));
    memcpy(desc + 40, name, strnlen(name, 16));
    memcpy(desc + 56, args, strnlen(args, 80));
    (void)elfwriter_note(&w, "CORE", NT_PRPSINFO, desc, sizeof(desc));
}

static void add_signal(int32_t signal, int32_t code, uint64_t addr)
{
    unsigned char desc[128] = {0};
    memcpy(desc, &signal, sizeof(signal));
    memcpy(desc + 8, &code, sizeof(code));
    memcpy(desc + 16, &addr, sizeof(addr));
    (void)elfwriter_note(&w, "CORE", NT_SIGINFO, desc, sizeof(desc));
}

static uint64_t add_files(void)
{
    uint64_t words[8] = {2, PAGE, 0x10000, 0x12000, 0, 0x12000, 0x13000, 2};
    char desc[sizeof(words) + 32] = {0};
    memcpy(desc, words, sizeof(words));
    memcpy(desc + sizeof(words), "/bin/a\0/lib/with space", 23);
    return elfwriter_note(&w, "CORE", NT_FILE, desc, sizeof(words) + 23);
}

static void add_auxv(void)
{
    uint64_t words[] = {AT_PHDR, 0x400040, AT_ENTRY, 0x401000, AT_EXECFN, 0x7ff0, AT_NULL, 0};
    (void)elfwriter_note(&w, "CORE", NT_AUXV, words, sizeof(words));
}

static void add_notes(void)
{
    uint64_t start = elfwriter_append(&w, NULL, 0, 4);
    add_thread(11, SIGSEGV, 0x21000);
    add_process(10, "python3.11", "python3.11 -c x");
    add_signal(SIGSEGV, 1, 0xdeadbeef);
    add_auxv();
    (void)add_files();
    (void)elfwriter_note(&w, "LINUX", 0x202, "xstate", 6);
    add_thread(12, 0, 0x31000);
    (void)elfwriter_notes(&w, start, 0);
}

static void check_notes(void)
{
    ck_assert(core.has_notes);
    ck_assert_int_eq(core.pid, 10);
    ck_assert_uint_eq(core.signal, SIGSEGV);
    ck_assert_uint_eq(core.fault_addr, 0xdeadbeef);
    ck_assert_str_eq(core.command, "python3.11");
    ck_assert_str_eq(core.args, "python3.11 -c x");
    ck_assert_uint_eq(core.auxv_phdr, 0x400040);
    ck_assert_uint_eq(core.auxv_entry, 0x401000);
    ck_assert_uint_eq(core.auxv_execfn, 0x7ff0);
    ck_assert_uint_eq(core.threads.len, 2);
    ck_assert_int_eq(core.threads.at[0].tid, 11);
    ck_assert_uint_eq(core.threads.at[0].n_regs, 27);
    ck_assert_uint_eq(core.threads.at[0].regs[26], 1026);
    ck_assert_uint_eq(insp_thread_sp(&core.threads.at[1]), 0x31000);
    ck_assert_uint_eq(core.files.len, 2);
    ck_assert_str_eq(core.files.at[0].path, "/bin/a");
    ck_assert_str_eq(core.files.at[1].path, "/lib/with space");
    ck_assert_uint_eq(core.files.at[1].start, 0x12000);
    ck_assert_uint_eq(core.files.at[1].offset, 2 * PAGE);
}

START_TEST(notes_before_memory_are_read)
{
    add_notes();
    (void)elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, 2 * PAGE);
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    check_notes();
    ck_assert_uint_eq(core.size, core.full_size);
}
END_TEST

START_TEST(notes_behind_memory_are_read)
{
    (void)elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, 2 * PAGE);
    add_notes();
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    check_notes();
}
END_TEST

START_TEST(notes_that_were_cut_off_are_missing_and_memory_is_there)
{
    Elf64_Phdr *load = elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, 2 * PAGE);
    size_t end = load->p_offset + load->p_filesz;
    add_notes();
    elfwriter_finish(&w);
    ck_ok(open_cut(end));
    ck_assert(!core.has_notes);
    ck_assert_uint_eq(core.files.len, 0);
    ck_assert_str_eq(core.command, "");
    ck_assert_uint_eq(core.size, end);
    ck_assert_uint_eq(core.full_size, w.size);
    ck_assert_uint_eq(core.segs.len, 1);
    ck_assert_uint_eq(core.lost.len, 0);
}
END_TEST

START_TEST(only_a_fault_of_the_kernel_has_an_address)
{
    uint64_t start = elfwriter_append(&w, NULL, 0, 4);
    add_signal(SIGABRT, -6, 0x1234);
    add_signal(SIGSEGV, -6, 0x1234);
    add_signal(SIGSEGV, 0x80, 0x1234);
    (void)elfwriter_notes(&w, start, 0);
    (void)elfwriter_load(&w, PF_R, 0x20000, pages, PAGE);
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_eq(core.fault_addr, 0);
}
END_TEST

START_TEST(the_thread_pointer_of_aarch64_is_a_note_of_its_own)
{
    const uint64_t first[2] = {0xfff0001, 0}, second = 0xfff0002;
    uint64_t start = elfwriter_append(&w, NULL, 0, 4);
    (void)elfwriter_note(&w, "LINUX", NT_ARM_TLS, first, sizeof(first));
    add_thread(11, 6, 0);
    (void)elfwriter_note(&w, "LINUX", NT_ARM_TLS, first, sizeof(first));
    add_thread(12, 6, 0);
    (void)elfwriter_note(&w, "LINUX", NT_ARM_TLS, &second, sizeof(second));
    (void)elfwriter_note(&w, "LINUX", NT_ARM_TLS, &second, 4);
    (void)elfwriter_notes(&w, start, 0);
    (void)elfwriter_load(&w, PF_R, 0x20000, pages, PAGE);
    elfwriter_finish(&w);
    ((Elf64_Ehdr *)w.bytes)->e_machine = _i ? EM_AARCH64 : EM_X86_64;
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_eq(core.threads.len, 2);
    ck_assert_uint_eq(core.threads.at[0].tls, _i ? first[0] : 0);
    ck_assert_uint_eq(core.threads.at[1].tls, _i ? second : 0);
}
END_TEST

// Numbers in NT_FILE that its bytes do not bear out.
static const uint64_t counts[] = {3, 4, 1000, UINT64_MAX / 24, UINT64_MAX};

START_TEST(a_file_list_that_claims_too_much_is_bounded)
{
    uint64_t start = elfwriter_append(&w, NULL, 0, 4);
    uint64_t at = add_files();
    (void)elfwriter_notes(&w, start, 0);
    (void)elfwriter_load(&w, PF_R, 0x20000, pages, PAGE);
    elfwriter_finish(&w);
    memcpy(w.bytes + at, &counts[_i], sizeof(counts[_i]));
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_le(core.files.len, 3);
}
END_TEST

START_TEST(a_note_segment_that_repeats_is_not_read_for_ever)
{
    uint64_t start = elfwriter_append(&w, NULL, 0, 4);
    add_thread(11, 6, 0);
    for (int i = 0; i < 10; i++)
        (void)elfwriter_notes(&w, start, 0);
    (void)elfwriter_load(&w, PF_R, 0x20000, pages, PAGE);
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    uint64_t most = core.size / (w.segments[0].p_filesz);
    ck_assert_uint_le(core.threads.len, most);
}
END_TEST

// ---- memory --------------------------------------------------------------------------------

START_TEST(flags_and_stacks_are_known)
{
    add_notes();
    (void)elfwriter_load(&w, PF_R | PF_X, 0x10000, pages, PAGE);
    (void)elfwriter_load(&w, PF_R | PF_W, 0x30000, pages, 2 * PAGE);
    (void)elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, PAGE);
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_eq(core.segs.len, 3);
    ck_assert_uint_eq(core.segs.at[0].flags, INSP_SEG_EXEC);
    ck_assert_uint_eq(core.segs.at[1].start, 0x20000);
    ck_assert_uint_eq(core.segs.at[1].flags, INSP_SEG_WRITE);
    ck_assert_uint_eq(core.segs.at[2].start, 0x30000);
    ck_assert_uint_eq(core.segs.at[2].flags, INSP_SEG_WRITE | INSP_SEG_STACK);
    ck_assert_mem_eq(core.segs.at[2].bytes, pages, 2 * PAGE);
}
END_TEST

START_TEST(what_was_left_out_is_absent_not_zero)
{
    elfwriter_load(&w, PF_R, 0x10000, pages, PAGE)->p_memsz = 4 * PAGE;
    elfwriter_segment(&w, PT_LOAD, PF_R | PF_X, 0x20000, w.size, 0)->p_memsz = PAGE;
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_eq(core.segs.len, 1);
    ck_assert_uint_eq(core.segs.at[0].end, 0x11000);
    // But that there was code is known.
    ck_assert_uint_eq(core.lost.len, 1);
    ck_assert_uint_eq(core.lost.at[0].start, 0x20000);
    ck_assert_uint_eq(core.lost.at[0].end, 0x21000);
}
END_TEST

START_TEST(a_cut_range_ends_where_the_file_ends)
{
    Elf64_Phdr *a = elfwriter_load(&w, PF_R | PF_W, 0x10000, pages, 2 * PAGE);
    size_t cut = a->p_offset + PAGE + 100;
    (void)elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, PAGE);
    elfwriter_finish(&w);
    ck_ok(open_cut(cut));
    ck_assert_uint_eq(core.segs.len, 1);
    ck_assert_uint_eq(core.segs.at[0].end, 0x10000 + PAGE + 100);
    ck_assert_uint_eq(core.lost.len, 2);
    ck_assert_uint_eq(core.lost.at[0].start, 0x10000 + PAGE + 100);
    ck_assert_uint_eq(core.lost.at[0].end, 0x12000);
    ck_assert_uint_eq(core.lost.at[1].start, 0x20000);
    ck_assert_uint_eq(core.full_size, w.size);

    insp_space space = {0};
    insp_segment file = {.start = 0x10000, .end = 0x21000, .bytes = pages, .module = 0};
    file.flags = INSP_SEG_WRITE | INSP_SEG_FILE;
    ck_ok(insp_core_add_to(&core, &space, &err));
    ck_ok(insp_space_add(&space, file, &err));
    ck_assert_ptr_null(insp_space_find(&space, 0x11fff));
    ck_assert_ptr_null(insp_space_find(&space, 0x20000));
    ck_assert_ptr_nonnull(insp_space_find(&space, 0x12000));
    insp_space_deinit(&space);
}
END_TEST

START_TEST(objects_may_cross_ranges_that_touch_in_the_file)
{
    (void)elfwriter_load(&w, PF_R | PF_W, 0x10000, pages, PAGE);
    (void)elfwriter_load(&w, PF_R | PF_W, 0x11000, pages + PAGE, PAGE);
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    insp_space space = {0};
    ck_ok(insp_core_add_to(&core, &space, &err));
    const void *p = insp_space_at(&space, 0x10ff0, 0x20);
    ck_assert_ptr_nonnull(p);
    ck_assert_mem_eq(p, pages + 0xff0, 0x20);
    insp_space_deinit(&space);
}
END_TEST

// Program headers no kernel writes.
static const Elf64_Phdr odd[] = {
    {.p_vaddr = UINT64_MAX - 10, .p_filesz = PAGE, .p_memsz = PAGE},
    {.p_offset = UINT64_MAX - 10, .p_filesz = PAGE, .p_memsz = PAGE},
    {.p_offset = UINT64_MAX / 2, .p_filesz = UINT64_MAX / 2, .p_memsz = UINT64_MAX / 2},
    {.p_vaddr = 0x50000, .p_filesz = UINT64_MAX, .p_memsz = UINT64_MAX},
    {.p_vaddr = 0x50000, .p_filesz = PAGE, .p_memsz = 0},
    {.p_vaddr = 0x10000, .p_filesz = PAGE, .p_memsz = PAGE},
};

START_TEST(odd_program_headers_do_no_harm)
{
    (void)elfwriter_load(&w, PF_R | PF_W, 0x10000, pages, PAGE);
    Elf64_Phdr *ph = elfwriter_segment(&w, PT_LOAD, PF_R, 0, 0, 0);
    *ph = odd[_i];
    ph->p_type = PT_LOAD;
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    insp_space space = {0};
    ck_ok(insp_core_add_to(&core, &space, &err));
    ck_assert_mem_eq(insp_space_at(&space, 0x10000, PAGE), pages, PAGE);
    for (const insp_segment *s = insp_space_next(&space, 0); s;
         s = insp_space_next(&space, s->end))
        ck_assert_uint_le(s->end - s->start, core.size);
    insp_space_deinit(&space);
}
END_TEST

// More than 65534 segments: their number is in the first section header.
// Else every search of memory would take as long as the headers say.
START_TEST(segments_show_no_more_bytes_than_the_file_has)
{
    enum { SEGMENTS = 12 };
    uint64_t at = elfwriter_append(&w, pages, sizeof(pages), 16), shown = 0;
    for (uint64_t i = 0; i < SEGMENTS; i++)
        (void)elfwriter_segment(&w, PT_LOAD, PF_R | PF_W, 0x100000 * (i + 1), at,
                                sizeof(pages));
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_ge(core.segs.len, 1);
    ck_assert_uint_lt(core.segs.len, SEGMENTS);
    for (size_t i = 0; i < core.segs.len; i++)
        shown += core.segs.at[i].end - core.segs.at[i].start;
    ck_assert_uint_le(shown, core.size);
    ck_assert_uint_eq(core.segs.at[0].start, 0x100000);
}
END_TEST

START_TEST(more_segments_than_the_header_can_count)
{
    // Small ones: together they may show no more than the file has.
    enum { MANY = 70000, SMALL = 16 };
    elfwriter_deinit(&w);
    elfwriter_init(&w, ET_CORE, MANY);
    uint64_t at = elfwriter_append(&w, pages, PAGE, 16);
    for (uint64_t i = 0; i < MANY; i++)
        (void)elfwriter_segment(&w, PT_LOAD, PF_R, 0x10000 + i * 2 * PAGE, at, SMALL);
    Elf64_Shdr count = {.sh_info = MANY};
    w.head.e_phnum = PN_XNUM;
    w.head.e_shnum = 1;
    w.head.e_shoff = elfwriter_append(&w, &count, sizeof(count), 8);
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_eq(core.segs.len, MANY);
    ck_assert_uint_eq(core.full_size, core.size);
    insp_core_close(&core);
    (void)unlink(path);

    // Without that header the first 65535 are read, and the core is known to be cut.
    ck_ok(open_cut(w.head.e_shoff));
    ck_assert_uint_eq(core.segs.len, PN_XNUM);
    ck_assert_uint_gt(core.full_size, core.size);
}
END_TEST

START_TEST(a_big_sparse_core_is_not_read_whole)
{
    Elf64_Phdr *ph = elfwriter_load(&w, PF_R | PF_W, 0x10000, pages, PAGE);
    ph->p_filesz = ph->p_memsz = UINT64_C(8) << 30;
    elfwriter_finish(&w);
    elfwriter_save(&w, SIZE_MAX, path);
    ck_assert_int_eq(truncate(path, (off_t)(ph->p_offset + ph->p_filesz)), 0);
    ck_ok(insp_core_open(path, NULL, &core, &err));
    insp_space space = {0};
    ck_ok(insp_core_add_to(&core, &space, &err));
    ck_assert_mem_eq(insp_space_at(&space, 0x10000, PAGE), pages, PAGE);
    bool ok = true;
    ck_assert_uint_eq(insp_space_u64(&space, UINT64_C(7) << 30, &ok), 0);
    ck_assert(ok);
    insp_space_deinit(&space);
}
END_TEST

START_TEST(cut_at_any_length_there_is_one_outcome)
{
    (void)elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, PAGE);
    add_notes();
    elfwriter_finish(&w);
    for (size_t n = 0; n <= w.size; n++) {
        insp_status st = open_cut(n);
        if (st) {
            ck_assert(st == INSP_ERR_NOT_CORE || st == INSP_ERR_IO);
            ck_assert_uint_le(n, w.segments[0].p_offset);
            ck_assert_uint_gt(strlen(err.message), 10);
        } else {
            ck_assert_uint_gt(n, w.segments[0].p_offset);
            ck_assert_uint_eq(core.size, n);
            ck_assert_int_eq(core.full_size > core.size, n < w.size);
        }
        insp_core_close(&core);
        (void)unlink(path);
    }
}
END_TEST

// Every byte of the headers and notes, set to what hurts: the file opens or is refused.
START_TEST(a_broken_byte_does_no_harm)
{
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    add_notes();
    (void)elfwriter_load(&w, PF_R | PF_W, 0x20000, pages, 64);
    elfwriter_finish(&w);
    for (size_t i = 0; i < w.size; i++) {
        unsigned char was = w.bytes[i];
        w.bytes[i] = values[(size_t)_i];
        if (open_cut(SIZE_MAX) == INSP_OK) {
            insp_space space = {0};
            ck_ok(insp_core_add_to(&core, &space, &err));
            insp_space_deinit(&space);
        }
        insp_core_close(&core);
        (void)unlink(path);
        w.bytes[i] = was;
    }
}
END_TEST

// ---- what is no core -----------------------------------------------------------------------

static const struct {
    const char *bytes;
    size_t size;
    const char *words;
} others[] = {
    {"", 0, "is empty"},
    {"hello\n", 6, "is a text file, not a core dump"},
    {"#!/bin/sh\n", 10, "is a script, not a core dump"},
    {"\x7f"
     "ELF",
     4, "ends within its ELF header"},
    {"\x7f"
     "ELF\x02\x01\x01\x00\x00\x00",
     10, "ends within its ELF header"},
    {"\x00\x01\x02\x03\x04\x05", 6, "is not a core dump"},
};

START_TEST(what_is_no_core_is_named)
{
    ck_fails(open_bytes(others[_i].bytes, others[_i].size), INSP_ERR_NOT_CORE, 0,
             others[_i].words);
    ck_assert_ptr_nonnull(strstr(err.message, path));
}
END_TEST

static const struct {
    uint16_t type;
    const char *words;
} types[] = {
    {ET_EXEC, "is an executable, not a core dump"},
    {ET_DYN, "is an executable or a library, not a core dump"},
    {ET_REL, "is an object file, not a core dump"},
};

START_TEST(other_elf_files_are_named)
{
    w.head.e_type = types[_i].type;
    elfwriter_finish(&w);
    ck_fails(open_cut(SIZE_MAX), INSP_ERR_NOT_CORE, 0, types[_i].words);
}
END_TEST

START_TEST(a_core_of_another_machine_opens)
{
    (void)elfwriter_load(&w, PF_R | PF_W, 0x10000, pages, PAGE);
    w.head.e_machine = EM_AARCH64;
    elfwriter_finish(&w);
    ck_ok(open_cut(SIZE_MAX));
    ck_assert_uint_eq(core.machine, EM_AARCH64);
}
END_TEST

START_TEST(a_path_that_cannot_be_read_says_why)
{
    ck_fails(insp_core_open("/nonexistent/core", NULL, &core, &err), INSP_ERR_IO, 0,
             "cannot read /nonexistent/core: No such file or directory");
    ck_fails(insp_core_open("/tmp", NULL, &core, &err), INSP_ERR_IO, 0, "it is a directory");
    ck_fails(insp_core_open("/dev/null", NULL, &core, &err), INSP_ERR_IO, 0,
             "it is not a regular file");
    strcpy(path, "/tmp/insp-elf-fifo");
    (void)unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_fails(insp_core_open(path, NULL, &core, &err), INSP_ERR_IO, 0,
             "it is not a regular file");
}
END_TEST

extern Suite *insp_core_suite(void);

static TCase *add_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    return t;
}

#define LENGTH(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *insp_core_suite(void)
{
    Suite *s = suite_create("core");
    TCase *t = add_case(s, "notes");
    tcase_add_test(t, notes_before_memory_are_read);
    tcase_add_test(t, notes_behind_memory_are_read);
    tcase_add_test(t, notes_that_were_cut_off_are_missing_and_memory_is_there);
    tcase_add_test(t, only_a_fault_of_the_kernel_has_an_address);
    tcase_add_loop_test(t, the_thread_pointer_of_aarch64_is_a_note_of_its_own, 0, 2);
    tcase_add_loop_test(t, a_file_list_that_claims_too_much_is_bounded, 0, LENGTH(counts));
    tcase_add_test(t, a_note_segment_that_repeats_is_not_read_for_ever);
    t = add_case(s, "memory");
    tcase_add_test(t, flags_and_stacks_are_known);
    tcase_add_test(t, what_was_left_out_is_absent_not_zero);
    tcase_add_test(t, a_cut_range_ends_where_the_file_ends);
    tcase_add_test(t, objects_may_cross_ranges_that_touch_in_the_file);
    tcase_add_loop_test(t, odd_program_headers_do_no_harm, 0, LENGTH(odd));
    tcase_add_test(t, segments_show_no_more_bytes_than_the_file_has);
    tcase_add_test(t, more_segments_than_the_header_can_count);
    tcase_add_test(t, a_big_sparse_core_is_not_read_whole);
    tcase_add_test(t, cut_at_any_length_there_is_one_outcome);
    tcase_add_loop_test(t, a_broken_byte_does_no_harm, 0, 5);
    t = add_case(s, "others");
    tcase_add_loop_test(t, what_is_no_core_is_named, 0, LENGTH(others));
    tcase_add_loop_test(t, other_elf_files_are_named, 0, LENGTH(types));
    tcase_add_test(t, a_core_of_another_machine_opens);
    tcase_add_test(t, a_path_that_cannot_be_read_says_why);
    return s;
}
