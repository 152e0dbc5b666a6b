# SPDX-License-Identifier: Apache-2.0
"""Records to messages and messages to records; both clients use these and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

from marginrules._pb import book_pb2, check_pb2, escalation_pb2, rulebook_pb2, types_pb2
from marginrules.client.records import (
    AccountSummary,
    Approval,
    Fill,
    LadderEvent,
    LiquidationPrice,
    MarginCall,
    PoolAssessment,
    PriceMove,
    RulebookRevision,
    WhatIf,
)
from marginrules.codes import CallStatus, Reason, Restriction
from marginrules.errors import InputError
from marginrules.model import (
    ASSET_FIELDS,
    PRICE_FIELDS,
    Account,
    CloseSeries,
    Instrument,
    Order,
    OrderDecision,
    Pool,
    Position,
    Price,
)
from marginrules.rulebook.diagnostic import Diagnostic, Place, suggest
from marginrules.service.acts import Signed

_BESIDE_PRICES = tuple(dict.fromkeys((*PRICE_FIELDS, *ASSET_FIELDS)))
STATUSES = {escalation_pb2.CallStatus.Value(f"CALL_STATUS_{one.name}"): one for one in CallStatus}
RESTRICTIONS = {
    types_pb2.RESTRICTION_UNSPECIFIED: Restriction.NONE,
    types_pb2.RESTRICTION_REDUCE_ONLY: Restriction.REDUCE_ONLY,
    types_pb2.RESTRICTION_BLOCKED: Restriction.BLOCKED,
}

# To messages


def encode_instrument(one: Instrument) -> types_pb2.Instrument:
    """Write an instrument."""
    return types_pb2.Instrument(
        symbol=one.symbol,
        kind=f"INSTRUMENT_KIND_{one.kind.name}",
        underlying=one.underlying,
        settlement=one.settlement,
        multiplier=one.multiplier,
        inverse=one.inverse,
        quantity_step=one.quantity_step,
        expires_ns=one.expires_ns,
        strike=one.strike,
        right=f"OPTION_RIGHT_{one.right.upper() or 'UNSPECIFIED'}",
    )


def encode_price(one: Price) -> types_pb2.Price:
    """Write a price; InputError where a field of it is unknown."""
    message = types_pb2.Price(name=one.name, price=one.price, time_ns=one.time_ns, open_interest=one.open_interest)
    for name, value in one.fields:
        if name not in _BESIDE_PRICES:
            raise InputError("MR-I122", f"price of {one.name} had a field {name[:40]!r}", suggest(name, _BESIDE_PRICES))
        setattr(message, name, value)
    return message


def encode_series(one: CloseSeries) -> book_pb2.CloseSeries:
    """Write closes of one name."""
    pairs = zip(one.times_ns, one.closes, strict=True)
    return book_pb2.CloseSeries(
        name=one.name, closes=[book_pb2.Close(time_ns=time_ns, close=close) for time_ns, close in pairs]
    )


def encode_order(one: Order) -> types_pb2.Order:
    """Write an order; no price means the mark."""
    return types_pb2.Order(
        client_order_id=one.client_order_id,
        symbol=one.symbol,
        quantity=one.quantity,
        price=one.price or None,
        leverage=one.leverage,
        reduce_only=one.reduce_only,
        expires_ns=one.expires_ns,
    )


def encode_balances(balances: Iterable[tuple[str, float]]) -> list[types_pb2.Balance]:
    """Write amounts of assets."""
    return [types_pb2.Balance(asset=asset, amount=amount) for asset, amount in balances]


def encode_account(one: Account) -> types_pb2.Account:
    """Write a snapshot."""
    return types_pb2.Account(
        account_id=one.account_id,
        account_class=one.account_class,
        sequence=one.sequence,
        pools=[_encode_pool(pool) for pool in one.pools],
    )


def _encode_pool(one: Pool) -> types_pb2.Pool:
    return types_pb2.Pool(
        name=one.name,
        balances=encode_balances(one.balances),
        positions=[
            types_pb2.Position(symbol=p.symbol, quantity=p.quantity, entry_price=p.entry_price, leverage=p.leverage)
            for p in one.positions
        ],
        orders=[encode_order(order) for order in one.orders],
        fees_due=one.fees_due,
        funding_due=one.funding_due,
    )


def encode_move(one: PriceMove) -> check_pb2.PriceMove:
    """Write a price move."""
    return check_pb2.PriceMove(name=one.name, price=one.price, change=one.change)


def encode_fill(one: Fill) -> escalation_pb2.Fill:
    """Write a fill."""
    return escalation_pb2.Fill(symbol=one.symbol, quantity=one.quantity, price=one.price, fee=one.fee)


# To records


def decode_reasons(numbers: Iterable[int]) -> Reason:
    """Read reasons: the protocol counts them from 1, in the order of the bits."""
    bits = Reason(0)
    for number in numbers:
        bits |= Reason(1 << (number - 1))
    return bits


def decode_decision(one: types_pb2.OrderDecision) -> OrderDecision:
    """Read an order decision."""
    return OrderDecision(
        accepted=one.accepted,
        reasons=decode_reasons(one.reasons),
        equity_before=one.equity_before,
        initial_margin_before=one.initial_margin_before,
        maintenance_margin_before=one.maintenance_margin_before,
        equity_after=one.equity_after,
        initial_margin_after=one.initial_margin_after,
        maintenance_margin_after=one.maintenance_margin_after,
        quantity_max=one.quantity_max,
        rule=one.rule,
        digest=one.rulebook_digest,
        held=one.held,
    )


def decode_assessment(one: types_pb2.Assessment) -> PoolAssessment:
    """Read an assessment."""
    return PoolAssessment(
        is_valid=one.valid,
        reasons=decode_reasons(one.reasons),
        equity=one.equity,
        initial_margin=one.initial_margin,
        maintenance_margin=one.maintenance_margin,
        margin_ratio=one.margin_ratio if one.HasField("margin_ratio") else None,
        collateral_value=one.collateral_value,
        unrealized_pnl=one.unrealized_pnl,
        margin_excess=one.margin_excess,
        margin_deficiency=one.margin_deficiency,
        step=one.step,
        rule=one.rule,
        digest=one.rulebook_digest,
        next_step=one.next_step,
        next_step_distance=one.next_step_distance,
        ladder_step=one.ladder_step,
        restriction=RESTRICTIONS[one.restriction],
        liquidation_prices=tuple(
            LiquidationPrice(item.symbol, item.price if item.HasField("price") else None)
            for item in one.liquidation_prices
        ),
    )


def decode_what_if(one: check_pb2.WhatIfResponse) -> WhatIf:
    """Read a pool as it is and as it would be."""
    return WhatIf(decode_assessment(one.before), decode_assessment(one.after))


def decode_summary(one: book_pb2.AccountSummary) -> AccountSummary:
    """Read one line of a list of accounts."""
    return AccountSummary(one.account_id, one.account_class, one.pool, decode_assessment(one.assessment))


def decode_account(one: types_pb2.Account) -> Account:
    """Read an account."""
    return Account(one.account_id, one.account_class, one.sequence, tuple(_decode_pool(pool) for pool in one.pools))


def _decode_pool(one: types_pb2.Pool) -> Pool:
    return Pool(
        name=one.name,
        balances=tuple((item.asset, item.amount) for item in one.balances),
        positions=tuple(Position(p.symbol, p.quantity, p.entry_price, p.leverage) for p in one.positions),
        orders=tuple(decode_order(order) for order in one.orders),
        fees_due=one.fees_due,
        funding_due=one.funding_due,
    )


def decode_order(one: types_pb2.Order) -> Order:
    """Read an order."""
    return Order(
        client_order_id=one.client_order_id,
        symbol=one.symbol,
        quantity=one.quantity,
        price=one.price,
        leverage=one.leverage,
        reduce_only=one.reduce_only,
        expires_ns=one.expires_ns,
    )


def decode_call(one: escalation_pb2.MarginCall) -> MarginCall:
    """Read a call."""
    return MarginCall(
        call_id=one.call_id,
        account_id=one.account_id,
        pool=one.pool,
        step=one.step,
        kind=one.kind,
        status=STATUSES[one.status],
        amount=Decimal(one.amount),
        deposited=Decimal(one.deposited),
        issued_ns=one.issued_ns,
        due_ns=one.due_ns,
        disputed_until_ns=one.disputed_until_ns,
        closed_ns=one.closed_ns,
        acknowledged_by=one.acknowledged_by,
        extensions=one.extensions,
        digest=one.rulebook_digest,
        rule=one.rule,
    )


def decode_event(reply: escalation_pb2.WatchEventsResponse) -> LadderEvent:
    """Read an event with its position."""
    one = reply.event
    return LadderEvent(
        position=reply.position,
        kind=one.kind,
        time_ns=one.time_ns,
        account_id=one.account_id,
        pool=one.pool,
        step=one.step,
        digest=one.rulebook_digest,
        ladder=one.ladder,
        line=one.line,
        because=one.because,
        call_id=one.call_id,
        amount=Decimal(one.amount) if one.amount else None,
        due_ns=one.due_ns,
        notify=tuple(one.notify),
        orders=tuple(Fill(item.symbol, item.quantity, item.price, item.fee) for item in one.orders),
        details=json.loads(one.details) if one.details else {},
        change_id=one.change_id,
    )


def decode_diagnostic(one: rulebook_pb2.Diagnostic) -> Diagnostic:
    """Read a problem of a rulebook."""
    return Diagnostic(one.file, Place(one.line, one.column, one.width), one.code, one.message, one.hint, one.source)


def decode_revision(one: rulebook_pb2.RulebookRevision) -> RulebookRevision:
    """Read a revision."""
    return RulebookRevision(
        revision=one.revision,
        name=one.name,
        digest=one.digest,
        file=one.file,
        activated_ns=one.activated_ns,
        who=one.who,
        why=one.why,
        is_active=one.active,
        act=one.act,
        change_id=one.change_id,
        authors=tuple(one.authors),
        approvals=tuple(decode_approval(item) for item in one.approvals),
        restores=one.restores,
        is_approved=not one.unapproved,
    )


def decode_approval(one: rulebook_pb2.Approval) -> Approval:
    """Read an approval."""
    return Approval(one.who, one.why, one.time_ns, one.key, one.signed)


def encode_signature(one: Signed | None) -> rulebook_pb2.ActSignature | None:
    """Write the signature of an act; None where nothing is signed."""
    return rulebook_pb2.ActSignature(key=one.key, nonce=one.nonce, signature=one.signature) if one else None
