# SPDX-License-Identifier: Apache-2.0
"""
One check of which the rulebook in shadow says something else: what both say, put together and counted.

Runs in whatever thread decides the order, while the one writer may end the shadow or activate another rulebook: what
does not belong to the shadow and the revision that are being compared is let go.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from marginrules._core.core import Assessment
from marginrules.codes import INVALID_MASK, Reason
from marginrules.model import CROSS, Order, OrderDecision
from marginrules.service.shadow import Difference, Shadow, Verdict, kind_of

if TYPE_CHECKING:
    from marginrules.service.shard import Shard

_Other = tuple[bool, int, Assessment, Assessment]
_INVALID = int(INVALID_MASK)
_reason = functools.cache(Reason)
_NO_SUCH_POOL = Verdict(False, Reason.UNKNOWN_POOL, 0.0, 0.0, "")


class Check(NamedTuple):
    """Carry what was asked."""

    account: str
    account_id: int
    pool: str
    order: Order
    now_ns: int


def compare(shard: Shard, check: Check, decision: OrderDecision, revision: int, other: _Other | None) -> None:
    """
    Count a check that may differ.

    Args:
        decision: by the active rulebook, of the given revision.
        other: what the core says by the shadow's; None where it says the same.
    """
    shadow = shard.shadow
    if shadow is None or shadow.tally.revision != revision:
        return
    is_named = check.pool != CROSS and (check.account_id, check.pool) in shard.book.named_pools
    if is_named and not shard.book.shadow_may_hold(check.pool, check.order.symbol):
        _add(shard, shadow, check, decision, _NO_SUCH_POOL)
    elif other is not None and other[2].revision == shadow.number:
        _add(shard, shadow, check, decision, _verdict(shard, shadow, check, other))


def compare_pool(shard: Shard, check: Check, decision: OrderDecision) -> None:
    """Count a check that was refused because the active rulebook has the instrument in no such pool."""
    shadow, book = shard.shadow, shard.book
    pool = book.named_pools.get((check.account_id, check.pool))
    if shadow is None or pool is None or not book.shadow_may_hold(check.pool, check.order.symbol):
        return
    order, instrument = check.order, book.instrument_ids[check.order.symbol]
    other = book.engine.check_shadow_order(
        pool, instrument, order.quantity, order.price, order.leverage, order.reduce_only, check.now_ns
    )
    if other is not None and other[2].revision == shadow.number:
        _add(shard, shadow, check, decision, _verdict(shard, shadow, check, other))


def _add(shard: Shard, shadow: Shadow, check: Check, decision: OrderDecision, would: Verdict) -> None:
    active = Verdict(
        decision.accepted, decision.reasons, decision.equity_after, decision.initial_margin_after, decision.rule
    )
    number = shard.book.products[shard.book.instrument_ids[check.order.symbol]]
    products = shard.revisions[shadow.tally.revision - 1].program.products
    product = products[number].name if 0 <= number < len(products) else ""
    kind = kind_of(active.accepted, would.accepted)
    shadow.tally.add(Difference(check.now_ns, kind, check.account, check.pool, product, check.order, active, would))


def _verdict(shard: Shard, shadow: Shadow, check: Check, other: _Other) -> Verdict:
    accepted, flags, _, after = other
    if flags & _INVALID:
        return Verdict(False, _reason(flags), 0.0, 0.0, "")
    return Verdict(accepted, _reason(flags), after.equity, after.initial_margin, _rule(shard, shadow, check))


def _rule(shard: Shard, shadow: Shadow, check: Check) -> str:
    """Name the line of the rates that the shadow's rulebook margins an account's order by."""
    program, symbol = shadow.program, check.order.symbol
    rules = shadow.rules.get(symbol)
    if rules is None:
        product = program.product_of(shard.book.instruments[symbol])
        rules = tuple(row[product] if product >= 0 else program.name for row in program.margin_rules)
        rules = shadow.rules[symbol] = rules if len(set(rules)) > 1 else rules[:1]
    if len(rules) == 1:
        return rules[0]
    engine = shard.book.engine
    account_class = shard.book.class_names[engine.account_state(check.account_id)[0]]
    profile = program.profile_of(account_class, check.account)
    return rules[profile] if profile >= 0 else program.name
