// SPDX-License-Identifier: MIT
#include "fakeheap.h"

#include <elf.h>
#include <stdlib.h>

enum { ALIGN = 16, HEX = 0x030b02f0, BANNER = 0x20, ARENAS_WORD = 0x80, STATE = 0x1000 };

// tp_traverse of what a class statement makes; never called, only compared.
static const insp_addr subtype_traverse = FAKE_MODULE + 0x10;

void *fake_at(const fakeheap *f, insp_addr addr)
{
    if (addr - FAKE_MODULE < FAKE_ROOM)
        return f->module + (addr - FAKE_MODULE);
    if (addr - FAKE_MALLOC < FAKE_ROOM)
        return f->malloced + (addr - FAKE_MALLOC);
    ck_assert_msg(addr - FAKE_ARENA < FAKE_ROOM, "nothing is at 0x%" PRIx64, addr);
    return f->arena + (addr - FAKE_ARENA);
}

uint64_t fake_get(const fakeheap *f, insp_addr addr)
{
    uint64_t value;
    memcpy(&value, fake_at(f, addr), sizeof(value));
    return value;
}

void fake_put(fakeheap *f, insp_addr addr, uint64_t value)
{
    memcpy(fake_at(f, addr), &value, sizeof(value));
}

void fake_put32(fakeheap *f, insp_addr addr, uint32_t value)
{
    memcpy(fake_at(f, addr), &value, sizeof(value));
}

void fake_put8(fakeheap *f, insp_addr addr, uint8_t value)
{
    memcpy(fake_at(f, addr), &value, sizeof(value));
}

void fake_count(fakeheap *f, insp_addr object, int64_t n)
{
    FAKE_SET(f, object, PyObject, ob_refcnt,
             FAKE_GET(f, object, PyObject, ob_refcnt) + (uint64_t)n);
}

void fake_own(fakeheap *f, insp_addr slot, insp_addr object)
{
    fake_put(f, slot, object);
    if (object)
        fake_count(f, object, 1);
}

