# SPDX-License-Identifier: Apache-2.0
"""Instruments, prices and positions made up to fit a product of a rulebook, where only the rule is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product as combined

from marginrules.codes import RIGHTS, InstrumentKind
from marginrules.machine import PARAMETER_FIRST, Code, Field
from marginrules.model import PRICE_FIELDS, Instrument
from marginrules.rulebook import Program
from marginrules.units import DAY_NS, format_time, parse_timestamp_ns

START = "2026-03-02T15:00:00Z"  # a Monday on which every exchange is open
OTHER = "OTHER"  # an underlying that no rulebook names
_START_NS = parse_timestamp_ns(START) or 0
_FIELD_NAMES = {number: name for name, number in PRICE_FIELDS.items()}
_OF_OPTIONS = (
    "forward",
    "volatility",
    "rate",
    "dividend_yield",
    "delta",
    "forward_confidence",
    "volatility_confidence",
)
# Ordinary values of what is published beside a mark, as shares of the underlying's price where they are prices.
_PUBLISHED = {
    "volatility": 0.6,
    "rate": 0.03,
    "dividend_yield": 0.01,
    "confidence": 1.0,
    "forward_confidence": 1.0,
    "volatility_confidence": 1.0,
    "index_confidence": 1.0,
    "stable_price": 1.0,
    "volume": 1_000_000.0,
    "long_factor": 0.1,
    "short_factor": 0.12,
    "price_range": 0.1,
    "delta": 0.5,
}
_PRICES = {"index": 1.0, "forward": 1.01, "auction_price": 1.0, "funding": 0.001}
_MOVES = "[2%, -1.5%, 1%, -2%, 3%, -2.5%]"
_REPEATS = 120


@dataclass(frozen=True, slots=True)
class Made:
    """
    Carry one instrument that a product matches.

    Args:
        data: as a case writes it.
    """

    symbol: str
    instrument: Instrument
    data: dict[str, str]

    @property
    def is_option(self) -> bool:
        """Say whether it has a strike."""
        return self.instrument.kind is InstrumentKind.OPTION


@dataclass(slots=True)
class Stage:
    """Carry what a case begins with, as a case writes it; prices as numbers by name and field."""

    account_class: str
    start: str = START
    instruments: dict[str, dict[str, str]] = field(default_factory=dict)
    prices: dict[str, dict[str, float]] = field(default_factory=dict)
    positions: dict[str, dict[str, float]] = field(default_factory=dict)
    orders: list[dict[str, str]] = field(default_factory=list)
    balances: dict[str, float] = field(default_factory=dict)
    closes: dict[str, dict[str, str]] = field(default_factory=dict)


def underlyings_of(program: Program, number: int) -> tuple[str, ...]:
    """Return the underlyings that a product's rules tell apart: those it matches or parameters name, and another."""
    named = program.products[number].match.underlyings
    if named:
        return named
    parameters = {name for one in program.models.parameters for name in one.values}
    return (*sorted(parameters), OTHER)


def make(
    program: Program,
    number: int,
    underlying: str,
    *,
    which: int = 1,
    right: str = "call",
    strike: float = 100.0,
    days: float = 30,
    kind: str = "",
) -> Made | None:
    """Return an instrument that the product of a number matches; None where none could be made."""
    for data, symbol in _attempts(program, number, underlying, which, right, kind):
        chosen = InstrumentKind[data["kind"].upper()]
        if chosen in (InstrumentKind.FUTURE, InstrumentKind.OPTION):
            data["expires"] = format_time(_START_NS + int(days * DAY_NS))
        if chosen is InstrumentKind.OPTION:
            data |= {"strike": number_text(strike), "right": data.get("right", right)}
        instrument = Instrument(
            symbol=symbol,
            kind=chosen,
            underlying=data["underlying"],
            settlement=data["settlement"],
            inverse=data.get("inverse") == "yes",
            multiplier=float(data.get("multiplier", "1")),
            expires_ns=parse_timestamp_ns(data["expires"]) or 0 if "expires" in data else 0,
            strike=strike if chosen is InstrumentKind.OPTION else 0.0,
            right=data.get("right", ""),
        )
        if program.product_of(instrument) == number:
            return Made(symbol, instrument, data)
    return None


