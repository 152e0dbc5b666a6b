# SPDX-License-Identifier: Apache-2.0
"""Overload over real sockets: limits are reached, refusals say when to come back, obligations keep their share."""

from __future__ import annotations

import threading
import time
from typing import Any

import grpc
import pytest

from marginrules._pb import book_pb2, check_pb2, escalation_pb2
from marginrules.limits import CONCURRENT_CHECKS_MAX, CONCURRENT_STREAMS_MAX
from marginrules.server import handlers
from marginrules.server.app import PACKAGE
from tests.server import wire as w
from tests.server.wire import metadata_of, request_id

BEYOND = 20


def wait_for(what: Any) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.promise("MR-P10")
def test_checks_beyond_the_limit_are_refused_and_obligations_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every place for checks taken one more is refused at once; deposits and prices pass; then all is well."""
    with w.serving() as (server, wire):
        w.load(wire)
        decide, may_go_on = server.service.check, threading.Event()

        def wait_and_check(*args: Any) -> Any:
            assert may_go_on.wait(60)
            return decide(*args)

        monkeypatch.setattr(server.service, "check", wait_and_check)
        content = check_pb2.CheckOrderRequest(account_id="a1", order=w.order(1.0)).SerializeToString()
        check = wire.channel.unary_unary(f"/{PACKAGE}.CheckService/CheckOrder")
        sent = [check.future(content) for _ in range(CONCURRENT_CHECKS_MAX + BEYOND)]
        wait_for(lambda: sum(one.done() for one in sent) == BEYOND)

        refused = [one for one in sent if one.done()]
        assert {one.code() for one in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert {metadata_of(one)["marginrules-code"] for one in refused} == {"MR-O101"}
        assert all(int(metadata_of(one)["grpc-retry-pushback-ms"]) > 0 for one in refused)
        deposit = escalation_pb2.RecordDepositRequest(
            request_id=request_id(), account_id="a1", asset="USD", amount=5.0, who="desk", why="overloaded"
        )
        assert wire("EscalationService/RecordDeposit", deposit).credited == "5.00"
        w.mark(wire, 101.0)
        assert wire("BookService/GetAccount", book_pb2.GetAccountRequest(account_id="a1")).account.account_id == "a1"

        may_go_on.set()
        answers = [check_pb2.CheckOrderResponse.FromString(one.result(30)) for one in sent if one not in refused]
        assert len(answers) == CONCURRENT_CHECKS_MAX
        assert all(one.decision.accepted for one in answers)
        assert w.check(wire, "a1", 1.0).accepted


def test_watchers_beyond_the_limit_are_refused() -> None:
    """With every place for streams taken one more watcher is refused at once; who leaves makes room."""
    with w.serving() as (_, wire):
        w.load(wire)
        watchers = [
            wire.watch(escalation_pb2.WatchEventsRequest(), timeout=60.0)
            for _ in range(CONCURRENT_STREAMS_MAX + BEYOND)
        ]
        wait_for(lambda: sum(one.done() for one in watchers) == BEYOND)
        refused = [one for one in watchers if one.done()]
        assert {one.code() for one in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
        assert {metadata_of(one)["marginrules-code"] for one in refused} == {"MR-O101"}
        assert w.check(wire, "a1", 1.0).accepted

        for one in watchers:
            one.cancel()
        wait_for(lambda: is_admitted(wire))


def is_admitted(wire: w.Wire) -> bool:
    """Say whether a watcher gets a place."""
    try:
        return len(list(wire.watch(escalation_pb2.WatchEventsRequest(until_now=True)))) == 1
    except grpc.RpcError:
        return False


def test_watcher_too_far_behind_is_cut_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watcher that had caught up and then falls too far behind is cut with MR-O102, and resumes without a gap."""
    monkeypatch.setattr(handlers, "STREAM_LAG_EVENTS_MAX", 5)
    with w.serving() as (_, wire):
        w.load(wire, accounts=1)
        live = wire.watch(escalation_pb2.WatchEventsRequest(after_position=w.ACTIVATED))
        w.mark(wire, 93.0)
        heard = [next(live) for _ in range(3)]
        more = [w.account(f"b{number}") for number in range(10)]
        wire("BookService/UpdateAccounts", book_pb2.UpdateAccountsRequest(request_id=request_id(), accounts=more))

        with pytest.raises(grpc.RpcError) as cut:
            heard += list(live)
        metadata = metadata_of(cut.value)
        assert cut.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert metadata["marginrules-code"] == "MR-O102"
        assert int(metadata["grpc-retry-pushback-ms"]) > 0
        assert metadata["marginrules-hint-bin"].decode() == f"resume after position {heard[-1].position}"

        # One that is behind from the start is no slow reader: it gets everything.
        resumed = escalation_pb2.WatchEventsRequest(after_position=heard[-1].position, until_now=True)
        heard += list(wire.watch(resumed))
        everything = list(wire.watch(escalation_pb2.WatchEventsRequest(after_position=w.ACTIVATED, until_now=True)))
        assert heard == everything
        assert len(everything) == 3 + 3 * len(more)
