# SPDX-License-Identifier: Apache-2.0
"""Shares of whole numbers come out whole and exact, however large the product on the way is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules.codes import InstrumentKind, Reason
from marginrules.service.shard import Shard

WHOLE = 2**53
BOOK = """
rulebook: shares
currency: USD
effective: 2026-01-01T00:00:00Z
collateral: {USD: {haircut: 0%}}
figures:
  down: {of: pool, given: {x: amount, part: number, whole: number}, value: "floor_share(x, part, whole)"}
  up: {of: pool, given: {x: amount, part: number, whole: number}, value: "ceil_share(x, part, whole)"}
  ordered: {of: position, value: buy_orders_value + sell_orders_value + value}
products:
  perpetual:
    match: {kind: perpetual}
    margin: {model: formula, initial: notional, maintenance: "ceil_share(notional, 1, 3)"}
ladders:
  main: {steps: [{step: liquidation, below: 100%, liquidate: all}]}
"""
PERSON = {"who": "test", "why": "test"}
NOW = 1_780_000_000_000_000_000


@pytest.fixture(scope="module")
def shard() -> Shard:
    """Return a shard with one pool that holds 100 contracts at 1, and 40 USD."""
    made = Shard()
    made.apply("activate", {"text": BOOK, "file": "shares.yaml", **PERSON}, NOW)
    perpetual = {"symbol": "A-PERP", "kind": InstrumentKind.PERPETUAL, "underlying": "A", "settlement": "USD"}
    made.apply("instruments", {"instruments": [perpetual, perpetual | {"symbol": "B-PERP"}]}, NOW)
    prices = [{"name": name, "price": 1.0, "time_ns": NOW} for name in ("A-PERP", "B-PERP")]
    made.apply("prices", {"sequence": 1, "prices": prices}, NOW)
    pool = {
        "name": "",
        "balances": [{"asset": "USD", "amount": 40.0}],
        "positions": [{"symbol": "A-PERP", "quantity": 100.0, "entry_price": 1.0}],
    }
    accounts = [{"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}]
    made.apply("accounts", {"accounts": accounts}, NOW)
    return made


def share(shard: Shard, name: str, x: float, part: float, whole: float) -> float | None:
    """Ask the core; None where the answer is no number."""
    figure = shard.program.figures[name]
    values = {"x": x, "part": part, "whole": whole}
    inputs = tuple(values[key] for key, _ in figure.given)
    flags, rows = shard.book.engine.figure(0, figure.code, True, -1, -1, NOW, inputs)
    assert flags in (0, Reason.NOT_FINITE)
    return None if flags else rows[0][1]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_whole_numbers_are_exact(shard: Shard, data: st.DataObject) -> None:
    """Of whole numbers below 2^53 whose result is one too."""
    whole = data.draw(st.integers(1, WHOLE - 1))
    x = data.draw(st.integers(-WHOLE + 1, WHOLE - 1))
    most = min(WHOLE - 1, (WHOLE - 1) * whole // max(abs(x), 1))
    part = data.draw(st.integers(-most, most) | st.sampled_from((min(whole, most), 0)))
    sign = data.draw(st.sampled_from((1, -1)))
    x, whole = x * sign, whole * sign
    assert share(shard, "down", x, part, whole) == x * part // whole
    assert share(shard, "up", x, part, whole) == -(-x * part // whole)


@pytest.mark.parametrize(
    ("x", "part", "whole", "down", "up"),
    [
        (100, 7, 100, 7, 7),  # 100 * 0.07 is 7.000000000000001 in doubles
        (2_469_135_782_460_000, 200_000, 1_000_000, 493_827_156_492_000, 493_827_156_492_000),
        (999_999_999_999_999, 999_999, 1_000_000, 999_998_999_999_999, 999_999_000_000_000),
        (-7, 1, 2, -4, -3),
        (0.5, 1, 1, 0, 1),
    ],
)
def test_shares(shard: Shard, x: float, part: float, whole: float, down: float, up: float) -> None:
    """Rounded down is towards minus infinity, rounded up towards infinity."""
    assert share(shard, "down", x, part, whole) == down
    assert share(shard, "up", x, part, whole) == up


@pytest.mark.parametrize("name", ["down", "up"])
def test_nothing_has_no_share(shard: Shard, name: str) -> None:
    """A share of nothing, and one beyond all numbers, is no number."""
    assert share(shard, name, 1.0, 1.0, 0.0) is None
    assert share(shard, name, 1e300, 1e300, 1.0) is None


def test_a_searched_price_sees_no_steps(shard: Shard) -> None:
    """Where a price is searched shares are not rounded: 40 + 100 (p - 1) is 100 p / 3 at 0.9, where 30 is kept."""
    assert shard.book.engine.assess(0, NOW).maintenance_margin == 34.0
    assert shard.book.engine.liquidation_price(0, 0, NOW, 1.0) == pytest.approx(0.9, rel=1e-12)


def test_a_figure_sees_what_is_only_ordered(shard: Shard) -> None:
    """An instrument of which there are open orders alone is a position of nothing, as it is in the requirement."""
    figure = shard.program.figures["ordered"]
    empty = shard.book.engine.figure(0, figure.code, False, 1, -1, NOW, ())
    assert empty == (0, [])
    shard.book.engine.put_orders(0, [(1, 3.0, 2.0, 0.0), (1, -1.0, 5.0, 0.0)])
    assert shard.book.engine.figure(0, figure.code, False, 1, -1, NOW, ()) == (0, [((1,), 11.0)])
    shard.book.engine.put_orders(0, [])
