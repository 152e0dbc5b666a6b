# SPDX-License-Identifier: Apache-2.0
"""A rulebook in shadow: started, ended, and what it would do differently."""

from __future__ import annotations

from marginrules import rulebook
from marginrules._pb import shadow_pb2
from marginrules.errors import InputError
from marginrules.limits import REQUEST_BYTES_MAX, RULEBOOK_BYTES_MAX
from marginrules.server import codec
from marginrules.server.method import Method
from marginrules.service import border
from marginrules.service.service import Service
from marginrules.service.shadow import (
    DIFFERENCES_KEPT,
    OTHER_REASONS,
    WOULD_ACCEPT,
    WOULD_REFUSE,
    Difference,
    ShadowReport,
    Verdict,
)

_DIFFERENCES_DEFAULT = 100
_KINDS: dict[str, shadow_pb2.ShadowDifferenceKind] = {
    WOULD_REFUSE: shadow_pb2.SHADOW_DIFFERENCE_KIND_WOULD_REFUSE,
    WOULD_ACCEPT: shadow_pb2.SHADOW_DIFFERENCE_KIND_WOULD_ACCEPT,
    OTHER_REASONS: shadow_pb2.SHADOW_DIFFERENCE_KIND_OTHER_REASONS,
}


class ShadowHandlers:
    """Serve `ShadowService`."""

    _service: Service

    def start_shadow(self, request: shadow_pb2.StartShadowRequest) -> shadow_pb2.StartShadowResponse:
        """Ask a rulebook beside the active one from now on."""
        file = request.file or "rulebook.yaml"
        found = rulebook.validate(request.text, file)
        if found:
            return shadow_pb2.StartShadowResponse(diagnostics=[codec.diagnostic(one) for one in found])
        data = {"text": request.text.decode(), "file": file, "who": request.who, "why": request.why}
        reply = self._service.submit("shadow", data, border.identifier("request_id", request.request_id))
        return shadow_pb2.StartShadowResponse(digest=reply["digest"])

    def stop_shadow(self, request: shadow_pb2.StopShadowRequest) -> shadow_pb2.StopShadowResponse:
        """Ask the active rulebook alone from now on."""
        data = {"who": request.who, "why": request.why}
        reply = self._service.submit("unshadow", data, border.identifier("request_id", request.request_id))
        return shadow_pb2.StopShadowResponse(digest=reply["digest"])

    def get_shadow_report(self, request: shadow_pb2.GetShadowReportRequest) -> shadow_pb2.GetShadowReportResponse:
        """Say what would be different."""
        count = request.differences_max or _DIFFERENCES_DEFAULT
        if count > DIFFERENCES_KEPT:
            raise InputError("MR-I113", f"differences_max was {count:,}", f"allowed: at most {DIFFERENCES_KEPT:,}")
        return report(self._service.report_shadow(), count)


def report(one: ShadowReport, count: int) -> shadow_pb2.GetShadowReportResponse:
    """Write a report with some of its differences."""
    return shadow_pb2.GetShadowReportResponse(
        file=one.file,
        rulebook=one.name,
        rulebook_digest=one.digest,
        started_ns=one.started_ns,
        who=one.who,
        why=one.why,
        active_revision=one.active_revision,
        active_digest=one.active_digest,
        since_ns=one.since_ns,
        compared=one.compared,
        kinds=[shadow_pb2.ShadowCount(kind=_KINDS[kind], count=number) for kind, number in one.kinds.items()],
        products=[
            shadow_pb2.ShadowCount(kind=_KINDS[kind], product=product, count=number)
            for product, kind, number in one.products
        ],
        first_ns=one.first_ns,
        last_ns=one.last_ns,
        differences=[_difference(item) for item in one.differences[:count]],
        pools=one.pools,
        levels=[
            shadow_pb2.ShadowLevels(step=item.step, shadow_step=item.shadow_step, now=item.now, total=item.total)
            for item in one.levels
        ],
        misfits=one.misfits,
    )


def _difference(one: Difference) -> shadow_pb2.ShadowDifference:
    return shadow_pb2.ShadowDifference(
        time_ns=one.time_ns,
        kind=_KINDS[one.kind],
        account_id=one.account,
        pool=one.pool,
        product=one.product,
        order=codec.order(one.order),
        active=_verdict(one.active),
        shadow=_verdict(one.shadow),
    )


def _verdict(one: Verdict) -> shadow_pb2.ShadowVerdict:
    return shadow_pb2.ShadowVerdict(
        accepted=one.accepted,
        reasons=codec.reasons(one.reasons),
        equity=one.equity,
        initial_margin=one.initial_margin,
        rule=one.rule,
    )


_BOOK = RULEBOOK_BYTES_MAX + REQUEST_BYTES_MAX
METHODS: tuple[Method, ...] = (
    Method("ShadowService", "StartShadow", shadow_pb2.StartShadowRequest, "start_shadow", "command", bytes_max=_BOOK),
    Method("ShadowService", "StopShadow", shadow_pb2.StopShadowRequest, "stop_shadow", "command"),
    Method("ShadowService", "GetShadowReport", shadow_pb2.GetShadowReportRequest, "get_shadow_report", "read"),
)
