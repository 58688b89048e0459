// SPDX-License-Identifier: MIT
#ifndef __clang__
#pragma GCC optimize("O0", "no-tree-loop-distribute-patterns")
#else
#pragma clang optimize off
#endif
#define SAMPLES machine_samples_o0
#include "machine_samples.inc"
