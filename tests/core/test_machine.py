# SPDX-License-Identifier: Apache-2.0
"""The core's register machine against plain Python: every operation, place and stage, bit for bit."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from marginrules._core.core import Batch, Engine
from marginrules.codes import Reason
from marginrules.machine import Code, Key
from tests.core.machine_market import (
    KEYS,
    NOW,
    WORDS,
    WORDS_WITHOUT_ORDERS,
    Market,
    code_of,
    groups_of,
    markets,
    pool_code_of,
    run,
)
from tests.rulebook.formula.formulas import formulas
from tests.rulebook.formula.world import World

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
    keys = [
        [
            *map(bits, (found.equity, found.initial_margin, found.maintenance_margin, found.unrealized_pnl)),
            found.level,
            found.flags,
        ]
        for found in (one, batch[pool], engine.what_if(pool, NOW, [], [], [], []))
    ]
    assert keys[0] == keys[1] == keys[2]
    return keys[0]


def strategy_margins(engine: Engine, market: Market, codes: tuple[int, int], group: int) -> list[float]:
    """Return what the machine says of strategies, which have their own tests."""
    return [engine.figure(0, code, False, -1, 0, NOW)[1][group][1] for code in codes]


def expected_of(market: Market, code: Code, by: Key, *, with_orders_alone: bool = False) -> list[list[float]]:
    """Return the outputs of a program for each group, in plain Python."""
    strategies = tuple(code_of(f"strategy_margin(us, {word})") for word in ("initial", "maintenance"))
    engine = market.engine(market.models([NOTHING, *strategies], by))
    worlds = groups_of(market.world(with_orders_alone), by)
    return [
        run(code, replace(world, strategies=strategy_margins(engine, market, (1, 2), g)))
        for g, world in enumerate(worlds)
    ]


@settings(max_examples=300, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(formulas(words=WORDS, keys=KEYS), formulas(of_positions=True, words=WORDS, keys=KEYS), markets(), MASKS)
def test_programs_mean_what_plain_python_says(single: str, of_positions: str, market: Market, by: Key) -> None:
    """Whatever the formula, the market and the groups: the same bits, not-a-number in the same cases."""
    codes = [code_of(single), code_of(f"{of_positions} + 0 * value")]
    engine = market.engine(market.models([NOTHING, *codes], by))
    for number, code in enumerate(codes, 1):
        expected = [outputs[0] for outputs in expected_of(market, code, by)]
        _, rows = engine.figure(0, number, False, -1, 0, NOW)
        assert [bits(value) for _, value in rows] == [bits(value) for value in expected]
