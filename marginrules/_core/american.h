// SPDX-License-Identifier: Apache-2.0
//
// Options with exercise at any time, on lanes. Included after `european.h`.
//
// L. Andersen, M. Lake, D. Offengenden, "High-performance American option pricing", Journal of Computational Finance 20
// (2016): the boundary of exercise B solves an integral equation; B is interpolated between Chebyshev nodes in the square
// root of time as ln(B / X)^2, where X is its limit at expiry, and improved node by node with their fixed-point equation
// "A". The price is the European one plus what exercise earns, again an integral; both integrals are summed over the nodes
// of Gauss and Legendre. A call on (S, K, r, q) is a put on (K, S, q, r), so there are only puts here, in units of the strike.
//
// Exercise is worth nothing where neither interest nor a negative yield is earned by it: the price then is the European.
// With a yield below a negative rate (seen from the put) there are two boundaries: not a number.

#include "american_rule.h"

// Sweeps over all nodes, and how far in powers of e the boundary comes to that of an option without expiry before it is
// held. Over 6,000 random options that were not used to choose them, no price lay further than 3.4e-5 of the strike from
// QuantLib's most precise, one in a thousand further than 7.1e-6 and one in a hundred further than 1.2e-6; the worst are
// low volatilities with a high yield, over years.
enum { SWEEPS = 12, SATURATED = 12 };

// A put in units of its strike, and the logarithm of the boundary at the nodes: ln B = log_top - root of depth.
typedef struct {
    lanes rate, yield, volatility, years, log_top;
    lanes horizon;    // years from which on the boundary has reached its end
    lanes depth[AMERICAN_NODES + 1];
} exercise;

INLINE lanes blend_depth(const exercise* put, const double* weights) {
    lanes depth = every(0.0);
    for (int j = 1; j <= AMERICAN_NODES; j++)
        depth = depth + weights[j] * put->depth[j];
    return root_of(greater(depth, every(0.0)));
}

// The square root of the depth of an option that never expires: no boundary lies deeper.
INLINE lanes deepest(const exercise* put) {
    lanes variance = put->volatility * put->volatility, gain = 2.0 * put->rate / variance, zero = every(0.0);
    lanes slope = (put->rate - put->yield) / variance - 0.5, root = root_of(slope * slope + gain);
    lanes power = choose(is_below(slope, zero), gain / (root - slope), slope + root);
    lanes found = put->log_top + log_of(1.0 + 1.0 / power);
    return choose(is_below(found, every(100.0)), greater(found, zero), every(100.0));
}

// A first guess after P. Bjerksund, G. Stensland, "Closed-form approximation of American options", Scandinavian Journal of
// Management 9 (1993): from one limit to the other by an exponential, on the side of the call that mirrors the put.
INLINE lanes guess_depth(const exercise* put, lanes years, lanes most) {
    lanes gap = exp_of(most) - 1.0, noise = 2.0 * put->volatility * root_of(years);
    lanes pull = (greater((put->yield - put->rate) * years, every(0.0)) + noise) / gap;
    lanes depth = lesser(log_of(1.0 + gap * (1.0 - exp_of(-pull))), most);
    return depth * depth;
}

