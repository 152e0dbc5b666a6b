# SPDX-License-Identifier: Apache-2.0
"""
What a tool found, in the formats of those who read it: a terminal, a program, a build server, a code review.

A report has suites, one for each file; a suite has cases, and a case that found nothing wrong has no remarks. Formats:

    text    for people
    json    one object a line and file, of the suite's own data
    junit   JUnit XML, as build servers read it
    sarif   SARIF 2.1.0 (OASIS), as code scanners write it
    github  workflow commands of GitHub Actions, which show at their lines in a review
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml  # only to write: nothing is parsed here

from marginrules import __version__
from marginrules.rulebook.diagnostic import Diagnostic, Place, render_one

FORMATS = ("text", "json", "junit", "sarif", "github")
_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class Remark:
    """
    Carry one thing that was found.

    Args:
        line, column, width: place in the file; they count from 1, in characters.
        level: "error", "warning" or "note".
        hint: the fix; may be empty.
        source: the line it stands on; may be empty.
    """

    file: str
    line: int
    column: int
    width: int
    rule: str
    level: str
    message: str
    hint: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Carry one thing that was tried, and what was wrong with it; `seconds` where time was taken."""

    name: str
    remarks: tuple[Remark, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """
    Carry everything that was tried on one file.

    Args:
        summary: one line for people, behind the remarks.
        data: what JSON has of it.
    """

    file: str
    cases: tuple[Case, ...]
    summary: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def remarks(self) -> Iterator[Remark]:
        """Yield the remarks of all cases."""
        for case in self.cases:
            yield from case.remarks


@dataclass(frozen=True, slots=True)
class RuleHelp:
    """Describe a rule for a scanner: its name, its level otherwise, and its page as Markdown."""

    title: str
    level: str
    page: str


@dataclass(frozen=True, slots=True)
class Report:
    """Carry what a tool found in several files; `rules` has those that remarks name."""

    tool: str  # such as "lint"
    suites: tuple[Suite, ...]
    rules: dict[str, RuleHelp] = field(default_factory=dict)


def render(report: Report, style: str) -> str:
    """Return a report in one of `FORMATS`, without a line feed at its end."""
    if style == "json":
        return "\n".join(json.dumps(suite.data, ensure_ascii=False) for suite in report.suites)
    if style == "junit":
        return _junit(report)
    if style == "sarif":
        return json.dumps(_sarif(report), indent=2, ensure_ascii=False)
    if style == "github":
        return "\n".join(_github(remark) for suite in report.suites for remark in suite.remarks)
    return "\n".join("\n".join([*map(render_remark, suite.remarks), suite.summary]) for suite in report.suites)


def render_remark(one: Remark) -> str:
    """Return a remark for a terminal: the place, the message, the line with a caret, the hint."""
    place = Place(one.line, one.column, one.width)
    return render_one(Diagnostic(one.file, place, one.rule, one.message, one.hint, one.source), one.level)


# JUnit


def _junit(report: Report) -> str:
    root = Xml.Element("testsuites", name=f"marginrules {report.tool}")
    for suite in report.suites:
        element = Xml.SubElement(root, "testsuite", name=_valid(suite.file))
        failures = 0
        for case in suite.cases:
            made = Xml.SubElement(element, "testcase", classname=_valid(suite.file), name=_valid(case.name))
            made.set("time", f"{case.seconds:.3f}")
            # A note is no failure; one element for the first failure is what every reader of the format takes.
            failed = [one for one in case.remarks if one.level != "note"]
            if failed:
                failures += 1
                failure = Xml.SubElement(made, "failure", type=failed[0].rule, message=_valid(failed[0].message))
                failure.text = _valid("\n".join(map(render_remark, failed)))
            noted = [one for one in case.remarks if one.level == "note"]
            if noted:
                Xml.SubElement(made, "system-out").text = _valid("\n".join(map(render_remark, noted)))
        counts = {"tests": len(suite.cases), "failures": failures, "errors": 0, "skipped": 0}
        for name, count in counts.items():
            element.set(name, str(count))
        element.set("time", f"{sum(case.seconds for case in suite.cases):.3f}")
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(one.get(name, "0")) for one in root)))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _valid(text: str) -> str:
    """Return text without the characters that XML 1.0 cannot have, escaped or not."""
    return "".join(char if _is_valid(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_valid(code: int) -> bool:
    return code in (9, 10) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000


# SARIF


def _sarif(report: Report) -> dict[str, Any]:
    remarks = [remark for suite in report.suites for remark in suite.remarks]
    names = list(dict.fromkeys(one.rule for one in remarks))
    rules = [_sarif_rule(name, report.rules.get(name)) for name in names]
    driver = {"name": f"marginrules {report.tool}", "version": __version__, "rules": rules}
    results = [_sarif_result(one, names.index(one.rule)) for one in remarks]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(name: str, known: RuleHelp | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name}
    if known is not None:
        rule |= {
            "shortDescription": {"text": known.title},
            "help": {"text": known.page, "markdown": known.page},
            "defaultConfiguration": {"level": known.level},
        }
    return rule


def _sarif_result(one: Remark, index: int) -> dict[str, Any]:
    region: dict[str, Any] = {
        "startLine": one.line,
        "startColumn": one.column,
        "endColumn": one.column + one.width,
    }
    if one.source:
        region["snippet"] = {"text": one.source}
    location = {"physicalLocation": {"artifactLocation": {"uri": _uri(one.file)}, "region": region}}
    text = f"{one.message} ({one.hint})" if one.hint else one.message
    return {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.level,
        "message": {"text": text},
        "locations": [location],
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


# GitHub


def _github(one: Remark) -> str:
    """
    Return a workflow command.

    Source of the escapes: the toolkit of GitHub Actions, `core/src/command.ts`: percent, CR and LF in values, and colon
    and comma besides in properties.
    """
    properties = {
        "file": one.file,
        "line": str(one.line),
        "endLine": str(one.line),
        "col": str(one.column),
        "endColumn": str(one.column + one.width),
        "title": one.rule,
    }
    shown = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    text = f"{one.message}\n{one.hint}" if one.hint else one.message
    return f"::{_GITHUB[one.level]} {shown}::{_escaped(text)}"


def _escaped(text: str, more: Iterable[str] = "") -> str:
    for char in ("%", "\r", "\n", *more):
        text = text.replace(char, f"%{ord(char):02X}")
    return text
