// SPDX-License-Identifier: MIT
/**
 * @file
 * mimalloc's segments and pages (Objects/mimalloc, 2.1 and 2.5), which hold the objects of free-threaded
 * builds: their pages become rows of insp_pools.
 *
 * A segment begins at a multiple of 32 MiB and says itself how it is divided, so all of them are found in
 * memory, those of threads that have ended too; no list of heaps has to be followed. Its slices of 64 KiB
 * make pages of blocks of one size; a page knows which of CPython's heaps it belongs to
 * (Include/internal/pycore_mimalloc.h), and so whether its blocks are objects.
 */
#include "pools.h"

enum { SLICE_BITS = 16, SEGMENT_BITS = 25, SLICES = 512, USES = 4 };

static const uint64_t segment_size = UINT64_C(1) << SEGMENT_BITS;

/** What is at hand while segments are read. */
typedef struct reading {
    insp_pools *p;
    const insp_cpython *py;
    insp_reader r;
    uint64_t most; // blocks: as many as there is memory for
} reading;

/** One segment, as its head tells. */
typedef struct segment {
    insp_addr addr, slices;
    uint64_t head, n; // slices that the head takes up, and all
    uint64_t size;    // bytes
} segment;

static uint32_t slice_count(reading *rd, const segment *s, uint64_t i)
{
    uint32_t step = (uint32_t)INSP_OFF(&rd->py->layout, mi_page, sizeof);
    return INSP_U32(&rd->r, s->slices + i * step, mi_page, slice_count);
}

// A segment's pages and free spans follow one another and end where it does; nothing else does so by chance.
static bool is_divided(reading *rd, const segment *s)
{
    uint64_t i = 0;
    if (slice_count(rd, s, 0) != s->head)
        return false;
    while (i < s->n && !rd->r.bad) {
        uint32_t n = slice_count(rd, s, i);
        if (!n)
            return false;
        i += n;
    }
    return i == s->n && !rd->r.bad;
}

static bool look(reading *rd, insp_addr addr, segment *s)
{
    enum { KINDS = 2 }; // normal, huge
    uint64_t all = INSP_U64(&rd->r, addr, mi_segment, segment_slices);
    *s = (segment){.addr = addr, .size = all << SLICE_BITS};
    s->head = INSP_U64(&rd->r, addr, mi_segment, segment_info_slices);
    s->n = INSP_U64(&rd->r, addr, mi_segment, slice_entries);
    s->slices = addr + (uint32_t)INSP_OFF(&rd->py->layout, mi_segment, slices);
    bool plausible = !rd->r.bad && s->head && s->head < s->n && s->n <= SLICES && s->n <= all &&
                     all >> (INSP_ADDRESS_BITS - SLICE_BITS) == 0 &&
                     INSP_U32(&rd->r, addr, mi_segment, kind) < KINDS;
    bool sound = plausible && is_divided(rd, s);
    rd->r.bad = false;
    return sound;
}

// Which of CPython's heaps: a byte of its own since 2.5, four bits behind three flags before that.
static uint32_t use_of(reading *rd, insp_addr page)
{
    enum { FLAGS = 3, TAG_MASK = 15 };
    if (INSP_OFF(&rd->py->layout, mi_page, heap_tag) >= 0)
        return INSP_U8(&rd->r, page, mi_page, heap_tag) + 1u;
    uint32_t at = (uint32_t)INSP_OFF(&rd->py->layout, mi_page, slice_offset) + 4;
    return (insp_u8(&rd->r, page + at) >> FLAGS & TAG_MASK) + 1u;
}

// Each thread has heaps of its own, inside its _PyThreadStateImpl, and a page knows its heap (mi_page_t.xheap, behind
// xthread_free). That of a thread that has ended belongs to nobody until somebody takes it; it is the main
// interpreter's then, more likely than that of one that ends with its threads.
static uint32_t interp_of(reading *rd, insp_addr page)
{
    enum { STATE_BYTES = 1 << 16 };
    uint32_t at = (uint32_t)INSP_OFF(&rd->py->layout, mi_page, xthread_free) + 8;
    insp_addr heap = insp_u64(&rd->r, page + at);
    rd->r.bad = false;
    const insp_tstate *owner = NULL;
    for (size_t i = 0; i < rd->py->threads.len; i++) {
        const insp_tstate *ts = &rd->py->threads.at[i];
        if (ts->addr <= heap && heap - ts->addr < STATE_BYTES &&
            (!owner || ts->addr > owner->addr))
            owner = ts;
    }
    return owner ? owner->interp : 0;
}

// The size of a block; 0 for a span that is no page. What is above 2 GiB is one block of all slices.
static uint64_t block_size(reading *rd, insp_addr page, uint64_t bytes)
{
    const uint64_t huge = UINT64_C(1) << 31;
    bool wide = INSP_OFF(&rd->py->layout, mi_page, block_size_size) == 8;
    uint64_t size = wide ? INSP_U64(&rd->r, page, mi_page, block_size)
                         : INSP_U32(&rd->r, page, mi_page, block_size);
    if (!wide && size >= huge)
        return bytes;
    // Marks of spans that are free, or abandoned: no page has such blocks.
    return size < 8 || size > bytes ? 0 : size;
}

