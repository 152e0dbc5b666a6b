# SPDX-License-Identifier: Apache-2.0
"""The section `scenarios`: named tables of shocks, written out, combined, or published as history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal
from functools import partial
from itertools import product

from marginrules.limits import (
    SCENARIO_COLUMNS_MAX,
    SCENARIO_TABLES_MAX,
    SCENARIO_VALUES_MAX,
    SCENARIOS_MAX,
)
from marginrules.machine import ScenarioTable
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.vocabulary.models import HALF_LIFE, HISTORY, LABEL, SCENARIO, SHOCK, WEIGHT, WEIGHTS
from marginrules.units import DAY_NS

_NOWHERE = Place(1, 1)
# A decimal power is the same on every machine; that of doubles is the mathematics library's.
_EXACT = Context(prec=50)

Row = tuple[float, ...]
Shocks = dict[str, float]


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """
    Carry scenarios that are past moves of each underlying.

    Args:
        window: how many.
        horizon_days: days that one move spans.
        weights_half_life: scenarios after which the weight has halved; 0: all weigh the same.
        scaled_half_life: of the volatility estimate by which moves are scaled to the present one; 0: as they were.
    """

    window: int
    horizon_days: int
    weights_half_life: Decimal
    scaled_half_life: Decimal


@dataclass(frozen=True, slots=True)
class ScenarioPart:
    """
    Carry one scenario table.

    Columns stand in the order of their names, so that the order of keys has no meaning; every combination comes first,
    the first column outermost, then the rows.

    Args:
        columns: names, the weight first.
        rows: one value for each column.
        labels: the name of each scenario, or "".
        is_known: every column could be read.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    history: HistoryPart | None
    place: Place = field(default=_NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)  # of each column, where it is named first
    is_known: bool = field(default=True, compare=False)


def read_scenarios(sink: Sink, top: Fields) -> dict[str, ScenarioPart]:
    """Read every scenario table."""
    named = fields.read_named(sink, top, "scenarios", reader=fields.read_variable)
    if len(named) > SCENARIO_TABLES_MAX:
        message = f"{len(named):,} scenario tables; at most {SCENARIO_TABLES_MAX} are read"
        sink.add("MR-R107", top.key_place("scenarios"), message)
        return {}
    read, left = {}, SCENARIO_VALUES_MAX
    for name, node, at in named:
        read[name] = part = _TableReader(sink, name, at).read(node)
        left -= len(part.rows) * len(part.columns)
        if left < 0:
            message = f"scenario tables have more than {SCENARIO_VALUES_MAX:,} values"
            sink.add("MR-R107", at, message, "combine fewer values")
            break
    return read


