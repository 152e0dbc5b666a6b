# SPDX-License-Identifier: Apache-2.0
"""
What a history would have done to a population under one rulebook.

The rules of a replay:

    * Everybody holds at the start what the population says, and nothing is under way. Nobody deposits, withdraws or
      trades; open orders stay until the ladder cancels them. Unmet calls go unmet. Fees and funding due stand still,
      and so do closes and what is computed of them.
    * Time stands at the rows of the history. What falls due between two rows is done at the later one, in the order of
      the ladder. A price of a row is of the moment of that row; one that the row does not have keeps its time, so that
      a gap longer than the rulebook's `max_age` makes what hangs on it impossible to assess, and is counted.
    * A round of a liquidation is filled whole, at the marks of its row, without a fee, and the next one is ordered when
      `every` has passed, at a row. An option without value is sold for the least price there is.
    * Pools do not touch each other: what is liquidated moves no price.

Ladders move by the very functions of the service, on a shard of its own. The core measures every pool at every row and
hands over those that may wake; see `marginrules.escalation.wake`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from marginrules._core.core import Assessment, Replay
from marginrules.authoring.impact.history import History, feeds_of, limited
from marginrules.authoring.impact.outcome import NOTHING, Outcome
from marginrules.authoring.impact.population import Population, shard_with
from marginrules.codes import EventKind
from marginrules.escalation.state import Event, LadderState
from marginrules.escalation.wake import Wake, wake_of
from marginrules.limits import MAGNITUDE_MIN
from marginrules.rulebook import Program
from marginrules.service.shard import Shard

ALWAYS = Wake(0.0, 0, None, None, (), None, at_any=True, at_valid=True)
_ISSUES = (EventKind.CALL_ISSUED, EventKind.CALL_FURTHER)
_ENDS = (EventKind.CALL_CURED, EventKind.CALL_UNMET, EventKind.CALL_SUPERSEDED)


@dataclass(slots=True)
class _Tally:
    """Count what happens to one pool."""

    counts: dict[str, Any] = field(default_factory=lambda: dict(Outcome("")._asdict()))
    open_calls: dict[str, tuple[int, int]] = field(default_factory=dict)  # id -> when it was issued, rounds by then

    def add(self, events: list[Event]) -> None:
        replaced: dict[str, Decimal] = {}
        for event in events:
            if event.kind in _ISSUES:
                self._issued(event, replaced.pop(event.step, NOTHING))
            elif event.kind in _ENDS:
                self._ended(event)
                if event.kind is EventKind.CALL_SUPERSEDED:
                    by = event.data["by"]
                    replaced[by] = replaced.get(by, NOTHING) + (event.amount or NOTHING)
            elif event.kind is EventKind.STEP_ENTERED:
                self._first("warned_ns", event)
            elif event.kind is EventKind.RESTRICTED:
                self._first("restricted_ns", event)
            elif event.kind is EventKind.LIQUIDATION_ORDERED:
                self._first("liquidated_ns", event)
                self.counts["rounds"] += 1
            elif event.kind is EventKind.DEFAULT_DECLARED:
                self._first("defaulted_ns", event)
                self.counts["shortfall"] += event.amount

    def _first(self, name: str, event: Event) -> None:
        self.counts[name] = self.counts[name] or event.time_ns

    def _issued(self, event: Event, replaced: Decimal) -> None:
        """Count a call; what it takes over from calls that it replaces was asked for before."""
        self._first("called_ns", event)
        self.counts["calls"] += 1
        self.counts["amount"] += (event.amount or NOTHING) - replaced
        self.open_calls[event.call_id] = (event.time_ns, self.counts["rounds"])

    def _ended(self, event: Event) -> None:
        issued_ns, rounds = self.open_calls.pop(event.call_id)
        if event.kind is EventKind.CALL_UNMET:
            self.counts["unmet_calls"] += 1
        elif event.kind is EventKind.CALL_CURED and rounds == self.counts["rounds"]:
            self.counts["cured_calls"] += 1
            self.counts["cure_ns"] = max(self.counts["cure_ns"], event.time_ns - issued_ns)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Carry the outcomes of a replay, and how often a pool had to be looked at."""

    pools: int
    outcomes: list[Outcome]
    wakes: int


