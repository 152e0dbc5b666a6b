# SPDX-License-Identifier: Apache-2.0
"""What the keys of a rulebook mean together: order, references, an entry for every step and an end for every call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import combinations, pairwise

from marginrules import units
from marginrules.limits import RULEBOOK_CALENDARS_MAX, RULEBOOK_OVERRIDES_MAX
from marginrules.rulebook import calendar
from marginrules.rulebook.collateral import Haircut, check_collateral, falls
from marginrules.rulebook.diagnostic import Place, Sink, StopReading, suggest
from marginrules.rulebook.fields import grouped, percent, shorten, span
from marginrules.rulebook.pools import check_pools
from marginrules.rulebook.schema import Book, LadderPart, Margin, Override, StepPart, Tier
from marginrules.rulebook.tables import TableTier
from marginrules.rulebook.vocabulary.ladders import DEADLINE


def check_book(sink: Sink, book: Book) -> None:
    """Check everything but the ladders, which are checked as they are compiled, overrides merged in."""
    for asset in book.collateral.values():
        _check_rising(sink, asset.haircuts, "haircut tier")
    check_collateral(sink, book.collateral, book.currency, book.effective_ns)
    if book.currency and book.collateral and book.currency not in book.collateral:
        hint = f"add `{book.currency}: {{haircut: 0%}}`"
        sink.add("MR-R309", book.places["currency"], f"currency {book.currency} is missing from collateral", hint)
    for product in book.products.values():
        if isinstance(product.margin, Margin):
            check_tiers(sink, product.margin.tiers)
        if product.ladder and "ladders" not in book.unread and product.ladder not in book.ladder_names:
            _unknown(sink, product.ladder_place, "ladder", product.ladder, book.ladder_names)
    if book.ladder and "ladders" not in book.unread and book.ladder not in book.ladder_names:
        _unknown(sink, book.places["ladder"], "ladder", book.ladder, book.ladder_names)
    if not book.ladder and "ladder" not in book.unread and len(book.ladder_names) > 1:
        hint = "pools that mix products of several ladders follow it; name the strictest"
        sink.add("MR-R302", book.places["ladders"], "a rulebook with several ladders lacks the key 'ladder'", hint)
    for table in book.sections.tables.values():
        _check_rising(sink, table, "tier")
    _check_calendars(sink, book)
    _check_overrides(sink, book)
    products = None if "products" in book.unread else tuple(book.products)
    check_pools(sink, book.pools, products, None if "classes" in book.unread else book.classes)


def check_tiers(sink: Sink, tiers: tuple[Tier, ...]) -> None:
    """
    Check that tiers rise to an open end, and that rates neither fall with size nor put IM below MM.

    The core takes the greatest of the tier lines, which is the tier's own line only where rates do not fall.
    """
    _check_rising(sink, tiers, "tier")
    for tier in tiers:
        if tier.is_sound and tier.initial < tier.maintenance:
            was = f"initial was {percent(tier.initial)}, under maintenance {percent(tier.maintenance)}"
            sink.add("MR-R313", tier.places["initial"], was, "initial margin is at least maintenance margin")
    for small, large in pairwise(tiers):
        if not (small.is_sound and large.is_sound):
            continue
        if large.initial < small.initial:
            falls(sink, large.places["initial"], "initial", small.initial, large.initial)
        if large.maintenance < small.maintenance:
            falls(sink, large.places["maintenance"], "maintenance", small.maintenance, large.maintenance)


def _check_rising(sink: Sink, tiers: Iterable[Tier | Haircut | TableTier], what: str) -> None:
    listed = tuple(tiers)
    last = Decimal(0)
    for index, tier in enumerate(listed):
        is_last = index == len(listed) - 1
        if not tier.is_sound:
            continue
        if tier.to is None and not is_last:
            message = f"a {what} without `to` covers the rest and was not the last"
            sink.add("MR-R311", tier.place, message, "give it `to`, or move it to the end")
        elif tier.to is not None and is_last:
            hint = "leave out `to`: the last one covers every larger size"
            sink.add("MR-R311", tier.places["to"], f"the last {what} ends at {grouped(tier.to)}", hint)
        elif tier.to is not None:
            if tier.to <= last:
                message = f"`to` was {grouped(tier.to)}, not above {grouped(last)}"
                sink.add("MR-R311", tier.places["to"], message, f"each {what} ends above the one before")
            last = max(last, tier.to)


def _unknown(sink: Sink, place: Place, what: str, name: str, known: Iterable[str]) -> None:
    sink.add("MR-R309", place, f"no {what} is named '{name}'", suggest(name, known))


def _check_calendars(sink: Sink, book: Book) -> None:
    if len(book.calendars) > RULEBOOK_CALENDARS_MAX:
        message = f"{len(book.calendars)} calendars; at most {RULEBOOK_CALENDARS_MAX} are read"
        sink.add("MR-R107", book.places["calendars"], message)
        return
    for one in book.calendars.values():
        found = calendar.business_days(one.exchange, first_year(book))
        if isinstance(found, str):
            sink.add("MR-R325", one.place, f"no calendar of exchange '{one.exchange}' can be used", found)


def first_year(book: Book) -> int:
    """Return the year in which a rulebook's calendars begin."""
    return int(units.format_time(book.effective_ns)[:4])


