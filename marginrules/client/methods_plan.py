# SPDX-License-Identifier: Apache-2.0
"""Calls that plan a change of the active rulebook, and carry a plan out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from marginrules._pb import plan_pb2
from marginrules.authoring.plan import Plan, StalePlanError, read_plan
from marginrules.client import codec
from marginrules.client.records import Activation
from marginrules.client.rpc import Call, stream, unary
from marginrules.errors import RulebookError


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """Say how far a plan is: how much is done of what there is to do of one thing."""

    what: str
    done: int
    total: int


class PlanMethods:
    """List the methods of both clients that are about plans."""

    @stream
    def plan_rulebook(self, text: bytes, file: str = "", with_impact: bool = False) -> Call[PlanProgress | Plan]:
        """Compare a text with the active rulebook; what comes last is the plan. RulebookError where it is not sound."""
        return Call(plan_pb2.PlanRulebookRequest(file=file, text=text, with_impact=with_impact), _part)

    @unary
    def apply_plan(self, content: bytes, who: str, why: str, *, request_id: str = "") -> Call[Activation]:
        """
        Activate the rulebook of a plan, given as its file.

        Raises:
            StalePlanError: another rulebook is active than the one that it was made against; with the difference.
        """
        request = plan_pb2.ApplyPlanRequest(
            request_id=request_id or str(uuid.uuid4()), content=content, who=who, why=why
        )
        return Call(request, _applied)


def _part(reply: plan_pb2.PlanRulebookResponse) -> PlanProgress | Plan:
    if reply.HasField("problems"):
        raise RulebookError(tuple(codec.decode_diagnostic(one) for one in reply.problems.diagnostics))
    if reply.HasField("plan"):
        return read_plan(reply.plan.content)
    return PlanProgress(reply.progress.what, reply.progress.done, reply.progress.total)


def _applied(reply: plan_pb2.ApplyPlanResponse) -> Activation:
    if reply.HasField("stale"):
        raise StalePlanError(reply.stale.message, reply.stale.hint, tuple(reply.stale.changes))
    return Activation(reply.revision, reply.digest)
