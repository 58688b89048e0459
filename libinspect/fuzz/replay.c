// SPDX-License-Identifier: MIT
/**
 * @file
 * Runs a fuzz target without libFuzzer: over its seeds, over damaged ones, over files.
 *
 *     replay [-n N] [-s SEED] [--write FOLDER] [FILE]...
 *
 * With files it tries those; else each seed, and N damaged copies of each (200 by default), the same ones
 * every time. --write puts the seeds there, for libFuzzer to start from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { ROOM = 1 << 16, COPIES = 200 };

// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).
static uint64_t state;

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

// Bits, bytes, words that say much, and words from elsewhere; most damage is small.
static size_t damage(uint8_t *bytes, size_t size)
{
    static const uint64_t words[] = {
        0,         1,       UINT64_MAX, INT64_MAX,         UINT32_MAX,
        INT32_MAX, 1 << 16, 4096,       UINT64_C(1) << 62, UINT64_C(1) << 32};
    for (uint64_t left = 1 + next() % 8; left && size; left--) {
        size_t at = next() % size, width = (size_t)1 << next() % 4;
        uint64_t word = words[next() % (sizeof(words) / sizeof(words[0]))];
        width = width < size - at ? width : size - at;
        switch (next() % 5) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << next() % 8);
            break;
        case 1:
            bytes[at] = (uint8_t)next();
            break;
        case 2:
            memmove(bytes + at, bytes + next() % (size - width + 1), width);
            break;
        default:
            memcpy(bytes + at, &word, width);
            break;
        }
    }
    return size && next() % 16 == 0 ? next() % size : size;
}

static int try_file(const char *path)
{
    static uint8_t bytes[1 << 24];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    return LLVMFuzzerTestOneInput(bytes, n);
}

static int write_seed(const char *folder, unsigned number, const uint8_t *bytes, size_t n)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/seed-%u", folder, number);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, n, file) != n || fclose(file)) {
        perror(path);
        return 1;
    }
    return 0;
}

static int try_seeds(uint64_t seed, unsigned long copies, const char *folder)
{
    static uint8_t sound[ROOM], damaged[ROOM];
    unsigned long tried = 0;
    size_t n;
    unsigned number = 0;
    for (; (n = insp_fuzz_seed(number, sound, ROOM)) > 0; number++) {
        if (folder && write_seed(folder, number, sound, n))
            return 1;
        for (unsigned long i = 0; !folder && i <= copies; i++, tried++) {
            memcpy(damaged, sound, n);
            state = (seed * 1000003 + number * UINT64_C(7919) + i) * 2 + 1;
            (void)next();
            (void)LLVMFuzzerTestOneInput(damaged, i ? damage(damaged, n) : n);
        }
    }
    printf("%u seeds, %lu inputs tried\n", number, tried);
    return number ? 0 : 1;
}

int main(int argc, char **argv)
{
    unsigned long copies = COPIES;
    uint64_t seed = 0;
    const char *folder = NULL;
    int i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (!strcmp(argv[i], "-n"))
            copies = strtoul(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "-s"))
            seed = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--write"))
            folder = argv[i + 1];
    }
    if (i == argc)
        return try_seeds(seed, copies, folder);
    int failed = 0;
    for (; i < argc; i++)
        failed |= try_file(argv[i]);
    return failed;
}
