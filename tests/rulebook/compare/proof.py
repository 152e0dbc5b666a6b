# SPDX-License-Identifier: Apache-2.0
"""What a verdict promises, as `rulebook/compare/whole.py` says it, checked on what two rulebooks decide."""

from __future__ import annotations

from marginrules.rulebook import Program
from marginrules.rulebook.compare import Comparison
from tests.rulebook.compare.lives import Life, Look, Scene, is_accepted_for_margin, is_assessed, live

_NOISE = 1e-9


def broken(found: Comparison, before: Program, after: Program, scene: Scene) -> str:
    """Return in words what a verdict promises and the decisions in a scene do not keep; "" where all is kept."""
    if found.verdict == "mixed":
        return ""
    old, new = live(before, scene), live(after, scene)
    if found.verdict == "equivalent":
        return "" if old.decisions() == new.decisions() else f"equivalent, but {_first_difference(old, new)}"
    if found.verdict == "looser":
        old, new = new, old
    return _not_stricter(old, new)


def differ(before: Program, after: Program, scene: Scene) -> bool:
    """Say whether a decision differs."""
    return bool(live(before, scene).decisions() != live(after, scene).decisions())


def _first_difference(old: Life, new: Life) -> str:
    for mine, other in zip(old.replies, new.replies, strict=False):
        if mine != other:
            return f"first {mine} and then {other}"
    for key, look in old.looks.items():
        if new.looks.get(key) != look:
            return f"{key}: {look} and then {new.looks.get(key)}"
    return next(
        (f"{key}: {one} and {new.orders.get(key)}" for key, one in old.orders.items() if new.orders.get(key) != one), ""
    )


def _not_stricter(old: Life, new: Life) -> str:
    """Return what shows that the new rulebook is not stricter than the old one."""
    for (number, pool), was in old.looks.items():
        now = new.looks.get((number, pool))
        if now is None:
            continue  # the account was refused
        if not old.executes and was.is_valid and now.is_valid and not set(was.breached) <= set(now.breached):
            return f"{pool} after command {number}: fewer thresholds: {was} and {now}"
        if min(one.liquidated.get(pool, number + 1) for one in (old, new)) <= number:
            continue  # it does not hold the same any more
        if was.is_valid != now.is_valid:
            return f"{pool} can be assessed under one only"
        found = "" if not was.is_valid else _milder(was, now)
        if found:
            return f"{pool} after command {number}: {found}: {was} and {now}"
    if found := _milder_call(old, new):
        return found
    for key, decision in old.orders.items():
        other = new.orders[key]
        if not (is_assessed(decision) and is_assessed(other)):
            continue
        if (
            is_accepted_for_margin(other)
            and not is_accepted_for_margin(decision)
            and not _is_of_another_life(old, new, key[0])
        ):
            return f"order {key} is accepted: {decision} and {other}"
    return ""


def _is_of_another_life(old: Life, new: Life, number: int) -> bool:
    """Say whether a liquidation was carried out before, so that the accounts are not the same any more."""
    return any(first <= number for one in (old, new) for first in one.liquidated.values())


def _milder(was: Look, now: Look) -> str:
    (equity, initial, maintenance), (equity_now, initial_now, maintenance_now) = was.figures, now.figures
    scale = _NOISE * max(map(abs, (*was.figures, *now.figures, 1.0)))
    # What collateral counts for less in initial margin than in equity is part of initial margin.
    has_more = equity_now > equity + scale or equity_now - initial_now > equity - initial + scale
    if has_more or maintenance_now < maintenance - scale:
        return "more equity or less margin"
    for name, (by_unmet, since_ns) in was.active.items():
        if not by_unmet and (name not in now.active or now.active[name][1] > since_ns):
            return f"not in {name}, or later"
    return "" if set(was.breached) <= set(now.breached) else "fewer thresholds"


def _milder_call(old: Life, new: Life) -> str:
    """Compare what is demanded at the moment of the first call of each pool; one that came earlier is no milder."""
    for pool, (first, amount, due) in old.called.items():
        if new.taken.get(pool, first + 1) <= first or old.taken.get(pool, first + 1) <= first:
            continue  # being liquidated counts as more than being called
        first_now, amount_now, due_now = new.called.get(pool, (first + 1, amount, due))
        if first_now > first:
            return f"{pool} is called later, or not at all"
        if first_now == first and (amount_now < amount or due_now > due):
            return f"a smaller or later call of {pool}"
    return ""
