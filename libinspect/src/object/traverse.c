// SPDX-License-Identifier: MIT
/**
 * @file
 * Asking a type's own code what an instance refers to: tp_traverse and m_traverse, interpreted outside
 * the target.
 */
#include "decoder.h"

typedef struct visit_state {
    insp_decoder *d;
    insp_addr object;
    const insp_typeinfo *t;
    insp_addr state, state_size; // of a module
    bool saw_type;
    uint64_t saw_slots; // bit i: slot i of the type
} visit_state;

// The name of the slot a visited pointer was loaded from, if it lies in the object.
static void name_slot(visit_state *v, insp_addr from, insp_ref *ref)
{
    uint64_t at = from - v->object;
    ref->slot = from;
    if (v->state && from - v->state < v->state_size) {
        ref->form = INSP_FORM_STATE;
        ref->arg = from - v->state;
        return;
    }
    if (!from || at >= (uint64_t)v->t->basicsize) {
        ref->form = INSP_FORM_HELPER;
        ref->arg = from;
        return;
    }
    ref->form = INSP_FORM_OFFSET;
    ref->arg = at;
    const insp_slot *slot = insp_slot_at(v->t, at);
    if (!slot)
        return;
    size_t i = (size_t)(slot - v->t->slots);
    ref->form = INSP_FORM_NAME;
    ref->arg = (uintptr_t)slot->name;
    v->saw_slots |= i < 64 ? UINT64_C(1) << i : 0;
}

