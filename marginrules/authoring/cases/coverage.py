# SPDX-License-Identifier: Apache-2.0
"""
What of a rulebook its cases reach: tiers, haircuts, steps by each way in and out, overrides in force, old prices.

A branch is a part of a rulebook that decides something, named by a tuple:

    ("product", name)                       a position in it was assessed; products margined by a formula
    ("tier", product, number)               a notional reached into the tier
    ("haircut", asset, number)              a holding reached into the tier; ("debt", asset) where debts weigh more
    ("step", ladder, step, way)             entered by "threshold" or "unmet", left by "exit", and what it then
                                            did: "call", "liquidate", "waterfall"
    ("override", number, what)              margin in force for a position; a tier of its own; a step entered
    ("stale", product or "")                a pool met a price older than may be used
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from marginrules.authoring.cases.result import CaseResult, Touch
from marginrules.authoring.cases.world import World
from marginrules.codes import EventKind, Reason
from marginrules.errors import RulebookError
from marginrules.escalation.state import Event
from marginrules.rulebook import Program
from marginrules.rulebook.parse import Mapping, parse
from marginrules.rulebook.schema import Book, Margin, Override, read_book
from marginrules.rulebook.source import read_source

_DONE = {
    EventKind.STEP_CLEARED: "exit",
    EventKind.CALL_ISSUED: "call",
    EventKind.CALL_FURTHER: "call",
    EventKind.LIQUIDATION_ORDERED: "liquidate",
    EventKind.DEFAULT_DECLARED: "waterfall",
}
_WAYS = {
    "threshold": "entered by its threshold",
    "unmet": "entered by an unmet call",
    "exit": "left by its exit",
    "call": "calls",
    "liquidate": "liquidates",
    "waterfall": "declares a default",
}


@dataclass(frozen=True, slots=True)
class Branch:
    """Carry one part of a rulebook that decides something, and the line it stands on."""

    touch: Touch
    what: str
    line: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Carry how much of a rulebook was reached."""

    file: str
    total: int
    missed: tuple[Branch, ...]

    @property
    def reached(self) -> int:
        """Return how many branches were reached."""
        return self.total - len(self.missed)

    @property
    def share(self) -> float:
        """Return the part that was reached, 1 for all."""
        return self.reached / self.total if self.total else 1.0


def coverage(program: Program, file: str, results: Iterable[CaseResult]) -> Coverage:
    """Return what of a rulebook the cases reached together; `file` is the book's."""
    touched = frozenset[Touch]().union(*(one.touched for one in results))
    known = branches(program, file)
    return Coverage(file, len(known), tuple(one for one in known if one.touch not in touched))


def branches(program: Program, file: str) -> tuple[Branch, ...]:
    """Return every branch of a rulebook, in the order of the text."""
    book, root = written(program.text, file)
    found = [*_products(book), *_haircuts(book), *_steps(program), *_overrides(book), *_ages(book, root)]
    return tuple(sorted(found, key=lambda one: (one.line, one.touch)))


@functools.lru_cache(64)
def written(text: bytes, file: str) -> tuple[Book, Mapping]:
    """Return a rulebook that compiles as it is written, with the place of everything."""
    content, sink = read_source(text, file)
    root = parse(content, sink)
    if root is None:
        raise RulebookError(sink.ordered())
    return read_book(sink, root), root


def _products(book: Book) -> Iterator[Branch]:
    for name, one in book.products.items():
        if not isinstance(one.margin, Margin):
            yield Branch(("product", name), f"product {name}", one.place.line)
            continue
        for number, tier in enumerate(one.margin.tiers, start=1):
            yield Branch(("tier", name, str(number)), f"{name} tier {number}", tier.place.line)


def _haircuts(book: Book) -> Iterator[Branch]:
    for name, one in book.collateral.items():
        for number, tier in enumerate(one.haircuts, start=1):
            what = f"{name} haircut tier {number}" if len(one.haircuts) > 1 else f"{name} as collateral"
            yield Branch(("haircut", name, str(number)), what, tier.place.line)
        if "liability" in one.places:
            yield Branch(("debt", name), f"a debt in {name}", one.places["liability"].line)


def _steps(program: Program) -> Iterator[Branch]:
    seen = set()
    for ladder in program.ladders:
        if ladder.name in seen:  # a variant of it under an override, which is a branch of its own
            continue
        seen.add(ladder.name)
        for step in ladder.steps:
            ways = {
                "threshold": step.below is not None,
                "unmet": bool(step.after),
                "exit": True,
                "call": step.call is not None,
                "liquidate": step.liquidate is not None,
                "waterfall": bool(step.waterfall),
            }
            for way, is_there in ways.items():
                if is_there:
                    what = f"{ladder.name}/{step.name} {_WAYS[way]}"
                    yield Branch(("step", ladder.name, step.name, way), what, step.line)


