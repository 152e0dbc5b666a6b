# SPDX-License-Identifier: Apache-2.0
"""Planned stages to code: registers, lanes and instructions."""

from __future__ import annotations

from collections.abc import Sequence

from marginrules.limits import (
    FORMULA_INSTRUCTIONS_MAX,
    FORMULA_KEYS_MAX,
    FORMULA_LANES_MAX,
    FORMULA_REGISTERS_MAX,
)
from marginrules.machine import Code, Op, Place, Stage, StageKind
from marginrules.rulebook.formula.stages import Planned, plan
from marginrules.rulebook.formula.values import Home, Value
from marginrules.rulebook.formula.vocabulary import ORDER_FIELDS

Instruction = tuple[int, int, tuple[int, ...], int]

_PLACE_BITS = 20
_TABLE_BITS = 12
_KEY_STEP = 256


class TooLarge(Exception):  # noqa: N818 - ends the compiling of one program, and is reported as a problem of the text
    """End the compiling of one program; the message says which limit it goes beyond."""


def emit(outputs: Sequence[Value], keys: Sequence[int], columns: dict[int, int], inputs: Sequence[str]) -> Code:
    """
    Return the code of a program.

    Args:
        outputs: single values.
        keys: masks by which subgroups are told apart.
        columns: scenario table -> how many columns it has.

    Raises:
        TooLarge: it needs more than the machine has.
    """
    needed = _reachable(outputs)
    if len(needed) > FORMULA_INSTRUCTIONS_MAX:
        raise TooLarge(f"it needs {len(needed):,} calculations; at most {FORMULA_INSTRUCTIONS_MAX:,} are made")
    if len(keys) > FORMULA_KEYS_MAX:
        raise TooLarge(f"it has {len(keys)} different `by`; at most {FORMULA_KEYS_MAX} are kept")
    emitter = _Emitter(columns)
    stages = tuple(emitter.stage(one) for one in plan(outputs))
    count = sum(len(one.instructions) for one in stages)
    if count > FORMULA_INSTRUCTIONS_MAX:
        raise TooLarge(f"it needs {count:,} instructions; at most {FORMULA_INSTRUCTIONS_MAX:,} are run")
    fields = sorted({value.extra for value in needed if value.op is Op.LOAD})
    return Code(
        constants=tuple(emitter.constants),
        keys=tuple(keys),
        registers=emitter.registers(),
        arrays=tuple(emitter.arrays),
        stages=stages,
        fields=tuple(fields),
        outputs=tuple(emitter.kept[value] for value in outputs),
        uses_orders=not ORDER_FIELDS.isdisjoint(fields),
        inputs=tuple(inputs),
    )


def _reachable(outputs: Sequence[Value]) -> set[Value]:
    found: set[Value] = set()
    waiting = list(outputs)
    while waiting:
        value = waiting.pop()
        if value.op is not None and value not in found:
            found.add(value)
            waiting += value.args
    return found


def _operand(place: Place, index: int) -> int:
    return int(place) << _PLACE_BITS | index


