// SPDX-License-Identifier: MIT
/**
 * @file
 * A core file: headers, notes, memory, the modules in it and their symbols.
 */
#include <string.h>

#include "../src/elf/core.h"
#include "../src/elf/image.h"
#include "../tests/support/toylib.h"
#include "fuzz.h"
#include "memfile.h"

static void find_images(const insp_core *core, insp_space *space)
{
    insp_error err;
    insp_arena text = {0};
    insp_images images = {0};
    // With the core's list of files, and as if its notes had been cut off.
    for (int named = 0; named < 2; named++) {
        (void)insp_images_find(space, named ? &core->files : NULL, &text, &images, &err);
        for (size_t i = 0; i < images.len; i++) {
            insp_image *image = &images.at[i];
            (void)insp_image_load_symbols(image, space, &text, &err);
            (void)insp_image_symbol(image, "_PyRuntime");
            (void)insp_image_symbol_at(image, image->start + 16);
            insp_image_deinit(image);
        }
        images.len = 0;
    }
    insp_images_deinit(&images);
    insp_arena_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = insp_memfile(data, size);
    insp_core core;
    insp_error err;
    insp_space space = {0};
    if (!path || insp_core_open(path, NULL, &core, &err))
        return 0;
    if (!insp_core_add_to(&core, &space, &err))
        find_images(&core, &space);
    insp_space_deinit(&space);
    insp_core_close(&core);
    return 0;
}

static void add_notes(elfwriter *w)
{
    uint64_t start = elfwriter_append(w, NULL, 0, 4);
    unsigned char status[336] = {0}, info[128] = {11, 0, 0, 0, 0, 0, 0, 0, 1};
    char process[136] = {0};
    const uint64_t auxv[] = {AT_PHDR, 0x400040, AT_ENTRY, 0x401000, AT_NULL, 0};
    char files[16 + 48 + 16] = {0};
    const uint64_t words[] = {2, 4096, 0x100000, 0x102000, 0, 0x103000, 0x105000, 2};
    memcpy(files, words, sizeof(words));
    memcpy(files + sizeof(words), "/lib/a\0/lib/a", 14);
    (void)elfwriter_note(w, "CORE", NT_PRSTATUS, status, sizeof(status));
    (void)elfwriter_note(w, "CORE", NT_PRPSINFO, process, sizeof(process));
    (void)elfwriter_note(w, "CORE", NT_SIGINFO, info, sizeof(info));
    (void)elfwriter_note(w, "CORE", NT_AUXV, auxv, sizeof(auxv));
    (void)elfwriter_note(w, "CORE", NT_FILE, files, sizeof(files));
    (void)elfwriter_notes(w, start, 0);
}

// With notes, without, and with a library of which only the GNU hash table counts symbols.
size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    if (number > 2)
        return 0;
    toylib lib;
    elfwriter w;
    toylib_init(&lib, (toylib_options){.type = ET_DYN,
                                       .build_id = 20,
                                       .interp = true,
                                       .only_gnu_hash = number == 2});
    elfwriter_init(&w, ET_CORE, 8);
    (void)elfwriter_load(&w, PF_R, 0x100000, lib.file.bytes, 4096);
    (void)elfwriter_load(&w, PF_R | PF_W, 0x100000 + TOYLIB_DATA, lib.file.bytes + 0x2000,
                         4096);
    if (number != 1)
        add_notes(&w);
    elfwriter_finish(&w);
    size_t n = w.size < size ? w.size : size;
    memcpy(room, w.bytes, n);
    elfwriter_deinit(&w);
    toylib_deinit(&lib);
    return n;
}
