// SPDX-License-Identifier: MIT
#include "native.h"

#include <stdlib.h>
#include <string.h>

#include "stale.h"

/** A search in progress. */
typedef struct search {
    insp_heap *h;
    insp_native *out;
    insp_map decoded;      // words in module data that a walk has read as a slot
    insp_map doubtful;     // slots of frames that may be stale, wherever they lie
    insp_range_vec blocks; // of objects, outside pools and modules, and what is stale; joined
    insp_range state;      // of the module being looked at
    insp_map stacks;       // start of a mapping -> how much of its end was searched, in words
    uint32_t where;
    uint8_t place;
    bool failed;
} search;

// The range that starts last at or before addr holds it, or none does.
static bool is_owned(const search *s, insp_addr addr)
{
    size_t low = 0, high = s->blocks.len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (s->blocks.at[mid].start <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    return low && addr < s->blocks.at[low - 1].end;
}

// The object whose text begins at an address. C code keeps a str or bytes alive and the pointer that
// PyUnicode_AsUTF8 or PyBytes_AS_STRING gave, such as the docstrings of numpy.
static uint32_t text_at(const insp_heap *h, insp_addr word)
{
    const insp_layout *l = &h->py->layout;
    const struct {
        insp_kind kind;
        int32_t offset;
    } rows[] = {{INSP_KIND_STR, INSP_OFF(l, PyASCIIObject, sizeof)},
                {INSP_KIND_BYTES, INSP_OFF(l, PyBytesObject, ob_sval)}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t n = insp_heap_number(h, word - (uint32_t)rows[i].offset);
        if (n != INSP_NONE && n < h->n_objects &&
            h->types.at.at[h->type.at[n]]->kind == rows[i].kind)
            return n;
    }
    return INSP_NONE;
}

static void look_at(search *s, insp_addr word, insp_addr addr)
{
    if (word < 4096 || word & 7)
        return;
    uint32_t n = insp_heap_number(s->h, word);
    if (n == INSP_NONE)
        n = text_at(s->h, word);
    if (n == INSP_NONE || n >= s->h->n_objects || s->h->remainder.at[n] <= 0 ||
        !(s->h->kind.at[n] & INSP_K_COUNTED) ||
        insp_map_get(&s->decoded, addr) != INSP_MAP_NONE ||
        ((s->place == INSP_NATIVE_MALLOC || s->place == INSP_NATIVE_DATA) &&
         is_owned(s, addr) && insp_map_get(&s->doubtful, addr) == INSP_MAP_NONE))
        return;
    insp_native_word w = {.object = n, .where = s->where, .addr = addr, .place = s->place};
    s->failed = s->failed || !insp_native_words_push(&s->out->words, w);
}

// First multiple of 8 at or after addr.
static insp_addr aligned(insp_addr addr)
{
    return (addr + 7) & ~UINT64_C(7);
}

static void scan_range(search *s, insp_addr start, insp_addr end)
{
    insp_reader r = insp_reader_of(s->h->py->space, &s->h->py->layout);
    insp_addr a = aligned(start);
    while (a < end && end - a >= 8) {
        const insp_segment *seg = insp_space_next(s->h->py->space, a);
        if (!seg || seg->start >= end) {
            s->out->unreadable += end - a;
            return;
        }
        if (seg->start > a) {
            s->out->unreadable += seg->start - a;
            a = aligned(seg->start);
        }
        insp_addr stop = seg->end < end ? seg->end : end;
        for (; a < stop && stop - a >= 8; a += 8)
            look_at(s, insp_u64(&r, a), a);
        // A core that was cut may end inside a word.
        a = a < stop ? aligned(stop) : a;
    }
}

// Writable sections of a module; where its file is not here, its writable mappings.
static void scan_module(search *s, const insp_image *image)
{
    for (size_t i = 0; i < image->sections.len; i++) {
        const insp_section *section = &image->sections.at[i];
        if (section->flags & INSP_SEG_WRITE)
            scan_range(s, section->start, section->end);
    }
    if (image->sections.len)
        return;
    for (const insp_segment *seg = insp_space_next(s->h->py->space, image->start);
         seg && seg->start < image->end; seg = insp_space_next(s->h->py->space, seg->end)) {
        if (seg->flags & INSP_SEG_WRITE)
            scan_range(s, seg->start, seg->end < image->end ? seg->end : image->end);
    }
}

// From the stack pointer to the end of its mapping, at most as much as a stack can be.
static void scan_thread(search *s, const insp_thread_regs *t)
{
    enum { MOST = 64 << 20 };
    insp_addr sp = insp_thread_sp(t);
    s->place = INSP_NATIVE_REGISTER;
    for (uint32_t i = 0; i < t->n_regs; i++)
        look_at(s, t->regs[i], i);
    const insp_segment *seg = insp_space_find(s->h->py->space, sp);
    if (!seg)
        return;
    insp_addr end = seg->end - sp > MOST ? sp + MOST : seg->end;
    // Two threads have no stack in common; notes that say so would have it searched for each.
    uint32_t before = insp_map_get(&s->stacks, seg->start);
    if (before != INSP_MAP_NONE && seg->end - (insp_addr)before * 8 < end)
        end = seg->end - (insp_addr)before * 8;
    if (sp >= end)
        return;
    s->failed =
        s->failed || !insp_map_set(&s->stacks, seg->start, (uint32_t)((seg->end - sp) / 8));
    s->place = INSP_NATIVE_STACK;
    scan_range(s, sp, end);
}

static void add_block(search *s, insp_addr start, uint64_t size)
{
    insp_range range = {start, start + size};
    if (size)
        s->failed = s->failed || !insp_range_vec_push(&s->blocks, range);
}

static void remember(insp_refs *refs)
{
    search *s = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        insp_addr unused;
        if (ref->form == INSP_FORM_BODY &&
            insp_pools_number(&s->h->pools, ref->target, &unused) == INSP_NONE)
            add_block(s, ref->target, insp_malloc_block(s->h, ref->target));
        insp_map *slots = ref->kind == INSP_REF_POSSIBLE ? &s->doubtful : &s->decoded;
        if (ref->slot)
            s->failed = s->failed || !insp_map_set(slots, ref->slot, 1);
    }
    refs->len = 0;
}

