# SPDX-License-Identifier: Apache-2.0
"""
Moves and volatilities from published closes: what historical scenarios and volatility-dependent rates are made of.

Pure functions on closes that are positive, oldest first. Sums run from the oldest to the newest, and decay factors come
from exact decimals, so that the same closes give the same bits on every machine.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from decimal import Context, Decimal

from marginrules.units import DAY_NS

YEAR_NS = 365 * DAY_NS
RISK_METRICS_DECAY = 0.94  # of daily data; RiskMetrics Technical Document, 4th edition (1996), section 5.3.2
REALIZED_MOVES_MAX = 500  # weights beyond are below 1e-13 of the newest
REALIZED_MOVES_MIN = 20  # fewer say nothing about a volatility
_EXACT = Context(prec=28)


def horizon_steps(times_ns: Sequence[int], horizon_ns: int) -> int:
    """
    Return how many closes a horizon spans; 0 where the closes are too far apart for it.

    The usual distance of two closes is their median, so that with daily closes a day is one close across a weekend too,
    and ten days are ten trading days.
    """
    gaps = sorted(after - before for before, after in itertools.pairwise(times_ns))
    if not gaps:
        return 0
    usual = gaps[len(gaps) // 2]
    return (2 * horizon_ns + usual) // (2 * usual)


def moves(closes: Sequence[float], steps: int, window: int) -> list[float]:
    """
    Return relative moves over `steps` closes, in overlapping windows, oldest first.

    Args:
        window: how many, the newest; fewer are returned where there are fewer closes.

    Source: close[t + steps] / close[t] - 1 (historical simulation).
    """
    first = max(len(closes) - steps - window, 0)
    return [closes[start + steps] / closes[start] - 1.0 for start in range(first, len(closes) - steps)]


def weights(count: int, half_life: float | None = None) -> list[float]:
    """
    Return weights of `count` scenarios, oldest first, that sum to 1.

    Args:
        half_life: a scenario that is so many older has half the weight; None: all weigh alike.

    Source: Boudoukh, Richardson, Whitelaw, The Best of Both Worlds, Risk 11 (1998).
    """
    if half_life is None:
        return [1.0 / count] * count
    decay, newest_first = decay_of(half_life), [1.0]
    while len(newest_first) < count:
        newest_first.append(newest_first[-1] * decay)
    total = _sum(newest_first[::-1])
    return [one / total for one in newest_first[count - 1 :: -1]]


def decay_of(half_life: float) -> float:
    """Return the factor by which a weight falls from one close to the one before it."""
    return float(_EXACT.power(Decimal("0.5"), _EXACT.divide(Decimal(1), Decimal(half_life))))


def scaled_moves(given: Sequence[float], half_life: float) -> list[float]:
    """
    Return moves as large as they would be at today's volatility: move[t] x volatility now / volatility before move[t].

    Volatilities are exponentially weighted; the first is that of all moves. Where prices have never moved before, a
    move stays as it is.

    Source: Hull, White, Incorporating volatility updating into the historical simulation method for value-at-risk,
    Journal of Risk 1 (1998), equation 2.
    """
    if not given:
        return []
    decay = decay_of(half_life)
    variance = _sum([move * move for move in given]) / len(given)
    before = []
    for move in given:
        before.append(variance)
        variance = decay * variance + (1.0 - decay) * (move * move)
    return [move * math.sqrt(variance / then) if then > 0.0 else move for move, then in zip(given, before, strict=True)]


def scenario_moves(
    times_ns: Sequence[int], closes: Sequence[float], horizon_ns: int, window: int, half_life: float | None = None
) -> list[float] | None:
    """
    Return the moves of one underlying for a table of historical scenarios, oldest first.

    Args:
        half_life: of the volatility that moves are scaled to; None: moves as they were.

    Returns:
        Exactly `window` moves, or None where the closes do not reach back so far or are too far apart: history that is
        missing is never taken for history without losses.
    """
    steps = horizon_steps(times_ns, horizon_ns)
    found = moves(closes, steps, window) if steps else []
    if len(found) < window:
        return None
    return found if half_life is None else scaled_moves(found, half_life)


def realized_volatility(times_ns: Sequence[int], closes: Sequence[float]) -> float | None:
    """
    Return the exponentially weighted volatility a year; None where there are too few closes.

    A year has as many moves as the closes have on average, so that daily closes of a market with weekends have about
    252 of them.

    Source: RiskMetrics Technical Document, 4th edition (1996), section 5.2.1, with mean 0 and weights that sum to 1; of
    relative instead of logarithmic moves, as historical scenarios have.
    """
    found = moves(closes, 1, REALIZED_MOVES_MAX)
    if len(found) < REALIZED_MOVES_MIN:
        return None
    total = weight = 0.0
    for move in found:
        total = RISK_METRICS_DECAY * total + move * move
        weight = RISK_METRICS_DECAY * weight + 1.0
    span_ns = times_ns[-1] - times_ns[len(times_ns) - 1 - len(found)]
    return math.sqrt(total / weight * (len(found) * YEAR_NS / span_ns))


def _sum(values: Sequence[float]) -> float:
    total = 0.0
    for one in values:
        total += one
    return total
