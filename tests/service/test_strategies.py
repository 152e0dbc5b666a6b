# SPDX-License-Identifier: Apache-2.0
"""Strategies of a rulebook in the service."""

from __future__ import annotations

from marginrules.service.shard import Shard

NOW = 1_772_445_600_000_000_000  # 2026-03-02T10:00:00Z
DAY_NS = 86_400_000_000_000
TEXT = """\
rulebook: desk
currency: USD
effective: 2026-01-01T00:00:00Z
collateral:
  USD: {haircut: 0%}
parameters:
  naked_rate: {default: 20%, IDX: 15%}
strategies:
  desk:
    - {strategy: long_call, legs: {long: {call: 1}}, initial: 0, maintenance: 0}
    - {strategy: long_put, legs: {long: {put: 1}}, initial: 0, maintenance: 0}
    - {strategy: short_call, legs: {short: {call: -1}}, initial: short.naked_rate * short.index, maintenance: 0}
    - {strategy: short_put, legs: {short: {put: -1}}, initial: short.naked_rate * short.strike, maintenance: 0}
    - {strategy: long_stock, legs: {stock: {stock: 1}}, initial: stock.mark, maintenance: 0}
    - {strategy: short_stock, legs: {stock: {stock: -1}}, initial: stock.mark, maintenance: 0}
portfolios:
  group:
    by: [underlying]
    initial: strategy_margin(desk, initial)
    maintenance: strategy_margin(desk, maintenance)
products:
  option: {match: {kind: option}, value: excluded, margin: {model: portfolio, portfolio: group}}
ladders:
  main:
    steps:
      - {step: liquidation, below: 100%, liquidate: all}
"""


def test_a_leg_reads_what_the_rulebook_sets_for_its_instrument() -> None:
    """A parameter has the value of each leg's own underlying, else its default."""
    shard = Shard()
    shard.apply("activate", {"text": TEXT, "file": "desk.yaml", "who": "desk", "why": "a test"}, NOW)
    common = {"kind": 4, "settlement": "USD", "strike": 100.0, "right": "call", "expires_ns": NOW + DAY_NS}
    for symbol in ("IDX", "ABC"):
        instrument = {"symbol": f"{symbol}-C", "underlying": symbol, **common}
        shard.apply("instruments", {"instruments": [instrument]}, NOW)
    prices = [{"name": f"{one}-C", "price": 1.0, "time_ns": NOW, "fields": {"index": 100.0}} for one in ("IDX", "ABC")]
    shard.apply("prices", {"sequence": 1, "prices": prices}, NOW)
    positions = [{"symbol": "IDX-C", "quantity": -1.0}, {"symbol": "ABC-C", "quantity": -2.0}]
    pool = {"name": "", "balances": [{"asset": "USD", "amount": 1_000.0}], "positions": positions}
    account = {"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}
    shard.apply("accounts", {"accounts": [account]}, NOW)
    found = shard.book.engine.assess(shard.book.pool_id("a", ""), NOW)
    assert found.is_valid
    assert found.initial_margin == 15.0 + 2 * 20.0
