// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <unistd.h>

#include "../src/elf/image.h"
#include "support/asserts.h"
#include "support/toylib.h"

enum { PAGE = ELFWRITER_PAGE };

static const insp_addr base = 0x7f1000000000;

static insp_error err;
static insp_space space;
static insp_core_files files;
static insp_images images;
static insp_arena text;
static toylib lib;
static char path[64];

static void set_up(void)
{
    toylib_init(&lib, (toylib_options){.type = ET_DYN, .build_id = 0xab});
}

static void tear_down(void)
{
    for (size_t i = 0; i < images.len; i++)
        insp_image_deinit(&images.at[i]);
    insp_images_deinit(&images);
    insp_core_files_deinit(&files);
    insp_space_deinit(&space);
    space = (insp_space){0};
    insp_arena_deinit(&text);
    toylib_deinit(&lib);
    if (path[0])
        (void)unlink(path);
    path[0] = '\0';
}

static void remake(toylib_options options)
{
    toylib_deinit(&lib);
    toylib_init(&lib, options);
}

static void find(void)
{
    ck_ok(insp_images_find(&space, &files, &text, &images, &err));
}

// The library at `base` in memory, and as a file of that path.
static insp_image *find_mapped(void)
{
    elfwriter_save(&lib.file, SIZE_MAX, path);
    toylib_load(&lib, &space, base);
    toylib_map(&files, base, path);
    find();
    ck_assert_uint_eq(images.len, 1);
    return &images.at[0];
}

static insp_status attach(insp_image *image)
{
    return insp_image_attach(image, 7, &space, NULL, NULL, &text, &err);
}

static unsigned char byte_at(insp_addr addr)
{
    const unsigned char *p = insp_space_at(&space, addr, 1);
    return p ? *p : 0;
}

// ---- finding modules -----------------------------------------------------------------------

START_TEST(a_module_is_found_by_its_file_mappings)
{
    char id[41];
    const insp_image *image = find_mapped();
    ck_assert_str_eq(image->path, path);
    ck_assert_str_eq(image->file, "");
    ck_assert_uint_eq(image->start, base);
    ck_assert_uint_eq(image->end, base + TOYLIB_END);
    ck_assert_uint_eq(image->bias, base);
    ck_assert_uint_eq(image->machine, EM_X86_64);
    ck_assert_str_eq(insp_build_id_text(&image->build_id, id),
                     "abababababababababababababababababababab");
}
END_TEST

START_TEST(an_executable_at_its_own_place_has_no_bias)
{
    remake((toylib_options){.type = ET_EXEC, .base = 0x400000, .build_id = 1});
    toylib_load(&lib, &space, 0x400000);
    toylib_map(&files, 0x400000, "/bin/toy");
    find();
    ck_assert_uint_eq(images.len, 1);
    ck_assert_uint_eq(images.at[0].bias, 0);
    ck_assert_uint_eq(images.at[0].start, 0x400000);
}
END_TEST

START_TEST(a_file_that_is_only_read_is_no_module)
{
    static const unsigned char data[PAGE] = "locale";
    insp_segment seg = {base, base + PAGE, data, NULL, 0, INSP_NONE};
    ck_ok(insp_space_add(&space, seg, &err));
    toylib_map(&files, base, "/usr/lib/locale/C.utf8");
    // A library somebody mapped whole, to look at it.
    toylib_load(&lib, &space, base + 0x100000);
    insp_core_file whole = {base + 0x100000, base + 0x103000, 0, "/lib/libtoy.so"};
    ck_assert(insp_core_files_push(&files, whole));
    // An executable at another place than its own.
    toylib exe;
    toylib_init(&exe, (toylib_options){.type = ET_EXEC, .base = 0x400000});
    toylib_load(&exe, &space, base + 0x200000);
    toylib_map(&files, base + 0x200000, "/bin/toy");
    find();
    ck_assert_uint_eq(images.len, 0);
    toylib_deinit(&exe);
}
END_TEST

START_TEST(a_module_whose_first_page_is_missing_is_still_listed)
{
    toylib_map(&files, base, "/lib/libtoy.so");
    insp_core_file data = {base + 0x100000, base + 0x101000, 0, "/some/data"};
    ck_assert(insp_core_files_push(&files, data));
    find();
    ck_assert_uint_eq(images.len, 1);
    ck_assert_uint_eq(images.at[0].start, base);
    ck_assert_uint_eq(images.at[0].end, base + TOYLIB_BSS);
    ck_assert_uint_eq(images.at[0].build_id.len, 0);
    ck_assert_uint_eq(images.at[0].header, 0);
}
END_TEST

