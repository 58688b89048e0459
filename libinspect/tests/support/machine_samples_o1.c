// SPDX-License-Identifier: MIT
#ifndef __clang__
#pragma GCC optimize("O1", "no-tree-loop-distribute-patterns")
#endif
#define SAMPLES machine_samples_o1
#include "machine_samples.inc"
