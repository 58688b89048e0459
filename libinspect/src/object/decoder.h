// SPDX-License-Identifier: MIT
/**
 * @file
 * What one thread needs to read objects: the target through its layout, the types seen so far, and
 * a machine to interpret tp_traverse with.
 */
#ifndef INSP_OBJECT_DECODER_H
#define INSP_OBJECT_DECODER_H

#include "depth.h"
#include "guess.h"
#include "ref.h"
#include "release.h"
#include "type.h"

/** Which frame each one has called: frames may be walked in any order. */
typedef struct insp_callees {
    insp_map place; /**< frame -> its place in `of` */
    insp_addrs of;  /**< the frame that runs because of a call in it, 0 for none */
    bool read;
} insp_callees;

typedef struct insp_decoder {
    insp_reader r;
    const insp_cpython *py;
    insp_types_seen *types;
    insp_machine *machine; /**< NULL: none could be made, or the target is no x86-64 */
    insp_refs *refs;       /**< where the walk in progress emits to */
    insp_addr interned;    /**< the dict of interned strings, 0 where it is not known */
    insp_depths depths;
    insp_callees callees;
    insp_addr inner; /**< the frame that the frame being walked has called, 0 for none */
    bool all;        /**< emit borrowed and weak references and bodies too */
    uint64_t looked; /**< slots that the walk in progress has looked at */
    uint64_t most;   /**< it stops there: more than the target's memory can hold, at first */
    uint64_t
        code_bytes; /**< of line tables and code that may still be read: many frames may claim a large one */
    insp_release release;
    const insp_map *
        withdrawn; /**< slots of which it was a wrong guess that they refer to something, or NULL */
    uint64_t most_instructions; /**< of the machine, as insp_machine_instructions counts them */
} insp_decoder;

/** Fails with INSP_ERR_MEMORY. */
insp_status insp_decoder_init(insp_decoder *d, const insp_cpython *py, insp_types_seen *types,
                              insp_error *err);
void insp_decoder_deinit(insp_decoder *d);

/**
 * Emit every reference of the object at addr, which is an instance of t, into d->refs: each counted
 * reference once; with d->all also what is not counted, and the blocks it owns (INSP_FORM_BODY).
 * What cannot be read becomes a finding, and the rest is emitted.
 */
void insp_walk(insp_decoder *d, insp_addr addr, const insp_typeinfo *t);

/** The parts of insp_walk that have files of their own. */
void insp_walk_dict(insp_decoder *d, insp_addr addr, bool with_bodies);
void insp_walk_keys(insp_decoder *d, insp_addr keys);
void insp_walk_attributes(insp_decoder *d, insp_addr addr, const insp_typeinfo *t);
void insp_walk_odict(insp_decoder *d, insp_addr addr);
void insp_walk_set(insp_decoder *d, insp_addr addr);
void insp_walk_deque(insp_decoder *d, insp_addr addr);
/** With `interpreted`, what tp_traverse visits has been emitted already. */
void insp_walk_lru(insp_decoder *d, insp_addr addr, bool interpreted);
void insp_walk_generator(insp_decoder *d, insp_addr addr);
void insp_walk_frame(insp_decoder *d, insp_addr addr);
/** With `interpreted`, a heap type's visited references have been emitted already. */
void insp_walk_type(insp_decoder *d, insp_addr addr, bool interpreted);
void insp_walk_code(insp_decoder *d, insp_addr addr);
void insp_walk_module(insp_decoder *d, insp_addr addr);

/** Bytes of what an extension module keeps as its state (PyModuleDef.m_size), 0 for none. */
uint64_t insp_module_state_size(insp_reader *r, insp_addr module);

/**
 * How many strings the dict at addr interns: its keys are its values, and they are interned strings. 0 for
 * any other dict.
 */
uint64_t insp_interned_strings(insp_decoder *d, insp_addr addr);
/** What tp_traverse, interpreted, visits. Bit i of what it returns says that slot i of the type was emitted. */
uint64_t insp_walk_traverse(insp_decoder *d, insp_addr addr, const insp_typeinfo *t);

/**
 * Whether the tp_traverse of the object's type, interpreted on the object, visits what lies somewhere from start
 * to end. For what is the same in all objects: *known keeps the answer, 0 while there is none.
 */
bool insp_traverse_visits(insp_decoder *d, insp_addr object, insp_addr start, insp_addr end,
                          int8_t *known);

/**
 * Add to `out` every pointer that the object's own tp_traverse, interpreted on it, visits. False where it has none, or
 * it could not be followed to its end.
 */
bool insp_traverse_all(insp_decoder *d, insp_addr object, insp_addr type, insp_addrs *out);

/**
 * Emit what an interpreter frame holds. `visited` says whether tp_traverse of the owner visits it;
 * a frame that is being executed shows what lies above its locals as possible only.
 */
void insp_walk_iframe(insp_decoder *d, insp_addr iframe, bool visited);

/**
 * Asked by every loop over slots and links, once a turn. Lengths are the target's: a table may claim all
 * memory behind it, a chain may be a circle, and many objects may claim the same.
 */
static inline bool insp_goes_on(insp_decoder *d)
{
    return !d->r.bad && d->looked++ < d->most;
}

/** A chain being followed, zeroed at its start. */
typedef struct insp_chain {
    insp_addr mark;
    uint64_t steps, turn;
} insp_chain;

/** Whether the chain has come to `at` before (Brent 1980: it goes round a circle a few times at most). */
static inline bool insp_chain_closes(insp_chain *c, insp_addr at)
{
    if (!at || at == c->mark)
        return at != 0;
    if (c->steps++ == c->turn) {
        c->mark = at;
        c->turn = c->turn * 2 + 1;
        c->steps = 0;
    }
    return false;
}

/** The finding about a chain that does. */
void insp_circle(insp_decoder *d, insp_addr owner, insp_addr at);

/** Short forms for walks. */
static inline void insp_emit_slot(insp_decoder *d, insp_addr slot, uint8_t form, uint64_t arg,
                                  uint8_t kind, bool visited)
{
    insp_emit(d->refs, (insp_ref){.target = insp_u64(&d->r, slot),
                                  .slot = slot,
                                  .arg = arg,
                                  .form = form,
                                  .kind = kind,
                                  .visited = visited});
}

static inline void insp_emit_named(insp_decoder *d, insp_addr slot, const char *name,
                                   bool visited)
{
    insp_emit_slot(d, slot, INSP_FORM_NAME, (uintptr_t)name, INSP_REF_OWNED, visited);
}

static inline void insp_emit_body(insp_decoder *d, insp_addr block)
{
    if (d->all)
        insp_emit(d->refs, (insp_ref){.target = block, .form = INSP_FORM_BODY});
}

#endif
