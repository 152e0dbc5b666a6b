# SPDX-License-Identifier: Apache-2.0
"""What the clients do when a server pushes back, is gone, or is not ours; the server here is a script."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from marginrules._pb import book_pb2
from marginrules.client import ServerError
from marginrules.errors import DurabilityError, InputError, JournalCorruptError, OverloadError, StorageError
from tests.client.served import CLIENTS, connected

PUSHBACK_MS = 200


class Script:
    """Refuse the first requests, then answer; remember the id and the time of each."""

    def __init__(self) -> None:
        self.refusals: list[tuple[grpc.StatusCode, str]] = []
        self.seen: list[tuple[str, float]] = []
        self._server = grpc.server(ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(
            self._answer,
            book_pb2.UpdateAccountsRequest.FromString,
            book_pb2.UpdateAccountsResponse.SerializeToString,
        )
        services = grpc.method_handlers_generic_handler("marginrules.v1.BookService", {"UpdateAccounts": handler})
        self._server.add_generic_rpc_handlers((services,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _answer(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.seen.append((request.request_id, time.monotonic()))
        if self.refusals:
            status, code = self.refusals.pop(0)
            metadata: list[tuple[str, str | bytes]] = [
                ("marginrules-code", code),
                ("marginrules-hint-bin", "später".encode()),
            ]
            if status in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}:
                metadata.append(("grpc-retry-pushback-ms", str(PUSHBACK_MS)))
            context.set_trailing_metadata(tuple(metadata))
            context.abort(status, "refused")
        return book_pb2.UpdateAccountsResponse(count=7)

    def stop(self) -> None:
        """Stop at once."""
        self._server.stop(None).wait()


@pytest.fixture
def script() -> Iterator[Script]:
    """Run a scripted server."""
    made = Script()
    yield made
    made.stop()


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest, script: Script) -> Iterator[Any]:
    """Connect each kind of client."""
    with connected(request.param, script.address) as made:
        yield made


def test_pushback_is_waited_for(client: Any, script: Script) -> None:
    """A request that is pushed back comes again with the same id, after the time the server asks for."""
    script.refusals = [(grpc.StatusCode.RESOURCE_EXHAUSTED, "MR-O101"), (grpc.StatusCode.UNAVAILABLE, "MR-O103")]

    assert client.update_accounts([]) == 7
    ids, times = zip(*script.seen, strict=True)
    assert len(ids) == 3
    assert len(set(ids)) == 1
    assert times[2] - times[0] >= 2 * PUSHBACK_MS / 1e3 * 0.9


def test_repetition_ends(client: Any, script: Script) -> None:
    """After four refusals the last one is raised, with its code, hint and time to wait."""
    script.refusals = [(grpc.StatusCode.RESOURCE_EXHAUSTED, "MR-O101")] * 9

    with pytest.raises(OverloadError) as caught:
        client.update_accounts([])
    assert len(script.seen) == 4
    assert (caught.value.code, caught.value.retry_after_ms, caught.value.hint) == ("MR-O101", PUSHBACK_MS, "später")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("MR-I109", InputError),
        ("MR-S101", JournalCorruptError),
        ("MR-S102", DurabilityError),
        ("MR-S104", StorageError),
        ("MR-X999", ServerError),
        ("", ServerError),
    ],
)
def test_code_becomes_exception(client: Any, script: Script, code: str, expected: type[Exception]) -> None:
    """Each code comes back as the exception it left as, at once; a code that is not known as ServerError."""
    script.refusals = [(grpc.StatusCode.ABORTED, code)]

    with pytest.raises(expected) as caught:
        client.update_accounts([], request_id="mine")
    assert type(caught.value) is expected
    assert [one for one, _ in script.seen] == ["mine"]
    assert "refused" in str(caught.value)


def test_method_that_is_not_there(client: Any) -> None:
    """A server that is not ours gives a ServerError with gRPC's status."""
    with pytest.raises(ServerError) as caught:
        client.get_account("a1")
    assert caught.value.status is grpc.StatusCode.UNIMPLEMENTED
    assert not caught.value.is_unreachable


@pytest.mark.parametrize("kind", CLIENTS)
def test_nobody_answers(kind: str, unused_port: int) -> None:
    """Where nobody listens, or nobody answers, the error says so within the timeout."""
    with connected(kind, f"127.0.0.1:{unused_port}") as client, pytest.raises(ServerError) as caught:
        client.get_account("a1")
    assert caught.value.is_unreachable
    assert "is a server running" in str(caught.value)

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        started = time.monotonic()
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        with connected(kind, address, timeout_s=0.5) as client, pytest.raises(ServerError) as caught:
            client.get_account("a1")
    assert caught.value.is_unreachable
    assert time.monotonic() - started < 3.0


@pytest.mark.parametrize("kind", CLIENTS)
def test_half_of_a_certificate(kind: str, tmp_path: Any) -> None:
    """A certificate without its key, or without the server's root, is a mistake of the caller."""
    with pytest.raises(ValueError, match="one was missing"):
        CLIENTS[kind]("127.0.0.1:1", client_certificate=tmp_path / "c.pem")
    with pytest.raises(ValueError, match="root_certificate"):
        CLIENTS[kind]("127.0.0.1:1", client_certificate=tmp_path / "c.pem", client_key=tmp_path / "c.key")
