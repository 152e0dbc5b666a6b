# SPDX-License-Identifier: Apache-2.0
"""
One account and one market under a rulebook of `rules/`, with the parameters of a case in the place of its own.

What is put into the rulebook is text: a section or a key is replaced, and the whole is checked and compiled like any
other. Nothing here computes a margin.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from marginrules._core.core import Assessment
from marginrules.codes import InstrumentKind
from marginrules.rulebook import Program, load
from marginrules.service.shard import Shard
from marginrules.units import DAY_NS

RULES = Path(__file__).parents[2] / "rules"
NOW_NS = 1_780_000_000 * 1_000_000_000
PERSON = {"who": "conformance", "why": "a published case"}
Change = Mapping[str, Any]


@functools.cache
def rulebook(name: str) -> str:
    """Return the text of a rulebook that ships."""
    return (RULES / name / "rulebook.yaml").read_text(encoding="utf-8")


def with_changes(text: str, changes: Change) -> str:
    """
    Return a rulebook with other values.

    Args:
        changes: path of keys and places in lists, joined by dots -> what stands there instead.
    """
    tree = copy.deepcopy(_parsed(text))
    for path, value in changes.items():
        *way, last = path.split(".")
        node = tree
        for key in way:
            node = node[int(key) if isinstance(node, list) else key]
        node[int(last) if isinstance(node, list) else last] = value
    return yaml.dump(_as_text(tree), sort_keys=False, allow_unicode=True, width=100_000)


@functools.cache
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - our own file, text only


def _as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _as_text(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(one) for one in value]
    return plain(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def plain(number: float) -> str:
    """Write a number with all its digits and no exponent."""
    text = repr(float(number))
    if "e" in text or "E" in text:
        text = f"{number:.25f}".rstrip("0").rstrip(".")
    return text.removesuffix(".0")


@functools.lru_cache(maxsize=256)
def compiled(text: str) -> Program:
    """Return a compiled rulebook, each text once."""
    return load(text.encode(), "conformance.yaml")


@dataclass
class World:
    """Hold one account, `case`, and its market."""

    text: str
    account_class: str = "default"
    now_ns: int = NOW_NS
    shard: Shard = field(default_factory=Shard)
    _instruments: list[dict[str, Any]] = field(default_factory=list)
    _prices: list[dict[str, Any]] = field(default_factory=list)
    _balances: dict[str, float] = field(default_factory=dict)
    _positions: list[dict[str, Any]] = field(default_factory=list)
    _orders: list[dict[str, Any]] = field(default_factory=list)
    _due: dict[str, float] = field(default_factory=dict)
    _sequence: int = 0

    @property
    def _currency(self) -> str:
        found = re.search(r"^currency: (\S+)", self.text, re.MULTILINE)
        assert found is not None
        return found[1]

    def instrument(self, symbol: str, kind: str, mark: float, **more: Any) -> str:
        """
        Define an instrument with its mark.

        Args:
            more: of the instrument (underlying, settlement, multiplier, inverse, strike, right, seconds, days); and
                published fields.
        """
        seconds = more.pop("seconds", None)
        days = more.pop("days", None)
        expires_ns = 0
        if seconds is not None or days is not None:
            expires_ns = self.now_ns + (round(seconds * 1e9) if seconds is not None else round((days or 0) * DAY_NS))
        known = ("underlying", "settlement", "multiplier", "inverse", "strike", "right", "quantity_step")
        own = {key: more.pop(key) for key in known if key in more}
        own.setdefault("underlying", symbol.partition("-")[0])
        own.setdefault("settlement", self._currency)
        self._instruments.append(
            {"symbol": symbol, "kind": InstrumentKind[kind.upper()], "expires_ns": expires_ns} | own
        )
        price: dict[str, Any] = {"name": symbol, "price": mark, "time_ns": self.now_ns}
        if "open_interest" in more:
            price["open_interest"] = more.pop("open_interest")
        self._prices.append(price | {"fields": more})
        return symbol

    def asset_price(self, asset: str, price: float) -> None:
        """Publish the price of an asset."""
        self._prices.append({"name": asset, "price": price, "time_ns": self.now_ns})

    def balance(self, asset: str, amount: float) -> None:
        """Give the account an amount of an asset; negative is borrowed."""
        if amount:
            self._balances[asset] = self._balances.get(asset, 0.0) + amount

    def position(self, symbol: str, quantity: float, entry_price: float = 0.0, leverage: float = 0.0) -> None:
        """Give the account a position; one of nothing is left out."""
        if quantity:
            row = {"symbol": symbol, "quantity": quantity, "entry_price": entry_price, "leverage": leverage}
            self._positions.append(row)

    def order(self, symbol: str, quantity: float, price: float = 0.0) -> None:
        """Give the account an open order."""
        name = f"order-{len(self._orders)}"
        self._orders.append({"client_order_id": name, "symbol": symbol, "quantity": quantity, "price": price})

    def due(self, fees: float = 0.0, funding: float = 0.0) -> None:
        """Let the account owe fees and funding."""
        self._due = {"fees_due": fees, "funding_due": funding}

    def apply(self, kind: str, data: dict[str, Any]) -> Any:
        """Carry out one command."""
        return self.shard.apply(kind, data, self.now_ns)

    def settle(self, pool: str = "") -> Settled:
        """Bring everything to the service."""
        self.apply("activate", {"text": self.text, "file": "conformance.yaml", **PERSON})
        if self._instruments:
            self.apply("instruments", {"instruments": self._instruments})
        if self._prices:
            self._sequence += 1
            self.apply("prices", {"sequence": self._sequence, "prices": self._prices})
        holdings = {
            "name": pool,
            "balances": [{"asset": name, "amount": amount} for name, amount in self._balances.items()],
            "positions": self._positions,
            "orders": self._orders,
        } | self._due
        account = {"account_id": "case", "account_class": self.account_class, "sequence": 1, "pools": [holdings]}
        self.apply("accounts", {"accounts": [account]})
        return Settled(self, self.shard.book.pool_id("case", pool))


@dataclass(frozen=True)
class Settled:
    """Answer for the account of a world."""

    world: World
    pool: int

    def assess(self) -> Assessment:
        """Assess the account; AssertionError where it cannot be assessed."""
        found = self.world.shard.book.engine.assess(self.pool, self.world.now_ns)
        assert found.is_valid, f"reasons {found.flags}"
        return found

    def figures(self, name: str, symbol: str = "", given: Iterable[float] = ()) -> list[float]:
        """Return a figure that the rulebook defines: of the pool, a position, or each group of a portfolio."""
        figure = self.world.shard.program.figures[name]
        instrument = self.world.shard.book.instrument_ids[symbol] if symbol else -1
        flags, rows = self.world.shard.book.engine.figure(
            self.pool, figure.code, figure.of == "pool", instrument, figure.portfolio, self.world.now_ns, tuple(given)
        )
        assert not flags, f"reasons {flags}"
        return [value for _, value in rows]

    def figure(self, name: str, symbol: str = "", /, **given: float) -> float:
        """Return a figure that has one value; what it is given goes by name."""
        order = [key for key, _ in self.world.shard.program.figures[name].given]
        values = self.figures(name, symbol, [given[key] for key in order])
        assert len(values) == 1
        return values[0]
