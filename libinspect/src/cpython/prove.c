// SPDX-License-Identifier: MIT
/**
 * @file
 * Is the layout true of this target? What the runtime can tell; object/ and heap/ add their own rows.
 */
#include <string.h>

#include "cpython.h"
#include "members.h"

enum { LIST_STEPS = 4096 };

// type is its own type; every object leads there in a few steps (an object, its class, a metaclass).
static insp_addr climb(insp_reader *r, insp_addr o)
{
    for (int k = 0; k < 8 && o && !r->bad; k++) {
        insp_addr t = INSP_U64(r, o, PyObject, ob_type);
        if (t == o)
            return o;
        o = t;
    }
    return 0;
}

static insp_addr find_type_type(insp_cpython *py, insp_reader *r)
{
    const insp_symbol *symbol = insp_image_symbol(&py->images->at[py->module], "PyType_Type");
    if (symbol)
        return symbol->addr;
    uint32_t head = (uint32_t)INSP_OFF(&py->layout, PyGC_Head, sizeof);
    insp_addr found = 0;
    for (uint32_t i = 0; i < py->interps.at[0].n_lists && !found; i++) {
        insp_addr at = py->interps.at[0].lists[i].head;
        insp_addr next = insp_gc_next(r, at);
        if (!r->bad && next != at)
            found = climb(r, next + head);
        r->bad = false;
    }
    found = found ? found : climb(r, py->interps.at[0].modules);
    r->bad = false;
    return found;
}

// Its name is a constant of the module's, in a file that may not be here.
static bool may_be_named_type(const insp_cpython *py, insp_reader *r, insp_addr t)
{
    static const char want[] = "type";
    char name[sizeof(want)];
    insp_error unread;
    insp_addr at = INSP_U64(r, t, PyTypeObject, tp_name);
    if (insp_space_read(py->space, at, name, sizeof(name), &unread))
        return insp_module_at(py, at) == py->module;
    return !memcmp(name, want, sizeof(name));
}

static bool prove_types(insp_cpython *py, insp_reader *r)
{
    py->type_type = find_type_type(py, r);
    insp_addr t = py->type_type;
    insp_addr meta = t ? INSP_U64(r, t, PyObject, ob_type) : 0;
    // But for the builds without the GIL the count is the word in front of the type.
    int32_t count = INSP_OFF(&py->layout, PyObject, ob_refcnt);
    bool apart = count >= 0 && count + 8 != INSP_OFF(&py->layout, PyObject, ob_type);
    bool ok = t && meta == t && !r->bad && !apart;
    if (!insp_prove(py, "PyObject", INSP_F_PyObject_ob_type, "everything",
                    ok ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                    "type(type) is type: 0x%" PRIx64 " +%d", t,
                    INSP_OFF(&py->layout, PyObject, ob_type)))
        return false;
    ok = ok && may_be_named_type(py, r, t);
    uint64_t size = ok ? INSP_U64(r, t, PyTypeObject, tp_basicsize) : 0;
    int64_t want = INSP_OFF(&py->layout, PyHeapTypeObject, sizeof);
    r->bad = false;
    return insp_prove(py, "PyTypeObject", INSP_F_PyTypeObject_tp_basicsize, "everything",
                      (int64_t)size == want ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      "tp_basicsize of type is %" PRIu64 ", PyHeapTypeObject has %" PRId64,
                      size, want);
}

/** What was compared of the members that own references. */
typedef struct member_count {
    uint32_t asked, wrong;
    const char *which;
} member_count;

static bool lies_on_another(const insp_layout *l, insp_member_rows rows, size_t i)
{
    insp_member_span a = insp_member_span_of(l, &rows.at[i]);
    for (size_t k = 0; k < rows.n; k++) {
        insp_member_span b = insp_member_span_of(l, &rows.at[k]);
        if (k != i && a.start < b.end && b.start < a.end)
            return true;
    }
    return false;
}