def specificity(override: Override) -> int:
    """Return how narrowly an override selects: account over class over product."""
    return 4 * bool(override.accounts) + 2 * bool(override.classes) + bool(override.products)


def _check_overrides(sink: Sink, book: Book) -> None:
    if len(book.overrides) > RULEBOOK_OVERRIDES_MAX:
        message = f"{len(book.overrides):,} overrides; at most {RULEBOOK_OVERRIDES_MAX:,} are read"
        sink.add("MR-R107", book.places["overrides"], message, "let one override name several accounts")
        raise StopReading
    for one in book.overrides:
        for name in one.products:
            if "products" not in book.unread and name not in book.products:
                _unknown(sink, one.places[f"product.{name}"], "product", name, book.products)
        for name in one.classes:
            if "classes" not in book.unread and name not in book.classes:
                _unknown(sink, one.places[f"class.{name}"], "class", name, book.classes)
        if one.margin:
            check_tiers(sink, one.margin.tiers)
    for first, second in _meeting(book.overrides):
        what = _shared_change(first, second)
        if what:
            message = f"{what} is also overridden on line {first.place.line}, as narrowly"
            sink.add("MR-R320", second.place, message, "merge the two, or make one of them narrower")


def _meeting(overrides: tuple[Override, ...]) -> Iterator[tuple[Override, Override]]:
    """Yield each pair of overrides that select as narrowly as each other and can select the same thing."""
    peers: dict[int, list[tuple[Override, tuple[frozenset[str], ...]]]] = {}
    for one in overrides:
        names = tuple(frozenset(names) for names in (one.products, one.classes, one.accounts) if names)
        peers.setdefault(specificity(one), []).append((one, names))
    for group in peers.values():
        for (first, theirs), (second, mine) in combinations(group, 2):
            if not any(one.isdisjoint(other) for one, other in zip(theirs, mine, strict=True)):
                yield first, second


def _shared_change(first: Override, second: Override) -> str:
    if first.margin and second.margin:
        return "margin"
    for name in sorted(first.steps.keys() & second.steps.keys()):
        for key in sorted(first.steps[name].entries.keys() & second.steps[name].entries.keys()):
            return f"`{key}` of step '{name}'"
    return ""


# Ladders


def check_ladder(sink: Sink, book: Book, ladder: LadderPart) -> None:
    """Check one ladder: names, falling thresholds, exits outside entries, ways into each step, an end for each call."""
    is_known = "calendars" in book.unread or f"calendars.{ladder.calendar}" in book.places
    if ladder.calendar and not is_known:
        _unknown(sink, ladder.calendar_place, "calendar", ladder.calendar, book.calendars)
    entered: StepPart | None = None
    seen: dict[str, StepPart] = {}
    later = {step.name for step in ladder.steps}
    for step in ladder.steps:
        if not step.is_readable:
            continue
        if step.name and step.name in seen:
            message = f"step '{step.name}' was given twice; the first is on line {seen[step.name].place.line}"
            sink.add("MR-R204", step.places["step"], message, "give one of them another name")
        _check_entry(sink, step, seen, later)
        if step.below is not None:
            if entered is not None:
                _check_against(sink, entered, step, ladder)
            entered = step
        _check_exit(sink, step, ladder)
        _check_deadline(sink, step, ladder)
        _check_liquidation(sink, step)
        seen[step.name] = step
    _check_calls_end(sink, ladder.steps)


def _check_entry(sink: Sink, step: StepPart, seen: dict[str, StepPart], later: set[str]) -> None:
    if not step.places.keys() & {"below", "after", "or_after"}:
        hint = "give `below: <ratio>`, or `after: <step> unmet`"
        sink.add("MR-R316", step.places.get("step", step.place), f"nothing enters step '{step.name}'", hint)
    for key, name in (("after", step.after), ("or_after", step.or_after)):
        if not name:
            continue
        place = step.places[key]
        if name in seen:
            if "call" not in seen[name].places:
                sink.add(
                    "MR-R318", place, f"step '{name}' makes no call that could go unmet", "name a step with `call`"
                )
        elif name == step.name:
            sink.add("MR-R318", place, f"step '{name}' cannot follow itself", "name a step before this one")
        elif name in later:
            sink.add("MR-R318", place, f"step '{name}' comes after this one", "a step follows a call made before it")
        elif "" not in later:
            _unknown(sink, place, "step before this one", shorten(name), seen)
    if "for" in step.places and "below" not in step.places:
        message = "`for` counts from a threshold, and this step has no `below`"
        sink.add("MR-R316", step.places["for"], message, "delete it")


