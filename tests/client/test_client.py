# SPDX-License-Identifier: Apache-2.0
"""Both clients against a server over real sockets: every method, with the records it takes and returns."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marginrules.client import AsyncClient, Client, Fill, LiquidationPrice, OrderCheck, PriceMove, ServerError
from marginrules.codes import CallStatus, EventKind, InstrumentKind, Reason, Restriction
from marginrules.errors import InputError, OverloadError, RulebookError
from marginrules.machine import Field
from marginrules.model import CloseSeries, Instrument, Order, Position, Price
from marginrules.server.app import Server
from marginrules.server.settings import Settings
from tests.client.served import CLIENTS, SMALLEST, account, connected, later, mark, order, serving
from tests.server.test_server import make_certificates
from tests.server.wire import ACTIVATED

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def served() -> Iterator[tuple[Server, str]]:
    """Serve three accounts."""
    with serving() as found:
        yield found


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, served: tuple[Server, str]) -> Iterator[Any]:
    """Connect each kind of client."""
    with connected(request.param, served[1]) as made:
        yield made


def test_order_from_check_to_fill(client: Any) -> None:
    """An order is checked, held, filled in part and released; each answer is a record."""
    decision = client.check_order("a1", order(100.0))
    assert (decision.accepted, decision.reasons) == (False, Reason.INSUFFICIENT_MARGIN)
    assert decision.quantity_max == pytest.approx(20.0)

    assert client.check_order("a1", order(10.0), hold=True).held
    assert client.fill_order("a1", "o1", 4.0, 100.0, fee=2.5) == 6.0
    pool = client.get_account("a1").pools[0]
    assert (pool.positions[0].quantity, pool.balances, pool.orders) == (84.0, (("USD", 997.5),), (order(6.0),))

    assert client.release_order("a1", "o1") is None
    assert client.get_account("a1").pools[0].orders == ()


def test_checks_as_a_stream(client: Any) -> None:
    """Answers come in the order of the orders; one that cannot be read is answered by its error."""
    checks = [OrderCheck("a1", order(quantity, hold, 0.0), hold=True) for quantity, hold in ((1.0, "x"), (2.0, "y"))]
    checks.insert(1, OrderCheck("a1", order(float("nan"))))
    first, second, third = client.check_orders(checks)

    assert (first.held, third.held) == (True, True)
    assert isinstance(second, InputError)
    assert (second.code, "finite" in second.hint or "finite" in second.message) == ("MR-I101", True)


def test_assess_and_what_if(client: Any) -> None:
    """A pool is assessed with its liquidation price, and a copy after orders, moves and deposits."""
    found = client.assess("a1", liquidation_prices=True)
    assert (found.is_valid, found.equity, found.maintenance_margin, found.margin_ratio) == (True, 1_000.0, 400.0, 2.5)
    assert (found.step, found.next_step, found.restriction) == ("", "margin_call", Restriction.NONE)
    (price,) = found.liquidation_prices
    assert price == LiquidationPrice("BTC-PERP", price.price)
    assert price.price == pytest.approx(92.1052631579)

    fall = client.what_if("a1", moves=[PriceMove("BTC-PERP", change=-0.1)], deposits=[("USD", 50.0)])
    assert (fall.before.equity, fall.after.equity) == (1_000.0, 250.0)
    assert fall.after.step == "liquidation"
    assert client.what_if("a1", moves=[PriceMove("BTC-PERP", price=90.0)]).after.equity == 200.0
    assert client.what_if("a1", orders=[order(-80.0)]).after.margin_ratio is None
    assert client.assess("a1") == client.what_if("a1").before


OPTIONS = """\
  options:
    match: {kind: option, right: [call, put]}
    margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}
