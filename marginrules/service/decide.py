# SPDX-License-Identifier: Apache-2.0
"""
One order, decided from memory: names to ids, the core's verdict, and the rulebook line behind it.

Nothing is changed and no lock is taken; any thread may ask while the one writer writes.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from marginrules.codes import INVALID_MASK, Reason
from marginrules.model import CROSS, Order, OrderDecision
from marginrules.service.comparing import Check, compare, compare_pool

if TYPE_CHECKING:
    from marginrules.service.shard import Shard

# Plain numbers and a cache: an enum is slow to make, and to combine.
_INVALID = int(INVALID_MASK)
_RESTRICTED = int(Reason.POOL_BLOCKED | Reason.POOL_REDUCE_ONLY)
_reason = functools.cache(Reason)


def decide(
    shard: Shard, account: str, pool: str, order: Order, now_ns: int, is_compared: bool = False
) -> OrderDecision:
    """
    Decide one order.

    Args:
        pool: `CROSS`, one that the rulebook names, or the symbol of an isolated pool.
        is_compared: ask the rulebook in shadow as well, and count it: for an order that is really placed.

    Returns:
        The decision; what is unknown is a refusal with its reason, not an error.
    """
    book = shard.book
    account_id = book.account_ids.get(account)
    if shard.active is None or account_id is None:
        return refused(Reason.NO_RULEBOOK if shard.active is None else Reason.UNKNOWN_ACCOUNT)
    instrument = book.instrument_ids.get(order.symbol, -1)
    if instrument < 0:
        return refused(Reason.UNKNOWN_INSTRUMENT)
    pool_id = _pool_for(shard, account_id, pool, order)
    is_in_steps = _is_in_steps(order.quantity, book.instruments[order.symbol].quantity_step)
    if pool_id < 0:
        decision = refused(Reason.UNKNOWN_POOL)
        if is_compared and is_in_steps and shard.shadow is not None:
            compare_pool(shard, Check(account, account_id, pool, order, now_ns), decision)
        return decision
    if not is_in_steps:
        return refused(Reason.INVALID_ORDER)
    asked = (pool_id, instrument, order.quantity, order.price, order.leverage, order.reduce_only, now_ns)
    other = None
    if is_compared:
        accepted, flags, before, after, largest, other = book.engine.compare_order(*asked)
    else:
        accepted, flags, before, after, largest = book.engine.check_order(*asked)
    # The book that decided, which may be older by now than the active one.
    revision = shard.revisions[before.revision - 1]
    if flags & _INVALID:
        decision = refused(_reason(flags))._replace(digest=revision.program.digest)
    else:
        rule = _restricting_rule(shard, pool_id) if flags & _RESTRICTED else ""
        decision = OrderDecision(
            accepted,
            _reason(flags),
            before.equity,
            before.initial_margin,
            before.maintenance_margin,
            after.equity,
            after.initial_margin,
            after.maintenance_margin,
            _tidy(largest),
            rule or _margin_rule(shard, before.revision, account, account_id, order.symbol),
            revision.program.digest,
        )
    # A pool with a name may be none for this instrument by the rulebook in shadow, whatever the margin.
    if other is not None or (is_compared and pool != CROSS and shard.shadow is not None):
        compare(shard, Check(account, account_id, pool, order, now_ns), decision, before.revision, other)
    return decision


def _pool_for(shard: Shard, account_id: int, pool: str, order: Order) -> int:
    """Return the pool that an order is for; -1 where there is none, or it is for something else."""
    if pool == CROSS:
        return shard.book.cross_pools[account_id]
    book = shard.book
    named = book.named_pools.get((account_id, pool))
    if named is not None:
        return named if book.may_hold(pool, order.symbol) else -1
    found = book.isolated_pools.get((account_id, book.instrument_ids.get(pool, -1)), -1)
    return found if pool == order.symbol else -1


def refused(reason: Reason) -> OrderDecision:
    """Return a refusal for a reason that leaves no figures to tell."""
    return OrderDecision(False, reason, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def decision_data(decision: OrderDecision) -> dict[str, Any]:
    """Return a decision as plain data."""
    return {**decision._asdict(), "reasons": int(decision.reasons)}


def decision_of(data: dict[str, Any]) -> OrderDecision:
    """Return the decision that plain data holds."""
    return OrderDecision(**{**data, "reasons": Reason(data["reasons"])})


def _restricting_rule(shard: Shard, pool: int) -> str:
    """Name the line of the step that restricts a pool; "" where none does any more."""
    state = shard.states.get(pool)
    if state is None:
        return ""
    program = shard.programs[state.digest]
    ladder = program.ladders[state.ladder]
    steps = [ladder.steps[one.step] for one in state.active if ladder.steps[one.step].restrict]
    step = max(steps, key=lambda one: one.restrict, default=None)
    return f"{program.name}:{step.line} {ladder.name}/{step.name}" if step else ""


def _margin_rule(shard: Shard, revision: int, account: str, account_id: int, symbol: str) -> str:
    """Name the line of the rates that an account's order in an instrument is margined by."""
    rules = shard.margin_rules.get((revision, symbol))
    if rules is None:
        rules = shard.margin_rules[revision, symbol] = _rules_by_profile(shard, revision, symbol)
    if len(rules) == 1:
        return rules[0]
    book, program = shard.book, shard.revisions[revision - 1].program
    class_id = book.engine.account_state(account_id)[0]
    profile = program.profile_of(book.class_names[class_id], account)
    return rules[profile] if profile >= 0 else program.name


def _rules_by_profile(shard: Shard, revision: int, symbol: str) -> tuple[str, ...]:
    """Name the line of the rates of an instrument for each profile; one alone where all have the same."""
    program = shard.revisions[revision - 1].program
    product = program.product_of(shard.book.instruments[symbol])
    rules = tuple(row[product] if product >= 0 else program.name for row in program.margin_rules)
    return rules if len(set(rules)) > 1 else rules[:1]


def _is_in_steps(quantity: float, step: float) -> bool:
    """Say whether a quantity is a multiple of the instrument's step, but for the noise of decimal fractions."""
    return step == 0.0 or abs(quantity / step - round(quantity / step)) <= 1e-9 * max(1.0, abs(quantity / step))


def _tidy(quantity: float) -> float:
    """Drop the noise behind the twelfth digit, downwards only: what is offered has to pass."""
    if quantity.is_integer() and quantity < 1e12:
        return quantity  # twelve digits at most, and printing it would take longer than deciding
    return min(float(f"{quantity:.12g}"), quantity)
