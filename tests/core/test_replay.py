# SPDX-License-Identifier: Apache-2.0
"""The core's run over a history: it wakes whom the ladder's own test wakes, and lays out what was published."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules._core.core import Batch, Engine, Replay, Tables
from marginrules.escalation.state import Measure
from marginrules.escalation.wake import Lack, Wake

NEVER = Wake(0.0, (1 << 63) - 1, None, None, (), None, at_any=False, at_valid=False)
MINUTE_NS = 60_000_000_000

FIGURES = st.sampled_from((0.0, 1.0, 99.999999, 100.0, 100.000001, 120.0, 150.0, -5.0, 1e9, math.nan, math.inf))
RATIOS = st.sampled_from((0.0, 0.5, 1.0, 1.2, 1.5, math.inf))
WAKES = st.builds(
    Wake,
    noise=st.sampled_from((0.0, 1e-8)),
    time_ns=st.integers(0, 4),
    low=st.none() | RATIOS,
    high=st.none() | RATIOS,
    lacks=st.lists(
        st.builds(Lack, st.booleans(), st.sampled_from((0.0, 1.0, 1.5)), st.sampled_from((0.0, 20.0, 50.0))), max_size=8
    ).map(tuple),
    owed=st.none() | st.sampled_from((0.0, 5.0)),
    at_any=st.sampled_from((False, False, False, True)),
    at_valid=st.sampled_from((False, False, False, True)),
)


def engine_with(pools: int = 1, max_age_ns: int = 10_000_000_000) -> Engine:
    """Return an engine with one asset in which everything settles, two instruments, and pools long of both."""
    engine = Engine()
    engine.add_asset(0)
    rules = [[(0, 1, 0, 0, 0.0, 0.0)]]
    tables = Tables([(0.1, 0.0, 0.05, 0.0)], rules, [(1.0, 0.0)], [(0, 1, math.inf, 1.0)], [[1.5, 1.0]], [0])
    engine.activate(tables, [], [], [0], [0], {})
    for _ in range(2):
        engine.add_instrument(0, -1, False, 2, 1.0, 0.0, 0, 0, max_age_ns)
    engine.set_prices([(0, 1.0, 0, 1 << 61)], [])
    for number in range(pools):
        account = engine.add_account(0)
        pool = engine.add_pool(account, -1)
        engine.put_pool(pool, 0, 0.0, [(0, 10.0 + number)], [(0, 1.0, 100.0, 0.0), (1, -1.0, 50.0, 0.0)], [])
    return engine


def replay_of(engine: Engine, rows: list[list[float]], block_rows: int = 0) -> Replay:
    """Return a run over marks of the two instruments, a row a minute."""
    times = array("q", [MINUTE_NS * (row + 1) for row in range(len(rows))])
    values = array("d", [one for row in rows for one in row])
    return Replay(engine, times, values, [], [(0, 0, []), (1, 1, [])], MINUTE_NS, block_rows)


@settings(max_examples=500, deadline=None)
@given(WAKES, FIGURES, FIGURES, FIGURES, st.booleans(), st.integers(0, 5))
def test_the_core_wakes_as_the_ladder_says(
    wake: Wake, equity: float, initial: float, maintenance: float, is_valid: bool, now: int
) -> None:
    """Both write the same test, one in Python and one in C."""
    run = replay_of(engine_with(), [[100.0, 50.0]])
    run.wake_at(0, wake, None)
    expected = wake.comes(Measure(is_valid, equity, initial, maintenance), now)
    assert run.comes(0, equity, initial, maintenance, is_valid, now) == expected


def test_more_bounds_than_there_is_room_for_wake_always() -> None:
    """What cannot be kept is not dropped."""
    run = replay_of(engine_with(), [[100.0, 50.0]])
    lacks = tuple(Lack(False, ratio / 10.0, 1e12) for ratio in range(9))
    run.wake_at(0, Wake(0.0, 10, None, None, lacks, None, at_any=False, at_valid=False), None)
    assert run.comes(0, 1.0, 1.0, 1.0, True, 0)
    assert not run.comes(0, 1.0, 1.0, 1.0, False, 0)


@pytest.mark.parametrize("block_rows", [0, 1, 4, 1_000])
def test_rows_are_what_was_published(block_rows: int) -> None:
    """Each row assesses as an engine does that is told the same prices; what a row leaves out grows old."""
    rows = [[100.0, 50.0], [101.5, 49.0], [math.nan, 48.5], [99.0, math.nan], [math.nan, math.nan], [97.0, 47.0]]
    mine, plain = engine_with(3), engine_with(3)
    run, first, batch = replay_of(mine, rows, block_rows), 0, Batch(3)
    stale = [0, 0, 0]
    for pool in range(3):
        run.wake_at(pool, Wake(0.0, 0, None, None, (), None, at_any=True, at_valid=True), None)
    while first < len(rows):
        count = run.load(first)
        assert count >= 1
        for place in range(count):
            now = MINUTE_NS * (first + place + 1)
            row = enumerate(rows[first + place])
            plain.set_prices([], [(k, one, now, 0.0) for k, one in row if not math.isnan(one)])
            plain.assess_range(0, 3, now, batch)
            run.show(place)
            for pool in range(3):
                woken = run.run_on(pool, place)
                assert woken == place
                mark, time_ns, *_ = mine.price_of(pool % 2)
                assert (mark, time_ns) == plain.price_of(pool % 2)[:2]
                found, expected = mine.assess(pool, now), batch[pool]
                assert (found.flags, found.level) == (expected.flags, expected.level)
                assert repr((found.equity, found.initial_margin)) == repr((expected.equity, expected.initial_margin))
                stale[pool] += not expected.is_valid
        first += count
    assert [run.unassessed_of(pool) for pool in range(3)] == stale == [3, 3, 3]


def test_a_pool_wakes_where_its_bound_is_crossed() -> None:
    """Each pool stops at its own row and goes on from there; those that never wake are not told of."""
    rows = [[100.0 - row, 50.0] for row in range(8)]
    run = replay_of(engine_with(3), rows, 1_000)
    # Equity is 10 + number - row; MM is 5 % of what both positions are worth.
    for pool, level in ((0, 1.0), (1, 1.0), (2, 0.1)):
        run.wake_at(pool, Wake(0.0, 1 << 62, level, None, (), None, at_any=False, at_valid=False), None)
    assert run.load(0) == 8
    assert run.run() == [(0, 3), (1, 4)]
    run.wake_at(0, NEVER, None)
    assert run.run_on(0, 4) == -1
    run.wake_at(0, Wake(0.0, 7 * MINUTE_NS, None, None, (), None, at_any=False, at_valid=False), None)
    assert run.run_on(0, 4) == 6
    assert run.run_on(1, 5) == 5


def test_the_same_measure_wakes_nobody_twice() -> None:
    """What was looked at already decides nothing until time does."""
    engine = engine_with()
    run = replay_of(engine, [[100.0, 50.0]] * 4)
    run.load(0)
    run.show(0)
    always = Wake(0.0, 4 * MINUTE_NS, 2.0, None, (), None, at_any=False, at_valid=True)
    run.wake_at(0, always, None)
    assert run.run() == [(0, 0)]
    run.wake_at(0, always, engine.assess(0, MINUTE_NS))
    assert run.run_on(0, 1) == 3


def test_what_does_not_fit_is_refused() -> None:
    """Shapes and numbers are checked before anything is read."""
    engine = engine_with()
    times, values = array("q", [1, 2]), array("d", [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="3 values for 2 rows"):
        Replay(engine, times, values, [], [], 1)
    with pytest.raises(TypeError):
        Replay(engine, values, values, [], [], 1)
    with pytest.raises(TypeError):
        Replay(engine, times, array("f", [1.0, 2.0]), [], [], 1)
    with pytest.raises(IndexError):
        Replay(engine, times, array("d", [1.0, 2.0]), [], [(2, 0, [])], 1)
    with pytest.raises(IndexError):
        Replay(engine, times, array("d", [1.0, 2.0]), [], [(0, 0, [(99, 0)])], 1)
    with pytest.raises(ValueError, match="no rulebook"):
        Replay(Engine(), times, array("d", [1.0, 2.0]), [], [], 1)
    run = Replay(engine, times, array("d", [1.0, 2.0]), [], [(0, 0, [])], 1)
    with pytest.raises(ValueError, match="the next is 0"):
        run.load(1)
    with pytest.raises(IndexError):
        run.show(0)
    with pytest.raises(IndexError):
        run.run_on(5, 0)
