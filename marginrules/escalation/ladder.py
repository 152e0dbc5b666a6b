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
exit lies at the entry or above, so a ratio inside the band changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from marginrules.codes import CallStatus, EventKind, Restriction
from marginrules.escalation.liquidation import plan_round
from marginrules.escalation.state import ActiveStep, Call, Draft, Event, LadderState, Liquidation, Measure
from marginrules.terms import CallTerms, Ladder, Step
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
    _pass_deadlines(draft)
    if measure.is_valid:
        _enter_steps(draft, measure)
        _clear_steps(draft, measure)
        _demand(draft, measure)
    _restrict(draft)
    if measure.is_valid:
        _liquidate(draft, measure)
        _declare_default(draft, measure)
    return draft.done()


def next_due_ns(state: LadderState, ladder: Ladder) -> int | None:
    """Return the next moment at which time alone changes something; None where nothing waits."""
    due = [call.falls_due_ns for call in state.calls]
    due += [since + ladder.steps[step].for_ns for step, since in state.pending]
    if state.liquidation and not state.liquidation.awaiting:
        due.append(state.liquidation.next_ns)
    return min(due, default=None)


def follow(
    state: LadderState, old: Ladder | None, digest: str, number: int, new: Ladder, now_ns: int
) -> tuple[LadderState, tuple[Event, ...]]:
    """
    Let a state follow another ladder, keeping active steps by name; steps the new ladder does not have clear.

    To be called only for a state that is not pinned: an open call keeps the revision it was made under.
    """
    if state.is_pinned:
        raise AssertionError("a pinned state keeps its ladder")
    draft = Draft(state, old or new, now_ns)
    kept = []
    for one in state.active:
        place = new.index_of(old.steps[one.step].name) if old else -1
        if place >= 0:
            kept.append(replace(one, step=place))
        else:
            draft.say(EventKind.STEP_CLEARED, one.step, data={"reason": "the rulebook has no such step any more"})
    kept.sort(key=lambda one: one.step)
    draft.set(digest=digest, ladder=number, active=tuple(kept), pending=())
    return draft.done()


# 1. Deadlines


def _pass_deadlines(draft: Draft) -> None:
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
        entered = replace(entered, is_declared=before.is_declared)
    active = [one for one in draft.state.active if one.step != index]
    draft.set(active=tuple(sorted([*active, entered], key=lambda one: one.step)))
    if not before:
        reason = {"entered": "unmet call" if by_unmet else "threshold"}
        draft.say(EventKind.STEP_ENTERED, index, data=reason | ({"notify": list(step.notify)} if step.notify else {}))
    if (step.liquidate and step.liquidate.fraction == 1) or step.waterfall:
        for call in draft.state.calls:
            draft.close_call(call, CallStatus.SUPERSEDED, EventKind.CALL_SUPERSEDED, data={"by": step.name})


def _active(draft: Draft, index: int) -> ActiveStep | None:
    return next((one for one in draft.state.active if one.step == index), None)


# 3. Exits


def _clear_steps(draft: Draft, measure: Measure) -> None:
    under_way = draft.state.liquidation
    for one in reversed(draft.state.active):
        step = draft.ladder.steps[one.step]
        if under_way and under_way.step == one.step and under_way.awaiting:
            continue  # a round that was ordered is waited for: its fills are yet to come
        if not measure.is_at_least(step.clear_after if one.by_unmet else step.clear):
            continue
        for call in draft.state.calls:
            if call.step == one.step:
                draft.close_call(call, CallStatus.CURED, EventKind.CALL_CURED)
        draft.set(active=tuple(other for other in draft.state.active if other.step != one.step))
        if under_way and under_way.step == one.step:
            draft.set(liquidation=None)
        if one.is_declared:
            draft.set(shortfall=NOTHING)
        draft.say(EventKind.STEP_CLEARED, one.step)


# 4. Demands


