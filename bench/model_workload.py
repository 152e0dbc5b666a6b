# SPDX-License-Identifier: Apache-2.0
"""Books of options and of underlyings with a history, under rulebooks of formulas, in a bare core."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from marginrules._core.core import Engine
from marginrules.codes import InstrumentKind
from marginrules.machine import Field
from marginrules.rulebook import load
from marginrules.units import DAY_NS

NOW_NS = 1_800_000_000_000_000_000
AGE_NS = 60_000_000_000
DOLLAR = 0
HEAD = """\
rulebook: bench
currency: USD
effective: 2026-01-01T00:00:00Z
collateral:
  USD: {haircut: 0%}
ladders:
  main:
    steps: [{step: liquidation, below: 100%, liquidate: all}]
"""
# Eleven prices at three volatilities.
SCENARIOS = """\
scenarios:
  grid:
    combine:
      volatility: [-25%, 0%, 25%]
      price: [-15%, -12%, -9%, -6%, -3%, 0%, 3%, 6%, 9%, 12%, 15%]
portfolios:
  options:
    define:
      now: black_76(forward, years, volatility)
      shocked: black_76(forward * (1 + grid.price), years, volatility * (1 + grid.volatility))
      worst: worst_loss(total(size * (shocked - now)))
    initial: worst
    maintenance: worst * 75%
products:
  option: {match: {kind: option}, margin: {model: portfolio, portfolio: options}}
"""
HISTORY = """\
scenarios:
  past: {history: {window: 500, horizon: 1d, weights: equal}}
portfolios:
  futures:
    define:
      pnl: total(size * (mark * past.move))
    initial: expected_shortfall(pnl, 97.5%)
    maintenance: value_at_risk(pnl, 99%)
products:
  future: {match: {kind: perpetual}, margin: {model: portfolio, portfolio: futures}}
"""
STRATEGIES = """\
strategies:
  us:
    - {strategy: long_stock, legs: {leg: {stock: 1}}, initial: leg.mark * 50%, maintenance: leg.mark * 25%}
    - {strategy: short_stock, legs: {leg: {stock: -1}}, initial: leg.mark * 150%, maintenance: leg.mark * 130%}
    - {strategy: long_call, legs: {leg: {call: 1}}, initial: 0, maintenance: 0}
    - {strategy: long_put, legs: {leg: {put: 1}}, initial: 0, maintenance: 0}
    - strategy: naked_call
      legs: {leg: {call: -1}}
      initial: (leg.mark + max(20% * leg.index - max(leg.strike - leg.index, 0), 10% * leg.index)) * leg.multiplier
      maintenance: (leg.mark + max(20% * leg.index - max(leg.strike - leg.index, 0), 10% * leg.index)) * leg.multiplier
    - strategy: naked_put
      legs: {leg: {put: -1}}
      initial: (leg.mark + max(20% * leg.index - max(leg.index - leg.strike, 0), 10% * leg.strike)) * leg.multiplier
      maintenance: (leg.mark + max(20% * leg.index - max(leg.index - leg.strike, 0), 10% * leg.strike)) * leg.multiplier
    - strategy: call_spread
      legs: {short: {call: -1}, long: {call: 1}}
      where: long.days >= short.days
      initial: max(long.strike - short.strike, 0) * short.multiplier
      maintenance: max(long.strike - short.strike, 0) * short.multiplier
    - strategy: put_spread
      legs: {short: {put: -1}, long: {put: 1}}
      where: long.days >= short.days
      initial: max(short.strike - long.strike, 0) * short.multiplier
      maintenance: max(short.strike - long.strike, 0) * short.multiplier
    - strategy: call_butterfly
      legs: {low: {call: 1}, middle: {call: -2}, high: {call: 1}}
      where: >
        low.strike < middle.strike and middle.strike < high.strike and low.days == middle.days
        and middle.days == high.days and middle.strike - low.strike == high.strike - middle.strike
      initial: 0
      maintenance: 0
    - strategy: iron_condor
      legs: {low: {put: 1}, put: {put: -1}, call: {call: -1}, high: {call: 1}}
      where: >
        low.strike < put.strike and put.strike < call.strike and call.strike < high.strike
        and low.days == put.days and put.days == call.days and call.days == high.days
        and put.strike - low.strike == high.strike - call.strike
      initial: (high.strike - call.strike) * call.multiplier
      maintenance: (high.strike - call.strike) * call.multiplier
