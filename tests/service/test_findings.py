# SPDX-License-Identifier: Apache-2.0
"""One test for each way in which a reader of the code brought it to a wrong answer; each stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from marginrules.codes import InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.journal import SqliteJournal
from marginrules.model import OrderDecision
from marginrules.service import border
from marginrules.service.decide import decide
from marginrules.service.past import recompute
from marginrules.service.ports import MarketClock
from marginrules.service.service import Service
from marginrules.service.shard import Shard
from marginrules.units import DAY_NS, SECOND_NS

RULES = Path(__file__).parent.parent.parent / "rules"
START = 1_772_445_600 * SECOND_NS  # 2026-03-02T10:00:00Z
PERSON = {"who": "desk", "why": "test"}
PERPETUAL = {"kind": InstrumentKind.PERPETUAL, "underlying": "BTC", "settlement": "USDT"}
SPOT = {"kind": InstrumentKind.SPOT, "underlying": "X"}


class Scene:
    """A shard with a rulebook, told what to do at given seconds."""

    def __init__(self, text: str) -> None:
        self.shard = Shard()
        self.sequence = 0
        self.log: list[tuple[str, dict[str, Any], int]] = []
        self.do("activate", 0, text=text, file="r.yaml", **PERSON)

    def do(self, kind: str, second: float, **data: Any) -> Any:
        """Carry out a command; return its reply."""
        outcome = self.shard.apply(kind, data, START + int(second * SECOND_NS))
        return outcome.reply

    def define(self, **instruments: dict[str, Any]) -> None:
        """Define instruments."""
        self.do(
            "instruments",
            0,
            instruments=[{"symbol": name.replace("_", "-"), **one} for name, one in instruments.items()],
        )

    def price(self, second: float, **prices: float) -> None:
        """Publish prices."""
        self.sequence += 1
        moment = START + int(second * SECOND_NS)
        rows = [{"name": name.replace("_", "-"), "price": price, "time_ns": moment} for name, price in prices.items()]
        self.do("prices", second, sequence=self.sequence, prices=rows)

    def account(self, second: float, *pools: dict[str, Any], sequence: int = 1) -> None:
        """Load account `a`."""
        one = {
            "account_id": "a",
            "account_class": self.shard.program.classes[0],
            "sequence": sequence,
            "pools": list(pools),
        }
        self.do("accounts", second, accounts=[one])

    def hold(self, second: float, name: str, symbol: str, quantity: float, **more: Any) -> Any:
        """Hold an order; return the reply."""
        pool = more.pop("pool", "")
        order = {"client_order_id": name, "symbol": symbol, "quantity": quantity, **more}
        return self.do("hold", second, account="a", pool=pool, order=order)

    def check(self, second: float, symbol: str, quantity: float, **more: Any) -> OrderDecision:
        """Check an order."""
        order = border.order({"client_order_id": "o", "symbol": symbol, "quantity": quantity, **more})
        return decide(self.shard, "a", "", order, START + int(second * SECOND_NS))


def usdt(amount: float) -> list[dict[str, Any]]:
    """Make balances of one asset."""
    return [{"asset": "USDT", "amount": amount}]


@pytest.fixture
def crypto() -> Scene:
    """A venue with one linear perpetual at 50,000."""
    scene = Scene((RULES / "crypto-derivatives" / "rulebook.yaml").read_text())
    scene.define(BTC_USDT=PERPETUAL)
    scene.price(0, BTC_USDT=50_000.0)
    return scene


def test_overdue_timer_without_a_price_is_not_asked_for_ever(crypto: Scene) -> None:
    """A step that waits while its mark grows stale is looked at once a second, and entered when a price is back."""
    held = [{"symbol": "BTC-USDT", "quantity": 10.0, "entry_price": 50_000.0, "leverage": 50.0}]
    crypto.account(0, {"balances": usdt(20_000.0), "positions": held})
    crypto.price(5, BTC_USDT=48_300.0)  # below 120 %: a call after 30 s
    looked = 0
    while (due := crypto.shard.next_due_ns()) is not None and due <= START + 45 * SECOND_NS:
        crypto.do("tick", (due - START) / SECOND_NS)
        looked += 1
        assert looked < 20
    assert not crypto.shard.calls
    crypto.price(46, BTC_USDT=48_300.0)
    assert [one.step_name for one in crypto.shard.calls.values()] == ["initial_call"]


def test_fill_keeps_the_leverage_of_its_order(crypto: Scene) -> None:
    """A position that a fill opens has the order's leverage, and can be assessed."""
    crypto.account(0, {"balances": usdt(20_000.0)})
    assert crypto.hold(0, "o", "BTC-USDT", 1.0, leverage=10.0)["held"]
    crypto.do("fill", 1, account="a", client_order_id="o", quantity=1.0, price=50_000.0)
    assert crypto.shard.book.account("a").pools[0].positions[0].leverage == 10.0
    assert crypto.check(1, "BTC-USDT", -1.0).accepted


