// SPDX-License-Identifier: MIT
#include "depth.h"

#include "../base/cleanup.h"
#include "frame.h"
#include "str.h"

#include <libinspect.h>
#include <stdlib.h>
#include <string.h>

// How control goes on after an opcode.
enum {
    UNKNOWN,
    NEXT,
    STOPS,
    FORWARD,
    BACKWARD,
    ABSOLUTE,
    NEXT_OR_FORWARD,
    NEXT_OR_BACKWARD,
    NEXT_OR_ABSOLUTE,
    NEXT_OR_HANDLER, // forward, to a handler
    ENTERS,          // to what follows, which is a handler, too
    EXTENDED
};

// What can be said of the operands while an opcode runs.
enum {
    PLAIN,    // the masks say it
    ALL,      // each of them is done with at some time
    SPREAD,   // the results come one by one
    TRUTH,    // a truth value: nobody is called for those of static types
    METHOD,   // a call: NULL or a function below the callable's place, then the result
    CALL,     // a call: the callable lowest, then the result
    ARGS,     // a call that may make a tuple of its arguments
    NULL_ARGS // the same, with NULL lowest
};

/** One opcode. Its effect on the depth is next + per * oparg + bit * (ones in oparg & mask). */
typedef struct opcode {
    uint8_t base;   // what the compiler would write
    uint8_t caches; // code units behind it that are no instructions
    uint8_t flow;
    int8_t next, jump, per, bit;
    uint8_t mask;
    uint8_t
        results; // of what it does with its operands, where it may call anything: none or one
    uint8_t rule, gone, doubtful;
} opcode;

typedef struct table {
    uint32_t from, to; // PY_VERSION_HEX, both inclusive
    uint32_t unit;     // bytes that 1 of a jump's argument stands for
    opcode ops[256];
} table;

static const table tables[] = {
#include "opcodes.inc"
};

// A code object is cut there: what the compiler makes of a program is smaller.
enum { MAX_UNITS = 1 << 22, MAX_HANDLERS = 1 << 22, MAX_PREFIXES = 3 };
enum { NOT_REACHED = -1, CONTRADICTED = -2 };

/** A code object being followed. */
typedef struct flow {
    const table *t;
    const unsigned char *units; // pairs of opcode and oparg
    uint32_t n;
    int64_t most;
    int32_t *depth; // of each unit
    int32_t *sure;  // of each unit in a handler: below the outermost one; else NOT_REACHED
    uint32_t *todo;
    uint32_t n_todo;
} flow;

static const table *table_of(uint32_t hex)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (hex >= tables[i].from && hex <= tables[i].to)
            return &tables[i];
    }
    return NULL;
}

// Where an opcode's second number is a width, the argument is two counts: UNPACK_EX.
static int64_t effect(const opcode *op, int64_t base, uint32_t arg)
{
    if (op->per && op->mask)
        return base + op->per * (int64_t)((arg & op->mask) + (arg >> 8));
    return base + op->per * (int64_t)arg + op->bit * __builtin_popcount(arg & op->mask);
}

// Up to CPython 3.8 (bpo-33387) a finally block finds six words above the try block's when there was an
// exception, one when there was none: the depth counts six, and only what lies below (`sure`) is certain.
static void reach(flow *f, int64_t at, int64_t depth, int64_t sure)
{
    if (at < 0 || at >= f->n || depth < 0 || depth > f->most)
        return;
    int32_t *known = &f->depth[at];
    if (*known == NOT_REACHED) {
        *known = (int32_t)depth;
        f->sure[at] = (int32_t)(sure < depth ? sure : NOT_REACHED);
        f->todo[f->n_todo++] = (uint32_t)at;
    } else if (*known != depth) {
        *known = CONTRADICTED;
    }
}

static const opcode *opcode_at(const flow *f, uint32_t at)
{
    return &f->t->ops[f->units[(size_t)at * 2]];
}

