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

// Since 3.15 (gh-138122) each generation's last runs stand in a ring, the sums so far in each. Before that:
// one entry a generation. 0: this interpreter has none.
static insp_addr stats_of(insp_reader *r, insp_addr gc, uint32_t generation)
{
    static const insp_member items[] = {INSP_F_gc_stats_young_items, INSP_F_gc_stats_old0_items,
                                        INSP_F_gc_stats_old1_items};
    static const insp_member index[] = {INSP_F_gc_stats_young_index, INSP_F_gc_stats_old0_index,
                                        INSP_F_gc_stats_old1_index};
    const insp_layout *l = r->layout;
    uint32_t step = (uint32_t)INSP_OFF(l, gc_generation_stats, sizeof);
    if (INSP_OFF(l, gc_stats, sizeof) < 0)
        return gc + (uint32_t)INSP_OFF(l, gc_runtime_state, generation_stats) +
               generation * step;
    insp_addr rings = INSP_U64(r, gc, gc_runtime_state, generation_stats);
    uint32_t last = rings ? insp_member_u8(r, rings, index[generation]) : 0;
    return rings ? rings + (uint32_t)l->off[items[generation]] + last * step : 0;
}

// 3.14.0 to 3.14.4 collect incrementally: generation 1 is the old space that was visited last.
static uint32_t place_of(insp_reader *r, insp_addr gc, uint32_t generation)
{
    if (r->layout->flavour->gc != INSP_GC_INCREMENTAL || !generation)
        return generation;
    uint32_t visited = INSP_U32(r, gc, gc_runtime_state, visited_space) & 1;
    return 1 + (generation == 1 ? visited : visited ^ 1);
}

static void read_lists(insp_reader *r, insp_interp *in)
{
    static const char *const names[] = {"gen0", "gen1", "gen2"};
    insp_addr gc = in->gc;
    insp_addr generations = gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, generations);
    uint32_t step = (uint32_t)INSP_OFF(r->layout, gc_generation, sizeof);
    for (uint32_t i = 0; i < 3; i++) {
        insp_addr stats = stats_of(r, gc, i);
        read_list(r, &in->lists[i], generations + place_of(r, gc, i) * step, names[i]);
        if (stats)
            read_stats(r, &in->lists[i], stats);
    }
    insp_gc_list *frozen = &in->lists[3];
    read_list(r, frozen,
              gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, permanent_generation),
              "frozen");
    frozen->threshold = frozen->count = -1;
    in->n_lists = 4;
}

static void read_gc(insp_reader *r, insp_interp *in)
{
    insp_addr gc = in->gc;
    if (r->layout->flavour->gc != INSP_GC_NO_LISTS)
        read_lists(r, in);
    in->gc_enabled = (int32_t)INSP_U32(r, gc, gc_runtime_state, enabled);
    in->gc_debug = (int32_t)INSP_U32(r, gc, gc_runtime_state, debug);
    in->gc_collecting = (int32_t)INSP_U32(r, gc, gc_runtime_state, collecting);
    in->garbage = INSP_U64(r, gc, gc_runtime_state, garbage);
    in->callbacks = INSP_U64(r, gc, gc_runtime_state, callbacks);
    in->long_lived_total = (int64_t)INSP_U64(r, gc, gc_runtime_state, long_lived_total);
    in->long_lived_pending = (int64_t)INSP_U64(r, gc, gc_runtime_state, long_lived_pending);
}

static insp_interp read_interp(insp_cpython *py, insp_reader *r, insp_addr addr)
{
    insp_interp in = {.addr = addr};
    in.id = (int64_t)INSP_U64(r, addr, PyInterpreterState, id);
    in.gc = insp_gc_state_of(r, py->runtime, addr);
    in.modules = INSP_U64(r, addr, PyInterpreterState, modules);
    in.sysdict = INSP_U64(r, addr, PyInterpreterState, sysdict);
    in.builtins = INSP_U64(r, addr, PyInterpreterState, builtins);
    in.interned = INSP_U64(r, addr, PyInterpreterState, interned_strings);
    // Up to 3.8 all interpreters share one collector; its books are the main one's.
    if (INSP_OFF(r->layout, PyRuntimeState, gc) < 0 || addr == insp_main_interpreter(py, r))
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
        insp_interp in = read_interp(py, &r, addr);
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
