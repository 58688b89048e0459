// SPDX-License-Identifier: MIT
#include "jsonl.h"

#include <stdlib.h>
#include <string.h>

#include "../object/frame.h"
#include "../object/str.h"
#include "../object/text.h"

/** An export in progress. Objects get dense ids in the order of their addresses. */
typedef struct job {
    insp_heap *h;
    const insp_native *native;
    insp_writer *w;
    uint32_t *order; // numbers of objects, by address
    uint32_t n;
    uint32_t *id;   // by number
    int64_t src_id; // of what is being walked; negative for a root
} job;

static void member_u64(insp_writer *w, const char *name, uint64_t n)
{
    insp_json_raw(w, name);
    insp_json_u64(w, n);
}

static void member_i64(insp_writer *w, const char *name, int64_t n)
{
    insp_json_raw(w, name);
    insp_json_i64(w, n);
}

static void member_text(insp_writer *w, const char *name, const char *text)
{
    insp_json_raw(w, name);
    insp_json_string(w, text);
}

static void member_addr(insp_writer *w, const char *name, insp_addr addr)
{
    insp_json_raw(w, name);
    insp_json_addr(w, addr);
}

static void write_header(job *j, const char *source)
{
    const insp_cpython *py = j->h->py;
    insp_ledger sum = insp_ledger_of(j->h, j->native);
    insp_writer *w = j->w;
    insp_json_raw(w, "{\"kind\":\"header\",\"schema\":1");
    member_text(w, ",\"python\":", py->version);
    insp_json_raw(w,
                  py->free_threaded ? ",\"free_threaded\":true" : ",\"free_threaded\":false");
    insp_json_raw(w, py->debug ? ",\"debug\":true" : ",\"debug\":false");
    member_text(w, ",\"source\":", source);
    member_u64(w, ",\"objects\":", j->n);
    member_u64(w, ",\"mortal\":", sum.mortal);
    insp_json_raw(w, ",\"balanced\":");
    insp_json_share(w, sum.balanced, sum.mortal);
    insp_json_raw(w, ",\"explained\":");
    insp_json_share(w, sum.explained, sum.mortal);
    insp_json_raw(w, "}\n");
}

static void write_types(job *j)
{
    insp_writer *w = j->w;
    for (size_t i = 0; i < j->h->types.at.len; i++) {
        const insp_typeinfo *t = j->h->types.at.at[i];
        member_u64(w, "{\"kind\":\"type\",\"id\":", i);
        member_addr(w, ",\"addr\":", t->addr);
        member_text(w, ",\"name\":", t->name);
        member_text(w, ",\"module\":", t->module);
        member_i64(w, ",\"basicsize\":", t->basicsize);
        member_i64(w, ",\"itemsize\":", t->itemsize);
        member_text(w, ",\"read_by\":", t->read_by);
        insp_json_raw(w, "}\n");
    }
}

static char *put_count(const job *j, char *at, uint32_t n, insp_addr addr)
{
    insp_heap *h = j->h;
    int64_t refcnt, remainder = h->remainder.at[n];
    bool counted = insp_refcount(&h->decoder.r, h->py, addr, &refcnt);
    at = insp_put_i64(insp_put(at, ",\"refcnt\":"), refcnt);
    at = insp_put_i64(insp_put(at, ",\"raw\":["), refcnt);
    if (!counted)
        return insp_put(at, "],\"immortal\":true,\"remainder\":null,\"unexplained\":null");
    int64_t located = remainder ? insp_native_located(j->native, n, remainder) : 0;
    at = insp_put_i64(insp_put(at, "],\"immortal\":false,\"remainder\":"), remainder);
    return insp_put_i64(insp_put(at, ",\"unexplained\":"), remainder - located);
}

static char *put_interp(const job *j, char *at, uint32_t n)
{
    if (j->h->py->interps.len < 2)
        return at;
    uint32_t row = insp_heap_interp(j->h, n);
    at = insp_put(at, ",\"interp\":");
    return row == INSP_NONE ? insp_put(at, "null")
                            : insp_put_i64(at, j->h->py->interps.at[row].id);
}

static char *put_size(const job *j, char *at, uint32_t n, insp_addr addr)
{
    insp_heap *h = j->h;
    bool known;
    insp_addr block;
    uint64_t block_size;
    uint64_t bytes = insp_object_bytes(h, n, &block, &block_size);
    int64_t size = insp_object_size(h, addr, h->types.at.at[h->type.at[n]], &known);
    at = insp_put_i64(insp_put(at, ",\"size\":"), known ? size : (int64_t)block_size);
    at = insp_put(at, known ? "" : ",\"size_of\":\"block\"");
    return insp_put_u64(insp_put(at, ",\"bytes\":"), bytes);
}

