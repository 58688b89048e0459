// SPDX-License-Identifier: MIT
/**
 * @file
 * A module as it lies in the target's memory: ELF header, program headers, notes, dynamic
 * section.
 *
 * Often one page of it is all a core holds, so this reads the structures one by one where
 * libelf would want a file. 64-bit little-endian only; anything else is no module.
 */
#ifndef INSP_ELF_LOADED_H
#define INSP_ELF_LOADED_H

#include <elf.h>

#include "image.h"

/** More headers, or more symbols, than any real module has. */
enum { INSP_LOADED_HEADERS = 64, INSP_LOADED_SYMBOLS = 1 << 22 };

typedef struct insp_loaded {
    const insp_space *space;
    insp_addr header; /**< where the ELF header lies */
    insp_addr bias;
    insp_addr start, end; /**< what its PT_LOADs occupy, in whole pages */
    uint16_t type, machine;
    size_t n_headers;
    Elf64_Phdr headers[INSP_LOADED_HEADERS];
} insp_loaded;

/** False where there is no module at addr, or none that was loaded to be run. */
bool insp_loaded_open(insp_loaded *m, const insp_space *space, insp_addr addr);

/** The first program header of a type, or NULL. */
const Elf64_Phdr *insp_loaded_header(const insp_loaded *m, uint32_t type);

/** Its build-id; len 0 where it has none or the note is not in memory. */
insp_build_id insp_loaded_build_id(const insp_loaded *m);

/** What of its dynamic section is of use; addresses are the target's, 0 where not there. */
typedef struct insp_dynamic {
    insp_addr addr;
    insp_addr strings, symbols, gnu_hash, hash, debug;
    uint64_t strings_size;
    uint64_t soname; /**< in strings */
} insp_dynamic;

/** False where there is no dynamic section, or it cannot be read. */
bool insp_loaded_dynamic(const insp_loaded *m, insp_dynamic *out);

/**
 * How many entries the dynamic symbol table has, by its hash table, at most
 * INSP_LOADED_SYMBOLS; 0 where that is not to be had.
 */
uint64_t insp_loaded_symbol_count(const insp_space *space, const insp_dynamic *d);

/** The build-id in the note segment `bytes`; len 0 for none. */
insp_build_id insp_build_id_find(const unsigned char *bytes, size_t size);

#endif
