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

from marginrules.codes import InstrumentKind
from marginrules.machine import Field, Op
from marginrules.rulebook.formula.tree import Typed
from marginrules.rulebook.formula.values import Value, Values
from marginrules.rulebook.formula.vocabulary import OF_GROUP, POOL_FIELDS

_OPERATORS = {
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
}
_TURNED = {">": Op.LESS, ">=": Op.LESS_EQUAL}
_PLAIN = {
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
}
_OVER_POSITIONS = {"total": Op.TOTAL, "count": Op.TOTAL, "smallest": Op.SMALLEST, "largest": Op.LARGEST}
_OVER_SCENARIOS = {
    "lowest": Op.LOWEST,
    "highest": Op.HIGHEST,
    "average": Op.AVERAGE,
    "quantile": Op.QUANTILE,
    "tail_mean": Op.TAIL_MEAN,
}
_LOSSES = {"worst_loss": Op.LOWEST, "value_at_risk": Op.QUANTILE, "expected_shortfall": Op.TAIL_MEAN}
_KINDS = {
    "is_perpetual": InstrumentKind.PERPETUAL,
    "is_future": InstrumentKind.FUTURE,
    "is_spot": InstrumentKind.SPOT,
}
_DAYS_OF_YEAR = 365.0


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
        self._pool = pool
        self._lowered: dict[int, tuple[Typed, Value]] = {}  # holds each tree, so that its id is not given away

    def output(self, tree: Typed, *, is_totalled: bool = False) -> Value:
        """Return the value of a whole formula; a single one, which a stage calculates."""
        value = self.lower(tree)
        if is_totalled and tree.dims.is_of_positions:
            value = self.values.over_positions(Op.TOTAL, value)
        return value if value.op is not None else self.values.copy(value)

    def lower(self, tree: Typed) -> Value:
        """Return the value of a tree."""
        known = self._lowered.get(id(tree))
        if known is None:
            known = tree, self._lower(tree)
            self._lowered[id(tree)] = known
        return known[1]

    def _lower(self, tree: Typed) -> Value:
        values = self.values
        if tree.kind == "number":
            return values.constant(tree.value)
        if tree.kind == "field":
            return self._field(tree.name)
        if tree.kind == "column":
            return values.column(tree.dims.table, tree.index)
        if tree.kind == "move":
            return values.move(tree.dims.table)
        if tree.kind == "input":
            return values.given(self.inputs.index(tree.name))
        if tree.kind == "leg":
            return self._leg(tree.name)
        return self._call(tree, [self.lower(one) for one in tree.args])

    # Fields

    def _field(self, name: str) -> Value:
        word = (POOL_FIELDS if name in self._pool else OF_GROUP)[name]
        if word.reads is not None:
            return self.values.load(word.reads)
        make, load = self.values.make, self.values.load
        if name == "years":
            return make(Op.DIVIDE, load(Field.DAYS), self.values.constant(_DAYS_OF_YEAR))
        if name == "is_option":
            return self._is_option()
        if name in _KINDS:
            return make(Op.EQUAL, load(Field.KIND), self.values.constant(float(_KINDS[name])))
        if name == "otm":
            distance = make(Op.SUBTRACT, load(Field.INDEX), load(Field.STRIKE))
            return self._not_below_zero(make(Op.MULTIPLY, make(Op.NEGATE, load(Field.RIGHT)), distance))
        if name == "intrinsic":
            return self._payoff(load(Field.INDEX))
        return self._position_field(name)

    def _position_field(self, name: str) -> Value:
        make, load = self.values.make, self.values.load
        quantity, unit_value = load(Field.QUANTITY), load(Field.UNIT_VALUE)
        if name == "size":
            return make(Op.MULTIPLY, quantity, load(Field.MULTIPLIER))
        if name == "value":
            return make(Op.MULTIPLY, quantity, unit_value)
        if name == "unrealized_pnl":
            return make(Op.SUBTRACT, make(Op.MULTIPLY, quantity, unit_value), load(Field.COST))
        if name == "notional":
            # What one contract is worth is prepared; of all but options it is |quantity x unit value|, to the bit.
            underlying = make(Op.MULTIPLY, self._scale(), load(Field.INDEX))
            each = make(Op.SELECT, self._is_option(), underlying, make(Op.ABSOLUTE, unit_value))
            return make(Op.MULTIPLY, make(Op.ABSOLUTE, quantity), each)
        if name == "entry_price":
            scaled = make(Op.MULTIPLY, quantity, self._scale())
            linear = make(Op.DIVIDE, load(Field.COST), scaled)
            inverse = make(Op.DIVIDE, make(Op.NEGATE, scaled), load(Field.COST))
            return make(Op.SELECT, load(Field.INVERSE), inverse, linear)
        raise AssertionError(f"field {name} has no meaning")

    def _leg(self, name: str) -> Value:
        base, _, field = name.partition(".")
        if field == "years":
            days = self._leg(f"{base}.days")
            return self.values.make(Op.DIVIDE, days, self.values.constant(_DAYS_OF_YEAR))
        if name not in self.inputs:
            self.inputs.append(name)
        return self.values.given(self.inputs.index(name))

    # Calls

    def _call(self, tree: Typed, args: list[Value]) -> Value:
        make, name = self.values.make, tree.name
        if name in _OPERATORS:
            return make(_OPERATORS[name], *args)
        if name in _TURNED:
            return make(_TURNED[name], args[1], args[0])
        if name in _PLAIN:
            return make(_PLAIN[name], *args)
        if name in ("min", "max"):
            return self._chain(Op.LEAST if name == "min" else Op.GREATEST, args)
        if name == "clamp":
            return make(Op.LEAST, make(Op.GREATEST, args[0], args[1]), args[2])
        if name == "sign":
            zero = self.values.constant(0.0)
            return make(Op.SUBTRACT, make(Op.LESS, zero, args[0]), make(Op.LESS, args[0], zero))
        if name == "tiered":
            return make(Op.TIERED, *args, extra=tree.index)
        if name in _OVER_POSITIONS:
            return self._over_positions(tree, args[0])
        if name in _OVER_SCENARIOS:
            return self.values.over_scenarios(_OVER_SCENARIOS[name], *args)
        if name in _LOSSES:
            return self._loss(_LOSSES[name], args)
        if name == "lowest_payoff":
            key = self.values.key(int(tree.key)) if tree.key else -1
            return self.values.of_group(Op.LOWEST_PAYOFF, key, key)
        if name == "strategy_margin":
            return self.values.of_group(Op.STRATEGY, tree.index)
        return self._of_instrument(name, args)

    def _chain(self, op: Op, args: list[Value]) -> Value:
        result = args[0]
        for one in args[1:]:
            result = self.values.make(op, result, one)
        return result

    def _over_positions(self, tree: Typed, x: Value) -> Value:
        values = self.values
        if tree.name == "count":
            x = values.make(Op.SELECT, x, values.constant(1.0), values.constant(0.0))
        if tree.key:
            return values.over_positions(_OVER_POSITIONS[tree.name], x, key=values.key(int(tree.key)))
        if tree.name == "total" and x.space.is_of_positions and x.space.table >= 0:
            parts = self._taken_apart(x)
            if parts is not None:
                return values.over_positions(Op.TOTAL_PRODUCT, *parts)
        return values.over_positions(_OVER_POSITIONS[tree.name], x)

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
        return factor, array if array.op is not None else self.values.copy(array)

    def _product(self, factors: list[tuple[Value, Op]]) -> Value:
        """Return a product in the order in which it is written."""
        product, op = factors[0]
        if op is Op.DIVIDE:
            product = self.values.make(Op.DIVIDE, self.values.constant(1.0), product)
        for factor, op in factors[1:]:
            product = self.values.make(op, product, factor)
        return product

    def _loss(self, op: Op, args: list[Value]) -> Value:
        """Return how much is lost, at a confidence where there is one."""
        x, *confidence = args
        lowest = self.values.over_scenarios(op, x, *(self._complement(one) for one in confidence))
        return self._not_below_zero(self.values.make(Op.NEGATE, lowest))

    def _complement(self, share: Value) -> Value:
        if share.is_constant:
            # In decimals: 1 - 0.99 is more than 0.01 in doubles, and a quantile would fall on the next scenario.
            return self.values.constant(float(1 - Decimal(repr(share.constant))))
        return self.values.make(Op.SUBTRACT, self.values.constant(1.0), share)

    # Of an instrument

    def _of_instrument(self, name: str, args: list[Value]) -> Value:
        make, load = self.values.make, self.values.load
        right, strike = load(Field.RIGHT), load(Field.STRIKE)
        if name == "payoff":
            return self._payoff(args[0])
        if name == "value_at":
            scale = self._scale()
            option = make(Op.MULTIPLY, scale, self._option_payoff(args[0]))
            inverse = make(Op.DIVIDE, make(Op.NEGATE, scale), args[0])
            linear = make(Op.MULTIPLY, scale, args[0])
            other = make(Op.SELECT, load(Field.INVERSE), inverse, linear)
            return make(Op.SELECT, self._is_option(), option, other)
        if name == "black_76":
            forward, years, volatility = args
            return make(Op.BLACK_76, right, forward, strike, years, volatility)
        if name == "implied_black_76":
            price, forward, years = args
            return make(Op.IMPLIED_BLACK_76, right, price, forward, strike, years)
        if name in ("black_scholes", "american"):
            spot, years, volatility, rate, dividend_yield = args
            op = Op.BLACK_SCHOLES if name == "black_scholes" else Op.AMERICAN
            return make(op, right, spot, strike, years, volatility, rate, dividend_yield)
        if name in ("implied_black_scholes", "implied_american"):
            price, spot, years, rate, dividend_yield = args
            op = Op.IMPLIED_BLACK_SCHOLES if name == "implied_black_scholes" else Op.IMPLIED_AMERICAN
            return make(op, right, price, spot, strike, years, rate, dividend_yield)
        raise AssertionError(f"function {name} has no meaning")

    def _payoff(self, price: Value) -> Value:
        return self.values.make(Op.SELECT, self._is_option(), self._option_payoff(price), price)

    def _option_payoff(self, price: Value) -> Value:
        make, load = self.values.make, self.values.load
        distance = make(Op.SUBTRACT, price, load(Field.STRIKE))
        return self._not_below_zero(make(Op.MULTIPLY, load(Field.RIGHT), distance))

    def _is_option(self) -> Value:
        return self.values.make(Op.UNEQUAL, self.values.load(Field.RIGHT), self.values.constant(0.0))

    def _scale(self) -> Value:
        """Return what turns a price into the value of one contract in the rulebook's currency."""
        return self.values.make(Op.MULTIPLY, self.values.load(Field.MULTIPLIER), self.values.load(Field.FX))

    def _not_below_zero(self, value: Value) -> Value:
        return self.values.make(Op.GREATEST, value, self.values.constant(0.0))


def _is_of_instrument(value: Value) -> bool:
    return value.space.is_of_positions and value.space.is_pure


def _factors(x: Value) -> tuple[list[tuple[Value, Op]], bool] | None:
    """
    Return the factors of a product, each to multiply or to divide by, and whether its sign is turned.

    Each is prepared, or does not depend on scenarios; None where one is neither.
    """
    if x.space.table < 0 or x.space.is_pure:
        return [(x, Op.MULTIPLY)], False
    if x.op is Op.NEGATE:
        inner = _factors(x.args[0])
        return inner and (inner[0], not inner[1])
    if x.op not in (Op.MULTIPLY, Op.DIVIDE):
        return None
    first, second = (_factors(one) for one in x.args)
    if first is None or second is None:
        return None
    if x.op is Op.DIVIDE:
        if len(second[0]) > 1 or second[1]:
            return None
        second = [(second[0][0][0], Op.DIVIDE)], False
    return first[0] + second[0], first[1] != second[1]
