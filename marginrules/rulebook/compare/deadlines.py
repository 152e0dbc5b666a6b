# SPDX-License-Identifier: Apache-2.0
"""Which of two deadlines is the earlier one, for every moment at which a call can be made."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from marginrules.rulebook.compare.records import CALL, MOMENT, Span
from marginrules.terms import LAST_NS, Deadline
from marginrules.units import DAY_NS

_FAR = 1 << 62


def compare_deadlines(before: Deadline, after: Deadline, from_ns: int) -> tuple[int, tuple[Span, ...]]:
    """
    Return whether `after` is earlier (+1), later (-1), never different (0), or either (2), and where.

    A deadline by the calendar moves in steps, one by the clock goes with the time of the call: both are straight
    between the moments at which business days begin, so it is enough to look at the ends of each stretch.

    Args:
        from_ns: the first moment at which a call can be made.
    """
    if not before.business_days and not after.business_days:
        low, high = sorted((before.duration_ns, after.duration_ns))
        sign = (before.duration_ns > after.duration_ns) - (before.duration_ns < after.duration_ns)
        return sign, (Span(CALL, low, high),) if sign else ()
    starts = {row[0] for one in (before, after) for row in one.sessions if row[0] > from_ns}
    signs: set[int] = set()
    first = last = None
    for low, high in pairwise([from_ns, *sorted(starts), LAST_NS >> 1]):
        here = {_sign(before, after, moment) for moment in (low, high - 1)}
        if here != {0}:
            first, last = low if first is None else first, high
        signs |= here
    signs.discard(0)
    if not signs:
        return 0, ()
    return signs.pop() if len(signs) == 1 else 2, (Span(MOMENT, first, None if last == LAST_NS >> 1 else last),)


def is_never_later(one: Deadline, other: Deadline, from_ns: int) -> bool:
    """Say whether a deadline is at no moment later than another."""
    return compare_deadlines(other, one, from_ns)[0] in (0, 1)


def _sign(before: Deadline, after: Deadline, now_ns: int) -> int:
    old, new = _due_ns(before, now_ns), _due_ns(after, now_ns)
    return (old > new) - (old < new)


def _due_ns(one: Deadline, now_ns: int) -> int:
    """Return `Deadline.due_ns`, found without making a pair for each call."""
    if not one.business_days:
        return now_ns + one.duration_ns
    index = bisect_right(one.sessions, (now_ns, _FAR)) + one.business_days - 1
    return one.sessions[index][1] if index < len(one.sessions) else now_ns + one.business_days * DAY_NS
