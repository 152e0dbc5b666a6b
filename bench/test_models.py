# SPDX-License-Identifier: Apache-2.0
"""
Formulas in the core: risk arrays against a C loop and numpy's matrix product, strategies, and what arrays cost.

Pools are assessed in batches, with everything that an assessment is: prices that are fresh, equity, IM, MM and level.
"""

from __future__ import annotations

import functools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bench import model_workload as models
from bench.peers.loop import BASELINE
from bench.peers.scenario_loop import POSITION_COUNT, SCENARIO_COUNT, ScenarioLoop
from bench.test_memory import resident_bytes
from bench.timing import Row, interleave, is_short, rounds, row
from marginrules._core import core
from marginrules._core.core import Batch, Engine

SCENARIO_POOLS = 500
HISTORY_POOLS, UNDERLYINGS, WINDOW = 500, 20, 500
LEGS, STRATEGY_POOLS = 20, 400
REPRICED, MEMORY_INSTRUMENTS = 1_000, 50_000
BAR = 1.5
FAR = 5.0  # beyond this something is broken, however busy the machine

Pools = list[tuple[float, list[tuple[int, float, float]]]]


def assessing(engine: Engine) -> Callable[[], None]:
    """Return a call that assesses every pool of an engine in one batch."""
    batch = Batch(engine.pool_count)
    return lambda: engine.assess_range(0, engine.pool_count, models.NOW_NS, batch)


@functools.cache
def scenario_contestants() -> tuple[Engine, ScenarioLoop]:
    """Return a core and a C loop with the same options and pools; every pool holds every option."""
    source = random.Random(7)
    options = models.draw_options(POSITION_COUNT)
    engine = models.option_engine(models.SCENARIOS, options)
    shocks = [(price / 100.0, volatility) for volatility in (-0.25, 0.0, 0.25) for price in range(-15, 16, 3)]
    rows = []
    for one in options:
        prices = core.black76(
            array("d", [one.right]) * (SCENARIO_COUNT + 1),
            array("d", [*(one.forward * (1.0 + price) for price, _ in shocks), one.forward]),
            array("d", [one.strike]) * (SCENARIO_COUNT + 1),
            array("d", [one.years]) * (SCENARIO_COUNT + 1),
            array("d", [*(one.volatility * (1.0 + volatility) for _, volatility in shocks), one.volatility]),
        )
        rows.append([10.0 * (price - prices[-1]) for price in prices[:-1]])
    pools: Pools = [
        (source.uniform(1e4, 1e6), [(k, float(source.randint(-50, 50)) or 1.0, 0.0) for k in range(POSITION_COUNT)])
        for _ in range(SCENARIO_POOLS)
    ]
    models.put_pools(engine, pools)
    return engine, ScenarioLoop(rows, [10.0 * one.mark for one in options], pools)


class Product:
    """Hold quantities and gains of +1 as numpy does: what is timed is the bare matrix product."""

    def __init__(self, quantities: Sequence[Sequence[float]], gains: Sequence[Sequence[float]]) -> None:
        self.quantities, self.gains = np.array(quantities), np.array(gains)
        self._out = np.empty((len(quantities), len(gains[0])))

    def one_by_one(self) -> None:
        """Multiply pool by pool, as margin is asked for."""
        for quantity, out in zip(self.quantities, self._out, strict=True):
            np.dot(quantity, self.gains, out=out)

    def together(self) -> None:
        """Multiply all pools at once."""
        np.dot(self.quantities, self.gains, out=self._out)


@functools.cache
def history_contestants() -> tuple[Engine, Product]:
    """Return a core and numpy with the same moves and pools."""
    source = random.Random(8)
    marks = [source.uniform(10.0, 1_000.0) for _ in range(UNDERLYINGS)]
    moves = [[source.gauss(0.0, 0.02) for _ in range(WINDOW)] for _ in range(UNDERLYINGS)]
    engine = models.history_engine(moves, marks)
    quantities = [[source.uniform(-100.0, 100.0) for _ in range(UNDERLYINGS)] for _ in range(HISTORY_POOLS)]
    models.put_pools(
        engine, [(1e6, [(k, held, marks[k]) for k, held in enumerate(row_of_pool)]) for row_of_pool in quantities]
    )
    return engine, Product(quantities, [[mark * one for one in row] for mark, row in zip(marks, moves, strict=True)])


@functools.cache
def strategy_engine() -> Engine:
    """Return a core with pools of twenty legs each."""
    source = random.Random(9)
    options = models.draw_options(68, days=(30, 60))
    engine = models.option_engine(models.STRATEGIES, options)
    pools: Pools = []
    for _ in range(STRATEGY_POOLS):
        legs = source.sample(range(len(options)), LEGS)
        pools.append((1e6, [(leg, float(source.choice((-3, -2, -1, 1, 2, 3))), 0.0) for leg in legs]))
    models.put_pools(engine, pools)
    return engine


def measure_scenarios() -> list[Row]:
    """Time scenario margin against the C loop."""
    engine, loop = scenario_contestants()
    seconds = interleave({"core": assessing(engine), "loop": loop.caller()}, rounds(100))
    title = f"scenario margin, {POSITION_COUNT} positions x {SCENARIO_COUNT}"
    named = f"C loop, {' '.join(BASELINE)}"
    return [row(title, seconds["core"], named, seconds["loop"], count=SCENARIO_POOLS, bar=BAR)]


