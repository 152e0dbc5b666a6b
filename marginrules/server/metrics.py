# SPDX-License-Identifier: Apache-2.0
"""What Prometheus reads: checks by verdict and reason, their latency, open calls by step, journal lag, the rulebook."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from marginrules.codes import CallStatus, Reason
from marginrules.journal import SqliteJournal
from marginrules.model import OrderDecision
from marginrules.service.service import Service

_BUCKETS = (10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 50e-3, 0.1, 0.5, 1.0)


class Metrics:
    """Count checks; the labels of a combination are resolved once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._checks = Counter(
            "marginrules_checks", "Order checks by verdict and reasons", ["verdict", "reason"], registry=self.registry
        )
        self._latency = Histogram(
            "marginrules_check_seconds", "Time to decide one order", buckets=_BUCKETS, registry=self.registry
        )
        self._refusals = Counter(
            "marginrules_requests_refused", "Requests refused by error code", ["code"], registry=self.registry
        )
        self._known: dict[tuple[bool, int], Counter] = {}

    def checked(self, decision: OrderDecision, seconds: float) -> None:
        """Count one decision."""
        key = (decision.accepted, int(decision.reasons))
        counter = self._known.get(key)
        if counter is None:
            names = ",".join(Reason(decision.reasons).names).lower() or "none"
            counter = self._checks.labels("accepted" if decision.accepted else "rejected", names)
            self._known[key] = counter
        counter.inc()
        self._latency.observe(seconds)

    def refused(self, code: str) -> None:
        """Count one request that was refused."""
        self._refusals.labels(code).inc()


class StateCollector(Collector):
    """Read gauges from the service when they are asked for."""

    def __init__(self, service: Service, journal: SqliteJournal) -> None:
        self._service = service
        self._journal = journal

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges as they are now."""
        shard = self._service.shard
        calls = GaugeMetricFamily("marginrules_open_calls", "Open margin calls by step", labels=["step"])
        for step, count in Tally(
            one.step_name for one in list(shard.calls.values()) if one.status is CallStatus.OPEN
        ).items():
            calls.add_metric([step], count)
        yield calls
        yield GaugeMetricFamily("marginrules_accounts", "Accounts", value=len(shard.book.account_names))
        yield GaugeMetricFamily("marginrules_escalated_pools", "Pools with a step or a call", value=len(shard.states))
        yield GaugeMetricFamily(
            "marginrules_journal_lag_entries",
            "Entries taken and not yet on disk",
            value=self._journal.seq - self._journal.durable_seq,
        )
        yield GaugeMetricFamily("marginrules_journal_entries", "Entries on disk", value=self._journal.durable_seq)
        if shard.active:
            active = {
                "name": shard.active.program.name,
                "digest": shard.active.program.digest,
                "revision": str(shard.active.number),
            }
            yield InfoMetricFamily("marginrules_rulebook", "The active rulebook", value=active)
