// SPDX-License-Identifier: MIT
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// The ranges, in chunks that are never freed, so that the handler can read them without a lock.
// A place with size 0 is free. `size` is set last and cleared first.
enum { CHUNK = 64 };

typedef struct place {
    _Atomic uintptr_t start;
    _Atomic size_t size;
    atomic_bool changed;
} place;

typedef struct chunk {
    place at[CHUNK];
    struct chunk *_Atomic next;
} chunk;

static chunk places;

// Guards `running`, `installed` and `before`, and who takes a place. Not taken by the handler.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned running;
static bool installed;
static struct sigaction before;

static uintptr_t page_size; // set before the handler is there
static atomic_uint faults;

static place *find_place(uintptr_t start, bool unused)
{
    for (chunk *c = &places; c; c = c->next) {
        for (size_t i = 0; i < CHUNK; i++) {
            bool taken = c->at[i].size > 0;
            if (unused ? !taken : taken && c->at[i].start == start)
                return &c->at[i];
        }
    }
    return NULL;
}

static place *more_places(void)
{
    chunk *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    chunk *last = &places;
    while (last->next)
        last = last->next;
    last->next = c;
    return &c->at[0];
}

bool insp_guard_add(const void *start, size_t size)
{
    if (size == 0)
        return true;
    (void)pthread_mutex_lock(&lock);
    place *p = find_place(0, true);
    p = p ? p : more_places();
    if (p) {
        p->start = (uintptr_t)start;
        p->changed = false;
        p->size = size;
    }
    (void)pthread_mutex_unlock(&lock);
    return p != NULL;
}

void insp_guard_remove(const void *start)
{
    (void)pthread_mutex_lock(&lock);
    place *p = find_place((uintptr_t)start, false);
    if (p)
        p->size = 0;
    (void)pthread_mutex_unlock(&lock);
}

bool insp_guard_changed(const void *start)
{
    (void)pthread_mutex_lock(&lock);
    const place *p = find_place((uintptr_t)start, false);
    bool changed = p && p->changed;
    (void)pthread_mutex_unlock(&lock);
    return changed;
}

unsigned insp_guard_faults(void)
{
    return atomic_load(&faults);
}

static place *place_around(uintptr_t addr)
{
    for (chunk *c = &places; c; c = c->next) {
        for (size_t i = 0; i < CHUNK; i++) {
            size_t size = c->at[i].size;
            if (size > 0 && addr - c->at[i].start < size)
                return &c->at[i];
        }
    }
    return NULL;
}

// Puts zeros in the place of what vanished, up to the range's end, so that each range faults a few
// times at most. libwayland does the same for the buffers of its clients (wayland-shm.c). mmap is not
// among the functions that POSIX allows here, but it is nothing but the system call.
static bool blank(uintptr_t addr)
{
    place *p = place_around(addr);
    if (!p)
        return false;
    uintptr_t page = addr & ~(page_size - 1), end = p->start + p->size;
    p->changed = true;
    atomic_fetch_add(&faults, 1);
    int saved = errno;
    void *zeros = mmap((void *)page, end - page, PROT_READ,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    errno = saved;
    return zeros != MAP_FAILED;
}

// What would have happened without us.
static void pass_on(int sig, siginfo_t *info, void *context)
{
    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(sig, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(sig);
    } else if (info->si_code > 0 || before.sa_handler == SIG_DFL) {
        // A fault cannot be ignored. With the default action back, it happens again on return,
        // and a signal that was sent is sent once more.
        struct sigaction dfl = {.sa_handler = SIG_DFL};
        (void)sigaction(sig, &dfl, NULL);
        if (info->si_code <= 0)
            (void)raise(sig);
    }
}

static void on_bus(int sig, siginfo_t *info, void *context)
{
    if (info->si_code <= 0 || !blank((uintptr_t)info->si_addr))
        pass_on(sig, info, context);
}

static bool is_ours(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_bus;
}

insp_guard insp_guard_begin(void)
{
    insp_guard g;
    sigset_t bus;
    (void)sigemptyset(&bus);
    (void)sigaddset(&bus, SIGBUS);
    // A fault while its signal is blocked kills the process, whatever handler there is.
    (void)pthread_sigmask(SIG_UNBLOCK, &bus, &g.mask);
    (void)pthread_mutex_lock(&lock);
    if (running++ == 0 && !installed) {
        struct sigaction ours = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        (void)sigemptyset(&ours.sa_mask);
        page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
        installed = sigaction(SIGBUS, &ours, &before) == 0;
    }
    (void)pthread_mutex_unlock(&lock);
    return g;
}

void insp_guard_end(insp_guard *g)
{
    (void)pthread_mutex_lock(&lock);
    struct sigaction now;
    // Somebody who put a handler over ours since then may call ours: it has to stay usable.
    if (--running == 0 && installed && sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now)) {
        (void)sigaction(SIGBUS, &before, NULL);
        installed = false;
    }
    (void)pthread_mutex_unlock(&lock);
    (void)pthread_sigmask(SIG_SETMASK, &g->mask, NULL);
}
