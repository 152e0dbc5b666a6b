# SPDX-License-Identifier: Apache-2.0
"""The core's register machine against plain Python: every operation, place and stage, bit for bit."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import replace
from enum import IntEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules._core import core
from marginrules._core.core import Batch, Engine, use_lanes
from marginrules.codes import InstrumentKind
from marginrules.machine import PUBLISHED, Code, Field, Key, Op, Place, StageKind
from tests.core.machine_market import (
    FUNCTIONS,
    KEYS,
    MARKET,
    NOW,
    WORDS,
    Instrument,
    Market,
    code_of,
    figure_code_of,
    groups_of,
    markets,
    pool_code_of,
    run,
    tree_of,
)
from tests.rulebook.formula.formulas import formulas
from tests.rulebook.formula.interpreter import Interpreter

MASKS = st.sampled_from([Key(0), *Key, Key.UNDERLYING | Key.EXPIRY, Key.STRIKE | Key.RIGHT | Key.PRODUCT])
NOTHING = code_of("0 USDT", "0 USDT")
POOL_FIELDS = ("COLLATERAL", "EQUITY", "DUE", "BORROWED", "INITIAL", "MAINTENANCE", "UNREALIZED_PNL")


def bits(value: float) -> str:
    """Return a number to be compared bit by bit; every not-a-number is the same."""
    return "nan" if math.isnan(value) else struct.pack("<d", value).hex()


def key_of(engine: Engine, pool: int = 0) -> list[str | int]:
    """Return every figure of an assessment; the paths to it agree."""
    one, batch = engine.assess(pool, NOW), Batch(pool + 1)
    engine.assess_range(0, pool + 1, NOW, batch)
    keys: list[list[str | int]] = [
        [
            *map(bits, (found.equity, found.initial_margin, found.maintenance_margin, found.unrealized_pnl)),
            found.level,
            found.flags,
        ]
        for found in (one, batch[pool], engine.what_if(pool, NOW, [], [], [], []))
    ]
    assert keys[0] == keys[1] == keys[2]
    return keys[0]


STRATEGIES = tuple(code_of(f"strategy_margin(us, {word})") for word in ("initial", "maintenance"))


def strategy_margins(engine: Engine, codes: tuple[int, int], group: int) -> list[float]:
    """Return what the machine says of strategies, which have their own tests."""
    return [engine.figure(0, code, False, -1, 0, NOW)[1][group][1] for code in codes]


def expected_of(market: Market, code: Code, by: Key, inputs: dict[str, float] | None = None) -> list[list[float]]:
    """Return the outputs of a program for each group, in plain Python."""
    engine = market.engine(market.models([NOTHING, *STRATEGIES], by))
    return [
        run(code, replace(world, strategies=strategy_margins(engine, (1, 2), g), inputs=inputs or {}))
        for g, world in enumerate(groups_of(market.world(), by))
    ]


SETTINGS = settings(max_examples=200, deadline=None)


@SETTINGS
@given(formulas(words=WORDS, keys=KEYS), formulas(of_positions=True, words=WORDS, keys=KEYS), markets(), MASKS)
def test_programs_mean_what_plain_python_says(single: str, of_positions: str, market: Market, by: Key) -> None:
    """Whatever the formula, the market and the groups: the same bits, not-a-number in the same cases."""
    codes = [code_of(single), code_of(f"{of_positions} + 0 * value")]
    engine = market.engine(market.models([NOTHING, *codes], by))
    for number, code in enumerate(codes, 1):
        expected = [outputs[0] for outputs in expected_of(market, code, by)]
        flags, rows = engine.figure(0, number, False, -1, 0, NOW)
        # What is not finite is told as not a number, whichever it is.
        told = [value if math.isfinite(value) else math.nan for value in expected]
        assert [bits(value) for _, value in rows] == [bits(value) for value in told]
        assert bool(flags) == (not all(map(math.isfinite, expected)))


@SETTINGS
@given(formulas(of_positions=True, words=WORDS, keys=KEYS), markets(is_whole=True))
def test_programs_mean_what_their_formulas_say(text: str, market: Market) -> None:
    """The core gives what the typed tree means, up to the last bits of products that are taken apart."""
    text = f"{text} + 0 * value"
    engine = market.engine(market.models([NOTHING, code_of(text), *STRATEGIES]))
    if not market.instruments:
        return
    strategies = strategy_margins(engine, (2, 3), 0)
    world = replace(market.world(), strategies=strategies)
    expected = Interpreter(world, functions=FUNCTIONS).whole(tree_of(text))
    found = engine.figure(0, 1, False, -1, 0, NOW)[1][0][1]
    is_same = found == expected or (math.isnan(found) and math.isnan(expected))
    assert is_same or math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def demanded(groups: list[list[float]]) -> tuple[float, float]:
    """Return IM and MM of some groups: never below 0, and IM never below MM."""
    initial = maintenance = 0.0
    for im, mm in groups:
        floored = max(0.0, mm)
        initial += max(floored, im)
        maintenance += floored
    return initial, maintenance


@SETTINGS
@given(
    formulas(words=WORDS, keys=KEYS),
    formulas(of_positions=True, words=WORDS, keys=KEYS),
    markets(),
    MASKS,
    st.booleans(),
)
def test_portfolios_add_up_their_groups(single: str, of_positions: str, market: Market, by: Key, swapped: bool) -> None:
    """IM and MM are sums over groups, each floored; where a group has no figure, the account has a reason instead."""
    both = (f"{of_positions} + 0 * value", single)
    code = code_of(*(both[::-1] if swapped else both))
    groups = expected_of(market, code, by)
    engine = market.engine(market.models([code, NOTHING], by))
    market.put(engine, engine.add_pool(engine.add_account(0), -1))
    keys = key_of(engine)
    assert key_of(engine, 1) == keys, "a pool is assessed alike wherever it lies in a batch"
    if all(math.isfinite(value) for group in groups for value in group):
        assert keys[1:3] == [bits(value) for value in demanded(groups)]
        assert keys[-1] == 0
    else:
        assert keys[-1]


@settings(max_examples=100, deadline=None)
@given(formulas(of_positions=True, words=WORDS, keys=KEYS), markets(), st.data())
def test_pools_have_the_last_word(text: str, market: Market, data: st.DataObject) -> None:
    """The pool's formulas see all positions and every sum; what comes out of them is floored alike."""
    words = [data.draw(st.sampled_from([name.lower() for name in POOL_FIELDS])) for _ in range(2)]
    margin = code_of("total(abs(value)) * 10%", "total(abs(value)) * 5%")
    code = pool_code_of(f"total({text} + 0 * value) + {words[0]}", f"{words[1]} * 50% - min(0, {words[0]})")
    engine = market.engine(market.models([margin, code, *STRATEGIES], pool=1))
    plain = market.engine(market.models([margin, NOTHING, *STRATEGIES])).assess(0, NOW)
    assert plain.is_valid
    world = replace(
        market.world(),
        pool={
            "COLLATERAL": plain.collateral_value,
            "EQUITY": plain.equity,
            "DUE": 0.0,
            "BORROWED": max(-market.cash, 0.0),
            "INITIAL": plain.initial_margin,
            "MAINTENANCE": plain.maintenance_margin,
            "UNREALIZED_PNL": plain.unrealized_pnl,
        },
        strategies=strategy_margins(market.engine(market.models([NOTHING, NOTHING, *STRATEGIES])), (2, 3), 0)
        if market.instruments
        else [0.0, 0.0],
    )
    outputs = run(code, world)
    keys = key_of(engine)
    if all(map(math.isfinite, outputs)):
        assert keys[1:3] == [bits(value) for value in demanded([outputs])]
        assert keys[-1] == 0
    else:
        assert keys[-1]


