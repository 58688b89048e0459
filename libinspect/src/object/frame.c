// SPDX-License-Identifier: MIT
#include "frame.h"

// More than the compiler makes of any program: a code object that says more is damaged.
enum { MAX_ROOM = 1 << 20, MAX_SHIMS = 1 << 16 };

static bool are_objects(const insp_decoder *d)
{
    return d->py->layout.flavour->frames == INSP_FRAMES_OBJECTS;
}

// Since 3.12 (gh-98831 and others) a call from C puts an entry without code of its own between frames.
static insp_addr past_shims(insp_decoder *d, insp_addr addr)
{
    if (are_objects(d))
        return addr;
    for (int i = 0; addr && i < MAX_SHIMS && !d->r.bad; i++) {
        if (INSP_U8(&d->r, addr, PyInterpreterFrame, owner) < INSP_FRAME_SHIM)
            return addr;
        addr = INSP_U64(&d->r, addr, PyInterpreterFrame, previous);
    }
    return 0;
}

insp_stackref insp_stackref_of(const insp_decoder *d, uint64_t word)
{
    // _PyStackRef (pycore_stackref.h): 0 owned, 1 not counted, 2 and 3 no reference at all.
    enum { TAGS = 3, NOT_COUNTED = 1 };
    if (d->py->layout.flavour->frames != INSP_FRAMES_TAGGED)
        return (insp_stackref){word, INSP_REF_OWNED};
    unsigned tag = word & TAGS;
    return (insp_stackref){.target = tag <= NOT_COUNTED ? word & ~(uint64_t)TAGS : 0,
                           .kind = tag ? INSP_REF_BORROWED : INSP_REF_OWNED};
}

static insp_addr untagged(const insp_decoder *d, uint64_t word)
{
    return insp_stackref_of(d, word).target;
}

static void read_interp_frame(insp_decoder *d, insp_iframe *f)
{
    insp_reader *r = &d->r;
    insp_addr addr = f->addr;
    f->code = untagged(d, INSP_U64(r, addr, PyInterpreterFrame, f_code));
    f->previous = past_shims(d, INSP_U64(r, addr, PyInterpreterFrame, previous));
    f->globals = INSP_U64(r, addr, PyInterpreterFrame, f_globals);
    f->builtins = INSP_U64(r, addr, PyInterpreterFrame, f_builtins);
    f->locals = INSP_U64(r, addr, PyInterpreterFrame, f_locals);
    f->frame_object = INSP_U64(r, addr, PyInterpreterFrame, frame_obj);
    f->instr = INSP_U64(r, addr, PyInterpreterFrame, prev_instr);
    f->owner = INSP_U8(r, addr, PyInterpreterFrame, owner);
    f->slots = addr + (uint32_t)INSP_OFF(&d->py->layout, PyInterpreterFrame, localsplus);
    f->n_locals = INSP_U32(r, f->code, PyCodeObject, co_nlocalsplus);
    int32_t top = (int32_t)INSP_U32(r, addr, PyInterpreterFrame, stacktop);
    if (INSP_OFF(&d->py->layout, PyInterpreterFrame, stackpointer) >= 0) {
        // 3.14 (gh-118415) writes down where the stack ends before every call that may look.
        insp_addr end = INSP_U64(r, addr, PyInterpreterFrame, stackpointer);
        uint64_t used = (end - f->slots) / 8;
        top = !end ? -1 : used <= MAX_ROOM ? (int32_t)used : INT32_MAX;
    }
    f->executing = top < 0;
    f->n_slots = f->executing ? f->n_locals : (uint32_t)top;
}

