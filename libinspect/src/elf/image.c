// SPDX-License-Identifier: MIT
#include "image.h"

#include <string.h>

#include "file.h"
#include "loaded.h"

// The dynamic linker's list has an entry a module; one that is longer goes in a circle.
enum { MAX_LINKS = 4096, MAX_PATH_TEXT = 4096 };
// struct r_debug and struct link_map of <link.h>, 64-bit.
enum { R_DEBUG_MAP = 8, LINK_NAME = 8, LINK_LD = 16, LINK_NEXT = 24 };

static insp_image image_of(const insp_loaded *m, const char *path)
{
    const Elf64_Phdr *dynamic = insp_loaded_header(m, PT_DYNAMIC);
    return (insp_image){.path = path,
                        .file = "",
                        .doubt = "",
                        .start = m->start,
                        .end = m->end,
                        .bias = m->bias,
                        .header = m->header,
                        .dynamic = dynamic ? m->bias + dynamic->p_vaddr : 0,
                        .build_id = insp_loaded_build_id(m),
                        .machine = m->machine};
}

static size_t count_loads(const insp_loaded *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_headers; i++)
        n += m->headers[i].p_type == PT_LOAD && m->headers[i].p_filesz > 0;
    return n;
}

// The mappings of one file from number `first` on that belong together; returns the number
// behind.
static size_t group_end(const insp_core_files *files, size_t first, const insp_loaded *m)
{
    const insp_core_file *f = &files->at[first];
    size_t i = first + 1;
    for (; i < files->len && strcmp(files->at[i].path, f->path) == 0; i++) {
        const insp_core_file *next = &files->at[i];
        if (next->start < f->start || (m ? next->start >= m->end : next->offset == 0))
            break;
    }
    return i;
}

// False when memory runs out.
static bool add_group(const insp_space *space, const insp_core_files *files, size_t *at,
                      insp_images *out)
{
    const insp_core_file *f = &files->at[*at];
    insp_loaded m;
    bool loaded = f->offset == 0 && insp_loaded_open(&m, space, f->start);
    size_t end = group_end(files, *at, loaded ? &m : NULL);
    size_t n = end - *at;
    *at = end;

    // A library has at least two mappings where it has two segments; otherwise somebody reads
    // it as a file.
    bool is_module = loaded ? n > 1 || count_loads(&m) < 2
                            : n > 1 && f->offset == 0 && !insp_space_find(space, f->start);
    if (!is_module)
        return true;
    insp_image image = {.path = f->path, .file = "", .doubt = "", .start = f->start};
    if (loaded)
        image = image_of(&m, f->path);
    insp_addr last = files->at[end - 1].end;
    image.end = last > image.end ? last : image.end;
    return insp_images_push(out, image);
}

static bool from_files(const insp_space *space, const insp_core_files *files, insp_images *out)
{
    for (size_t i = 0; i < files->len;) {
        if (!add_group(space, files, &i, out))
            return false;
    }
    return true;
}

static bool from_memory(const insp_space *space, insp_images *out)
{
    insp_addr behind = 0;
    for (const insp_segment *s = insp_space_next(space, 0); s;
         s = insp_space_next(space, s->end)) {
        insp_loaded m;
        if ((s->flags & INSP_SEG_FILE) || s->start < behind ||
            !insp_loaded_open(&m, space, s->start))
            continue;
        if (!insp_images_push(out, image_of(&m, "")))
            return false;
        behind = m.end;
    }
    return true;
}

static insp_image *image_with_dynamic(insp_images *images, insp_addr addr)
{
    for (size_t i = 0; i < images->len; i++) {
        if (images->at[i].dynamic == addr)
            return &images->at[i];
    }
    return NULL;
}

// Name an image by a text of the target. False when memory runs out.
static bool set_path(const insp_space *space, insp_image *image, insp_addr name,
                     insp_arena *text)
{
    char path[MAX_PATH_TEXT];
    int len = insp_space_text(space, name, path, sizeof(path));
    if (len <= 0)
        return true;
    const char *copy = insp_arena_text(text, path, (size_t)len);
    image->path = copy ? copy : "";
    return copy != NULL;
}

