// SPDX-License-Identifier: MIT
/**
 * @file
 * Try instructions of A64, and functions that a compiler made of C, on the processor (or on what emulates it), and
 * print what became of registers and memory: a line for each word that is another one than before.
 *
 * The same functions are called by libinspect/tests/a64_run.c in the machine, which prints the same.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "machine_samples.h"
#include "probe.h"

struct state {
    uint64_t x[31], sp, flags, old_sp, v[64];
    uint64_t result;
};

_Static_assert(offsetof(struct state, sp) == STATE_SP, "stub.inc");
_Static_assert(offsetof(struct state, flags) == STATE_FLAGS, "stub.inc");
_Static_assert(offsetof(struct state, old_sp) == STATE_OLD_SP, "stub.inc");
_Static_assert(offsetof(struct state, v) == STATE_V, "stub.inc");

enum { ROOM = 16384, MIDDLE = 4096 };

struct state probe_state;
extern uint64_t probe_room[ROOM];

typedef void (*stub)(struct state *);
extern const stub stubs[];
extern const uint64_t n_stubs;

// ---- what both do --------------------------------------------------------------------------

static uint64_t next(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t x = (*seed ^ *seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t some_word(uint64_t *seed)
{
    uint64_t x = next(seed);
    switch (next(seed) % 6) {
    case 0:
        return x & 0xff;
    case 1:
        return x | UINT64_C(0xffffffff00000000);
    case 2:
        return x & 0x8000000080000000;
    case 3:
        return 0 - (x & 3);
    default:
        return x;
    }
}

// Two floats or a double, none of them without a number.
static uint64_t some_lane(uint64_t *seed)
{
    union {
        double d;
        float f[2];
        uint64_t bits;
    } x = {.bits = some_word(seed)};
    uint64_t r = next(seed);
    if (r % 3 == 0) {
        x.d = (double)(int64_t)some_word(seed) / 1024;
    } else if (r % 3 == 1) {
        x.f[0] = (float)(int32_t)some_word(seed) / 16;
        x.f[1] = (float)(int32_t)some_word(seed);
    }
    return x.bits;
}

// Even registers and the stack pointer are addresses in the room, some of the odd ones small.
static void fill(uint64_t seed)
{
    for (int i = 0; i < 31; i++)
        probe_state.x[i] =
            i % 2 ? some_word(&seed)
                  : (uint64_t)(uintptr_t)&probe_room[MIDDLE + 2 * (next(&seed) % 512)];
    probe_state.x[3] &= 1023;
    probe_state.x[7] &= 0xffffffff000003ff;
    probe_state.sp = (uint64_t)(uintptr_t)&probe_room[MIDDLE];
    probe_state.flags = (next(&seed) & 15) << 28;
    for (int i = 0; i < 64; i++)
        probe_state.v[i] = some_lane(&seed);
}

void try_stub(uint64_t i)
{
    fill(i);
    stubs[i](&probe_state);
    probe_state.old_sp = 0;
}

void try_sample(const machine_sample *sample, uint64_t seed)
{
    uint64_t a = some_word(&seed), b = some_word(&seed), c = some_word(&seed),
             d = some_word(&seed);
    probe_state.result = sample->call(a, b, c, d);
}

// ---- on the processor ----------------------------------------------------------------------

static sigjmp_buf out;

static void stop(int number)
{
    siglongjmp(out, number);
}

static uint64_t kept[ROOM];

static void print_changes(const char *name, uint64_t *now, const uint64_t *then, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (now[i] != then[i])
            printf("%s+%zu %" PRIx64 "\n", name, i, now[i]);
        now[i] = then[i];
    }
}

static void print_outcome(int signal)
{
    static const uint64_t nothing[sizeof(probe_state) / 8];
    printf("%s\n", signal == 0        ? "ok"
                   : signal == SIGILL ? "not understood"
                   : signal == SIGBUS ? "misaligned"
                                      : "fault");
    if (signal) {
        memset(&probe_state, 0, sizeof(probe_state));
        memcpy(probe_room, kept, sizeof(probe_room));
        return;
    }
    print_changes("probe_state", (uint64_t *)&probe_state, nothing, sizeof(probe_state) / 8);
    print_changes("probe_room", probe_room, kept, ROOM);
}

static const machine_sample *const samples[] = {machine_samples_o0, machine_samples_o1,
                                                machine_samples_o2, machine_samples_o3};

int main(void)
{
    static const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_NODEFER | SA_ONSTACK};
    static char stack[65536];
    // What is tried may have any stack pointer.
    (void)sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        (void)sigaction(signals[i], &action, NULL);
    memcpy(kept, probe_room, sizeof(probe_room));
    for (volatile uint64_t i = 0; i < n_stubs; i++) {
        int number = sigsetjmp(out, 1);
        if (!number)
            try_stub(i);
        printf("try_stub %" PRIu64 " 0 ", i);
        print_outcome(number);
    }
    for (size_t level = 0; level < 4; level++) {
        for (const machine_sample *s = samples[level]; s->name; s++) {
            // In the machine there is no thread.
            for (uint64_t seed = 0; seed < 8 && strcmp(s->name, "thread_data") != 0; seed++) {
                try_sample(s, seed);
                printf("try_sample %" PRIu64 " %" PRIu64 " ", (uint64_t)(uintptr_t)s, seed);
                print_outcome(0);
            }
        }
    }
    return 0;
}
