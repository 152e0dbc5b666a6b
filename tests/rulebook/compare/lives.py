# SPDX-License-Identifier: Apache-2.0
"""
Accounts, prices and times drawn at random, and what a rulebook decides for them.

What is drawn is aimed: at ratios between all thresholds of two rulebooks, and at times between all their waits and
deadlines, so that what differs somewhere is likely to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from marginrules.codes import INVALID_MASK, EventKind, Reason
from marginrules.errors import InputError
from marginrules.escalation.state import Event, LadderState
from marginrules.model import CROSS, Order
from marginrules.rulebook import Program
from marginrules.service import shard as folding
from marginrules.service.decide import decide
from marginrules.service.shard import Shard
from marginrules.units import DAY_NS, SECOND_NS, parse_timestamp_ns

NOW = parse_timestamp_ns("2026-03-02T15:00:00Z") or 0
HOUR_NS = 3600 * SECOND_NS
_EXPIRY = NOW + 90 * DAY_NS
_PRICES = {"BTC-PERP": 50_000.0, "ETH-PERP": 2_000.0, "SOL-PERP": 100.0, "BTC-FUT": 51_000.0, "BTC-CALL": 3_000.0}
_ASSETS = {"BTC": 50_000.0, "BOND": 101.0}
_VALID = int(Reason.RISK_NOT_RAISED)

Data = dict[str, Any]


@dataclass
class Scene:
    """Carry what happens: commands with their times, and which orders are asked about after each."""

    commands: list[tuple[int, str, Data]] = field(default_factory=list)
    orders: list[tuple[str, str, Order]] = field(default_factory=list)
    later: list[int] = field(default_factory=list)  # times at which prices have aged
    executes: bool = False  # rounds of a liquidation are carried out
    waits: list[int] = field(default_factory=list)  # after each command, when time alone is looked at again


@dataclass
class Look:
    """Carry everything that can be seen of one pool at one time."""

    is_valid: bool
    figures: tuple[float, float, float]
    breached: tuple[str, ...]
    state: Any
    restriction: int
    active: dict[str, tuple[bool, int]]  # step -> whether entered because a call went unmet, and since when
    due: tuple[int, ...]
    demanded: Decimal


@dataclass
class Life:
    """Carry what one rulebook decided: looks by (number of the command, pool), orders, and what happened."""

    replies: list[Any] = field(default_factory=list)
    looks: dict[tuple[int, str], Look] = field(default_factory=dict)
    orders: dict[tuple[int, int], Any] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)
    executes: bool = False
    liquidated: dict[str, int] = field(default_factory=dict)  # pool -> number of the first command that had a round

    def decisions(self) -> Any:
        """Return everything, to be equal for two rulebooks that decide the same."""
        return self.replies, {key: vars(one) for key, one in self.looks.items()}, self.orders


# Drawing


def draw_scene(rng: Random, before: Program, after: Program) -> Scene:
    """Return a scene aimed at what two rulebooks say."""
    # The same moments under both rulebooks: what only one of them looks at would be seen earlier under it.
    waits = sorted(int(one) for one in _durations(before) | _durations(after) if one)
    scene = Scene(executes=rng.random() < 0.5, waits=waits)
    scene.commands.append((NOW, "instruments", {"instruments": _instruments()}))
    prices = {name: price * rng.uniform(0.9, 1.1) for name, price in (_PRICES | _ASSETS).items()}
    interest = {name: rng.uniform(0.5e6, 9e6) for name in _PRICES}
    scene.commands.append((NOW, "prices", _market(1, NOW, prices, interest)))
    ratios = _between(_thresholds(before) | _thresholds(after), 0.0, 3.0)
    margins: list[float] = []
    for number in range(8):
        ratio = rng.choice(ratios) * rng.uniform(0.999, 1.001)
        account, margin = _account(f"A-{number}", rng, prices, interest, before, ratio)
        margins.append(margin)
        scene.commands.append((NOW, "accounts", {"accounts": [account]}))
        scene.orders += _orders(rng, f"A-{number}", account)
    scene.commands.append((NOW, "tick", {}))
    now, sequence = NOW, 1
    for wait in _waits(rng, before, after):
        now, sequence = now + wait, sequence + 1
        prices = {
            name: price * (1.0 + rng.choice([0.0, 0.0005, 0.003, 0.02]) * rng.uniform(-1, 1))
            for name, price in prices.items()
        }
        scene.commands.append((now, "prices", _market(sequence, now, prices, interest)))
        if rng.random() < 0.7:
            number = rng.randrange(8)
            pool = scene.orders[3 * number][1]
            paid: Data = {"account": f"A-{number}", "pool": pool, "asset": "USD", "who": "desk", "why": "paid"}
            paid["amount"] = round(max(margins[number], 100.0) * rng.uniform(0.01, 0.3), 2)
            scene.commands.append((now, "deposit", paid))
    ages = {one.max_age_ns for program in (before, after) for one in program.products}
    scene.later = [now + int(one) for one in _between({float(one) for one in ages}, 0.0, 2.0 * max(ages))]
    return scene


def _instruments() -> list[Data]:
    made: list[Data] = [
        {"symbol": name, "kind": 2, "underlying": name[:3], "settlement": "USD"}
        for name in ("BTC-PERP", "ETH-PERP", "SOL-PERP")
    ]
    made.append({"symbol": "BTC-FUT", "kind": 3, "underlying": "BTC", "settlement": "USD", "expires_ns": _EXPIRY})
    option = {"symbol": "BTC-CALL", "kind": 4, "underlying": "BTC", "settlement": "USD", "expires_ns": _EXPIRY}
    return [*made, {**option, "strike": 60_000.0, "right": "call"}]


def _market(sequence: int, now: int, prices: dict[str, float], interest: dict[str, float]) -> Data:
    rows = [{"name": name, "price": price, "time_ns": now} for name, price in prices.items()]
    for row in rows:
        if row["name"] in interest:
            row["open_interest"] = interest[str(row["name"])]
    return {"sequence": sequence, "prices": rows}


def _account(
    name: str, rng: Random, prices: dict[str, float], interest: dict[str, float], program: Program, ratio: float
) -> tuple[Data, float]:
    """Return an account with an equity that gives about this ratio under a rulebook, and its maintenance margin."""
    symbols = rng.sample(sorted(_PRICES), rng.choice([1, 1, 2, 3]))
    pool: Data = {"name": "", "positions": [_position(one, rng, prices) for one in symbols], "balances": []}
    place = rng.random()
    if place < 0.1:
        pool["name"] = symbols[0]
        pool["positions"] = pool["positions"][:1]
    elif place < 0.2 and program.pools:
        pool["name"] = "apart"
    if rng.random() < 0.5:
        pool["balances"].append({"asset": "BTC", "amount": rng.uniform(-0.5, 3.0)})
    if rng.random() < 0.3:
        pool["balances"].append({"asset": "BOND", "amount": rng.uniform(0.0, 900.0)})
    if rng.random() < 0.3:
        symbol = rng.choice(symbols)
        resting = {
            "client_order_id": f"{name}-r",
            "symbol": symbol,
            "quantity": rng.uniform(-1, 1) * 1e4 / prices[symbol],
        }
        pool["orders"] = [{**resting, "price": prices[symbol], "leverage": 5.0}]
    if pool["name"] in symbols:
        pool["orders"] = []
    account = {"account_id": name, "account_class": rng.choices(["retail", "professional", "maker"], [10, 6, 1])[0]}
    probe = Shard()
    made = {**account, "sequence": 1, "pools": [pool]}
    _activate(probe, program)
    _try(probe, "instruments", {"instruments": _instruments()}, NOW)
    _try(probe, "prices", _market(1, NOW, prices, interest), NOW)
    reply = _try(probe, "accounts", {"accounts": [made]}, NOW)
    if isinstance(reply, str):
        return made, 0.0
    found = probe.book.engine.assess(probe.book.pool_id(name, pool["name"]), NOW)
    cash = ratio * found.maintenance_margin - found.equity
    pool["balances"] = [{"asset": "USD", "amount": cash}, *pool["balances"]]
    return made, found.maintenance_margin


def _position(symbol: str, rng: Random, prices: dict[str, float]) -> Data:
    notional = rng.choice([5e3, 3e4, 1e5, 3e5, 2e6]) * rng.uniform(0.5, 1.5) * rng.choice([1, 1, -1])
    entry = 0.0 if symbol == "BTC-CALL" else prices[symbol] * rng.uniform(0.98, 1.02)
    made = {"symbol": symbol, "quantity": notional / prices[symbol], "entry_price": entry}
    return made if rng.random() < 0.1 else {**made, "leverage": float(rng.choice([2, 10, 25]))}


def _orders(rng: Random, account: str, data: Data) -> list[tuple[str, str, Order]]:
    made = []
    for number in range(3):
        symbol = rng.choice(sorted(_PRICES))
        pool = data["pools"][0]["name"]
        size = rng.choice([1e3, 1e4, 1e5]) * rng.uniform(-1, 1) / _PRICES[symbol]
        if number == 0 and data["pools"][0]["positions"]:
            held = rng.choice(data["pools"][0]["positions"])
            symbol, size = held["symbol"], -held["quantity"] * rng.uniform(0.1, 1.5)
        made.append((account, pool, Order(f"o{number}", symbol, size, 0.0, 10.0)))
    return made


def _thresholds(program: Program) -> set[float]:
    found = {0.0}
    for ladder in program.ladders:
        for step in ladder.steps:
            found |= {one for one in (step.below, step.clear, step.clear_after) if one is not None}
            found |= {step.liquidate.until} if step.liquidate and step.liquidate.until < 10 else set()
    return found


def _between(points: set[float], low: float, high: float) -> list[float]:
    """Return a number inside each gap between points."""
    inside = sorted({low, high, *(one for one in points if low < one < high)})
    return [a + (b - a) * 0.5 for a, b in pairwise(inside)]


def _durations(program: Program) -> set[float]:
    """Return every wait, deadline and time between rounds."""
    found = {0.0}
    for ladder in program.ladders:
        for step in ladder.steps:
            found.add(float(step.for_ns))
            if step.call is not None:
                found.add(float(step.call.deadline.duration_ns))
            if step.liquidate is not None:
                found.add(float(step.liquidate.every_ns))
    return found


def _waits(rng: Random, before: Program, after: Program) -> list[int]:
    found = _durations(before) | _durations(after) | {float(HOUR_NS)}
    gaps = _between(found, 0.0, 12.0 * HOUR_NS)
    waits = [rng.choice([*gaps, 5.0 * SECOND_NS, 20.0 * SECOND_NS]) for _ in range(8)]
    return [int(one) for one in (waits if rng.random() < 0.7 else [*waits[:6], 20.0 * HOUR_NS, 24.0 * HOUR_NS])]


# Living


def live(program: Program, scene: Scene) -> Life:
    """Return what a rulebook decides in a scene."""
    shard, life = Shard(), Life(executes=scene.executes)
    _activate(shard, program)
    last = NOW
    for number, (now, kind, data) in enumerate(scene.commands):
        for due in (last + wait for wait in scene.waits if last + wait < now):
            _do(shard, life, scene, number, "tick", {}, due)
        last = now
        _do(shard, life, scene, number, kind, data, now)
        if kind in ("tick", "prices", "deposit"):
            _look(shard, life, number, now)
            _ask(shard, life, scene, number, now)
    for index, now in enumerate(scene.later, start=len(scene.commands)):
        _do(shard, life, scene, index, "tick", {}, now)
        _look(shard, life, index, now)
        _ask(shard, life, scene, index, now)
    return life


def _activate(shard: Shard, program: Program) -> None:
    """Activate without reading the text again, which would take longer than everything else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "load", lambda *_: program)
        shard.apply("activate", {"text": "", "file": "r.yaml", "who": "risk", "why": "test"}, NOW)


