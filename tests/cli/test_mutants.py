# SPDX-License-Identifier: Apache-2.0
"""`marginrules test --mutants` and `--boundaries`: what survives, exit codes, JSON, and the file that is written."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from marginrules.authoring.cases import read_cases
from marginrules.authoring.cases.mutation import MutationResult
from marginrules.client import Client
from marginrules.errors import CasesError, RulebookError
from tests.cli.test_cli import lines, run
from tests.client.served import ROOT, serving

BOOK = ROOT / "rules" / "smallest"


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """Copy the smallest book with the cases that people wrote, without its boundary cases."""
    for name in ("rulebook.yaml", "cases.yaml"):
        shutil.copy(BOOK / name, tmp_path / name)
    return tmp_path


def test_survivors_are_shown_with_a_case_that_would_notice(alone: Path) -> None:
    """What no case notices stands with its line; below the threshold the exit code is 1, above it 0."""
    result = run("test", alone / "rulebook.yaml", "--mutants", "--jobs", "1")
    assert result.exit_code == 1
    assert f"survived  {alone / 'rulebook.yaml'}:" in result.stdout
    assert "this case would notice it:" in result.stdout
    assert run("test", alone, "--mutants", "--jobs", "1", "--threshold", "50%").exit_code == 0


def test_boundaries_are_written_and_notice_every_mutant(alone: Path) -> None:
    """The boundary cases stand beside the book, run as its cases do, and notice every mutant of it."""
    printed = run("test", alone / "rulebook.yaml", "--boundaries", "--jobs", "1")
    assert printed.exit_code == 0
    assert read_cases(printed.stdout.encode(), "boundaries.yaml").cases
    assert run("test", alone, "--boundaries", "--write", "--jobs", "1").exit_code == 0
    assert (alone / "boundaries.yaml").read_text(encoding="utf-8") == printed.stdout
    assert run("test", alone).exit_code == 0
    result = run("test", alone, "--mutants", "--jobs", "1", "--json")
    assert result.exit_code == 0
    (found,) = lines(result)
    assert [one["survivors"] for one in found["books"]] == [[]]


def test_a_book_is_needed(tmp_path: Path) -> None:
    """A folder without a rulebook is wrong usage."""
    assert run("test", tmp_path, "--boundaries").exit_code == 2


def test_a_server_finds_the_same(alone: Path) -> None:
    """With an address the server tries the mutants and makes the cases, of a text or of its active book."""
    with serving() as (_, address), Client(address) as client:
        local = run("test", alone, "--mutants", "--jobs", "1", "--json")
        remote = run("test", alone, "--mutants", "--jobs", "1", "--json", "--address", address)
        assert lines(remote) == lines(local)
        here = run("test", alone, "--boundaries", "--jobs", "1").stdout
        assert run("test", alone, "--boundaries", "--jobs", "1", "--address", address).stdout == here
        cases = {"cases.yaml": (alone / "cases.yaml").read_bytes()}
        *told, found = client.run_mutants(cases, at_most=5, processes=1)
        assert isinstance(found, MutationResult)
        assert len(found.tried) + len(found.left_out) == 5
        assert told[-1] == (5, 5)
        with pytest.raises(CasesError):
            list(client.run_mutants({"cases.yaml": b"cases: 3\n"}, processes=1))
        with pytest.raises(RulebookError):
            list(client.make_boundary_cases({}, b"rulebook: x\n", processes=1))
