# SPDX-License-Identifier: Apache-2.0
"""The commands `check`, `lint` and `rule`: what they print in each format, and the code they end with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from click.testing import CliRunner, Result

from marginrules.cli.main import main
from tests.client.served import ROOT, SMALLEST, serving

MEANING = ROOT / "tests/rulebooks/meaning"
SOUND = MEANING / "former.txt"
WARNED = MEANING / "MR-L103-clear-written-equal-to-below.yaml"
WRONG = MEANING / "MR-L126-rounds-to-half-a-cent.yaml"
REFUSED = ROOT / "tests/rulebooks/bad/MR-R312-initial-falls.yaml"


def run(*words: Any) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, [str(word) for word in words])


def test_sound_book_ends_with_zero() -> None:
    """A book without findings is said to be fine, and the code is 0."""
    result = run("lint", SOUND)
    assert (result.exit_code, result.stdout) == (0, f"{SOUND}: ok\n")


def test_finding_is_shown_at_its_place() -> None:
    """A finding has its place, its line with a caret and its fix; then the findings are counted."""
    result = run("lint", WARNED, WRONG)
    assert result.exit_code == 1
    assert "warning[MR-L103]: step 'warning' clears where it begins, at 150%" in result.stdout
    assert "^" in result.stdout
    assert "= give `clear` above 150%" in result.stdout
    assert f"{WARNED}: 1 warning\n" in result.stdout
    assert result.stdout.endswith(f"{WRONG}: 1 error\n")


@pytest.mark.parametrize(
    ("level", "file", "code"),
    [("error", WARNED, 0), ("error", WRONG, 1), ("warning", WARNED, 1), ("note", WARNED, 1), ("note", SOUND, 0)],
)
def test_fail_level(level: str, file: Path, code: int) -> None:
    """The code is 1 where a finding has at least the level that was asked for."""
    assert run("lint", "--fail-level", level, file).exit_code == code


def test_refused_book_is_an_error_at_every_level() -> None:
    """What the checker refuses cannot be judged: its problems are shown, as errors."""
    result = run("lint", "--fail-level", "error", REFUSED)
    assert result.exit_code == 1
    assert "error[MR-R312]" in result.stdout


def test_json_of_both_commands() -> None:
    """`--json` is `--format json`; check has its diagnostics, lint its findings, one file a line."""
    for command, key in (("check", "diagnostics"), ("lint", "findings")):
        first = run(command, "--json", REFUSED, SOUND)
        assert first.stdout == run(command, "--format", "json", REFUSED, SOUND).stdout
        wrong, sound = map(json.loads, first.stdout.splitlines())
        assert wrong["file"] == str(REFUSED)
        assert sound[key] == []
        assert wrong[key][0]["line"] == 14
    assert wrong[key][0]["rule"] == "MR-R312"


@pytest.mark.parametrize("command", ["check", "lint"])
def test_formats_of_machines(command: str) -> None:
    """Each format is what its reader takes, with the same finding; a rule brings its page."""
    sarif = json.loads(run(command, "--format", "sarif", REFUSED).stdout)["runs"][0]
    assert sarif["results"][0]["ruleId"] == "MR-R312"
    assert "Good:" in sarif["tool"]["driver"]["rules"][0]["help"]["markdown"]
    junit = Xml.fromstring(run(command, "--format", "junit", REFUSED, SOUND).stdout)  # noqa: S314 - ours
    assert (junit.get("tests"), junit.get("failures")) == ("2", "1")
    assert "title=MR-R312::" in run(command, "--format", "github", REFUSED).stdout
    assert run(command, "--format", "github", SOUND).stdout == ""


def test_against_a_former_book() -> None:
    """`--against` finds what moved far."""
    path = MEANING / "MR-L130-threshold-moved-far.yaml"
    assert run("lint", path).exit_code == 0
    result = run("lint", "--against", SOUND, path)
    assert result.exit_code == 1
    assert "warning[MR-L130]: below of step 'call' was 120% and is 135%" in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["lint"],
        ["lint", "absent.yaml"],
        ["lint", SOUND, "--against-active"],
        ["lint", SOUND, "--against", SOUND, "--against-active", "--address", "127.0.0.1:1"],
        ["lint", SOUND, "--format", "yaml"],
    ],
)
def test_wrong_usage(words: list[Any]) -> None:
    """Wrong usage ends with 2, and says what is missing."""
    assert run(*words).exit_code == 2


def test_server_judges_the_same() -> None:
    """With an address the server judges, with the same result; it has the active book to compare with."""
    with serving() as (_, address):
        for file in (SOUND, WARNED, REFUSED):
            local, remote = run("lint", file), run("lint", "--address", address, file)
            assert (remote.stdout, remote.exit_code) == (local.stdout, local.exit_code)
        far = run("lint", "--address", address, "--against-active", "--json", SOUND)
        (found,) = map(json.loads, far.stdout.splitlines())
        assert {one["rule"] for one in found["findings"]} >= {"MR-L134"}
        beside = run("lint", "--against", SMALLEST, "--json", SOUND)
        assert beside.stdout == far.stdout
    assert run("lint", "--address", address, SOUND).exit_code == 69


def test_page_of_a_rule() -> None:
    """A rule's page is shown, however the rule is spelt; all of them are listed."""
    page = run("rule", "mr112")
    assert page.exit_code == 0
    assert page.stdout.startswith("# MR-L112: rate of a table falls with size\n\nLevel: warning.\n")
    assert json.loads(run("rule", "--json", "R312").stdout)["title"] == "rate falls with size"
    listed = run("rule").stdout
    assert "MR-L190" in listed
    assert "MR-R410" in listed
    every = run("rule", "--json").stdout.splitlines()
    assert len(every) > 90
    assert run("rule", "L999").exit_code == 1
