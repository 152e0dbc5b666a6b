# SPDX-License-Identifier: Apache-2.0
"""What a rulebook names outside its formulas, and which of it a formula may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.formula.parse import KEYWORDS
from marginrules.rulebook.formula.unit import Unit
from marginrules.rulebook.formula.vocabulary import EVERY_FIELD, FieldWord


@dataclass(frozen=True, slots=True)
class Constant:
    """Carry a named constant; durations are in days."""

    value: float
    unit: Unit


class ScenarioNames(Protocol):
    """Say what a formula may read of one scenario table."""

    @property
    def index(self) -> int:
        """Return its number."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its columns, "weight" first."""

    @property
    def is_historical(self) -> bool:
        """Say whether `NAME.move` can be read."""


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Carry the names of one scenario table."""

    index: int
    names: tuple[str, ...] = ("weight",)
    is_historical: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """
    Carry what a rulebook names.

    Args:
        parameters: parameter -> its number and unit.
        tables: tier table -> its number.
        strategies: strategy book -> its number.
    """

    currency: str
    constants: dict[str, Constant] = field(default_factory=dict)
    parameters: dict[str, tuple[int, Unit]] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    scenarios: dict[str, ScenarioNames] = field(default_factory=dict)
    strategies: dict[str, int] = field(default_factory=dict)

    def table_name(self, index: int) -> str:
        """Return the name of a scenario table."""
        return next(name for name, one in self.scenarios.items() if one.index == index)


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Say what a formula can read besides definitions and constants.

    Args:
        where: names the formula in messages, "a portfolio".
        pool: fields that are the pool's.
        given: inputs of the caller.
        legs: of a strategy; fields are then read as `leg.field`, and there are no positions.
        unused: definitions that could be named and are not; they are among what a misspelt name may have meant.
    """

    where: str
    fields: dict[str, FieldWord] = field(default_factory=dict)
    pool: frozenset[str] = frozenset()
    given: dict[str, Unit] = field(default_factory=dict)
    legs: tuple[str, ...] = ()
    unused: frozenset[str] = frozenset()


_RESERVED = frozenset({*EVERY_FIELD, *KEYWORDS, "if", "yes", "no"})


def check_name(sink: Sink, place: Place, name: str, what: str) -> bool:
    """
    Say whether a constant, input or definition may have this name, which is not a field's or a keyword.

    Args:
        what: "a constant", for the message.
    """
    if name not in _RESERVED:
        return True
    kind = "a field" if name in EVERY_FIELD else "a word"
    sink.add("MR-R409", place, f"{what} was named '{name}', which is {kind} of formulas", f"for example my_{name}")
    return False
