# SPDX-License-Identifier: Apache-2.0
"""Messages to plain data and records to messages. No rule lives here: the border of the service checks every value."""

from __future__ import annotations

import json
from typing import Any

from marginrules import model
from marginrules._pb import book_pb2, check_pb2, escalation_pb2, rulebook_pb2, types_pb2
from marginrules.codes import CallStatus, Reason, Restriction
from marginrules.errors import InputError
from marginrules.escalation.state import Call
from marginrules.rulebook.diagnostic import Diagnostic
from marginrules.service import border
from marginrules.service.changes import Approval
from marginrules.service.service import Positioned
from marginrules.service.shard import Revision
from marginrules.service.views import PoolView, PriceMove

Data = dict[str, Any]

RESTRICTIONS: dict[Restriction, types_pb2.Restriction] = {
    Restriction.NONE: types_pb2.RESTRICTION_UNSPECIFIED,
    Restriction.REDUCE_ONLY: types_pb2.RESTRICTION_REDUCE_ONLY,
    Restriction.BLOCKED: types_pb2.RESTRICTION_BLOCKED,
}
RIGHTS = {
    types_pb2.OPTION_RIGHT_UNSPECIFIED: "",
    types_pb2.OPTION_RIGHT_CALL: "call",
    types_pb2.OPTION_RIGHT_PUT: "put",
}
REASONS: dict[Reason, types_pb2.Reason] = {bit: getattr(types_pb2, f"REASON_{bit.name}") for bit in Reason}
CALL_STATUSES = {status: f"CALL_STATUS_{status.name}" for status in CallStatus}

BESIDE_PRICES = frozenset((*model.PRICE_FIELDS, *model.ASSET_FIELDS))

# Requests


def order_data(order: types_pb2.Order) -> Data:
    """Read an order as plain data, to be recorded."""
    return {
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "quantity": order.quantity,
        "price": _limit_price(order),
        "leverage": order.leverage,
        "reduce_only": order.reduce_only,
        "expires_ns": order.expires_ns,
    }


def asked_order(order: types_pb2.Order) -> model.Order:
    """Read an order that is only asked about, and needs no name."""
    return border.order({**order_data(order), "client_order_id": order.client_order_id or "unnamed"})


def check_order(request: check_pb2.CheckOrderRequest) -> model.Order:
    """Read the order of a check; one that holds nothing needs no client order id."""
    if not request.HasField("order"):
        raise InputError("MR-I103", "order was missing", "give the order to check")
    order = request.order
    price = _limit_price(order)
    name = order.client_order_id
    if not name and not request.hold:
        name = "unnamed"
    return border.order_of(
        name, order.symbol, order.quantity, price, order.leverage, order.reduce_only, order.expires_ns
    )


def _limit_price(order: types_pb2.Order) -> float:
    """Return the price of an order; an absent one means the mark, one of 0 means nothing."""
    return border.number("price", order.price, 0.0, low_open=True) if order.HasField("price") else 0.0


def instrument_data(one: types_pb2.Instrument) -> Data:
    """Read an instrument."""
    return {
        "symbol": one.symbol,
        "kind": int(one.kind),
        "underlying": one.underlying,
        "settlement": one.settlement,
        "multiplier": one.multiplier if one.HasField("multiplier") else 1.0,
        "inverse": one.inverse,
        "quantity_step": one.quantity_step,
        "expires_ns": one.expires_ns,
        "strike": one.strike,
        "right": RIGHTS.get(one.right, str(int(one.right))),
    }


def price_data(one: types_pb2.Price) -> Data:
    """Read a price; what is absent is not known."""
    data: Data = {"name": one.name, "price": one.price, "time_ns": one.time_ns}
    if one.HasField("open_interest"):
        data["open_interest"] = one.open_interest
    fields = {field.name: value for field, value in one.ListFields() if field.name in BESIDE_PRICES}
    return data | {"fields": fields} if fields else data


def series_data(one: book_pb2.CloseSeries) -> Data:
    """Read closes of one name."""
    return {"name": one.name, "closes": [_close_data(item) for item in one.closes]}


