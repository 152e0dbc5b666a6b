# SPDX-License-Identifier: Apache-2.0
"""What a page says of who did what: read from the revisions of a server, as the fold or a client gives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from marginrules.authoring.document.content import Act

_WHAT = {"activate": "activated", "apply": "activated", "break_glass": "activated without approval"}


class Approved(Protocol):
    """Say what an approval has."""

    @property
    def who(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def time_ns(self) -> int: ...


class Activated(Protocol):
    """Say what a revision has."""

    @property
    def activated_ns(self) -> int: ...
    @property
    def who(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def act(self) -> str: ...
    @property
    def change_id(self) -> str: ...
    @property
    def authors(self) -> Sequence[str]: ...
    @property
    def approvals(self) -> Sequence[Approved]: ...
    @property
    def restores(self) -> int: ...


def acts_of(revisions: Iterable[Activated]) -> tuple[Act, ...]:
    """Return who approved and activated what, oldest first; one approval is told once, however often its text came."""
    found: dict[tuple[str, str, int], Act] = {}
    for number, one in enumerate(revisions, start=1):
        for given in one.approvals:
            key = (one.change_id, given.who, given.time_ns)
            found.setdefault(key, Act(given.time_ns, f"approved {one.change_id}", given.who, given.why))
        found["", "", number] = Act(one.activated_ns, _activation(number, one), one.who, one.why)
    return tuple(sorted(found.values(), key=lambda act: act.time_ns))


def _activation(number: int, one: Activated) -> str:
    if one.act == "rollback":
        return f"went back to revision {one.restores}, as revision {number}"
    by = f" by {', '.join(one.authors)}" if one.authors else ""
    of = f": {one.change_id}{by}" if one.change_id else ""
    return f"{_WHAT.get(one.act, one.act)} revision {number}{of}"
