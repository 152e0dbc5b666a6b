# SPDX-License-Identifier: Apache-2.0
"""
A small pool that a ladder acts on: it is measured, deposits are credited, orders cancelled and liquidations filled.

`Desk` drives the ladder as the service does: it advances until nothing more happens now, and does what it was told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from marginrules.codes import EventKind
from marginrules.escalation import desk, ladder
from marginrules.escalation.state import Event, LadderState, Measure
from marginrules.model import Holding
from marginrules.terms import Ladder
from marginrules.units import SECOND_NS

START_NS = 1_767_618_000 * SECOND_NS  # Monday 2026-01-05, 13:00 UTC
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DIGEST = "d1"
_SETTLE_MAX = 16


@dataclass
class Lot:
    """Carry one position; prices are per unit, so the profit since entry is quantity x (price - entry)."""

    symbol: str
    quantity: float
    price: float
    rate: float  # maintenance margin per notional; initial margin is twice that
    step: float = 0.0
    entry: float = 100.0

    @property
    def holding(self) -> Holding:
        """Return the position as a liquidation sees it."""
        notional = abs(self.quantity) * self.price
        profit = self.quantity * (self.price - self.entry)
        return Holding(self.symbol, self.quantity, notional, profit, notional * self.rate, self.step)


@dataclass
class World:
    """Carry the pool: cash and positions; `is_valid` is False while no price can be trusted."""

    cash: float
    lots: list[Lot] = field(default_factory=list)
    has_orders: bool = False
    is_valid: bool = True

    @property
    def measure(self) -> Measure:
        """Return the pool as the core would assess it."""
        holdings = tuple(one.holding for one in self.lots if one.quantity)
        maintenance = sum(one.maintenance_margin for one in holdings)
        equity = self.cash + sum(one.unrealized_pnl for one in holdings)
        return Measure(self.is_valid, equity, 2.0 * maintenance, maintenance, holdings, self.has_orders)

    @property
    def ratio(self) -> float:
        """Return equity / MM."""
        found = self.measure
        return found.equity / found.maintenance_margin if found.maintenance_margin else float("inf")

    def price_for(self, lot: Lot, ratio: float) -> float:
        """Return the price of one position that brings the pool to a ratio, or its price as it is where none does."""
        found, own = self.measure, lot.holding
        slope = lot.quantity - ratio * abs(lot.quantity) * lot.rate
        others = found.equity - own.unrealized_pnl - ratio * (found.maintenance_margin - own.maintenance_margin)
        price = (lot.quantity * lot.entry - others) / slope if slope else 0.0
        return price if 1.0 <= price <= 1_000.0 else lot.price

    def fill(self, orders: list[tuple[str, float]], share: float = 1.0) -> list[list[float | str]]:
        """Fill a share of each order at the mark; return the fills."""
        fills: list[list[float | str]] = []
        for symbol, quantity in orders:
            lot = next(one for one in self.lots if one.symbol == symbol)
            done = quantity * share
            self.cash -= done * (lot.price - lot.entry)
            left = lot.quantity + done
            lot.quantity = 0.0 if abs(left) <= 1e-12 * abs(done) else left
            fills.append([symbol, done, lot.price, 0.0])
        return fills


@dataclass
class Desk:
    """Drive a ladder over a world and keep everything that happened."""

    world: World
    terms: Ladder
    state: LadderState = field(default_factory=lambda: LadderState("A/", DIGEST, 0))
    now_ns: int = START_NS
    log: list[Event] = field(default_factory=list)
    ordered: list[tuple[str, list[tuple[str, float]]]] = field(default_factory=list)  # rounds not yet filled
    programs: dict[str, Ladder] = field(default_factory=dict)
    latest: str = DIGEST
    watch: Callable[[LadderState, LadderState, Measure, tuple[Event, ...]], None] | None = None

    def __post_init__(self) -> None:
        """Know the first rulebook."""
        self.programs[DIGEST] = self.terms

    def activate(self, digest: str, terms: Ladder) -> list[Event]:
        """Activate another rulebook; a pinned state goes on under its own."""
        self.programs[digest], self.latest = terms, digest
        return self.settle()

    def settle(self) -> list[Event]:
        """Advance until nothing more happens now; return what happened."""
        first = len(self.log)
        for _ in range(_SETTLE_MAX):
            if self.state.digest != self.latest and not self.state.is_pinned:
                terms = self.programs[self.latest]
                self.state, happened = ladder.follow(self.state, self.terms, self.latest, 0, terms, self.now_ns)
                self.terms = terms
                self._take(happened)
            before, measure = self.state, self.world.measure
            self.state, happened = ladder.advance(before, self.terms, measure, self.now_ns)
            self._take(happened)
            if self.watch:
                self.watch(before, self.state, measure, happened)
            if not happened:
                return self.log[first:]
        raise AssertionError(f"does not settle: {[one.kind.value for one in self.log[first:]]}")

    def move(self, prices: dict[str, float] | float, after_ns: int = 0) -> list[Event]:
        """Let time pass, set prices, settle."""
        self.now_ns += after_ns
        for lot in self.world.lots:
            lot.price = prices.get(lot.symbol, lot.price) if isinstance(prices, dict) else prices
        return self.settle()

    def wait(self, after_ns: int) -> list[Event]:
        """Let time pass at the same prices in one jump, as if the process had been down; settle."""
        self.now_ns += after_ns
        return self.settle()

    def act(self, act: Callable[[LadderState], desk.Moved]) -> list[Event]:
        """Apply one act of the desk, settle."""
        before = self.state
        self.state, happened = act(before)
        self._take(happened)
        if self.watch:
            self.watch(before, self.state, self.world.measure, happened)
        return [*happened, *self.settle()]

    def deposit(self, amount: str | Decimal) -> list[Event]:
        """Credit a deposit in the rulebook's currency."""
        credited = Decimal(amount)
        self.world.cash += float(credited)
        return self.act(lambda state: desk.deposit(state, self.terms, credited, "treasury", "wire", self.now_ns))

    def execute(self, share: float = 1.0) -> list[Event]:
        """Fill the oldest round that was ordered."""
        name, orders = self.ordered.pop(0)
        fills = self.world.fill(orders, share)
        return self.act(lambda state: desk.executed(state, self.terms, name, fills, self.now_ns))

    def _take(self, happened: tuple[Event, ...]) -> None:
        self.log.extend(happened)
        for event in happened:
            if event.kind is EventKind.ORDERS_CANCELLED:
                self.world.has_orders = False
            elif event.kind is EventKind.LIQUIDATION_ORDERED:
                self.ordered.append((event.call_id, [(str(name), float(by)) for name, by in event.data["orders"]]))


def kinds(events: list[Event]) -> list[str]:
    """Return what happened, in short: `kind step`."""
    return [f"{one.kind.value} {one.step}".strip() for one in events]
