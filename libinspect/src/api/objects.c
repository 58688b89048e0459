// SPDX-License-Identifier: MIT
/**
 * @file
 * Questions about single objects, types and arenas.
 */
#include <string.h>

#include "../analysis/garbage.h"
#include "../analysis/place.h"
#include "../object/str.h"
#include "../object/text.h"
#include "session.h"

static insp_status no_object(insp_session *s, insp_addr addr, insp_error *err);

static const insp_typeinfo *type_at(insp_session *s, insp_addr addr)
{
    insp_reader *r = &s->heap.decoder.r;
    r->bad = false;
    insp_addr type = addr & 7 ? 0 : INSP_U64(r, addr, PyObject, ob_type);
    const insp_typeinfo *t = type && !r->bad ? insp_type_at(&s->heap.types, r, type) : NULL;
    r->bad = false;
    return t;
}

insp_status insp_value_text(insp_session *s, insp_addr addr, char *buf, size_t size,
                            int32_t *cut, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (st)
        return st;
    if (!size)
        return insp_fail(err, INSP_ERR_ARGUMENT, addr, "no room for a text");
    if (!type_at(s, addr))
        return no_object(s, addr, err);
    insp_str text = insp_str_init(buf, size);
    insp_value(&s->heap.decoder, addr, &text);
    if (cut)
        *cut = text.cut;
    return insp_session_check(s, err);
}

insp_status insp_dict_get(insp_session *s, insp_addr dict, const char *key, insp_addr *out,
                          insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (st)
        return st;
    const insp_typeinfo *t = type_at(s, dict);
    bool is_dict = t && t->flags & INSP_TPF_DICT;
    *out = is_dict ? insp_dict_find(&s->heap.decoder.r, dict, key) : 0;
    st = insp_session_check(s, err);
    if (!st && !is_dict)
        st = insp_fail(err, INSP_ERR_NO_OBJECT, dict, "no dict at 0x%" PRIx64, dict);
    return st;
}

// The object of the block that addr lies in, 0 for none.
static insp_addr object_around(const insp_heap *h, insp_addr addr)
{
    insp_addr block;
    uint32_t n = insp_pools_number(&h->pools, addr, &block);
    return n != INSP_NONE && insp_heap_is_object(h, n) ? insp_heap_addr(h, n) : 0;
}

static insp_status no_object(insp_session *s, insp_addr addr, insp_error *err)
{
    bool ok = true;
    (void)insp_space_u64(&s->space, addr & ~UINT64_C(7), &ok);
    insp_status st = insp_session_check(s, err);
    if (st)
        return st;
    if (!ok)
        return insp_fail(err, INSP_ERR_NO_OBJECT, addr, "no memory at 0x%" PRIx64, addr);
    insp_addr around = s->reached >= INSP_STAGE_OBJECTS ? object_around(&s->heap, addr) : 0;
    const insp_typeinfo *t = around ? type_at(s, around) : NULL;
    if (!t)
        return insp_fail(err, INSP_ERR_NO_OBJECT, addr, "no object at 0x%" PRIx64, addr);
    bool before = addr < around;
    uint64_t n = before ? around - addr : addr - around;
    return insp_fail(err, INSP_ERR_NO_OBJECT, addr,
                     "no object at 0x%" PRIx64 ": it is %" PRIu64 " byte%s %s %s 0x%" PRIx64
                     ". Did you mean 0x%" PRIx64 "?",
                     addr, n, n == 1 ? "" : "s", before ? "before" : "into", t->name, around,
                     around);
}

insp_status insp_find(insp_session *s, insp_addr addr, const insp_place **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_OBJECTS, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_place *answer = insp_answer_new(sizeof(*answer), &arena);
    if (!answer)
        return insp_nomem(err);
    for (uint32_t i = 0; !st && i < s->images.len; i++)
        st = insp_image_load_symbols(&s->images.at[i], &s->space, &s->text, err);
    if (!st)
        st = insp_place_find(&s->heap, s->threads, addr, s->reached >= INSP_STAGE_REFERENCES,
                             answer, err);
    if (st) {
        insp_answer_free(answer);
        return st;
    }
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}

