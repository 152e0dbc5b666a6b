# SPDX-License-Identifier: Apache-2.0
"""Results in print: for people, for programs, for build servers, for pull requests."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from marginrules.authoring.cases import SuiteResult, run_suite
from marginrules.authoring.cases.render import render_github, render_json, render_junit, render_text
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
        "cases.yaml  1 passed, 1 failed   coverage: 3 of 16 branches, 18.8% (threshold 90%)",
        "    not reached: book.yaml:5 stale marks",
    ]
    assert render_text([suite("fine")]) == "cases.yaml  1 passed"
    assert render_text([suite("fine"), suite()]).endswith("all         2 passed, 1 failed")


def test_json() -> None:
    """Programs get the same as plain data."""
    (found,) = json.loads(json.dumps(render_json([suite()], 0.9)))["suites"]
    assert (found["passed"], found["failed"], found["coverage"]["reached"]) == (1, 1, 3)
    failure = found["cases"][1]["failures"][0]
    assert (failure["line"], failure["expected"], failure["rule"]) == (14, "call", "book.yaml:24 standard/call")


def test_junit() -> None:
    """Build servers get a test for each case, and one for coverage where a part of it is wanted."""
    root = ElementTree.fromstring(render_junit([suite()], 0.9))  # noqa: S314 - made here
    (one,) = root
    assert dict(one.attrib) == {"name": "cases.yaml", "tests": "3", "failures": "2"}
    assert [case.get("name") for case in one] == ["fine", "<wrong> & 100%, yes", "coverage"]
    assert [case.find("failure") is not None for case in one] == [False, True, True]
    assert "got warning" in str(one[1].find("failure").text)  # type: ignore[union-attr]
    assert len(ElementTree.fromstring(render_junit([suite()]))[0]) == 2  # noqa: S314 - made here


def test_github() -> None:
    """Pull requests get an annotation at each failure's line."""
    lines = render_github([suite()], 0.9).split("\n")
    assert lines[0].startswith("::error file=cases.yaml,line=14,col=24,title=<wrong> & 100%25%2C yes::cases.yaml:14 at")
    assert "%0Amargin ratio 118.00%25" in lines[0]
    assert lines[2] == "::warning file=book.yaml,line=5,title=not reached::no case reaches stale marks"
    assert lines[-1].startswith("::error file=cases.yaml,line=1,title=coverage::coverage: 3 of 16 branches")
    assert render_github([suite("fine")]) == ""


def test_choosing_and_stopping() -> None:
    """A name is found by a part of it or by a pattern; of a choice, and of what was stopped, no coverage is told."""
    assert [one.case for one in suite("FIN").results] == ["fine"]
    assert [one.case for one in suite("*yes").results] == ["<wrong> & 100%, yes"]
    assert suite("nothing").results == ()
    assert suite("fine").coverage is None
    assert suite(stop=True).coverage is None
    assert len(suite(stop=True).results[1].failures) == 2  # both of the first look that fails
    assert not suite().is_passed()
    assert suite("fine").is_passed(0.9)
