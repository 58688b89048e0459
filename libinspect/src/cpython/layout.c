// SPDX-License-Identifier: MIT
#include "layout.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

typedef struct table {
    const char *name;
    uint32_t from, to; // PY_VERSION_HEX, both inclusive
    uint32_t flags;    // insp_build_flags
    int32_t off[INSP_MEMBERS];
} table;

static const table tables[] = {
// One more than the offset: a member that a table does not name is absent, not at 0.
#define AT(s, m, offset) [INSP_F_##s##_##m] = (offset) + 1,
#include "layout_tables.inc"
};

static const struct {
    const char *structure, *name;
    bool is_length; // of a member, and no offset
} names[INSP_MEMBERS] = {
#define STRUCT(s, names)
#define SIZE(s) {#s, "<sizeof>", false},
#define F(s, m) {#s, #m, false},
#define FX(s, m, path) {#s, #m, false},
#define FZ(s, m, path) {#s, #m, true},
#include "fields.def"
#undef STRUCT
#undef SIZE
#undef F
#undef FX
#undef FZ
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static const uint32_t minor_mask = 0xffff0000; // of PY_VERSION_HEX

static bool is_free_threaded(const table *t)
{
    return t->flags & INSP_BUILD_FREE_THREADED;
}

static bool covers(const table *t, uint32_t hex)
{
    return hex >= t->from && hex <= t->to;
}

// How far a table that does not cover a version is from it.
static uint32_t distance(const table *t, uint32_t hex)
{
    return hex < t->from ? t->from - hex : hex - t->to;
}

// Whether table a comes before table b.
static bool is_likelier(const table *a, const table *b, uint32_t hex)
{
    bool near = covers(a, hex), far = covers(b, hex);
    if (near != far)
        return near;
    return near ? a->from > b->from : distance(a, hex) < distance(b, hex);
}

// The minor version whose tables are asked: the version's own, else the last one before it.
static uint32_t minor_for(uint32_t hex, bool free_threaded)
{
    uint32_t best = 0;
    for (size_t i = 0; i < TABLES; i++) {
        uint32_t minor = tables[i].from & minor_mask;
        if (is_free_threaded(&tables[i]) == free_threaded && minor <= hex && minor > best)
            best = minor;
    }
    // A major version that nobody has seen shares nothing for certain.
    return best >> 24 == hex >> 24 ? best : 0;
}

size_t insp_layout_candidates(uint32_t hex, bool free_threaded, uint32_t out[INSP_LAYOUT_TRIES])
{
    uint32_t minor = minor_for(hex, free_threaded);
    size_t n = 0;
    for (uint32_t i = 0; minor && i < TABLES && n < INSP_LAYOUT_TRIES; i++) {
        const table *t = &tables[i];
        if (is_free_threaded(t) != free_threaded || (t->from & minor_mask) != minor)
            continue;
        size_t at = n++;
        for (; at > 0 && is_likelier(t, &tables[out[at - 1]], hex); at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return n;
}

static void move_behind(insp_layout *layout, const char *structure, int32_t after, int32_t by)
{
    for (size_t m = 0; m < INSP_MEMBERS; m++) {
        if (layout->off[m] > after && !names[m].is_length &&
            !strcmp(names[m].structure, structure))
            layout->off[m] += by;
    }
}

// What lies behind members that take more room on another machine than on x86-64, whose the tables are.
static void fit_machine(insp_layout *layout, uint16_t elf_machine)
{
    // sizeof(pthread_mutex_t) beyond the 40 bytes of x86-64 (glibc: bits/pthreadtypes-arch.h of each machine).
    const int32_t more = elf_machine == EM_AARCH64 ? 8 : 0;
    static const insp_member mutexes[] = {
        INSP_F_PyRuntimeState_gil_mutex, INSP_F_PyRuntimeState_gil_switch_mutex,
        INSP_F_PyInterpreterState_gil_mutex, INSP_F_PyInterpreterState_gil_switch_mutex};
    for (size_t i = 0; more && i < sizeof(mutexes) / sizeof(mutexes[0]); i++) {
        if (layout->off[mutexes[i]] >= 0)
            move_behind(layout, names[mutexes[i]].structure, layout->off[mutexes[i]], more);
    }
    // The first interpreter is the last member of the runtime.
    if (more && layout->off[INSP_F_PyInterpreterState_gil_mutex] >= 0)
        layout->off[INSP_F_PyRuntimeState_sizeof] += 2 * more;
}

void insp_layout_take(insp_layout *layout, uint32_t i, uint32_t hex, uint16_t elf_machine)
{
    const table *t = &tables[i];
    *layout = (insp_layout){.table = t->name,
                            .flags = t->flags,
                            .nearest = !covers(t, hex),
                            .flavour = insp_flavour_of(hex, is_free_threaded(t))};
    for (size_t m = 0; m < INSP_MEMBERS; m++)
        layout->off[m] = t->off[m] - 1;
    // The structure is still declared, but stands in front of nothing.
    if (is_free_threaded(t))
        layout->off[INSP_F_PyGC_Head_sizeof] = 0;
    fit_machine(layout, elf_machine);
}

bool insp_layout_init(insp_layout *layout, uint32_t hex, uint32_t flags, unsigned nth,
                      uint16_t elf_machine)
{
    for (uint32_t i = 0; i < TABLES; i++) {
        if (!covers(&tables[i], hex) || flags != tables[i].flags || nth-- > 0)
            continue;
        insp_layout_take(layout, i, hex, elf_machine);
        return true;
    }
    return false;
}

uint32_t insp_layout_table(size_t i)
{
    return i < TABLES ? tables[i].from : 0;
}

const char *insp_member_struct(insp_member m)
{
    return names[m].structure;
}

const char *insp_member_name(insp_member m)
{
    return names[m].name;
}

const char *insp_layout_source_text(const insp_layout *layout, insp_member m, char *buf,
                                    size_t size)
{
    static const char *const words[] = {NULL, "debug offsets", "DWARF", "probe"};
    if (layout->source[m] != INSP_FROM_TABLE)
        return words[layout->source[m]];
    (void)snprintf(buf, size, "table %s", layout->table);
    return buf;
}

void insp_reader_fail(insp_reader *r, insp_addr addr)
{
    if (!r->bad)
        r->at = addr;
    r->bad = true;
}
