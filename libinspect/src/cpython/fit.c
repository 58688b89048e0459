// SPDX-License-Identifier: MIT
/**
 * @file
 * Signs that a layout is true of a target: each asks one thing that only the right offsets can answer.
 *
 * One version has several layouts (builds with assertions, distributions that align differently,
 * patch releases), so the signs choose among tables, and say which fields a probe has to look for.
 */
#include "cpython.h"

enum { STEPS = 8 };

insp_addr insp_main_interpreter(insp_cpython *py, insp_reader *r)
{
    return INSP_U64(r, py->runtime, PyRuntimeState, interpreters_main);
}

static bool is_aligned(insp_addr addr)
{
    return addr && !(addr & 7);
}

// Before 3.9 (bpo-36854) nothing points back, and the collector's books are the runtime's.
static bool points_back(insp_cpython *py, insp_reader *r)
{
    insp_addr head = INSP_U64(r, py->runtime, PyRuntimeState, interpreters_head);
    insp_addr main = insp_main_interpreter(py, r);
    if (r->bad || !is_aligned(head) || !is_aligned(main))
        return false;
    bool has = INSP_OFF(r->layout, PyInterpreterState, runtime) >= 0;
    return !has || (INSP_U64(r, main, PyInterpreterState, runtime) == py->runtime &&
                    INSP_U64(r, head, PyInterpreterState, runtime) == py->runtime);
}

static bool has_thread(insp_cpython *py, insp_reader *r)
{
    insp_addr main = insp_main_interpreter(py, r);
    insp_addr thread = INSP_U64(r, main, PyInterpreterState, threads_head);
    return !r->bad && is_aligned(thread) &&
           INSP_U64(r, thread, PyThreadState, interp) == main && !r->bad;
}

// type, once the proofs know it; before, from the symbol, or up from an object: an object, its class, perhaps a
// metaclass, type.
static insp_addr type_type(insp_cpython *py, insp_reader *r)
{
    if (py->type_type)
        return py->type_type;
    const insp_symbol *symbol = insp_image_symbol(&py->images->at[py->module], "PyType_Type");
    if (symbol)
        return symbol->addr;
    insp_addr main = insp_main_interpreter(py, r);
    insp_addr at = INSP_U64(r, main, PyInterpreterState, modules);
    for (int i = 0; i < STEPS && is_aligned(at) && !r->bad; i++) {
        insp_addr type = INSP_U64(r, at, PyObject, ob_type);
        if (type == at)
            return at;
        at = type;
    }
    return 0;
}

static bool type_is_type(insp_cpython *py, insp_reader *r)
{
    insp_addr type = type_type(py, r);
    return type && INSP_U64(r, type, PyObject, ob_type) == type && !r->bad;
}

static bool type_has_its_size(insp_cpython *py, insp_reader *r)
{
    insp_addr type = type_type(py, r);
    uint64_t size = type ? INSP_U64(r, type, PyTypeObject, tp_basicsize) : 0;
    return !r->bad && (int64_t)size == INSP_OFF(r->layout, PyHeapTypeObject, sizeof);
}

bool insp_type_has_bit(insp_cpython *py, insp_reader *r, insp_addr object, unsigned bit)
{
    insp_addr type = is_aligned(object) ? INSP_U64(r, object, PyObject, ob_type) : 0;
    insp_addr meta = is_aligned(type) ? INSP_U64(r, type, PyObject, ob_type) : 0;
    bool made_by_type =
        meta && (meta == type_type(py, r) ||
                 INSP_U64(r, meta, PyTypeObject, tp_flags) >> INSP_BIT_TYPE & 1);
    bool has = made_by_type && INSP_U64(r, type, PyTypeObject, tp_flags) >> bit & 1;
    return has && !r->bad;
}

insp_addr insp_gc_state_of(insp_reader *r, insp_addr runtime, insp_addr interp)
{
    int32_t shared = INSP_OFF(r->layout, PyRuntimeState, gc);
    return shared >= 0 ? runtime + (uint32_t)shared
                       : interp + (uint32_t)INSP_OFF(r->layout, PyInterpreterState, gc);
}

bool insp_gc_list_closes(insp_reader *r, insp_addr head)
{
    // In a collection an object's _gc_prev holds its count; that of a list's head never does.
    insp_addr next = insp_gc_next(r, head);
    insp_addr last = INSP_U64(r, head, PyGC_Head, _gc_prev);
    // Debian's 3.13 aligns heads to 4 bytes.
    if (r->bad || !next || !last || last & 3)
        return false;
    if (next == head || last == head)
        return next == last;
    return insp_gc_next(r, last) == head && !r->bad;
}