START_TEST(the_same_file_loaded_twice_is_two_modules)
{
    toylib_load(&lib, &space, base);
    toylib_load(&lib, &space, base + TOYLIB_END);
    toylib_map(&files, base, "/lib/libtoy.so");
    toylib_map(&files, base + TOYLIB_END, "/lib/libtoy.so");
    find();
    ck_assert_uint_eq(images.len, 2);
    ck_assert_uint_eq(images.at[1].bias, base + TOYLIB_END);
}
END_TEST

START_TEST(without_mappings_modules_are_known_by_their_first_page)
{
    toylib_load(&lib, &space, base);
    toylib_load(&lib, &space, base + 0x100000);
    find();
    ck_assert_uint_eq(images.len, 2);
    ck_assert_uint_eq(images.at[0].bias, base);
    ck_assert_uint_eq(images.at[1].bias, base + 0x100000);
    ck_assert_uint_eq(images.at[1].build_id.len, 20);
    ck_assert_str_eq(images.at[1].path, "libtoy.so.1");
}
END_TEST

START_TEST(without_mappings_the_dynamic_linker_names_modules)
{
    static unsigned char links[PAGE];
    toylib exe;
    const insp_addr list = 0x7f2000000000;
    toylib_init(&exe, (toylib_options){.type = ET_DYN, .interp = true});
    // struct r_debug at 0, struct link_map at 0x100 and 0x200, the second of which goes in a
    // circle.
    const uint64_t debug[] = {1, list + 0x100};
    const uint64_t first[] = {0, list + 0xf00, 0x500000 + exe.dynamic, list + 0x200, 0};
    const uint64_t second[] = {0, list + 0xe00, base + lib.dynamic, list + 0x100, 0};
    memcpy(links, debug, sizeof(debug));
    memcpy(links + 0x100, first, sizeof(first));
    memcpy(links + 0x200, second, sizeof(second));
    memcpy(links + 0xe00, "/opt/lib/libtoy.so", 19);
    memcpy(exe.file.bytes + exe.debug, &list, sizeof(list));

    insp_segment seg = {list, list + PAGE, links, NULL, INSP_SEG_WRITE, INSP_NONE};
    ck_ok(insp_space_add(&space, seg, &err));
    toylib_load(&lib, &space, base);
    toylib_load(&exe, &space, 0x500000);
    find();
    ck_assert_uint_eq(images.len, 2);
    ck_assert_uint_eq(images.at[0].start, 0x500000);
    ck_assert_str_eq(images.at[1].path, "/opt/lib/libtoy.so");
    toylib_deinit(&exe);
}
END_TEST

// ---- the file that stands in ---------------------------------------------------------------

START_TEST(a_file_of_the_same_build_stands_in_for_what_is_missing)
{
    insp_image *image = find_mapped();
    ck_assert_uint_eq(byte_at(base + TOYLIB_RODATA), 0);
    ck_ok(attach(image));
    ck_assert_str_eq(image->file, path);
    ck_assert_str_eq(image->doubt, "");
    ck_assert_uint_eq(byte_at(base + TOYLIB_RODATA), 'r');
    ck_assert_uint_eq(byte_at(base + TOYLIB_RODATA + PAGE - 1), 'r');
    ck_assert_uint_eq(byte_at(base + TOYLIB_DATA), 'w');
    const insp_segment *seg = insp_space_find(&space, base + TOYLIB_RODATA);
    ck_assert_uint_eq(seg->flags, INSP_SEG_FILE | INSP_SEG_EXEC);
    ck_assert_uint_eq(seg->module, 7);
    ck_ok(attach(image));
}
END_TEST

START_TEST(memory_without_bytes_in_the_file_stays_absent)
{
    ck_ok(attach(find_mapped()));
    ck_assert_ptr_null(insp_space_find(&space, base + TOYLIB_BSS));
    ck_assert_ptr_null(insp_space_find(&space, base + TOYLIB_RODATA + PAGE));
}
END_TEST

START_TEST(data_that_was_never_written_comes_from_the_file)
{
    elfwriter_save(&lib.file, SIZE_MAX, path);
    insp_segment header = {base, base + PAGE, lib.file.bytes, NULL, 0, INSP_NONE};
    ck_ok(insp_space_add(&space, header, &err));
    toylib_map(&files, base, path);
    find();
    ck_ok(attach(&images.at[0]));
    ck_assert_uint_eq(byte_at(base + TOYLIB_DATA), 'd');
}
END_TEST

