# SPDX-License-Identifier: Apache-2.0
"""What no life of a pool may break, under the ladders of the shipped books and under drawn ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marginrules.codes import EventKind, Restriction
from marginrules.escalation import ladder
from marginrules.escalation.state import ActiveStep, Event, LadderState, Measure
from marginrules.terms import CallTerms, Ladder
from marginrules.units import round_requirement_up
from tests.escalation.scripts import Life, Moment, lives

EXAMPLES = 150
ENDS = {
    EventKind.CALL_MET,
    EventKind.CALL_CURED,
    EventKind.CALL_UNMET,
    EventKind.CALL_WAIVED,
    EventKind.CALL_SUPERSEDED,
}
ISSUES = {EventKind.CALL_ISSUED, EventKind.CALL_FURTHER}

Check = Callable[[Life], None]


def checked(check: Check) -> Check:
    """Run a check on drawn lives."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=slow)(given(lives())(check))


def exit_of(terms: Ladder, one: ActiveStep) -> float:
    """Return the ratio at which an active step clears."""
    step = terms.steps[one.step]
    return step.clear_after if one.by_unmet else step.clear


def missing_of(terms: CallTerms, measure: Measure, increment: Decimal) -> Decimal:
    """Return what a call has to restore, rounded up as it demands."""
    targets = {
        "initial_margin": measure.initial_margin,
        "maintenance_margin": measure.maintenance_margin,
        "ratio": terms.ratio * measure.maintenance_margin,
    }
    lacking = max(targets[terms.restore] - measure.equity, 0.0)
    return round_requirement_up(lacking, max(terms.round_to, increment))


def judged(moment: Moment) -> Measure:
    """Return what was measured as thresholds are judged: a millionth of the increment is the noise of doubles."""
    return replace(moment.measure, noise=float(moment.terms.increment) * 1e-6)


def outstanding(state: LadderState) -> Decimal:
    """Return what all open calls still ask for."""
    return sum((call.outstanding for call in state.calls), Decimal(0))


def step_set(state: LadderState) -> set[int]:
    """Return the places of the active steps."""
    return {one.step for one in state.active}


@checked
def test_a_step_is_left_only_at_its_exit(life: Life) -> None:
    """Severity falls only because the ratio reached the exit of each step that is left, never for another reason."""
    for moment in life.advances:
        for one in moment.before.active:
            if one.step not in step_set(moment.after):
                assert moment.measure.is_valid
                assert judged(moment).is_at_least(exit_of(moment.terms, one))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(life=lives(), loss=st.floats(0.0, 20_000.0), growth=st.floats(1.0, 3.0))
def test_a_worse_account_is_no_less_severe(life: Life, loss: float, growth: float) -> None:
    """From the same state and moment, less equity or more maintenance margin never leads to a lower severity."""
    for moment in life.advances:
        if not moment.measure.is_valid:
            continue
        worse = replace(
            moment.measure,
            equity=moment.measure.equity - loss,
            maintenance_margin=moment.measure.maintenance_margin * growth,
        )
        better_state, _ = ladder.advance(moment.before, moment.terms, moment.measure, moment.now_ns)
        worse_state, _ = ladder.advance(moment.before, moment.terms, worse, moment.now_ns)
        assert worse_state.severity >= better_state.severity
        assert step_set(worse_state) >= step_set(better_state)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(life=lives(), wobble=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6))
def test_nothing_oscillates_inside_the_band(life: Life, wobble: list[float]) -> None:
    """Between the entries of steps not entered and the exits of steps entered, no step moves."""
    table = life.desk
    table.world.is_valid = True
    table.settle()
    state, terms, measure = table.state, table.terms, table.world.measure
    entries = [
        step.below for index, step in enumerate(terms.steps) if step.below is not None and index not in step_set(state)
    ]
    low = max(entries, default=0.0)
    high = min((exit_of(terms, one) for one in state.active), default=low + 1.0)
    if measure.is_flat or high <= low:
        return
    started = state.liquidation is not None
    for part in wobble:
        ratio = low + (high - low) * part * 0.999 + (high - low) * 0.0005
        shaken = replace(measure, equity=ratio * measure.maintenance_margin, has_orders=False)
        after, events = ladder.advance(state, terms, shaken, table.now_ns)
        assert step_set(after) == step_set(state)
        moved = {event.kind for event in events}
        assert not moved & {EventKind.STEP_ENTERED, EventKind.STEP_CLEARED, EventKind.RESTRICTED}
        if all(one.is_done for one in state.active if terms.steps[one.step].liquidate) and not started:
            below = [terms.steps[one.step].below for one in state.active if terms.steps[one.step].liquidate]
            if all(entry is None or ratio >= entry for entry in below):
                assert EventKind.LIQUIDATION_ORDERED not in moved
        state = after