// Past prefixes, to the opcode they are for: its oparg, and where it is.
static const opcode *decode(flow *f, uint32_t *at, uint32_t *arg)
{
    int32_t depth = f->depth[*at], sure = f->sure[*at];
    *arg = f->units[(size_t)*at * 2 + 1];
    for (int i = 0; i < MAX_PREFIXES && opcode_at(f, *at)->flow == EXTENDED; i++) {
        if (*at + 1 >= f->n)
            return &f->t->ops[0];
        ++*at;
        *arg = *arg << 8 | f->units[(size_t)*at * 2 + 1];
        f->depth[*at] = depth;
        f->sure[*at] = sure;
    }
    const opcode *op = opcode_at(f, *at);
    return op->base ? &f->t->ops[op->base] : op;
}

// Whether a handler is also come to without an exception, as a finally block is: from the opcode before it.
static bool is_entered(const flow *f, int64_t handler)
{
    return handler > 0 && handler < f->n && opcode_at(f, (uint32_t)handler - 1)->flow == ENTERS;
}

static void follow(flow *f, uint32_t at)
{
    enum { EXCEPTION = 6 };
    int64_t depth = f->depth[at], sure = f->sure[at];
    if (depth < 0)
        return;
    uint32_t arg;
    const opcode *op = decode(f, &at, &arg);
    int64_t next = (int64_t)at + 1 + op->caches, by = (int64_t)arg * f->t->unit / 2;
    int64_t there = depth + effect(op, op->jump, arg);
    if (op->flow == NEXT_OR_HANDLER)
        reach(f, next + by, there,
              sure < 0 && is_entered(f, next + by) ? there - EXCEPTION : sure);
    else if (op->flow == FORWARD || op->flow == NEXT_OR_FORWARD)
        reach(f, next + by, there, sure);
    else if (op->flow == BACKWARD || op->flow == NEXT_OR_BACKWARD)
        reach(f, next - by, there, sure);
    else if (op->flow == ABSOLUTE || op->flow == NEXT_OR_ABSOLUTE)
        reach(f, by, there, sure);
    if (op->flow == ENTERS && sure < 0)
        sure = depth;
    if (op->flow == NEXT || op->flow >= NEXT_OR_FORWARD)
        reach(f, next, depth + effect(op, op->next, arg), sure);
}

/** A reader of the bytes of an exception table. */
typedef struct bytes {
    const unsigned char *at, *end;
} bytes;

// Six bits a byte, the highest first; bit 6 says that more follow (Objects/exception_handling_notes.txt).
static uint32_t number(bytes *b)
{
    uint32_t value = 0;
    for (int i = 0; i < 6 && b->at < b->end; i++) {
        unsigned char c = *b->at++;
        value = value << 6 | (c & 63);
        if (!(c & 64))
            break;
    }
    return value;
}

// Since CPython 3.11 (bpo-40222) a table says where handlers are and how deep the stack is cut for them; the
// exception comes on top, and below it, where it is asked for, the instruction that raised.
static void reach_handlers(insp_decoder *d, insp_addr code, flow *f)
{
    insp_addr object = INSP_U64(&d->r, code, PyCodeObject, co_exceptiontable);
    if (!object)
        return;
    uint64_t size = INSP_U64(&d->r, object, PyVarObject, ob_size);
    insp_addr start = object + (uint32_t)INSP_OFF(&d->py->layout, PyBytesObject, ob_sval);
    const unsigned char *at =
        size && size < MAX_HANDLERS ? insp_at(&d->r.cur, start, size) : NULL;
    bytes b = {at, at ? at + size : NULL};
    while (b.at < b.end) {
        (void)number(&b);
        (void)number(&b);
        uint32_t handler = number(&b), depth = number(&b);
        reach(f, handler, (int64_t)(depth >> 1) + (depth & 1) + 1, NOT_REACHED);
    }
}

