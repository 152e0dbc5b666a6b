# SPDX-License-Identifier: Apache-2.0
"""Tiers and tables: such as could be one, rates that fall, jumps, and margin that is nothing or has no buffer."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from marginrules.authoring.lint.finding import Findings
from marginrules.rulebook.diagnostic import Place
from marginrules.rulebook.fields import grouped, percent, span
from marginrules.rulebook.schema import Margin, Tier

_INTEREST_RISE = Decimal("0.1")


def judge_tiers(findings: Findings) -> None:
    """Judge the tiers of products and overrides, of haircuts and of tables."""
    for name, tiers in _margins(findings):
        _judge_margin(findings, name, tiers)
    book = findings.analysis.book
    for name, product in book.products.items():
        if isinstance(product.margin, Margin) and product.margin.open_interest:
            _judge_interest(findings, name, product.margin)
    for name, asset in book.collateral.items():
        for small, large in pairwise(asset.haircuts):
            if small.rate == large.rate:
                _mergeable(findings, large.place, f"haircut {percent(large.rate)}", name)
        for short, long in pairwise(asset.tenors):
            if short.rate == long.rate:
                edge = "" if short.to_ns is None else f" up to {span(short.to_ns)}"
                _mergeable(findings, long.place, f"tenor rate {percent(long.rate)}{edge}", name)
    _judge_tables(findings)


def _judge_tables(findings: Findings) -> None:
    """Judge the tables that formulas read: the requirement grows by their rate."""
    for name, table in findings.analysis.book.sections.tables.items():
        for small_tier, large_tier in pairwise(table):
            if small_tier.rate == large_tier.rate:
                _mergeable(findings, large_tier.place, f"rate {percent(large_tier.rate)}", name)
            elif large_tier.rate < small_tier.rate:
                message = f"rate of table '{name}' falls from {percent(small_tier.rate)} to {percent(large_tier.rate)}"
                hint = "a larger size needs no smaller rate; raise it"
                findings.add("MR-L112", large_tier.places["rate"], f"{message} as size grows", hint, (name,))
            else:
                _judge_jump(findings, large_tier.places["rate"], "rate", small_tier.rate, large_tier.rate, name)


def _margins(findings: Findings) -> Iterator[tuple[str, tuple[Tier, ...]]]:
    """Yield the tiers that stand in the book, with the product they are for or the first that an override names."""
    for name, product in findings.analysis.book.products.items():
        if isinstance(product.margin, Margin):
            yield name, product.margin.tiers
    for one in findings.analysis.overrides:
        if one.margin and one.margin.tiers:
            yield next(iter(one.products), ""), one.margin.tiers


def _mergeable(findings: Findings, place: Place, what: str, name: str) -> None:
    message = f"{what} is that of the tier before: the two are one"
    findings.add("MR-L111", place, message, "delete the tier before, or correct one of them", (name,))


def _judge_margin(findings: Findings, name: str, tiers: tuple[Tier, ...]) -> None:
    for tier in tiers:
        for key, rate in (("maintenance", tier.maintenance), ("initial", tier.initial)):
            if not rate:
                message = f"{key} was 0%: nothing is required in this tier, so that no step comes before equity is gone"
                findings.add("MR-L119", tier.places[key], message, "give a rate above 0%", (name,))
                break
        if tier.initial == tier.maintenance and tier.initial:
            message = (
                f"initial was {percent(tier.initial)}, as maintenance: an order may fill an account up to its call"
            )
            findings.add("MR-L118", tier.places["initial"], message, "raise initial above maintenance", (name,))
    for small, large in pairwise(tiers):
        if (small.initial, small.maintenance) == (large.initial, large.maintenance):
            what = f"initial {percent(large.initial)} and maintenance {percent(large.maintenance)}"
            _mergeable(findings, large.place, what.replace(" and ", ", "), name)
        for key, before, after in (
            ("initial", small.initial, large.initial),
            ("maintenance", small.maintenance, large.maintenance),
        ):
            _judge_jump(findings, large.places[key], key, before, after, name)


def _judge_jump(findings: Findings, place: Place, what: str, before: Decimal, after: Decimal, name: str) -> None:
    """Report a rate that grows more than so many times from one tier to the next."""
    limit = findings.limit("MR-L113")
    if before > 0 and float(after / before) > limit:
        message = f"{what} rises from {percent(before)} to {percent(after)} at an edge, more than {limit:g} times"
        findings.add("MR-L113", place, message, "put tiers between, or correct a slip of the decimal point", (name,))


def _judge_interest(findings: Findings, name: str, margin: Margin) -> None:
    """Report initial margin that rises to all of the notional within a small change of open interest."""
    lower, upper = margin.open_interest or (Decimal(0), Decimal(0))
    if not lower or upper - lower >= _INTEREST_RISE * lower:
        return
    products = findings.analysis.root.entries["products"]
    place = margin.place
    node = getattr(getattr(products, "entries", {}).get(name), "entries", {}).get("margin")
    place = getattr(node, "keys", {}).get("open_interest", place)
    message = (
        f"initial margin rises to 100% between {grouped(lower)} and {grouped(upper)} of open interest, "
        f"within less than {percent(_INTEREST_RISE)}"
    )
    findings.add("MR-L113", place, message, "widen the range: else a few new contracts call every holder", (name,))
