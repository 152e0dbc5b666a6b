# SPDX-License-Identifier: Apache-2.0
"""Pools of one account: what each may hold, its own equity, and collateral that moves between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginrules.codes import CallStatus, InstrumentKind, Reason
from marginrules.errors import InputError
from marginrules.journal import SqliteJournal
from marginrules.model import CROSS
from marginrules.service import border
from marginrules.service.decide import decide
from marginrules.service.ports import MarketClock
from marginrules.service.service import Service
from marginrules.service.shard import Shard
from marginrules.service.views import PoolView, view_pool
from marginrules.units import SECOND_NS

START = 1_772_445_600 * SECOND_NS
PERSON = {"who": "desk", "why": "test"}
RULEBOOK = """\
rulebook: pools
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, professional]
marks: {max_age: 1d}
collateral:
  USD: {haircut: 0%}
  BTC: {haircut: 10%}
portfolios:
  netted:
    by: [underlying]
    initial: abs(total(value)) * 20%
    maintenance: abs(total(value)) * 10%
products:
  perpetual:
    match: {kind: perpetual}
    margin: {model: portfolio, portfolio: netted}
  future:
    match: {kind: future}
    margin: {model: portfolio, portfolio: netted}
  spot:
    match: {kind: spot}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
pools:
  portfolio: {products: [perpetual, future], classes: [professional]}
  shares: {products: [spot]}
ladders:
  main:
    steps:
      - step: margin_call
        below: 120%
        clear: 130%
        call: {restore: initial_margin}
        deadline: 4h
        restrict: reduce_only
      - {step: liquidation, below: 100%, or_after: margin_call unmet, liquidate: all}
"""
PERPETUAL = {"kind": InstrumentKind.PERPETUAL, "underlying": "BTC", "settlement": "USD"}
INSTRUMENTS = [
    {"symbol": "BTC-PERP", **PERPETUAL},
    {"symbol": "BTC-JUN", **PERPETUAL, "kind": InstrumentKind.FUTURE, "expires_ns": START * 2},
    {"symbol": "XYZ", **PERPETUAL, "kind": InstrumentKind.SPOT, "underlying": "XYZ"},
]


class Scene:
    """A shard under the rulebook above, with everything at 100."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.now_ns = START
        self.sequence = 0
        self.events: list[str] = []
        self.do("activate", text=RULEBOOK, file="r.yaml", **PERSON)
        self.do("instruments", instruments=INSTRUMENTS)
        self.price(**dict.fromkeys(("BTC_PERP", "BTC_JUN", "XYZ", "BTC"), 100.0))

    def do(self, kind: str, **data: Any) -> Any:
        """Carry out a command; return its reply."""
        outcome = self.shard.apply(kind, data, self.now_ns)
        self.events += [event.kind.value for event in outcome.events]
        return outcome.reply

    def price(self, **prices: float) -> None:
        """Publish prices."""
        self.sequence += 1
        rows = [{"name": name.replace("_", "-"), "price": one, "time_ns": self.now_ns} for name, one in prices.items()]
        self.do("prices", sequence=self.sequence, prices=rows)

    def account(self, *pools: dict[str, Any], account_class: str = "professional", sequence: int = 1) -> None:
        """Load account `a`."""
        one = {"account_id": "a", "account_class": account_class, "sequence": sequence, "pools": list(pools)}
        self.do("accounts", accounts=[one])

    def transfer(self, amount: float, source: str = CROSS, target: str = "portfolio", asset: str = "USD") -> Any:
        """Move collateral; return the reply."""
        data = {"account": "a", "from": source, "to": target, "asset": asset, "amount": amount}
        return self.do("transfer", **data, **PERSON)

    def view(self, pool: str = CROSS) -> PoolView:
        """Assess a pool."""
        return view_pool(self.shard, self.shard.book.pool_id("a", pool), self.now_ns)

    def balance(self, pool: str, asset: str = "USD") -> float:
        """Return what a pool holds of an asset."""
        return self.shard.book.balance(self.shard.book.pool_id("a", pool), asset)


def pool(name: str, usd: float, **positions: float) -> dict[str, Any]:
    """Make a pool with positions opened at 100."""
    held = [
        {"symbol": symbol.replace("_", "-"), "quantity": quantity, "entry_price": 100.0}
        for symbol, quantity in positions.items()
    ]
    return {"name": name, "balances": [{"asset": "USD", "amount": usd}], "positions": held}


@pytest.fixture
def scene() -> Scene:
    """An account with a cross pool and a named one."""
    made = Scene()
    made.account(pool(CROSS, 1_000.0, BTC_PERP=10.0), pool("portfolio", 500.0, BTC_JUN=-10.0), pool("BTC-PERP", 200.0))
    return made


