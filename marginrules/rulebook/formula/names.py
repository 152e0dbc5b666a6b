# SPDX-License-Identifier: Apache-2.0
"""What the names of a formula mean, and what was probably meant by one that means nothing."""

from __future__ import annotations

from typing import Protocol

from marginrules.machine import Key
from marginrules.rulebook.diagnostic import nearest, suggest
from marginrules.rulebook.formula.environment import Environment, ScenarioNames, Scope
from marginrules.rulebook.formula.tree import OF_POSITIONS, SINGLE, Call, Dimensions, Name, Tree, Typed
from marginrules.rulebook.formula.unit import AMOUNT, NUMBER
from marginrules.rulebook.formula.vocabulary import (
    EVERY_FIELD,
    FUNCTIONS,
    INSTRUMENT_FIELDS,
    KEYS,
    LEG_FIELDS,
    POOL_FIELDS,
)


class Reporter(Protocol):
    """Report problems of the formula that is being checked."""

    def report(self, code: str, at: tuple[int, int], message: str, hint: str = "") -> None:
        """Report a problem."""

    def written(self, tree: Tree) -> str:
        """Return a part as it is written."""


Definitions = dict[str, Typed | None]


def resolve(to: Reporter, env: Environment, scope: Scope, definitions: Definitions, name: Name) -> Typed | None:
    """Return what a name means, or None after reporting that it means nothing here."""
    text = name.text
    if "." in text:
        return _resolve_dotted(to, env, scope, name)
    if text in definitions:
        return definitions[text]
    found = _of_book(env, scope, text)
    if found is None and text in scope.fields:
        dims = SINGLE if text in scope.pool else OF_POSITIONS
        found = Typed("field", text, scope.fields[text].unit, dims)
    if found is None:
        _report_unknown(to, env, scope, definitions, name)
    return found


def _of_book(env: Environment, scope: Scope, text: str) -> Typed | None:
    """Return an input of the caller, a constant or a parameter."""
    if text in scope.given:
        return Typed("input", text, scope.given[text], SINGLE)
    if text in env.constants:
        constant = env.constants[text]
        return Typed("number", text, constant.unit, SINGLE, value=constant.value)
    if text in env.parameters and not scope.legs:
        number, unit = env.parameters[text]
        return Typed("parameter", text, unit, OF_POSITIONS, index=number)
    return None


def _resolve_dotted(to: Reporter, env: Environment, scope: Scope, name: Name) -> Typed | None:
    base, _, member = name.text.partition(".")
    if base in scope.legs:
        return _of_leg(to, env, name, member)
    if base in env.scenarios and not scope.legs:
        return _of_scenario(to, env.scenarios[base], name, base, member)
    if base in env.scenarios:
        to.report("MR-R408", name.at, f"scenarios are not available in {scope.where}")
        return None
    kind, known = ("leg", scope.legs) if scope.legs else ("scenario table", tuple(env.scenarios))
    to.report("MR-R402", (name.start, name.start + len(base)), f"there is no {kind} '{base}'", suggest(base, known))
    return None


def _of_leg(to: Reporter, env: Environment, name: Name, member: str) -> Typed | None:
    if member in LEG_FIELDS:
        return Typed("leg", name.text, INSTRUMENT_FIELDS[member].unit, SINGLE)
    if member in env.parameters:
        return Typed("leg", name.text, env.parameters[member][1], SINGLE)
    code = "MR-R408" if member in EVERY_FIELD else "MR-R402"
    known = (*LEG_FIELDS, *env.parameters)
    to.report(code, (name.end - len(member), name.end), f"a leg has no '{member}'", suggest(member, known))
    return None


def _of_scenario(to: Reporter, table: ScenarioNames, name: Name, base: str, member: str) -> Typed | None:
    if member in table.names:
        return Typed("column", name.text, NUMBER, Dimensions(table=table.index), index=table.names.index(member))
    if member == "move" and table.is_historical:
        return Typed("move", name.text, NUMBER, Dimensions(is_of_positions=True, table=table.index))
    known = (*table.names, *(("move",) if table.is_historical else ()))
    place = (name.end - len(member), name.end)
    to.report("MR-R402", place, f"scenario table '{base}' has no '{member}'", suggest(member, known))
    return None


