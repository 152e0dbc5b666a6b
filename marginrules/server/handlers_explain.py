# SPDX-License-Identifier: Apache-2.0
"""Why: decisions explained, and recorded with everything they were made from."""

from __future__ import annotations

import json

from marginrules._pb import explain_pb2
from marginrules.server import codec, codec_answers
from marginrules.server.method import Method
from marginrules.service import border
from marginrules.service.service import Service
from marginrules.service.why import DecisionExplanation, OrderReason, Rule, StepReason
from marginrules.service.words import in_words

_STATUSES: dict[str, explain_pb2.StepStatus] = {
    "entered": explain_pb2.STEP_STATUS_ENTERED,
    "waiting": explain_pb2.STEP_STATUS_WAITING,
    "not_entered": explain_pb2.STEP_STATUS_NOT_ENTERED,
}


class ExplainHandlers:
    """Serve `ExplainService`."""

    _service: Service

    def explain_decision(self, request: explain_pb2.ExplainDecisionRequest) -> explain_pb2.ExplainDecisionResponse:
        """Explain where a pool stands, and why an order is answered as it is."""
        order = codec.asked_order(request.order) if request.HasField("order") else None
        moment = border.time_ns("time_ns", request.time_ns)
        return explanation(self._service.explain(request.account_id, request.pool, order, moment))

    def record_decision(self, request: explain_pb2.RecordDecisionRequest) -> explain_pb2.RecordDecisionResponse:
        """Record a decision, or how a pool stands."""
        order = codec.asked_order(request.order) if request.HasField("order") else None
        found = self._service.record(request.account_id, request.pool, order)
        return explain_pb2.RecordDecisionResponse(record=json.dumps(found, allow_nan=False, ensure_ascii=False))


def explanation(one: DecisionExplanation) -> explain_pb2.ExplainDecisionResponse:
    """Write an explanation, with its words."""
    return explain_pb2.ExplainDecisionResponse(
        account_id=one.account,
        pool=one.pool,
        time_ns=one.time_ns,
        rulebook=one.rulebook,
        rulebook_digest=one.digest,
        revision=one.revision,
        file=one.file,
        margin=codec_answers.explanation(one.margin),
        pinned=one.is_pinned,
        ladder=one.ladder,
        ladder_digest=one.ladder_digest,
        steps=[_step(step) for step in one.steps],
        calls=[codec.margin_call(call, one.ladder_rulebook) for call in one.calls],
        decided_by=one.decided_by,
        next_by_ratio=one.next_by_ratio,
        next_by_time=one.next_by_time,
        ways_out=None if one.ways_out is None else codec_answers.ways_out(one.ways_out),
        order=None if one.order is None else _order_reason(one.order),
        words=in_words(one),
    )


def _rule(one: Rule) -> explain_pb2.Rule:
    return explain_pb2.Rule(rule=one.rule, file=one.file, line=one.line, because=one.because)


def _step(one: StepReason) -> explain_pb2.StepReason:
    return explain_pb2.StepReason(
        step=one.step,
        rule=_rule(one.rule),
        status=_STATUSES[one.status],
        entered_by=one.entered_by,
        since_ns=one.since_ns,
        below=one.below,
        clear=one.clear,
        for_ns=one.for_ns,
        to_entry=one.to_entry,
        to_exit=one.to_exit,
        enters_ns=one.enters_ns,
        waits_for=one.waits_for,
    )


def _order_reason(one: OrderReason) -> explain_pb2.OrderReason:
    made = explain_pb2.OrderReason(
        order=codec.order(one.order),
        rule=_rule(one.rule),
        missing=one.missing,
    )
    codec.write_decision(one.decision, made.decision)
    return made


METHODS: tuple[Method, ...] = (
    Method("ExplainService", "ExplainDecision", explain_pb2.ExplainDecisionRequest, "explain_decision", "read"),
    Method("ExplainService", "RecordDecision", explain_pb2.RecordDecisionRequest, "record_decision", "read"),
)
