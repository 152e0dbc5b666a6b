# SPDX-License-Identifier: Apache-2.0
"""Small worlds to replay: drawn rulebooks, accounts and prices; and the service itself, told the same, to compare."""

from __future__ import annotations

import math
import random
import warnings
from array import array
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from marginrules.authoring.impact import History, Outcome, Population
from marginrules.authoring.impact.history import Column
from marginrules.authoring.impact.population import shard_with
from marginrules.authoring.impact.replay import _Tally
from marginrules.codes import EventKind, InstrumentKind
from marginrules.escalation.state import Event
from marginrules.model import Account, Instrument, Order, Pool, Position, Price
from marginrules.rulebook import Program, load
from tests.escalation.ladders import drawn_steps

MINUTE_NS = 60_000_000_000
START_NS = 1_780_000_000_000_000_000 // MINUTE_NS * MINUTE_NS

_HEAD = """\
rulebook: {name}
currency: USD
increment: 0.01
effective: 2026-01-01T00:00:00Z
calendars: {{desk: XNYS}}
marks: {{max_age: 10s}}
collateral:
  USD: {{haircut: 0%}}
  BTC: {{haircut: 10%}}
products:
  smooth:
    match: {{kind: perpetual, underlying: [A, B, BTC]}}
    margin: {{model: tiers, tiers: [{{to: 5_000, initial: 10%, maintenance: 5%}}, {{initial: 20%, maintenance: 10%}}]}}
  other:
    match: {{kind: perpetual, underlying: [C, D]}}
    margin: {margin}
    ladder: {other}
ladder: main
ladders:
  main:
    calendar: desk
    steps:
{steps}  short:
    steps:
      - {{step: warning, below: 130%, notify: [client]}}
      - {{step: close_out, below: 100%, clear: 120%, liquidate: {{fraction: 50%, until: 120%}}}}
"""
TIERS = "{model: tiers, tiers: [{initial: 12%, maintenance: 6%}]}"
FORMULA = (
    "{model: formula, initial: abs(quantity) * multiplier * mark * fx * (10% + volatility / 10),"
    " maintenance: abs(quantity) * multiplier * mark * fx * (5% + volatility / 20)}"
)
INSTRUMENTS = (
    Instrument("A-PERP", InstrumentKind.PERPETUAL, "A", "USD", quantity_step=0.5),
    Instrument("B-PERP", InstrumentKind.PERPETUAL, "B", "USD"),
    Instrument("BTC-COIN", InstrumentKind.PERPETUAL, "BTC", "BTC", 10.0, inverse=True),
    Instrument("C-PERP", InstrumentKind.PERPETUAL, "C", "USD", 2.0),
    Instrument("D-PERP", InstrumentKind.PERPETUAL, "D", "BTC", 0.002),
)
STEPS = """\
      - {step: warning, below: 150%, clear: 160%, notify: [client]}
      - step: call
        below: 120%
        clear: 130%
        for: 90s
        call: {restore: initial_margin, minimum_transfer: 20, round_to: 5}
        deadline: 30m
        restrict: reduce_only
      - step: partial
        below: 105%
        or_after: call unmet
        liquidate: {fraction: 20%, every: 2m, until: 110%, cancel_orders_first: yes}
      - {step: full, below: 80%, liquidate: all}
      - {step: default, below: 0%, waterfall: [insurance_fund]}
"""


@dataclass(frozen=True)
class Drawn:
    """Carry one world."""

    program: Program
    population: Population
    history: History


