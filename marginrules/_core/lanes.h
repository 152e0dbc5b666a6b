// SPDX-License-Identifier: Apache-2.0
//
// Several doubles side by side, and the elementary functions on them. Included once for each instruction set.
//
// The vectors are those of the compiler, not of its loop optimiser: what becomes one instruction is what is written
// here, on every compiler that knows `vector_size`, and the width changes no bit because lanes never meet. Only + - * /,
// square root, comparisons and bit patterns are used, which every machine rounds alike: no libm, no contraction.
//
// The coefficients are this project's own: each function was interpolated at Chebyshev nodes in 60 digits; the greatest
// relative error of the approximation itself stands beside it.

#include <stdint.h>
#include <string.h>
#if LANES > 1 && defined(__x86_64__)
#include <immintrin.h>
#endif

typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef uint64_t words __attribute__((vector_size(8 * LANES)));

#define INLINE static inline __attribute__((always_inline, unused))

static const double INFINITE_LANE = __builtin_inf();
static const double INVERSE_ROOT_TWO_PI = 0x1.9884533d43651p-2;

INLINE lanes every(double value) {
    return value - (lanes){0};
}

// Comparisons, which are false where either side is not a number, and the choice between two values by one. `lesser` and
// `greater` give `a` where either is not a number.
#if LANES == 8
typedef __mmask8 mask;
INLINE mask is_below(lanes a, lanes b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ); }
INLINE mask is_upto(lanes a, lanes b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LE_OQ); }
INLINE mask is_same(lanes a, lanes b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ); }
INLINE lanes choose(mask where, lanes yes, lanes no) {
    return (lanes)_mm512_mask_blend_pd(where, (__m512d)no, (__m512d)yes);
}
INLINE lanes lesser(lanes a, lanes b) { return (lanes)_mm512_min_pd((__m512d)b, (__m512d)a); }
INLINE lanes greater(lanes a, lanes b) { return (lanes)_mm512_max_pd((__m512d)b, (__m512d)a); }
INLINE lanes root_of(lanes x) { return (lanes)_mm512_sqrt_pd((__m512d)x); }
INLINE int is_any(mask where) { return where != 0; }
#else
typedef int64_t mask __attribute__((vector_size(8 * LANES)));
INLINE mask is_below(lanes a, lanes b) { return a < b; }
INLINE mask is_upto(lanes a, lanes b) { return a <= b; }
INLINE mask is_same(lanes a, lanes b) { return a == b; }
INLINE int is_any(mask where) {
    int64_t all = 0;
    for (int k = 0; k < LANES; k++)
        all |= where[k];
    return all != 0;
}
#if LANES == 4
INLINE lanes choose(mask where, lanes yes, lanes no) {
    return (lanes)_mm256_blendv_pd((__m256d)no, (__m256d)yes, (__m256d)where);
}
INLINE lanes lesser(lanes a, lanes b) { return (lanes)_mm256_min_pd((__m256d)b, (__m256d)a); }
INLINE lanes greater(lanes a, lanes b) { return (lanes)_mm256_max_pd((__m256d)b, (__m256d)a); }
INLINE lanes root_of(lanes x) { return (lanes)_mm256_sqrt_pd((__m256d)x); }
#else
INLINE lanes choose(mask where, lanes yes, lanes no) {
    return (lanes)((where & (mask)yes) | (~where & (mask)no));
}
#if defined(__SSE2__)
INLINE lanes lesser(lanes a, lanes b) { return (lanes)_mm_min_pd((__m128d)b, (__m128d)a); }
INLINE lanes greater(lanes a, lanes b) { return (lanes)_mm_max_pd((__m128d)b, (__m128d)a); }
INLINE lanes root_of(lanes x) { return (lanes)_mm_sqrt_pd((__m128d)x); }
#else
INLINE lanes lesser(lanes a, lanes b) { return choose(b < a, b, a); }
INLINE lanes greater(lanes a, lanes b) { return choose(b > a, b, a); }
INLINE lanes root_of(lanes x) {
    for (int k = 0; k < LANES; k++)
        x[k] = __builtin_sqrt(x[k]);
    return x;
}
#endif
#endif
#endif

INLINE lanes magnitude(lanes x) {
    return (lanes)((words)x & INT64_MAX);
}

INLINE mask is_finite(lanes x) {
    return is_below(magnitude(x), every(INFINITE_LANE));
}

