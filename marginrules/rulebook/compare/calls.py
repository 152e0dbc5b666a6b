# SPDX-License-Identifier: Apache-2.0
"""How the demands of one step differ: how much, from what amount on, in what multiples and by when."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from marginrules.rulebook.compare.deadlines import compare_deadlines
from marginrules.rulebook.compare.records import Change, Direction, amount_words, change_of, exact, ratio_words
from marginrules.terms import CallTerms

_SIGNS: dict[int, Direction] = {1: "stricter", -1: "looser", 2: "changed"}


def compare_calls(was: CallTerms | None, now: CallTerms | None, from_ns: int, is_level: bool) -> Iterator[Change]:
    """Yield every difference; see `ladders.compare_ladders` for the last two."""
    if was is None or now is None:
        one = was or now
        if one is not None:
            change = Change("stricter", "call", "", f"restore {_restore_words(one)} by {one.deadline.text}")
            yield change if was is None else change.reversed()
        return
    if (was.restore, was.ratio) != (now.restore, now.ratio):
        direction = _restore_direction(was, now, is_level)
        is_ratio = was.restore == now.restore == "ratio"
        values = (exact(was.ratio), exact(now.ratio)) if is_ratio else (None, None)
        words = _restore_words(was), _restore_words(now)
        yield change_of(direction, "restore", words, values=values)
    if was.minimum_transfer != now.minimum_transfer:
        direction = "stricter" if now.minimum_transfer < was.minimum_transfer else "looser"
        yield _amounts(direction, "minimum transfer", was.minimum_transfer, now.minimum_transfer)
    if was.round_to != now.round_to:
        is_coarser, is_finer = now.round_to % was.round_to == 0, was.round_to % now.round_to == 0
        direction = "stricter" if is_coarser else "looser" if is_finer else "changed"
        yield _amounts(direction, "round to", was.round_to, now.round_to)
    sign, spans = compare_deadlines(was.deadline, now.deadline, from_ns)
    if sign:
        by_clock = not was.deadline.business_days and not now.deadline.business_days
        times = (was.deadline.duration_ns, now.deadline.duration_ns) if by_clock else (None, None)
        words = was.deadline.text, now.deadline.text
        yield change_of(_SIGNS[sign], "deadline", words, spans=spans, values=times)


def _amounts(direction: Direction, term: str, was: Decimal, now: Decimal) -> Change:
    return change_of(direction, term, (amount_words(was), amount_words(now)), values=(was, now))


def _restore_direction(was: CallTerms, now: CallTerms, is_level: bool) -> Direction:
    if was.restore == now.restore:
        return "stricter" if now.ratio > was.ratio else "looser"
    kinds = was.restore, now.restore
    # A ratio to restore is 100 % or more.
    above_maintenance = ("initial_margin", "ratio") if is_level else ("ratio",)
    if kinds[0] == "maintenance_margin" and kinds[1] in above_maintenance:
        return "stricter"
    if kinds[1] == "maintenance_margin" and kinds[0] in above_maintenance:
        return "looser"
    return "changed"


def _restore_words(one: CallTerms) -> str:
    return ratio_words(exact(one.ratio)) if one.restore == "ratio" else one.restore.replace("_", " ")
