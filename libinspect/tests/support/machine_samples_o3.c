// SPDX-License-Identifier: MIT
#ifndef __clang__
#pragma GCC optimize("O3", "no-tree-loop-distribute-patterns")
#endif
#define SAMPLES machine_samples_o3
#include "machine_samples.inc"
