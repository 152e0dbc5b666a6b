# SPDX-License-Identifier: Apache-2.0
"""
A checked rulebook to one immutable program: tables for the core, ladders for the state machine, and a digest.

The digest is the SHA-256 of what the rulebook means, not of how it is written: the order of keys, comments and the
spelling of a number do not change it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from marginrules import units
from marginrules._core.core import Tables
from marginrules.errors import RulebookError
from marginrules.limits import RULEBOOK_CELLS_MAX, RULEBOOK_DEADLINES_MAX, RULEBOOK_LADDERS_MAX
from marginrules.machine import Models
from marginrules.model import Instrument
from marginrules.rulebook import calendar
from marginrules.rulebook.check import check_book, check_ladder, first_year, specificity
from marginrules.rulebook.check_models import check_models
from marginrules.rulebook.collateral import Collateral, credits_of, terms_of, wrong_way_bits, wrong_way_of
from marginrules.rulebook.diagnostic import Diagnostic, Sink, StopReading, suggest
from marginrules.rulebook.digest import canonical, hashed
from marginrules.rulebook.fields import percent
from marginrules.rulebook.models import CompiledModels, Figure, History, compile_models
from marginrules.rulebook.parse import Mapping, Scalar, Sequence, parse
from marginrules.rulebook.pools import compile_pools, meaning_of
from marginrules.rulebook.schema import (
    Book,
    CalendarPart,
    LadderPart,
    LadderReader,
    Limit,
    Margin,
    MarginChange,
    Match,
    Override,
    PortfolioMargin,
    ProductMargin,
    StepPart,
    Tier,
    read_book,
)
from marginrules.rulebook.source import read_source
from marginrules.terms import CallTerms, Deadline, Ladder, LiquidationTerms, MarginTier, MoveLimit, PoolTerms, Step

FORMAT = 1
_INFINITE = float("inf")

LineRow = tuple[float, float, float, float]
# The last two: the portfolio or -1, and 1 where an option's market value is no part of equity.
RuleRow = tuple[int, int, int, int, float, float, int, int]


@dataclass(frozen=True, slots=True)
class CompiledProduct:
    """Carry what the service needs of a product; its place in `Program.products` is its id in the tables."""

    name: str
    line: int
    match: Match
    max_age_ns: int
    portfolio: int = -1  # place in `Program.models.portfolios`; -1: margined by tiers
    value_excluded: bool = False  # the market value of an option is no part of equity


@dataclass(frozen=True, slots=True)
class Program:
    """
    Carry one compiled rulebook; nothing in it changes.

    Args:
        assets: asset -> its collateral rule in the tables.
        ladders: as numbered in the tables; overrides make variants of their own.
        entered: per ladder, the step that the n-th breached threshold means.
        profiles: (class, account or "") -> profile in the tables.
        margin_rules: [profile][product], `rulebook:line product` of the rates or the formula, or
            `rulebook:line portfolio name`.
        margin_reasons: line of a margin -> why it is as it is, where the product or the override says so.
        margin_tiers: [profile][product], the tiers with their deductions; none where a formula decides.
        models: everything compiled from formulas.
        figures: what the service reports on request, by name.
        histories: how the moves of historical scenario tables are made.
        scenario_labels: per scenario table of `models`, the name of each scenario or "".
        limits: name of a published field -> how fast the value in use may move.
        pools: those that accounts may have beside the cross pool and isolated ones, by name.
        wrong_way: underlying -> bits of the collateral for which exposure to it is wrong-way.
        pool_line: of the pool's own formulas; 0 where there are none.
        collateral: what is said of each asset, as written.
        margins: [profile][product], as written and with overrides; None where nothing was.
        ladder_numbers: [profile][product], the ladder of a pool that holds only this product.
        default_ladders: [profile], the ladder of a pool that holds nothing, or products with different ladders.
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
    margin_rules: tuple[tuple[str, ...], ...]
    margin_reasons: dict[int, str]
    margin_tiers: tuple[tuple[tuple[MarginTier, ...], ...], ...]
    tables: Tables
    text: bytes
    limits: dict[str, MoveLimit]
    models: Models
    figures: dict[str, Figure]
    histories: tuple[History, ...]
    scenario_labels: tuple[tuple[str, ...], ...]
    wrong_way: dict[str, int]
    pool_line: int
    pools: dict[str, PoolTerms]
    collateral: dict[str, Collateral]
    margins: tuple[tuple[ProductMargin | None, ...], ...]
    ladder_numbers: tuple[tuple[int, ...], ...]
    default_ladders: tuple[int, ...]

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

    def wrong_way_of(self, instrument: Instrument) -> int:
        """Return the bits of the collateral for which exposure to an instrument's underlying is wrong-way."""
        return self.wrong_way.get(instrument.underlying, 0)

    def profile_of(self, account_class: str, account_id: str) -> int:
        """Return the profile of an account; -1 where the rulebook does not know its class."""
        special = self.profiles.get((account_class, account_id), -1)
        return special if special >= 0 else self.profiles.get((account_class, ""), -1)

    def tier_of(self, profile: int, product: int, notional: float) -> MarginTier | None:
        """Return the tier that a notional lies in, for explanations; None where a formula decides."""
        tiers = self.margin_tiers[profile][product]
        return next((one for one in reversed(tiers) if one.floor <= notional), None)

    @property
    def special_accounts(self) -> set[str]:
        """Return the accounts that have overrides of their own."""
        return {account for _, account in self.profiles if account}


