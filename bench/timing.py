# SPDX-License-Identifier: Apache-2.0
"""Interleaved timing: on a shared machine only contestants of the same moment can be compared."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import TypedDict


class Row(TypedDict):
    """
    Hold one line of the report.

    Attributes:
        ratio: value / that of the rival; None where there is none.
        ratio_median: the same, as the median over rounds.
        bar: greatest ratio wanted; None where none is.
    """

    name: str
    value: float
    unit: str
    rival: str
    ratio: float | None
    ratio_median: float | None
    bar: float | None


def is_short() -> bool:
    """Say whether a quick look is wanted instead of figures for the note."""
    return os.environ.get("MARGINRULES_BENCH", "") == "short"


def rounds(full: int) -> int:
    """Return the number of rounds: `full`, or a fifth of it in short mode."""
    return max(full // 5, 3) if is_short() else full


def interleave(contestants: Mapping[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    """Run every contestant once a round, in turn; return the seconds of each call. A first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for call in contestants.values():
            call()
        for _ in range(count):
            for name, call in contestants.items():
                start = time.perf_counter()
                call()
                seconds[name].append(time.perf_counter() - start)
    finally:
        if was_enabled:
            gc.enable()
    return seconds


def row(
    name: str, seconds: list[float], rival: str, rival_seconds: list[float], *, count: int, bar: float | None = None
) -> Row:
    """
    Return one row of the report, in nanoseconds for each of `count` decisions.

    Value and ratio are of the least disturbed round of each: other work on the machine can only add. The median over
    rounds of the ratio within a round stands beside it, and should be near.
    """
    paired = statistics.median(mine / other for mine, other in zip(seconds, rival_seconds, strict=True))
    return {
        "name": name,
        "value": min(seconds) / count * 1e9,
        "unit": "ns",
        "rival": rival,
        "ratio": min(seconds) / min(rival_seconds),
        "ratio_median": paired,
        "bar": bar,
    }
