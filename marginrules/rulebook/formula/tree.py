# SPDX-License-Identifier: Apache-2.0
"""A formula as it is written, and as it is understood: every name resolved, with unit and dimensions."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules.machine import Key
from marginrules.rulebook.formula.unit import Unit

# As written. `start` and `end` are places in the text of the formula.


@dataclass(frozen=True, slots=True)
class Literal:
    """Carry a number with its unit, such as `15%`, `500 USDT` or `30d`; a plain number as its `text` has it."""

    text: str
    value: float
    unit: Unit
    start: int
    end: int
    depth: int = 1

    @property
    def at(self) -> tuple[int, int]:
        """Return where a mistake is shown."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Name:
    """Carry a name: `notional`, `grid.price`, `short.strike`."""

    text: str
    start: int
    end: int
    depth: int = 1

    @property
    def at(self) -> tuple[int, int]:
        """Return where a mistake is shown."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class Call:
    """
    Carry a function or an operator with its operands.

    Args:
        name: `max`, `+`, `and`; unary minus is `negate`.
        at: where the name or the sign stands.
        by: names behind `by`, each with its place.
    """

    name: str
    args: tuple[Tree, ...]
    at: tuple[int, int]
    start: int
    end: int
    depth: int
    by: tuple[Name, ...] = ()
    is_operator: bool = False


Tree = Literal | Name | Call
NO_KEY = Key(0)


# As understood.


@dataclass(frozen=True, slots=True)
class Dimensions:
    """
    Say along what a value varies.

    Args:
        is_of_positions: one for each position.
        key: one for each subgroup told apart by this; none for values of positions, which know their subgroup.
        table: one for each scenario of this table; -1: none.
    """

    is_of_positions: bool = False
    key: Key = NO_KEY
    table: int = -1

    @property
    def is_single(self) -> bool:
        """Say whether the group has one value."""
        return not self.is_of_positions and not self.key and self.table < 0


SINGLE = Dimensions()
OF_POSITIONS = Dimensions(is_of_positions=True)


@dataclass(frozen=True, slots=True, eq=False)
class Typed:
    """
    Carry one understood part of a formula; a definition is the same object wherever it is used.

    Args:
        kind: "number", "field", "parameter", "column", "move", "input", "leg" or "call".
        name: of the field, column, input, function or operator; of a leg's field, `leg.field`.
        value: of a number.
        index: of the column in its table, of the tier table of `tiered`; of `strategy_margin`, 2 x book + (0 initial,
            1 maintenance).
        key: what `by` tells apart.
    """

    kind: str
    name: str
    unit: Unit
    dims: Dimensions
    args: tuple[Typed, ...] = ()
    value: float = 0.0
    index: int = -1
    key: Key = NO_KEY