INLINE lanes nothing(void) {
    return every(__builtin_nan(""));
}

// 2^k for whole k from -1022 to 1023.
INLINE lanes power_of_two(lanes k) {
    return (lanes)(((words)(k + 0x1.8p52) << 52) + 0x3ff0000000000000);
}

// exp(r) for r from -ln(2) / 2 to ln(2) / 2. Approximation: 1.7e-17.
INLINE lanes exp_of_rest(lanes r) {
    lanes r2 = r * r, r4 = r2 * r2;
    // (exp(r) - 1 - r) / r^2
    lanes a = (0x1.0000000000001p-1 + 0x1.5555555555556p-3 * r) + (0x1.5555555553d63p-5 + 0x1.11111111109b3p-7 * r) * r2;
    lanes b = (0x1.6c16c1788bd90p-10 + 0x1.a01a01a7c41d5p-13 * r) + (0x1.a019b90d2ae7ap-16 + 0x1.71de0dae63bb3p-19 * r) * r2;
    lanes c = 0x1.289185613a3d6p-22 + 0x1.af38a9b0ec855p-26 * r;
    return 1.0 + (r + r2 * (a + r4 * (b + r4 * c)));
}

// exp(x + low), where `low` is what rounding took off `x`. Within 1 ulp for low = 0; overflows to infinity and underflows
// through the subnormal numbers to 0.
INLINE lanes exp_of_sum(lanes x, lanes low) {
    x = greater(lesser(x, every(710.0)), every(-746.0));
    lanes k = (x * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
    lanes grown = exp_of_rest(((x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33) + low);
    // In two halves, since 2^k alone may be out of range where the result is not.
    lanes half = (k * 0.5 + 0x1.8p52) - 0x1.8p52;
    return grown * power_of_two(half) * power_of_two(k - half);
}

// exp(x) for x <= 0; 0 below -708, where the subnormal numbers begin.
INLINE lanes exp_below_zero(lanes x) {
    lanes shifted = greater(x, every(-708.0)) * 0x1.71547652b82fep+0 + 0x1.8p52, k = shifted - 0x1.8p52;
    lanes grown = exp_of_rest((x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33);
    // The exponent is counted up: what is grown lies between 0.7 and 1.5, and the result is no subnormal number.
    lanes found = (lanes)((words)grown + ((words)shifted << 52));
    return choose(is_below(x, every(-708.0)), every(0.0), found);
}

INLINE lanes exp_of(lanes x) {
    return exp_of_sum(x, every(0.0));
}

// Natural logarithm within 1 ulp; -infinity at 0, not a number below. Approximation: 1.4e-17.
INLINE lanes log_of(lanes x) {
    mask is_subnormal = is_below(x, every(0x1p-1022));
    words bits = (words)choose(is_subnormal, x * 0x1p54, x);
    // Counted from the square root of a half, so that the remaining factor is as near to 1 as can be.
    words moved = bits + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
    lanes k = (lanes)((moved >> 52) | 0x4330000000000000) - (0x1p52 + 1023.0);
    k = k - choose(is_subnormal, every(54.0), every(0.0));
    lanes f = (lanes)(bits - ((moved & 0xfff0000000000000) - 0x3ff0000000000000)) - 1.0;
    lanes s = f / (2.0 + f), z = s * s, z2 = z * z;
    // (ln((1 + s) / (1 - s)) - 2 s) / s^3
    lanes a = (0x1.5555555555558p-1 + 0x1.99999999952d7p-2 * z) + (0x1.2492492df281ap-2 + 0x1.c71c62e3f11e6p-3 * z) * z2;
    lanes b = (0x1.7462b51cb66b1p-3 + 0x1.39fe51a7c18f9p-3 * z) + 0x1.2b5900de53b32p-3 * z2;
    lanes tail = s * (f - z * (a + z2 * z2 * b));
    lanes found = k * 0x1.62e42fee00000p-1 + (f - (tail - k * 0x1.a39ef35793c76p-33));
    found = choose(is_below(every(0.0), x), found, nothing());
    found = choose(is_same(x, every(0.0)), every(-INFINITE_LANE), found);
    return choose(is_same(x, every(INFINITE_LANE)), x, found);
}

// ln(low / high) for 1e-290 < low <= high < 1e300. The quotient is never formed, so what is nearly 1 keeps all its digits:
// the difference of two near numbers is exact. Approximation: 5.7e-17.
INLINE lanes log_of_ratio(lanes low, lanes high) {
    // How many powers of two lie between them, by their bit patterns: counted from -2047, rounded to the nearest.
    words apart = (words)low - (words)high + ((2047ULL << 52) + (1ULL << 51));
    lanes k = (lanes)((apart >> 52) | 0x4330000000000000) - (0x1p52 + 2047.0);
    lanes raised = (lanes)((words)low - ((apart & 0xfff0000000000000) - (2047ULL << 52)));
    lanes s = (raised - high) / (raised + high), z = s * s, z2 = z * z;
    // (ln((1 + s) / (1 - s)) - 2 s) / s^3
    lanes a = (0x1.555555555556ep-1 + 0x1.999999997c289p-2 * z) + (0x1.2492495251222p-2 + 0x1.c71c3c9184561p-3 * z) * z2;
    lanes b = (0x1.746bc8f6ef01ep-3 + 0x1.3901446b6e812p-3 * z) + 0x1.35acb9ecab904p-3 * z2;
    lanes small = s * z * (a + z2 * z2 * b) + k * 0x1.a39ef35793c76p-33;
    return k * 0x1.62e42fee00000p-1 + ((s + s) + small);
}

// Mills' ratio (1 - N(x)) / n(x) for x from 0 to 40, as a fraction; beyond 40, where the density is 0, that at 40. All terms
// are positive, so nothing cancels. Approximation: 9.6e-17.
typedef struct {
    lanes top, base;
} fraction;

INLINE fraction mills_fraction(lanes x) {
    x = lesser(x, every(40.0));
    lanes x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
    lanes top = (0x1.40d931ff62705p+0 + 0x1.f25199d00ba3fp+0 * x) + (0x1.7ec0e15f58abbp+0 + 0x1.75876c4f83118p-1 * x) * x2;
    lanes top4 = (0x1.f97561628e4f8p-3 + 0x1.e9cb78bba68d1p-5 * x) + (0x1.53d829765480fp-7 + 0x1.46c1c57b55c16p-10 * x) * x2;
    lanes top8 = 0x1.8e149584982e6p-14 + 0x1.db0bfa4d43be0p-19 * x;
    lanes base = (1.0 + 0x1.2cedfd1ef6ad2p+1 * x) + (0x1.48cdbbc29840fp+1 + 0x1.b8de22f69edb7p+0 * x) * x2;
    lanes base4 = (0x1.92e20d15a1429p-1 + 0x1.0727aeb8eae19p-2 * x) + (0x1.f3f2aeb9e419dp-5 + 0x1.56f4529c3bfb8p-7 * x) * x2;
    lanes base8 = (0x1.47af4b7931d8dp-10 + 0x1.8e1495847a195p-14 * x) + 0x1.db0bfa4d483b9p-19 * x2;
    return (fraction){top + top4 * x4 + top8 * x8, base + base4 * x4 + base8 * x8};
}

INLINE lanes mills_of(lanes x) {
    fraction found = mills_fraction(x);
    return found.top / found.base;
}

// Normal distribution N(x), with a small *relative* error far into the lower tail: the square is taken in two parts, for
// a rounding of x^2 / 2 would be multiplied by as much.
INLINE lanes normal_of(lanes x) {
    lanes distance = lesser(magnitude(x), every(40.0));
    lanes short_one = (lanes)((words)distance & 0xfffffffff8000000);
    lanes rest = (distance - short_one) * (distance + short_one);
    lanes tail = exp_of_sum(short_one * short_one * -0.5, rest * -0.5) * INVERSE_ROOT_TWO_PI * mills_of(distance);
    return choose(is_below(every(0.0), x), 1.0 - tail, tail);
}

// base^exponent = exp(exponent x ln(base)): the relative error grows with |exponent x ln(base)|, about 1e-16 for each 1.
// Exact for exponents 0, 1/2, 1 and 2. A negative base has no power but 0, 1 and 2; 0 to a negative power is infinity.
INLINE lanes power_of(lanes base, lanes exponent) {
    lanes found = exp_of(exponent * log_of(base));
    found = choose(is_same(exponent, every(2.0)), base * base, found);
    found = choose(is_same(exponent, every(1.0)), base, found);
    found = choose(is_same(exponent, every(0.5)) & is_upto(every(0.0), base), root_of(base), found);
    return choose(is_same(exponent, every(0.0)) & is_same(base, base), every(1.0), found);
}
