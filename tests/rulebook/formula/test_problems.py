# SPDX-License-Identifier: Apache-2.0
"""What an officer is shown for each mistake in a formula: code, what the caret underlines, message and hint.

`problems.txt` has one mistake a line, `kind | YAML`, and below it what is shown; both are compared exactly.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from marginrules.machine import Code
from marginrules.rulebook.diagnostic import Diagnostic, Place
from tests.rulebook.formula import reading

RECORDED = Path(__file__).with_name("problems.txt")


def cases() -> list[tuple[str, str, list[str]]]:
    """Return (kind, YAML, what is shown) of each recorded mistake."""
    found: list[tuple[str, str, list[str]]] = []
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            found[-1][2].append(line[4:])
        else:
            kind, _, text = line.partition(" | ")
            found.append((kind, text.replace("\\n", "\n"), []))
    return found


CASES = cases()


def compiled(kind: str, text: str) -> tuple[Code | None, tuple[Diagnostic, ...]]:
    """Compile a piece of YAML as one kind of formula."""
    if kind in ("portfolio", "per_position"):
        return reading.portfolio(text, per_position=kind == "per_position")
    if kind == "pool":
        return reading.pool(text)
    if kind == "leg":
        return reading.leg(text)
    is_of_pool = kind == "pool_figure"
    return reading.figure(text, "pool" if is_of_pool else "position", {"closed": "number"} if is_of_pool else None)


@pytest.mark.parametrize(("kind", "text", "expected"), CASES, ids=[case[1].replace("\n", "; ") for case in CASES])
def test_mistake_is_explained(kind: str, text: str, expected: list[str]) -> None:
    """Each mistake is reported once, at its place, with what was probably meant; nothing is compiled."""
    code, found = compiled(kind, text)
    assert code is None
    assert reading.shown(found) == expected


SOUND = [
    ("per_position", "initial: notional * 5%"),
    ("portfolio", "initial: total(max(notional * 5%, 37.50 USDT per contract * abs(quantity)))"),
    ("portfolio", "initial: total(count(abs(quantity) > 100 contracts by expiry)) * 5 USDT"),
    ("portfolio", "initial: total(sqrt(notional * notional))"),
    ("portfolio", "initial: total(if(days <= 7d and is_option or not is_spot, notional, 0))"),
    ("portfolio", "initial: total(value * days / 1d)"),
    ("portfolio", "initial: strategy_margin(us, initial) + lowest_payoff() + total(lowest_payoff(by expiry))"),
    ("portfolio", "initial: total(if(is_option == is_future, value, -value))"),
    ("portfolio", "initial: total(min(0, value))"),
    ("portfolio", "initial: 0"),
    ("pool", "initial: max(initial, equity / 2, total(notional) * 1%, -unrealized_pnl)"),
    ("pool", "maintenance: maintenance * 2"),
    ("figure", "value: (cost - equity) / size"),
    ("figure", "value: is_option"),
    ("pool_figure", "value: closed * equity"),
    ("leg", "long.strike >= short.strike and long.days >= short.days"),
    ("leg", "max(short.strike - long.strike, 37.50 USDT per contract) * short.multiplier"),
]


@pytest.mark.parametrize(("kind", "text"), SOUND, ids=[case[1] for case in SOUND])
def test_sound_formula_is_compiled(kind: str, text: str) -> None:
    """What is well formed gives code, and no problem."""
    code, found = compiled(kind, text)
    assert not found
    assert code is not None


def test_every_problem_is_reported_at_once() -> None:
    """One reading finds the problems of all definitions; what follows from another problem is not reported."""
    text = """\
define:
  used: unknown_thing + 1
  again: used * 2 + notional
  other: mark + 5%
  circle: circle + 1
  bent: total(
initial: total(again) + bent
maintenance: 5
"""
    _, found = reading.portfolio(text)
    assert [(one.code, one.place) for one in found] == [
        ("MR-R402", Place(2, 9, 13)),
        ("MR-R404", Place(4, 15, 1)),
        ("MR-R406", Place(5, 11, 6)),
        ("MR-R401", Place(6, 14, 1)),
        ("MR-R404", Place(8, 14, 1)),
    ]


def test_wanted_result_of_a_leg() -> None:
    """A condition is yes or no; a requirement an amount per unit."""
    assert reading.leg("short.strike > long.strike", wants="condition")[0] is not None
    assert reading.leg("short.strike - long.strike", wants="amount")[0] is not None
    _, found = reading.leg("short.strike - long.strike", wants="condition")
    assert found[0].message == "the condition is a condition: 'short.strike - long.strike' is a price"
    _, found = reading.leg("short.strike > long.strike", wants="amount")
    assert found[0].message == "the requirement is an amount: 'short.strike > long.strike' is a condition"