// The code units as they are executed: since CPython 3.11 (bpo-44525) behind the code object, opcodes
// replaced by their specialisations; before that a bytes object.
static insp_addr units_of(insp_decoder *d, insp_addr code, uint64_t *n)
{
    const insp_layout *l = &d->py->layout;
    int32_t own = INSP_OFF(l, PyCodeObject, co_code_adaptive);
    if (own >= 0) {
        *n = INSP_U64(&d->r, code, PyVarObject, ob_size);
        return code + (uint32_t)own;
    }
    insp_addr object = INSP_U64(&d->r, code, PyCodeObject, co_code);
    *n = INSP_U64(&d->r, object, PyVarObject, ob_size) / 2;
    return object + (uint32_t)INSP_OFF(l, PyBytesObject, ob_sval);
}

static bool tell(flow *f, uint32_t at, insp_depth *out)
{
    uint32_t first = at, arg;
    for (int i = 0; i < MAX_PREFIXES && first > 0; i++, first--) {
        if (f->depth[first - 1] < 0 || opcode_at(f, first - 1)->flow != EXTENDED)
            break;
    }
    if (f->depth[first] < 0)
        return false;
    int64_t before = f->depth[first];
    const opcode *base = decode(f, &first, &arg), *op = opcode_at(f, first);
    // PRECALL_*, the specialised ones, do the work of the CALL behind them: theirs is another effect.
    int64_t after = before + effect(op, op->next, arg);
    int64_t operands = op->results + before - after;
    if (base->flow == UNKNOWN || after < 0 || after > f->most + 1 || operands > before)
        return false;
    *out = (insp_depth){.before = (uint32_t)before,
                        .in_handler = f->sure[first] >= 0,
                        .sure = f->sure[first] >= 0 ? (uint32_t)f->sure[first] : 0,
                        .after = (uint32_t)after,
                        .operands = operands < 0 ? 0 : (uint32_t)operands,
                        .oparg = arg,
                        .rule = op->rule,
                        .gone = op->gone,
                        .doubtful = op->doubtful};
    return true;
}

static bool find_depth(insp_decoder *d, insp_addr code, uint32_t at, insp_depth *out)
{
    flow f = {.t = table_of(d->py->hex)};
    uint64_t n;
    insp_addr start = units_of(d, code, &n);
    f.most = INSP_U32(&d->r, code, PyCodeObject, co_stacksize);
    // Many frames may claim the same large code, each to be somewhere else in it.
    if (!f.t || d->r.bad || !n || n > MAX_UNITS || at >= n || f.most > INT32_MAX / 2 ||
        n > d->code_bytes)
        return false;
    d->code_bytes -= n;
    f.n = (uint32_t)n;
    f.units = insp_at(&d->r.cur, start, n * 2);
    INSP_CLEANUP(insp_free_ptr)
    void *memory = calloc(n, 2 * sizeof(*f.depth) + sizeof(*f.todo));
    if (!f.units || !memory)
        return false;
    f.depth = memory;
    f.sure = f.depth + n;
    f.todo = (uint32_t *)memory + 2 * n;
    for (uint32_t i = 0; i < f.n; i++)
        f.depth[i] = NOT_REACHED;
    reach(&f, 0, 0, NOT_REACHED);
    reach_handlers(d, code, &f);
    while (f.n_todo)
        follow(&f, f.todo[--f.n_todo]);
    return tell(&f, at, out);
}

bool insp_depth_at(insp_decoder *d, insp_addr code, uint32_t at, insp_depth *out)
{
    size_t n = sizeof(d->depths.memo) / sizeof(d->depths.memo[0]);
    uint64_t mixed = (code >> 4 ^ at) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(mixed >> 32) % n;
    if (d->depths.memo[i].code != code || d->depths.memo[i].at != at) {
        bool bad = d->r.bad;
        d->r.bad = false;
        d->depths.memo[i].code = code;
        d->depths.memo[i].at = at;
        d->depths.memo[i].known = find_depth(d, code, at, &d->depths.memo[i].depth);
        d->r.bad = bad;
    }
    *out = d->depths.memo[i].depth;
    return d->depths.memo[i].known;
}

