# SPDX-License-Identifier: Apache-2.0
"""What a history would have done to pools, pool by pool and summed up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median_low
from typing import NamedTuple

NOTHING = Decimal(0)
WORST = ("nothing", "warned", "called", "restricted", "liquidated", "defaulted")  # mildest first


class Outcome(NamedTuple):
    """
    Carry what happened to one pool; a time of 0 means never.

    Args:
        warned_ns: the first step of any kind was entered.
        amount: of all calls together, less what superseded ones left open: the most that was asked for anew.
        cured_calls: the pool came back by itself: prices recovered before anything was liquidated.
        cure_ns: the longest such call.
        open_calls: at the end of the history.
        rounds: of liquidation.
        unassessed: rows of the history in which the pool could not be assessed.
        step: on which the pool stands at the end; "" for none.
    """

    pool: str
    warned_ns: int = 0
    called_ns: int = 0
    calls: int = 0
    amount: Decimal = NOTHING
    cured_calls: int = 0
    cure_ns: int = 0
    unmet_calls: int = 0
    open_calls: int = 0
    restricted_ns: int = 0
    liquidated_ns: int = 0
    rounds: int = 0
    defaulted_ns: int = 0
    shortfall: Decimal = NOTHING
    unassessed: int = 0
    step: str = ""

    @property
    def account(self) -> str:
        """Return the account that the pool belongs to."""
        return self.pool.partition("|")[0]

    @property
    def worst(self) -> str:
        """Return the worst that happened, one of `WORST`."""
        happened = (
            True,
            self.warned_ns,
            self.called_ns,
            self.restricted_ns,
            self.liquidated_ns,
            self.defaulted_ns,
        )
        return next(name for name, one in reversed(tuple(zip(WORST, happened, strict=True))) if one)

    @property
    def is_cured(self) -> bool:
        """Say whether the pool was called and came back by itself each time."""
        return bool(self.cured_calls and not (self.unmet_calls or self.open_calls or self.rounds))

    @property
    def canonical(self) -> str:
        """Return everything as one line, spelt the same everywhere."""
        return "\t".join(format(one, "f") if isinstance(one, Decimal) else str(one) for one in self)


@dataclass(frozen=True, slots=True)
class HistoryImpact:
    """
    Sum up what a history would have done under one rulebook.

    Args:
        pools: all that were replayed, as are `accounts`.
        called, restricted, liquidated, defaulted: pools to which it happened at least once, as `warned`.
        cured: of the called ones, those that came back by themselves each time.
        cure_median_ns, cure_longest_ns: of these, how long the longest call was open.
        unassessed: pools that could not be assessed in at least one row.
        outcomes: of pools to which anything happened, in the order of the population.
        digest: SHA-256 of all outcomes; the same however the work was divided.
    """

    rulebook: str
    program_digest: str
    rows: int
    first_ns: int
    last_ns: int
    accounts: int
    pools: int
    warned: int
    called: int
    calls: int
    amount: Decimal
    cured: int
    cure_median_ns: int
    cure_longest_ns: int
    restricted: int
    liquidated: int
    rounds: int
    defaulted: int
    shortfall: Decimal
    unassessed: int
    outcomes: tuple[Outcome, ...]
    digest: str

    @property
    def called_accounts(self) -> int:
        """Return how many accounts had a pool that was called."""
        return len({one.account for one in self.outcomes if one.calls})

    @property
    def liquidated_accounts(self) -> int:
        """Return how many accounts had a pool that was liquidated."""
        return len({one.account for one in self.outcomes if one.rounds})


def summary(
    rulebook: str, program_digest: str, times: tuple[int, int, int], sizes: tuple[int, int], found: Iterable[Outcome]
) -> HistoryImpact:
    """
    Sum up outcomes.

    Args:
        times: rows of the history, its first and its last moment.
        sizes: accounts and pools.
        found: in the order of the population; pools to which nothing happened may be left out.
    """
    outcomes = tuple(one for one in found if one != Outcome(one.pool))
    cures = [one.cure_ns for one in outcomes if one.is_cured]
    digest = hashlib.sha256(f"{program_digest}\n{times}\n{sizes}\n".encode())
    for one in outcomes:
        digest.update(f"{one.canonical}\n".encode())
    return HistoryImpact(
        rulebook,
        program_digest,
        *times,
        *sizes,
        warned=sum(one.warned_ns > 0 for one in outcomes),
        called=sum(one.calls > 0 for one in outcomes),
        calls=sum(one.calls for one in outcomes),
        amount=sum((one.amount for one in outcomes), NOTHING),
        cured=len(cures),
        cure_median_ns=median_low(cures) if cures else 0,
        cure_longest_ns=max(cures, default=0),
        restricted=sum(one.restricted_ns > 0 for one in outcomes),
        liquidated=sum(one.rounds > 0 for one in outcomes),
        rounds=sum(one.rounds for one in outcomes),
        defaulted=sum(one.defaulted_ns > 0 for one in outcomes),
        shortfall=sum((one.shortfall for one in outcomes), NOTHING),
        unassessed=sum(one.unassessed > 0 for one in outcomes),
        outcomes=outcomes,
        digest=digest.hexdigest(),
    )
