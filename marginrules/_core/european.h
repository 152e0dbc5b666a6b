// SPDX-License-Identifier: Apache-2.0
//
// Black-76 and Black-Scholes on lanes: price, Greeks, implied volatility. Included after `lanes.h`.
//
// F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976); F. Black, M. Scholes, "The
// pricing of options and corporate liabilities", Journal of Political Economy 81 (1973), with a dividend yield.

// What both models say about one option on `forward` against `strike`, both paid in the same money.
typedef struct {
    lanes price;
    lanes delta;     // of the price to the forward
    lanes burden;    // of the price to the strike
    lanes weight;    // forward x n(d1), which is strike x n(d2): the price to the total deviation
} black;

INLINE mask is_right(lanes right) {
    return (right == 1.0) | (right == -1.0);
}

// The value is that of the option out of the money plus what it is in the money by. Out of the money, a put on (F, K) is a
// call on (K, F), so one formula serves: with x = ln(low / high) and s the total deviation, low N(x/s + s/2) -
// high N(x/s - s/2). Both normal tails have one factor in common, so there is one exponential, and what is left far out of
// the money is a difference of Mills' ratios: right to many digits where the probabilities themselves cancel.
INLINE black black_of(lanes right, lanes forward, lanes strike, lanes deviation) {
    black found;
    lanes low = lesser(forward, strike), high = greater(forward, strike);
    lanes ratio = low / high;
    lanes x = log_of(ratio) / deviation;
    lanes d1 = x + deviation * 0.5, d2 = x - deviation * 0.5;
    lanes density = density_of(d1);
    lanes tail = density * mills_of(magnitude(d1)), other = density * mills_of(-d2);
    lanes near = choose(d1 > 0.0, 1.0 - tail, tail), far = other * ratio;
    // Without deviation, or when one side is worth nothing, it is decided which side is worth more.
    mask decided = ~((deviation > 0.0) & (low > 0.0));
    lanes even = choose(forward == strike, every(0.5), every(0.0));
    near = choose(decided, even, near);
    far = choose(decided, even, far);
    lanes outside = greater(choose(decided, every(0.0), low * (near - other)), every(0.0));
    found.price = outside + greater(right * (forward - strike), every(0.0));
    found.weight = choose(decided, every(0.0), low * density);
    mask is_call_outside = forward <= strike;
    lanes side = choose(is_call_outside, every(1.0), every(-1.0)), crossed = (right - side) * 0.5;
    found.delta = side * choose(is_call_outside, near, far) + crossed;
    found.burden = -(side * choose(is_call_outside, far, near) + crossed);
    return found;
}

INLINE lanes refused_unless(mask fine, lanes value) {
    return choose(fine & is_finite(value), value, every(__builtin_nan("")));
}

INLINE void price_black76_lanes(const lanes* in, lanes* out) {
    lanes right = in[0], forward = in[1], strike = in[2], years = in[3], volatility = in[4];
    mask fine = is_right(right) & is_amount(forward) & is_amount(strike) & is_amount(years) & is_amount(volatility);
    out[0] = refused_unless(fine, black_of(right, forward, strike, volatility * root_of(years)).price);
}

INLINE void price_black76_inverse_lanes(const lanes* in, lanes* out) {
    price_black76_lanes(in, out);
    out[0] = refused_unless(in[1] > 0.0, out[0] / in[1]);
}

INLINE mask is_spot_option(const lanes* in) {
    return is_right(in[0]) & is_amount(in[1]) & is_amount(in[2]) & is_amount(in[3]) & is_amount(in[4]) & is_finite(in[5])
        & is_finite(in[6]);
}

INLINE void price_black_scholes_lanes(const lanes* in, lanes* out) {
    lanes years = in[3], spot = in[1] * exp_of(-in[6] * years), strike = in[2] * exp_of(-in[5] * years);
    out[0] = refused_unless(is_spot_option(in), black_of(in[0], spot, strike, in[4] * root_of(years)).price);
}

// Gamma and theta of an option that is exactly at the money and has no deviation left are unbounded: not a number.
INLINE mask is_smooth(lanes forward, lanes strike, lanes deviation) {
    return (deviation > 0.0) | (forward != strike);
}

INLINE void greeks_black76_lanes(const lanes* in, lanes* out) {
    lanes right = in[0], forward = in[1], strike = in[2], years = in[3], volatility = in[4];
    mask fine = is_right(right) & is_amount(forward) & is_amount(strike) & is_amount(years) & is_amount(volatility);
    lanes root = root_of(years), deviation = volatility * root;
    black found = black_of(right, forward, strike, deviation);
    mask smooth = is_smooth(forward, strike, deviation), moves = found.weight > 0.0;
    out[0] = refused_unless(fine, found.price);
    out[1] = refused_unless(fine, found.delta);
    out[2] = refused_unless(fine & smooth, choose(moves, found.weight / (forward * forward * deviation), every(0.0)));
    out[3] = refused_unless(fine, found.weight * root);
    out[4] = refused_unless(fine & smooth, choose(moves, found.weight * volatility / (root * -2.0), every(0.0)));
    out[5] = refused_unless(fine, -years * found.price);
}

