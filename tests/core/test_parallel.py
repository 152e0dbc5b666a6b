# SPDX-License-Identifier: Apache-2.0
"""Readers and one writer at the same time: every answer belongs to one state, and readers do not need the GIL."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from marginrules._core.core import Assessment, Batch, Engine, Tables
from marginrules.codes import InstrumentKind

NOW = 1_000_000_000_000
AGE = 10**15
POOLS = 48
SECONDS = 1.5  # of writing, per test
INFINITY = float("inf")

Key = tuple[float, float, float, float, float, int, int]
State = tuple[int, int, int]  # of program, prices, pool


@contextmanager
def switch_interval(seconds: float) -> Iterator[None]:
    """Let threads change places after another time while in this block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def program_of(which: int) -> Tables:
    """Return one of two programs that differ in rates, products, haircuts and ladders."""
    if which == 0:
        return Tables(
            [(0.10, 0.0, 0.05, 0.0), (0.20, 1_000.0, 0.10, 500.0)],
            [[(0, 2, 0, 0, 0.0, 0.0)]],
            [(1.0, 0.0), (0.9, 0.0)],
            [(0, 1, INFINITY, 1.0), (1, 1, 90_000.0, 1.0)],
            [[1.5, 1.2]],
            [0],
        )
    return Tables(
        [(0.30, 0.0, 0.25, 0.0), (0.50, 0.0, 0.40, 0.0)],
        [[(0, 1, 1, 0, 0.0, 0.0), (1, 1, 1, 0, 0.0, 0.0)]],
        [(0.7, 0.0), (0.8, 0.0), (0.6, 4_000.0)],
        [(1, 2, 50_000.0, 1.0), (0, 1, INFINITY, 0.5)],
        [[1.1], [2.0, 1.6, 1.3]],
        [0],
    )


def activate(engine: Engine, which: int, tables: Tables) -> None:
    """Switch to one of the two programs; the second gives the products and collateral rules other numbers."""
    count, assets = engine.instrument_count, engine.asset_count
    products = [which * (k % 2) for k in range(count)]
    rules = [which if k == 0 else 1 - which for k in range(assets)]
    engine.activate(tables, products, [AGE] * count, rules, [0], {})


def set_prices(engine: Engine, which: int) -> None:
    """Publish one of two sets of prices, in which every price differs."""
    coin, first, second = ((20_000.0, 20_010.0, 100.0), (31_000.0, 31_050.0, 77.0))[which]
    engine.set_prices([(1, coin, NOW, AGE)], [(0, first, NOW, 1e6), (1, second, NOW, 1e6)])


def put_pool(engine: Engine, pool: int, which: int) -> None:
    """Write one of two contents, with profile 0 by any program; they share neither lengths nor amounts."""
    if which == 0:
        engine.put_pool(pool, 0, 5.0, [(0, 4_000.0), (1, 0.1)], [(0, 1.0, 19_000.0, 0.0)], [(1, 20.0, 90.0, 0.0)], 0)
    else:
        positions = [(0, -2.0, 25_000.0, 0.0), (1, 3.0, 80.0, 0.0)]
        engine.put_pool(pool, 0, -3.0, [(0, 70_000.0)], positions, [], 0)


def market(pool_count: int) -> Engine:
    """Return an engine with two assets, a linear and an inverse instrument, and empty pools."""
    engine = Engine()
    for rule in (0, 1):
        engine.add_asset(rule)
    engine.add_instrument(0, 1, False, InstrumentKind.PERPETUAL, 1.0, 0.0, 0, 0, AGE)
    engine.add_instrument(1, 1, True, InstrumentKind.PERPETUAL, 100.0, 0.0, 0, 0, AGE)
    for _ in range(pool_count):
        engine.add_pool(engine.add_account(0), -1)
    engine.set_prices([(0, 1.0, NOW, AGE), (1, 20_000.0, NOW, AGE)], [])
    return engine


def key_of(found: Assessment) -> Key:
    """Return every figure of an assessment, to be compared bit by bit."""
    return (
        found.equity,
        found.initial_margin,
        found.maintenance_margin,
        found.collateral_value,
        found.unrealized_pnl,
        found.level,
        found.ladder,
    )


ORDER = (0, 0.25, 0.0, 0.0, False, NOW)  # instrument, quantity, price, leverage, reduce only, time


def order_key(engine: Engine, pool: int, want_largest: bool) -> tuple[object, ...]:
    """Return everything that an order check says."""
    accepted, reasons, before, after, largest = engine.check_order(pool, *ORDER, want_largest)
    return accepted, reasons, key_of(before), key_of(after), largest


