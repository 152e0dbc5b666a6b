# SPDX-License-Identifier: Apache-2.0
"""
The shard behind one lock, its clock and its journal: apply, append, and acknowledge only what is on disk.

A command is applied in memory under the lock, its entry is handed to the journal, and the caller waits for the disk
without the lock; entries become durable in the order in which they were applied. Checks take no lock.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from marginrules.errors import InputError, JournalCorruptError, MarginRulesError, OverloadError
from marginrules.journal.chain import Entry, Journal
from marginrules.limits import RETRY_AFTER_MS
from marginrules.model import Order, OrderDecision
from marginrules.service import shading, shadow
from marginrules.service.decide import decide, decision_of
from marginrules.service.decision_log import DecisionLog
from marginrules.service.past import entry_body, recompute, shard_at
from marginrules.service.ports import Clock
from marginrules.service.record import record
from marginrules.service.shadow import ShadowReport
from marginrules.service.shard import Outcome, Shard
from marginrules.service.why import DecisionExplanation, explain_decision
from marginrules.units import format_time

Data = dict[str, Any]
Seen = TypeVar("Seen")
EVENT_BITS = 24  # a position is an entry's number and, below it, the place of the event in the entry


@dataclass(frozen=True, slots=True)
class Positioned:
    """Carry one recorded event and the position after which a watcher goes on."""

    position: int
    event: Data


class Service:
    """
    Answer checks from memory and carry out commands durably.

    Args:
        journal: everything that was acknowledged before, and where everything is written from now on.
        clock: tells the time of decisions.
        on_fault: called with an error that is no refusal; it must stop the process.
        decisions: where each check is recorded with everything it was made from; None: nowhere.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        on_fault: Callable[[Exception], None],
        decisions: DecisionLog | None = None,
    ) -> None:
        self.shard = Shard()
        self.clock = clock
        self._journal = journal
        self._on_fault = on_fault
        self._decisions = decisions
        self._looking_back = threading.Lock()
        self._lock = threading.Lock()
        self._durable = threading.Condition()
        self._in_flight: dict[str, tuple[str, Data, Future[None]]] = {}
        self._last_ns = 0
        self._published = 0

    # Start

    def restore(self, progress: Callable[[int], None] | None = None) -> int:
        """
        Fold the whole journal, verifying its chain and every decision in it.

        Returns:
            The number of entries.

        Raises:
            JournalCorruptError: the chain breaks, or an entry does not follow from those before it.
        """
        count = 0
        for entry, difference in recompute(self._journal.read(), self.shard):
            if difference:
                raise JournalCorruptError(
                    "MR-S101", f"entry {entry.seq} does not follow from those before it: {difference}"
                )
            self._last_ns, count = entry.time_ns, entry.seq
            if progress:
                progress(count)
        # What was held is in the journal and was compared again; what was only checked is in no journal.
        shading.forget_compared(self.shard, self._last_ns)
        self.clock.follow(self._last_ns)
        self._published = count
        return count

    # Answers

    def now_ns(self) -> int:
        """Return the time of a decision taken now; it never runs backwards."""
        return max(self.clock.now_ns(), self._last_ns)

    def check(self, account: str, pool: str, order: Order) -> OrderDecision:
        """Decide one order from memory."""
        if self._decisions is not None:
            return self._check_recorded(account, pool, order, self._decisions)
        return decide(self.shard, account, pool, order, self.now_ns(), is_compared=True)

    def _check_recorded(self, account: str, pool: str, order: Order, log: DecisionLog) -> OrderDecision:
        """Decide and record under the lock, so that what is recorded is what decided."""
        with self._lock:
            now_ns = self.now_ns()
            decision = decide(self.shard, account, pool, order, now_ns, is_compared=True)
            # What is unknown has nothing that it was decided from.
            if decision.digest:
                log.write(record(self.shard, account, pool, now_ns, order, decision))
        return decision

    def record(self, account: str, pool: str, order: Order | None = None) -> Data:
        """Return a decision, or how a pool stands, with everything it comes from."""
        with self._lock:
            return record(self.shard, account, pool, self.now_ns(), order)

    def explain(self, account: str, pool: str, order: Order | None = None, time_ns: int = 0) -> DecisionExplanation:
        """
        Explain where a pool stands and why an order would be answered as it would be.

        Args:
            time_ns: a moment in the past, for which the journal is folded again; 0: now.

        Raises:
            InputError: the account or pool is unknown, or was by then.
            OverloadError: somebody else is looking back; it takes as long as a restart.
        """
        if time_ns <= 0:
            return explain_decision(self.shard, account, pool, self.now_ns(), order)
        if time_ns > self.now_ns():
            raise InputError("MR-I102", f"time was {format_time(time_ns)}, in the future", "what will be is not known")
        if not self._looking_back.acquire(blocking=False):
            raise OverloadError("MR-O101", "another look into the past is under way", RETRY_AFTER_MS)
        try:
            shard, _ = shard_at(self._journal.read(), time_ns)
        finally:
            self._looking_back.release()
        return explain_decision(shard, account, pool, time_ns, order)

    def hold(self, request_id: str, account: str, pool: str, order: Data) -> OrderDecision:
        """Decide one order and reserve its margin where it is accepted; durable before it is acknowledged."""
        return decision_of(self.submit("hold", {"account": account, "pool": pool, "order": order}, request_id))

    def report_shadow(self) -> ShadowReport:
        """Say what would be different, had the rulebook in shadow been active; InputError where there is none."""
        with self._lock:
            return shadow.report(self.shard)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries of the journal, oldest first."""
        yield from self._journal.read()

    # Commands

    def submit(self, kind: str, data: Data, request_id: str) -> Data:
        """
        Carry out a command once.

        Args:
            request_id: the same id again gets the first reply; the id with another command is refused.

        Returns:
            The reply, once it and everything before it is on disk.

        Raises:
            InputError, RulebookError: the command was refused; nothing has changed.
            DurabilityError: the disk failed; nothing may be acknowledged any more.
        """
        fingerprint = hashlib.sha256(json.dumps([kind, data], sort_keys=True).encode()).hexdigest()
        with self._lock:
            reply, future = self._known(request_id, fingerprint) or self._carry_out(kind, data, request_id, fingerprint)
        future.result()
        with self._durable:
            self._in_flight.pop(request_id, None)
        return reply

    def look(self, at: Callable[[Shard, int], Seen]) -> Seen:
        """Let a function look at the shard and the time between two commands; it changes nothing, and is quick."""
        with self._lock:
            return at(self.shard, self.now_ns())

    def tick(self) -> int | None:
        """
        Do what time alone has made due.

        Returns:
            When to come again, or None where nothing waits.
        """
        with self._lock:
            future = self._run_timers(self.now_ns())
            due = self.shard.next_due_ns()
        if future is not None:
            future.result()
        return due

    def _known(self, request_id: str, fingerprint: str) -> tuple[Data, Future[None]] | None:
        with self._durable:
            found = self._in_flight.get(request_id)
        if found is None:
            entry = self._journal.find_request(request_id)
            if entry is None:
                return None
            body = json.loads(entry.body)
            done: Future[None] = Future()
            done.set_result(None)
            found = (body["fingerprint"], body["reply"], done)
        if found[0] != fingerprint:
            raise InputError(
                "MR-I117",
                f"request id {request_id!r} was used before for another request",
                "make a new id for each request",
            )
        return found[1], found[2]

    def _carry_out(self, kind: str, data: Data, request_id: str, fingerprint: str) -> tuple[Data, Future[None]]:
        now_ns = self.now_ns()
        if self.clock.follows_market and kind == "prices":
            now_ns = max([now_ns, *(one["time_ns"] for one in data["prices"])])
            self.shard.check_prices(data, now_ns)  # a refused update lets no time pass
        # What fell due while nobody served is judged by the policy that is given now.
        if kind != "policy":
            self._run_timers(now_ns)
        outcome, future = self._apply(kind, data, now_ns, request_id, fingerprint)
        if future is None:
            raise AssertionError("a command is always recorded")
        self.clock.follow(now_ns)
        if request_id:
            with self._durable:
                self._in_flight[request_id] = (fingerprint, outcome.reply, future)
        return outcome.reply, future

    def _apply(
        self, kind: str, data: Data, now_ns: int, request_id: str, fingerprint: str
    ) -> tuple[Outcome, Future[None] | None]:
        """Apply a command and hand its entry to the journal; a tick that did nothing has none."""
        try:
            outcome = self.shard.apply(kind, data, now_ns)
            if kind == "tick" and not (outcome.events or outcome.reply):
                return outcome, None
            return outcome, self._append(kind, data, outcome, now_ns, request_id, fingerprint)
        except MarginRulesError as error:
            if kind == "tick":
                self._on_fault(error)
            raise
        except Exception as error:
            # A refusal comes before any change; anything else may have left the state half changed. Only a restart
            # from the journal restores what was acknowledged.
            self._on_fault(error)
            raise

    def _run_timers(self, until_ns: int) -> Future[None] | None:
        """
        Do what is due. Market time stops at each timer on its way; wall-clock time handles what was missed at once.
        """
        future = None
        while (due := self.shard.next_due_ns()) is not None and due <= until_ns:
            now_ns = max(due, self._last_ns) if self.clock.follows_market else until_ns
            future = self._apply("tick", {}, now_ns, "", "")[1] or future
        return future

    def _append(
        self, kind: str, data: Data, outcome: Outcome, now_ns: int, request_id: str, fingerprint: str
    ) -> Future[None]:
        self._last_ns = max(self._last_ns, now_ns)
        body = entry_body(data, outcome, fingerprint)
        seq, future = self._journal.append(now_ns, kind, request_id, len(outcome.events), body)
        future.add_done_callback(lambda done: self._publish(seq, done))
        return future

    def _publish(self, seq: int, done: Future[None]) -> None:
        if done.exception() is None:
            with self._durable:
                self._published = seq
                self._durable.notify_all()

    # Watching

    @property
    def published(self) -> int:
        """Return the number of the last entry that watchers may see."""
        return self._published

    def wait_beyond(self, seq: int, timeout_s: float) -> bool:
        """Wait until an entry above `seq` is durable; return whether there is one."""
        with self._durable:
            return self._durable.wait_for(lambda: self._published > seq, timeout_s)

    def events(self, after: int) -> Iterator[Positioned]:
        """Yield recorded events above a position, in order, up to what is durable now."""
        seq, place = after >> EVENT_BITS, after & ((1 << EVENT_BITS) - 1)
        last = self._published
        for entry in self._journal.read(max(seq - 1, 0), only_with_events=True):
            if entry.seq > last:
                return
            for index, event in enumerate(json.loads(entry.body)["events"], start=1):
                if entry.seq > seq or index > place:
                    yield Positioned((entry.seq << EVENT_BITS) | index, event)

    def check_position(self, after: int) -> None:
        """Refuse a resume position that lies beyond the journal."""
        if after >> EVENT_BITS > self._published:
            raise InputError("MR-I121", f"resume position was {after}", "resume from a position that a watch gave")
