# SPDX-License-Identifier: Apache-2.0
"""A served book for the client and the command line, and one way to ask both clients the same questions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marginrules.client import AsyncClient, Client
from marginrules.codes import InstrumentKind
from marginrules.model import Account, Instrument, Order, Pool, Position, Price
from marginrules.server.app import Server
from marginrules.server.settings import Settings

ROOT = Path(__file__).parent.parent.parent
SMALLEST = ROOT / "rules" / "smallest" / "rulebook.yaml"
PERPETUAL = Instrument("BTC-PERP", InstrumentKind.PERPETUAL, "BTC", "USD")


@contextmanager
def serving(**settings: Any) -> Iterator[tuple[Server, str]]:
    """Run a server in this process with accounts a0, a1 and a2; yield it and its address."""
    chosen: dict[str, Any] = {"rulebook": SMALLEST, "port": 0, "metrics_port": 0} | settings
    server = Server(Settings(**chosen))
    address = f"127.0.0.1:{server.start()}"
    try:
        if "tls_certificate" not in chosen:
            with Client(address) as client:
                client.define_instruments([PERPETUAL])
                mark(client, 100.0)
                client.update_accounts([account(f"a{number}") for number in range(3)])
        yield server, address
    finally:
        server.stop(1.0)


def account(name: str, sequence: int = 1) -> Account:
    """Make an account with 1,000 USD that is long 80 contracts from 100."""
    pool = Pool("", (("USD", 1_000.0),), (Position("BTC-PERP", 80.0, 100.0),))
    return Account(name, "default", sequence, (pool,))


def mark(client: Any, price: float) -> None:
    """Publish a mark as of now; the time is the sequence number."""
    now = time.time_ns()
    assert client.update_prices(now, [Price("BTC-PERP", price, now)]) == 1


def order(quantity: float, name: str = "o1", price: float = 0.0) -> Order:
    """Make an order."""
    return Order(name, "BTC-PERP", quantity, price)


class Waiting:
    """Ask an `AsyncClient` as if it were a `Client`: each answer is waited for, each iterator comes as a list."""

    def __init__(self, address: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        try:
            self._client = self._runner.run(self._open(address, options))
        except ValueError:
            self._runner.close()
            raise

    async def _open(self, address: str, options: dict[str, Any]) -> AsyncClient:
        return AsyncClient(address, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        async def drive(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            return [one async for one in found] if isinstance(found, AsyncIterator) else await found

        return lambda *args, **kwargs: self._runner.run(drive(*args, **kwargs))

    def close(self) -> None:
        """Let go of connection and loop."""
        self._runner.run(self._client.close())
        self._runner.close()


CLIENTS: dict[str, Any] = {"threads": Client, "asyncio": Waiting}


@contextmanager
def connected(kind: str, address: str, **options: Any) -> Iterator[Any]:
    """Yield a client of one kind."""
    client = CLIENTS[kind](address, **options)
    try:
        yield client
    finally:
        client.close()


async def later(items: Iterable[Any]) -> AsyncIterator[Any]:
    """Yield items as an asynchronous source does."""
    for one in items:
        await asyncio.sleep(0)
        yield one
