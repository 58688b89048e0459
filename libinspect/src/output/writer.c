// SPDX-License-Identifier: MIT
#include "writer.h"

#include <stdlib.h>
#include <string.h>

insp_status insp_writer_init(insp_writer *w, insp_write_fn write, void *ctx, insp_error *err)
{
    *w = (insp_writer){.buf = malloc(INSP_WRITER_ROOM), .write = write, .ctx = ctx};
    return w->buf ? INSP_OK : insp_nomem(err);
}

static void drain(insp_writer *w)
{
    if (w->len && !w->stopped)
        w->stopped = w->write(w->ctx, w->buf, w->len) != 0;
    w->len = 0;
}

bool insp_writer_finish(insp_writer *w)
{
    drain(w);
    return !w->stopped;
}

void insp_writer_deinit(insp_writer *w)
{
    free(w->buf);
    w->buf = NULL;
}

static void put_bytes(insp_writer *w, const char *text, size_t n)
{
    if (n > INSP_WRITER_ROOM - w->len)
        drain(w);
    while (n > INSP_WRITER_ROOM) {
        memcpy(w->buf, text, INSP_WRITER_ROOM);
        w->len = INSP_WRITER_ROOM;
        drain(w);
        text += INSP_WRITER_ROOM;
        n -= INSP_WRITER_ROOM;
    }
    memcpy(w->buf + w->len, text, n);
    w->len += n;
}

void insp_json_raw(insp_writer *w, const char *text)
{
    put_bytes(w, text, strlen(text));
}

void insp_json_u64(insp_writer *w, uint64_t n)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    put_bytes(w, digits + i, sizeof(digits) - i);
}

void insp_json_i64(insp_writer *w, int64_t n)
{
    if (n < 0)
        put_bytes(w, "-", 1);
    insp_json_u64(w, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void insp_json_addr(insp_writer *w, insp_addr addr)
{
    static const char hex[] = "0123456789abcdef";
    char text[20];
    size_t i = sizeof(text);
    text[--i] = '"';
    do {
        text[--i] = hex[addr & 15];
        addr >>= 4;
    } while (addr);
    text[--i] = 'x';
    text[--i] = '0';
    text[--i] = '"';
    put_bytes(w, text + i, sizeof(text) - i);
}

static void put_escape(insp_writer *w, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        put_bytes(w, text, 2);
    } else {
        put_bytes(w, text, 6);
    }
}

void insp_json_string(insp_writer *w, const char *text)
{
    put_bytes(w, "\"", 1);
    for (const char *from = text;; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put_bytes(w, from, (size_t)(text - from));
        if (!c)
            break;
        put_escape(w, c);
        from = text + 1;
    }
    put_bytes(w, "\"", 1);
}

void insp_json_share(insp_writer *w, uint64_t part, uint64_t whole)
{
    if (part >= whole) {
        insp_json_raw(w, "1");
        return;
    }
    // Digit by digit: a double would make 0.512499 of 41 / 80.
    while (whole > UINT64_MAX / 10) {
        part /= 2;
        whole /= 2;
    }
    part = part < whole ? part : whole - 1;
    char text[] = "0.000000";
    for (size_t i = 2; i + 1 < sizeof(text); i++) {
        part *= 10;
        text[i] = (char)('0' + part / whole);
        part %= whole;
    }
    insp_json_raw(w, text);
}
