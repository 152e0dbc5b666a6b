# SPDX-License-Identifier: Apache-2.0
"""
What a rulebook in shadow adds to an order check: the same checks with and without it, in turn.

A gateway's check looks for the largest quantity that passes, which takes tens of assessments; the shadow is asked for
its verdict alone, three assessments. Without that search a check is three assessments itself, and the shadow doubles
them: that row has no bar.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import replace

from bench import model_workload as models
from bench import workload
from bench.timing import Row, interleave, rounds, row
from marginrules._core.core import Engine
from marginrules.rulebook import load

POOLS = 2_000
OPTION_POOLS, OPTIONS = 100, 40
SCALE = 1.1  # of the shadow's rates
BAR = 1.3
FAR = 2.0  # beyond this something is broken, however busy the machine


@functools.cache
def linear_engines() -> tuple[Engine, Engine]:
    """Return two cores with the same pools of ten positions; the second has a shadow with higher rates."""
    made = workload.make_workload(POOLS)
    plain, shaded = workload.make_engine(made), workload.make_engine(made)
    products = [
        replace(
            one,
            initial_rates=[SCALE * rate for rate in one.initial_rates],
            maintenance_rates=[SCALE * rate for rate in one.maintenance_rates],
        )
        for one in made.products
    ]
    tables = workload.make_tables(workload.Workload(products, made.holders))
    numbers = list(range(len(products)))
    assets = [(0, 1.0, workload.NOW_NS, workload.AGE_NS_MAX)]
    shaded.shade(tables, 1, numbers, [workload.AGE_NS_MAX] * len(numbers), [0], [0], {}, assets=assets)
    return plain, shaded


@functools.cache
def option_engines() -> tuple[Engine, Engine]:
    """Return two cores with the same pools of options margined by scenarios; the second has a shadow as well."""
    source, engines = random.Random(11), []
    options = models.draw_options(OPTIONS)
    pools = [
        (source.uniform(1e4, 1e6), [(k, float(source.randint(-50, 50)) or 1.0, 0.0) for k in range(OPTIONS)])
        for _ in range(OPTION_POOLS)
    ]
    for _ in range(2):
        engine = models.option_engine(models.SCENARIOS, options)
        models.put_pools(engine, pools)
        engines.append(engine)
    tables = load((models.HEAD + models.SCENARIOS.replace("15%", "18%")).encode(), "shadow.yaml").tables
    ages = [models.AGE_NS] * OPTIONS
    assets = [(models.DOLLAR, 1.0, models.NOW_NS, models.AGE_NS)]
    engines[1].shade(tables, 1, [0] * OPTIONS, ages, [0], [0], {}, assets=assets)
    return engines[0], engines[1]


def checking(engine: Engine, now_ns: int, count: int, price: float, want_largest: bool) -> Callable[[], None]:
    """Return a call that decides one order for every pool of an engine."""

    def check_each() -> None:
        check = engine.compare_order
        for pool in range(engine.pool_count):
            check(pool, pool % count, 1.0 if pool & 1 else -1.0, price, 0.0, False, now_ns, want_largest)

    return check_each


def measure_pair(name: str, engines: tuple[Engine, Engine], now_ns: int, count: int, full: int) -> list[Row]:
    """Time both engines, with and without the search for the largest quantity."""
    calls = {
        f"{which} {want}": checking(engine, now_ns, count, 0.0, want == "largest")
        for which, engine in zip(("plain", "shaded"), engines, strict=True)
        for want in ("largest", "verdict")
    }
    seconds, pools = interleave(calls, rounds(full)), engines[0].pool_count
    return [
        row(
            f"check with a shadow, {name}{suffix}",
            seconds[f"shaded {want}"],
            "without a shadow",
            seconds[f"plain {want}"],
            count=pools,
            bar=bar,
        )
        for want, suffix, bar in (("largest", "", BAR), ("verdict", ", no largest quantity", None))
    ]


def measure() -> list[Row]:
    """Return every row."""
    return [
        *measure_pair("ten positions", linear_engines(), workload.NOW_NS, workload.PRODUCT_COUNT, 60),
        *measure_pair(f"{OPTIONS} options x 33 scenarios", option_engines(), models.NOW_NS, OPTIONS, 60),
    ]


def test_shadows_differ_and_change_nothing() -> None:
    """Both engines decide the same; the shadow says something else of some orders, and not of all."""
    for (plain, shaded), now_ns in ((linear_engines(), workload.NOW_NS), (option_engines(), models.NOW_NS)):
        differ = 0
        for pool in range(plain.pool_count):
            asked = (pool, pool % 8, 1.0, 0.0, 0.0, False, now_ns)
            alone, both = plain.compare_order(*asked), shaded.compare_order(*asked)
            assert (alone[:2], alone[4], alone[5]) == (both[:2], both[4], None)
            differ += both[5] is not None
        assert 0 < differ < plain.pool_count


def test_ratios_are_not_far_off() -> None:
    """A ratio beyond these bounds means a mistake, not a busy machine."""
    for one in measure():
        assert one["ratio"] is not None
        if one["bar"] is not None:
            assert one["ratio"] < FAR, one["name"]
