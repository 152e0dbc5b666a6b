# SPDX-License-Identifier: Apache-2.0
"""
Frozen records that cross layers. Prices, quantities and amounts are finite doubles; times are nanoseconds since 1970
UTC; amounts are in the rulebook's currency unless a field names an asset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from marginrules.codes import InstrumentKind, Reason
from marginrules.machine import PUBLISHED, Field

CROSS = ""  # an account's cross pool; an isolated pool bears its instrument's symbol, others the rulebook names
# What may be published beside a mark. Open interest has a place of its own in `Price`; realized volatility is computed.
PRICE_FIELDS: dict[str, Field] = {
    one.name.lower(): one for one in PUBLISHED if one not in (Field.OPEN_INTEREST, Field.REALIZED_VOLATILITY)
}
ASSET_FIELDS = ("volatility", "deposits", "borrows")  # what may be published beside the price of an asset
SIGNED_FIELDS = frozenset(("rate", "dividend_yield", "funding", "delta"))  # of which a relative change means nothing


@dataclass(frozen=True, slots=True)
class Instrument:
    """
    Describe what can be held as a position.

    An inverse contract is worth `multiplier` units of its quote currency and settles in the coin: its value in the
    settlement asset is `-quantity x multiplier / mark`.
    """

    symbol: str
    kind: InstrumentKind
    underlying: str
    settlement: str  # asset in which profit and loss is paid
    multiplier: float = 1.0  # units of underlying (linear) or of quote currency (inverse) per contract
    inverse: bool = False
    quantity_step: float = 0.0  # smallest quantity an order may have; 0: any
    expires_ns: int = 0  # 0: never
    strike: float = 0.0  # of an option, in the price of its underlying; else 0
    right: str = ""  # "call" or "put" of an option; else ""


@dataclass(frozen=True, slots=True)
class Price:
    """
    Carry one mark: of an instrument, or of an asset in the rulebook's currency.

    Args:
        fields: what else is published: pairs of a name, in `PRICE_FIELDS` of an instrument and in `ASSET_FIELDS` of an
            asset, and a value. Rates, volatilities and confidences are fractions, 0.2 for 20 %; deposits and borrows
            are those of all accounts together, in the rulebook's currency. What is absent is not known, whatever was
            published before.
    """

    name: str
    price: float
    time_ns: int
    open_interest: float | None = None  # notional in the rulebook's currency; instruments only; None: not known
    fields: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class CloseSeries:
    """Carry closing prices of an underlying, or of one instrument, with their times; both rise in time alike."""

    name: str
    times_ns: tuple[int, ...]
    closes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Carry a signed quantity and the average price at which it was opened (0 for spot and options)."""

    symbol: str
    quantity: float
    entry_price: float = 0.0
    leverage: float = 0.0  # the account's setting for this instrument; 0: none


class Order(NamedTuple):  # a tuple, as is the decision: they are made for every check
    """Carry one order; the quantity is signed, negative sells."""

    client_order_id: str
    symbol: str
    quantity: float
    price: float = 0.0  # limit price; 0: at the mark
    leverage: float = 0.0
    reduce_only: bool = False
    expires_ns: int = 0  # 0: until released or filled


@dataclass(frozen=True, slots=True)
class Pool:
    """Carry one margin pool: `CROSS`, one that the rulebook names, or an isolated one that bears a symbol."""

    name: str
    balances: tuple[tuple[str, float], ...] = ()  # (asset, amount); negative is borrowed
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    fees_due: float = 0.0
    funding_due: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """Carry the whole state of an account; a snapshot replaces the one before it."""

    account_id: str
    account_class: str
    sequence: int
    pools: tuple[Pool, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """Carry what a liquidation needs to know about one position of a pool."""

    symbol: str
    quantity: float
    notional: float
    unrealized_pnl: float
    maintenance_margin: float
    quantity_step: float = 0.0


class OrderDecision(NamedTuple):
    """Answer an order check."""

    accepted: bool
    reasons: Reason
    equity_before: float
    initial_margin_before: float
    maintenance_margin_before: float
    equity_after: float  # if the order fills at its price
    initial_margin_after: float  # at the worse of the two fills of all open orders
    maintenance_margin_after: float  # if the order fills
    quantity_max: float  # the largest quantity of this order that would pass, not signed
    rule: str = ""  # the rulebook line that decided
    digest: str = ""  # of the program that decided
    held: bool = False
