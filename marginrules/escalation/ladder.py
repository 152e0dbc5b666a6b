# SPDX-License-Identifier: Apache-2.0
"""
The ladder: `(state, measure, now) -> (state, events)`.

One transition always runs in the same order, so that two things due at once happen in order:

    1. deadlines that passed: the call goes unmet, the steps after it are entered
    2. thresholds that are breached: steps are entered, mildest first, once breached for as long as `for` says
    3. exits: steps clear, most severe first; the calls of a step that clears are cured; a liquidation that is done ends
    4. demands: active steps with a call, most severe first, demand what is missing and not demanded yet
    5. the restriction that the active steps ask for
    6. liquidation, and the default waterfall once nothing is left to liquidate

A step is left only because the ratio reached its exit threshold, so severity never falls because a pool got worse; the
exit lies at the entry or above, so a ratio inside the band changes nothing. A step whose liquidation has begun is left
where the liquidation ends, if that lies higher. Calls are superseded when everything is ordered to be closed or was
closed, or a default is declared, not before: a dip must not restart a deadline; and by the demand of a threshold
further down that falls due earlier. Each amount is demanded once at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from math import isfinite, isinf

from marginrules.codes import CallStatus, EventKind, Restriction
from marginrules.escalation.liquidation import plan_round
from marginrules.escalation.state import ActiveStep, Call, Draft, Event, LadderState, Liquidation, Measure
from marginrules.terms import CallTerms, Ladder, LiquidationTerms, Step
from marginrules.units import round_requirement_up

NOTHING = Decimal(0)
NOISE = Decimal("1e-6")  # part of the currency's increment below which a lack is that of a sum of doubles
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
    measure = _trusted(measure, ladder)
    pass_deadlines(draft)
    if measure.is_valid:
        _enter_steps(draft, measure)
        _clear_steps(draft, measure)
        has_ended = _end_liquidation(draft, measure)
        _demand(draft, measure, has_ended)
    _restrict(draft, may_lift=measure.is_valid)
    if measure.is_valid:
        _liquidate(draft, measure)
        _declare_default(draft, measure)
    return draft.done()


def _trusted(measure: Measure, ladder: Ladder) -> Measure:
    figures = (measure.equity, measure.initial_margin, measure.maintenance_margin)
    is_valid = measure.is_valid and all(isfinite(one) for one in figures)
    return replace(measure, is_valid=is_valid, noise=float(ladder.increment * NOISE))


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

    A step whose call went unmet may call again where nothing that follows it in the new ladder is active. To be called
    only for a state that is not pinned: an open call keeps the revision it was made under.
    """
    if state.is_pinned:
        raise AssertionError("a pinned state keeps its ladder")
    draft = Draft(state, old or new, now_ns)
    places = [new.index_of(step.name) for step in old.steps] if old else []
    kept = []
    for one in state.active:
        place = places[one.step]
        if place >= 0:
            kept.append(replace(one, step=place, is_declared=False))
        else:
            draft.say(EventKind.STEP_CLEARED, one.step, data={"reason": "the rulebook has no such step any more"})
    followed = {before for one in kept for before in new.steps[one.step].after}
    kept = [replace(one, is_exhausted=one.is_exhausted and one.step in followed) for one in kept]
    draft.set(
        digest=digest,
        ladder=number,
        active=tuple(sorted(kept, key=lambda one: one.step)),
        pending=tuple(sorted((places[step], since) for step, since in state.pending if places[step] >= 0)),
    )
    return draft.done()


# 1. Deadlines


def pass_deadlines(draft: Draft) -> None:
    """End the calls whose deadline passed, oldest deadline first and as issued, and enter what follows each."""
    passed = [call for call in draft.state.calls if call.falls_due_ns <= draft.now_ns]
    for call in sorted(passed, key=lambda one: one.falls_due_ns):
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
    """Enter a step; what another unmet call does to a step that is active already is to start its liquidation again."""
    step = draft.ladder.steps[index]
    if _active(draft, index):
        draft.set_active(index, by_unmet=by_unmet, is_done=False)
        return
    entered = ActiveStep(index, draft.now_ns, by_unmet)
    draft.set(active=tuple(sorted([*draft.state.active, entered], key=lambda one: one.step)))
    reason = {"entered": "unmet call" if by_unmet else "threshold"}
    draft.say(EventKind.STEP_ENTERED, index, data=reason | ({"notify": list(step.notify)} if step.notify else {}))


def _active(draft: Draft, index: int) -> ActiveStep | None:
    return next((one for one in draft.state.active if one.step == index), None)


# 3. Exits


def _clear_steps(draft: Draft, measure: Measure) -> None:
    for one in reversed(draft.state.active):
        step = draft.ladder.steps[one.step]
        if not measure.is_at_least(exit_of(step, one)) or _goes_on(draft, one, measure):
            continue
        for call in draft.state.calls:
            if call.step == one.step:
                draft.close_call(call, CallStatus.CURED, EventKind.CALL_CURED)
        draft.set(active=tuple(other for other in draft.state.active if other.step != one.step))
        if one.is_declared:
            draft.set(shortfall=NOTHING, layer="")
        draft.say(EventKind.STEP_CLEARED, one.step)


