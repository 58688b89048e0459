// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>

#include "../src/base/cleanup.h"
#include "../src/graph/graph.h"
#include "support/asserts.h"
#include "support/drawn_graph.h"
#include "support/random_words.h"

static insp_error err;
static drawn_graph d;
static distances far; // of d's part
static const insp_subgraph all = {0};

// ---- what must hold of any answer --------------------------------------------------------

static void check_reach(const insp_subgraph *part)
{
    insp_bits reached = {0};
    ck_assert(insp_bits_init(&reached, d.graph.nodes));
    bool start[DRAWN_NODES] = {0};
    for (uint32_t i = 0; i < d.graph.nodes; i++) {
        start[i] = random_word() % 8 == 0;
        if (start[i])
            insp_bits_add(&reached, i);
    }
    ck_ok(insp_graph_reach(&d.graph, part, &reached, &err));
    for (uint32_t v = 0; v < d.graph.nodes; v++) {
        bool expected = start[v];
        for (uint32_t u = 0; u < d.graph.nodes; u++)
            expected |= start[u] && far[u][v] < NO_PATH;
        must(insp_bits_has(&reached, v) == expected);
    }
    insp_bits_deinit(&reached);
}

static void check_components(const insp_subgraph *part)
{
    uint32_t component[DRAWN_NODES], count;
    bool used[DRAWN_NODES] = {0};
    ck_ok(insp_graph_components(&d.graph, part, component, &count, &err));
    for (uint32_t u = 0; u < d.graph.nodes; u++) {
        if (!d.in_part[u]) {
            must(component[u] == UINT32_MAX);
            continue;
        }
        must(component[u] < count);
        used[component[u]] = true;
        for (uint32_t v = 0; v < d.graph.nodes; v++) {
            bool same = far[u][v] < NO_PATH && far[v][u] < NO_PATH;
            must((component[u] == component[v]) == same);
            if (has_edge(&d, u, v))
                must(component[u] >= component[v]);
        }
    }
    for (uint32_t c = 0; c < count; c++)
        must(used[c]);
}

static void check_reverse(const insp_reverse *r)
{
    uint64_t n = 0;
    for (uint32_t v = 0; v < d.graph.nodes; v++) {
        must(r->off[v] == n);
        for (uint32_t u = 0; u < d.graph.nodes; u++) {
            for (uint64_t e = d.off[u]; e < d.off[u + 1]; e++) {
                if (d.to[e] == v)
                    must(r->to[n++] == u);
            }
        }
    }
    must(r->off[d.graph.nodes] == n);
    must(n == d.edges);
}

static insp_status shortest(const insp_subgraph *part, uint32_t from, uint32_t to,
                            insp_u32s *path)
{
    INSP_CLEANUP(insp_bits_deinit) insp_bits starts = {0};
    must(insp_bits_init(&starts, d.graph.nodes));
    if (from < d.graph.nodes)
        insp_bits_add(&starts, from);
    return insp_graph_shortest(&d.graph, part, &starts, to, path, &err);
}

static void check_shortest(const insp_subgraph *part)
{
    insp_u32s path = {0};
    for (uint32_t u = 0; u < d.graph.nodes; u++) {
        for (uint32_t v = 0; v < d.graph.nodes; v++) {
            ck_ok(shortest(part, u, v, &path));
            must(path.len == (far[u][v] < NO_PATH ? far[u][v] + 1 : 0));
            for (size_t i = 0; i + 1 < path.len; i++)
                must(has_edge(&d, path.at[i], path.at[i + 1]));
            if (path.len) {
                must(path.at[0] == u);
                must(path.at[path.len - 1] == v);
            }
        }
    }
    insp_u32s_deinit(&path);
}

