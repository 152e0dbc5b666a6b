# SPDX-License-Identifier: Apache-2.0
"""Margin models mean what they say: scenarios, tables, portfolios, strategies, figures, and their digest."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal, localcontext
from itertools import product as combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules.errors import RulebookError
from marginrules.limits import PORTFOLIOS_MAX, SCENARIOS_MAX
from marginrules.machine import Key, Leg, Models
from marginrules.rulebook import Program, load, validate
from marginrules.rulebook import compile as compiling
from tests.rulebook.checker import ROOT
from tests.rulebook.large import large_rulebook
from tests.rulebook.trees import Tree, is_formula, read_tree, replaced, rewrite_tree, scalars, write_tree

GOOD = ROOT / "tests/rulebooks/good/every-section.yaml"
TEXT = GOOD.read_text(encoding="utf-8")
PROGRAM = load(GOOD.read_bytes(), GOOD.name)
TREE = read_tree(TEXT)


def compiled(old: str, new: str) -> Program:
    """Return the program of the book with one change."""
    assert TEXT.count(old) == 1
    return load(TEXT.replace(old, new).encode(), "changed.yaml")


def table(program: Program, name: str) -> Any:
    """Return a scenario table by name."""
    return next(one for one in program.models.scenarios if one.name == name)


def line(text: str) -> int:
    """Return the line on which a text stands that the book has once."""
    assert TEXT.count(text) == 1
    return TEXT[: TEXT.index(text)].count("\n") + 1


# Scenarios


def test_combinations_come_first_the_first_column_outermost() -> None:
    """Every combination, the first column outermost, then the rows; a column that a row leaves out is 0, a weight 1."""
    grid = table(PROGRAM, "grid")
    assert grid.names == ("weight", "price", "volatility")
    expected = [(1.0, *row) for row in combinations((-0.16, 0.0, 0.16), (-0.25, 0.5))] + [(0.24, -0.66, 0.5)]
    assert list(zip(*grid.columns, strict=True)) == expected
    assert grid.count == 7
    assert not grid.is_historical
    at = PROGRAM.models.scenarios.index(grid)
    assert PROGRAM.scenario_labels[at] == ("",) * 6 + ("crash",)


def test_columns_may_differ_from_row_to_row() -> None:
    """Columns are those of every row together, in the order of their names."""
    rows = "rows: [{price: -20%}, {jump: 3, weight: 2}, {name: nothing}]"
    crash = table(compiled("rows: [{price: -20%}]", rows), "crash_1987")
    assert crash.names == ("weight", "jump", "price")
    assert crash.columns == ((1.0, 2.0, 1.0), (0.0, 3.0, 0.0), (-0.2, 0.0, 0.0))


def test_history_weighs_the_newest_most() -> None:
    """Scenario 0 is the newest; after a half-life the weight is a half; the moves come from outside."""
    past = table(PROGRAM, "past")
    assert (past.names, past.count, past.is_historical) == (("weight",), 250, True)
    weights = past.columns[0]
    assert (weights[0], weights[60], weights[120]) == (1.0, 0.5, 0.25)
    assert weights == tuple(sorted(weights, reverse=True))
    with localcontext() as context:
        context.prec = 40
        for age in (1, 7, 59, 249):
            assert weights[age] == float(Decimal(2) ** (Decimal(-age) / 60))
    (history,) = PROGRAM.histories
    assert PROGRAM.models.scenarios[history.table] == past
    assert (history.window, history.horizon_days, history.scaled_half_life) == (250, 2, 30.0)


def test_history_weighs_all_the_same_unless_told() -> None:
    """Without `weights` and `scaled`, every move counts alike and as it was."""
    program = compiled(", weights: {half_life: 60}, scaled: {half_life: 30}", "")
    assert set(table(program, "past").columns[0]) == {1.0}
    assert program.histories[0].scaled_half_life == 0.0
    assert (
        program.digest
        == compiled("weights: {half_life: 60}, scaled: {half_life: 30}", "weights: equal, scaled: no").digest
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(-99, 99), min_size=1, max_size=5, unique=True), min_size=1, max_size=4))
def test_combinations_are_every_combination(values: list[list[int]]) -> None:
    """Any lists of values combine to their product, in the order of the lists."""
    combine = ", ".join(f"c{at}: [{', '.join(f'{one}%' for one in row)}]" for at, row in enumerate(values))
    crash = table(compiled("rows: [{price: -20%}]", f"combine: {{{combine}, price: -20%}}"), "crash_1987")
    rows = list(zip(*crash.columns[1:-1], strict=True))
    assert rows == [tuple(one / 100 for one in row) for row in combinations(*values)]
    assert set(crash.columns[-1]) == {-0.2}


def test_as_many_scenarios_as_allowed() -> None:
    """The limit itself is allowed."""
    hundred = ", ".join(f"{number}%" for number in range(100))
    assert SCENARIOS_MAX == 100 * 100
    combine = f"combine: {{price: [{hundred}], volatility: [{hundred}]}}"
    assert table(compiled("rows: [{price: -20%}]", combine), "crash_1987").count == SCENARIOS_MAX


# Tables


def test_tiers_are_continuous() -> None:
    """Each row has its floor, its rate and the value at the floor: the sum of what is below."""
    assert PROGRAM.models.tiers == (((0.0, 0.01, 0.0), (10_000.0, 0.02, 100.0), (100_000.0, 0.04, 1_900.0)),)


# Portfolios, products, pool


def test_products_point_to_their_portfolios() -> None:
    """Named portfolios come first, by name; a product with a formula of its own is a portfolio of that product."""
    portfolios = PROGRAM.models.portfolios
    assert [(one.name, one.by) for one in portfolios] == [
        ("book", Key.UNDERLYING),
        ("rest", Key(0)),
        ("coin", Key.PRODUCT),
        ("perpetual", Key.PRODUCT),
        ("put", Key.PRODUCT),
    ]
    found = {one.name: (one.portfolio, one.value_excluded) for one in PROGRAM.products}
    assert found == {
        "coin": (2, False),
        "future": (0, True),
        "metal": (1, False),
        "perpetual": (3, False),
        "put": (4, True),
        "spot": (-1, False),
    }


def test_same_formulas_share_a_program() -> None:
    """Two products whose formulas mean the same have one program, however they are written."""
    coin, perpetual = PROGRAM.models.portfolios[2:4]
    assert coin.code == perpetual.code
    text = TEXT.replace(
        "      define: {base: notional}\n      initial: base * 20%", "      initial: (notional) * 0.20", 1
    )
    text = text.replace("maintenance: base * im_floor", "maintenance: notional * im_floor", 1)
    assert text != TEXT
    coin, perpetual = load(text.encode(), "changed.yaml").models.portfolios[2:4]
    assert coin.code == perpetual.code


def test_rule_that_decided_is_named() -> None:
    """A formula is cited by its product, a portfolio by its own name and line."""
    names = [one.name for one in PROGRAM.products]
    (texts,) = {PROGRAM.margin_rules[PROGRAM.profile_of("professional", "")]}
    rules = dict(zip(names, texts, strict=True))
    assert rules["future"] == f"every-section:{line('  book:')} portfolio book"
    assert rules["metal"] == f"every-section:{line('  rest:')} portfolio rest"
    assert re.fullmatch(r"every-section:\d+ perpetual", rules["perpetual"])
    assert re.fullmatch(r"every-section:\d+ spot", rules["spot"])


def test_rules_carry_portfolio_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule has its portfolio or -1, and whether an option's value is excluded; one with formulas has no tiers."""
    rows: list[Any] = []

    class Compiler(compiling._Compiler):
        def _rules(self, *args: Any) -> Any:
            rows.append(super()._rules(*args))
            return rows[-1]

    monkeypatch.setattr(compiling, "_Compiler", Compiler)
    program = load(GOOD.read_bytes(), GOOD.name)
    ((_, rules),) = rows
    for profile in rules:
        for product, row in zip(program.products, profile, strict=True):
            assert row[6:] == (product.portfolio, int(product.value_excluded))
            assert (row[1] > 0) == (product.portfolio < 0)