# What a pool holds


def test_each_pool_stands_on_its_own(scene: Scene) -> None:
    """Cross, isolated and named pools of one account have their own equity, margins and labels."""
    assert [
        (scene.view(name).equity, scene.view(name).initial_margin) for name in (CROSS, "portfolio", "BTC-PERP")
    ] == [
        (1_000.0, 200.0),
        (500.0, 200.0),
        (200.0, 0.0),
    ]
    labels = [scene.shard.book.pool_label(k) for k in scene.shard.book.engine.pools_of(0)]
    assert labels == ["a", "a|portfolio", "a|BTC-PERP"]
    assert [one.name for one in scene.shard.book.account("a").pools] == [CROSS, "portfolio", "BTC-PERP"]


def test_a_portfolio_never_reaches_across_pools(scene: Scene) -> None:
    """A long and a short on one underlying offset inside a pool, and not between two pools of the account."""
    assert scene.view().initial_margin + scene.view("portfolio").initial_margin == 400.0
    scene.account(
        pool(CROSS, 1_000.0), pool("portfolio", 500.0, BTC_JUN=-10.0, BTC_PERP=10.0), pool("BTC-PERP", 1.0), sequence=2
    )
    assert scene.view("portfolio").initial_margin == 0.0


@pytest.mark.parametrize(
    ("given", "account_class", "code", "words"),
    [
        (pool("portfolio", 1.0, XYZ=1.0), "professional", "MR-I130", "pool portfolio of a held XYZ"),
        (pool("portfolio", 1.0), "retail", "MR-I130", "account a of class retail had a pool portfolio"),
        (pool("portfolo", 1.0), "professional", "MR-I105", "pool was 'portfolo'"),
        (
            pool("shares", 1.0) | {"orders": [{"client_order_id": "o", "symbol": "BTC-PERP", "quantity": 1.0}]},
            "professional",
            "MR-I130",
            "pool shares of a held BTC-PERP",
        ),
    ],
)
def test_what_does_not_belong_into_a_pool_is_refused(
    given: dict[str, Any], account_class: str, code: str, words: str
) -> None:
    """Positions and orders of other products, and accounts of other classes, are refused; nothing has changed."""
    scene = Scene()
    with pytest.raises(InputError, match=words) as caught:
        scene.account(given, account_class=account_class)
    assert caught.value.code == code
    assert not list(scene.shard.book.accounts())


def test_an_order_of_another_product_is_refused(scene: Scene) -> None:
    """A check of an order in a named pool passes for its products only."""
    scene.account(pool("portfolio", 500.0), pool("shares", 500.0), sequence=2)

    def reasons(name: str, symbol: str) -> Reason:
        order = border.order({"client_order_id": "o", "symbol": symbol, "quantity": 1.0})
        return decide(scene.shard, "a", name, order, scene.now_ns).reasons

    assert [reasons("portfolio", one) for one in ("BTC-PERP", "BTC-JUN")] == [Reason(0)] * 2
    assert reasons("portfolio", "XYZ") == reasons("shares", "BTC-PERP") == Reason.UNKNOWN_POOL
    assert reasons("shares", "XYZ") == Reason(0)


def test_a_rulebook_that_drops_a_pool_in_use_is_refused(scene: Scene) -> None:
    """Neither a pool that holds something nor one of its products can be dropped by a new rulebook."""
    dropped = RULEBOOK.replace("  portfolio: {products: [perpetual, future], classes: [professional]}\n", "")
    narrowed = RULEBOOK.replace("products: [perpetual, future], classes", "products: [perpetual], classes")
    for text, words in ((dropped, r"pool a\|portfolio"), (narrowed, r"BTC-JUN in pool a\|portfolio")):
        with pytest.raises(InputError, match=words):
            scene.do("activate", text=text, file="r.yaml", **PERSON)
    scene.account(pool(CROSS, 1_000.0), sequence=2)
    scene.do("activate", text=dropped, file="r.yaml", **PERSON)
    with pytest.raises(InputError, match="pool was 'portfolio'"):
        scene.transfer(1.0)


def test_a_symbol_and_a_pool_do_not_share_a_name() -> None:
    """An instrument cannot be named like a pool, whichever comes first."""
    scene = Scene()
    with pytest.raises(InputError, match="name of a pool"):
        scene.do("instruments", instruments=[{"symbol": "portfolio", **PERPETUAL}])
    with pytest.raises(InputError, match="instrument BTC-PERP, named like a pool"):
        scene.do("activate", text=RULEBOOK.replace("  shares: {", "  BTC-PERP: {"), file="r.yaml", **PERSON)


