# SPDX-License-Identifier: Apache-2.0
"""`docs`, `export` and `import`, of files and of a server."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

from marginrules.client import Client
from marginrules.errors import InputError, RulebookError
from tests.cli.test_cli import lines, run
from tests.client.served import SMALLEST, serving


@pytest.fixture
def rulebook(tmp_path: Path) -> Path:
    """A rulebook of its own."""
    return Path(shutil.copy(SMALLEST, tmp_path / "rulebook.yaml"))


def changed(path: Path, table: str, heading: str, value: object) -> None:
    """Change the first value of a column of a workbook."""
    book = openpyxl.load_workbook(path)
    sheet = book[table]
    column = next(cell.column for cell in sheet[1] if cell.value == heading)
    row = next(row for row in range(2, 99) if sheet.cell(row, column).value is not None)
    sheet.cell(row, column).value = value  # type: ignore[assignment]
    book.save(path)


def test_docs(rulebook: Path, tmp_path: Path) -> None:
    """A page on the screen or in a file; a refused rulebook is told as by `check`."""
    assert run("docs", rulebook).stdout.startswith("<!doctype html>")
    shown = run("docs", rulebook, "--format", "markdown")
    assert shown.stdout.startswith("# smallest\n")
    assert run("docs", rulebook, "--output", tmp_path / "page.html").exit_code == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == run("docs", rulebook).stdout
    rulebook.write_text("rulebook: x\n", encoding="utf-8")
    refused = run("docs", rulebook)
    assert refused.exit_code == 1
    assert "MR-R302" in refused.stderr
    assert run("docs").exit_code == 2


def test_out_and_in_again(rulebook: Path, tmp_path: Path) -> None:
    """A changed cell is shown with its line and its meaning; it is written only when that is asked for."""
    path = tmp_path / "out.xlsx"
    assert run("export", rulebook, "--output", path).exit_code == 0
    assert run("import", rulebook, path).stdout == "no change\n"
    before = rulebook.read_bytes()
    changed(path, "steps", "below", 1.21)
    shown = run("import", rulebook, path)
    assert shown.exit_code == 0
    assert f"{rulebook}:23: ladders main steps margin call below: 120% -> 121%" in shown.stdout
    assert "STRICTER" in shown.stdout
    assert "not written" in shown.stdout
    assert rulebook.read_bytes() == before
    (found,) = lines(run("import", rulebook, path, "--write", "--json"))
    assert found["written"] is True
    assert rulebook.read_bytes() == before.replace(b"below: 120%", b"below: 121%")
    again = run("import", rulebook, path)
    assert again.exit_code == 1
    assert "MR-I163" in again.stderr


def test_what_the_check_refuses_is_not_written(rulebook: Path, tmp_path: Path) -> None:
    """An unsound change is shown with its diagnostic, and the file stays."""
    path = tmp_path / "out.xlsx"
    run("export", rulebook, "--output", path)
    changed(path, "tiers", "maintenance", 0.9)
    before = rulebook.read_bytes()
    refused = run("import", rulebook, path, "--write")
    assert refused.exit_code == 1
    assert "MR-R313" in refused.stdout
    assert "not written" in refused.stdout
    assert rulebook.read_bytes() == before


def test_csv(rulebook: Path, tmp_path: Path) -> None:
    """CSV goes to a folder, a file for each table, and comes back from there."""
    folder = tmp_path / "tables"
    assert run("export", rulebook, "--csv", folder).exit_code == 0
    tiers = folder / "tiers.csv"
    text = tiers.read_text(encoding="utf-8")
    tiers.write_text(text.replace("10%", "11%", 1), encoding="utf-8")
    shown = run("import", rulebook, *sorted(folder.iterdir()))
    assert "10% -> 11%" in shown.stdout
    assert run("export", rulebook).exit_code == 2


def test_the_same_by_a_server(rulebook: Path, tmp_path: Path) -> None:
    """With an address, the server does it; of its own rulebook it tells who did what."""
    with serving() as (_, address), Client(address) as client:
        page = run("docs", "--address", address, "--format", "markdown").stdout
        assert "Who did what" in page
        assert "activated revision 1" in page
        assert run("docs", rulebook, "--address", address).stdout == run("docs", rulebook).stdout
        path = tmp_path / "active.xlsx"
        assert run("export", "--address", address, "--output", path).exit_code == 0
        changed(path, "steps", "below", 1.21)
        local, remote = run("import", rulebook, path), run("import", "--address", address, rulebook, path)
        assert local.stdout == remote.stdout
        found = client.review_tables({"a.xlsx": path.read_bytes()})
        assert [(one.before, one.after) for one in found.changes] == [("120%", "121%")]
        assert client.describe_rulebook(style="markdown").startswith("# smallest")
        assert "tiers.csv" in client.export_tables(style="csv")
        with pytest.raises(RulebookError):
            client.describe_rulebook(b"rulebook: x\n")
        with pytest.raises(InputError, match="revision 7"):
            client.export_tables(revision=7)
