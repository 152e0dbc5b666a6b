# SPDX-License-Identifier: Apache-2.0
"""
Every call of the API, once. `Client` has these methods and returns what stands in the brackets of their `Call`;
`AsyncClient` has them too, to be awaited or iterated.

Each change carries a request id, made here unless one is given: the same id again is answered again and not carried
out twice, so a caller that is not sure whether a change arrived repeats it with the id it had.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from marginrules._pb import answer_pb2, book_pb2, check_pb2, escalation_pb2, rulebook_pb2
from marginrules.client import codec, codec_answers
from marginrules.client.answers import (
    Exposure,
    MarginExplanation,
    PoolDistance,
    PoolFigures,
    Resilience,
    Stress,
    VulnerablePage,
    WaysOut,
)
from marginrules.client.errors import coded_error
from marginrules.client.methods_cases import CasesMethods
from marginrules.client.methods_change import ChangeMethods
from marginrules.client.methods_explain import ExplainMethods
from marginrules.client.methods_lint import LintMethods
from marginrules.client.methods_plan import PlanMethods
from marginrules.client.methods_shadow import ShadowMethods
from marginrules.client.records import (
    AccountSummary,
    Activation,
    Fill,
    LadderEvent,
    MarginCall,
    OrderCheck,
    PoolAssessment,
    PriceMove,
    RulebookRevision,
    WhatIf,
)
from marginrules.client.rpc import Call, Exchange, Page, exchange, pages, stream, unary
from marginrules.errors import InputError, RulebookError
from marginrules.model import CROSS, Account, CloseSeries, Instrument, Order, OrderDecision, Price
from marginrules.rulebook.diagnostic import Diagnostic
from marginrules.service.acts import Signed

_PAGE_SIZE = 1_000


class Methods(
    ExplainMethods,
    LintMethods,
    CasesMethods,
    PlanMethods,
    ChangeMethods,
    ShadowMethods,
):
    """List the methods of both clients."""

    # Checks

    @unary
    def check_order(
        self, account: str, order: Order, pool: str = CROSS, hold: bool = False, *, request_id: str = ""
    ) -> Call[OrderDecision]:
        """Decide an order; with `hold`, reserve its margin under its client order id if it is accepted."""
        request = _check(OrderCheck(account, order, pool, hold, request_id))
        return Call(request, lambda reply: codec.decode_decision(reply.decision))

    @exchange
    def check_orders(self) -> Exchange[OrderCheck, OrderDecision | InputError]:
        """Decide orders as they come; one that cannot be read is answered by its error, and the stream goes on."""
        return Exchange(
            check_pb2.CheckOrdersRequest,
            lambda number, one: check_pb2.CheckOrdersRequest(correlation_id=number, check=_check(one)),
            _decision_or_error,
        )

    @unary
    def assess(self, account: str, pool: str = CROSS, liquidation_prices: bool = False) -> Call[PoolAssessment]:
        """Assess a pool."""
        request = check_pb2.AssessRequest(account_id=account, pool=pool, with_liquidation_prices=liquidation_prices)
        return Call(request, lambda reply: codec.decode_assessment(reply.assessment))

    @unary
    def what_if(
        self,
        account: str,
        pool: str = CROSS,
        *,
        orders: Iterable[Order] = (),
        moves: Iterable[PriceMove] = (),
        deposits: Iterable[tuple[str, float]] = (),
    ) -> Call[WhatIf]:
        """Assess a copy of a pool after price moves, deposits of (asset, amount) and fills; nothing is changed."""
        request = check_pb2.WhatIfRequest(
            account_id=account,
            pool=pool,
            orders=[codec.encode_order(one) for one in orders],
            moves=[codec.encode_move(one) for one in moves],
            deposits=codec.encode_balances(deposits),
        )
        return Call(request, codec.decode_what_if)

    # Answers for people

    @unary
    def distance(self, account: str, pool: str = CROSS, *, horizon_ns: int = 0) -> Call[PoolDistance]:
        """Say how far each underlying may move before a step is reached; the horizon is one day where it is 0."""
        request = answer_pb2.MeasureDistanceRequest(account_id=account, pool=pool, horizon_ns=horizon_ns)
        return Call(request, codec_answers.decode_distance)

    @unary
    def resilience(
        self, account: str, pool: str = CROSS, *, stresses: Iterable[Stress] = (), scenarios: Iterable[str] = ()
    ) -> Call[Resilience]:
        """Say how a pool stands after stresses, and after each row of scenario tables of the rulebook."""
        request = answer_pb2.MeasureResilienceRequest(
            account_id=account,
            pool=pool,
            stresses=[codec_answers.encode_stress(one) for one in stresses],
            scenarios=list(scenarios),
        )
        return Call(request, codec_answers.decode_resilience)

    @unary
    def vulnerable(
        self,
        stress: Stress | None = None,
        by: Exposure = Exposure.MARGIN_RATIO,
        *,
        size: int = 0,
        token: str = "",
    ) -> Call[VulnerablePage]:
        """Return one page of all pools, the most exposed first, with figures of the whole book."""
        request = answer_pb2.ListVulnerableRequest(
            stress=codec_answers.encode_stress(stress) if stress else None,
            exposure=f"EXPOSURE_{by.name}",
            page_size=size,
            page_token=token,
        )
        return Call(request, codec_answers.decode_vulnerable)

    @unary
    def ways_out(
        self, account: str, pool: str = CROSS, *, restore: str = "initial_margin", ratio: float = 0.0
    ) -> Call[WaysOut]:
        """Say what brings equity up to "initial_margin", "maintenance_margin", a "ratio", or what an open call asks."""
        request = answer_pb2.FindWaysOutRequest(account_id=account, pool=pool, restore=restore, ratio=ratio)
        return Call(request, codec_answers.decode_ways_out)

    @unary
    def figures(
        self,
        account: str,
        pool: str = CROSS,
        *,
        names: Iterable[str] = (),
        symbol: str = "",
        given: Mapping[str, float] | None = None,
    ) -> Call[PoolFigures]:
        """
        Measure figures that the rulebook defines; without names, all whose inputs are given.

        Inputs are numbers: 0.05 for 5 %, days for a duration, 1 or 0 for yes or no.
        """
        request = answer_pb2.MeasureFiguresRequest(
            account_id=account, pool=pool, names=list(names), symbol=symbol, given=dict(given or {})
        )
        return Call(request, codec_answers.decode_figures)

    @unary
    def explain_margin(self, account: str, pool: str = CROSS) -> Call[MarginExplanation]:
        """Say how a pool's margin comes about, part by part, each with its rule."""
        request = answer_pb2.ExplainMarginRequest(account_id=account, pool=pool)
        return Call(request, codec_answers.decode_explanation)

    # Book

    @unary
    def define_instruments(self, instruments: Iterable[Instrument], *, request_id: str = "") -> Call[int]:
        """Define instruments; return how many."""
        request = book_pb2.DefineInstrumentsRequest(
            request_id=request_id or _new_id(), instruments=[codec.encode_instrument(one) for one in instruments]
        )
        return Call(request, lambda reply: int(reply.count))

    @unary
    def update_prices(self, sequence: int, prices: Iterable[Price], *, request_id: str = "") -> Call[int]:
        """Publish prices of instruments and assets, all at once; return how many."""
        return Call(_prices(sequence, prices, request_id), lambda reply: int(reply.count))

    @exchange
    def stream_prices(self) -> Exchange[tuple[int, Iterable[Price]], int]:
        """Publish updates of (sequence, prices) as they come; the first one that is refused ends the stream."""
        return Exchange(
            book_pb2.StreamPricesRequest,
            lambda _, one: book_pb2.StreamPricesRequest(update=_prices(*one)),
            lambda reply: int(reply.result.count),
        )

    @unary
    def publish_closes(
        self, series: Iterable[CloseSeries], replace: bool = False, *, request_id: str = ""
    ) -> Call[int]:
        """Publish closes of underlyings or instruments after those known, or in their place; return how many."""
        request = book_pb2.PublishClosesRequest(
            request_id=request_id or _new_id(), series=[codec.encode_series(one) for one in series], replace=replace
        )
        return Call(request, lambda reply: int(reply.count))

    @unary
    def update_accounts(self, accounts: Iterable[Account], *, request_id: str = "") -> Call[int]:
        """Replace accounts by snapshots, all or none; return how many."""
        return Call(_accounts(accounts, request_id), lambda reply: int(reply.count))

    @exchange
    def stream_accounts(self) -> Exchange[Iterable[Account], int]:
        """Send batches of snapshots as they come; the first one that is refused ends the stream."""
        return Exchange(
            book_pb2.StreamAccountsRequest,
            lambda _, one: book_pb2.StreamAccountsRequest(update=_accounts(one)),
            lambda reply: int(reply.result.count),
        )

    @unary
    def get_account(self, account: str) -> Call[Account]:
        """Return the state of an account; fees and funding due come as one sum."""
        request = book_pb2.GetAccountRequest(account_id=account)
        return Call(request, lambda reply: codec.decode_account(reply.account))

    @pages
    def accounts(self, only_escalated: bool = False) -> Call[Page[AccountSummary]]:
        """Iterate over all pools with their assessments."""
        request = book_pb2.ListAccountsRequest(page_size=_PAGE_SIZE, only_escalated=only_escalated)
        return Call(request, lambda reply: _page(reply, map(codec.decode_summary, reply.accounts)))

    @unary
    def transfer(
        self,
        account: str,
        source: str,
        target: str,
        asset: str,
        amount: float,
        who: str,
        why: str,
        *,
        request_id: str = "",
    ) -> Call[Decimal]:
        """Move collateral between two pools of an account; return what it added to the target's equity."""
        request = book_pb2.TransferCollateralRequest(
            request_id=request_id or _new_id(),
            account_id=account,
            from_pool=source,
            to_pool=target,
            asset=asset,
            amount=amount,
            who=who,
            why=why,
        )
        return Call(request, lambda reply: Decimal(reply.credited))

    @unary
    def release_order(self, account: str, client_order_id: str, *, request_id: str = "") -> Call[None]:
        """Give up an open order."""
        request = book_pb2.ReleaseOrderRequest(
            request_id=request_id or _new_id(), account_id=account, client_order_id=client_order_id
        )
        return Call(request, _nothing)

    @unary
    def fill_order(
        self,
        account: str,
        client_order_id: str,
        quantity: float,
        price: float,
        fee: float = 0.0,
        *,
        request_id: str = "",
    ) -> Call[float]:
        """Fill an open order; the quantity is signed as the order's. Return what is left, signed."""
        request = book_pb2.FillOrderRequest(
            request_id=request_id or _new_id(),
            account_id=account,
            client_order_id=client_order_id,
            quantity=quantity,
            price=price,
            fee=fee,
        )
        return Call(request, lambda reply: float(reply.quantity_left))

    # Calls

    @pages
    def calls(self, only_open: bool = False, account: str = "") -> Call[Page[MarginCall]]:
        """Iterate over calls, oldest first."""
        request = escalation_pb2.ListCallsRequest(page_size=_PAGE_SIZE, only_open=only_open, account_id=account)
        return Call(request, lambda reply: _page(reply, map(codec.decode_call, reply.calls)))

    @unary
    def get_call(self, call_id: str) -> Call[MarginCall]:
        """Return one call."""
        return Call(escalation_pb2.GetCallRequest(call_id=call_id), _call)

    @unary
    def acknowledge(self, call_id: str, who: str, why: str, *, request_id: str = "") -> Call[MarginCall]:
        """Record that the client has seen a call."""
        request = escalation_pb2.AcknowledgeCallRequest(
            request_id=request_id or _new_id(), call_id=call_id, who=who, why=why
        )
        return Call(request, _call)

    @unary
    def extend(self, call_id: str, due_ns: int, who: str, why: str, *, request_id: str = "") -> Call[MarginCall]:
        """Move the deadline of a call to a later moment."""
        request = escalation_pb2.ExtendCallRequest(
            request_id=request_id or _new_id(), call_id=call_id, who=who, why=why, due_ns=due_ns
        )
        return Call(request, _call)

    @unary
    def dispute(self, call_id: str, until_ns: int, who: str, why: str, *, request_id: str = "") -> Call[MarginCall]:
        """Hold the deadline of a call up until a moment."""
        request = escalation_pb2.DisputeCallRequest(
            request_id=request_id or _new_id(), call_id=call_id, who=who, why=why, until_ns=until_ns
        )
        return Call(request, _call)

    @unary
    def waive(self, call_id: str, who: str, why: str, *, request_id: str = "") -> Call[MarginCall]:
        """Give a call up."""
        request = escalation_pb2.WaiveCallRequest(request_id=request_id or _new_id(), call_id=call_id, who=who, why=why)
        return Call(request, _call)

    @unary
    def deposit(
        self, account: str, asset: str, amount: float, who: str, why: str, pool: str = CROSS, *, request_id: str = ""
    ) -> Call[Decimal]:
        """Add collateral; return what it added to equity, which open calls were credited with, oldest first."""
        request = escalation_pb2.RecordDepositRequest(
            request_id=request_id or _new_id(),
            account_id=account,
            pool=pool,
            asset=asset,
            amount=amount,
            who=who,
            why=why,
        )
        return Call(request, lambda reply: Decimal(reply.credited))

    @unary
    def record_liquidation(self, liquidation_id: str, fills: Iterable[Fill], *, request_id: str = "") -> Call[None]:
        """Report the fills of a liquidation that was ordered."""
        request = escalation_pb2.RecordLiquidationRequest(
            request_id=request_id or _new_id(),
            liquidation_id=liquidation_id,
            fills=[codec.encode_fill(one) for one in fills],
        )
        return Call(request, _nothing)

    @unary
    def record_cover(
        self, account: str, layer: str, amount: float, who: str, why: str, pool: str = CROSS, *, request_id: str = ""
    ) -> Call[None]:
        """Record that a layer of the default waterfall paid."""
        request = escalation_pb2.RecordCoverRequest(
            request_id=request_id or _new_id(),
            account_id=account,
            pool=pool,
            layer=layer,
            amount=amount,
            who=who,
            why=why,
        )
        return Call(request, _nothing)

    @stream
    def watch(self, after: int = 0, until_now: bool = False) -> Call[LadderEvent]:
        """Follow everything the ladder does after a position; with `until_now`, end with what is durable now."""
        request = escalation_pb2.WatchEventsRequest(after_position=after, until_now=until_now)
        return Call(request, codec.decode_event)

    # Rulebooks

    @unary
    def validate_rulebook(self, text: bytes, file: str = "") -> Call[list[Diagnostic]]:
        """Return every problem of a rulebook; nothing is changed."""
        return Call(rulebook_pb2.ValidateRulebookRequest(file=file, text=text), _diagnostics)

    @unary
    def activate_rulebook(
        self, text: bytes, who: str, why: str, file: str = "", *, request_id: str = ""
    ) -> Call[Activation]:
        """Switch to a rulebook; RulebookError where it is refused, and then the active one stays."""
        request = rulebook_pb2.ActivateRulebookRequest(
            request_id=request_id or _new_id(), file=file, text=text, who=who, why=why
        )
        return Call(request, _activation)

    @unary
    def roll_back_rulebook(
        self, revision: int, who: str, why: str, *, signed: Signed | None = None, request_id: str = ""
    ) -> Call[Activation]:
        """Switch back to the text of an earlier revision, as a new revision; 0 for one step back."""
        request = rulebook_pb2.RollBackRulebookRequest(
            request_id=request_id or _new_id(),
            revision=revision,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, lambda reply: Activation(reply.revision, reply.digest))

    @unary
    def rulebooks(self) -> Call[list[RulebookRevision]]:
        """Return every revision, oldest first."""
        request = rulebook_pb2.ListRulebooksRequest()
        return Call(request, lambda reply: [codec.decode_revision(one) for one in reply.revisions])

    @unary
    def get_rulebook(self, revision: int = 0) -> Call[tuple[RulebookRevision, bytes]]:
        """Return a revision and its text; 0 for the active one."""
        request = rulebook_pb2.GetRulebookRequest(revision=revision)
        return Call(request, lambda reply: (codec.decode_revision(reply.revision), bytes(reply.text)))


