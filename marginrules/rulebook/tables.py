# SPDX-License-Identifier: Apache-2.0
"""The sections `constants`, `parameters` and `tables`: values and piecewise linear functions that formulas name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches

from marginrules.limits import CONSTANTS_MAX, PARAMETER_VALUES_MAX, PARAMETERS_MAX, TABLES_MAX
from marginrules.rulebook import fields
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.fields import Fields
from marginrules.rulebook.formula.environment import check_name
from marginrules.rulebook.parse import Mapping, Node, Scalar, Sequence
from marginrules.rulebook.vocabulary.models import DEFAULT, TABLE_TIER

_MISSPELT = 0.8  # how like `default` a symbol is, of 1
_NOWHERE = Place(1, 1)

Row = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TableTier:
    """Give the rate for the part of a size up to `to` (None: the rest)."""

    to: Decimal | None
    rate: Decimal
    place: Place = field(default=_NOWHERE, compare=False)
    places: dict[str, Place] = field(default_factory=dict, compare=False)
    is_sound: bool = field(default=True, compare=False)  # every value could be read


def read_constants(sink: Sink, top: Fields) -> dict[str, Scalar]:
    """Return the constants as written; what they are is read with the formulas."""
    named = fields.read_named(sink, top, "constants", reader=fields.read_variable)
    if len(named) > CONSTANTS_MAX:
        message = f"{len(named):,} constants; at most {CONSTANTS_MAX} are read"
        sink.add("MR-R107", top.key_place("constants"), message)
        return {}
    constants = {}
    for name, node, at in named:
        if fields.read_text(sink, node) is not None and isinstance(node, Scalar):
            check_name(sink, at, name, "a constant")
            constants[name] = node
    return constants


def read_parameters(sink: Sink, top: Fields) -> dict[str, dict[str, Scalar]]:
    """Return, for each parameter, what it is by symbol or underlying as written; `default` is for all others."""
    named = fields.read_named(sink, top, "parameters", reader=fields.read_variable)
    if len(named) > PARAMETERS_MAX:
        message = f"{len(named):,} parameters; at most {PARAMETERS_MAX} are read"
        sink.add("MR-R107", top.key_place("parameters"), message)
        return {}
    return {name: _values(sink, node, name) for name, node, at in named if check_name(sink, at, name, "a parameter")}


def _values(sink: Sink, node: Node, name: str) -> dict[str, Scalar]:
    if not isinstance(node, Mapping):
        hint = "write {default: 10%, BTC: 5%}: by symbol, or by underlying"
        sink.add("MR-R303", node.place, f"parameter '{name}' is a mapping of symbols to values", hint)
        return {}
    if not node.entries and not node.partial:
        sink.add("MR-R327", node.place, f"parameter '{name}' has no value", "give at least a `default`")
    if len(node.entries) > PARAMETER_VALUES_MAX:
        message = f"parameter '{name}' has {len(node.entries):,} values; at most {PARAMETER_VALUES_MAX:,} are read"
        sink.add("MR-R107", node.place, message)
        return {}
    for symbol, at in node.keys.items():
        fields.read_name(sink, Scalar(symbol, at))
    near = get_close_matches(DEFAULT, node.entries, n=1, cutoff=_MISSPELT)
    if near and DEFAULT not in node.entries:
        message = f"parameter '{name}' has no default, but a value for '{near[0]}'"
        sink.add("MR-R301", node.keys[near[0]], message, f"did you mean '{DEFAULT}'?")
    return {
        symbol: one
        for symbol, one in node.entries.items()
        if fields.read_text(sink, one) is not None and isinstance(one, Scalar)
    }


def read_tables(sink: Sink, top: Fields) -> dict[str, tuple[TableTier, ...]]:
    """Read the tier tables; their order is checked later."""
    named = fields.read_named(sink, top, "tables", reader=fields.read_variable)
    if len(named) > TABLES_MAX:
        sink.add("MR-R107", top.key_place("tables"), f"{len(named):,} tables; at most {TABLES_MAX} are read")
        return {}
    return {name: _tiers(sink, node, f"table '{name}'") for name, node, _ in named}


def _tiers(sink: Sink, node: Node, what: str) -> tuple[TableTier, ...]:
    if not isinstance(node, Sequence):
        sink.add("MR-R303", node.place, f"{what} is a list of tiers", "write each as `- {to: ..., rate: 5%}`")
        return ()
    if not fields.is_table(sink, node, what):
        return ()
    made = []
    for item in node.items:
        part = Fields(sink, item, f"a tier of {what}", TABLE_TIER)
        rate, to = part.rate("rate", Decimal(0)), part.number("to", None)
        places = {key: part.place_of(key) for key in ("to", "rate")}
        made.append(TableTier(to, rate, item.place, places, part.is_sound))
    return tuple(made)


def rows_of(tiers: tuple[TableTier, ...]) -> Iterator[Row]:
    """Yield each tier as (floor, rate, value at the floor), continuous at the edges."""
    floor, value = Decimal(0), Decimal(0)
    last: TableTier | None = None
    for tier in tiers:
        if last is not None and last.to is not None:
            value += last.rate * (last.to - floor)
            floor = last.to
        yield float(floor), float(tier.rate), float(value)
        last = tier