START_TEST(data_that_a_cut_core_lost_does_not_come_from_the_file)
{
    elfwriter_save(&lib.file, SIZE_MAX, path);
    insp_segment header = {base, base + PAGE, lib.file.bytes, NULL, 0, INSP_NONE};
    ck_ok(insp_space_add(&space, header, &err));
    ck_ok(insp_space_lose(&space, (insp_range){base + TOYLIB_DATA + 64, base + TOYLIB_BSS},
                          &err));
    toylib_map(&files, base, path);
    find();
    ck_ok(attach(&images.at[0]));
    ck_assert_uint_eq(byte_at(base + TOYLIB_DATA + 63), 'd');
    ck_assert_ptr_null(insp_space_find(&space, base + TOYLIB_DATA + 64));
}
END_TEST

START_TEST(a_file_of_another_build_is_refused)
{
    insp_image *image = find_mapped();
    size_t before = space.segs.len;
    lib.file.bytes[lib.note + 16] ^= 1;
    (void)unlink(path);
    elfwriter_save(&lib.file, SIZE_MAX, path);
    insp_image was = *image;
    ck_fails(insp_image_attach(image, 0, &space, NULL, path, &text, &err), INSP_ERR_MISMATCH,
             base, "is another build: the target has build-id abababab");
    ck_assert_ptr_nonnull(strstr(err.message, "the file aaabab"));
    ck_assert_mem_eq(&was, image, sizeof(was));
    ck_assert_uint_eq(space.segs.len, before);
}
END_TEST

START_TEST(a_file_without_a_build_id_is_another_build)
{
    insp_image *image = find_mapped();
    toylib other;
    toylib_init(&other, (toylib_options){.type = ET_DYN});
    (void)unlink(path);
    elfwriter_save(&other.file, SIZE_MAX, path);
    toylib_deinit(&other);
    ck_fails(insp_image_attach(image, 0, &space, "", path, &text, &err), INSP_ERR_MISMATCH,
             base, "the file none");
}
END_TEST

START_TEST(without_a_build_id_the_first_page_decides)
{
    remake((toylib_options){.type = ET_DYN});
    insp_image *image = find_mapped();
    ck_ok(attach(image));
    ck_assert_ptr_nonnull(strstr(image->doubt, "only the first page was compared"));
    ck_assert_uint_eq(byte_at(base + TOYLIB_RODATA), 'r');
}
END_TEST

START_TEST(without_a_build_id_another_first_page_is_another_build)
{
    remake((toylib_options){.type = ET_DYN});
    insp_image *image = find_mapped();
    // The target's page, while the file keeps its own.
    lib.file.bytes[lib.symbols + 30] ^= 1;
    ck_fails(attach(image), INSP_ERR_MISMATCH, base, "its first page differs");
    ck_fails(insp_image_attach(image, 0, &space, NULL, path, &text, &err), INSP_ERR_MISMATCH,
             base, "its first page differs");
}
END_TEST

START_TEST(with_nothing_to_compare_only_the_callers_word_counts)
{
    elfwriter_save(&lib.file, SIZE_MAX, path);
    toylib_map(&files, base, path);
    find();
    insp_image *image = &images.at[0];
    ck_fails(attach(image), INSP_ERR_MISMATCH, base, "cannot tell whether");
    ck_ok(insp_image_attach(image, 0, &space, NULL, path, &text, &err));
    ck_assert_ptr_nonnull(strstr(image->doubt, "nothing was compared"));
    ck_assert_uint_eq(image->bias, base);
    ck_assert_uint_eq(byte_at(base + TOYLIB_RODATA), 'r');
}
END_TEST

START_TEST(an_executable_nothing_is_known_of_is_placed_by_its_file)
{
    remake((toylib_options){.type = ET_EXEC, .base = 0x400000, .build_id = 1});
    elfwriter_save(&lib.file, SIZE_MAX, path);
    insp_image image = {.path = "", .file = "", .doubt = ""};
    ck_ok(insp_image_attach(&image, 0, &space, NULL, path, &text, &err));
    ck_assert_uint_eq(image.start, 0x400000);
    ck_assert_uint_eq(image.end, 0x400000 + TOYLIB_END);
    ck_assert_uint_eq(byte_at(0x400000 + TOYLIB_RODATA), 'r');
    insp_image_deinit(&image);

    remake((toylib_options){.type = ET_DYN, .build_id = 1});
    (void)unlink(path);
    elfwriter_save(&lib.file, SIZE_MAX, path);
    ck_fails(insp_image_attach(&image, 0, &space, NULL, path, &text, &err), INSP_ERR_MISMATCH,
             0, "nothing tells where it was mapped");
}
END_TEST

