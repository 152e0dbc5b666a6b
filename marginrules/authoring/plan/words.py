# SPDX-License-Identifier: Apache-2.0
"""A comparison in words, for people and for messages."""

from __future__ import annotations

from collections import Counter

from marginrules.rulebook.compare import Change, Comparison

EQUIVALENT = "equivalent: no account can get a different decision"


def change_words(one: Change) -> str:
    """Write one change as a line: `STRICTER perpetuals/call: entry 120% -> 121%, for 120% <= margin ratio < 121%`."""
    moved = f"{one.before or 'nothing'} -> {one.after or 'nothing'}"
    where = f", for {one.range}" if one.range else ""
    return f"{one.direction.upper()} {one.subject}: {one.term} {moved}{where}"


def comparison_words(one: Comparison) -> tuple[str, ...]:
    """Write every change as a line; one line where there is none."""
    return tuple(change_words(change) for change in one.changes) or (EQUIVALENT,)


def summary_words(one: Comparison) -> str:
    """Say in one line what all changes together are."""
    if one.is_equivalent:
        return EQUIVALENT
    counts = Counter(change.direction for change in one.changes)
    total = len(one.changes)
    told = ", ".join(f"{counts[key]} {key}" for key in ("stricter", "looser", "changed") if counts[key])
    return f"{one.verdict}: {total} change{'s' if total > 1 else ''} in decisions ({told})"
