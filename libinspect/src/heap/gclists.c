// SPDX-License-Identifier: MIT
/**
 * @file
 * The collector's lists (Include/internal/pycore_gc.h): they say for certain what is a gc object, and
 * which generation it is in.
 */
#include "heap.h"

/** One list being walked. */
typedef struct walk {
    insp_heap *h;
    insp_reader *r;
    const insp_gc_list *list;
    insp_gc_state state;
    uint32_t interp;
    uint32_t head_size;
    bool failed;
} walk;

// Marks the object behind a gc head; false where the list is damaged there: no object, or one that was
// met before.
static bool mark(walk *w, insp_addr gc)
{
    insp_heap *h = w->h;
    uint32_t n = insp_heap_admit(h, gc + w->head_size);
    if (n == INSP_NONE || insp_heap_gc(h, n) != INSP_GC_UNTRACKED) {
        w->failed = h->types.failed;
        insp_found(h->py->findings, "gc-list", gc,
                   n == INSP_NONE ? "%s: what hangs on it at 0x%" PRIx64 " is no gc object"
                                  : "%s: comes to 0x%" PRIx64 " a second time",
                   w->list->name, gc + w->head_size);
        return false;
    }
    unsigned others = h->kind.at[n] & ~(unsigned)INSP_K_GC_MASK;
    h->kind.at[n] = (uint8_t)(others | (unsigned)w->state << INSP_K_GC_SHIFT);
    if (h->py->interps.len > 1)
        w->failed = !insp_map_set(&h->interp_of, n, w->interp);
    return !w->failed;
}

// In one direction until the head comes back; false where it breaks off. A list is no longer than the
// memory that holds it, and mark() sees to that: it refuses what it has marked already.
static bool follow(walk *w, insp_member link)
{
    insp_addr head = w->list->head, at = head;
    for (;;) {
        at = insp_member_u64(w->r, at, link) & ~UINT64_C(3);
        if (w->r->bad || at == head)
            break;
        if (!mark(w, at))
            return false;
    }
    bool closed = !w->r->bad;
    if (!closed)
        insp_found(w->h->py->findings, "gc-list", at, "%s: breaks off at 0x%" PRIx64,
                   w->list->name, at);
    w->r->bad = false;
    return closed;
}

insp_status insp_gclists_mark(insp_heap *h, insp_error *err)
{
    walk w = {.h = h, .r = &h->decoder.r};
    w.head_size = (uint32_t)INSP_OFF(&h->py->layout, PyGC_Head, sizeof);
    for (size_t i = 0; i < h->py->interps.len; i++) {
        const insp_interp *in = &h->py->interps.at[i];
        for (uint32_t k = 0; k < in->n_lists; k++) {
            w.interp = (uint32_t)i;
            w.list = &in->lists[k];
            w.state = (insp_gc_state)(INSP_GC_FIRST_LIST + k);
            // A list that breaks is entered from its other end too; in a collection _gc_prev
            // holds a count instead of a link.
            if (!follow(&w, INSP_F_PyGC_Head__gc_next) && !w.failed && !in->gc_collecting)
                (void)follow(&w, INSP_F_PyGC_Head__gc_prev);
            if (w.failed)
                return insp_nomem(err);
        }
    }
    return INSP_OK;
}
