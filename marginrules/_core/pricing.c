// SPDX-License-Identifier: Apache-2.0
//
// Pricing with the two lanes that every machine of its kind has, and the choice of more where there are more.

#define LANES 2
#define RUN run_two_lanes
#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_MORE_LANES 1
void run_four_lanes(enum lane_function which, int64_t n, const double* const* in, double* const* out);
void run_eight_lanes(enum lane_function which, int64_t n, const double* const* in, double* const* out);
#endif

static int most_lanes = 64;

int limit_lanes(int most) {
    int before = most_lanes;
    most_lanes = most;
    return before;
}

void lane_function(enum lane_function which, int64_t n, const double* const* in, double* const* out) {
#ifdef HAS_MORE_LANES
    if (most_lanes >= 8 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
        run_eight_lanes(which, n, in, out);
        return;
    }
    if (most_lanes >= 4 && __builtin_cpu_supports("avx2")) {
        run_four_lanes(which, n, in, out);
        return;
    }
#endif
    run_two_lanes(which, n, in, out);
}
