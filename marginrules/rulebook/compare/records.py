# SPDX-License-Identifier: Apache-2.0
"""What a comparison of two rulebooks says: changes, each with its direction and the range in which it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from marginrules import units
from marginrules.rulebook.fields import grouped, percent

Direction = Literal["stricter", "looser", "changed"]
Verdict = Literal["equivalent", "stricter", "looser", "mixed"]
Number = int | Decimal | Fraction
_OPPOSITE: dict[Direction, Direction] = {"stricter": "looser", "looser": "stricter", "changed": "changed"}
RATIO, NOTIONAL, HOLDING, INTEREST = "margin ratio", "notional", "value of the holding", "open interest"
BREACH, CALL, LEFT, MOMENT = "time since the breach", "time since the call", "time left", "time of the call"
_NAMES_MAX = 4
_DURATIONS = (BREACH, CALL, LEFT)


@dataclass(frozen=True, slots=True)
class Span:
    """
    Say for which values of something a change holds: from `low` on, up to but not including `high`.

    Args:
        of: one of the words above; "margin ratio" is a fraction, times are nanoseconds, amounts are in the rulebook's
            currency, "time of the call" is in nanoseconds since 1970.
        low, high: None: no bound.
    """

    of: str
    low: Number | None = None
    high: Number | None = None

    @property
    def words(self) -> str:
        """Return it as people write it: `110% <= margin ratio < 120%`."""
        low, high = (None if one is None else self._number(one) for one in (self.low, self.high))
        if low is None and high is None:
            return f"any {self.of}"
        return (f"{low} <= " if low is not None else "") + self.of + (f" < {high}" if high is not None else "")

    def _number(self, value: Number) -> str:
        if self.of in _DURATIONS:
            return units.format_duration(int(value))
        if self.of == MOMENT:
            return units.format_time(int(value))
        return ratio_words(value) if self.of == RATIO else amount_words(value)


@dataclass(frozen=True, slots=True)
class Change:
    """
    Carry one difference between two rulebooks.

    Args:
        direction: of what decides afterwards; "changed" where it is neither, or nobody can say.
        term: what differs, such as "maintenance margin", "entry", "deadline" or "haircut".
        before, after: in words; "" where there was nothing, or is nothing any more.
        products: whose it is; none: all that follow the ladder, or what is not by product.
        profiles: "class retail" or "account A-1 of class retail"; none: everybody.
        ladder, step, asset: whose it is, where it is of one.
        spans: the range in which it shows, all of them at once; none: wherever it is read.
        before_value, after_value: where each is one number: a ratio or a rate as a fraction, an amount, nanoseconds.
        before_line, after_line: in each text; 0 where it does not stand.
    """

    direction: Direction
    term: str
    before: str
    after: str
    products: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    ladder: str = ""
    step: str = ""
    asset: str = ""
    spans: tuple[Span, ...] = ()
    before_value: Number | None = None
    after_value: Number | None = None
    before_line: int = 0
    after_line: int = 0

    @property
    def subject(self) -> str:
        """Return what it is about, in words."""
        where = [f"{self.ladder}/{self.step}" if self.step else self.ladder, self.asset]
        where += [_few(self.products), _few(self.profiles)]
        return ", ".join(one for one in where if one) or "the rulebook"

    @property
    def range(self) -> str:
        """Return in which range it shows, in words; "" where it shows wherever it is read."""
        return " and ".join(one.words for one in self.spans)

    def reversed(self) -> Change:
        """Return the change that takes this one back."""
        return replace(
            self,
            direction=_OPPOSITE[self.direction],
            before=self.after,
            after=self.before,
            before_value=self.after_value,
            after_value=self.before_value,
            before_line=self.after_line,
            after_line=self.before_line,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    Carry how two rulebooks differ in what they decide.

    Args:
        verdict: "equivalent" where no account can get a different decision; "stricter" or "looser" where every change
            is; else "mixed".
        changes: alike ones as one; in the order of what they are about.
        text_only: what differs and decides nothing, in words.
    """

    verdict: Verdict
    changes: tuple[Change, ...] = ()
    text_only: tuple[str, ...] = ()
    before_digest: str = ""
    after_digest: str = ""

    @property
    def is_equivalent(self) -> bool:
        """Say whether no account can get a different decision."""
        return self.verdict == "equivalent"


def change_of(
    direction: Direction,
    term: str,
    words: Sequence[str],
    *,
    spans: tuple[Span, ...] = (),
    values: Sequence[Number | None] = (None, None),
    lines: tuple[int, int] = (0, 0),
    products: tuple[str, ...] = (),
    asset: str = "",
) -> Change:
    """Return a change from what there is of it before and after, side by side."""
    return Change(
        direction,
        term,
        words[0],
        words[1],
        products=products,
        asset=asset,
        spans=spans,
        before_value=values[0],
        after_value=values[1],
        before_line=lines[0],
        after_line=lines[1],
    )


def _few(names: tuple[str, ...]) -> str:
    """Write names; of many, the first ones and how many more there are."""
    more = len(names) - _NAMES_MAX
    return ", ".join(names[:_NAMES_MAX]) + (f" and {more} more" if more > 0 else "")


def verdict_of(changes: tuple[Change, ...]) -> Verdict:
    """Return what all changes together are."""
    directions = {one.direction for one in changes}
    if not directions:
        return "equivalent"
    if directions == {"stricter"}:
        return "stricter"
    return "looser" if directions == {"looser"} else "mixed"


def ratio_words(value: Number) -> str:
    """Write a fraction as a percentage."""
    return percent(value if isinstance(value, int) else decimal(value))


def amount_words(value: Number) -> str:
    """Write an amount or a plain number."""
    return grouped(value if isinstance(value, int) else decimal(value))


def decimal(value: Number) -> Decimal:
    """Return a number as a decimal, rounded to 15 digits where it has no end."""
    if isinstance(value, Fraction):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return exact if Fraction(exact) == value else +Decimal(f"{float(value):.12g}")
    return Decimal(value)


def exact(value: float) -> Decimal:
    """Return the shortest decimal that a double stands for: the one that the rulebook has."""
    return Decimal(repr(value))
