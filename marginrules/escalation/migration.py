# SPDX-License-Identifier: Apache-2.0
"""
Move a pool with open calls to another revision of the rulebook, which happens only where a person asks for it.

Steps are kept by name. A call stands where its step still calls, for the amount that was demanded and with no less time
than was promised; a step that is gone, or does not call any more, takes its call with it.
"""

from __future__ import annotations

from dataclasses import replace

from marginrules.codes import CallStatus, EventKind
from marginrules.escalation.ladder import follow
from marginrules.escalation.state import Call, Draft, Event, LadderState, Liquidation
from marginrules.terms import Ladder


def hindrance(state: LadderState) -> str:
    """Return why a state has to stay where it is for now; "" where it can be moved."""
    if state.shortfall:
        return "a shortfall is not covered yet"
    if state.liquidation and state.liquidation.awaiting:
        return f"round {state.liquidation.awaiting} of a liquidation is not reported yet"
    return ""


def migrate(
    state: LadderState, old: Ladder, digest: str, number: int, new: Ladder, now_ns: int
) -> tuple[LadderState, tuple[Event, ...]]:
    """
    Move a state, pinned or not, to ladder `number` of the program with a digest.

    To be called only where nothing hinders it. The ladder has to be advanced afterwards.
    """
    if hindrance(state):
        raise AssertionError("a state that is hindered keeps its ladder")
    closing = Draft(state, old, now_ns)
    kept = []
    for call in state.calls:
        moved = _moved(call, old, digest, new)
        if moved is None:
            by = {"by": "the rulebook, whose step does not call any more"}
            closing.close_call(call, CallStatus.SUPERSEDED, EventKind.CALL_SUPERSEDED, data=by)
        else:
            kept.append((call, moved))
    free = replace(closing.state, calls=(), liquidation=None)
    followed, happened = follow(free, old, digest, number, new, now_ns)
    calls, liquidation = tuple(moved for _, moved in kept), _liquidation(state, old, new)
    telling = Draft(replace(followed, calls=calls, liquidation=liquidation), new, now_ns)
    for before, call in kept:
        details = {"from": before.digest, "was_due_ns": before.falls_due_ns}
        telling.say(
            EventKind.CALL_MIGRATED,
            call.step,
            call_id=call.call_id,
            amount=call.outstanding,
            due_ns=call.falls_due_ns,
            data=details,
        )
    return telling.state, (*closing.events, *happened, *telling.events)


def _moved(call: Call, old: Ladder, digest: str, new: Ladder) -> Call | None:
    """Return a call under the new ladder; what was promised or agreed about its deadline stands."""
    place = new.index_of(old.steps[call.step].name)
    terms = new.steps[place].call if place >= 0 else None
    if terms is None:
        return None
    due_ns = max(call.due_ns, terms.deadline.due_ns(call.issued_ns))
    return replace(call, step=place, digest=digest, line=new.steps[place].line, due_ns=due_ns)


def _liquidation(state: LadderState, old: Ladder, new: Ladder) -> Liquidation | None:
    if state.liquidation is None:
        return None
    place = new.index_of(old.steps[state.liquidation.step].name)
    return replace(state.liquidation, step=place) if place >= 0 and new.steps[place].liquidate else None
