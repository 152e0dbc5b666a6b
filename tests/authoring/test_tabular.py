# SPDX-License-Identifier: Apache-2.0
"""Spreadsheets: what goes out comes back without a change, and each change comes back as exactly that change."""

from __future__ import annotations

import difflib
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from marginrules.authoring.sheets import read_csv, read_xlsx, write_csv, write_xlsx
from marginrules.authoring.tabular import PLACE, Table, review, tables_of
from marginrules.errors import InputError
from marginrules.rulebook import load, validate

RULES = Path(__file__).parent.parent.parent / "rules"
BOOKS = sorted(RULES.glob("*/rulebook.yaml"))[::3]
CRYPTO = (RULES / "crypto-derivatives" / "rulebook.yaml").read_bytes()
Tables = dict[str, list[list[Any]]]


def by_xlsx(tables: tuple[Table, ...]) -> Tables:
    """Send tables through a workbook."""
    return {name: [list(row) for row in rows] for name, rows in read_xlsx(write_xlsx(tables)).items()}


def by_csv(tables: tuple[Table, ...]) -> Tables:
    """Send tables through CSV files."""
    return {name: [list(row) for row in rows] for name, rows in read_csv(write_csv(tables)).items()}


WAYS = pytest.mark.parametrize("way", [by_xlsx, by_csv])
Way = Callable[[tuple[Table, ...]], Tables]


def crypto(way: Way = by_xlsx) -> Tables:
    """Return the tables of crypto-derivatives after a round trip."""
    return way(tables_of(CRYPTO, "book.yaml"))


def row_of(table: list[list[Any]], place: str) -> list[Any]:
    """Return a row by its place."""
    return next(row for row in table if row[0] == place)


def column(table: list[list[Any]], heading: str) -> int:
    """Return the number of a column."""
    return table[0].index(heading)


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """Return the lines that differ, with - and +."""
    pairs = difflib.ndiff(before.decode().splitlines(), after.decode().splitlines())
    return [line for line in pairs if line.startswith(("-", "+"))]


@WAYS
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.parent.name)
def test_what_goes_out_comes_back_unchanged(path: Path, way: Way) -> None:
    """A round trip of any shipped book is no change at all."""
    content = path.read_bytes()
    found = review(content, path.name, way(tables_of(content, path.name)))
    assert found.changes == ()
    assert found.content == content


@WAYS
def test_a_changed_value_is_one_line(way: Way) -> None:
    """A rate, an amount, a ratio and a word each change their line alone, spelt as their neighbours are."""
    for name, place, heading, value, lines in (
        (
            "tiers",
            "products > btc_perpetual > margin > tiers > 1",
            "initial",
            Decimal("0.0125"),
            ["to: 3_000_000, initial: 1.0%,", "to: 3_000_000, initial: 1.25%,"],
        ),
        (
            "tiers",
            "products > btc_perpetual > margin > tiers > 1",
            "to",
            Decimal(3_500_000),
            ["to: 3_000_000", "to: 3_500_000"],
        ),
        ("steps", "ladders > perpetuals > steps > initial_call", "below", "118%", ["below: 120%", "below: 118%"]),
        ("steps", "ladders > perpetuals > steps > initial_call", "deadline", "6h", ["deadline: 4h", "deadline: 6h"]),
        ("steps", "overrides > 1 > ladder > initial_call", "deadline", "9h", ["deadline: 8h", "deadline: 9h"]),
        ("values", "collateral > BTC > cap", "value", Decimal(60_000_000), ["cap: 50_000_000", "cap: 60_000_000"]),
        ("haircuts and tables", "collateral > BTC > haircut > 0", "rate", "6%", ["rate: 5%", "rate: 6%"]),
    ):
        tables = crypto(way)
        row_of(tables[name], place)[column(tables[name], heading)] = value
        found = review(CRYPTO, "book.yaml", tables)
        (change,) = found.changes
        before, after = changed_lines(CRYPTO, found.content)
        assert lines[0] in before
        assert lines[1] in after
        assert CRYPTO.decode().splitlines()[change.line - 1] == before[2:]
        assert not validate(found.content, "book.yaml")


def test_numbers_that_only_look_different_are_no_change() -> None:
    """5% typed as 0.05, 300_000 as 3e5 and 4h as 240m say the same."""
    tables = crypto()
    tiers = tables["tiers"]
    row = row_of(tiers, "products > btc_perpetual > margin > tiers > 0")
    row[column(tiers, "to")], row[column(tiers, "initial")] = "300_000", "80 bps"
    step = row_of(tables["steps"], "ladders > perpetuals > steps > initial_call")
    step[column(tables["steps"], "below")] = Decimal("1.2")
    assert review(CRYPTO, "book.yaml", tables).changes == ()


@WAYS
def test_tiers_are_added_and_taken_out(way: Way) -> None:
    """A new row without a place becomes a tier behind the row above it; a missing row takes its line out."""
    tables = crypto(way)
    tiers = tables["tiers"]
    at = tiers.index(row_of(tiers, "products > btc_perpetual > margin > tiers > 2"))
    tiers.insert(at, [None, Decimal(6_000_000), "1.5%", Decimal("0.0075")])
    tiers.remove(row_of(tiers, "products > eth_perpetual > margin > tiers > 1"))
    found = review(CRYPTO, "book.yaml", tables)
    assert [line.strip() for line in changed_lines(CRYPTO, found.content)] == [
        "+         - {to: 6_000_000, initial: 1.5%, maintenance: 0.75%}",
        "-         - {to: 2_000_000, initial: 2.0%, maintenance: 1.0%}",
    ]
    assert [(one.before, one.after) for one in found.changes] == [
        ("", "- {to: 6_000_000, initial: 1.5%, maintenance: 0.75%}"),
        ("- {to: 2_000_000, initial: 2.0%, maintenance: 1.0%}", ""),
    ]
    compiled = load(found.content, "book.yaml").margin_tiers[0]
    assert sorted(len(one) for one in compiled) == [2, 3, 3, 3, 6]


