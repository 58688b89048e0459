// SPDX-License-Identifier: MIT
#include "space.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "demand.h"

void insp_space_deinit(insp_space *space)
{
    insp_segments_deinit(&space->segs);
    insp_segments_deinit(&space->lost);
}

void insp_space_drop_files(insp_space *space)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->segs.len; i++) {
        if (!(space->segs.at[i].flags & INSP_SEG_FILE))
            space->segs.at[kept++] = space->segs.at[i];
    }
    space->segs.len = kept;
}

static size_t first_ending_after(const insp_segments *segs, insp_addr addr)
{
    size_t low = 0, high = segs->len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (segs->at[mid].end > addr)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static insp_segment part(insp_segment seg, insp_addr start, insp_addr end)
{
    if (seg.bytes)
        seg.bytes += start - seg.start;
    seg.start = start;
    seg.end = end;
    return seg;
}

// Only what is writable is joined: objects lie there, and may cross from mapping to mapping.
// The start of a read-only range has to stay visible, since a module is known by it.
static bool continues(const insp_segment *a, const insp_segment *b)
{
    return a->end == b->start && a->flags == b->flags && (a->flags & INSP_SEG_WRITE) &&
           a->module == b->module && !a->demand && !b->demand && a->bytes && b->bytes &&
           a->bytes + (a->end - a->start) == b->bytes;
}

// Put `seg` into the gaps of the ranges numbered [first, last), which are those it overlaps.
static bool fill_gaps(insp_segments *segs, insp_segment seg, size_t first, size_t last)
{
    size_t most = last - first + 1;
    if (!insp_segments_reserve(segs, segs->len + most))
        return false;
    memmove(segs->at + last + most, segs->at + last, (segs->len - last) * sizeof(seg));
    size_t to = last + most;
    insp_addr end = seg.end;
    // Backwards, so that a range is moved before its place is taken.
    for (size_t i = last;; i--) {
        insp_addr start = seg.start;
        if (i > first && segs->at[i - 1].end > start)
            start = segs->at[i - 1].end;
        if (start < end)
            segs->at[--to] = part(seg, start, end);
        if (i == first)
            break;
        end = segs->at[i - 1].start;
        segs->at[--to] = segs->at[i - 1];
    }
    // Fewer gaps than places were made for: close the rest.
    memmove(segs->at + first, segs->at + to, (segs->len + most - to) * sizeof(seg));
    segs->len += most - (to - first);
    return true;
}

static bool insert(insp_segments *segs, insp_segment seg)
{
    size_t first = first_ending_after(segs, seg.start);
    size_t last = first;
    while (last < segs->len && segs->at[last].start < seg.end)
        last++;
    if (first == last && first > 0 && continues(&segs->at[first - 1], &seg)) {
        segs->at[first - 1].end = seg.end;
        return true;
    }
    return fill_gaps(segs, seg, first, last);
}

insp_status insp_space_add(insp_space *space, insp_segment seg, insp_error *err)
{
    if (seg.end < seg.start)
        return insp_fail(err, INSP_ERR_ARGUMENT, seg.start,
                         "a range that ends before it starts");

    static const uint32_t file_data = INSP_SEG_WRITE | INSP_SEG_FILE;
    static const insp_segments nothing = {0};
    const insp_segments *lost = (seg.flags & file_data) == file_data ? &space->lost : &nothing;
    insp_addr at = seg.start;
    for (size_t i = first_ending_after(lost, at); at < seg.end; i++) {
        bool more = i < lost->len && lost->at[i].start < seg.end;
        insp_addr end = more ? lost->at[i].start : seg.end;
        if (at < end && !insert(&space->segs, part(seg, at, end)))
            return insp_nomem(err);
        at = more ? lost->at[i].end : seg.end;
    }
    return INSP_OK;
}

insp_status insp_space_lose(insp_space *space, insp_range range, insp_error *err)
{
    if (range.end < range.start)
        return insp_fail(err, INSP_ERR_ARGUMENT, range.start,
                         "a range that ends before it starts");
    insp_segment gone = {.start = range.start, .end = range.end, .module = INSP_NONE};
    if (range.start < range.end && !insert(&space->lost, gone))
        return insp_nomem(err);
    return INSP_OK;
}

bool insp_space_is_lost(const insp_space *space, insp_addr addr)
{
    size_t i = first_ending_after(&space->lost, addr);
    return i < space->lost.len && space->lost.at[i].start <= addr;
}

static int by_bytes(const void *a, const void *b)
{
    const insp_segment *x = a, *y = b;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

uint64_t insp_space_size(const insp_space *space)
{
    insp_segments sorted = {0};
    if (!insp_segments_reserve(&sorted, space->segs.len + 1))
        return 0;
    for (size_t i = 0; i < space->segs.len; i++)
        sorted.at[sorted.len++] = space->segs.at[i];
    if (sorted.len)
        qsort(sorted.at, sorted.len, sizeof(*sorted.at), by_bytes);
    uint64_t size = 0;
    uintptr_t counted = 0; // bytes in front of this were
    for (size_t i = 0; i < sorted.len; i++) {
        const insp_segment *seg = &sorted.at[i];
        uintptr_t start = (uintptr_t)seg->bytes,
                  end = start + (uintptr_t)(seg->end - seg->start);
        start = start > counted ? start : counted;
        size += end > start ? end - start : 0;
        counted = end > counted ? end : counted;
    }
    insp_segments_deinit(&sorted);
    return size;
}

const insp_segment *insp_space_next(const insp_space *space, insp_addr addr)
{
    size_t i = first_ending_after(&space->segs, addr);
    return i < space->segs.len ? &space->segs.at[i] : NULL;
}

const insp_segment *insp_space_find(const insp_space *space, insp_addr addr)
{
    const insp_segment *seg = insp_space_next(space, addr);
    return seg && seg->start <= addr ? seg : NULL;
}

// The n bytes at addr, which lie in `seg`; waits for them where they have to be brought.
static const unsigned char *bytes_of(const insp_segment *seg, insp_addr addr, size_t n)
{
    if (seg->demand && !insp_demand_fill(seg->demand, addr, n))
        return NULL;
    return seg->bytes + (addr - seg->start);
}

const void *insp_space_at(const insp_space *space, insp_addr addr, size_t n)
{
    const insp_segment *seg = insp_space_find(space, addr);
    return seg && n <= seg->end - addr ? bytes_of(seg, addr, n) : NULL;
}

const void *insp_cursor_seek(insp_cursor *c, insp_addr addr, size_t n)
{
    const insp_segment *seg = insp_space_find(c->space, addr);
    if (!seg || n > seg->end - addr)
        return NULL;
    const unsigned char *at = bytes_of(seg, addr, n);
    if (!at)
        return NULL;
    insp_addr start = seg->start, end = seg->end;
    if (seg->demand) {
        // Whole pieces have been brought, no more.
        insp_addr piece = addr & ~(insp_addr)(INSP_DEMAND_PIECE - 1);
        start = piece > start ? piece : start;
        insp_addr rest = (n ? n - 1 : 0) + (addr - piece);
        insp_addr size = (rest / INSP_DEMAND_PIECE + 1) * INSP_DEMAND_PIECE;
        end = size < end - piece ? piece + size : end;
    }
    c->start = start;
    c->end = end;
    c->bytes = seg->bytes + (start - seg->start);
    return at;
}

insp_status insp_space_read(const insp_space *space, insp_addr addr, void *buf, size_t n,
                            insp_error *err)
{
    unsigned char *out = buf;
    while (n > 0) {
        const insp_segment *seg = insp_space_find(space, addr);
        if (!seg)
            return insp_fail(err, INSP_ERR_FAULT, addr, "no memory at 0x%" PRIx64, addr);
        size_t take = seg->end - addr < n ? (size_t)(seg->end - addr) : n;
        const unsigned char *bytes = bytes_of(seg, addr, take);
        if (!bytes)
            return insp_fail(err, INSP_ERR_FAULT, addr, "cannot read memory at 0x%" PRIx64,
                             addr);
        memcpy(out, bytes, take);
        out += take;
        addr += take;
        n -= take;
    }
    return INSP_OK;
}

uint64_t insp_space_u64(const insp_space *space, insp_addr addr, bool *ok)
{
    uint64_t word = 0;
    if (insp_space_read(space, addr, &word, sizeof(word), NULL)) {
        *ok = false;
        return 0;
    }
    return word;
}

uint32_t insp_space_u32(const insp_space *space, insp_addr addr, bool *ok)
{
    uint32_t word = 0;
    if (insp_space_read(space, addr, &word, sizeof(word), NULL)) {
        *ok = false;
        return 0;
    }
    return word;
}

int insp_space_text(const insp_space *space, insp_addr addr, char *buf, size_t size)
{
    // Aligned steps: a step never asks for a piece that the text may not reach.
    enum { STEP = 256 };
    size_t len = 0, room = size - 1 < INT_MAX ? size - 1 : INT_MAX;
    while (len < room) {
        size_t take = STEP - (size_t)(addr & (STEP - 1));
        take = take < room - len ? take : room - len;
        const insp_segment *seg = insp_space_find(space, addr);
        if (seg && seg->end - addr < take)
            take = (size_t)(seg->end - addr);
        const unsigned char *bytes = seg ? bytes_of(seg, addr, take) : NULL;
        if (!bytes) {
            buf[0] = '\0';
            return -1;
        }
        const unsigned char *nul = memchr(bytes, '\0', take);
        size_t got = nul ? (size_t)(nul - bytes) : take;
        memcpy(buf + len, bytes, got);
        len += got;
        if (nul)
            break;
        addr += take;
    }
    buf[len] = '\0';
    return (int)len;
}
