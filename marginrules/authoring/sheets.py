# SPDX-License-Identifier: Apache-2.0
"""
Tables as XLSX and CSV files and back; the only file that knows openpyxl, which comes with the extra `sheets`.

Values only: formulas of a spreadsheet are read as what they last came to, and nothing of a file is ever carried out.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import ModuleType

from marginrules.authoring.tabular import Cell, Kind, Table
from marginrules.errors import InputError
from marginrules.units import format_number

BYTES_MAX = 8 << 20
UNPACKED_MAX = 64 << 20
ROWS_MAX = 100_000
COLUMNS_MAX = 64
_FORMATS: dict[Kind, str] = {"rate": "0.00##%", "amount": "#,##0.########", "duration": "@", "text": "@"}
_DIGITS = 15  # that a double keeps, and so a spreadsheet
Rows = Sequence[Sequence[Cell]]


def _openpyxl() -> ModuleType:
    try:
        import openpyxl  # noqa: PLC0415 - an extra: only who asks for XLSX needs it
    except ImportError:
        hint = "pip install 'marginrules[sheets]', or use CSV"
        raise InputError("MR-I162", "the library for XLSX is not installed", hint) from None
    return openpyxl


def write_xlsx(tables: Sequence[Table]) -> bytes:
    """
    Write tables as one workbook, a sheet for each.

    Raises:
        InputError: the library is not installed.
    """
    openpyxl = _openpyxl()
    book = openpyxl.Workbook()
    book.remove(book.active)
    for table in tables:
        sheet = book.create_sheet(table.name)
        sheet.append(list(table.headings))
        for row in table.rows:
            sheet.append([None] * len(row))
            for number, (cell, kind) in enumerate(zip(row, table.kinds, strict=True), start=1):
                place = sheet.cell(sheet.max_row, number)
                place.number_format = _FORMATS[kind]
                place.value = _spreadsheet_value(cell)
                if isinstance(place.value, str):
                    place.data_type = "s"  # never a formula, whatever it begins with
        sheet.freeze_panes = "B2"
        for number, heading in enumerate(table.headings, start=1):
            longest = max((len(str(row[number - 1] or "")) for row in table.rows), default=0)
            letter = openpyxl.utils.get_column_letter(number)
            sheet.column_dimensions[letter].width = min(max(len(heading), longest) + 2, 60)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _spreadsheet_value(cell: Cell) -> float | str | None:
    if not isinstance(cell, Decimal):
        return cell
    # A number that a double does not hold to the last digit stays text: it must come back as it went.
    return float(cell) if Decimal(f"{float(cell):.{_DIGITS}g}") == cell else format_number(cell)


def read_xlsx(content: bytes) -> dict[str, Rows]:
    """
    Read a workbook.

    Raises:
        InputError: it is none, too large, or has a formula whose value was not saved.
    """
    openpyxl = _openpyxl()
    _check_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False)
        tables: dict[str, Rows] = {}
        for sheet in book.worksheets:
            asked = formulas[sheet.title].iter_rows(max_row=ROWS_MAX + 1, max_col=COLUMNS_MAX)
            rows = sheet.iter_rows(max_row=ROWS_MAX + 1, max_col=COLUMNS_MAX)
            tables[sheet.title] = [
                [_read_cell(cell, was, sheet.title) for cell, was in zip(row, source, strict=False)]
                for row, source in zip(rows, asked, strict=False)
            ]
            if len(tables[sheet.title]) > ROWS_MAX:
                raise InputError("MR-I164", f"table {sheet.title!r} had more than {ROWS_MAX:,} rows")
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the library raises whatever a broken file makes it stumble over
        message = f"the file is not a workbook: {type(error).__name__}"
        raise InputError("MR-I164", message, "save it as XLSX") from None
    return tables


def _check_archive(content: bytes) -> None:
    if len(content) > BYTES_MAX:
        raise InputError("MR-I164", f"the workbook had {len(content):,} bytes", f"allowed: {BYTES_MAX:,}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
    except zipfile.BadZipFile:
        raise InputError("MR-I164", "the file is not a workbook", "save it as XLSX") from None
    if unpacked > UNPACKED_MAX:
        raise InputError("MR-I164", f"the workbook unpacks to {unpacked:,} bytes", f"allowed: {UNPACKED_MAX:,}")


def _read_cell(cell: object, source: object, table: str) -> Cell:
    value, asked = getattr(cell, "value", None), getattr(source, "value", None)
    place = f"{getattr(source, 'coordinate', '')} of table {table!r}"
    if value is None and isinstance(asked, str) and asked.startswith("="):
        raise InputError("MR-I164", f"{place} has a formula whose value was not saved", "save it in a spreadsheet")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Decimal(f"{value:.{_DIGITS}g}") if isinstance(value, float) else Decimal(value)
    raise InputError("MR-I164", f"{place} was {value}", "the spreadsheet took it for something else: make it text")


def write_csv(tables: Sequence[Table]) -> dict[str, bytes]:
    """Write tables as CSV, each a file: `tiers.csv` and so on; rates as 5%, so that a spreadsheet knows them."""
    files = {}
    for table in tables:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(table.headings)
        for row in table.rows:
            writer.writerow([_csv_value(cell, kind) for cell, kind in zip(row, table.kinds, strict=True)])
        files[f"{table.name}.csv"] = text.getvalue().encode()
    return files


def _csv_value(cell: Cell, kind: Kind) -> str:
    if isinstance(cell, Decimal):
        return f"{format_number(cell * 100)}%" if kind == "rate" else format_number(cell)
    return cell or ""


def read_csv(files: Mapping[str, bytes]) -> dict[str, Rows]:
    """
    Read CSV files by their names.

    Raises:
        InputError: one is not UTF-8, or too large.
    """
    tables: dict[str, Rows] = {}
    for name, content in files.items():
        if len(content) > BYTES_MAX:
            raise InputError("MR-I164", f"{name} had {len(content):,} bytes", f"allowed: {BYTES_MAX:,}")
        try:
            text = content.decode("utf-8-sig")
            rows = [[_csv_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text), strict=True)]
        except UnicodeDecodeError:
            raise InputError("MR-I164", f"{name} is not UTF-8", "save it as CSV UTF-8") from None
        except csv.Error as error:
            raise InputError("MR-I164", f"{name} is not CSV: {error}", "save it as CSV with commas") from None
        tables[name.removesuffix(".csv")] = rows
    return tables


def _csv_cell(text: str) -> Cell:
    try:
        found = Decimal(text) if text.strip() and text.strip()[-1].isdigit() and "_" not in text else None
    except InvalidOperation:
        found = None
    return text if found is None or not found.is_finite() else found
