# SPDX-License-Identifier: Apache-2.0
"""Calls that ask why, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass

from marginrules._pb import explain_pb2
from marginrules.client import codec, codec_answers
from marginrules.client.answers import MarginExplanation, WaysOut
from marginrules.client.records import MarginCall
from marginrules.client.rpc import Call, unary
from marginrules.model import CROSS, Order, OrderDecision


@dataclass(frozen=True, slots=True)
class Rule:
    """Name the line that decides, in the file as it was activated, and the reason that stands there."""

    rule: str
    file: str
    line: int
    because: str


@dataclass(frozen=True, slots=True)
class StepReason:
    """Say why a pool is in a step or not; see `explain.proto` for each field."""

    step: str
    rule: Rule
    status: str  # "entered", "waiting" or "not_entered"
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
    """Carry an order, what was answered, the rule behind it, and the equity that is missing."""

    order: Order
    decision: OrderDecision
    rule: Rule
    missing: float


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """Carry everything behind a decision; `words` says it in plain words."""

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
    ladder_digest: str
    steps: tuple[StepReason, ...]
    calls: tuple[MarginCall, ...]
    decided_by: str
    next_by_ratio: str
    next_by_time: str
    ways_out: WaysOut | None
    order: OrderReason | None
    words: tuple[str, ...]


class ExplainMethods:
    """List the methods that ask why."""

    @unary
    def explain(
        self, account: str, pool: str = CROSS, order: Order | None = None, *, time_ns: int = 0
    ) -> Call[DecisionExplanation]:
        """Say why a pool is where it is and why an order is answered as it is; at a moment in the past if given."""
        request = explain_pb2.ExplainDecisionRequest(
            account_id=account,
            pool=pool,
            order=codec.encode_order(order) if order else None,
            time_ns=time_ns,
        )
        return Call(request, decode_decision)

    @unary
    def record_decision(self, account: str, pool: str = CROSS, order: Order | None = None) -> Call[str]:
        """Return a decision with everything it was made from, as one line of JSON."""
        request = explain_pb2.RecordDecisionRequest(
            account_id=account, pool=pool, order=codec.encode_order(order) if order else None
        )
        return Call(request, lambda reply: str(reply.record))


_STATUSES = {
    explain_pb2.STEP_STATUS_ENTERED: "entered",
    explain_pb2.STEP_STATUS_WAITING: "waiting",
    explain_pb2.STEP_STATUS_NOT_ENTERED: "not_entered",
}


def decode_decision(one: explain_pb2.ExplainDecisionResponse) -> DecisionExplanation:
    """Read an explanation."""
    return DecisionExplanation(
        account=one.account_id,
        pool=one.pool,
        time_ns=one.time_ns,
        rulebook=one.rulebook,
        digest=one.rulebook_digest,
        revision=one.revision,
        file=one.file,
        margin=codec_answers.decode_explanation(one.margin),
        is_pinned=one.pinned,
        ladder=one.ladder,
        ladder_digest=one.ladder_digest,
        steps=tuple(_step(step) for step in one.steps),
        calls=tuple(codec.decode_call(call) for call in one.calls),
        decided_by=one.decided_by,
        next_by_ratio=one.next_by_ratio,
        next_by_time=one.next_by_time,
        ways_out=codec_answers.decode_ways_out(one.ways_out) if one.HasField("ways_out") else None,
        order=_order(one.order) if one.HasField("order") else None,
        words=tuple(one.words),
    )


def _rule(one: explain_pb2.Rule) -> Rule:
    return Rule(one.rule, one.file, one.line, one.because)


def _step(one: explain_pb2.StepReason) -> StepReason:
    return StepReason(
        step=one.step,
        rule=_rule(one.rule),
        status=_STATUSES.get(one.status, ""),
        entered_by=one.entered_by,
        since_ns=one.since_ns,
        below=one.below if one.HasField("below") else None,
        clear=one.clear if one.HasField("clear") else None,
        for_ns=one.for_ns,
        to_entry=one.to_entry if one.HasField("to_entry") else None,
        to_exit=one.to_exit if one.HasField("to_exit") else None,
        enters_ns=one.enters_ns,
        waits_for=one.waits_for,
    )


def _order(one: explain_pb2.OrderReason) -> OrderReason:
    return OrderReason(codec.decode_order(one.order), codec.decode_decision(one.decision), _rule(one.rule), one.missing)
