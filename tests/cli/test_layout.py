# SPDX-License-Identifier: Apache-2.0
"""`marginrules fmt` and `marginrules schema`: what they write, what they print, and the codes they end with."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from marginrules.authoring.json_schema import schema_text
from marginrules.cli.main import main
from tests.cli.test_cli import lines, run
from tests.client.served import SMALLEST

TIDY = SMALLEST.read_bytes()
UNTIDY = TIDY.replace(b"currency: USD\n", b'currency:   "USD"\n')


@pytest.fixture
def untidy(tmp_path: Path) -> Path:
    """Write a rulebook that is not in the canonical layout."""
    path = tmp_path / "untidy.yaml"
    path.write_bytes(UNTIDY)
    path.chmod(0o640)
    return path


def test_fmt_writes_the_canonical_layout(untidy: Path) -> None:
    """A file is written once; again, there is nothing to do, and nothing is left beside it."""
    done = run("fmt", untidy)
    assert (done.exit_code, done.output) == (0, f"{untidy}: written\n")
    assert untidy.read_bytes() == TIDY
    assert stat.S_IMODE(untidy.stat().st_mode) == 0o640
    assert list(untidy.parent.iterdir()) == [untidy]
    done = run("fmt", untidy)
    assert (done.exit_code, done.output) == (0, "")


def test_fmt_check_names_the_files_and_writes_nothing(untidy: Path) -> None:
    """`--check` ends with 1 where a file would change, names it, and leaves it."""
    done = run("fmt", "--check", SMALLEST, untidy)
    assert (done.exit_code, done.output) == (1, f"{untidy}: not in the canonical layout\n")
    assert untidy.read_bytes() == UNTIDY
    assert run("fmt", "--check", SMALLEST).exit_code == 0


def test_fmt_shows_the_difference(untidy: Path) -> None:
    """`--diff` prints what changes, line by line."""
    done = run("fmt", "--check", "--diff", untidy)
    assert done.exit_code == 1
    assert '\n-currency:   "USD"\n+currency: USD\n' in done.output
    found = lines(run("fmt", "--check", "--diff", "--json", untidy, SMALLEST))
    assert [(one["file"], one["changed"], bool(one["diff"])) for one in found] == [
        (str(untidy), True, True),
        (str(SMALLEST), False, False),
    ]


def test_fmt_reads_standard_input() -> None:
    """With - the text goes from standard input to standard output, changed or not."""
    for content in (UNTIDY, TIDY):
        done = CliRunner().invoke(main, ["fmt", "-"], input=content)
        assert (done.exit_code, done.stdout_bytes) == (0, TIDY)


def test_fmt_refuses_what_it_cannot_read(tmp_path: Path, untidy: Path) -> None:
    """A file that is no YAML is reported at its place and left; the others are written all the same."""
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(b"rulebook: [a\n")
    done = run("fmt", broken, untidy)
    assert done.exit_code == 1
    assert f"{broken}:1:11: error[MR-R201]" in done.output
    assert broken.read_bytes() == b"rulebook: [a\n"
    assert untidy.read_bytes() == TIDY
    (found,) = lines(run("fmt", "--json", broken))
    assert "MR-R100" in found["problem"]


def test_schema_is_printed_and_written(tmp_path: Path) -> None:
    """The schema goes to the screen, or to a file in a folder that is made for it; the modeline is told."""
    assert run("schema").stdout == schema_text()
    output = tmp_path / ".marginrules" / "rulebook.schema.json"
    done = run("schema", "--output", output)
    assert done.exit_code == 0
    assert f"# yaml-language-server: $schema={output}" in done.output
    assert output.read_text(encoding="utf-8") == schema_text()
    (found,) = lines(run("schema", "--json", "--output", output))
    assert found == {"file": str(output), "modeline": f"# yaml-language-server: $schema={output}"}
    assert json.loads(output.read_text(encoding="utf-8"))["title"] == "Rulebook"
