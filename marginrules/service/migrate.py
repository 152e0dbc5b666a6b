# SPDX-License-Identifier: Apache-2.0
"""Open calls that are moved to the active revision: what that would change in each pool, and doing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marginrules.codes import CallStatus, EventKind, Restriction
from marginrules.escalation import ladder, migration
from marginrules.escalation.state import Call, Event, LadderState
from marginrules.limits import BATCH_ITEMS_MAX
from marginrules.model import CROSS
from marginrules.service import acts, border, lifecycle

if TYPE_CHECKING:
    from marginrules.service.shard import Shard

Data = dict[str, Any]
_ENDED = {
    EventKind.CALL_MET: CallStatus.MET,
    EventKind.CALL_CURED: CallStatus.CURED,
    EventKind.CALL_UNMET: CallStatus.UNMET,
    EventKind.CALL_SUPERSEDED: CallStatus.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class CallMove:
    """Carry what becomes of one call: its status and deadline afterwards; one without `due_before_ns` is new."""

    call_id: str
    step: str
    amount: Decimal
    status: CallStatus
    due_before_ns: int
    due_after_ns: int


@dataclass(frozen=True, slots=True)
class PoolMove:
    """Carry what becomes of one pool; where something hinders it, it stays as it is."""

    pool: str
    digest_before: str
    digest_after: str
    hindrance: str
    steps_before: tuple[str, ...]
    steps_after: tuple[str, ...]
    restriction_before: Restriction
    restriction_after: Restriction
    calls: tuple[CallMove, ...]


def preview(shard: Shard, accounts: Iterable[str], now_ns: int) -> list[PoolMove]:
    """Return what `migrate` would change now in each pool that keeps an older revision; no accounts: all."""
    return [_preview(shard, pool, now_ns) for pool in _pinned(shard, accounts)]


def migrate(shard: Shard, data: Data, now_ns: int) -> lifecycle.Done:
    """Take {accounts, who, why, signed}: move their open calls to the active revision; no accounts: all."""
    names = [border.identifier("account", one) for one in border.bounded("accounts", data["accounts"], BATCH_ITEMS_MAX)]
    program = shard.program
    pools = _pinned(shard, names)
    actor = lifecycle.identify(shard.changes, data, acts.migrate(names, program.digest))
    lifecycle.take(shard.changes, actor)
    moved, left = [], []
    events: list[Event] = []
    for pool in pools:
        label, hindrance = shard.book.pool_label(pool), _hindrance(shard, pool)
        if hindrance:
            left.append([label, hindrance])
        else:
            events += shard.migrate_pool(pool, *_moved(shard, pool, now_ns), now_ns)
            moved.append(label)
    details = actor.words | {"moved": len(moved), "left": len(left)}
    told = Event(EventKind.CALLS_MIGRATED, now_ns, "", program.digest, "", data=details)
    return {"moved": moved, "left": left}, [told, *events]


def _pinned(shard: Shard, accounts: Iterable[str]) -> list[int]:
    """Return the pools, in order, that keep another revision than the active one."""
    states, digest = dict(shard.states), shard.program.digest
    cross = [shard.book.pool_id(name, CROSS) for name in accounts]
    numbers = [shard.book.engine.pool_state(pool)[0] for pool in cross]
    chosen = {pool for number in numbers for pool in shard.book.engine.pools_of(number)} if numbers else states.keys()
    return sorted(pool for pool in chosen if pool in states and states[pool].digest not in ("", digest))


def _hindrance(shard: Shard, pool: int) -> str:
    """Return why a pool has to stay as it is for now."""
    is_flat = not shard.book.holdings(pool)  # and so has no ladder of its own
    return migration.hindrance(shard.states[pool]) or ("it was closed out" if is_flat else "")


def _moved(shard: Shard, pool: int, now_ns: int) -> tuple[LadderState, tuple[Event, ...]]:
    state, program = shard.states[pool], shard.program
    number = shard.book.engine.assess(pool, now_ns).ladder
    old, new = shard.ladder_of(state), program.ladders[number]
    return migration.migrate(state, old, program.digest, number, new, now_ns)


def _preview(shard: Shard, pool: int, now_ns: int) -> PoolMove:
    before = shard.states[pool]
    hindrance, after = _hindrance(shard, pool), before
    happened: tuple[Event, ...] = ()
    if not hindrance:
        moved, first = _moved(shard, pool, now_ns)
        measure = shard.measure(pool, shard.book.engine.assess(pool, now_ns))
        after, then = ladder.advance(moved, shard.ladder_of(moved), measure, now_ns)
        happened = (*first, *then)
    old, new = shard.ladder_of(before), shard.ladder_of(after)
    ends = {one.call_id: _ENDED[one.kind] for one in happened if one.kind in _ENDED}
    return PoolMove(
        pool=shard.book.pool_label(pool),
        digest_before=before.digest,
        digest_after=after.digest,
        hindrance=hindrance,
        steps_before=tuple(old.steps[one.step].name for one in before.active),
        steps_after=tuple(new.steps[one.step].name for one in after.active),
        restriction_before=before.restriction,
        restriction_after=after.restriction,
        calls=tuple(_calls(before, after, ends)),
    )


def _calls(before: LadderState, after: LadderState, ends: dict[str, CallStatus]) -> Iterable[CallMove]:
    left, known = {one.call_id: one for one in after.calls}, {one.call_id for one in before.calls}
    for one in before.calls:
        now = left.get(one.call_id)
        status = CallStatus.OPEN if now else ends[one.call_id]
        yield _call(one, status, one.falls_due_ns, now.falls_due_ns if now else 0)
    for one in after.calls:
        if one.call_id not in known:
            yield _call(one, CallStatus.OPEN, 0, one.falls_due_ns)


def _call(one: Call, status: CallStatus, before_ns: int, after_ns: int) -> CallMove:
    return CallMove(one.call_id, one.step_name, one.outstanding, status, before_ns, after_ns)
