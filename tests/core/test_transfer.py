# SPDX-License-Identifier: Apache-2.0
"""A balance moves between two pools at once: whoever looks at both sees all of it, and sees it once."""

from __future__ import annotations

import threading

from marginrules._core.core import Batch, Engine, Tables

NOW = 10**9
AGE = 10**12
WHOLE = 1024.0
MOVES = 20_000


def engine_of(*balances: list[tuple[int, float]]) -> Engine:
    """Return an engine with two assets worth 1 and a pool for each list of balances."""
    tables = Tables(
        [(0.1, 0.0, 0.05, 0.0)], [[(0, 1, 0, 0, 0.0, 0.0)]], [(1.0, 0.0)], [(0, 1, 1e15, 1.0)], [[1.0]], [0]
    )
    engine = Engine()
    for _ in range(2):
        engine.add_asset(-1)
    engine.activate(tables, [], [], [0, 0], [0], {})
    engine.set_prices([(0, 1.0, NOW, AGE), (1, 1.0, NOW, AGE)], [])
    account = engine.add_account(0)
    for held in balances:
        engine.put_pool(engine.add_pool(account, -1), 0, 0.0, held, [], [])
    return engine


def test_no_reader_sees_a_balance_twice_or_not_at_all() -> None:
    """While one thread moves a balance to and fro, another finds the same sum over both pools at every look."""
    engine = engine_of([(0, WHOLE)], [])
    is_over, sums = threading.Event(), set()

    def look() -> None:
        batch = Batch(2)
        while not is_over.is_set():
            engine.assess_range(0, 2, NOW, batch)
            sums.add(batch[0].equity + batch[1].equity)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for one in readers:
        one.start()
    for k in range(MOVES):
        part = float(k % 1024)
        engine.move_balance(0, 1, 0, WHOLE - part, part)
    is_over.set()
    for one in readers:
        one.join()
    assert sums == {WHOLE}


def test_a_balance_of_nothing_is_dropped() -> None:
    """What a pool holds none of any more it does not hold; other balances, and their order, are left alone."""
    engine = engine_of([(0, 5.0), (1, 7.0)], [(1, 1.0)])
    engine.move_balance(0, 1, 0, 0.0, 5.0)
    assert [engine.pool_content(k)[1] for k in range(2)] == [[(1, 7.0)], [(1, 1.0), (0, 5.0)]]
    engine.move_balance(0, 1, 1, 3.0, 5.0)
    assert [engine.pool_content(k)[1] for k in range(2)] == [[(1, 3.0)], [(1, 5.0), (0, 5.0)]]
    engine.move_balance(1, 0, 1, 0.0, 8.0)
    assert [engine.pool_content(k)[1] for k in range(2)] == [[(1, 8.0)], [(0, 5.0)]]
