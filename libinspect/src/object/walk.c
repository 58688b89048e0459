// SPDX-License-Identifier: MIT
/**
 * @file
 * What one object refers to: slots that its type declares, then what its kind holds beyond them.
 *
 * For every gc object the references marked visited are those that its tp_traverse visits
 * (its C file in Objects or Modules); the others are what tp_dealloc releases beyond that.
 */
#include "decoder.h"

#include <string.h>

#include "str.h"

insp_status insp_decoder_init(insp_decoder *d, const insp_cpython *py, insp_types_seen *types,
                              insp_error *err)
{
    *d = (insp_decoder){.r = insp_reader_of(py->space, &py->layout), .py = py, .types = types};
    d->most = d->most_instructions = d->code_bytes = UINT64_MAX;
    insp_release_allow(&d->release, UINT64_MAX);
    // A container of any size may be visited; each visit pays for the loop around it. structseq_traverse asks the
    // interpreter for the dict of its type since 3.12, and so the thread.
    enum { A_VISIT = 1000 };
    if (!insp_code_is_understood(py))
        return INSP_OK;
    insp_machine_options options = {.machine = insp_code_machine(py),
                                    .more_per_callback = A_VISIT,
                                    .thread_pointer = py->thread_pointer};
    return insp_machine_create(py->space, &options, &d->machine, err);
}

void insp_decoder_deinit(insp_decoder *d)
{
    insp_machine_destroy(d->machine);
    d->machine = NULL;
    insp_release_deinit(&d->release);
    insp_map_deinit(&d->callees.place);
    insp_addrs_deinit(&d->callees.of);
}

void insp_circle(insp_decoder *d, insp_addr owner, insp_addr at)
{
    insp_found(d->py->findings, "circle", owner,
               "the chain of 0x%" PRIx64 " never ends: it comes to 0x%" PRIx64 " again", owner,
               at);
}

static uint64_t count_of(insp_decoder *d, insp_addr addr)
{
    int64_t n = (int64_t)INSP_U64(&d->r, addr, PyVarObject, ob_size);
    return n < 0 ? 0 : (uint64_t)n;
}

static uint64_t items_size(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    uint64_t n = count_of(d, addr);
    return n <= INT32_MAX ? (n * (uint64_t)t->itemsize + 7) & ~UINT64_C(7) : 0;
}

// What a description says is owned counts where it is an object, and where the type's own code has not shown it: the
// description may be of another version.
static bool may_claim(insp_decoder *d, insp_addr addr, const insp_typeinfo *t,
                      const insp_slot *s)
{
    insp_addr slot = addr + (uint32_t)s->offset;
    int8_t known = 0;
    if (!insp_looks_like_object(d->types, &d->r, insp_u64(&d->r, slot)))
        return false;
    return !t->traverse || s->visited || !insp_traverse_visits(d, addr, slot, slot + 8, &known);
}

// But for those that tp_traverse has emitted: which it visits differs between versions.
static void walk_slots(insp_decoder *d, insp_addr addr, const insp_typeinfo *t,
                       uint64_t emitted)
{
    for (uint32_t i = 0; i < t->n_slots; i++) {
        const insp_slot *s = &t->slots[i];
        if (s->only_name || (i < 64 && emitted >> i & 1) ||
            (s->kind != INSP_REF_OWNED && !d->all))
            continue;
        if (s->claimed && !may_claim(d, addr, t, s))
            continue;
        uint64_t items = s->after_items ? items_size(d, addr, t) : 0;
        insp_emit_slot(d, addr + (uint32_t)s->offset + items, INSP_FORM_NAME,
                       (uintptr_t)s->name, s->kind, s->visited && t->is_gc);
    }
}

// Elements of an array of pointers at `items`, in one piece where the memory is.
static void walk_items(insp_decoder *d, insp_addr items, uint64_t n, bool visited)
{
    for (uint64_t i = 0; i < n && insp_goes_on(d); i++)
        insp_emit_slot(d, items + i * 8, INSP_FORM_INDEX, i, INSP_REF_OWNED, visited);
}

static void walk_list(insp_decoder *d, insp_addr addr)
{
    insp_addr items = INSP_U64(&d->r, addr, PyListObject, ob_item);
    insp_emit_body(d, items);
    if (items)
        walk_items(d, items, count_of(d, addr), true);
}

// Statically allocated constants (3.11's deep-frozen modules) refer to the singletons without
// counting (Tools/scripts/deepfreeze.py).
static bool is_static(const insp_decoder *d, insp_addr addr)
{
    // What is mapped behind the module, perhaps an arena, is none of it: only its .bss is.
    const insp_image *image = &d->py->images->at[d->py->module];
    return addr >= image->start && addr < image->end + (4u << 20) &&
           insp_module_at(d->py, addr) == d->py->module;
}

static void walk_static_tuple(insp_decoder *d, insp_addr items, uint64_t n)
{
    for (uint64_t i = 0; i < n && insp_goes_on(d); i++) {
        bool counted = !is_static(d, insp_u64(&d->r, items + i * 8));
        insp_emit_slot(d, items + i * 8, INSP_FORM_INDEX, i,
                       counted ? INSP_REF_OWNED : INSP_REF_BORROWED, true);
    }
}

