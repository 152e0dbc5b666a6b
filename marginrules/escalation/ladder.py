# SPDX-License-Identifier: Apache-2.0
"""
The ladder: `(state, measure, now) -> (state, events)`.

One transition always runs in the same order, so that two things due at once happen in order:

    1. deadlines that passed: the call goes unmet, the steps after it are entered
    2. thresholds that are breached: steps are entered, mildest first, once breached for as long as `for` says
    3. exits: steps clear, most severe first; the calls of a step that clears are cured
    4. demands: the most severe active step with a call demands what is missing
    5. the restriction that the active steps ask for
    6. liquidation, and the default waterfall once nothing is left to liquidate

A step is left only because the ratio reached its exit threshold, so severity never falls because a pool got worse; the
exit lies at the entry or above, so a ratio inside the band changes nothing. A step whose liquidation has begun is left
where the liquidation ends, if that lies higher. Calls are superseded when everything is ordered to be closed or a
default is declared, not before: a dip must not restart a deadline.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import isinf

from marginrules.codes import CallStatus, EventKind, Restriction
from marginrules.escalation.liquidation import plan_round
from marginrules.escalation.state import ActiveStep, Call, Draft, Event, LadderState, Liquidation, Measure
from marginrules.terms import CallTerms, Ladder, LiquidationTerms, Step
from marginrules.units import round_requirement_up

NOTHING = Decimal(0)
RETRY_NS = 1_000_000_000  # a timer that found no valid price asks again after this


def advance(state: LadderState, ladder: Ladder, measure: Measure, now_ns: int) -> tuple[LadderState, tuple[Event, ...]]:
    """
    Move one pool along its ladder.

    Args:
        state: as the last transition left it.
        ladder: the one that `state` follows.
        measure: the pool as it is now.
        now_ns: not before any earlier transition of this pool.

    Returns:
        The new state and what happened, in order. Advancing again with the same measure and time changes nothing,
        except that orders which were to be cancelled must be gone by then.
    """
    draft = Draft(state, ladder, now_ns)
    pass_deadlines(draft)
    if measure.is_valid:
        _enter_steps(draft, measure)
        _clear_steps(draft, measure)
        _demand(draft, measure)
    _restrict(draft)
    if measure.is_valid:
        _liquidate(draft, measure)
        _declare_default(draft, measure)
    return draft.done()


def due_times(state: LadderState, ladder: Ladder) -> list[int]:
    """Return the moments at which time alone may change something; what had no valid price may lie in the past."""
    due = [call.falls_due_ns for call in state.calls]
    due += [since + ladder.steps[step].for_ns for step, since in state.pending]
    if state.liquidation and not state.liquidation.awaiting:
        due.append(state.liquidation.next_ns)
    return due


def next_due_ns(state: LadderState, ladder: Ladder) -> int | None:
    """Return the next moment at which time alone changes something; None where nothing waits."""
    return min(due_times(state, ladder), default=None)


def follow(
    state: LadderState, old: Ladder | None, digest: str, number: int, new: Ladder, now_ns: int
) -> tuple[LadderState, tuple[Event, ...]]:
    """
    Let a state follow another ladder, keeping its steps by name; a step that the new ladder does not have clears.

    To be called only for a state that is not pinned: an open call keeps the revision it was made under.
    """
    if state.is_pinned:
        raise AssertionError("a pinned state keeps its ladder")
    draft = Draft(state, old or new, now_ns)
    places = [new.index_of(step.name) for step in old.steps] if old else []
    kept = []
    for one in state.active:
        place = places[one.step]
        if place >= 0:
            kept.append(replace(one, step=place, is_declared=one.is_declared and bool(new.steps[place].waterfall)))
        else:
            draft.say(EventKind.STEP_CLEARED, one.step, data={"reason": "the rulebook has no such step any more"})
    draft.set(
        digest=digest,
        ladder=number,
        active=tuple(sorted(kept, key=lambda one: one.step)),
        pending=tuple(sorted((places[step], since) for step, since in state.pending if places[step] >= 0)),
        shortfall=state.shortfall if any(one.is_declared for one in kept) else NOTHING,
    )
    return draft.done()


# 1. Deadlines


def pass_deadlines(draft: Draft) -> None:
    """End the calls whose deadline passed, oldest deadline first, and enter what follows each."""
    passed = [call for call in draft.state.calls if call.falls_due_ns <= draft.now_ns]
    for call in sorted(passed, key=lambda one: (one.falls_due_ns, one.call_id)):
        draft.close_call(call, CallStatus.UNMET, EventKind.CALL_UNMET)
        draft.set_active(call.step, is_exhausted=True)
        for index, step in enumerate(draft.ladder.steps):
            if call.step in step.after:
                _enter(draft, index, by_unmet=True)


# 2. Entries


def _enter_steps(draft: Draft, measure: Measure) -> None:
    waiting = dict(draft.state.pending)
    pending = []
    for index, step in enumerate(draft.ladder.steps):
        if step.below is None or measure.is_at_least(step.below) or _active(draft, index):
            continue
        since = waiting.get(index, draft.now_ns)
        if draft.now_ns - since >= step.for_ns:
            _enter(draft, index, by_unmet=False)
        else:
            pending.append((index, since))
    draft.set(pending=tuple(pending))


def _enter(draft: Draft, index: int, by_unmet: bool) -> None:
    """Enter a step; a step that is active already is armed again by another unmet call."""
    step = draft.ladder.steps[index]
    before = _active(draft, index)
    entered = ActiveStep(index, before.since_ns if before else draft.now_ns, by_unmet)
    if before:
        entered = replace(entered, is_declared=before.is_declared, next_round_ns=before.next_round_ns)
    active = [one for one in draft.state.active if one.step != index]
    draft.set(active=tuple(sorted([*active, entered], key=lambda one: one.step)))
    if not before:
        reason = {"entered": "unmet call" if by_unmet else "threshold"}
        draft.say(EventKind.STEP_ENTERED, index, data=reason | ({"notify": list(step.notify)} if step.notify else {}))


def _active(draft: Draft, index: int) -> ActiveStep | None:
    return next((one for one in draft.state.active if one.step == index), None)


# 3. Exits


def _clear_steps(draft: Draft, measure: Measure) -> None:
    for one in reversed(draft.state.active):
        step = draft.ladder.steps[one.step]
        if not measure.is_at_least(step.clear_after if one.by_unmet else step.clear) or _goes_on(draft, one, measure):
            continue
        for call in draft.state.calls:
            if call.step == one.step:
                draft.close_call(call, CallStatus.CURED, EventKind.CALL_CURED)
        draft.set(active=tuple(other for other in draft.state.active if other.step != one.step))
        if one.is_declared:
            draft.set(shortfall=NOTHING)
        draft.say(EventKind.STEP_CLEARED, one.step)


def _goes_on(draft: Draft, one: ActiveStep, measure: Measure) -> bool:
    """Say whether a liquidation keeps its step: fills are yet to come, or its rounds go on to a ratio not reached."""
    under_way = draft.state.liquidation
    if under_way and under_way.awaiting and under_way.step == one.step:
        return True
    if not one.next_round_ns or one.is_done or measure.is_flat:
        return False
    until = _until(draft, one)
    return not isinf(until) and not measure.is_at_least(until)


# 4. Demands


def _demand(draft: Draft, measure: Measure) -> None:
    callers = [one for one in draft.state.active if draft.ladder.steps[one.step].call]
    if not callers or _is_taken_care_of(draft, measure):
        return
    caller = callers[-1]
    step = draft.ladder.steps[caller.step]
    terms = step.call
    if terms is None or caller.is_exhausted:
        return
    increment = max(terms.round_to, draft.ladder.increment)
    missing = round_requirement_up(_deficiency(terms, measure), increment)
    grown = missing - sum((call.outstanding for call in draft.state.calls), NOTHING)
    # After a partial deposit what is outstanding is no multiple: the rest of one is not demanded a second time.
    demanded = grown // increment * increment if grown > 0 else NOTHING
    if demanded <= 0 or demanded < terms.minimum_transfer:
        return
    has_open = any(call.step == caller.step for call in draft.state.calls)
    kind = "further" if has_open else "after_liquidation" if draft.state.liquidation else "first"
    _issue(draft, caller.step, step, terms, kind, demanded)


def _is_taken_care_of(draft: Draft, measure: Measure) -> bool:
    """
    Say whether something other than the client is about to restore the pool; a demand is made on what then remains.

    That is a liquidation of everything, a liquidation because a call went unmet, or a default: nobody is asked again
    for what is being taken from him already.
    """
    if measure.is_flat:
        return measure.equity < 0.0 and any(draft.ladder.steps[one.step].waterfall for one in draft.state.active)
    one = _liquidating_step(draft, measure)
    if one is None:
        return False
    return one.by_unmet or _terms(draft, one).fraction == 1


def _deficiency(terms: CallTerms, measure: Measure) -> float:
    target = {
        "initial_margin": measure.initial_margin,
        "maintenance_margin": measure.maintenance_margin,
        "ratio": terms.ratio * measure.maintenance_margin,
    }[terms.restore]
    return max(target - measure.equity, 0.0)


def _issue(draft: Draft, index: int, step: Step, terms: CallTerms, kind: str, amount: Decimal) -> None:
    number = draft.state.number + 1
    call = Call(
        call_id=f"{draft.state.pool}#{number}",
        step=index,
        step_name=step.name,
        kind=kind,
        digest=draft.state.digest,
        line=step.line,
        amount=amount,
        issued_ns=draft.now_ns,
        due_ns=terms.deadline.due_ns(draft.now_ns),
    )
    draft.set(number=number, calls=(*draft.state.calls, call))
    event = EventKind.CALL_FURTHER if kind == "further" else EventKind.CALL_ISSUED
    details = {"restore": terms.restore, "kind": kind, "deadline": terms.deadline.text}
    draft.say(event, index, call_id=call.call_id, amount=amount, due_ns=call.due_ns, data=details)


# 5. Restriction


def _restrict(draft: Draft) -> None:
    asked = [(draft.ladder.steps[one.step].restrict, one.step) for one in draft.state.active]
    wanted, step = max([*asked, (Restriction.NONE, len(draft.ladder.steps))])
    if wanted == draft.state.restriction:
        return
    kind = EventKind.RESTRICTED if wanted > draft.state.restriction else EventKind.RESTRICTION_LIFTED
    draft.set(restriction=wanted)
    draft.say(kind, step, data={"restriction": wanted.word})


# 6. Liquidation


def _terms(draft: Draft, one: ActiveStep) -> LiquidationTerms:
    terms = draft.ladder.steps[one.step].liquidate
    if terms is None:
        raise AssertionError("the step does not liquidate")
    return terms


def _until(draft: Draft, one: ActiveStep) -> float:
    """Return where a liquidation ends; what follows an unmet call goes on until the call's own exit is reached."""
    until = _terms(draft, one).until
    return max(until, draft.ladder.steps[one.step].clear_after) if one.by_unmet else until


