# SPDX-License-Identifier: Apache-2.0
"""A small rulebook and cases for it, and a file in which every key of the language stands."""

from __future__ import annotations

from marginrules.authoring.cases import Case, CaseResult, read_cases, run_case
from marginrules.authoring.cases.vocabulary import FIELDS
from marginrules.rulebook import load

BOOK = b"""\
rulebook: small
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, maker]
marks: {max_age: 60s}
collateral:
  USD: {haircut: 0%}
  BTC:
    haircut:
      - {to: 100_000, rate: 10%}
      - {rate: 20%}
products:
  perpetual:
    match: {kind: perpetual}
    margin:
      model: tiers
      tiers:
        - {to: 100_000, initial: 2%, maintenance: 1%}
        - {initial: 4%, maintenance: 2%}
ladders:
  standard:
    steps:
      - {step: warning, below: 150%, clear: 160%}
      - step: call
        below: 120%
        clear: 130%
        for: 30s
        call: {restore: initial_margin, minimum_transfer: 10}
        deadline: 4h
        restrict: reduce_only
      - step: sale
        below: 80%
        or_after: call unmet
        liquidate: {fraction: 50%, every: 10s, until: 130%}
        restrict: blocked
overrides:
  - class: maker
    because: they are called by agreement
    ladder:
      call: {deadline: 8h}
"""
PROGRAM = load(BOOK, "book.yaml")
SHARED = """\
start: 2026-03-02T10:00:00Z
class: retail
instruments: {BTC-PERP: {kind: perpetual, underlying: BTC, settlement: USD}}
prices: {BTC-PERP: 50_000}
cases:
"""


def read(text: str) -> Case:
    """Read one case that shares the small book's instrument, price and class."""
    (case,) = read_cases((SHARED + text).encode(), "cases.yaml").cases
    return case


def run(text: str, stop_at_first: bool = False) -> CaseResult:
    """Read a case and run it against the small book."""
    return run_case(BOOK, "book.yaml", read(text), PROGRAM, stop_at_first=stop_at_first)


EVERY_KEY = f"""\
rulebook: rulebook.yaml
start: 2026-03-02T10:00:00Z
class: retail
every: 1h
instruments:
  BTC-C:
    {{kind: option, underlying: BTC, settlement: USD, strike: 50_000, right: call, expires: 2026-06-01T00:00:00Z}}
  BTC-INV: {{kind: perpetual, underlying: BTC, settlement: BTC, inverse: yes, multiplier: 1, quantity_step: 1}}
prices:
  BTC-INV: {{mark: 50_000, open_interest: 1, age: 5s, {", ".join(f"{name}: 1" for name in FIELDS)}}}
cases:
  - case: one account
    start: 2026-03-02T10:00:00Z
    class: retail
    pool: BTC-INV
    instruments: {{ETH-PERP: {{kind: perpetual, underlying: ETH, settlement: USD}}}}
    prices: {{ETH-PERP: 2_500 open interest 1_000}}
    every: 1h
    quotes: held
    closes:
      BTC: {{first: 100, moves: [1%, -1%], times: 3}}
      ETH: {{2026-03-01T00:00:00Z: 100, 2026-03-02T00:00:00Z: 101.5}}
    balances: {{USD: 1_000}}
    positions: {{BTC-INV: {{quantity: 1, entry_price: 50_000, leverage: 5}}}}
    orders:
      - {{symbol: BTC-INV, quantity: 1, price: 50_000, leverage: 2, reduce_only: no, client_order_id: o-1}}
    equity: 1_000
    fees_due: 1
    funding_due: 1
    ladder: standard
    entered:
      - step: call
        ago: 1h
        by_unmet: no
        exhausted: no
        done: no
        call: {{amount: 100, paid: 1, due: 4h}}
      - {{step: sale, ordered: yes, next_round: 1m, shortfall: 1, call: [{{amount: 1, due: 1h}}]}}
      - {{step: warning, waiting: yes}}
    series: {{ETH-PERP: 2_500-10x3 _, equity: [1_000, 900x2]}}
    steps:
      - at: +1h
        account: example
        pool: BTC-INV
        prices: {{ETH-PERP: 2_400}}
        deposit: {{USD: 100}}
        execute: {{BTC-INV: 50_000}}
        expect:
          equity: 1_000
          initial_margin: 1
          maintenance_margin: 1
          collateral_value: 1
          unrealized_pnl: 1
          margin_ratio: 150%
          step: none
          active: [warning, call]
          restriction: none
          call: none
          deadline: none
          liquidating: no
          shortfall: 0
          reasons: none
        events:
          - step_entered call
      - order: {{symbol: BTC-INV, quantity: 1}}
        expect:
          accepted: yes
          reasons: none
          quantity_max: 1
          equity_after: 1
          initial_margin_after: 1
          maintenance_margin_after: 1
      - execute: marks
        filled: 50%
        equity: 1_000
      - figure: {{name: health, symbol: BTC-INV, given: {{shock: 10%}}}}
        expect: {{values: [1, 2.5]}}
  - case: several accounts
    accounts:
      alice:
        class: retail
        pool: BTC-INV
        balances: {{USD: 1_000}}
        positions: {{BTC-INV: 1}}
        orders: []
        equity: 1_000
        fees_due: 1
        funding_due: 1
        ladder: standard
        entered: []
      bob:
        pools:
          cross:
            balances: {{USD: 1}}
            positions: {{}}
            orders: []
            equity: 1
            fees_due: 0
            funding_due: 0
            ladder: standard
            entered: []
    series: {{bob equity: 1, BTC-INV volatility: 20%}}
    expect:
      - {{at: 1h, account: bob, pool: cross, step: none, events: []}}
"""
