# SPDX-License-Identifier: Apache-2.0
"""A rulebook in shadow as part of the fold: begun, refused, ended, restored; and what is counted of it."""

from __future__ import annotations

import itertools
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marginrules.codes import EventKind, InstrumentKind, Reason
from marginrules.errors import InputError, RulebookError
from marginrules.journal import SqliteJournal
from marginrules.model import CROSS, Order, OrderDecision
from marginrules.service import shadow as shadows
from marginrules.service.decide import decide
from marginrules.service.ports import MarketClock
from marginrules.service.service import Service
from marginrules.service.shadow import CANNOT_BE_ASSESSED, LevelCount, ShadowReport, report
from marginrules.service.shard import Shard
from marginrules.units import SECOND_NS

START = 1_772_445_600 * SECOND_NS
PERSON = {"who": "desk", "why": "test"}
RULEBOOK = """\
rulebook: shadows
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, professional]
marks: {max_age: 1d}
collateral:
  USD: {haircut: 0%}
products:
  perpetual:
    match: {kind: perpetual}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
  future:
    match: {kind: future}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
pools:
  dated: {products: [future]}
ladders:
  main:
    steps:
      - {step: margin_call, below: 150%, clear: 160%, notify: [client]}
      - {step: liquidation, below: 100%, liquidate: all}
"""
STRICTER = RULEBOOK.replace("20%, maintenance: 10%", "40%, maintenance: 20%", 1)
LOOSER = RULEBOOK.replace("20%, maintenance: 10%", "10%, maintenance: 5%", 1)
COMMON = {"underlying": "BTC", "settlement": "USD"}
INSTRUMENTS = [
    {"symbol": "BTC-PERP", "kind": InstrumentKind.PERPETUAL, **COMMON},
    {"symbol": "BTC-JUN", "kind": InstrumentKind.FUTURE, "expires_ns": START * 2, **COMMON},
]


class Scene:
    """Accounts `a` and `b` with 1,000 USD and 30 contracts bought at 100: equity is a third of the notional."""

    def __init__(self, do: Callable[[str, Any, int], Any] | None = None) -> None:
        self.shard = Shard()
        self._do = do or self.shard.apply
        self.now_ns, self.sequence = START, 0
        self.do("activate", text=RULEBOOK, file="rules.yaml", **PERSON)
        self.do("instruments", instruments=INSTRUMENTS)
        self.price(100.0)
        self.account("a")
        self.account("b")

    def do(self, kind: str, **data: Any) -> Any:
        """Carry out a command; return what it did."""
        return self._do(kind, data, self.now_ns)

    def price(self, mark: float, **others: float) -> None:
        """Publish marks."""
        self.sequence += 1
        rows = {"BTC-PERP": mark, "BTC-JUN": mark, **others}
        prices = [{"name": name, "price": price, "time_ns": self.now_ns} for name, price in rows.items()]
        self.do("prices", sequence=self.sequence, prices=prices)

    def account(self, name: str, account_class: str = "retail", sequence: int = 1, pools: Any = ()) -> None:
        """Load an account."""
        held = [{"symbol": "BTC-PERP", "quantity": 30.0, "entry_price": 100.0}]
        cross = {"name": CROSS, "balances": [{"asset": "USD", "amount": 1_000.0}], "positions": held}
        one = {"account_id": name, "account_class": account_class, "sequence": sequence, "pools": [cross, *pools]}
        self.do("accounts", accounts=[one])

    def shadow(self, text: str = STRICTER) -> Any:
        """Put a rulebook into the shadow."""
        return self.do("shadow", text=text, file="next.yaml", **PERSON)

    def check(self, quantity: float, pool: str = CROSS, symbol: str = "BTC-PERP", account: str = "a") -> OrderDecision:
        """Decide an order as the gateway's are."""
        return decide(self.shard, account, pool, Order("o", symbol, quantity), self.now_ns, is_compared=True)

    def report(self) -> ShadowReport:
        """Return what differs by now."""
        return report(self.shard)


@pytest.fixture
def scene() -> Scene:
    """A book of two accounts."""
    return Scene()


def kinds(outcome: Any) -> list[str]:
    """Return what an outcome says happened."""
    return [event.kind for event in outcome.events]


# Begin and end


