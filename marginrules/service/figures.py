# SPDX-License-Identifier: Apache-2.0
"""The numbers that a rulebook defines for reports, measured for one pool; none of them is part of a requirement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marginrules._core.core import Assessment, Scratch, reasons_of_value
from marginrules.codes import Reason
from marginrules.errors import InputError
from marginrules.limits import MAGNITUDE_MAX
from marginrules.machine import Place
from marginrules.rulebook import Program
from marginrules.rulebook.diagnostic import suggest
from marginrules.rulebook.models import Figure
from marginrules.service import border
from marginrules.service.shard import Shard
from marginrules.service.views import PoolView, view_of

_POOL, _POSITION = "pool", "position"
_YES_NO = "yes_no"
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class FigureRow:
    """
    Carry a figure of a pool, a position or a group.

    Args:
        symbols: of the position, or of the group; none of a pool.
        values: one, or one for each scenario; none where there are reasons.
    """

    symbols: tuple[str, ...]
    values: tuple[float, ...]
    reasons: Reason


@dataclass(frozen=True, slots=True)
class FigureValues:
    """
    Carry one figure.

    Args:
        rule: `rulebook:line figure name`.
        of: "pool", "position" or "portfolio".
        scenarios: whose values a row has; none where a figure is one value.
    """

    name: str
    rule: str
    of: str
    portfolio: str
    scenarios: tuple[str, ...]
    rows: tuple[FigureRow, ...]


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Carry a pool as it stands and its figures, in the order of names; none has rows where it is not valid."""

    view: PoolView
    figures: tuple[FigureValues, ...]


def measure_figures(
    shard: Shard, pool: int, now_ns: int, names: Sequence[str] = (), symbol: str = "", given: Mapping[str, float] = {}
) -> PoolFigures:
    """
    Measure figures of a pool.

    Args:
        names: none stands for all whose inputs are given.
        symbol: only of this position, or of the groups that it is in; "" for all.
        given: input -> value.

    Raises:
        InputError: a name, a symbol or an input is not known, or an input is missing, not finite or out of its range.
    """
    scratch = Scratch(shard.book.engine, pool)
    assessment = scratch.assess(now_ns)
    view = view_of(shard, pool, assessment)
    if not assessment.revision:
        return PoolFigures(view, ())
    program = shard.revisions[assessment.revision - 1].program
    chosen = _chosen(program, names, symbol, given)
    instrument = _instrument(shard, scratch, symbol)
    found = [
        _measure(shard, scratch, assessment, program, name, instrument, _inputs(name, program.figures[name], given))
        for name in chosen
    ]
    return PoolFigures(view, tuple(found))


def _chosen(program: Program, names: Sequence[str], symbol: str, given: Mapping[str, float]) -> list[str]:
    known = program.figures
    border.unique("figure", names)
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f"{program.name} defines {len(known)} figures"
            raise InputError("MR-I122", f"figure was {name[:_SHOWN]!r}", hint)
        if symbol and known[name].of == _POOL:
            message = f"figure {name} was asked for {symbol[:_SHOWN]!r}"
            raise InputError("MR-I122", message, "it is of the pool: leave the symbol out")
    chosen = sorted(names) or [
        name
        for name, one in known.items()
        if {key for key, _ in one.given} <= given.keys() and not (symbol and one.of == _POOL)
    ]
    takes = {key for name in (names or known) for key, _ in known[name].given}
    for key in given:
        if key not in takes:
            what = f"figure {', '.join(names)}" if names else f"rulebook {program.name}"
            hint = suggest(key, takes) or "it takes no inputs"
            raise InputError("MR-I122", f"{what} had an input {key[:_SHOWN]!r}", hint)
    return chosen


def _inputs(name: str, figure: Figure, given: Mapping[str, float]) -> list[float]:
    """Return the inputs of a figure in its order, checked."""
    values = []
    for key, kind in figure.given:
        field = f"input {key} of figure {name}"
        if key not in given:
            raise InputError("MR-I103", f"{field} was missing", f"give {key}: {kind}")
        value = border.number(field, given[key], -MAGNITUDE_MAX)
        if kind == _YES_NO and value not in (0.0, 1.0):
            raise InputError("MR-I102", f"{field} was {value:g}", "1 for yes, 0 for no")
        values.append(value)
    return values


def _instrument(shard: Shard, scratch: Scratch, symbol: str) -> int:
    """Return the instrument of a symbol that the pool has; -1 where none is asked for."""
    if not symbol:
        return -1
    instrument, held = shard.book.instrument_id(symbol), scratch.instruments()
    if instrument not in held:
        names = [shard.book.instrument_names[one] for one in held]
        hint = suggest(symbol, names) or f"it has {len(names)} instruments"
        raise InputError("MR-I106", f"pool has neither a position nor an order in {symbol!r}", hint)
    return instrument


def _measure(
    shard: Shard,
    scratch: Scratch,
    assessment: Assessment,
    program: Program,
    name: str,
    instrument: int,
    inputs: Sequence[float],
) -> FigureValues:
    figure, names = program.figures[name], shard.book.instrument_names
    scenarios = _scenarios(program, figure)
    targets = scratch.instruments() if figure.of == _POSITION and instrument < 0 else [instrument]
    rows: list[FigureRow] = []
    for target in targets:
        one = target if figure.of == _POSITION else -1
        _, found = scratch.figure(assessment, figure.code, figure.of == _POOL, one, figure.portfolio, inputs)
        width = len(scenarios) or 1
        for first in range(0, len(found), width):
            members, values = found[first][0], tuple(value for _, value in found[first : first + width])
            if instrument >= 0 and instrument not in members:
                continue
            symbols = () if figure.of == _POOL else tuple(names[one] for one in members)
            rows.append(_row(symbols, values))
    portfolio = program.models.portfolios[figure.portfolio].name if figure.portfolio >= 0 else ""
    rule = f"{program.name}:{figure.line} figure {name}"
    return FigureValues(name, rule, figure.of, portfolio, scenarios, tuple(rows))


def _row(symbols: tuple[str, ...], values: tuple[float, ...]) -> FigureRow:
    flags = 0
    for value in values:
        flags |= reasons_of_value(value)
    return FigureRow(symbols, () if flags else values, Reason(flags))


def _scenarios(program: Program, figure: Figure) -> tuple[str, ...]:
    """Return the names of the scenarios of which a figure has a value each; by number where they have none."""
    (output,) = program.models.codes[figure.code].outputs
    if output >> 20 != Place.SCENARIO:
        return ()
    number = (output & 0xFFFFF) >> 12
    table, labels = program.models.scenarios[number], program.scenario_labels[number]
    return tuple((labels[k] if k < len(labels) else "") or f"{table.name} {k + 1}" for k in range(table.count))
