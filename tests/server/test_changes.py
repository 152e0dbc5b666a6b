# SPDX-License-Identifier: Apache-2.0
"""Acts on the rulebook as any client might send them: what is missing, unknown or not allowed is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from marginrules._pb import change_pb2 as pb
from marginrules._pb import rulebook_pb2
from marginrules.server.app import Server
from tests.server import wire as w
from tests.server.wire import Wire
from tests.service.changing import book, policy

TEXT, DENIED, STATE = book(9).encode(), grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION
INVALID, NOT_FOUND = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
ANN: dict[str, Any] = {"who": "ann", "why": "x"}
BOB: dict[str, Any] = {"who": "bob", "why": "x"}
SIGNATURE = rulebook_pb2.ActSignature(key="k", nonce="n", signature="s")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Wire]]:
    """A server with a policy and one change, proposed by ann."""
    path: Path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(policy())
    with w.serving(policy=path) as (server, wire):
        wire("ChangeService/ProposeChange", pb.ProposeChangeRequest(request_id="p", text=TEXT, **ANN))
        yield server, wire


def state(server: Server) -> Any:
    """Return everything that a refused act must leave as it is."""
    changes = server.service.shard.changes
    return dict(changes.known), changes.glass, len(server.service.shard.revisions), server.journal.seq


CH1: dict[str, Any] = {"change_id": "CH-1"}
REQUESTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ProposeChange": (pb.ProposeChangeRequest, {"text": book(8).encode(), **ANN}),
    "AmendChange": (pb.AmendChangeRequest, {**CH1, "text": book(8).encode(), **ANN}),
    "ApproveChange": (pb.ApproveChangeRequest, {**CH1, "text_digest": "0", **BOB}),
    "WithdrawChange": (pb.WithdrawChangeRequest, {**CH1, **ANN}),
    "ApplyChange": (pb.ApplyChangeRequest, {**CH1, **ANN}),
    "ScheduleChange": (pb.ScheduleChangeRequest, {**CH1, **ANN, "at_ns": 4 * 10**18}),
    "UnscheduleChange": (pb.UnscheduleChangeRequest, {**CH1, **ANN}),
    "BreakGlass": (pb.BreakGlassRequest, {"text": TEXT, **ANN}),
    "MigrateCalls": (pb.MigrateCallsRequest, ANN),
}
WRONG: list[tuple[str, dict[str, Any], grpc.StatusCode, str]] = [
    *((name, {"request_id": ""}, INVALID, "MR-I103") for name in REQUESTS),
    *((name, {"who": ""}, INVALID, "MR-I103") for name in REQUESTS if name != "ApproveChange"),
    *((name, {"why": " "}, INVALID, "MR-I103") for name in REQUESTS if name != "ApproveChange"),
    *((name, {"who": "an\u200bn"}, INVALID, "MR-I110") for name in REQUESTS if name != "ApproveChange"),
    *((name, {"who": "eve"}, DENIED, "MR-I155") for name in REQUESTS if name != "ApproveChange"),
    *((name, {"signature": SIGNATURE}, DENIED, "MR-I156") for name in REQUESTS if name != "ApproveChange"),
    *(
        (name, {"change_id": "CH-9"}, NOT_FOUND, "MR-I150")
        for name, (_, given) in REQUESTS.items()
        if "change_id" in given
    ),
    ("ProposeChange", {"base_digest": "0"}, grpc.StatusCode.ABORTED, "MR-I154"),
    ("ProposeChange", {"text": book().encode()}, INVALID, "MR-I102"),
    ("ApproveChange", {}, STATE, "MR-I151"),
    ("ApproveChange", {"text_digest": ""}, STATE, "MR-I151"),
    ("ApplyChange", {}, STATE, "MR-I152"),
    ("ApplyChange", {"text_digest": "0"}, STATE, "MR-I151"),
    ("ScheduleChange", {}, STATE, "MR-I152"),
    ("ScheduleChange", {"at_ns": -1}, INVALID, "MR-I102"),
    ("UnscheduleChange", {}, STATE, "MR-I151"),
    ("BreakGlass", {"who": "cem"}, DENIED, "MR-I155"),
    ("BreakGlass", {"expires_ns": -1}, INVALID, "MR-I102"),
    ("BreakGlass", {"expires_ns": 1}, INVALID, "MR-I102"),
    ("BreakGlass", {"expires_ns": 10**18}, INVALID, "MR-I102"),
    ("MigrateCalls", {"account_ids": ["nobody"]}, NOT_FOUND, "MR-I104"),
]


@pytest.mark.parametrize(("name", "wrong", "status", "code"), WRONG)
def test_refused_and_nothing_changed(
    served: tuple[Server, Wire], name: str, wrong: dict[str, Any], status: grpc.StatusCode, code: str
) -> None:
    """Each refusal has its code and its status, and leaves no trace."""
    server, wire = served
    before = state(server)
    kind, given = REQUESTS[name]
    with pytest.raises(grpc.RpcError) as caught:
        wire(f"ChangeService/{name}", kind(**({"request_id": w.request_id()} | given | wrong)))
    metadata: dict[str, Any] = {one.key: one.value for one in caught.value.trailing_metadata()}
    assert (caught.value.code(), metadata["marginrules-code"]) == (status, code)
    assert state(server) == before


def test_pages(served: tuple[Server, Wire]) -> None:
    """Changes come page by page; a page token that is none is refused."""
    _, wire = served
    first = wire("ChangeService/ListChanges", pb.ListChangesRequest(page_size=1))
    assert [one.change_id for one in first.changes] == ["CH-1"]
    assert first.next_page_token == ""
    wire("ChangeService/ProposeChange", pb.ProposeChangeRequest(request_id="q", text=book(8).encode(), **ANN))
    first = wire("ChangeService/ListChanges", pb.ListChangesRequest(page_size=1))
    second = wire("ChangeService/ListChanges", pb.ListChangesRequest(page_size=1, page_token=first.next_page_token))
    assert [one.change_id for one in second.changes] == ["CH-2"]
    for wrong in ({"page_token": "x"}, {"page_size": 1_001}):
        with pytest.raises(grpc.RpcError):
            wire("ChangeService/ListChanges", pb.ListChangesRequest(**wrong))


def test_same_request_once(served: tuple[Server, Wire]) -> None:
    """A proposal that is sent again is the same change."""
    server, wire = served
    request = pb.ProposeChangeRequest(request_id="again", text=book(7).encode(), **ANN)
    made = [wire("ChangeService/ProposeChange", request).change.change_id for _ in range(3)]
    assert len(set(made)) == 1
    assert list(server.service.shard.changes.known)[-1] == made[0]
