// SPDX-License-Identifier: MIT
#include "descriptors.h"

#include <string.h>

#define VISIT INSP_REF_OWNED, 1
#define OWN INSP_REF_OWNED, 0
#define WEAK INSP_REF_WEAK, 0
#define TYPE(name, shape) {name, INSP_KIND_##shape, 0, 0, 0, 0, NULL},
#define INTERPRETED(name, shape) {name, INSP_KIND_##shape, 1, 0, 0, 0, NULL},
#define ROW(s, m, text, kind, visited) {NULL, 0, 0, kind, visited, INSP_F_##s##_##m, text},
#define SLOT(s, m, text, how) ROW(s, m, text, how)
static const insp_descriptor rows[] = {
#include "../cpython/slots.def"
};

enum { N = sizeof(rows) / sizeof(rows[0]) };

const insp_descriptor *insp_descriptor_of(const char *tp_name)
{
    for (size_t i = 0; i < N; i++) {
        if (rows[i].tp_name && !strcmp(rows[i].tp_name, tp_name))
            return &rows[i];
    }
    return NULL;
}

// Past the last row stands a type's row without a name, so that its slots end too.
const insp_descriptor *insp_descriptor_at(uint32_t i)
{
    static const insp_descriptor end = {.tp_name = ""};
    return i < N ? &rows[i] : &end;
}

uint32_t insp_descriptor_number(const insp_descriptor *d)
{
    return (uint32_t)(d - rows);
}
