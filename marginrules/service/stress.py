# SPDX-License-Identifier: Apache-2.0
"""
Stress scenarios: moves of underlyings by name, and what each of them reaches in a book.

Moves are relative to what is published: -0.2 is a fall of 20 %, and a volatility move of 0.5 makes 30 % of 20 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from marginrules._core.core import Scratch
from marginrules.errors import InputError
from marginrules.limits import STRESS_MOVES_MAX, STRESSES_MAX
from marginrules.machine import ScenarioTable
from marginrules.rulebook import Program
from marginrules.service import border
from marginrules.service.book import Book

ALL = "*"  # every underlying that the stress does not name
_FACTOR_MIN = 1e-6  # a fall leaves something, however far it is scaled: a price of nothing is no price
_PRICE, _VOLATILITY = "price", "volatility"


@dataclass(frozen=True, slots=True)
class Move:
    """Carry the move of one underlying, or of all others by `ALL`."""

    underlying: str
    price: float = 0.0
    volatility: float = 0.0


@dataclass(frozen=True, slots=True)
class Stress:
    """Carry one named scenario; what it does not name stays where it is."""

    name: str
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """Carry what one underlying reaches: its instruments, and the asset that it is or -1."""

    instruments: list[int] = field(default_factory=list)
    asset: int = -1


def check_stresses(book: Book, given: Sequence[Stress]) -> list[Stress]:
    """Return stresses whose names are known and whose moves are in range; InputError where one is not."""
    border.bounded("stresses", given, STRESSES_MAX)
    border.unique("stress", [one.name for one in given])
    for one in given:
        border.text("name of a stress", one.name)
        border.bounded(f"moves of {one.name}", one.moves, STRESS_MOVES_MAX)
        border.unique(f"move in {one.name} of", [move.underlying for move in one.moves])
        if not one.moves:
            raise InputError("MR-I103", f"moves of {one.name} were missing", "give at least one")
        for move in one.moves:
            _check_move(book, move)
    return list(given)


def _check_move(book: Book, move: Move) -> None:
    name = move.underlying
    if name != ALL and name not in book.exposures and name not in book.asset_ids:
        raise InputError(
            "MR-I107", f"{name!r} is neither an underlying nor an asset", f"{ALL} stands for all underlyings"
        )
    if book.program is not None and name == book.program.currency and name not in book.exposures:
        raise InputError("MR-I102", f"{name} is the rulebook's currency", "its price is 1, always")
    border.number(f"price move of {name}", move.price, -1.0, 100.0, low_open=True)
    border.number(f"volatility move of {name}", move.volatility, -1.0, 100.0, low_open=True)


def stresses_of(program: Program, tables: Iterable[str]) -> list[Stress]:
    """
    Return the scenarios of rulebook tables as stresses of all underlyings, in the order of their rows.

    Each is named by its row, or by table and number. Columns other than price and volatility move nothing here.
    """
    found = []
    for name in tables:
        index = next((k for k, one in enumerate(program.models.scenarios) if one.name == name), -1)
        if index < 0:
            known = ", ".join(one.name for one in program.models.scenarios) or "none"
            raise InputError("MR-I102", f"scenario table was {name[:40]!r}", f"the rulebook has {known}")
        found += list(_rows(program.models.scenarios[index], program.scenario_labels[index]))
    return found


def _rows(table: ScenarioTable, labels: Sequence[str]) -> Iterator[Stress]:
    if table.is_historical or not {_PRICE, _VOLATILITY} & set(table.names):
        message = f"scenario table {table.name} has no column {_PRICE} or {_VOLATILITY}"
        raise InputError("MR-I102", message, "name a table of price and volatility moves")
    columns = dict(zip(table.names, table.columns, strict=True))
    nothing = (0.0,) * table.count
    moves = zip(columns.get(_PRICE, nothing), columns.get(_VOLATILITY, nothing), strict=True)
    for number, (price, volatility) in enumerate(moves):
        label = labels[number] if number < len(labels) else ""
        yield Stress(label or f"{table.name} {number + 1}", (Move(ALL, price, volatility),))


def reach_of(book: Book, underlying: str) -> Reach:
    """Return what an underlying reaches; the rulebook's own currency never moves."""
    is_currency = book.program is not None and underlying == book.program.currency
    asset = -1 if is_currency else book.asset_ids.get(underlying, -1)
    return Reach(list(book.exposures.get(underlying, ())), asset)


def apply_stress(
    scratch: Scratch, book: Book, stress: Stress, multiple: float = 1.0, only: Mapping[str, Reach] | None = None
) -> None:
    """
    Put a copy of the market where a multiple of a stress takes it, from what is published.

    Args:
        only: what reaches the copy's pool, see `reaches_of`; None: the whole market.
    """
    named = {move.underlying: move for move in stress.moves}
    everything = named.pop(ALL, None)
    if everything is not None:
        named |= {name: everything for name in book.exposures if name not in named}
    for name, move in named.items():
        reach = reach_of(book, name) if only is None else only.get(name)
        if reach is not None:
            price, volatility = factor_of(move.price * multiple), factor_of(move.volatility * multiple)
            scratch.place_underlying(reach.instruments, reach.asset, price, volatility, only is not None)


def underlyings_of(book: Book, scratch: Scratch) -> list[str]:
    """Return what a pool hangs on: underlyings of its instruments, and what it has as collateral, in order of names."""
    found = {book.instruments[book.instrument_names[one]].underlying for one in scratch.instruments()}
    found |= {book.instruments[book.instrument_names[one]].settlement for one in scratch.instruments()}
    found |= {book.asset_names[one] for one in scratch.held_assets()}
    return sorted(found - ({book.program.currency} - set(book.exposures) if book.program else set()))


def reaches_of(book: Book, scratch: Scratch) -> dict[str, Reach]:
    """Return what a pool hangs on with the pool's own instruments on each, so that many moves cost little."""
    held = set(scratch.instruments())
    found = {}
    for name in underlyings_of(book, scratch):
        reach = reach_of(book, name)
        found[name] = Reach([one for one in reach.instruments if one in held], reach.asset)
    return found


def factor_of(change: float) -> float:
    """Return the factor that a relative move is."""
    return max(1.0 + change, _FACTOR_MIN) if math.isfinite(change) else math.nan
