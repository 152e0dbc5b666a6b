# SPDX-License-Identifier: Apache-2.0
"""Calls about a rulebook in shadow, and what they answer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from marginrules._pb import shadow_pb2
from marginrules.client import codec
from marginrules.client.rpc import Call, unary
from marginrules.codes import Reason
from marginrules.errors import RulebookError
from marginrules.model import Order

_KINDS = {
    shadow_pb2.SHADOW_DIFFERENCE_KIND_WOULD_REFUSE: "would_refuse",
    shadow_pb2.SHADOW_DIFFERENCE_KIND_WOULD_ACCEPT: "would_accept",
    shadow_pb2.SHADOW_DIFFERENCE_KIND_OTHER_REASONS: "other_reasons",
}


@dataclass(frozen=True, slots=True)
class ShadowVerdict:
    """Carry what one rulebook says of an order; figures as if it fills, 0 where the pool cannot be assessed."""

    accepted: bool
    reasons: Reason
    equity: float
    initial_margin: float
    rule: str


@dataclass(frozen=True, slots=True)
class ShadowDifference:
    """Carry one check of which the rulebooks say different things."""

    time_ns: int
    kind: str  # "would_refuse", "would_accept" or "other_reasons"; "" where a newer server knows more
    account_id: str
    pool: str
    product: str
    order: Order
    active: ShadowVerdict
    shadow: ShadowVerdict


@dataclass(frozen=True, slots=True)
class ShadowCount:
    """Carry how many checks of a product differ in a kind."""

    product: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class ShadowLevels:
    """Carry how many pools stand at one step by their ratio, and would at another; "" is none."""

    step: str
    shadow_step: str
    now: int
    total: int  # how often a pool came to stand so


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """Carry what would be different under a rulebook in shadow; see `shadow.proto` for each field."""

    file: str
    rulebook: str
    digest: str
    started_ns: int
    who: str
    why: str
    active_revision: int
    active_digest: str
    since_ns: int
    compared: int
    kinds: dict[str, int]
    products: tuple[ShadowCount, ...]
    first_ns: int
    last_ns: int
    differences: tuple[ShadowDifference, ...]
    pools: int
    levels: tuple[ShadowLevels, ...]
    misfits: tuple[str, ...]


class ShadowMethods:
    """List the methods about a rulebook in shadow."""

    @unary
    def start_shadow(self, text: bytes, who: str, why: str, file: str = "", *, request_id: str = "") -> Call[str]:
        """Ask a rulebook beside the active one; return its digest. RulebookError where it is refused."""
        request = shadow_pb2.StartShadowRequest(
            request_id=request_id or uuid.uuid4().hex, file=file, text=text, who=who, why=why
        )
        return Call(request, _started)

    @unary
    def stop_shadow(self, who: str, why: str, *, request_id: str = "") -> Call[str]:
        """Ask the active rulebook alone; return the digest of the one that was in shadow."""
        request = shadow_pb2.StopShadowRequest(request_id=request_id or uuid.uuid4().hex, who=who, why=why)
        return Call(request, lambda reply: str(reply.digest))

    @unary
    def shadow_report(self, differences_max: int = 0) -> Call[ShadowReport]:
        """Say what would be different, with the newest differences: 100 of them where the number is 0."""
        return Call(shadow_pb2.GetShadowReportRequest(differences_max=differences_max), decode_report)


def _started(reply: shadow_pb2.StartShadowResponse) -> str:
    if reply.diagnostics:
        raise RulebookError(tuple(codec.decode_diagnostic(one) for one in reply.diagnostics))
    return reply.digest


def decode_report(one: shadow_pb2.GetShadowReportResponse) -> ShadowReport:
    """Read a report."""
    return ShadowReport(
        file=one.file,
        rulebook=one.rulebook,
        digest=one.rulebook_digest,
        started_ns=one.started_ns,
        who=one.who,
        why=one.why,
        active_revision=one.active_revision,
        active_digest=one.active_digest,
        since_ns=one.since_ns,
        compared=one.compared,
        kinds={_KINDS.get(row.kind, ""): row.count for row in one.kinds},
        products=tuple(ShadowCount(row.product, _KINDS.get(row.kind, ""), row.count) for row in one.products),
        first_ns=one.first_ns,
        last_ns=one.last_ns,
        differences=tuple(_difference(row) for row in one.differences),
        pools=one.pools,
        levels=tuple(ShadowLevels(row.step, row.shadow_step, row.now, row.total) for row in one.levels),
        misfits=tuple(one.misfits),
    )


def _difference(one: shadow_pb2.ShadowDifference) -> ShadowDifference:
    return ShadowDifference(
        time_ns=one.time_ns,
        kind=_KINDS.get(one.kind, ""),
        account_id=one.account_id,
        pool=one.pool,
        product=one.product,
        order=codec.decode_order(one.order),
        active=_verdict(one.active),
        shadow=_verdict(one.shadow),
    )


def _verdict(one: shadow_pb2.ShadowVerdict) -> ShadowVerdict:
    return ShadowVerdict(one.accepted, codec.decode_reasons(one.reasons), one.equity, one.initial_margin, one.rule)
