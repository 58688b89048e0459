// SPDX-License-Identifier: MIT
#include <string.h>

#include "../base/cleanup.h"
#include "file.h"
#include "loaded.h"

enum { MAX_NAME = 4096, LOOK_BACK = 64 };

static bool is_wanted(uint8_t info, uint16_t section)
{
    uint8_t type = ELF64_ST_TYPE(info);
    return section != SHN_UNDEF && section != SHN_ABS && section != SHN_COMMON &&
           type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

static bool add_symbol(insp_image *image, const char *name, const GElf_Sym *sym,
                       insp_arena *text)
{
    if (!name || name[0] == '\0' || !is_wanted(sym->st_info, sym->st_shndx))
        return true;
    insp_symbol s = {.name = insp_arena_text(text, name, strlen(name)),
                     .addr = sym->st_value + image->bias,
                     .size = sym->st_size,
                     .type = ELF64_ST_TYPE(sym->st_info)};
    return s.name && insp_symbols_push(&image->symbols, s);
}

static bool read_table(insp_image *image, Elf *elf, Elf_Scn *scn, insp_arena *text)
{
    GElf_Shdr sh;
    if (!gelf_getshdr(scn, &sh) || (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM))
        return true;
    Elf_Data *data = elf_getdata(scn, NULL);
    GElf_Sym sym;
    for (int i = 0; data && gelf_getsym(data, i, &sym); i++) {
        if (!add_symbol(image, elf_strptr(elf, sh.sh_link, sym.st_name), &sym, text))
            return false;
    }
    return true;
}

static bool from_file(insp_image *image, insp_arena *text)
{
    insp_file file = {image->bytes, image->size};
    INSP_CLEANUP(insp_elf_end) Elf *elf = insp_file_elf(&file);
    for (Elf_Scn *scn = NULL; elf && (scn = elf_nextscn(elf, scn));) {
        if (!read_table(image, elf, scn, text))
            return false;
    }
    return true;
}

// What the target really holds of a module. Modules do not overlap, so all of them together hold no more than
// there is.
static uint64_t bytes_of(const insp_image *image, const insp_space *space)
{
    uint64_t n = 0;
    for (const insp_segment *seg = insp_space_next(space, image->start);
         seg && seg->start < image->end; seg = insp_space_next(space, seg->end)) {
        insp_addr start = seg->start > image->start ? seg->start : image->start;
        n += (seg->end < image->end ? seg->end : image->end) - start;
    }
    return n;
}

static bool from_memory(insp_image *image, const insp_space *space, insp_arena *text)
{
    insp_loaded m;
    insp_dynamic d;
    if (!image->header || !insp_loaded_open(&m, space, image->header) ||
        !insp_loaded_dynamic(&m, &d) || !d.symbols || !d.strings)
        return true;
    uint64_t n = insp_loaded_symbol_count(space, &d), room = bytes_of(image, space);
    for (uint64_t i = 0; i < n; i++) {
        GElf_Sym sym;
        char name[MAX_NAME];
        int len;
        if (insp_space_read(space, d.symbols + i * sizeof(sym), &sym, sizeof(sym), NULL))
            break;
        if (d.strings_size && sym.st_name >= d.strings_size)
            continue;
        if ((len = insp_space_text(space, d.strings + sym.st_name, name, sizeof(name))) <= 0)
            continue;
        // Symbols and names are the module's own bytes. Where they take more, they are the same ones over again.
        uint64_t size = sizeof(sym) + (uint64_t)len;
        if (size > room)
            break;
        room -= size;
        if (!add_symbol(image, name, &sym, text))
            return false;
    }
    return true;
}

static int by_addr(const void *a, const void *b)
{
    const insp_symbol *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr > y->addr ? 1 : -1;
    // Where several cover the same place, the last one is found first: let it be the largest.
    if (x->size != y->size)
        return x->size > y->size ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const insp_symbol *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);
    return order ? order : (*x > *y) - (*x < *y);
}

// .symtab repeats what .dynsym has.
static void drop_repeated(insp_symbols *symbols)
{
    size_t kept = 0;
    for (size_t i = 0; i < symbols->len; i++) {
        const insp_symbol *s = &symbols->at[i];
        const insp_symbol *last = kept ? &symbols->at[kept - 1] : NULL;
        if (!last || last->addr != s->addr || strcmp(last->name, s->name) != 0)
            symbols->at[kept++] = *s;
    }
    symbols->len = kept;
}

static bool sort(insp_image *image)
{
    insp_symbols *symbols = &image->symbols;
    if (symbols->len == 0)
        return true;
    qsort(symbols->at, symbols->len, sizeof(*symbols->at), by_addr);
    drop_repeated(symbols);
    if (!insp_symbol_refs_reserve(&image->names, symbols->len))
        return false;
    for (size_t i = 0; i < symbols->len; i++)
        (void)insp_symbol_refs_push(&image->names, &symbols->at[i]);
    qsort(image->names.at, image->names.len, sizeof(void *), by_name);
    return true;
}

insp_status insp_image_load_symbols(insp_image *image, const insp_space *space,
                                    insp_arena *text, insp_error *err)
{
    if (image->symbols_loaded)
        return INSP_OK;
    bool ok = !image->bytes || from_file(image, text);
    if (ok && image->symbols.len == 0)
        ok = from_memory(image, space, text);
    ok = ok && sort(image);
    if (!ok) {
        insp_symbols_deinit(&image->symbols);
        insp_symbol_refs_deinit(&image->names);
        return insp_nomem(err);
    }
    image->symbols_loaded = true;
    return INSP_OK;
}

size_t insp_image_symbols_from(const insp_image *image, const char *name)
{
    size_t low = 0, high = image->names.len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(image->names.at[mid]->name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const insp_symbol *insp_image_symbol(const insp_image *image, const char *name)
{
    size_t low = insp_image_symbols_from(image, name);
    bool found = low < image->names.len && strcmp(image->names.at[low]->name, name) == 0;
    return found ? image->names.at[low] : NULL;
}

const insp_symbol *insp_image_symbol_at(const insp_image *image, insp_addr addr)
{
    size_t low = 0, high = image->symbols.len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (image->symbols.at[mid].addr > addr)
            high = mid;
        else
            low = mid + 1;
    }
    for (size_t i = low; i > 0 && low - i < LOOK_BACK; i--) {
        const insp_symbol *s = &image->symbols.at[i - 1];
        if (addr - s->addr < s->size || addr == s->addr)
            return s;
    }
    return NULL;
}
