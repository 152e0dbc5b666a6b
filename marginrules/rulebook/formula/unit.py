# SPDX-License-Identifier: Apache-2.0
"""Units of formulas: powers of the rulebook's currency, of a quantity and of days; and how messages name them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

_HALF = Fraction(1, 2)
_NONE = Fraction(0)
_ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Unit:
    """
    Carry one unit.

    Args:
        amount: power of the rulebook's currency.
        quantity: power of the quantity of an instrument; contracts for derivatives.
        days: power of time.
        is_yes_no: of a condition; it has no powers.
        is_any: of the literal 0, which fits beside every unit.
    """

    amount: Fraction = _NONE
    quantity: Fraction = _NONE
    days: Fraction = _NONE
    is_yes_no: bool = False
    is_any: bool = False

    def __mul__(self, other: Unit) -> Unit:
        return Unit(self.amount + other.amount, self.quantity + other.quantity, self.days + other.days)

    def __truediv__(self, other: Unit) -> Unit:
        return Unit(self.amount - other.amount, self.quantity - other.quantity, self.days - other.days)

    def root(self) -> Unit:
        """Return the unit of a square root."""
        return Unit(self.amount * _HALF, self.quantity * _HALF, self.days * _HALF)

    def fits(self, other: Unit) -> bool:
        """Say whether values of both units can be added and compared."""
        if self.is_any or other.is_any:
            return not (self.is_yes_no or other.is_yes_no)
        return self == other


NUMBER = Unit()
AMOUNT = Unit(amount=_ONE)
QUANTITY = Unit(quantity=_ONE)
PRICE = Unit(amount=_ONE, quantity=-_ONE)  # an amount for one unit of quantity
DURATION = Unit(days=_ONE)
YES_NO = Unit(is_yes_no=True)
ANY = Unit(is_any=True)

# What a caller can be asked for, in the words of `given`.
GIVEN: dict[str, Unit] = {
    "number": NUMBER,
    "amount": AMOUNT,
    "price": PRICE,
    "quantity": QUANTITY,
    "rate": NUMBER,
    "duration": DURATION,
    "yes_no": YES_NO,
}

_NOUNS = {
    NUMBER: "number",
    AMOUNT: "amount",
    QUANTITY: "quantity",
    PRICE: "price",
    DURATION: "duration",
    YES_NO: "condition",
    ANY: "0",
}


def noun(unit: Unit) -> str:
    """Return what a value of this unit is called: "amount", or "amount^2 / quantity" where there is no word."""
    if unit in _NOUNS:
        return _NOUNS[unit]
    powers = (("amount", unit.amount), ("quantity", unit.quantity), ("days", unit.days))
    above = [_power(word, power) for word, power in powers if power > 0]
    below = [_power(word, -power) for word, power in powers if power < 0]
    return " / ".join([" * ".join(above) or "1", *below])


def _power(word: str, power: Fraction) -> str:
    return word if power == 1 else f"{word}^{float(power):g}"


def phrase(unit: Unit, currency: str) -> str:
    """Return what a value of this unit is, as a sentence has it: "USDT", "a number", "an amount^2"."""
    if unit == AMOUNT:
        return currency
    if unit in (NUMBER, QUANTITY, PRICE, DURATION, YES_NO):
        return f"a {noun(unit)}"
    return noun(unit)