# Moving collateral


def test_a_transfer_moves_collateral(scene: Scene) -> None:
    """What one pool gives the other gets; a pool that the account does not have yet is opened, under its profile."""
    assert scene.transfer(300.0) == {"credited": "300.00"}
    assert (scene.view().equity, scene.view("portfolio").equity) == (700.0, 800.0)
    scene.transfer(100.0, "portfolio", "shares")
    assert (scene.view("portfolio").equity, scene.view("shares").equity) == (700.0, 100.0)
    scene.transfer(100.0, "shares", CROSS)
    assert scene.shard.book.pool(scene.shard.book.pool_id("a", "shares")).balances == ()
    scene.transfer(50.0, "BTC-PERP", CROSS)
    scene.transfer(50.0, CROSS, "XYZ")
    assert (scene.view("XYZ").equity, scene.view("BTC-PERP").equity) == (50.0, 150.0)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ({"amount": 800.01}, "MR-I131", "under IM 200.00"),
        ({"amount": 1_000.01}, "MR-I102", "amount was 1000.01"),
        ({"amount": 0.0}, "MR-I102", "amount was 0"),
        ({"amount": float("nan")}, "MR-I101", "amount was nan"),
        ({"amount": 1.0, "asset": "BTC"}, "MR-I102", "amount was 1"),
        ({"amount": 1.0, "asset": "DOGE"}, "MR-I107", "DOGE"),
        ({"amount": 1.0, "target": CROSS}, "MR-I105", "both pools"),
        ({"amount": 1.0, "target": "BTC-JULY"}, "MR-I105", "BTC-JULY"),
        ({"amount": 1.0, "source": "XYZ"}, "MR-I105", "no pool 'XYZ'"),
    ],
)
def test_a_transfer_that_may_not_be_is_refused(scene: Scene, data: dict[str, Any], code: str, words: str) -> None:
    """Nothing moves below the source's IM, beyond what it holds, or to a pool that there is not."""
    before = scene.shard.book.account("a")
    with pytest.raises(InputError, match=words) as caught:
        scene.transfer(**data)
    assert caught.value.code == code
    assert scene.shard.book.account("a") == before


def test_all_but_initial_margin_can_be_moved(scene: Scene) -> None:
    """Equity may come down to the initial margin exactly."""
    scene.transfer(800.0)
    assert scene.view().equity == scene.view().initial_margin == 200.0


def test_a_restricted_or_unpriced_pool_gives_nothing(scene: Scene) -> None:
    """A pool in a restricting step gives nothing, and neither does one without valid prices."""
    scene.account(pool(CROSS, 110.0, BTC_PERP=10.0), pool("portfolio", 500.0, BTC_JUN=-10.0), sequence=2)
    assert scene.view().restriction.word == "reduce_only"
    with pytest.raises(InputError, match="restricted to reduce_only") as caught:
        scene.transfer(1.0)
    assert caught.value.code == "MR-I131"
    scene.now_ns += 2 * 86_400 * SECOND_NS
    with pytest.raises(InputError, match="cannot be assessed: stale_price") as caught:
        scene.transfer(1.0, "portfolio", "BTC-PERP")
    assert caught.value.code == "MR-I131"


def test_a_transfer_meets_the_call_of_its_target(scene: Scene) -> None:
    """What a transfer adds to equity goes to the target's open calls, after haircuts, as a deposit does."""
    scene.account(
        pool(CROSS, 1_000.0) | {"balances": [{"asset": "BTC", "amount": 10.0}]},
        pool("portfolio", 110.0, BTC_PERP=10.0),
        sequence=2,
    )
    (call,) = scene.shard.calls.values()
    assert (call.status, call.amount, call.call_id) == (CallStatus.OPEN, Decimal("90.00"), "a|portfolio#1")
    assert scene.transfer(0.1, asset="BTC") == {"credited": "9.00"}
    assert scene.shard.calls[call.call_id].deposited == Decimal("9.00")
    scene.transfer(0.9, asset="BTC")
    assert scene.shard.calls[call.call_id].status is CallStatus.MET
    assert not scene.shard.states


AMOUNTS = st.integers(0, 10**11).map(lambda units: units / 10**4)