class Replayer:
    """Replay a history on one population under one program."""

    def __init__(
        self,
        program: Program,
        population: Population,
        history: History,
        looks_always: bool = False,
        block_rows: int = 0,
    ) -> None:
        """Take a population that the program covers; `looks_always`: advance every ladder at every row, for tests."""
        self._shard: Shard = shard_with(program, population)
        self._book = self._shard.book
        self._engine = self._book.engine
        self._program = program
        self._looks_always = looks_always
        self._history = limited(history, program)
        feeds = feeds_of(self._history, self._book)
        self._core = Replay(
            self._engine, self._history.times_ns, self._history.values, *feeds, program.max_age_ns, block_rows
        )
        self._fresh: dict[int, Wake] = {}
        self._tallies: dict[int, _Tally] = {}
        self._wakes = 0
        for pool in range(self._engine.pool_count):
            self._wake_fresh(pool, self._engine.assess(pool, 0))

    def run(self) -> Replayed:
        """Go through the whole history."""
        first = 0
        while first < len(self._history):
            count = self._core.load(first)
            for pool, woken in self._core.run():
                place = woken
                while place >= 0:
                    self._core.show(place)
                    self._look(pool, self._history.times_ns[first + place])
                    place = self._core.run_on(pool, place + 1)
            first += count
        pools = range(self._engine.pool_count)
        return Replayed(len(pools), [one for pool in pools if (one := self._outcome(pool)) is not None], self._wakes)

    def _look(self, pool: int, now_ns: int) -> None:
        """Advance a pool as the service would, fill what it orders, and say when it has to be looked at again."""
        self._wakes += 1
        events = self._shard.settle(pool, now_ns)
        while events:
            self._tallies.setdefault(pool, _Tally()).add(events)
            ordered = next((one for one in events if one.kind is EventKind.LIQUIDATION_ORDERED), None)
            if ordered is None:
                break
            events = self._fill(ordered, now_ns)
        state, found = self._shard.states.get(pool), self._engine.assess(pool, now_ns)
        if state is None:
            self._wake_fresh(pool, found)
        elif self._looks_always:
            self._core.wake_at(pool, ALWAYS, None)
        else:
            self._core.wake_at(pool, self._wake_of(pool, state, found, now_ns), found)

    def _fill(self, ordered: Event, now_ns: int) -> list[Event]:
        fills = [
            {"symbol": symbol, "quantity": quantity, "price": self._mark_of(symbol)}
            for symbol, quantity in ordered.data["orders"]
        ]
        return self._shard.apply("executed", {"liquidation_id": ordered.call_id, "fills": fills}, now_ns).events

    def _mark_of(self, symbol: str) -> float:
        return max(self._engine.price_of(self._book.instrument_ids[symbol])[0], MAGNITUDE_MIN)

    def _wake_fresh(self, pool: int, found: Assessment) -> None:
        wake = self._fresh.get(found.ladder)
        if wake is None:
            state = LadderState("", self._program.digest, found.ladder)
            wake = wake_of(state, self._program.ladders[found.ladder], is_flat=False, now_ns=0)
            self._fresh[found.ladder] = wake = ALWAYS if self._looks_always else wake
        self._core.wake_at(pool, wake, None)

    def _wake_of(self, pool: int, state: LadderState, found: Assessment, now_ns: int) -> Wake:
        is_flat = not self._engine.pool_content(pool)[2]
        keeps = state.is_pinned or (is_flat and not state.is_idle and found.maintenance_margin == 0.0)
        if state.ladder != found.ladder and not keeps:
            return ALWAYS  # it moves to another ladder as soon as it is looked at
        ladder = self._shard.programs[state.digest].ladders[state.ladder]
        return wake_of(state, ladder, is_flat, now_ns)

    def _outcome(self, pool: int) -> Outcome | None:
        """Return what happened to a pool; None where nothing did."""
        tally, unassessed = self._tallies.get(pool), self._core.unassessed_of(pool)
        if tally is None and not unassessed:
            return None
        tally = tally or _Tally()
        state = self._shard.states.get(pool)
        step = ""
        if state is not None and state.severity >= 0:
            step = self._shard.programs[state.digest].ladders[state.ladder].steps[state.severity].name
        tally.counts.update(pool=self._book.pool_label(pool), unassessed=unassessed)
        return Outcome(**{**tally.counts, "open_calls": len(tally.open_calls), "step": step})


def replay(program: Program, population: Population, history: History, looks_always: bool = False) -> Replayed:
    """Replay a history on a population under a program that covers it; see above for the rules."""
    return Replayer(program, population, history, looks_always).run()
