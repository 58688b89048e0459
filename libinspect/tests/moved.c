// SPDX-License-Identifier: MIT
/**
 * @file
 * moved CORE [STEP]: read a core with each field of CPython's structures taken to lie 4, then 8 bytes behind its place, and say
 * what became of it. With STEP only each STEP-th field.
 *
 *   refused  no interpreter is found, or a proof of its layout fails: the verbs that need it refuse
 *   told     a repair, findings, freed referents or deficits that the core does not have: the answer says it is wrong
 *   same     every object, reference and count is what it was: the field is not asked, or repaired
 *   SILENT   none of these
 *
 * The linker hands insp_layout_take to this file (--wrap).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/api/session.h"

/** What a reading of the core comes to. */
typedef struct reading {
    bool refused;
    uint64_t told;
    uint64_t sum; // of all that is answered
} reading;

enum { OUTCOMES = 4 };

static const char *const words[OUTCOMES] = {"refused", "told", "same", "SILENT"};

static insp_member moved = INSP_MEMBERS;
static int32_t by;
static bool absent; // the build has no such field

void __real_insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex);
void __wrap_insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex);

void __wrap_insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex)
{
    __real_insp_layout_take(layout, table, hex);
    absent = moved < INSP_MEMBERS && layout->off[moved] < 0;
    if (moved < INSP_MEMBERS && !absent)
        layout->off[moved] += by;
}

static uint64_t mixed(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

static uint64_t sum_of(const insp_heap *h)
{
    uint64_t sum = 0;
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (!(h->kind.at[n] & INSP_K_OBJECT))
            continue;
        uint64_t own = mixed(insp_heap_addr(h, n), h->kind.at[n]), targets = 0;
        own = mixed(own, (uint32_t)h->remainder.at[n]);
        for (uint64_t e = h->off.at[n]; e < h->off.at[n + 1]; e++)
            targets += mixed(insp_heap_addr(h, h->to.at[e]), h->edge_kind.at[e]);
        sum += mixed(own, targets);
    }
    return sum;
}

static uint64_t deficits_of(const insp_heap *h)
{
    uint64_t n = h->dangling.len;
    for (uint32_t i = 0; i < h->n_objects; i++)
        n += h->kind.at[i] & INSP_K_COUNTED && h->remainder.at[i] < 0;
    return n;
}

static reading read_core(const char *core)
{
    insp_session *s = NULL;
    insp_job *job = NULL;
    insp_error err;
    reading r = {.refused = true};
    if (insp_open_core(core, NULL, NULL, &s, &err))
        return r;
    insp_status st = insp_job_start(s, INSP_STAGE_REFERENCES, &job, &err);
    if (!st)
        st = insp_job_finish(job, &err);
    r.refused = st != INSP_OK;
    for (size_t i = 0; i < s->py.proofs.len; i++) {
        r.refused = r.refused || s->py.proofs.at[i].result == INSP_PROOF_FAILED;
        r.told += s->py.proofs.at[i].result == INSP_PROOF_REPAIRED;
    }
    if (!r.refused) {
        r.told += s->findings.rows.len + s->findings.left_out + deficits_of(&s->heap);
        r.sum = sum_of(&s->heap);
    }
    insp_close(s);
    return r;
}

static int outcome_of(const reading *sound, const reading *now)
{
    if (now->refused)
        return 0;
    if (now->told > sound->told)
        return 1;
    return now->sum == sound->sum ? 2 : 3;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    unsigned step = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1, count[OUTCOMES] = {0};
    reading sound = read_core(argv[1]);
    if (sound.refused || !step)
        return 2;
    for (unsigned m = 0; m < INSP_MEMBERS; m += step) {
        for (by = 4; by <= 8; by += 4) {
            moved = (insp_member)m;
            reading now = read_core(argv[1]);
            if (absent)
                break;
            int outcome = outcome_of(&sound, &now);
            count[outcome]++;
            (void)printf("%s %s.%s by %d\n", words[outcome], insp_member_struct(moved),
                         insp_member_name(moved), by);
        }
    }
    for (int i = 0; i < OUTCOMES; i++)
        (void)printf("%s%u %s", i ? ", " : "", count[i], words[i]);
    (void)printf("\n");
    return count[OUTCOMES - 1] ? 1 : 0;
}
