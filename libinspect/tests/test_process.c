// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../src/memory/process.h"
#include "../src/memory/procfs.h"
#include "support/asserts.h"

enum { PAGE = 4096, MIB = 1 << 20 };

static insp_error err;
static insp_snapshot snap;
static insp_space space;

// What the child tells, in memory it shares with the test.
typedef struct told {
    atomic_int ready;
    atomic_uint ticks;   // of a thread that counts as long as it runs
    atomic_uint signals; // that the child got
    atomic_int stop;
    unsigned char *at[4];
} told;

static told *child;
static pid_t pid;

static void set_up(void)
{
    child =
        mmap(NULL, sizeof(*child), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(child, MAP_FAILED);
}

static void tear_down(void)
{
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
    pid = 0;
    insp_space_deinit(&space);
    space = (insp_space){0};
    insp_snapshot_deinit(&snap);
    (void)munmap(child, sizeof(*child));
}

// Patience in seconds, for machines that are much slower than one thinks; not in turns, each of
// which may take a hundred times as long as it asks for.
enum { PATIENCE = 60 };

static bool has_patience(time_t since)
{
    (void)usleep(500);
    return time(NULL) - since < PATIENCE;
}

#define WAIT_UNTIL(condition)                                                                  \
    do {                                                                                       \
        for (time_t since = time(NULL); !(condition) && has_patience(since);)                  \
            ;                                                                                  \
        ck_assert(condition);                                                                  \
    } while (0)

// Start a child that does `prepare` and then sleeps.
static void start(void (*prepare)(void))
{
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        prepare();
        child->ready = 1;
        for (;;)
            (void)pause();
    }
    WAIT_UNTIL(child->ready);
}

static void nothing(void)
{
}

static void take(void)
{
    ck_ok(insp_snapshot_take(pid, &snap, &err));
    ck_ok(insp_snapshot_add_to(&snap, &space, &err));
}

static char state_of(pid_t tid)
{
    insp_proc_status s;
    return insp_proc_status_read(tid, &s) ? s.state : '?';
}

static int64_t tracer_of(pid_t tid)
{
    insp_proc_status s;
    return insp_proc_status_read(tid, &s) ? s.tracer : -1;
}

// ---- what is copied ------------------------------------------------------------------------

static unsigned char *map(size_t size, int flags, int fd)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

