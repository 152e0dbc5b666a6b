# SPDX-License-Identifier: Apache-2.0
"""One thin function per RPC: decode, call the service, encode. `METHODS` lists them all with the lane each runs in."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from marginrules import rulebook
from marginrules._pb import answer_pb2, book_pb2, check_pb2, escalation_pb2, rulebook_pb2
from marginrules.codes import CallStatus
from marginrules.errors import InputError, OverloadError, RulebookError
from marginrules.limits import (
    BULK_REQUEST_BYTES_MAX,
    REQUEST_BYTES_MAX,
    RETRY_AFTER_MS,
    RULEBOOK_BYTES_MAX,
    STREAM_LAG_EVENTS_MAX,
)
from marginrules.model import OrderDecision
from marginrules.server import (
    codec,
    codec_answers,
    handlers_cases,
    handlers_change,
    handlers_explain,
    handlers_lint,
    handlers_plan,
    handlers_shadow,
)
from marginrules.server.method import Method
from marginrules.server.metrics import Metrics
from marginrules.service import border, views
from marginrules.service.distance import measure_distance
from marginrules.service.explain import explain_margin
from marginrules.service.figures import measure_figures
from marginrules.service.resilience import measure_resilience
from marginrules.service.service import Service
from marginrules.service.stress import stresses_of
from marginrules.service.vulnerable import list_vulnerable
from marginrules.service.ways_out import INITIAL, find_ways_out
from marginrules.units import DAY_NS

Data = dict[str, Any]
_PAGE_DEFAULT, _PAGE_MAX = 100, 1_000
_WATCH_WAIT_S = 0.25


class Handlers(
    handlers_explain.ExplainHandlers,
    handlers_lint.LintHandlers,
    handlers_cases.CasesHandlers,
    handlers_plan.PlanHandlers,
    handlers_change.ChangeHandlers,
    handlers_shadow.ShadowHandlers,
):
    """Serve every RPC; each method takes a request message and returns the response."""

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics

    # Checks

    def check_order(self, request: check_pb2.CheckOrderRequest) -> check_pb2.CheckOrderResponse:
        """Decide one order, and hold it where asked to."""
        response = check_pb2.CheckOrderResponse()
        codec.write_decision(self._check(request), response.decision)
        return response

    def _check(self, request: check_pb2.CheckOrderRequest) -> OrderDecision:
        started = time.perf_counter()
        order = codec.check_order(request)
        if request.hold:
            data = codec.order_data(request.order)
            decision = self._service.hold(_request_id(request), request.account_id, request.pool, data)
        else:
            decision = self._service.check(request.account_id, request.pool, order)
        self._metrics.checked(decision, time.perf_counter() - started)
        return decision

    def check_orders(self, requests: Iterator[check_pb2.CheckOrdersRequest]) -> Iterator[check_pb2.CheckOrdersResponse]:
        """Decide orders as they come; one that cannot be read is answered and the stream goes on."""
        for request in requests:
            response = check_pb2.CheckOrdersResponse(correlation_id=request.correlation_id)
            try:
                codec.write_decision(self._check(request.check), response.decision)
            except InputError as error:
                response.error_code = error.code
                response.error_message = error.message
                response.error_hint = error.hint
            yield response

    def assess(self, request: check_pb2.AssessRequest) -> check_pb2.AssessResponse:
        """Assess one pool."""
        shard = self._service.shard
        pool = shard.book.pool_id(request.account_id, request.pool)
        view = views.view_pool(shard, pool, self._service.now_ns(), request.with_liquidation_prices)
        return check_pb2.AssessResponse(assessment=codec.assessment(view))

    def what_if(self, request: check_pb2.WhatIfRequest) -> check_pb2.WhatIfResponse:
        """Assess a copy of a pool."""
        shard = self._service.shard
        orders = [border.order({**codec.order_data(one), "client_order_id": "unnamed"}) for one in request.orders]
        before, after = views.what_if(
            shard,
            shard.book.pool_id(request.account_id, request.pool),
            self._service.now_ns(),
            orders,
            [codec.price_move(one) for one in request.moves],
            [(one.asset, one.amount) for one in request.deposits],
        )
        return check_pb2.WhatIfResponse(before=codec.assessment(before), after=codec.assessment(after))

    # Answers for people

    def measure_distance(self, request: answer_pb2.MeasureDistanceRequest) -> answer_pb2.MeasureDistanceResponse:
        """Say how far a pool is from each step."""
        shard = self._service.shard
        pool = shard.book.pool_id(request.account_id, request.pool)
        horizon_ns = request.horizon_ns or DAY_NS
        return codec_answers.distance(measure_distance(shard, pool, self._service.now_ns(), horizon_ns))

    def measure_resilience(self, request: answer_pb2.MeasureResilienceRequest) -> answer_pb2.MeasureResilienceResponse:
        """Say what a pool survives."""
        shard = self._service.shard
        pool = shard.book.pool_id(request.account_id, request.pool)
        stresses = [codec_answers.stress(one) for one in request.stresses]
        stresses += stresses_of(shard.program, request.scenarios)
        return codec_answers.resilience(measure_resilience(shard, pool, self._service.now_ns(), stresses))

    def list_vulnerable(self, request: answer_pb2.ListVulnerableRequest) -> answer_pb2.ListVulnerableResponse:
        """Return one page of the most exposed pools."""
        shard = self._service.shard
        stress = codec_answers.stress(request.stress) if request.HasField("stress") else None
        by, size = codec_answers.exposure(request.exposure), _page_size(request.page_size)
        page = list_vulnerable(shard, self._service.now_ns(), stress, by, size, request.page_token)
        return codec_answers.vulnerable(page)

    def find_ways_out(self, request: answer_pb2.FindWaysOutRequest) -> answer_pb2.FindWaysOutResponse:
        """Say what restores a pool."""
        shard = self._service.shard
        pool = shard.book.pool_id(request.account_id, request.pool)
        restore = request.restore or INITIAL
        return codec_answers.ways_out(find_ways_out(shard, pool, self._service.now_ns(), restore, request.ratio))

    def measure_figures(self, request: answer_pb2.MeasureFiguresRequest) -> answer_pb2.MeasureFiguresResponse:
        """Measure figures that the rulebook defines."""
        shard = self._service.shard
        pool, now_ns = shard.book.pool_id(request.account_id, request.pool), self._service.now_ns()
        return codec_answers.figures(
            measure_figures(shard, pool, now_ns, request.names, request.symbol, dict(request.given))
        )

    def explain_margin(self, request: answer_pb2.ExplainMarginRequest) -> answer_pb2.ExplainMarginResponse:
        """Say how a pool's margin comes about."""
        shard = self._service.shard
        pool = shard.book.pool_id(request.account_id, request.pool)
        return codec_answers.explanation(explain_margin(shard, pool, self._service.now_ns()))

    # Book

    def define_instruments(self, request: book_pb2.DefineInstrumentsRequest) -> book_pb2.DefineInstrumentsResponse:
        """Define instruments."""
        data = {"instruments": [codec.instrument_data(one) for one in request.instruments]}
        reply = self._submit("instruments", data, request)
        return book_pb2.DefineInstrumentsResponse(count=reply["count"])

    def update_prices(self, request: book_pb2.UpdatePricesRequest) -> book_pb2.UpdatePricesResponse:
        """Publish prices."""
        data = {"sequence": request.sequence, "prices": [codec.price_data(one) for one in request.prices]}
        reply = self._submit("prices", data, request)
        return book_pb2.UpdatePricesResponse(count=reply["count"], sequence=reply["sequence"])

    def stream_prices(
        self, requests: Iterator[book_pb2.StreamPricesRequest]
    ) -> Iterator[book_pb2.StreamPricesResponse]:
        """Publish prices as they come; the first refused one ends the stream."""
        for request in requests:
            yield book_pb2.StreamPricesResponse(result=self.update_prices(request.update))

    def publish_closes(self, request: book_pb2.PublishClosesRequest) -> book_pb2.PublishClosesResponse:
        """Publish closing prices."""
        data = {"replace": request.replace, "series": [codec.series_data(one) for one in request.series]}
        return book_pb2.PublishClosesResponse(count=self._submit("closes", data, request)["count"])

    def update_accounts(self, request: book_pb2.UpdateAccountsRequest) -> book_pb2.UpdateAccountsResponse:
        """Take snapshots."""
        data = {"accounts": [codec.account_data(one) for one in request.accounts]}
        return book_pb2.UpdateAccountsResponse(count=self._submit("accounts", data, request)["count"])

    def stream_accounts(
        self, requests: Iterator[book_pb2.StreamAccountsRequest]
    ) -> Iterator[book_pb2.StreamAccountsResponse]:
        """Take snapshots as they come; the first refused batch ends the stream."""
        for request in requests:
            yield book_pb2.StreamAccountsResponse(result=self.update_accounts(request.update))

    def get_account(self, request: book_pb2.GetAccountRequest) -> book_pb2.GetAccountResponse:
        """Return one account."""
        return book_pb2.GetAccountResponse(account=codec.account(self._service.shard.book.account(request.account_id)))

    def list_accounts(self, request: book_pb2.ListAccountsRequest) -> book_pb2.ListAccountsResponse:
        """Return one page of pools with their assessments."""
        shard, now_ns = self._service.shard, self._service.now_ns()
        first, size = _page(request.page_token, request.page_size)
        pools = range(first, shard.book.engine.pool_count)
        chosen = [pool for pool in sorted(shard.states) if pool >= first] if request.only_escalated else pools
        response = book_pb2.ListAccountsResponse()
        for pool in chosen[:size]:
            account = shard.book.engine.pool_state(pool)[0]
            class_id, _ = shard.book.engine.account_state(account)
            response.accounts.append(
                codec.account_summary(
                    shard.book.account_names[account],
                    shard.book.class_names[class_id],
                    shard.book.pool_name(pool),
                    views.view_pool(shard, pool, now_ns),
                )
            )
        if size < len(chosen):
            response.next_page_token = str(chosen[size])
        return response

    def transfer_collateral(self, request: book_pb2.TransferCollateralRequest) -> book_pb2.TransferCollateralResponse:
        """Move collateral between two pools of an account."""
        data = {
            "account": request.account_id,
            "from": request.from_pool,
            "to": request.to_pool,
            "asset": request.asset,
            "amount": request.amount,
            "who": request.who,
            "why": request.why,
        }
        return book_pb2.TransferCollateralResponse(credited=self._submit("transfer", data, request)["credited"])

    def release_order(self, request: book_pb2.ReleaseOrderRequest) -> book_pb2.ReleaseOrderResponse:
        """Give up an open order."""
        data = {"account": request.account_id, "client_order_id": request.client_order_id}
        self._submit("release", data, request)
        return book_pb2.ReleaseOrderResponse()

    def fill_order(self, request: book_pb2.FillOrderRequest) -> book_pb2.FillOrderResponse:
        """Fill an open order."""
        data = {
            "account": request.account_id,
            "client_order_id": request.client_order_id,
            "quantity": request.quantity,
            "price": request.price,
            "fee": request.fee,
        }
        return book_pb2.FillOrderResponse(quantity_left=self._submit("fill", data, request)["left"])

    # Escalation

    def list_calls(self, request: escalation_pb2.ListCallsRequest) -> escalation_pb2.ListCallsResponse:
        """Return one page of calls, in the order in which they were made."""
        first, size = _page(request.page_token, request.page_size)
        # A token counts all calls ever made: that one of them closes between two pages moves none of the others.
        chosen = [
            (place, call)
            for place, call in enumerate(list(self._service.shard.calls.values()))
            if place >= first
            and (not request.only_open or call.status is CallStatus.OPEN)
            and (not request.account_id or codec.split_label(call.call_id)[0] == request.account_id)
        ]
        return escalation_pb2.ListCallsResponse(
            calls=[self._call(call.call_id) for _, call in chosen[:size]],
            next_page_token=str(chosen[size][0]) if size < len(chosen) else "",
        )

    def get_call(self, request: escalation_pb2.GetCallRequest) -> escalation_pb2.GetCallResponse:
        """Return one call."""
        return escalation_pb2.GetCallResponse(call=self._call(request.call_id))

    def _call(self, call_id: str) -> escalation_pb2.MarginCall:
        shard = self._service.shard
        if call_id not in shard.calls:
            raise InputError("MR-I111", f"call {call_id!r} is not known")
        call = shard.calls[call_id]
        return codec.margin_call(call, shard.programs[call.digest].name)

    def acknowledge_call(
        self, request: escalation_pb2.AcknowledgeCallRequest
    ) -> escalation_pb2.AcknowledgeCallResponse:
        """Record that the client has seen a call."""
        return escalation_pb2.AcknowledgeCallResponse(call=self._act("acknowledge", request))

    def extend_call(self, request: escalation_pb2.ExtendCallRequest) -> escalation_pb2.ExtendCallResponse:
        """Move a deadline."""
        return escalation_pb2.ExtendCallResponse(call=self._act("extend", request, request.due_ns))

    def dispute_call(self, request: escalation_pb2.DisputeCallRequest) -> escalation_pb2.DisputeCallResponse:
        """Hold a deadline up."""
        return escalation_pb2.DisputeCallResponse(call=self._act("dispute", request, request.until_ns))

    def waive_call(self, request: escalation_pb2.WaiveCallRequest) -> escalation_pb2.WaiveCallResponse:
        """Give a call up."""
        return escalation_pb2.WaiveCallResponse(call=self._act("waive", request))

    def _act(self, act: str, request: Any, until_ns: int = 0) -> escalation_pb2.MarginCall:
        data = {"act": act, "call_id": request.call_id, "who": request.who, "why": request.why, "until_ns": until_ns}
        self._submit(act, data, request)
        return self._call(request.call_id)

    def record_deposit(self, request: escalation_pb2.RecordDepositRequest) -> escalation_pb2.RecordDepositResponse:
        """Add collateral."""
        data = {
            "account": request.account_id,
            "pool": request.pool,
            "asset": request.asset,
            "amount": request.amount,
            "who": request.who,
            "why": request.why,
        }
        return escalation_pb2.RecordDepositResponse(credited=self._submit("deposit", data, request)["credited"])

    def record_liquidation(
        self, request: escalation_pb2.RecordLiquidationRequest
    ) -> escalation_pb2.RecordLiquidationResponse:
        """Report the fills of a liquidation."""
        fills = [codec.fill_data(one) for one in request.fills]
        self._submit("executed", {"liquidation_id": request.liquidation_id, "fills": fills}, request)
        return escalation_pb2.RecordLiquidationResponse()

    def record_cover(self, request: escalation_pb2.RecordCoverRequest) -> escalation_pb2.RecordCoverResponse:
        """Record that a layer of the waterfall paid."""
        data = {
            "account": request.account_id,
            "pool": request.pool,
            "layer": request.layer,
            "amount": request.amount,
            "who": request.who,
            "why": request.why,
        }
        self._submit("cover", data, request)
        return escalation_pb2.RecordCoverResponse()

    def watch_events(
        self, request: escalation_pb2.WatchEventsRequest, is_over: Callable[[], bool]
    ) -> Iterator[escalation_pb2.WatchEventsResponse]:
        """
        Follow the ladder from a position on.

        Events are read from the journal, so a slow watcher costs no memory; one that had caught up and then falls too
        far behind is cut, and goes on from its last position.
        """
        self._service.check_position(request.after_position)
        position, has_caught_up = request.after_position, False
        while not is_over():
            seen = self._service.published
            # Read into memory first: a slow client must not hold a transaction of the journal open.
            batch = list(itertools.islice(self._service.events(position), STREAM_LAG_EVENTS_MAX + 1))
            if has_caught_up and len(batch) > STREAM_LAG_EVENTS_MAX:
                hint = f"resume after position {position}"
                raise OverloadError(
                    "MR-O102", f"more than {STREAM_LAG_EVENTS_MAX:,} events behind", RETRY_AFTER_MS, hint
                )
            for one in batch:
                yield codec.watch_event(one)
                position = one.position
            if len(batch) <= STREAM_LAG_EVENTS_MAX:
                if request.until_now:
                    return
                has_caught_up = True
                self._service.wait_beyond(seen, _WATCH_WAIT_S)
        raise OverloadError("MR-O103", "the server is draining", RETRY_AFTER_MS, f"resume after position {position}")

    # Rulebooks

    def validate_rulebook(self, request: rulebook_pb2.ValidateRulebookRequest) -> rulebook_pb2.ValidateRulebookResponse:
        """Report every problem of a text."""
        try:
            program = rulebook.load(request.text, request.file or "rulebook.yaml")
        except RulebookError as error:
            return rulebook_pb2.ValidateRulebookResponse(
                diagnostics=[codec.diagnostic(one) for one in error.diagnostics]
            )
        return rulebook_pb2.ValidateRulebookResponse(digest=program.digest)

    def activate_rulebook(self, request: rulebook_pb2.ActivateRulebookRequest) -> rulebook_pb2.ActivateRulebookResponse:
        """Switch to a rulebook."""
        file = request.file or "rulebook.yaml"
        found = rulebook.validate(request.text, file)
        if found:
            return rulebook_pb2.ActivateRulebookResponse(diagnostics=[codec.diagnostic(one) for one in found])
        data = {"text": request.text.decode(), "file": file, "who": request.who, "why": request.why}
        reply = self._submit("activate", data, request)
        return rulebook_pb2.ActivateRulebookResponse(revision=reply["revision"], digest=reply["digest"])

    def roll_back_rulebook(
        self, request: rulebook_pb2.RollBackRulebookRequest
    ) -> rulebook_pb2.RollBackRulebookResponse:
        """Switch back to an earlier revision."""
        data = {"revision": request.revision, "who": request.who, "why": request.why}
        reply = self._submit("rollback", data | codec.signed_data(request), request)
        return rulebook_pb2.RollBackRulebookResponse(revision=reply["revision"], digest=reply["digest"])

    def list_rulebooks(self, request: rulebook_pb2.ListRulebooksRequest) -> rulebook_pb2.ListRulebooksResponse:
        """Return every revision."""
        del request
        shard = self._service.shard
        return rulebook_pb2.ListRulebooksResponse(
            revisions=[codec.revision(one, one is shard.active) for one in list(shard.revisions)]
        )

    def get_rulebook(self, request: rulebook_pb2.GetRulebookRequest) -> rulebook_pb2.GetRulebookResponse:
        """Return one revision with its text."""
        shard = self._service.shard
        active = shard.active
        found = next((one for one in list(shard.revisions) if one.number == request.revision), None)
        found = found or (active if not request.revision else None)
        if found is None:
            raise InputError("MR-I116", f"revision {request.revision} is not known")
        return rulebook_pb2.GetRulebookResponse(
            revision=codec.revision(found, found is active), text=found.program.text
        )

    def _submit(self, kind: str, data: Data, request: Any) -> Data:
        return self._service.submit(kind, data, _request_id(request))


