// SPDX-License-Identifier: MIT
/**
 * @file
 * One walk over every object and root: edges, remainders, totals by type. Objects outside pools are
 * found on the way, because somebody refers to them, and are walked when their turn comes.
 */
#include "../object/str.h"
#include "heap.h"

/** A reference that was guessed (object/guess.h). */
typedef struct guessed {
    insp_addr slot;
    uint32_t dst;
    bool of_state; // in the state of a module
} guessed;

INSP_VEC(guessed_rows, guessed);

/** A walk of the whole heap. */
typedef struct pass {
    insp_heap *h;
    uint32_t src;
    bool store;      // edges are wanted; else targets only become known
    size_t types;    // types before this one are known as objects
    uint64_t looked; // slots that the objects before this one have
    uint64_t body;   // bytes of the blocks of this object
    bool late;       // an object became known after its turn
    guessed_rows guesses;
    bool failed;
} pass;

// The size stands in front of the block (glibc: malloc/malloc.c, struct malloc_chunk).
uint64_t insp_malloc_block(const insp_heap *h, insp_addr data)
{
    bool ok = true;
    insp_addr addr = data - h->py->debug_pad;
    if (addr & 15 || insp_module_at(h->py, addr) != INSP_NONE)
        return 0;
    uint64_t chunk = insp_space_u64(h->py->space, addr - 8, &ok) & ~UINT64_C(7);
    bool plausible = ok && chunk >= 32 && !(chunk & 15) && chunk <= h->memory;
    return plausible ? chunk - 8 : 0;
}

static uint64_t block_bytes(insp_heap *h, insp_addr start)
{
    uint64_t size;
    if (!insp_block_of(h, start, &size)) {
        size = insp_malloc_block(h, start);
        h->malloc_bytes += size;
    }
    return size;
}

// A block that is part of an object, and its size.
static uint64_t take_body(pass *p, insp_addr body)
{
    insp_heap *h = p->h;
    insp_addr start;
    uint32_t n = insp_pools_number(&h->pools, body, &start);
    if (n != INSP_NONE && !h->kind.at[n])
        h->kind.at[n] = INSP_K_BODY;
    if (n == INSP_NONE && p->src < h->n_pooled)
        p->failed = p->failed || !insp_addrs_push(&h->bodies, body);
    return block_bytes(h, body);
}

// Nodes are walked in order, so it would be the last.
static bool has_dangling(const insp_heap *h, uint32_t number)
{
    return h->dangling.len && h->dangling.at[h->dangling.len - 1] == number;
}

static void refers_to_none(pass *p, const insp_ref *ref)
{
    insp_heap *h = p->h;
    if (ref->stale)
        return;
    if (ref->kind == INSP_REF_OWNED && !has_dangling(h, p->src))
        p->failed = p->failed || !insp_u32s_push(&h->dangling, p->src);
    if (ref->kind != INSP_REF_BORROWED)
        insp_found(h->py->findings, "reference", ref->slot,
                   "the slot at 0x%" PRIx64 " refers to 0x%" PRIx64 ", where no object is",
                   ref->slot, ref->target);
}

// What a guess leads to has to have a refcount: no pointer, and no more than memory has words.
static bool may_admit(insp_heap *h, const insp_ref *ref)
{
    if (!ref->guessed)
        return true;
    bool ok = true;
    int64_t count = 0;
    uint64_t word = insp_space_u64(h->py->space, ref->target, &ok);
    if (!ok || insp_heap_is_pointer(h, word))
        return false;
    return !insp_refcount(&h->decoder.r, h->py, ref->target, &count) ||
           (count > 0 && (uint64_t)count <= h->memory / 8);
}

