// SPDX-License-Identifier: MIT
/**
 * @file
 * Text into a buffer the caller brings: bounded, always NUL-terminated, and it knows when it was cut.
 *
 * Bytes that come from the target go through insp_str_escaped, so that no core can drive a terminal.
 */
#ifndef INSP_BASE_STRBUF_H
#define INSP_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct insp_str {
    char *at;
    size_t len;
    size_t size; /**< of the buffer, the NUL included; at least 1 */
    bool cut;    /**< something did not fit */
} insp_str;

/** An empty text in buf, which holds `size` (at least 1) bytes. */
insp_str insp_str_init(char *buf, size_t size);

void insp_str_add(insp_str *s, const char *text);
void insp_str_bytes(insp_str *s, const char *text, size_t n);
void insp_str_u64(insp_str *s, uint64_t n);
__attribute__((format(printf, 2, 3))) void insp_str_printf(insp_str *s, const char *fmt, ...);

/**
 * One code point as Python's repr would show it inside quotes `quote`: printable ones as UTF-8,
 * others as \n, \x1b, \u200e, \U0001f600 (all that is not ASCII and not plainly a letter, digit or
 * symbol is escaped; bidirectional controls and lone surrogates always are).
 */
void insp_str_escaped(insp_str *s, uint32_t code_point, char quote);

#endif