@settings(max_examples=100, deadline=None)
@given(
    formulas(of_positions=True, words=WORDS, keys=KEYS), markets(), st.lists(st.integers(-8, 8), min_size=2, max_size=2)
)
def test_figures_are_given_inputs(text: str, market: Market, numbers: list[int]) -> None:
    """A figure of the pool, of a position and of a portfolio is given its inputs in the order of its program."""
    given_ = {"bumped": "number", "kept": "amount"}
    value = f"total({text} + kept + value * bumped)"
    code = figure_code_of(value, of="portfolio", given=given_)
    inputs = [float(one) for one in numbers]
    engine = market.engine(market.models([NOTHING, code], Key.INSTRUMENT))
    groups = expected_of(market, code, Key.INSTRUMENT, dict(zip(code.inputs, inputs, strict=True)))
    _, rows = engine.figure(0, 1, False, -1, 0, NOW, inputs)
    assert [bits(found) for _, found in rows] == [bits(outputs[0]) for outputs in groups]
    for (row,), (_, found) in zip([ids for ids, _ in rows], rows, strict=True):
        assert [bits(one) for _, one in engine.figure(0, 1, False, row, -1, NOW, inputs)[1]] == [bits(found)]
    whole = expected_of(market, code, Key(0), dict(zip(code.inputs, inputs, strict=True)))
    if whole:
        assert bits(engine.figure(0, 1, True, -1, -1, NOW, inputs)[1][0][1]) == bits(whole[0][0])
    with pytest.raises(ValueError, match="inputs"):
        engine.figure(0, 1, True, -1, -1, NOW, inputs[1:])