@checked
def test_advance_is_idempotent(life: Life) -> None:
    """The same measure at the same time again: no event and the same state, once cancelled orders are gone."""
    for moment in life.advances:
        measure = replace(moment.measure, has_orders=False) if moment.events else moment.measure
        again, events = ladder.advance(moment.after, moment.terms, measure, moment.now_ns)
        if any(event.kind is EventKind.ORDERS_CANCELLED for event in moment.events):
            again, events = ladder.advance(again, moment.terms, measure, moment.now_ns)
        assert events == ()
        once_more, events = ladder.advance(again, moment.terms, measure, moment.now_ns)
        assert (once_more, events) == (again, ())
        if not any(event.kind is EventKind.ORDERS_CANCELLED for event in moment.events):
            assert again == moment.after


@checked
def test_every_call_ends_exactly_once(life: Life) -> None:
    """A call has its own name, is open from issue to its one end, and ends once the world is left alone."""
    life.leave_alone()
    issued = [event.call_id for event in life.desk.log if event.kind in ISSUES]
    ended = [event.call_id for event in life.desk.log if event.kind in ENDS]
    assert len(issued) == len(set(issued))
    assert len(ended) == len(set(ended))
    assert sorted(issued) == sorted(ended)
    assert not life.desk.state.calls
    for moment in life.moments:
        assert all(call.step in step_set(moment.after) for call in moment.after.calls)
        assert all(call.outstanding > 0 for call in moment.after.calls)
        opened = {event.call_id for event in moment.events if event.kind in ISSUES}
        closed = {event.call_id for event in moment.events if event.kind in ENDS}
        before, after = ({call.call_id for call in state.calls} for state in (moment.before, moment.after))
        assert after == (before | opened) - closed


@checked
def test_calls_end_within_bounded_time(life: Life) -> None:
    """Once nobody acts any more a call ends no later than its deadline, and soon no further one is made."""
    life.desk.world.is_valid = True
    life.desk.settle()
    due = {call.call_id: call.falls_due_ns for call in life.desk.state.calls}
    first = len(life.desk.log)
    assert life.leave_alone() < 1_500
    for event in life.desk.log[first:]:
        if event.kind in ISSUES:
            due[event.call_id] = event.due_ns
        elif event.kind in ENDS:
            assert event.time_ns <= due.pop(event.call_id)
    assert not due
    assert sum(event.kind in ISSUES for event in life.desk.log[first:]) <= 40


@checked
def test_deadlines_are_handled_once_and_in_order(life: Life) -> None:
    """However long nobody looked, the next advance ends what fell due, oldest first, then enters steps."""
    for moment in life.advances:
        assert all(call.falls_due_ns > moment.now_ns for call in moment.after.calls)
        fell_due = [call for call in moment.before.calls if call.falls_due_ns <= moment.now_ns]
        unmet = [event for event in moment.events if event.kind is EventKind.CALL_UNMET]
        assert sorted(call.call_id for call in fell_due) == sorted(event.call_id for event in unmet)
        assert [event.due_ns for event in unmet] == sorted(event.due_ns for event in unmet)
        missed = {call.step for call in fell_due}
        for one in moment.after.active:
            assert one.by_unmet or missed.isdisjoint(moment.terms.steps[one.step].after)
        names = [step.name for step in moment.terms.steps]
        by_threshold = [
            names.index(event.step)
            for event in moment.events
            if event.kind is EventKind.STEP_ENTERED and event.data["entered"] == "threshold"
        ]
        assert by_threshold == sorted(by_threshold)
        ranks = [_rank(event) for event in moment.events if _rank(event)]
        assert ranks == sorted(ranks)


def _rank(event: Event) -> int:
    """Return the phase of a transition that an event belongs to; 0 where it may stand in several."""
    if event.kind is EventKind.STEP_ENTERED:
        return 1 if event.data["entered"] == "unmet call" else 2
    phases = {
        EventKind.CALL_UNMET: 1,
        EventKind.STEP_CLEARED: 3,
        EventKind.RESTRICTED: 5,
        EventKind.RESTRICTION_LIFTED: 5,
        EventKind.ORDERS_CANCELLED: 6,
        EventKind.LIQUIDATION_ORDERED: 6,
        EventKind.DEFAULT_DECLARED: 7,
    }
    return phases.get(event.kind, 0)