def test_a_shadow_begins_and_ends_with_events(scene: Scene) -> None:
    """Who, why and which file stand in the events; a second one takes the place of the first."""
    outcome = scene.shadow()
    assert kinds(outcome) == [EventKind.SHADOW_STARTED]
    assert outcome.events[0].data == {"file": "next.yaml", "name": "shadows", **PERSON}
    assert scene.report().digest == outcome.reply["digest"] == outcome.events[0].digest
    again = scene.shadow(LOOSER)
    assert kinds(again) == [EventKind.SHADOW_ENDED, EventKind.SHADOW_STARTED]
    assert again.events[0].data["how"] == "replaced"
    assert again.events[0].digest == outcome.reply["digest"]
    ended = scene.do("unshadow", **PERSON)
    assert (kinds(ended), ended.events[0].data["how"]) == ([EventKind.SHADOW_ENDED], "stopped")
    assert scene.shard.book.engine.assess_shadow(0, START) is None
    for act in (scene.report, lambda: scene.do("unshadow", **PERSON)):
        with pytest.raises(InputError) as caught:
            act()
        assert caught.value.code == "MR-I181"


def test_what_is_refused_leaves_the_shadow_as_it_was(scene: Scene) -> None:
    """A bad book, one that does not cover the instruments, and the active one itself; nobody unnamed."""
    scene.shadow()
    before = scene.report()
    with pytest.raises(RulebookError):
        scene.shadow(RULEBOOK.replace("ladders", "laders"))
    for text, code in (
        (RULEBOOK.replace("kind: future", "kind: option"), "MR-I114"),
        (RULEBOOK.replace("[retail, professional]", "[professional]"), "MR-I114"),
        (RULEBOOK.replace("USD", "EUR"), "MR-I114"),
        (RULEBOOK + "# the same\n", "MR-I180"),
    ):
        with pytest.raises(InputError) as caught:
            scene.shadow(text)
        assert caught.value.code == code
    with pytest.raises(InputError):
        scene.do("shadow", text=LOOSER, file="next.yaml", who="", why="because")
    assert scene.report() == before
    with pytest.raises(InputError) as caught:
        Shard().apply("shadow", {"text": RULEBOOK, "file": "f", **PERSON}, START)
    assert caught.value.code == "MR-I115"


def test_a_book_of_the_future_may_be_in_shadow(scene: Scene) -> None:
    """It decides nothing, so its date does not matter yet."""
    scene.shadow(STRICTER.replace("2026-01-01", "2030-01-01"))
    assert scene.check(10.0).accepted
    assert scene.report().kinds["would_refuse"] == 1


def test_the_shadow_ends_when_its_book_becomes_active(scene: Scene) -> None:
    """By itself, with an event; another activation only begins the counts anew, against the new book."""
    digest = scene.shadow().reply["digest"]
    scene.check(10.0)
    scene.now_ns += SECOND_NS
    scene.do("activate", text=LOOSER, file="looser.yaml", **PERSON)
    found = scene.report()
    assert (found.active_revision, found.since_ns, found.compared, found.differing) == (2, scene.now_ns, 0, 0)
    assert scene.check(10.0).accepted
    assert scene.report().kinds["would_refuse"] == 1
    outcome = scene.do("activate", text=STRICTER, file="next.yaml", **PERSON)
    assert kinds(outcome)[0] == EventKind.SHADOW_ENDED
    assert (outcome.events[0].data["how"], outcome.events[0].digest) == ("became active", digest)
    assert scene.shard.shadow is None
    scene.do("rollback", revision=1, **PERSON)
    assert not scene.check(30.0).accepted


# Checks


def test_only_differences_are_kept(scene: Scene) -> None:
    """The client is told nothing; what is kept says both verdicts, both figures and both lines."""
    alone = [scene.check(quantity) for quantity in (1.0, 10.0, 30.0, -10.0)]
    scene.shadow()
    assert [scene.check(quantity) for quantity in (1.0, 10.0, 30.0, -10.0)] == alone
    found = scene.report()
    assert (found.compared, found.kinds) == (4, {"would_refuse": 2, "would_accept": 0, "other_reasons": 1})
    assert found.products == (("perpetual", "would_refuse", 2), ("perpetual", "other_reasons", 1))
    assert [one.order.quantity for one in found.differences] == [-10.0, 10.0, 1.0]
    newest, middle, _ = found.differences
    assert (newest.active.reasons, newest.shadow.reasons) == (Reason(0), Reason.RISK_NOT_RAISED)
    assert (middle.account, middle.pool, middle.time_ns) == ("a", CROSS, START)
    assert (middle.active.accepted, middle.active.equity, middle.active.initial_margin) == (True, 1_000.0, 800.0)
    assert (middle.shadow.accepted, middle.shadow.equity, middle.shadow.initial_margin) == (False, 1_000.0, 1_600.0)
    assert middle.shadow.reasons == Reason.INSUFFICIENT_MARGIN
    assert middle.active.rule == middle.shadow.rule == "shadows:11 perpetual"
    assert (found.first_ns, found.last_ns, found.active_revision, found.misfits) == (START, START, 1, ())


