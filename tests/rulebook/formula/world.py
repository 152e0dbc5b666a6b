# SPDX-License-Identifier: Apache-2.0
"""A small market with positions, for both the interpreter and the executor, and rules that both follow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from marginrules.machine import Key

NAN = math.nan


@dataclass
class World:
    """
    Carry everything that formulas read.

    Args:
        positions: field in capitals, as `machine.Field` names it -> number.
        marks: for each position, key in lower case -> what it is.
        moves: table -> for each position, a move in each scenario.
        columns: table -> columns, the weight first.
        tiers: rows (from, rate).
        strategies: results by number, see `Op.STRATEGY`.
        parameters: names in `positions`, by number.
    """

    positions: list[dict[str, float]]
    marks: list[dict[str, str]]
    columns: list[list[list[float]]]
    moves: dict[int, list[list[float]]] = field(default_factory=dict)
    tiers: list[list[tuple[float, float]]] = field(default_factory=list)
    pool: dict[str, float] = field(default_factory=dict)
    inputs: dict[str, float] = field(default_factory=dict)
    strategies: list[float] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)

    def groups(self, mask: int) -> tuple[list[int], int]:
        """Return for each position the number of its subgroup, in the order of first appearance, and how many."""
        names = [key.name.lower() for key in Key if key & mask and key.name]
        seen: dict[tuple[str, ...], int] = {}
        members = [seen.setdefault(tuple(one[name] for name in names), len(seen)) for one in self.marks]
        return members, len(seen)


def of_tiers(rows: Sequence[tuple[float, float]], x: float) -> float:
    """Return the sum over tiers of rate times the part of x, without its sign, that is inside."""
    if math.isnan(x):
        return NAN
    result, x = 0.0, abs(x)
    for k, (start, rate) in enumerate(rows):
        end = rows[k + 1][0] if k + 1 < len(rows) else math.inf
        if k == 0 or x > start:
            result += rate * (min(x, end) - start)
    return result


def stand_in(*args: float) -> float:
    """Stand in for a pricing formula: it depends on each argument and on their order."""
    return sum((place + 1) * one for place, one in enumerate(args))


def lowest_payoff(positions: Sequence[dict[str, float]]) -> float:
    """Return the least value at expiry of the options among some positions, over price 0 and every strike."""
    options = [one for one in positions if one["RIGHT"]]
    lowest = math.inf
    for price in [0.0, *(one["STRIKE"] for one in options)]:
        worth = 0.0
        for one in options:
            gain = greatest(one["RIGHT"] * (price - one["STRIKE"]), 0.0)
            worth += gain * one["MULTIPLIER"] * one["FX"] * one["QUANTITY"]
        lowest = least(lowest, worth)
    return lowest


def least(a: float, b: float) -> float:
    """Return the least of two, and not-a-number where one is."""
    return NAN if math.isnan(a) or math.isnan(b) else min(a, b)


def greatest(a: float, b: float) -> float:
    """Return the greatest of two, and not-a-number where one is."""
    return NAN if math.isnan(a) or math.isnan(b) else max(a, b)


def divided(a: float, b: float) -> float:
    """Divide; by nothing and by what is infinite, the result is not a number."""
    return a / b if b and math.isfinite(b) else NAN


def rounded(x: float, how: str) -> float:
    """Round to a whole number: "floor", "ceil" or "round", halves away from zero."""
    if not math.isfinite(x):
        return x
    if how == "round":
        whole = math.floor(abs(x))
        return math.copysign(whole + (abs(x) - whole >= 0.5), x)
    return float(math.floor(x) if how == "floor" else math.ceil(x))


def shared(x: float, part: float, whole: float, how: str) -> float:
    """Return x * part / whole as a whole number, exact in between."""
    if not all(map(math.isfinite, (x, part, whole))) or whole == 0:
        return NAN
    exact = Fraction(x) * Fraction(part) / Fraction(whole)
    if not abs(exact) < 2**1023:
        return NAN
    return float(math.floor(exact) if how == "floor" else math.ceil(exact))


def rooted(x: float) -> float:
    """Return the square root, and not-a-number of what has none."""
    return math.sqrt(x) if x >= 0 else NAN


def finite(x: float) -> float:
    """Return a number that is finite; else what is none."""
    return x if math.isfinite(x) else NAN


def exponential(x: float) -> float:
    """Return e to the power of x; not a number where that is infinite."""
    try:
        return finite(math.exp(x))
    except OverflowError:
        return NAN


def logarithm(x: float) -> float:
    """Return the natural logarithm; not a number where there is none."""
    return finite(math.log(x)) if x > 0 else NAN


def raised(a: float, b: float) -> float:
    """Return a to the power of b; not a number where that is infinite or there is none."""
    try:
        result = math.pow(a, b)
    except (OverflowError, ValueError):
        return NAN
    return NAN if math.isnan(a) or math.isnan(b) else finite(result)


def normal(x: float) -> float:
    """Return the cumulative standard normal distribution."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
