// SPDX-License-Identifier: MIT
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

insp_status insp_fail(insp_error *err, insp_status code, insp_addr addr, const char *fmt, ...)
{
    if (!err)
        return code;
    err->code = code;
    err->addr = addr;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->message, sizeof(err->message), fmt, args);
    va_end(args);
    return code;
}

insp_status insp_nomem(insp_error *err)
{
    return insp_fail(err, INSP_ERR_MEMORY, 0, "not enough memory on this machine");
}
