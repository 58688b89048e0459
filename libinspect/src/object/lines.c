// SPDX-License-Identifier: MIT
/**
 * @file
 * Line numbers of instructions. Their table has had three forms: Objects/locations.md since 3.11, pairs that
 * say how far a line reaches in 3.10 (PEP 626), pairs that say where the next one starts before that
 * (Objects/lnotab_notes.txt).
 */
#include "frame.h"

enum { CODE_UNIT = 2, MAX_TABLE = 1 << 24 };

/** A reader of the bytes of a location table. */
typedef struct table {
    insp_decoder *d;
    insp_addr at, end;
} table;

static uint8_t next_byte(table *t)
{
    return t->at < t->end ? insp_u8(&t->d->r, t->at++) : 0;
}

// Six bits a byte, the lowest first; bit 6 says that more follow. An int has at most six of them, and what is
// damaged must not add up to more than a line number holds.
static int64_t varint(table *t)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 36; shift += 6) {
        uint8_t b = next_byte(t);
        value |= (uint64_t)(b & 63) << shift;
        if (!(b & 64))
            break;
    }
    return (int64_t)value;
}

static int64_t signed_varint(table *t)
{
    int64_t v = varint(t);
    return v & 1 ? -(v >> 1) : v >> 1;
}

// What an entry adds to the line, and past its own bytes. *none: the entry has no line.
static int64_t line_delta(table *t, unsigned code, bool *none)
{
    enum { NO_COLUMNS = 13, LONG = 14, NONE = 15 };
    *none = code == NONE;
    if (code == NONE)
        return 0;
    if (code == LONG || code == NO_COLUMNS) {
        int64_t delta = signed_varint(t);
        for (int i = 0; code == LONG && i < 3; i++)
            (void)varint(t);
        return delta;
    }
    (void)next_byte(t);
    if (code < 10)
        return 0;
    (void)next_byte(t);
    return code - 10;
}

// What the line tables of all frames may take together.
static bool goes_on(table *t)
{
    return t->at < t->end && !t->d->r.bad && t->d->code_bytes && t->d->code_bytes--;
}

// The line at `at` bytes into the code; 0 where there is none.
static int64_t line_by_locations(table *t, int64_t line, uint64_t at)
{
    uint64_t offset = 0;
    while (goes_on(t)) {
        uint8_t b = next_byte(t);
        bool none;
        line += line_delta(t, b >> 3 & 15, &none);
        offset += ((b & 7u) + 1u) * CODE_UNIT;
        if (at < offset)
            return none ? 0 : line;
    }
    return 0;
}

static int64_t line_by_ranges(table *t, int64_t line, uint64_t at)
{
    enum { NO_LINE = -128 };
    uint64_t offset = 0;
    while (goes_on(t)) {
        offset += next_byte(t);
        int8_t delta = (int8_t)next_byte(t);
        line += delta == NO_LINE ? 0 : delta;
        if (at < offset)
            return delta == NO_LINE ? 0 : line;
    }
    return 0;
}

static int64_t line_by_starts(table *t, int64_t line, uint64_t at)
{
    uint64_t offset = 0;
    while (goes_on(t)) {
        offset += next_byte(t);
        if (offset > at)
            break;
        line += (int8_t)next_byte(t);
    }
    return t->d->r.bad ? 0 : line;
}

insp_addr insp_code_first(insp_decoder *d, insp_addr code)
{
    // Since 3.11 (bpo-44525) instructions lie in the code object; before that, in a bytes object.
    const insp_layout *l = &d->py->layout;
    int32_t inside = INSP_OFF(l, PyCodeObject, co_code_adaptive);
    return inside >= 0 ? code + (uint32_t)inside
                       : INSP_U64(&d->r, code, PyCodeObject, co_code) +
                             (uint32_t)INSP_OFF(l, PyBytesObject, ob_sval);
}

int64_t insp_code_line(insp_decoder *d, insp_addr code, insp_addr instr)
{
    const insp_layout *l = &d->py->layout;
    bool bad = d->r.bad;
    d->r.bad = false;
    insp_addr first = insp_code_first(d, code);
    bool starts = INSP_OFF(l, PyCodeObject, co_lnotab) >= 0;
    bool ranges = INSP_OFF(l, PyCodeObject, co_code) >= 0;
    insp_addr bytes = starts ? INSP_U64(&d->r, code, PyCodeObject, co_lnotab)
                             : INSP_U64(&d->r, code, PyCodeObject, co_linetable);
    uint64_t size = INSP_U64(&d->r, bytes, PyVarObject, ob_size);
    int64_t line = (int32_t)INSP_U32(&d->r, code, PyCodeObject, co_firstlineno);
    // Before its first instruction a frame stands one unit in front of its code.
    uint64_t at = instr >= first ? instr - first : 0;
    table t = {d, bytes + (uint32_t)INSP_OFF(l, PyBytesObject, ob_sval), 0};
    t.end = t.at + (size < MAX_TABLE ? size : 0);
    int64_t result = 0;
    if (!d->r.bad)
        result = starts   ? line_by_starts(&t, line, at)
                 : ranges ? line_by_ranges(&t, line, at)
                          : line_by_locations(&t, line, at);
    d->r.bad = bad;
    return result;
}