def _liquidating_step(draft: Draft, measure: Measure) -> ActiveStep | None:
    """Return the most severe step with work to do; one that has done its work waits until its entry is breached."""
    for one in reversed(draft.state.active):
        step = draft.ladder.steps[one.step]
        if not step.liquidate or measure.is_flat or measure.is_at_least(_until(draft, one)):
            continue
        if not one.is_done or (step.below is not None and not measure.is_at_least(step.below)):
            return one
    return None


def _liquidate(draft: Draft, measure: Measure) -> None:
    under_way = draft.state.liquidation
    if under_way and under_way.awaiting:
        return
    for one in draft.state.active:
        has_ended = draft.ladder.steps[one.step].liquidate and measure.is_at_least(_until(draft, one))
        if has_ended and not one.is_done:
            draft.set_active(one.step, is_done=True)
    chosen = _liquidating_step(draft, measure)
    if chosen is None:
        _end_liquidation(draft, measure)
        return
    draft.set_active(chosen.step, is_done=False)
    if under_way is None or under_way.step != chosen.step:
        under_way = Liquidation(chosen.step, 0.0, next_ns=max(draft.now_ns, chosen.next_round_ns))
    until, terms = _until(draft, chosen), _terms(draft, chosen)
    draft.set(liquidation=replace(under_way, until=until))
    if draft.now_ns < under_way.next_ns:
        return
    if terms.cancel_orders_first and measure.has_orders:
        draft.say(EventKind.ORDERS_CANCELLED, chosen.step)
        return
    orders = plan_round(terms, measure, until, float(draft.ladder.increment))
    if orders:
        _order_round(draft, terms, orders)
    else:  # short of its ratio by less than can be traded
        draft.set_active(chosen.step, is_done=True)
        _end_liquidation(draft, measure)