def exit_of(step: Step, one: ActiveStep) -> float:
    """Return the ratio at which an active step clears."""
    return step.clear_after if one.by_unmet else step.clear


def _goes_on(draft: Draft, one: ActiveStep, measure: Measure) -> bool:
    """Say whether a liquidation keeps its step: fills are yet to come, or its rounds go on to a ratio not reached."""
    under_way = draft.state.liquidation
    if under_way and under_way.awaiting and under_way.step == one.step:
        return True
    if not one.next_round_ns or one.is_done or measure.is_flat:
        return False
    until = until_of(draft, one)
    return not isinf(until) and not measure.is_at_least(until)


def _end_liquidation(draft: Draft, measure: Measure) -> bool:
    """End a liquidation that has done its work or whose step cleared; return whether one has ended."""
    under_way = draft.state.liquidation
    if under_way and under_way.awaiting:
        return False
    for one in draft.state.active:
        if draft.ladder.steps[one.step].liquidate and measure.is_at_least(until_of(draft, one)):
            draft.set_active(one.step, is_done=True)
    if not under_way or _liquidating_step(draft, measure):
        return False
    _close_liquidation(draft, measure)
    return True


def _close_liquidation(draft: Draft, measure: Measure) -> None:
    """
    Let every step call again: what is missing now is not what was missing when its call went unmet or was waived.

    Where nothing was liquidated nothing has changed: calling again would go round in a circle for ever.
    """
    under_way = draft.state.liquidation
    draft.set(liquidation=None)
    if measure.is_flat and under_way:
        _supersede(draft, draft.state.calls, draft.ladder.steps[under_way.step].name)
    if measure.is_flat or (under_way and under_way.rounds):
        for one in draft.state.active:
            draft.set_active(one.step, is_exhausted=False, waived=NOTHING)


# 4. Demands


def _demand(draft: Draft, measure: Measure, after_liquidation: bool) -> None:
    """
    Demand what is missing, on the terms of the most severe step first.

    A milder step adds only what it asks for beyond that. Once a call went unmet, what follows it has taken over from
    its step and all milder ones.
    """
    if _is_being_taken(draft, measure):
        return
    for caller in reversed(draft.state.active):
        terms = draft.ladder.steps[caller.step].call
        if terms is None:
            continue
        if caller.is_exhausted:
            return
        if not measure.is_at_least(exit_of(draft.ladder.steps[caller.step], caller)):
            _demand_by(draft, measure, caller, terms, after_liquidation)


def _is_being_taken(draft: Draft, measure: Measure) -> bool:
    """
    Say whether something other than the client is about to restore the pool; a demand is made on what then remains.

    That is a liquidation of everything, a liquidation because a call went unmet, or a default: nobody is asked again
    for what is being taken from him already.
    """
    if measure.is_flat:
        return any(draft.ladder.steps[one.step].waterfall for one in draft.state.active)
    one = _liquidating_step(draft, measure)
    return one is not None and (one.by_unmet or _terms(draft, one).fraction == 1)


def _demand_by(draft: Draft, measure: Measure, caller: ActiveStep, terms: CallTerms, after_liquidation: bool) -> None:
    step = draft.ladder.steps[caller.step]
    increment = max(terms.round_to, draft.ladder.increment)
    missing = round_requirement_up(_deficiency(terms, measure), increment) - waived_of(draft, caller)
    missing -= sum((call.outstanding for call in draft.state.calls), NOTHING)
    due_ns = terms.deadline.due_ns(draft.now_ns)
    later = calls_due_later(draft, caller, due_ns)
    replaced = sum((call.outstanding for call in later), NOTHING)
    amount = _whole(missing + replaced, increment)
    if amount < replaced:  # it asks for less than the milder step did, whose calls therefore stand
        later, amount = [], _whole(missing, increment)
    if amount <= 0 or amount < terms.minimum_transfer:
        return
    _supersede(draft, later, step.name)
    is_further = any(call.step == caller.step for call in draft.state.calls)
    kind = "further" if is_further else "after_liquidation" if after_liquidation else "first"
    _issue(draft, caller.step, terms, kind, amount, due_ns)


def waived_of(draft: Draft, caller: ActiveStep) -> Decimal:
    """Return what the desk gave up on calls of the step, and of milder ones unless it was entered by its threshold."""
    waived = (one.waived for one in draft.state.active if one == caller or (caller.by_unmet and one.step < caller.step))
    return sum(waived, NOTHING)


def calls_due_later(draft: Draft, caller: ActiveStep, due_ns: int) -> list[Call]:
    """
    Return the milder calls that a step entered by its own threshold replaces: those that leave more time than it does.

    What the desk has agreed with the client about a call stands.
    """
    if caller.by_unmet:
        return []
    milder = [call for call in draft.state.calls if call.step < caller.step and call.due_ns > due_ns]
    return [call for call in milder if not call.extensions and not call.disputed_until_ns]


