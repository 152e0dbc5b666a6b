# SPDX-License-Identifier: Apache-2.0
"""
What the fold does with a rulebook in shadow: begin, end, and what another activation means for it.

Each act takes the shard, plain data and the time, and returns a reply and events; one that is refused raises before
anything has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marginrules.codes import EventKind
from marginrules.errors import InputError
from marginrules.escalation.state import Event
from marginrules.rulebook import Program, load
from marginrules.service import border
from marginrules.service.shadow import Shadow, Tally, current

if TYPE_CHECKING:
    from marginrules.service.shard import Shard

Data = dict[str, Any]
Done = tuple[Data, list[Event]]


def start(shard: Shard, data: Data, now_ns: int) -> Done:
    """
    Take {text, file, who, why} or {change, who, why}: ask a rulebook beside the active one.

    One that was in shadow before makes room. The effective date may be in the future, and nobody has to have approved
    the book: a shadow decides nothing.
    """
    active = shard.program
    who, why = border.text("who", data["who"]), border.text("why", data["why"])
    program, file = candidate(shard, data)
    if program.digest == active.digest:
        raise InputError("MR-I180", f"the rulebook {file} is the active one", "give the one that is to be tried")
    shard.refuse_misfits(program)
    events = _end(shard, "replaced", who, why, now_ns) if shard.shadow is not None else []
    shard.shadow_count += 1
    shadow = Shadow(shard.shadow_count, program, file, now_ns, who, why)
    shadow.compare_with(active, len(shard.revisions), now_ns)
    shard.shadow = shadow  # known before it is asked
    shard.book.shade(program, shadow.number)
    shard.compare_levels(now_ns)
    return {"digest": program.digest, "name": program.name}, [*events, _event(EventKind.SHADOW_STARTED, shadow, now_ns)]


def candidate(shard: Shard, data: Data) -> tuple[Program, str]:
    """Return the rulebook that a command brings or names, and its file."""
    if "change" in data:
        change = shard.changes.get(data["change"])
        if change.ended is not None:
            message = f"change {change.change_id} is {change.ended.value}"
            raise InputError("MR-I151", message, "give one that may still become active")
        return change.program, change.file
    file = border.file("file", data["file"])
    return load(data["text"].encode(), file), file


def stop(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {who, why}."""
    who, why = border.text("who", data["who"]), border.text("why", data["why"])
    digest = current(shard).program.digest
    return {"digest": digest}, _end(shard, "stopped", who, why, now_ns)


def before_switch(shard: Shard, program: Program, who: str, why: str, now_ns: int) -> list[Event]:
    """End the shadow where its rulebook becomes active; return what happened."""
    if shard.shadow is None or shard.shadow.program.digest != program.digest:
        return []
    return _end(shard, "became active", who, why, now_ns)


def after_switch(shard: Shard, now_ns: int) -> None:
    """Count anew, against the rulebook that has become active."""
    if shard.shadow is not None:
        shard.shadow.compare_with(shard.program, len(shard.revisions), now_ns)
        shard.book.engine.forget_compared()


def forget_compared(shard: Shard, now_ns: int) -> None:
    """Count the checks that the rulebook in shadow is asked of anew; which pools differ stays known."""
    if shard.shadow is not None:
        shard.shadow.tally = Tally(shard.shadow.tally.revision, now_ns)
        shard.book.engine.forget_compared()


def _end(shard: Shard, how: str, who: str, why: str, now_ns: int) -> list[Event]:
    shadow = current(shard)
    shard.shadow = None
    shard.book.unshade()
    return [_event(EventKind.SHADOW_ENDED, shadow, now_ns, how=how, who=who, why=why)]


def _event(kind: EventKind, shadow: Shadow, now_ns: int, **details: str) -> Event:
    data = {"file": shadow.file, "name": shadow.program.name, "who": shadow.who, "why": shadow.why, **details}
    return Event(kind, now_ns, "", shadow.program.digest, "", data=data)