// Up to 3.10. f_lasti counts bytes, in 3.10 (bpo-27129) code units; it is -1 before the first instruction.
static void read_frame_object(insp_decoder *d, insp_iframe *f)
{
    enum { UNIT = 2 };
    insp_reader *r = &d->r;
    insp_addr addr = f->addr;
    f->code = INSP_U64(r, addr, PyFrameObject, f_code);
    f->previous = INSP_U64(r, addr, PyFrameObject, f_back);
    f->globals = INSP_U64(r, addr, PyFrameObject, f_globals);
    f->builtins = INSP_U64(r, addr, PyFrameObject, f_builtins);
    f->locals = INSP_U64(r, addr, PyFrameObject, f_locals);
    f->frame_object = addr;
    f->owner = INSP_FRAME_OBJECT;
    f->generator = INSP_U64(r, addr, PyFrameObject, f_gen);
    f->slots = addr + (uint32_t)INSP_OFF(&d->py->layout, PyFrameObject, f_localsplus);
    insp_addr stack = INSP_U64(r, addr, PyFrameObject, f_valuestack);
    uint64_t locals = (stack - f->slots) / 8, depth = 0;
    f->n_locals = locals <= MAX_ROOM ? (uint32_t)locals : UINT32_MAX;
    int32_t last = (int32_t)INSP_U32(r, addr, PyFrameObject, f_lasti);
    if (INSP_OFF(&d->py->layout, PyFrameObject, f_stackdepth) >= 0) {
        int32_t n = (int32_t)INSP_U32(r, addr, PyFrameObject, f_stackdepth);
        f->executing = n < 0;
        depth = n > 0 ? (uint64_t)n : 0;
        last *= UNIT;
    } else {
        insp_addr top = INSP_U64(r, addr, PyFrameObject, f_stacktop);
        f->executing = INSP_U8(r, addr, PyFrameObject, f_executing);
        depth = top ? (top - stack) / 8 : 0;
    }
    f->n_slots = f->n_locals + (uint32_t)(depth <= MAX_ROOM ? depth : MAX_ROOM + 1);
    f->instr = insp_code_first(d, f->code) + (uint32_t)(last > 0 ? last : 0);
}

bool insp_iframe_look(insp_decoder *d, insp_addr addr, insp_iframe *f)
{
    insp_reader *r = &d->r;
    *f = (insp_iframe){.addr = past_shims(d, addr)};
    if (!f->addr)
        return false;
    if (are_objects(d))
        read_frame_object(d, f);
    else
        read_interp_frame(d, f);
    const insp_typeinfo *t =
        f->code ? insp_type_at(d->types, r, INSP_U64(r, f->code, PyObject, ob_type)) : NULL;
    if (r->bad || !t || t->kind != INSP_KIND_CODE)
        return false;
    uint32_t stack = INSP_U32(r, f->code, PyCodeObject, co_stacksize);
    if (r->bad || f->n_locals > MAX_ROOM || stack > MAX_ROOM)
        return false;
    f->room = f->n_locals + stack;
    insp_addr first = insp_code_first(d, f->code);
    // Before its first instruction a frame stands one unit in front of its code.
    f->unit = f->instr > first ? (uint32_t)((f->instr - first) / 2) : 0;
    return f->n_slots <= f->room &&
           (!f->n_slots || insp_at(&r->cur, f->slots, f->n_slots * 8u));
}

// Up to 3.10 locals, cells and free variables are named by three tuples, in this order.
static insp_addr name_in_tuples(insp_decoder *d, const insp_iframe *f, uint32_t i, bool *cell)
{
    static const insp_member tuples[] = {INSP_F_PyCodeObject_co_varnames,
                                         INSP_F_PyCodeObject_co_cellvars,
                                         INSP_F_PyCodeObject_co_freevars};
    uint64_t at = i;
    for (size_t k = 0; k < sizeof(tuples) / sizeof(tuples[0]); k++) {
        insp_addr names = insp_member_u64(&d->r, f->code, tuples[k]);
        uint64_t n = INSP_U64(&d->r, names, PyVarObject, ob_size);
        *cell = k > 0;
        if (at < n)
            return insp_u64(&d->r,
                            names + (uint32_t)INSP_OFF(&d->py->layout, PyTupleObject, ob_item) +
                                at * 8u);
        at -= n;
    }
    return 0;
}

