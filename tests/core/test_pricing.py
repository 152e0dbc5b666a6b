# SPDX-License-Identifier: Apache-2.0
"""Option prices against QuantLib and the identities they must keep; the same bits for one lane and for many."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import math
import os
import random
from array import array
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules._core import core

ql = pytest.importorskip("QuantLib")

NAN, INFINITY = math.nan, math.inf
CALL, PUT = 1.0, -1.0
TODAY = ql.Date(1, 1, 2026)
DAYS = ql.Actual365Fixed()
SPOT_FUNCTIONS = (core.black_scholes, core.american)
# right, spot, strike, days, volatility, rate, dividend yield
Option = tuple[float, float, float, int, float, float, float]
EUROPEAN: list[Option] = list(
    product(
        (CALL, PUT),
        (100.0,),
        (1.0, 50.0, 90.0, 100.0, 101.0, 200.0, 5000.0),
        (1, 30, 365, 7300),
        (0.01, 0.2, 0.8, 3.0),
        (-0.02, 0.0, 0.05),
        (-0.01, 0.0, 0.08),
    )
)
AMERICAN: list[Option] = list(
    product(
        (CALL, PUT),
        (100.0,),
        (60.0, 90.0, 100.0, 110.0, 160.0),
        (2, 30, 365, 3650),
        (0.05, 0.2, 0.8, 2.0),
        (0.0, 0.001, 0.05, 0.15),
        (0.0, 0.02, 0.1),
    )
)


def columns(options: list[Option]) -> list[array[float]]:
    """Return the columns that the functions of the core take, with days as years."""
    right, spot, strike, days, volatility, rate, dividend_yield = zip(*options, strict=True)
    years = [one / 365 for one in days]
    return [array("d", column) for column in (right, spot, strike, years, volatility, rate, dividend_yield)]


def quantlib(option: Option, *, american: bool = False) -> Any:
    """Return QuantLib's option with its best engine."""
    right, spot, strike, days, volatility, rate, dividend_yield = option
    ql.Settings.instance().evaluationDate = TODAY

    def curve(level: float) -> Any:
        return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, level, DAYS))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)),
        curve(dividend_yield),
        curve(rate),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, DAYS)),
    )
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
    if american:
        made = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, TODAY + days))
        made.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
    else:
        made = ql.VanillaOption(payoff, ql.EuropeanExercise(TODAY + days))
        made.setPricingEngine(ql.AnalyticEuropeanEngine(process))
    return made


@functools.cache
def american_references() -> list[float]:
    """Return QuantLib's American prices of the grid."""
    return [quantlib(option, american=True).NPV() for option in AMERICAN]


def test_black_scholes_and_greeks_are_those_of_quantlib() -> None:
    """Price and every Greek, from a day to twenty years, from 1 % of the spot to fifty times as much."""
    found = core.black_scholes_greeks(*columns(EUROPEAN))
    assert found[0] == core.black_scholes(*columns(EUROPEAN))
    for k, option in enumerate(EUROPEAN):
        one = quantlib(option)
        expected = [one.NPV(), one.delta(), one.gamma(), one.vega(), one.theta(), one.rho()]
        years = option[3] / 365
        scales = [1.0, 1.0, 1.0, 100.0, 100.0, 5000.0 * years]
        for mine, theirs, scale in zip((column[k] for column in found), expected, scales, strict=True):
            assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-11 * max(scale, 1.0)), option


def test_black76_is_black_scholes_without_interest() -> None:
    """One formula, and the inverse price is that divided by the forward."""
    right, forward, strike, years, volatility, *_ = columns(EUROPEAN)
    found = core.black76(right, forward, strike, years, volatility)
    assert found == core.black_scholes(right, forward, strike, years, volatility, 0.0, 0.0)
    assert core.black76_inverse(right, forward, strike, years, volatility) == array(
        "d", [price / one for price, one in zip(found, forward, strict=True)]
    )
    mine = core.black76_greeks(right, forward, strike, years, volatility)
    spot = core.black_scholes_greeks(right, forward, strike, years, volatility, 0.0, 0.0)
    for k in range(5):
        assert mine[k] == pytest.approx(spot[k], rel=1e-14, abs=1e-300)
    assert mine[5] == array("d", [-one * price for one, price in zip(years, found, strict=True)])


