# SPDX-License-Identifier: Apache-2.0
"""Formulas as they stand in a rulebook, and code in words that a test can compare."""

from __future__ import annotations

from marginrules.machine import Code, Field, Op, Place
from marginrules.rulebook.diagnostic import Diagnostic, Sink, render_text
from marginrules.rulebook.formula import (
    Environment,
    compile_figure,
    compile_leg,
    compile_pool,
    compile_portfolio,
)
from marginrules.rulebook.parse import Mapping, Scalar, parse
from tests.rulebook.formula.formulas import ENVIRONMENT


def scalars(text: str) -> tuple[Sink, dict[str, Scalar], dict[str, Scalar]]:
    """Return the definitions of a piece of YAML, and its other values."""
    sink = Sink("rulebook.yaml", text.split("\n"))
    root = parse(text, sink)
    assert root is not None, render_text(sink.ordered())
    define = root.entries.get("define", Mapping({}, {}, root.place))
    assert isinstance(define, Mapping)
    return sink, of_scalars(define), of_scalars(root)


def of_scalars(mapping: Mapping) -> dict[str, Scalar]:
    """Return the values of a mapping that are text."""
    return {name: one for name, one in mapping.entries.items() if isinstance(one, Scalar)}


def portfolio(text: str, *, per_position: bool = False) -> tuple[Code | None, tuple[Diagnostic, ...]]:
    """Compile `initial` and `maintenance`, which is 0 where it is not given."""
    sink, define, values = scalars(text)
    maintenance = values.get("maintenance", Scalar("0", values["initial"].place))
    code = compile_portfolio(sink, ENVIRONMENT, define, values["initial"], maintenance, per_position=per_position)
    return code, sink.ordered()


def pool(text: str) -> tuple[Code | None, tuple[Diagnostic, ...]]:
    """Compile the formulas of a pool."""
    sink, define, values = scalars(text)
    return compile_pool(sink, ENVIRONMENT, define, values.get("initial"), values.get("maintenance")), sink.ordered()


def figure(
    text: str, of: str = "position", given: dict[str, str] | None = None
) -> tuple[Code | None, tuple[Diagnostic, ...]]:
    """Compile a figure."""
    sink, define, values = scalars(text)
    return compile_figure(sink, ENVIRONMENT, define, values["value"], of=of, given=given or {}), sink.ordered()


def leg(text: str, *, wants: str = "any", env: Environment = ENVIRONMENT) -> tuple[Code | None, tuple[Diagnostic, ...]]:
    """Compile a formula of a strategy with the legs `short` and `long`."""
    sink, _, values = scalars(f"where: {text}")
    return compile_leg(sink, env, values["where"], ("short", "long"), wants=wants), sink.ordered()


def shown(found: tuple[Diagnostic, ...]) -> list[str]:
    """Return each problem as an officer reads it, with the stretch of text that the caret underlines."""
    return [
        f"{one.code} at '{one.source[one.place.column - 1 : one.place.column - 1 + one.place.width]}': {one.message}"
        + (f" ({one.hint})" if one.hint else "")
        for one in found
    ]


def stages(code: Code | None) -> list[str]:
    """Return the kinds of the stages."""
    assert code is not None
    return [one.kind.name for one in code.stages]


def written(code: Code | None) -> list[str]:
    """Return stages and instructions, one a line."""
    assert code is not None
    lines = []
    for stage in code.stages:
        where = [f"key {stage.key}"] * (stage.key >= 0) + [f"table {stage.table}"] * (stage.table >= 0)
        lines.append(" ".join([stage.kind.name, *where]))
        for op, to, args, extra in stage.instructions:
            more = Field(extra).name if op == Op.LOAD else str(extra) if extra >= 0 else ""
            words = [operand(code, to), "=", Op(op).name, *(operand(code, one) for one in args), more]
            lines.append("  " + " ".join(word for word in words if word))
    return lines


def operand(code: Code, number: int) -> str:
    """Return an operand in words; a constant as its number."""
    place, index = Place(number >> 20), number & 0xFFFFF
    return f"{code.constants[index]:g}" if place is Place.CONSTANT else f"{place.name}:{index}"
