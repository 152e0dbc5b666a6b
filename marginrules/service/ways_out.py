# SPDX-License-Identifier: Apache-2.0
"""
Ways out of a deficiency: how much to deposit, what to reduce, what to buy against it.

Every way is found by assessing a changed copy of the pool and carries that assessment, so nothing is assumed about the
margin model: positions that are margined together are tried together. A trade happens at the mark and without a fee,
and is booked as a fill is: what is closed is realised into the settlement balance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from marginrules._core.core import Assessment, Scratch
from marginrules.codes import InstrumentKind
from marginrules.errors import InputError
from marginrules.limits import HEDGES_SHOWN_MAX, HEDGES_TRIED_MAX, MAGNITUDE_MAX, REDUCED_POSITIONS_MAX
from marginrules.machine import Field
from marginrules.service import border
from marginrules.service.resilience import target_of
from marginrules.service.shard import Shard
from marginrules.service.views import PoolView, view_of
from marginrules.units import round_requirement_up

INITIAL, MAINTENANCE, RATIO = "initial_margin", "maintenance_margin", "ratio"
_ASSET_INCREMENT = Decimal("1e-8")  # of an asset that is not the rulebook's currency
_PARTS = 32  # of a quantity at which a first passing one is looked for
_EXACT = 1e-14  # of a number: a few bits of a double
_LEAST_NOTIONAL = 1e-300
_LARGEST_MAX = 16
_SINGLES_MAX = 5
_HEDGE_HALVINGS = 8

Required = Callable[[Assessment], float]


@dataclass(frozen=True, slots=True)
class Trade:
    """Carry a trade at the mark; the quantity is signed, and so is what it costs in the rulebook's currency."""

    symbol: str
    quantity: float
    price: float
    cost: float


@dataclass(frozen=True, slots=True)
class DepositWay:
    """Carry the least amount of one asset that is enough; None where none is, because the rulebook caps what counts."""

    asset: str
    amount: Decimal | None
    after: PoolView | None


@dataclass(frozen=True, slots=True)
class ReductionWay:
    """
    Carry positions to reduce.

    Args:
        kind: "smallest" takes those first that release most for their notional; "single" reduces one position,
            "pro_rata" all of them alike.
        notional: of what is closed.
    """

    kind: str
    trades: tuple[Trade, ...]
    notional: float
    after: PoolView


@dataclass(frozen=True, slots=True)
class HedgeWay:
    """Carry an option to buy, and its premium in the rulebook's currency."""

    trade: Trade
    premium: float
    after: PoolView


@dataclass(frozen=True, slots=True)
class LargestOrder:
    """Carry the largest orders at the mark that would pass, not signed; 0 where none does."""

    symbol: str
    buy: float
    sell: float


@dataclass(frozen=True, slots=True)
class WaysOut:
    """
    Carry a pool that lacks equity, and what restores it.

    Args:
        restore: what is to be reached: "initial_margin", "maintenance_margin", "ratio", or the id of a call.
        required, missing: equity that is required by that, and how much of it is missing; 0 where nothing is.
        cancel_orders: the pool without its open orders, where that alone is enough.
        reductions: the least notional first.
        hedges: the cheapest first.
    """

    before: PoolView
    restore: str
    required: float
    missing: float
    deposits: tuple[DepositWay, ...] = ()
    cancel_orders: PoolView | None = None
    reductions: tuple[ReductionWay, ...] = ()
    hedges: tuple[HedgeWay, ...] = ()
    largest_orders: tuple[LargestOrder, ...] = ()


def find_ways_out(shard: Shard, pool: int, now_ns: int, restore: str = INITIAL, ratio: float = 0.0) -> WaysOut:
    """
    Find what brings a pool's equity up to a requirement.

    Args:
        restore: "initial_margin", "maintenance_margin", "ratio", or the id of an open call of the pool: then what the
            call is to restore, and the exit of its step, so that the call is cured.
        ratio: of equity to maintenance margin, with "ratio".

    Raises:
        InputError: the requirement or the call is not known.
    """
    search = _Search(shard, pool, now_ns, _required(shard, pool, restore, ratio))
    assessment = search.scratch.assess(now_ns)
    before = view_of(shard, pool, assessment)
    if not before.valid:
        return WaysOut(before, restore, 0.0, 0.0)
    required = search.required(assessment)
    found = WaysOut(before, restore, required, max(required - assessment.equity, 0.0))
    found = replace(found, largest_orders=search.largest_orders())
    if assessment.equity >= required:
        return found
    return replace(
        found,
        deposits=search.deposits(),
        cancel_orders=search.without_orders(),
        reductions=search.reductions(),
        hedges=search.hedges(),
    )


