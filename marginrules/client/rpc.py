# SPDX-License-Identifier: Apache-2.0
"""
What a call is before anyone has made it, and how one list of methods serves threads and asyncio alike.

A method of `Methods` returns a `Call` or an `Exchange`: pure data. The decorators here turn it into a method of both
clients: `Client` makes the call and returns the answer, `AsyncClient` returns what is awaited or iterated.
"""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from marginrules._pb import (
    answer_pb2,
    book_pb2,
    cases_pb2,
    change_pb2,
    check_pb2,
    escalation_pb2,
    explain_pb2,
    lint_pb2,
    plan_pb2,
    rulebook_pb2,
    shadow_pb2,
)
from marginrules.limits import BULK_REQUEST_BYTES_MAX

if TYPE_CHECKING:
    from marginrules.client.aio import AsyncClient
    from marginrules.client.sync import Client

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")

ADDRESS = "127.0.0.1:50051"
TIMEOUT_S = 10.0
# gRPC sends the very same request again, with its request id, after the time the server asks for; four times in all.
_RETRIES = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 3,
    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
}
_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": _RETRIES}]})),
    ("grpc.per_rpc_retry_buffer_size", 2 * BULK_REQUEST_BYTES_MAX),
    ("grpc.max_receive_message_length", 4 * BULK_REQUEST_BYTES_MAX),
    ("grpc.keepalive_time_ms", 30_000),
)

# Every file of the protocol that has a service.
_PROTOCOLS = (
    answer_pb2,
    book_pb2,
    cases_pb2,
    change_pb2,
    check_pb2,
    escalation_pb2,
    explain_pb2,
    lint_pb2,
    plan_pb2,
    rulebook_pb2,
    shadow_pb2,
)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """Carry a request and how to read what answers it: the response, or each one of a stream."""

    request: Message
    decode: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Carry one page of a list; an empty token ends it."""

    items: list[T]
    next_token: str


@dataclass(frozen=True, slots=True)
class Exchange(Generic[S, T]):
    """Carry how to write each item of a stream, numbered from 1, and how to read each answer."""

    request: type[Message]
    encode: Callable[[int, S], Message]
    decode: Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Rpc:
    """Carry what a channel needs to know of one method."""

    path: str
    serialize: Callable[[Any], bytes]
    deserialize: Callable[[bytes], Any]


@functools.cache
def _rpcs() -> dict[str, Rpc]:
    return {
        method.input_type.full_name: Rpc(
            f"/{service.full_name}/{method.name}",
            GetMessageClass(method.input_type).SerializeToString,
            GetMessageClass(method.output_type).FromString,
        )
        for file in _PROTOCOLS
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def rpc_of(request: Message | type[Message]) -> Rpc:
    """Return the one method that takes this kind of request; the protocol has a request message for each."""
    return _rpcs()[request.DESCRIPTOR.full_name]


class Connection:
    """
    Hold a channel to a server.

    Args:
        address: host and port.
        timeout_s: of a call with all its repetitions; streams have none.
        root_certificate: PEM file of who signed the server's certificate; None: no TLS.
        client_certificate, client_key: PEM files, where the server asks for them.
    """

    _channels: Any  # `grpc`, or `grpc.aio`

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        timeout_s: float = TIMEOUT_S,
        root_certificate: Path | None = None,
        client_certificate: Path | None = None,
        client_key: Path | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        secret = _credentials(root_certificate, client_certificate, client_key)
        if secret is None:
            self._channel = self._channels.insecure_channel(address, _OPTIONS)
        else:
            self._channel = self._channels.secure_channel(address, secret, _OPTIONS)
        self._callables: dict[str, Any] = {}

    def _callable(self, shape: str, request: Message | type[Message]) -> Any:
        rpc = rpc_of(request)
        found = self._callables.get(rpc.path)
        if found is None:
            found = getattr(self._channel, shape)(rpc.path, rpc.serialize, rpc.deserialize)
            self._callables[rpc.path] = found
        return found


def _credentials(root: Path | None, certificate: Path | None, key: Path | None) -> grpc.ChannelCredentials | None:
    """Return the credentials of a TLS channel; None for a plain one."""
    if (certificate is None) != (key is None):
        raise ValueError("of client certificate and key, one was missing; give both")
    if root is None:
        if certificate:
            raise ValueError("a client certificate was given without root_certificate; give it too")
        return None
    return grpc.ssl_channel_credentials(
        root.read_bytes(), key.read_bytes() if key else None, certificate.read_bytes() if certificate else None
    )


class _Method(Generic[P, T]):
    """Bind the maker of calls to the client it is asked from."""

    runner = ""

    def __init__(self, make: Callable[Concatenate[Any, P], T]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def bind(self, client: Any) -> Any:
        if client is None:
            return self
        run = getattr(client, self.runner)

        @functools.wraps(self.make)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return run(self.make(client, *args, **kwargs))

        return method


class unary(_Method[P, Call[T]]):  # noqa: N801 - a decorator
    """Make a method with one answer."""

    runner = "run_call"

    @overload
    def __get__(self, client: None, owner: type) -> unary[P, T]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self.bind(client)


class _Iterated(_Method[P, T], Generic[P, T, S]):
    @overload
    def __get__(self, client: None, owner: type) -> _Iterated[P, T, S]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, Iterator[S]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, AsyncIterator[S]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        return self.bind(client)


class pages(_Iterated[P, Call[Page[S]], S]):  # noqa: N801 - a decorator
    """Make a method that iterates over the items of all pages."""

    runner = "run_pages"


class stream(_Iterated[P, Call[S], S]):  # noqa: N801 - a decorator
    """Make a method that iterates over what the server sends."""

    runner = "run_stream"


class exchange(Generic[S, T]):  # noqa: N801 - a decorator
    """Make a method that sends items and iterates over their answers, which come in the same order."""

    def __init__(self, make: Callable[[Any], Exchange[S, T]]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> exchange[S, T]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[[Iterable[S]], Iterator[T]]: ...
    @overload
    def __get__(
        self, client: AsyncClient, owner: type
    ) -> Callable[[Iterable[S] | AsyncIterable[S]], AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self
        method = functools.partial(client.run_exchange, self.make(client))
        return functools.update_wrapper(method, self.make)