def _check_against(sink: Sink, milder: StepPart, step: StepPart, ladder: LadderPart) -> None:
    if milder.below is None or step.below is None:
        return
    if step.below >= milder.below:
        if ladder.has_changed(milder, "below") and not ladder.has_changed(step, "below"):
            # The override lowered a milder step under this one: that is where the fault is.
            place, was = milder.places["below"], f"{percent(milder.below)}, not above {percent(step.below)}"
            was += f" of '{step.name}'"
        else:
            place, was = step.places["below"], f"{percent(step.below)}, not under {percent(milder.below)}"
            was += f" of '{milder.name}'"
        sink.add("MR-R314", place, f"below was {was}", "steps stand mildest first; each threshold is lower")
    key = "clear" if milder.clear is not None else "below"
    outer = milder.clear if milder.clear is not None else milder.below
    if step.clear is not None and step.clear > outer:
        hint = "a severe step clears no later than a milder one"
        if ladder.has_changed(milder, key) and not ladder.has_changed(step, "clear"):
            message = f"{key} was {percent(outer)}, under clear {percent(step.clear)} of '{step.name}'"
            sink.add("MR-R315", milder.places[key], message, hint)
        else:
            message = f"clear was {percent(step.clear)}, above {percent(outer)} at which '{milder.name}' clears"
            sink.add("MR-R315", step.places["clear"], message, hint)


def _check_exit(sink: Sink, step: StepPart, ladder: LadderPart) -> None:
    if step.below is None or step.clear is None or step.clear >= step.below:
        return
    if ladder.has_changed(step, "below") and not ladder.has_changed(step, "clear"):
        place, message = step.places["below"], f"below was {percent(step.below)}, above clear {percent(step.clear)}"
    else:
        place, message = step.places["clear"], f"clear was {percent(step.clear)}, inside below {percent(step.below)}"
    sink.add("MR-R315", place, message, "a step clears at its entry or above")


def _check_deadline(sink: Sink, step: StepPart, ladder: LadderPart) -> None:
    place = step.places.get("deadline", step.place)
    if "call" not in step.places:
        if step.deadline:
            sink.add("MR-R317", place, "a deadline belongs to a call, and this step makes none", "give `call`")
        return
    if not step.deadline:
        if "deadline" not in step.places:
            sink.add("MR-R317", step.places["call"], "the call has no deadline", "give `deadline: 4h`")
        return
    if calendar.parse_business_deadline(step.deadline):
        if not ladder.has_calendar:
            sink.add("MR-R325", place, "business days need a calendar", "give the ladder `calendar: <name>`")
        return
    duration = units.parse_duration_ns(step.deadline)
    if duration is None:
        hint = "write 4h, `17:00 next business day` or `17:00 in 3 business days`"
        sink.add("MR-R324", place, f"'{shorten(step.deadline)}' is not a deadline", hint)
    elif duration not in DEADLINE:
        message = f"deadline was {units.format_duration(duration)}"
        sink.add("MR-R308", place, message, DEADLINE.words(span))


def _check_liquidation(sink: Sink, step: StepPart) -> None:
    terms = step.liquidate
    if terms is None or step.below is None:
        return
    for what, ratio in (("until", terms.until), ("target", terms.target)):
        if ratio and ratio < step.below:
            message = f"{what} was {percent(ratio)}, under the step's own below {percent(step.below)}"
            sink.add("MR-R315", terms.places[what], message, "liquidation stops at the entry or above")


def _check_calls_end(sink: Sink, steps: tuple[StepPart, ...]) -> None:
    followed = {name for step in steps for name in (step.after, step.or_after) if name}
    if any(_is_unread(step) for step in steps) or not followed <= {step.name for step in steps}:
        return  # reported already, and that may be the step that follows
    for step in steps:
        if step.call is not None and step.name not in followed:
            hint = f"give a later step `after: {step.name} unmet` or `or_after: {step.name} unmet`"
            sink.add("MR-R317", step.places["call"], f"nothing follows when the call of '{step.name}' goes unmet", hint)


def _is_unread(step: StepPart) -> bool:
    """Say whether a step, its name or what it follows was given and could not be read."""
    follows = ("after" in step.places and not step.after) or ("or_after" in step.places and not step.or_after)
    return not step.is_readable or follows or not step.name
