// SPDX-License-Identifier: MIT
#include "release.h"

#include <stdlib.h>
#include <string.h>

#include "decoder.h"

enum {
    MOST_INSTRUCTIONS = 64 << 20, // an array of a million objects takes 20 million
    MOST_PAGES = 16384,
    MOST_LOWERED = 1 << 24 // what lowers a count by more is no count
};

// The death of another object is not followed: what that owns is its own. _Py_Dealloc may be part of
// its callers, so this is told by the function that is called for an object.
static bool is_death_of_another(insp_decoder *d, insp_addr called, insp_addr object)
{
    if (object == d->release.object || object < 4096 || object & 7)
        return false;
    insp_addr type = INSP_U64(&d->r, object, PyObject, ob_type);
    insp_addr dealloc = d->r.bad || !type ? 0 : INSP_U64(&d->r, type, PyTypeObject, tp_dealloc);
    bool is = !d->r.bad && dealloc == called;
    d->r.bad = false;
    return is;
}

// Nor are functions that give memory back: they return 0, and nothing has happened.
static bool answers(void *ctx, insp_addr called, const insp_machine_arg args[6],
                    uint64_t *result)
{
    insp_decoder *d = ctx;
    *result = 0;
    for (size_t i = 0; i < d->py->releasing.len; i++) {
        if (d->py->releasing.at[i] == called)
            return true;
    }
    return is_death_of_another(d, called, args[0].value);
}

static uint64_t never(void *ctx, const insp_machine_arg args[6], bool *stop)
{
    (void)ctx;
    (void)args;
    *stop = true;
    return 0;
}

static insp_machine *machine_of(insp_decoder *d)
{
    insp_release *rel = &d->release;
    insp_machine_options options = {.machine = insp_code_machine(d->py),
                                    .max_instructions = MOST_INSTRUCTIONS,
                                    .max_pages = MOST_PAGES,
                                    .thread_pointer = d->py->thread_pointer,
                                    .intercept = answers,
                                    .intercept_ctx = d};
    insp_error why;
    if (!rel->machine && !rel->failed)
        rel->failed =
            insp_machine_create(d->py->space, &options, &rel->machine, &why) != INSP_OK;
    return rel->machine;
}

void insp_release_allow(insp_release *release, uint64_t instructions)
{
    uint64_t spent = release->machine ? insp_machine_instructions(release->machine) : 0;
    release->most_instructions =
        instructions > UINT64_MAX - spent ? UINT64_MAX : spent + instructions;
}

void insp_release_deinit(insp_release *release)
{
    insp_machine_destroy(release->machine);
    insp_released_rows_deinit(&release->rows);
    insp_addrs_deinit(&release->evicted);
    release->machine = NULL;
}

// ---- what the dealloc has lowered ----

static uint32_t lowered_by(uint64_t before, uint64_t after)
{
    return before > after && before - after <= MOST_LOWERED ? (uint32_t)(before - after) : 0;
}

static insp_released_row whole_count(const insp_layout *l, insp_addr addr, uint64_t before,
                                     uint64_t after)
{
    // Pointers in free memory are no counts: those have no bit set here, not even in 3.14's ob_overflow.
    bool count = !(before >> 32 & 0xffff);
    return (insp_released_row){addr - (uint32_t)INSP_OFF(l, PyObject, ob_refcnt),
                               count ? lowered_by(before, after) : 0};
}

// Without the GIL the owner's count is the upper half of a word, and everybody else's a word with two flags below.
static insp_released_row biased_count(const insp_layout *l, insp_addr addr, uint64_t before,
                                      uint64_t after)
{
    enum { FLAG_BITS = 2 };
    if ((uint32_t)before == (uint32_t)after)
        return (insp_released_row){addr - (uint32_t)INSP_OFF(l, PyObject, ob_ref_local) + 4,
                                   lowered_by(before >> 32, after >> 32)};
    return (insp_released_row){addr - (uint32_t)INSP_OFF(l, PyObject, ob_ref_shared),
                               lowered_by(before >> FLAG_BITS, after >> FLAG_BITS)};
}

// An entry of a type cache owns its name, as long as no other one comes into its place.
static bool is_cached_name(const insp_decoder *d, insp_addr addr)
{
    const insp_layout *l = &d->py->layout;
    uint32_t step = (uint32_t)INSP_OFF(l, type_cache_entry, sizeof);
    uint32_t name = (uint32_t)INSP_OFF(l, type_cache_entry, name);
    for (uint32_t i = 0; i < d->py->interps.len; i++) {
        insp_addr cache = insp_type_cache_of(d->py, i);
        if (cache && addr - cache < (uint64_t)step * INSP_TYPE_CACHE_ENTRIES &&
            (addr - cache) % step == name)
            return true;
    }
    return false;
}

static void lowered(void *ctx, insp_addr addr, uint64_t before, uint64_t after)
{
    insp_decoder *d = ctx;
    insp_release *rel = &d->release;
    if (before && is_cached_name(d, addr)) {
        d->types->failed = d->types->failed || !insp_addrs_push(&rel->evicted, before);
        return;
    }
    bool biased = d->py->layout.flavour->count == INSP_COUNT_BIASED;
    insp_released_row row = biased ? biased_count(&d->py->layout, addr, before, after)
                                   : whole_count(&d->py->layout, addr, before, after);
    if (row.n && row.target != rel->object &&
        insp_looks_like_object(d->types, &d->r, row.target) &&
        !insp_released_rows_push(&rel->rows, row))
        d->types->failed = true;
}

static int by_target(const void *a, const void *b)
{
    const insp_released_row *x = a, *y = b;
    return x->target < y->target ? -1 : x->target > y->target;
}

