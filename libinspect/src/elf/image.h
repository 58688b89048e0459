// SPDX-License-Identifier: MIT
/**
 * @file
 * Executables and libraries: as they are mapped in a target, and as files on this machine.
 *
 * A module of the target is known by the page with its ELF header (cores hold that page). From
 * it come its load address and its build-id; a file on this machine stands in for the parts a
 * core leaves out (.rodata, .text, clean .data) only if its build-id is the same.
 */
#ifndef INSP_ELF_IMAGE_H
#define INSP_ELF_IMAGE_H

#include "core.h"

enum { INSP_BUILD_ID_MAX = 20 };

typedef struct insp_build_id {
    uint8_t len; /**< 0: none */
    uint8_t bytes[INSP_BUILD_ID_MAX];
} insp_build_id;

/** A symbol that is defined in a module. */
typedef struct insp_symbol {
    const char *name;
    insp_addr addr; /**< in the target */
    uint64_t size;
    uint8_t type; /**< STT_OBJECT … */
} insp_symbol;

/** A section of a module that occupies memory. */
typedef struct insp_section {
    const char *name;
    insp_addr start, end; /**< in the target */
    uint32_t flags;       /**< INSP_SEG_WRITE, INSP_SEG_EXEC */
    bool nobits;          /**< .bss: the file has no bytes for it */
} insp_section;

INSP_VEC(insp_symbols, insp_symbol);
INSP_VEC(insp_symbol_refs, const insp_symbol *);
INSP_VEC(insp_sections, insp_section);

typedef struct insp_image {
    const char *path;           /**< in the target, "" where it is not known */
    const char *file;           /**< on this machine, "" where there is none that fits */
    const char *doubt;          /**< why `file` may be another build after all, or "" */
    insp_addr start, end;       /**< of its mappings */
    insp_addr bias;             /**< target address = p_vaddr + bias */
    insp_addr header;           /**< where its ELF header lies; 0 where the target lacks it */
    insp_addr dynamic;          /**< where its dynamic section lies, 0 where unknown */
    insp_build_id build_id;     /**< as the target's memory says, else the file's */
    const unsigned char *bytes; /**< of the file, mapped; NULL without one */
    uint64_t size;
    insp_symbols symbols;   /**< of .dynsym, and .symtab if there; sorted by addr */
    insp_symbol_refs names; /**< the same, sorted by name */
    insp_sections sections; /**< sorted by start */
    uint16_t machine;
    bool symbols_loaded;
} insp_image;

INSP_VEC(insp_images, insp_image);

/**
 * The file mappings of a live process, in the form insp_images_find takes. Fails with
 * INSP_ERR_MEMORY.
 */
insp_status insp_core_files_of(const insp_map_lines *maps, insp_core_files *out,
                               insp_error *err);

/**
 * Find the modules of a target, sorted by start: from its file mappings, and, where a core has
 * none (its notes were cut off), from the ELF header pages it holds; their names then come from
 * the dynamic linker's list, else from DT_SONAME, and may be "". Fails with INSP_ERR_MEMORY.
 */
insp_status insp_images_find(const insp_space *space, const insp_core_files *files,
                             insp_arena *text, insp_images *out, insp_error *err);

/**
 * Look for the module's file, by sysroot + path (or `file` if it is not NULL), take it if its
 * build-id fits, map it, read its sections, and overlay what the space lacks. Where the target
 * shows no build-id, the first page decides, and without that the caller's word (`file`);
 * image->doubt says so.
 *
 * An image with end 0 (a caller's executable of which the target holds nothing) is placed where
 * the file says, if it is not position-independent.
 *
 * Fails with INSP_ERR_IO (not there), INSP_ERR_MISMATCH (another build); both leave the image
 * as it was, and the message says which file, which build-id was wanted and which was found.
 */
insp_status insp_image_attach(insp_image *image, uint32_t module, insp_space *space,
                              const char *sysroot, const char *file, insp_arena *text,
                              insp_error *err);

/**
 * Read symbols, if not done yet: from the file, else (.dynsym) from the target's memory. None
 * to be found is no failure. Fails with INSP_ERR_MEMORY.
 */
insp_status insp_image_load_symbols(insp_image *image, const insp_space *space,
                                    insp_arena *text, insp_error *err);

/** A symbol by its name, or NULL. */
const insp_symbol *insp_image_symbol(const insp_image *image, const char *name);

/** The place in image->names of the first symbol whose name is not before `name`. */
size_t insp_image_symbols_from(const insp_image *image, const char *name);

/** The symbol that covers addr, or NULL. */
const insp_symbol *insp_image_symbol_at(const insp_image *image, insp_addr addr);

/** The section that covers addr, or NULL. */
const insp_section *insp_image_section_at(const insp_image *image, insp_addr addr);

/** The section of that name, or NULL. */
const insp_section *insp_image_section(const insp_image *image, const char *name);

void insp_image_deinit(insp_image *image);

/** Hex digits of a build-id into buf (at least 41 bytes). Returns buf. */
const char *insp_build_id_text(const insp_build_id *id, char *buf);

#endif
