# SPDX-License-Identifier: Apache-2.0
"""Ladders to test with: those of the shipped books, and drawn ones, compiled from text so that each is a valid one."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

from hypothesis import strategies as st

from marginrules.rulebook.compile import Program, load
from marginrules.terms import Ladder

RULES = Path(__file__).parents[2] / "rules"

_HEAD = """\
rulebook: drawn
currency: USD
effective: 2026-01-01T00:00:00Z
calendars: {desk: XNYS}
collateral:
  USD: {haircut: 0%}
products:
  perpetual:
    match: {kind: perpetual}
    margin: {model: tiers, tiers: [{initial: 10%, maintenance: 5%}]}
ladders:
  main:
    calendar: desk
    steps:
"""


def _load(content: bytes, file: str) -> Program:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about how the exchange calendars use it
        return load(content, file)


@functools.lru_cache(maxsize=4096)
def compiled(steps: str) -> Ladder:
    """Compile the steps of one ladder, a line for each."""
    return _load((_HEAD + steps).encode(), "drawn.yaml").ladders[0]


@functools.cache
def shipped() -> tuple[Ladder, ...]:
    """Return every ladder of every shipped book, overrides included."""
    books = [_load(path.read_bytes(), path.name) for path in sorted(RULES.glob("*/rulebook.yaml"))]
    return tuple(one for book in books for one in book.ladders if one.steps)


def book_ladder(book: str, name: str) -> Ladder:
    """Return one ladder of a shipped book, without overrides."""
    path = RULES / book / "rulebook.yaml"
    return next(one for one in _load(path.read_bytes(), path.name).ladders if one.name == name)


class _Writer:
    """Write steps with falling thresholds, and follow every call."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.level = self.whole(140, 180)
        self.exit = 1_000
        self.lines: list[str] = []
        self.open_calls: list[str] = []

    def whole(self, least: int, greatest: int) -> int:
        return self.draw(st.integers(least, greatest))

    def one_of(self, *words: str) -> str:
        return words[self.whole(0, len(words) - 1)]

    def threshold(self) -> str:
        """Write the next lower entry, with an exit no higher than that of the step before."""
        self.level -= self.whole(5, 25)
        self.exit = min(self.exit, self.level + self.whole(0, 30))
        given = self.whole(0, 2)
        self.exit = self.exit if given else self.level
        return f"below: {self.level}%" + (f", clear: {self.exit}%" if given else "")

    def call(self) -> str:
        restore = self.one_of("initial_margin", "maintenance_margin", "130%", "160%")
        minimum = self.one_of("0", "50", "500")
        rounding = self.one_of("0.01", "1", "100", "7")
        deadline = self.one_of("1m", "1h", "4h", "17:00 next business day")
        return (
            f"call: {{restore: {restore}, minimum_transfer: {minimum}, round_to: {rounding}}}, deadline: {deadline}, "
            + self.one_of("restrict: reduce_only", "notify: [client]")
        )

    def liquidation(self) -> str:
        size = self.one_of("fraction: 20%", "fraction: 50%", f"target: {self.level + self.whole(0, 30)}%")
        until = self.one_of("", f", until: {self.level + self.whole(0, 30)}%")
        every = self.one_of("", ", every: 10s", ", every: 5m")
        first = self.one_of("largest_loss", "largest_margin", "pro_rata")
        cancel = self.one_of("yes", "no")
        return f"restrict: blocked, liquidate: {{{size}{until}{every}, first: {first}, cancel_orders_first: {cancel}}}"

    def entry(self) -> str:
        """Write the entry of a step that follows the oldest call not yet followed, if there is one."""
        follows = f", or_after: {self.open_calls.pop(0)} unmet" if self.open_calls else ""
        return self.threshold() + follows

    def add(self, name: str, *parts: str) -> None:
        self.lines.append(f"      - {{step: {name}, {', '.join(parts)}}}\n")


@st.composite
def drawn_steps(draw: st.DrawFn) -> str:
    """Write the steps of a valid ladder: warning, one to three calls, liquidations, default; most may be absent."""
    write = _Writer(draw)
    if write.whole(0, 1):
        write.add("warning", write.threshold(), "notify: [client]")
    write.add("call_a", write.threshold(), write.one_of("for: 0s", "for: 30s"), write.call())
    write.open_calls.append("call_a")
    if write.whole(0, 1):
        write.add("second", f"after: {write.open_calls.pop()} unmet", write.call())
        write.open_calls.append("second")
    if not write.whole(0, 2):
        write.add("call_b", write.threshold(), write.call())
        write.open_calls.append("call_b")
    if write.whole(0, 3) or len(write.open_calls) > 1:
        write.add("partial", write.entry(), write.one_of("for: 0s", "for: 10s"), write.liquidation())
    if write.whole(0, 2) or write.open_calls:
        write.add("full", write.entry(), "restrict: blocked, liquidate: all")
    if write.whole(0, 2):
        write.add("default", "below: 0%", "waterfall: [insurance_fund, house_capital]")
    return "".join(write.lines)


def drawn() -> st.SearchStrategy[Ladder]:
    """Draw a ladder that nobody wrote."""
    return drawn_steps().map(compiled)


@st.composite
def any_ladder(draw: st.DrawFn) -> Ladder:
    """Draw a ladder of a shipped book, or one that nobody wrote."""
    number = draw(st.integers(0, 3 * len(shipped()) - 1))
    return shipped()[number] if number < len(shipped()) else draw(drawn())