def _whole(amount: Decimal, increment: Decimal) -> Decimal:
    """Round down: the deficiency is rounded up as a whole, so the rest of an increment was demanded before."""
    return max(amount // increment * increment, NOTHING)


def _supersede(draft: Draft, calls: Iterable[Call], by: str) -> None:
    for call in calls:
        draft.close_call(call, CallStatus.SUPERSEDED, EventKind.CALL_SUPERSEDED, data={"by": by})


def _deficiency(terms: CallTerms, measure: Measure) -> float:
    target = {
        "initial_margin": measure.initial_margin,
        "maintenance_margin": measure.maintenance_margin,
        "ratio": terms.ratio * measure.maintenance_margin,
    }[terms.restore]
    return max(target - measure.equity, 0.0)


def _issue(draft: Draft, index: int, terms: CallTerms, kind: str, amount: Decimal, due_ns: int) -> None:
    number = draft.state.number + 1
    step = draft.ladder.steps[index]
    call = Call(
        call_id=f"{draft.state.pool}#{number}",
        step=index,
        step_name=step.name,
        kind=kind,
        digest=draft.state.digest,
        line=step.line,
        amount=amount,
        issued_ns=draft.now_ns,
        due_ns=due_ns,
    )
    draft.set(number=number, calls=(*draft.state.calls, call))
    event = EventKind.CALL_FURTHER if kind == "further" else EventKind.CALL_ISSUED
    details = {"restore": terms.restore, "kind": kind, "deadline": terms.deadline.text}
    draft.say(event, index, call_id=call.call_id, amount=amount, due_ns=call.due_ns, data=details)


# 5. Restriction


def _restrict(draft: Draft, may_lift: bool) -> None:
    """Restrict as the strictest active step asks; a swap of rulebooks lifts nothing before a price is known."""
    asked = [(draft.ladder.steps[one.step].restrict, one.step) for one in draft.state.active]
    wanted, step = max([*asked, (Restriction.NONE, len(draft.ladder.steps))])  # no step asks for nothing
    if wanted == draft.state.restriction or (wanted < draft.state.restriction and not may_lift):
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


def until_of(draft: Draft, one: ActiveStep) -> float:
    """Return where a liquidation ends; what follows an unmet call goes on until the call's own exit is reached."""
    until = _terms(draft, one).until
    return max(until, draft.ladder.steps[one.step].clear_after) if one.by_unmet else until


def _liquidating_step(draft: Draft, measure: Measure) -> ActiveStep | None:
    """Return the most severe step with work to do; one that has done its work waits until its entry is breached."""
    for one in reversed(draft.state.active):
        step = draft.ladder.steps[one.step]
        if not step.liquidate or measure.is_flat or measure.is_at_least(until_of(draft, one)):
            continue
        if not one.is_done or (step.below is not None and not measure.is_at_least(step.below)):
            return one
    return None


def _liquidate(draft: Draft, measure: Measure) -> None:
    chosen = _liquidating_step(draft, measure)
    under_way = draft.state.liquidation
    if under_way and under_way.awaiting:
        if chosen and chosen.step > under_way.step and not under_way.is_recalled:
            draft.set(liquidation=replace(under_way, is_recalled=True))
            draft.say(EventKind.LIQUIDATION_RECALLED, chosen.step, call_id=under_way.awaiting)
        return
    if chosen is None:
        return
    draft.set_active(chosen.step, is_done=False)
    if under_way is None or under_way.step != chosen.step:
        rounds, next_ns = under_way.rounds if under_way else 0, max(draft.now_ns, chosen.next_round_ns)
        under_way = Liquidation(chosen.step, 0.0, rounds, next_ns=next_ns)
    until, terms = until_of(draft, chosen), _terms(draft, chosen)
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
        _close_liquidation(draft, measure)
        _demand(draft, measure, after_liquidation=True)


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
        _supersede(draft, draft.state.calls, draft.ladder.steps[ordered.step].name)


def _declare_default(draft: Draft, measure: Measure) -> None:
    """
    Declare a default once nothing is left to liquidate: only then is the shortfall known.

    A shortfall that was covered in full while equity fell further leaves another one, declared again. What others paid
    meanwhile need not be covered: the layer drawn last is drawn for less.
    """
    one = next((one for one in reversed(draft.state.active) if draft.ladder.steps[one.step].waterfall), None)
    if one is None or not measure.is_flat:
        return
    owed = round_requirement_up(max(-measure.equity, 0.0), draft.ladder.increment)
    if draft.state.shortfall:
        if owed < draft.state.shortfall:
            draft.set(shortfall=owed)
            draft.say(EventKind.WATERFALL_DRAWN, one.step, amount=owed, data={"layer": draft.state.layer})
        return
    if not owed:
        return
    waterfall = draft.ladder.steps[one.step].waterfall
    draft.set(shortfall=owed, layer=waterfall[0])
    draft.set_active(one.step, is_declared=True)
    draft.say(EventKind.DEFAULT_DECLARED, one.step, amount=owed, data={"waterfall": list(waterfall)})
    draft.say(EventKind.WATERFALL_DRAWN, one.step, amount=owed, data={"layer": waterfall[0]})
    _supersede(draft, draft.state.calls, draft.ladder.steps[one.step].name)