static const insp_typeinfo *type_in(insp_decoder *d, const insp_iframe *f, uint32_t i,
                                    insp_addr *object)
{
    bool bad = d->r.bad;
    d->r.bad = false;
    *object = insp_u64(&d->r, f->slots + (f->n_locals + (uint64_t)i) * 8u);
    insp_addr type = *object ? INSP_U64(&d->r, *object, PyObject, ob_type) : 0;
    const insp_typeinfo *t = type && !d->r.bad ? insp_type_at(d->types, &d->r, type) : NULL;
    d->r.bad = bad;
    return t;
}

// Whether the frame that the call has led to has this object as its first argument.
static bool is_first_argument(insp_decoder *d, insp_addr object)
{
    insp_iframe f;
    if (!d->inner || !object || !insp_iframe_look(d, d->inner, &f) || !f.n_locals)
        return false;
    insp_addr first = insp_u64(&d->r, f.slots);
    if (first == object || !first)
        return first == object;
    // def f(*args)
    const insp_typeinfo *t =
        insp_type_at(d->types, &d->r, INSP_U64(&d->r, first, PyObject, ob_type));
    uint32_t item = (uint32_t)INSP_OFF(&d->py->layout, PyTupleObject, ob_item);
    return t && t->kind == INSP_KIND_TUPLE &&
           INSP_U64(&d->r, first, PyVarObject, ob_size) > 0 &&
           insp_u64(&d->r, first + item) == object;
}

// Whether operands are being let go: one of them is on its way out, or runs its __del__.
static bool lets_go(insp_decoder *d, const insp_iframe *f, const insp_depth *at)
{
    insp_iframe inner;
    char name[16] = "";
    if (d->inner && insp_iframe_look(d, d->inner, &inner))
        (void)insp_str_read(&d->r, INSP_U64(&d->r, inner.code, PyCodeObject, co_name), name,
                            sizeof(name));
    bool deletes = !strcmp(name, "__del__");
    for (uint32_t i = 0; i < at->operands; i++) {
        insp_addr object;
        if (!type_in(d, f, at->before - 1 - i, &object))
            continue;
        if (deletes && is_first_argument(d, object))
            return true;
        if (!INSP_U32(&d->r, object, PyObject, ob_refcnt))
            return true;
    }
    return false;
}

enum { RUNS, DONE, OPEN };
enum { HAVE_VECTORCALL = 1 << 11, METHOD_DESCRIPTOR = 1 << 17 };

// Whether the frame that the call has led to runs this Python function.
static bool is_running(insp_decoder *d, insp_addr function)
{
    insp_iframe f;
    return d->inner && insp_iframe_look(d, d->inner, &f) &&
           f.code == INSP_U64(&d->r, function, PyFunctionObject, func_code);
}

// A call looks whether another thread wants the GIL, or a signal came, when its result has taken the place
// of its lowest operand and its others have been let go. Which of the two it is that place tells. Taken for
// done, a call costs its arguments their owner; taken for running, what is gone would have one too many.
static int call_state(insp_decoder *d, const insp_iframe *f, const insp_depth *at)
{
    insp_addr object;
    const insp_typeinfo *t = type_in(d, f, at->before - at->operands, &object);
    if (!object || is_first_argument(d, object))
        return RUNS;
    if (!t || at->rule == NULL_ARGS)
        return DONE;
    if (!strcmp(t->name, "function") && !t->is_heap)
        return is_running(d, object) ? RUNS : DONE;
    if (at->rule == METHOD)
        return t->flags & METHOD_DESCRIPTOR ? RUNS : DONE;
    if (t->flags & HAVE_VECTORCALL)
        return RUNS;
    // An instance may be callable, too.
    return t->is_heap ? OPEN : DONE;
}

