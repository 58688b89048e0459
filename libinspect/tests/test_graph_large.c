// SPDX-License-Identifier: MIT
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../src/graph/graph.h"
#include "support/asserts.h"
#include "support/must.h"
#include "support/random_words.h"

static insp_error err;
static const insp_subgraph all = {0};

// A graph that is made edge by edge, sources ascending.
typedef struct made_graph {
    insp_addrs off;
    insp_u32s to;
} made_graph;

static void begin_node(made_graph *m)
{
    must(insp_addrs_push(&m->off, m->to.len));
}

static void add_edge(made_graph *m, uint32_t to)
{
    must(insp_u32s_push(&m->to, to));
}

static insp_graph finish(made_graph *m)
{
    begin_node(m);
    return (insp_graph){(uint32_t)(m->off.len - 1), m->off.at, m->to.at};
}

static void forget(made_graph *m)
{
    insp_addrs_deinit(&m->off);
    insp_u32s_deinit(&m->to);
}

enum { LONG = 1000000 };

// A chain of LONG nodes, one of whose walks goes a million deep; closed, a ring.
static insp_graph make_chain(made_graph *m, bool closed)
{
    for (uint32_t i = 0; i < LONG; i++) {
        begin_node(m);
        if (i + 1 < LONG || closed)
            add_edge(m, (i + 1) % LONG);
    }
    return finish(m);
}

START_TEST(a_long_chain_overflows_nothing)
{
    made_graph m = {0};
    insp_graph g = make_chain(&m, false);
    uint32_t *of = malloc(LONG * sizeof(*of)), count;
    ck_ok(insp_graph_components(&g, &all, of, &count, &err));
    ck_assert_uint_eq(count, LONG);
    for (uint32_t i = 0; i < LONG; i++)
        must(of[i] == LONG - 1 - i);

    insp_u32s order = {0};
    ck_ok(insp_graph_dominators(&g, 0, of, &order, &err));
    ck_assert_uint_eq(order.len, LONG);
    for (uint32_t i = 0; i < LONG; i++)
        must(order.at[i] == i && of[i] == (i ? i - 1 : 0));

    insp_bits reached = {0};
    ck_assert(insp_bits_init(&reached, LONG));
    insp_bits_add(&reached, 0);
    ck_ok(insp_graph_shortest(&g, &all, &reached, LONG - 1, &order, &err));
    ck_assert_uint_eq(order.len, LONG);
    insp_bits_remove(&reached, 0);
    insp_bits_add(&reached, LONG / 2);
    ck_ok(insp_graph_reach(&g, &all, &reached, &err));
    for (uint32_t i = 0; i < LONG; i++)
        must(insp_bits_has(&reached, i) == (i >= LONG / 2));
    insp_bits_deinit(&reached);
    insp_u32s_deinit(&order);
    forget(&m);
    free(of);
}
END_TEST

START_TEST(a_long_ring_is_one_component)
{
    made_graph m = {0};
    insp_graph g = make_chain(&m, true);
    uint32_t *of = malloc(LONG * sizeof(*of)), count;
    ck_ok(insp_graph_components(&g, &all, of, &count, &err));
    ck_assert_uint_eq(count, 1);

    insp_reverse reverse;
    ck_ok(insp_graph_reverse(&g, &reverse, &err));
    insp_graph back = {g.nodes, reverse.off, reverse.to};
    insp_subgraph both = {.reverse = &back};
    ck_ok(insp_graph_components(&g, &both, of, &count, &err));
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(of[LONG - 1], 0);

    ck_ok(insp_graph_dominators(&back, 7, of, NULL, &err));
    for (uint32_t i = 0; i < LONG; i++)
        must(of[i] == (i == 7 ? 7 : (i + 1) % LONG));
    insp_reverse_deinit(&reverse);
    forget(&m);
    free(of);
}
END_TEST

// A list whose last element holds as many objects as the list is long, all of which the root holds too:
// the plain climb of Semi-NCA takes a step for each pair of them.
START_TEST(many_shared_objects_at_the_end_of_a_list_take_no_square)
{
    enum { HALF = LONG / 2 };
    made_graph m = {0};
    for (uint32_t i = 0; i < LONG; i++) {
        begin_node(&m);
        if (i < HALF)
            add_edge(&m, i + 1);
        for (uint32_t k = HALF + 1; (i == 0 || i == HALF) && k < LONG; k++)
            add_edge(&m, k);
    }
    insp_graph g = finish(&m);
    uint32_t *idom = malloc(LONG * sizeof(*idom));
    ck_ok(insp_graph_dominators(&g, 0, idom, NULL, &err));
    for (uint32_t i = 0; i < LONG; i++)
        must(idom[i] == (i && i <= HALF ? i - 1 : 0));
    forget(&m);
    free(idom);
}
END_TEST

