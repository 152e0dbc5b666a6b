// SPDX-License-Identifier: Apache-2.0
//
// Pricing with eight lanes. The set has fused multiply-add, which gives other bits than machines without it; that the
// compiler does not use it unasked is what `-ffp-contract=off` in `setup.py` says, and a test compares the bits.

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2,avx512f,avx512dq")
#define LANES 8
#define RUN run_eight_lanes
#include "kernels.h"
#else
typedef int no_eight_lanes;  // a file must declare something
#endif