def test_black76_of_quantlib() -> None:
    """Against the Black formula itself, also where the deviation is tiny or huge."""
    for right, strike, deviation in product(
        (CALL, PUT), (20.0, 99.0, 100.0, 100.01, 130.0), (1e-4, 0.01, 0.3, 2.0, 9.0)
    ):
        kind = ql.Option.Call if right > 0 else ql.Option.Put
        (found,) = core.black76(right, 100.0, strike, 1.0, deviation)
        assert found == pytest.approx(ql.blackFormula(kind, strike, 100.0, deviation), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("right", "forward", "strike", "deviation"),
    [(CALL, 100.0, 150.0, 0.04), (PUT, 100.0, 40.0, 0.05), (CALL, 100.0, 101.0, 0.001), (PUT, 100.0, 60.0, 0.5)],
)
def test_far_out_of_the_money_has_digits(right: float, forward: float, strike: float, deviation: float) -> None:
    """A price of 1e-70 has as many right digits as a large one."""
    (found,) = core.black76(right, forward, strike, 1.0, deviation)
    assert found == pytest.approx(out_of_the_money(forward, strike, deviation), rel=1e-10)


def out_of_the_money(forward: float, strike: float, deviation: float, steps: int = 20_000) -> float:
    """Integrate the payoff over the density beyond the strike: positive terms only, so no digit is lost."""
    side = 1.0 if strike > forward else -1.0
    start = (math.log(strike / forward) + deviation * deviation / 2) / deviation
    width = 12.0 / (abs(start) + 1.0) * 4
    h = width / steps
    terms = []
    for k in range(steps + 1):
        z = start + side * k * h
        payoff = side * (forward * math.exp(-deviation * deviation / 2 + deviation * z) - strike)
        weight = 1 if k in {0, steps} else 4 if k % 2 else 2
        terms.append(weight * payoff * math.exp(-z * z / 2))
    return math.fsum(terms) * h / 3 / math.sqrt(2 * math.pi)