// Bound methods and functools.partial put the first argument where they lie themselves as long as the call
// lasts, and have no reference for it (PY_VECTORCALL_ARGUMENTS_OFFSET): the place of the callable is told by
// what it holds. Nothing can be called through anything but `from_top` 0 to 7; farther down it is left.
static void look_at_callable(insp_decoder *d, const insp_iframe *f, const insp_depth *at,
                             insp_stack *s)
{
    insp_addr object;
    uint32_t place = at->before - at->operands;
    const insp_typeinfo *t = type_in(d, f, place, &object);
    if (!object)
        t = type_in(d, f, ++place, &object);
    uint32_t from_top = at->before - 1 - place;
    if (from_top >= 8 || !object)
        return;
    bool callable = t && (t->flags & HAVE_VECTORCALL || t->is_heap);
    if (!callable)
        s->gone |= (uint8_t)(1u << from_top);
    else if (is_first_argument(d, object))
        s->doubtful |= (uint8_t)(1u << from_top);
}

static insp_stack call_stack(insp_decoder *d, const insp_iframe *f, const insp_depth *at)
{
    uint32_t below = at->before - at->operands;
    int state = call_state(d, f, at);
    if (state == DONE)
        return (insp_stack){.owned = below + 1, .possible = below + 1};
    if (state == OPEN || lets_go(d, f, at))
        return (insp_stack){.owned = below, .possible = at->before};
    insp_stack s = {.owned = at->before, .possible = at->before};
    look_at_callable(d, f, at, &s);
    insp_addr object;
    const insp_typeinfo *t;
    uint32_t args = at->oparg & 1;
    // f(*x): where x is no tuple, one is made of it, and x let go.
    bool makes = at->rule == ARGS || at->rule == NULL_ARGS;
    if (makes && (t = type_in(d, f, at->before - 1 - args, &object)) &&
        (t->kind != INSP_KIND_TUPLE || t->is_heap))
        s.doubtful |= (uint8_t)(1u << args);
    // In the memory of an x that was let go there may have been a tuple since.
    if (makes)
        s.stale = (uint8_t)(1u << args);
    return s;
}

insp_stack insp_stack_of(insp_decoder *d, const insp_iframe *f)
{
    uint32_t room = f->room - f->n_locals;
    insp_depth at;
    insp_addr object;
    if (!insp_depth_at(d, f->code, f->unit, &at) || at.before > room)
        return (insp_stack){.possible = room};
    if (at.in_handler)
        return (insp_stack){.owned = at.sure, .possible = at.before};
    insp_stack s = {
        .owned = at.before, .possible = at.before, .gone = at.gone, .doubtful = at.doubtful};
    if (at.rule < METHOD && !at.gone && lets_go(d, f, &at))
        return (insp_stack){.owned = at.before - at.operands, .possible = at.before};
    switch (at.rule) {
    case ALL:
        s.owned = at.before - at.operands;
        break;
    case SPREAD:
        s.possible = at.after > at.before ? at.after : at.before;
        break;
    case TRUTH: {
        const insp_typeinfo *t = at.before ? type_in(d, f, at.before - 1, &object) : NULL;
        s.gone = !t || !t->is_heap;
        break;
    }
    case METHOD:
    case CALL:
    case ARGS:
    case NULL_ARGS:
        s = call_stack(d, f, &at);
        break;
    default:
        break;
    }
    if (s.possible > room)
        s.possible = room;
    return s;
}

int insp_stack_kind(const insp_stack *s, uint32_t i)
{
    if (i >= s->owned)
        return i < s->possible ? INSP_REF_POSSIBLE : -1;
    uint32_t from_top = s->owned - 1 - i;
    if (from_top >= 8)
        return INSP_REF_OWNED;
    if (s->gone >> from_top & 1)
        return -1;
    return s->doubtful >> from_top & 1 ? INSP_REF_POSSIBLE : INSP_REF_OWNED;
}

bool insp_stack_is_stale(const insp_stack *s, uint32_t i)
{
    uint32_t from_top = i < s->owned ? s->owned - 1 - i : 8;
    return from_top < 8 && s->stale >> from_top & 1;
}
