// SPDX-License-Identifier: MIT
#include "session.h"

enum { CLASSES = 32, STEP = 16 };

static bool fill_pools(const insp_pools *p, const insp_arena_info *info, insp_arena_row *to,
                       insp_arena *arena)
{
    insp_pool *rows = insp_arena_array(arena, info->n_pools + 1u, sizeof(*rows));
    if (!rows)
        return false;
    for (uint32_t i = 0; i < info->n_pools; i++) {
        const insp_pool_row *row = &p->rows.at[info->first_pool + i];
        rows[i] = (insp_pool){.addr = row->addr,
                              .block_size = row->size,
                              .blocks = row->n,
                              .used = row->used,
                              .state = row->state};
    }
    to->pool = rows;
    return true;
}

// Classes that some pool of an interpreter is of, by size.
static void add_classes(const insp_pools *p, uint32_t interp, insp_size_class *rows, size_t *n)
{
    insp_size_class all[CLASSES] = {{0, 0, 0, 0, 0}};
    for (size_t i = 0; i < p->rows.len; i++) {
        const insp_pool_row *row = &p->rows.at[i];
        if (!row->size || row->size > CLASSES * STEP ||
            p->arenas.at[row->arena].interp != interp)
            continue;
        insp_size_class *c = &all[row->size / STEP - 1];
        c->interp = interp;
        c->size = row->size;
        c->pools++;
        c->used += row->used;
        c->free += row->n - row->used;
    }
    for (size_t i = 0; i < CLASSES; i++) {
        if (all[i].pools)
            rows[(*n)++] = all[i];
    }
}

static bool fill_classes(const insp_session *s, insp_arenas *to, insp_arena *arena)
{
    const insp_obmallocs *states = &s->py.pymalloc.states;
    insp_size_class *rows = insp_arena_array(arena, states->len * CLASSES + 1, sizeof(*rows));
    if (!rows)
        return false;
    for (size_t i = 0; i < states->len; i++)
        add_classes(&s->heap.pools, states->at[i].interp, rows, &to->n_classes);
    to->classes = rows;
    return true;
}

insp_status insp_arena_list(insp_session *s, const insp_arenas **out, insp_error *err)
{
    static const char *const needed[] = {"arenas", "pools", NULL};
    insp_status st = insp_need(s, INSP_STAGE_OBJECTS, err);
    if (!st)
        st = insp_require(s, needed, err);
    if (st)
        return st;
    insp_arena *arena;
    const insp_pools *p = &s->heap.pools;
    size_t n = p->arenas.len;
    insp_arenas *answer = insp_answer_new(sizeof(*answer), &arena);
    insp_arena_row *rows = answer ? insp_arena_array(arena, n + 1, sizeof(*rows)) : NULL;
    bool fits = rows && fill_classes(s, answer, arena);
    for (size_t i = 0; fits && i < n; i++) {
        const insp_arena_info *info = &p->arenas.at[i];
        rows[i] = (insp_arena_row){.addr = info->addr,
                                   .size = s->py.pymalloc.arena_size,
                                   .interp = info->interp,
                                   .pools = info->n_pools,
                                   .free_pools = info->free_pools,
                                   .used_blocks = info->used_blocks,
                                   .used_bytes = info->used_bytes};
        fits = fill_pools(p, info, &rows[i], arena);
    }
    if (!fits) {
        insp_answer_free(answer);
        return insp_nomem(err);
    }
    answer->rows = rows;
    answer->len = n;
    *out = answer;
    return INSP_OK;
}
