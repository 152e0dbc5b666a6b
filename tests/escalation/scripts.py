# SPDX-License-Identifier: Apache-2.0
"""Random lives of one pool: prices, time, deposits, fills and acts of the desk; and what is written down of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from marginrules.errors import InputError
from marginrules.escalation import desk, ladder
from marginrules.escalation.state import Event, LadderState, Measure
from marginrules.terms import Ladder
from marginrules.units import SECOND_NS
from tests.escalation.ladders import any_ladder
from tests.escalation.world import HOUR_NS, MINUTE_NS, START_NS, Desk, Lot, World

_WAITS = (
    0,
    SECOND_NS,
    11 * SECOND_NS,
    31 * SECOND_NS,
    2 * MINUTE_NS,
    HOUR_NS,
    5 * HOUR_NS,
    30 * HOUR_NS,
    100 * HOUR_NS,
)
_SHARES = (1.0, 1.0, 0.5, 0.0)
_ALONE_MAX = 1_000
_MOVES = (
    *("ratio", "ratio", "ratio", "slip", "slip", "slip", "slip", "wait", "due", "execute", "execute"),
    *("deposit", "deposit", "act", "act", "price", "market", "book"),
)
_ACTS: dict[str, Callable[..., desk.Moved]] = {"extend": desk.extend, "dispute": desk.dispute}

CENT = Decimal("0.01")

Move = tuple[str, int, int]


@dataclass(frozen=True)
class Moment:
    """Carry one transition: the state before and after, what was measured, what happened."""

    before: LadderState
    after: LadderState
    measure: Measure
    events: tuple[Event, ...]
    now_ns: int
    terms: Ladder
    is_advance: bool


@dataclass
class Life:
    """Carry a whole script played on one pool."""

    desk: Desk
    moments: list[Moment] = field(default_factory=list)

    def write_down(self, before: LadderState, after: LadderState, measure: Measure, events: tuple[Event, ...]) -> None:
        """Keep one transition."""
        table = self.desk
        self.moments.append(Moment(before, after, measure, events, table.now_ns, table.terms, not self.is_acting))
        self.is_acting = False

    is_acting: bool = False

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Show a failed example as its ladder, the end of its log, and how it stands."""
        steps = [(step.name, step.below, step.clear, step.call, step.liquidate) for step in self.desk.terms.steps]
        shown = re.sub(r"sessions=\(\(.*?\)\)", "sessions=...", f"{steps}")
        told = [f"{one.time_ns - START_NS} {one.kind} {one.step} {one.amount or ''}" for one in self.desk.log[-60:]]
        printer.text(f"Life({shown}, {told}, {self.desk.state}, {self.desk.world})")

    @property
    def advances(self) -> list[Moment]:
        """Return the transitions that were not acts of a person or an executor."""
        return [one for one in self.moments if one.is_advance]

    def play(self, script: list[Move], other: Ladder) -> None:
        """Play each move; an act that does not fit is refused and changes nothing."""
        self.desk.settle()
        for move in script:
            before = self.desk.state
            try:
                self._play_one(move, other)
            except InputError:
                assert self.desk.state is before
                self.is_acting = False
                self.desk.settle()

    def _play_one(self, move: Move, other: Ladder) -> None:  # noqa: PLR0912 - one branch for each sort of move
        name, which, size = move
        table, world = self.desk, self.desk.world
        if name == "price":
            lot = world.lots[which % len(world.lots)]
            table.move({lot.symbol: max(1.0, lot.price * (1_000 + size - 500) / 1_000)}, _WAITS[which % 3])
        elif name == "ratio":
            found = [level for step in table.terms.steps for level in (step.below, step.clear, step.clear_after)]
            levels = [level for level in found if level] or [1.0]  # a book may close out at nothing only
            level = levels[which % len(levels)]
            lot = world.lots[size % len(world.lots)]
            table.move({lot.symbol: world.price_for(lot, level + (size - 500) / 5_000)}, _WAITS[which % 3])
        elif name == "slip":
            lot = world.lots[size % len(world.lots)]
            table.move({lot.symbol: world.price_for(lot, world.ratio - size / 20_000)}, _WAITS[which % 3])
        elif name == "due":
            due = ladder.next_due_ns(table.state, table.terms)
            table.wait(max(0, due - table.now_ns + (which % 3 - 1)) if due else 0)
        elif name == "wait":
            table.wait(_WAITS[which % len(_WAITS)] if size > 300 else MINUTE_NS)
        elif name == "execute":
            if table.ordered:
                self.is_acting = True
                table.execute(_SHARES[which % 4])
        elif name == "deposit":
            self.is_acting = True
            table.deposit(self._deposit_of(which, size))
        elif name == "act":
            self._act(which, size)
        elif name == "market":
            if which % 3 == 0:
                world.has_orders = True
            else:
                world.is_valid = which % 3 == 1
            table.settle()
        elif which % 4 == 0:
            number = len(table.programs) + 1
            table.activate(f"d{number}", other if number % 2 == 0 else table.programs["d1"])

    def _deposit_of(self, which: int, size: int) -> Decimal:
        calls = self.desk.state.calls
        if calls and which % 4:
            whole = calls[0].outstanding
            return whole if which % 4 == 1 else max(whole * size / 1_000 // CENT * CENT, CENT)
        return Decimal(size * 731 + which) / 1_000 // CENT * CENT

    def _act(self, which: int, size: int) -> None:
        table = self.desk
        calls = table.state.calls
        if table.state.shortfall and which % 2:
            paid = min(table.state.shortfall, Decimal(size * 10))
            steps = [table.terms.steps[one.step] for one in table.state.active if one.is_declared]
            layer = steps[0].waterfall[size % len(steps[0].waterfall)]
            table.world.cash += float(paid)
            self.is_acting = True
            table.act(lambda state: desk.cover(state, table.terms, layer, paid, "desk", "agreed", table.now_ns))
            return
        if not calls:
            return
        call = calls[size % len(calls)].call_id
        until = table.now_ns + _WAITS[size % len(_WAITS)]
        self.is_acting = True
        table.act(lambda state: _decide(state, table, which % 6, call, until))

    def leave_alone(self) -> int:
        """Let nothing happen but time and fills in full; return how many steps it took until nothing waits."""
        table = self.desk
        table.world.is_valid = True
        table.settle()
        for count in range(_ALONE_MAX):
            if table.ordered:
                self.is_acting = True
                table.execute()
                continue
            due = ladder.next_due_ns(table.state, table.terms)
            if due is None:
                return count
            table.wait(max(due - table.now_ns, 0))
        raise AssertionError(f"no end: {table.state}")


def _decide(state: LadderState, table: Desk, which: int, call: str, until: int) -> desk.Moved:
    who, why, now = "desk", "agreed", table.now_ns
    if which == 0:
        return desk.waive(state, table.terms, call, who, why, now)
    if which == 1:
        return desk.acknowledge(state, table.terms, call, who, why, now)
    return _ACTS["extend" if which % 2 else "dispute"](state, table.terms, call, until, who, why, now)


_MOVE = st.tuples(st.sampled_from(_MOVES), st.integers(0, 11), st.integers(0, 1_000))
_LOT = st.tuples(
    st.sampled_from((-40.0, -3.0, 7.0, 25.0, 90.0)), st.sampled_from((0.05, 0.1, 0.3)), st.sampled_from((0.0, 0.5, 1.0))
)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Draw a ladder and a pool not far from its first threshold, and play a script on it."""
    terms = draw(any_ladder())
    lots = [
        Lot(f"S{index}", quantity, 100.0, rate, step)
        for index, (quantity, rate, step) in enumerate(draw(st.lists(_LOT, min_size=1, max_size=3)))
    ]
    world = World(0.0, lots, has_orders=draw(st.booleans()))
    world.cash = world.measure.maintenance_margin * draw(st.integers(100, 170)) / 100
    life = Life(Desk(world, terms))
    life.desk.watch = life.write_down
    script = draw(st.lists(_MOVE, min_size=10, max_size=30))
    life.play(script, draw(any_ladder()))
    return life