def _demand(draft: Draft, measure: Measure) -> None:
    callers = [one for one in draft.state.active if draft.ladder.steps[one.step].call]
    if not callers or _is_closing_out(draft, measure):
        return
    caller = callers[-1]
    step = draft.ladder.steps[caller.step]
    terms = step.call
    if terms is None or caller.is_exhausted:
        return
    increment = max(terms.round_to, draft.ladder.increment)
    missing = round_requirement_up(_deficiency(terms, measure), increment)
    demanded = missing - sum((call.outstanding for call in draft.state.calls), NOTHING)
    if demanded <= 0 or demanded < terms.minimum_transfer:
        return
    kind = "after_liquidation" if draft.state.liquidation else "further" if caller.has_called else "first"
    _issue(draft, caller.step, step, terms, kind, demanded)


def _is_closing_out(draft: Draft, measure: Measure) -> bool:
    """Say whether everything is about to be liquidated; a demand is made on what then remains."""
    liquidating = _liquidating_step(draft)
    if liquidating is None or not measure.holdings:
        return False
    terms = draft.ladder.steps[liquidating.step].liquidate
    return terms is not None and terms.fraction == 1


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
    draft.set_active(index, has_called=True)
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


def _liquidating_step(draft: Draft) -> ActiveStep | None:
    found = [one for one in draft.state.active if draft.ladder.steps[one.step].liquidate]
    return found[-1] if found else None


def _liquidate(draft: Draft, measure: Measure) -> None:
    one = _liquidating_step(draft)
    under_way = draft.state.liquidation
    if one is None or (under_way and under_way.awaiting):
        return
    step = draft.ladder.steps[one.step]
    terms = step.liquidate
    if terms is None:
        raise AssertionError("a liquidating step has terms")
    # What follows an unmet call goes on until the call's own exit is reached.
    until = max(terms.until, step.clear_after) if one.by_unmet else terms.until
    if not measure.holdings or measure.is_at_least(until):
        _end_liquidation(draft, measure)
        return
    if under_way is None or under_way.step != one.step:
        under_way = Liquidation(one.step, until, next_ns=draft.now_ns)
    if draft.now_ns < under_way.next_ns:
        return
    draft.set(liquidation=under_way)
    if terms.cancel_orders_first and measure.has_orders:
        draft.say(EventKind.ORDERS_CANCELLED, one.step)
        return
    orders = plan_round(terms, measure, until)
    if not orders:
        return
    number = draft.state.number + 1
    name = f"{draft.state.pool}#L{number}"
    draft.set(
        number=number,
        liquidation=replace(
            under_way, rounds=under_way.rounds + 1, awaiting=name, next_ns=draft.now_ns + terms.every_ns
        ),
    )
    details = {"round": under_way.rounds + 1, "orders": [list(order) for order in orders]}
    draft.say(EventKind.LIQUIDATION_ORDERED, one.step, call_id=name, data=details)


def _end_liquidation(draft: Draft, measure: Measure) -> None:
    """End a liquidation that has done its work; what is still missing may be called again."""
    if draft.state.liquidation is None:
        return
    for one in draft.state.active:
        if draft.ladder.steps[one.step].call and one.is_exhausted:
            draft.set_active(one.step, is_exhausted=False, has_called=False)
    _demand(draft, measure)
    draft.set(liquidation=None)


def _declare_default(draft: Draft, measure: Measure) -> None:
    """Declare a default once nothing is left to liquidate: only then is the shortfall known."""
    for one in draft.state.active:
        step = draft.ladder.steps[one.step]
        if not step.waterfall or one.is_declared or measure.holdings or measure.equity >= 0.0:
            continue
        shortfall = round_requirement_up(-measure.equity, draft.ladder.increment)
        draft.set(shortfall=shortfall)
        draft.set_active(one.step, is_declared=True)
        draft.say(EventKind.DEFAULT_DECLARED, one.step, amount=shortfall, data={"waterfall": list(step.waterfall)})
        draft.say(EventKind.WATERFALL_DRAWN, one.step, amount=shortfall, data={"layer": step.waterfall[0]})
