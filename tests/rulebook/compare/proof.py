# SPDX-License-Identifier: Apache-2.0
"""What a verdict promises, as `rulebook/compare/whole.py` says it, checked on what two rulebooks decide."""

from __future__ import annotations

from decimal import Decimal

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
    called: set[str] = set()
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
        found = "" if not was.is_valid else _milder(was, now) or ("" if pool in called else _milder_call(was, now))
        if was.due or now.due:
            called.add(pool)
        if found:
            return f"{pool} after command {number}: {found}: {was} and {now}"
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
    if equity_now > equity + scale or initial_now < initial - scale or maintenance_now < maintenance - scale:
        return "more equity or less margin"
    for name, (by_unmet, since_ns) in was.active.items():
        if not by_unmet and (name not in now.active or now.active[name][1] > since_ns):
            return f"not in {name}, or later"
    return "" if set(was.breached) <= set(now.breached) else "fewer thresholds"


def _milder_call(was: Look, now: Look) -> str:
    """Compare the first call of a pool where both call for the first time now, or the old one alone does."""
    if was.due and not now.due:
        return "no call"
    if was.due and (now.demanded < was.demanded - Decimal("0.01") or max(now.due) > max(was.due)):
        return "a smaller or later call"
    return ""