static bool holds_its_type(insp_cpython *py, insp_reader *r, insp_addr base,
                           const insp_member_row *row, member_count *n)
{
    insp_member_span span = insp_member_span_of(&py->layout, row);
    bool ok = true;
    for (int32_t at = span.start; ok && at + 8 <= span.end; at += 8) {
        insp_addr value = insp_u64(r, base + (uint32_t)at);
        r->bad = false;
        n->asked += value && row->bit;
        ok = !value || !row->bit || insp_type_has_bit(py, r, value, row->bit);
    }
    return ok;
}

// All are looked at before one is left out: two that share a word are both wrong.
static void look_at_members(insp_cpython *py, insp_reader *r, insp_addr base,
                            insp_member_rows rows, member_count *n)
{
    enum { MOST = 64 };
    bool wrong[MOST] = {false};
    for (size_t i = 0; i < rows.n && i < MOST; i++)
        wrong[i] = lies_on_another(&py->layout, rows, i) ||
                   (base && !holds_its_type(py, r, base, &rows.at[i], n));
    for (size_t i = 0; i < rows.n && i < MOST; i++) {
        if (!wrong[i])
            continue;
        py->layout.off[rows.at[i].member] = -1;
        n->wrong++;
        n->which = rows.at[i].name;
    }
}

// A dict, which does not own its keys.
static void look_at_interned(insp_cpython *py, insp_reader *r, member_count *n)
{
    for (size_t i = 0; i < py->interps.len; i++) {
        insp_interp *in = &py->interps.at[i];
        if (!in->interned || insp_type_has_bit(py, r, in->interned, INSP_BIT_DICT))
            continue;
        in->interned = 0;
        n->wrong++;
        n->which = "interned strings";
    }
    r->bad = false;
}

// A member that is something else is left out: what is held there is a reference of C's then.
static bool prove_members(insp_cpython *py, insp_reader *r)
{
    member_count n = {0};
    const insp_interp *in = &py->interps.at[0];
    look_at_members(py, r, in->addr, insp_interpreter_members(), &n);
    look_at_members(py, r, in->gc, insp_collector_members(), &n);
    look_at_interned(py, r, &n);
    look_at_members(py, r, py->threads.len ? py->threads.at[0].addr : 0, insp_thread_members(),
                    &n);
    r->bad = false;
    if (n.wrong)
        return insp_prove(
            py, "members", INSP_F_PyInterpreterState_modules, "roots", INSP_PROOF_REPAIRED,
            "%u are not what they should be and are left out: %s", n.wrong, n.which);
    return insp_prove(py, "members", INSP_F_PyInterpreterState_modules, "roots", INSP_PROOF_OK,
                      "%u that interpreters and threads own are of the type they should be",
                      n.asked);
}

static bool prove_interpreters(insp_cpython *py, insp_reader *r)
{
    uint64_t agree = 0;
    // Nothing points back before 3.9 (bpo-36854): there the threads alone do.
    if (INSP_OFF(&py->layout, PyInterpreterState, runtime) < 0)
        return insp_prove(py, "PyInterpreterState", INSP_F_PyInterpreterState_threads_head,
                          "everything", py->threads.len ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                          "%zu threads point back at their interpreters", py->threads.len);
    for (size_t i = 0; i < py->interps.len; i++)
        agree +=
            INSP_U64(r, py->interps.at[i].addr, PyInterpreterState, runtime) == py->runtime;
    bool ok = agree == py->interps.len && py->threads.len > 0;
    r->bad = false;
    return insp_prove(py, "PyInterpreterState", INSP_F_PyInterpreterState_runtime, "everything",
                      ok ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      "its runtime pointer is 0x%" PRIx64 "; %zu threads agree", py->runtime,
                      py->threads.len);
}

/** Links of the collector's lists, and how many of them are the same from both ends. */
typedef struct link_count {
    uint64_t asked, agree;
} link_count;

