# SPDX-License-Identifier: Apache-2.0
"""Worked examples a margin desk can follow: one position of 100 units bought at 100, maintenance 10 %, initial 20 %."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from marginrules.codes import EventKind, Restriction
from marginrules.errors import InputError
from marginrules.escalation import desk, ladder
from marginrules.escalation.state import Event
from marginrules.terms import Ladder
from marginrules.units import DAY_NS, SECOND_NS
from tests.escalation.ladders import book_ladder, compiled
from tests.escalation.world import HOUR_NS, MINUTE_NS, START_NS, Desk, Lot, World, kinds

TWO_CALLS = """\
      - {step: warning, below: 150%, clear: 155%, notify: [client]}
      - {step: first, below: 120%, clear: 125%, call: {restore: initial_margin, minimum_transfer: 50, round_to: 10},
         deadline: 4h, restrict: reduce_only}
      - {step: second, after: first unmet, call: {restore: initial_margin, round_to: 10},
         deadline: 1h, restrict: reduce_only}
      - {step: partial, below: 105%, or_after: second unmet, restrict: blocked,
         liquidate: {fraction: 20%, every: 30s, until: 110%}}
      - {step: full, below: 100%, restrict: blocked, liquidate: all}
      - {step: default, below: 0%, waterfall: [insurance_fund, house_capital]}
"""
ONE_CALL = """\
      - {step: call, below: 120%, clear: 130%, call: {restore: initial_margin}, deadline: 4h, restrict: reduce_only}
      - {step: liquidation, below: 100%, or_after: call unmet, liquidate: all}
"""


def table(cash: float, steps: str = TWO_CALLS, *lots: Lot) -> Desk:
    """Return a desk over a pool with some cash; maintenance margin is 1 000 at the price of 100."""
    return Desk(World(cash, list(lots) or [Lot("BTC", 100.0, 100.0, 0.1)]), compiled(steps))


def last(one: Desk, kind: EventKind) -> Event:
    """Return the latest event of a kind."""
    return next(event for event in reversed(one.log) if event.kind is kind)


def acknowledge(one: Desk, call_id: str) -> list[Event]:
    """Acknowledge a call."""
    return one.act(lambda state: desk.acknowledge(state, one.terms, call_id, "ann", "seen", one.now_ns))


def extend(one: Desk, call_id: str, due_ns: int) -> list[Event]:
    """Extend a call."""
    return one.act(lambda state: desk.extend(state, one.terms, call_id, due_ns, "ann", "bank holiday", one.now_ns))


def dispute(one: Desk, call_id: str, until_ns: int) -> list[Event]:
    """Dispute a call."""
    return one.act(lambda state: desk.dispute(state, one.terms, call_id, until_ns, "bob", "wrong mark", one.now_ns))


def waive(one: Desk, call_id: str) -> list[Event]:
    """Waive a call."""
    return one.act(lambda state: desk.waive(state, one.terms, call_id, "ann", "hedged elsewhere", one.now_ns))


def test_the_whole_way_down_and_up() -> None:
    """Warning, call, part paid, rest due, unmet, second call, unmet, rounds of 20 % until the calls' exit, cured."""
    one = table(1_400.0)
    assert kinds(one.settle()) == ["step_entered warning"]
    # At 97.8 equity is 1 180 and maintenance margin 978: 120.7 %; at 97.5 it is 1 150 / 975: 117.9 %.
    assert kinds(one.move(97.8, HOUR_NS)) == []
    assert kinds(one.move(97.5)) == ["step_entered first", "call_issued first", "restricted first"]
    call = one.state.calls[0]
    # Initial margin 1 950 less equity 1 150.
    assert (call.call_id, call.amount, call.kind) == ("A/#1", Decimal(800), "first")
    assert call.due_ns == one.now_ns + 4 * HOUR_NS

    # 130 of it: equity is 1 280, at 131.3 %: past the exit, so the call is cured and nothing is due any more.
    better = table(1_400.0)
    better.move(97.5)
    assert kinds(better.deposit("130")) == [
        "deposit_recorded first",
        "call_cured first",
        "step_cleared first",
        "restriction_lifted",
    ]

    # 33.33 of it: the rest is due, and only the rest.
    assert kinds(one.deposit("33.33")) == ["deposit_recorded first"]
    assert one.state.calls[0].outstanding == Decimal("766.67")
    assert kinds(one.wait(4 * HOUR_NS - 1)) == []
    assert kinds(one.wait(1)) == ["call_unmet first", "step_entered second", "call_issued second"]
    assert last(one, EventKind.CALL_UNMET).amount == Decimal("766.67")
    assert one.state.calls[0].amount == Decimal(770)  # 1 950 less 1 183.33, in tens
    happened = kinds(one.wait(HOUR_NS))
    assert happened == [
        "call_unmet second",
        "step_entered partial",
        "restricted partial",
        "liquidation_ordered partial",
    ]
    assert one.ordered[0][1] == [("BTC", -20.0)]

    # The call's exit is 125 %, so rounds go on until there: 100 -> 80 units is 151 %.
    assert kinds(one.execute()) == [
        "liquidation_executed partial",
        "step_cleared partial",
        "step_cleared second",
        "step_cleared first",
        "restriction_lifted",
    ]
    assert [step.step for step in one.state.active] == [0]
    assert one.state.liquidation is None


