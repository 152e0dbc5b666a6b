# SPDX-License-Identifier: Apache-2.0
"""What the keys of a rulebook mean together: order, references, an entry for every step and an end for every call."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import combinations, pairwise

from marginrules import units
from marginrules.rulebook import calendar
from marginrules.rulebook.diagnostic import Place, Sink, suggest
from marginrules.rulebook.schema import Book, Haircut, LadderPart, Override, StepPart, Tier


def check_book(sink: Sink, book: Book) -> None:
    """Check everything but the ladders, which are checked as they are compiled, overrides merged in."""
    for asset in book.collateral.values():
        _check_rising(sink, asset.haircuts, "haircut tier")
        for small, large in pairwise(asset.haircuts):
            if large.rate < small.rate:
                _falls(sink, large.place, "haircut", small.rate, large.rate)
    if book.currency and book.collateral and book.currency not in book.collateral:
        hint = f"add `{book.currency}: {{haircut: 0%}}`"
        sink.add("MR-R309", book.places["currency"], f"currency {book.currency} is missing from collateral", hint)
    for product in book.products.values():
        if product.margin:
            check_tiers(sink, product.margin.tiers)
        if product.ladder and product.ladder not in book.ladders:
            _unknown(sink, product.ladder_place, "ladder", product.ladder, book.ladders)
    if book.ladder and book.ladder not in book.ladders:
        _unknown(sink, book.places["ladder"], "ladder", book.ladder, book.ladders)
    if not book.ladder and len(book.ladders) > 1:
        hint = "pools that mix products of several ladders follow it; name the strictest"
        sink.add("MR-R302", book.places["ladders"], "a rulebook with several ladders lacks the key 'ladder'", hint)
    _check_calendars(sink, book)
    _check_overrides(sink, book)


def check_tiers(sink: Sink, tiers: tuple[Tier, ...]) -> None:
    """
    Check that tiers rise to an open end, and that rates neither fall with size nor put IM below MM.

    The core takes the greatest of the tier lines, which is the tier's own line only where rates do not fall.
    """
    _check_rising(sink, tiers, "tier")
    for tier in tiers:
        if tier.initial < tier.maintenance:
            was = f"initial was {_percent(tier.initial)}, maintenance {_percent(tier.maintenance)}"
            sink.add("MR-R313", tier.place, was, "initial margin is at least maintenance margin")
    for small, large in pairwise(tiers):
        if large.initial < small.initial:
            _falls(sink, large.place, "initial", small.initial, large.initial)
        if large.maintenance < small.maintenance:
            _falls(sink, large.place, "maintenance", small.maintenance, large.maintenance)


def _check_rising(sink: Sink, tiers: tuple[Tier, ...] | tuple[Haircut, ...], what: str) -> None:
    last = Decimal(0)
    for index, tier in enumerate(tiers):
        is_last = index == len(tiers) - 1
        if tier.to is None and not is_last:
            sink.add(
                "MR-R311",
                tier.place,
                f"a {what} without `to` covers the rest and was not the last",
                "move it to the end",
            )
        elif tier.to is not None and is_last:
            hint = "leave out `to`: the last one covers every larger size"
            sink.add("MR-R311", tier.place, f"the last {what} ends at {tier.to:,}", hint)
        elif tier.to is not None:
            if tier.to <= last:
                sink.add(
                    "MR-R311",
                    tier.place,
                    f"`to` was {tier.to:,}, not above {last:,}",
                    f"each {what} ends above the one before",
                )
            last = max(last, tier.to)


def _falls(sink: Sink, place: Place, what: str, before: Decimal, after: Decimal) -> None:
    message = f"{what} falls from {_percent(before)} to {_percent(after)} as size grows"
    sink.add("MR-R312", place, message, "a larger holding never needs a smaller rate")


def _unknown(sink: Sink, place: Place, what: str, name: str, known: Iterable[str]) -> None:
    sink.add("MR-R309", place, f"no {what} is named '{name}'", suggest(name, known))


def _check_calendars(sink: Sink, book: Book) -> None:
    for name, exchange in book.calendars.items():
        found = calendar.business_days(exchange, first_year(book))
        if isinstance(found, str):
            sink.add("MR-R325", book.places[f"calendars.{name}"], f"no exchange calendar is named '{exchange}'", found)


def first_year(book: Book) -> int:
    """Return the year in which a rulebook's calendars begin."""
    return int(units.format_time(book.effective_ns)[:4])


def specificity(override: Override) -> int:
    """Return how narrowly an override selects: account over class over product."""
    return 4 * bool(override.accounts) + 2 * bool(override.classes) + bool(override.products)


def _check_overrides(sink: Sink, book: Book) -> None:
    for one in book.overrides:
        for name in one.products:
            if name not in book.products:
                _unknown(sink, one.places["product"], "product", name, book.products)
        for name in one.classes:
            if name not in book.classes:
                _unknown(sink, one.places["class"], "class", name, book.classes)
        if one.margin:
            check_tiers(sink, one.margin.tiers)
    for first, second in combinations(book.overrides, 2):
        if specificity(first) == specificity(second) and _can_meet(first, second):
            what = _shared_change(first, second)
            if what:
                message = f"{what} is also overridden on line {first.place.line}, as narrowly"
                sink.add("MR-R320", second.place, message, "merge the two, or make one of them narrower")


