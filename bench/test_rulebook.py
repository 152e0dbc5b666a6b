# SPDX-License-Identifier: Apache-2.0
"""Time a rulebook of 2,700 lines from text to program."""

from __future__ import annotations

import time

from bench.timing import Row, rounds
from marginrules import rulebook
from tests.rulebook.large import large_rulebook

LINES, BAR_MS = 2_700, 250.0


def measure() -> list[Row]:
    """Measure the whole way: parse, check, compile, digest."""
    text = large_rulebook(LINES)
    digests, seconds = set(), []
    for _ in range(rounds(15)):
        start = time.perf_counter()
        digests.add(rulebook.load(text, "large.yaml").digest)
        seconds.append(time.perf_counter() - start)
    assert len(digests) == 1
    value = min(seconds) * 1e3
    return [
        {
            "name": f"rulebook of {LINES:,} lines, text to program",
            "value": value,
            "unit": "ms",
            "rival": f"the bar, {BAR_MS:g} ms",
            "ratio": value / BAR_MS,
            "ratio_median": None,
            "bar": 1.0,
        }
    ]


def test_large_rulebook_compiles() -> None:
    """A large book compiles, to the same digest each time, and in nothing like ten times the bar."""
    ratio = measure()[0]["ratio"]
    assert ratio is not None
    assert ratio < 10.0
