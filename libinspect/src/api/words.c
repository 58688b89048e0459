// SPDX-License-Identifier: MIT
/**
 * @file
 * An object word by word, with CPython's names: what stands in front of it, its header, its members.
 */
#include <string.h>

#include "../object/text.h"
#include "session.h"

enum { MAX_WORDS = 64 };

/** The structure whose members an object of a kind has. */
static const char *structure_of(insp_kind kind)
{
    static const char *const names[] = {
        [INSP_KIND_LIST] = "PyListObject",           [INSP_KIND_DICT] = "PyDictObject",
        [INSP_KIND_ODICT] = "PyODictObject",         [INSP_KIND_SET] = "PySetObject",
        [INSP_KIND_TYPE] = "PyTypeObject",           [INSP_KIND_MODULE] = "PyModuleObject",
        [INSP_KIND_GENERATOR] = "PyGenObject",       [INSP_KIND_FRAME] = "PyFrameObject",
        [INSP_KIND_DEQUE] = "dequeobject",           [INSP_KIND_CODE] = "PyCodeObject",
        [INSP_KIND_STR] = "PyASCIIObject",           [INSP_KIND_BYTES] = "PyBytesObject",
        [INSP_KIND_BYTEARRAY] = "PyByteArrayObject", [INSP_KIND_INT] = "PyLongObject",
        [INSP_KIND_FLOAT] = "PyFloatObject",         [INSP_KIND_COMPLEX] = "PyComplexObject",
        [INSP_KIND_WEAKREF] = "PyWeakReference",     [INSP_KIND_FUNCTION] = "PyFunctionObject",
        [INSP_KIND_BUILTIN] = "PyCFunctionObject",   [INSP_KIND_TUPLE] = "PyTupleObject",
    };
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
}

static const char *member_at(const insp_layout *l, const char *structure, int64_t offset)
{
    for (uint32_t i = 0; structure && i < INSP_MEMBERS; i++) {
        insp_member m = (insp_member)i;
        if (l->off[i] == offset && !strcmp(insp_member_struct(m), structure) &&
            insp_member_name(m)[0] != '<')
            return insp_member_name(m);
    }
    return NULL;
}

/** What stands between the start of an object's block and the object, in bytes. */
typedef struct front {
    int64_t head, pre, debug;
} front;

static front front_of(const insp_session *s, const insp_object *object, const insp_typeinfo *t)
{
    int32_t head = INSP_OFF(&s->py.layout, PyGC_Head, sizeof);
    front f = {.debug = object->block ? s->py.debug_pad : 0};
    if (object->is_gc)
        f.head = head > 0 ? head : 0;
    if (object->is_gc)
        f.pre = t->preheader;
    return f;
}

// The pre-header: a pointer to __dict__, and in front of it the list of weak references (since 3.12, gh-95245)
// or the values that go without a dict (3.11).
static const char *preheader_field(const insp_session *s, const insp_typeinfo *t,
                                   int64_t before)
{
    const uint32_t weakrefs_there = 0x030c0000;
    if (before == 8)
        return t->flags & INSP_TPF_MANAGED_DICT ? "dict" : NULL;
    if (s->py.hex < weakrefs_there)
        return "values";
    return t->flags & INSP_TPF_MANAGED_WEAKREF ? "weakreflist" : NULL;
}

// The debug hooks put the size that was asked for, a letter and guard bytes in front of all
// (Objects/obmalloc.c, _PyMem_DebugRawAlloc).
static const char *front_field(const insp_session *s, const insp_typeinfo *t, const front *f,
                               int64_t offset)
{
    int64_t before = -offset;
    if (before <= f->head)
        return member_at(&s->py.layout, "PyGC_Head", f->head - before);
    before -= f->head;
    if (before <= f->pre)
        return preheader_field(s, t, before);
    return before - f->pre > 8 ? "debug size" : "debug guard";
}

// Lists and their like are variable objects whose items lie elsewhere: tp_itemsize is 0.
static bool has_size(const insp_typeinfo *t)
{
    return t->itemsize || t->kind == INSP_KIND_LIST || t->kind == INSP_KIND_DEQUE ||
           t->kind == INSP_KIND_BYTEARRAY;
}

// A slot, or what else the structure has that its slots are members of.
static const char *slot_name(const insp_layout *l, const insp_typeinfo *t, int64_t offset)
{
    const char *name = NULL;
    for (uint32_t i = 0; !name && i < t->n_slots; i++)
        name = t->slots[i].offset == offset ? t->slots[i].name : NULL;
    for (uint32_t i = 0; !name && i < t->n_slots; i++) {
        int16_t member = t->slots[i].member;
        name =
            member < 0 ? NULL : member_at(l, insp_member_struct((insp_member)member), offset);
    }
    if (!name && t->is_class && offset == t->weaklistoffset)
        name = "__weakref__";
    return name;
}

static const char *field_name(const insp_session *s, const insp_typeinfo *t, const front *f,
                              int64_t offset)
{
    const insp_layout *l = &s->py.layout;
    const char *name =
        offset < 0 ? front_field(s, t, f, offset) : member_at(l, "PyObject", offset);
    // The kind's own members first: since 3.12 (gh-101291) an int has lv_tag in the place of ob_size.
    if (!name && offset >= 0)
        name = member_at(l, structure_of((insp_kind)t->kind), offset);
    if (!name && offset >= 0 && has_size(t))
        name = member_at(l, "PyVarObject", offset);
    if (!name && offset >= 0)
        name = slot_name(l, t, offset);
    return name ? name : "";
}

// Gc links point to heads: the object is behind it, and flags are in the low bits.
static const char *note_on(insp_session *s, insp_arena *arena, bool link, uint64_t value)
{
    char text[200];
    insp_addr target = value;
    if (link)
        target = (value & ~UINT64_C(3)) + (uint32_t)INSP_OFF(&s->py.layout, PyGC_Head, sizeof);
    uint32_t n = insp_number_at(s, target);
    if (n == INSP_NONE)
        return "";
    const insp_typeinfo *t = s->heap.types.at.at[s->heap.type.at[n]];
    insp_str out = insp_str_init(text, sizeof(text));
    insp_str_printf(&out, "%s 0x%" PRIx64 " ", t->name, target);
    insp_value(&s->heap.decoder, target, &out);
    return insp_arena_text(arena, text, strlen(text));
}

insp_status insp_object_words(insp_session *s, insp_addr addr, const insp_words **out,
                              insp_error *err)
{
    INSP_GUARDED;
    insp_object object;
    insp_status st = insp_object_look(s, addr, &object, err);
    if (st)
        return st;
    const insp_typeinfo *t = s->heap.types.at.at[object.type];
    const front f = front_of(s, &object, t);
    int64_t start = f.head + f.pre + f.debug;
    int64_t n = (start + t->basicsize + 7) / 8;
    n = n > MAX_WORDS ? MAX_WORDS : n;
    insp_arena *arena;
    insp_words *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_word *rows = answer ? insp_arena_array(arena, (size_t)n, sizeof(*rows)) : NULL;
    if (!rows) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    insp_reader *r = &s->heap.decoder.r;
    for (int64_t i = 0; i < n; i++) {
        int64_t offset = i * 8 - start;
        uint64_t value = insp_u64(r, addr + (uint64_t)offset);
        bool link = offset < 0 && -offset <= f.head;
        const char *note = note_on(s, arena, link, value);
        rows[i] = (insp_word){offset, value, field_name(s, t, &f, offset), note ? note : ""};
        r->bad = false;
    }
    *answer = (insp_words){rows, (size_t)n};
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