def test_rounds_of_a_liquidation() -> None:
    """Entered at 105 %, rounds go on to 110 % though the exit is 105 %, 30 s apart, and not again inside the band."""
    one = table(1_400.0)
    assert kinds(one.move(96.0)) == [
        "step_entered warning",
        "step_entered first",
        "step_entered partial",
        "call_issued first",
        "restricted partial",
        "liquidation_ordered partial",
    ]
    one.execute(0.2)  # 4 of 20 filled: 108.5 %, past the exit and short of `until`
    assert 1.05 < one.world.ratio < 1.10
    assert one.state.severity == 3
    assert kinds(one.wait(29 * SECOND_NS)) == []
    assert kinds(one.wait(SECOND_NS)) == ["liquidation_ordered partial"]
    assert one.ordered[0][1][0][1] == pytest.approx(-19.2)
    assert kinds(one.execute(0.1)) == [
        "liquidation_executed partial",
        "step_cleared partial",
        "restriction_lifted first",
    ]
    assert 1.10 < one.world.ratio < 1.20
    # The call of the first step is open all the while; what was sold makes it smaller only by being paid or cured.
    assert [call.amount for call in one.state.calls] == [Decimal(920)]
    # A dip inside the band sells nothing: the liquidation has ended, and begins again only under 105 %.
    assert kinds(one.move(95.7, HOUR_NS)) == []
    assert "liquidation_ordered partial" in kinds(one.move(95.0, HOUR_NS))


def test_called_again_after_a_liquidation() -> None:
    """A full liquidation that leaves a debt, under a ladder without waterfall: the debt is called."""
    one = table(1_400.0, ONE_CALL)
    one.move(90.0)
    assert not one.state.calls
    # The market falls further before the fills: 100 units sold at 80 leave 1 400 - 2 000.
    one.world.lots[0].price = 80.0
    happened = one.execute()
    assert kinds(happened) == ["liquidation_executed liquidation", "call_issued call"]
    call = one.state.calls[0]
    assert (call.amount, call.kind) == (Decimal(600), "after_liquidation")
    # Unmet again there is nothing left to liquidate, and nobody asks for ever.
    assert kinds(one.wait(4 * HOUR_NS)) == ["call_unmet call"]
    assert kinds(one.wait(100 * DAY_NS)) == []
    assert ladder.next_due_ns(one.state, one.terms) is None
    # The debt stays: the pool is freed by paying it.
    assert kinds(one.deposit("600")) == [
        "deposit_recorded liquidation",
        "step_cleared liquidation",
        "step_cleared call",
        "restriction_lifted",
    ]
    assert one.state.is_idle


def test_crash_through_several_steps() -> None:
    """A crash enters every step it passed, mildest first, and liquidates everything: no call is made."""
    one = table(1_400.0)
    one.world.has_orders = True
    assert kinds(one.move(92.0)) == [
        "step_entered warning",
        "step_entered first",
        "step_entered partial",
        "step_entered full",
        "restricted full",
        "orders_cancelled full",
        "liquidation_ordered full",
    ]
    assert one.ordered[0][1] == [("BTC", -100.0)]
    assert one.state.restriction is Restriction.BLOCKED
    assert kinds(one.execute()) == [
        "liquidation_executed full",
        "step_cleared full",
        "step_cleared partial",
        "step_cleared first",
        "step_cleared warning",
        "restriction_lifted",
    ]
    assert one.world.cash == pytest.approx(600.0)


EMERGENCY = """\
      - {step: call, below: 130%, clear: 135%, call: {restore: RESTORE}, deadline: 4h}
      - {step: urgent, below: 110%, clear: 115%, call: {restore: URGENT}, deadline: 30m}
      - {step: close, below: 50%, or_after: call unmet, liquidate: all}
      - {step: close_urgent, below: 40%, or_after: urgent unmet, liquidate: all}
"""


def emergency(restore: str, urgent: str) -> Desk:
    """Return a desk over a ladder in which a second threshold calls with less time."""
    return table(1_500.0, EMERGENCY.replace("RESTORE", restore).replace("URGENT", urgent))


