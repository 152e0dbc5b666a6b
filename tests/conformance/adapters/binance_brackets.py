# SPDX-License-Identifier: Apache-2.0
"""Brackets by notional and liquidation prices, under `rules/binance-usdm` and `rules/isolated-perpetuals`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from marginrules.terms import MarginTier
from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.world import Settled, World, rulebook, with_changes

FILE = "binance_brackets"
SYMBOL = "CASE-PERP"
# Venues whose rate is of the entry value; all others but the one with brackets add the fee of closing.
OF_ENTRY = ("bybit",)
BRACKETS = "binance"


def tiers(floors: Sequence[float], rates: Sequence[float]) -> list[dict[str, Any]]:
    """Return the tiers of a case; what they need to open is not its subject."""
    return [
        {"to": to, "initial": "100%", "maintenance": rate}
        if to is not None
        else {"initial": "100%", "maintenance": rate}
        for to, rate in zip_longest(floors[1:], rates)
    ]


def with_brackets(products: dict[str, list[dict[str, Any]]]) -> str:
    """Return the rulebook with products for symbols of a case."""
    changes = {
        f"products.{symbol.lower().replace('-', '_')}": {
            "match": {"kind": "perpetual", "symbol": symbol},
            "margin": {"model": "tiers", "tiers": rows},
        }
        for symbol, rows in products.items()
    }
    return with_changes(rulebook("binance-usdm"), changes)


def held(text: str, symbol: str, notional: float, leverage: float = 0.0) -> Settled:
    """Make an account that holds a notional, at a mark of 1."""
    made = World(text)
    made.instrument(symbol, "perpetual", 1.0)
    made.position(symbol, notional, 1.0, leverage)
    return made.settle()


def tiers_of(found: Settled, symbol: str) -> tuple[MarginTier, ...]:
    """Return the tiers of an instrument as they were compiled."""
    program, book = found.world.shard.program, found.world.shard.book
    profile = program.profile_of(found.world.account_class, "case")
    return program.margin_tiers[profile][program.product_of(book.instruments[symbol])]


@adapter(FILE, "tier_lookup")
def lookup(case: Case, _: dict[str, Any]) -> Answers:
    """Answer in which bracket a notional lies, and what it keeps."""
    given = case["input"]
    rows = tiers([one["floor"] for one in given["tiers"]], [one["mmr"] for one in given["tiers"]])
    found = held(with_brackets({SYMBOL: rows}), SYMBOL, given["notional"])
    program, book = found.world.shard.program, found.world.shard.book
    product = program.product_of(book.instruments[SYMBOL])
    tier = program.tier_of(program.profile_of(found.world.account_class, "case"), product, given["notional"])
    assert tier is not None
    return {
        "mmr": tier.maintenance,
        "cum": tier.maintenance_deduction,
        "maintenance_margin": found.assess().maintenance_margin,
    }


@adapter(FILE, "bracket_cum")
def deductions(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the deduction of each bracket."""
    given = case["input"]
    found = held(with_brackets({SYMBOL: tiers(given["floors"], given["mmr"])}), SYMBOL, 1.0)
    return {"cum": [one.maintenance_deduction for one in tiers_of(found, SYMBOL)]}


@adapter(FILE, "bracket_margin")
def bracket_margin(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what a notional keeps by the rulebook's own brackets."""
    given = case["input"]
    underlying = given["symbol"].partition("/")[0]
    found = held(rulebook("binance-usdm"), f"{underlying}-PERP", given["notional"], leverage=1.0)
    return {"maintenance_margin": found.assess().maintenance_margin}


@adapter(FILE, "liquidation_price")
def liquidation_price(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the mark at which a position is liquidated, alone or beside others at their marks."""
    given = case["input"]
    if given.get("exchange", BRACKETS) == BRACKETS:
        return {"liquidation_price": of_brackets(given)}
    fixed = {
        "parameters.maintenance_rate": {"default": given["mmr"]},
        "parameters.closing_fee": {"default": given["taker_fee"]},
        "parameters.is_of_entry": {"default": int(given["exchange"] in OF_ENTRY)},
    }
    made = World(with_changes(rulebook("isolated-perpetuals"), fixed))
    hold(made, SYMBOL, given | {"leverage": given["leverage"]}, given["side"])
    return {"liquidation_price": searched(made, given["wallet_balance"])}


def of_brackets(given: dict[str, Any]) -> float | None:
    """Search the price where each position stays in its bracket: below its deduction / rate it would keep nothing."""
    own = given.get("position") or given
    rows = [own, *given.get("other_positions", ())]
    symbols = [SYMBOL, *(f"OTHER{number}-PERP" for number in range(1, len(rows)))]
    brackets = {
        symbol: tiers([0, one["cum"] / one["mmr"]], [0, one["mmr"]]) if one["cum"] else tiers([0], [one["mmr"]])
        for symbol, one in zip(symbols, rows, strict=True)
    }
    made = World(with_brackets(brackets))
    for symbol, one in zip(symbols, rows, strict=True):
        hold(made, symbol, one, one.get("side", given["side"] if one is own else "long"))
    return searched(made, given["wallet_balance"])


def hold(made: World, symbol: str, one: dict[str, Any], side: str) -> None:
    """Give a world one position; where no mark is given, that at entry."""
    made.instrument(symbol, "perpetual", one.get("mark", one["entry"]))
    size = abs(one["size"]) * (1 if side == "long" else -1)
    made.position(symbol, size, one["entry"], one.get("leverage", 0.0))


def searched(made: World, balance: float) -> float | None:
    """Return the liquidation price of the case's own position."""
    made.balance("USDT", balance)
    found = made.settle()
    book = made.shard.book
    return book.engine.liquidation_price(found.pool, book.instrument_ids[SYMBOL], made.now_ns, 1.0)
