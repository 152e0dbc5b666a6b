# SPDX-License-Identifier: Apache-2.0
"""
The crash that the demonstration plays: closes of SPY, a thousand accounts drawn from a seed, and how people answer.

What the server does is not scripted: every warning, call, deadline and liquidation is its own.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich.console import Console

from marginrules.cli.story import Story
from marginrules.client import Client, Fill, LadderEvent
from marginrules.codes import InstrumentKind, Reason
from marginrules.model import Account, Instrument, Order, Pool, Position, Price

# SPY, closing prices in USD, 2020-02-19 to 2020-03-23.
CLOSES = (
    ("2020-02-19", 338.34),
    ("2020-02-20", 336.95),
    ("2020-02-21", 333.48),
    ("2020-02-24", 322.42),
    ("2020-02-25", 312.65),
    ("2020-02-26", 311.50),
    ("2020-02-27", 297.51),
    ("2020-02-28", 296.26),
    ("2020-03-02", 309.09),
    ("2020-03-03", 300.24),
    ("2020-03-04", 312.86),
    ("2020-03-05", 302.46),
    ("2020-03-06", 297.46),
    ("2020-03-09", 274.23),
    ("2020-03-10", 288.42),
    ("2020-03-11", 274.36),
    ("2020-03-12", 248.11),
    ("2020-03-13", 269.32),
    ("2020-03-16", 239.85),
    ("2020-03-17", 252.80),
    ("2020-03-18", 240.00),
    ("2020-03-19", 240.51),
    ("2020-03-20", 228.80),
    ("2020-03-23", 222.95),
)
SEED = 20200219
SHARE, FUTURE = "SPY", "ES-2020-06"
FUTURE_PER_SHARE = 10.0  # the future is marked at ten times the close, about the index it stands for
MULTIPLIERS = {SHARE: 1.0, FUTURE: 5.0}
FUTURE_EXPIRY = "2020-06-19"
NEW_YORK = ZoneInfo("America/New_York")
SHARE_PAID = {"pays": Decimal(1), "pays half": Decimal("0.5"), "is silent": Decimal(0)}


class Crash:
    """Play the crash against one server."""

    def __init__(self, client: Client, accounts: int, console: Console) -> None:
        self._client = client
        self._random = random.Random(SEED)  # noqa: S311 - a demonstration, to be the same each time
        self._answers: dict[str, str] = {}  # of each account's owner to a call
        self._accounts = accounts
        self._position = 0
        self._sequence = 0
        self._close = CLOSES[0][1]
        self._owed: dict[str, Decimal] = {}
        self._totals: dict[str, Decimal] = defaultdict(Decimal)
        self.story = Story(console, lambda name: client.assess(name).margin_ratio)

    def load(self) -> None:
        """Define what is traded, publish the first close, and load the accounts."""
        self._client.define_instruments(
            [
                Instrument(SHARE, InstrumentKind.SPOT, "SPX", "USD", quantity_step=1.0),
                Instrument(
                    FUTURE,
                    InstrumentKind.FUTURE,
                    "SPX",
                    "USD",
                    multiplier=MULTIPLIERS[FUTURE],
                    quantity_step=1.0,
                    expires_ns=_close_ns(FUTURE_EXPIRY),
                ),
            ]
        )
        self._publish(*CLOSES[0])
        price = CLOSES[0][1]
        book = [self._account(number, price) for number in range(self._accounts)]
        for first in range(0, len(book), 250):
            self._client.update_accounts(book[first : first + 250])

    def _account(self, number: int, price: float) -> Account:
        """Draw an account: six in ten long shares on margin, three in ten long futures, one in ten short shares."""
        draw, name = self._random, f"A{number:04d}"
        equity = round(draw.lognormvariate(11.0, 0.9), 2)
        self._answers[name] = draw.choices(tuple(SHARE_PAID), (5, 2, 3))[0]
        kind = draw.choices(("long", "future", "short"), (6, 3, 1))[0]
        account_class = "professional" if draw.random() < 0.1 else "retail"
        if kind == "future":
            contracts = max(
                1.0, round(equity * draw.uniform(1.5, 7.0) / (price * FUTURE_PER_SHARE * MULTIPLIERS[FUTURE]))
            )
            equity = max(equity, contracts * price * FUTURE_PER_SHARE * MULTIPLIERS[FUTURE] * 0.14)
            pool = Pool("", (("USD", round(equity, 2)),), (Position(FUTURE, contracts, price * FUTURE_PER_SHARE),))
        else:
            value = equity * (draw.uniform(1.2, 2.0) if kind == "long" else -draw.uniform(0.3, 1.2))
            shares = round(value / price)
            pool = Pool("", (("USD", round(equity - shares * price, 2)),), (Position(SHARE, shares),))
        return Account(name, account_class, 1, (pool,))

    def play(self) -> None:
        """Let every close happen, and everybody answer it."""
        for date, close in CLOSES:
            self.story.begin_day(date, close)
            if date != CLOSES[0][0]:
                self._pay()
                self._publish(date, close)
            self._follow()
            self.story.end_day()

    def _publish(self, date: str, close: float) -> None:
        moment, self._close = _close_ns(date), close
        self._sequence += 1
        self._client.update_prices(
            self._sequence, [Price(SHARE, close, moment), Price(FUTURE, round(close * FUTURE_PER_SHARE, 2), moment)]
        )

    def _pay(self) -> None:
        """Before the next close, those who answer calls have paid."""
        owed, self._owed = self._owed, {}
        for name, amount in owed.items():
            credited = self._client.deposit(name, "USD", float(amount), who=name, why="answer to a margin call")
            self._totals["deposited"] += credited

    def _follow(self) -> None:
        """Read what the server did until it has nothing more to say, executing what it orders."""
        while heard := list(self._client.watch(after=self._position, until_now=True)):
            for one in heard:
                self._position = one.position
                self.story.hear(one)
                self._answer(one)

    def _answer(self, event: LadderEvent) -> None:
        name, amount = event.account_id, Decimal(event.amount or 0)
        if event.kind in {"call_issued", "call_further"}:
            self._totals["demanded"] += amount
            if paid := (amount * SHARE_PAID[self._answers[name]]).quantize(Decimal("0.01")):
                self._owed[name] = self._owed.get(name, Decimal(0)) + paid
        elif event.kind == "liquidation_ordered":
            self._execute(event)
        elif event.kind == "default_declared":
            self._totals["shortfall"] += amount
        elif event.kind == "waterfall_drawn":
            self._client.record_cover(name, "house_capital", float(amount), who="treasury", why="default waterfall")

    def _execute(self, event: LadderEvent) -> None:
        """Trade what was ordered at the close, and report it."""
        price = {SHARE: self._close, FUTURE: round(self._close * FUTURE_PER_SHARE, 2)}
        fills = [Fill(one.symbol, one.quantity, price[one.symbol]) for one in event.orders]
        self._client.record_liquidation(event.call_id, fills)
        value = sum(abs(one.quantity) * one.price * MULTIPLIERS[one.symbol] for one in fills)
        self._totals["liquidated"] += Decimal(round(value, 2))

    def outcomes(self) -> dict[str, int]:
        """Return how many accounts went through what; one account may count in several lines."""
        seen = self.story.accounts
        lines = {sort: len(accounts) for sort, accounts in seen.items()}
        return {"never touched": len(self._answers) - len(set().union(*seen.values())), **lines}

    def totals(self) -> dict[str, Decimal]:
        """Return amounts over all days, in USD."""
        return {name: self._totals[name] for name in ("demanded", "deposited", "liquidated", "shortfall")}

    def ask(self) -> Counter[str]:
        """Ask for every account whether it may buy a hundred shares more at the last close."""
        order = Order("unnamed", SHARE, 100.0, CLOSES[-1][1])
        answers: Counter[str] = Counter()
        for name in self._answers:
            decision = self._client.check_order(name, order)
            words = ", ".join(Reason(decision.reasons).names).lower().replace("_", " ")
            answers["accepted" if decision.accepted else words] += 1
        return answers


def _close_ns(date: str) -> int:
    """Return the close of New York on a day, 16:00 local time."""
    moment = dt.datetime.combine(dt.date.fromisoformat(date), dt.time(16, 0), NEW_YORK)
    return int(moment.timestamp()) * 1_000_000_000