def test_reducing_orders_together_must_not_turn_the_position(crypto: Scene) -> None:
    """Below initial margin, resting orders that would together raise risk are refused, though each alone would not."""
    held = [{"symbol": "BTC-USDT", "quantity": 10.0, "entry_price": 50_000.0, "leverage": 50.0}]
    crypto.account(0, {"balances": usdt(9_000.0), "positions": held})
    answers = [crypto.hold(0, f"o{number}", "BTC-USDT", -10.0, leverage=50.0)["accepted"] for number in range(4)]
    assert answers[0]
    assert not all(answers)
    sold = sum(one.order.quantity for one in crypto.shard.book.orders[0].values())
    assert abs(10.0 + sold) <= 10.0


def test_spot_sold_into_a_haircut_must_still_be_covered() -> None:
    """A sale of spot into an asset that counts for less is refused where the proceeds do not cover what is owed."""
    text = (RULES / "smallest" / "rulebook.yaml").read_text()
    text = text.replace("  USD: {haircut: 0%}", "  USD: {haircut: 0%}\n  EUR: {haircut: 20%}").replace(
        "kind: perpetual", "kind: spot"
    )
    scene = Scene(text)
    scene.define(X_EUR={**SPOT, "settlement": "EUR"})
    scene.price(0, X_EUR=100.0, EUR=1.0)
    held = [{"symbol": "X-EUR", "quantity": 100.0}]
    scene.account(0, {"balances": [{"asset": "USD", "amount": -8_900.0}], "positions": held})
    decision = scene.check(0, "X-EUR", -100.0)
    assert not decision.accepted
    assert decision.equity_after == pytest.approx(-900.0)


def test_refused_hold_changes_nothing(crypto: Scene) -> None:
    """A hold that is refused for its expiry leaves the remembered answers as they were."""
    crypto.account(0, {"balances": usdt(20_000.0)})
    crypto.hold(0, "open", "BTC-USDT", 0.1, leverage=10.0)
    crypto.hold(0, "gone", "BTC-USDT", 0.1, leverage=10.0)
    crypto.do("release", 1, account="a", client_order_id="gone")
    before = dict(crypto.shard.answers)
    later = 25 * 3_600
    with pytest.raises(InputError):
        crypto.hold(later, "late", "BTC-USDT", 0.1, leverage=10.0, expires_ns=START)
    assert list(crypto.shard.answers) == list(before)


def test_second_answer_promises_only_what_is_kept(crypto: Scene) -> None:
    """A held order that was released is not promised again under its id."""
    crypto.account(0, {"balances": usdt(20_000.0)})
    assert crypto.hold(0, "o", "BTC-USDT", 0.1, leverage=10.0)["held"]
    crypto.do("release", 1, account="a", client_order_id="o")
    again = crypto.hold(2, "o", "BTC-USDT", 0.1, leverage=10.0)
    assert (again["held"], again["reasons"]) == (False, int(Reason.CLIENT_ORDER_ID_REUSED))


def test_settlement_asset_has_to_be_collateral(crypto: Scene) -> None:
    """An instrument whose profit would be paid in something that does not count is refused."""
    with pytest.raises(InputError) as caught:
        crypto.define(BTC_DOGE={**PERPETUAL, "settlement": "DOGE"})
    assert caught.value.code == "MR-I107"


def test_rulebook_must_cover_what_is_held(crypto: Scene) -> None:
    """A rulebook that drops an asset which accounts hold is refused: their pools could not be called any more."""
    crypto.account(0, {"balances": [{"asset": "ETH", "amount": 1.0}]})
    text = (RULES / "crypto-derivatives" / "rulebook.yaml").read_text()
    begin, end = text.index("  ETH:\n    haircut"), text.index("products:")
    with pytest.raises(InputError) as caught:
        crypto.do("activate", 1, text=text[:begin] + "\n" + text[end:], file="r.yaml", **PERSON)
    assert "collateral ETH" in caught.value.message


def test_stricter_age_reaches_prices_that_came_before(crypto: Scene) -> None:
    """After a rulebook with a shorter age, a collateral price that is older than that is stale."""
    text = (RULES / "crypto-derivatives" / "rulebook.yaml").read_text()
    scene = Scene(text.replace("marks: {max_age: 10s}", "marks: {max_age: 1h}"))
    scene.define(BTC_USDT=PERPETUAL)
    scene.price(0, BTC=50_000.0)
    scene.account(0, {"balances": [{"asset": "BTC", "amount": 1.0}]})
    scene.price(1_800, BTC_USDT=50_000.0)
    assert scene.check(1_800, "BTC-USDT", 0.1, leverage=10.0).accepted
    scene.do("activate", 1_801, text=text, file="r.yaml", **PERSON)
    assert Reason.STALE_PRICE in scene.check(1_801, "BTC-USDT", 0.1, leverage=10.0).reasons


