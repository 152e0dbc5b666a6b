# SPDX-License-Identifier: Apache-2.0
"""Formulas of a rulebook to code. Each function returns None after reporting every problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from marginrules.machine import Code
from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.formula.check import Checker
from marginrules.rulebook.formula.definitions import Definition, in_order
from marginrules.rulebook.formula.emit import TooLarge, emit
from marginrules.rulebook.formula.environment import Constant, Environment, Scope, check_name
from marginrules.rulebook.formula.lower import Lowering
from marginrules.rulebook.formula.parse import parse_formula
from marginrules.rulebook.formula.text import FormulaText
from marginrules.rulebook.formula.tree import SINGLE, Call, Literal, Tree, Typed
from marginrules.rulebook.formula.unit import AMOUNT, GIVEN, NUMBER, PRICE, YES_NO, Unit, noun, phrase
from marginrules.rulebook.formula.vocabulary import OF_GROUP, POOL_FIELDS
from marginrules.rulebook.parse import Scalar

_POOL = frozenset(POOL_FIELDS)
_POOL_OF_POSITIONS = _POOL - {"unrealized_pnl"}  # here the position's own
_WHERE = {"position": "a figure of a position", "pool": "a figure of the pool", "portfolio": "a figure of a portfolio"}
IN_PORTFOLIO = Scope("the margin of positions", OF_GROUP)
IN_POOL = Scope("the margin of the pool", OF_GROUP | POOL_FIELDS, _POOL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Say what a formula has to give.

    Args:
        name: of the formula, for messages.
        units: any of these; none: any unit.
        is_totalled: of positions is allowed, and summed.
        is_of_scenarios: one value for each scenario of a table is allowed.
    """

    name: str
    units: tuple[Unit, ...] = ()
    is_totalled: bool = False
    is_of_scenarios: bool = False


_OF_STRATEGY = {
    "condition": Wanted("the condition", (YES_NO,)),
    "amount": Wanted("the requirement", (AMOUNT, PRICE)),
    "any": Wanted("the formula", (YES_NO, AMOUNT, PRICE)),
}


@dataclass(slots=True)
class Understood:
    """Carry the typed trees of one program."""

    scope: Scope
    results: list[Typed] = field(default_factory=list)
    is_sound: bool = True


def read_constant(sink: Sink, node: Scalar, currency: str) -> Constant | None:
    """Read a literal with its unit: a number, a rate, a duration, an amount or a quantity."""
    tree = parse_formula(sink, FormulaText(sink, node), currency)
    if tree is None:
        return None
    sign = 1.0
    if isinstance(tree, Call) and tree.name == "negate":
        sign, tree = -1.0, tree.args[0]
    if not isinstance(tree, Literal):
        hint = f"write 0.5, 5%, 250 bps, 30d or 500 {currency}; what is calculated belongs under `define`"
        sink.add("MR-R401", node.place, "a constant is one number", hint)
        return None
    return Constant(sign * tree.value if tree.value else 0.0, tree.unit)


def compile_portfolio(
    sink: Sink,
    env: Environment,
    define: dict[str, Scalar],
    initial: Scalar,
    maintenance: Scalar,
    *,
    per_position: bool = False,
) -> Code | None:
    """
    Compile the margin of a portfolio.

    Args:
        per_position: the formulas may give one amount for each position, which are then summed.

    Returns:
        Code with the outputs IM, MM.
    """
    wanted = [Wanted(name, (AMOUNT,), per_position) for name in ("initial", "maintenance")]
    return _compile(sink, env, IN_PORTFOLIO, define, [(wanted[0], initial), (wanted[1], maintenance)])


def compile_pool(
    sink: Sink, env: Environment, define: dict[str, Scalar], initial: Scalar | None, maintenance: Scalar | None
) -> Code | None:
    """Compile the pool's last word on IM and MM; where there is no formula, what came in stays."""
    wanted: list[tuple[Wanted, Scalar | None]] = [
        (Wanted("initial", (AMOUNT,)), initial),
        (Wanted("maintenance", (AMOUNT,)), maintenance),
    ]
    return _compile(sink, env, IN_POOL, define, wanted)


def compile_figure(
    sink: Sink,
    env: Environment,
    define: dict[str, Scalar],
    value: Scalar,
    *,
    of: str,
    given: dict[str, str],
    unused: frozenset[str] = frozenset(),
) -> Code | None:
    """
    Compile a figure; its one output has whatever unit the formula has, and may be one value for each scenario.

    Args:
        of: "position", "pool" or "portfolio".
        given: input of the caller -> "number", "amount", "price", "quantity", "rate", "duration" or "yes_no".
        unused: definitions of its portfolio that it does not name.
    """
    pool = _POOL if of == "pool" else _POOL_OF_POSITIONS
    fields = OF_GROUP | {name: POOL_FIELDS[name] for name in pool}
    scope = Scope(_WHERE[of], fields, pool, {name: GIVEN[word] for name, word in given.items()}, unused=unused)
    wanted = Wanted("value", is_totalled=of == "position", is_of_scenarios=True)
    return _compile(sink, env, scope, define, [(wanted, value)])


