# SPDX-License-Identifier: Apache-2.0
"""What was probably meant by a value that cannot be read: a unit misspelt, written out, or with a blank too many."""

from __future__ import annotations

import re
from collections.abc import Callable

from marginrules import units
from marginrules.rulebook.diagnostic import is_slip, nearest

_RATE = re.compile(r"([+-]?[0-9][0-9_]*(?:\.[0-9]+)?)\s*([^0-9\s][^0-9]*)|([%])\s*([0-9][0-9_.]*)")
_DURATION_PART = re.compile(r"([0-9]+)\s*([A-Za-z]+)[\s,]*")
_TURNED = re.compile(r"([dhmsDHMS])([0-9]+)")
_CLOCK = re.compile(r"([0-9]{1,2}:[0-9]{2})\s+(.+)")
_PERCENT = ("%", "percent", "pct", "per cent", "procent")
_BASIS_POINTS = ("bps", "bp", "bips", "basis points", "basispoints")
_TIMES = {
    "s": ("s", "ss", "sec", "secs", "second", "seconds"),
    "m": ("m", "mm", "min", "mins", "minute", "minutes"),
    "h": ("h", "hh", "hr", "hrs", "hour", "hours"),
    "d": ("d", "dd", "day", "days"),
}


def hint(meant: str, otherwise: str) -> str:
    """Return "did you mean 'x'?" where it is known what was meant, else what can be written."""
    return f"did you mean '{meant}'?" if meant else otherwise


def rate(text: str) -> str:
    """Return the rate that was meant by `5 %%`, `5 percent` or `50 bp`; empty where that is not clear."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        return ""
    number, unit = found[1] or found[4], (found[2] or found[3]).strip().lower()
    return _sound(f"{number}{_rate_unit(unit)}", units.parse_rate) if _rate_unit(unit) else ""


def _rate_unit(unit: str) -> str:
    if not unit.strip("% ") or _is_one_of(unit, _PERCENT):
        return "%"
    return " bps" if _is_one_of(unit, _BASIS_POINTS) else ""


def duration(text: str) -> str:
    """Return the duration that was meant by `4hr`, `4 h`, `30 Seconds` or `h4`; empty where that is not clear."""
    stripped = text.strip()
    turned = _TURNED.fullmatch(stripped)
    parts = [(turned[2], turned[1])] if turned else [(one[1], one[2]) for one in _DURATION_PART.finditer(stripped)]
    if not turned and "".join(one[0] for one in _DURATION_PART.finditer(stripped)) != stripped:
        return ""
    read = [number + _time_unit(unit) for number, unit in parts]
    return _sound("".join(read), units.parse_duration_ns) if all(one[-1].isalpha() for one in read) else ""


def _time_unit(unit: str) -> str:
    lower = unit.lower()
    exact = next((short for short, words in _TIMES.items() if lower in words), "")
    if exact or len(lower) < 3:
        return exact
    return next((short for short, words in _TIMES.items() if any(is_slip(lower, one) for one in words[2:])), "")


def deadline(text: str) -> str:
    """Return the deadline that was meant by `4hr` or `17:00 next busines day`; empty where that is not clear."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return duration(text)
    clock = found[1].rjust(5, "0")
    if units.parse_clock(clock) is None:
        return ""
    rest = " ".join(found[2].lower().split())
    days = re.search(r"[0-9]{1,2}", rest)
    form = nearest(rest, ("next business day", f"in {days[0] if days else 2} business days"))
    return f"{clock} {form}" if form and bool(days) == form.startswith("in ") else ""


def unmet(text: str) -> str:
    """Return `<step> unmet` where its second word is misspelt; empty where that is not clear."""
    words = text.split()
    return f"{words[0]} unmet" if len(words) == 2 and nearest(words[1], ("unmet",)) else ""


def _is_one_of(word: str, known: tuple[str, ...]) -> bool:
    return word in known or any(is_slip(word, one) for one in known if len(one) > 1)


def _sound(text: str, read: Callable[[str], object]) -> str:
    return text if read(text) is not None else ""
