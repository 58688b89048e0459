// SPDX-License-Identifier: MIT
#include "decoders.h"

#include <stdlib.h>

#include "../base/cleanup.h"

/** One object's referents, by its decoder and by its own tp_traverse. */
typedef struct comparison {
    insp_heap *h;
    insp_addrs decoded, visited;
    bool failed;
} comparison;

static void comparison_deinit(comparison *c)
{
    insp_addrs_deinit(&c->decoded);
    insp_addrs_deinit(&c->visited);
}

static void gather(insp_refs *refs)
{
    comparison *c = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        if (ref->visited && ref->form != INSP_FORM_BODY &&
            !insp_addrs_push(&c->decoded, ref->target))
            c->failed = true;
    }
    refs->len = 0;
}

static int by_address(const void *a, const void *b)
{
    insp_addr x = *(const insp_addr *)a, y = *(const insp_addr *)b;
    return x < y ? -1 : x > y;
}

static void sort(insp_addrs *all)
{
    if (all->len)
        qsort(all->at, all->len, sizeof(*all->at), by_address);
}

// As multisets: what the one has and the other has not.
static void compare(comparison *c, uint64_t *missing, uint64_t *extra)
{
    const insp_addrs *a = &c->decoded, *b = &c->visited;
    size_t i = 0, k = 0;
    *missing = *extra = 0;
    sort(&c->decoded);
    sort(&c->visited);
    while (i < a->len || k < b->len) {
        if (k == b->len || (i < a->len && a->at[i] < b->at[k])) {
            ++*extra;
            i++;
        } else if (i == a->len || b->at[k] < a->at[i]) {
            ++*missing;
            k++;
        } else {
            i++;
            k++;
        }
    }
}

static void check_object(comparison *c, uint32_t number, const insp_typeinfo *t,
                         insp_decoder_row *row)
{
    insp_addr object = insp_heap_addr(c->h, number);
    uint64_t missing, extra;
    c->visited.len = 0;
    row->checked++;
    if (!insp_traverse_all(&c->h->decoder, object, t->addr, &c->visited)) {
        row->unfollowed++;
        return;
    }
    c->decoded.len = 0;
    insp_heap_walk_all(c->h, number, gather, c);
    compare(c, &missing, &extra);
    if (!missing && !extra)
        return;
    if (!row->different++) {
        row->object = object;
        row->missing = missing;
        row->extra = extra;
    }
}

// Those without a decoder are read by their tp_traverse: it would be compared with itself.
static bool is_decoded(const insp_heap *h, uint32_t number, const insp_typeinfo *t)
{
    return !t->traverse && !t->guessed && insp_heap_gc(h, number) != INSP_GC_NONE;
}

// What a few objects of a type tell, large ones tell no better, and a table of millions takes a second.
static bool is_large(const insp_heap *h, uint32_t number)
{
    enum { MOST_REFERENCES = 1024 };
    return h->off.at[number + 1] - h->off.at[number] > MOST_REFERENCES;
}

insp_status insp_decoders_check(insp_heap *h, uint32_t per_type, insp_decoder_rows *out,
                                insp_error *err)
{
    INSP_CLEANUP(comparison_deinit) comparison c = {.h = h};
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s row_of = {0};
    for (size_t i = 0; i < h->types.at.len; i++) {
        if (!insp_u32s_push(&row_of, INSP_NONE))
            return insp_nomem(err);
    }
    for (uint32_t n = 0; n < h->n_objects; n++) {
        insp_status st =
            n % 4096 ? INSP_OK : insp_watch_step(&h->watch, n, h->n_objects, h->objects, err);
        if (st)
            return st;
        uint32_t type = insp_heap_is_object(h, n) ? h->type.at[n] : INSP_NONE;
        if (type >= row_of.len || !is_decoded(h, n, h->types.at.at[type]) ||
            (per_type && is_large(h, n)))
            continue;
        if (row_of.at[type] == INSP_NONE) {
            row_of.at[type] = (uint32_t)out->len;
            if (!insp_decoder_rows_push(out, (insp_decoder_row){.type = type}))
                return insp_nomem(err);
        }
        insp_decoder_row *row = &out->at[row_of.at[type]];
        if (!per_type || row->checked < per_type)
            check_object(&c, n, h->types.at.at[type], row);
        if (c.failed)
            return insp_nomem(err);
    }
    return INSP_OK;
}

/** What a few objects of each type come to. */
typedef struct verdict {
    uint32_t types, repaired, wrong;
    uint64_t objects;
    const char *which; // a type whose decoder differs
} verdict;

// Damage makes single objects differ, a layout most of them; some members are rarely set.
static bool differs(const insp_decoder_row *row)
{
    uint64_t followed = row->checked - row->unfollowed;
    return row->different >= 2 || (row->different && followed <= 2);
}

static void judge(insp_heap *h, const insp_decoder_row *row, verdict *v)
{
    insp_typeinfo *t = h->types.at.at[row->type];
    uint64_t followed = row->checked - row->unfollowed;
    v->types += followed > 0;
    v->objects += followed;
    if (!differs(row))
        return;
    bool asked = insp_type_ask_code(t, &h->decoder.r);
    // What the interpreter itself stands on is wrong only if most say so.
    bool wrong = !asked && row->different * 2 > followed;
    v->repaired += asked;
    v->wrong += wrong;
    v->which = asked || wrong ? t->name : v->which;
}

static bool add_proof(insp_heap *h, const verdict *v)
{
    static const char *const needed_by = "all but layout, gc, arenas";
    if (v->wrong)
        return insp_prove(h->py, "decoders", INSP_F_PyTypeObject_tp_traverse, needed_by,
                          INSP_PROOF_FAILED,
                          "what %s refers to is not what its tp_traverse visits", v->which);
    if (v->repaired)
        return insp_prove(
            h->py, "decoders", INSP_F_PyTypeObject_tp_traverse, needed_by, INSP_PROOF_REPAIRED,
            "%u of %u types are read by their tp_traverse, which says otherwise: %s",
            v->repaired, v->types, v->which);
    return insp_prove(h->py, "decoders", INSP_F_PyTypeObject_tp_traverse, needed_by,
                      INSP_PROOF_OK,
                      "%u types say of %" PRIu64 " objects what their tp_traverse visits",
                      v->types, v->objects);
}

insp_status insp_decoders_prove(insp_heap *h, bool *again, insp_error *err)
{
    enum { A_FEW = 16 };
    INSP_CLEANUP(insp_decoder_rows_deinit) insp_decoder_rows rows = {0};
    verdict v = {.which = ""};
    *again = false;
    insp_status st = insp_decoders_check(h, A_FEW, &rows, err);
    for (size_t i = 0; !st && i < rows.len; i++)
        judge(h, &rows.at[i], &v);
    *again = v.repaired > 0;
    if (st || !v.objects)
        return st;
    return add_proof(h, &v) ? INSP_OK : insp_nomem(err);
}
