# SPDX-License-Identifier: Apache-2.0
"""A model that lacks what it reads refuses its account with the reason, and leaves every other account alone."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from marginrules._core.core import Assessment, Batch, Engine
from marginrules.codes import INVALID_MASK, InstrumentKind, Reason
from marginrules.machine import PUBLISHED, Code, Field
from marginrules.units import DAY_NS
from tests.core.machine_market import AGE, MARKET, NOW, Instrument, Market, code_of, pool_code_of

NAN = math.nan
QUOTES = {
    Field.INDEX: 100.0,
    Field.FORWARD: 100.0,
    Field.VOLATILITY: 0.5,
    Field.RATE: 0.0,
    Field.DIVIDEND_YIELD: 0.0,
    Field.OPEN_INTEREST: 1e6,
}
CALL = Instrument(InstrumentKind.OPTION, strike=100.0, right=1, days=30, mark=6.0, multiplier=10.0, quotes=QUOTES)
FUTURE = Instrument(InstrumentKind.FUTURE, days=90, mark=100.0, quotes={Field.OPEN_INTEREST: 1e6})
BAD, GOOD, LINEAR = 0, 1, 2  # the same option twice, of which tests spoil the first, and a future
SCENARIOS = "black_76(forward * (1 + grid.price), years, volatility * (1 + grid.volatility))"
RISK = f"total(size * if(is_option, {SCENARIOS} - mark, mark * grid.price))"


def market_of(spoiled: Instrument = CALL, **changes: Any) -> Market:
    """Return a market in which the first instrument may be spoiled."""
    return replace(MARKET, instruments=(spoiled, CALL, FUTURE), **changes)


def without(*fields: Field) -> Instrument:
    """Return the option with something that is not published."""
    return replace(CALL, quotes={**QUOTES, **dict.fromkeys(fields, NAN)})


def accounts_in(market: Market, codes: list[Code], pool: int = -1) -> Engine:
    """Return an engine with four accounts: one with the spoiled option, and three with everything else."""
    engine = market.engine(market.models(codes, pool=pool))
    for _ in range(3):
        engine.add_pool(engine.add_account(0), -1)
    cash = [(0, 10_000.0)]
    engine.put_pool(0, 0, 0.0, cash, [(BAD, -1.0, 0.0, 0.0), (GOOD, 1.0, 0.0, 0.0)], [])
    engine.put_pool(1, 0, 0.0, cash, [(GOOD, -2.0, 0.0, 0.0), (LINEAR, 1.0, 99.0, 5.0)], [])
    engine.put_pool(2, 0, 0.0, cash, [(LINEAR, -3.0, 101.0, 5.0)], [(GOOD, 1.0, 6.0, 0.0)])
    engine.put_pool(3, 0, 0.0, cash, [], [])
    return engine


def figures_of(found: Assessment) -> tuple[float, ...]:
    """Return every figure of an assessment."""
    return (
        found.equity,
        found.initial_margin,
        found.maintenance_margin,
        found.collateral_value,
        found.unrealized_pnl,
        found.level,
        found.ladder,
        found.flags,
    )


def check_refused(spoiled: Engine, sound: Engine, reason: Reason, now: int = NOW) -> None:
    """Require the one reason everywhere, no order accepted, and other accounts as in a market without the fault."""
    found, batch = spoiled.assess(0, now), Batch(4)
    assert Reason(found.flags) == reason
    assert not found.is_valid
    spoiled.assess_range(0, 4, now, batch)
    assert batch[0].flags == found.flags
    assert batch.breaching(4) == [] or 0 not in batch.breaching(4), "what cannot be assessed is not judged"
    for instrument in (BAD, GOOD, LINEAR):
        for quantity in (-1.0, 1.0):
            accepted, flags, *_ = spoiled.check_order(0, instrument, quantity, 0.0, 5.0, False, now)
            assert not accepted
            assert Reason(flags) == reason
    assert spoiled.what_if(0, now, [(0, 1e9)], [], [], []).flags == found.flags
    assert spoiled.liquidation_price(0, GOOD, now, 1.0) is None
    for pool in (1, 2, 3):
        assert figures_of(batch[pool]) == figures_of(sound.assess(pool, now)) == figures_of(spoiled.assess(pool, now))
        assert not batch[pool].flags & INVALID_MASK
        # The spoiled instrument is refused to them as well, and nothing else is.
        accepted, flags, *_ = spoiled.check_order(pool, BAD, 1.0, 0.0, 5.0, False, now)
        assert not accepted
        assert Reason(flags) & reason == reason
        for instrument in (GOOD, LINEAR):
            ours = spoiled.check_order(pool, instrument, 1.0, 0.0, 5.0, False, now)
            theirs = sound.check_order(pool, instrument, 1.0, 0.0, 5.0, False, now)
            assert ours[:2] == theirs[:2] == (True, 0)
            assert (figures_of(ours[3]), ours[4]) == (figures_of(theirs[3]), theirs[4])


def check_spoiled(initial: str, spoiled: Instrument, reason: Reason, **changes: object) -> None:
    """Check one program with one instrument spoiled."""
    codes = [code_of(initial, f"({initial}) * 50%")]
    check_refused(accounts_in(market_of(spoiled, **changes), codes), accounts_in(market_of(), codes), reason)


@pytest.mark.parametrize("field", [Field.FORWARD, Field.VOLATILITY])
def test_missing_market_data_of_scenarios(field: Field) -> None:
    """A risk array without its forward or volatility is none, and says that data is missing."""
    check_spoiled(f"worst_loss({RISK})", without(field), Reason.MISSING_DATA)


@pytest.mark.parametrize("field", [one for one in PUBLISHED if one is not Field.OPEN_INTEREST])
def test_any_missing_field(field: Field) -> None:
    """Whatever is read and not published has the same reason; a future that is never asked for it is not touched."""
    factor = {"index": "1 contract", "forward": "1 contract", "auction_price": "1 contract"}
    name = field.name.lower()
    unit = factor.get(name, "1 contract" if name in ("funding", "price_range") else "1 USDT")
    if name == "volume":
        unit = "1"
    text = f"total(abs(value) * 10% + abs(quantity) * if(is_option, {name} * {unit}, 0) / 1 contract)"
    spoiled, sound = ({**QUOTES, **dict.fromkeys(PUBLISHED, 0.5)} for _ in range(2))
    spoiled[field] = NAN
    codes = [code_of(text)]
    good = replace(CALL, quotes=sound)
    markets = [replace(MARKET, instruments=(replace(CALL, quotes=one), good, FUTURE)) for one in (spoiled, sound)]
    check_refused(accounts_in(markets[0], codes), accounts_in(markets[1], codes), Reason.MISSING_DATA)


def test_what_is_selected_away_is_no_reason() -> None:
    """A branch that is not taken may lack its data: the account is sound, or refused for what really happened."""
    sound = code_of("total(if(is_option, abs(quantity) * volatility * 1 USDT / 1 contract, abs(value)))")
    engine = accounts_in(market_of(), [sound])
    assert all(engine.assess(pool, NOW).flags == 0 for pool in range(4)), "a future has no volatility and needs none"
    # The option's volatility is missing, is read, and is not what makes the figure none.
    text = (
        "total(if(right == 0, 0, if(strike > 0 USDT per contract, mark / (right - 1) * quantity, value * volatility)))"
    )
    found = accounts_in(market_of(without(Field.VOLATILITY)), [code_of(text)]).assess(0, NOW)
    assert Reason(found.flags) == Reason.NOT_FINITE


@pytest.mark.parametrize(
    "text",
    [
        "total(abs(value) / (strike - strike) * 1 USDT per contract)",
        "total(abs(value)) / (total(right) - total(right))",
        "total(abs(value) * sqrt(-right))",
        "total(abs(value) * log(right - right))",
        "total(abs(value) * (days / (days - days)))",
    ],
)
def test_arithmetic_that_comes_to_an_end(text: str) -> None:
    """Nothing is missing, and still there is no figure: division by zero, a root or a logarithm of what has none."""
    engine = accounts_in(market_of(), [code_of(text)])
    assert Reason(engine.assess(0, NOW).flags) == Reason.NOT_FINITE
    assert engine.assess(3, NOW).flags == 0
    accepted, flags, *_ = engine.check_order(3, GOOD, 1.0, 0.0, 0.0, False, NOW)
    assert (accepted, Reason(flags)) == (False, Reason.NOT_FINITE)


@pytest.mark.parametrize("mark", [0.0, 100.0, 120.0])
def test_a_price_without_a_volatility(mark: float) -> None:
    """A price at or beyond the bounds of arbitrage has no implied volatility, and its account no figure."""
    text = "total(abs(quantity) * if(is_option, implied_black_76(mark, forward, years), 1) * 1 USDT / 1 contract)"
    check_spoiled(text, replace(CALL, mark=mark), Reason.NOT_FINITE)


def test_a_price_that_is_missing_as_well() -> None:
    """Where the forward of the implied volatility was never published, that is the reason."""
    text = "total(abs(quantity) * if(is_option, implied_black_76(mark, forward, years), 1) * 1 USDT / 1 contract)"
    check_spoiled(text, without(Field.FORWARD), Reason.MISSING_DATA)


@pytest.mark.parametrize("measure", ["worst_loss", "value_at_risk", "expected_shortfall"])
def test_a_history_that_is_too_short(measure: str) -> None:
    """An underlying whose closes do not reach back has no moves: data is missing, never a history without losses."""
    more = "" if measure == "worst_loss" else ", 97.5%"
    code = code_of(f"{measure}(total(size * (mark * history.move)){more})")
    young = replace(CALL, family=1)
    check_refused(accounts_in(market_of(young), [code]), accounts_in(market_of(), [code]), Reason.MISSING_DATA)


def test_a_parameter_that_is_not_set() -> None:
    """An instrument for which the rulebook sets no value, where there is no default, has no figure."""
    market = market_of(replace(CALL, parameters=(NAN, NAN)))
    others = tuple(replace(one, parameters=(0.5, 1.0)) for one in market.instruments[1:])
    sound = replace(CALL, parameters=(0.5, 1.0))
    codes = [code_of("total(abs(value) * factor)")]
    check_refused(
        accounts_in(replace(market, instruments=(market.instruments[0], *others)), codes),
        accounts_in(replace(market, instruments=(sound, *others)), codes),
        Reason.MISSING_DATA,
    )


def test_a_leverage_that_is_not_set() -> None:
    """A formula that reads the leverage setting says that it is missing, and not that data is."""
    code = code_of("total(if(is_option, 0, abs(value) / leverage))")
    engine = accounts_in(market_of(), [code])
    engine.put_pool(0, 0, 0.0, [(0, 1e4)], [(LINEAR, 1.0, 100.0, 0.0)], [])
    assert Reason(engine.assess(0, NOW).flags) == Reason.MISSING_LEVERAGE
    assert engine.assess(1, NOW).flags == 0


def test_strategies_without_data() -> None:
    """A strategy whose requirement reads what is missing cannot be priced, and says so."""
    codes = [code_of("strategy_margin(us, initial)", "strategy_margin(us, maintenance)")]
    spoiled, sound = accounts_in(market_of(without(Field.INDEX)), codes), accounts_in(market_of(), codes)
    assert Reason(spoiled.assess(0, NOW).flags) == Reason.MISSING_DATA
    for pool in (1, 2, 3):
        assert figures_of(spoiled.assess(pool, NOW)) == figures_of(sound.assess(pool, NOW))
        # Only selling it reads the index.
        assert [spoiled.check_order(pool, BAD, side, 0.0, 0.0, False, NOW)[1] for side in (1.0, -1.0)] == [
            0,
            Reason.MISSING_DATA,
        ]
    assert accounts_in(market_of(without(Field.FORWARD)), codes).assess(0, NOW).flags == 0, "no strategy reads it"


def test_an_expired_option() -> None:
    """From its expiry on an option has no figure, whatever its formula could still say."""
    days = 20
    codes = [code_of(f"worst_loss({RISK})")]
    short = replace(CALL, days=days)
    now = NOW + days * DAY_NS
    assert now < NOW + AGE
    spoiled, sound = accounts_in(market_of(short), codes), accounts_in(market_of(), codes)
    check_refused(spoiled, sound, Reason.EXPIRED_INSTRUMENT, now)


def test_a_pool_formula_hands_the_reason_on() -> None:
    """What the pool makes of a sum that is none is none for the same reason; its own gaps have their own."""
    margin = code_of(f"worst_loss({RISK})")
    for initial, spoiled, reason in (
        ("initial * 2", without(Field.VOLATILITY), Reason.MISSING_DATA),
        ("initial + total(abs(quantity) * if(is_option, index, mark))", without(Field.INDEX), Reason.MISSING_DATA),
    ):
        codes = [margin, pool_code_of(initial, "maintenance")]
        check_refused(accounts_in(market_of(spoiled), codes, 1), accounts_in(market_of(), codes, 1), reason)
    codes = [margin, pool_code_of("initial * (equity / (due - due))", "maintenance")]
    assert Reason(accounts_in(market_of(), codes, 1).assess(1, NOW).flags) == Reason.NOT_FINITE


def test_figures_have_reasons_too() -> None:
    """A figure that is not finite never passes for one."""
    texts = ("0 USDT", "total(abs(quantity) * if(is_option, index, mark))", "fee / (total(right) - total(right))")
    codes = [code_of(text) for text in texts]
    engine = accounts_in(market_of(without(Field.INDEX)), codes)
    flags, rows = engine.figure(0, 1, True, -1, -1, NOW)
    assert Reason(flags) == Reason.MISSING_DATA
    assert math.isnan(rows[0][1])
    assert Reason(engine.figure(0, 2, True, -1, -1, NOW)[0]) == Reason.NOT_FINITE
    assert engine.figure(1, 1, True, -1, -1, NOW)[0] == 0


def test_open_orders_in_what_is_missing() -> None:
    """A resting order in an instrument without data makes the pool's IM unknown, with the reason."""
    engine = accounts_in(market_of(without(Field.VOLATILITY)), [code_of(f"worst_loss({RISK})")])
    assert engine.assess(1, NOW).flags == 0
    engine.put_orders(1, [(BAD, 1.0, 6.0, 0.0)])
    assert Reason(engine.assess(1, NOW).flags) == Reason.MISSING_DATA


def test_data_that_comes_heals() -> None:
    """Once what was missing is published, the account is as it always would have been."""
    codes = [code_of(f"worst_loss({RISK})", f"worst_loss({RISK}) * 50%")]
    spoiled, sound = accounts_in(market_of(without(Field.VOLATILITY)), codes), accounts_in(market_of(), codes)
    assert not spoiled.assess(0, NOW).is_valid
    market_of().publish(spoiled)
    assert figures_of(spoiled.assess(0, NOW)) == figures_of(sound.assess(0, NOW))