@checked
def test_an_open_call_keeps_its_rulebook(life: Life) -> None:
    """While a call is open its pool follows the revision under which it was made; `follow` refuses a pinned state."""
    for moment in life.moments:
        assert all(call.digest == moment.after.digest for call in moment.after.calls)
        if moment.after.is_pinned:
            with pytest.raises(AssertionError):
                ladder.follow(moment.after, moment.terms, "other", 0, moment.terms, moment.now_ns)
    for event in life.desk.log:
        if event.kind in ENDS:
            made = next(one for one in life.desk.log if one.kind in ISSUES and one.call_id == event.call_id)
            assert made.digest == event.digest


@checked
def test_demands_are_whole_and_never_too_much(life: Life) -> None:
    """A demand is a multiple of `round_to`, at least the minimum; open calls never exceed the most that lacks."""
    for moment in life.advances:
        for event in moment.events:
            if event.kind not in ISSUES:
                continue
            terms = moment.terms.steps[moment.terms.index_of(event.step)].call
            assert terms is not None
            assert event.amount is not None
            increment = max(terms.round_to, moment.terms.increment)
            assert event.amount > 0
            assert event.amount % increment == 0
            assert event.amount >= terms.minimum_transfer
            assert outstanding(moment.after) <= most_missing(moment)
            assert event.due_ns > moment.now_ns


def most_missing(moment: Moment) -> Decimal:
    """Return the greatest deficiency that an active step would have restored."""
    asked = [moment.terms.steps[one.step].call for one in moment.after.active]
    return max(missing_of(terms, moment.measure, moment.terms.increment) for terms in asked if terms)


@checked
def test_nobody_is_called_at_the_exit(life: Life) -> None:
    """A step calls only while it is active and the pool is below that step's exit."""
    for moment in life.advances:
        active = {one.step: one for one in (*moment.before.active, *moment.after.active)}
        for event in moment.events:
            if event.kind in ISSUES:
                one = active[moment.terms.index_of(event.step)]
                assert not judged(moment).is_at_least(exit_of(moment.terms, one))


@checked
def test_a_further_call_means_one_is_open(life: Life) -> None:
    """A call is a further one exactly where its step has another open; a step calls at most once at a time."""
    for moment in life.advances:
        ended = {event.call_id for event in moment.events if event.kind in ENDS}
        still_open = {call.step_name for call in moment.before.calls if call.call_id not in ended}
        issued = [event for event in moment.events if event.kind in ISSUES]
        for event in issued:
            assert (event.kind is EventKind.CALL_FURTHER) == (event.step in still_open)
            assert (event.data["kind"] == "further") == (event.kind is EventKind.CALL_FURTHER)
        assert len({event.step for event in issued}) == len(issued)


@checked
def test_nothing_is_demanded_twice(life: Life) -> None:
    """With no loss since, and no call ended, a deposit never brings a demand: nothing is asked for again."""
    for index, moment in enumerate(life.moments[:-1]):
        following = life.moments[index + 1]
        has_paid = any(event.kind is EventKind.DEPOSIT_RECORDED for event in moment.events)
        is_quiet = not any(event.kind in ENDS for event in (*moment.events, *following.events))
        if has_paid and is_quiet and moment.before.calls and following.is_advance:
            before = next((one for one in reversed(life.moments[:index]) if one.is_advance), None)
            if before is None or not before.measure.is_valid or before.now_ns != moment.now_ns:
                continue
            if before.measure.maintenance_margin == moment.measure.maintenance_margin:
                assert not any(event.kind in ISSUES for event in following.events)


@checked
def test_restriction_is_the_strictest_asked_for(life: Life) -> None:
    """A pool may do what the strictest of its active steps allows; without prices nothing is lifted."""
    for moment in life.advances:
        asked = max((moment.terms.steps[one.step].restrict for one in moment.after.active), default=Restriction.NONE)
        stays = Restriction.NONE if moment.measure.is_valid else moment.before.restriction
        assert moment.after.restriction == max(asked, stays)


