# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: ARG001, D101, D103, RUF100 - replaced by the language itself
"""Stand-in for the formula language, until it lands: every formula compiles to a constant made of its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marginrules import machine
from marginrules.rulebook.diagnostic import Sink
from marginrules.rulebook.parse import Scalar


@dataclass(frozen=True, slots=True)
class Constant:
    value: float
    unit: Any


@dataclass(frozen=True, slots=True)
class Scenarios:
    index: int
    names: tuple[str, ...] = ("weight",)
    is_historical: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    currency: str
    constants: dict[str, Constant]
    tables: dict[str, int]
    scenarios: dict[str, Scenarios]
    strategies: dict[str, int]


def read_constant(sink: Sink, node: Scalar, currency: str) -> Constant | None:
    return Constant(1.0, None)


def _code(*formulas: Scalar) -> machine.Code:
    texts = tuple("".join(one.text.split()) for one in formulas)
    return machine.Code((), (), {}, (), (), (), (), inputs=texts)


def compile_portfolio(
    sink: Sink,
    env: Environment,
    define: dict[str, Scalar],
    initial: Scalar,
    maintenance: Scalar,
    *,
    per_position: bool = False,
) -> machine.Code | None:
    return _code(initial, maintenance, *define.values())


def compile_pool(
    sink: Sink, env: Environment, define: dict[str, Scalar], initial: Scalar, maintenance: Scalar
) -> machine.Code | None:
    return _code(initial, maintenance, *define.values())


def compile_figure(
    sink: Sink, env: Environment, define: dict[str, Scalar], value: Scalar, *, of: str, given: Mapping[str, str]
) -> machine.Code | None:
    return _code(value, *define.values())


def compile_leg(sink: Sink, env: Environment, formula: Scalar, legs: tuple[machine.Leg, ...]) -> machine.Code | None:
    return _code(formula)
