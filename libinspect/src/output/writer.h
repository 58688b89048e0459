// SPDX-License-Identifier: MIT
/**
 * @file
 * JSON text into a sink, through a buffer: what is needed to write millions of small lines.
 */
#ifndef INSP_OUTPUT_WRITER_H
#define INSP_OUTPUT_WRITER_H

#include <stdbool.h>
#include <string.h>

#include "../base/error.h"

/** Bytes of the buffer, and what a line that is put together in place may take of it. */
enum { INSP_WRITER_ROOM = 1 << 20, INSP_LINE_ROOM = 4096 };

typedef struct insp_writer {
    char *buf;
    size_t len;
    insp_write_fn write;
    void *ctx;
    bool stopped; /**< the sink wants no more; what is written from then on is dropped */
} insp_writer;

/** Fails with INSP_ERR_MEMORY. */
insp_status insp_writer_init(insp_writer *w, insp_write_fn write, void *ctx, insp_error *err);
/** Bring out what is in the buffer. */
void insp_writer_drain(insp_writer *w);
/** The same at the end. False where the sink stopped. */
bool insp_writer_finish(insp_writer *w);
void insp_writer_deinit(insp_writer *w);

/**
 * A line of bounded parts, put together at the end of the buffer: begin, insp_put_*, end. A heap is
 * millions of them, so nothing is checked but the room for the whole.
 */
static inline char *insp_line_begin(insp_writer *w)
{
    if (w->len > INSP_WRITER_ROOM - INSP_LINE_ROOM)
        insp_writer_drain(w);
    return w->buf + w->len;
}

/** At most INSP_LINE_ROOM bytes behind what insp_line_begin returned. */
static inline void insp_line_end(insp_writer *w, const char *end)
{
    w->len = (size_t)(end - w->buf);
}

/** A part of a line; each returns where the next one goes. */
static inline char *insp_put(char *at, const char *text)
{
    return stpcpy(at, text);
}
char *insp_put_u64(char *at, uint64_t n);
char *insp_put_i64(char *at, int64_t n);
char *insp_put_addr(char *at, insp_addr addr);
/** Takes at most 6 * strlen(text) + 2 bytes. */
char *insp_put_string(char *at, const char *text);

void insp_json_raw(insp_writer *w, const char *text);
void insp_json_u64(insp_writer *w, uint64_t n);
void insp_json_i64(insp_writer *w, int64_t n);
/** "0x7f…" with its quotes. */
void insp_json_addr(insp_writer *w, insp_addr addr);
/** A JSON string with its quotes; text is UTF-8. */
void insp_json_string(insp_writer *w, const char *text);
/** A share of 0 to 1, cut after six digits: 1 only where part == whole. */
void insp_json_share(insp_writer *w, uint64_t part, uint64_t whole);

#endif
