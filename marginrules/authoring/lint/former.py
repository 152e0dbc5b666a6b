# SPDX-License-Identifier: Apache-2.0
"""What moved far from the former book, or is gone from it: both may be meant, and then the book says so."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from marginrules.authoring.lint.finding import Findings
from marginrules.authoring.lint.ladder_facts import deadline_ns
from marginrules.rulebook.compile import Analysis, Chain
from marginrules.rulebook.diagnostic import Place
from marginrules.rulebook.fields import percent, span
from marginrules.rulebook.schema import LadderPart, Margin, StepPart

_Value = tuple[Decimal | None, Place]


def judge_former(findings: Findings, former: Analysis) -> None:
    """Compare a book with the one before it, for every way in which overrides come together in both."""
    _judge_gone(findings, former)
    analysis = findings.analysis
    for new, old in _pairs(analysis, former):
        parts = analysis.variants[new.ladder].part, former.variants[old.ladder].part
        _judge_ladder(findings, analysis.variants[new.ladder].name, *parts)
        if isinstance(new.margin, Margin) and isinstance(old.margin, Margin):
            _judge_rates(findings, new.product, new.margin, old.margin)
    for name in sorted(analysis.book.collateral.keys() & former.book.collateral.keys()):
        mine, theirs = analysis.book.collateral[name].haircuts, former.book.collateral[name].haircuts
        if [one.to for one in mine] == [one.to for one in theirs]:
            for after, before in zip(mine, theirs, strict=True):
                place = after.places.get("rate", after.place)
                _judge_rate(findings, f"haircut of {name}", before.rate, after.rate, place, name)


def _judge_gone(findings: Findings, former: Analysis) -> None:
    new, old = findings.analysis.book, former.book
    steps = {name: {one.name for one in _steps(findings.analysis, name)} for name in new.ladders}
    gone = [
        ("product", "products", sorted(old.products.keys() - new.products.keys()), "positions in it are refused"),
        (
            "asset",
            "collateral",
            sorted(old.collateral.keys() - new.collateral.keys()),
            "what is held of it counts no more",
        ),
        ("class", "classes", sorted(set(old.classes) - set(new.classes)), "accounts of it are refused"),
    ]
    for what, section, names, effect in gone:
        place = findings.analysis.root.keys.get(section, Place(1, 1))
        if names:
            listed = ", ".join(f"'{name}'" for name in names[:5])
            message = f"the former book has {what} {listed}, and this one has not: {effect}"
            findings.add("MR-L134", place, message, f"keep the {what}, or say in `lint` why it goes", names)
    for name in sorted(new.ladders.keys() & old.ladders.keys()):
        for step in _steps(former, name):
            if step.name not in steps[name] and (step.call or step.liquidate or step.waterfall):
                message = f"ladder '{name}' has lost step '{step.name}', which it has in the former book"
                place = new.places[f"ladders.{name}"]
                hint = "keep the step, or say in `lint` why it goes"
                findings.add("MR-L134", place, message, hint, (name, step.name))


def _steps(analysis: Analysis, ladder: str) -> tuple[StepPart, ...]:
    """Return the steps of a ladder as written."""
    return next(one.part.steps for one in analysis.variants if one.name == ladder and not one.overrides)


def _pairs(analysis: Analysis, former: Analysis) -> Iterator[tuple[Chain, Chain]]:
    """Yield what a profile and product follow now and followed before, each pair once."""
    new, old = _chains(analysis), _chains(former)
    seen = set()
    for key in sorted(new.keys() & old.keys()):
        pair = id(new[key]), id(old[key])
        if pair not in seen:
            seen.add(pair)
            yield new[key], old[key]


def _chains(analysis: Analysis) -> dict[tuple[str, tuple[object, ...]], Chain]:
    """Return the chains by product and by whom their overrides select, which is how two books are compared."""
    found: dict[tuple[str, tuple[object, ...]], Chain] = {}
    for chain in analysis.chains:
        chosen = [analysis.overrides[one] for one in chain.overrides]
        whom = tuple(sorted((one.classes, one.accounts) for one in chosen if one.classes or one.accounts))
        found.setdefault((chain.product, whom), chain)
    return found


def _judge_ladder(findings: Findings, ladder: str, new: LadderPart, old: LadderPart) -> None:
    before = {step.name: step for step in old.steps}
    limit = Decimal(str(findings.limit("MR-L130")))
    for step in new.steps:
        if step.name not in before:
            continue
        theirs = _thresholds(before[step.name])
        for key, (value, place) in _thresholds(step).items():
            was = theirs.get(key, (None, place))[0]
            if value is not None and was is not None and abs(value - was) > limit:
                moved = f"was {percent(was)} and is {percent(value)}"
                message = f"{key} of step '{step.name}' {moved}: by more than {percent(limit)}"
                hint = "check it, or say in `lint` why it moves"
                findings.add("MR-L130", place, message, hint, (ladder, step.name))
        _judge_times(findings, ladder, step, before[step.name])


def _thresholds(step: StepPart) -> dict[str, _Value]:
    """Return the ratios of a step with where each stands."""
    found: dict[str, _Value] = {
        "below": (step.below, step.places.get("below", step.place)),
        "clear": (step.clear if step.clear is not None else step.below, step.places.get("clear", step.place)),
    }
    if "clear" not in step.places:
        del found["clear"]
    if step.liquidate is not None:
        for key, value in (("until", step.liquidate.until), ("target", step.liquidate.target)):
            found[key] = (value or None, step.liquidate.places.get(key, step.place))
    if step.call is not None and step.call.restore == "ratio":
        found["restore"] = (step.call.ratio, step.places["call"])
    return found


def _judge_times(findings: Findings, ladder: str, step: StepPart, before: StepPart) -> None:
    """Report a deadline that is more than twice or less than half of what it was."""
    new, old = deadline_ns(step), deadline_ns(before)
    if new and old and not old <= 2 * new <= 4 * old:
        message = f"deadline of step '{step.name}' was {span(old)} and is {span(new)}"
        hint = "check it, or say in `lint` why it moves"
        findings.add("MR-L130", step.places["deadline"], message, hint, (ladder, step.name))


def _judge_rates(findings: Findings, product: str, new: Margin, old: Margin) -> None:
    if [one.to for one in new.tiers] != [one.to for one in old.tiers]:
        return  # which tier became which is a matter of opinion
    for after, before in zip(new.tiers, old.tiers, strict=True):
        for key, now, was in (
            ("initial", after.initial, before.initial),
            ("maintenance", after.maintenance, before.maintenance),
        ):
            place = new.place if after.place != before.place and key not in after.places else after.places[key]
            _judge_rate(findings, f"{key} of product '{product}'", was, now, place, product)


def _judge_rate(findings: Findings, what: str, was: Decimal, now: Decimal, place: Place, name: str) -> None:
    """Report a rate that moved by more than the limit, relative to what it was."""
    limit = Decimal(str(findings.limit("MR-L130")))
    if was != now and (not was or abs(now - was) > limit * was):
        change = f"by {percent(round(abs(now - was) / was, 2))}" if was else "from nothing"
        message = f"{what} was {percent(was)} and is {percent(now)}: {change}, more than {percent(limit)}"
        findings.add("MR-L130", place, message, "check it, or say in `lint` why it moves", (name,))
