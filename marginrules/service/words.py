# SPDX-License-Identifier: Apache-2.0
"""
A decision in plain words, from its explanation: what was measured, which rule decided, why not the next one, how far
it is, and what would clear it. The same lines for the command line, the API and whoever reads a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from marginrules.codes import Reason, Restriction
from marginrules.model import CROSS
from marginrules.service.explain import MarginExplanation
from marginrules.service.ways_out import WaysOut
from marginrules.service.why import DecisionExplanation, OrderReason, Rule, StepReason
from marginrules.units import format_amount, format_duration, format_rate, format_time

_PARTS_SHOWN = 12
_RESTRICTED = {
    Restriction.REDUCE_ONLY: "may only reduce positions",
    Restriction.BLOCKED: "may not trade",
}
REASONS: dict[Reason, str] = {
    Reason.NO_RULEBOOK: "no rulebook is active",
    Reason.UNKNOWN_PRODUCT: "an instrument is no product of the rulebook",
    Reason.MISSING_PRICE: "a price is missing",
    Reason.STALE_PRICE: "a price is too old",
    Reason.EXPIRED_INSTRUMENT: "an instrument has expired",
    Reason.NOT_FINITE: "a figure is not a finite number",
    Reason.UNKNOWN_COLLATERAL: "an asset is no collateral of the rulebook",
    Reason.MISSING_LEVERAGE: "a position has no leverage setting, from which its margin comes",
    Reason.MISSING_DATA: "a margin model or a haircut reads what is not published",
    Reason.MATURED_COLLATERAL: "an asset is past its maturity",
    Reason.CLIENT_ORDER_ID_REUSED: "the client order id was used before",
    Reason.UNKNOWN_ACCOUNT: "the account is not known",
    Reason.UNKNOWN_POOL: "the account has no such pool, or the pool may not hold it",
    Reason.UNKNOWN_INSTRUMENT: "the instrument is not known",
    Reason.INVALID_ORDER: "the order is not one: its quantity is 0, not a number, or no multiple of its step",
    Reason.INSUFFICIENT_MARGIN: "equity would not cover initial margin",
    Reason.RISK_NOT_RAISED: "equity does not cover initial margin, but the order raises no risk",
    Reason.POOL_BLOCKED: "the pool is blocked",
    Reason.POOL_REDUCE_ONLY: "the pool may only reduce positions, and the order does more",
    Reason.WOULD_NOT_REDUCE: "it is reduce-only and would not reduce",
}


def in_words(one: DecisionExplanation) -> tuple[str, ...]:
    """Say a decision in lines of text; what belongs to a line follows it, indented by two spaces."""
    return (*_head(one), *_order(one.order), *_measured(one.margin), *_ladder(one), *_way_out(one))


def _head(one: DecisionExplanation) -> Iterator[str]:
    who = f"{one.account} pool {one.pool}" if one.pool != CROSS else one.account
    where = one.decided_by or "no step"
    yield f"{who} at {format_time(one.time_ns)}: {where}"
    yield f"  rulebook {one.rulebook}, revision {one.revision}, {one.file}, digest {one.digest[:12]}"
    if one.margin.view.restriction is not Restriction.NONE:
        yield f"  it {_RESTRICTED[one.margin.view.restriction]}"
    if one.is_pinned:
        yield f"  its ladder is still that of digest {one.ladder_digest[:12]}: what began under it is not over"


def _order(one: OrderReason | None) -> Iterator[str]:
    if one is None:
        return
    order, decision = one.order, one.decision
    side = "buy" if order.quantity > 0 else "sell"
    at = f"at {order.price:.12g}" if order.price else "at the mark"
    verdict = "accepted" if decision.accepted else "refused"
    yield f"order to {side} {abs(order.quantity):.12g} {order.symbol} {at}: {verdict}{_because_of(decision.reasons)}"
    if not _has_figures(one):
        return
    yield f"  decided by {_named(one.rule)}"
    yield (
        f"  initial margin {_amount(decision.initial_margin_before)} -> {_amount(decision.initial_margin_after)}"
        f" against equity {_amount(decision.equity_before)}"
    )
    if one.missing:
        yield f"  it would pass with {_amount(one.missing)} more equity"
    yield f"  the largest order of this kind that passes now: {decision.quantity_max:.12g}"


def _has_figures(one: OrderReason) -> bool:
    return bool(one.decision.rule) and one.decision.initial_margin_after != 0.0


def _because_of(reasons: Reason) -> str:
    found = [words for reason, words in REASONS.items() if reason in reasons]
    return f": {'; '.join(found)}" if found else ""


def _measured(one: MarginExplanation) -> Iterator[str]:
    view = one.view
    if not view.valid:
        yield f"cannot be assessed{_because_of(view.reasons)}"
        return
    ratio = "no requirement" if view.margin_ratio is None else format_rate(view.margin_ratio)
    yield (
        f"margin ratio {ratio} = equity {_amount(view.equity)} / maintenance margin"
        f" {_amount(view.maintenance_margin)}; initial margin {_amount(view.initial_margin)}"
    )
    yield f"  equity: collateral {_amount(view.collateral_value)}, unrealised profit {_amount(view.unrealized_pnl)}"
    ranked = sorted(one.positions, key=lambda row: -(row.maintenance_margin or 0.0))
    for row in ranked[:_PARTS_SHOWN]:
        asked = f"initial {_amount(row.initial_margin)}, maintenance {_amount(row.maintenance_margin)}"
        yield f"  {row.symbol} {row.quantity:+.12g}, value {_amount(row.value)}: {asked}  ({row.rule})"
    if len(ranked) > _PARTS_SHOWN:
        rest = sum(row.maintenance_margin or 0.0 for row in ranked[_PARTS_SHOWN:])
        yield f"  {len(ranked) - _PARTS_SHOWN} more positions: maintenance {_amount(rest)}"
    for group in one.groups:
        names = ", ".join(group.symbols[:4]) + (f" and {len(group.symbols) - 4} more" if len(group.symbols) > 4 else "")
        asked = f"initial {_amount(group.initial_margin)}, maintenance {_amount(group.maintenance_margin)}"
        yield f"  together {names}: {asked}  ({group.rule})"
    if one.pool_rule:
        yield f"  the pool's own formulas made of it what is said above  ({one.pool_rule})"


def _ladder(one: DecisionExplanation) -> Iterator[str]:
    if not one.steps:
        return
    yield f"ladder {one.ladder}:"
    for step in one.steps:
        yield f"  {_step(one, step)}"
        if step.status == "entered":
            yield f"    by {_named(step.rule)}"
    for call in one.calls:
        yield (
            f"  call {call.call_id} of {call.step_name}: {_amount(call.outstanding)} of {_amount(call.amount)} is"
            f" outstanding and falls due at {format_time(call.falls_due_ns)}{_in(one, call.falls_due_ns)}"
        )
    yield from _next(one)


def _step(one: DecisionExplanation, step: StepReason) -> str:
    if step.status == "entered":
        how = "a call went unmet"
        if step.entered_by == "threshold":
            how = f"the ratio was below {format_rate(step.below or 0.0)}"
            how += f" for {format_duration(step.for_ns)}" if step.for_ns else ""
        return f"{step.step}: entered at {format_time(step.since_ns)}, because {how}{_leaves(step)}"
    why = []
    if step.below is not None:
        why.append(_against_threshold(one, step))
    if step.waits_for:
        follows = f"call {step.waits_for} is not met by {format_time(step.enters_ns)}{_in(one, step.enters_ns)}"
        why.append(f"it is entered if {follows}")
    elif step.below is None:
        why.append("no call that it follows is open")
    return f"{step.step}: not entered; {'; '.join(why)}"


def _against_threshold(one: DecisionExplanation, step: StepReason) -> str:
    below = format_rate(step.below or 0.0)
    if step.status == "waiting":
        waited = format_duration(one.time_ns - step.since_ns)
        return (
            f"the ratio has been below {below} for {waited} of {format_duration(step.for_ns)}; it is entered at"
            f" {format_time(step.enters_ns)}{_in(one, step.enters_ns)} unless the ratio recovers"
        )
    if step.to_entry is None:
        return f"whether the ratio is below {below} cannot be said"
    if step.to_entry < 0.0:
        return f"the ratio is below {below}, and it is entered as soon as the ladder looks again"
    return f"the ratio is not below {below}: equity may fall by {_amount(step.to_entry)} before"


def _leaves(step: StepReason) -> str:
    if step.clear is None:
        return "; it clears once no margin is required"
    if step.to_exit is None:
        return f"; it clears at {format_rate(step.clear)}"
    if step.to_exit == 0.0:
        return f"; its exit at {format_rate(step.clear)} is reached, and something begun in it is not over"
    return f"; it clears at {format_rate(step.clear)}, for which {_amount(step.to_exit)} is missing"


def _next(one: DecisionExplanation) -> Iterator[str]:
    found = {step.step: step for step in one.steps}
    by_ratio, by_time = found.get(one.next_by_ratio), found.get(one.next_by_time)
    parts = []
    if by_ratio is not None and by_ratio.below is not None and by_ratio.to_entry is not None:
        parts.append(
            f"{by_ratio.step} below {format_rate(by_ratio.below)}, {_amount(by_ratio.to_entry)} of equity away"
        )
    if by_time is not None:
        parts.append(f"{by_time.step} at {format_time(by_time.enters_ns)}{_in(one, by_time.enters_ns)}")
    if parts:
        yield f"next: {', or '.join(parts)}"


def _way_out(one: DecisionExplanation) -> Iterator[str]:
    if one.ways_out is None or one.ways_out.missing <= 0.0:
        return
    leave = next((step.clear for step in one.steps if step.step == one.decided_by), None)
    yield f"to clear {one.decided_by} at {format_rate(leave or 0.0)}: {' or '.join(_ways(one.ways_out)) or 'no way'}"


def _ways(found: WaysOut) -> Iterator[str]:
    if found.cancel_orders is not None:
        yield "cancel the open orders"
    for way in found.deposits[:1]:
        if way.amount is not None:
            yield f"deposit {_amount(way.amount)} {way.asset}"
    for reduction in found.reductions[:1]:
        trades = ", ".join(
            f"{'buy' if trade.quantity > 0 else 'sell'} {abs(trade.quantity):.12g} {trade.symbol}"
            for trade in reduction.trades
        )
        yield trades
    for hedge in found.hedges[:1]:
        yield f"buy {hedge.trade.quantity:.12g} {hedge.trade.symbol} for {_amount(hedge.premium)}"


def _named(rule: Rule) -> str:
    where = f", {rule.file}:{rule.line}" if rule.file and rule.line else ""
    reason = f', because "{rule.because}"' if rule.because else ""
    return f"{rule.rule}{where}{reason}"


def _in(one: DecisionExplanation, moment_ns: int) -> str:
    left = moment_ns - one.time_ns
    return f" (in {format_duration(left)})" if left > 0 else " (now)"


def _amount(value: float | Decimal | None) -> str:
    if value is None:
        return "-"
    return format_amount(value if isinstance(value, Decimal) else Decimal(f"{value:.2f}"))
