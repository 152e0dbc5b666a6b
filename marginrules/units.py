# SPDX-License-Identifier: Apache-2.0
"""
Literals as people write them, and the one place where a double becomes an amount that is demanded.

Literals are text until a reader here types them: `5%`, `250 bps`, `1_000_000`, `4h`, `2026-12-01T00:00:00Z`. Each
reader returns an exact value or None; it never guesses.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

# ASCII digits alone: other scripts have digits that an officer would not read as the number they are.
_NUMBER = re.compile(r"[+-]?\d+(?:_\d{3})*(?:\.\d+)?", re.ASCII)
_RATE = re.compile(r"([+-]?\d+(?:_\d{3})*(?:\.\d+)?) ?(%|bps)?", re.ASCII)
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DIGITS_MAX = 30

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
_UNIT_NS = (DAY_NS, 3_600 * SECOND_NS, 60 * SECOND_NS, SECOND_NS)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EXACT = Context(prec=60)
_NOISE = Decimal("1e-6")
_DOUBLE_NOISE = Decimal("1e-15")
_NOISE_MAX = Decimal("0.1")


def parse_number(text: str) -> Decimal | None:
    """Read `1_000_000` or `0.25`; underscores stand between groups of three digits."""
    if len(text) > _DIGITS_MAX or not _NUMBER.fullmatch(text):
        return None
    return _EXACT.add(Decimal(text.replace("_", "")), 0)  # never negative zero


def parse_rate(text: str) -> Decimal | None:
    """Read `5%`, `250 bps` or `0.05` as the fraction 0.05."""
    match = _RATE.fullmatch(text) if len(text) <= _DIGITS_MAX else None
    if match is None:
        return None
    number = _EXACT.add(Decimal(match[1].replace("_", "")), 0)
    return number.scaleb({"%": -2, "bps": -4, None: 0}[match[2]], _EXACT)


def parse_duration_ns(text: str) -> int | None:
    """Read `30s`, `4h`, `1d12h` as nanoseconds; units in falling order, each at most once."""
    match = _DURATION.fullmatch(text) if 0 < len(text) <= _DIGITS_MAX else None
    if match is None:
        return None
    return sum(int(part) * unit for part, unit in zip(match.groups(), _UNIT_NS, strict=True) if part)


def parse_timestamp_ns(text: str) -> int | None:
    """Read `2026-12-01T00:00:00Z` as nanoseconds since 1970; always UTC, always to the second."""
    if not _TIMESTAMP.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment - _EPOCH).total_seconds()) * SECOND_NS


def parse_date_ns(text: str) -> int | None:
    """Read `2026-12-01` as its first moment in UTC, in nanoseconds since 1970."""
    return parse_timestamp_ns(f"{text}T00:00:00Z") if _DATE.fullmatch(text) else None


def parse_clock(text: str) -> tuple[int, int] | None:
    """Read `17:00` as hour and minute."""
    match = _CLOCK.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def format_number(value: Decimal) -> str:
    """Write a number in its one canonical spelling: no exponent, no trailing zeros."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def format_amount(value: Decimal) -> str:
    """Write an amount with thousands separated by spaces, as the margin desk reads it."""
    return format(value, ",f").replace(",", " ")


def format_rate(value: float) -> str:
    """Write a ratio as a percentage with two decimals; infinite ratios as words."""
    if math.isinf(value):
        return "no requirement" if value > 0 else "no equity"
    return f"{value * 100:.2f}%"


def format_duration(duration_ns: int) -> str:
    """Write nanoseconds as `1d12h`."""
    rest, text = duration_ns // SECOND_NS, ""
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def format_time(time_ns: int) -> str:
    """Write nanoseconds since 1970 as `2026-12-01T00:00:00Z`."""
    moment = _EPOCH + dt.timedelta(seconds=time_ns // SECOND_NS)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def round_requirement_up(value: float, increment: Decimal) -> Decimal:
    """
    Turn a requirement into a multiple of the increment, never smaller than it.

    Args:
        value: finite amount in the rulebook's currency.
        increment: greater than zero; 0.01 for cents, 100 for hundreds.

    Returns:
        An exact multiple of `increment`.

    Rounding:
        Up. A value within a millionth of an increment of a multiple, or within 1e-15 of its own size, is that
        multiple: the noise of a sum of doubles must not demand another cent.
    """
    return _to_multiple(value, increment, ROUND_CEILING)


def round_credit_down(value: float, increment: Decimal) -> Decimal:
    """Turn a credit into a multiple of the increment, never greater than it; noise as in `round_requirement_up`."""
    return _to_multiple(value, increment, ROUND_FLOOR)


def _to_multiple(value: float, increment: Decimal, rounding: str) -> Decimal:
    if not math.isfinite(value):
        raise AssertionError(f"amount to round was {value}")
    units = _EXACT.divide(Decimal(value), increment)
    nearest = units.to_integral_value()
    # Where the amount is so large that a double is coarser than that, its last bits are noise as well.
    noise = min(max(_NOISE, abs(units) * _DOUBLE_NOISE), _NOISE_MAX)
    whole = nearest if abs(units - nearest) < noise else units.to_integral_value(rounding)
    # Adding nothing makes negative zero zero.
    return _EXACT.add(_EXACT.multiply(whole, increment).quantize(increment, context=_EXACT), 0)
