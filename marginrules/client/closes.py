# SPDX-License-Identifier: Apache-2.0
"""Closing prices from CSV files, as vendors deliver them: one row a day, oldest first or newest first."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from marginrules.errors import InputError
from marginrules.limits import BATCH_ITEMS_MAX
from marginrules.model import CloseSeries
from marginrules.units import parse_date_ns, parse_timestamp_ns

_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?", re.ASCII)


def read_closes(lines: Iterable[str], name: str, column: str = "close") -> CloseSeries:
    """
    Read closes from CSV with a header; columns may stand in any order and their names in any case.

    Args:
        lines: with a column `date`, of `2020-02-19` or `2020-02-19T21:00:00Z`, and the one of the closes.
        column: name of the column of the closes.

    Raises:
        InputError: naming the line that could not be read; a row without a close is never skipped.
    """
    try:
        return _read(csv.reader(lines), name, column)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError("MR-I110", f"{name}: the file could not be read: {error}", "give CSV in UTF-8") from None


def _read(rows: Any, name: str, column: str) -> CloseSeries:
    header = [one.strip().lower() for one in next(rows, [])]
    missing = [one for one in ("date", column.lower()) if one not in header]
    if missing:
        raise InputError("MR-I103", f"{name}: column {missing[0]!r} was missing", f"columns: {', '.join(header)[:200]}")
    date_at, close_at = header.index("date"), header.index(column.lower())
    found: dict[int, float] = {}
    for row in rows:
        if not row:
            continue
        where = f"{name}: line {rows.line_num}"
        if len(row) <= max(date_at, close_at):
            raise InputError("MR-I103", f"{where} had {len(row)} columns", f"the header has {len(header)}")
        moment, close = _moment(where, row[date_at].strip()), _close(where, row[close_at].strip())
        if moment in found:
            raise InputError("MR-I120", f"{where} had the time of a line before", "give each once")
        found[moment] = close
    if not found:
        raise InputError("MR-I103", f"{name}: closes were missing", "give at least one line below the header")
    times = tuple(sorted(found))
    return CloseSeries(name, times, tuple(found[one] for one in times))


def _moment(where: str, text: str) -> int:
    moment = parse_date_ns(text)
    if moment is None:
        moment = parse_timestamp_ns(text)
    if moment is None:
        raise InputError("MR-I110", f"{where}: date was {text[:40]!r}", "write 2020-02-19 or 2020-02-19T21:00:00Z")
    return moment


def _close(where: str, text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not (math.isfinite(value) and value > 0.0):
        raise InputError("MR-I102", f"{where}: close was {text[:40]!r}", "give a number above 0")
    return value


def in_batches(series: CloseSeries) -> Iterator[CloseSeries]:
    """Yield a series in parts that fit a request each, oldest first."""
    for start in range(0, len(series.closes), BATCH_ITEMS_MAX):
        part = slice(start, start + BATCH_ITEMS_MAX)
        yield CloseSeries(series.name, series.times_ns[part], series.closes[part])
