// SPDX-License-Identifier: MIT
#include "state.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    SLOTS = 2 * INSP_OVERLAY_PAGES,
    // Pages that are kept for the next call; more than that is given back.
    KEPT_PAGES = 64,
    // How far below the stack an address is still meant for it.
    BELOW_STACK = 16 * 1024 * 1024
};

// ---- the overlay ---------------------------------------------------------------------------

static size_t home(uint64_t number)
{
    return (size_t)(number * 0x9e3779b97f4a7c15u >> 40) % SLOTS;
}

// The slot of a page, or the free one where it would go.
static uint16_t *overlay_slot(insp_overlay *o, uint64_t number)
{
    size_t i = home(number);
    while (o->slots[i] && o->number[o->slots[i] - 1] != number)
        i = (i + 1) % SLOTS;
    return &o->slots[i];
}

static unsigned char *overlay_find(insp_overlay *o, uint64_t number)
{
    if (o->len == 0)
        return NULL;
    uint16_t at = *overlay_slot(o, number);
    return at ? o->bytes[at - 1] : NULL;
}

void insp_overlay_deinit(insp_overlay *o)
{
    for (size_t i = 0; i < INSP_OVERLAY_PAGES; i++)
        free(o->bytes[i]);
}

// What the target has in a page; parts that are not there are zero, and are never read.
static void copy_page(const insp_space *space, insp_addr page, unsigned char *out)
{
    insp_error err;
    if (!insp_space_read(space, page, out, INSP_PAGE, &err))
        return;
    memset(out, 0, INSP_PAGE);
    const insp_segment *seg = insp_space_next(space, page);
    while (seg && seg->start - page < INSP_PAGE) {
        insp_addr from = seg->start > page ? seg->start : page;
        insp_addr end = seg->end - page < INSP_PAGE ? seg->end : page + INSP_PAGE;
        if (insp_space_read(space, from, out + (from - page), (size_t)(end - from), &err))
            memset(out + (from - page), 0, (size_t)(end - from));
        seg = end < page + INSP_PAGE ? insp_space_next(space, end) : NULL;
    }
}

static unsigned char *overlay_add(insp_machine *m, uint64_t number, insp_addr at)
{
    insp_overlay *o = &m->overlay;
    if (o->len == m->options.max_pages)
        return insp_machine_fail(m, INSP_ERR_REFUSED, at, "writes to more than %u KiB",
                                 m->options.max_pages * (INSP_PAGE / 1024));
    unsigned char **bytes = &o->bytes[o->len];
    if (!*bytes && !(*bytes = malloc(INSP_PAGE)))
        return insp_machine_fail(m, INSP_ERR_MEMORY, 0, "not enough memory on this machine");
    copy_page(m->space, number << INSP_PAGE_SHIFT, *bytes);
    uint16_t *slot = overlay_slot(o, number);
    o->number[o->len++] = number;
    *slot = (uint16_t)o->len;
    m->seen[number % INSP_SEEN_PAGES].number = UINT64_MAX;
    return *bytes;
}

// A few slots are emptied one by one: all of them are more than most calls write.
static void empty_slots(insp_overlay *o)
{
    enum { FEW = 256 };
    if (o->len > FEW) {
        memset(o->slots, 0, sizeof(o->slots));
        return;
    }
    uint16_t *at[FEW];
    for (size_t i = 0; i < o->len; i++)
        at[i] = overlay_slot(o, o->number[i]);
    for (size_t i = 0; i < o->len; i++)
        *at[i] = 0;
}

void insp_machine_changes(insp_machine *m, insp_machine_change change, void *ctx)
{
    unsigned char before[INSP_PAGE];
    for (size_t i = 0; i < m->overlay.len; i++) {
        insp_addr page = m->overlay.number[i] << INSP_PAGE_SHIFT;
        copy_page(m->space, page, before);
        for (size_t off = 0; off < INSP_PAGE; off += 8) {
            uint64_t then, now;
            memcpy(&then, before + off, 8);
            memcpy(&now, m->overlay.bytes[i] + off, 8);
            if (then != now)
                change(ctx, page + off, then, now);
        }
    }
}

void insp_machine_clean(insp_machine *m)
{
    insp_overlay *o = &m->overlay;
    if (o->len) {
        empty_slots(o);
        for (size_t i = KEPT_PAGES; i < o->len; i++) {
            free(o->bytes[i]);
            o->bytes[i] = NULL;
        }
        o->len = 0;
        m->written.number = UINT64_MAX;
    }
    memset(m->stack + m->low, 0, (size_t)(INSP_STACK_SIZE - m->low));
    memset(m->shadow + m->low / 8, 0, (size_t)(INSP_STACK_SIZE / 8 - m->low / 8) * 8);
    m->low = INSP_STACK_SIZE;
}

// ---- reading -------------------------------------------------------------------------------

static void see(insp_machine *m, uint64_t number, const unsigned char *bytes)
{
    m->seen[number % INSP_SEEN_PAGES] = (insp_seen_page){number, bytes};
}

// The stack protector's word reads as 0 where the thread is not known; nothing else does.
static bool is_canary(const insp_machine *m, insp_addr at, size_t n)
{
    return m->thread_pointer == INSP_MACHINE_TCB && at == INSP_MACHINE_TCB + 0x28 && n <= 8;
}

