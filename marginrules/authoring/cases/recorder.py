# SPDX-License-Identifier: Apache-2.0
"""Play a case that is made up step by step, and write down as its expectations what the rulebook gives today."""

from __future__ import annotations

from collections.abc import Iterable

from marginrules.authoring.cases.judge import in_words
from marginrules.authoring.cases.making import Stage, number_text
from marginrules.authoring.cases.model import ACCOUNT, Case, FigurePart, OrderPart, Quote, Step
from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.world import World
from marginrules.codes import Reason
from marginrules.errors import InputError
from marginrules.model import Holding
from marginrules.rulebook import Program
from marginrules.units import format_duration

LADDER = ("step",)
MARGINS = ("initial_margin", "maintenance_margin")
Prices = dict[str, dict[str, float]]


class Recorder:
    """
    Record one case.

    Args:
        name: of the case; no two of a file are alike.
        quotes: "held" publishes prices again whenever time passes, "once" lets them grow old.

    Raises:
        InputError: here and in `stop`, where the service refuses what the case does.
    """

    def __init__(self, program: Program, name: str, stage: Stage, quotes: str = "held") -> None:
        self._program = program
        self._head = _head(name, stage, quotes)
        text = "cases:\n" + self._head + "    steps: []\n"
        self.case: Case = read_cases(text.encode(), "boundaries.yaml").cases[0]
        self.world = World(self.case, program, "rulebook.yaml")
        self._lines: list[str] = []
        self._pool = self.world.pool_of(self._step())
        self._published = {name: dict(price) for name, price in stage.prices.items()}

    @property
    def text(self) -> str:
        """Return the case as YAML, an item of the list of cases."""
        return self._head + "    steps:\n" + "".join(self._lines)

    def _step(self) -> Step:
        return Step(self.world.now_ns, ACCOUNT, self.case.accounts[0].pools[0].name)

    def figures(self) -> tuple[float, float, float]:
        """Return equity, IM and MM now; zeros where they cannot be said."""
        found = self.world.assess(self._pool)
        if not found.is_valid:
            return 0.0, 0.0, 0.0
        return found.equity, found.initial_margin, found.maintenance_margin

    @property
    def ordered(self) -> dict[str, float]:
        """Return the orders of the liquidation that awaits its fills, by symbol; none where none does."""
        under_way = [one.liquidation for one in self.world.shard.states.values() if one.liquidation]
        if not any(one.awaiting for one in under_way):
            return {}
        return dict(next(one for one in reversed(self.world.log) if one.kind == "liquidation_ordered").data["orders"])

    def holdings(self) -> tuple[Holding, ...]:
        """Return the positions with what they are worth and require."""
        return self.world.shard.book.holdings(self._pool)

    def mark(self, symbol: str) -> float:
        """Return the last mark of an instrument."""
        return self._published[symbol]["mark"]

    def until(self) -> float | None:
        """Return at which ratio the liquidation under way ends; None where none is."""
        found = [one.liquidation.until for one in self.world.shard.states.values() if one.liquidation]
        return found[0] if found else None

    def stop(
        self,
        *,
        after_ns: int = 0,
        equity: float | None = None,
        prices: Prices | None = None,
        deposit: tuple[str, float] | None = None,
        order: OrderPart | None = None,
        fills: dict[str, float] | None = None,
        filled: float = 1.0,
        look: Iterable[str] = LADDER,
        with_events: bool = True,
    ) -> None:
        """Do what a step of the case does, and write it with what it gives."""
        world, parts = self.world, []
        if after_ns:
            world.go_to(world.now_ns + after_ns)
            parts.append(f"at: {format_duration(world.now_ns - self.case.start_ns)}")
        if prices is not None:
            parts.append(f"prices: {_prices(prices)}")
            world.publish(tuple(_quote(name, one) for name, one in prices.items()))
            self._published |= prices
        if equity is not None:
            equity = float(f"{equity:.12g}")  # as it is written
            world.set_equity(self._step(), equity)
            parts.append(f"equity: {number_text(equity)}")
        if deposit is not None:
            asset, amount = deposit
            world.deposit(Step(world.now_ns, ACCOUNT, self._step().pool, deposits=(deposit,)))
            parts.append(f"deposit: {{{asset}: {number_text(amount)}}}")
        if fills is not None:
            world.execute(self._pool, tuple(fills.items()), filled)
            parts.append(f"execute: {_flow({name: number_text(one) for name, one in fills.items()}) or 'marks'}")
            parts += [f"filled: {number_text(filled)}"] * (filled != 1.0)
        if order is not None:
            parts += self._answer(order)
        else:
            parts.append(f"expect: {self._expected(look)}")
        self._write(parts, [in_words(one) for one in world.said()] if with_events and order is None else None)

    def ask(self, figure: FigurePart) -> None:
        """Ask for a figure and write what it is; nothing where it cannot be measured."""
        try:
            values = self.world.measure(self._step(), figure)
        except InputError:
            return
        given = ", ".join(f"{name}: {number_text(value)}" for name, value in figure.given)
        asked = f"{{name: {figure.name}, given: {{{given}}}}}" if given else figure.name
        shown = ", ".join(number_text(value) for value in values)
        self._write([f"figure: {asked}", f"expect: {{values: [{shown}]}}"], None)

    def _answer(self, order: OrderPart) -> list[str]:
        decision = self.world.decide(self._step(), order)
        reasons = ", ".join(Reason(decision.reasons).names).lower()
        asked = f"symbol: {order.symbol}, quantity: {number_text(order.quantity)}, price: {number_text(order.price)}"
        answer = f"accepted: {_quoted('yes' if decision.accepted else 'no')}, reasons: {_quoted(reasons)}"
        return [f"order: {{{asked}}}", f"expect: {{{answer}, quantity_max: {number_text(decision.quantity_max)}}}"]

    def _expected(self, look: Iterable[str]) -> str:
        found = self.world.assess(self._pool)
        ladder, state = self.world.ladder_of(self._pool, found)
        if not found.is_valid:
            reasons = ", ".join(Reason(found.flags).names).lower()
            return f"{{reasons: {_quoted(reasons)}}}"
        values = {
            "step": _quoted(ladder.steps[state.severity].name if state and state.active else ""),
            "liquidating": _quoted("yes" if state and state.liquidation else "no"),
            "equity": number_text(found.equity),
            "initial_margin": number_text(found.initial_margin),
            "maintenance_margin": number_text(found.maintenance_margin),
            "reasons": '""',
        }
        return "{" + ", ".join(f"{name}: {values[name]}" for name in look) + "}"

    def _write(self, parts: list[str], events: list[str] | None) -> None:
        if events is None:
            self._lines.append(f"      - {{{', '.join(parts)}}}\n")
        elif not events:
            self._lines.append(f"      - {{{', '.join([*parts, 'events: []'])}}}\n")
        else:
            self._lines.append("      - " + "\n        ".join([*parts, "events:"]) + "\n")
            self._lines += [f"          - {line}\n" for line in events]