static void write_object(job *j, uint32_t n)
{
    insp_heap *h = j->h;
    insp_addr addr = insp_heap_addr(h, n);
    const char *gc = insp_gc_name(insp_heap_gc(h, n));
    char *at = insp_line_begin(j->w);
    at = insp_put_u64(insp_put(at, "{\"kind\":\"object\",\"id\":"), j->id[n]);
    at = insp_put_addr(insp_put(at, ",\"addr\":"), addr);
    at = insp_put_u64(insp_put(at, ",\"type\":"), h->type.at[n]);
    at = put_count(j, at, n, addr);
    at = put_size(j, at, n, addr);
    at = insp_put(at, ",\"gc\":");
    at = gc ? insp_put_string(at, gc) : insp_put(at, "null");
    at = put_interp(j, at, n);
    insp_line_end(j->w, insp_put(at, "}\n"));
}

static void write_root(job *j, uint32_t i)
{
    insp_heap *h = j->h;
    insp_writer *w = j->w;
    const insp_root_row *root = &h->roots.at[i];
    insp_iframe f;
    member_i64(w, "{\"kind\":\"root\",\"id\":", -(int64_t)i - 1);
    member_text(w, ",\"root\":", root->kind);
    member_text(w, ",\"name\":", root->name);
    member_addr(w, ",\"addr\":", root->addr);
    if (root->thread != INSP_NONE)
        member_i64(w, ",\"thread\":", h->py->threads.at[root->thread].tid);
    if (!strcmp(root->kind, "frame") && insp_iframe_look(&h->decoder, root->addr, &f)) {
        char file[512] = "";
        insp_addr name = INSP_U64(&h->decoder.r, f.code, PyCodeObject, co_filename);
        (void)insp_str_read(&h->decoder.r, name, file, sizeof(file));
        member_text(w, ",\"file\":", file);
        member_i64(w, ",\"line\":", insp_code_line(&h->decoder, f.code, f.instr));
    }
    insp_json_raw(w, "}\n");
}

// A possible reference is told only of an object whose count leaves room for it.
static bool is_wanted(const job *j, const insp_ref *ref, uint32_t dst)
{
    if (ref->form == INSP_FORM_BODY || dst == INSP_NONE)
        return false;
    return ref->kind != INSP_REF_POSSIBLE ||
           (j->h->kind.at[dst] & INSP_K_COUNTED && j->h->remainder.at[dst] != 0);
}

static void write_edge(job *j, const insp_ref *ref)
{
    static const char *const kinds[] = {"owned", "borrowed", "weak", "possible"};
    uint32_t dst =
        ref->form == INSP_FORM_BODY ? INSP_NONE : insp_heap_number(j->h, ref->target);
    if (!is_wanted(j, ref, dst))
        return;
    char name[256];
    insp_str text = insp_str_init(name, sizeof(name));
    insp_ref_text(&j->h->decoder, ref, &text);
    char *at = insp_put(insp_line_begin(j->w), "{\"kind\":\"edge\",\"src\":");
    at = insp_put_i64(at, j->src_id);
    at = insp_put_u64(insp_put(at, ",\"dst\":"), j->id[dst]);
    at = insp_put(insp_put(at, ",\"ref\":\""), kinds[ref->kind]);
    at = insp_put(at, ref->visited ? "\",\"visited\":true,\"name\":"
                                   : "\",\"visited\":false,\"name\":");
    at = insp_put_string(at, name);
    insp_line_end(j->w, insp_put(at, "}\n"));
}

static void write_edges(insp_refs *refs)
{
    // The walk's own buffer is in use while names are read; reading names walks nothing.
    for (uint32_t i = 0; i < refs->len; i++)
        write_edge(refs->ctx, &refs->at[i]);
    refs->len = 0;
}

static void write_edges_of(job *j, uint32_t src)
{
    uint32_t objects = j->h->n_objects;
    j->src_id = src < objects ? (int64_t)j->id[src] : -(int64_t)(src - objects) - 1;
    insp_heap_walk(j->h, src);
    write_edges(j->h->decoder.refs);
}

// By source: roots have negative ids, so the last of them comes first.
static insp_status write_all_edges(job *j, insp_error *err)
{
    insp_heap *h = j->h;
    insp_refs *refs = malloc(sizeof(*refs));
    if (!refs)
        return insp_nomem(err);
    refs->len = 0;
    refs->flush = write_edges;
    refs->ctx = j;
    h->decoder.refs = refs;
    for (uint32_t i = (uint32_t)h->roots.len; i-- > 0;)
        write_edges_of(j, h->n_objects + i);
    for (uint32_t i = 0; i < j->n && !j->w->stopped; i++)
        write_edges_of(j, j->order[i]);
    h->decoder.refs = NULL;
    free(refs);
    return INSP_OK;
}

/** Where words of C memory are: a root for each module's data, each stack, each thread's registers. */
typedef struct place {
    const char *kind;
    uint8_t place; // insp_native_place
    uint32_t where;
    size_t first, last; // of its words
} place;

