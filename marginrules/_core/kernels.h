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

// Lanes of one block, so that its numbers stay in the nearest cache.
enum { BLOCK = 64, VECTORS = BLOCK / LANES };

// Copy a block of one column, filled up with 1 where the array ends, so that the last lanes go the same way as all others.
INLINE void take(const double* from, int64_t count, lanes (*to)[8]) {
    int64_t whole = count / LANES, rest = count % LANES;
    for (int64_t v = 0; v < whole; v++)
        memcpy(to[v], from + v * LANES, sizeof(lanes));
    if (rest) {
        to[whole][0] = every(1.0);
        memcpy(to[whole], from + whole * LANES, (size_t)rest * sizeof(double));
    }
}

INLINE void give(lanes (*from)[6], int64_t count, double* to) {
    int64_t whole = count / LANES, rest = count % LANES;
    for (int64_t v = 0; v < whole; v++)
        memcpy(to + v * LANES, from[v], sizeof(lanes));
    if (rest)
        memcpy(to + whole * LANES, from[whole], (size_t)rest * sizeof(double));
}

// A whole block is read before any of it is written, so an output may be an input. Each function is one of its own, so that
// none takes registers from another.
#define ARRAY_FUNCTION(name, in_count, out_count, FIRST, SECOND)                                               \
    static __attribute__((noinline)) void name##_array(int64_t n, const double* const* in, double* const* out) { \
        for (int64_t first = 0; first < n; first += BLOCK) {                                                   \
            lanes taken[VECTORS][8], given[VECTORS][6];                                                        \
            prepared half[VECTORS];                                                                            \
            int64_t count = n - first < BLOCK ? n - first : BLOCK, vectors = (count + LANES - 1) / LANES;      \
            for (int k = 0; k < in_count; k++)                                                                 \
                take(in[k] + first, count, (lanes(*)[8])&taken[0][k]);                                         \
            for (int64_t v = 0; v < vectors; v++)                                                              \
                FIRST;                                                                                         \
            for (int64_t v = 0; v < vectors; v++)                                                              \
                SECOND;                                                                                        \
            for (int k = 0; k < out_count; k++)                                                                \
                if (out[k])                                                                                    \
                    give((lanes(*)[6])&given[0][k], count, out[k] + first);                                    \
        }                                                                                                      \
    }
#define IN_ONE(name, in_count, out_count) \
    ARRAY_FUNCTION(name, in_count, out_count, (void)half, name##_lanes(taken[v], given[v]))
#define IN_HALVES(name, model, in_count, out_count)                                 \
    ARRAY_FUNCTION(name, in_count, out_count, prepare_##model(taken[v], half + v), \
                   name##_lanes(taken[v], half + v, given[v]))

IN_ONE(exp_lanes, 1, 1)
IN_ONE(log_lanes, 1, 1)
IN_ONE(pow_lanes, 2, 1)
IN_ONE(normal_cdf, 1, 1)
IN_HALVES(price_black76, black76, 5, 1)
IN_HALVES(price_black76_inverse, black76, 5, 1)
IN_HALVES(price_black_scholes, black_scholes, 7, 1)
IN_ONE(price_american, 7, 1)
IN_HALVES(greeks_black76, black76, 5, 6)
IN_HALVES(greeks_black_scholes, black_scholes, 7, 6)
IN_ONE(greeks_american, 7, 6)
IN_ONE(implied_black76, 5, 1)
IN_ONE(implied_black_scholes, 7, 1)
IN_ONE(implied_american, 7, 1)

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
