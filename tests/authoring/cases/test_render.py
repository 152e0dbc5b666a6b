# SPDX-License-Identifier: Apache-2.0
"""Results in print: for people, for programs, for build servers, for code reviews."""

from __future__ import annotations

import json

from marginrules.authoring.cases import SuiteResult, run_suite
from marginrules.authoring.cases.render import as_report, render_text
from marginrules.authoring.cases.suite import is_passed
from marginrules.authoring.report import FORMATS, render
from tests.authoring.cases.samples import PROGRAM, SHARED

TEXT = (
    SHARED
    + """\
  - case: fine
    positions: {BTC-PERP: 1}
    equity: 900
    expect: [{step: none}]
  - case: "<wrong> & 100%, yes"
    positions: {BTC-PERP: 1}
    equity: 590
    steps:
      - expect: {step: call}
        events: [step_entered call]
"""
)


def suite(pattern: str = "", stop: bool = False) -> SuiteResult:
    """Run the cases above."""
    return run_suite(PROGRAM, "book.yaml", TEXT.encode(), "cases.yaml", pattern=pattern, stop_at_first=stop)


def test_text() -> None:
    """A failure is shown with its place, time, what differs, and the rule that decided; then come the counts."""
    assert render_text([suite()], 0.9).split("\n")[:9] == [
        "cases.yaml:14:24  FAIL  <wrong> & 100%, yes",
        "    cases.yaml:14 at 2026-03-02T10:00:00Z: step   expected call   got warning",
        "        margin ratio 118.00% has been below 120% for 0s of 30s   (book.yaml:24 standard/call)",
        "    cases.yaml:15 at 2026-03-02T10:00:00Z: events   expected step_entered call   got step_entered warning",
        "        - step_entered call",
        "        + step_entered warning",
        "        equity 590.00, IM 1 000.00, MM 500.00, margin ratio 118.00%   (book.yaml:23 standard/warning)",
        "cases.yaml  1 passed, 1 failed",
        "book.yaml   coverage: 3 of 16 branches, 18.8% (threshold 90%)",
    ]
    assert render_text([suite("fine")]) == "cases.yaml  1 passed"
    assert render_text([suite("fine"), suite()]).endswith("all         2 passed, 1 failed")


def test_json() -> None:
    """Programs get the same as plain data, one object a file."""
    found, book = (json.loads(line) for line in render(as_report([suite()], 0.9), "json").split("\n"))
    assert (found["passed"], found["failed"]) == (1, 1)
    assert (book["rulebook"], book["reached"], book["total"]) == ("book.yaml", 3, 16)
    failure = found["cases"][1]["failures"][0]
    assert (failure["line"], failure["expected"], failure["rule"]) == (14, "call", "book.yaml:24 standard/call")


def test_build_servers_and_reviews() -> None:
    """Each case is a test, with one for coverage where a part of it is wanted; each failure stands at its line."""
    found, book = as_report([suite()], 0.9).suites
    assert [one.name for one in (*found.cases, *book.cases)] == ["fine", "<wrong> & 100%, yes", "coverage"]
    assert [len(one.remarks) for one in (*found.cases, *book.cases)] == [0, 2, 14]
    first = found.cases[1].remarks[0]
    assert (first.file, first.line, first.column, first.level) == ("cases.yaml", 14, 24, "error")
    assert first.message == "cases.yaml:14 at 2026-03-02T10:00:00Z: step   expected call   got warning"
    assert first.hint == "margin ratio 118.00% has been below 120% for 0s of 30s   (book.yaml:24 standard/call)"
    assert book.cases[0].remarks[1].message == "no case reaches stale marks"
    assert (book.cases[0].remarks[1].file, book.cases[0].remarks[1].line) == ("book.yaml", 5)
    assert as_report([suite()], 0.1).suites[1].cases[0].remarks == ()
    assert len(as_report([suite()]).suites) == 1
    for style in FORMATS:
        assert render(as_report([suite("fine")]), style) is not None


def test_choosing_and_stopping() -> None:
    """A name is found by a part of it or by a pattern; of a choice, and of what was stopped, no coverage is told."""
    assert [one.case for one in suite("FIN").results] == ["fine"]
    assert [one.case for one in suite("*yes").results] == ["<wrong> & 100%, yes"]
    assert suite("nothing").results == ()
    assert suite("fine").coverage is None
    assert suite(stop=True).coverage is None
    assert len(suite(stop=True).results[1].failures) == 2  # both of the first look that fails
    assert not is_passed([suite()])
    assert is_passed([suite("fine")], 0.9)