def _overrides(book: Book) -> Iterator[Branch]:
    for number, one in enumerate(book.overrides):
        of = f"override for {', '.join((*one.products, *one.classes, *one.accounts))}"
        if one.margin is not None and not one.margin.tiers:
            yield Branch(("override", str(number), "margin"), f"{of}: margin", one.margin.key_place.line)
        for index, tier in enumerate(one.margin.tiers if one.margin else (), start=1):
            yield Branch(("override", str(number), f"tier {index}"), f"{of}: tier {index}", tier.place.line)
        for step in one.steps:
            yield Branch(("override", str(number), step), f"{of}: {step}", one.places[f"step.{step}"].line)


def _ages(book: Book, root: Mapping) -> Iterator[Branch]:
    marks = root.keys.get("marks")
    yield Branch(("stale", ""), "stale marks", marks.line if marks else 1)
    for name, one in book.products.items():
        if one.max_age_ns is not None:
            yield Branch(("stale", name), f"stale marks of {name}", one.place.line)


class Survey:
    """Note what a world reaches, after each of its commands."""

    def __init__(self) -> None:
        self.touched: set[Touch] = set()

    def look(self, world: World, events: list[Event]) -> None:
        """Note what the events say, and what the pools hold and owe now."""
        for event in events:
            self._note_event(world, event)
        engine = world.shard.book.engine
        for pool in range(engine.pool_count):
            found = world.assess(pool)
            if found.is_valid:
                self._note_positions(world, pool)
                self._note_collateral(world, pool)
            elif Reason(found.flags) & Reason.STALE_PRICE:
                self._note_stale(world, pool)

    def _note_event(self, world: World, event: Event) -> None:
        if event.kind is EventKind.STEP_ENTERED:
            way = "unmet" if event.data["entered"] == "unmet call" else "threshold"
            self.touched.add(("step", event.ladder, event.step, way))
            if event.because:
                self._note_override_of(world, event)
        elif event.kind in _DONE:
            self.touched.add(("step", event.ladder, event.step, _DONE[event.kind]))

    def _note_override_of(self, world: World, event: Event) -> None:
        pool = world.shard.book.pool_of_label(event.pool)
        products = {world.program.products[one].name for one in _products_of(world, pool)}
        for number, one in _applying(world, pool):
            if event.step in one.steps and (not one.products or products <= set(one.products)):
                self.touched.add(("override", str(number), event.step))

    def _note_positions(self, world: World, pool: int) -> None:
        program, book = world.program, world.shard.book
        profile = book.engine.pool_state(pool)[2]
        overrides = _applying(world, pool)
        for held in book.holdings(pool):
            product = book.products[book.instrument_ids[held.symbol]]
            name, tiers = program.products[product].name, program.margin_tiers[profile][product]
            if not tiers:
                self.touched.add(("product", name))
                continue
            reached = sum(one.floor <= abs(held.notional) for one in tiers)
            own = [(number, one) for number, one in overrides if not one.products or name in one.products]
            with_tiers = [number for number, one in own if one.margin and one.margin.tiers]
            for tier in range(1, reached + 1):
                keys: list[Touch] = [("override", str(number), f"tier {tier}") for number in with_tiers]
                self.touched.update(keys or [("tier", name, str(tier))])
            self.touched |= {("override", str(number), "margin") for number, one in own if one.margin}

    def _note_collateral(self, world: World, pool: int) -> None:
        shard, (book, _) = world.shard.book, written(world.program.text, world.file)
        for asset, amount in shard.pool(pool).balances:
            terms = book.collateral.get(asset)
            if terms is None or not amount:
                continue
            if amount < 0.0:
                self.touched.add(("debt", asset))
                continue
            price = 1.0 if asset == world.program.currency else shard.asset_price(asset)
            value = Decimal(amount * (price or 0.0))
            below = sum(one.to is not None and one.to < value for one in terms.haircuts)
            self.touched |= {("haircut", asset, str(number)) for number in range(1, below + 2)}

    def _note_stale(self, world: World, pool: int) -> None:
        program = world.program
        book, _ = written(program.text, world.file)
        stale = set()
        for number in _products_of(world, pool, world.now_ns):
            name = program.products[number].name
            stale.add(name if book.products[name].max_age_ns is not None else "")
        self.touched |= {("stale", name) for name in stale or {""}}


def _products_of(world: World, pool: int, stale_at_ns: int = 0) -> set[int]:
    """Return the products that a pool holds positions in; only those with too old a price where a time is given."""
    book, program = world.shard.book, world.program
    found = set()
    for row in book.engine.pool_content(pool)[2]:
        symbol = book.instrument_names[row[0]]
        product = book.products[row[0]]
        age_ns = stale_at_ns - book.price_times.get(symbol, 0)
        if not stale_at_ns or age_ns > program.products[product].max_age_ns:
            found.add(product)
    return found


def _applying(world: World, pool: int) -> list[tuple[int, Override]]:
    """Return the overrides for the class and the account of a pool, with their numbers."""
    shard = world.shard.book
    number = shard.engine.pool_state(pool)[0]
    account, account_class = shard.account_names[number], shard.class_names[shard.engine.account_state(number)[0]]
    book, _ = written(world.program.text, world.file)
    return [
        (number, one)
        for number, one in enumerate(book.overrides)
        if (not one.classes or account_class in one.classes) and (not one.accounts or account in one.accounts)
    ]
