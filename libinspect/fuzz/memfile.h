// SPDX-License-Identifier: MIT
/**
 * @file
 * Bytes as a file that has a path, without a disk.
 */
#ifndef FUZZ_MEMFILE_H
#define FUZZ_MEMFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The file, always the same one, now holds these bytes; NULL where there is none to be had. */
const char *insp_memfile(const uint8_t *bytes, size_t size);

#endif