@dataclass(frozen=True, slots=True)
class Variant:
    """Carry one ladder as some accounts follow it; its place among the variants is that in `Program.ladders`."""

    name: str
    part: LadderPart
    overrides: tuple[int, ...]  # those merged into it, by number, broadest first


@dataclass(frozen=True, slots=True)
class Chain:
    """
    Carry how overrides come together for one product; product "" stands for the pool as a whole.

    Args:
        overrides: all that select it, by number, in the order in which they apply: broadest first.
        ladder: place in `Analysis.variants`.
    """

    product: str
    overrides: tuple[int, ...]
    margin: ProductMargin | None
    ladder: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Carry how one product is margined and escalated for one profile; product "" stands for the pool as a whole."""

    margin: ProductMargin | None
    ladder: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """
    Carry a rulebook without problems, and what its program was made of: for tools that judge meaning.

    Args:
        lines: of the text.
        root: the text as nodes with places.
        overrides: of the book, in the order in which they apply.
        chains: each way in which overrides come together, once.
        cells: (class, account or "") that is treated alike -> product -> how it is margined and escalated.
    """

    file: str
    lines: tuple[str, ...]
    root: Mapping
    book: Book
    program: Program
    overrides: tuple[Override, ...]
    variants: tuple[Variant, ...]
    chains: tuple[Chain, ...]
    cells: dict[tuple[str, str], dict[str, Cell]]


def _match_width(match: Match, instrument: Instrument) -> int:
    """Return how many conditions hold; -1 where one does not."""
    conditions = (
        (match.kinds, instrument.kind.word in match.kinds),
        (match.underlyings, instrument.underlying in match.underlyings),
        (match.settlements, instrument.settlement in match.settlements),
        (match.symbols, any(fnmatch.fnmatchcase(instrument.symbol, pattern) for pattern in match.symbols)),
        (match.inverse is not None, instrument.inverse == match.inverse),
        (match.rights, instrument.right in match.rights),
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


def analyse(content: bytes, file: str) -> Analysis:
    """
    Compile a rulebook and keep what its program was made of.

    Raises:
        RulebookError: with every diagnostic, where there is at least one problem.
    """
    analysis, diagnostics = _analyse(content, file)
    if analysis is None:
        raise RulebookError(diagnostics)
    return analysis


def _compile(content: bytes, file: str) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    analysis, diagnostics = _analyse(content, file)
    return analysis.program if analysis else None, diagnostics


def _analyse(content: bytes, file: str) -> tuple[Analysis | None, tuple[Diagnostic, ...]]:
    text, sink = read_source(content, file)
    try:
        root = parse(text, sink) if text or not sink.found else None
        if root is not None:
            book = read_book(sink, root)
            check_book(sink, book)
            check_models(sink, book)
            compiler = _Compiler(sink, book)
            compiler.resolve()
            models = compile_models(sink, book)
            if not sink.found:
                return compiler.analysed(file, root, compiler.build(content, models)), ()
    except StopReading:
        if not sink.found:
            raise AssertionError("reading stopped without a reason") from None
    return None, sink.ordered()


Chosen = list[tuple[int, Override]]


class _Compiler:
    """Resolve overrides into profiles, then lay everything out as tables."""

    def __init__(self, sink: Sink, book: Book) -> None:
        self._sink = sink
        self._book = book
        # The order in which they apply; that of the text has no meaning.
        self._overrides = sorted(book.overrides, key=_precedence)
        self._reader = LadderReader(sink)
        self._step_names = {name: _step_names(node) for name, node in book.ladders.items()}
        self._ladders: list[Ladder] = []
        self._variants: list[Variant] = []
        self._chains: dict[tuple[str, tuple[int, ...]], Chain] = {}
        self._ladder_ids: dict[tuple[str, tuple[int, ...]], int] = {}
        self._sound_ladders: set[str] = set()  # as written; what breaks a variant of one is its override
        self._clocks: set[tuple[CalendarPart, tuple[int, int]]] = set()
        self._margins: dict[tuple[str, tuple[int, ...]], ProductMargin | None] = {}
        self._cells: dict[tuple[str, str], dict[str, Cell]] = {}
        used = {one.ladder or self._default_ladder() for one in book.products.values()}
        self._all_ladders = frozenset(used | {self._default_ladder()})

    def resolve(self) -> None:
        """Merge overrides into margins and ladders for every profile; report what does not fit."""
        self._check_override_steps()
        for name in sorted(self._book.ladders):
            self._ladder(name, ())
        default = self._default_ladder()
        ladders = {name: self._book.products[name].ladder or default for name in sorted(self._book.products)}
        for (account_class, account), shared, extra in self._profiles():
            picked = [(index, frozenset(one.products)) for index, one in shared + extra]
            if account:
                # Only what the account's own overrides select differs from its class.
                cells = dict(self._cells[account_class, ""])
                everything = any(not one.products for _, one in extra)
                touched = ladders.keys() if everything else {name for _, one in extra for name in one.products}
            else:
                cells, everything, touched = {}, True, ladders.keys()
            if everything:
                whole = tuple(index for index, names in picked if not names)
                cells[""] = self._cell("", whole, None, default)
            for name in sorted(touched & ladders.keys()):
                ids = tuple(index for index, names in picked if not names or name in names)
                cells[name] = self._cell(name, ids, self._margin(name, ids), ladders[name])
            self._cells[account_class, account] = cells

    def _cell(self, product: str, ids: tuple[int, ...], margin: ProductMargin | None, ladder: str) -> Cell:
        number = self._ladder(ladder, ids)
        if (product, ids) not in self._chains:
            self._chains[product, ids] = Chain(product, ids, margin, number)
        return Cell(margin, number)

    def analysed(self, file: str, root: Mapping, program: Program) -> Analysis:
        """Return the program with what it was made of."""
        lines, chains = tuple(self._sink.lines), tuple(self._chains.values())
        overrides, variants = tuple(self._overrides), tuple(self._variants)
        return Analysis(file, lines, root, self._book, program, overrides, variants, chains, self._cells)

    def _profiles(self) -> Iterator[tuple[tuple[str, str], Chosen, Chosen]]:
        """Yield each (class, account or "") that is treated alike, with the overrides of its class and its own."""
        general = [(index, one) for index, one in enumerate(self._overrides) if not one.accounts]
        own: dict[str, Chosen] = {}
        for index, one in enumerate(self._overrides):
            for account in one.accounts:
                own.setdefault(account, []).append((index, one))
        width, cost = len(self._book.products) + 1, 0
        for account_class in sorted(self._book.classes):
            shared = _of_class(general, account_class)
            for account in ("", *sorted(own)):
                extra = _of_class(own.get(account, []), account_class)
                cost += len(general) if not account else (1 + len(shared) + len(extra)) * width
                if cost > RULEBOOK_CELLS_MAX:
                    message = f"classes, accounts and products make more than {RULEBOOK_CELLS_MAX:,} combinations"
                    hint = "let accounts with the same terms share a class"
                    self._sink.add("MR-R107", self._book.places["overrides"], message, hint)
                    raise StopReading
                if extra or not account:
                    yield (account_class, account), shared, extra

    def _default_ladder(self) -> str:
        """Return the ladder of pools as a whole; empty where several are there and none is named, which is reported."""
        only = min(self._book.ladder_names) if len(self._book.ladder_names) == 1 else ""
        return self._book.ladder or only

    def _check_override_steps(self) -> None:
        known: dict[frozenset[str], set[str]] = {}
        for one in self._overrides:
            ladders = self._ladders_of(one)
            if any(self._step_names.get(ladder) is None for ladder in ladders):
                continue  # reported already
            if ladders not in known:
                known[ladders] = {name for ladder in ladders for name in self._step_names[ladder] or ()}
            for name in one.steps:
                if name not in known[ladders]:
                    message = f"no ladder that this override reaches has a step '{name}'"
                    self._sink.add("MR-R309", one.places[f"step.{name}"], message, suggest(name, known[ladders]))

    def _ladders_of(self, one: Override) -> frozenset[str]:
        default, products = self._default_ladder(), self._book.products
        if not one.products:
            return self._all_ladders
        # The name of an unknown product stands for its ladder, which then is unknown too.
        return frozenset((products[name].ladder or default) if name in products else name for name in one.products)

    # Margins

    def _margin(self, product: str, ids: tuple[int, ...]) -> ProductMargin | None:
        changes = tuple(index for index in ids if self._overrides[index].margin)
        if (product, changes) not in self._margins:
            margin = self._book.products[product].margin
            for index in changes:
                change = self._overrides[index].margin
                if isinstance(margin, Margin) and change is not None:  # for others it is refused
                    margin = self._change(product, margin, change)
            self._margins[product, changes] = margin
        return self._margins[product, changes]

    def _change(self, product: str, margin: Margin, change: MarginChange) -> Margin:
        if change.tiers:
            return replace(margin, tiers=change.tiers, place=change.place)
        scale = change.scale or Decimal(1)
        tiers = tuple(replace(t, initial=t.initial * scale, maintenance=t.maintenance * scale) for t in margin.tiers)
        greatest = max((max(tier.initial, tier.maintenance) for tier in tiers), default=Decimal(0))
        if greatest > 1:
            message = f"a rate of product '{product}' would be {percent(greatest)}"
            self._sink.add("MR-R308", change.scale_place, message, "allowed: from 0% to 100% after scaling")
        return replace(margin, tiers=tiers, place=change.place)

    # Ladders

    def _ladder(self, name: str, ids: tuple[int, ...]) -> int:
        """Return the number of a ladder with overrides merged in by step name; -1 where the ladder is unknown."""
        number = self._ladder_ids.get((name, ids))
        if number is not None:
            return number
        if name not in self._book.ladders:
            return -1
        steps = self._step_names[name] or frozenset()
        merged = tuple(index for index in ids if not steps.isdisjoint(self._overrides[index].steps))
        if (name, merged) not in self._ladder_ids:
            self._ladder_ids[name, merged] = self._add_ladder(name, merged)
        self._ladder_ids[name, ids] = self._ladder_ids[name, merged]
        return self._ladder_ids[name, ids]

    def _add_ladder(self, name: str, merged: tuple[int, ...]) -> int:
        if len(self._ladders) >= RULEBOOK_LADDERS_MAX:
            message = f"overrides make more than {RULEBOOK_LADDERS_MAX:,} different ladders"
            hint = "let accounts with the same terms share a class"
            self._sink.add("MR-R107", self._book.places["overrides"], message, hint)
            raise StopReading
        node = self._book.ladders[name]
        changed: dict[str, frozenset[str]] = {}
        reasons: dict[str, list[str]] = {}
        for index in merged:
            one = self._overrides[index]
            node = _merge(node, one.steps)
            for step, change in one.steps.items():
                changed[step] = changed.get(step, frozenset()) | change.entries.keys()
                reasons.setdefault(step, []).append(one.because)
        part = self._reader.ladder(node, name, self._book.places[f"ladders.{name}"], changed)
        is_read = all(step.is_sound for step in part.steps) and name in self._sound_ladders
        if not merged or is_read:
            before = len(self._sink.found)
            check_ladder(self._sink, self._book, part)
            if len(self._sink.found) == before and not merged:
                self._sound_ladders.add(name)
        because = {step: "; ".join(dict.fromkeys(given)) for step, given in reasons.items()}
        is_empty = bool(self._sink.found)
        self._variants.append(Variant(name, part, merged))
        self._ladders.append(_empty(name, part) if is_empty else self._build_ladder(name, part, because))
        return len(self._ladders) - 1

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
                    because="; ".join(one for one in (written.because, reasons.get(written.name, "")) if one),
                )
            )
        return Ladder(name, part.place.line, tuple(steps), self._book.increment)

    def _call(self, step: StepPart, calendar_name: str) -> CallTerms | None:
        call = step.call
        if call is None:
            return None
        round_to = call.round_to or self._book.increment
        deadline = self._deadline(step, calendar_name)
        return CallTerms(call.restore, float(call.ratio), call.minimum_transfer, round_to, deadline)

    def _deadline(self, step: StepPart, calendar_name: str) -> Deadline:
        business = calendar.parse_business_deadline(step.deadline)
        if business is None:
            return Deadline(step.deadline, duration_ns=units.parse_duration_ns(step.deadline) or 0)
        days_of, (clock, days) = self._book.calendars[calendar_name], business
        self._clocks.add((days_of, clock))
        if len(self._clocks) > RULEBOOK_DEADLINES_MAX:
            message = f"more than {RULEBOOK_DEADLINES_MAX} different times of day and calendars in deadlines"
            self._sink.add("MR-R107", step.places["deadline"], message)
            raise StopReading
        rows = calendar.sessions(days_of.exchange, first_year(self._book), clock, days_of.closed)
        return Deadline(step.deadline, business_days=days, sessions=rows)

    # Tables

    def build(self, content: bytes, models: CompiledModels) -> Program:
        """Lay the program out; to be called only when nothing was found."""
        book = self._book
        product_names = sorted(book.products)
        profile_names = sorted(self._cells)
        asset_names = sorted(book.collateral)
        products = tuple(self._product(name, models) for name in product_names)
        lines, rules = self._rules(profile_names, products)
        credit_rows: list[tuple[float, float]] = []
        collateral_rows = []
        wrong_way = wrong_way_bits(book.collateral)
        for name in asset_names:
            rows = credits_of(book.collateral[name])
            cap = book.collateral[name].cap
            share = float(book.collateral[name].concentration)
            terms = terms_of(book.collateral[name], wrong_way.get(name, 0))
            collateral_rows.append(
                (len(credit_rows), len(rows), _INFINITE if cap is None else float(cap), share, terms)
            )
            credit_rows += rows
        thresholds = [[step.below for step in ladder.steps if step.below is not None] for ladder in self._ladders]
        defaults = [self._cells[profile][""].ladder for profile in profile_names]
        return Program(
            name=book.name,
            description=book.description,
            digest=self._digest(profile_names, product_names, models),
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
            margin_rules=self._rule_texts(profile_names, product_names),
            margin_reasons=self._margin_reasons(),
            margin_tiers=self._tiers(profile_names, product_names),
            tables=Tables(lines, rules, credit_rows, collateral_rows, thresholds, defaults, models.models),
            text=content,
            limits={name: _move_limit(one) for name, one in book.limits.items()},
            models=models.models,
            figures=models.figures,
            histories=models.histories,
            scenario_labels=models.labels,
            wrong_way=wrong_way_of(book.collateral),
            pool_line=models.pool_line,
            pools=compile_pools(book.pools, {name: index for index, name in enumerate(product_names)}),
            collateral=book.collateral,
            margins=tuple(tuple(self._cells[one][name].margin for name in product_names) for one in profile_names),
            ladder_numbers=tuple(
                tuple(self._cells[one][name].ladder for name in product_names) for one in profile_names
            ),
            default_ladders=tuple(defaults),
        )

    def _product(self, name: str, models: CompiledModels) -> CompiledProduct:
        product = self._book.products[name]
        return CompiledProduct(
            name,
            product.place.line,
            product.match,
            product.max_age_ns or self._book.max_age_ns,
            models.portfolios.get(name, -1),
            product.value_excluded,
        )

    def _rule_text(self, product: str, margin: ProductMargin | None) -> str:
        """Say which rule decides the margin of a product."""
        book = self._book
        if isinstance(margin, PortfolioMargin):
            return f"{book.name}:{book.sections.portfolios[margin.portfolio].place.line} portfolio {margin.portfolio}"
        return f"{book.name}:{margin.place.line} {product}" if margin else book.name

    def _margin_reasons(self) -> dict[int, str]:
        book, found = self._book, dict[int, list[str]]()
        for one in book.products.values():
            if isinstance(one.margin, PortfolioMargin):
                line = book.sections.portfolios[one.margin.portfolio].place.line
            elif one.margin is None:
                continue
            else:
                line = one.margin.place.line
            if one.because:
                found.setdefault(line, []).append(one.because)
        for change in book.overrides:
            if change.margin:
                found[change.margin.place.line] = [change.because]
        return {line: "; ".join(dict.fromkeys(reasons)) for line, reasons in found.items()}

    def _rules(
        self, profile_names: list[tuple[str, str]], products: tuple[CompiledProduct, ...]
    ) -> tuple[list[LineRow], list[list[RuleRow]]]:
        """Return the tier lines, each table once, and for each profile and product the row that points to them."""
        lines: list[LineRow] = []
        firsts: dict[tuple[Tier, ...], int] = {}
        made: dict[int, RuleRow] = {}  # a cell is of one product, and shared by profiles
        rules = []
        for profile in profile_names:
            cells = [self._cells[profile][product.name] for product in products]
            for cell, product in zip(cells, products, strict=True):
                if id(cell) not in made:
                    made[id(cell)] = _rule(cell, product, lines, firsts)
            rules.append([made[id(cell)] for cell in cells])
        return lines, rules

    def _rule_texts(
        self, profile_names: list[tuple[str, str]], product_names: list[str]
    ) -> tuple[tuple[str, ...], ...]:
        """Return for each profile and product which rule decides its margin."""
        made = {
            id(cell): self._rule_text(name, cell.margin)
            for cells in self._cells.values()
            for name, cell in cells.items()
            if name
        }
        return tuple(tuple(made[id(self._cells[p][name])] for name in product_names) for p in profile_names)

    def _tiers(
        self, profile_names: list[tuple[str, str]], product_names: list[str]
    ) -> tuple[tuple[tuple[MarginTier, ...], ...], ...]:
        """Return for each profile and product the tiers that decide its margin."""
        # Thousands of profiles share the margins of a few products.
        made = {id(one): _margin_tiers(one) for one in self._margins.values()}
        made[id(None)] = ()
        return tuple(tuple(made[id(self._cells[p][name].margin)] for name in product_names) for p in profile_names)

    def _digest(self, profile_names: list[tuple[str, str]], product_names: list[str], models: CompiledModels) -> str:
        book = self._book
        ladders = [hashed(canonical(ladder)) for ladder in self._ladders]
        margins = {id(one): hashed(canonical(one)) for one in self._margins.values() if isinstance(one, Margin)}
        cells = {id(one): one for row in self._cells.values() for one in row.values()}
        terms = {at: hashed([margins.get(id(one.margin)), ladders[one.ladder]]) for at, one in cells.items()}
        meaning = {
            "format": FORMAT,
            "rulebook": book.name,
            "description": book.description,
            "currency": book.currency,
            "increment": canonical(book.increment),
            "effective_ns": book.effective_ns,
            "max_age_ns": book.max_age_ns,
            # Books without limits keep the digest that they had before there were any.
            **({"limits": {name: canonical(one) for name, one in book.limits.items()}} if book.limits else {}),
            "classes": sorted(book.classes),
            "collateral": {name: canonical(one) for name, one in book.collateral.items()},
            "products": {
                name: [canonical(one.match), one.max_age_ns or book.max_age_ns] for name, one in book.products.items()
            },
            "profiles": {
                "|".join(profile): hashed([terms[id(self._cells[profile][name])] for name in ("", *product_names)])
                for profile in profile_names
            },
            "because": sorted(
                [sorted(one.products), sorted(one.classes), sorted(one.accounts), one.because] for one in book.overrides
            ),
        }
        if models.has_meaning:  # books without formulas keep the digest they had before there were any
            meaning["models"] = models.meaning()
        if book.pools:
            meaning["pools"] = meaning_of(book.pools)
        reasons = {name: one.because for name, one in book.products.items() if one.because}
        if reasons:
            meaning["products_because"] = reasons
        excluded = sorted(name for name, one in book.products.items() if one.value_excluded)
        if excluded:
            meaning["value_excluded"] = excluded
        return hashed(meaning)


def _precedence(one: Override) -> tuple[int, list[str], list[str], list[str], str]:
    return specificity(one), sorted(one.products), sorted(one.classes), sorted(one.accounts), one.because


def _of_class(overrides: Chosen, account_class: str) -> Chosen:
    return [(index, one) for index, one in overrides if not one.classes or account_class in one.classes]


def _step_names(ladder: Mapping) -> frozenset[str] | None:
    """Return the names of a ladder's steps; None where one of them cannot be read."""
    steps = ladder.entries.get("steps")
    nodes = steps.items if isinstance(steps, Sequence) else []
    names = [node.entries.get("step") if isinstance(node, Mapping) else None for node in nodes]
    known = frozenset(name.text for name in names if isinstance(name, Scalar))
    return known if nodes and len(known) == len(names) else None