def program_of(steps: str = STEPS, margin: str = TIERS, other: str = "main", name: str = "drawn") -> Program:
    """Compile a rulebook."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about how the exchange calendars use it
        return load(_HEAD.format(name=name, steps=steps, margin=margin, other=other).encode(), f"{name}.yaml")


def make_history(seed: int, rows: int, step: float, gaps: float = 0.02) -> History:
    """Draw a walk of all prices; some are missing now and then."""
    source = random.Random(seed)  # noqa: S311 - no secret
    columns: tuple[Column, ...] = (*((one.symbol, "") for one in INSTRUMENTS), ("BTC", ""), ("C-PERP", "volatility"))
    prices = [100.0] * len(columns)
    values = array("d")
    for _ in range(rows):
        market = source.gauss(0.0, step)
        for k, (_, field) in enumerate(columns):
            prices[k] *= math.exp(market * (0.5 if field else 1.0) + source.gauss(0.0, step / 2))
            prices[k] = source.choice((prices[k], prices[k], float(f"{prices[k]:.3g}")))
            values.append(math.nan if source.random() < gaps else prices[k] / 100.0 if field else prices[k])
    return History(array("q", [START_NS + row * MINUTE_NS for row in range(rows)]), columns, values)


def make_population(seed: int, accounts: int) -> Population:
    """Draw accounts not far from their first threshold."""
    source = random.Random(seed)  # noqa: S311 - no secret
    return Population(INSTRUMENTS, tuple(_draw_account(source, number) for number in range(accounts)))


def _draw_account(source: random.Random, number: int) -> Account:
    positions = []
    for one in source.sample(INSTRUMENTS, source.randint(1, 4)):
        unit = 1_000.0 if one.inverse else 10.0 * source.randint(1, 8)
        quantity = source.choice((-1.0, 1.0)) * unit / (one.multiplier if not one.inverse else one.multiplier * 10)
        positions.append(Position(one.symbol, quantity, source.choice((98.0, 100.0, 103.0))))
    cash = float(source.randint(1, 30) * 20 * len(positions))
    coins = source.choice((0.0, 0.0, 1.0, 3.5))
    orders = (Order(f"o{number}", "A-PERP", 1.0, 99.0),) if source.random() < 0.4 else ()
    pools = [Pool("", (("USD", cash), ("BTC", coins))[: 2 if coins else 1], tuple(positions), orders)]
    if source.random() < 0.3:
        pools.append(Pool("B-PERP", (("USD", 250.0),), (Position("B-PERP", source.choice((-20.0, 25.0)), 100.0),)))
    return Account(f"acct{number}", "default", 1, tuple(pools))


@st.composite
def drawn_worlds(draw: st.DrawFn) -> Drawn:
    """Draw a rulebook, with formulas or without, a few accounts and two or three hours of prices."""
    margin, other = draw(st.sampled_from((TIERS, TIERS, FORMULA))), draw(st.sampled_from(("main", "short")))
    program = program_of(draw(st.just(STEPS) | drawn_steps()), margin, other)
    history = make_history(draw(st.integers(0, 999)), 160, draw(st.sampled_from((0.002, 0.005, 0.01))))
    return Drawn(program, make_population(draw(st.integers(0, 999)), 5), history)


def prices_of(history: History, row: int) -> list[Price]:
    """Return what a row publishes, as the service is told."""
    width, found = len(history.columns), dict[str, Price]()
    cells = dict(zip(history.columns, history.values[row * width : (row + 1) * width], strict=True))
    for (name, field), value in cells.items():
        if not field and not math.isnan(value):
            found[name] = Price(name, value, history.times_ns[row])
    for (name, field), value in cells.items():
        if field and name in found and not math.isnan(value):
            found[name] = replace(found[name], fields=(*found[name].fields, (field, value)))
    return list(found.values())


def lived(drawn: Drawn) -> list[Outcome]:
    """Let the service live through a history, looking at every pool at every row; return what happened."""
    shard = shard_with(drawn.program, drawn.population)
    book, engine = shard.book, shard.book.engine
    pools = range(engine.pool_count)
    tallies = {book.pool_label(pool): _Tally() for pool in pools}
    unassessed = dict.fromkeys(pools, 0)
    for row, now_ns in enumerate(drawn.history.times_ns):
        book.set_prices(prices_of(drawn.history, row))
        for pool in pools:
            unassessed[pool] += not engine.assess(pool, now_ns).is_valid
        events = shard.settle_all(now_ns)
        while events:
            by_pool: dict[str, list[Event]] = {}
            for one in events:
                by_pool.setdefault(one.pool, []).append(one)
            for pool_label, happened in by_pool.items():
                tallies[pool_label].add(happened)
            ordered = [one for one in events if one.kind is EventKind.LIQUIDATION_ORDERED]
            events = []
            for one in ordered:
                fills = [
                    {"symbol": symbol, "quantity": by, "price": engine.price_of(book.instrument_ids[symbol])[0]}
                    for symbol, by in one.data["orders"]
                ]
                events += shard.apply("executed", {"liquidation_id": one.call_id, "fills": fills}, now_ns).events
    found = []
    for pool in pools:
        label, state = book.pool_label(pool), shard.states.get(pool)
        tally, step = tallies[label], ""
        if state is not None and state.severity >= 0:
            step = shard.programs[state.digest].ladders[state.ladder].steps[state.severity].name
        tally.counts.update(pool=label, unassessed=unassessed[pool], open_calls=len(tally.open_calls), step=step)
        found.append(Outcome(**tally.counts))
    return [one for one in found if one != Outcome(one.pool)]
