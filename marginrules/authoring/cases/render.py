# SPDX-License-Identifier: Apache-2.0
"""Results in print: text for people, and a report for programs, build servers and code reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marginrules.authoring.cases.coverage import Coverage
from marginrules.authoring.cases.model import ACCOUNT
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.suite import SuiteResult, coverage_by_book
from marginrules.authoring.report import Case, Remark, Report, Suite
from marginrules.units import format_time


def render_text(suites: Sequence[SuiteResult], threshold: float | None = None) -> str:
    """
    Print failures and a line for each file.

    Args:
        threshold: part of the branches that shall be reached; what was not is listed where it is given.
    """
    lines = []
    for suite in suites:
        for result in suite.results:
            if result.failures:
                first = result.failures[0]
                lines.append(f"{first.file}:{first.line}:{first.column}  FAIL  {result.case}")
                for failure, following in zip(result.failures, [*result.failures[1:], None], strict=True):
                    lines += text_of(failure, with_reason=following is None or _reason(failure) != _reason(following))
    books = coverage_by_book(suites) if threshold is not None else ()
    width = max((len(name) for name in (*(one.file for one in suites), *(one.file for one in books))), default=0)
    lines += [f"{suite.file:{width}}  {_counts(suite.results)}" for suite in suites]
    for book in books:
        lines.append(f"{book.file:{width}}  {_share(book, threshold)}")
        lines += [f"    not reached: {book.file}:{one.line} {one.what}" for one in book.missed]
    if len(suites) > 1:
        every = tuple(result for suite in suites for result in suite.results)
        whole = Coverage("", sum(one.total for one in books), tuple(branch for one in books for branch in one.missed))
        lines.append(f"{'all':{width}}  {_counts(every)}" + (f"   {_share(whole, threshold)}" if books else ""))
    return "\n".join(lines)


def _reason(failure: Failure) -> tuple[int, str, str, str]:
    return failure.time_ns, failure.pool, failure.because, failure.rule


def text_of(failure: Failure, with_reason: bool = True) -> list[str]:
    """Return a failure in lines: when, what, and which rule measured what."""
    if failure.field == "refused":
        return [f"    at {format_time(failure.time_ns)}: {failure.got}"]
    pool = "" if failure.pool == ACCOUNT else f"{failure.pool} "
    head = f"    {failure.file}:{failure.line} at {format_time(failure.time_ns)}: {pool}{failure.field}"
    lines = [f"{head}   expected {failure.expected}   got {failure.got}"]
    lines += [f"        {one}" for one in failure.difference]
    reason = failure.because + (f"   ({failure.rule})" if failure.rule else "")
    return [*lines, f"        {reason.strip()}"] if with_reason and reason.strip() else lines


def _counts(results: Sequence[CaseResult]) -> str:
    failed = sum(not one.is_passed for one in results)
    passed = f"{len(results) - failed} passed"
    return f"{passed}, {failed} failed" if failed else passed


def _share(found: Coverage, threshold: float | None) -> str:
    wanted = f" (threshold {threshold:.0%})" if threshold else ""
    return f"coverage: {found.reached} of {found.total} branches, {found.share:.1%}{wanted}"


def as_report(suites: Sequence[SuiteResult], threshold: float | None = None) -> Report:
    """
    Return what was found for programs, build servers and code reviews: a case for each case.

    Args:
        threshold: part of the branches that shall be reached; then each rulebook has a case of its own, named coverage.
    """
    books = coverage_by_book(suites) if threshold is not None else ()
    return Report("test", (*map(_suite, suites), *(_book(one, threshold or 0.0) for one in books)))


def _suite(suite: SuiteResult) -> Suite:
    cases = tuple(Case(one.case, tuple(map(_remark, one.failures))) for one in suite.results)
    return Suite(suite.file, cases, "", _data(suite))


def _book(found: Coverage, threshold: float) -> Suite:
    remarks = () if found.share >= threshold else _shortfall(found, threshold)
    data = {
        "rulebook": found.file,
        "reached": found.reached,
        "total": found.total,
        "coverage": found.share,
        "threshold": threshold,
        "missed": [{"line": one.line, "what": one.what} for one in found.missed],
    }
    return Suite(found.file, (Case("coverage", remarks),), "", data)


def _remark(one: Failure) -> Remark:
    head, *rest = (line.strip() for line in text_of(one))
    return Remark(one.file, one.line, one.column, 1, one.case, "error", head, "\n".join(rest))


def _shortfall(found: Coverage, threshold: float) -> tuple[Remark, ...]:
    head = Remark(found.file, 1, 1, 1, "coverage", "error", _share(found, threshold))
    missed = (
        Remark(found.file, one.line, 1, 1, "coverage", "warning", f"no case reaches {one.what}") for one in found.missed
    )
    return (head, *missed)


def _data(suite: SuiteResult) -> dict[str, Any]:
    """Return a file's results as plain data."""
    return {
        "file": suite.file,
        "rulebook": suite.book_file,
        "passed": len(suite.results) - suite.failed,
        "failed": suite.failed,
        "cases": [
            {
                "case": one.case,
                "line": one.line,
                "passed": one.is_passed,
                "failures": [_failure_data(failure) for failure in one.failures],
            }
            for one in suite.results
        ],
    }


def _failure_data(failure: Failure) -> dict[str, Any]:
    return {
        "file": failure.file,
        "line": failure.line,
        "column": failure.column,
        "time": format_time(failure.time_ns),
        "pool": failure.pool,
        "field": failure.field,
        "expected": failure.expected,
        "got": failure.got,
        "rule": failure.rule,
        "because": failure.because,
        "difference": list(failure.difference),
    }