INLINE void greeks_black_scholes_lanes(const lanes* in, lanes* out) {
    lanes right = in[0], years = in[3], volatility = in[4], rate = in[5], yield = in[6];
    lanes growth = exp_of(-yield * years), spot = in[1] * growth, strike = in[2] * exp_of(-rate * years);
    mask fine = is_spot_option(in);
    lanes root = root_of(years), deviation = volatility * root;
    black found = black_of(right, spot, strike, deviation);
    mask smooth = is_smooth(spot, strike, deviation), moves = found.weight > 0.0;
    lanes owed = strike * found.burden;
    lanes decay = choose(moves, found.weight * volatility / (root * -2.0), every(0.0));
    out[0] = refused_unless(fine, found.price);
    out[1] = refused_unless(fine, found.delta * growth);
    out[2] = refused_unless(fine & smooth, choose(moves, found.weight / (in[1] * in[1] * deviation), every(0.0)));
    out[3] = refused_unless(fine, found.weight * root);
    out[4] = refused_unless(fine & smooth, decay + yield * (spot * found.delta) + rate * owed);
    out[5] = refused_unless(fine, -years * owed);
}

// What the search for a total deviation sees of an option out of the money, in units of `low`: the price c, what is
// missing to its bound 1, and the slope.
typedef struct {
    lanes price, missing, slope;
} outside;

INLINE outside outside_of(lanes x, lanes deviation) {
    outside found;
    lanes h = x / deviation, d1 = h + deviation * 0.5, d2 = h - deviation * 0.5;
    found.slope = density_of(d1);
    lanes tail = found.slope * mills_of(magnitude(d1)), other = found.slope * mills_of(-d2);
    mask above = d1 > 0.0;
    found.price = choose(above, 1.0 - tail, tail) - other;
    found.missing = choose(above, tail + other, 1.0 - found.price);
    return found;
}

// Below the turning point of the price as a function of the deviation s, ln c is nearly a straight line in 1 / s^2, and
// above it sqrt(1 - 25/8 ln(1 - c)) nearly one in s. Newton's method on those, in a bracket, then Halley's on the price.
INLINE lanes deviation_of(lanes price, lanes x) {
    lanes turn = root_of(x * -2.0), missing = 1.0 - price;
    lanes turn_price = 0.5 - INVERSE_ROOT_TWO_PI * mills_of(turn);
    mask below = price < turn_price, above_half = price > 0.5;
    lanes log_price = log_of(price);
    lanes wanted = root_of(1.0 - 3.125 * log_of(missing));
    lanes turn_value = root_of(1.0 - 3.125 * log_of(1.0 - turn_price));
    lanes least = choose(below, every(0.0), turn), most = choose(below, turn, turn + 160.0);
    // In the normal model c / |x| = n(u) / u - N(-u) with u = |x| / s; ln(1 + x^2 / (2 pi c^2)) is u^2 at both ends.
    lanes far = x / price, far2 = far * far;
    lanes u2 = choose(far2 > 0x1p40, 2.0 * (log_of(-x) - log_price) - 0x1.d67f1c864beb5p+0, log_of(1.0 + far2 * 0x1.45f306dc9c883p-3));
    lanes s = choose(below, lesser(turn, -x / root_of(u2)), turn + (wanted - turn_value) * 1.6);
    lanes miss = every(INFINITE_LANE);
    for (int k = 0; k < 7; k++) {
        outside here = outside_of(x, s);
        least = choose(here.price < price, s, least);
        most = choose(here.price < price, most, s);
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
        // Half the bracket where the step leaves it; by a little it may, since at the root its ends are noise.
        mask inside = (next > least * (1.0 - 1e-7)) & (next < most * (1.0 + 1e-7));
        s = choose(inside, next, (least + most) * 0.5);
    }
    return choose(miss < 1e-8, s, every(__builtin_nan("")));
}

// The volatility at which `price` is the value; not a number at or beyond the bounds of arbitrage, where none is.
INLINE lanes implied_of(mask fine, lanes right, lanes price, lanes forward, lanes strike, lanes years) {
    lanes low = lesser(forward, strike), high = greater(forward, strike);
    lanes excess = price - greater(right * (forward - strike), every(0.0));
    lanes share = excess / low;
    fine = fine & (low > 0.0) & (years > 0.0) & (share > 0.0) & (share < 1.0);
    return refused_unless(fine, deviation_of(share, log_of(low / high)) / root_of(years));
}

INLINE void implied_black76_lanes(const lanes* in, lanes* out) {
    mask fine = is_right(in[0]) & is_amount(in[1]) & is_amount(in[2]) & is_amount(in[3]) & is_amount(in[4]);
    out[0] = implied_of(fine, in[0], in[1], in[2], in[3], in[4]);
}

INLINE void implied_black_scholes_lanes(const lanes* in, lanes* out) {
    lanes years = in[4];
    mask fine = is_right(in[0]) & is_amount(in[1]) & is_amount(in[2]) & is_amount(in[3]) & is_amount(years);
    fine = fine & is_finite(in[5]) & is_finite(in[6]);
    lanes spot = in[2] * exp_of(-in[6] * years), strike = in[3] * exp_of(-in[5] * years);
    fine = fine & is_finite(spot) & is_finite(strike);
    out[0] = implied_of(fine, in[0], in[1], spot, strike, years);
}
