// SPDX-License-Identifier: MIT
/** @file Generated from libinspect.h by gdbext/tools/gen_abi.py. Do not edit. */
#ifndef INSP_API_ABI_HASH_H
#define INSP_API_ABI_HASH_H

#define INSP_ABI_HASH 0xc705435cu

#endif
