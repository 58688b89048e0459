// SPDX-License-Identifier: MIT
/**
 * @file
 * Thread states (Include/cpython/pystate.h): who they are, who holds the GIL, which exceptions are
 * on their way, and where their innermost frame is.
 */
#include "../base/map.h"
#include "cpython.h"

// Items of exceptions are looked at in all threads together: chains of many may be the same one.
enum { MAX_THREADS = 1 << 17, MAX_ITEMS = 1 << 20 };

// 3.13 and up: current_frame. 3.11 and 3.12: a structure on the C stack that leads to it (bpo-43760; 3.10
// has one too, without a frame). Up to 3.10: a frame object.
insp_addr insp_innermost_frame(insp_reader *r, insp_addr tstate)
{
    if (INSP_OFF(r->layout, PyThreadState, frame) >= 0)
        return INSP_U64(r, tstate, PyThreadState, frame);
    if (INSP_OFF(r->layout, PyThreadState, current_frame) >= 0)
        return INSP_U64(r, tstate, PyThreadState, current_frame);
    insp_addr cframe = INSP_U64(r, tstate, PyThreadState, cframe);
    return cframe ? INSP_U64(r, cframe, PyCFrame, current_frame) : 0;
}

insp_addr insp_frame_code(insp_reader *r, insp_addr frame)
{
    // Tagged since 3.14 (gh-123923): the lowest bits say who counts it.
    return r->layout->flavour->frames == INSP_FRAMES_OBJECTS
               ? INSP_U64(r, frame, PyFrameObject, f_code)
               : INSP_U64(r, frame, PyInterpreterFrame, f_code) & ~UINT64_C(3);
}

insp_addr insp_frame_previous(insp_reader *r, insp_addr frame)
{
    return r->layout->flavour->frames == INSP_FRAMES_OBJECTS
               ? INSP_U64(r, frame, PyFrameObject, f_back)
               : INSP_U64(r, frame, PyInterpreterFrame, previous);
}

insp_addr insp_frame_locals(insp_reader *r, insp_addr frame)
{
    return r->layout->flavour->frames == INSP_FRAMES_OBJECTS
               ? INSP_U64(r, frame, PyFrameObject, f_locals)
               : INSP_U64(r, frame, PyInterpreterFrame, f_locals);
}

bool insp_frame_is_shim(insp_reader *r, insp_addr frame)
{
    enum { FIRST_SHIM = 3 };
    return INSP_OFF(r->layout, PyInterpreterFrame, owner) >= 0 &&
           INSP_U8(r, frame, PyInterpreterFrame, owner) >= FIRST_SHIM;
}

// Since 3.12 (gh-84436) an interpreter points to its GIL, its own or the main one's. Before that: one in the
// runtime. -1: it cannot be told.
static int32_t holds_gil(insp_reader *r, const insp_cpython *py, insp_addr tstate,
                         uint32_t interp)
{
    int32_t at = INSP_OFF(r->layout, PyRuntimeState, gil);
    insp_addr gil =
        at >= 0 ? py->runtime + (uint32_t)at
                : INSP_U64(r, py->interps.at[interp].addr, PyInterpreterState, ceval_gil);
    if (!gil)
        return -1;
    uint32_t locked = INSP_U32(r, gil, gil_runtime_state, locked);
    insp_addr holder = INSP_U64(r, gil, gil_runtime_state, last_holder);
    return locked == 1 && holder == tstate;
}

// The exception an except block of this thread is handling: the innermost stack item that has one.
static insp_addr handled(insp_reader *r, insp_addr tstate, uint32_t *looked)
{
    insp_addr item = INSP_U64(r, tstate, PyThreadState, exc_info);
    for (; item && !r->bad && *looked < MAX_ITEMS; ++*looked) {
        insp_addr value = INSP_U64(r, item, PyErr_StackItem, exc_value);
        // None stands for "nothing is handled here"; object/ tells None from an exception.
        if (value)
            return value;
        item = INSP_U64(r, item, PyErr_StackItem, previous_item);
    }
    return 0;
}

static insp_tstate read_thread(insp_reader *r, const insp_cpython *py, insp_addr addr,
                               uint32_t interp, uint32_t *looked)
{
    return (insp_tstate){
        .addr = addr,
        .interp = interp,
        .ident = INSP_U64(r, addr, PyThreadState, thread_id),
        .tid = (int64_t)INSP_U64(r, addr, PyThreadState, native_thread_id),
        .holds_gil = holds_gil(r, py, addr, interp),
        // 3.12 (gh-101578) keeps no type and traceback apart.
        .exception = INSP_OFF(r->layout, PyThreadState, current_exception) >= 0
                         ? INSP_U64(r, addr, PyThreadState, current_exception)
                         : INSP_U64(r, addr, PyThreadState, curexc_value),
        .handled = handled(r, addr, looked),
        .frame = insp_innermost_frame(r, addr),
    };
}

// Whether the list may go on at addr; else that is a finding.
static bool belongs(insp_cpython *py, insp_reader *r, const insp_map *met, insp_addr addr,
                    const insp_interp *in)
{
    bool again = insp_map_get(met, addr) != INSP_MAP_NONE;
    insp_addr back = INSP_U64(r, addr, PyThreadState, interp);
    bool sound = !r->bad && back == in->addr && !again;
    if (!sound)
        insp_found(py->findings, "thread-list", addr,
                   "the thread state at 0x%" PRIx64 " %s interpreter %" PRId64, addr,
                   again ? "comes a second time in" : "does not belong to", in->id);
    r->bad = false;
    return sound;
}

static insp_status read_list(insp_cpython *py, insp_reader *r, uint32_t interp,
                             uint32_t *looked, insp_error *err)
{
    insp_interp *in = &py->interps.at[interp];
    insp_addr addr = INSP_U64(r, in->addr, PyInterpreterState, threads_head);
    insp_map met = {0};
    bool fits = true;
    for (int i = 0; addr && i < MAX_THREADS && belongs(py, r, &met, addr, in); i++) {
        fits = insp_map_set(&met, addr, 1) &&
               insp_tstates_push(&py->threads, read_thread(r, py, addr, interp, looked));
        if (!fits)
            break;
        r->bad = false;
        in->n_threads++;
        addr = INSP_U64(r, addr, PyThreadState, next);
    }
    insp_map_deinit(&met);
    return fits ? INSP_OK : insp_nomem(err);
}

insp_status insp_threads_read(insp_cpython *py, insp_error *err)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    uint32_t looked = 0;
    for (uint32_t i = 0; i < py->interps.len; i++) {
        insp_status st = read_list(py, &r, i, &looked, err);
        if (st)
            return st;
    }
    return INSP_OK;
}