def test_client_order_id_is_of_the_account(crypto: Scene) -> None:
    """The same client order id in two pools of an account is refused, by a hold and by a snapshot."""
    order = {"client_order_id": "o1", "symbol": "BTC-USDT", "quantity": 0.1, "price": 50_000.0, "leverage": 10.0}
    isolated = {"name": "BTC-USDT", "balances": usdt(10_000.0), "orders": [order]}
    crypto.account(0, {"balances": usdt(20_000.0)}, isolated)
    assert crypto.hold(0, "o1", "BTC-USDT", 0.1, leverage=10.0)["reasons"] == int(Reason.CLIENT_ORDER_ID_REUSED)
    with pytest.raises(InputError):
        crypto.account(1, {"balances": usdt(1.0), "orders": [order]}, isolated, sequence=2)


@pytest.mark.parametrize("value", [5e-324, 1e-300, -1e-15])
def test_numbers_too_small_to_divide_by_are_refused(value: float) -> None:
    """A number that is not nothing and nearly so is refused at the border."""
    with pytest.raises(InputError):
        border.number("x", value, -1.0)
    assert border.number("x", 0.0, 0.0) == 0.0


def test_fill_that_crosses_the_expiry_is_booked(crypto: Scene) -> None:
    """A fill that arrives after its held order expired still becomes a position, and no more than was held."""
    crypto.account(0, {"balances": usdt(20_000.0)})
    crypto.hold(0, "o", "BTC-USDT", 1.0, leverage=10.0, expires_ns=START + SECOND_NS)
    crypto.do("tick", 2)
    assert not crypto.shard.book.orders
    fill = {"account": "a", "client_order_id": "o", "price": 50_000.0}
    assert crypto.do("fill", 3, quantity=0.4, **fill)["left"] == pytest.approx(0.6)
    with pytest.raises(InputError):
        crypto.do("fill", 3, quantity=0.7, **fill)
    assert crypto.do("fill", 3, quantity=0.6, **fill)["left"] == 0.0
    with pytest.raises(InputError):
        crypto.do("fill", 3, quantity=0.1, **fill)
    assert crypto.shard.book.account("a").pools[0].positions[0].quantity == pytest.approx(1.0)


def test_quantity_has_to_be_in_steps(crypto: Scene) -> None:
    """An order that is no multiple of the instrument's step is refused."""
    crypto.define(ETH_USDT={**PERPETUAL, "underlying": "ETH", "quantity_step": 0.1})
    crypto.price(1, ETH_USDT=2_500.0)
    crypto.account(1, {"balances": usdt(20_000.0)})
    assert crypto.check(1, "ETH-USDT", 0.3, leverage=10.0).accepted
    assert crypto.check(1, "ETH-USDT", 0.35, leverage=10.0).reasons == Reason.INVALID_ORDER


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Service]:
    """A service on market time with one open call, due in four hours."""

    def stop(error: Exception) -> None:
        raise error

    service = Service(SqliteJournal(tmp_path / "j.db", stop), MarketClock(START), stop)
    text = (RULES / "smallest" / "rulebook.yaml").read_text()
    service.submit("activate", {"text": text, "file": "r", **PERSON}, "1")
    one = {"symbol": "P", "kind": InstrumentKind.PERPETUAL, "underlying": "P", "settlement": "USD"}
    service.submit("instruments", {"instruments": [one]}, "2")
    service.submit("prices", {"sequence": 1, "prices": [{"name": "P", "price": 93.0, "time_ns": START}]}, "3")
    held = [{"symbol": "P", "quantity": 80.0, "entry_price": 100.0}]
    pool = {"balances": [{"asset": "USD", "amount": 1_000.0}], "positions": held}
    accounts = [{"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}]
    service.submit("accounts", {"accounts": accounts}, "4")
    yield service
    service._journal.close()


def test_refused_prices_let_no_time_pass(market: Service) -> None:
    """On market time, an update that is refused leaves every deadline where it was."""
    assert list(market.shard.calls) == ["a#1"]
    rows = [{"name": "P", "price": 93.0, "time_ns": START + DAY_NS}, {"name": "Q", "price": 1.0, "time_ns": START}]
    with pytest.raises(InputError):
        market.submit("prices", {"sequence": 2, "prices": rows}, "5")
    assert market.shard.calls["a#1"].status == "open"
    market.submit("prices", {"sequence": 2, "prices": rows[:1]}, "6")
    assert market.shard.calls["a#1"].status == "unmet"
    assert not [difference for _, difference in recompute(market._journal.read(), Shard()) if difference]
