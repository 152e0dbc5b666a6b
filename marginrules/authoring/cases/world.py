# SPDX-License-Identifier: Apache-2.0
"""
The world of one case: a shard of its own, a market that publishes what the case says, and a clock that stands still.

Time moves from one thing that happens to the next: what falls due, a point of the series, a step of the case. At one
moment they come in this order, so a deadline passes before the price that would have cured it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from marginrules._core.core import Assessment
from marginrules.authoring.cases.entered import state_of
from marginrules.authoring.cases.model import (
    AccountPart,
    Case,
    Closes,
    FigurePart,
    OrderPart,
    PoolPart,
    Quote,
    Step,
    Target,
)
from marginrules.errors import InputError
from marginrules.escalation import ladder
from marginrules.escalation.state import Event, LadderState
from marginrules.limits import MAGNITUDE_MAX
from marginrules.model import Account, OrderDecision
from marginrules.rulebook import Program
from marginrules.rulebook.diagnostic import suggest
from marginrules.service import border
from marginrules.service.decide import decide
from marginrules.service.figures import measure_figures
from marginrules.service.shard import Shard
from marginrules.terms import Ladder
from marginrules.units import DAY_NS

_BY_CASE = {"who": "case", "why": "case"}
_MOMENTS_MAX = 100_000  # from one step of a case to the next
_CORRECTIONS_MAX = 4  # of a balance, until equity is what a series says


Watch = Callable[["World", list[Event]], None]


class World:
    """
    Play one case.

    Args:
        file: of the rulebook, as failures show it.
        watch: told what happened after each command.

    Raises:
        InputError: here and in every method, where a command of the case is refused.
    """

    def __init__(self, case: Case, program: Program, file: str, watch: Watch | None = None) -> None:
        self.case = case
        self.program = program
        self.file = file
        self._watch = watch
        self.shard = Shard()
        self.now_ns = case.start_ns
        self.events: list[Event] = []  # since the last look
        self.log: list[Event] = []
        self._market_sequence = 0
        self._point = 0
        self._points = max((len(one.values) for one in case.series), default=0)
        self._quotes = {one.name: one for one in case.quotes}
        self._gaps: set[str] = set()
        self._note(self.shard.adopt(program, file, **_BY_CASE, now_ns=self.now_ns).events)
        self._apply("instruments", {"instruments": list(case.instruments)})
        if case.closes:
            rows = [self._closes(one) for one in case.closes]
            self._apply("closes", {"series": rows, "replace": True})
        self._read_point()
        self._publish(list(self._open_quotes()))
        for one in case.accounts:
            self._open(one)
        self._point = 1

    # What is asked

    def pool_of(self, step: Step) -> int:
        """Return the pool that a step looks at."""
        return self.shard.book.pool_id(step.account, step.pool)

    def assess(self, pool: int) -> Assessment:
        """Assess a pool now."""
        return self.shard.book.engine.assess(pool, self.now_ns)

    def ladder_of(self, pool: int, assessment: Assessment) -> tuple[Ladder, LadderState | None]:
        """Return the ladder that a pool follows, which an open call may pin, and its state; None: nothing is on."""
        state = self.shard.states.get(pool)
        if state is not None and state.digest:
            return self.shard.programs[state.digest].ladders[state.ladder], state
        return self.program.ladders[assessment.ladder], state

    def said(self) -> list[Event]:
        """Return the events since the last look."""
        events, self.events = self.events, []
        return events

    # What happens

    def go_to(self, target_ns: int) -> None:
        """Let time pass, stopping wherever something falls due or a series has a point."""
        started_ns = self.now_ns
        for _ in range(_MOMENTS_MAX):
            due_ns, point_ns = self.next_due_ns(), self._next_point_ns()
            moment = min(due_ns, point_ns)
            if moment > target_ns:
                break
            self.now_ns = moment
            if due_ns == moment:
                self._keep_quoted()
                self._apply("tick", {})
            if point_ns == moment:
                self._play_point()
        else:
            raise InputError("MR-I113", f"more than {_MOMENTS_MAX:,} things fell due", "let the case end earlier")
        moved, self.now_ns = target_ns > self.now_ns, target_ns
        if moved:
            self._keep_quoted()
        if target_ns > started_ns:
            self._note([])  # time alone makes prices old

    def publish(self, quotes: tuple[Quote, ...]) -> None:
        """Publish prices as of now."""
        for one in quotes:
            self._quotes[one.name] = one
            self._gaps.discard(one.name)
        self._publish(list(quotes))

    def deposit(self, step: Step) -> None:
        """Book the deposits of a step."""
        for asset, amount in step.deposits:
            where = {"account": step.account, "pool": step.pool, "asset": asset, "amount": amount}
            self._apply("deposit", where | _BY_CASE)

    def execute(self, pool: int, fills: tuple[tuple[str, float], ...], filled: float = 1.0) -> None:
        """Trade the liquidation that was ordered last, or a part of each order, at given prices or at the marks."""
        label, prices = self.shard.book.pool_label(pool), dict(fills)
        ordered = next(
            (one for one in reversed(self.log) if one.kind == "liquidation_ordered" and one.pool == label), None
        )
        if ordered is None:
            self._apply("executed", {"liquidation_id": f"{label}#L0", "fills": []})  # is refused, and says why
            return
        rows = []
        for symbol, quantity in ordered.data["orders"]:
            price = prices.get(symbol)
            price = self._quotes[symbol].mark if price is None and symbol in self._quotes else price
            rows.append({"symbol": symbol, "quantity": quantity * filled, "price": price or math.nan, "fee": 0.0})
        self._apply("executed", {"liquidation_id": ordered.call_id, "fills": rows})

    def set_equity(self, step: Step, value: float) -> None:
        """Set the balance in the currency so that equity is a value; prices are published again with it."""
        self._set_equity(Target(step.account, "equity", step.pool), value)
        account = self.shard.book.account(step.account)
        self._apply("accounts", {"accounts": [_row_of(replace(account, sequence=account.sequence + 1))]})

    def measure(self, step: Step, figure: FigurePart) -> tuple[float, ...]:
        """
        Measure a figure; a pool's values, of positions or groups one after another, none of what cannot be said.

        Raises:
            InputError: no figure, position or input is named so.
        """
        found = measure_figures(
            self.shard, self.pool_of(step), self.now_ns, (figure.name,), figure.symbol, dict(figure.given)
        )
        return tuple(value for one in found.figures for row in one.rows for value in row.values)

    def decide(self, step: Step, order: OrderPart) -> OrderDecision:
        """Check an order."""
        return decide(self.shard, step.account, step.pool, border.order(order.row()), self.now_ns)

    # Inside

    def _apply(self, kind: str, data: dict[str, Any]) -> None:
        self._note(self.shard.apply(kind, data, self.now_ns).events)

    def _note(self, events: list[Event]) -> None:
        self.events += events
        self.log += events
        if self._watch is not None:
            self._watch(self, events)

    def next_due_ns(self) -> int:
        """
        Return when something falls due next.

        What is overdue waits for a price; looking again before there is one would find the same.
        """
        due = [
            time
            for state in self.shard.states.values()
            if state.digest
            for time in ladder.due_times(state, self.shard.programs[state.digest].ladders[state.ladder])
        ]
        due += [one.order.expires_ns for held in self.shard.book.orders.values() for one in held.values()]
        return min((one for one in due if one > self.now_ns), default=_NEVER_NS)

    def _next_point_ns(self) -> int:
        if self._point >= self._points:
            return _NEVER_NS
        return self.case.start_ns + self._point * self.case.every_ns

    def _open_quotes(self) -> list[Quote]:
        return [one for name, one in self._quotes.items() if name not in self._gaps]

    def _publish(self, quotes: list[Quote]) -> None:
        if not quotes:
            return
        self._market_sequence += 1
        rows = [one.row(self.now_ns) for one in quotes]
        self._apply("prices", {"sequence": self._market_sequence, "prices": rows})

    def _keep_quoted(self) -> None:
        if self.case.is_quoted:
            self._publish(self._open_quotes())

    def _read_point(self) -> list[tuple[Target, float]]:
        """Take over the prices of the current point; return the equities that it sets."""
        targets = []
        for one in self.case.series:
            if self._point >= len(one.values):
                continue
            value = one.values[self._point]
            if one.target.is_of_pool:
                targets += [(one.target, value)] if value is not None else []
            elif value is None:
                self._gaps.add(one.target.name)
            else:
                self._quotes[one.target.name] = self._moved(one.target, value)
                self._gaps.discard(one.target.name)
        return targets

    def _moved(self, target: Target, value: float) -> Quote:
        before = self._quotes.get(target.name, Quote(target.name, value))
        if target.field == "mark":
            return replace(before, mark=value)
        if target.field == "open_interest":
            return replace(before, open_interest=value)
        return replace(before, fields=tuple(sorted((dict(before.fields) | {target.field: value}).items())))

    def _play_point(self) -> None:
        targets = self._read_point()
        self._point += 1
        quotes = self._open_quotes()
        if targets:
            # Balances follow the new prices before the ladder sees either: what lies between was never there.
            rows = {"sequence": self._market_sequence + 1, "prices": [one.row(self.now_ns) for one in quotes]}
            self.shard.book.set_prices(self.shard.check_prices(rows, self.now_ns))
            for target, value in targets:
                self._set_equity(target, value)
        self._publish(quotes)

    # Accounts

    def _open(self, part: AccountPart) -> None:
        data = {
            "account_id": part.name,
            "account_class": part.account_class,
            "sequence": 1,
            "pools": [self._pool_row(one) for one in part.pools],
        }
        targets = [(Target(part.name, "equity", one.name), one.equity) for one in part.pools if one.equity is not None]
        targets += [
            (one.target, one.values[0])
            for one in self.case.series
            if one.target.is_of_pool and one.target.name == part.name and one.values[0] is not None
        ]
        if targets or any(one.entered for one in part.pools):
            # The ladder sees the account when its equity is right and its steps are entered, not before.
            book = self.shard.book
            (account,) = self.shard.check_accounts({"accounts": [data]})
            book.put_account(account)
            for target, value in targets:
                self._set_equity(target, value)
            for one in part.pools:
                if one.entered:
                    self._enter(part.name, one)
            data = _row_of(replace(book.account(part.name), sequence=book.sequence_of(part.name) + 1))
        self._apply("accounts", {"accounts": [data]})

    def _pool_row(self, part: PoolPart) -> dict[str, Any]:
        return {
            "name": part.name,
            "balances": [{"asset": name, "amount": amount} for name, amount in part.balances],
            "positions": [
                {
                    "symbol": one.symbol,
                    "quantity": one.quantity,
                    "entry_price": self._first_mark(one.symbol) if one.entry_price is None else one.entry_price,
                    "leverage": one.leverage,
                }
                for one in part.positions
            ],
            "orders": [one.row() for one in part.orders],
            "fees_due": part.fees_due,
            "funding_due": part.funding_due,
        }

    def _first_mark(self, symbol: str) -> float:
        quote = self._quotes.get(symbol)
        return quote.mark if quote is not None else 0.0

    def _set_equity(self, target: Target, value: float) -> None:
        """Give a pool the balance in the currency that makes its equity, or its margin ratio, what is wanted."""
        book = self.shard.book
        pool = book.pool_id(target.name, target.pool)
        border.number(target.field, value, -MAGNITUDE_MAX)
        for _ in range(_CORRECTIONS_MAX):
            found = self.assess(pool)
            wanted = value * found.maintenance_margin if target.field == "margin_ratio" else value
            missing = wanted - found.equity
            if not found.is_valid or not math.isfinite(missing) or missing == 0.0:
                return
            if target.field == "margin_ratio" and found.maintenance_margin == 0.0:
                return
            balance = book.balance(pool, self.program.currency) + missing
            border.number("balance", balance, -MAGNITUDE_MAX)
            book.put_account(_with_balance(book.account(target.name), target.pool, self.program.currency, balance))

    def _closes(self, one: Closes) -> dict[str, Any]:
        first_ns = self.now_ns - len(one.closes) * DAY_NS
        times = one.times_ns or tuple(first_ns + day * DAY_NS for day in range(len(one.closes)))
        rows = [{"time_ns": time_ns, "close": close} for time_ns, close in zip(times, one.closes, strict=True)]
        return {"name": one.name, "closes": rows}

    def _enter(self, account: str, part: PoolPart) -> None:
        """Put a pool where its ladder stands as the case begins."""
        pool = self.shard.book.pool_id(account, part.name)
        number, label = self.assess(pool).ladder, self.shard.book.pool_label(pool)
        if part.ladder:
            names = [one.name for one in self.program.ladders]
            if part.ladder not in names:
                message = f"the rulebook has no ladder '{part.ladder}'"
                raise InputError("MR-I102", message, suggest(part.ladder, names))
            number = names.index(part.ladder)
        terms = self.program.ladders[number]
        state = state_of(part.entered, LadderState(label, self.program.digest, number), terms, self.now_ns)
        self.shard.states[pool] = state
        self.shard.calls |= {one.call_id: one for one in state.calls}
        self.shard.book.engine.set_restriction(pool, state.restriction)


_NEVER_NS = 1 << 63


def _with_balance(account: Account, pool: str, asset: str, amount: float) -> Account:
    """Return an account with another balance in one asset of one pool."""
    pools = []
    for one in account.pools:
        if one.name == pool:
            others = tuple((name, held) for name, held in one.balances if name != asset)
            one = replace(one, balances=(*others, (asset, amount)))  # noqa: PLW2901 - the pool as it shall be
        pools.append(one)
    return replace(account, sequence=account.sequence + 1, pools=tuple(pools))


def _row_of(account: Account) -> dict[str, Any]:
    """Return an account as the data of the `accounts` command."""
    return {
        "account_id": account.account_id,
        "account_class": account.account_class,
        "sequence": account.sequence,
        "pools": [
            {
                "name": one.name,
                "balances": [{"asset": name, "amount": amount} for name, amount in one.balances],
                "positions": [
                    {"symbol": p.symbol, "quantity": p.quantity, "entry_price": p.entry_price, "leverage": p.leverage}
                    for p in one.positions
                ],
                "orders": [order._asdict() for order in one.orders],
                "fees_due": one.fees_due,
                "funding_due": one.funding_due,
            }
            for one in account.pools
        ],
    }