@checked
def test_liquidation_takes_no_more_than_it_may(life: Life) -> None:
    """A round only reduces, by no more than is held and the fraction says; no orders are open then."""
    for moment in life.advances:
        held = {one.symbol: one for one in moment.measure.holdings}
        for event in moment.events:
            if event.kind is not EventKind.LIQUIDATION_ORDERED:
                continue
            terms = moment.terms.steps[moment.terms.index_of(event.step)].liquidate
            assert terms is not None
            assert not (terms.cancel_orders_first and moment.measure.has_orders)
            symbols = [symbol for symbol, _ in event.data["orders"]]
            assert len(symbols) == len(set(symbols)) > 0
            for symbol, quantity in event.data["orders"]:
                one = held[symbol]
                assert quantity * one.quantity < 0.0
                assert abs(quantity) <= abs(one.quantity)
                is_dust = one.notional * (1.0 - terms.fraction) < float(moment.terms.increment)
                if terms.fraction and not is_dust:
                    assert abs(quantity) <= abs(one.quantity) * terms.fraction + one.quantity_step * (1 + 1e-9) + 1e-9


@checked
def test_one_round_at_a_time_and_not_too_soon(life: Life) -> None:
    """A round is ordered only once the last one was reported, within a step no sooner than `every`."""
    life.leave_alone()
    waited_for = ""
    last: dict[str, int] = {}
    for moment in life.moments:
        for event in moment.events:
            if event.kind is EventKind.LIQUIDATION_ORDERED:
                assert not waited_for
                waited_for = event.call_id
                terms = moment.terms.steps[moment.terms.index_of(event.step)].liquidate
                assert terms is not None
                assert event.time_ns >= last.get(event.step, 0) + terms.every_ns
                last[event.step] = event.time_ns
            elif event.kind is EventKind.LIQUIDATION_EXECUTED:
                assert event.call_id == waited_for
                waited_for = ""
            elif event.kind in {EventKind.STEP_CLEARED, EventKind.STEP_ENTERED}:
                last.pop(event.step, None)


@checked
def test_what_must_be_closed_is_being_closed(life: Life) -> None:
    """While everything must be closed, a round is out, its orders are being cancelled or its pace is kept; no other."""
    for moment in life.advances:
        steps = [one.step for one in moment.after.active if moment.terms.steps[one.step].liquidate]
        terms = moment.terms.steps[steps[-1]].liquidate if steps else None
        if terms is None or terms.fraction < 1 or moment.measure.is_flat or not moment.measure.is_valid:
            continue
        under_way = moment.after.liquidation
        assert under_way is not None
        is_cancelling = any(event.kind is EventKind.ORDERS_CANCELLED for event in moment.events)
        assert under_way.awaiting or is_cancelling or under_way.next_ns > moment.now_ns
        if under_way.awaiting:
            assert under_way.step == steps[-1] or under_way.is_recalled


@checked
def test_a_round_is_recalled_once(life: Life) -> None:
    """A round is recalled only while it is waited for, once, for a step more severe than its own."""
    life.leave_alone()
    ordered = {event.call_id: event for event in life.desk.log if event.kind is EventKind.LIQUIDATION_ORDERED}
    recalled = []
    for moment in life.moments:
        for event in moment.events:
            if event.kind is EventKind.LIQUIDATION_RECALLED:
                recalled.append(event.call_id)
                assert moment.before.liquidation is not None
                assert moment.before.liquidation.awaiting == event.call_id
                milder = moment.terms.index_of(ordered[event.call_id].step)
                assert milder < moment.terms.index_of(event.step)
    assert len(recalled) == len(set(recalled))


@checked
def test_liquidation_ends(life: Life) -> None:
    """With fills in full a liquidation ends: nothing is left, or its ratio is reached; no round is waited for then."""
    life.leave_alone()
    state, terms, measure = life.desk.state, life.desk.terms, life.desk.world.measure
    assert state.liquidation is None
    for one in state.active:
        step = terms.steps[one.step]
        if step.liquidate and not measure.is_flat:
            assert one.is_done
            smallest = max((one.maintenance_margin for one in measure.holdings), default=0.0) * 1e-6 + 1e-6
            until = max(step.liquidate.until, step.clear_after) if one.by_unmet else (step.below or 0.0)
            assert measure.equity + smallest >= until * measure.maintenance_margin


@checked
def test_what_remains_after_a_liquidation_is_called(life: Life) -> None:
    """When a liquidation ends, what the pool still lacks is open as a call, unless a default takes care of it."""
    for moment in life.advances:
        if not moment.before.liquidation or moment.after.liquidation:
            continue
        callers = [one for one in moment.after.active if moment.terms.steps[one.step].call]
        in_default = moment.measure.is_flat and any(
            moment.terms.steps[one.step].waterfall for one in moment.after.active
        )
        if not callers or in_default:
            continue
        assert not callers[-1].is_exhausted
        terms = moment.terms.steps[callers[-1].step].call
        assert terms is not None
        lacking = missing_of(terms, moment.measure, moment.terms.increment) - outstanding(moment.after)
        increment = max(terms.round_to, moment.terms.increment)
        assert lacking < max(terms.minimum_transfer, increment)


