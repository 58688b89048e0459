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

static const char *header_field(const insp_layout *l, const insp_typeinfo *t, int64_t offset)
{
    static const char *const front[] = {"_gc_prev", "_gc_next", "dict", "values"};
    if (offset < 0)
        return front[(-offset / 8 - 1) & 3];
    const char *name = member_at(l, "PyObject", offset);
    if (!name && t->itemsize)
        name = member_at(l, "PyVarObject", offset);
    return name;
}

static const char *field_name(const insp_session *s, const insp_typeinfo *t, int64_t offset)
{
    const char *name = header_field(&s->py.layout, t, offset);
    if (!name)
        name = member_at(&s->py.layout, structure_of((insp_kind)t->kind), offset);
    for (uint32_t i = 0; !name && i < t->n_slots; i++) {
        if (t->slots[i].offset == offset)
            name = t->slots[i].name;
    }
    return name ? name : "";
}

// Gc links point to heads: the object is behind it, and flags are in the low bits.
static const char *note_on(insp_session *s, insp_arena *arena, int64_t offset, uint64_t value)
{
    char text[200];
    insp_addr target = value;
    if (offset == -8 || offset == -16)
        target = (value & ~UINT64_C(3)) + (uint32_t)INSP_OFF(&s->py.layout, PyGC_Head, sizeof);
    uint32_t n = insp_heap_number(&s->heap, target);
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
    insp_status st = insp_object_at(s, addr, &object, err);
    if (st)
        return st;
    const insp_typeinfo *t = s->heap.types.at.at[object.type];
    int64_t front =
        object.is_gc ? INSP_OFF(&s->py.layout, PyGC_Head, sizeof) + (int64_t)t->preheader : 0;
    int64_t n = (front + t->basicsize + 7) / 8;
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
        int64_t offset = i * 8 - front;
        uint64_t value = insp_u64(r, addr + (uint64_t)offset);
        const char *note = note_on(s, arena, offset, value);
        rows[i] = (insp_word){offset, value, field_name(s, t, offset), note ? note : ""};
        r->bad = false;
    }
    *answer = (insp_words){rows, (size_t)n};
    st = insp_answer_check(s, answer, err);
    if (!st)
        *out = answer;
    return st;
}