static bool follow_links(const insp_space *space, insp_addr debug, insp_arena *text,
                         insp_images *images)
{
    bool ok = true;
    insp_addr link = insp_space_u64(space, debug + R_DEBUG_MAP, &ok);
    for (size_t i = 0; i < MAX_LINKS && ok && link; i++) {
        insp_addr dynamic = insp_space_u64(space, link + LINK_LD, &ok);
        insp_addr name = insp_space_u64(space, link + LINK_NAME, &ok);
        insp_image *image = ok && dynamic ? image_with_dynamic(images, dynamic) : NULL;
        if (image && image->path[0] == '\0' && !set_path(space, image, name, text))
            return false;
        link = insp_space_u64(space, link + LINK_NEXT, &ok);
    }
    return true;
}

// Names of modules that no file mapping named. False when memory runs out.
static bool name_images(const insp_space *space, insp_arena *text, insp_images *images)
{
    insp_loaded m;
    insp_dynamic d;
    for (size_t i = 0; i < images->len; i++) {
        if (!insp_loaded_open(&m, space, images->at[i].header) ||
            !insp_loaded_dynamic(&m, &d) || !insp_loaded_header(&m, PT_INTERP) || !d.debug)
            continue;
        if (!follow_links(space, d.debug, text, images))
            return false;
    }
    for (size_t i = 0; i < images->len; i++) {
        insp_image *image = &images->at[i];
        if (image->path[0] != '\0' || !insp_loaded_open(&m, space, image->header) ||
            !insp_loaded_dynamic(&m, &d) || !d.soname || !d.strings)
            continue;
        if (!set_path(space, image, d.strings + d.soname, text))
            return false;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const insp_image *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

insp_status insp_core_files_of(const insp_map_lines *maps, insp_core_files *out,
                               insp_error *err)
{
    for (size_t i = 0; i < maps->len; i++) {
        const insp_map_line *m = &maps->at[i];
        insp_core_file f = {m->start, m->end, m->offset, m->path};
        if (m->path[0] == '/' && !insp_core_files_push(out, f))
            return insp_nomem(err);
    }
    return INSP_OK;
}

insp_status insp_images_find(const insp_space *space, const insp_core_files *files,
                             insp_arena *text, insp_images *out, insp_error *err)
{
    bool named = files && files->len > 0;
    bool ok = named ? from_files(space, files, out)
                    : from_memory(space, out) && name_images(space, text, out);
    if (!ok)
        return insp_nomem(err);
    if (out->len > 0)
        qsort(out->at, out->len, sizeof(*out->at), by_start);
    for (size_t i = 1; i < out->len; i++) {
        if (out->at[i - 1].end > out->at[i].start)
            out->at[i - 1].end = out->at[i].start;
    }
    return INSP_OK;
}

const insp_section *insp_image_section_at(const insp_image *image, insp_addr addr)
{
    for (size_t i = 0; i < image->sections.len; i++) {
        const insp_section *s = &image->sections.at[i];
        if (addr >= s->start && addr < s->end)
            return s;
    }
    return NULL;
}

const insp_section *insp_image_section(const insp_image *image, const char *name)
{
    for (size_t i = 0; i < image->sections.len; i++) {
        if (strcmp(image->sections.at[i].name, name) == 0)
            return &image->sections.at[i];
    }
    return NULL;
}

void insp_image_deinit(insp_image *image)
{
    insp_file file = {image->bytes, image->size};
    insp_file_unmap(&file);
    insp_symbols_deinit(&image->symbols);
    insp_symbol_refs_deinit(&image->names);
    insp_sections_deinit(&image->sections);
    *image = (insp_image){.path = "", .file = "", .doubt = ""};
}

const char *insp_build_id_text(const insp_build_id *id, char *buf)
{
    static const char digits[] = "0123456789abcdef";
    char *at = buf;
    for (size_t i = 0; i < id->len && i < INSP_BUILD_ID_MAX; i++) {
        *at++ = digits[id->bytes[i] >> 4];
        *at++ = digits[id->bytes[i] & 15];
    }
    *at = '\0';
    return buf;
}