START_TEST(a_file_that_does_not_fit_says_why)
{
    insp_image *image = find_mapped();
    ck_fails(insp_image_attach(image, 0, &space, "/no/sysroot", NULL, &text, &err), INSP_ERR_IO,
             0, "cannot read /no/sysroot/tmp/insp-elf-");
    ck_fails(insp_image_attach(image, 0, &space, NULL, "/etc/passwd", &text, &err),
             INSP_ERR_MISMATCH, 0, "/etc/passwd is not an executable or a library");
    image->machine = EM_AARCH64;
    ck_fails(attach(image), INSP_ERR_MISMATCH, base, "is for another machine");
    image->path = "";
    ck_fails(attach(image), INSP_ERR_IO, base, "has no name to look for its file by");
}
END_TEST

START_TEST(a_file_that_is_cut_short_gives_what_it_has)
{
    elfwriter_save(&lib.file, PAGE + 100, path);
    toylib_load(&lib, &space, base);
    toylib_map(&files, base, path);
    find();
    ck_ok(attach(&images.at[0]));
    ck_assert_uint_eq(byte_at(base + TOYLIB_RODATA + 99), 'r');
    ck_assert_ptr_null(insp_space_find(&space, base + TOYLIB_RODATA + 100));
}
END_TEST

START_TEST(sections_are_those_that_take_memory)
{
    insp_image *image = find_mapped();
    ck_ok(attach(image));
    ck_assert_ptr_null(insp_image_section(image, ".tbss"));
    ck_assert_ptr_null(insp_image_section(image, ".comment"));
    const insp_section *bss = insp_image_section(image, ".bss");
    ck_assert(bss->nobits);
    ck_assert_uint_eq(bss->start, base + TOYLIB_BSS);
    ck_assert_uint_eq(bss->flags, INSP_SEG_WRITE);
    ck_assert_ptr_eq(insp_image_section_at(image, base + TOYLIB_END - 1), bss);
    ck_assert_str_eq(insp_image_section_at(image, base + TOYLIB_DATA)->name, ".data");
    ck_assert_ptr_null(insp_image_section_at(image, base + TOYLIB_END));
}
END_TEST

extern Suite *insp_image_suite(void);

Suite *insp_image_suite(void)
{
    Suite *s = suite_create("image");
    TCase *t = tcase_create("modules");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_module_is_found_by_its_file_mappings);
    tcase_add_test(t, an_executable_at_its_own_place_has_no_bias);
    tcase_add_test(t, a_file_that_is_only_read_is_no_module);
    tcase_add_test(t, a_module_whose_first_page_is_missing_is_still_listed);
    tcase_add_test(t, the_same_file_loaded_twice_is_two_modules);
    tcase_add_test(t, without_mappings_modules_are_known_by_their_first_page);
    tcase_add_test(t, without_mappings_the_dynamic_linker_names_modules);
    suite_add_tcase(s, t);
    t = tcase_create("files");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_file_of_the_same_build_stands_in_for_what_is_missing);
    tcase_add_test(t, memory_without_bytes_in_the_file_stays_absent);
    tcase_add_test(t, data_that_was_never_written_comes_from_the_file);
    tcase_add_test(t, data_that_a_cut_core_lost_does_not_come_from_the_file);
    tcase_add_test(t, a_file_of_another_build_is_refused);
    tcase_add_test(t, a_file_without_a_build_id_is_another_build);
    tcase_add_test(t, without_a_build_id_the_first_page_decides);
    tcase_add_test(t, without_a_build_id_another_first_page_is_another_build);
    tcase_add_test(t, with_nothing_to_compare_only_the_callers_word_counts);
    tcase_add_test(t, an_executable_nothing_is_known_of_is_placed_by_its_file);
    tcase_add_test(t, a_file_that_does_not_fit_says_why);
    tcase_add_test(t, a_file_that_is_cut_short_gives_what_it_has);
    tcase_add_test(t, sections_are_those_that_take_memory);
    suite_add_tcase(s, t);
    return s;
}