def test_a_lower_threshold_calls_for_the_whole() -> None:
    """The call of a lower threshold with less time replaces the milder one, and asks for the whole deficiency."""
    one = emergency("initial_margin", "initial_margin")
    one.move(97.5)
    assert [(call.step_name, call.amount) for call in one.state.calls] == [("call", Decimal("700.00"))]
    one.deposit("10")
    assert kinds(one.move(95.0, HOUR_NS)) == ["step_entered urgent", "call_superseded call", "call_issued urgent"]
    call = one.state.calls[0]
    assert (call.amount, call.due_ns) == (Decimal("890.00"), one.now_ns + 30 * MINUTE_NS)
    assert sum(call.outstanding for call in one.state.calls) == call.amount
    # What the desk agreed with the client stands: then only the rest is urgent.
    other = emergency("initial_margin", "initial_margin")
    other.move(97.5)
    extend(other, "A/#1", other.now_ns + 5 * HOUR_NS)
    assert kinds(other.move(95.0, HOUR_NS)) == ["step_entered urgent", "call_issued urgent"]
    assert [call.amount for call in other.state.calls] == [Decimal("700.00"), Decimal("200.00")]


def test_two_thresholds_passed_at_once_share_the_demand() -> None:
    """Where the lower threshold asks for less and sooner, the milder step adds the rest on its own terms."""
    one = emergency("initial_margin", "maintenance_margin")
    one.move(94.0)  # equity 900, maintenance 940, initial 1 880
    assert [(call.step_name, call.amount) for call in one.state.calls] == [
        ("urgent", Decimal("40.00")),
        ("call", Decimal("940.00")),
    ]
    assert kinds(one.settle()) == []
    # A deposit goes to the urgent one first.
    assert "call_met urgent" in kinds(one.deposit("40"))


def test_a_milder_call_for_more_stands() -> None:
    """A lower threshold that asks for less than is demanded already neither replaces that demand nor adds to it."""
    one = emergency("initial_margin", "maintenance_margin")
    one.move(97.5)
    assert kinds(one.move(94.0)) == ["step_entered urgent", "call_further call"]
    assert [(call.step_name, call.amount) for call in one.state.calls] == [
        ("call", Decimal("700.00")),
        ("call", Decimal("280.00")),
    ]


def test_nobody_is_called_for_what_is_being_sold() -> None:
    """While positions are sold because one call went unmet, another threshold's call does not grow."""
    steps = EMERGENCY.replace("deadline: 4h", "deadline: 20m").replace(
        "{step: close, below: 50%, or_after: call unmet, liquidate: all}",
        "{step: close, below: 50%, or_after: call unmet, liquidate: {fraction: 10%, every: 1h}}",
    )
    one = table(1_500.0, steps.replace("RESTORE", "initial_margin").replace("URGENT", "maintenance_margin"))
    one.move(94.0)
    assert kinds(one.wait(20 * MINUTE_NS)) == ["call_unmet call", "step_entered close", "liquidation_ordered close"]
    assert kinds(one.move(93.0)) == []
    assert [(call.step_name, call.amount) for call in one.state.calls] == [("urgent", Decimal("40.00"))]


def test_an_unmet_call_lifts_the_exit_of_a_liquidation() -> None:
    """A liquidation entered by its threshold goes on to the calls' exit once their last call goes unmet meanwhile."""
    one = table(1_400.0)
    one.move(96.0)  # a round is out; 120 %, 125 % and 110 % are the entry and exit of the call, and `until`
    one.wait(4 * HOUR_NS)
    assert kinds(one.wait(HOUR_NS)) == ["call_unmet second"]
    one.move(97.0)
    assert 1.10 < one.world.ratio < 1.25
    assert kinds(one.execute(0.0)) == ["liquidation_executed partial", "liquidation_ordered partial"]


def test_an_emergency_recalls_the_round_before() -> None:
    """A full liquidation does not wait in silence: the round that is out is recalled once, and reported as it is."""
    one = table(1_400.0)
    one.move(96.0)
    assert kinds(one.move(92.0, SECOND_NS)) == ["step_entered full", "liquidation_recalled full"]
    assert last(one, EventKind.LIQUIDATION_RECALLED).call_id == one.ordered[0][0]
    assert kinds(one.move(91.0, SECOND_NS)) == []
    happened = one.execute(0.5)  # 10 of 20 were filled by then
    assert kinds(happened) == ["liquidation_executed partial", "liquidation_ordered full", "call_superseded first"]
    assert one.ordered[0][1] == [("BTC", -90.0)]


def test_full_liquidation_supersedes_calls() -> None:
    """An open call ends when everything is ordered to be closed; until then a dip does not restart its deadline."""
    one = table(1_400.0)
    one.move(97.5)
    one.move(96.0)  # a round of the partial liquidation is ordered ...
    assert [call.kind for call in one.state.calls] == ["first", "further"]
    one.move(90.0)  # ... and not reported while the pool falls under 100 %
    assert one.state.severity == 4
    assert len(one.state.calls) == 2
    happened = kinds(one.execute(0.0))
    assert happened == [
        "liquidation_executed partial",
        "liquidation_ordered full",
        "call_superseded first",
        "call_superseded first",
    ]


