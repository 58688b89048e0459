// SPDX-License-Identifier: MIT
#include "cpython.h"

enum { MOST_FRAMES = UINT16_MAX, UNICODE_SUBCLASS = 28 };

// ---- _Py_hashtable_t --------------------------------------------------------------------------

// Tables grow when they are half full, so no sound one has more entries than buckets.
bool insp_hashtable_begin(insp_reader *r, insp_addr table, insp_hashtable_walk *w)
{
    enum { LEAST = 16 };
    const uint64_t most = UINT64_C(1) << 40;
    *w = (insp_hashtable_walk){.n_buckets = INSP_U64(r, table, _Py_hashtable_t, nbuckets),
                               .left = INSP_U64(r, table, _Py_hashtable_t, nentries),
                               .buckets = INSP_U64(r, table, _Py_hashtable_t, buckets)};
    bool sound = !r->bad && w->n_buckets >= LEAST && w->n_buckets <= most &&
                 !(w->n_buckets & (w->n_buckets - 1)) && w->left <= w->n_buckets &&
                 w->buckets && !(w->buckets & 7);
    r->bad = false;
    return sound;
}

bool insp_hashtable_next(insp_reader *r, insp_hashtable_walk *w)
{
    if (!w->left)
        return false;
    if (w->entry)
        w->entry = insp_u64(r, w->entry);
    while (!w->entry && w->bucket < w->n_buckets && !r->bad)
        w->entry = insp_u64(r, w->buckets + 8 * w->bucket++);
    w->left--;
    bool there = w->entry && !r->bad;
    r->bad = false;
    return there;
}

// In 3.8 the key stands in the entry itself, behind its head.
insp_addr insp_hashtable_key(insp_reader *r, insp_addr entry, insp_addr *slot)
{
    int32_t key = INSP_OFF(r->layout, _Py_hashtable_entry_t, key);
    if (key < 0)
        key = INSP_OFF(r->layout, _Py_hashtable_entry_t, sizeof);
    *slot = entry + (uint32_t)key;
    return insp_u64(r, *slot);
}

// And the value behind the key, which is larger where tracemalloc has met a second domain.
static insp_addr value_of(insp_reader *r, insp_addr table, insp_addr entry)
{
    if (INSP_OFF(r->layout, _Py_hashtable_entry_t, value) >= 0)
        return INSP_U64(r, entry, _Py_hashtable_entry_t, value);
    return entry + (uint32_t)INSP_OFF(r->layout, _Py_hashtable_entry_t, sizeof) +
           INSP_U64(r, table, _Py_hashtable_t, key_size);
}

// ---- traces -----------------------------------------------------------------------------------

// _Py_HashPointer: blocks are aligned, so the low bits come last.
static uint64_t hash_of(insp_addr block)
{
    return block >> 4 | block << 60;
}

static bool read_trace(insp_reader *r, insp_addr at, insp_trace *out)
{
    bool narrow = INSP_OFF(r->layout, tracemalloc_traceback, total_nframe) >= 0;
    out->size = INSP_U64(r, at, tracemalloc_trace, size);
    out->traceback = INSP_U64(r, at, tracemalloc_trace, traceback);
    // Up to 3.8 an int, and no count of all; since 3.9 two of 16 bits.
    uint32_t counts = INSP_U32(r, out->traceback, tracemalloc_traceback, nframe);
    out->n_frames = narrow ? counts & UINT16_MAX : counts;
    out->n_all = narrow ? counts >> 16 : counts;
    bool sound = !r->bad && out->n_frames <= MOST_FRAMES && out->n_all >= out->n_frames;
    r->bad = false;
    return sound;
}

bool insp_trace_of(insp_reader *r, const insp_tracemalloc *tm, insp_addr block, insp_trace *out)
{
    enum { LONGEST = 4096 };
    insp_hashtable_walk w;
    if (!tm->traces || !insp_hashtable_begin(r, tm->traces, &w))
        return false;
    insp_addr slot, entry = insp_u64(r, w.buckets + 8 * (hash_of(block) & (w.n_buckets - 1)));
    for (int i = 0; i < LONGEST && entry && !r->bad; i++) {
        if (insp_hashtable_key(r, entry, &slot) == block)
            return read_trace(r, value_of(r, tm->traces, entry), out);
        entry = insp_u64(r, entry);
    }
    r->bad = false;
    return false;
}

