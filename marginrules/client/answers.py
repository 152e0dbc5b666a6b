# SPDX-License-Identifier: Apache-2.0
"""
What a server answers to people's questions, as frozen records: distance, resilience, the most exposed, ways out,
figures that the rulebook defines, and how a margin comes about.

Moves are relative: -0.2 is a fall of 20 %. Amounts are in the rulebook's currency unless a field names an asset.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from marginrules.client.records import PoolAssessment
from marginrules.codes import Reason

ALL = "*"  # every underlying that a stress does not name


@dataclass(frozen=True, slots=True)
class Crossing:
    """Carry a move of an underlying at which a threshold is crossed; None what is not known of it."""

    move: float
    price: float | None
    standard_deviations: float | None  # over the horizon


@dataclass(frozen=True, slots=True)
class StepDistance:
    """Carry how far the threshold of one step is; None where there is no crossing in a direction."""

    step: str
    rule: str
    below: float  # its threshold, as a margin ratio
    is_breached: bool
    equity: float  # how far equity may fall before the threshold is breached; below 0 where it is
    fall: Crossing | None
    rise: Crossing | None


@dataclass(frozen=True, slots=True)
class UnderlyingDistance:
    """Carry how far one underlying may move before each step, and every price at which the pool is liquidated."""

    underlying: str
    price: float | None
    price_from: str  # the instrument or asset whose it is
    volatility: float | None  # a year
    volatility_from: str
    steps: tuple[StepDistance, ...]
    liquidation: tuple[Crossing, ...]  # all, rising
    open_positions: Crossing | None  # the nearest for the positions alone
    with_buy_orders: Crossing | None  # if resting buy orders fill on the way
    with_sell_orders: Crossing | None
    reasons: Reason  # why some prices could not be assessed; what is told holds for the others
    unpriced: tuple[str, ...]  # instruments that could not be marked anew


@dataclass(frozen=True, slots=True)
class PoolDistance:
    """Carry how far a pool is from what happens next; without underlyings where it cannot be assessed."""

    assessment: PoolAssessment
    horizon_ns: int
    underlyings: tuple[UnderlyingDistance, ...]


@dataclass(frozen=True, slots=True)
class StressMove:
    """Carry the move of one underlying or asset, or of all others by `ALL`."""

    underlying: str
    price: float = 0.0
    volatility: float = 0.0  # 0.5 makes 30 % of a volatility of 20 %


@dataclass(frozen=True, slots=True)
class Stress:
    """Carry a named stress."""

    name: str
    moves: tuple[StressMove, ...]


@dataclass(frozen=True, slots=True)
class StressResult:
    """Carry a pool after one stress."""

    stress: str
    after: PoolAssessment
    survived: bool  # equity covers maintenance margin
    multiple: float | None  # of the stress that is just survived; None: more than ten, or not assessed
    call: Decimal  # what it would be asked for, before open calls
    call_step: str
    liquid_collateral: float  # value of the balances after haircuts
    unpriced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resilience:
    """Carry what a pool survives; `worst` is the stress that leaves the lowest margin ratio."""

    assessment: PoolAssessment
    results: tuple[StressResult, ...]
    worst: str


class Exposure(enum.IntEnum):
    """Say by what pools are put in order, the least first."""

    MARGIN_RATIO = 1
    LOSS_ABSORBING = 2  # (equity - maintenance margin) / gross notional
    SHORTFALL = 3  # equity - maintenance margin


@dataclass(frozen=True, slots=True)
class VulnerablePool:
    """Carry one pool of the list of the most exposed."""

    account_id: str
    account_class: str
    pool: str
    before: PoolAssessment
    after: PoolAssessment
    gross_notional: float
    loss_absorbing: float | None


@dataclass(frozen=True, slots=True)
class VulnerablePage:
    """Carry one page of the list, and of the whole book: pools, those not assessed, those below maintenance margin."""

    pools: tuple[VulnerablePool, ...]
    count: int
    unassessed: int
    breached: int
    next_token: str


@dataclass(frozen=True, slots=True)
class DepositWay:
    """Carry the least deposit of one asset that is enough; None where none is."""

    asset: str
    amount: Decimal | None
    after: PoolAssessment | None


@dataclass(frozen=True, slots=True)
class Trade:
    """Carry a trade at the mark, signed."""

    symbol: str
    quantity: float
    price: float
    cost: float


@dataclass(frozen=True, slots=True)
class ReductionWay:
    """Carry positions to reduce: "smallest", "single" or "pro_rata"."""

    kind: str
    trades: tuple[Trade, ...]
    notional: float
    after: PoolAssessment


@dataclass(frozen=True, slots=True)
class HedgeWay:
    """Carry an option to buy."""

    trade: Trade
    premium: float
    after: PoolAssessment


@dataclass(frozen=True, slots=True)
class LargestOrder:
    """Carry the largest orders at the mark that would pass."""

    symbol: str
    buy: float
    sell: float


@dataclass(frozen=True, slots=True)
class WaysOut:
    """Carry what brings a pool's equity up to a requirement."""

    assessment: PoolAssessment
    restore: str
    required: float
    missing: float
    deposits: tuple[DepositWay, ...]
    cancel_orders: PoolAssessment | None  # where that alone is enough
    reductions: tuple[ReductionWay, ...]  # the least notional first
    hedges: tuple[HedgeWay, ...]  # the cheapest first
    largest_orders: tuple[LargestOrder, ...]