def test_override_of_a_ladder_reaches_products_with_formulas() -> None:
    """Ladders are overridden whatever the margin model is."""
    steps = [step.call.deadline.text for ladder in PROGRAM.ladders for step in ladder.steps if step.call]
    assert sorted(steps) == ["2h", "4h"]


def test_too_many_portfolios_are_refused() -> None:
    """Portfolios and products with a formula of their own are counted together."""
    product = "  p{0}:\n    match: {{kind: perpetual, symbol: P{0}}}\n    margin:\n      model: formula\n"
    product += "      initial: {0}% * notional\n      maintenance: 0\n"
    room = PORTFOLIOS_MAX - len(PROGRAM.models.portfolios)
    for count, codes in ((room, []), (room + 1, ["MR-R107"])):
        products = "".join(product.format(number) for number in range(1, count + 1))
        text = TEXT.replace("  spot:\n", products + "  spot:\n")
        assert [one.code for one in validate(text.encode(), "many.yaml")] == codes


def test_pool_lets_stand_what_it_does_not_change() -> None:
    """A pool with initial alone leaves maintenance as it came in: the same as writing it."""
    assert PROGRAM.models.pool >= 0
    written = compiled(
        "  initial: max(initial, floor_of_all)", "  initial: max(initial, floor_of_all)\n  maintenance: maintenance"
    )
    assert written.digest == PROGRAM.digest