def test_american_is_that_of_quantlib() -> None:
    """Within 1e-4 of the spot everywhere on the grid, and within 1e-5 nearly everywhere."""
    found = core.american(*columns(AMERICAN))
    errors = sorted(abs(mine - theirs) / 100.0 for mine, theirs in zip(found, american_references(), strict=True))
    assert errors[-1] < 1e-4
    assert errors[int(len(errors) * 0.995)] < 1e-5
    assert errors[len(errors) // 2] < 1e-7


def test_american_is_worth_its_exercise_and_its_european() -> None:
    """Never below either; equal to the European where early exercise earns nothing."""
    found, european = core.american(*columns(AMERICAN)), core.black_scholes(*columns(AMERICAN))
    for option, mine, other in zip(AMERICAN, found, european, strict=True):
        right, spot, strike, _, _, rate, dividend_yield = option
        assert mine >= max(right * (spot - strike), other)
        if (right == CALL and dividend_yield == 0.0) or (right == PUT and rate == 0.0):
            assert mine == pytest.approx(other, rel=1e-14)


def test_american_greeks() -> None:
    """European where nothing is exercised early, and differences of QuantLib's prices elsewhere."""
    plain = [one for one in AMERICAN if one[0] == CALL and one[6] == 0.0 and one[5] >= 0.001]
    found, expected = core.american_greeks(*columns(plain)), core.black_scholes_greeks(*columns(plain))
    for mine, theirs, scale in zip(found, expected, (1e-10, 1e-3, 1e-3, 0.05, 0.1, 1.0), strict=True):
        assert np.max(np.abs(np.array(mine) - np.array(theirs))) < scale
    option: Option = (PUT, 100.0, 105.0, 365, 0.3, 0.05, 0.01)
    mine_of = [one[0] for one in core.american_greeks(*columns([option]))]

    def price(**moved: float) -> float:
        names = ("right", "spot", "strike", "days", "volatility", "rate", "dividend_yield")
        return float(quantlib((*dict(zip(names, option, strict=True), **moved).values(),), american=True).NPV())  # type: ignore[arg-type]

    assert mine_of[1] == pytest.approx((price(spot=100.5) - price(spot=99.5)) / 1.0, abs=1e-3)
    assert mine_of[2] == pytest.approx(price(spot=101.0) - 2 * price() + price(spot=99.0), abs=1e-3)
    assert mine_of[3] == pytest.approx((price(volatility=0.301) - price(volatility=0.299)) / 0.002, abs=0.05)
    assert mine_of[4] == pytest.approx((price(days=360) - price(days=370)) / (10 / 365), abs=0.05)
    assert mine_of[5] == pytest.approx((price(rate=0.0501) - price(rate=0.0499)) / 0.0002, abs=0.1)


def test_boundary_of_exercise() -> None:
    """Deep in the money with interest to earn, an American put is worth what it pays at once."""
    assert core.american(PUT, 50.0, 100.0, 1.0, 0.2, 0.1, 0.0)[0] == 50.0
    assert core.american(CALL, 200.0, 100.0, 1.0, 0.2, 0.0, 0.1)[0] == 100.0


def test_two_boundaries_are_refused() -> None:
    """A yield below a negative rate is beyond the method: not a number, never a guess."""
    assert math.isnan(core.american(PUT, 100.0, 100.0, 1.0, 0.2, -0.01, -0.05)[0])
    assert math.isnan(core.american(CALL, 100.0, 100.0, 1.0, 0.2, -0.05, -0.01)[0])
    assert core.american(PUT, 100.0, 100.0, 1.0, 0.2, -0.05, -0.01) == core.black_scholes(
        PUT, 100.0, 100.0, 1.0, 0.2, -0.05, -0.01
    )


amounts = st.floats(0.01, 1e5)
ratios = st.floats(0.2, 5.0)
tenors = st.floats(1e-3, 10.0)
volatilities = st.floats(0.01, 2.0)
levels = st.floats(0.0, 0.2)


@given(amounts, ratios, tenors, volatilities, levels, levels)
@settings(max_examples=300, deadline=None)
def test_parity(spot: float, ratio: float, years: float, volatility: float, rate: float, dividend_yield: float) -> None:
    """Call - put = discounted forward - discounted strike; the American difference lies within its bounds."""
    strike = spot * ratio
    call, put = core.black_scholes(array("d", [CALL, PUT]), spot, strike, years, volatility, rate, dividend_yield)
    received, paid = spot * math.exp(-dividend_yield * years), strike * math.exp(-rate * years)
    assert call - put == pytest.approx(received - paid, rel=1e-12, abs=1e-13 * (spot + strike))
    call, put = core.american(array("d", [CALL, PUT]), spot, strike, years, volatility, rate, dividend_yield)
    noise = 1e-4 * (spot + strike)
    assert received - strike - noise <= call - put <= spot - paid + noise


@given(amounts, ratios, tenors, volatilities, levels, levels)
@settings(max_examples=200, deadline=None)
def test_prices_are_monotone(
    spot: float, ratio: float, years: float, volatility: float, rate: float, dividend_yield: float
) -> None:
    """A call falls with the strike and rises with volatility; an American rises with the time it has."""
    strike = spot * ratio
    noise = 1e-12 * (spot + strike)
    strikes = array("d", [strike * (1 + 0.05 * k) for k in range(6)])
    swings = array("d", [volatility * (1 + 0.2 * k) for k in range(6)])
    times = array("d", [years * (1 + 0.2 * k) for k in range(6)])
    for price in SPOT_FUNCTIONS:
        slack = noise if price is core.black_scholes else 1e-4 * (spot + strike)
        falling = price(CALL, spot, strikes, years, volatility, rate, dividend_yield)
        assert all(second <= first + slack for first, second in pairwise(falling))
        for right in (CALL, PUT):
            rising = price(right, spot, strike, years, swings, rate, dividend_yield)
            assert all(first <= second + slack for first, second in pairwise(rising))
    for right in (CALL, PUT):
        longer = core.american(right, spot, strike, times, volatility, rate, dividend_yield)
        assert all(first <= second + 1e-4 * (spot + strike) for first, second in pairwise(longer))


@given(amounts, ratios, tenors, st.floats(0.005, 4.0), st.sampled_from([CALL, PUT]), levels, levels)
@settings(max_examples=500, deadline=None)
def test_implied_volatility_comes_back(
    spot: float, ratio: float, years: float, volatility: float, right: float, rate: float, dividend_yield: float
) -> None:
    """What is found gives the price again, and is the volatility wherever a bit of the price says enough about it."""
    strike = spot * ratio
    price, _, _, vega, *_ = (one[0] for one in core.black76_greeks(right, spot, strike, years, volatility))
    outside = price - max(right * (spot - strike), 0.0)
    (found,) = core.black76_implied(right, price, spot, strike, years)
    if outside > 0.0 and outside < min(spot, strike):
        (again,) = core.black76(right, spot, strike, years, found)
        assert again == pytest.approx(price, rel=1e-12)
    # A price among the least doubles has lost its digits.
    if vega * volatility > 1e-2 * price and price > 1e-290:
        assert found == pytest.approx(volatility, rel=1e-11)
    option = (spot, strike, years, volatility, rate, dividend_yield)
    price, _, _, vega, *_ = (one[0] for one in core.black_scholes_greeks(right, *option))
    if vega * volatility > 1e-2 * price:
        (found,) = core.black_scholes_implied(right, price, spot, strike, years, rate, dividend_yield)
        assert found == pytest.approx(volatility, rel=1e-10)


def test_american_implied_volatility_comes_back() -> None:
    """Wherever the price is not what it would be without volatility."""
    right, spot, strike, years, volatility, rate, dividend_yield = columns(AMERICAN)
    price, _, _, vega, *_ = core.american_greeks(*columns(AMERICAN))
    still = core.american(right, spot, strike, years, 0.0, rate, dividend_yield)
    found = core.american_implied(right, price, spot, strike, years, rate, dividend_yield)
    again = core.american(right, spot, strike, years, found, rate, dividend_yield)
    checked = 0
    for k in range(len(AMERICAN)):
        if price[k] - still[k] > 1e-6 and vega[k] > 1e-4 * price[k]:
            assert again[k] == pytest.approx(price[k], rel=1e-10)
            checked += 1
            if vega[k] > 0.01 * price[k]:
                assert found[k] == pytest.approx(volatility[k], rel=1e-9)
    assert checked > len(AMERICAN) * 0.6


def test_no_volatility_at_or_beyond_the_bounds() -> None:
    """A price that no volatility gives, or any, has none."""
    for price in (-1.0, 0.0, 20.0, 19.9, 120.0, 121.0, NAN, INFINITY):
        assert math.isnan(core.black76_implied(CALL, price, 120.0, 100.0, 1.0)[0])
        assert math.isnan(core.black_scholes_implied(CALL, price, 120.0, 100.0, 1.0, 0.0, 0.0)[0])
        assert math.isnan(core.american_implied(CALL, price, 120.0, 100.0, 1.0, 0.0, 0.0)[0])
    assert math.isnan(core.black76_implied(CALL, 25.0, 120.0, 100.0, 0.0)[0])


@pytest.mark.parametrize("bad", [NAN, INFINITY, -INFINITY, -1.0])
def test_what_cannot_be_is_not_a_number(bad: float) -> None:
    """Each argument in turn: no price, no Greek and no volatility comes of it."""
    sane = {5: [1.0, 100.0, 100.0, 1.0, 0.2], 7: [1.0, 100.0, 100.0, 1.0, 0.2, 0.05, 0.02]}
    many: dict[Callable[..., Any], int] = {
        core.black76: 5,
        core.black76_inverse: 5,
        core.black_scholes: 7,
        core.american: 7,
        core.black76_greeks: 5,
        core.black_scholes_greeks: 7,
        core.american_greeks: 7,
    }
    for function, count in many.items():
        for k in range(count):
            if bad == -1.0 and k not in {1, 2, 3, 4}:
                continue
            given_ = [*sane[count]]
            given_[k] = bad
            found = function(*given_)
            for column in found if isinstance(found, tuple) else (found,):
                assert math.isnan(column[0]), (function.__name__, k)
    assert math.isnan(core.black76(0.5, 100.0, 100.0, 1.0, 0.2)[0])
    assert math.isnan(core.black76(0.0, 100.0, 100.0, 1.0, 0.2)[0])


def test_without_time_or_volatility() -> None:
    """The option is worth what it is in the money by; at the money its gamma is unbounded and therefore refused."""
    for years, volatility in ((0.0, 0.2), (1.0, 0.0), (0.0, 0.0)):
        assert core.black76(CALL, 120.0, 100.0, years, volatility)[0] == 20.0
        assert core.black76(PUT, 120.0, 100.0, years, volatility)[0] == 0.0
        price, delta, gamma, vega, theta, _ = (
            one[0] for one in core.black76_greeks(CALL, 120.0, 100.0, years, volatility)
        )
        assert (price, delta, gamma, vega, theta) == (20.0, 1.0, 0.0, 0.0, 0.0)
        assert math.isnan(core.black76_greeks(CALL, 100.0, 100.0, years, volatility)[2][0])
    assert core.black_scholes(CALL, 120.0, 100.0, 1.0, 0.0, 0.05, 0.0)[0] == pytest.approx(120 - 100 * math.exp(-0.05))
    assert core.american(PUT, 90.0, 100.0, 1.0, 0.0, 0.05, 0.0)[0] == 10.0
    assert core.american(PUT, 90.0, 100.0, 0.0, 0.3, 0.05, 0.0)[0] == 10.0
    # A path that is known is left at its best moment, which here lies between the ends.
    (found,) = core.american(PUT, 90.0, 100.0, 20.0, 0.0, 0.05, 0.1)
    best = max(100 * math.exp(-0.05 * t) - 90 * math.exp(-0.1 * t) for t in np.linspace(0, 20, 20_001))
    assert found == pytest.approx(best, rel=1e-8)
    assert core.black76(CALL, 0.0, 100.0, 1.0, 0.2)[0] == 0.0
    assert core.black76(PUT, 0.0, 100.0, 1.0, 0.2)[0] == 100.0
    assert core.american(PUT, 0.0, 100.0, 1.0, 0.2, 0.05, 0.0)[0] == 100.0


def test_elementary_functions() -> None:
    """Within two ulps of the C library's; N to many digits in its tail; and the special cases."""
    chance = random.Random(3)  # noqa: S311
    xs = array(
        "d", [chance.uniform(-745.0, 709.0) for _ in range(20_000)] + [chance.uniform(-1, 1) for _ in range(5_000)]
    )
    for x, found in zip(xs, core.exponential(xs), strict=True):
        assert abs(found - math.exp(x)) <= 2 * math.ulp(math.exp(x))
    ys = array(
        "d", [10 ** chance.uniform(-320, 308) for _ in range(20_000)] + [chance.uniform(0.5, 2) for _ in range(5_000)]
    )
    for y, found in zip(ys, core.logarithm(ys), strict=True):
        assert abs(found - math.log(y)) <= 2 * math.ulp(math.log(y))
    zs = array("d", [chance.uniform(-37.0, 9.0) for _ in range(20_000)])
    for z, found in zip(zs, core.normal_distribution(zs), strict=True):
        assert found == pytest.approx(math.erfc(-z / math.sqrt(2)) / 2, rel=4e-16 * (4 + z * z), abs=1e-308)
    for function, pairs in {
        core.exponential: [(0.0, 1.0), (-INFINITY, 0.0), (INFINITY, INFINITY), (710.0, INFINITY), (-746.0, 0.0)],
        core.logarithm: [(0.0, -INFINITY), (-0.0, -INFINITY), (1.0, 0.0), (INFINITY, INFINITY)],
        core.normal_distribution: [(0.0, 0.5), (-INFINITY, 0.0), (INFINITY, 1.0)],
    }.items():
        for x, expected in pairs:
            assert function(x)[0] == expected
        assert math.isnan(function(NAN)[0])
    assert math.isnan(core.logarithm(-1.0)[0])
    assert core.exponential(-745.1)[0] == 5e-324


def test_power() -> None:
    """Exact for 0, 1/2, 1 and 2; within its bound elsewhere; a negative base has no other power."""
    chance = random.Random(4)  # noqa: S311
    base = array("d", [10 ** chance.uniform(-5, 5) for _ in range(5_000)])
    exponent = array("d", [chance.uniform(-20, 20) for _ in range(5_000)])
    for b, e, found in zip(base, exponent, core.power(base, exponent), strict=True):
        assert found == pytest.approx(b**e, rel=3e-16 * (2 + abs(e * math.log(b))))
    assert core.power(base, 1.0) == base
    assert core.power(base, 2.0) == array("d", [b * b for b in base])
    assert core.power(base, 0.5) == array("d", [math.sqrt(b) for b in base])
    assert list(core.power(array("d", [3.0, 0.0, -2.0]), 0.0)) == [1.0, 1.0, 1.0]
    assert list(core.power(array("d", [0.0, 0.0]), array("d", [2.5, -1.0]))) == [0.0, INFINITY]
    assert all(math.isnan(one) for one in core.power(array("d", [-2.0, NAN, 1.0]), array("d", [1.5, 0.0, NAN])))


def calls() -> Iterator[tuple[str, Callable[..., Any], list[array[float]]]]:
    """Return every function with 1,003 random sets of arguments."""
    chance = random.Random(5)  # noqa: S311

    def column(low: float, high: float) -> array[float]:
        return array("d", [chance.uniform(low, high) for _ in range(1003)])

    right = array("d", [chance.choice([CALL, PUT]) for _ in range(1003)])
    forward, strike = column(50, 150), column(50, 150)
    years, volatility, rate, dividend_yield = column(0, 3), column(0.01, 1.5), column(-0.02, 0.1), column(0, 0.1)
    # One in a few has no time, no volatility, no rate, or is exactly at the money.
    for k in range(1003):
        for where, column_, value in ((7, years, 0.0), (11, volatility, 0.0), (5, rate, 0.0), (13, strike, forward[k])):
            if k % where == 0:
                column_[k] = value
    five = [right, forward, strike, years, volatility]
    seven = [*five, rate, dividend_yield]
    for name, function in (("black76", core.black76), ("black76_greeks", core.black76_greeks)):
        yield name, function, five
    for name, spot_function in (
        ("black_scholes", core.black_scholes),
        ("black_scholes_greeks", core.black_scholes_greeks),
        ("american", core.american),
        ("american_greeks", core.american_greeks),
    ):
        yield name, spot_function, seven
    yield "black76_implied", core.black76_implied, [right, core.black76(*five), forward, strike, years]
    rest = [forward, strike, years, rate, dividend_yield]
    yield "black_scholes_implied", core.black_scholes_implied, [right, core.black_scholes(*seven), *rest]
    yield "american_implied", core.american_implied, [right, core.american(*seven), *rest]
    yield "exponential", core.exponential, [column(-750, 720)]
    yield "logarithm", core.logarithm, [column(-1, 100)]
    yield "normal_distribution", core.normal_distribution, [column(-40, 10)]
    yield "power", core.power, [column(0, 10), column(-10, 10)]


def bits(found: Any) -> list[bytes]:
    """Return the bytes of one array or of several."""
    return [one.tobytes() for one in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.parametrize(("name", "function", "given_"), [pytest.param(*one, id=one[0]) for one in calls()])
def test_bits_do_not_depend_on_the_company(name: str, function: Callable[..., Any], given_: list[array[float]]) -> None:
    """One at a time, at odd addresses, and with every width of the machine, each lane has the same bits."""
    whole = bits(function(*given_))
    count = len(given_[0])
    some = range(count) if "american" not in name else range(0, count, 25)
    for k in some:
        alone = bits(function(*(column[k : k + 1] for column in given_)))
        assert alone == [one[8 * k : 8 * k + 8] for one in whole]
    shifted = bits(function(*(memoryview(column)[1:] for column in given_)))
    assert shifted == [one[8:] for one in whole]
    before = core.use_lanes(64)
    try:
        for most in (2, 4, 8):
            core.use_lanes(most)
            assert bits(function(*given_)) == whole
    finally:
        core.use_lanes(before)


def test_arguments() -> None:
    """Arrays of doubles of one length, numbers for all, nothing else."""
    two = array("d", [90.0, 110.0])
    assert core.black76(1.0, two, 100.0, 1, 0.2) == core.black76(1.0, np.array(two), np.float64(100.0), 1, 0.2)
    assert len(core.black76(1.0, array("d"), 100.0, 1.0, 0.2)) == 0
    with pytest.raises(ValueError, match="argument 3 was 3 long"):
        core.black76(1.0, two, array("d", [1.0, 2.0, 3.0]), 1.0, 0.2)
    with pytest.raises(TypeError, match="doubles"):
        core.black76(1.0, array("f", [1.0]), 100.0, 1.0, 0.2)
    with pytest.raises(TypeError):
        core.black76("call", 100.0, 100.0, 1.0, 0.2)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError, BufferError)):
        core.black76(1.0, np.ones((2, 2)), 100.0, 1.0, 0.2)