def _try(shard: Shard, kind: str, data: Data, now: int) -> Any:
    try:
        return shard.apply(kind, data, now)
    except InputError as error:
        return error.code


def _do(shard: Shard, life: Life, scene: Scene, number: int, kind: str, data: Data, now: int) -> None:
    """Carry a command out, then, where the scene says so, what it ordered."""
    life.prices |= {one["name"]: one["price"] for one in data.get("prices", [])}
    outcome = _try(shard, kind, data, now)
    if isinstance(outcome, str):
        life.replies.append(outcome)
        return
    life.replies.append([_told(one) for one in outcome.events])
    for event in outcome.events:
        if event.kind is EventKind.LIQUIDATION_ORDERED:
            life.liquidated.setdefault(event.pool, number)
            if scene.executes:
                rows = [
                    {"symbol": name, "quantity": size, "price": life.prices[name]}
                    for name, size in event.data["orders"]
                ]
                _do(shard, life, scene, number, "executed", {"liquidation_id": event.call_id, "fills": rows}, now)


def _told(event: Event) -> Data:
    """Return an event without the text of names and reasons, and the places of rules."""
    plain = event.as_json()
    told = {key: value for key, value in plain.items() if key not in ("digest", "ladder", "line", "because")}
    told["data"] = {key: value for key, value in plain.get("data", {}).items() if key != "deadline"}
    return told


