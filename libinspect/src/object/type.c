// SPDX-License-Identifier: MIT
/**
 * @file
 * Looking at a type once (Objects/typeobject.c: subtype_traverse, type_new).
 */
#include "type.h"

#include <stdio.h>
#include <string.h>

#include "anchors.h"
#include "descriptors.h"
#include "guess.h"
#include "str.h"
#include "typestate.h"

// Bounds of what a sound type has: longer chains and more slots are taken for damage.
enum { MAX_BASES = 256, MAX_SLOTS = 4096, VOTES = 20000, CANDIDATES = 16 };

// Python/structmember.h: the two kinds of members that hold an object.
enum { T_OBJECT = 6, T_OBJECT_EX = 16 };

// Since 3.15 (gh-41779) subclasses of tuple have slots, which lie behind its items.
enum { AFTER_ITEMS = 1 << 4 };

typedef struct vote {
    insp_addr traverse;
    uint32_t n;
} vote;

static void add_vote(vote *votes, insp_addr traverse)
{
    for (int i = 0; traverse && i < CANDIDATES; i++) {
        if (!votes[i].traverse)
            votes[i].traverse = traverse;
        if (votes[i].traverse == traverse) {
            votes[i].n++;
            return;
        }
    }
}

// Up to 3.10 a table says by the function in dk_lookup whether its keys are all str. Those of
// object.__subclasses__ are ints, so the table of that is looked up in by the function that is for any keys.
static insp_addr find_lookdict(const insp_cpython *py, insp_reader *r)
{
    insp_addr object = py->type_type ? INSP_U64(r, py->type_type, PyTypeObject, tp_base) : 0;
    insp_addr dict = object ? INSP_U64(r, object, PyTypeObject, tp_subclasses) : 0;
    insp_addr keys = dict ? INSP_U64(r, dict, PyDictObject, ma_keys) : 0;
    insp_addr lookup = keys ? INSP_U64(r, keys, PyDictKeysObject, dk_lookup) : 0;
    r->bad = false;
    return lookup;
}

static void hear(vote *votes, const insp_cpython *py, insp_reader *r, insp_addr type)
{
    if (INSP_U64(r, type, PyObject, ob_type) == py->type_type &&
        INSP_U64(r, type, PyHeapTypeObject, ht_cached_keys))
        add_vote(votes, INSP_U64(r, type, PyTypeObject, tp_traverse));
}

static void hear_lists(vote *votes, const insp_cpython *py, insp_reader *r)
{
    uint32_t head_size = (uint32_t)INSP_OFF(&py->layout, PyGC_Head, sizeof);
    const insp_interp *in = &py->interps.at[0];
    for (uint32_t k = in->n_lists; k-- > 0;) {
        insp_addr head = in->lists[k].head, at = insp_gc_next(r, head);
        for (int i = 0; i < VOTES && at && at != head && !r->bad; i++, at = insp_gc_next(r, at))
            hear(votes, py, r, at + head_size);
        r->bad = false;
    }
}

