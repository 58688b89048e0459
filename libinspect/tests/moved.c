// SPDX-License-Identifier: MIT
/**
 * @file
 * moved CORE [STRUCTURE.MEMBER]: read a core with each field of CPython's structures taken to lie 4, then 8 bytes behind its place, and say
 * what became of it.
 *
 *   refused  no interpreter is found, or a proof of its layout fails: the verbs that need it refuse
 *   told     a repair, findings, freed referents or deficits that the core does not have: the answer says it is wrong
 *   same     every object, reference and count is what it was: the field is not asked, or repaired
 *   less     objects or references are not found, none is made up, and larger remainders say that something is missing
 *   unsaid   the same, but remainders do not say it
 *   SILENT   something is made up
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
    uint64_t counts;   // a number for all remainders
    uint64_t surplus;  // sum of what is not explained
    insp_addrs claims; // a number for each object and each reference, sorted
} reading;

enum { REFUSED, TOLD, SAME, LESS, UNSAID, SILENT, OUTCOMES };

static const char *const words[OUTCOMES] = {"refused", "told",   "same",
                                            "less",    "unsaid", "SILENT"};

static insp_member moved = INSP_MEMBERS;
static int32_t by;
static bool absent; // the build has no such field

void __real_insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex,
                             uint16_t elf_machine);
void __wrap_insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex,
                             uint16_t elf_machine);

void __wrap_insp_layout_take(insp_layout *layout, uint32_t table, uint32_t hex,
                             uint16_t elf_machine)
{
    __real_insp_layout_take(layout, table, hex, elf_machine);
    absent = moved < INSP_MEMBERS && layout->off[moved] < 0;
    if (moved < INSP_MEMBERS && !absent)
        layout->off[moved] += by;
}

static uint64_t mixed(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 29;
}

static int by_value(const void *a, const void *b)
{
    insp_addr x = *(const insp_addr *)a, y = *(const insp_addr *)b;
    return x < y ? -1 : x > y;
}

static void claim(reading *r, uint64_t number)
{
    if (!insp_addrs_push(&r->claims, number))
        abort();
}

static void gather(const insp_heap *h, reading *r)
{
    for (uint32_t n = 0; n < h->n_objects; n++) {
        if (!(h->kind.at[n] & INSP_K_OBJECT))
            continue;
        insp_addr addr = insp_heap_addr(h, n);
        claim(r, mixed(addr, h->kind.at[n]));
        r->counts += mixed(addr, (uint32_t)h->remainder.at[n]);
        if (h->kind.at[n] & INSP_K_COUNTED && h->remainder.at[n] > 0)
            r->surplus += (uint32_t)h->remainder.at[n];
        for (uint64_t e = h->off.at[n]; e < h->off.at[n + 1]; e++)
            claim(r, mixed(mixed(addr, insp_heap_addr(h, h->to.at[e])), h->edge_kind.at[e]));
    }
    if (r->claims.len)
        qsort(r->claims.at, r->claims.len, sizeof(*r->claims.at), by_value);
}

// Whether nothing is claimed that is not so.
static bool is_part(const insp_addrs *part, const insp_addrs *whole)
{
    size_t k = 0;
    for (size_t i = 0; i < part->len; i++, k++) {
        while (k < whole->len && whole->at[k] < part->at[i])
            k++;
        if (k == whole->len || whole->at[k] != part->at[i])
            return false;
    }
    return true;
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
        gather(&s->heap, &r);
    }
    insp_close(s);
    return r;
}

static int outcome_of(const reading *sound, const reading *now)
{
    if (now->refused)
        return REFUSED;
    if (now->told > sound->told)
        return TOLD;
    if (now->claims.len == sound->claims.len && now->counts == sound->counts &&
        is_part(&now->claims, &sound->claims))
        return SAME;
    if (!is_part(&now->claims, &sound->claims))
        return SILENT;
    return now->surplus > sound->surplus ? LESS : UNSAID;
}

// All fields, or the one that is asked for.
static bool is_asked(const char *asked, insp_member member)
{
    const char *structure = insp_member_struct(member);
    size_t n = strlen(structure);
    return !asked || (!strncmp(asked, structure, n) && asked[n] == '.' &&
                      !strcmp(asked + n + 1, insp_member_name(member)));
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        return 2;
    unsigned count[OUTCOMES] = {0};
    reading sound = read_core(argv[1]);
    if (sound.refused)
        return 2;
    for (unsigned m = 0; m < INSP_MEMBERS; m++) {
        for (by = 4; by <= 8 && is_asked(argv[2], (insp_member)m); by += 4) {
            moved = (insp_member)m;
            reading now = read_core(argv[1]);
            if (absent)
                break;
            int outcome = outcome_of(&sound, &now);
            insp_addrs_deinit(&now.claims);
            count[outcome]++;
            (void)printf("%s %s.%s by %d\n", words[outcome], insp_member_struct(moved),
                         insp_member_name(moved), by);
        }
    }
    for (int i = 0; i < OUTCOMES; i++)
        (void)printf("%s%u %s", i ? ", " : "", count[i], words[i]);
    (void)printf("\n");
    insp_addrs_deinit(&sound.claims);
    return count[SILENT] ? 1 : 0;
}
