# SPDX-License-Identifier: Apache-2.0
"""Readers beside a writer, with a shadow: both programs are asked of one state of market and pool, and of no two."""

from __future__ import annotations

import itertools

from marginrules._core.core import Engine
from tests.core.test_parallel import (
    AGE,
    NOW,
    ORDER,
    activate,
    key_of,
    market,
    program_of,
    put_pool,
    run_together,
    set_prices,
    switch_interval,
)

POOLS = 6
PROGRAMS = [program_of(which) for which in range(2)]
ASSETS = [(0, 1.0, NOW, AGE)]


def shade(engine: Engine, which: int) -> None:
    """Put one of the two programs into the shadow."""
    count, assets = engine.instrument_count, engine.asset_count
    products = [which * (k % 2) for k in range(count)]
    rules = [which if k == 0 else 1 - which for k in range(assets)]
    engine.shade(PROGRAMS[which], which + 1, products, [AGE] * count, rules, [0], {}, assets=ASSETS)


def said(engine: Engine, pool: int) -> tuple[object, ...]:
    """Return all that both programs say of one order, and of the pool."""
    accepted, reasons, before, after, largest, other = engine.compare_order(pool, *ORDER)
    shadow = None if other is None else (*other[:2], key_of(other[2]), key_of(other[3]), other[2].revision)
    return accepted, reasons, key_of(before), key_of(after), largest, shadow


def known_answers() -> set[tuple[object, ...]]:
    """Ask in every state there can be, with nobody beside."""
    found = set()
    for active, shadow, prices, content in itertools.product((0, 1), (None, 0, 1), (0, 1), (0, 1)):
        engine = market(1)
        activate(engine, active, PROGRAMS[active])
        set_prices(engine, prices)
        if shadow is not None:
            shade(engine, shadow)
        put_pool(engine, 0, content)
        found.add(said(engine, 0))
    return found


def test_both_programs_are_asked_of_one_state() -> None:
    """Prices, pools, programs and shadows change; every answer is one that some single state gives."""
    known = known_answers()
    engine = market(POOLS)
    activate(engine, 0, PROGRAMS[0])
    set_prices(engine, 0)
    shade(engine, 1)
    for pool in range(POOLS):
        put_pool(engine, pool, 0)
    strange: list[tuple[object, ...]] = []
    counts = {"asked": 0, "differ": 0}

    def read() -> None:
        for pool in range(POOLS):
            found = said(engine, pool)
            counts["asked"] += 1
            counts["differ"] += found[-1] is not None
            if found not in known:
                strange.append(found)

    def write(turn: int) -> None:
        set_prices(engine, turn % 2)
        for pool in range(POOLS):
            put_pool(engine, pool, (turn // 2 + pool) % 2)
        if turn % 3 == 0:
            shade(engine, (turn // 3) % 2)
        if turn % 5 == 0:
            activate(engine, (turn // 5) % 2, PROGRAMS[(turn // 5) % 2])
        if turn % 7 == 0:
            engine.unshade()

    with switch_interval(1e-5):
        turns = run_together([read, read], write)
    assert turns > 20
    assert counts["asked"] > 100
    assert counts["differ"] > 0
    assert strange == []
