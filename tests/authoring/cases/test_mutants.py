# SPDX-License-Identifier: Apache-2.0
"""Mutants: one value each, at its exact place, as far as the rules of moves say and no further than check allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginrules.authoring.cases.mutants import Mutant, moves, mutants
from marginrules.rulebook import load

RULES = Path(__file__).parents[3] / "rules"
BOOKS = sorted(path.parent.name for path in RULES.glob("*/rulebook.yaml"))
TEXT = """\
rulebook: mutated # 5% in a comment is no threshold
currency: USD
increment: 0.01
effective: 2026-01-01T00:00:00Z
calendars: {new_york: XNYS}
collateral:
  USD: {haircut: 0%}
  NOTE: {haircut: "4%", matures: 2035-06-15}
constants: {is_new: 1, step: 25%, least: 2_000 USD}
parameters:
  is_major: {default: 0, BTC: 1}
  my_rate: {default: 10%}
products:
  perpetual:
    match: {kind: perpetual}
    margin:
      model: formula
      define: {half: notional * 0.5 * step}
      initial: >-
        max(notional * my_rate * 2, half) +
        if(is_major > 0 and is_new > 0, 100 * least, notional * 3%)
      maintenance: notional * my_rate / 2
ladders:
  main:
    calendar: new_york
    steps:
      - step: call
        below: 100%
        clear: 100%
        call: {restore: initial_margin, minimum_transfer: 500, round_to: 100}
        deadline: 17:00 in 3 business days
        restrict: reduce_only
      - {step: late, after: call unmet, call: {restore: 130%}, deadline: 4h, restrict: blocked}
      - step: sale
        below: 0%
        or_after: late unmet
        liquidate: {fraction: 20%, every: 30s, until: 110%, first: largest_loss}
"""


def of(*path: str) -> list[str]:
    """Return the moves of a value of the text above, as `old -> new`, with why they do not count."""
    found = [one for one in mutants(TEXT.encode(), "book.yaml") if one.path == path]
    return [f"{one.old} -> {one.new}" + (" not counted" if one.why else "") for one in found]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("collateral", "USD", "haircut"), ["0% -> 1%"]),
        (("collateral", "NOTE", "haircut"), ["4% -> 4.04%", "4% -> 3.96%"]),
        (("collateral", "NOTE", "matures"), ["2035-06-15 -> 2035-06-16", "2035-06-15 -> 2035-06-14"]),
        (("constants", "is_new"), ["1 -> 0"]),
        (("constants", "step"), ["25% -> 25.25%", "25% -> 24.75%"]),
        (("constants", "least"), ["2_000 USD -> 2020 USD", "2_000 USD -> 1980 USD"]),
        (("parameters", "is_major", "BTC"), ["1 -> 0"]),
        (("products", "perpetual", "margin", "define", "half"), ["0.5 -> 0.505", "0.5 -> 0.495"]),
        # 2, 0 and 100 are arithmetic.
        (("products", "perpetual", "margin", "initial"), ["3% -> 3.03%", "3% -> 2.97%"]),
        (("products", "perpetual", "margin", "maintenance"), []),
        # The exit cannot be below the entry, by however little.
        (("ladders", "main", "steps", "call", "below"), ["100% -> 101% not counted", "100% -> 99%"]),
        (("ladders", "main", "steps", "call", "clear"), ["100% -> 101%", "100% -> 99% not counted"]),
        (("ladders", "main", "steps", "call", "call", "restore"), ["initial_margin -> maintenance_margin"]),
        # Amounts come in hundreds, so that a percent of 500 would mean the same.
        (("ladders", "main", "steps", "call", "call", "minimum_transfer"), ["500 -> 600", "500 -> 400"]),
        (
            ("ladders", "main", "steps", "call", "deadline"),
            ["17:00 -> 17:01", "17:00 -> 16:59", "3 -> 4", "3 -> 2"],
        ),
        (("ladders", "main", "steps", "call", "restrict"), ["reduce_only -> blocked"]),
        (("ladders", "main", "steps", "late", "call", "restore"), ["130% -> 131.3%", "130% -> 128.7%"]),
        (("ladders", "main", "steps", "late", "deadline"), ["4h -> 4h2m24s", "4h -> 3h57m36s"]),
        (("ladders", "main", "steps", "sale", "liquidate", "every"), ["30s -> 31s", "30s -> 29s"]),
        (("ladders", "main", "steps", "sale", "liquidate", "first"), ["largest_loss -> largest_margin"]),
        (("increment",), ["0.01 -> 0.0101", "0.01 -> 0.0099"]),  # one call is rounded to it
        (("effective",), []),
    ],
)
def test_how_far_a_value_moves(path: tuple[str, ...], expected: list[str]) -> None:
    """A value moves as its kind says; what check refuses, or what means the same, is not counted."""
    assert of(*path) == expected


def test_a_reason_says_why_a_move_does_not_count() -> None:
    """Each mutant that is left out says what check has against it."""
    left_out = [one for one in mutants(TEXT.encode(), "book.yaml") if one.why]
    assert left_out
    assert all(one.why.startswith(("check refuses it: ", "it means the same")) for one in left_out)


def test_columns_of_whole_numbers_are_switches() -> None:
    """What a scenario table numbers or turns on is turned over; a weight moves by a percent."""
    content = (RULES / "deribit-portfolio" / "rulebook.yaml").read_bytes()
    found = {(one.path, one.old, one.new) for one in moves(content, "book.yaml")}
    assert (("scenarios", "grid", "combine", "volatility", "#1"), "-1", "0") in found
    assert (("scenarios", "grid", "rows", "#1", "weight"), "24.24%", "24.4824%") in found


def test_one_requirement_needs_no_word() -> None:
    """Where initial and maintenance margin are one figure, a call that restores the one restores the other."""
    content = (RULES / "bilateral-csa" / "rulebook.yaml").read_bytes()
    restored = [one for one in mutants(content, "book.yaml") if one.path[-1] == "restore"]
    assert [one.why for one in restored] == ["it means the same"] * 2


@pytest.mark.parametrize("book", BOOKS)
def test_every_move_is_one_edit_at_its_place(book: str) -> None:
    """A move replaces what stands at its place, and nothing else of the text."""
    content = (RULES / book / "rulebook.yaml").read_bytes()
    found = list(moves(content, "book.yaml"))
    assert len({(one.place, one.new) for one in found}) == len(found)
    before = content.decode().split("\n")
    for one in found:
        after = one.applied_to(content).decode().split("\n")
        changed = [number for number, pair in enumerate(zip(before, after, strict=True), start=1) if len(set(pair)) > 1]
        assert changed == [one.place.line], one.title


def test_a_counted_mutant_is_a_book_of_another_meaning() -> None:
    """What counts is accepted by check and has another digest."""
    content = (RULES / "smallest" / "rulebook.yaml").read_bytes()
    before = load(content, "book.yaml").digest
    counted = [one for one in mutants(content, "book.yaml") if not one.why]
    assert len(counted) > 15
    assert all(load(one.applied_to(content), "book.yaml").digest != before for one in counted)


def test_an_edit_that_does_not_fit_is_refused() -> None:
    """A move belongs to the text that it was made of."""
    first: Mutant = next(moves(TEXT.encode(), "book.yaml"))
    with pytest.raises(AssertionError, match="does not stand"):
        first.applied_to(b"another: text\n" * 60)
