# SPDX-License-Identifier: Apache-2.0
"""The algebra of units, and the literals that carry them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules.rulebook.diagnostic import Place, Sink
from marginrules.rulebook.formula import Constant, read_constant
from marginrules.rulebook.formula.unit import (
    AMOUNT,
    ANY,
    DURATION,
    GIVEN,
    NUMBER,
    PRICE,
    QUANTITY,
    YES_NO,
    Unit,
    noun,
    phrase,
)
from marginrules.rulebook.parse import Scalar

POWERS = st.integers(-3, 3).map(Fraction)
UNITS = st.builds(Unit, POWERS, POWERS, POWERS)


@given(UNITS, UNITS, UNITS)
def test_units_multiply_as_powers_do(a: Unit, b: Unit, c: Unit) -> None:
    """Products commute and associate, division undoes them, a number changes nothing, a root halves."""
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert (a * b) / b == a
    assert a * NUMBER == a
    assert (a * a).root() == a
    assert a.root() * a.root() == a


def test_a_price_times_a_quantity_is_an_amount() -> None:
    """The units of the market hang together."""
    assert PRICE * QUANTITY == AMOUNT
    assert AMOUNT / AMOUNT == NUMBER
    assert set(GIVEN.values()) == {NUMBER, AMOUNT, PRICE, QUANTITY, DURATION, YES_NO}


def test_zero_fits_every_unit_but_a_condition() -> None:
    """The literal 0 can stand beside amounts, prices and durations."""
    assert all(ANY.fits(unit) and unit.fits(ANY) for unit in (NUMBER, AMOUNT, PRICE, QUANTITY, DURATION, ANY))
    assert not ANY.fits(YES_NO)
    assert not AMOUNT.fits(PRICE)


def test_units_have_words() -> None:
    """A unit without a word is spelt by its powers."""
    assert noun(AMOUNT * AMOUNT / QUANTITY / DURATION) == "amount^2 / quantity / days"
    assert noun(NUMBER / PRICE) == "quantity / amount"
    assert noun(NUMBER / DURATION) == "1 / days"
    assert noun(AMOUNT.root()) == "amount^0.5"
    assert phrase(AMOUNT, "USDT") == "USDT"
    assert phrase(PRICE, "USDT") == "a price"
    assert phrase(AMOUNT * AMOUNT, "USDT") == "amount^2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10%", Constant(0.1, NUMBER)),
        ("250 bps", Constant(0.025, NUMBER)),
        ("-16%", Constant(-0.16, NUMBER)),
        ("1_000_000.5", Constant(1_000_000.5, NUMBER)),
        ("500 USDT", Constant(500.0, AMOUNT)),
        ("-2.5 USDT", Constant(-2.5, AMOUNT)),
        ("37.50 USDT per contract", Constant(37.5, PRICE)),
        ("100 contracts", Constant(100.0, QUANTITY)),
        ("1 contract", Constant(1.0, QUANTITY)),
        ("30m", Constant(1 / 48, DURATION)),
        ("1d12h", Constant(1.5, DURATION)),
        ("0", Constant(0.0, ANY)),
        ("-0", Constant(0.0, ANY)),
        ("0%", Constant(0.0, NUMBER)),
        ("0 USDT", Constant(0.0, AMOUNT)),
    ],
)
def test_literals_carry_their_units(text: str, expected: Constant) -> None:
    """A constant is read with its unit; durations are in days."""
    sink = Sink("x", [text])
    assert read_constant(sink, Scalar(text, Place(1, 1, len(text))), "USDT") == expected
    assert not sink.found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 EUR", "an operator was expected, not 'EUR'"),
        ("1 + 1", "a constant is one number"),
        ("mark", "a constant is one number"),
        ("", "a formula was expected here"),
        ("5h30", "'5h30' is not a number"),
        ("007", "'007' is not a number"),
        ("1_00", "'1_00' is not a number"),
        ("3m2h", "'3m2h' is not a duration"),
    ],
)
def test_what_is_no_constant_is_refused(text: str, message: str) -> None:
    """A constant is not calculated."""
    sink = Sink("x", [text])
    assert read_constant(sink, Scalar(text, Place(1, 1, max(1, len(text)))), "USDT") is None
    assert [one.message for one in sink.found] == [message]