INSP_VEC(place_rows, place);

typedef struct places {
    place_rows rows;
    insp_map row_of; // place and where -> row
    size_t *next;    // by word: the next one of the same place
} places;

static void places_deinit(places *p)
{
    place_rows_deinit(&p->rows);
    insp_map_deinit(&p->row_of);
    free(p->next);
}

// Of the place that a word is in; false where memory runs out.
static bool add_word(places *p, const insp_native_word *w, size_t i)
{
    uint64_t key = (uint64_t)w->place << 32 | w->where;
    uint32_t row = insp_map_get(&p->row_of, key);
    if (row < p->rows.len) {
        p->next[p->rows.at[row].last] = i;
        p->rows.at[row].last = i;
        return true;
    }
    place first = {insp_native_name(w->place), w->place, w->where, i, i};
    return insp_map_set(&p->row_of, key, (uint32_t)p->rows.len) &&
           place_rows_push(&p->rows, first);
}

// There may be as many places as the core's notes have threads: nothing here looks at all of them for each word.
static bool collect_places(const job *j, places *out)
{
    size_t n = j->native->words.len;
    out->next = malloc((n + 1) * sizeof(*out->next));
    bool fits = out->next != NULL;
    for (size_t i = 0; fits && i < n; i++)
        fits = add_word(out, &j->native->words.at[i], i);
    return fits;
}

static void write_place(job *j, const place *p, int64_t id)
{
    insp_writer *w = j->w;
    bool data = p->place == INSP_NATIVE_DATA;
    const insp_image *image = data ? &j->h->py->images->at[p->where] : NULL;
    member_i64(w, "{\"kind\":\"root\",\"id\":", id);
    member_text(w, ",\"root\":", p->kind);
    member_text(w, ",\"name\":", image ? image->path : p->kind);
    member_addr(w, ",\"addr\":", image ? image->start : 0);
    insp_json_raw(w, "}\n");
}

static void write_word(job *j, const insp_native_word *word, int64_t src)
{
    char name[64];
    insp_str text = insp_str_init(name, sizeof(name));
    if (word->place == INSP_NATIVE_REGISTER)
        insp_str_printf(&text, "register %" PRIu64, word->addr);
    else
        insp_str_printf(&text, "*0x%" PRIx64, word->addr);
    insp_writer *w = j->w;
    member_i64(w, "{\"kind\":\"edge\",\"src\":", src);
    member_u64(w, ",\"dst\":", j->id[word->object]);
    insp_json_raw(w, ",\"ref\":\"possible\",\"visited\":false");
    member_text(w, ",\"name\":", name);
    insp_json_raw(w, "}\n");
}

static int64_t place_id(const job *j, size_t i)
{
    return -(int64_t)j->h->roots.len - 1 - (int64_t)i;
}

static void write_place_roots(job *j, const places *all)
{
    for (size_t i = all->rows.len; i-- > 0;)
        write_place(j, &all->rows.at[i], place_id(j, i));
}

static void write_place_edges(job *j, const places *all)
{
    for (size_t i = all->rows.len; i-- > 0;) {
        const place *p = &all->rows.at[i];
        for (size_t k = p->first;; k = all->next[k]) {
            write_word(j, &j->native->words.at[k], place_id(j, i));
            if (k == p->last)
                break;
        }
    }
}

static insp_status write_lines(job *j, const char *source, insp_error *err)
{
    write_header(j, source);
    write_types(j);
    for (uint32_t i = 0; i < j->n && !j->w->stopped; i++)
        write_object(j, j->order[i]);
    places all = {.next = NULL};
    if (!collect_places(j, &all)) {
        places_deinit(&all);
        return insp_nomem(err);
    }
    write_place_roots(j, &all);
    for (uint32_t i = (uint32_t)j->h->roots.len; i-- > 0;)
        write_root(j, i);
    write_place_edges(j, &all);
    insp_status st = write_all_edges(j, err);
    places_deinit(&all);
    if (!insp_writer_finish(j->w))
        return insp_fail(err, INSP_ERR_CANCELLED, 0, "the export was stopped");
    return st;
}

insp_status insp_jsonl_write(insp_heap *h, const insp_native *native, const char *source,
                             insp_writer *w, insp_error *err)
{
    insp_u32s order = {0};
    insp_status st = insp_heap_order(h, &order, err);
    job j = {.h = h, .native = native, .w = w, .order = order.at, .n = (uint32_t)order.len};
    j.id = st ? NULL : malloc(((size_t)h->n_objects + 1) * sizeof(*j.id));
    if (!st && !j.id)
        st = insp_nomem(err);
    for (uint32_t i = 0; !st && i < j.n; i++)
        j.id[order.at[i]] = i;
    if (!st)
        st = write_lines(&j, source, err);
    free(j.id);
    insp_u32s_deinit(&order);
    return st;
}
