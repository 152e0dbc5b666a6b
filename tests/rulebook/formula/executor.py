# SPDX-License-Identifier: Apache-2.0
"""
The register machine in plain Python: runs code stage by stage, and refuses what a stage cannot read or write.

Every position has an instrument of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from marginrules.machine import PARAMETER_FIRST, Code, Field, Op, Place, Stage, StageKind
from tests.rulebook.formula import world as rules
from tests.rulebook.formula.world import NAN, World

K, P = StageKind, Place
READABLE = {
    K.INSTRUMENT: {P.CONSTANT, P.INSTRUMENT, P.LANES},
    K.INSTRUMENT_SCENARIO: {P.CONSTANT, P.INSTRUMENT, P.SCENARIO, P.SERIES, P.ARRAY, P.LANES},
    K.SCALAR: {P.CONSTANT, P.SCALAR, P.INPUT, P.LANES},
    K.POSITION: {P.CONSTANT, P.SCALAR, P.INPUT, P.POSITION, P.LANES},
    K.GROUP: {P.CONSTANT, P.SCALAR, P.INPUT, P.GROUP, P.LANES},
    K.SCENARIO: {P.CONSTANT, P.SCALAR, P.SCENARIO, P.LANES},
    K.POSITION_SCENARIO: {
        P.CONSTANT,
        P.SCALAR,
        P.POSITION,
        P.INSTRUMENT,
        P.GROUP,
        P.SCENARIO,
        P.ARRAY,
        P.GROUP_SCENARIO,
        P.LANES,
    },
    K.GROUP_SCENARIO: {P.CONSTANT, P.SCALAR, P.GROUP, P.SCENARIO, P.GROUP_SCENARIO, P.LANES},
}
WRITABLE = {
    K.INSTRUMENT: {P.INSTRUMENT, P.LANES},
    K.INSTRUMENT_SCENARIO: {P.ARRAY, P.LANES},
    K.SCALAR: {P.SCALAR},
    K.POSITION: {P.POSITION, P.LANES},
    K.GROUP: {P.GROUP, P.LANES},
    K.SCENARIO: {P.SCENARIO, P.LANES},
    K.POSITION_SCENARIO: {P.LANES},
    K.GROUP_SCENARIO: {P.LANES},
}
TOTALS = {K.POSITION: {P.SCALAR, P.GROUP}, K.GROUP: {P.SCALAR}} | {
    K.POSITION_SCENARIO: {P.SCENARIO, P.GROUP_SCENARIO},
    K.GROUP_SCENARIO: {P.SCENARIO},
}
REDUCED = {
    K.INSTRUMENT_SCENARIO: P.INSTRUMENT,
    K.SCENARIO: P.SCALAR,
    K.POSITION_SCENARIO: P.POSITION,
    K.GROUP_SCENARIO: P.GROUP,
}
BY_POSITION = (K.INSTRUMENT, K.INSTRUMENT_SCENARIO, K.POSITION_SCENARIO)
BY_SCENARIO = (K.INSTRUMENT_SCENARIO, K.SCENARIO, K.POSITION_SCENARIO, K.GROUP_SCENARIO)
ACCUMULATING = (Op.TOTAL, Op.SMALLEST, Op.LARGEST, Op.TOTAL_PRODUCT)
REDUCING = (Op.LOWEST, Op.HIGHEST, Op.QUANTILE, Op.TAIL_MEAN, Op.AVERAGE)


def _compared(compare: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda a, b: NAN if math.isnan(a) or math.isnan(b) else float(compare(a, b))


def _both(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else NAN if math.isnan(a) or math.isnan(b) else 1.0


def _either(a: float, b: float) -> float:
    holds = [one for one in (a, b) if not math.isnan(one) and one != 0]
    return 1.0 if holds else NAN if math.isnan(a) or math.isnan(b) else 0.0


ELEMENT: dict[Op, Callable[..., float]] = {
    Op.COPY: lambda a: a,
    Op.ADD: lambda a, b: a + b,
    Op.SUBTRACT: lambda a, b: a - b,
    Op.MULTIPLY: lambda a, b: a * b,
    Op.DIVIDE: rules.divided,
    Op.NEGATE: lambda a: -a,
    Op.LEAST: rules.least,
    Op.GREATEST: rules.greatest,
    Op.ABSOLUTE: abs,
    Op.LESS: _compared(lambda a, b: a < b),
    Op.LESS_EQUAL: _compared(lambda a, b: a <= b),
    Op.EQUAL: _compared(lambda a, b: a == b),
    Op.UNEQUAL: _compared(lambda a, b: a != b),
    Op.AND: _both,
    Op.OR: _either,
    Op.NOT: lambda a: NAN if math.isnan(a) else float(a == 0),
    Op.SELECT: lambda condition, a, b: NAN if math.isnan(condition) else a if condition else b,
    Op.FLOOR: lambda a: rules.rounded(a, "floor"),
    Op.CEILING: lambda a: rules.rounded(a, "ceil"),
    Op.ROUND: lambda a: rules.rounded(a, "round"),
    Op.FLOOR_SHARE: lambda x, part, whole: rules.shared(x, part, whole, "floor"),
    Op.CEILING_SHARE: lambda x, part, whole: rules.shared(x, part, whole, "ceil"),
    Op.SQUARE_ROOT: rules.rooted,
    Op.EXPONENTIAL: rules.exponential,
    Op.LOGARITHM: lambda a: NAN if math.isnan(a) else rules.logarithm(a),
    Op.POWER: rules.raised,
    Op.NORMAL: rules.normal,
    Op.BLACK_76: rules.stand_in,
    Op.BLACK_SCHOLES: rules.stand_in,
    Op.AMERICAN: rules.stand_in,
    Op.IMPLIED_BLACK_76: rules.stand_in,
    Op.IMPLIED_BLACK_SCHOLES: rules.stand_in,
    Op.IMPLIED_AMERICAN: rules.stand_in,
}
ARITY = {Op.BLACK_76: 5, Op.BLACK_SCHOLES: 7, Op.AMERICAN: 7} | {
    Op.IMPLIED_BLACK_76: 5,
    Op.IMPLIED_BLACK_SCHOLES: 7,
    Op.IMPLIED_AMERICAN: 7,
}


@dataclass
class Executor:
    """
    Run code in a world; registers are kept by (place, index, item).

    Args:
        element: operations that work value by value.
    """

    code: Code
    world: World
    element: dict[Op, Callable[..., float]] = field(default_factory=lambda: ELEMENT)

    def run(self) -> list[float]:
        """Return the outputs."""
        self._kept: dict[tuple[Place, int], list[float] | dict[int, list[float]]] = {}
        self._written: set[int] = set()
        self._check_registers()
        for stage in self.code.stages:
            self._run(stage)
        return [self._single(operand) for operand in self.code.outputs]

    def _check_registers(self) -> None:
        for place, index in self._operands():
            if place in (P.SCALAR, P.POSITION, P.INSTRUMENT, P.ARRAY, P.LANES):
                assert index < self.code.registers[place]
            elif place in (P.GROUP, P.GROUP_SCENARIO):
                assert index >> 8 < len(self.code.keys)
                assert index & 255 < self.code.registers[place]
            elif place is P.SCENARIO:
                columns = len(self.world.columns[index >> 12])
                assert index & 4095 < columns + self.code.registers.get(P.SCENARIO, 0)

    def _operands(self) -> Iterator[tuple[Place, int]]:
        for stage in self.code.stages:
            for _, to, args, _ in stage.instructions:
                for operand in (to, *args):
                    yield Place(operand >> 20), operand & 0xFFFFF

    def _single(self, operand: int) -> float:
        place, index = Place(operand >> 20), operand & 0xFFFFF
        assert place is P.SCALAR
        value = self._kept[place, index]
        assert isinstance(value, list)
        return value[0]

    def _outer(self, stage: Stage) -> int:
        if stage.kind in BY_POSITION:
            return len(self.world.positions)
        return self.world.groups(self.code.keys[stage.key])[1] if stage.kind is K.GROUP_SCENARIO else 1

    def _width(self, stage: Stage) -> int:
        if stage.kind in BY_SCENARIO:
            return len(self.world.columns[stage.table][0])
        if stage.kind is K.POSITION:
            return len(self.world.positions)
        return self.world.groups(self.code.keys[stage.key])[1] if stage.kind is K.GROUP else 1

    def _run(self, stage: Stage) -> None:
        assert (stage.key >= 0) == (stage.kind in (K.GROUP, K.GROUP_SCENARIO))
        assert (stage.table >= 0) == (stage.kind in BY_SCENARIO)
        outer, width = self._outer(stage), self._width(stage)
        accumulators: set[int] = set()
        for op, to, _, extra in stage.instructions:
            if op in ACCUMULATING:
                assert to not in accumulators, "an accumulator is written by one instruction"
                accumulators.add(to)
                self._start(Op(op), to, width, extra)
        for item in range(outer):
            lanes: dict[int, list[float]] = {}
            for op, to, args, extra in stage.instructions:
                self._step(stage, Op(op), to, args, extra, item, width, lanes, accumulators)
        if not outer:
            for op, to, _, _ in stage.instructions:
                if op not in ACCUMULATING and Place(to >> 20) is not P.LANES:
                    self._kept.setdefault((Place(to >> 20), to & 0xFFFFF), {})

    def _start(self, op: Op, to: int, width: int, key: int) -> None:
        first = {Op.SMALLEST: math.inf, Op.LARGEST: -math.inf}.get(op, 0.0)
        place, index = Place(to >> 20), to & 0xFFFFF
        assert (place, index) not in self._kept
        if place is P.SCALAR:
            self._kept[place, index] = [first]
        elif place is P.GROUP:
            assert index >> 8 == key
            self._kept[place, index] = [first] * self.world.groups(self.code.keys[key])[1]
        elif place is P.SCENARIO:
            self._kept[place, index] = [first] * width
        else:
            assert index >> 8 == key
            groups = self.world.groups(self.code.keys[key])[1]
            self._kept[place, index] = {g: [first] * width for g in range(groups)}

    def _step(
        self,
        stage: Stage,
        op: Op,
        to: int,
        args: tuple[int, ...],
        extra: int,
        item: int,
        width: int,
        lanes: dict[int, list[float]],
        accumulators: set[int],
    ) -> None:
        place, index = Place(to >> 20), to & 0xFFFFF
        assert not accumulators & set(args), "what is accumulated is read in a later stage"
        if op in (Op.GATHER_GROUP, Op.GATHER_INSTRUMENT):
            assert stage.kind is K.POSITION
            assert place is P.LANES
            lanes[index] = self._gathered(op, args[0], extra)
            return
        if op in (Op.STRATEGY, Op.LOWEST_PAYOFF):
            self._kept[place, index] = self._of_group(stage, op, extra)
            return
        read = [self._read(stage, one, item, width, lanes) for one in args]
        if op in ACCUMULATING:
            assert place in TOTALS[stage.kind]
            self._accumulate(stage, op, to, read, item)
        elif op in REDUCING:
            assert place is REDUCED[stage.kind]
            weights = self.world.columns[stage.table][0]
            self._put(stage, place, index, item, [reduced(op, read[0], weights, read[1][0] if read[1:] else 0.0)])
        else:
            assert place in WRITABLE[stage.kind]
            if op is Op.LOAD:
                result = self._loaded(stage, extra, item)
            elif op is Op.TIERED:
                result = [rules.of_tiers(self.world.tiers[extra], one) for one in read[0]]
            else:
                assert len(read) == ARITY.get(op, len(read))
                result = [self.element[op](*column) for column in zip(*read, strict=True)]
            if place is P.LANES:
                assert to not in args, "a lane is not written while it is read"
                lanes[index] = result
            else:
                self._put(stage, place, index, item, result)

    def _put(self, stage: Stage, place: Place, index: int, item: int, result: list[float]) -> None:
        """Write a register: rows by position, or one row."""
        if stage.kind in BY_POSITION or stage.kind is K.GROUP_SCENARIO:
            rows = self._kept.setdefault((place, index), {})
            assert isinstance(rows, dict)
            assert item not in rows
            rows[item] = result
        else:
            assert (place, index) not in self._kept
            self._kept[place, index] = result

    def _row(self, place: Place, index: int, item: int) -> list[float]:
        kept = self._kept[place, index]
        return kept[item] if isinstance(kept, dict) else [kept[item]]

    def _read(self, stage: Stage, operand: int, item: int, width: int, lanes: dict[int, list[float]]) -> list[float]:
        place, index = Place(operand >> 20), operand & 0xFFFFF
        assert place in READABLE[stage.kind], f"{stage.kind.name} cannot read {place.name}"
        readers: dict[Place, Callable[[], list[float]]] = {
            P.LANES: lambda: lanes[index],
            P.CONSTANT: lambda: [self.code.constants[index]] * width,
            P.INPUT: lambda: [self.world.inputs[self.code.inputs[index]]] * width,
            P.SERIES: lambda: self._moves(stage, index, item),
            P.SCENARIO: lambda: self._scenario(stage, index),
            P.ARRAY: lambda: self._array(stage, index, item),
            P.GROUP_SCENARIO: lambda: self._row(place, index, self._group(stage, index >> 8, item)),
            P.SCALAR: lambda: [self._single(operand)] * width,
            P.GROUP: lambda: self._of_subgroups(stage, index, item, width),
            P.POSITION: lambda: self._of_positions(stage, place, index, item, width),
            P.INSTRUMENT: lambda: self._of_positions(stage, place, index, item, width),
        }
        return readers[place]()

    def _moves(self, stage: Stage, index: int, item: int) -> list[float]:
        assert index == stage.table
        return self.world.moves[index][item]

    def _array(self, stage: Stage, index: int, item: int) -> list[float]:
        assert self.code.arrays[index] == stage.table
        return self._row(P.ARRAY, index, item)

    def _of_subgroups(self, stage: Stage, index: int, item: int, width: int) -> list[float]:
        if stage.kind is not K.GROUP:
            return self._row(P.GROUP, index, self._group(stage, index >> 8, item)) * width
        assert index >> 8 == stage.key
        return [self._row(P.GROUP, index, g)[0] for g in range(width)]

    def _of_positions(self, stage: Stage, place: Place, index: int, item: int, width: int) -> list[float]:
        if stage.kind is K.POSITION:
            return [self._row(place, index, p)[0] for p in range(width)]
        return self._row(place, index, item) * width

    def _group(self, stage: Stage, key: int, item: int) -> int:
        if stage.kind is K.GROUP_SCENARIO:
            assert key == stage.key
            return item
        return self.world.groups(self.code.keys[key])[0][item]

    def _scenario(self, stage: Stage, index: int) -> list[float]:
        table, row = index >> 12, index & 4095
        assert table == stage.table
        columns = self.world.columns[table]
        if row < len(columns):
            return columns[row]
        assert stage.kind is not K.INSTRUMENT_SCENARIO, "a prepared stage knows no positions"
        kept = self._kept[P.SCENARIO, index]
        assert isinstance(kept, list)
        return kept

    def _gathered(self, op: Op, operand: int, key: int) -> list[float]:
        place, index = Place(operand >> 20), operand & 0xFFFFF
        assert place is (P.GROUP if op is Op.GATHER_GROUP else P.INSTRUMENT)
        if op is Op.GATHER_INSTRUMENT:
            return [self._row(place, index, p)[0] for p in range(len(self.world.positions))]
        assert index >> 8 == key
        return [self._row(place, index, g)[0] for g in self.world.groups(self.code.keys[key])[0]]

    def _of_group(self, stage: Stage, op: Op, extra: int) -> list[float]:
        if op is Op.STRATEGY:
            assert stage.kind is K.SCALAR
            return [self.world.strategies[extra]]
        assert stage.key == extra
        mask = self.code.keys[extra] if extra >= 0 else 0
        members, count = self.world.groups(mask)
        found = []
        for g in range(count if extra >= 0 else 1):
            inside = [one for p, one in enumerate(self.world.positions) if extra < 0 or members[p] == g]
            found.append(rules.lowest_payoff(inside))
        return found

    def _loaded(self, stage: Stage, number: int, item: int) -> list[float]:
        assert number in self.code.fields
        if number >= PARAMETER_FIRST:
            assert stage.kind is K.INSTRUMENT
            return [self.world.positions[item][self.world.parameters[number - PARAMETER_FIRST]]]
        read = Field(number)
        if stage.kind is K.SCALAR:
            assert read >= Field.COLLATERAL
            return [self.world.pool[read.name]]
        if stage.kind is K.INSTRUMENT:
            assert read < Field.QUANTITY
            return [self.world.positions[item][read.name]]
        assert stage.kind is K.POSITION
        assert Field.QUANTITY <= read < Field.COLLATERAL
        return [one[read.name] for one in self.world.positions]

    def _accumulate(self, stage: Stage, op: Op, to: int, read: list[list[float]], item: int) -> None:
        place, index = Place(to >> 20), to & 0xFFFFF
        kept = self._kept[place, index]
        values = read[0]
        if op is Op.TOTAL_PRODUCT:
            assert place is P.SCENARIO
            assert len(stage.instructions) == 1
            values = [a * b for a, b in zip(*read, strict=True)]
        add = {Op.SMALLEST: rules.least, Op.LARGEST: rules.greatest}.get(op, lambda a, b: a + b)
        if place in (P.SCALAR, P.GROUP):
            assert isinstance(kept, list)
            members = self.world.groups(self.code.keys[index >> 8])[0] if place is P.GROUP else [0] * len(values)
            for g, one in zip(members, values, strict=True):
                kept[g] = add(kept[g], one)
            return
        row = kept if isinstance(kept, list) else kept[self._group(stage, index >> 8, item)]
        for s, one in enumerate(values):
            row[s] = add(row[s], one)


def reduced(op: Op, values: list[float], weights: list[float], tail: float) -> float:
    """Return what the scenarios come to; no interpolation, the last scenario of a tail counts in part."""
    if any(map(math.isnan, values)):
        return NAN
    if op is Op.LOWEST:
        return min(values)
    if op is Op.HIGHEST:
        return max(values)
    total = sum(weights)
    if op is Op.AVERAGE:
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total
    reached, mean = 0.0, 0.0
    for value, weight in sorted(zip(values, weights, strict=True)):
        part = min(weight, max(tail * total - reached, 0.0))
        mean += value * part if part else 0.0
        reached += weight
        if reached >= tail * total:
            return value if op is Op.QUANTILE else mean / (tail * total)
    return NAN
