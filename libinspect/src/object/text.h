// SPDX-License-Identifier: MIT
/**
 * @file
 * Words for people: the short value of an object, and the name of a slot.
 */
#ifndef INSP_OBJECT_TEXT_H
#define INSP_OBJECT_TEXT_H

#include "../base/strbuf.h"
#include "decoder.h"

/** Append the short value of the object at addr, as repr would begin. Bounded in depth and length. */
void insp_value(insp_decoder *d, insp_addr addr, insp_str *out);

/** Append the name of a slot, as a person would write it. */
void insp_ref_text(insp_decoder *d, const insp_ref *ref, insp_str *out);

#endif
