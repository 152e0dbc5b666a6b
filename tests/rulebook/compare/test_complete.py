# SPDX-License-Identifier: Apache-2.0
"""Nothing that decides is left out: each field of what a rulebook compiles to is told of, or is known not to decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from marginrules.codes import Restriction
from marginrules.errors import RulebookError
from marginrules.machine import Code, Leg, Models, Parameter, Portfolio, ScenarioTable, Stage, Strategy, StrategyBook
from marginrules.rulebook import Program, load
from marginrules.rulebook.collateral import Callable as Redeemable
from marginrules.rulebook.collateral import Collateral, Haircut, Tenor, Utilisation, Volatility, WrongWay
from marginrules.rulebook.compare import compare
from marginrules.rulebook.compile import CompiledProduct
from marginrules.rulebook.models import Figure, History
from marginrules.rulebook.schema import Margin, Match, Tier
from marginrules.terms import CallTerms, Deadline, Ladder, LiquidationTerms, MoveLimit, PoolTerms, Step

BOOKS = Path(__file__).parents[3] / "rules"
TEXT = """\
rulebook: complete
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, professional]
calendars: {desk: XNYS}
marks: {max_age: 30s, limits: {volatility: {rise: 10%, fall: 10%, per: 1h}}}
collateral:
  USD: {haircut: 0%}
  BTC: {haircut: [{to: 100_000, rate: 5%}, {rate: 10%}], cap: 1_000_000, concentration: 50%, liability: 110%}
  BOND:
    haircut: {initial: 8%, maintenance: 4%}
    volatility: {multiple: 2, horizon: 1d, floor: 3%}
    matures: 2030-01-01
    tenor: [{to: 365d, rate: 1%}, {rate: 2%}]
    callable: {price: 101, from: 2027-01-01}
    wrong_way: {underlying: [BTC], haircut: 50%}
    utilisation: {deposits: 1_000_000, borrows: 500_000}
products:
  perpetual:
    match: {kind: perpetual, underlying: BTC, settlement: USD, symbol: "*-PERP", inverse: no}
    margin:
      model: tiers
      open_interest: {lower: 1_000_000, upper: 2_000_000}
      tiers: [{to: 100_000, initial: 10%, maintenance: 5%}, {initial: 20%, maintenance: 10%}]
  option:
    match: {kind: option, right: call}
    margin: {model: formula, initial: "total(10% * abs(value))", maintenance: "total(5% * abs(value))"}
pools: {apart: {products: [perpetual], classes: [retail]}}
ladders:
  main:
    calendar: desk
    steps:
      - step: call
        below: 130%
        clear: 135%
        for: 30s
        call: {restore: 140%, minimum_transfer: 100, round_to: 10}
        deadline: 17:00 next business day
        restrict: reduce_only
        notify: [client]
      - {step: again, after: call unmet, call: {restore: initial_margin, round_to: 10}, deadline: 1h}
      - step: part
        below: 105%
        or_after: again unmet
        liquidate: {fraction: 20%, until: 110%, every: 30s}
      - {step: all, below: 95%, liquidate: {target: 120%}}
      - {step: default, below: 0%, waterfall: [insurance_fund]}