static void take(pass *p, const insp_ref *ref)
{
    insp_heap *h = p->h;
    if (ref->form == INSP_FORM_BODY) {
        p->body += p->store ? take_body(p, ref->target) : 0;
        return;
    }
    uint32_t dst = insp_heap_number(h, ref->target);
    if (dst == INSP_NONE && may_admit(h, ref)) {
        dst = insp_heap_admit(h, ref->target);
        p->late = p->late || (dst != INSP_NONE && p->store && dst < p->src);
    }
    if (!p->store || ref->kind == INSP_REF_POSSIBLE)
        return;
    if (dst == INSP_NONE) {
        refers_to_none(p, ref);
        return;
    }
    if (ref->kind == INSP_REF_OWNED && h->kind.at[dst] & INSP_K_COUNTED) {
        h->remainder.at[dst]--;
        if (ref->guessed)
            p->failed =
                p->failed ||
                !guessed_rows_push(&p->guesses,
                                   (guessed){ref->slot, dst, ref->form == INSP_FORM_STATE});
    }
    uint8_t kind = (uint8_t)(ref->kind | (ref->visited ? INSP_E_VISITED : 0));
    p->failed =
        p->failed || !insp_u32s_push(&h->to, dst) || !insp_bytes_push(&h->edge_kind, kind);
}

static void flush(insp_refs *refs)
{
    for (uint32_t i = 0; i < refs->len; i++)
        take(refs->ctx, &refs->at[i]);
    refs->len = 0;
}

// The keys of a shared table belong to the type that caches it (whose walk emits them), else to the first
// dict that is met with it.
static void walk_shared_keys(insp_heap *h, uint32_t number, insp_addr addr)
{
    insp_reader *r = &h->decoder.r;
    insp_addr keys = INSP_U64(r, addr, PyDictObject, ma_keys);
    insp_addr values = INSP_U64(r, addr, PyDictObject, ma_values);
    // Of an object looked at alone it is not known.
    if (!values || r->bad || !insp_heap_is_enumerated(h)) {
        r->bad = false;
        return;
    }
    uint32_t owner = insp_map_get(&h->shared_keys, keys);
    if (owner == INSP_MAP_NONE && insp_map_set(&h->shared_keys, keys, number))
        owner = number;
    if (owner == number)
        insp_walk_keys(&h->decoder, keys);
}

void insp_heap_walk(insp_heap *h, uint32_t number)
{
    enum { FEW = 1024 };
    h->decoder.looked = 0;
    h->decoder.most = number < h->spent ? h->memory / 8 : FEW;
    if (number >= h->n_objects) {
        insp_root_walk(h, number - h->n_objects);
        return;
    }
    insp_addr addr = insp_heap_addr(h, number);
    const insp_typeinfo *t = h->types.at.at[h->type.at[number]];
    insp_walk(&h->decoder, addr, t);
    if (t->kind == INSP_KIND_DICT || t->kind == INSP_KIND_ODICT)
        walk_shared_keys(h, number, addr);
}

void insp_heap_walk_all(insp_heap *h, uint32_t number, void (*each)(insp_refs *), void *ctx)
{
    insp_refs refs;
    refs.len = 0;
    refs.flush = each;
    refs.ctx = ctx;
    h->decoder.refs = &refs;
    h->decoder.all = true;
    insp_heap_walk(h, number);
    each(&refs);
    h->decoder.refs = NULL;
}

static insp_tally *tally_of(insp_heap *h, uint32_t type)
{
    static const insp_tally none;
    while (h->by_type.len <= type) {
        if (!insp_tallies_push(&h->by_type, none))
            return NULL;
    }
    return &h->by_type.at[type];
}

// Start of the block an object lies in: in front of it stand its gc head, its pre-header, and what
// debug hooks put there.
static insp_addr block_start(const insp_heap *h, uint32_t number, insp_addr addr,
                             const insp_typeinfo *t)
{
    insp_addr start = addr;
    if (h->kind.at[number] & INSP_K_GC_MASK)
        start -= (uint32_t)INSP_OFF(&h->py->layout, PyGC_Head, sizeof) + t->preheader;
    return start;
}

static bool count_object(pass *p, insp_addr addr)
{
    insp_heap *h = p->h;
    uint32_t type = h->type.at[p->src];
    insp_tally *tally = tally_of(h, type);
    if (!tally)
        return false;
    bool known;
    const insp_typeinfo *t = h->types.at.at[type];
    uint64_t bytes = p->body + block_bytes(h, block_start(h, p->src, addr, t));
    h->owned_bytes.at[p->src] = bytes < INSP_NONE ? (uint32_t)bytes : INSP_NONE;
    int64_t size = insp_object_size(h, addr, t, &known);
    tally->count++;
    tally->bytes += bytes;
    tally->size += known ? (uint64_t)size : bytes;
    h->objects++;
    h->bytes += bytes;
    h->size += known ? (uint64_t)size : bytes;
    return true;
}