def run_together(work: list[Callable[[], None]], write: Callable[[int], None]) -> int:
    """Run readers in threads while this thread writes; return how often it wrote. Errors of readers are raised."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def loop(one: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                one()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=loop, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    written, end = 0, time.monotonic() + SECONDS
    try:
        while time.monotonic() < end and not stop.is_set():
            write(written)
            written += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return written


def test_no_torn_results() -> None:
    """While pools, prices and program flip, every answer is one state's, bit for bit; a chunk shares one market."""
    engine = market(POOLS)
    programs = [program_of(0), program_of(1)]
    assessed: dict[Key, State] = {}
    decided: set[tuple[object, ...]] = set()
    probed: set[Key] = set()
    edges: set[float | None] = set()
    for program, prices, content in itertools.product((0, 1), repeat=3):
        activate(engine, program, programs[program])
        set_prices(engine, prices)
        put_pool(engine, 0, content)
        found = engine.assess(0, NOW)
        assert found.is_valid
        assessed[key_of(found)] = (program, prices, content)
        decided |= {order_key(engine, 0, True), order_key(engine, 0, False)}
        probed.add(key_of(engine.what_if(0, NOW, [(0, 10.0)], [(1, 1.0, 0.0, 0.0)], [], [])))
        edges.add(engine.liquidation_price(0, 0, NOW, 1.0))
    assert len(assessed) == len(probed) == 8
    assert len(decided) == 16
    assert len(edges) >= 6
    for pool in range(POOLS):
        put_pool(engine, pool, 0)

    torn: list[object] = []
    seen: dict[str, set[object]] = {"range": set(), "one": set(), "order": set()}
    counts = {"range": 0, "one": 0, "order": 0, "what if": 0}
    batch = Batch(POOLS)
    turn = itertools.cycle(range(POOLS))

    def read_range() -> None:
        engine.assess_range(0, POOLS, NOW, batch)
        states = [assessed.get(key_of(batch[k])) for k in range(POOLS)]
        counts["range"] += POOLS
        torn.extend(k for k, state in enumerate(states) if state is None)
        markets = {state[:2] for state in states if state is not None}
        if len(markets) > 1:
            torn.append(markets)
        seen["range"].update(states)

    def read_one() -> None:
        pool = next(turn)
        state = assessed.get(key_of(engine.assess(pool, NOW)))
        counts["one"] += 1
        if state is None:
            torn.append(pool)
        seen["one"].add(state)
        answer = order_key(engine, pool, pool % 4 == 0)
        counts["order"] += 1
        if answer not in decided:
            torn.append(answer)
        seen["order"].add(answer)
        if pool % 8 == 0:
            counts["what if"] += 1
            probe = key_of(engine.what_if(pool, NOW, [(0, 10.0)], [(1, 1.0, 0.0, 0.0)], [], []))
            edge = engine.liquidation_price(pool, 0, NOW, 1.0)
            if probe not in probed or edge not in edges:
                torn.append((probe, edge))

    def write(turn: int) -> None:
        # Unlike periods, so that all combinations come up.
        put_pool(engine, turn % POOLS, turn // POOLS % 2)
        if turn % 3 == 0:
            set_prices(engine, turn // 3 % 2)
        if turn % 5 == 0:
            activate(engine, turn // 5 % 2, programs[turn // 5 % 2])

    with switch_interval(5e-5):
        written = run_together([read_range, read_one], write)
    assert torn == [], f"{len(torn)} torn of {counts}"
    assert written >= 200
    assert min(counts.values()) >= 50, counts
    # The flips were really seen: readers met most of the states.
    assert len(seen["range"]) >= 6
    assert len(seen["one"]) >= 6


def test_large_pool_replaced_while_read() -> None:
    """A pool large enough to be replaced in the middle of a check is still read as one content or the other."""
    engine = market(1)
    activate(engine, 0, program_of(0))
    set_prices(engine, 0)
    rows = [
        [(k % 2, 1.0 + k, 19_000.0, 0.0) for k in range(600)],
        [(k % 2, -2.0 - k, 21_000.0, 0.0) for k in range(200)],
    ]
    cash = [[(0, 1e9)], [(1, 1e5), (0, 7.0)]]
    resting = [[], [(1, 20.0, 90.0, 0.0)]]

    def write(turn: int) -> None:
        which = turn % 2
        engine.put_pool(0, 0, 3.0 * which, cash[which], rows[which], resting[which])

    assessed: set[Key] = set()
    decided: set[tuple[object, ...]] = set()
    for which in (0, 1):
        write(which)
        assessed.add(key_of(engine.assess(0, NOW)))
        decided.add(order_key(engine, 0, False))
    assert len(assessed) == len(decided) == 2
    torn: list[object] = []
    seen: set[object] = set()
    batch = Batch(1)

    def read_range() -> None:
        engine.assess_range(0, 1, NOW, batch)
        key = key_of(batch[0])
        seen.add(key)
        if key not in assessed:
            torn.append(key)

    def read_order() -> None:
        answer = order_key(engine, 0, False)
        seen.add(answer)
        if answer not in decided:
            torn.append(answer)

    with switch_interval(5e-5):
        written = run_together([read_range, read_order], write)
    assert torn == [], f"{len(torn)} torn"
    assert len(seen) == 4
    assert written >= 200


def test_replaced_program_stays_alive_while_read() -> None:
    """A program that nothing but the engine holds is freed only when no reader is left on it."""
    engine = market(4)
    set_prices(engine, 0)
    for pool in range(4):
        put_pool(engine, pool, pool % 2)
    known: set[Key] = set()
    for which in (0, 1):
        activate(engine, which, program_of(which))
        known |= {key_of(engine.assess(pool, NOW)) for pool in range(4)}
        known |= {key_of(engine.what_if(pool, NOW, [], [], [], [])) for pool in range(4)}
    wrong: list[Key] = []
    batch = Batch(4)

    def read_range() -> None:
        engine.assess_range(0, 4, NOW, batch)
        wrong.extend(key_of(batch[k]) for k in range(4) if key_of(batch[k]) not in known)

    def read_copy() -> None:
        key = key_of(engine.what_if(1, NOW, [], [], [], []))
        if key not in known:
            wrong.append(key)

    with switch_interval(5e-5):
        written = run_together([read_range, read_copy], lambda turn: activate(engine, turn % 2, program_of(turn % 2)))
    assert wrong == []
    assert written >= 100


def test_growth_while_read() -> None:
    """While assets, instruments, accounts and pools are added, what was there is read unchanged, by every reader."""
    engine = market(2)
    activate(engine, 0, program_of(0))
    set_prices(engine, 0)
    put_pool(engine, 0, 0)
    put_pool(engine, 1, 1)
    wrong: list[object] = []
    expected = [key_of(engine.assess(k, NOW)) for k in range(2)]
    batch = Batch(2)
    prices = [engine.price_of(k) for k in range(2)]

    def read_range() -> None:
        engine.assess_range(0, 2, NOW, batch)
        if [key_of(batch[k]) for k in range(2)] != expected:
            wrong.append(key_of(batch[0]))

    def read_all() -> None:
        states = [engine.pool_state(k) for k in range(2)]
        if states != [(0, -1, 0, 0), (1, -1, 0, 0)] or [engine.pools_of(k) for k in range(2)] != [[0], [1]]:
            wrong.append(states)
        if [engine.account_state(k) for k in range(2)] != [(0, 0), (0, 0)]:
            wrong.append("accounts")
        if [engine.price_of(k) for k in range(2)] != prices:
            wrong.append("prices")
        if key_of(engine.what_if(1, NOW, [], [], [], [])) != expected[1] or len(engine.holdings(1)) != 2:
            wrong.append("copy")

    def write(turn: int) -> None:
        # Copies of the market are part of the readers' work, so instruments stay few.
        if turn % 16 == 0 and engine.instrument_count < 2_000:
            engine.add_asset(0)
            engine.add_instrument(0, 1, False, InstrumentKind.PERPETUAL, 1.0, 0.0, 0, 0, AGE)
        engine.add_pool(engine.add_account(0), -1)

    with switch_interval(5e-5):
        written = run_together([read_range, read_all], write)
    assert wrong == []
    assert written >= 1_000
    assert engine.pool_count == written + 2


def test_two_threads_progress_while_python_spins() -> None:
    """Two bulk assessments advance at the same time while a third thread holds the GIL and never lets go of it."""
    pools, positions, lines = 1_500, 500, 64
    engine = market(pools)
    rates = [(0.01 * k, 10.0 * k, 0.005 * k, 5.0 * k) for k in range(1, lines + 1)]
    tables = Tables(rates, [[(0, lines, 0, 0, 0.0, 0.0)]], [(1.0, 0.0)], [(0, 1, INFINITY, 1.0)], [[1.0]], [0])
    engine.activate(tables, [0, 0], [AGE] * 2, [0, 0], [0], {})
    set_prices(engine, 0)
    rows = [(k % 2, 1.0 + k, 50.0, 0.0) for k in range(positions)]
    for pool in range(pools):
        engine.put_pool(pool, 0, 0.0, [], rows, [])

    def progress(batch: Batch) -> int:
        # Results start as zeros and are written in order.
        return next((k for k in range(0, pools, 50) if batch[k].maintenance_margin == 0.0), pools)

    def attempt() -> bool:
        batches = [Batch(pools), Batch(pools)]
        threads = [threading.Thread(target=engine.assess_range, args=(0, pools, NOW, batch)) for batch in batches]
        with switch_interval(1e-4):
            for thread in threads:
                thread.start()
            while not all(progress(batch) for batch in batches):
                time.sleep(0)
            sys.setswitchinterval(1_000.0)
            # From here on the GIL stays with this thread: it does not sleep, wait or do I/O, and nobody may ask.
            samples = []
            end = time.monotonic() + 5.0
            while time.monotonic() < end:
                samples.append((progress(batches[0]), progress(batches[1])))
                if samples[-1] == (pools, pools):
                    break
        for thread in threads:
            thread.join()
        both_under_way = [sample for sample in samples if 0 < sample[0] < pools and 0 < sample[1] < pools]
        if samples[-1] != (pools, pools) or len(both_under_way) < 2:
            return False
        first, last = both_under_way[0], both_under_way[-1]
        return last[0] > first[0] and last[1] > first[1]

    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("this Python has no GIL to do without")
    assert any(attempt() for _ in range(5))
