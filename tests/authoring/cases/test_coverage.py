# SPDX-License-Identifier: Apache-2.0
"""Coverage says which parts of a rulebook no case reached, each with its line, and nothing else."""

from __future__ import annotations

import pytest

from marginrules.authoring.cases.coverage import branches, coverage
from marginrules.authoring.cases.result import Touch
from marginrules.rulebook import load
from tests.authoring.cases.samples import BOOK, PROGRAM, run


def touched(lines: str, program_text: bytes = BOOK) -> set[Touch]:
    """Return what a case reaches."""
    assert program_text is BOOK
    result = run("  - case: a\n" + "".join(f"    {one}\n" for one in lines.strip().split("\n")))
    assert not [one for one in result.failures if one.field == "refused"]
    return set(result.touched)


def test_branches_are_those_of_the_text() -> None:
    """Each tier, haircut, way into a step and out of it, override and age is a branch, at its line."""
    found = {one.touch: one.line for one in branches(PROGRAM, "book.yaml")}
    assert found == {
        ("stale", ""): 5,
        ("haircut", "USD", "1"): 7,
        ("haircut", "BTC", "1"): 10,
        ("haircut", "BTC", "2"): 11,
        ("tier", "perpetual", "1"): 18,
        ("tier", "perpetual", "2"): 19,
        ("step", "standard", "warning", "threshold"): 23,
        ("step", "standard", "warning", "exit"): 23,
        ("step", "standard", "call", "threshold"): 24,
        ("step", "standard", "call", "exit"): 24,
        ("step", "standard", "call", "call"): 24,
        ("step", "standard", "sale", "threshold"): 31,
        ("step", "standard", "sale", "unmet"): 31,
        ("step", "standard", "sale", "exit"): 31,
        ("step", "standard", "sale", "liquidate"): 31,
        ("override", "0", "call"): 40,
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("positions: {BTC-PERP: 1}\nequity: 900\nsteps: []", [("tier", "perpetual", "1"), ("haircut", "USD", "1")]),
        ("positions: {BTC-PERP: 3}\nequity: 9_000\nsteps: []", [("tier", "perpetual", "2")]),
        ("prices: {BTC: 50_000}\nbalances: {BTC: 1}\nsteps: []", [("haircut", "BTC", "1")]),
        ("prices: {BTC: 50_000}\nbalances: {BTC: 3}\nsteps: []", [("haircut", "BTC", "1"), ("haircut", "BTC", "2")]),
        (
            "positions: {BTC-PERP: 1}\nequity: 590\nquotes: held\nsteps: [{at: 1m}]",
            [("step", "standard", "call", "call")],
        ),
        (
            "positions: {BTC-PERP: 1}\nequity: 590\nquotes: held\nsteps: [{at: 5h}]",
            [("step", "standard", "sale", "unmet"), ("step", "standard", "sale", "liquidate")],
        ),
        ("positions: {BTC-PERP: 1}\nequity: 300\nsteps: []", [("step", "standard", "sale", "threshold")]),
        (
            "positions: {BTC-PERP: 1}\nevery: 1h\nseries: {equity: 700 900}\nsteps: [{at: 1h}]",
            [("step", "standard", "warning", "exit")],
        ),
        (
            "class: maker\npositions: {BTC-PERP: 1}\nequity: 590\nquotes: held\nsteps: [{at: 1m}]",
            [("override", "0", "call")],
        ),
        (
            "positions: {BTC-PERP: 1}\nevery: 1h\nseries: {equity: 700 600, BTC-PERP: 50_000 _}\nsteps: [{at: 1h}]",
            [("stale", "")],
        ),
    ],
)
def test_what_is_reached(lines: str, expected: list[Touch]) -> None:
    """A case reaches what it reaches."""
    assert set(expected) <= touched(lines)


@pytest.mark.parametrize(
    ("lines", "missed"),
    [
        ("positions: {BTC-PERP: 1}\nequity: 900\nsteps: []", ("tier", "perpetual", "2")),
        ("prices: {BTC: 50_000}\nbalances: {BTC: 1}\nsteps: []", ("haircut", "BTC", "2")),
        ("positions: {BTC-PERP: 1}\nequity: 590\nquotes: held\nsteps: [{at: 1m}]", ("override", "0", "call")),
        (
            "class: maker\npositions: {BTC-PERP: 1}\nequity: 700\nquotes: held\nsteps: [{at: 1m}]",
            ("override", "0", "call"),
        ),
        ("positions: {BTC-PERP: 1}\nequity: 300\nsteps: []", ("step", "standard", "sale", "unmet")),
        ("positions: {BTC-PERP: 1}\nequity: 300\nsteps: []", ("stale", "")),
    ],
)
def test_what_is_not_reached(lines: str, missed: Touch) -> None:
    """A case does not reach what it only comes near to."""
    assert missed not in touched(lines)


def test_tiers_of_an_override_are_branches_of_their_own() -> None:
    """Under an override with tiers of its own, those are reached, and the product's are not."""
    text = BOOK.replace(
        b"    ladder:\n      call: {deadline: 8h}\n",
        b"    margin:\n      tiers:\n        - {initial: 5%, maintenance: 3%}\n",
    )
    program = load(text, "book.yaml")
    found = {one.touch for one in branches(program, "book.yaml")}
    assert ("override", "0", "tier 1") in found
    assert ("override", "0", "call") not in found


def test_share() -> None:
    """The share is of all branches; cases count together."""
    texts = ("positions: {BTC-PERP: 1}\n    equity: 900", "positions: {BTC-PERP: 3}\n    equity: 9_000")
    results = [run(f"  - case: a\n    {text}\n    steps: []\n") for text in texts]
    one, both = coverage(PROGRAM, "book.yaml", results[:1]), coverage(PROGRAM, "book.yaml", results)
    assert (one.total, one.reached, both.reached) == (16, 2, 3)
    assert both.share == 3 / 16
    assert coverage(PROGRAM, "book.yaml", []).share == 0.0
