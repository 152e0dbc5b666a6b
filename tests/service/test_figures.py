# SPDX-License-Identifier: Apache-2.0
"""Figures that a rulebook defines: of a pool, its positions, groups and scenarios, and what is refused."""

from __future__ import annotations

import math

import pytest

from marginrules.codes import Reason
from marginrules.errors import InputError
from marginrules.service.figures import FigureValues, PoolFigures, measure_figures
from marginrules.service.shard import Shard
from tests.service.answering import NOW, RULES, account, instruments, prices

FIGURES = """\
figures:
  buffer:
    of: pool
    value: equity - maintenance
  closing_cost:
    of: position
    given: {closed: number, fee: rate}
    value: closed * abs(unit_value) * 1 contract * fee
  is_hedged:
    of: pool
    given: {hedged: yes_no}
    value: if(hedged, 1, 0)
  least:
    of: portfolio options
    value: loss + 0 USD
  moved_to:
    of: portfolio options
    value: total(size * fx * (moved - now))
  size_now:
    of: position
    value: abs(value)
  swept:
    of: position
    value: value * crashes.price
"""
TEXT = RULES.replace("products:\n", FIGURES + "products:\n")
POSITIONS = {"BTC-PERP": 2.0, "BTC-C110": -3.0, "BTC-P90": -1.0, "ETH-C100": 5.0, "ETH-FUT": 1.0}


@pytest.fixture(scope="module")
def shard() -> Shard:
    """Return a shard with one account in all products."""
    made = Shard()
    made.apply("activate", {"text": TEXT, "file": "figures.yaml", "who": "desk", "why": "test"}, NOW)
    made.apply("instruments", {"instruments": instruments()}, NOW)
    made.apply("prices", {"sequence": 1, "prices": prices()}, NOW)
    made.apply("accounts", {"accounts": [account("a", {"USD": 10_000.0}, POSITIONS)]}, NOW)
    return made


def measure(shard: Shard, *names: str, symbol: str = "", **given: float) -> PoolFigures:
    """Measure figures of the account."""
    return measure_figures(shard, shard.book.pool_id("a", ""), NOW, names, symbol, given)


def one(shard: Shard, name: str, symbol: str = "", **given: float) -> FigureValues:
    """Measure one figure."""
    (found,) = measure(shard, name, symbol=symbol, **given).figures
    return found


def test_all_figures_that_need_nothing_come_by_themselves(shard: Shard) -> None:
    """Without names, those come whose inputs are given: of the pool, each position, each group."""
    found = measure(shard)
    assert found.view.valid
    assert [one.name for one in found.figures] == ["buffer", "least", "moved_to", "size_now", "swept"]
    assert [one.name for one in measure(shard, hedged=1.0).figures] == [
        "buffer",
        "is_hedged",
        "least",
        "moved_to",
        "size_now",
        "swept",
    ]
    buffer, least, _, size, _ = found.figures
    assert buffer.rows[0].values == (found.view.equity - found.view.maintenance_margin,)
    assert (buffer.of, buffer.rows[0].symbols) == ("pool", ())
    assert buffer.rule == f"answers:{TEXT.splitlines().index('  buffer:') + 1} figure buffer"
    assert [sorted(row.symbols) for row in least.rows] == [["BTC-C110", "BTC-P90"], ["ETH-C100", "ETH-FUT"]]
    assert least.portfolio == "options"
    by_symbol = {row.symbols: row.values for row in size.rows}
    assert by_symbol["BTC-PERP",] == (200.0,)
    assert len(by_symbol) == len(POSITIONS)


def test_a_figure_with_scenarios_has_their_names(shard: Shard) -> None:
    """Each scenario has a value, by its name or its number; the worst of them is what the formula says it is."""
    moved, least = one(shard, "moved_to"), one(shard, "least")
    assert len(moved.scenarios) == 14
    assert moved.scenarios[0] == "grid 1"
    for row, worst in zip(moved.rows, least.rows, strict=True):
        assert len(row.values) == 14
        assert worst.values == (max(0.0, -min(row.values)),)
    swept = one(shard, "swept", "BTC-PERP")
    assert swept.scenarios == ("crash", "rally", "crashes 3")
    assert swept.rows[0].values == pytest.approx((-40.0, 50.0, -10.0))