def _required(shard: Shard, pool: int, restore: str, ratio: float) -> Required:
    """Return what an assessment's equity is compared with."""
    if restore == INITIAL:
        return lambda one: one.initial_margin
    if restore == MAINTENANCE:
        return lambda one: one.maintenance_margin
    if restore == RATIO:
        border.number("ratio", ratio, 0.0, 1_000.0, low_open=True)
        return lambda one: ratio * one.maintenance_margin
    call = shard.calls.get(restore)
    if call is None:
        raise InputError("MR-I111", f"call {restore!r} is not known", f"or give {INITIAL}, {MAINTENANCE} or {RATIO}")
    if shard.book.pool_of_label(restore) != pool:
        raise InputError("MR-I111", f"call {restore!r} is of another pool")
    state = shard.states.get(pool)
    on = next((one for one in state.active if one.step == call.step), None) if state else None
    if state is None or on is None or all(one.call_id != restore for one in state.calls):
        raise InputError("MR-I112", f"call {restore!r} is {call.status.value}", "only open calls have ways out")
    step = shard.programs[state.digest].ladders[state.ladder].steps[call.step]
    terms, leave = step.call, step.clear_after if on.by_unmet else step.clear
    if terms is None:
        raise AssertionError(f"call {restore} comes from a step without one")
    # An exit without any requirement is reached once there is none.
    leave = 1.0 if math.isinf(leave) else leave
    return lambda one: max(target_of(terms, one), leave * one.maintenance_margin)


