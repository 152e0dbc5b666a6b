# SPDX-License-Identifier: Apache-2.0
"""A tree to a typed tree: every name resolved, every unit and dimension fitting, or a problem reported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from marginrules.machine import Key
from marginrules.rulebook.diagnostic import Sink
from marginrules.rulebook.fields import shorten
from marginrules.rulebook.formula import names
from marginrules.rulebook.formula.environment import Environment, Scope
from marginrules.rulebook.formula.parse import COMPARISONS
from marginrules.rulebook.formula.text import FormulaText
from marginrules.rulebook.formula.tree import OF_POSITIONS, SINGLE, Call, Dimensions, Literal, Name, Tree, Typed
from marginrules.rulebook.formula.unit import (
    AMOUNT,
    ANY,
    DURATION,
    NUMBER,
    PRICE,
    QUANTITY,
    YES_NO,
    Unit,
    noun,
    phrase,
)
from marginrules.rulebook.formula.vocabulary import FUNCTIONS, KEYS, OVER_POSITIONS, OVER_SCENARIOS, Function

_OF_NUMBERS = ("exp", "log", "power", "normal")
_CHOOSING = ("if", "min", "max", "clamp")
_PARAMETER_UNITS = {
    "condition": YES_NO,
    "price": PRICE,
    "forward": PRICE,
    "spot": PRICE,
    **dict.fromkeys(("years", "volatility", "rate", "dividend_yield", "tail", "confidence"), NUMBER),
}
_OF_INSTRUMENT = (
    "payoff",
    "value_at",
    "black_76",
    "black_scholes",
    "american",
    "implied_black_76",
    "implied_black_scholes",
    "implied_american",
)
_GIVES_PRICE = ("payoff", "value_at", "black_76", "black_scholes", "american")
_AS_LITERAL = {
    AMOUNT: "{} {currency}",
    PRICE: "{} {currency} per contract",
    QUANTITY: "{} contracts",
    DURATION: "{}d",
}


class Checker:
    """
    Check the formulas of one program.

    Args:
        definitions: what each name means, as far as it was understood; None where it has a problem of its own.
    """

    def __init__(self, sink: Sink, env: Environment, scope: Scope, definitions: dict[str, Typed | None]) -> None:
        self._sink = sink
        self._env = env
        self._scope = scope
        self._definitions = definitions
        self._formula: FormulaText

    def check(self, formula: FormulaText, tree: Tree) -> Typed | None:
        """Return the typed tree, or None after reporting every problem in it."""
        self._formula = formula
        return self._check(tree)

    def report(self, code: str, at: tuple[int, int], message: str, hint: str = "") -> None:
        """Report a problem at a place of the formula that is being checked."""
        self._sink.add(code, self._formula.place(*at), message, hint)

    def written(self, tree: Tree) -> str:
        """Return a part as it is written, short enough for a message."""
        return shorten(" ".join(self._formula.text[tree.start : tree.end].split()))

    def _check(self, tree: Tree) -> Typed | None:
        if isinstance(tree, Literal):
            return Typed("number", tree.text, tree.unit, SINGLE, value=tree.value)
        if isinstance(tree, Name):
            return names.resolve(self, self._env, self._scope, self._definitions, tree)
        if tree.is_operator:
            return self._operator(tree)
        return self._function(tree)

    # Operators

    def _operator(self, tree: Call) -> Typed | None:
        args = self._checked(tree.args)
        if args is None:
            return None
        is_logic = tree.name in ("and", "or", "not")
        is_alike = tree.name in ("==", "!=") and all(one.unit == YES_NO for one in args)
        fits = [
            is_alike or (self._is_condition(one, typed) if is_logic else self._is_value(one, typed))
            for one, typed in zip(tree.args, args, strict=True)
        ]
        if not all(fits):
            return None
        unit = YES_NO if is_logic or is_alike else self._operator_unit(tree, args)
        return None if unit is None else self._made(tree, args, unit)

    def _operator_unit(self, tree: Call, args: Sequence[Typed]) -> Unit | None:
        left, right = args[0], args[-1]
        if tree.name == "*":
            return left.unit * right.unit
        if tree.name == "/":
            if right.kind == "number" and right.value == 0:
                self.report("MR-R410", tree.at, f"'{self.written(tree)}' divides by zero")
                return None
            return left.unit / right.unit
        if not left.unit.fits(right.unit):
            self._report_misfit(tree, left, right)
            return None
        unit = right.unit if left.unit.is_any else left.unit
        return YES_NO if tree.name in COMPARISONS else unit

    def _report_misfit(self, tree: Call, left: Typed, right: Typed) -> None:
        first, second = (phrase(one.unit, self._env.currency) for one in (left, right))
        does = {"+": f"adds {first} to {second}", "-": f"subtracts {second} from {first}"}
        says = does.get(tree.name, f"compares {first} with {second}")
        head = f"{noun(left.unit)} {tree.name} {noun(right.unit)}"
        hint = self._unit_hint(tree.args[0], left, tree.args[1], right)
        self.report("MR-R404", tree.at, f"{head}: '{self.written(tree)}' {says}", hint)

    def _unit_hint(self, one: Tree, its: Typed, other: Tree, others: Typed) -> str:
        """Say what was probably meant where two units do not fit."""
        if isinstance(one, Literal):
            one, its, other, others = other, others, one, its
        if isinstance(other, Literal) and others.unit == NUMBER:
            if not other.text[-1].isdigit():
                return f"did you mean {self.written(one)} * {other.text}?"
            literal = _AS_LITERAL.get(its.unit, "").format(other.text, currency=self._env.currency)
            return f"did you mean {literal}?" if literal else ""
        if {its.unit, others.unit} == {AMOUNT, PRICE}:
            return "a price times a quantity is an amount"
        if {its.unit, others.unit} == {DURATION, NUMBER}:
            return "a duration divided by 1d is a number"
        return ""

    # Functions

    def _function(self, tree: Call) -> Typed | None:
        function = FUNCTIONS.get(tree.name)
        if function is None:
            names.report_function(self, self._scope, self._definitions, tree)
            self._checked(tree.args)
            return None
        if self._scope.legs and function.needs_group:
            hint = "a strategy reads its legs: leg.strike, leg.mark ..."
            self.report("MR-R408", tree.at, f"{tree.name} is not available in {self._scope.where}", hint)
            return None
        key = self._key(tree, function)
        if not self._is_complete(tree, function) or key is None:
            return None
        if tree.name == "tiered":
            return self._tiered(tree)
        return names.strategy(self, self._env, tree) if tree.name == "strategy_margin" else self._plain(tree, key)

    def _plain(self, tree: Call, key: Key) -> Typed | None:
        """Return a function all of whose arguments are values."""
        args = self._checked(tree.args)
        if args is None or not self._fit(tree, FUNCTIONS[tree.name], args):
            return None
        unit = self._result_unit(tree.name, args)
        if tree.name == "lowest_payoff":
            return Typed("call", tree.name, unit, Dimensions(key=key), key=key)
        if tree.name in OVER_POSITIONS:
            return self._over_positions(tree, args[0], unit, key)
        if tree.name in OVER_SCENARIOS:
            return self._over_scenarios(tree, args, unit)
        return self._made(tree, args, unit, OF_POSITIONS if tree.name in _OF_INSTRUMENT else SINGLE)

    def _key(self, tree: Call, function: Function) -> Key | None:
        """Return by what a call tells positions apart."""
        if tree.by and not function.is_by:
            hint = f"`by` goes with {', '.join(name for name, one in FUNCTIONS.items() if one.is_by)}"
            self.report("MR-R403", tree.by[0].at, f"{tree.name} has no `by`", hint)
            return None
        found = [names.key(self, one) for one in tree.by]
        return None if None in found else reduce(lambda a, b: a | b, (KEYS[one.text] for one in tree.by), Key(0))

    def _is_complete(self, tree: Call, function: Function) -> bool:
        """Say whether a call has as many arguments as it needs."""
        count = len(tree.args)
        if function.least <= count <= function.most:
            return True
        takes = f"{function.least}{' or more' if function.most > function.least else ''}"
        plural = "" if takes == "1" else "s"
        message = f"{tree.name} takes {takes} argument{plural}, not {count}"
        self.report("MR-R403", tree.at, message, function.signature(tree.name))
        return False

    def _fit(self, tree: Call, function: Function, args: Sequence[Typed]) -> bool:
        """Say whether the arguments have the units that a function takes."""
        parameters = [one for one in function.parameters if one != "..."]
        parameters += parameters[-1:] * (len(args) - len(parameters))
        fits = [
            self._fits_parameter(tree, parameter, one, typed)
            for parameter, one, typed in zip(parameters, tree.args, args, strict=True)
        ]
        if not all(fits):
            return False
        if tree.name not in _CHOOSING:
            return True
        first = 1 if tree.name == "if" else 0
        return self._are_alike(tree, tree.args[first:], args[first:])

    def _fits_parameter(self, tree: Call, parameter: str, arg: Tree, typed: Typed) -> bool:
        expected = NUMBER if tree.name in _OF_NUMBERS else _PARAMETER_UNITS.get(parameter)
        if expected == YES_NO:
            return self._is_condition(arg, typed)
        if expected is None and tree.name == "if" and typed.unit == YES_NO:
            return True
        if not self._is_value(arg, typed, f"did you mean count({self.written(arg)})?" if tree.name == "total" else ""):
            return False
        if expected is None or typed.unit.fits(expected):
            return True
        is_what = phrase(typed.unit, self._env.currency)
        message = f"{tree.name}({noun(typed.unit)}): '{self.written(arg)}' is {is_what}, not a {noun(expected)}"
        hint = ""
        if typed.unit == DURATION:
            hint = "divide days by 365d, or write years"
        elif isinstance(arg, Literal) and expected in _AS_LITERAL:
            hint = f"did you mean {_AS_LITERAL[expected].format(arg.text, currency=self._env.currency)}?"
        self.report("MR-R404", (arg.start, arg.end), message, hint)
        return False

    def _are_alike(self, tree: Call, trees: Sequence[Tree], args: Sequence[Typed]) -> bool:
        """Say whether a function chooses among values of one unit."""
        first = next((place for place, one in enumerate(args) if not one.unit.is_any), 0)
        for one, typed in zip(trees, args, strict=True):
            if not typed.unit.fits(args[first].unit):
                units = [phrase(each.unit, self._env.currency) for each in (args[first], typed)]
                head = f"{tree.name}({noun(args[first].unit)}, {noun(typed.unit)})"
                message = f"{head}: '{self.written(tree)}' chooses between {units[0]} and {units[1]}"
                hint = self._unit_hint(trees[first], args[first], one, typed)
                self.report("MR-R404", (one.start, one.end), message, hint)
                return False
        return True

    def _result_unit(self, name: str, args: Sequence[Typed]) -> Unit:
        if name in _GIVES_PRICE:
            return PRICE
        if name in ("lowest_payoff", "strategy_margin"):
            return AMOUNT
        if name in ("sign", "count", *_OF_NUMBERS) or name.startswith("implied_"):
            return NUMBER
        if name in ("floor_share", "ceil_share"):
            return args[0].unit * args[1].unit / args[2].unit
        if name == "sqrt":
            return args[0].unit if args[0].unit.is_any else args[0].unit.root()
        chosen = args[1:] if name == "if" else args if name in _CHOOSING else args[:1]
        return next((one.unit for one in chosen if not one.unit.is_any), ANY)

    def _tiered(self, tree: Call) -> Typed | None:
        index = names.tier_table(self, self._env, tree.args[0])
        x = self._check(tree.args[1])
        if index is None or x is None or not self._is_value(tree.args[1], x):
            return None
        return Typed("call", "tiered", x.unit, x.dims, (x,), index=index)

    # Dimensions

    def _over_positions(self, tree: Call, x: Typed, unit: Unit, key: Key) -> Typed | None:
        written = self.written(tree.args[0])
        if x.dims.is_of_positions:
            return Typed("call", tree.name, unit, Dimensions(key=key, table=x.dims.table), (x,), key=key)
        if x.dims.key and not key:
            return Typed("call", tree.name, unit, Dimensions(table=x.dims.table), (x,))
        if x.dims.key:
            message = f"{tree.name}: '{written}' is by {_key_words(x.dims.key)} already"
            self.report("MR-R405", tree.by[0].at, message, f"{tree.name}({written}) goes over the subgroups")
            return None
        hint = "over scenarios go lowest, highest, average, quantile and tail_mean" if x.dims.table >= 0 else ""
        message = f"{tree.name}: '{written}' is not one value of each position"
        message += ", but one of the whole group" if x.dims.is_single else ""
        self.report("MR-R405", tree.at, message, hint)
        return None

    def _over_scenarios(self, tree: Call, args: Sequence[Typed], unit: Unit) -> Typed | None:
        dims = args[0].dims
        if dims.table < 0:
            written = self.written(tree.args[0])
            message = f"{tree.name}: '{written}' does not depend on scenarios"
            instead = {"lowest": "smallest", "highest": "largest"}.get(tree.name, "total")
            hint = f"over positions goes {instead}(x)" if dims.is_of_positions or dims.key else ""
            self.report("MR-R405", tree.at, message, hint)
            return None
        for one, tail in zip(tree.args[1:], args[1:], strict=True):
            if not tail.dims.is_single:
                message = f"{tree.name}: '{self.written(one)}' is not one value"
                self.report("MR-R405", (one.start, one.end), message, "give a rate such as 99%")
                return None
            if tail.kind == "number" and not 0 < tail.value < 1:
                message = f"{tree.name}: the share '{self.written(one)}' is not between 0% and 100%"
                self.report("MR-R308", (one.start, one.end), message, "for example 99%")
                return None
        return Typed("call", tree.name, unit, Dimensions(dims.is_of_positions, dims.key), tuple(args))

    def _made(self, tree: Call, args: Sequence[Typed], unit: Unit, more: Dimensions = SINGLE) -> Typed | None:
        """Return a part whose operands meet value by value, if their dimensions do."""
        every = [more, *(one.dims for one in args)]
        tables = sorted({one.table for one in every if one.table >= 0})
        if len(tables) > 1:
            first, second = (self._env.table_name(one) for one in tables[:2])
            message = f"'{self.written(tree)}' mixes the scenarios of {first} and {second}"
            self.report("MR-R405", tree.at, message, "reduce each by itself first, for example lowest(x)")
            return None
        is_of_positions = any(one.is_of_positions for one in every)
        keys = sorted({one.key for one in every if one.key})
        if len(keys) > 1 and not is_of_positions:
            first, second = (_key_words(one) for one in keys[:2])
            message = f"'{self.written(tree)}' mixes values by {first} and by {second}"
            self.report("MR-R405", tree.at, message, "reduce each by itself first, for example total(x)")
            return None
        key = Key(0) if is_of_positions or not keys else keys[0]
        dims = Dimensions(is_of_positions, key, tables[0] if tables else -1)
        return Typed("call", tree.name, unit, dims, tuple(args))

    # Parts

    def _checked(self, trees: Sequence[Tree]) -> tuple[Typed, ...] | None:
        """Check all operands, so that all problems are reported."""
        found = [self._check(one) for one in trees]
        typed = tuple(one for one in found if one is not None)
        return typed if len(typed) == len(found) else None

    def _is_value(self, tree: Tree, typed: Typed, hint: str = "") -> bool:
        if typed.unit != YES_NO:
            return True
        written = self.written(tree)
        hint = hint or f"did you mean if({written}, 1, 0)?"
        self.report("MR-R404", (tree.start, tree.end), f"'{written}' is a condition, not a number or an amount", hint)
        return False

    def _is_condition(self, tree: Tree, typed: Typed) -> bool:
        if typed.unit == YES_NO:
            return True
        written, is_what = self.written(tree), phrase(typed.unit, self._env.currency)
        message = f"'{written}' is {is_what}, not a condition"
        self.report("MR-R404", (tree.start, tree.end), message, f"did you mean {written} != 0?")
        return False


def _key_words(key: Key) -> str:
    return ", ".join(name for name, one in KEYS.items() if one in key)