// A dead instance of a module's own type that its state leads to waits on a free list to be used again. _asyncio's
// m_traverse visits such a list in 3.12.
static bool waits_for_use(visit_state *v, insp_addr object)
{
    insp_reader *r = &v->d->r;
    int32_t count = INSP_OFF(r->layout, PyObject, ob_refcnt);
    if (!v->state || count < 0 || insp_u64(r, object + (uint32_t)count))
        return false;
    insp_addr type = INSP_U64(r, object, PyObject, ob_type);
    bool own = INSP_U64(r, type, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE &&
               INSP_U64(r, type, PyHeapTypeObject, ht_module) == v->object;
    own = own && !r->bad;
    r->bad = false;
    return own;
}

static uint64_t visited(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    visit_state *v = ctx;
    *stop = !insp_goes_on(v->d);
    insp_ref ref = {.target = args[0].value, .kind = INSP_REF_OWNED, .visited = 1};
    if (waits_for_use(v, ref.target))
        ref.kind = INSP_REF_BORROWED;
    uint32_t type_at = (uint32_t)INSP_OFF(&v->d->py->layout, PyObject, ob_type);
    name_slot(v, args[0].from, &ref);
    if (args[0].from == v->object + type_at ||
        (args[0].value == v->t->addr &&
         args[0].from - v->object >= (uint64_t)v->t->basicsize)) {
        v->saw_type = true;
        ref.form = INSP_FORM_NAME;
        ref.arg = (uintptr_t) "ob_type";
        // Some visit it where nobody owns it (Modules/_curses_panel.c): a static type's instances do not.
        if (!v->t->is_heap)
            ref.kind = INSP_REF_BORROWED;
    }
    insp_emit(v->d->refs, ref);
    return 0;
}

static bool interpret(visit_state *v, insp_addr function)
{
    insp_decoder *d = v->d;
    uint64_t args[3] = {v->object, insp_machine_callback_address(d->machine), 0}, result;
    insp_error why;
    if (insp_machine_instructions(d->machine) >= d->most_instructions) {
        insp_found(d->py->findings, "traverse", v->object,
                   "tp_traverse of %s 0x%" PRIx64
                   " was not followed: the types' code has run too long in all",
                   v->t->name, v->object);
        return false;
    }
    insp_status st =
        insp_machine_call(d->machine, function, args, 3, visited, v, &result, &why);
    if (st)
        insp_found(d->py->findings, "traverse", v->object,
                   "tp_traverse of %s 0x%" PRIx64 " could not be followed: %.100s", v->t->name,
                   v->object, why.message);
    return !st;
}

uint64_t insp_walk_traverse(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    visit_state v = {.d = d, .object = addr, .t = t};
    (void)interpret(&v, t->traverse);
    if (!t->is_heap || v.saw_type)
        return v.saw_slots;
    // subtype_traverse visits the type unless the base, being a heap type, does.
    insp_addr slot = addr + (uint32_t)INSP_OFF(&d->py->layout, PyObject, ob_type);
    insp_emit_named(d, slot, "ob_type", t->is_class);
    return v.saw_slots;
}

/** Whether something between two addresses is visited. */
typedef struct probe {
    insp_addr start, end;
    bool seen;
} probe;

static uint64_t probed(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    probe *p = ctx;
    p->seen = args[0].from >= p->start && args[0].from < p->end;
    *stop = p->seen;
    return 0;
}

bool insp_traverse_visits(insp_decoder *d, insp_addr object, insp_addr start, insp_addr end,
                          int8_t *known)
{
    if (*known)
        return *known > 0;
    insp_addr type = INSP_U64(&d->r, object, PyObject, ob_type);
    insp_addr function = INSP_U64(&d->r, type, PyTypeObject, tp_traverse);
    probe p = {start, end, false};
    uint64_t args[3] = {object, 0, 0}, result;
    insp_error why;
    if (!d->machine || !function || d->r.bad)
        return false;
    args[1] = insp_machine_callback_address(d->machine);
    if (!insp_machine_call(d->machine, function, args, 3, probed, &p, &result, &why))
        *known = p.seen ? 1 : -1;
    return p.seen;
}

/** Whatever is visited, and whether it could be kept. */
typedef struct visits {
    insp_decoder *d;
    insp_addrs *out;
    bool cut;
} visits;

static uint64_t keep_visit(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    visits *v = ctx;
    v->cut = !insp_goes_on(v->d) || !insp_addrs_push(v->out, args[0].value);
    *stop = v->cut;
    return 0;
}

bool insp_traverse_all(insp_decoder *d, insp_addr object, insp_addr type, insp_addrs *out)
{
    insp_addr function = INSP_U64(&d->r, type, PyTypeObject, tp_traverse);
    visits v = {d, out, false};
    uint64_t args[3] = {object, 0, 0}, result;
    insp_error why;
    if (!d->machine || !function || d->r.bad)
        return false;
    args[1] = insp_machine_callback_address(d->machine);
    return !insp_machine_call(d->machine, function, args, 3, keep_visit, &v, &result, &why) &&
           !v.cut;
}

uint64_t insp_module_state_size(insp_reader *r, insp_addr module)
{
    insp_addr def = INSP_U64(r, module, PyModuleObject, md_def);
    int64_t size = (int64_t)(def ? INSP_U64(r, def, PyModuleDef, m_size)
                                 : INSP_U64(r, module, PyModuleObject, md_state_size));
    return size > 0 && !r->bad ? (uint64_t)size : 0;
}

// module_traverse calls m_traverse where the module has its state, or needs none.
void insp_walk_module(insp_decoder *d, insp_addr addr)
{
    // Since 3.15 a module has what it needs of its definition, if it has one at all.
    insp_addr def = INSP_U64(&d->r, addr, PyModuleObject, md_def);
    insp_addr state = INSP_U64(&d->r, addr, PyModuleObject, md_state);
    insp_emit_body(d, state);
    insp_addr traverse = INSP_U64(&d->r, addr, PyModuleObject, md_state_traverse);
    if (def)
        traverse = INSP_U64(&d->r, def, PyModuleDef, m_traverse);
    uint64_t size = insp_module_state_size(&d->r, addr);
    if (!traverse || d->r.bad || (size && !state))
        return;
    if (insp_is_out_of_reach(d->py, traverse)) {
        insp_guess_state(d, state, size);
        return;
    }
    const insp_typeinfo *t =
        insp_type_at(d->types, &d->r, INSP_U64(&d->r, addr, PyObject, ob_type));
    if (!t)
        return;
    visit_state v = {.d = d, .object = addr, .t = t, .state = state};
    v.state_size = size;
    (void)interpret(&v, traverse);
}
