# SPDX-License-Identifier: Apache-2.0
"""Distance, resilience, the list of the most exposed and the ways out, by hand and through the real commands."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules._core.core import Assessment
from marginrules.codes import CallStatus, InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.service.distance import measure_distance
from marginrules.service.resilience import measure_resilience
from marginrules.service.shard import Shard
from marginrules.service.stress import Move, Stress, stresses_of
from marginrules.service.vulnerable import Exposure, VulnerablePool, list_vulnerable
from marginrules.service.ways_out import ReductionWay, Trade, find_ways_out
from tests.core.test_reference import examples
from tests.service.answering import DAY, NOW, PERSON, account, deviations, prices, shard_with

CRASH = Stress("crash", (Move("*", -0.2, 0.5),))
LONG = {"balances": {"USD": 1_000.0}, "positions": {"BTC-PERP": 50.0}}
STRANGLE = {"balances": {"USD": 2_500.0}, "positions": {"BTC-C140": -40.0, "BTC-P70": -40.0}}


# Distance


def test_distance_to_each_step_in_closed_form() -> None:
    """Long 50 at 100 with 1,000: ratio t is reached where 1,000 + 50 (p - 100) = t x 5 % x 50 p."""
    found = measure_distance(shard_with({"a": LONG}), 0, NOW)
    (one,) = found.underlyings
    assert (one.underlying, one.price, one.volatility, one.reasons) == ("BTC", 100.0, 0.7, Reason(0))
    assert [step.step for step in one.steps] == ["warning", "margin_call", "liquidation"]
    for step, ratio in zip(one.steps, (2.0, 1.3, 1.0), strict=True):
        price = 4_000.0 / (50.0 - ratio * 2.5)
        assert step.fall is not None
        assert step.fall.price == pytest.approx(price, rel=1e-12)
        assert step.fall.move == pytest.approx(price / 100.0 - 1.0, rel=1e-12)
        assert step.fall.standard_deviations == pytest.approx(deviations(price / 100.0 - 1.0), rel=1e-9)
        assert step.equity == pytest.approx(1_000.0 - ratio * 250.0)
        assert (step.is_breached, step.rise) == (False, None)
    assert one.steps[1].rule.endswith("main/margin_call")
    assert [root.price for root in one.liquidation] == [one.steps[2].fall and one.steps[2].fall.price]
    assert one.open_positions == one.liquidation[0]
    week = measure_distance(shard_with({"a": LONG}), 0, NOW, 7 * DAY).underlyings[0].steps[0].fall
    assert week is not None
    assert week.standard_deviations == pytest.approx(deviations(week.move, 7.0))


def test_a_breached_step_says_what_heals_it() -> None:
    """Below a threshold the crossing lies on the other side, and equity is short."""
    found = measure_distance(shard_with({"a": {"balances": {"USD": 300.0}, "positions": {"BTC-PERP": 50.0}}}), 0, NOW)
    warning, call, _ = found.underlyings[0].steps
    assert (warning.is_breached, warning.fall) == (True, None)
    assert warning.rise is not None
    assert warning.rise.move > 0.0
    assert warning.equity == pytest.approx(-200.0)
    assert call.is_breached


def test_options_have_every_liquidation_price() -> None:
    """A short strangle in a portfolio breaks on both sides, and each is measured; coins as collateral count."""
    found = measure_distance(shard_with({"a": STRANGLE}), 0, NOW)
    (one,) = found.underlyings
    assert len(one.liquidation) == 2
    assert one.liquidation[0].move < 0.0 < one.liquidation[1].move
    liquidation = one.steps[2]
    assert (liquidation.fall, liquidation.rise) == one.liquidation
    with_coins = STRANGLE | {"balances": {"USD": 500.0, "BTC": 20.0, "ETH": 0.05}}
    names = [one.underlying for one in measure_distance(shard_with({"a": with_coins}), 0, NOW).underlyings]
    assert names == ["BTC", "ETH"]


def test_resting_orders_bring_liquidation_nearer() -> None:
    """Buy orders fill on the way down, sell orders on the way up; those of other underlyings and of options do not."""
    orders = [
        {"client_order_id": "b1", "symbol": "BTC-PERP", "quantity": 50.0, "price": 95.0},
        {"client_order_id": "b2", "symbol": "BTC-PERP", "quantity": 50.0, "price": 50.0},
        {"client_order_id": "s1", "symbol": "BTC-PERP", "quantity": -200.0, "price": 110.0},
        {"client_order_id": "x1", "symbol": "ETH-PERP", "quantity": 50.0, "price": 9.0},
        {"client_order_id": "x2", "symbol": "BTC-C100", "quantity": 1.0, "price": 1.0},
    ]
    found = measure_distance(shard_with({"a": LONG | {"orders": orders}}), 0, NOW)
    one = next(one for one in found.underlyings if one.underlying == "BTC")
    assert one.open_positions is not None
    assert one.with_buy_orders is not None
    assert one.with_sell_orders is not None
    assert one.open_positions.price == pytest.approx(4_000.0 / 47.5)
    assert one.with_buy_orders.price == pytest.approx((5_000.0 + 4_750.0 - 1_000.0) / 95.0)
    assert one.with_sell_orders.price == pytest.approx((1_000.0 - 5_000.0 + 22_000.0) / 157.5)


ESTIMATE = """\
rulebook: estimate
currency: USD
effective: 2026-01-01T00:00:00Z
collateral:
  USD: {haircut: 0%}
