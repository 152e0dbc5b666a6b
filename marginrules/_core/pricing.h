// SPDX-License-Identifier: Apache-2.0
//
// Option pricing and elementary functions on arrays of doubles: the opcodes of a vector machine.
//
// Every argument is an array of n lanes; `out` may be one of the inputs, or apart from them, but must not overlap one
// partly. Lanes do not influence each other, so a lane has the same bits in any array, at any place in it and on any machine.
// Nothing allocates, fails or touches Python.
//
// `right` is +1 for a call and -1 for a put; years and volatility are for one year; rates are continuously compounded;
// prices are for one unit of the underlying. Whatever is negative where it must not be, infinite, not a number, or a right
// that is neither, gives "not a number", as does a result that is not finite.
//
// These are C files of their own, not a part of the Cython source: one and the same code is compiled for more than one
// instruction set, and with vector types the width of the machine is used without asking its optimiser.

#ifndef MARGINRULES_PRICING_H
#define MARGINRULES_PRICING_H

#include <stdint.h>

enum lane_function {
    EXP_LANES, LOG_LANES, POW_LANES, NORMAL_CDF,
    PRICE_BLACK76, PRICE_BLACK76_INVERSE, PRICE_BLACK_SCHOLES, PRICE_AMERICAN,
    GREEKS_BLACK76, GREEKS_BLACK_SCHOLES, GREEKS_AMERICAN,
    IMPLIED_BLACK76, IMPLIED_BLACK_SCHOLES, IMPLIED_AMERICAN,
    LANE_FUNCTION_COUNT
};

// Apply one function. Inputs in the order of the functions below. An output that is NULL is not written.
__attribute__((visibility("hidden")))
void lane_function(enum lane_function which, int64_t n, const double* const* in, double* const* out);

// For tests: never use more than this many lanes at a time. Returns what was allowed before.
__attribute__((visibility("hidden")))
int limit_lanes(int most);

// exp(x) and ln(x), each within 1 ulp; ln(0) is -infinity, ln of less is not a number.
static inline void exp_lanes(int64_t n, const double* x, double* out) {
    lane_function(EXP_LANES, n, (const double*[]){x}, (double*[]){out});
}

static inline void log_lanes(int64_t n, const double* x, double* out) {
    lane_function(LOG_LANES, n, (const double*[]){x}, (double*[]){out});
}

// exp(exponent x ln(base)); exact for the exponents 0, 1/2, 1 and 2. A negative base has no power but 0, 1 and 2.
static inline void pow_lanes(int64_t n, const double* base, const double* exponent, double* out) {
    lane_function(POW_LANES, n, (const double*[]){base, exponent}, (double*[]){out});
}

// N(x), also relatively right in the lower tail until it underflows at -38.
static inline void normal_cdf(int64_t n, const double* x, double* out) {
    lane_function(NORMAL_CDF, n, (const double*[]){x}, (double*[]){out});
}

// Undiscounted. Without years or volatility: what the option is in the money by.
static inline void price_black76(int64_t n, const double* right, const double* forward, const double* strike,
                                 const double* years, const double* volatility, double* out) {
    lane_function(PRICE_BLACK76, n, (const double*[]){right, forward, strike, years, volatility}, (double*[]){out});
}

// The same in coins, for options settled in the underlying: divided by the forward.
static inline void price_black76_inverse(int64_t n, const double* right, const double* forward, const double* strike,
                                         const double* years, const double* volatility, double* out) {
    lane_function(PRICE_BLACK76_INVERSE, n, (const double*[]){right, forward, strike, years, volatility},
                  (double*[]){out});
}

// Discounted, on a spot price with a continuous yield; any sign of the rates.
static inline void price_black_scholes(int64_t n, const double* right, const double* spot, const double* strike,
                                       const double* years, const double* volatility, const double* rate,
                                       const double* dividend_yield, double* out) {
    lane_function(PRICE_BLACK_SCHOLES, n,
                  (const double*[]){right, spot, strike, years, volatility, rate, dividend_yield}, (double*[]){out});
}

// With exercise at any time; never below what it is in the money by, nor below the European value.
static inline void price_american(int64_t n, const double* right, const double* spot, const double* strike,
                                  const double* years, const double* volatility, const double* rate,
                                  const double* dividend_yield, double* out) {
    lane_function(PRICE_AMERICAN, n, (const double*[]){right, spot, strike, years, volatility, rate, dividend_yield},
                  (double*[]){out});
}

// Greeks: delta and gamma to the forward or spot, vega to 1.00 of volatility, theta = -(d price / d years) for a year, rho to
// 1.00 of rate. An output that is NULL is not written. That of Black-76 is undiscounted: its theta holds no interest,
// and its rho is that of discounting at a rate of 0, -years x price.
static inline void greeks_black76(int64_t n, const double* right, const double* forward, const double* strike,
                                  const double* years, const double* volatility, double* price, double* delta,
                                  double* gamma, double* vega, double* theta, double* rho) {
    lane_function(GREEKS_BLACK76, n, (const double*[]){right, forward, strike, years, volatility},
                  (double*[]){price, delta, gamma, vega, theta, rho});
}

// Rho with the spot held.
static inline void greeks_black_scholes(int64_t n, const double* right, const double* spot, const double* strike,
                                        const double* years, const double* volatility, const double* rate,
                                        const double* dividend_yield, double* price, double* delta, double* gamma,
                                        double* vega, double* theta, double* rho) {
    lane_function(GREEKS_BLACK_SCHOLES, n,
                  (const double*[]){right, spot, strike, years, volatility, rate, dividend_yield},
                  (double*[]){price, delta, gamma, vega, theta, rho});
}

// By differences of prices.
static inline void greeks_american(int64_t n, const double* right, const double* spot, const double* strike,
                                   const double* years, const double* volatility, const double* rate,
                                   const double* dividend_yield, double* price, double* delta, double* gamma,
                                   double* vega, double* theta, double* rho) {
    lane_function(GREEKS_AMERICAN, n,
                  (const double*[]){right, spot, strike, years, volatility, rate, dividend_yield},
                  (double*[]){price, delta, gamma, vega, theta, rho});
}

// The volatility that gives this price; not a number at or beyond the bounds of arbitrage, where none or any would.
static inline void implied_black76(int64_t n, const double* right, const double* price, const double* forward,
                                   const double* strike, const double* years, double* out) {
    lane_function(IMPLIED_BLACK76, n, (const double*[]){right, price, forward, strike, years}, (double*[]){out});
}

static inline void implied_black_scholes(int64_t n, const double* right, const double* price, const double* spot,
                                         const double* strike, const double* years, const double* rate,
                                         const double* dividend_yield, double* out) {
    lane_function(IMPLIED_BLACK_SCHOLES, n,
                  (const double*[]){right, price, spot, strike, years, rate, dividend_yield}, (double*[]){out});
}

static inline void implied_american(int64_t n, const double* right, const double* price, const double* spot,
                                    const double* strike, const double* years, const double* rate,
                                    const double* dividend_yield, double* out) {
    lane_function(IMPLIED_AMERICAN, n,
                  (const double*[]){right, price, spot, strike, years, rate, dividend_yield}, (double*[]){out});
}

#endif