// An anonymous mapping of 64 MiB of which three pages are touched.
static void few_pages(void)
{
    child->at[0] = map(64 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    child->at[0][0] = 1;
    child->at[0][20 * MIB] = 2;
    child->at[0][64 * MIB - 1] = 3;
}

static long resident_kb(void)
{
    long kb = -1;
    char *text = insp_proc_read(pid, "status", NULL);
    const char *line = text ? strstr(text, "VmRSS:") : NULL;
    if (line)
        (void)sscanf(line, "VmRSS: %ld", &kb);
    free(text);
    return kb;
}

START_TEST(anonymous_memory_is_copied_and_what_was_never_touched_is_zero)
{
    start(few_pages);
    long before = resident_kb();
    take();
    insp_addr at = (uintptr_t)child->at[0];
    const unsigned char *p = insp_space_at(&space, at, 64 * MIB);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(p[0], 1);
    ck_assert_uint_eq(p[20 * MIB], 2);
    ck_assert_uint_eq(p[64 * MIB - 1], 3);
    ck_assert_uint_eq(p[40 * MIB], 0);
    ck_assert_uint_eq(insp_space_find(&space, at)->flags & INSP_SEG_WRITE, INSP_SEG_WRITE);
    // Asking for pages that are not there would have made them.
    ck_assert_int_le(resident_kb() - before, 2048);
}
END_TEST

static void reservations(void)
{
    size_t tib = (size_t)1 << 40;
    (void)mmap(NULL, 4 * tib, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    child->at[0] = map(tib, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (child->at[0]) {
        child->at[0][5 * PAGE] = 5;
        child->at[0][tib - 1] = 6;
    }
}

START_TEST(huge_reservations_cost_nothing)
{
    start(reservations);
    take();
    insp_addr at = (uintptr_t)child->at[0];
    if (!at)
        return; // this machine does not give so much address space
    const unsigned char *p = insp_space_at(&space, at + 5 * PAGE, 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(*p, 5);
    p = insp_space_at(&space, at + ((insp_addr)1 << 40) - 1, 1);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(*p, 6);
    ck_assert_uint_lt(snap.pause_ns, UINT64_C(5000000000));
}
END_TEST

static int file_fd;

static void make_file(bool remove)
{
    char path[] = "/tmp/insp-process-XXXXXX";
    file_fd = mkstemp(path);
    ck_assert_int_ge(file_fd, 0);
    unsigned char page[PAGE];
    memset(page, 'f', sizeof(page));
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(write(file_fd, page, PAGE), PAGE);
    if (remove)
        (void)unlink(path);
}

static void remove_file(void)
{
    char link[64], path[256] = {0};
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file_fd);
    if (readlink(link, path, sizeof(path) - 1) > 0)
        (void)unlink(path);
    (void)close(file_fd);
}

// Private and written to in part, then made read-only, as the dynamic linker does; and
// writable.
static void private_file(void)
{
    child->at[0] = map(8 * PAGE, MAP_PRIVATE, file_fd);
    memset(child->at[0] + 3 * PAGE, 'w', PAGE);
    (void)mprotect(child->at[0], 8 * PAGE, PROT_READ);
    child->at[1] = map(8 * PAGE, MAP_PRIVATE, file_fd);
    memset(child->at[1] + PAGE, 'w', PAGE);
    child->at[2] = map(8 * PAGE, MAP_SHARED, file_fd);
    child->at[2][7 * PAGE] = 's';
}

static unsigned char byte_at(const unsigned char *target)
{
    const unsigned char *p = insp_space_at(&space, (uintptr_t)target, 1);
    return p ? *p : 0;
}

START_TEST(of_a_file_mapping_what_the_file_does_not_have_is_copied)
{
    make_file(false);
    start(private_file);
    take();
    remove_file();
    ck_assert_uint_eq(byte_at(child->at[0]), 'f');
    ck_assert_uint_eq(byte_at(child->at[0] + PAGE), 0);
    ck_assert_uint_eq(byte_at(child->at[0] + 3 * PAGE), 'w');
    ck_assert_uint_eq(byte_at(child->at[0] + 4 * PAGE), 0);
    ck_assert_uint_eq(byte_at(child->at[1]), 'f');
    ck_assert_uint_eq(byte_at(child->at[1] + PAGE), 'w');
    ck_assert_uint_eq(byte_at(child->at[1] + 7 * PAGE), 's');
    ck_assert_uint_eq(byte_at(child->at[2]), 0);
}
END_TEST

START_TEST(a_file_that_was_removed_is_copied_whole)
{
    make_file(true);
    start(private_file);
    take();
    (void)close(file_fd);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_uint_ne(byte_at(child->at[0] + i * PAGE), 0);
        ck_assert_uint_ne(byte_at(child->at[2] + i * PAGE), 0);
    }
    for (size_t i = 0; i < snap.maps.len; i++) {
        if (snap.maps.at[i].start == (uintptr_t)child->at[0])
            ck_assert(snap.maps.at[i].deleted && !strstr(snap.maps.at[i].path, "deleted"));
    }
}
END_TEST

static void beyond_the_end(void)
{
    child->at[0] = map(8 * PAGE, MAP_PRIVATE, file_fd);
    (void)ftruncate(file_fd, 3 * PAGE);
}

START_TEST(pages_that_cannot_be_read_are_left_out)
{
    make_file(false);
    start(beyond_the_end);
    take();
    remove_file();
    ck_assert_uint_eq(byte_at(child->at[0] + 3 * PAGE - 1), 'f');
    ck_assert_ptr_null(insp_space_find(&space, (uintptr_t)child->at[0] + 3 * PAGE));
    for (size_t i = 1; i < snap.n_copies; i++)
        ck_assert_uint_le(snap.copies[i - 1].end, snap.copies[i].start);
}
END_TEST

START_TEST(the_vdso_is_copied_and_the_kernels_page_is_not)
{
    start(nothing);
    take();
    for (size_t i = 0; i < snap.maps.len; i++) {
        const insp_map_line *m = &snap.maps.at[i];
        if (strcmp(m->path, "[vdso]") == 0)
            ck_assert_mem_eq(insp_space_at(&space, m->start, 4),
                             "\x7f"
                             "ELF",
                             4);
        if (strcmp(m->path, "[vsyscall]") == 0)
            ck_assert_ptr_null(insp_space_find(&space, m->start));
    }
}
END_TEST

// Bytes of all its writable private memory, as /proc/PID/mem shows them.
static uint64_t sum_of_memory(void)
{
    insp_arena text = {0};
    insp_map_lines maps = {0};
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    FILE *mem = fopen(path, "r");
    ck_assert_ptr_nonnull(mem);
    ck_ok(insp_process_maps(pid, &text, &maps, &err));
    uint64_t sum = 0;
    for (size_t i = 0; i < maps.len; i++) {
        const insp_map_line *m = &maps.at[i];
        // A sanitizer's own reservation is too large to read.
        if (!(m->flags & INSP_SEG_WRITE) || m->shared || m->end - m->start > 1024 * MIB)
            continue;
        unsigned char page[PAGE];
        for (insp_addr at = m->start; at < m->end; at += PAGE) {
            if (fseeko(mem, (off_t)at, SEEK_SET) || fread(page, 1, PAGE, mem) != PAGE)
                continue;
            for (size_t k = 0; k < PAGE; k++)
                sum = sum * 31 + page[k];
        }
    }
    (void)fclose(mem);
    insp_map_lines_deinit(&maps);
    insp_arena_deinit(&text);
    return sum;
}

START_TEST(nothing_is_written_to_it)
{
    start(nothing);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
    uint64_t before = sum_of_memory();
    take();
    ck_assert_uint_eq(sum_of_memory(), before);
}
END_TEST

// ---- holding it ----------------------------------------------------------------------------

// Counts, and gives way now and then: where threads run in turns, as under valgrind, one that
// never calls the kernel keeps the others from their first instruction.
static void *tick(void *arg)
{
    for (;;)
        if (++child->ticks % 4096 == 0)
            (void)usleep(100);
    return arg;
}

static void ticking(void)
{
    for (int i = 0; i < 3; i++) {
        pthread_t t;
        (void)pthread_create(&t, NULL, tick, NULL);
    }
}

START_TEST(every_thread_is_held_and_goes_on)
{
    start(ticking);
    take();
    ck_assert_uint_eq(snap.threads.len, 4);
    ck_assert(!snap.was_stopped);
    ck_assert_uint_gt(snap.pause_ns, 0);
    for (size_t i = 0; i < snap.threads.len; i++) {
        const insp_thread_regs *t = &snap.threads.at[i];
        const insp_segment *stack = insp_space_find(&space, insp_thread_sp(t));
        ck_assert_ptr_nonnull(stack);
        ck_assert(stack->flags & INSP_SEG_STACK);
        ck_assert_int_eq(tracer_of((pid_t)t->tid), 0);
    }
    unsigned ticks = child->ticks;
    WAIT_UNTIL(child->ticks != ticks);
}
END_TEST

START_TEST(a_process_that_was_stopped_stays_stopped)
{
    start(ticking);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    take();
    ck_assert(snap.was_stopped);
    ck_assert_uint_eq(snap.threads.len, 4);
    ck_assert_uint_gt(snap.threads.at[0].n_regs, 0);
    unsigned ticks = child->ticks;
    (void)usleep(50000);
    ck_assert_int_eq(state_of(pid), 'T');
    ck_assert_uint_eq(child->ticks, ticks);
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    WAIT_UNTIL(child->ticks != ticks);
}
END_TEST

static void *short_life(void *arg)
{
    return arg;
}

static void breeding(void)
{
    child->ready = 1;
    for (;;) {
        pthread_t t[4];
        size_t n = 0;
        while (n < 4 && pthread_create(&t[n], NULL, short_life, NULL) == 0)
            n++;
        while (n > 0)
            (void)pthread_join(t[--n], NULL);
        child->ticks++;
    }
}

START_TEST(threads_that_come_and_go_are_held_too)
{
    start(breeding);
    for (int i = 0; i < 15; i++) {
        ck_ok(insp_snapshot_take(pid, &snap, &err));
        ck_assert_uint_ge(snap.threads.len, 1);
        insp_snapshot_deinit(&snap);
        ck_assert_int_eq(tracer_of(pid), 0);
    }
    unsigned ticks = child->ticks;
    WAIT_UNTIL(child->ticks != ticks);
}
END_TEST

static void *outlive(void *arg)
{
    child->at[0] = map(PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    child->at[0][7] = 7;
    child->ready = 1;
    for (;;)
        (void)pause();
    return arg;
}

static void leader_ends(void)
{
    pthread_t t;
    (void)pthread_create(&t, NULL, outlive, NULL);
    (void)syscall(SYS_exit, 0);
}

START_TEST(a_process_whose_first_thread_has_ended_is_read)
{
    start(leader_ends);
    WAIT_UNTIL(state_of(pid) == 'Z');
    take();
    ck_assert_uint_eq(snap.threads.len, 1);
    ck_assert_uint_eq(byte_at(child->at[0] + 7), 7);
}
END_TEST

static void count_signal(int sig)
{
    (void)sig;
    child->signals++;
}

static void counting(void)
{
    (void)signal(SIGUSR1, count_signal);
}

START_TEST(no_signal_gets_lost)
{
    start(counting);
    for (unsigned i = 1; i <= 50; i++) {
        ck_assert_int_eq(kill(pid, SIGUSR1), 0);
        ck_ok(insp_snapshot_take(pid, &snap, &err));
        insp_snapshot_deinit(&snap);
        WAIT_UNTIL(child->signals >= i);
        ck_assert_uint_eq(child->signals, i);
    }
}
END_TEST

// ---- what cannot be read -------------------------------------------------------------------

START_TEST(a_process_that_is_not_there_says_so)
{
    ck_fails(insp_snapshot_take(0x7ffffff0, &snap, &err), INSP_ERR_GONE, 0,
             "there is no process 2147483632");
    ck_fails(insp_snapshot_take(0, &snap, &err), INSP_ERR_GONE, 0, "there is no process 0");
    ck_fails(insp_snapshot_take(-5, &snap, &err), INSP_ERR_GONE, 0, "there is no process -5");
    ck_fails(insp_snapshot_take(getpid(), &snap, &err), INSP_ERR_ARGUMENT, 0, "is this one");
}
END_TEST

START_TEST(a_zombie_says_so)
{
    pid = fork();
    if (pid == 0)
        _exit(0);
    WAIT_UNTIL(state_of(pid) == 'Z');
    ck_fails(insp_snapshot_take(pid, &snap, &err), INSP_ERR_GONE, 0, "has ended");
}
END_TEST

START_TEST(a_process_that_is_traced_names_the_tracer)
{
    char want[64];
    start(nothing);
    atomic_int *seized = &child->stop;
    pid_t tracer = fork();
    if (tracer == 0) {
        *seized = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 ? 1 : 2;
        for (;;)
            (void)pause();
    }
    WAIT_UNTIL(*seized);
    insp_status st = insp_snapshot_take(pid, &snap, &err);
    (void)kill(tracer, SIGKILL);
    (void)waitpid(tracer, NULL, 0);
    (void)snprintf(want, sizeof(want), "is traced already, by process %d (", tracer);
    ck_fails(st, INSP_ERR_DENIED, 0, want);
}
END_TEST

START_TEST(a_process_of_another_user_names_both)
{
    if (geteuid() != 0)
        return; // only root can become somebody else
    char want[96];
    start(nothing);
    pid_t other = fork();
    if (other == 0) {
        if (setgid(65534) || setuid(65534))
            _exit(77); // not even root may, here
        insp_status st = insp_snapshot_take(pid, &snap, &err);
        (void)snprintf(want, sizeof(want),
                       "process %d: it belongs to user 0, this is user 65534", pid);
        _exit(st == INSP_ERR_DENIED && strstr(err.message, want) ? 0 : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert(WIFEXITED(status));
    ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}
END_TEST

// Machines differ in what forbids tracing; the sentences do not.
static const struct {
    insp_trace_facts facts;
    insp_status status;
    const char *words;
} refusals[] = {
    {{.pid = 7, .yama = 1, .target = {.state = 'S', .uid = 5}, .self = {.uid = 5}},
     INSP_ERR_DENIED,
     "kernel.yama.ptrace_scope is 1 (only a parent may trace it); run as root, or set it to 0"},
    {{.pid = 7, .yama = 2, .target = {.state = 'S', .uid = 5}, .self = {.uid = 5}},
     INSP_ERR_DENIED,
     "kernel.yama.ptrace_scope is 2 (only root may trace)"},
    {{.pid = 7, .yama = 3, .target = {.state = 'S'}, .self = {.caps = 1u << 19}},
     INSP_ERR_DENIED,
     "kernel.yama.ptrace_scope is 3 (nobody may trace) until the next boot"},
    {{.pid = 7, .yama = 0, .undumpable = true, .target = {.state = 'S'}, .self = {.uid = 0}},
     INSP_ERR_DENIED,
     "it is not dumpable"},
    {{.pid = 7,
      .yama = 1,
      .error = EPERM,
      .target = {.state = 'S'},
      .self = {.caps = 1u << 19}},
     INSP_ERR_DENIED,
     "Operation not permitted (a container, a seccomp filter or a security module"},
    {{.pid = 7, .target = {.state = 'S', .kernel_thread = true, .name = "kworker"}},
     INSP_ERR_DENIED,
     "process 7 (kworker) is a thread of the kernel"},
    {{.pid = 7, .target = {.state = '\0'}}, INSP_ERR_GONE, "there is no process 7"},
    {{.pid = 7, .error = ESRCH, .target = {.state = 'S', .name = "x"}},
     INSP_ERR_GONE,
     "process 7 (x) ended just now"},
};

START_TEST(a_refusal_names_what_forbids)
{
    ck_fails(insp_trace_refused(&refusals[_i].facts, &err), refusals[_i].status, 0,
             refusals[_i].words);
}
END_TEST

// ---- mappings ------------------------------------------------------------------------------

START_TEST(mappings_are_read_with_odd_names)
{
    char path[] = "/tmp/insp odd\nname (x)-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 2 * PAGE), 0);
    unsigned char *p = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, PAGE);
    insp_arena text = {0};
    insp_map_lines maps = {0};
    ck_ok(insp_process_maps(getpid(), &text, &maps, &err));
    (void)unlink(path);
    (void)munmap(p, PAGE);
    (void)close(fd);
    const insp_map_line *found = NULL, *stack = NULL;
    for (size_t i = 0; i < maps.len; i++) {
        found = maps.at[i].start == (uintptr_t)p ? &maps.at[i] : found;
        stack = strcmp(maps.at[i].path, "[stack]") == 0 ? &maps.at[i] : stack;
    }
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->path, path);
    ck_assert_uint_eq(found->end - found->start, PAGE);
    ck_assert_uint_eq(found->offset, PAGE);
    ck_assert_uint_eq(found->flags, INSP_SEG_EXEC);
    ck_assert(found->readable && found->shared && !found->deleted);
    ck_assert_ptr_nonnull(stack);
    ck_assert_uint_eq(stack->flags, INSP_SEG_WRITE | INSP_SEG_STACK);
    insp_map_lines_deinit(&maps);
    insp_arena_deinit(&text);
}
END_TEST

extern Suite *insp_process_suite(void);

Suite *insp_process_suite(void)
{
    Suite *s = suite_create("process");
    TCase *t = tcase_create("process");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, anonymous_memory_is_copied_and_what_was_never_touched_is_zero);
    tcase_add_test(t, huge_reservations_cost_nothing);
    tcase_add_test(t, of_a_file_mapping_what_the_file_does_not_have_is_copied);
    tcase_add_test(t, a_file_that_was_removed_is_copied_whole);
    tcase_add_test(t, pages_that_cannot_be_read_are_left_out);
    tcase_add_test(t, the_vdso_is_copied_and_the_kernels_page_is_not);
    tcase_add_test(t, nothing_is_written_to_it);
    tcase_add_test(t, every_thread_is_held_and_goes_on);
    tcase_add_test(t, a_process_that_was_stopped_stays_stopped);
    tcase_add_test(t, threads_that_come_and_go_are_held_too);
    tcase_add_test(t, a_process_whose_first_thread_has_ended_is_read);
    tcase_add_test(t, no_signal_gets_lost);
    tcase_add_test(t, a_process_that_is_not_there_says_so);
    tcase_add_test(t, a_zombie_says_so);
    tcase_add_test(t, a_process_that_is_traced_names_the_tracer);
    tcase_add_test(t, a_process_of_another_user_names_both);
    tcase_add_loop_test(t, a_refusal_names_what_forbids, 0,
                        sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(t, mappings_are_read_with_odd_names);
    suite_add_tcase(s, t);
    return s;
}
