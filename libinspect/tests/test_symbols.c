// SPDX-License-Identifier: MIT
#include <dlfcn.h>
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

static void drop_images(void)
{
    for (size_t i = 0; i < images.len; i++)
        insp_image_deinit(&images.at[i]);
    insp_images_deinit(&images);
}

static void tear_down(void)
{
    drop_images();
    insp_core_files_deinit(&files);
    insp_space_deinit(&space);
    space = (insp_space){0};
    insp_arena_deinit(&text);
    toylib_deinit(&lib);
    if (path[0])
        (void)unlink(path);
    path[0] = '\0';
}

static insp_image *load(toylib_options options)
{
    toylib_init(&lib, options);
    elfwriter_save(&lib.file, SIZE_MAX, path);
    toylib_load(&lib, &space, base);
    toylib_map(&files, base, path);
    ck_ok(insp_images_find(&space, &files, &text, &images, &err));
    ck_assert_uint_eq(images.len, 1);
    return &images.at[0];
}

static void check_symbols(const insp_image *image)
{
    const insp_symbol *alpha = insp_image_symbol(image, "alpha");
    ck_assert_ptr_nonnull(alpha);
    ck_assert_uint_eq(alpha->addr, base + TOYLIB_DATA + 16);
    ck_assert_uint_eq(alpha->size, 32);
    ck_assert_uint_eq(alpha->type, STT_OBJECT);
    ck_assert_uint_eq(insp_image_symbol(image, "gamma")->addr, base + TOYLIB_BSS);
    ck_assert_uint_eq(image->symbols.len, 3);
    ck_assert_ptr_null(insp_image_symbol(image, "outside"));
    ck_assert_ptr_null(insp_image_symbol(image, "tls"));
    ck_assert_ptr_null(insp_image_symbol(image, "alph"));
    ck_assert_ptr_null(insp_image_symbol(image, ""));
    ck_assert_ptr_null(insp_image_symbol(image, "zeta"));
}

START_TEST(symbols_come_from_the_file)
{
    insp_image *image = load((toylib_options){.type = ET_DYN, .build_id = 1});
    ck_ok(insp_image_attach(image, 0, &space, NULL, NULL, &text, &err));
    ck_ok(insp_image_load_symbols(image, &space, &text, &err));
    check_symbols(image);
}
END_TEST

START_TEST(without_a_file_they_come_from_memory)
{
    insp_image *image =
        load((toylib_options){.type = ET_DYN, .build_id = 1, .only_gnu_hash = _i == 1});
    ck_ok(insp_image_load_symbols(image, &space, &text, &err));
    check_symbols(image);
}
END_TEST

// Hostile symbols may all have the longest name there is, and many modules the same symbols.
START_TEST(symbols_in_memory_take_no_more_than_the_module_has)
{
    enum { A_SYMBOL = 24, SOME = 4 * A_SYMBOL };
    insp_image *image = load((toylib_options){.type = ET_DYN, .build_id = 1});
    image->end = image->start + SOME;
    ck_ok(insp_image_load_symbols(image, &space, &text, &err));
    ck_assert_uint_ge(image->symbols.len, 1);
    ck_assert_uint_lt(image->symbols.len, 3);
}
END_TEST

START_TEST(addresses_the_dynamic_linker_wrote_are_taken_as_they_are)
{
    toylib_init(&lib, (toylib_options){.type = ET_DYN});
    for (size_t i = 0; i < 6; i++) {
        uint64_t *value = (uint64_t *)(lib.file.bytes + lib.dynamic + i * 16 + 8);
        if (i < 2 || i > 3)
            *value += base;
    }
    toylib_load(&lib, &space, base);
    ck_ok(insp_images_find(&space, &files, &text, &images, &err));
    ck_ok(insp_image_load_symbols(&images.at[0], &space, &text, &err));
    check_symbols(&images.at[0]);
}
END_TEST

START_TEST(an_address_belongs_to_the_symbol_that_covers_it)
{
    insp_image *image = load((toylib_options){.type = ET_DYN, .build_id = 1});
    ck_ok(insp_image_load_symbols(image, &space, &text, &err));
    insp_addr alpha = base + TOYLIB_DATA + 16;
    ck_assert_ptr_null(insp_image_symbol_at(image, alpha - 1));
    ck_assert_str_eq(insp_image_symbol_at(image, alpha)->name, "alpha");
    ck_assert_str_eq(insp_image_symbol_at(image, alpha + 31)->name, "alpha");
    ck_assert_ptr_null(insp_image_symbol_at(image, alpha + 32));
    ck_assert_str_eq(insp_image_symbol_at(image, base + TOYLIB_RODATA + 3)->name, "beta");
    ck_assert_ptr_null(insp_image_symbol_at(image, 0));
    ck_assert_ptr_null(insp_image_symbol_at(image, UINT64_MAX));
}
END_TEST