// From the head on, for some thousand steps. In a collection _gc_prev holds a count, so then only the
// forward direction says anything.
static void count_links(insp_reader *r, const insp_interp *in, insp_addr head, link_count *n)
{
    insp_addr at = head;
    for (int i = 0; i < LIST_STEPS; i++) {
        insp_addr next = insp_gc_next(r, at);
        insp_addr back = INSP_U64(r, next, PyGC_Head, _gc_prev) & ~UINT64_C(3);
        bool ends = r->bad || !next;
        r->bad = false;
        n->asked++;
        n->agree += !ends && (in->gc_collecting || back == at);
        if (ends || next == head)
            break;
        at = next;
    }
}

// Memory that was overwritten breaks single links, and they are findings; a wrong layout breaks them all.
static bool prove_gc(insp_cpython *py, insp_reader *r)
{
    link_count n = {0, 0};
    bool ok = true;
    if (py->layout.flavour->gc == INSP_GC_NO_LISTS)
        return insp_prove(py, "gc state", INSP_F_gc_runtime_state_enabled, "all but layout",
                          INSP_PROOF_UNKNOWN, "a free-threaded build has no lists of objects");
    for (size_t i = 0; i < py->interps.len; i++) {
        const insp_interp *in = &py->interps.at[i];
        insp_addr first = INSP_U64(r, in->gc, gc_runtime_state, generation0);
        bool has = INSP_OFF(&py->layout, gc_runtime_state, generation0) >= 0;
        ok = ok && (!has || !in->n_lists || first == in->lists[0].head);
        for (uint32_t k = 0; k < in->n_lists; k++)
            count_links(r, in, in->lists[k].head, &n);
    }
    r->bad = false;
    return insp_prove(
        py, "gc state", INSP_F_gc_runtime_state_generations, "all but layout",
        ok && n.agree >= n.asked - n.asked / 10 ? INSP_PROOF_OK : INSP_PROOF_FAILED,
        "generation0 is the first list; neighbours agree both ways, %" PRIu64 " of %" PRIu64,
        n.agree, n.asked);
}

// Entries of the type attribute cache are of a name, which is a str, or None where they were cleared.
static bool is_cached_name(insp_cpython *py, insp_reader *r, insp_addr name)
{
    uint64_t none_size = (uint32_t)INSP_OFF(r->layout, PyObject, sizeof);
    insp_addr type = name & 7 ? 0 : INSP_U64(r, name, PyObject, ob_type);
    bool is = insp_type_has_bit(py, r, name, INSP_BIT_STR) ||
              (insp_is_type(r, py, type) &&
               INSP_U64(r, type, PyTypeObject, tp_basicsize) == none_size);
    r->bad = false;
    return is;
}

// What is no cache is left out: its names are references of C's then. Interpreters fill it before they run anything.
static bool prove_type_cache(insp_cpython *py, insp_reader *r)
{
    insp_addr cache = insp_type_cache_of(py, 0);
    uint32_t step = (uint32_t)INSP_OFF(r->layout, type_cache_entry, sizeof);
    uint32_t asked = 0, agree = 0;
    for (uint32_t i = 0; cache && i < INSP_TYPE_CACHE_ENTRIES; i++) {
        insp_addr name = INSP_U64(r, cache + (uint64_t)i * step, type_cache_entry, name);
        asked += name != 0;
        agree += name && is_cached_name(py, r, name);
    }
    r->bad = false;
    bool has_cache = INSP_OFF(&py->layout, type_cache_entry, name) >= 0;
    bool ok = asked && agree >= asked - asked / 20;
    if (!ok) {
        py->type_cache = 0;
        INSP_OFF(&py->layout, PyInterpreterState, type_cache) = -1;
    }
    return insp_prove(py, "type cache", INSP_F_type_cache_entry_name, "roots",
                      !has_cache ? INSP_PROOF_UNKNOWN
                      : ok       ? INSP_PROOF_OK
                                 : INSP_PROOF_FAILED,
                      "names in it are str, %u of %u", agree, asked);
}

/** What the chains of all threads come to. */
typedef struct frame_count {
    uint64_t frames, ended, blank;
    bool ok;
} frame_count;

