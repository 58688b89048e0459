// SPDX-License-Identifier: MIT
#include "writer.h"

#include <stdlib.h>
#include <string.h>

insp_status insp_writer_init(insp_writer *w, insp_write_fn write, void *ctx, insp_error *err)
{
    *w = (insp_writer){.buf = malloc(INSP_WRITER_ROOM), .write = write, .ctx = ctx};
    return w->buf ? INSP_OK : insp_nomem(err);
}

void insp_writer_drain(insp_writer *w)
{
    if (w->len && !w->stopped)
        w->stopped = w->write(w->ctx, w->buf, w->len) != 0;
    w->len = 0;
}

bool insp_writer_finish(insp_writer *w)
{
    insp_writer_drain(w);
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
        insp_writer_drain(w);
    while (n > INSP_WRITER_ROOM) {
        memcpy(w->buf, text, INSP_WRITER_ROOM);
        w->len = INSP_WRITER_ROOM;
        insp_writer_drain(w);
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

static int decimal_digits(uint64_t n)
{
    enum { MOST = 20 };
    int digits = 1;
    for (uint64_t next = 10; digits < MOST && n >= next; digits++)
        next *= 10;
    return digits;
}

// Two digits a division, from the end.
char *insp_put_u64(char *at, uint64_t n)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char *end = at + decimal_digits(n);
    char *p = end;
    for (; n >= 10; n /= 100) {
        p -= 2;
        memcpy(p, pairs + n % 100 * 2, 2);
    }
    if (p > at)
        *at = (char)('0' + n);
    return end;
}

char *insp_put_i64(char *at, int64_t n)
{
    if (n < 0)
        *at++ = '-';
    return insp_put_u64(at, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

static const char hex[] = "0123456789abcdef";

char *insp_put_addr(char *at, insp_addr addr)
{
    int digits = addr ? (67 - __builtin_clzll(addr)) / 4 : 1;
    at = insp_put(at, "\"0x");
    for (int i = digits; i-- > 0; addr >>= 4)
        at[i] = hex[addr & 15];
    at[digits] = '"';
    return at + digits + 1;
}

static char *put_escape(char *at, unsigned char c)
{
    *at++ = '\\';
    if (c == '"' || c == '\\') {
        *at++ = (char)c;
        return at;
    }
    at = insp_put(at, "u00");
    *at++ = hex[c >> 4];
    *at++ = hex[c & 15];
    return at;
}

char *insp_put_string(char *at, const char *text)
{
    *at++ = '"';
    for (unsigned char c; (c = (unsigned char)*text) != 0; text++) {
        if (c >= 0x20 && c != '"' && c != '\\')
            *at++ = (char)c;
        else
            at = put_escape(at, c);
    }
    *at++ = '"';
    return at;
}

void insp_json_u64(insp_writer *w, uint64_t n)
{
    insp_line_end(w, insp_put_u64(insp_line_begin(w), n));
}

void insp_json_i64(insp_writer *w, int64_t n)
{
    insp_line_end(w, insp_put_i64(insp_line_begin(w), n));
}

void insp_json_addr(insp_writer *w, insp_addr addr)
{
    insp_line_end(w, insp_put_addr(insp_line_begin(w), addr));
}

// Text of any length, in pieces that fit.
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
        insp_line_end(w, put_escape(insp_line_begin(w), c));
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
