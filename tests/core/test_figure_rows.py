# SPDX-License-Identifier: Apache-2.0
"""Figures that a rulebook defines: one value, one for each group of a portfolio, and one for each scenario."""

from __future__ import annotations

import pytest

from marginrules.codes import InstrumentKind, Reason
from marginrules.service.shard import Shard

NOW = 1_800_000_000_000_000_000
RULES = """\
rulebook: figures
currency: USD
effective: 2026-01-01T00:00:00Z
collateral:
  USD: {haircut: 0%}
scenarios:
  grid: {combine: {price: [-10%, 0%, 20%]}}
portfolios:
  book:
    by: [underlying]
    define: {pnl: total(value * grid.price)}
    initial: worst_loss(pnl)
    maintenance: worst_loss(pnl)
figures:
  pnl: {of: portfolio book, value: pnl}
  worst: {of: portfolio book, value: lowest(pnl)}
  of_pool: {of: pool, value: equity + total(value * grid.price)}
  of_position: {of: position, given: {times: number}, value: times * value * grid.price}
  moves: {of: pool, value: grid.price}
  unknown: {of: portfolio book, value: total(size * index * grid.price)}
products:
  future: {match: {kind: future}, margin: {model: portfolio, portfolio: book}}
ladders:
  main: {steps: [{step: liquidation, below: 100%, liquidate: all}]}
"""
HELD = {"A-1": (10.0, 2.0), "A-2": (20.0, -3.0), "B-1": (5.0, 1.0)}  # symbol -> price, quantity


@pytest.fixture
def shard() -> Shard:
    """Return a shard with one account that holds futures on two underlyings and 1,000 USD."""
    shard = Shard()
    shard.apply("activate", {"text": RULES, "file": "rules.yaml", "who": "desk", "why": "test"}, NOW)
    instruments = [
        {
            "symbol": name,
            "kind": InstrumentKind.FUTURE,
            "underlying": name[0],
            "settlement": "USD",
            "expires_ns": NOW + 10**15,
        }
        for name in HELD
    ]
    shard.apply("instruments", {"instruments": instruments}, NOW)
    prices = [{"name": name, "price": price, "time_ns": NOW} for name, (price, _) in HELD.items()]
    shard.apply("prices", {"sequence": 1, "prices": prices}, NOW)
    positions = [
        {"symbol": name, "quantity": quantity, "entry_price": price} for name, (price, quantity) in HELD.items()
    ]
    pool = {"name": "", "balances": [{"asset": "USD", "amount": 1_000.0}], "positions": positions}
    account = {"account_id": "one", "account_class": "default", "sequence": 1, "pools": [pool]}
    shard.apply("accounts", {"accounts": [account]}, NOW)
    return shard


def rows(shard: Shard, name: str, symbol: str = "", given: tuple[float, ...] = ()) -> list[tuple[list[str], float]]:
    """Return the rows of a figure: symbols and value."""
    figure, book = shard.program.figures[name], shard.book
    instrument = book.instrument_ids[symbol] if symbol else -1
    flags, found = book.engine.figure(
        book.pool_id("one", ""), figure.code, figure.of == "pool", instrument, figure.portfolio, NOW, given
    )
    assert not flags
    return [([book.instrument_names[one] for one in held], value) for held, value in found]


def test_one_value_for_each_group_and_scenario(shard: Shard) -> None:
    """Groups come one after the other, each with its scenarios in the order of the table."""
    a, b = ["A-1", "A-2"], ["B-1"]
    assert rows(shard, "pnl") == [(a, 4.0), (a, 0.0), (a, -8.0), (b, -0.5), (b, 0.0), (b, 1.0)]
    assert rows(shard, "worst") == [(a, -8.0), (b, -0.5)]


def test_scenarios_of_the_pool_and_of_a_position(shard: Shard) -> None:
    """A column by itself, scalars with scenarios, and what the caller gives."""
    assert [value for _, value in rows(shard, "moves")] == [-0.1, 0.0, 0.2]
    assert [value for _, value in rows(shard, "of_pool")] == [1_003.5, 1_000.0, 993.0]
    assert [value for _, value in rows(shard, "of_position", "A-2", (2.0,))] == [12.0, 0.0, -24.0]


def test_what_was_never_published_is_not_a_number(shard: Shard) -> None:
    """A figure that needs it is not told."""
    figure = shard.program.figures["unknown"]
    flags, _ = shard.book.engine.figure(0, figure.code, False, -1, figure.portfolio, NOW)
    assert Reason(flags) == Reason.MISSING_DATA
