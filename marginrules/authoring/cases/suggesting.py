# SPDX-License-Identifier: Apache-2.0
"""Suggest cases for mutants that survived: a boundary case of the book that notices, or an account drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

from marginrules.authoring.cases.boundaries import book_of, boundary_cases, file_of
from marginrules.authoring.cases.mutants import Mutant
from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.run import run_case
from marginrules.authoring.cases.searching import search
from marginrules.rulebook import load

_ROUNDS = 4  # batches of accounts drawn for one survivor


def suggestions(content: bytes, survivors: Sequence[Mutant]) -> list[str]:
    """
    Return for each mutant a case that would notice it, as YAML; empty where none was found.

    Args:
        content: the text of the book that all of them are of.
    """
    if not survivors:
        return []
    file = survivors[0].file
    before = load(content, file)
    texts = list(boundary_cases(before, book_of(content, file)))
    cases = read_cases(file_of(texts).encode(), "boundaries.yaml").cases
    found = []
    for one in survivors:
        after = load(one.applied_to(content), file)
        noticing = (
            text
            for text, case in zip(texts, cases, strict=True)
            if run_case(after.text, file, case, after, stop_at_first=True, with_coverage=False).failures
        )
        text = next(noticing, "")
        if not text:
            drawn = search(before, [after], rounds=_ROUNDS, name=f"what line {one.place.line} decides")
            text = drawn[0].text if drawn else ""
        found.append(text)
    return found