static __attribute__((noinline)) void find_boundary(exercise* put) {
    const struct american_rule* rule = &american_rule;
    lanes rate = put->rate, yield = put->yield, carry = rate - yield, zero = every(0.0), most = deepest(put);
    lanes grown[AMERICAN_NODES + 1][AMERICAN_INNER], was_here[AMERICAN_NODES + 1], was_found[AMERICAN_NODES + 1];
    lanes reach = (SATURATED * 0.5) * (exp_of(most) - 1.0) / put->volatility;
    put->horizon = lesser(put->years, reach * reach);
    put->depth[0] = zero;
    for (int i = 1; i <= AMERICAN_NODES; i++) {
        lanes years = put->horizon * (rule->root[i] * rule->root[i]);
        put->depth[i] = guess_depth(put, years, most);
        was_here[i] = was_found[i] = every(__builtin_nan(""));
        for (int k = 0; k < AMERICAN_INNER; k++)
            grown[i][k] = exp_of(yield * years * (1.0 - rule->inner_share[k] * rule->inner_share[k]));
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int i = AMERICAN_NODES; i > 0; i--) {
            lanes years = put->horizon * (rule->root[i] * rule->root[i]), root = root_of(years);
            lanes deviation = put->volatility * root, here = root_of(put->depth[i]);
            lanes to_strike = (put->log_top - here + carry * years) / deviation - deviation * 0.5, above = to_strike + deviation;
            lanes top = zero, base = zero;
            for (int k = 0; k < AMERICAN_INNER; k++) {
                double share = rule->inner_share[k], weight = rule->inner_weight[k];
                lanes gone = years * (share * share), left = years * (1.0 - share * share), s = deviation * share;
                lanes d2 = (blend_depth(put, rule->inner[i][k]) - here + carry * gone) / s - s * 0.5, d1 = d2 + s;
                lanes paid = exp_of(rate * left - d2 * d2 * 0.5), kept = exp_of(yield * left - d1 * d1 * 0.5);
                lanes tail = kept * mills_of(magnitude(d1));
                tail = choose(is_below(zero, d1), grown[i][k] * (1.0 / INVERSE_ROOT_TWO_PI) - tail, tail);
                top = top + weight * paid;
                base = base + weight * (kept + deviation * share * tail);
            }
            lanes scale = root / put->volatility, paid = exp_of(to_strike * to_strike * -0.5);
            lanes kept = exp_of(above * above * -0.5);
            lanes tail = kept * mills_of(magnitude(above));
            tail = choose(is_below(zero, above), 1.0 / INVERSE_ROOT_TWO_PI - tail, tail);
            top = paid / deviation + rate * scale * top;
            base = tail + kept / deviation + yield * scale * base;
            lanes found = lesser(greater(put->log_top - (log_of(top / base) - carry * years), zero), most);
            found = choose(is_finite(found), found, here);
            // Where the answer swings against the question, only as much of it as a straight line says is taken.
            lanes answer = (found - was_found[i]) / (here - was_here[i]);
            was_found[i] = found;
            was_here[i] = here;
            lanes part = choose(is_below(answer, zero), greater(1.0 / (1.0 - answer), every(0.2)), every(1.0));
            // The boundary never rises with the time left.
            found = greater(here + part * (found - here), root_of(put->depth[i - 1]));
            put->depth[i] = found * found;
        }
}

// The square root of depth between the nodes, at one place for each lane: -1 is expiry, 1 the horizon.
INLINE lanes depth_at(const exercise* put, lanes at) {
    lanes over = every(0.0), under = every(0.0);
    for (int j = 0; j <= AMERICAN_NODES; j++) {
        lanes part = american_rule.share[j] / (at - american_rule.node[j]);
        mask hit = is_same(at, every(american_rule.node[j]));
        part = choose(hit, every(1e300), part);
        over = over + part * put->depth[j];
        under = under + part;
    }
    return root_of(greater(over / under, every(0.0)));
}

// What exercise is worth beyond the European price, for a put at exp(log_spot) above its boundary.
static __attribute__((noinline)) void find_premium(const exercise* put, const lanes* log_spot, lanes* found) {
    const struct american_rule* rule = &american_rule;
    lanes spot = exp_of(*log_spot), sum = every(0.0), carry = put->rate - put->yield;
    lanes deviation = put->volatility * root_of(put->years);
    for (int k = 0; k < AMERICAN_OUTER; k++) {
        double share = rule->outer_share[k], weight = rule->outer_weight[k];
        lanes gone = put->years * (share * share), s = deviation * share;
        // Where the boundary has reached its end, at the last node.
        lanes at = 2.0 * root_of(lesser((put->years - gone) / put->horizon, every(1.0))) - 1.0;
        lanes away = *log_spot - put->log_top + depth_at(put, at);
        lanes d2 = (away + carry * gone) / s - s * 0.5, d1 = d2 + s;
        lanes earned = put->rate * exp_of(-put->rate * gone) * normal_of(-d2);
        lanes lost = put->yield * spot * exp_of(-put->yield * gone) * normal_of(-d1);
        sum = sum + weight * share * (earned - lost);
    }
    *found = sum * put->years;
}

