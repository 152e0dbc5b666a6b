# SPDX-License-Identifier: Apache-2.0
"""What fields and functions of an instrument are made of, where the machine does not know them by themselves."""

from __future__ import annotations

from marginrules.codes import InstrumentKind
from marginrules.machine import Field, Op
from marginrules.rulebook.formula.values import Value, Values

_DAYS_OF_YEAR = 365.0
_KINDS = {
    "is_perpetual": InstrumentKind.PERPETUAL,
    "is_future": InstrumentKind.FUTURE,
    "is_spot": InstrumentKind.SPOT,
}
# The operation, and how many arguments stand before the strike; the right comes first.
_PRICING = {
    "black_76": (Op.BLACK_76, 1),
    "black_scholes": (Op.BLACK_SCHOLES, 1),
    "american": (Op.AMERICAN, 1),
    "implied_black_76": (Op.IMPLIED_BLACK_76, 2),
    "implied_black_scholes": (Op.IMPLIED_BLACK_SCHOLES, 2),
    "implied_american": (Op.IMPLIED_AMERICAN, 2),
}


class Derived:
    """Make derived fields and functions from loads and operations."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._make = values.make
        self._fields = {
            "is_option": self._is_option,
            "otm": self._otm,
            "intrinsic": self._intrinsic,
            "size": self._size,
            "value": self._value,
            "unrealized_pnl": self._unrealized_pnl,
            "notional": self._notional,
            "entry_price": self._entry_price,
        }

    def field(self, name: str) -> Value:
        """Return a derived field."""
        if name in _KINDS:
            return self._make(Op.EQUAL, self._load(Field.KIND), self._values.constant(float(_KINDS[name])))
        return self.years(self._load(Field.DAYS)) if name == "years" else self._fields[name]()

    def call(self, name: str, args: list[Value]) -> Value:
        """Return the result of a function of an instrument."""
        if name == "payoff":
            return self._payoff(args[0])
        if name == "value_at":
            return self._value_at(args[0])
        op, before = _PRICING[name]
        right, strike = self._load(Field.RIGHT), self._load(Field.STRIKE)
        return self._make(op, right, *args[:before], strike, *args[before:])

    def years(self, days: Value) -> Value:
        """Return days as a share of a year."""
        return self._make(Op.DIVIDE, days, self._values.constant(_DAYS_OF_YEAR))

    def not_below_zero(self, value: Value) -> Value:
        """Return what is above zero, else zero."""
        return self._make(Op.GREATEST, value, self._values.constant(0.0))

    def _load(self, field: Field) -> Value:
        return self._values.load(field)

    def _is_option(self) -> Value:
        return self._make(Op.UNEQUAL, self._load(Field.RIGHT), self._values.constant(0.0))

    def _otm(self) -> Value:
        distance = self._make(Op.SUBTRACT, self._load(Field.INDEX), self._load(Field.STRIKE))
        return self.not_below_zero(self._make(Op.MULTIPLY, self._make(Op.NEGATE, self._load(Field.RIGHT)), distance))

    def _intrinsic(self) -> Value:
        return self._payoff(self._load(Field.INDEX))

    def _size(self) -> Value:
        return self._make(Op.MULTIPLY, self._load(Field.QUANTITY), self._load(Field.MULTIPLIER))

    def _value(self) -> Value:
        return self._make(Op.MULTIPLY, self._load(Field.QUANTITY), self._load(Field.UNIT_VALUE))

    def _unrealized_pnl(self) -> Value:
        return self._make(Op.SUBTRACT, self._value(), self._load(Field.COST))

    def _notional(self) -> Value:
        """Return |quantity| x what one contract is worth; of all but options |quantity x unit value|, to the bit."""
        underlying = self._make(Op.MULTIPLY, self._scale(), self._load(Field.INDEX))
        own = self._make(Op.ABSOLUTE, self._load(Field.UNIT_VALUE))
        each = self._make(Op.SELECT, self._is_option(), underlying, own)
        return self._make(Op.MULTIPLY, self._make(Op.ABSOLUTE, self._load(Field.QUANTITY)), each)

    def _entry_price(self) -> Value:
        """Return cost / scaled quantity; the cost of an inverse contract is -scaled quantity / price."""
        cost, scaled = self._load(Field.COST), self._make(Op.MULTIPLY, self._load(Field.QUANTITY), self._scale())
        linear = self._make(Op.DIVIDE, cost, scaled)
        inverse = self._make(Op.DIVIDE, self._make(Op.NEGATE, scaled), cost)
        return self._make(Op.SELECT, self._load(Field.INVERSE), inverse, linear)

    def _payoff(self, price: Value) -> Value:
        return self._make(Op.SELECT, self._is_option(), self._option_payoff(price), price)

    def _option_payoff(self, price: Value) -> Value:
        distance = self._make(Op.SUBTRACT, price, self._load(Field.STRIKE))
        return self.not_below_zero(self._make(Op.MULTIPLY, self._load(Field.RIGHT), distance))

    def _value_at(self, price: Value) -> Value:
        scale = self._scale()
        option = self._make(Op.MULTIPLY, scale, self._option_payoff(price))
        inverse = self._make(Op.DIVIDE, self._make(Op.NEGATE, scale), price)
        linear = self._make(Op.MULTIPLY, scale, price)
        other = self._make(Op.SELECT, self._load(Field.INVERSE), inverse, linear)
        return self._make(Op.SELECT, self._is_option(), option, other)

    def _scale(self) -> Value:
        """Return what turns a price into the value of one contract in the rulebook's currency."""
        return self._make(Op.MULTIPLY, self._load(Field.MULTIPLIER), self._load(Field.FX))