static insp_status step(pass *p, uint32_t number, insp_error *err)
{
    insp_heap *h = p->h;
    p->src = number;
    p->body = 0;
    bool object = number < h->n_objects;
    if (!insp_u64s_push(&h->off, h->to.len) ||
        (object && !insp_u32s_push(&h->owned_bytes, INSP_NONE)))
        return insp_nomem(err);
    if (object && !(h->kind.at[number] & INSP_K_OBJECT))
        return INSP_OK;
    insp_heap_walk(h, number);
    // No word of memory is the slot of two objects, so all of them together have no more slots than
    // there are words. Once that many were looked at, lengths are lies.
    p->looked += h->decoder.looked;
    if (h->spent == INSP_NONE && p->looked >= h->memory / 8)
        h->spent = number + 1;
    flush(h->decoder.refs);
    if (object && !count_object(p, insp_heap_addr(h, number)))
        return insp_nomem(err);
    if (p->failed || h->types.failed)
        return insp_nomem(err);
    if (number % 65536 == 0)
        return insp_watch_step(&h->watch, number, h->n_objects, h->objects, err);
    return INSP_OK;
}

// Types say whose shared keys are; what they cache is theirs before any dict can claim it. A static type that
// PyType_Ready was not called for is nobody's subclass: only its instances lead to it. `from`: the first type
// that was not met the last time.
static bool claim_cached_keys(insp_heap *h, size_t *from)
{
    for (; *from < h->types.at.len; ++*from) {
        const insp_typeinfo *t = h->types.at.at[*from];
        uint32_t n = insp_heap_admit(h, t->addr);
        if (n != INSP_NONE && t->cached_keys &&
            !insp_map_set(&h->shared_keys, t->cached_keys, n))
            return false;
    }
    return true;
}

// n_objects grows while this runs: by what references lead to, and by types that only these objects have.
static insp_status walk_objects(pass *p, insp_error *err)
{
    insp_heap *h = p->h;
    insp_status st = INSP_OK;
    for (uint32_t n = 0; !st && n < h->n_objects; n++) {
        st = step(p, n, err);
        if (!st && n + 1 == h->n_objects && !claim_cached_keys(h, &p->types))
            st = insp_nomem(err);
    }
    return st;
}

static insp_status walk_roots(pass *p, insp_error *err)
{
    insp_status st = INSP_OK;
    for (uint32_t i = 0; !st && i < p->h->roots.len; i++)
        st = step(p, p->h->n_objects + i, err);
    return st;
}

static insp_status run(pass *p, insp_error *err)
{
    insp_heap *h = p->h;
    // Several for every word of memory, and a second's worth for small targets.
    const uint64_t plenty = 100000000;
    insp_decoder *d = &h->decoder;
    p->looked = 0;
    h->spent = INSP_NONE;
    d->most_instructions = insp_machine_instructions(d->machine) + h->memory + plenty;
    insp_release_allow(&d->release, h->memory + plenty);
    insp_status st = walk_objects(p, err);
    if (!st)
        st = insp_static_root(h, err);
    if (!st)
        st = walk_roots(p, err);
    if (!st && !insp_u64s_push(&h->off, h->to.len))
        st = insp_nomem(err);
    d->most_instructions = UINT64_MAX;
    insp_release_allow(&d->release, UINT64_MAX);
    h->n_nodes = h->n_objects + (uint32_t)h->roots.len;
    return st;
}

static void withdraw(pass *p, bool of_state)
{
    insp_heap *h = p->h;
    for (size_t i = 0; i < p->guesses.len; i++) {
        const guessed *g = &p->guesses.at[i];
        if (h->remainder.at[g->dst] >= 0 || g->of_state != of_state)
            continue;
        p->failed = p->failed || !insp_map_set(&h->withdrawn, g->slot, g->dst);
        p->late = true;
        h->remainder.at[g->dst]++;
    }
}