static bool no_memory(insp_machine *m, insp_addr at)
{
    if (INSP_MACHINE_STACK - at <= BELOW_STACK)
        insp_machine_fail(m, INSP_ERR_REFUSED, at, "the stack is deeper than %d KiB",
                          INSP_STACK_SIZE / 1024);
    else
        insp_machine_fail(m, INSP_ERR_FAULT, at, "no memory at 0x%" PRIx64, at);
    return false;
}

static bool read_space(insp_machine *m, insp_addr at, void *out, size_t n)
{
    const void *p = insp_at(&m->cursor, at, n);
    if (p) {
        memcpy(out, p, n);
        return true;
    }
    insp_error err;
    insp_status st = insp_space_read(m->space, at, out, n, &err);
    if (st == INSP_ERR_FAULT)
        return no_memory(m, err.addr);
    if (st)
        insp_machine_fail(m, st, err.addr, "%.100s", err.message);
    return st == INSP_OK;
}

static bool read_overlaid(insp_machine *m, insp_addr at, unsigned char *out, size_t n)
{
    if (!read_space(m, at, out, n))
        return false;
    for (size_t done = 0; done < n;) {
        size_t in = (size_t)((at + done) % INSP_PAGE);
        size_t take = INSP_PAGE - in < n - done ? INSP_PAGE - in : n - done;
        const unsigned char *page = overlay_find(&m->overlay, (at + done) >> INSP_PAGE_SHIFT);
        if (page)
            memcpy(out + done, page + in, take);
        done += take;
    }
    return true;
}

bool insp_machine_load_slow(insp_machine *m, insp_addr at, void *out, size_t n)
{
    uint64_t number = at >> INSP_PAGE_SHIFT;
    size_t in = (size_t)(at % INSP_PAGE);
    if (insp_on_stack(at, n)) {
        uint64_t off = at - INSP_MACHINE_STACK;
        see(m, number, m->stack + (off - in));
        memcpy(out, m->stack + off, n);
        return true;
    }
    if (is_canary(m, at, n)) {
        memset(out, 0, n);
        return true;
    }
    if (m->written.number == number && in + n <= INSP_PAGE) {
        memcpy(out, m->written.bytes + in, n);
        return true;
    }
    if (m->overlay.len && (overlay_find(&m->overlay, number) ||
                           overlay_find(&m->overlay, (at + n - 1) >> INSP_PAGE_SHIFT)))
        return read_overlaid(m, at, out, n);
    const unsigned char *page = insp_at(&m->cursor, at - in, INSP_PAGE);
    if (page)
        see(m, number, page);
    return read_space(m, at, out, n);
}

// Are the 8 bytes at `at` what the target itself has there?
static bool is_original(insp_machine *m, insp_addr at, uint64_t now)
{
    uint64_t then = 0;
    insp_error err;
    if (m->overlay.len == 0)
        return true;
    return !insp_space_read(m->space, at, &then, 8, &err) && now == then;
}

bool insp_load_arg(insp_machine *m, insp_addr at, insp_machine_arg *out)
{
    if (insp_try_load_arg(m, at, out))
        return true;
    if (!insp_machine_load_slow(m, at, &out->value, 8))
        return false;
    out->from = is_original(m, at, out->value) ? at : 0;
    return true;
}

// ---- writing -------------------------------------------------------------------------------

// May the target write there? A write that it could not make ends the call.
static bool writable(insp_machine *m, insp_addr at, size_t n)
{
    for (insp_addr end = at + n; at != end;) {
        const insp_segment *seg = insp_space_find(m->space, at);
        if (!seg)
            return no_memory(m, at);
        if (!(seg->flags & INSP_SEG_WRITE)) {
            insp_machine_fail(m, INSP_ERR_FAULT, at, "0x%" PRIx64 " is read-only", at);
            return false;
        }
        at = end - at <= seg->end - at ? end : seg->end;
    }
    return true;
}

// Remember a page that can be read and written without a question.
static void remember_written(insp_machine *m, uint64_t number, unsigned char *bytes)
{
    insp_addr start = number << INSP_PAGE_SHIFT;
    const insp_segment *seg = insp_space_find(m->space, start);
    if (seg && seg->flags & INSP_SEG_WRITE && insp_at(&m->cursor, start, INSP_PAGE)) {
        m->written.number = number;
        m->written.bytes = bytes;
    }
}

bool insp_machine_store_slow(insp_machine *m, insp_addr at, const void *in, size_t n)
{
    uint64_t number = at >> INSP_PAGE_SHIFT;
    if (m->written.number == number && at % INSP_PAGE + n <= INSP_PAGE) {
        memcpy(m->written.bytes + at % INSP_PAGE, in, n);
        return true;
    }
    if (!writable(m, at, n))
        return false;
    const unsigned char *from = in;
    while (n > 0) {
        number = at >> INSP_PAGE_SHIFT;
        size_t off = (size_t)(at % INSP_PAGE);
        size_t take = INSP_PAGE - off < n ? INSP_PAGE - off : n;
        unsigned char *page = overlay_find(&m->overlay, number);
        if (!page && !(page = overlay_add(m, number, at)))
            return false;
        memcpy(page + off, from, take);
        remember_written(m, number, page);
        from += take;
        at += take;
        n -= take;
    }
    return true;
}

bool insp_store_arg(insp_machine *m, insp_addr at, insp_machine_arg arg)
{
    return insp_try_store_arg(m, at, arg) || insp_store(m, at, &arg.value, 8);
}
