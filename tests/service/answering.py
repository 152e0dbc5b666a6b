# SPDX-License-Identifier: Apache-2.0
"""A book for the answers: linear and inverse contracts on coins, and options that are margined together."""

from __future__ import annotations

import math
from typing import Any

from marginrules._core.core import black76
from marginrules.codes import InstrumentKind
from marginrules.service.shard import Shard

NOW = 1_800_000_000_000_000_000
DAY = 86_400 * 10**9
EXPIRY = NOW + 30 * DAY
SPOT = {"BTC": 100.0, "ETH": 10.0}
VOLATILITY = 0.7
PERSON = {"who": "desk", "why": "test"}

RULES = """\
rulebook: answers
currency: USD
increment: 0.01
effective: 2026-01-01T00:00:00Z
collateral:
  USD: {haircut: 0%}
  BTC: {haircut: 10%, cap: 5_000}
  ETH: {haircut: 20%, cap: 1}
scenarios:
  grid:
    combine: {price: [-30%, -20%, -10%, 0%, 10%, 20%, 30%], volatility: [-30%, 50%]}
  crashes:
    rows: [{price: -20%, volatility: 50%, name: crash}, {price: 25%, name: rally}, {price: -5%}]
portfolios:
  options:
    by: [underlying]
    define:
      moved: if(is_option, black_76(forward * (1 + grid.price), years, volatility * (1 + grid.volatility)),
        mark * (1 + grid.price))
      now: if(is_option, black_76(forward, years, volatility), mark)
      loss: worst_loss(total(size * fx * (moved - now)))
    initial: 1.3 * loss + 1% * total(notional)
    maintenance: loss + 0.5% * total(notional)
products:
  perpetuals:
    match: {kind: perpetual}
    margin: {model: tiers, tiers: [{to: 100_000, initial: 10%, maintenance: 5%}, {initial: 20%, maintenance: 10%}]}
  futures:
    match: {kind: future}
    margin: {model: portfolio, portfolio: options}
  options:
    match: {kind: option}
    margin: {model: portfolio, portfolio: options}
ladders:
  main:
    steps:
      - {step: warning, below: 200%, clear: 210%, notify: [client]}
      - step: margin_call
        below: 130%
        clear: 140%
        call: {restore: initial_margin, round_to: 10, minimum_transfer: 20}
        deadline: 4h
      - {step: liquidation, below: 100%, or_after: margin_call unmet, liquidate: all}
"""


def instruments() -> list[dict[str, Any]]:
    """Return the data of everything listed."""
    found: list[dict[str, Any]] = []
    for coin, spot in SPOT.items():
        common = {"underlying": coin, "settlement": "USD"}
        found.append(common | {"symbol": f"{coin}-PERP", "kind": InstrumentKind.PERPETUAL, "quantity_step": 0.1})
        found.append(common | {"symbol": f"{coin}-FUT", "kind": InstrumentKind.FUTURE, "expires_ns": EXPIRY})
        for percent in (70, 90, 100, 110, 140):
            for right in ("call", "put"):
                strike = spot * percent / 100.0
                name = f"{coin}-{'C' if right == 'call' else 'P'}{percent}"
                found.append(
                    common
                    | {"symbol": name, "kind": InstrumentKind.OPTION, "strike": strike, "right": right}
                    | {"expires_ns": EXPIRY, "quantity_step": 0.01}
                )
    coin_settled = {"underlying": "BTC", "settlement": "BTC", "inverse": True, "multiplier": 10.0}
    found.append(coin_settled | {"symbol": "BTC-INVERSE", "kind": InstrumentKind.PERPETUAL, "quantity_step": 1.0})
    return found


def prices(spot: dict[str, float] | None = None, volatility: float | None = VOLATILITY) -> list[dict[str, Any]]:
    """Return the data of prices at which options are worth what the model says."""
    spot = spot or SPOT
    found = [{"name": coin, "price": spot[coin], "time_ns": NOW} for coin in spot]
    for one in instruments():
        level = spot[one["underlying"]]
        fields = {"index": level, "forward": level}
        price = level
        if one["kind"] is InstrumentKind.OPTION:
            sign = 1.0 if one["right"] == "call" else -1.0
            price = max(black76(sign, level, one["strike"], 30 / 365, VOLATILITY)[0], 1e-6)
            if volatility is not None:
                fields["volatility"] = volatility
        found.append({"name": one["symbol"], "price": price, "time_ns": NOW, "fields": fields})
    return found


def shard_with(pools: dict[str, dict[str, Any]], volatility: float | None = VOLATILITY) -> Shard:
    """
    Return a shard with accounts.

    Args:
        pools: account -> {balances: {asset: amount}, positions: {symbol: quantity}, orders: [data]}.
    """
    shard = Shard()
    shard.apply("activate", {"text": RULES, "file": "answers.yaml", **PERSON}, NOW)
    shard.apply("instruments", {"instruments": instruments()}, NOW)
    shard.apply("prices", {"sequence": 1, "prices": prices(volatility=volatility)}, NOW)
    if pools:
        accounts = [account(name, **content) for name, content in pools.items()]
        shard.apply("accounts", {"accounts": accounts}, NOW)
    return shard


def account(
    name: str,
    balances: dict[str, float] | None = None,
    positions: dict[str, float] | None = None,
    orders: list[dict[str, Any]] | None = None,
    sequence: int = 1,
) -> dict[str, Any]:
    """Return the data of an account whose positions were opened at today's price."""
    held = []
    for symbol, quantity in (positions or {}).items():
        entry = 0.0 if symbol[4] in "CP" and symbol[5].isdigit() else SPOT[symbol[:3]]
        held.append({"symbol": symbol, "quantity": quantity, "entry_price": entry})
    pool = {
        "name": "",
        "balances": [{"asset": asset, "amount": amount} for asset, amount in (balances or {}).items()],
        "positions": held,
        "orders": orders or [],
    }
    return {"account_id": name, "account_class": "default", "sequence": sequence, "pools": [pool]}


def deviations(move: float, days: float = 1.0, volatility: float = VOLATILITY) -> float:
    """Return a relative move in standard deviations."""
    return abs(math.log1p(move)) / (volatility * math.sqrt(days / 365))
