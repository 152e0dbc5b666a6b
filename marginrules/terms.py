# SPDX-License-Identifier: Apache-2.0
"""
The terms of a ladder as frozen records: what a compiled rulebook hands to the state machine.

Ratios are fractions (1.2 for 120 %) of equity / maintenance margin; amounts are exact decimals in the rulebook's
currency; times are nanoseconds. And how fast published values may move.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from decimal import Decimal

from marginrules.codes import Restriction
from marginrules.units import DAY_NS

LAST_NS = (1 << 63) - 1  # the last moment of all: never


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    Say by when: after a duration, or at a time of day some business days later.

    Args:
        duration_ns: for a deadline by the clock, else 0.
        business_days: for a deadline by the calendar, 1 for the next business day, else 0.
        sessions: one row for each business day, rising: (its first moment, the deadline's moment).
        text: as the rulebook has it.
    """

    text: str
    duration_ns: int = 0
    business_days: int = 0
    sessions: tuple[tuple[int, int], ...] = ()

    def due_ns(self, now_ns: int) -> int:
        """
        Return the moment at which a call made now falls due.

        Past the end of the calendar a business day is taken to be one day: earlier, so that no call is left open.
        """
        if not self.business_days:
            return now_ns + self.duration_ns
        following = bisect.bisect_right(self.sessions, (now_ns, 1 << 62))
        index = following + self.business_days - 1
        return self.sessions[index][1] if index < len(self.sessions) else now_ns + self.business_days * DAY_NS


@dataclass(frozen=True, slots=True)
class CollateralTerms:
    """
    Say what an asset counts for beyond its haircuts by value, as the core reads it.

    Args:
        liability: weight of a debt.
        volatility_rate: haircut for a volatility of 1 a year; negative: volatility is not looked at.
        volatility_floor: the least haircut by volatility.
        tenors: (time left, further haircut), rising; the last one covers every longer time.
        matures_ns: from then on the asset is refused.
        call_ns, call_price: from when on, and at what, the price is capped.
        deposits, borrows: limits of all accounts together, beyond which holdings count less and debts more.
        wrong_way: the asset's bit among those with wrong-way exposure; 0: none.
        wrong_way_share: the greatest share that counts while there is such exposure.
        initial_share: the greatest share that counts for IM.
    """

    liability: float = 1.0
    volatility_rate: float = -1.0
    volatility_floor: float = 0.0
    tenors: tuple[tuple[int, float], ...] = ()
    matures_ns: int = LAST_NS
    call_ns: int = LAST_NS
    call_price: float = math.inf
    deposits: float = math.inf
    borrows: float = math.inf
    wrong_way: int = 0
    wrong_way_share: float = 1.0
    initial_share: float = 1.0


@dataclass(frozen=True, slots=True)
class PoolTerms:
    """Say which products, by number, a pool may hold, and accounts of which classes may have it; no classes: all."""

    products: frozenset[int]
    classes: frozenset[str]


@dataclass(frozen=True, slots=True)
class MoveLimit:
    """
    Say how fast the value in use follows what is published.

    Args:
        rise, fall: greatest relative change up and down in `per_ns`, in other times pro rata; None: any.
    """

    rise: float | None
    fall: float | None
    per_ns: int

    def used(self, last: float, last_ns: int, value: float, now_ns: int) -> float:
        """
        Return what is used of a value published now: itself, or as near to it as the last used value may come.

        From nothing any value is reached: no relative change leads away from it.
        """
        periods = (now_ns - last_ns) / self.per_ns
        if last == 0.0:
            return value
        if self.rise is not None and value > last:
            return min(value, last * _grown(1.0 + self.rise, periods))
        if self.fall is not None and value < last:
            return max(value, last * _grown(1.0 - self.fall, periods))
        return value


def _grown(factor: float, periods: float) -> float:
    try:
        return math.pow(factor, periods)
    except OverflowError:
        return math.inf


@dataclass(frozen=True, slots=True)
class CallTerms:
    """Say what a call demands: enough to bring equity up to a target."""

    restore: str  # "initial_margin", "maintenance_margin" or "ratio"
    ratio: float  # equity / MM to reach, where `restore` is "ratio"
    minimum_transfer: Decimal
    round_to: Decimal
    deadline: Deadline


@dataclass(frozen=True, slots=True)
class LiquidationTerms:
    """Say how much is closed at a time and which position goes first."""

    fraction: float  # of every position and round; 0 where a target is given
    target: float  # ratio that one round must reach; 0 where a fraction is given
    until: float  # rounds go on until this ratio is reached
    every_ns: int  # least time between rounds
    cancel_orders_first: bool
    first: str  # "largest_loss", "largest_margin" or "pro_rata"


@dataclass(frozen=True, slots=True)
class Step:
    """
    Carry one step of a ladder.

    A step is entered when the ratio has been below `below` for `for_ns`, or when the call of a step in `after` goes
    unmet. Entered by its threshold, it clears at `clear`; entered by an unmet call, at `clear_after`.
    """

    name: str
    line: int
    below: float | None = None
    clear: float = 0.0
    clear_after: float = 0.0
    for_ns: int = 0
    after: tuple[int, ...] = ()
    call: CallTerms | None = None
    restrict: Restriction = Restriction.NONE
    liquidate: LiquidationTerms | None = None
    waterfall: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Carry the steps of one ladder, mildest first."""

    name: str
    line: int
    steps: tuple[Step, ...]
    increment: Decimal  # of the rulebook's currency

    def index_of(self, name: str) -> int:
        """Return the place of a step; -1 where there is none of that name."""
        return next((index for index, step in enumerate(self.steps) if step.name == name), -1)


@dataclass(frozen=True, slots=True)
class MarginTier:
    """
    Carry one tier as venues print it: what a notional from `floor` on needs is rate x notional - deduction.

    Args:
        floor: in the rulebook's currency; the notional at the floor is in this tier.
    """

    floor: float
    initial: float
    initial_deduction: float
    maintenance: float
    maintenance_deduction: float
