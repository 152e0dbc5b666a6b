# SPDX-License-Identifier: Apache-2.0
"""Between two wakes the ladder changes nothing, and it is not woken for nothing all the time."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marginrules.codes import EventKind
from marginrules.escalation import ladder
from marginrules.escalation.ladder import due_times
from marginrules.escalation.state import LadderState, Measure
from marginrules.escalation.wake import Wake, wake_of
from marginrules.terms import Ladder
from marginrules.units import SECOND_NS
from tests.escalation.ladders import compiled
from tests.escalation.scripts import Life, Moment, lives
from tests.escalation.world import HOUR_NS, MINUTE_NS, START_NS, Desk, Lot, World

_NEAR = (0.0, 1e-9, -1e-9, 1e-4, -1e-4, 0.004, -0.004, 0.011, -0.011, 7.0, -7.0, 101.0, -101.0, 1e4, -1e4)
_SHARES = (1.0, 1.0, 1.0, 0.5, 0.999, 1.001, 2.0)


def wake_after(moment: Moment) -> Wake:
    """Return when a pool wakes after a transition."""
    return wake_of(moment.after, moment.terms, moment.measure.is_flat, moment.now_ns)


def is_settled(moment: Moment) -> bool:
    """Say whether advancing once more would change nothing: it was no act, and no orders are gone since."""
    return moment.is_advance and all(one.kind is not EventKind.ORDERS_CANCELLED for one in moment.events)


@st.composite
def measures(draw: st.DrawFn, moment: Moment) -> tuple[Measure, int]:
    """Draw a measure near one of the bounds that a ladder has, and a time near one at which something falls due."""
    before, terms = moment.measure, moment.terms
    margin = before.maintenance_margin * draw(st.sampled_from(_SHARES))
    initial = before.initial_margin * draw(st.sampled_from(_SHARES))
    steps = terms.steps
    ratios = [one for step in steps for one in (step.below, step.clear, step.clear_after) if one is not None]
    ratios += [step.liquidate.until for step in steps if step.liquidate]
    ratios += [step.call.ratio for step in steps if step.call]
    targets = [one * margin for one in ratios if math.isfinite(one)] + [0.0, initial, margin]
    demanded = float(sum(call.outstanding for call in moment.after.calls))
    missing = [0.0, demanded, *(float(call.outstanding) for call in moment.after.calls)]
    near = [float(step.call.minimum_transfer) for step in steps if step.call]
    near += [float(step.call.round_to) for step in steps if step.call]
    equity = draw(st.sampled_from(targets)) - draw(st.sampled_from(missing)) - draw(st.sampled_from([0.0, *near]))
    equity += draw(st.sampled_from(_NEAR))
    equity = draw(st.sampled_from((equity, equity, equity, before.equity, math.nan)))
    times = [moment.now_ns, *due_times(moment.after, terms)]
    times += [call.due_ns - HOUR_NS for call in moment.after.calls]
    waited = draw(st.sampled_from((0, SECOND_NS, MINUTE_NS, HOUR_NS, 30 * HOUR_NS)))
    now_ns = max(draw(st.sampled_from(times)) + draw(st.sampled_from((-1, 0, 1))) + waited, moment.now_ns)
    is_valid = draw(st.integers(0, 9)) > 0
    return replace(before, is_valid=is_valid, equity=equity, initial_margin=initial, maintenance_margin=margin), now_ns


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives(), st.data())
def test_nothing_changes_between_wakes(life: Life, data: st.DataObject) -> None:
    """Whatever is measured, the ladder moves only where the pool wakes."""
    for moment in filter(is_settled, life.moments):
        wake = wake_after(moment)
        for _ in range(6):
            measure, now_ns = data.draw(measures(moment))
            if not wake.comes(measure, now_ns):
                assert ladder.advance(moment.after, moment.terms, measure, now_ns) == (moment.after, ())


def test_nothing_changes_between_wakes_while_prices_walk() -> None:
    """A long walk of small steps through all of a ladder: advanced always, or at its wakes, it is the same life."""
    terms = compiled(
        "      - {step: warning, below: 150%, clear: 160%, notify: [client]}\n"
        "      - {step: call, below: 120%, clear: 140%, for: 90s, "
        "call: {restore: initial_margin, minimum_transfer: 50, round_to: 7}, deadline: 2h, restrict: reduce_only}\n"
        "      - {step: second, after: call unmet, call: {restore: 130%}, deadline: 4h}\n"
        "      - {step: partial, below: 105%, or_after: second unmet, clear: 110%, restrict: blocked, "
        "liquidate: {fraction: 20%, until: 115%, every: 5m}}\n"
        "      - {step: full, below: 80%, liquidate: all}\n"
        "      - {step: default, below: 0%, waterfall: [insurance_fund]}\n"
    )
    desk = Desk(World(15_000.0, [Lot("S", 1_000.0, 100.0, 0.1)]), terms)
    looks: Counter[str] = Counter()
    wake: Wake | None = None
    for row in range(3_000):
        # It swings, then hovers where a call stays open, then falls through everything.
        wave = math.sin(row / 40.0) * (5.0 if row < 1_500 else 0.5)
        trend = 4.5 * min(max(row - 1_500, 0) / 300, 1.0) + 25.0 * max(row - 2_500, 0) / 500
        desk.world.lots[0].price = 101.0 + wave - trend + 0.2 * math.sin(row * row / 7.0)
        desk.now_ns += MINUTE_NS
        before = desk.state
        comes = wake is None or wake.comes(desk.world.measure, desk.now_ns)
        events = desk.settle()
        while desk.ordered:
            events += desk.execute()
        looks["woken" if comes else "quiet"] += 1
        looks["moved"] += desk.state != before
        looks.update(one.kind.value for one in events)
        assert comes or (desk.state == before and not events)
        wake = wake_of(desk.state, desk.terms, desk.world.measure.is_flat, desk.now_ns)
    for kind in (EventKind.CALL_FURTHER, EventKind.CALL_CURED, EventKind.CALL_UNMET, EventKind.LIQUIDATION_ORDERED):
        assert looks[kind.value], kind
    # Hardly a wake comes for nothing.
    assert looks["quiet"] > 0.5 * 3_000
    assert looks["woken"] <= 1.1 * looks["moved"] + 10


def fresh(terms: Ladder) -> Wake:
    """Return when a pool wakes that nothing was ever done to."""
    return wake_of(LadderState("A"), terms, is_flat=False, now_ns=START_NS)


def test_a_healthy_pool_wakes_at_its_highest_entry() -> None:
    """Only the mildest threshold can be the first to be breached; neither time nor what is missing matters."""
    terms = compiled(
        "      - {step: warning, below: 150%, notify: [client]}\n"
        "      - {step: close_out, below: 100%, liquidate: all}\n"
    )
    wake = fresh(terms)
    assert (wake.low, wake.high, wake.lacks) == (1.5, None, ())
    assert not wake.comes(Measure(True, 150.0, 200.0, 100.0), START_NS + 10**18)
    assert wake.comes(Measure(True, 149.9, 200.0, 100.0), START_NS)
    assert not wake.comes(Measure(False, 149.9, 200.0, 100.0), START_NS)
    assert not wake.comes(Measure(True, math.nan, 200.0, 100.0), START_NS)
    assert wake.comes(Measure(True, 149.9, 200.0, -100.0), START_NS)


def test_a_called_pool_wakes_for_what_was_not_demanded() -> None:
    """Below the minimum transfer a growing lack wakes nobody; the deadline and the exit do."""
    terms = compiled(
        "      - {step: call, below: 120%, clear: 130%, deadline: 4h, restrict: reduce_only, "
        "call: {restore: initial_margin, minimum_transfer: 500, round_to: 100}}\n"
        "      - {step: close_out, below: 50%, or_after: call unmet, liquidate: all}\n"
    )
    measure = Measure(True, 1_100.0, 2_000.0, 1_000.0)
    state, _ = ladder.advance(LadderState("A"), terms, measure, START_NS)
    assert [int(call.amount) for call in state.calls] == [900]
    wake = wake_of(state, terms, is_flat=False, now_ns=START_NS)
    assert wake.time_ns == START_NS + 4 * HOUR_NS
    assert (wake.low, wake.high) == (0.5, 1.3)
    assert not wake.comes(replace(measure, equity=700.0), START_NS)
    assert wake.comes(replace(measure, equity=699.9), START_NS)
    _, events = ladder.advance(state, terms, replace(measure, equity=699.9), START_NS)
    assert [(one.kind, int(one.amount or 0)) for one in events] == [(EventKind.CALL_FURTHER, 500)]


def test_a_liquidation_that_is_done_begins_again_at_its_entry() -> None:
    """Between its end and its exit a step waits; below its entry it goes on, and the pool wakes for that."""
    terms = compiled(
        "      - {step: partial, below: 105%, clear: 140%, "
        "restrict: blocked, liquidate: {fraction: 20%, until: 110%}}\n"
    )
    desk = Desk(World(11_000.0, [Lot("S", 1_000.0, 100.0, 0.1)]), terms)
    desk.move(99.4)
    while desk.ordered:
        desk.execute()
        desk.now_ns += MINUTE_NS
        desk.settle()
    assert desk.state.active[0].is_done
    assert desk.state.liquidation is None
    wake = wake_of(desk.state, terms, is_flat=False, now_ns=desk.now_ns)
    assert (wake.low, wake.high) == (1.05, 1.4)
    for price, comes in ((99.2, False), (96.0, True)):
        desk.world.lots[0].price = price
        assert wake.comes(desk.world.measure, desk.now_ns) == comes
        assert bool(desk.settle()) == comes
