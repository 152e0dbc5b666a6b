// SPDX-License-Identifier: Apache-2.0
//
// Black-76 and Black-Scholes on lanes: price, Greeks, implied volatility. Included after `lanes.h`.
//
// F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976); F. Black, M. Scholes, "The
// pricing of options and corporate liabilities", Journal of Political Economy 81 (1973), with a dividend yield.
//
// A price comes in two halves, each over a whole block of lanes: one alone is so long that a processor, which looks a few
// hundred instructions ahead, would wait for one price before it begins with the next.

// Between the halves: what is received, what is paid, the deviation of the logarithm and ln(low / high) / deviation.
typedef struct {
    lanes forward, strike, deviation, x;
} prepared;

typedef struct {
    lanes price;
    lanes delta;     // of the price to the forward
    lanes burden;    // of the price to the strike
    lanes weight;    // forward x n(d1), which is strike x n(d2): the price to the total deviation
} black;

INLINE mask is_right(lanes right) {
    return is_same(magnitude(right), every(1.0));
}

// Numbers from 0 on, finite, and not so large that sums could overflow.
INLINE mask are_amounts(lanes a, lanes b, lanes c, lanes d) {
    return is_upto(every(0.0), lesser(lesser(a, b), lesser(c, d))) & is_below((a + b) + (c + d), every(1e300));
}

INLINE lanes refused_unless(mask fine, lanes value) {
    return choose(fine & is_finite(value), value, nothing());
}

INLINE prepared prepare(lanes forward, lanes strike, lanes deviation) {
    return (prepared){forward, strike, deviation,
                      log_of_ratio(lesser(forward, strike), greater(forward, strike)) / deviation};
}

// The value is that of the option out of the money plus what it is in the money by. Out of the money, a put on (F, K) is a
// call on (K, F), so one formula serves: with x = ln(low / high) / s and s the deviation, low N(x + s/2) - high N(x - s/2).
// Both normal tails have one factor in common, so there is one exponential, and what is left far out of the money is a
// difference of Mills' ratios: right to many digits where the probabilities themselves cancel.
INLINE black finish(lanes right, prepared half) {
    black found;
    lanes low = lesser(half.forward, half.strike), high = greater(half.forward, half.strike), zero = every(0.0);
    lanes d1 = half.x + half.deviation * 0.5, d2 = half.x - half.deviation * 0.5;
    lanes density = exp_below_zero(d1 * d1 * -0.5) * INVERSE_ROOT_TWO_PI;
    // One division for both ratios, and for their difference before it cancels.
    fraction at_d1 = mills_fraction(magnitude(d1)), at_d2 = mills_fraction(-d2);
    mask above = is_below(zero, d1);
    lanes factor = density / (at_d1.base * at_d2.base);
    lanes tail = at_d1.top * at_d2.base, other = at_d2.top * at_d1.base;
    lanes gap = choose(above, 1.0 - factor * (tail + other), factor * (tail - other));
    tail = tail * factor;
    other = other * factor;
    lanes near = choose(above, 1.0 - tail, tail);
    // Without deviation, or when one side is worth next to nothing, it is decided which side is worth more.
    mask open = is_below(zero, half.deviation) & is_below(every(1e-290), low);
    lanes outside = choose(open, greater(low * gap, zero), zero);
    found.price = outside + greater(right * (half.forward - half.strike), zero);
    found.weight = choose(open, low * density, zero);
    lanes even = choose(is_same(low, high), every(0.5), zero);
    near = choose(open, near, even);
    lanes far = choose(open, other * (low / high), even);
    mask is_call_outside = is_upto(half.forward, half.strike);
    lanes side = choose(is_call_outside, every(1.0), every(-1.0)), crossed = (right - side) * 0.5;
    found.delta = side * choose(is_call_outside, near, far) + crossed;
    found.burden = -(side * choose(is_call_outside, far, near) + crossed);
    return found;
}

INLINE mask is_forward_option(const lanes* in) {
    return is_right(in[0]) & are_amounts(in[1], in[2], in[3], in[4]);
}

INLINE mask is_spot_option(const lanes* in) {
    return is_forward_option(in) & is_finite(in[5] + in[6]);
}

