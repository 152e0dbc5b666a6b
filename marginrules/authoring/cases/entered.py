# SPDX-License-Identifier: Apache-2.0
"""Where a ladder stands as a case begins: steps entered before, their calls, a liquidation or a default under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from marginrules.authoring.cases.model import EnteredPart
from marginrules.codes import Restriction
from marginrules.errors import InputError
from marginrules.escalation.state import ActiveStep, Call, LadderState, Liquidation
from marginrules.rulebook.diagnostic import suggest
from marginrules.terms import Ladder


def state_of(parts: Sequence[EnteredPart], empty: LadderState, terms: Ladder, now_ns: int) -> LadderState:
    """
    Return the state that a case begins with.

    Args:
        empty: that of the pool, with nothing entered.
        terms: the ladder that it follows.

    Raises:
        InputError: the ladder has no step of a name that was given.
    """
    state = empty
    for one in parts:
        index = terms.index_of(one.step)
        if index < 0:
            message = f"ladder {terms.name} has no step '{one.step}'"
            raise InputError("MR-I102", message, suggest(one.step, [step.name for step in terms.steps]))
        state = _with(state, one, index, terms, now_ns)
    restriction = max((terms.steps[one.step].restrict for one in state.active), default=Restriction.NONE)
    return replace(state, restriction=restriction)


def _with(state: LadderState, one: EnteredPart, index: int, terms: Ladder, now_ns: int) -> LadderState:
    since_ns, step = now_ns - one.ago_ns, terms.steps[index]
    if one.is_waiting:
        return replace(state, pending=tuple(sorted([*state.pending, (index, since_ns)])))
    active = ActiveStep(
        index,
        since_ns,
        one.by_unmet,
        one.is_exhausted,
        is_declared=one.shortfall > 0.0,
        is_done=one.is_done,
        # A round that is out has begun the liquidation, whatever its time was.
        next_round_ns=one.next_round_ns or (now_ns if one.is_ordered or one.is_done else 0),
    )
    state = replace(state, active=tuple(sorted([*state.active, active], key=lambda each: each.step)))
    for asked in one.calls:
        state = _with_call(state, asked, index, terms, since_ns)
    if one.is_ordered or (one.next_round_ns and not one.is_done):
        name, number = (f"{state.pool}#L{state.number + 1}", state.number + 1) if one.is_ordered else ("", state.number)
        until = step.liquidate.until if step.liquidate else 0.0
        under_way = Liquidation(index, until, 1, awaiting=name, next_ns=active.next_round_ns)
        state = replace(state, liquidation=under_way, number=number)
    if one.shortfall > 0.0:
        layer = step.waterfall[0] if step.waterfall else ""
        state = replace(state, shortfall=Decimal(repr(one.shortfall)), layer=layer)
    return state


def _with_call(
    state: LadderState, asked: tuple[float, float, int], index: int, terms: Ladder, issued_ns: int
) -> LadderState:
    amount, paid, due_ns = asked
    call = Call(
        call_id=f"{state.pool}#{state.number + 1}",
        step=index,
        step_name=terms.steps[index].name,
        kind="first",
        digest=state.digest,
        line=terms.steps[index].line,
        amount=Decimal(repr(amount)),
        issued_ns=issued_ns,
        due_ns=due_ns,
        deposited=Decimal(repr(paid)),
    )
    return replace(state, calls=(*state.calls, call), number=state.number + 1)