def measure_history() -> list[Row]:
    """Time VaR and ES together against the product, pool by pool and all at once."""
    engine, product = history_contestants()
    calls = {"core": assessing(engine), "each": product.one_by_one, "all": product.together}
    seconds = interleave(calls, rounds(60))
    title = f"VaR and ES, {UNDERLYINGS} positions x {WINDOW}"
    return [
        row(title, seconds["core"], "numpy, vector x matrix", seconds["each"], count=HISTORY_POOLS, bar=BAR),
        row(title, seconds["core"], "numpy, all pools in one product", seconds["all"], count=HISTORY_POOLS),
    ]


def _plain(name: str, value: float, unit: str, bar: float | None = None) -> Row:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "rival": "the bar" if bar else "",
        "ratio": value / bar if bar else None,
        "ratio_median": None,
        "bar": 1.0 if bar else None,
    }


def measure_strategies() -> list[Row]:
    """Time each pool by itself; the grouping of initial and that of maintenance margin are both sought."""
    engine = strategy_engine()
    times = []
    for pool in range(engine.pool_count):
        start = time.perf_counter()
        engine.assess(pool, models.NOW_NS)
        times.append(time.perf_counter() - start)
    quantiles = statistics.quantiles(times, n=100)
    return [
        _plain(f"strategy grouping, {LEGS} legs, IM and MM, p50", quantiles[49] * 1e6, "us"),
        _plain(f"strategy grouping, {LEGS} legs, IM and MM, p99", quantiles[98] * 1e6, "us", 2_000.0),
    ]


def measure_preparation() -> list[Row]:
    """Time a market change that reaches every option, and one that reaches a single one."""
    options = models.draw_options(REPRICED)
    engine = models.option_engine(models.SCENARIOS, options)
    changes = [models.option_prices(options, move) for move in (0.001, -0.001)]
    single = [change[:1] for change in changes]
    seconds = interleave(
        {
            "all": lambda: engine.set_prices([], changes[0]),
            "asset": lambda: engine.set_prices([(models.DOLLAR, 1.0, models.NOW_NS, models.AGE_NS)], []),
            "one": lambda: engine.set_prices([], single[0]),
        },
        rounds(60),
    )
    title = f"risk arrays, {REPRICED:,} options x {SCENARIO_COUNT}"
    return [
        _plain(f"{title}, a market change", min(seconds["all"]) * 1e6, "us"),
        _plain(f"{title}, a price that stays", min(seconds["asset"]) * 1e6, "us"),
        _plain(f"{title}, an option by itself", min(seconds["one"]) * 1e6, "us"),
    ]


def measure_memory() -> list[Row]:
    """Measure what an instrument takes, in a process of its own: with and without risk arrays."""
    count = MEMORY_INSTRUMENTS // 10 if is_short() else MEMORY_INSTRUMENTS
    done = subprocess.run(
        [sys.executable, "-m", "bench.test_models", str(count)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    gain: dict[str, int] = json.loads(done.stdout)
    return [
        _plain("resident an instrument, without risk arrays", gain["bare"] / count, "bytes"),
        _plain(f"resident an instrument, {SCENARIO_COUNT} scenarios", gain["whole"] / count, "bytes"),
    ]


def measure() -> list[Row]:
    """Return every row."""
    return [
        *measure_scenarios(),
        *measure_history(),
        *measure_strategies(),
        *measure_preparation(),
        *measure_memory(),
    ]


def test_scenario_answers_are_equal() -> None:
    """The core and the C loop find the same equity and the same worst loss."""
    engine, loop = scenario_contestants()
    loop.caller()()
    for pool, (equity, worst) in enumerate(loop.answers()):
        found = engine.assess(pool, models.NOW_NS)
        assert found.is_valid
        assert found.equity == pytest.approx(equity, rel=1e-9, abs=1e-6)
        assert found.initial_margin == pytest.approx(worst, rel=1e-9, abs=1e-6)


def test_history_answers_are_equal() -> None:
    """VaR and ES are those of numpy's own sorting."""
    engine, product = history_contestants()
    for pool, gains in enumerate(np.sort(product.quantities @ product.gains, axis=1)):
        found = engine.assess(pool, models.NOW_NS)
        assert found.is_valid
        # 1 % of 500 is the fifth, 2.5 % are twelve and a half.
        assert found.maintenance_margin == pytest.approx(-gains[4], rel=1e-9)
        shortfall = -(gains[:12].sum() + 0.5 * gains[12]) / 12.5
        # IM is never below MM.
        assert found.initial_margin == pytest.approx(max(shortfall, -gains[4]), rel=1e-9)


def test_strategies_are_found() -> None:
    """Every pool has a grouping, and most need less than their short legs alone."""
    engine = strategy_engine()
    assert all(engine.assess(pool, models.NOW_NS).is_valid for pool in range(engine.pool_count))


def test_ratios_are_not_far_off() -> None:
    """A ratio beyond these bounds means a mistake, not a busy machine."""
    for one in (*measure_scenarios(), *measure_history()[:1]):
        assert one["ratio"] is not None
        assert one["ratio"] < FAR, one["name"]


def _load(count: int) -> dict[str, int]:
    options = models.draw_options(count)
    models.option_engine(models.SCENARIOS, options[:10])  # what is imported on the way is not counted
    start = resident_bytes()
    bare = models.option_engine(_TIERS, options)
    middle = resident_bytes()
    models.activate(bare, models.SCENARIOS)
    return {"bare": middle - start, "whole": resident_bytes() - start}


_TIERS = (
    "products:\n  option: {match: {kind: option}, margin: {model: tiers, tiers: [{initial: 10%, maintenance: 5%}]}}\n"
)

if __name__ == "__main__":
    print(json.dumps(_load(int(sys.argv[1]))))