def _close_data(one: book_pb2.Close) -> Data:
    data: Data = {"close": one.close}
    at = one.WhichOneof("at")
    return data if at is None else data | {at: getattr(one, at)}


def account_data(one: types_pb2.Account) -> Data:
    """Read a snapshot."""
    return {
        "account_id": one.account_id,
        "account_class": one.account_class,
        "sequence": one.sequence,
        "pools": [
            {
                "name": pool.name,
                "balances": [{"asset": item.asset, "amount": item.amount} for item in pool.balances],
                "positions": [
                    {
                        "symbol": item.symbol,
                        "quantity": item.quantity,
                        "entry_price": item.entry_price,
                        "leverage": item.leverage,
                    }
                    for item in pool.positions
                ],
                "orders": [order_data(item) for item in pool.orders],
                "fees_due": pool.fees_due,
                "funding_due": pool.funding_due,
            }
            for pool in one.pools
        ],
    }


def price_move(one: check_pb2.PriceMove) -> PriceMove:
    """Read a price move."""
    if one.WhichOneof("to") is None:
        raise InputError("MR-I103", f"move of {one.name!r} had neither price nor change", "give one of them")
    if one.WhichOneof("to") == "change":
        return PriceMove(one.name, change=one.change)
    return PriceMove(one.name, price=one.price)


def fill_data(one: escalation_pb2.Fill) -> Data:
    """Read a fill."""
    return {"symbol": one.symbol, "quantity": one.quantity, "price": one.price, "fee": one.fee}


# Responses


def reasons(bits: Reason) -> list[types_pb2.Reason]:
    """Return reason bits as the protocol numbers them, lowest first."""
    return [REASONS[bit] for bit in bits] if bits else []


def write_decision(one: model.OrderDecision, to: types_pb2.OrderDecision) -> None:
    """Write an order decision into the message that carries it, which takes half the time of making and copying one."""
    to.accepted = one.accepted
    if one.reasons:
        to.reasons.extend(reasons(one.reasons))
    to.equity_before = one.equity_before
    to.initial_margin_before = one.initial_margin_before
    to.maintenance_margin_before = one.maintenance_margin_before
    to.equity_after = one.equity_after
    to.initial_margin_after = one.initial_margin_after
    to.maintenance_margin_after = one.maintenance_margin_after
    to.quantity_max = one.quantity_max
    to.rule = one.rule
    to.rulebook_digest = one.digest
    to.held = one.held


def assessment(one: PoolView) -> types_pb2.Assessment:
    """Write an assessment."""
    return types_pb2.Assessment(
        valid=one.valid,
        reasons=reasons(one.reasons),
        equity=one.equity,
        initial_margin=one.initial_margin,
        maintenance_margin=one.maintenance_margin,
        margin_ratio=one.margin_ratio,
        collateral_value=one.collateral_value,
        unrealized_pnl=one.unrealized_pnl,
        margin_excess=one.margin_excess,
        margin_deficiency=one.margin_deficiency,
        step=one.step,
        rule=one.rule,
        rulebook_digest=one.digest,
        next_step=one.next_step,
        next_step_distance=one.next_step_distance,
        ladder_step=one.ladder_step,
        restriction=RESTRICTIONS[one.restriction],
        liquidation_prices=[types_pb2.LiquidationPrice(symbol=s, price=p) for s, p in one.liquidation_prices],
    )


def account(one: model.Account) -> types_pb2.Account:
    """Write an account."""
    return types_pb2.Account(
        account_id=one.account_id,
        account_class=one.account_class,
        sequence=one.sequence,
        pools=[_pool(pool) for pool in one.pools],
    )


def _pool(one: model.Pool) -> types_pb2.Pool:
    return types_pb2.Pool(
        name=one.name,
        balances=[types_pb2.Balance(asset=asset, amount=amount) for asset, amount in one.balances],
        positions=[
            types_pb2.Position(symbol=p.symbol, quantity=p.quantity, entry_price=p.entry_price, leverage=p.leverage)
            for p in one.positions
        ],
        orders=[order(o) for o in one.orders],
        fees_due=one.fees_due,
        funding_due=one.funding_due,
    )