def test_further_call() -> None:
    """A deficiency that grows while a call is open gives a further call, for the growth alone."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    first = one.state.calls[0]
    assert first.amount == Decimal("800.00")
    assert kinds(one.move(97.0, HOUR_NS)) == ["call_further call"]
    further = one.state.calls[1]
    # One unit of price is 100 of equity less 20 of initial margin: half a unit is 40.
    assert (further.amount, further.kind) == (Decimal("40.00"), "further")
    assert further.due_ns == first.due_ns + HOUR_NS
    # Better and back again: nothing is demanded twice.
    assert kinds(one.move(97.4)) == []
    assert kinds(one.move(97.0)) == []


def test_minimum_transfer() -> None:
    """Growth below the minimum transfer is not demanded; once it adds up, all of it is."""
    one = table(1_400.0)
    one.move(97.5)
    assert one.state.calls[0].amount == Decimal(800)
    assert kinds(one.move(97.2)) == []  # 24 more
    assert kinds(one.move(97.0)) == []  # 40 more
    assert kinds(one.move(96.9)) == ["call_further first"]  # 48, in tens
    assert one.state.calls[1].amount == Decimal(50)


def test_odd_deposits_bring_no_demand() -> None:
    """A deposit that is no multiple of the rounding leaves less due and brings no further call for the difference."""
    steps = ONE_CALL.replace("{restore: initial_margin}", "{restore: initial_margin, round_to: 100}")
    one = table(1_400.0, steps)
    one.move(97.6)
    assert [call.amount for call in one.state.calls] == [Decimal(800)]  # 792, in hundreds
    assert kinds(one.deposit("33.37")) == ["deposit_recorded call"]
    assert [call.outstanding for call in one.state.calls] == [Decimal("766.63")]


def test_the_noise_of_doubles_holds_nobody() -> None:
    """A pool that paid to the cent is free, though the sum of its doubles falls short of the exit by a last bit."""
    steps = ONE_CALL.replace("below: 120%, clear: 130%", "below: 100%, clear: 100%").replace("initial", "maintenance")
    one = table(0.0, steps.replace("below: 100%, or_after", "below: 20%, or_after"), Lot("X", 1.0, 0.3, 1.0, entry=0.3))
    one.world.cash = 0.1
    one.settle()
    assert one.state.calls[0].amount == Decimal("0.20")
    one.world.cash = 0.3 - 1e-16 - 2e-16  # what 0.1 and 0.2 could come to
    assert one.world.cash < 0.3
    assert kinds(one.settle()) == ["call_cured call", "step_cleared call", "restriction_lifted"]
    # The same at nothing: a debt paid to the cent is paid.
    other = table(-600.0, ONE_CALL)
    other.world.lots.clear()
    other.settle()
    other.world.cash = -1e-13
    assert "restriction_lifted" in kinds(other.settle())
    assert other.state.is_idle


def test_deposits_pay_the_oldest_call_first() -> None:
    """A deposit meets the oldest call, and what is left of it goes to the next."""
    steps = ONE_CALL.replace("clear: 130%", "clear: 400%")
    one = table(1_400.0, steps)
    one.move(97.5)
    one.move(97.0)
    happened = one.deposit("810")
    assert kinds(happened) == ["deposit_recorded call", "call_met call"]
    assert [call.outstanding for call in one.state.calls] == [Decimal("30.00")]
    assert kinds(one.deposit("30"))[:2] == ["deposit_recorded call", "call_met call"]
    assert one.state.calls == ()


def test_late_deposit_does_not_meet_a_call() -> None:
    """A deposit after the deadline comes too late for the call; its money counts all the same."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    one.now_ns += 4 * HOUR_NS
    happened = kinds(one.deposit("800"))
    assert happened[:3] == ["call_unmet call", "step_entered liquidation", "deposit_recorded liquidation"]
    assert "call_met call" not in happened
    assert one.state.is_idle  # at 200 % both steps clear before anything is sold
    assert one.ordered == []


def test_acknowledge_once() -> None:
    """A call is acknowledged once; a second time is refused and says by whom it was."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    happened = acknowledge(one, "A/#1")
    assert kinds(happened) == ["call_acknowledged call"]
    assert happened[0].data == {"who": "ann", "why": "seen"}
    before = one.state
    with pytest.raises(InputError, match="acknowledged before, by ann"):
        acknowledge(one, "A/#1")
    assert one.state is before


def test_unknown_call_is_refused() -> None:
    """No act fits a call that is not open: neither one never made nor one that ended."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    for act in (acknowledge, waive):
        with pytest.raises(InputError, match="no open call"):
            act(one, "A/#7")
    one.deposit("800")
    for later in (extend, dispute):
        with pytest.raises(InputError, match="no open call"):
            later(one, "A/#1", one.now_ns + HOUR_NS)


