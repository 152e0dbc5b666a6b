# SPDX-License-Identifier: Apache-2.0
"""Bare calls over a real socket, without the client: what any gRPC client in any language would send."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory

from marginrules._pb import book_pb2, check_pb2, escalation_pb2, types_pb2
from marginrules.server.app import PACKAGE, Server
from marginrules.server.handlers import METHODS
from marginrules.server.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SMALLEST = ROOT / "rules" / "smallest" / "rulebook.yaml"
ACTIVATED = 1 << 24 | 1  # the position of the first event, which is that the rulebook is active
_REQUESTS = {f"{one.service}/{one.name}": one.request for one in METHODS}
_numbers = itertools.count(1)


def request_id() -> str:
    """Return an id that was not used before in this process."""
    return f"test-{next(_numbers)}"


class Wire:
    """Call methods by name on one channel."""

    def __init__(self, port: int) -> None:
        self.channel: Any = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._calls: dict[str, Any] = {}

    def __call__(self, method: str, request: Any, timeout: float = 20.0) -> Any:
        """Call a unary method: `CheckService/CheckOrder`."""
        if method not in self._calls:
            self._calls[method] = self.channel.unary_unary(
                f"/{PACKAGE}.{method}",
                request_serializer=lambda message: (
                    message if isinstance(message, bytes) else message.SerializeToString()
                ),
                response_deserializer=response_class(method).FromString,
            )
        return self._calls[method](request, timeout=timeout)

    def stream(self, method: str, requests: Iterator[Any], timeout: float = 20.0) -> Iterator[Any]:
        """Call a bidirectional method."""
        answers: Iterator[Any] = self.channel.stream_stream(
            f"/{PACKAGE}.{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response_class(method).FromString,
        )(requests, timeout=timeout)
        return answers

    def watch(self, request: Any, timeout: float = 20.0) -> Any:
        """Call WatchEvents."""
        return self.channel.unary_stream(
            f"/{PACKAGE}.EscalationService/WatchEvents",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=escalation_pb2.WatchEventsResponse.FromString,
        )(request, timeout=timeout)

    def close(self) -> None:
        """Let go of the channel."""
        self.channel.close()


def code_of(caught: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    """Return our own error code of a refusal."""
    return str(metadata_of(caught.value)["marginrules-code"])


def metadata_of(error: Any) -> dict[str, Any]:
    """Return what came with a refusal."""
    return dict(error.trailing_metadata())


def response_class(method: str) -> Any:
    """Return the response message of a method."""
    service, _, name = method.partition("/")
    descriptor: Any = _REQUESTS[method].DESCRIPTOR.file.services_by_name[service].methods_by_name[name]
    return message_factory.GetMessageClass(descriptor.output_type)


@contextmanager
def serving(**settings: Any) -> Iterator[tuple[Server, Wire]]:
    """Run a server on a free port in this process."""
    chosen: dict[str, Any] = {"rulebook": SMALLEST, "port": 0, "metrics_port": 0} | settings
    server = Server(Settings(**chosen))
    server.start()
    wire = Wire(server.port)
    try:
        yield server, wire
    finally:
        wire.close()
        server.stop(2.0)


def load(wire: Wire, accounts: int = 3, price: float = 100.0) -> None:
    """Define one perpetual, publish its mark, and load accounts a0, a1, ... with 1,000 USD and 80 contracts."""
    instrument = types_pb2.Instrument(
        symbol="BTC-PERP", kind=types_pb2.INSTRUMENT_KIND_PERPETUAL, underlying="BTC", settlement="USD"
    )
    wire(
        "BookService/DefineInstruments",
        book_pb2.DefineInstrumentsRequest(request_id=request_id(), instruments=[instrument]),
    )
    mark(wire, price)
    made = [account(f"a{number}") for number in range(accounts)]
    wire("BookService/UpdateAccounts", book_pb2.UpdateAccountsRequest(request_id=request_id(), accounts=made))


def account(name: str, sequence: int = 1, amount: float = 1_000.0, quantity: float = 80.0) -> types_pb2.Account:
    """Make one account."""
    position = types_pb2.Position(symbol="BTC-PERP", quantity=quantity, entry_price=100.0)
    pool = types_pb2.Pool(balances=[types_pb2.Balance(asset="USD", amount=amount)], positions=[position])
    return types_pb2.Account(account_id=name, account_class="default", sequence=sequence, pools=[pool])


def mark(wire: Wire, price: float) -> None:
    """Publish a mark as of now."""
    now = time.time_ns()
    update = book_pb2.UpdatePricesRequest(
        request_id=request_id(), sequence=now, prices=[types_pb2.Price(name="BTC-PERP", price=price, time_ns=now)]
    )
    wire("BookService/UpdatePrices", update)


def order(quantity: float, price: float | None = 100.0, name: str = "", **more: Any) -> types_pb2.Order:
    """Make one order."""
    return types_pb2.Order(client_order_id=name, symbol="BTC-PERP", quantity=quantity, price=price, **more)


def check(wire: Wire, name: str, quantity: float, price: float | None = 100.0) -> Any:
    """Check one order; return the decision."""
    request = check_pb2.CheckOrderRequest(account_id=name, order=order(quantity, price))
    return wire("CheckService/CheckOrder", request).decision


METHOD_NAMES = {f"{one.service}/{one.name}": one for one in METHODS}