// From several starts: as long as from the nearest of them.
static void check_nearest(const insp_subgraph *part)
{
    INSP_CLEANUP(insp_bits_deinit) insp_bits starts = {0};
    INSP_CLEANUP(insp_u32s_deinit) insp_u32s path = {0};
    must(insp_bits_init(&starts, d.graph.nodes));
    for (uint32_t u = 0; u < d.graph.nodes; u++) {
        if (random_word() % 8 == 0)
            insp_bits_add(&starts, u);
    }
    for (uint32_t v = 0; v < d.graph.nodes; v++) {
        uint32_t nearest = NO_PATH;
        for (uint32_t u = 0; u < d.graph.nodes; u++) {
            if (insp_bits_has(&starts, u) && far[u][v] < nearest)
                nearest = far[u][v];
        }
        ck_ok(insp_graph_shortest(&d.graph, part, &starts, v, &path, &err));
        must(path.len == (nearest < NO_PATH ? nearest + 1 : 0));
        must(!path.len || insp_bits_has(&starts, path.at[0]));
    }
}

// over[i][v]: every path from the root to v goes through i, which is not v.
static bool over[DRAWN_NODES][DRAWN_NODES];

static void find_dominance(uint32_t root)
{
    static distances without;
    for (uint32_t i = 0; i < d.graph.nodes; i++) {
        measure(&d, i, without);
        for (uint32_t v = 0; v < d.graph.nodes; v++)
            over[i][v] = i != v && far[root][v] < NO_PATH && without[root][v] == NO_PATH;
    }
}

// The one of v's dominators that all others of them dominate.
static uint32_t nearest_over(uint32_t v)
{
    for (uint32_t i = 0; i < d.graph.nodes; i++) {
        bool nearest = over[i][v];
        for (uint32_t k = 0; k < d.graph.nodes; k++)
            nearest &= !over[k][v] || k == i || over[k][i];
        if (nearest)
            return i;
    }
    return UINT32_MAX;
}

static void check_order(const insp_u32s *order, const uint32_t *idom, uint32_t root)
{
    bool seen[DRAWN_NODES] = {0};
    for (size_t i = 0; i < order->len; i++) {
        uint32_t v = order->at[i];
        must(v < d.graph.nodes);
        must(!seen[v]);
        must(v == root || seen[idom[v]]);
        seen[v] = true;
    }
    for (uint32_t v = 0; v < d.graph.nodes; v++)
        must(seen[v] == (far[root][v] < NO_PATH));
}

static void check_dominators(uint32_t root)
{
    uint32_t idom[DRAWN_NODES], again[DRAWN_NODES];
    insp_u32s order = {0};
    ck_ok(insp_graph_dominators(&d.graph, root, idom, &order, &err));
    find_dominance(root);
    for (uint32_t v = 0; v < d.graph.nodes; v++)
        must(idom[v] == (v == root ? root : nearest_over(v)));
    check_order(&order, idom, root);
    ck_ok(insp_graph_dominators(&d.graph, root, again, NULL, &err));
    ck_assert_mem_eq(idom, again, d.graph.nodes * sizeof(*idom));
    insp_u32s_deinit(&order);
}

// Everything there is to check of d, whose part is described by its fields.
static void check_all(void)
{
    insp_bits nodes = {0};
    ck_assert(insp_bits_init(&nodes, d.graph.nodes));
    bool whole = true, unfiltered = true;
    for (uint32_t i = 0; i < d.graph.nodes; i++) {
        whole &= d.in_part[i];
        if (d.in_part[i])
            insp_bits_add(&nodes, i);
    }
    for (uint64_t e = 0; e < d.edges; e++)
        unfiltered &= d.kept[e];
    insp_subgraph part = {whole ? NULL : &nodes, unfiltered ? NULL : drawn_keeps, &d, NULL};
    insp_reverse reverse;
    measure(&d, UINT32_MAX, far);
    ck_ok(insp_graph_reverse(&d.graph, &reverse, &err));
    check_reverse(&reverse);
    check_reach(&part);
    check_components(&part);
    check_shortest(&part);
    check_nearest(&part);
    insp_graph back = {d.graph.nodes, reverse.off, reverse.to};
    part.reverse = &back;
    check_components(&part);
    insp_reverse_deinit(&reverse);
    insp_bits_deinit(&nodes);
}