def _order_round(draft: Draft, terms: LiquidationTerms, orders: list[tuple[str, float]]) -> None:
    under_way = draft.state.liquidation
    if under_way is None:
        raise AssertionError("a round belongs to a liquidation")
    number = draft.state.number + 1
    name = f"{draft.state.pool}#L{number}"
    next_ns = draft.now_ns + terms.every_ns
    ordered = replace(under_way, rounds=under_way.rounds + 1, awaiting=name, next_ns=next_ns)
    draft.set(number=number, liquidation=ordered)
    draft.set_active(ordered.step, next_round_ns=next_ns)
    details = {"round": ordered.rounds, "orders": [list(order) for order in orders]}
    draft.say(EventKind.LIQUIDATION_ORDERED, ordered.step, call_id=name, data=details)
    if terms.fraction == 1:
        _supersede(draft, ordered.step)


def _supersede(draft: Draft, by: int) -> None:
    """End the open calls: what they demand is taken from the positions, or from the waterfall."""
    for call in draft.state.calls:
        details = {"by": draft.ladder.steps[by].name}
        draft.close_call(call, CallStatus.SUPERSEDED, EventKind.CALL_SUPERSEDED, data=details)


def _end_liquidation(draft: Draft, measure: Measure) -> None:
    """End a liquidation that has done its work or whose step cleared; what is still missing may be called again."""
    under_way = draft.state.liquidation
    if under_way is None:
        return
    if not (under_way.rounds or measure.is_flat):
        draft.set(liquidation=None)  # nothing was liquidated: calling again would go round in a circle for ever
        return
    for other in draft.state.active:
        if draft.ladder.steps[other.step].call and other.is_exhausted:
            draft.set_active(other.step, is_exhausted=False)
    _demand(draft, measure)
    draft.set(liquidation=None)


def _declare_default(draft: Draft, measure: Measure) -> None:
    """
    Declare a default once nothing is left to liquidate: only then is the shortfall known.

    A shortfall that was covered in full while equity fell further leaves another one, declared again.
    """
    if not measure.is_flat or measure.equity >= 0.0 or draft.state.shortfall:
        return
    one = next((one for one in draft.state.active if draft.ladder.steps[one.step].waterfall), None)
    if one is None:
        return
    waterfall = draft.ladder.steps[one.step].waterfall
    shortfall = round_requirement_up(-measure.equity, draft.ladder.increment)
    if not shortfall:
        return
    draft.set(shortfall=shortfall)
    draft.set_active(one.step, is_declared=True)
    draft.say(EventKind.DEFAULT_DECLARED, one.step, amount=shortfall, data={"waterfall": list(waterfall)})
    draft.say(EventKind.WATERFALL_DRAWN, one.step, amount=shortfall, data={"layer": waterfall[0]})
    _supersede(draft, one.step)
