# SPDX-License-Identifier: Apache-2.0
"""The worked examples of the books that ship, played step by step for tests that look at the shard in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from marginrules.authoring.cases.model import Case, Step
from marginrules.authoring.cases.run import play
from marginrules.authoring.cases.world import World
from tests.books.test_cases import BOOKS, cases_of, program_of

CASES = [(book, case) for book in BOOKS for case in cases_of(book)]


def begun(book: str, case: Case) -> World:
    """Return a worked example before its first step."""
    return World(case, program_of(book), f"{book}/rulebook.yaml")


def played(book: str, case: Case) -> Iterator[tuple[World, Step]]:
    """Yield the world of a worked example after each of its steps."""
    world = begun(book, case)
    for step in case.steps:
        play(world, step)
        yield world, step


def crypto(**changes: Any) -> Case:
    """Return the first worked example of crypto-derivatives: a perpetual, from warning to close-out."""
    case = cases_of("crypto-derivatives")[0]
    return replace(case, accounts=tuple(replace(one, **changes) for one in case.accounts))


def called(**changes: Any) -> World:
    """Return it at the moment its first call is issued."""
    case = crypto(**changes)
    world = begun("crypto-derivatives", case)
    for step in case.steps[:7]:
        play(world, step)
    return world
