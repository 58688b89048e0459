// SPDX-License-Identifier: MIT
#include "packed.h"

#include "scratch.h"

insp_packed *insp_packed_create(const insp_graph *g)
{
    insp_packed *packed = insp_scratch(g->nodes, sizeof(*packed));
    for (uint32_t i = 0; packed && i < g->nodes; i++) {
        uint64_t n = g->off[i + 1] - g->off[i];
        insp_packed p = {{INSP_NONE, INSP_NONE, INSP_NONE, INSP_NONE}};
        if (n > INSP_PACKED)
            p.to[0] = INSP_PACKED_LONG;
        for (uint64_t k = 0; n <= INSP_PACKED && k < n; k++)
            p.to[k] = g->to[g->off[i] + k];
        packed[i] = p;
    }
    return packed;
}
