// SPDX-License-Identifier: MIT
/**
 * @file
 * Interpreters and what their collectors know (Include/internal/pycore_interp.h, pycore_gc.h).
 */
#include "cpython.h"

// More interpreters than any program has: the bound of a list that may be a circle.
enum { MAX_INTERPRETERS = 4096 };

static void read_list(insp_reader *r, insp_gc_list *list, insp_addr generation,
                      const char *name)
{
    *list =
        (insp_gc_list){.name = name, .collections = -1, .collected = -1, .uncollectable = -1};
    list->head = generation + (uint32_t)INSP_OFF(r->layout, gc_generation, head);
    list->threshold = (int32_t)INSP_U32(r, generation, gc_generation, threshold);
    list->count = (int32_t)INSP_U32(r, generation, gc_generation, count);
}

static void read_stats(insp_reader *r, insp_gc_list *list, insp_addr stats)
{
    list->collections = (int64_t)INSP_U64(r, stats, gc_generation_stats, collections);
    list->collected = (int64_t)INSP_U64(r, stats, gc_generation_stats, collected);
    list->uncollectable = (int64_t)INSP_U64(r, stats, gc_generation_stats, uncollectable);
}

static void read_gc(insp_reader *r, insp_interp *in)
{
    static const char *const names[] = {"gen0", "gen1", "gen2"};
    insp_addr gc = in->gc;
    insp_addr generations = gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, generations);
    insp_addr stats = gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, generation_stats);
    uint32_t step = (uint32_t)INSP_OFF(r->layout, gc_generation, sizeof);
    uint32_t stats_step = (uint32_t)INSP_OFF(r->layout, gc_generation_stats, sizeof);
    for (uint32_t i = 0; i < 3; i++) {
        read_list(r, &in->lists[i], generations + i * step, names[i]);
        read_stats(r, &in->lists[i], stats + i * stats_step);
    }
    insp_gc_list *frozen = &in->lists[3];
    read_list(r, frozen,
              gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, permanent_generation),
              "frozen");
    frozen->threshold = frozen->count = -1;
    in->n_lists = 4;
    in->gc_enabled = (int32_t)INSP_U32(r, gc, gc_runtime_state, enabled);
    in->gc_debug = (int32_t)INSP_U32(r, gc, gc_runtime_state, debug);
    in->gc_collecting = (int32_t)INSP_U32(r, gc, gc_runtime_state, collecting);
    in->garbage = INSP_U64(r, gc, gc_runtime_state, garbage);
    in->callbacks = INSP_U64(r, gc, gc_runtime_state, callbacks);
    in->long_lived_total = (int64_t)INSP_U64(r, gc, gc_runtime_state, long_lived_total);
    in->long_lived_pending = (int64_t)INSP_U64(r, gc, gc_runtime_state, long_lived_pending);
}

static insp_interp read_interp(insp_reader *r, insp_addr addr)
{
    insp_interp in = {.addr = addr};
    in.id = (int64_t)INSP_U64(r, addr, PyInterpreterState, id);
    in.gc = addr + (uint32_t)INSP_OFF(r->layout, PyInterpreterState, gc);
    in.modules = INSP_U64(r, addr, PyInterpreterState, modules);
    in.sysdict = INSP_U64(r, addr, PyInterpreterState, sysdict);
    in.builtins = INSP_U64(r, addr, PyInterpreterState, builtins);
    read_gc(r, &in);
    return in;
}

static bool is_known(const insp_cpython *py, insp_addr addr)
{
    for (size_t i = 0; i < py->interps.len; i++) {
        if (py->interps.at[i].addr == addr)
            return true;
    }
    return false;
}

insp_status insp_interps_read(insp_cpython *py, insp_error *err)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    insp_addr addr = INSP_U64(&r, py->runtime, PyRuntimeState, interpreters_head);
    for (int i = 0; addr && i < MAX_INTERPRETERS; i++) {
        bool again = is_known(py, addr);
        insp_interp in = read_interp(&r, addr);
        if (r.bad || again) {
            insp_found(py->findings, "interpreter-list", addr,
                       again ? "the list of interpreters comes to 0x%" PRIx64 " again"
                             : "the interpreter at 0x%" PRIx64 " cannot be read whole",
                       addr);
            break;
        }
        if (!insp_interps_push(&py->interps, in))
            return insp_nomem(err);
        addr = INSP_U64(&r, addr, PyInterpreterState, next);
    }
    if (!py->interps.len)
        return insp_fail(err, INSP_ERR_NO_PYTHON, py->runtime,
                         "CPython %s is there, but no interpreter was started in it",
                         py->version);
    return INSP_OK;
}

insp_addr insp_gc_next(insp_reader *r, insp_addr head)
{
    return INSP_U64(r, head, PyGC_Head, _gc_next) & ~UINT64_C(3);
}
