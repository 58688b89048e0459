// SPDX-License-Identifier: MIT
#include "layout.h"

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
} names[INSP_MEMBERS] = {
#define STRUCT(s, names)
#define SIZE(s) {#s, "<sizeof>"},
#define F(s, m) {#s, #m},
#define FX(s, m, path) {#s, #m},
#define FZ(s, m, path) {#s, #m},
#include "fields.def"
#undef STRUCT
#undef SIZE
#undef F
#undef FX
#undef FZ
};

bool insp_layout_init(insp_layout *layout, uint32_t hex, uint32_t flags, unsigned nth)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const table *t = &tables[i];
        if (hex < t->from || hex > t->to || flags != t->flags || nth-- > 0)
            continue;
        *layout = (insp_layout){
            .table = t->name,
            .flavour = insp_flavour_of(hex, (flags & INSP_BUILD_FREE_THREADED) != 0),
        };
        for (size_t m = 0; m < INSP_MEMBERS; m++)
            layout->off[m] = t->off[m] - 1;
        return true;
    }
    return false;
}

uint32_t insp_layout_table(size_t i)
{
    return i < sizeof(tables) / sizeof(tables[0]) ? tables[i].from : 0;
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
