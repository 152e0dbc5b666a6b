# SPDX-License-Identifier: Apache-2.0
"""Records and messages say the same: nothing is lost, renamed or invented on the way."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules._pb import book_pb2, check_pb2, escalation_pb2, rulebook_pb2, types_pb2
from marginrules.client import Client, PriceMove, codec, methods, rpc
from marginrules.client.records import Fill, LiquidationPrice
from marginrules.codes import CallStatus, InstrumentKind, Reason, Restriction
from marginrules.errors import InputError
from marginrules.model import (
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
from marginrules.server import codec as served
from marginrules.server.handlers import METHODS
from marginrules.service import border

_names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
_numbers = st.floats(allow_nan=False, allow_infinity=False)
_above_zero = st.floats(min_value=1e-9, max_value=1e15)
_times = st.integers(0, 1 << 62)
_orders = st.builds(Order, _names, _names, _numbers, st.just(0.0) | _above_zero, _numbers, st.booleans(), _times)
_positions = st.builds(Position, _names, _numbers, _numbers, _numbers)
_pools = st.builds(
    Pool,
    _names,
    st.lists(st.tuples(_names, _numbers), max_size=3).map(tuple),
    st.lists(_positions, max_size=3).map(tuple),
    st.lists(_orders, max_size=3).map(tuple),
    _numbers,
    _numbers,
)
_accounts = st.builds(Account, _names, _names, _times, st.lists(_pools, max_size=3).map(tuple))


@given(_accounts)
def test_account_round_trip(account: Account) -> None:
    """An account that is written and read is the same account, bit for bit."""
    message = types_pb2.Account.FromString(codec.encode_account(account).SerializeToString())

    assert codec.decode_account(message) == account


@given(_orders)
def test_order_reaches_the_server(order: Order) -> None:
    """The server reads every field of an order as the client wrote it; no price stays no price."""
    data = served.order_data(codec.encode_order(order))

    assert Order(**data) == order


@pytest.mark.parametrize("right", ["", "call", "put"])
@pytest.mark.parametrize("kind", InstrumentKind)
def test_instrument_reaches_the_server(kind: InstrumentKind, right: str) -> None:
    """The server reads every field of an instrument of every kind as the client wrote it."""
    one = Instrument("S", kind, "U", "USD", 0.001, True, 0.5, 7, 95.5, right)
    data = served.instrument_data(codec.encode_instrument(one))

    assert Instrument(**{**data, "kind": InstrumentKind(data["kind"])}) == one


def test_price_and_fill_reach_the_server() -> None:
    """The server reads every field of a price and of a fill as the client wrote it."""
    price, fill = Price("BTC-PERP", 100.5, 7, 1e9), Fill("BTC-PERP", -2.0, 99.5, 0.25)

    assert Price(**served.price_data(codec.encode_price(price))) == price
    assert Price(**served.price_data(codec.encode_price(replace(price, open_interest=None)))).open_interest is None
    assert Fill(**served.fill_data(codec.encode_fill(fill))) == fill


def test_fields_of_a_price_reach_the_server() -> None:
    """Every field that is published is read as it was written, 0 included; what was not is absent."""
    for names in (list(PRICE_FIELDS), ["rate", "funding"], []):
        fields = {name: float(place) for place, name in enumerate(names)}
        data = served.price_data(codec.encode_price(Price("O", 0.0, 7, fields=tuple(fields.items()))))
        assert data.get("fields", {}) == fields
        assert "open_interest" not in data


def test_a_misspelt_field_is_not_sent() -> None:
    """The protocol has no place for a field it does not know, so the client refuses it instead of dropping it."""
    with pytest.raises(InputError, match="volatilty") as caught:
        codec.encode_price(Price("O", 1.0, 7, fields=(("volatilty", 0.2),)))
    assert caught.value.hint == "did you mean 'volatility'?"


def test_closes_reach_the_server() -> None:
    """The server reads every close with its time, and a date where another client gives one."""
    series = CloseSeries("SPY", (0, 86_400_000_000_000), (338.5, 340.25))

    assert border.close_series(served.series_data(codec.encode_series(series))) == series
    dated = book_pb2.CloseSeries(
        name="SPY",
        closes=[book_pb2.Close(date=f"1970-01-0{day}", close=close) for day, close in ((1, 338.5), (2, 340.25))],
    )
    assert border.close_series(served.series_data(dated)) == series


@pytest.mark.parametrize("move", [PriceMove("BTC", price=90.0), PriceMove("BTC", change=-0.1)])
def test_move_carries_one_of_two(move: PriceMove) -> None:
    """A price move says either the price or the change, never both."""
    message = codec.encode_move(move)

    assert message.WhichOneof("to") == ("change" if move.price is None else "price")


@given(st.lists(st.sampled_from(Reason), unique=True))
def test_reasons_round_trip(found: list[Reason]) -> None:
    """Every reason has the number of its bit, counted from 1, on both sides of the wire."""
    bits = Reason(0)
    for one in found:
        bits |= one

    message = types_pb2.OrderDecision(reasons=served.reasons(bits))
    assert codec.decode_reasons(message.reasons) == bits


def test_every_reason_has_its_name() -> None:
    """The protocol and the closed list name the same reasons in the same order."""
    expected = ["REASON_UNSPECIFIED", *(f"REASON_{one.name}" for one in Reason)]

    assert types_pb2.Reason.keys() == expected


def test_decision_round_trip() -> None:
    """A decision that the server writes is read as the same decision."""
    one = OrderDecision(True, Reason.RISK_NOT_RAISED, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, "book:3 perpetual", "d", True)
    message = types_pb2.OrderDecision()
    served.write_decision(one, message)

    assert codec.decode_decision(message) == one


def test_assessment_tells_absent_from_zero() -> None:
    """A ratio or a liquidation price that is absent is None; one of 0 is 0."""
    message = types_pb2.Assessment(
        valid=True,
        restriction=types_pb2.RESTRICTION_BLOCKED,
        liquidation_prices=[
            types_pb2.LiquidationPrice(symbol="A"),
            types_pb2.LiquidationPrice(symbol="B", price=0.0),
        ],
    )
    absent = codec.decode_assessment(message)
    message.margin_ratio = 0.0

    assert absent.margin_ratio is None
    assert codec.decode_assessment(message).margin_ratio == 0.0
    assert absent.liquidation_prices == (LiquidationPrice("A", None), LiquidationPrice("B", 0.0))
    assert absent.restriction is Restriction.BLOCKED


@pytest.mark.parametrize("status", CallStatus)
def test_call_amounts_are_exact(status: CallStatus) -> None:
    """Amounts of a call are the decimals of the text, and every status is read."""
    message = escalation_pb2.MarginCall(
        call_id="a#1", status=served.CALL_STATUSES[status], amount="1000000000000000.01", deposited="0.10"
    )
    call = codec.decode_call(message)

    assert call.status is status
    assert call.outstanding == Decimal("999999999999999.91")


def test_event_round_trip() -> None:
    """An event carries its position, its orders and its details; no amount is None, not zero."""
    event = escalation_pb2.LadderEvent(
        kind="liquidation_ordered",
        orders=[escalation_pb2.Fill(symbol="BTC-PERP", quantity=-2.0)],
        notify=["desk"],
        details='{"round": 1}',
    )
    found = codec.decode_event(escalation_pb2.WatchEventsResponse(position=17, event=event))

    assert (found.position, found.amount, found.details) == (17, None, {"round": 1})
    assert (found.orders, found.notify) == ((Fill("BTC-PERP", -2.0),), ("desk",))


def test_diagnostic_round_trip() -> None:
    """A problem of a rulebook is read with its place, its line and its hint."""
    from_json: dict[str, Any] = {
        "file": "f.yaml",
        "line": 2,
        "column": 3,
        "width": 4,
        "code": "MR-R301",
        "message": "m",
        "hint": "h",
        "source": "s",
    }

    assert codec.decode_diagnostic(rulebook_pb2.Diagnostic(**from_json)).as_json() == from_json


def test_hold_makes_a_request_id() -> None:
    """A hold has a request id of its own unless one is given; a check without hold has none."""

    def request_id(hold: bool, given: str = "") -> str:
        call = methods.Methods.check_order.make(None, "a", Order("o", "S", math.pi), "", hold, request_id=given)
        assert isinstance(call.request, check_pb2.CheckOrderRequest)
        return call.request.request_id

    assert request_id(hold=False) == ""
    assert request_id(hold=True, given="mine") == "mine"
    assert len({request_id(hold=True) for _ in range(100)}) == 100


def test_every_method_of_the_server_is_reached() -> None:
    """The client has one method for each of the API, and finds its path by the request."""
    expected = {one.request.DESCRIPTOR.full_name: f"/marginrules.v1.{one.service}/{one.name}" for one in METHODS}
    kinds = (rpc.unary, rpc.pages, rpc.stream, rpc.exchange)
    offered = [name for kind in methods.Methods.__mro__ for name, one in vars(kind).items() if isinstance(one, kinds)]

    assert {one.request.DESCRIPTOR.full_name: rpc.rpc_of(one.request).path for one in METHODS} == expected
    assert len(offered) == len(METHODS)
    assert all(getattr(Client, name).__doc__ for name in offered)
