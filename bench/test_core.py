# SPDX-License-Identifier: Apache-2.0
"""
The core against the C loop, in the same run and in turn.

The tests demand equal answers and refuse a ratio that is far off; the bar itself belongs to the report, where a person
looks at it on a quiet machine.
"""

from __future__ import annotations

import functools

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import workload
from bench.peers.loop import BASELINE, NATIVE, VARIANTS, Loop
from bench.timing import Row, interleave, rounds, row
from marginrules._core.core import Batch, Engine

BATCH_BAR = 1.5
SINGLE_BAR = 6.0
# Beyond these something is broken, however busy the machine.
BATCH_FAR = 5.0
SINGLE_FAR = 20.0


@functools.cache
def make() -> tuple[workload.Workload, Engine, Batch, Loop]:
    """Return the workload, a core and a C loop that hold it, and warm memory for the answers of the core."""
    made = workload.make_workload()
    engine = workload.make_engine(made)
    batch = Batch(workload.POOL_COUNT)
    engine.assess_range(0, workload.POOL_COUNT, workload.NOW_NS, batch)
    return made, engine, batch, Loop(made)


def assess_each(engine: Engine) -> None:
    """Assess every pool in a call of its own; the loop is part of the figure."""
    assess, now = engine.assess, workload.NOW_NS
    for pool in range(workload.POOL_COUNT):
        assess(pool, now)


def read_each(engine: Engine) -> None:
    """Assess every pool in a call of its own and look at the level, as a caller does."""
    assess, now = engine.assess, workload.NOW_NS
    for pool in range(workload.POOL_COUNT):
        _ = assess(pool, now).level


def measure() -> list[Row]:
    """Time the core and the C loop in turn; the rival is the faster way to write the loop."""
    _, engine, batch, loop = make()
    calls = {
        **{name: loop.caller(name) for name in VARIANTS},
        "batch": lambda: engine.assess_range(0, workload.POOL_COUNT, workload.NOW_NS, batch),
        "single": lambda: assess_each(engine),
        "read": lambda: read_each(engine),
        **{f"{name} native": loop.caller(name, NATIVE) for name in VARIANTS},
    }
    seconds = interleave(calls, rounds(300))
    rival = min(VARIANTS, key=lambda name: min(seconds[name]))
    native = min((f"{name} native" for name in VARIANTS), key=lambda name: min(seconds[name]))
    named = f"C loop, {' '.join(BASELINE)}"

    def against(name: str, key: str, bar: float | None) -> Row:
        return row(name, seconds[key], named, seconds[rival], count=workload.POOL_COUNT, bar=bar)

    return [
        against("core, batch of 10,000", "batch", BATCH_BAR),
        against("core, one call a pool", "single", SINGLE_BAR),
        against("core, one call a pool, level read", "read", None),
        against(f"C loop, {' '.join(NATIVE)}", native, None),
    ]


def test_outcomes_are_spread() -> None:
    """Each outcome gets its share, or a predictor would learn the ladder."""
    made, *_ = make()
    levels = [workload.assess(made.products, holder).level for holder in made.holders]
    shares = [levels.count(level) / len(levels) for level in range(len(workload.THRESHOLDS) + 1)]
    assert min(shares) > 0.07
    assert max(shares) < 0.27


def test_answers_are_equal() -> None:
    """The core, by batch and by call, and both C loops find what the slice by slice reference finds."""
    made, engine, batch, loop = make()
    expected = [workload.assess(made.products, holder) for holder in made.holders]
    workload.assert_equal(workload.answers_of(batch), expected)
    workload.assert_equal(workload.answers_one_by_one(engine, len(expected)), expected)
    for name in VARIANTS:
        for flags in (BASELINE, NATIVE):
            loop.caller(name, flags)()
            workload.assert_equal(loop.answers(), expected)


def test_ratios_are_not_far_off() -> None:
    """A ratio beyond these bounds means a mistake, not a busy machine."""
    ratios = {line["name"]: line["ratio"] or 0.0 for line in measure()}
    assert ratios["core, batch of 10,000"] < BATCH_FAR
    assert ratios["core, one call a pool"] < SINGLE_FAR


@pytest.mark.benchmark(group="10,000 pools")
def test_batch(benchmark: BenchmarkFixture) -> None:
    """Time one batch."""
    _, engine, batch, _ = make()
    benchmark(engine.assess_range, 0, workload.POOL_COUNT, workload.NOW_NS, batch)


@pytest.mark.benchmark(group="10,000 pools")
def test_single(benchmark: BenchmarkFixture) -> None:
    """Time as many calls."""
    _, engine, *_ = make()
    benchmark(assess_each, engine)


@pytest.mark.benchmark(group="10,000 pools")
@pytest.mark.parametrize("name", VARIANTS)
def test_loop(benchmark: BenchmarkFixture, name: str) -> None:
    """Time the C loop."""
    *_, loop = make()
    benchmark(loop.caller(name))
