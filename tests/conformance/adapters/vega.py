# SPDX-License-Identifier: Apache-2.0
"""
Four margin levels, settlement transfers, liquidation prices and isolated margin, under `rules/vega`.

Sizes of a case are whole numbers of 1 / `position_factor`; orders are [size, price, is it at the market]. Orders at the
market count as filled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from marginrules.limits import MAGNITUDE_MIN
from marginrules.service.distance import measure_distance
from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.world import Settled, World, rulebook, with_changes

FILE = "vega_engine"
MARKET = "FUTURE"
LEVELS = ("search", "initial", "release")
HUNDRED_THOUSANDTHS = 100_000
# A case asks before anything is done: nothing may be cancelled or liquidated by the ladder.
QUIET = [{"step": "default", "below": "0%", "waterfall": ["insurance_fund"]}]
Order = tuple[float, float, bool]


def world(given: dict[str, Any], *, mark: float, **published: float) -> World:
    """Make a world of one market with the parameters of a case."""
    factors = given.get("factors", (1, 1, 1))
    levels = [math.floor(Fraction(str(one)) * HUNDRED_THOUSANDTHS) for one in factors]
    changes: dict[str, Any] = {}
    changes |= {f"parameters.{name}_level.default": level for name, level in zip(LEVELS, levels, strict=True)}
    changes["parameters.linear_slippage.default"] = given.get("linear_slippage", 0)
    changes["parameters.quadratic_slippage.default"] = given.get("quadratic_slippage", 0)
    changes["parameters.in_auction.default"] = int(given.get("auction", False))
    changes["ladders.market.steps"] = QUIET
    made = World(with_changes(rulebook("vega"), changes))
    made.instrument(
        MARKET,
        "perpetual",
        mark,
        underlying=MARKET,
        long_factor=given.get("risk_factor_long", 0.0),
        short_factor=given.get("risk_factor_short", 0.0),
        funding=given.get("funding_per_unit") or 0.0,
        auction_price=given.get("auction_price") or 0.0,
        **published,
    )
    return made


def units(given: dict[str, Any], size: float) -> float:
    """Return a size in units of the market."""
    return float(Fraction(str(size)) / Fraction(str(given.get("position_factor", 1))))


def orders_of(given: dict[str, Any], side: str) -> list[Order]:
    """Return the orders of one side; some cases give a volume only, which counts at the mark."""
    rows = [(size, price, bool(is_market)) for size, price, is_market in given.get(f"{side}_orders", ())]
    volume = given.get(f"{side}_volume", 0)
    return rows + ([(volume, given["mark"], False)] if volume else [])


def signed(rows: Iterable[Order], *, is_market: bool) -> float:
    """Return the size of the orders that are at the market, or of those that are not."""
    return sum(size for size, _, at_market in rows if at_market == is_market)


def place(made: World, given: dict[str, Any]) -> None:
    """Give a world the position and the orders of a case."""
    buys, sells = orders_of(given, "buy"), orders_of(given, "sell")
    held = given["position"] + signed(buys, is_market=True) - signed(sells, is_market=True)
    made.position(MARKET, units(given, held), given["mark"])
    for sign, rows in ((1, buys), (-1, sells)):
        for size, price, is_market in rows:
            if not is_market and size:
                made.order(MARKET, sign * units(given, size), max(price, MAGNITUDE_MIN))


def settled(given: dict[str, Any], balance: float = 0.0) -> Settled:
    """Make an account with the position and the orders of a case, and a balance."""
    made = world(given, mark=given["mark"])
    made.balance("USD", balance)
    place(made, given)
    return made.settle()


def of_market(found: Settled, name: str, **inputs: float) -> float:
    """Return a figure of the one market; nothing where nothing is held or ordered."""
    order = [key for key, _ in found.world.shard.program.figures[name].given]
    return next(iter(found.figures(name, given=[inputs[key] for key in order])), 0.0)


def levels_of(found: Settled) -> dict[str, int]:
    """Return the four levels."""
    assessed = found.assess()
    return {
        "maintenance": round(assessed.maintenance_margin),
        "search": round(of_market(found, "search")),
        "initial": round(assessed.initial_margin),
        "release": round(of_market(found, "release")),
    }


@adapter("vega_ladder", "ladder")
def ladder(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the levels of a requirement: a position at 1 that needs all it is worth."""
    given = {"factors": case["input"]["factors"], "risk_factor_long": 1.0}
    made = world(given, mark=1.0)
    made.position(MARKET, case["input"]["maintenance"], 1.0)
    levels = levels_of(made.settle())
    assert levels["maintenance"] == case["input"]["maintenance"]
    return levels


