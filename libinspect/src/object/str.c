// SPDX-License-Identifier: MIT
#include "str.h"

#include <string.h>

// Bits of the state word, the same from 3.8 to 3.15 in builds with a GIL.
enum { KIND_SHIFT = 2, KIND_MASK = 7, COMPACT_BIT = 5, ASCII_BIT = 6 };

bool insp_str_look(insp_reader *r, insp_addr addr, insp_str_view *v)
{
    uint32_t state = INSP_U32(r, addr, PyASCIIObject, state);
    v->length = INSP_U64(r, addr, PyASCIIObject, length);
    v->width = state >> KIND_SHIFT & KIND_MASK;
    v->compact = state >> COMPACT_BIT & 1;
    v->ascii = state >> ASCII_BIT & 1;
    if (r->bad || v->length > INT64_MAX / 4)
        return false;
    if (v->compact)
        v->data =
            addr + (uint32_t)(v->ascii ? INSP_OFF(r->layout, PyASCIIObject, sizeof)
                                       : INSP_OFF(r->layout, PyCompactUnicodeObject, sizeof));
    else
        v->data = INSP_U64(r, addr, PyUnicodeObject, data);
    return !r->bad && (v->width == 1 || v->width == 2 || v->width == 4);
}

uint32_t insp_str_char(insp_reader *r, const insp_str_view *v, uint64_t i)
{
    insp_addr at = v->data + i * v->width;
    const void *p = insp_at(&r->cur, at, v->width);
    uint32_t c = 0;
    if (p)
        memcpy(&c, p, v->width);
    else
        insp_reader_fail(r, at);
    return c;
}

bool insp_str_is_plain(insp_reader *r, const insp_str_view *v, uint64_t most)
{
    uint64_t n = v->length < most ? v->length : most;
    const unsigned char *p = v->width == 1 ? insp_at(&r->cur, v->data, n) : NULL;
    for (uint64_t i = 0; p && i < n; i++) {
        unsigned char c = p[i];
        if (c < 0x20 || c > 0x7e || c == '\'' || c == '"' || c == '\\')
            return false;
    }
    return p != NULL;
}

void insp_str_chars(insp_reader *r, const insp_str_view *v, uint64_t most, char quote,
                    insp_str *out)
{
    uint64_t n = v->length < most ? v->length : most;
    if (n < out->size - out->len && insp_str_is_plain(r, v, n)) {
        insp_str_bytes(out, insp_at(&r->cur, v->data, n), n);
        return;
    }
    for (uint64_t i = 0; i < n && !out->cut && !r->bad; i++)
        insp_str_escaped(out, insp_str_char(r, v, i), quote);
}

int insp_str_read(insp_reader *r, insp_addr addr, char *buf, size_t size)
{
    insp_str_view v;
    insp_str s = insp_str_init(buf, size);
    bool bad = r->bad;
    r->bad = false;
    bool is_str = addr && insp_str_look(r, addr, &v);
    if (is_str)
        insp_str_chars(r, &v, UINT64_MAX, '\0', &s);
    is_str = is_str && !r->bad;
    r->bad = bad;
    return is_str ? (int)s.len : -1;
}

bool insp_str_equals(insp_reader *r, insp_addr addr, const char *text)
{
    insp_str_view v;
    size_t n = strlen(text);
    bool bad = r->bad;
    r->bad = false;
    bool same = insp_str_look(r, addr, &v) && v.length == n && v.width == 1;
    const void *p = same ? insp_at(&r->cur, v.data, n) : NULL;
    r->bad = bad;
    return same && p && !memcmp(p, text, n);
}

// How many bytes a UTF-8 sequence has, by its first byte; 0 for a byte that starts none.
static size_t utf8_length(unsigned char lead)
{
    return lead < 0x80   ? 1
           : lead < 0xc2 ? 0
           : lead < 0xe0 ? 2
           : lead < 0xf0 ? 3
           : lead < 0xf5 ? 4
                         : 0;
}

void insp_str_utf8(insp_str *s, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        size_t n = utf8_length(*p), i = 1;
        uint32_t c = n < 2 ? *p : *p & (0x7fu >> n);
        for (; i < n && (p[i] & 0xc0) == 0x80; i++)
            c = c << 6 | (p[i] & 0x3f);
        if (i < n || n == 0) {
            c = 0xdc00 + *p;
            i = 1;
        }
        insp_str_escaped(s, c, '\0');
        p += i;
    }
}

uint64_t insp_int_digits(insp_reader *r, insp_addr addr, bool *negative)
{
    // 3.12 (gh-101291): lv_tag, with the sign in its lowest two bits. Before that: ob_size, negative for
    // negative ints.
    enum { SIGN = 3, NEGATIVE = 2, DIGITS_SHIFT = 3 };
    if (r->layout->flavour->ints == INSP_INT_TAG) {
        uint64_t tag = INSP_U64(r, addr, PyLongObject, lv_tag);
        *negative = (tag & SIGN) == NEGATIVE;
        return tag >> DIGITS_SHIFT;
    }
    uint64_t size = INSP_U64(r, addr, PyVarObject, ob_size);
    *negative = size >> 63;
    return *negative ? 0 - size : size;
}

/** What a table of keys says of itself, before any of it is believed. */
typedef struct keys_claim {
    uint64_t size, n, usable, index_bytes;
    bool unicode; // every key is a str
    bool shared;
    bool hashed; // entries begin with their hash
} keys_claim;

