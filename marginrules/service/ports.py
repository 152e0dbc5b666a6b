# SPDX-License-Identifier: Apache-2.0
"""The doors to the outside that the service takes as arguments."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tell the time of decisions, in nanoseconds since 1970 UTC."""

    def now_ns(self) -> int:
        """Return the time; the service never lets it run backwards."""

    def follow(self, time_ns: int) -> None:
        """Hear the time of a market update; a clock that follows the market moves there."""

    @property
    def follows_market(self) -> bool:
        """Say whether time is that of the market updates."""


class SystemClock:
    """Tell the wall-clock time."""

    follows_market = False

    def now_ns(self) -> int:
        """Return the wall-clock time."""
        return time.time_ns()

    def follow(self, time_ns: int) -> None:
        """Take no notice."""


class MarketClock:
    """Tell the time of the latest market update: for replays of history and for demonstrations."""

    follows_market = True

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the time of the latest market update."""
        return self._now_ns

    def follow(self, time_ns: int) -> None:
        """Move forward to the time of a market update."""
        self._now_ns = max(self._now_ns, time_ns)
