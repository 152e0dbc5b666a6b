# SPDX-License-Identifier: Apache-2.0
"""How far a pool is from each step of its ladder and from its liquidation prices, one underlying at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from marginrules._core.core import Assessment, Scratch
from marginrules.codes import InstrumentKind, Reason
from marginrules.machine import Field
from marginrules.service import border
from marginrules.service.book import Book
from marginrules.service.history import YEAR_NS
from marginrules.service.shard import Shard
from marginrules.service.stress import Reach, reach_of, underlyings_of
from marginrules.service.views import PoolView, view_of
from marginrules.terms import Step
from marginrules.units import DAY_NS

_LIQUIDATION = 1.0  # margin ratio below which maintenance margin is not covered


@dataclass(frozen=True, slots=True)
class Crossing:
    """
    Carry a move of an underlying at which a threshold is crossed, everything else counted.

    Args:
        move: relative; -0.2 is a fall of 20 %.
        price: of the underlying; None where it has no price of its own.
        standard_deviations: |ln(1 + move)| / (volatility x sqrt(horizon)); None where no volatility is known.
    """

    move: float
    price: float | None
    standard_deviations: float | None


@dataclass(frozen=True, slots=True)
class StepDistance:
    """Carry how far the threshold of one step is: the nearest crossing in each direction, None where there is none."""

    step: str
    rule: str
    below: float
    is_breached: bool
    equity: float  # how far equity may fall before the threshold is breached; below 0 where it is
    fall: Crossing | None
    rise: Crossing | None


@dataclass(frozen=True, slots=True)
class UnderlyingDistance:
    """
    Carry how far an underlying may move.

    Args:
        price_from: the instrument or asset whose index or price it is.
        volatility_from: the instrument whose published or realized volatility it is.
        liquidation: every price at which equity equals MM, rising; each is a crossing into liquidation or out of it.
        open_positions, with_buy_orders, with_sell_orders: the nearest of them for the positions alone, and if the
            resting orders of one side fill on the way; but those of options, whose prices are not the underlying's.
        reasons: why some prices could not be assessed; what is told holds for the others.
        unpriced: instruments that could not be marked anew.
    """

    underlying: str
    price: float | None
    price_from: str
    volatility: float | None
    volatility_from: str
    steps: tuple[StepDistance, ...]
    liquidation: tuple[Crossing, ...]
    open_positions: Crossing | None
    with_buy_orders: Crossing | None
    with_sell_orders: Crossing | None
    reasons: Reason
    unpriced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoolDistance:
    """Carry a pool as it stands, and how far it is from what its ladder does next; nothing where it is not valid."""

    view: PoolView
    horizon_ns: int
    underlyings: tuple[UnderlyingDistance, ...]


@dataclass(frozen=True, slots=True)
class _Scale:
    price: float | None
    volatility: float | None  # over the horizon

    def crossing(self, factor: float | None) -> Crossing | None:
        if factor is None:
            return None
        deviations = abs(math.log(factor)) / self.volatility if self.volatility else None
        return Crossing(factor - 1.0, None if self.price is None else self.price * factor, deviations)


def measure_distance(shard: Shard, pool: int, now_ns: int, horizon_ns: int = DAY_NS) -> PoolDistance:
    """
    Measure how far a pool is from each step of its ladder.

    Args:
        horizon_ns: over which standard deviations are counted; a year has 365 days.
    """
    border.number("horizon", float(horizon_ns), 0.0, low_open=True)
    scratch = Scratch(shard.book.engine, pool)
    assessment = scratch.assess(now_ns)
    view = view_of(shard, pool, assessment)
    if not view.valid:
        return PoolDistance(view, horizon_ns, ())
    names = underlyings_of(shard.book, scratch)
    found = tuple(_underlying(shard, pool, assessment, name, now_ns, horizon_ns) for name in names)
    return PoolDistance(view, horizon_ns, found)


def _underlying(
    shard: Shard, pool: int, assessment: Assessment, name: str, now_ns: int, horizon_ns: int
) -> UnderlyingDistance:
    book, program = shard.book, shard.revisions[assessment.revision - 1].program
    ladder = program.ladders[assessment.ladder]
    steps = [ladder.steps[index] for index in program.entered[assessment.ladder]]
    reach = reach_of(book, name)
    price, price_from = _price(book, name, reach)
    volatility, volatility_from = _volatility(book, reach, price, now_ns)
    scale = _Scale(price, None if volatility is None else volatility * math.sqrt(horizon_ns / YEAR_NS))
    scratch = Scratch(book.engine, pool)
    thresholds = [step.below or 0.0 for step in steps]
    roots, flags = scratch.crossings(reach.instruments, reach.asset, now_ns, [*thresholds, _LIQUIDATION])
    unpriced = _unpriced(scratch, book, reach) if flags else ()
    prefix = f"{program.name}:{{}} {ladder.name}/"
    open_only, buys, sells = (_with_orders(book, pool, reach, now_ns, side) for side in (0, 1, -1))
    return UnderlyingDistance(
        underlying=name,
        price=price,
        price_from=price_from,
        volatility=volatility,
        volatility_from=volatility_from,
        steps=tuple(
            _step(assessment, step, prefix.format(step.line) + step.name, found, scale)
            for step, found in zip(steps, roots[:-1], strict=True)
        ),
        liquidation=tuple(one for factor in roots[-1] if (one := scale.crossing(factor))),
        open_positions=scale.crossing(open_only),
        with_buy_orders=scale.crossing(buys),
        with_sell_orders=scale.crossing(sells),
        reasons=Reason(flags),
        unpriced=unpriced,
    )


def _step(assessment: Assessment, step: Step, rule: str, roots: Sequence[float], scale: _Scale) -> StepDistance:
    below = step.below or 0.0
    spare = assessment.equity - below * assessment.maintenance_margin
    return StepDistance(
        step=step.name,
        rule=rule,
        below=below,
        is_breached=not spare >= 0.0,
        equity=spare,
        fall=scale.crossing(max((one for one in roots if one <= 1.0), default=None)),
        rise=scale.crossing(min((one for one in roots if one > 1.0), default=None)),
    )


def _with_orders(book: Book, pool: int, reach: Reach, now_ns: int, side: int) -> float | None:
    """Return the factor at which a pool breaks if the orders of a side fill; side 0: none."""
    members = set(reach.instruments)
    rows = []
    for one in book.orders.get(pool, {}).values():
        order, number = one.order, book.instrument_ids[one.order.symbol]
        is_option = book.instruments[order.symbol].kind is InstrumentKind.OPTION
        if number in members and not is_option and order.quantity * side > 0.0:
            rows.append((number, order.quantity, order.price, order.leverage))
    scratch = Scratch(book.engine, pool)
    return scratch.breach_with_orders(reach.instruments, reach.asset, now_ns, _LIQUIDATION, rows)[0]


def _unpriced(scratch: Scratch, book: Book, reach: Reach) -> tuple[str, ...]:
    """Return which instruments cannot be marked anew; any move shows it."""
    scratch.place_underlying(reach.instruments, reach.asset, 0.99, 1.0, True)
    return tuple(book.instrument_names[one] for one in scratch.unpriced())


def _price(book: Book, name: str, reach: Reach) -> tuple[float | None, str]:
    """Return the price of an underlying and whose it is: an index, the asset's own, or a mark of no option."""
    for one in reach.instruments:
        index = book.engine.quotes_of(one).get(int(Field.INDEX))
        if index is not None:
            return index, book.instrument_names[one]
    price = book.asset_price(name)
    if price is not None:
        return price, name
    for one in reach.instruments:
        symbol = book.instrument_names[one]
        mark = book.engine.price_of(one)[0]
        if book.instruments[symbol].kind is not InstrumentKind.OPTION and mark > 0.0:
            return mark, symbol
    return None, ""


def _volatility(book: Book, reach: Reach, price: float | None, now_ns: int) -> tuple[float | None, str]:
    """
    Return the volatility of an underlying a year, and whose it is.

    That published of what is no option comes first, then that of the option nearest to the money, the earlier expiry of
    two; then a realized one.
    """
    published, realized = [], []
    for one in reach.instruments:
        symbol = book.instrument_names[one]
        what, quotes = book.instruments[symbol], book.engine.quotes_of(one)
        if what.expires_ns and what.expires_ns <= now_ns:
            continue
        away = abs(math.log(what.strike / price)) if what.strike and price else (math.inf if what.strike else -1.0)
        if int(Field.VOLATILITY) in quotes:
            published.append((away, what.expires_ns, symbol, quotes[int(Field.VOLATILITY)]))
        if int(Field.REALIZED_VOLATILITY) in quotes:
            realized.append((away, what.expires_ns, symbol, quotes[int(Field.REALIZED_VOLATILITY)]))
    chosen = min(published or realized, default=None)
    return (None, "") if chosen is None else (chosen[3], chosen[2])