def test_holds_are_compared_and_questions_are_not(scene: Scene) -> None:
    """An order that is placed counts once; one that is only asked about does not."""
    scene.shadow(LOOSER)
    order = {"client_order_id": "one", "symbol": "BTC-PERP", "quantity": 40.0}
    assert not scene.do("hold", account="a", pool=CROSS, order=order).reply["accepted"]
    assert not scene.do("hold", account="a", pool=CROSS, order=order).reply["accepted"]
    decide(scene.shard, "a", CROSS, Order("o", "BTC-PERP", 40.0), START)
    assert (scene.report().compared, scene.report().kinds["would_accept"]) == (1, 1)


def test_the_newest_are_kept_and_all_are_counted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(shadows, "DIFFERENCES_KEPT", 5)
    scene.shadow()
    for quantity in range(1, 13):
        scene.check(float(quantity))
    found = scene.report()
    assert found.kinds["would_refuse"] == 12
    assert [one.order.quantity for one in found.differences] == [12.0, 11.0, 10.0, 9.0, 8.0]


def test_pools_that_may_not_hold_an_instrument(scene: Scene) -> None:
    """A named pool is none for an instrument by one book, and may be by the other: in both directions a difference."""
    pool = {"name": "dated", "balances": [{"asset": "USD", "amount": 500.0}]}
    scene.account("a", sequence=2, pools=[pool])
    wider = RULEBOOK.replace("products: [future]", "products: [future, perpetual]")
    scene.shadow(wider)
    assert scene.check(1.0, "dated").reasons == Reason.UNKNOWN_POOL
    assert scene.check(1.0, "dated", "BTC-JUN").accepted
    (one,) = scene.report().differences
    assert (one.kind, one.active.reasons, one.shadow.reasons) == ("would_accept", Reason.UNKNOWN_POOL, Reason(0))
    scene.do("activate", text=wider, file="wider.yaml", **PERSON)
    scene.shadow(RULEBOOK)
    assert scene.check(1.0, "dated").accepted
    (one,) = scene.report().differences
    assert (one.kind, one.shadow.reasons) == ("would_refuse", Reason.UNKNOWN_POOL)


def test_what_came_later_and_is_not_covered_is_refused(scene: Scene) -> None:
    """New instruments and classes reach the shadow; what its book does not know is refused there, and told."""
    narrow = STRICTER.replace("{kind: perpetual}", "{kind: perpetual, underlying: BTC}")
    scene.shadow(narrow.replace("[retail, professional]", "[retail]"))
    assert scene.report().misfits == ()
    other = {"symbol": "ETH-PERP", "kind": InstrumentKind.PERPETUAL, "underlying": "ETH", "settlement": "USD"}
    scene.do("instruments", instruments=[other])
    scene.price(100.0, **{"ETH-PERP": 10.0})
    scene.account("c", "professional")
    assert scene.check(1.0, symbol="ETH-PERP").accepted
    assert scene.check(1.0, account="c").accepted
    assert [one.shadow.reasons for one in scene.report().differences] == [Reason.NO_RULEBOOK, Reason.UNKNOWN_PRODUCT]
    assert scene.report().misfits == ("account class professional", "instrument ETH-PERP")
    assert scene.report().levels == (LevelCount("", CANNOT_BE_ASSESSED, 1, 1),)


# Steps


def test_steps_are_compared_at_each_settlement(scene: Scene) -> None:
    """How many pools would stand at another step now, and how often that came to be."""
    scene.shadow()
    assert scene.report().levels == ()
    scene.price(95.0)
    assert scene.report().levels == (LevelCount("", "margin_call", 2, 2),)
    scene.price(85.0)
    assert scene.report().levels == (LevelCount("", "margin_call", 2, 2),)
    scene.price(100.0)
    assert scene.report().levels == (LevelCount("", "margin_call", 0, 2),)
    scene.price(95.0)
    scene.do("deposit", account="a", pool=CROSS, asset="USD", amount=5_000.0, **PERSON)
    assert scene.report().levels == (LevelCount("", "margin_call", 1, 4),)
    scene.price(70.0)
    assert scene.report().levels == (LevelCount("", "margin_call", 0, 4),)


def test_a_shadow_begun_late_sees_every_pool_at_once(scene: Scene) -> None:
    """The first comparison is made when it begins."""
    scene.price(95.0)
    scene.shadow()
    assert scene.report().levels == (LevelCount("", "margin_call", 2, 2),)
    assert scene.report().pools == 2


