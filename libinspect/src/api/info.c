// SPDX-License-Identifier: MIT
/**
 * @file
 * Questions about the target, the interpreter and the layout.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

insp_status insp_session_problems(const insp_session *s, const insp_problems **out,
                                  insp_error *err)
{
    insp_arena *arena;
    size_t n = s->problems.len;
    insp_problems *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_problem *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    bool fits = rows != NULL;
    for (size_t i = 0; fits && i < n; i++) {
        rows[i] = s->problems.at[i];
        fits = insp_answer_text(arena, rows[i].text, &rows[i].text);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    *answer = (insp_problems){rows, n};
    *out = answer;
    return INSP_OK;
}

insp_status insp_session_modules(const insp_session *s, const insp_modules **out,
                                 insp_error *err)
{
    insp_arena *arena;
    insp_modules *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_module *rows =
        answer ? insp_arena_array(arena, s->images.len + 1, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    bool fits = true;
    for (size_t i = 0; fits && i < s->images.len; i++) {
        const insp_image *image = &s->images.at[i];
        char id[2 * INSP_BUILD_ID_MAX + 1];
        rows[i] = (insp_module){.start = image->start, .end = image->end};
        fits = insp_answer_text(arena, insp_build_id_text(&image->build_id, id),
                                &rows[i].build_id) &&
               insp_answer_text(arena, image->path, &rows[i].path) &&
               insp_answer_text(arena, image->file, &rows[i].file);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = s->images.len;
    *out = answer;
    return INSP_OK;
}

static const char *machine_name(const insp_session *s)
{
    uint16_t machine = s->images.at[s->py.module].machine;
    return machine == EM_X86_64 ? "x86-64" : machine == EM_AARCH64 ? "aarch64" : "unknown";
}

// Once the arenas were read those that overlap or cannot be are not among them.
static insp_status arena_bytes(insp_session *s, uint64_t *out, insp_error *err)
{
    insp_heap *h = &s->heap;
    bool read = insp_heap_is_enumerated(h);
    insp_status st = read ? INSP_OK : insp_heap_look(h, err);
    *out = (read ? h->pools.arenas.len : h->arenas.len) * s->py.pymalloc.arena_size;
    return st;
}

insp_status insp_python_info(insp_session *s, const insp_python **out, insp_error *err)
{
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (st)
        return st;
    uint64_t arenas;
    st = arena_bytes(s, &arenas, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_python *answer = insp_answer_new(sizeof(*answer), &arena);
    if (!answer)
        return insp_nomem(err);
    const insp_image *image = &s->images.at[s->py.module];
    char id[2 * INSP_BUILD_ID_MAX + 1];
    *answer = (insp_python){
        .hex = s->py.hex,
        .debug = s->py.debug,
        .free_threaded = s->py.free_threaded,
        .runtime = s->py.runtime,
        .machine = machine_name(s),
        .allocator = s->py.allocator,
        .tracemalloc = s->py.tracemalloc.traces != 0,
        .arena_bytes = arenas,
    };
    if (!insp_answer_text(arena, s->py.version, &answer->version) ||
        !insp_answer_text(arena, s->py.found_by, &answer->found_by) ||
        !insp_answer_text(arena, image->path, &answer->module) ||
        !insp_answer_text(arena, insp_build_id_text(&image->build_id, id), &answer->build_id)) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    for (size_t i = 0; i < s->py.interps.len; i++)
        answer->gc_running |= s->py.interps.at[i].gc_collecting != 0;
    *out = answer;
    return INSP_OK;
}

insp_status insp_layout_proofs(insp_session *s, const insp_proofs **out, insp_error *err)
{
    insp_status st = insp_need(s, INSP_STAGE_OBJECTS, err);
    // Whether a proof failed is just what is asked.
    if (st && (st != INSP_ERR_REFUSED || s->reached < INSP_STAGE_RUNTIME))
        return st;
    insp_arena *arena;
    size_t n = s->py.proofs.len;
    insp_proofs *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_proof *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    bool fits = true;
    for (size_t i = 0; fits && i < n; i++) {
        const insp_proof_row *p = &s->py.proofs.at[i];
        char buf[64];
        const char *source =
            insp_layout_source_text(&s->py.layout, p->member, buf, sizeof(buf));
        rows[i] = (insp_proof){
            .structure = p->structure, .needed_by = p->needed_by, .result = p->result};
        fits = insp_answer_text(arena, source, &rows[i].source) &&
               insp_answer_text(arena, p->text, &rows[i].text);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = n;
    *out = answer;
    return INSP_OK;
}

insp_status insp_layout_fields(insp_session *s, const insp_field_rows **out, insp_error *err)
{
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (st)
        return st;
    insp_arena *arena;
    insp_field_rows *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_field_row *rows = answer ? insp_arena_array(arena, INSP_MEMBERS, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    bool fits = true;
    for (uint32_t i = 0; fits && i < INSP_MEMBERS; i++) {
        insp_member m = (insp_member)i;
        char buf[64];
        const char *source = insp_layout_source_text(&s->py.layout, m, buf, sizeof(buf));
        rows[i] = (insp_field_row){.structure = insp_member_struct(m),
                                   .field = insp_member_name(m),
                                   .offset = s->py.layout.off[i]};
        fits = insp_answer_text(arena, source, &rows[i].source);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = INSP_MEMBERS;
    *out = answer;
    return INSP_OK;
}

// Length of a list by its links alone, for sessions that have not marked the objects.
static uint64_t list_length(insp_session *s, const insp_gc_list *list)
{
    insp_reader r = insp_reader_of(&s->space, &s->py.layout);
    uint64_t n = 0, most = UINT64_C(1) << 40;
    insp_addr at = insp_gc_next(&r, list->head), slow = list->head;
    // A damaged list may be a circle that its head is not on: a second walker at half the speed meets
    // the first one then (Floyd).
    while (!r.bad && at && at != list->head && n < most) {
        if (n++ & 1)
            slow = insp_gc_next(&r, slow);
        if (at == slow)
            break;
        at = insp_gc_next(&r, at);
    }
    return n;
}

// The same where they have: those of a list are of its state, and its interpreter's.
static uint64_t marked(const insp_session *s, uint32_t interp, uint32_t list)
{
    uint64_t n = 0;
    bool alone = s->py.interps.len == 1;
    for (uint32_t i = 0; i < s->heap.n_objects; i++)
        n += insp_heap_is_object(&s->heap, i) &&
             insp_heap_gc(&s->heap, i) == INSP_GC_FIRST_LIST + list &&
             (alone || insp_heap_interp(&s->heap, i) == interp);
    return n;
}

// Without lists there is one generation, and bits of each object say what is in it.
static bool fill_from_bits(const insp_session *s, uint32_t interp, insp_interpreter *to,
                           insp_arena *arena)
{
    static const struct {
        const char *name;
        uint32_t list; // as the state of objects counts them
    } parts[] = {{"tracked", INSP_GC_LOOSE - INSP_GC_FIRST_LIST}, {"frozen", 3}};
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    insp_generation *rows = insp_arena_array(arena, PARTS, sizeof(*rows));
    bool known = s->reached >= INSP_STAGE_OBJECTS;
    for (uint32_t i = 0; rows && known && i < PARTS; i++)
        rows[i] = (insp_generation){.name = parts[i].name,
                                    .objects = marked(s, interp, parts[i].list),
                                    .threshold = -1,
                                    .count = -1,
                                    .collections = -1,
                                    .collected = -1,
                                    .uncollectable = -1};
    to->generations = rows;
    to->n_generations = known ? PARTS : 0;
    return rows != NULL;
}

static bool fill_generations(insp_session *s, const insp_interp *in, insp_interpreter *to,
                             insp_arena *arena)
{
    if (s->py.layout.flavour->gc == INSP_GC_NO_LISTS)
        return fill_from_bits(s, (uint32_t)(in - s->py.interps.at), to, arena);
    insp_generation *rows = insp_arena_array(arena, in->n_lists, sizeof(*rows));
    if (!rows)
        return false;
    bool known = s->reached >= INSP_STAGE_OBJECTS && s->py.interps.len == 1;
    for (uint32_t i = 0; i < in->n_lists; i++) {
        const insp_gc_list *l = &in->lists[i];
        rows[i] = (insp_generation){.name = l->name,
                                    .objects = known ? marked(s, 0, i) : list_length(s, l),
                                    .threshold = l->threshold,
                                    .count = l->count,
                                    .collections = l->collections,
                                    .collected = l->collected,
                                    .uncollectable = l->uncollectable};
    }
    to->generations = rows;
    to->n_generations = in->n_lists;
    return true;
}

insp_status insp_interpreter_list(insp_session *s, const insp_interpreters **out,
                                  insp_error *err)
{
    static const char *const needed[] = {"PyInterpreterState", "gc state", NULL};
    INSP_GUARDED;
    insp_status st = insp_need(s, INSP_STAGE_RUNTIME, err);
    if (!st)
        st = insp_require(s, needed, err);
    if (st)
        return st;
    insp_arena *arena;
    size_t n = s->py.interps.len;
    insp_interpreters *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_interpreter *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    bool fits = rows != NULL;
    insp_reader r = insp_reader_of(&s->space, &s->py.layout);
    for (size_t i = 0; fits && i < n; i++) {
        const insp_interp *in = &s->py.interps.at[i];
        rows[i] = (insp_interpreter){.addr = in->addr,
                                     .id = in->id,
                                     .threads = in->n_threads,
                                     .gc_enabled = in->gc_enabled,
                                     .gc_collecting = in->gc_collecting,
                                     .long_lived_total = in->long_lived_total,
                                     .long_lived_pending = in->long_lived_pending};
        if (in->garbage)
            rows[i].garbage = INSP_U64(&r, in->garbage, PyVarObject, ob_size);
        fits = fill_generations(s, in, &rows[i], arena);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = n;
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
