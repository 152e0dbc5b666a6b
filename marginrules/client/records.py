# SPDX-License-Identifier: Apache-2.0
"""
What a server answers, as frozen records. Instruments, orders and accounts are those of `marginrules.model`.

Amounts that are demanded are exact decimals; every other number is a double, in the rulebook's currency unless a field
says otherwise. Times are nanoseconds since 1970 UTC, 0 for none.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marginrules.codes import CallStatus, Reason, Restriction
from marginrules.model import CROSS, Order


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """Carry one order of a stream of checks."""

    account: str
    order: Order
    pool: str = CROSS
    hold: bool = False
    request_id: str = ""  # of a hold; made where it is empty


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """Carry the mark at which a pool's equity equals its maintenance margin; None where no mark does that."""

    symbol: str
    price: float | None


@dataclass(frozen=True, slots=True)
class PoolAssessment:
    """Say what one pool is worth and what it must hold; no figure may be used where it is not valid."""

    is_valid: bool
    reasons: Reason
    equity: float
    initial_margin: float
    maintenance_margin: float
    margin_ratio: float | None  # equity / maintenance margin; None where nothing is required
    collateral_value: float
    unrealized_pnl: float
    margin_excess: float
    margin_deficiency: float
    step: str  # the most severe one whose threshold is breached
    rule: str  # the rulebook line that decided it
    digest: str
    next_step: str
    next_step_distance: float  # how far equity may fall before that step's threshold is breached
    ladder_step: str  # the one the pool is in by its ladder, which remembers
    restriction: Restriction
    liquidation_prices: tuple[LiquidationPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceMove:
    """Assume a price, or a relative change of it: -0.1 for a fall of 10 %."""

    name: str
    price: float | None = None
    change: float | None = None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Carry a pool as it is, and as it would be."""

    before: PoolAssessment
    after: PoolAssessment


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """Carry one pool of a list of accounts."""

    account_id: str
    account_class: str
    pool: str
    assessment: PoolAssessment


@dataclass(frozen=True, slots=True)
class MarginCall:
    """Carry one demand for collateral."""

    call_id: str
    account_id: str
    pool: str
    step: str
    kind: str  # "first", "further", "after_liquidation"
    status: CallStatus
    amount: Decimal
    deposited: Decimal
    issued_ns: int
    due_ns: int
    disputed_until_ns: int
    closed_ns: int
    acknowledged_by: str
    extensions: int
    digest: str  # of the rulebook it was made under, and which it keeps
    rule: str

    @property
    def outstanding(self) -> Decimal:
        """Return what is still due."""
        return self.amount - self.deposited


@dataclass(frozen=True, slots=True)
class Fill:
    """Carry one trade of a liquidation; the quantity is signed, against the position."""

    symbol: str
    quantity: float
    price: float = 0.0
    fee: float = 0.0


@dataclass(frozen=True, slots=True)
class LadderEvent:
    """Carry one thing the ladder did; a watch goes on after its position."""

    position: int
    kind: str  # an `EventKind`; a newer server may know more of them
    time_ns: int
    account_id: str
    pool: str
    step: str
    digest: str
    ladder: str
    line: int
    because: str
    call_id: str  # of a call or a liquidation
    amount: Decimal | None
    due_ns: int
    notify: tuple[str, ...]
    orders: tuple[Fill, ...]  # of a liquidation: what is to be traded
    details: dict[str, Any]
    change_id: str = ""  # of the rulebook


@dataclass(frozen=True, slots=True)
class Approval:
    """Carry one person's agreement to a change; the key is a public one in base64."""

    who: str
    why: str
    time_ns: int
    key: str
    is_signed: bool


@dataclass(frozen=True, slots=True)
class RulebookRevision:
    """Carry one activated rulebook."""

    revision: int
    name: str
    digest: str
    file: str
    activated_ns: int
    who: str
    why: str
    is_active: bool
    act: str = "activate"  # how it became active: "activate", "apply" of a change, "break_glass", "rollback"
    change_id: str = ""
    authors: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    restores: int = 0  # the revision whose text it brought back
    is_approved: bool = True  # False: it became active without the approval it needs, and has not got it


@dataclass(frozen=True, slots=True)
class Activation:
    """Carry the revision that a switch made."""

    revision: int
    digest: str
