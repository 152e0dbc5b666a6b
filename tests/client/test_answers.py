# SPDX-License-Identifier: Apache-2.0
"""Answers for people over real sockets, by both clients."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marginrules.client import Exposure, Stress, StressMove
from marginrules.codes import InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.model import Account, Instrument, Order, Pool, Position, Price
from tests.client.served import CLIENTS, connected, mark, serving
from tests.service.answering import DAY, RULES, deviations

CRASH = Stress("crash", (StressMove("*", -0.2, 0.5),))


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Serve a book with options: a1 is long 80 perpetuals with 1,000, b is short calls."""
    path = tmp_path / "answers.yaml"
    path.write_text(RULES)
    now = time.time_ns()
    listed = [
        Instrument(
            f"BTC-C{strike}", InstrumentKind.OPTION, "BTC", "USD", 1.0, False, 0.01, now + 30 * DAY, strike, "call"
        )
        for strike in (100.0, 110.0, 140.0)
    ]
    fields = (("forward", 100.0), ("index", 100.0), ("volatility", 0.7))
    with serving(rulebook=path) as (_, address), connected(request.param, address) as made:
        made.define_instruments(listed)
        now = time.time_ns()
        marks = zip(listed, (8.0, 4.5, 0.6), strict=True)
        made.update_prices(now, [Price(one.symbol, price, now, None, fields) for one, price in marks])
        made.update_prices(now + 1, [Price("BTC", 100.0, now), Price("ETH", 10.0, now), Price("BTC-PERP", 100.0, now)])
        pool = Pool("", (("USD", 450.0),), (Position("BTC-C110.0", -20.0),))
        made.update_accounts([Account("b", "default", 1, (pool,))])
        yield made


def test_distance(client: Any) -> None:
    """Each step has its move, price and deviations; absent is what there is not."""
    found = client.distance("a1", horizon_ns=4 * DAY)
    assert found.assessment == client.assess("a1")
    (one,) = found.underlyings
    assert (one.underlying, one.price, one.volatility, one.volatility_from) == ("BTC", 100.0, 0.7, "BTC-C100.0")
    assert [step.step for step in one.steps] == ["warning", "margin_call", "liquidation"]
    fall = one.steps[2].fall
    assert fall.price == pytest.approx(7_000.0 / 76.0)
    assert fall.standard_deviations == pytest.approx(deviations(fall.move, 4.0))
    assert (one.steps[2].rise, one.steps[2].is_breached, one.reasons, one.unpriced) == (None, False, Reason(0), ())
    assert one.liquidation == (fall,)
    assert one.open_positions == one.with_buy_orders == one.with_sell_orders == fall
    assert found.horizon_ns == 4 * DAY
    assert client.distance("a1").horizon_ns == DAY


def test_resilience(client: Any) -> None:
    """Stresses of the request and of the rulebook's tables come back in their order."""
    found = client.resilience("a1", stresses=[Stress("dip", (StressMove("BTC", -0.01),))], scenarios=["crashes"])
    assert [one.stress for one in found.results] == ["dip", "crash", "rally", "crashes 3"]
    assert [one.survived for one in found.results] == [True, False, True, True]
    dip, crash, rally, _ = found.results
    assert dip.after.equity == pytest.approx(920.0)
    assert crash.multiple == pytest.approx((1.0 - 70.0 / 76.0) / 0.2)
    assert rally.multiple is None
    assert (crash.call, crash.call_step, crash.liquid_collateral) == (Decimal(1240), "margin_call", 1_000.0)
    assert found.worst == "crash"
    with pytest.raises(InputError, match="moves of x were missing"):
        client.resilience("a1", stresses=[Stress("x", ())])


def test_vulnerable(client: Any) -> None:
    """The whole book comes in order, page by page, with figures of the whole."""
    page = client.vulnerable(CRASH, size=3)
    assert (page.count, page.unassessed, page.breached, len(page.pools)) == (4, 0, 3, 3)
    last = client.vulnerable(CRASH, size=3, token=page.next_token)
    assert last.next_token == ""
    everything = [*page.pools, *last.pools]
    assert [one.account_id for one in everything] == ["a0", "a1", "a2", "b"]
    assert everything[0].before == client.assess("a0")
    assert everything[0].after.equity == pytest.approx(-600.0)
    assert everything[0].gross_notional == pytest.approx(6_400.0)
    assert everything[0].loss_absorbing == pytest.approx((-600.0 - 320.0) / 6_400.0)
    assert client.vulnerable(by=Exposure.SHORTFALL).pools[0].account_id == "b"
    with pytest.raises(InputError, match="page_size"):
        client.vulnerable(size=1_001)


def test_ways_out(client: Any) -> None:
    """A deficiency has deposits, reductions and hedges; a healthy pool has its largest orders."""
    found = client.ways_out("b")
    assert found.missing == pytest.approx(found.assessment.margin_deficiency)
    usd = next(one for one in found.deposits if one.asset == "USD")
    assert usd.amount is not None
    assert usd.amount - Decimal("0.01") < Decimal(found.missing) <= usd.amount
    assert any(one.amount is None and one.after is None for one in found.deposits)
    assert found.reductions[0].trades[0].symbol == "BTC-C110.0"
    assert found.hedges[0].premium == pytest.approx(found.hedges[0].trade.cost)
    assert all(one.after.margin_deficiency == 0.0 for one in (*found.reductions, *found.hedges))
    assert client.deposit("b", "USD", float(usd.amount), "desk", "way out") > 0
    after = client.ways_out("b")
    assert (after.missing, after.deposits, after.hedges, after.cancel_orders) == (0.0, (), (), None)
    assert after.largest_orders[0].symbol == "BTC-C110.0"
    assert client.ways_out("a1", restore="ratio", ratio=3.0).missing == pytest.approx(200.0)
    with pytest.raises(InputError, match="call 'a1#9'"):
        client.ways_out("a1", restore="a1#9")


def test_a_call_has_ways_out(client: Any) -> None:
    """What a call asks for is what its ways out restore, cancelled orders included."""
    assert client.check_order("a1", Order("o", "BTC-PERP", 10.0), hold=True).held
    mark(client, 93.0)
    (call,) = list(client.calls(only_open=True, account="a1"))
    found = client.ways_out("a1", restore=call.call_id)
    assert found.restore == call.call_id
    assert found.missing > 0.0
    best = found.reductions[0]
    assert best.after.margin_ratio is not None
    assert best.after.margin_ratio >= 1.4