START_TEST(no_symbols_are_no_failure)
{
    insp_image image = {.path = "", .file = "", .doubt = ""};
    ck_ok(insp_image_load_symbols(&image, &space, &text, &err));
    ck_assert_ptr_null(insp_image_symbol(&image, "alpha"));
    ck_assert_ptr_null(insp_image_symbol_at(&image, 0x1000));
    insp_image_deinit(&image);
}
END_TEST

// Every byte of the page that modules are known by, set to what hurts, with the file and
// without.
START_TEST(a_broken_byte_does_no_harm)
{
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    toylib_init(&lib, (toylib_options){.type = ET_DYN, .only_gnu_hash = _i % 2 == 1});
    toylib_map(&files, base, path);
    for (size_t i = 0; i < lib.dynamic + 8 * 16; i++) {
        unsigned char was = lib.file.bytes[i];
        lib.file.bytes[i] = values[_i / 2];
        elfwriter_save(&lib.file, SIZE_MAX, path);
        toylib_load(&lib, &space, base);
        insp_core_files none = {0};
        ck_ok(insp_images_find(&space, i % 2 ? &files : &none, &text, &images, &err));
        for (size_t k = 0; k < images.len; k++) {
            if (i % 3)
                (void)insp_image_attach(&images.at[k], 0, &space, NULL, path, &text, &err);
            ck_ok(insp_image_load_symbols(&images.at[k], &space, &text, &err));
            ck_assert_uint_le(images.at[k].symbols.len, PAGE);
        }
        drop_images();
        insp_space_deinit(&space);
        space = (insp_space){0};
        (void)unlink(path);
        lib.file.bytes[i] = was;
    }
}
END_TEST

// ---- the real thing: this process ----------------------------------------------------------

// What is mapped of the C library: of other files (valgrind's own) not every byte is ours to
// read.
static void open_libc(void)
{
    insp_map_lines all = {0}, maps = {0};
    ck_ok(insp_process_maps(getpid(), &text, &all, &err));
    for (size_t i = 0; i < all.len; i++) {
        const insp_map_line *m = &all.at[i];
        insp_segment seg = {.start = m->start,
                            .end = m->end,
                            .bytes = (const unsigned char *)(uintptr_t)m->start,
                            .flags = m->flags,
                            .module = INSP_NONE};
        if (!m->readable || !strstr(m->path, "/libc.so"))
            continue;
        ck_ok(insp_space_add(&space, seg, &err));
        ck_assert(insp_map_lines_push(&maps, *m));
    }
    ck_ok(insp_core_files_of(&maps, &files, &err));
    ck_ok(insp_images_find(&space, &files, &text, &images, &err));
    insp_map_lines_deinit(&maps);
    insp_map_lines_deinit(&all);
}

START_TEST(what_the_dynamic_linker_finds_is_found)
{
    open_libc();
    ck_assert_uint_eq(images.len, 1);
    insp_image *image = &images.at[0];
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    ck_assert_ptr_nonnull(libc);
    const void *symbol = dlsym(libc, "_IO_2_1_stdout_");
    if (_i == 1)
        ck_ok(insp_image_attach(image, 0, &space, NULL, NULL, &text, &err));
    ck_ok(insp_image_load_symbols(image, &space, &text, &err));
    ck_assert_uint_gt(image->symbols.len, 1000);
    ck_assert_uint_eq(insp_image_symbol(image, "_IO_2_1_stdout_")->addr, (uintptr_t)symbol);
    ck_assert_str_eq(insp_image_symbol_at(image, (uintptr_t)symbol + 100)->name,
                     "_IO_2_1_stdout_");
    (void)dlclose(libc);
}
END_TEST

extern Suite *insp_symbols_suite(void);

Suite *insp_symbols_suite(void)
{
    Suite *s = suite_create("symbols");
    TCase *t = tcase_create("symbols");
    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, symbols_come_from_the_file);
    tcase_add_loop_test(t, without_a_file_they_come_from_memory, 0, 2);
    tcase_add_test(t, symbols_in_memory_take_no_more_than_the_module_has);
    tcase_add_test(t, addresses_the_dynamic_linker_wrote_are_taken_as_they_are);
    tcase_add_test(t, an_address_belongs_to_the_symbol_that_covers_it);
    tcase_add_test(t, no_symbols_are_no_failure);
    tcase_add_loop_test(t, a_broken_byte_does_no_harm, 0, 10);
    tcase_add_loop_test(t, what_the_dynamic_linker_finds_is_found, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