def _quoted(text: str) -> str:
    return f'"{text}"' if text in ("", "yes", "no") or "," in text else text


def _quote(name: str, price: dict[str, float]) -> Quote:
    fields = tuple((key, value) for key, value in price.items() if key not in ("mark", "open_interest"))
    return Quote(name, price["mark"], price.get("open_interest"), fields)


def _prices(prices: Prices) -> str:
    return "{" + ", ".join(f"{name}: {_price(one)}" for name, one in prices.items()) + "}"


def _price(price: dict[str, float]) -> str:
    if list(price) == ["mark"]:
        return number_text(price["mark"])
    return "{" + ", ".join(f"{key}: {number_text(value)}" for key, value in price.items()) + "}"


def _flow(data: dict[str, str]) -> str:
    if not data:
        return ""
    return "{" + ", ".join(f"{key}: {value}" for key, value in data.items()) + "}"


def _head(name: str, stage: Stage, quotes: str) -> str:
    lines = [f"  - case: {name}", f"    start: {stage.start}", f"    class: {stage.account_class}"]
    lines += [f"    quotes: {quotes}"] if quotes == "held" else []
    lines += ["    instruments:"] * bool(stage.instruments)
    lines += [f"      {symbol}: {_flow(data)}" for symbol, data in stage.instruments.items()]
    lines += ["    closes:", *(f"      {one}: {_flow(data)}" for one, data in stage.closes.items())] * bool(
        stage.closes
    )
    prices = [f"      {one}: {_price(price)}" for one, price in stage.prices.items()]
    lines += ["    prices:", *prices] * bool(prices)
    balances = {asset: number_text(amount) for asset, amount in stage.balances.items()}
    lines.append(f"    balances: {_flow(balances)}")
    lines += ["    positions:"] * bool(stage.positions)
    for symbol, position in stage.positions.items():
        lines.append(f"      {symbol}: {_flow({key: number_text(value) for key, value in position.items()})}")
    lines += ["    orders:", *(f"      - {_flow(one)}" for one in stage.orders)] * bool(stage.orders)
    return "\n".join(lines) + "\n"
