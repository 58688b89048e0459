// SPDX-License-Identifier: MIT
/**
 * @file
 * Who refers to whom, by slot. The heap keeps numbers only; names come from walking the owner again.
 */
#include <stdlib.h>
#include <string.h>

#include "../object/frame.h"
#include "../object/str.h"
#include "../object/text.h"
#include "session.h"

INSP_VEC(insp_edge_rows, insp_edge);

/** Edges of one source after another, as they are walked. */
typedef struct gathering {
    insp_session *s;
    insp_arena *arena;
    insp_edge_rows rows;
    uint32_t src;
    uint32_t dst;         // only those to this one; INSP_NONE: all
    const bool *among;    // only those to objects that are marked in it; NULL: all
    insp_addr start, end; // of what dangling ones point into
    insp_addr type_slot;  // no item
    size_t most, left_out;
    bool failed;
} gathering;

static void add_row(gathering *g, const insp_ref *ref, uint32_t dst)
{
    insp_heap *h = &g->s->heap;
    char buf[256];
    insp_str text = insp_str_init(buf, sizeof(buf));
    insp_ref_text(&h->decoder, ref, &text);
    insp_edge row = {.src = g->src,
                     .dst = dst,
                     .src_addr = insp_heap_addr(h, g->src),
                     .dst_addr = ref->target,
                     .slot = ref->slot,
                     .name = insp_arena_text(g->arena, buf, text.len),
                     .kind = (insp_ref_kind)ref->kind,
                     .visited = ref->visited};
    g->failed = g->failed || !row.name || !insp_edge_rows_push(&g->rows, row);
}

static void gather_one(gathering *g, const insp_ref *ref)
{
    insp_heap *h = &g->s->heap;
    uint32_t dst = ref->form == INSP_FORM_BODY ? INSP_NONE : insp_number_at(g->s, ref->target);
    if (dst == INSP_NONE || (g->dst != INSP_NONE && dst != g->dst))
        return;
    if (g->among && !g->among[dst])
        return;
    // One that is only possible takes a remainder, which is not known of objects looked at one by one.
    if (ref->kind != INSP_REF_POSSIBLE || (!insp_looked(g->s) && h->remainder.at[dst] > 0))
        add_row(g, ref, dst);
}

static void gather_item(insp_refs *refs)
{
    gathering *g = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        if (ref->form == INSP_FORM_KEY || ref->form == INSP_FORM_BODY ||
            ref->slot == g->type_slot)
            continue;
        if (g->rows.len < g->most)
            gather_one(g, ref);
        else
            g->left_out += ref->kind != INSP_REF_POSSIBLE;
    }
    refs->len = 0;
}

static void gather(insp_refs *refs)
{
    for (uint32_t i = 0; i < refs->len; i++)
        gather_one(refs->ctx, &refs->at[i]);
    refs->len = 0;
}

static void walk(gathering *g, uint32_t src, void (*flush)(insp_refs *))
{
    g->src = src;
    insp_heap_walk_all(&g->s->heap, src, flush, g);
}

// Rows move from the growing array to the answer's arena; the answer is freed where that fails.
static insp_status settle(gathering *g, void *answer, const insp_edge **rows, size_t *len,
                          insp_error *err)
{
    insp_edge *kept =
        g->failed ? NULL : insp_arena_array(g->arena, g->rows.len + 1, sizeof(*kept));
    if (kept && g->rows.len)
        memcpy(kept, g->rows.at, g->rows.len * sizeof(*kept));
    *rows = kept;
    *len = g->rows.len;
    insp_edge_rows_deinit(&g->rows);
    insp_status st = kept ? insp_session_check(g->s, err) : insp_nomem(err);
    if (st)
        insp_answer_free(answer);
    return st;
}

static insp_status finish(gathering *g, insp_edges *answer, const insp_edges **out,
                          insp_error *err)
{
    insp_status st = settle(g, answer, &answer->rows, &answer->len, err);
    if (!st)
        *out = answer;
    return st;
}

static bool is_node(const insp_heap *h, uint32_t number)
{
    return number >= h->n_objects ? number < h->n_nodes : insp_heap_is_object(h, number);
}

static insp_status check_number(const insp_session *s, uint32_t number, insp_error *err)
{
    if (is_node(&s->heap, number))
        return INSP_OK;
    return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no object or root number %u", number);
}

