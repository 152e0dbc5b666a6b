# SPDX-License-Identifier: Apache-2.0
"""The client for asyncio; to be made inside a running loop."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any, Self, TypeVar

import grpc

from marginrules.client.errors import translated
from marginrules.client.methods import Methods
from marginrules.client.rpc import Call, Connection, Exchange, Page

T = TypeVar("T")
S = TypeVar("S")


class AsyncClient(Connection, Methods):
    """Talk to a server; arguments, methods and exceptions are those of `Client`."""

    _channels = grpc.aio

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connection; calls under way fail."""
        await self._channel.close(None)

    async def run_call(self, call: Call[T]) -> T:
        """Make a call and return its answer."""
        with translated():
            reply = await self._callable("unary_unary", call.request)(call.request, timeout=self._timeout_s)
        return call.decode(reply)

    async def run_pages(self, call: Call[Page[S]]) -> AsyncIterator[S]:
        """Ask for page after page."""
        request: Any = call.request
        while True:
            page = await self.run_call(call)
            for one in page.items:
                yield one
            if not page.next_token:
                return
            request.page_token = page.next_token

    def run_stream(self, call: Call[T]) -> AsyncIterator[T]:
        """Follow a stream."""
        start = self._callable("unary_stream", call.request)
        return _replies(lambda: start(call.request), call.decode)

    def run_exchange(self, exchange: Exchange[S, T], items: Iterable[S] | AsyncIterable[S]) -> AsyncIterator[T]:
        """Send items and yield their answers."""
        start = self._callable("stream_stream", exchange.request)
        return _replies(lambda: start(_messages(exchange, items)), exchange.decode)


async def _replies(start: Callable[[], Any], decode: Callable[[Any], T]) -> AsyncIterator[T]:
    """Start a stream and yield what it brings; it is cancelled once nobody iterates any more."""
    replies = start()
    try:
        with translated():
            async for reply in replies:
                yield decode(reply)
    finally:
        replies.cancel()


async def _messages(exchange: Exchange[S, T], items: Iterable[S] | AsyncIterable[S]) -> AsyncIterator[Any]:
    number = 0
    async for one in items if isinstance(items, AsyncIterable) else _later(items):
        number += 1
        yield exchange.encode(number, one)


async def _later(items: Iterable[S]) -> AsyncIterator[S]:
    for one in items:
        yield one
