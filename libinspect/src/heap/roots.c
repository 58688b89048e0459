// SPDX-License-Identifier: MIT
/**
 * @file
 * What owns references and is no object: interpreters, thread states, frames, static storage.
 *
 * Only what is known by structure stands here. A word of C memory that may or may not own a reference
 * is analysis/native.c's.
 */
#include "../cpython/members.h"
#include "../object/frame.h"
#include "../object/str.h"
#include "heap.h"

enum { MAX_FRAMES = 1 << 24, MAX_CALLBACKS = 1 << 20, MAX_IDENTIFIERS = 1 << 20 };

/** Kinds of roots: their text says which, and the walk goes by it. */
static const char kind_interpreter[] = "interpreter";
static const char kind_gc[] = "gc";
static const char kind_atexit[] = "atexit";
static const char kind_cache[] = "type cache";
static const char kind_thread[] = "thread";
static const char kind_frame[] = "frame";
static const char kind_static[] = "static";
static const char kind_tracemalloc[] = "tracemalloc";

static bool add(insp_heap *h, insp_root_row row)
{
    return insp_root_rows_push(&h->roots, row);
}

// In 3.8 all interpreters have the one collector of the runtime: bpo-36854 gave each its own.
static bool has_collector(const insp_cpython *py, uint32_t i)
{
    return i == 0 || py->interps.at[i].gc != py->interps.at[0].gc;
}

static bool add_interpreter(insp_heap *h, uint32_t i)
{
    insp_addr addr = h->py->interps.at[i].addr;
    insp_root_row row = {.addr = addr, .interp = i, .thread = INSP_NONE, .module = INSP_NONE};
    static const struct {
        const char *kind, *name;
    } parts[] = {
        {kind_interpreter, "interpreter state"},
        {kind_gc, "collector"},
        {kind_atexit, "atexit"},
        {kind_cache, "type attribute cache"},
    };
    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
        row.kind = parts[k].kind;
        row.name = parts[k].name;
        bool has = row.kind != kind_gc || has_collector(h->py, i);
        if (has && !add(h, row))
            return false;
    }
    return true;
}

// What a frame with its own object or generator holds is theirs. While a generator runs, though, the
// traversal of it shows no locals: they are the thread's as long as it does.
static bool is_root_frame(const insp_iframe *f)
{
    // Up to 3.10 what evaluates a frame holds its object, but not that of a generator (_PyEval_EvalFrame).
    if (f->frame_object == f->addr)
        return !f->generator;
    if (f->owner == INSP_FRAME_THREAD)
        return true;
    return f->owner == INSP_FRAME_GENERATOR && f->executing;
}

static const char *frame_name(insp_heap *h, const insp_iframe *f)
{
    char name[200];
    insp_addr code_name = insp_code_name(&h->decoder, f->code);
    if (insp_str_read(&h->decoder.r, code_name, name, sizeof(name)) < 0)
        return "?";
    return insp_arena_printf(&h->text, "%s()", name);
}

static bool add_frame(insp_heap *h, uint32_t thread, const insp_iframe *f)
{
    if (!is_root_frame(f))
        return true;
    insp_root_row row = {.kind = kind_frame,
                         .name = frame_name(h, f),
                         .addr = f->addr,
                         .interp = h->py->threads.at[thread].interp,
                         .thread = thread,
                         .module = INSP_NONE};
    return row.name && add(h, row);
}

// A frame is one thread's: `met` is of all of them, or else many threads could share a long chain.
static bool add_frames(insp_heap *h, uint32_t thread, insp_map *met)
{
    insp_addr at = h->py->threads.at[thread].frame;
    bool fits = true;
    for (int i = 0; fits && at && i < MAX_FRAMES; i++) {
        insp_iframe f;
        if (insp_map_get(met, at) != INSP_MAP_NONE || !insp_iframe_look(&h->decoder, at, &f)) {
            insp_found(
                h->py->findings, "frame", at,
                "the frame at 0x%" PRIx64
                " has no sound code, or comes a second time; the chain is given up there",
                at);
            h->decoder.r.bad = false;
            break;
        }
        fits = insp_map_set(met, at, 1) && add_frame(h, thread, &f);
        at = f.previous;
    }
    return fits;
}

