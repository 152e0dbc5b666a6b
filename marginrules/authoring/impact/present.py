# SPDX-License-Identifier: Apache-2.0
"""
Whom a rulebook hits on the accounts of now: what its activation would do at this moment, tried on a copy.

The copy takes accounts, prices and what ladders remember; it looks at every pool under the rulebook of before, then
switches to the one of after just as the service does: pools with an open call, a liquidation under way or an uncovered
shortfall keep the rulebook under which it began. Nothing is reported filled: of a liquidation the first round counts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from marginrules.authoring.impact.population import Population, activate, check_fits, shard_with
from marginrules.authoring.impact.texts import compiled
from marginrules.codes import EventKind
from marginrules.escalation.state import Event, LadderState
from marginrules.rulebook import Program
from marginrules.service.shard import Shard

NOTHING = Decimal(0)
NO_STEP = ""
UNASSESSABLE = "(unassessable)"
LARGEST = 20
_CALLS = (EventKind.CALL_ISSUED, EventKind.CALL_FURTHER)


@dataclass(frozen=True, slots=True)
class StepCount:
    """Carry how many pools and accounts stand on a step, `NO_STEP` for none; while its `for` runs, they stand on it."""

    step: str
    pools_before: int
    pools_after: int
    accounts_before: int
    accounts_after: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Carry how a pool stands under one rulebook; not a number where it cannot be assessed."""

    step: str
    equity: float
    initial_margin: float
    maintenance_margin: float
    has_orders: bool

    @property
    def deficiency(self) -> float:
        """Return what equity lacks to IM; 0 where it lacks nothing."""
        return max(self.initial_margin - self.equity, 0.0)

    @property
    def is_short(self) -> bool:
        """Say whether there are open orders that the pool would not be let place now."""
        return self.has_orders and not self.equity >= self.initial_margin


@dataclass(frozen=True, slots=True)
class Moved:
    """Carry a pool that a change hits."""

    pool: str
    before: Standing
    after: Standing

    @property
    def account(self) -> str:
        """Return the account that the pool belongs to."""
        return self.pool.partition("|")[0]


@dataclass(frozen=True, slots=True)
class NowImpact:
    """
    Carry what the activation of a rulebook would do now.

    Args:
        steps: by name, in the order of the ladders, `NO_STEP` first; `UNASSESSABLE` last where there is any.
        moved: pools that stand on another step, or can be assessed under one of the two only.
        largest: of these, those with the largest deficiency, then the largest MM, under the rulebook of after.
        orders_short: pools with open orders whose equity covers IM before, and not after.
        events: what ladders would do at once, by kind.
        calls_amount: of calls made at once.
        pinned: pools that keep the rulebook under which a call, a liquidation or a default began.
        digest: SHA-256 of the standings of all pools and of what happens.
    """

    time_ns: int
    before_digest: str
    after_digest: str
    accounts: int
    pools: int
    steps: tuple[StepCount, ...]
    moved: tuple[Moved, ...]
    largest: tuple[Moved, ...]
    orders_short: tuple[Moved, ...]
    events: Mapping[str, int]
    calls_amount: Decimal
    pinned: int
    digest: str


def now(population: Population, before: Program, after: Program, now_ns: int, largest: int = LARGEST) -> NowImpact:
    """
    Try the activation of a rulebook on a population as it is at a moment.

    Args:
        before: the active rulebook, under which states without an end of their own began.
        largest: how many of the moved pools are listed as such.

    Raises:
        InputError: a rulebook does not cover the population.
    """
    for program in (before, after):
        check_fits(program, population)
    shard = shard_with(before, population)
    shard.book.set_prices([one for one in population.prices if one.name != before.currency])
    _adopt(shard, population)
    shard.settle_all(now_ns)
    old = _standings(shard, now_ns)
    activate(shard, after)
    events = shard.settle_all(now_ns)
    new = _standings(shard, now_ns)
    moved = [Moved(pool, old[pool], new[pool]) for pool in new if old[pool].step != new[pool].step]
    shorts = [Moved(pool, old[pool], new[pool]) for pool in new if new[pool].is_short and not old[pool].is_short]
    return NowImpact(
        time_ns=now_ns,
        before_digest=before.digest,
        after_digest=after.digest,
        accounts=len(population.accounts),
        pools=len(new),
        steps=_counts(before, after, old, new),
        moved=tuple(moved),
        largest=tuple(sorted(moved, key=_size, reverse=True)[:largest]),
        orders_short=tuple(shorts),
        events=dict(sorted(Counter(one.kind.value for one in events).items())),
        calls_amount=sum((one.amount or NOTHING for one in events if one.kind in _CALLS), NOTHING),
        pinned=sum(one.is_pinned and one.digest != after.digest for one in shard.states.values()),
        digest=_digest(old, new, events),
    )


def _adopt(shard: Shard, population: Population) -> None:
    for text in population.pinned:
        shard.programs[text.digest] = compiled(text)
    pools = {shard.book.pool_label(pool): pool for pool in range(shard.book.engine.pool_count)}
    shard.remember({pools[label]: one for label, one in population.states.items()})


def _standings(shard: Shard, now_ns: int) -> dict[str, Standing]:
    book, found = shard.book, {}
    for pool in range(book.engine.pool_count):
        one, state = book.engine.assess(pool, now_ns), shard.states.get(pool)
        step = _step(shard, state) if one.is_valid else UNASSESSABLE
        figures = (one.equity, one.initial_margin, one.maintenance_margin)
        found[book.pool_label(pool)] = Standing(step, *figures, has_orders=pool in book.orders)
    return found


def _step(shard: Shard, state: LadderState | None) -> str:
    places = [state.severity, *(step for step, _ in state.pending)] if state is not None else [-1]
    if state is None or max(places) < 0:
        return NO_STEP
    return shard.programs[state.digest].ladders[state.ladder].steps[max(places)].name


def _size(one: Moved) -> tuple[float, float, str]:
    return one.after.deficiency, one.after.maintenance_margin, one.pool


def _counts(
    before: Program, after: Program, old: Mapping[str, Standing], new: Mapping[str, Standing]
) -> tuple[StepCount, ...]:
    names = [NO_STEP]
    for program in (before, after):
        for ladder in program.ladders:
            place = 0
            for step in ladder.steps:
                place = names.index(step.name) if step.name in names else place + 1
                if step.name not in names:
                    names.insert(place, step.name)
    pools = [Counter(one.step for one in side.values()) for side in (old, new)]
    accounts = [
        Counter(step for _, step in {(pool.partition("|")[0], one.step) for pool, one in side.items()})
        for side in (old, new)
    ]
    names += [one for one in (UNASSESSABLE,) if pools[0][one] or pools[1][one]]
    return tuple(StepCount(one, pools[0][one], pools[1][one], accounts[0][one], accounts[1][one]) for one in names)


def _digest(old: Mapping[str, Standing], new: Mapping[str, Standing], events: list[Event]) -> str:
    found = hashlib.sha256()
    for side in (old, new):
        for pool, one in side.items():
            figures = (one.equity, one.initial_margin, one.maintenance_margin)
            found.update(f"{pool}\t{one.step}\t{figures!r}\t{one.has_orders}\n".encode())
    for event in events:
        found.update(f"{event.as_json()!r}\n".encode())
    return found.hexdigest()
