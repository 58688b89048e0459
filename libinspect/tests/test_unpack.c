// SPDX-License-Identifier: MIT
#include "../src/elf/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/elf/core.h"
#include "support/asserts.h"
#include "support/must.h"

enum { SIZE = 3 << 20 };

static unsigned char plain[SIZE];
static char path[] = "/tmp/refscope-unpack-XXXXXX";
static char damage[INSP_DAMAGE_SIZE];
static insp_file file;
static insp_error err;

static const struct {
    const char *name;
    int (*add)(struct archive *);
} packers[] = {
    {"zstd", archive_write_add_filter_zstd},   {"lz4", archive_write_add_filter_lz4},
    {"xz", archive_write_add_filter_xz},       {"gzip", archive_write_add_filter_gzip},
    {"bzip2", archive_write_add_filter_bzip2},
};

static void pack(int which, const void *bytes, size_t n)
{
    struct archive *to = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    ck_assert_int_eq(packers[which].add(to), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_set_format_raw(to), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_open_filename(to, path), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_header(to, entry), ARCHIVE_OK);
    if (n)
        ck_assert_int_eq(archive_write_data(to, bytes, n), (la_ssize_t)n);
    ck_assert_int_eq(archive_write_close(to), ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(to);
}

// Noise, which packs badly, then zeros, then noise.
static void set_up(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < SIZE; i++) {
        x = x * 1664525 + 1013904223;
        plain[i] = i > SIZE / 3 && i < SIZE / 3 * 2 ? 0 : (unsigned char)(x >> 24);
    }
    strcpy(path + sizeof(path) - 7, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    file = (insp_file){0};
}

static void tear_down(void)
{
    insp_file_unmap(&file);
    (void)unlink(path);
}

START_TEST(what_was_packed_comes_out)
{
    pack(_i, plain, SIZE);
    ck_ok(insp_file_map(path, &file, &err));
    ck_assert_str_eq(insp_packed_with(&file), packers[_i].name);
    insp_file_unmap(&file);
    insp_unpacking watch = {.done = 0};
    ck_ok(insp_unpack(path, &watch, &file, damage, &err));
    ck_assert_uint_eq(file.size, SIZE);
    ck_assert_int_eq(memcmp(file.bytes, plain, SIZE), 0);
    ck_assert_str_eq(damage, "");
    ck_assert_uint_gt(watch.done, SIZE / 2);
    ck_assert_uint_ge(watch.total, watch.done);
}
END_TEST

// What libarchive gives before it fails, it gives in pieces.
START_TEST(of_what_is_cut_the_beginning_comes_out)
{
    pack(_i, plain, SIZE);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size / 8 * 7), 0);
    insp_status got = insp_unpack(path, NULL, &file, damage, &err);
    if (got) {
        ck_assert_int_eq(got, INSP_ERR_IO);
        ck_assert_ptr_nonnull(strstr(err.message, path));
        return;
    }
    ck_assert_str_ne(damage, "");
    ck_assert_uint_gt(file.size, 0);
    ck_assert_uint_lt(file.size, SIZE);
    ck_assert_int_eq(memcmp(file.bytes, plain, file.size), 0);
}
END_TEST

START_TEST(who_watches_may_stop_it)
{
    pack(_i, plain, SIZE);
    insp_unpacking watch = {.stop = 1};
    ck_fails(insp_unpack(path, &watch, &file, damage, &err), INSP_ERR_CANCELLED, 0, "stopped");
}
END_TEST

START_TEST(nothing_in_it_is_told)
{
    // libarchive 3.6 dies writing an lz4 of nothing.
    if (!strcmp(packers[_i].name, "lz4"))
        return;
    pack(_i, plain, 0);
    ck_fails(insp_unpack(path, NULL, &file, damage, &err), INSP_ERR_IO, 0, "cannot unpack");
}
END_TEST

START_TEST(without_a_folder_to_unpack_into)
{
    pack(0, plain, SIZE);
    ck_assert_int_eq(setenv("TMPDIR", "/nonexistent", 1), 0);
    ck_fails(insp_unpack(path, NULL, &file, damage, &err), INSP_ERR_IO, 0,
             "into /nonexistent: No such file or directory; TMPDIR names another folder");
    (void)unsetenv("TMPDIR");
}
END_TEST

START_TEST(zeros_take_no_room)
{
    memset(plain, 0, SIZE);
    plain[0] = 1;
    pack(0, plain, SIZE);
    ck_ok(insp_unpack(path, NULL, &file, damage, &err));
    ck_assert_uint_eq(file.size, SIZE);
    ck_assert_int_eq(memcmp(file.bytes, plain, SIZE), 0);
}
END_TEST

START_TEST(what_comes_out_may_be_no_core)
{
    static const char text[] = "hello, this is a text\n";
    insp_core core;
    pack(_i, text, sizeof(text) - 1);
    ck_fails(insp_core_open(path, NULL, &core, &err), INSP_ERR_NOT_CORE, 0, "is a text file");
}
END_TEST

extern Suite *insp_unpack_suite(void);
Suite *insp_unpack_suite(void)
{
    const int n = sizeof(packers) / sizeof(packers[0]);
    Suite *s = suite_create("unpack");
    TCase *tc = tcase_create("unpack");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, what_was_packed_comes_out, 0, n);
    tcase_add_loop_test(tc, of_what_is_cut_the_beginning_comes_out, 0, n);
    tcase_add_loop_test(tc, who_watches_may_stop_it, 0, n);
    tcase_add_loop_test(tc, nothing_in_it_is_told, 0, n);
    tcase_add_loop_test(tc, what_comes_out_may_be_no_core, 0, n);
    tcase_add_test(tc, without_a_folder_to_unpack_into);
    tcase_add_test(tc, zeros_take_no_room);
    suite_add_tcase(s, tc);
    return s;
}