class _TableReader:
    """Read one scenario table."""

    def __init__(self, sink: Sink, name: str, at: Place) -> None:
        self._sink = sink
        self._what = f"scenarios '{name}'"
        self._at = at
        self._places: dict[str, Place] = {}
        self._is_known = True

    def read(self, node: Node) -> ScenarioPart:
        part = Fields(self._sink, node, self._what, SCENARIO, at=self._at)
        combine, rows, history = part.node("combine"), part.node("rows"), part.node("history")
        self._is_known = part.is_sound
        if part.is_sound and not any(key in part for key in SCENARIO.names):
            self._sink.add("MR-R327", self._at, f"{self._what} has no scenario", "give combine, rows or history")
        if history is not None:
            self._check_alone(part)
            return ScenarioPart(
                columns=(WEIGHT,),
                rows=(),
                labels=(),
                history=_history(self._sink, history, part.key_place("history")),
                place=self._at,
                is_known=self._is_known,
            )
        grid = self._combine(combine) if combine is not None else []
        listed, labels = self._rows(rows) if rows is not None else ([], [])
        self._check_size(len(grid) + len(listed))
        return self._laid_out(grid, listed, ["" for _ in grid] + labels)

    def _laid_out(self, grid: list[Shocks], listed: list[Shocks], labels: list[str]) -> ScenarioPart:
        columns = (WEIGHT, *sorted(self._places))
        rows = tuple(
            (shocks.get(WEIGHT, 1.0), *(shocks.get(name, 0.0) for name in columns[1:])) for shocks in (*grid, *listed)
        )
        if rows and not any(row[0] > 0 for row in rows):
            message = f"the weights of {self._what} sum to 0"
            self._sink.add("MR-R308", self._at, message, "give at least one row a weight above 0")
        return ScenarioPart(columns, rows, tuple(labels), None, self._at, dict(self._places), self._is_known)

    def _check_alone(self, part: Fields) -> None:
        for key in ("combine", "rows"):
            if key in part:
                message = f"{self._what} is a history, or has {key}"
                self._sink.add("MR-R326", part.key_place(key), message, "give one of the two")
                return

    def _check_size(self, count: int) -> None:
        if len(self._places) > SCENARIO_COLUMNS_MAX:
            message = f"{self._what} had {len(self._places):,} columns"
            self._sink.add("MR-R308", self._at, message, f"allowed: from 1 to {SCENARIO_COLUMNS_MAX}")
        elif count > SCENARIOS_MAX:
            message = f"{self._what} had more than {SCENARIOS_MAX:,} scenarios"
            self._sink.add("MR-R308", self._at, message, "combine fewer values")

    def _column(self, name: str, place: Place) -> None:
        fields.read_variable(self._sink, Scalar(name, place))
        self._places.setdefault(name, place)

    def _combine(self, node: Node) -> list[Shocks]:
        """Return every combination; nothing where there are too many."""
        if not isinstance(node, Mapping):
            self._is_known = False
            hint = "write `combine: {price: [-16%, 0%, 16%]}`"
            self._sink.add("MR-R303", node.place, "combine maps columns to lists of values", hint)
            return []
        self._is_known &= not node.partial
        if not node.entries and not node.partial:
            self._sink.add("MR-R327", node.place, "combine names no column", "write `price: [-16%, 0%, 16%]`")
        values: dict[str, tuple[Decimal, ...]] = {}
        for name, one in node.entries.items():
            if name in (WEIGHT, LABEL):
                self._sink.add("MR-R301", node.keys[name], f"combine has no column '{name}'", "give it in rows")
                continue
            self._column(name, node.keys[name])
            shock = partial(fields.read_rate_in, what=name, allowed=SHOCK, write=fields.grouped)
            values[name] = fields.read_list(self._sink, one, shock) or ()
        names = sorted(values)
        if _is_too_many(len(values[name]) for name in names) or len(names) > SCENARIO_COLUMNS_MAX:
            self._check_size(SCENARIOS_MAX + 1)
            self._places = {}
            self._is_known = False
            return []
        each = [[float(value) for value in values[name]] for name in names]
        return [dict(zip(names, row, strict=True)) for row in product(*each)] if names else []

    def _rows(self, node: Node) -> tuple[list[Shocks], list[str]]:
        if not isinstance(node, Sequence):
            self._is_known = False
            self._sink.add("MR-R303", node.place, "rows is a list", "write each as `- {price: -20%}`")
            return [], []
        if not node.items:
            self._sink.add("MR-R327", node.place, "rows is an empty list", "give at least one `- {price: -20%}`")
        if len(node.items) > SCENARIOS_MAX:
            self._check_size(len(node.items))
            self._is_known = False
            return [], []
        labels: dict[str, Place] = {}
        rows, names = [], []
        for item in node.items:
            shocks, label = self._row(item)
            if label and label.text in labels:
                message = f"scenario '{fields.shorten(label.text)}' was given twice"
                message += f"; the first is on line {labels[label.text].line}"
                self._sink.add("MR-R204", label.place, message, "give one of them another name")
            if label:
                labels.setdefault(label.text, label.place)
            rows.append(shocks)
            names.append(label.text if label else "")
        return rows, names

    def _row(self, node: Node) -> tuple[Shocks, Scalar | None]:
        if not isinstance(node, Mapping):
            self._is_known = False
            self._sink.add("MR-R303", node.place, "a scenario maps columns to values", "write `- {price: -20%}`")
            return {}, None
        self._is_known &= not node.partial
        if not node.entries and not node.partial:
            self._sink.add("MR-R327", node.place, "a scenario names no column", "write `- {price: -20%}`")
        shocks: Shocks = {}
        label = None
        for name, one in node.entries.items():
            if name == LABEL:
                label = one if isinstance(one, Scalar) and fields.read_text(self._sink, one) else None
                continue
            if name != WEIGHT and name not in self._places:
                self._column(name, node.keys[name])
            allowed = WEIGHTS if name == WEIGHT else SHOCK
            value = fields.read_rate_in(self._sink, one, name, allowed, write=fields.grouped)
            shocks[name] = float(value or 0)
        return shocks, label


def _is_too_many(lengths: Iterable[int]) -> bool:
    """Say whether more scenarios are combined than are read, without a product of a thousand digits."""
    count = 1
    for length in lengths:
        count *= length
        if count > SCENARIOS_MAX:
            return True
    return False


def _history(sink: Sink, node: Node, at: Place) -> HistoryPart:
    part = Fields(sink, node, "history", HISTORY, at=at)
    horizon = part.duration("horizon", DAY_NS)
    if horizon % DAY_NS:
        message = f"horizon was {fields.span(horizon)}"
        sink.add("MR-R306", part.place_of("horizon"), message, "give whole days, such as 1d or 10d")
    return HistoryPart(
        window=part.whole("window", 1),
        horizon_days=horizon // DAY_NS,
        weights_half_life=part.read("weights", partial(_half_life, what="weights", word="equal"), Decimal(0)),
        scaled_half_life=part.read("scaled", partial(_half_life, what="scaled", word="no"), Decimal(0)),
    )


def _half_life(sink: Sink, node: Node, what: str, word: str) -> Decimal | None:
    """Read a word that stands for none, or `{half_life: scenarios}`."""
    if isinstance(node, Scalar):
        if node.text != word:
            hint = f"write {word}, or {{half_life: 60}}"
            sink.add("MR-R310", node.place, f"'{fields.shorten(node.text)}' is none of the words for this", hint)
            return None
        return Decimal(0)
    part = Fields(sink, node, what, HALF_LIFE)
    return part.number("half_life", None)


def table_of(name: str, part: ScenarioPart) -> ScenarioTable:
    """Lay a scenario table out by columns; of a history, scenario 0 is the newest."""
    if part.history is not None:
        return ScenarioTable(name, (WEIGHT,), (tuple(_fading(part.history)),), is_historical=True)
    columns = tuple(tuple(row[index] for row in part.rows) for index in range(len(part.columns)))
    return ScenarioTable(name, part.columns, columns)


def _fading(history: HistoryPart) -> Iterator[float]:
    """Yield weights, newest first: (1/2) ** (age / half-life), or 1 each."""
    if not history.weights_half_life:
        yield from (1.0 for _ in range(history.window))
        return
    decay = _EXACT.power(Decimal("0.5"), _EXACT.divide(Decimal(1), history.weights_half_life))
    weight = Decimal(1)
    for _ in range(history.window):
        yield float(weight)
        weight = _EXACT.multiply(weight, decay)
