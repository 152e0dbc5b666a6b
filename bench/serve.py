# SPDX-License-Identifier: Apache-2.0
"""A server that also echoes: the rival of a check is an answer of equal bytes on the same stack and in its process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

from marginrules._pb import book_pb2, types_pb2
from marginrules.server.app import Server
from marginrules.server.settings import Settings

RULEBOOK = Path(__file__).parent.parent / "rules" / "smallest" / "rulebook.yaml"
ACCOUNTS, POSITIONS = 1_000, 10


class EchoServer(Server):
    """Answer `bench.Echo/Unary` and `bench.Echo/Stream` with as many bytes as a check answers."""

    def __init__(self, settings: Settings, answer_bytes: int) -> None:
        super().__init__(settings)
        self._answer = bytes(answer_bytes)

    def _register(self, server: grpc.Server) -> None:
        super()._register(server)
        methods = {
            "Unary": grpc.unary_unary_rpc_method_handler(lambda _content, _context: self._answer),
            "Stream": grpc.stream_stream_rpc_method_handler(self._stream),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", methods),))

    def _stream(self, contents: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for _ in contents:
            yield self._answer


def load(server: Server) -> None:
    """Fill the book: every account has ten perpetuals and cash enough."""
    symbols = [f"P{number}-PERP" for number in range(POSITIONS)]
    now = time.time_ns() + 3_600_000_000_000  # fresh for as long as a bench may take
    kinds = [
        types_pb2.Instrument(symbol=one, kind=types_pb2.INSTRUMENT_KIND_PERPETUAL, underlying=one, settlement="USD")
        for one in symbols
    ]
    submit = server.service.submit
    from marginrules.server import codec  # noqa: PLC0415 - the path that requests take

    submit("instruments", {"instruments": [codec.instrument_data(one) for one in kinds]}, "1")
    server.service.clock = _Ahead(now)
    prices = [types_pb2.Price(name=one, price=100.0, time_ns=now) for one in symbols]
    submit("prices", {"sequence": 1, "prices": [codec.price_data(one) for one in prices]}, "2")
    held = [types_pb2.Position(symbol=one, quantity=10.0, entry_price=100.0) for one in symbols]
    pool = types_pb2.Pool(balances=[types_pb2.Balance(asset="USD", amount=50_000.0)], positions=held)
    accounts = [
        types_pb2.Account(account_id=f"a{number}", account_class="default", sequence=1, pools=[pool])
        for number in range(ACCOUNTS)
    ]
    batch = book_pb2.UpdateAccountsRequest(accounts=accounts)
    submit("accounts", {"accounts": [codec.account_data(one) for one in batch.accounts]}, "3")


class _Ahead:
    """Stand still at one moment, so that no mark grows stale while a bench runs."""

    follows_market = True

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def follow(self, time_ns: int) -> None:
        pass


if __name__ == "__main__":
    served = EchoServer(Settings(rulebook=RULEBOOK, port=0, metrics_port=0), int(sys.argv[1]))
    port = served.start()
    load(served)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    raise SystemExit(served.run())
