# SPDX-License-Identifier: Apache-2.0
"""An account that its margin model cannot say anything of: refused with the reason, and nobody else is touched."""

from __future__ import annotations

from typing import Any

import pytest

from marginrules.codes import InstrumentKind, Reason
from marginrules.service.shard import Shard
from marginrules.service.views import view_pool
from marginrules.units import DAY_NS

NOW = 1_800_000_000_000_000_000
PERSON = {"who": "desk", "why": "test"}
RULES = """\
rulebook: options
currency: USD
effective: 2026-01-01T00:00:00Z
marks: {max_age: 7d}
collateral:
  USD: {haircut: 0%}
scenarios:
  grid: {rows: [{price: -20%}, {price: 20%}]}
portfolios:
  options:
    by: [underlying]
    define:
      pnl: total(size * (black_76(forward * (1 + grid.price), years, volatility) - mark))
    initial: worst_loss(pnl)
    maintenance: worst_loss(pnl) * 80%
products:
  option: {match: {kind: option}, margin: {model: portfolio, portfolio: options}}
ladders:
  main:
    steps: [{step: liquidation, below: 100%, liquidate: all}]
"""
FIELDS = {"forward": 100.0, "volatility": 0.5}


def option(symbol: str, underlying: str, days: int = 30) -> dict[str, Any]:
    """Make the data of a call."""
    return {
        "symbol": symbol,
        "kind": InstrumentKind.OPTION,
        "underlying": underlying,
        "settlement": "USD",
        "multiplier": 10.0,
        "expires_ns": NOW + days * DAY_NS,
        "strike": 100.0,
        "right": "call",
    }


def shard_with(fields: dict[str, float], days: int = 30) -> Shard:
    """Return a shard in which account `bad` is short of a call with these fields, and `good` of one that has all."""
    shard = Shard()
    shard.apply("activate", {"text": RULES, "file": "options.yaml", **PERSON}, NOW)
    shard.apply("instruments", {"instruments": [option("B", "BBB", days), option("G", "GGG")]}, NOW)
    prices = [
        {"name": name, "price": 6.0, "time_ns": NOW, "fields": given} for name, given in (("B", fields), ("G", FIELDS))
    ]
    shard.apply("prices", {"sequence": 1, "prices": prices}, NOW)
    accounts = [
        {
            "account_id": name,
            "account_class": "default",
            "sequence": 1,
            "pools": [
                {
                    "name": "",
                    "balances": [{"asset": "USD", "amount": 10_000.0}],
                    "positions": [{"symbol": symbol, "quantity": -1.0, "entry_price": 0.0, "leverage": 0.0}],
                }
            ],
        }
        for name, symbol in (("bad", "B"), ("good", "G"))
    ]
    shard.apply("accounts", {"accounts": accounts}, NOW)
    return shard


def hold(shard: Shard, account: str, symbol: str, now: int) -> Any:
    """Ask whether an order is accepted."""
    order = {"client_order_id": f"{account}-{symbol}", "symbol": symbol, "quantity": 1.0, "price": 6.0}
    return shard.apply("hold", {"account": account, "pool": "", "order": order}, now).reply


@pytest.mark.parametrize(
    ("fields", "days", "later", "reason"),
    [
        ({"forward": 100.0}, 30, 0, Reason.MISSING_DATA),
        ({"volatility": 0.5}, 30, 0, Reason.MISSING_DATA),
        ({}, 30, 0, Reason.MISSING_DATA),
        (FIELDS, 3, 3, Reason.EXPIRED_INSTRUMENT),
    ],
)
def test_one_account_is_refused(fields: dict[str, float], days: int, later: int, reason: Reason) -> None:
    """The view shows the reason, orders are refused with it, and the other account is as it always was."""
    now = NOW + later * DAY_NS
    shard, sound = shard_with(fields, days), shard_with(FIELDS)
    bad, good = (shard.book.pool_id(name, "") for name in ("bad", "good"))
    view = view_pool(shard, bad, now)
    assert not view.valid
    assert Reason(view.reasons) == reason
    reply = hold(shard, "bad", "B", now)
    assert not reply["accepted"]
    assert view_pool(shard, good, now) == view_pool(sound, good, now)
    assert view_pool(shard, good, now).valid
    assert hold(shard, "good", "G", now)["accepted"]
    assert not hold(shard, "good", "B", now)["accepted"]