@pytest.mark.parametrize(
    ("file", "day", "spot", "function"),
    [
        ("spx_options_20151223.csv", dt.date(2015, 12, 23), 2064.29, core.black_scholes_greeks),
        ("aapl_options_20140609.csv", dt.date(2014, 6, 9), 92.72, core.american_greeks),
    ],
)
def test_listed_chain_is_near(file: str, day: dt.date, spot: float, function: Callable[..., core.Greeks]) -> None:
    """Delta and gamma at published volatilities lie near the published ones, whose rates we do not know."""
    path = Path(os.environ.get("MARGINRULES_MARKET_DATA", "market-data")) / file
    if not path.exists():
        pytest.skip("set MARGINRULES_MARKET_DATA to the folder of the chains")
    with path.open(encoding="utf-8") as lines:
        rows = [one for one in csv.DictReader(line.lstrip("#") for line in lines) if one["expiry"]]
    chosen = [one for one in rows if float(one["implied_volatility"] or 0) > 0.0]
    expiries = [dt.datetime.strptime(one["expiry"], "%Y%m%d").replace(tzinfo=dt.UTC).date() for one in chosen]
    _, delta, gamma, *_ = function(
        array("d", [CALL if one["right"] == "C" else PUT for one in chosen]),
        spot,
        array("d", [float(one["strike"]) for one in chosen]),
        array("d", [(one - day).days / 365 for one in expiries]),
        array("d", [float(one["implied_volatility"]) for one in chosen]),
        0.005,
        0.02,
    )
    for mine, name, most in ((delta, "delta", 0.05), (gamma, "gamma", 0.1 / spot)):
        gaps = sorted(abs(one - float(row[name])) for one, row in zip(mine, chosen, strict=True))
        assert gaps[len(gaps) // 2] < most
