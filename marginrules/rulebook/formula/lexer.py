# SPDX-License-Identifier: Apache-2.0
"""Text of a formula to tokens. Numbers are typed here: `15%`, `250 bps`, `500 USDT`, `30d`, `100 contracts`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from marginrules import units
from marginrules.limits import MAGNITUDE_MAX
from marginrules.rulebook import meant
from marginrules.rulebook.fields import shorten
from marginrules.rulebook.formula.unit import AMOUNT, ANY, DURATION, NUMBER, PRICE, QUANTITY, Unit

_END = r"(?![A-Za-z0-9_])"
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)?")
_DIGITS = re.compile(r"[0-9][0-9_]*(?:\.[0-9][0-9_]*)?")
_DURATION = re.compile(rf"(?:[0-9]+[dhms])+{_END}")
_RATE = re.compile(rf"\s?(%|bps{_END})")
_CONTRACTS = re.compile(rf"\s+contracts?{_END}")
_PER_CONTRACT = re.compile(rf"\s+per\s+contract{_END}")
_WORD = re.compile(r"[A-Za-z0-9_.]+")
_SIGNS = re.compile(r"<=|>=|==|!=|[-+*/<>(),]")

# What people bring along from other languages.
_FOREIGN = {
    "**": "write power(a, b)",
    "^": "write power(a, b)",
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "|": "write `or`",
    "!": "write `not`",
    "=": "write == to compare",
    "=<": "write <=",
    "=>": "write >=",
    "<>": "write !=",
    "//": "write floor(a / b)",
    "?": "write if(condition, a, b)",
    ":": "write if(condition, a, b)",
    "[": "group with ( and )",
    "{": "group with ( and )",
    ";": "one formula is one value",
    "\N{MULTIPLICATION SIGN}": "write *",
    "\N{DIVISION SIGN}": "write /",
    "\N{MINUS SIGN}": "write -",
    "\N{LESS-THAN OR EQUAL TO}": "write <=",
    "\N{GREATER-THAN OR EQUAL TO}": "write >=",
}


class FormulaError(Exception):
    """
    End the reading of one formula.

    Args:
        code: one of `diagnostic.PROBLEMS`.
        start, end: where in its text.
    """

    def __init__(self, start: int, end: int, message: str, hint: str = "", code: str = "MR-R401") -> None:
        super().__init__(message)
        self.start, self.end, self.message, self.hint, self.code = start, end, message, hint, code


@dataclass(frozen=True, slots=True)
class Token:
    """Carry one token; `kind` is "number", "name", "end" or the sign itself."""

    kind: str
    text: str
    start: int
    end: int
    value: float = 0.0
    unit: Unit = NUMBER


def tokens(text: str, currency: str) -> Iterator[Token]:
    """
    Yield the tokens of a formula, "end" last.

    Raises:
        FormulaError: a character or a number that no formula has.
    """
    at = _skip(text, 0)
    while at < len(text):
        name, sign = _NAME.match(text, at), _SIGNS.match(text, at)
        foreign = next((one for one in _FOREIGN if text.startswith(one, at)), "")
        if text[at] in "0123456789":
            token = _number(text, at, currency)
        elif name:
            token = Token("name", name[0], at, name.end())
        elif sign and len(foreign) <= len(sign[0]):
            token = Token(sign[0], sign[0], at, sign.end())
        else:
            shown = foreign or text[at]
            hint = "write 0.5, not .5" if shown == "." else _FOREIGN.get(shown, "")
            if shown == "%" and text[:at].rstrip().endswith("%"):
                hint = "did you mean '%'?"
            raise FormulaError(at, at + len(shown), f"'{shown}' means nothing in a formula", hint)
        yield token
        at = _skip(text, token.end)
    end = len(text.rstrip())
    yield Token("end", "", end, end)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _number(text: str, at: int, currency: str) -> Token:
    duration = _DURATION.match(text, at)
    if duration:
        nanoseconds = units.parse_duration_ns(duration[0])
        if nanoseconds is None:
            raise FormulaError(at, duration.end(), f"'{shorten(duration[0])}' is not a duration", "write 1d12h or 30m")
        return _in_range(Token("number", duration[0], at, duration.end(), nanoseconds / units.DAY_NS, DURATION))
    digits = _DIGITS.match(text, at)
    end = digits.end() if digits else at
    number = units.parse_number(text[at:end])
    rest = _WORD.match(text, end)
    has_leading_zero = text[at] == "0" and text[at + 1 : at + 2].isdigit()
    if number is None or has_leading_zero or (rest and not rest[0].startswith("bps")):
        end = rest.end() if rest else end
        shown = shorten(text[at:end])
        hint = "write 1_000_000, 0.25, 5%, 250 bps or 1d12h"
        hint = meant.hint(meant.rate(text[at:end]) or meant.duration(text[at:end]), hint)
        raise FormulaError(at, end, f"'{shown}' is not a number", hint)
    rate, contracts = _RATE.match(text, end), _CONTRACTS.match(text, end)
    amount = re.compile(rf"\s+{re.escape(currency)}{_END}").match(text, end)
    unit = NUMBER if number else ANY
    if rate:
        end, number, unit = rate.end(), number.scaleb(-2 if rate[1] == "%" else -4), NUMBER
    elif contracts:
        end, unit = contracts.end(), QUANTITY
    elif amount:
        each = _PER_CONTRACT.match(text, amount.end())
        end, unit = (each or amount).end(), PRICE if each else AMOUNT
    return _in_range(Token("number", text[at:end], at, end, float(number), unit))


def _in_range(token: Token) -> Token:
    if token.value > MAGNITUDE_MAX:
        message = f"'{shorten(token.text)}' is larger than any amount may be"
        raise FormulaError(token.start, token.end, message, f"at most {MAGNITUDE_MAX:g}", "MR-R308")
    return token
