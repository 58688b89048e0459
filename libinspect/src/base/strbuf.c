// SPDX-License-Identifier: MIT
#include "strbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

insp_str insp_str_init(char *buf, size_t size)
{
    buf[0] = '\0';
    return (insp_str){.at = buf, .size = size};
}

// All or nothing, so that a cut never splits an escape or a UTF-8 sequence; after a cut nothing
// more is taken.
void insp_str_bytes(insp_str *s, const char *text, size_t n)
{
    if (s->cut || n == 0)
        return;
    if (n >= s->size - s->len) {
        s->cut = true;
        return;
    }
    memcpy(s->at + s->len, text, n);
    s->len += n;
    s->at[s->len] = '\0';
}

void insp_str_add(insp_str *s, const char *text)
{
    insp_str_bytes(s, text, strlen(text));
}

// Indices and ints are most of what names of slots are made of; printf would be half their cost.
void insp_str_u64(insp_str *s, uint64_t n)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    insp_str_bytes(s, digits + i, sizeof(digits) - i);
}

void insp_str_printf(insp_str *s, const char *fmt, ...)
{
    if (s->cut)
        return;
    size_t room = s->size - s->len;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(s->at + s->len, room, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room) {
        s->at[s->len] = '\0';
        s->cut = true;
        return;
    }
    s->len += (size_t)n;
}

static void utf8(insp_str *s, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        b[i] = (char)(0x80 | (c & 0x3f));
    b[0] = (char)(lead[n] | c);
    insp_str_bytes(s, b, n);
}

// Whether a code point stands for itself. Those that do not would move the cursor, reorder the line,
// draw on their neighbour or show nothing. Ascending.
static bool shows(uint32_t c)
{
    static const uint32_t hidden[][2] = {
        {0x00, 0x1f},          {0x7f, 0xa0},       {0xad, 0xad},       {0x300, 0x36f},
        {0x483, 0x489},        {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},
        {0x70f, 0x70f},        {0x890, 0x891},     {0x8e2, 0x8e2},     {0x115f, 0x1160},
        {0x1680, 0x1680},      {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x1ab0, 0x1aff},
        {0x1dc0, 0x1dff},      {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},
        {0x20d0, 0x20ff},      {0x3000, 0x3000},   {0x3164, 0x3164},   {0xd800, 0xf8ff},
        {0xfdd0, 0xfdef},      {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f},   {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},      {0xfff0, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
        {0x13430, 0x1343f},    {0x1bca0, 0x1bca3}, {0x1d165, 0x1d169}, {0x1d16d, 0x1d182},
        {0xe0000, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]) && c >= hidden[i][0]; i++) {
        if (c <= hidden[i][1])
            return false;
    }
    return (c & 0xfffe) != 0xfffe; // the last two of a plane are no characters
}

void insp_str_escaped(insp_str *s, uint32_t c, char quote)
{
    static const char letters[] = "\n\\n\r\\r\t\\t";
    for (size_t i = 0; i + 2 < sizeof(letters); i += 3) {
        if (c == (unsigned char)letters[i]) {
            insp_str_bytes(s, letters + i + 1, 2);
            return;
        }
    }
    if (c == '\\' || (quote && c == (unsigned char)quote)) {
        insp_str_printf(s, "\\%c", (char)c);
        return;
    }
    if (shows(c))
        utf8(s, c);
    else if (c <= 0xff)
        insp_str_printf(s, "\\x%02x", c);
    else if (c <= 0xffff)
        insp_str_printf(s, "\\u%04x", c);
    else
        insp_str_printf(s, "\\U%08x", c);
}
