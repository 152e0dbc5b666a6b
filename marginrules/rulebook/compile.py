# SPDX-License-Identifier: Apache-2.0
"""
A checked rulebook to one immutable program: tables for the core, ladders for the state machine, and a digest.

The digest is the SHA-256 of what the rulebook means, not of how it is written: the order of keys, comments and the
spelling of a number do not change it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from typing import Any

from marginrules import units
from marginrules._core.core import Tables
from marginrules.errors import RulebookError
from marginrules.model import Instrument
from marginrules.rulebook import calendar
from marginrules.rulebook.check import check_book, check_ladder, first_year, specificity
from marginrules.rulebook.diagnostic import Diagnostic, Sink, suggest
from marginrules.rulebook.parse import Mapping, Scalar, Sequence, parse
from marginrules.rulebook.schema import (
    Book,
    Collateral,
    LadderPart,
    Margin,
    Match,
    Override,
    StepPart,
    Tier,
    read_book,
    read_ladder,
)
from marginrules.rulebook.source import read_source
from marginrules.terms import CallTerms, Deadline, Ladder, LiquidationTerms, Step

FORMAT = 1
_INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class CompiledProduct:
    """Carry what the service needs of a product; its place in `Program.products` is its id in the tables."""

    name: str
    line: int
    match: Match
    max_age_ns: int


@dataclass(frozen=True, slots=True)
class Program:
    """
    Carry one compiled rulebook; nothing in it changes.

    Args:
        assets: asset -> its collateral rule in the tables.
        ladders: as numbered in the tables; overrides make variants of their own.
        entered: per ladder, the step that the n-th breached threshold means.
        profiles: (class, account or "") -> profile in the tables.
        margin_lines: [profile][product], the line of the rates.
    """

    name: str
    description: str
    digest: str
    currency: str
    increment: Decimal
    effective_ns: int
    max_age_ns: int
    classes: tuple[str, ...]
    assets: dict[str, int]
    products: tuple[CompiledProduct, ...]
    ladders: tuple[Ladder, ...]
    entered: tuple[tuple[int, ...], ...]
    profiles: dict[tuple[str, str], int]
    margin_lines: tuple[tuple[int, ...], ...]
    tables: Tables
    text: bytes

    def product_of(self, instrument: Instrument) -> int:
        """
        Return the one product that an instrument is; -1 where none matches, or two match equally narrowly.

        The narrowest match wins: the one with the most conditions.
        """
        best, width, is_tied = -1, -1, False
        for index, product in enumerate(self.products):
            conditions = _match_width(product.match, instrument)
            if conditions > width:
                best, width, is_tied = index, conditions, False
            elif conditions == width and conditions >= 0:
                is_tied = True
        return -1 if is_tied else best

    def profile_of(self, account_class: str, account_id: str) -> int:
        """Return the profile of an account; -1 where the rulebook does not know its class."""
        special = self.profiles.get((account_class, account_id), -1)
        return special if special >= 0 else self.profiles.get((account_class, ""), -1)

    @property
    def special_accounts(self) -> set[str]:
        """Return the accounts that have overrides of their own."""
        return {account for _, account in self.profiles if account}


def _match_width(match: Match, instrument: Instrument) -> int:
    """Return how many conditions hold; -1 where one does not."""
    conditions = (
        (match.kinds, instrument.kind.word in match.kinds),
        (match.underlyings, instrument.underlying in match.underlyings),
        (match.settlements, instrument.settlement in match.settlements),
        (match.symbols, any(fnmatch.fnmatchcase(instrument.symbol, pattern) for pattern in match.symbols)),
        (match.inverse is not None, instrument.inverse == match.inverse),
    )
    given = [holds for wanted, holds in conditions if wanted]
    return len(given) if all(given) else -1


def validate(content: bytes, file: str) -> tuple[Diagnostic, ...]:
    """Return every problem of a rulebook, in the order of the text; none means that `load` accepts it."""
    return _compile(content, file)[1]


def load(content: bytes, file: str) -> Program:
    """
    Compile a rulebook.

    Raises:
        RulebookError: with every diagnostic, where there is at least one problem.
    """
    program, diagnostics = _compile(content, file)
    if program is None:
        raise RulebookError(diagnostics)
    return program


def _compile(content: bytes, file: str) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    text, sink = read_source(content, file)
    root = parse(text, sink) if text or not sink.found else None
    if root is not None:
        book = read_book(sink, root)
        check_book(sink, book)
        compiler = _Compiler(sink, book)
        compiler.resolve()
        if not sink.found:
            return compiler.build(content), ()
    return None, sink.ordered()


@dataclass(frozen=True, slots=True)
class _Cell:
    """Carry how one product is margined and escalated for one profile; product "" stands for the pool as a whole."""

    margin: Margin | None
    ladder: int


class _Compiler:
    """Resolve overrides into profiles, then lay everything out as tables."""

    def __init__(self, sink: Sink, book: Book) -> None:
        self._sink = sink
        self._book = book
        self._overrides = sorted(book.overrides, key=specificity)
        self._parts: dict[str, LadderPart] = {}
        self._ladders: list[Ladder] = []
        self._ladder_ids: dict[tuple[str, tuple[int, ...]], int] = {}
        self._scaled: dict[tuple[str, tuple[int, ...]], Margin | None] = {}
        self._cells: dict[tuple[str, str], dict[str, _Cell]] = {}

    def resolve(self) -> None:
        """Merge overrides into margins and ladders for every profile; report what does not fit."""
        self._check_override_steps()
        for name in sorted(self._book.ladders):
            self._ladder(name, ())
        for account_class, account in sorted(self._profile_names()):
            chosen = [
                (index, one) for index, one in enumerate(self._overrides) if _selects(one, account_class, account)
            ]
            cells = {"": _Cell(None, self._ladder(self._default_ladder(), _ids(chosen, "")))}
            for name, product in sorted(self._book.products.items()):
                ladder = product.ladder or self._default_ladder()
                ids = _ids(chosen, name)
                cells[name] = _Cell(self._margin(name, ids), self._ladder(ladder, ids))
            self._cells[account_class, account] = cells

    def _profile_names(self) -> set[tuple[str, str]]:
        accounts = {account for one in self._overrides for account in one.accounts}
        return {(one, account) for one in self._book.classes for account in ("", *accounts)}

    def _default_ladder(self) -> str:
        return self._book.ladder or min(self._book.ladders, default="")

    def _check_override_steps(self) -> None:
        for one in self._overrides:
            ladders = [self._book.ladders[name] for name in self._ladders_of(one)]
            known = {name for node in ladders for name in _step_nodes(node)}
            for name in one.steps:
                if name not in known:
                    place = one.places[f"step.{name}"]
                    self._sink.add(
                        "MR-R309",
                        place,
                        f"no ladder that this override reaches has a step '{name}'",
                        suggest(name, known),
                    )

    def _ladders_of(self, one: Override) -> set[str]:
        products = one.products or tuple(self._book.products)
        named = {
            self._book.products[name].ladder or self._default_ladder()
            for name in products
            if name in self._book.products
        }
        return (named | (set() if one.products else {self._default_ladder()})) & self._book.ladders.keys()

    # Margins

    def _margin(self, product: str, ids: tuple[int, ...]) -> Margin | None:
        changes = tuple(index for index in ids if self._overrides[index].margin is not None)
        if (product, changes) not in self._scaled:
            margin = self._book.products[product].margin
            for index in changes:
                margin = self._change(margin, self._overrides[index])
            self._scaled[product, changes] = margin
        return self._scaled[product, changes]

    def _change(self, margin: Margin | None, override: Override) -> Margin | None:
        change = override.margin
        if margin is None or change is None:
            return margin
        if change.tiers:
            return replace(margin, tiers=change.tiers, place=change.place)
        scale = change.scale or Decimal(1)
        tiers = tuple(replace(t, initial=t.initial * scale, maintenance=t.maintenance * scale) for t in margin.tiers)
        for tier in tiers:
            if max(tier.initial, tier.maintenance) > 1:
                rate = units.format_number(max(tier.initial, tier.maintenance) * 100)
                self._sink.add("MR-R308", change.place, f"a scaled rate was {rate}%", "allowed: 0 to 100%")
                break
        return replace(margin, tiers=tiers, place=change.place)

    # Ladders

    def _ladder(self, name: str, ids: tuple[int, ...]) -> int:
        """Return the number of a ladder with overrides merged in by step name."""
        node = self._book.ladders.get(name)
        if node is None:
            return -1
        merged = tuple(i for i in ids if self._overrides[i].steps.keys() & _step_nodes(node).keys())
        if (name, merged) not in self._ladder_ids:
            for index in merged:
                node = _merge(node, self._overrides[index].steps)
            before = len(self._sink.found)
            part = read_ladder(self._sink, node)
            check_ladder(self._sink, self._book, part)
            self._ladder_ids[name, merged] = len(self._ladders)
            reasons = {step: self._overrides[i].because for i in merged for step in self._overrides[i].steps}
            sound = len(self._sink.found) == before and not self._sink.found
            self._ladders.append(self._build_ladder(name, part, reasons) if sound else _empty(name, part))
        return self._ladder_ids[name, merged]

    def _build_ladder(self, name: str, part: LadderPart, reasons: dict[str, str]) -> Ladder:
        places = {step.name: index for index, step in enumerate(part.steps)}
        steps: list[Step] = []
        for written in part.steps:
            after = tuple(places[one] for one in (written.after, written.or_after) if one)
            waited = max((max(steps[i].clear, steps[i].clear_after) for i in after), default=0.0)
            own = written.clear if written.clear is not None else written.below
            clear = float(own) if own is not None else waited
            steps.append(
                Step(
                    name=written.name,
                    line=written.place.line,
                    below=None if written.below is None else float(written.below),
                    clear=clear,
                    clear_after=max(clear, waited),
                    for_ns=written.for_ns,
                    after=after,
                    call=self._call(written, part.calendar),
                    restrict=written.restrict,
                    liquidate=_liquidation(written, clear),
                    waterfall=written.waterfall,
                    notify=written.notify,
                    because=reasons.get(written.name, ""),
                )
            )
        return Ladder(name, part.place.line, tuple(steps), self._book.increment)

    def _call(self, step: StepPart, calendar_name: str) -> CallTerms | None:
        if step.call is None:
            return None
        business = calendar.parse_business_deadline(step.deadline)
        if business:
            rows = calendar.sessions(self._book.calendars[calendar_name], first_year(self._book), business[0])
            deadline = Deadline(step.deadline, business_days=business[1], sessions=rows)
        else:
            deadline = Deadline(step.deadline, duration_ns=units.parse_duration_ns(step.deadline) or 0)
        call = step.call
        return CallTerms(
            call.restore, float(call.ratio), call.minimum_transfer, call.round_to or self._book.increment, deadline
        )

    # Tables

    def build(self, content: bytes) -> Program:
        """Lay the program out; to be called only when nothing was found."""
        book = self._book
        product_names = sorted(book.products)
        profile_names = sorted(self._cells)
        asset_names = sorted(book.collateral)
        lines: list[tuple[float, float, float, float]] = []
        line_ids: dict[tuple[Tier, ...], int] = {}
        rules = []
        for profile in profile_names:
            cells = self._cells[profile]
            rules.append([self._rule(cells[name], lines, line_ids) for name in product_names])
        credit_rows: list[tuple[float, float]] = []
        collateral_rows = []
        for name in asset_names:
            rows = _credits(book.collateral[name])
            cap = book.collateral[name].cap
            share = float(book.collateral[name].concentration)
            collateral_rows.append((len(credit_rows), len(rows), _INFINITE if cap is None else float(cap), share))
            credit_rows += rows
        thresholds = [[step.below for step in ladder.steps if step.below is not None] for ladder in self._ladders]
        defaults = [self._cells[profile][""].ladder for profile in profile_names]
        products = tuple(
            CompiledProduct(
                name,
                book.products[name].place.line,
                book.products[name].match,
                book.products[name].max_age_ns or book.max_age_ns,
            )
            for name in product_names
        )
        return Program(
            name=book.name,
            description=book.description,
            digest=self._digest(profile_names, product_names),
            currency=book.currency,
            increment=book.increment,
            effective_ns=book.effective_ns,
            max_age_ns=book.max_age_ns,
            classes=book.classes,
            assets={name: index for index, name in enumerate(asset_names)},
            products=products,
            ladders=tuple(self._ladders),
            entered=tuple(
                tuple(index for index, step in enumerate(ladder.steps) if step.below is not None)
                for ladder in self._ladders
            ),
            profiles={name: index for index, name in enumerate(profile_names)},
            margin_lines=tuple(
                tuple(margin.place.line if (margin := self._cells[p][name].margin) else 0 for name in product_names)
                for p in profile_names
            ),
            tables=Tables(lines, rules, credit_rows, collateral_rows, thresholds, defaults),
            text=content,
        )

    def _rule(
        self, cell: _Cell, lines: list[tuple[float, float, float, float]], line_ids: dict[tuple[Tier, ...], int]
    ) -> tuple[int, int, int, int, float, float]:
        margin = cell.margin
        if margin is None:
            raise AssertionError("a product without margin was not reported")
        if margin.tiers not in line_ids:
            line_ids[margin.tiers] = len(lines)
            lines += _lines(margin.tiers)
        lower, upper = margin.open_interest or (Decimal(0), Decimal(0))
        mode = 1 if margin.initial_from == "leverage" else 0
        return line_ids[margin.tiers], len(margin.tiers), cell.ladder, mode, float(lower), float(upper)

    def _digest(self, profile_names: list[tuple[str, str]], product_names: list[str]) -> str:
        book = self._book
        ladders = [_hash(_canonical(ladder)) for ladder in self._ladders]
        meaning = {
            "format": FORMAT,
            "rulebook": book.name,
            "description": book.description,
            "currency": book.currency,
            "increment": _canonical(book.increment),
            "effective_ns": book.effective_ns,
            "max_age_ns": book.max_age_ns,
            "classes": sorted(book.classes),
            "collateral": {name: _canonical(one) for name, one in book.collateral.items()},
            "products": {name: [_canonical(one.match), one.max_age_ns] for name, one in book.products.items()},
            "profiles": {
                "|".join(profile): [
                    [_hash(_canonical(self._cells[profile][name].margin)), ladders[self._cells[profile][name].ladder]]
                    for name in ("", *product_names)
                ]
                for profile in profile_names
            },
            "because": sorted(
                [sorted(one.products), sorted(one.classes), sorted(one.accounts), one.because] for one in book.overrides
            ),
        }
        return _hash(meaning)


def _selects(one: Override, account_class: str, account: str) -> bool:
    return (not one.classes or account_class in one.classes) and (not one.accounts or account in one.accounts)


def _ids(chosen: list[tuple[int, Override]], product: str) -> tuple[int, ...]:
    return tuple(index for index, one in chosen if not one.products or product in one.products)


def _step_nodes(ladder: Mapping) -> dict[str, Mapping]:
    steps = ladder.entries.get("steps")
    found = {}
    for node in steps.items if isinstance(steps, Sequence) else []:
        name = node.entries.get("step") if isinstance(node, Mapping) else None
        if isinstance(name, Scalar) and isinstance(node, Mapping):
            found[name.text] = node
    return found


def _merge(ladder: Mapping, changes: dict[str, Mapping]) -> Mapping:
    """Return a ladder in which each changed step has its changed keys."""
    steps = ladder.entries["steps"]
    if not isinstance(steps, Sequence):
        return ladder
    items = []
    for node in steps.items:
        name = node.entries.get("step") if isinstance(node, Mapping) else None
        change = changes.get(name.text) if isinstance(name, Scalar) else None
        if change is None or not isinstance(node, Mapping):
            items.append(node)
        else:
            items.append(Mapping(node.entries | change.entries, node.keys | change.keys, change.place))
    entries = dict(ladder.entries)
    entries["steps"] = Sequence(items, steps.place)
    return Mapping(entries, ladder.keys, ladder.place)


def _empty(name: str, part: LadderPart) -> Ladder:
    return Ladder(name, part.place.line, (), Decimal(1))


def _liquidation(step: StepPart, clear: float) -> LiquidationTerms | None:
    part = step.liquidate
    if part is None:
        return None
    until = float(part.until) if part.until else (_INFINITE if part.fraction == 1 else max(clear, float(part.target)))
    return LiquidationTerms(
        float(part.fraction), float(part.target), until, part.every_ns, part.cancel_orders_first, part.first
    )


def _lines(tiers: tuple[Tier, ...]) -> Iterator[tuple[float, float, float, float]]:
    """
    Yield each tier as a line: rate and the deduction that keeps the requirement continuous.

    Source: deduction[i] = deduction[i-1] + floor[i] x (rate[i] - rate[i-1]), the form in which Binance prints its brackets.
    """
    floor, initial, maintenance = Decimal(0), Decimal(0), Decimal(0)
    last: Tier | None = None
    for tier in tiers:
        if last is not None and last.to is not None:
            floor = last.to
            initial += floor * (tier.initial - last.initial)
            maintenance += floor * (tier.maintenance - last.maintenance)
        yield float(tier.initial), float(initial), float(tier.maintenance), float(maintenance)
        last = tier


def _credits(collateral: Collateral) -> list[tuple[float, float]]:
    """Return each haircut tier as a line: counted value = value x rate + constant, continuous at the edges."""
    rows, constant, floor = [], Decimal(0), Decimal(0)
    last = None
    for tier in collateral.haircuts:
        if last is not None and last.to is not None:
            floor = last.to
            constant += floor * (tier.rate - last.rate)
        rows.append((float(1 - tier.rate), float(constant)))
        last = tier
    return rows


def _canonical(value: Any) -> Any:  # noqa: ANN401 - walks every record
    """Return a record as plain data without the places it stands at."""
    if isinstance(value, Decimal):
        return units.format_number(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Match):
        return [
            sorted(value.kinds),
            sorted(value.underlyings),
            sorted(value.settlements),
            sorted(value.symbols),
            value.inverse,
        ]
    if is_dataclass(value) and not isinstance(value, type):
        hidden = ("place", "places", "line", "ladder_place", "calendar_place")
        return {one.name: _canonical(getattr(value, one.name)) for one in fields(value) if one.name not in hidden}
    if isinstance(value, (tuple, list)):
        return [_canonical(one) for one in value]
    if isinstance(value, float):
        return repr(value)
    return value


def _hash(value: Any) -> str:  # noqa: ANN401 - plain data
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
