# SPDX-License-Identifier: Apache-2.0
"""Each kind of change: its direction, and the exact range in which it shows."""

from __future__ import annotations

from fractions import Fraction

import pytest

from marginrules.rulebook import load
from marginrules.rulebook.compare import Change, Comparison, compare
from marginrules.rulebook.compare.envelope import differences, greatest

TEXT = """\
rulebook: ranges
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, professional]
calendars: {desk: XNYS}
collateral:
  USD: {haircut: 0%}
  BTC: {haircut: [{to: 100_000, rate: 5%}, {rate: 10%}], cap: 500_000}
products:
  bitcoin:
    match: {kind: perpetual, underlying: BTC}
    margin: {model: tiers, tiers: [{to: 100_000, initial: 10%, maintenance: 5%}, {initial: 20%, maintenance: 10%}]}
  future:
    match: {kind: future}
    margin: {model: tiers, tiers: [{initial: 10%, maintenance: 5%}]}
ladder: main
ladders:
  main:
    steps:
      - step: call
        below: 120%
        clear: 125%
        for: 30s
        call: {restore: initial_margin, minimum_transfer: 500, round_to: 100}
        deadline: 4h
      - {step: part, below: 105%, or_after: call unmet, liquidate: {fraction: 20%, until: 110%, every: 30s}}
      - {step: all, below: 100%, liquidate: all}
overrides:
  - {class: professional, because: known, ladder: {call: {deadline: 6h}}}
"""
BEFORE = load(TEXT.encode(), "before.yaml")

# (what is replaced, by what) -> (verdict, every change as "direction term: range")
EDITS: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("below: 120%", "below: 122%"): (
        "stricter",
        ["stricter entry: 120% <= margin ratio < 122% and 30s <= time since the breach"],
    ),
    ("below: 120%", "below: 110%"): (
        "looser",
        ["looser entry: 110% <= margin ratio < 120% and 30s <= time since the breach"],
    ),
    ("for: 30s", "for: 2m"): (
        "looser",
        ["looser wait: margin ratio < 120% and 30s <= time since the breach < 2m"],
    ),
    ("below: 120%\n        clear: 125%\n        for: 30s", "below: 122%\n        clear: 125%\n        for: 60s"): (
        "mixed",
        [
            "stricter entry: 120% <= margin ratio < 122% and 1m <= time since the breach",
            "looser wait: margin ratio < 120% and 30s <= time since the breach < 1m",
        ],
    ),
    ("clear: 125%", "clear: 130%"): (
        "stricter",
        [
            "stricter exit: 125% <= margin ratio < 130%",
            "stricter exit after an unmet call: 125% <= margin ratio < 130%",
        ],
    ),
    ("deadline: 4h", "deadline: 3h"): ("stricter", ["stricter deadline: 3h <= time since the call < 4h"]),
    ("minimum_transfer: 500", "minimum_transfer: 400"): ("stricter", ["stricter minimum transfer: "]),
    ("round_to: 100", "round_to: 1_000"): ("stricter", ["stricter round to: "]),
    ("round_to: 100", "round_to: 150"): ("mixed", ["changed round to: "]),
    ("restore: initial_margin", "restore: maintenance_margin"): ("looser", ["looser restore: "]),
    ("restore: initial_margin", "restore: 150%"): ("mixed", ["changed restore: "]),
    ("fraction: 20%", "fraction: 30%"): ("stricter", ["stricter liquidate fraction: "]),
    ("until: 110%", "until: 115%"): ("stricter", ["stricter liquidate until: 110% <= margin ratio < 115%"]),
    ("every: 30s", "every: 1m"): ("looser", ["looser time between rounds: "]),
    ("{to: 100_000, initial: 10%", "{to: 100_000, initial: 12%"): (
        "stricter",
        ["stricter initial margin: any notional"],
    ),
    ("maintenance: 5%}, {initial: 20%", "maintenance: 5%}, {initial: 18%"): (
        "looser",
        ["looser initial margin: 100_000 <= notional"],
    ),
    ("tiers: [{to: 100_000, initial: 10%, maintenance: 5%}", "tiers: [{to: 200_000, initial: 11%, maintenance: 5%}"): (
        "mixed",
        [
            "stricter initial margin: notional < 111_111.111111",
            "looser initial margin: 111_111.111111 <= notional",
            "looser maintenance margin: 100_000 <= notional",
        ],
    ),
    ("{to: 100_000, rate: 5%}", "{to: 50_000, rate: 5%}"): (
        "stricter",
        ["stricter haircut: 50_000 <= value of the holding"],
    ),
    ("cap: 500_000", "cap: 400_000"): ("stricter", ["stricter cap: "]),
    ("USD: {haircut: 0%}", "USD: {haircut: 0%}\n  EUR: {haircut: 2%}"): ("looser", ["looser collateral: "]),
    ("liquidate: all", "liquidate: all, restrict: blocked"): ("stricter", ["stricter restrict: margin ratio < 100%"]),
    ("liquidate: all", "liquidate: all, notify: [risk]"): ("mixed", ["changed notify: "]),
    ("      - {step: all", "      - {step: soon, below: 103%, restrict: blocked}\n      - {step: all"): (
        "stricter",
        ["stricter step: margin ratio < 103%"],
    ),
    ("      - {step: all", "      - {step: soon, below: 103%, notify: [risk]}\n      - {step: all"): (
        "mixed",
        ["changed step: margin ratio < 103%"],
    ),
    ("step: part", "step: partly"): (
        "mixed",
        ["stricter step: margin ratio < 105%", "looser step: margin ratio < 105%"],
    ),
    ("classes: [retail, professional]", "classes: [retail, professional, maker]"): ("looser", ["looser class: "]),
    ("kind: future}", "kind: [future, option]}"): ("looser", ["looser match: "]),
    ("kind: perpetual, underlying: BTC}", "kind: perpetual}"): ("mixed", ["changed match: "]),
    ("effective: 2026-01-01", "marks: {max_age: 30s}\neffective: 2026-01-01"): (
        "mixed",
        ["changed greatest age of asset prices: ", *["changed greatest age of prices: "] * 2],
    ),
}


