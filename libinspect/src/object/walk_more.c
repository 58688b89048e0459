// SPDX-License-Identifier: MIT
/**
 * @file
 * What deques, cached functions, types and modules refer to (Modules/_collectionsmodule.c,
 * _functoolsmodule.c, Objects/typeobject.c, moduleobject.c).
 */
#include "decoder.h"

enum { MAX_NODES = 1 << 30 };

void insp_walk_deque(insp_decoder *d, insp_addr addr)
{
    const insp_layout *l = &d->py->layout;
    uint32_t data = (uint32_t)INSP_OFF(l, deque_block, data);
    uint64_t room = ((uint64_t)INSP_OFF(l, deque_block, rightlink) - data) / 8;
    int64_t n = (int64_t)INSP_U64(&d->r, addr, PyVarObject, ob_size);
    insp_addr block = INSP_U64(&d->r, addr, dequeobject, leftblock);
    uint64_t index = INSP_U64(&d->r, addr, dequeobject, leftindex);
    insp_emit_body(d, block);
    for (int64_t i = 0; i < n && index <= room && !d->r.bad; i++) {
        if (index == room) {
            block = INSP_U64(&d->r, block, deque_block, rightlink);
            insp_emit_body(d, block);
            index = 0;
        }
        insp_emit_slot(d, block + data + index * 8, INSP_FORM_INDEX, (uint64_t)i, INSP_REF_OWNED,
                       true);
        index++;
    }
    uint64_t spare = INSP_U64(&d->r, addr, dequeobject, numfreeblocks);
    insp_addr spares = addr + (uint32_t)INSP_OFF(l, dequeobject, freeblocks);
    for (uint64_t i = 0; d->all && i < spare && i < 16; i++)
        insp_emit_body(d, insp_u64(&d->r, spares + i * 8));
}

// lru_cache_tp_traverse visits key, result and type of each link on the link's behalf; what it
// leaves out is the reference that the list itself holds of each link.
void insp_walk_lru(insp_decoder *d, insp_addr addr)
{
    insp_addr link = INSP_U64(&d->r, addr, lru_cache_object, root_next);
    for (int i = 0; link && link != addr && i < MAX_NODES && !d->r.bad; i++) {
        insp_emit(d->refs, (insp_ref){.target = link,
                                      .arg = (uint64_t)i,
                                      .form = INSP_FORM_INDEX,
                                      .kind = INSP_REF_OWNED});
        link = INSP_U64(&d->r, link, lru_list_elem, next);
    }
}

static void member(insp_decoder *d, insp_addr addr, insp_member m, const char *name, bool visited)
{
    int32_t offset = d->py->layout.off[m];
    if (offset >= 0)
        insp_emit_named(d, addr + (uint32_t)offset, name, visited);
}

// type_traverse is for heap types; static ones are no gc objects, and their tp_base is not counted.
void insp_walk_type(insp_decoder *d, insp_addr addr)
{
    bool heap = INSP_U64(&d->r, addr, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE;
    member(d, addr, INSP_F_PyTypeObject_tp_dict, ".__dict__", heap);
    member(d, addr, INSP_F_PyTypeObject_tp_cache, ".tp_cache", heap);
    member(d, addr, INSP_F_PyTypeObject_tp_mro, ".__mro__", heap);
    member(d, addr, INSP_F_PyTypeObject_tp_bases, ".__bases__", heap);
    member(d, addr, INSP_F_PyTypeObject_tp_subclasses, ".tp_subclasses", false);
    if (!heap)
        return;
    member(d, addr, INSP_F_PyTypeObject_tp_base, ".__base__", true);
    member(d, addr, INSP_F_PyHeapTypeObject_ht_module, ".ht_module", true);
    member(d, addr, INSP_F_PyHeapTypeObject_ht_name, ".__name__", false);
    member(d, addr, INSP_F_PyHeapTypeObject_ht_qualname, ".__qualname__", false);
    member(d, addr, INSP_F_PyHeapTypeObject_ht_slots, ".__slots__", false);
    insp_addr keys = INSP_U64(&d->r, addr, PyHeapTypeObject, ht_cached_keys);
    if (keys)
        insp_walk_keys(d, keys);
}
