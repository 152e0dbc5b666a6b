# SPDX-License-Identifier: Apache-2.0
"""
Business-day deadlines, resolved while a rulebook is compiled.

A compiled deadline holds the moments themselves, so no calendar and no time zone is consulted when a call is made, and
the digest of a program covers the days it counts as business days.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import warnings
from zoneinfo import ZoneInfo

from marginrules import units
from marginrules.rulebook.diagnostic import suggest

HORIZON_YEARS = 10
_FORM = re.compile(r"(\d{2}:\d{2}) (?:next business day|in (\d{1,2}) business days)", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def parse_business_deadline(text: str) -> tuple[tuple[int, int], int] | None:
    """Read `17:00 next business day` or `17:00 in 3 business days` as ((hour, minute), days)."""
    match = _FORM.fullmatch(text)
    clock = units.parse_clock(match[1]) if match else None
    days = int(match[2] or 1) if match else 0
    return (clock, days) if clock and days else None


@functools.lru_cache(maxsize=64)
def business_days(exchange: str, first_year: int) -> tuple[str, tuple[dt.date, ...]] | str:
    """
    Return the time zone and the business days of an exchange from a year on.

    Returns:
        (zone, days), or a suggestion where there is no exchange of that name, or none of its days are known.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library about the libraries below it; nothing an officer could act on
        return _business_days(exchange, first_year)


def _business_days(exchange: str, first_year: int) -> tuple[str, tuple[dt.date, ...]] | str:
    import exchange_calendars as calendars  # noqa: PLC0415 - brings pandas; only books with business days pay for it

    names = calendars.get_calendar_names(include_aliases=True)
    if exchange not in names:
        return suggest(exchange, names) or "an exchange code such as XNYS, XLON or CMES"
    start, end = dt.date(first_year, 1, 1), dt.date(first_year + HORIZON_YEARS, 12, 31)
    kind = type(calendars.get_calendar(exchange))
    upper, lower = kind.bound_max(), kind.bound_min()
    if upper is not None:
        end = min(end, upper.date())
    if lower is not None:
        start = max(start, lower.date())
    if start >= end:
        return f"its days are known from {lower.year if lower else start.year} to {upper.year if upper else end.year}"
    calendar = kind(start=start.isoformat(), end=end.isoformat())
    return str(calendar.tz), tuple(stamp.date() for stamp in calendar.sessions)


@functools.lru_cache(maxsize=256)
def sessions(
    exchange: str, first_year: int, clock: tuple[int, int], closed: tuple[dt.date, ...] = ()
) -> tuple[tuple[int, int], ...]:
    """
    Return a row for each business day: its local midnight and a local time of day, as nanoseconds since 1970 UTC.

    Args:
        closed: further days that are no business days.
    """
    found = business_days(exchange, first_year)
    if isinstance(found, str):
        raise AssertionError(f"calendar {exchange} was checked before")
    zone, days = ZoneInfo(found[0]), found[1]
    hour, minute = clock
    skipped = frozenset(closed)
    return tuple((_ns(day, 0, 0, zone), _ns(day, hour, minute, zone)) for day in days if day not in skipped)


def _ns(day: dt.date, hour: int, minute: int, zone: ZoneInfo) -> int:
    moment = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    return int((moment - _EPOCH).total_seconds()) * units.SECOND_NS
