# SPDX-License-Identifier: Apache-2.0
"""The server over real sockets: what it promises about requests, watchers, rulebooks, overload, restart and stop."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import prometheus_client
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from marginrules._pb import book_pb2, check_pb2, escalation_pb2, rulebook_pb2, types_pb2
from marginrules.codes import Reason
from marginrules.errors import CODES, InputError, OverloadError
from marginrules.server.access import Gate
from marginrules.server.app import Server
from marginrules.server.metrics import Metrics
from marginrules.server.settings import Settings
from marginrules.server.status import STATUS
from marginrules.service.decide import refused
from tests.server import wire as w
from tests.server.wire import Wire, code_of, metadata_of, request_id


@pytest.fixture
def served() -> Iterator[tuple[Server, Wire]]:
    """Serve three accounts."""
    with w.serving() as (server, wire):
        w.load(wire)
        yield server, wire


def activate(wire: Wire, text: str) -> Any:
    """Activate a rulebook."""
    request = rulebook_pb2.ActivateRulebookRequest(
        request_id=request_id(), text=text.encode(), who="officer", why="test"
    )
    return wire("RulebookService/ActivateRulebook", request)


# Orders


def test_order_at_the_limit(served: tuple[Server, Wire]) -> None:
    """The largest passing quantity passes, a little more does not, and the rulebook line is named."""
    _, wire = served
    decision = w.check(wire, "a1", 100.0)
    assert not decision.accepted
    assert list(decision.reasons) == [types_pb2.REASON_INSUFFICIENT_MARGIN]
    assert decision.quantity_max == pytest.approx(20.0)
    assert decision.rule == "smallest:14 perpetual"
    assert w.check(wire, "a1", decision.quantity_max).accepted
    assert not w.check(wire, "a1", decision.quantity_max * 1.0001).accepted


def test_hold_reserves_once(served: tuple[Server, Wire]) -> None:
    """A held order takes its margin until released; the same id gives the first answer, another order under it none."""
    _, wire = served

    def hold(quantity: float, name: str) -> Any:
        request = check_pb2.CheckOrderRequest(
            account_id="a1", order=w.order(quantity, name=name), hold=True, request_id=request_id()
        )
        return wire("CheckService/CheckOrder", request).decision

    first = hold(15.0, "one")
    assert first.held
    assert not w.check(wire, "a1", 10.0).accepted
    assert hold(15.0, "one") == first
    assert list(hold(14.0, "one").reasons) == [types_pb2.REASON_CLIENT_ORDER_ID_REUSED]
    wire(
        "BookService/ReleaseOrder",
        book_pb2.ReleaseOrderRequest(request_id=request_id(), account_id="a1", client_order_id="one"),
    )
    assert w.check(wire, "a1", 10.0).accepted


def test_hold_expires(served: tuple[Server, Wire]) -> None:
    """A hold with an expiry lets its margin go by itself."""
    _, wire = served
    order = w.order(15.0, name="brief", expires_ns=time.time_ns() + 300_000_000)
    request = check_pb2.CheckOrderRequest(account_id="a1", order=order, hold=True, request_id=request_id())
    assert wire("CheckService/CheckOrder", request).decision.held
    assert not w.check(wire, "a1", 10.0).accepted
    until = time.monotonic() + 5.0
    while not w.check(wire, "a1", 10.0).accepted:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_fill_moves_the_position(served: tuple[Server, Wire]) -> None:
    """A fill turns its part of a held order into a position, and its fee into a debit."""
    _, wire = served
    request = check_pb2.CheckOrderRequest(
        account_id="a1", order=w.order(10.0, name="f"), hold=True, request_id=request_id()
    )
    wire("CheckService/CheckOrder", request)
    fill = book_pb2.FillOrderRequest(
        request_id=request_id(), account_id="a1", client_order_id="f", quantity=4.0, price=100.0, fee=2.5
    )
    assert wire("BookService/FillOrder", fill).quantity_left == 6.0
    assert wire("BookService/FillOrder", fill).quantity_left == 6.0, "the same request id is applied once"
    account = wire("BookService/GetAccount", book_pb2.GetAccountRequest(account_id="a1")).account
    assert account.pools[0].positions[0].quantity == 84.0
    assert account.pools[0].balances[0].amount == 997.5
    assert account.pools[0].orders[0].quantity == 6.0


def test_restricted_pool_only_reduces(served: tuple[Server, Wire]) -> None:
    """A pool that its ladder restricts takes no order that adds, and names the step that restricts it."""
    _, wire = served
    w.mark(wire, 93.0)
    adding = w.check(wire, "a1", 1.0, 93.0)
    assert list(adding.reasons) == [types_pb2.REASON_POOL_REDUCE_ONLY]
    assert adding.rule == "smallest:22 main/margin_call"
    reducing = w.check(wire, "a1", -1.0, 93.0)
    assert reducing.accepted
    assert list(reducing.reasons) == [types_pb2.REASON_RISK_NOT_RAISED]


def test_stream_answers_in_order(served: tuple[Server, Wire]) -> None:
    """A stream answers each check under its correlation id; one that cannot be read does not end it."""
    _, wire = served
    quantities = (1.0, float("nan"), 1_000.0, 2.0)
    requests = (
        check_pb2.CheckOrdersRequest(
            correlation_id=number, check=check_pb2.CheckOrderRequest(account_id="a1", order=w.order(quantity))
        )
        for number, quantity in enumerate(quantities)
    )
    answers = list(wire.stream("CheckService/CheckOrders", requests))
    assert [one.correlation_id for one in answers] == [0, 1, 2, 3]
    assert [one.error_code for one in answers] == ["", "MR-I101", "", ""]
    assert [one.decision.accepted for one in answers] == [True, False, False, True]


def test_what_if_changes_nothing(served: tuple[Server, Wire]) -> None:
    """A what-if with orders, a price move and a deposit shows the figures after them; the account stays as it was."""
    server, wire = served
    before = server.service.shard.book.account("a1")
    answer = wire(
        "CheckService/WhatIf",
        check_pb2.WhatIfRequest(
            account_id="a1",
            orders=[w.order(20.0, None)],
            moves=[check_pb2.PriceMove(name="BTC-PERP", change=-0.1)],
            deposits=[types_pb2.Balance(asset="USD", amount=50.0)],
        ),
    )
    assert answer.before.equity == 1_000.0
    assert answer.after.equity == pytest.approx(1_000.0 + 50.0 - 80.0 * 10.0)
    assert answer.after.maintenance_margin == pytest.approx(100.0 * 90.0 * 0.05)
    assert answer.after.step == "liquidation"
    assert server.service.shard.book.account("a1") == before


def test_assessment_explains_itself(served: tuple[Server, Wire]) -> None:
    """An assessment names the step, its line, the next step with its distance, and liquidation prices on request."""
    _, wire = served
    w.mark(wire, 93.0)
    request = check_pb2.AssessRequest(account_id="a1", with_liquidation_prices=True)
    one = wire("CheckService/Assess", request).assessment
    assert (one.step, one.rule, one.ladder_step) == ("margin_call", "smallest:22 main/margin_call", "margin_call")
    assert one.next_step == "liquidation"
    assert one.next_step_distance == pytest.approx(one.equity - one.maintenance_margin)
    price = one.liquidation_prices[0].price
    assert 1_000.0 + 80.0 * (price - 100.0) == pytest.approx(80.0 * price * 0.05)


# Requests


def test_request_id_is_applied_once(served: tuple[Server, Wire]) -> None:
    """A repeated request id gets the first reply; for another request it is refused (MR-P03)."""
    server, wire = served
    one = escalation_pb2.RecordDepositRequest(
        request_id="once", account_id="a1", asset="USD", amount=5.0, who="a", why="b"
    )
    for _ in range(3):
        assert wire("EscalationService/RecordDeposit", one).credited == "5.00"
    assert server.service.shard.book.account("a1").pools[0].balances == (("USD", 1_005.0),)
    one.amount = 6.0
    with pytest.raises(grpc.RpcError) as caught:
        wire("EscalationService/RecordDeposit", one)
    assert code_of(caught) == "MR-I117"


def test_batch_is_taken_whole_or_not(served: tuple[Server, Wire]) -> None:
    """One bad account in a batch, and none of the batch is taken."""
    server, wire = served
    batch = [w.account("b1"), w.account("b2"), w.account("b3", amount=float("nan"))]
    with pytest.raises(grpc.RpcError):
        wire("BookService/UpdateAccounts", book_pb2.UpdateAccountsRequest(request_id=request_id(), accounts=batch))
    assert list(server.service.shard.book.accounts()) == ["a0", "a1", "a2"]


def test_price_and_account_streams(served: tuple[Server, Wire]) -> None:
    """Streams of updates acknowledge each one, in order."""
    _, wire = served
    now = time.time_ns()
    prices = (
        book_pb2.StreamPricesRequest(
            update=book_pb2.UpdatePricesRequest(
                request_id=request_id(),
                sequence=now + n,
                prices=[types_pb2.Price(name="BTC-PERP", price=100.0 + n, time_ns=now + n)],
            )
        )
        for n in range(5)
    )
    assert [one.result.sequence - now for one in wire.stream("BookService/StreamPrices", prices)] == [0, 1, 2, 3, 4]
    accounts = (
        book_pb2.StreamAccountsRequest(
            update=book_pb2.UpdateAccountsRequest(request_id=request_id(), accounts=[w.account("a1", 2 + n)])
        )
        for n in range(5)
    )
    assert [one.result.count for one in wire.stream("BookService/StreamAccounts", accounts)] == [1] * 5


# Escalation


def test_desk_follows_a_call(served: tuple[Server, Wire]) -> None:
    """A call can be listed, acknowledged, extended, disputed and met; each act is an event with who and why."""
    _, wire = served
    w.mark(wire, 93.0)
    call = wire("EscalationService/ListCalls", escalation_pb2.ListCallsRequest(account_id="a1")).calls[0]
    assert (call.call_id, call.amount, call.step) == ("a1#1", "304.00", "margin_call")
    assert call.status == escalation_pb2.CALL_STATUS_OPEN
    who = {"call_id": "a1#1", "who": "desk", "why": "spoke to the client"}
    acts: list[tuple[str, Any]] = [
        ("AcknowledgeCall", escalation_pb2.AcknowledgeCallRequest(request_id=request_id(), **who)),
        ("ExtendCall", escalation_pb2.ExtendCallRequest(request_id=request_id(), due_ns=call.due_ns + 1, **who)),
        ("DisputeCall", escalation_pb2.DisputeCallRequest(request_id=request_id(), until_ns=call.due_ns + 2, **who)),
    ]
    for name, request in acts:
        answered = wire(f"EscalationService/{name}", request).call
    assert (answered.acknowledged_by, answered.extensions, answered.disputed_until_ns) == ("desk", 1, call.due_ns + 2)
    part = {"account_id": "a1", "asset": "USD", "who": "desk", "why": "wire arrived"}
    wire(
        "EscalationService/RecordDeposit",
        escalation_pb2.RecordDepositRequest(request_id=request_id(), amount=30.0, **part),
    )
    half = wire("EscalationService/GetCall", escalation_pb2.GetCallRequest(call_id="a1#1")).call
    assert (half.deposited, half.status) == ("30.00", escalation_pb2.CALL_STATUS_OPEN)
    wire(
        "EscalationService/RecordDeposit",
        escalation_pb2.RecordDepositRequest(request_id=request_id(), amount=274.0, **part),
    )
    whole = wire("EscalationService/GetCall", escalation_pb2.GetCallRequest(call_id="a1#1")).call
    assert whole.status == escalation_pb2.CALL_STATUS_MET
    kinds = [
        one.event.kind
        for one in wire.watch(escalation_pb2.WatchEventsRequest(until_now=True))
        if one.event.account_id == "a1"
    ]
    assert kinds == [
        "step_entered",
        "call_issued",
        "restricted",
        "call_acknowledged",
        "call_extended",
        "call_disputed",
        "deposit_recorded",
        "deposit_recorded",
        "call_met",
        "step_cleared",
        "restriction_lifted",
    ]


def test_watch_resumes(served: tuple[Server, Wire]) -> None:
    """A watcher that comes back with its last position gets every later event once, in order."""
    _, wire = served
    w.mark(wire, 93.0)
    everything = list(wire.watch(escalation_pb2.WatchEventsRequest(until_now=True)))
    assert len(everything) == 10
    for place, one in enumerate(everything, start=1):
        rest = list(wire.watch(escalation_pb2.WatchEventsRequest(after_position=one.position, until_now=True)))
        assert rest == everything[place:]
    with pytest.raises(grpc.RpcError) as caught:
        list(wire.watch(escalation_pb2.WatchEventsRequest(after_position=1 << 60, until_now=True)))
    assert code_of(caught) == "MR-I121"


def test_watch_is_told_as_it_happens(served: tuple[Server, Wire]) -> None:
    """A live watcher hears of an event without asking again."""
    _, wire = served
    heard: list[str] = []
    live = wire.watch(escalation_pb2.WatchEventsRequest(after_position=w.ACTIVATED))
    thread = threading.Thread(target=lambda: heard.extend(next(live).event.kind for _ in range(3)))
    thread.start()
    time.sleep(0.2)
    w.mark(wire, 93.0)
    thread.join(10.0)
    live.cancel()
    assert heard == ["step_entered", "call_issued", "restricted"]


# Rulebooks


def test_bad_rulebook_never_replaces(served: tuple[Server, Wire]) -> None:
    """A refused text leaves the active rulebook as it is; its problems are those of `validate` (MR-P05)."""
    server, wire = served
    before = server.service.shard.active
    bad = w.SMALLEST.read_text().replace("below: 120%", "belwo: 120%")
    answer = activate(wire, bad)
    checked = wire("RulebookService/ValidateRulebook", rulebook_pb2.ValidateRulebookRequest(text=bad.encode()))
    assert list(answer.diagnostics) == list(checked.diagnostics)
    assert "did you mean 'below'?" in {one.hint for one in answer.diagnostics}
    assert server.service.shard.active is before
    misfit = w.SMALLEST.read_text().replace("kind: perpetual", "kind: future")
    with pytest.raises(grpc.RpcError) as caught:
        activate(wire, misfit)
    assert code_of(caught) == "MR-I114"
    future = w.SMALLEST.read_text().replace("2026-01-01", "2099-01-01")
    with pytest.raises(grpc.RpcError):
        activate(wire, future)
    assert server.service.shard.active is before


def test_activate_and_roll_back(served: tuple[Server, Wire]) -> None:
    """An activated book decides at once; rolling back makes the old text a new revision; open calls keep theirs."""
    _, wire = served
    w.mark(wire, 93.0)
    old = wire("EscalationService/GetCall", escalation_pb2.GetCallRequest(call_id="a1#1")).call
    milder = w.SMALLEST.read_text().replace("initial: 10%, maintenance: 5%", "initial: 4%, maintenance: 2%")
    assert activate(wire, milder).revision == 2
    assert wire(
        "CheckService/Assess", check_pb2.AssessRequest(account_id="a1")
    ).assessment.initial_margin == pytest.approx(297.6)
    kept = wire("EscalationService/GetCall", escalation_pb2.GetCallRequest(call_id="a1#1")).call
    assert kept.rulebook_digest == old.rulebook_digest
    back = rulebook_pb2.RollBackRulebookRequest(request_id=request_id(), revision=1, who="officer", why="too mild")
    answer = wire("RulebookService/RollBackRulebook", back)
    assert (answer.revision, answer.digest) == (3, old.rulebook_digest)
    listed = wire("RulebookService/ListRulebooks", rulebook_pb2.ListRulebooksRequest()).revisions
    assert [(one.revision, one.active) for one in listed] == [(1, False), (2, False), (3, True)]
    got = wire("RulebookService/GetRulebook", rulebook_pb2.GetRulebookRequest(revision=2))
    assert got.text.decode() == milder


@pytest.mark.parametrize(("swaps", "has_shadow"), [(1_000, False), (200, True)], ids=["alone", "with a shadow"])
def test_swap_under_load(
    served: tuple[Server, Wire], capsys: pytest.CaptureFixture[str], swaps: int, has_shadow: bool
) -> None:
    """A thousand swaps under load: no check fails, and each is answered by exactly one of the two books (MR-P04)."""
    server, wire = served
    texts = [w.SMALLEST.read_text(), w.SMALLEST.read_text().replace("initial: 10%,", "initial: 12%,")]
    digests = {}
    for text, margin in zip(texts, (800.0, 960.0), strict=True):
        digests[activate(wire, text).digest] = margin
    stop = threading.Event()
    counts = {"checks": 0, "torn": 0, "failed": 0}

    def ask() -> None:
        own = Wire(server.port)
        while not stop.is_set():
            decision = w.check(own, "a1", 0.5)
            counts["checks"] += 1
            counts["torn"] += decision.initial_margin_before != digests[decision.rulebook_digest]
            counts["failed"] += not decision.accepted
        own.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    stricter = texts[0].replace("initial: 10%,", "initial: 15%,")
    differing = 0
    for number in range(swaps):
        data = {"text": texts[number % 2], "file": "r.yaml", "who": "a", "why": "b"}
        server.service.submit("activate", data, request_id())
        if has_shadow:
            report = server.service.report_shadow() if number else None
            differing += report.kinds["would_refuse"] if report else 0
            assert report is None or report.differing == report.kinds["would_refuse"]
            if number % 5 == 0:
                server.service.submit("shadow", {**data, "text": stricter}, request_id())
            time.sleep(0.002)
    stop.set()
    for thread in threads:
        thread.join()
    with capsys.disabled():
        print(f"{swaps:,} swaps under load: {counts}, {differing} differ in shadow")
    assert counts["checks"] > 100
    assert (counts["torn"], counts["failed"]) == (0, 0)
    assert (differing > 0) == has_shadow


# Overload, health, metrics, stop


def test_overload_is_refused_with_a_hint(served: tuple[Server, Wire], monkeypatch: pytest.MonkeyPatch) -> None:
    """A request beyond its lane is refused at once, with RESOURCE_EXHAUSTED and when to come back (MR-P10)."""
    server, wire = served
    monkeypatch.setattr(server, "_gate", Gate({"check": 0, "read": 1, "command": 1, "stream": 1}))
    with pytest.raises(grpc.RpcError) as caught:
        w.check(wire, "a1", 1.0)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    metadata = metadata_of(caught.value)
    assert int(metadata["grpc-retry-pushback-ms"]) > 0
    assert wire("BookService/GetAccount", book_pb2.GetAccountRequest(account_id="a1")).account.account_id == "a1"


def test_gate_recovers_after_waves() -> None:
    """A lane is full at its limit and free again afterwards, wave after wave."""
    gate = Gate({"check": 2})
    for _ in range(5):
        with gate.admit("check"), gate.admit("check"), pytest.raises(OverloadError), gate.admit("check"):
            pass


def test_health_and_reflection(served: tuple[Server, Wire]) -> None:
    """Health is told for each component, and the services can be listed."""
    _, wire = served
    stub = health_pb2_grpc.HealthStub(wire.channel)
    for name in ("", "journal", "rulebook", "marginrules.v1.CheckService", "marginrules.v1.EscalationService"):
        assert stub.Check(health_pb2.HealthCheckRequest(service=name)).status == health_pb2.HealthCheckResponse.SERVING
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    listed = next(iter(reflection_pb2_grpc.ServerReflectionStub(wire.channel).ServerReflectionInfo(iter([request]))))
    names = {one.name for one in listed.list_services_response.service}
    assert {"marginrules.v1.CheckService", "marginrules.v1.BookService", "grpc.health.v1.Health"} <= names


def test_health_without_a_rulebook() -> None:
    """Without a rulebook the server serves, and its rulebook component says it does not."""
    with w.serving(rulebook=None) as (_, wire):
        stub = health_pb2_grpc.HealthStub(wire.channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service="rulebook"))
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_metrics_page(unused_port: int) -> None:
    """The page counts checks by verdict and reason, open calls by step, journal lag, and names the rulebook."""
    with w.serving(metrics_port=unused_port) as (server, wire):
        w.load(wire)
        w.check(wire, "a1", 1.0)
        w.check(wire, "a1", 1_000.0)
        w.mark(wire, 93.0)
        with urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/metrics") as page:
            text = page.read().decode()
        assert 'marginrules_checks_total{reason="none",verdict="accepted"} 1.0' in text
        assert 'marginrules_checks_total{reason="insufficient_margin",verdict="rejected"} 1.0' in text
        assert 'marginrules_open_calls{step="margin_call"} 3.0' in text
        assert "marginrules_journal_lag_entries 0.0" in text
        assert server.service.shard.program.digest in text


def test_every_check_is_counted_once() -> None:
    """Checks are counted some hundred at a time, from many threads, and none is lost or counted twice."""
    metrics = Metrics()
    decision = refused(Reason.UNKNOWN_ACCOUNT)

    def count() -> None:
        for number in range(1_000):
            metrics.checked(decision, 1e-6 * number)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    text = prometheus_client.generate_latest(metrics.registry).decode()
    assert 'marginrules_checks_total{reason="unknown_account",verdict="rejected"} 4000.0' in text
    assert "marginrules_check_seconds_count 4000.0" in text
    assert 'marginrules_check_seconds_bucket{le="0.0005"} 2004.0' in text


def test_drain_finishes_what_runs() -> None:
    """A stop lets running requests finish, refuses new ones, and loses nothing acknowledged (MR-P11)."""
    server = Server(Settings(rulebook=w.SMALLEST, port=0, metrics_port=0))
    server.start()
    wire = Wire(server.port)
    w.load(wire)
    outcomes: list[str] = []

    def deposit(number: int) -> None:
        request = escalation_pb2.RecordDepositRequest(
            request_id=f"drain-{number}", account_id="a1", asset="USD", amount=1.0, who="a", why="b"
        )
        try:
            outcomes.append(wire("EscalationService/RecordDeposit", request).credited)
        except grpc.RpcError as error:
            outcomes.append(error.code().name)

    threads = [threading.Thread(target=deposit, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    server.stop(5.0)
    for thread in threads:
        thread.join()
    wire.close()
    assert set(outcomes) <= {"1.00", "UNAVAILABLE", "CANCELLED"}
    balance = server.service.shard.book.account("a1").pools[0].balances[0][1]
    assert balance == 1_000.0 + outcomes.count("1.00")


def test_restart_restores_everything(tmp_path: Path) -> None:
    """A restart comes back with accounts, holds, calls, timers and rulebook, and goes on where it was."""
    journal = tmp_path / "journal.db"
    with w.serving(journal=journal) as (server, wire):
        w.load(wire)
        request = check_pb2.CheckOrderRequest(
            account_id="a2", order=w.order(3.0, name="h"), hold=True, request_id=request_id()
        )
        wire("CheckService/CheckOrder", request)
        w.mark(wire, 93.0)
        before = server.service.shard
        kept = (list(before.book.accounts()), before.states, before.calls, before.answers, before.next_due_ns())
        accounts = [before.book.account(name) for name in before.book.accounts()]
    with w.serving(journal=journal, rulebook=None) as (server, wire):
        after = server.service.shard
        assert kept == (list(after.book.accounts()), after.states, after.calls, after.answers, after.next_due_ns())
        assert accounts == [after.book.account(name) for name in after.book.accounts()]
        assert w.check(wire, "a1", -1.0, 93.0).accepted


def test_deadline_missed_while_down(tmp_path: Path) -> None:
    """A deadline that passes while the server is down is handled once after the start (MR-P15)."""
    journal = tmp_path / "journal.db"
    book = tmp_path / "rulebook.yaml"
    book.write_text(w.SMALLEST.read_text().replace("deadline: 4h", "deadline: 1s"))
    with w.serving(journal=journal, rulebook=book) as (_, wire):
        w.load(wire)
        w.mark(wire, 93.0)
    time.sleep(1.2)
    for _ in range(2):
        with w.serving(journal=journal, rulebook=book) as (_, wire):
            time.sleep(0.3)
            events = list(wire.watch(escalation_pb2.WatchEventsRequest(until_now=True)))
            assert sum(one.event.kind == "call_unmet" for one in events) == 3
            assert sum(one.event.kind == "liquidation_ordered" for one in events) == 3


# Settings and codes


def test_the_network_needs_tls() -> None:
    """A host that is not loopback is refused without TLS, and half a key pair always."""
    with pytest.raises(InputError):
        Settings(host="0.0.0.0").check()  # noqa: S104 - to be refused
    with pytest.raises(InputError):
        Settings(tls_certificate=Path("x")).check()
    Settings(host="::1").check()


def test_mutual_tls(tmp_path: Path) -> None:
    """With a client CA, only clients whose certificate it signed are served."""
    make_certificates(tmp_path)
    read = {
        name: (tmp_path / name).read_bytes()
        for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")
    }
    settings = {
        "tls_certificate": tmp_path / "server.pem",
        "tls_key": tmp_path / "server.key",
        "tls_client_ca": tmp_path / "ca.pem",
    }
    with w.serving(**settings) as (server, _):
        pairs = {"known": (read["client.key"], read["client.pem"]), "unknown": (None, None)}
        for name, (key, certificate) in pairs.items():
            credentials = grpc.ssl_channel_credentials(read["ca.pem"], key, certificate)
            channel = grpc.secure_channel(f"localhost:{server.port}", credentials)
            stub = health_pb2_grpc.HealthStub(channel)
            if name == "known":
                assert stub.Check(health_pb2.HealthCheckRequest(), timeout=10.0).status == 1
            else:
                with pytest.raises(grpc.RpcError):
                    stub.Check(health_pb2.HealthCheckRequest(), timeout=3.0)
            channel.close()


def make_certificates(directory: Path) -> None:
    """Make a CA, and a certificate for localhost and one for a client signed by it."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)

    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=ca",
        "-days",
        "2",
    )
    (directory / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.csr",
            "-subj",
            f"/CN={name}",
        )
        openssl(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            f"{name}.pem",
            "-days",
            "2",
            "-extfile",
            "names",
        )


def test_every_code_has_a_status() -> None:
    """Every error code stands in the table of statuses, and none besides."""
    assert STATUS.keys() == CODES.keys()


def test_decisions_are_json(served: tuple[Server, Wire]) -> None:
    """Every journal entry is canonical JSON with what was asked, answered and done."""
    server, wire = served
    w.mark(wire, 93.0)
    for entry in server.journal.read():
        body = json.loads(entry.body)
        assert body.keys() == {"do", "reply", "events", "fingerprint"}
        assert len(body["events"]) == entry.event_count
