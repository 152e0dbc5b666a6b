# SPDX-License-Identifier: Apache-2.0
"""Moves of underlyings, the prices at which a margin breaks, and the order of the most exposed."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules._core.core import Engine, Scratch, Tables, black76, black76_implied, black76_inverse, rank
from marginrules.codes import InstrumentKind, Reason
from marginrules.machine import Field
from tests.core.test_reference import examples

NOW = 1_800_000_000_000_000_000
AGE = 10**18
YEAR = 365 * 86_400 * 10**9
DOLLAR, COIN = 0, 1
PERPETUAL, INVERSE, CALL, PUT, COIN_CALL, OTHER = range(6)
ON_COIN = [PERPETUAL, INVERSE, CALL, PUT, COIN_CALL]
INDEX, VOLATILITY = 100.0, 0.8
LEVELS = [(int(Field.INDEX), INDEX), (int(Field.VOLATILITY), VOLATILITY)]
RATE = 0.1

PoolRow = tuple[list[tuple[int, float]], list[tuple[int, float, float, float]]]


def engine_with(
    pools: list[PoolRow], levels: list[tuple[int, float]] | None = None, marks: dict[int, float] | None = None
) -> Engine:
    """Return an engine with dollars, coins of 100 dollars, derivatives on the coin, and one on something else."""
    levels = LEVELS if levels is None else levels
    engine = Engine()
    engine.add_asset(-1)
    engine.add_asset(-1)
    expiry = NOW + YEAR // 4
    perpetual, option = InstrumentKind.PERPETUAL, InstrumentKind.OPTION
    engine.add_instrument(DOLLAR, COIN, False, perpetual, 1.0, 0.0, 0, -1, AGE)
    engine.add_instrument(COIN, COIN, True, perpetual, 10.0, 0.0, 0, -1, AGE)
    engine.add_instrument(DOLLAR, COIN, False, option, 1.0, 0.0, expiry, -1, AGE, 110.0, 1)
    engine.add_instrument(DOLLAR, COIN, False, option, 1.0, 0.0, expiry, -1, AGE, 90.0, -1)
    engine.add_instrument(COIN, COIN, False, option, 1.0, 0.0, expiry, -1, AGE, 100.0, 1)
    engine.add_instrument(DOLLAR, -1, False, perpetual, 1.0, 0.0, 0, -1, AGE)
    tables = Tables(
        [(2 * RATE, 0.0, RATE, 0.0)],
        [[(0, 1, 0, 0, 0.0, 0.0)]],
        [(1.0, 0.0), (0.9, 0.0)],
        [(0, 1, math.inf, 1.0), (1, 1, math.inf, 1.0)],
        [[2.0, 1.0]],
        [0],
    )
    engine.activate(tables, [0] * 6, [AGE] * 6, [0, 1], [0], {})
    given_marks = {PERPETUAL: 101.0, INVERSE: 99.0, CALL: 15.0, PUT: 9.0, COIN_CALL: 0.16, OTHER: 50.0} | (marks or {})
    engine.set_prices(
        [(DOLLAR, 1.0, NOW, AGE), (COIN, 100.0, NOW, AGE)],
        [(k, mark, NOW, 0.0, levels if k != OTHER else []) for k, mark in given_marks.items()],
    )
    for balances, positions in pools:
        engine.put_pool(engine.add_pool(engine.add_account(0), -1), 0, 0.0, balances, positions, [])
    return engine


def test_everything_on_an_underlying_moves_together() -> None:
    """Marks and the coin follow in proportion, options by Black-76; what is on something else stays."""
    engine = engine_with([([], [])])
    copy = Scratch(engine, 0)
    copy.move_underlying(ON_COIN, COIN, 0.8, 0.25)
    assert copy.mark_of(PERPETUAL) == (101.0 * 0.8, 101.0 * 0.8)
    assert copy.mark_of(INVERSE)[0] == 99.0 * 0.8
    assert copy.mark_of(INVERSE)[1] == pytest.approx(-10.0 / (99.0 * 0.8) * 80.0)
    assert copy.mark_of(OTHER) == (50.0, 50.0)
    for k, right, strike, mark in ((CALL, 1.0, 110.0, 15.0), (PUT, -1.0, 90.0, 9.0)):
        now = black76(right, INDEX, strike, 0.25, VOLATILITY)[0]
        moved = black76(right, INDEX * 0.8, strike, 0.25, VOLATILITY * 1.25)[0]
        assert copy.mark_of(k)[0] == pytest.approx(mark + moved - now, rel=1e-12)
    now = black76_inverse(1.0, INDEX, 100.0, 0.25, VOLATILITY)[0]
    moved = black76_inverse(1.0, INDEX * 0.8, 100.0, 0.25, VOLATILITY * 1.25)[0]
    mark, value = copy.mark_of(COIN_CALL)
    assert mark == pytest.approx(0.16 + moved - now, rel=1e-12)
    assert value == pytest.approx(mark * 80.0, rel=1e-12)
    assert engine.price_of(PERPETUAL)[0] == 101.0


def test_forward_and_implied_volatility_stand_in() -> None:
    """The forward grows from the index by rate and yield; without a published volatility that of the mark is taken."""
    levels = [(int(Field.INDEX), INDEX), (int(Field.RATE), 0.06), (int(Field.DIVIDEND_YIELD), 0.02)]
    copy = Scratch(engine_with([([], [])], levels), 0)
    forward = INDEX * math.exp(0.04 * 0.25)
    implied = black76_implied(1.0, 15.0, forward, 110.0, 0.25)[0]
    assert copy.option_volatility(CALL) == pytest.approx(implied, rel=1e-12)
    copy.move_underlying(ON_COIN, COIN, 1.1)
    assert copy.mark_of(CALL)[0] == pytest.approx(black76(1.0, forward * 1.1, 110.0, 0.25, implied)[0], rel=1e-9)


@pytest.mark.parametrize(
    ("levels", "mark"), [([], 15.0), ([(int(Field.INDEX), INDEX)], 0.0), ([(int(Field.VOLATILITY), 0.5)], 15.0)]
)
def test_what_cannot_be_priced_is_not_healthy(levels: list[tuple[int, float]], mark: float) -> None:
    """Without forward and index, or without any volatility, the pool cannot be assessed after a move; it says why."""
    engine = engine_with([([(DOLLAR, 1e6)], [(CALL, 1.0, 0.0, 0.0)])], levels, {CALL: mark})
    copy = Scratch(engine, 0)
    assert copy.assess(NOW).is_valid
    copy.move_underlying(ON_COIN, COIN, 0.9)
    assert Reason(copy.assess(NOW).flags) == Reason.MISSING_DATA | Reason.NOT_FINITE  # the figures are no numbers then
    assert copy.unpriced() == [CALL]
    copy.place_underlying(ON_COIN, COIN, 1.0)
    assert copy.assess(NOW).is_valid
    assert copy.unpriced() == []
    assert copy.crossings(ON_COIN, COIN, NOW, [1.0])[1] & Reason.MISSING_DATA


def test_there_and_back_is_identity() -> None:
    """A move and its inverse leave every mark as it was, also of an option that was worthless between."""
    seen: Counter[str] = Counter()

    @examples(300)
    @given(st.floats(0.02, 50.0), st.floats(-0.9, 3.0))
    def check(factor: float, shift: float) -> None:
        copy = Scratch(engine_with([([], [])], marks={PUT: 1.0, CALL: 1.0}), 0)
        before = [copy.mark_of(k) for k in range(6)]
        copy.move_underlying(ON_COIN, COIN, factor, shift)
        seen["worthless"] += copy.mark_of(CALL)[0] == 0.0 or copy.mark_of(PUT)[0] == 0.0
        copy.move_underlying(ON_COIN, COIN, 1.0 / factor, 1.0 / (1.0 + shift) - 1.0)
        assert all(copy.mark_of(k) == pytest.approx(before[k], rel=1e-12) for k in range(6))
        copy.place_underlying(ON_COIN, COIN, 1.0)
        assert [copy.mark_of(k) for k in range(6)] == before

    check()
    assert seen["worthless"] >= 20


@st.composite
def pools(draw: st.DrawFn) -> PoolRow:
    """Draw a pool of derivatives on the coin, with dollars and coins."""
    size = st.one_of(st.just(0.0), st.floats(-20.0, 20.0).filter(lambda x: abs(x) > 0.05))
    sizes = {k: draw(size) for k in range(6)}
    if draw(st.booleans()):
        sizes = {CALL: draw(st.floats(-20.0, -1.0)), PUT: draw(st.floats(-20.0, -1.0)), PERPETUAL: draw(size)}
    held = [(k, q, 0.0 if k in (CALL, PUT, COIN_CALL) else 100.0, 0.0) for k, q in sizes.items() if q]
    return [(DOLLAR, draw(st.floats(-500.0, 2_000.0))), (COIN, draw(st.floats(0.0, 5.0)))], held


def test_every_crossing_is_found() -> None:
    """At each root equity is ratio x MM and the sign differs on both sides; the grid has no other change of sign."""
    seen: Counter[str] = Counter()

    @examples(200)
    @given(pools(), st.sampled_from([1.0, 1.5, 0.0]))
    def check(row: PoolRow, ratio: float) -> None:
        engine = engine_with([row])
        (roots,), flags = Scratch(engine, 0).crossings(ON_COIN, COIN, NOW, [ratio])
        copy = Scratch(engine, 0)

        def margin(factor: float) -> tuple[float, float]:
            copy.place_underlying(ON_COIN, COIN, factor)
            found = copy.assess(NOW)
            assert found.is_valid
            scale = 1.0 + copy.gross_notional() + abs(found.collateral_value) + sum(abs(b) for _, b in row[0]) * 200.0
            return found.equity - ratio * found.maintenance_margin, scale

        assert flags == 0
        assert roots == sorted(roots)
        for root in roots:
            gap, scale = margin(root)
            assert abs(gap) <= 1e-10 * scale
            (below, _), (above, _) = margin(root * (1.0 - 1e-9)), margin(root * (1.0 + 1e-9))
            assert (below >= 0.0) != (above >= 0.0) or abs(above - below) < 1e-9 * scale
        # As many changes of sign on the way as there are roots, or an even number more where two lie within a cell.
        nodes = [0.01 * 1.0242741160862**k for k in range(385)]
        signs = [margin(node)[0] >= 0.0 for node in nodes]
        for left, right, low, high in zip(signs, signs[1:], nodes, nodes[1:], strict=False):
            inside = sum(low < root <= high for root in roots)
            assert (left != right) == (inside % 2 == 1)
        seen[f"{min(len(roots), 3)} roots"] += 1

    check()
    assert seen["0 roots"] >= 5
    assert seen["1 roots"] >= 20
    assert seen["2 roots"] + seen["3 roots"] >= 10, seen


def test_a_straddle_has_two_liquidation_prices() -> None:
    """A short call and a short put break on both sides."""
    engine = engine_with([([(DOLLAR, 60.0)], [(CALL, -1.0, 0.0, 0.0), (PUT, -1.0, 0.0, 0.0)])])
    (roots, none), flags = Scratch(engine, 0).crossings(ON_COIN, COIN, NOW, [1.0, 1e9])
    assert (len(roots), none, flags) == (2, [], 0)
    assert roots[0] < 1.0 < roots[1]


# Open orders on the way: with MM = rate x notional the price solves cash + quantity x (price - entry) = rate x notional


def solved(cash: float, lots: list[tuple[float, float]]) -> float:
    """Return the liquidation price of lots of (quantity, price paid), in closed form."""
    size = sum(quantity for quantity, _ in lots)
    return (sum(quantity * paid for quantity, paid in lots) - cash) / (size - RATE * abs(size))


@pytest.mark.parametrize(
    ("cash", "held", "orders", "filled"),
    [
        (60.0, 1.0, [(1.0, 80.0), (2.0, 70.0)], 2),
        (
            60.0,
            1.0,
            [(1.0, 40.0), (2.0, 80.0)],
            1,
        ),  # the second one lies beyond the price at which it breaks
        (60.0, 1.0, [(1.0, 0.0)], 1),
        (60.0, 1.0, [], 0),
        (100.0, 0.0, [(-1.0, 130.0)], 1),
        (100.0, -1.0, [(-1.0, 130.0), (-1.0, 110.0)], 2),
        (20.0, -1.0, [(2.0, 90.0)], 1),  # turns the position
    ],
)
def test_orders_fill_on_the_way(cash: float, held: float, orders: list[tuple[float, float]], filled: int) -> None:
    """Orders of one side fill best first while their price is on the safe side; then what is held breaks."""
    engine = engine_with([([(DOLLAR, cash)], [(PERPETUAL, held, 100.0, 0.0)] if held else [])])
    rows = [(PERPETUAL, quantity, price, 0.0) for quantity, price in orders]
    factor, count, flags = Scratch(engine, 0).breach_with_orders(ON_COIN, COIN, NOW, 1.0, rows)
    taken = sorted(orders, key=lambda one: -one[0] * (one[1] or 1e9))[:filled]
    lots = ([(held, 100.0)] if held else []) + [(quantity, price or 101.0) for quantity, price in taken]
    assert (count, flags) == (filled, 0)
    assert factor is not None
    assert factor * 101.0 == pytest.approx(solved(cash, lots), rel=1e-12)


def test_no_order_and_no_position_has_no_price() -> None:
    """Where nothing hangs on the underlying there is no price at which anything breaks."""
    engine = engine_with([([(DOLLAR, 10.0)], [])])
    assert Scratch(engine, 0).breach_with_orders(ON_COIN, COIN, NOW, 1.0, []) == (None, 0, 0)


# The whole book


def test_ranking_is_that_of_single_assessments() -> None:
    """Under a stress every pool is where its own copy puts it, page by page; what cannot be assessed comes first."""

    @examples(60)
    @given(st.lists(pools(), min_size=1, max_size=12), st.floats(0.3, 2.0), st.integers(0, 2), st.integers(1, 5))
    def check(rows: list[PoolRow], factor: float, by: int, size: int) -> None:
        engine = engine_with([*rows, ([(DOLLAR, 1.0)], [(OTHER, 1.0, 50.0, 0.0)])])
        engine.set_prices([], [(OTHER, 0.0, NOW, 0.0)])
        market = Scratch(engine, None)
        market.place_underlying(ON_COIN, COIN, factor)
        found, cursor = [], (-math.inf, -1)
        while True:
            page = rank(engine, market, by, NOW, *cursor, size)
            assert page is not None
            found += page[0]
            if not page[4]:
                break
            cursor = page[0][-1][:2]
        assert sorted(row[1] for row in found) == list(range(len(rows) + 1))
        assert [row[:2] for row in found] == sorted(row[:2] for row in found)
        assert page[1] == len(rows) + 1
        for key, pool, assessment, notional in found:
            copy = Scratch(engine, pool)
            copy.place_underlying(ON_COIN, COIN, factor)
            alone = copy.assess(NOW)
            assert assessment.flags == alone.flags
            if not alone.is_valid:
                assert key == -math.inf
                continue
            assert (assessment.equity, assessment.maintenance_margin) == (alone.equity, alone.maintenance_margin)
            assert notional == copy.gross_notional()
            spare = alone.equity - alone.maintenance_margin
            against = (alone.maintenance_margin, notional, 1.0)[by]
            expected = (alone.equity if by == 0 else spare) / against if against else math.copysign(math.inf, spare)
            assert key == expected
        assert page[2] == sum(not one[2].is_valid for one in found)
        assert page[3] == sum(one[2].is_valid and one[2].equity < one[2].maintenance_margin for one in found)

    check()


def test_ranking_says_when_the_book_outgrew_the_market() -> None:
    """A copy of the market that does not know an instrument ranks nothing."""
    engine = engine_with([([], [])])
    market = Scratch(engine, None)
    engine.add_instrument(DOLLAR, -1, False, InstrumentKind.SPOT, 1.0, 0.0, 0, -1, AGE)
    assert rank(engine, market, 0, NOW, -math.inf, -1, 10) is None


# Changing the copy as the book would


def test_a_trade_realises_what_it_closes() -> None:
    """Half closed, half of the profit is cash; closed, the position is gone; turned, the rest opens anew."""
    engine = engine_with([([(DOLLAR, 10.0)], [(PERPETUAL, 2.0, 91.0, 0.0)])])
    copy = Scratch(engine, 0)
    copy.trade(PERPETUAL, -1.0)
    found = copy.assess(NOW)
    assert (found.equity, found.collateral_value, found.unrealized_pnl) == (30.0, 20.0, 10.0)
    copy.trade(PERPETUAL, -1.0)
    assert copy.instruments() == []
    copy.restore()
    copy.trade(PERPETUAL, -3.0, 101.0)
    found = copy.assess(NOW)
    assert (found.equity, found.unrealized_pnl) == (30.0, 0.0)
    assert found.maintenance_margin == pytest.approx(10.1)
    for _ in range(30):
        copy.deposit(COIN, 1.0)
    assert copy.assess(NOW).collateral_value == pytest.approx(30.0 + 30 * 90.0)
    copy.restore()
    assert copy.assess(NOW).equity == 30.0
