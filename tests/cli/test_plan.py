# SPDX-License-Identifier: Apache-2.0
"""`marginrules plan` and `apply`: what they print, and the codes they end with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marginrules.cli.main import main
from tests.client.served import SMALLEST, serving

PERSON = ("--who", "J. Doe", "--why", "RISK-412")


def run(*words: object) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """Write a stricter rulebook."""
    path = tmp_path / "new.yaml"
    path.write_bytes(SMALLEST.read_bytes().replace(b"initial: 10%", b"initial: 12%", 1))
    return path


def test_plan_compares_two_files(edited: Path, tmp_path: Path) -> None:
    """Without a server; exit code 2 where a decision changes and that was asked for."""
    result = run("plan", edited, "--against", SMALLEST, "--lines", "-o", tmp_path / "p.plan")
    assert result.exit_code == 0, result.output
    for part in (
        "STRICTER",
        "perpetual",
        "initial margin",
        "10%",
        "12%",
        "stricter: 1 change",
        "+        - {to:",
        "saved",
    ):
        assert part in result.output
    assert run("plan", edited, "--against", SMALLEST, "--detailed-exitcode").exit_code == 2
    data = json.loads(run("plan", edited, "--against", SMALLEST, "--json").output)
    assert data["verdict"] == "stricter"
    assert data["changes"][0]["range"] == "any notional"


def test_an_edit_of_units_and_comments_is_equivalent(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_bytes(b"# more\n" + SMALLEST.read_bytes().replace(b"10%", b"1000 bps"))
    result = run("plan", path, "--against", SMALLEST, "--detailed-exitcode")
    assert result.exit_code == 0
    assert "equivalent: no account can get a different decision" in result.output


def test_problems_of_a_text_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_bytes(SMALLEST.read_bytes().replace(b"restrict", b"restict"))
    result = run("plan", path, "--against", SMALLEST)
    assert result.exit_code == 1
    assert "restrict" in result.output


def test_apply_does_what_the_plan_says_or_nothing(edited: Path, tmp_path: Path) -> None:
    """Against a server: once, and not again, with the difference shown."""
    with serving() as (_, address):
        to, saved = ("--address", address), tmp_path / "p.plan"
        planned = run("plan", edited, "-o", saved, *to)
        assert planned.exit_code == 0, planned.output
        done = run("apply", saved, *PERSON, *to)
        assert done.exit_code == 0, done.output
        assert "active: revision 2" in done.output
        again = run("apply", saved, *PERSON, *to)
        assert again.exit_code == 1
        assert "MR-I140" in again.output
        assert "STRICTER perpetual: initial margin 10% to 1_000_000, then 20% -> 12% to" in again.output
        saved.write_bytes(saved.read_bytes().replace(b"12%", b"13%"))
        assert "MR-I141" in run("apply", saved, *PERSON, *to).output
        nothing = run("plan", edited, "--detailed-exitcode", *to)
        assert nothing.exit_code == 0, nothing.output
