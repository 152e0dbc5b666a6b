# SPDX-License-Identifier: Apache-2.0
"""How changes stand: what is active by whom, what is scheduled, what is pending and what it still needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marginrules.codes import ChangeState
from marginrules.errors import InputError
from marginrules.service.changes import Change, Glass
from marginrules.service.lifecycle import previous
from marginrules.service.policy import Demand, Policy

if TYPE_CHECKING:
    from marginrules.service.shard import Revision, Shard


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Carry a change with where it stands; `missing` is empty for one that is over."""

    change: Change
    state: ChangeState
    missing: tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Carry how the rulebook of a shard stands; `previous` is where one step back leads."""

    active: Revision | None
    previous: Revision | None
    policy: Policy | None
    glass: Glass | None
    pending: tuple[ChangeView, ...]
    failures: int


def view_change(shard: Shard, change: Change) -> ChangeView:
    """Return a change as it stands now."""
    state = shard.changes.state_of(change, shard.active_digest)
    is_running = shard.changes.glass is not None and shard.changes.glass.change_id == change.change_id
    missing = shard.changes.missing(change) if change.ended is None or is_running else ()
    return ChangeView(change, state, missing)


def view_standing(shard: Shard) -> Standing:
    """Return how everything stands now."""
    changes = shard.changes
    glass = changes.glass
    try:
        before = previous(shard)
    except InputError:
        before = None
    running = glass.change_id if glass else ""
    known = list(changes.known.values())
    pending = [view_change(shard, one) for one in known if one.ended is None or one.change_id == running]
    return Standing(shard.active, before, changes.policy, glass, tuple(pending), changes.failures)
