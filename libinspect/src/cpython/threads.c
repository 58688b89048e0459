// SPDX-License-Identifier: MIT
/**
 * @file
 * Thread states (Include/cpython/pystate.h): who they are, who holds the GIL, which exceptions are
 * on their way, and where their innermost frame is.
 */
#include "cpython.h"

enum { MAX_THREADS = 1 << 20 };

static insp_addr innermost_frame(insp_reader *r, insp_addr tstate)
{
    insp_addr cframe = INSP_U64(r, tstate, PyThreadState, cframe);
    if (INSP_OFF(r->layout, PyThreadState, cframe) >= 0)
        return cframe ? INSP_U64(r, cframe, PyCFrame, current_frame) : 0;
    return INSP_U64(r, tstate, PyThreadState, current_frame);
}

static int32_t holds_gil(insp_reader *r, const insp_cpython *py, insp_addr tstate)
{
    if (INSP_OFF(r->layout, PyRuntimeState, gil_locked) < 0)
        return -1;
    uint32_t locked = INSP_U32(r, py->runtime, PyRuntimeState, gil_locked);
    insp_addr holder = INSP_U64(r, py->runtime, PyRuntimeState, gil_last_holder);
    return locked == 1 && holder == tstate;
}

// The exception an except block of this thread is handling: the innermost stack item that has one.
static insp_addr handled(insp_reader *r, insp_addr tstate)
{
    insp_addr item = INSP_U64(r, tstate, PyThreadState, exc_info);
    for (int i = 0; item && i < 10000; i++) {
        insp_addr value = INSP_U64(r, item, PyErr_StackItem, exc_value);
        // None stands for "nothing is handled here"; object/ tells None from an exception.
        if (value)
            return value;
        item = INSP_U64(r, item, PyErr_StackItem, previous_item);
    }
    return 0;
}

static insp_tstate read_thread(insp_reader *r, const insp_cpython *py, insp_addr addr,
                               uint32_t interp)
{
    return (insp_tstate){
        .addr = addr,
        .interp = interp,
        .ident = INSP_U64(r, addr, PyThreadState, thread_id),
        .tid = (int64_t)INSP_U64(r, addr, PyThreadState, native_thread_id),
        .holds_gil = holds_gil(r, py, addr),
        .exception = INSP_U64(r, addr, PyThreadState, curexc_value),
        .handled = handled(r, addr),
        .frame = innermost_frame(r, addr),
    };
}

static insp_status read_list(insp_cpython *py, insp_reader *r, uint32_t interp, insp_error *err)
{
    insp_interp *in = &py->interps.at[interp];
    insp_addr addr = INSP_U64(r, in->addr, PyInterpreterState, threads_head);
    for (int i = 0; addr && i < MAX_THREADS; i++) {
        insp_addr back = INSP_U64(r, addr, PyThreadState, interp);
        if (r->bad || back != in->addr) {
            insp_found(py->findings, "thread-list", addr,
                       "the thread state at 0x%" PRIx64
                       " does not belong to interpreter %" PRId64,
                       addr, in->id);
            r->bad = false;
            break;
        }
        if (!insp_tstates_push(&py->threads, read_thread(r, py, addr, interp)))
            return insp_nomem(err);
        r->bad = false;
        in->n_threads++;
        addr = INSP_U64(r, addr, PyThreadState, next);
    }
    return INSP_OK;
}

insp_status insp_threads_read(insp_cpython *py, insp_error *err)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    for (uint32_t i = 0; i < py->interps.len; i++) {
        insp_status st = read_list(py, &r, i, err);
        if (st)
            return st;
    }
    return INSP_OK;
}