insp_addr insp_iframe_name(insp_decoder *d, const insp_iframe *f, uint32_t i, bool *cell)
{
    enum { CO_FAST_CELL = 0x40, CO_FAST_FREE = 0x80 };
    *cell = false;
    if (i >= f->n_locals)
        return 0;
    if (INSP_OFF(&d->py->layout, PyCodeObject, co_localsplusnames) < 0)
        return name_in_tuples(d, f, i, cell);
    insp_addr names = INSP_U64(&d->r, f->code, PyCodeObject, co_localsplusnames);
    insp_addr kinds = INSP_U64(&d->r, f->code, PyCodeObject, co_localspluskinds);
    if (INSP_U64(&d->r, names, PyVarObject, ob_size) != f->n_locals)
        return 0;
    uint8_t kind =
        insp_u8(&d->r, kinds + (uint32_t)INSP_OFF(&d->py->layout, PyBytesObject, ob_sval) + i);
    *cell = kind & (CO_FAST_CELL | CO_FAST_FREE);
    return insp_u64(&d->r, names + (uint32_t)INSP_OFF(&d->py->layout, PyTupleObject, ob_item) +
                               i * 8u);
}

insp_addr insp_code_name(insp_decoder *d, insp_addr code)
{
    // co_qualname: 3.11 (bpo-44530).
    insp_addr name = INSP_U64(&d->r, code, PyCodeObject, co_qualname);
    return name ? name : INSP_U64(&d->r, code, PyCodeObject, co_name);
}

insp_addr insp_iframe_value(insp_decoder *d, const insp_iframe *f, uint32_t i)
{
    return untagged(d, insp_u64(&d->r, f->slots + i * UINT64_C(8)));
}

static void emit_stackref(insp_decoder *d, insp_ref ref)
{
    insp_stackref s = insp_stackref_of(d, insp_u64(&d->r, ref.slot));
    ref.target = s.target;
    ref.kind = ref.kind == INSP_REF_POSSIBLE ? ref.kind : s.kind;
    if (ref.kind == INSP_REF_OWNED || d->all)
        insp_emit(d->refs, ref);
}

static void emit_named_stackref(insp_decoder *d, insp_addr slot, const char *name, bool visited)
{
    emit_stackref(d, (insp_ref){.slot = slot,
                                .arg = (uintptr_t)name,
                                .form = INSP_FORM_NAME,
                                .visited = visited});
}

static void walk_executing_stack(insp_decoder *d, const insp_iframe *f)
{
    insp_stack s = insp_stack_of(d, f);
    uint32_t end = s.owned > s.possible || !d->all ? s.owned : s.possible;
    for (uint32_t i = 0; i < end && insp_goes_on(d); i++) {
        int kind = insp_stack_kind(&s, i);
        if (kind >= 0)
            emit_stackref(d, (insp_ref){.slot = f->slots + (f->n_locals + i) * 8u,
                                        .arg = i,
                                        .form = INSP_FORM_STACK,
                                        .kind = (uint8_t)kind,
                                        .stale = insp_stack_is_stale(&s, i)});
    }
}

void insp_walk_iframe_slots(insp_decoder *d, const insp_iframe *f, bool visited)
{
    for (uint32_t i = 0; i < f->n_slots && insp_goes_on(d); i++) {
        bool cell;
        insp_addr name = insp_iframe_name(d, f, i, &cell);
        uint8_t form = !name ? INSP_FORM_STACK : cell ? INSP_FORM_CELL : INSP_FORM_LOCAL;
        emit_stackref(d, (insp_ref){.slot = f->slots + i * 8u,
                                    .arg = name ? name : i - f->n_locals,
                                    .form = form,
                                    .visited = visited});
    }
    if (f->executing)
        walk_executing_stack(d, f);
}

static void no_frame(insp_decoder *d, insp_addr addr)
{
    insp_found(d->py->findings, "frame", addr, "the frame at 0x%" PRIx64 " has no sound code",
               addr);
}