portfolios:
  options:
    initial: strategy_margin(us, initial)
    maintenance: strategy_margin(us, maintenance)
products:
  option: {match: {kind: option}, margin: {model: portfolio, portfolio: options}}
"""


@dataclass(frozen=True, slots=True)
class Option:
    """Carry one option with everything that is published of it."""

    right: int
    strike: float
    days: int
    mark: float
    forward: float
    volatility: float

    @property
    def years(self) -> float:
        """Return the time to expiry."""
        return self.days / 365.0


def draw_options(count: int, seed: int = 20_261_125, days: Sequence[int] = (7, 30, 60, 90)) -> list[Option]:
    """Draw options on one underlying, on strikes around its price."""
    source = random.Random(seed)
    return [
        Option(
            right=1 if k % 2 else -1,
            strike=80.0 + 2.5 * (k // 2 % 17),
            days=days[k // 34 % len(days)],
            mark=source.uniform(1.0, 8.0),
            forward=100.0,
            volatility=source.uniform(0.3, 0.8),
        )
        for k in range(count)
    ]


def option_engine(text: str, options: Sequence[Option]) -> Engine:
    """Return a core with options and their prices, under a rulebook."""
    engine = Engine()
    engine.add_asset(0)
    for one in options:
        engine.add_instrument(
            DOLLAR,
            -1,
            False,
            InstrumentKind.OPTION,
            10.0,
            1.0,
            NOW_NS + one.days * DAY_NS,
            -1,
            AGE_NS,
            one.strike,
            one.right,
            0,
        )
    activate(engine, text)
    engine.set_prices([(DOLLAR, 1.0, NOW_NS, AGE_NS)], option_prices(options))
    return engine


Price = tuple[int, float, int, float, list[tuple[int, float]]]


def option_prices(options: Sequence[Option], move: float = 0.0) -> list[Price]:
    """Return rows for `Engine.set_prices`, with forwards moved by a share."""
    fields = (int(Field.FORWARD), int(Field.INDEX), int(Field.VOLATILITY))
    return [
        (
            k,
            one.mark,
            NOW_NS,
            0.0,
            list(zip(fields, (one.forward * (1.0 + move), one.forward * (1.0 + move), one.volatility), strict=True)),
        )
        for k, one in enumerate(options)
    ]


def activate(engine: Engine, text: str, series: Sequence[tuple[int, int, Sequence[float]]] = ()) -> None:
    """Put a rulebook of one product into force."""
    tables = load((HEAD + text).encode(), "bench.yaml").tables
    engine.activate(tables, [0] * engine.instrument_count, [AGE_NS] * engine.instrument_count, [0], [0], {}, series)


def history_engine(moves: Sequence[Sequence[float]], marks: Sequence[float]) -> Engine:
    """Return a core with one perpetual for each underlying and its moves."""
    engine = Engine()
    engine.add_asset(0)
    for k in range(len(marks)):
        engine.add_instrument(DOLLAR, -1, False, InstrumentKind.PERPETUAL, 1.0, 0.0, 0, -1, AGE_NS, family=k)
    activate(engine, HISTORY, [(0, k, row) for k, row in enumerate(moves)])
    engine.set_prices([(DOLLAR, 1.0, NOW_NS, AGE_NS)], [(k, mark, NOW_NS, 0.0) for k, mark in enumerate(marks)])
    return engine


def put_pools(engine: Engine, pools: Sequence[tuple[float, Sequence[tuple[int, float, float]]]]) -> None:
    """Add pools: cash, and rows (instrument, quantity, entry price)."""
    for cash, rows in pools:
        pool = engine.add_pool(engine.add_account(0), -1)
        engine.put_pool(pool, 0, 0.0, [(DOLLAR, cash)], [(*row, 0.0) for row in rows], [])
