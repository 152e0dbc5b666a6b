# SPDX-License-Identifier: Apache-2.0
"""Messages about changes of the rulebook to records."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from marginrules._pb import change_pb2
from marginrules.client import codec
from marginrules.client.changes import BrokenGlass, CallsMigration, PolicySummary, RulebookChange, RulebookStatus
from marginrules.codes import ChangeState
from marginrules.service.migrate import CallMove, PoolMove
from marginrules.service.policy import Demand

_STATES = {change_pb2.ChangeState.Value(f"CHANGE_STATE_{one.name}"): one for one in ChangeState}


def decode_change(one: change_pb2.RulebookChange) -> RulebookChange:
    """Read a change."""
    return RulebookChange(
        change_id=one.change_id,
        state=_STATES[one.state],
        file=one.file,
        name=one.name,
        digest=one.digest,
        text_digest=one.text_digest,
        base=one.base_digest,
        verdict=one.verdict,
        differences=tuple(one.differences),
        authors=tuple(one.authors),
        why=one.why,
        proposed_ns=one.proposed_ns,
        approvals=tuple(codec.decode_approval(item) for item in one.approvals),
        needs=_demands(one.needs),
        scheduled_ns=one.scheduled_ns,
        scheduled_by=one.scheduled_by,
        revision=one.revision,
        failure=one.failure,
        broke_glass=one.broke_glass,
    )


def _demands(found: Iterable[change_pb2.ApprovalNeed]) -> tuple[Demand, ...]:
    return tuple(Demand(one.group, one.count) for one in found)


def decode_status(reply: change_pb2.GetStatusResponse) -> RulebookStatus:
    """Read how everything stands."""
    policy, glass = reply.policy, reply.broken_glass
    return RulebookStatus(
        active=codec.decode_revision(reply.active) if reply.HasField("active") else None,
        previous=codec.decode_revision(reply.previous) if reply.HasField("previous") else None,
        policy=PolicySummary(
            policy.name,
            policy.signed,
            _demands(policy.always),
            _demands(policy.looser),
            policy.glass_group,
            policy.glass_ns,
        )
        if reply.HasField("policy")
        else None,
        broken_glass=BrokenGlass(glass.change_id, glass.until_ns, glass.fallback_revision)
        if reply.HasField("broken_glass")
        else None,
        pending=tuple(decode_change(one) for one in reply.pending),
        failed_activations=reply.failed_activations,
    )


def decode_migration(reply: change_pb2.MigrateCallsResponse) -> CallsMigration:
    """Read what became of open calls."""
    left = tuple((one.account_id, one.pool, one.why) for one in reply.left)
    return CallsMigration(tuple(_pool_move(one) for one in reply.pools), reply.moved, left)


def _pool_move(one: change_pb2.PoolMigration) -> PoolMove:
    return PoolMove(
        pool="|".join(filter(None, (one.account_id, one.pool))),
        digest_before=one.digest_before,
        digest_after=one.digest_after,
        hindrance=one.hindrance,
        steps_before=tuple(one.steps_before),
        steps_after=tuple(one.steps_after),
        restriction_before=codec.RESTRICTIONS[one.restriction_before],
        restriction_after=codec.RESTRICTIONS[one.restriction_after],
        calls=tuple(
            CallMove(
                call_id=call.call_id,
                step=call.step,
                amount=Decimal(call.amount),
                status=codec.STATUSES[call.status],
                due_before_ns=call.due_before_ns,
                due_after_ns=call.due_after_ns,
            )
            for call in one.calls
        ),
    )