def test_a_symbol_narrows(shard: Shard) -> None:
    """One position, or the group that it is in; figures of the pool are left out."""
    assert [row.symbols for row in one(shard, "size_now", "BTC-C110").rows] == [("BTC-C110",)]
    (row,) = one(shard, "least", "ETH-FUT").rows
    assert sorted(row.symbols) == ["ETH-C100", "ETH-FUT"]
    assert [one.name for one in measure(shard, symbol="BTC-PERP").figures] == ["least", "moved_to", "size_now", "swept"]


def test_inputs(shard: Shard) -> None:
    """What is given comes in by name, whatever the order."""
    (row,) = one(shard, "closing_cost", "BTC-PERP", fee=0.01, closed=2.0).rows
    assert row.values == (2.0,)
    assert one(shard, "is_hedged", hedged=1.0).rows[0].values == (1.0,)


@pytest.mark.parametrize(
    ("names", "symbol", "given", "message", "hint"),
    [
        (["bufer"], "", {}, "figure was 'bufer'", "did you mean 'buffer'?"),
        (["buffer", "buffer"], "", {}, "figure 'buffer' was given twice", "give each once"),
        (
            ["buffer"],
            "BTC-PERP",
            {},
            "figure buffer was asked for 'BTC-PERP'",
            "it is of the pool: leave the symbol out",
        ),
        (["closing_cost"], "", {"closed": 1.0}, "input fee of figure closing_cost was missing", "give fee: rate"),
        (
            ["closing_cost"],
            "",
            {"close": 1.0, "fee": 0.0},
            "figure closing_cost had an input 'close'",
            "did you mean 'clo",
        ),
        (["buffer"], "", {"x": 1.0}, "figure buffer had an input 'x'", "it takes no inputs"),
        ([], "", {"hedgd": 1.0}, "rulebook answers had an input 'hedgd'", "did you mean 'hedged'?"),
        (["is_hedged"], "", {"hedged": 2.0}, "input hedged of figure is_hedged was 2", "1 for yes, 0 for no"),
        (["is_hedged"], "", {"hedged": math.nan}, "input hedged of figure is_hedged was nan", "give a finite number"),
        ([], "BTC-C100", {}, "pool has neither a position nor an order in 'BTC-C100'", "did you mean 'BTC-C110'?"),
        ([], "BTC-X", {}, "instrument 'BTC-X' is not known", "define it first"),
    ],
)
def test_refused(shard: Shard, names: list[str], symbol: str, given: dict[str, float], message: str, hint: str) -> None:
    """What is unknown, missing or out of range is refused by name, with what to do."""
    with pytest.raises(InputError) as caught:
        measure(shard, *names, symbol=symbol, **given)
    assert caught.value.message == message
    assert caught.value.hint.startswith(hint)


def test_what_cannot_be_measured_says_why() -> None:
    """A figure that lacks data has its reasons and no value; a pool that cannot be assessed has no rows."""
    text = TEXT.replace("value: abs(value)\n", "value: abs(value) * confidence\n")
    made = Shard()
    made.apply("activate", {"text": text, "file": "figures.yaml", "who": "desk", "why": "test"}, NOW)
    made.apply("instruments", {"instruments": instruments()}, NOW)
    made.apply("prices", {"sequence": 1, "prices": prices()}, NOW)
    made.apply("accounts", {"accounts": [account("a", {"USD": 10_000.0}, POSITIONS)]}, NOW)
    found = one(made, "size_now", "BTC-PERP")
    assert [(row.values, row.reasons) for row in found.rows] == [((), Reason.MISSING_DATA)]
    later = measure_figures(made, made.book.pool_id("a", ""), NOW + 10**18)
    assert not later.view.valid
    assert all(not one.rows for one in later.figures)


def test_no_rulebook_no_figures() -> None:
    """Where nothing is active the assessment says so."""
    made = Shard()
    engine = made.book.engine
    engine.add_account(0)
    found = measure_figures(made, engine.add_pool(0, -1), NOW)
    assert (found.view.reasons, found.figures) == (Reason.NO_RULEBOOK, ())
