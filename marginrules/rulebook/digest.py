# SPDX-License-Identifier: Apache-2.0
"""
The digest of a rulebook: the SHA-256 of what it means, not of how it is written.

The order of keys, comments and the spelling of a number do not change it.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from marginrules import units
from marginrules.limits import RULEBOOK_DEADLINES_MAX
from marginrules.machine import Code, Key, ScenarioTable
from marginrules.rulebook.collateral import Collateral, WrongWay, later
from marginrules.rulebook.schema import Match
from marginrules.terms import Deadline


def canonical(value: Any) -> Any:
    """Return a record as plain data without the places it stands at and the spelling of its values."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (tuple, list)):
        return [canonical(one) for one in value]
    if isinstance(value, dict):
        return {str(key): canonical(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: canonical(getattr(value, name)) for name in _meaningful(type(value))}
    return value


def hashed(value: Any) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _deadline(value: Deadline) -> Any:
    return [value.duration_ns, value.business_days, _hashed_rows(value.sessions)]


def _match(value: Match) -> Any:
    lists = (value.kinds, value.underlyings, value.settlements, value.symbols)
    # Books without this condition keep the digest that they had before there was one.
    return [*(sorted(one) for one in lists), value.inverse, *([sorted(value.rights)] if value.rights else [])]


def _collateral(value: Collateral) -> Any:
    known = ("haircuts", "cap", "concentration", *later(value))
    return {name: canonical(getattr(value, name)) for name in known}


def _wrong_way(value: WrongWay) -> Any:
    return [sorted(value.underlyings), canonical(value.haircut)]


def _scenarios(value: ScenarioTable) -> Any:
    columns = hashed([[repr(one) for one in column] for column in value.columns])
    return [value.name, value.names, columns, value.is_historical]


def code_meaning(code: Code) -> tuple[Any, ...]:
    """Return a program as plain data: equal for two programs that do the same, as a key and as JSON."""
    stages = tuple((int(one.kind), one.key, one.table, one.instructions) for one in code.stages)
    return (
        tuple(map(repr, code.constants)),
        tuple(map(int, code.keys)),
        tuple((int(place), count) for place, count in sorted(code.registers.items())),
        code.arrays,
        stages,
        tuple(map(int, code.fields)),
        code.outputs,
        code.uses_orders,
        code.inputs,
    )


_WRITERS: dict[type, Callable[[Any], Any]] = {
    Decimal: units.format_number,
    float: repr,
    Key: int,  # the name of a mask is not the same in every version
    Deadline: _deadline,
    Match: _match,
    Collateral: _collateral,
    WrongWay: _wrong_way,
    Code: code_meaning,
    ScenarioTable: _scenarios,
}


@functools.cache
def _meaningful(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind) if one.compare and one.name != "line")


@functools.lru_cache(maxsize=RULEBOOK_DEADLINES_MAX)
def _hashed_rows(rows: tuple[tuple[int, int], ...]) -> str:
    return hashed(rows)