// Where more owners were found than there are references, guesses are wrong before a count is; those first that lie in
// the state of a module, which keeps many a pointer for speed. What is left over is to be walked again.
static bool is_whole(pass *p)
{
    withdraw(p, true);
    withdraw(p, false);
    return !p->late;
}

// As if nothing had been walked; what has become known stays known.
static void start_again(pass *p)
{
    insp_heap *h = p->h;
    h->dangling.len = p->guesses.len = 0;
    h->bodies.len = h->off.len = h->to.len = h->edge_kind.len = h->by_type.len =
        h->owned_bytes.len = 0;
    h->objects = h->size = h->bytes = h->malloc_bytes = 0;
    p->late = false;
    insp_findings_cut(h->py->findings, h->found);
    while (h->roots.len && h->roots.at[h->roots.len - 1].module != INSP_NONE)
        h->roots.len--;
    for (uint32_t n = 0; n < h->n_objects; n++) {
        int64_t count;
        if (h->kind.at[n] & INSP_K_COUNTED &&
            insp_refcount(&h->decoder.r, h->py, insp_heap_addr(h, n), &count))
            h->remainder.at[n] = count > INT32_MAX ? INT32_MAX : (int32_t)count;
    }
}

static insp_status run_until_whole(pass *p, insp_error *err)
{
    enum { TRIES = 4 };
    insp_heap *h = p->h;
    // First only to meet what nobody but a root refers to; n_objects moves under the roots' numbers,
    // which therefore are not stored yet.
    h->decoder.looked = 0;
    for (uint32_t i = 0; i < h->roots.len; i++) {
        insp_root_walk(h, i);
        flush(h->decoder.refs);
    }
    p->store = true;
    insp_status st = run(p, err);
    for (int i = 1; !st && i < TRIES && !is_whole(p); i++) {
        start_again(p);
        st = run(p, err);
    }
    return st;
}

insp_status insp_heap_references(insp_heap *h, insp_error *err)
{
    pass p = {.h = h};
    if (h->off.len) {
        start_again(&p);
        h->roots.len = 0;
    } else {
        h->found = (insp_findings_mark){h->py->findings->rows.len, h->py->findings->left_out};
    }
    insp_status st =
        claim_cached_keys(h, &p.types) ? insp_roots_collect(h, err) : insp_nomem(err);
    insp_refs *refs = st ? NULL : malloc(sizeof(*refs));
    if (!refs)
        return st ? st : insp_nomem(err);
    refs->len = 0;
    refs->flush = flush;
    refs->ctx = &p;
    h->decoder.refs = refs;
    h->decoder.all = true;
    st = run_until_whole(&p, err);
    h->decoder.refs = NULL;
    guessed_rows_deinit(&p.guesses);
    free(refs);
    return st;
}

static void add_bodies(insp_refs *refs)
{
    pass *p = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        if (refs->at[i].form == INSP_FORM_BODY)
            p->body += block_bytes(p->h, refs->at[i].target);
    }
    refs->len = 0;
}

static uint64_t walk_bodies(insp_heap *h, uint32_t number)
{
    pass p = {.h = h};
    insp_refs refs;
    refs.len = 0;
    refs.flush = add_bodies;
    refs.ctx = &p;
    insp_refs *before = h->decoder.refs;
    uint64_t malloc_bytes = h->malloc_bytes;
    h->decoder.refs = &refs;
    insp_heap_walk(h, number);
    add_bodies(&refs);
    h->decoder.refs = before;
    h->malloc_bytes = malloc_bytes;
    return p.body;
}

uint64_t insp_object_bytes(insp_heap *h, uint32_t number, insp_addr *block,
                           uint64_t *block_size)
{
    insp_addr addr = insp_heap_addr(h, number);
    uint64_t malloc_bytes = h->malloc_bytes;
    *block = block_start(h, number, addr, h->types.at.at[h->type.at[number]]);
    *block_size = block_bytes(h, *block);
    h->malloc_bytes = malloc_bytes;
    uint32_t known = number < h->owned_bytes.len ? h->owned_bytes.at[number] : INSP_NONE;
    return known == INSP_NONE ? walk_bodies(h, number) + *block_size : known;
}
