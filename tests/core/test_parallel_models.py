# SPDX-License-Identifier: Apache-2.0
"""Margin models while everything changes: every answer belongs to one market and one program, without the GIL."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from dataclasses import replace

import pytest

from marginrules._core.core import Batch, Engine
from marginrules.codes import InstrumentKind
from marginrules.machine import Field, Key, Models
from tests.core.machine_market import MARKET, NOW, Instrument, Market, code_of, pool_code_of
from tests.core.test_parallel import Key as Figures
from tests.core.test_parallel import key_of, run_together, switch_interval

POOLS = 24
OPTIONS = 8
SERIES = ((0.25, -0.25, 0.125), (-0.5, 0.0, 0.25))
RISK = "total(size * (black_76(forward * (1 + grid.price), years, volatility * (1 + grid.volatility)) - mark))"
PAST = "total(size * (index * history.move))"
HELD = "total(abs(size) * factor * 1 USDT / 1 contract)"


def market_of(prices: int, series: int = 0, factor: float = 0.5) -> Market:
    """Return one of two markets: the same options, of which no price, field or move is the same."""
    level = (100.0, 131.0)[prices]
    instruments = tuple(
        Instrument(
            InstrumentKind.OPTION,
            strike=90.0 + 5.0 * (k // 2),
            right=1 if k % 2 else -1,
            days=(30, 60)[k % 2],
            multiplier=10.0,
            mark=6.0 + k + prices,
            family=k % 2,
            quotes={Field.FORWARD: level + k, Field.VOLATILITY: 0.5 + 0.125 * prices, Field.INDEX: level},
            parameters=(factor, 1.0),
            quantity=float(k - 3) or 2.0,
        )
        for k in range(OPTIONS)
    )
    moves = {family: SERIES[series][family:] + SERIES[series][:family] for family in (0, 1)}
    return replace(MARKET, instruments=instruments, series=moves)


def programs_of(market: Market) -> list[Models]:
    """Return two programs that share nothing: groups, tables, stages, pool formulas, sizes of what is prepared."""
    figure = code_of("total(abs(value)) + worst_loss(total(value * grid.price))")
    first = code_of(f"worst_loss({RISK}) + {HELD}", f"worst_loss({RISK}) * 75%")
    second = code_of(f"expected_shortfall({PAST}, 90%) + {HELD} * 2", f"value_at_risk({PAST}, 90%)")
    pool = pool_code_of("initial * 1.5 + total(abs(size) * (forward * (1 + 0 * volatility)))", "maintenance * 1.25")
    return [market.models([first, figure], Key.EXPIRY), market.models([second, figure, pool], Key.RIGHT, pool=2)]


State = tuple[int, int, int, int]  # of program, prices, series, pool


def put(engine: Engine, pool: int, which: int) -> None:
    """Write one of two contents: other positions, quantities and orders."""
    if which == 0:
        rows = [(k, float(k % 3 - 1) or 2.0, 0.0, 0.0) for k in range(OPTIONS)]
        engine.put_pool(pool, 0, 0.0, [(0, 90_000.0)], rows, [])
    else:
        rows = [(k, -1.0, 0.0, 0.0) for k in range(0, OPTIONS, 2)]
        engine.put_pool(pool, 0, 3.0, [(0, 70_000.0)], rows, [(1, 2.0, 5.0, 0.0), (0, -1.0, 9.0, 0.0)])


def probe_of(engine: Engine, pool: int) -> tuple[object, ...]:
    """Return what is answered from a copy of the market: a what-if, a figure and the holdings."""
    probe = key_of(engine.what_if(pool, NOW, [(0, 10.0)], [(0, 1.0, 0.0, 0.0)], [(1, 7.5)], []))
    return (
        probe,
        tuple(engine.figure(pool, 1, True, -1, -1, NOW)[1]),
        tuple(engine.holdings(pool)),
        engine.figure(pool, 1, False, -1, 0, NOW)[0],
    )


def parts_of(probe: tuple[object, ...]) -> set[tuple[int, object]]:
    """Return the answers by kind: each is of one state, but not all of the same."""
    return set(enumerate(probe))


def test_no_torn_results() -> None:
    """Prices, histories, programs and pools flip while risk arrays are prepared; every answer is one state's."""
    markets = {(prices, series): market_of(prices, series, 0.5 + prices) for prices in (0, 1) for series in (0, 1)}
    programs = programs_of(markets[0, 0])
    engine = markets[0, 0].engine(programs[0])
    put(engine, 0, 0)
    assessed: dict[Figures, State] = {}
    decided: set[tuple[object, ...]] = set()
    probed: set[tuple[int, object]] = set()

    def order_of(pool: int) -> tuple[object, ...]:
        accepted, flags, before, after, _ = engine.check_order(pool, 2, -1.0, 5.0, 0.0, False, NOW, False)
        return accepted, flags, key_of(before), key_of(after)

    for program, prices, series, content in itertools.product((0, 1), repeat=4):
        # Parameters are those of the market at activation, so they change with the program alone.
        market_of(prices, series, 0.5 + program).activate(engine, programs[program])
        markets[prices, series].publish(engine)
        put(engine, 0, content)
        found = engine.assess(0, NOW)
        assert found.is_valid
        assessed.setdefault(key_of(found), (program, prices, series, content))
        decided.add(order_of(0))
        probed |= parts_of(probe_of(engine, 0))
    assert len(assessed) == 12, "the first program does not look at histories"
    for pool in range(1, POOLS):
        engine.add_pool(engine.add_account(0), -1)
        put(engine, pool, 0)
    put(engine, 0, 0)
    torn: list[object] = []
    seen: dict[str, set[object]] = {"range": set(), "one": set()}
    counts = dict.fromkeys(("range", "one", "order", "probe"), 0)
    turn = itertools.cycle(range(POOLS))

    def read_range() -> None:
        batch = Batch(POOLS)
        engine.assess_range(0, POOLS, NOW, batch)
        states = [assessed.get(key_of(batch[k])) for k in range(POOLS)]
        counts["range"] += POOLS
        torn.extend(k for k, state in enumerate(states) if state is None)
        if len({state[:3] for state in states if state is not None}) > 1:
            torn.append(states)
        seen["range"].update(states)

    def read_one() -> None:
        pool = next(turn)
        state = assessed.get(key_of(engine.assess(pool, NOW)))
        counts["one"] += 1
        seen["one"].add(state)
        if state is None:
            torn.append(pool)
        counts["order"] += 1
        if order_of(pool) not in decided:
            torn.append("order")

    def read_copies() -> None:
        counts["probe"] += 1
        torn.extend(parts_of(probe_of(engine, counts["probe"] % POOLS)) - probed)

    now = {"program": 1, "prices": 1, "series": 1}

    def write(turn: int) -> None:
        # Unlike periods, so that all combinations come up.
        put(engine, turn % POOLS, turn // POOLS % 2)
        if turn % 3 == 0:
            now["prices"] = turn // 3 % 2
            markets[now["prices"], 0].publish(engine)
        if turn % 5 == 0:
            now["program"] = turn // 5 % 2
            market = market_of(now["prices"], now["series"], 0.5 + now["program"])
            market.activate(engine, programs[now["program"]])
        if turn % 7 == 0:
            now["series"] = turn // 7 % 2
            moves = market_of(0, now["series"]).series
            engine.set_series([(1, family, row) for family, row in moves.items()])

    with switch_interval(5e-5):
        written = run_together([read_range, read_range, read_one, read_copies], write)
    assert torn == [], f"{len(torn)} torn of {counts}: {torn[:2]}"
    assert written >= 100
    assert min(counts.values()) >= 30, counts
    assert len(seen["range"]) >= 8
    assert len(seen["one"]) >= 6


def test_models_run_without_the_gil() -> None:
    """Two bulk assessments of portfolios advance while a third thread holds the GIL and never lets go of it."""
    market = market_of(0)
    engine = market.engine(programs_of(market)[1])
    pools = 6_000
    for pool in range(1, pools):
        engine.add_pool(engine.add_account(0), -1)
        put(engine, pool, 1)
    put(engine, 0, 1)

    def progress(batch: Batch) -> int:
        return next((k for k in range(0, pools, 100) if batch[k].maintenance_margin == 0.0), pools)

    def attempt() -> bool:
        batches = [Batch(pools), Batch(pools)]
        threads = [threading.Thread(target=engine.assess_range, args=(0, pools, NOW, one)) for one in batches]
        with switch_interval(1e-4):
            for thread in threads:
                thread.start()
            while not all(progress(one) for one in batches):
                time.sleep(0)
            sys.setswitchinterval(1_000.0)
            samples = []
            end = time.monotonic() + 5.0
            while time.monotonic() < end:
                samples.append((progress(batches[0]), progress(batches[1])))
                if samples[-1] == (pools, pools):
                    break
        for thread in threads:
            thread.join()
        under_way = [one for one in samples if 0 < one[0] < pools and 0 < one[1] < pools]
        if samples[-1] != (pools, pools) or len(under_way) < 2:
            return False
        return under_way[-1][0] > under_way[0][0] and under_way[-1][1] > under_way[0][1]

    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("this Python has no GIL to do without")
    assert any(attempt() for _ in range(5))


def test_series_outlive_their_engine_state() -> None:
    """A copy that reads histories goes on reading its own while others come and go."""
    market = market_of(0)
    engine = market.engine(programs_of(market)[1])
    put(engine, 0, 0)
    known = set()
    for series in (0, 1):
        engine.set_series([(1, family, row) for family, row in market_of(0, series).series.items()])
        known.add(key_of(engine.what_if(0, NOW, [], [], [(0, 6.0)], [])))
    wrong: list[Figures] = []

    def read_copy() -> None:
        key = key_of(engine.what_if(0, NOW, [], [], [(0, 6.0)], []))
        if key not in known:
            wrong.append(key)

    def write(turn: int) -> None:
        engine.set_series([(1, family, row) for family, row in market_of(0, turn % 2).series.items()])

    with switch_interval(5e-5):
        written = run_together([read_copy, read_copy], write)
    assert wrong == []
    assert len(known) == 2
    assert written >= 100
