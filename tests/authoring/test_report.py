# SPDX-License-Identifier: Apache-2.0
"""Findings in the formats of those who read them."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from marginrules.authoring.report import Case, Remark, Report, RuleHelp, Suite, render

# What SARIF 2.1.0 demands of the parts that are written, from the specification (OASIS, sections 3.13 to 3.30).
_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_REGION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["startLine"],
    "properties": {
        "startLine": {"type": "integer", "minimum": 1},
        "startColumn": {"type": "integer", "minimum": 1},
        "endColumn": {"type": "integer", "minimum": 1},
        "snippet": _TEXT,
    },
}
_RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": _TEXT,
        "help": _TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": _LEVEL}},
    },
}
_LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "properties": {"uri": {"type": "string", "format": "uri-reference", "pattern": "^[^ ]+$"}},
                },
                "region": _REGION,
            },
        }
    },
}
_RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": _LEVEL,
        "message": _TEXT,
        "locations": {"type": "array", "items": _LOCATION},
    },
}
_DRIVER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "version": {"type": "string"},
        "rules": {"type": "array", "uniqueItems": True, "items": _RULE},
    },
}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tool"],
                "properties": {
                    "tool": {"type": "object", "required": ["driver"], "properties": {"driver": _DRIVER}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": _RESULT},
                },
            },
        },
    },
}

ERROR = Remark("rules/a b.yaml", 3, 7, 4, "MR-L101", "error", "50% is <odd>, & so: on", "fix\nit", "  - {x: 1}")
WARNING = Remark("rules/a b.yaml", 5, 1, 1, "MR-L103", "warning", "w\x01")
NOTE = Remark("/abs/b.yaml", 1, 1, 2, "MR-L117", "note", "n")
REPORT = Report(
    "lint",
    (
        Suite(
            "rules/a b.yaml", (Case("one", (ERROR,), 0.25), Case("two", (WARNING,))), "a: 2", {"file": "a", "name": "é"}
        ),
        Suite("/abs/b.yaml", (Case("noted", (NOTE,)), Case("fine")), "b: ok", {"file": "b"}),
    ),
    {"MR-L101": RuleHelp("step that never comes", "error", "# Page")},
)


def test_text_is_for_people() -> None:
    """Text has each remark with its place, level, line, caret and fix, then what became of each file."""
    assert render(REPORT, "text").split("\n") == [
        "rules/a b.yaml:3:7: error[MR-L101]: 50% is <odd>, & so: on",
        "    3 |   - {x: 1}",
        "      |       ^^^^",
        "      = fix",
        "it",
        "rules/a b.yaml:5:1: warning[MR-L103]: w\x01",
        "a: 2",
        "/abs/b.yaml:1:1: note[MR-L117]: n",
        "b: ok",
    ]


def test_json_is_one_object_a_file() -> None:
    """JSON has the data of each suite, one in a line."""
    assert [json.loads(line) for line in render(REPORT, "json").split("\n")] == [
        {"file": "a", "name": "é"},
        {"file": "b"},
    ]


def test_sarif_is_valid() -> None:
    """SARIF has what its specification demands, each rule once, with its page where there is one."""
    found = json.loads(render(REPORT, "sarif"))
    jsonschema.validate(found, SARIF)
    (run,) = found["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [one["id"] for one in rules] == ["MR-L101", "MR-L103", "MR-L117"]
    assert rules[0]["help"] == {"text": "# Page", "markdown": "# Page"}
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert [one["artifactLocation"]["uri"] for one in places] == [
        "rules/a%20b.yaml",
        "rules/a%20b.yaml",
        "file:///abs/b.yaml",
    ]
    region = {"startLine": 3, "startColumn": 7, "endColumn": 11, "snippet": {"text": "  - {x: 1}"}}
    assert places[0]["region"] == region
    assert [one["level"] for one in run["results"]] == ["error", "warning", "note"]


def test_junit_is_well_formed() -> None:
    """JUnit XML has a suite for each file, a case for each thing that was tried; a note is no failure."""
    root = Xml.fromstring(render(REPORT, "junit"))  # noqa: S314 - made here
    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "2", "0")
    first, second = root
    assert (first.get("name"), first.get("time")) == ("rules/a b.yaml", "0.250")
    (failure,) = first[0]
    assert (failure.tag, failure.get("type")) == ("failure", "MR-L101")
    assert failure.get("message") == "50% is <odd>, & so: on"
    assert "rules/a b.yaml:3:7: error[MR-L101]" in (failure.text or "")
    assert "\N{REPLACEMENT CHARACTER}" in (first[1][0].get("message") or "")
    assert [[child.tag for child in case] for case in second] == [["system-out"], []]


def test_github_commands_are_escaped() -> None:
    """Workflow commands keep to one line each, with their places, and nothing in a message ends one."""
    lines = render(REPORT, "github").split("\n")
    where = "file=rules/a b.yaml,line=3,endLine=3,col=7,endColumn=11,title=MR-L101"
    assert lines == [
        f"::error {where}::50%25 is <odd>, & so: on%0Afix%0Ait",
        "::warning file=rules/a b.yaml,line=5,endLine=5,col=1,endColumn=2,title=MR-L103::w\x01",
        "::notice file=/abs/b.yaml,line=1,endLine=1,col=1,endColumn=3,title=MR-L117::n",
    ]


@pytest.mark.parametrize("name", ["a,b:c%.yaml"])
def test_github_file_names_are_escaped(name: str) -> None:
    """A comma or a colon in a file's name ends no property."""
    report = Report("check", (Suite(name, (Case("x", (Remark(name, 1, 1, 1, "MR-R201", "error", "m"),)),), ""),))
    assert render(report, "github").startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,")
