# SPDX-License-Identifier: Apache-2.0
"""Cases against mutants: which notice, that an executor changes nothing, and that the shipped books' own cases do."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from marginrules.authoring.cases.boundaries import boundaries
from marginrules.authoring.cases.mutation import CaseText, MutationResult, run_mutants
from marginrules.authoring.cases.suggesting import suggestions
from marginrules.errors import InputError

RULES = Path(__file__).parents[3] / "rules"
BOOKS = sorted(path.parent.name for path in RULES.glob("*/rulebook.yaml"))
SMALL = ("smallest", "isolated-perpetuals", "spot-exchange")  # tried wholly each time
SAMPLED = 3  # mutants of each other book
BAR = 0.95  # of all mutants
LEAST = 0.94  # of those of one book


def book_of(name: str) -> tuple[bytes, list[CaseText]]:
    """Return the text of a book, and its files of cases."""
    files = [RULES / name / one for one in ("cases.yaml", "boundaries.yaml")]
    return (RULES / name / "rulebook.yaml").read_bytes(), [(one.name, one.read_bytes()) for one in files]


def tried(name: str, at_most: int = 0) -> MutationResult:
    """Try the mutants of a book."""
    content, cases = book_of(name)
    return run_mutants(content, name, cases, at_most=at_most)


@pytest.mark.parametrize("name", SMALL)
def test_every_mutant_of_a_small_book_is_noticed(name: str) -> None:
    """The cases of the small books notice each of their mutants."""
    assert not tried(name).survivors


def test_a_sample_of_all_mutants_is_noticed() -> None:
    """Of mutants taken evenly from every book, as many are noticed as are asked for of all."""
    light = [
        one for one in BOOKS if one not in ("derive-portfolio", "us-options", "us-portfolio-margin", "span-futures")
    ]
    results = [tried(name, SAMPLED) for name in light]
    assert sum(one.noticed for one in results) >= 0.9 * sum(len(one.tried) for one in results)


@pytest.mark.long
@pytest.mark.parametrize("name", BOOKS)
def test_mutants_of_a_book(name: str) -> None:
    """The cases of a shipped book notice nearly all of its mutants."""
    content, cases = book_of(name)
    with ProcessPoolExecutor(2) as executor:
        result = run_mutants(content, name, cases, executor)
    print(f"{name}: {result.noticed} of {len(result.tried)}, {result.share:.1%}")
    assert result.share >= LEAST, [one.title for one in result.survivors]


@pytest.mark.long
def test_mutants_of_all_books() -> None:
    """Of the mutants of all shipped books, at least 95 % are noticed by their own cases."""
    noticed = total = 0
    with ProcessPoolExecutor(2) as executor:
        for name in BOOKS:
            content, cases = book_of(name)
            result = run_mutants(content, name, cases, executor)
            noticed, total = noticed + result.noticed, total + len(result.tried)
    assert noticed >= BAR * total


def test_an_executor_changes_nothing() -> None:
    """The result is the same in this process and over an executor, and progress counts every mutant."""
    content, cases = book_of("smallest")
    told: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as executor:
        there = run_mutants(content, "book.yaml", cases, executor, progress=lambda *one: told.append(one))
    here = run_mutants(content, "book.yaml", cases)
    assert [(one.mutant, bool(one.noticed_by)) for one in there.tried] == [
        (one.mutant, bool(one.noticed_by)) for one in here.tried
    ]
    assert told[-1][0] == told[-1][1] == len(there.tried) + len(there.left_out)


def test_without_cases_every_mutant_survives() -> None:
    """Nobody notices where nothing is expected; a case that would notice is suggested, and does."""
    content, _ = book_of("smallest")
    result = run_mutants(content, "book.yaml", [])
    assert result.noticed == 0
    assert result.share == 0.0
    rate = next(one for one in result.survivors if one.path[-1] == "maintenance")
    (text,) = suggestions(content, [rate])
    assert text.startswith("  - case: ")
    again = run_mutants(content, "book.yaml", [("suggested.yaml", b"cases:\n" + text.encode())])
    assert rate in [one.mutant for one in again.tried if one.noticed_by]


def test_cases_that_do_not_hold_are_refused() -> None:
    """A case that fails for the book itself would notice everything."""
    content, cases = book_of("smallest")
    wrong = [(name, text.replace(b"step: liquidation", b"step: margin_call")) for name, text in cases]
    with pytest.raises(InputError, match="did not hold"):
        run_mutants(content, "book.yaml", wrong)


@pytest.mark.parametrize("name", ["smallest", "lending", "bilateral-csa"])
def test_boundaries_are_made_again_alike(name: str) -> None:
    """The boundary cases that stand beside a book are those that it makes of itself today."""
    content, cases = book_of(name)
    assert boundaries(content, "rulebook.yaml", cases[:1]) == cases[1][1].decode()
