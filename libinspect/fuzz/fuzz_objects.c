// SPDX-License-Identifier: MIT
/**
 * @file
 * A heap, word by word: the input says which words of a small sound CPython are something else. Everything
 * the library knows to ask is asked then.
 */
#include <stdlib.h>
#include <string.h>

#include "../src/analysis/checks.h"
#include "../src/analysis/cycles.h"
#include "../src/object/text.h"
#include "../src/output/jsonl.h"
#include "../tests/support/fakeheap.h"
#include "fuzz.h"

/** What an input is an array of. */
typedef struct change {
    uint32_t where; // a word among those in use
    uint32_t form;
    uint64_t value;
} change;

enum { MOST = 64 };

static fakeheap f;
static insp_error err;

static void build(void)
{
    static const char *const names[] = {"x", "y"};
    fake_init(&f);
    insp_addr nones[4] = {f.none, f.none, f.none, f.none};
    insp_addr type = fake_class(&f, "Order", names, 2), list = fake_list(&f, nones, 4);
    insp_addr one = fake_instance(&f, type, nones, 2), text = fake_str(&f, "text");
    insp_addr objects[] = {list,
                           one,
                           text,
                           fake_set(&f, &text, 1),
                           fake_weakref(&f, list, f.none),
                           fake_tuple(&f, &list, 1),
                           fake_int(&f, 7),
                           fake_bytes(&f, "ab", 2)};
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        fake_keep(&f, objects[i]);
    fake_track(&f, list, 0);
    fake_track(&f, one, 1);
    fake_own(&f, FAKE_GET(&f, list, PyListObject, ob_item), list);
    fake_own(&f, FAKE_GET(&f, list, PyListObject, ob_item) + 8, one);
    fake_count(&f, text, 2);
}

// The word of that number: of the module's data, of the malloc heap, of the pools.
static insp_addr word(uint64_t number)
{
    uint64_t in_module = f.module_used / 8, in_malloc = f.malloc_used / 8;
    uint64_t in_pools = (uint64_t)f.pools * FAKE_POOL / 8;
    number %= in_module + in_malloc + in_pools;
    if (number < in_module)
        return FAKE_MODULE + number * 8;
    number -= in_module;
    return number < in_malloc ? FAKE_MALLOC + number * 8
                              : FAKE_ARENA + (number - in_malloc) * 8;
}

static void apply(const change *c)
{
    insp_addr at = word(c->where);
    uint64_t old = fake_get(&f, at);
    switch (c->form % 6) {
    case 0:
        fake_put(&f, at, c->value);
        break;
    case 1:
        fake_put(&f, at, word(c->value));
        break;
    case 2:
        fake_put(&f, at, old ^ UINT64_C(1) << (c->value & 63));
        break;
    case 3:
        fake_put(&f, at, UINT64_C(1) << (c->value & 63));
        break;
    case 4:
        fake_put(&f, at, fake_get(&f, word(c->value)));
        break;
    default:
        fake_put(&f, at, at + (c->value & 255) - 128);
        break;
    }
}

static int drop(void *ctx, const void *bytes, size_t n)
{
    (void)ctx, (void)bytes, (void)n;
    return 0;
}

static void export_all(const insp_native *native)
{
    insp_writer w = {0};
    if (!insp_writer_init(&w, drop, NULL, &err))
        (void)insp_jsonl_write(&f.heap, native, "core", &w, &err);
    insp_writer_deinit(&w);
}

static void show_values(void)
{
    char text[200];
    for (uint32_t n = 0; n < f.heap.n_objects; n++) {
        insp_str out = insp_str_init(text, sizeof(text));
        if (insp_heap_is_object(&f.heap, n))
            insp_value(&f.heap.decoder, insp_heap_addr(&f.heap, n), &out);
    }
}

// Without the debug hooks, and as if they were there.
static void check(void)
{
    enum { PAD = 16 };
    insp_findings_log found = {.left_out = 0};
    for (f.py.debug_pad = 0; f.py.debug_pad <= PAD; f.py.debug_pad += PAD)
        (void)insp_checks_run(&f.heap, &found, &err);
    f.py.debug_pad = 0;
    insp_findings_deinit(&found);
}

// Any word may be taken for tracemalloc's table.
static void look_at_traces(void)
{
    insp_reader r = insp_reader_of(&f.space, &f.py.layout);
    const insp_tracemalloc guessed = {.traces = FAKE_MALLOC};
    insp_trace trace;
    insp_trace_frame frame;
    for (uint32_t n = 0; n < f.heap.n_objects; n += 16) {
        insp_addr addr = insp_heap_addr(&f.heap, n);
        if (insp_trace_of(&r, &f.py.tracemalloc, addr, &trace) ||
            insp_trace_of(&r, &guessed, addr, &trace))
            (void)insp_trace_frame_at(&r, &trace, 0, &frame);
    }
}

static void analyse(void)
{
    insp_native native = {.modules = 0};
    insp_replay replay = {.tracked = 0};
    insp_cycle_set cycles = {.members = {0}};
    insp_u32s nodes = {0}, lengths = {0};
    insp_graph g = {f.heap.n_nodes, f.heap.off.at, f.heap.to.at};
    (void)insp_native_search(&f.heap, NULL, &native, &err);
    if (!insp_replay_run(&f.heap, &g, &replay, &err))
        (void)insp_cycles_find(&f.heap, &g, &replay, &cycles, &err);
    uint32_t keeper = insp_heap_number(&f.heap, f.keeper);
    if (keeper != INSP_NONE)
        (void)insp_rings_find(&f.heap, &g, keeper, 20, &nodes, &lengths, &err);
    export_all(&native);
    show_values();
    check();
    look_at_traces();
    insp_u32s_deinit(&nodes);
    insp_u32s_deinit(&lengths);
    insp_cycles_deinit(&cycles);
    insp_replay_deinit(&replay);
    insp_native_deinit(&native);
}

static void ask(void)
{
    f.py = (insp_cpython){.space = &f.space, .text = &f.text, .findings = &f.findings};
    insp_status st = insp_cpython_open(&f.py, &f.images, &err);
    if (!st) {
        st = insp_heap_init(&f.heap, &f.py, &err);
        if (!st)
            st = insp_heap_enumerate(&f.heap, &err);
        if (!st)
            st = insp_heap_references(&f.heap, &err);
        if (!st)
            analyse();
        insp_heap_deinit(&f.heap);
    }
    insp_cpython_close(&f.py);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    build();
    for (size_t i = 0; i < MOST && (i + 1) * sizeof(change) <= size; i++) {
        change c;
        memcpy(&c, data + i * sizeof(c), sizeof(c));
        apply(&c);
    }
    ask();
    fake_deinit(&f);
    return 0;
}

// Changes that a mutator may make others of: nothing, one of each form, and one everywhere.
size_t insp_fuzz_seed(unsigned number, uint8_t *room, size_t size)
{
    enum { CHANGES = 8 };
    change all[CHANGES];
    if (number > 6 || size < sizeof(all))
        return 0;
    for (uint32_t i = 0; i < CHANGES; i++)
        all[i] = (change){2654435761u * (i + number * CHANGES), number, i * 13 + number};
    memcpy(room, all, number ? sizeof(all) : 1);
    return number ? sizeof(all) : 1;
}