// Before what a node refers to is asked for.
static insp_status need_node(insp_session *s, uint32_t number, insp_error *err)
{
    insp_status st = insp_need_unless_looked(s, INSP_STAGE_REFERENCES, err);
    return st ? st : check_number(s, number, err);
}

insp_status insp_referents(insp_session *s, uint32_t number, const insp_edges **out,
                           insp_error *err)
{
    INSP_GUARDED;
    insp_status st = need_node(s, number, err);
    if (st)
        return st;
    gathering g = {.s = s, .dst = INSP_NONE};
    insp_edges *answer = insp_answer_new(sizeof(*answer), &g.arena);
    if (!answer)
        return insp_nomem(err);
    walk(&g, number, gather);
    return finish(&g, answer, out, err);
}

insp_status insp_items_of(insp_session *s, uint32_t number, size_t most, const insp_items **out,
                          insp_error *err)
{
    INSP_GUARDED;
    insp_status st = need_node(s, number, err);
    if (st)
        return st;
    gathering g = {.s = s, .dst = INSP_NONE, .most = most ? most : SIZE_MAX};
    g.type_slot =
        insp_heap_addr(&s->heap, number) + (uint32_t)INSP_OFF(&s->py.layout, PyObject, ob_type);
    insp_items *answer = insp_answer_new(sizeof(*answer), &g.arena);
    if (!answer)
        return insp_nomem(err);
    walk(&g, number, gather_item);
    answer->left_out = g.left_out;
    st = settle(&g, answer, &answer->rows, &answer->len, err);
    if (!st)
        *out = answer;
    return st;
}

// Marks by number, to be freed.
static insp_status mark(insp_session *s, const uint32_t *numbers, size_t n, bool **out,
                        insp_error *err)
{
    bool *marks = calloc((size_t)s->heap.n_nodes + 1, sizeof(*marks));
    if (!marks)
        return insp_nomem(err);
    for (size_t i = 0; i < n; i++) {
        if (!insp_heap_is_object(&s->heap, numbers[i])) {
            free(marks);
            return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no object number %u",
                             numbers[i]);
        }
        marks[numbers[i]] = true;
    }
    *out = marks;
    return INSP_OK;
}

insp_status insp_referents_among(insp_session *s, const uint32_t *numbers, size_t n,
                                 const insp_edges **out, insp_error *err)
{
    bool *marks = NULL;
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (!st)
        st = mark(s, numbers, n, &marks, err);
    if (st)
        return st;
    gathering g = {.s = s, .dst = INSP_NONE, .among = marks};
    insp_edges *answer = insp_answer_new(sizeof(*answer), &g.arena);
    for (size_t i = 0; answer && i < n; i++)
        walk(&g, numbers[i], gather);
    free(marks);
    return answer ? finish(&g, answer, out, err) : insp_nomem(err);
}

insp_status insp_edge_between(insp_session *s, uint32_t from, uint32_t to, bool visited,
                              insp_arena *arena, insp_edge *out, bool *found, insp_error *err)
{
    gathering g = {.s = s, .arena = arena, .dst = to};
    walk(&g, from, gather);
    *found = false;
    for (size_t i = 0; i < g.rows.len && !*found; i++) {
        const insp_edge *e = &g.rows.at[i];
        *found = visited ? e->visited : e->kind == INSP_REF_OWNED;
        *out = *e;
    }
    insp_edge_rows_deinit(&g.rows);
    return g.failed ? insp_nomem(err) : INSP_OK;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

// Sources of a node's edges, each once: objects by number, roots last.
static uint32_t *sources_of(const insp_session *s, uint32_t number, size_t *n)
{
    uint64_t first = s->reverse.off[number], end = s->reverse.off[number + 1];
    uint32_t *all = calloc((size_t)(end - first) + 1, sizeof(*all));
    *n = 0;
    if (!all)
        return NULL;
    for (uint64_t i = first; i < end; i++)
        all[i - first] = s->reverse.to[i];
    if (end > first)
        qsort(all, (size_t)(end - first), sizeof(*all), by_number);
    for (uint64_t i = 0; i < end - first; i++) {
        if (!*n || all[*n - 1] != all[i])
            all[(*n)++] = all[i];
    }
    return all;
}

// Slots of one source that own what is no object.
static void gather_dangling(insp_refs *refs)
{
    gathering *g = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        if (g->rows.len < INSP_MOST_DANGLING && ref->form != INSP_FORM_BODY &&
            ref->kind == INSP_REF_OWNED && !ref->stale && ref->target >= g->start &&
            ref->target < g->end && insp_heap_number(&g->s->heap, ref->target) == INSP_NONE)
            add_row(g, ref, INSP_NONE);
    }
    refs->len = 0;
}