"""


@pytest.mark.parametrize("kind", CLIENTS)
def test_options_over_a_socket(kind: str, tmp_path: Path) -> None:
    """An option with its terms, its published fields and its premium go to the server and come back."""
    rulebook = tmp_path / "rulebook.yaml"
    rulebook.write_text(SMALLEST.read_text().replace("ladders:\n", f"{OPTIONS}\nladders:\n"))
    expires_ns = time.time_ns() + 30 * 24 * HOUR_NS
    put = Instrument("BTC-P95", InstrumentKind.OPTION, "BTC", "USD", 10.0, False, 1.0, expires_ns, 95.0, "put")
    fields = (("forward", 101.0), ("index", 100.0), ("rate", 0.0), ("volatility", 0.6))
    with serving(rulebook=rulebook) as (server, address), connected(kind, address) as client:
        assert client.define_instruments([put]) == 1
        now = time.time_ns()
        assert client.update_prices(now, [Price("BTC-P95", 5.0, now, 1e6, fields)]) == 1
        assert server.service.shard.book.instruments["BTC-P95"] == put
        assert server.service.shard.book.engine.quotes_of(1) == {
            Field.FORWARD: 101.0,
            Field.INDEX: 100.0,
            Field.RATE: 0.0,
            Field.VOLATILITY: 0.6,
            Field.OPEN_INTEREST: 1e6,
        }
        short = Order("o", "BTC-P95", -2.0, 5.0)
        assert client.check_order("a1", short, hold=True).held
        assert client.fill_order("a1", "o", -2.0, 5.0) == 0.0
        pool = client.get_account("a1").pools[0]
        assert (pool.positions[1], pool.balances) == (Position("BTC-P95", -2.0, 0.0, 0.0), (("USD", 1_100.0),))
        assert client.assess("a1").equity == 1_000.0
        assert client.what_if("a1", moves=[PriceMove("BTC-P95", price=0.0)]).after.equity == 1_100.0


def test_options_closes_and_limits_survive_a_restart(tmp_path: Path) -> None:
    """A restart folds options, what was published and what was used of it, and closes, to the same state."""
    rulebook, journal = tmp_path / "rulebook.yaml", tmp_path / "journal.db"
    limits = "marks: {max_age: 7d, limits: {volatility: {rise: 20%, fall: 5%, per: 1d}}}\n"
    text = SMALLEST.read_text().replace("ladders:\n", f"{OPTIONS}\nladders:\n")
    rulebook.write_text(text.replace("collateral:\n", f"{limits}\ncollateral:\n"))
    now = time.time_ns()
    call = Instrument("BTC-C95", InstrumentKind.OPTION, "BTC", "USD", 1.0, False, 0.0, now + HOUR_NS, 95.0, "call")
    closes = CloseSeries("BTC", tuple(k * HOUR_NS for k in range(30)), tuple(100.0 + k % 3 for k in range(30)))

    def state(server: Server) -> Any:
        book = server.service.shard.book
        return book.instruments, book.engine.quotes_of(1), book.closes, book.account("a1")

    with serving(rulebook=rulebook, journal=journal) as (server, address), Client(address) as client:
        client.define_instruments([call])
        for volatility in (0.5, 0.9):
            client.update_prices(time.time_ns(), [Price("BTC-C95", 0.0, now, fields=(("volatility", volatility),))])
        client.publish_closes([closes])
        before = state(server)
        assert before[1][Field.VOLATILITY] == 0.5
        assert before[1][Field.REALIZED_VOLATILITY] > 0.0
    again = Server(Settings(rulebook=rulebook, journal=journal, port=0, metrics_port=0))
    again.start()
    try:
        assert state(again) == before
    finally:
        again.stop(1.0)


def test_closes_are_kept_once(client: Any, served: tuple[Server, str]) -> None:
    """Closes are appended or replaced; the same request again changes nothing."""
    day_ns = 24 * HOUR_NS
    book = served[0].service.shard.book
    first = CloseSeries("BTC", (day_ns, 2 * day_ns), (100.0, 101.0))
    assert client.publish_closes([first], request_id="first") == 2
    assert client.publish_closes([first], request_id="first") == 2
    with pytest.raises(InputError, match="not after the last one known"):
        client.publish_closes([first])
    assert client.publish_closes([CloseSeries("BTC", (3 * day_ns,), (99.0,))]) == 1
    assert list(book.closes["BTC"].closes) == [100.0, 101.0, 99.0]
    assert client.publish_closes([first], replace=True) == 2
    assert list(book.closes["BTC"].closes) == [100.0, 101.0]


def test_call_through_the_desk(client: Any) -> None:
    """A call is listed, shown, acknowledged, extended, disputed and waived; each act returns it as it then stands."""
    mark(client, 93.0)
    calls = list(client.calls(only_open=True))
    assert [one.account_id for one in calls] == ["a0", "a1", "a2"]
    call = calls[1]
    assert (call.status, call.step, call.kind, call.amount) == (
        CallStatus.OPEN,
        "margin_call",
        "first",
        Decimal("304.00"),
    )
    assert client.get_call(call.call_id) == call
    assert list(client.calls(account="a1")) == [call]

    assert client.acknowledge(call.call_id, "desk", "phoned").acknowledged_by == "desk"
    due_ns = call.due_ns + HOUR_NS
    extended = client.extend(call.call_id, due_ns, "desk", "wire is late")
    assert (extended.due_ns, extended.extensions) == (due_ns, 1)
    assert (
        client.dispute(call.call_id, due_ns + HOUR_NS, "desk", "mark is doubted").disputed_until_ns == due_ns + HOUR_NS
    )
    assert client.waive(call.call_id, "head of desk", "in error").status is CallStatus.WAIVED
    assert [one.account_id for one in client.calls(only_open=True)] == ["a0", "a2"]
    assert len(list(client.calls())) == 3


def test_transfer_between_pools(client: Any) -> None:
    """Collateral moves into an isolated pool and back, once per request id, and not below initial margin."""
    for _ in range(2):
        assert client.transfer("a2", "", "BTC-PERP", "USD", 150.5, "ops", "hedge", request_id="move-1") == Decimal(
            "150.50"
        )
    pools = {one.name: one.balances for one in client.get_account("a2").pools}
    assert pools == {"": (("USD", 849.5),), "BTC-PERP": (("USD", 150.5),)}
    with pytest.raises(InputError, match=r"under IM 800\.00") as caught:
        client.transfer("a2", "", "BTC-PERP", "USD", 50.0, "ops", "more")
    assert caught.value.code == "MR-I131"
    assert client.transfer("a2", "BTC-PERP", "", "USD", 150.5, "ops", "back") == Decimal("150.50")


def test_deposit_meets_a_call_once(client: Any) -> None:
    """A deposit is credited to the call; repeated under its request id it changes nothing more."""
    mark(client, 93.0)
    for _ in range(2):
        assert client.deposit("a1", "USD", 304.0, "ops", "wire 17", request_id="wire-17") == Decimal("304.00")
    assert client.get_account("a1").pools[0].balances == (("USD", 1_304.0),)
    (call,) = client.calls(account="a1")
    assert (call.status, call.outstanding) == (CallStatus.MET, Decimal(0))

    with pytest.raises(InputError) as caught:
        client.deposit("a1", "USD", 305.0, "ops", "wire 18", request_id="wire-17")
    assert caught.value.code == "MR-I117"


def test_liquidation_is_reported(client: Any) -> None:
    """The orders of a liquidation come by the watch; their fills close it."""
    mark(client, 90.0)
    ordered = [one for one in client.watch(until_now=True) if one.kind == EventKind.LIQUIDATION_ORDERED]
    assert [one.account_id for one in ordered] == ["a0", "a1", "a2"]
    assert ordered[1].orders == (Fill("BTC-PERP", -80.0),)

    assert client.record_liquidation(ordered[1].call_id, [Fill("BTC-PERP", -80.0, 90.0, 1.0)]) is None
    assert client.get_account("a1").pools[0].positions == ()
    with pytest.raises(InputError, match="MR-I112"):
        client.record_cover("a1", "insurance_fund", 10.0, "treasury", "no default was declared")


def test_watch_resumes(client: Any) -> None:
    """A watch that resumes after a position gives exactly what followed it."""
    mark(client, 93.0)
    everything = list(client.watch(until_now=True))
    assert everything[0].kind == EventKind.RULEBOOK_ACTIVATED
    assert {one.kind for one in everything[1:]} == {EventKind.STEP_ENTERED, EventKind.CALL_ISSUED, EventKind.RESTRICTED}
    assert [one.position for one in everything] == sorted({one.position for one in everything})
    assert list(client.watch(after=everything[3].position, until_now=True)) == everything[4:]
    with pytest.raises(InputError, match="MR-I121"):
        list(client.watch(after=1 << 60))


def test_accounts_page_by_page(client: Any) -> None:
    """All pages come as one iteration, in the order in which the accounts came."""
    names = [f"b{number}" for number in range(1_100)]
    assert client.update_accounts([account(name) for name in names]) == 1_100
    assert [one.account_id for one in client.accounts()] == ["a0", "a1", "a2", *names]
    assert list(client.accounts(only_escalated=True)) == []


def test_streams_of_updates(client: Any) -> None:
    """Prices and snapshots can be streamed; the first one refused ends the stream with its error."""
    now = time.time_ns()
    updates = [(now + number, [Price("BTC-PERP", 100.0 + number, now + number)]) for number in range(3)]
    assert list(client.stream_prices(updates)) == [1, 1, 1]
    assert list(client.stream_accounts([[account("a1", 2)], [account("a1", 3), account("a2", 2)]])) == [1, 2]
    with pytest.raises(InputError, match="MR-I109"):
        list(client.stream_accounts([[account("a1", 3)]]))


def test_rulebook_from_check_to_roll_back(client: Any) -> None:
    """A rulebook is validated, refused, activated and rolled back; a refused one leaves the active one as it is."""
    text = SMALLEST.read_bytes()
    bad, other = text.replace(b"restrict", b"restict"), text.replace(b"deadline: 4h", b"deadline: 2h")
    assert client.validate_rulebook(text) == []
    (problem,) = client.validate_rulebook(bad, "bad.yaml")
    assert (problem.file, problem.code, problem.hint) == ("bad.yaml", "MR-R301", "did you mean 'restrict'?")

    with pytest.raises(RulebookError) as caught:
        client.activate_rulebook(bad, "officer", "typo", "bad.yaml")
    assert caught.value.diagnostics == (problem,)
    activated = client.activate_rulebook(other, "officer", "shorter deadline", "other.yaml")
    assert activated.revision == 2
    revision, found = client.get_rulebook()
    assert (revision.digest, revision.file, revision.is_active, found) == (activated.digest, "other.yaml", True, other)

    first, _ = client.rulebooks()
    assert client.roll_back_rulebook(1, "officer", "back") == type(activated)(3, first.digest)
    assert [one.is_active for one in client.rulebooks()] == [False, False, True]
    assert client.get_rulebook(1)[1] == text
    with pytest.raises(InputError, match="MR-I116"):
        client.get_rulebook(9)


def test_unknown_account(client: Any) -> None:
    """A refusal comes back as the exception the service raised, with its code."""
    with pytest.raises(InputError) as caught:
        client.assess("nobody")
    assert caught.value.code == "MR-I104"


def test_draining_server(client: Any, served: tuple[Server, str]) -> None:
    """A server that drains takes nothing new, and says so."""
    threading.Thread(target=lambda: served[0].stop(3.0)).start()

    def ask_on() -> None:
        while True:
            client.assess("a1")

    with pytest.raises((OverloadError, ServerError)) as caught:
        ask_on()
    assert getattr(caught.value, "is_unreachable", True)


def test_watch_waits_for_what_comes(served: tuple[Server, str]) -> None:
    """A watch gives what happens after it began, and is cancelled once nobody iterates any more."""
    with Client(served[1]) as client:
        found = client.watch(after=ACTIVATED)
        threading.Timer(0.3, lambda: mark(client, 93.0)).start()
        assert next(found).kind == EventKind.STEP_ENTERED
        found.close()  # type: ignore[attr-defined]  # it is a generator
        assert client.assess("a1").ladder_step == "margin_call"


def test_many_at_once(served: tuple[Server, str]) -> None:
    """An asynchronous client has many requests under way at once, takes asynchronous sources, and cancels a watch."""

    async def run() -> None:
        async with AsyncClient(served[1]) as client:
            found = await asyncio.gather(*(client.check_order("a1", order(float(size))) for size in range(1, 31)))
            assert [one.accepted for one in found] == [size <= 20 for size in range(1, 31)]
            checks = [OrderCheck("a1", order(float(size))) for size in (1, 30)]
            answers = [one async for one in client.check_orders(later(checks))]
            assert [getattr(one, "accepted", None) for one in answers] == [True, False]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(client.watch(after=ACTIVATED)), 0.3)

    asyncio.run(run())


@pytest.mark.parametrize("kind", CLIENTS)
def test_tls_on_both_sides(kind: str, tmp_path: Path) -> None:
    """Client and server show each other certificates; a client without one is not served."""
    make_certificates(tmp_path)
    files = {name: tmp_path / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")}
    settings = {
        "tls_certificate": files["server.pem"],
        "tls_key": files["server.key"],
        "tls_client_ca": files["ca.pem"],
    }
    with serving(**settings) as (_, address):
        root = {"root_certificate": files["ca.pem"]}
        known = {"client_certificate": files["client.pem"], "client_key": files["client.key"]}
        with connected(kind, address, **root, **known) as client:
            assert [one.name for one in client.rulebooks()] == ["smallest"]
        with connected(kind, address, timeout_s=2.0, **root) as client, pytest.raises(ServerError):
            client.rulebooks()
