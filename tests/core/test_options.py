# SPDX-License-Identifier: Apache-2.0
"""Options in the core: the premium counts in full, a fill pays it, and what is published beside a mark is kept."""

from __future__ import annotations

import math
from typing import Any

import pytest

from marginrules._core.core import Engine, Tables
from marginrules.codes import InstrumentKind, Reason
from marginrules.machine import Field

NOW, AGE = 1_000, 100
DOLLAR, CALL, FUTURE = 0, 0, 1
Quoted = list[tuple[int, float, int, float, list[tuple[int, float]]]]
LEVELS = {int(Field.INDEX): 98.0, int(Field.VOLATILITY): 0.25, int(Field.OPEN_INTEREST): 7.0}


def engine_with(quantity: float, *, marks: list[Any] | None = None) -> Engine:
    """Return an engine with a call on 100 units and a future; pool 0 has 1,000 dollars and calls."""
    engine = Engine()
    engine.add_asset(0)
    for kind, right in ((InstrumentKind.OPTION, 1), (InstrumentKind.FUTURE, 0)):
        engine.add_instrument(DOLLAR, -1, False, kind, 100.0, 1.0, NOW + AGE, -1, AGE, 95.0 if right else 0.0, right)
    tables = Tables(
        [(0.0, 0.0, 0.0, 0.0)], [[(0, 1, 0, 0, 0.0, 0.0)]], [(1.0, 0.0)], [(0, 1, math.inf, 1.0)], [[1.0]], [0]
    )
    engine.activate(tables, [0, 0], [AGE, AGE], [0], [0], {})
    engine.add_pool(engine.add_account(0), -1)
    engine.set_prices([(DOLLAR, 1.0, NOW, AGE)], marks if marks is not None else [(CALL, 5.0, NOW, 0.0)])
    engine.put_pool(0, 0, 0.0, [(DOLLAR, 1_000.0)], [(CALL, quantity, 0.0, 0.0)] if quantity else [], [])
    return engine


@pytest.mark.parametrize(("quantity", "equity"), [(2.0, 2_000.0), (-2.0, 0.0)])
def test_market_value_counts_in_full(quantity: float, equity: float) -> None:
    """A long option adds quantity x multiplier x mark to equity, a short one takes it away; there is no entry price."""
    engine = engine_with(quantity)
    assert engine.assess(0, NOW).equity == equity
    assert engine.pool_content(0)[2] == [(CALL, quantity, 0.0, 0.0)]


@pytest.mark.parametrize("quantity", [1.0, -1.0])
def test_a_fill_pays_the_premium(quantity: float) -> None:
    """A fill at the mark leaves equity where it is: the premium moves from cash into the option, or back."""
    engine = engine_with(0.0)
    after = engine.what_if(0, NOW, [], [(CALL, quantity, 0.0, 0.0)], [], [])
    assert after.equity == 1_000.0
    assert after.collateral_value == 1_000.0 - quantity * 500.0


def test_an_order_pays_its_premium() -> None:
    """A buy above the mark is checked with the loss of its fill; what cannot be paid from equity is refused."""
    engine = engine_with(0.0)
    accepted, flags, _, after, _ = engine.check_order(0, CALL, 2.0, 6.0, 0.0, False, NOW)
    assert (accepted, flags, after.equity) == (True, 0, 800.0)
    accepted, flags, _, _, largest = engine.check_order(0, CALL, 11.0, 6.0, 0.0, False, NOW)
    assert (accepted, Reason(flags), largest) == (False, Reason.INSUFFICIENT_MARGIN, 10.0)


def test_an_option_alone_may_be_worthless() -> None:
    """A published mark of 0 is a value for an option; for a future, and before any mark, the price is missing."""
    engine = engine_with(2.0, marks=[(CALL, 0.0, NOW, 0.0), (FUTURE, 0.0, NOW, 0.0)])
    assert engine.assess(0, NOW).is_valid
    assert engine.assess(0, NOW).equity == 1_000.0
    engine.put_pool(0, 0, 0.0, [(DOLLAR, 1_000.0)], [(FUTURE, 1.0, 50.0, 0.0)], [])
    assert Reason.MISSING_PRICE in Reason(engine.assess(0, NOW).flags)
    unpriced = engine_with(2.0, marks=[])
    assert Reason.MISSING_PRICE in Reason(unpriced.assess(0, NOW).flags)
    assert unpriced.what_if(0, NOW, [], [], [(CALL, 0.0)], []).equity == 1_000.0