products:
  futures:
    match: {kind: perpetual}
    margin:
      model: formula
      define:
        contracts: abs(quantity) / 1 contract
        slippage: notional * (1% + 0.000001 * contracts)
        factor: if(quantity > 0, long_factor, short_factor)
        needed: slippage + notional * factor + max(funding * quantity, 0)
      initial: needed
      maintenance: needed
ladders:
  main:
    steps: [{step: liquidation, below: 100%, liquidate: all}]
"""


@pytest.mark.parametrize(
    ("held", "funding", "buys", "sells", "expected"),
    [
        (20.0, 0.0, [(39.0, 110.0)], [(40.0, 130.0)], (None, None, 2389.77875395)),
        (
            -20.0,
            0.0,
            [(18.0, 100.0), (17.0, 110.0)],
            [(30.0, 120.0), (20.0, 130.0), (10.0, 140.0)],
            (2377.99325012, None, 679.28183701),
        ),
        (
            -20.0,
            -25.0,
            [(18.0, 100.0), (17.0, 0.0)],
            [(30.0, 120.0), (20.0, 130.0), (10.0, 0.0)],
            (2355.67222014, None, 655.10945647),
        ),
    ],
)
def test_estimates_with_orders_are_those_of_a_venue(
    held: float,
    funding: float,
    buys: list[tuple[float, float]],
    sells: list[tuple[float, float]],
    expected: tuple[float | None, ...],
) -> None:
    """Liquidation price of positions, with buy and with sell orders. Source: Vega, core/risk/engine_test.go."""
    shard = Shard()
    shard.apply("activate", {"text": ESTIMATE, "file": "estimate.yaml", **PERSON}, NOW)
    what = {"symbol": "F", "kind": InstrumentKind.PERPETUAL, "underlying": "U", "settlement": "USD"}
    shard.apply("instruments", {"instruments": [what]}, NOW)
    fields = {"long_factor": 0.1, "short_factor": 0.11, "funding": funding}
    shard.apply(
        "prices", {"sequence": 1, "prices": [{"name": "F", "price": 123.4, "time_ns": NOW, "fields": fields}]}, NOW
    )
    sizes = [*buys, *((-quantity, price) for quantity, price in sells)]
    pool = {
        "name": "",
        "balances": [{"asset": "USD", "amount": 50_800.0}],
        "positions": [{"symbol": "F", "quantity": held, "entry_price": 123.4}],
        "orders": [
            {"client_order_id": f"o{number}", "symbol": "F", "quantity": quantity, "price": price}
            for number, (quantity, price) in enumerate(sizes)
        ],
    }
    one = {"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}
    shard.apply("accounts", {"accounts": [one]}, NOW)
    (found,) = measure_distance(shard, 0, NOW).underlyings
    crossings = (found.open_positions, found.with_buy_orders, found.with_sell_orders)
    for crossing, price in zip(crossings, expected, strict=True):
        assert (crossing and crossing.price) == (price and pytest.approx(price, rel=1e-8))


def test_what_cannot_be_measured_says_why() -> None:
    """Options without a forward or index cannot be marked anew; stale prices leave no figures at all."""
    shard = shard_with({"a": STRANGLE})
    bare = [
        {key: value for key, value in one.items() if key != "fields"} for one in prices() if one["name"] == "BTC-C140"
    ]
    shard.apply("prices", {"sequence": 2, "prices": bare}, NOW)
    held = shard_with({"a": {"balances": {"USD": 10.0}, "positions": {"BTC-PERP": 0.1}}})
    assert measure_distance(shard, 0, NOW).view.reasons & Reason.MISSING_DATA  # the portfolio itself reads the forward
    assert measure_distance(held, 0, NOW + 10**18).underlyings == ()


# Resilience


def test_resilience_by_hand() -> None:
    """After a fall of 20 % the long pool has nothing; it survives a fall of 15.8 %, whatever multiple that is."""
    stresses = [
        Stress("down", (Move("BTC", -0.2),)),
        Stress("up", (Move("*", 0.5),)),
        Stress("eth", (Move("ETH", -0.9),)),
    ]
    found = measure_resilience(shard_with({"a": LONG}), 0, NOW, stresses)
    down, up, eth = found.results
    assert (down.survived, up.survived, eth.survived) == (False, True, True)
    assert down.after.equity == pytest.approx(0.0)
    fall = 1.0 - 4_000.0 / 47.5 / 100.0
    assert down.multiple == pytest.approx(fall / 0.2, rel=1e-9)
    assert (up.multiple, eth.multiple) == (None, None)
    assert (found.worst, found.survived_count) == ("down", 2)
    assert (down.call, down.call_step) == (Decimal(400), "margin_call")
    assert down.liquid_collateral == 1_000.0
    assert (up.call, up.call_step) == (Decimal(0), "")
    assert found.before.equity == 1_000.0


def test_a_pool_that_is_below_survives_nothing() -> None:
    """Where maintenance margin is not covered now, the multiple is 0."""
    broke = {"balances": {"USD": 100.0}, "positions": {"BTC-PERP": 50.0}}
    (one,) = measure_resilience(shard_with({"a": broke}), 0, NOW, [CRASH]).results
    assert (one.survived, one.multiple) == (False, 0.0)


def test_the_first_breaking_multiple_counts() -> None:
    """What breaks on the way and heals further on breaks: short calls, long more of them far out of the money."""
    backspread = {"BTC-C100": -40.0, "BTC-C140": 60.0}
    shard = shard_with({"a": {"balances": {"USD": 1_100.0}, "positions": backspread}})
    (one,) = measure_resilience(shard, 0, NOW, [Stress("rise", (Move("BTC", 0.1),))]).results
    (distance,) = measure_distance(shard, 0, NOW).underlyings
    rises = [root.move for root in distance.liquidation if root.move > 0.0]
    assert len(rises) == 2
    assert one.multiple == pytest.approx(rises[0] / 0.1, rel=1e-9)
    far = Stress("far", (Move("BTC", rises[1] * 1.1),))
    (one,) = measure_resilience(shard, 0, NOW, [far]).results
    assert one.survived
    assert one.multiple == pytest.approx(rises[0] / (rises[1] * 1.1), rel=1e-9)


def test_stresses_of_the_rulebook() -> None:
    """Rows of scenario tables are stresses by name, or by table and number; unknown tables are refused."""
    shard = shard_with({"a": LONG})
    found = stresses_of(shard.program, ["crashes"])
    assert found == [
        Stress("crash", (Move("*", -0.2, 0.5),)),
        Stress("rally", (Move("*", 0.25, 0.0),)),
        Stress("crashes 3", (Move("*", -0.05, 0.0),)),
    ]
    assert [one.survived for one in measure_resilience(shard, 0, NOW, found).results] == [False, True, True]
    with pytest.raises(InputError, match="scenario table was 'crash'"):
        stresses_of(shard.program, ["crash"])


@pytest.mark.parametrize(
    ("stress", "words"),
    [
        (Stress("x", (Move("BTX", -0.2),)), "'BTX' is neither"),
        (Stress("x", (Move("USD", -0.2),)), "USD is the rulebook's currency"),
        (Stress("x", (Move("BTC", -1.0),)), "price move of BTC"),
        (Stress("x", (Move("BTC", math.nan),)), "price move of BTC"),
        (Stress("x", (Move("BTC", 0.0, -1.0),)), "volatility move of BTC"),
        (Stress("x", ()), "moves of x were missing"),
        (Stress("", (Move("BTC", 0.1),)), "name of a stress"),
        (Stress("x", (Move("BTC", 0.1), Move("BTC", 0.2))), "given twice"),
    ],
)
def test_no_stress_is_misread(stress: Stress, words: str) -> None:
    """Unknown names and moves out of range are refused."""
    with pytest.raises(InputError, match=words):
        measure_resilience(shard_with({"a": LONG}), 0, NOW, [stress])


# The most exposed


def test_most_exposed_first_page_by_page() -> None:
    """Pools are in the order of their margin ratio after the stress, which a single resilience confirms."""
    pools = {
        f"a{number}": {"balances": {"USD": 400.0 + 100.0 * number}, "positions": {"BTC-PERP": 50.0}}
        for number in range(7)
    }
    pools |= {
        "flat": {"balances": {"USD": 1.0}},
        "options": STRANGLE,
        "eth": {"balances": {"USD": 9.0}, "positions": {"ETH-PERP": 5.0}},
    }
    shard = shard_with(pools)
    for by in Exposure:
        found: list[VulnerablePool] = []
        token = ""
        while True:
            page = list_vulnerable(shard, NOW, CRASH, by, 3, token)
            found += page.pools
            token = page.next_token
            if not token:
                break
        assert sorted(one.account_id for one in found) == sorted(pools)
        assert (page.count, page.unassessed) == (len(pools), 0)
        ratios = [one.after.margin_ratio for one in found if one.after.margin_ratio is not None]
        absorbing = [one.loss_absorbing for one in found if one.loss_absorbing is not None]
        spare = [one.after.equity - one.after.maintenance_margin for one in found]
        assert page.breached == sum(one < 0.0 for one in spare)
        ordered = {Exposure.MARGIN_RATIO: ratios, Exposure.LOSS_ABSORBING: absorbing, Exposure.SHORTFALL: spare}[by]
        assert ordered == sorted(ordered)
    for one in found:
        pool = shard.book.pool_id(one.account_id, one.pool)
        (alone,) = measure_resilience(shard, pool, NOW, [CRASH]).results
        assert alone.after == one.after
    plain = list_vulnerable(shard, NOW, None, Exposure.MARGIN_RATIO, 100)
    assert all(one.before == one.after for one in plain.pools)


@pytest.mark.parametrize("token", ["x", "1.0", "nan/3", "0x1p+0/-1", "0x1p+0/99999999999", "/"])
def test_a_token_is_checked(token: str) -> None:
    """Only tokens of this list go on."""
    with pytest.raises(InputError, match="page_token"):
        list_vulnerable(shard_with({"a": LONG}), NOW, None, Exposure.MARGIN_RATIO, 3, token)


# Ways out


def assess(shard: Shard, pool: int = 0) -> Assessment:
    """Assess a pool as it is."""
    return shard.book.engine.assess(pool, NOW)


def reduce_by(shard: Shard, way: ReductionWay, name: str = "a") -> Assessment:
    """Carry a reduction out by the commands of an order: held at the mark, filled there."""
    for number, trade in enumerate(way.trades):
        order = {"client_order_id": f"r{number}", "symbol": trade.symbol, "quantity": trade.quantity}
        reply = shard.apply("hold", {"account": name, "pool": "", "order": order}, NOW).reply
        assert reply["accepted"], (reply, way)
        fill = {"account": name, "client_order_id": f"r{number}", "quantity": trade.quantity, "price": trade.price}
        shard.apply("fill", fill, NOW)
    return assess(shard)


SHORT_OF = {"balances": {"USD": 400.0}, "positions": {"BTC-PERP": 50.0, "ETH-PERP": -20.0}}


def test_deposits_are_exact() -> None:
    """Of 500 + 20 for IM 120 are missing: that, or a coin and a third at 90 %; a capped coin is not enough."""
    found = find_ways_out(shard_with({"a": SHORT_OF}), 0, NOW)
    assert [found.required, found.missing] == pytest.approx([520.0, 120.0])
    usd, btc, eth = found.deposits
    assert (usd.asset, usd.amount) == ("USD", Decimal("120.00"))
    assert (btc.asset, btc.amount) == ("BTC", Decimal("1.33333334"))
    assert (eth.asset, eth.amount, eth.after) == ("ETH", None, None)
    assert usd.after is not None
    assert usd.after.margin_deficiency == pytest.approx(0.0)


def test_the_smallest_reduction_is_in_steps() -> None:
    """12 of 520 must go for each 1 % closed; the position is reduced by whole steps of 0.1, just enough."""
    found = find_ways_out(shard_with({"a": SHORT_OF}), 0, NOW)
    best = found.reductions[0]
    assert best.notional == pytest.approx(1_200.0)
    assert [(one.symbol, one.quantity) for one in best.trades] == [("BTC-PERP", -12.0)]
    kinds = Counter(way.kind for way in found.reductions)
    assert kinds == {"smallest": 1, "pro_rata": 1}  # the smallest is a single position, and told once
    assert all(way.after.margin_deficiency == 0.0 for way in found.reductions)


def test_a_healthy_pool_needs_no_way_out() -> None:
    """Nothing is missing, so nothing is offered but the largest orders that pass."""
    found = find_ways_out(shard_with({"a": LONG}), 0, NOW)
    assert (found.missing, found.deposits, found.reductions, found.hedges) == (0.0, (), (), ())
    (one,) = found.largest_orders
    assert one.symbol == "BTC-PERP"
    assert [one.buy, one.sell] == pytest.approx([50.0, 150.0])


def test_cancelling_orders_may_be_enough() -> None:
    """What open orders have raised IM by goes with them."""
    orders = [{"client_order_id": "b", "symbol": "BTC-PERP", "quantity": 80.0, "price": 100.0}]
    found = find_ways_out(shard_with({"a": LONG | {"orders": orders}}), 0, NOW)
    assert found.missing == pytest.approx(300.0)
    assert found.cancel_orders is not None
    assert found.cancel_orders.margin_deficiency == 0.0


def test_a_hedge_is_bought_where_the_portfolio_counts_it() -> None:
    """Against a short call the cheapest option that is enough is a call; held, it clears the deficiency."""
    short = {"balances": {"USD": 450.0}, "positions": {"BTC-C110": -20.0}}
    shard = shard_with({"a": short})
    found = find_ways_out(shard, 0, NOW)
    assert found.missing > 0.0
    assert found.hedges
    assert [one.premium for one in found.hedges] == sorted(one.premium for one in found.hedges)
    best = found.hedges[0]
    assert best.trade.symbol.startswith("BTC-C")
    assert best.after.margin_deficiency == 0.0
    content = {"USD": 450.0 - best.premium}, short["positions"] | {best.trade.symbol: best.trade.quantity}
    shard.apply("accounts", {"accounts": [account("a", *content, sequence=2)]}, NOW)
    after = assess(shard)
    assert after.equity >= after.initial_margin


def test_ways_out_of_a_call_cure_it() -> None:
    """A call is cured by the deposit, and by the reduction, that its ways out give."""
    for way in ("deposit", "reduction"):
        shard = shard_with({"a": {"balances": {"USD": 310.0}, "positions": {"BTC-PERP": 50.0}}})
        (call,) = [one for one in shard.calls.values() if one.status is CallStatus.OPEN]
        found = find_ways_out(shard, 0, NOW, call.call_id)
        if way == "deposit":
            data = {"account": "a", "asset": "USD", "amount": float(found.deposits[0].amount or 0), **PERSON}
            shard.apply("deposit", data, NOW)
        else:
            reduce_by(shard, found.reductions[0])
        assert shard.calls[call.call_id].status in (CallStatus.MET, CallStatus.CURED)
    with pytest.raises(InputError, match="only open calls"):
        find_ways_out(shard, 0, NOW, call.call_id)


@pytest.mark.parametrize(("restore", "ratio"), [("a#9", 0.0), ("nonsense", 0.0), ("ratio", math.nan), ("ratio", 0.0)])
def test_no_requirement_is_misread(restore: str, ratio: float) -> None:
    """What is to be restored must be known."""
    with pytest.raises(InputError):
        find_ways_out(shard_with({"a": LONG}), 0, NOW, restore, ratio)


@st.composite
def needy(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a pool that may lack equity, some of it in portfolios."""
    sizes = {
        "BTC-PERP": draw(st.integers(-500, 500)) / 10.0,
        "ETH-PERP": draw(st.integers(-500, 500)) / 10.0,
        "BTC-INVERSE": float(draw(st.integers(-200, 200))),
        "BTC-FUT": float(draw(st.integers(-20, 20))),
        "BTC-C110": draw(st.integers(-2_000, 1_000)) / 100.0,
        "BTC-P90": draw(st.integers(-2_000, 1_000)) / 100.0,
        "ETH-C100": draw(st.integers(-5_000, 1_000)) / 100.0,
    }
    kept = draw(st.sets(st.sampled_from(sorted(sizes)), min_size=1, max_size=4))
    held = {name: size for name, size in sizes.items() if size and name in kept}
    return {
        "balances": {"USD": draw(st.integers(-200, 3_000)) * 1.0, "BTC": draw(st.integers(0, 5)) * 1.0},
        "positions": held,
    }


