# SPDX-License-Identifier: Apache-2.0
"""Names that nothing uses: a ladder, a calendar, classes, a table, a constant, a parameter, a definition."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from marginrules.authoring.lint.finding import Findings
from marginrules.rulebook.calendar import parse_business_deadline
from marginrules.rulebook.diagnostic import Place
from marginrules.rulebook.parse import Mapping, Scalar
from marginrules.rulebook.portfolios import Formulas

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def judge_names(findings: Findings) -> None:
    """Report each name that nothing uses."""
    book, variants = findings.analysis.book, findings.analysis.variants
    followed = {variants[chain.ladder].name for chain in findings.analysis.chains}
    for name in book.ladders:
        if name not in followed:
            hint = f"give a product `ladder: {name}`, or delete it"
            findings.add("MR-L116", book.places[f"ladders.{name}"], f"no pool follows ladder '{name}'", hint, (name,))
    named = {one.part.calendar for one in variants}
    for name in book.calendars:
        if name not in named:
            place = _key(findings, "calendars", name)
            findings.add("MR-L116", place, f"no ladder counts the days of calendar '{name}'", "delete it", (name,))
    for one in variants:
        if one.part.calendar and not one.overrides and not _counts_days(findings, one.name):
            message = f"ladder '{one.name}' has a calendar, and no deadline that counts business days"
            findings.add("MR-L116", one.part.calendar_place, message, "delete it", (one.name,))
    told = {name for one in book.overrides for name in one.classes} | {
        n for p in book.pools.values() for n in p.classes
    }
    if len(book.classes) > 1 and not told:
        message = f"nothing tells the {len(book.classes)} classes apart: no override and no pool names one"
        findings.add(
            "MR-L116", book.places["classes"], message, "let an override name one, or delete the key", ("classes",)
        )
    _judge_formulas(findings)
    _judge_defaults(findings)


def _judge_defaults(findings: Findings) -> None:
    """Report keys that say what holds without them."""
    analysis = findings.analysis
    for name, asset in analysis.book.collateral.items():
        for key, value in (("concentration", asset.concentration), ("liability", asset.liability)):
            if key in asset.places and value == 1:
                message = f"{key} of {name} is 100%, as it is without the key"
                findings.add("MR-L117", asset.places[key], message, "delete it, or write what was meant", (name,))
    for one in analysis.variants:
        for step in one.part.steps if not one.overrides else ():
            if "for" in step.places and not step.for_ns:
                message = f"step '{step.name}' waits for 0s, as it does without the key"
                hint = "delete it, or write what was meant"
                findings.add("MR-L117", step.places["for"], message, hint, (one.name, step.name))


def _counts_days(findings: Findings, ladder: str) -> bool:
    """Say whether any way to follow a ladder has a deadline in business days."""
    parts = [one.part for one in findings.analysis.variants if one.name == ladder]
    return any(parse_business_deadline(step.deadline) for part in parts for step in part.steps if step.deadline)


def _key(findings: Findings, section: str, name: str) -> Place:
    node = findings.analysis.root.entries[section]
    return node.keys[name] if isinstance(node, Mapping) else node.place


def _judge_formulas(findings: Findings) -> None:
    sections = findings.analysis.book.sections
    read = _words(_written(findings))
    for section, names in (
        ("constants", sections.constants),
        ("parameters", sections.parameters),
        ("tables", sections.tables),
        ("strategies", sections.strategies),
    ):
        for name in names:
            if name not in read:
                message = f"no formula uses '{name}' of {section}"
                findings.add("MR-L116", _key(findings, section, name), message, "delete it, or use it", (name,))
    for owner, formulas, others in _definitions(findings):
        used = _words([*formulas.define.values(), formulas.initial, formulas.maintenance, *others])
        for name, place in formulas.keys.items():
            if name not in used:
                message = f"no formula uses definition '{name}'"
                findings.add("MR-L116", place, message, "delete it, or use it", (owner, name))


def _definitions(findings: Findings) -> Iterator[tuple[str, Formulas, list[Scalar]]]:
    """Yield what has definitions, with the formulas beyond its own that may use them."""
    book = findings.analysis.book
    for name, product in book.products.items():
        if isinstance(product.margin, Formulas):
            yield name, product.margin, []
    for name, portfolio in book.sections.portfolios.items():
        figures = [one for one in book.sections.figures.values() if one.portfolio == name]
        yield name, portfolio.formulas, [text for one in figures for text in (one.value, *one.define.values())]
    if book.sections.pool is not None:
        yield "pool", book.sections.pool, []
    for name, figure in book.sections.figures.items():
        nothing = Scalar("0", figure.place)
        yield name, Formulas(figure.define, figure.value, nothing, keys=figure.keys), []


def _written(findings: Findings) -> Iterator[Scalar]:
    """Yield every formula of the book."""
    book = findings.analysis.book
    for _, formulas, _ in _definitions(findings):
        yield from (*formulas.define.values(), formulas.initial, formulas.maintenance)
    for strategies in book.sections.strategies.values():
        for one in strategies.strategies:
            yield from (one.initial, one.maintenance, *([one.where] if one.where else []))


def _words(formulas: Iterable[Scalar]) -> set[str]:
    return {word for one in formulas for word in _WORD.findall(one.text)}
