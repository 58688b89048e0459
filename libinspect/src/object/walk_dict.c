// SPDX-License-Identifier: MIT
/**
 * @file
 * What dicts, sets, ordered dicts and the attribute values of instances refer to
 * (Objects/dictobject.c, setobject.c, odictobject.c).
 */
#include "decoder.h"
#include "str.h"

static void value_of(insp_decoder *d, insp_addr slot, insp_addr key)
{
    insp_emit_slot(d, slot, INSP_FORM_VALUE, key, INSP_REF_OWNED, true);
}

static void key_of(insp_decoder *d, insp_addr slot, insp_addr key, bool visited)
{
    insp_emit(d->refs, (insp_ref){.target = key,
                                  .slot = slot,
                                  .arg = key,
                                  .form = INSP_FORM_KEY,
                                  .kind = INSP_REF_OWNED,
                                  .visited = visited});
}

// A table of its own: keys and values are the dict's. dict_traverse visits keys of general tables only.
static void walk_combined(insp_decoder *d, const insp_dict_table *t)
{
    for (uint64_t i = 0; i < t->n && insp_goes_on(d); i++) {
        insp_addr key, value, entry = t->entries + i * t->step + t->key_at;
        insp_dict_entry(&d->r, t, i, &key, &value);
        if (!value)
            continue;
        key_of(d, entry, key, !t->unicode);
        value_of(d, entry + 8, key);
    }
}

// Interning takes both references of the dict off the string's count again, so that the string can die
// (Objects/unicodeobject.c, PyUnicode_InternInPlace).
static void walk_interned(insp_decoder *d, const insp_dict_table *t)
{
    for (uint64_t i = 0; d->all && i < t->n && insp_goes_on(d); i++) {
        insp_addr key, value, entry = t->entries + i * t->step + t->key_at;
        insp_dict_entry(&d->r, t, i, &key, &value);
        if (!value)
            continue;
        insp_emit_slot(d, entry, INSP_FORM_KEY, key, INSP_REF_BORROWED, false);
        insp_emit_slot(d, entry + 8, INSP_FORM_VALUE, key, INSP_REF_BORROWED, true);
    }
}

// Since 3.12 each interpreter says where it is.
static bool is_interned(const insp_decoder *d, insp_addr dict)
{
    for (size_t i = 0; i < d->py->interps.len; i++) {
        if (d->py->interps.at[i].interned == dict)
            return true;
    }
    return dict == d->interned;
}

uint64_t insp_interned_strings(insp_decoder *d, insp_addr addr)
{
    enum { INTERNED = 3, PROBES = 16 };
    insp_dict_table t;
    bool bad = d->r.bad;
    d->r.bad = false;
    bool sound = insp_dict_look(&d->r, addr, &t) && t.unicode && !t.values;
    uint64_t probed = 0;
    for (uint64_t i = 0; sound && i < t.n && probed < PROBES && insp_goes_on(d); i++) {
        insp_addr key, value;
        insp_dict_entry(&d->r, &t, i, &key, &value);
        probed += value != 0;
        sound =
            !value || (key == value && INSP_U32(&d->r, key, PyASCIIObject, state) & INTERNED);
    }
    sound = sound && !d->r.bad && probed;
    d->r.bad = bad;
    return sound ? t.n : 0;
}

// A shared table: its keys belong to whoever owns the table, see heap/references.c.
static void walk_split(insp_decoder *d, const insp_dict_table *t)
{
    for (uint64_t i = 0; i < t->n && insp_goes_on(d); i++) {
        insp_addr key, value;
        insp_dict_entry(&d->r, t, i, &key, &value);
        value_of(d, t->values + i * 8, key);
    }
}

// Values that a dict shares with its instance are visited by one of the two, and the dict by its instance or
// not: releases of 3.13 and 3.14 differ (gh-130327), and distributions take patches early. So the code of the
// target is asked, once.
static bool dict_visits_embedded(insp_decoder *d, insp_addr dict, const insp_dict_table *t)
{
    bool any = false;
    for (uint64_t i = 0; i < t->n && !any && insp_goes_on(d); i++)
        any = insp_u64(&d->r, t->values + i * 8) != 0;
    return any && insp_traverse_visits(d, dict, t->values, t->values + t->n * 8,
                                       &d->types->dict_visits_embedded);
}

void insp_walk_dict(insp_decoder *d, insp_addr addr, bool with_bodies)
{
    insp_dict_table t;
    if (!insp_dict_look(&d->r, addr, &t)) {
        insp_found(d->py->findings, "dict-keys", addr, "dict 0x%" PRIx64 " has no sound table",
                   addr);
        return;
    }
    if (is_interned(d, addr))
        walk_interned(d, &t);
    else if (t.values && (!t.embedded || dict_visits_embedded(d, addr, &t)))
        walk_split(d, &t);
    else if (!t.values)
        walk_combined(d, &t);
    if (with_bodies && !t.values)
        insp_emit_body(d, t.keys);
    if (with_bodies && t.values && !t.embedded)
        insp_emit_body(d, t.values_block);
}

