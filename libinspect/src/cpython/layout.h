// SPDX-License-Identifier: MIT
/**
 * @file
 * Where the members of CPython's structures lie in one build.
 *
 * fields.def says which members are read. A layout starts as the generated table of the target's
 * version (layout_tables.inc); debug offsets, DWARF and probes may then set single members. What
 * a member means, and whether its offset is true of a target, is known elsewhere.
 */
#ifndef INSP_CPYTHON_LAYOUT_H
#define INSP_CPYTHON_LAYOUT_H

#include "../base/error.h"
#include "../memory/space.h"
#include "flavour.h"

/** INSP_F_PyObject_ob_refcnt and so on, one a member. */
typedef enum insp_member {
#define STRUCT(s, names)
#define SIZE(s) INSP_F_##s##_sizeof,
#define F(s, m) INSP_F_##s##_##m,
#define FX(s, m, path) INSP_F_##s##_##m,
#define FZ(s, m, path) INSP_F_##s##_##m,
#include "fields.def"
#undef STRUCT
#undef SIZE
#undef F
#undef FX
#undef FZ
    INSP_MEMBERS
} insp_member;

typedef struct insp_layout {
    int32_t off[INSP_MEMBERS];    /**< bytes; -1: this build has no such member */
    uint8_t source[INSP_MEMBERS]; /**< insp_layout_source */
    const char *table;            /**< name of the table it started from, "3.11" */
    uint32_t flags;               /**< of that table: insp_build_flags */
    bool nearest;                 /**< that table is of another version */
    const insp_flavour *flavour;  /**< what is no offset; never NULL */
    insp_addr lookdict; /**< up to 3.10: dk_lookup of a table whose keys need not be str */
} insp_layout;

typedef enum insp_layout_source {
    INSP_FROM_TABLE = 0,
    INSP_FROM_DEBUG_OFFSETS = 1,
    INSP_FROM_DWARF = 2,
    INSP_FROM_PROBE = 3
} insp_layout_source;

/** Offset of a member: INSP_OFF(layout, PyListObject, ob_item). */
#define INSP_OFF(layout, s, m) ((layout)->off[INSP_F_##s##_##m])

/** What moves members beside the version. 0 is a release build. */
typedef enum insp_build_flags {
    INSP_BUILD_DEBUG = 1,
    INSP_BUILD_FREE_THREADED = 2
} insp_build_flags;

enum { INSP_LAYOUT_TRIES = 16 };

/**
 * Tables that may be true of a build, the likeliest first: those whose range holds the version
 * (PY_VERSION_HEX), the latest beginning first. Where none does, those of the nearest minor version before,
 * nearest first. Returns how many; 0 for versions before the first table.
 */
size_t insp_layout_candidates(uint32_t hex, bool free_threaded,
                              uint32_t out[INSP_LAYOUT_TRIES]);

/** Start from a table, which is of x86-64, fitted to the target's machine (e_machine). */
void insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex, uint16_t elf_machine);

/**
 * Start from a table that is for a version and insp_build_flags: the nth, from 0, where builds of one
 * version differ, upstream's first. False where there is none.
 */
bool insp_layout_init(insp_layout *layout, uint32_t hex, uint32_t flags, unsigned nth,
                      uint16_t elf_machine);

/** The versions there are tables for: PY_VERSION_HEX of the i-th table's lowest, 0 after the last. */
uint32_t insp_layout_table(size_t i);

/** "PyObject" and "ob_refcnt" of a member. */
const char *insp_member_struct(insp_member m);
const char *insp_member_name(insp_member m);

/** Words for a source: "table 3.11", "debug offsets", "DWARF", "probe". */
const char *insp_layout_source_text(const insp_layout *layout, insp_member m, char *buf,
                                    size_t size);

/**
 * Reading through a layout: words of one target, with an error that sticks, so that several reads need
 * one check. One a thread.
 */
typedef struct insp_reader {
    insp_cursor cur;
    const insp_layout *layout;
    bool bad;     /**< a read failed since it was last cleared; it gave 0 */
    insp_addr at; /**< the first address that could not be read */
} insp_reader;

static inline insp_reader insp_reader_of(const insp_space *space, const insp_layout *layout)
{
    return (insp_reader){.cur = {.space = space}, .layout = layout};
}

/** Remember that addr could not be read. */
void insp_reader_fail(insp_reader *r, insp_addr addr);

static inline uint64_t insp_u64(insp_reader *r, insp_addr addr)
{
    const void *p = insp_at(&r->cur, addr, 8);
    uint64_t v = 0;
    if (p)
        __builtin_memcpy(&v, p, 8);
    else
        insp_reader_fail(r, addr);
    return v;
}

static inline uint32_t insp_u32(insp_reader *r, insp_addr addr)
{
    const void *p = insp_at(&r->cur, addr, 4);
    uint32_t v = 0;
    if (p)
        __builtin_memcpy(&v, p, 4);
    else
        insp_reader_fail(r, addr);
    return v;
}

static inline uint8_t insp_u8(insp_reader *r, insp_addr addr)
{
    const void *p = insp_at(&r->cur, addr, 1);
    if (!p)
        insp_reader_fail(r, addr);
    return p ? *(const uint8_t *)p : 0;
}

/** A member of the structure at `base`; 0 where the build has no such member. */
static inline uint64_t insp_member_u64(insp_reader *r, insp_addr base, insp_member m)
{
    int32_t off = r->layout->off[m];
    return off < 0 ? 0 : insp_u64(r, base + (uint32_t)off);
}

static inline uint32_t insp_member_u32(insp_reader *r, insp_addr base, insp_member m)
{
    int32_t off = r->layout->off[m];
    return off < 0 ? 0 : insp_u32(r, base + (uint32_t)off);
}

static inline uint8_t insp_member_u8(insp_reader *r, insp_addr base, insp_member m)
{
    int32_t off = r->layout->off[m];
    return off < 0 ? 0 : insp_u8(r, base + (uint32_t)off);
}

/** INSP_U64(r, list, PyListObject, ob_item), and the same for the other widths. */
#define INSP_U64(r, base, s, m) insp_member_u64((r), (base), INSP_F_##s##_##m)
#define INSP_U32(r, base, s, m) insp_member_u32((r), (base), INSP_F_##s##_##m)
#define INSP_U8(r, base, s, m) insp_member_u8((r), (base), INSP_F_##s##_##m)

#endif