def _report_unknown(to: Reporter, env: Environment, scope: Scope, definitions: Definitions, name: Name) -> None:
    text = name.text
    if text in EVERY_FIELD:
        if scope.legs:
            hint = f"say of which leg: {scope.legs[0]}.{text}" if text in LEG_FIELDS else ""
        else:
            hint = "it is known in `pool` and `figures`" if text in POOL_FIELDS else ""
        to.report("MR-R408", name.at, f"'{text}' is not available in {scope.where}", hint)
        return
    if text in FUNCTIONS:
        message, hint = f"'{text}' is a function", f"write {FUNCTIONS[text].signature(text)}"
    elif text in env.scenarios:
        columns = [one for one in (*env.scenarios[text].names, "move") if one != "weight"]
        message, hint = f"'{text}' is a scenario table", f"write {text}.{columns[0]}"
    elif text in env.tables:
        message, hint = f"'{text}' is a tier table", f"write tiered({text}, x)"
    elif text in env.strategies:
        message, hint = f"'{text}' is a strategy book", f"write strategy_margin({text}, initial)"
    elif text in env.parameters:
        message = f"parameter '{text}' is not available in {scope.where}"
        hint = f"say of which leg: {scope.legs[0]}.{text}"
    elif text in scope.legs:
        message, hint = f"'{text}' is a leg", f"write {text}.strike"
    else:
        known = [*definitions, *scope.unused, *scope.given, *env.constants, *env.parameters, *scope.fields]
        message, hint = f"'{text}' is not known", suggest(text, known)
        near = nearest(text, FUNCTIONS)
        hint = hint or (f"did you mean {FUNCTIONS[near].signature(near)}?" if near else "")
    to.report("MR-R402", name.at, message, hint)


def report_function(to: Reporter, scope: Scope, definitions: Definitions, call: Call) -> None:
    """Report that a call names no function."""
    if call.name in definitions or call.name in scope.fields:
        hint = "an operator stands between two values"
        to.report("MR-R402", call.at, f"'{call.name}' is not a function", hint)
        return
    to.report("MR-R402", call.at, f"there is no function '{call.name}'", suggest(call.name, FUNCTIONS))


def key(to: Reporter, name: Name) -> Key | None:
    """Return by what positions are told apart."""
    if name.text not in KEYS:
        to.report("MR-R402", name.at, f"positions are not told apart by '{name.text}'", suggest(name.text, KEYS))
    return KEYS.get(name.text)


def tier_table(to: Reporter, env: Environment, tree: Tree) -> int | None:
    """Return the number of a tier table."""
    if isinstance(tree, Name) and tree.text in env.tables:
        return env.tables[tree.text]
    written = to.written(tree)
    hint = suggest(written, env.tables) or "name one under `tables`"
    to.report("MR-R402", (tree.start, tree.end), f"there is no tier table '{written}'", hint)
    return None


def strategy(to: Reporter, env: Environment, call: Call) -> Typed | None:
    """Return the requirement by a strategy book."""
    book, which = call.args
    index = env.strategies.get(book.text) if isinstance(book, Name) else None
    if index is None:
        written = to.written(book)
        hint = suggest(written, env.strategies) or "name one under `strategies`"
        to.report("MR-R402", (book.start, book.end), f"there is no strategy book '{written}'", hint)
    words = ("initial", "maintenance")
    word = which.text if isinstance(which, Name) else to.written(which)
    if word not in words:
        message = f"a strategy has no requirement '{word}'"
        to.report("MR-R402", (which.start, which.end), message, suggest(word, words))
    if index is None or word not in words:
        return None
    return Typed("call", call.name, AMOUNT, SINGLE, index=2 * index + words.index(word))