insp_addr fake_chunk(fakeheap *f, uint32_t size)
{
    uint64_t chunk = (size + 8u + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    chunk = chunk < 32 ? 32 : chunk;
    insp_addr at = FAKE_MALLOC + f->malloc_used;
    ck_assert_uint_le(f->malloc_used + chunk + ALIGN, FAKE_ROOM);
    fake_put(f, at + 8, chunk | 1);
    f->malloc_used += chunk;
    return at + ALIGN;
}

insp_addr fake_pool_of(insp_addr addr)
{
    return addr & ~(insp_addr)(FAKE_POOL - 1);
}

static insp_addr new_pool(fakeheap *f, uint32_t szidx)
{
    insp_addr pool = FAKE_ARENA + (insp_addr)f->pools++ * FAKE_POOL;
    uint32_t size = (szidx + 1) * ALIGN;
    ck_assert_uint_le(f->pools, FAKE_ROOM / FAKE_POOL);
    FAKE_SET32(f, pool, pool_header, szidx, szidx);
    FAKE_SET32(f, pool, pool_header, nextoffset, FAKE_POOL_HEADER);
    FAKE_SET32(f, pool, pool_header, maxnextoffset, FAKE_POOL - size);
    FAKE_SET(f, f->arena_objects, arena_object, pool_address, pool + FAKE_POOL);
    FAKE_SET32(f, f->arena_objects, arena_object, nfreepools, FAKE_ROOM / FAKE_POOL - f->pools);
    return pool;
}

insp_addr fake_block(fakeheap *f, uint32_t size)
{
    if (size > 512)
        return fake_chunk(f, size);
    uint32_t szidx = (size + ALIGN - 1) / ALIGN - 1, next = 0;
    size = (szidx + 1) * ALIGN;
    insp_addr *pool = &f->pool[szidx + 1];
    if (*pool)
        memcpy(&next, fake_at(f, FAKE_AT(f, *pool, pool_header, nextoffset)), 4);
    if (!*pool || next + size > FAKE_POOL) {
        *pool = new_pool(f, szidx);
        next = FAKE_POOL_HEADER;
    }
    uint32_t used;
    memcpy(&used, fake_at(f, FAKE_AT(f, *pool, pool_header, ref_count)), 4);
    FAKE_SET32(f, *pool, pool_header, ref_count, used + 1);
    FAKE_SET32(f, *pool, pool_header, nextoffset, next + size);
    return *pool + next;
}

void fake_free(fakeheap *f, insp_addr block)
{
    insp_addr pool = fake_pool_of(block);
    uint32_t used;
    memcpy(&used, fake_at(f, FAKE_AT(f, pool, pool_header, ref_count)), 4);
    FAKE_SET32(f, pool, pool_header, ref_count, used - 1);
    fake_put(f, block, FAKE_GET(f, pool, pool_header, freeblock));
    FAKE_SET(f, pool, pool_header, freeblock, block);
}

// An object with a gc head in front, or without.
static insp_addr new_object(fakeheap *f, insp_addr type, uint32_t size, uint32_t before)
{
    insp_addr at = fake_block(f, size + before) + before;
    FAKE_SET(f, at, PyObject, ob_type, type);
    return at;
}

static insp_addr new_gc(fakeheap *f, insp_addr type, uint32_t size)
{
    return new_object(f, type, size, ALIGN);
}

insp_addr fake_head(const fakeheap *f, insp_addr object)
{
    return object - (uint32_t)INSP_OFF(&f->layout, PyGC_Head, sizeof);
}

void fake_track(fakeheap *f, insp_addr object, uint32_t generation)
{
    insp_addr list = f->lists[generation], at = fake_head(f, object);
    insp_addr last = FAKE_GET(f, list, PyGC_Head, _gc_prev);
    FAKE_SET(f, at, PyGC_Head, _gc_next, list);
    FAKE_SET(f, at, PyGC_Head, _gc_prev, last);
    FAKE_SET(f, last, PyGC_Head, _gc_next, at);
    FAKE_SET(f, list, PyGC_Head, _gc_prev, at);
}

insp_addr fake_int(fakeheap *f, int32_t value)
{
    insp_addr at = new_object(f, f->int_type, 28, 0);
    uint32_t digit = (uint32_t)(value < 0 ? -value : value);
    ck_assert_uint_lt(digit, 1u << 30);
    FAKE_SET(f, at, PyVarObject, ob_size, (uint64_t)(value > 0 ? 1 : value < 0 ? -1 : 0));
    FAKE_SET32(f, at, PyLongObject, ob_digit, digit);
    return at;
}

static insp_addr new_str(fakeheap *f, uint32_t head, uint32_t n, uint32_t width, bool ascii)
{
    enum { COMPACT = 1 << 5, ASCII = 1 << 6, READY = 1 << 7 };
    insp_addr at = new_object(f, f->str_type, head + (n + 1) * width, 0);
    FAKE_SET(f, at, PyASCIIObject, length, n);
    FAKE_SET32(f, at, PyASCIIObject, state,
               width << 2 | COMPACT | (ascii ? ASCII : 0u) | READY);
    return at;
}

insp_addr fake_str(fakeheap *f, const char *ascii)
{
    uint32_t head = (uint32_t)INSP_OFF(&f->layout, PyASCIIObject, sizeof);
    uint32_t n = (uint32_t)strlen(ascii);
    insp_addr at = new_str(f, head, n, 1, true);
    memcpy(fake_at(f, at + head), ascii, n);
    return at;
}

insp_addr fake_wide(fakeheap *f, const uint32_t *chars, uint32_t n, uint32_t width)
{
    uint32_t head = (uint32_t)INSP_OFF(&f->layout, PyCompactUnicodeObject, sizeof);
    insp_addr at = new_str(f, head, n, width, false);
    for (uint32_t i = 0; i < n; i++)
        memcpy(fake_at(f, at + head + (insp_addr)i * width), &chars[i], width);
    return at;
}

insp_addr fake_bytes(fakeheap *f, const void *bytes, uint32_t n)
{
    uint32_t head = (uint32_t)INSP_OFF(&f->layout, PyBytesObject, ob_sval);
    insp_addr at = new_object(f, f->bytes_type, head + n + 1, 0);
    FAKE_SET(f, at, PyVarObject, ob_size, n);
    memcpy(fake_at(f, at + head), bytes, n);
    return at;
}

insp_addr fake_list(fakeheap *f, const insp_addr *items, uint32_t n)
{
    insp_addr at = new_gc(f, f->list_type, 40);
    insp_addr array = n ? fake_chunk(f, n * 8) : 0;
    FAKE_SET(f, at, PyVarObject, ob_size, n);
    FAKE_SET(f, at, PyListObject, ob_item, array);
    FAKE_SET(f, at, PyListObject, allocated, n);
    for (uint32_t i = 0; i < n; i++)
        fake_own(f, array + i * 8u, items[i]);
    return at;
}

insp_addr fake_tuple(fakeheap *f, const insp_addr *items, uint32_t n)
{
    insp_addr at = new_gc(f, f->tuple_type, 24 + n * 8);
    FAKE_SET(f, at, PyVarObject, ob_size, n);
    for (uint32_t i = 0; i < n; i++)
        fake_own(f, FAKE_AT(f, at, PyTupleObject, ob_item) + i * 8u, items[i]);
    return at;
}

insp_addr fake_keys(fakeheap *f, uint8_t kind, const insp_addr *keys, const insp_addr *values,
                    uint32_t n)
{
    uint8_t log2_size = 3;
    while ((2u << log2_size) / 3 < n)
        log2_size++;
    uint32_t step = kind == FAKE_GENERAL ? 24 : 16, room = (2u << log2_size) / 3;
    uint32_t head = (uint32_t)INSP_OFF(&f->layout, PyDictKeysObject, dk_indices);
    insp_addr at = fake_chunk(f, head + (1u << log2_size) + room * step);
    ck_assert_uint_lt(log2_size, 8);
    FAKE_SET(f, at, PyDictKeysObject, dk_refcnt, 1);
    FAKE_SET8(f, at, PyDictKeysObject, dk_log2_size, log2_size);
    FAKE_SET8(f, at, PyDictKeysObject, dk_log2_index_bytes, log2_size);
    FAKE_SET8(f, at, PyDictKeysObject, dk_kind, kind);
    FAKE_SET(f, at, PyDictKeysObject, dk_usable, room - n);
    FAKE_SET(f, at, PyDictKeysObject, dk_nentries, n);
    for (uint32_t i = 0; i < n; i++) {
        insp_addr entry = at + head + (1u << log2_size) + i * step + (step == 24 ? 8u : 0u);
        fake_own(f, entry, keys[i]);
        fake_own(f, entry + 8, values ? values[i] : 0);
    }
    return at;
}

insp_addr fake_dict(fakeheap *f, uint8_t kind, const insp_addr *keys, const insp_addr *values,
                    uint32_t n)
{
    insp_addr at = new_gc(f, f->dict_type, 48);
    FAKE_SET(f, at, PyDictObject, ma_used, n);
    FAKE_SET(f, at, PyDictObject, ma_keys, fake_keys(f, kind, keys, values, n));
    return at;
}

insp_addr fake_split_dict(fakeheap *f, insp_addr keys, const insp_addr *values, uint32_t n)
{
    insp_addr at = new_gc(f, f->dict_type, 48), array = fake_chunk(f, n * 8);
    FAKE_SET(f, at, PyDictObject, ma_used, n);
    FAKE_SET(f, at, PyDictObject, ma_keys, keys);
    FAKE_SET(f, at, PyDictObject, ma_values, array);
    FAKE_SET(f, keys, PyDictKeysObject, dk_refcnt,
             FAKE_GET(f, keys, PyDictKeysObject, dk_refcnt) + 1);
    for (uint32_t i = 0; i < n; i++)
        fake_own(f, array + i * 8u, values[i]);
    return at;
}

insp_addr fake_set(fakeheap *f, const insp_addr *items, uint32_t n)
{
    enum { SLOTS = 8 };
    insp_addr at = new_gc(f, f->set_type, 200);
    insp_addr table = FAKE_AT(f, at, PySetObject, smalltable);
    ck_assert_uint_le(n, SLOTS);
    FAKE_SET(f, at, PySetObject, used, n);
    FAKE_SET(f, at, PySetObject, mask, SLOTS - 1);
    FAKE_SET(f, at, PySetObject, table, table);
    for (uint32_t i = 0; i < n; i++)
        fake_own(f, table + i * 16u, items[i]);
    return at;
}

insp_addr fake_weakref(fakeheap *f, insp_addr target, insp_addr callback)
{
    insp_addr at = new_gc(f, f->weakref_type, 72);
    FAKE_SET(f, at, PyWeakReference, wr_object, target);
    fake_own(f, FAKE_AT(f, at, PyWeakReference, wr_callback), callback);
    return at;
}

static insp_addr module_room(fakeheap *f, uint32_t size)
{
    insp_addr at = FAKE_MODULE + f->module_used;
    f->module_used += (size + ALIGN - 1) & ~(uint32_t)(ALIGN - 1);
    ck_assert_uint_le(f->module_used, FAKE_ROOM);
    return at;
}

static void set_type(fakeheap *f, insp_addr type, const char *name, int64_t basicsize,
                     int64_t itemsize, uint64_t flags)
{
    insp_addr text = module_room(f, (uint32_t)strlen(name) + 1);
    memcpy(fake_at(f, text), name, strlen(name));
    FAKE_SET(f, type, PyObject, ob_type, f->type_type);
    FAKE_SET(f, type, PyTypeObject, tp_name, text);
    FAKE_SET(f, type, PyTypeObject, tp_basicsize, (uint64_t)basicsize);
    FAKE_SET(f, type, PyTypeObject, tp_itemsize, (uint64_t)itemsize);
    FAKE_SET(f, type, PyTypeObject, tp_flags, flags);
}

insp_addr fake_type(fakeheap *f, const char *name, int64_t basicsize, int64_t itemsize,
                    uint64_t flags)
{
    insp_addr at = module_room(f, (uint32_t)INSP_OFF(&f->layout, PyTypeObject, sizeof));
    if (!f->type_type)
        f->type_type = at;
    set_type(f, at, name, basicsize, itemsize, flags);
    // The reference that a static object is born with.
    fake_count(f, at, 1);
    if (f->n_types)
        FAKE_SET(f, at, PyTypeObject, tp_base, f->object_type ? f->object_type : 0);
    ck_assert_uint_lt(f->n_types, FAKE_TYPES);
    f->all_types[f->n_types++] = at;
    return at;
}

static void add_types(fakeheap *f)
{
    const uint64_t gc = INSP_TPF_HAVE_GC;
    f->type_type = fake_type(f, "type", INSP_OFF(&f->layout, PyHeapTypeObject, sizeof),
                             INSP_OFF(&f->layout, PyMemberDef, sizeof), gc | INSP_TPF_TYPE);
    f->object_type = fake_type(f, "object", 16, 0, 0);
    FAKE_SET(f, f->type_type, PyTypeObject, tp_base, f->object_type);
    FAKE_SET(f, f->object_type, PyTypeObject, tp_base, 0);
    f->none_type = fake_type(f, "NoneType", 16, 0, 0);
    f->int_type = fake_type(f, "int", 24, 4, INSP_TPF_LONG);
    f->str_type = fake_type(f, "str", 72, 0, INSP_TPF_UNICODE);
    f->bytes_type = fake_type(f, "bytes", 33, 1, INSP_TPF_BYTES);
    f->dict_type = fake_type(f, "dict", 48, 0, gc | INSP_TPF_DICT);
    f->list_type = fake_type(f, "list", 40, 0, gc | INSP_TPF_LIST);
    f->tuple_type = fake_type(f, "tuple", 24, 8, gc | INSP_TPF_TUPLE);
    f->set_type = fake_type(f, "set", 200, 0, gc);
    f->weakref_type = fake_type(f, "weakref.ReferenceType", 72, 0, gc);
    f->code_type = fake_type(f, "code", 176, 1, 0);
    f->none = module_room(f, 16);
    FAKE_SET(f, f->none, PyObject, ob_type, f->none_type);
    fake_count(f, f->none, 1);
}

// What a class statement and its C twin have in common: mro, and a place among object's subclasses.
static void add_mro(fakeheap *f, insp_addr type)
{
    insp_addr mro[] = {type, f->object_type};
    fake_own(f, FAKE_AT(f, type, PyTypeObject, tp_mro),
             fake_tuple(f, mro, type == f->object_type ? 1 : 2));
}

static void add_subclasses(fakeheap *f)
{
    insp_addr keys[FAKE_TYPES], values[FAKE_TYPES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n_types; i++) {
        add_mro(f, f->all_types[i]);
        if (f->all_types[i] == f->object_type)
            continue;
        keys[n] = fake_int(f, (int32_t)i);
        values[n++] = fake_weakref(f, f->all_types[i], 0);
    }
    fake_own(f, FAKE_AT(f, f->object_type, PyTypeObject, tp_subclasses),
             fake_dict(f, FAKE_GENERAL, keys, values, n));
    insp_addr name = fake_str(f, "__sizeof__");
    fake_own(f, FAKE_AT(f, f->object_type, PyTypeObject, tp_dict),
             fake_dict(f, FAKE_UNICODE, &name, &f->none, 1));
}

static void add_generations(fakeheap *f)
{
    insp_addr gc = FAKE_AT(f, f->interp, PyInterpreterState, gc);
    for (uint32_t i = 0; i < 4; i++) {
        insp_addr generation = FAKE_AT(f, gc, gc_runtime_state, generations) +
                               i * (uint32_t)INSP_OFF(&f->layout, gc_generation, sizeof);
        if (i == 3)
            generation = FAKE_AT(f, gc, gc_runtime_state, permanent_generation);
        f->lists[i] = FAKE_AT(f, generation, gc_generation, head);
        FAKE_SET(f, f->lists[i], PyGC_Head, _gc_next, f->lists[i]);
        FAKE_SET(f, f->lists[i], PyGC_Head, _gc_prev, f->lists[i]);
    }
    FAKE_SET(f, gc, gc_runtime_state, generation0, f->lists[0]);
    FAKE_SET32(f, gc, gc_runtime_state, enabled, 1);
}

static void add_runtime(fakeheap *f)
{
    f->module_used = STATE;
    memcpy(fake_at(f, FAKE_MODULE + BANNER), "3.11.2 (main, Jan  1 2024)", 26);
    f->runtime = module_room(f, (uint32_t)INSP_OFF(&f->layout, PyRuntimeState, sizeof));
    f->interp = module_room(f, (uint32_t)INSP_OFF(&f->layout, PyInterpreterState, sizeof));
    f->tstate = module_room(f, (uint32_t)INSP_OFF(&f->layout, PyThreadState, sizeof));
    FAKE_SET(f, f->runtime, PyRuntimeState, interpreters_head, f->interp);
    FAKE_SET(f, f->runtime, PyRuntimeState, interpreters_main, f->interp);
    FAKE_SET(f, f->interp, PyInterpreterState, runtime, f->runtime);
    FAKE_SET(f, f->interp, PyInterpreterState, threads_head, f->tstate);
    FAKE_SET(f, f->tstate, PyThreadState, interp, f->interp);
    FAKE_SET(f, f->tstate, PyThreadState, native_thread_id, 77);
    add_generations(f);
    uint32_t step = (uint32_t)INSP_OFF(&f->layout, arena_object, sizeof);
    f->arena_objects = fake_chunk(f, 16 * step);
    fake_put(f, FAKE_MODULE + ARENAS_WORD, f->arena_objects);
    FAKE_SET(f, f->arena_objects, arena_object, address, FAKE_ARENA);
    FAKE_SET(f, f->arena_objects, arena_object, pool_address, FAKE_ARENA);
    FAKE_SET32(f, f->arena_objects, arena_object, ntotalpools, FAKE_ROOM / FAKE_POOL);
}

void fake_keep(fakeheap *f, insp_addr object)
{
    uint64_t n = FAKE_GET(f, f->keeper, PyVarObject, ob_size);
    ck_assert_uint_lt(n, FAKE_KEPT);
    fake_own(f, FAKE_GET(f, f->keeper, PyListObject, ob_item) + n * 8, object);
    FAKE_SET(f, f->keeper, PyVarObject, ob_size, n + 1);
}

// Tuples of four sizes lie in four pools: enough of them for the library to find the arenas by.
static void add_modules(fakeheap *f)
{
    static const char *const names[] = {"sys", "builtins", "one", "two", "keeper"};
    static const uint32_t lengths[] = {1, 3, 5, 7};
    insp_addr keys[5], values[5], nones[7];
    for (int i = 0; i < 7; i++)
        nones[i] = f->none;
    for (int i = 0; i < 5; i++)
        keys[i] = fake_str(f, names[i]);
    for (int i = 0; i < 4; i++) {
        values[i] = fake_tuple(f, nones, lengths[i]);
        fake_track(f, values[i], 2);
    }
    f->keeper = values[4] = fake_list(f, NULL, 0);
    FAKE_SET(f, f->keeper, PyListObject, ob_item, fake_chunk(f, FAKE_KEPT * 8));
    FAKE_SET(f, f->keeper, PyListObject, allocated, FAKE_KEPT);
    fake_track(f, f->keeper, 2);
    insp_addr modules = fake_dict(f, FAKE_UNICODE, keys, values, 5);
    fake_own(f, FAKE_AT(f, f->interp, PyInterpreterState, modules), modules);
    fake_track(f, modules, 2);
}

static unsigned char *add_range(fakeheap *f, insp_addr start)
{
    insp_error err;
    unsigned char *bytes = calloc(1, FAKE_ROOM);
    ck_assert_ptr_nonnull(bytes);
    insp_segment seg = {.start = start,
                        .end = start + FAKE_ROOM,
                        .bytes = bytes,
                        .flags = INSP_SEG_WRITE,
                        .module = start == FAKE_MODULE ? 0 : INSP_NONE};
    ck_ok(insp_space_add(&f->space, seg, &err));
    return bytes;
}

void fake_init(fakeheap *f)
{
    memset(f, 0, sizeof(*f));
    ck_assert(insp_layout_init(&f->layout, HEX, 0, 0, EM_X86_64));
    f->module = add_range(f, FAKE_MODULE);
    f->malloced = add_range(f, FAKE_MALLOC);
    f->arena = add_range(f, FAKE_ARENA);
    f->image = (insp_image){.path = "/usr/bin/python3.11",
                            .file = "",
                            .doubt = "",
                            .start = FAKE_MODULE,
                            .end = FAKE_MODULE + FAKE_ROOM,
                            .machine = EM_X86_64,
                            .symbols_loaded = true};
    f->images = (insp_images){&f->image, 1, 1};
    add_runtime(f);
    add_types(f);
    add_subclasses(f);
    add_modules(f);
}

void fake_deinit(fakeheap *f)
{
    if (f->opened) {
        insp_heap_deinit(&f->heap);
        insp_cpython_close(&f->py);
    }
    insp_findings_deinit(&f->findings);
    insp_space_deinit(&f->space);
    insp_arena_deinit(&f->text);
    free(f->module);
    free(f->malloced);
    free(f->arena);
}

void fake_open(fakeheap *f)
{
    insp_error err;
    f->py = (insp_cpython){.space = &f->space, .text = &f->text, .findings = &f->findings};
    ck_ok(insp_cpython_open(&f->py, &f->images, &err));
    ck_ok(insp_heap_init(&f->heap, &f->py, &err));
    f->opened = true;
}

void fake_read(fakeheap *f)
{
    insp_error err;
    if (!f->opened)
        fake_open(f);
    ck_ok(insp_heap_enumerate(&f->heap, &err));
    ck_ok(insp_heap_references(&f->heap, &err));
    f->graph = (insp_graph){f->heap.n_nodes, f->heap.off.at, f->heap.to.at};
}

insp_addr fake_class(fakeheap *f, const char *name, const char *const *attributes, uint32_t n)
{
    insp_addr keys[16];
    uint32_t size = (uint32_t)INSP_OFF(&f->layout, PyHeapTypeObject, sizeof);
    insp_addr at = new_gc(f, f->type_type, size);
    ck_assert_uint_le(n, 16);
    set_type(f, at, name, 16, 0, INSP_TPF_HAVE_GC | INSP_TPF_HEAPTYPE | INSP_TPF_MANAGED_DICT);
    FAKE_SET(f, at, PyTypeObject, tp_traverse, subtype_traverse);
    FAKE_SET(f, at, PyTypeObject, tp_dictoffset, (uint64_t)-24);
    fake_own(f, FAKE_AT(f, at, PyTypeObject, tp_base), f->object_type);
    add_mro(f, at);
    fake_own(f, FAKE_AT(f, at, PyHeapTypeObject, ht_name), fake_str(f, name));
    insp_addr module = fake_str(f, "__module__"), main = fake_str(f, "__main__");
    fake_own(f, FAKE_AT(f, at, PyTypeObject, tp_dict),
             fake_dict(f, FAKE_UNICODE, &module, &main, 1));
    for (uint32_t i = 0; i < n; i++)
        keys[i] = fake_str(f, attributes[i]);
    FAKE_SET(f, at, PyHeapTypeObject, ht_cached_keys, fake_keys(f, FAKE_SPLIT, keys, NULL, n));
    fake_track(f, at, 2);
    fake_keep(f, at);
    return at;
}

insp_addr fake_instance(fakeheap *f, insp_addr type, const insp_addr *values, uint32_t n)
{
    enum { BEFORE = 32 };
    insp_addr at = new_object(f, type, 16, BEFORE), array = fake_chunk(f, n * 8 + 8);
    fake_count(f, type, 1);
    fake_put(f, at - BEFORE, array);
    for (uint32_t i = 0; i < n; i++)
        fake_own(f, array + i * 8u, values[i]);
    return at;
}

size_t fake_findings(const fakeheap *f, const char *rule)
{
    size_t n = 0;
    for (size_t i = 0; i < f->findings.rows.len; i++)
        n += !strcmp(f->findings.rows.at[i].rule, rule);
    return n;
}

uint32_t fake_number(const fakeheap *f, insp_addr object)
{
    uint32_t n = insp_heap_number(&f->heap, object);
    ck_assert_msg(n != INSP_NONE, "0x%" PRIx64 " is no object", object);
    return n;
}

int32_t fake_remainder(const fakeheap *f, insp_addr object)
{
    return f->heap.remainder.at[fake_number(f, object)];
}
