# SPDX-License-Identifier: Apache-2.0
"""Changes of rulebooks to messages."""

from __future__ import annotations

from collections.abc import Iterable

from marginrules._pb import change_pb2
from marginrules.codes import ChangeState
from marginrules.server import codec
from marginrules.service.migrate import PoolMove
from marginrules.service.policy import Demand, Policy
from marginrules.service.standing import ChangeView, Standing

STATES = {state: f"CHANGE_STATE_{state.name}" for state in ChangeState}


def change(view: ChangeView) -> change_pb2.RulebookChange:
    """Write a change."""
    one = view.change
    return change_pb2.RulebookChange(
        change_id=one.change_id,
        state=STATES[view.state],
        file=one.file,
        name=one.program.name,
        digest=one.program.digest,
        text_digest=one.text_digest,
        base_digest=one.base,
        verdict=one.verdict,
        differences=one.differences,
        authors=[author.name for author in one.authors],
        why=one.why,
        proposed_ns=one.proposed_ns,
        approvals=[codec.approval(item) for item in one.approvals],
        needs=needs(view.missing),
        scheduled_ns=one.at_ns,
        scheduled_by=one.scheduled_by,
        revision=one.revision,
        failure=one.failure,
        broke_glass=one.is_glass,
    )


def needs(demands: Iterable[Demand | None]) -> list[change_pb2.ApprovalNeed]:
    """Write approvals that are asked for."""
    return [change_pb2.ApprovalNeed(group=one.group, count=one.count) for one in demands if one]


def status(one: Standing) -> change_pb2.GetStatusResponse:
    """Write how everything stands."""
    response = change_pb2.GetStatusResponse(
        active=codec.revision(one.active, True) if one.active else None,
        previous=codec.revision(one.previous, False) if one.previous else None,
        policy=_policy(one.policy) if one.policy else None,
        pending=[change(view) for view in one.pending],
        failed_activations=one.failures,
    )
    if one.glass:
        response.broken_glass.change_id = one.glass.change_id
        response.broken_glass.until_ns = one.glass.until_ns
        response.broken_glass.fallback_revision = one.glass.fallback
    return response


def _policy(one: Policy) -> change_pb2.PolicySummary:
    return change_pb2.PolicySummary(
        name=one.name,
        signed=one.is_signed,
        always=needs([one.always]),
        looser=needs([one.looser]),
        glass_group=one.glass_group,
        glass_ns=one.glass_ns,
    )


def pool_migration(one: PoolMove) -> change_pb2.PoolMigration:
    """Write what becomes of a pool."""
    account, pool = codec.split_label(one.pool)
    return change_pb2.PoolMigration(
        account_id=account,
        pool=pool,
        digest_before=one.digest_before,
        digest_after=one.digest_after,
        hindrance=one.hindrance,
        steps_before=one.steps_before,
        steps_after=one.steps_after,
        restriction_before=codec.RESTRICTIONS[one.restriction_before],
        restriction_after=codec.RESTRICTIONS[one.restriction_after],
        calls=[
            change_pb2.CallMigration(
                call_id=call.call_id,
                step=call.step,
                amount=str(call.amount),
                status=codec.CALL_STATUSES[call.status],
                due_before_ns=call.due_before_ns,
                due_after_ns=call.due_after_ns,
            )
            for call in one.calls
        ],
    )


def left_pool(label: str, why: str) -> change_pb2.LeftPool:
    """Write a pool that could not be moved."""
    account, pool = codec.split_label(label)
    return change_pb2.LeftPool(account_id=account, pool=pool, why=why)