insp_status insp_roots_collect(insp_heap *h, insp_error *err)
{
    bool fits = true;
    insp_map met = {0};
    for (uint32_t i = 0; fits && i < h->py->interps.len; i++)
        fits = add_interpreter(h, i);
    for (uint32_t i = 0; fits && i < h->py->threads.len; i++) {
        const insp_tstate *ts = &h->py->threads.at[i];
        fits = add(h, (insp_root_row){.kind = kind_thread,
                                      .name = "thread state",
                                      .addr = ts->addr,
                                      .interp = ts->interp,
                                      .thread = i,
                                      .module = INSP_NONE}) &&
               add_frames(h, i, &met);
    }
    insp_map_deinit(&met);
    insp_addr names = h->py->tracemalloc.filenames;
    if (fits && names)
        fits = add(h, (insp_root_row){.kind = kind_tracemalloc,
                                      .name = "file names",
                                      .addr = names,
                                      .interp = INSP_NONE,
                                      .thread = INSP_NONE,
                                      .module = INSP_NONE});
    return fits ? INSP_OK : insp_nomem(err);
}

// A statically allocated object is born with one reference that nobody holds (PyObject_HEAD_INIT).
insp_status insp_static_root(insp_heap *h, insp_error *err)
{
    insp_map seen = {0};
    bool fits = true;
    for (size_t i = 0; fits && i < h->outside.len; i++) {
        const insp_segment *seg = insp_space_find(h->py->space, h->outside.at[i]);
        uint32_t module = seg ? insp_module_at(h->py, h->outside.at[i]) : INSP_NONE;
        if (module == INSP_NONE || insp_map_get(&seen, module) != INSP_MAP_NONE)
            continue;
        const insp_image *image = &h->py->images->at[module];
        fits = insp_map_set(&seen, module, 1) && add(h, (insp_root_row){.kind = kind_static,
                                                                        .name = image->path,
                                                                        .addr = image->start,
                                                                        .interp = INSP_NONE,
                                                                        .thread = INSP_NONE,
                                                                        .module = module});
    }
    insp_map_deinit(&seen);
    return fits ? INSP_OK : insp_nomem(err);
}

static void walk_members(insp_decoder *d, insp_addr base, insp_member_rows rows)
{
    for (size_t i = 0; i < rows.n; i++) {
        insp_member_span span = insp_member_span_of(&d->py->layout, &rows.at[i]);
        for (int32_t at = span.start; at + 8 <= span.end; at += 8)
            insp_emit_named(d, base + (uint32_t)at, rows.at[i].name, false);
    }
}

// Names made by _Py_IDENTIFIER (Objects/unicodeobject.c, _PyUnicode_FromId).
static void walk_identifiers(insp_decoder *d, insp_addr interp)
{
    uint64_t n = INSP_U64(&d->r, interp, PyInterpreterState, unicode_ids_size);
    insp_addr array = INSP_U64(&d->r, interp, PyInterpreterState, unicode_ids_array);
    for (uint64_t i = 0; array && i < n && i < MAX_IDENTIFIERS && insp_goes_on(d); i++)
        insp_emit_slot(d, array + i * 8, INSP_FORM_NAME, (uintptr_t) "identifier",
                       INSP_REF_OWNED, false);
}

// struct ast_state is nothing but objects, after a few ints.
static void walk_ast(insp_decoder *d, insp_addr interp)
{
    const insp_layout *l = &d->py->layout;
    int32_t from = INSP_OFF(l, PyInterpreterState, ast_state);
    int32_t to = from + INSP_OFF(l, PyInterpreterState, ast_state_size);
    for (int32_t at = (from + 7) & ~7; from >= 0 && at < to; at += 8) {
        insp_addr word = insp_u64(&d->r, interp + (uint32_t)at);
        if (word > UINT32_MAX >> 8 && !(word & 7) &&
            insp_type_at(d->types, &d->r, INSP_U64(&d->r, word, PyObject, ob_type)))
            insp_emit_slot(d, interp + (uint32_t)at, INSP_FORM_NAME, (uintptr_t) "ast",
                           INSP_REF_OWNED, false);
        d->r.bad = false;
    }
}