START_TEST(a_node_with_a_million_parallel_edges_has_one_child)
{
    made_graph m = {0};
    begin_node(&m);
    for (uint32_t i = 0; i < LONG; i++)
        add_edge(&m, 1);
    begin_node(&m);
    add_edge(&m, 0);
    insp_graph g = finish(&m);
    uint32_t of[2], count;
    ck_ok(insp_graph_components(&g, &all, of, &count, &err));
    ck_assert_uint_eq(count, 1);
    ck_ok(insp_graph_dominators(&g, 0, of, NULL, &err));
    ck_assert(of[0] == 0 && of[1] == 0);
    insp_reverse reverse;
    ck_ok(insp_graph_reverse(&g, &reverse, &err));
    ck_assert_uint_eq(reverse.off[1], 1);
    ck_assert_uint_eq(reverse.off[2], LONG + 1);
    insp_reverse_deinit(&reverse);
    forget(&m);
}
END_TEST

// ---- not enough memory ---------------------------------------------------------------------

// A limit means what it says only in a process of its own, whose heap holds nothing that was freed,
// and which no tool takes memory from.
static bool limits_hold(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#endif
#endif
    const char *fork = getenv("CK_FORK");
    return !fork || strcmp(fork, "no") != 0;
}

static size_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
    (void)fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t allocated(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

enum { QUESTIONS = 6 };

static insp_status ask(int question, const insp_graph *g, const insp_graph *back,
                       uint32_t *numbers, insp_error *e)
{
    uint32_t count;
    insp_subgraph both = {.reverse = back};
    insp_u32s list = {0};
    insp_bits bits = {0};
    insp_reverse reverse = {0};
    insp_status st = INSP_OK;
    if (question == 0)
        st = insp_graph_components(g, &all, numbers, &count, e);
    if (question == 1)
        st = insp_graph_components(g, &both, numbers, &count, e);
    if (question == 2)
        st = insp_graph_dominators(g, 0, numbers, &list, e);
    if (question == 3)
        st = insp_bits_init(&bits, g->nodes)
                 ? insp_graph_shortest(g, &all, &bits, g->nodes - 1, &list, e)
                 : insp_nomem(e);
    if (question == 4)
        st = insp_graph_reverse(g, &reverse, e);
    if (question == 5)
        st = insp_bits_init(&bits, g->nodes) ? insp_graph_reach(g, &all, &bits, e)
                                             : insp_nomem(e);
    insp_u32s_deinit(&list);
    insp_bits_deinit(&bits);
    insp_reverse_deinit(&reverse);
    return st;
}

// With more and more memory, every question fails in one sentence until it is answered.
START_TEST(a_lack_of_memory_is_a_status)
{
    enum { NODES = 1 << 17, STEP = 256 * 1024 };
    if (!limits_hold())
        return;
    (void)mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    made_graph m = {0};
    for (uint32_t i = 0; i < NODES; i++) {
        begin_node(&m);
        add_edge(&m, i + 1 < NODES ? i + 1 : 0);
        add_edge(&m, (uint32_t)(random_word() % NODES));
        add_edge(&m, (uint32_t)(random_word() % NODES));
    }
    insp_graph g = finish(&m);
    insp_reverse reverse;
    ck_ok(insp_graph_reverse(&g, &reverse, &err));
    insp_graph back = {g.nodes, reverse.off, reverse.to};
    uint32_t *numbers = malloc(NODES * sizeof(*numbers));
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    insp_status st = INSP_ERR_MEMORY;
    int failures = 0;
    size_t used = address_space(), held = allocated();
    for (rlim_t room = 0; st && room < (rlim_t)64 * STEP; room += STEP, failures++) {
        struct rlimit limit = {used + room, before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
        st = ask(_i, &g, &back, numbers, &err);
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
        ck_assert(!st || st == INSP_ERR_MEMORY);
        ck_assert(!st || err.code == INSP_ERR_MEMORY);
    }
    ck_assert_int_eq(st, INSP_OK);
    ck_assert_int_gt(failures, 1);
    ck_assert_uint_le(allocated(), held + 64 * 1024);
    insp_reverse_deinit(&reverse);
    forget(&m);
    free(numbers);
}
END_TEST

extern Suite *insp_graph_large_suite(void);

Suite *insp_graph_large_suite(void)
{
    Suite *s = suite_create("graph_large");
    TCase *t = tcase_create("graph_large");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, a_long_chain_overflows_nothing);
    tcase_add_test(t, a_long_ring_is_one_component);
    tcase_add_test(t, many_shared_objects_at_the_end_of_a_list_take_no_square);
    tcase_add_test(t, a_node_with_a_million_parallel_edges_has_one_child);
    tcase_add_loop_test(t, a_lack_of_memory_is_a_status, 0, QUESTIONS);
    suite_add_tcase(s, t);
    return s;
}
