# SPDX-License-Identifier: Apache-2.0
"""Run the worked examples that stand beside each rulebook in `rules/`."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from marginrules.authoring.cases import Case, read_cases, run_case
from marginrules.rulebook import Program, load

RULES = Path(__file__).parent.parent.parent / "rules"
BOOKS = sorted(path.parent.name for path in RULES.glob("*/rulebook.yaml"))


@functools.cache
def program_of(book: str) -> Program:
    """Compile a book, once."""
    return load((RULES / book / "rulebook.yaml").read_bytes(), f"{book}/rulebook.yaml")


@functools.cache
def cases_of(book: str) -> tuple[Case, ...]:
    """Read the cases of a book, once."""
    return _read(book, "cases.yaml")


@functools.cache
def boundaries_of(book: str) -> tuple[Case, ...]:
    """Read the boundary cases of a book, once."""
    return _read(book, "boundaries.yaml")


def _read(book: str, name: str) -> tuple[Case, ...]:
    return read_cases((RULES / book / name).read_bytes(), f"{book}/{name}").cases


CASES = [(book, case) for book in BOOKS for case in cases_of(book)]


@pytest.mark.parametrize(("book", "case"), CASES, ids=lambda one: one if isinstance(one, str) else one.name)
def test_worked_example(book: str, case: Case) -> None:
    """Each step of a worked example comes out as it is written beside the rulebook."""
    program = program_of(book)
    assert not run_case(program.text, f"{book}/rulebook.yaml", case, program).failures


@pytest.mark.parametrize("book", BOOKS)
def test_boundaries(book: str) -> None:
    """What a book gives at its thresholds is what its boundary cases pin."""
    program, file = program_of(book), f"{book}/rulebook.yaml"
    failures = [
        one
        for case in boundaries_of(book)
        for one in run_case(program.text, file, case, program, with_coverage=False).failures
    ]
    assert not failures[:3]


@pytest.mark.parametrize("book", BOOKS)
def test_every_step_is_entered(book: str) -> None:
    """Each of a book's ladders' steps is entered by one of its cases."""
    entered = {
        line.text.split()[1]
        for case in cases_of(book)
        for step in case.steps
        for line in step.events or ()
        if line.text.startswith("step_entered")
    }
    assert {step.name for ladder in program_of(book).ladders for step in ladder.steps} <= entered