bool insp_trace_frame_at(insp_reader *r, const insp_trace *trace, uint32_t i,
                         insp_trace_frame *out)
{
    uint32_t step = (uint32_t)INSP_OFF(r->layout, tracemalloc_frame, sizeof);
    insp_addr at = trace->traceback +
                   (uint32_t)INSP_OFF(r->layout, tracemalloc_traceback, frames) +
                   (insp_addr)i * step;
    *out = (insp_trace_frame){INSP_U64(r, at, tracemalloc_frame, filename),
                              INSP_U32(r, at, tracemalloc_frame, lineno)};
    bool ok = i < trace->n_frames && !r->bad;
    r->bad = false;
    return ok;
}

// ---- the tables -------------------------------------------------------------------------------

static bool is_str(insp_cpython *py, insp_reader *r, insp_addr object)
{
    bool is = object && !(object & 7) && insp_type_has_bit(py, r, object, UNICODE_SUBCLASS);
    r->bad = false;
    return is;
}

static bool is_text(insp_cpython *py, insp_addr addr)
{
    char text[8];
    int n = addr ? insp_space_text(py->space, addr, text, sizeof(text)) : -1;
    return n > 0 && (unsigned char)text[0] >= ' ';
}

static bool is_traces(insp_cpython *py, insp_reader *r, insp_addr table, insp_addr entry)
{
    insp_trace trace;
    insp_trace_frame frame;
    insp_addr slot, key = insp_hashtable_key(r, entry, &slot);
    bool hashed = INSP_U64(r, entry, _Py_hashtable_entry_t, key_hash) == hash_of(key);
    return hashed && read_trace(r, value_of(r, table, entry), &trace) &&
           insp_trace_frame_at(r, &trace, 0, &frame) &&
           (py->tracemalloc.c_names ? is_text(py, frame.filename)
                                    : is_str(py, r, frame.filename));
}

static bool is_filenames(insp_cpython *py, insp_reader *r, insp_addr entry)
{
    insp_addr slot, key = insp_hashtable_key(r, entry, &slot);
    return is_str(py, r, key) && INSP_U64(r, key, PyASCIIObject, hash) ==
                                     INSP_U64(r, entry, _Py_hashtable_entry_t, key_hash);
}

// The first entries say what a table is of. A table shrinks before nine tenths of it are empty, so there are
// some among its first buckets.
static void look(insp_cpython *py, insp_reader *r, insp_addr table)
{
    enum { SAMPLE = 8, BUCKETS = 1024 };
    insp_tracemalloc *tm = &py->tracemalloc;
    uint32_t seen = 0, traces = 0, names = 0;
    insp_hashtable_walk w;
    if (!insp_hashtable_begin(r, table, &w))
        return;
    if (w.n_buckets > BUCKETS)
        w.n_buckets = BUCKETS;
    for (; seen < SAMPLE && insp_hashtable_next(r, &w); seen++) {
        traces += is_traces(py, r, table, w.entry);
        names += is_filenames(py, r, w.entry);
        r->bad = false;
    }
    if (seen && traces == seen && !tm->traces)
        tm->traces = table;
    else if (seen && names == seen && !tm->filenames)
        tm->filenames = table;
}

// Up to 3.11 they hang on static variables.
static void search(insp_cpython *py, insp_reader *r)
{
    const insp_segment *seg = NULL;
    while ((seg = insp_data_next(py, seg)) != NULL) {
        for (insp_addr at = (seg->start + 7) & ~UINT64_C(7); at + 8 <= seg->end; at += 8) {
            insp_addr word = insp_u64(r, at);
            if (word > UINT16_MAX && !(word & 15))
                look(py, r, word);
            r->bad = false;
        }
    }
}

void insp_tracemalloc_find(insp_cpython *py)
{
    insp_reader r = insp_reader_of(py->space, &py->layout);
    if (INSP_OFF(&py->layout, _Py_hashtable_t, buckets) < 0)
        return;
    py->tracemalloc.c_names = py->layout.flavour->trace_names_c;
    if (INSP_OFF(&py->layout, PyRuntimeState, tracemalloc_traces) < 0) {
        search(py, &r);
    } else if (INSP_U32(&r, py->runtime, PyRuntimeState, tracemalloc_tracing) && !r.bad) {
        look(py, &r, INSP_U64(&r, py->runtime, PyRuntimeState, tracemalloc_traces));
        look(py, &r, INSP_U64(&r, py->runtime, PyRuntimeState, tracemalloc_filenames));
    }
}