def _attempts(
    program: Program, number: int, underlying: str, which: int, right: str, kind: str
) -> Iterator[tuple[dict[str, str], str]]:
    match = program.products[number].match
    kinds = [one for one in match.kinds or ("perpetual", "future", "spot", "option") if kind in ("", one)]
    inverse = [match.inverse] if match.inverse is not None else [False]
    names = [one for one in (underlying, *match.underlyings) if not match.underlyings or one in match.underlyings]
    coins = [one for one in match.settlements or (program.currency, *program.assets) if one in program.assets]
    rights = [one for one in match.rights or (right,) if one in RIGHTS]
    for one, name, is_inverse, side in combined(kinds, names, inverse, rights):
        preferred = sorted(coins, key=lambda coin: coin != name if is_inverse or match.settlements else False)
        for coin in preferred:
            for symbol in _symbols(match.symbols, f"{name}-{one.upper()}-{which}"):
                data = {"kind": one, "underlying": name, "settlement": coin}
                data |= {"inverse": "yes", "multiplier": "100"} if is_inverse else {}
                data |= {"right": side} if one == "option" else {}
                if symbol not in program.assets and symbol not in program.pools:
                    yield data, symbol


def _symbols(patterns: tuple[str, ...], plain: str) -> Iterator[str]:
    for one in patterns:
        yield one.replace("*", plain).replace("?", "X")
    if not patterns:
        yield plain


def used_fields(program: Program) -> tuple[str, ...]:
    """Return the names of the published fields that a book's margin formulas read."""
    codes: tuple[Code, ...] = program.models.codes
    read = {Field(number) for one in codes for number in one.fields if number < PARAMETER_FIRST}
    names = {_FIELD_NAMES[one] for one in read if one in _FIELD_NAMES}
    # Formulas of strategies name a leg and a field of it.
    names |= {one.partition(".")[2] for code in codes for one in code.inputs} & set(PRICE_FIELDS)
    return tuple(sorted(names))


def uses(program: Program, number: Field) -> bool:
    """Say whether a margin formula reads a field."""
    return any(number in one.fields for one in program.models.codes)


def price_of(program: Program, made: Made, spot: float, **changed: float) -> dict[str, float]:
    """Return a price and what is published beside it, with the underlying at `spot`."""
    instrument = made.instrument
    mark = spot
    if made.is_option:
        intrinsic = max((spot - instrument.strike) * (1 if instrument.right == "call" else -1), 0.0)
        mark = round(intrinsic + 0.04 * spot, 10)
        if instrument.settlement == instrument.underlying:  # quoted in the coin
            mark = round(mark / spot, 10)
    price = {"mark": mark}
    for name in used_fields(program):
        if name in _OF_OPTIONS and not made.is_option and name not in ("forward", "rate", "volatility"):
            continue
        value = _PUBLISHED[name] if name in _PUBLISHED else round(_PRICES.get(name, 1.0) * spot, 10)
        price[name] = -value if name == "delta" and instrument.right == "put" else value
    if uses(program, Field.OPEN_INTEREST) or has_open_interest(program):
        price["open_interest"] = 0.0
    return price | changed


def has_open_interest(program: Program) -> bool:
    """Say whether tiers of a product scale with open interest."""
    return b"open_interest:" in program.text


def stage_of(program: Program, account_class: str, held: list[tuple[Made, float]], spot: float = 100.0) -> Stage:
    """Return an account with positions at their marks, and nothing else."""
    stage = Stage(account_class)
    for made, quantity in held:
        stage.instruments[made.symbol] = made.data
        stage.prices[made.symbol] = price_of(program, made, spot)
        entry = 0.0 if made.is_option or made.data["kind"] == "spot" else stage.prices[made.symbol]["mark"]
        stage.positions[made.symbol] = {"quantity": quantity, "entry_price": entry, "leverage": 10.0}
        add_asset(program, stage, made.instrument.settlement, spot)
        if program.histories or uses(program, Field.REALIZED_VOLATILITY):
            closes = {"first": "100", "moves": _MOVES, "times": str(_REPEATS)}
            stage.closes[made.instrument.underlying] = closes
    stage.balances[program.currency] = 0.0
    return stage


def add_asset(program: Program, stage: Stage, asset: str, price: float) -> None:
    """Publish the price of an asset beside those of instruments."""
    if asset != program.currency and asset not in stage.prices:
        stage.prices[asset] = {"mark": price, "volatility": 0.3, "deposits": 0.0, "borrows": 0.0}
        text = program.text.decode()
        if "utilisation:" not in text:
            del stage.prices[asset]["deposits"], stage.prices[asset]["borrows"]
        if "volatility:" not in text:
            del stage.prices[asset]["volatility"]


def number_text(value: float) -> str:
    """Write a number as a case has it: exactly, with underscores between groups of three digits."""
    text = format(Decimal(repr(float(value))), ",f").replace(",", "_")
    return text.rstrip("0").rstrip(".") if "." in text else text
