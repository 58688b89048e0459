// SPDX-License-Identifier: MIT
#include "described.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 4096, MOST_OFFSET = 1 << 20, LINE = 256, WORDS = 4 };

/** A text being read, line by line. */
typedef struct parser {
    insp_described *d;
    size_t types,
        slots; // how many there were before: a slot must not go to a type of another text
    const char *file;
    unsigned line;
    char *word[WORDS]; // of this line
    int n_words;
    insp_error *err;
} parser;

static insp_status wrong(const parser *p, const char *what)
{
    return insp_fail(p->err, INSP_ERR_ARGUMENT, 0, "%s line %u: %s", p->file, p->line, what);
}

void insp_described_deinit(insp_described *d)
{
    insp_arena_deinit(&d->text);
    insp_described_types_deinit(&d->types);
    insp_described_slots_deinit(&d->slots);
}

const insp_described_type *insp_described_find(const insp_described *d, const char *tp_name)
{
    for (size_t i = d->types.len; i-- > 0;) {
        if (!strcmp(d->types.at[i].tp_name, tp_name))
            return &d->types.at[i];
    }
    return NULL;
}

// Cut a line into words, in place. False where it has too many.
static bool split(parser *p, char *line)
{
    p->n_words = 0;
    line[strcspn(line, "#")] = '\0';
    for (char *at = line + strspn(line, " \t\r"); *at; at += strspn(at, " \t\r")) {
        if (p->n_words == WORDS)
            return false;
        p->word[p->n_words++] = at;
        at += strcspn(at, " \t\r");
        if (*at)
            *at++ = '\0';
    }
    return true;
}

static bool is_printable(const char *text)
{
    for (; *text; text++) {
        if (*text < '!' || *text > '~')
            return false;
    }
    return true;
}

static insp_status add_type(parser *p)
{
    insp_described *d = p->d;
    if (p->n_words != 2 || !is_printable(p->word[1]))
        return wrong(p, "'type' wants one name, as in 'type numpy.ndarray'");
    if (d->types.len - p->types == MOST_ROWS)
        return wrong(p, "too many types");
    const char *name = insp_arena_text(&d->text, p->word[1], strlen(p->word[1]));
    insp_described_type row = {name, (uint32_t)d->slots.len, 0};
    return name && insp_described_types_push(&d->types, row) ? INSP_OK : insp_nomem(p->err);
}

static bool kind_of(const char *word, insp_described_slot *slot)
{
    static const struct {
        const char *word;
        uint8_t kind, visited;
    } kinds[] = {{"visited", INSP_REF_OWNED, 1},
                 {"hidden", INSP_REF_OWNED, 0},
                 {"borrowed", INSP_REF_BORROWED, 0},
                 {"weak", INSP_REF_WEAK, 0}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i].word) != 0)
            continue;
        slot->kind = kinds[i].kind;
        slot->visited = kinds[i].visited;
        return true;
    }
    return false;
}

static insp_status add_slot(parser *p)
{
    insp_described *d = p->d;
    insp_described_slot slot = {.kind = INSP_REF_OWNED, .visited = 1};
    char *end = NULL;
    unsigned long offset = strtoul(p->word[0] + 1, &end, 0);
    if (p->word[0][1] < '0' || p->word[0][1] > '9' || *end || offset >= MOST_OFFSET ||
        offset % 8)
        return wrong(p, "an offset is a multiple of 8 in the object, as in '+0x30'");
    if (p->n_words < 2 || !is_printable(p->word[1]))
        return wrong(p, "a slot wants a name, as in '+0x30 .base'");
    if (p->n_words > 3 || (p->n_words == 3 && !kind_of(p->word[2], &slot)))
        return wrong(p, "a slot is visited, hidden, borrowed or weak");
    bool typed = d->types.len > p->types;
    if (!typed || d->slots.len - p->slots == MOST_ROWS)
        return wrong(p, typed ? "too many slots" : "a slot before any type");
    slot.offset = (int32_t)offset;
    slot.name = insp_arena_text(&d->text, p->word[1], strlen(p->word[1]));
    if (!slot.name || !insp_described_slots_push(&d->slots, slot))
        return insp_nomem(p->err);
    d->types.at[d->types.len - 1].n++;
    return INSP_OK;
}

static insp_status parse_line(parser *p, const char *text, size_t len)
{
    char line[LINE];
    p->line++;
    if (len >= sizeof(line) || memchr(text, '\0', len))
        return wrong(p, "the line is too long, or no text");
    memcpy(line, text, len);
    line[len] = '\0';
    if (!split(p, line))
        return wrong(p, "too many words");
    if (!p->n_words)
        return INSP_OK;
    if (!strcmp(p->word[0], "type"))
        return add_type(p);
    return p->word[0][0] == '+' ? add_slot(p)
                                : wrong(p, "a line begins with 'type' or an offset");
}

insp_status insp_described_add(insp_described *d, const char *file, const char *text,
                               size_t len, insp_error *err)
{
    size_t types = d->types.len, slots = d->slots.len;
    parser p = {.d = d, .types = types, .slots = slots, .file = file, .err = err};
    insp_status st = INSP_OK;
    for (size_t at = 0; !st && at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        st = parse_line(&p, text + at, n);
        at += n + 1;
    }
    if (st) {
        d->types.len = types;
        d->slots.len = slots;
    }
    return st;
}