// Struct sequences have fields that their length leaves out (Objects/structseq.c).
static void walk_tuple(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    insp_addr items = addr + (uint32_t)INSP_OFF(&d->py->layout, PyTupleObject, ob_item);
    if (is_static(d, addr))
        walk_static_tuple(d, items, count_of(d, addr));
    else
        walk_items(d, items, t->n_fields < 0 ? count_of(d, addr) : (uint64_t)t->n_fields, true);
}

static void walk_bytearray(insp_decoder *d, insp_addr addr)
{
    // Since 3.15 (gh-139871) the bytes lie in a bytes object, which is a slot.
    if (INSP_OFF(&d->py->layout, PyByteArrayObject, ob_bytes_object) < 0)
        insp_emit_body(d, INSP_U64(&d->r, addr, PyByteArrayObject, ob_bytes));
}

// A str that is not compact keeps its characters in a block of their own; others may have a UTF-8 copy.
static void walk_str(insp_decoder *d, insp_addr addr)
{
    enum { COMPACT = 1 << 5, ASCII = 1 << 6 };
    uint32_t state = INSP_U32(&d->r, addr, PyASCIIObject, state);
    if (state & COMPACT && state & ASCII)
        return;
    insp_addr data = state & COMPACT ? 0 : INSP_U64(&d->r, addr, PyUnicodeObject, data);
    insp_addr utf8 = INSP_U64(&d->r, addr, PyCompactUnicodeObject, utf8);
    insp_emit_body(d, data);
    if (utf8 != data)
        insp_emit_body(d, utf8);
}

static void walk_kind(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    switch ((insp_kind)t->kind) {
    case INSP_KIND_LIST:
        walk_list(d, addr);
        break;
    case INSP_KIND_TUPLE:
        walk_tuple(d, addr, t);
        break;
    case INSP_KIND_DICT:
        insp_walk_dict(d, addr, true);
        break;
    case INSP_KIND_ODICT:
        insp_walk_dict(d, addr, true);
        insp_walk_odict(d, addr);
        break;
    case INSP_KIND_SET:
        insp_walk_set(d, addr);
        break;
    case INSP_KIND_DEQUE:
        insp_walk_deque(d, addr);
        break;
    case INSP_KIND_LRU_CACHE:
        insp_walk_lru(d, addr, t->traverse != 0);
        break;
    case INSP_KIND_GENERATOR:
        insp_walk_generator(d, addr);
        break;
    case INSP_KIND_FRAME:
        insp_walk_frame(d, addr);
        break;
    case INSP_KIND_TYPE:
        insp_walk_type(d, addr, t->traverse != 0);
        break;
    case INSP_KIND_MODULE:
        insp_walk_module(d, addr);
        break;
    case INSP_KIND_CODE:
        insp_walk_code(d, addr);
        break;
    case INSP_KIND_BYTEARRAY:
        if (d->all)
            walk_bytearray(d, addr);
        break;
    case INSP_KIND_STR:
        if (d->all)
            walk_str(d, addr);
        break;
    default:
        break;
    }
}

// tp_dictoffset counts from the end of a variable-sized object where it is negative (PEP 253).
static void walk_instance_dict(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    int64_t offset = t->dictoffset;
    if (offset < 0) {
        bool negative;
        uint64_t n = t->kind == INSP_KIND_INT ? insp_int_digits(&d->r, addr, &negative)
                                              : count_of(d, addr);
        if (n > INT32_MAX)
            return;
        offset += (t->basicsize + (int64_t)n * t->itemsize + 7) & ~INT64_C(7);
    }
    if (offset > 0 && !(offset & 7))
        insp_emit_named(d, addr + (uint64_t)offset, ".__dict__", true);
}

static void walk_known(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    uint64_t emitted = 0;
    if (t->traverse && insp_instance_is_gc(t, &d->r, addr)) {
        // ob_type comes with what tp_traverse visits, or not: that walk sees to it.
        emitted = insp_walk_traverse(d, addr, t);
    } else if (t->is_heap && t->kind != INSP_KIND_LRU_LINK) {
        insp_addr slot = addr + (uint32_t)INSP_OFF(&d->py->layout, PyObject, ob_type);
        insp_emit_named(d, slot, "ob_type", t->visits_type);
    }
    walk_slots(d, addr, t, emitted);
    if (t->managed_dict)
        insp_walk_attributes(d, addr, t);
    else if (t->dictoffset)
        walk_instance_dict(d, addr, t);
    walk_kind(d, addr, t);
}

void insp_walk(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    bool was_bad = d->r.bad;
    d->r.bad = false;
    bool releases = t->dealloc && insp_release_begin(d, addr, t);
    if (t->guessed)
        insp_guess_begin(d, addr);
    walk_known(d, addr, t);
    if (t->guessed)
        insp_guess_end(d, addr, t);
    if (releases)
        insp_release_end(d, addr, t);
    if (d->r.bad)
        insp_found(d->py->findings, "object-unreadable", addr,
                   "%s 0x%" PRIx64 " refers to memory that cannot be read: 0x%" PRIx64, t->name,
                   addr, d->r.at);
    else if (d->looked > d->most)
        insp_found(d->py->findings, "object-size", addr,
                   "%s 0x%" PRIx64 " refers to more than memory can hold: not all was followed",
                   t->name, addr);
    d->r.bad = was_bad;
}
