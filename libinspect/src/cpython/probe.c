// SPDX-License-Identifier: MIT
/**
 * @file
 * Looking for fields that are not where the table says.
 *
 * A probe knows what its field must point to, and takes the place nearest to the table's where such a thing
 * is; it is kept only if the sign that failed holds then. A field that no probe finds keeps the table's
 * offset, and the proof of its structure fails by name.
 */
#include "cpython.h"

enum { INTERPRETER_BYTES = 16 << 10, RUNTIME_BYTES = 2 << 10, NEAR = 64 };

/** A search for one member around its offset. */
typedef struct probe {
    insp_cpython *py;
    insp_sign sign;
} probe;

static int32_t *offset_of(probe *p, insp_member member)
{
    return &p->py->layout.off[member];
}

// Tries an offset: it stays if the sign holds by it.
static bool keeps(probe *p, insp_member member, int32_t offset)
{
    int32_t before = *offset_of(p, member);
    *offset_of(p, member) = offset;
    if (insp_sign_holds(p->py, p->sign)) {
        p->py->layout.source[member] = INSP_FROM_PROBE;
        return true;
    }
    *offset_of(p, member) = before;
    return false;
}

// Every offset below `end` in steps, those nearest to the table's first.
static bool search(probe *p, insp_member member, int32_t step, int32_t end)
{
    int32_t from = *offset_of(p, member);
    if (from < 0)
        return false;
    for (int32_t away = step; away < end; away += step) {
        if (from >= away && keeps(p, member, from - away))
            return true;
        if (from + away < end && keeps(p, member, from + away))
            return true;
    }
    return false;
}

// Head and main stand side by side (Include/internal/pycore_runtime.h, struct pyinterpreters).
static bool find_interpreters(probe *p)
{
    int32_t *head = offset_of(p, INSP_F_PyRuntimeState_interpreters_head);
    int32_t *main = offset_of(p, INSP_F_PyRuntimeState_interpreters_main), was = *head,
            gap = *main - *head;
    for (int32_t at = 0; at < RUNTIME_BYTES; at += 8) {
        *head = at;
        if (keeps(p, INSP_F_PyRuntimeState_interpreters_main, at + gap)) {
            p->py->layout.source[INSP_F_PyRuntimeState_interpreters_head] = INSP_FROM_PROBE;
            return true;
        }
    }
    *head = was;
    return search(p, INSP_F_PyInterpreterState_runtime, 8, INTERPRETER_BYTES);
}

static bool find_threads(probe *p)
{
    return search(p, INSP_F_PyInterpreterState_threads_head, 8, INTERPRETER_BYTES);
}

// A word that holds the first list's address. So does that list's own head when it is empty.
static bool find_generation0(probe *p)
{
    int32_t first = *offset_of(p, INSP_F_gc_runtime_state_generations);
    int32_t end = first + 3 * *offset_of(p, INSP_F_gc_generation_sizeof);
    int32_t bytes = *offset_of(p, INSP_F_gc_runtime_state_sizeof);
    for (int32_t at = 0; at + 8 <= bytes; at += 8) {
        if ((at + 8 <= first || at >= end) && keeps(p, INSP_F_gc_runtime_state_generation0, at))
            return true;
    }
    return false;
}

// Three lists that close, 24 bytes from one to the next, the first at an address that generation0 holds.
// Debian's 3.13 has them 4 bytes earlier than the source says (its PyGC_Head is aligned to 4).
static bool find_generations(probe *p)
{
    insp_member gc = *offset_of(p, INSP_F_PyRuntimeState_gc) >= 0
                         ? INSP_F_PyRuntimeState_gc
                         : INSP_F_PyInterpreterState_gc;
    return search(p, INSP_F_gc_runtime_state_generations, 4, 256) ||
           search(p, INSP_F_gc_runtime_state_permanent_generation, 4, 256) ||
           find_generation0(p) || search(p, gc, 4, INTERPRETER_BYTES);
}

// A dict with a list behind it; insp_heap_prove looks for 'sys' in it.
static bool find_modules(probe *p)
{
    int32_t *modules = offset_of(p, INSP_F_PyInterpreterState_modules), was = *modules;
    int32_t *by_index = offset_of(p, INSP_F_PyInterpreterState_modules_by_index),
            gap = *by_index - was;
    for (int32_t at = 0; at < INTERPRETER_BYTES; at += 8) {
        *modules = at;
        if (keeps(p, INSP_F_PyInterpreterState_modules_by_index, at + gap)) {
            p->py->layout.source[INSP_F_PyInterpreterState_modules] = INSP_FROM_PROBE;
            return true;
        }
    }
    *modules = was;
    return false;
}

static bool find_tuple_items(probe *p)
{
    return search(p, INSP_F_PyTupleObject_ob_item, 8, NEAR);
}

static bool find_obmalloc(probe *p)
{
    return search(p, INSP_F_PyInterpreterState_obmalloc, 8, INTERPRETER_BYTES);
}

void insp_layout_repair(insp_cpython *py)
{
    // In the order in which they stand on each other.
    static const struct {
        insp_sign sign;
        bool (*find)(probe *);
    } probes[] = {
        {INSP_SIGN_INTERPRETER, find_interpreters}, {INSP_SIGN_THREADS, find_threads},
        {INSP_SIGN_GC, find_generations},           {INSP_SIGN_MODULES, find_modules},
        {INSP_SIGN_TUPLE, find_tuple_items},        {INSP_SIGN_ARENAS, find_obmalloc},
    };
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        if (insp_sign_holds(py, probes[i].sign))
            continue;
        probe p = {py, probes[i].sign};
        (void)probes[i].find(&p);
    }
}
