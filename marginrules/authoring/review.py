# SPDX-License-Identifier: Apache-2.0
"""Files of a spreadsheet: made of a rulebook, and reviewed against it when they come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marginrules.authoring.plan.words import comparison_words
from marginrules.authoring.sheets import read_csv, read_xlsx, write_csv, write_xlsx
from marginrules.authoring.tabular import CellChange, review, tables_of
from marginrules.errors import InputError, RulebookError
from marginrules.rulebook import Diagnostic, load
from marginrules.rulebook.compare import compare


@dataclass(frozen=True, slots=True)
class Review:
    """
    Carry what tables that came back would change.

    Args:
        content: the text with all changes.
        diagnostics: why that text is no sound rulebook; none where it is.
        comparison: what the changes mean for decisions, line by line; none where there are diagnostics.
    """

    changes: tuple[CellChange, ...]
    content: bytes
    diagnostics: tuple[Diagnostic, ...]
    comparison: tuple[str, ...]


def export(content: bytes, file: str, style: str) -> dict[str, bytes]:
    """
    Return the files of a rulebook's tables: one workbook ("xlsx"), or a file for each table ("csv").

    Raises:
        RulebookError: the text is not a sound rulebook.
        InputError: the library for XLSX is not installed.
    """
    tables = tables_of(content, file)
    if style == "csv":
        return write_csv(tables)
    name = tables[0].rows[0][1]
    return {f"{name}.xlsx": write_xlsx(tables)}


def review_files(content: bytes, file: str, files: Mapping[str, bytes]) -> Review:
    """
    Review files that came back: one workbook, or CSV files.

    Raises:
        RulebookError: the text is not a sound rulebook.
        InputError: the files cannot be read, are of another text, or change what has a place in no cell.
    """
    workbooks = [name for name in files if name.lower().endswith(".xlsx")]
    if workbooks and len(files) > 1:
        raise InputError("MR-I164", f"{len(files)} files were given", "give one workbook, or only CSV files")
    if not files:
        raise InputError("MR-I163", "no file was given", "give a workbook, or CSV files")
    tables = read_xlsx(files[workbooks[0]]) if workbooks else read_csv(files)
    found = review(content, file, tables)
    before = load(content, file)
    try:
        after = load(found.content, file)
    except RulebookError as error:
        return Review(found.changes, found.content, error.diagnostics, ())
    return Review(found.changes, found.content, (), comparison_words(compare(before, after)))
