# SPDX-License-Identifier: Apache-2.0
"""How many requests may run at once. One beyond its lane's limit is refused at once and told when to come back."""

from __future__ import annotations

import threading
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
        self._running = dict.fromkeys(self._lanes, 0)
        self._lock = threading.Lock()
        self.is_closed = False

    def enter(self, lane: str) -> None:
        """Take a place in a lane; `leave` gives it back."""
        with self._lock:
            if self.is_closed:
                raise OverloadError("MR-O103", "the server is draining", RETRY_AFTER_MS)
            if self._running[lane] >= self._lanes[lane]:
                raise OverloadError("MR-O101", f"{self._lanes[lane]} requests of this kind are running", RETRY_AFTER_MS)
            self._running[lane] += 1

    def leave(self, lane: str) -> None:
        """Give a place back."""
        with self._lock:
            self._running[lane] -= 1

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
