# SPDX-License-Identifier: Apache-2.0
"""
Why a pool is where it is on its ladder, and why an order was answered as it was.

What was measured comes from `explain_margin`; here is what the rulebook made of it: for every step whether it was
entered, by which line of which file and for which reason, or else why not and how far it is; what comes next by ratio
and by time; and what would clear the step that decided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from marginrules.codes import Reason
from marginrules.escalation.state import ActiveStep, Call, LadderState, Measure
from marginrules.model import Order, OrderDecision
from marginrules.rulebook import Program
from marginrules.service.decide import decide
from marginrules.service.explain import MarginExplanation, explain_margin
from marginrules.service.shard import Shard
from marginrules.service.ways_out import RATIO, WaysOut, find_ways_out
from marginrules.terms import Ladder, Step

_RESTRICTED = Reason.POOL_BLOCKED | Reason.POOL_REDUCE_ONLY


@dataclass(frozen=True, slots=True)
class Rule:
    """Name the line that decides, in the file as it was activated, and the reason that stands there; "" for none."""

    rule: str  # `rulebook:line ladder/step`, or `rulebook:line product`
    file: str
    line: int
    because: str


@dataclass(frozen=True, slots=True)
class StepReason:
    """
    Carry one step of the ladder a pool follows, and why the pool is in it or not.

    Args:
        status: "entered", "waiting" (below its threshold for less than `for`) or "not_entered".
        entered_by: "threshold" or "unmet call"; "" where it is not entered.
        since_ns: since when entered or waiting; 0 where neither.
        below, clear: margin ratios of entry and exit; None where the step has no threshold, or only a pool that needs
            no margin leaves it.
        to_entry: how far equity is above the entry, below 0 where it is breached; None without a threshold.
        to_exit: equity missing to the exit, 0 where nothing is; None where there is no exit by ratio.
        enters_ns: when time alone enters it, unless something changes; 0: time alone does not.
        waits_for: the open call whose deadline that is; "" where it is the end of `for`.
    """

    step: str
    rule: Rule
    status: str
    entered_by: str
    since_ns: int
    below: float | None
    clear: float | None
    for_ns: int
    to_entry: float | None
    to_exit: float | None
    enters_ns: int
    waits_for: str


@dataclass(frozen=True, slots=True)
class OrderReason:
    """Carry an order, what was answered, and the rule behind the answer."""

    order: Order
    decision: OrderDecision
    rule: Rule
    missing: float  # equity that would have to be added for the order to pass; 0 where none, or where none would help


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """
    Carry everything behind a decision.

    Args:
        rulebook, digest, revision, file: what measures the margin now.
        is_pinned: the ladder is that of an earlier rulebook, because something begun under it is still open.
        ladder: name of the ladder that the pool follows; `ladder_rulebook` and `ladder_digest` are its rulebook's.
        steps: of that ladder, mildest first; none where the pool cannot be assessed and nothing is under way.
        calls: open calls, oldest first.
        decided_by: the most severe step entered; "" where none is.
        next_by_ratio, next_by_time: the next steps to be entered; "" where there is none.
        ways_out: what brings equity up to the exit of `decided_by`; None where there is no such exit.
    """

    account: str
    pool: str
    time_ns: int
    rulebook: str
    digest: str
    revision: int
    file: str
    margin: MarginExplanation
    is_pinned: bool
    ladder: str
    ladder_rulebook: str
    ladder_digest: str
    steps: tuple[StepReason, ...]
    calls: tuple[Call, ...]
    decided_by: str
    next_by_ratio: str
    next_by_time: str
    ways_out: WaysOut | None
    order: OrderReason | None


def explain_decision(
    shard: Shard, account: str, pool: str, now_ns: int, order: Order | None = None
) -> DecisionExplanation:
    """
    Explain where a pool stands and, where one is given, why an order is answered as it is.

    Raises:
        InputError: the account or the pool is unknown, or no rulebook is active.
    """
    number, program = shard.book.pool_id(account, pool), shard.program
    margin = explain_margin(shard, number, now_ns)
    assessment = shard.book.engine.assess(number, now_ns)
    state = shard.states.get(number) or LadderState(shard.book.pool_label(number))
    followed = shard.programs[state.digest] if state.digest else program
    ladder = followed.ladders[state.ladder if state.digest else assessment.ladder]
    measure = Measure(assessment.is_valid, assessment.equity, assessment.initial_margin, assessment.maintenance_margin)
    steps = tuple(_Reasons(shard, followed, ladder, state, measure).each())
    entered = [one for one in steps if one.status == "entered"]
    waiting = [one for one in steps if one.enters_ns]
    by_ratio = [one for one in steps if one.status == "not_entered" and one.to_entry is not None and one.to_entry >= 0]
    active = shard.active
    return DecisionExplanation(
        account=account,
        pool=pool,
        time_ns=now_ns,
        rulebook=program.name,
        digest=program.digest,
        revision=active.number if active else 0,
        file=active.file if active else "",
        margin=margin,
        is_pinned=followed.digest != program.digest,
        ladder=ladder.name,
        ladder_rulebook=followed.name,
        ladder_digest=followed.digest,
        steps=steps,
        calls=state.calls,
        decided_by=entered[-1].step if entered else "",
        next_by_ratio=by_ratio[0].step if by_ratio and margin.view.valid else "",
        next_by_time=min(waiting, key=lambda one: one.enters_ns).step if waiting else "",
        ways_out=_ways_out(shard, number, now_ns, entered),
        order=None if order is None else _order_reason(shard, account, pool, order, now_ns),
    )


def _ways_out(shard: Shard, pool: int, now_ns: int, entered: list[StepReason]) -> WaysOut | None:
    """Return what reaches the exit of the most severe step entered."""
    leave = entered[-1].clear if entered else None
    if leave is None or leave <= 0.0:
        return None
    return find_ways_out(shard, pool, now_ns, RATIO, leave)


class _Reasons:
    """Say of each step of one ladder why a pool is in it or not."""

    def __init__(self, shard: Shard, program: Program, ladder: Ladder, state: LadderState, measure: Measure) -> None:
        self._ladder, self._state, self._measure = ladder, state, measure
        self._file = _file_of(shard, program)
        self._prefix = f"{program.name}:{{}} {ladder.name}/"

    def each(self) -> list[StepReason]:
        """Return the reasons of every step, mildest first."""
        return [self._reason(index, step) for index, step in enumerate(self._ladder.steps)]

    def _reason(self, index: int, step: Step) -> StepReason:
        active = next((one for one in self._state.active if one.step == index), None)
        waits_since = dict(self._state.pending).get(index, 0)
        leave = _exit(step, active)
        enters_ns, waits_for = (0, "") if active else self._by_time(step, waits_since)
        status = "entered" if active else "waiting" if waits_since else "not_entered"
        is_valid, equity, maintenance = (
            self._measure.is_valid,
            self._measure.equity,
            self._measure.maintenance_margin,
        )
        to_exit = None if leave is None or not is_valid else max(leave * maintenance - equity, 0.0)
        to_entry = None if step.below is None or not is_valid else equity - step.below * maintenance
        return StepReason(
            step=step.name,
            rule=Rule(self._prefix.format(step.line) + step.name, self._file, step.line, step.because),
            status=status,
            entered_by="" if active is None else "unmet call" if active.by_unmet else "threshold",
            since_ns=active.since_ns if active else waits_since,
            below=step.below,
            clear=leave,
            for_ns=step.for_ns,
            to_entry=to_entry,
            to_exit=to_exit,
            enters_ns=enters_ns,
            waits_for=waits_for,
        )

    def _by_time(self, step: Step, waits_since: int) -> tuple[int, str]:
        """Return when time alone enters a step, and the call whose deadline that is."""
        due = [(call.falls_due_ns, call.call_id) for call in self._state.calls if call.step in step.after]
        if waits_since:
            due.append((waits_since + step.for_ns, ""))
        return min(due, default=(0, ""))


def _exit(step: Step, active: ActiveStep | None) -> float | None:
    leave = step.clear_after if active is not None and active.by_unmet else step.clear
    return None if math.isinf(leave) else leave


def _file_of(shard: Shard, program: Program) -> str:
    known = (one.file for one in reversed(shard.revisions) if one.program.digest == program.digest)
    return next(known, program.name)


def _order_reason(shard: Shard, account: str, pool: str, order: Order, now_ns: int) -> OrderReason:
    decision = decide(shard, account, pool, order, now_ns)
    lacks = Reason.INSUFFICIENT_MARGIN in decision.reasons
    missing = max(decision.initial_margin_after - decision.equity_before, 0.0) if lacks else 0.0
    return OrderReason(order, decision, _rule_of(shard, shard.book.pool_id(account, pool), decision), missing)


def _rule_of(shard: Shard, pool: int, decision: OrderDecision) -> Rule:
    """Return the rule that a decision names, with its file and its reason."""
    head = decision.rule.partition(" ")[0]
    _, _, line = head.rpartition(":")
    state = shard.states.get(pool)
    # A restriction may come from the rulebook that an open call keeps.
    program = shard.programs.get(state.digest if state and decision.reasons & _RESTRICTED else decision.digest)
    if program is None or not line.isdigit():
        return Rule(decision.rule, "", 0, "")
    number = int(line)
    steps = (step.because for ladder in program.ladders for step in ladder.steps if step.line == number)
    because = program.margin_reasons.get(number) or next(filter(None, steps), "")
    return Rule(decision.rule, _file_of(shard, program), number, because)