insp_status insp_heap_summary(insp_session *s, const insp_summary **out, insp_error *err)
{
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_summary *answer = insp_answer_new(sizeof(*answer), &arena);
    if (!answer)
        return insp_nomem(err);
    const insp_heap *h = &s->heap;
    const insp_ledger *l = &s->ledger;
    *answer = (insp_summary){
        .objects = h->objects,
        .size = h->size,
        .bytes = h->bytes,
        .edges = h->to.len,
        .mortal = l->mortal,
        .balanced = l->balanced,
        .surplus = l->surplus,
        .deficit = l->deficit,
        .explained = s->reached >= INSP_STAGE_NATIVE ? l->explained : 0,
        .gc_mortal = l->gc_mortal,
        .gc_balanced = l->gc_balanced,
        .gc_explained = s->reached >= INSP_STAGE_NATIVE ? l->gc_explained : 0,
        .dead = h->dead,
        .pymalloc_bytes = h->pools.used_bytes,
        .malloc_bytes = h->malloc_bytes,
        .numbers = h->n_objects,
        .first_root = h->n_objects,
        .roots = (uint32_t)h->roots.len,
        .types = (uint32_t)h->types.at.len,
    };
    *out = answer;
    return INSP_OK;
}

insp_status insp_type_list(insp_session *s, const insp_types **out, insp_error *err)
{
    insp_status st = insp_need_unless_looked(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    insp_arena *arena;
    const insp_heap *h = &s->heap;
    insp_types *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_type_row *rows =
        answer ? insp_arena_array(arena, h->types.at.len + 1, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    bool fits = true;
    for (size_t i = 0; fits && i < h->types.at.len; i++) {
        const insp_typeinfo *t = h->types.at.at[i];
        insp_tally sum = i < h->by_type.len ? h->by_type.at[i] : (insp_tally){0};
        rows[i] = (insp_type_row){.addr = t->addr,
                                  .read_by = t->read_by,
                                  .basicsize = t->basicsize,
                                  .itemsize = t->itemsize,
                                  .flags = t->flags,
                                  .count = sum.count,
                                  .size = sum.size,
                                  .bytes = sum.bytes};
        fits = insp_answer_text(arena, t->name, &rows[i].name) &&
               insp_answer_text(arena, t->module, &rows[i].module);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = h->types.at.len;
    *out = answer;
    return INSP_OK;
}

// Block and size of an object whose address is known.
static void fill_block(insp_session *s, uint32_t number, insp_object *out)
{
    insp_heap *h = &s->heap;
    bool known;
    out->bytes = (int64_t)insp_object_bytes(h, number, &out->block, &out->block_size);
    if (!out->block_size)
        out->block = 0;
    const insp_typeinfo *t = h->types.at.at[h->type.at[number]];
    out->size = insp_object_size(h, out->addr, t, &known);
    if (!known) {
        out->size = (int64_t)out->block_size;
        out->size_is_block = 1;
    }
}

insp_status insp_object_number(insp_session *s, uint32_t number, insp_object *out,
                               insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need_unless_looked(s, INSP_STAGE_OBJECTS, err);
    if (st)
        return st;
    insp_heap *h = &s->heap;
    if (!insp_heap_is_object(h, number))
        return insp_fail(err, INSP_ERR_NO_OBJECT, 0, "there is no object number %u", number);
    *out = (insp_object){.addr = insp_heap_addr(h, number), .number = number, .interp = -1};
    out->type = h->type.at[number];
    out->type_addr = h->types.at.at[out->type]->addr;
    out->immortal = !insp_refcount(&h->decoder.r, &s->py, out->addr, &out->refcnt);
    out->raw[0] = (uint64_t)out->refcnt;
    out->gc = insp_gc_name(insp_heap_gc(h, number));
    out->is_gc = out->gc != NULL;
    out->is_static = insp_module_at(&s->py, out->addr) != INSP_NONE;
    uint32_t interp = insp_heap_interp(h, number);
    if (interp != INSP_NONE)
        out->interp = s->py.interps.at[interp].id;
    fill_block(s, number, out);
    if (s->reached >= INSP_STAGE_REFERENCES && !out->immortal) {
        out->remainder = h->remainder.at[number];
        if (s->reached >= INSP_STAGE_NATIVE)
            out->located = insp_native_located(&s->native, number, out->remainder);
        out->unexplained = out->remainder - out->located;
    }
    return insp_session_check(s, err);
}

insp_status insp_object_columns(insp_session *s, const uint32_t *numbers, size_t n,
                                insp_addr *addrs, uint32_t *types, int64_t *sizes,
                                insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_OBJECTS, err);
    for (size_t i = 0; !st && i < n; i++) {
        if (!insp_heap_is_object(&s->heap, numbers[i]))
            return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no object number %u",
                             numbers[i]);
        if (addrs)
            addrs[i] = insp_heap_addr(&s->heap, numbers[i]);
        if (types)
            types[i] = s->heap.type.at[numbers[i]];
        if (sizes) {
            insp_object row = {.addr = insp_heap_addr(&s->heap, numbers[i])};
            fill_block(s, numbers[i], &row);
            sizes[i] = row.size;
        }
    }
    return st ? st : insp_session_check(s, err);
}

insp_status insp_object_at(insp_session *s, insp_addr addr, insp_object *out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_OBJECTS, err);
    if (st)
        return st;
    uint32_t n = insp_heap_number(&s->heap, addr);
    // What lies outside pools is known once somebody who refers to it was read; here the asker does.
    if (n == INSP_NONE && s->reached < INSP_STAGE_REFERENCES)
        n = insp_heap_admit(&s->heap, addr);
    return n == INSP_NONE ? no_object(s, addr, err) : insp_object_number(s, n, out, err);
}