insp_status insp_dangling(insp_session *s, insp_addr start, insp_addr end,
                          const insp_edges **out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    gathering g = {.s = s, .dst = INSP_NONE, .start = start, .end = end};
    insp_edges *answer = insp_answer_new(sizeof(*answer), &g.arena);
    if (!answer)
        return insp_nomem(err);
    const insp_u32s *nodes = &s->heap.dangling;
    for (size_t i = 0; i < nodes->len && !g.failed && g.rows.len < INSP_MOST_DANGLING; i++) {
        if (is_node(&s->heap, nodes->at[i]))
            walk(&g, nodes->at[i], gather_dangling);
    }
    return finish(&g, answer, out, err);
}

static void gather_pointers(insp_refs *refs)
{
    gathering *g = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        if (ref->target == g->start && ref->form != INSP_FORM_BODY &&
            ref->kind == INSP_REF_OWNED)
            add_row(g, ref, insp_heap_number(&g->s->heap, ref->target));
    }
    refs->len = 0;
}

// A word that leads to a tracked container, or to its gc head, as the collector's own variables do.
static void look_from(gathering *g, insp_map *seen, insp_addr word)
{
    const insp_heap *h = &g->s->heap;
    uint32_t head = (uint32_t)INSP_OFF(&g->s->py.layout, PyGC_Head, sizeof);
    uint32_t n = insp_heap_number(h, word);
    if (n == INSP_NONE)
        n = insp_heap_number(h, word + head);
    if (n == INSP_NONE || insp_heap_gc(h, n) <= INSP_GC_UNTRACKED ||
        insp_map_get(seen, n) != INSP_MAP_NONE || !insp_map_set(seen, n, 1))
        return;
    walk(g, n, gather_pointers);
}

insp_status insp_collector_at(insp_session *s, int64_t thread, insp_addr pointer,
                              const insp_edges **out, insp_error *err)
{
    enum { WORDS = 4096 };
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    gathering g = {.s = s, .dst = INSP_NONE, .start = pointer};
    insp_edges *answer = insp_answer_new(sizeof(*answer), &g.arena);
    if (!answer)
        return insp_nomem(err);
    insp_map seen = {0};
    for (size_t i = 0; s->threads && i < s->threads->len; i++) {
        const insp_thread_regs *t = &s->threads->at[i];
        if (t->tid != thread)
            continue;
        for (uint32_t k = 0; k < t->n_regs && !g.rows.len; k++)
            look_from(&g, &seen, t->regs[k]);
        insp_addr sp = insp_thread_sp(t) & ~UINT64_C(7);
        bool ok = true;
        for (uint32_t k = 0; k < WORDS && ok && !g.rows.len && !g.failed; k++)
            look_from(&g, &seen, insp_space_u64(&s->space, sp + k * 8u, &ok));
    }
    insp_map_deinit(&seen);
    return finish(&g, answer, out, err);
}

insp_status insp_referrers(insp_session *s, uint32_t number, const insp_edges **out,
                           insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REVERSE, err);
    if (!st)
        st = check_number(s, number, err);
    if (st)
        return st;
    gathering g = {.s = s, .dst = number};
    insp_edges *answer = insp_answer_new(sizeof(*answer), &g.arena);
    size_t n = 0;
    uint32_t *sources = answer ? sources_of(s, number, &n) : NULL;
    if (!sources) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    for (size_t i = 0; i < n; i++)
        walk(&g, sources[i], gather);
    free(sources);
    return finish(&g, answer, out, err);
}

