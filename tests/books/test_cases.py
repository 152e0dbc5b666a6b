# SPDX-License-Identifier: Apache-2.0
"""Run the worked examples that stand beside each rulebook in `rules/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from marginrules.codes import InstrumentKind, Reason
from marginrules.escalation.state import Event
from marginrules.service import border
from marginrules.service.decide import decide
from marginrules.service.shard import Outcome, Shard
from marginrules.service.views import view_pool
from marginrules.units import DAY_NS, format_time, parse_rate, parse_timestamp_ns

RULES = Path(__file__).parent.parent.parent / "rules"
BOOKS = sorted(path.parent.name for path in RULES.glob("*/rulebook.yaml"))
LAST_NS = 1 << 61
PERSON = {"who": "desk", "why": "worked example"}


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Return every case of every book; text stays text."""
    found = []
    for book in BOOKS:
        text = (RULES / book / "cases.yaml").read_text(encoding="utf-8")
        found += [(book, case) for case in yaml.load(text, Loader=yaml.BaseLoader)["cases"]]  # noqa: S506 - our own file, text only
    return found


class World:
    """Play one case against one shard."""

    def __init__(self, book: str, case: dict[str, Any]) -> None:
        self.shard = Shard()
        self.now_ns = parse_timestamp_ns(case["start"]) or 0
        self.events: list[Event] = []  # since the last look
        self.log: list[Event] = []
        self.sequence = 0
        text = (RULES / book / "rulebook.yaml").read_text(encoding="utf-8")
        self.apply("activate", {"text": text, "file": book, **PERSON})
        self.apply("instruments", {"instruments": [self.instrument(*one) for one in case["instruments"].items()]})
        if "closes" in case:
            self.apply("closes", {"series": [self.closes(*one) for one in case["closes"].items()], "replace": True})
        self.prices(case["prices"])
        self.case = case
        self.pool_name = case.get("pool", "")
        self.apply("accounts", {"accounts": [self.account(case)]})
        self.pool = self.shard.book.pool_id("example", self.pool_name)

    def apply(self, kind: str, data: dict[str, Any]) -> Outcome:
        """Carry out one command now."""
        outcome = self.shard.apply(kind, data, self.now_ns)
        self.events += outcome.events
        self.log += outcome.events
        return outcome

    def go_to(self, moment: str) -> None:
        """Let time pass, stopping wherever something falls due."""
        target = parse_timestamp_ns(moment)
        assert target is not None, moment
        while (due := self.shard.next_due_ns()) is not None and due <= target:
            self.now_ns = max(due, self.now_ns)
            self.apply("tick", {})
        self.now_ns = target

    def prices(self, prices: dict[str, Any]) -> None:
        """Publish prices as of now: `5`, `5 open interest 1e6`, or `{mark: 5, index: 100, volatility: 20%}`."""
        self.sequence += 1
        rows = [self.price(name, one) for name, one in prices.items()]
        self.apply("prices", {"sequence": self.sequence, "prices": rows})

    def price(self, name: str, given: Any) -> dict[str, Any]:
        """Make the data of a price."""
        if isinstance(given, str):
            mark, _, interest = given.partition(" open interest ")
            given = {"mark": mark, "open_interest": interest or "0"}
        values = {key: literal(text) for key, text in given.items()}
        row = {"name": name, "price": values.pop("mark"), "time_ns": self.now_ns}
        if "open_interest" in values:
            row["open_interest"] = values.pop("open_interest")
        return row | ({"fields": values} if values else {})

    def closes(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        """Make daily closes up to the day before: `first` and then its moves, over and over."""
        moves = [float(one.rstrip("%")) / 100 for one in data["moves"]] * int(data["times"])
        closes = [float(data["first"])]
        for move in moves:
            closes.append(closes[-1] * (1 + move))
        start = self.now_ns - len(closes) * DAY_NS
        rows = [{"time_ns": start + day * DAY_NS, "close": close} for day, close in enumerate(closes)]
        return {"name": name, "closes": rows}

    def instrument(self, symbol: str, data: dict[str, str]) -> dict[str, Any]:
        """Make the data of an instrument."""
        return {
            "symbol": symbol,
            "kind": InstrumentKind[data["kind"].upper()],
            "underlying": data["underlying"],
            "settlement": data["settlement"],
            "multiplier": float(data.get("multiplier", 1)),
            "inverse": data.get("inverse") == "yes",
            "quantity_step": float(data.get("quantity_step", 0)),
            "expires_ns": parse_timestamp_ns(data["expires"]) if "expires" in data else 0,
            "strike": float(data.get("strike", 0)),
            "right": data.get("right", ""),
        }

    def account(self, case: dict[str, Any]) -> dict[str, Any]:
        """Make the snapshot of the case's account."""
        pool = {
            "name": case.get("pool", ""),
            "balances": [{"asset": name, "amount": float(amount)} for name, amount in case["balances"].items()],
            "positions": [
                {"symbol": name} | {key: float(value) for key, value in one.items()}
                for name, one in case.get("positions", {}).items()
            ],
        }
        return {"account_id": "example", "account_class": case["class"], "sequence": 1, "pools": [pool]}

    def order(self, data: dict[str, str]) -> dict[str, Any]:
        """Check an order; return what it was answered."""
        number = {
            "quantity": float(data["quantity"]),
            "price": float(data.get("price", 0)),
            "leverage": float(data.get("leverage", 0)),
        }
        order = border.order({"client_order_id": "example", "symbol": data["symbol"], **number})
        decision = decide(self.shard, "example", self.pool_name, order, self.now_ns)
        return {
            "accepted": "yes" if decision.accepted else "no",
            "reasons": ", ".join(Reason(decision.reasons).names).lower(),
            "quantity_max": decision.quantity_max,
        }

    def execute(self, price: dict[str, str]) -> None:
        """Trade the liquidation that was ordered last, at given prices."""
        ordered = next(one for one in reversed(self.log) if one.kind == "liquidation_ordered")
        fills = [
            {"symbol": symbol, "quantity": quantity, "price": float(price[symbol]), "fee": 0.0}
            for symbol, quantity in ordered.data["orders"]
        ]
        self.apply("executed", {"liquidation_id": ordered.call_id, "fills": fills})

    def standing(self) -> dict[str, Any]:
        """Return how the pool stands."""
        view = view_pool(self.shard, self.pool, self.now_ns)
        return {
            "equity": view.equity,
            "initial_margin": view.initial_margin,
            "maintenance_margin": view.maintenance_margin,
            "margin_ratio": view.margin_ratio,
            "step": view.ladder_step,
            "reasons": ", ".join(view.reasons.names).lower(),
        }

    def said(self) -> list[str]:
        """Return the events since the last look, in words."""
        events, self.events = self.events, []
        return [in_words(one) for one in events]


def literal(text: str) -> float:
    """Read a number, or a rate such as `20%`."""
    rate = parse_rate(text)
    return float(text) if rate is None else float(rate)


def in_words(event: Event) -> str:
    """Say an event in one line: `call_issued margin_call 304.00 due 2026-03-02T14:00:00Z`."""
    words = [event.kind.value, event.step]
    if event.amount is not None:
        words.append(str(event.amount))
    if event.due_ns and event.kind.startswith("call_"):
        words.append(f"due {format_time(event.due_ns)}")
    if event.kind == "liquidation_ordered":
        words += [f"{quantity:+.10g} {symbol}" for symbol, quantity in event.data["orders"]]
    if "restriction" in event.data:
        words.append(event.data["restriction"])
    return " ".join(word for word in words if word)


def compare(found: dict[str, Any], expected: dict[str, str], where: str) -> None:
    """Compare the named fields only; numbers to the eighth digit."""
    for name, wanted in expected.items():
        value = found[name]
        if isinstance(value, float):
            assert value == pytest.approx(float(wanted), rel=1e-8, abs=1e-8), f"{where}: {name}"
        else:
            assert str(value) == wanted, f"{where}: {name}"


@pytest.mark.parametrize(("book", "case"), cases(), ids=lambda one: one if isinstance(one, str) else one["case"])
def test_worked_example(book: str, case: dict[str, Any]) -> None:
    """Each step of a worked example comes out as it is written beside the rulebook."""
    world = World(book, case)
    for number, step in enumerate(case["steps"], start=1):
        where = f"{book}: {case['case']}: step {number}"
        if "at" in step:
            world.go_to(step["at"])
        if "prices" in step:
            world.prices(step["prices"])
        if "deposit" in step:
            asset, amount = next(iter(step["deposit"].items()))
            world.apply(
                "deposit",
                {"account": "example", "pool": world.pool_name, "asset": asset, "amount": float(amount), **PERSON},
            )
        if "execute" in step:
            world.execute(step["execute"])
        if "order" in step:
            compare(world.order(step["order"]), step["expect"], where)
            continue
        compare(world.standing(), step.get("expect", {}), where)
        if "events" in step:
            assert world.said() == (step["events"] or []), where


def test_every_book_has_cases() -> None:
    """Each book that ships has worked examples, and each of its ladders' steps is entered by one of them."""
    entered: dict[str, set[str]] = {book: set() for book in BOOKS}
    for book, case in cases():
        for step in case["steps"]:
            entered[book] |= {line.split()[1] for line in step.get("events") or [] if line.startswith("step_entered")}
    for book in BOOKS:
        shard = World(book, next(case for name, case in cases() if name == book)).shard
        assert {step.name for ladder in shard.program.ladders for step in ladder.steps} <= entered[book], book
