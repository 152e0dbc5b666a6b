# SPDX-License-Identifier: Apache-2.0
"""
What people and executors tell the ladder: `(state, what, now) -> (state, events)`.

Every act names who and why. An act that does not fit the state raises InputError and changes nothing. A call whose
deadline has passed is closed to every act, also while the ladder has not yet said so.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from marginrules.codes import CallStatus, EventKind
from marginrules.errors import InputError
from marginrules.escalation.ladder import pass_deadlines
from marginrules.escalation.state import Call, Draft, Event, LadderState
from marginrules.terms import Ladder
from marginrules.units import format_time

Moved = tuple[LadderState, tuple[Event, ...]]


def acknowledge(state: LadderState, ladder: Ladder, call_id: str, who: str, why: str, now_ns: int) -> Moved:
    """Record that the client has seen a call."""
    draft, call = _begin(state, ladder, call_id, now_ns)
    if call.acknowledged_by:
        raise InputError("MR-I112", f"call {call_id} was acknowledged before, by {call.acknowledged_by}")
    _replace_call(draft, replace(call, acknowledged_by=who))
    _say(draft, EventKind.CALL_ACKNOWLEDGED, call, who, why)
    return draft.done()


def extend(state: LadderState, ladder: Ladder, call_id: str, due_ns: int, who: str, why: str, now_ns: int) -> Moved:
    """Move the deadline of a call to a later moment."""
    draft, call = _begin(state, ladder, call_id, now_ns)
    if due_ns <= max(call.due_ns, now_ns):
        hint = f"give a moment after {format_time(max(call.due_ns, now_ns))}"
        raise InputError("MR-I112", f"new deadline of {call_id} was {format_time(due_ns)}, not later", hint)
    moved = replace(call, due_ns=due_ns, extensions=call.extensions + 1)
    _replace_call(draft, moved)
    _say(draft, EventKind.CALL_EXTENDED, moved, who, why)
    return draft.done()


def dispute(state: LadderState, ladder: Ladder, call_id: str, until_ns: int, who: str, why: str, now_ns: int) -> Moved:
    """Hold the deadline of a call up until a moment; a dispute always ends, and the call with it."""
    draft, call = _begin(state, ladder, call_id, now_ns)
    if until_ns <= now_ns:
        raise InputError("MR-I112", f"end of the dispute of {call_id} was {format_time(until_ns)}, not in the future")
    held = replace(call, disputed_until_ns=until_ns)
    _replace_call(draft, held)
    _say(draft, EventKind.CALL_DISPUTED, held, who, why)
    return draft.done()


def waive(state: LadderState, ladder: Ladder, call_id: str, who: str, why: str, now_ns: int) -> Moved:
    """Give up what is due on a call; its step demands that much less until it clears or a liquidation has ended."""
    draft, call = _begin(state, ladder, call_id, now_ns)
    draft.close_call(call, CallStatus.WAIVED, EventKind.CALL_WAIVED, data={"who": who, "why": why})
    waived = next((one.waived for one in draft.state.active if one.step == call.step), Decimal(0))
    draft.set_active(call.step, waived=waived + call.outstanding)
    return draft.done()


def deposit(state: LadderState, ladder: Ladder, credited: Decimal, who: str, why: str, now_ns: int) -> Moved:
    """
    Apply a deposit to the open calls, oldest first.

    A deadline that has passed by now is missed: the deposit comes too late for that call.

    Args:
        credited: what the deposit adds to equity, after haircuts, rounded down.
    """
    draft = Draft(state, ladder, now_ns)
    pass_deadlines(draft)
    draft.say(EventKind.DEPOSIT_RECORDED, draft.state.severity, amount=credited, data={"who": who, "why": why})
    left = credited
    for call in draft.state.calls:
        part = min(left, call.outstanding)
        if part <= 0:
            break
        left -= part
        paid = replace(call, deposited=call.deposited + part)
        _replace_call(draft, paid)
        if not paid.outstanding:
            draft.close_call(paid, CallStatus.MET, EventKind.CALL_MET, data={"deposited": str(paid.deposited)})
    return draft.done()


def executed(state: LadderState, ladder: Ladder, name: str, fills: list[list[float | str]], now_ns: int) -> Moved:
    """Record the fills of the liquidation round that was ordered; the next one may then be planned."""
    under_way = state.liquidation
    if under_way is None or under_way.awaiting != name:
        waited = under_way.awaiting if under_way and under_way.awaiting else "none"
        raise InputError("MR-I112", f"liquidation was {name}, but the one waited for is {waited}")
    draft = Draft(state, ladder, now_ns)
    draft.set(liquidation=replace(under_way, awaiting="", is_recalled=False))
    draft.say(EventKind.LIQUIDATION_EXECUTED, under_way.step, call_id=name, data={"fills": fills})
    return draft.done()


def cover(state: LadderState, ladder: Ladder, layer: str, credited: Decimal, who: str, why: str, now_ns: int) -> Moved:
    """
    Record that a layer of the waterfall paid; what it leaves is drawn from the next layer.

    A layer is drawn for all that is left then; a later draw of the same layer replaces the one before.
    """
    declared = next((one for one in state.active if one.is_declared), None)
    if declared is None or not state.shortfall:
        raise InputError("MR-I112", f"pool {state.pool} has no shortfall to cover")
    layers = ladder.steps[declared.step].waterfall
    if layer not in layers:
        raise InputError("MR-I112", f"layer was {layer}", f"the waterfall is {', '.join(layers)}")
    draft = Draft(state, ladder, now_ns)
    left = max(state.shortfall - credited, Decimal(0))
    draft.set(shortfall=left)
    details = {"layer": layer, "who": who, "why": why}
    draft.say(EventKind.WATERFALL_COVERED, declared.step, amount=credited, data=details)
    place = max(layers.index(layer) + 1, layers.index(state.layer))
    if left and place < len(layers):
        draft.set(layer=layers[place])
        draft.say(EventKind.WATERFALL_DRAWN, declared.step, amount=left, data={"layer": layers[place]})
    return draft.done()


def _begin(state: LadderState, ladder: Ladder, call_id: str, now_ns: int) -> tuple[Draft, Call]:
    call = next((one for one in state.calls if one.call_id == call_id), None)
    if call is None:
        raise InputError("MR-I111", f"no open call is named {call_id}")
    if call.falls_due_ns <= now_ns:
        raise InputError("MR-I112", f"deadline of call {call_id} passed at {format_time(call.falls_due_ns)}")
    return Draft(state, ladder, now_ns), call


def _replace_call(draft: Draft, call: Call) -> None:
    draft.set(calls=tuple(call if one.call_id == call.call_id else one for one in draft.state.calls))


def _say(draft: Draft, kind: EventKind, call: Call, who: str, why: str) -> None:
    details = {"who": who, "why": why}
    draft.say(kind, call.step, call_id=call.call_id, amount=call.outstanding, due_ns=call.falls_due_ns, data=details)