def _request_id(request: Any) -> str:
    return border.identifier("request_id", request.request_id)


def _page(token: str, size: int) -> tuple[int, int]:
    if token and not (token.isascii() and token.isdecimal() and len(token) < 12):
        raise InputError("MR-I110", f"page_token was {token[:40]!r}", "give the token of the page before")
    return int(token or 0), _page_size(size)


def _page_size(size: int) -> int:
    if size > _PAGE_MAX:
        raise InputError("MR-I113", f"page_size was {size}", f"allowed: at most {_PAGE_MAX:,}")
    return size or _PAGE_DEFAULT


_BULK = BULK_REQUEST_BYTES_MAX
_BOOK = RULEBOOK_BYTES_MAX + REQUEST_BYTES_MAX
METHODS: tuple[Method, ...] = (
    Method("CheckService", "CheckOrder", check_pb2.CheckOrderRequest, "check_order", "check"),
    Method("CheckService", "CheckOrders", check_pb2.CheckOrdersRequest, "check_orders", "stream", "bidirectional"),
    Method("CheckService", "Assess", check_pb2.AssessRequest, "assess", "check"),
    Method("CheckService", "WhatIf", check_pb2.WhatIfRequest, "what_if", "check"),
    Method("AnswerService", "MeasureDistance", answer_pb2.MeasureDistanceRequest, "measure_distance", "read"),
    Method("AnswerService", "MeasureResilience", answer_pb2.MeasureResilienceRequest, "measure_resilience", "read"),
    Method("AnswerService", "ListVulnerable", answer_pb2.ListVulnerableRequest, "list_vulnerable", "read"),
    Method("AnswerService", "FindWaysOut", answer_pb2.FindWaysOutRequest, "find_ways_out", "read"),
    Method("AnswerService", "MeasureFigures", answer_pb2.MeasureFiguresRequest, "measure_figures", "read"),
    Method("AnswerService", "ExplainMargin", answer_pb2.ExplainMarginRequest, "explain_margin", "read"),
    Method(
        "BookService",
        "DefineInstruments",
        book_pb2.DefineInstrumentsRequest,
        "define_instruments",
        "command",
        bytes_max=_BULK,
    ),
    Method("BookService", "UpdatePrices", book_pb2.UpdatePricesRequest, "update_prices", "command", bytes_max=_BULK),
    Method(
        "BookService", "StreamPrices", book_pb2.StreamPricesRequest, "stream_prices", "stream", "bidirectional", _BULK
    ),
    Method("BookService", "PublishCloses", book_pb2.PublishClosesRequest, "publish_closes", "command", bytes_max=_BULK),
    Method(
        "BookService", "UpdateAccounts", book_pb2.UpdateAccountsRequest, "update_accounts", "command", bytes_max=_BULK
    ),
    Method(
        "BookService",
        "StreamAccounts",
        book_pb2.StreamAccountsRequest,
        "stream_accounts",
        "stream",
        "bidirectional",
        _BULK,
    ),
    Method("BookService", "GetAccount", book_pb2.GetAccountRequest, "get_account", "read"),
    Method("BookService", "ListAccounts", book_pb2.ListAccountsRequest, "list_accounts", "read"),
    Method("BookService", "TransferCollateral", book_pb2.TransferCollateralRequest, "transfer_collateral", "command"),
    Method("BookService", "ReleaseOrder", book_pb2.ReleaseOrderRequest, "release_order", "command"),
    Method("BookService", "FillOrder", book_pb2.FillOrderRequest, "fill_order", "command"),
    Method("EscalationService", "ListCalls", escalation_pb2.ListCallsRequest, "list_calls", "read"),
    Method("EscalationService", "GetCall", escalation_pb2.GetCallRequest, "get_call", "read"),
    Method(
        "EscalationService", "AcknowledgeCall", escalation_pb2.AcknowledgeCallRequest, "acknowledge_call", "command"
    ),
    Method("EscalationService", "ExtendCall", escalation_pb2.ExtendCallRequest, "extend_call", "command"),
    Method("EscalationService", "DisputeCall", escalation_pb2.DisputeCallRequest, "dispute_call", "command"),
    Method("EscalationService", "WaiveCall", escalation_pb2.WaiveCallRequest, "waive_call", "command"),
    Method("EscalationService", "RecordDeposit", escalation_pb2.RecordDepositRequest, "record_deposit", "command"),
    Method(
        "EscalationService",
        "RecordLiquidation",
        escalation_pb2.RecordLiquidationRequest,
        "record_liquidation",
        "command",
    ),
    Method("EscalationService", "RecordCover", escalation_pb2.RecordCoverRequest, "record_cover", "command"),
    Method("EscalationService", "WatchEvents", escalation_pb2.WatchEventsRequest, "watch_events", "stream", "watch"),
    Method(
        "RulebookService",
        "ValidateRulebook",
        rulebook_pb2.ValidateRulebookRequest,
        "validate_rulebook",
        "read",
        bytes_max=_BOOK,
    ),
    Method(
        "RulebookService",
        "ActivateRulebook",
        rulebook_pb2.ActivateRulebookRequest,
        "activate_rulebook",
        "command",
        bytes_max=_BOOK,
    ),
    Method(
        "RulebookService", "RollBackRulebook", rulebook_pb2.RollBackRulebookRequest, "roll_back_rulebook", "command"
    ),
    Method("RulebookService", "ListRulebooks", rulebook_pb2.ListRulebooksRequest, "list_rulebooks", "read"),
    Method("RulebookService", "GetRulebook", rulebook_pb2.GetRulebookRequest, "get_rulebook", "read"),
    *handlers_change.METHODS,
    *handlers_explain.METHODS,
    *handlers_lint.METHODS,
    *handlers_cases.METHODS,
    *handlers_plan.METHODS,
    *handlers_shadow.METHODS,
)
