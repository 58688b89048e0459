// SPDX-License-Identifier: MIT
/**
 * @file
 * The address space of a target: which bytes of this process hold which range of the target's.
 *
 * Knows nothing of ELF or of CPython, and copies nothing: a range lies in a mapped file, in a
 * copy that somebody else made, or in memory that is filled in on demand (memory/demand.h).
 * Ranges never overlap and are sorted by start. Where two sources hold the same address, the
 * one added first wins (a core before the file it was mapped from).
 *
 * Reading comes in two forms: insp_space_at gives a pointer to n bytes that lie in one range,
 * for the hot paths; insp_space_read copies, and crosses from range to range where they touch.
 */
#ifndef INSP_MEMORY_SPACE_H
#define INSP_MEMORY_SPACE_H

#include <stdbool.h>

#include "../base/error.h"
#include "../base/vec.h"

struct insp_demand;

/** What may be done to a range in the target, and where its bytes come from. */
enum {
    INSP_SEG_WRITE = 1, /**< the target could write to it */
    INSP_SEG_EXEC = 2,
    INSP_SEG_FILE = 4, /**< bytes are those of a file on this machine, not of the target */
    INSP_SEG_STACK = 8
};

/** Bytes of the target in [start, end). */
typedef struct insp_segment {
    insp_addr start, end;
    const unsigned char *bytes; /**< of `start`; must outlive the space */
    struct insp_demand *demand; /**< NULL: every byte is there */
    uint32_t flags;
    uint32_t module; /**< for whoever adds the range; INSP_NONE for none */
} insp_segment;

INSP_VEC(insp_segments, insp_segment);

typedef struct insp_space {
    insp_segments segs;
    insp_segments lost; /**< see insp_space_lose; bytes are NULL */
} insp_space;

void insp_space_deinit(insp_space *space);

/**
 * Add a range; the parts of it that are there already keep their bytes. A writable range that
 * touches the one before it in the target and in memory here becomes one with it, if flags and
 * module are the same. Pointers to ranges are invalid afterwards. Fails with INSP_ERR_MEMORY;
 * INSP_ERR_ARGUMENT where end < start.
 */
insp_status insp_space_add(insp_space *space, insp_segment seg, insp_error *err);

/**
 * Say that the target had bytes of its own in `range` that are gone (a core that was cut, code that was not dumped).
 * Writable data of a file (INSP_SEG_WRITE and INSP_SEG_FILE) that is added later leaves the
 * range out: what the program started with is not what it had. Fails with INSP_ERR_MEMORY,
 * INSP_ERR_ARGUMENT.
 */
insp_status insp_space_lose(insp_space *space, insp_range range, insp_error *err);

/** Whether the target had something at addr that is gone. */
bool insp_space_is_lost(const insp_space *space, insp_addr addr);

/** Take the ranges of files (INSP_SEG_FILE) out again. */
void insp_space_drop_files(insp_space *space);

/**
 * How many bytes of this process all ranges together show, each counted once: program headers may give the
 * same bytes of a core many addresses. What a target claims is bounded by this. 0 where memory for
 * counting runs out.
 */
uint64_t insp_space_size(const insp_space *space);

/** The range that holds addr, or NULL. */
const insp_segment *insp_space_find(const insp_space *space, insp_addr addr);

/**
 * The first range that ends after addr (it may start after it), or NULL: to walk them in order.
 */
const insp_segment *insp_space_next(const insp_space *space, insp_addr addr);

/**
 * A pointer to n bytes at addr, or NULL where they are not all in one range. With a demand
 * range the calling thread may wait for the bytes.
 */
const void *insp_space_at(const insp_space *space, insp_addr addr, size_t n);

/**
 * Copy n bytes. buf is undefined after a failure.
 * Fails with INSP_ERR_FAULT; err->addr is the first byte that is missing.
 */
insp_status insp_space_read(const insp_space *space, insp_addr addr, void *buf, size_t n,
                            insp_error *err);

/**
 * A word of the target, 0 and *ok = false where it cannot be read. ok is left alone otherwise.
 */
uint64_t insp_space_u64(const insp_space *space, insp_addr addr, bool *ok);
uint32_t insp_space_u32(const insp_space *space, insp_addr addr, bool *ok);

/**
 * Copy the NUL-terminated text at addr into buf (size bytes, at least 1), cut where it does not
 * fit. Returns its length in buf, or -1 (and an empty text) where memory ends before the text
 * does.
 */
int insp_space_text(const insp_space *space, insp_addr addr, char *buf, size_t size);

/**
 * A place to remember the range last used, for code that reads much in few ranges. One a
 * thread. Zeroed, but for `space`, is its start.
 */
typedef struct insp_cursor {
    const insp_space *space;
    insp_addr start, end; /**< of the remembered range, if all of its bytes are there */
    const unsigned char *bytes;
} insp_cursor;

/** The slow half of insp_at. */
const void *insp_cursor_seek(insp_cursor *c, insp_addr addr, size_t n);

/** insp_space_at through a cursor. */
static inline const void *insp_at(insp_cursor *c, insp_addr addr, size_t n)
{
    // addr - start wraps to a large number below the range, so one comparison does for both
    // ends.
    insp_addr at = addr - c->start, size = c->end - c->start;
    if (at < size && n <= size - at)
        return c->bytes + at;
    return insp_cursor_seek(c, addr, n);
}

#endif
