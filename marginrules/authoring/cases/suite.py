# SPDX-License-Identifier: Apache-2.0
"""All cases of one file against one rulebook."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marginrules.authoring.cases.coverage import Coverage, coverage
from marginrules.authoring.cases.model import Case
from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.result import CaseResult
from marginrules.authoring.cases.run import run_case
from marginrules.rulebook import Program


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """
    Carry how the cases of one file came out.

    Args:
        file: of the cases.
        book_file: of the rulebook.
        coverage: None where nobody asked, or not all cases ran.
    """

    file: str
    book_file: str
    results: tuple[CaseResult, ...]
    coverage: Coverage | None = None

    @property
    def failed(self) -> int:
        """Return how many cases failed."""
        return sum(not one.is_passed for one in self.results)

    @property
    def is_passed(self) -> bool:
        """Say whether all cases passed."""
        return not self.failed


def coverage_by_book(suites: Iterable[SuiteResult]) -> tuple[Coverage, ...]:
    """Return what of each rulebook is reached by all the files of cases that belong to it, where that was asked."""
    found: dict[str, Coverage] = {}
    for one in (suite.coverage for suite in suites):
        if one is not None and one.file in found:
            missed = {(branch.what, branch.line) for branch in one.missed}
            kept = tuple(branch for branch in found[one.file].missed if (branch.what, branch.line) in missed)
            found[one.file] = Coverage(one.file, one.total, kept)
        elif one is not None:
            found[one.file] = one
    return tuple(found.values())


def is_passed(suites: Sequence[SuiteResult], threshold: float = 0.0) -> bool:
    """Say whether all cases passed, and as much of each rulebook was reached as is wanted."""
    return all(one.is_passed for one in suites) and all(one.share >= threshold for one in coverage_by_book(suites))


def run_suite(
    program: Program,
    book_file: str,
    cases: bytes,
    file: str,
    *,
    pattern: str = "",
    with_coverage: bool = True,
    stop_at_first: bool = False,
) -> SuiteResult:
    """
    Run the cases of a file.

    Args:
        program: the rulebook, compiled.
        cases: text of the file named `file`.
        pattern: run only cases whose name has this in it, or matches it where it has `*` or `?`; then nothing is
            said about coverage, as the others might have reached the rest.
        stop_at_first: end with the first case that fails, at its first failure.

    Raises:
        CasesError: the text is no file of cases.
    """
    chosen = [one for one in read_cases(cases, file).cases if _is_named(one, pattern)]
    is_covered = with_coverage and not pattern
    results: list[CaseResult] = []
    for one in chosen:
        results.append(
            run_case(program.text, book_file, one, program, stop_at_first=stop_at_first, with_coverage=is_covered)
        )
        if stop_at_first and not results[-1].is_passed:
            return SuiteResult(file, book_file, tuple(results))
    reached = coverage(program, book_file, results) if is_covered else None
    return SuiteResult(file, book_file, tuple(results), reached)


def _is_named(case: Case, pattern: str) -> bool:
    name, wanted = case.name.lower(), pattern.lower()
    return fnmatch.fnmatchcase(name, wanted) if {"*", "?"} & set(wanted) else wanted in name
