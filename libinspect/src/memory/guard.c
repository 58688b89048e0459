// SPDX-License-Identifier: MIT
#include "guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

// The ranges, in chunks that are never freed, so that the handler can read them without a lock.
// A place with size 0 is free. `size` is set last and cleared first.
enum { CHUNK = 64 };

typedef struct place {
    _Atomic uintptr_t start;
    _Atomic size_t size;
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

static _Thread_local sigjmp_buf *volatile way_out;

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

static bool is_guarded(uintptr_t addr)
{
    for (chunk *c = &places; c; c = c->next) {
        for (size_t i = 0; i < CHUNK; i++) {
            size_t size = c->at[i].size;
            if (size > 0 && addr - c->at[i].start < size)
                return true;
        }
    }
    return false;
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
    if (way_out && info->si_code > 0 && is_guarded((uintptr_t)info->si_addr))
        siglongjmp(*way_out, 1);
    pass_on(sig, info, context);
}

static bool is_ours(const struct sigaction *a)
{
    return (a->sa_flags & SA_SIGINFO) && a->sa_sigaction == on_bus;
}

static void enter(void)
{
    (void)pthread_mutex_lock(&lock);
    if (running++ == 0 && !installed) {
        struct sigaction ours = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        (void)sigemptyset(&ours.sa_mask);
        installed = sigaction(SIGBUS, &ours, &before) == 0;
    }
    (void)pthread_mutex_unlock(&lock);
}

static void leave(void)
{
    (void)pthread_mutex_lock(&lock);
    struct sigaction now;
    // Somebody who put a handler over ours since then may call ours: it has to stay usable.
    if (--running == 0 && installed && sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now)) {
        (void)sigaction(SIGBUS, &before, NULL);
        installed = false;
    }
    (void)pthread_mutex_unlock(&lock);
}

static bool run(void (*work)(void *), void *ctx)
{
    sigjmp_buf here;
    sigjmp_buf *outer = way_out;
    // The mask is saved: SIGBUS is blocked while its handler runs.
    if (sigsetjmp(here, 1)) {
        way_out = outer;
        return false;
    }
    way_out = &here;
    work(ctx);
    way_out = outer;
    return true;
}

bool insp_guard_run(void (*work)(void *), void *ctx)
{
    sigset_t bus, mask;
    (void)sigemptyset(&bus);
    (void)sigaddset(&bus, SIGBUS);
    // A fault while its signal is blocked kills the process, whatever handler there is.
    (void)pthread_sigmask(SIG_UNBLOCK, &bus, &mask);
    enter();
    bool whole = run(work, ctx);
    leave();
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return whole;
}
