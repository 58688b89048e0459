// SPDX-License-Identifier: MIT
/**
 * @file
 * JSON text into a sink, through a buffer: what is needed to write millions of small lines.
 */
#ifndef INSP_OUTPUT_WRITER_H
#define INSP_OUTPUT_WRITER_H

#include <stdbool.h>

#include "../base/error.h"

enum { INSP_WRITER_ROOM = 1 << 20 };

typedef struct insp_writer {
    char *buf;
    size_t len;
    insp_write_fn write;
    void *ctx;
    bool stopped; /**< the sink wants no more; what is written from then on is dropped */
} insp_writer;

/** Fails with INSP_ERR_MEMORY. */
insp_status insp_writer_init(insp_writer *w, insp_write_fn write, void *ctx, insp_error *err);
/** Bring out what is left. False where the sink stopped. */
bool insp_writer_finish(insp_writer *w);
void insp_writer_deinit(insp_writer *w);

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