def test_extend() -> None:
    """An extended call goes unmet at its new deadline; a deadline is never moved to an earlier moment."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    due = one.state.calls[0].due_ns
    with pytest.raises(InputError, match="not later"):
        extend(one, "A/#1", due)
    assert kinds(extend(one, "A/#1", due + HOUR_NS)) == ["call_extended call"]
    assert kinds(one.wait(4 * HOUR_NS)) == []
    assert one.state.calls[0].extensions == 1
    assert ladder.next_due_ns(one.state, one.terms) == due + HOUR_NS
    assert kinds(one.wait(HOUR_NS))[0] == "call_unmet call"


def test_a_missed_deadline_stays_missed() -> None:
    """Once its deadline has passed a call is neither extended, disputed, waived nor acknowledged."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    one.now_ns += 4 * HOUR_NS
    for act in (acknowledge, waive):
        with pytest.raises(InputError, match="deadline of call A/#1 passed"):
            act(one, "A/#1")
    for later in (extend, dispute):
        with pytest.raises(InputError, match="deadline of call A/#1 passed"):
            later(one, "A/#1", one.now_ns + HOUR_NS)
    assert kinds(one.settle())[0] == "call_unmet call"


def test_dispute_ends() -> None:
    """A dispute holds a deadline up until its own end, and the call ends with it; it cannot end in the past."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    with pytest.raises(InputError, match="not in the future"):
        dispute(one, "A/#1", one.now_ns)
    assert kinds(dispute(one, "A/#1", one.now_ns + 6 * HOUR_NS)) == ["call_disputed call"]
    assert kinds(one.wait(5 * HOUR_NS)) == []
    assert kinds(one.wait(HOUR_NS)) == [
        "call_unmet call",
        "step_entered liquidation",
        "liquidation_ordered liquidation",
    ]
    # A dispute that ends before the deadline changes nothing.
    other = table(1_400.0, ONE_CALL)
    other.move(97.5)
    dispute(other, "A/#1", other.now_ns + HOUR_NS)
    assert other.state.calls[0].falls_due_ns == other.state.calls[0].due_ns


def test_waive() -> None:
    """What was waived is not demanded again until the step has cleared; growth beyond it is; the restriction stays."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    assert kinds(waive(one, "A/#1")) == ["call_waived call"]
    assert kinds(one.move(97.6)) == []
    assert one.state.restriction is Restriction.REDUCE_ONLY
    assert kinds(one.wait(10 * DAY_NS)) == []
    # 0.6 of price: 60 of equity less 12 of initial margin.
    assert kinds(one.move(96.9)) == ["call_issued call"]
    assert [call.amount for call in one.state.calls] == [Decimal("48.00")]
    assert kinds(waive(one, "A/#2")) == ["call_waived call"]
    assert kinds(one.move(97.5)) == []
    assert kinds(one.move(96.9)) == []
    assert kinds(one.move(100.0)) == ["step_cleared call", "restriction_lifted"]
    assert "call_issued call" in kinds(one.move(97.5))


def test_default_waterfall() -> None:
    """With nothing left and equity below nothing the layers pay in their order; the last cent frees the pool."""
    one = table(1_400.0)
    one.move(80.0)
    assert one.state.shortfall == 0  # not before everything is closed
    assert kinds(one.execute()) == [
        "liquidation_executed full",
        "default_declared default",
        "waterfall_drawn default",
    ]
    assert one.state.shortfall == Decimal(600)
    assert last(one, EventKind.WATERFALL_DRAWN).data == {"layer": "insurance_fund"}

    # The client pays 100 after all: the layer is drawn for less.
    assert kinds(one.deposit("100")) == ["deposit_recorded default", "waterfall_drawn default"]
    assert one.state.shortfall == last(one, EventKind.WATERFALL_DRAWN).amount == Decimal(500)
    assert last(one, EventKind.WATERFALL_DRAWN).data == {"layer": "insurance_fund"}
    assert kinds(cover(one, "insurance_fund", "350")) == ["waterfall_covered default", "waterfall_drawn default"]
    assert last(one, EventKind.WATERFALL_DRAWN).data == {"layer": "house_capital"}
    assert last(one, EventKind.WATERFALL_DRAWN).amount == Decimal(150)
    # The first layer finds another 20: the next one, already drawn, is drawn for less.
    assert kinds(cover(one, "insurance_fund", "20")) == ["waterfall_covered default", "waterfall_drawn default"]
    assert last(one, EventKind.WATERFALL_DRAWN).data == {"layer": "house_capital"}
    assert last(one, EventKind.WATERFALL_DRAWN).amount == one.state.shortfall == Decimal(130)
    with pytest.raises(InputError, match="layer was auto_deleveraging"):
        cover(one, "auto_deleveraging", "1")
    happened = kinds(cover(one, "house_capital", "130"))
    assert happened[:2] == ["waterfall_covered default", "step_cleared default"]
    assert one.state.is_idle
    with pytest.raises(InputError, match="no shortfall"):
        cover(one, "house_capital", "1")


