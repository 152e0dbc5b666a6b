# SPDX-License-Identifier: Apache-2.0
"""
Values of one program: every different calculation once, constants folded, and for each where it is calculated.

A value is *prepared* where it depends on nothing but an instrument, the market and the rulebook. It is then calculated
once per market change and not once per check. All operations work value by value, so this changes no result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from marginrules.machine import PARAMETER_FIRST, Field, Op, Place, StageKind

OVER_POSITIONS = (Op.TOTAL, Op.SMALLEST, Op.LARGEST, Op.TOTAL_PRODUCT)
OVER_SCENARIOS = (Op.LOWEST, Op.HIGHEST, Op.QUANTILE, Op.TAIL_MEAN, Op.AVERAGE)
OF_GROUP = (Op.LOWEST_PAYOFF, Op.STRATEGY)
WITH_SCENARIOS = (
    StageKind.INSTRUMENT_SCENARIO,
    StageKind.SCENARIO,
    StageKind.POSITION_SCENARIO,
    StageKind.GROUP_SCENARIO,
)
PREPARED = (StageKind.INSTRUMENT, StageKind.INSTRUMENT_SCENARIO)


@dataclass(frozen=True, slots=True)
class Home:
    """Say in what stages a value lives; key and table are -1 where the kind has none."""

    kind: StageKind
    key: int = -1
    table: int = -1


@dataclass(frozen=True, slots=True)
class Space:
    """
    Say along what a value varies.

    Args:
        is_pure: depends on nothing but instruments, columns of scenarios and constants.
    """

    is_of_positions: bool = False
    key: int = -1
    table: int = -1
    is_pure: bool = True

    @property
    def home(self) -> Home:
        """Return where a value of this space is calculated; pure values without instruments have two places."""
        has_table = self.table >= 0
        if self.is_of_positions:
            plain = StageKind.INSTRUMENT if self.is_pure else StageKind.POSITION
            by_scenario = StageKind.INSTRUMENT_SCENARIO if self.is_pure else StageKind.POSITION_SCENARIO
            return Home(by_scenario if has_table else plain, -1, self.table)
        if self.key >= 0:
            return Home(StageKind.GROUP_SCENARIO if has_table else StageKind.GROUP, self.key, self.table)
        return Home(StageKind.SCENARIO if has_table else StageKind.SCALAR, -1, self.table)


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """
    Carry one value.

    Args:
        number: rises from operands to what is made of them.
        op: None for what is there already: a constant, a column, a move, an input.
        extra: of the operation; of what is there already, its index in its place.
        runs: the stage that calculates it; of an aggregation, the stage of its operand.
        place: of what is there already.
        constant: of a constant, else not a number.
    """

    number: int
    op: Op | None
    args: tuple[Value, ...]
    extra: int
    space: Space
    runs: Home
    place: Place | None = None
    constant: float = math.nan

    @property
    def is_constant(self) -> bool:
        """Say whether it is known now."""
        return self.place is Place.CONSTANT

    @property
    def is_element_wise(self) -> bool:
        """Say whether it is calculated value by value."""
        return self.op is not None and self.op not in (*OVER_POSITIONS, *OVER_SCENARIOS, *OF_GROUP)


_Key = tuple[object, ...]


class Values:
    """
    Make values, each different one once.

    Attributes:
        keys: masks by which subgroups are told apart, in the order of first use.
    """

    def __init__(self) -> None:
        self.keys: list[int] = []
        self._known: dict[_Key, Value] = {}

    def constant(self, number: float) -> Value:
        """Return a constant."""
        return self._kept((Place.CONSTANT, number.hex()), None, (), 0, Space(), Place.CONSTANT, number)

    def column(self, table: int, index: int) -> Value:
        """Return a column of a scenario table."""
        return self._kept(
            (Place.SCENARIO, table, index), None, (), table << 12 | index, Space(table=table), Place.SCENARIO
        )

    def move(self, table: int) -> Value:
        """Return the moves of the instrument's underlying in a historical scenario table."""
        space = Space(is_of_positions=True, table=table)
        return self._kept((Place.SERIES, table), None, (), table, space, Place.SERIES)

    def given(self, index: int) -> Value:
        """Return an input of the caller."""
        return self._kept((Place.INPUT, index), None, (), index, Space(is_pure=False), Place.INPUT)

    def load(self, field: int) -> Value:
        """Return a field of an instrument, a position or the pool, or a parameter of an instrument."""
        is_of_pool = Field.COLLATERAL <= field < PARAMETER_FIRST
        is_pure = field < Field.QUANTITY or field >= PARAMETER_FIRST
        space = Space(is_of_positions=not is_of_pool, is_pure=is_pure)
        return self._kept((Op.LOAD, field), Op.LOAD, (), int(field), space)

    def key(self, mask: int) -> int:
        """Return the number of a key."""
        if mask not in self.keys:
            self.keys.append(mask)
        return self.keys.index(mask)

    def make(self, op: Op, *args: Value, extra: int = -1) -> Value:
        """Return the result of an operation on each value."""
        folded = _fold(op, args)
        if folded is not None:
            return self.constant(folded)
        space = _meeting(args)
        return self._kept((op, extra, *(one.number for one in args)), op, self._ready(args, space), extra, space)

    def copy(self, value: Value) -> Value:
        """Return a value that is calculated, where one is there already."""
        space = Space(value.space.is_of_positions, value.space.key, value.space.table, value.space.is_pure)
        return self._kept((Op.COPY, value.number), Op.COPY, (value,), -1, space)

    def of_positions(self, value: Value) -> Value:
        """Return a value that does not depend on scenarios as one of each position, kept in a register of theirs."""
        space = Space(is_of_positions=True, is_pure=False)
        if value.space == space:
            return value
        return self._kept((Op.COPY, value.number, StageKind.POSITION), Op.COPY, (value,), -1, space)

    def over_positions(self, op: Op, *args: Value, key: int = -1) -> Value:
        """Return an aggregation over positions, or over subgroups."""
        over = _meeting(args)
        space = Space(key=key, table=over.table, is_pure=False)
        running = Space(over.is_of_positions, over.key, over.table, is_pure=False)
        known = (op, key, *(one.number for one in args))
        return self._kept(known, op, self._ready(args, running), key, space, runs=running.home)

    def over_scenarios(self, op: Op, *args: Value) -> Value:
        """Return an aggregation over the scenarios of the first operand's table."""
        over = args[0].space
        is_pure = over.is_pure and over.is_of_positions and all(one.is_constant for one in args[1:])
        running = Space(over.is_of_positions, over.key, over.table, is_pure)
        space = Space(over.is_of_positions, over.key, -1, is_pure)
        known = (op, *(one.number for one in args))
        return self._kept(known, op, self._ready(args, running), -1, space, runs=running.home)

    def of_group(self, op: Op, extra: int, key: int = -1) -> Value:
        """Return what the machine knows of a whole group."""
        return self._kept((op, extra), op, (), extra, Space(key=key, is_pure=False))

    def _ready(self, args: tuple[Value, ...], where: Space) -> tuple[Value, ...]:
        """Bring inputs and moves to stages that cannot read them."""
        kind = where.home.kind
        return tuple(
            self.copy(one)
            if (one.place is Place.INPUT and kind in WITH_SCENARIOS)
            or (one.place is Place.SERIES and kind is not StageKind.INSTRUMENT_SCENARIO)
            else one
            for one in args
        )

    def _kept(
        self,
        known: _Key,
        op: Op | None,
        args: tuple[Value, ...],
        extra: int,
        space: Space,
        place: Place | None = None,
        constant: float = math.nan,
        runs: Home | None = None,
    ) -> Value:
        found = self._known.get(known)
        if found is None:
            found = Value(len(self._known), op, args, extra, space, runs or space.home, place, constant)
            self._known[known] = found
        return found