// A frame of zeros is memory that the core lacks: gdb's gcore leaves out stacks whose guard pages it cannot
// read (glibc 2.42), and the frame between C and Python lies there.
static bool is_blank(insp_reader *r, insp_addr frame)
{
    int32_t size = INSP_OFF(r->layout, PyInterpreterFrame, sizeof);
    uint64_t any = size <= 0;
    for (int32_t at = 0; at + 8 <= size; at += 8)
        any |= insp_u64(r, frame + (uint32_t)at);
    return !any;
}

// The instruction of a frame lies in its code, or is the one before the first.
static bool has_instruction(insp_reader *r, insp_addr frame, insp_addr code)
{
    enum { UNIT = 2 };
    if (INSP_OFF(r->layout, PyInterpreterFrame, prev_instr) < 0)
        return true;
    insp_addr first = code + (uint32_t)INSP_OFF(r->layout, PyCodeObject, co_code_adaptive);
    uint64_t units = INSP_U64(r, code, PyVarObject, ob_size);
    insp_addr at = INSP_U64(r, frame, PyInterpreterFrame, prev_instr);
    return !r->bad && at - (first - UNIT) <= units * UNIT;
}

static bool is_frame_object(insp_reader *r, insp_addr object, insp_addr frame)
{
    bool was_bad = r->bad, is = INSP_U64(r, object, PyFrameObject, f_frame) == frame;
    r->bad = was_bad;
    return is;
}

// Code of a module or a class finds its names in a mapping; that of a function has slots, and perhaps a dict that
// locals() made.
static bool has_locals(insp_cpython *py, insp_reader *r, insp_addr frame, insp_addr code)
{
    enum { CO_OPTIMIZED = 1 };
    bool objects = py->layout.flavour->frames == INSP_FRAMES_OBJECTS;
    insp_addr locals = insp_frame_locals(r, frame);
    if (!locals)
        return INSP_U32(r, code, PyCodeObject, co_flags) & CO_OPTIMIZED;
    insp_addr type = INSP_U64(r, locals, PyObject, ob_type);
    if (type == INSP_U64(r, code, PyObject, ob_type) ||
        (!objects && is_frame_object(r, locals, frame)))
        return false;
    return insp_is_type(r, py, type);
}

static void count_chain(insp_cpython *py, insp_reader *r, insp_addr f, frame_count *n)
{
    for (int k = 0; f && k < LIST_STEPS; k++, n->frames++) {
        insp_addr code = insp_frame_code(r, f);
        insp_addr type = code ? INSP_U64(r, code, PyObject, ob_type) : 0;
        if (!code && is_blank(r, f)) {
            n->blank++;
            return;
        }
        bool shim = insp_frame_is_shim(r, f);
        n->ok = n->ok && (shim || (insp_is_type(r, py, type) && has_instruction(r, f, code) &&
                                   has_locals(py, r, f, code)));
        f = insp_frame_previous(r, f);
    }
    n->ended += !f;
}

static bool prove_frames(insp_cpython *py, insp_reader *r)
{
    frame_count n = {.ok = true};
    for (size_t i = 0; i < py->threads.len; i++)
        count_chain(py, r, py->threads.at[i].frame, &n);
    bool ok = n.ok && !r->bad;
    r->bad = false;
    bool objects = py->layout.flavour->frames == INSP_FRAMES_OBJECTS;
    const char *blank =
        n.blank
            ? insp_arena_printf(py->text, ", of %" PRIu64 " in memory that is zeros", n.blank)
            : "";
    return blank &&
           insp_prove(py, "frames",
                      objects ? INSP_F_PyFrameObject_f_code : INSP_F_PyInterpreterFrame_f_code,
                      "threads, names of variables",
                      !n.frames ? INSP_PROOF_UNKNOWN
                      : ok      ? INSP_PROOF_OK
                                : INSP_PROOF_FAILED,
                      "%" PRIu64 " frames, chains of %" PRIu64 " of %zu threads end at NULL%s",
                      n.frames, n.ended, py->threads.len, blank);
}