insp_status insp_object_look(insp_session *s, insp_addr addr, insp_object *out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (!st)
        st = insp_require_objects(s, err);
    if (st)
        return st;
    if (s->reached >= INSP_STAGE_OBJECTS || !insp_heap_can_look(&s->heap))
        return insp_object_at(s, addr, out, err);
    st = insp_heap_look(&s->heap, err);
    if (st)
        return st;
    uint32_t n = insp_heap_admit(&s->heap, addr);
    return n == INSP_NONE ? no_object(s, addr, err) : insp_object_number(s, n, out, err);
}

insp_status insp_objects_between(insp_session *s, insp_addr start, insp_addr end,
                                 const insp_numbers **out, insp_error *err)
{
    insp_status st = insp_need(s, INSP_STAGE_OBJECTS, err);
    if (st)
        return st;
    const insp_heap *h = &s->heap;
    insp_u32s found = {0};
    bool fits = true;
    for (uint32_t n = 0; fits && n < h->n_objects; n++) {
        if (!insp_heap_is_object(h, n))
            continue;
        insp_addr addr = insp_heap_addr(h, n);
        if (addr >= start && addr < end)
            fits = insp_u32s_push(&found, n);
    }
    insp_arena *arena;
    insp_numbers *answer = fits ? insp_answer_new(sizeof(*answer), &arena) : NULL;
    uint32_t *rows = answer ? insp_arena_array(arena, found.len + 1, sizeof(*rows)) : NULL;
    if (rows && found.len)
        memcpy(rows, found.at, found.len * sizeof(*rows));
    st = rows ? insp_sort_by_address(h, rows, found.len, err) : insp_nomem(err);
    if (!st)
        *answer = (insp_numbers){rows, found.len};
    insp_u32s_deinit(&found);
    if (st) {
        insp_answer_free(answer);
        return st;
    }
    *out = answer;
    return INSP_OK;
}
