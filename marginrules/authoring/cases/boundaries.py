# SPDX-License-Identifier: Apache-2.0
"""
Cases that a rulebook makes of itself: at, just below and just above every threshold, with what it gives today.

They pin what is, so that a change of a threshold shows; whether it is right is for the cases that people write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor

from marginrules.authoring.cases.boundary_collateral import collateral_cases
from marginrules.authoring.cases.boundary_ladders import ladder_cases
from marginrules.authoring.cases.boundary_margins import age_cases, margin_cases
from marginrules.authoring.cases.mutation import CaseText, run_mutants
from marginrules.authoring.cases.searching import search
from marginrules.rulebook import Program, load
from marginrules.rulebook.diagnostic import Sink
from marginrules.rulebook.parse import parse
from marginrules.rulebook.schema import Book, read_book
from marginrules.rulebook.source import read_source

ROUNDS = 20  # batches of accounts that are drawn at most
_HEAD = """\
# Made by `marginrules test --boundaries`: what the rulebook gives at, just below and just above its thresholds.
# Make it again after a change that is meant; what then differs here is what the change does.
cases:
"""


def boundaries(
    content: bytes, file: str, cases: Sequence[CaseText] = (), executor: Executor | None = None, *, rounds: int = ROUNDS
) -> str:
    """
    Return the boundary cases of a book as the text of a file of cases.

    Behind them stand accounts drawn at random, one for each group of thresholds that neither they nor the cases given
    notice: where the worst scenario or the cheapest grouping decides, no formula says what account would show it.

    Args:
        cases: files of cases that people wrote.
        rounds: how many batches of accounts are drawn at most; 0: none.

    Raises:
        RulebookError: where `check` refuses the book or cases cannot be read.
        InputError: a case does not hold.
    """
    program = load(content, file)
    texts = list(boundary_cases(program, book_of(content, file)))
    if rounds:
        own = ("boundaries.yaml", file_of(texts).encode())
        survivors = run_mutants(content, file, [*cases, own], executor).survivors
        others = [load(one.applied_to(content), file) for one in survivors]
        texts += [one.text for one in search(program, others, rounds=rounds)]
    return file_of(texts)


def boundary_cases(program: Program, book: Book) -> Iterator[str]:
    """Yield the boundary cases of a book, each an item of the list of cases."""
    yield from ladder_cases(program)
    yield from margin_cases(program, book)
    yield from collateral_cases(program, book)
    yield from age_cases(program)


def file_of(cases: Iterable[str]) -> str:
    """Return cases as the text of a file."""
    return _HEAD + "".join(cases)


def book_of(content: bytes, file: str) -> Book:
    """Return a book as it is written."""
    text, sink = read_source(content, file)
    root = parse(text, sink)
    if root is None:
        raise AssertionError(f"{file} was read before and cannot be read now")
    return read_book(Sink(file, text.split("\n")), root)