@settings(max_examples=100, deadline=None)
@given(formulas(of_positions=True, words=WORDS, keys=KEYS), markets(is_whole=True))
def test_narrow_lanes_give_the_same_bits(text: str, market: Market) -> None:
    """What one lane at a time computes, eight at a time do."""
    models = market.models([code_of(f"{text} + 0 * value")])
    wide = key_of(market.engine(models))
    before = use_lanes(1)
    try:
        assert key_of(market.engine(models)) == wide
    finally:
        use_lanes(before)


def test_rounding_stops_where_a_price_is_searched() -> None:
    """A margin that moves in steps jumps over the ratio; without steps the ratio is met on the way."""
    one = Instrument(InstrumentKind.PERPETUAL, mark=100.0, quantity=1.0)
    market = replace(MARKET, instruments=(one,), cash=95.0)
    code = code_of("0 USDT", "total(floor(abs(value) / 10 USDT) * 10 USDT)")
    engine = market.engine(market.models([code]))
    # Equity is mark - 5. MM is the mark: mark - 5 = 60 % x mark; or the ten below it: mark - 5 = 60 % x 10.
    assert engine.liquidation_price(0, 0, NOW, 0.6, is_smooth=True) == pytest.approx(12.5)
    assert engine.liquidation_price(0, 0, NOW, 0.6) == pytest.approx(11.0)


def numbers_of(name: str) -> dict[str, int]:
    """Return the enumeration that follows a comment `marginrules.machine.NAME` in the core's source."""
    source = (Path(core.__file__).parent / "machine.pyx").read_text(encoding="utf-8")
    body = re.search(rf"cdef enum:  # marginrules\.machine\.{name}\n((?:    .*\n)+)", source)
    assert body is not None
    found, number = {}, 0
    for word in re.sub(r"#.*", "", body[1]).replace(",", "\n").split("\n"):
        constant, _, value = (part.strip() for part in word.partition("="))
        if constant:
            number = int(value) if value else number
            found[constant] = number
            number += 1
    return found


@pytest.mark.parametrize(
    ("kind", "prefix", "extra"),
    [
        (Op, "OP_", set()),
        (Place, "AT_", {"PLACE_COUNT"}),
        (StageKind, "STAGE_", set()),
        (Field, "FIELD_", {"FIELD_PUBLISHED_END"}),
        (Key, "BY_", set()),
    ],
)
def test_both_sides_have_the_same_numbers(kind: type[IntEnum], prefix: str, extra: set[str]) -> None:
    """Every name of the core's source has the number of the contract, and no operation, place or stage is left out."""
    numbers = numbers_of(kind.__name__)
    names = {one.name: int(one) for one in kind}
    for constant, number in numbers.items():
        assert constant in extra or names[constant.removeprefix(prefix)] == number, constant
    if kind is not Field:  # published fields are read by their number alone
        assert {constant.removeprefix(prefix) for constant in numbers.keys() - extra} == names.keys()
    if extra == {"PLACE_COUNT"}:
        assert numbers["PLACE_COUNT"] == max(names.values()) + 1
    if kind is Field:
        assert numbers["FIELD_PUBLISHED_END"] == max(PUBLISHED) + 1
        assert numbers["FIELD_INDEX"] == min(PUBLISHED)
