// SPDX-License-Identifier: MIT
#include "frame.h"

// More than the compiler makes of any program: a code object that says more is damaged.
enum { MAX_ROOM = 1 << 20, MAX_TABLE = 1 << 24 };

bool insp_iframe_look(insp_decoder *d, insp_addr addr, insp_iframe *f)
{
    insp_reader *r = &d->r;
    *f = (insp_iframe){.addr = addr};
    f->code = INSP_U64(r, addr, PyInterpreterFrame, f_code);
    f->previous = INSP_U64(r, addr, PyInterpreterFrame, previous);
    f->globals = INSP_U64(r, addr, PyInterpreterFrame, f_globals);
    f->builtins = INSP_U64(r, addr, PyInterpreterFrame, f_builtins);
    f->locals = INSP_U64(r, addr, PyInterpreterFrame, f_locals);
    f->frame_object = INSP_U64(r, addr, PyInterpreterFrame, frame_obj);
    f->instr = INSP_U64(r, addr, PyInterpreterFrame, prev_instr);
    f->owner = INSP_U8(r, addr, PyInterpreterFrame, owner);
    f->slots = addr + (uint32_t)INSP_OFF(&d->py->layout, PyInterpreterFrame, localsplus);
    const insp_typeinfo *t =
        f->code ? insp_type_at(d->types, r, INSP_U64(r, f->code, PyObject, ob_type)) : NULL;
    if (r->bad || !t || t->kind != INSP_KIND_CODE)
        return false;
    int32_t top = (int32_t)INSP_U32(r, addr, PyInterpreterFrame, stacktop);
    f->n_locals = INSP_U32(r, f->code, PyCodeObject, co_nlocalsplus);
    uint32_t stack = INSP_U32(r, f->code, PyCodeObject, co_stacksize);
    if (r->bad || f->n_locals > MAX_ROOM || stack > MAX_ROOM)
        return false;
    f->room = f->n_locals + stack;
    f->executing = top < 0;
    insp_addr first =
        f->code + (uint32_t)INSP_OFF(&d->py->layout, PyCodeObject, co_code_adaptive);
    // Before its first instruction a frame stands one unit in front of its code.
    f->unit = f->instr > first ? (uint32_t)((f->instr - first) / 2) : 0;
    f->n_slots = f->executing ? f->n_locals : (uint32_t)top;
    return f->n_slots <= f->room &&
           (!f->n_slots || insp_at(&r->cur, f->slots, f->n_slots * 8u));
}

insp_addr insp_iframe_name(insp_decoder *d, const insp_iframe *f, uint32_t i, bool *cell)
{
    enum { CO_FAST_CELL = 0x40, CO_FAST_FREE = 0x80 };
    insp_addr names = INSP_U64(&d->r, f->code, PyCodeObject, co_localsplusnames);
    insp_addr kinds = INSP_U64(&d->r, f->code, PyCodeObject, co_localspluskinds);
    *cell = false;
    if (i >= f->n_locals || INSP_U64(&d->r, names, PyVarObject, ob_size) != f->n_locals)
        return 0;
    uint8_t kind =
        insp_u8(&d->r, kinds + (uint32_t)INSP_OFF(&d->py->layout, PyBytesObject, ob_sval) + i);
    *cell = kind & (CO_FAST_CELL | CO_FAST_FREE);
    return insp_u64(&d->r, names + (uint32_t)INSP_OFF(&d->py->layout, PyTupleObject, ob_item) +
                               i * 8u);
}

static void walk_executing_stack(insp_decoder *d, const insp_iframe *f)
{
    insp_stack s = insp_stack_of(d, f);
    uint32_t end = s.owned > s.possible || !d->all ? s.owned : s.possible;
    for (uint32_t i = 0; i < end && insp_goes_on(d); i++) {
        int kind = insp_stack_kind(&s, i);
        if (kind == INSP_REF_OWNED || (kind >= 0 && d->all))
            insp_emit_slot(d, f->slots + (f->n_locals + i) * 8u, INSP_FORM_STACK, i,
                           (uint8_t)kind, false);
    }
}

void insp_walk_iframe_slots(insp_decoder *d, const insp_iframe *f, bool visited)
{
    for (uint32_t i = 0; i < f->n_slots && insp_goes_on(d); i++) {
        bool cell;
        insp_addr name = insp_iframe_name(d, f, i, &cell);
        uint8_t form = !name ? INSP_FORM_STACK : cell ? INSP_FORM_CELL : INSP_FORM_LOCAL;
        insp_emit_slot(d, f->slots + i * 8u, form, name ? name : i - f->n_locals,
                       INSP_REF_OWNED, visited);
    }
    if (f->executing)
        walk_executing_stack(d, f);
}