def _merge(ladder: Mapping, changes: dict[str, Mapping]) -> Mapping:
    """Return a ladder in which each changed step has its changed keys."""
    steps = ladder.entries.get("steps")
    if not isinstance(steps, Sequence):
        return ladder
    items = []
    for node in steps.items:
        name = node.entries.get("step") if isinstance(node, Mapping) else None
        change = changes.get(name.text) if isinstance(name, Scalar) else None
        if change is None or not isinstance(node, Mapping):
            items.append(node)
        else:
            items.append(_merge_step(node, change))
    entries = dict(ladder.entries)
    entries["steps"] = Sequence(items, steps.place)
    return Mapping(entries, ladder.keys, ladder.place)


def _merge_step(step: Mapping, change: Mapping) -> Mapping:
    """Return a step with what changes; of a call or a liquidation, only the keys that are given change."""
    entries = step.entries | change.entries
    for key in ("call", "liquidate"):
        before, after = step.entries.get(key), change.entries.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            kept = dict(before.entries)
            if "fraction" in after.entries or "target" in after.entries:
                # Another size of the rounds brings its own end with it.
                kept = {name: node for name, node in kept.items() if name not in ("fraction", "target", "until")}
            entries[key] = Mapping(kept | after.entries, before.keys | after.keys, after.place)
    return Mapping(entries, step.keys | change.keys, change.place)


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


