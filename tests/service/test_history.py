# SPDX-License-Identifier: Apache-2.0
"""Moves, weights and volatilities from closes, against their definitions."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules.service import history
from marginrules.units import DAY_NS

HOUR_NS = DAY_NS // 24
_closes = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=60)


def business_days(count: int) -> list[int]:
    """Return the midnights of a market that is closed two days of seven."""
    return [(7 * (k // 5) + k % 5) * DAY_NS for k in range(count)]


def walk(count: int, volatility: float = 0.01, seed: int = 7) -> list[float]:
    """Return closes whose daily moves have a volatility."""
    source = random.Random(seed)  # noqa: S311 - not a secret
    closes = [100.0]
    while len(closes) < count:
        closes.append(closes[-1] * (1.0 + source.gauss(0.0, volatility)))
    return closes


@pytest.mark.parametrize(
    ("times", "horizon", "steps"),
    [
        (business_days(30), DAY_NS, 1),
        (business_days(30), 10 * DAY_NS, 10),
        ([k * DAY_NS for k in range(30)], 10 * DAY_NS, 10),
        ([k * HOUR_NS for k in range(30)], DAY_NS, 24),
        ([k * HOUR_NS for k in range(30)], 90 * 60 * 10**9, 2),  # half an hour either way: the longer
        ([k * 7 * DAY_NS for k in range(30)], DAY_NS, 0),
        ([0], DAY_NS, 0),
        ([], DAY_NS, 0),
    ],
)
def test_a_horizon_counts_closes(times: list[int], horizon: int, steps: int) -> None:
    """A day is one daily close, over a weekend too, and 24 hourly ones; of weekly closes there is none a day."""
    assert history.horizon_steps(times, horizon) == steps


def test_moves_overlap_and_the_newest_are_taken() -> None:
    """Each move spans the horizon and begins one close after the one before."""
    closes = [100.0, 110.0, 99.0, 121.0, 132.0]
    assert history.moves(closes, 1, 9) == [c / b - 1.0 for b, c in itertools.pairwise(closes)]
    assert history.moves(closes, 2, 2) == [121.0 / 110.0 - 1.0, 132.0 / 99.0 - 1.0]
    assert history.moves(closes, 5, 2) == []
    assert history.moves(closes, 9, 2) == []


@given(_closes, st.integers(1, 5), st.integers(1, 80))
def test_every_move_is_the_relative_change(closes: list[float], steps: int, window: int) -> None:
    """A move is close[t + h] / close[t] - 1 to the last bit of a double, and there are as many as asked for."""
    found = history.moves(closes, steps, window)
    assert len(found) == max(min(window, len(closes) - steps), 0)
    for back, move in enumerate(reversed(found)):
        end = len(closes) - 1 - back
        exact = Fraction(closes[end]) / Fraction(closes[end - steps]) - 1
        assert abs(Fraction(move) - exact) <= Fraction(2.0**-52) * (1 + abs(exact))


def test_weights_halve_and_sum_to_one() -> None:
    """The newest weighs most, one half-life older half of that; without a half-life all weigh alike."""
    found = history.weights(250, 60.0)
    assert math.fsum(found) == pytest.approx(1.0, abs=1e-14)
    assert found == sorted(found)
    assert found[-61] / found[-1] == pytest.approx(0.5, rel=1e-13)
    assert found[-121] / found[-1] == pytest.approx(0.25, rel=1e-13)
    assert history.weights(4) == [0.25] * 4
    assert history.weights(1, 60.0) == [1.0]
    assert history.weights(3, 1.0) == [1 / 7, 2 / 7, 4 / 7]


def test_scaled_moves_by_hand() -> None:
    """Hull and White: a move from a calm time counts as large as it would be now."""
    # Half-life 1: a variance is the mean of the one before and the square of the last move; the first is that of all.
    given = [0.01, -0.02, 0.04]
    first = (1e-4 + 4e-4 + 16e-4) / 3
    second = (first + 1e-4) / 2
    third = (second + 4e-4) / 2
    now = (third + 16e-4) / 2
    expected = [move * math.sqrt(now / then) for move, then in zip(given, (first, second, third), strict=True)]
    assert history.scaled_moves(given, 1.0) == pytest.approx(expected, rel=1e-15)
    assert history.scaled_moves([], 30.0) == []
    assert history.scaled_moves([0.0, 0.0], 30.0) == [0.0, 0.0]


def test_scaling_follows_volatility() -> None:
    """After a calm year and a wild month, calm moves are raised towards what is wild; a steady series stays."""
    calm = [0.001 * (-1) ** k for k in range(250)]
    wild = [0.03 * (-1) ** k for k in range(22)]
    scaled = history.scaled_moves(calm + wild, 10.0)
    assert 0.01 < abs(scaled[200]) < 0.03
    assert abs(scaled[-1]) == pytest.approx(0.03, rel=0.2)
    steady = [0.01 * (-1) ** k for k in range(100)]
    assert history.scaled_moves(steady, 10.0) == pytest.approx(steady, rel=1e-12)


def test_a_table_has_all_its_moves_or_none() -> None:
    """History that does not reach back far enough gives nothing: a shorter one would hide losses."""
    times, closes = business_days(101), walk(101)
    assert history.scenario_moves(times, closes, DAY_NS, 100) == history.moves(closes, 1, 100)
    assert history.scenario_moves(times, closes, DAY_NS, 101) is None
    assert history.scenario_moves(times, closes, 10 * DAY_NS, 92) is None
    assert len(history.scenario_moves(times, closes, 10 * DAY_NS, 91) or ()) == 91
    assert history.scenario_moves(times, closes, HOUR_NS, 5) is None
    scaled = history.scenario_moves(times, closes, DAY_NS, 50, 30.0)
    assert scaled == history.scaled_moves(history.moves(closes, 1, 50), 30.0)
    assert history.scenario_moves([], [], DAY_NS, 1) is None


def test_realized_volatility_by_its_definition() -> None:
    """The square root of the weighted mean square, a year: weights fall by 0.94 a day, and a year has 261 weekdays."""
    times, closes = business_days(501), walk(501)
    moves = history.moves(closes, 1, 500)
    weights = [0.94**age for age in range(len(moves) - 1, -1, -1)]
    variance = math.fsum(w * m * m for w, m in zip(weights, moves, strict=True)) / math.fsum(weights)
    a_year = len(moves) * 365 * DAY_NS / (times[-1] - times[0])
    assert a_year == pytest.approx(260.7, abs=0.5)
    assert history.realized_volatility(times, closes) == pytest.approx(math.sqrt(variance * a_year), rel=1e-12)


def test_realized_volatility_needs_closes() -> None:
    """Fewer than twenty moves say nothing; older ones than the newest 500 do not count; no move is no volatility."""
    times, closes = business_days(1_000), walk(1_000)
    assert history.realized_volatility(times[:20], closes[:20]) is None
    assert history.realized_volatility(times[:21], closes[:21]) is not None
    assert history.realized_volatility(times, closes) == history.realized_volatility(times[-501:], closes[-501:])
    assert history.realized_volatility(times, [5.0] * 1_000) == 0.0


def test_realized_volatility_is_a_rate_a_year() -> None:
    """The same walk in hours instead of days has 24 times as many moves a year."""
    closes = walk(501)
    daily = history.realized_volatility([k * DAY_NS for k in range(501)], closes)
    hourly = history.realized_volatility([k * HOUR_NS for k in range(501)], closes)
    assert daily is not None
    assert hourly is not None
    assert 0.1 < daily < 0.3
    assert hourly / daily == pytest.approx(math.sqrt(24), rel=1e-12)