@adapter(FILE, "cross_maintenance", "cross_ladder")
def cross(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the levels of a position with its orders."""
    found = settled(case["input"])
    return levels_of(found) | {"maintenance_unrounded": of_market(found, "maintenance_unrounded")}


@adapter(FILE, "settlement_transfer")
def transfer(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what a settlement moves."""
    found = settled(case["input"], case["input"]["margin_balance"])
    amount = round(of_market(found, "transfer"))
    action = "margin_low" if amount > 0 else "margin_high" if amount < 0 else "none"
    least = round(of_market(found, "least_transfer"))
    return levels_of(found) | {"action": action, "amount": abs(amount), "min_amount": least}


@adapter(FILE, "order_admission")
def admission(case: Case, _: dict[str, Any]) -> Answers:
    """Answer whether what is available covers initial margin; the position of the case has the order in it."""
    assessed = settled(case["input"], case["input"]["available"]).assess()
    return {
        "initial": round(assessed.initial_margin),
        "accept": assessed.equity >= assessed.initial_margin,
    }


@adapter(FILE, "liquidation_price")
def liquidation_price(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the price at which the margin account holds the maintenance margin and no more."""
    return {"liquidation_price": prices_of(case["input"])["open_volume_only"]}


@adapter(FILE, "liquidation_price_with_orders")
def with_orders(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the same, and where it is if the orders of one side fill on the way."""
    return dict(prices_of(case["input"]))


def prices_of(given: dict[str, Any]) -> dict[str, float | None]:
    """Search liquidation prices; the source says 0 where no price above it is one."""
    made = world(given, mark=given["mark"])
    made.balance("USD", given["collateral"])
    made.position(MARKET, units(given, given["position"]), given["mark"])
    for side, sign in (("buy", 1), ("sell", -1)):
        for size, price, is_market in orders_of(given, side):
            if size:
                limit = 0.0 if is_market else max(price, MAGNITUDE_MIN)
                made.order(MARKET, sign * units(given, size), limit)
    found = made.settle()
    measured = measure_distance(made.shard, found.pool, made.now_ns).underlyings
    names = {"open_volume_only": "open_positions"}
    names |= {f"with_{side}_orders": f"with_{side}_orders" for side in ("buy", "sell")}
    crossings = {name: getattr(measured[0], one) if measured else None for name, one in names.items()}
    prices = {name: 0.0 if one is None else one.price for name, one in crossings.items()}
    # Where requirement and value move alike, all prices are alike.
    if given["position"] and of_market(found, "slope") == 0.0:
        prices["open_volume_only"] = None
    return prices


@adapter(FILE, "isolated_order_margin")
def order_margin(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what open orders of an isolated market need."""
    given = case["input"]
    mark = given["orders"][0]["price"] if given["orders"] else 1.0
    made = world(given, mark=mark)
    made.position(MARKET, units(given, given["position"]), mark)
    for one in given["orders"]:
        sign = 1 if one["side"] == "buy" else -1
        made.order(MARKET, sign * units(given, one["size"]), max(one["price"], MAGNITUDE_MIN))
    return {"order_margin": round(of_market(made.settle(), "order_margin", margin_factor=given["margin_factor"]))}


@adapter(FILE, "isolated_position_change")
def position_change(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what trades move between the accounts of an isolated market."""
    given = case["input"]
    made = world(given, mark=given["trades"][0]["price"])
    made.balance("USD", given["margin_balance"])
    found = made.settle()
    sign = 1 if given["trader_side"] == "buy" else -1
    before = held = given["position_after"] - sign * sum(one["size"] for one in given["trades"])
    value = 0.0
    for one in given["trades"]:
        sizes = {"held": units(given, held), "traded": sign * units(given, one["size"])}
        value = found.figure("value_opened", price=one["price"], before=value, **sizes)
        held += sign * one["size"]
    needed = round(found.figure("entry_margin", opened_value=value, margin_factor=given["margin_factor"]))
    if found.figure("is_turning", held=units(given, before), traded=sign) == 1:
        return {"transfer": "top_up", "amount": round(found.figure("entry_top_up", needed=needed))}
    return {"transfer": "from_order_margin", "amount": needed}