def order(one: model.Order) -> types_pb2.Order:
    """Write an order; a price of 0 is none."""
    return types_pb2.Order(
        client_order_id=one.client_order_id,
        symbol=one.symbol,
        quantity=one.quantity,
        price=one.price or None,
        leverage=one.leverage,
        reduce_only=one.reduce_only,
        expires_ns=one.expires_ns,
    )


def account_summary(name: str, account_class: str, pool: str, view: PoolView) -> book_pb2.AccountSummary:
    """Write one line of a list of accounts."""
    return book_pb2.AccountSummary(account_id=name, account_class=account_class, pool=pool, assessment=assessment(view))


def margin_call(one: Call, rulebook: str) -> escalation_pb2.MarginCall:
    """Write a call; `rulebook` is the name of the one it was made under."""
    name, pool = split_label(one.call_id)
    return escalation_pb2.MarginCall(
        call_id=one.call_id,
        account_id=name,
        pool=pool,
        step=one.step_name,
        kind=one.kind,
        status=CALL_STATUSES[one.status],
        amount=str(one.amount),
        deposited=str(one.deposited),
        issued_ns=one.issued_ns,
        due_ns=one.due_ns,
        disputed_until_ns=one.disputed_until_ns,
        closed_ns=one.closed_ns,
        acknowledged_by=one.acknowledged_by,
        extensions=one.extensions,
        rulebook_digest=one.digest,
        rule=f"{rulebook}:{one.line} {one.step_name}",
    )


def split_label(label: str) -> tuple[str, str]:
    """Return account and pool of a pool's label, or of the id of one of its calls."""
    name, _, pool = label.partition("#")[0].partition("|")
    return name, pool


def watch_event(one: Positioned) -> escalation_pb2.WatchEventsResponse:
    """Write a recorded event."""
    event = one.event
    name, pool = split_label(event.get("pool", ""))
    details = dict(event.get("data", {}))
    notify, orders = details.pop("notify", []), details.pop("orders", [])
    return escalation_pb2.WatchEventsResponse(
        position=one.position,
        event=escalation_pb2.LadderEvent(
            kind=event["kind"],
            time_ns=event["time_ns"],
            account_id=name,
            pool=pool,
            step=event.get("step", ""),
            rulebook_digest=event.get("digest", ""),
            ladder=event.get("ladder", ""),
            line=event.get("line", 0),
            because=event.get("because", ""),
            call_id=event.get("call_id", ""),
            amount=event.get("amount", ""),
            due_ns=event.get("due_ns", 0),
            notify=notify,
            orders=[escalation_pb2.Fill(symbol=symbol, quantity=quantity) for symbol, quantity in orders],
            details=json.dumps(details, sort_keys=True) if details else "",
            change_id=event.get("change_id", ""),
        ),
    )


def diagnostic(one: Diagnostic) -> rulebook_pb2.Diagnostic:
    """Write a diagnostic; the fields are those of its JSON."""
    return rulebook_pb2.Diagnostic(**one.as_json())


def revision(one: Revision, is_active: bool) -> rulebook_pb2.RulebookRevision:
    """Write a revision."""
    return rulebook_pb2.RulebookRevision(
        revision=one.number,
        name=one.program.name,
        digest=one.program.digest,
        file=one.file,
        activated_ns=one.activated_ns,
        who=one.who,
        why=one.why,
        active=is_active,
        act=one.act,
        change_id=one.change_id,
        authors=one.authors,
        approvals=[approval(item) for item in one.approvals],
        restores=one.restores,
        unapproved=not one.is_approved,
    )


def approval(one: Approval) -> rulebook_pb2.Approval:
    """Write an approval."""
    return rulebook_pb2.Approval(who=one.who, why=one.why, time_ns=one.time_ns, key=one.key, signed=one.is_signed)


def signed_data(request: Any) -> Data:
    """Read the signature of an act, as the part of its data that it is; none where there is none."""
    if not request.HasField("signature"):
        return {}
    one = request.signature
    return {"signed": {"key": one.key, "nonce": one.nonce, "signature": one.signature}}
