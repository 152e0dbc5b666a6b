# SPDX-License-Identifier: Apache-2.0
"""
Which instruments become another product, or none, when products come, go or match something else.

An instrument is the product that matches it with the most conditions; two that match with equally many refuse it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from marginrules.rulebook.compare.records import Change, Direction
from marginrules.rulebook.compile import CompiledProduct, Program
from marginrules.rulebook.schema import Match

_LISTS = ("kinds", "underlyings", "settlements", "symbols", "rights")
_WORDS = {"kinds": "kind", "underlyings": "underlying", "settlements": "settlement", "symbols": "symbol"}
_WORDS["rights"] = "right"
_WILD = ("*", "?", "[")


def compare_matches(before: Program, after: Program) -> Iterator[Change]:
    """Yield each product that is new, is gone, or matches something else."""
    old = {one.name: one for one in before.products}
    new = {one.name: one for one in after.products}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        others = [one.match for one in (*before.products, *after.products) if one.name != name]
        if was is not None and now is not None:
            if _meaning(was.match) != _meaning(now.match):
                yield _change("match", _moved(was.match, now.match, others), was, now)
        elif now is not None:
            yield _change("product", "looser" if _takes_nothing(now.match, others) else "changed", None, now)
        elif was is not None:
            yield _change("product", "stricter" if _takes_nothing(was.match, others) else "changed", was, None)


def _change(term: str, direction: Direction, was: CompiledProduct | None, now: CompiledProduct | None) -> Change:
    one = now or was
    return Change(
        direction,
        term,
        _words(was.match) if was else "",
        _words(now.match) if now else "",
        products=(one.name,) if one else (),
        before_line=was.line if was else 0,
        after_line=now.line if now else 0,
    )


def _moved(was: Match, now: Match, others: list[Match]) -> Direction:
    """Return "looser" where instruments that were none become the product, "stricter" where some become none."""
    if _width(was) != _width(now) or not (_takes_nothing(was, others) and _takes_nothing(now, others)):
        return "changed"
    if _covers(now, was):
        return "looser"
    return "stricter" if _covers(was, now) else "changed"


def _takes_nothing(match: Match, others: list[Match]) -> bool:
    """Say whether no instrument of another product is touched: none is in both, or the other one is narrower."""
    return all(_width(other) > _width(match) or _is_disjoint(match, other) for other in others)


def _width(match: Match) -> int:
    return sum(bool(getattr(match, name)) for name in _LISTS) + (match.inverse is not None)


def _covers(wide: Match, narrow: Match) -> bool:
    """Say whether everything that `narrow` matches is matched by `wide` too; both have as many conditions."""
    if wide.inverse != narrow.inverse:
        return False
    return all(
        bool(getattr(wide, name)) == bool(getattr(narrow, name))
        and set(getattr(wide, name)) >= set(getattr(narrow, name))
        for name in _LISTS
    )


def _is_disjoint(one: Match, other: Match) -> bool:
    """Say whether it is certain that no instrument is matched by both."""
    if one.inverse is not None and other.inverse is not None and one.inverse != other.inverse:
        return True
    for name in _LISTS:
        first, second = getattr(one, name), getattr(other, name)
        if first and second and not any(_may_meet(a, b, is_pattern=name == "symbols") for a in first for b in second):
            return True
    return False


def _may_meet(one: str, other: str, *, is_pattern: bool) -> bool:
    """Say whether one text can be meant by both; two patterns are told apart by how they begin."""
    if not is_pattern:
        return one == other
    wild = [any(sign in text for sign in _WILD) for text in (one, other)]
    if not wild[0]:
        return fnmatch.fnmatchcase(one, other)
    if not wild[1]:
        return fnmatch.fnmatchcase(other, one)
    first, second = (_beginning(text) for text in (one, other))
    return first.startswith(second) or second.startswith(first)


def _beginning(pattern: str) -> str:
    return pattern[: min(pattern.find(sign) for sign in _WILD if sign in pattern)]


def _meaning(match: Match) -> tuple[object, ...]:
    return (*(frozenset(getattr(match, name)) for name in _LISTS), match.inverse)


def _words(match: Match) -> str:
    parts = [f"{_WORDS[name]} {', '.join(sorted(getattr(match, name)))}" for name in _LISTS if getattr(match, name)]
    return "; ".join(parts + ([] if match.inverse is None else ["inverse" if match.inverse else "not inverse"]))
