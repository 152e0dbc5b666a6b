# SPDX-License-Identifier: Apache-2.0
"""What an impact comes to, as rows of a table and as sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from marginrules.authoring.impact.outcome import HistoryImpact
from marginrules.authoring.impact.past import Impact
from marginrules.authoring.impact.present import NO_STEP, Moved, NowImpact
from marginrules.units import format_amount, format_duration, round_requirement_up

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Count:
    """Carry how many of something there are before and after a change."""

    what: str
    before: int
    after: int


def now_counts(found: NowImpact) -> tuple[Count, ...]:
    """Return how many accounts stand on each step."""
    return tuple(
        Count("on no step" if one.step == NO_STEP else one.step, one.accounts_before, one.accounts_after)
        for one in found.steps
    )


def past_counts(found: Impact) -> tuple[Count, ...]:
    """Return how many pools would have been warned, called, and so on; who came back by himself; and how many calls."""
    names = {
        "warned": "warned",
        "called": "called",
        "cured": "of them cured by themselves",
        "restricted": "restricted",
        "liquidated": "liquidated",
        "defaulted": "defaulted",
        "unassessed": "not to be assessed at times",
        "calls": "calls",
        "rounds": "rounds of liquidation",
    }
    return tuple(Count(what, getattr(found.before, name), getattr(found.after, name)) for name, what in names.items())


def largest_words(found: NowImpact) -> tuple[str, ...]:
    """Return a sentence for each of the largest pools that a change moves."""
    return tuple(moved_words(one) for one in found.largest)


def moved_words(one: Moved) -> str:
    """Say how a pool moves and what it lacks then."""
    steps = " -> ".join(side.step or "no step" for side in (one.before, one.after))
    ratios = " -> ".join(_ratio(side.equity, side.maintenance_margin) for side in (one.before, one.after))
    lacks = f", lacks {_amount(one.after.deficiency)} to IM" if one.after.deficiency > 0.0 else ""
    return f"{one.pool}: {steps}, ratio {ratios}, MM {_amount(one.after.maintenance_margin)}{lacks}"


def cured_words(found: HistoryImpact) -> str:
    """Say how many of the called pools came back by themselves, and how long that took."""
    if not found.called:
        return "nobody would have been called"
    if not found.cured:
        return f"none of {found.called:,} called pools came back by itself"
    return (
        f"{found.cured:,} of {found.called:,} called pools came back by themselves, half of them within "
        f"{format_duration(found.cure_median_ns)}, the last within {format_duration(found.cure_longest_ns)}"
    )


def _ratio(equity: float, margin: float) -> str:
    return f"{equity / margin:.1%}" if margin > 0.0 and math.isfinite(equity) else "none"


def _amount(value: float) -> str:
    return format_amount(round_requirement_up(value, _CENT)) if math.isfinite(value) else "unknown"
