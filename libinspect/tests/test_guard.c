// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../src/memory/guard.h"
#include "support/asserts.h"

enum { SIZE = 64 * 1024, PAGE = 4096 };

// A file that is mapped, and then cut to nothing: every byte of it faults.
typedef struct shrunk {
    unsigned char *bytes;
    int fd;
} shrunk;

static shrunk map_file(void)
{
    char path[] = "/tmp/insp-guard-XXXXXX";
    shrunk f = {.fd = mkstemp(path)};
    ck_assert_int_ge(f.fd, 0);
    (void)unlink(path);
    unsigned char page[PAGE];
    memset(page, 7, sizeof(page));
    for (int i = 0; i < SIZE / PAGE; i++)
        ck_assert_int_eq(write(f.fd, page, sizeof(page)), sizeof(page));
    f.bytes = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, f.fd, 0);
    ck_assert_ptr_ne(f.bytes, MAP_FAILED);
    return f;
}

static void shrink(const shrunk *f)
{
    ck_assert_int_eq(ftruncate(f->fd, 0), 0);
}

static void unmap(shrunk *f)
{
    (void)munmap(f->bytes, SIZE);
    (void)close(f->fd);
}

static volatile int reached; // by the work, one after the other
static volatile int byte;    // that it read

static unsigned char load_byte(const volatile unsigned char *p)
{
    return *p;
}

// Through a pointer, so that the load begins a block of code: valgrind, which knows registers
// only there, can then go on after a handler has mended the mapping.
static unsigned char (*volatile load)(const volatile unsigned char *) = load_byte;

static void read_it(void *ctx)
{
    const shrunk *f = ctx;
    reached = 1;
    byte = load(f->bytes + SIZE / 2);
    reached = 2;
}

static void raise_nothing(void *ctx)
{
    (void)ctx;
}

// False where the file has lost bytes.
static bool guarded(void (*work)(void *), void *ctx, const shrunk *f)
{
    insp_guard g = insp_guard_begin();
    work(ctx);
    insp_guard_end(&g);
    return !insp_guard_changed(f->bytes);
}

START_TEST(work_that_meets_no_fault_is_done)
{
    shrunk f = map_file();
    ck_assert(insp_guard_add(f.bytes, SIZE));
    ck_assert(guarded(read_it, &f, &f));
    ck_assert_int_eq(reached, 2);
    insp_guard_remove(f.bytes);
    unmap(&f);
}
END_TEST

START_TEST(what_a_file_has_lost_reads_as_zeros_and_that_stays_known)
{
    shrunk f = map_file(), other = map_file();
    ck_assert(insp_guard_add(f.bytes, SIZE));
    ck_assert(insp_guard_add(other.bytes, SIZE));
    unsigned before = insp_guard_faults();
    ck_assert(guarded(read_it, &f, &f));
    ck_assert_int_eq(byte, 7);
    shrink(&f);
    for (int i = 0; i < 3; i++) {
        ck_assert(!guarded(read_it, &f, &f));
        ck_assert_int_eq(reached, 2);
        ck_assert_int_eq(byte, 0);
    }
    ck_assert_uint_eq(insp_guard_faults(), before + 1);
    ck_assert(guarded(read_it, &other, &other));
    ck_assert_int_eq(byte, 7);
    // The place is used again, by a file that is whole.
    insp_guard_remove(f.bytes);
    unmap(&f);
    f = map_file();
    ck_assert(insp_guard_add(f.bytes, SIZE));
    ck_assert(guarded(read_it, &f, &f));
    insp_guard_remove(f.bytes);
    insp_guard_remove(other.bytes);
    unmap(&f);
    unmap(&other);
}
END_TEST

START_TEST(what_is_left_of_a_file_can_still_be_read)
{
    shrunk f = map_file();
    ck_assert(insp_guard_add(f.bytes, SIZE));
    ck_assert_int_eq(ftruncate(f.fd, SIZE / 4), 0);
    ck_assert(!guarded(read_it, &f, &f));
    ck_assert_int_eq(load(f.bytes + SIZE / 4 - 1), 7);
    ck_assert_int_eq(load(f.bytes + SIZE - 1), 0);
    insp_guard_remove(f.bytes);
    unmap(&f);
}
END_TEST

static void guarded_inside(void *ctx)
{
    (void)guarded(raise_nothing, NULL, ctx);
    read_it(ctx);
}

