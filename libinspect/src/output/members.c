// SPDX-License-Identifier: MIT
#include "members.h"

#include <stdlib.h>

#include "../object/text.h"

/** Sets being written. */
typedef struct job {
    insp_heap *h;
    insp_writer *w;
    uint32_t *set; // by number: the set it is in, from 1 on
    uint32_t own;  // the set that is being written
    insp_addr src;
    bool any; // the set has an edge already
} job;

static void write_edge(job *j, const insp_ref *ref)
{
    uint32_t dst =
        ref->form == INSP_FORM_BODY ? INSP_NONE : insp_heap_number(j->h, ref->target);
    if (dst == INSP_NONE || j->set[dst] != j->own)
        return;
    if (ref->kind == INSP_REF_POSSIBLE && j->h->remainder.at[dst] <= 0)
        return;
    char name[256];
    insp_str text = insp_str_init(name, sizeof(name));
    insp_ref_text(&j->h->decoder, ref, &text);
    char *at = insp_put(insp_line_begin(j->w), j->any ? ",{\"src\":" : "{\"src\":");
    at = insp_put(insp_put_addr(at, j->src), ",\"dst\":");
    at = insp_put(insp_put_addr(at, ref->target), ",\"name\":");
    at = insp_put_string(at, name);
    insp_line_end(j->w, insp_put(at, "}"));
    j->any = true;
}

static void write_edges(insp_refs *refs)
{
    for (uint32_t i = 0; i < refs->len; i++)
        write_edge(refs->ctx, &refs->at[i]);
    refs->len = 0;
}

static void write_set(job *j, const uint32_t *numbers, size_t n)
{
    insp_refs *refs = j->h->decoder.refs;
    j->any = false;
    insp_json_raw(j->w, "[");
    for (size_t i = 0; i < n && !j->w->stopped; i++) {
        j->src = insp_heap_addr(j->h, numbers[i]);
        insp_heap_walk(j->h, numbers[i]);
        write_edges(refs);
    }
    insp_json_raw(j->w, "]\n");
}

static insp_status mark(const job *j, const insp_member_sets *sets, insp_error *err)
{
    const uint32_t *at = sets->numbers;
    for (size_t k = 0; k < sets->len; k++) {
        for (size_t i = 0; i < sets->counts[k]; i++, at++) {
            if (!insp_heap_is_object(j->h, *at))
                return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no object number %u",
                                 *at);
            j->set[*at] = (uint32_t)k + 1;
        }
    }
    return INSP_OK;
}

static insp_status write_sets(job *j, const insp_member_sets *sets, insp_error *err)
{
    insp_status st = mark(j, sets, err);
    const uint32_t *at = sets->numbers;
    for (size_t k = 0; !st && k < sets->len && !j->w->stopped; k++) {
        j->own = (uint32_t)k + 1;
        write_set(j, at, sets->counts[k]);
        at += sets->counts[k];
    }
    if (!st && !insp_writer_finish(j->w))
        return insp_fail(err, INSP_ERR_CANCELLED, 0, "the writing was stopped");
    return st;
}

insp_status insp_members_write(insp_heap *h, const insp_member_sets *sets, insp_writer *w,
                               insp_error *err)
{
    job j = {.h = h, .w = w};
    insp_refs *refs = malloc(sizeof(*refs));
    j.set = calloc((size_t)h->n_nodes + 1, sizeof(*j.set));
    insp_status st = refs && j.set ? INSP_OK : insp_nomem(err);
    if (!st) {
        refs->len = 0;
        refs->flush = write_edges;
        refs->ctx = &j;
        h->decoder.refs = refs;
        h->decoder.all = true;
        st = write_sets(&j, sets, err);
        h->decoder.refs = NULL;
    }
    free(j.set);
    free(refs);
    return st;
}