// ---- drawn by hand -------------------------------------------------------------------------

START_TEST(a_graph_without_nodes_has_answers)
{
    uint32_t none, count = 1;
    insp_u32s path = {0};
    draw(&d, 0, "");
    check_all();
    ck_ok(insp_graph_components(&d.graph, &all, &none, &count, &err));
    ck_assert_uint_eq(count, 0);
    ck_fails(shortest(&all, 0, 0, &path), INSP_ERR_ARGUMENT, 0, "node 0 of a graph of 0");
    ck_fails(insp_graph_dominators(&d.graph, 0, &none, &path, &err), INSP_ERR_ARGUMENT, 0,
             "node 0 of a graph of 0");
}
END_TEST

START_TEST(a_graph_without_edges_has_answers)
{
    uint32_t of[DRAWN_NODES], count;
    draw(&d, DRAWN_NODES, "");
    d.graph.to = NULL;
    check_all();
    check_dominators(70);
    ck_ok(insp_graph_components(&d.graph, &all, of, &count, &err));
    ck_assert_uint_eq(count, DRAWN_NODES);
}
END_TEST

START_TEST(a_node_that_does_not_exist_is_an_argument)
{
    uint32_t idom[3];
    insp_u32s path = {0};
    draw(&d, 3, "0>1 1>2");
    ck_fails(shortest(&all, 0, 3, &path), INSP_ERR_ARGUMENT, 0, "node 3 of a graph of 3");
    ck_fails(insp_graph_dominators(&d.graph, 3, idom, NULL, &err), INSP_ERR_ARGUMENT, 0,
             "node 3 of a graph of 3");
}
END_TEST

// Two rings joined by an edge, a tail, a loop, a node alone, a doubled edge.
START_TEST(components_come_with_the_last_first)
{
    uint32_t component[9], count;
    draw(&d, 9, "0>1 1>2 2>0 2>3 3>4 4>5 5>3 4>3 3>4 5>6 7>7 7>0");
    check_all();
    ck_ok(insp_graph_components(&d.graph, &all, component, &count, &err));
    ck_assert_uint_eq(count, 5);
    ck_assert(component[0] == component[1] && component[1] == component[2]);
    ck_assert(component[3] == component[4] && component[4] == component[5]);
    ck_assert(component[7] > component[0] && component[0] > component[3]);
    ck_assert(component[3] > component[6]);
}
END_TEST

START_TEST(a_shortest_path_has_both_ends)
{
    static const uint32_t expected[] = {0, 5, 3};
    insp_u32s path = {0};
    draw(&d, 6, "0>1 1>2 2>3 0>4 4>2 0>5 5>3 3>0");
    ck_ok(shortest(&all, 0, 3, &path));
    ck_assert_uint_eq(path.len, 3);
    ck_assert_mem_eq(path.at, expected, sizeof(expected));
    ck_ok(shortest(&all, 4, 4, &path));
    ck_assert_uint_eq(path.len, 1);
    ck_assert_uint_eq(path.at[0], 4);
    ck_ok(shortest(&all, 3, 4, &path));
    ck_assert_uint_eq(path.len, 3);
    insp_u32s_deinit(&path);
}
END_TEST

// Lengauer and Tarjan, "A fast algorithm for finding dominators in a flowgraph" (1979), figures 1
// and 2, whose R and A to L are 0 and 1 to 12 here.
START_TEST(dominators_of_the_paper)
{
    static const uint32_t expected[] = {0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 7, 0, 4};
    uint32_t idom[13];
    draw(&d, 13,
         "0>1 0>2 0>3 1>4 2>1 2>4 2>5 3>6 3>7 4>12 5>8 6>9 7>9 7>10 8>5 8>11 9>11 10>9 "
         "11>9 11>0 12>8");
    ck_ok(insp_graph_dominators(&d.graph, 0, idom, NULL, &err));
    ck_assert_mem_eq(idom, expected, sizeof(expected));
    measure(&d, UINT32_MAX, far);
    check_dominators(0);
}
END_TEST

