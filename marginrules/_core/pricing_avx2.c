// SPDX-License-Identifier: Apache-2.0
//
// Pricing with four lanes. AVX2 alone: fused multiply-add would give other bits than machines without it.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2")
#define LANES 4
#define RUN run_four_lanes
#include "kernels.h"
#else
typedef int no_four_lanes;  // a file must declare something
#endif
