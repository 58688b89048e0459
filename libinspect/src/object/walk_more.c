// SPDX-License-Identifier: MIT
/**
 * @file
 * What deques, cached functions, types and modules refer to (Modules/_collectionsmodule.c,
 * _functoolsmodule.c, Objects/typeobject.c, moduleobject.c).
 */
#include "decoder.h"
#include "typestate.h"

void insp_walk_deque(insp_decoder *d, insp_addr addr)
{
    const insp_layout *l = &d->py->layout;
    uint32_t data = (uint32_t)INSP_OFF(l, deque_block, data);
    uint64_t room = ((uint64_t)INSP_OFF(l, deque_block, rightlink) - data) / 8;
    int64_t n = (int64_t)INSP_U64(&d->r, addr, PyVarObject, ob_size);
    insp_addr block = INSP_U64(&d->r, addr, dequeobject, leftblock);
    uint64_t index = INSP_U64(&d->r, addr, dequeobject, leftindex);
    insp_chain chain = {0};
    insp_emit_body(d, block);
    for (int64_t i = 0; i < n && index <= room && insp_goes_on(d); i++) {
        if (index == room) {
            block = INSP_U64(&d->r, block, deque_block, rightlink);
            if (insp_chain_closes(&chain, block)) {
                insp_circle(d, addr, block);
                break;
            }
            insp_emit_body(d, block);
            index = 0;
        }
        insp_emit_slot(d, block + data + index * 8, INSP_FORM_INDEX, (uint64_t)i,
                       INSP_REF_OWNED, true);
        index++;
    }
    uint64_t spare = INSP_U64(&d->r, addr, dequeobject, numfreeblocks);
    insp_addr spares = addr + (uint32_t)INSP_OFF(l, dequeobject, freeblocks);
    for (uint64_t i = 0; d->all && i < spare && i < 16; i++)
        insp_emit_body(d, insp_u64(&d->r, spares + i * 8));
}

// lru_cache_tp_traverse visits key, result and type of each link on the link's behalf; what it
// leaves out is the reference that the list itself holds of each link.
static void visit_link(insp_decoder *d, insp_addr link)
{
    static const insp_member held[] = {INSP_F_lru_list_elem_key, INSP_F_lru_list_elem_result,
                                       INSP_F_PyObject_ob_type};
    for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++) {
        insp_addr slot = link + (uint32_t)d->py->layout.off[held[i]];
        insp_emit_slot(d, slot, INSP_FORM_HELPER, slot, INSP_REF_OWNED, true);
    }
}

void insp_walk_lru(insp_decoder *d, insp_addr addr, bool interpreted)
{
    insp_chain chain = {0};
    insp_addr link = INSP_U64(&d->r, addr, lru_cache_object, root_next);
    for (uint64_t i = 0; link && link != addr && insp_goes_on(d); i++) {
        insp_emit(d->refs, (insp_ref){.target = link,
                                      .arg = i,
                                      .form = INSP_FORM_INDEX,
                                      .kind = INSP_REF_OWNED});
        if (!interpreted)
            visit_link(d, link);
        link = INSP_U64(&d->r, link, lru_list_elem, next);
        if (insp_chain_closes(&chain, link)) {
            insp_circle(d, addr, link);
            break;
        }
    }
}

// What a code object owns beside its members (Objects/codeobject.c, code_dealloc): since 3.12 what attributes
// were made of is kept in a block (gh-101346).
void insp_walk_code(insp_decoder *d, insp_addr addr)
{
    static const struct {
        insp_member member;
        const char *name;
    } made[] = {
        {INSP_F_PyCoCached__co_code, ".co_code"},
        {INSP_F_PyCoCached__co_varnames, ".co_varnames"},
        {INSP_F_PyCoCached__co_cellvars, ".co_cellvars"},
        {INSP_F_PyCoCached__co_freevars, ".co_freevars"},
    };
    static const insp_member blocks[] = {
        INSP_F_PyCodeObject__co_cached,     INSP_F_PyCodeObject_co_extra,
        INSP_F_PyCodeObject_co_cell2arg,    INSP_F_PyCodeObject_co_opcache_map,
        INSP_F_PyCodeObject_co_opcache,     INSP_F_PyCodeObject__co_linearray,
        INSP_F_PyCodeObject__co_monitoring,
    };
    insp_addr cached = INSP_U64(&d->r, addr, PyCodeObject, _co_cached);
    for (size_t i = 0; cached && i < sizeof(made) / sizeof(made[0]); i++) {
        int32_t offset = d->py->layout.off[made[i].member];
        if (offset >= 0)
            insp_emit_named(d, cached + (uint32_t)offset, made[i].name, false);
    }
    for (size_t i = 0; d->all && i < sizeof(blocks) / sizeof(blocks[0]); i++)
        insp_emit_body(d, insp_member_u64(&d->r, addr, blocks[i]));
}

/** A member of a type that owns a reference. */
typedef struct member_row {
    insp_member member;
    const char *name;
    bool visited; // by type_traverse, of a heap type
    bool heap;    // only heap types have it, or count it
} member_row;

static const member_row members[] = {
    {INSP_F_PyTypeObject_tp_dict, ".__dict__", true, false},
    {INSP_F_PyTypeObject_tp_cache, ".tp_cache", true, false},
    {INSP_F_PyTypeObject_tp_mro, ".__mro__", true, false},
    {INSP_F_PyTypeObject_tp_bases, ".__bases__", true, false},
    {INSP_F_PyTypeObject_tp_base, ".__base__", true, true},
    {INSP_F_PyHeapTypeObject_ht_module, ".ht_module", true, true},
    {INSP_F_PyTypeObject_tp_subclasses, ".tp_subclasses", false, false},
    {INSP_F_PyHeapTypeObject_ht_name, ".__name__", false, true},
    {INSP_F_PyHeapTypeObject_ht_qualname, ".__qualname__", false, true},
    {INSP_F_PyHeapTypeObject_ht_slots, ".__slots__", false, true},
};

// What each interpreter has for a static type.
static bool walk_states(insp_decoder *d, insp_addr type)
{
    const insp_layout *l = &d->py->layout;
    bool any = false;
    for (uint32_t i = 0; i < d->py->interps.len; i++) {
        insp_addr state = insp_type_state(&d->r, d->py, i, type);
        if (!state)
            continue;
        insp_emit_named(d, state + (uint32_t)INSP_OFF(l, managed_static_type_state, tp_dict),
                        ".__dict__", false);
        insp_emit_named(d,
                        state + (uint32_t)INSP_OFF(l, managed_static_type_state, tp_subclasses),
                        ".tp_subclasses", false);
        any = true;
    }
    return any;
}

// type_traverse is for heap types; static ones are no gc objects, and their tp_base is not counted.
void insp_walk_type(insp_decoder *d, insp_addr addr, bool interpreted)
{
    bool heap = INSP_U64(&d->r, addr, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE;
    bool elsewhere = !heap && walk_states(d, addr);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        const member_row *m = &members[i];
        int32_t offset = d->py->layout.off[m->member];
        // tp_subclasses is an index there.
        if (elsewhere && m->member == INSP_F_PyTypeObject_tp_subclasses)
            continue;
        if (offset >= 0 && (heap || !m->heap) && !(heap && interpreted && m->visited))
            insp_emit_named(d, addr + (uint32_t)offset, m->name, heap && m->visited);
    }
    insp_addr keys = heap ? INSP_U64(&d->r, addr, PyHeapTypeObject, ht_cached_keys) : 0;
    if (keys)
        insp_walk_keys(d, keys);
}
