// SPDX-License-Identifier: MIT
#include "demand.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum piece_state { ABSENT, WANTED, READING, READY, UNREADABLE };

// A range that was added. `state` has one of piece_state for every piece; READY is final and
// set after the bytes, so that whoever sees it may read them without the lock.
typedef struct region {
    insp_addr start, end;
    unsigned char *bytes; // of `start`, in room of room_size bytes
    void *room;
    size_t room_size;
    _Atomic uint8_t *state;
    int fd;
} region;

INSP_VEC(region_vec, region);

struct insp_demand {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    region_vec regions; // sorted by start
    insp_addrs wanted;  // where pieces start, sorted
    insp_addrs missed;  // likewise, unsorted: asked for while nobody brings
    bool cancelled;
    void (*wake)(void *);
    void *wake_ctx;
};

insp_status insp_demand_create(insp_demand **out, insp_error *err)
{
    insp_demand *d = calloc(1, sizeof(*d));
    if (!d)
        return insp_nomem(err);
    if (pthread_mutex_init(&d->lock, NULL)) {
        free(d);
        return insp_nomem(err);
    }
    if (pthread_cond_init(&d->changed, NULL)) {
        (void)pthread_mutex_destroy(&d->lock);
        free(d);
        return insp_nomem(err);
    }
    *out = d;
    return INSP_OK;
}

void insp_demand_destroy(insp_demand *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->regions.len; i++) {
        (void)munmap(d->regions.at[i].room, d->regions.at[i].room_size);
        free(d->regions.at[i].state);
    }
    region_vec_deinit(&d->regions);
    insp_addrs_deinit(&d->wanted);
    insp_addrs_deinit(&d->missed);
    (void)pthread_cond_destroy(&d->changed);
    (void)pthread_mutex_destroy(&d->lock);
    free(d);
}

static size_t first_ending_after(const insp_demand *d, insp_addr addr)
{
    size_t low = 0, high = d->regions.len;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (d->regions.at[mid].end > addr)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static region *find_region(const insp_demand *d, insp_addr addr)
{
    size_t i = first_ending_after(d, addr);
    return i < d->regions.len && d->regions.at[i].start <= addr ? &d->regions.at[i] : NULL;
}

static size_t piece_of(const region *r, insp_addr addr)
{
    return (size_t)(addr / INSP_DEMAND_PIECE - r->start / INSP_DEMAND_PIECE);
}

static insp_range piece_range(const region *r, size_t piece)
{
    insp_addr start = (r->start / INSP_DEMAND_PIECE + piece) * INSP_DEMAND_PIECE;
    insp_range range = {start > r->start ? start : r->start, r->end};
    if (r->end - start > INSP_DEMAND_PIECE)
        range.end = start + INSP_DEMAND_PIECE;
    return range;
}

// Room in this process for a range of the target: address space only, until bytes are brought.
static insp_status reserve(region *r, insp_error *err)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t skew = (size_t)(r->start & (page - 1));
    if (r->end - r->start > SIZE_MAX / 2)
        return insp_nomem(err);
    r->room_size = (size_t)(r->end - r->start) + skew;
    r->room = mmap(NULL, r->room_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->room == MAP_FAILED)
        return insp_nomem(err);
    r->bytes = (unsigned char *)r->room + skew;
    r->state = calloc(piece_of(r, r->end - 1) + 1, sizeof(*r->state));
    if (r->state)
        return INSP_OK;
    (void)munmap(r->room, r->room_size);
    return insp_nomem(err);
}

insp_status insp_demand_add(insp_demand *d, insp_space *space, insp_segment range, int fd,
                            insp_error *err)
{
    if (range.end < range.start)
        return insp_fail(err, INSP_ERR_ARGUMENT, range.start,
                         "a range that ends before it starts");
    if (range.end == range.start)
        return INSP_OK;
    size_t i = first_ending_after(d, range.start);
    if (i < d->regions.len && d->regions.at[i].start < range.end)
        return insp_fail(err, INSP_ERR_ARGUMENT, range.start,
                         "two ranges to be brought overlap at 0x%" PRIx64, range.start);
    region r = {.start = range.start, .end = range.end, .fd = fd};
    if (!region_vec_reserve(&d->regions, d->regions.len + 1))
        return insp_nomem(err);
    insp_status st = reserve(&r, err);
    if (st)
        return st;
    memmove(d->regions.at + i + 1, d->regions.at + i, (d->regions.len - i) * sizeof(r));
    d->regions.at[i] = r;
    d->regions.len++;
    range.bytes = r.bytes;
    range.demand = d;
    return insp_space_add(space, range, err);
}