def test_an_option_expires() -> None:
    """From its expiry on, an option cannot be assessed."""
    engine = engine_with(2.0)
    assert engine.assess(0, NOW + AGE - 1).is_valid
    assert Reason.EXPIRED_INSTRUMENT in Reason(engine.assess(0, NOW + AGE).flags)


def test_an_update_replaces_all_quotes() -> None:
    """What an update does not publish is not known any more; other instruments keep theirs."""
    engine = engine_with(0.0)
    both: Quoted = [(CALL, 5.0, NOW, 0.0, list(LEVELS.items())), (FUTURE, 98.0, NOW, 0.0, [(Field.RATE, 0.03)])]
    one: Quoted = [(CALL, 6.0, NOW, 7.0, [(Field.RATE, -0.01)])]
    none: Quoted = [(CALL, 6.0, NOW, 7.0, [(Field.OPEN_INTEREST, math.nan)])]
    engine.set_prices([], both)
    assert engine.quotes_of(CALL) == LEVELS
    engine.set_prices([], one)
    assert engine.quotes_of(CALL) == {Field.RATE: -0.01, Field.OPEN_INTEREST: 7.0}
    engine.set_prices([], none)
    assert engine.quotes_of(CALL) == {}
    assert engine.quotes_of(FUTURE) == {Field.RATE: 0.03, Field.OPEN_INTEREST: 0.0}


def test_one_quote_is_set_beside_the_others() -> None:
    """A single quote changes nothing else: not the mark, not the other quotes, and no mark is made of none."""
    engine = engine_with(2.0, marks=[(CALL, 5.0, NOW, 7.0, list(LEVELS.items()))])
    before = engine.price_of(CALL), engine.assess(0, NOW).equity
    realized = int(Field.REALIZED_VOLATILITY)
    engine.set_quotes([(CALL, realized, 0.2), (FUTURE, realized, 0.3)])
    assert engine.quotes_of(CALL) == LEVELS | {realized: 0.2}
    assert engine.quotes_of(FUTURE) == {realized: 0.3}
    assert (engine.price_of(CALL), engine.assess(0, NOW).equity) == before
    engine.put_pool(0, 0, 0.0, [(DOLLAR, 1.0)], [(FUTURE, 1.0, 50.0, 0.0)], [])
    assert Reason.MISSING_PRICE in Reason(engine.assess(0, NOW).flags)
    engine.set_quotes([(CALL, realized, math.nan)])
    assert engine.quotes_of(CALL) == LEVELS
    for row in ((2, realized, 0.2), (-1, realized, 0.2), (CALL, 32, 0.2), (CALL, -1, 0.2)):
        with pytest.raises(IndexError):
            engine.set_quotes([(FUTURE, realized, 0.9), row])
    assert engine.quotes_of(FUTURE) == {realized: 0.3}


def test_quotes_outlive_growth() -> None:
    """Instruments that come later have nothing published, and those before keep what they have."""
    engine = engine_with(0.0)
    engine.set_prices([], [(CALL, 5.0, NOW, 0.0, list(LEVELS.items()))])
    for _ in range(500):
        engine.add_instrument(DOLLAR, -1, False, InstrumentKind.SPOT, 1.0, 0.0, 0, -1, AGE)
    assert engine.quotes_of(CALL) == LEVELS
    assert all(engine.quotes_of(k) == {} for k in range(1, engine.instrument_count))


@pytest.mark.parametrize("field", [-1, 32])
def test_a_field_that_is_no_instruments_is_refused(field: int) -> None:
    """No number outside the fields of an instrument is ever written, and nothing has changed by then."""
    engine = engine_with(2.0)
    with pytest.raises(IndexError):
        engine.set_prices([], [(CALL, 7.0, NOW, 0.0, [(field, 1.0)])])
    assert engine.price_of(CALL)[0] == 5.0
