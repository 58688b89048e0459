// SPDX-License-Identifier: MIT
/**
 * @file
 * A process written as a core, read again as one.
 */
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/elf/core.h"
#include "../src/output/corefile.h"
#include "support/asserts.h"

enum { PAGE = 4096, START = 0x10000000 };

static insp_error err;
static insp_space space;
static insp_snapshot snap;
static insp_core core;
static char path[] = "/tmp/refscope-corefile-XXXXXX";
static int fd;
static uint64_t most; // pieces that the sink takes
static unsigned char *memory;

static void set_up(void)
{
    err = (insp_error){0};
    space = (insp_space){0};
    snap = (insp_snapshot){0};
    core = (insp_core){0};
    most = UINT64_MAX;
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    memory = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
}

static void tear_down(void)
{
    insp_core_close(&core);
    insp_space_deinit(&space);
    insp_snapshot_deinit(&snap);
    (void)munmap(memory, 8 * PAGE);
    (void)close(fd);
    (void)unlink(path);
}

static int to_file(void *ctx, const void *bytes, size_t n)
{
    (void)ctx;
    if (most-- == 0)
        return 1;
    if (!bytes)
        return ftruncate(fd, lseek(fd, (off_t)n, SEEK_CUR)) != 0;
    return write(fd, bytes, n) != (ssize_t)n;
}

static insp_status written(void)
{
    insp_core_source from = {.pid = 321, .snapshot = &snap, .space = &space};
    return insp_corefile_write(&from, to_file, NULL, &err);
}

static void read_again(void)
{
    ck_ok(written());
    ck_ok(insp_core_open(path, NULL, &core, &err));
    ck_assert_uint_eq(core.size, core.full_size);
}

static void add(insp_addr start, unsigned char *bytes, uint64_t size, uint32_t flags)
{
    insp_segment seg = {.start = start,
                        .end = start + size,
                        .bytes = bytes,
                        .flags = flags,
                        .module = INSP_NONE};
    ck_ok(insp_space_add(&space, seg, &err));
}

static void add_line(insp_addr start, insp_addr end, const char *name, bool deleted)
{
    insp_map_line m = {.start = start,
                       .end = end,
                       .offset = PAGE,
                       .path = name,
                       .deleted = deleted,
                       .readable = true};
    ck_assert(insp_map_lines_push(&snap.maps, m));
}

START_TEST(memory_is_what_it_was_and_zeros_are_holes)
{
    memory[0] = 1;
    memory[5 * PAGE + 17] = 2;
    memory[6 * PAGE] = 0; // touched, and zeros all the same
    add(START, memory, 7 * PAGE + 100, INSP_SEG_WRITE);
    add(START + 16 * PAGE, memory, PAGE, INSP_SEG_EXEC);
    add(START + 32 * PAGE, memory, PAGE, INSP_SEG_FILE);
    read_again();
    ck_assert_uint_eq(core.segs.len, 2);
    const insp_segment *s = core.segs.at;
    ck_assert_uint_eq(s[0].start, START);
    ck_assert_uint_eq(s[0].end, START + 7 * PAGE + 100);
    ck_assert_uint_eq(s[0].flags, INSP_SEG_WRITE);
    ck_assert_uint_eq(s[1].flags, INSP_SEG_EXEC);
    ck_assert_mem_eq(s[0].bytes, memory, 7 * PAGE + 100);
    ck_assert_mem_eq(s[1].bytes, memory, PAGE);
    off_t data = lseek(fd, s[0].bytes - core.bytes + PAGE, SEEK_DATA);
    ck_assert_int_ge(data, s[0].bytes - core.bytes + 5 * PAGE);
}
END_TEST

START_TEST(the_notes_tell_what_the_kernel_told)
{
    static const uint64_t auxv[] = {AT_ENTRY, 0x1234, AT_PHDR, 0x5678, AT_NULL, 0};
    static const char args[] = "python\0-c\0pass";
    snap.name = "a name of more than 15\n";
    snap.args = args;
    snap.args_size = sizeof(args);
    snap.auxv = (const char *)auxv;
    snap.auxv_size = sizeof(auxv);
    for (uint64_t i = 0; i < 3; i++) {
        insp_thread_regs t = {
            .tid = 400 + (int64_t)i, .n_regs = 27, .regs = {i, [19] = START + i}};
        ck_assert(insp_thread_regs_vec_push(&snap.threads, t));
    }
    add_line(START, START + PAGE, "/lib/a file", false);
    add_line(START + PAGE, START + 2 * PAGE, "[heap]", false);
    add_line(START + 2 * PAGE, START + 4 * PAGE, "/gone", true);
    add(START, memory, 4 * PAGE, INSP_SEG_WRITE);
    read_again();
    ck_assert_int_eq(core.pid, 321);
    ck_assert_str_eq(core.command, "a name of more ");
    ck_assert_str_eq(core.args, "python -c pass");
    ck_assert_uint_eq(core.auxv_entry, 0x1234);
    ck_assert_uint_eq(core.auxv_phdr, 0x5678);
    ck_assert_uint_eq(core.threads.len, 3);
    for (uint64_t i = 0; i < 3; i++) {
        const insp_thread_regs *t = &core.threads.at[i];
        ck_assert_int_eq(t->tid, 400 + (int64_t)i);
        ck_assert_mem_eq(t->regs, snap.threads.at[i].regs, sizeof(t->regs));
        ck_assert_uint_eq(insp_thread_sp(t), START + i);
    }
    ck_assert_uint_eq(core.files.len, 2);
    ck_assert_str_eq(core.files.at[0].path, "/lib/a file");
    ck_assert_uint_eq(core.files.at[0].offset, PAGE);
    ck_assert_str_eq(core.files.at[1].path, "/gone (deleted)");
    ck_assert_uint_eq(core.files.at[1].end, START + 4 * PAGE);
}
END_TEST

START_TEST(more_ranges_than_a_header_can_count_are_all_there)
{
    enum { RANGES = PN_XNUM + 10 };
    memory[3] = 7;
    for (uint64_t i = 0; i < RANGES; i++)
        add(START + 2 * i * PAGE, memory, 8, 0);
    read_again();
    ck_assert_uint_eq(core.segs.len, RANGES);
    ck_assert_uint_eq(core.segs.at[RANGES - 1].start,
                      START + 2 * (uint64_t)(RANGES - 1) * PAGE);
    ck_assert_uint_eq(core.segs.at[RANGES - 1].bytes[3], 7);
}
END_TEST

START_TEST(a_sink_that_stops_is_not_called_again)
{
    memory[0] = memory[4 * PAGE] = 1;
    add(START, memory, 8 * PAGE, 0);
    most = 2;
    ck_fails(written(), INSP_ERR_CANCELLED, 0, "stopped");
    ck_assert_uint_eq(most, UINT64_MAX);
}
END_TEST

extern Suite *insp_corefile_suite(void);

Suite *insp_corefile_suite(void)
{
    Suite *s = suite_create("corefile");
    TCase *t = tcase_create("corefile");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, memory_is_what_it_was_and_zeros_are_holes);
    tcase_add_test(t, the_notes_tell_what_the_kernel_told);
    tcase_add_test(t, more_ranges_than_a_header_can_count_are_all_there);
    tcase_add_test(t, a_sink_that_stops_is_not_called_again);
    suite_add_tcase(s, t);
    return s;
}