static bool read_piece(const region *r, insp_range piece)
{
    insp_addr at = piece.start;
    while (at < piece.end) {
        ssize_t got =
            pread(r->fd, r->bytes + (at - r->start), (size_t)(piece.end - at), (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += (insp_addr)got;
    }
    return true;
}

// With the lock held; gives it up while it reads.
static void bring_from_fd(insp_demand *d, region *r, size_t piece)
{
    r->state[piece] = READING;
    (void)pthread_mutex_unlock(&d->lock);
    bool ok = read_piece(r, piece_range(r, piece));
    (void)pthread_mutex_lock(&d->lock);
    r->state[piece] = ok ? READY : UNREADABLE;
    (void)pthread_cond_broadcast(&d->changed);
}

static bool want(insp_demand *d, region *r, size_t piece)
{
    insp_addr start = piece_range(r, piece).start;
    if (!insp_addrs_reserve(&d->wanted, d->wanted.len + 1))
        return false;
    size_t i = d->wanted.len;
    while (i > 0 && d->wanted.at[i - 1] > start)
        i--;
    memmove(d->wanted.at + i + 1, d->wanted.at + i, (d->wanted.len - i) * sizeof(start));
    d->wanted.at[i] = start;
    d->wanted.len++;
    r->state[piece] = WANTED;
    return true;
}

// A piece is missed once for each time it is asked for: few, since whoever asks gives up soon.
static void miss(insp_demand *d, const region *r, size_t piece)
{
    enum { MOST = 4096 };
    insp_addr start = piece_range(r, piece).start;
    bool again = d->missed.len > 0 && d->missed.at[d->missed.len - 1] == start;
    if (!again && d->missed.len < MOST)
        (void)insp_addrs_push(&d->missed, start);
}

enum outcome { ALL_READY, FAILED, WAIT, LOOK_AGAIN };

// One round over pieces [first, last] with the lock held.
static enum outcome ask(insp_demand *d, region *r, size_t first, size_t last)
{
    bool ready = true, news = false;
    for (size_t p = first; p <= last; p++) {
        if (r->state[p] == ABSENT && r->fd >= 0) {
            // The lock was given up meanwhile: what was seen of the pieces before may be past.
            bring_from_fd(d, r, p);
            return LOOK_AGAIN;
        }
        if (r->state[p] == UNREADABLE)
            return FAILED;
        if (r->state[p] == ABSENT) {
            if (d->cancelled)
                miss(d, r, p);
            if (d->cancelled || !want(d, r, p))
                return FAILED;
            news = true;
        }
        ready = ready && r->state[p] == READY;
    }
    if (news && d->wake)
        d->wake(d->wake_ctx);
    return ready ? ALL_READY : WAIT;
}

static bool wait_for(insp_demand *d, region *r, size_t first, size_t last)
{
    (void)pthread_mutex_lock(&d->lock);
    enum outcome how;
    while ((how = ask(d, r, first, last)) == WAIT || how == LOOK_AGAIN) {
        if (how == WAIT)
            (void)pthread_cond_wait(&d->changed, &d->lock);
    }
    (void)pthread_mutex_unlock(&d->lock);
    return how == ALL_READY;
}

bool insp_demand_fill(insp_demand *d, insp_addr addr, size_t n)
{
    region *r = find_region(d, addr);
    if (!r || n > r->end - addr)
        return false;
    if (n == 0)
        return true;
    size_t first = piece_of(r, addr), last = piece_of(r, addr + (n - 1));
    for (size_t p = first; p <= last; p++) {
        if (atomic_load_explicit(&r->state[p], memory_order_acquire) != READY)
            return wait_for(d, r, p, last);
    }
    return true;
}

size_t insp_demand_wanted(insp_demand *d, insp_range *ranges, size_t cap)
{
    (void)pthread_mutex_lock(&d->lock);
    size_t n = 0;
    insp_range joined = {0};
    for (size_t i = 0; i < d->wanted.len; i++) {
        const region *r = find_region(d, d->wanted.at[i]);
        insp_range piece = piece_range(r, piece_of(r, d->wanted.at[i]));
        bool joins = n > 0 && joined.end == piece.start;
        joined = joins ? (insp_range){joined.start, piece.end} : piece;
        n += !joins;
        if (n <= cap)
            ranges[n - 1] = joined;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return n;
}

// Pieces that are no longer waited for leave the list.
static void forget_brought(insp_demand *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->wanted.len; i++) {
        const region *r = find_region(d, d->wanted.at[i]);
        if (r->state[piece_of(r, d->wanted.at[i])] == WANTED)
            d->wanted.at[kept++] = d->wanted.at[i];
    }
    d->wanted.len = kept;
}

static void bring(region *r, size_t piece, const unsigned char *bytes)
{
    if (r->state[piece] == READY || r->state[piece] == READING)
        return;
    insp_range range = piece_range(r, piece);
    if (bytes)
        memcpy(r->bytes + (range.start - r->start), bytes, (size_t)(range.end - range.start));
    atomic_store_explicit(&r->state[piece], bytes ? READY : UNREADABLE, memory_order_release);
}

insp_status insp_demand_supply(insp_demand *d, insp_range range, const void *bytes,
                               insp_error *err)
{
    insp_status st = INSP_OK;
    (void)pthread_mutex_lock(&d->lock);
    for (insp_addr at = range.start; at < range.end && !st;) {
        region *r = find_region(d, at);
        insp_range piece = r ? piece_range(r, piece_of(r, at)) : (insp_range){0};
        if (piece.start != at || piece.end > range.end) {
            st = insp_fail(err, INSP_ERR_ARGUMENT, at,
                           "0x%" PRIx64 "-0x%" PRIx64 " is not made of whole pieces",
                           range.start, range.end);
            break;
        }
        const unsigned char *from = bytes;
        bring(r, piece_of(r, at), from ? from + (at - range.start) : NULL);
        at = piece.end;
    }
    forget_brought(d);
    (void)pthread_cond_broadcast(&d->changed);
    (void)pthread_mutex_unlock(&d->lock);
    return st;
}

void insp_demand_cancel(insp_demand *d, bool cancelled)
{
    (void)pthread_mutex_lock(&d->lock);
    d->cancelled = cancelled;
    for (size_t i = 0; cancelled && i < d->wanted.len; i++) {
        region *r = find_region(d, d->wanted.at[i]);
        r->state[piece_of(r, d->wanted.at[i])] = ABSENT;
    }
    d->wanted.len = cancelled ? 0 : d->wanted.len;
    (void)pthread_cond_broadcast(&d->changed);
    (void)pthread_mutex_unlock(&d->lock);
}

bool insp_demand_missed(insp_demand *d, insp_addr *first)
{
    (void)pthread_mutex_lock(&d->lock);
    bool missed = d->missed.len > 0;
    if (missed)
        *first = d->missed.at[0];
    (void)pthread_mutex_unlock(&d->lock);
    return missed;
}

void insp_demand_forget_missed(insp_demand *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->missed.len = 0;
    (void)pthread_mutex_unlock(&d->lock);
}

void insp_demand_fetch(insp_demand *d)
{
    (void)pthread_mutex_lock(&d->lock);
    insp_addrs missed = d->missed;
    d->missed = (insp_addrs){0};
    bool news = false;
    for (size_t i = 0; i < missed.len && !d->cancelled; i++) {
        region *r = find_region(d, missed.at[i]);
        size_t piece = piece_of(r, missed.at[i]);
        news |= r->state[piece] == ABSENT && want(d, r, piece);
    }
    if (news && d->wake)
        d->wake(d->wake_ctx);
    (void)pthread_mutex_unlock(&d->lock);
    // All are asked for at once; now wait for each.
    for (size_t i = 0; i < missed.len; i++)
        (void)insp_demand_fill(d, missed.at[i], 1);
    insp_addrs_deinit(&missed);
}

void insp_demand_on_want(insp_demand *d, void (*wake)(void *), void *ctx)
{
    (void)pthread_mutex_lock(&d->lock);
    d->wake = wake;
    d->wake_ctx = ctx;
    (void)pthread_mutex_unlock(&d->lock);
}