// An object that dies has no references left, and its weak references go with it.
static bool interpret(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    insp_release *rel = &d->release;
    insp_machine *m = machine_of(d);
    if (!m || insp_machine_instructions(m) >= rel->most_instructions)
        return false;
    uint64_t result;
    insp_error why;
    int32_t count = INSP_OFF(&d->py->layout, PyObject, ob_refcnt);
    if (count >= 0)
        (void)insp_machine_poke(m, addr + (uint32_t)count, 0);
    // Where it cannot be followed nothing is odd: it may print, or ask the system.
    if (insp_machine_call(m, t->dealloc, &addr, 1, never, NULL, &result, &why))
        return false;
    insp_machine_changes(m, lowered, d);
    return true;
}

// ---- what of that is known ----

static insp_released_row *find(insp_release *rel, insp_addr target)
{
    insp_released_row key = {target, 0};
    insp_released_row *row =
        rel->rows.len ? bsearch(&key, rel->rows.at, rel->rows.len, sizeof(key), by_target)
                      : NULL;
    return row && row->n ? row : NULL;
}

static void forget_evicted(insp_release *rel)
{
    for (size_t i = 0; i < rel->evicted.len; i++) {
        insp_released_row *row = find(rel, rel->evicted.at[i]);
        if (row)
            row->n--;
    }
}

static void pass_on(insp_refs *tee)
{
    insp_release *rel = tee->ctx;
    for (uint32_t i = 0; i < tee->len; i++) {
        const insp_ref *ref = &tee->at[i];
        uint64_t word = (ref->slot - rel->object) / 8;
        insp_released_row *row = ref->form != INSP_FORM_BODY && ref->kind == INSP_REF_OWNED
                                     ? find(rel, ref->target)
                                     : NULL;
        if (row)
            row->n--;
        if (ref->slot >= rel->object && word < INSP_RELEASE_WORDS)
            rel->met[word / 64] |= UINT64_C(1) << (word % 64);
        insp_emit(rel->to, *ref);
    }
    tee->len = 0;
}

void insp_release_watch(insp_decoder *d, insp_addr addr)
{
    insp_release *rel = &d->release;
    rel->object = addr;
    memset(rel->met, 0, sizeof(rel->met));
    rel->to = d->refs;
    rel->tee.len = 0;
    rel->tee.flush = pass_on;
    rel->tee.ctx = rel;
    d->refs = &rel->tee;
}

void insp_release_unwatch(insp_decoder *d)
{
    pass_on(&d->release.tee);
    d->refs = d->release.to;
}

bool insp_release_begin(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    insp_release *rel = &d->release;
    rel->rows.len = rel->evicted.len = 0;
    rel->object = addr;
    if (!interpret(d, addr, t) || !rel->rows.len)
        return false;
    qsort(rel->rows.at, rel->rows.len, sizeof(*rel->rows.at), by_target);
    forget_evicted(rel);
    insp_release_watch(d, addr);
    return true;
}

// ---- where the rest is kept ----
//
// What was lowered and lies nowhere in reach was not the object's: a look-up on the way may have pushed
// something out of a cache.

static void emit_owned(insp_decoder *d, insp_released_row *row, insp_addr slot, uint8_t form,
                       uint64_t arg)
{
    row->n--;
    insp_emit(d->refs, (insp_ref){.target = row->target,
                                  .slot = slot,
                                  .arg = arg,
                                  .form = form,
                                  .kind = INSP_REF_OWNED});
}

// The object's own words that hold such a pointer and were not emitted yet.
static void in_own_words(insp_decoder *d, insp_addr addr, const insp_typeinfo *t,
                         uint64_t *left)
{
    insp_release *rel = &d->release;
    for (uint64_t off = 0; off + 8 <= (uint64_t)t->basicsize && *left; off += 8) {
        insp_released_row *row =
            insp_release_met(rel, off) ? NULL : find(rel, insp_u64(&d->r, addr + off));
        if (!row)
            continue;
        const insp_slot *slot = insp_slot_at(t, off);
        emit_owned(d, row, addr + off, slot ? INSP_FORM_NAME : INSP_FORM_OFFSET,
                   slot ? (uintptr_t)slot->name : off);
        --*left;
    }
}

// Blocks that the object's words point to: an array of objects, a structure of C's. How long they are is not
// known here, so a run of words that hold nothing ends the search.
static void in_blocks(insp_decoder *d, insp_addr addr, const insp_typeinfo *t, uint64_t *left)
{
    enum { HEADER = 16, GAP = 64, WORDS = 4096 };
    uint64_t words = WORDS + 4 * *left;
    for (uint64_t off = HEADER; off + 8 <= (uint64_t)t->basicsize && *left; off += 8) {
        insp_addr block = insp_u64(&d->r, addr + off);
        if (block < 4096 || block & 7 || insp_looks_like_object(d->types, &d->r, block))
            continue;
        uint64_t empty = 0;
        for (uint64_t i = 0; empty < GAP && *left && words; i++, words--) {
            insp_addr slot = block + i * 8;
            insp_released_row *row = find(&d->release, insp_u64(&d->r, slot));
            empty = row ? 0 : empty + 1;
            if (!row)
                continue;
            emit_owned(d, row, slot, INSP_FORM_INDEX, i);
            --*left;
        }
        d->r.bad = false;
    }
}

void insp_release_end(insp_decoder *d, insp_addr addr, const insp_typeinfo *t)
{
    insp_release *rel = &d->release;
    insp_release_unwatch(d);
    uint64_t left = 0;
    for (size_t i = 0; i < rel->rows.len; i++)
        left += rel->rows.at[i].n;
    bool bad = d->r.bad;
    d->r.bad = false;
    in_own_words(d, addr, t, &left);
    if (left)
        in_blocks(d, addr, t, &left);
    d->r.bad = bad;
}