// Slots that a walk knows are no candidates: those of roots and of what lies outside pools by address,
// those in blocks of objects by the block. What objects in pools own the walk of all has kept.
static void find_decoded(search *s, insp_refs *refs)
{
    insp_heap *h = s->h;
    refs->len = 0;
    refs->flush = remember;
    refs->ctx = s;
    h->decoder.refs = refs;
    for (size_t i = 0; i < h->bodies.len; i++)
        add_block(s, h->bodies.at[i], insp_malloc_block(h, h->bodies.at[i]));
    for (uint32_t n = h->n_pooled; n < h->n_nodes; n++) {
        if (n < h->n_objects && !insp_heap_is_object(h, n))
            continue;
        insp_heap_walk(h, n);
        remember(refs);
    }
    h->decoder.refs = NULL;
    s->failed = s->failed || !insp_stale_find(h, &s->blocks);
    // What is stale may lie in a block of malloc.
    insp_ranges_join(&s->blocks);
}

static void remember_state(insp_refs *refs)
{
    search *s = refs->ctx;
    for (uint32_t i = 0; i < refs->len; i++) {
        const insp_ref *ref = &refs->at[i];
        if (ref->slot >= s->state.start && ref->slot < s->state.end &&
            ref->kind != INSP_REF_POSSIBLE)
            s->failed = s->failed || !insp_map_set(&s->decoded, ref->slot, 1);
    }
    refs->len = 0;
}

// What m_traverse visits are references; the other words may be, such as names that cannot be garbage.
static void scan_states(search *s, insp_refs *refs)
{
    insp_heap *h = s->h;
    insp_reader r = insp_reader_of(h->py->space, &h->py->layout);
    s->place = INSP_NATIVE_STATE;
    refs->flush = remember_state;
    refs->ctx = s;
    h->decoder.refs = refs;
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (!insp_heap_is_object(h, n) ||
            h->types.at.at[h->type.at[n]]->kind != INSP_KIND_MODULE)
            continue;
        insp_addr addr = insp_heap_addr(h, n);
        insp_addr start = INSP_U64(&r, addr, PyModuleObject, md_state);
        uint64_t size = start ? insp_module_state_size(&r, addr) : 0;
        r.bad = false;
        if (!size || size > h->memory)
            continue;
        s->state = (insp_range){start, start + size};
        s->where = n;
        insp_heap_walk(h, n);
        remember_state(refs);
        scan_range(s, start, start + size);
    }
    h->decoder.refs = NULL;
}

// Chunks of glibc's heap stand one behind the other, each with its size in front.
static uint64_t count_chunks(const search *s, const insp_segment *seg)
{
    insp_reader r = insp_reader_of(s->h->py->space, &s->h->py->layout);
    uint64_t n = 0;
    for (insp_addr at = seg->start; seg->end - at >= 16; n++) {
        uint64_t size = insp_u64(&r, at + 8) & ~UINT64_C(7);
        if (size < 32 || size & 15 || size > seg->end - at)
            break;
        at += size;
    }
    return n;
}

