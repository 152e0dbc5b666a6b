# SPDX-License-Identifier: Apache-2.0
"""
The demonstration: a real server, a thousand accounts over gRPC, and the real crash of February and March 2020.

The closes of SPY are facts and are typed in below. The future is marked at ten times the close, which is about the
index it stands for. Accounts, and how their owners answer a call, are drawn from a seed; what the server does with them
is not scripted: every warning, call, deadline and liquidation is its own.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from marginrules.client import Client, Fill, LadderEvent
from marginrules.codes import InstrumentKind, Reason
from marginrules.journal import read_entries
from marginrules.model import Account, Instrument, Order, Pool, Position, Price
from marginrules.service.service import recompute
from marginrules.service.shard import Shard
from marginrules.units import format_amount, format_time

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
RULEBOOK = Path("rules/us-broker/rulebook.yaml")
SEED = 20200219
SHARE, FUTURE = "SPY", "ES-2020-06"
FUTURE_PER_SHARE = 10.0
FUTURE_EXPIRY = "2020-06-19"
NEW_YORK = ZoneInfo("America/New_York")
STORIES_PER_DAY = 4
START_SECONDS_MAX = 30.0

# What is worth telling first when a day has more to tell than fits.
TOLD = (
    "default_declared",
    "liquidation_ordered",
    "call_unmet",
    "call_further",
    "call_issued",
    "call_met",
    "call_cured",
)


@dataclass(slots=True)
class Owner:
    """Carry how the owner of an account answers a call."""

    answer: str  # "pays", "pays half", "is silent"
    seen: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Day:
    """Collect what one day brought."""

    date: str
    close: float
    counts: Counter[str] = field(default_factory=Counter)
    stories: list[tuple[int, str]] = field(default_factory=list)


class Demo:
    """Play the crash against one server."""

    def __init__(self, client: Client, accounts: int, console: Console) -> None:
        self._client = client
        self._console = console
        self._random = random.Random(SEED)  # noqa: S311 - a demonstration, to be the same each time
        self._people: dict[str, Owner] = {}
        self._accounts = accounts
        self._position = 0
        self._sequence = 0
        self._owed: dict[str, Decimal] = {}
        self._totals: dict[str, Decimal] = defaultdict(Decimal)
        self.days: list[Day] = []

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
                    multiplier=5.0,
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
        self._people[name] = Owner(draw.choices(("pays", "pays half", "is silent"), (5, 2, 3))[0])
        kind = draw.choices(("long", "future", "short"), (6, 3, 1))[0]
        account_class = "professional" if draw.random() < 0.1 else "retail"
        if kind == "future":
            contracts = max(1.0, round(equity * draw.uniform(1.5, 7.0) / (price * FUTURE_PER_SHARE * 5.0)))
            equity = max(equity, contracts * price * FUTURE_PER_SHARE * 5.0 * 0.14)
            pool = Pool("", (("USD", round(equity, 2)),), (Position(FUTURE, contracts, price * FUTURE_PER_SHARE),))
        else:
            value = equity * (draw.uniform(1.2, 2.0) if kind == "long" else -draw.uniform(0.3, 1.2))
            shares = round(value / price)
            pool = Pool("", (("USD", round(equity - shares * price, 2)),), (Position(SHARE, shares),))
        return Account(name, account_class, 1, (pool,))

    def play(self) -> None:
        """Let every close happen, and everybody answer it."""
        for date, close in CLOSES:
            day = Day(date, close)
            self.days.append(day)
            if date != CLOSES[0][0]:
                self._pay(day)
                self._publish(date, close)
            self._follow(day)
            self._tell(day)

    def _publish(self, date: str, close: float) -> None:
        moment = _close_ns(date)
        self._sequence += 1
        self._client.update_prices(
            self._sequence, [Price(SHARE, close, moment), Price(FUTURE, round(close * FUTURE_PER_SHARE, 2), moment)]
        )

    def _pay(self, day: Day) -> None:
        """Before the next close, those who answer calls have paid."""
        owed, self._owed = self._owed, {}
        for name, amount in owed.items():
            credited = self._client.deposit(name, "USD", float(amount), who=name, why="answer to a margin call")
            self._totals["deposited"] += credited
            day.counts["deposits"] += 1

    def _follow(self, day: Day) -> None:
        """Read what the server did until it has nothing more to say, executing what it orders."""
        while True:
            heard = list(self._client.watch(after=self._position, until_now=True))
            if not heard:
                return
            for one in heard:
                self._position = one.position
                self._hear(day, one)

    def _hear(self, day: Day, event: LadderEvent) -> None:
        person = self._people[event.account_id]
        person.seen.add(event.step if event.kind == "step_entered" else event.kind)
        name = event.step if event.kind == "step_entered" else event.kind
        day.counts[name] += 1
        amount = Decimal(event.amount or 0)
        if event.kind in {"call_issued", "call_further"}:
            self._totals["demanded"] += amount
            share = {"pays": Decimal(1), "pays half": Decimal("0.5"), "is silent": Decimal(0)}[person.answer]
            if share:
                self._owed[event.account_id] = (self._owed.get(event.account_id, Decimal(0)) + amount * share).quantize(
                    Decimal("0.01")
                )
        elif event.kind == "liquidation_ordered":
            self._execute(day, event)
        elif event.kind == "default_declared":
            self._totals["shortfall"] += amount
        elif event.kind == "waterfall_drawn":
            self._client.record_cover(
                event.account_id, "house_capital", float(amount), who="treasury", why="default waterfall"
            )
        self._note(day, event)

    def _execute(self, day: Day, event: LadderEvent) -> None:
        """Trade what was ordered at the close, and report it."""
        price = {SHARE: day.close, FUTURE: round(day.close * FUTURE_PER_SHARE, 2)}
        fills = [Fill(one.symbol, one.quantity, price[one.symbol]) for one in event.orders]
        self._client.record_liquidation(event.call_id, fills)
        multiplier = {SHARE: 1.0, FUTURE: 5.0}
        value = sum(abs(one.quantity) * one.price * multiplier[one.symbol] for one in fills)
        self._totals["liquidated"] += Decimal(round(value, 2))
        is_full = event.step == "full_liquidation"
        self._people[event.account_id].seen.add("fully liquidated" if is_full else "partly liquidated")

    # Telling

    def _note(self, day: Day, event: LadderEvent) -> None:
        if event.kind not in TOLD:
            return
        paid = event.details.get("deposited")  # of a call that was met nothing is due any more
        shown = Decimal(paid) if paid else event.amount
        amount = f"{format_amount(shown):>12} USD" if shown is not None else " " * 16
        due = f"  due {format_time(event.due_ns)[:16]}" if event.due_ns and event.kind.startswith("call_") else ""
        traded = "  " + ", ".join(f"{one.quantity:+g} {one.symbol}" for one in event.orders) if event.orders else ""
        words = event.kind.replace("_", " ")
        rule = f"us-broker:{event.line} {event.ladder}/{event.step}"
        day.stories.append((TOLD.index(event.kind), f"{event.account_id}  {words:<19} {amount}{due}{traded}  [{rule}]"))

    def _tell(self, day: Day) -> None:
        before = self.days[-2].close if len(self.days) > 1 else day.close
        counts = day.counts
        called = counts["call_issued"]
        self._console.print(
            f"[bold]{day.date}[/]  SPY {day.close:7.2f} {day.close / before * 100 - 100:+6.2f}%   "
            f"warned {counts['warning']:3d}  called {called:3d}  again {counts['call_further']:3d}  "
            f"paid {counts['call_met']:3d}  cured {counts['call_cured']:3d}  unmet {counts['call_unmet']:3d}  "
            f"liquidated {counts['liquidation_ordered']:3d}  defaulted {counts['default_declared']:2d}",
            highlight=False,
        )
        # One story of each sort, the gravest first.
        told: set[int] = set()
        for rank, story in sorted(day.stories):
            if rank not in told and len(told) < STORIES_PER_DAY:
                told.add(rank)
                self._console.print(f"    {story}", highlight=False, markup=False)

    def outcomes(self) -> dict[str, int]:
        """Return how many accounts went through what; one account may count in several lines."""
        seen = [person.seen for person in self._people.values()]
        lines: dict[str, Callable[[set[str]], bool]] = {
            "never touched": lambda one: not one,
            "warned": lambda one: "warning" in one,
            "called": lambda one: "call_issued" in one,
            "called again": lambda one: "call_further" in one or "second_call" in one,
            "restricted": lambda one: "restricted" in one,
            "met a call by deposit": lambda one: "call_met" in one,
            "cured": lambda one: "call_cured" in one or "call_met" in one,
            "left a call unmet": lambda one: "call_unmet" in one,
            "partly liquidated": lambda one: "partly liquidated" in one,
            "fully liquidated": lambda one: "fully liquidated" in one,
            "defaulted": lambda one: "default_declared" in one,
        }
        return {name: sum(1 for one in seen if test(one)) for name, test in lines.items()}

    def totals(self) -> dict[str, Decimal]:
        """Return amounts over all days, in USD."""
        return {name: self._totals[name] for name in ("demanded", "deposited", "liquidated", "shortfall")}

    def ask(self) -> Counter[str]:
        """Ask for every account whether it may buy a hundred shares more at the last close."""
        order = Order("unnamed", SHARE, 100.0, CLOSES[-1][1])
        answers: Counter[str] = Counter()
        for name in self._people:
            decision = self._client.check_order(name, order)
            words = ", ".join(Reason(decision.reasons).names).lower().replace("_", " ")
            answers["accepted" if decision.accepted else words] += 1
        return answers


def run(rulebook: Path = RULEBOOK, accounts: int = 1_000, as_json: bool = False) -> int:
    """
    Play the crash, print what happened, and check the journal it left.

    Returns:
        0, or 1 where the journal does not replay to the same decisions.
    """
    console = Console(quiet=as_json, soft_wrap=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="marginrules-demo-") as scratch:
        journal = Path(scratch, "demo.db")
        with _server(rulebook, journal) as port, Client(f"127.0.0.1:{port}") as client:
            console.print(f"server on 127.0.0.1:{port}, rulebook {rulebook}, {accounts:,} accounts\n", highlight=False)
            demo = Demo(client, accounts, console)
            demo.load()
            demo.play()
            answers = demo.ask()
            still_open = sum(1 for _ in client.calls(only_open=True))
        entries = differences = 0
        for entry, difference in recompute(read_entries(journal), Shard()):
            entries, differences = entry.seq, differences + bool(difference)
    seconds = time.monotonic() - started
    if as_json:
        print_json(demo, answers, still_open, entries, differences, seconds)
    else:
        _summary(console, demo, answers, still_open)
        console.print(
            f"\njournal: {entries:,} entries, chain verified, every decision recomputed, {differences} differences"
            f"\n{seconds:.1f} s",
            highlight=False,
        )
    return 1 if differences else 0


def print_json(
    demo: Demo, answers: Counter[str], still_open: int, entries: int, differences: int, seconds: float
) -> None:
    """Print the summary as one JSON object."""
    summary = {
        "accounts": demo.outcomes(),
        "usd": {name: str(amount) for name, amount in demo.totals().items()},
        "open_calls": still_open,
        "orders_asked": dict(answers),
        "journal_entries": entries,
        "replay_differences": differences,
        "seconds": round(seconds, 2),
    }
    sys.stdout.write(json.dumps(summary) + "\n")


def _summary(console: Console, demo: Demo, answers: Counter[str], still_open: int) -> None:
    table = Table(title="\nwhat became of them", title_justify="left")
    table.add_column("accounts that were")
    table.add_column("count", justify="right")
    for name, count in demo.outcomes().items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    money = Table()
    money.add_column("USD")
    money.add_column("amount", justify="right")
    for name, amount in demo.totals().items():
        money.add_row(name, format_amount(amount.quantize(Decimal("0.01"))))
    money.add_row("calls still open", f"{still_open:,}")
    console.print(money)
    asked = ", ".join(f"{count:,} {words}" for words, count in answers.most_common())
    console.print(f"may each buy 100 SPY more at the last close? {asked}", highlight=False)


def _close_ns(date: str) -> int:
    """Return the close of New York on a day, 16:00 local time."""
    moment = dt.datetime.combine(dt.date.fromisoformat(date), dt.time(16, 0), NEW_YORK)
    return int(moment.timestamp()) * 1_000_000_000


@contextmanager
def _server(rulebook: Path, journal: Path) -> Iterator[int]:
    """Run `marginrules serve` in a process of its own on a free port, telling the time of the market."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marginrules", "serve", str(rulebook), "--journal", str(journal)]
    command += ["--port", str(port), "--metrics-port", "0", "--clock", "market"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        _await_port(process, port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server did not start; its own message stands above")
