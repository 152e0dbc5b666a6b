# SPDX-License-Identifier: Apache-2.0
"""
A rulebook in shadow: asked beside the active one in every check and settlement, and only what differs is kept.

What is kept of checks is no state of the shard: checks are answered from memory and are in no journal, so a restart
begins to count anew. The shadow judges margin. The restriction in force, the orders held and the balances are those
that the active rulebook brought about; what the candidate's ladder would do is told as the step by threshold at which
each pool would stand.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from marginrules._core.core import Assessment, Batch, LevelDifferences
from marginrules.codes import Reason
from marginrules.errors import InputError
from marginrules.model import Order
from marginrules.rulebook import Program

if TYPE_CHECKING:
    from marginrules.service.shard import Shard

DIFFERENCES_KEPT = 1_000  # the newest
WOULD_REFUSE = "would_refuse"  # accepted, and would be refused
WOULD_ACCEPT = "would_accept"  # refused, and would be accepted
OTHER_REASONS = "other_reasons"  # the same verdict, for other reasons
KINDS = (WOULD_REFUSE, WOULD_ACCEPT, OTHER_REASONS)
CANNOT_BE_ASSESSED = "cannot be assessed"


class Verdict(NamedTuple):  # a tuple, as is the difference: there may be as many as checks
    """Carry what one rulebook says of an order; equity and IM as if it fills, 0 where they are not known."""

    accepted: bool
    reasons: Reason
    equity: float
    initial_margin: float
    rule: str


class Difference(NamedTuple):
    """Carry one check of which the two rulebooks say different things."""

    time_ns: int
    kind: str  # one of `KINDS`
    account: str
    pool: str
    product: str  # by the active rulebook
    order: Order
    active: Verdict
    shadow: Verdict


@dataclass(frozen=True, slots=True)
class LevelCount:
    """Carry how many pools stand at one step, and would at another; "" is none."""

    step: str
    shadow_step: str
    now: int  # pools at the last settlement
    total: int  # how often a pool came to stand so


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """Carry what is known of a rulebook in shadow."""

    file: str
    name: str
    digest: str
    started_ns: int
    who: str
    why: str
    active_revision: int  # that it is compared with
    active_digest: str
    since_ns: int  # from when on checks were counted: the start, another activation, or a restart
    compared: int
    kinds: Mapping[str, int]
    products: tuple[tuple[str, str, int], ...]  # product, kind, count: the most first
    first_ns: int  # of a difference; 0 where there is none
    last_ns: int
    differences: tuple[Difference, ...]  # the newest first
    pools: int
    levels: tuple[LevelCount, ...]
    misfits: tuple[str, ...]  # for which it could not be activated now

    @property
    def differing(self) -> int:
        """Return how many checks differ."""
        return sum(self.kinds.values())


class Tally:
    """Count differences; any thread may add one. Only differences take the lock."""

    def __init__(self, revision: int, since_ns: int) -> None:
        self.revision = revision
        self.since_ns = since_ns
        self.kinds = dict.fromkeys(KINDS, 0)
        self.products: Counter[tuple[str, str]] = Counter()
        self.first_ns = 0
        self.last_ns = 0
        self.newest: deque[Difference] = deque(maxlen=DIFFERENCES_KEPT)
        self._lock = threading.Lock()

    def add(self, one: Difference) -> None:
        """Count one difference, and keep it among the newest."""
        with self._lock:
            self.kinds[one.kind] += 1
            self.products[one.product, one.kind] += 1
            self.first_ns = self.first_ns or one.time_ns
            self.last_ns = one.time_ns
            self.newest.append(one)

    def copy(self) -> Tally:
        """Return the counts as they are at one moment."""
        made = Tally(self.revision, self.since_ns)
        with self._lock:
            made.kinds, made.products = dict(self.kinds), Counter(self.products)
            made.first_ns, made.last_ns = self.first_ns, self.last_ns
            made.newest = self.newest.copy()
        return made


@dataclass(slots=True)
class Shadow:
    """Hold one rulebook in shadow, with what differs."""

    number: int  # tells it from those before
    program: Program
    file: str
    started_ns: int
    who: str
    why: str
    tally: Tally = field(default_factory=lambda: Tally(0, 0))
    names: tuple[str, ...] = ()
    levels: LevelDifferences | None = None
    rules: dict[str, tuple[str, ...]] = field(default_factory=dict)  # symbol -> by profile, or one for all
    batch: Batch | None = None

    def compare_with(self, active: Program, revision: int, now_ns: int) -> None:
        """Begin to count anew, against an active rulebook."""
        names = ["", CANNOT_BE_ASSESSED]
        numbers = {"": 0}
        for program in (active, self.program):
            for one in (step.name for ladder in program.ladders for step in ladder.steps):
                if one not in numbers:
                    numbers[one] = len(names)
                    names.append(one)
        self.names = tuple(names)
        self.levels = LevelDifferences(len(names), _steps(active, numbers), _steps(self.program, numbers))
        self.tally = Tally(revision, now_ns)

    def settle_range(self, shard: Shard, count: int, now_ns: int, active: Batch) -> None:
        """Compare the steps of all pools, which have been assessed by the active rulebook at this moment."""
        if self.levels is None:
            return
        if self.batch is None or self.batch.count < count:
            self.batch = Batch(active.count)
        if shard.book.engine.assess_shadow_range(0, count, now_ns, self.batch):
            self.levels.note_range(count, active, self.batch)

    def settle(self, shard: Shard, pool: int, now_ns: int, active: Assessment) -> None:
        """Compare the steps of one pool."""
        found = shard.book.engine.assess_shadow(pool, now_ns)
        if self.levels is not None and found is not None:
            self.levels.note_pool(pool, active, found)

    def level_counts(self) -> tuple[LevelCount, ...]:
        """Return how many pools stand at other steps, and how often that came to be; the most first."""
        if self.levels is None:
            return ()
        now, total = self.levels.now(), self.levels.total()
        rows = [LevelCount(self.names[a], self.names[b], now.get((a, b), 0), total[a, b]) for a, b in total]
        return tuple(sorted(rows, key=lambda one: (-one.now, -one.total, one.step, one.shadow_step)))


def _steps(program: Program, numbers: dict[str, int]) -> list[list[int]]:
    """Return by ladder and level the number of the step by threshold, as the first one counts none."""
    return [
        [0, *(numbers[ladder.steps[index].name] for index in entered)]
        for ladder, entered in zip(program.ladders, program.entered, strict=True)
    ]


def kind_of(accepted: bool, would: bool) -> str:
    """Return which kind of difference it is, given that there is one."""
    if accepted == would:
        return OTHER_REASONS
    return WOULD_REFUSE if accepted else WOULD_ACCEPT


def current(shard: Shard) -> Shadow:
    """Return the rulebook in shadow; InputError where there is none."""
    if shard.shadow is None:
        raise InputError("MR-I181", "no rulebook is in shadow", "start one first")
    return shard.shadow


def report(shard: Shard) -> ShadowReport:
    """Say what would be different, had the rulebook in shadow been active. Not while a command changes the shard."""
    shadow = current(shard)
    tally = shadow.tally.copy()
    against = shard.revisions[tally.revision - 1]
    products = sorted(tally.products.items(), key=lambda row: (-row[1], row[0]))
    return ShadowReport(
        file=shadow.file,
        name=shadow.program.name,
        digest=shadow.program.digest,
        started_ns=shadow.started_ns,
        who=shadow.who,
        why=shadow.why,
        active_revision=against.number,
        active_digest=against.program.digest,
        since_ns=tally.since_ns,
        # A check is counted before its difference is: a report must not show more differences than checks.
        compared=max(shard.book.engine.checks_compared, sum(tally.kinds.values())),
        kinds=tally.kinds,
        products=tuple((product, kind, count) for (product, kind), count in products),
        first_ns=tally.first_ns,
        last_ns=tally.last_ns,
        differences=tuple(reversed(tally.newest)),
        pools=shard.book.engine.pool_count,
        levels=shadow.level_counts(),
        misfits=tuple(shard.book.misfits(shadow.program)),
    )