// Two ways into a ring; a way back into the middle of a path; a root that is led back to.
static const struct {
    uint32_t nodes;
    const char *edges;
} shapes[] = {
    {1, ""},
    {1, "0>0 0>0"},
    {2, "0>1 1>0 0>1"},
    {4, "0>1 0>2 1>3 3>1 2>3"},
    {6, "0>1 1>2 2>3 3>4 4>2 0>5 5>3 5>4"},
    {8, "0>1 1>2 2>3 3>4 4>5 5>6 6>7 7>1 0>4 4>2 2>6"},
    {7, "0>1 0>2 1>3 2>3 3>4 3>5 4>6 5>6 6>3 6>0"},
    {65, "0>63 63>64 64>0 64>62 1>0"},
};

START_TEST(drawn_shapes_have_the_answers_of_the_slow_way) // one run a row
{
    draw(&d, shapes[_i].nodes, shapes[_i].edges);
    check_all();
    for (uint32_t root = 0; root < d.graph.nodes; root++)
        check_dominators(root);
}
END_TEST

// ---- at random -----------------------------------------------------------------------------

START_TEST(random_graphs_have_the_answers_of_the_slow_way) // _i: 1 nodes, 2 edges left out
{
    for (int k = 0; k < 600; k++) {
        uint32_t nodes = (uint32_t)(random_word() % 13);
        draw_random(&d, nodes, random_word() % (3 * nodes + 1));
        leave_out(&d, _i & 1, _i & 2);
        check_all();
        if (nodes && !_i)
            check_dominators((uint32_t)(random_word() % nodes));
    }
}
END_TEST

START_TEST(larger_random_graphs_too)
{
    for (int k = 0; k < 8; k++) {
        uint32_t nodes = 60 + (uint32_t)(random_word() % 40);
        draw_random(&d, nodes, nodes / 2 + random_word() % (4 * nodes));
        leave_out(&d, _i & 1, _i & 2);
        check_all();
        if (!_i)
            check_dominators((uint32_t)(random_word() % nodes));
    }
}
END_TEST

START_TEST(node_sets_end_where_the_graph_does)
{
    insp_bits b = {0};
    ck_assert(insp_bits_init(&b, 130));
    for (uint32_t i = 0; i < 130; i++) {
        ck_assert(!insp_bits_has(&b, i));
        insp_bits_add(&b, i);
        ck_assert(insp_bits_has(&b, i));
        ck_assert(i == 129 || !insp_bits_has(&b, i + 1));
    }
    insp_bits_remove(&b, 64);
    ck_assert(!insp_bits_has(&b, 64) && insp_bits_has(&b, 63) && insp_bits_has(&b, 65));
    insp_bits_deinit(&b);
    ck_assert_ptr_null(b.word);
}
END_TEST

extern Suite *insp_graph_suite(void);

Suite *insp_graph_suite(void)
{
    Suite *s = suite_create("graph");
    TCase *t = tcase_create("graph");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, a_graph_without_nodes_has_answers);
    tcase_add_test(t, a_graph_without_edges_has_answers);
    tcase_add_test(t, a_node_that_does_not_exist_is_an_argument);
    tcase_add_test(t, components_come_with_the_last_first);
    tcase_add_test(t, a_shortest_path_has_both_ends);
    tcase_add_test(t, dominators_of_the_paper);
    tcase_add_loop_test(t, drawn_shapes_have_the_answers_of_the_slow_way, 0,
                        sizeof(shapes) / sizeof(shapes[0]));
    tcase_add_loop_test(t, random_graphs_have_the_answers_of_the_slow_way, 0, 4);
    tcase_add_loop_test(t, larger_random_graphs_too, 0, 4);
    tcase_add_test(t, node_sets_end_where_the_graph_does);
    suite_add_tcase(s, t);
    return s;
}
