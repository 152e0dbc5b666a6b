# SPDX-License-Identifier: Apache-2.0
"""Whatever is not a number, not known, not in range or not there is refused with its reason, and nothing changes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from marginrules._pb import answer_pb2, book_pb2, check_pb2, escalation_pb2, rulebook_pb2, shadow_pb2, types_pb2
from marginrules.model import PRICE_FIELDS
from tests.server import wire as w
from tests.server.wire import Wire, request_id

NOT_NUMBERS = (float("nan"), float("inf"), float("-inf"), 1e300, -1e300)
FUTURE_NS = 4_102_444_800_000_000_000  # 2100


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Any, Wire]]:
    """Serve three accounts; the first has an open call."""
    with w.serving() as (server, wire):
        w.load(wire)
        wire(
            "BookService/UpdateAccounts",
            book_pb2.UpdateAccountsRequest(request_id=request_id(), accounts=[w.account("a0", 2, 450.0)]),
        )
        hold = check_pb2.CheckOrderRequest(
            account_id="a1", order=w.order(1.0, name="held"), hold=True, request_id=request_id()
        )
        assert wire("CheckService/CheckOrder", hold).decision.held
        yield server, wire


def good_requests() -> dict[str, Message]:
    """Return one well-formed request for every unary method that carries numbers."""
    now = time.time_ns()
    return {
        "CheckService/CheckOrder": check_pb2.CheckOrderRequest(
            account_id="a1", order=w.order(1.0, leverage=10.0, expires_ns=FUTURE_NS)
        ),
        "CheckService/WhatIf": check_pb2.WhatIfRequest(
            account_id="a1",
            orders=[w.order(1.0)],
            moves=[check_pb2.PriceMove(name="BTC-PERP", price=99.0)],
            deposits=[types_pb2.Balance(asset="USD", amount=5.0)],
        ),
        "AnswerService/MeasureResilience": answer_pb2.MeasureResilienceRequest(
            account_id="a1", stresses=[stress()], scenarios=[]
        ),
        "AnswerService/ListVulnerable": answer_pb2.ListVulnerableRequest(stress=stress()),
        "AnswerService/FindWaysOut": answer_pb2.FindWaysOutRequest(account_id="a1", restore="ratio", ratio=1.5),
        "BookService/DefineInstruments": book_pb2.DefineInstrumentsRequest(
            instruments=[
                types_pb2.Instrument(
                    symbol="ETH-PERP",
                    kind=types_pb2.INSTRUMENT_KIND_PERPETUAL,
                    underlying="ETH",
                    settlement="USD",
                    multiplier=1.0,
                    quantity_step=0.1,
                ),
                option(),
            ]
        ),
        "BookService/UpdatePrices": book_pb2.UpdatePricesRequest(
            sequence=now,
            prices=[
                types_pb2.Price(
                    name="BTC-PERP", price=100.0, time_ns=now, open_interest=1.0, **dict.fromkeys(PRICE_FIELDS, 0.5)
                )
            ],
        ),
        "BookService/PublishCloses": book_pb2.PublishClosesRequest(series=[series(100.0, 101.5)]),
        "BookService/UpdateAccounts": book_pb2.UpdateAccountsRequest(accounts=[full_account()]),
        "BookService/TransferCollateral": book_pb2.TransferCollateralRequest(
            account_id="a1", to_pool="BTC-PERP", asset="USD", amount=1.0, who="desk", why="test"
        ),
        "BookService/FillOrder": book_pb2.FillOrderRequest(
            account_id="a1", client_order_id="held", quantity=0.5, price=100.0, fee=0.1
        ),
        "EscalationService/RecordDeposit": escalation_pb2.RecordDepositRequest(
            account_id="a1", asset="USD", amount=1.0, who="desk", why="test"
        ),
        "EscalationService/RecordLiquidation": escalation_pb2.RecordLiquidationRequest(
            liquidation_id="a0#L9", fills=[escalation_pb2.Fill(symbol="BTC-PERP", quantity=-1.0, price=100.0, fee=0.1)]
        ),
        "EscalationService/RecordCover": escalation_pb2.RecordCoverRequest(
            account_id="a1", layer="insurance_fund", amount=1.0, who="desk", why="test"
        ),
    }


def option(**changes: Any) -> types_pb2.Instrument:
    """Return a call with some of its fields changed."""
    made = types_pb2.Instrument(
        symbol="BTC-C95",
        kind=types_pb2.INSTRUMENT_KIND_OPTION,
        underlying="BTC",
        settlement="USD",
        multiplier=100.0,
        quantity_step=1.0,
        expires_ns=FUTURE_NS,
        strike=95.0,
        right=types_pb2.OPTION_RIGHT_CALL,
    )
    made.MergeFrom(types_pb2.Instrument(**changes))
    return made


def stress() -> answer_pb2.Stress:
    """Return a stress in which every numeric field is set."""
    return answer_pb2.Stress(name="crash", moves=[answer_pb2.StressMove(underlying="BTC", price=-0.2, volatility=0.5)])


def series(*closes: float, name: str = "BTC", **first: Any) -> book_pb2.CloseSeries:
    """Return closes from 2020-02-19 on; `first` replaces the time of the first one."""
    made = [book_pb2.Close(date=f"2020-02-{19 + k}", close=one) for k, one in enumerate(closes)]
    if first:
        made[0] = book_pb2.Close(close=closes[0], **first)
    return book_pb2.CloseSeries(name=name, closes=made)


def full_account() -> types_pb2.Account:
    """Return a snapshot in which every numeric field is set."""
    made = w.account("a2", sequence=7)
    pool = made.pools[0]
    pool.fees_due, pool.funding_due = 1.0, 2.0
    pool.positions[0].leverage = 5.0
    pool.orders.append(w.order(1.0, name="open", leverage=5.0, expires_ns=FUTURE_NS))
    return made


def doubles(message: Message, path: str = "") -> Iterator[tuple[str, Callable[[float], None]]]:
    """Yield each double field of a message, however deep, with a function that sets it."""
    for descriptor, value in message.ListFields():
        name = f"{path}.{descriptor.name}" if path else descriptor.name
        if descriptor.type == FieldDescriptor.TYPE_DOUBLE:
            yield name, functools.partial(setattr, message, descriptor.name)
        elif descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            for child in value if descriptor.is_repeated else [value]:
                yield from doubles(child, name)


def state(server: Any) -> tuple[Any, ...]:
    """Return what must not change."""
    shard = server.service.shard
    accounts = [shard.book.account(name) for name in shard.book.accounts()]
    return (
        server.journal.seq,
        accounts,
        dict(shard.states),
        dict(shard.calls),
        dict(shard.book.orders),
        shard.market_sequence,
        {name: list(one.closes) for name, one in shard.book.closes.items()},
    )


CASES = [
    (method, name, value)
    for method, request in good_requests().items()
    for name, _ in doubles(request)
    for value in NOT_NUMBERS
]


@pytest.mark.parametrize(("method", "name", "value"), CASES, ids=lambda one: str(one).replace("/", "."))
def test_every_number_is_checked(served: tuple[Any, Wire], method: str, name: str, value: float) -> None:
    """NaN, infinity and overflow in any numeric field are refused, and the state stays as it was (MR-P06)."""
    server, wire = served
    request = good_requests()[method]
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = request_id()  # type: ignore[attr-defined]
    next(setter for found, setter in doubles(request) if found == name)(value)
    before = state(server)
    with pytest.raises(grpc.RpcError) as caught:
        wire(method, request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert w.code_of(caught) in {"MR-I101", "MR-I102"}
    assert state(server) == before


SIGNED = ("funding", "rate", "dividend_yield", "delta")  # -1 is one of their values
NEGATIVE = (
    ("CheckService/CheckOrder", "order.price"),
    ("CheckService/CheckOrder", "order.leverage"),
    ("CheckService/WhatIf", "moves.price"),
    ("BookService/DefineInstruments", "instruments.multiplier"),
    ("BookService/DefineInstruments", "instruments.quantity_step"),
    ("BookService/UpdatePrices", "prices.price"),
    ("BookService/DefineInstruments", "instruments.strike"),
    ("BookService/UpdatePrices", "prices.open_interest"),
    *(("BookService/UpdatePrices", f"prices.{name}") for name in PRICE_FIELDS if name not in SIGNED),
    ("BookService/PublishCloses", "series.closes.close"),
    ("BookService/UpdateAccounts", "accounts.pools.fees_due"),
    ("BookService/UpdateAccounts", "accounts.pools.funding_due"),
    ("BookService/UpdateAccounts", "accounts.pools.positions.entry_price"),
    ("BookService/UpdateAccounts", "accounts.pools.positions.leverage"),
    ("BookService/UpdateAccounts", "accounts.pools.orders.price"),
    ("BookService/FillOrder", "price"),
    ("BookService/FillOrder", "fee"),
    ("EscalationService/RecordDeposit", "amount"),
    ("EscalationService/RecordLiquidation", "fills.price"),
    ("EscalationService/RecordLiquidation", "fills.fee"),
    ("EscalationService/RecordCover", "amount"),
)


@pytest.mark.parametrize(("method", "name"), NEGATIVE)
def test_negative_where_it_makes_no_sense(served: tuple[Any, Wire], method: str, name: str) -> None:
    """A negative price, fee, leverage, step or deposit is refused."""
    server, wire = served
    request = good_requests()[method]
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        request.request_id = request_id()  # type: ignore[attr-defined]
    next(setter for found, setter in doubles(request) if found == name)(-1.0)
    before = state(server)
    with pytest.raises(grpc.RpcError) as caught:
        wire(method, request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert state(server) == before


UNKNOWN: tuple[tuple[str, Message, str], ...] = (
    ("AnswerService/MeasureDistance", answer_pb2.MeasureDistanceRequest(account_id="nobody"), "MR-I104"),
    ("AnswerService/MeasureDistance", answer_pb2.MeasureDistanceRequest(account_id="a1", horizon_ns=-1), "MR-I102"),
    ("AnswerService/MeasureResilience", answer_pb2.MeasureResilienceRequest(account_id="nobody"), "MR-I104"),
    (
        "AnswerService/MeasureResilience",
        answer_pb2.MeasureResilienceRequest(account_id="a1", scenarios=["x"]),
        "MR-I102",
    ),
    ("AnswerService/ListVulnerable", answer_pb2.ListVulnerableRequest(page_size=1_001), "MR-I113"),
    ("AnswerService/ListVulnerable", answer_pb2.ListVulnerableRequest(page_token="x"), "MR-I110"),
    ("AnswerService/ListVulnerable", answer_pb2.ListVulnerableRequest(exposure=9), "MR-I102"),  # type: ignore[arg-type]
    ("AnswerService/ListVulnerable", answer_pb2.ListVulnerableRequest(stress=answer_pb2.Stress(name="x")), "MR-I103"),
    ("AnswerService/FindWaysOut", answer_pb2.FindWaysOutRequest(account_id="a1", restore="a1#9"), "MR-I111"),
    ("AnswerService/MeasureFigures", answer_pb2.MeasureFiguresRequest(account_id="nobody"), "MR-I104"),
    ("AnswerService/MeasureFigures", answer_pb2.MeasureFiguresRequest(account_id="a1", names=["x"]), "MR-I122"),
    ("AnswerService/MeasureFigures", answer_pb2.MeasureFiguresRequest(account_id="a1", symbol="x"), "MR-I106"),
    ("AnswerService/MeasureFigures", answer_pb2.MeasureFiguresRequest(account_id="a1", given={"x": 1.0}), "MR-I122"),
    ("AnswerService/ExplainMargin", answer_pb2.ExplainMarginRequest(account_id="nobody"), "MR-I104"),
    ("CheckService/Assess", check_pb2.AssessRequest(account_id="nobody"), "MR-I104"),
    ("CheckService/Assess", check_pb2.AssessRequest(account_id="a1", pool="ETH-PERP"), "MR-I105"),
    ("CheckService/CheckOrder", check_pb2.CheckOrderRequest(account_id="a1"), "MR-I103"),
    ("CheckService/CheckOrder", check_pb2.CheckOrderRequest(account_id="a1", order=w.order(0.0)), "MR-I102"),
    ("CheckService/CheckOrder", check_pb2.CheckOrderRequest(account_id="a1", order=w.order(1.0, 0.0)), "MR-I102"),
    (
        "CheckService/CheckOrder",
        check_pb2.CheckOrderRequest(account_id="a1", order=w.order(1.0, leverage=0.5)),
        "MR-I102",
    ),
    (
        "CheckService/CheckOrder",
        check_pb2.CheckOrderRequest(account_id="a1", order=w.order(1.0), hold=True, request_id="x"),
        "MR-I103",
    ),
    (
        "CheckService/CheckOrder",
        check_pb2.CheckOrderRequest(account_id="a1", order=w.order(1.0, name="o"), hold=True),
        "MR-I103",
    ),
    (
        "CheckService/WhatIf",
        check_pb2.WhatIfRequest(account_id="a1", deposits=[types_pb2.Balance(asset="DOGE", amount=1)]),
        "MR-I107",
    ),
    (
        "CheckService/WhatIf",
        check_pb2.WhatIfRequest(account_id="a1", moves=[check_pb2.PriceMove(name="BTC-PERP")]),
        "MR-I103",
    ),
    ("BookService/GetAccount", book_pb2.GetAccountRequest(account_id="nobody"), "MR-I104"),
    ("BookService/ListAccounts", book_pb2.ListAccountsRequest(page_token="x"), "MR-I110"),
    ("BookService/ListAccounts", book_pb2.ListAccountsRequest(page_size=5_000), "MR-I113"),
    (
        "BookService/UpdatePrices",
        book_pb2.UpdatePricesRequest(
            request_id="u1", sequence=1 << 62, prices=[types_pb2.Price(name="XYZ", price=1.0, time_ns=1)]
        ),
        "MR-I106",
    ),
    ("BookService/UpdatePrices", book_pb2.UpdatePricesRequest(request_id="u2", sequence=1, prices=[]), "MR-I109"),
    (
        "BookService/UpdatePrices",
        book_pb2.UpdatePricesRequest(
            request_id="u3", sequence=1 << 62, prices=[types_pb2.Price(name="USD", price=2.0, time_ns=1)]
        ),
        "MR-I102",
    ),
    (
        "BookService/UpdatePrices",
        book_pb2.UpdatePricesRequest(
            request_id="u4", sequence=1 << 62, prices=[types_pb2.Price(name="BTC-PERP", price=1.0, time_ns=FUTURE_NS)]
        ),
        "MR-I119",
    ),
    (
        "BookService/UpdatePrices",
        book_pb2.UpdatePricesRequest(
            request_id="u5", sequence=1 << 62, prices=[types_pb2.Price(name="BTC-PERP", price=1.0, time_ns=1)]
        ),
        "MR-I119",
    ),
    ("BookService/UpdateAccounts", book_pb2.UpdateAccountsRequest(accounts=[w.account("a1", 9)]), "MR-I103"),
    (
        "BookService/UpdateAccounts",
        book_pb2.UpdateAccountsRequest(request_id="u6", accounts=[w.account("a1", 1)]),
        "MR-I109",
    ),
    (
        "BookService/UpdateAccounts",
        book_pb2.UpdateAccountsRequest(request_id="u7", accounts=[w.account("a b", 9)]),
        "MR-I110",
    ),
    (
        "BookService/UpdateAccounts",
        book_pb2.UpdateAccountsRequest(request_id="u8", accounts=[w.account("a1", 9), w.account("a1", 9)]),
        "MR-I120",
    ),
    (
        "BookService/UpdateAccounts",
        book_pb2.UpdateAccountsRequest(
            request_id="u9", accounts=[types_pb2.Account(account_id="new", account_class="vip", sequence=1)]
        ),
        "MR-I108",
    ),
    (
        "BookService/DefineInstruments",
        book_pb2.DefineInstrumentsRequest(
            request_id="u10",
            instruments=[
                types_pb2.Instrument(symbol="S", kind=types_pb2.INSTRUMENT_KIND_SPOT, underlying="S", settlement="USD")
            ],
        ),
        "MR-I114",
    ),
    (
        "BookService/DefineInstruments",
        book_pb2.DefineInstrumentsRequest(
            request_id="u11",
            instruments=[
                types_pb2.Instrument(
                    symbol="BTC-PERP", kind=types_pb2.INSTRUMENT_KIND_PERPETUAL, underlying="ETH", settlement="USD"
                )
            ],
        ),
        "MR-I120",
    ),
    *(
        (
            "BookService/DefineInstruments",
            book_pb2.DefineInstrumentsRequest(request_id=f"o{k}", instruments=[one]),
            code,
        )
        for k, (one, code) in enumerate(
            (
                (option(), "MR-I114"),  # well-formed, and the rulebook has no product for it
                (option(right=7), "MR-I103"),
                (
                    types_pb2.Instrument(
                        symbol="O",
                        kind=types_pb2.INSTRUMENT_KIND_OPTION,
                        underlying="B",
                        settlement="USD",
                        expires_ns=1,
                    ),
                    "MR-I102",
                ),
                (option(inverse=True), "MR-I102"),
                (option(kind=types_pb2.INSTRUMENT_KIND_FUTURE), "MR-I102"),
            )
        )
    ),
    (
        "BookService/UpdatePrices",
        book_pb2.UpdatePricesRequest(
            request_id="o9", sequence=1 << 62, prices=[types_pb2.Price(name="BTC-PERP", price=0.0, time_ns=1)]
        ),
        "MR-I102",
    ),
    *(
        ("BookService/PublishCloses", book_pb2.PublishClosesRequest(request_id=f"c{k}", series=given), code)
        for k, (given, code) in enumerate(
            (
                ([series(1.0, 2.0, name="DOGE")], "MR-I106"),
                ([series(1.0, name="a b")], "MR-I110"),
                ([series()], "MR-I103"),
                ([series(1.0, 2.0, date="2020-02-20")], "MR-I119"),  # twice
                ([series(1.0, 2.0, date="2020-02-21")], "MR-I119"),  # falling
                ([series(1.0, 2.0, date="2020-02-30")], "MR-I110"),
                ([series(1.0, 2.0, date="20200219")], "MR-I110"),
                ([series(1.0, 2.0, date="1969-12-31")], "MR-I110"),
                ([series(1.0, 2.0, date="")], "MR-I103"),
                ([series(1.0, time_ns=-1)], "MR-I102"),
                ([series(1.0, time_ns=FUTURE_NS)], "MR-I119"),
                ([series(0.0)], "MR-I102"),
                ([book_pb2.CloseSeries(name="BTC", closes=[book_pb2.Close(close=1.0)])], "MR-I103"),
                ([series(1.0), series(1.0)], "MR-I120"),
                ([series(1.0), series(1.0, name="BTC-PERP", date="2100-01-01")], "MR-I119"),  # nothing of it is taken
                ([book_pb2.CloseSeries(name="BTC", closes=[book_pb2.Close(close=1.0)] * 10_001)], "MR-I113"),
            )
        )
    ),
    (
        "BookService/ReleaseOrder",
        book_pb2.ReleaseOrderRequest(request_id="u12", account_id="a1", client_order_id="none"),
        "MR-I118",
    ),
    (
        "BookService/FillOrder",
        book_pb2.FillOrderRequest(request_id="u13", account_id="a1", client_order_id="held", quantity=-0.5, price=1.0),
        "MR-I102",
    ),
    (
        "BookService/FillOrder",
        book_pb2.FillOrderRequest(request_id="u14", account_id="a1", client_order_id="held", quantity=2.0, price=1.0),
        "MR-I102",
    ),
    ("EscalationService/GetCall", escalation_pb2.GetCallRequest(call_id="a1#77"), "MR-I111"),
    (
        "EscalationService/WaiveCall",
        escalation_pb2.WaiveCallRequest(request_id="u15", call_id="a0#1", who="me"),
        "MR-I103",
    ),
    (
        "EscalationService/WaiveCall",
        escalation_pb2.WaiveCallRequest(request_id="u16", call_id="a1#77", who="me", why="x"),
        "MR-I111",
    ),
    (
        "EscalationService/ExtendCall",
        escalation_pb2.ExtendCallRequest(request_id="u17", call_id="a0#1", who="me", why="x", due_ns=1),
        "MR-I112",
    ),
    (
        "EscalationService/RecordDeposit",
        escalation_pb2.RecordDepositRequest(
            request_id="u18", account_id="a1", asset="DOGE", amount=1, who="a", why="b"
        ),
        "MR-I107",
    ),
    (
        "EscalationService/RecordLiquidation",
        escalation_pb2.RecordLiquidationRequest(request_id="u19", liquidation_id="a1#L1"),
        "MR-I112",
    ),
    (
        "EscalationService/RecordCover",
        escalation_pb2.RecordCoverRequest(
            request_id="u20", account_id="a1", layer="insurance_fund", amount=1.0, who="a", why="b"
        ),
        "MR-I112",
    ),
    (
        "RulebookService/RollBackRulebook",
        rulebook_pb2.RollBackRulebookRequest(request_id="u21", revision=99, who="a", why="b"),
        "MR-I116",
    ),
    ("RulebookService/GetRulebook", rulebook_pb2.GetRulebookRequest(revision=99), "MR-I116"),
    (
        "ShadowService/StartShadow",
        shadow_pb2.StartShadowRequest(request_id="u22", text=w.SMALLEST.read_bytes(), who="a", why="b"),
        "MR-I180",
    ),
    ("ShadowService/StopShadow", shadow_pb2.StopShadowRequest(request_id="u23", who="a", why="b"), "MR-I181"),
    ("ShadowService/GetShadowReport", shadow_pb2.GetShadowReportRequest(), "MR-I181"),
    ("ShadowService/GetShadowReport", shadow_pb2.GetShadowReportRequest(differences_max=1_001), "MR-I113"),
)


@pytest.mark.parametrize(("method", "request_", "code"), UNKNOWN, ids=lambda one: str(one)[:40].replace("\n", " "))
def test_unknown_and_missing(served: tuple[Any, Wire], method: str, request_: Message, code: str) -> None:
    """What is unknown, missing, late or contradictory is refused with its own code, and nothing changes."""
    server, wire = served
    before = state(server)
    with pytest.raises(grpc.RpcError) as caught:
        wire(method, request_)
    assert w.code_of(caught) == code
    assert state(server) == before


@pytest.mark.parametrize(
    "method",
    sorted(name for name, one in w.METHOD_NAMES.items() if one.shape == "unary" and one.request.DESCRIPTOR.fields),
)
def test_bytes_that_are_no_message(served: tuple[Any, Wire], method: str) -> None:
    """Bytes that are no message of the method, and messages beyond the limit, are refused and the server lives on."""
    server, wire = served
    before = state(server)
    for content in (b"\xff\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x00" * 64):
        with pytest.raises(grpc.RpcError) as caught:
            wire(method, content)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        wire(method, b"\x0a" + b"\xff" * (5 << 20))
    assert caught.value.code() in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT}
    assert state(server) == before


def test_a_verdict_is_data(served: tuple[Any, Wire]) -> None:
    """An unknown account, pool or instrument in a check is an answer with its reason, never an acceptance (MR-P20)."""
    _, wire = served
    reasons = types_pb2.Reason
    asked = {
        reasons.REASON_UNKNOWN_ACCOUNT: check_pb2.CheckOrderRequest(account_id="nobody", order=w.order(1.0)),
        reasons.REASON_UNKNOWN_POOL: check_pb2.CheckOrderRequest(account_id="a1", pool="BTC-PERP", order=w.order(1.0)),
        reasons.REASON_UNKNOWN_INSTRUMENT: check_pb2.CheckOrderRequest(
            account_id="a1", order=types_pb2.Order(symbol="XYZ", quantity=1.0, price=1.0)
        ),
    }
    for reason, request in asked.items():
        decision = wire("CheckService/CheckOrder", request).decision
        assert not decision.accepted
        assert list(decision.reasons) == [reason]


def test_stale_mark_is_refused() -> None:
    """Once a mark is older than the rulebook allows, orders are refused and assessments are invalid."""
    text = w.SMALLEST.read_text().replace("collateral:", "marks: {max_age: 1s}\ncollateral:")
    with w.serving(rulebook=None) as (server, wire):
        activate = rulebook_pb2.ActivateRulebookRequest(request_id=request_id(), text=text.encode(), who="a", why="b")
        wire("RulebookService/ActivateRulebook", activate)
        w.load(wire)
        time.sleep(1.1)
        decision = w.check(wire, "a1", 1.0)
        assert not decision.accepted
        assert list(decision.reasons) == [types_pb2.REASON_STALE_PRICE]
        assert not wire("CheckService/Assess", check_pb2.AssessRequest(account_id="a1")).assessment.valid
        assert not server.service.shard.states


def test_no_rulebook_no_acceptance() -> None:
    """Without an active rulebook nothing is accepted and nothing is taken."""
    with w.serving(rulebook=None) as (_, wire):
        assert list(w.check(wire, "a1", 1.0).reasons) == [types_pb2.REASON_NO_RULEBOOK]
        with pytest.raises(grpc.RpcError) as caught:
            w.load(wire)
        assert w.code_of(caught) == "MR-I115"
