# SPDX-License-Identifier: Apache-2.0
"""The records of a plan."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules.errors import InputError
from marginrules.rulebook.compare import Comparison


@dataclass(frozen=True, slots=True)
class Base:
    """
    Carry the rulebook that a plan was made against.

    Args:
        revision: on the server; 0 where it came from a file.
        digest: "" where there was none at all.
        text: whole, so that a plan can be read without the server.
    """

    name: str = ""
    revision: int = 0
    digest: str = ""
    file: str = ""
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class PlannedCount:
    """Carry how many there are of something before and after; `after` minus `before` is what the change does."""

    what: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class PlannedImpact:
    """
    Say whom a plan would hit.

    Args:
        now: accounts per step on the live book.
        past: what recorded or supplied history would have had.
        largest: the accounts hit hardest now, in words, largest first.
        since_ns, until_ns: of that history; 0 where there was none.
        digest: of all results; the same on one process and on several.
    """

    now: tuple[PlannedCount, ...] = ()
    past: tuple[PlannedCount, ...] = ()
    largest: tuple[str, ...] = ()
    since_ns: int = 0
    until_ns: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Carry a change of the active rulebook that was looked at, to be made exactly so or not at all.

    Args:
        base: what it was made against.
        name, file, text, digest: of the rulebook that would be active.
        difference: of the two texts, line by line.
        impact: whom it hits; None where nobody asked.
        made_ns: when, in nanoseconds since 1970.
    """

    base: Base
    name: str
    file: str
    text: bytes
    digest: str
    comparison: Comparison
    difference: tuple[str, ...] = ()
    impact: PlannedImpact | None = None
    made_ns: int = 0


class StalePlanError(InputError):
    """
    Say that another rulebook is active than the one that a plan was made against.

    Args:
        changes: how the active one differs from that, each in words.
    """

    def __init__(self, message: str, hint: str, changes: tuple[str, ...] = ()) -> None:
        super().__init__("MR-I140", message, hint)
        self.changes = changes

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"    {one}" for one in self.changes)])