INLINE void prepare_black76(const lanes* in, prepared* half) {
    *half = prepare(in[1], in[2], in[4] * root_of(in[3]));
}

INLINE void price_black76_lanes(const lanes* in, const prepared* half, lanes* out) {
    out[0] = choose(is_forward_option(in), finish(in[0], *half).price, nothing());
}

INLINE void price_black76_inverse_lanes(const lanes* in, const prepared* half, lanes* out) {
    price_black76_lanes(in, half, out);
    out[0] = refused_unless(is_below(every(0.0), in[1]), out[0] / in[1]);
}

INLINE void prepare_black_scholes(const lanes* in, prepared* half) {
    lanes years = in[3];
    *half = prepare(in[1] * exp_of(-in[6] * years), in[2] * exp_of(-in[5] * years), in[4] * root_of(years));
}

// What discounting has made of spot and strike may have left the range in which the formula is right.
INLINE mask is_in_range(const prepared* half) {
    return is_below(half->forward + half->strike, every(1e300));
}

INLINE void price_black_scholes_lanes(const lanes* in, const prepared* half, lanes* out) {
    out[0] = refused_unless(is_spot_option(in) & is_in_range(half), finish(in[0], *half).price);
}

// Gamma and theta of an option that is exactly at the money and has no deviation left are unbounded: not a number.
INLINE mask is_smooth(const prepared* half) {
    return is_below(every(0.0), half->deviation) | is_below(half->forward, half->strike)
        | is_below(half->strike, half->forward);
}

INLINE void greeks_black76_lanes(const lanes* in, const prepared* half, lanes* out) {
    lanes years = in[3], root = root_of(years), zero = every(0.0);
    mask fine = is_forward_option(in), smooth = is_smooth(half);
    black found = finish(in[0], *half);
    mask moves = is_below(zero, found.weight);
    out[0] = refused_unless(fine, found.price);
    out[1] = refused_unless(fine, found.delta);
    out[2] = refused_unless(fine & smooth, choose(moves, found.weight / (in[1] * in[1] * half->deviation), zero));
    out[3] = refused_unless(fine, found.weight * root);
    out[4] = refused_unless(fine & smooth, choose(moves, found.weight * in[4] / (root * -2.0), zero));
    out[5] = refused_unless(fine, -years * found.price);
}

INLINE void greeks_black_scholes_lanes(const lanes* in, const prepared* half, lanes* out) {
    lanes years = in[3], root = root_of(years), rate = in[5], yield = in[6], zero = every(0.0);
    mask fine = is_spot_option(in) & is_in_range(half), smooth = is_smooth(half);
    black found = finish(in[0], *half);
    mask moves = is_below(zero, found.weight);
    lanes owed = half->strike * found.burden;
    lanes decay = choose(moves, found.weight * in[4] / (root * -2.0), zero);
    out[0] = refused_unless(fine, found.price);
    out[1] = refused_unless(fine, choose(is_same(in[1], zero), found.delta, found.delta * (half->forward / in[1])));
    out[2] = refused_unless(fine & smooth, choose(moves, found.weight / (in[1] * in[1] * half->deviation), zero));
    out[3] = refused_unless(fine, found.weight * root);
    out[4] = refused_unless(fine & smooth, decay + yield * (half->forward * found.delta) + rate * owed);
    out[5] = refused_unless(fine, -years * owed);
}

// What the search for a deviation s sees of an option out of the money, in units of `low`: the price c, what is missing to
// its bound 1, and the slope.
typedef struct {
    lanes price, missing, slope;
} outside;

INLINE outside outside_of(lanes x, lanes deviation) {
    outside found;
    lanes h = x / deviation, d1 = h + deviation * 0.5, d2 = h - deviation * 0.5;
    found.slope = exp_below_zero(d1 * d1 * -0.5) * INVERSE_ROOT_TWO_PI;
    lanes tail = found.slope * mills_of(magnitude(d1)), other = found.slope * mills_of(-d2);
    mask above = is_below(every(0.0), d1);
    found.price = choose(above, 1.0 - tail, tail) - other;
    found.missing = choose(above, tail + other, 1.0 - found.price);
    return found;
}

