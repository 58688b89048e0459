// SPDX-License-Identifier: MIT
#include "rooms.h"

#include <sys/mman.h>

// Newer than some headers: Linux 5.14, and 5.7. Without them memory comes page by page, as
// ever.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

// Below this, large pages do not pay.
enum { WORTH_LARGE_PAGES = 4 << 20 };

static size_t size_of(insp_range r)
{
    return (size_t)(r.end - r.start);
}

static unsigned char *map_room(insp_range range)
{
    void *p = mmap(NULL, size_of(range), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

void insp_rooms_prepare(const insp_copy_plan *plan, insp_room_vec *out)
{
    size_t next = 0;
    for (size_t i = 0; i < plan->cover.len; i++) {
        insp_range c = plan->cover.at[i];
        size_t first = next, wanted = 0;
        for (; next < plan->fetch.len && plan->fetch.at[next].start < c.end; next++)
            wanted += size_of(plan->fetch.at[next]);
        insp_room room = {c, map_room(c)};
        if (!room.at || !insp_room_vec_push(out, room)) {
            if (room.at)
                (void)munmap(room.at, size_of(c));
            return;
        }
        if (wanted >= WORTH_LARGE_PAGES && wanted > size_of(c) / 2)
            (void)madvise(room.at, size_of(c), MADV_HUGEPAGE);
        for (size_t k = first; k < next; k++) {
            insp_range f = plan->fetch.at[k];
            (void)madvise(room.at + (f.start - c.start), size_of(f), MADV_POPULATE_WRITE);
        }
    }
}

static size_t first_ending_after(const insp_room_vec *rooms, insp_addr addr)
{
    size_t low = 0, high = rooms->len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (rooms->at[mid].range.end > addr)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

unsigned char *insp_rooms_take(insp_room_vec *rooms, insp_range range)
{
    size_t i = first_ending_after(rooms, range.start);
    if (i < rooms->len && rooms->at[i].at && rooms->at[i].range.start == range.start &&
        rooms->at[i].range.end == range.end) {
        unsigned char *at = rooms->at[i].at;
        rooms->at[i].at = NULL;
        return at;
    }
    unsigned char *to = map_room(range);
    // Mappings grew, shrank or joined meanwhile: move the pages that are ready to their new
    // place.
    for (; to && i < rooms->len && rooms->at[i].range.start < range.end; i++) {
        const insp_room *room = &rooms->at[i];
        insp_addr start = room->range.start > range.start ? room->range.start : range.start;
        insp_addr end = room->range.end < range.end ? room->range.end : range.end;
        if (room->at)
            (void)mremap(room->at + (start - room->range.start), (size_t)(end - start),
                         (size_t)(end - start),
                         MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
                         to + (start - range.start));
    }
    return to;
}

void insp_rooms_deinit(insp_room_vec *rooms)
{
    for (size_t i = 0; i < rooms->len; i++) {
        if (rooms->at[i].at)
            (void)munmap(rooms->at[i].at, size_of(rooms->at[i].range));
    }
    insp_room_vec_deinit(rooms);
}
