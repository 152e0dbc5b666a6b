# SPDX-License-Identifier: Apache-2.0
"""Who did what to the rulebooks of a server, from its revisions."""

from __future__ import annotations

from collections.abc import Iterable

from marginrules.authoring.document.content import Act
from marginrules.service.shard import Revision

_ACTS = {
    "activate": "activated as revision {}",
    "apply": "activated as revision {}, change {}",
    "break_glass": "activated as revision {} without approval: break glass",
    "rollback": "rolled back to, as revision {}",
}


def acts_of(revisions: Iterable[Revision], digest: str) -> tuple[Act, ...]:
    """Return what was done to bring one rulebook in force, and whatever followed it, oldest first."""
    found = []
    for one in revisions:
        if one.program.digest == digest:
            found += [Act(by.time_ns, "approved", by.who, by.why) for by in one.approvals]
            what = _ACTS.get(one.act, "activated as revision {}").format(one.number, one.change_id)
            authors = f", written by {', '.join(one.authors)}" if one.authors else ""
            unapproved = "" if one.is_approved else "; never approved"
            found.append(Act(one.activated_ns, f"{what}{authors}{unapproved}", one.who, one.why))
        elif found and found[-1].what != f"replaced by revision {one.number}":
            found.append(
                Act(one.activated_ns, f"replaced by revision {one.number}, {one.program.name}", one.who, one.why)
            )
    return tuple(sorted(found, key=lambda act: act.time_ns))
