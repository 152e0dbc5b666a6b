# SPDX-License-Identifier: Apache-2.0
"""Which pools of the whole book are most exposed, as it stands or under a stress; page by page."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from marginrules._core.core import Assessment, Scratch, rank
from marginrules.errors import InputError, OverloadError
from marginrules.limits import RETRY_AFTER_MS
from marginrules.service.shard import Shard
from marginrules.service.stress import Stress, apply_stress, check_stresses
from marginrules.service.views import PoolView, view_of

_TRIES = 8


class Exposure(enum.IntEnum):
    """Say by what pools are put in order, the least first; the core has the same numbers."""

    MARGIN_RATIO = 0  # equity / MM
    LOSS_ABSORBING = 1  # (equity - MM) / gross notional: the move that everything may make against the pool
    SHORTFALL = 2  # equity - MM


@dataclass(frozen=True, slots=True)
class VulnerablePool:
    """
    Carry one pool of the list, as it stands and after the stress.

    Args:
        gross_notional: of all positions after the stress, none netted.
        loss_absorbing: (equity - MM) / gross notional after the stress; None without positions, or where the pool
            cannot be assessed.
    """

    account_id: str
    account_class: str
    pool: str
    before: PoolView
    after: PoolView
    gross_notional: float
    loss_absorbing: float | None


@dataclass(frozen=True, slots=True)
class VulnerablePage:
    """
    Carry one page of the list.

    Args:
        count, unassessed, breached: of the whole book: pools, those that cannot be assessed after the stress, which
            come first, and those whose equity is below MM then.
        next_token: of the next page; "" where this is the last.
    """

    pools: tuple[VulnerablePool, ...]
    count: int
    unassessed: int
    breached: int
    next_token: str


def list_vulnerable(
    shard: Shard, now_ns: int, stress: Stress | None, by: Exposure, size: int, token: str = ""
) -> VulnerablePage:
    """
    Return one page of all pools, the most exposed first.

    The token names the last pool of the page before with what it was ordered by: pools that change between two pages
    may be seen twice or not at all, none else is.

    Raises:
        InputError: the stress or the token is not well-formed.
        OverloadError: instruments kept coming in while the book was assessed.
    """
    after_key, after_pool = _read_token(token)
    given = check_stresses(shard.book, [stress] if stress else [])
    engine = shard.book.engine
    for _ in range(_TRIES):
        market = Scratch(engine, None)
        for one in given:
            apply_stress(market, shard.book, one)
        found = rank(engine, market, by, now_ns, after_key, after_pool, size)
        if found is not None:
            break
    else:
        raise OverloadError("MR-O101", "instruments came in while the book was assessed", RETRY_AFTER_MS)
    rows, count, unassessed, breached, goes_on = found
    return VulnerablePage(
        pools=tuple(_pool(shard, now_ns, pool, assessment, notional) for _, pool, assessment, notional in rows),
        count=count,
        unassessed=unassessed,
        breached=breached,
        next_token=f"{rows[-1][0].hex()}/{rows[-1][1]}" if goes_on else "",
    )


def _pool(shard: Shard, now_ns: int, pool: int, assessment: Assessment, notional: float) -> VulnerablePool:
    book = shard.book
    account = book.engine.pool_state(pool)[0]
    after = view_of(shard, pool, assessment)
    absorbing = (after.equity - after.maintenance_margin) / notional if after.valid and notional > 0.0 else None
    return VulnerablePool(
        account_id=book.account_names[account],
        account_class=book.class_names[book.engine.account_state(account)[0]],
        pool=book.pool_name(pool),
        before=view_of(shard, pool, book.engine.assess(pool, now_ns)),
        after=after,
        gross_notional=notional if math.isfinite(notional) else 0.0,
        loss_absorbing=absorbing,
    )


def _read_token(token: str) -> tuple[float, int]:
    if not token:
        return -math.inf, -1
    key, _, pool = token.partition("/")
    try:
        found = float.fromhex(key), int(pool)
    except (ValueError, OverflowError):
        found = math.nan, -1
    if math.isnan(found[0]) or not 0 <= found[1] < 1 << 31:
        raise InputError("MR-I110", f"page_token was {token[:40]!r}", "give the token of the page before")
    return found
