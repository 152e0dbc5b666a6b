# SPDX-License-Identifier: Apache-2.0
"""Open orders and order checks where positions are margined together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules._core.core import Engine
from marginrules.codes import InstrumentKind, Reason
from marginrules.machine import Code, Field, Key
from tests.core.machine_market import (
    KEYS,
    MARKET,
    NOW,
    WORDS_WITHOUT_ORDERS,
    Instrument,
    Market,
    code_of,
    groups_of,
    markets,
    run,
)
from tests.rulebook.formula.formulas import formulas
from tests.rulebook.formula.world import World

MASKS = st.sampled_from([Key(0), Key.UNDERLYING, Key.EXPIRY, Key.INSTRUMENT, Key.PRODUCT])
OUTRIGHT = (float(InstrumentKind.SPOT), float(InstrumentKind.OPTION))
Fill = tuple[int, bool]  # position, whether it is the buy orders that fill


def loss_of(read: dict[str, float], is_buy: bool, *, is_excluded: bool = False) -> float:
    """Return what equity loses when the orders of one side fill."""
    paid = read["BUY_ORDERS_VALUE"] if is_buy else -read["SELL_ORDERS_VALUE"]
    got = read["BUY_ORDERS"] if is_buy else -read["SELL_ORDERS"]
    return max(paid - (0.0 if is_excluded else got * read["UNIT_VALUE"]), 0.0)


def filled(world: World, fills: Iterable[Fill]) -> World:
    """Return a group after fills, at the mark; what is then not held is not there."""
    positions = [dict(one) for one in world.positions]
    for p, is_buy in fills:
        read = positions[p]
        quantity = read["BUY_ORDERS"] if is_buy else -read["SELL_ORDERS"]
        read["QUANTITY"] += quantity
        if read["KIND"] not in OUTRIGHT:
            read["COST"] += quantity * read["UNIT_VALUE"]
    kept = [p for p, one in enumerate(positions) if one["QUANTITY"]]
    return replace(
        world,
        positions=[positions[p] for p in kept],
        marks=[world.marks[p] for p in kept],
        moves={table: [rows[p] for p in kept] for table, rows in world.moves.items()},
    )


def initial_of(code: Code, world: World, fills: Sequence[Fill]) -> float:
    """Return IM of a group after fills, losses included; of nothing it is 0."""
    after = filled(world, fills)
    im, mm = run(code, after) if after.positions else (0.0, 0.0)
    losses = sum(loss_of(world.positions[p], is_buy) for p, is_buy in fills)
    return max(im, mm, 0.0) + losses if math.isfinite(im + mm) else math.nan


def with_orders(code: Code, world: World) -> float:
    """Return IM with open orders, by definition: the greatest of what may fill."""
    none = initial_of(code, world, [])
    each, worse = 0.0, []
    sides: dict[bool, list[Fill]] = {True: [], False: []}
    for p, read in enumerate(world.positions):
        amounts = {}
        for is_buy in (True, False):
            if read["BUY_ORDERS" if is_buy else "SELL_ORDERS"]:
                amounts[is_buy] = initial_of(code, world, [(p, is_buy)])
                sides[is_buy].append((p, is_buy))
        if amounts:
            greatest = max(amounts.values())
            each += max(greatest - none, 0.0)
            if greatest > none:
                # Of two that are as bad, selling.
                worse.append((p, amounts.get(True, none) > amounts.get(False, none)))
    together = max(initial_of(code, world, fills) for fills in (worse, *sides.values()))
    return max(none + each, together)


@settings(max_examples=300, deadline=None)
@given(
    formulas(of_positions=True, words=WORDS_WITHOUT_ORDERS, keys=KEYS).filter(lambda text: "strategy" not in text),
    markets(with_orders=True, is_whole=True),
    MASKS,
)
def test_open_orders_count_at_the_worse_fills(text: str, market: Market, by: Key) -> None:
    """IM with open orders is what the definition says, with whatever formula; MM is that of the positions alone."""
    code = code_of(f"{text} + 0 * value", "total(abs(value)) * 5%")
    found = market.engine(market.models([code], by)).assess(0, NOW)
    groups = groups_of(market.world(with_orders_alone=True), by)
    values = [with_orders(code, group) for group in groups]
    if all(map(math.isfinite, values)) and found.is_valid:
        assert found.initial_margin == pytest.approx(sum(values), rel=1e-9, abs=1e-9)
        alone = sum(run(code, filled(group, []))[1] for group in groups)
        assert found.maintenance_margin == pytest.approx(alone, rel=1e-9, abs=1e-9)


# Options on one underlying, margined by what a few prices would do to all of them together.

SCENARIOS = "total(quantity * (value_at(index * (1 + grid.price)) - unit_value))"
NAKED = "max(-total(if(is_option, size, 0)), 0) * largest(index) * 10%"


def option(right: int, strike: float, mark: float, quantity: float = 0.0, **more: Any) -> Instrument:
    """Return an option with its index at 100."""
    made = Instrument(
        InstrumentKind.OPTION,
        strike=strike,
        right=right,
        days=30,
        mark=mark,
        quantity=quantity,
        multiplier=10.0,
        quotes={Field.INDEX: 100.0, Field.VOLATILITY: 0.5, Field.FORWARD: 100.0},
    )
    return replace(made, **more)


def option_market(instruments: Sequence[Instrument], cash: float = 1_000.0) -> Market:
    """Return a market with moves of the index by -20 % to 20 %."""
    prices = (-0.2, -0.1, 0.0, 0.1, 0.2)
    return replace(MARKET, instruments=tuple(instruments), cash=cash, grid=((1.0,) * 5, prices, (0.0,) * 5))


RISK = code_of(f"worst_loss({SCENARIOS}) + {NAKED}", f"worst_loss({SCENARIOS})")


@pytest.mark.parametrize("is_excluded", [False, True])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_single_sided_fill_finds_too_little(is_excluded: bool, data: st.DataObject) -> None:
    """Whatever one order fills, all buys or all sells: what was free before is not more than what is free after."""
    orders = st.lists(st.tuples(st.sampled_from((-2.0, -1.0, 1.0, 2.0)), st.sampled_from((0.0, 3.0, 9.0))), max_size=2)
    instruments = [
        option(right, strike, mark, float(data.draw(st.integers(-2, 2))), orders=tuple(data.draw(orders)))
        for right, strike, mark in ((1, 95.0, 8.0), (1, 105.0, 3.0), (-1, 95.0, 3.0))
    ]
    market = option_market(instruments)
    engine = market.engine(market.models([RISK]), is_excluded=is_excluded)
    before = engine.assess(0, NOW)
    assert before.is_valid
    alone = replace(market, instruments=tuple(replace(one, orders=()) for one in instruments))
    other = alone.engine(alone.models([RISK]), is_excluded=is_excluded)
    sets = [
        [(k, *order) for k, one in enumerate(instruments) for order in one.orders if order[0] * side > 0]
        for side in (1, -1)
    ]
    sets += [[row for row in rows if row[0] == k] for rows, k in itertools.product(sets[:2], range(3))]
    for rows in sets:
        after = other.what_if(0, NOW, [], [(k, quantity, price, 0.0) for k, quantity, price in rows], [], [])
        assert after.equity - after.initial_margin >= before.equity - before.initial_margin - 1e-9


def test_one_long_does_not_cover_two_orders() -> None:
    """Each of two sell orders would be a spread with the same long option; both cannot be."""
    long, orders = option(1, 90.0, 11.0, 1.0), ((-1.0, 0.0),)
    one = option_market([long, option(1, 95.0, 8.0, orders=orders), option(1, 105.0, 3.0)])
    two = option_market([long, option(1, 95.0, 8.0, orders=orders), option(1, 105.0, 3.0, orders=orders)])
    first, second = (market.engine(market.models([RISK])).assess(0, NOW).initial_margin for market in (one, two))
    filled_ones = (long, option(1, 95.0, 8.0, -1.0), option(1, 105.0, 3.0, -1.0))
    both = option_market(filled_ones)
    assert first == 110.0, "the long option alone is worse than the spread"
    assert second == both.engine(both.models([RISK])).assess(0, NOW).initial_margin == 200.0


def test_premiums_of_resting_orders_are_paid_once_each() -> None:
    """Where the value of options is no part of equity, each resting buy takes its premium from what is free."""
    market = option_market([option(1, 95.0, 8.0), option(1, 105.0, 3.0)], cash=120.0)
    engine = market.engine(market.models([code_of(NAKED)]), is_excluded=True)
    assert engine.check_order(0, 0, 1.0, 8.0, 0.0, False, NOW)[0], "80 of 120"
    engine.put_orders(0, [(0, 1.0, 8.0, 0.0)])
    assert engine.assess(0, NOW).initial_margin == 80.0
    accepted, flags, *_ = engine.check_order(0, 0, 1.0, 8.0, 0.0, False, NOW)
    assert (accepted, flags) == (False, Reason.INSUFFICIENT_MARGIN)
    assert engine.check_order(0, 1, 1.0, 3.0, 0.0, False, NOW)[0], "and 30 more"
    engine.put_orders(0, [(0, -1.0, 8.0, 0.0)])
    assert engine.assess(0, NOW).initial_margin == 100.0, "a sale needs the margin of what is then sold"


def test_fills_do_not_give_an_option_a_cost() -> None:
    """An option has no cost, before its order fills as after: its premium moves the balance."""
    code = code_of("total(abs(cost)) + total(abs(value)) * 10%")
    market = option_market([option(1, 95.0, 8.0, orders=((2.0, 8.0),))])
    assert market.engine(market.models([code])).assess(0, NOW).initial_margin == 16.0


def test_an_order_may_lower_leverage() -> None:
    """An order with less leverage than its position has is margined by its own."""
    future = Instrument(InstrumentKind.PERPETUAL, mark=100.0, quantity=1.0, leverage=10.0)
    market = replace(MARKET, instruments=(future,))
    engine = market.engine(market.models([code_of("total(abs(value) / leverage)")]))
    assert engine.assess(0, NOW).initial_margin == 10.0
    engine.put_orders(0, [(0, 1.0, 100.0, 2.0)])
    assert engine.assess(0, NOW).initial_margin == 100.0


# Order checks


def check(engine: Engine, instrument: int, quantity: float, price: float = 0.0) -> tuple[bool, Reason, float]:
    """Return whether an order passes, why, and the largest that would."""
    accepted, flags, _, _, largest = engine.check_order(0, instrument, quantity, price, 0.0, False, NOW)
    return accepted, Reason(flags), largest


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(-2, 2).map(float), min_size=3, max_size=3),
    st.integers(0, 2),
    st.sampled_from((1.0, -1.0)),
    st.sampled_from((500.0, 2_000.0, 20_000.0)),
)
def test_the_largest_order_is_one_that_passes(held: list[float], which: int, side: float, cash: float) -> None:
    """The largest quantity has been tried, is a multiple of the step, and one step more is refused."""
    terms = ((1, 95.0, 8.0), (1, 105.0, 3.0), (-1, 95.0, 3.0))
    market = option_market([option(*one, quantity) for one, quantity in zip(terms, held, strict=True)], cash=cash)
    engine = market.engine(market.models([RISK]))
    _, _, largest = check(engine, which, side * 0.125)
    assert largest == round(largest / 0.125) * 0.125
    if largest:
        assert check(engine, which, side * largest)[0]
    if largest < 1e14:
        assert not check(engine, which, side * (largest + 0.125))[0]


def test_what_cannot_raise_risk_passes_below_initial_margin() -> None:
    """An account below its IM may buy back what it is short of, and may sell no more of it."""
    market = option_market([option(1, 95.0, 8.0, -4.0)], cash=700.0)
    engine = market.engine(market.models([RISK]))
    before = engine.assess(0, NOW)
    assert before.is_valid
    assert before.equity < before.initial_margin
    accepted, reason, largest = check(engine, 0, 1.0, 8.0)
    assert (accepted, reason) == (True, Reason.RISK_NOT_RAISED)
    assert largest >= 1.0
    assert check(engine, 0, -1.0, 8.0)[:2] == (False, Reason.INSUFFICIENT_MARGIN)


def test_a_premium_that_is_not_there_is_refused() -> None:
    """A long option needs no margin here, but its premium has to be paid from what is free where it does not count."""
    market = option_market([option(1, 95.0, 8.0)], cash=200.0)
    engine = market.engine(market.models([code_of("0 USDT")]), is_excluded=True)
    assert check(engine, 0, 2.0, 8.0) == (True, Reason(0), 2.5)
    assert check(engine, 0, 3.0, 8.0) == (False, Reason.INSUFFICIENT_MARGIN, 2.5)
