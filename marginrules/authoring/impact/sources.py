# SPDX-License-Identifier: Apache-2.0
"""Where histories come from: recorded price updates of a journal, and files of comma-separated values."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from marginrules.authoring.impact.history import Column, History, Series, history_of
from marginrules.errors import InputError
from marginrules.journal import Entry
from marginrules.limits import MAGNITUDE_MAX, MAGNITUDE_MIN
from marginrules.model import PRICE_FIELDS
from marginrules.units import SECOND_NS, parse_date_ns, parse_timestamp_ns

MINUTE_NS = 60 * SECOND_NS
_TIMES = ("time_ns", "time", "timestamp", "datetime", "date")
_NAMES = ("symbol", "instrument", "name", "asset")
_PRICES = ("price", "mark", "close")
_BAR = frozenset(("open", "high", "low", "volume"))
_FIELDS = frozenset((*PRICE_FIELDS, "open_interest"))


def read_history(
    sources: Iterable[str | Path], hold_ns: int | None = None, times_ns: Iterable[int] | None = None
) -> History:
    """
    Read files of prices.

    Each has a first line that names its columns, one of them `date`, `time`, `timestamp` or `time_ns`. The prices stand
    in one of three ways: `symbol` and `price` with a line for each price (and columns named like fields, if any); daily
    or other bars, of which the `close` counts; or a column for each symbol. Times are dates (midnight), moments as
    `2020-03-12T10:00:00Z`, or whole numbers of nanoseconds, which begin in 1970. An empty cell is no price.

    Args:
        sources: paths; or `SYMBOL=path` for a file of one symbol, which is else called as the file is.
        hold_ns, times_ns: see `history_of`.

    Raises:
        InputError: a file cannot be read, naming the line.
    """
    series: dict[Column, tuple[list[int], list[float]]] = {}
    for source in sources:
        name, _, path = str(source).rpartition("=")
        _read_file(Path(path), name or Path(path).stem, series)
    if not series:
        raise InputError("MR-I103", "the history had no prices", "give at least one file")
    for (name, field), (times, _) in series.items():
        if any(after <= before for before, after in itertools.pairwise(times)):
            message = f"times of {' '.join(filter(None, (name, field)))} did not rise"
            raise InputError("MR-I119", message, "give prices in order of time, one for each moment")
    return history_of(series, hold_ns, times_ns)


def _read_file(path: Path, name: str, series: dict[Column, tuple[list[int], list[float]]]) -> None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("MR-I103", f"{path} could not be read: {error}", "give a file of UTF-8 text") from None
    rows = csv.reader(text.splitlines())
    head = [one.strip() for one in next(rows, [])]
    lower = [one.lower().lstrip("#") for one in head]
    at = _find(lower, _TIMES)
    if at is None:
        message = f"{path} had no column of times among {', '.join(head)[:80]}"
        raise InputError("MR-I103", message, f"name it {', '.join(_TIMES[:-1])} or {_TIMES[-1]}")
    symbol, price = _find(lower, _NAMES), _find(lower, _PRICES)
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        place = f"{path}:{number}"
        if len(row) != len(head):
            raise InputError("MR-I110", f"{place} had {len(row)} cells, its first line {len(head)}")
        now = _time_ns(place, row[at].strip())
        if price is None:
            given = [((head[k], ""), k) for k in range(len(head)) if k not in (at, symbol)]
        else:
            owner = row[symbol].strip() if symbol is not None else name
            others = [k for k in range(len(head)) if lower[k] in _FIELDS and k not in (at, symbol, price)]
            others = [k for k in others if not set(lower) >= _BAR or lower[k] not in _BAR]
            given = [((owner, ""), price), *(((owner, lower[k]), k) for k in others)]
        for column, k in given:
            cell = row[k].strip()
            if cell:
                times, values = series.setdefault(column, ([], []))
                times.append(now)
                values.append(_number(f"{place} {head[k]}", cell, is_price=not column[1]))


def _find(head: Sequence[str], names: Sequence[str]) -> int | None:
    return next((head.index(one) for one in names if one in head), None)


def _time_ns(place: str, cell: str) -> int:
    moment = int(cell) if cell.isdecimal() and len(cell) > 8 else None
    if moment is None:
        moment = parse_timestamp_ns(cell) or parse_date_ns(cell)
    if moment is None and cell:
        moment = _iso_ns(cell)
    if moment is None:
        hint = "write 2020-03-12, 2020-03-12T10:00:00Z, or nanoseconds since 1970"
        raise InputError("MR-I110", f"{place}: time was {cell[:40]!r}", hint)
    return moment


def _iso_ns(cell: str) -> int | None:
    """Read what a spreadsheet or pandas writes: a space for the T, and no zone, which is UTC then."""
    try:
        moment = dt.datetime.fromisoformat(cell)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000


def _number(place: str, cell: str, is_price: bool) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise InputError("MR-I110", f"{place} was {cell[:40]!r}", "write a number, or leave the cell empty") from None
    if not math.isfinite(value) or abs(value) > MAGNITUDE_MAX or (is_price and 0.0 != value < MAGNITUDE_MIN):
        raise InputError(
            "MR-I102", f"{place} was {cell[:40]}", f"allowed: 0, or {MAGNITUDE_MIN:g} to {MAGNITUDE_MAX:g}"
        )
    return value


def history_of_journal(
    entries: Iterable[Entry],
    every_ns: int = MINUTE_NS,
    hold_ns: int | None = None,
    from_ns: int = 0,
    to_ns: int | None = None,
) -> History:
    """
    Make a history of the price updates that a journal holds.

    Args:
        every_ns: distance of the rows, at whole multiples of it; each has the last prices by then. 0: every update.
        hold_ns: for how long a price stands for later rows; None: four times the usual distance of the rows it has.
        from_ns, to_ns: leave out updates before the one moment and after the other.

    Raises:
        InputError: there are no prices in it.
    """
    series: dict[Column, tuple[list[int], list[float]]] = {}
    for entry in entries:
        if entry.kind != "prices" or entry.time_ns < from_ns or (to_ns is not None and entry.time_ns > to_ns):
            continue
        for one in json.loads(entry.body)["do"]["prices"]:
            given = {"": one["price"], **one.get("fields", {})}
            if one.get("open_interest") is not None:
                given["open_interest"] = one["open_interest"]
            for field, value in given.items():
                times, values = series.setdefault((one["name"], field), ([], []))
                if times and times[-1] == one["time_ns"]:
                    values[-1] = float(value)
                else:
                    times.append(one["time_ns"])
                    values.append(float(value))
    if not series:
        raise InputError("MR-I103", "the journal had no price updates in that time", "give another journal or time")
    if not every_ns:
        return history_of(series, hold_ns)
    return _gridded(series, every_ns, hold_ns)


def _gridded(series: Mapping[Column, Series], every_ns: int, hold_ns: int | None) -> History:
    first = min(times[0] for times, _ in series.values())
    last = max(times[-1] for times, _ in series.values())
    rows = range(-(-first // every_ns) * every_ns, -(-last // every_ns) * every_ns + 1, every_ns)
    thinned: dict[Column, Series] = {key: _thinned(*one, every_ns) for key, one in series.items()}
    return history_of(thinned, hold_ns, rows)


def _thinned(times: Sequence[int], values: Sequence[float], every_ns: int) -> Series:
    """Keep the last value by each whole multiple of a distance, at that moment."""
    kept: dict[int, float] = {}
    for now, value in zip(times, values, strict=True):
        kept[-(-now // every_ns) * every_ns] = value
    return tuple(kept), tuple(kept.values())
