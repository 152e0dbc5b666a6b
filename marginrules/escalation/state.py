# SPDX-License-Identifier: Apache-2.0
"""
What the ladder remembers of one pool, what it is told, and what it says.

All records are frozen; a state is replaced, never changed. Amounts are exact decimals in the rulebook's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from marginrules.codes import CallStatus, EventKind, Restriction
from marginrules.model import Holding
from marginrules.terms import Ladder


@dataclass(frozen=True, slots=True)
class Measure:
    """
    Carry what an assessment says, as far as the ladder needs it.

    `is_valid` is False where the assessment cannot be trusted; deadlines still pass then, but no threshold is judged.
    `noise` is set by the ladder: a lack of equity below it is that of a sum of doubles, and too small to be demanded.
    """

    is_valid: bool
    equity: float
    initial_margin: float
    maintenance_margin: float
    holdings: tuple[Holding, ...] = ()
    has_orders: bool = False
    noise: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Say whether nothing is left to liquidate."""
        return not any(one.quantity for one in self.holdings)

    def is_at_least(self, ratio: float) -> bool:
        """Say whether equity / MM has reached a ratio, compared crosswise; False for anything not a number."""
        if ratio == float("inf"):
            return self.maintenance_margin == 0.0 and self.equity + self.noise >= 0.0
        return self.equity + self.noise >= ratio * self.maintenance_margin


@dataclass(frozen=True, slots=True)
class Call:
    """Carry one demand for collateral."""

    call_id: str
    step: int
    step_name: str
    kind: str  # "first", "further" (the deficiency grew while the step had a call open), "after_liquidation"
    digest: str  # of the rulebook it was made under
    line: int
    amount: Decimal
    issued_ns: int
    due_ns: int
    deposited: Decimal = Decimal(0)
    status: CallStatus = CallStatus.OPEN
    closed_ns: int = 0
    acknowledged_by: str = ""
    disputed_until_ns: int = 0
    extensions: int = 0

    @property
    def outstanding(self) -> Decimal:
        """Return what is still due."""
        return self.amount - self.deposited

    @property
    def falls_due_ns(self) -> int:
        """Return when it goes unmet: a dispute holds the deadline up until its own end."""
        return max(self.due_ns, self.disputed_until_ns)


@dataclass(frozen=True, slots=True)
class ActiveStep:
    """Carry a step that was entered and has not cleared."""

    step: int
    since_ns: int
    by_unmet: bool  # entered because a call went unmet, not by its threshold
    is_exhausted: bool = False  # its call went unmet; what follows has taken over until a liquidation has ended
    waived: Decimal = Decimal(0)  # given up by the desk: not demanded again while the step lasts
    is_declared: bool = False  # a default was declared
    is_done: bool = False  # its liquidation ended; the next one begins below `below` or after another unmet call
    next_round_ns: int = 0  # no round of its liquidation before this


@dataclass(frozen=True, slots=True)
class Liquidation:
    """Carry a liquidation under way."""

    step: int
    until: float
    rounds: int = 0
    awaiting: str = ""  # id of the round that was ordered and not yet reported
    is_recalled: bool = False  # the executor was told to stop that round and report it
    next_ns: int = 0


@dataclass(frozen=True, slots=True)
class LadderState:
    """
    Carry everything the ladder remembers of one pool.

    Args:
        digest, ladder: the program and the ladder in it that this state follows.
        active: entered steps, mildest first.
        pending: (step, since) of thresholds breached for less than `for`.
        calls: open calls, oldest first.
        number: of the last call or liquidation of this pool; never falls.
        layer: of the waterfall, drawn last.
    """

    pool: str
    digest: str = ""
    ladder: int = -1
    active: tuple[ActiveStep, ...] = ()
    pending: tuple[tuple[int, int], ...] = ()
    calls: tuple[Call, ...] = ()
    liquidation: Liquidation | None = None
    restriction: Restriction = Restriction.NONE
    shortfall: Decimal = Decimal(0)  # of a declared default, not yet covered
    layer: str = ""
    number: int = 0

    @property
    def severity(self) -> int:
        """Return the most severe step entered; -1 for none."""
        return self.active[-1].step if self.active else -1

    @property
    def is_idle(self) -> bool:
        """Say whether nothing is under way."""
        return not (self.active or self.pending or self.calls or self.liquidation)

    @property
    def is_pinned(self) -> bool:
        """Say whether the revision must be kept: a call is open, a liquidation under way, or a shortfall uncovered."""
        return bool(self.calls or self.liquidation or self.shortfall)


@dataclass(frozen=True, slots=True)
class Event:
    """
    Carry one thing that the ladder did, with the rule that decided it; or that a person did to the rulebook.

    What belongs to no pool has pool and ladder "".
    """

    kind: EventKind
    time_ns: int
    pool: str
    digest: str
    ladder: str
    step: str = ""
    line: int = 0
    because: str = ""
    call_id: str = ""
    amount: Decimal | None = None
    due_ns: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    change_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return plain data, amounts as text; keys without a value are left out."""
        plain = {
            "kind": self.kind.value,
            "time_ns": self.time_ns,
            "pool": self.pool,
            "digest": self.digest,
            "ladder": self.ladder,
            "step": self.step,
            "line": self.line,
            "because": self.because,
            "call_id": self.call_id,
            "amount": "" if self.amount is None else format(self.amount, "f"),
            "due_ns": self.due_ns,
            "data": self.data,
            "change_id": self.change_id,
        }
        return {key: value for key, value in plain.items() if value not in ("", 0, {})}


class Draft:
    """Collect events while a state is being replaced; lives within one transition."""

    def __init__(self, state: LadderState, ladder: Ladder, now_ns: int) -> None:
        self.state = state
        self.ladder = ladder
        self.now_ns = now_ns
        self.events: list[Event] = []

    def set(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)

    def say(self, kind: EventKind, step: int = -1, **details: Any) -> None:
        """Record an event, with the line of the step that decided it."""
        term = self.ladder.steps[step] if 0 <= step < len(self.ladder.steps) else None
        self.events.append(
            Event(
                kind,
                self.now_ns,
                self.state.pool,
                self.state.digest,
                self.ladder.name,
                step=term.name if term else "",
                line=term.line if term else self.ladder.line,
                because=term.because if term else "",
                **details,
            )
        )

    def set_active(self, step: int, **changes: Any) -> None:
        """Replace fields of one active step."""
        self.set(active=tuple(replace(one, **changes) if one.step == step else one for one in self.state.active))

    def close_call(self, call: Call, status: CallStatus, kind: EventKind, **details: Any) -> Call:
        """End an open call and say so."""
        ended = replace(call, status=status, closed_ns=self.now_ns)
        self.set(calls=tuple(one for one in self.state.calls if one.call_id != call.call_id))
        self.say(kind, call.step, call_id=call.call_id, amount=call.outstanding, due_ns=call.falls_due_ns, **details)
        return ended

    def done(self) -> tuple[LadderState, tuple[Event, ...]]:
        """Return the new state and what happened."""
        return self.state, tuple(self.events)
