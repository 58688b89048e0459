// SPDX-License-Identifier: MIT
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../base/cleanup.h"

enum { PIECE = 1 << 20, HOLE = 4096 };

static const struct packer {
    const char *name;
    const char *magic;
    size_t len;
    int (*support)(struct archive *);
} packers[] = {
    {"zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd},
    {"lz4", "\x04\x22\x4d\x18", 4, archive_read_support_filter_lz4},
    {"xz", "\xfd\x37\x7a\x58\x5a", 5, archive_read_support_filter_xz},
    {"gzip", "\x1f\x8b", 2, NULL}, // zlib's: libarchive does not compare its checksum
    {"bzip2", "\x42\x5a\x68", 3, archive_read_support_filter_bzip2},
};

static const struct packer *packer_of(const insp_file *file)
{
    for (size_t i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        if (file->size >= packers[i].len &&
            !memcmp(file->bytes, packers[i].magic, packers[i].len))
            return &packers[i];
    }
    return NULL;
}

const char *insp_packed_with(const insp_file *file)
{
    const struct packer *p = packer_of(file);
    return p ? p->name : NULL;
}

/** One file being unpacked. */
typedef struct unpacking {
    const char *path, *folder;
    struct archive *from;
    int packed, to; // descriptors
    uint64_t size;  // unpacked so far
    insp_unpacking *watch;
    insp_error *err;
} unpacking;

static insp_status no_room(const unpacking *u)
{
    return insp_fail(u->err, INSP_ERR_IO, 0,
                     "cannot unpack %s into %s: %s; TMPDIR names another folder for it",
                     u->path, u->folder, strerror(errno));
}

static int file_without_name(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    char name[4096];
    int n = snprintf(name, sizeof(name), "%s/refscope-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof(name))
        return -1;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(name);
    return fd;
}

static bool is_zero(const char *bytes, size_t n)
{
    return !n || (!bytes[0] && !memcmp(bytes, bytes + 1, n - 1));
}

// Writes but for pages of zeros: the file has none there, which reads as zeros.
static bool write_at(const unpacking *u, const char *bytes, size_t n, uint64_t at)
{
    while (n) {
        size_t some = n < HOLE ? n : HOLE;
        if (!is_zero(bytes, some)) {
            ssize_t done = pwrite(u->to, bytes, some, (off_t)at);
            if (done < 0 && errno == EINTR)
                continue;
            if (done <= 0)
                return false;
            some = (size_t)done;
        }
        bytes += some;
        at += some;
        n -= some;
    }
    return true;
}

static bool goes_on(const unpacking *u)
{
    if (!u->watch)
        return true;
    off_t done = lseek(u->packed, 0, SEEK_CUR);
    __atomic_store_n(&u->watch->done, done > 0 ? (uint64_t)done : 0, __ATOMIC_RELAXED);
    return !__atomic_load_n(&u->watch->stop, __ATOMIC_RELAXED);
}

// Whatever comes out until the end, or until the file is damaged: *damaged.
static insp_status copy(unpacking *u, bool *damaged)
{
    struct archive_entry *entry;
    int st = archive_read_next_header(u->from, &entry);
    while (st == ARCHIVE_OK) {
        const void *bytes;
        size_t n;
        int64_t at;
        if (!goes_on(u))
            return insp_fail(u->err, INSP_ERR_CANCELLED, 0, "stopped");
        st = archive_read_data_block(u->from, &bytes, &n, &at);
        if (st != ARCHIVE_OK || at < 0)
            break;
        if (!write_at(u, bytes, n, (uint64_t)at))
            return no_room(u);
        u->size = (uint64_t)at + n;
    }
    *damaged = st != ARCHIVE_EOF;
    return INSP_OK;
}

static void say(const unpacking *u, char damage[static INSP_DAMAGE_SIZE])
{
    const char *why = archive_error_string(u->from);
    (void)snprintf(damage, INSP_DAMAGE_SIZE, "%s", why ? why : "it is damaged");
}

static insp_status map(unpacking *u, insp_file *out)
{
    char name[64];
    if (ftruncate(u->to, (off_t)u->size))
        return no_room(u);
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", u->to);
    return insp_file_map(name, out, u->err);
}

static insp_status by_libarchive(unpacking *u, const struct packer *p,
                                 char damage[static INSP_DAMAGE_SIZE])
{
    bool damaged = false;
    // ARCHIVE_WARN: it would run a program that the user may not have.
    if (p->support(u->from) != ARCHIVE_OK ||
        archive_read_support_format_raw(u->from) != ARCHIVE_OK)
        return insp_fail(u->err, INSP_ERR_IO, 0,
                         "%s is compressed with %s, which libarchive cannot unpack here: "
                         "unpack it first",
                         u->path, p->name);
    if (archive_read_open_fd(u->from, u->packed, PIECE) != ARCHIVE_OK)
        return insp_fail(u->err, INSP_ERR_IO, 0, "cannot unpack %s: %s", u->path,
                         archive_error_string(u->from));
    insp_status st = copy(u, &damaged);
    if (damaged)
        say(u, damage);
    return st;
}

static insp_status by_zlib(unpacking *u, char damage[static INSP_DAMAGE_SIZE])
{
    INSP_CLEANUP(insp_free_ptr) char *piece = malloc(PIECE);
    int fd = dup(u->packed);
    gzFile from = fd < 0 ? NULL : gzdopen(fd, "r");
    insp_status st = piece && from ? INSP_OK : insp_nomem(u->err);
    int n = 1, code = Z_OK;
    while (!st && n > 0) {
        if (!goes_on(u))
            st = insp_fail(u->err, INSP_ERR_CANCELLED, 0, "stopped");
        else if ((n = gzread(from, piece, PIECE)) > 0 &&
                 !write_at(u, piece, (size_t)n, u->size))
            st = no_room(u);
        u->size += n > 0 ? (uint64_t)n : 0;
    }
    const char *why = from ? gzerror(from, &code) : "";
    if (!st && code != Z_OK && code != Z_STREAM_END)
        (void)snprintf(damage, INSP_DAMAGE_SIZE, "%s", why);
    if (from)
        (void)gzclose_r(from);
    else if (fd >= 0)
        (void)close(fd);
    return st;
}

static insp_status run(unpacking *u, const struct packer *p, insp_file *out,
                       char damage[static INSP_DAMAGE_SIZE])
{
    insp_status st = p->support ? by_libarchive(u, p, damage) : by_zlib(u, damage);
    if (!st && !u->size)
        st = insp_fail(u->err, INSP_ERR_IO, 0, "cannot unpack %s: %s", u->path,
                       damage[0] ? damage : "nothing is in it");
    return st ? st : map(u, out);
}

insp_status insp_unpack(const char *path, insp_unpacking *watch, insp_file *out,
                        char damage[static INSP_DAMAGE_SIZE], insp_error *err)
{
    insp_file packed;
    damage[0] = '\0';
    insp_status st = insp_file_map(path, &packed, err);
    if (st)
        return st;
    const struct packer *p = packer_of(&packed);
    if (watch)
        watch->total = packed.size;
    insp_file_unmap(&packed);
    const char *folder = getenv("TMPDIR");
    unpacking u = {.path = path, .watch = watch, .err = err};
    u.folder = folder && *folder ? folder : "/var/tmp";
    u.from = archive_read_new();
    INSP_CLEANUP(insp_close_fd) int fd = u.packed = open(path, O_RDONLY | O_CLOEXEC);
    INSP_CLEANUP(insp_close_fd) int made = u.to = file_without_name(u.folder);
    if (!u.from)
        st = insp_nomem(err);
    else if (fd < 0 || !p)
        st = insp_fail(err, INSP_ERR_IO, 0, "cannot read %s: it has changed", path);
    else
        st = made < 0 ? no_room(&u) : run(&u, p, out, damage);
    (void)archive_read_free(u.from);
    return st;
}