// _PyFrame_Traverse; a frame whose stack ends nobody knows where shows it no slots.
void insp_walk_iframe(insp_decoder *d, insp_addr addr, bool visited)
{
    const insp_layout *l = &d->py->layout;
    insp_iframe f;
    if (!insp_iframe_look(d, addr, &f)) {
        no_frame(d, addr);
        return;
    }
    insp_emit_named(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, frame_obj),
                    "frame object", visited);
    insp_emit_named(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_locals), "f_locals",
                    visited);
    emit_named_stackref(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_func), "function",
                        visited);
    emit_named_stackref(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_code), "code",
                        visited);
    if (!f.executing || !visited)
        insp_walk_iframe_slots(d, &f, visited);
}

// A thread's frames are a list from the innermost one on. Damaged ones may meet: what is behind that is known.
static void read_callees(insp_decoder *d)
{
    enum { MOST = 1 << 24 };
    insp_callees *c = &d->callees;
    bool bad = d->r.bad;
    c->read = true;
    for (size_t i = 0; i < d->py->threads.len; i++) {
        insp_iframe f = {.previous = d->py->threads.at[i].frame};
        insp_addr callee = 0;
        d->r.bad = false;
        while (c->of.len < MOST && insp_iframe_look(d, f.previous, &f) &&
               insp_map_get(&c->place, f.addr) == INSP_MAP_NONE &&
               insp_map_set(&c->place, f.addr, (uint32_t)c->of.len) &&
               insp_addrs_push(&c->of, callee))
            callee = f.addr;
    }
    d->r.bad = bad;
}

insp_addr insp_callee_of(insp_decoder *d, insp_addr frame)
{
    if (!d->callees.read)
        read_callees(d);
    uint32_t place = insp_map_get(&d->callees.place, frame);
    return place < d->callees.of.len ? d->callees.of.at[place] : 0;
}

// frame_traverse (Objects/frameobject.c): since 3.11 the frame's contents only where the object owns them;
// before that always.
void insp_walk_frame(insp_decoder *d, insp_addr addr)
{
    if (are_objects(d)) {
        insp_iframe f;
        bool sound = insp_iframe_look(d, addr, &f);
        if (!sound)
            no_frame(d, addr);
        d->inner = sound && f.executing ? insp_callee_of(d, addr) : 0;
        if (sound)
            insp_walk_iframe_slots(d, &f, true);
        d->inner = 0;
        return;
    }
    insp_addr iframe = INSP_U64(&d->r, addr, PyFrameObject, f_frame);
    if (iframe && INSP_U8(&d->r, iframe, PyInterpreterFrame, owner) == INSP_FRAME_OBJECT)
        insp_walk_iframe(d, iframe, true);
}

// gen_traverse (Objects/genobject.c). The exception state is the generator's even while it runs.
void insp_walk_generator(insp_decoder *d, insp_addr addr)
{
    const insp_layout *l = &d->py->layout;
    static const insp_member handled[] = {INSP_F_PyErr_StackItem_exc_type,
                                          INSP_F_PyErr_StackItem_exc_value,
                                          INSP_F_PyErr_StackItem_exc_traceback};
    insp_addr exc = addr + (uint32_t)INSP_OFF(l, PyGenObject, gi_exc_state);
    for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
        if (l->off[handled[i]] >= 0)
            insp_emit_named(d, exc + (uint32_t)l->off[handled[i]], "exception handled", true);
    }
    if (INSP_OFF(l, PyGenObject, gi_iframe) < 0)
        return;
    insp_addr iframe = addr + (uint32_t)INSP_OFF(l, PyGenObject, gi_iframe);
    int8_t state = (int8_t)INSP_U8(&d->r, addr, PyGenObject, gi_frame_state);
    if (state < l->flavour->frame_done)
        insp_walk_iframe(d, iframe, true);
    else if (INSP_OFF(l, PyGenObject, gi_code) < 0)
        // Since 3.12 the code is the frame's alone, and outlives it; 3.14 (gh-125723) visits it too.
        emit_named_stackref(d, iframe + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_code),
                            "code", l->flavour->frames == INSP_FRAMES_TAGGED);
}
