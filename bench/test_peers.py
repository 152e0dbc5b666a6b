# SPDX-License-Identifier: Apache-2.0
"""What people use instead, on the same decisions; a ratio says how many times the time of the core it takes."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable

import pytest

from bench import workload
from bench.peers import plain, vector, zen
from bench.timing import Row, interleave, rounds, row
from bench.workload import Answer, Workload
from marginrules._core.core import Batch

# Slow peers see only the first pools: as many as keep a round short, enough that no predictor learns them.
SINGLES: dict[str, tuple[Callable[[Workload], Callable[[int], Answer]], int]] = {
    "plain Python": (plain.caller, 2_000),
    "zen-engine, expressions": (zen.expression_caller, 500),
    "zen-engine, decision tables": (zen.table_caller, 100),
}


@functools.cache
def make() -> Workload:
    """Return the workload."""
    return workload.make_workload()


def measure() -> list[Row]:
    """Time each peer and the core in turn: single decisions against single calls, numpy against the batch."""
    made = make()
    engine = workload.make_engine(made)
    batch = Batch(workload.POOL_COUNT)
    zen_version = importlib.metadata.version("zen-engine")
    rows = []
    for name, (make_caller, count) in SINGLES.items():
        assess = make_caller(made)
        pair = {
            "core": _repeated(lambda pool: engine.assess(pool, workload.NOW_NS), count),
            "peer": _repeated(assess, count),
        }
        seconds = interleave(pair, rounds(20))
        title = name.replace("zen-engine", f"zen-engine {zen_version}")
        rows.append(row(title, seconds["peer"], "core, one call a pool", seconds["core"], count=count))
    arrays = {
        "core": lambda: engine.assess_range(0, workload.POOL_COUNT, workload.NOW_NS, batch),
        "peer": vector.Vector(made).caller(),
    }
    seconds = interleave(arrays, rounds(20))
    title = f"numpy {importlib.metadata.version('numpy')}, batch of 10,000"
    rows.append(row(title, seconds["peer"], "core, batch of 10,000", seconds["core"], count=workload.POOL_COUNT))
    return rows


def _repeated(assess: Callable[[int], object], count: int) -> Callable[[], None]:
    def call() -> None:
        for pool in range(count):
            assess(pool)

    return call


@pytest.mark.parametrize("name", SINGLES)
def test_answers_are_equal(name: str) -> None:
    """A peer that decides otherwise is not a peer."""
    made = make()
    make_caller, count = SINGLES[name]
    assess = make_caller(made)
    expected = [workload.assess(made.products, holder) for holder in made.holders[:count]]
    workload.assert_equal([assess(pool) for pool in range(count)], expected)


def test_numpy_answers_are_equal() -> None:
    """All pools at once."""
    made = make()
    arrays = vector.Vector(made)
    arrays.caller()()
    workload.assert_equal(arrays.answers(), [workload.assess(made.products, holder) for holder in made.holders])