class _Search:
    """Try changes on one copy of a pool."""

    def __init__(self, shard: Shard, pool: int, now_ns: int, required: Required) -> None:
        self.shard = shard
        self.book = shard.book
        self.pool = pool
        self.now_ns = now_ns
        self.required = required
        self.scratch = Scratch(self.book.engine, pool)
        self.held = {row[0]: row[1] for row in self.book.engine.holdings(pool) if row[1]}
        self.leverage = {row[0]: row[3] for row in self.book.engine.pool_content(pool)[2]}

    def margin(self) -> float:
        """Return equity above what is required; minus infinity where the copy cannot be assessed."""
        found = self.scratch.assess(self.now_ns)
        return found.equity - self.required(found) if found.is_valid else -math.inf

    def view(self) -> PoolView:
        """Explain the copy as it is."""
        return view_of(self.shard, self.pool, self.scratch.assess(self.now_ns))

    # Deposits

    def deposits(self) -> tuple[DepositWay, ...]:
        """Return the least deposit in each asset that the rulebook takes and that has a price."""
        currency = self.book.program.currency if self.book.program else ""
        names = sorted(self.book.program.assets if self.book.program else (), key=lambda name: (name != currency, name))
        return tuple(self._deposit(name, name == currency) for name in names if self._price_of(name, currency) > 0.0)

    def _price_of(self, asset: str, currency: str) -> float:
        return 1.0 if asset == currency else self.book.asset_price(asset) or 0.0

    def _deposit(self, asset: str, is_currency: bool) -> DepositWay:
        program = self.shard.program
        increment = program.increment if is_currency else _ASSET_INCREMENT
        number = self.book.asset_id(asset)

        def passes(amount: float) -> bool:
            self.scratch.restore()
            self.scratch.deposit(number, amount)
            return self.margin() >= 0.0

        low, high = 0.0, float(increment)
        while not passes(high):
            low, high = high, high * 2.0
            if high > MAGNITUDE_MAX:
                return DepositWay(asset, None, None)
        high = _least(passes, low, high)
        amount = round_requirement_up(high, increment)
        # What the rounding took for noise may have been needed; and a whole increment less may do.
        if not passes(float(amount)):
            amount += increment
        elif amount > increment and passes(float(amount - increment)):
            amount -= increment
        return DepositWay(asset, amount, self.view() if passes(float(amount)) else None)

    def without_orders(self) -> PoolView | None:
        """Return the pool without its open orders, where that is enough."""
        self.scratch.restore()
        if not self.book.orders.get(self.pool):
            return None
        self.scratch.cancel_orders()
        return self.view() if self.margin() >= 0.0 else None

    # Reductions

    def reductions(self) -> tuple[ReductionWay, ...]:
        """Return what may be closed: the smallest set found, single positions, and all alike."""
        here = self._after({})
        scored = []
        for one in self.held:
            notional = self._notional(one, self.held[one])
            released = self._after({one: self.held[one]}) - here
            scored.append((released / notional if notional > 0.0 else 0.0, one))
        order = [one for _, one in sorted(scored, key=lambda row: (-row[0], row[1]))]
        found = [self._smallest(order[:REDUCED_POSITIONS_MAX])]
        singles = [self._single(one) for one in order[:REDUCED_POSITIONS_MAX]]
        singles.sort(key=lambda way: way.notional if way else math.inf)
        found += singles[:_SINGLES_MAX]
        found.append(self._pro_rata())
        # The smallest set is often a single position: that is told once.
        different = {way.trades: way for way in reversed(found) if way}
        return tuple(sorted(different.values(), key=lambda way: (way.notional, way.kind)))

    def _smallest(self, order: Sequence[int]) -> ReductionWay | None:
        """Close position after position, the one that releases most for its notional first, the last one in part."""
        left, closed = list(order), dict[int, float]()
        here = self._after(closed)
        while left:
            best, gain, there = -1, 0.0, here
            for one in left:
                after = self._after(closed | {one: self.held[one]})
                per = (after - here) / max(self._notional(one, self.held[one]), _LEAST_NOTIONAL)
                if per > gain:
                    best, gain, there = one, per, after
            if best < 0:
                return None
            left.remove(best)
            quantity = self._partial(closed, best) if there >= 0.0 else None
            if quantity is not None:
                return self._reduction("smallest", closed | {best: quantity})
            closed[best], here = self.held[best], there
        return None

    def _single(self, one: int) -> ReductionWay | None:
        quantity = self._partial({}, one)
        return None if quantity is None else self._reduction("single", {one: quantity})

    def _partial(self, closed: dict[int, float], one: int) -> float | None:
        """Return the least quantity of a position, in its steps, whose closing beside the others is enough."""
        held = self.held[one]
        return self._first(lambda part: self._after(closed | {one: part}) >= 0.0, one, held)

    def _first(self, passes: Callable[[float], bool], one: int, held: float) -> float | None:
        low = 0.0
        for part in range(1, _PARTS + 1):
            high = self._in_steps(one, held * part / _PARTS)
            if passes(high):
                break
            low = high
        else:
            return None
        found = _least(lambda size: passes(self._in_steps(one, math.copysign(size, held))), abs(low), abs(high))
        return self._in_steps(one, math.copysign(found, held))

    def _pro_rata(self) -> ReductionWay | None:
        if len(self.held) < 2:
            return None

        def closed(fraction: float) -> dict[int, float]:
            return {one: self._in_steps(one, held * fraction) for one, held in self.held.items()}

        low = 0.0
        for part in range(1, _PARTS + 1):
            high = part / _PARTS
            if self._after(closed(high)) >= 0.0:
                break
            low = high
        else:
            return None
        return self._reduction(
            "pro_rata", closed(_least(lambda fraction: self._after(closed(fraction)) >= 0.0, low, high))
        )

    def _after(self, closed: dict[int, float]) -> float:
        """Return the margin with quantities closed, each signed as its position."""
        self.scratch.restore()
        for one, quantity in closed.items():
            if quantity:
                self.scratch.trade(one, -quantity)
        return self.margin()

    def _reduction(self, kind: str, closed: dict[int, float]) -> ReductionWay | None:
        """Return a way that was tried once more as it stands."""
        if not self._after(closed) >= 0.0:
            return None
        notional = sum(self._notional(one, quantity) for one, quantity in closed.items())
        trades = tuple(self._trade(one, -quantity) for one, quantity in closed.items() if quantity)
        return ReductionWay(kind, trades, notional, self.view())

    def _notional(self, one: int, quantity: float) -> float:
        return abs(quantity) * self.scratch.notional_of(one)

    def _trade(self, one: int, quantity: float) -> Trade:
        mark, value = self.scratch.mark_of(one)
        return Trade(self.book.instrument_names[one], quantity, mark, quantity * value)

    def _in_steps(self, one: int, quantity: float) -> float:
        """Return a quantity raised to whole steps, but never beyond the position."""
        step = self.book.instruments[self.book.instrument_names[one]].quantity_step
        size = _up(abs(quantity), step)
        held = abs(self.held.get(one, math.inf))
        return math.copysign(min(size, held), quantity)

    # Hedges

    def hedges(self) -> tuple[HedgeWay, ...]:
        """Return the cheapest options that are enough by themselves."""
        names = self.book.instrument_names
        underlyings = sorted({self.book.instruments[names[one]].underlying for one in self.held})
        found = []
        for number in self._options(underlyings):
            way = self._hedge(number)
            if way is not None:
                found.append(way)
        found.sort(key=lambda way: (way.premium, way.trade.symbol))
        return tuple(found[:HEDGES_SHOWN_MAX])

    def _options(self, underlyings: Sequence[str]) -> list[int]:
        """Return listed options that can be bought now, those nearest to the money first."""
        near = []
        for name in underlyings:
            for number in self.book.exposures.get(name, ()):
                what = self.book.instruments[self.book.instrument_names[number]]
                mark = self.scratch.mark_of(number)[0]
                alive = what.kind is InstrumentKind.OPTION and what.expires_ns > self.now_ns and mark > 0.0
                if alive and self.held.get(number, 0.0) >= 0.0:
                    quotes = self.book.engine.quotes_of(number)
                    price = quotes.get(int(Field.INDEX)) or quotes.get(int(Field.FORWARD)) or what.strike
                    near.append((abs(math.log(what.strike / price)), what.expires_ns, number))
        return [row[2] for row in sorted(near)[:HEDGES_TRIED_MAX]]

    def _hedge(self, number: int) -> HedgeWay | None:
        what = self.book.instruments[self.book.instrument_names[number]]
        sizes = [
            abs(quantity) * self.book.instruments[self.book.instrument_names[one]].multiplier
            for one, quantity in self.held.items()
            if self.book.instruments[self.book.instrument_names[one]].underlying == what.underlying
        ]
        most = 2.0 * sum(sizes) / what.multiplier

        def passes(quantity: float) -> bool:
            self.scratch.restore()
            self.scratch.trade(number, _up(quantity, what.quantity_step))
            return self.margin() >= 0.0

        low = 0.0
        for power in range(_HEDGE_HALVINGS, -1, -1):
            high = most / 2.0**power
            if passes(high):
                break
            low = high
        else:
            return None
        quantity = _up(_least(passes, low, high), what.quantity_step)
        if not passes(quantity):
            return None
        trade = self._trade(number, quantity)
        return HedgeWay(trade, trade.cost, self.view())

    # Orders

    def largest_orders(self) -> tuple[LargestOrder, ...]:
        """Return for the largest positions the largest orders that would pass now."""
        rows = sorted(self.held, key=lambda one: (-self._notional(one, self.held[one]), one))
        return tuple(self._largest(one) for one in rows[:_LARGEST_MAX])

    def _largest(self, one: int) -> LargestOrder:
        step = self.book.instruments[self.book.instrument_names[one]].quantity_step or abs(self.held[one])
        leverage = self.leverage.get(one, 0.0)
        buy, sell = (
            self.book.engine.check_order(self.pool, one, sign * step, 0.0, leverage, False, self.now_ns)[4]
            for sign in (1.0, -1.0)
        )
        return LargestOrder(self.book.instrument_names[one], buy, sell)


def _least(passes: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least number that passes between one that does not and one that does, which has been tried."""
    while high - low > _EXACT * high:
        middle = low + (high - low) * 0.5
        if not low < middle < high:
            break
        if passes(middle):
            high = middle
        else:
            low = middle
    return high


def _up(quantity: float, step: float) -> float:
    """Return a quantity raised to whole steps, but for the noise of decimal fractions."""
    if step <= 0.0:
        return quantity
    steps = math.ceil(quantity / step - 1e-9)
    return float(Decimal(steps) * Decimal(repr(step)))