def told(found: Comparison) -> list[str]:
    """Return every change, as above."""
    return sorted(f"{one.direction} {one.term}: {one.range}" for one in found.changes)


def same_for_some(found: Comparison) -> list[str]:
    """Return what is told, once for what is told of several classes."""
    return sorted(dict.fromkeys(told(found)))


@pytest.mark.parametrize("edit", EDITS, ids=lambda one: one[1][:40])
def test_a_change_has_its_direction_and_range(edit: tuple[str, str]) -> None:
    assert edit[0] in TEXT
    found = compare(BEFORE, load(TEXT.replace(*edit, 1).encode(), "after.yaml"))
    verdict, expected = EDITS[edit]
    assert found.verdict == verdict
    assert same_for_some(found) == sorted(dict.fromkeys(expected))
    back = compare(load(TEXT.replace(*edit, 1).encode(), "after.yaml"), BEFORE)
    assert sorted(one.reversed().direction for one in back.changes) == sorted(one.direction for one in found.changes)


def one_change(old: str, new: str) -> Change:
    """Return the only change that an edit makes."""
    (found,) = compare(BEFORE, load(TEXT.replace(old, new, 1).encode(), "after.yaml")).changes
    return found


def test_a_change_says_whose_it_is_and_where() -> None:
    """The product, the class where it is not for everybody, the values, and the line in both texts."""
    change = one_change("deadline: 6h", "deadline: 7h")
    assert change.profiles == ("class professional",)
    assert (change.ladder, change.step, change.term) == ("main", "call", "deadline")
    assert (change.before_value, change.after_value) == (6 * 3600 * 10**9, 7 * 3600 * 10**9)
    change = one_change("maintenance: 5%}, {initial: 20%", "maintenance: 5%}, {initial: 25%")
    assert change.products == ("bitcoin",)
    assert change.profiles == ()
    assert (change.before_value, change.after_value) == (Fraction(1, 5), Fraction(1, 4))
    lines = TEXT.splitlines()
    assert "to: 100_000, initial" in lines[change.before_line - 1]


def test_a_calendar_shows_where_its_days_differ() -> None:
    """A further closed day makes calls fall due later, for calls made in the days before it only."""
    text = TEXT.replace("deadline: 4h", "deadline: 17:00 next business day").replace(
        "    steps:", "    calendar: desk\n    steps:"
    )
    other = text.replace("desk: XNYS", "desk: {exchange: XNYS, closed: [2026-03-04]}")
    found = compare(load(text.encode(), "a"), load(other.encode(), "b"))
    assert found.verdict == "looser"
    assert [one.range for one in found.changes] == ["2026-03-03T05:00:00Z <= time of the call < 2026-03-04T05:00:00Z"]


def test_scenarios_that_no_formula_reads_decide_nothing() -> None:
    """They are for stresses that people ask for; it is told that they differ."""
    text = TEXT + "scenarios:\n  crash:\n    rows: [{price: -30%}]\n"
    found = compare(load(text.encode(), "a"), load(text.replace("-30%", "-40%").encode(), "b"))
    assert found.verdict == "equivalent"
    assert found.text_only == ("scenarios crash: no formula reads them",)


def test_products_that_share_a_ladder_no_more() -> None:
    """A pool that holds both then follows the book's own ladder, which is told where that is another one."""
    more = TEXT + "\n"
    second = more.replace(
        "overrides:", "  second:\n    steps:\n      - {step: all, below: 90%, liquidate: all}\noverrides:"
    )
    both = second.replace("    match: {kind: perpetual", "    ladder: second\n    match: {kind: perpetual")
    both = both.replace("    match: {kind: future", "    ladder: second\n    match: {kind: future")
    apart = second.replace("    match: {kind: future", "    ladder: second\n    match: {kind: future")
    found = compare(load(both.encode(), "a"), load(apart.encode(), "b"))
    assert any("bitcoin with future" in one.subject for one in found.changes)


def test_lines_that_never_count_make_no_difference() -> None:
    """Curves are compared, not the lines that they are made of; and every crossing is found exactly."""
    low, high = (Fraction(1, 10), Fraction(0)), (Fraction(3, 10), Fraction(100))
    never = (Fraction(2, 10), Fraction(60))
    assert greatest([low, high]) == greatest([low, never, high])
    assert differences(greatest([low, high]), greatest([low, never, high])) == []
    flat = greatest([(Fraction(2, 10), Fraction(0))])
    assert differences(flat, greatest([low, high])) == [
        (Fraction(0), Fraction(1000), -1),
        (Fraction(1000), None, 1),
    ]