def compile_leg(
    sink: Sink, env: Environment, formula: Scalar, legs: tuple[str, ...], *, wants: str = "any"
) -> Code | None:
    """
    Compile a condition or a requirement of a strategy, which reads `leg.field`.

    Args:
        wants: "condition", "amount" (per unit of the strategy) or "any" of both.

    Returns:
        Code of one stage with one output: 1 or 0 of a condition, else an amount per unit of the strategy.
    """
    scope = Scope("a strategy", legs=legs)
    return _compile(sink, env, scope, {}, [(_OF_STRATEGY[wants], formula)])


def understand(
    sink: Sink,
    env: Environment,
    scope: Scope,
    define: dict[str, Scalar],
    wanted: Sequence[tuple[Wanted, Scalar | None]],
) -> Understood:
    """Return the typed trees of a program; problems are in the sink."""
    made = Understood(scope)
    definitions = _definitions(sink, env, scope, define, made)
    known: dict[str, Typed | None] = dict.fromkeys(definitions)
    checker = Checker(sink, env, scope, known)
    ordered, broken = in_order(sink, definitions)
    for one in ordered:
        typed = None if one.tree is None else checker.check(one.formula, one.tree)
        known[one.name] = None if one.name in broken else typed
        made.is_sound = made.is_sound and known[one.name] is not None
    for want, node in wanted:
        result = _field_of_pool(want) if node is None else _result(sink, env, checker, want, node)
        made.is_sound = made.is_sound and result is not None
        made.results += [] if result is None else [result]
    return made


def _definitions(
    sink: Sink, env: Environment, scope: Scope, define: dict[str, Scalar], made: Understood
) -> dict[str, Definition]:
    found = {}
    for name, node in define.items():
        formula = FormulaText(sink, node)
        if not check_name(sink, node.place, name, "a definition"):
            made.is_sound = False
        elif name in env.constants or name in scope.given:
            kind = "a constant" if name in env.constants else "given by the caller"
            sink.add("MR-R409", node.place, f"definition '{name}' has the name of what is {kind}", "rename one")
            made.is_sound = False
        found[name] = Definition(name, formula, parse_formula(sink, formula, env.currency))
    return found


def _field_of_pool(want: Wanted) -> Typed:
    return Typed("field", want.name, AMOUNT, dims=SINGLE)


def _result(sink: Sink, env: Environment, checker: Checker, want: Wanted, node: Scalar) -> Typed | None:
    formula = FormulaText(sink, node)
    tree = parse_formula(sink, formula, env.currency)
    typed = None if tree is None else checker.check(formula, tree)
    if tree is None or typed is None:
        return None
    return typed if _is_wanted(env, checker, want, tree, typed) else None


def _is_wanted(env: Environment, checker: Checker, want: Wanted, tree: Tree, typed: Typed) -> bool:
    at, written, dims = (tree.start, tree.end), checker.written(tree), typed.dims
    if want.units and not typed.unit.is_any and typed.unit not in want.units:
        is_what = phrase(typed.unit, env.currency)
        needed = noun(want.units[0])
        message = f"{want.name} is {'an' if needed == 'amount' else 'a'} {needed}: '{written}' is {is_what}"
        is_plain = isinstance(tree, Literal) and typed.unit == NUMBER and tree.text[-1].isdigit()
        hint = f"did you mean {written} {env.currency}?" if is_plain else ""
        checker.report("MR-R404", at, message, hint)
        return False
    is_one = not dims.key and (want.is_totalled or not dims.is_of_positions)
    if is_one and (want.is_of_scenarios or dims.table < 0):
        return True
    if dims.table >= 0 and not want.is_of_scenarios:
        over, hint = f"each scenario of {env.table_name(dims.table)}", "for example worst_loss(x)"
    else:
        over = "each position" if dims.is_of_positions else "each subgroup"
        hint = "for example total(x)" if written.endswith("...") else f"did you mean total({written})?"
    checker.report("MR-R405", at, f"{want.name} is one value: '{written}' is one of {over}", hint)
    return False


def _compile(
    sink: Sink,
    env: Environment,
    scope: Scope,
    define: dict[str, Scalar],
    wanted: Sequence[tuple[Wanted, Scalar | None]],
) -> Code | None:
    understood = understand(sink, env, scope, define, wanted)
    if not understood.is_sound:
        return None
    lowering = Lowering(scope.given, scope.pool)
    outputs = [
        lowering.output(typed, is_totalled=want.is_totalled)
        for (want, _), typed in zip(wanted, understood.results, strict=True)
    ]
    columns = {one.index: len(one.names) for one in env.scenarios.values()}
    try:
        return emit(outputs, lowering.values.keys, columns, lowering.inputs)
    except TooLarge as error:
        place = next((node.place for _, node in wanted if node is not None), Place(1, 1))
        sink.add("MR-R407", place, f"formula is too large: {error}", "split it, or define less in one program")
        return None