def _meeting(args: tuple[Value, ...]) -> Space:
    """Return along what values vary together."""
    spaces = [one.space for one in args]
    is_of_positions = any(one.is_of_positions for one in spaces)
    key = -1 if is_of_positions else max((one.key for one in spaces), default=-1)
    table = max((one.table for one in spaces), default=-1)
    return Space(is_of_positions, key, table, all(one.is_pure for one in spaces))


# Exact in IEEE arithmetic, so that it does not matter who calculates them.
_EXACT: dict[Op, Callable[..., float]] = {
    Op.ADD: lambda a, b: a + b,
    Op.SUBTRACT: lambda a, b: a - b,
    Op.MULTIPLY: lambda a, b: a * b,
    Op.DIVIDE: lambda a, b: a / b if b else math.nan,
    Op.NEGATE: lambda a: -a,
    Op.LEAST: min,
    Op.GREATEST: max,
    Op.ABSOLUTE: abs,
    Op.LESS: lambda a, b: float(a < b),
    Op.LESS_EQUAL: lambda a, b: float(a <= b),
    Op.EQUAL: lambda a, b: float(a == b),
    Op.UNEQUAL: lambda a, b: float(a != b),
    Op.AND: lambda a, b: float(a != 0 and b != 0),
    Op.OR: lambda a, b: float(a != 0 or b != 0),
    Op.NOT: lambda a: float(a == 0),
    Op.SELECT: lambda condition, a, b: a if condition != 0 else b,
}


def _fold(op: Op, args: tuple[Value, ...]) -> float | None:
    """Return what constants give, where that is exact and finite."""
    if op not in _EXACT or not all(one.is_constant for one in args):
        return None
    result = _EXACT[op](*(one.constant for one in args))
    return result if math.isfinite(result) else None