@dataclass(frozen=True, slots=True)
class FigureRow:
    """Carry a figure of a pool, of a position or of a group."""

    symbols: tuple[str, ...]  # none of a pool
    values: tuple[float, ...]  # one, or one for each scenario; none where there are reasons
    reasons: Reason


@dataclass(frozen=True, slots=True)
class FigureValues:
    """Carry one figure that the rulebook defines; `of` is "pool", "position" or "portfolio"."""

    name: str
    rule: str
    of: str
    portfolio: str
    scenarios: tuple[str, ...]  # none where a row has one value
    rows: tuple[FigureRow, ...]


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Carry figures of a pool, in the order of names; they have no rows where it cannot be assessed."""

    assessment: PoolAssessment
    figures: tuple[FigureValues, ...]


@dataclass(frozen=True, slots=True)
class PositionMargin:
    """Carry what one position must hold where tiers margin it; None where there are reasons."""

    symbol: str
    rule: str
    quantity: float
    value: float | None  # signed
    initial_margin: float | None
    maintenance_margin: float | None
    orders: float | None  # what open orders add to initial margin
    reasons: Reason


@dataclass(frozen=True, slots=True)
class StrategyUse:
    """Carry one strategy of a grouping, with the quantity of each symbol that all its units take."""

    strategy: str
    rule: str
    amount: float  # units
    cost: float  # of one unit
    legs: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Carry the grouping into strategies that a requirement, "initial" or "maintenance", comes from."""

    book: str
    requirement: str
    cost: float | None  # None: no grouping was found
    is_proven: bool  # nothing costs less; else the search was cut, and it may cost more than the cheapest
    uses: tuple[StrategyUse, ...]


@dataclass(frozen=True, slots=True)
class GroupMargin:
    """Carry what one group must hold together; None where there are reasons."""

    rule: str
    symbols: tuple[str, ...]
    initial_margin: float | None
    maintenance_margin: float | None
    orders: float | None  # what open orders add to initial margin
    reasons: Reason
    groupings: tuple[Grouping, ...]


@dataclass(frozen=True, slots=True)
class MarginExplanation:
    """Carry where a margin comes from: its parts, their sums, and the pool's own formulas, which have the last word."""

    assessment: PoolAssessment
    positions: tuple[PositionMargin, ...]
    groups: tuple[GroupMargin, ...]
    initial_margin: float | None  # sums over positions and groups, open orders included
    maintenance_margin: float | None
    pool_rule: str  # "" where the pool has no formulas of its own
    pool_groupings: tuple[Grouping, ...]
    excluded: tuple[tuple[str, float], ...]  # (symbol, profit and loss that is no part of equity)