// What a put in units of its strike is worth with no deviation: the best moment of a path that is known.
INLINE lanes known_put(lanes spot, lanes years, lanes rate, lanes yield) {
    lanes zero = every(0.0), moment = log_of(rate / (yield * spot)) / (rate - yield);
    moment = choose(is_below(zero, moment) & is_below(moment, years), moment, years);
    lanes best = exp_of(-rate * moment) - spot * exp_of(-yield * moment);
    lanes last = exp_of(-rate * years) - spot * exp_of(-yield * years);
    return greater(greater(greater(best, last), 1.0 - spot), zero);
}

// The put that an option is, in units of its strike.
typedef struct {
    mask fine;
    exercise put;
    lanes spot, unit;
} american;

INLINE american american_of(const lanes* in) {
    american made;
    mask is_call = is_below(every(0.0), in[0]);
    lanes spot = choose(is_call, in[2], in[1]), zero = every(0.0), one = every(1.0);
    made.unit = choose(is_call, in[1], in[2]);
    made.spot = spot / made.unit;
    made.put.rate = choose(is_call, in[6], in[5]);
    made.put.yield = choose(is_call, in[5], in[6]);
    made.put.years = in[3];
    made.put.volatility = in[4];
    made.put.log_top = zero;
    mask yields_more = is_below(zero, made.put.rate) & is_below(made.put.rate, made.put.yield);
    made.put.log_top = choose(yields_more, log_of(choose(yields_more, made.put.rate / made.put.yield, one)), zero);
    mask has_two_boundaries = is_below(made.put.rate, zero) & is_below(made.put.yield, made.put.rate);
    made.fine = is_spot_option(in) & ~has_two_boundaries;
    return made;
}

INLINE mask is_exercised_early(const american* option) {
    lanes zero = every(0.0), rate = option->put.rate;
    return is_below(zero, rate) | (is_same(rate, zero) & is_below(option->put.yield, zero));
}

// Where nothing is earned by early exercise, this is the European price, bit for bit.
static __attribute__((noinline)) void price_american_lanes(const lanes* in, lanes* out) {
    american option = american_of(in);
    const exercise* put = &option.put;
    lanes zero = every(0.0), premium, log_spot = log_of(option.spot), european;
    prepared half;
    prepare_black_scholes(in, &half);
    price_black_scholes_lanes(in, &half, &european);
    lanes found = european;
    mask early = is_exercised_early(&option), known = is_upto(half.deviation, every(1e-9)), searched = early & ~known;
    if (is_any(searched)) {
        find_boundary(&option.put);
        find_premium(put, &log_spot, &premium);
        lanes log_boundary = put->log_top - root_of(put->depth[AMERICAN_NODES]);
        mask waits = is_below(log_boundary, log_spot) & is_below(zero, premium);
        found = choose(searched & waits, european + premium * option.unit, found);
    }
    lanes certain = known_put(option.spot, put->years, put->rate, put->yield) * option.unit;
    found = choose(early & known & is_below(found, certain), certain, found);
    // At least what it pays at once; at the boundary and below it, just that.
    lanes paid = in[0] * (in[1] - in[2]);
    found = choose(is_below(found, paid), paid, found);
    out[0] = refused_unless(option.fine & is_finite(european), found);
}