# Strategies


def test_legs_are_signed_ratios() -> None:
    """The sign says long or short, the number how many; legs stand in the order of their names."""
    (book,) = PROGRAM.models.strategies
    spread = next(one for one in book.strategies if one.name == "call_spread")
    assert spread.legs == (Leg("long", 1, 1, 1), Leg("short", 1, -1, 1))
    assert spread.line == line("- strategy: call_spread")
    assert spread.condition >= 0
    assert {one.condition for one in book.strategies if one.name != "call_spread"} == {-1}
    condor = compiled("legs: {short: {call: -1}, long: {call: 1}}", "legs: {short: {put: -2}, long: {call: 1}}")
    changed = condor.models.strategies[0].strategies[-1]
    assert changed.legs == (Leg("long", 1, 1, 1), Leg("short", -1, -1, 2))


# Figures


def test_figures_say_what_they_are_of() -> None:
    """A figure is of a position, the pool or a portfolio; what the caller gives has its kind."""
    figures = PROGRAM.figures
    assert {name: (one.of, one.portfolio, one.given) for name, one in figures.items()} == {
        "buffer": ("pool", -1, ()),
        "loss_of_a_move": ("position", -1, (("move", "rate"),)),
        "worst": ("portfolio", 0, ()),
    }
    assert all(one.line == line(f"  {name}:\n") for name, one in figures.items())
    assert PROGRAM.models.codes[figures["loss_of_a_move"].code].inputs == ("move",)


# The digest


def test_book_without_formulas_keeps_its_digest() -> None:
    """A book without any of the sections is what it was before there were any."""
    program = load((ROOT / "rules/smallest/rulebook.yaml").read_bytes(), "smallest.yaml")
    assert program.models == Models()
    assert program.digest == "63f700449bef33f11794660227318f6bbab1564a480743415632070b31d62d4c"


def _respelt(text: str, chance: random.Random) -> str:
    """Write a formula in another way: spaces, brackets, percentages."""
    text = re.sub(r" ([-+*/]) ", lambda found: chance.choice([" {} ", "{}", "  {} ", "{} "]).format(found[1]), text)
    text = re.sub(r"\b20%", lambda _: chance.choice(["20%", "20 %", "0.2", "2000 bps", "0.20"]), text)
    if not re.search(r"\bby\b", text) and chance.random() < 0.5:
        text = f"({text})"
    return text


@pytest.mark.promise("MR-P01")
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_writing_has_no_meaning(seed: int) -> None:
    """Order of keys, comments, quotes, numbers, spaces and needless brackets of formulas do not change the digest."""
    chance = random.Random(seed)  # noqa: S311 - not a secret
    tree = TREE
    for path, text in scalars(TREE):
        if is_formula(path):
            tree = replaced(tree, path, _respelt(text, chance))
    content = rewrite_tree(tree, chance)
    assert load(content, "rewritten.yaml").digest == PROGRAM.digest, content.decode()


def digest_of(tree: Tree) -> str | None:
    """Return the digest of a tree, or None where it is no good rulebook."""
    try:
        return load(write_tree(tree), "changed.yaml").digest
    except RulebookError:
        return None


