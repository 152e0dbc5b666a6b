# SPDX-License-Identifier: Apache-2.0
"""What Prometheus reads: checks by verdict and reason, their latency, open calls by step, journal lag, the rulebook."""

from __future__ import annotations

import bisect
import itertools
import threading
from collections import Counter as Tally
from collections import deque
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from marginrules._core.core import searches_cut
from marginrules.codes import CallStatus, ChangeState, Reason
from marginrules.journal import SqliteJournal
from marginrules.model import OrderDecision
from marginrules.service.service import Service
from marginrules.service.shard import Shard

_BUCKETS = (10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 50e-3, 0.1, 0.5, 1.0)
_NOTES_MAX = 256


class Metrics(Collector):
    """
    Count checks and refusals.

    A check only leaves a note. Notes are counted some hundred at a time, in plain numbers, and become metrics when they
    are asked for: a check takes a few microseconds, and must not spend as many on being counted.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self._refusals = Counter(
            "marginrules_requests_refused", "Requests refused by error code", ["code"], registry=self.registry
        )
        self._notes: deque[tuple[bool, int, float]] = deque()
        self._lock = threading.Lock()
        self._checks: Tally[tuple[bool, int]] = Tally()
        self._in_bucket = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def checked(self, decision: OrderDecision, seconds: float) -> None:
        """Count one decision."""
        self._notes.append((decision.accepted, decision.reasons, seconds))
        if len(self._notes) >= _NOTES_MAX:
            with self._lock:
                self._count_notes()

    def _count_notes(self) -> None:
        while self._notes:
            accepted, reasons, seconds = self._notes.popleft()
            self._checks[accepted, reasons] += 1
            self._in_bucket[bisect.bisect_left(_BUCKETS, seconds)] += 1
            self._seconds += seconds

    def refused(self, code: str) -> None:
        """Count one request that was refused."""
        self._refusals.labels(code).inc()

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted."""
        with self._lock:
            self._count_notes()
            checks, in_bucket, seconds = dict(self._checks), list(self._in_bucket), self._seconds
        counter = CounterMetricFamily("marginrules_checks", "Order checks", labels=["verdict", "reason"])
        for (accepted, reasons), count in checks.items():
            names = ",".join(Reason(reasons).names).lower() or "none"
            counter.add_metric(["accepted" if accepted else "rejected", names], count)
        yield counter
        bounds = [*(str(bound) for bound in _BUCKETS), "+Inf"]
        buckets = list(zip(bounds, itertools.accumulate(in_bucket), strict=True))
        yield HistogramMetricFamily("marginrules_check_seconds", "Time to decide one order", buckets, seconds)


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
        yield CounterMetricFamily(
            "marginrules_grouping_searches_cut",
            "Searches for the cheapest grouping into strategies that were cut; what they gave may cost more",
            value=searches_cut(),
        )
        yield GaugeMetricFamily("marginrules_journal_entries", "Entries on disk", value=self._journal.durable_seq)
        yield from self._changes()
        yield from _shadow_metrics(shard)
        if shard.active:
            active = {
                "name": shard.active.program.name,
                "digest": shard.active.program.digest,
                "revision": str(shard.active.number),
            }
            yield InfoMetricFamily("marginrules_rulebook", "The active rulebook", value=active)

    def _changes(self) -> Iterator[Metric]:
        shard = self._service.shard
        changes = GaugeMetricFamily("marginrules_changes", "Changes of the rulebook by state", labels=["state"])
        known = Tally(shard.changes.state_of(one, shard.active_digest) for one in list(shard.changes.known.values()))
        for state in ChangeState:
            changes.add_metric([state.value], known[state])
        yield changes
        yield GaugeMetricFamily(
            "marginrules_break_glass_active",
            "1 while a rulebook is active that nobody has approved",
            value=shard.changes.glass is not None,
        )
        yield CounterMetricFamily(
            "marginrules_failed_activations",
            "Rulebooks that could not be activated when they were due",
            value=shard.changes.failures,
        )


def _shadow_metrics(shard: Shard) -> Iterator[Metric]:
    """Yield how much a rulebook in shadow differs; nothing where there is none."""
    shadow = shard.shadow
    if shadow is None:
        return
    differences = CounterMetricFamily(
        "marginrules_shadow_differences", "Checks that a rulebook in shadow decides otherwise", labels=["kind"]
    )
    kinds = shadow.tally.copy().kinds
    for kind, count in kinds.items():
        differences.add_metric([kind], count)
    yield differences
    yield CounterMetricFamily(
        "marginrules_shadow_checks",
        "Checks of which a rulebook in shadow was asked",
        value=max(shard.book.engine.checks_compared, sum(kinds.values())),
    )
    pools = GaugeMetricFamily(
        "marginrules_shadow_pools",
        "Pools that a rulebook in shadow puts at another step",
        labels=["step", "shadow_step"],
    )
    for row in shadow.level_counts():
        pools.add_metric([row.step or "none", row.shadow_step or "none"], row.now)
    yield pools
