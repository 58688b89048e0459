// SPDX-License-Identifier: MIT
/**
 * @file
 * The file of a module on this machine: its headers, build-id, sections and symbols.
 */
#include <string.h>

#include "../src/elf/image.h"
#include "../tests/support/toylib.h"
#include "fuzz.h"
#include "memfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = insp_memfile(data, size);
    insp_error err;
    insp_arena text = {0};
    insp_space space = {0};
    insp_image image = {
        .path = "/lib/a", .file = "", .doubt = "", .start = 0x100000, .end = 0x200000};
    if (path && !insp_image_attach(&image, 0, &space, NULL, path, &text, &err) &&
        !insp_image_load_symbols(&image, &space, &text, &err)) {
        (void)insp_image_symbol(&image, "_PyRuntime");
        (void)insp_image_symbol_at(&image, 0x100010);
        (void)insp_image_section(&image, ".data");
        (void)insp_image_section_at(&image, 0x103000);
        (void)insp_space_size(&space);
    }
    insp_image_deinit(&image);
    insp_space_deinit(&space);
    insp_arena_deinit(&text);
    return 0;
}

size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    static const toylib_options options[] = {
        {.type = ET_DYN, .build_id = 20},
        {.type = ET_EXEC, .base = 0x100000, .interp = true},
        {.type = ET_DYN, .build_id = 8, .only_gnu_hash = true},
    };
    if (number >= sizeof(options) / sizeof(options[0]))
        return 0;
    toylib lib;
    toylib_init(&lib, options[number]);
    size_t n = lib.file.size < size ? lib.file.size : size;
    memcpy(room, lib.file.bytes, n);
    toylib_deinit(&lib);
    return n;
}
