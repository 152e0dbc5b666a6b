# SPDX-License-Identifier: Apache-2.0
"""
Prices over time, as a table: a row for each moment, a column for each thing that is published.

A value is a number, or not a number where nothing was published at that moment. A replay takes each value as published
at the moment of its row; where a row has none, the price before it grows old, and once it is older than the rulebook
allows, what hangs on it cannot be assessed. How far sources carry values into rows of their own is theirs to say.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from marginrules.errors import InputError
from marginrules.machine import Field
from marginrules.model import ASSET_FIELDS, PRICE_FIELDS
from marginrules.rulebook import Program
from marginrules.service.book import Book

HOLD_SPACINGS = 4
Column = tuple[str, str]  # what is priced, and "" for its price or the name of a field
Series = tuple[Sequence[int], Sequence[float]]  # times in nanoseconds, rising; values
_INTEREST = "open_interest"
_FIELDS: dict[str, int] = {
    **{name: int(one) for name, one in PRICE_FIELDS.items()},
    _INTEREST: int(Field.OPEN_INTEREST),
}

AssetFeed = tuple[int, int, int, int, int, float]
InstrumentFeed = tuple[int, int, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class History:
    """
    Carry the table.

    Args:
        times_ns: of the rows, rising.
        values: row by row.
    """

    times_ns: array[int]
    columns: tuple[Column, ...]
    values: array[float]

    def __post_init__(self) -> None:
        """Check the shape, and that each number can be a price or a field."""
        if len(self.values) != len(self.times_ns) * len(self.columns):
            raise AssertionError(f"{len(self.values)} values for {len(self.times_ns)} x {len(self.columns)}")
        if len(set(self.columns)) != len(self.columns):
            raise InputError("MR-I120", "the history had a column twice")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.times_ns)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of everything in it."""
        found = hashlib.sha256(repr(self.columns).encode())
        found.update(self.times_ns.tobytes())
        found.update(self.values.tobytes())
        return found.hexdigest()

    @property
    def names(self) -> set[str]:
        """Return what it has prices of."""
        return {name for name, field in self.columns if not field}

    def column(self, name: str, field: str = "") -> array[float]:
        """Return the values of one column."""
        return self.values[self.columns.index((name, field)) :: len(self.columns)]


def history_of(
    series: Mapping[Column, Series], hold_ns: int | None = None, times_ns: Iterable[int] | None = None
) -> History:
    """
    Make a table of series that need not have the same times.

    Args:
        hold_ns: for how long a value stands for later rows; None: for four times the usual distance of the values of
            its series, so that a night or a holiday is bridged and a feed that broke is not.
        times_ns: of the rows; None: each moment of any series.
    """
    rows = array("q", sorted({one for times, _ in series.values() for one in times} if times_ns is None else times_ns))
    columns = tuple(sorted(series))
    width = len(columns)
    values = array("d", [math.nan]) * (len(rows) * width)
    for place, key in enumerate(columns):
        times, given = series[key]
        hold = _usual_distance(times) * HOLD_SPACINGS if hold_ns is None else hold_ns
        at = -1
        for row, now in enumerate(rows):
            while at + 1 < len(times) and times[at + 1] <= now:
                at += 1
            if at >= 0 and now - times[at] <= hold:
                values[row * width + place] = given[at]
    return History(rows, columns, values)


def _usual_distance(times: Sequence[int]) -> int:
    distances = [after - before for before, after in itertools.pairwise(times)]
    return int(median(distances)) if distances else 0


def moved_to(history: History, marks: Mapping[str, float], follow: Mapping[str, str] | None = None) -> History:
    """
    Return the history as moves from where the market is now: each price begins at its present mark.

    Positions of today did not have the prices of the past; what they would have suffered is the moves. Fields that are
    prices (index, forward, auction and stable price) move along; all others are taken as they are.

    Args:
        marks: present price of each instrument and asset that is to be moved.
        follow: instrument -> its underlying: what has no history of its own follows that of its underlying.
    """
    sources = {name: name for name in marks if name in history.names}
    for name, underlying in (follow or {}).items():
        if name not in sources and underlying in history.names and name in marks:
            sources[name] = underlying
    columns: list[Column] = []
    made: list[array[float]] = []
    for name, source in sorted(sources.items()):
        first = next((one for one in history.column(source) if not math.isnan(one) and one > 0.0), math.nan)
        factor = marks[name] / first
        for owner, field in history.columns:
            if owner != source or (field and name != source):
                continue
            values = history.column(owner, field)
            is_price = field in ("", "index", "forward", "auction_price", "stable_price")
            columns.append((name, field))
            made.append(array("d", [one * factor for one in values]) if is_price else values)
    width = len(columns)
    flat = array("d", bytes(8 * width * len(history)))
    for place, values in enumerate(made):
        flat[place::width] = values
    return History(history.times_ns, tuple(columns), flat)


def limited(history: History, program: Program) -> History:
    """Return the history as a program uses it: fields move no faster than its limits let them."""
    if not any(field in program.limits for _, field in history.columns):
        return history
    values, width = history.values[:], len(history.columns)
    for place, (_, field) in enumerate(history.columns):
        limit = program.limits.get(field)
        if limit is None:
            continue
        last: tuple[float, int] | None = None
        for row, now in enumerate(history.times_ns):
            value = values[row * width + place]
            if math.isnan(value):
                continue
            used = value if last is None else limit.used(*last, value, now)
            values[row * width + place], last = used, (used, now)
    return replace(history, values=values)


def feeds_of(history: History, book: Book) -> tuple[list[AssetFeed], list[InstrumentFeed]]:
    """Return which columns are of which asset and instrument of a book, as the core takes them."""
    places = {column: place for place, column in enumerate(history.columns)}
    assets: list[AssetFeed] = []
    instruments: list[InstrumentFeed] = []
    own = book.program.currency if book.program else ""
    for name in sorted(history.names):
        price = places[name, ""]
        if name in book.instrument_ids:
            fields = [(number, places[name, field]) for field, number in _FIELDS.items() if (name, field) in places]
            instruments.append((book.instrument_ids[name], price, sorted(fields)))
        elif name in book.asset_ids and name != own:
            known = book.closes.get(name)
            realized = known.realized_volatility if known is not None else None
            volatility, deposits, borrows = (places.get((name, field), -1) for field in ASSET_FIELDS)
            otherwise = math.nan if realized is None else realized
            assets.append((book.asset_ids[name], price, volatility, deposits, borrows, otherwise))
    return assets, instruments
