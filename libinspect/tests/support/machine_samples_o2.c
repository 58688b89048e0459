// SPDX-License-Identifier: MIT
#ifndef __clang__
#pragma GCC optimize("O2", "no-tree-loop-distribute-patterns")
#endif
#define SAMPLES machine_samples_o2
#include "machine_samples.inc"
