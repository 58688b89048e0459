// SPDX-License-Identifier: MIT
/**
 * @file
 * A small library or executable as a linker would lay it out, and its memory as a loader would.
 *
 * Page 0: headers, build-id, dynamic symbols; page 1: read-only data; page 2: data, which lies
 * at TOYLIB_DATA in memory, followed by a page of .bss.
 */
#ifndef TESTS_SUPPORT_TOYLIB_H
#define TESTS_SUPPORT_TOYLIB_H

#include "../../src/elf/image.h"
#include "elfwriter.h"

enum {
    TOYLIB_RODATA = 0x1000,
    TOYLIB_DATA = 0x3000, /**< p_vaddr; its p_offset is 0x2000 */
    TOYLIB_BSS = 0x4000,
    TOYLIB_END = 0x5000
};

typedef struct toylib {
    elfwriter file;
    /** Offsets in the file (which are addresses, too) of what a test may want to change. */
    uint64_t note, symbols, strings, hash, gnu_hash, dynamic;
    uint64_t debug; /**< of the value of DT_DEBUG */
} toylib;

typedef struct toylib_options {
    uint16_t type;      /**< ET_DYN or ET_EXEC */
    uint64_t base;      /**< p_vaddr of page 0 */
    uint8_t build_id;   /**< its bytes; 0: none */
    bool interp;        /**< PT_INTERP: an executable */
    bool only_gnu_hash; /**< no DT_HASH */
} toylib_options;

void toylib_init(toylib *lib, toylib_options options);
void toylib_deinit(toylib *lib);

/**
 * Add to a space what a core has of it at `at`: page 0 and the data (not .bss, not .rodata).
 */
void toylib_load(const toylib *lib, insp_space *space, insp_addr at);

/** The file mappings of it at `at`. */
void toylib_map(insp_core_files *files, insp_addr at, const char *path);

#endif