def cover(one: Desk, layer: str, paid: str) -> list[Event]:
    """Let a layer pay."""
    amount = Decimal(paid)
    before = one.world.cash
    one.world.cash += float(amount)
    try:
        return one.act(lambda state: desk.cover(state, one.terms, layer, amount, "ann", "agreed", one.now_ns))
    except InputError:
        one.world.cash = before
        raise


def test_a_layer_that_pays_late_draws_no_layer_again() -> None:
    """What an earlier layer pays late is taken off the draw of the layer drawn last, not drawn from those between."""
    one = table(1_400.0, TWO_CALLS.replace("[insurance_fund,", "[insurance_fund, guarantee_fund,"))
    one.move(80.0)
    one.execute()
    cover(one, "insurance_fund", "100")
    cover(one, "guarantee_fund", "100")
    cover(one, "insurance_fund", "50")
    drawn = [event for event in one.log if event.kind is EventKind.WATERFALL_DRAWN]
    assert [(event.data["layer"], event.amount) for event in drawn] == [
        ("insurance_fund", Decimal(600)),
        ("guarantee_fund", Decimal(500)),
        ("house_capital", Decimal(400)),
        ("house_capital", Decimal(350)),
    ]


def test_an_uncovered_shortfall_keeps_its_rulebook() -> None:
    """A new rulebook without the waterfall leaves a shortfall as it is: covered under the one that declared it."""
    one = table(1_400.0)
    one.move(80.0)
    one.execute()
    assert one.activate("d2", compiled(ONE_CALL)) == []
    assert (one.state.digest, one.state.shortfall) == ("d1", Decimal(600))
    happened = cover(one, "insurance_fund", "600")
    assert kinds(happened)[0] == "waterfall_covered default"
    assert one.state.is_idle
    assert one.state.digest == "d2"


def test_a_default_that_grows_is_declared_again() -> None:
    """A shortfall covered in full while collateral lost value leaves another one, and it is drawn too."""
    one = table(1_400.0)
    one.move(80.0)
    one.execute()
    one.world.cash -= 50.0  # collateral in coins fell
    happened = cover(one, "insurance_fund", "600")
    assert kinds(happened) == ["waterfall_covered default", "default_declared default", "waterfall_drawn default"]
    assert one.state.shortfall == Decimal(50)


def test_an_unpinned_state_follows_by_step_name() -> None:
    """Without an open call a state takes the new ladder: steps keep their names, what is gone clears, clocks run on."""
    steps = ONE_CALL.replace("clear: 130%, call", "clear: 130%, for: 30s, call")
    warned = "      - {step: old, below: 160%, restrict: reduce_only}\n" + steps
    newer = "      - {step: new, below: 170%}\n" + steps
    one = table(1_400.0, warned)
    assert kinds(one.move(97.5)) == ["step_entered old", "restricted old"]
    assert not one.state.is_pinned
    one.now_ns += 20 * SECOND_NS
    happened = one.activate("d2", compiled(newer))
    assert kinds(happened) == ["step_cleared old", "step_entered new", "restriction_lifted"]
    assert (happened[0].digest, happened[1].digest) == ("d1", "d2")
    # The threshold was breached 20 s before the swap: 10 s later the step is entered.
    assert kinds(one.wait(9 * SECOND_NS)) == []
    assert kinds(one.wait(SECOND_NS)) == ["step_entered call", "call_issued call", "restricted call"]


def test_a_step_may_call_again_where_nothing_follows_it() -> None:
    """A new rulebook without the step that followed an unmet call does not leave the pool uncalled for ever."""
    one = table(1_400.0)
    one.move(97.5)
    one.wait(4 * HOUR_NS)
    waive(one, one.state.calls[0].call_id)
    assert not one.state.is_pinned
    newer = ONE_CALL.replace("step: call", "step: first").replace("call unmet", "first unmet")
    assert kinds(one.activate("d2", compiled(newer))) == [
        "step_cleared warning",
        "step_cleared second",
        "call_issued first",
    ]


def test_a_swap_without_prices_lifts_nothing() -> None:
    """A rulebook without the step that restricted a pool lifts the restriction once the pool can be assessed again."""
    one = table(1_400.0, "      - {step: old, below: 160%, restrict: reduce_only}\n" + ONE_CALL)
    one.settle()
    one.world.is_valid = False
    assert kinds(one.activate("d2", compiled(ONE_CALL))) == ["step_cleared old"]
    assert one.state.restriction is Restriction.REDUCE_ONLY
    one.world.is_valid = True
    assert kinds(one.settle()) == ["restriction_lifted"]


