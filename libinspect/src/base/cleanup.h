// SPDX-License-Identifier: MIT
/**
 * @file
 * INSP_CLEANUP(fn): run fn(&variable) when the variable's scope ends (gcc and clang).
 */
#ifndef INSP_BASE_CLEANUP_H
#define INSP_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define INSP_CLEANUP(fn) __attribute__((cleanup(fn)))

/** For INSP_CLEANUP: free what a `T *` variable points to. */
static inline void insp_free_ptr(void *variable)
{
    free(*(void **)variable);
}

/** For INSP_CLEANUP: close an int file descriptor unless it is negative. */
static inline void insp_close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

#endif
