// SPDX-License-Identifier: MIT
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// How much of a text of n bytes is left if the UTF-8 sequence that its end cuts is taken away.
static size_t whole(const char *text, size_t n)
{
    size_t start = n;
    while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    unsigned char lead = start > 0 ? (unsigned char)text[start - 1] : 0;
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return want > 1 && n - start + 1 < want ? start - 1 : n;
}

insp_status insp_fail(insp_error *err, insp_status code, insp_addr addr, const char *fmt, ...)
{
    if (!err)
        return code;
    // What is said may quote what err says now.
    char message[sizeof(err->message)] = "";
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    if (n >= (int)sizeof(message))
        message[whole(message, sizeof(message) - 1)] = '\0';
    err->code = code;
    err->addr = addr;
    memcpy(err->message, message, sizeof(message));
    return code;
}

insp_status insp_nomem(insp_error *err)
{
    return insp_fail(err, INSP_ERR_MEMORY, 0, "not enough memory on this machine");
}