def carry_out(shard: Shard, trades: tuple[Trade, ...]) -> int:
    """Trade by orders that are held and filled, or as a liquidation does where one is refused; count the orders."""
    count = 0
    for number, trade in enumerate(trades):
        name = f"t{number}"
        order = {"client_order_id": name, "symbol": trade.symbol, "quantity": trade.quantity, "price": trade.price}
        if not shard.apply("hold", {"account": "a", "order": order}, NOW).reply["accepted"]:
            shard.book.fill(0, trade.symbol, trade.quantity, trade.price, 0.0, 0.0)
            continue
        fill = {"account": "a", "client_order_id": name, "quantity": trade.quantity, "price": trade.price}
        shard.apply("fill", fill, NOW)
        count += 1
    return count


def test_ways_out_clear_what_they_promise() -> None:
    """Through the real commands each way restores what was asked; a deposit of an increment less does not."""
    seen: Counter[str] = Counter()

    @examples(90)
    @given(needy(), st.sampled_from(["initial_margin", "maintenance_margin", "ratio"]))
    def check(content: dict[str, Any], restore: str) -> None:
        shard = shard_with({"a": content})
        found = find_ways_out(shard, 0, NOW, restore, 1.6)

        def margin(one: Assessment) -> float:
            needed = {
                "initial_margin": one.initial_margin,
                "maintenance_margin": one.maintenance_margin,
                "ratio": 1.6 * one.maintenance_margin,
            }
            return one.equity - needed[restore]

        if margin(assess(shard)) >= 0.0:
            seen["healthy"] += 1
            return
        noise = 1e-9 * (1.0 + found.required + abs(found.before.equity))
        for paid in found.deposits:
            if paid.amount is None:
                seen["capped"] += 1
                continue
            made = shard_with({"a": content})
            made.apply("deposit", {"account": "a", "asset": paid.asset, "amount": float(paid.amount), **PERSON}, NOW)
            assert margin(assess(made)) >= -noise
            least = Decimal("0.01") if paid.asset == "USD" else Decimal("1e-8")
            if paid.amount > least:
                made = shard_with({"a": content})
                less = {"account": "a", "asset": paid.asset, "amount": float(paid.amount - least), **PERSON}
                made.apply("deposit", less, NOW)
                assert margin(assess(made)) < noise
            seen["deposit"] += 1
        for way in found.reductions:
            made = shard_with({"a": content})
            seen["by order"] += carry_out(made, way.trades)
            assert margin(assess(made)) >= -noise
            assert way.after.equity == pytest.approx(assess(made).equity, rel=1e-9, abs=1e-7)
            seen[way.kind] += 1
        for hedge in found.hedges:
            made = shard_with({"a": content})
            seen["by order"] += carry_out(made, (hedge.trade,))
            assert margin(assess(made)) >= -noise
            seen["hedge"] += 1

    check()
    for word in ("healthy", "deposit", "smallest", "pro_rata", "hedge", "by order"):
        assert seen[word] >= 3, seen
    assert seen["single"] >= 1, seen
