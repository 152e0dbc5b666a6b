# SPDX-License-Identifier: Apache-2.0
"""Kill the real server with SIGKILL while a rulebook is in shadow."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import grpc
import pytest

from marginrules._pb import check_pb2, rulebook_pb2, shadow_pb2
from tests.faults.test_kill import end, start
from tests.server import wire as w
from tests.server.wire import Wire

STRICTER = w.SMALLEST.read_bytes().replace(b"initial: 10%, maintenance: 5%", b"initial: 20%, maintenance: 10%")


def report(wire: Wire) -> shadow_pb2.GetShadowReportResponse:
    """Return what differs."""
    found: shadow_pb2.GetShadowReportResponse = wire(
        "ShadowService/GetShadowReport", shadow_pb2.GetShadowReportRequest()
    )
    return found


def hold(wire: Wire, name: str) -> bool:
    """Hold the margin of an order that the shadow's rulebook would refuse."""
    request = check_pb2.CheckOrderRequest(account_id="a1", order=w.order(10.0, name=name), hold=True, request_id=name)
    return bool(wire("CheckService/CheckOrder", request).decision.accepted)


def test_a_shadow_outlives_a_kill(tmp_path: Path) -> None:
    """An acknowledged shadow is there after the restart, compares as before, and its end is as durable."""
    journal = tmp_path / "journal.db"
    process, wire = start(journal)
    w.load(wire)
    begin = shadow_pb2.StartShadowRequest(request_id="begin", text=STRICTER, file="n.yaml", who="a", why="b")
    digest = wire("ShadowService/StartShadow", begin).digest
    assert hold(wire, "first")
    before = report(wire)
    assert (before.compared, before.differences[0].order.client_order_id) == (1, "first")
    for request in (begin, rulebook_pb2.ActivateRulebookRequest(request_id="on", text=STRICTER, who="a", why="b")):
        os.kill(process.pid, signal.SIGKILL)
        end(process)
        wire.close()
        process, wire = start(journal)
        after = report(wire)
        assert (after.rulebook_digest, after.started_ns, after.compared) == (digest, before.started_ns, 0)
        assert list(after.levels) == list(before.levels)
        w.check(wire, "a1", 5.0)
        assert report(wire).compared == 1
        service = "ShadowService/StartShadow" if request is begin else "RulebookService/ActivateRulebook"
        assert wire(service, request).digest == digest
    wire.close()
    process.terminate()
    end(process)
    process, wire = start(journal)
    with pytest.raises(grpc.RpcError) as caught:
        report(wire)
    assert w.code_of(caught) == "MR-I181", "its book became active"
    wire.close()
    process.terminate()
    end(process)
