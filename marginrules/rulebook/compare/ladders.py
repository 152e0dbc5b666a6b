# SPDX-License-Identifier: Apache-2.0
"""
How two ladders differ, step by step, each over the margin ratios and times at which it shows.

A step that is entered below a ratio once that has lasted is a rectangle of ratio and time: two of them differ in at
most two rectangles. What the steps of a ladder do to one another, and when a direction can be told at all, is said in
`is_orderly`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from marginrules import units
from marginrules.rulebook.compare.calls import compare_calls
from marginrules.rulebook.compare.deadlines import is_never_later
from marginrules.rulebook.compare.records import BREACH, RATIO, Change, Direction, Span, change_of, exact, ratio_words
from marginrules.terms import CallTerms, Ladder, LiquidationTerms, Step

_RESTORED = {"maintenance_margin": 0, "initial_margin": 1}


def compare_ladders(before: Ladder, after: Ladder, from_ns: int, is_level: bool) -> tuple[Change, ...]:
    """
    Return every difference; alike ladders, whatever their names, have none.

    Args:
        from_ns: the first moment at which a call can be made.
        is_level: initial margin is nowhere below maintenance margin.
    """
    changes = tuple(_changes(before, after, from_ns, is_level))
    if not (is_orderly(before, from_ns) and is_orderly(after, from_ns)):
        changes = tuple(replace(one, direction="changed") for one in changes)
    return tuple(replace(one, ladder=after.name) for one in changes)


def _changes(before: Ladder, after: Ladder, from_ns: int, is_level: bool) -> Iterator[Change]:
    old = {one.name: one for one in before.steps}
    new = {one.name: one for one in after.steps}
    common = [name for name in old if name in new]
    order = [name for name in new if name in old]
    if common != order:
        yield Change("changed", "order of steps", ", ".join(common), ", ".join(order))
    for name in [*old, *(name for name in new if name not in old)]:
        was, now = old.get(name), new.get(name)
        if was is not None and now is not None:
            found = _compare_steps(was, now, before, after, from_ns, is_level)
        elif now is not None:
            found = iter([_added(now, after)])
        elif was is not None:
            found = iter([_added(was, before).reversed()])
        else:
            raise AssertionError("a step of neither ladder")
        lines = was.line if was else 0, now.line if now else 0
        yield from (replace(one, step=name, before_line=lines[0], after_line=lines[1]) for one in found)


def is_orderly(ladder: Ladder, from_ns: int) -> bool:
    """
    Say whether being further down a ladder never makes a demand smaller or later.

    A step further down demands first, and milder ones only what they ask for beyond it. So it has to ask for at least
    as much, in multiples of the same or a coarser amount, at least as early.
    """
    calls = [one.call for one in ladder.steps if one.call is not None]
    return all(_asks_no_less(milder, severe, from_ns) for milder, severe in pairwise(calls))


def _asks_no_less(milder: CallTerms, severe: CallTerms, from_ns: int) -> bool:
    if severe.round_to % milder.round_to or not is_never_later(severe.deadline, milder.deadline, from_ns):
        return False
    if "ratio" in (milder.restore, severe.restore):
        return (milder.restore, severe.restore) == ("ratio", "ratio") and milder.ratio <= severe.ratio
    return _RESTORED[milder.restore] <= _RESTORED[severe.restore]


def _added(step: Step, ladder: Ladder) -> Change:
    """Say that a step is new; one that only tells people about it is no stricter."""
    acts = step.restrict or step.call or step.liquidate
    spans = () if step.below is None else _entry_spans(step)
    direction: Direction = "stricter" if acts and not step.waterfall else "changed"
    return Change(direction, "step", "", _step_words(step, ladder), spans=spans)


def _step_words(step: Step, ladder: Ladder) -> str:
    ways = [] if step.below is None else [f"below {_ratio(step.below)}"]
    ways += [f"after {ladder.steps[one].name} unmet" for one in step.after]
    acts = [f"restrict {step.restrict.word}"] if step.restrict else []
    acts += ["call"] if step.call else []
    acts += [f"liquidate {_liquidation_words(step.liquidate)}"] if step.liquidate else []
    acts += ["waterfall"] if step.waterfall else []
    return ", ".join([" or ".join(ways), *acts])


def _entry_spans(step: Step) -> tuple[Span, ...]:
    ratio = Span(RATIO, None, exact(step.below or 0.0))
    return (ratio, Span(BREACH, step.for_ns)) if step.for_ns else (ratio,)


def _compare_steps(
    was: Step, now: Step, before: Ladder, after: Ladder, from_ns: int, is_level: bool
) -> Iterator[Change]:
    yield from _compare_entries(was, now)
    yield from _compare_ways(was, now, before, after)
    yield from _compare_exits(was, now)
    yield from compare_calls(was.call, now.call, from_ns, is_level)
    if was.restrict != now.restrict:
        direction: Direction = "stricter" if now.restrict > was.restrict else "looser"
        yield Change(direction, "restrict", was.restrict.word, now.restrict.word, spans=_whole(was, now))
    yield from _compare_liquidations(was.liquidate, now.liquidate)
    for term, old, new in (("waterfall", was.waterfall, now.waterfall), ("notify", was.notify, now.notify)):
        if old != new:
            yield Change("changed", term, ", ".join(old), ", ".join(new))


# Entries and exits


def _compare_entries(was: Step, now: Step) -> Iterator[Change]:
    """Yield the rectangles of ratio and time in which only one of two steps is entered by its threshold."""
    old, new = was.below, now.below
    if old is None and new is None:
        return
    if old is None or new is None:
        one = now if old is None else was
        below = f"below {_ratio(one.below or 0.0)}"
        change = Change("stricter", "entry", "", below, spans=_entry_spans(one), after_value=exact(one.below or 0.0))
        yield change if old is None else change.reversed()
        return
    if old != new:
        low, high = sorted((exact(old), exact(new)))
        wait = was.for_ns if old > new else now.for_ns
        spans = (Span(RATIO, low, high), *((Span(BREACH, wait),) if wait else ()))
        direction: Direction = "stricter" if new > old else "looser"
        values = exact(old), exact(new)
        yield change_of(direction, "entry", (_ratio(old), _ratio(new)), spans=spans, values=values)
    if was.for_ns != now.for_ns:
        waits = sorted((was.for_ns, now.for_ns))
        spans = (Span(RATIO, None, exact(min(old, new))), Span(BREACH, *waits))
        direction = "stricter" if now.for_ns < was.for_ns else "looser"
        words = [units.format_duration(one.for_ns) for one in (was, now)]
        yield change_of(direction, "wait", words, spans=spans, values=(was.for_ns, now.for_ns))


def _compare_ways(was: Step, now: Step, before: Ladder, after: Ladder) -> Iterator[Change]:
    """Yield how the steps differ whose unmet call leads here."""
    old = {before.steps[one].name for one in was.after}
    new = {after.steps[one].name for one in now.after}
    if old != new:
        direction: Direction = "stricter" if old < new else "looser" if new < old else "changed"
        words = [", ".join(f"{name} unmet" for name in sorted(names)) for names in (old, new)]
        yield Change(direction, "entry after", words[0], words[1])


def _compare_exits(was: Step, now: Step) -> Iterator[Change]:
    pairs = []
    if was.below is not None and now.below is not None:
        pairs.append(("exit", was.clear, now.clear))
    if was.after and now.after:
        pairs.append(("exit after an unmet call", was.clear_after, now.clear_after))
    for term, old, new in dict.fromkeys(pairs):
        if old != new and (term == "exit" or ("exit", old, new) not in pairs):
            yield _by_ratio(term, old, new)


def _by_ratio(term: str, old: float, new: float) -> Change:
    """Say that something goes on to another ratio: the higher, the stricter."""
    low, high = sorted((exact(old), exact(new)))
    direction: Direction = "stricter" if new > old else "looser"
    spans = (Span(RATIO, low, high),)
    return change_of(direction, term, (_ratio(old), _ratio(new)), spans=spans, values=(exact(old), exact(new)))


def _whole(was: Step, now: Step) -> tuple[Span, ...]:
    """Return where both steps are entered by their threshold."""
    if was.below is None or now.below is None or was.after or now.after:
        return ()
    return (Span(RATIO, None, exact(min(was.below, now.below))),)


# Liquidation


def _compare_liquidations(was: LiquidationTerms | None, now: LiquidationTerms | None) -> Iterator[Change]:
    if was is None or now is None:
        one = was or now
        if one is not None:
            change = Change("stricter", "liquidate", "", _liquidation_words(one))
            yield change if was is None else change.reversed()
        return
    if (was.fraction > 0) != (now.fraction > 0):
        yield Change("changed", "liquidate", _liquidation_words(was), _liquidation_words(now))
        return
    for term, old, new in (("liquidate fraction", was.fraction, now.fraction), ("target", was.target, now.target)):
        if old != new:
            direction: Direction = "stricter" if new > old else "looser"
            values = exact(old), exact(new)
            yield change_of(direction, term, (_ratio(old), _ratio(new)), values=values)
    if was.until != now.until and (was.fraction == 1) == (now.fraction == 1):
        yield _by_ratio("liquidate until", was.until, now.until)
    if was.every_ns != now.every_ns:
        words = [units.format_duration(one.every_ns) for one in (was, now)]
        direction = "stricter" if now.every_ns < was.every_ns else "looser"
        times = was.every_ns, now.every_ns
        yield change_of(direction, "time between rounds", words, values=times)
    if was.first != now.first:
        yield Change("changed", "liquidate first", was.first, now.first)
    if was.cancel_orders_first != now.cancel_orders_first:
        words = ["yes" if one.cancel_orders_first else "no" for one in (was, now)]
        yield change_of("changed", "cancel orders first", words)


def _liquidation_words(one: LiquidationTerms) -> str:
    if one.fraction == 1:
        return "all"
    return f"{_ratio(one.fraction)} a round" if one.fraction else f"to {_ratio(one.target)}"


def _ratio(value: float) -> str:
    return ratio_words(exact(value))
