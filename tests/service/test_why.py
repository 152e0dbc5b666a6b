# SPDX-License-Identifier: Apache-2.0
"""Explanations: every step says why it was entered or why not, and what it says is what the ladder then does."""

from __future__ import annotations

from typing import Any

import pytest

from marginrules.authoring.cases.model import Case
from marginrules.authoring.cases.world import World
from marginrules.codes import Reason
from marginrules.service import border
from marginrules.service.why import DecisionExplanation, StepReason, explain_decision
from marginrules.service.words import REASONS, in_words
from marginrules.units import SECOND_NS
from tests.service.examples import CASES, begun, called, crypto, played


def explained(world: World, **order: Any) -> DecisionExplanation:
    """Explain how a worked example stands, with an order if one is given."""
    asked = border.order({"client_order_id": "asked", **order}) if order else None
    return explain_decision(world.shard, "example", "", world.now_ns, asked)


def step_of(found: DecisionExplanation, name: str) -> StepReason:
    """Return the reason of one step."""
    return next(one for one in found.steps if one.step == name)


@pytest.mark.parametrize(("book", "case"), CASES[::2], ids=lambda one: one if isinstance(one, str) else one.name)
def test_what_is_said_agrees_with_the_ladder(book: str, case: Case) -> None:
    """At every step of the worked examples, entries, exits and distances agree with the state and the measure."""
    for world, step in played(book, case):
        found = explain_decision(world.shard, step.account, step.pool, world.now_ns)
        state = world.shard.states.get(world.pool_of(step))
        active = {one.step for one in state.active} if state else set()
        view = found.margin.view
        for number, one in enumerate(found.steps):
            assert (one.status == "entered") == (number in active)
            assert one.rule.line > 0
            if view.valid and one.below is not None and one.to_entry is not None and one.status == "not_entered":
                assert one.to_entry >= -1e-6  # what is breached is entered or waits
            if one.waits_for:
                call = next(call for call in found.calls if call.call_id == one.waits_for)
                assert call.falls_due_ns == one.enters_ns
        assert found.decided_by == (found.steps[max(active)].step if active else "")
        assert in_words(found)
        if found.ways_out is not None and found.ways_out.missing > 0.0:
            assert any(way.amount for way in found.ways_out.deposits)


def test_why_and_why_not() -> None:
    """The step entered names its line and its threshold; the next ones say what is between."""
    world = called()
    found = explained(world)
    words = "\n".join(in_words(found))
    assert found.decided_by == "initial_call"
    call = step_of(found, "initial_call")
    assert (call.entered_by, call.below, call.clear) == ("threshold", 1.2, 1.25)
    second = step_of(found, "second_call")
    assert second.waits_for == "example#1"
    assert found.next_by_time == "second_call"
    assert found.next_by_ratio == "partial_liquidation"
    for part in (
        "margin ratio 115.99% = equity 2 450.00 / maintenance margin 2 112.25",
        "initial_call: entered at 2026-03-02T10:00:40Z, because the ratio was below 120.00% for 30s",
        f"crypto-derivatives/rulebook.yaml:{call.rule.line}",
        "second_call: not entered; it is entered if call example#1 is not met by 2026-03-02T14:00:40Z (in 4h)",
        "partial_liquidation: not entered; the ratio is not below 105.00%: equity may fall by 232.14 before",
        "to clear initial_call at 125.00%: deposit 190.32 USDT or sell 0.632 BTC-PERP",
    ):
        assert part in words


def test_what_clears_does_clear() -> None:
    """The deposit that is named as a way out clears the step; a cent less does not."""
    for less, expected in ((0.0, "warning"), (0.02, "initial_call")):
        world = called()
        found = explained(world)
        assert found.ways_out is not None
        amount = next(way.amount for way in found.ways_out.deposits if way.asset == "USDT")
        assert amount is not None
        data = {"account": "example", "asset": "USDT", "amount": float(amount) - less, "who": "a", "why": "b"}
        world.shard.apply("deposit", data, world.now_ns)
        assert explained(world).decided_by == expected


def test_time_enters_when_it_is_said_to() -> None:
    """The moment at which time alone enters a step is the moment at which it is entered."""
    world = called()
    second = step_of(explained(world), "second_call")
    world.shard.apply("tick", {}, second.enters_ns - SECOND_NS)
    assert explained(world).decided_by == "initial_call"
    world.now_ns = second.enters_ns
    world.shard.apply("tick", {}, second.enters_ns)
    assert explain_decision(world.shard, "example", "", second.enters_ns).decided_by == "second_call"


def test_an_order_names_its_rule_and_what_is_missing() -> None:
    """A refused order says by which line; with the equity that is missing it passes."""
    world = begun("crypto-derivatives", crypto())
    found = explained(world, symbol="BTC-PERP", quantity=100.0, leverage=50.0)
    assert found.order is not None
    assert found.order.decision.reasons == Reason.INSUFFICIENT_MARGIN
    assert found.order.rule.line > 0
    missing = found.order.missing
    data = {"account": "example", "asset": "USDT", "amount": missing + 0.01, "who": "a", "why": "b"}
    world.shard.apply("deposit", data, world.now_ns)
    again = explained(world, symbol="BTC-PERP", quantity=100.0, leverage=50.0)
    assert again.order is not None
    assert again.order.decision.accepted
    words = "\n".join(in_words(found))
    assert "refused: equity would not cover initial margin" in words
    assert "it would pass with" in words


def test_the_reason_of_an_override_is_told() -> None:
    """Margins and steps that an override decides carry its because."""
    retail = begun("crypto-derivatives", crypto(account_class="retail"))
    found = explained(retail, symbol="BTC-PERP", quantity=100.0, leverage=50.0)
    assert found.order is not None
    assert found.order.rule.because == "retail accounts trade at most at fifty times"
    assert 'because "retail accounts trade at most at fifty times"' in "\n".join(in_words(found))
    maker = explained(begun("crypto-derivatives", crypto(account_class="market_maker")))
    assert step_of(maker, "initial_call").rule.because.startswith("market makers post two-sided quotes")


def test_what_cannot_be_assessed_is_not_explained_away() -> None:
    """A stale price leaves no figure, and says so."""
    world = called()
    world.now_ns += 60 * SECOND_NS
    found = explained(world)
    assert not found.margin.view.valid
    words = "\n".join(in_words(found))
    assert "cannot be assessed: a price is too old" in words
    assert "cannot be said" in words
    assert step_of(found, "partial_liquidation").to_entry is None


def test_every_reason_has_words() -> None:
    """No reason code is told without words."""
    assert set(REASONS) == set(Reason)
