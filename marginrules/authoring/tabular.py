# SPDX-License-Identifier: Apache-2.0
"""
The numbers of a rulebook as tables for a spreadsheet, and tables back as changes of single values.

The YAML stays the source of truth: a table never becomes a rulebook by itself. What comes back is compared value by
value with the very text the tables were made of, and what differs is a list of changes with the line each would be on.
Numbers that only look different (0.05 for 5%) are no change. Beyond single values, tiers may be added and taken out;
anything else that has a place in no cell is changed in the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from marginrules.authoring.edit import Path, readable, set_value, values
from marginrules.errors import InputError
from marginrules.rulebook import parse
from marginrules.rulebook.compile import analyse
from marginrules.rulebook.fields import grouped
from marginrules.units import format_number, parse_duration_ns, parse_number, parse_rate

Kind = Literal["rate", "amount", "duration", "text"]
Cell = Decimal | str | None  # of a spreadsheet: a number, a text, or nothing
PLACE = "at"  # heading of the column that says which row of the text a row is
_ABOUT = "rulebook"
_BETWEEN = " > "
_RATES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Column:
    """Describe a column: its heading, where its values stand below a row's path, and how they are written."""

    heading: str
    path: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Layout:
    """
    Describe a table: the paths of its rows, `*` for any name and `#` for any number, and its columns.

    Args:
        is_list: its rows are items of lists, which may be added and taken out.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Carry a table: headings, how each column is written, and rows of cells; the first column is `PLACE`."""

    name: str
    headings: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class CellChange:
    """Carry one change: the line it is on, what it is of in words, and the text before and after; "" for none."""

    line: int
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Carry what came back from a spreadsheet: the changes, and the text with all of them."""

    changes: tuple[CellChange, ...]
    content: bytes


_TO = Column("to", ("to",), "amount")
_STEP = (
    Column("below", ("below",), "rate"),
    Column("clear", ("clear",), "rate"),
    Column("for", ("for",), "duration"),
    Column("deadline", ("deadline",), "text"),
    Column("restore", ("call", "restore"), "text"),
    Column("minimum transfer", ("call", "minimum_transfer"), "amount"),
    Column("round to", ("call", "round_to"), "amount"),
    Column("fraction", ("liquidate", "fraction"), "rate"),
    Column("target", ("liquidate", "target"), "rate"),
    Column("until", ("liquidate", "until"), "rate"),
    Column("every", ("liquidate", "every"), "duration"),
)
LAYOUTS = (
    Layout(
        "tiers",
        (("products", "*", "margin", "tiers", "#"), ("overrides", "#", "margin", "tiers", "#")),
        (_TO, Column("initial", ("initial",), "rate"), Column("maintenance", ("maintenance",), "rate")),
        is_list=True,
    ),
    Layout(
        "haircuts and tables",
        (("collateral", "*", "haircut", "#"), ("tables", "*", "#")),
        (_TO, Column("rate", ("rate",), "rate")),
        is_list=True,
    ),
    Layout("steps", (("ladders", "*", "steps", "*"), ("overrides", "#", "ladder", "*")), _STEP),
    Layout(
        "values",
        (
            ("marks", "max_age"),
            ("increment",),
            ("constants", "*"),
            ("parameters", "*", "*"),
            ("collateral", "*", "haircut"),
            ("collateral", "*", "haircut", "*"),
            ("collateral", "*", "cap"),
            ("collateral", "*", "concentration"),
            ("collateral", "*", "liability"),
            ("collateral", "*", "volatility", "*"),
            ("collateral", "*", "utilisation", "*"),
            ("products", "*", "max_age"),
            ("products", "*", "margin", "open_interest", "*"),
            ("overrides", "#", "margin", "scale"),
        ),
        (Column("value", (), "text"),),
    ),
)


def tables_of(content: bytes, file: str) -> tuple[Table, ...]:
    """
    Lay the numbers of a rulebook out as tables; the first one says which rulebook they are of.

    Raises:
        RulebookError: the text is not a sound rulebook.
    """
    program = analyse(content, file).program
    about: tuple[tuple[Cell, ...], ...] = (
        ("name", program.name),
        ("digest", program.digest),
        ("file", file),
        ("text", _hash(content)),
    )
    made = [Table(_ABOUT, (PLACE, "is"), ("text", "text"), about)]
    texts = dict(values(content))
    for layout in LAYOUTS:
        rows = [_row(layout, place, texts) for place in _places(layout, texts)]
        kinds: tuple[Kind, ...] = ("text", *(column.kind for column in layout.columns))
        headings = (PLACE, *(column.heading for column in layout.columns))
        if rows:
            made.append(Table(layout.name, headings, kinds, tuple(rows)))
    return tuple(made)


def _hash(content: bytes) -> str:
    """Return what tells one text from another: rows are found by their place in it, which the digest leaves open."""
    return hashlib.sha256(content).hexdigest()


def _places(layout: Layout, texts: Mapping[Path, str]) -> list[Path]:
    """Return the path of each row, in the order of the text."""
    found: dict[Path, None] = {}
    for path in texts:
        for pattern in layout.rows:
            place = path[: len(pattern)]
            if _fits(place, pattern) and any(path[len(pattern) :] == column.path for column in layout.columns):
                found[place] = None
    return list(found)


def _fits(path: Path, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(
        isinstance(part, int) if wanted == "#" else isinstance(part, str) and wanted in ("*", part)
        for part, wanted in zip(path, pattern, strict=True)
    )


def _row(layout: Layout, place: Path, texts: Mapping[Path, str]) -> tuple[Cell, ...]:
    cells = [_cell(texts.get((*place, *column.path)), column.kind) for column in layout.columns]
    return (_named(place), *cells)


def _cell(text: str | None, kind: Kind) -> Cell:
    if text is None:
        return None
    number = {"rate": parse_rate, "amount": parse_number}.get(kind, lambda _: None)(text)
    return text if number is None else number


# And back


def review(content: bytes, file: str, tables: Mapping[str, Sequence[Sequence[Cell]]]) -> Reviewed:
    """
    Compare tables that came back with the rulebook they were made of.

    Args:
        tables: by name, rows with the headings first.

    Raises:
        RulebookError: the text is not a sound rulebook.
        InputError: the tables are of another rulebook or revision, or change what has a place in no cell.
    """
    analyse(content, file)
    _check_about(tables.get(_ABOUT), _hash(content))
    unknown = sorted(tables.keys() - {_ABOUT, *(layout.name for layout in LAYOUTS)})
    if unknown:
        raise InputError("MR-I164", f"a table was named {unknown[0]!r}", "leave the names of tables as they were")
    texts, lines = dict(values(content)), _lines_of(content, file)
    changes: list[CellChange] = []
    edited = content
    for layout in LAYOUTS:
        if layout.name not in tables:
            continue  # only part of the tables may come back
        for place, cells in _read_rows(layout, tables[layout.name], _places(layout, texts)):
            if place is None:
                continue
            for column, cell in zip(layout.columns, cells, strict=True):
                path = (*place, *column.path)
                change = _changed(layout, path, texts.get(path), cell)
                if change is not None:
                    changes.append(CellChange(lines[path], _words(path), texts[path], change))
                    edited = set_value(edited, path, change)
    for layout in LAYOUTS:
        if layout.name in tables:
            edited, more = _restructured(layout, edited, file, _places(layout, texts), tables[layout.name])
            changes += more
    return Reviewed(tuple(sorted(changes, key=lambda one: one.line)), edited)


def _check_about(rows: Sequence[Sequence[Cell]] | None, wanted: str) -> None:
    known = {str(row[0]): str(row[1]) for row in rows or () if len(row) > 1}
    if "text" not in known:
        message = f"the table {_ABOUT!r} was missing"
        raise InputError("MR-I163", message, "bring back the tables as they were exported, that one with them")
    if known["text"] != wanted:
        message = f"the tables are of {known.get('name', 'another rulebook')} as it was before, or of another rulebook"
        raise InputError("MR-I163", message, "export the rulebook as it is now, and make the changes in that")


_Row = tuple[Path | None, tuple[Cell, ...]]


def _read_rows(layout: Layout, rows: Sequence[Sequence[Cell]], known: Sequence[Path]) -> list[_Row]:
    """Return (path or None for a new row, cells) of a table; rows without anything are left out."""
    places = {_named(place): place for place in known}
    headings = [str(cell or "").strip() for cell in rows[0]] if rows else []
    try:
        order = [headings.index(name) for name in (PLACE, *(column.heading for column in layout.columns))]
    except ValueError as error:
        missing = str(error).split("'")[1] if "'" in str(error) else ""
        message = f"table {layout.name!r} had no column {missing!r}"
        raise InputError("MR-I164", message, "leave headings as they were") from None
    read: list[_Row] = []
    for row in rows[1:]:
        cells = [_stripped(row[index]) if index < len(row) else None for index in order]
        if any(cell is not None for cell in cells):
            if cells[0] is not None and str(cells[0]) not in places:
                message = f"row {cells[0]!r} of table {layout.name!r} is not in the rulebook"
                raise InputError("MR-I164", message, f"leave the column {PLACE!r} empty for a new row")
            read.append((None if cells[0] is None else places[str(cells[0])], tuple(cells[1:])))
    return read


def _stripped(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return cell.strip() or None
    return cell


def _named(place: Path) -> str:
    return _BETWEEN.join(str(part) for part in place)


def _changed(layout: Layout, path: Path, text: str | None, cell: Cell) -> str | None:
    """Return the text that a cell asks for, or None where it says what stands there."""
    if cell is None and text is None:
        return None
    where = f"{_words(path)} in table {layout.name!r}"
    if text is None:
        raise InputError("MR-I164", f"{where} has no value in the rulebook", "add the key in the text first")
    if cell is None:
        raise InputError("MR-I164", f"{where} was emptied", "take the key out in the text")
    return _respelt(text, cell, where)


def _respelt(text: str, cell: Cell, where: str) -> str | None:
    """Spell a cell as the text it replaces is spelt; None where both say the same."""
    new = format_number(cell) if isinstance(cell, Decimal) else str(cell)
    for read, spell in ((parse_rate, _as_rate), (parse_number, _as_number)):
        before, after = read(text), read(new)
        if before is not None and after is not None:
            return None if before == after else spell(after, text)
    if isinstance(cell, Decimal):
        raise InputError("MR-I164", f"{where} was the number {new}", f"write it as {text!r} is written")
    same_time = parse_duration_ns(text) is not None and parse_duration_ns(text) == parse_duration_ns(new)
    return None if new == text or same_time else new


def _as_rate(value: Decimal, text: str) -> str:
    if text.endswith("bps"):
        return f"{grouped(value * _RATES_MAX)} bps"
    return f"{grouped(value * 100)}%" if text.endswith("%") else _as_number(value, text)


def _as_number(value: Decimal, text: str) -> str:
    return grouped(value) if "_" in text or abs(value) >= _RATES_MAX else format_number(value)


def _words(path: Path) -> str:
    return " ".join(str(part + 1) if isinstance(part, int) else part.replace("_", " ") for part in path)


# Tiers that were added or taken out


def _restructured(
    layout: Layout, content: bytes, file: str, known: list[Path], table: Sequence[Sequence[Cell]]
) -> tuple[bytes, list[CellChange]]:
    """Add and take out the rows that the table has and the text has not, and the other way round."""
    rows = _read_rows(layout, table, known)
    given = [place for place, _ in rows if place is not None]
    if len(set(given)) != len(given):
        twice = next(place for place in given if given.count(place) > 1)
        message = f"row {_words(twice)!r} of table {layout.name!r} was given twice"
        raise InputError("MR-I164", message, f"leave the column {PLACE!r} empty for a new row")
    gone = [place for place in known if place not in set(given)]
    added = [(place, cells) for place, cells in rows if place is None]
    if not layout.is_list and (gone or added):
        what = f"row {_words(gone[0])!r} was taken out of" if gone else "a row was added to"
        raise InputError("MR-I164", f"{what} table {layout.name!r}", "do that in the text")
    if not (gone or added):
        return content, []
    return _with_rows(layout, content, file, rows, gone)


def _with_rows(
    layout: Layout, content: bytes, file: str, rows: list[_Row], gone: list[Path]
) -> tuple[bytes, list[CellChange]]:
    lines = content.decode().split("\n")
    spans, changes = _spans(content, file), list[CellChange]()
    doomed, inserted = set[int](), dict[int, list[str]]()
    for place in gone:
        line = _one_line(spans, place, lines)
        doomed.add(line)
        changes.append(CellChange(line, _words(place), lines[line - 1].strip(), ""))
    for number, (row, cells) in enumerate(rows):
        if row is not None:
            continue
        before = next((one for one, _ in reversed(rows[:number]) if one is not None), None)
        after = next((one for one, _ in rows[number:] if one is not None), None)
        # A new first tier stands before the first row of its table; any other behind the row above it.
        anchor = before if before is not None else after
        if anchor is None:
            raise InputError("MR-I164", f"table {layout.name!r} has only new rows", "keep one row of each table")
        line = _one_line(spans, anchor, lines)
        made = _new_item(layout, lines[line - 1], cells)
        inserted.setdefault(line if before is not None else line - 1, []).append(made)
        changes.append(CellChange(line, f"{_words(anchor[:-1])} new", "", made.strip()))
    out = list(inserted.get(0, []))
    for number, text in enumerate(lines, start=1):
        if number not in doomed:
            out.append(text)
        out += inserted.get(number, [])
    return "\n".join(out).encode(), changes


def _one_line(spans: Mapping[Path, tuple[int, bool]], place: Path, lines: list[str]) -> int:
    """Return the line that an item has for itself."""
    line, is_alone = spans[place]
    if not is_alone or not lines[line - 1].lstrip().startswith("- {"):
        message = f"{_words(place)} has no line of its own, as `- {{...}}`"
        raise InputError("MR-I164", message, "run `marginrules fmt` on the rulebook first, or change the text")
    return line


def _new_item(layout: Layout, like: str, cells: tuple[Cell, ...]) -> str:
    """Spell a new item as its neighbour is spelt."""
    indent = like[: len(like) - len(like.lstrip())]
    parts = []
    for column, cell in zip(layout.columns, cells, strict=True):
        if cell is None:
            continue
        if isinstance(cell, Decimal):
            text = _as_rate(cell, "%") if column.kind == "rate" else _as_number(cell, "_")
        else:
            text = cell
        parts.append(f"{column.path[-1]}: {text}")
    return f"{indent}- {{{', '.join(parts)}}}"


def _spans(content: bytes, file: str) -> dict[Path, tuple[int, bool]]:
    """Return for each item of a list its line, and whether no other item stands on it."""
    found: dict[Path, tuple[int, bool]] = {}
    for path, items in _lists(readable(content, file)[1], ()):
        starts = [item.place.line for item in items]
        for number, line in enumerate(starts):
            found[*path, number] = (line, starts.count(line) == 1)
    return found


def _lists(node: parse.Node, path: Path) -> Iterator[tuple[Path, list[parse.Node]]]:
    if isinstance(node, parse.Mapping):
        for key, value in node.entries.items():
            yield from _lists(value, (*path, key))
    elif isinstance(node, parse.Sequence):
        yield path, node.items
        for number, item in enumerate(node.items):
            yield from _lists(item, (*path, number))


def _lines_of(content: bytes, file: str) -> dict[Path, int]:
    """Return the line of each single value, by the paths of `values`."""
    found: dict[Path, int] = {}
    places = iter(_scalars(readable(content, file)[1]))
    for path, _ in values(content):
        found[path] = next(places)
    return found


def _scalars(node: parse.Node) -> Iterator[int]:
    if isinstance(node, parse.Mapping):
        for value in node.entries.values():
            yield from _scalars(value)
    elif isinstance(node, parse.Sequence):
        for item in node.items:
            yield from _scalars(item)
    else:
        yield node.place.line
