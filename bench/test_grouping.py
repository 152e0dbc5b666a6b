# SPDX-License-Identifier: Apache-2.0
"""
Grouping of option legs into strategies: 20 legs, 28 strategies, every book its own positions.

Candidates are priced before, so the figures are of finding them and of the search for the cheapest grouping. The tests
demand proven answers and refuse what is far off; the bar belongs to the report.
"""

from __future__ import annotations

import functools
import gc
import random
import time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.timing import Row, is_short
from marginrules._core.core import StrategyGrouping
from tests.core.strategy_book import BOOK, CALL, PUT, STOCK, Held, make, option_mark, random_book

BOOKS = 2_000
LEGS = 20
INDEX = 100.0
ROOM = 4_096  # candidates; a grouping of its own keeps its memory
BAR_US = 1_000.0  # 99 of 100 groupings
FAR_US = 20_000.0  # beyond this something is broken, however busy the machine


@functools.cache
def books() -> list[StrategyGrouping]:
    """Return the books, priced; a fifth of them in short mode."""
    rng = random.Random(20_261_124)
    return [make(random_book(rng, LEGS), candidates=ROOM) for _ in range(BOOKS // 5 if is_short() else BOOKS)]


@functools.cache
def one_expiry() -> list[StrategyGrouping]:
    """Return books of a call and a put at each of ten strikes, so that nearly all combine: the hard case."""
    rng = random.Random(5)
    made = []
    for _ in range(len(books()) // 4):
        held = [Held(STOCK, rng.choice((-1, 1)) * 100.0 * rng.randint(1, 5), mark=INDEX, multiplier=1.0)]
        for right in (CALL, PUT):
            for strike in range(80, 130, 5):
                quantity, mark = rng.choice((-1, 1)) * rng.randint(1, 10), option_mark(right, strike, INDEX, 30)
                held.append(Held(right, quantity, strike, 30, mark + 0.3 * rng.random()))
        made.append(make(held, candidates=ROOM))
    return made


def microseconds(groupings: list[StrategyGrouping], call: str) -> list[float]:
    """Return the time of one method of each, in order of length; the best of three, for the machine is shared."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        best = [float("inf")] * len(groupings)
        for _ in range(3):
            for at, grouping in enumerate(groupings):
                method = getattr(grouping, call)
                start = time.perf_counter()
                method()
                best[at] = min(best[at], time.perf_counter() - start)
    finally:
        if was_enabled:
            gc.enable()
    return sorted(one * 1e6 for one in best)


def at(times: list[float], share: float) -> float:
    """Return the time that this share of calls does not exceed."""
    return times[min(int(len(times) * share), len(times) - 1)]


def row(name: str, value: float, unit: str, bar: float | None = None) -> Row:
    """Return a row of the report; the ratio is against the bar."""
    ratio = None if bar is None else value / bar
    wanted = None if bar is None else 1.0
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "rival": "",
        "ratio": ratio,
        "ratio_median": None,
        "bar": wanted,
    }


def measure() -> list[Row]:
    """Time search and finding of candidates, and count the proven answers."""
    search = microseconds(books(), "solve")
    hard = microseconds(one_expiry(), "solve")
    proven = sum(grouping.solve()[1] for grouping in books()) / len(books())
    find = microseconds(books(), "find")
    books.cache_clear()  # finding candidates again forgets their prices
    return [
        row(f"cheapest grouping of {LEGS} legs, p50", at(search, 0.5), "us"),
        row(f"cheapest grouping of {LEGS} legs, p99", at(search, 0.99), "us", BAR_US),
        row(f"candidates of {LEGS} legs, p99", at(find, 0.99), "us"),
        row("cheapest grouping, one expiry, p50", at(hard, 0.5), "us"),
        row("cheapest grouping, one expiry, p99", at(hard, 0.99), "us"),
        row("proven the cheapest, of 100", 100.0 * proven, "%"),
    ]


def test_every_grouping_is_proven() -> None:
    """No search of a realistic book is cut, and no grouping costs more than its legs alone."""
    rng = random.Random(1)
    for _ in range(100):
        held = random_book(rng, LEGS)
        cost, proven, _, status = make(held).solve()
        assert proven
        assert status == 0
        assert cost <= make(held, BOOK[:6]).solve()[0]


@pytest.mark.parametrize("hard", [False, True])
def test_grouping_is_not_far_off(hard: bool) -> None:
    """Ninety-nine of a hundred searches end in good time."""
    assert at(microseconds(one_expiry() if hard else books(), "solve"), 0.99) < FAR_US


@pytest.mark.benchmark(group="grouping")
def test_grouping(benchmark: BenchmarkFixture) -> None:
    """Time the search over all books."""
    made = books()
    benchmark(lambda: [grouping.solve() for grouping in made])