// Below the turning point of the price as a function of the deviation s, ln c is nearly a straight line in 1 / s^2, and
// above it sqrt(1 - 25/8 ln(1 - c)) nearly one in s. Newton's method on those, in a bracket, then Halley's on the price.
INLINE lanes deviation_of(lanes price, lanes x) {
    lanes turn = root_of(x * -2.0), missing = 1.0 - price, zero = every(0.0);
    lanes turn_price = 0.5 - INVERSE_ROOT_TWO_PI * mills_of(turn);
    mask below = is_below(price, turn_price), above_half = is_below(every(0.5), price);
    lanes log_price = log_of(price);
    lanes wanted = root_of(1.0 - 3.125 * log_of(missing));
    lanes turn_value = root_of(1.0 - 3.125 * log_of(1.0 - turn_price));
    lanes least = choose(below, zero, turn), most = choose(below, turn, turn + 160.0);
    // In the normal model c / |x| = n(u) / u - N(-u) with u = |x| / s; ln(1 + x^2 / (2 pi c^2)) is u^2 at both ends.
    lanes far = x / price, far2 = far * far;
    lanes u2 = choose(is_below(every(0x1p40), far2), 2.0 * (log_of(-x) - log_price) - 0x1.d67f1c864beb4p+0,
                      log_of(1.0 + far2 * 0x1.45f306dc9c883p-3));
    lanes s = choose(below, lesser(turn, -x / root_of(u2)), turn + (wanted - turn_value) * 1.6);
    lanes miss = every(INFINITE_LANE);
    for (int k = 0; k < 7; k++) {
        outside here = outside_of(x, s);
        mask is_less = is_below(here.price, price);
        least = choose(is_less, s, least);
        most = choose(is_less, most, s);
        lanes next;
        if (k < 5) {
            lanes shown = log_of(choose(below, here.price, here.missing));
            lanes value = root_of(1.0 - 3.125 * shown);
            lanes lower = s / root_of(1.0 + 2.0 * (shown - log_price) * here.price / (here.slope * s));
            lanes upper = s + (wanted - value) * value * here.missing / (1.5625 * here.slope);
            next = choose(below, lower, upper);
        } else {
            // From the bound where that is nearer, for there the difference of two prices is all rounding.
            lanes gap = choose(above_half, here.missing - missing, price - here.price);
            lanes step = gap / here.slope;
            lanes bend = x * x / (s * s * s) - s * 0.25;
            next = s + step / (1.0 + 0.5 * step * bend);
            miss = magnitude(gap) / lesser(price, missing);
        }
        // Where the step leaves the bracket upward, its end, from which the next one cannot overshoot; downward, the middle. By
        // a little it may leave, since at the root both ends are noise.
        mask inside = is_below(least * (1.0 - 1e-7), next) & is_below(next, most * (1.0 + 1e-7));
        s = choose(inside, next, choose(is_below(most, next), most, (least + most) * 0.5));
    }
    return choose(is_below(miss, every(1e-8)), s, nothing());
}

// The volatility at which `price` is the value; not a number at or beyond the bounds of arbitrage, where none is.
INLINE lanes implied_of(mask fine, lanes right, lanes price, lanes forward, lanes strike, lanes years) {
    lanes low = lesser(forward, strike), high = greater(forward, strike), zero = every(0.0);
    lanes share = (price - greater(right * (forward - strike), zero)) / low;
    fine = fine & is_below(every(1e-290), low) & is_below(zero, years) & is_below(zero, share) & is_below(share, every(1.0));
    return refused_unless(fine, deviation_of(share, log_of_ratio(low, high)) / root_of(years));
}

INLINE void implied_black76_lanes(const lanes* in, lanes* out) {
    mask fine = is_right(in[0]) & are_amounts(in[1], in[2], in[3], in[4]);
    out[0] = implied_of(fine, in[0], in[1], in[2], in[3], in[4]);
}

INLINE void implied_black_scholes_lanes(const lanes* in, lanes* out) {
    lanes years = in[4], spot = in[2] * exp_of(-in[6] * years), strike = in[3] * exp_of(-in[5] * years);
    mask fine = is_right(in[0]) & are_amounts(in[1], in[2], in[3], years) & is_finite(in[5] + in[6])
        & is_below(spot + strike, every(1e300));
    out[0] = implied_of(fine, in[0], in[1], spot, strike, years);
}