@checked
def test_default_only_with_nothing_left(life: Life) -> None:
    """A default needs no position left and equity below nothing; it is for all that lacks, and ends calls."""
    life.leave_alone()
    for moment in life.advances:
        for event in moment.events:
            if event.kind is EventKind.DEFAULT_DECLARED:
                assert moment.measure.is_flat
                assert moment.measure.equity < 0.0
                assert event.amount == round_requirement_up(-moment.measure.equity, moment.terms.increment)
                assert not moment.after.calls
        if any(one.is_declared for one in moment.after.active) and moment.measure.is_flat:
            assert not moment.after.calls
    state, measure = life.desk.state, life.desk.world.measure
    if (
        measure.is_flat
        and measure.equity < -0.01
        and any(life.desk.terms.steps[one.step].waterfall for one in state.active)
    ):
        assert state.shortfall > 0


@checked
def test_without_prices_only_time_passes(life: Life) -> None:
    """While an assessment cannot be trusted only deadlines pass: no threshold, call or liquidation."""
    allowed = {EventKind.CALL_UNMET, EventKind.STEP_ENTERED, EventKind.RESTRICTED}
    for moment in life.advances:
        if moment.measure.is_valid:
            continue
        assert {event.kind for event in moment.events} <= allowed
        entered = [event for event in moment.events if event.kind is EventKind.STEP_ENTERED]
        assert all(event.data["entered"] == "unmet call" for event in entered)
        assert not any(call.falls_due_ns <= moment.now_ns for call in moment.after.calls)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    life=lives(),
    name=st.sampled_from(("equity", "initial_margin", "maintenance_margin")),
    value=st.sampled_from((float("nan"), float("inf"), float("-inf"))),
)
def test_what_is_not_a_number_is_not_trusted(life: Life, name: str, value: float) -> None:
    """A figure that is not finite is handled exactly as an assessment that says of itself that it cannot be trusted."""
    for moment in life.advances:
        broken = {
            "equity": replace(moment.measure, equity=value),
            "initial_margin": replace(moment.measure, initial_margin=value),
            "maintenance_margin": replace(moment.measure, maintenance_margin=value),
        }[name]
        untrusted = replace(moment.measure, is_valid=False)
        assert ladder.advance(moment.before, moment.terms, broken, moment.now_ns) == ladder.advance(
            moment.before, moment.terms, untrusted, moment.now_ns
        )


@checked
def test_every_event_says_which_rule_decided(life: Life) -> None:
    """Each event bears its moment, the revision and ladder followed, and the line of the step it names."""
    for moment in life.moments:
        for event in moment.events:
            _check_rule(moment, event)


def _check_rule(moment: Moment, event: Event) -> None:
    assert event.time_ns == moment.now_ns
    assert event.pool == moment.after.pool
    assert event.digest == moment.after.digest
    assert event.ladder == moment.terms.name
    if event.step:
        step = moment.terms.steps[moment.terms.index_of(event.step)]
        assert (event.line, event.because) == (step.line, step.because)
    else:
        assert event.kind in {EventKind.RESTRICTION_LIFTED, EventKind.DEPOSIT_RECORDED}
        assert event.line == moment.terms.line


@checked
def test_a_timer_is_set_for_everything_that_waits(life: Life) -> None:
    """Where a state waits for time alone, a moment is named for it; before that moment time changes nothing."""
    for moment in life.advances:
        due = ladder.next_due_ns(moment.after, moment.terms)
        if moment.after.calls or moment.after.pending:
            assert due is not None
        if not moment.events and moment.measure.is_valid and (due is None or due > moment.now_ns):
            just_before = moment.now_ns + 10**9 * 10**9 if due is None else due - 1
            later, events = ladder.advance(moment.after, moment.terms, moment.measure, just_before)
            assert events == ()
            assert later == moment.after


@checked
def test_lives_are_rich_enough(life: Life) -> None:
    """Names never repeat, numbers never fall, and each act is kept: the log of a life can be told from end to end."""
    numbers = [moment.after.number for moment in life.moments]
    assert numbers == sorted(numbers)
    names = Counter(event.call_id for event in life.desk.log if event.kind in ISSUES | {EventKind.LIQUIDATION_ORDERED})
    assert all(count == 1 for count in names.values())
