# SPDX-License-Identifier: Apache-2.0
"""How the requirement of one product differs: tiers exactly, as curves over the notional."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from marginrules.rulebook.compare.envelope import Piece, differences, greatest, one_rate, rates_in_words
from marginrules.rulebook.compare.records import (
    INTEREST,
    NOTIONAL,
    Change,
    Direction,
    Span,
    amount_words,
    change_of,
)
from marginrules.rulebook.schema import Margin, Tier

Curve = tuple[Piece, ...]
_NOTHING = Fraction(0)


def compare_tiers(before: Margin, after: Margin) -> Iterator[Change]:
    """
    Yield how the requirement of one product differs, over which notional.

    The core takes the greatest of all lines, of nothing, and for initial margin of maintenance margin too.
    """
    old, new = _sides(before), _sides(after)
    for term, side in (("initial margin", 0), ("maintenance margin", 1)):
        for low, high, sign in differences(old[side], new[side]):
            yield change_of(
                "stricter" if sign > 0 else "looser",
                term,
                [rates_in_words(one[side], low, high) for one in (old, new)],
                spans=(Span(NOTIONAL, low or None, high),),
                values=[one_rate(one[side], low, high) for one in (old, new)],
                lines=(_line(before, low), _line(after, low)),
            )
    if before.initial_from != after.initial_from:
        # A setting of the account only raises initial margin; but where it has none, nothing can be assessed.
        words = before.initial_from, after.initial_from
        yield change_of("changed", "initial margin from", words, lines=_lines(before, after))
    yield from _compare_interest(before, after)


def _compare_interest(before: Margin, after: Margin) -> Iterator[Change]:
    """Yield how the scale of initial margin by open interest differs, from 0 % at one number to 100 % at the other."""
    old, new = before.open_interest, after.open_interest
    if old == new:
        return
    direction: Direction = "changed"  # what reads open interest refuses where nobody published it
    if old is not None and new is not None:
        signs = {(was > now) - (was < now) for was, now in zip(old, new, strict=True)} - {0}
        direction = "changed" if len(signs) > 1 else "stricter" if signs == {1} else "looser"
    given = [one for one in (old, new) if one is not None]
    spans = (Span(INTEREST, min(one[0] for one in given)),)
    yield change_of(direction, "open interest", (_pair(old), _pair(new)), spans=spans, lines=_lines(before, after))


def _pair(limits: tuple[Decimal, Decimal] | None) -> str:
    return "" if limits is None else f"from {amount_words(limits[0])} to {amount_words(limits[1])}"


def _lines(before: Margin, after: Margin) -> tuple[int, int]:
    return before.place.line, after.place.line


def _sides(margin: Margin) -> tuple[Curve, Curve]:
    initial, maintenance = (_NOTHING, _NOTHING), (_NOTHING, _NOTHING)
    initials, maintenances = [initial], [maintenance]
    floor, last = _NOTHING, None
    for tier in margin.tiers:
        # As the compiler does: each tier goes on where the one before ends.
        floor = floor if last is None or last.to is None else Fraction(last.to)
        for lines, rate in ((initials, tier.initial), (maintenances, tier.maintenance)):
            deduction = lines[-1][1] + floor * (Fraction(rate) - lines[-1][0]) if last else _NOTHING
            lines.append((Fraction(rate), deduction))
        last = tier
    return greatest(initials + maintenances), greatest(maintenances)


def _line(margin: Margin, low: Fraction) -> int:
    """Return the line of the tier in which a notional lies."""
    return _tier(margin, low).place.line if margin.tiers else margin.place.line


def _tier(margin: Margin, low: Fraction) -> Tier:
    return next((one for one in margin.tiers if one.to is None or low < Fraction(one.to)), margin.tiers[-1])
