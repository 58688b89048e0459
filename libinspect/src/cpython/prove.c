// SPDX-License-Identifier: MIT
/**
 * @file
 * Is the layout true of this target? What the runtime can tell; object/ and heap/ add their own rows.
 */
#include "cpython.h"

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

static bool prove_types(insp_cpython *py, insp_reader *r)
{
    py->type_type = find_type_type(py, r);
    insp_addr t = py->type_type;
    insp_addr meta = t ? INSP_U64(r, t, PyObject, ob_type) : 0;
    bool ok = t && meta == t && !r->bad;
    if (!insp_prove(py, "PyObject", INSP_F_PyObject_ob_type, "everything",
                    ok ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                    "type(type) is type: 0x%" PRIx64 " +%d", t,
                    INSP_OFF(&py->layout, PyObject, ob_type)))
        return false;
    uint64_t size = ok ? INSP_U64(r, t, PyTypeObject, tp_basicsize) : 0;
    int64_t want = INSP_OFF(&py->layout, PyHeapTypeObject, sizeof);
    r->bad = false;
    return insp_prove(py, "PyTypeObject", INSP_F_PyTypeObject_tp_basicsize, "everything",
                      (int64_t)size == want ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      "tp_basicsize of type is %" PRIu64 ", PyHeapTypeObject has %" PRId64,
                      size, want);
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

static void count_chain(insp_cpython *py, insp_reader *r, insp_addr f, frame_count *n)
{
    for (int k = 0; f && k < LIST_STEPS; k++, n->frames++) {
        insp_addr code = insp_frame_code(r, f);
        insp_addr type = code ? INSP_U64(r, code, PyObject, ob_type) : 0;
        if (!code && is_blank(r, f)) {
            n->blank++;
            return;
        }
        n->ok = n->ok && (insp_is_type(r, py, type) || insp_frame_is_shim(r, f));
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

static bool prove_arenas(insp_cpython *py)
{
    const insp_pymalloc *pm = &py->pymalloc;
    if (!pm->states.len)
        return insp_prove(py, "arenas", INSP_F_arena_object_address, "arenas",
                          INSP_PROOF_UNKNOWN, "no arenas: this interpreter uses %s",
                          py->allocator);
    return insp_prove(py, "arenas", INSP_F_arena_object_address, "arenas", INSP_PROOF_OK, "%s",
                      pm->found_by);
}

insp_status insp_layout_prove(insp_cpython *py, insp_error *err)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    bool fits = prove_types(py, &r) && prove_interpreters(py, &r) && prove_gc(py, &r) &&
                prove_frames(py, &r) && prove_arenas(py);
    return fits ? INSP_OK : insp_nomem(err);
}
