// SPDX-License-Identifier: MIT
/**
 * @file
 * Is the layout true of this target? Rows that take objects to prove: tuples, dicts, strings, pools.
 */
#include "../object/str.h"
#include "heap.h"

// The first class in the mro of a type is the type itself.
static bool prove_tuple(insp_heap *h)
{
    insp_reader *r = &h->decoder.r;
    uint64_t agree = 0, asked = 0;
    for (size_t i = 0; i < h->types.at.len; i++) {
        insp_addr type = h->types.at.at[i]->addr;
        insp_addr mro = INSP_U64(r, type, PyTypeObject, tp_mro);
        if (!mro || r->bad) {
            r->bad = false;
            continue;
        }
        asked++;
        agree +=
            insp_u64(r, mro + (uint32_t)INSP_OFF(r->layout, PyTupleObject, ob_item)) == type;
    }
    r->bad = false;
    // A class may define mro(), and put itself elsewhere: a few may differ.
    bool ok = asked && agree >= asked - asked / 20;
    return insp_prove(h->py, "tuple", INSP_F_PyTupleObject_ob_item, "all but layout",
                      ok ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      ".__mro__[0] is the type itself, %" PRIu64 " of %" PRIu64, agree, asked);
}

static bool prove_dict(insp_heap *h)
{
    insp_reader *r = &h->decoder.r;
    insp_addr modules = h->py->interps.at[0].modules;
    insp_dict_table t;
    bool sound = insp_dict_look(r, modules, &t);
    uint64_t used = INSP_U64(r, modules, PyDictObject, ma_used), found = 0;
    for (uint64_t i = 0; sound && i < t.n && !r->bad; i++) {
        insp_addr key, value;
        insp_dict_entry(r, &t, i, &key, &value);
        found += value != 0;
    }
    bool named = insp_dict_find(r, modules, "sys") && insp_dict_find(r, modules, "builtins");
    // dk_lookup is a function of CPython's.
    insp_addr lookup = h->py->layout.lookdict;
    bool ok = sound && !r->bad && named && found == used &&
              (!lookup || insp_module_at(h->py, lookup) == h->py->module);
    r->bad = false;
    return insp_prove(h->py, "dict", INSP_F_PyDictObject_ma_keys, "all but layout, gc, arenas",
                      ok ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      "sys.modules has 'sys' and 'builtins'; %" PRIu64 " entries of %" PRIu64,
                      found, used) &&
           insp_prove(h->py, "str", INSP_F_PyASCIIObject_state, "names",
                      named ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      named ? "'builtins' found through sys.modules"
                            : "no 'builtins' among the keys of sys.modules");
}

// The keys that instances of a class share are a table, and of the classes that have one all are tables. Since 3.11
// (bpo-45340) each class whose instances' attributes the interpreter manages has one.
static bool prove_shared_keys(insp_heap *h)
{
    insp_reader *r = &h->decoder.r;
    uint64_t agree = 0, asked = 0;
    for (size_t i = 0; i < h->types.at.len; i++) {
        const insp_typeinfo *t = h->types.at.at[i];
        insp_dict_table table;
        if (!t->is_heap || (!t->cached_keys && !(t->flags & INSP_TPF_MANAGED_DICT)))
            continue;
        asked++;
        agree += t->cached_keys && insp_keys_look(r, t->cached_keys, &table) && table.shared;
        r->bad = false;
    }
    return insp_prove(
        h->py, "shared keys", INSP_F_PyHeapTypeObject_ht_cached_keys, "references of instances",
        !asked                        ? INSP_PROOF_UNKNOWN
        : agree >= asked - asked / 20 ? INSP_PROOF_OK
                                      : INSP_PROOF_FAILED,
        "keys that instances share are tables, in %" PRIu64 " classes of %" PRIu64, agree,
        asked);
}

// What the lists of free blocks leave is what the page says is used.
static bool prove_pages(insp_heap *h)
{
    uint64_t tracked = 0;
    for (uint32_t n = 0; n < h->n_pooled; n++)
        tracked += h->kind.at[n] & INSP_K_OBJECT && insp_heap_gc(h, n) == INSP_GC_LOOSE;
    uint32_t asked = h->pools.pages_used, agree = h->pools.pages_agree;
    bool ok = h->pools.rows.len && tracked && agree >= asked - asked / 10;
    return insp_prove(h->py, "pages", INSP_F_mi_page_capacity, "all but layout",
                      ok ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      "carved - free = used in %u pages of mimalloc of %u; %" PRIu64
                      " objects in them are tracked",
                      agree, asked, tracked);
}

static bool prove_pools(insp_heap *h)
{
    if (h->py->layout.flavour->alloc == INSP_ALLOC_MIMALLOC)
        return prove_pages(h);
    uint64_t agree = 0, asked = 0;
    insp_reader *r = &h->decoder.r;
    for (size_t i = 0; i < h->pools.rows.len; i++) {
        const insp_pool_row *row = &h->pools.rows.at[i];
        if (row->state != INSP_POOL_USED)
            continue;
        asked++;
        agree += INSP_U32(r, row->addr, pool_header, ref_count) == row->used;
    }
    r->bad = false;
    if (!asked)
        return insp_prove(h->py, "pools", INSP_F_pool_header_ref_count, "arenas",
                          INSP_PROOF_UNKNOWN, "no pool is in use");
    // Single broken pools are findings; a wrong layout breaks them all.
    return insp_prove(h->py, "pools", INSP_F_pool_header_ref_count, "arenas",
                      agree >= asked - asked / 10 ? INSP_PROOF_OK : INSP_PROOF_FAILED,
                      "carved - free = ref.count in %" PRIu64 " of %" PRIu64, agree, asked);
}

// Of a class that died the reference is empty.
static bool prove_weakref(insp_heap *h)
{
    uint64_t asked = h->subclass_refs, agree = h->subclasses;
    return insp_prove(h->py, "weakref", INSP_F_PyWeakReference_wr_object, "weak references",
                      !asked               ? INSP_PROOF_UNKNOWN
                      : agree * 2 >= asked ? INSP_PROOF_OK
                                           : INSP_PROOF_FAILED,
                      "subclasses that types refer to weakly are types, %" PRIu64
                      " of %" PRIu64,
                      agree, asked);
}

insp_status insp_heap_prove(insp_heap *h, insp_error *err)
{
    bool fits = prove_tuple(h) && prove_dict(h) && prove_shared_keys(h) && prove_weakref(h) &&
                prove_pools(h);
    return fits ? INSP_OK : insp_nomem(err);
}