START_TEST(a_guard_lasts_until_the_outermost_ends)
{
    shrunk f = map_file();
    ck_assert(insp_guard_add(f.bytes, SIZE));
    shrink(&f);
    ck_assert(!guarded(guarded_inside, &f, &f));
    ck_assert_int_eq(reached, 2);
    insp_guard_remove(f.bytes);
    unmap(&f);
}
END_TEST

// A host that knows how to mend its mapping, and goes on.
static unsigned char *volatile mendable;
static volatile int host_saw;

static void host_handler(int sig)
{
    host_saw = sig;
    (void)mmap(mendable, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void with_host_handler(const shrunk *f, struct sigaction *before)
{
    struct sigaction mine = {.sa_handler = host_handler};
    host_saw = 0;
    mendable = f->bytes;
    ck_assert_int_eq(sigaction(SIGBUS, &mine, before), 0);
}

static volatile int info_saw;

static void host_info_handler(int sig, siginfo_t *info, void *context)
{
    info_saw = info->si_addr == mendable + SIZE / 2 && context;
    host_handler(sig);
}

START_TEST(a_fault_elsewhere_goes_to_the_handler_before)
{
    shrunk f = map_file();
    struct sigaction before;
    with_host_handler(&f, &before);
    shrink(&f);
    ck_assert(guarded(read_it, &f, &f));
    ck_assert_int_eq(reached, 2);
    ck_assert_int_eq(host_saw, SIGBUS);
    (void)sigaction(SIGBUS, &before, NULL);
    unmap(&f);
}
END_TEST

START_TEST(the_handler_before_is_told_where)
{
    shrunk f = map_file();
    struct sigaction before, mine = {.sa_sigaction = host_info_handler, .sa_flags = SA_SIGINFO};
    with_host_handler(&f, &before);
    ck_assert_int_eq(sigaction(SIGBUS, &mine, NULL), 0);
    shrink(&f);
    ck_assert(guarded(read_it, &f, &f));
    ck_assert_int_eq(info_saw, 1);
    (void)sigaction(SIGBUS, &before, NULL);
    unmap(&f);
}
END_TEST

START_TEST(a_removed_range_is_no_longer_guarded)
{
    shrunk f = map_file();
    struct sigaction before;
    ck_assert(insp_guard_add(f.bytes, SIZE));
    insp_guard_remove(f.bytes);
    with_host_handler(&f, &before);
    shrink(&f);
    ck_assert(guarded(read_it, &f, &f));
    ck_assert_int_eq(host_saw, SIGBUS);
    (void)sigaction(SIGBUS, &before, NULL);
    unmap(&f);
}
END_TEST

// Who comes later and stands over ours finds ours usable, also after the work.
static struct sigaction over;

static void late_handler(int sig, siginfo_t *info, void *context)
{
    over.sa_sigaction(sig, info, context);
}

static void install_late(void *ctx)
{
    (void)ctx;
    struct sigaction late = {.sa_sigaction = late_handler, .sa_flags = SA_SIGINFO};
    ck_assert_int_eq(sigaction(SIGBUS, &late, &over), 0);
}

START_TEST(a_handler_put_over_ours_may_call_it_later)
{
    shrunk f = map_file();
    struct sigaction before;
    with_host_handler(&f, &before);
    ck_assert(guarded(install_late, NULL, &f));
    shrink(&f);
    read_it(&f);
    ck_assert_int_eq(host_saw, SIGBUS);

    shrunk again = map_file();
    ck_assert(insp_guard_add(again.bytes, SIZE));
    shrink(&again);
    ck_assert(!guarded(read_it, &again, &again));
    insp_guard_remove(again.bytes);
    // The last guard that finds its own handler on top takes it away.
    (void)sigaction(SIGBUS, &over, NULL);
    ck_assert(guarded(raise_nothing, NULL, &f));
    (void)sigaction(SIGBUS, &before, NULL);
    unmap(&again);
    unmap(&f);
}
END_TEST

START_TEST(the_handler_before_is_put_back)
{
    shrunk f = map_file();
    struct sigaction before, now;
    with_host_handler(&f, &before);
    ck_assert(insp_guard_add(f.bytes, SIZE));
    shrink(&f);
    ck_assert(!guarded(read_it, &f, &f));
    ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
    ck_assert_ptr_eq((void *)now.sa_handler, (void *)host_handler);
    ck_assert_int_eq(host_saw, 0);
    (void)sigaction(SIGBUS, &before, NULL);
    insp_guard_remove(f.bytes);
    unmap(&f);
}
END_TEST

START_TEST(a_blocked_signal_does_not_kill_and_is_blocked_again)
{
    shrunk f = map_file();
    sigset_t bus, before, now;
    (void)sigemptyset(&bus);
    (void)sigaddset(&bus, SIGBUS);
    (void)pthread_sigmask(SIG_BLOCK, &bus, &before);
    ck_assert(insp_guard_add(f.bytes, SIZE));
    shrink(&f);
    ck_assert(!guarded(read_it, &f, &f));
    (void)pthread_sigmask(SIG_SETMASK, &before, &now);
    ck_assert_int_eq(sigismember(&now, SIGBUS), 1);
    insp_guard_remove(f.bytes);
    unmap(&f);
}
END_TEST

static void raise_bus(void *ctx)
{
    (void)ctx;
    (void)raise(SIGBUS);
}

START_TEST(a_signal_that_is_sent_kills_as_ever)
{
    (void)signal(SIGBUS, SIG_DFL);
    shrunk f = map_file();
    (void)guarded(raise_bus, NULL, &f);
    ck_abort_msg("SIGBUS was swallowed");
}
END_TEST

// Each thread reads the pages from the last to the first, so that each may fault.
static void *read_backwards(void *ctx)
{
    const shrunk *f = ctx;
    insp_guard g = insp_guard_begin();
    int sum = 0;
    for (int at = SIZE - 1; at >= 0; at -= PAGE)
        sum += load(f->bytes + at);
    insp_guard_end(&g);
    return (void *)(intptr_t)sum;
}

START_TEST(threads_may_fault_at_the_same_time)
{
    enum { THREADS = 4, TIMES = 50 };
    pthread_t threads[THREADS];
    struct sigaction before, now;
    ck_assert_int_eq(sigaction(SIGBUS, NULL, &before), 0);
    for (int k = 0; k < TIMES; k++) {
        shrunk f = map_file();
        ck_assert(insp_guard_add(f.bytes, SIZE));
        shrink(&f);
        for (size_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, read_backwards, &f), 0);
        for (size_t i = 0; i < THREADS; i++) {
            void *sum = &f;
            ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
            ck_assert_ptr_null(sum);
        }
        ck_assert(insp_guard_changed(f.bytes));
        insp_guard_remove(f.bytes);
        unmap(&f);
    }
    ck_assert_int_eq(sigaction(SIGBUS, NULL, &now), 0);
    ck_assert_ptr_eq((void *)now.sa_handler, (void *)before.sa_handler);
}
END_TEST

START_TEST(there_is_room_for_many_ranges)
{
    static unsigned char ranges[1000][8];
    shrunk f = map_file();
    for (size_t i = 0; i < 1000; i++)
        ck_assert(insp_guard_add(ranges[i], sizeof(ranges[i])));
    ck_assert(insp_guard_add(f.bytes, SIZE));
    shrink(&f);
    ck_assert(!guarded(read_it, &f, &f));
    insp_guard_remove(f.bytes);
    for (size_t i = 0; i < 1000; i++)
        insp_guard_remove(ranges[i]);
    unmap(&f);
}
END_TEST

extern Suite *insp_guard_suite(void);

Suite *insp_guard_suite(void)
{
    Suite *s = suite_create("guard");
    TCase *t = tcase_create("guard");
    tcase_add_test(t, work_that_meets_no_fault_is_done);
    tcase_add_test(t, what_a_file_has_lost_reads_as_zeros_and_that_stays_known);
    tcase_add_test(t, what_is_left_of_a_file_can_still_be_read);
    tcase_add_test(t, a_guard_lasts_until_the_outermost_ends);
    tcase_add_test(t, a_fault_elsewhere_goes_to_the_handler_before);
    tcase_add_test(t, the_handler_before_is_told_where);
    tcase_add_test(t, a_handler_put_over_ours_may_call_it_later);
    tcase_add_test(t, a_removed_range_is_no_longer_guarded);
    tcase_add_test(t, the_handler_before_is_put_back);
    tcase_add_test(t, a_blocked_signal_does_not_kill_and_is_blocked_again);
    tcase_add_test(t, threads_may_fault_at_the_same_time);
    tcase_add_test(t, there_is_room_for_many_ranges);
    suite_add_tcase(s, t);
    // The test dies by design, which only a fork survives.
    const char *fork = getenv("CK_FORK");
    if (fork && strcmp(fork, "no") == 0)
        return s;
    t = tcase_create("death");
    tcase_add_test_raise_signal(t, a_signal_that_is_sent_kills_as_ever, SIGBUS);
    suite_add_tcase(s, t);
    return s;
}
