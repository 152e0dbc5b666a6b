// SPDX-License-Identifier: Apache-2.0
//
// From lanes to arrays, for one instruction set. A file that includes this one has said how many `LANES` there are and
// what `RUN` is called.

#include "pricing.h"
#include "lanes.h"
#include "european.h"
#include "american.h"

INLINE void exp_lanes_lanes(const lanes* in, lanes* out) {
    out[0] = exp_of(in[0]);
}

INLINE void log_lanes_lanes(const lanes* in, lanes* out) {
    out[0] = log_of(in[0]);
}

INLINE void pow_lanes_lanes(const lanes* in, lanes* out) {
    out[0] = power_of(in[0], in[1]);
}

INLINE void normal_cdf_lanes(const lanes* in, lanes* out) {
    out[0] = normal_of(in[0]);
}

// The last lanes of an array are filled up with 1 where it ends, so that they go the same way as all others.
INLINE void drive(void (*kernel)(const lanes*, lanes*), int in_count, int out_count, int64_t n, const double* const* in,
                  double* const* out) {
    for (int64_t first = 0; first < n; first += LANES) {
        lanes taken[8], given[6];
        if (n - first >= LANES) {
            for (int k = 0; k < in_count; k++)
                memcpy(taken + k, in[k] + first, sizeof(lanes));
        } else {
            for (int k = 0; k < in_count; k++) {
                taken[k] = every(1.0);
                memcpy(taken + k, in[k] + first, (size_t)(n - first) * sizeof(double));
            }
        }
        kernel(taken, given);
        if (n - first >= LANES) {
            for (int k = 0; k < out_count; k++)
                if (out_count == 1 || out[k])
                    memcpy(out[k] + first, given + k, sizeof(lanes));
        } else {
            for (int k = 0; k < out_count; k++)
                if (out_count == 1 || out[k])
                    memcpy(out[k] + first, given + k, (size_t)(n - first) * sizeof(double));
        }
    }
}

// A function of its own for each, so that one does not take registers from another.
#define ARRAY_FUNCTION(name, in_count, out_count)                                                             \
    static __attribute__((noinline)) void name##_array(int64_t n, const double* const* in, double* const* out) { \
        drive(name##_lanes, in_count, out_count, n, in, out);                                                 \
    }

ARRAY_FUNCTION(exp_lanes, 1, 1)
ARRAY_FUNCTION(log_lanes, 1, 1)
ARRAY_FUNCTION(pow_lanes, 2, 1)
ARRAY_FUNCTION(normal_cdf, 1, 1)
ARRAY_FUNCTION(price_black76, 5, 1)
ARRAY_FUNCTION(price_black76_inverse, 5, 1)
ARRAY_FUNCTION(price_black_scholes, 7, 1)
ARRAY_FUNCTION(price_american, 7, 1)
ARRAY_FUNCTION(greeks_black76, 5, 6)
ARRAY_FUNCTION(greeks_black_scholes, 7, 6)
ARRAY_FUNCTION(greeks_american, 7, 6)
ARRAY_FUNCTION(implied_black76, 5, 1)
ARRAY_FUNCTION(implied_black_scholes, 7, 1)
ARRAY_FUNCTION(implied_american, 7, 1)

__attribute__((visibility("hidden")))
void RUN(enum lane_function which, int64_t n, const double* const* in, double* const* out);

void RUN(enum lane_function which, int64_t n, const double* const* in, double* const* out) {
    static void (*const functions[LANE_FUNCTION_COUNT])(int64_t, const double* const*, double* const*) = {
        [EXP_LANES] = exp_lanes_array,
        [LOG_LANES] = log_lanes_array,
        [POW_LANES] = pow_lanes_array,
        [NORMAL_CDF] = normal_cdf_array,
        [PRICE_BLACK76] = price_black76_array,
        [PRICE_BLACK76_INVERSE] = price_black76_inverse_array,
        [PRICE_BLACK_SCHOLES] = price_black_scholes_array,
        [PRICE_AMERICAN] = price_american_array,
        [GREEKS_BLACK76] = greeks_black76_array,
        [GREEKS_BLACK_SCHOLES] = greeks_black_scholes_array,
        [GREEKS_AMERICAN] = greeks_american_array,
        [IMPLIED_BLACK76] = implied_black76_array,
        [IMPLIED_BLACK_SCHOLES] = implied_black_scholes_array,
        [IMPLIED_AMERICAN] = implied_american_array,
    };
    functions[which](n, in, out);
}