def test_a_pinned_state_keeps_its_ladder() -> None:
    """A pool with an open call goes on under the revision the call was made under, and follows once it has ended."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    assert one.activate("d2", compiled(TWO_CALLS)) == []
    assert one.state.digest == "d1"
    with pytest.raises(AssertionError, match="pinned"):
        ladder.follow(one.state, one.terms, "d2", 0, compiled(TWO_CALLS), one.now_ns)
    happened = one.wait(4 * HOUR_NS)
    assert {event.digest for event in happened} == {"d1"}
    happened = one.execute()
    assert happened[0].digest == "d1"
    assert one.state.is_idle
    one.settle()
    assert one.state.digest == "d2"


def moment(text: str) -> int:
    """Return a moment of New York as nanoseconds."""
    return int(dt.datetime.fromisoformat(text).timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    ("called", "due"),
    [
        ("2026-01-05T10:00:00-05:00", "2026-01-08T17:00:00-05:00"),  # Monday -> Thursday
        ("2026-01-15T10:00:00-05:00", "2026-01-21T17:00:00-05:00"),  # over a weekend and Martin Luther King Day
        ("2026-01-16T23:59:59-05:00", "2026-01-22T17:00:00-05:00"),
        ("2026-03-06T12:00:00-05:00", "2026-03-11T17:00:00-04:00"),  # over the change to summer time
    ],
)
def test_business_day_deadline(called: str, due: str) -> None:
    """`17:00 in 3 business days` counts the exchange's days and its own clock, whatever the season."""
    one = Desk(World(3_600.0, [Lot("SPY", 100.0, 100.0, 0.3)]), book_ladder("us-broker", "margin_account"))
    one.now_ns = moment(called)
    one.move(90.0)
    assert one.state.calls[0].step_name == "maintenance_call"
    assert one.state.calls[0].due_ns == moment(due)


def test_down_over_several_deadlines() -> None:
    """A process that was down over a deadline handles it once; the call that follows has its whole time from now on."""
    one = table(1_400.0)
    one.move(97.5)
    down = one.wait(3 * DAY_NS)
    assert kinds(down) == ["call_unmet first", "step_entered second", "call_issued second"]
    assert one.state.calls[0].due_ns == one.now_ns + HOUR_NS
    assert kinds(one.settle()) == []


def test_down_over_two_calls_and_a_crash() -> None:
    """Two calls that fell due while the process was down end in the order they fell due; then the crash is acted on."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    one.move(97.0, HOUR_NS)
    happened = one.move(90.0, 3 * DAY_NS)
    assert kinds(happened) == [
        "call_unmet call",
        "step_entered liquidation",
        "call_unmet call",
        "liquidation_ordered liquidation",
    ]
    assert [event.call_id for event in happened] == ["A/#1", "", "A/#2", "A/#L3"]


def test_calls_due_at_once_end_as_they_were_made() -> None:
    """Ten calls with one deadline end in the order in which they were issued, the tenth after the ninth."""
    one = table(1_400.0, ONE_CALL)
    for tenths in range(11):
        one.move(97.5 - tenths / 10)
    assert len(one.state.calls) == 11
    unmet = [event.call_id for event in one.wait(4 * HOUR_NS) if event.kind is EventKind.CALL_UNMET]
    assert unmet == [f"A/#{number}" for number in range(1, 12)]


def test_deadlines_pass_without_prices() -> None:
    """While no price can be trusted nothing is entered by threshold or liquidated, but a deadline passes on time."""
    one = table(1_400.0, ONE_CALL)
    one.move(97.5)
    one.world.is_valid = False
    assert kinds(one.move(50.0)) == []
    assert kinds(one.wait(4 * HOUR_NS)) == ["call_unmet call", "step_entered liquidation"]
    one.world.is_valid = True
    assert kinds(one.move(97.5)) == ["liquidation_ordered liquidation"]


def test_two_unmet_calls_demand_the_deficiency_once() -> None:
    """A call and its further call go unmet one after the other: the second call asks for the whole, never for more."""
    one = table(1_400.0)
    one.move(97.5)
    one.move(96.6, HOUR_NS)
    assert [call.amount for call in one.state.calls] == [Decimal(800), Decimal(80)]
    one.wait(3 * HOUR_NS)
    assert [(call.step_name, call.amount) for call in one.state.calls] == [
        ("first", Decimal(80)),
        ("second", Decimal(800)),
    ]
    one.wait(HOUR_NS - 1)
    assert kinds(one.wait(1)) == [
        "call_unmet first",
        "call_unmet second",
        "step_entered partial",
        "restricted partial",
        "liquidation_ordered partial",
    ]
    assert one.state.calls == ()  # what is being liquidated is not asked for again


def test_an_unmet_liquidation_keeps_its_pace_after_a_dip() -> None:
    """A dip into full liquidation and back does not bring the next round of the partial one forward."""
    one = table(1_400.0)
    one.move(96.0)
    ordered_ns = one.now_ns
    one.move(92.0, SECOND_NS)  # full is entered while a partial round is out
    one.execute(0.0)  # the executor filled nothing: now everything is ordered
    assert one.state.liquidation is not None
    assert one.state.liquidation.step == 4
    one.move(96.3, SECOND_NS)
    assert kinds(one.execute(0.0)) == ["liquidation_executed full", "step_cleared full", "call_issued first"]
    assert kinds(one.wait(START_NS + 29 * SECOND_NS - one.now_ns)) == []
    assert kinds(one.wait(ordered_ns + 30 * SECOND_NS - one.now_ns)) == ["liquidation_ordered partial"]


def test_target_liquidation_of_the_shipped_broker() -> None:
    """A target closes, largest margin first, just as much as brings the ratio there."""
    terms: Ladder = book_ladder("us-broker", "margin_account")
    lots = [Lot("SPY", 100.0, 100.0, 0.3, 1.0), Lot("QQQ", 20.0, 100.0, 0.3, 1.0)]
    one = Desk(World(2_500.0, lots), terms)
    one.move(100.0)  # 2 500 / 3 600: 69.4 %
    assert one.state.severity == 3
    # To 110 %: maintenance 2 272.7, so 1 327.3 less: 44.2 units of SPY at 30, up to 45.
    assert one.ordered[0][1] == [("SPY", -45.0)]
    one.execute()
    assert one.world.ratio == pytest.approx(1.11, abs=0.005)
    assert one.state.liquidation is None
    assert [step.step for step in one.state.active] == [0]


def test_for_counts_from_the_first_breach() -> None:
    """A step with `for` is entered once the breach has lasted; a moment above starts the clock anew."""
    steps = ONE_CALL.replace("clear: 130%, call", "clear: 130%, for: 30s, call")
    one = table(1_400.0, steps)
    assert kinds(one.move(97.5)) == []
    assert ladder.next_due_ns(one.state, one.terms) == one.now_ns + 30 * SECOND_NS
    assert kinds(one.move(98.5, 29 * SECOND_NS)) == []
    assert kinds(one.move(97.5, SECOND_NS)) == []
    assert kinds(one.wait(29 * SECOND_NS)) == []
    assert kinds(one.wait(SECOND_NS)) == ["step_entered call", "call_issued call", "restricted call"]


def test_what_cannot_be_traded_brings_no_circle() -> None:
    """Short of its ratio by less than can be traded a liquidation ends without a round, and nobody is called again."""
    steps = """\
      - {step: call, below: 120%, call: {restore: initial_margin}, deadline: 4h}
      - {step: partial, below: 100%, or_after: call unmet, liquidate: {target: 120%}}
