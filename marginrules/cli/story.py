# SPDX-License-Identifier: Apache-2.0
"""What the demonstration tells of each day: of every sort of thing that happened how many accounts, and one by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from rich.console import Console

from marginrules.client import LadderEvent
from marginrules.units import format_amount, format_rate, format_time

# In the order in which they are told, with the colour of each.
SORTS = {
    "warned": "yellow",
    "called": "yellow",
    "called again": "yellow",
    "restricted": "yellow",
    "met a call": "green",
    "cured": "green",
    "left a call unmet": "red",
    "partly liquidated": "red",
    "fully liquidated": "red",
    "defaulted": "red",
}
_BY_KIND = {
    "call_further": "called again",
    "restricted": "restricted",
    "call_met": "met a call",
    "call_cured": "cured",
    "call_unmet": "left a call unmet",
    "default_declared": "defaulted",
}


def sort_of(event: LadderEvent) -> str:
    """Return the sort of an event; "" for what is not told."""
    if event.kind == "step_entered":
        return "warned" if event.step == "warning" else ""
    if event.kind == "call_issued":
        return "called again" if event.step == "second_call" else "called"
    if event.kind == "liquidation_ordered":
        return "fully liquidated" if event.step == "full_liquidation" else "partly liquidated"
    return _BY_KIND.get(event.kind, "")


@dataclass(slots=True)
class Day:
    """Collect the first event of each sort and account on one day."""

    date: str
    close: float
    events: dict[str, dict[str, LadderEvent]] = field(default_factory=lambda: {sort: {} for sort in SORTS})

    @property
    def counts(self) -> dict[str, int]:
        """Return how many accounts each sort of thing happened to."""
        return {sort: len(found) for sort, found in self.events.items()}


class Story:
    """
    Tell the days.

    Args:
        margin_ratio: of an account, now.
    """

    def __init__(self, console: Console, margin_ratio: Callable[[str], float | None]) -> None:
        self._console = console
        self._margin_ratio = margin_ratio
        self._named: set[str] = set()
        self.days: list[Day] = []

    @property
    def accounts(self) -> dict[str, set[str]]:
        """Return the accounts that each sort of thing happened to, over all days."""
        return {sort: {name for day in self.days for name in day.events[sort]} for sort in SORTS}

    def begin_day(self, date: str, close: float) -> None:
        """Turn the page."""
        self.days.append(Day(date, close))

    def hear(self, event: LadderEvent) -> None:
        """Note an event."""
        if sort := sort_of(event):
            self.days[-1].events[sort].setdefault(event.account_id, event)

    def end_day(self) -> None:
        """Print the day."""
        day = self.days[-1]
        before = self.days[-2].close if len(self.days) > 1 else day.close
        change = day.close / before * 100 - 100
        self._console.print(f"[bold]{day.date}[/]  SPY {day.close:7.2f} {change:+6.2f}%", highlight=False)
        for sort, found in day.events.items():
            if found:
                event = self._one_of(day, sort)
                self._named.add(event.account_id)
                rule = rf"\[us-broker:{event.line} {event.ladder}/{event.step}]"
                head = f"[{SORTS[sort]}]{sort:<17}[/] {len(found):4d}   {event.account_id}"
                self._console.print(f"    {head}  {self._what(sort, event):<44}  {rule}", highlight=False)

    def _one_of(self, day: Day, sort: str) -> LadderEvent:
        """Choose whom to name: someone named before, who can be followed; of the warned, one who was only warned."""
        found = day.events[sort]
        if sort == "warned":
            worse = set().union(*(names for other, names in day.events.items() if other != sort))
            found = {name: event for name, event in found.items() if name not in worse} or found
        return found[next((name for name in found if name in self._named), next(iter(found)))]

    def _what(self, sort: str, event: LadderEvent) -> str:
        """Say what happened to the one that is named: amount and deadline, or trade."""
        if sort == "warned":
            ratio = self._margin_ratio(event.account_id)
            return "" if ratio is None else f"margin ratio {format_rate(ratio)}"
        if sort == "restricted":
            return str(event.details["restriction"]).replace("_", " ")
        if event.orders:
            words = [
                f"{'buy' if one.quantity > 0 else 'sell'} {abs(one.quantity):g} {one.symbol}" for one in event.orders
            ]
            return ", ".join(words)
        amount = f"{format_amount(Decimal(event.details.get('deposited') or event.amount or 0))} USD"
        told = {"met a call": f"paid {amount}", "cured": f"call of {amount}", "defaulted": f"{amount} short"}
        due = f", due {format_time(event.due_ns)[:16]}Z" if event.due_ns else ""
        return told.get(sort, amount) + due