@settings(max_examples=400, deadline=None)
@given(AMOUNTS, AMOUNTS, AMOUNTS, st.booleans())
def test_a_transfer_conserves_every_unit(held: float, other: float, amount: float, is_coin: bool) -> None:
    """Over both pools nothing is gained or lost, to the last digit as people write it, there and back again."""
    made, asset = Scene(), "BTC" if is_coin else "USD"
    rows = [
        {"name": name, "balances": [{"asset": asset, "amount": one}]}
        for name, one in ((CROSS, held), ("shares", other))
    ]
    made.account(*rows)
    if not 0.0 < amount <= held:
        with pytest.raises(InputError, match="amount was"):
            made.transfer(amount, target="shares", asset=asset)
        return
    total = Decimal(repr(held)) + Decimal(repr(other))
    made.transfer(amount, target="shares", asset=asset)
    left, got = (Decimal(repr(made.balance(name, asset))) for name in (CROSS, "shares"))
    assert left + got == total
    assert got - Decimal(repr(other)) == Decimal(repr(amount))
    made.transfer(amount, "shares", CROSS, asset)
    assert (made.balance(CROSS, asset), made.balance("shares", asset)) == (held, other)


NAMES = (CROSS, "portfolio", "shares", "BTC-PERP")
STEPS = st.one_of(
    st.tuples(st.just("transfer"), st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(1, 400)),
    st.tuples(st.just("deposit"), st.sampled_from(NAMES), st.just(CROSS), st.integers(1, 400)),
    st.tuples(st.just("price"), st.just(CROSS), st.just(CROSS), st.integers(60, 140)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=12))
def test_a_replay_gives_the_same_pools(steps: list[tuple[str, str, str, int]]) -> None:
    """The same commands give the same pools, calls and restrictions; a refused one changes nothing."""
    made, done = Scene(), []
    made.account(pool(CROSS, 900.0, BTC_PERP=20.0), pool("portfolio", 300.0, BTC_JUN=-20.0), pool("BTC-PERP", 50.0))

    def standing(scene: Scene) -> tuple[Any, ...]:
        return scene.shard.book.account("a"), dict(scene.shard.states), dict(scene.shard.calls), list(scene.events)

    for step in steps:
        before = standing(made)
        try:
            carry_out(made, *step)
            done.append(step)
        except InputError:
            assert standing(made) == before
    again = Scene()
    again.account(pool(CROSS, 900.0, BTC_PERP=20.0), pool("portfolio", 300.0, BTC_JUN=-20.0), pool("BTC-PERP", 50.0))
    for step in done:
        carry_out(again, *step)
    assert standing(again) == standing(made)


def carry_out(scene: Scene, kind: str, source: str, target: str, number: int) -> None:
    """Do one step of a random story."""
    if kind == "transfer":
        scene.transfer(number + 0.1, source, target)
    elif kind == "deposit":
        scene.do("deposit", account="a", pool=source, asset="USD", amount=number + 0.1, **PERSON)
    else:
        scene.price(BTC_PERP=float(number), BTC_JUN=float(number))


# Durable


@contextmanager
def served(path: Path) -> Iterator[Service]:
    """Open a service on a journal, restored."""
    journal = SqliteJournal(path, lambda _: None)
    service = Service(journal, MarketClock(START), lambda _: None)
    service.restore()
    try:
        yield service
    finally:
        journal.close()


def test_a_transfer_is_carried_out_once_and_survives(tmp_path: Path) -> None:
    """The same request id moves once; a restart recomputes the same pools, calls and balances."""
    path = tmp_path / "pools.db"
    data = {"account": "a", "from": "", "to": "portfolio", "asset": "USD", "amount": 300.1, **PERSON}
    with served(path) as service:
        service.submit("activate", {"text": RULEBOOK, "file": "r.yaml", **PERSON}, "r-1")
        service.submit("instruments", {"instruments": INSTRUMENTS}, "r-2")
        prices = [{"name": name, "price": 100.0, "time_ns": START} for name in ("BTC-PERP", "BTC-JUN", "XYZ", "BTC")]
        service.submit("prices", {"sequence": 1, "prices": prices}, "r-3")
        pools = [pool(CROSS, 1_000.0), pool("portfolio", 110.0, BTC_JUN=10.0)]
        one = {"account_id": "a", "account_class": "professional", "sequence": 1, "pools": pools}
        service.submit("accounts", {"accounts": [one]}, "r-4")
        assert len(service.shard.calls) == 1
        assert service.submit("transfer", data, "r-5") == service.submit("transfer", data, "r-5")
        with pytest.raises(InputError, match="used before"):
            service.submit("transfer", data | {"amount": 1.0}, "r-5")
        before = service.shard.book.account("a"), dict(service.shard.calls), dict(service.shard.states)
        assert service.shard.book.account("a").pools[1].balances == (("USD", 410.1),)
    with served(path) as service:
        assert (service.shard.book.account("a"), dict(service.shard.calls), dict(service.shard.states)) == before
        assert service.submit("transfer", data, "r-5") == {"credited": "300.10"}
        assert service.shard.book.account("a") == before[0]
