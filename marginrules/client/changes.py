# SPDX-License-Identifier: Apache-2.0
"""What a server answers about changes of its rulebook, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules.client.records import Approval, RulebookRevision
from marginrules.codes import ChangeState
from marginrules.service.migrate import PoolMove
from marginrules.service.policy import Demand


@dataclass(frozen=True, slots=True)
class RulebookChange:
    """Carry one change of the rulebook."""

    change_id: str
    state: ChangeState
    file: str
    name: str
    digest: str  # of what it means
    text_digest: str  # of the text as it is written: what is approved
    base: str  # digest of the book that it was written for
    verdict: str  # "equivalent", "stricter", "looser" or "mixed", against that book
    differences: tuple[str, ...]
    authors: tuple[str, ...]
    why: str
    proposed_ns: int
    approvals: tuple[Approval, ...]
    needs: tuple[Demand, ...]
    scheduled_ns: int
    scheduled_by: str
    revision: int  # that it became; 0: none
    failure: str
    broke_glass: bool


@dataclass(frozen=True, slots=True)
class BrokenGlass:
    """Carry a book that is active without approval."""

    change_id: str
    until_ns: int
    fallback_revision: int


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """Say who may do what."""

    name: str
    is_signed: bool
    always: tuple[Demand, ...]  # what every change needs
    looser: tuple[Demand, ...]  # what it needs beside that where it is looser
    glass_group: str
    glass_ns: int


@dataclass(frozen=True, slots=True)
class RulebookStatus:
    """Say how the rulebook of a server stands."""

    active: RulebookRevision | None
    previous: RulebookRevision | None  # where one step back leads
    policy: PolicySummary | None
    broken_glass: BrokenGlass | None
    pending: tuple[RulebookChange, ...]
    failed_activations: int

    @property
    def active_digest(self) -> str:
        """Return the digest of the active book; "" where there is none."""
        return self.active.digest if self.active else ""


@dataclass(frozen=True, slots=True)
class CallsMigration:
    """Say what became of open calls, or of a dry run what would; `left` are (account, pool, why it stays)."""

    pools: tuple[PoolMove, ...]
    moved: int
    left: tuple[tuple[str, str, str], ...]