def _can_meet(first: Override, second: Override) -> bool:
    selectors = ((first.products, second.products), (first.classes, second.classes), (first.accounts, second.accounts))
    return all(not one or not other or set(one) & set(other) for one, other in selectors)


def _shared_change(first: Override, second: Override) -> str:
    if first.margin and second.margin:
        return "margin"
    for name in first.steps.keys() & second.steps.keys():
        for key in sorted(first.steps[name].entries.keys() & second.steps[name].entries.keys()):
            return f"`{key}` of step '{name}'"
    return ""


# Ladders


def check_ladder(sink: Sink, book: Book, ladder: LadderPart) -> None:
    """Check one ladder: names, falling thresholds, exits outside entries, an entry for each step, an end for each call."""
    if ladder.calendar and ladder.calendar not in book.calendars:
        _unknown(sink, ladder.calendar_place, "calendar", ladder.calendar, book.calendars)
    entered: StepPart | None = None
    seen: dict[str, StepPart] = {}
    for step in ladder.steps:
        if step.name in seen:
            sink.add("MR-R204", step.places.get("step", step.place), f"step '{step.name}' was given twice")
        _check_entry(sink, step, seen)
        if step.below is not None:
            if entered is not None:
                _check_against(sink, entered, step)
            entered = step
            if step.clear is not None and step.clear < step.below:
                message = f"clear was {_percent(step.clear)}, inside below {_percent(step.below)}"
                sink.add("MR-R315", step.places["clear"], message, "a step clears at its entry or above")
        _check_deadline(sink, step, ladder.calendar)
        _check_liquidation(sink, step)
        seen[step.name] = step
    _check_calls_end(sink, ladder.steps)


def _check_entry(sink: Sink, step: StepPart, seen: dict[str, StepPart]) -> None:
    if step.below is None and not step.after and "below" not in step.places:
        hint = "give `below: <ratio>`, or `after: <step> unmet`"
        sink.add("MR-R316", step.place, f"step '{step.name}' has nothing that enters it", hint)
    for key, name in (("after", step.after), ("or_after", step.or_after)):
        if not name:
            continue
        place = step.places[key]
        if name not in seen:
            sink.add("MR-R309", place, f"no step before this one is named '{name}'", suggest(name, seen))
        elif seen[name].call is None:
            sink.add("MR-R318", place, f"step '{name}' makes no call that could go unmet")
    if step.for_ns and step.below is None:
        sink.add("MR-R316", step.places["for"], "`for` counts from a threshold, and this step has no `below`")


def _check_against(sink: Sink, milder: StepPart, step: StepPart) -> None:
    if milder.below is None or step.below is None:
        return
    if step.below >= milder.below:
        message = f"below was {_percent(step.below)}, not under {_percent(milder.below)} of '{milder.name}'"
        sink.add("MR-R314", step.places["below"], message, "steps stand mildest first; each threshold is lower")
    milder_clear = milder.clear if milder.clear is not None else milder.below
    if step.clear is not None and step.clear > milder_clear:
        message = f"clear was {_percent(step.clear)}, above {_percent(milder_clear)} of '{milder.name}'"
        sink.add("MR-R315", step.places["clear"], message, "a severe step clears no later than a milder one")


def _check_deadline(sink: Sink, step: StepPart, calendar_name: str) -> None:
    place = step.places.get("deadline", step.place)
    if step.call is None:
        if step.deadline:
            sink.add("MR-R317", place, "a deadline belongs to a call, and this step makes none")
        return
    if not step.deadline:
        sink.add("MR-R317", step.places["call"], "the call has no deadline", "give `deadline: 4h`")
    elif calendar.parse_business_deadline(step.deadline):
        if not calendar_name:
            sink.add("MR-R325", place, "business days need a calendar", "give the ladder `calendar: <name>`")
    elif not units.parse_duration_ns(step.deadline):
        hint = "write 4h, `17:00 next business day` or `17:00 in 3 business days`"
        sink.add("MR-R324", place, f"'{step.deadline}' is not a deadline", hint)


def _check_liquidation(sink: Sink, step: StepPart) -> None:
    terms = step.liquidate
    if terms is None or step.below is None:
        return
    place = step.places["liquidate"]
    for what, ratio in (("until", terms.until), ("target", terms.target)):
        if ratio and ratio < step.below:
            message = f"{what} was {_percent(ratio)}, under the step's own below {_percent(step.below)}"
            sink.add("MR-R315", place, message, "liquidation stops at the entry or above")


def _check_calls_end(sink: Sink, steps: tuple[StepPart, ...]) -> None:
    followed = {name for step in steps for name in (step.after, step.or_after) if name}
    for step in steps:
        if step.call is not None and step.name not in followed:
            hint = f"give a later step `after: {step.name} unmet` or `or_after: {step.name} unmet`"
            sink.add("MR-R317", step.places["call"], f"nothing follows when the call of '{step.name}' goes unmet", hint)


def _percent(value: Decimal) -> str:
    return f"{units.format_number(value * 100)}%"