static bool lists_close(insp_cpython *py, insp_reader *r)
{
    if (r->layout->flavour->gc == INSP_GC_NO_LISTS)
        return true;
    insp_addr gc = insp_gc_state_of(r, py->runtime, insp_main_interpreter(py, r));
    insp_addr first = gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, generations);
    uint32_t step = (uint32_t)INSP_OFF(r->layout, gc_generation, sizeof);
    if (r->bad)
        return false;
    for (uint32_t i = 0; i < 3; i++) {
        if (!insp_gc_list_closes(r, first + i * step))
            return false;
    }
    // The incremental collector has no such pointer.
    bool pointed = INSP_OFF(r->layout, gc_runtime_state, generation0) < 0 ||
                   INSP_U64(r, gc, gc_runtime_state, generation0) == first;
    return pointed &&
           insp_gc_list_closes(
               r, gc + (uint32_t)INSP_OFF(r->layout, gc_runtime_state, permanent_generation));
}

static bool has_modules(insp_cpython *py, insp_reader *r)
{
    insp_addr main = insp_main_interpreter(py, r);
    insp_addr by_index = INSP_U64(r, main, PyInterpreterState, modules_by_index);
    insp_addr modules = INSP_U64(r, main, PyInterpreterState, modules);
    return insp_type_has_bit(py, r, modules, INSP_BIT_DICT) &&
           (!by_index || insp_type_has_bit(py, r, by_index, INSP_BIT_LIST));
}

// Members that are a dict or nothing; far apart, so that a build with one more member shows.
static bool has_dicts(insp_cpython *py, insp_reader *r)
{
    static const insp_member dicts[] = {
        INSP_F_PyInterpreterState_sysdict, INSP_F_PyInterpreterState_builtins,
        INSP_F_PyInterpreterState_dict, INSP_F_PyInterpreterState_builtins_copy,
        INSP_F_PyInterpreterState_interned_strings};
    insp_addr main = insp_main_interpreter(py, r);
    for (size_t i = 0; i < sizeof(dicts) / sizeof(dicts[0]); i++) {
        insp_addr dict = insp_member_u64(r, main, dicts[i]);
        if (r->bad || (dict && !insp_type_has_bit(py, r, dict, INSP_BIT_DICT)))
            return false;
    }
    return INSP_U64(r, main, PyInterpreterState, sysdict) &&
           INSP_U64(r, main, PyInterpreterState, builtins);
}

// A frame's code has the type that all code has: the one its own constants' code has is not at hand, so it
// must be a type that is not the type of types, and whose instances have no dict.
static bool has_code(insp_cpython *py, insp_reader *r)
{
    insp_addr main = insp_main_interpreter(py, r);
    insp_addr thread = INSP_U64(r, main, PyInterpreterState, threads_head);
    insp_addr frame = insp_innermost_frame(r, thread);
    if (!frame || r->bad)
        return !r->bad;
    const insp_symbol *symbol = insp_image_symbol(&py->images->at[py->module], "PyCode_Type");
    insp_addr code = insp_frame_code(r, frame);
    insp_addr type = is_aligned(code) ? INSP_U64(r, code, PyObject, ob_type) : 0;
    if (r->bad || !type)
        return false;
    // A trampoline's shim has None in place of code (3.12).
    bool is_code = symbol ? type == symbol->addr : insp_is_type(r, py, type);
    return is_code || insp_frame_is_shim(r, frame);
}

static bool mro_starts_with_type(insp_cpython *py, insp_reader *r)
{
    insp_addr type = type_type(py, r);
    insp_addr mro = type ? INSP_U64(r, type, PyTypeObject, tp_mro) : 0;
    return insp_type_has_bit(py, r, mro, INSP_BIT_TUPLE) &&
           insp_u64(r, mro + (uint32_t)INSP_OFF(r->layout, PyTupleObject, ob_item)) == type;
}

// Since 3.12. The state is there even where another allocator is in use.
static bool leads_to_arenas(insp_cpython *py, insp_reader *r)
{
    insp_obmalloc found;
    if (INSP_OFF(r->layout, PyInterpreterState, obmalloc) < 0)
        return true;
    insp_addr state = insp_obmalloc_of(r, insp_main_interpreter(py, r));
    return insp_obmalloc_look(r, state, &found);
}

bool insp_sign_holds(insp_cpython *py, insp_sign sign)
{
    typedef bool (*question)(insp_cpython *, insp_reader *);
    static const question questions[INSP_SIGNS] = {
        [INSP_SIGN_INTERPRETER] = points_back,
        [INSP_SIGN_THREADS] = has_thread,
        [INSP_SIGN_TYPE] = type_is_type,
        [INSP_SIGN_TYPE_SIZE] = type_has_its_size,
        [INSP_SIGN_GC] = lists_close,
        [INSP_SIGN_MODULES] = has_modules,
        [INSP_SIGN_DICTS] = has_dicts,
        [INSP_SIGN_FRAMES] = has_code,
        [INSP_SIGN_TUPLE] = mro_starts_with_type,
        [INSP_SIGN_ARENAS] = leads_to_arenas,
    };
    insp_reader r = insp_reader_of(py->space, &py->layout);
    return questions[sign](py, &r);
}

uint32_t insp_signs_held(insp_cpython *py)
{
    uint32_t n = 0;
    for (int i = 0; i < INSP_SIGNS; i++)
        n += insp_sign_holds(py, (insp_sign)i);
    return n;
}