// Where blocks begin. Before 2.5 (_mi_segment_page_start_from_slice) by the block's size.
static insp_addr first_block(reading *rd, insp_addr page, insp_addr start, uint64_t size)
{
    enum { SMALL = 64, MEDIUM = 512 };
    if (INSP_OFF(&rd->py->layout, mi_page, page_start) >= 0)
        return INSP_U64(&rd->r, page, mi_page, page_start);
    return start + (size <= SMALL ? 3 * size : size <= MEDIUM ? size : 0);
}

// A page has three lists of free blocks: its own, what its thread freed since, what others freed; that
// one's lowest bits say how. *counted is how many of them the page itself counts as free: the others' are not.
static uint32_t free_blocks(reading *rd, const insp_pool_row *row, insp_addr page,
                            uint32_t *counted)
{
    static const insp_member lists[] = {INSP_F_mi_page_free, INSP_F_mi_page_local_free,
                                        INSP_F_mi_page_xthread_free};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        insp_addr at = insp_member_u64(&rd->r, page, lists[i]) & ~UINT64_C(3);
        if (lists[i] == INSP_F_mi_page_xthread_free)
            *counted = n;
        while (at && n < row->carved) {
            uint64_t offset = at - row->blocks;
            if (offset >= (uint64_t)row->carved * row->size || offset % row->size) {
                insp_found(rd->py->findings, "pool-freelist", page,
                           "page 0x%" PRIx64 ": its free list leaves the page at 0x%" PRIx64,
                           row->addr, at);
                break;
            }
            if (!insp_addrs_push(&rd->p->free_blocks, at))
                return n;
            n++;
            at = insp_u64(&rd->r, at);
        }
    }
    rd->r.bad = false;
    return n;
}

static bool is_there(const reading *rd, insp_addr first, insp_addr last)
{
    const insp_segment *seg = insp_space_find(rd->py->space, first);
    return seg && last < seg->end;
}

// False where memory runs out.
static bool read_page(reading *rd, const segment *s, uint64_t i, uint32_t n)
{
    uint32_t step = (uint32_t)INSP_OFF(&rd->py->layout, mi_page, sizeof);
    insp_addr page = s->slices + i * step, start = s->addr + (i << SLICE_BITS);
    uint64_t bytes = (uint64_t)n << SLICE_BITS, size = block_size(rd, page, bytes);
    insp_pool_row row = {.addr = start, .state = INSP_POOL_USED, .places = n};
    uint32_t use = use_of(rd, page);
    uint32_t used = INSP_U32(&rd->r, page, mi_page, used) & UINT16_MAX;
    rd->p->pages_used += used != 0;
    row.carved = INSP_U32(&rd->r, page, mi_page, capacity) & UINT16_MAX;
    row.blocks = size ? first_block(rd, page, start, size) : 0;
    uint64_t end = row.blocks + row.carved * size;
    bool sound = size && size <= UINT32_MAX && !rd->r.bad && use <= USES && row.carved &&
                 row.blocks >= start && end - start <= bytes;
    rd->r.bad = false;
    // Blocks that are not here cost nothing: a head may claim more of them than there is memory for.
    if (!sound || !is_there(rd, row.blocks, end - 1) || rd->p->numbers + row.carved > rd->most)
        return true;
    row.size = (uint32_t)size;
    row.n = row.carved;
    row.use = (uint8_t)use;
    row.interp = rd->py->interps.len > 1 ? interp_of(rd, page) : 0;
    row.first = rd->p->numbers;
    rd->p->numbers += row.n;
    uint32_t counted = 0;
    row.used = row.carved - free_blocks(rd, &row, page, &counted);
    rd->p->pages_agree += used && row.carved - counted == used;
    rd->p->used_blocks += row.used;
    rd->p->used_bytes += (uint64_t)row.used * row.size;
    return insp_pool_rows_push(&rd->p->rows, row);
}

static bool read_segment(reading *rd, const segment *s)
{
    for (uint64_t i = s->head; i < s->n;) {
        uint32_t n = slice_count(rd, s, i);
        if (!read_page(rd, s, i, n))
            return false;
        i += n;
    }
    return true;
}

insp_status insp_mimalloc_read(insp_pools *p, const insp_cpython *py, insp_error *err)
{
    *p = (insp_pools){0};
    reading rd = {.p = p, .py = py, .r = insp_reader_of(py->space, &py->layout)};
    uint64_t blocks = insp_space_size(py->space) / sizeof(insp_addr);
    rd.most = blocks < INSP_NONE ? blocks : INSP_NONE - 1;
    insp_addr at = segment_size;
    const insp_segment *seg;
    while ((seg = insp_space_next(py->space, at)) != NULL) {
        if (at < seg->start)
            at = (seg->start + segment_size - 1) & ~(segment_size - 1);
        if (at >> INSP_ADDRESS_BITS || at < seg->start)
            break;
        segment s = {.size = 0};
        if (at < seg->end && seg->flags & INSP_SEG_WRITE && look(&rd, at, &s) &&
            !read_segment(&rd, &s))
            return insp_nomem(err);
        // A huge one goes on where others could begin.
        uint64_t beyond = s.size > segment_size ? s.size - 1 : segment_size - 1;
        at = (at + 1 + beyond) & ~(segment_size - 1);
    }
    return insp_pools_index(p, SLICE_BITS, err);
}
