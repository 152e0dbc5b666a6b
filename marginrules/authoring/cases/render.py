# SPDX-License-Identifier: Apache-2.0
"""Results in print: text for people, JSON for programs, JUnit for build servers, annotations for pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from marginrules.authoring.cases.coverage import Coverage
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.suite import SuiteResult
from marginrules.units import format_time

_MISSED_SHOWN = 20


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
                for failure in result.failures:
                    lines += text_of(failure)
    width = max((len(one.file) for one in suites), default=0)
    for suite in suites:
        lines.append(f"{suite.file:{width}}  {_counts(suite.results)}{_share(suite.coverage, threshold)}")
        if suite.coverage is not None and threshold is not None:
            lines += [f"    not reached: {suite.book_file}:{one.line} {one.what}" for one in suite.coverage.missed]
    if len(suites) > 1:
        every = tuple(result for suite in suites for result in suite.results)
        lines.append(f"{'all':{width}}  {_counts(every)}{_share(_together(suites), threshold)}")
    return "\n".join(lines)


def text_of(failure: Failure) -> list[str]:
    """Return a failure in lines: when, what, and which rule measured what."""
    if failure.field == "refused":
        return [f"    at {format_time(failure.time_ns)}: {failure.got}"]
    head = f"    {failure.file}:{failure.line} at {format_time(failure.time_ns)}: {failure.field}"
    lines = [f"{head}   expected {failure.expected}   got {failure.got}"]
    lines += [f"        {one}" for one in failure.difference]
    reason = failure.because + (f"   ({failure.rule})" if failure.rule else "")
    return [*lines, f"        {reason.strip()}"] if reason.strip() else lines


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


def render_json(suites: Sequence[SuiteResult], threshold: float | None = None) -> dict[str, Any]:
    """Return everything as plain data."""
    return {"suites": [_suite_json(one, threshold) for one in suites]}


def _suite_json(suite: SuiteResult, threshold: float | None) -> dict[str, Any]:
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
                "failures": [failure_json(failure) for failure in one.failures],
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


def failure_json(failure: Failure) -> dict[str, Any]:
    """Return a failure as plain data."""
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


def render_junit(suites: Sequence[SuiteResult], threshold: float | None = None) -> str:
    """Return JUnit XML: a suite for each file, a test for each case, and one for coverage where a part is wanted."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for suite in suites:
        short = suite.coverage if suite.coverage and threshold and suite.coverage.share < threshold else None
        tests = len(suite.results) + (suite.coverage is not None and bool(threshold))
        failures = suite.failed + (short is not None)
        lines.append(f'  <testsuite name={quoteattr(suite.file)} tests="{tests}" failures="{failures}">')
        for one in suite.results:
            text = "\n".join(line for failure in one.failures for line in text_of(failure))
            lines += _junit_case(suite.file, one.case, one.line, text)
        if suite.coverage is not None and threshold:
            missed = [f"not reached: {suite.book_file}:{one.line} {one.what}" for one in suite.coverage.missed]
            text = "\n".join([_share(suite.coverage, threshold).strip(), *missed]) if short else ""
            lines += _junit_case(suite.file, "coverage", 1, text)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"])


def _junit_case(file: str, name: str, line: int, failure: str) -> list[str]:
    head = f'    <testcase classname={quoteattr(file)} name={quoteattr(name)} file={quoteattr(file)} line="{line}"'
    if not failure:
        return [head + "/>"]
    message = quoteattr(failure.strip().split("\n", maxsplit=1)[0])
    return [head + ">", f"      <failure message={message}>{escape(failure)}</failure>", "    </testcase>"]


def render_github(suites: Sequence[SuiteResult], threshold: float | None = None) -> str:
    """Return one annotation in a line for each failure, in the form that GitHub Actions reads."""
    lines = []
    for suite in suites:
        for failure in (failure for one in suite.results for failure in one.failures):
            text = "\n".join(line.strip() for line in text_of(failure))
            where = f"file={_property(failure.file)},line={failure.line},col={failure.column}"
            lines.append(f"::error {where},title={_property(failure.case)}::{_data(text)}")
        if suite.coverage is not None and threshold and suite.coverage.share < threshold:
            for one in suite.coverage.missed[:_MISSED_SHOWN]:
                where = f"file={_property(suite.book_file)},line={one.line},title=not reached"
                lines.append(f"::warning {where}::{_data(f'no case reaches {one.what}')}")
            text = _share(suite.coverage, threshold).strip()
            lines.append(f"::error file={_property(suite.file)},line=1,title=coverage::{_data(text)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