_OTHERS: list[tuple[str, str]] = [
    ("im_floor: 10%", "im_floor: 11%"),
    ("least: 100 USD", "least: 101 USD"),
    ("grace: 30d", "grace: 31d"),
    ("- {to: 10_000, rate: 1%}", "- {to: 10_000, rate: 1.1%}"),
    ("- {to: 10_000, rate: 1%}", "- {to: 10_001, rate: 1%}"),
    ("price: [-16%, 0%, 16%]", "price: [-16%, 0%, 15%]"),
    ("price: [-16%, 0%, 16%]", "price: [16%, 0%, -16%]"),
    ("weight: 24%", "weight: 25%"),
    ("name: crash", "name: crisis"),
    ("window: 250", "window: 251"),
    ("horizon: 2d", "horizon: 3d"),
    ("weights: {half_life: 60}", "weights: {half_life: 61}"),
    ("scaled: {half_life: 30}", "scaled: {half_life: 31}"),
    ("by: [underlying]", "by: [underlying, expiry]"),
    ("total(abs(value) by expiry)", "total(abs(value) by strike)"),
    ("maintenance: 80% * loss", "maintenance: 81% * loss"),
    ("stress: worst_loss(", "stress: -lowest("),
    ("total(moves), 95%)", "total(moves), 96%)"),
    ("{strategy: long_put,", "{strategy: bought_put,"),
    ("legs: {short: {call: -1}, long: {call: 1}}", "legs: {short: {call: -2}, long: {call: 1}}"),
    ("long.strike >= short.strike and", "long.strike > short.strike and"),
    ("floor_of_all: 100 USD", "floor_of_all: 99 USD"),
    ("given: {move: rate}", "given: {move: number}"),
    ("value: equity - maintenance", "value: equity - initial"),
    ("  buffer:", "  cushion:"),
    ("define: {doubled: 2 * loss}", "define: {doubled: 3 * loss}"),
    ("    match: {kind: future}\n    value: excluded\n", "    match: {kind: future}\n"),
    ("{kind: future, underlying: XAU}", "{kind: future, underlying: XAG}"),
    ("  metal:\n", "  metals:\n"),
]


@pytest.mark.promise("MR-P01")
@pytest.mark.parametrize(("old", "new"), _OTHERS, ids=[f"{old} -> {new}" for old, new in _OTHERS])
def test_every_value_has_a_meaning(old: str, new: str) -> None:
    """Whatever else a section says, the digest is another."""
    assert compiled(old, new).digest != PROGRAM.digest


@pytest.mark.parametrize("name", ["im_floor", "loss", "charge", "base", "doubled", "minimum_charge"])
def test_name_that_is_no_part_of_the_program_has_no_meaning(name: str) -> None:
    """What only formulas name can be renamed: the compiled book is the same."""
    text = re.sub(rf"\b{name}\b", f"{name}_2", TEXT)
    assert load(text.encode(), "renamed.yaml").digest == PROGRAM.digest


@pytest.mark.parametrize("name", ["book", "grid", "options", "call_spread", "worst", "price"])
def test_name_that_reports_carry_has_a_meaning(name: str) -> None:
    """Portfolios, scenario tables, columns, strategies and figures are named in reports and requests."""
    text = re.sub(rf"\b{name}\b(?!: 102)", f"{name}_2", TEXT)  # the price of a call is a key of collateral
    assert load(text.encode(), "renamed.yaml").digest != PROGRAM.digest


def test_unused_definition_has_no_meaning() -> None:
    """A definition that nothing uses changes nothing."""
    assert compiled("      moves: value", "      unused: total(value)\n      moves: value").digest == PROGRAM.digest


# Problems


def test_problems_of_formulas_and_of_sections_are_reported_together() -> None:
    """A text with mistakes in several sections is reported whole, in the order of the text."""
    text = TEXT.replace("worst_loss(total(change))", "wrost_loss(total(change))").replace(
        "deadline: 4h", "deadline: 4x"
    )
    text = text.replace("weight: 24%", "weight: -24%").replace("equity - maintenance", "equity - 5%")
    found = validate(text.encode(), "several.yaml")
    assert [one.code for one in found] == ["MR-R308", "MR-R402", "MR-R404", "MR-R324"]
    assert json.dumps([one.as_json() for one in found])
    for one in found:
        assert one.source == text.split("\n")[one.place.line - 1]


def test_misspelt_column_is_reported() -> None:
    """A column that no formula reads, one letter from another, is a mistake and not one more column."""
    text = TEXT.replace("weight: 24%, name: crash", "wieght: 24%, name: crash")
    (found,) = validate(text.encode(), "misspelt.yaml")
    assert (found.code, found.hint) == ("MR-R301", "did you mean 'weight'?")
    assert found.source[found.place.column - 1 :].startswith("wieght")


def test_large_book_with_models_compiles_to_one_digest() -> None:
    """The sections before the products of a large book change nothing about how products are read."""
    text = large_rulebook(600).decode()
    at = TEXT.index("constants:")
    sections = TEXT[at : TEXT.index("\nproducts:\n") + 1].split("portfolios:")[0]
    more = text.replace("products:\n", sections + "products:\n")
    assert load(more.encode(), "large.yaml").digest != load(text.encode(), "large.yaml").digest