def test_a_new_first_tier_stands_first() -> None:
    """A new row above all others of its table becomes the first item."""
    tables = crypto()
    tables["tiers"].insert(1, [None, Decimal(100_000), "0.4%", "0.2%"])
    added = [line for line in changed_lines(CRYPTO, review(CRYPTO, "book.yaml", tables).content) if line[0] == "+"]
    assert added == ["+         - {to: 100_000, initial: 0.4%, maintenance: 0.2%}"]


def test_what_would_break_the_book_is_for_the_check_to_say() -> None:
    """A change that makes an unsound book comes back as that change; the check refuses the text at its place."""
    tables = crypto()
    tiers = tables["tiers"]
    row_of(tiers, "products > btc_perpetual > margin > tiers > 0")[column(tiers, "initial")] = "0.1%"
    found = review(CRYPTO, "book.yaml", tables)
    (problem,) = validate(found.content, "book.yaml")
    assert (problem.code, problem.place.line) == ("MR-R313", found.changes[0].line)


def _emptied(tables: Tables) -> None:
    tables["steps"][1][1] = None


def _filled(tables: Tables) -> None:
    tables["steps"][1][column(tables["steps"], "target")] = "110%"


def _renamed(tables: Tables) -> None:
    tables["steps"][0][1] = "bellow"


def _strange(tables: Tables) -> None:
    tables["steps"][1][0] = "ladders > perpetuals > steps > nothing"


def _twice(tables: Tables) -> None:
    tables["tiers"].append(list(tables["tiers"][1]))


def _shorter(tables: Tables) -> None:
    del tables["steps"][2]


def _other(tables: Tables) -> None:
    row_of(tables["rulebook"], "text")[1] = "0" * 64


def _nameless(tables: Tables) -> None:
    del tables["rulebook"]


def _unknown(tables: Tables) -> None:
    tables["Sheet1"] = []


def _number(tables: Tables) -> None:
    tables["steps"][1][column(tables["steps"], "below")] = "one hundred"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_emptied, "was emptied"),
        (_filled, "has no value in the rulebook"),
        (_renamed, "had no column 'below'"),
        (_strange, "is not in the rulebook"),
        (_twice, "was given twice"),
        (_shorter, "was taken out of table 'steps'"),
        (_other, "as it was before, or of another rulebook"),
        (_nameless, "the table 'rulebook' was missing"),
        (_unknown, "a table was named 'Sheet1'"),
    ],
)
def test_what_has_a_place_in_no_cell_is_refused(spoil: Callable[[Tables], None], said: str) -> None:
    """Nothing is guessed: each refusal names the row or the table."""
    tables = crypto()
    spoil(tables)
    with pytest.raises(InputError, match=said):
        review(CRYPTO, "book.yaml", tables)


def test_nonsense_comes_back_as_a_change_that_the_check_refuses() -> None:
    """A word where a ratio stands is shown as what it is, and is no rulebook any more."""
    tables = crypto()
    _number(tables)
    found = review(CRYPTO, "book.yaml", tables)
    assert found.changes[0].after == "one hundred"
    assert validate(found.content, "book.yaml")


def test_a_changed_rulebook_refuses_older_tables() -> None:
    """Tables of a text that has changed since are refused, also where the change has no meaning."""
    other = CRYPTO.replace(b"# mildest first", b"# the mildest first")
    assert other != CRYPTO
    with pytest.raises(InputError, match="as it was before"):
        review(other, "book.yaml", crypto())


def test_formulas_are_read_as_values_and_never_written() -> None:
    """A formula without a saved value is refused; a text that begins with = goes out as text."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("tiers")
    sheet.append([PLACE, "to"])
    sheet.append(["x", "=1+1"])
    written = io.BytesIO()
    book.save(written)
    with pytest.raises(InputError, match="B2 of table 'tiers' has a formula"):
        read_xlsx(written.getvalue())
    made = write_xlsx((Table("t", ("at",), ("text",), (("=1+1",),)),))
    assert openpyxl.load_workbook(io.BytesIO(made))["t"]["A2"].data_type == "s"


def test_hostile_files_are_refused() -> None:
    """What is no workbook, is cut off, or unpacks to too much is refused in words."""
    whole = write_xlsx(tables_of(CRYPTO, "book.yaml"))
    for content in (b"", b"PK", b"not a workbook", whole[:-100], whole[: len(whole) // 2]):
        with pytest.raises(InputError, match="not a workbook"):
            read_xlsx(content)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (65 << 20))
    with pytest.raises(InputError, match="unpacks to"):
        read_xlsx(bomb.getvalue())
    with pytest.raises(InputError, match="not UTF-8"):
        read_csv({"tiers.csv": b"\xff\xfe"})
    with pytest.raises(InputError, match="is not CSV"):
        read_csv({"tiers.csv": b'a,"b'})
