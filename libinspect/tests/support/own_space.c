// SPDX-License-Identifier: MIT
#include "own_space.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// A sanitizer reserves terabytes, in which is nothing to see.
enum { HUGE_MAPPING = 64 * 1024 * 1024 };

// Copy a mapping through the kernel. One that is gone or cannot be read is left out.
static bool take(insp_space *space, int mem, insp_segment seg)
{
    size_t n = (size_t)(seg.end - seg.start), done = 0;
    if (n > HUGE_MAPPING)
        return true;
    char *bytes = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return false;
    while (done < n) {
        ssize_t got = pread(mem, bytes + done, n - done, (off_t)(seg.start + done));
        if (got <= 0)
            return munmap(bytes, n) == 0;
        done += (size_t)got;
    }
    seg.bytes = (const unsigned char *)bytes;
    return insp_space_add(space, seg, NULL) == INSP_OK;
}

static bool take_line(insp_space *space, int mem, const char *line)
{
    char perms[5] = "";
    insp_segment seg = {.module = INSP_NONE};
    if (sscanf(line, "%lx-%lx %4s", &seg.start, &seg.end, perms) != 3)
        return false;
    if (perms[0] != 'r')
        return true;
    seg.flags =
        (perms[1] == 'w' ? INSP_SEG_WRITE : 0u) | (perms[2] == 'x' ? INSP_SEG_EXEC : 0u);
    return take(space, mem, seg);
}

bool own_space_add(insp_space *space)
{
    static char text[1 << 20];
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t got = 0;
    // Read it whole before anything is mapped that would show up in it.
    while ((got = read(maps, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)got;
    bool ok = maps >= 0 && mem >= 0 && len > 0;
    text[len] = 0;
    for (char *line = strtok(text, "\n"); ok && line; line = strtok(NULL, "\n"))
        ok = take_line(space, mem, line);
    (void)close(maps);
    (void)close(mem);
    return ok;
}

void own_space_deinit(insp_space *space)
{
    for (size_t i = 0; i < space->segs.len; i++) {
        const insp_segment *seg = &space->segs.at[i];
        (void)munmap((void *)seg->bytes, (size_t)(seg->end - seg->start));
    }
    insp_space_deinit(space);
}

uint64_t own_fs_base(void)
{
    // The thread control block begins with its own address.
    uint64_t base = 0;
    __asm__("mov %%fs:0, %0" : "=r"(base));
    return base;
}