"""
PROGRAM = load(TEXT.encode(), "complete.yaml")

# Fields that decide nothing by themselves: names, places, reasons, and what is made from what is compared.
SILENT: dict[type, set[str]] = {
    Program: {
        "name",
        "description",
        "digest",
        "effective_ns",  # from when on it can be activated
        "assets",  # numbers of `collateral`
        "entered",  # of `ladders`
        "margin_rules",
        "margin_reasons",
        "margin_tiers",  # of `margins`
        "tables",  # of all the rest
        "text",
        "scenario_labels",
        "wrong_way",  # of `collateral`
        "pool_line",
    },
    Ladder: {"name", "line", "increment"},  # the increment is that of the rulebook
    Step: {"line", "because"},
    Deadline: {"text"},
    CompiledProduct: {"line"},
    Margin: {"place"},
    Tier: {"place", "places", "is_sound"},
    Haircut: {"place", "places", "is_sound"},
    Tenor: {"place", "places", "is_sound"},
    Collateral: {"place", "places"},
    Figure: {"line"},
    ScenarioTable: {"name", "names"},
    Portfolio: {"line"},
    Strategy: {"name", "line"},
    StrategyBook: {"name"},
    Parameter: {"name"},
    Leg: {"name"},  # of inputs, which are compared
}
# Fields told of by other tests: those of formulas, of which no one can be changed for itself.
ELSEWHERE = (Code, Stage, Models, ScenarioTable, Portfolio, Leg, Strategy, StrategyBook, Parameter, Figure, History)

Change = Callable[[Program], Program]


def _ladder(change: Callable[[Ladder], Ladder]) -> Change:
    return lambda one: replace(one, ladders=(change(one.ladders[0]), *one.ladders[1:]))


def _step(number: int, **values: Any) -> Change:
    def changed(ladder: Ladder) -> Ladder:
        steps = list(ladder.steps)
        steps[number] = replace(steps[number], **values)
        return replace(ladder, steps=tuple(steps))

    return _ladder(changed)


def _call(number: int, **values: Any) -> Change:
    terms = PROGRAM.ladders[0].steps[number].call
    assert terms is not None
    return _step(number, call=replace(terms, **values))


def _deadline(number: int, **values: Any) -> Change:
    terms = PROGRAM.ladders[0].steps[number].call
    assert terms is not None
    return _call(number, deadline=replace(terms.deadline, **values))


def _liquidate(number: int, **values: Any) -> Change:
    terms = PROGRAM.ladders[0].steps[number].liquidate
    assert terms is not None
    return _step(number, liquidate=replace(terms, **values))


def _product(number: int, **values: Any) -> Change:
    def changed(one: Program) -> Program:
        products = list(one.products)
        products[number] = replace(products[number], **values)
        return replace(one, products=tuple(products))

    return changed


def _match(number: int, **values: Any) -> Change:
    return _product(number, match=replace(PROGRAM.products[number].match, **values))


def _margin(**values: Any) -> Change:
    def changed(one: Program) -> Program:
        rows = [list(row) for row in one.margins]
        for row in rows:
            assert isinstance(row[1], Margin)
            row[1] = replace(row[1], **values)
        return replace(one, margins=tuple(tuple(row) for row in rows))

    return changed


def _tier(**values: Any) -> Change:
    margin = PROGRAM.margins[0][1]
    assert isinstance(margin, Margin)
    return _margin(tiers=(replace(margin.tiers[0], **values), *margin.tiers[1:]))


def _asset(name: str, **values: Any) -> Change:
    return lambda one: replace(one, collateral=one.collateral | {name: replace(one.collateral[name], **values)})


BTC, BOND = PROGRAM.collateral["BTC"], PROGRAM.collateral["BOND"]
MORE = Decimal("1.5")
SESSIONS = ((1_800_000_000_000_000_000, 1_800_000_100_000_000_000),)
assert BOND.volatility
assert BOND.callable
assert BOND.wrong_way
assert BOND.utilisation

# (record, field) -> a change of that field alone
CHANGES: dict[tuple[type, str], Change] = {
    (Program, "currency"): lambda one: replace(one, currency="EUR"),
    (Program, "increment"): lambda one: replace(one, increment=Decimal("0.1")),
    (Program, "max_age_ns"): lambda one: replace(one, max_age_ns=1),
    (Program, "classes"): lambda one: replace(one, classes=(*one.classes, "maker")),
    (Program, "products"): _match(0, kinds=("spot",)),
    (Program, "ladders"): _ladder(lambda one: replace(one, steps=one.steps[:2])),
    (Program, "profiles"): lambda one: one,
    (Program, "limits"): lambda one: replace(one, limits={}),
    (Program, "models"): lambda one: one,
    (Program, "figures"): lambda one: replace(one, figures={"f": Figure(0, "pool", -1, (), 1)}),
    (Program, "histories"): lambda one: one,  # see `test_formulas_are_told_apart`
    (Program, "pools"): lambda one: replace(one, pools={}),
    (Program, "collateral"): lambda one: replace(one, collateral={"USD": one.collateral["USD"]}),
    (Program, "margins"): _margin(tiers=()),
    (Program, "ladder_numbers"): lambda one: replace(one, ladder_numbers=((1, 0),) * 2, ladders=_two(one)),
    (Program, "default_ladders"): lambda one: replace(one, default_ladders=(1, 1), ladders=_two(one)),
    (Ladder, "steps"): _ladder(lambda one: replace(one, steps=one.steps[1:])),
    (Step, "name"): _step(0, name="other"),
    (Step, "below"): _step(0, below=1.31),
    (Step, "clear"): _step(0, clear=1.36),
    (Step, "clear_after"): _step(1, clear_after=1.4),
    (Step, "for_ns"): _step(0, for_ns=1),
    (Step, "after"): _step(2, after=(0,)),
    (Step, "call"): _step(0, call=None),
    (Step, "restrict"): _step(0, restrict=Restriction.BLOCKED),
    (Step, "liquidate"): _step(2, liquidate=None),
    (Step, "waterfall"): _step(4, waterfall=("guarantee_fund",)),
    (Step, "notify"): _step(0, notify=("risk",)),
    (CallTerms, "restore"): _call(1, restore="maintenance_margin"),
    (CallTerms, "ratio"): _call(0, ratio=1.5),
    (CallTerms, "minimum_transfer"): _call(0, minimum_transfer=Decimal(101)),
    (CallTerms, "round_to"): _call(0, round_to=Decimal(20)),
    (CallTerms, "deadline"): _deadline(1, duration_ns=1),
    (Deadline, "duration_ns"): _deadline(1, duration_ns=1),
    (Deadline, "business_days"): _deadline(0, business_days=2),
    (Deadline, "sessions"): _deadline(0, sessions=SESSIONS),
    (LiquidationTerms, "fraction"): _liquidate(2, fraction=0.3),
    (LiquidationTerms, "target"): _liquidate(3, target=1.3),
    (LiquidationTerms, "until"): _liquidate(2, until=1.2),
    (LiquidationTerms, "every_ns"): _liquidate(2, every_ns=1),
    (LiquidationTerms, "cancel_orders_first"): _liquidate(2, cancel_orders_first=False),
    (LiquidationTerms, "first"): _liquidate(2, first="largest_loss"),
    (CompiledProduct, "name"): _product(1, name="other"),
    (CompiledProduct, "match"): _match(1, kinds=("future",)),
    (CompiledProduct, "max_age_ns"): _product(1, max_age_ns=1),
    (CompiledProduct, "portfolio"): _product(0, portfolio=-1),
    (CompiledProduct, "value_excluded"): _product(0, value_excluded=True),
    (Match, "kinds"): _match(1, kinds=("future",)),
    (Match, "underlyings"): _match(1, underlyings=("ETH",)),
    (Match, "settlements"): _match(1, settlements=("EUR",)),
    (Match, "symbols"): _match(1, symbols=("*",)),
    (Match, "inverse"): _match(1, inverse=True),
    (Match, "rights"): _match(0, rights=("put",)),
    (Margin, "tiers"): _margin(tiers=()),
    (Margin, "initial_from"): _margin(initial_from="leverage"),
    (Margin, "open_interest"): _margin(open_interest=None),
    (Tier, "to"): _tier(to=Decimal(99_999)),
    (Tier, "initial"): _tier(initial=Decimal("0.11")),
    (Tier, "maintenance"): _tier(maintenance=Decimal("0.06")),
    (PoolTerms, "products"): lambda one: replace(one, pools={"apart": PoolTerms(frozenset(), frozenset({"retail"}))}),
    (PoolTerms, "classes"): lambda one: replace(one, pools={"apart": PoolTerms(frozenset({1}), frozenset())}),
    (MoveLimit, "rise"): lambda one: replace(one, limits={"volatility": MoveLimit(None, 0.1, 3_600 * 10**9)}),
    (MoveLimit, "fall"): lambda one: replace(one, limits={"volatility": MoveLimit(0.1, None, 3_600 * 10**9)}),
    (MoveLimit, "per_ns"): lambda one: replace(one, limits={"volatility": MoveLimit(0.1, 0.1, 1)}),
    (Collateral, "haircuts"): _asset("BTC", haircuts=BTC.haircuts[:1]),
    (Collateral, "cap"): _asset("BTC", cap=None),
    (Collateral, "concentration"): _asset("BTC", concentration=Decimal(1)),
    (Collateral, "initial"): _asset("BOND", initial=None),
    (Collateral, "liability"): _asset("BTC", liability=MORE),
    (Collateral, "volatility"): _asset("BOND", volatility=None),
    (Collateral, "tenors"): _asset("BOND", tenors=BOND.tenors[1:]),
    (Collateral, "matures_ns"): _asset("BOND", matures_ns=None),
    (Collateral, "callable"): _asset("BOND", callable=None),
    (Collateral, "wrong_way"): _asset("BOND", wrong_way=None),
    (Collateral, "utilisation"): _asset("BOND", utilisation=None),
    (Haircut, "to"): _asset("BTC", haircuts=(replace(BTC.haircuts[0], to=Decimal(9)), BTC.haircuts[1])),
    (Haircut, "rate"): _asset("BTC", haircuts=(BTC.haircuts[0], replace(BTC.haircuts[1], rate=Decimal("0.11")))),
    (Tenor, "to_ns"): _asset("BOND", tenors=(replace(BOND.tenors[0], to_ns=1), BOND.tenors[1])),
    (Tenor, "rate"): _asset("BOND", tenors=(replace(BOND.tenors[0], rate=Decimal(0)), BOND.tenors[1])),
    (Volatility, "multiple"): _asset("BOND", volatility=replace(BOND.volatility, multiple=MORE)),
    (Volatility, "floor"): _asset("BOND", volatility=replace(BOND.volatility, floor=Decimal(0))),
    (Volatility, "horizon_ns"): _asset("BOND", volatility=replace(BOND.volatility, horizon_ns=1)),
    (Redeemable, "price"): _asset("BOND", callable=replace(BOND.callable, price=MORE)),
    (Redeemable, "from_ns"): _asset("BOND", callable=replace(BOND.callable, from_ns=1)),
    (WrongWay, "underlyings"): _asset("BOND", wrong_way=replace(BOND.wrong_way, underlyings=("ETH",))),
    (WrongWay, "haircut"): _asset("BOND", wrong_way=replace(BOND.wrong_way, haircut=Decimal("0.1"))),
    (Utilisation, "deposits"): _asset("BOND", utilisation=replace(BOND.utilisation, deposits=None)),
    (Utilisation, "borrows"): _asset("BOND", utilisation=replace(BOND.utilisation, borrows=MORE)),
}
UNTRIED = {(Program, "histories"), (Program, "models"), (Program, "profiles")}  # tried by the proof, and below


def _two(one: Program) -> tuple[Ladder, ...]:
    return (*one.ladders, replace(one.ladders[0], steps=one.ladders[0].steps[1:]))


def test_every_field_is_known() -> None:
    """A field that is new to a record is either tried below, or listed as deciding nothing."""
    records = {record for record, _ in CHANGES} | set(SILENT) | set(ELSEWHERE)
    for record in records - set(ELSEWHERE):
        tried = {name for kind, name in CHANGES if kind is record}
        assert {one.name for one in fields(record)} == tried | SILENT.get(record, set()), record
        assert not tried & SILENT.get(record, set()), record


@pytest.mark.parametrize("where", CHANGES.keys() - UNTRIED, ids=lambda one: f"{one[0].__name__}.{one[1]}")
def test_a_field_that_decides_is_told_of(where: tuple[type, str]) -> None:
    """Changed alone, both ways, it is no equivalent rulebook."""
    other = replace(CHANGES[where](PROGRAM), digest="other")
    there, back = compare(PROGRAM, other), compare(other, PROGRAM)
    assert there.changes
    assert {"stricter": "looser", "looser": "stricter"}.get(there.verdict, there.verdict) == back.verdict


def test_what_decides_nothing_is_equivalent() -> None:
    other = replace(PROGRAM, digest="other", description="told", name="renamed", scenario_labels=(("a",),), pool_line=9)
    assert compare(PROGRAM, other).verdict == "equivalent"
    assert compare(PROGRAM, other).text_only == ("rulebook: complete -> renamed", "description: none -> told")


# Every number of the rulebooks that ship

_NUMBER = re.compile(r"(?<![\w.#&;*-])(\d[\d_]*(?:\.\d+)?)(?=%|[,}\]\s]|[dhms]\b)")
_TEXT_ONLY = re.compile(r"^(\s*#|\s*(description|effective|because|rulebook):)")


def edits(text: str, rng: Random, count: int) -> Iterator[str]:
    """Yield texts of which one number is another."""
    places = [found for found in _NUMBER.finditer(text) if not _is_silent(text, found.start())]
    for found in rng.sample(places, min(count, len(places))):
        digits = found.group(1).replace("_", "")
        number = Decimal(digits) * Decimal(rng.choice(["1.01", "0.99", "1.1", "0.9"]))
        number = number if "." in digits or "%" in text[found.end() : found.end() + 1] else number.to_integral_value()
        yield text[: found.start(1)] + f"{number:f}" + text[found.end(1) :]


def _is_silent(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : text.find("\n", at)]
    before = line[: at - text.rfind("\n", 0, at)]
    return bool(_TEXT_ONLY.match(line)) or "#" in before or "name:" in before


def check_edits(book: str, count: int) -> int:
    """Check that no edit with another meaning is said to be equivalent; return how many had one."""
    text = (BOOKS / book / "rulebook.yaml").read_text(encoding="utf-8")
    program, tried = load(text.encode(), "r.yaml"), 0
    for edited in edits(text, Random(book), count):  # noqa: S311 - not a secret
        try:
            other = load(edited.encode(), "r.yaml")
        except RulebookError:
            continue
        tried += other.digest != program.digest
        found = compare(program, other)
        difference = [pair for pair in zip(text.splitlines(), edited.splitlines(), strict=True) if pair[0] != pair[1]]
        assert found.is_equivalent == (other.digest == program.digest), difference
    return tried


BOOK_NAMES = sorted(one.name for one in BOOKS.iterdir() if one.is_dir())


@pytest.mark.parametrize("book", BOOK_NAMES)
def test_no_number_of_a_shipped_book_is_overlooked(book: str) -> None:
    check_edits(book, 3)


@pytest.mark.long
@pytest.mark.parametrize("book", BOOK_NAMES)
def test_no_number_of_a_shipped_book_is_overlooked_at_all(book: str) -> None:
    check_edits(book, 10_000)
