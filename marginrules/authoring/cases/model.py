# SPDX-License-Identifier: Apache-2.0
"""
Cases as frozen records: what is given, what happens, what is expected, and where each of it stands in its file.

Times are nanoseconds since 1970, amounts doubles in the rulebook's currency unless an asset is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from marginrules.rulebook.diagnostic import Place

NOWHERE = Place(1, 1)
ACCOUNT = "example"  # the account of a case that names none


@dataclass(frozen=True, slots=True)
class Quote:
    """Carry a price as it is published, whenever that is."""

    name: str
    mark: float
    open_interest: float | None = None
    fields: tuple[tuple[str, float], ...] = ()
    age_ns: int = 0

    def row(self, now_ns: int) -> dict[str, Any]:
        """Return the data of a price command's row."""
        made: dict[str, Any] = {"name": self.name, "price": self.mark, "time_ns": now_ns - self.age_ns}
        if self.open_interest is not None:
            made["open_interest"] = self.open_interest
        if self.fields:
            made["fields"] = dict(self.fields)
        return made


@dataclass(frozen=True, slots=True)
class Closes:
    """Carry closes, oldest first; without times they are daily, the last one on the day before the case starts."""

    name: str
    closes: tuple[float, ...]
    times_ns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PositionPart:
    """Carry a position; without an entry price it was opened at the first mark."""

    symbol: str
    quantity: float
    entry_price: float | None = None
    leverage: float = 0.0


@dataclass(frozen=True, slots=True)
class OrderPart:
    """Carry an order: one to be checked, or one that stands open."""

    symbol: str
    quantity: float
    price: float = 0.0
    leverage: float = 0.0
    reduce_only: bool = False
    client_order_id: str = "example"

    def row(self) -> dict[str, Any]:
        """Return the data of an order."""
        return {
            "client_order_id": self.client_order_id,
            "symbol": self.symbol,
            "quantity": self.quantity,
            "price": self.price,
            "leverage": self.leverage,
            "reduce_only": self.reduce_only,
        }


@dataclass(frozen=True, slots=True)
class FigurePart:
    """Carry a question for a figure of the rulebook: of one position or of the pool, with what its formula is given."""

    name: str
    symbol: str = ""
    given: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class EnteredPart:
    """
    Carry a step in which a pool is as the case begins.

    Args:
        is_waiting: its threshold has been breached for less than `for`; it is not entered yet.
        is_done: its liquidation has done its work.
        is_ordered: a round of its liquidation was ordered and is not reported yet.
        next_round_ns: no round of its liquidation before this moment; 0: at once.
        shortfall: a default was declared, of which this is not covered.
        calls: (amount, paid, due) of its open calls, oldest first.
    """

    step: str
    ago_ns: int = 0
    is_waiting: bool = False
    by_unmet: bool = False
    is_exhausted: bool = False
    is_done: bool = False
    is_ordered: bool = False
    next_round_ns: int = 0
    shortfall: float = 0.0
    calls: tuple[tuple[float, float, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PoolPart:
    """
    Carry what a pool holds.

    Args:
        equity: its balance in the currency is whatever makes equity this.
        ladder: the one that it follows, where its positions do not say, because it has none any more.
    """

    name: str
    balances: tuple[tuple[str, float], ...] = ()
    positions: tuple[PositionPart, ...] = ()
    orders: tuple[OrderPart, ...] = ()
    fees_due: float = 0.0
    funding_due: float = 0.0
    equity: float | None = None
    entered: tuple[EnteredPart, ...] = ()
    ladder: str = ""


@dataclass(frozen=True, slots=True)
class AccountPart:
    """Carry an account as a case begins with it."""

    name: str
    account_class: str
    pools: tuple[PoolPart, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Name what a series sets: a field of a price, or the equity or margin ratio of a pool."""

    name: str  # of an instrument or asset, or the account of a pool
    field: str  # "mark", a published field, "equity" or "margin_ratio"
    pool: str = ""

    @property
    def is_of_pool(self) -> bool:
        """Say whether it sets a pool's equity, and not a price."""
        return self.field in ("equity", "margin_ratio")


@dataclass(frozen=True, slots=True)
class Series:
    """Carry one value for each point of time; None is a gap, in which nothing is published."""

    target: Target
    values: tuple[float | None, ...]
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """Carry what one field shall be: the text as written and, for numbers, moments and lists, what it means."""

    name: str
    kind: str  # "amount", "ratio", "word", "time", "list" or "amounts"
    text: str
    number: float = 0.0
    slack: float = 0.0  # how far a ratio may lie from the number: half a unit of the last digit written
    time_ns: int = 0
    words: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """Carry one line of expected events."""

    text: str
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """
    Carry one moment of a case: what happens then, in the order of the fields, and what is expected after it.

    Args:
        fills: price by symbol at which the liquidation ordered last is executed; empty: at the marks; None: it is not.
        filled: which part of each order of the liquidation `fills` has.
        equity: what the balance in the currency is set to make equity; None: it stays.
        order: checked and answered; `expected` is about the answer then.
        figure: measured; `expected` is about its values then.
        events: every event since the last look, in words; None: not compared.
    """

    at_ns: int
    account: str
    pool: str
    prices: tuple[Quote, ...] = ()
    deposits: tuple[tuple[str, float], ...] = ()
    fills: tuple[tuple[str, float], ...] | None = None
    filled: float = 1.0
    equity: float | None = None
    order: OrderPart | None = None
    figure: FigurePart | None = None
    expected: tuple[Expected, ...] = ()
    events: tuple[Line, ...] | None = None
    place: Place = field(default=NOWHERE, compare=False)
    events_place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """
    Carry one case.

    Args:
        instruments: rows of the `instruments` command.
        every_ns: time from one point of the series to the next.
        is_quoted: prices are published again whenever something happens, and so never grow old but in a gap.
    """

    name: str
    file: str
    start_ns: int
    instruments: tuple[dict[str, Any], ...]
    quotes: tuple[Quote, ...]
    accounts: tuple[AccountPart, ...]
    steps: tuple[Step, ...]
    closes: tuple[Closes, ...] = ()
    series: tuple[Series, ...] = ()
    every_ns: int = 0
    is_quoted: bool = False
    place: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Carry the cases of one file; `rulebook` is the file of the book they are for, "" for the one beside it."""

    file: str
    cases: tuple[Case, ...]
    rulebook: str = ""
