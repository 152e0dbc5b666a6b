# SPDX-License-Identifier: Apache-2.0
"""The client for threads; one may be shared by many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, TypeVar

import grpc

from marginrules.client.errors import translated
from marginrules.client.methods import Methods
from marginrules.client.rpc import Call, Connection, Exchange, Page

T = TypeVar("T")
S = TypeVar("S")


class Client(Connection, Methods):
    """
    Talk to a server; the arguments are those of `Connection`, the methods those of `Methods`.

    Raises:
        InputError, RulebookError, OverloadError, StorageError: what the server raised.
        ServerError: no server answered.
    """

    _channels = grpc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; calls under way fail."""
        self._channel.close()

    def run_call(self, call: Call[T]) -> T:
        """Make a call and return its answer."""
        with translated():
            reply = self._callable("unary_unary", call.request)(call.request, timeout=self._timeout_s)
        return call.decode(reply)

    def run_pages(self, call: Call[Page[S]]) -> Iterator[S]:
        """Ask for page after page."""
        request: Any = call.request
        while True:
            page = self.run_call(call)
            yield from page.items
            if not page.next_token:
                return
            request.page_token = page.next_token

    def run_stream(self, call: Call[T]) -> Iterator[T]:
        """Follow a stream."""
        start = self._callable("unary_stream", call.request)
        return _replies(lambda: start(call.request), call.decode)

    def run_exchange(self, exchange: Exchange[S, T], items: Iterable[S]) -> Iterator[T]:
        """Send items and yield their answers."""
        messages = (exchange.encode(number, one) for number, one in enumerate(items, start=1))
        start = self._callable("stream_stream", exchange.request)
        return _replies(lambda: start(messages), exchange.decode)


def _replies(start: Callable[[], Any], decode: Callable[[Any], T]) -> Iterator[T]:
    """Start a stream and yield what it brings; it is cancelled once nobody iterates any more."""
    replies = start()
    try:
        with translated():
            for reply in replies:
                yield decode(reply)
    finally:
        replies.cancel()
