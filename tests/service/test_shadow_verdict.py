# SPDX-License-Identifier: Apache-2.0
"""What a rulebook says in shadow is, bit for bit, what it says where it is active."""

from __future__ import annotations

import random
from collections import Counter

from marginrules._core.core import Assessment, Batch
from marginrules.codes import Reason
from tests.service.shadow_world import Twins

SEEDS = 220
STEPS = 14


def bits(found: Assessment) -> tuple[str, ...]:
    """Return all that an assessment says, but for the revision, to be compared bit by bit."""
    amounts = (found.equity, found.initial_margin, found.maintenance_margin, found.collateral_value)
    return (*(one.hex() for one in (*amounts, found.unrealized_pnl)), str((found.level, found.ladder, found.flags)))


def check_pools(twins: Twins) -> None:
    """Demand equal assessments of every pool, one by one and all at once."""
    live, twin = twins.live.engine, twins.twin.engine
    batch = Batch(live.pool_count)
    assert live.assess_shadow_range(0, live.pool_count, twins.now_ns, batch)
    for pool in range(live.pool_count):
        found = live.assess_shadow(pool, twins.now_ns)
        assert found is not None
        assert found.revision == 7
        assert bits(found) == bits(twin.assess(pool, twins.now_ns)) == bits(batch[pool])


def check_order(twins: Twins, seen: Counter[str]) -> None:
    """Demand that an order gets the active rulebook's verdict, and the shadow's beside it only where it differs."""
    live, twin = twins.live, twins.twin
    order = twins.order("order", twins.source.choice(list(live.instruments)))
    pool = live.pool_id(twins.source.choice(list(live.accounts())), "")
    asked = (pool, live.instrument_ids[order.symbol], order.quantity, order.price, order.leverage, order.reduce_only)
    accepted, flags, before, after, largest, other = live.engine.compare_order(*asked, twins.now_ns)
    alone = live.engine.check_order(*asked, twins.now_ns)
    assert (accepted, flags, bits(before), bits(after), largest) == (
        *alone[:2],
        bits(alone[2]),
        bits(alone[3]),
        alone[4],
    )
    assert before.revision == alone[2].revision
    shadow = live.engine.check_shadow_order(*asked, twins.now_ns)
    assert shadow is not None
    would = twin.engine.check_order(*asked, twins.now_ns, False)
    assert (*shadow[:2], bits(shadow[2]), bits(shadow[3])) == (*would[:2], bits(would[2]), bits(would[3]))
    assert (other is None) == ((accepted, flags) == would[:2])
    if other is not None:
        assert (*other[:2], bits(other[2]), bits(other[3])) == (*would[:2], bits(would[2]), bits(would[3]))
        assert other[2].revision == 7
        seen["differs"] += 1
    seen[f"{accepted}->{would[0]}"] += 1
    for name in Reason(would[1]).names:
        seen[name] += 1


def test_a_shadow_says_what_it_would_say_if_it_were_active() -> None:
    """In any market, for any account: assessments and verdicts are the same, whenever the shadow began."""
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        twins = Twins(random.Random(seed))  # noqa: S311 - not a secret
        begins = twins.source.randrange(STEPS)
        for step in range(STEPS):
            if step == begins:
                twins.begin()
            elif step > begins and twins.source.random() < 0.05:
                twins.live.activate(twins.program())
            twins.step()
            if step >= begins:
                check_pools(twins)
                if twins.live.account_ids and twins.live.instruments:
                    for _ in range(3):
                        check_order(twins, seen)
    assert min(seen[f"{one}->{two}"] for one in (True, False) for two in (True, False)) > 20
    for name in ("MISSING_PRICE", "STALE_PRICE", "MISSING_DATA", "INSUFFICIENT_MARGIN", "RISK_NOT_RAISED"):
        assert seen[name] > 5, name
    for name in ("POOL_BLOCKED", "POOL_REDUCE_ONLY", "WOULD_NOT_REDUCE"):
        assert seen[name] > 5, name
