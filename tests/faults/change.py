# SPDX-License-Identifier: Apache-2.0
"""A process that changes a rulebook and is killed: python -m tests.faults.change <journal> <acts before the kill>."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from marginrules.journal import SqliteJournal
from marginrules.service.acts import text_digest
from marginrules.service.service import Service
from tests.service.changing import HOUR, START, book, policy

SECOND = 10**9


class Hands:
    """A clock that is moved by hand; it does not follow the market."""

    follows_market = False

    def __init__(self) -> None:
        self.time_ns = START

    def now_ns(self) -> int:
        """Return the time."""
        return self.time_ns

    def follow(self, time_ns: int) -> None:
        """Stand where the journal ends."""
        self.time_ns = max(self.time_ns, time_ns)


def person(who: str) -> dict[str, Any]:
    """Return who acts, and why."""
    return {"who": who, "why": "test"}


FIRST, SECOND_TEXT, BROKEN = book(9), book(8), book(7)
# (hours after the start, command, data); "" lets time pass
ACTS: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (0, "policy", {"file": "p", "text": policy()}),
    (0, "activate", {"file": "r", "text": book(), **person("serve")}),
    (0, "propose", {"file": "r", "text": FIRST, **person("ann")}),
    (0, "approve", {"change": "CH-1", "text_digest": text_digest(FIRST), **person("bob")}),
    (0, "approve", {"change": "CH-1", "text_digest": text_digest(FIRST), **person("cem")}),
    (0, "schedule", {"change": "CH-1", "at_ns": START + HOUR * SECOND, **person("ann")}),
    (2, "", {}),
    (2, "break_glass", {"file": "r", "text": BROKEN, **person("bob")}),
    (2, "propose", {"file": "r", "text": SECOND_TEXT, **person("cem")}),
    (5, "", {}),
    (5, "amend", {"change": "CH-3", "file": "r", "text": SECOND_TEXT + "# two\n", **person("dia")}),
    (5, "approve", {"change": "CH-3", "text_digest": text_digest(SECOND_TEXT + "# two\n"), **person("bob")}),
    (6, "rollback", {"revision": 0, **person("ann")}),
    (6, "withdraw", {"change": "CH-3", **person("dia")}),
)


def opened(path: Path) -> tuple[Service, Hands, SqliteJournal]:
    """Open a journal and fold it."""

    def fail(error: Exception) -> None:
        raise error

    clock = Hands()
    journal = SqliteJournal(path, fail)
    service = Service(journal, clock, fail)
    service.restore()
    return service, clock, journal


def carry_out(service: Service, clock: Hands, first: int, last: int) -> None:
    """Do some of the acts."""
    for number in range(first, last):
        hour, kind, data = ACTS[number]
        clock.time_ns = START + int(hour * HOUR * SECOND)
        if kind:
            service.submit(kind, data, f"act-{number}")
        else:
            service.tick()


if __name__ == "__main__":
    shop, hands, _ = opened(Path(sys.argv[1]))
    carry_out(shop, hands, 0, int(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)
