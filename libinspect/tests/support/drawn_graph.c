// SPDX-License-Identifier: MIT
#include "drawn_graph.h"

#include <stdlib.h>
#include <string.h>

#include "random_words.h"

// Sort the edges by source, as the arrays want them.
static void finish(drawn_graph *d, uint32_t nodes, const uint32_t (*edges)[2])
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < nodes; i++) {
        d->off[i] = n;
        for (uint64_t e = 0; e < d->edges; e++) {
            if (edges[e][0] == i) {
                d->from[n] = i;
                d->to[n++] = edges[e][1];
            }
        }
    }
    d->off[nodes] = n;
    ck_assert_uint_eq(n, d->edges);
    d->graph = (insp_graph){nodes, d->off, d->to};
    memset(d->in_part, true, sizeof(d->in_part));
    memset(d->kept, true, sizeof(d->kept));
}

void draw(drawn_graph *d, uint32_t nodes, const char *text)
{
    uint32_t edges[DRAWN_EDGES][2];
    d->edges = 0;
    for (char *at = (char *)text; *at; d->edges++) {
        edges[d->edges][0] = (uint32_t)strtoul(at, &at, 10);
        ck_assert_int_eq(*at, '>');
        edges[d->edges][1] = (uint32_t)strtoul(at + 1, &at, 10);
    }
    finish(d, nodes, (const uint32_t(*)[2])edges);
}

void draw_random(drawn_graph *d, uint32_t nodes, uint64_t n)
{
    uint32_t edges[DRAWN_EDGES][2];
    d->edges = nodes ? n : 0;
    for (uint64_t e = 0; e < d->edges; e++) {
        edges[e][0] = (uint32_t)(random_word() % nodes);
        edges[e][1] = (uint32_t)(random_word() % nodes);
    }
    finish(d, nodes, (const uint32_t(*)[2])edges);
}

void leave_out(drawn_graph *d, bool nodes, bool edges)
{
    for (uint32_t i = 0; nodes && i < d->graph.nodes; i++)
        d->in_part[i] = random_word() % 8 > 0;
    for (uint64_t e = 0; edges && e < d->edges; e++)
        d->kept[e] = random_word() % 8 > 0;
}

bool drawn_keeps(const void *ctx, uint64_t edge)
{
    const drawn_graph *d = ctx;
    must(edge < d->edges);
    return d->kept[edge];
}

static bool of_part(const drawn_graph *d, uint64_t e)
{
    return d->kept[e] && d->in_part[d->from[e]] && d->in_part[d->to[e]];
}

bool has_edge(const drawn_graph *d, uint32_t u, uint32_t v)
{
    for (uint64_t e = 0; e < d->edges; e++) {
        if (d->from[e] == u && d->to[e] == v && of_part(d, e))
            return true;
    }
    return false;
}

void measure(const drawn_graph *d, uint32_t without, distances out)
{
    uint32_t n = d->graph.nodes;
    for (uint32_t u = 0; u < n; u++) {
        for (uint32_t v = 0; v < n; v++)
            out[u][v] = u == v && d->in_part[u] && u != without ? 0 : NO_PATH;
    }
    for (uint64_t e = 0; e < d->edges; e++) {
        uint32_t u = d->from[e], v = d->to[e];
        if (of_part(d, e) && u != v && u != without && v != without)
            out[u][v] = 1;
    }
    for (uint32_t k = 0; k < n; k++) {
        for (uint32_t u = 0; u < n; u++) {
            for (uint32_t v = 0; v < n; v++) {
                if (out[u][k] + out[k][v] < out[u][v])
                    out[u][v] = out[u][k] + out[k][v];
            }
        }
    }
}