insp_status insp_root_at(insp_session *s, uint32_t number, insp_root *out, insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REFERENCES, err);
    if (st)
        return st;
    insp_heap *h = &s->heap;
    if (number < h->n_objects || number >= h->n_nodes)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "there is no root number %u", number);
    const insp_root_row *row = &h->roots.at[number - h->n_objects];
    insp_iframe f;
    *out = (insp_root){.number = number,
                       .interp = row->interp,
                       .kind = row->kind,
                       .name = row->name,
                       .addr = row->addr,
                       .file = ""};
    if (row->thread != INSP_NONE)
        out->thread = s->py.threads.at[row->thread].tid;
    if (strcmp(row->kind, "frame") != 0 || !insp_iframe_look(&h->decoder, row->addr, &f))
        return INSP_OK;
    char file[512] = "";
    insp_addr name = INSP_U64(&h->decoder.r, f.code, PyCodeObject, co_filename);
    (void)insp_str_read(&h->decoder.r, name, file, sizeof(file));
    const char *kept = insp_arena_text(&s->text, file, strlen(file));
    out->file = kept ? kept : "";
    out->line = insp_code_line(&h->decoder, f.code, f.instr);
    return insp_session_check(s, err);
}

// The owner of an object that one owner has; INSP_NONE where there are several, or none.
static uint32_t only_owner(const insp_session *s, uint32_t number)
{
    uint32_t owner = INSP_NONE;
    for (uint64_t i = s->reverse.off[number]; i < s->reverse.off[number + 1]; i++) {
        uint32_t from = s->reverse.to[i];
        if (owner != INSP_NONE && owner != from)
            return INSP_NONE;
        owner = from;
    }
    return owner;
}

// A module holds its globals; functions that borrow their counted references to it do not matter.
static bool globals_of(insp_session *s, uint32_t number, insp_str *out)
{
    insp_heap *h = &s->heap;
    for (uint64_t i = s->reverse.off[number]; i < s->reverse.off[number + 1]; i++) {
        uint32_t from = s->reverse.to[i];
        if (from >= h->n_objects)
            continue;
        const insp_typeinfo *t = h->types.at.at[h->type.at[from]];
        if (t->kind != INSP_KIND_MODULE)
            continue;
        insp_addr addr = insp_heap_addr(h, from);
        char name[200] = "?";
        if (INSP_U64(&h->decoder.r, addr, PyModuleObject, md_dict) != insp_heap_addr(h, number))
            continue;
        insp_addr md_name = INSP_U64(&h->decoder.r, addr, PyModuleObject, md_name);
        (void)insp_str_read(&h->decoder.r, md_name, name, sizeof(name));
        insp_str_printf(out, "globals of %s", name);
        return true;
    }
    return false;
}

// `['CACHE']` of a module's globals is called CACHE in the module.
static bool in_globals(insp_session *s, const insp_edge *e, insp_str *out)
{
    size_t n = strlen(e->name);
    char module[256];
    insp_str globals = insp_str_init(module, sizeof(module));
    if (n < 5 || strncmp(e->name, "['", 2) != 0 || strcmp(e->name + n - 2, "']") != 0 ||
        !globals_of(s, e->src, &globals))
        return false;
    insp_str_bytes(out, e->name + 2, n - 4);
    insp_str_printf(out, " in %s", module);
    return true;
}

static void whose_edge(insp_session *s, const insp_edge *e, insp_str *out)
{
    insp_heap *h = &s->heap;
    if (e->src >= h->n_objects) {
        insp_str_printf(out, "%s of %s", e->name, h->roots.at[e->src - h->n_objects].name);
        return;
    }
    if (in_globals(s, e, out))
        return;
    const insp_typeinfo *t = h->types.at.at[h->type.at[e->src]];
    insp_str_printf(out, "%s of %s 0x%" PRIx64, e->name, t->name, e->src_addr);
}

insp_status insp_whose(insp_session *s, uint32_t number, char *buf, size_t size,
                       insp_error *err)
{
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_REVERSE, err);
    if (!st)
        st = check_number(s, number, err);
    if (st)
        return st;
    if (!size)
        return insp_fail(err, INSP_ERR_ARGUMENT, 0, "no room for a text");
    insp_str out = insp_str_init(buf, size);
    if (number >= s->heap.n_objects || globals_of(s, number, &out))
        return insp_session_check(s, err);
    uint32_t owner = only_owner(s, number);
    if (owner == INSP_NONE)
        return INSP_OK;
    const insp_edges *edges = NULL;
    st = insp_referrers(s, number, &edges, err);
    if (st)
        return st;
    if (edges->len)
        whose_edge(s, &edges->rows[0], &out);
    insp_answer_free(edges);
    return insp_session_check(s, err);
}
