# SPDX-License-Identifier: Apache-2.0
"""A plan says what its texts do, keeps that in a file, and is refused once something else is active."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from marginrules.authoring.plan import (
    PlannedCount,
    PlannedImpact,
    change_words,
    check_plan,
    make_plan,
    read_plan,
    stale,
    summary_words,
    write_plan,
)
from marginrules.errors import InputError, RulebookError
from marginrules.rulebook import load

BOOKS = Path(__file__).parents[3] / "rules"
TEXT = (BOOKS / "crypto-derivatives" / "rulebook.yaml").read_text(encoding="utf-8")
BEFORE = load(TEXT.encode(), "active.yaml")
STRICTER = TEXT.replace("below: 120%", "below: 121%", 1).encode()
RESPELT = (
    "# a comment\n" + TEXT.replace("below: 120%", "below:   1.2").replace("deadline: 4h", "deadline: 240m")
).encode()


def test_a_plan_says_what_changes_where() -> None:
    """Each change has its range, and its line in both texts."""
    plan = make_plan(BEFORE, STRICTER, "new.yaml", revision=3)
    words = [change_words(one) for one in plan.comparison.changes]
    assert plan.comparison.verdict == "stricter"
    assert all("entry 120% -> 121%, for 120% <= margin ratio < 121%" in one for one in words)
    for one in plan.comparison.changes:
        assert "initial_call" in TEXT.splitlines()[one.after_line - 1] or one.profiles == ("class market_maker",)
    assert plan.base.revision == 3
    assert [one for one in plan.difference if one.startswith(("+ ", "- "))]


def test_whitespace_units_and_comments_change_nothing() -> None:
    """Such an edit is equivalent, and says so in words."""
    plan = make_plan(BEFORE, RESPELT, "new.yaml")
    assert summary_words(plan.comparison) == "equivalent: no account can get a different decision"
    assert plan.comparison.text_only == ("layout, comments, reasons or the spelling of values",)
    assert plan.difference


def test_the_first_rulebook_is_a_change() -> None:
    plan = make_plan(None, STRICTER, "new.yaml")
    assert plan.comparison.verdict == "mixed"
    assert plan.base.digest == ""
    check_plan(read_plan(write_plan(plan)))


def test_a_text_that_is_no_rulebook_is_refused() -> None:
    with pytest.raises(RulebookError):
        make_plan(BEFORE, b"rulebook: x\n", "new.yaml")


@pytest.mark.parametrize("book", sorted(one.name for one in BOOKS.iterdir() if one.is_dir()))
def test_a_plan_comes_back_from_its_file(book: str) -> None:
    """Whatever the rulebooks are, and in the same bytes."""
    text = (BOOKS / book / "rulebook.yaml").read_bytes()
    plan = replace(make_plan(BEFORE, text, "new.yaml", made_ns=1), impact=_impact())
    content = write_plan(plan)
    assert read_plan(content) == plan
    assert write_plan(read_plan(content)) == content
    assert check_plan(plan).digest == plan.digest


def _impact() -> PlannedImpact:
    return PlannedImpact(
        (PlannedCount("call", 3, 5),), (PlannedCount("liquidate", 1, 0),), ("A-1: 12 000",), 1, 2, "ab"
    )


def test_a_plan_that_was_changed_is_refused() -> None:
    """Every single value of it."""
    content = write_plan(make_plan(BEFORE, STRICTER, "new.yaml"))
    data = json.loads(content)
    for key in data:
        changed = data | {key: f"{data[key]}x"}
        with pytest.raises(InputError, match="MR-I141"):
            read_plan(json.dumps(changed, sort_keys=True, indent=1).encode() + b"\n")
    for wrong in (b"", b"[]", b"{}", b"null", content + b" ", content.replace(b"121%", b"119%"), b"\xff", b"[" * 10**5):
        with pytest.raises(InputError, match="MR-I141"):
            read_plan(wrong)


def test_a_plan_that_says_something_else_than_its_texts_is_refused() -> None:
    """Also where its sum was made anew."""
    plan = make_plan(BEFORE, STRICTER, "new.yaml")
    other = TEXT.replace("below: 120%", "below: 119%", 1).encode()
    nothing = replace(plan.comparison, verdict="equivalent", changes=())
    for wrong in (replace(plan, text=other), replace(plan, comparison=nothing), replace(plan, digest=BEFORE.digest)):
        with pytest.raises(InputError, match="MR-I141"):
            check_plan(read_plan(write_plan(wrong)))


def test_a_stale_plan_tells_what_changed_since() -> None:
    plan = make_plan(BEFORE, STRICTER, "new.yaml", revision=3)
    now = load(TEXT.replace("deadline: 4h", "deadline: 2h", 1).encode(), "now.yaml")
    error = stale(plan, now, 4)
    assert error.code == "MR-I140"
    assert "revision 3" in error.message
    assert "revision 4" in error.message
    assert any("STRICTER perpetuals/initial_call" in one and "deadline 4h -> 2h" in one for one in error.changes)
    assert "deadline 4h -> 2h" in str(error)
    assert "none is active" in stale(plan, None).message