def _move_limit(one: Limit) -> MoveLimit:
    rise, fall = (None if rate is None else float(rate) for rate in (one.rise, one.fall))
    return MoveLimit(rise, fall, one.per_ns)


def _rule(cell: Cell, product: CompiledProduct, lines: list[LineRow], firsts: dict[tuple[Tier, ...], int]) -> RuleRow:
    margin, excluded = cell.margin, int(product.value_excluded)
    if not isinstance(margin, Margin):
        if product.portfolio < 0:
            raise AssertionError("a product without margin was not reported")
        return 0, 0, cell.ladder, 0, 0.0, 0.0, product.portfolio, excluded
    if margin.tiers not in firsts:
        firsts[margin.tiers] = len(lines)
        lines += _lines(margin.tiers)
    lower, upper = margin.open_interest or (Decimal(0), Decimal(0))
    mode = 1 if margin.initial_from == "leverage" else 0
    return firsts[margin.tiers], len(margin.tiers), cell.ladder, mode, float(lower), float(upper), -1, excluded


def _margin_tiers(margin: ProductMargin | None) -> tuple[MarginTier, ...]:
    if not isinstance(margin, Margin):
        return ()
    tiers = margin.tiers
    floors = (0.0, *(float(one.to) for one in tiers if one.to is not None))
    return tuple(MarginTier(floor, *line) for floor, line in zip(floors, _lines(tiers), strict=False))


def _lines(tiers: tuple[Tier, ...]) -> Iterator[LineRow]:
    """
    Yield each tier as a line: rate and the deduction that keeps the requirement continuous.

    Source: deduction[i] = deduction[i-1] + floor[i] x (rate[i] - rate[i-1]), the form in which Binance prints its
    brackets.
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