void insp_walk_keys(insp_decoder *d, insp_addr keys)
{
    insp_dict_table t;
    if (!insp_keys_look(&d->r, keys, &t))
        return;
    insp_emit_body(d, keys);
    for (uint64_t i = 0; i < t.n && insp_goes_on(d); i++) {
        insp_addr key, value;
        insp_dict_entry(&d->r, &t, i, &key, &value);
        key_of(d, t.entries + i * t.step + t.key_at, key, false);
    }
}

// Values lie in the order of the type's cached keys.
static void walk_values(insp_decoder *d, insp_addr values, const insp_typeinfo *t)
{
    insp_dict_table table;
    if (!t->cached_keys || !insp_keys_look(&d->r, t->cached_keys, &table) ||
        !insp_values_look(&d->r, values, &table))
        return;
    if (!table.embedded)
        insp_emit_body(d, values);
    for (uint64_t i = 0; i < table.n && insp_goes_on(d); i++) {
        insp_addr key, value;
        insp_dict_entry(&d->r, &table, i, &key, &value);
        insp_emit_slot(d, table.values + i * 8, INSP_FORM_ATTR, key, INSP_REF_OWNED, true);
    }
}

// An instance with a dict beside values of its own.
static void walk_inline(insp_decoder *d, insp_addr addr, insp_addr dict, insp_addr values,
                        const insp_typeinfo *t)
{
    insp_dict_table table;
    insp_addr object = insp_u64(&d->r, dict);
    bool shared = object && insp_dict_look(&d->r, object, &table) &&
                  table.values_block == values && dict_visits_embedded(d, object, &table);
    if (!shared)
        walk_values(d, values, t);
    bool visited = object && insp_traverse_visits(d, addr, dict, dict + 8,
                                                  &d->types->instance_visits_dict);
    insp_emit_named(d, dict, ".__dict__", visited);
}

// Two words stand before the gc head, if there is one, of an instance whose attributes the interpreter manages:
//   3.13 (gh-115776)  weak references, dict; values are in the instance, and a dict may share them
//   3.12              weak references, dict or values; bit 0 tells
//   3.11 (bpo-45340)  values, dict; one of them is NULL
// What visits them is PyObject_VisitManagedDict, _PyObject_VisitInstanceAttributes before.
void insp_walk_attributes(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    enum { FIRST = 16, SECOND = 8, IS_VALUES = 1 };
    insp_addr head = addr - (uint32_t)INSP_OFF(&d->py->layout, PyGC_Head, sizeof);
    insp_preheader_form form = d->py->layout.flavour->preheader;
    insp_addr dict = head - SECOND;
    insp_addr values = 0;
    if (form == INSP_PREHEADER_TAGGED) {
        values = insp_u64(&d->r, dict);
        if (values & IS_VALUES)
            dict = 0;
        values = dict ? 0 : values + IS_VALUES;
    } else if (form == INSP_PREHEADER_VALUES) {
        values = insp_u64(&d->r, head - FIRST);
    } else if (t->flags & INSP_TPF_INLINE_VALUES) {
        values = addr + (uint64_t)t->basicsize;
        if (INSP_U8(&d->r, values, PyDictValues, valid)) {
            walk_inline(d, addr, dict, values, t);
            return;
        }
        values = 0;
    }
    if (values)
        walk_values(d, values, t);
    if (dict)
        insp_emit_named(d, dict, ".__dict__", true);
}

// Each node of the order holds a second reference to its key, which odict_traverse visits.
void insp_walk_odict(insp_decoder *d, insp_addr addr)
{
    insp_emit_body(d, INSP_U64(&d->r, addr, PyODictObject, od_fast_nodes));
    insp_addr node = INSP_U64(&d->r, addr, PyODictObject, od_first);
    uint64_t most = INSP_U64(&d->r, addr, PyDictObject, ma_used) + 1;
    insp_chain chain = {0};
    for (uint64_t i = 0; node && i < most && insp_goes_on(d); i++) {
        insp_addr slot = node + (uint32_t)INSP_OFF(&d->py->layout, odictnode, key);
        insp_emit_body(d, node);
        key_of(d, slot, insp_u64(&d->r, slot), true);
        node = INSP_U64(&d->r, node, odictnode, next);
        if (insp_chain_closes(&chain, node)) {
            insp_circle(d, addr, node);
            break;
        }
    }
}

// Free entries have no key; deleted ones point to a static dummy with hash -1.
void insp_walk_set(insp_decoder *d, insp_addr addr)
{
    enum { ENTRY = 16, KEY = 0, HASH = 8 };
    insp_addr table = INSP_U64(&d->r, addr, PySetObject, table);
    uint64_t mask = INSP_U64(&d->r, addr, PySetObject, mask);
    insp_addr own = addr + (uint32_t)INSP_OFF(&d->py->layout, PySetObject, smalltable);
    if (table != own)
        insp_emit_body(d, table);
    for (uint64_t i = 0; i <= mask && insp_goes_on(d); i++) {
        insp_addr slot = table + i * ENTRY;
        insp_addr key = insp_u64(&d->r, slot + KEY);
        if (key && insp_u64(&d->r, slot + HASH) != UINT64_MAX)
            key_of(d, slot, key, true);
    }
}