static void hear_subclasses(vote *votes, const insp_cpython *py, insp_reader *r)
{
    insp_addr object = py->type_type ? INSP_U64(r, py->type_type, PyTypeObject, tp_base) : 0;
    insp_addr dict = object ? insp_type_subclasses(r, py, object) : 0;
    insp_dict_table t;
    bool there = dict && !r->bad && insp_dict_look(r, dict, &t);
    for (uint64_t i = 0; there && i < t.n && i < VOTES; i++) {
        insp_addr key, value;
        insp_dict_entry(r, &t, i, &key, &value);
        insp_addr type = value ? INSP_U64(r, value, PyWeakReference, wr_object) : 0;
        // Only heap types have the member that is asked for.
        if (type && INSP_U64(r, type, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE)
            hear(votes, py, r, type);
        r->bad = false;
    }
    r->bad = false;
}

// Every class statement gives its type the same tp_traverse, and shared keys for its instances; no symbol
// names that function in a stripped build, so the types themselves elect it. Without the GIL the collector has
// no lists: the direct subclasses of object do.
static insp_addr elect_subtype_traverse(const insp_cpython *py, insp_reader *r)
{
    vote votes[CANDIDATES] = {{0, 0}};
    if (py->interps.at[0].n_lists)
        hear_lists(votes, py, r);
    else
        hear_subclasses(votes, py, r);
    const vote *best = &votes[0];
    for (int i = 1; i < CANDIDATES; i++)
        best = votes[i].n > best->n ? &votes[i] : best;
    return best->traverse;
}

// What object/walk_dict.c asks the code of the target, where that cannot be asked: 3.15 has gh-130327, releases before it
// differ.
static void take_for_granted(insp_types_seen *types, insp_reader *r)
{
    const insp_cpython *py = types->py;
    insp_addr any = INSP_U64(r, py->type_type, PyTypeObject, tp_traverse);
    if (insp_is_out_of_reach(py, any))
        types->dict_visits_embedded = types->instance_visits_dict =
            py->hex >= 0x030f0000 ? 1 : -1;
    r->bad = false;
}

insp_status insp_types_init(insp_types_seen *types, insp_cpython *py, insp_error *err)
{
    // Each type's own are looked at a few times, those of its bases once for it: sound types need less than a
    // tenth of this. Damaged ones may share what they claim.
    enum { AT_LEAST = 1 << 20 };
    *types = (insp_types_seen){.py = py};
    types->budget = insp_space_size(py->space) / 4 + AT_LEAST;
    insp_reader r = insp_reader_of(py->space, &py->layout);
    if (py->layout.flavour->keys == INSP_KEYS_LOOKUP)
        py->layout.lookdict = find_lookdict(py, &r);
    types->subtype_traverse = elect_subtype_traverse(py, &r);
    take_for_granted(types, &r);
    return insp_anchors_find(types, &r, err);
}

void insp_types_deinit(insp_types_seen *types)
{
    insp_typeinfo_ptrs_deinit(&types->at);
    insp_map_deinit(&types->ids);
    insp_names_deinit(&types->names);
    insp_map_deinit(&types->name_of);
    insp_arena_deinit(&types->arena);
}

// tp_name of a static type is "module.name"; of a heap type it is the name, and the module is in its dict.
static void read_name(insp_types_seen *types, insp_reader *r, insp_typeinfo *t, char *tp_name,
                      size_t size)
{
    char safe[512];
    if (!insp_tp_name(types, r, t->addr, tp_name, size)) {
        tp_name[0] = '\0';
        t->name = insp_arena_printf(&types->arena, "type@0x%" PRIx64, t->addr);
        t->module = "";
        return;
    }
    const char *dot = t->flags & INSP_TPF_HEAPTYPE ? NULL : strrchr(tp_name, '.');
    insp_str s = insp_str_init(safe, sizeof(safe));
    insp_str_utf8(&s, dot ? dot + 1 : tp_name);
    t->name = insp_arena_text(&types->arena, safe, s.len);
    t->module = dot ? insp_arena_text(&types->arena, tp_name, (size_t)(dot - tp_name))
                : t->flags & INSP_TPF_HEAPTYPE ? ""
                                               : "builtins";
}

// A heap type made by C carries "module.name" too; one made by a class statement only its name.
static void read_module(insp_types_seen *types, insp_reader *r, insp_typeinfo *t,
                        const char *tp_name)
{
    insp_addr dict = insp_type_dict(r, types->py, t->addr);
    insp_addr module = insp_namespace_find(r, dict, "__module__", &types->budget);
    char text[256];
    if (module && insp_str_read(r, module, text, sizeof(text)) >= 0)
        t->module = insp_arena_text(&types->arena, text, strlen(text));
    size_t n = strlen(t->module);
    if (n && !strncmp(tp_name, t->module, n) && tp_name[n] == '.')
        t->name += n + 1 <= strlen(t->name) ? n + 1 : 0;
}

static void copy_slots(insp_slot *to, uint32_t *n, const insp_layout *layout,
                       const insp_descriptor *d)
{
    for (uint32_t i = insp_descriptor_number(d) + 1; !insp_descriptor_at(i)->tp_name; i++) {
        const insp_descriptor *row = insp_descriptor_at(i);
        int32_t offset = layout->off[row->member];
        if (offset >= 0)
            to[(*n)++] = (insp_slot){.name = row->name,
                                     .offset = offset,
                                     .kind = row->kind,
                                     .visited = row->visited,
                                     .member = (int16_t)row->member,
                                     .only_name = d->interpreted && row->visited};
    }
}

static uint32_t count_slots(const insp_descriptor *d)
{
    uint32_t i = d ? insp_descriptor_number(d) + 1 : 0, n = 0;
    while (d && !insp_descriptor_at(i + n)->tp_name)
        n++;
    return n;
}

// The members a class statement made of __slots__ lie behind the type (PyHeapType_GET_MEMBERS).
static void add_member(insp_types_seen *types, insp_reader *r, insp_typeinfo *t, insp_addr def)
{
    char name[128], safe[256];
    uint32_t type = INSP_U32(r, def, PyMemberDef, type);
    int64_t offset = (int64_t)INSP_U64(r, def, PyMemberDef, offset);
    insp_addr text = INSP_U64(r, def, PyMemberDef, name);
    if (r->bad || type != T_OBJECT_EX || offset < 0 || offset > t->basicsize - 8 || offset & 7)
        return;
    if (insp_space_text(r->cur.space, text, name, sizeof(name)) < 0)
        (void)snprintf(name, sizeof(name), "slot+0x%" PRIx64, (uint64_t)offset);
    insp_str s = insp_str_init(safe, sizeof(safe));
    insp_str_add(&s, ".");
    insp_str_utf8(&s, name);
    bool after = INSP_U32(r, def, PyMemberDef, flags) & AFTER_ITEMS;
    t->slots[t->n_slots++] = (insp_slot){.name = insp_arena_text(&types->arena, safe, s.len),
                                         .offset = (int32_t)offset,
                                         .kind = INSP_REF_OWNED,
                                         .visited = t->is_gc,
                                         .member = -1,
                                         .after_items = after};
}

static uint64_t members_of(insp_reader *r, insp_addr type, insp_addr *first)
{
    insp_addr meta = INSP_U64(r, type, PyObject, ob_type);
    *first = type + INSP_U64(r, meta, PyTypeObject, tp_basicsize);
    uint64_t n = INSP_U64(r, type, PyVarObject, ob_size);
    return r->bad || n > MAX_SLOTS ? 0 : n;
}

static bool made_by_class(const insp_types_seen *types, insp_reader *r, insp_addr type)
{
    return INSP_U64(r, type, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE &&
           (INSP_U64(r, type, PyTypeObject, tp_traverse) == types->subtype_traverse ||
            INSP_U64(r, type, PyHeapTypeObject, ht_slots));
}

// Slots of the class and of every class-statement base of it; *base becomes the first other one.
static bool add_members(insp_types_seen *types, insp_reader *r, insp_typeinfo *t,
                        insp_addr *base, const insp_descriptor **descriptor)
{
    uint32_t step = (uint32_t)INSP_OFF(r->layout, PyMemberDef, sizeof);
    uint64_t total = 0;
    insp_addr first, at = t->addr;
    int depth = 0;
    for (; depth < MAX_BASES && types->budget && at && made_by_class(types, r, at); depth++) {
        types->budget--;
        total += members_of(r, at, &first);
        at = INSP_U64(r, at, PyTypeObject, tp_base);
    }
    *base = at;
    char tp_name[128];
    bool named = at && insp_tp_name(types, r, at, tp_name, sizeof(tp_name));
    *descriptor = named ? insp_descriptor_of(tp_name) : NULL;
    if (total > MAX_SLOTS || total > types->budget)
        total = 0;
    types->budget -= total;
    t->slots = insp_arena_array(&types->arena, total + count_slots(*descriptor) + 1,
                                sizeof(*t->slots));
    if (!t->slots)
        return false;
    at = t->addr;
    for (int i = 0; i < depth && total; i++) {
        uint64_t n = members_of(r, at, &first);
        for (uint64_t k = 0; k < n && t->n_slots < total; k++)
            add_member(types, r, t, first + k * step);
        at = INSP_U64(r, at, PyTypeObject, tp_base);
    }
    return true;
}

// A static subclass may share the tp_traverse of a base that is described: ValueError is read as
// BaseException is, and a str of C's as a str. *described becomes that base. All are object's in the end,
// which says nothing.
static const insp_descriptor *inherited(insp_types_seen *types, insp_reader *r,
                                        insp_addr traverse, insp_addr *described)
{
    insp_addr base = *described;
    for (int i = 0; i < MAX_BASES && types->budget && base; i++, types->budget--) {
        char tp_name[128];
        insp_addr next = INSP_U64(r, base, PyTypeObject, tp_base);
        if (INSP_U64(r, base, PyTypeObject, tp_traverse) != traverse || !next || r->bad)
            break;
        const insp_descriptor *d = NULL;
        if (insp_tp_name(types, r, base, tp_name, sizeof(tp_name)))
            d = insp_descriptor_of(tp_name);
        *described = base;
        if (d)
            return d;
        base = next;
    }
    return NULL;
}

// The slots of a row and its kind are all there is to a type, unless its own code has more to say: it
// adds members to those of a base that is described, or is not described at all. Not so a dict of C's:
// what ctypes' StgDict owns is visited by the type it belongs to.
static insp_addr dealloc_of(insp_reader *r, insp_addr base, const insp_descriptor *d,
                            insp_addr described)
{
    insp_addr dealloc = INSP_U64(r, base, PyTypeObject, tp_dealloc);
    if (d && d->shape == INSP_KIND_DICT)
        return 0;
    if (d && !(d->interpreted && d->shape == INSP_KIND_PLAIN) &&
        dealloc == INSP_U64(r, described, PyTypeObject, tp_dealloc))
        return 0;
    return dealloc;
}

// The row of a base says nothing of the members that a type of C's adds; its code would.
static bool has_more_members(insp_reader *r, insp_addr type, insp_addr described)
{
    return INSP_U64(r, type, PyTypeObject, tp_basicsize) >
           INSP_U64(r, described, PyTypeObject, tp_basicsize);
}

static void do_without_code(const insp_cpython *py, insp_reader *r, insp_typeinfo *t,
                            insp_addr base, insp_addr described)
{
    insp_addr unasked =
        has_more_members(r, base, described) ? INSP_U64(r, base, PyTypeObject, tp_dealloc) : 0;
    if (!insp_is_out_of_reach(py, t->traverse) && !insp_is_out_of_reach(py, t->dealloc) &&
        !insp_is_out_of_reach(py, unasked))
        return;
    t->traverse = t->dealloc = 0;
    t->guessed = 1;
}

static const char *read_by(const insp_typeinfo *t, const insp_descriptor *d)
{
    if (t->traverse)
        return "tp_traverse interpreted";
    if (t->guessed)
        return "guessed";
    return d ? "decoder" : "declared members";
}

// n_fields of a struct sequence; -1 where the type is none.
static int64_t fields_of(insp_types_seen *types, insp_reader *r, insp_addr type)
{
    enum { MOST = 4096 };
    insp_addr dict = insp_type_dict(r, types->py, type);
    insp_addr n = insp_namespace_find(r, dict, "n_fields", &types->budget);
    if (!n)
        return -1;
    int64_t fields = insp_u32(r, n + (uint32_t)INSP_OFF(r->layout, PyLongObject, ob_digit));
    return fields > MOST ? -1 : fields;
}

// Whether the __sizeof__ that a type defines is object's, or one that heap/size.c follows.
static bool is_known_sizeof(const insp_types_seen *types, insp_reader *r, insp_addr type)
{
    char tp_name[128];
    if (!INSP_U64(r, type, PyTypeObject, tp_base))
        return true;
    if (!insp_tp_name(types, r, type, tp_name, sizeof(tp_name)))
        return false;
    const insp_descriptor *d = insp_descriptor_of(tp_name);
    return d && insp_sizeof_known((insp_kind)d->shape);
}

// What a base has inherited is asked of it where it was looked at before: then a chain is not gone down again
// for each type that hangs on it.
static bool knows_sizeof(insp_types_seen *types, insp_reader *r, insp_addr type)
{
    for (int i = 0; i < MAX_BASES && type && types->budget && !r->bad; i++) {
        uint32_t id = insp_map_get(&types->ids, type);
        if (id != INSP_MAP_NONE)
            return types->at.at[id]->sizeof_known;
        types->budget--;
        insp_addr dict = insp_type_dict(r, types->py, type);
        if (insp_namespace_find(r, dict, "__sizeof__", &types->budget))
            return is_known_sizeof(types, r, type);
        type = INSP_U64(r, type, PyTypeObject, tp_base);
    }
    return false;
}

static bool decide(insp_types_seen *types, insp_reader *r, insp_typeinfo *t)
{
    insp_addr base;
    const insp_descriptor *d;
    if (!add_members(types, r, t, &base, &d))
        return false;
    insp_addr traverse = INSP_U64(r, base, PyTypeObject, tp_traverse);
    insp_addr described = base;
    if (!d)
        d = inherited(types, r, traverse, &described);
    if (d) {
        // inherited() may have found another row than add_members made room for.
        insp_slot *slots =
            insp_arena_array(&types->arena, t->n_slots + count_slots(d) + 1u, sizeof(*slots));
        if (!slots)
            return false;
        memcpy(slots, t->slots, t->n_slots * sizeof(*slots));
        t->slots = slots;
        copy_slots(t->slots, &t->n_slots, r->layout, d);
        t->kind = d->shape;
    }
    t->n_fields = d || !(t->flags & INSP_TPF_TUPLE) ? -1 : fields_of(types, r, base);
    if (t->n_fields >= 0)
        t->kind = INSP_KIND_TUPLE;
    else if (t->is_gc && traverse && (!d || d->interpreted))
        t->traverse = traverse;
    if (t->flags & INSP_TPF_TYPE)
        t->kind = INSP_KIND_TYPE;
    else
        t->dealloc = dealloc_of(r, base, d, described);
    do_without_code(types->py, r, t, base, described);
    t->is_class = base != t->addr;
    t->base = base;
    // structseq_traverse (Objects/structseq.c) does since 3.9 (bpo-40217).
    bool visits = t->is_class || t->n_fields < 0 || types->py->hex >= 0x03090000;
    t->visits_type = t->is_gc && visits;
    // subtype_traverse visits __dict__ only where the base, which visits its own, has it elsewhere.
    bool inherits = !t->is_class ||
                    t->dictoffset == (int64_t)INSP_U64(r, base, PyTypeObject, tp_dictoffset);
    t->managed_dict = t->preheader && t->flags & INSP_TPF_MANAGED_DICT && !inherits;
    if (inherits || t->managed_dict)
        t->dictoffset = 0;
    t->sizeof_known = knows_sizeof(types, r, t->addr);
    t->read_by = read_by(t, d);
    return true;
}

// What descriptions say of a type and its bases; what its own code shows gets only its name from them.
static bool add_described(insp_types_seen *types, insp_reader *r, insp_typeinfo *t)
{
    insp_addr base = t->addr;
    for (int i = 0; i < MAX_BASES && types->budget && base && !r->bad; i++, types->budget--) {
        char tp_name[128];
        const insp_described_type *found = NULL;
        if (insp_tp_name(types, r, base, tp_name, sizeof(tp_name)))
            found = insp_described_find(types->described, tp_name);
        uint32_t n = found ? found->n : 0;
        insp_slot *slots = insp_arena_array(&types->arena, t->n_slots + n + 1u, sizeof(*slots));
        if (!slots)
            return false;
        memcpy(slots, t->slots, t->n_slots * sizeof(*slots));
        t->slots = slots;
        for (uint32_t k = 0; k < n; k++) {
            const insp_described_slot *row = &types->described->slots.at[found->first + k];
            if (row->offset + 8 <= t->basicsize)
                slots[t->n_slots++] =
                    (insp_slot){.name = row->name,
                                .offset = row->offset,
                                .kind = row->kind,
                                .visited = row->visited,
                                .member = -1,
                                .claimed = 1,
                                .only_name = row->visited && (t->traverse || t->dealloc)};
        }
        base = INSP_U64(r, base, PyTypeObject, tp_base);
    }
    return true;
}

static void tell_spent(insp_types_seen *types, insp_addr addr)
{
    if (types->budget || types->told)
        return;
    types->told = true;
    insp_found(
        types->py->findings, "types", addr,
        "from the type at 0x%" PRIx64
        " on bases and members are not followed: types claim more of them than memory holds",
        addr);
}

static bool look(insp_types_seen *types, insp_reader *r, insp_typeinfo *t)
{
    char tp_name[256];
    t->flags = INSP_U64(r, t->addr, PyTypeObject, tp_flags);
    t->basicsize = (int64_t)INSP_U64(r, t->addr, PyTypeObject, tp_basicsize);
    t->itemsize = (int64_t)INSP_U64(r, t->addr, PyTypeObject, tp_itemsize);
    t->dictoffset = (int64_t)INSP_U64(r, t->addr, PyTypeObject, tp_dictoffset);
    t->weaklistoffset = (int64_t)INSP_U64(r, t->addr, PyTypeObject, tp_weaklistoffset);
    t->finalize = INSP_U64(r, t->addr, PyTypeObject, tp_finalize);
    t->del = INSP_U64(r, t->addr, PyTypeObject, tp_del);
    t->is_gc = t->flags & INSP_TPF_HAVE_GC ? 1 : 0;
    t->is_heap = t->flags & INSP_TPF_HEAPTYPE ? 1 : 0;
    t->cached_keys = t->is_heap ? INSP_U64(r, t->addr, PyHeapTypeObject, ht_cached_keys) : 0;
    bool managed = t->flags & (INSP_TPF_MANAGED_DICT | INSP_TPF_MANAGED_WEAKREF);
    t->preheader =
        managed && types->py->layout.flavour->preheader != INSP_PREHEADER_NONE ? 16 : 0;
    if (r->bad || t->basicsize < 16 || t->basicsize > 1 << 20 || t->itemsize < 0 ||
        t->itemsize > 1 << 20)
        return false;
    read_name(types, r, t, tp_name, sizeof(tp_name));
    if (t->is_heap && t->name)
        read_module(types, r, t, tp_name);
    bool done = t->name && t->module && decide(types, r, t);
    if (done && types->described && types->described->types.len)
        done = add_described(types, r, t);
    tell_spent(types, t->addr);
    r->bad = false;
    types->failed = types->failed || !done;
    return done;
}

const insp_typeinfo *insp_type_at(insp_types_seen *types, insp_reader *r, insp_addr addr)
{
    uint32_t id = insp_map_get(&types->ids, addr);
    if (id != INSP_MAP_NONE)
        return types->at.at[id];
    bool bad = r->bad;
    r->bad = false;
    // What is no type is met again with each of its instances: it must not take memory each time.
    insp_typeinfo seen = {.addr = addr, .id = (uint32_t)types->at.len};
    bool sound = insp_is_type(r, types->py, addr) && look(types, r, &seen);
    r->bad = bad;
    if (!sound)
        return NULL;
    insp_typeinfo *t = insp_arena_alloc(&types->arena, sizeof(*t));
    if (t)
        *t = seen;
    if (!t || !insp_typeinfo_ptrs_push(&types->at, t) ||
        !insp_map_set(&types->ids, addr, seen.id)) {
        types->failed = true;
        return NULL;
    }
    return t;
}

bool insp_type_ask_code(insp_typeinfo *t, insp_reader *r)
{
    insp_addr traverse = INSP_U64(r, t->base, PyTypeObject, tp_traverse);
    if (t->kind != INSP_KIND_PLAIN || t->guessed || !traverse)
        return false;
    t->traverse = traverse;
    t->dealloc = INSP_U64(r, t->base, PyTypeObject, tp_dealloc);
    // Of the slots only those stay that the type itself declares.
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->n_slots; i++) {
        if (t->slots[i].member < 0)
            t->slots[kept++] = t->slots[i];
    }
    t->n_slots = kept;
    t->read_by = "tp_traverse interpreted";
    return true;
}

bool insp_looks_like_object(insp_types_seen *types, insp_reader *r, insp_addr addr)
{
    bool bad = r->bad;
    r->bad = false;
    insp_addr type = addr & 7 || !addr ? 0 : INSP_U64(r, addr, PyObject, ob_type);
    bool is = type && !r->bad && insp_type_at(types, r, type);
    r->bad = bad;
    return is;
}

bool insp_instance_is_gc(const insp_typeinfo *t, insp_reader *r, insp_addr object)
{
    if (!t->is_gc || t->kind != INSP_KIND_TYPE)
        return t->is_gc;
    // type_is_gc: static types are no gc objects.
    return INSP_U64(r, object, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE;
}