// Since 3.11 (bpo-46845) sizes are logarithms, and a table of str keys has entries without the hash.
static bool claim_by_log(insp_reader *r, insp_addr keys, keys_claim *c)
{
    enum { GENERAL = 0, SPLIT = 2 };
    uint8_t log2_size = INSP_U8(r, keys, PyDictKeysObject, dk_log2_size);
    uint8_t log2_bytes = INSP_U8(r, keys, PyDictKeysObject, dk_log2_index_bytes);
    uint8_t kind = INSP_U8(r, keys, PyDictKeysObject, dk_kind);
    if (kind > SPLIT || log2_size > 48 || log2_bytes > 52 || log2_bytes < log2_size)
        return false;
    c->size = UINT64_C(1) << log2_size;
    c->index_bytes = UINT64_C(1) << log2_bytes;
    c->unicode = kind != GENERAL;
    c->shared = kind == SPLIT;
    c->hashed = !c->unicode;
    return true;
}

// Up to 3.10 indices are as wide as the size asks for, and dk_lookup is a function for keys of any type, or
// one of three that compare str only.
static bool claim_by_size(insp_reader *r, insp_addr keys, keys_claim *c)
{
    const uint64_t most = UINT64_C(1) << 48;
    uint64_t size = INSP_U64(r, keys, PyDictKeysObject, dk_size);
    if (!size || size > most || size & (size - 1))
        return false;
    unsigned width = size <= UINT8_MAX    ? 1
                     : size <= UINT16_MAX ? 2
                     : size <= UINT32_MAX ? 4
                                          : 8;
    c->size = size;
    c->index_bytes = size * width;
    c->unicode = INSP_U64(r, keys, PyDictKeysObject, dk_lookup) != r->layout->lookdict;
    c->shared = c->unicode;
    c->hashed = true;
    return true;
}

bool insp_keys_look(insp_reader *r, insp_addr keys, insp_dict_table *t)
{
    const insp_layout *l = r->layout;
    keys_claim c = {.n = INSP_U64(r, keys, PyDictKeysObject, dk_nentries),
                    .usable = INSP_U64(r, keys, PyDictKeysObject, dk_usable)};
    bool by_log = INSP_OFF(l, PyDictKeysObject, dk_log2_size) >= 0;
    bool sound = by_log ? claim_by_log(r, keys, &c) : claim_by_size(r, keys, &c);
    if (r->bad || !sound || c.n > c.size || c.usable > c.size)
        return false;
    *t = (insp_dict_table){.keys = keys, .n = c.n, .unicode = c.unicode, .shared = c.shared};
    t->entries = keys + (uint32_t)INSP_OFF(l, PyDictKeysObject, dk_indices) + c.index_bytes;
    t->step = c.hashed ? 24 : 16;
    t->key_at = c.hashed ? 8 : 0;
    // USABLE_FRACTION: a shared table may use fewer entries than it has room for.
    t->size = t->entries - keys + c.size * 2 / 3 * t->step;
    return true;
}

bool insp_values_look(insp_reader *r, insp_addr values, insp_dict_table *t)
{
    // Since 3.13 (gh-115776) the values of an instance may lie in the instance itself, and say how many there
    // is room for. Before that their number is that of the keys.
    const insp_layout *l = r->layout;
    t->values_block = values;
    t->values = values;
    if (INSP_OFF(l, PyDictValues, values) > 0)
        t->values += (uint32_t)INSP_OFF(l, PyDictValues, values);
    if (INSP_OFF(l, PyDictValues, capacity) < 0)
        return true;
    uint64_t room = INSP_U8(r, values, PyDictValues, capacity);
    t->n = t->n < room ? t->n : room;
    t->embedded = INSP_U8(r, values, PyDictValues, embedded);
    return !r->bad;
}

bool insp_dict_look(insp_reader *r, insp_addr dict, insp_dict_table *t)
{
    insp_addr keys = INSP_U64(r, dict, PyDictObject, ma_keys);
    insp_addr values = INSP_U64(r, dict, PyDictObject, ma_values);
    if (r->bad || !insp_keys_look(r, keys, t))
        return false;
    return !values || insp_values_look(r, values, t);
}

void insp_dict_entry(insp_reader *r, const insp_dict_table *t, uint64_t i, insp_addr *key,
                     insp_addr *value)
{
    insp_addr entry = t->entries + i * t->step + t->key_at;
    *key = insp_u64(r, entry);
    *value = t->values ? insp_u64(r, t->values + i * 8) : insp_u64(r, entry + 8);
}

static insp_addr find_within(insp_reader *r, insp_addr dict, const char *key, uint64_t *budget)
{
    insp_dict_table t;
    insp_addr found = 0;
    bool bad = r->bad;
    r->bad = false;
    if (dict && insp_dict_look(r, dict, &t)) {
        for (uint64_t i = 0; i < t.n && *budget && !r->bad && !found; i++, --*budget) {
            insp_addr k, value;
            insp_dict_entry(r, &t, i, &k, &value);
            if (value && k && insp_str_equals(r, k, key))
                found = value;
        }
    }
    r->bad = bad;
    return found;
}

insp_addr insp_dict_find(insp_reader *r, insp_addr dict, const char *key)
{
    uint64_t budget = UINT64_MAX;
    return find_within(r, dict, key, &budget);
}

insp_addr insp_namespace_find(insp_reader *r, insp_addr dict, const char *key, uint64_t *budget)
{
    enum { MOST = 65536 };
    uint64_t here = *budget < MOST ? *budget : MOST, left = here;
    insp_addr found = find_within(r, dict, key, &left);
    *budget -= here - left;
    return found;
}