class _Emitter:
    """Give registers to values; lanes are given by each stage."""

    def __init__(self, columns: dict[int, int]) -> None:
        self.constants: list[float] = []
        self.arrays: list[int] = []
        self.kept: dict[Value, int] = {}
        self._columns = columns
        self._constants: dict[str, int] = {}
        self._used: dict[Place, int] = {}
        self._used_of: dict[tuple[Place, int], int] = {}  # (place, key or table) -> registers
        self._lanes = 0

    def registers(self) -> dict[int, int]:
        """Return how many registers each place needs."""
        used = dict.fromkeys(_COUNTED, 0) | self._used
        for (place, _), count in self._used_of.items():
            used[place] = max(used[place], count)
        used[Place.LANES] = self._lanes
        return {int(place): count for place, count in sorted(used.items())}

    def stage(self, planned: Planned) -> Stage:
        """Return the instructions of one stage."""
        lanes = _Lanes(planned)
        rows: list[Instruction] = []
        for value in planned.values:
            args = tuple(self._read(one, planned.home, lanes, rows) for one in value.args)
            to = self._keep(value) if value in planned.kept else lanes.take(value)
            rows.append((int(value.op or 0), to, args, value.extra))
            lanes.free(value)
        self._lanes = max(self._lanes, lanes.most)
        if self._lanes > FORMULA_LANES_MAX:
            raise TooLarge(f"one stage has {self._lanes} results at once; at most {FORMULA_LANES_MAX} are held")
        return Stage(planned.home.kind, planned.home.key, planned.home.table, tuple(rows))

    def _read(self, value: Value, home: Home, lanes: _Lanes, rows: list[Instruction]) -> int:
        """Return the operand for a value; values of instruments and subgroups are first brought to the positions."""
        if value.place is not None:
            return self._constant(value) if value.is_constant else _operand(value.place, value.extra)
        if value in lanes.held:
            return lanes.held[value]
        kept = self.kept[value]
        place = Place(kept >> _PLACE_BITS)
        if home.kind is not StageKind.POSITION or place not in (Place.INSTRUMENT, Place.GROUP):
            return kept
        gather = Op.GATHER_GROUP if place is Place.GROUP else Op.GATHER_INSTRUMENT
        to = lanes.take(value)
        rows.append((int(gather), to, (kept,), value.space.key))
        return to

    def _constant(self, value: Value) -> int:
        known = value.constant.hex()
        if known not in self._constants:
            self._constants[known] = len(self.constants)
            self.constants.append(value.constant)
        return _operand(Place.CONSTANT, self._constants[known])

    def _keep(self, value: Value) -> int:
        """Give a register to a value."""
        kind, space = value.space.home.kind, value.space
        if kind is StageKind.SCENARIO:
            used = self._next_of(Place.SCENARIO, space.table)
            index = space.table << _TABLE_BITS | self._columns[space.table] + used
            operand = _operand(Place.SCENARIO, index)
        elif kind in (StageKind.GROUP, StageKind.GROUP_SCENARIO):
            place = Place.GROUP if kind is StageKind.GROUP else Place.GROUP_SCENARIO
            operand = _operand(place, _KEY_STEP * space.key + self._next_of(place, space.key))
        else:
            place = _PLACES[kind]
            index = self._used.get(place, 0)
            self._used[place] = index + 1
            operand = _operand(place, index)
            if place is Place.ARRAY:
                self.arrays.append(space.table)
        self.kept[value] = operand
        return operand

    def _next_of(self, place: Place, which: int) -> int:
        used = self._used_of.get((place, which), 0)
        if used == FORMULA_REGISTERS_MAX:
            raise TooLarge(f"it has more than {FORMULA_REGISTERS_MAX} aggregations of one kind")
        self._used_of[place, which] = used + 1
        return used


_COUNTED = (
    Place.SCALAR,
    Place.POSITION,
    Place.INSTRUMENT,
    Place.GROUP,
    Place.SCENARIO,
    Place.GROUP_SCENARIO,
    Place.ARRAY,
    Place.LANES,
)
_PLACES = {
    StageKind.SCALAR: Place.SCALAR,
    StageKind.POSITION: Place.POSITION,
    StageKind.INSTRUMENT: Place.INSTRUMENT,
    StageKind.INSTRUMENT_SCENARIO: Place.ARRAY,
}


class _Lanes:
    """
    Give lanes of one stage to values, and take them back after the last use.

    Attributes:
        held: the lane of each value that has one now.
        most: how many lanes were held at one time.
    """

    def __init__(self, planned: Planned) -> None:
        self.held: dict[Value, int] = {}
        self.most = 0
        self._free: list[int] = []
        self._last = {arg: value for value in planned.values for arg in value.args}

    def take(self, value: Value) -> int:
        """Give a lane to a value; it is never one that an operand of the same instruction still holds."""
        lane = self._free.pop() if self._free else self.most
        self.most = max(self.most, lane + 1)
        self.held[value] = _operand(Place.LANES, lane)
        return self.held[value]

    def free(self, value: Value) -> None:
        """Take back the lanes of operands that are not used again."""
        for arg in dict.fromkeys(value.args):
            if self._last[arg] is value and arg in self.held:
                self._free.append(self.held.pop(arg) & ((1 << _PLACE_BITS) - 1))
