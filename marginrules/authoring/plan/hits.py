# SPDX-License-Identifier: Apache-2.0
"""Whom a plan hits: what the impact on the live book and on history comes to, as a plan keeps it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from marginrules.authoring import impact
from marginrules.authoring.impact import words
from marginrules.authoring.plan.model import Plan, PlannedCount, PlannedImpact


def with_impact(plan: Plan, now: impact.NowImpact | None, past: impact.Impact | None) -> Plan:
    """Return a plan that tells whom it hits, now and over a history, as far as somebody has looked."""
    if now is None and past is None:
        return plan
    digests = "\n".join(one.digest for one in (now, past) if one is not None)
    return replace(
        plan,
        impact=PlannedImpact(
            now=() if now is None else _counts(words.now_counts(now)),
            past=() if past is None else _counts(words.past_counts(past)),
            largest=() if now is None else words.largest_words(now),
            told=() if past is None else (words.cured_words(past.after),),
            since_ns=0 if past is None else past.after.first_ns,
            until_ns=0 if past is None else past.after.last_ns,
            digest=hashlib.sha256(digests.encode()).hexdigest(),
        ),
    )


def _counts(counts: tuple[words.Count, ...]) -> tuple[PlannedCount, ...]:
    return tuple(PlannedCount(one.what, one.before, one.after) for one in counts)