// The same option with one input moved.
INLINE lanes american_with(const lanes* in, int which, lanes value) {
    lanes moved[7], price;
    memcpy(moved, in, sizeof moved);
    moved[which] = value;
    price_american_lanes(moved, &price);
    return price;
}

// Steps are as wide as the noise of a price wants them (1e-8 of the strike, seen from step to step) and as the shortest scale
// over which a price bends allows: a twentieth of a deviation for the spot.
static __attribute__((noinline)) void greeks_american_lanes(const lanes* in, lanes* out) {
    lanes spot = in[1], years = in[3], volatility = in[4], rate = in[5], zero = every(0.0);
    price_american_lanes(in, out);
    lanes deviation = volatility * root_of(years);
    lanes step = spot * lesser(greater(deviation * 0.05, every(1e-4)), every(0.02));
    lanes up = american_with(in, 1, spot + step), down = american_with(in, 1, spot - step);
    out[1] = (up - down) / (step + step);
    out[2] = (up - out[0] + (down - out[0])) / (step * step);
    step = lesser(volatility * 0.5, every(1e-3));
    out[3] = (american_with(in, 4, volatility + step) - american_with(in, 4, volatility - step)) / (step + step);
    step = lesser(years * 0.01, every(0.01));
    out[4] = (american_with(in, 3, years - step) - american_with(in, 3, years + step)) / (step + step);
    step = every(1e-4);
    out[5] = (american_with(in, 5, rate + step) - american_with(in, 5, rate - step)) / (step + step);
    // Without years or volatility there is no step that could be taken back.
    mask smooth = is_below(zero, deviation);
    for (int k = 1; k < 6; k++)
        out[k] = refused_unless(is_finite(out[0]) & smooth, out[k]);
}

// The volatility that gives this price: the Illinois form of the false position, from the European volatility downward, since
// exercise is never worth less than nothing. A lane that has arrived stays where it is, whatever its neighbours need.
static __attribute__((noinline)) void implied_american_lanes(const lanes* in, lanes* out) {
    enum { STEPS = 64 };
    lanes price = in[1], zero = every(0.0), size = in[2] + in[3], european, under, over;
    lanes option[7] = {in[0], in[2], in[3], in[4], zero, in[5], in[6]};
    implied_black_scholes_lanes(in, &european);
    lanes low = zero, high = choose(is_finite(european), european * (1.0 + 1e-9), 16.0 / root_of(in[4])), found = high;
    price_american_lanes(option, &under);
    under = under - price;
    over = american_with(option, 4, high) - price;
    // The price without volatility belongs to every volatility up to some other: it says nothing about it.
    mask fine = is_below(under, size * -1e-13) & is_below(zero, in[4]);
    // An upper end that is the European volatility may miss by rounding, any other may not.
    fine = fine & (is_below(zero, over) | (is_finite(european) & is_upto(size * -1e-9, over)));
    mask moving = fine & is_below(zero, over), was_under = ~fine & fine, was_over = was_under;
    for (int k = 0; k < STEPS && is_any(moving); k++) {
        lanes next = (low * over - high * under) / (over - under), middle = (low + high) * 0.5;
        next = choose(is_below(low, next) & is_below(next, high), next, middle);
        lanes here = american_with(option, 4, next) - price;
        mask is_under = moving & is_below(here, zero), is_over = moving & ~is_under;
        // The end that stays for a second time counts half, or it would stay for ever.
        over = choose(is_over, here, choose(is_under & was_under, over * 0.5, over));
        under = choose(is_under, here, choose(is_over & was_over, under * 0.5, under));
        low = choose(is_under, next, low);
        high = choose(is_over, next, high);
        found = choose(moving, next, found);
        was_under = is_under;
        was_over = is_over;
        moving = moving & is_below(size * 1e-16, magnitude(here)) & is_below(high * 1e-14, high - low);
    }
    out[0] = refused_unless(fine, found);
}