static void walk_atexit(insp_decoder *d, insp_addr interp)
{
    const insp_layout *l = &d->py->layout;
    uint32_t n = INSP_U32(&d->r, interp, PyInterpreterState, atexit_ncallbacks);
    insp_addr array = INSP_U64(&d->r, interp, PyInterpreterState, atexit_callbacks);
    for (uint32_t i = 0; array && i < n && i < MAX_CALLBACKS && insp_goes_on(d); i++) {
        insp_addr callback = insp_u64(&d->r, array + i * UINT64_C(8));
        if (!callback)
            continue;
        insp_emit_named(d, callback + (uint32_t)INSP_OFF(l, atexit_callback, func),
                        "atexit callback", false);
        insp_emit_named(d, callback + (uint32_t)INSP_OFF(l, atexit_callback, args),
                        "atexit arguments", false);
        insp_emit_named(d, callback + (uint32_t)INSP_OFF(l, atexit_callback, kwargs),
                        "atexit keywords", false);
    }
}

// The name of an entry is owned, its value is not (Objects/typeobject.c, _PyType_Lookup).
static void walk_type_cache(insp_decoder *d, insp_addr cache)
{
    const insp_layout *l = &d->py->layout;
    uint32_t step = (uint32_t)INSP_OFF(l, type_cache_entry, sizeof);
    insp_addr name = cache + (uint32_t)INSP_OFF(l, type_cache_entry, name);
    for (uint32_t i = 0; cache && i < INSP_TYPE_CACHE_ENTRIES; i++)
        insp_emit_named(d, name + i * step, "name", false);
}

// The names of the files in its tracebacks (Modules/_tracemalloc.c, tracemalloc_get_frame).
static void walk_filenames(insp_decoder *d, insp_addr table)
{
    insp_hashtable_walk w;
    insp_addr slot;
    if (!insp_hashtable_begin(&d->r, table, &w))
        return;
    while (insp_goes_on(d) && insp_hashtable_next(&d->r, &w)) {
        (void)insp_hashtable_key(&d->r, w.entry, &slot);
        insp_emit_named(d, slot, "file name", false);
    }
}

static void walk_frame(insp_decoder *d, insp_addr addr)
{
    insp_iframe f;
    if (!insp_iframe_look(d, addr, &f))
        return;
    d->inner = insp_callee_of(d, addr);
    if (f.frame_object == f.addr)
        insp_emit(d->refs, (insp_ref){.target = f.addr,
                                      .arg = (uintptr_t) "frame being evaluated",
                                      .form = INSP_FORM_NAME,
                                      .kind = INSP_REF_OWNED});
    else if (f.owner == INSP_FRAME_GENERATOR)
        insp_walk_iframe_slots(d, &f, false);
    else
        insp_walk_iframe(d, addr, false);
}

void insp_root_walk(insp_heap *h, uint32_t root)
{
    insp_decoder *d = &h->decoder;
    const insp_root_row *row = &h->roots.at[root];
    if (row->kind == kind_interpreter) {
        walk_members(d, row->addr, insp_interpreter_members());
        walk_identifiers(d, row->addr);
        walk_ast(d, row->addr);
    } else if (row->kind == kind_gc && row->interp != INSP_NONE) {
        walk_members(d, h->py->interps.at[row->interp].gc, insp_collector_members());
    } else if (row->kind == kind_atexit) {
        walk_atexit(d, row->addr);
    } else if (row->kind == kind_cache) {
        walk_type_cache(d, insp_type_cache_of(h->py, row->interp));
    } else if (row->kind == kind_thread) {
        walk_members(d, row->addr, insp_thread_members());
    } else if (row->kind == kind_frame) {
        walk_frame(d, row->addr);
    } else if (row->kind == kind_tracemalloc) {
        walk_filenames(d, row->addr);
    } else {
        insp_static_walk(h, row->module);
    }
    d->inner = 0;
    d->r.bad = false;
}
