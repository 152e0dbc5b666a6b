# SPDX-License-Identifier: Apache-2.0
"""
Values to stages: what is calculated together, in what order, and what is kept from one stage for the next.

Whatever can be calculated early is: cheaper stages come first, so that a stage over positions and scenarios runs once
with all that it can do. Values over scenarios are not kept but calculated again in each stage that needs them;
aggregations always have a register.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from marginrules.machine import Op, StageKind
from marginrules.rulebook.formula.values import PREPARED, Home, Value

_CHEAPEST_FIRST = (
    StageKind.INSTRUMENT,
    StageKind.INSTRUMENT_SCENARIO,
    StageKind.SCALAR,
    StageKind.GROUP,
    StageKind.POSITION,
    StageKind.SCENARIO,
    StageKind.GROUP_SCENARIO,
    StageKind.POSITION_SCENARIO,
)
# Where element-wise values have registers.
_KEPT = (StageKind.SCALAR, StageKind.POSITION, StageKind.GROUP, StageKind.INSTRUMENT, StageKind.INSTRUMENT_SCENARIO)
_WITH_SUBGROUPS = (StageKind.SCENARIO, StageKind.GROUP_SCENARIO)


@dataclass(frozen=True, slots=True)
class Planned:
    """
    Carry one stage.

    Args:
        values: what it calculates, operands before what is made of them.
        kept: those of them that have a register.
    """

    home: Home
    values: tuple[Value, ...]
    kept: frozenset[Value]


def plan(outputs: Iterable[Value]) -> list[Planned]:
    """Return the stages that calculate some single values."""
    kept = _demanded(outputs)
    order = _order(kept)
    return _shared(order)


def _is_inside(value: Value, home: Home) -> bool:
    """Say whether a stage calculates a value on its way, in lanes that nobody else sees."""
    if not value.is_element_wise:
        return False
    if value.runs == home:
        return True
    if home.kind in PREPARED:
        return value.space.is_pure and not value.space.is_of_positions
    if home.kind is StageKind.POSITION_SCENARIO:
        return value.runs.kind in _WITH_SUBGROUPS
    return home.kind is StageKind.GROUP_SCENARIO and value.runs.kind is StageKind.SCENARIO


def _demanded(outputs: Iterable[Value]) -> set[Value]:
    """Return all values that need a register."""
    kept: set[Value] = set()
    waiting = list(outputs)
    while waiting:
        value = waiting.pop()
        if value in kept:
            continue
        kept.add(value)
        cone, outside = _cone(value, value.runs, frozenset())
        waiting += outside
        if value.runs.kind is StageKind.SCALAR:
            waiting += cone  # one lane each: their registers are as good as lanes
    return kept


def _cone(root: Value, home: Home, stop: frozenset[Value]) -> tuple[list[Value], list[Value]]:
    """Return what a stage calculates on the way to a value, itself included, and what it reads from elsewhere."""
    inside, outside, waiting = {root}, set[Value](), list(root.args)
    while waiting:
        value = waiting.pop()
        if value.op is None or value in inside or value in outside:
            continue
        if value in stop or not _is_inside(value, home):
            outside.add(value)
        else:
            inside.add(value)
            waiting += value.args
    return list(inside), list(outside)


def _order(kept: set[Value]) -> list[tuple[Home, list[Value]]]:
    """Return the stages in their order, each with the values it keeps."""
    reads = {value: frozenset(_cone(value, value.runs, frozenset())[1]) for value in kept}
    done: set[Value] = set()
    order: list[tuple[Home, list[Value]]] = []
    left = sorted(kept, key=lambda value: value.number)
    while left:
        ready = [value for value in left if reads[value] <= done]
        if not ready:
            raise AssertionError("values of a formula wait for each other")
        home = min(
            (value.runs for value in ready), key=lambda one: (_CHEAPEST_FIRST.index(one.kind), one.key, one.table)
        )
        taken = [value for value in ready if value.runs == home]
        done.update(taken)
        left = [value for value in left if value not in done]
        # Alone in its stage, the core runs a sum of products as one loop over risk arrays.
        alone = [value for value in taken if value.op is Op.TOTAL_PRODUCT]
        together = [value for value in taken if value.op is not Op.TOTAL_PRODUCT]
        order += [(home, [value]) for value in alone] + ([(home, together)] if together else [])
    return order


def _shared(order: list[tuple[Home, list[Value]]]) -> list[Planned]:
    """Keep also what two stages of one kind would calculate twice, where it can be kept."""
    uses: Counter[Value] = Counter()
    for home, roots in order:
        uses.update(_inside(home, roots, frozenset()))
    twice = {value for value, count in uses.items() if count > 1 and value.runs.kind in _KEPT and value.args}
    stop: frozenset[Value] = frozenset()
    planned = []
    for home, roots in order:
        inside = _inside(home, roots, stop)
        kept = frozenset(roots) | {value for value in inside if value in twice and value.runs == home}
        values = sorted(inside, key=lambda value: value.number)
        planned.append(Planned(home, tuple(values), kept))
        stop |= kept
    return planned


def _inside(home: Home, roots: Iterable[Value], stop: frozenset[Value]) -> set[Value]:
    found: set[Value] = set()
    for root in roots:
        found.update(_cone(root, home, stop)[0])
    return found