def test_a_shadow_changes_nothing() -> None:
    """Whatever happens, replies and events of the ladder are those of a shard without one."""
    for seed in range(12):
        source = random.Random(seed)  # noqa: S311 - not a secret
        alone, beside = Scene(), Scene()
        for step in range(30):
            if step % 8 == 2:
                beside.shadow(source.choice([STRICTER, LOOSER]))
            kind, data = draw(source, alone.sequence + 1, step)
            outcomes = []
            for one in (alone, beside):
                one.now_ns, one.sequence = START + step * SECOND_NS, alone.sequence + (kind == "prices")
                try:
                    outcomes.append(one.do(kind, **data))
                except InputError as error:
                    outcomes.append(str(error))
            assert outcomes[0] == outcomes[1]
            assert alone.check(5.0) == beside.check(5.0)
        assert alone.shard.states == beside.shard.states
        assert beside.report().compared > 0


def draw(source: random.Random, sequence: int, step: int) -> tuple[str, dict[str, Any]]:
    """Return a command."""
    kind = source.choice(["prices", "prices", "hold", "deposit", "release"])
    account = source.choice("ab")
    if kind == "prices":
        mark, time_ns = source.uniform(60.0, 120.0), START + step * SECOND_NS
        rows = [{"name": name, "price": mark, "time_ns": time_ns} for name in ("BTC-PERP", "BTC-JUN")]
        return kind, {"sequence": sequence, "prices": rows}
    if kind == "hold":
        order = {"client_order_id": f"o{step}", "symbol": "BTC-PERP", "quantity": source.uniform(-20.0, 20.0)}
        return kind, {"account": account, "pool": CROSS, "order": order}
    if kind == "deposit":
        amount = source.uniform(1.0, 500.0)
        return kind, {"account": account, "pool": CROSS, "asset": "USD", "amount": amount, **PERSON}
    return kind, {"account": account, "client_order_id": f"o{source.randrange(step + 1)}"}


# Restart and threads


def test_a_restart_restores_the_shadow_and_counts_anew(tmp_path: Path) -> None:
    """Begin, replacement and end are in the journal; what was counted of checks is not, and is not made up."""

    failures: list[Exception] = []

    def opened() -> tuple[SqliteJournal, Service]:
        journal = SqliteJournal(tmp_path / "m.db", failures.append)
        return journal, Service(journal, MarketClock(START), failures.append)

    numbers = itertools.count(1)
    journal, service = opened()

    def do(kind: str, data: Any, now_ns: int) -> Any:
        del now_ns
        return service.submit(kind, data, f"r{next(numbers)}")

    scene = Scene(do)
    scene.shadow(LOOSER)
    scene.shadow()
    scene.price(95.0)
    service.check("a", CROSS, Order("o", "BTC-PERP", 1.0))
    before = service.report_shadow()
    assert (before.compared, before.differing) == (1, 1)
    journal.close()
    journal, service = opened()
    service.restore()
    after = service.report_shadow()
    assert (after.compared, after.differing, after.levels) == (0, 0, before.levels)
    assert (after.digest, after.started_ns, after.who) == (before.digest, before.started_ns, "desk")
    service.check("a", CROSS, Order("o", "BTC-PERP", 1.0))
    assert service.report_shadow().kinds["would_refuse"] == 1
    scene.do("unshadow", **PERSON)
    journal.close()
    journal, service = opened()
    service.restore()
    assert service.shard.shadow is None
    journal.close()
    assert failures == []


def test_no_check_fails_or_is_torn_while_books_and_shadows_change(scene: Scene) -> None:
    """
    Under activations, shadows that come and go, and prices, each check is that of one book; no difference is made up.

    The books are strictly ordered, so a difference must be of the kind that its two books, and no others, can give.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    stop, failures = threading.Event(), list[object]()
    refused = (False, Reason.INSUFFICIENT_MARGIN)
    possible = {300.0: (True, Reason(0)), 600.0: (True, Reason(0)), 1_200.0: refused}  # by IM before

    def ask() -> None:
        try:
            while not stop.is_set():
                decision = scene.check(5.0)
                if (decision.accepted, decision.reasons) != possible.get(decision.initial_margin_before):
                    failures.append(decision)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails
            failures.append(error)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for one in readers:
        one.start()
    seen = 0
    try:
        for turn in range(60):
            texts = [(RULEBOOK, STRICTER), (STRICTER, LOOSER), (LOOSER, STRICTER)][turn % 3]
            scene.do("activate", text=texts[0], file="rules.yaml", **PERSON)
            scene.shadow(texts[1])
            scene.price(100.0)
            found = scene.report()
            wanted = "would_accept" if texts[0] is STRICTER else "would_refuse"
            seen += found.differing
            assert all(count == 0 for kind, count in found.kinds.items() if kind != wanted), (turn, found.kinds)
            assert all(row.active.initial_margin != row.shadow.initial_margin for row in found.differences)
            if turn % 2:
                scene.do("unshadow", **PERSON)
    finally:
        stop.set()
        for one in readers:
            one.join()
        sys.setswitchinterval(interval)
    assert failures == []
    assert seen > 0
