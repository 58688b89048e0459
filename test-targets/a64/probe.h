/* SPDX-License-Identifier: MIT */
/* Where stub.inc finds what in a struct state. */
#ifndef A64_PROBE_H
#define A64_PROBE_H

#define STATE_SP 248
#define STATE_FLAGS 256
#define STATE_OLD_SP 264
#define STATE_V 272

#endif