def _look(shard: Shard, life: Life, number: int, now: int) -> None:
    book, program = shard.book, shard.program
    for pool in range(book.engine.pool_count):
        found, state = book.engine.assess(pool, now), shard.states.get(pool)
        steps = program.ladders[found.ladder].steps
        entered = program.entered[found.ladder][: found.level]
        label = book.pool_label(pool)
        life.looks[number, label] = Look(
            found.is_valid,
            (found.equity, found.initial_margin, found.maintenance_margin),
            tuple(steps[one].name for one in entered),
            _plain(shard, state),
            int(state.restriction) if state else 0,
            {_name(shard, state, one.step): (one.by_unmet, one.since_ns) for one in state.active} if state else {},
            tuple(one.due_ns for one in state.calls) if state else (),
            sum((one.amount for one in state.calls), Decimal(0)) if state else Decimal(0),
        )


def _name(shard: Shard, state: LadderState, step: int) -> str:
    return shard.programs[state.digest].ladders[state.ladder].steps[step].name


def _plain(shard: Shard, state: LadderState | None) -> Any:
    """Return a state with steps by name."""
    if state is None:
        return None
    calls = [(one.call_id, one.step_name, one.kind, one.amount, one.due_ns, one.deposited) for one in state.calls]
    active = [(_name(shard, state, one.step), one.since_ns, one.by_unmet, one.next_round_ns) for one in state.active]
    pending = [(_name(shard, state, step), since) for step, since in state.pending]
    ending = state.liquidation and (_name(shard, state, state.liquidation.step), state.liquidation.until)
    return calls, active, pending, ending, int(state.restriction), state.shortfall, state.layer


def _ask(shard: Shard, life: Life, scene: Scene, number: int, now: int) -> None:
    for index, (account, pool, order) in enumerate(scene.orders):
        made = decide(shard, account, pool if pool != CROSS else CROSS, order, now)
        life.orders[number, index] = (*made._replace(rule="", digest=""), int(made.reasons))


def is_accepted_for_margin(decision: Any) -> bool:
    """Say whether an order passed with enough margin, not only because it lowers risk."""
    return bool(decision[0]) and not decision[-1] & _VALID


def is_assessed(decision: Any) -> bool:
    """Say whether the pool could be assessed."""
    return not decision[-1] & int(INVALID_MASK)
