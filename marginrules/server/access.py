# SPDX-License-Identifier: Apache-2.0
"""How many requests may run at once. One beyond its lane's limit is refused at once and told when to come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from marginrules.errors import OverloadError
from marginrules.limits import CONCURRENT_CHECKS_MAX, CONCURRENT_STREAMS_MAX, RETRY_AFTER_MS

LANES: dict[str, int] = {
    "check": CONCURRENT_CHECKS_MAX,
    "read": CONCURRENT_CHECKS_MAX // 4,
    "command": CONCURRENT_CHECKS_MAX,
    "stream": CONCURRENT_STREAMS_MAX,
}


class Gate:
    """Admit requests lane by lane; once it is closed, none."""

    def __init__(self, lanes: dict[str, int] | None = None) -> None:
        self._lanes = dict(lanes or LANES)
        # A list gives and takes in one step, so no lock is needed.
        self._free = {lane: [None] * count for lane, count in self._lanes.items()}
        self.is_closed = False

    def enter(self, lane: str) -> None:
        """Take a place in a lane; `leave` gives it back."""
        if self.is_closed:
            raise OverloadError("MR-O103", "the server is draining", RETRY_AFTER_MS)
        try:
            self._free[lane].pop()
        except IndexError:
            running = f"{self._lanes[lane]} requests of this kind are running"
            raise OverloadError("MR-O101", running, RETRY_AFTER_MS) from None

    def leave(self, lane: str) -> None:
        """Give a place back."""
        self._free[lane].append(None)

    @contextmanager
    def admit(self, lane: str) -> Iterator[None]:
        """Hold one place in a lane."""
        self.enter(lane)
        try:
            yield
        finally:
            self.leave(lane)

    def close(self) -> None:
        """Admit nothing more."""
        self.is_closed = True