// _PyFrame_Traverse; a frame that is being executed shows it no slots.
void insp_walk_iframe(insp_decoder *d, insp_addr addr, bool visited)
{
    const insp_layout *l = &d->py->layout;
    insp_iframe f;
    if (!insp_iframe_look(d, addr, &f)) {
        insp_found(d->py->findings, "frame", addr,
                   "the frame at 0x%" PRIx64 " has no sound code", addr);
        return;
    }
    insp_emit_named(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, frame_obj),
                    "frame object", visited);
    insp_emit_named(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_locals), "f_locals",
                    visited);
    insp_emit_named(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_func), "function",
                    visited);
    insp_emit_named(d, addr + (uint32_t)INSP_OFF(l, PyInterpreterFrame, f_code), "code",
                    visited);
    if (!f.executing || !visited)
        insp_walk_iframe_slots(d, &f, visited);
}

// gen_traverse (Objects/genobject.c). The exception state is the generator's even while it runs.
void insp_walk_generator(insp_decoder *d, insp_addr addr)
{
    enum { FRAME_CLEARED = 4 };
    const insp_layout *l = &d->py->layout;
    int8_t state = (int8_t)INSP_U8(&d->r, addr, PyGenObject, gi_frame_state);
    insp_addr exc = addr + (uint32_t)INSP_OFF(l, PyGenObject, gi_exc_state);
    if (state < FRAME_CLEARED)
        insp_walk_iframe(d, addr + (uint32_t)INSP_OFF(l, PyGenObject, gi_iframe), true);
    insp_emit_named(d, exc + (uint32_t)INSP_OFF(l, PyErr_StackItem, exc_value),
                    "exception handled", true);
}

// frame_traverse (Objects/frameobject.c): the frame's contents only where the object owns them.
void insp_walk_frame(insp_decoder *d, insp_addr addr)
{
    insp_addr iframe = INSP_U64(&d->r, addr, PyFrameObject, f_frame);
    if (iframe && INSP_U8(&d->r, iframe, PyInterpreterFrame, owner) == INSP_FRAME_OBJECT)
        insp_walk_iframe(d, iframe, true);
}

/** A reader of the bytes of a location table. */
typedef struct table {
    insp_decoder *d;
    insp_addr at, end;
} table;

static uint8_t next_byte(table *t)
{
    return t->at < t->end ? insp_u8(&t->d->r, t->at++) : 0;
}

// Six bits a byte, the lowest first; bit 6 says that more follow. An int has at most six of them, and what is
// damaged must not add up to more than a line number holds.
static int64_t varint(table *t)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 36; shift += 6) {
        uint8_t b = next_byte(t);
        value |= (uint64_t)(b & 63) << shift;
        if (!(b & 64))
            break;
    }
    return (int64_t)value;
}

static int64_t signed_varint(table *t)
{
    int64_t v = varint(t);
    return v & 1 ? -(v >> 1) : v >> 1;
}

// What an entry adds to the line, and past its own bytes. *none: the entry has no line.
static int64_t line_delta(table *t, unsigned code, bool *none)
{
    enum { NO_COLUMNS = 13, LONG = 14, NONE = 15 };
    *none = code == NONE;
    if (code == NONE)
        return 0;
    if (code == LONG || code == NO_COLUMNS) {
        int64_t delta = signed_varint(t);
        for (int i = 0; code == LONG && i < 3; i++)
            (void)varint(t);
        return delta;
    }
    (void)next_byte(t);
    if (code < 10)
        return 0;
    (void)next_byte(t);
    return code - 10;
}

int64_t insp_code_line(insp_decoder *d, insp_addr code, insp_addr instr)
{
    enum { CODE_UNIT = 2 };
    const insp_layout *l = &d->py->layout;
    bool bad = d->r.bad;
    d->r.bad = false;
    insp_addr first = code + (uint32_t)INSP_OFF(l, PyCodeObject, co_code_adaptive);
    insp_addr bytes = INSP_U64(&d->r, code, PyCodeObject, co_linetable);
    uint64_t size = INSP_U64(&d->r, bytes, PyVarObject, ob_size);
    int64_t line = (int32_t)INSP_U32(&d->r, code, PyCodeObject, co_firstlineno), result = 0;
    // Before its first instruction a frame stands one unit in front of its code.
    uint64_t at = instr >= first ? instr - first : 0;
    table t = {d, bytes + (uint32_t)INSP_OFF(l, PyBytesObject, ob_sval), 0};
    t.end = t.at + (size < MAX_TABLE ? size : 0);
    uint64_t offset = 0;
    for (; t.at < t.end && d->line_bytes && !d->r.bad; d->line_bytes--) {
        uint8_t b = next_byte(&t);
        bool none;
        line += line_delta(&t, b >> 3 & 15, &none);
        offset += ((b & 7u) + 1u) * CODE_UNIT;
        if (at < offset) {
            result = none ? 0 : line;
            break;
        }
    }
    d->r.bad = bad;
    return result;
}
