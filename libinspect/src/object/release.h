// SPDX-License-Identifier: MIT
/**
 * @file
 * What an object owns by the word of its type's own tp_dealloc, interpreted outside the target.
 *
 * tp_traverse shows the collector only what can be part of a cycle: a Cython class leaves out its str and
 * bytes members, and what is no gc object (a numpy array, a capsule) shows nothing. But whoever owns a
 * reference gives it back when it dies. So the dealloc is interpreted with its writes kept to itself, and
 * the refcounts that it has lowered say what was owned, however it was kept.
 */
#ifndef INSP_OBJECT_RELEASE_H
#define INSP_OBJECT_RELEASE_H

#include "ref.h"
#include "type.h"

typedef struct insp_decoder insp_decoder;

/** An object whose count a dealloc has lowered, and by how much more than is known. */
typedef struct insp_released_row {
    insp_addr target;
    uint32_t n;
} insp_released_row;

INSP_VEC(insp_released_rows, insp_released_row);

enum { INSP_RELEASE_WORDS = 1024 };

typedef struct insp_release {
    insp_machine *machine;      /**< NULL before it is first needed */
    bool failed;                /**< there is none to be had */
    uint64_t most_instructions; /**< see insp_release_allow */
    insp_released_rows rows;
    insp_addrs evicted; /**< names that a look-up on the way has pushed out of a type cache */
    insp_refs tee;      /**< what the walk of the object emits, on its way to `to` */
    insp_refs *to;
    insp_addr object;                      /**< being walked */
    uint64_t met[INSP_RELEASE_WORDS / 64]; /**< its words that the walk has emitted as slots */
} insp_release;

void insp_release_deinit(insp_release *release);

/** From now on deallocs are followed for at most so many instructions in all. */
void insp_release_allow(insp_release *release, uint64_t instructions);

/** Note from here on which words of the object at addr are emitted as slots, until insp_release_unwatch. */
void insp_release_watch(insp_decoder *d, insp_addr addr);
void insp_release_unwatch(insp_decoder *d);

/** Whether the word at an offset of the object was. */
static inline bool insp_release_met(const insp_release *rel, uint64_t offset)
{
    uint64_t word = offset / 8;
    return word < INSP_RELEASE_WORDS && rel->met[word / 64] >> (word % 64) & 1;
}

/** Interpret the dealloc. True: what follows is to be emitted through release->tee. */
bool insp_release_begin(insp_decoder *d, insp_addr addr, const insp_typeinfo *t);

/** Emit what the walk has left out. */
void insp_release_end(insp_decoder *d, insp_addr addr, const insp_typeinfo *t);

#endif