// A size as it stands in front of a block of malloc's (glibc: malloc/malloc.c).
static bool is_chunk(insp_reader *r, insp_addr block)
{
    enum { SIZE_AT = 8, FLAGS = 7, LEAST = 32, MOST = 1 << 26 };
    uint64_t size = insp_u64(r, block - SIZE_AT) & ~(uint64_t)FLAGS;
    return size >= LEAST && size % 16 == 0 && size < MOST;
}

// Whether what the collector tracks lies in blocks of malloc's. A pre-header may stand before the gc head.
static bool is_mallocs(insp_cpython *py, insp_reader *r)
{
    enum { TRIES = 64, PREHEADER = 16 };
    uint32_t seen = 0, sound = 0;
    const insp_interp *in = &py->interps.at[0];
    for (uint32_t k = 0; k < in->n_lists; k++) {
        insp_addr head = in->lists[k].head, at = insp_gc_next(r, head);
        for (int i = 0; i < TRIES && at && at != head && !r->bad;
             i++, at = insp_gc_next(r, at)) {
            insp_addr block = at - py->debug_pad;
            sound += is_chunk(r, block) || is_chunk(r, block - PREHEADER);
            seen++;
        }
        r->bad = false;
    }
    return !seen || sound >= seen - seen / 8;
}

static bool prove_arenas(insp_cpython *py, insp_reader *r)
{
    const insp_pymalloc *pm = &py->pymalloc;
    if (!pm->states.len && py->layout.flavour->gc != INSP_GC_NO_LISTS && !is_mallocs(py, r))
        return insp_prove(py, "arenas", INSP_F_arena_object_address, "arenas",
                          INSP_PROOF_FAILED,
                          "no arenas were found, and objects lie in no blocks of malloc's");
    if (!pm->states.len)
        return insp_prove(py, "arenas", INSP_F_arena_object_address, "arenas",
                          INSP_PROOF_UNKNOWN, "no arenas: this interpreter uses %s",
                          py->allocator);
    const insp_obmalloc *first = &pm->states.at[0];
    if (first->maxarenas < first->named || (first->arenas && !first->maxarenas))
        return insp_prove(
            py, "arenas", INSP_F_arena_object_address, "arenas", INSP_PROOF_FAILED,
            "there are arenas, but of the array of them %u are sound", first->maxarenas);
    return insp_prove(py, "arenas", INSP_F_arena_object_address, "arenas", INSP_PROOF_OK, "%s",
                      pm->found_by);
}

// No two members of an object lie in one word.
static bool prove_slots(insp_cpython *py)
{
    static const insp_member slots[] = {
#define TYPE(name, shape)
#define INTERPRETED(name, shape)
#define SLOT(structure, member, written, how) INSP_F_##structure##_##member,
#include "slots.def"
#undef TYPE
#undef INTERPRETED
#undef SLOT
    };
    enum { SLOTS = sizeof(slots) / sizeof(slots[0]) };
    const int32_t *off = py->layout.off;
    uint32_t asked = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        asked += off[slots[i]] >= 0;
        for (size_t k = 0; k < i && off[slots[i]] >= 0; k++) {
            int32_t apart = off[slots[i]] - off[slots[k]];
            if (off[slots[k]] < 0 || apart >= 8 || apart <= -8 || slots[i] == slots[k] ||
                strcmp(insp_member_struct(slots[i]), insp_member_struct(slots[k])) != 0)
                continue;
            return insp_prove(py, "slots", slots[i], "references", INSP_PROOF_FAILED,
                              "%s and %s of %s lie in one word", insp_member_name(slots[k]),
                              insp_member_name(slots[i]), insp_member_struct(slots[i]));
        }
    }
    return insp_prove(py, "slots", slots[0], "references", INSP_PROOF_OK,
                      "%u members that hold references lie apart", asked);
}

insp_status insp_layout_prove(insp_cpython *py, insp_error *err)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    bool fits = prove_types(py, &r) && prove_slots(py) && prove_interpreters(py, &r) &&
                prove_gc(py, &r) && prove_members(py, &r) && prove_type_cache(py, &r) &&
                prove_frames(py, &r) && prove_arenas(py, &r);
    return fits ? INSP_OK : insp_nomem(err);
}
