# SPDX-License-Identifier: Apache-2.0
"""
Mistakes of meaning, one file each, and the books that ship, which have none.

The first line of `tests/rulebooks/meaning/<rule>-<mistake>.yaml` says which rule finds it and on which line; `also`
names rules that are right to find something in it as well; `against` the former book that it is compared with.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from marginrules.authoring.lint import Finding, Level, lint, lint_analysis
from marginrules.authoring.lint.finding import ERRORS, Findings
from marginrules.rulebook import load, validate
from marginrules.rulebook.compile import analyse
from marginrules.rulebook.diagnostic import PROBLEMS, Place
from marginrules.rulebook.vocabulary.linting import LINT_RULES
from tests.rulebook.checker import ROOT
from tests.rulebook.large import large_rulebook

PLANTED = sorted((ROOT / "tests/rulebooks/meaning").glob("*.yaml"))
SHIPPED = sorted((ROOT / "rules").glob("*/rulebook.yaml"))
REFUSED = sorted((ROOT / "tests/rulebooks/bad").glob("MR-R31*.yaml"))
_HEAD = re.compile(r"# finding: (MR-L\d{3}) on line (\d+)(?:; also ([^;\n]+))?(?:; against (\S+))?\n")
BOOK = (ROOT / "tests/rulebooks/meaning/former.txt").read_text(encoding="utf-8")


def _found(path: Path) -> tuple[tuple[str, int], set[str], tuple[Finding, ...]]:
    """Return what a file says of itself, and what is found in it."""
    text = path.read_bytes()
    head = _HEAD.match(text.decode())
    assert head is not None, "the first line says what is to be found"
    against = (path.parent / head[4]).read_bytes() if head[4] else None
    return (head[1], int(head[2])), set((head[3] or "").split(", ")), lint(text, path.name, against)


@pytest.mark.promise("MR-P05")
@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.stem)
def test_mistake_of_meaning_is_found(path: Path) -> None:
    """A book that the checker accepts has one mistake: it is found by its rule, on its line, and nothing else is."""
    (rule, line), also, found = _found(path)
    assert path.stem.startswith(rule)
    assert validate(path.read_bytes(), path.name) == ()
    places = [(one.rule, one.place.line) for one in found]
    assert (rule, line) in places
    assert all(one == (rule, line) or one[0] in also for one in places), places


@pytest.mark.parametrize("path", PLANTED, ids=lambda path: path.stem)
def test_finding_stands_on_its_line(path: Path) -> None:
    """A finding names what it is about, has a fix, and its place lies inside the line that is shown."""
    lines = path.read_text(encoding="utf-8").split("\n")
    for one in _found(path)[2]:
        assert one.file == path.name
        assert one.source == lines[one.place.line - 1]
        assert one.place.column + one.place.width - 1 <= len(one.source)
        assert one.message
        assert one.hint
        assert one.level is (Level.ERROR if one.rule in ERRORS else Level.WARNING)


def test_sixty_mistakes_are_planted() -> None:
    """More than sixty mistakes are planted, and each rule finds at least one."""
    assert len(PLANTED) >= 60
    assert {path.stem[:7] for path in PLANTED} == set(LINT_RULES)


def test_sound_book_has_no_finding() -> None:
    """The book from which the planted ones are made has nothing wrong with it."""
    assert lint(BOOK.encode(), "sound.yaml") == ()


@pytest.mark.promise("MR-P05")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_book_has_no_finding(path: Path) -> None:
    """No rule finds anything in the books that ship, beyond what they say about themselves with a reason."""
    assert lint(path.read_bytes(), path.name) == ()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_book_has_not_moved_from_itself(path: Path) -> None:
    """Compared with itself, nothing has moved and nothing is gone."""
    text = path.read_bytes()
    assert lint(text, path.name, text) == ()


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_lint_says_why_a_book_is_refused(path: Path) -> None:
    """Of a book that the checker refuses, its problems are the findings: errors, each at its place."""
    text = path.read_bytes()
    found = lint(text, path.name)
    assert [(one.rule, one.place, one.message) for one in found] == [
        (one.code, one.place, one.message) for one in validate(text, path.name)
    ]
    assert {one.level for one in found} == {Level.ERROR}
    assert all(one.rule in PROBLEMS for one in found)


# Levels


def _with(lint_section: str, text: str = BOOK) -> bytes:
    return (text.replace("clear: 155%", "clear: 150%") + "lint:\n" + lint_section).encode()


@pytest.mark.parametrize("level", ["note", "warning", "error"])
def test_level_is_set_in_the_book(level: str) -> None:
    """A book sets the level of a rule, and the finding carries the reason."""
    (found,) = lint(_with(f"  MR-L103: {{level: {level}, because: agreed}}\n"), "a.yaml")
    assert (found.level.word, found.because) == (level, "agreed")


def test_rule_is_switched_off() -> None:
    """A rule that a book switches off finds nothing, and the digest stays as it was."""
    text = _with("  MR-L103: {level: off, because: agreed}\n")
    assert lint(text, "a.yaml") == ()
    assert load(text, "a.yaml").digest == load(text.split(b"lint:")[0], "a.yaml").digest


@pytest.mark.parametrize(("names", "count"), [("warning", 0), ("main", 0), ("[call, warning]", 0), ("call", 2)])
def test_setting_for_some_names(names: str, count: int) -> None:
    """With `only` a setting is for a ladder, a step or a product; one about another name is itself found."""
    found = lint(_with(f"  MR-L103: {{level: off, only: {names}, because: agreed}}\n"), "a.yaml")
    assert [one.rule for one in found] == ["MR-L103", "MR-L190"][:count]


@pytest.mark.parametrize(
    ("section", "code", "hint"),
    [
        ("  MR-L1033: {level: off, because: agreed}", "MR-R301", "did you mean 'MR-L103'"),
        ("  MR-R312: {level: off, because: agreed}", "MR-R301", ""),
        ("  MR-L103: {level: of, because: agreed}", "MR-R310", "did you mean 'off'?"),
        ("  MR-L103: {level: off}", "MR-R302", "add `because: ...`"),
        ("  MR-L103: {because: agreed}", "MR-R302", "add `level: ...`"),
        ("  MR-L103: off", "MR-R303", "keys: level"),
        ("  MR-L103: {level: off, limit: 5, because: agreed}", "MR-R301", ""),
        ("  MR-L113: {because: agreed}", "MR-R302", "levels: off"),
        ("  MR-L113: {limit: 0.5, because: agreed}", "MR-R308", "allowed: above"),
        ("  MR-L103: {level: off, because: agreed, only: a b}", "MR-R323", ""),
        ("  - MR-L103", "MR-R303", "write each as"),
        ("  {}", "MR-R327", "give at least one rule"),
    ],
)
def test_wrong_setting_is_refused_at_its_place(section: str, code: str, hint: str) -> None:
    """A setting of an unknown rule, of an unknown level or without a reason is refused where it stands."""
    (found,) = validate(_with(section + "\n"), "a.yaml")
    assert found.code == code
    assert hint in found.hint
    assert found.place.line >= _with("").decode().count("\n")


def test_limit_is_set_in_the_book() -> None:
    """The amount that a rule compares with is set without changing its level."""
    steep = BOOK.replace("initial: 10%, maintenance: 5%", "initial: 10%, maintenance: 1%")
    assert [one.rule for one in lint(steep.encode(), "a.yaml")] == ["MR-L113"]
    assert lint((steep + "lint: {MR-L113: {limit: 10, because: agreed}}\n").encode(), "a.yaml") == ()


# Overrides


@pytest.mark.parametrize("step", ["call: {deadline: 4h}", "call: {call: {round_to: 100.0}}", "full: {liquidate: all}"])
def test_override_that_changes_nothing(step: str) -> None:
    """However it is spelt: what is equal to what it overrides is found at its key."""
    text = BOOK + f"overrides:\n  - account: A1\n    because: agreed\n    ladder:\n      {step}\n"
    (found,) = lint(text.encode(), "a.yaml")
    assert found.rule == "MR-L106"
    assert found.place == Place(text.count("\n"), text.split("\n")[-2].index("{") + 2, found.place.width)


def test_override_that_applies_somewhere() -> None:
    """An override that is equal for one product and changes another is no finding."""
    more = BOOK.replace(
        "products:\n", "products:\n  other:\n    match: {kind: future}\n    ladder: calm\n    margin: X\n"
    )
    more = more.replace("margin: X", "margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}")
    calm = BOOK[BOOK.index("  main:") :].replace("main", "calm").replace("deadline: 4h", "deadline: 3h")
    text = more + calm + "ladder: main\noverrides:\n  - class: default\n    because: agreed\n    ladder:\n"
    assert lint((text + "      call: {deadline: 4h}\n").encode(), "a.yaml") == ()


def test_finding_in_the_base_is_said_once() -> None:
    """What is wrong without overrides is reported there, and not again for each of them."""
    text = BOOK.replace("clear: 155%", "clear: 150%") + "classes: [a, b]\noverrides:\n"
    for name in "ab":
        text += f"  - class: {name}\n    because: agreed\n    ladder:\n      call: {{deadline: {ord(name) - 95}h}}\n"
    assert [one.rule for one in lint(text.encode(), "a.yaml")] == ["MR-L103"]


# Former books


def test_former_book_that_does_not_compile_is_not_compared() -> None:
    """The former book may be of an older language: then nothing is said about what moved."""
    assert lint(BOOK.encode(), "a.yaml", b"nonsense") == ()


def test_every_account_is_compared() -> None:
    """A move that only an override makes is found where the override stands."""
    override = "overrides:\n  - account: A1\n    because: agreed\n    ladder:\n      call: {{below: {}}}\n"
    former, now = (BOOK + override.format(below) for below in ("119%", "106%"))
    (found,) = lint(now.encode(), "a.yaml", former.encode())
    assert (found.rule, found.place.line) == ("MR-L130", now.count("\n"))
    assert "was 119% and is 106%" in found.message


# The rest


def test_large_book_is_judged_quickly() -> None:
    """A book as large as an exchange's is judged in the time of a few compilations: a bound that no machine misses."""
    text = large_rulebook(2_700)
    started = time.process_time()
    load(text, "large.yaml")
    compiled = time.process_time() - started
    started = time.process_time()
    lint(text, "large.yaml")
    assert time.process_time() - started < 20 * compiled


def test_unknown_rule_is_a_mistake_of_ours() -> None:
    """A rule that is not listed cannot find anything."""
    findings = Findings(analyse(BOOK.encode(), "a.yaml"))
    with pytest.raises(AssertionError):
        findings.add("MR-L999", Place(1, 1), "x", "y")


def test_same_book_has_the_same_findings() -> None:
    """The findings of an analysis are those of its text, in the order of the text."""
    for path in PLANTED[:20]:
        text = path.read_bytes()
        found = lint_analysis(analyse(text, path.name))
        assert found == lint(text, path.name)
        assert [one.place for one in found] == sorted(one.place for one in found)
