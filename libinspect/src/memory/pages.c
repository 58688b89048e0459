// SPDX-License-Identifier: MIT
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

// PAGEMAP_SCAN, since Linux 6.7: skips what is not there without looking at every page of it.
// Headers of that age may be missing, so the interface is spelled out here.
struct scan_arg {
    uint64_t size, flags, start, end, walk_end;
    uint64_t vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct scan_region {
    uint64_t start, end, categories;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_arg)

enum { SCAN_FILE = 1 << 2, SCAN_PRESENT = 1 << 3, SCAN_SWAPPED = 1 << 4, SCAN_ZERO = 1 << 5 };
enum { SCAN_REGIONS = 512, ENTRIES = 8192 };

// Entries of /proc/PID/pagemap, before that.
static const uint64_t entry_present = UINT64_C(1) << 63, entry_swapped = UINT64_C(1) << 62,
                      entry_file = UINT64_C(1) << 61;

int insp_pages_open(int64_t pid)
{
    char path[48];
    (void)snprintf(path, sizeof(path), "/proc/%" PRId64 "/pagemap", pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool add_run(insp_range_vec *out, size_t first, insp_addr start, insp_addr end)
{
    if (out->len > first && out->at[out->len - 1].end == start) {
        out->at[out->len - 1].end = end;
        return true;
    }
    return insp_range_vec_push(out, (insp_range){start, end});
}

static bool by_scan(int pagemap, insp_range range, bool own, insp_range_vec *out)
{
    // Zeroed for valgrind, which does not know that this call writes.
    struct scan_region found[SCAN_REGIONS] = {{0}};
    uint64_t unwanted = own ? SCAN_FILE | SCAN_ZERO : 0;
    struct scan_arg arg = {.size = sizeof(arg),
                           .start = range.start,
                           .end = range.end,
                           .vec = (uintptr_t)found,
                           .vec_len = SCAN_REGIONS,
                           .category_inverted = unwanted,
                           .category_mask = unwanted,
                           .category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
                           .return_mask = SCAN_PRESENT | SCAN_SWAPPED};
    size_t first = out->len;
    while (arg.start < range.end) {
        int n = ioctl(pagemap, SCAN_IOCTL, &arg);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || arg.walk_end <= arg.start)
            return false;
        for (int i = 0; i < n; i++) {
            if (!add_run(out, first, found[i].start, found[i].end))
                return false;
        }
        arg.start = arg.walk_end;
    }
    return true;
}

static bool by_entries(int pagemap, insp_range range, bool own, insp_range_vec *out)
{
    uint64_t entries[ENTRIES];
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    size_t first = out->len;
    for (insp_addr at = range.start; at < range.end;) {
        uint64_t want = (range.end - at) / page;
        want = want < ENTRIES ? want : ENTRIES;
        ssize_t got = pread(pagemap, entries, (size_t)want * 8, (off_t)(at / page * 8));
        if (got < 8)
            return false;
        for (size_t i = 0; i < (size_t)got / 8; i++, at += page) {
            bool there = (entries[i] & (entry_present | entry_swapped)) &&
                         !(own && (entries[i] & entry_file));
            if (there && !add_run(out, first, at, at + page))
                return false;
        }
    }
    return true;
}

bool insp_pages_touched(int pagemap, insp_range range, bool own, insp_range_vec *out)
{
    size_t before = out->len;
    if (pagemap < 0)
        return false;
    if (by_scan(pagemap, range, own, out))
        return true;
    out->len = before;
    if (by_entries(pagemap, range, own, out))
        return true;
    out->len = before;
    return false;
}