# Requests that more than one method sends


def _new_id() -> str:
    return str(uuid.uuid4())


def _check(one: OrderCheck) -> check_pb2.CheckOrderRequest:
    return check_pb2.CheckOrderRequest(
        account_id=one.account,
        pool=one.pool,
        order=codec.encode_order(one.order),
        hold=one.hold,
        request_id=one.request_id or (_new_id() if one.hold else ""),
    )


def _prices(sequence: int, prices: Iterable[Price], request_id: str = "") -> book_pb2.UpdatePricesRequest:
    return book_pb2.UpdatePricesRequest(
        request_id=request_id or _new_id(), sequence=sequence, prices=[codec.encode_price(one) for one in prices]
    )


def _accounts(accounts: Iterable[Account], request_id: str = "") -> book_pb2.UpdateAccountsRequest:
    return book_pb2.UpdateAccountsRequest(
        request_id=request_id or _new_id(), accounts=[codec.encode_account(one) for one in accounts]
    )


# Answers


def _nothing(_: Any) -> None:
    return None


def _page(reply: Any, items: Iterable[Any]) -> Page[Any]:
    return Page(list(items), reply.next_page_token)


def _call(reply: Any) -> MarginCall:
    return codec.decode_call(reply.call)


def _decision_or_error(reply: check_pb2.CheckOrdersResponse) -> OrderDecision | InputError:
    if not reply.error_code:
        return codec.decode_decision(reply.decision)
    error = coded_error(reply.error_code, reply.error_message, reply.error_hint)
    if not isinstance(error, InputError):
        raise AssertionError(f"code of one order's error was {reply.error_code}")
    return error


def _diagnostics(reply: Any) -> list[Diagnostic]:
    return [codec.decode_diagnostic(one) for one in reply.diagnostics]


def _activation(reply: rulebook_pb2.ActivateRulebookResponse) -> Activation:
    if reply.diagnostics:
        raise RulebookError(tuple(_diagnostics(reply)))
    return Activation(reply.revision, reply.digest)