// Blocks of pymalloc that are in use, but neither an object's nor a dead one's: what C code got from PyMem_Malloc.
static void scan_pools(search *s)
{
    const insp_pools *p = &s->h->pools;
    s->place = INSP_NATIVE_MALLOC;
    s->where = 0;
    for (size_t i = 0; i < p->in_use.len; i++) {
        const insp_pool_row *row = &p->rows.at[p->in_use.at[i]];
        for (uint32_t b = 0; b < row->carved; b++) {
            if (s->h->kind.at[row->first + b])
                continue;
            insp_addr block = row->blocks + (uint64_t)b * row->size;
            scan_range(s, block, block + row->size);
            s->out->malloc_blocks++;
        }
    }
}

// Writable memory that is no module's, no stack, and no arena of pymalloc.
static void scan_malloc(search *s)
{
    const insp_space *space = s->h->py->space;
    const insp_pools *p = &s->h->pools;
    s->place = INSP_NATIVE_MALLOC;
    s->where = 0;
    for (size_t i = 0; i < space->segs.len; i++) {
        insp_segment seg = space->segs.at[i];
        // Without randomization the heap begins where the program's .bss ends, in the same mapping.
        seg.start = insp_behind_module(s->h->py, seg.start);
        if (!(seg.flags & INSP_SEG_WRITE) || seg.start >= seg.end ||
            insp_map_get(&s->stacks, seg.start) != INSP_MAP_NONE)
            continue;
        insp_addr at = seg.start;
        for (size_t a = 0; a < p->arenas.len; a++) {
            insp_addr start = p->arenas.at[a].addr;
            insp_addr end = start + s->h->py->pymalloc.arena_size;
            if (end <= at || start >= seg.end)
                continue;
            scan_range(s, at, start > at ? start : at);
            at = end;
        }
        if (at < seg.end)
            scan_range(s, at, seg.end);
        s->out->malloc_blocks += count_chunks(s, &seg);
    }
}

static int by_object(const void *a, const void *b)
{
    const insp_native_word *x = a, *y = b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

insp_status insp_native_search(insp_heap *h, const insp_thread_regs_vec *threads,
                               insp_native *out, insp_error *err)
{
    search s = {.h = h, .out = out};
    insp_refs *refs = malloc(sizeof(*refs));
    if (!refs)
        return insp_nomem(err);
    find_decoded(&s, refs);
    scan_states(&s, refs);
    free(refs);
    for (uint32_t i = 0; i < h->py->images->len; i++) {
        s.where = i;
        s.place = INSP_NATIVE_DATA;
        scan_module(&s, &h->py->images->at[i]);
    }
    for (uint32_t i = 0; threads && i < threads->len; i++) {
        s.where = i;
        scan_thread(&s, &threads->at[i]);
    }
    scan_malloc(&s);
    scan_pools(&s);
    out->modules = h->py->images->len;
    out->threads = threads ? threads->len : 0;
    insp_map_deinit(&s.decoded);
    insp_map_deinit(&s.doubtful);
    insp_map_deinit(&s.stacks);
    insp_range_vec_deinit(&s.blocks);
    if (out->words.len)
        qsort(out->words.at, out->words.len, sizeof(*out->words.at), by_object);
    return s.failed ? insp_nomem(err) : INSP_OK;
}

const char *insp_native_name(uint8_t place)
{
    static const char *const names[] = {"module data", "stack", "register", "malloc block",
                                        "module state"};
    return place < sizeof(names) / sizeof(names[0]) ? names[place] : "?";
}

void insp_native_deinit(insp_native *n)
{
    insp_native_words_deinit(&n->words);
}

const insp_native_word *insp_native_of(const insp_native *n, uint32_t object, size_t *count)
{
    size_t low = 0, high = n->words.len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (n->words.at[mid].object < object)
            low = mid + 1;
        else
            high = mid;
    }
    *count = 0;
    while (low + *count < n->words.len && n->words.at[low + *count].object == object)
        ++*count;
    return *count ? &n->words.at[low] : NULL;
}

int64_t insp_native_located(const insp_native *n, uint32_t object, int64_t remainder)
{
    size_t count;
    (void)insp_native_of(n, object, &count);
    return remainder < 0 ? 0 : (int64_t)count < remainder ? (int64_t)count : remainder;
}
