# SPDX-License-Identifier: Apache-2.0
"""
A typed tree to values: derived words become operations and fields.

`total(a * b)` over scenarios, where `a` is of positions and `b` is prepared, is one operation. For that the factors of
a product are taken apart, and those of positions multiplied first: the result can differ in its last bit from one
multiplied from left to right, and is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from marginrules.limits import FORMULA_DEPTH_MAX
from marginrules.machine import PARAMETER_FIRST, Op
from marginrules.rulebook.formula.derived import Derived
from marginrules.rulebook.formula.tree import Typed
from marginrules.rulebook.formula.values import Value, Values
from marginrules.rulebook.formula.vocabulary import OF_GROUP, POOL_FIELDS

_PLAIN = {
    "+": Op.ADD,
    "-": Op.SUBTRACT,
    "*": Op.MULTIPLY,
    "/": Op.DIVIDE,
    "negate": Op.NEGATE,
    "<": Op.LESS,
    "<=": Op.LESS_EQUAL,
    "==": Op.EQUAL,
    "!=": Op.UNEQUAL,
    "and": Op.AND,
    "or": Op.OR,
    "not": Op.NOT,
    "if": Op.SELECT,
    "abs": Op.ABSOLUTE,
    "floor": Op.FLOOR,
    "ceil": Op.CEILING,
    "round": Op.ROUND,
    "sqrt": Op.SQUARE_ROOT,
    "exp": Op.EXPONENTIAL,
    "log": Op.LOGARITHM,
    "power": Op.POWER,
    "normal": Op.NORMAL,
    "floor_share": Op.FLOOR_SHARE,
    "ceil_share": Op.CEILING_SHARE,
}
_TURNED = {">": Op.LESS, ">=": Op.LESS_EQUAL}
_CHAINED = {"min": Op.LEAST, "max": Op.GREATEST}
_OVER_POSITIONS = {"total": Op.TOTAL, "count": Op.TOTAL, "smallest": Op.SMALLEST, "largest": Op.LARGEST}
_OVER_SCENARIOS = {
    "lowest": Op.LOWEST,
    "highest": Op.HIGHEST,
    "average": Op.AVERAGE,
    "quantile": Op.QUANTILE,
    "tail_mean": Op.TAIL_MEAN,
}
_LOSSES = {"worst_loss": Op.LOWEST, "value_at_risk": Op.QUANTILE, "expected_shortfall": Op.TAIL_MEAN}


class Lowering:
    """
    Turn typed trees of one program into values.

    Args:
        given: inputs of the caller, in their order.
        pool: fields that are the pool's.

    Attributes:
        inputs: names of all inputs: what is given, or the fields of legs in the order of first use.
    """

    def __init__(self, given: Iterable[str] = (), pool: frozenset[str] = frozenset()) -> None:
        self.values = Values()
        self.inputs: list[str] = list(given)
        self._derived = Derived(self.values)
        self._pool = pool
        self._lowered: dict[int, tuple[Typed, Value]] = {}  # holds each tree, so that its id is not given away
        self._special = {
            **dict.fromkeys(_TURNED, self._turned),
            **dict.fromkeys(_CHAINED, self._chain),
            **dict.fromkeys(_OVER_POSITIONS, self._over_positions),
            **dict.fromkeys(_OVER_SCENARIOS, self._over_scenarios),
            **dict.fromkeys(_LOSSES, self._loss),
            "clamp": self._clamp,
            "sign": self._sign,
            "tiered": self._tiered,
            "lowest_payoff": self._lowest_payoff,
            "strategy_margin": self._strategy_margin,
        }

    def output(self, tree: Typed, *, is_totalled: bool = False) -> Value:
        """Return the value of a whole formula; a single one, which a stage calculates."""
        value = self.lower(tree)
        if is_totalled and tree.dims.is_of_positions:
            value = self.values.over_positions(Op.TOTAL, value)
        return value if value.op is not None else self.values.copy(value)

    def lower(self, tree: Typed) -> Value:
        """Return the value of a tree; without recursion, since definitions can stand deep inside one another."""
        waiting = [tree]
        while waiting:
            one = waiting[-1]
            missing = [arg for arg in one.args if id(arg) not in self._lowered]
            if missing:
                waiting += reversed(missing)
                continue
            if id(one) not in self._lowered:
                self._lowered[id(one)] = one, self._call(one) if one.kind == "call" else self._leaf(one)
            waiting.pop()
        return self._value_of(tree)

    def _value_of(self, tree: Typed) -> Value:
        return self._lowered[id(tree)][1]

    def _leaf(self, tree: Typed) -> Value:
        read = {
            "number": lambda: self.values.constant(tree.value),
            "field": lambda: self._field(tree.name),
            "parameter": lambda: self.values.load(PARAMETER_FIRST + tree.index),
            "column": lambda: self.values.column(tree.dims.table, tree.index),
            "move": lambda: self.values.move(tree.dims.table),
            "input": lambda: self.values.given(self.inputs.index(tree.name)),
            "leg": lambda: self._leg(tree.name),
        }
        return read[tree.kind]()

    def _field(self, name: str) -> Value:
        word = (POOL_FIELDS if name in self._pool else OF_GROUP)[name]
        return self._derived.field(name) if word.reads is None else self.values.load(word.reads)

    def _leg(self, name: str) -> Value:
        base, _, field = name.partition(".")
        if field == "years":
            return self._derived.years(self._leg(f"{base}.days"))
        if name not in self.inputs:
            self.inputs.append(name)
        return self.values.given(self.inputs.index(name))

    def _call(self, tree: Typed) -> Value:
        args = [self._value_of(one) for one in tree.args]
        if tree.name in _PLAIN:
            return self.values.make(_PLAIN[tree.name], *args)
        special = self._special.get(tree.name)
        return self._derived.call(tree.name, args) if special is None else special(tree, args)

    def _turned(self, tree: Typed, args: list[Value]) -> Value:
        return self.values.make(_TURNED[tree.name], args[1], args[0])

    def _chain(self, tree: Typed, args: list[Value]) -> Value:
        result = args[0]
        for one in args[1:]:
            result = self.values.make(_CHAINED[tree.name], result, one)
        return result

    def _clamp(self, _: Typed, args: list[Value]) -> Value:
        x, low, high = args
        return self.values.make(Op.LEAST, self.values.make(Op.GREATEST, x, low), high)

    def _sign(self, _: Typed, args: list[Value]) -> Value:
        make, zero = self.values.make, self.values.constant(0.0)
        return make(Op.SUBTRACT, make(Op.LESS, zero, args[0]), make(Op.LESS, args[0], zero))

    def _tiered(self, tree: Typed, args: list[Value]) -> Value:
        return self.values.make(Op.TIERED, *args, extra=tree.index)

    def _lowest_payoff(self, tree: Typed, _: list[Value]) -> Value:
        key = self.values.key(int(tree.key)) if tree.key else -1
        return self.values.of_group(Op.LOWEST_PAYOFF, key, key)

    def _strategy_margin(self, tree: Typed, _: list[Value]) -> Value:
        return self.values.of_group(Op.STRATEGY, tree.index)

    # Over scenarios

    def _over_scenarios(self, tree: Typed, args: list[Value]) -> Value:
        return self.values.over_scenarios(_OVER_SCENARIOS[tree.name], *args)

    def _loss(self, tree: Typed, args: list[Value]) -> Value:
        """Return how much is lost, at a confidence where there is one."""
        x, *confidence = args
        lowest = self.values.over_scenarios(_LOSSES[tree.name], x, *(self._complement(one) for one in confidence))
        return self._derived.not_below_zero(self.values.make(Op.NEGATE, lowest))

    def _complement(self, share: Value) -> Value:
        if share.is_constant:
            # In decimals: 1 - 0.99 is more than 0.01 in doubles, and a quantile would fall on the next scenario.
            return self.values.constant(float(1 - Decimal(repr(share.constant))))
        return self.values.make(Op.SUBTRACT, self.values.constant(1.0), share)

    # Over positions

    def _over_positions(self, tree: Typed, args: list[Value]) -> Value:
        values, op, (x,) = self.values, _OVER_POSITIONS[tree.name], args
        if tree.name == "count":
            x = values.make(Op.SELECT, x, values.constant(1.0), values.constant(0.0))
        if tree.key:
            return values.over_positions(op, x, key=values.key(int(tree.key)))
        if tree.name == "total" and x.space.is_of_positions and x.space.table >= 0:
            parts = self._taken_apart(x)
            if parts is not None:
                return values.over_positions(Op.TOTAL_PRODUCT, *parts)
        return values.over_positions(op, x)

    def _taken_apart(self, x: Value) -> tuple[Value, Value] | None:
        """Return a product as (what is multiplied in each check, what is prepared), if it is one of both."""
        parts = _factors(x)
        if parts is None:
            return None
        factors, is_negative = parts
        prepared = [one for one in factors if one[0].space.table >= 0]
        if not any(one[0].space.is_of_positions for one in prepared):
            prepared += [one for one in factors if _is_of_instrument(one[0])]
        checked = [one for one in factors if one not in prepared]
        if not checked or not any(one[0].space.is_of_positions for one in prepared):
            return None
        factor, array = self._product(checked), self._product(prepared)
        factor = self.values.make(Op.NEGATE, factor) if is_negative else factor
        return self.values.of_positions(factor), array if array.op is not None else self.values.copy(array)

    def _product(self, factors: list[tuple[Value, Op]]) -> Value:
        """Return a product in the order in which it is written."""
        product, op = factors[0]
        if op is Op.DIVIDE:
            product = self.values.make(Op.DIVIDE, self.values.constant(1.0), product)
        for factor, op in factors[1:]:
            product = self.values.make(op, product, factor)
        return product


def _is_of_instrument(value: Value) -> bool:
    return value.space.is_of_positions and value.space.is_pure


def _factors(x: Value, depth: int = 0) -> tuple[list[tuple[Value, Op]], bool] | None:
    """
    Return the factors of a product, each to multiply or to divide by, and whether its sign is turned.

    Each is prepared, or does not depend on scenarios; None where one is neither, or there are too many.
    """
    if x.space.table < 0 or x.space.is_pure:
        return [(x, Op.MULTIPLY)], False
    if x.op is Op.NEGATE and depth <= FORMULA_DEPTH_MAX:
        inner = _factors(x.args[0], depth + 1)
        return inner and (inner[0], not inner[1])
    if x.op not in (Op.MULTIPLY, Op.DIVIDE) or depth > FORMULA_DEPTH_MAX:
        return None
    first, second = (_factors(one, depth + 1) for one in x.args)
    if first is None or second is None:
        return None
    if x.op is Op.DIVIDE:
        if len(second[0]) > 1 or second[1]:
            return None
        second = [(second[0][0][0], Op.DIVIDE)], False
    return first[0] + second[0], first[1] != second[1]
