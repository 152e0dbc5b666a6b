# SPDX-License-Identifier: Apache-2.0
"""
A book of strategies in plain Python, and books of positions to group with it.

The figures follow FINRA 4210(f)(2) and the Cboe Margin Manual, for equity whose options count nothing: a short option
costs its value and more, a spread its width, a long option nothing.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from marginrules._core.core import StrategyGrouping
from marginrules.machine import Field

FIELD_COUNT = 16
CALL, PUT, STOCK = 1, -1, 0
EQUAL, LESS, LESS_EQUAL = 0, 1, 2
NEVER = math.inf

Join = tuple[int, int, int, int]


@dataclass(frozen=True)
class Held:
    """Carry one leg held; prices per share, quantity in contracts of `multiplier`, or in shares."""

    right: int
    quantity: float
    strike: float = 0.0
    days: float = 0.0
    mark: float = 0.0
    index: float = 100.0
    multiplier: float = 100.0

    def fields(self) -> list[float]:
        """Return the fields by number."""
        made = [0.0] * FIELD_COUNT
        made[Field.MARK], made[Field.STRIKE], made[Field.RIGHT] = self.mark, self.strike, self.right
        made[Field.DAYS], made[Field.MULTIPLIER], made[Field.INDEX] = self.days, self.multiplier, self.index
        return made


Formula = Callable[[Sequence[Held]], float]


@dataclass(frozen=True)
class Known:
    """Carry one strategy; legs are rows (right, side, ratio), formulas take the legs held for them."""

    name: str
    legs: tuple[tuple[int, int, float], ...]
    joins: tuple[Join, ...]
    initial: Formula
    where: Formula | None = None


def same(field: int, *legs: int) -> tuple[Join, ...]:
    """Join legs that have one field in common."""
    return tuple((legs[0], other, field, EQUAL) for other in legs[1:])


def rising(*legs: int) -> tuple[Join, ...]:
    """Join legs whose strikes rise."""
    return tuple((low, high, Field.STRIKE, LESS) for low, high in itertools.pairwise(legs))


def short_rest(a: Held) -> float:
    """Return what a naked short option needs beyond its value, per unit."""
    floor = a.index if a.right == CALL else a.strike
    return max(0.2 * a.index - max(a.right * (a.strike - a.index), 0.0), 0.1 * floor) * a.multiplier


def short_alone(a: Held) -> float:
    """Return the requirement of a naked short option, per unit."""
    return a.mark * a.multiplier + short_rest(a)


def long_alone(a: Held) -> float:
    """Return the requirement of an option paid in full; a quarter can be borrowed on one of more than nine months."""
    return -0.25 * a.mark * a.multiplier if a.days > 270 else 0.0


def width(low: Held, high: Held) -> float:
    """Return the distance of two strikes, per unit."""
    return max(high.strike - low.strike, 0.0) * low.multiplier


def both_short(a: Held, b: Held) -> float:
    """Return the greater side and the value of the other."""
    one, other = short_alone(a), short_alone(b)
    return one + b.mark * b.multiplier if one >= other else other + a.mark * a.multiplier


def spread(short: Held, long: Held) -> float:
    """Return the greatest loss of a spread, or the naked requirement where that is less."""
    return min(max(short.right * (long.strike - short.strike), 0.0) * short.multiplier, short_alone(short))


def otm(a: Held) -> float:
    """Return how far out of the money one contract is, in its currency."""
    return max(a.right * (a.strike - a.index), 0.0) * a.multiplier


def itm(a: Held) -> float:
    """Return how far in the money one contract is."""
    return max(a.right * (a.index - a.strike), 0.0) * a.multiplier


def tenth(a: Held) -> float:
    """Return a tenth of the strike, for one contract."""
    return 0.1 * a.strike * a.multiplier


def stock_half(a: Held, option: Held) -> float:
    """Return half the value of the shares that one contract takes."""
    return 0.5 * a.index * option.multiplier


LONG_CALL, SHORT_CALL, LONG_PUT, SHORT_PUT = (CALL, 1, 1), (CALL, -1, 1), (PUT, 1, 1), (PUT, -1, 1)
LONG_STOCK, SHORT_STOCK = (STOCK, 1, 1), (STOCK, -1, 1)
DAYS, STRIKE = Field.DAYS, Field.STRIKE

BOOK = (
    Known("long_call", (LONG_CALL,), (), lambda x: long_alone(x[0])),
    Known("long_put", (LONG_PUT,), (), lambda x: long_alone(x[0])),
    Known("short_call", (SHORT_CALL,), (), lambda x: short_alone(x[0])),
    Known("short_put", (SHORT_PUT,), (), lambda x: short_alone(x[0])),
    Known("long_stock", (LONG_STOCK,), (), lambda x: 0.5 * x[0].index),
    Known("short_stock", (SHORT_STOCK,), (), lambda x: 0.5 * x[0].index),
    Known("covered_call", (LONG_STOCK, SHORT_CALL), (), lambda x: stock_half(*x) + itm(x[1])),
    Known("covered_put", (SHORT_STOCK, SHORT_PUT), (), lambda x: stock_half(*x) + itm(x[1])),
    Known("protective_put", (LONG_STOCK, LONG_PUT), (), lambda x: min(tenth(x[1]) + otm(x[1]), stock_half(*x))),
    Known("protective_call", (SHORT_STOCK, LONG_CALL), (), lambda x: min(tenth(x[1]) + otm(x[1]), stock_half(*x))),
    Known("collar", (LONG_STOCK, SHORT_CALL, LONG_PUT), (*same(DAYS, 1, 2), *rising(2, 1)),
          lambda x: min(tenth(x[2]) + otm(x[2]), 2.5 * tenth(x[1]))),
    Known("conversion", (LONG_STOCK, SHORT_CALL, LONG_PUT), (*same(DAYS, 1, 2), *same(STRIKE, 1, 2)),
          lambda x: tenth(x[1]) + itm(x[1])),
    Known("reverse_conversion", (SHORT_STOCK, LONG_CALL, SHORT_PUT), (*same(DAYS, 1, 2), *same(STRIKE, 1, 2)),
          lambda x: tenth(x[1]) + otm(x[1])),
    Known("call_spread", (SHORT_CALL, LONG_CALL), ((0, 1, DAYS, LESS_EQUAL),), lambda x: spread(*x)),
    Known("put_spread", (SHORT_PUT, LONG_PUT), ((0, 1, DAYS, LESS_EQUAL),), lambda x: spread(*x)),
    Known("short_straddle", (SHORT_CALL, SHORT_PUT), (*same(DAYS, 0, 1), *same(STRIKE, 0, 1)),
          lambda x: both_short(*x)),
    Known("short_strangle", (SHORT_CALL, SHORT_PUT), (), lambda x: both_short(*x)),
    Known("long_call_butterfly", (LONG_CALL, (CALL, -1, 2), LONG_CALL), (*same(DAYS, 0, 1, 2), *rising(0, 1, 2)),
          lambda x: max(width(x[1], x[2]) - width(x[0], x[1]), 0.0)),
    Known("long_put_butterfly", (LONG_PUT, (PUT, -1, 2), LONG_PUT), (*same(DAYS, 0, 1, 2), *rising(0, 1, 2)),
          lambda x: max(width(x[0], x[1]) - width(x[1], x[2]), 0.0)),
    Known("short_call_butterfly", (SHORT_CALL, (CALL, 1, 2), SHORT_CALL), (*same(DAYS, 0, 1, 2), *rising(0, 1, 2)),
          lambda x: width(x[0], x[1]), lambda x: width(x[0], x[1]) >= width(x[1], x[2])),
    Known("short_put_butterfly", (SHORT_PUT, (PUT, 1, 2), SHORT_PUT), (*same(DAYS, 0, 1, 2), *rising(0, 1, 2)),
          lambda x: width(x[1], x[2]), lambda x: width(x[1], x[2]) >= width(x[0], x[1])),
    Known("iron_condor", (LONG_PUT, SHORT_PUT, SHORT_CALL, LONG_CALL),
          (*same(DAYS, 0, 1, 2, 3), *rising(0, 1), (1, 2, STRIKE, LESS_EQUAL), *rising(2, 3)),
          lambda x: max(width(x[0], x[1]), width(x[2], x[3]))),
    Known("long_iron_condor", (SHORT_PUT, LONG_PUT, LONG_CALL, SHORT_CALL),
          (*same(DAYS, 0, 1, 2, 3), *rising(0, 1), (1, 2, STRIKE, LESS_EQUAL), *rising(2, 3)), lambda _: 0.0),
    Known("long_call_condor", (LONG_CALL, SHORT_CALL, SHORT_CALL, LONG_CALL),
          (*same(DAYS, 0, 1, 2, 3), *rising(0, 1, 2, 3)),
          lambda x: max(width(x[2], x[3]) - width(x[0], x[1]), 0.0)),
    Known("long_put_condor", (LONG_PUT, SHORT_PUT, SHORT_PUT, LONG_PUT),
          (*same(DAYS, 0, 1, 2, 3), *rising(0, 1, 2, 3)),
          lambda x: max(width(x[0], x[1]) - width(x[2], x[3]), 0.0)),
    Known("long_box", (LONG_CALL, SHORT_CALL, LONG_PUT, SHORT_PUT),
          (*same(DAYS, 0, 1, 2, 3), *rising(0, 1), *same(STRIKE, 0, 3), *same(STRIKE, 1, 2)),
          lambda x: -0.5 * width(x[0], x[1])),
    Known("short_box", (SHORT_CALL, LONG_CALL, SHORT_PUT, LONG_PUT),
          (*same(DAYS, 0, 1, 2, 3), *rising(0, 1), *same(STRIKE, 0, 3), *same(STRIKE, 1, 2)),
          lambda x: width(x[0], x[1])),
    Known("jelly_roll", (SHORT_CALL, LONG_PUT, LONG_CALL, SHORT_PUT),
          (*same(DAYS, 0, 1), *same(DAYS, 2, 3), (0, 2, DAYS, LESS), *same(STRIKE, 0, 1, 2, 3)),
          lambda x: short_alone(x[3])),
)  # fmt: skip


def make(held: Sequence[Held], book: Sequence[Known] = BOOK, candidates: int = 16_384) -> StrategyGrouping:
    """Return a grouping with every candidate priced in Python."""
    made = StrategyGrouping(
        [(one.right, one.quantity, one.fields()) for one in held],
        [(list(known.legs), list(known.joins), None, None, None) for known in book],
        multiplier_field=Field.MULTIPLIER,
        candidates=candidates,
    )
    made.price(costs_of(made, held, book))
    return made


def costs_of(made: StrategyGrouping, held: Sequence[Held], book: Sequence[Known]) -> list[float | None]:
    """Return the cost of one unit of each candidate; None where its condition does not hold."""
    costs: list[float | None] = []
    for strategy, legs, _ in made.candidates:
        chosen = [held[leg] for leg in legs]
        where = book[strategy].where
        costs.append(book[strategy].initial(chosen) if where is None or where(chosen) else None)
    return costs


def option_mark(right: int, strike: float, index: float, days: float) -> float:
    """Return a price that behaves like one: intrinsic value and a hump of time value."""
    spread_ = 0.25 * index * math.sqrt(days / 365)
    return max(right * (index - strike), 0.0) + 0.4 * spread_ * math.exp(-(((strike - index) / spread_) ** 2) / 2)


def random_book(rng: random.Random, legs: int = 20, stock: bool = True) -> list[Held]:
    """Return a realistic book: half calls, half puts, 4 to 10 strikes, 3 expiries, quantities of 1 to 10, and stock."""
    index = 100.0
    strikes = [80.0 + 5.0 * k for k in sorted(rng.sample(range(10), rng.randint(max(4, math.ceil(legs / 6)), 10)))]
    chosen: list[tuple[int, float, float]] = []
    for right in (CALL, PUT):
        places = [(right, strike, days) for strike in strikes for days in (30.0, 60.0, 300.0)]
        chosen += rng.sample(places, (legs - stock + (right == CALL)) // 2)
    held = [
        Held(right, rng.choice((-1, 1)) * rng.randint(1, 10), strike, days, option_mark(right, strike, index, days))
        for right, strike, days in chosen
    ]
    if stock:
        shares = rng.choice((-1, 1)) * rng.choice((50, 100, 200, 250, 500, 1_000))
        held.append(Held(STOCK, shares, index=index, mark=index, multiplier=1.0))
    rng.shuffle(held)
    return held
