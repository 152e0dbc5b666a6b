# SPDX-License-Identifier: Apache-2.0
"""The demonstration: what it tells, from wherever it is started."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from marginrules.cli import demo
from marginrules.cli.main import main
from marginrules.cli.story import SORTS


def test_tells_who_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From any directory: a day names an account of every sort, with amount, deadline and rule; a summary ends it."""
    monkeypatch.chdir(tmp_path)
    assert demo.run(accounts=200) == 0

    said = capsys.readouterr().out
    days, _, summary = said.partition("what became of them")
    rows = re.findall(r"^    (\w[a-z ]+?) +(\d+)   (A\d{4})  (.*?) +\[us-broker:\d+ (\w+)/(\w+)\]$", days, re.MULTILINE)
    what: dict[str, list[str]] = {}
    for sort, _count, _account, words, _ladder, _step in rows:
        what.setdefault(sort, []).append(words)
    assert what.keys() == SORTS.keys()
    due = r"[\d ]+(\.\d\d)? USD, due 2020-\d\d-\d\dT\d\d:\d\dZ"
    assert all(re.fullmatch(due, one) for sort in ("called", "called again", "left a call unmet") for one in what[sort])
    assert all(re.fullmatch(f"paid {due}", one) for one in what["met a call"])
    assert all(re.fullmatch(r"(buy|sell) \d+ \S+", one) for one in what["fully liquidated"] + what["partly liquidated"])
    assert {*what["restricted"]} == {"reduce only", "blocked"}
    for sort in SORTS:
        assert re.search(rf"{sort} +│ +[1-9]", summary)
    assert "0 differences" in summary


def test_missing_rulebook_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without its rulebooks says what is missing."""
    monkeypatch.setattr(demo.run, "__defaults__", (tmp_path / "absent.yaml", 10, False))
    result = CliRunner().invoke(main, ["demo"])

    assert result.exit_code == 2
    assert "absent.yaml is missing" in result.stderr
