// SPDX-License-Identifier: MIT
#include "paths.h"

#include "../base/cleanup.h"
#include "ledger.h"

bool insp_is_owned_edge(const void *heap, uint64_t edge)
{
    const insp_heap *h = heap;
    return (h->edge_kind.at[edge] & INSP_E_KIND_MASK) == INSP_REF_OWNED;
}

insp_path_origin insp_origin_of(const insp_heap *h, uint32_t node)
{
    if (node >= h->n_objects)
        return INSP_PATH_ROOT;
    if (!insp_heap_is_object(h, node))
        return INSP_PATH_NONE;
    if (!insp_ledger_counts(h, node))
        return INSP_PATH_STATIC;
    return h->remainder.at[node] > 0 ? INSP_PATH_SURPLUS : INSP_PATH_NONE;
}

insp_status insp_owner_path(const insp_heap *h, const insp_graph *g, uint32_t number,
                            insp_path_origin *origin, insp_u32s *path, insp_error *err)
{
    INSP_CLEANUP(insp_bits_deinit) insp_bits starts = {0};
    if (!insp_bits_init(&starts, g->nodes))
        return insp_nomem(err);
    const insp_subgraph part = {.keep = insp_is_owned_edge, .ctx = h};
    path->len = 0;
    insp_status st = INSP_OK;
    for (insp_path_origin f = INSP_PATH_ROOT; !st && !path->len && f <= INSP_PATH_SURPLUS;
         f++) {
        for (uint32_t n = 0; n < g->nodes; n++) {
            if (insp_origin_of(h, n) == f)
                insp_bits_add(&starts, n);
            else
                insp_bits_remove(&starts, n);
        }
        st = insp_graph_shortest(g, &part, &starts, number, path, err);
        *origin = path->len ? f : INSP_PATH_NONE;
    }
    return st;
}
