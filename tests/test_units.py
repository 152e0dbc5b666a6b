# SPDX-License-Identifier: Apache-2.0
"""Literals are read exactly or not at all; amounts are rounded in one direction and never further than said."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules import units

INCREMENTS = [Decimal(text) for text in ("0.01", "1", "100", "0.5", "0.03", "0.00000001", "1000000")]
NOISE = Fraction(1, 10**6)  # of an increment

_decimals = st.decimals(-(10**15), 10**15, places=6, allow_nan=False)
_amounts = st.floats(-1e15, 1e15) | st.integers(-(10**13), 10**13).map(lambda cents: cents / 100)
_increments = st.sampled_from(INCREMENTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("2020-02-29", 1_582_934_400 * units.SECOND_NS),
        ("1969-12-31", -units.DAY_NS),
        ("2021-02-29", None),
        ("2020-2-9", None),
        ("2020-02-09 ", None),
        ("2020-02-09T00:00:00Z", None),
        ("\u0662020-02-09", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: int | None) -> None:
    """A date is its first moment in UTC; no other spelling is one."""
    assert units.parse_date_ns(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("5", "5"),
        ("+5", "5"),
        ("-5", "-5"),
        ("0.25", "0.25"),
        ("007", "7"),
        ("1_000_000", "1000000"),
        ("1_000.50", "1000.50"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_number_is_read_exactly(text: str, value: str) -> None:
    """A number is the decimal that stands there, digit for digit."""
    assert units.parse_number(text) == Decimal(value)


NO_NUMBER = [
    "",
    " ",
    "nan",
    ".nan",
    "NaN",
    "sNaN",
    "inf",
    ".inf",
    "Infinity",
    "-Infinity",
    "1e3",
    "1E3",
    "0x10",
    "0b1",
    "1.",
    ".5",
    "1,000",
    "1 000",
    "1_0",
    "1_0000",
    "_1",
    "1_",
    "1__000",
    "1_000_00",
    "1.000_000",
    "--1",
    "+-1",
    "- 1",
    " 1",
    "1\n",
    "1.2.3",
    "12:30",
    "yes",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "\N{FULLWIDTH DIGIT ONE}",
    "\N{MINUS SIGN}1",
    "1" * 31,
]


@pytest.mark.promise("MR-P06")
@pytest.mark.parametrize("text", NO_NUMBER)
def test_what_is_no_number_is_none(text: str) -> None:
    """NaN, infinity, exponents, other bases, misplaced underscores, blanks and other scripts are no number or rate."""
    assert units.parse_number(text) is None
    assert units.parse_number(text + " ") is None
    assert units.parse_rate(text) is None
    assert units.parse_rate(text + "%") is None
    assert units.parse_rate(text + " bps") is None


@pytest.mark.parametrize("text", ["-0", "-0.00", "-0%", "-0.0 bps", "0", "+0"])
@pytest.mark.promise("MR-P06")
def test_zero_has_no_sign(text: str) -> None:
    """Negative zero is zero: nothing after it can tell them apart."""
    for value in (units.parse_number(text), units.parse_rate(text)):
        assert value is None or (value == 0 and not value.is_signed())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5%", "0.05"),
        ("5 %", "0.05"),
        ("5.00%", "0.05"),
        ("500 bps", "0.05"),
        ("500bps", "0.05"),
        ("0.05", "0.05"),
        ("0.5 bps", "0.00005"),
        ("-10%", "-0.1"),
        ("1_000%", "10"),
        ("123456789012345678901234567.1%", "1234567890123456789012345.671"),
    ],
)
def test_rate_is_read_exactly(text: str, value: str) -> None:
    """Percent, basis points and plain fractions are one exact fraction."""
    assert units.parse_rate(text) == Decimal(value)


@pytest.mark.parametrize("text", ["5 percent", "5%%", "%5", "5  %", "5 BPS", "5 bp", "5% ", "5%\n", "5 % bps"])
def test_what_is_no_rate_is_none(text: str) -> None:
    """A unit is `%` or `bps`, once, after the number."""
    assert units.parse_rate(text) is None


@given(value=_decimals)
def test_number_that_was_written_is_read_back(value: Decimal) -> None:
    """Writing a number and reading it gives the same number, and its one spelling."""
    text = units.format_number(value)
    assert units.parse_number(text) == value
    assert units.format_number(value + Decimal("0.000000")) == text
    assert "E" not in text
    assert not (text.endswith("0") and "." in text)


@given(value=_decimals.filter(lambda value: abs(value) < 10**12))
def test_units_of_a_rate_agree(value: Decimal) -> None:
    """x %, 100 x bps and x / 100 are one rate."""
    read = [
        units.parse_rate(text)
        for text in (
            f"{value:f}%",
            f"{value:f} %",
            f"{value * 100:f}bps",
            units.format_number(value / 100),
        )
    ]
    assert read == [value / 100] * 4


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("30s", 30), ("15m", 900), ("4h", 14_400), ("2d", 172_800), ("1d12h", 129_600), ("1h90m", 9_000)],
)
def test_duration_is_read_exactly(text: str, seconds: int) -> None:
    """A duration is the sum of its parts, in nanoseconds."""
    assert units.parse_duration_ns(text) == seconds * units.SECOND_NS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "12:30",
        "4 h",
        "4H",
        "4hours",
        "h",
        "-4h",
        "+4h",
        "4.5h",
        "1m1h",
        "1h1h",
        "4h ",
        "\u0664h",
        "9" * 31 + "h",
    ],
)
def test_what_is_no_duration_is_none(text: str) -> None:
    """A duration has whole numbers, each with its unit, in falling order; nothing is guessed."""
    assert units.parse_duration_ns(text) is None


@given(seconds=st.integers(0, 10**9))
def test_duration_that_was_written_is_read_back(seconds: int) -> None:
    """Writing a duration and reading it gives the same duration."""
    duration = seconds * units.SECOND_NS
    assert units.parse_duration_ns(units.format_duration(duration)) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00.5Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01T00:00:00Z\n",
        "\u0662026-01-01T00:00:00Z",
    ],
)
def test_what_is_no_timestamp_is_none(text: str) -> None:
    """A timestamp is a day that exists and a time to the second, in UTC."""
    assert units.parse_timestamp_ns(text) is None


@given(seconds=st.integers(-62_135_596_800, 253_402_300_799))
def test_timestamp_that_was_written_is_read_back(seconds: int) -> None:
    """Writing a moment and reading it gives the same moment, from year 1 to year 9999."""
    moment = seconds * units.SECOND_NS
    text = units.format_time(moment)
    assert units.parse_timestamp_ns(text) == moment
    assert dt.datetime.fromisoformat(text).timestamp() == seconds


@pytest.mark.parametrize(
    ("text", "clock"),
    [("00:00", (0, 0)), ("17:05", (17, 5)), ("23:59", (23, 59)), ("24:00", None), ("7:00", None), ("17:60", None)],
)
def test_clock_is_read_or_none(text: str, clock: tuple[int, int] | None) -> None:
    """A time of day has two digits of each, up to 23:59."""
    assert units.parse_clock(text) == clock


@pytest.mark.promise("MR-P06")
@settings(max_examples=500)
@given(text=st.text(max_size=40) | st.text(alphabet="0123456789_.+-%bpsdhmTZ: ", max_size=40))
def test_any_text_is_read_or_none(text: str) -> None:
    """No text makes a reader fail, and what is read is finite."""
    for read in (units.parse_number(text), units.parse_rate(text)):
        assert read is None or read.is_finite()
    duration = units.parse_duration_ns(text)
    assert duration is None or duration >= 0
    units.parse_timestamp_ns(text)
    units.parse_clock(text)


# Rounding


@pytest.mark.promise("MR-P06")
@settings(max_examples=1_000)
@given(value=_amounts, increment=_increments)
def test_requirement_is_never_rounded_below_itself(value: float, increment: Decimal) -> None:
    """A requirement becomes the least multiple that is not below it; only the noise of a double is let go."""
    rounded = units.round_requirement_up(value, increment)
    step = Fraction(increment)
    assert Fraction(rounded) % step == 0
    excess = Fraction(rounded) - Fraction(value)
    assert -max(NOISE * step, abs(Fraction(value)) / 10**15) < excess < step


@pytest.mark.promise("MR-P06")
@settings(max_examples=1_000)
@given(value=_amounts, increment=_increments)
def test_credit_is_never_rounded_above_itself(value: float, increment: Decimal) -> None:
    """A credit becomes the greatest multiple that is not above it; only the noise of a double is given."""
    rounded = units.round_credit_down(value, increment)
    step = Fraction(increment)
    assert Fraction(rounded) % step == 0
    assert -step < Fraction(rounded) - Fraction(value) < max(NOISE * step, abs(Fraction(value)) / 10**15)
    assert rounded == -units.round_requirement_up(-value, increment)


@given(value=_amounts, more=st.floats(0, 1e12), increment=_increments)
def test_greater_requirement_is_never_rounded_to_less(value: float, more: float, increment: Decimal) -> None:
    """Rounding keeps the order of amounts."""
    low, high = (units.round_requirement_up(one, increment) for one in (value, value + more))
    assert low <= high


# Above 2^53 millionths of an increment a double itself is coarser than the noise that is let go.
@given(count=st.integers(-9 * 10**9, 9 * 10**9), increment=st.sampled_from(["0.01", "0.5", "1", "100"]))
def test_multiple_stays_what_it_is(count: int, increment: str) -> None:
    """An amount that is a multiple, but for the noise of a double, is that multiple in both directions."""
    exact = count * Decimal(increment)
    assert units.round_requirement_up(float(exact), Decimal(increment)) == exact
    assert units.round_credit_down(float(exact), Decimal(increment)) == exact


def test_noise_of_a_sum_demands_no_cent() -> None:
    """0.1 + 0.2 is thirty cents, not thirty-one."""
    assert units.round_requirement_up(0.1 + 0.2, Decimal("0.01")) == Decimal("0.30")
    assert units.round_requirement_up(0.3001, Decimal("0.01")) == Decimal("0.31")
    assert units.round_credit_down(0.3 - 1e-12, Decimal("0.01")) == Decimal("0.30")
    assert units.round_credit_down(0.2999, Decimal("0.01")) == Decimal("0.29")


@pytest.mark.promise("MR-P06")
@pytest.mark.parametrize("value", [-0.0, -1e-12, -0.003, 0.0])
def test_rounded_zero_has_no_sign(value: float) -> None:
    """What rounds to nothing is 0.00, never -0.00."""
    rounded = units.round_requirement_up(value, Decimal("0.01"))
    assert (str(rounded), units.format_amount(rounded)) == ("0.00", "0.00")


@pytest.mark.promise("MR-P06")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_rounded(value: float) -> None:
    """No amount is made of NaN or infinity: that is a fault of the program, and stops it."""
    with pytest.raises(AssertionError):
        units.round_requirement_up(value, Decimal("0.01"))
    with pytest.raises(AssertionError):
        units.round_credit_down(value, Decimal("0.01"))


# Printing


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.00", "0"), ("5.10", "5.1"), ("1E+3", "1000"), ("1E-7", "0.0000001"), ("-2.50", "-2.5"), ("100", "100")],
)
def test_number_has_one_spelling(value: str, text: str) -> None:
    """A number is written without exponent and without trailing zeros."""
    assert units.format_number(Decimal(value)) == text


def test_amounts_and_rates_are_written_for_the_desk() -> None:
    """Amounts have thin groups of thousands, ratios two decimals, and what is infinite is said in words."""
    assert units.format_amount(Decimal("1234567.80")) == "1 234 567.80"
    assert units.format_amount(Decimal(-1000)) == "-1 000"
    assert units.format_rate(1.0722) == "107.22%"
    assert units.format_rate(math.inf) == "no requirement"
    assert units.format_rate(-math.inf) == "no equity"
    assert units.format_duration(0) == "0s"
    assert units.format_duration(129_600 * units.SECOND_NS) == "1d12h"
