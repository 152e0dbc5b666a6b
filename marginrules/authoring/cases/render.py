# SPDX-License-Identifier: Apache-2.0
"""Results in print: text for people, and a report for programs, build servers and code reviews."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marginrules.authoring.cases.coverage import Coverage
from marginrules.authoring.cases.model import ACCOUNT
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.suite import SuiteResult
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
    width = max((len(one.file) for one in suites), default=0)
    for suite in suites:
        lines.append(f"{suite.file:{width}}  {_counts(suite.results)}{_share(suite.coverage, threshold)}")
        if suite.coverage is not None and threshold is not None:
            lines += [f"    not reached: {suite.book_file}:{one.line} {one.what}" for one in suite.coverage.missed]
    if len(suites) > 1:
        every = tuple(result for suite in suites for result in suite.results)
        lines.append(f"{'all':{width}}  {_counts(every)}{_share(_together(suites), threshold)}")
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


def _share(found: Coverage | None, threshold: float | None) -> str:
    if found is None or threshold is None:
        return ""
    wanted = f" (threshold {threshold:.0%})" if threshold else ""
    return f"   coverage: {found.reached} of {found.total} branches, {found.share:.1%}{wanted}"


def _together(suites: Sequence[SuiteResult]) -> Coverage | None:
    known = [one.coverage for one in suites if one.coverage is not None]
    if not known:
        return None
    missed = tuple(branch for one in known for branch in one.missed)
    return Coverage("", sum(one.total for one in known), missed)


def as_report(suites: Sequence[SuiteResult], threshold: float | None = None) -> Report:
    """
    Return what was found for programs, build servers and code reviews: a case for each case.

    Args:
        threshold: part of the branches that shall be reached; then each file has one case more, named coverage.
    """
    return Report("test", tuple(_suite(one, threshold) for one in suites))


def _suite(suite: SuiteResult, threshold: float | None) -> Suite:
    made = [Case(one.case, tuple(_remark(failure) for failure in one.failures)) for one in suite.results]
    found = suite.coverage
    if found is not None and threshold:
        made.append(Case("coverage", () if found.share >= threshold else _shortfall(suite, found, threshold)))
    return Suite(suite.file, tuple(made), "", _data(suite, threshold))


def _remark(one: Failure) -> Remark:
    head, *rest = (line.strip() for line in text_of(one))
    return Remark(one.file, one.line, one.column, 1, one.case, "error", head, "\n".join(rest))


def _shortfall(suite: SuiteResult, found: Coverage, threshold: float) -> tuple[Remark, ...]:
    head = Remark(suite.file, 1, 1, 1, "coverage", "error", _share(found, threshold).strip())
    missed = (
        Remark(suite.book_file, one.line, 1, 1, "coverage", "warning", f"no case reaches {one.what}")
        for one in found.missed
    )
    return (head, *missed)


def _data(suite: SuiteResult, threshold: float | None) -> dict[str, Any]:
    """Return a file's results as plain data."""
    found: dict[str, Any] = {
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
    if suite.coverage is not None:
        found["coverage"] = {
            "reached": suite.coverage.reached,
            "total": suite.coverage.total,
            "share": suite.coverage.share,
            "threshold": threshold,
            "missed": [{"line": one.line, "what": one.what} for one in suite.coverage.missed],
        }
    return found


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
