// SPDX-License-Identifier: MIT
/**
 * @file
 * Compressed cores, as systemd-coredump leaves them: unpacked once, by libarchive.
 */
#ifndef INSP_ELF_UNPACK_H
#define INSP_ELF_UNPACK_H

#include "file.h"

enum { INSP_DAMAGE_SIZE = 160 };

/** What a file is compressed with, "zstd", "lz4" …; NULL for none of them. */
const char *insp_packed_with(const insp_file *file);

/**
 * Unpack a file into one without a name, and map that. Zeros take no room in it. Where the file is cut or damaged,
 * what comes before is unpacked, and *damage says what is wrong; else it is "".
 *
 * Fails with INSP_ERR_IO (nothing could be unpacked, or there is no room: the message says where),
 * INSP_ERR_CANCELLED, INSP_ERR_MEMORY.
 */
insp_status insp_unpack(const char *path, insp_unpacking *watch, insp_file *out,
                        char damage[static INSP_DAMAGE_SIZE], insp_error *err);

#endif
