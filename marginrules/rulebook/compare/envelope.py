# SPDX-License-Identifier: Apache-2.0
"""
The greatest of several straight lines, exactly, and where one such curve lies above another.

Tiers are lines `rate x amount - deduction` of which the greatest counts; haircut tiers, with their signs turned, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from marginrules.rulebook.compare.records import amount_words, ratio_words

NOTHING = Fraction(0)
_TOLD_MAX = 2  # rates in words, before the rest is only counted


@dataclass(frozen=True, slots=True)
class Piece:
    """Carry one straight piece of a curve: from `start` on its value is rate x amount - deduction."""

    start: Fraction
    rate: Fraction
    deduction: Fraction

    def at(self, amount: Fraction) -> Fraction:
        """Return the value of the line at an amount."""
        return self.rate * amount - self.deduction


def greatest(lines: Iterable[tuple[Fraction, Fraction]]) -> tuple[Piece, ...]:
    """Return the curve of the greatest of lines (rate, deduction) over all amounts from 0 on."""
    steepest: dict[Fraction, Fraction] = {}
    for rate, deduction in lines:
        steepest[rate] = min(deduction, steepest.get(rate, deduction))
    pieces: list[Piece] = []
    for rate, deduction in sorted(steepest.items()):
        start = NOTHING
        while pieces:
            last = pieces[-1]
            start = (deduction - last.deduction) / (rate - last.rate)
            if start > last.start:
                break
            pieces.pop()
            start = NOTHING
        pieces.append(Piece(start, rate, deduction))
    return tuple(pieces)


def differences(before: tuple[Piece, ...], after: tuple[Piece, ...]) -> list[tuple[Fraction, Fraction | None, int]]:
    """
    Return where `after` lies above (+1) or below (-1) `before`: rows (from, to or None, sign), rising.

    At the ends of a row the curves may meet.
    """
    starts = sorted({one.start for one in (*before, *after)})
    found: list[tuple[Fraction, Fraction | None, int]] = []
    for low, high in pairwise([*starts, None]):
        if low is None:
            continue
        old, new = piece_at(before, low), piece_at(after, low)
        slope, gap = new.rate - old.rate, new.at(low) - old.at(low)
        meets = low - gap / slope if slope else None
        if meets is not None and low < meets and (high is None or meets < high):
            found += [(low, meets, _sign(gap)), (meets, high, _sign(slope))]
        else:
            found.append((low, high, _sign(gap) or _sign(slope)))
    return _joined(found)


def piece_at(curve: tuple[Piece, ...], amount: Fraction) -> Piece:
    """Return the piece in which an amount lies."""
    return next(one for one in reversed(curve) if one.start <= amount)


def within(curve: tuple[Piece, ...], low: Fraction, high: Fraction | None) -> tuple[Piece, ...]:
    """Return the pieces of a curve between two amounts."""
    ends = [*(one.start for one in curve[1:]), None]
    pairs = zip(curve, ends, strict=True)
    return tuple(one for one, end in pairs if (end is None or end > low) and (high is None or one.start < high))


def rates_in_words(curve: tuple[Piece, ...], low: Fraction, high: Fraction | None) -> str:
    """Write the rates of a curve between two amounts: `0.4% to 300_000, then 0.5%`."""
    pieces = within(curve, low, high)
    ends = [*(f" to {amount_words(one.start)}" for one in pieces[1:]), ""]
    told = [ratio_words(one.rate) + end for one, end in zip(pieces, ends, strict=True)]
    if len(told) > _TOLD_MAX + 1:
        told[_TOLD_MAX:] = [f"{len(told) - _TOLD_MAX} more rates"]
    return ", then ".join(told)


def one_rate(curve: tuple[Piece, ...], low: Fraction, high: Fraction | None) -> Fraction | None:
    """Return the rate of a curve between two amounts, where it is one."""
    pieces = within(curve, low, high)
    return pieces[0].rate if len(pieces) == 1 else None


def _joined(rows: list[tuple[Fraction, Fraction | None, int]]) -> list[tuple[Fraction, Fraction | None, int]]:
    """Return the rows in which there is a difference, neighbours with the same sign as one."""
    joined: list[tuple[Fraction, Fraction | None, int]] = []
    for low, high, sign in rows:
        if joined and joined[-1][1] == low and joined[-1][2] == sign:
            joined[-1] = joined[-1][0], high, sign
        else:
            joined.append((low, high, sign))
    return [row for row in joined if row[2]]


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)
