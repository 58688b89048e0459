// SPDX-License-Identifier: MIT
#include "flavour.h"

#include <stddef.h>

// Newest first; the issues that made the difference stand with the enumerators.
//
// Pools of 16 KiB in arenas of 1 MiB: 3.10 (bpo-37448). countless: the statically allocated ints, strings
// and tuples of 3.11 are born with 999 999 999 references (_PyObject_IMMORTAL_REFCNT). Generators' states:
// pycore_frame.h, renumbered in 3.15.
// from, free-threaded; count, ints, keys, frames, pre-header, allocator, collector; pool, arena;
// countless; executing, done; static types' state; least digits, static variables own, gc heads of;
// immortals' count (_Py_IMMORTAL_REFCNT)
static const insp_flavour flavours[] = {
    {0x030f0000, false, INSP_COUNT_FLAGS, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_TAGGED,
     INSP_PREHEADER_DICT, INSP_ALLOC_POINTER, INSP_GC_GENERATIONS, 16 << 10, 1 << 20, 0, 4, 5,
     true, 1, false, INSP_HEADS_BUT_STATIC, UINT32_C(3) << 30},
    {0x030f0000, true, INSP_COUNT_BIASED, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_TAGGED,
     INSP_PREHEADER_DICT, INSP_ALLOC_MIMALLOC, INSP_GC_NO_LISTS, 16 << 10, 1 << 20, 0, 4, 5,
     true, 1, false, INSP_HEADS_BUT_STATIC, 0},
    {0x030e0500, false, INSP_COUNT_FLAGS, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_TAGGED,
     INSP_PREHEADER_DICT, INSP_ALLOC_POINTER, INSP_GC_GENERATIONS, 16 << 10, 1 << 20, 0, 0, 4,
     true, 1, false, INSP_HEADS_BUT_STATIC, UINT32_C(3) << 30},
    {0x030e0000, false, INSP_COUNT_FLAGS, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_TAGGED,
     INSP_PREHEADER_DICT, INSP_ALLOC_POINTER, INSP_GC_INCREMENTAL, 16 << 10, 1 << 20, 0, 0, 4,
     true, 1, false, INSP_HEADS_BUT_STATIC, UINT32_C(3) << 30},
    {0x030e0000, true, INSP_COUNT_BIASED, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_TAGGED,
     INSP_PREHEADER_DICT, INSP_ALLOC_MIMALLOC, INSP_GC_NO_LISTS, 16 << 10, 1 << 20, 0, 0, 4,
     true, 1, false, INSP_HEADS_BUT_STATIC, 0},
    {0x030d0000, false, INSP_COUNT_IMMORTAL, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_INTERP,
     INSP_PREHEADER_DICT, INSP_ALLOC_POINTER, INSP_GC_GENERATIONS, 16 << 10, 1 << 20, 0, 0, 4,
     true, 1, false, INSP_HEADS_BUT_STATIC, UINT32_MAX},
    {0x030d0000, true, INSP_COUNT_BIASED, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_INTERP,
     INSP_PREHEADER_DICT, INSP_ALLOC_MIMALLOC, INSP_GC_NO_LISTS, 16 << 10, 1 << 20, 0, 0, 4,
     true, 1, false, INSP_HEADS_BUT_STATIC, 0},
    {0x030c0000, false, INSP_COUNT_IMMORTAL, INSP_INT_TAG, INSP_KEYS_LOG2, INSP_FRAMES_INTERP,
     INSP_PREHEADER_TAGGED, INSP_ALLOC_MEMBER, INSP_GC_GENERATIONS, 16 << 10, 1 << 20, 0, 0, 4,
     true, 1, false, INSP_HEADS_OF_TYPES, UINT32_MAX},
    {0x030b0000, false, INSP_COUNT_PLAIN, INSP_INT_SIGNED_SIZE, INSP_KEYS_LOG2,
     INSP_FRAMES_INTERP, INSP_PREHEADER_VALUES, INSP_ALLOC_STATIC, INSP_GC_GENERATIONS,
     16 << 10, 1 << 20, 999000000, 0, 4, false, 1, false, INSP_HEADS_OF_TYPES, 0},
    {0x030a0000, false, INSP_COUNT_PLAIN, INSP_INT_SIGNED_SIZE, INSP_KEYS_LOOKUP,
     INSP_FRAMES_OBJECTS, INSP_PREHEADER_NONE, INSP_ALLOC_STATIC, INSP_GC_GENERATIONS, 16 << 10,
     1 << 20, 0, 0, 1, false, 0, true, INSP_HEADS_OF_OBJECTS, 0},
    {0x03080000, false, INSP_COUNT_PLAIN, INSP_INT_SIGNED_SIZE, INSP_KEYS_LOOKUP,
     INSP_FRAMES_OBJECTS, INSP_PREHEADER_NONE, INSP_ALLOC_STATIC, INSP_GC_GENERATIONS, 4 << 10,
     256 << 10, 0, 0, 1, false, 0, true, INSP_HEADS_OF_OBJECTS, 0},
};

const insp_flavour *insp_flavour_of(uint32_t hex, bool free_threaded)
{
    for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
        if (hex >= flavours[i].from && free_threaded == flavours[i].free_threaded)
            return &flavours[i];
    }
    return NULL;
}