"""
    one = table(1_200.0 - 5e-8, steps, Lot("BTC", 0.5, 20_000.0, 0.1, 1.0, entry=20_000.0))
    assert kinds(one.settle()) == ["step_entered call", "call_issued call"]
    assert kinds(one.wait(4 * HOUR_NS)) == ["call_unmet call", "step_entered partial"]
    assert one.state.liquidation is None
    assert kinds(one.wait(100 * DAY_NS)) == []
    assert ladder.next_due_ns(one.state, one.terms) is None


def test_no_call_above_the_exit_while_a_round_is_out() -> None:
    """A step that only waits for the report of a round calls nobody once the pool is past its exit."""
    steps = """\
      - step: both
        below: 120%
        call: {restore: initial_margin}
        deadline: 4h
        liquidate: {fraction: 10%}
      - {step: close, below: 50%, or_after: both unmet, liquidate: all}
"""
    one = table(1_400.0, steps)
    one.move(97.5)
    assert "call_met both" in kinds(one.deposit("800"))
    assert kinds(one.move(95.0)) == []  # 178 %: initial margin is not there, the exit is
    assert one.state.severity == 0
    assert kinds(one.execute()) == ["liquidation_executed both", "step_cleared both"]


def test_a_target_without_equity_closes_everything() -> None:
    """Without equity no ratio can be reached by closing a part: positions that require nothing are closed as well."""
    steps = ONE_CALL.replace("liquidate: all", "liquidate: {target: 120%, first: largest_margin}")
    one = table(-100.0, steps, Lot("BTC", 1.0, 100.0, 0.1), Lot("FREE", 2.0, 100.0, 0.0))
    one.settle()
    assert one.ordered[0][1] == [("BTC", -1.0), ("FREE", -2.0)]


def test_dust_is_closed() -> None:
    """Fractions of fractions end: without equity and without a full liquidation, rounds go on until a cent is left."""
    steps = ONE_CALL.replace("liquidate: all", "liquidate: {fraction: 50%, every: 1m}")
    one = table(-5_000.0, steps)
    one.settle()
    rounds = 0
    while one.ordered:
        one.execute()
        rounds += 1
        one.wait(MINUTE_NS)
    assert one.world.measure.is_flat
    assert rounds == 20  # 10 000 halved until less than a cent would be left
    assert [call.kind for call in one.state.calls] == ["after_liquidation"]  # of the debt
